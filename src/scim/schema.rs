//! What we must know of attributes to read them: their spelling, which are lists, which compare by case.

use serde_json::{Map, Value};

use super::body;
use super::problem::Problem;

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// One attribute of a schema.
pub(super) struct Attribute {
    /// As RFC 7643 spells it.
    pub name: &'static str,
    /// Whether it is a list.
    pub is_list: bool,
    /// Whether it is a boolean, which some providers send as text.
    pub is_boolean: bool,
    /// Whether it compares by case.
    pub is_exact: bool,
    /// Its sub-attributes; with any, it is complex.
    pub parts: &'static [Attribute],
}

const fn plain(name: &'static str) -> Attribute {
    Attribute { name, is_list: false, is_boolean: false, is_exact: false, parts: &[] }
}

const fn exact(name: &'static str) -> Attribute {
    Attribute { is_exact: true, ..plain(name) }
}

const fn flag(name: &'static str) -> Attribute {
    Attribute { is_boolean: true, ..plain(name) }
}

const fn complex(name: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { parts, ..plain(name) }
}

const fn list(name: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { is_list: true, ..complex(name, parts) }
}

/// RFC 7643 §2.4: the sub-attributes that lists have by default.
const VALUED: &[Attribute] =
    &[plain("value"), plain("display"), plain("type"), flag("primary"), exact("$ref"), plain("formatted")];

const NAME: &[Attribute] = &[
    plain("formatted"),
    plain("familyName"),
    plain("givenName"),
    plain("middleName"),
    plain("honorificPrefix"),
    plain("honorificSuffix"),
];

const ADDRESS: &[Attribute] = &[
    plain("formatted"),
    plain("streetAddress"),
    plain("locality"),
    plain("region"),
    plain("postalCode"),
    plain("country"),
    plain("type"),
    flag("primary"),
];

const META: &[Attribute] =
    &[exact("resourceType"), plain("created"), plain("lastModified"), exact("location"), exact("version")];

const MEMBER: &[Attribute] = &[exact("value"), exact("$ref"), plain("type"), plain("display")];

/// RFC 7643 §3.1 and §4.1.
pub(super) const USER_ATTRIBUTES: &[Attribute] = &[
    exact("id"),
    exact("externalId"),
    complex("meta", META),
    exact("schemas"),
    plain("userName"),
    complex("name", NAME),
    plain("displayName"),
    plain("nickName"),
    exact("profileUrl"),
    plain("title"),
    plain("userType"),
    plain("preferredLanguage"),
    plain("locale"),
    plain("timezone"),
    flag("active"),
    exact("password"),
    list("emails", VALUED),
    list("phoneNumbers", VALUED),
    list("ims", VALUED),
    list("photos", VALUED),
    list("addresses", ADDRESS),
    list("groups", MEMBER),
    list("entitlements", VALUED),
    list("roles", VALUED),
    list("x509Certificates", VALUED),
];

/// RFC 7643 §4.2.
pub(super) const GROUP_ATTRIBUTES: &[Attribute] = &[
    exact("id"),
    exact("externalId"),
    complex("meta", META),
    exact("schemas"),
    plain("displayName"),
    list("members", MEMBER),
];

/// RFC 7643 §4.3.
pub(super) const ENTERPRISE_ATTRIBUTES: &[Attribute] = &[
    plain("employeeNumber"),
    plain("costCenter"),
    plain("organization"),
    plain("division"),
    plain("department"),
    complex("manager", &[exact("value"), exact("$ref"), plain("displayName")]),
];

