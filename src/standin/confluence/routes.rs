//! The REST interface, as far as a crawler reads it.

use std::convert::Infallible;
use std::sync::Arc;

use serde_json::{Value, json};

use super::fault::Fault;
use super::flavour::{Feature, Flavour};
use super::login;
use super::shape::{LEVELS_MAX, SUBJECTS_MAX, Shapes};
use super::site::{Content, Grant, Kind, Site, User};
use super::view::{self, Sight};
use super::{Shared, cloud, cql, page, rpc};
use crate::standin::server::{Call, Reply, decode};

/// The group that `administrator` in a site file stands for.
const SUPER_GROUP: &str = "confluence-administrators";
/// Rows of a listing of spaces, groups or users at most.
const NAMES_MAX: usize = 200;

/// One request in the light of who sent it.
pub(super) struct Ask<'a> {
    /// What all requests share.
    pub shared: &'a Shared,
    /// The site of this request.
    pub site: &'a Arc<Site>,
    /// What the caller may see.
    pub sight: &'a Sight<'a>,
    /// The caller; `None` for an anonymous visitor.
    pub user: Option<&'a User>,
    /// The request as it came.
    pub call: &'a Call,
    /// The product and version that is played.
    pub flavour: Flavour,
    /// The faults that are on.
    pub faults: &'a [Fault],
    /// How answers are written.
    pub shapes: Shapes<'a>,
}

/// Answers a request to the site.
pub(super) fn serve(shared: &Shared, site: &Arc<Site>, faults: &[Fault], user: Option<&User>, call: &Call) -> Reply {
    let Some(path) = call.path.strip_prefix(site.spec.context_path.as_str()) else {
        return Reply::html(404, page::plain("Not here", "Nothing is served at this address."));
    };
    let key = call.header(cloud::KEY_HEADER);
    let sight = match shared.flavour {
        Flavour::DataCenter(_) => Sight::of(site, user),
        Flavour::Cloud => Sight::on_cloud(site, user, cloud::has_key(shared, user.map(|user| user.key.as_str()), key)),
    };
    let host = call.header("host").unwrap_or("127.0.0.1");
    let url = format!("http://{host}{}", site.spec.context_path);
    let flavour = shared.flavour;
    let shapes = Shapes {
        site,
        url: &url,
        flavour,
        restrictions_fail: faults.contains(&Fault::Restriction403),
        hides_mail: faults.contains(&Fault::HiddenMail),
    };
    let ask = Ask { shared, site, sight: &sight, user, call, flavour, faults, shapes };
    // A '/' inside a name does not survive the path, encoded or not, as in the product.
    let parts: Option<Vec<String>> = path.split('/').skip(1).map(decode).collect();
    let Some(parts) = parts else { return not_found("Nothing is at this address") };
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["rest" | "api", ..] if flavour == Flavour::Cloud => cloud::serve(shared, &ask, &parts),
        ["rest", rest @ ..] => ask.rest(rest),
        ["rpc", "json-rpc", "confluenceservice-v2", rest @ ..] => rpc::serve(&ask, rest),
        _ => page::serve(shared, &ask, &parts),
    }
}

/// What is missing and what the caller may not see are answered alike.
pub(super) fn not_found(message: &str) -> Reply {
    failure(404, message, "Not Found")
}

/// A refusal as Data Center words it.
pub(super) fn failure(status: u16, message: &str, reason: &str) -> Reply {
    let body = json!({"statusCode": status, "data": {"authorized": false, "valid": true, "errors": []},
                      "message": message, "reason": reason});
    Reply::json(status, &body)
}

