//! What looks like a secret in which page: kinds and counts, never a value, never a word around it.
//!
//! Somebody wrote the key of the payment system into `Runbook`, which all of the company may read. Nobody searches for it, until
//! somebody does. So each page's words are looked through once, when they come, and what is kept is that `Runbook` has one
//! thing that looks like a cloud key. Who looks after the wiki's grants is told that; to see the key they must be able to open
//! the page, and then they see it there.
//!
//! Always true here:
//! - What is kept of a page is its id, kinds and counts. Neither a value nor its place nor its length is.
//! - Every pattern is matched in time linear in the text, of which a bounded part is looked at: no page makes it slow.
//! - What is found is a hint for a person: a pattern that fits is no proof, and one that does not is none either.
//!
//! Uses: `corpus`, `store`. Begin at [`Exposures`]; `pattern.rs` is pure.

mod pattern;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::corpus::DocumentId;
use crate::store::{self, Batch, Changes, Store, Tree, json_record};

pub use pattern::{Kind, Patterns};

/// Grows whenever a pattern changes: then every page is looked through again.
const EDITION: u32 = 1;

/// What was found in one document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Found(BTreeMap<Kind, u32>);

json_record!(Found, 1);

impl Found {
    /// Each kind with how often it was found.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u32)> + '_ {
        self.0.iter().map(|(kind, count)| (*kind, *count))
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what another text of the same document has.
    pub fn add(&mut self, kind: Kind, count: u32) {
        let sum = self.0.entry(kind).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// How far the words were looked through, and by which edition of the patterns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Reached {
    edition: u32,
    /// The number of the last change of words that was looked at.
    words: u64,
}

json_record!(Reached, 1);

const REACHED: &str = "reached";

/// What was found in all documents.
pub struct Exposures {
    store: Store,
    found: Tree<String, Found>,
    reached: Tree<String, Reached>,
    patterns: Patterns,
}

impl Exposures {
    /// Opens what is kept.
    pub fn open(store: &Store) -> Result<Exposures, store::Error> {
        Ok(Exposures {
            store: store.clone(),
            found: store.tree("exposure.found")?,
            reached: store.tree("exposure.reached")?,
            patterns: Patterns::new(),
        })
    }

    /// What texts are looked through with.
    pub fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The number of the last change of words that was looked at; 0 where all are to be looked at anew.
    pub fn reached(&self) -> Result<u64, store::Error> {
        let kept = self.reached.get(&REACHED.to_owned())?.unwrap_or_default();
        Ok(if kept.edition == EDITION { kept.words } else { 0 })
    }

    /// Keeps what was found in some documents, and that words were looked at up to a number.
    pub fn keep(&self, looked_at: &[(DocumentId, Found)], words: u64) -> Result<(), store::Error> {
        let (mut found, mut reached) = (Batch::new(), Batch::new());
        for (id, one) in looked_at {
            match one.is_empty() {
                true => found.remove(&id.as_str().to_owned()),
                false => found.put(&id.as_str().to_owned(), one),
            }
        }
        reached.put(&REACHED.to_owned(), &Reached { edition: EDITION, words });
        let mut changes = Changes::new();
        changes.add(&self.found, found);
        changes.add(&self.reached, reached);
        self.store.make(changes)
    }

    /// Forgets documents that are there no more.
    pub fn forget(&self, is_there: impl Fn(&DocumentId) -> bool) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        for key in self.found.keys_under(&[]) {
            let key = key?;
            if !DocumentId::parse(&key).is_some_and(|id| is_there(&id)) {
                batch.remove(&key);
            }
        }
        self.found.apply(batch)
    }

    /// Every document in which something was found.
    pub fn all(&self) -> Result<Vec<(DocumentId, Found)>, store::Error> {
        let mut all = Vec::new();
        for read in self.found.all() {
            let (key, found) = read?;
            let unreadable = store::Error::Unreadable { tree: "exposure.found", why: "its key is no document id" };
            all.push((DocumentId::parse(&key).ok_or(unreadable)?, found));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_kinds_and_counts_and_goes_when_the_page_is_clean_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let exposures = Exposures::open(&store).unwrap();
        let id = |n: &str| DocumentId::new("wiki", n).unwrap();
        let found = |text: &str| {
            let mut found = Found::default();
            exposures.patterns().look(text, &mut found);
            found
        };
        let bad = found("The key is AKIAIOSFODNN7EXAMPLE, and again AKIAIOSFODNN7EXAMPLE.");

        exposures.keep(&[(id("1"), bad.clone()), (id("2"), bad.clone()), (id("3"), found("Clean."))], 7).unwrap();

        assert_eq!(exposures.all().unwrap(), [(id("1"), bad.clone()), (id("2"), bad)]);
        assert_eq!(exposures.all().unwrap()[0].1.kinds().collect::<Vec<_>>(), [(Kind::CloudKey, 2)]);
        assert_eq!(exposures.reached().unwrap(), 7);
        exposures.keep(&[(id("1"), Found::default())], 9).unwrap();
        exposures.forget(|document| *document != id("2")).unwrap();
        assert!(exposures.all().unwrap().is_empty());
    }
}
