//! One fsync for everybody who waits: what several threads changed at once is made durable together.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::Error;

/// How long a sync is put off for those whom the one before it let go on. They write their next change at once, and would else
/// wait for this sync and then for one of their own; a disk takes milliseconds for each.
const GATHER_MAX: Duration = Duration::from_micros(300);

/// Which changes are on disk, counted from the first one, and whose turn it is to put more there.
#[derive(Default)]
pub struct Commit {
    /// So many changes, the first ones, are on disk. Moved by who syncs; who waits looks here without a lock.
    on_disk: AtomicU64,
    /// Set by a failed sync: the kernel may have dropped the pages, so nothing after it can be promised.
    has_failed: AtomicBool,
    turn: Mutex<Turn>,
}

/// Whose turn it is.
#[derive(Default)]
struct Turn {
    /// Since when a thread is syncing, where one is; the others wait for it and share the next sync.
    syncing_since: Option<Instant>,
    /// Whether a thread waits until enough is written for the next sync, and no longer than [`GATHER_MAX`].
    is_gathering: bool,
    /// When so many changes are written the next sync begins: as many more as the last one took to the disk or kept waiting.
    wanted: u64,
    /// Who is to be woken when this sync ends. Each by itself: a condition variable would have them queue for its lock.
    waiting: Vec<Thread>,
}

impl Commit {
    /// Of so many changes that are on disk already.
    pub fn of(changes: u64) -> Commit {
        Commit { on_disk: AtomicU64::new(changes), ..Commit::default() }
    }

    /// How many changes, the first ones, a power cut cannot undo.
    pub fn on_disk(&self) -> u64 {
        self.on_disk.load(Ordering::Acquire)
    }

    /// An error where a sync has failed: then nothing more can be promised.
    pub fn check(&self) -> Result<(), Error> {
        match self.has_failed.load(Ordering::Acquire) {
            true => Err(Error::Broken("a sync failed before; restart to see what is on disk".into())),
            false => Ok(()),
        }
    }

    /// Since when a sync is at work; `None` where none is.
    pub(super) fn syncing_since(&self) -> Option<Instant> {
        self.turn().syncing_since
    }

    /// Returns how many changes are on disk when so many are, calling `sync` where nobody else does: it puts there all that was
    /// changed until it is called. `written` gives how many were changed so far; a change is counted only after it can be synced.
    pub fn settle<E: From<Error>>(
        &self,
        changes: u64,
        written: &dyn Fn() -> u64,
        sync: &dyn Fn() -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut is_over = false;
        loop {
            let on_disk = self.on_disk();
            if on_disk >= changes {
                return Ok(on_disk);
            }
            self.check()?;
            let mut turn = self.turn();
            // Both are changed by who syncs, before it gives the turn back.
            if self.on_disk() > on_disk || self.check().is_err() {
                continue;
            }
            let taken = written();
            if turn.syncing_since.is_none() && (is_over || taken >= turn.wanted) {
                (turn.syncing_since, turn.is_gathering) = (Some(Instant::now()), false);
                drop(turn);
                let syncing = Syncing { commit: self, taken: None };
                sync()?;
                syncing.done(taken, written);
                continue;
            }
            turn.waiting.push(thread::current());
            // Both may wake for nothing: then they look and wait again.
            if turn.syncing_since.is_some() || turn.is_gathering {
                drop(turn);
                thread::park();
            } else {
                turn.is_gathering = true;
                drop(turn);
                is_over = self.gather();
            }
        }
    }

    /// Waits for another thread to sync; tells whether the time for that is over.
    fn gather(&self) -> bool {
        let began = Instant::now();
        thread::park_timeout(GATHER_MAX);
        let is_over = began.elapsed() >= GATHER_MAX;
        if !is_over {
            // Woken early: by the end of a sync, or for nothing. Somebody must gather in its place, if only itself.
            self.turn().is_gathering = false;
        }
        is_over
    }

    /// Gives the turn back and wakes all. So many changes, the first ones, are on disk; or the sync failed.
    fn end(&self, taken: Option<(u64, u64)>) {
        let mut turn = self.turn();
        turn.syncing_since = None;
        match taken {
            Some((taken, written)) => {
                let before = self.on_disk.swap(taken, Ordering::AcqRel);
                turn.wanted = taken + (written.max(taken) - before);
            }
            None => self.has_failed.store(true, Ordering::Release),
        }
        let waiting = std::mem::take(&mut turn.waiting);
        drop(turn);
        waiting.iter().for_each(Thread::unpark);
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sync at work. However it ends, by a panic too, the turn goes on: nobody waits for one that is not there any more.
struct Syncing<'c> {
    commit: &'c Commit,
    /// What it took to the disk, and what was written by then.
    taken: Option<(u64, u64)>,
}

impl Syncing<'_> {
    fn done(mut self, taken: u64, written: &dyn Fn() -> u64) {
        self.taken = Some((taken, written()));
    }
}

