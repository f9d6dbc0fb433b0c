//! The order of a list (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::body;
use super::path::{Place, Target};
use super::problem::Problem;
use super::schema::{self, Kind};

/// By which attribute a list is sorted, and in which direction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    kind: Kind,
    place: Place,
    is_descending: bool,
}

/// What one resource is sorted by.
#[derive(Debug, PartialEq, PartialOrd)]
enum Key {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl Order {
    /// From `sortBy` and `sortOrder`.
    pub(super) fn parse(kind: Kind, by: &str, order: Option<&str>) -> Result<Order, Problem> {
        let is_descending = match order.map(str::to_lowercase).as_deref() {
            // RFC 7644 §3.4.2.3: where it is not given it is "ascending".
            None | Some("" | "ascending") => false,
            Some("descending") => true,
            Some(_) => return Err(Problem::value("sortOrder is ascending or descending")),
        };
        match Target::parse(kind, by)? {
            Target::Attribute(place) if place.chosen.is_none() => Ok(Order { kind, place, is_descending }),
            Target::Attribute(_) | Target::Extension(_) => Err(Problem::path(format!("{by} is nothing to sort by"))),
        }
    }

    /// Sorts what was found; what has no value comes last, or first in descending order, and equals keep their order.
    pub(super) fn sort<T>(&self, found: &mut Vec<T>, resource: impl Fn(&T) -> Map<String, Value>) {
        let mut keyed: Vec<(Option<Key>, T)> = found.drain(..).map(|one| (self.key(&resource(&one)), one)).collect();
        keyed.sort_by(|(a, _), (b, _)| {
            let ascending = match (a, b) {
                (Some(a), Some(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => Ordering::Equal,
            };
            if self.is_descending { ascending.reverse() } else { ascending }
        });
        found.extend(keyed.into_iter().map(|(_, one)| one));
    }

    fn key(&self, resource: &Map<String, Value>) -> Option<Key> {
        let holder = match &self.place.urn {
            None => resource,
            Some(urn) => body::value_of(resource, urn)?.as_object()?,
        };
        let value = match body::value_of(holder, &self.place.name)? {
            // Of several the primary one counts, or else the first.
            Value::Array(elements) => {
                let is_primary = |one: &&Value| one.get("primary").and_then(Value::as_bool) == Some(true);
                elements.iter().find(is_primary).or(elements.first())?
            }
            single @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => single,
        };
        let value = match (value, self.place.part.as_deref()) {
            (Value::Object(parts), part) => body::value_of(parts, part.unwrap_or("value"))?,
            (_, Some(_)) => return None,
            (plain, None) => plain,
        };
        let known = self.place.attribute(self.kind);
        let part = known.zip(self.place.part.as_deref()).and_then(|(known, part)| schema::find(known.parts, part));
        // Letters are compared without regard to case, save where the schema says otherwise.
        let is_exact = part.or(known).is_some_and(|attribute| attribute.is_exact);
        match value {
            Value::Bool(flag) => Some(Key::Flag(*flag)),
            Value::Number(number) => number.as_f64().map(Key::Number),
            Value::String(text) if is_exact => Some(Key::Text(text.clone())),
            Value::String(text) => Some(Key::Text(text.to_lowercase())),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}
