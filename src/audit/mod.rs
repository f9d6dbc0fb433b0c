//! The log that cannot be quietly rewritten: events, tree, checkpoints, proofs.
//!
//! Uses: `clock`, `names`, `corpus`, `store`, `vault`. Begin at [`Log`].

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Moment};
use crate::corpus::PassageId;
use crate::names::{ConversationId, MessageId, SourceId, UserId};
use crate::store::{self, Store};
use crate::vault::Vault;

/// Where the log is and how it is signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The name of this log in its checkpoints and key (a C2SP origin); it should never change.
    pub origin: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { origin: "sotto.local/log".to_owned() }
    }
}

/// What happened, in words that `audit` owns and an auditor knows. Never a question's words, a title, a page's words.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The process began; `version` of the binary.
    Started { version: &'a str },
    /// The process was asked to stop.
    Stopped,
    /// A person signed in.
    SignedIn { user: &'a UserId, provider: &'a str },
    /// A login was refused; `code` of the refusal.
    SignInRefused { provider: &'a str, code: &'a str },
    /// A person signed out.
    SignedOut { user: &'a UserId },
    /// A provider changed the directory.
    Provisioned { by: &'a str, change: &'a str, target: &'a str },
    /// A person asked: keyed digest of the question, digest of what is visible, the passages found.
    Asked {
        user: &'a UserId,
        conversation: &'a ConversationId,
        question: [u8; 32],
        visible: [u8; 32],
        shown: &'a [PassageId],
    },
    /// The answer ended: `answered`, `refused` or `stopped`; the leaf of the question; the passages cited.
    Answered { user: &'a UserId, message: &'a MessageId, asked: u64, outcome: &'a str, cited: &'a [PassageId] },
    /// A person searched.
    Searched { user: &'a UserId, query: [u8; 32], visible: [u8; 32], shown: &'a [PassageId] },
    /// A person opened a document.
    Opened { user: &'a UserId, document: &'a str },
    /// A person read an old conversation; how many claims were withheld.
    Recalled { user: &'a UserId, conversation: &'a ConversationId, withheld: u32 },
    /// A person rated an answer, by reason codes only.
    Rated { user: &'a UserId, message: &'a MessageId, rating: &'a str, reasons: &'a [String] },
    /// A conversation's key was destroyed.
    KeyForgotten { user: &'a UserId, conversation: &'a ConversationId },
    /// A sync began.
    SyncStarted { source: &'a SourceId, mode: &'a str },
    /// A sync ended.
    SyncEnded {
        source: &'a SourceId,
        outcome: &'a str,
        added: u64,
        changed: u64,
        removed: u64,
        reclassed: u64,
        failed: u64,
    },
    /// An administrator read or did something on the desk.
    Desk { user: &'a UserId, what: &'a str, target: &'a str },
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
    /// The leaf's hash.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}

/// A signed tree head.
#[derive(Debug, Clone)]
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

/// The log.
pub struct Log {}

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
    /// The store failed, or the disk.
    #[error("the audit log cannot be read or written")]
    Store(#[from] store::Error),
}

/// What a verifier found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Leaves.
    pub size: u64,
    /// Root hash.
    pub root: [u8; 32],
}

impl Log {
    /// Opens the log, verifies it, and recovers a tail torn by a crash (said in the log of the process).
    pub fn open(store: &Store, vault: &Vault, clock: Clock, settings: &Settings) -> Result<Log, Error> {
        let _ = (store, vault, clock);
        todo!("{settings:?}")
    }

    /// Appends an event and syncs it. When this returns, a power cut cannot undo it. Concurrent appends share one fsync.
    pub fn append(&self, event: &Event<'_>) -> Result<Receipt, Error> {
        todo!("{event:?}")
    }

    /// Signs the head as it is now.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        todo!()
    }

    /// The last signed head.
    pub fn last_checkpoint(&self) -> Option<Checkpoint> {
        todo!()
    }

    /// The public key, as a C2SP verifier key.
    pub fn public_key(&self) -> String {
        todo!()
    }

    /// Writes the export of `contract.md` §5: a header line, then a leaf a line.
    pub fn export(&self, out: &mut dyn Write) -> Result<Verified, Error> {
        let _ = out;
        todo!()
    }

    /// The newest leaves, newest first, at most `most`, before leaf `before` where given.
    pub fn newest(&self, before: Option<u64>, most: usize) -> Result<Vec<serde_json::Value>, Error> {
        todo!("{before:?} {most}")
    }
}

/// Verifies an export offline with a C2SP verifier key, and that it extends an older checkpoint where one is given. The
/// error names the first leaf that does not fit.
pub fn verify(export: &Path, key: &str, older: Option<&str>) -> Result<Verified, Error> {
    todo!("{export:?} {key} {older:?}")
}
