//! Bulk (RFC 7644 §3.7): many changes in one request, each with its own status.
//!
//! An operation may name what another one makes by `bulkId:X`, also before that other stands in the list, and also in a circle:
//! so the order is worked out first ([`order`]), in which each comes after those it names. Where that is impossible, it is made
//! without the names that are not known yet, and completed at the end; what cannot be completed is taken back.
//!
//! Each operation is an ordinary request: when it is told as done it is on disk, and what follows from it (sessions that end)
//! has been done, before the next one begins.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::schema::Kind;
use super::{Follow, Reply, Request, body, route};
use crate::clock::Moment;
use crate::directory::Directory;

/// The most operations that one bulk may have.
pub(super) const OPERATIONS_MAX: usize = 1_000;

/// What begins a reference to what another operation makes.
const REFERENCE: &str = "bulkId:";

/// One operation, as it was sent.
#[derive(Debug, Default)]
struct Operation {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Value,
    /// The ids that it refers to.
    references: BTreeSet<String>,
    /// What is wrong with it already.
    wrong: Option<String>,
}

/// What became of one operation.
#[derive(Debug)]
struct Outcome {
    reply: Reply,
    /// The path of the resource below `/scim/v2`, where it is known.
    place: Option<String>,
}

/// A bulk that is at work.
struct Job<'a, 'f> {
    directory: &'a Directory,
    request: &'a Request<'a>,
    now: Moment,
    follow: &'a mut Follow<'f>,
    operations: Vec<Operation>,
    /// Which operation makes what a bulk id names.
    makers: BTreeMap<String, usize>,
    outcomes: BTreeMap<usize, Outcome>,
}

/// Answers a bulk request.
pub(super) fn answer(
    directory: &Directory,
    request: &Request<'_>,
    now: Moment,
    follow: &mut Follow<'_>,
) -> Result<Reply, Problem> {
    if request.method != "POST" {
        return Err(Problem::new(405, "a bulk is posted"));
    }
    let mut body = body::read(request.body)?;
    let errors_max = errors_max(body::take(&mut body, "failOnErrors"))?;
    let Some(Value::Array(sent)) = body::take(&mut body, "Operations") else {
        return Err(Problem::syntax("Operations is not a list"));
    };
    if sent.len() > OPERATIONS_MAX {
        return Err(Problem::new(413, format!("a bulk has at most {OPERATIONS_MAX} operations; send several")));
    }
    let mut operations: Vec<Operation> = sent.into_iter().map(Operation::read).collect();
    let makers = makers(&mut operations);
    let mut job = Job { directory, request, now, follow, operations, makers, outcomes: BTreeMap::new() };
    job.run(errors_max);
    Ok(job.reply())
}

/// How many errors end the bulk; RFC 7644 §3.7: without `failOnErrors` it goes on whatever fails.
fn errors_max(sent: Option<Value>) -> Result<usize, Problem> {
    match sent {
        None | Some(Value::Null) => Ok(usize::MAX),
        Some(value) => value
            .as_u64()
            .and_then(|most| usize::try_from(most).ok())
            .filter(|most| *most > 0)
            .ok_or_else(|| Problem::value("failOnErrors is a number from 1 on")),
    }
}

/// The operations that make what bulk ids name. A second one of the same id is wrong: which is meant could be anybody's guess.
fn makers(operations: &mut [Operation]) -> BTreeMap<String, usize> {
    let mut makers = BTreeMap::new();
    for (at, operation) in operations.iter_mut().enumerate().filter(|(_, operation)| operation.method == "POST") {
        match operation.bulk_id.clone() {
            // RFC 7644 §3.7: "REQUIRED when 'method' is 'POST'".
            None => operation.complain("an operation that makes something needs a bulkId"),
            Some(id) if makers.contains_key(&id) => operation.complain(&format!("the bulkId {id} is there twice")),
            Some(id) => drop(makers.insert(id, at)),
        }
    }
    makers
}

