//! Provisioned people and groups, as a provider describes them and as we keep them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::names::UserId;

/// A provisioned person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Ours; never used again.
    pub id: UserId,
    /// Unique among the people there are; as it was sent, compared in its normal form.
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
    pub extra: Map<String, Value>,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was changed last.
    pub changed_ms: i64,
    /// Grows by one with each change.
    pub version: u64,
}

/// What a provider says of a person; the id and the times are ours to give.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The sign-in name.
    pub user_name: String,
    /// The provider's immutable id.
    pub external_id: Option<String>,
    /// What the page calls them; empty where the provider said nothing, and then the user name stands for it.
    pub display_name: String,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// E-mail addresses; the primary one first.
    pub emails: Vec<String>,
    /// Whether they may sign in.
    pub active: bool,
    /// The rest of the SCIM resource.
    pub extra: Map<String, Value>,
}

impl Person {
    /// What the provider says of this person.
    pub fn profile(&self) -> Profile {
        Profile {
            user_name: self.user_name.clone(),
            external_id: self.external_id.clone(),
            display_name: self.display_name.clone(),
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            emails: self.emails.clone(),
            active: self.active,
            extra: self.extra.clone(),
        }
    }
}

impl Profile {
    pub(super) fn made(self, id: UserId, now_ms: i64) -> Person {
        Person {
            id,
            display_name: if self.display_name.is_empty() { self.user_name.clone() } else { self.display_name },
            user_name: self.user_name,
            external_id: self.external_id,
            given_name: self.given_name,
            family_name: self.family_name,
            emails: self.emails,
            active: self.active,
            extra: self.extra,
            created_ms: now_ms,
            changed_ms: now_ms,
            version: 1,
        }
    }
}

/// A provisioned group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Ours, as text: 32 hexadecimal digits; never used again.
    pub id: String,
    /// The name a person knows it by.
    pub display_name: String,
    /// The provider's id of it.
    pub external_id: Option<String>,
    /// People in it, ascending, without repeats. Kept as records of their own, so that adding one to a large group
    /// writes one small record.
    #[serde(skip)]
    pub members: Vec<UserId>,
    /// Groups in it, ascending, without repeats; kept likewise.
    #[serde(skip)]
    pub groups: Vec<String>,
    /// The rest of the SCIM resource.
    pub extra: Map<String, Value>,
    /// When it was made.
    pub created_ms: i64,
    /// When it was changed last.
    pub changed_ms: i64,
    /// Grows by one with each change.
    pub version: u64,
}

/// What a provider says of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupProfile {
    /// The name a person knows it by.
    pub display_name: String,
    /// The provider's id of it.
    pub external_id: Option<String>,
    /// People in it, in any order.
    pub members: Vec<UserId>,
    /// Groups in it, in any order.
    pub groups: Vec<String>,
    /// The rest of the SCIM resource.
    pub extra: Map<String, Value>,
}

impl Group {
    /// What the provider says of this group, for a change of one thing of it.
    pub fn profile(&self) -> GroupProfile {
        GroupProfile {
            display_name: self.display_name.clone(),
            external_id: self.external_id.clone(),
            members: self.members.clone(),
            groups: self.groups.clone(),
            extra: self.extra.clone(),
        }
    }
}

impl GroupProfile {
    pub(super) fn made(mut self, id: String, now_ms: i64) -> Group {
        self.members.sort_unstable();
        self.members.dedup();
        self.groups.sort_unstable();
        self.groups.dedup();
        Group {
            id,
            display_name: self.display_name,
            external_id: self.external_id,
            members: self.members,
            groups: self.groups,
            extra: self.extra,
            created_ms: now_ms,
            changed_ms: now_ms,
            version: 1,
        }
    }
}

/// A record before and after a change that was asked for.
#[derive(Debug, Clone)]
pub struct Edited<T> {
    /// As it was.
    pub was: std::sync::Arc<T>,
    /// As it is; the same where the change asked for nothing new.
    pub now: std::sync::Arc<T>,
}

impl<T> Edited<T> {
    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        !std::sync::Arc::ptr_eq(&self.was, &self.now)
    }
}