impl<'a> Ask<'a> {
    fn rest(&self, parts: &[&str]) -> Reply {
        if !self.sight.may_use() {
            return match self.user {
                Some(_) => failure(403, "Current user not permitted to use Confluence", "Forbidden"),
                None => login::unauthorised(),
            };
        }
        if self.call.method != "GET" {
            return failure(405, "The stand-in is read here, not written", "Method Not Allowed");
        }
        let has = |feature| self.flavour.has(feature);
        match parts {
            ["api", "user", "current"] => self.current(),
            ["api", "user", "list"] if has(Feature::UserList) => {
                self.users(&self.site.spec.users.iter().collect::<Vec<_>>())
            }
            ["api", "user", "memberof"] => self.member_of(),
            ["api", "user"] => self.one_user(),
            ["mobile", "1.0", "profile", name] => self.profile(name),
            ["extender", "1.0", rest @ ..] => rpc::extender(self, rest),
            ["api", "server-information"] if has(Feature::ServerInformation) => self.version(),
            ["applinks", "1.0", "manifest"] => self.manifest(),
            ["api", "permissions"] if has(Feature::GlobalPermissions) => {
                self.grants(&self.site.spec.global_use, "application", "use", &json!({}))
            }
            ["api", "permissions", "anonymous"] if has(Feature::GlobalPermissions) => {
                self.anonymous(&self.site.spec.global_use, "application", "use", &json!({}))
            }
            // It is for administrators, in a licence of Data Center.
            ["auditing", "1.0", "events"] if self.sight.is_administrator() => {
                self.shared.audit.lock().unwrap_or_else(std::sync::PoisonError::into_inner).events(self.call)
            }
            ["api", "space"] => self.spaces(),
            ["api", "space", key, rest @ ..] => self.space(key, rest),
            ["api", "group"] => {
                let names: Vec<&str> = self.site.spec.groups.iter().map(|group| group.name.as_str()).collect();
                self.groups(&names)
            }
            ["api", "group", name, rest @ ..] => self.group(name, rest),
            ["api", "content"] => self.contents(),
            ["api", "content", "scan"] => self.scan(),
            ["api", "content", "search"] => self.search(),
            ["api", "content", id, rest @ ..] => self.content(id, rest),
            _ => not_found("null for uri: the stand-in has no such resource"),
        }
    }

    fn version(&self) -> Reply {
        let Flavour::DataCenter((major, minor, patch)) = self.flavour else { return not_found("No such resource") };
        let body = json!({"baseUrl": self.shapes.url, "version": format!("{major}.{minor}.{patch}"), "majorVersion": major,
                          "minorVersion": minor, "buildNumber": "10021", "buildDate": "2026-10-06T00:00:00.000Z"});
        Reply::json(200, &body)
    }

