//! Finding one's own conversations again, by words.
//!
//! The words of each turn stand sealed beside it, so a search opens those and not the turns, and nothing of them is anywhere in
//! clear. What it gives are candidates: which of an old answer's sentences may be shown today is for the caller to say, and a
//! turn that has the words in no other sentence is none that was found.

use std::cmp::Reverse;

use super::kept::Spot;
use super::words::{Words, folded};
use super::{Entry, Error, History, Listed, listed, title};
use crate::names::{ConversationId, UserId};
use crate::vault::{ConversationKey, Vault};

/// What is looked for: every term must begin a word.
pub struct Terms(Vec<String>);

/// Terms that are looked at.
const TERMS_MAX: usize = 16;

/// A conversation that may have the words.
pub struct Candidate {
    /// The conversation.
    pub listed: Listed,
    /// Whether its title has all of them.
    pub is_titled: bool,
    /// The places of the turns that may have them, the last first.
    pub turns: Vec<u64>,
}

impl Terms {
    /// The terms of a query; `None` where it has no letter and no digit.
    pub fn parse(query: &str) -> Option<Terms> {
        let mut terms: Vec<String> = folded(query).take(TERMS_MAX).collect();
        // The longest first: it is in the fewest turns.
        terms.sort_by_key(|term| Reverse(term.len()));
        terms.dedup();
        (!terms.is_empty()).then_some(Terms(terms))
    }

    /// Whether these texts together have every term.
    pub fn are_in(&self, texts: &[&str]) -> bool {
        let words: Vec<String> = texts.iter().flat_map(|text| folded(text)).collect();
        self.0.iter().all(|term| words.iter().any(|word| word.starts_with(term.as_str())))
    }

    /// Whether this text has one of them.
    pub fn touch(&self, text: &str) -> bool {
        folded(text).any(|word| self.0.iter().any(|term| word.starts_with(term.as_str())))
    }

    fn fit(&self, words: &Words) -> bool {
        self.0.iter().all(|term| words.begin_with(term))
    }
}

impl History {
    /// A person's conversations that may have the words, the last changed first.
    pub fn search(&self, vault: &Vault, owner: &UserId, terms: &Terms) -> Result<Vec<Candidate>, Error> {
        let keys = vault.keyring(owner)?;
        let mut found = Vec::new();
        for id in self.kept.conversations_of(owner)? {
            let Ok(key) = keys.key(&id) else { continue };
            let Some(head) = self.head(owner, &id, Some(&key))? else { continue };
            let title = title::open(&head.title, &key, owner, &id);
            let is_titled = title.is_some_and(|title| terms.are_in(&[&title]));
            let mut turns = Vec::new();
            for sequence in (0..head.turns).rev() {
                let spot = Spot { owner: *owner, conversation: id, sequence };
                if self.words_of(&spot, &key)?.is_some_and(|words| terms.fit(&words)) {
                    turns.push(sequence);
                }
            }
            if is_titled || !turns.is_empty() {
                found.push(Candidate { listed: listed(owner, id, &head, Some(&key)), is_titled, turns });
            }
        }
        found.sort_by_key(|candidate| Reverse((candidate.listed.changed, candidate.listed.id)));
        Ok(found)
    }

    /// One turn of a person's conversation; `None` where it does not open.
    pub fn turn_at(
        &self,
        vault: &Vault,
        owner: &UserId,
        conversation: &ConversationId,
        sequence: u64,
    ) -> Result<Option<Entry>, Error> {
        let key = self.key_of_visible(vault, owner, conversation)?;
        self.open_entry(&Spot { owner: *owner, conversation: *conversation, sequence }, Some(&key))
    }

    /// The words of a turn; made again where they are missing (a turn of before they were kept) or damaged. `None` where the
    /// turn does not open either.
    fn words_of(&self, spot: &Spot, key: &ConversationKey) -> Result<Option<Words>, Error> {
        let sealed = self.kept.words(spot)?;
        match sealed.and_then(|sealed| sealed.open(key, &spot.place_of_words()).ok()) {
            Some(words) => Ok(Some(words)),
            None => Ok(self.open_entry(spot, Some(key))?.map(|entry| Words::of(&entry))),
        }
    }
}
