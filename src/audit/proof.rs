//! Proofs that leave the machine: that a leaf is in a signed tree, and that a signed tree extends an older one.
//!
//! Both are text that names the checkpoint they lead to, so that nothing but the public key is needed to check them. The first
//! is a C2SP proof (c2sp.org/tlog-proof) with the leaf itself as its extra data; the second has the form in which C2SP's
//! witnesses are sent one (c2sp.org/tlog-witness, "add-checkpoint").

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::{EMPTY_HASH, Hash, check_record, check_tree};

use super::climb::leaf_hash;
use super::{Checkpoint, Error, note};

/// The first line of a C2SP proof.
const PROOF: &str = "c2sp.org/tlog-proof@v1";

/// Proof that a leaf is in the tree that a checkpoint signed (RFC 6962 §2.1.1).
#[derive(Debug, Clone)]
pub struct Proof {
    /// The leaf.
    pub leaf: u64,
    /// From the leaf's neighbour up to the root.
    pub hashes: Vec<[u8; 32]>,
    /// The checkpoint that signed the root.
    pub checkpoint: Checkpoint,
}

/// Proof that the tree that a checkpoint signed begins with an older tree, leaf for leaf (RFC 6962 §2.1.2).
#[derive(Debug, Clone)]
pub struct Extension {
    /// Leaves of the older tree.
    pub old: u64,
    /// Its root, as it follows from the leaves of today.
    pub old_root: [u8; 32],
    /// In the order of the RFC.
    pub hashes: Vec<[u8; 32]>,
    /// The checkpoint that signed the newer root.
    pub checkpoint: Checkpoint,
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// That this leaf is in the tree.
    Leaf {
        /// Its number.
        index: u64,
        /// Leaves in the tree.
        size: u64,
        /// The leaf as it is exported.
        line: String,
    },
    /// That the tree begins with an older one.
    Extension {
        /// Leaves of the older one.
        old: u64,
        /// Leaves of the newer one.
        size: u64,
    },
}

impl Proof {
    /// Whether this proves that a leaf with this hash is in the tree.
    pub fn fits(&self, hash: &[u8; 32]) -> bool {
        let hashes = self.hashes.iter().copied().map(Hash).collect();
        check_record(&hashes, self.checkpoint.size, Hash(self.checkpoint.root), self.leaf, Hash(*hash)).is_ok()
    }

    /// As text, with the leaf.
    pub fn text(&self, line: &str) -> String {
        let mut out = format!("{PROOF}\nextra {}\nindex {}\n", STANDARD.encode(line), self.leaf);
        write_hashes(&mut out, &self.hashes, &self.checkpoint.note);
        out
    }
}

impl Extension {
    /// Whether this proves that the tree begins with an older one of this root.
    pub fn fits(&self, old_root: &[u8; 32]) -> bool {
        extends(&self.hashes, (self.old, *old_root), (self.checkpoint.size, self.checkpoint.root))
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut out = format!("old {}\n", self.old);
        write_hashes(&mut out, &self.hashes, &self.checkpoint.note);
        out
    }
}

fn extends(hashes: &[[u8; 32]], old: (u64, [u8; 32]), new: (u64, [u8; 32])) -> bool {
    let proof = hashes.iter().copied().map(Hash).collect::<Vec<_>>();
    match old.0 {
        // Every tree begins with the empty one, and nothing has to be shown for it.
        0 => proof.is_empty() && old.1 == EMPTY_HASH.0,
        size => check_tree(&proof, new.0, Hash(new.1), size, Hash(old.1)).is_ok(),
    }
}

fn write_hashes(out: &mut String, hashes: &[[u8; 32]], note: &str) {
    for hash in hashes {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}", STANDARD.encode(hash));
    }
    out.push('\n');
    out.push_str(note);
}

/// Whether text is one of the two proofs, and not an export.
pub fn is_proof(text: &str) -> bool {
    text.starts_with(PROOF) || text.starts_with("old ")
}

/// Checks a proof offline with a C2SP verifier key. That a tree extends an older one is shown only to who holds the older one's
/// checkpoint.
pub fn verify_proof(text: &str, key: &str, older: Option<&str>) -> Result<Shown, Error> {
    let unfit = |why: &str| Error::Unfit(format!("the proof {why}"));
    let (head, note) = text.split_once("\n\n").ok_or_else(|| unfit("ends before its checkpoint: it was cut short"))?;
    let (size, root) = note::check(note, key)?;
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    if let Some(old) = first.strip_prefix("old ") {
        let older = older.ok_or_else(|| unfit("leads from an older checkpoint; give it with --checkpoint FILE"))?;
        let (old_size, old_root) = note::check(older, key)?;
        if number(old) != Some(old_size) {
            return Err(unfit(&format!("leads from {old} leaves, and the older checkpoint signed {old_size}")));
        }
        if !extends(&read_hashes(lines)?, (old_size, old_root), (size, root)) {
            return Err(unfit(&format!(
                "does not fit: the log does not go on from the {old_size} leaves signed before"
            )));
        }
        return Ok(Shown::Extension { old: old_size, size });
    }
    if first != PROOF {
        return Err(unfit("is of a kind that is not known"));
    }
    let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).ok_or_else(|| unfit("carries no leaf"))?;
    let line = STANDARD.decode(extra).map_err(|_| unfit("carries a leaf that does not read"))?;
    let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(number);
    let index = index.ok_or_else(|| unfit("does not say which leaf it is about"))?;
    let hashes = read_hashes(lines)?.into_iter().map(Hash).collect();
    check_record(&hashes, size, Hash(root), index, Hash(leaf_hash(&line)))
        .map_err(|_| Error::broken(index, "the proof does not lead from it to the root that was signed"))?;
    let line = String::from_utf8(line).map_err(|_| unfit("carries a leaf that is no text"))?;
    Ok(Shown::Leaf { index, size, line })
}

/// A number as it is written: no sign, no zero before it.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn read_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<[u8; 32]>, Error> {
    let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
    lines.map(hash).collect::<Option<_>>().ok_or_else(|| Error::Unfit("a hash of the proof does not read".to_owned()))
}

/// Reads a checkpoint that was signed by this log: its size and root.
pub fn read_checkpoint(note: &str, key: &str) -> Result<(u64, [u8; 32]), Error> {
    note::check(note, key)
}
