//! Which request does what.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::filter;
use super::group::{self, Members, With};
use super::list::{self, Query};
use super::patch::{self, Op, Operation};
use super::path::{Place, Target};
use super::problem::Problem;
use super::schema::Kind;
use super::user::Look;
use super::{Change, Follow, Reply, Request, body, discovery, user};
use crate::clock::Moment;
use crate::directory::{Directory, Group, Person};
use crate::names::{GroupName, UserId, UserName};

/// A group with more members than this is not told after a patch: 204 spares both sides a list of thousands.
const TOLD_MEMBERS_MAX: usize = 100;

/// One request, with what is needed to answer it.
struct Call<'a> {
    directory: &'a Directory,
    request: &'a Request<'a>,
    now: Moment,
    changes: Vec<Change>,
}

/// Something that a list may have.
enum Found {
    Person(Arc<Person>),
    Group(Arc<Group>),
}

/// Answers a request that is no bulk. What follows from what it changed has been done when this returns, and everything it
/// tells is on disk.
pub(super) fn answer(
    directory: &Directory,
    request: &Request<'_>,
    now: Moment,
    follow: &mut Follow<'_>,
) -> Result<Reply, Problem> {
    let mut call = Call { directory, request, now, changes: Vec::new() };
    let answered = call.answer();
    for change in &call.changes {
        follow(change)?;
    }
    // What was read may have been changed by another sender, who still waits for the disk.
    directory.settle()?;
    answered
}

