//! Classes: rules by number, hash-consed and kept.

use super::{PrincipalSet, Rule, Visibility};
use crate::store::{self, Store};

/// A rule by number. Two documents with the same permissions have the same class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct AclClass(u32);

impl AclClass {
    /// The number, as the index keeps it.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// From the number the index kept.
    pub const fn from_number(number: u32) -> AclClass {
        AclClass(number)
    }
}

/// All rules met so far. Kept in the store; a class never changes its meaning.
pub struct Classes {}

/// What can go wrong with classes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the rules cannot be read or kept")]
    Broken(#[from] store::Error),
}

impl Classes {
    /// Opens the rules kept in the store.
    pub fn open(store: &Store) -> Result<Classes, Error> {
        let _ = store;
        todo!()
    }

    /// The class of a rule, made and kept (durably, before this returns) if it is new.
    pub fn class_of(&self, rule: Rule) -> Result<AclClass, Error> {
        todo!("{rule:?}")
    }

    /// The rule of a class; `None` for a number never given.
    pub fn rule_of(&self, class: AclClass) -> Option<Rule> {
        todo!("{class:?}")
    }

    /// Every class that these principals satisfy.
    pub fn visible_to(&self, who: &PrincipalSet) -> Visibility {
        todo!("{who:?}")
    }
}
