//! Reading old conversations: each sentence is checked again against what its owner may read now.

use super::ask::{Cited, Numbered, claims};
use super::responses::Ready;
use super::sight::Sight;
use super::told::{Outcome, Reply, ToldClaim, Turn, WITHHELD};
use super::{App, Asker, Error};
use crate::answer::{Answer, Claim, Related};
use crate::audit::Event;
use crate::corpus::PassageId;
use crate::history::{Entry, Feedback, Listed, Read};
use crate::names::{ConversationId, MessageId};

/// Reasons a person may give with a rating; anything else is no code and would be words in the log.
const REASON_BYTES_MAX: usize = 40;
/// Reasons with one rating.
const REASONS_MAX: usize = 12;
/// The longest comment, in bytes.
const COMMENT_BYTES_MAX: usize = 4096;
/// The longest title, in characters.
const TITLE_CHARS_MAX: usize = 200;

/// The sentences of a recalled answer that may be shown.
pub(super) fn claims_of(reply: &Reply) -> Vec<&str> {
    reply.claims.iter().filter(|claim| !claim.is_withheld).map(|claim| claim.text.as_str()).collect()
}

impl App {
    /// The asker's conversations in the applications they may use now, the last changed first.
    pub fn conversations(&self, asker: &Asker) -> Result<Vec<Listed>, Error> {
        let theirs = self.applications.of(&self.directory, asker.user())?;
        let mut all = self.history.list(&self.vault, self.opened(asker)?)?;
        all.retain(|listed| theirs.iter().any(|one| one.id == listed.application));
        Ok(all)
    }

    /// One of the asker's conversations, for a file they take away: what a full seat has.
    pub fn export(&self, asker: &Asker, conversation: &ConversationId) -> Result<(Listed, Vec<Turn>), Error> {
        self.full_seats_only(asker)?;
        self.recall(asker, conversation)
    }

    /// One of the asker's conversations, checked again against what they may read now.
    pub fn recall(&self, asker: &Asker, conversation: &ConversationId) -> Result<(Listed, Vec<Turn>), Error> {
        let (listed, read) = self.history.read(&self.vault, self.opened(asker)?, conversation)?;
        // What was asked in an application that one may no longer use is not there until one may again.
        let application = self.application_of(asker.user(), Some(listed.application.as_str()))?;
        let (sight, ready) = (self.sight_in(asker, &application)?, self.ready_of(&application));
        let mut withheld = 0;
        let mut shown = Vec::new();
        let mut turns = Vec::with_capacity(read.len());
        for turn in &read {
            turns.push(match turn {
                Read::Unreadable => Turn::Unreadable,
                Read::Entry(entry) => {
                    let reply = self.shown_again(&sight, &ready, *conversation, entry)?;
                    shown.extend(reply.sources.iter().flat_map(|source| &source.passages).map(|one| one.id.clone()));
                    withheld += reply.claims.iter().filter(|claim| claim.is_withheld).count();
                    Turn::Read {
                        parent: entry.parent,
                        asked: entry.asked,
                        question: entry.question.as_str().to_owned(),
                        reply: Box::new(reply),
                        feedback: entry.feedback.clone(),
                    }
                }
            });
        }
        let withheld = u32::try_from(withheld).unwrap_or(u32::MAX);
        fail::fail_point!("turns read");
        let receipt =
            self.audit.append(&Event::Recalled { user: asker.user(), conversation, withheld, shown: &shown })?;
        tracing::debug!(leaf = receipt.leaf(), "recalled");
        Ok((listed, turns))
    }

    /// Gives it another title.
    pub fn rename(&self, asker: &Asker, conversation: &ConversationId, title: &str) -> Result<(), Error> {
        let title = title.trim();
        if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX || title.chars().any(char::is_control) {
            return Err(Error::Unreadable(format!("a title has 1 to {TITLE_CHARS_MAX} characters on one line")));
        }
        Ok(self.history.rename(&self.vault, self.opened(asker)?, conversation, title)?)
    }

    /// Deletes it: hidden at once, its key destroyed when the time to undo has passed.
    pub fn delete(&self, asker: &Asker, conversation: &ConversationId) -> Result<(), Error> {
        Ok(self.history.delete(asker.user(), conversation, self.now())?)
    }

    /// Deletes all of the asker's conversations; gives how many.
    pub fn delete_all(&self, asker: &Asker) -> Result<usize, Error> {
        Ok(self.history.delete_all(asker.user(), self.now())?)
    }

