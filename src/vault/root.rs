//! The root key: where it is kept, how it is opened, and how it is replaced.
//!
//! It wraps people's keys and one other, the *appliance's key*, from which everything else is derived by label (digests of the
//! log, the sealing of sessions and of secrets that were entered). So a root key is replaced by wrapping those few again.
//!
//! A replacement goes by steps, each of which is on disk before the next: the new key is written to a file; that it is being
//! introduced is noted; each wrapped key is wrapped again; that the new key is the one that counts is noted; it takes the old
//! one's place. While it goes on both keys open. After a kill the next start knows both again and goes on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::SecretBox;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cipher::{self, KeyBytes, Wrapped};
use super::locks::{new_stretching, stretched};
use super::{Error, Keeping, Label, Settings};
use crate::store::{Batch, Changes, Store, Tree, durable, json_record};

/// The root key. No `Clone`, no `Debug`; wiped when dropped.
pub(super) struct Root {
    holder: Holder,
    current: KeyBytes,
    /// While the root key is replaced: the one that takes its place. What is wrapped now is wrapped with it.
    next: Option<KeyBytes>,
    notes: Notes,
}

/// Where the root key is kept.
enum Holder {
    File(PathBuf),
    /// A file that systemd put there for this service alone; we cannot write it.
    Credential(PathBuf),
    /// A file in which it is sealed under a passphrase.
    Sealed {
        path: PathBuf,
        with: Stretched,
    },
}

/// What a passphrase came to, and how, so that another key can be sealed with it.
struct Stretched {
    key: KeyBytes,
    salt: [u8; 16],
    memory_kib: u32,
    passes: u32,
}

/// A root key under a passphrase, as it stands in its file.
#[derive(Serialize, Deserialize)]
struct SealedRoot {
    salt: String,
    memory_kib: u32,
    passes: u32,
    wrapped: String,
}

/// What is noted in the store.
struct Notes {
    store: Store,
    checks: Tree<String, Vec<u8>>,
    replacements: Tree<String, Replacement>,
}

/// A replacement of the root key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Replacement {
    /// Where the new key was written.
    to: PathBuf,
    /// Whether we put it in the old one's place ourselves.
    is_placed_by_us: bool,
    /// Whether everything is wrapped with it.
    is_done: bool,
    /// Whether the audit log says so.
    is_recorded: bool,
}
json_record!(Replacement, 1);

/// Seals and opens the appliance's own secrets of one kind, in a place that is bound in. No `Clone`, no `Debug`.
pub struct Own {
    key: KeyBytes,
}

/// Proves that a root key is the one of this data folder, and tells nothing about it.
const CHECK: Label = Label("root key check");
const ROOT: &str = "root";
const APPLIANCE: &str = "appliance";
/// What a root key under a passphrase is bound to.
const SEALED_PLACE: &[u8] = b"root key under a passphrase";
const APPLIANCE_PLACE: &[u8] = b"appliance key";

/// What goes with the root key, said where it is missing.
const LOSS: &str = "it cannot be read; put it back. Without it no conversation that was kept opens again, also none that is \
                    bound to a passkey or a passphrase, and the audit log cannot be continued. Pages, people and \
                    permissions are not lost: they are not sealed with it, and a sync brings them into a new data folder";
const FOREIGN: &str = "it is not the one that this data folder was made with; put that one back";
const REPLACED: &str = "it was replaced since; put the file that \"sotto keys rotate --root --to\" wrote in its place";

impl Root {
    /// Reads the root key. At the first run of a data folder without a set path it is made.
    pub(super) fn open(store: &Store, settings: &Settings) -> Result<Root, Error> {
        let notes = Notes::open(store)?;
        let check = notes.checks.get(&ROOT.to_owned())?;
        let holder = Holder::open(store, settings, check.is_none())?;
        let replacement = notes.replacements.get(&ROOT.to_owned())?;
        let current = holder.read(holder.path())?;
        let mut root = Root { holder, current, next: None, notes };
        match check {
            None => root.notes.checks.put(&ROOT.to_owned(), &check_of(&root.current).to_vec())?,
            Some(check) if check == check_of(&root.current) => match replacement {
                Some(under_way) if !under_way.is_done => root.next = Some(root.holder.read(&under_way.to)?),
                Some(done) if done.is_placed_by_us => drop(durable::remove(&done.to)?),
                Some(_) | None => {}
            },
            // A new root key over old wrapped keys would make everything unreadable, one record at a time, without a word.
            Some(check) => match replacement.filter(|replacement| replacement.is_done) {
                // Where it is not there it took its place already, and what stands there is another.
                Some(done) if done.is_placed_by_us && done.to.exists() => {
                    let next = root.holder.read(&done.to)?;
                    if check != check_of(&next) {
                        return Err(root.holder.refuse(FOREIGN));
                    }
                    root.place(next, &done.to)?;
                }
                Some(done) if !done.is_placed_by_us => return Err(root.holder.refuse(REPLACED)),
                Some(_) | None => return Err(root.holder.refuse(FOREIGN)),
            },
        }
        Ok(root)
    }

