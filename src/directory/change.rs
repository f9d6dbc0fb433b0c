//! Whose turn it is to change the directory, and whether somebody had one meanwhile.
//!
//! A change holds its turn until it is on disk and in memory. What reads a great deal of the disk (the directory as it was at a
//! moment) must not keep a provider's push waiting: it reads without a turn, and looks afterwards whether a change came in
//! between.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Turns, one at a time.
#[derive(Default)]
pub(super) struct Turns {
    turn: Mutex<()>,
    /// Grows by one when a turn begins and when it ends: odd while somebody has one.
    count: AtomicU64,
}

/// A turn; it ends when it is dropped.
pub(super) struct Changing<'a> {
    turns: &'a Turns,
    _turn: MutexGuard<'a, ()>,
}

/// How many turns there had been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(u64);

impl Turns {
    /// Waits for the turn of whoever asks.
    pub(super) fn take(&self) -> Changing<'_> {
        let turn = self.turn.lock().expect("no change to the directory panics");
        self.count.fetch_add(1, Ordering::SeqCst);
        Changing { turns: self, _turn: turn }
    }

    /// How many turns there have been; waits for one that is under way.
    pub(super) fn count(&self) -> Count {
        let count = self.count.load(Ordering::SeqCst);
        if count.is_multiple_of(2) {
            return Count(count);
        }
        let _turn = self.turn.lock().expect("no change to the directory panics");
        Count(self.count.load(Ordering::SeqCst))
    }

    /// Whether nobody has had a turn since.
    pub(super) fn is_still(&self, count: Count) -> bool {
        self.count.load(Ordering::SeqCst) == count.0
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.turns.count.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_noticed_while_it_lasts_and_when_it_is_over() {
        let turns = Turns::default();
        let before = turns.count();
        assert!(turns.is_still(before));

        let turn = turns.take();
        assert!(!turns.is_still(before));
        drop(turn);

        assert!(!turns.is_still(before));
        assert!(turns.is_still(turns.count()));
    }
}
