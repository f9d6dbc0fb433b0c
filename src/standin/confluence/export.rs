//! The site as an XML export of Confluence: of one space, or of the whole site with its people. The forms are those that
//! exports of real ones have: up to Confluence 7 what has no value is there and empty, later it is left out.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use anyhow::{Context as _, bail};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::flavour::Flavour;
use super::site::{Content, Grant, Kind, Site, Space, Subjects, User};
use crate::clock::Moment;

/// The first number given to things that the site file does not number.
const FIRST_NUMBER: u64 = 900_000_001;

/// The packages of classes, which stand beside their names.
const PACKAGES: [(&str, &[&str]); 8] = [
    ("com.atlassian.confluence.spaces", &["Space"]),
    ("com.atlassian.confluence.pages", &["Page", "BlogPost", "Comment", "Attachment"]),
    ("com.atlassian.confluence.core", &["BodyContent"]),
    ("com.atlassian.confluence.content", &["ContentProperty", "Folder"]),
    ("com.atlassian.confluence.security", &["SpacePermission", "ContentPermissionSet", "ContentPermission"]),
    ("com.atlassian.confluence.labels", &["Label", "Labelling"]),
    ("com.atlassian.confluence.user", &["ConfluenceUserImpl"]),
    ("com.atlassian.crowd.embedded", &["InternalUser", "InternalGroup", "HibernateMembership", "DirectoryImpl"]),
];

/// The bytes of an export of one space, or of the whole site.
pub(super) fn packed(site: &Site, flavour: Flavour, space: Option<&str>) -> anyhow::Result<Vec<u8>> {
    if let Some(key) = space {
        site.space(key).with_context(|| format!("the site has no space {key:?}"))?;
    }
    let mut writing = Writing::of(site, flavour, space);
    writing.all()?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut put = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        zip.start_file(name, options)?;
        Ok(zip.write_all(bytes)?)
    };
    put("exportDescriptor.properties", descriptor(flavour, space).as_bytes())?;
    put("entities.xml", format!("{}</hibernate-generic>\n", writing.out).as_bytes())?;
    for content in writing.contents(&[Kind::Attachment]) {
        if let Some(bytes) = site.file(&content.id) {
            let (holder, id) = (number(&site.holder(content).id)?, number(&content.id)?);
            put(&format!("attachments/{holder}/{id}/{}", content.version), bytes)?;
        }
    }
    Ok(zip.finish()?.into_inner())
}

fn descriptor(flavour: Flavour, space: Option<&str>) -> String {
    let (source, version) = match flavour {
        Flavour::Cloud => ("cloud", "1000.0.0".to_owned()),
        Flavour::DataCenter((major, minor, patch)) => ("server", format!("{major}.{minor}.{patch}")),
    };
    let mut out = format!(
        "#An export by the stand-in\nsource={source}\ncreatedByVersionNumber={version}\ntimezoneId=UTC\nbackupAttachments=true\n"
    );
    match space {
        Some(key) => drop(writeln!(out, "exportType=space\nspaceKey={key}")),
        None => out.push_str("exportType=all\n"),
    }
    out
}

/// An id as Confluence writes it: a number, without what the REST interface puts before it.
fn number(id: &str) -> anyhow::Result<&str> {
    let number = id.strip_prefix("att").unwrap_or(id);
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("content {id:?} has no number for an id, as an export needs it");
    }
    Ok(number)
}

/// A text in a section that it cannot end: behind each `]]` Confluence writes a space.
fn section(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]", "]] "))
}

struct Writing<'a> {
    site: &'a Site,
    flavour: Flavour,
    space: Option<&'a str>,
    /// Whether what has no value is written as empty.
    writes_empty: bool,
    next: u64,
    out: String,
}