    /// Wraps a key with the root key that is, or will be, the one that counts.
    pub(super) fn wrap(&self, place: &[u8], key: &KeyBytes) -> Wrapped {
        cipher::wrap(&wrapping(self.newest()), place, key)
    }

    pub(super) fn unwrap(&self, place: &[u8], wrapped: &Wrapped) -> Result<KeyBytes, Error> {
        let keys = [self.next.as_ref(), Some(&self.current)];
        let opened = keys.into_iter().flatten().find_map(|key| cipher::unwrap(&wrapping(key), place, wrapped).ok());
        opened.ok_or(Error::DoesNotOpen)
    }

    /// Whether a key is wrapped with the root key that will count.
    pub(super) fn is_wrapped_anew(&self, place: &[u8], wrapped: &Wrapped) -> bool {
        cipher::unwrap(&wrapping(self.newest()), place, wrapped).is_ok()
    }

    /// The appliance's key; made where there is none. In a data folder of before it was kept, it is the root key of then.
    pub(super) fn appliance(&self, path: &Path, is_new: bool) -> Result<KeyBytes, Error> {
        if let Some(bytes) = durable::read(path)? {
            let wrapped = bytes.as_slice().try_into().map_err(|_| Error::KeyFile(path.to_owned()))?;
            return self.unwrap(APPLIANCE_PLACE, &wrapped).map_err(|_| Error::KeyFile(path.to_owned()));
        }
        if self.notes.checks.get(&APPLIANCE.to_owned())?.is_some() {
            return Err(Error::KeyFile(path.to_owned()));
        }
        let key = if is_new { KeyBytes::random() } else { self.current.again() };
        durable::write(path, &self.wrap(APPLIANCE_PLACE, &key))?;
        self.notes.checks.put(&APPLIANCE.to_owned(), &Vec::new())?;
        Ok(key)
    }

    /// Whether this data folder has no root key yet.
    pub(super) fn is_new(store: &Store) -> Result<bool, Error> {
        Ok(Notes::open(store)?.checks.get(&ROOT.to_owned())?.is_none())
    }

    /// Whether a replacement was begun and not ended.
    pub(super) fn is_replaced_now(&self) -> bool {
        self.next.is_some()
    }

    /// Makes the next root key, durably, and wraps with it from now on. Goes on where it was begun before.
    pub(super) fn begin(&mut self, to: Option<&Path>) -> Result<(), Error> {
        if self.next.is_some() {
            return Ok(());
        }
        let ours = self.holder.next_path();
        let (path, is_placed_by_us) = match (to, ours) {
            (Some(to), _) if to.exists() => {
                return Err(Error::Unfit("the file for the new root key is there already; name one that is not"));
            }
            (Some(to), _) => (to.to_owned(), false),
            (None, Some(ours)) => (ours, true),
            (None, None) => {
                return Err(Error::Unfit(
                    "the root key is a credential of systemd, which only you can replace: give --to FILE for the new one",
                ));
            }
        };
        let next = KeyBytes::random();
        // The file first: what is wrapped with a key that is on no disk is lost.
        self.holder.write(&path, &next)?;
        let replacement = Replacement { to: path, is_placed_by_us, is_done: false, is_recorded: false };
        self.notes.replacements.put(&ROOT.to_owned(), &replacement)?;
        self.next = Some(next);
        Ok(())
    }

    /// Wraps the appliance's key with the next root key.
    pub(super) fn rewrap_appliance(&self, path: &Path, appliance: &KeyBytes) -> Result<(), Error> {
        Ok(durable::write_over(path, &self.wrap(APPLIANCE_PLACE, appliance))?)
    }

