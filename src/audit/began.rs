//! With which version and settings the appliance began last, so that a change of either is put on record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::store::{self, Store};

/// A beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// The version.
    pub version: String,
    /// A keyed digest of each section of the settings, in hex.
    pub sections: BTreeMap<String, String>,
}

store::json_record!(Began, 1);

const TREE: &str = "audit.began";
const LAST: &str = "last";

impl Began {
    /// The last one; `None` where there was none, or it cannot be read.
    pub fn last(store: &Store) -> Result<Option<Began>, store::Error> {
        match store.tree::<String, Began>(TREE)?.get(&LAST.to_owned()) {
            Err(store::Error::Unreadable { .. }) => Ok(None),
            read => read,
        }
    }

    /// Keeps this as the last one.
    pub fn keep(&self, store: &Store) -> Result<(), store::Error> {
        store.tree::<String, Began>(TREE)?.put(&LAST.to_owned(), self)
    }
}
