//! Confluence Cloud: version 2 of its REST interface, and what a crawler still needs of version 1.

use serde_json::{Value, json};

use super::Shared;
use super::cloud_shape::{account_id, class_of, group_id};
use super::login;
use super::routes::{Ask, by_number, failure, not_found};
use super::site::{Content, Kind, Space};
use super::view;
use crate::standin::server::{Reply, encode};

/// Rows of version 2 at most.
const ROWS_MAX: usize = 250;
/// Minutes for which an admin key opens everything when it is not said otherwise.
const KEY_MINUTES: i64 = 10;
/// The header that uses it.
pub(super) const KEY_HEADER: &str = "atl-confluence-with-admin-key";

/// A refusal as version 2 words it; what is missing and what may not be seen are answered alike.
fn missing() -> Reply {
    Reply::json(404, &json!({"errors": [{"status": 404, "code": "NOT_FOUND", "title": "Not Found", "detail": null}]}))
}

/// Answers a request below `/rest` or `/api/v2`.
pub(super) fn serve(shared: &Shared, ask: &Ask<'_>, parts: &[&str]) -> Reply {
    if !ask.sight.may_use() {
        return match ask.user {
            Some(_) => failure(403, "Current user not permitted to use Confluence", "Forbidden"),
            None => login::unauthorised(),
        };
    }
    match (ask.call.method.as_str(), parts) {
        (method, ["api", "v2", "admin-key"]) => admin_key(shared, ask, method),
        ("GET", ["api", "v2", rest @ ..]) => ask.version_2(rest),
        ("GET", ["rest", "api", rest @ ..]) => ask.version_1(rest),
        _ => missing(),
    }
}

/// Whether the caller has an admin key that has not expired, and uses it.
pub(super) fn has_key(shared: &Shared, ask_key: Option<&str>, header: Option<&str>) -> bool {
    let keys = shared.admin_keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    header == Some("true") && ask_key.and_then(|key| keys.get(key)).is_some_and(|until| *until > shared.clock.now())
}

fn admin_key(shared: &Shared, ask: &Ask<'_>, method: &str) -> Reply {
    let Some(user) = ask.user.filter(|user| user.administrator) else { return missing() };
    let mut keys = shared.admin_keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match method {
        "POST" => {
            let body: Value = serde_json::from_slice(&ask.call.body).unwrap_or_default();
            let minutes = body["durationInMinutes"].as_i64().filter(|minutes| *minutes > 0).unwrap_or(KEY_MINUTES);
            keys.insert(user.key.clone(), shared.clock.now().plus_ms(minutes.min(60) * 60_000));
        }
        "DELETE" => {
            keys.remove(&user.key);
            return Reply::of(204, "application/json", "");
        }
        _ => {}
    }
    match keys.get(&user.key).filter(|until| **until > shared.clock.now()) {
        Some(until) => Reply::json(200, &json!({"accountId": account_id(user), "expirationTime": until.rfc3339()})),
        None => missing(),
    }
}

impl<'a> Ask<'a> {
    // ── version 1

    fn version_1(&self, parts: &[&str]) -> Reply {
        match parts {
            ["user", "current"] => self.current(),
            ["user"] => {
                let asked = self.call.parameter("accountId").unwrap_or_default();
                match self.site.spec.users.iter().find(|user| account_id(user) == asked) {
                    Some(user) => Reply::json(200, &self.shapes.user(user, &self.expand(""))),
                    None => not_found("No user found with the account id given"),
                }
            }
            ["group"] => {
                let gives_access =
                    |name: &str| self.site.spec.global_use.groups.iter().any(|group| group.eq_ignore_ascii_case(name));
                let is_narrowed = self.call.parameter("accessType").as_deref() == Some("user");
                let groups = self.site.spec.groups.iter().map(|group| group.name.as_str());
                let groups: Vec<&str> = groups.filter(|name| !is_narrowed || gives_access(name)).collect();
                self.paged(&groups, 200, 200, |name| self.shapes.group(name))
            }
            ["group", id, "membersByGroupId"] => {
                let group = self.site.spec.groups.iter().find(|group| group_id(self.site, &group.name) == *id);
                let Some(group) = group else { return not_found("No group with this id") };
                // There are no nested groups; deactivated users are not listed.
                let members = view::members_of(self.site, &group.name).into_iter().filter(|user| user.active);
                let expand = self.expand("");
                self.paged(&members.collect::<Vec<_>>(), 200, 200, |user| self.shapes.user(user, &expand))
            }
            ["space", key] => {
                let space = self.site.space(key).filter(|space| self.sight.may_view_space(space));
                let Some(space) = space else { return not_found(&format!("No space with key: {key}")) };
                let expand = self.expand("");
                let mut body = self.shapes.space(space, &expand);
                if expand.has("permissions") {
                    body["permissions"] = self.shapes.permissions(space);
                }
                Reply::json(200, &body)
            }
            ["content", "search"] => self.search(),
            ["content", page, "child", "attachment", id, "download"] => {
                let found = self.site.content(id).filter(|file| file.container.as_deref() == Some(*page));
                match found.filter(|file| self.sight.may_view(file)) {
                    Some(file) => super::page::media(self, file),
                    None => not_found("No attachment found"),
                }
            }
            ["content", id, "restriction", rest @ ..] => {
                let content = self.site.content(id).filter(|content| content.kind != Kind::Folder);
                match content.filter(|content| content.status != "trashed" && self.sight.may_view(content)) {
                    Some(content) => self.restriction(content, rest),
                    // CONFCLOUD-82920: nothing is told of a folder.
                    None => not_found(&format!("No content found with id: ContentId{{id={id}}}")),
                }
            }
            // Withdrawn in favour of version 2.
            ["content"] | ["space"] => failure(410, "This resource has been removed", "Gone"),
            _ => not_found("null for uri: the stand-in has no such resource"),
        }
    }