    /// Lets the next root key take the place of the old one, once everything is wrapped with it.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        let replacement = self.notes.replacements.get(&ROOT.to_owned())?;
        let (Some(next), Some(replacement)) = (self.next.take(), replacement) else { return Ok(()) };
        let (mut checks, mut replacements) = (Batch::new(), Batch::new());
        checks.put(&ROOT.to_owned(), &check_of(&next).to_vec());
        replacements.put(&ROOT.to_owned(), &Replacement { is_done: true, ..replacement.clone() });
        let mut changes = Changes::new();
        changes.add(&self.notes.checks, checks);
        changes.add(&self.notes.replacements, replacements);
        if let Err(error) = self.notes.store.make(changes) {
            self.next = Some(next);
            return Err(error.into());
        }
        match replacement.is_placed_by_us {
            true => self.place(next, &replacement.to),
            false => {
                self.current = next;
                Ok(())
            }
        }
    }

    pub(super) fn is_unrecorded(&self) -> Result<bool, Error> {
        let replacement = self.notes.replacements.get(&ROOT.to_owned())?;
        Ok(replacement.is_some_and(|replacement| replacement.is_done && !replacement.is_recorded))
    }

    pub(super) fn note_recorded(&self) -> Result<(), Error> {
        let Some(replacement) = self.notes.replacements.get(&ROOT.to_owned())? else { return Ok(()) };
        let recorded = Replacement { is_recorded: true, ..replacement };
        Ok(self.notes.replacements.put(&ROOT.to_owned(), &recorded)?)
    }

    fn place(&mut self, next: KeyBytes, from: &Path) -> Result<(), Error> {
        self.holder.write(self.holder.path(), &next)?;
        durable::remove(from)?;
        self.current = next;
        Ok(())
    }

    fn newest(&self) -> &KeyBytes {
        self.next.as_ref().unwrap_or(&self.current)
    }
}

impl Notes {
    fn open(store: &Store) -> Result<Notes, Error> {
        let (checks, replacements) = (store.tree("vault.check")?, store.tree("vault.replacement")?);
        Ok(Notes { store: store.clone(), checks, replacements })
    }
}

impl Holder {
    fn open(store: &Store, settings: &Settings, is_new: bool) -> Result<Holder, Error> {
        match settings.root_key {
            Keeping::File => {
                let path = settings.root_key_file.clone().unwrap_or_else(|| store.folder().join("root.key"));
                if is_new && settings.root_key_file.is_none() && !path.exists() {
                    durable::write(&path, &*KeyBytes::random())?;
                }
                Ok(Holder::File(path))
            }
            Keeping::Credential => {
                let folder = settings.credentials.clone().unwrap_or_else(|| PathBuf::from("$CREDENTIALS_DIRECTORY"));
                Ok(Holder::Credential(folder.join(&settings.root_key_credential)))
            }
            Keeping::Passphrase => Holder::sealed(store, settings, is_new),
        }
    }

    fn sealed(store: &Store, settings: &Settings, is_new: bool) -> Result<Holder, Error> {
        let path = settings.root_key_file.clone().unwrap_or_else(|| store.folder().join("root.sealed"));
        let passphrase = settings.passphrase.as_ref();
        let passphrase = passphrase
            .ok_or_else(|| Error::RootKey(path.clone(), "it is sealed under a passphrase, and none was given"))?;
        if let Some(sealed) = read_sealed(&path)? {
            let salt: Option<[u8; 16]> = hex::decode(&sealed.salt).ok().and_then(|salt| salt.try_into().ok());
            let salt = salt.ok_or_else(|| Error::RootKey(path.clone(), DAMAGED))?;
            let key = stretched(passphrase, &salt, sealed.memory_kib, sealed.passes)?;
            let with = Stretched { key, salt, memory_kib: sealed.memory_kib, passes: sealed.passes };
            return Ok(Holder::Sealed { path, with });
        }
        if !is_new {
            return Err(Error::RootKey(path, LOSS));
        }
        if passphrase.expose().chars().count() < ROOT_PASSPHRASE_CHARS_MIN {
            return Err(Error::RootKey(path, "its passphrase needs at least 16 characters"));
        }
        let (salt, memory_kib, passes) = new_stretching();
        let key = stretched(passphrase, &salt, memory_kib, passes)?;
        let holder = Holder::Sealed { path: path.clone(), with: Stretched { key, salt, memory_kib, passes } };
        holder.write(&path, &KeyBytes::random())?;
        Ok(holder)
    }

    fn path(&self) -> &Path {
        match self {
            Holder::File(path) | Holder::Credential(path) | Holder::Sealed { path, .. } => path,
        }
    }

