//! Users: between the directory's people and SCIM's resources.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::schema::{self, Kind};
use crate::clock::Moment;
use crate::directory::{Directory, Group, Person, Profile};

/// What the provider may not set, and what is never kept.
const NOT_KEPT: [&str; 5] = ["id", "meta", "groups", "schemas", "password"];

/// Reads a resource as a profile. `active_before` is what holds where the resource does not say.
pub(super) fn profile(resource: Map<String, Value>, active_before: bool) -> Result<Profile, Problem> {
    let mut resource = schema::normal(Kind::User, resource)?;
    NOT_KEPT.iter().for_each(|name| drop(resource.remove(*name)));
    let user_name = text(&resource, "userName")?.ok_or_else(|| Problem::value("userName is required"))?;
    let name = match resource.get("name") {
        None => Map::new(),
        Some(Value::Object(name)) => name.clone(),
        Some(_) => return Err(Problem::value("name is not an object")),
    };
    let (given_name, family_name) = (text(&name, "givenName")?, text(&name, "familyName")?);
    let both = [given_name.as_deref(), family_name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let spoken = text(&resource, "displayName")?.or(text(&name, "formatted")?).unwrap_or(both);
    let active = match resource.get("active") {
        None => active_before,
        Some(Value::Bool(active)) => *active,
        Some(_) => return Err(Problem::value("active is neither true nor false")),
    };
    // Written out, so that what a request leaves unsaid is the same the next time.
    resource.insert("active".to_owned(), active.into());
    Ok(Profile {
        user_name,
        external_id: text(&resource, "externalId")?,
        display_name: spoken,
        given_name,
        family_name,
        emails: emails(&resource)?,
        active,
        extra: resource,
    })
}

/// A text attribute; empty is the same as absent, anything but text is refused.
fn text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
        Some(_) => Err(Problem::value(format!("{name} is not text"))),
    }
}

/// The addresses, the primary one first.
fn emails(resource: &Map<String, Value>) -> Result<Vec<String>, Problem> {
    let mut found = Vec::new();
    for element in resource.get("emails").and_then(Value::as_array).into_iter().flatten() {
        let Some(email) = element.as_object().map_or(Ok(None), |element| text(element, "value"))? else { continue };
        if element.get("primary").and_then(Value::as_bool) == Some(true) {
            found.insert(0, email);
        } else {
            found.push(email);
        }
    }
    Ok(found)
}

/// What the provider said of a person: what a patch works on.
pub(super) fn said(person: &Person) -> Map<String, Value> {
    let mut resource = person.extra.clone();
    resource.insert("userName".to_owned(), person.user_name.clone().into());
    resource.insert("active".to_owned(), person.active.into());
    if let Some(external_id) = &person.external_id {
        resource.insert("externalId".to_owned(), external_id.clone().into());
    }
    resource
}

/// How resources are shown to a sender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    /// The address of `/scim/v2` under the public URL.
    pub base: &'a str,
    /// Whether versions are told.
    pub etags: bool,
}

/// The whole resource of a person.
pub(super) fn resource(directory: &Directory, person: &Person, look: Look<'_>) -> Map<String, Value> {
    let mut resource = said(person);
    let id = person.id.to_string();
    let extensions = resource.keys().filter(|key| schema::is_urn(key)).map(String::as_str);
    let schemas: Vec<Value> = std::iter::once(schema::USER).chain(extensions).map(Value::from).collect();
    let groups = directory.direct_groups_of(&person.id);
    let tag = tag(person, &groups);
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            let location = location(Kind::Group, &group.id, look.base);
            json!({ "value": group.id, "display": group.display_name, "$ref": location, "type": "direct" })
        })
        .collect();
    resource.insert("schemas".to_owned(), schemas.into());
    if !groups.is_empty() {
        resource.insert("groups".to_owned(), groups.into());
    }
    resource.insert("meta".to_owned(), meta(Kind::User, &id, look, (person.created_ms, person.changed_ms), tag));
    resource.insert("id".to_owned(), id.into());
    resource
}

/// `meta` of a resource (RFC 7643 §3.1), made and changed at these moments.
pub(super) fn meta(kind: Kind, id: &str, look: Look<'_>, (made_ms, changed_ms): (i64, i64), tag: String) -> Value {
    let mut meta = json!({
        "resourceType": kind.name(),
        "created": Moment::from_ms(made_ms).rfc3339(),
        "lastModified": Moment::from_ms(changed_ms).rfc3339(),
        "location": location(kind, id, look.base),
    });
    if look.etags {
        meta["version"] = tag.into();
    }
    meta
}

/// Where a resource is found.
pub(super) fn location(kind: Kind, id: &str, base: &str) -> String {
    format!("{base}/{}/{id}", kind.endpoint())
}

/// The version as an entity tag.
pub(super) fn etag(version: u64) -> String {
    format!("W/\"{version}\"")
}

/// The entity tag of a person. Their groups are shown with them and are no part of their version: so they are a part of the tag,
/// by which a sender sees whether its copy is stale, and not of what `If-Match` is compared with.
fn tag(person: &Person, groups: &[Arc<Group>]) -> String {
    if groups.is_empty() {
        return etag(person.version);
    }
    let mut sum = DefaultHasher::new();
    for group in groups {
        (&group.id, &group.display_name).hash(&mut sum);
    }
    format!("W/\"{}.{:016x}\"", person.version, sum.finish())
}
