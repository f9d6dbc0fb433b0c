//! One fsync for everybody who waits: what several threads changed at once is made durable together.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Error;

/// The file that sled appends to, in its folder.
const LOG: &str = "db";

/// What was changed, and what of it is on disk.
pub(super) struct Commit {
    /// sled itself ends a flush with `sync_file_range`, which promises nothing after a power cut (sync_file_range(2)).
    file: File,
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
    /// Over the folder of an open sled.
    pub(super) fn open(folder: &Path) -> Result<Commit, Error> {
        let file = File::open(folder.join(LOG))?;
        Ok(Commit { file, written: AtomicU64::new(0), settled: Mutex::default(), ended: Condvar::new() })
    }

    /// Counts a change that was written; gives how many there are now.
    pub(super) fn wrote(&self) -> u64 {
        self.written.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// How many changes were written.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::SeqCst)
    }

    /// Returns when so many changes are on disk, syncing where nobody else does. `write_out` hands to the file what sled still
    /// has in memory.
    pub(super) fn settle(&self, changes: u64, write_out: impl Fn() -> Result<(), Error>) -> Result<(), Error> {
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
            let synced = write_out().and_then(|()| Ok(self.file.sync_data()?));
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

    fn commit() -> (tempfile::TempDir, Commit) {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join(LOG)).unwrap();
        let commit = Commit::open(folder.path()).unwrap();
        (folder, commit)
    }

    #[test]
    fn who_waits_at_once_shares_a_sync_and_who_has_nothing_to_wait_for_needs_none() {
        let (_folder, commit) = commit();
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
        let (_folder, commit) = commit();

        let first = commit.wrote();
        assert!(commit.settle(first, || Err(Error::Full)).is_err());
        let second = commit.wrote();
        assert!(commit.settle(second, || Ok(())).is_err());
    }
}
