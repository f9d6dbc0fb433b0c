//! Files written whole: a temporary file, fsync, rename, fsync of the folder.

use std::path::Path;

use super::Error;

/// Replaces a file atomically (mode 0600); it is on disk when this returns.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    todo!("{path:?} {}", bytes.len())
}

/// Removes a file, and fsyncs its folder; `false` where it was not there.
pub fn remove(path: &Path) -> Result<bool, Error> {
    todo!("{path:?}")
}
