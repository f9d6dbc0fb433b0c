//! The site file (the contract's §4), read and checked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::files::read_files;
use crate::clock::Moment;

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

/// A checked site. Always true here: ids and names are unique, every space, parent and container exists, and no page is
/// above itself; users and groups that permissions name may be missing, as in the product.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The file as it was read, with its files' texts in place.
    pub spec: Spec,
    /// Minutes east of UTC of `time_zone`.
    pub offset_minutes: i64,
    by_id: HashMap<String, usize>,
    /// What lies directly below or hangs on an id, in the file's order.
    below: HashMap<String, Vec<usize>>,
    files: HashMap<String, Arc<[u8]>>,
}

impl Site {
    /// Reads a site; files are looked for in `folder`.
    pub fn read(site: serde_json::Value, folder: &Path) -> anyhow::Result<Site> {
        let mut spec: Spec = serde_json::from_value(site).context("this is no site file")?;
        let mut files = HashMap::new();
        for content in &mut spec.content {
            let id = content.id.clone();
            read_files(content, folder, &mut files).with_context(|| format!("content {id}"))?;
        }
        Site::check(spec, files)
    }

    /// The same site with a changed specification; attachments whose bytes are known keep them.
    pub fn changed(&self, spec: Spec, folder: &Path) -> anyhow::Result<Site> {
        let mut spec = spec;
        let mut files = self.files.clone();
        for content in &mut spec.content {
            read_files(content, folder, &mut files)?;
        }
        Site::check(spec, files)
    }

    fn check(mut spec: Spec, files: HashMap<String, Arc<[u8]>>) -> anyhow::Result<Site> {
        let offset_minutes = offset(&spec.time_zone)?;
        if !spec.context_path.is_empty() && (!spec.context_path.starts_with('/') || spec.context_path.ends_with('/')) {
            bail!("context_path {:?} must begin with '/' and not end with it", spec.context_path);
        }
        unique("user key", spec.users.iter().map(|user| user.key.clone()))?;
        unique("username", spec.users.iter().map(|user| user.username.to_lowercase()))?;
        unique("group", spec.groups.iter().map(|group| group.name.to_lowercase()))?;
        unique("space", spec.spaces.iter().map(|space| space.key.clone()))?;
        unique("content id", spec.content.iter().map(|content| content.id.clone()))?;
        let by_id: HashMap<String, usize> =
            spec.content.iter().enumerate().map(|(at, content)| (content.id.clone(), at)).collect();
        let mut below: HashMap<String, Vec<usize>> = HashMap::new();
        for at in 0..spec.content.len() {
            let content = spec.content[at].clone();
            for other in [&content.parent, &content.container].into_iter().flatten() {
                if !by_id.contains_key(other) {
                    bail!("content {} names {other}, which the site does not have", content.id);
                }
            }
            if let Some(over) = content.container.as_ref().or(content.parent.as_ref()) {
                below.entry(over.clone()).or_default().push(at);
                if content.space.is_empty() {
                    spec.content[at].space = spec.content[by_id[over]].space.clone();
                }
            }
            if matches!(content.kind, Kind::Comment | Kind::Attachment) && content.container.is_none() {
                bail!("content {} is a {} without a container", content.id, content.kind.as_str());
            }
            for time in [Some(&content.updated_at), content.created_at.as_ref()].into_iter().flatten() {
                if Moment::parse(time).is_none() {
                    bail!("content {}: {time:?} is no RFC 3339 time", content.id);
                }
            }
        }
        let site = Site { spec, offset_minutes, by_id, below, files };
        for content in &site.spec.content {
            if site.space(&content.space).is_none() {
                bail!("content {} is in space {:?}, which the site does not have", content.id, content.space);
            }
            site.root_of(content)?;
        }
        Ok(site)
    }

    /// Fails where the way up from a content does not end.
    fn root_of(&self, content: &Content) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        let mut at = content;
        while let Some(over) = at.container.as_ref().or(at.parent.as_ref()) {
            if !seen.insert(&at.id) {
                bail!("content {} is above itself", content.id);
            }
            at = &self.spec.content[self.by_id[over]];
        }
        Ok(())
    }

    /// A content by id, whatever its status.
    pub fn content(&self, id: &str) -> Option<&Content> {
        self.by_id.get(id).map(|at| &self.spec.content[*at])
    }

    /// What hangs on or lies directly below an id, of one kind.
    pub fn below(&self, id: &str, kind: Kind) -> impl Iterator<Item = &Content> {
        let places = self.below.get(id).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|at| &self.spec.content[*at]).filter(move |content| content.kind == kind)
    }

    /// The pages and folders above a page or a folder, root first; of others: nothing.
    pub fn ancestors(&self, content: &Content) -> Vec<&Content> {
        let mut out = Vec::new();
        let mut at = content;
        while let (Kind::Page | Kind::Folder, Some(parent)) =
            (at.kind, at.parent.as_deref().and_then(|id| self.content(id)))
        {
            out.push(parent);
            at = parent;
        }
        out.reverse();
        out
    }

    /// The page or blog post whose rights a comment or an attachment has; a page's own self.
    pub fn holder<'a>(&'a self, content: &'a Content) -> &'a Content {
        let mut at = content;
        while let Some(container) = at.container.as_deref().and_then(|id| self.content(id)) {
            at = container;
        }
        at
    }

    /// A space by key.
    pub fn space(&self, key: &str) -> Option<&Space> {
        self.spec.spaces.iter().find(|space| space.key == key)
    }

    /// The number the product would have given a space.
    pub fn space_number(&self, key: &str) -> usize {
        98_305 + self.spec.spaces.iter().position(|space| space.key == key).unwrap_or_default()
    }

    /// A user by name; names are compared without regard to case.
    pub fn user(&self, username: &str) -> Option<&User> {
        let username = username.to_lowercase();
        self.spec.users.iter().find(|user| user.username.to_lowercase() == username)
    }

    /// A person's display name, by key or user name.
    pub fn name_of(&self, user: &str) -> Option<String> {
        let found = self.spec.users.iter().find(|known| known.key == user).or_else(|| self.user(user));
        found.map(|user| user.display_name.clone())
    }

    /// A group by name; names are compared without regard to case.
    pub fn group(&self, name: &str) -> Option<&Group> {
        let name = name.to_lowercase();
        self.spec.groups.iter().find(|group| group.name.to_lowercase() == name)
    }

    /// An attachment's bytes.
    pub fn file(&self, id: &str) -> Option<&Arc<[u8]>> {
        self.files.get(id)
    }
}

fn unique(what: &str, names: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if seen.contains(&name) {
            bail!("{what} {name:?} is there twice");
        }
        seen.insert(name);
    }
    Ok(())
}

/// Minutes east of UTC.
fn offset(zone: &str) -> anyhow::Result<i64> {
    if zone == "UTC" {
        return Ok(0);
    }
    let (sign, rest) = match zone.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => bail!("time_zone {zone:?} must be UTC or an offset such as +01:00"),
    };
    let parsed = rest.split_once(':').and_then(|(h, m)| Some((h.parse::<i64>().ok()?, m.parse::<i64>().ok()?)));
    match parsed {
        Some((hours @ 0..=14, minutes @ 0..=59)) => Ok(sign * (hours * 60 + minutes)),
        _ => bail!("time_zone {zone:?} must be UTC or an offset such as +01:00"),
    }
}
