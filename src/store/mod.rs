//! Typed trees and durable files: the only room that writes our state.
//!
//! Records stand in trees: a [`Tree`] has a name, keys of one type and values of another. Below it is sled, which its own
//! README calls beta, so nothing is left to trust: every change is fsynced before the call that made it returns, and
//! every record carries a version and a checksum over its tree, its key and its bytes, so that a record which was
//! damaged, or which stands where it was not put, is an [`Error::Unreadable`] and never a wrong answer.
//!
//! What must really vanish when it is removed (wrapped keys), and what must be provable (the audit log), stands in files
//! of its own, written by [`durable`]: a log-structured store keeps the bytes of what was deleted.
//!
//! Always true here:
//! - When a change returns `Ok`, a power cut cannot undo it; when it returns `Err`, it may or may not be there after a
//!   restart, but never in part. Only an [`Unsettled`] one is seen before that, and whoever made it has one to settle.
//! - Who waits for the disk at once shares an fsync.
//! - A batch, or [`Changes`] over several trees, is all or nothing.
//! - One process has the folder. The second is told so.
//! - A copy ([`Store::copy`]) is of one moment, though everybody goes on writing while it is taken.
//! - After a failed sync nothing is acknowledged until the folder is opened again, and nobody waits for one for good.
//! - Nearly full is full: the last [`RESERVE_BYTES`] are kept for removals, because sled does not recover from a write
//!   that the disk refused.
//!
//! Uses: nothing of ours; keeps `sled`. Begin at [`Store`].

mod commit;
mod copy;
mod disk;
pub mod durable;
mod ended;
mod key;
mod nudge;
#[cfg(test)]
pub mod power;
mod record;
mod synced;
#[cfg(test)]
mod tests;
mod tree;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

pub use commit::Commit;
pub use copy::{Filling, Part};
pub use ended::Ended;
pub use key::{Key, first_of};
pub use record::Record;
pub(crate) use record::json_record;
pub use tree::{Batch, Changes, Tree};

/// Free bytes below which the file system counts as full. Two of sled's segments and an audit batch fit many times.
const RESERVE_BYTES: u64 = 64 * 1024 * 1024;

/// What sled may keep in memory of what it read, in bytes. Its default is a gibibyte, which the model needs more.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Sequence numbers that are reserved by one write. After a crash at most so many are skipped.
const SEQUENCE_BLOCK: u64 = 256;

/// A lock that another holds is asked for so often, with so long between: a second in all.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The data folder and its trees. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    open: Arc<Open>,
}

/// What every clone, and every tree, shares. The lock is released when the last of them is gone.
struct Open {
    folder: PathBuf,
    db: sled::Db,
    /// Its files, synced by us.
    synced: synced::Synced,
    /// Changes made so far. Counted up only after a change stands in sled's log.
    written: AtomicU64,
    /// Who waits for a sync, and shares one.
    commit: Arc<Commit>,
    /// Held for reading by who flushes and for writing by who makes a batch, which sled lets nobody do at once. Waiting here and
    /// not in sled, a batch does not keep those out who come to wake a flush that will not end.
    batching: RwLock<()>,
    /// Free bytes below which the file system counts as full; a test may raise it.
    reserve_bytes: u64,
    /// The next number to give, and the first one that is not reserved on disk yet.
    sequence: Mutex<(u64, u64)>,
    /// In tests: how many more changes are kept before all of them fail, as if the machine had lost its power.
    #[cfg(test)]
    changes_left: std::sync::atomic::AtomicU64,
    /// What is written while a copy is taken. Every change holds it for reading; whoever has it for writing is alone.
    copying: RwLock<Option<Mutex<copy::Journal>>>,
    /// Held for as long as the folder is ours. Last, so that sled is closed before it is released.
    _lock: File,
}

/// What can go wrong with stored state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder is in use by another process.
    #[error("{0} is in use by another sotto; stop it first")]
    InUse(PathBuf),
    /// A restore into this folder was broken off.
    #[error("the restore into {0} was broken off; remove the folder and restore again")]
    Unfinished(PathBuf),
    /// What the trees hold is of an earlier start than what stands beside them.
    #[error("{0} is older than what stands beside it: an old copy was put back, or its end was lost; restore a backup")]
    Older(PathBuf),
    /// A record does not read: damaged, or of a version this binary does not know.
    #[error("a record of {tree} cannot be read: {why}")]
    Unreadable {
        /// The tree it stands in.
        tree: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The disk is full: what was asked for was not kept, and nothing kept before is lost.
    #[error("the disk is full; free some space in the data folder's file system")]
    Full,
    /// Anything else.
    #[error("the data folder cannot be read or written")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For [`Record::read`], which does not know its tree: the tree puts its name in.
    pub fn unreadable(why: &'static str) -> Error {
        Error::Unreadable { tree: "", why }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if is_full { Error::Full } else { Error::Broken(Box::new(error)) }
    }
}

