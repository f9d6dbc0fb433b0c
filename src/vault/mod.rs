//! Keys and sealing: what is written for a person opens only with their key.
//!
//! Three kinds of keys hang below each other. The *root key* is a file that only the owner of the process may read, a
//! credential of systemd, or sealed under a passphrase. Every person has a random key, wrapped by the root key, or by what only
//! they know or have. Every conversation has a random key, wrapped by its person's key. All wrapped keys of one person stand
//! in one file, `keys/<person>`, replaced atomically. What is sealed goes through XChaCha20-Poly1305 with a random nonce, and
//! is bound to its place: what it is, whose, in which conversation, where there, and in which version of its shape.
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
//! Carol wants more and binds her key to a passkey ([`Vault::bind`]). From then on it is in memory only while she is signed in
//! and has unlocked it, on pages that are kept out of swap; at sign-out it is wiped. Root, and whoever seizes the machine,
//! read nothing of hers while she is away. Against root who changes the program while she is there, nothing helps.
//!
//! Always true here:
//! - A key is random or derived from the root key by label; none is used for two purposes.
//! - A destroyed key is never given again, and its conversation gets no second one.
//! - Keys cannot be printed, copied or serialised, and are wiped when dropped; the stack they were used on is written over.
//!
//! Uses: `names`, `store`. Begin at [`Vault`].

mod binding;
mod cipher;
mod held;
mod keyfile;
mod keyring;
mod locks;
mod root;
mod sealed;

#[cfg(test)]
mod canary;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub use self::binding::Protection;
#[cfg(test)]
pub use self::canary::is_on_disk;
pub use self::cipher::{digest_under, fresh, sha256};
pub use self::held::{Idle, SessionMark};
pub use self::locks::{LockShown, Proof};
pub use self::root::Own;
pub use self::sealed::{ConversationKey, Label, Place, Sealed};
use crate::names::{ConversationId, UserId};
use crate::store::{self, Store};
/// Reads a secret that was opened, at the place where it is used.
pub use secrecy::ExposeSecret;

/// Where the root key is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How it is kept.
    pub root_key: Keeping,
    /// `file`: 32 random bytes, mode 0600; where it is not set, `root.key` in the data folder, made at the first run.
    /// `passphrase`: the file in which it is sealed; where it is not set, `root.sealed` there.
    pub root_key_file: Option<PathBuf>,
    /// `credential`: its name among the service's credentials.
    pub root_key_credential: String,
    /// Where systemd put the credentials; from the environment.
    #[serde(skip)]
    pub credentials: Option<PathBuf>,
    /// The passphrase of the root key; asked for at the start.
    #[serde(skip)]
    pub passphrase: Option<Passphrase>,
}

/// How the root key is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// In a file that only the owner of the process may read.
    #[default]
    File,
    /// As a credential that systemd gives to the service alone.
    Credential,
    /// Sealed under a passphrase that is asked for at each start.
    Passphrase,
}

/// Words that open something. They do not print, and are wiped when dropped.
#[derive(Debug, Clone)]
pub struct Passphrase(SecretString);

/// Keys of this appliance. No `Clone`, no `Debug`.
pub struct Vault {
    /// Written only while the root key is replaced.
    root: RwLock<root::Root>,
    /// Held while the root key is replaced.
    replacing: Mutex<()>,
    /// Held while a passphrase is stretched: each takes 64 MiB.
    stretching: Mutex<()>,
    appliance: cipher::KeyBytes,
    appliance_path: PathBuf,
    /// What goes into every lock, so that the disk alone is nothing to guess at.
    pepper: cipher::KeyBytes,
    people: keyring::People,
}

/// What came of replacing the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// People whose key is wrapped with the new one, or bound to themselves.
    pub people: u64,
    /// Key files that did not read, and so were left as they are.
    pub damaged: u64,
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
    /// The root key is missing, too short, another's, or readable by others.
    #[error("the root key {0} cannot be used: {1}")]
    RootKey(PathBuf, &'static str),
    /// The person's key is bound to what they know or have, and is not unlocked now.
    #[error("this history is locked")]
    Locked,
    /// What was given does not unlock it.
    #[error("this does not unlock the history")]
    Wrong,
    /// It cannot be done so; what to do instead.
    #[error("{0}")]
    Unfit(&'static str),
    /// The store failed.
    #[error("keys cannot be read or kept")]
    Broken(#[from] store::Error),
}

impl Passphrase {
    /// The words as they were typed.
    pub fn new(words: String) -> Passphrase {
        Passphrase(words.into())
    }

    /// The words, at the place where they are used.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            root_key: Keeping::File,
            root_key_file: None,
            root_key_credential: "sotto-root-key".to_owned(),
            credentials: None,
            passphrase: None,
        }
    }
}