    // ── version 2

    fn version_2(&self, parts: &[&str]) -> Reply {
        match parts {
            ["spaces"] => self.spaces_2(),
            ["spaces", id, rest @ ..] => {
                let number = |space: &&Space| self.site.space_number(&space.key).to_string() == *id;
                let found = self.site.spec.spaces.iter().find(number).filter(|space| self.sight.may_view_space(space));
                let Some(space) = found else { return missing() };
                match rest {
                    [] => Reply::json(200, &self.shapes.space_2(space)),
                    ["pages"] => self.contents_2(Kind::Page, Some(space)),
                    ["blogposts"] => self.contents_2(Kind::Blogpost, Some(space)),
                    ["permissions"] => self.by_cursor(&self.shapes.permissions_2(space), Value::clone),
                    ["role-assignments"] if self.site.spec.space_roles.is_empty() => missing(),
                    ["role-assignments"] => self.by_cursor(&self.shapes.assignments(space), Value::clone),
                    _ => missing(),
                }
            }
            ["space-roles"] if self.site.spec.space_roles.is_empty() => missing(),
            ["space-roles"] => self.by_cursor(&self.shapes.roles(), Value::clone),
            ["pages"] => self.contents_2(Kind::Page, None),
            ["blogposts"] => self.contents_2(Kind::Blogpost, None),
            ["pages", id, rest @ ..] => self.one_2(Kind::Page, id, rest),
            ["blogposts", id, rest @ ..] => self.one_2(Kind::Blogpost, id, rest),
            ["folders", id] => self.one_2(Kind::Folder, id, &[]),
            [kind @ ("footer-comments" | "inline-comments"), id, rest @ ..] => {
                let Some(comment) = self.seen(Kind::Comment, id).filter(|comment| class_of(comment) == *kind) else {
                    return missing();
                };
                match rest {
                    [] => Reply::json(200, &self.shapes.comment_2(comment)),
                    ["children"] => {
                        let holder = self.site.holder(comment);
                        let answers = self.comments(holder, kind, Some(comment.id.as_str()));
                        self.by_cursor(&answers, |answer| self.shapes.comment_2(answer))
                    }
                    _ => missing(),
                }
            }
            _ => missing(),
        }
    }

    fn spaces_2(&self) -> Reply {
        let asked = |name: &str| -> Option<Vec<String>> {
            self.call.parameter(name).map(|list| list.split(',').map(str::to_owned).collect())
        };
        let fits =
            |list: &Option<Vec<String>>, has: &str| list.as_ref().is_none_or(|list| list.iter().any(|one| one == has));
        let (keys, ids, status, kind) = (asked("keys"), asked("ids"), asked("status"), asked("type"));
        let spaces = self.site.spec.spaces.iter().filter(|space| self.sight.may_view_space(space)).filter(|space| {
            let id = self.site.space_number(&space.key).to_string();
            fits(&keys, &space.key) && fits(&ids, &id) && fits(&status, &space.status) && fits(&kind, &space.kind)
        });
        self.by_cursor(&spaces.collect::<Vec<_>>(), |space| self.shapes.space_2(space))
    }