impl From<sled::Error> for Error {
    fn from(error: sled::Error) -> Error {
        if let sled::Error::Io(error) = error { Error::from(error) } else { Error::Broken(Box::new(error)) }
    }
}

/// Tries again for as long as the error is one that passes by itself. A file lock outlives its last handle for a moment:
/// a child process holds it from `fork` until `exec`, and sled's pool until its last task has ended.
fn patiently<T, E>(mut attempt: impl FnMut() -> Result<T, E>, passes: impl Fn(&E) -> bool) -> Result<T, E> {
    for _ in 0..LOCK_ATTEMPTS {
        match attempt() {
            Err(error) if passes(&error) => thread::sleep(LOCK_PAUSE),
            other => return other,
        }
    }
    attempt()
}

/// Whether sled says that its file is locked; it gives that no kind of its own.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}

impl Store {
    /// Opens or makes the data folder (mode 0700). One process at a time.
    pub fn open(folder: &Path) -> Result<Store, Error> {
        Store::open_with_reserve(folder, RESERVE_BYTES)
    }

    fn open_with_reserve(folder: &Path, reserve_bytes: u64) -> Result<Store, Error> {
        make_private(folder)?;
        // Half a state would open, and be taken for the whole.
        if folder.join(copy::UNFINISHED).exists() {
            return Err(Error::Unfinished(folder.to_owned()));
        }
        let store = Store::open_as_it_is(folder, reserve_bytes)?;
        store.check_age()?;
        Ok(store)
    }

