//! Which attributes a reply shows (RFC 7644 §3.9).

use serde_json::{Map, Value};

use super::body;
use super::schema::{self, Kind};

/// `attributes` and `excludedAttributes` of a request; RFC 7644 §3.4.2.5 gives the first precedence.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown {
    only: Vec<Named>,
    without: Vec<Named>,
}

/// An attribute as a request names it, in lower case, without the core schema's URN.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    /// The extension it stands in.
    urn: Option<String>,
    name: String,
    part: Option<String>,
}

impl Named {
    fn parse(kind: Kind, text: &str) -> Named {
        let text = text.trim().to_lowercase();
        if text == schema::ENTERPRISE.to_lowercase() {
            return Named { urn: None, name: text, part: None };
        }
        let (urn, rest) = match text.rsplit_once(':') {
            Some((urn, rest)) if urn == kind.urn().to_lowercase() => (None, rest),
            Some((urn, rest)) => (Some(urn.to_owned()), rest),
            None => (None, text.as_str()),
        };
        let (name, part) = rest.split_once('.').map_or((rest, None), |(name, part)| (name, Some(part.to_owned())));
        Named { urn, name: name.to_owned(), part }
    }
}

impl Shown {
    /// From comma-separated names.
    pub(super) fn new(kind: Kind, only: Option<&str>, without: Option<&str>) -> Shown {
        let read = |names: Option<&str>| {
            let names = names.unwrap_or_default().split(',').filter(|name| !name.trim().is_empty());
            names.map(|name| Named::parse(kind, name)).collect()
        };
        Shown { only: read(only), without: read(without) }
    }

    /// Whether an attribute of the core schema is shown at all.
    pub(super) fn shows(&self, attribute: &str) -> bool {
        let is_whole = |named: &Named| named.urn.is_none() && named.name.eq_ignore_ascii_case(attribute);
        if self.only.is_empty() {
            !self.without.iter().any(|named| is_whole(named) && named.part.is_none())
        } else {
            self.only.iter().any(is_whole)
        }
    }

    /// The resource with the attributes that are asked for.
    pub(super) fn of(&self, resource: Map<String, Value>) -> Map<String, Value> {
        if self.only.is_empty() {
            let mut resource = resource;
            self.without.iter().for_each(|named| take_out(&mut resource, named));
            return resource;
        }
        let mut out = Map::new();
        // RFC 7643 §7: these are returned always.
        for always in ["id", "schemas"] {
            out.extend(resource.get(always).map(|value| (always.to_owned(), value.clone())));
        }
        self.only.iter().for_each(|named| copy(&resource, named, &mut out));
        out
    }
}

fn copy(from: &Map<String, Value>, named: &Named, to: &mut Map<String, Value>) {
    if let Some(urn) = &named.urn {
        let Some(key) = body::key_of(from, urn) else { return };
        let Some(extension) = from.get(key).and_then(Value::as_object) else { return };
        let inner = to.entry(key).or_insert_with(|| Value::Object(Map::new()));
        if let Some(inner) = inner.as_object_mut() {
            copy(extension, &Named { urn: None, ..named.clone() }, inner);
        }
        return;
    }
    let Some(key) = body::key_of(from, &named.name) else { return };
    let Some(part) = &named.part else {
        to.insert(key.to_owned(), from[key].clone());
        return;
    };
    let only_part = |object: &Map<String, Value>| {
        let key = body::key_of(object, part)?;
        Some((key.to_owned(), object[key].clone()))
    };
    match &from[key] {
        Value::Object(object) => {
            let inner = to.entry(key).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                inner.extend(only_part(object));
            }
        }
        Value::Array(elements) => {
            let parts = elements.iter().filter_map(Value::as_object);
            let parts = parts.map(|object| Value::Object(only_part(object).into_iter().collect())).collect();
            to.insert(key.to_owned(), Value::Array(parts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn take_out(from: &mut Map<String, Value>, named: &Named) {
    if named.urn.is_none() && ["id", "schemas"].contains(&named.name.as_str()) {
        return;
    }
    if let Some(urn) = &named.urn {
        let key = body::key_of(from, urn).map(str::to_owned);
        if let Some(extension) = key.and_then(|key| from.get_mut(&key)).and_then(Value::as_object_mut) {
            take_out(extension, &Named { urn: None, ..named.clone() });
        }
        return;
    }
    let Some(key) = body::key_of(from, &named.name).map(str::to_owned) else { return };
    let Some(part) = &named.part else {
        from.remove(&key);
        return;
    };
    match from.get_mut(&key) {
        Some(Value::Object(object)) => drop(body::take(object, part)),
        Some(Value::Array(elements)) => {
            elements.iter_mut().filter_map(Value::as_object_mut).for_each(|object| drop(body::take(object, part)));
        }
        _ => {}
    }
}
