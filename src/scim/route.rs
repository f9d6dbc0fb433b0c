//! Which request does what.

use serde_json::{Map, Value};

use super::filter;
use super::group::{self, Members, With};
use super::list::{self, Query};
use super::patch::{self, Op, Operation};
use super::path::{Place, Target};
use super::problem::Problem;
use super::schema::Kind;
use super::{Change, Reply, Request, body, discovery, user};
use crate::clock::Moment;
use crate::directory::{Directory, Group, Person};
use crate::names::{UserId, UserName};

use std::sync::Arc;

/// One request, with what is needed to answer it.
struct Call<'a> {
    directory: &'a Directory,
    request: &'a Request<'a>,
    now: Moment,
    changes: &'a mut Vec<Change>,
}

/// Answers a request, and says what it changed.
pub(super) fn answer(
    directory: &Directory,
    request: &Request<'_>,
    now: Moment,
    changes: &mut Vec<Change>,
) -> Result<Reply, Problem> {
    let mut call = Call { directory, request, now, changes };
    let steps: Vec<&str> = request.path.split('/').filter(|step| !step.is_empty()).collect();
    match (request.method, steps.as_slice()) {
        (_, [endpoint @ ("ServiceProviderConfig" | "ResourceTypes" | "Schemas")]) => {
            discovery::answer(request, endpoint, None)
        }
        (_, [endpoint @ ("ResourceTypes" | "Schemas"), id]) => discovery::answer(request, endpoint, Some(id)),
        ("GET", ["Users"]) => call.list_users(&Query::of_request(Kind::User, request)?),
        ("POST", ["Users", ".search"]) => call.list_users(&Query::of_search(Kind::User, &body::read(request.body)?)?),
        ("POST", ["Users"]) => call.make_user(),
        ("GET", ["Users", id]) => call.read_user(id),
        ("PUT", ["Users", id]) => call.replace_user(id),
        ("PATCH", ["Users", id]) => call.patch_user(id),
        ("DELETE", ["Users", id]) => call.remove_user(id),
        ("GET", ["Groups"]) => call.list_groups(&Query::of_request(Kind::Group, request)?),
        ("POST", ["Groups", ".search"]) => {
            call.list_groups(&Query::of_search(Kind::Group, &body::read(request.body)?)?)
        }
        ("POST", ["Groups"]) => call.make_group(),
        ("GET", ["Groups", id]) => call.read_group(id),
        ("PUT", ["Groups", id]) => call.replace_group(id),
        ("PATCH", ["Groups", id]) => call.patch_group(id),
        ("DELETE", ["Groups", id]) => call.remove_group(id),
        (method, ["Users" | "Groups"] | ["Users" | "Groups", _]) => {
            Err(Problem::new(405, format!("{method} is not possible here")))
        }
        // RFC 7644 §3.12: an endpoint of the standard that we do not have is 501.
        (_, ["Bulk" | "Me" | ".search"]) => Err(Problem::new(501, "this endpoint is not supported")),
        _ => Err(Problem::not_there("the endpoint")),
    }
}

impl Call<'_> {
    fn list_users(&self, query: &Query) -> Result<Reply, Problem> {
        let base = self.request.base;
        let resource = |person: &Arc<Person>| user::resource(self.directory, person, base);
        let mut found = self.people_for(query);
        if let Some(filter) = &query.filter {
            found.retain(|person| filter::admits(Kind::User, filter, &resource(person)));
        }
        Ok(query.reply(&found, resource))
    }

    /// The people among whom all that are wanted are: the one an index finds, else everybody.
    fn people_for(&self, query: &Query) -> Vec<Arc<Person>> {
        let demands =
            |attribute| query.filter.as_ref().and_then(|filter| filter::demands(Kind::User, filter, attribute));
        if let Some(name) = demands("userName") {
            let name = UserName::parse(name).ok();
            return name.and_then(|name| self.directory.person_named(&name)).into_iter().collect();
        }
        if let Some(external_id) = demands("externalId") {
            return self.directory.person_with_external_id(external_id).into_iter().collect();
        }
        self.directory.people()
    }

    fn make_user(&mut self) -> Result<Reply, Problem> {
        let profile = user::profile(body::read(self.request.body)?, true)?;
        let person = self.directory.add_person(profile, self.now.ms())?;
        self.changes.push(Change::PersonMade(person.id));
        Ok(self.show_user(201, &person))
    }

    fn read_user(&self, id: &str) -> Result<Reply, Problem> {
        let (_, person) = self.person(id)?;
        Ok(self.show_user(200, &person))
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
        Ok(Reply { status: 204, etag: None, location: None, body: None })
    }

    fn person(&self, id: &str) -> Result<(UserId, Person), Problem> {
        let person = UserId::parse(id).and_then(|id| self.directory.person(&id).transpose()).transpose()?;
        person.map(|person| (person.id, person)).ok_or_else(|| Problem::not_there(id))
    }

    fn show_user(&self, status: u16, person: &Person) -> Reply {
        let resource = user::resource(self.directory, person, self.request.base);
        self.show(Kind::User, status, &person.id.to_string(), person.version, resource)
    }

    fn list_groups(&self, query: &Query) -> Result<Reply, Problem> {
        let base = self.request.base;
        let mut found = self.directory.groups();
        if let Some(filter) = &query.filter {
            let with = if filter::mentions(filter, "members") { With::Members } else { With::NoMembers };
            if let Some(id) = filter::demands(Kind::Group, filter, "id") {
                found.retain(|group| group.id == id);
            }
            found.retain(|group| filter::admits(Kind::Group, filter, &group::resource(group, base, with)));
        }
        let with = if query.shown.shows("members") { With::Members } else { With::NoMembers };
        Ok(query.reply(&found, |group| group::resource(group, base, with)))
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
        Ok(self.show_group(200, &*self.group(id)?))
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
        if is_partial {
            return Ok(self.show_group(200, &group));
        }
        // RFC 7644 §3.5.2: 204 spares both sides a list of thousands of members.
        Ok(Reply { status: 204, etag: Some(user::etag(group.version)), location: None, body: None })
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
        Ok(Reply { status: 204, etag: None, location: None, body: None })
    }

    fn group(&self, id: &str) -> Result<Arc<Group>, Problem> {
        self.directory.group(id).ok_or_else(|| Problem::not_there(id))
    }

    fn show_group(&self, status: u16, group: &Group) -> Reply {
        let shown = list::shown(Kind::Group, self.request);
        let with = if shown.shows("members") { With::Members } else { With::NoMembers };
        let resource = group::resource(group, self.request.base, with);
        self.show(Kind::Group, status, &group.id, group.version, resource)
    }

    fn show(&self, kind: Kind, status: u16, id: &str, version: u64, resource: Map<String, Value>) -> Reply {
        Reply {
            status,
            etag: Some(user::etag(version)),
            location: (status == 201).then(|| user::location(kind, id, self.request.base)),
            body: Some(Value::Object(list::shown(kind, self.request).of(resource))),
        }
    }

    /// The version that `If-Match` asks for; refused where the resource has another (RFC 7644 §3.14). The directory looks
    /// again when it makes the change.
    fn expected(&self, version: u64) -> Result<Option<u64>, Problem> {
        let Some(sent) = self.request.if_match.map(str::trim).filter(|sent| *sent != "*") else { return Ok(None) };
        let is_ours = |tag: &str| {
            let tag = tag.trim();
            tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse() == Ok(version)
        };
        if sent.split(',').any(is_ours) {
            Ok(Some(version))
        } else {
            Err(Problem::new(412, "the resource was changed meanwhile; read it again"))
        }
    }
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
