//! Finding one's own conversations again, by words. Old sentences are checked again here as everywhere: what may not be shown
//! today is found by no word of it.

use super::recall::claims_of;
use super::{App, Asker, Error};
use crate::audit::Event;
use crate::clock::Moment;
use crate::history::{Entry, Listed, Terms};
use crate::names::MessageId;
use crate::vault::Label;

/// Searches of one's history stand in the log only as a digest under this label.
const SEARCH: Label = Label("history search digest");
/// Bytes of a query.
const QUERY_BYTES_MAX: usize = 1024;
/// Conversations given at most.
const FOUND_MAX: usize = 50;
/// Turns of one conversation that are told.
const TURNS_MAX: usize = 3;
/// Turns that are opened for one search.
const OPENED_MAX: usize = 300;

/// A conversation that was found.
#[derive(Debug, Clone)]
pub struct Remembered {
    /// The conversation.
    pub listed: Listed,
    /// Where the words stand in it, the last first; none where they stand in its title alone.
    pub turns: Vec<RememberedTurn>,
}

/// A turn that has the words.
#[derive(Debug, Clone)]
pub struct RememberedTurn {
    /// Which.
    pub message: MessageId,
    /// When it was asked.
    pub asked: Moment,
    /// The question.
    pub question: String,
    /// The first sentence of the answer that has one of the words.
    pub sentence: Option<String>,
}

impl App {
    /// The asker's conversations that have all the words, the last changed first, at most `most` (50 at most).
    pub fn search_history(&self, asker: &Asker, query: &str, most: usize) -> Result<Vec<Remembered>, Error> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(Error::Unreadable(format!("query has at most {QUERY_BYTES_MAX} bytes")));
        }
        if most == 0 || most > FOUND_MAX {
            return Err(Error::Unreadable(format!("limit is 1 to {FOUND_MAX}")));
        }
        let terms = Terms::parse(query);
        let terms = terms.ok_or_else(|| Error::Unreadable("query needs at least one letter or digit".to_owned()))?;
        let owner = self.opened(asker)?;
        let theirs = self.applications.of(&self.directory, owner)?;
        let (mut found, mut opened) = (Vec::new(), 0);
        for candidate in self.history.search(&self.vault, owner, &terms)? {
            // What was asked in an application that one may no longer use is not there until one may again.
            let Some(application) = theirs.iter().find(|one| one.id == candidate.listed.application) else { continue };
            let (sight, ready) = (self.sight_in(asker, application)?, self.ready_of(application));
            let mut turns = Vec::new();
            for sequence in candidate.turns {
                if turns.len() == TURNS_MAX || opened == OPENED_MAX {
                    break;
                }
                opened += 1;
                let entry = self.history.turn_at(&self.vault, owner, &candidate.listed.id, sequence)?;
                if let Some(entry) = entry {
                    let shown = self.shown_again(&sight, &ready, candidate.listed.id, &entry)?;
                    turns.extend(remembered(&entry, &claims_of(&shown), &terms));
                }
            }
            if candidate.is_titled || !turns.is_empty() {
                found.push(Remembered { listed: candidate.listed, turns });
            }
            if found.len() == most {
                break;
            }
        }
        // Sentences of pages are among what is found.
        let receipt = self.audit.append(&Event::Remembered {
            user: owner,
            query: self.vault.keyed_digest(&SEARCH, query.as_bytes()),
            found: u32::try_from(found.len()).unwrap_or(u32::MAX),
        })?;
        tracing::debug!(leaf = receipt.leaf(), "searched a history");
        Ok(found)
    }
}

/// The turn, where it has every term in what may be shown of it.
fn remembered(entry: &Entry, sentences: &[&str], terms: &Terms) -> Option<RememberedTurn> {
    let comment = entry.feedback.as_ref().and_then(|feedback| feedback.comment.as_deref());
    let own = [Some(entry.question.as_str()), comment].into_iter().flatten();
    let texts: Vec<&str> = own.chain(sentences.iter().copied()).collect();
    terms.are_in(&texts).then(|| RememberedTurn {
        message: entry.message,
        asked: entry.asked,
        question: entry.question.as_str().to_owned(),
        sentence: sentences.iter().find(|sentence| terms.touch(sentence)).map(|sentence| (*sentence).to_owned()),
    })
}
