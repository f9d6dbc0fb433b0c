//! Filters that an auditor keeps under a name, each auditor their own.

use serde::{Deserialize, Serialize};

use super::Error;
use crate::names::UserId;
use crate::store::{self, Store, Tree, first_of};

/// Filters of one auditor at most.
const SAVED_MAX: usize = 50;
/// The longest name, in characters.
const NAME_CHARS_MAX: usize = 80;
/// The longest filter, in bytes.
const QUERY_BYTES_MAX: usize = 2_000;

/// A filter as its auditor wrote it: the query of the page's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFilter {
    /// What it is called.
    pub name: String,
    /// The query of a search, as in an address.
    pub query: String,
}

store::json_record!(SavedFilter, 1);

/// Everybody's filters.
pub struct Saved(Tree<([u8; 16], String), SavedFilter>);

impl Saved {
    /// Opens what is kept in the store.
    pub fn open(store: &Store) -> Result<Saved, store::Error> {
        Ok(Saved(store.tree("audit.saved")?))
    }

    /// One auditor's filters, by name.
    pub fn of(&self, auditor: &UserId) -> Result<Vec<SavedFilter>, store::Error> {
        self.0.under(&first_of(auditor.as_bytes())).map(|saved| Ok(saved?.1)).collect()
    }

    /// Keeps a filter under its name.
    pub fn keep(&self, auditor: &UserId, filter: &SavedFilter) -> Result<(), Error> {
        let wrong = |why: String| Err(Error::Unfit(why));
        let letters = filter.name.chars().count();
        if letters == 0 || letters > NAME_CHARS_MAX || filter.name.chars().any(char::is_control) {
            return wrong(format!("the name of a filter has 1 to {NAME_CHARS_MAX} characters on one line"));
        }
        if filter.query.len() > QUERY_BYTES_MAX {
            return wrong(format!("a filter has at most {QUERY_BYTES_MAX} bytes"));
        }
        let kept = self.of(auditor)?;
        if kept.len() >= SAVED_MAX && kept.iter().all(|known| known.name != filter.name) {
            return wrong(format!("there are {SAVED_MAX} filters already; drop one first"));
        }
        Ok(self.0.put(&(*auditor.as_bytes(), filter.name.clone()), filter)?)
    }

    /// Drops a filter; `false` where there is none of this name.
    pub fn remove(&self, auditor: &UserId, name: &str) -> Result<bool, store::Error> {
        self.0.remove(&(*auditor.as_bytes(), name.to_owned()))
    }
}
