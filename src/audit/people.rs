//! Who stands behind a commitment: salts that can be erased.
//!
//! Each person has a random handle and a random secret, sealed in a file of their own. Beside a leaf stands the handle; the
//! salt of a commitment is derived from the secret, the leaf and the field. So no salt needs to be written for an event,
//! two leaves of one person share nothing that an export shows, and removing one small file erases a person from all of
//! them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::Error;
use crate::names::UserId;
use crate::store::durable;
use crate::vault::{self, ExposeSecret as _, Label, Own, Vault};

/// All people who stand in the log.
pub(super) struct People {
    folder: PathBuf,
    own: Own,
    /// Who was met since the start, in shares by their ids. A share is held while a file of one of its people is
    /// made or removed, so that people who are new at once do not wait for each other's fsyncs.
    known: Box<[Mutex<Known>]>,
    /// Whose each handle is, once somebody has asked; then kept as the files are. Taken after a share, never before.
    names: Mutex<Option<HashMap<[u8; 16], UserId>>>,
}

/// People by their ids.
type Known = HashMap<UserId, Arc<Person>>;

/// Shares of the people; more than there are ever connections that provision.
const SHARES: usize = 64;

/// What stands behind one person's commitments.
pub(super) struct Person {
    pub(super) handle: [u8; 16],
    secret: Zeroizing<[u8; 32]>,
}

/// A commitment and the salt that opens it.
pub(super) struct Commitment {
    pub(super) salt: [u8; 16],
    pub(super) hash: [u8; 32],
}

const LABEL: Label = Label("audit person");
/// The file of the handles of who was erased. No person's id is this word.
const ERASED: &str = "erased";

impl People {
    pub(super) fn open(folder: &Path, vault: &Vault) -> Result<People, Error> {
        let folder = folder.join("people");
        durable::make_folder(&folder)?;
        let known = (0..SHARES).map(|_| Mutex::default()).collect();
        Ok(People { folder, own: vault.own(&LABEL), known, names: Mutex::default() })
    }

    /// The person's handle and secret, made (durably) where there are none.
    pub(super) fn of(&self, user: &UserId) -> Result<Arc<Person>, Error> {
        let mut known = self.share(user);
        if let Some(person) = known.get(user) {
            return Ok(Arc::clone(person));
        }
        let path = self.path(user);
        let person = match self.read(&path, user)? {
            Some(person) => person,
            None => {
                let person = Person { handle: *vault::fresh(), secret: vault::fresh() };
                let open = Zeroizing::new([&person.handle[..], &person.secret[..]].concat());
                durable::write(&path, &self.own.seal(user.as_bytes(), &open))?;
                person
            }
        };
        let person = Arc::new(person);
        known.insert(*user, Arc::clone(&person));
        if let Some(names) = &mut *self.names() {
            names.insert(person.handle, *user);
        }
        Ok(person)
    }

    /// The person's handle and secret, where they stand in the log and were not erased.
    pub(super) fn known(&self, user: &UserId) -> Result<Option<Arc<Person>>, Error> {
        let mut known = self.share(user);
        if let Some(person) = known.get(user) {
            return Ok(Some(Arc::clone(person)));
        }
        let person = self.read(&self.path(user), user)?.map(Arc::new);
        if let Some(person) = &person {
            known.insert(*user, Arc::clone(person));
        }
        Ok(person)
    }

    /// Whose a handle is; `None` for who was erased.
    pub(super) fn user_of(&self, handle: &[u8; 16]) -> Result<Option<UserId>, Error> {
        let mut names = self.names();
        let names = match &mut *names {
            Some(names) => names,
            none @ None => {
                let all = self.by_handle()?.into_iter().map(|(handle, (user, _))| (handle, user));
                none.insert(all.collect())
            }
        };
        Ok(names.get(handle).copied())
    }

    fn names(&self) -> MutexGuard<'_, Option<HashMap<[u8; 16], UserId>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Destroys what opens the person's commitments. Their handle is kept, which stands beside their leaves in any case: so one
    /// that belongs to nobody can still be told from one that was changed.
    pub(super) fn erase(&self, user: &UserId) -> Result<(), Error> {
        let mut known = self.share(user);
        // Held to the end, so that of two erasures at once neither handle is lost.
        let mut names = self.names();
        if let Some(person) = self.read(&self.path(user), user)? {
            let mut erased = durable::read(&self.folder.join(ERASED))?.unwrap_or_default();
            erased.extend_from_slice(&person.handle);
            durable::write(&self.folder.join(ERASED), &erased)?;
        }
        known.remove(user);
        durable::remove(&self.path(user))?;
        if let Some(names) = &mut *names {
            names.retain(|_, known| known != user);
        }
        Ok(())
    }

    /// The handles of who was erased.
    pub(super) fn erased(&self) -> Result<HashSet<[u8; 16]>, Error> {
        let bytes = durable::read(&self.folder.join(ERASED))?.unwrap_or_default();
        Ok(bytes.as_chunks::<16>().0.iter().copied().collect())
    }

    /// Everybody who was not erased, by handle.
    pub(super) fn by_handle(&self) -> Result<HashMap<[u8; 16], (UserId, Person)>, Error> {
        let mut all = HashMap::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(user) = path.file_name().and_then(|name| name.to_str()).and_then(UserId::parse) else {
                continue;
            };
            if let Some(person) = self.read(&path, &user)? {
                all.insert(person.handle, (user, person));
            }
        }
        Ok(all)
    }

    fn read(&self, path: &Path, user: &UserId) -> Result<Option<Person>, Error> {
        let Some(sealed) = durable::read(path)? else {
            return Ok(None);
        };
        let open = self.own.open(user.as_bytes(), &sealed)?;
        let parts = open.expose_secret().split_first_chunk::<16>();
        let person = parts.and_then(|(handle, secret)| {
            Some(Person { handle: *handle, secret: Zeroizing::new(secret.try_into().ok()?) })
        });
        person.ok_or(Error::Vault(vault::Error::DoesNotOpen)).map(Some)
    }

    fn share(&self, user: &UserId) -> MutexGuard<'_, Known> {
        // The last byte: a sequence that tests repeat counts there.
        let share = usize::from(user.as_bytes()[15]) % SHARES;
        self.known[share].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, user: &UserId) -> PathBuf {
        self.folder.join(user.to_string())
    }
}

impl Person {
    /// Commits to a value in a field of a leaf: SHA-256(salt ‖ value).
    pub(super) fn commit(&self, leaf: u64, field: &str, value: &str) -> Commitment {
        let whole = vault::digest_under(&self.secret, &[&leaf.to_be_bytes(), field.as_bytes()]);
        let mut salt = [0; 16];
        salt.copy_from_slice(&whole[..16]);
        let hash = vault::sha256(&[&salt, value.as_bytes()].concat());
        Commitment { salt, hash }
    }
}