impl Operation {
    fn read(sent: Value) -> Operation {
        let Value::Object(mut sent) = sent else {
            return Operation { wrong: Some("an operation is not an object".to_owned()), ..Operation::default() };
        };
        let mut operation = Operation::default();
        let mut text = |name: &str| match body::take(&mut sent, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("{name} is not text")),
        };
        match (text("method"), text("path"), text("bulkId"), text("version")) {
            (Ok(method), Ok(path), Ok(bulk_id), Ok(version)) => {
                operation.method = method.unwrap_or_default().to_uppercase();
                operation.path = path.unwrap_or_default();
                (operation.bulk_id, operation.version) = (bulk_id, version);
            }
            (Err(wrong), ..) | (_, Err(wrong), ..) | (_, _, Err(wrong), _) | (.., Err(wrong)) => {
                operation.complain(&wrong);
            }
        }
        operation.data = body::take(&mut sent, "data").unwrap_or(Value::Null);
        if !["POST", "PUT", "PATCH", "DELETE"].contains(&operation.method.as_str()) {
            operation.complain("method is one of POST, PUT, PATCH and DELETE");
        }
        let is_with_data = operation.method != "DELETE";
        if is_with_data && !operation.data.is_object() {
            operation.complain("data is not an object");
        }
        if operation.kind().is_none() {
            operation.complain("path is /Users or /Groups, with the id of what is there already");
        }
        find(&operation.data, &mut operation.references);
        operation
            .references
            .extend(operation.path.split('/').filter_map(|step| step.strip_prefix(REFERENCE)).map(str::to_owned));
        operation
    }

    /// Keeps what is wrong with it; of several things the first.
    fn complain(&mut self, what: &str) {
        self.wrong.get_or_insert_with(|| what.to_owned());
    }

    /// The kind of resource that it is about; `None` where its path is none of a bulk's (RFC 7644 §3.7).
    fn kind(&self) -> Option<Kind> {
        let steps: Vec<&str> = self.path.trim_matches('/').split('/').collect();
        let (endpoint, has_id) = match steps.as_slice() {
            [endpoint] => (*endpoint, false),
            [endpoint, id] if !id.is_empty() && !id.starts_with('.') => (*endpoint, true),
            _ => return None,
        };
        let kind = [Kind::User, Kind::Group].into_iter().find(|kind| kind.endpoint() == endpoint)?;
        (has_id == (self.method != "POST")).then_some(kind)
    }
}