impl Drop for Syncing<'_> {
    fn drop(&mut self) {
        self.commit.end(self.taken);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn who_waits_at_once_shares_a_sync_and_who_has_nothing_to_wait_for_needs_none() {
        let (commit, written) = (Arc::new(Commit::default()), Arc::new(AtomicU64::new(0)));
        let syncs = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(std::sync::Barrier::new(8));

        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (commit, written, syncs, gate) =
                    (Arc::clone(&commit), Arc::clone(&written), Arc::clone(&syncs), Arc::clone(&gate));
                std::thread::spawn(move || {
                    let change = written.fetch_add(1, Ordering::SeqCst) + 1;
                    gate.wait();
                    let count = || -> Result<(), Error> {
                        syncs.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    };
                    commit.settle(change, &|| written.load(Ordering::SeqCst), &count).unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());

        // All had written before the first of them synced.
        assert_eq!((syncs.load(Ordering::SeqCst), commit.on_disk()), (1, 8));
        let needless = || -> Result<(), Error> { panic!("there is nothing to sync") };
        assert_eq!(commit.settle(8, &|| 8, &needless).unwrap(), 8);
    }

    #[test]
    fn a_sync_waits_for_as_many_as_the_last_one_had_and_no_longer_than_its_time() {
        let (commit, written) = (Commit::of(10), AtomicU64::new(12));
        let (written, sync) = (|| written.load(Ordering::SeqCst), || -> Result<(), Error> { Ok(()) });
        assert_eq!(commit.settle(11, &written, &sync).unwrap(), 12, "what is written beside is on disk, too");
        assert_eq!(commit.turn().wanted, 14);

        let began = Instant::now();
        assert_eq!(commit.settle(13, &|| 13, &sync).unwrap(), 13, "one who is alone is not kept waiting for good");
        assert!(began.elapsed() >= GATHER_MAX, "and is kept waiting for the second");
        assert_eq!(commit.turn().wanted, 14, "the next one goes on at once");
    }

    #[test]
    fn what_many_write_at_once_is_on_disk_when_each_goes_on_and_in_fewer_syncs() {
        let (commit, written, on_disk) = (Commit::default(), AtomicU64::new(0), AtomicU64::new(0));
        let (counted, syncs) = (|| written.load(Ordering::SeqCst), AtomicU64::new(0));
        let sync = || -> Result<(), Error> {
            let _ = syncs.fetch_add(1, Ordering::SeqCst);
            let taken = counted();
            std::thread::sleep(Duration::from_micros(100));
            let _ = on_disk.fetch_max(taken, Ordering::SeqCst);
            Ok(())
        };

        std::thread::scope(|scope| {
            for _ in 0..8 {
                let _ = scope.spawn(|| {
                    for _ in 0..200 {
                        let change = written.fetch_add(1, Ordering::SeqCst) + 1;
                        let settled = commit.settle(change, &counted, &sync).unwrap();
                        assert!(settled >= change && on_disk.load(Ordering::SeqCst) >= settled);
                    }
                });
            }
        });

        assert_eq!(commit.on_disk(), 1_600);
        assert!(syncs.load(Ordering::SeqCst) < 800, "{} syncs", syncs.load(Ordering::SeqCst));
    }

    #[test]
    fn who_waits_for_a_sync_that_panics_is_told_that_it_failed() {
        let (commit, has_begun) = (Commit::default(), std::sync::Barrier::new(2));
        let panics = || -> Result<(), Error> {
            has_begun.wait();
            // The other one waits by now, or comes when it is over.
            std::thread::sleep(Duration::from_millis(20));
            panic!("sled gave up")
        };

        std::thread::scope(|scope| {
            let first = scope.spawn(|| commit.settle(1, &|| 1, &panics));
            has_begun.wait();
            assert!(commit.settle(2, &|| 2, &|| Ok::<(), Error>(())).is_err());
            assert!(first.join().is_err());
        });
        assert!(commit.check().is_err());
    }

    #[test]
    fn after_a_failed_sync_nothing_is_promised_any_more() {
        let commit = Commit::default();
        let full = || -> Result<(), Error> { Err(Error::Full) };

        assert!(commit.settle(1, &|| 1, &full).is_err());
        assert!(commit.settle(2, &|| 2, &|| Ok::<(), Error>(())).is_err());
        assert!(commit.check().is_err());
    }
}
