//! Turns: how many questions are answered at once, and which answers are being made now.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::Stop;
use crate::names::{ApplicationId, UserId};

/// The places at the model's table, and as many beside it, where a question is answered without it.
pub(super) struct Turns {
    model: Arc<Places>,
    beside: Arc<Places>,
    /// How long a question waits for a place at the model's.
    wait: Duration,
}

/// Places of one kind.
struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

/// One place; it is free again when this is dropped.
pub(super) struct Turn {
    places: Arc<Places>,
}

/// Where a question is answered.
pub(super) enum Seat {
    /// By the model.
    Model(#[expect(dead_code, reason = "it is held so that the place is taken")] Turn),
    /// Without it.
    Beside(#[expect(dead_code, reason = "it is held so that the place is taken")] Turn),
}

/// How often a question that waits looks whether it was stopped.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Places {
    fn new(most: usize) -> Arc<Places> {
        Arc::new(Places { free: Mutex::new(most.max(1)), freed: Condvar::new() })
    }

    /// A place; waits for one as long as told.
    fn take(self: &Arc<Places>, wait: Duration, stop: &Stop) -> Option<Turn> {
        let began = Instant::now();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            let left = wait.saturating_sub(began.elapsed());
            if left.is_zero() || stop.is_set() {
                return None;
            }
            let waited = self.freed.wait_timeout(free, left.min(LOOK_EVERY));
            (free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Some(Turn { places: Arc::clone(self) })
    }
}

impl Turns {
    pub(super) fn new(most: usize, wait: Duration) -> Turns {
        Turns { model: Places::new(most), beside: Places::new(most), wait }
    }

    /// A place at the model's; where none becomes free in time, one beside it; `None` where none is free there either, so
    /// that no more questions wait than places are there.
    pub(super) fn take(&self, stop: &Stop) -> Option<Seat> {
        if let Some(turn) = self.model.take(Duration::ZERO, stop) {
            return Some(Seat::Model(turn));
        }
        let beside = self.beside.take(Duration::ZERO, stop)?;
        Some(self.model.take(self.wait, stop).map_or(Seat::Beside(beside), Seat::Model))
    }

    /// A place where no model is: any, and nobody waits.
    pub(super) fn take_beside(&self, stop: &Stop) -> Option<Seat> {
        let any = self.beside.take(Duration::ZERO, stop).or_else(|| self.model.take(Duration::ZERO, stop));
        any.map(Seat::Beside)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *self.places.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.places.freed.notify_one();
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
    /// In which application; `None` before it is known.
    application: Option<ApplicationId>,
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
        let answering = Answering { user, application: None, stop: stop.clone(), by_rights: Arc::clone(&by_rights) };
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(number, answering);
        Entered { number, answers: Arc::clone(&self.answers), by_rights }
    }

    /// Stops what is being answered for a person who lost their place.
    pub(super) fn stop_of(&self, user: &UserId) {
        self.stop_where(|one, _| one == user);
    }

    /// Stops what is being answered where a right is lost: asked of whom, and in which application, where that is known yet.
    pub(super) fn stop_where(&self, is_lost: impl Fn(&UserId, Option<&ApplicationId>) -> bool) {
        for answering in self.answers.lock().unwrap_or_else(PoisonError::into_inner).values() {
            if is_lost(&answering.user, answering.application.as_ref()) {
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
    /// Notes the application. Whether it may be used is asked after this: who loses it from here on is stopped.
    pub(super) fn uses(&self, application: &ApplicationId) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answering) = answers.get_mut(&self.number) {
            answering.application = Some(application.clone());
        }
    }

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
    fn who_finds_no_place_at_the_models_is_seated_beside_it_and_a_place_is_free_again_when_it_is_left() {
        let (turns, stop) = (Turns::new(1, Duration::ZERO), Stop::default());

        let first = turns.take(&stop);
        let second = turns.take(&stop);
        assert!(matches!((&first, &second), (Some(Seat::Model(_)), Some(Seat::Beside(_)))));
        assert!(turns.take(&stop).is_none() && turns.take_beside(&stop).is_none());
        drop(first);

        assert!(matches!(turns.take(&stop), Some(Seat::Model(_))));
    }

    #[test]
    fn a_place_that_becomes_free_while_one_waits_is_taken_and_a_stop_ends_the_waiting() {
        let (turns, stop) = (Turns::new(1, Duration::from_secs(3600)), Stop::default());
        let first = turns.take(&stop);

        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turns.take(&Stop::default()));
            drop(first);
            let seat = waiting.join().unwrap();
            assert!(matches!(seat, Some(Seat::Model(_))));

            let stopped = scope.spawn(|| turns.take(&stop));
            stop.set();
            assert!(matches!(stopped.join().unwrap(), Some(Seat::Beside(_))));
        });
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
