//! The JSON shapes of the REST interface, and `expand`.

use serde_json::{Map, Value, json};

use super::cloud_shape::group_id;
use super::flavour::Flavour;
use super::site::{Content, Kind, Site, Space, Subjects, User};
use crate::clock::Moment;
use crate::standin::server::encode;

/// The most subjects of a restriction that are returned inside another answer.
pub(super) const SUBJECTS_MAX: usize = 200;

/// Restricted levels that one answer lists at most.
pub(super) const LEVELS_MAX: usize = 50;

/// What a request asks to have written out, such as `body.storage,version`.
pub(super) struct Expand(Vec<String>);

impl Expand {
    /// From the `expand` parameter.
    pub fn parse(text: &str) -> Expand {
        Expand(text.split(',').map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()).collect())
    }

    /// Whether a path, or anything below it, is asked for.
    pub fn has(&self, path: &str) -> bool {
        self.0.iter().any(|asked| asked == path || asked.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Rows served at most, by what each has to carry: the product's hard caps.
    pub fn rows_max(&self) -> usize {
        match () {
            () if self.has("body") => 50,
            () if self.0.is_empty() => 1000,
            () => 200,
        }
    }
}

/// Writes shapes for one request.
pub(super) struct Shapes<'a> {
    /// The site of this request.
    pub site: &'a Site,
    /// The whole address of the site, context path included.
    pub url: &'a str,
    /// The product and version that is played.
    pub flavour: Flavour,
    /// Where true, the readers of a restricted page are left out, as if they could not be read.
    pub restrictions_fail: bool,
    /// Where true, nobody's e-mail address is told.
    pub hides_mail: bool,
}

