//! The shapes that version 2 of Confluence Cloud's interface answers in, as far as they are read here.
//!
//! Everything may be missing, as in Data Center's: what cannot be read must become "unknown", not an error of a whole page of
//! rows.

use serde::{Deserialize, Deserializer};

use super::super::wire::{Body, Links, text_or_number};

/// A space.
#[derive(Debug, Deserialize)]
pub(super) struct Space {
    /// The id, by which version 2 knows it.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// The key.
    pub key: String,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// `global`, `personal` or another.
    #[serde(default)]
    pub r#type: String,
    /// `current` or `archived`.
    #[serde(default)]
    pub status: String,
}

/// A page, blog post, folder, comment or attachment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Content {
    /// The id.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// `current`, `draft`, `trashed`, …
    #[serde(default)]
    pub status: Option<String>,
    /// The title; an attachment's file name.
    #[serde(default)]
    pub title: Option<String>,
    /// What it stands below: the next one up, not the way.
    #[serde(default)]
    pub parent_id: Option<String>,
    /// `page`, `folder`, `whiteboard`, `database` or `embed`.
    #[serde(default)]
    pub parent_type: Option<String>,
    /// The version.
    #[serde(default)]
    pub version: Option<Version>,
    /// When it was made, RFC 3339.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The account that made it.
    #[serde(default)]
    pub author_id: Option<String>,
    /// The id of its space; an attachment and a comment have none.
    #[serde(default, deserialize_with = "perhaps_text_or_number")]
    pub space_id: Option<String>,
    /// What a comment or an attachment hangs on: a page.
    #[serde(default, deserialize_with = "perhaps_text_or_number")]
    pub page_id: Option<String>,
    /// Or a blog post.
    #[serde(default, deserialize_with = "perhaps_text_or_number")]
    pub blog_post_id: Option<String>,
    /// Its words, where they were asked for.
    #[serde(default)]
    pub body: Option<Body>,
    /// Of an inline comment: `open`, `reopened`, `resolved`, `dangling`.
    #[serde(default)]
    pub resolution_status: Option<String>,
    /// Of an inline comment: the words it was made on.
    #[serde(default)]
    pub properties: Option<Properties>,
    /// Of an attachment.
    #[serde(default)]
    pub media_type: Option<String>,
    /// Of an attachment, in bytes.
    #[serde(default)]
    pub file_size: Option<u64>,
    /// Its addresses.
    #[serde(rename = "_links", default)]
    pub links: Links,
}

/// A page or a folder above, root first.
#[derive(Debug, Deserialize)]
pub(super) struct Ancestor {
    /// The id.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// `page`, `folder`, `whiteboard`, `database` or `embed`.
    #[serde(default)]
    pub r#type: String,
}

/// What an inline comment was made on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Properties {
    /// The words that were marked.
    #[serde(default)]
    pub inline_original_selection: Option<String>,
}

/// A version.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Version {
    /// It grows with each change.
    pub number: u64,
    /// RFC 3339.
    pub created_at: String,
    /// The account that made it.
    pub author_id: Option<String>,
}

/// A permission of a space.
#[derive(Debug, Deserialize)]
pub(super) struct Permission {
    /// To whom it is given.
    pub principal: Option<Principal>,
    /// What it allows.
    pub operation: Option<Operation>,
}

/// To whom a permission is given.
#[derive(Debug, Deserialize)]
pub(super) struct Principal {
    /// `user`, `group`, `role`, `access-class`.
    pub r#type: String,
    /// Its id.
    pub id: String,
}

/// What a permission allows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    /// `read`, … ; version 1 calls it `operation`.
    #[serde(alias = "operation")]
    pub key: String,
    /// `space`, …
    pub target_type: String,
}

/// Who has a role in a space.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assignment {
    /// The role.
    pub role_id: String,
    /// Who has it.
    pub principal: RolePrincipal,
}

/// Who has a role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RolePrincipal {
    /// `USER`, `GROUP` or `ACCESS_CLASS`.
    pub principal_type: String,
    /// Its id.
    pub principal_id: String,
}

/// A role.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Role {
    /// Its id.
    pub id: String,
    /// What it allows, such as `read/space`.
    #[serde(default)]
    pub space_permissions: Vec<String>,
}

/// A space with its permissions, as version 1 tells them: the only place where the anonymous grant stands.
#[derive(Debug, Deserialize)]
pub(super) struct SpacePermissions {
    /// The entries.
    #[serde(default)]
    pub permissions: Vec<SpacePermission>,
}

/// One entry of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpacePermission {
    /// What it allows.
    pub operation: Option<Operation>,
    /// Whether it is given to everybody. An entry without subjects is not: it may be a class of users.
    #[serde(default)]
    pub anonymous_access: bool,
}

fn perhaps_text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    struct Id(#[serde(deserialize_with = "text_or_number")] String);
    Ok(Option::<Id>::deserialize(from)?.map(|id| id.0))
}