    /// Where we write the key that replaces this one; `None` where we may not.
    fn next_path(&self) -> Option<PathBuf> {
        let mut name = self.path().file_name()?.to_owned();
        name.push(".next");
        match self {
            Holder::File(path) | Holder::Sealed { path, .. } => Some(path.with_file_name(name)),
            Holder::Credential(_) => None,
        }
    }

    fn read(&self, path: &Path) -> Result<KeyBytes, Error> {
        let refuse = |why| Error::RootKey(path.to_owned(), why);
        match self {
            Holder::File(_) => {
                let file = fs::metadata(path).map_err(|_| refuse(LOSS))?;
                // Whoever can read the root key can read every conversation.
                if file.permissions().mode() & 0o077 != 0 {
                    return Err(refuse("others may read or write it; take that away with chmod 600"));
                }
                plain(path)?.ok_or_else(|| refuse(LOSS))
            }
            // systemd keeps others from it by means that the mode does not show.
            Holder::Credential(_) => plain(path)?.ok_or_else(|| {
                refuse("it cannot be read; give it to the service by LoadCredentialEncrypted= or LoadCredential=")
            }),
            Holder::Sealed { with, .. } => {
                let sealed = read_sealed(path)?.ok_or_else(|| refuse(LOSS))?;
                let wrapped = hex::decode(&sealed.wrapped).ok().and_then(|wrapped| wrapped.try_into().ok());
                let wrapped = wrapped.ok_or_else(|| refuse(DAMAGED))?;
                cipher::unwrap(&with.key, SEALED_PLACE, &wrapped)
                    .map_err(|_| refuse("the passphrase does not open it; start again and type it once more"))
            }
        }
    }

    fn write(&self, path: &Path, key: &KeyBytes) -> Result<(), Error> {
        match self {
            Holder::File(_) | Holder::Credential(_) => durable::write_over(path, &**key)?,
            Holder::Sealed { with, .. } => {
                let sealed = SealedRoot {
                    salt: hex::encode(with.salt),
                    memory_kib: with.memory_kib,
                    passes: with.passes,
                    wrapped: hex::encode(cipher::wrap(&with.key, SEALED_PLACE, key)),
                };
                durable::write_over(path, &serde_json::to_vec(&sealed).expect("it is plain JSON"))?;
            }
        }
        Ok(())
    }

    fn refuse(&self, why: &'static str) -> Error {
        Error::RootKey(self.path().to_owned(), why)
    }
}

const DAMAGED: &str = "it is damaged; put it back from where you keep a copy";
/// It stands between a stolen disk and everything.
const ROOT_PASSPHRASE_CHARS_MIN: usize = 16;

impl Own {
    /// For secrets of one kind.
    pub(super) fn of(appliance: &KeyBytes, label: &Label) -> Own {
        Own { key: cipher::derive(appliance, "own", label.0) }
    }

    /// Seals a secret for a place.
    pub fn seal(&self, place: &[u8], secret: &[u8]) -> Box<[u8]> {
        cipher::seal(&self.key, place, secret).into()
    }

    /// Opens what was sealed under the same label for the same place.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<SecretBox<Vec<u8>>, Error> {
        let mut secret = cipher::open(&self.key, place, sealed)?;
        Ok(SecretBox::new(Box::new(std::mem::take(&mut *secret))))
    }
}

/// HMAC-SHA-256 under a key of this label.
pub(super) fn keyed_digest(appliance: &[u8; 32], label: &Label, bytes: &[u8]) -> [u8; 32] {
    *cipher::hmac(&cipher::derive(appliance, "digest", label.0), &[bytes])
}

fn check_of(root: &KeyBytes) -> [u8; 32] {
    keyed_digest(root, &CHECK, b"")
}

/// The key that wraps people's keys.
fn wrapping(root: &KeyBytes) -> KeyBytes {
    cipher::derive(root, "wrap", "person")
}

/// Thirty-two bytes; `None` where there is no file.
fn plain(path: &Path) -> Result<Option<KeyBytes>, Error> {
    let bytes = match durable::read(path) {
        Ok(Some(bytes)) => Zeroizing::new(bytes),
        Ok(None) | Err(_) => return Ok(None),
    };
    let key = KeyBytes::of(&bytes);
    key.map(Some).ok_or_else(|| Error::RootKey(path.to_owned(), "it does not hold exactly 32 bytes"))
}

fn read_sealed(path: &Path) -> Result<Option<SealedRoot>, Error> {
    let Some(bytes) = durable::read(path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|_| Error::RootKey(path.to_owned(), DAMAGED))
}
