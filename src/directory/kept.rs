//! How the directory is kept: one tree for what was provisioned, one for what was crawled.
//!
//! People, groups and memberships share a tree, so that one change to several of them (a person who is removed leaves
//! their groups) is kept all together or not at all. A membership is a record of its own.

use serde::{Deserialize, Serialize};

use super::alias::Alias;
use super::source::{By, Learned, Memberships};
use super::{Account, Group, Person, SourceGroup};
use crate::names::{AccountId, SourceId, UserId};
use crate::store::{self, Key, Record, json_record};

/// What a record of the provisioned tree is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProvisionedKey {
    Person(UserId),
    Group(String),
    /// A person in a group.
    Member(String, UserId),
    /// A group (second) in a group (first).
    Nested(String, String),
    /// An administrator's word on an account.
    Alias(AccountId),
}

/// A record of the provisioned tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Provisioned {
    Person(Person),
    Group(Group),
    Membership,
    Alias(Alias),
}

/// What a record of the crawled tree is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CrawledKey {
    Account(SourceId, Box<str>),
    Group(SourceId, Box<str>),
}

/// A record of the crawled tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Crawled {
    Account(Learned<Account, By>),
    Group(Learned<SourceGroup, Memberships>),
}

/// The first version, which did not know what learned it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CrawledAtFirst {
    Account(Account),
    Group(SourceGroup),
}

json_record!(Provisioned, 1);

impl Record for Crawled {
    const VERSION: u8 = 2;

    fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, self).expect("a record is plain JSON: its maps have text keys");
    }

    fn read(version: u8, bytes: &[u8]) -> Result<Crawled, store::Error> {
        let unreadable = |_| store::Error::unreadable("it is not of its shape");
        match version {
            1 => Ok(match serde_json::from_slice(bytes).map_err(unreadable)? {
                CrawledAtFirst::Account(what) => Crawled::Account(Learned { what, by: None }),
                CrawledAtFirst::Group(what) => Crawled::Group(Learned { what, by: Memberships::default() }),
            }),
            2 => serde_json::from_slice(bytes).map_err(unreadable),
            _ => Err(store::Error::unreadable("it was written by a newer sotto")),
        }
    }
}

/// A group id is 32 hexadecimal digits, so keys of two ids need no separator.
const GROUP_ID_BYTES: usize = 32;

impl Key for ProvisionedKey {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            ProvisionedKey::Person(id) => {
                out.push(b'p');
                out.extend_from_slice(id.as_bytes());
            }
            ProvisionedKey::Group(id) => {
                out.push(b'g');
                out.extend_from_slice(id.as_bytes());
            }
            ProvisionedKey::Member(group, person) => {
                out.push(b'm');
                out.extend_from_slice(group.as_bytes());
                out.extend_from_slice(person.as_bytes());
            }
            ProvisionedKey::Nested(group, inner) => {
                out.push(b'n');
                out.extend_from_slice(group.as_bytes());
                out.extend_from_slice(inner.as_bytes());
            }
            ProvisionedKey::Alias(account) => {
                // A source's name has no zero byte, so it ends at the first one.
                out.push(b'a');
                out.extend_from_slice(account.source.as_str().as_bytes());
                out.push(0);
                out.extend_from_slice(account.key.as_bytes());
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<ProvisionedKey> {
        let (kind, rest) = bytes.split_first()?;
        let person = |bytes: &[u8]| bytes.try_into().ok().map(UserId::from_bytes);
        let group = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().filter(|id| id.len() == GROUP_ID_BYTES);
        match kind {
            b'p' => Some(ProvisionedKey::Person(person(rest)?)),
            b'g' => Some(ProvisionedKey::Group(group(rest)?)),
            b'm' => {
                let (first, second) = rest.split_at_checked(GROUP_ID_BYTES)?;
                Some(ProvisionedKey::Member(group(first)?, person(second)?))
            }
            b'n' => {
                let (first, second) = rest.split_at_checked(GROUP_ID_BYTES)?;
                Some(ProvisionedKey::Nested(group(first)?, group(second)?))
            }
            b'a' => {
                let end = rest.iter().position(|byte| *byte == 0)?;
                let source = SourceId::parse(std::str::from_utf8(&rest[..end]).ok()?)?;
                let key = std::str::from_utf8(&rest[end + 1..]).ok()?.into();
                Some(ProvisionedKey::Alias(AccountId { source, key }))
            }
            _ => None,
        }
    }
}

impl Key for CrawledKey {
    fn write(&self, out: &mut Vec<u8>) {
        let (source, kind, key) = match self {
            CrawledKey::Account(source, key) => (source, b'a', key),
            CrawledKey::Group(source, key) => (source, b'g', key),
        };
        // A source's name has no zero byte, so it ends at the first one.
        out.extend_from_slice(source.as_str().as_bytes());
        out.extend_from_slice(&[0, kind]);
        out.extend_from_slice(key.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<CrawledKey> {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let source = SourceId::parse(std::str::from_utf8(&bytes[..end]).ok()?)?;
        let (kind, key) = bytes[end + 1..].split_first()?;
        let key = std::str::from_utf8(key).ok()?.into();
        match kind {
            b'a' => Some(CrawledKey::Account(source, key)),
            b'g' => Some(CrawledKey::Group(source, key)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_as_it_was_written() {
        let person = UserId::from_bytes([7; 16]);
        let group = "0".repeat(32);

        for key in [
            ProvisionedKey::Person(person),
            ProvisionedKey::Group(group.clone()),
            ProvisionedKey::Member(group.clone(), person),
            ProvisionedKey::Nested(group, "f".repeat(32)),
            ProvisionedKey::Alias(AccountId { source: SourceId::parse("wiki").unwrap(), key: "8a\u{0}7f".into() }),
        ] {
            let mut bytes = Vec::new();
            key.write(&mut bytes);
            assert_eq!(ProvisionedKey::read(&bytes), Some(key));
        }
    }

    #[test]
    fn sources_whose_names_begin_alike_do_not_mix() {
        let key = |name: &str| CrawledKey::Group(SourceId::parse(name).unwrap(), "staff\0a".into());

        for key in [key("wiki"), key("wiki-2")] {
            let mut bytes = Vec::new();
            key.write(&mut bytes);
            assert_eq!(CrawledKey::read(&bytes), Some(key));
        }
        assert_eq!(CrawledKey::read(b"no zero byte"), None);
    }

    #[test]
    fn what_the_first_version_kept_is_read_without_the_sync_that_learned_it() {
        let account = br#"{"account":{"id":{"source":"wiki","key":"a"},"user_name":"ada","display_name":"Ada","email":null,"active":true}}"#;
        let group = br#"{"group":{"id":{"Of":["wiki","staff"]},"name":"Staff","members":["a"],"groups":[]}}"#;

        let Crawled::Account(account) = Crawled::read(1, account).unwrap() else { panic!("it is an account") };
        let Crawled::Group(group) = Crawled::read(1, group).unwrap() else { panic!("it is a group") };

        assert_eq!((account.what.user_name.as_str(), account.by), ("ada", None));
        assert_eq!((&*group.what.members, group.by), (["a".into()].as_slice(), Memberships::default()));
        assert!(Crawled::read(3, b"{}").is_err());
    }
}
