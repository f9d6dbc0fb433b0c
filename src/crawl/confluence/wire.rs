//! The shapes that Confluence Data Center answers in, as far as they are read here (`confluence.md` §1.5).
//!
//! Everything may be missing: versions differ, and what cannot be read must become "unknown", not an error of the whole page
//! of rows.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::clock::Moment;
use crate::corpus::Made;

/// The paging envelope.
#[derive(Debug, Deserialize)]
pub(super) struct Rows<T> {
    /// The rows of this page.
    pub results: Vec<T>,
    /// Where the next page is.
    #[serde(rename = "_links", default)]
    pub links: Links,
}

/// Links of an answer or of a row.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Links {
    /// The next page; missing on the last one.
    pub next: Option<String>,
    /// Where a person opens the row, below the base.
    pub webui: Option<String>,
    /// Where an attachment's bytes are, below the base.
    pub download: Option<String>,
}

/// `GET /rest/api/user/current`, and every user elsewhere.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct User {
    /// `known`, `anonymous` or `unknown`.
    pub r#type: String,
    /// The login name.
    pub username: Option<String>,
    /// The immutable key.
    pub user_key: Option<String>,
    /// The immutable id on Cloud.
    pub account_id: Option<String>,
    /// On Cloud: `atlassian` for people, `app`, `customer`.
    pub account_type: Option<String>,
    /// On Cloud: `active`, `inactive`, `closed`, where it is told.
    pub account_status: Option<String>,
    /// The display name.
    pub display_name: Option<String>,
    /// The address, on the few versions that tell it; empty on Cloud where its owner hides it.
    pub email: Option<String>,
    /// `current` or `deactivated`, where it was expanded.
    pub status: Option<String>,
}

/// A group: on Data Center it has no id but its name.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Group {
    /// The id on Cloud.
    #[serde(default)]
    pub id: Option<String>,
    /// The name as written.
    pub name: String,
}

/// A space.
#[derive(Debug, Deserialize)]
pub(super) struct Space {
    /// The number, by which the audit log knows it.
    #[serde(default, deserialize_with = "text_or_number")]
    pub id: String,
    /// The key; empty where it is not told.
    #[serde(default)]
    pub key: String,
    /// The name.
    #[serde(default)]
    pub name: String,
    /// `global` or `personal`, and on Cloud more.
    #[serde(default)]
    pub r#type: String,
    /// `current` or `archived`, where it is told.
    #[serde(default)]
    pub status: String,
}

/// A page, blog post, comment or attachment.
#[derive(Debug, Deserialize)]
pub(super) struct Content {
    /// The id: text, or a number on some versions.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
    /// `page`, `blogpost`, `comment`, `attachment`; `None` where it is not told.
    #[serde(default)]
    pub r#type: Option<String>,
    /// Its space; `None` where it was not expanded.
    pub space: Option<Space>,
    /// `current`, `draft`, `trashed`, …
    #[serde(default)]
    pub status: Option<String>,
    /// The title; an attachment's file name.
    #[serde(default)]
    pub title: String,
    /// The version.
    pub version: Option<Version>,
    /// When it was made, and by whom.
    #[serde(default)]
    pub history: Option<History>,
    /// The pages above, root first; `None` where it was not expanded.
    pub ancestors: Option<Vec<Reference>>,
    /// What it hangs on.
    pub container: Option<Reference>,
    /// Labels and media type.
    #[serde(default)]
    pub metadata: Metadata,
    /// Media type, size, place of a comment.
    #[serde(default)]
    pub extensions: Extensions,
    /// Who may read it; `None` where it was not expanded.
    pub restrictions: Option<Restrictions>,
    /// Which kinds of children it has, where the version tells.
    #[serde(rename = "childTypes")]
    pub child_types: Option<ChildTypes>,
    /// Its words.
    pub body: Option<Body>,
    /// Its addresses.
    #[serde(rename = "_links", default)]
    pub links: Links,
}

/// Another content, by its id.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    /// The id.
    #[serde(deserialize_with = "text_or_number")]
    pub id: String,
}

/// A version.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Version {
    /// It grows with each change.
    pub number: u64,
    /// RFC 3339.
    pub when: String,
    /// Who made it.
    pub by: Option<User>,
}

/// How a content was made.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct History {
    /// RFC 3339.
    pub created_date: String,
    /// Who made it.
    pub created_by: Option<User>,
}

impl History {
    /// In our terms.
    pub(super) fn made(self) -> Made {
        let by = self.created_by.and_then(|by| by.display_name).unwrap_or_default();
        Made { at_ms: Moment::parse(&self.created_date).map(Moment::ms), by }
    }
}

/// What is expanded as `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    /// The labels.
    pub labels: Option<Rows<Label>>,
    /// An attachment's media type.
    pub media_type: Option<String>,
}

/// A label.
#[derive(Debug, Deserialize)]
pub(super) struct Label {
    /// Its name.
    pub name: String,
}

/// What is expanded as `extensions`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Extensions {
    /// An attachment's media type.
    pub media_type: Option<String>,
    /// An attachment's size, in bytes.
    pub file_size: Option<u64>,
    /// A comment's place: `footer`, `inline` or `resolved`.
    pub location: Option<String>,
    /// What an inline comment was made on.
    pub inline_properties: Option<InlineProperties>,
    /// Whether an inline comment was resolved.
    pub resolution: Option<Resolution>,
}