impl Call<'_> {
    fn answer(&mut self) -> Result<Reply, Problem> {
        let request = self.request;
        let steps: Vec<&str> = request.path.split('/').filter(|step| !step.is_empty()).collect();
        match (request.method, steps.as_slice()) {
            (_, [endpoint @ ("ServiceProviderConfig" | "ResourceTypes" | "Schemas")]) => {
                discovery::answer(request, endpoint, None)
            }
            (_, [endpoint @ ("ResourceTypes" | "Schemas"), id]) => discovery::answer(request, endpoint, Some(id)),
            ("GET", []) => self.list(&self.queries(&[Kind::User, Kind::Group])?),
            ("GET", ["Users"]) => self.list(&self.queries(&[Kind::User])?),
            ("GET", ["Groups"]) => self.list(&self.queries(&[Kind::Group])?),
            ("POST", [".search"]) => self.list(&self.searches(&[Kind::User, Kind::Group])?),
            ("POST", ["Users", ".search"]) => self.list(&self.searches(&[Kind::User])?),
            ("POST", ["Groups", ".search"]) => self.list(&self.searches(&[Kind::Group])?),
            ("POST", ["Users"]) => self.make_user(),
            ("GET", ["Users", id]) => self.read_user(id),
            ("PUT", ["Users", id]) => self.replace_user(id),
            ("PATCH", ["Users", id]) => self.patch_user(id),
            ("DELETE", ["Users", id]) => self.remove_user(id),
            ("POST", ["Groups"]) => self.make_group(),
            ("GET", ["Groups", id]) => self.read_group(id),
            ("PUT", ["Groups", id]) => self.replace_group(id),
            ("PATCH", ["Groups", id]) => self.patch_group(id),
            ("DELETE", ["Groups", id]) => self.remove_group(id),
            (method, [] | ["Users" | "Groups" | ".search" | "Bulk"] | ["Users" | "Groups", _]) => {
                Err(Problem::new(405, format!("{method} is not possible here")))
            }
            // RFC 7644 §3.12: an endpoint of the standard that we do not have is 501. A token is nobody's own.
            (_, ["Me"]) => Err(Problem::new(501, "this endpoint is not supported: a token is no person's")),
            _ => Err(Problem::not_there("the endpoint")),
        }
    }

    fn look(&self) -> Look<'_> {
        Look { base: self.request.base, etags: self.request.etags }
    }

    fn queries(&self, kinds: &[Kind]) -> Result<Vec<Query>, Problem> {
        kinds.iter().map(|kind| Query::of_request(*kind, self.request)).collect()
    }

    fn searches(&self, kinds: &[Kind]) -> Result<Vec<Query>, Problem> {
        let body = body::read(self.request.body)?;
        kinds.iter().map(|kind| Query::of_search(*kind, &body)).collect()
    }

    /// Lists what the queries, one for each kind of resource, ask for: one list, people before groups (RFC 7644 §3.4.2.1).
    fn list(&self, queries: &[Query]) -> Result<Reply, Problem> {
        let [first, ..] = queries else { return Err(Problem::new(500, "nothing was to be listed")) };
        if let [Query { kind: Kind::User, page, .. }] = queries
            && first.is_plain()
        {
            // The whole list is read page by page, and what stands on the others is not looked at.
            let (total, people) = self.directory.some_people(page.start - 1, page.count);
            let people: Vec<Found> = people.into_iter().map(Found::Person).collect();
            return Ok(list::listing(total, page.start, self.told(&people, queries)));
        }
        let mut found = Vec::new();
        for query in queries {
            let mut of_kind = self.among(query);
            if let Some(filter) = &query.filter {
                let with = if filter::mentions(filter, "members") { With::Members } else { With::NoMembers };
                of_kind.retain(|one| filter::admits(query.kind, filter, &self.resource(one, with)));
            }
            found.append(&mut of_kind);
        }
        if let Some(order) = &first.order {
            order.sort(&mut found, |one| self.resource(one, With::NoMembers));
        }
        Ok(list::listing(found.len(), first.page.start, self.told(first.page.of(&found), queries)))
    }

    /// What is on a page, each with the attributes that are asked for.
    fn told(&self, page: &[Found], queries: &[Query]) -> Vec<Value> {
        let told = |one: &Found| {
            let shown = queries.iter().find(|query| query.kind == one.kind()).map(|query| &query.shown)?;
            let with = if shown.shows("members") { With::Members } else { With::NoMembers };
            Some(Value::Object(shown.of(self.resource(one, with))))
        };
        page.iter().filter_map(told).collect()
    }

    fn resource(&self, one: &Found, with: With) -> Map<String, Value> {
        match one {
            Found::Person(person) => user::resource(self.directory, person, self.look()),
            Found::Group(group) => group::resource(group, self.look(), with),
        }
    }

    /// Those among whom all that are wanted are: the few that an index finds, else all.
    fn among(&self, query: &Query) -> Vec<Found> {
        match query.kind {
            Kind::User => self.people_among(query).into_iter().map(Found::Person).collect(),
            Kind::Group => self.groups_among(query).into_iter().map(Found::Group).collect(),
        }
    }

    fn people_among(&self, query: &Query) -> Vec<Arc<Person>> {
        let demands = |attribute: &'static str| query.demands(attribute);
        if let Some(id) = demands("id") {
            let person = UserId::parse(id).and_then(|id| self.directory.person(&id).ok()?);
            return person.into_iter().map(Arc::new).collect();
        }
        if let Some(name) = demands("userName") {
            let name = UserName::parse(name).ok();
            return name.and_then(|name| self.directory.person_named(&name)).into_iter().collect();
        }
        if let Some(external_id) = demands("externalId") {
            return self.directory.person_with_external_id(external_id).into_iter().collect();
        }
        // An address that is not of ASCII alone is compared by more letters than the index knows; a blank one it does not have.
        if let Some(email) = demands("emails").filter(|email| email.is_ascii() && !email.trim().is_empty()) {
            return self.directory.people_with_email(email);
        }
        self.directory.people()
    }

    fn groups_among(&self, query: &Query) -> Vec<Arc<Group>> {
        let demands = |attribute: &'static str| query.demands(attribute);
        if let Some(id) = demands("id") {
            return self.directory.group(id).into_iter().collect();
        }
        if let Some(external_id) = demands("externalId") {
            return self.directory.group_with_external_id(external_id).into_iter().collect();
        }
        if let Some(name) = demands("displayName") {
            return GroupName::parse(name).map(|name| self.directory.groups_named(&name)).unwrap_or_default();
        }
        if let Some(member) = demands("members") {
            let mut found = self.directory.groups_above(member);
            found.extend(UserId::parse(member).iter().flat_map(|person| self.directory.direct_groups_of(person)));
            return found;
        }
        self.directory.groups()
    }

    fn make_user(&mut self) -> Result<Reply, Problem> {
        let profile = user::profile(body::read(self.request.body)?, true)?;
        let person = self.directory.add_person(profile, self.now.ms())?;
        self.changes.push(Change::PersonMade(person.id));
        Ok(self.show_user(201, &person))
    }

    fn read_user(&self, id: &str) -> Result<Reply, Problem> {
        let (_, person) = self.person(id)?;
        Ok(self.unless_known(self.show_user(200, &person)))
    }

    fn replace_user(&mut self, id: &str) -> Result<Reply, Problem> {
        let (id, person) = self.person(id)?;
        let resource = body::read(self.request.body)?;
        self.change_user(&id, person.version, |person| user::profile(resource, person.active))
    }

    fn patch_user(&mut self, id: &str) -> Result<Reply, Problem> {
        let (id, person) = self.person(id)?;
        let operations = patch::read(Kind::User, body::read(self.request.body)?)?;
        self.change_user(&id, person.version, |person| {
            let mut resource = user::said(person);
            for operation in operations {
                patch::apply(Kind::User, &mut resource, operation)?;
            }
            user::profile(resource, person.active)
        })
    }

    fn change_user(
        &mut self,
        id: &UserId,
        version: u64,
        change: impl FnOnce(&Person) -> Result<crate::directory::Profile, Problem>,
    ) -> Result<Reply, Problem> {
        let expected = self.expected(version)?;
        let edited = self.directory.change_person(id, expected, self.now.ms(), change)?;
        if edited.is_changed() {
            self.changes.push(Change::PersonChanged(*id, edited.now.active));
        }
        Ok(self.show_user(200, &edited.now))
    }

    fn remove_user(&mut self, id: &str) -> Result<Reply, Problem> {
        let (id, person) = self.person(id)?;
        self.directory.remove_person(&id, self.expected(person.version)?, self.now.ms())?;
        self.changes.push(Change::PersonRemoved(id));
        Ok(Reply::of(204, None))
    }

    fn person(&self, id: &str) -> Result<(UserId, Person), Problem> {
        let person = UserId::parse(id).and_then(|id| self.directory.person(&id).transpose()).transpose()?;
        person.map(|person| (person.id, person)).ok_or_else(|| Problem::not_there(id))
    }

    fn show_user(&self, status: u16, person: &Person) -> Reply {
        let resource = user::resource(self.directory, person, self.look());
        self.show(Kind::User, status, &person.id.to_string(), resource)
    }

    fn make_group(&mut self) -> Result<Reply, Problem> {
        let profile = self.sent_group()?;
        let group = self.directory.add_group(profile, self.now.ms())?;
        self.changes.push(Change::GroupMade(group.id.clone()));
        Ok(self.show_group(201, &group))
    }

    fn sent_group(&self) -> Result<crate::directory::GroupProfile, Problem> {
        let mut resource = body::read(self.request.body)?;
        let members = body::take(&mut resource, "members").unwrap_or(Value::Null);
        group::profile(resource, Members::read(self.directory, &members)?)
    }

    fn read_group(&self, id: &str) -> Result<Reply, Problem> {
        Ok(self.unless_known(self.show_group(200, &*self.group(id)?)))
    }

    fn replace_group(&mut self, id: &str) -> Result<Reply, Problem> {
        let group = self.group(id)?;
        let profile = self.sent_group()?;
        let group = self.change_group(&group, |_| Ok(profile))?;
        Ok(self.show_group(200, &group))
    }

    fn patch_group(&mut self, id: &str) -> Result<Reply, Problem> {
        let group = self.group(id)?;
        let operations = patch::read(Kind::Group, body::read(self.request.body)?)?;
        let (directory, base) = (self.directory, self.request.base);
        let group = self.change_group(&group, |group| {
            let (mut resource, mut members) = (group::said(group), Members::of(group));
            for operation in operations {
                match operation {
                    Operation { op, target: Target::Attribute(place), value }
                        if place.urn.is_none() && place.name == "members" =>
                    {
                        change_members(directory, base, &mut members, op, &place, &value)?;
                    }
                    other => patch::apply(Kind::Group, &mut resource, other)?,
                }
            }
            group::profile(resource, members)
        })?;
        let is_partial = self.request.query.iter().any(|(name, _)| name.eq_ignore_ascii_case("attributes"));
        let is_short = group.members.len() + group.groups.len() <= TOLD_MEMBERS_MAX;
        if is_partial || is_short || !list::shown(Kind::Group, self.request).shows("members") {
            return Ok(self.show_group(200, &group));
        }
        // RFC 7644 §3.5.2: "MAY return HTTP status code 204 (No Content) and the appropriate response headers".
        let etag = self.request.etags.then(|| user::etag(group.version));
        Ok(Reply { etag, ..Reply::of(204, None) })
    }

    fn change_group(
        &mut self,
        group: &Group,
        change: impl FnOnce(&Group) -> Result<crate::directory::GroupProfile, Problem>,
    ) -> Result<Arc<Group>, Problem> {
        let expected = self.expected(group.version)?;
        let (edited, left) = self.directory.change_group(&group.id, expected, self.now.ms(), change)?;
        if edited.is_changed() {
            self.changes.push(Change::GroupChanged(group.id.clone(), left));
        }
        Ok(edited.now)
    }

    fn remove_group(&mut self, id: &str) -> Result<Reply, Problem> {
        let group = self.group(id)?;
        let (_, left) = self.directory.remove_group(&group.id, self.expected(group.version)?, self.now.ms())?;
        self.changes.push(Change::GroupRemoved(group.id.clone(), left));
        Ok(Reply::of(204, None))
    }

    fn group(&self, id: &str) -> Result<Arc<Group>, Problem> {
        self.directory.group(id).ok_or_else(|| Problem::not_there(id))
    }

    fn show_group(&self, status: u16, group: &Group) -> Reply {
        let shown = list::shown(Kind::Group, self.request);
        let with = if shown.shows("members") { With::Members } else { With::NoMembers };
        let resource = group::resource(group, self.look(), with);
        self.show(Kind::Group, status, &group.id, resource)
    }

    fn show(&self, kind: Kind, status: u16, id: &str, resource: Map<String, Value>) -> Reply {
        let etag = resource["meta"]["version"].as_str().map(str::to_owned);
        Reply {
            etag,
            location: (status == 201).then(|| user::location(kind, id, self.request.base)),
            ..Reply::of(status, Some(Value::Object(list::shown(kind, self.request).of(resource))))
        }
    }

    /// The reply, or that the sender has it already (RFC 7644 §3.14, `If-None-Match`).
    fn unless_known(&self, reply: Reply) -> Reply {
        let Some(sent) = self.request.if_none_match.filter(|_| self.request.etags) else { return reply };
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let is_known = reply.etag.as_deref().is_some_and(|own| {
            let own = opaque(own);
            sent.trim() == "*" || sent.split(',').any(|tag| opaque(tag) == own)
        });
        if is_known { Reply { etag: reply.etag, ..Reply::of(304, None) } } else { reply }
    }

    /// The version that `If-Match` asks for; refused where the resource has another (RFC 7644 §3.14), or where `If-None-Match`
    /// says that it must not be there. The directory looks again when it makes the change.
    fn expected(&self, version: u64) -> Result<Option<u64>, Problem> {
        // A sender that was told of no versions has none of ours to ask for.
        if !self.request.etags {
            return Ok(None);
        }
        if self.request.if_none_match.is_some_and(|sent| sent.trim() == "*" || names(sent, version)) {
            return Err(Problem::new(412, "the resource is there, in a version that If-None-Match names"));
        }
        match self.request.if_match.map(str::trim).filter(|sent| *sent != "*") {
            None => Ok(None),
            Some(sent) if names(sent, version) => Ok(Some(version)),
            Some(_) => Err(Problem::new(412, "the resource was changed meanwhile; read it again")),
        }
    }
}

