//! Wakes those who wait for a sync that nobody will end.
//!
//! sled 0.34 wakes who waits for its log to reach the disk when a write has ended. Where one fails that it does on a thread of
//! its own (`Log::exit_reservation`), it notes the error and wakes nobody: who waits by then would wait for good, and with
//! them everybody who comes after. Any later flush sees the error and wakes them all, so one is asked for whenever a sync
//! takes long. On a disk that is only slow it writes what is to be written anyway. It must not be kept out by a batch that
//! waits for the flush in sled's own lock: batches wait before it ([`super::Store::batch`]).

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::Commit;

/// How long a sync may take until it is nudged for the first time; after that, twice as long each time.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How often in that time it is looked at.
const LOOKS: u32 = 2;

/// Looks after the syncs of a commit for as long as it is there. Each nudge has a thread of its own, for it may come to wait
/// with the others.
pub(super) fn watch(
    commit: &Arc<Commit>,
    patience: Duration,
    nudge: impl Fn() + Send + Sync + 'static,
) -> io::Result<()> {
    let (commit, nudge) = (Arc::downgrade(commit), Arc::new(nudge));
    let watching = move || {
        let mut last: Option<(Instant, Duration)> = None;
        while let Some(commit) = Weak::upgrade(&commit) {
            let began = commit.syncing_since();
            drop(commit);
            last = began.map(|began| match last {
                Some((same, after)) if same == began => (began, after),
                Some(_) | None => (began, patience),
            });
            if let Some((began, after)) = last.filter(|(began, after)| began.elapsed() >= *after) {
                let nudge = Arc::clone(&nudge);
                // Where no thread can be had now, there may be one when it is looked at again.
                let is_nudged = named("store-nudged", move || nudge()).is_ok();
                last = Some((began, if is_nudged { after * 2 } else { after }));
            }
            thread::sleep(patience / LOOKS);
        }
    };
    named("store-nudge", watching)
}

fn named(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};

    use super::super::Error;
    use super::*;

    /// Waits as in sled: until somebody wakes it, and then it sees that a write has failed.
    #[derive(Default)]
    struct Waits {
        flushes: AtomicUsize,
        has_failed: Mutex<bool>,
        woken: Condvar,
    }

    impl Waits {
        /// The third flush finds the error: those before it wait for good without one.
        fn flush(&self) -> Result<(), Error> {
            let mut has_failed = self.has_failed.lock().unwrap();
            if self.flushes.fetch_add(1, Ordering::SeqCst) == 2 {
                *has_failed = true;
                self.woken.notify_all();
            }
            drop(self.woken.wait_while(has_failed, |has_failed| !*has_failed).unwrap());
            Err(Error::Full)
        }
    }

    #[test]
    fn who_waits_for_a_sync_that_nobody_will_end_is_woken_though_the_first_nudge_waits_too() {
        let (commit, waits) = (Arc::new(Commit::default()), Arc::new(Waits::default()));
        let nudged = Arc::clone(&waits);
        watch(&commit, Duration::from_millis(10), move || drop(nudged.flush())).unwrap();

        std::thread::scope(|scope| {
            let settle = |change| commit.settle(change, &|| 2, &|| waits.flush());
            let both = [1, 2].map(|change| scope.spawn(move || settle(change)));
            both.into_iter().for_each(|one| drop(one.join().unwrap().unwrap_err()));
        });

        assert_eq!(waits.flushes.load(Ordering::SeqCst), 3);
        assert!(commit.check().is_err(), "and nothing is promised any more");
    }

    #[test]
    fn a_sync_that_ends_in_its_time_is_not_nudged_and_who_looks_after_it_goes_with_it() {
        let commit = Arc::new(Commit::default());
        let nudge = Arc::new(());
        let held = Arc::clone(&nudge);
        watch(&commit, Duration::from_millis(50), move || panic!("nudged with {held:?}")).unwrap();

        for change in 1..20 {
            let sync = || -> Result<(), Error> {
                std::thread::sleep(Duration::from_millis(5));
                Ok(())
            };
            commit.settle(change, &|| change, &sync).unwrap();
        }

        drop(commit);
        let began = Instant::now();
        while Arc::strong_count(&nudge) > 1 {
            assert!(began.elapsed() < Duration::from_secs(10), "nobody is left to look after");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