    /// What is there and may be seen.
    fn seen(&self, kind: Kind, id: &str) -> Option<&'a Content> {
        let content = self.site.content(id)?;
        let stands = matches!(content.status.as_str(), "current" | "archived");
        (content.kind == kind && stands && self.sight.may_view(content)).then_some(content)
    }

    fn contents_2(&self, kind: Kind, space: Option<&Space>) -> Reply {
        let status = self.call.parameter("status").unwrap_or_else(|| "current".to_owned());
        let ids = self.call.parameter("id").map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>());
        let mut listed: Vec<&Content> = self
            .site
            .spec
            .content
            .iter()
            .filter(|content| content.kind == kind && content.status == status)
            .filter(|content| space.is_none_or(|space| content.space == space.key))
            .filter(|content| ids.as_ref().is_none_or(|ids| ids.contains(&content.id)))
            .filter(|content| self.sight.may_view(content))
            .collect();
        listed.sort_by(|a, b| by_number(a, b));
        self.by_cursor(&listed, |content| self.shapes.content_2(content, self.body_format()))
    }

    /// The format in which bodies are asked for.
    fn body_format(&self) -> &'static str {
        match self.call.parameter("body-format").as_deref() {
            Some("storage") => "storage",
            Some("atlas_doc_format") => "atlas_doc_format",
            _ => "",
        }
    }

    fn one_2(&self, kind: Kind, id: &str, rest: &[&str]) -> Reply {
        let Some(content) = self.seen(kind, id) else { return missing() };
        match rest {
            [] => Reply::json(200, &self.shapes.content_2(content, self.body_format())),
            ["labels"] => {
                let labels = self.shapes.labels(content)["results"].as_array().cloned().unwrap_or_default();
                self.by_cursor(&labels, Value::clone)
            }
            ["ancestors"] => {
                let above = self.site.ancestors(content);
                let rows: Vec<Value> =
                    above.iter().map(|above| json!({"id": above.id, "type": above.kind.as_str()})).collect();
                self.by_cursor(&rows, Value::clone)
            }
            ["attachments"] => {
                let files: Vec<&Content> = self
                    .site
                    .below(&content.id, Kind::Attachment)
                    .filter(|file| file.status == "current" && self.sight.may_view(file))
                    .collect();
                self.by_cursor(&files, |file| self.shapes.attachment_2(file))
            }
            [kind @ ("footer-comments" | "inline-comments")] => {
                self.by_cursor(&self.comments(content, kind, None), |comment| self.shapes.comment_2(comment))
            }
            _ => missing(),
        }
    }

    /// Comments of one kind on a page: those that answer a comment, or those that answer none.
    fn comments(&self, holder: &'a Content, kind: &str, answering: Option<&str>) -> Vec<&'a Content> {
        let answers = |comment: &Content| {
            let parent = comment.parent.as_deref().filter(|parent| *parent != holder.id);
            parent.or(comment.container.as_deref().filter(|container| *container != holder.id)).map(str::to_owned)
        };
        self.site
            .below(&holder.id, Kind::Comment)
            .filter(|comment| comment.status == "current" && class_of(comment) == kind)
            .filter(|comment| answers(comment).as_deref() == answering)
            .collect()
    }

    /// A page of rows with the cursor of the next one. Its address is relative to the host, and stands in a header too.
    fn by_cursor<T>(&self, all: &[T], row: impl Fn(&T) -> Value) -> Reply {
        let at =
            self.call.parameter("cursor").and_then(|cursor| cursor.strip_prefix("row-")?.parse().ok()).unwrap_or(0);
        let limit = self.limit(25).min(ROWS_MAX);
        let rows: Vec<Value> = all.iter().skip(at).take(limit).map(row).collect();
        let mut links = json!({"base": self.shapes.url});
        let next = at + rows.len();
        let mut reply_link = None;
        if next < all.len() {
            let address = self.address_with(&[("cursor", &format!("row-{next}"))]);
            let address = format!("{}{address}", self.site.spec.context_path);
            reply_link = Some(format!("<{address}>; rel=\"next\""));
            links["next"] = json!(address);
        }
        let reply = Reply::json(200, &json!({"results": rows, "_links": links}));
        match reply_link {
            Some(link) => reply.with("link", link),
            None => reply,
        }
    }

    /// Rows found by a search, which on Cloud pages by a cursor alone: `start` is ignored.
    pub(super) fn found(&self, all: &[&Content]) -> Reply {
        let expand = self.expand("");
        // CONFCLOUD-77618: one page above that is a draft or in the bin, and the whole batch is not found.
        let is_broken =
            |content: &&&Content| self.site.ancestors(content).iter().any(|above| above.status != "current");
        if expand.has("ancestors") && all.iter().any(|content| is_broken(&content)) {
            return not_found("No content found with id");
        }
        let at =
            self.call.parameter("cursor").and_then(|cursor| cursor.strip_prefix("row-")?.parse().ok()).unwrap_or(0);
        let limit = self.limit(25).min(expand.rows_max());
        let rows: Vec<Value> =
            all.iter().skip(at).take(limit).map(|content| self.shapes.content(content, &expand)).collect();
        let mut links = json!({"base": self.shapes.url, "context": self.site.spec.context_path});
        if at + rows.len() < all.len() {
            let next = format!("row-{}", at + rows.len());
            links["next"] = json!(self.address_with(&[("cursor", &next)]));
        }
        Reply::json(200, &json!({"results": rows, "limit": limit, "size": rows.len(), "_links": links}))
    }
}

/// The address of an attachment's bytes at the service that keeps them: another origin, and a signature in place of a
/// credential.
pub(super) fn media_address(ask: &Ask<'_>, file: &Content) -> String {
    let host = ask.call.header("host").unwrap_or("localhost").replace("127.0.0.1", "localhost");
    format!("http://{host}/_media/{}?signature={}", encode(&file.id), signature(file))
}

/// What a signed address carries: it changes with each version.
pub(super) fn signature(file: &Content) -> String {
    format!("{}-{}", file.id, file.version)
}
