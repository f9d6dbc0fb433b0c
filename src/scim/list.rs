//! Lists: filter, order, page (RFC 7644 §3.4.2), by query or by a posted search.

use scim_v2::filter::Filter;
use serde_json::{Map, Value, json};

use super::attributes::Shown;
use super::body;
use super::filter;
use super::problem::Problem;
use super::schema::Kind;
use super::{Reply, Request};

/// How many resources a page has where the request does not say.
const COUNT_DEFAULT: usize = 100;
/// The most resources a page has.
pub(super) const COUNT_MAX: usize = 1_000;

/// What is listed.
pub(super) struct Query {
    pub filter: Option<Filter>,
    /// From 1.
    start: usize,
    count: usize,
    pub shown: Shown,
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
        Ok(Query {
            filter: value_of(request, "filter").map(|text| filter::parse(kind, text)).transpose()?,
            start: start(number("startIndex")?),
            count: count(number("count")?),
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
            Some(Value::Array(names)) => Some(names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")),
            _ => None,
        };
        let filter = match body::value_of(body, "filter") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(filter::parse(kind, text)?),
            Some(_) => return Err(Problem::filter("the filter is not text")),
        };
        Ok(Query {
            filter,
            start: start(number("startIndex")?),
            count: count(number("count")?),
            shown: Shown::new(kind, names("attributes").as_deref(), names("excludedAttributes").as_deref()),
        })
    }

    /// The reply that lists what was found; `resource` is asked only for what is on the page.
    pub(super) fn reply<T>(&self, found: &[T], resource: impl Fn(&T) -> Map<String, Value>) -> Reply {
        let page = found.iter().skip(self.start - 1).take(self.count);
        let resources: Vec<Value> = page.map(|one| Value::Object(self.shown.of(resource(one)))).collect();
        listing(found.len(), self.start, resources)
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
    Reply { status: 200, etag: None, location: None, body: Some(body) }
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