impl Shapes<'_> {
    /// A time in the site's zone.
    pub fn time(&self, at: &str) -> String {
        let at = Moment::parse(at).unwrap_or(Moment::from_ms(0));
        let minutes = self.site.offset_minutes;
        let local = at.plus_ms(minutes * 60_000).rfc3339();
        if minutes == 0 {
            return local;
        }
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{}{sign}{:02}:{:02}", local.trim_end_matches('Z'), minutes.abs() / 60, minutes.abs() % 60)
    }

    /// A user; there is no e-mail address in lists.
    pub fn user(&self, user: &User, expand: &Expand) -> Value {
        if self.flavour == Flavour::Cloud {
            return self.account(user);
        }
        let mut out = json!({
            "type": "known", "username": user.username, "userKey": user.key, "displayName": user.display_name,
            "profilePicture": {"path": "/images/icons/profilepics/default.svg", "width": 48, "height": 48, "isDefault": true},
            "_links": {"self": format!("{}/rest/api/user?key={}", self.url, user.key)},
            "_expandable": {"status": ""},
        });
        if expand.has("status") {
            out["status"] = json!(if user.active { "current" } else { "deactivated" });
            out["_expandable"] = json!({});
        }
        out
    }

    /// A user named by a page or a permission, also one who is no longer there.
    pub fn named(&self, username: &str) -> Value {
        match self.site.user(username) {
            Some(user) => self.user(user, &Expand(Vec::new())),
            None => {
                json!({"type": "unknown", "username": username, "userKey": username, "displayName": "Unknown User"})
            }
        }
    }

    /// A group: on Data Center it has no id but its name.
    pub fn group(&self, name: &str) -> Value {
        if self.flavour == Flavour::Cloud {
            return json!({"type": "group", "name": name, "id": group_id(self.site, name)});
        }
        json!({"type": "group", "name": name,
               "_links": {"self": format!("{}/rest/api/group/{}", self.url, encode(name))}})
    }

    /// A space.
    pub fn space(&self, space: &Space, expand: &Expand) -> Value {
        let mut out = json!({
            "id": self.site.space_number(&space.key), "key": space.key, "name": space.name, "type": space.kind,
            "status": space.status,
            "_links": {"webui": format!("/spaces/{}", encode(&space.key)),
                       "self": format!("{}/rest/api/space/{}", self.url, encode(&space.key))},
            "_expandable": {"description": "", "metadata": "", "icon": ""},
        });
        match self.site.home(&space.key) {
            Some(home) if expand.has("homepage") => out["homepage"] = self.brief(home),
            Some(home) => out["_expandable"]["homepage"] = json!(format!("/rest/api/content/{}", home.id)),
            None => {}
        }
        if expand.has("description") {
            out["description"] = json!({"plain": {"value": "", "representation": "plain"}});
        }
        out
    }

    /// A content with nothing expanded.
    pub fn brief(&self, content: &Content) -> Value {
        self.content(content, &Expand(Vec::new()))
    }

    /// A page, blog post, comment or attachment.
    pub fn content(&self, content: &Content, expand: &Expand) -> Value {
        let mut out = json!({
            "id": content.id, "type": content.kind.as_str(), "status": content.status, "title": content.title,
            "_links": self.links(content),
        });
        let holder = self.site.holder(content);
        let mut expandable = Map::new();
        let mut part = |name: &str, value: &dyn Fn() -> Value| {
            if expand.has(name) {
                out[name] = value();
            } else {
                expandable.insert(name.to_owned(), json!(""));
            }
        };
        if let Some(space) = self.site.space(&content.space) {
            part("space", &|| self.space(space, &Expand(Vec::new())));
        }
        part("version", &|| {
            json!({"by": self.named(&content.updated_by), "when": self.time(&content.updated_at), "message": "",
                   "number": content.version, "minorEdit": false, "hidden": false})
        });
        part("history", &|| {
            let created = content.created_at.as_ref().unwrap_or(&content.updated_at);
            json!({"latest": true, "createdBy": self.named(&content.created_by), "createdDate": self.time(created),
                   "lastUpdated": {"by": self.named(&content.updated_by), "when": self.time(&content.updated_at),
                                   "number": content.version}})
        });
        part("metadata", &|| {
            let mut metadata = json!({"mediaType": content.media_type, "comment": ""});
            if content.kind != Kind::Attachment {
                metadata = json!({});
            }
            if expand.has("metadata.labels") {
                metadata["labels"] = self.labels(content);
            }
            metadata
        });
        part("childTypes", &|| {
            let has =
                |kind| json!({"value": self.site.below(&content.id, kind).any(|child| child.status == "current")});
            json!({"attachment": has(Kind::Attachment), "comment": has(Kind::Comment), "page": has(Kind::Page)})
        });
        part("restrictions", &|| self.restrictions(content, expand));
        if content.kind != Kind::Attachment {
            part("body", &|| {
                let mut body = json!({});
                if expand.has("body.storage") {
                    body["storage"] = json!({"value": self.site.body(content), "representation": "storage"});
                }
                if expand.has("body.view") {
                    let html = super::html::render(&self.site.body(content), &|user| self.site.name_of(user))
                        .unwrap_or_default();
                    body["view"] = json!({"value": html, "representation": "view"});
                }
                body
            });
        }
        match content.kind {
            Kind::Page | Kind::Folder => part("ancestors", &|| {
                Value::Array(self.site.ancestors(content).iter().map(|above| self.brief(above)).collect())
            }),
            Kind::Comment | Kind::Attachment => {
                let container = content.container.as_deref().and_then(|id| self.site.content(id)).unwrap_or(holder);
                part("container", &|| self.brief(container));
            }
            Kind::Blogpost => {}
        }
        // Attachments carry their extensions without being asked; comments only where they are.
        if content.kind == Kind::Attachment || expand.has("extensions") {
            out["extensions"] = self.extensions(content);
        } else {
            expandable.insert("extensions".to_owned(), json!(""));
        }
        out["_expandable"] = Value::Object(expandable);
        out
    }

    /// The labels of a content, in the paging envelope.
    pub fn labels(&self, content: &Content) -> Value {
        let labels = content.labels.iter().enumerate();
        let results: Vec<Value> = labels
            .map(|(n, name)| json!({"prefix": "global", "name": name, "id": (327_680 + n).to_string()}))
            .collect();
        json!({"start": 0, "limit": 200, "size": results.len(), "results": results})
    }

    /// One restriction: who `operation` is left to at this level; two empty lists where it is not restricted.
    pub fn restriction(&self, operation: &str, subjects: &Subjects) -> Value {
        let list =
            |results: Vec<Value>| json!({"start": 0, "limit": SUBJECTS_MAX, "size": results.len(), "results": results});
        let users = subjects.users.iter().take(SUBJECTS_MAX).map(|name| self.named(name)).collect();
        let groups = subjects.groups.iter().take(SUBJECTS_MAX).map(|name| self.group(name)).collect();
        json!({"operation": operation, "restrictions": {"user": list(users), "group": list(groups)}})
    }

    /// Who reading is left to at one level, and which that is.
    pub fn level(&self, content: &Content) -> Value {
        let mut level = self.restriction("read", &content.read);
        level["content"] = self.brief(content);
        level
    }

    fn restrictions(&self, content: &Content, expand: &Expand) -> Value {
        let mut out = json!({});
        for (operation, subjects) in [("read", &content.read), ("update", &content.update)] {
            let path = format!("restrictions.{operation}");
            let is_readable = !self.restrictions_fail || subjects.is_empty();
            if expand.has(&path) && is_readable {
                out[operation] = self.restriction(operation, subjects);
                for kind in ["user", "group"] {
                    if !expand.has(&format!("{path}.restrictions.{kind}"))
                        && let Some(lists) = out[operation]["restrictions"].as_object_mut()
                    {
                        lists.remove(kind);
                    }
                }
            } else {
                let address = format!("/rest/api/content/{}/restriction/byOperation/{operation}", content.id);
                out["_expandable"][operation] = json!(address);
            }
        }
        out
    }

    fn extensions(&self, content: &Content) -> Value {
        match content.kind {
            Kind::Attachment => {
                let size = self.site.file(&content.id).map_or(0, |bytes| bytes.len());
                json!({"mediaType": content.media_type, "fileSize": size, "comment": ""})
            }
            Kind::Comment => {
                let location = content.location.as_deref().unwrap_or("footer");
                let mut out = json!({"location": location,
                    "resolution": {"status": if location == "resolved" { "resolved" } else { "open" }}});
                if let Some(selection) = &content.original_selection {
                    out["inlineProperties"] = json!({"originalSelection": selection, "markerRef": content.id});
                }
                out
            }
            Kind::Page | Kind::Blogpost | Kind::Folder => json!({"position": "none"}),
        }
    }

    /// Where a content is opened, and where an attachment's bytes are.
    pub fn links(&self, content: &Content) -> Value {
        let holder = self.site.holder(content);
        let page = |content: &Content| {
            let title = encode(&content.title).replace("%20", "+");
            let place = match content.kind {
                // A blog post stands under its day: the first ten characters of an RFC 3339 time.
                Kind::Blogpost => {
                    let created = self.time(content.created_at.as_ref().unwrap_or(&content.updated_at));
                    format!("blog/{}", created[..10].replace('-', "/"))
                }
                Kind::Folder => "folder".to_owned(),
                Kind::Page | Kind::Comment | Kind::Attachment => "pages".to_owned(),
            };
            format!("/spaces/{}/{place}/{}/{title}", encode(&content.space), content.id)
        };
        let mut out = json!({"self": format!("{}/rest/api/content/{}", self.url, content.id)});
        match content.kind {
            Kind::Page | Kind::Blogpost | Kind::Folder => {
                out["webui"] = json!(page(content));
                out["tinyui"] = json!(format!("/pages/viewpage.action?pageId={}", content.id));
            }
            Kind::Comment => {
                out["webui"] =
                    json!(format!("{}?focusedCommentId={}#comment-{}", page(holder), content.id, content.id));
            }
            Kind::Attachment => {
                let changed = Moment::parse(&content.updated_at).map_or(0, Moment::ms);
                let file = encode(&content.title);
                out["webui"] = json!(format!(
                    "/pages/viewpageattachments.action?pageId={}&preview=/{}/{}/{file}",
                    holder.id, holder.id, content.id
                ));
                out["download"] = json!(format!(
                    "/download/attachments/{}/{file}?version={}&modificationDate={changed}&api=v2",
                    holder.id, content.version
                ));
            }
        }
        out
    }
}
