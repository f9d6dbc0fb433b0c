//! The directory as it was known at a moment, for explanations of what somebody could read then.
//!
//! When a person, an alias, an account or a group changes or goes, how it was is kept with when that ended. Ada was in
//! `ops-team` until the sync of noon; asked about ten o'clock, the group is taken as it was until noon, and of its members
//! those that a sync had seen by ten.
//!
//! What is not known stays out: how a person was before this was kept, and who was in which provisioned group, which decides
//! who may use the assistant and not what a page's readers are.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::change::{Count, Turns};
use super::held::Held;
use super::kept::{Crawled, CrawledKey, Provisioned, ProvisionedKey};
use super::source::{By, Memberships, Trace};
use super::{Directory, Error, Person, sources};
use crate::acl::Principal;
use crate::names::{GroupId, SourceId, UserId, UserName};
use crate::store::{Batch, Changes, Ended, Key, Unsettled, json_record};

/// What a record of the past is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PastKey {
    Provisioned(ProvisionedKey),
    Crawled(CrawledKey),
}

/// A record as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Past {
    Provisioned(Provisioned),
    Crawled(Crawled),
}

json_record!(Past, 1);

impl Key for PastKey {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            PastKey::Provisioned(key) => {
                out.push(b'p');
                key.write(out);
            }
            PastKey::Crawled(key) => {
                out.push(b'c');
                key.write(out);
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<PastKey> {
        match bytes.split_first()? {
            (b'p', rest) => Some(PastKey::Provisioned(ProvisionedKey::read(rest)?)),
            (b'c', rest) => Some(PastKey::Crawled(CrawledKey::read(rest)?)),
            _ => None,
        }
    }
}

/// The directory as it was known at a moment. It answers questions and grants nothing: no principals come out of it.
pub struct Then {
    held: Held,
}

impl Then {
    /// The person who had this user name then.
    pub fn person_named(&self, name: &UserName) -> Option<Arc<Person>> {
        self.held.named(name).cloned()
    }

    /// A person as they were then.
    pub fn person(&self, id: &UserId) -> Option<Arc<Person>> {
        self.held.people.get(id).cloned()
    }

    /// What tied a person to a source then.
    pub fn trace(&self, id: &UserId, source: &SourceId) -> Option<Trace> {
        self.held.trace(id, source)
    }

    /// The name of an account or a group then.
    pub fn name_of(&self, principal: &Principal) -> Option<String> {
        self.held.name_of(principal)
    }
}

/// How the directory was at moments that were asked for lately: two people are compared at one moment, page after page, and each
/// time would take as long as a start.
#[derive(Default)]
pub(super) struct Thens(Mutex<VecDeque<(i64, Count, Arc<Then>)>>);

/// Moments that are kept at hand. Each is as large as the directory itself.
const THENS_MAX: usize = 2;

/// Times that the past is read beside changes, before it takes a turn of its own.
const BESIDE_MAX: usize = 3;

impl Thens {
    fn of(&self, at_ms: i64, changing: &Turns) -> Option<Arc<Then>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A change may have ended what was so at the moment, and is told by another record then: what is kept is never older.
        let is_it = |(moment, count, _): &&(i64, Count, Arc<Then>)| *moment == at_ms && changing.is_still(*count);
        kept.iter().find(is_it).map(|(_, _, then)| Arc::clone(then))
    }

    fn keep(&self, at_ms: i64, count: Count, then: &Arc<Then>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(moment, _, _)| *moment != at_ms);
        kept.truncate(THENS_MAX - 1);
        kept.push_front((at_ms, count, Arc::clone(then)));
    }
}

impl Directory {
    /// The directory as it was known at a moment, milliseconds since the Unix epoch. It is put together from everything that is
    /// kept, which takes as long as a start; so it is read beside changes, which do not wait for it, and kept for the next
    /// question about the same moment.
    pub fn then(&self, at_ms: i64) -> Result<Arc<Then>, Error> {
        if let Some(then) = self.thens.of(at_ms, &self.changing) {
            return Ok(then);
        }
        for _ in 0..BESIDE_MAX {
            let count = self.changing.count();
            let then = self.read_then(at_ms);
            // Half of a change may have been read, and looks like damage then: it is read again.
            if self.changing.is_still(count) {
                let then = Arc::new(then?);
                self.thens.keep(at_ms, count, &then);
                return Ok(then);
            }
        }
        let _changing = self.changing();
        Ok(Arc::new(self.read_then(at_ms)?))
    }