impl Vault {
    /// Opens the vault: reads the root key, or makes it at the first run, and finishes destructions that a crash broke off.
    pub fn open(store: &Store, settings: &Settings) -> Result<Vault, Error> {
        let is_new = root::Root::is_new(store)?;
        let root = root::Root::open(store, settings)?;
        let people = keyring::People::open(store)?;
        let appliance_path = keyring::appliance_path(store);
        let appliance = root.appliance(&appliance_path, is_new)?;
        Ok(Vault {
            root: RwLock::new(root),
            replacing: Mutex::new(()),
            stretching: Mutex::new(()),
            pepper: cipher::derive(&appliance, "pepper", "locks"),
            appliance,
            appliance_path,
            people,
        })
    }

    /// The random key of one conversation, wrapped by its owner's key; made (durably) where there is none.
    pub fn key(&self, owner: &UserId, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        self.people.key(&self.root(), owner, conversation)
    }

    /// The key of a conversation that has one; never makes one.
    pub fn existing_key(&self, owner: &UserId, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        self.keyring(owner)?.key(conversation)
    }

    /// All keys of one person's conversations; empty where they have none.
    pub fn keyring(&self, owner: &UserId) -> Result<Keyring, Error> {
        self.people.keyring(&self.root(), owner).map(Keyring)
    }

    /// Destroys one conversation's key, or all of a person's. What was sealed with it is gone.
    pub fn forget(&self, owner: &UserId, what: Forget<'_>) -> Result<(), Error> {
        self.people.forget(owner, what)
    }

    /// The keys that were destroyed, by owner and conversation (`None` for all of the owner's), in their order.
    pub fn destroyed(&self) -> Result<Vec<(UserId, Option<ConversationId>)>, Error> {
        self.people.destroyed()
    }

    /// How a person's history is protected.
    pub fn protection(&self, owner: &UserId) -> Result<Protection, Error> {
        self.people.protection(owner)
    }

    /// Whether this session unlocked the person's key; notes that it was used.
    pub fn is_unlocked_by(&self, owner: &UserId, session: &SessionMark, idle: Idle) -> bool {
        self.people.held.is_open_to(owner, session, idle)
    }

    /// Opens a bound key for a session, until it is locked again.
    pub fn unlock(&self, owner: &UserId, session: &SessionMark, proof: &Proof, now_ms: i64) -> Result<(), Error> {
        let _one = self.stretching.lock().unwrap_or_else(PoisonError::into_inner);
        self.people.unlock(&self.pepper, owner, session, proof, now_ms)
    }

    /// Wipes the keys of sessions for which `has_ended` (person, session, last used in milliseconds since the Unix epoch);
    /// gives whose keys are in memory no more.
    pub fn lock_where(&self, mut has_ended: impl FnMut(&UserId, &SessionMark, i64) -> bool) -> Vec<UserId> {
        self.people.held.wipe(&mut has_ended)
    }

    /// Binds a person's key to a proof. It is renewed, so what is kept must be sealed again ([`Vault::settle`]). Gives a
    /// recovery code, which is told this once.
    pub fn bind(
        &self,
        owner: &UserId,
        session: &SessionMark,
        proof: &Proof,
        name: &str,
        now_ms: i64,
    ) -> Result<Passphrase, Error> {
        let _one = self.stretching.lock().unwrap_or_else(PoisonError::into_inner);
        self.people.bind(&self.root(), &self.pepper, owner, session, proof, (name, now_ms))
    }

    /// Lets the server open a person's key again. It is renewed, so what is kept must be sealed again ([`Vault::settle`]).
    pub fn release(&self, owner: &UserId) -> Result<(), Error> {
        self.people.release(&self.root(), owner)
    }

    /// Renews a person's key, where the server opens it; what is kept must be sealed again ([`Vault::settle`]).
    pub fn renew(&self, owner: &UserId) -> Result<(), Error> {
        self.people.renew(&self.root(), owner)
    }

