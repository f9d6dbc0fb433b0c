//! The log's files: how a leaf stands on disk, and how both files are read again at start-up.
//!
//! `leaves` has a line a leaf: the handles of its actor and its subject (or `-`), a tab, the leaf as it is exported.
//! `hashes` has the hashes of the tree, 32 bytes each, in the order of [`tlog_tiles::stored_hash_index`]; it follows from
//! `leaves` and is mended from it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::os::unix::fs::FileExt as _;

use tlog_tiles::{Hash, HashReader};

use super::chain::{Chain, Misfit};
use super::{Checkpoint, Error};
use crate::store::durable::Growing;

/// Who stands behind the commitments of a leaf: its actor, its subject.
pub(super) type Handles = [Option<[u8; 16]>; 2];

/// The longest line, in bytes. A leaf of ours is far shorter.
pub(super) const LINE_BYTES_MAX: u64 = 1024 * 1024;

/// A leaf as it stands on disk.
pub(super) fn line(handles: &Handles, json: &[u8]) -> Vec<u8> {
    let [actor, subject] = handles.map(|handle| handle.map_or_else(|| "-".to_owned(), hex::encode));
    [actor.as_bytes(), b",", subject.as_bytes(), b"\t", json, b"\n"].concat()
}

/// Takes a line apart, without its line end; `None` where it is not one of ours. A handle reads in small letters only, as it
/// is written: no byte of a line may change unseen, not even one that changes nothing.
pub(super) fn parse(line: &[u8]) -> Option<(Handles, &[u8])> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (actor, subject) = std::str::from_utf8(&line[..tab]).ok()?.split_once(',')?;
    let mut handles = [None; 2];
    for (handle, text) in handles.iter_mut().zip([actor, subject]) {
        if text != "-" {
            if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return None;
            }
            let mut bytes = [0; 16];
            hex::decode_to_slice(text, &mut bytes).ok()?;
            *handle = Some(bytes);
        }
    }
    Some((handles, &line[tab + 1..]))
}

/// Reads one line with its line end, if it has one; `None` at the end.
pub(super) fn read_line(from: &mut impl BufRead) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok((!line.is_empty()).then_some(line))
}

/// What start-up found in the files.
pub(super) struct Found {
    pub(super) chain: Chain,
    /// Where each line begins, and where the next one will.
    pub(super) starts: Vec<u64>,
    /// Bytes that a crash left at the end and that were cut off.
    pub(super) torn: u64,
}

/// Reads the leaves again, checks them against each other and the last checkpoint, mends the hashes, and cuts off what a
/// crash tore. Where a leaf does not fit, the leaves are left as they are.
pub(super) fn recover(leaves: &mut Growing, hashes: &mut Growing, last: Option<&Checkpoint>) -> Result<Found, Error> {
    let mut mend = Mend::new(hashes)?;
    let (chain, starts) = scan(leaves, last, &mut mend)?;
    let signed = last.map_or(0, |last| last.size);
    if chain.size() < signed {
        return Err(Error::broken(chain.size(), format!("it is missing: the last checkpoint signed {signed} leaves")));
    }
    mend.finish()?;
    let whole = starts[starts.len() - 1];
    let torn = leaves.len() - whole;
    if torn > 0 {
        leaves.cut(whole)?;
    }
    Ok(Found { chain, starts, torn })
}

fn scan(leaves: &Growing, last: Option<&Checkpoint>, mend: &mut Mend<'_>) -> Result<(Chain, Vec<u64>), Error> {
    let mut from = BufReader::new(leaves.reader()?.take(leaves.len()));
    let (mut chain, mut starts) = (Chain::default(), vec![0]);
    while let Some(line) = read_line(&mut from)? {
        // A crash leaves a line without an end, or pages that were never written. Both come after everything that was
        // synced, so they were never acknowledged. No line of ours has a zero byte.
        if line.last() != Some(&b'\n') || line.contains(&0) {
            break;
        }
        let leaf = chain.size();
        let whole = &line[..line.len() - 1];
        let json = parse(whole).map(|(_, json)| json).ok_or_else(|| Error::broken(leaf, "it does not read"))?;
        let complete = chain.add(json).map_err(|misfit| match misfit {
            Misfit::Line(why) => Error::broken(leaf, why),
            Misfit::Neighbours { claimed } => {
                let root = last.map_or([0; 32], |last| last.root);
                let next = read_line(&mut from).ok().flatten();
                let next = next.as_deref().and_then(|next| parse(next.strip_suffix(b"\n")?)).map(|(_, json)| json);
                Error::broken(chain.blame(claimed, json, next, &root), "it was changed")
            }
        })?;
        complete.iter().try_for_each(|hash| mend.take(hash))?;
        starts.push(starts[starts.len() - 1] + line.len() as u64);
        if last.is_some_and(|last| last.size == chain.size() && last.root != chain.climb.root()) {
            return Err(Error::broken(leaf, "up to here the leaves are not those that the last checkpoint signed"));
        }
    }
    Ok((chain, starts))
}