impl<'a> Writing<'a> {
    fn of(site: &'a Site, flavour: Flavour, space: Option<&'a str>) -> Writing<'a> {
        let writes_empty = match flavour {
            Flavour::DataCenter((major, ..)) => major < 8,
            Flavour::Cloud => true,
        };
        let out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<hibernate-generic datetime=\"2026-11-02 09:00:00\">\n";
        Writing { site, flavour, space, writes_empty, next: FIRST_NUMBER, out: out.to_owned() }
    }

    fn contents(&self, kinds: &[Kind]) -> Vec<&'a Content> {
        let is_here = |content: &&Content| self.space.is_none_or(|key| content.space == key);
        self.site.spec.content.iter().filter(is_here).filter(|content| kinds.contains(&content.kind)).collect()
    }

    fn number(&mut self) -> String {
        self.next += 1;
        self.next.to_string()
    }

    // ── The form of an object ────────────────────────────────────────────────────────────────────────────────────────

    fn object(&mut self, class: &str, id: &str, inside: impl FnOnce(&mut Self)) {
        let name = if class == "ConfluenceUserImpl" { "key" } else { "id" };
        let id = if name == "key" { section(id) } else { id.to_owned() };
        let _ = writeln!(
            self.out,
            "<object class=\"{class}\" package=\"{}\">\n<id name=\"{name}\">{id}</id>",
            package(class)
        );
        inside(self);
        self.out.push_str("</object>\n");
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => drop(writeln!(self.out, "<property name=\"{name}\">{}</property>", section(value))),
            None if self.writes_empty => drop(write!(self.out, "<property name=\"{name}\"/>")),
            None => {}
        }
    }

    fn plain(&mut self, name: &str, value: &str) {
        let _ = writeln!(self.out, "<property name=\"{name}\">{value}</property>");
    }

    fn names(&mut self, name: &str, class: &str, id: &str) {
        let (key, id) = match class {
            "ConfluenceUserImpl" => ("key", section(id)),
            _ => ("id", id.to_owned()),
        };
        let _ = writeln!(
            self.out,
            "<property name=\"{name}\" class=\"{class}\" package=\"{}\"><id name=\"{key}\">{id}</id>\n</property>",
            package(class)
        );
    }

    fn list(&mut self, name: &str, class: &str, ids: &[String]) {
        let _ = write!(self.out, "<collection name=\"{name}\" class=\"java.util.Collection\">");
        for id in ids {
            let _ = write!(
                self.out,
                "<element class=\"{class}\" package=\"{}\"><id name=\"id\">{id}</id>\n</element>\n",
                package(class)
            );
        }
        self.out.push_str("</collection>\n");
    }

    fn made(&mut self, created: (&str, &str), changed: (&str, &str)) {
        self.names("creator", "ConfluenceUserImpl", &self.key(created.0));
        self.plain("creationDate", &time(created.1));
        self.names("lastModifier", "ConfluenceUserImpl", &self.key(changed.0));
        self.plain("lastModificationDate", &time(changed.1));
    }

    /// The key of a user; one who is gone from the site keeps some key.
    fn key(&self, username: &str) -> String {
        self.site.user(username).map_or_else(|| format!("gone-{username}"), |user| user.key.clone())
    }

    // ── What there is ────────────────────────────────────────────────────────────────────────────────────────────────

    fn all(&mut self) -> anyhow::Result<()> {
        // Confluence writes objects as it comes upon them: what names another may stand before it.
        for content in self.contents(&[Kind::Comment, Kind::Attachment]) {
            self.hanging(content)?;
        }
        for content in self.contents(&[Kind::Page, Kind::Blogpost]) {
            self.page(content)?;
        }
        let spaces: Vec<&Space> =
            self.site.spec.spaces.iter().filter(|space| self.space.is_none_or(|key| space.key == key)).collect();
        for space in spaces {
            self.space(space);
        }
        for user in self.users() {
            self.user(user);
        }
        if self.space.is_none() {
            let everybody = self.site.spec.global_use.clone();
            self.grant("USECONFLUENCE", None, &everybody);
            self.directory();
        }
        Ok(())
    }

    fn space(&mut self, space: &Space) {
        let id = self.site.space_number(&space.key).to_string();
        self.object("Space", &id, |object| {
            object.text("name", Some(&space.name));
            object.text("key", Some(&space.key));
            object.text("lowerKey", Some(&space.key.to_lowercase()));
            object.plain("spaceType", &space.kind);
            object.plain("spaceStatus", &space.status.to_uppercase());
        });
        // There is always somebody who administers it; that alone lets nobody view.
        let administers = Grant { groups: vec!["confluence-administrators".to_owned()], ..Grant::default() };
        self.grant("SETSPACEPERMISSIONS", Some(&id), &administers);
        self.grant("VIEWSPACE", Some(&id), &space.view);
        self.grant("COMMENT", Some(&id), &space.view);
    }

    fn grant(&mut self, kind: &str, space: Option<&str>, to: &Grant) {
        let users = to.users.iter().map(|name| (None, Some(self.key(name))));
        let groups = to.groups.iter().map(|name| (Some(name.clone()), None));
        let subjects: Vec<_> = users.chain(groups).chain(to.anonymous.then_some((None, None))).collect();
        for (group, user) in subjects {
            let id = self.number();
            self.object("SpacePermission", &id, |object| {
                if let Some(space) = space {
                    object.names("space", "Space", space);
                }
                object.text("type", Some(kind));
                object.text("group", group.as_deref());
                if let Some(user) = &user {
                    object.names("userSubject", "ConfluenceUserImpl", user);
                }
                object.text("allUsersSubject", None);
                object.plain("creationDate", "2026-01-01 00:00:00.000");
                object.plain("lastModificationDate", "2026-01-01 00:00:00.000");
            });
        }
    }

    fn page(&mut self, content: &'a Content) -> anyhow::Result<()> {
        let id = number(&content.id)?;
        let class = if content.kind == Kind::Page { "Page" } else { "BlogPost" };
        let sets = [("View", &content.read), ("Edit", &content.update)];
        let sets: Vec<(String, &str, &Subjects)> = sets
            .into_iter()
            .filter(|(_, subjects)| !subjects.is_empty())
            .map(|(kind, subjects)| (self.number(), kind, subjects))
            .collect();
        let labels: Vec<(String, String, &String)> =
            content.labels.iter().map(|label| (self.number(), self.number(), label)).collect();
        let parent = content.parent.as_deref().filter(|_| content.kind == Kind::Page);
        let parent = parent.and_then(|parent| self.site.content(parent));
        let parent = parent.map(|parent| anyhow::Ok((number(&parent.id)?, parent.kind))).transpose()?;
        let space = self.site.space_number(&content.space).to_string();
        self.object(class, id, |object| {
            object.versioned(content, content.version);
            object.names("space", "Space", &space);
            match parent {
                Some((parent, Kind::Folder)) => object.names("parent", "Folder", parent),
                Some((parent, _)) => object.names("parent", "Page", parent),
                None => {}
            }
            object.text("originalVersionId", None);
            if object.writes_empty {
                let ids: Vec<String> = sets.iter().map(|(id, ..)| id.clone()).collect();
                object.list("contentPermissionSets", "ContentPermissionSet", &ids);
                let ids: Vec<String> = labels.iter().map(|(id, ..)| id.clone()).collect();
                object.list("labellings", "Labelling", &ids);
            }
        });
        if content.version > 1 {
            let old = self.number();
            self.object(class, &old, |object| {
                object.versioned(content, content.version - 1);
                object.names("originalVersion", class, id);
            });
            self.body(class, &old, "<p>What an older version said, which nobody is to find.</p>");
        }
        self.body(class, id, &content.body);
        for (set, kind, subjects) in sets {
            self.restriction(&set, kind, (class, id), subjects);
        }
        for (labelling, label, name) in labels {
            self.object("Labelling", &labelling, |object| {
                object.names("label", "Label", &label);
                object.names("content", class, id);
                object.plain("labelableId", id);
                object.text("labelableType", Some("CONTENT"));
            });
            self.object("Label", &label, |object| {
                object.text("name", Some(name));
                object.text("namespace", Some("global"));
            });
        }
        Ok(())
    }

    fn versioned(&mut self, content: &Content, version: u32) {
        let status = match content.status.as_str() {
            "trashed" => "deleted",
            status => status,
        };
        let created = content.created_at.as_ref().unwrap_or(&content.updated_at);
        self.text("title", Some(&content.title));
        self.text("lowerTitle", Some(&content.title.to_lowercase()));
        self.plain("version", &version.to_string());
        self.made((&content.created_by, created), (&content.updated_by, &content.updated_at));
        self.text("versionComment", Some(""));
        self.text("contentStatus", Some(status));
    }

    fn body(&mut self, class: &str, of: &str, text: &str) {
        // A page without words has no body.
        if text.is_empty() {
            return;
        }
        let id = self.number();
        self.object("BodyContent", &id, |object| {
            object.text("body", Some(text));
            object.names("content", class, of);
            object.plain("bodyType", "2");
        });
    }

    fn restriction(&mut self, set: &str, kind: &str, (class, of): (&str, &str), subjects: &Subjects) {
        let users = subjects.users.iter().map(|name| (Some(self.key(name)), None));
        let groups = subjects.groups.iter().map(|name| (None, Some(name.clone())));
        let named: Vec<(Option<String>, Option<String>)> = users.chain(groups).collect();
        let mut ids = Vec::new();
        for (user, group) in named {
            let id = self.number();
            self.object("ContentPermission", &id, |object| {
                object.text("type", Some(kind));
                if let Some(user) = &user {
                    object.names("userSubject", "ConfluenceUserImpl", user);
                }
                object.text("groupName", group.as_deref());
                object.names("owningSet", "ContentPermissionSet", set);
            });
            ids.push(id);
        }
        self.object("ContentPermissionSet", set, |object| {
            object.text("type", Some(kind));
            object.list("contentPermissions", "ContentPermission", &ids);
            object.names("owningContent", class, of);
        });
    }

    /// A comment or an attached file, with what is told of it apart.
    fn hanging(&mut self, content: &'a Content) -> anyhow::Result<()> {
        let (id, holder) = (number(&content.id)?, self.site.holder(content));
        let (on, is_comment) = (number(&holder.id)?, content.kind == Kind::Comment);
        let class = if is_comment { "Comment" } else { "Attachment" };
        let bytes = self.site.file(&content.id).map_or(0, |bytes| bytes.len()).to_string();
        let is_inline = matches!(content.location.as_deref(), Some("inline" | "resolved"));
        let mut properties = Vec::new();
        if is_comment && is_inline {
            properties.push(("inline-comment", "true"));
            properties.push(("inline-original-selection", content.original_selection.as_deref().unwrap_or_default()));
            let is_resolved = content.location.as_deref() == Some("resolved");
            properties.push(("status", if is_resolved { "resolved" } else { "open" }));
        } else if !is_comment {
            properties.push(("MEDIA_TYPE", content.media_type.as_deref().unwrap_or_default()));
            properties.push(("FILESIZE", &bytes));
        }
        let properties: Vec<(String, &str, &str)> =
            properties.into_iter().map(|(name, value)| (self.number(), name, value)).collect();
        self.object(class, id, |object| {
            object.versioned(content, content.version);
            object.text("originalVersionId", None);
            object.names("containerContent", if holder.kind == Kind::Page { "Page" } else { "BlogPost" }, on);
            if object.writes_empty {
                let ids: Vec<String> = properties.iter().map(|(id, ..)| id.clone()).collect();
                object.list("contentProperties", "ContentProperty", &ids);
            }
        });
        for (property, name, value) in properties {
            self.object("ContentProperty", &property, |object| {
                object.text("name", Some(name));
                match name {
                    "FILESIZE" => object.plain("longValue", value),
                    _ => object.text("stringValue", Some(value)),
                }
                if !object.writes_empty {
                    object.names("content", class, id);
                }
            });
        }
        if is_comment {
            self.body(class, id, &content.body);
        }
        Ok(())
    }

    /// Everybody, or whoever an export of one space names.
    fn users(&self) -> Vec<&'a User> {
        let contents = self.contents(&[Kind::Page, Kind::Blogpost, Kind::Comment, Kind::Attachment]);
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for content in contents {
            named.extend([content.created_by.as_str(), content.updated_by.as_str()]);
            named.extend(content.read.users.iter().chain(&content.update.users).map(String::as_str));
        }
        let space = self.space.and_then(|key| self.site.space(key));
        named.extend(space.iter().flat_map(|space| &space.view.users).map(String::as_str));
        let is_named = |user: &&User| self.space.is_none() || named.contains(user.username.as_str());
        self.site.spec.users.iter().filter(is_named).collect()
    }

    fn user(&mut self, user: &User) {
        let is_cloud = self.flavour == Flavour::Cloud;
        self.object("ConfluenceUserImpl", &user.key, |object| {
            object.text("name", Some(&user.username));
            object.text("lowerName", Some(&user.username.to_lowercase()));
            if is_cloud {
                object.text("atlassianAccountId", user.account_id.as_deref());
                object.text("email", Some(&user.email).filter(|_| user.email_visible).map(String::as_str));
            }
        });
    }

    /// The directory of the whole site: users, groups, who is in what.
    fn directory(&mut self) {
        const ID: &str = "1";
        self.object("DirectoryImpl", ID, |object| object.text("name", Some("Confluence Internal Directory")));
        let users: Vec<(String, &User)> = self.site.spec.users.iter().map(|user| (self.number(), user)).collect();
        for (id, user) in &users {
            self.object("InternalUser", id, |object| {
                object.text("name", Some(&user.username));
                object.text("lowerName", Some(&user.username.to_lowercase()));
                object.plain("active", if user.active { "true" } else { "false" });
                object.text("displayName", Some(&user.display_name));
                object.text("emailAddress", Some(&user.email));
                object.names("directory", "DirectoryImpl", ID);
            });
        }
        let groups: Vec<(String, _)> = self.site.spec.groups.iter().map(|group| (self.number(), group)).collect();
        for (id, group) in &groups {
            self.object("InternalGroup", id, |object| {
                object.text("name", Some(&group.name));
                object.text("lowerName", Some(&group.name.to_lowercase()));
                object.plain("active", "true");
                object.names("directory", "DirectoryImpl", ID);
            });
        }
        for (id, group) in &groups {
            let inside = |names: &[String], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
            let members = users.iter().filter(|(_, user)| inside(&group.members, &user.username));
            let members = members.map(|(member, _)| ("userMember", "InternalUser", member));
            let inner = groups.iter().filter(|(_, inner)| inside(&group.groups, &inner.name));
            let inner = inner.map(|(inner, _)| ("groupMember", "InternalGroup", inner));
            for (name, class, member) in members.chain(inner) {
                let membership = self.number();
                self.object("HibernateMembership", &membership, |object| {
                    object.names("parentGroup", "InternalGroup", id);
                    object.names(name, class, member);
                });
            }
        }
    }
}

fn package(class: &str) -> &'static str {
    let found = PACKAGES.iter().find(|(_, classes)| classes.contains(&class));
    found.map_or("com.atlassian.confluence", |(package, _)| package)
}

/// A time as an export writes it, in UTC.
fn time(at: &str) -> String {
    Moment::parse(at).unwrap_or(Moment::from_ms(0)).rfc3339().replace('T', " ").trim_end_matches('Z').to_owned()
}
