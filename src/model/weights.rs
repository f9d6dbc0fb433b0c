//! Weights in memory: a file, or a part of one, mapped and checked.

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;
use sha2::{Digest, Sha256};

/// A read-only mapping of a file or a part of one; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    map: Arc<Mmap>,
    part: Range<usize>,
}

impl Weights {
    /// Maps a whole file.
    pub(super) fn map(path: &Path) -> io::Result<Weights> {
        let map = map(&File::open(path)?)?;
        Ok(Weights { part: 0..map.len(), map: Arc::new(map) })
    }

    /// These bytes, written to a file that is gone when they are.
    #[cfg(test)]
    pub(super) fn of(bytes: &[u8]) -> Weights {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        Weights::map(file.path()).unwrap()
    }

    /// A part of these bytes; `None` where it does not lie inside them.
    pub(super) fn part(&self, offset: u64, bytes: u64) -> Option<Weights> {
        let start = self.part.start.checked_add(usize::try_from(offset).ok()?)?;
        let end = start.checked_add(usize::try_from(bytes).ok()?)?;
        (end <= self.part.end).then(|| Weights { map: Arc::clone(&self.map), part: start..end })
    }

    /// SHA-256 of the bytes, in hexadecimal.
    pub(super) fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&**self))
    }
}

impl Deref for Weights {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.map[self.part.clone()]
    }
}

impl AsRef<[u8]> for Weights {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[expect(unsafe_code, reason = "a mapping is unsafe by nature; the reason why it is sound here stands at the block")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes are only ever read, as plain bytes for which every value is valid. Whoever may write this file may
    // also replace the model or the binary itself; truncating it while it is in use ends the process with SIGBUS and cannot
    // make it read elsewhere.
    unsafe { Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_part_outside_the_file_is_not_given() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"weights").unwrap();
        let weights = Weights::map(file.path()).unwrap();

        assert_eq!(weights.part(2, 3).as_deref(), Some(&b"igh"[..]));
        assert!(weights.part(2, 6).is_none());
        assert!(weights.part(u64::MAX, 2).is_none());
        assert!(weights.part(1, 6).unwrap().part(0, 7).is_none());
    }
}