/// Brings the file of hashes up to the tree. What it holds is never trusted, only spared from being written again.
struct Mend<'a> {
    file: &'a mut Growing,
    known: BufReader<std::io::Take<File>>,
    /// Bytes that were found right, or are waiting.
    at: u64,
    /// Set at the first hash that is wrong or missing; from there on all are written.
    waiting: Option<Vec<u8>>,
}

/// Bytes of hashes that are written at once.
const MEND_BYTES: usize = 1024 * 1024;

impl Mend<'_> {
    fn new(file: &mut Growing) -> Result<Mend<'_>, Error> {
        let known = BufReader::new(file.reader()?.take(file.len()));
        Ok(Mend { file, known, at: 0, waiting: None })
    }

    fn take(&mut self, hash: &[u8; 32]) -> Result<(), Error> {
        if self.waiting.is_none() {
            let mut known = [0; 32];
            if self.known.read_exact(&mut known).is_ok() && known == *hash {
                self.at += 32;
                return Ok(());
            }
            self.cut()?;
        }
        let waiting = self.waiting.get_or_insert_default();
        waiting.extend_from_slice(hash);
        if waiting.len() >= MEND_BYTES {
            self.file.append(waiting)?;
            waiting.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        match self.waiting.take() {
            Some(waiting) => Ok(self.file.append(&waiting)?),
            None => self.cut(),
        }
    }

    fn cut(&mut self) -> Result<(), Error> {
        if self.at < self.file.len() {
            tracing::warn!(
                from = self.at / 32,
                "the audit log's hashes did not follow from its leaves; they were mended"
            );
            self.file.cut(self.at)?;
        }
        Ok(())
    }
}

/// Reads the tree's hashes from their file.
pub(super) struct Stored(pub(super) File);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let read = indexes.iter().map(|index| {
            let mut hash = [0; 32];
            self.0.read_exact_at(&mut hash, index * 32).map_err(|_| tlog_tiles::Error::IndexesNotInTree)?;
            Ok(Hash(hash))
        });
        read.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart_as_it_was_put_together() {
        for handles in [[None, None], [Some([1; 16]), None], [Some([1; 16]), Some([2; 16])]] {
            let line = line(&handles, b"{}");
            assert_eq!(parse(&line[..line.len() - 1]), Some((handles, &b"{}"[..])));
        }
        assert_eq!(parse(b"{}"), None);
        assert_eq!(parse(b"-,zz\t{}"), None);
    }

    #[test]
    fn a_handle_in_capital_letters_is_none_of_ours() {
        let line = line(&[None, Some([0xab; 16])], b"{}");
        let capital = line.to_ascii_uppercase();

        assert!(parse(&line[..line.len() - 1]).is_some());
        assert_eq!(parse(&capital[..capital.len() - 1]), None);
    }

    /// Three leaves as they stand on disk.
    fn three() -> Vec<u8> {
        let (mut chain, mut bytes) = (Chain::default(), Vec::new());
        for index in 0..3 {
            let previous = chain.last_hash().map(|hash| format!(",\"previous\":\"{}\"", hex::encode(hash)));
            let previous = previous.unwrap_or_default();
            let json = format!("{{\"at\":\"2026-11-24T08:00:0{index}.000Z\",\"index\":{index}{previous}}}");
            assert!(chain.add(json.as_bytes()).is_ok());
            bytes.extend(line(&[None, None], json.as_bytes()));
        }
        bytes
    }

    #[test]
    fn a_prefix_of_the_file_opens_to_a_prefix_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let whole = three();
        for len in (0..=whole.len()).step_by(6) {
            let mut leaves = Growing::open(&folder.path().join(format!("leaves-{len}"))).unwrap();
            let mut hashes = Growing::open(&folder.path().join("hashes")).unwrap();
            leaves.append(&whole[..len]).unwrap();

            let found = recover(&mut leaves, &mut hashes, None).unwrap();

            let ends = whole[..len].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!((found.chain.size(), found.starts.len()), (ends as u64, ends + 1));
            assert_eq!(leaves.len() + found.torn, len as u64);
            assert_eq!(hashes.len(), 32 * tlog_tiles::stored_hash_count(ends as u64));
        }
    }
}