/// What an inline comment was made on.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct InlineProperties {
    /// The words that were marked.
    pub original_selection: Option<String>,
}

/// Whether an inline comment was resolved.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resolution {
    /// `open`, `resolved`, …
    pub status: Option<String>,
}

/// Restrictions, as an expansion.
#[derive(Debug, Deserialize)]
pub(super) struct Restrictions {
    /// That of reading; `None` where it was not given, which is not the same as open.
    pub read: Option<Restriction>,
}

/// One restriction: `GET …/restriction/byOperation/read`, or expanded.
#[derive(Debug, Deserialize)]
pub(super) struct Restriction {
    /// Users and groups.
    pub restrictions: Option<RestrictionSubjects>,
}

/// `GET …/restriction/relevantViewRestrictions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelevantRestrictions {
    /// One entry for each restricted level, the page's own among them.
    pub view_content_restrictions: Counted<RelevantRestriction>,
}

/// A list that says how long it is.
#[derive(Debug, Deserialize)]
pub(super) struct Counted<T> {
    /// Its rows.
    #[serde(flatten)]
    pub rows: Rows<T>,
    /// The place of the first of them; `None` where it is not told, as below.
    pub start: Option<usize>,
    /// How many it has at most.
    pub limit: Option<usize>,
    /// How many it has.
    pub size: Option<usize>,
}

/// One restricted level.
#[derive(Debug, Deserialize)]
pub(super) struct RelevantRestriction {
    /// `read`, or what else is restricted.
    pub operation: String,
    /// Users and groups.
    #[serde(flatten)]
    pub restriction: Restriction,
    /// The page that it is of.
    pub content: Option<Reference>,
}

/// Whom a restriction names. A list that is missing was not read: it is not an empty one.
#[derive(Debug, Deserialize)]
pub(super) struct RestrictionSubjects {
    /// Users.
    pub user: Option<Rows<User>>,
    /// Groups.
    pub group: Option<Rows<Group>>,
}

/// Which kinds of children a content has.
#[derive(Debug, Deserialize)]
pub(super) struct ChildTypes {
    /// Attachments.
    pub attachment: Option<HasChild>,
    /// Comments.
    pub comment: Option<HasChild>,
}

/// Whether there are children of one kind.
#[derive(Debug, Deserialize)]
pub(super) struct HasChild {
    /// Whether there are.
    pub value: bool,
}

/// A body.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    /// In storage format.
    pub storage: Option<Storage>,
    /// In the format of Cloud's new editor: JSON, as a text.
    pub atlas_doc_format: Option<Storage>,
    /// As it is shown.
    pub view: Option<Storage>,
}

/// A body's text.
#[derive(Debug, Deserialize)]
pub(super) struct Storage {
    /// The text.
    pub value: String,
}

/// One entry of a list of permissions.
#[derive(Debug, Deserialize)]
pub(super) struct Permission {
    /// What it allows.
    pub operation: Operation,
    /// To whom; `None` for the anonymous grant.
    pub subject: Option<Subject>,
}

/// What a permission allows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Operation {
    /// `space`, `application`, …
    pub target_type: String,
    /// `read`, `use`, …
    #[serde(alias = "operation")]
    pub operation_key: String,
}

/// To whom a permission is given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subject {
    /// `user` or `group`.
    pub r#type: String,
    /// A group's name.
    pub name: Option<String>,
    /// A user's key.
    pub user_key: Option<String>,
}

/// The answers to a question for anonymous grants: both are in use.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Anonymous {
    /// As the other lists.
    Entries(Vec<Permission>),
    /// Only the operations.
    Operations {
        /// Them.
        operations: Vec<Operation>,
    },
}

/// `GET /rest/api/server-information`.
#[derive(Debug, Deserialize)]
pub(super) struct ServerInformation {
    /// Such as `9.2.4`; nothing else in it is safe to rely on.
    pub version: String,
}

/// The answer to a remote procedure call.
#[derive(Debug, Deserialize)]
pub(super) struct Called<T> {
    /// What was asked for.
    pub result: Option<T>,
    /// That it was refused; why stands in words that are not read.
    pub error: Option<IgnoredAny>,
}

/// The grants of one permission of a space, in the words of the versions before 9.1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermissionSet {
    /// `VIEWSPACE`, …
    pub r#type: String,
    /// To whom it is given.
    #[serde(default)]
    pub space_permissions: Vec<SpacePermission>,
}

/// One such grant. A name that is there and empty is not the same as one that is missing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpacePermission {
    /// The login name of a user.
    #[serde(default, deserialize_with = "told")]
    pub user_name: Option<Option<String>>,
    /// The name of a group.
    #[serde(default, deserialize_with = "told")]
    pub group_name: Option<Option<String>>,
}

/// Who has permissions, as the Extender add-on tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Actors {
    /// By the type of the permission.
    pub permissions: HashMap<String, Names>,
}

/// Login names and group names.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Names {
    /// Users.
    pub users: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(from).map(Some)
}

/// An id: text, or a number on some versions.
pub(super) fn text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    Ok(match Id::deserialize(from)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}
