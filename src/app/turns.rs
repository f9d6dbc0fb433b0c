//! Turns: how many questions are answered at once, and which answers are being made now.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Stop;
use crate::names::UserId;

/// The places at the table.
pub(super) struct Turns {
    free: Arc<AtomicUsize>,
}

/// One place; it is free again when this is dropped.
pub(super) struct Turn {
    free: Arc<AtomicUsize>,
}

impl Turns {
    pub(super) fn new(most: usize) -> Turns {
        Turns { free: Arc::new(AtomicUsize::new(most.max(1))) }
    }

    pub(super) fn take(&self) -> Option<Turn> {
        self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |free| free.checked_sub(1)).ok()?;
        Some(Turn { free: Arc::clone(&self.free) })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.free.fetch_add(1, Ordering::SeqCst);
    }
}

/// The answers being made now.
#[derive(Default)]
pub(super) struct Running {
    next: AtomicU64,
    answers: Arc<Mutex<HashMap<u64, Answering>>>,
}

struct Answering {
    user: UserId,
    stop: Stop,
    by_rights: Arc<AtomicBool>,
}

/// One answer's entry; it is taken out when this is dropped.
pub(super) struct Entered {
    number: u64,
    answers: Arc<Mutex<HashMap<u64, Answering>>>,
    by_rights: Arc<AtomicBool>,
}

impl Running {
    pub(super) fn enter(&self, user: UserId, stop: &Stop) -> Entered {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let by_rights = Arc::new(AtomicBool::new(false));
        let answering = Answering { user, stop: stop.clone(), by_rights: Arc::clone(&by_rights) };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(number, answering);
        Entered { number, answers: Arc::clone(&self.answers), by_rights }
    }

    /// Stops what is being answered for a person who lost their place.
    pub(super) fn stop_of(&self, user: &UserId) {
        for answering in self.answers.lock().unwrap_or_else(PoisonError::into_inner).values() {
            if answering.user == *user {
                answering.by_rights.store(true, Ordering::SeqCst);
                answering.stop.set();
            }
        }
    }

    /// Stops everything: the process is about to end.
    pub(super) fn stop_all(&self) {
        for answering in self.answers.lock().unwrap_or_else(PoisonError::into_inner).values() {
            answering.stop.set();
        }
    }
}

impl Entered {
    /// Whether a lost right stopped it.
    pub(super) fn is_stopped_by_rights(&self) -> bool {
        self.by_rights.load(Ordering::SeqCst)
    }

    /// Breaks off, and notes that a lost right did it, where the right is not there or cannot be known.
    pub(super) fn go_on_while(&self, has_right: Result<bool, super::Error>) -> ControlFlow<()> {
        if has_right.unwrap_or(false) {
            return ControlFlow::Continue(());
        }
        self.by_rights.store(true, Ordering::SeqCst);
        ControlFlow::Break(())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Ids;

    #[test]
    fn a_turn_is_free_again_when_it_is_dropped() {
        let turns = Turns::new(1);

        let first = turns.take();
        assert!(first.is_some());
        assert!(turns.take().is_none());
        drop(first);

        assert!(turns.take().is_some());
    }

    #[test]
    fn only_the_answers_of_who_lost_their_place_are_stopped() {
        let (mateo, mary) = (UserId::new(&Ids::Random), UserId::new(&Ids::Random));
        let running = Running::default();
        let (his, hers) = (Stop::default(), Stop::default());
        let entered = running.enter(mateo, &his);
        let _other = running.enter(mary, &hers);

        running.stop_of(&mateo);

        assert!(his.is_set() && entered.is_stopped_by_rights());
        assert!(!hers.is_set());
    }
}
