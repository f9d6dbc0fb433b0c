//! What a run learns of permissions: it is kept as it comes, with the sync that first read it so, what it was before goes to the
//! past, and how much of it was otherwise is counted for the audit log.

use std::collections::{BTreeMap, BTreeSet};

use super::Learned;
use super::above::Told;
use super::kept::{Kept, Past};
use super::listed::Listed;
use super::permissions::{Grant, Key, Permission, Place};
use super::restriction::{Level, Subjects};
use crate::names::{SourceId, SyncId};
use crate::store::{self, Batch, Ended};

/// Changes that are kept together: a large source has more than should be in memory twice.
const TOGETHER_MAX: usize = 1_000;

/// What was learned, kept as it comes.
struct Learning<'a> {
    kept: &'a Kept,
    sync: SyncId,
    changes: Batch<Key, Permission>,
    past: Batch<Ended<Key>, Past>,
    count: usize,
    learned: Learned,
}

impl<'a> Learning<'a> {
    fn new(kept: &'a Kept, sync: SyncId) -> Learning<'a> {
        Learning { kept, sync, changes: Batch::new(), past: Batch::new(), count: 0, learned: Learned::default() }
    }

    fn put(&mut self, key: &Key, was: Option<&Permission>, now: &Permission) -> Result<(), store::Error> {
        if was == Some(now) {
            return Ok(());
        }
        self.changes.put(key, now);
        self.end(key, was);
        self.note(was, Some(now));
        self.counted()
    }

    fn remove(&mut self, key: &Key, was: &Permission) -> Result<(), store::Error> {
        self.changes.remove(key);
        self.end(key, Some(was));
        self.note(Some(was), None);
        self.counted()
    }

    /// Keeps how it was, with the sync that read it otherwise.
    fn end(&mut self, key: &Key, was: Option<&Permission>) {
        if let Some(was) = was {
            let ended = Ended::new(key.clone(), self.sync.began_ms);
            self.past.put(&ended, &Past { was: was.clone(), until: self.sync });
        }
    }

    /// Counts what of it is otherwise.
    fn note(&mut self, was: Option<&Permission>, now: Option<&Permission>) {
        let (was, now) = (was.and_then(Permission::place), now.and_then(Permission::place));
        if was.is_none() && now.is_none() {
            self.learned.grants += 1;
            return;
        }
        let level = |place: Option<&Place>| place.map_or(Level::Open, |place| place.level.clone());
        self.learned.places += u64::from(was.map(Place::stands) != now.map(Place::stands));
        self.learned.restrictions += u64::from(level(was) != level(now));
    }

    fn counted(&mut self) -> Result<(), store::Error> {
        self.count += 1;
        if self.count.is_multiple_of(TOGETHER_MAX) { self.keep() } else { Ok(()) }
    }

    fn keep(&mut self) -> Result<(), store::Error> {
        let changes = std::mem::take(&mut self.changes);
        self.kept.put_permissions(changes, std::mem::take(&mut self.past))
    }

    /// Keeps the rest, and tells what there was.
    fn all(mut self) -> Result<Learned, store::Error> {
        self.keep()?;
        Ok(self.learned)
    }
}

/// Keeps what a run has read of permissions, and counts what of it was kept otherwise. What did not change keeps the sync that
/// learned it. Each fact is true by itself: where the process ends in between, the next run learns the rest.
pub(super) fn learn(kept: &Kept, source: &SourceId, sync: SyncId, listed: &Listed) -> Result<Learned, store::Error> {
    let mut old: BTreeMap<Key, Permission> = kept.permissions(source)?;
    if let Some(only) = &listed.only {
        // Of other spaces nothing was read: what is kept of them stays as it is.
        let is_listed = |key: &str| only.contains(key) && listed.spaces.iter().any(|space| space.key == key);
        old.retain(|key, was| match (key, was) {
            (Key::Use(_), _) => true,
            (Key::Document(id), _) if listed.space_of.contains_key(id) || listed.told.contains_key(id) => true,
            (Key::Space(_, space), _) => is_listed(space),
            (_, Permission::Place(place)) => is_listed(&place.space),
            (_, Permission::Grant(_)) => false,
        });
    }
    let mut learning = Learning::new(kept, sync);
    let views = listed.spaces.iter().zip(&listed.views);
    let views = views.map(|(space, view)| (Key::Space(source.clone(), space.key.clone()), view));
    for (key, to) in [(Key::Use(source.clone()), &listed.may_use)].into_iter().chain(views) {
        let was = old.remove(&key);
        learning.put(&key, was.as_ref(), &grant(was.as_ref(), to.as_ref(), sync))?;
    }
    for (id, place) in &listed.space_of {
        let (Some(item), Some(space)) = (listed.items.get(id), listed.spaces.get(*place)) else { continue };
        let key = Key::Document(id.clone());
        let was = old.remove(&key);
        let now = Place {
            space: space.key.clone(),
            container: item.container.clone(),
            above: item.ancestors.clone(),
            placed: sync,
            level: item.level.clone(),
            learned: sync,
            missed: None,
            is_told: false,
        };
        learning.put(&key, was.as_ref(), &Permission::Place(since(was.as_ref(), now)))?;
    }
    for (id, Told { space, above, level }) in &listed.told {
        let Some(space) = listed.spaces.get(*space) else { continue };
        let key = Key::Document(id.clone());
        let was = old.remove(&key);
        let now = Place {
            space: space.key.clone(),
            container: None,
            above: above.clone(),
            placed: sync,
            level: level.clone(),
            learned: sync,
            missed: Some(sync),
            is_told: true,
        };
        learning.put(&key, was.as_ref(), &Permission::Place(since(was.as_ref(), now)))?;
    }
    // What was not listed is unknown to whatever stands below it. Its own last facts stay while the document is kept, and
    // with them the grant of its space.
    let mut spaces = BTreeSet::new();
    for (key, was) in old.iter().rev() {
        match (key, was) {
            (Key::Document(id), Permission::Place(was)) if kept.fact(id)?.is_some() => {
                spaces.insert(was.space.clone());
                if was.missed.is_none() || was.is_told {
                    let missed = Permission::Place(Place { missed: Some(sync), is_told: false, ..was.clone() });
                    learning.put(key, Some(&Permission::Place(was.clone())), &missed)?;
                }
            }
            (Key::Space(_, space), Permission::Grant(_)) if spaces.contains(space) => {}
            (key, was) => learning.remove(key, was)?,
        }
    }
    learning.all()
}

/// What a run had learned when a crash broke it off: it is kept with each fact, as it is now and as it was until then.
pub(super) fn learned_by(kept: &Kept, source: &SourceId, sync: SyncId) -> Result<Learned, store::Error> {
    let mut learning = Learning::new(kept, sync);
    let mut ended = BTreeMap::new();
    for read in kept.all_past() {
        let (key, past) = read?;
        if past.until == sync && key.source() == source.as_str() {
            ended.insert(key, past.was);
        }
    }
    for (key, now) in kept.permissions(source)? {
        let was = ended.remove(&key);
        if was.is_some() || now.since() == sync {
            learning.note(was.as_ref(), Some(&now));
        }
    }
    ended.values().for_each(|was| learning.note(Some(was), None));
    Ok(learning.learned)
}

/// Ends everything that is kept of a source's permissions: it went.
pub(super) fn end(kept: &Kept, source: &SourceId, sync: SyncId) -> Result<(), store::Error> {
    let mut learning = Learning::new(kept, sync);
    for (key, was) in &kept.permissions(source)? {
        learning.remove(key, was)?;
    }
    learning.keep()
}

fn grant(was: Option<&Permission>, to: Option<&Subjects>, sync: SyncId) -> Permission {
    let learned = match was {
        Some(Permission::Grant(was)) if was.to.as_ref() == to => was.learned,
        _ => sync,
    };
    Permission::Grant(Grant { to: to.cloned(), learned })
}

/// A place with the syncs that learned what of it was so before.
fn since(was: Option<&Permission>, now: Place) -> Place {
    let is_met = |place: &Place| (place.missed.is_some(), place.is_told);
    let Some(was) = was.and_then(Permission::place).filter(|was| is_met(was) == is_met(&now)) else { return now };
    let stands = (&was.space, &was.container, &was.above) == (&now.space, &now.container, &now.above);
    let placed = if stands { was.placed } else { now.placed };
    let learned = if was.level == now.level { was.learned } else { now.learned };
    Place { placed, learned, missed: was.missed, ..now }
}
