//! Principals: what a permission can be given to, and what one person answers to.

use serde::{Deserialize, Serialize};

use crate::names::{AccountId, GroupId, SourceId, UserId};

/// Something a permission can be given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Principal {
    /// A person of ours.
    Person(UserId),
    /// A source's user; whoever has it as an alias answers to it, and without an alias nobody does.
    Account(AccountId),
    /// A group, by its origin and its immutable id there.
    Group(GroupId),
    /// Whoever may use this source at all: a Confluence site's "anonymous" grant.
    AnyoneOf(SourceId),
}

/// What one person answers to, at one moment. Made by `directory`, for a request; never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalSet(Box<[Principal]>);

impl PrincipalSet {
    /// From principals in any order, with or without repeats.
    pub fn of(mut principals: Vec<Principal>) -> PrincipalSet {
        principals.sort();
        principals.dedup();
        PrincipalSet(principals.into())
    }

    /// Whether the person answers to this principal.
    pub fn has(&self, principal: &Principal) -> bool {
        self.0.binary_search(principal).is_ok()
    }

    /// All of them, sorted, without repeats.
    pub fn iter(&self) -> impl Iterator<Item = &Principal> {
        self.0.iter()
    }
}
