//! Patches (RFC 7644 §3.5.2), worked out on a copy of the resource.

use scim_v2::filter::{AttrExp, CompValue, CompareOp, ValFilter};
use serde_json::{Map, Value};

use super::body;
use super::filter;
use super::path::{Place, Target};
use super::problem::Problem;
use super::schema::{self, Attribute, Kind};

/// The most operations one patch may have.
const OPERATIONS_MAX: usize = 1_000;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Add,
    Replace,
    Remove,
}

/// One operation on one target.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Operation {
    pub op: Op,
    pub target: Target,
    /// `Null` where none was sent.
    pub value: Value,
}

/// Reads the operations of a patch. One without a path becomes one for each key of its value.
pub(super) fn read(kind: Kind, mut body: Map<String, Value>) -> Result<Vec<Operation>, Problem> {
    let Some(Value::Array(sent)) = body::take(&mut body, "Operations") else {
        return Err(Problem::syntax("Operations is not a list"));
    };
    if sent.len() > OPERATIONS_MAX {
        return Err(Problem::new(413, format!("a patch has at most {OPERATIONS_MAX} operations")));
    }
    let mut operations = Vec::new();
    for one in sent {
        let Value::Object(mut one) = one else { return Err(Problem::syntax("an operation is not an object")) };
        let op = read_op(body::take(&mut one, "op").as_ref())?;
        let value = body::take(&mut one, "value").unwrap_or(Value::Null);
        match (body::take(&mut one, "path"), op, value) {
            (None | Some(Value::Null), Op::Remove, _) => {
                // RFC 7644 §3.5.2.2.
                return Err(Problem::no_target("remove needs a path"));
            }
            (None | Some(Value::Null), _, Value::Object(keys)) => {
                for (key, value) in keys {
                    let target = Target::parse(kind, &key)?;
                    // Some providers send the id along: it says nothing new.
                    if !target.is_read_only(kind) {
                        operations.push(Operation { op, target, value });
                    }
                }
            }
            (None | Some(Value::Null), ..) => {
                return Err(Problem::value("the value of an operation without a path is an object"));
            }
            (Some(Value::String(path)), op, value) => {
                let target = Target::parse(kind, &path)?;
                if target.is_read_only(kind) {
                    return Err(Problem::mutability(format!("{path} cannot be set")));
                }
                operations.push(Operation { op, target, value });
            }
            (Some(_), ..) => return Err(Problem::path("the path is not text")),
        }
    }
    Ok(operations)
}

fn read_op(op: Option<&Value>) -> Result<Op, Problem> {
    match op.and_then(Value::as_str).map(str::to_lowercase).as_deref() {
        Some("add") => Ok(Op::Add),
        Some("replace") => Ok(Op::Replace),
        Some("remove") => Ok(Op::Remove),
        Some(_) | None => Err(Problem::syntax("op is one of add, replace and remove")),
    }
}

/// Makes one operation's change to a resource.
pub(super) fn apply(kind: Kind, resource: &mut Map<String, Value>, operation: Operation) -> Result<(), Problem> {
    let Operation { op, target, value } = operation;
    match (target, value) {
        (Target::Extension(urn), _) if op == Op::Remove => drop(body::take(resource, &urn)),
        (Target::Extension(urn), Value::Object(keys)) => {
            for (name, value) in keys {
                let target = Target::parse(kind, &format!("{urn}:{name}"))?;
                apply(kind, resource, Operation { op, target, value })?;
            }
        }
        (Target::Extension(urn), _) => return Err(Problem::value(format!("the value of {urn} is an object"))),
        (Target::Attribute(place), value) => {
            let known = place.attribute(kind);
            let holder = match &place.urn {
                None => resource,
                Some(urn) => match resource.entry(urn.as_str()).or_insert_with(|| Value::Object(Map::new())) {
                    Value::Object(extension) => extension,
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                        return Err(Problem::path(format!("{urn} is no schema of this resource")));
                    }
                },
            };
            // From here on the name is the one the resource has.
            let key = body::key_of(holder, &place.name).unwrap_or(&place.name).to_owned();
            match &place.chosen {
                Some(chosen) => change_chosen(holder, &key, known, (&place, chosen), op, value)?,
                None => change(holder, &key, known, place.part.as_deref(), op, value)?,
            }
        }
    }
    Ok(())
}

