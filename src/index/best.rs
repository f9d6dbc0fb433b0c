//! Keeps the best of many hits.

use std::cmp::Ordering;

use super::rank::Hit;

/// Hits kept beyond the wanted ones before the worse half is let go.
const SPARE: usize = 256;

/// The best of the hits it was given: as many as are wanted, and those that tie with the last.
pub(super) struct Best {
    most: usize,
    hits: Vec<Hit>,
    /// No hit with a lower score is among the best.
    least: f32,
}

impl Best {
    pub(super) fn new(most: usize) -> Best {
        Best { most: most.max(1), hits: Vec::new(), least: f32::MIN }
    }

    /// One that knows already that as many hits as are wanted score `least` or more.
    pub(super) fn above(most: usize, least: f32) -> Best {
        Best { least, ..Best::new(most) }
    }

    /// Whether a hit with this score, or at most this score, can still be among the best.
    #[inline(always)]
    pub(super) fn may_take(&self, score: f32) -> bool {
        score >= self.least
    }

    pub(super) fn take(&mut self, hit: Hit) {
        self.hits.push(hit);
        if self.hits.len() >= 2 * self.most + SPARE {
            self.keep_the_best();
        }
    }

    /// The least score that as many as are wanted have.
    pub(super) fn least(&self) -> f32 {
        self.least
    }

    pub(super) fn into_sorted(mut self) -> Vec<Hit> {
        self.keep_the_best();
        self.hits.sort_by(order);
        self.hits
    }

    /// Lets all but the best go now, so that `least` is known.
    pub(super) fn keep_the_best(&mut self) {
        if self.hits.len() < self.most {
            return;
        }
        let (_, last, _) = self.hits.select_nth_unstable_by(self.most - 1, order);
        let last = *last;
        self.hits.retain(|hit| order(hit, &last).is_le());
        self.least = self.least.max(last.score);
    }
}

/// The better first; of two alike the one with the smaller key.
fn order(one: &Hit, other: &Hit) -> Ordering {
    other.score.total_cmp(&one.score).then(one.key.cmp(&other.key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_in_whatever_order_they_come() {
        let hit = |n: u64| Hit { segment: 0, doc: n as u32, score: (n % 97) as f32, key: n * 7919 % 10_007 };
        let mut all: Vec<Hit> = (0..9000).map(hit).collect();
        all.sort_by(order);
        let wanted: Vec<u32> = all[..30].iter().map(|hit| hit.doc).collect();

        for step in [1, 7, 8999] {
            let mut best = Best::new(30);
            for n in 0..9000 {
                let hit = hit(n * step % 9000);
                if best.may_take(hit.score) {
                    best.take(hit);
                }
            }
            let found: Vec<u32> = best.into_sorted().iter().map(|hit| hit.doc).collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn those_that_tie_with_the_last_stay() {
        let mut best = Best::new(1);
        for doc in 0..3 {
            best.take(Hit { segment: 0, doc, score: 1.0, key: 4 });
        }

        assert_eq!(best.into_sorted().len(), 3);
    }
}
