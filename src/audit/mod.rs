//! The log that cannot be quietly rewritten: events, tree, checkpoints, proofs.
//!
//! Everything that matters becomes a leaf: one line of canonical JSON (RFC 8785) in a file that only grows. The leaves are
//! hashed into a Merkle tree (RFC 6962), and the tree's head is signed now and then: a checkpoint. Whoever holds one
//! checkpoint outside this machine can prove later that nothing before it was changed, left out, added or moved.
//!
//! Ada asks about parental leave and is answered. The log gets two leaves: that somebody asked, with commitments to the
//! question and to all that the answer is made of (their salt is sealed with her history, and goes with it), a digest of what
//! she may see, and the passages found; and that it was answered, with the passages cited. It gets no word of the question, and not Ada's id: in its place stands a commitment, SHA-256(salt ‖ id), with another salt
//! at every leaf. An auditor who is entitled to names is given the salts; the auditor who is not can check everything but
//! who it was. When Ada's right to be forgotten outweighs the record, her salts are destroyed ([`Log::erase`]): the leaves stay provable.
//!
//! Mallory owns the machine and takes a leaf out. Every leaf after it has the wrong number; he renumbers them, and each
//! no longer carries the hash of the one before it; he mends those too, and the root is not the one that was signed.
//! What he can do is cut off what came after the last checkpoint that somebody outside holds. That is the honest limit,
//! and why holding a checkpoint outside is one command.
//!
//! Always true here:
//! - When [`Log::append`] returns, the leaf is on disk; what is not on record is not shown. After a failed fsync nothing is
//!   acknowledged until the log is opened again.
//! - Leaves are numbered without gaps, and a leaf's time is never before the last one's: a clock set back is said.
//! - A checkpoint is signed after at most [`CHECKPOINT_LEAVES`] leaves, and never takes in a leaf that is not on disk.
//!
//! Uses: `clock`, `names`, `corpus`, `store`, `vault`. Begin at [`Log`].

mod about;
mod began;
mod chain;
mod climb;
mod event;
mod files;
mod log;
mod note;
mod outside;
mod people;
mod proof;
mod reading;
mod saved;
#[cfg(test)]
mod tests;
mod verify;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::about::Entry;
pub use self::began::Began;
pub use self::event::{EVENTS, Event};
pub use self::log::Log;
pub use self::note::{is_destroyed, read_destroyed};
pub use self::outside::{Outside, Place, Stand};
pub use self::proof::{Extension, Proof, Shown, is_proof, read_checkpoint, verify_proof};
pub use self::reading::{Filter, Leaf};
pub use self::saved::{Saved, SavedFilter};
pub use self::verify::{verified_leaf, verify};
use crate::clock::Moment;
use crate::{store, vault};

/// Leaves after which a checkpoint is signed without being asked for: before more are appended.
const CHECKPOINT_LEAVES: u64 = 100;

/// Leaves after which it is begun, while others append.
const CHECKPOINT_DUE: u64 = 75;

/// How the log is signed, who is told whose leaves they are, and where its checkpoints are sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The name of this log in its checkpoints and key (a C2SP origin); it should never change.
    pub origin: String,
    /// Provisioned groups (display names) whose members, where they are auditors, are told whose a leaf is.
    pub names: Vec<String>,
    /// Minutes between checkpoints sent outside, where there is something new; 0 for none by themselves.
    pub outside_minutes: u64,
    /// A folder on another file system that checkpoints are put into.
    pub outside_folder: Option<PathBuf>,
    /// A syslog server over TLS (RFC 5425), `tls://host:port`.
    pub outside_syslog: Option<url::Url>,
    /// A client certificate (PEM chain) for the syslog server, where it asks for one.
    pub outside_certificate_file: Option<PathBuf>,
    /// The key of that certificate (PEM).
    pub outside_key_file: Option<PathBuf>,
    /// An address of another host, https, that checkpoints are posted to.
    pub outside_url: Option<url::Url>,
    /// A file with the bearer token for that address.
    pub outside_token_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            origin: "sotto.local/log".to_owned(),
            names: Vec::new(),
            outside_minutes: 15,
            outside_folder: None,
            outside_syslog: None,
            outside_certificate_file: None,
            outside_key_file: None,
            outside_url: None,
            outside_token_file: None,
        }
    }
}

/// Proof that an event is on disk. Only [`Log::append`] makes one.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub struct Receipt {
    leaf: u64,
    hash: [u8; 32],
}

impl Receipt {
    /// The leaf's index; an auditor's, never shown to a person.
    pub fn leaf(&self) -> u64 {
        self.leaf
    }
    /// The leaf's hash: what a person may be given of it.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// A signed tree head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Leaves in the tree.
    pub size: u64,
    /// RFC 6962 root hash.
    pub root: [u8; 32],
    /// The C2SP signed note.
    pub note: String,
    /// When it was signed.
    pub at: Moment,
}

/// What a verifier found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Leaves.
    pub size: u64,
    /// Root hash.
    pub root: [u8; 32],
}

/// What can go wrong with the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A leaf does not fit: the log was changed from outside, or the disk lost something.
    #[error("the audit log does not fit at leaf {leaf}: {why}")]
    Broken {
        /// The first leaf that does not fit.
        leaf: u64,
        /// What is wrong.
        why: String,
    },
    /// Something beside the leaves does not fit: a key, a signature, an export's first line.
    #[error("the audit log cannot be trusted: {0}")]
    Unfit(String),
    /// The log's own keys do not open.
    #[error("the audit log's keys cannot be used")]
    Vault(#[from] vault::Error),
    /// The store failed, or the disk.
    #[error("the audit log cannot be read or written")]
    Store(#[from] store::Error),
}

impl Error {
    fn broken(leaf: u64, why: impl Into<String>) -> Error {
        Error::Broken { leaf, why: why.into() }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::Store(error.into())
    }
}
