//! Files written whole (a temporary file, fsync, rename, fsync of the folder), and files that only grow.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, disk};

/// Makes a folder inside the data folder (mode 0700), durably, where it is not there.
pub fn make_folder(path: &Path) -> Result<(), Error> {
    disk::make_folder(path)?;
    Ok(disk::sync_folder_of(path)?)
}

/// Reads a file whole; `None` where it is not there.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Replaces a file atomically (mode 0600); it is on disk when this returns. Writers of one path take turns.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    replace(path, bytes)?;
    Ok(())
}

/// Replaces a file as [`write()`] does, and then writes zeros over the old bytes: for keys. Whether the medium keeps another
/// copy (a snapshot, a flash cell) is beyond us.
pub fn write_over(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let old = disk::open(path)?;
    replace(path, bytes)?;
    old.map_or(Ok(()), wipe)
}

/// Gives a file that was written and synced its name, in the same folder; the name is on disk when this returns.
pub fn put_in_place(file: &Path, name: &Path) -> Result<(), Error> {
    disk::rename(file, name)?;
    Ok(disk::sync_folder_of(name)?)
}

/// Removes a file, and fsyncs its folder; `false` where it was not there. Then its bytes are written over with zeros, and so
/// are those of a temporary file that a crash left.
pub fn remove(path: &Path) -> Result<bool, Error> {
    let mut old = Vec::new();
    for path in [path.to_owned(), temporary(path)] {
        if let Some(file) = disk::open(&path)? {
            disk::remove(&path)?;
            old.push(file);
        }
    }
    // Only now: zeros under a name that comes back after a crash would read as a damaged file.
    disk::sync_folder_of(path)?;
    let was_there = !old.is_empty();
    old.into_iter().try_for_each(wipe)?;
    Ok(was_there)
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = temporary(path);
    let file = disk::make(&temporary)?;
    let written = disk::write_at(&file, bytes, 0).and_then(|()| disk::sync(&file));
    fail::fail_point!("file written");
    if let Err(error) = written.and_then(|()| disk::rename(&temporary, path)) {
        // The old file stands. A half-written temporary one only takes room; the next write replaces it.
        let _ = fs::remove_file(&temporary);
        return Err(error.into());
    }
    fail::fail_point!("file renamed");
    Ok(disk::sync_folder_of(path)?)
}

/// One name for each path, so that what a crash left is found again, and written over, by the next write or removal.
fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn wipe(old: File) -> Result<(), Error> {
    let len = usize::try_from(old.metadata()?.len()).unwrap_or(0);
    disk::write_at(&old, &vec![0; len], 0)?;
    Ok(disk::sync(&old)?)
}

/// A file that only grows (mode 0600). What was appended counts once [`Syncer::sync`] has returned.
pub struct Growing {
    path: PathBuf,
    file: File,
    /// Bytes that were written whole; the file may be longer after a failed write, and then is cut.
    len: u64,
    /// Set where a half-written end could not be cut off: what follows it would not read.
    is_broken: bool,
}

impl Growing {
    /// Opens the file, or makes it durably.
    pub fn open(path: &Path) -> Result<Growing, Error> {
        let is_new = !path.exists();
        let file = disk::open_or_make(path)?;
        if is_new {
            disk::sync(&file)?;
            disk::sync_folder_of(path)?;
        }
        let len = file.metadata()?.len();
        Ok(Growing { path: path.to_owned(), file, len, is_broken: false })
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Writes at the end; where that fails, the file is as it was.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.check_sound()?;
        if let Err(error) = disk::write_at(&self.file, bytes, self.len) {
            self.cut(self.len)?;
            return Err(error.into());
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// What syncs this file, also while others append to it.
    pub fn syncer(&self) -> Result<Syncer, Error> {
        Ok(Syncer(self.file.try_clone()?))
    }

    /// Cuts the file to a length, durably.
    pub fn cut(&mut self, len: u64) -> Result<(), Error> {
        if let Err(error) = disk::set_len(&self.file, len).and_then(|()| disk::sync(&self.file)) {
            self.is_broken = true;
            return Err(error.into());
        }
        self.len = len;
        Ok(())
    }

    /// Another handle for reading what is there, for example while others append.
    pub fn reader(&self) -> Result<File, Error> {
        Ok(File::open(&self.path)?)
    }

    fn check_sound(&self) -> Result<(), Error> {
        if self.is_broken {
            let why = format!("the end of {} could not be mended; restart to do it again", self.path.display());
            return Err(Error::Broken(why.into()));
        }
        Ok(())
    }
}

/// Syncs a growing file.
pub struct Syncer(File);

impl Syncer {
    /// Returns when everything appended before the call is on disk. After a failure the kernel may have dropped what was
    /// not, so a second try proves nothing: stop, and open the file again.
    pub fn sync(&self) -> Result<(), Error> {
        Ok(disk::sync_data(&self.0)?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");

        write(&path, b"first, longer").unwrap();
        write(&path, b"second").unwrap();

        assert_eq!(read(&path).unwrap().unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_written_over_is_zeros_in_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write(&path, b"an old key").unwrap();
        let mut old = File::open(&path).unwrap();

        write_over(&path, b"none").unwrap();

        let mut left = Vec::new();
        old.read_to_end(&mut left).unwrap();
        assert_eq!(left, [0; 10]);
        assert_eq!(read(&path).unwrap().unwrap(), b"none");
    }

    #[test]
    fn a_removed_file_takes_what_a_crash_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write(&path, b"key").unwrap();
        write(&folder.path().join("keys.new"), b"half a k").unwrap();

        assert!(remove(&path).unwrap());

        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(!remove(&path).unwrap());
    }

    #[test]
    fn a_failed_replacement_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        write(&path, b"key").unwrap();
        fs::create_dir(temporary(&path)).unwrap();

        assert!(write(&path, b"another").is_err());

        assert_eq!(read(&path).unwrap().unwrap(), b"key");
    }

    #[test]
    fn a_growing_file_is_cut_where_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Growing::open(&folder.path().join("leaves")).unwrap();
        file.append(b"one\ntw").unwrap();
        file.syncer().unwrap().sync().unwrap();

        file.cut(4).unwrap();
        file.append(b"two\n").unwrap();

        assert_eq!(read(&folder.path().join("leaves")).unwrap().unwrap(), b"one\ntwo\n");
        assert_eq!(Growing::open(&folder.path().join("leaves")).unwrap().len(), 8);
    }
}
