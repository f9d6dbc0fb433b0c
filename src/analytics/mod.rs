//! How much is asked, by day and by group: counters, never a word and never a person.
//!
//! On Tuesday forty people asked two hundred questions, nine of them in `sales`. Whoever runs the appliance wants to know that it
//! is used and how fast it answers; what Ada asked, and that it was Ada, is nobody's business. While a day lasts, its counts
//! stand by a keyed digest of the person and the day, so that people can be told apart and not told. When it is over, what may be
//! shown is added up and kept, and the digests go.
//!
//! Always true here:
//! - Nothing is shown that fewer than [`PEOPLE_MIN`] people stand behind, and no sum or difference of what is shown has fewer
//!   people behind it either (`shown.rs`). What may not be shown is not kept once its day is over.
//! - A day that was closed is never opened again: two states of one day, one beside the other, would tell what came between.
//! - Counters that are lost in a crash are lost: nobody waits for them.
//!
//! Uses: `clock`, `names`, `store`. Begin at [`Analytics`]; `shown.rs` is pure.

mod day;
mod shown;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::names::UserId;
use crate::store::{self, Batch, Changes, Store, Tree};

pub use day::Day;
use day::{Share, closed};
pub use shown::PEOPLE_MIN;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How long counts are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Days for which counts are kept; 0 counts nothing at all.
    pub keep_days: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { keep_days: 400 }
    }
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// With an answer.
    Answered,
    /// With a refusal.
    Refused,
    /// It was stopped.
    Stopped,
    /// With an error.
    Failed,
}

/// Somebody on one day: a digest that neither tells who nor is the same on another day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Somebody(pub [u8; 16]);

/// Who was who on a day that is over: asked for once, when it is closed.
pub struct Roll {
    /// The people of each group, by the group's id, as digests of that day.
    pub groups: BTreeMap<String, BTreeSet<Somebody>>,
    /// How many people might have asked.
    pub seats: u32,
}

/// The counters.
pub struct Analytics {
    store: Store,
    /// Of days that are not closed, by day and digest.
    open: Tree<String, Share>,
    /// Of days that are over.
    days: Tree<u64, Day>,
    /// What was counted and is not on disk yet.
    waiting: Mutex<HashMap<(u64, Somebody), Share>>,
    keep_days: u64,
}

/// The number of a moment's day (UTC), from 1970 on.
pub fn day_of(at: Moment) -> u64 {
    u64::try_from(at.ms().div_euclid(DAY_MS)).unwrap_or(0)
}

/// The moment at which a day begins.
pub fn begin_of(day: u64) -> Moment {
    Moment::from_ms(i64::try_from(day).unwrap_or(i64::MAX / DAY_MS).saturating_mul(DAY_MS))
}

/// What a digest of somebody on a day is made of.
pub fn digested(day: u64, user: &UserId) -> Vec<u8> {
    [&day.to_be_bytes()[..], user.as_bytes()].concat()
}

impl Analytics {
    /// Opens the counters.
    pub fn open(store: &Store, settings: &Settings) -> Result<Analytics, store::Error> {
        Ok(Analytics {
            store: store.clone(),
            open: store.tree("analytics.open")?,
            days: store.tree("analytics.days")?,
            waiting: Mutex::default(),
            keep_days: settings.keep_days,
        })
    }

    /// Whether anything is counted.
    pub fn is_on(&self) -> bool {
        self.keep_days > 0
    }

    /// Counts one question: how it ended, how long its first sentence and the whole answer took.
    pub fn asked(&self, day: u64, who: Somebody, ended: Ended, first: Option<Duration>, took: Duration) {
        self.count(day, who, |share| {
            share.count(ended);
            share.took.note(took);
            if let Some(first) = first {
                share.first.note(first);
            }
        });
    }

    /// Counts one rating with its codes; of two of one answer the later one. The mark tells answers apart, and not which they are.
    pub fn rated(&self, day: u64, who: Somebody, mark: u64, is_up: bool, codes: &[String]) {
        self.count(day, who, |share| share.rate(mark, is_up, codes));
    }

    fn count(&self, day: u64, who: Somebody, count: impl FnOnce(&mut Share)) {
        if self.is_on() {
            count(self.waiting().entry((day, who)).or_default());
        }
    }

    /// Writes what was counted since the last time.
    pub fn keep(&self) -> Result<(), store::Error> {
        let waiting = std::mem::take(&mut *self.waiting());
        let mut batch = Batch::new();
        for ((day, who), share) in &waiting {
            // What comes late for a closed day (the clock was set back) is lost: the day is told already.
            if self.days.get(day)?.is_none() {
                let key = key(*day, *who);
                let before = self.open.get(&key)?.unwrap_or_default();
                batch.put(&key, &before.with(share));
            }
        }
        let kept = self.open.apply(batch);
        if kept.is_err() {
            let mut now = self.waiting();
            for (key, share) in waiting {
                let newer = now.remove(&key).unwrap_or_default();
                now.insert(key, share.with(&newer));
            }
        }
        kept
    }

    /// The days that are over and not closed.
    pub fn over(&self, now: Moment) -> Result<Vec<u64>, store::Error> {
        let mut days = BTreeSet::new();
        for key in self.open.keys_under(&[]) {
            days.extend(parse(&key?).map(|(day, _)| day));
        }
        let today = day_of(now);
        Ok(days.into_iter().filter(|day| *day < today).collect())
    }