    /// Brings it back, in time.
    pub fn undo(&self, asker: &Asker, conversation: &ConversationId) -> Result<(), Error> {
        Ok(self.history.undo(asker.user(), conversation, self.now())?)
    }

    /// Keeps what the asker thinks of an answer. The log has the rating and the codes; the comment is sealed.
    pub fn rate(&self, asker: &Asker, message: &MessageId, feedback: Feedback) -> Result<(), Error> {
        if !matches!(feedback.rating.as_str(), "up" | "down") {
            return Err(Error::Unreadable("rating is \"up\" or \"down\"".to_owned()));
        }
        let is_code = |reason: &String| {
            !reason.is_empty()
                && reason.len() <= REASON_BYTES_MAX
                && reason.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        if feedback.reasons.len() > REASONS_MAX || !feedback.reasons.iter().all(is_code) {
            return Err(Error::Unreadable(format!(
                "reasons are at most {REASONS_MAX} codes of lower-case letters and '_', {REASON_BYTES_MAX} bytes each"
            )));
        }
        if feedback.comment.as_ref().is_some_and(|comment| comment.len() > COMMENT_BYTES_MAX) {
            return Err(Error::Unreadable(format!("a comment has at most {COMMENT_BYTES_MAX} bytes")));
        }
        let (rating, reasons) = (feedback.rating.clone(), feedback.reasons.clone());
        self.history.rate(&self.vault, self.opened(asker)?, message, feedback)?;
        let rated = Event::Rated { user: asker.user(), message, rating: &rating, reasons: &reasons };
        let receipt = self.audit.append(&rated)?;
        self.count_rating(asker.user(), message, rating == "up", &reasons);
        tracing::debug!(leaf = receipt.leaf(), "rated");
        Ok(())
    }

    /// What an old answer cites, as it stands today. A page that was changed since keeps its place among the sources, without
    /// the words it no longer has.
    fn cited_again(&self, sight: &Sight, id: &PassageId) -> Option<Cited> {
        let head = self.head(sight, &id.document).ok().flatten()?;
        let reread = self.index.reread(&sight.visibility, id).ok().flatten();
        Some(Cited {
            head,
            passage: reread.map(|found| found.passage().clone()),
            permissions_as_of: self.permissions_as_of(&id.document).ok().flatten(),
        })
    }

    /// Whether an old claim has words that the settings block today.
    fn blocks_again(&self, sight: &Sight, ready: &Ready, claim: &Claim) -> Result<bool, Error> {
        if ready.phrases.is_empty() {
            return Ok(false);
        }
        let mut found = Vec::new();
        for citation in claim.citations() {
            found.extend(self.index.reread(&sight.visibility, &citation.passage)?);
        }
        Ok(ready.blocks(claim, &found))
    }

    /// An old answer as it may be shown now.
    pub(super) fn shown_again(
        &self,
        sight: &Sight,
        ready: &Ready,
        conversation: ConversationId,
        entry: &Entry,
    ) -> Result<Reply, Error> {
        let mut sources = Numbered::masking(&ready.phrases);
        let mut told = Vec::new();
        for claim in claims(&entry.answer) {
            if !self.admits_claim(sight, claim)? || self.blocks_again(sight, ready, claim)? {
                told.push(ToldClaim { text: WITHHELD.to_owned(), citations: Vec::new(), is_withheld: true });
                continue;
            }
            told.push(sources.cite(claim, &|id| self.cited_again(sight, id)).0);
        }
        let (outcome, withheld, related) = match &entry.answer {
            Answer::Grounded { withheld, .. } => (Outcome::Answered, *withheld, &[][..]),
            Answer::Unanswered { related, .. } => (Outcome::Refused, 0, &related[..]),
            Answer::Stopped { .. } => (Outcome::Stopped, 0, &[][..]),
        };
        let mut related_now = Vec::new();
        for page in related {
            // Title, space and address as they are now: what was renamed under a restriction must not be told by its old name.
            let head = self.head(sight, &page.document)?;
            if let Some(head) = head.filter(|head| !ready.blocks_page(&head.title, &head.url)) {
                related_now.push(Related {
                    document: head.id,
                    class: page.class,
                    title: head.title,
                    space: head.space,
                    url: head.url,
                });
            }
        }
        Ok(Reply {
            conversation,
            message: entry.message,
            outcome,
            mode: entry.mode,
            claims: told,
            withheld,
            refusal: ready.refusal(&entry.answer),
            sources: sources.into_sources(),
            related: related_now,
            // They were made of passages of that day; new ones come with the next answer.
            follow_ups: Vec::new(),
        })
    }
}
