//! The JSON shapes of Confluence Cloud.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::shape::Shapes;
use super::site::{Content, Kind, Site, Space, User};
use crate::clock::Moment;

/// The id of an account.
pub(super) fn account_id(user: &User) -> String {
    user.account_id.clone().unwrap_or_else(|| format!("557058:{}", user.key))
}

/// The id of a group, which a rename does not change: that of the site file, or one made of its name.
pub(super) fn group_id(site: &Site, name: &str) -> String {
    let named = site.group(name).and_then(|group| group.id.clone());
    named.unwrap_or_else(|| made_id(&format!("group {}", name.to_lowercase())))
}

/// The id of a role.
fn role_id(name: &str) -> String {
    made_id(&format!("role {name}"))
}

/// Sixteen bytes in the form of a UUID.
fn made_id(of: &str) -> String {
    let hex = hex::encode(&Sha256::digest(of.as_bytes())[..16]);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The resource that a comment is of.
pub(super) fn class_of(comment: &Content) -> &'static str {
    match (&comment.original_selection, comment.location.as_deref()) {
        (None, None | Some("footer")) => "footer-comments",
        _ => "inline-comments",
    }
}

impl Shapes<'_> {
    /// A user's e-mail address; empty where others may not see it.
    pub fn email<'a>(&self, user: &'a User) -> &'a str {
        if user.email_visible && !self.hides_mail { &user.email } else { "" }
    }

    /// A user, with the address where others may see it.
    pub fn account(&self, user: &User) -> Value {
        let email = self.email(user);
        json!({"type": "known", "accountId": account_id(user), "accountType": "atlassian", "email": email,
               "publicName": user.display_name, "displayName": user.display_name, "isExternalCollaborator": false})
    }

    /// A space.
    pub fn space_2(&self, space: &Space) -> Value {
        let home = self
            .site
            .spec
            .content
            .iter()
            .find(|content| content.kind == Kind::Page && content.space == space.key && content.parent.is_none());
        json!({"id": self.site.space_number(&space.key).to_string(), "key": space.key, "name": space.name,
               "type": space.kind, "status": space.status, "homepageId": home.map(|home| &home.id),
               "_links": {"webui": format!("/spaces/{}", space.key)}})
    }

    /// The permissions of a space as version 1 tells them: one entry a subject, and one for everybody.
    pub fn permissions(&self, space: &Space) -> Value {
        let operation = json!({"operation": "read", "targetType": "space"});
        let entry = |kind: &str, subject: Value| {
            json!({"operation": operation, "anonymousAccess": false, "unlicensedAccess": false,
                   "subjects": {kind: {"results": [subject], "size": 1}}})
        };
        let users = space.view.users.iter().map(|name| entry("user", self.named(name)));
        let groups = space.view.groups.iter().map(|name| entry("group", self.group(name)));
        let anonymous = space
            .view
            .anonymous
            .then(|| json!({"operation": operation, "anonymousAccess": true, "unlicensedAccess": false}));
        // What is given to a class of users has no subject here.
        let classes = space.role_assignments.iter().flat_map(|assignment| &assignment.classes);
        let classes =
            classes.map(|_| json!({"operation": operation, "anonymousAccess": false, "unlicensedAccess": false}));
        Value::Array(users.chain(groups).chain(anonymous).chain(classes).collect())
    }

    /// The same as version 2 tells them, which knows no anonymous grant.
    pub fn permissions_2(&self, space: &Space) -> Vec<Value> {
        let entry = |kind: &str, id: String, key: &str, target: &str| json!({"id": format!("{kind}-{id}-{key}"), "principal": {"type": kind, "id": id}, "operation": {"key": key, "targetType": target}});
        let users =
            space.view.users.iter().filter_map(|name| self.site.user(name)).map(|user| ("user", account_id(user)));
        let groups = space.view.groups.iter().map(|name| ("group", group_id(self.site, name)));
        let roles = space.role_assignments.iter().map(|assignment| ("role", role_id(&assignment.role)));
        let all = users.chain(groups).chain(roles);
        let mut out: Vec<Value> = all
            .flat_map(|(kind, id)| [entry(kind, id.clone(), "create", "comment"), entry(kind, id, "read", "space")])
            .collect();
        // Whoever may comment and not view views nothing.
        out.extend(
            self.site
                .spec
                .groups
                .iter()
                .map(|group| entry("group", group_id(self.site, &group.name), "create", "comment")),
        );
        out
    }

    /// Who has which role in a space.
    pub fn assignments(&self, space: &Space) -> Vec<Value> {
        let mut out = Vec::new();
        for assignment in &space.role_assignments {
            let mut add = |kind: &str, id: String| {
                let principal = json!({"principalType": kind, "principalId": id});
                out.push(json!({"roleId": role_id(&assignment.role), "principal": principal}));
            };
            let users = assignment.users.iter().filter_map(|name| self.site.user(name));
            users.for_each(|user| add("USER", account_id(user)));
            assignment.groups.iter().for_each(|name| add("GROUP", group_id(self.site, name)));
            assignment.classes.iter().for_each(|class| add("ACCESS_CLASS", class.clone()));
        }
        out
    }

    /// The roles there are, with what each allows.
    pub fn roles(&self) -> Vec<Value> {
        let role = |(name, permissions): (&String, &Vec<String>)| json!({"id": role_id(name), "type": "SYSTEM", "name": name, "description": "", "spacePermissions": permissions});
        self.site.spec.space_roles.iter().map(role).collect()
    }

    fn utc(&self, at: &str) -> String {
        Moment::parse(at).unwrap_or(Moment::from_ms(0)).rfc3339()
    }

    fn version_2(&self, content: &Content) -> Value {
        let author = self.site.user(&content.updated_by).map(account_id);
        json!({"number": content.version, "createdAt": self.utc(&content.updated_at), "message": "",
               "minorEdit": false, "authorId": author})
    }

    /// A page, a blog post or a folder: its parent alone, not the way up.
    pub fn content_2(&self, content: &Content, body_format: &str) -> Value {
        let parent = content.parent.as_deref().and_then(|id| self.site.content(id));
        let created = content.created_at.as_ref().unwrap_or(&content.updated_at);
        let mut out = json!({
            "id": content.id, "status": content.status, "title": content.title,
            "spaceId": self.site.space_number(&content.space).to_string(),
            "authorId": self.site.user(&content.created_by).map(account_id), "createdAt": self.utc(created),
            "version": self.version_2(content), "body": {}, "_links": self.links(content),
        });
        if content.kind != Kind::Blogpost {
            out["parentId"] = json!(parent.map(|parent| &parent.id));
            out["parentType"] = json!(parent.map(|parent| parent.kind.as_str()));
        }
        let body = match body_format {
            "storage" => content.body.clone(),
            "atlas_doc_format" => self.document(content).to_string(),
            _ => return out,
        };
        out["body"] = json!({body_format: {"representation": body_format, "value": body}});
        out
    }

    /// A page in the document format of the new editor: its words, a paragraph for each.
    fn document(&self, content: &Content) -> Value {
        let html = super::html::render(&content.body, &|user| self.site.name_of(user)).unwrap_or_default();
        let paragraphs = html.split("</p>").filter_map(|part| {
            let words: String =
                part.split('<').map(|part| part.split_once('>').map_or(part, |(_, words)| words)).collect();
            let text = words.trim();
            (!text.is_empty()).then(|| json!({"type": "paragraph", "content": [{"type": "text", "text": text}]}))
        });
        json!({"type": "doc", "version": 1, "content": paragraphs.collect::<Vec<_>>()})
    }

    /// A comment, with its words.
    pub fn comment_2(&self, comment: &Content) -> Value {
        let holder = self.site.holder(comment);
        let page = if holder.kind == Kind::Blogpost { "blogPostId" } else { "pageId" };
        let mut out = json!({
            "id": comment.id, "status": comment.status, "title": comment.title, page: holder.id,
            "version": self.version_2(comment), "_links": self.links(comment),
            "body": {"storage": {"representation": "storage", "value": comment.body}},
        });
        if class_of(comment) == "inline-comments" {
            let is_resolved = comment.location.as_deref() == Some("resolved");
            out["resolutionStatus"] = json!(if is_resolved { "resolved" } else { "open" });
            out["properties"] =
                json!({"inlineMarkerRef": comment.id, "inlineOriginalSelection": comment.original_selection});
        }
        out
    }

    /// An attachment.
    pub fn attachment_2(&self, file: &Content) -> Value {
        let holder = self.site.holder(file);
        let page = if holder.kind == Kind::Blogpost { "blogPostId" } else { "pageId" };
        let links = self.links(file);
        let size = self.site.file(&file.id).map_or(0, |bytes| bytes.len());
        json!({"id": file.id, "status": file.status, "title": file.title, "createdAt": self.utc(&file.updated_at),
               page: holder.id, "mediaType": file.media_type, "comment": "", "fileId": file.id, "fileSize": size,
               "webuiLink": links["webui"], "downloadLink": links["download"],
               "version": self.version_2(file), "_links": links})
    }
}