impl Found {
    fn kind(&self) -> Kind {
        match self {
            Found::Person(_) => Kind::User,
            Found::Group(_) => Kind::Group,
        }
    }
}

/// Whether a list of entity tags has one of this version; what a tag says of a person's groups is no matter here.
fn names(tags: &str, version: u64) -> bool {
    tags.split(',').any(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        tag.split('.').next().and_then(|version| version.parse().ok()) == Some(version)
    })
}

/// Changes who is in a group. Adding whom it has and removing whom it has not change nothing: providers repeat themselves.
fn change_members(
    directory: &Directory,
    base: &str,
    members: &mut Members,
    op: Op,
    place: &Place,
    value: &Value,
) -> Result<(), Problem> {
    match (op, &place.chosen, &place.part) {
        (Op::Add, None, None) => members.extend(Members::read(directory, value)?),
        (Op::Replace, None, None) => *members = Members::read(directory, value)?,
        // Some providers name in the value whom they want to remove; only those go then.
        (Op::Remove, None, None) if !body::is_unassigned(value) => members.remove(&Members::read(directory, value)?),
        (Op::Remove, None, None) => *members = Members::default(),
        (Op::Remove, Some(chosen), None) => {
            let attribute = place.attribute(Kind::Group);
            let gone = members.elements(base).into_iter().filter(|one| filter::element_admits(attribute, chosen, one));
            let gone = Value::Array(gone.map(Value::Object).collect());
            members.remove(&Members::read(directory, &gone)?);
        }
        // RFC 7643 §4.2: a member's parts are immutable.
        (Op::Add | Op::Replace | Op::Remove, ..) => {
            return Err(Problem::mutability("members are added and removed as a whole"));
        }
    }
    Ok(())
}