    /// Refuses trees that have forgotten starts which the folder remembers, and counts this one.
    fn check_age(&self) -> Result<(), Error> {
        let counters: Tree<String, u64> = self.tree("counters")?;
        let (key, folder) = ("opened".to_owned(), self.folder());
        let (known, said) = (counters.get(&key)?.unwrap_or(0), synced::opened(folder)?);
        if known < said {
            return Err(Error::Older(folder.join("state")));
        }
        // A full disk must not keep it from being opened: what is there is to be read, and removed.
        counters.put_on_reserve(&key, &(known + 1))?;
        match synced::set_opened(folder, known + 1) {
            Ok(()) | Err(Error::Full) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn open_as_it_is(folder: &Path, reserve_bytes: u64) -> Result<Store, Error> {
        let folder = folder.canonicalize()?;
        let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(folder.join("lock"))?;
        match patiently(|| lock.try_lock(), |error| matches!(error, fs::TryLockError::WouldBlock)) {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::InUse(folder)),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let state = folder.join("state");
        make_private(&state)?;
        let config = sled::Config::new()
            .path(&state)
            .cache_capacity(CACHE_BYTES)
            // Its flush thread only logs a failed fsync; every change is flushed by the call that makes it.
            .flush_every_ms(None);
        // The folder is ours already, so whoever holds sled's own lock is on the way out.
        let db = patiently(|| config.open(), is_locked)?;
        let synced = synced::Synced::open(&state)?;
        let open = Open {
            folder,
            db,
            synced,
            written: AtomicU64::new(0),
            commit: Arc::default(),
            batching: RwLock::default(),
            reserve_bytes,
            sequence: Mutex::new((0, 0)),
            #[cfg(test)]
            changes_left: u64::MAX.into(),
            copying: RwLock::new(None),
            _lock: lock,
        };
        let open = Arc::new(open);
        let flushed = Arc::downgrade(&open);
        nudge::watch(&open.commit, nudge::PATIENCE, move || {
            // What it says is said to those who wait as well.
            let _ = flushed.upgrade().map(|open| open.db.flush());
        })?;
        Ok(Store { open })
    }

    /// From now on so many changes are kept, and each one after them fails.
    #[cfg(test)]
    pub fn fail_after(&self, changes: u64) {
        self.open.changes_left.store(changes, std::sync::atomic::Ordering::SeqCst);
    }

    /// Called before each change. In tests it may be the one that fails.
    fn begin_change(&self) -> Result<(), Error> {
        #[cfg(test)]
        {
            use std::sync::atomic::Ordering::SeqCst;
            let left = self.open.changes_left.fetch_update(SeqCst, SeqCst, |left| match left {
                u64::MAX => Some(left),
                left => Some(left.saturating_sub(1)),
            });
            if left == Ok(0) {
                return Err(Error::Broken("this test lets no more changes be kept".into()));
            }
        }
        Ok(())
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.open.folder
    }

    /// One tree, by its name, which never changes once shipped.
    pub fn tree<K: Key, V: Record>(&self, name: &'static str) -> Result<Tree<K, V>, Error> {
        Ok(Tree::new(self.clone(), self.open.db.open_tree(name)?, name))
    }

    /// The next number of a sequence that only grows, also over a restart and a crash; it begins at 1 and may have gaps.
    pub fn next_sequence(&self) -> Result<u64, Error> {
        let mut sequence = self.open.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, reserved) = *sequence;
        if next < reserved {
            sequence.0 = next + 1;
            return Ok(next);
        }
        let counters: Tree<String, u64> = self.tree("counters")?;
        let first = counters.get(&"sequence".to_owned())?.unwrap_or(1);
        let reserved = first + SEQUENCE_BLOCK;
        counters.put(&"sequence".to_owned(), &reserved)?;
        *sequence = (first + 1, reserved);
        Ok(first)
    }

    /// Makes all changes, over all their trees, or none; they are on disk when this returns.
    pub fn make(&self, changes: Changes) -> Result<(), Error> {
        self.write(changes)?.settle()
    }

    /// Makes all changes, over all their trees, or none: others see them at once, and a power cut can undo them until they are
    /// settled. What is changed after them is on disk only where they are, too.
    pub fn write(&self, changes: Changes) -> Result<Unsettled, Error> {
        if changes.is_empty() {
            return Ok(Unsettled { store: self.clone(), change: 0 });
        }
        changes.write(self)?;
        Ok(Unsettled { store: self.clone(), change: self.wrote() })
    }

    /// Returns when everything that was changed until now is on disk.
    pub fn settle(&self) -> Result<(), Error> {
        self.settle_until(self.written())
    }

    fn settle_until(&self, change: u64) -> Result<(), Error> {
        fail::fail_point!("store applied");
        let sync = || {
            let flushing = self.open.batching.read().unwrap_or_else(PoisonError::into_inner);
            self.open.db.flush()?;
            drop(flushing);
            self.open.synced.sync()
        };
        let _on_disk: u64 = self.open.commit.settle(change, &|| self.written(), &sync)?;
        fail::fail_point!("store flushed");
        Ok(())
    }

    /// Whether something could be kept now: there is room, and a small file was written and fsynced.
    pub fn probe(&self) -> Result<(), Error> {
        self.check_room()?;
        durable::write(&self.open.folder.join("probe"), b"could be written\n")
    }

    /// Bytes that are free in the data folder's file system, and all of it; `None` where it cannot be asked.
    pub fn room(&self) -> Option<(u64, u64)> {
        let space = rustix::fs::statvfs(&self.open.folder).ok()?;
        Some((space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize)))
    }

    /// Refuses what would add to the disk where little of it is left.
    fn check_room(&self) -> Result<(), Error> {
        // Where the file system cannot be asked, the write itself will tell.
        match self.room() {
            Some((free, _)) if free < self.open.reserve_bytes => Err(Error::Full),
            Some(_) | None => Ok(()),
        }
    }

    fn flush(&self) -> Result<(), Error> {
        self.settle_until(self.wrote())
    }

    /// Makes a batch of sled's while nobody flushes.
    fn batch<T>(&self, make: impl FnOnce() -> T) -> T {
        let _alone = self.open.batching.write().unwrap_or_else(PoisonError::into_inner);
        make()
    }

    /// Counts a change that was written; gives how many there are now.
    fn wrote(&self) -> u64 {
        self.open.written.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn written(&self) -> u64 {
        self.open.written.load(Ordering::SeqCst)
    }
}

/// A change that is seen and not yet on disk. Nobody may be told that it was made before it is settled.
#[must_use = "a change is acknowledged only after it is settled"]
pub struct Unsettled {
    store: Store,
    change: u64,
}

impl Unsettled {
    /// Returns when a power cut cannot undo the change.
    pub fn settle(self) -> Result<(), Error> {
        self.store.settle_until(self.change)
    }
}

/// Makes a folder that only we may enter, with those above it; tightens it where it is ours alone.
fn make_private(folder: &Path) -> Result<(), Error> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    // A folder full of other things (`--data /tmp`) is not ours to close to its other users.
    let is_ours = folder.join("lock").exists() || fs::read_dir(folder)?.next().is_none();
    if mode & 0o077 != 0 && is_ours {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