    fn read_then(&self, at_ms: i64) -> Result<Then, Error> {
        let bytes = |key: &PastKey| {
            let mut bytes = Vec::new();
            key.write(&mut bytes);
            bytes
        };
        let mut rows: BTreeMap<Vec<u8>, (PastKey, Past)> = BTreeMap::new();
        for row in self.provisioned.all() {
            let (key, record) = row?;
            let key = PastKey::Provisioned(key);
            rows.insert(bytes(&key), (key, Past::Provisioned(record)));
        }
        for row in self.crawled.all() {
            let (key, record) = row?;
            let key = PastKey::Crawled(key);
            rows.insert(bytes(&key), (key, Past::Crawled(record)));
        }
        let mut found: HashSet<Vec<u8>> = HashSet::new();
        for row in self.past.all() {
            let (Ended { key, at_ms: until_ms }, record) = row?;
            let bytes = bytes(&key);
            // Of what ended after the moment, the first to end was so at the moment.
            if i64::try_from(until_ms).unwrap_or(i64::MAX) > at_ms && found.insert(bytes.clone()) {
                rows.insert(bytes, (key, record));
            }
        }
        let is_by = |by: &By| by.is_none_or(|by| by.began_ms <= at_ms);
        let (mut provisioned, mut crawled) = (Vec::new(), Vec::new());
        for (key, record) in rows.into_values() {
            match (key, record) {
                (PastKey::Provisioned(key), Past::Provisioned(record)) => {
                    let was_so = match &record {
                        Provisioned::Person(person) => person.changed_ms <= at_ms,
                        Provisioned::Alias(alias) => alias.set_ms <= at_ms,
                        Provisioned::Group(_) | Provisioned::Membership => true,
                    };
                    if was_so {
                        provisioned.push(Ok((key, record)));
                    }
                }
                (PastKey::Crawled(key), Past::Crawled(Crawled::Account(account))) if is_by(&account.by) => {
                    crawled.push(Ok((key, Crawled::Account(account))));
                }
                (PastKey::Crawled(key), Past::Crawled(Crawled::Group(mut group))) => {
                    let keep = |keys: &mut Vec<Box<str>>, by: &mut Vec<By>| {
                        by.resize(keys.len(), None);
                        let both = std::mem::take(keys).into_iter().zip(std::mem::take(by));
                        (*keys, *by) = both.filter(|(_, by)| is_by(by)).unzip();
                    };
                    let Memberships { members, groups } = &mut group.by;
                    keep(&mut group.what.members, members);
                    keep(&mut group.what.groups, groups);
                    crawled.push(Ok((key, Crawled::Group(group))));
                }
                _ => {}
            }
        }
        let mut held = Held::read(provisioned.into_iter())?;
        held.sources = sources(crawled.into_iter())?;
        held.email_sources = self.held().email_sources.clone();
        Ok(Then { held })
    }

    /// When a group of a source, as it was seen last, ended: milliseconds since the Unix epoch; `None` where nothing is kept of it.
    pub fn group_ended_ms(&self, group: &GroupId) -> Result<Option<i64>, Error> {
        let GroupId::Of(source, key) = group else { return Ok(None) };
        let key = PastKey::Crawled(CrawledKey::Group(source.clone(), key.clone()));
        let last = self.past.under(&Ended::prefix(&key)).next_back().transpose()?;
        Ok(last.map(|(ended, _)| i64::try_from(ended.at_ms).unwrap_or(i64::MAX)))
    }

    /// Forgets how things were that ended before a moment, milliseconds since the Unix epoch.
    pub fn forget_past(&self, before_ms: i64) -> Result<(), Error> {
        let _changing = self.changing();
        let mut batch = Batch::new();
        for key in self.past.keys_under(&[]) {
            let key = key?;
            if key.at_ms < u64::try_from(before_ms).unwrap_or(0) {
                batch.remove(&key);
            }
        }
        Ok(self.past.apply(batch)?)
    }

    /// Writes changes, with how what they change was until now.
    pub(super) fn keep(
        &self,
        changes: Batch<ProvisionedKey, Provisioned>,
        was: impl IntoIterator<Item = (ProvisionedKey, Provisioned)>,
        until_ms: i64,
    ) -> Result<Unsettled, Error> {
        let mut past = Batch::new();
        for (key, was) in was {
            let ended = Ended::new(PastKey::Provisioned(key), until_ms);
            // Of several changes in one millisecond, how it was before the first of them is what it was until then.
            if self.past.get(&ended)?.is_none() {
                past.put(&ended, &Past::Provisioned(was));
            }
        }
        let mut all = Changes::new();
        all.add(&self.provisioned, changes);
        all.add(&self.past, past);
        Ok(self.store.write(all)?)
    }
}
