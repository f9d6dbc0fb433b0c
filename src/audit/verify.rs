//! Verifying an export offline, with nothing but a public key.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::chain::{Chain, Misfit};
use super::climb::leaf_hash;
use super::{Error, Verified, files, note};

/// The first line of an export.
#[derive(Deserialize)]
struct Header {
    origin: String,
    public_key: String,
    size: u64,
    root: String,
    checkpoint: String,
}

/// Said of a line without an end.
const CUT_SHORT: &str = "its line has no end: the export was cut short; export it again";

/// Verifies an export offline with a C2SP verifier key, and that it extends an older checkpoint where one is given. The
/// error names the first leaf that does not fit.
pub fn verify(export: &Path, key: &str, older: Option<&str>) -> Result<Verified, Error> {
    let key = key.trim();
    let mut lines = BufReader::new(File::open(export)?);
    let first = files::read_line(&mut lines)?.unwrap_or_default();
    let head = read_header(&first, key)?;
    let older = older.map(|older| note::check(older, key)).transpose()?;
    if let Some((signed, _)) = older.filter(|(signed, _)| *signed > head.size) {
        return Err(Error::broken(head.size, format!("it is missing: the older checkpoint signed {signed} leaves")));
    }

    let mut chain = Chain::default();
    let fits = |chain: &Chain| older.is_none_or(|(size, root)| size != chain.size() || root == chain.climb.root());
    let older_unfit =
        |leaf| Error::broken(leaf, "up to here the leaves are not those that the older checkpoint signed");
    if !fits(&chain) {
        return Err(older_unfit(0));
    }
    while let Some(line) = files::read_line(&mut lines)? {
        let leaf = chain.size();
        if leaf == head.size {
            return Err(Error::broken(leaf, format!("it is one too many: {} leaves were signed", head.size)));
        }
        let line = line.strip_suffix(b"\n").ok_or_else(|| Error::broken(leaf, CUT_SHORT))?;
        chain.add(line).map_err(|misfit| match misfit {
            Misfit::Line(why) => Error::broken(leaf, why),
            Misfit::Neighbours { claimed } => {
                let next = files::read_line(&mut lines).ok().flatten();
                let next = next.as_deref().and_then(|next| next.strip_suffix(b"\n"));
                Error::broken(chain.blame(claimed, line, next, &head.root), "it was changed")
            }
        })?;
        if !fits(&chain) {
            return Err(older_unfit(leaf));
        }
    }
    if chain.size() < head.size {
        let why = format!(
            "it is missing: {} leaves were signed; the export was cut short, or its end was taken out",
            head.size
        );
        return Err(Error::broken(chain.size(), why));
    }
    if chain.climb.root() != head.root {
        // Had an earlier leaf been changed alone, the one after it would have said so.
        return Err(Error::broken(head.size.saturating_sub(1), "with it the root is not the one that was signed"));
    }
    Ok(head)
}

/// Verifies an export as [`verify`] does, and gives the leaf with this hash (RFC 6962, hexadecimal); `None` where it has none.
pub fn verified_leaf(export: &Path, key: &str, older: Option<&str>, hash: &str) -> Result<Option<Value>, Error> {
    verify(export, key, older)?;
    let mut lines = BufReader::new(File::open(export)?);
    let _header = files::read_line(&mut lines)?;
    while let Some(line) = files::read_line(&mut lines)? {
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if hex::encode(leaf_hash(line)) == hash {
            return Ok(serde_json::from_slice(line).ok());
        }
    }
    Ok(None)
}

/// The size and root that were signed.
fn read_header(line: &[u8], key: &str) -> Result<Verified, Error> {
    let unfit = |why: &str| Error::Unfit(format!("the export's first line {why}"));
    let header: Header = serde_json::from_slice(line).map_err(|_| unfit("does not read"))?;
    if header.public_key != key {
        return Err(unfit("names another key than the one given: the key, or the export, is another log's"));
    }
    let (size, root) = note::check(&header.checkpoint, key)?;
    if header.size != size || header.root != hex::encode(root) || key.split('+').next() != Some(&header.origin) {
        return Err(unfit("does not say what its checkpoint signed"));
    }
    Ok(Verified { size, root })
}
