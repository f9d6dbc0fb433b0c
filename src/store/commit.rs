//! One fsync for everybody who waits: what several threads changed at once is made durable together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Error;

/// How long a sync is put off for those whom the one before it let go on. They write their next change at once, and would else
/// wait for this sync and then for one of their own; a disk takes milliseconds for each.
const GATHER_MAX: Duration = Duration::from_micros(200);

/// Which changes are on disk, counted from the first one, and whose turn it is to put more there.
#[derive(Default)]
pub struct Commit {
    settled: Mutex<Settled>,
    /// Told whenever a sync ends.
    ended: Condvar,
}

#[derive(Default)]
struct Settled {
    /// So many changes, the first ones, are on disk.
    changes: u64,
    /// How many of them the last sync took there.
    together: u64,
    /// Whether a thread is syncing; the others wait for it and share the next sync.
    is_syncing: bool,
    /// Set by a failed sync: the kernel may have dropped the pages, so nothing after it can be promised.
    has_failed: bool,
}

impl Commit {
    /// Of so many changes that are on disk already.
    pub fn of(changes: u64) -> Commit {
        Commit { settled: Mutex::new(Settled { changes, ..Settled::default() }), ended: Condvar::new() }
    }

    /// How many changes, the first ones, a power cut cannot undo.
    pub fn on_disk(&self) -> u64 {
        self.settled().changes
    }

    /// An error where a sync has failed: then nothing more can be promised.
    pub fn check(&self) -> Result<(), Error> {
        match self.settled().has_failed {
            true => Err(failed_before()),
            false => Ok(()),
        }
    }

    /// Returns how many changes are on disk when so many are, calling `sync` where nobody else does: it puts there all that was
    /// changed until it is called. `written` gives how many were changed so far; a change is counted only after it can be synced.
    pub fn settle<E: From<Error>>(
        &self,
        changes: u64,
        written: &dyn Fn() -> u64,
        sync: &dyn Fn() -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut settled = self.settled();
        loop {
            if settled.changes >= changes {
                return Ok(settled.changes);
            }
            if settled.has_failed {
                return Err(failed_before().into());
            }
            if settled.is_syncing {
                settled = self.ended.wait(settled).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            settled.is_syncing = true;
            let wanted = settled.changes + settled.together;
            drop(settled);
            let began = Instant::now();
            let written = gathered(wanted, written, &|| began.elapsed() >= GATHER_MAX);
            let synced = sync();
            settled = self.settled();
            settled.is_syncing = false;
            match &synced {
                Ok(()) => {
                    settled.together = written - settled.changes;
                    settled.changes = written;
                }
                Err(_) => settled.has_failed = true,
            }
            self.ended.notify_all();
            synced?;
        }
    }

    fn settled(&self) -> MutexGuard<'_, Settled> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many changes were written, once there are as many as wanted, or the time for that is over.
fn gathered(wanted: u64, written: &dyn Fn() -> u64, is_over: &dyn Fn() -> bool) -> u64 {
    loop {
        let changes = written();
        if changes >= wanted || is_over() {
            return changes;
        }
        std::thread::yield_now();
    }
}

fn failed_before() -> Error {
    Error::Broken("a sync failed before; restart to see what is on disk".into())
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
    fn a_sync_waits_for_as_many_as_are_wanted_and_no_longer_than_its_time() {
        let looks = AtomicU64::new(0);
        let one_more_each_time = || looks.fetch_add(1, Ordering::SeqCst) + 3;

        assert_eq!(gathered(5, &one_more_each_time, &|| false), 5);
        assert_eq!(gathered(6, &|| 5, &|| true), 5, "one who is alone is not kept waiting for good");

        let (commit, sync) = (Commit::default(), || -> Result<(), Error> { Ok(()) });
        assert_eq!(commit.settle(1, &|| 2, &sync).unwrap(), 2, "what is written beside is on disk, too");
        assert_eq!(commit.settle(3, &|| 3, &sync).unwrap(), 3);
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