/// Which of the two kinds of resource is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    /// The schema's URN.
    pub(super) fn urn(self) -> &'static str {
        match self {
            Kind::User => USER,
            Kind::Group => GROUP,
        }
    }

    /// The endpoint, without slashes.
    pub(super) fn endpoint(self) -> &'static str {
        match self {
            Kind::User => "Users",
            Kind::Group => "Groups",
        }
    }

    /// `meta.resourceType`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
        }
    }

    /// The attributes of the core schema, or of the extension with this URN.
    pub(super) fn attributes(self, urn: Option<&str>) -> &'static [Attribute] {
        match urn {
            Some(urn) if urn.eq_ignore_ascii_case(ENTERPRISE) => ENTERPRISE_ATTRIBUTES,
            Some(urn) if !urn.eq_ignore_ascii_case(self.urn()) => &[],
            Some(_) | None => match self {
                Kind::User => USER_ATTRIBUTES,
                Kind::Group => GROUP_ATTRIBUTES,
            },
        }
    }
}

/// An attribute by its name in any case.
pub(super) fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// Whether an object's key names an extension's schema rather than an attribute.
pub(super) fn is_urn(key: &str) -> bool {
    key.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("urn:"))
}

/// Spells the names of a resource as the RFC does, makes booleans of their texts and lists of single elements, and drops
/// what is unassigned. A name that is there twice, in two cases, is refused: which of them holds could be anybody's guess.
pub(super) fn normal(kind: Kind, resource: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let mut out = normal_parts(kind.attributes(None), resource)?;
    let extensions: Vec<String> = out.keys().filter(|key| is_urn(key)).cloned().collect();
    for key in extensions {
        if let Some(Value::Object(extension)) = out.remove(&key) {
            let urn = if key.eq_ignore_ascii_case(ENTERPRISE) { ENTERPRISE } else { &key };
            let mut extension = normal_parts(kind.attributes(Some(urn)), extension)?;
            // A manager may come as their bare id.
            if let Some(Value::String(id)) = extension.get("manager").cloned() {
                extension.remove("manager");
                if !id.is_empty() {
                    extension.insert("manager".to_owned(), serde_json::json!({ "value": id }));
                }
            }
            if !extension.is_empty() {
                out.insert(urn.to_owned(), Value::Object(extension));
            }
        }
    }
    Ok(out)
}

fn normal_parts(attributes: &'static [Attribute], object: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    let mut out = Map::new();
    for (key, value) in object {
        let known = find(attributes, &key);
        let value = normal_value(known, &key, value)?;
        if body::is_unassigned(&value) {
            continue;
        }
        let name = known.map_or(key, |attribute| attribute.name.to_owned());
        if out.contains_key(&name) {
            return Err(Problem::syntax(format!("{name} is there twice")));
        }
        out.insert(name, value);
    }
    Ok(out)
}

/// One attribute's value, in the shape its schema gives it.
pub(super) fn normal_value(known: Option<&'static Attribute>, name: &str, value: Value) -> Result<Value, Problem> {
    let Some(attribute) = known else { return Ok(value) };
    if attribute.is_list {
        let elements = match value {
            Value::Array(elements) => elements,
            Value::Null => Vec::new(),
            single @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => vec![single],
        };
        let elements = elements.into_iter().map(|element| normal_element(attribute, element));
        return Ok(Value::Array(elements.collect::<Result<_, _>>()?));
    }
    match value {
        Value::Object(parts) if !attribute.parts.is_empty() => Ok(Value::Object(normal_parts(attribute.parts, parts)?)),
        Value::Null => Ok(Value::Null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)
            if attribute.is_boolean =>
        {
            let flag = body::boolean(&value).map(Value::Bool);
            flag.ok_or_else(|| Problem::value(format!("{name} is neither true nor false")))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => Ok(value),
    }
}

fn normal_element(attribute: &'static Attribute, element: Value) -> Result<Value, Problem> {
    match element {
        Value::Object(parts) => Ok(Value::Object(normal_parts(attribute.parts, parts)?)),
        // RFC 7643 §2.4: the value of a list's element is its sub-attribute `value`.
        Value::String(text) => Ok(serde_json::json!({ "value": text })),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(Problem::value(format!("an element of {} is not an object", attribute.name)))
        }
    }
}