/// Changes an attribute as a whole, or one part of it.
fn change(
    holder: &mut Map<String, Value>,
    key: &str,
    known: Option<&'static Attribute>,
    part: Option<&str>,
    op: Op,
    value: Value,
) -> Result<(), Problem> {
    let is_list = known.is_some_and(|known| known.is_list) || holder.get(key).is_some_and(Value::is_array);
    match (op, part) {
        (Op::Remove, None) if is_list && !body::is_unassigned(&value) => remove_listed(holder, key, known, value)?,
        (Op::Remove, None) => drop(holder.remove(key)),
        (Op::Remove, Some(part)) => each_object(holder.get_mut(key), |object| drop(body::take(object, part))),
        (Op::Add | Op::Replace, Some(part)) => {
            let value = part_value(known, part, value)?;
            if body::is_unassigned(&value) {
                each_object(holder.get_mut(key), |object| drop(body::take(object, part)));
                return Ok(());
            }
            if holder.get(key).is_none_or(|now| body::is_unassigned(now) || !(now.is_object() || now.is_array())) {
                let empty = Value::Object(Map::new());
                holder.insert(key.to_owned(), if is_list { Value::Array(vec![empty]) } else { empty });
            }
            each_object(holder.get_mut(key), |object| set_part(object, part, value.clone()));
        }
        (Op::Add, None) if is_list => add_listed(holder, key, known, value)?,
        (Op::Add | Op::Replace, None) => set(holder, key, known, value)?,
    }
    Ok(())
}

fn part_value(known: Option<&'static Attribute>, part: &str, value: Value) -> Result<Value, Problem> {
    schema::normal_value(known.and_then(|known| schema::find(known.parts, part)), part, value)
}

fn set_part(object: &mut Map<String, Value>, part: &str, value: Value) {
    let key = body::key_of(object, part).unwrap_or(part).to_owned();
    object.insert(key, value);
}

/// Does something to an object, or to each object of a list.
fn each_object(value: Option<&mut Value>, mut act: impl FnMut(&mut Map<String, Value>)) {
    match value {
        Some(Value::Object(object)) => act(object),
        Some(Value::Array(elements)) => elements.iter_mut().filter_map(Value::as_object_mut).for_each(act),
        _ => {}
    }
}

/// Sets an attribute; a complex one keeps the parts that are not mentioned (RFC 7644 §3.5.2.3).
fn set(
    holder: &mut Map<String, Value>,
    key: &str,
    known: Option<&'static Attribute>,
    value: Value,
) -> Result<(), Problem> {
    let is_complex = known.is_some_and(|known| !known.is_list && !known.parts.is_empty());
    let value = match value.as_str().filter(|_| is_complex && key.eq_ignore_ascii_case("manager")) {
        // A bare id where a reference belongs; the empty one takes the reference away.
        Some("") => Value::Null,
        Some(id) => serde_json::json!({ "value": id }),
        None => schema::normal_value(known, key, value)?,
    };
    match (value, holder.get_mut(key)) {
        (value, _) if body::is_unassigned(&value) => drop(holder.remove(key)),
        (Value::Object(parts), Some(Value::Object(now))) if is_complex => now.extend(parts),
        (value, _) if is_complex && !value.is_object() => {
            return Err(Problem::value(format!("{key} is not an object")));
        }
        (value, _) => drop(holder.insert(key.to_owned(), value)),
    }
    Ok(())
}

/// The elements of what was sent for a list.
fn listed(known: Option<&'static Attribute>, key: &str, value: Value) -> Result<Vec<Value>, Problem> {
    let value = schema::normal_value(known, key, value)?;
    if let Value::Array(elements) = value { Ok(elements) } else { Ok(vec![value]) }
}

/// Two elements are the same when their values and types are.
fn is_same(one: &Value, other: &Value) -> bool {
    let part = |element: &Value, name: &str| element.as_object().and_then(|parts| body::value_of(parts, name).cloned());
    one == other
        || (part(one, "value").is_some()
            && part(one, "value") == part(other, "value")
            && part(one, "type") == part(other, "type"))
}

fn add_listed(
    holder: &mut Map<String, Value>,
    key: &str,
    known: Option<&'static Attribute>,
    value: Value,
) -> Result<(), Problem> {
    let added = listed(known, key, value)?;
    let Value::Array(elements) = holder.entry(key).or_insert_with(|| Value::Array(Vec::new())) else {
        return Err(Problem::value(format!("{key} is not a list")));
    };
    let mut changed = Vec::new();
    for element in added {
        match elements.iter().position(|now| is_same(now, &element)) {
            Some(at) => {
                elements[at] = element;
                changed.push(at);
            }
            None => {
                changed.push(elements.len());
                elements.push(element);
            }
        }
    }
    keep_one_primary(elements, &changed);
    Ok(())
}

