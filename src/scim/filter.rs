//! Filters (RFC 7644 §3.4.2.2): read by `scim_v2`'s grammar, evaluated here over a resource.

use std::borrow::Cow;

use scim_v2::filter::{AttrExp, AttrPath, CompValue, CompareOp, Filter, ValFilter};
use serde_json::{Map, Value};

use super::body;
use super::problem::Problem;
use super::schema::{self, Attribute, Kind};
use crate::clock::Moment;

/// The longest filter that is read, in bytes.
const FILTER_BYTES_MAX: usize = 8 << 10;

/// Reads a filter over one kind of resource.
pub(super) fn parse(kind: Kind, text: &str) -> Result<Filter, Problem> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(Problem::filter(format!("the filter is longer than {FILTER_BYTES_MAX} bytes")));
    }
    let filter: Filter = with_parts_inside(text)
        .parse()
        .map_err(|error| Problem::filter(format!("the filter cannot be read: {error}")))?;
    check(kind, &filter)?;
    Ok(filter)
}

/// Writes `emails[type eq "work"].value eq "x"`, which some providers send and the grammar does not have, as
/// `emails[(type eq "work") and value eq "x"]`, which means the same.
fn with_parts_inside(text: &str) -> Cow<'_, str> {
    if !text.contains("].") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let (mut rest, mut opened) = (text, None);
    while let Some(first) = rest.chars().next() {
        match first {
            '"' => {
                let end = end_of_text(rest);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            '[' => opened = Some(out.len() + 1),
            ']' if rest[1..].starts_with('.') => {
                if let (Some(at), Some(end)) = (opened.take(), end_of_expression(&rest[2..])) {
                    out.insert(at, '(');
                    out.push_str(") and ");
                    out.push_str(&rest[2..2 + end]);
                    out.push(']');
                    rest = &rest[2 + end..];
                    continue;
                }
            }
            _ => {}
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
    }
    Cow::Owned(out)
}

/// The length of the quoted text at the front, with its quotes.
fn end_of_text(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `name op value`, or of `name pr`, at the front; `None` where it is neither.
fn end_of_expression(text: &str) -> Option<usize> {
    let word = |from: usize| {
        let start = from + text[from..].find(|c: char| !c.is_whitespace())?;
        let length = text[start..].find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']'));
        Some((start, length.map_or(text.len(), |length| start + length)))
    };
    let (_, name_end) = word(0)?;
    let (operator, operator_end) = word(name_end)?;
    if text[operator..operator_end].eq_ignore_ascii_case("pr") {
        return Some(operator_end);
    }
    let (value, value_end) = word(operator_end)?;
    Some(if text[value..].starts_with('"') { value + end_of_text(&text[value..]) } else { value_end })
}

/// RFC 7644 §3.4.2.2: an order between booleans is refused.
fn check(kind: Kind, filter: &Filter) -> Result<(), Problem> {
    match filter {
        Filter::Attr(expression) => check_expression(attribute_of(kind, path_of(expression)), expression),
        Filter::ValuePath(path) => check_values(attribute_of(kind, &path.attr), &path.filter),
        Filter::Not(inner) => check(kind, inner),
        Filter::And(all) | Filter::Or(all) => all.iter().try_for_each(|inner| check(kind, inner)),
    }
}

fn check_values(of: Option<&'static Attribute>, filter: &ValFilter) -> Result<(), Problem> {
    match filter {
        ValFilter::Attr(expression) => {
            let part = of.and_then(|of| schema::find(of.parts, &path_of(expression).name));
            check_expression(part, expression)
        }
        ValFilter::Not(inner) => check_values(of, inner),
        ValFilter::And(all) | ValFilter::Or(all) => all.iter().try_for_each(|inner| check_values(of, inner)),
    }
}

fn check_expression(attribute: Option<&'static Attribute>, expression: &AttrExp) -> Result<(), Problem> {
    match expression {
        AttrExp::Comparison(path, CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le, _)
            if attribute.is_some_and(|attribute| attribute.is_boolean) =>
        {
            Err(Problem::filter(format!("{path} is true or false, which have no order")))
        }
        AttrExp::Comparison(..) | AttrExp::Present(_) => Ok(()),
    }
}

fn path_of(expression: &AttrExp) -> &AttrPath {
    match expression {
        AttrExp::Present(path) | AttrExp::Comparison(path, ..) => path,
    }
}

