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
    /// Feeds the principal to a digest. Each part says its length first, so that no two principals feed the same bytes.
    pub(super) fn feed(&self, digest: &mut Sha256) {
        fn part(digest: &mut Sha256, bytes: &[u8]) {
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        }
        match self {
            Principal::Person(id) => {
                digest.update([1]);
                part(digest, id.as_bytes());
            }
            Principal::Account(account) => {
                digest.update([2]);
                part(digest, account.source.as_str().as_bytes());
                part(digest, account.key.as_bytes());
            }
            Principal::Group(GroupId::Provisioned(id)) => {
                digest.update([3]);
                part(digest, id.as_bytes());
            }
            Principal::Group(GroupId::Of(source, key)) => {
                digest.update([4]);
                part(digest, source.as_str().as_bytes());
                part(digest, key.as_bytes());
            }
            Principal::AnyoneOf(source) => {
                digest.update([5]);
                part(digest, source.as_str().as_bytes());
            }
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
        let mut digest = Sha256::new();
        for principal in &self.0 {
            principal.feed(&mut digest);
        }
        digest.finalize().into()
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
