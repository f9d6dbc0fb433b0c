//! Keys and sealing: what is written for a person opens only with their key.
//!
//! Three kinds of keys hang below each other. The *root key* is a file that only the owner of the process may read. Every
//! person has a random key, wrapped by the root key. Every conversation has a random key, wrapped by its person's key. All
//! wrapped keys of one person stand in one file, `keys/<person>`, replaced atomically. What is sealed goes through
//! XChaCha20-Poly1305 with a random nonce, and is bound to its place: what it is, whose, in which conversation, where
//! there, and in which version of its shape.
//!
//! Ada asks about parental leave. Her question is sealed with the key of that conversation, for that place. Bob in sales
//! has a conversation too; an administrator who copies Ada's record into it finds that it does not open there, and neither
//! does it open one place further down in Ada's own conversation. When Ada deletes the conversation its key is destroyed:
//! first the key's id goes on the list of destroyed keys, then the wrapped key leaves her file. Whatever sled, a backup or
//! a worn flash cell still holds of her words stays closed, and a backup of her file does not bring the key back, because
//! the list is asked before a key is given. When Ada leaves the company her whole file goes the same way.
//!
//! What this stops: a stolen disk without the root key, backups, and administrators who use the product. What it does not
//! stop: whoever is root on the running machine.
//!
//! Always true here:
//! - A key is random or derived from the root key by label; none is used for two purposes.
//! - A destroyed key is never given again, and its conversation gets no second one.
//! - Keys cannot be printed, copied or serialised, and are wiped when dropped.
//!
//! Uses: `names`, `store`. Begin at [`Vault`].

mod cipher;
mod keyring;
mod root;
mod sealed;

#[cfg(test)]
mod canary;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub use self::canary::is_on_disk;
pub use self::cipher::{digest_under, fresh, sha256};
pub use self::root::Own;
pub use self::sealed::{ConversationKey, Label, Place, Sealed};
use crate::names::{ConversationId, UserId};
use crate::store::{self, Store};
/// Reads a secret that was opened, at the place where it is used.
pub use secrecy::ExposeSecret;

/// Where the root key is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// A file with 32 random bytes, mode 0600. Where it is not set: `root.key` in the data folder, made at the first run.
    pub root_key_file: Option<PathBuf>,
}

/// Keys of this appliance. No `Clone`, no `Debug`.
pub struct Vault {
    root: root::Root,
    people: keyring::People,
}

/// The keys of one person's conversations, read once, for a request. No `Clone`, no `Debug`.
pub struct Keyring(keyring::Keyring);

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
    /// A person's file of wrapped keys is damaged.
    #[error("the key file {0} is damaged; put it back from a backup")]
    KeyFile(PathBuf),
    /// The root key file is missing, too short, or readable by others.
    #[error("the root key {0} cannot be used: {1}")]
    RootKey(PathBuf, &'static str),
    /// The store failed.
    #[error("keys cannot be read or kept")]
    Broken(#[from] store::Error),
}

impl Vault {
    /// Opens the vault: reads the root key, or makes it at the first run, and finishes destructions that a crash broke off.
    pub fn open(store: &Store, settings: &Settings) -> Result<Vault, Error> {
        let root = root::Root::open(store, settings)?;
        let people = keyring::People::open(store)?;
        Ok(Vault { root, people })
    }

    /// The random key of one conversation, wrapped by its owner's key; made (durably) where there is none.
    pub fn key(&self, owner: &UserId, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        self.people.key(&self.root, owner, conversation)
    }

    /// The key of a conversation that has one; never makes one.
    pub fn existing_key(&self, owner: &UserId, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        self.keyring(owner)?.key(conversation)
    }

    /// All keys of one person's conversations; empty where they have none.
    pub fn keyring(&self, owner: &UserId) -> Result<Keyring, Error> {
        self.people.keyring(&self.root, owner).map(Keyring)
    }

    /// Destroys one conversation's key, or all of a person's. What was sealed with it is gone.
    pub fn forget(&self, owner: &UserId, what: Forget<'_>) -> Result<(), Error> {
        self.people.forget(owner, what)
    }

    /// The keys that were destroyed, by owner and conversation (`None` for all of the owner's), in their order.
    pub fn destroyed(&self) -> Result<Vec<(UserId, Option<ConversationId>)>, Error> {
        self.people.destroyed()
    }

    /// HMAC-SHA-256 under a key of this appliance, for digests in the log that nobody can guess words from.
    pub fn keyed_digest(&self, label: &Label, bytes: &[u8]) -> [u8; 32] {
        self.root.keyed_digest(label, bytes)
    }

    /// Seals and opens the appliance's own secrets of one kind.
    pub fn own(&self, label: &'static Label) -> Own {
        self.root.own(label)
    }

    /// Seals a secret of the appliance itself (a client secret entered on the desk, the log's signing key).
    pub fn seal_own(&self, label: &'static Label, secret: &[u8]) -> Box<[u8]> {
        self.own(label).seal(b"", secret)
    }

    /// Opens what [`Vault::seal_own`] sealed under the same label.
    pub fn open_own(&self, label: &'static Label, sealed: &[u8]) -> Result<secrecy::SecretBox<Vec<u8>>, Error> {
        self.own(label).open(b"", sealed)
    }
}

impl Keyring {
    /// The key of one of the person's conversations; never makes one.
    pub fn key(&self, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        self.0.key(conversation)
    }
}
