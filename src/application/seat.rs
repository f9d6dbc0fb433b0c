//! Seats: a person has one, however many applications they are assigned to.
//!
//! Whoever is assigned has a seat by that alone, of the best tier that an assignment gives them. What an administrator says of
//! a person goes first: another tier, or none, and then they keep their place in the directory and their conversations and can
//! use nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

use super::Tier;
use crate::names::UserId;
use crate::store::{self, Batch, Changes, Store, Tree, json_record};

/// A person's last use is written down again when it is older than this.
const USED_MS: i64 = 60 * 60 * 1000;

/// What an administrator said of a person's seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatWord {
    /// The tier; `None` for no seat.
    pub tier: Option<Tier>,
    /// When, milliseconds since the Unix epoch.
    pub at_ms: i64,
}
json_record!(SeatWord, 1);

/// What is known of a person's seat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Known {
    /// What an administrator said last.
    pub word: Option<SeatWord>,
    /// Since when they have one without a break; kept by [`Seats::mark`].
    pub since_ms: Option<i64>,
    /// When they last asked or searched, to the hour.
    pub used_ms: Option<i64>,
}

/// Everybody's seats: all of it in memory, all of it on disk.
pub struct Seats {
    store: Store,
    words: Tree<[u8; 16], SeatWord>,
    since: Tree<[u8; 16], u64>,
    used: Tree<[u8; 16], u64>,
    /// Held from the first look of a change until it is on disk and in memory.
    changing: Mutex<()>,
    /// Written only after the store has acknowledged the same change; readers never wait for a disk.
    held: RwLock<HashMap<UserId, Known>>,
}

impl Seats {
    pub(super) fn open(store: &Store) -> Result<Seats, store::Error> {
        let seats = Seats {
            store: store.clone(),
            words: store.tree("application.seats")?,
            since: store.tree("application.seated")?,
            used: store.tree("application.used")?,
            changing: Mutex::new(()),
            held: RwLock::default(),
        };
        let mut held = HashMap::<UserId, Known>::new();
        // What was said decides: it must read. The times are only told, and a damaged one is passed over.
        for row in seats.words.all() {
            let (user, word) = row?;
            held.entry(UserId::from_bytes(user)).or_default().word = Some(word);
        }
        for (user, at) in seats.since.all().flatten() {
            held.entry(UserId::from_bytes(user)).or_default().since_ms = i64::try_from(at).ok();
        }
        for (user, at) in seats.used.all().flatten() {
            held.entry(UserId::from_bytes(user)).or_default().used_ms = i64::try_from(at).ok();
        }
        *seats.held_mut() = held;
        Ok(seats)
    }

    /// What is known of a person's seat.
    pub fn known(&self, user: &UserId) -> Known {
        self.held().get(user).copied().unwrap_or_default()
    }

    /// The tier of somebody whose assignments give `given`; `None` where they have no seat.
    pub(super) fn tier(&self, user: &UserId, given: Option<Tier>) -> Option<Tier> {
        let given = given?;
        match self.held().get(user).and_then(|known| known.word) {
            Some(word) => word.tier,
            None => Some(given),
        }
    }

    /// Keeps an administrator's word on some people's seats: all of it, or nothing.
    pub fn say(&self, users: &[UserId], tier: Option<Tier>, now_ms: i64) -> Result<(), store::Error> {
        let word = SeatWord { tier, at_ms: now_ms };
        let mut words = Batch::new();
        users.iter().for_each(|user| words.put(user.as_bytes(), &word));
        let _changing = self.changing();
        self.words.apply(words)?;
        let mut held = self.held_mut();
        for user in users {
            held.entry(*user).or_default().word = Some(word);
        }
        Ok(())
    }

    /// Notes who has a seat now: whoever is new to it has it since this moment.
    pub fn mark(&self, seated: &[UserId], now_ms: i64) -> Result<(), store::Error> {
        let _changing = self.changing();
        let seated: HashSet<&UserId> = seated.iter().collect();
        let (began, ended): (Vec<UserId>, Vec<UserId>) = {
            let held = self.held();
            let is_new = |user: &&UserId| held.get(*user).is_none_or(|known| known.since_ms.is_none());
            let is_over = |(user, known): &(&UserId, &Known)| known.since_ms.is_some() && !seated.contains(user);
            (
                seated.iter().copied().filter(is_new).copied().collect(),
                held.iter().filter(is_over).map(|(user, _)| *user).collect(),
            )
        };
        let mut since = Batch::new();
        began.iter().for_each(|user| since.put(user.as_bytes(), &u64::try_from(now_ms).unwrap_or(0)));
        ended.iter().for_each(|user| since.remove(user.as_bytes()));
        self.since.apply(since)?;
        let mut held = self.held_mut();
        began.iter().for_each(|user| held.entry(*user).or_default().since_ms = Some(now_ms));
        ended.iter().for_each(|user| held.entry(*user).or_default().since_ms = None);
        Ok(())
    }

    /// Notes that somebody asked or searched.
    pub fn note_use(&self, user: &UserId, now_ms: i64) -> Result<(), store::Error> {
        let is_noted = |known: &Known| known.used_ms.is_some_and(|used| (0..USED_MS).contains(&(now_ms - used)));
        if self.held().get(user).is_some_and(is_noted) {
            return Ok(());
        }
        let _changing = self.changing();
        self.used.put(user.as_bytes(), &u64::try_from(now_ms).unwrap_or(0))?;
        self.held_mut().entry(*user).or_default().used_ms = Some(now_ms);
        Ok(())
    }

    /// Forgets a person who left for good.
    pub(super) fn forget(&self, user: &UserId) -> Result<(), store::Error> {
        let _changing = self.changing();
        let (mut words, mut since, mut used) = (Batch::new(), Batch::new(), Batch::new());
        words.remove(user.as_bytes());
        since.remove(user.as_bytes());
        used.remove(user.as_bytes());
        let mut changes = Changes::new();
        changes.add(&self.words, words);
        changes.add(&self.since, since);
        changes.add(&self.used, used);
        self.store.make(changes)?;
        self.held_mut().remove(user);
        Ok(())
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> RwLockReadGuard<'_, HashMap<UserId, Known>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, HashMap<UserId, Known>> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}