/// What the schema says of the attribute, or the sub-attribute, that a path names.
fn attribute_of(kind: Kind, path: &AttrPath) -> Option<&'static Attribute> {
    let attribute = schema::find(kind.attributes(path.uri.as_deref()), &path.name)?;
    match &path.sub_attr {
        None => Some(attribute),
        Some(part) => schema::find(attribute.parts, part),
    }
}

/// Whether a resource satisfies a filter.
pub(super) fn admits(kind: Kind, filter: &Filter, resource: &Map<String, Value>) -> bool {
    match filter {
        Filter::Attr(expression) => {
            let path = path_of(expression);
            let attribute = attribute_of(kind, path);
            holds(expression, attribute.is_some_and(|attribute| attribute.is_exact), &values_at(kind, path, resource))
        }
        Filter::ValuePath(path) => {
            let of = attribute_of(kind, &path.attr);
            let elements = container(kind, &path.attr, resource).and_then(|map| body::value_of(map, &path.attr.name));
            each(elements)
                .any(|element| element.as_object().is_some_and(|element| element_admits(of, &path.filter, element)))
        }
        Filter::Not(inner) => !admits(kind, inner, resource),
        Filter::And(all) => all.iter().all(|inner| admits(kind, inner, resource)),
        Filter::Or(all) => all.iter().any(|inner| admits(kind, inner, resource)),
    }
}

/// Whether an element of the list attribute `of` satisfies the filter in its brackets.
pub(super) fn element_admits(of: Option<&'static Attribute>, filter: &ValFilter, element: &Map<String, Value>) -> bool {
    match filter {
        ValFilter::Attr(expression) => {
            let name = &path_of(expression).name;
            let is_exact = of.and_then(|of| schema::find(of.parts, name)).is_some_and(|part| part.is_exact);
            holds(expression, is_exact, &each(body::value_of(element, name)).collect::<Vec<_>>())
        }
        ValFilter::Not(inner) => !element_admits(of, inner, element),
        ValFilter::And(all) => all.iter().all(|inner| element_admits(of, inner, element)),
        ValFilter::Or(all) => all.iter().any(|inner| element_admits(of, inner, element)),
    }
}

/// The object that has the attribute: the resource, or the extension that the path's URN names.
fn container<'a>(kind: Kind, path: &AttrPath, resource: &'a Map<String, Value>) -> Option<&'a Map<String, Value>> {
    match path.uri.as_deref() {
        Some(urn) if !urn.eq_ignore_ascii_case(kind.urn()) => body::value_of(resource, urn)?.as_object(),
        Some(_) | None => Some(resource),
    }
}

/// The values a path names; of a list, each element's, and where no sub-attribute is named, its `value`.
fn values_at<'a>(kind: Kind, path: &AttrPath, resource: &'a Map<String, Value>) -> Vec<&'a Value> {
    let Some(value) = container(kind, path, resource).and_then(|map| body::value_of(map, &path.name)) else {
        return Vec::new();
    };
    let part = path.sub_attr.as_deref();
    each(Some(value))
        .filter_map(|element| match (element.as_object(), part) {
            (Some(parts), Some(part)) => body::value_of(parts, part),
            (Some(parts), None) => body::value_of(parts, "value").or(Some(element)),
            (None, Some(_)) => None,
            (None, None) => Some(element),
        })
        .collect()
}