    fn manifest(&self) -> Reply {
        let Flavour::DataCenter((major, minor, patch)) = self.flavour else { return not_found("No such resource") };
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><manifest><typeId>confluence</typeId>\
             <version>{major}.{minor}.{patch}</version><buildNumber>10021</buildNumber></manifest>"
        );
        Reply::of(200, "application/xml", text)
    }

    // ── people and groups

    /// Who the caller is taken for.
    pub(super) fn current(&self) -> Reply {
        let body = match self.user {
            Some(user) => self.shapes.user(user, &self.expand("")),
            None => json!({"type": "anonymous", "displayName": "Anonymous",
                           "profilePicture": {"path": "/images/icons/profilepics/anonymous.svg"}}),
        };
        Reply::json(200, &body)
    }

    fn one_user(&self) -> Reply {
        let Some(user) = self.asked_user() else { return not_found("No user found with the key or name given") };
        let mut body = self.shapes.user(user, &self.expand(""));
        if self.sight.is_administrator() && !self.shapes.email(user).is_empty() {
            body["email"] = json!(self.shapes.email(user));
        }
        Reply::json(200, &body)
    }

    fn profile(&self, name: &str) -> Reply {
        let Some(user) = self.site.user(name) else { return not_found("No such user") };
        let email = self.shapes.email(user);
        Reply::json(200, &json!({"userName": user.username, "fullName": user.display_name, "email": email}))
    }

    fn asked_user(&self) -> Option<&'a User> {
        match (self.call.parameter("key"), self.call.parameter("username")) {
            (Some(key), _) => self.site.spec.users.iter().find(|user| user.key == key),
            (None, Some(name)) => self.site.user(&name),
            (None, None) => None,
        }
    }

    /// Groups a user is a direct member of; the nested ones are the caller's to work out.
    fn member_of(&self) -> Reply {
        let Some(user) = self.asked_user() else { return not_found("No user found with the key or name given") };
        let is_member =
            |members: &[String]| members.iter().any(|name| name.to_lowercase() == user.username.to_lowercase());
        let groups = self.site.spec.groups.iter().filter(|group| is_member(&group.members));
        let mut names: Vec<&str> = groups.map(|group| group.name.as_str()).collect();
        if user.administrator && !names.contains(&SUPER_GROUP) {
            names.push(SUPER_GROUP);
        }
        self.groups(&names)
    }

    fn users(&self, users: &[&User]) -> Reply {
        let expand = self.expand("");
        self.paged(users, NAMES_MAX, NAMES_MAX, |user| self.shapes.user(user, &expand))
    }

    fn groups(&self, names: &[&str]) -> Reply {
        self.paged(names, NAMES_MAX, NAMES_MAX, |name| self.shapes.group(name))
    }

    fn group(&self, name: &str, rest: &[&str]) -> Reply {
        let Some(group) = self.site.group(name) else { return not_found(&format!("No group with name: {name}")) };
        match rest {
            [] => Reply::json(200, &self.shapes.group(&group.name)),
            // Documented as flattened: the members of nested groups are among them.
            ["member"] => self.users(&view::members_of(self.site, &group.name)),
            ["groupmember"] if self.flavour.has(Feature::NestedGroups) => {
                let nested: Vec<&str> = group.groups.iter().map(String::as_str).collect();
                self.groups(&nested)
            }
            _ => not_found("null for uri: the stand-in has no such resource"),
        }
    }

    // ── permissions

    /// CONFSERVER-99908: who may not read permissions is answered 500, not 403.
    fn grants(&self, grant: &Grant, target: &str, operation: &str, place: &Value) -> Reply {
        if !self.sight.is_administrator() {
            return failure(500, "Internal server error", "Internal Server Error");
        }
        let users = grant.users.iter().filter_map(|name| self.site.user(name));
        // CONFSERVER-100505: users stand here by key only.
        let users = users.map(|user| json!({"type": "user", "userKey": user.key}));
        let groups = grant.groups.iter().map(|name| json!({"type": "group", "name": name}));
        let mut out = Vec::new();
        for subject in groups.chain(users) {
            out.push(entry(target, operation, Some(&subject), place));
            if target == "space" {
                out.push(entry("comment", "create", Some(&subject), place));
            }
        }
        Reply::json(200, &Value::Array(out))
    }

    fn anonymous(&self, grant: &Grant, target: &str, operation: &str, place: &Value) -> Reply {
        if !self.sight.is_administrator() {
            return failure(500, "Internal server error", "Internal Server Error");
        }
        let entries: Vec<Value> = grant.anonymous.then(|| entry(target, operation, None, place)).into_iter().collect();
        Reply::json(200, &Value::Array(entries))
    }

    // ── spaces

    fn spaces(&self) -> Reply {
        let expand = self.expand("");
        let kind = self.call.parameter("type");
        let status = self.call.parameter("status");
        let keys: Vec<String> = self.call_all("spaceKey");
        let fits = |asked: &Option<String>, has: &str| asked.as_ref().is_none_or(|asked| asked == has);
        let spaces: Vec<_> = self
            .site
            .spec
            .spaces
            .iter()
            .filter(|space| self.sight.may_view_space(space))
            .filter(|space| fits(&kind, &space.kind) && fits(&status, &space.status))
            .filter(|space| keys.is_empty() || keys.contains(&space.key))
            .collect();
        if self.faults.contains(&Fault::PastEndRow)
            && self.start() >= spaces.len()
            && let Some(last) = spaces.last()
        {
            let row = self.shapes.space(last, &expand);
            let links = json!({"base": self.shapes.url, "context": self.site.spec.context_path});
            return Reply::json(
                200,
                &json!({"results": [row], "start": self.start(), "limit": 25, "size": 1, "_links": links}),
            );
        }
        self.paged(&spaces, 25, NAMES_MAX, |space| self.shapes.space(space, &expand))
    }

    fn space(&self, key: &str, rest: &[&str]) -> Reply {
        let space = self.site.space(key).filter(|space| self.sight.may_view_space(space));
        let Some(space) = space else { return not_found(&format!("No space with key: {key}")) };
        let place = json!({"spaceKey": space.key, "spaceId": self.site.space_number(&space.key)});
        match rest {
            [] => Reply::json(200, &self.shapes.space(space, &self.expand(""))),
            ["permissions", ..] if !self.flavour.has(Feature::SpacePermissions) => {
                not_found("null for uri: this version has no such resource")
            }
            ["permissions"] => self.grants(&space.view, "space", "read", &place),
            ["permissions", "anonymous"] => self.anonymous(&space.view, "space", "read", &place),
            _ => not_found("null for uri: the stand-in has no such resource"),
        }
    }

    // ── content

    fn status(&self) -> String {
        self.call.parameter("status").unwrap_or_else(|| "current".to_owned())
    }

    /// What a listing of content is narrowed to, by place, in the order of ids.
    fn listed(&self) -> Arc<[usize]> {
        let status = self.status();
        let kind = self.call.parameter("type").unwrap_or_else(|| "page".to_owned());
        let space = self.call.parameter("spaceKey");
        let title = self.call.parameter("title");
        let asked = format!("content {kind:?} {status:?} {space:?} {title:?}");
        let listed = self.found_once(&asked, || {
            let fits = |content: &Content| {
                content.kind.as_str() == kind
                    && (content.status == status || status == "any")
                    && title.as_ref().is_none_or(|title| content.title == *title)
                    && self.sight.may_view(content)
            };
            Ok(self.site.places(space.as_deref()).iter().copied().filter(|place| fits(self.site.at(*place))).collect())
        });
        listed.unwrap_or_else(|never: Infallible| match never {})
    }

    /// What `find` finds of this site for this caller, remembered from one page of a listing to the next.
    pub(super) fn found_once<E>(
        &self,
        asked: &str,
        find: impl FnOnce() -> Result<Vec<usize>, E>,
    ) -> Result<Arc<[usize]>, E> {
        let who = self.user.map(|user| user.username.as_str());
        let key = format!("{who:?} {} {:?} {asked}", self.sight.sees_all(), self.faults);
        self.shared.listings.of(self.site, key, find)
    }

    fn contents(&self) -> Reply {
        let expand = self.expand("");
        self.paged(&self.listed(), 25, expand.rows_max(), |place| self.shapes.content(self.site.at(*place), &expand))
    }

    /// Pages by the last id seen, so that nothing is skipped while content comes and goes.
    fn scan(&self) -> Reply {
        let expand = self.expand("");
        let listed = self.listed();
        let limit = self.limit(25).min(expand.rows_max());
        let cursor = self.call.parameter("cursor");
        let after = cursor.as_ref().and_then(|cursor| cursor.strip_prefix("content:false:"));
        if cursor.is_some() && after.is_none() {
            return failure(400, "The cursor is not one of this resource", "Bad Request");
        }
        let rest = &listed[self.site.behind(&listed, after)..];
        let served = &rest[..limit.min(rest.len())];
        let rows: Vec<Value> = served.iter().map(|place| self.shapes.content(self.site.at(*place), &expand)).collect();
        let mut links = json!({"base": self.shapes.url, "context": self.site.spec.context_path});
        let mut body = json!({"results": rows, "cursor": cursor, "limit": limit, "size": rows.len()});
        if let Some(last) = served.last().filter(|_| rest.len() > served.len()) {
            let next = format!("content:false:{}", self.site.at(*last).id);
            links["next"] = json!(self.address_with(&[("cursor", &next)]));
            body["nextCursor"] = json!(next);
        }
        body["_links"] = links;
        Reply::json(200, &body)
    }

    /// Content found by CQL.
    pub(super) fn search(&self) -> Reply {
        let Some(text) = self.call.parameter("cql") else {
            return failure(400, "cql is missing", "Bad Request");
        };
        let expand = self.expand("");
        let query = match cql::Query::parse(&text) {
            Ok(query) => query,
            Err(why) => return failure(400, &format!("Could not parse cql : {text}: {why}"), "Bad Request"),
        };
        let find = || {
            query.found(self.site, |content| {
                // The search index leaves archived spaces out.
                let is_current = self.site.space(&content.space).is_some_and(|space| space.status == "current");
                let lags = self.faults.contains(&Fault::IndexLag) && content.id.ends_with(['0', '2', '4', '6', '8']);
                is_current && !lags && content.status == "current" && self.sight.may_view(content)
            })
        };
        // What is asked for by ids is found at once, and would only push out what is paged through.
        let found = match query.names_ids() {
            true => find().map(Arc::from),
            false => self.found_once(&format!("cql {text}"), find),
        };
        let found = match found {
            Ok(found) => found,
            Err(why) => return failure(400, &why, "Bad Request"),
        };
        if self.flavour == Flavour::Cloud {
            return self.found(&found);
        }
        self.paged(&found, 25, expand.rows_max(), |place| self.shapes.content(self.site.at(*place), &expand))
    }

    fn content(&self, id: &str, rest: &[&str]) -> Reply {
        let status = self.status();
        let found = self.site.content(id).filter(|content| content.status == status || status == "any");
        let Some(content) = found.filter(|content| self.sight.may_view(content)) else {
            return not_found(&format!("No content found with id: ContentId{{id={id}}}"));
        };
        match rest {
            [] => Reply::json(200, &self.shapes.content(content, &self.expand("history,space,version"))),
            ["label"] => Reply::json(200, &self.shapes.labels(content)),
            ["child", kind] => self.children(content, kind),
            ["descendant", "page"] => self.descendants(content),
            ["restriction", rest @ ..] => self.restriction(content, rest),
            _ => not_found("null for uri: the stand-in has no such resource"),
        }
    }

    fn children(&self, content: &Content, kind: &str) -> Reply {
        let kind = match kind {
            "page" => Kind::Page,
            "comment" => Kind::Comment,
            "attachment" => Kind::Attachment,
            _ => return not_found("null for uri: the stand-in has no such child type"),
        };
        let locations = self.call_all("location");
        let all_depths = kind != Kind::Comment || self.call.parameter("depth").as_deref() == Some("all");
        let is_asked = |child: &&Content| {
            let location = child.location.as_deref().unwrap_or("footer");
            let is_root = child.parent.as_deref().is_none_or(|parent| parent == content.id);
            child.status == "current"
                && (all_depths || is_root)
                && (locations.is_empty() || locations.iter().any(|asked| asked == location))
        };
        let children: Vec<&Content> =
            self.site.below(&content.id, kind).filter(is_asked).filter(|child| self.sight.may_view(child)).collect();
        let expand = self.expand("");
        self.paged(&children, 25, expand.rows_max(), |child| self.shapes.content(child, &expand))
    }

    fn descendants(&self, content: &Content) -> Reply {
        let mut below: Vec<&Content> = Vec::new();
        let mut next = vec![content];
        while let Some(page) = next.pop() {
            let children = self.site.below(&page.id, Kind::Page).filter(|child| child.status == "current");
            let children: Vec<&Content> = children.filter(|child| self.sight.may_view(child)).collect();
            next.extend(children.iter().rev());
            below.extend(children);
        }
        let expand = self.expand("");
        self.paged(&below, 25, expand.rows_max(), |page| self.shapes.content(page, &expand))
    }

    /// Whom a content's own restriction names, and on newer versions those above it.
    pub(super) fn restriction(&self, content: &Content, rest: &[&str]) -> Reply {
        let levels: Vec<&Content> = self.site.ancestors(content).into_iter().chain([content]).collect();
        let is_hidden = self.faults.contains(&Fault::Restriction403);
        let hides = |subjects: &super::site::Subjects| is_hidden && !subjects.is_empty();
        let forbidden = || failure(403, "Current user is not permitted to see restrictions", "Forbidden");
        let read = &content.read;
        match rest {
            ["byOperation"] if hides(read) => forbidden(),
            ["byOperation"] => {
                let body = json!({"read": self.shapes.restriction("read", read),
                                  "update": self.shapes.restriction("update", &content.update)});
                Reply::json(200, &json!({"restrictions": body, "_links": {"base": self.shapes.url}}))
            }
            ["byOperation", "read"] if hides(read) => forbidden(),
            ["byOperation", operation @ ("read" | "update")] => {
                let mut subjects = if *operation == "read" { read.clone() } else { content.update.clone() };
                let limit = self.limit(SUBJECTS_MAX).min(SUBJECTS_MAX);
                // CONFSERVER-82460: with the fault on, a later page has the first rows again.
                let start = if self.faults.contains(&Fault::RestrictionPaging) { 0 } else { self.start() };
                for names in [&mut subjects.users, &mut subjects.groups] {
                    *names = names.iter().skip(start).take(limit).cloned().collect();
                }
                Reply::json(200, &self.shapes.restriction(operation, &subjects))
            }
            ["relevantViewRestrictions"] if !self.flavour.has(Feature::RelevantRestrictions) => {
                not_found("null for uri: this version has no such resource")
            }
            ["relevantViewRestrictions"] if levels.iter().any(|level| hides(&level.read)) => forbidden(),
            ["relevantViewRestrictions"] => {
                let restricted = levels.into_iter().filter(|level| !level.read.is_empty());
                let (start, limit) = (self.start(), self.limit(LEVELS_MAX).min(LEVELS_MAX));
                let results: Vec<Value> =
                    restricted.skip(start).take(limit).map(|level| self.shapes.level(level)).collect();
                let list = json!({"start": start, "limit": limit, "size": results.len(), "results": results});
                Reply::json(200, &json!({"viewContentRestrictions": list}))
            }
            _ => not_found("null for uri: the stand-in has no such resource"),
        }
    }
}

/// One entry of a list of permissions.
fn entry(target: &str, operation: &str, subject: Option<&Value>, place: &Value) -> Value {
    let mut out = place.clone();
    out["operation"] = json!({"targetType": target, "operationKey": operation});
    if let Some(subject) = subject {
        out["subject"] = subject.clone();
    }
    out
}
