//! How long a name must wait after it was tried in vain: whether it is anybody's or not.

use std::collections::HashMap;

use crate::clock::Moment;

/// So many failures have no consequence: people mistype.
const FREE: u32 = 5;
/// What the next one costs, in milliseconds; each further one twice as much as that before it.
const WAIT_MS: i64 = 30 * 1_000;
/// The most that one costs: a flood may delay an emergency, and not for long.
const WAIT_MS_MAX: i64 = 15 * 60 * 1_000;
/// Failures are forgotten after so long without another, in milliseconds.
const MEMORY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Names that are remembered. Each costs the hashing of a password, so nobody makes us forget one quickly.
const NAMES_MAX: usize = 10_000;

/// The names that were tried in vain.
#[derive(Default)]
pub(super) struct Throttle {
    tried: HashMap<String, (u32, Moment)>,
}

impl Throttle {
    /// Whether a name must still wait. A clock that was set back lets nobody in sooner.
    pub(super) fn is_shut(&self, name: &str, now: Moment) -> bool {
        self.tried.get(name).is_some_and(|(failures, last)| now.since(*last) < wait_ms(*failures))
    }

    /// Counts a failure.
    pub(super) fn failed(&mut self, name: &str, now: Moment) {
        self.tried.retain(|_, (_, last)| now.since(*last) < MEMORY_MS);
        if self.tried.len() >= NAMES_MAX
            && !self.tried.contains_key(name)
            && let Some(oldest) = self.tried.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| name.clone())
        {
            self.tried.remove(&oldest);
        }
        let (failures, last) = self.tried.entry(name.to_owned()).or_insert((0, now));
        *failures = failures.saturating_add(1);
        *last = now.max(*last);
    }

    /// Forgets the failures of who came in.
    pub(super) fn clear(&mut self, name: &str) {
        self.tried.remove(name);
    }
}

fn wait_ms(failures: u32) -> i64 {
    match failures.checked_sub(FREE) {
        None => 0,
        Some(beyond) => WAIT_MS.saturating_mul(1 << beyond.min(10)).min(WAIT_MS_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Moment {
        Moment::from_ms(ms)
    }

    #[test]
    fn five_failures_are_free_and_each_further_one_doubles_the_wait_up_to_fifteen_minutes() {
        let mut throttle = Throttle::default();
        for _ in 0..4 {
            throttle.failed("ana", at(0));
        }
        assert!(!throttle.is_shut("ana", at(0)));

        let mut waits = Vec::new();
        for _ in 0..8 {
            throttle.failed("ana", at(0));
            waits.push((0..=WAIT_MS_MAX).step_by(1_000).find(|ms| !throttle.is_shut("ana", at(*ms))).unwrap() / 1_000);
        }

        assert_eq!(waits, [30, 60, 120, 240, 480, 900, 900, 900]);
        assert!(!throttle.is_shut("mateo", at(0)), "each name waits for itself");
        throttle.clear("ana");
        assert!(!throttle.is_shut("ana", at(0)));
    }

    #[test]
    fn a_clock_set_back_opens_nothing_and_a_flood_keeps_no_more_than_it_may() {
        let mut throttle = Throttle::default();
        for _ in 0..5 {
            throttle.failed("ana", at(100_000));
        }
        assert!(throttle.is_shut("ana", at(50_000)));

        for number in 0..i64::try_from(NAMES_MAX).unwrap() + 10 {
            throttle.failed(&number.to_string(), at(200_000 + number));
        }
        assert_eq!(throttle.tried.len(), NAMES_MAX);
    }
}
