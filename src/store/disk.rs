//! Every way in which a durable file touches the disk. A test notes what is done here, and plays a power cut after each step
//! (see `power`).

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

#[cfg(test)]
use super::power::{Deed, note, number};

/// Makes a file anew, empty (mode 0600).
pub(super) fn make(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    #[cfg(test)]
    note(|| Deed::Make(path.to_owned(), number(&file)));
    Ok(file)
}

/// Opens a file for reading and writing, or makes it (mode 0600).
pub(super) fn open_or_make(path: &Path) -> io::Result<File> {
    #[cfg(test)]
    let is_new = !path.exists();
    let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    #[cfg(test)]
    if is_new {
        note(|| Deed::Make(path.to_owned(), number(&file)));
    }
    Ok(file)
}

/// Opens a file for writing; `None` where it is not there.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    match File::options().write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes bytes at a place.
pub(super) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.write_all_at(bytes, at)?;
    #[cfg(test)]
    note(|| Deed::Write(number(file), at, bytes.to_vec()));
    Ok(())
}

/// Gives a file a length.
pub(super) fn set_len(file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)?;
    #[cfg(test)]
    note(|| Deed::Length(number(file), len));
    Ok(())
}

/// Returns when everything of a file is on disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    file.sync_all()?;
    #[cfg(test)]
    note(|| Deed::Sync(number(file)));
    Ok(())
}

/// Returns when the bytes of a file, and its length, are on disk.
pub(super) fn sync_data(file: &File) -> io::Result<()> {
    file.sync_data()?;
    #[cfg(test)]
    note(|| Deed::Sync(number(file)));
    Ok(())
}

/// Gives a file another name.
#[expect(clippy::disallowed_methods, reason = "this is the one place that renames; who calls it syncs the folder")]
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    #[cfg(test)]
    note(|| Deed::Rename(from.to_owned(), to.to_owned()));
    Ok(())
}

/// Takes a file's name away.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    #[cfg(test)]
    note(|| Deed::Remove(path.to_owned()));
    Ok(())
}

/// Makes a folder, with those above it (mode 0700).
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Returns when the names in the folder of a path are on disk.
pub(super) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    #[cfg(test)]
    note(|| Deed::SyncNames(folder.to_owned()));
    Ok(())
}
