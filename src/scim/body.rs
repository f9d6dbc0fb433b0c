//! Bodies: JSON objects of bounded size and depth, read without regard to the case of names.

use serde_json::{Map, Value};

use super::problem::Problem;

/// The largest body that is read, in bytes: a group of ten thousand members fits.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting that is read. A SCIM resource has four levels (RFC 7643 §2.3.8: complex attributes do not nest).
const DEPTH_MAX: usize = 16;

/// Reads a body as a JSON object.
pub(super) fn read(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.len() > BODY_BYTES_MAX {
        return Err(Problem::new(413, format!("the body is larger than {BODY_BYTES_MAX} bytes")));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| Problem::syntax(format!("the body is not JSON: {error}")))?;
    if depth_exceeds(&value, DEPTH_MAX) {
        return Err(Problem::syntax(format!("the body is nested deeper than {DEPTH_MAX} levels")));
    }
    match value {
        Value::Object(map) => Ok(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Problem::syntax("the body is not a JSON object"))
        }
    }
}

fn depth_exceeds(value: &Value, left: usize) -> bool {
    match value {
        Value::Object(map) => left == 0 || map.values().any(|value| depth_exceeds(value, left - 1)),
        Value::Array(list) => left == 0 || list.iter().any(|value| depth_exceeds(value, left - 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The key of an object that is `name` in some case.
pub(super) fn key_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    // RFC 7643 §2.1: attribute names are case insensitive.
    map.get_key_value(name)
        .map(|(key, _)| key.as_str())
        .or_else(|| map.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str))
}

/// The value of an attribute, whatever the case of its name.
pub(super) fn value_of<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    key_of(map, name).and_then(|key| map.get(key))
}

/// Takes an attribute out of an object, whatever the case of its name.
pub(super) fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = key_of(map, name)?.to_owned();
    map.remove(&key)
}

/// Reads a boolean, also one that came as a string: some providers send `"False"`.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a value is "unassigned" (RFC 7643 §2.5: null and the empty array are the same as no value).
pub(super) fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
