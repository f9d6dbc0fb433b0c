//! Groups: between the directory's groups and SCIM's resources.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::body;
use super::problem::Problem;
use super::schema::{self, Kind};
use super::user::{self, Look};
use crate::directory::{Directory, Group, GroupProfile};
use crate::names::UserId;

/// What the provider may not set, and what is kept apart.
const NOT_KEPT: [&str; 4] = ["id", "meta", "schemas", "members"];

/// Who is in a group, while it is read or patched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Members {
    pub people: BTreeSet<UserId>,
    pub groups: BTreeSet<String>,
}

impl Members {
    pub(super) fn of(group: &Group) -> Members {
        Members { people: group.members.iter().copied().collect(), groups: group.groups.iter().cloned().collect() }
    }

    /// Reads `members`: a list of elements, one element, or a bare id.
    pub(super) fn read(directory: &Directory, value: &Value) -> Result<Members, Problem> {
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            Value::Null => &[],
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => std::slice::from_ref(value),
        };
        let mut members = Members::default();
        for element in elements {
            let id = match element {
                Value::String(id) => id.as_str(),
                Value::Object(parts) => body::value_of(parts, "value")
                    .and_then(Value::as_str)
                    .ok_or_else(|| Problem::value("a member has no value"))?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                    return Err(Problem::value("a member is not an object"));
                }
            };
            members.add(directory, id)?;
        }
        Ok(members)
    }

    /// Adds whom an id names: a group if there is one of it, else a person, whose being there the directory checks.
    fn add(&mut self, directory: &Directory, id: &str) -> Result<(), Problem> {
        if directory.group(id).is_some() {
            self.groups.insert(id.to_owned());
            return Ok(());
        }
        let person = UserId::parse(id).ok_or_else(|| {
            Problem::value(format!("{id} cannot be a member: there is no person or group of that id"))
        })?;
        self.people.insert(person);
        Ok(())
    }

    pub(super) fn extend(&mut self, more: Members) {
        self.people.extend(more.people);
        self.groups.extend(more.groups);
    }

    pub(super) fn remove(&mut self, less: &Members) {
        self.people.retain(|person| !less.people.contains(person));
        self.groups.retain(|group| !less.groups.contains(group));
    }

    /// As elements of `members`.
    pub(super) fn elements(&self, base: &str) -> Vec<Map<String, Value>> {
        let element = |kind: Kind, id: String| {
            let mut element = Map::new();
            element.insert("$ref".to_owned(), user::location(kind, &id, base).into());
            element.insert("type".to_owned(), kind.name().into());
            element.insert("value".to_owned(), id.into());
            element
        };
        let people = self.people.iter().map(|person| element(Kind::User, person.to_string()));
        people.chain(self.groups.iter().map(|group| element(Kind::Group, group.clone()))).collect()
    }
}

/// Reads a resource, whose members were taken out, as a profile.
pub(super) fn profile(resource: Map<String, Value>, members: Members) -> Result<GroupProfile, Problem> {
    let mut resource = schema::normal(Kind::Group, resource)?;
    NOT_KEPT.iter().for_each(|name| drop(resource.remove(*name)));
    let text = |name: &str| match resource.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(Problem::value(format!("{name} is not text"))),
    };
    Ok(GroupProfile {
        display_name: text("displayName")?.ok_or_else(|| Problem::value("displayName is required"))?,
        external_id: text("externalId")?,
        members: members.people.into_iter().collect(),
        groups: members.groups.into_iter().collect(),
        extra: resource,
    })
}

/// What the provider said of a group, without its members: what a patch works on.
pub(super) fn said(group: &Group) -> Map<String, Value> {
    let mut resource = group.extra.clone();
    resource.insert("displayName".to_owned(), group.display_name.clone().into());
    if let Some(external_id) = &group.external_id {
        resource.insert("externalId".to_owned(), external_id.clone().into());
    }
    resource
}

/// Whether a group is shown with its members: leaving them out saves most of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    Members,
    NoMembers,
}

/// The whole resource of a group.
pub(super) fn resource(group: &Group, look: Look<'_>, with: With) -> Map<String, Value> {
    let mut resource = said(group);
    resource.insert("schemas".to_owned(), json!([schema::GROUP]));
    if with == With::Members && !(group.members.is_empty() && group.groups.is_empty()) {
        let elements = Members::of(group).elements(look.base);
        resource.insert("members".to_owned(), elements.into_iter().map(Value::Object).collect());
    }
    let tag = user::etag(group.version);
    let meta = user::meta(Kind::Group, &group.id, look, (group.created_ms, group.changed_ms), tag);
    resource.insert("meta".to_owned(), meta);
    resource.insert("id".to_owned(), group.id.clone().into());
    resource
}
