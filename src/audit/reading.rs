//! Reading the log: one leaf, the newest that fit, and what is provable of them.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tlog_tiles::{prove_record, prove_tree, tree_hash};

use super::climb::leaf_hash;
use super::files::Handles;
use super::log::Log;
use super::proof::{Extension, Proof};
use super::{Error, Verified};
use crate::clock::Moment;
use crate::names::UserId;

/// Leaves looked at for one part of a search; where it ends before the log does, it says where to go on.
const LOOKED_AT_MAX: u64 = 200_000;
/// Leaves read at once.
const AT_ONCE: u64 = 2_048;
/// Fields whose values are digests and commitments: no object is found in them.
const DIGESTS: [&str; 7] = ["actor", "subject", "previous", "question", "inputs", "query", "visible"];

/// Said of a leaf whose handles were changed.
const NOT_THEIRS: &str = "who stands beside it is not who did it or whom it was done to";

/// A leaf as it was read again.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Its number.
    pub index: u64,
    /// The line as it is exported, without its end: what is hashed.
    pub line: String,
    /// The line, read.
    pub fields: Map<String, Value>,
    /// Who did it; `None` where nobody did, or who was erased.
    pub actor: Option<UserId>,
    /// Who it was done to.
    pub subject: Option<UserId>,
}

/// Which leaves are wanted. What is empty narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Names of events.
    pub events: Vec<String>,
    /// Who did it, or whom it was done to.
    pub person: Option<UserId>,
    /// Who did it.
    pub actor: Option<UserId>,
    /// An id that stands in it: of a document (also by a passage of it), a conversation, a message, a source, a group.
    pub object: String,
    /// From this moment on.
    pub from: Option<Moment>,
    /// Before this moment.
    pub until: Option<Moment>,
}

/// A part of what was found, the newest first.
#[derive(Debug, Clone)]
pub struct Found {
    /// The leaves.
    pub leaves: Vec<Leaf>,
    /// The leaf before which the search goes on; `None` where it has come to its end.
    pub next: Option<u64>,
}

impl Leaf {
    fn read(index: u64, json: &[u8]) -> Result<Leaf, Error> {
        let unread = || Error::broken(index, "it does not read");
        let line = String::from_utf8(json.to_vec()).map_err(|_| unread())?;
        let fields = serde_json::from_str(&line).map_err(|_| unread())?;
        Ok(Leaf { index, line, fields, actor: None, subject: None })
    }

    /// Its RFC 6962 hash.
    pub fn hash(&self) -> [u8; 32] {
        leaf_hash(self.line.as_bytes())
    }

    /// The name of its event.
    pub fn event(&self) -> &str {
        self.text("event")
    }

    /// When it happened, RFC 3339.
    pub fn at(&self) -> &str {
        self.text("at")
    }

    /// A field that is text; empty where it has none of this name.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// The texts of a field that is a list.
    pub fn texts(&self, field: &str) -> impl Iterator<Item = &str> {
        self.fields.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    fn has(&self, object: &str) -> bool {
        let is_it = |text: &str| text.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'));
        self.fields.iter().filter(|(name, _)| !DIGESTS.contains(&name.as_str())).any(|(_, value)| match value {
            Value::String(text) => is_it(text),
            Value::Array(all) => all.iter().filter_map(Value::as_str).any(is_it),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        })
    }
}

/// What can be told of a line before it is read as JSON, which is most of the work.
struct Sieve {
    events: Vec<String>,
    /// Handles of the person and of the actor; `Some(None)` is somebody who stands in no leaf.
    person: Option<Option<[u8; 16]>>,
    actor: Option<Option<[u8; 16]>>,
    object: String,
}

impl Sieve {
    fn lets_through(&self, handles: &Handles, json: &[u8]) -> bool {
        let is = |wanted: Option<[u8; 16]>, handle: Option<[u8; 16]>| wanted.is_some() && wanted == handle;
        self.person.is_none_or(|person| handles.iter().any(|handle| is(person, *handle)))
            && self.actor.is_none_or(|actor| is(actor, handles[0]))
            && (self.events.is_empty() || self.events.iter().any(|event| has(json, event)))
            && (self.object.is_empty() || has(json, &self.object))
    }
}

impl Sieve {
    /// The leaf, where it fits.
    fn fitting(&self, filter: &Filter, leaf: u64, handles: &Handles, json: &[u8]) -> Result<Option<Leaf>, Error> {
        if !self.lets_through(handles, json) {
            return Ok(None);
        }
        let leaf = Leaf::read(leaf, json)?;
        let is_wanted = filter.events.is_empty() || filter.events.iter().any(|event| event == leaf.event());
        Ok((is_wanted && (filter.object.is_empty() || leaf.has(&filter.object))).then_some(leaf))
    }
}

fn has(json: &[u8], text: &str) -> bool {
    // Leaves are text; one that is not does not read later either.
    std::str::from_utf8(json).is_ok_and(|json| json.contains(text))
}

impl Log {
    /// One leaf; `None` where there is none of this number.
    pub fn leaf(&self, index: u64) -> Result<Option<Leaf>, Error> {
        if index >= self.size() {
            return Ok(None);
        }
        let mut found = None;
        self.between(index, index + 1, |leaf, handles, json| {
            found = Some((Leaf::read(leaf, json)?, handles));
            Ok(())
        })?;
        found.map(|(leaf, handles)| self.named(leaf, handles)).transpose()
    }