/// Takes out the elements that are named by value; those that are not there are gone already.
fn remove_listed(
    holder: &mut Map<String, Value>,
    key: &str,
    known: Option<&'static Attribute>,
    value: Value,
) -> Result<(), Problem> {
    let value_in = |element: &Value| match element.as_object() {
        Some(parts) => body::value_of(parts, "value").cloned(),
        None => Some(element.clone()),
    };
    let removed = listed(known, key, value)?;
    if let Some(Value::Array(elements)) = holder.get_mut(key) {
        elements.retain(|element| !removed.iter().any(|gone| element == gone || value_in(gone) == value_in(element)));
    }
    Ok(())
}

/// Changes the elements that a filter in brackets chooses.
fn change_chosen(
    holder: &mut Map<String, Value>,
    key: &str,
    known: Option<&'static Attribute>,
    (place, chosen): (&Place, &ValFilter),
    op: Op,
    value: Value,
) -> Result<(), Problem> {
    if known.is_some_and(|known| !known.is_list) {
        return Err(Problem::path(format!("{key} is not a list")));
    }
    let part = place.part.as_deref();
    let Value::Array(elements) = holder.entry(key).or_insert_with(|| Value::Array(Vec::new())) else {
        return Err(Problem::path(format!("{key} is not a list")));
    };
    let is_chosen =
        |element: &Value| element.as_object().is_some_and(|element| filter::element_admits(known, chosen, element));
    let mut at: Vec<usize> = (0..elements.len()).filter(|at| is_chosen(&elements[*at])).collect();
    if at.is_empty() && op == Op::Add && body::is_unassigned(&value) {
        // Nothing is added to nothing: some providers send null for what a person does not have.
        return Ok(());
    }
    if at.is_empty() {
        // RFC 7644 §3.5.2.3: nothing chosen is a failure; only an addition may make what it asks for.
        let made = if op == Op::Add { demanded(chosen) } else { None };
        let made = made.ok_or_else(|| Problem::no_target(format!("no element of {key} is chosen by the path")))?;
        at.push(elements.len());
        elements.push(Value::Object(made));
    }
    match (op, part) {
        (Op::Remove, None) => {
            let mut number = 0;
            elements.retain(|_| {
                number += 1;
                !at.contains(&(number - 1))
            });
            return Ok(());
        }
        (Op::Remove, Some(part)) => each_chosen(elements, &at, |element| drop(body::take(element, part))),
        (Op::Add | Op::Replace, Some(part)) => {
            let value = part_value(known, part, value)?;
            each_chosen(elements, &at, |element| set_part(element, part, value.clone()));
        }
        (Op::Add | Op::Replace, None) => {
            let Some(Value::Object(parts)) = listed(known, key, value)?.into_iter().next() else {
                return Err(Problem::value(format!("an element of {key} is an object")));
            };
            each_chosen(elements, &at, |element| {
                if op == Op::Replace {
                    element.clear();
                }
                element.extend(parts.clone());
            });
        }
    }
    keep_one_primary(elements, &at);
    Ok(())
}

fn each_chosen(elements: &mut [Value], at: &[usize], mut act: impl FnMut(&mut Map<String, Value>)) {
    for at in at {
        if let Some(element) = elements.get_mut(*at).and_then(Value::as_object_mut) {
            act(element);
        }
    }
}

/// The element that a filter of plain equalities asks for: `type eq "work"` is `{"type": "work"}`.
fn demanded(chosen: &ValFilter) -> Option<Map<String, Value>> {
    match chosen {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, value)) => {
            let value = match value {
                CompValue::Str(text) => Value::String(text.clone()),
                CompValue::True => Value::Bool(true),
                CompValue::False => Value::Bool(false),
                CompValue::Number(number) => Value::Number(number.clone()),
                CompValue::Null => return None,
            };
            Some(Map::from_iter([(path.name.clone(), value)]))
        }
        ValFilter::And(all) => {
            let mut made = Map::new();
            for one in all {
                made.extend(demanded(one)?);
            }
            Some(made)
        }
        ValFilter::Attr(_) | ValFilter::Not(_) | ValFilter::Or(_) => None,
    }
}

/// RFC 7644 §3.5.2: a value that becomes the primary one takes that from the others.
fn keep_one_primary(elements: &mut [Value], changed: &[usize]) {
    let is_primary = |element: &Value| element.get("primary").and_then(Value::as_bool) == Some(true);
    let Some(primary) = changed.iter().rev().copied().find(|at| elements.get(*at).is_some_and(is_primary)) else {
        return;
    };
    for (at, element) in elements.iter_mut().enumerate() {
        if at != primary && is_primary(element) {
            element["primary"] = Value::Bool(false);
        }
    }
}