/// The ids that a value refers to.
fn find(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => out.extend(text.strip_prefix(REFERENCE).map(str::to_owned)),
        Value::Array(elements) => elements.iter().for_each(|element| find(element, out)),
        Value::Object(parts) => parts.values().for_each(|part| find(part, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// An order in which each operation comes after those that it refers to, and otherwise as they were sent; and the references
/// that it cannot heed, because they lead round in a circle. `references` has, for each operation, the operations it refers to.
fn order(references: &[Vec<usize>]) -> (Vec<usize>, BTreeSet<(usize, usize)>) {
    let (mut done, mut late) = (Vec::new(), BTreeSet::new());
    let mut is_begun = vec![false; references.len()];
    let mut is_done = vec![false; references.len()];
    for first in 0..references.len() {
        // By hand and not by recursion: a chain may be as long as the bulk.
        let mut way: Vec<(usize, usize)> = if is_begun[first] { Vec::new() } else { vec![(first, 0)] };
        while let Some((at, next)) = way.pop() {
            is_begun[at] = true;
            match references[at].get(next) {
                None => {
                    is_done[at] = true;
                    done.push(at);
                }
                Some(to) => {
                    way.push((at, next + 1));
                    if !is_begun[*to] {
                        way.push((*to, 0));
                    } else if !is_done[*to] {
                        late.insert((at, *to));
                    }
                }
            }
        }
    }
    (done, late)
}

/// A value in which references have become ids.
fn resolved(value: &Value, ids: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => {
            let id = text.strip_prefix(REFERENCE).and_then(|reference| ids.get(reference));
            Value::String(id.unwrap_or(text).clone())
        }
        Value::Array(elements) => elements.iter().map(|element| resolved(element, ids)).collect(),
        Value::Object(parts) => {
            Value::Object(parts.iter().map(|(name, part)| (name.clone(), resolved(part, ids))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A value without what refers to one of these, the smallest whole that does: a member, a manager. `None` where that is all.
fn without(value: &Value, late: &BTreeSet<&str>) -> Option<Value> {
    let is_late = |value: &Value| {
        value.as_str().and_then(|text| text.strip_prefix(REFERENCE)).is_some_and(|reference| late.contains(reference))
    };
    match value {
        Value::String(_) if is_late(value) => None,
        Value::Object(parts) if parts.values().any(is_late) => None,
        Value::Object(parts) => Some(Value::Object(
            parts.iter().filter_map(|(name, part)| Some((name.clone(), without(part, late)?))).collect(),
        )),
        Value::Array(elements) => Some(elements.iter().filter_map(|element| without(element, late)).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(value.clone()),
    }
}

impl Job<'_, '_> {
    fn run(&mut self, errors_max: usize) {
        let references: Vec<Vec<usize>> = self
            .operations
            .iter()
            .map(|operation| operation.references.iter().filter_map(|id| self.makers.get(id).copied()).collect())
            .collect();
        let (order, late) = order(&references);
        for at in order {
            let errors = self.outcomes.values().filter(|outcome| outcome.reply.status >= 400).count();
            if errors >= errors_max {
                break;
            }
            let late: BTreeSet<usize> = late.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to).collect();
            let outcome = self.operate(at, &late);
            self.outcomes.insert(at, outcome);
        }
        for at in late.iter().map(|(from, _)| *from).collect::<BTreeSet<usize>>() {
            self.complete(at);
        }
        self.take_back_after(&references);
    }

    /// Does one operation, without what it says of those that come late.
    fn operate(&mut self, at: usize, late: &BTreeSet<usize>) -> Outcome {
        let operation = &self.operations[at];
        if let Some(wrong) = &operation.wrong {
            return Outcome { reply: Problem::syntax(wrong.clone()).reply(), place: None };
        }
        let late: BTreeSet<&str> = operation
            .references
            .iter()
            .filter(|id| self.makers.get(*id).is_some_and(|maker| late.contains(maker)))
            .map(String::as_str)
            .collect();
        let ids = self.ids();
        let missing = operation.references.iter().find(|id| !ids.contains_key(*id) && !late.contains(id.as_str()));
        if let Some(missing) = missing {
            let problem = Problem::value(format!("bulkId:{missing} was not made, so nothing can refer to it"));
            return Outcome { reply: problem.reply(), place: None };
        }
        if !late.is_empty() && operation.method != "POST" {
            // RFC 7644 §3.7.1: only what is made can be a part of a circle.
            let problem = Problem::new(409, "it refers to what is made only after it");
            return Outcome { reply: problem.reply(), place: None };
        }
        let parts = operation.data.as_object().into_iter().flatten();
        let data = parts.filter_map(|(name, part)| Some((name.clone(), without(part, &late)?)));
        let data = resolved(&Value::Object(data.collect()), &ids);
        let path: Vec<String> = operation.path.split('/').map(|step| plain(step, &ids)).collect();
        let (method, version) = (operation.method.clone(), operation.version.clone());
        self.send(&method, &path.join("/"), &data, version.as_deref())
    }

    /// Sends one request to ourselves.
    fn send(&mut self, method: &str, path: &str, data: &Value, version: Option<&str>) -> Outcome {
        let body = if method == "DELETE" { Vec::new() } else { data.to_string().into_bytes() };
        let request = Request {
            method,
            path,
            query: &[],
            if_match: version,
            if_none_match: None,
            etags: self.request.etags,
            body: &body,
            base: self.request.base,
        };
        let reply = route::answer(self.directory, &request, self.now, self.follow).unwrap_or_else(Problem::reply);
        let made = reply.location.as_deref().and_then(|location| location.strip_prefix(self.request.base));
        let place =
            made.map(str::to_owned).or_else(|| (method != "POST").then(|| format!("/{}", path.trim_matches('/'))));
        Outcome { reply, place }
    }

    /// The ids of what was made, by the bulk ids that name them.
    fn ids(&self) -> BTreeMap<String, String> {
        let made = |at: &usize| {
            let outcome = self.outcomes.get(at).filter(|outcome| outcome.reply.status < 400)?;
            outcome.place.as_deref()?.rsplit('/').next()
        };
        self.makers.iter().filter_map(|(name, at)| Some((name.clone(), made(at)?.to_owned()))).collect()
    }

    /// Says of what was made the rest of what was sent, once all that it refers to is there.
    fn complete(&mut self, at: usize) {
        let ids = self.ids();
        let operation = &self.operations[at];
        let Some(place) =
            self.outcomes.get(&at).filter(|made| made.reply.status < 400).and_then(|made| made.place.clone())
        else {
            return;
        };
        let is_whole = operation.references.iter().all(|id| ids.contains_key(id));
        let whole = is_whole.then(|| resolved(&operation.data, &ids));
        let completed = whole.map(|data| self.send("PUT", &place, &data, None));
        match completed {
            Some(completed) if completed.reply.status < 400 => {
                if let Some(outcome) = self.outcomes.get_mut(&at) {
                    outcome.reply = Reply { status: 201, ..completed.reply };
                }
            }
            Some(_) | None => self.take_back(at),
        }
    }

    /// Takes back what was made, because what it refers to is not there. RFC 7644 §3.7.1: the service provider "MAY stop after
    /// a failed attempt and instead return HTTP status code 409 (Conflict)".
    fn take_back(&mut self, at: usize) {
        let Some(place) = self.outcomes.get(&at).and_then(|outcome| outcome.place.clone()) else { return };
        let (problem, place) = if self.operations[at].method == "POST" {
            let removed = self.send("DELETE", &place, &Value::Null, None).reply;
            let was_removed = removed.status < 400;
            let words =
                if was_removed { "it was taken back" } else { "it could not be taken back, and is there in part" };
            let left = (!was_removed).then_some(place);
            (Problem::new(409, format!("what it refers to could not be made; {words}")), left)
        } else {
            (Problem::new(409, "what it refers to could not be made, and is left out of it"), Some(place))
        };
        self.outcomes.insert(at, Outcome { reply: problem.reply(), place });
    }

    /// Takes back what refers to what was taken back, and so on.
    fn take_back_after(&mut self, references: &[Vec<usize>]) {
        loop {
            let is_done = |at: usize| self.outcomes.get(&at).is_some_and(|outcome| outcome.reply.status < 400);
            let broken =
                (0..references.len()).find(|at| is_done(*at) && references[*at].iter().any(|to| !is_done(*to)));
            match broken {
                Some(at) => self.take_back(at),
                None => return,
            }
        }
    }

    /// The reply: each operation that was done, in the order they were sent in.
    fn reply(&self) -> Reply {
        let told: Vec<Value> =
            self.outcomes.iter().map(|(at, outcome)| self.told(&self.operations[*at], outcome)).collect();
        let operations = told.len();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": told,
        });
        Reply { operations: operations.max(1), ..Reply::of(200, Some(body)) }
    }

    fn told(&self, operation: &Operation, outcome: &Outcome) -> Value {
        let mut told = Map::new();
        told.insert("method".to_owned(), operation.method.clone().into());
        if let Some(id) = &operation.bulk_id {
            told.insert("bulkId".to_owned(), id.clone().into());
        }
        if let Some(place) = &outcome.place {
            told.insert("location".to_owned(), format!("{}{place}", self.request.base).into());
        }
        if let Some(etag) = &outcome.reply.etag {
            told.insert("version".to_owned(), etag.clone().into());
        }
        told.insert("status".to_owned(), outcome.reply.status.to_string().into());
        // RFC 7644 §3.7: with a status other than a 200-series one the response body must be included.
        if outcome.reply.status >= 400 {
            told.insert("response".to_owned(), outcome.reply.body.clone().unwrap_or(Value::Null));
        }
        Value::Object(told)
    }
}

/// A step of a path, in which a reference has become an id.
fn plain(step: &str, ids: &BTreeMap<String, String>) -> String {
    step.strip_prefix(REFERENCE).and_then(|reference| ids.get(reference)).cloned().unwrap_or_else(|| step.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_referred_to_comes_first_and_everything_else_stays_as_it_was_sent() {
        assert_eq!(order(&[vec![], vec![], vec![]]).0, [0, 1, 2]);
        assert_eq!(order(&[vec![2], vec![], vec![]]).0, [2, 0, 1]);
        assert_eq!(order(&[vec![1], vec![2], vec![]]).0, [2, 1, 0]);
    }

    #[test]
    fn a_circle_is_broken_where_it_closes() {
        let (order, late) = order(&[vec![1], vec![0], vec![2]]);

        assert_eq!(order, [1, 0, 2]);
        assert_eq!(late, BTreeSet::from([(1, 0), (2, 2)]));
    }

    #[test]
    fn a_chain_as_long_as_a_bulk_is_no_deep_call() {
        let chain: Vec<Vec<usize>> =
            (0..100_000).map(|at| if at + 1 < 100_000 { vec![at + 1] } else { Vec::new() }).collect();

        assert_eq!(order(&chain).0.first(), Some(&99_999));
    }

    #[test]
    fn the_member_that_comes_late_is_left_out_and_no_other() {
        let data =
            json!({ "displayName": "A", "members": [{ "value": "bulkId:b", "type": "Group" }, { "value": "x" }] });

        let left = without(&data, &BTreeSet::from(["b"])).unwrap();

        assert_eq!(left, json!({ "displayName": "A", "members": [{ "value": "x" }] }));
    }
}