    /// The newest leaves that fit, at most `most`, before leaf `before` where given.
    pub fn search(&self, filter: &Filter, before: Option<u64>, most: usize) -> Result<Found, Error> {
        let size = self.size();
        let first = filter.from.map_or(Ok(0), |from| self.first_since(from, size))?;
        let last = filter.until.map_or(Ok(size), |until| self.first_since(until, size))?;
        let mut end = last.min(before.unwrap_or(u64::MAX));
        let stop = end.saturating_sub(LOOKED_AT_MAX).max(first);
        let sieve = self.sieve(filter)?;
        let mut leaves = Vec::new();
        while end > stop {
            let start = end.saturating_sub(AT_ONCE).max(stop);
            let mut part = Vec::new();
            self.between(start, end, |leaf, handles, json| {
                part.extend(sieve.fitting(filter, leaf, &handles, json)?.map(|leaf| (leaf, handles)));
                Ok(())
            })?;
            for (leaf, handles) in part.into_iter().rev() {
                if leaves.len() == most {
                    let next = leaves.last().map(|leaf: &Leaf| leaf.index);
                    return Ok(Found { leaves, next });
                }
                leaves.push(self.named(leaf, handles)?);
            }
            end = start;
        }
        Ok(Found { leaves, next: (end > first).then_some(end) })
    }

    /// Gives every leaf that fits, the oldest first, up to the end that the log has now.
    pub fn walk(&self, filter: &Filter, each: &mut dyn FnMut(Leaf) -> Result<(), Error>) -> Result<(), Error> {
        let size = self.size();
        let first = filter.from.map_or(Ok(0), |from| self.first_since(from, size))?;
        let last = filter.until.map_or(Ok(size), |until| self.first_since(until, size))?;
        let sieve = self.sieve(filter)?;
        self.between(first, last.max(first), |leaf, handles, json| {
            match sieve.fitting(filter, leaf, &handles, json)? {
                Some(leaf) => each(self.named(leaf, handles)?),
                None => Ok(()),
            }
        })
    }

    fn sieve(&self, filter: &Filter) -> Result<Sieve, Error> {
        let handle = |user: &Option<UserId>| {
            user.as_ref().map(|user| Ok::<_, Error>(self.people.known(user)?.map(|person| person.handle))).transpose()
        };
        // As it stands in the line: what JSON escapes is escaped.
        let written = |text: &str| {
            let whole = Value::from(text).to_string();
            whole[1..whole.len() - 1].to_owned()
        };
        let events = filter.events.iter().map(|event| format!("\"event\":\"{}\"", written(event)));
        Ok(Sieve {
            events: events.collect(),
            person: handle(&filter.person)?,
            actor: handle(&filter.actor)?,
            object: written(&filter.object),
        })
    }

