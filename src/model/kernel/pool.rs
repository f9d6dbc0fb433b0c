//! Threads that work on one task together and sleep between tasks.
//!
//! A task is a list of pieces, each taken by whoever is free; what a piece comes to does not depend on who takes it, so
//! nothing depends on how many threads there are. Nobody waits for a thread that has not begun: on a busy machine, the one
//! who asked does the work alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Looks before a waiting thread lies down: some 30 µs, more than the gap between two tasks of one layer. To be woken takes
/// as long again, and there are some 200 tasks to a token.
const LOOKS: usize = 2000;

/// Threads that help; they end when this is dropped.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// How many tasks there have been; written under the lock, so that it can be looked at without it.
    tasks: AtomicUsize,
    /// Helpers inside the task; written under the lock likewise.
    inside: AtomicUsize,
    /// Told when there is a task, or the end.
    begun: Condvar,
    /// Told when the last helper has left a task.
    left: Condvar,
}

#[derive(Default)]
struct State {
    task: Option<Handed>,
    /// Helpers that lie down.
    asleep: usize,
    is_waited_for: bool,
    has_panicked: bool,
    is_over: bool,
}

/// A task whose lifetime has been left out: see [`Pool::together`].
#[derive(Clone, Copy)]
struct Handed(*const (dyn Fn() + Sync));

#[expect(unsafe_code, reason = "the reason why it is sound stands at the impl")]
// SAFETY: it points to a closure that is `Sync`, so it may be called from any thread while it lives, which `together` sees to.
unsafe impl Send for Handed {}

impl Pool {
    /// So many threads, the caller among them.
    pub(crate) fn new(threads: usize) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            tasks: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            begun: Condvar::new(),
            left: Condvar::new(),
        });
        let mut pool = Pool { shared, helpers: Vec::new() };
        for _ in 1..threads {
            let shared = Arc::clone(&pool.shared);
            pool.helpers
                .push(std::thread::Builder::new().name("model-helper".to_owned()).spawn(move || help(&shared))?);
        }
        Ok(pool)
    }

    /// How many threads there are, the caller among them.
    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Does the work on every piece, and returns when all are done.
    pub(crate) fn each<P: Send>(&self, pieces: impl Iterator<Item = P> + Send, work: impl Fn(P) + Sync) {
        // Of one piece nothing can be taken over.
        if self.helpers.is_empty() || pieces.size_hint().1.is_some_and(|most| most < 2) {
            return pieces.for_each(work);
        }
        let pieces = Mutex::new(pieces);
        self.together(&|| {
            loop {
                let piece = pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
                match piece {
                    Some(piece) => work(piece),
                    None => return,
                }
            }
        });
    }

    /// Calls the task here and, where helpers are free, there too; returns when nobody is inside it any more.
    #[expect(unsafe_code, reason = "the reason why it is sound stands at the block")]
    pub(super) fn together(&self, task: &(dyn Fn() + Sync)) {
        // SAFETY: only the lifetime is left out. Helpers read the pointer under the lock, where they are also counted as
        // inside. `End` takes the pointer back and waits until none is inside, before this function returns or unwinds.
        let handed = Handed(unsafe {
            std::mem::transmute::<*const (dyn Fn() + Sync + '_), *const (dyn Fn() + Sync + 'static)>(task)
        });
        let mut state = lock(&self.shared);
        state.task = Some(handed);
        self.shared.tasks.fetch_add(1, Ordering::Release);
        let is_anyone_asleep = state.asleep > 0;
        drop(state);
        if is_anyone_asleep {
            self.shared.begun.notify_all();
        }
        let end = End(&self.shared);
        task();
        drop(end);
        let has_panicked = std::mem::take(&mut lock(&self.shared).has_panicked);
        assert!(!has_panicked, "a helper of the model's threads panicked");
    }
}

/// Takes the task back when dropped, and waits for those inside.
struct End<'s>(&'s Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        lock(self.0).task = None;
        for _ in 0..LOOKS {
            if self.0.inside.load(Ordering::Acquire) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(self.0);
        while self.0.inside.load(Ordering::Acquire) > 0 {
            state.is_waited_for = true;
            state = self.0.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_waited_for = false;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.shared).is_over = true;
        self.shared.tasks.fetch_add(1, Ordering::Release);
        self.shared.begun.notify_all();
        for helper in self.helpers.drain(..) {
            // One that panicked has said so already.
            let _ = helper.join();
        }
    }
}

/// Being inside a task; told to the others when dropped.
struct Inside<'s>(&'s Shared);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut state = lock(self.0);
        state.has_panicked |= std::thread::panicking();
        let is_last = self.0.inside.fetch_sub(1, Ordering::Release) == 1;
        if is_last && state.is_waited_for {
            self.0.left.notify_all();
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(unsafe_code, reason = "the reason why it is sound stands at the block")]
fn help(shared: &Shared) {
    let mut seen = 0;
    loop {
        for _ in 0..LOOKS {
            if shared.tasks.load(Ordering::Acquire) != seen {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(shared);
        while shared.tasks.load(Ordering::Acquire) == seen {
            state.asleep += 1;
            state = shared.begun.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
        seen = shared.tasks.load(Ordering::Acquire);
        if state.is_over {
            return;
        }
        let Some(Handed(task)) = state.task else { continue };
        shared.inside.fetch_add(1, Ordering::Release);
        drop(state);
        let inside = Inside(shared);
        // SAFETY: the pointer was there under the lock, where we were counted as inside: who handed it waits for us.
        let task = unsafe { &*task };
        // A panic ends this thread; the one who waits is told by `Inside` and panics too.
        task();
        drop(inside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_worked_on_once_by_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let pool = Pool::new(threads).unwrap();
            for count in [0, 1, 7, 1000] {
                let mut cells = vec![0_u32; count];
                pool.each(cells.chunks_mut(3), |piece| piece.iter_mut().for_each(|cell| *cell += 1));

                assert!(cells.iter().all(|cell| *cell == 1), "{threads} threads, {count} cells");
            }
        }
    }

    #[test]
    fn tasks_may_follow_each_other_quickly_and_after_a_rest() {
        let pool = Pool::new(3).unwrap();
        let sum = AtomicUsize::new(0);
        for round in 0..2000_usize {
            pool.each(0..5_usize, |piece| {
                sum.fetch_add(piece, Ordering::Relaxed);
            });
            if round % 500 == 0 {
                std::thread::yield_now();
            }
        }

        assert_eq!(sum.into_inner(), 2000 * 10);
    }
}
