//! Sign-ins under way, kept in memory: a restart asks people to begin again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::oidc::Pending;
use crate::clock::Moment;

/// How long a sign-in may take, in milliseconds: long enough to find a second factor.
const AGE_MS_MAX: i64 = 10 * 60 * 1_000;
/// How far a clock may step back under a sign-in, in milliseconds, before the sign-in counts as old.
const STEP_MS_MAX: i64 = 60 * 1_000;
/// The most that are kept: beginning one costs nothing, so anybody can begin many.
const KEPT_MAX: usize = 10_000;

/// Sign-ins by their state. The caller binds each to its browser by a cookie that holds the state.
#[derive(Default)]
pub struct Pendings {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    by_state: HashMap<String, Pending>,
    /// States in the order they began, also of those that were taken since.
    in_order: VecDeque<String>,
}

impl Pendings {
    /// Keeps a sign-in. Where too many are under way the oldest one is dropped: who floods us delays others, but cannot
    /// lock everybody out.
    pub fn put(&self, pending: Pending, now: Moment) {
        let mut kept = self.kept();
        while let Some(state) = kept.in_order.front() {
            let is_alive = kept.by_state.get(state).is_some_and(|oldest| is_alive(oldest, now));
            if is_alive && kept.in_order.len() < KEPT_MAX {
                break;
            }
            if let Some(state) = kept.in_order.pop_front() {
                kept.by_state.remove(&state);
            }
        }
        kept.in_order.push_back(pending.state.clone());
        kept.by_state.insert(pending.state.clone(), pending);
    }

    /// Takes the sign-in of a state, once; `None` where there is none or it is too old.
    pub fn take(&self, state: &str, now: Moment) -> Option<Pending> {
        let pending = self.kept().by_state.remove(state)?;
        is_alive(&pending, now).then_some(pending)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whatever a panic left half done is at worst a sign-in that must be begun again.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_alive(pending: &Pending, now: Moment) -> bool {
    (-STEP_MS_MAX..AGE_MS_MAX).contains(&now.since(pending.began))
}