/// The elements of a list, or the one value.
fn each(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let elements = match value {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    elements.iter()
}

fn holds(expression: &AttrExp, is_exact: bool, values: &[&Value]) -> bool {
    match expression {
        AttrExp::Present(_) => {
            values.iter().any(|value| !body::is_unassigned(value) && value.as_str().is_none_or(|text| !text.is_empty()))
        }
        // RFC 7643 §2.5: null is the same as no value.
        AttrExp::Comparison(_, CompareOp::Eq, CompValue::Null) => values.is_empty(),
        AttrExp::Comparison(_, CompareOp::Ne, CompValue::Null) => !values.is_empty(),
        AttrExp::Comparison(_, CompareOp::Ne, wanted) => {
            !values.iter().any(|value| compares(value, &CompareOp::Eq, wanted, is_exact))
        }
        AttrExp::Comparison(_, operator, wanted) => {
            values.iter().any(|value| compares(value, operator, wanted, is_exact))
        }
    }
}

fn compares(value: &Value, operator: &CompareOp, wanted: &CompValue, is_exact: bool) -> bool {
    let flag = |wanted: bool| *operator == CompareOp::Eq && body::boolean(value) == Some(wanted);
    match (value, wanted) {
        (_, CompValue::True) => flag(true),
        (_, CompValue::False) => flag(false),
        (Value::Bool(value), CompValue::Str(wanted)) => {
            *operator == CompareOp::Eq && wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" })
        }
        (Value::Number(value), CompValue::Number(wanted)) => {
            value.as_f64().zip(wanted.as_f64()).is_some_and(|(value, wanted)| ordered(&value, operator, &wanted))
        }
        (Value::String(value), CompValue::Str(wanted)) => compares_text(value, operator, wanted, is_exact),
        _ => false,
    }
}

fn compares_text(value: &str, operator: &CompareOp, wanted: &str, is_exact: bool) -> bool {
    let (value, wanted): (Cow<'_, str>, Cow<'_, str>) = if is_exact {
        (value.into(), wanted.into())
    } else {
        (value.to_lowercase().into(), wanted.to_lowercase().into())
    };
    match operator {
        CompareOp::Co => value.contains(&*wanted),
        CompareOp::Sw => value.starts_with(&*wanted),
        CompareOp::Ew => value.ends_with(&*wanted),
        CompareOp::Eq | CompareOp::Ne | CompareOp::Gt | CompareOp::Lt | CompareOp::Ge | CompareOp::Le => {
            // Times are compared as moments (RFC 7644 §3.4.2.2): the same moment has many spellings.
            match (Moment::parse(&value.to_uppercase()), Moment::parse(&wanted.to_uppercase())) {
                (Some(value), Some(wanted)) => ordered(&value, operator, &wanted),
                _ => ordered(&value, operator, &wanted),
            }
        }
    }
}

fn ordered<T: PartialOrd>(value: &T, operator: &CompareOp, wanted: &T) -> bool {
    match operator {
        CompareOp::Eq => value == wanted,
        CompareOp::Ne => value != wanted,
        CompareOp::Gt => value > wanted,
        CompareOp::Lt => value < wanted,
        CompareOp::Ge => value >= wanted,
        CompareOp::Le => value <= wanted,
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => false,
    }
}

/// The text that a resource's attribute must equal for the filter to hold at all, where it says so plainly: what an index
/// can answer. Of a list it is the `value` that one of its elements must have.
pub(super) fn demands<'a>(kind: Kind, filter: &'a Filter, attribute: &str) -> Option<&'a str> {
    match filter {
        Filter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(wanted)))
            if is_core(kind, path, attribute)
                && path
                    .sub_attr
                    .as_deref()
                    .is_none_or(|part| part.eq_ignore_ascii_case("value") && is_listed(kind, attribute)) =>
        {
            Some(wanted)
        }
        Filter::ValuePath(path) if is_core(kind, &path.attr, attribute) && is_listed(kind, attribute) => {
            element_demands(&path.filter)
        }
        Filter::And(all) => all.iter().find_map(|inner| demands(kind, inner, attribute)),
        Filter::Attr(_) | Filter::ValuePath(_) | Filter::Not(_) | Filter::Or(_) => None,
    }
}

/// The `value` that an element must have for the filter in brackets to hold.
fn element_demands(filter: &ValFilter) -> Option<&str> {
    match filter {
        ValFilter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(wanted)))
            if path.name.eq_ignore_ascii_case("value") && path.sub_attr.is_none() =>
        {
            Some(wanted)
        }
        ValFilter::And(all) => all.iter().find_map(element_demands),
        ValFilter::Attr(_) | ValFilter::Not(_) | ValFilter::Or(_) => None,
    }
}

fn is_core(kind: Kind, path: &AttrPath, attribute: &str) -> bool {
    path.name.eq_ignore_ascii_case(attribute)
        && path.uri.as_deref().is_none_or(|urn| urn.eq_ignore_ascii_case(kind.urn()))
}

fn is_listed(kind: Kind, attribute: &str) -> bool {
    schema::find(kind.attributes(None), attribute).is_some_and(|known| known.is_list)
}

/// Whether a filter looks at an attribute anywhere.
pub(super) fn mentions(filter: &Filter, attribute: &str) -> bool {
    match filter {
        Filter::Attr(expression) => path_of(expression).name.eq_ignore_ascii_case(attribute),
        Filter::ValuePath(path) => path.attr.name.eq_ignore_ascii_case(attribute),
        Filter::Not(inner) => mentions(inner, attribute),
        Filter::And(all) | Filter::Or(all) => all.iter().any(|inner| mentions(inner, attribute)),
    }
}
