//! One fsync for everybody who waits: what several threads changed at once is made durable together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;

/// What was changed, and what of it is on disk.
#[derive(Default)]
pub(super) struct Commit {
    /// Changes made so far. Counted up only after a change stands in sled's log.
    written: AtomicU64,
    settled: Mutex<Settled>,
    /// Told whenever a sync ends.
    ended: Condvar,
}

#[derive(Default)]
struct Settled {
    /// So many changes, the first ones, are on disk.
    changes: u64,
    /// Whether a thread is syncing; the others wait for it and share the next sync.
    is_syncing: bool,
    /// Set by a failed sync: the kernel may have dropped the pages, so nothing after it can be promised.
    has_failed: bool,
}

impl Commit {
    /// Counts a change that was written; gives how many there are now.
    pub(super) fn wrote(&self) -> u64 {
        self.written.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How many changes were written.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Returns when so many changes are on disk, calling `sync` where nobody else does: it puts on
    /// disk all that was changed until it is called.
    pub(super) fn settle(&self, changes: u64, sync: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
        let mut settled = self.settled();
        loop {
            if settled.changes >= changes {
                return Ok(());
            }
            if settled.has_failed {
                return Err(Error::Broken("a sync failed before; restart to see what is on disk".into()));
            }
            if settled.is_syncing {
                settled = self.ended.wait(settled).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            settled.is_syncing = true;
            drop(settled);
            let written = self.written();
            let synced = sync();
            settled = self.settled();
            settled.is_syncing = false;
            match &synced {
                Ok(()) => settled.changes = written,
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn who_waits_at_once_shares_a_sync_and_who_has_nothing_to_wait_for_needs_none() {
        let commit = Commit::default();
        let (commit, syncs) = (Arc::new(commit), Arc::new(AtomicUsize::new(0)));
        let gate = Arc::new(std::sync::Barrier::new(8));

        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (commit, syncs, gate) = (Arc::clone(&commit), Arc::clone(&syncs), Arc::clone(&gate));
                std::thread::spawn(move || {
                    let change = commit.wrote();
                    gate.wait();
                    let count = || {
                        syncs.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    };
                    commit.settle(change, count).unwrap();
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());

        // All had written before the first of them synced.
        assert_eq!(syncs.load(Ordering::SeqCst), 1);
        commit.settle(commit.written(), || panic!("there is nothing to sync")).unwrap();
    }

    #[test]
    fn after_a_failed_sync_nothing_is_promised_any_more() {
        let commit = Commit::default();

        let first = commit.wrote();
        assert!(commit.settle(first, || Err(Error::Full)).is_err());
        let second = commit.wrote();
        assert!(commit.settle(second, || Ok(())).is_err());
    }
}
