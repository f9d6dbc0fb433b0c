//! Principals: what a permission can be given to, and what one person answers to.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

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

impl Principal {
    /// Appends the principal in a form for digests. Each part says its length first, so that no two principals, and no two
    /// lists of them, are written alike.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let (kind, parts): (u8, [&[u8]; 2]) = match self {
            Principal::Person(id) => (1, [id.as_bytes(), b""]),
            Principal::Account(account) => (2, [account.source.as_str().as_bytes(), account.key.as_bytes()]),
            Principal::Group(GroupId::Provisioned(id)) => (3, [id.as_bytes(), b""]),
            Principal::Group(GroupId::Of(source, key)) => (4, [source.as_str().as_bytes(), key.as_bytes()]),
            Principal::AnyoneOf(source) => (5, [source.as_str().as_bytes(), b""]),
        };
        out.push(kind);
        for part in parts {
            out.extend((part.len() as u64).to_be_bytes());
            out.extend(part);
        }
    }
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

    /// A digest of them: equal digests answer to the same principals.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(self.0.len() * 64);
        for principal in &self.0 {
            principal.write(&mut bytes);
        }
        Sha256::digest(&bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_tells_apart_what_runs_together() {
        let source = SourceId::parse("wiki").unwrap();
        let account = |key: &str| Principal::Account(AccountId { source: source.clone(), key: key.into() });
        let group = |key: &str| Principal::Group(GroupId::Of(source.clone(), key.into()));

        let sets = [vec![account("ab")], vec![account("a"), account("b")], vec![group("ab")], vec![]];

        let digests: std::collections::HashSet<_> = sets.map(|set| PrincipalSet::of(set).digest()).into();
        assert_eq!(digests.len(), 4);
    }
}
