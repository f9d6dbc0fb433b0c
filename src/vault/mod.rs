//! Keys and sealing: what is written for a person opens only with their key.
//!
//! Uses: `names`, `store`. Begin at [`Vault`].

use std::marker::PhantomData;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::names::{ConversationId, UserId};
use crate::store::{self, Record, Store};

/// Where the root key is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A file with 32 random bytes, mode 0600. Where it is not set: `root.key` in the data folder, made at the first run.
    pub root_key_file: Option<PathBuf>,
}

/// Keys of this appliance. No `Clone`, no `Debug`.
pub struct Vault {}

/// One conversation's key. No `Clone`, no `Debug`, no `Serialize`; wiped when dropped.
pub struct ConversationKey(secrecy::SecretBox<[u8; 32]>);

/// A `T` that opens only with its owner's key, in the place it was sealed for.
pub struct Sealed<T> {
    bytes: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

/// What a sealed thing is; bound in as associated data.
pub struct Label(pub &'static str);

/// Where a sealed thing belongs. It is bound in as associated data, so a record that is moved to
/// another person, tree or time does not open.
pub struct Place<'a> {
    /// What it is.
    pub label: &'static Label,
    /// Whose it is.
    pub owner: &'a UserId,
    /// The conversation it stands in.
    pub conversation: &'a ConversationId,
    /// Its place there.
    pub sequence: u64,
}

/// What is to be forgotten.
pub enum Forget<'a> {
    /// One conversation's key.
    Conversation(&'a ConversationId),
    /// All keys of the person.
    Everything,
}

/// What can go wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key was destroyed, or never was.
    #[error("there is no key for this any more")]
    Forgotten,
    /// The record was damaged, or belongs elsewhere.
    #[error("this record does not open: it is damaged or was moved")]
    DoesNotOpen,
    /// The root key file is missing, too short, or readable by others.
    #[error("the root key {0} cannot be used: {1}")]
    RootKey(PathBuf, &'static str),
    /// The store failed.
    #[error("keys cannot be read or kept")]
    Broken(#[from] store::Error),
}

impl Vault {
    /// Opens the vault: reads the root key, or makes it at the first run.
    pub fn open(store: &Store, settings: &Settings) -> Result<Vault, Error> {
        let _ = (store, settings);
        todo!()
    }

    /// The random key of one conversation, wrapped by its owner's key; made (durably) where there is none.
    pub fn key(&self, owner: &UserId, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        todo!("{owner} {conversation}")
    }

    /// The key of a conversation that has one; never makes one.
    pub fn existing_key(&self, owner: &UserId, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        todo!("{owner} {conversation}")
    }

    /// Destroys one conversation's key, or all of a person's. What was sealed with it is gone.
    pub fn forget(&self, owner: &UserId, what: Forget<'_>) -> Result<(), Error> {
        let _ = (owner, what);
        todo!()
    }

    /// HMAC-SHA-256 under a key of this appliance, for digests in the log that nobody can guess words from.
    pub fn keyed_digest(&self, label: &Label, bytes: &[u8]) -> [u8; 32] {
        let _ = (label.0, bytes);
        todo!()
    }

    /// Seals a secret of the appliance itself (a client secret entered on the desk, the log's signing key).
    pub fn seal_own(&self, label: &Label, secret: &[u8]) -> Box<[u8]> {
        let _ = (label.0, secret);
        todo!()
    }

    /// Opens what [`Vault::seal_own`] sealed under the same label.
    pub fn open_own(&self, label: &Label, sealed: &[u8]) -> Result<secrecy::SecretBox<Vec<u8>>, Error> {
        let _ = (label.0, sealed);
        todo!()
    }
}

impl<T: Record> Sealed<T> {
    /// Seals a value with XChaCha20-Poly1305 under a random nonce.
    pub fn seal(value: &T, key: &ConversationKey, place: &Place<'_>) -> Sealed<T> {
        let _ = (value, key, place.sequence);
        todo!()
    }

    /// Opens it, where key and place are those it was sealed with.
    pub fn open(&self, key: &ConversationKey, place: &Place<'_>) -> Result<T, Error> {
        let _ = (key, place.sequence);
        todo!()
    }

    /// The sealed bytes, to be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// From stored bytes; nothing is checked until it is opened.
    pub fn from_bytes(bytes: &[u8]) -> Sealed<T> {
        Sealed { bytes: bytes.into(), of: PhantomData }
    }
}
