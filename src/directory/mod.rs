//! The people and groups that were provisioned or crawled, their aliases in each source, who belongs to what, who has which
//! role.
//!
//! Uses: `names`, `store`, `acl`. Begin at [`Directory`].

use serde::{Deserialize, Serialize};

use crate::acl::PrincipalSet;
use crate::names::{AccountId, GroupId, Ids, SourceId, UserId, UserName};
use crate::store::{self, Store};

/// Which groups give which role, and which provider's names are trusted to match.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Provisioned groups (display names) whose members administer: they manage, they do not read.
    pub administrators: Vec<String>,
    /// Groups whose members read the audit log.
    pub auditors: Vec<String>,
    /// Groups whose members see health and settings.
    pub support: Vec<String>,
}

/// A role on the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Manages sources, people and settings.
    Administrator,
    /// Reads the audit log.
    Auditor,
    /// Sees health and settings.
    Support,
}

/// A provisioned person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Ours; never used again.
    pub id: UserId,
    /// Unique among the people there are.
    pub user_name: String,
    /// The provider's immutable id of this person (SCIM `externalId`, OIDC `sub`).
    pub external_id: Option<String>,
    /// What the page calls them.
    pub display_name: String,
    /// Given name, for a greeting.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// E-mail addresses; the primary one first.
    pub emails: Vec<String>,
    /// An inactive person signs in nowhere and answers to nothing.
    pub active: bool,
    /// The rest of the SCIM resource, kept as it was sent.
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was changed last.
    pub changed_ms: i64,
    /// Grows by one with each change.
    pub version: u64,
}

/// A provisioned group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Ours, as text.
    pub id: String,
    /// The name a person knows it by.
    pub display_name: String,
    /// The provider's id of it.
    pub external_id: Option<String>,
    /// People in it.
    pub members: Vec<UserId>,
    /// Groups in it.
    pub groups: Vec<String>,
    /// The rest of the SCIM resource.
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_ms: i64,
    /// When it was changed last.
    pub changed_ms: i64,
    /// Grows by one with each change.
    pub version: u64,
}

/// A user of a source, as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The source's immutable key.
    pub id: AccountId,
    /// The login name there.
    pub user_name: String,
    /// The display name there.
    pub display_name: String,
    /// The e-mail there, where it can be read.
    pub email: Option<String>,
    /// A deactivated account answers to nothing.
    pub active: bool,
}

/// A group of a source with its direct members, as it was crawled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceGroup {
    /// Source and key.
    pub id: GroupId,
    /// The display name.
    pub name: String,
    /// Keys of the accounts in it.
    pub members: Vec<Box<str>>,
    /// Keys of the groups in it.
    pub groups: Vec<Box<str>>,
}

/// Everything one source says of its people, replaced as a whole by each sync that could read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePeople {
    /// The users.
    pub accounts: Vec<Account>,
    /// The groups.
    pub groups: Vec<SourceGroup>,
}

/// What a login is matched by.
#[derive(Debug, Clone)]
pub struct Matching<'a> {
    /// The provider's immutable id.
    pub subject: &'a str,
    /// The name it sent.
    pub user_name: Option<&'a UserName>,
}

/// The directory.
pub struct Directory {}

/// What can go wrong in the directory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name or the external id is another's.
    #[error("{0} is already provisioned")]
    Taken(String),
    /// There is no such person or group.
    #[error("there is no person or group {0}")]
    NotThere(String),
    /// The record changed since it was read.
    #[error("it was changed meanwhile")]
    Changed,
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] crate::names::Unacceptable),
    /// The store failed.
    #[error("the directory cannot be read or kept")]
    Broken(#[from] store::Error),
}

impl Directory {
    /// Opens the directory kept in the store.
    pub fn open(store: &Store, ids: Ids, settings: &Settings) -> Result<Directory, Error> {
        let _ = (store, ids, settings);
        todo!()
    }

    /// A person, active or not.
    pub fn person(&self, id: &UserId) -> Result<Option<Person>, Error> {
        todo!("{id}")
    }

    /// The person a login proves, by the provider's immutable id alone; `None` where nobody was provisioned with it.
    pub fn person_of(&self, login: &Matching<'_>) -> Result<Option<Person>, Error> {
        todo!("{login:?}")
    }

    /// What a person answers to now; `None` where there is no such person or they are not active.
    pub fn principals_of(&self, id: &UserId) -> Result<Option<PrincipalSet>, Error> {
        todo!("{id}")
    }

    /// The roles a person has now.
    pub fn roles_of(&self, id: &UserId) -> Result<Vec<Role>, Error> {
        todo!("{id}")
    }

    /// Replaces what is known of a source's people and groups, and finds aliases anew: an account is tied to the one active
    /// or inactive person whose user name is the account's, else to none; a match that is not unique ties nobody.
    pub fn replace_source(&self, source: &SourceId, people: SourcePeople) -> Result<(), Error> {
        todo!("{source} {people:?}")
    }

    /// The display name of a source's account, for mentions.
    pub fn account_name(&self, account: &AccountId) -> Result<Option<String>, Error> {
        todo!("{account:?}")
    }

    /// Counts for the overview: people, active people, groups, accounts without a person for each source.
    pub fn counts(&self) -> Result<Counts, Error> {
        todo!()
    }
}

/// Counts for the overview.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counts {
    /// Provisioned people.
    pub people: u64,
    /// Of them active.
    pub active: u64,
    /// Provisioned groups.
    pub groups: u64,
    /// Accounts of sources that no person has as an alias, by source.
    pub unmatched: Vec<(String, u64)>,
}
