//! Lists: filter, order, page (RFC 7644 §3.4.2), by query or by a posted search.

use scim_v2::filter::Filter;
use serde_json::{Map, Value, json};

use super::attributes::Shown;
use super::body;
use super::filter;
use super::problem::Problem;
use super::schema::Kind;
use super::sort::Order;
use super::{Reply, Request};

/// How many resources a page has where the request does not say.
const COUNT_DEFAULT: usize = 100;
/// The most resources a page has.
pub(super) const COUNT_MAX: usize = 1_000;

/// What is listed of one kind of resource.
pub(super) struct Query {
    pub kind: Kind,
    pub filter: Option<Filter>,
    pub order: Option<Order>,
    pub page: Page,
    pub shown: Shown,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    /// From 1.
    pub start: usize,
    pub count: usize,
}

impl Query {
    /// From the query of a `GET`.
    pub(super) fn of_request(kind: Kind, request: &Request<'_>) -> Result<Query, Problem> {
        let number = |name: &str| match value_of(request, name) {
            None => Ok(None),
            Some(text) => {
                text.trim().parse::<i64>().map(Some).map_err(|_| Problem::value(format!("{name} is not a number")))
            }
        };
        let sort_by = value_of(request, "sortBy").filter(|by| !by.trim().is_empty());
        Ok(Query {
            kind,
            filter: value_of(request, "filter").map(|text| filter::parse(kind, text)).transpose()?,
            order: sort_by.map(|by| Order::parse(kind, by.trim(), value_of(request, "sortOrder"))).transpose()?,
            page: Page { start: start(number("startIndex")?), count: count(number("count")?) },
            shown: shown(kind, request),
        })
    }

    /// From the body of a `POST …/.search` (RFC 7644 §3.4.3).
    pub(super) fn of_search(kind: Kind, body: &Map<String, Value>) -> Result<Query, Problem> {
        let number = |name: &str| match body::value_of(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| Problem::value(format!("{name} is not a number"))),
        };
        let names = |name: &str| match body::value_of(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) => Ok(Some(name.clone())),
            Some(Value::Array(names)) if names.iter().all(Value::is_string) => {
                Ok(Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")))
            }
            Some(_) => Err(Problem::value(format!("{name} is not a list of names"))),
        };
        let text = |name: &str| match body::value_of(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(Problem::value(format!("{name} is not text"))),
        };
        let filter = text("filter").map_err(|_| Problem::filter("the filter is not text"))?;
        let (sort_by, sort_order) = (text("sortBy")?.filter(|by| !by.trim().is_empty()), text("sortOrder")?);
        Ok(Query {
            kind,
            filter: filter.map(|text| filter::parse(kind, text)).transpose()?,
            order: sort_by.map(|by| Order::parse(kind, by.trim(), sort_order)).transpose()?,
            page: Page { start: start(number("startIndex")?), count: count(number("count")?) },
            shown: Shown::new(kind, names("attributes")?.as_deref(), names("excludedAttributes")?.as_deref()),
        })
    }

    /// The text that an attribute of all that is wanted has, where the filter says so plainly.
    pub(super) fn demands(&self, attribute: &str) -> Option<&str> {
        self.filter.as_ref().and_then(|filter| filter::demands(self.kind, filter, attribute))
    }

    /// Whether nothing is left out and nothing is sorted, so that a page of the whole list is what is wanted.
    pub(super) fn is_plain(&self) -> bool {
        self.filter.is_none() && self.order.is_none()
    }
}

impl Page {
    /// The part of a list that stands on this page.
    pub(super) fn of<T>(self, found: &[T]) -> &[T] {
        let from = (self.start - 1).min(found.len());
        &found[from..found.len().min(from + self.count)]
    }
}

/// A list response.
pub(super) fn listing(total: usize, start: usize, resources: Vec<Value>) -> Reply {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    Reply::of(200, Some(body))
}

/// What a request wants to be shown of a resource.
pub(super) fn shown(kind: Kind, request: &Request<'_>) -> Shown {
    Shown::new(kind, value_of(request, "attributes"), value_of(request, "excludedAttributes"))
}

fn value_of<'a>(request: &Request<'a>, name: &str) -> Option<&'a str> {
    request.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// RFC 7644 §3.4.2.4: a value less than 1 is 1.
fn start(sent: Option<i64>) -> usize {
    sent.map_or(1, |sent| usize::try_from(sent).unwrap_or(1).max(1))
}

/// RFC 7644 §3.4.2.4: a negative value is 0.
fn count(sent: Option<i64>) -> usize {
    sent.map_or(COUNT_DEFAULT, |sent| usize::try_from(sent).unwrap_or(0).min(COUNT_MAX))
}