    /// The first leaf that is not earlier than a moment; leaves never go back in time.
    fn first_since(&self, moment: Moment, size: u64) -> Result<u64, Error> {
        let (mut low, mut high) = (0, size);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut at = None;
            self.between(middle, middle + 1, |leaf, _, json| {
                at = Moment::parse(Leaf::read(leaf, json)?.at());
                Ok(())
            })?;
            let at = at.ok_or_else(|| Error::broken(middle, "its time does not read"))?;
            if at < moment { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    fn named(&self, mut leaf: Leaf, handles: Handles) -> Result<Leaf, Error> {
        leaf.actor = self.whose(&leaf, "actor", handles[0])?;
        leaf.subject = self.whose(&leaf, "subject", handles[1])?;
        Ok(leaf)
    }

    /// Whose a leaf is. The handle beside it is no part of what is signed, so the commitment in it has the last word.
    fn whose(&self, leaf: &Leaf, field: &str, handle: Option<[u8; 16]>) -> Result<Option<UserId>, Error> {
        let Some(user) = handle.map_or(Ok(None), |handle| self.people.user_of(&handle))? else { return Ok(None) };
        let Some(person) = self.people.known(&user)? else { return Ok(None) };
        let committed = person.commit(leaf.index, field, &user.to_string()).hash;
        if hex::encode(committed) != leaf.text(field) {
            return Err(Error::broken(leaf.index, NOT_THEIRS));
        }
        Ok(Some(user))
    }

    /// Proves that a leaf is in the tree of a new checkpoint; `None` where there is no such leaf.
    pub fn prove(&self, leaf: u64) -> Result<Option<Proof>, Error> {
        let checkpoint = self.checkpoint()?;
        if leaf >= checkpoint.size {
            return Ok(None);
        }
        let hashes = prove_record(checkpoint.size, leaf, &self.hashes).map_err(|_| self.unread_hashes(leaf))?;
        Ok(Some(Proof { leaf, hashes: hashes.into_iter().map(|hash| hash.0).collect(), checkpoint }))
    }

    /// Proves that the tree of a new checkpoint begins with its first `old` leaves; `None` where there are not so many.
    pub fn extension(&self, old: u64) -> Result<Option<Extension>, Error> {
        let checkpoint = self.checkpoint()?;
        if old > checkpoint.size {
            return Ok(None);
        }
        let old_root = tree_hash(old, &self.hashes).map_err(|_| self.unread_hashes(old))?.0;
        let hashes = match old {
            0 => Vec::new(),
            old => prove_tree(checkpoint.size, old, &self.hashes).map_err(|_| self.unread_hashes(old))?,
        };
        Ok(Some(Extension { old, old_root, hashes: hashes.into_iter().map(|hash| hash.0).collect(), checkpoint }))
    }

    fn unread_hashes(&self, leaf: u64) -> Error {
        Error::broken(leaf, "the tree's hashes do not read")
    }

    /// Reads every leaf from the disk again and checks it against a new checkpoint, and what stands beside it against it.
    pub fn check(&self) -> Result<Verified, Error> {
        let verified = self.export(&mut std::io::sink())?;
        let (people, erased) = (self.people.by_handle()?, self.people.erased()?);
        self.between(0, verified.size, |index, handles, json| {
            let leaf = Leaf::read(index, json)?;
            for (field, handle) in ["actor", "subject"].into_iter().zip(handles) {
                let fits = match handle {
                    None => leaf.text(field).is_empty(),
                    Some(handle) => match people.get(&handle) {
                        Some((user, person)) => {
                            hex::encode(person.commit(index, field, &user.to_string()).hash) == leaf.text(field)
                        }
                        None => erased.contains(&handle) && !leaf.text(field).is_empty(),
                    },
                };
                if !fits {
                    return Err(Error::broken(index, NOT_THEIRS));
                }
            }
            Ok(())
        })?;
        Ok(verified)
    }

    /// Everybody who stands in the log and was not erased.
    pub fn people(&self) -> Result<Vec<UserId>, Error> {
        let mut all: Vec<UserId> = self.people.by_handle()?.into_values().map(|(user, _)| user).collect();
        all.sort();
        Ok(all)
    }

    /// The last leaf that is about each person, among the newest that one search looks at; read once for all of them.
    pub fn last_leaves(&self) -> Result<HashMap<UserId, u64>, Error> {
        let size = self.size();
        let mut last: HashMap<[u8; 16], u64> = HashMap::new();
        self.between(size.saturating_sub(LOOKED_AT_MAX), size, |leaf, handles, _| {
            last.extend(handles.into_iter().flatten().map(|handle| (handle, leaf)));
            Ok(())
        })?;
        let mut of = HashMap::new();
        for (handle, leaf) in last {
            of.extend(self.people.user_of(&handle)?.map(|user| (user, leaf)));
        }
        Ok(of)
    }

    /// Destroys what tells which leaves are a person's. The leaves and every proof stay as they are. Not done by itself when
    /// somebody leaves: then an auditor may need it most.
    pub fn erase(&self, user: &UserId) -> Result<(), Error> {
        self.people.erase(user)
    }
}
