//! What sled leaves undone when it has "flushed", and what tells that its files are older than what stands beside them.
//!
//! sled 0.34 ends a flush with `sync_file_range(2)`, which writes neither the file's length nor the disk's own cache: after a
//! power cut an appended record may be gone. Its blobs, values too long for a segment, it does not sync at all. So both are
//! synced here, before anything is acknowledged.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Error, durable};

/// sled's files.
pub(super) struct Synced {
    db: File,
    blobs: PathBuf,
    /// Blobs that are on disk. None is written twice.
    known: Mutex<HashSet<std::ffi::OsString>>,
    /// Set by a failed sync: the kernel may have dropped what was not on disk, so nothing after it can be promised.
    has_failed: AtomicBool,
}

impl Synced {
    /// Of the folder that sled has just opened.
    pub(super) fn open(state: &Path) -> Result<Synced, Error> {
        let (db, blobs) = (File::open(state.join("db"))?, state.join("blobs"));
        let synced = Synced { db, blobs, known: Mutex::default(), has_failed: AtomicBool::new(false) };
        synced.sync()?;
        // The names of both, once: neither is replaced.
        File::open(state)?.sync_all()?;
        Ok(synced)
    }

    /// Returns when all that sled has written is on disk. After a failure it fails for good.
    pub(super) fn sync(&self) -> Result<(), Error> {
        if self.has_failed.load(Ordering::SeqCst) {
            return Err(Error::Broken("the data folder could not be synced; restart to read it again".into()));
        }
        let synced = self.sync_blobs().and_then(|()| self.db.sync_data());
        if synced.is_err() {
            self.has_failed.store(true, Ordering::SeqCst);
        }
        Ok(synced?)
    }

    fn sync_blobs(&self) -> io::Result<()> {
        let entries = match fs::read_dir(&self.blobs) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_new = false;
        for entry in entries {
            let name = entry?.file_name();
            if !known.contains(&name) {
                match File::open(self.blobs.join(&name)) {
                    Ok(file) => file.sync_all()?,
                    // sled has done with it already.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                }
                known.insert(name);
                has_new = true;
            }
        }
        if has_new { File::open(&self.blobs)?.sync_all() } else { Ok(()) }
    }
}

/// How often the folder was opened, in a file beside sled's. sled is told first, so it never knows of less.
const OPENED: &str = "opened";

/// Reads how often the folder was opened, as the file says; 0 where there is none.
pub(super) fn opened(folder: &Path) -> Result<u64, Error> {
    let Some(bytes) = durable::read(&folder.join(OPENED))? else { return Ok(0) };
    let text = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
    text.ok_or_else(|| Error::Broken(format!("{} is damaged", folder.join(OPENED).display()).into()))
}

/// Writes it.
pub(super) fn set_opened(folder: &Path, times: u64) -> Result<(), Error> {
    durable::write(&folder.join(OPENED), format!("{times}\n").as_bytes())
}