    /// Whose records must still be sealed again with keys that were renewed.
    pub fn in_renewal(&self) -> Result<Vec<UserId>, Error> {
        self.people.in_renewal()
    }

    /// Whether this person's must.
    pub fn is_in_renewal(&self, owner: &UserId) -> Result<bool, Error> {
        self.people.is_in_renewal(owner)
    }

    /// Destroys the keys from before a renewal: everything is sealed with the new ones.
    pub fn settle(&self, owner: &UserId) -> Result<(), Error> {
        self.people.settle(owner)
    }

    /// Adds another lock around a key that is unlocked. A second passphrase, or recovery code, takes the place of the first.
    pub fn add_lock(&self, owner: &UserId, proof: &Proof, name: &str, now_ms: i64) -> Result<(), Error> {
        let _one = self.stretching.lock().unwrap_or_else(PoisonError::into_inner);
        self.people.add_lock(&self.pepper, owner, proof, (name, now_ms))
    }

    /// Makes a new recovery code in the place of the old one.
    pub fn renew_code(&self, owner: &UserId, now_ms: i64) -> Result<Passphrase, Error> {
        let code = locks::new_code();
        self.add_lock(owner, &Proof::Recovery(code.clone()), "", now_ms)?;
        Ok(code)
    }

    /// Takes a lock away; gives of which kind it was. [`Error::Forgotten`] where there is none.
    pub fn remove_lock(&self, owner: &UserId, id: &str) -> Result<&'static str, Error> {
        self.people.remove_lock(owner, id)
    }

    /// Replaces the root key while the vault is in use; goes on where a replacement was broken off. `to` is where the new
    /// one is written, for its owner to put in place; otherwise it takes the old one's place by itself.
    pub fn replace_root(&self, to: Option<&Path>) -> Result<Replaced, Error> {
        let _one = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        self.root_mut().begin(to)?;
        self.finish_root()
    }

    /// Goes on with a replacement of the root key that was broken off; `None` where there is none.
    pub fn resume_root(&self) -> Result<Option<Replaced>, Error> {
        let _one = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_under_way = self.root().is_replaced_now();
        is_under_way.then(|| self.finish_root()).transpose()
    }

    fn finish_root(&self) -> Result<Replaced, Error> {
        let (people, damaged) = self.people.rewrap(&self.root)?;
        self.root().rewrap_appliance(&self.appliance_path, &self.appliance)?;
        self.root_mut().end()?;
        Ok(Replaced { people, damaged })
    }

    /// Whether the root key was replaced and that was not put on record yet ([`Vault::note_recorded`]).
    pub fn is_root_unrecorded(&self) -> Result<bool, Error> {
        self.root().is_unrecorded()
    }

    /// Notes that the replacement of the root key is on record.
    pub fn note_recorded(&self) -> Result<(), Error> {
        self.root().note_recorded()
    }

    /// Destroys the keys of a list that was kept outside, as far as they are here.
    pub fn destroy_listed(&self, listed: &[(UserId, Option<ConversationId>)]) -> Result<(), Error> {
        self.people.destroy_listed(listed)
    }

    /// HMAC-SHA-256 under a key of this appliance, for digests in the log that nobody can guess words from.
    pub fn keyed_digest(&self, label: &Label, bytes: &[u8]) -> [u8; 32] {
        root::keyed_digest(&self.appliance, label, bytes)
    }

    /// Seals and opens the appliance's own secrets of one kind.
    pub fn own(&self, label: &'static Label) -> Own {
        Own::of(&self.appliance, label)
    }

    /// Seals a secret of the appliance itself (a client secret entered on the desk, the log's signing key).
    pub fn seal_own(&self, label: &'static Label, secret: &[u8]) -> Box<[u8]> {
        self.own(label).seal(b"", secret)
    }

    /// Opens what [`Vault::seal_own`] sealed under the same label.
    pub fn open_own(&self, label: &'static Label, sealed: &[u8]) -> Result<secrecy::SecretBox<Vec<u8>>, Error> {
        self.own(label).open(b"", sealed)
    }

    // Nothing is left half done under the lock by a panic: what is on disk leads, and both keys are known until the end.
    fn root(&self) -> RwLockReadGuard<'_, root::Root> {
        self.root.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn root_mut(&self) -> RwLockWriteGuard<'_, root::Root> {
        self.root.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring {
    /// The key of one of the person's conversations; never makes one.
    pub fn key(&self, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        self.0.key(conversation)
    }
}
