//! Sign-ins (and sign-outs at the provider) under way, kept in memory: a restart asks people to begin again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Moment;

/// How long a sign-in may take, in milliseconds: long enough to find a second factor.
const AGE_MS_MAX: i64 = 10 * 60 * 1_000;
/// How far a clock may step back under a sign-in, in milliseconds, before the sign-in counts as old.
const STEP_MS_MAX: i64 = 60 * 1_000;
/// The most that are kept: beginning one costs nothing, so anybody can begin many.
const KEPT_MAX: usize = 10_000;

/// What is under way, by its state. The caller binds a sign-in to its browser by a cookie that holds the state.
pub struct Pendings<P> {
    kept: Mutex<Kept<P>>,
}

struct Kept<P> {
    /// When each began, and what must be remembered of it.
    by_state: HashMap<String, (Moment, P)>,
    /// States in the order they began, also of those that were taken since.
    in_order: VecDeque<String>,
}

impl<P> Default for Pendings<P> {
    fn default() -> Pendings<P> {
        Pendings { kept: Mutex::new(Kept { by_state: HashMap::new(), in_order: VecDeque::new() }) }
    }
}

impl<P> Pendings<P> {
    /// Keeps a sign-in. Where too many are under way the oldest one is dropped: who floods us delays others, but cannot
    /// lock everybody out.
    pub fn put(&self, state: String, pending: P, now: Moment) {
        let mut kept = self.kept();
        while let Some(oldest) = kept.in_order.front() {
            let is_alive = kept.by_state.get(oldest).is_some_and(|(began, _)| is_alive(*began, now));
            if is_alive && kept.in_order.len() < KEPT_MAX {
                break;
            }
            if let Some(oldest) = kept.in_order.pop_front() {
                kept.by_state.remove(&oldest);
            }
        }
        kept.in_order.push_back(state.clone());
        kept.by_state.insert(state, (now, pending));
    }

    /// Takes the sign-in of a state, once; `None` where there is none or it is too old.
    pub fn take(&self, state: &str, now: Moment) -> Option<P> {
        let (began, pending) = self.kept().by_state.remove(state)?;
        is_alive(began, now).then_some(pending)
    }

    fn kept(&self) -> MutexGuard<'_, Kept<P>> {
        // Whatever a panic left half done is at worst a sign-in that must be begun again.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_alive(began: Moment, now: Moment) -> bool {
    (-STEP_MS_MAX..AGE_MS_MAX).contains(&now.since(began))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_is_taken_once() {
        let pendings = Pendings::default();
        pendings.put("a".to_owned(), (), Moment::from_ms(0));

        assert!(pendings.take("b", Moment::from_ms(1)).is_none());
        assert!(pendings.take("a", Moment::from_ms(1)).is_some());
        assert!(pendings.take("a", Moment::from_ms(1)).is_none());
    }

    #[test]
    fn after_ten_minutes_or_before_it_began_it_is_not_given() {
        let pendings = Pendings::default();
        for (began, now) in [(0, AGE_MS_MAX), (AGE_MS_MAX, AGE_MS_MAX - STEP_MS_MAX - 1)] {
            pendings.put("a".to_owned(), (), Moment::from_ms(began));
            assert!(pendings.take("a", Moment::from_ms(now)).is_none());
        }
    }

    #[test]
    fn a_flood_drops_the_oldest_and_keeps_no_more_than_it_may() {
        let pendings = Pendings::default();
        for number in 0..KEPT_MAX + 10 {
            pendings.put(number.to_string(), (), Moment::from_ms(0));
        }

        assert_eq!(pendings.kept().by_state.len(), KEPT_MAX);
        assert!(pendings.take("9", Moment::from_ms(1)).is_none());
        assert!(pendings.take(&(KEPT_MAX + 9).to_string(), Moment::from_ms(1)).is_some());
    }

    #[test]
    fn what_has_aged_out_makes_room() {
        let pendings = Pendings::default();
        for number in 0..100 {
            pendings.put(number.to_string(), (), Moment::from_ms(0));
        }

        pendings.put("new".to_owned(), (), Moment::from_ms(AGE_MS_MAX));

        let kept = pendings.kept();
        assert_eq!((kept.by_state.len(), kept.in_order.len()), (1, 1));
    }
}