    /// Closes a day: keeps what may be shown of it, and lets the digests go.
    pub fn close(&self, day: u64, roll: &Roll) -> Result<(), store::Error> {
        let mut shares = BTreeMap::new();
        let mut gone = Batch::new();
        for read in self.open.under(format!("{day:08}:").as_bytes()) {
            let (key, share) = read?;
            gone.remove(&key);
            if let Some((_, who)) = parse(&key) {
                shares.insert(who, share);
            }
        }
        let mut told = Batch::new();
        if self.days.get(&day)?.is_none() {
            told.put(&day, &closed(&shares, roll));
        }
        let mut changes = Changes::new();
        changes.add(&self.days, told);
        changes.add(&self.open, gone);
        self.store.make(changes)
    }

    /// Forgets days that are older than the settings keep them.
    pub fn sweep(&self, now: Moment) -> Result<(), store::Error> {
        let first = day_of(now).saturating_sub(self.keep_days);
        let mut batch = Batch::new();
        for key in self.days.keys_under(&[]) {
            let day = key?;
            if day < first {
                batch.remove(&day);
            }
        }
        self.days.apply(batch)
    }

    /// The last days that were closed, the newest first.
    pub fn days(&self, most: usize) -> Result<Vec<(u64, Day)>, store::Error> {
        self.days.all().rev().take(most).collect()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<(u64, Somebody), Share>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(day: u64, Somebody(digest): Somebody) -> String {
    format!("{day:08}:{}", hex::encode(digest))
}

fn parse(key: &str) -> Option<(u64, Somebody)> {
    let (day, digest) = key.split_once(':')?;
    let mut bytes = [0; 16];
    hex::decode_to_slice(digest, &mut bytes).ok()?;
    Some((day.parse().ok()?, Somebody(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: u64 = 20_780;

    fn counters() -> (tempfile::TempDir, Analytics) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let analytics = Analytics::open(&store, &Settings::default()).unwrap();
        (folder, analytics)
    }

    fn who(number: u8) -> Somebody {
        Somebody([number; 16])
    }

    fn roll(groups: &[(&str, &[u8])]) -> Roll {
        let people = |numbers: &[u8]| numbers.iter().map(|number| who(*number)).collect();
        let groups = groups.iter().map(|(id, numbers)| ((*id).to_owned(), people(numbers))).collect();
        Roll { groups, seats: 30 }
    }

    fn ask(analytics: &Analytics, people: impl IntoIterator<Item = u8>) {
        for number in people {
            let took = Duration::from_millis(700);
            analytics.asked(MONDAY, who(number), Ended::Answered, Some(took / 2), took);
        }
    }

    #[test]
    fn a_day_is_told_when_it_is_over_and_never_changes_again() {
        let (_folder, analytics) = counters();
        ask(&analytics, 1..=12);
        analytics.keep().unwrap();
        ask(&analytics, 1..=2);
        analytics.keep().unwrap();
        assert_eq!(analytics.over(begin_of(MONDAY)).unwrap(), [0u64; 0], "the day lasts");
        assert_eq!(analytics.over(begin_of(MONDAY + 1)).unwrap(), [MONDAY]);

        analytics.close(MONDAY, &roll(&[("sales", &[1, 2, 3, 4, 5, 6]), ("board", &[1, 2, 3])])).unwrap();
        let told = analytics.days(9).unwrap();
        ask(&analytics, 20..=29);
        analytics.keep().unwrap();
        analytics.close(MONDAY, &roll(&[])).unwrap();

        assert_eq!(told.len(), 1);
        let day = &told[0].1;
        assert_eq!((day.people, day.questions, day.seats), (Some(12), Some(14), 30));
        assert_eq!(day.groups.len(), 1, "three people are too few to be told of: {day:?}");
        assert_eq!((day.groups[0].group.as_str(), day.groups[0].questions, day.groups[0].people), ("sales", 8, 6));
        assert_eq!(analytics.days(9).unwrap(), told, "what is told of a day stays as it is");
        assert!(analytics.over(begin_of(MONDAY + 1)).unwrap().is_empty(), "no digest outlives its day");
    }

    #[test]
    fn of_fewer_than_five_people_nothing_is_kept_but_that_they_were_few() {
        let (_folder, analytics) = counters();
        ask(&analytics, 1..=4);
        analytics.rated(MONDAY, who(1), 7, false, &["wrong".to_owned()]);
        analytics.keep().unwrap();

        analytics.close(MONDAY, &roll(&[("sales", &[1, 2, 3, 4])])).unwrap();

        assert_eq!(analytics.days(9).unwrap(), [(MONDAY, Day { seats: 30, ..Day::default() })]);
    }

    #[test]
    fn days_go_with_their_age_and_with_keep_days_0_nothing_is_counted() {
        let (_folder, analytics) = counters();
        ask(&analytics, 1..=9);
        analytics.keep().unwrap();
        analytics.close(MONDAY, &roll(&[])).unwrap();

        analytics.sweep(begin_of(MONDAY + 400)).unwrap();
        assert_eq!(analytics.days(9).unwrap().len(), 1);
        analytics.sweep(begin_of(MONDAY + 401)).unwrap();
        assert!(analytics.days(9).unwrap().is_empty());

        let off = Analytics { keep_days: 0, ..analytics };
        ask(&off, 1..=9);
        off.keep().unwrap();
        assert!(off.over(begin_of(MONDAY + 9)).unwrap().is_empty());
    }
}
