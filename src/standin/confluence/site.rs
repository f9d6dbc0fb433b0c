//! The site file (the contract's §4), as it is written; [`Site`] is one that was read and checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use super::checked::Site;

/// The site file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// Everyone with an account.
    pub users: Vec<User>,
    /// What stands before every path, such as `/confluence`; empty for nothing.
    #[serde(default)]
    pub context_path: String,
    /// `UTC` or a fixed offset such as `+01:00`: the zone of written times and of dates in CQL.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Installed add-ons; `extender` is the one that is known.
    #[serde(default)]
    pub add_ons: Vec<String>,
    /// Their groups.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Who may use the site at all.
    pub global_use: Grant,
    /// Roles on Confluence Cloud, with what each allows in a space, such as `read/space`.
    #[serde(default)]
    pub space_roles: BTreeMap<String, Vec<String>>,
    /// The spaces, in the order they are listed.
    #[serde(default)]
    pub spaces: Vec<Space>,
    /// Pages, blog posts, comments and attachments.
    #[serde(default)]
    pub content: Vec<Content>,
}

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    /// Immutable: it stays when the user is renamed.
    pub key: String,
    /// The id on Confluence Cloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// What the user signs in by; compared without regard to case.
    pub username: String,
    /// What others see.
    pub display_name: String,
    /// The e-mail address; empty for none.
    #[serde(default)]
    pub email: String,
    /// Whether others may see the address.
    #[serde(default = "yes")]
    pub email_visible: bool,
    /// A deactivated user may nothing, whatever else is written here.
    #[serde(default = "yes")]
    pub active: bool,
    /// Empty where the user cannot sign in by password.
    #[serde(default)]
    pub password: String,
    /// Personal access tokens.
    #[serde(default)]
    pub tokens: Vec<Token>,
    /// A member of the super group, which sees everything and may read permissions.
    #[serde(default)]
    pub administrator: bool,
}

/// A personal access token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Token {
    /// The secret itself.
    pub token: String,
    /// RFC 3339; without it the token does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// A group of users.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// The id on Confluence Cloud, which stays when the group is renamed; made of the name where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name, which is also its id; compared without regard to case.
    pub name: String,
    /// User names of direct members.
    #[serde(default)]
    pub members: Vec<String>,
    /// Groups whose members are members of this one too.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Who is given something; an empty one gives it to nobody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Grant {
    /// User names.
    pub users: Vec<String>,
    /// Group names.
    pub groups: Vec<String>,
    /// Given to everybody, also to visitors who did not sign in.
    pub anonymous: bool,
}

/// Who a restriction names; an empty one restricts nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Subjects {
    /// User names.
    pub users: Vec<String>,
    /// Group names.
    pub groups: Vec<String>,
}

impl Subjects {
    /// Whether nothing is restricted at this level.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }
}

/// A space.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Space {
    /// Its key; a personal space's begins with `~`.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// `global` or `personal`.
    #[serde(rename = "type", default = "global")]
    pub kind: String,
    /// `current` or `archived`.
    #[serde(default = "current")]
    pub status: String,
    /// Who may view it.
    pub view: Grant,
    /// Who has which role in it, on Confluence Cloud.
    #[serde(default)]
    pub role_assignments: Vec<Assignment>,
}

/// A role in a space.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Assignment {
    /// One of the site's roles.
    pub role: String,
    /// User names.
    #[serde(default)]
    pub users: Vec<String>,
    /// Group names.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Classes of users, such as `all-licensed-users`.
    #[serde(default)]
    pub classes: Vec<String>,
}

/// The kinds of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Page,
    Blogpost,
    Comment,
    Attachment,
    /// On Confluence Cloud, in the tree of pages; what it restricts is not told.
    Folder,
}

impl Kind {
    /// Its name in the REST interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Page => "page",
            Kind::Blogpost => "blogpost",
            Kind::Comment => "comment",
            Kind::Attachment => "attachment",
            Kind::Folder => "folder",
        }
    }
}

/// A page, blog post, comment or attachment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    /// Its id, which never changes.
    pub id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The space's key; that of the container where it is left out.
    #[serde(default)]
    pub space: String,
    /// The page above a page, or the comment a comment answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What a comment or an attachment hangs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The title; an attachment's file name.
    #[serde(default)]
    pub title: String,
    /// `current`, `trashed`, `archived` or `draft`.
    #[serde(default = "current")]
    pub status: String,
    /// Grows with each change of words.
    #[serde(default = "one")]
    pub version: u32,
    /// User name of whoever made it.
    #[serde(default)]
    pub created_by: String,
    /// User name of whoever changed it last.
    #[serde(default)]
    pub updated_by: String,
    /// RFC 3339; `updated_at` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// RFC 3339.
    #[serde(default = "start_of_2026")]
    pub updated_at: String,
    /// Its labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Storage-format XHTML.
    #[serde(default)]
    pub body: String,
    /// In the place of `body`: the number that a body is made of whenever it is asked for, so that a large site is small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_body: Option<u64>,
    /// A file with the body, in storage format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_file: Option<String>,
    /// A file with the body, in Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markdown_file: Option<String>,
    /// A file with an attachment's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// An attachment's bytes, for a site that travels as one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// An attachment's media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Of a comment: `footer`, `inline` or `resolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The words an inline comment is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_selection: Option<String>,
    /// Who alone may view it, and what is below it; where empty, this level restricts nothing.
    #[serde(default)]
    pub read: Subjects,
    /// Who alone may change it: of no consequence to viewing.
    #[serde(default)]
    pub update: Subjects,
}

fn utc() -> String {
    "UTC".to_owned()
}
fn yes() -> bool {
    true
}
fn global() -> String {
    "global".to_owned()
}
fn current() -> String {
    "current".to_owned()
}
fn one() -> u32 {
    1
}
fn start_of_2026() -> String {
    "2026-01-01T00:00:00Z".to_owned()
}
