//! The people's files of wrapped keys, and the list of destroyed ones. A wrapped key is bound to its owner and its
//! conversation.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::cipher::{self, KeyBytes};
use super::held::Held;
use super::keyfile::{File, Person, Slot};
use super::root::Root;
use super::{ConversationKey, Error, Forget};
use crate::names::{ConversationId, UserId};
use crate::store::{self, Batch, Store, Tree, durable};

/// The files of all people.
pub(super) struct People {
    folder: PathBuf,
    /// Keys that were destroyed, by owner and conversation; zeros for all keys of the owner.
    destroyed: Tree<([u8; 16], [u8; 16]), ()>,
    /// Held while a file is read, changed and replaced. A person always has the same one.
    turns: [Mutex<()>; 16],
    /// The keys of who is signed in and unlocked theirs.
    pub(super) held: Held,
    /// Wrong tries of each person since the last right one, and when the last was, in milliseconds since the Unix epoch.
    pub(super) wrong: Mutex<HashMap<[u8; 16], (u32, i64)>>,
}

/// One person's keys, the person's own unwrapped.
pub(super) struct Keyring {
    owner: UserId,
    person: Option<KeyBytes>,
    conversations: BTreeMap<[u8; 16], Slot>,
}

/// Stands for all keys of a person on the list. No conversation has this id: theirs are random.
const EVERYTHING: [u8; 16] = [0; 16];

impl People {
    pub(super) fn open(store: &Store) -> Result<People, Error> {
        let folder = folder(store);
        durable::make_folder(&folder)?;
        let people = People {
            folder,
            destroyed: store.tree("vault.destroyed")?,
            turns: Default::default(),
            held: Held::default(),
            wrong: Mutex::default(),
        };
        people.finish()?;
        Ok(people)
    }

    pub(super) fn key(
        &self,
        root: &Root,
        owner: &UserId,
        conversation: &ConversationId,
    ) -> Result<ConversationKey, Error> {
        let turn = self.turn(owner);
        self.refuse_destroyed(owner, conversation)?;
        let (person, mut file) = match self.read(owner)? {
            Some(file) => (self.person_key(root, owner, &file)?, file),
            None => self.new_file(root, owner),
        };
        if let Some(slot) = file.conversations.get(conversation.as_bytes()) {
            return slot_key(&person, owner, conversation, slot);
        }
        let key = KeyBytes::random();
        let newest = cipher::wrap(&person, &conversation_place(owner, conversation.as_bytes()), &key);
        file.conversations.insert(*conversation.as_bytes(), Slot { newest, older: None });
        durable::write(&self.path(owner), &file.bytes())?;
        drop(turn);
        Ok(ConversationKey::new(key, None))
    }

    pub(super) fn keyring(&self, root: &Root, owner: &UserId) -> Result<Keyring, Error> {
        let turn = self.turn(owner);
        let file = if self.is_destroyed(owner, &EVERYTHING)? { None } else { self.read(owner)? };
        drop(turn);
        let Some(mut file) = file else {
            return Ok(Keyring { owner: *owner, person: None, conversations: BTreeMap::new() });
        };
        // A file from an old backup may hold what was destroyed since.
        for key in self.destroyed.keys_under(&store::first_of(owner.as_bytes())) {
            file.conversations.remove(&key?.1);
        }
        let person = self.person_key(root, owner, &file)?;
        Ok(Keyring { owner: *owner, person: Some(person), conversations: file.conversations })
    }

    pub(super) fn forget(&self, owner: &UserId, what: Forget<'_>) -> Result<(), Error> {
        let turn = self.turn(owner);
        let id = match what {
            Forget::Conversation(conversation) => *conversation.as_bytes(),
            Forget::Everything => EVERYTHING,
        };
        // First on the list: from here on no crash and no old backup brings the key back.
        self.destroyed.put_on_reserve(&(*owner.as_bytes(), id), &())?;
        fail::fail_point!("key listed");
        self.destroy(owner, &[id])?;
        if id == EVERYTHING {
            self.held.wipe(&mut |whose, _, _| whose == owner);
        }
        drop(turn);
        Ok(())
    }

    pub(super) fn destroyed(&self) -> Result<Vec<(UserId, Option<ConversationId>)>, Error> {
        let read = |key: Result<([u8; 16], [u8; 16]), store::Error>| {
            let (owner, id) = key?;
            Ok((UserId::from_bytes(owner), (id != EVERYTHING).then(|| ConversationId::from_bytes(id))))
        };
        self.destroyed.keys_under(b"").map(read).collect()
    }

    /// Wraps with the newest root key what it does not wrap yet; gives how many files there are, and how many of them do not
    /// read.
    pub(super) fn rewrap(&self, root: &RwLock<Root>) -> Result<(u64, u64), Error> {
        let (mut whole, mut damaged) = (0, 0);
        for owner in self.owners()? {
            let turn = self.turn(&owner);
            let outcome = self.rewrap_one(&root.read().unwrap_or_else(PoisonError::into_inner), &owner);
            drop(turn);
            match outcome {
                Ok(()) => whole += 1,
                Err(Error::KeyFile(path)) => {
                    tracing::warn!(path = %path.display(), "a key file does not read; it was left as it is");
                    damaged += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok((whole, damaged))
    }

    fn rewrap_one(&self, root: &Root, owner: &UserId) -> Result<(), Error> {
        let Some(file) = self.read(owner)? else { return Ok(()) };
        let Person::ByRoot(wrapped) = &file.person else { return Ok(()) };
        let place = person_place(owner);
        if root.is_wrapped_anew(&place, wrapped) {
            return Ok(());
        }
        let person = self.person_key(root, owner, &file)?;
        let file = File { person: Person::ByRoot(Box::new(root.wrap(&place, &person))), ..file };
        Ok(durable::write_over(&self.path(owner), &file.bytes())?)
    }

    /// Whose files there are.
    pub(super) fn owners(&self) -> Result<Vec<UserId>, Error> {
        let broken = |error: std::io::Error| Error::Broken(error.into());
        let mut owners = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(broken)? {
            let name = entry.map_err(broken)?.file_name();
            owners.extend(name.to_str().and_then(UserId::parse));
        }
        owners.sort();
        Ok(owners)
    }

    pub(super) fn destroy_listed(&self, listed: &[(UserId, Option<ConversationId>)]) -> Result<(), Error> {
        let mut batch = Batch::new();
        for (owner, conversation) in listed {
            let id = conversation.map_or(EVERYTHING, |conversation| *conversation.as_bytes());
            batch.put(&(*owner.as_bytes(), id), &());
        }
        // First on the list, as in `forget`.
        self.destroyed.apply(batch)?;
        self.finish()
    }

    /// Takes out of the files what the list has and a crash, or a restored backup, left there.
    fn finish(&self) -> Result<(), Error> {
        let mut by_owner: BTreeMap<[u8; 16], Vec<[u8; 16]>> = BTreeMap::new();
        for key in self.destroyed.keys_under(b"") {
            let (owner, id) = key?;
            by_owner.entry(owner).or_default().push(id);
        }
        by_owner.iter().try_for_each(|(owner, ids)| self.destroy(&UserId::from_bytes(*owner), ids))
    }

    fn destroy(&self, owner: &UserId, ids: &[[u8; 16]]) -> Result<(), Error> {
        let path = self.path(owner);
        if ids.contains(&EVERYTHING) {
            durable::remove(&path)?;
            return Ok(());
        }
        let Some(mut file) = self.read(owner)? else {
            return Ok(());
        };
        let before = file.conversations.len();
        file.conversations.retain(|id, _| !ids.contains(id));
        if file.conversations.len() < before {
            durable::write_over(&path, &file.bytes())?;
        }
        Ok(())
    }

    fn refuse_destroyed(&self, owner: &UserId, conversation: &ConversationId) -> Result<(), Error> {
        if self.is_destroyed(owner, &EVERYTHING)? || self.is_destroyed(owner, conversation.as_bytes())? {
            return Err(Error::Forgotten);
        }
        Ok(())
    }

    /// Whether everything of a person was destroyed: then they get no new key.
    pub(super) fn refuse_forgotten(&self, owner: &UserId) -> Result<(), Error> {
        if self.is_destroyed(owner, &EVERYTHING)? { Err(Error::Forgotten) } else { Ok(()) }
    }

    fn is_destroyed(&self, owner: &UserId, id: &[u8; 16]) -> Result<bool, Error> {
        match self.destroyed.get(&(*owner.as_bytes(), *id)) {
            Ok(found) => Ok(found.is_some()),
            // That it was ever put there is enough: a damaged entry must not bring a key back.
            Err(store::Error::Unreadable { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// The person's own key: the server opens it, or it is in memory while they are signed in and unlocked it.
    pub(super) fn person_key(&self, root: &Root, owner: &UserId, file: &File) -> Result<KeyBytes, Error> {
        match &file.person {
            Person::ByRoot(wrapped) => {
                root.unwrap(&person_place(owner), wrapped).map_err(|_| Error::KeyFile(self.path(owner)))
            }
            Person::ByLocks(_) => self.held.key(owner).ok_or(Error::Locked),
        }
    }

    fn new_file(&self, root: &Root, owner: &UserId) -> (KeyBytes, File) {
        let person = KeyBytes::random();
        let wrapped = root.wrap(&person_place(owner), &person);
        (person, File { person: Person::ByRoot(Box::new(wrapped)), conversations: BTreeMap::new() })
    }

    pub(super) fn read(&self, owner: &UserId) -> Result<Option<File>, Error> {
        let path = self.path(owner);
        match durable::read(&path)? {
            Some(bytes) => File::parse(&bytes).ok_or(Error::KeyFile(path)).map(Some),
            None => Ok(None),
        }
    }

    /// Replaces a file, and writes over what stood there: a key that it no longer holds is gone.
    pub(super) fn replace(&self, owner: &UserId, file: &File) -> Result<(), Error> {
        Ok(durable::write_over(&self.path(owner), &file.bytes())?)
    }

    fn path(&self, owner: &UserId) -> PathBuf {
        self.folder.join(owner.to_string())
    }

    pub(super) fn turn(&self, owner: &UserId) -> MutexGuard<'_, ()> {
        let at = usize::from(owner.as_bytes()[15]) % self.turns.len();
        // Nothing is left half done by a panic: files are replaced whole.
        self.turns[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring {
    pub(super) fn key(&self, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        let slot = self.conversations.get(conversation.as_bytes()).ok_or(Error::Forgotten)?;
        let person = self.person.as_ref().ok_or(Error::Forgotten)?;
        slot_key(person, &self.owner, conversation, slot)
    }
}

fn slot_key(
    person: &KeyBytes,
    owner: &UserId,
    conversation: &ConversationId,
    slot: &Slot,
) -> Result<ConversationKey, Error> {
    let place = conversation_place(owner, conversation.as_bytes());
    let newest = cipher::unwrap(person, &place, &slot.newest)?;
    let older = slot.older.as_ref().map(|older| cipher::unwrap(person, &place, older)).transpose()?;
    Ok(ConversationKey::new(newest, older))
}

/// Where the people's files are.
pub(super) fn folder(store: &Store) -> PathBuf {
    store.folder().join("keys")
}

/// The file of the appliance's key, beside them.
pub(super) fn appliance_path(store: &Store) -> PathBuf {
    folder(store).join(Path::new("appliance"))
}

pub(super) fn person_place(owner: &UserId) -> Vec<u8> {
    [b"person key".as_slice(), owner.as_bytes()].concat()
}

pub(super) fn conversation_place(owner: &UserId, conversation: &[u8; 16]) -> Vec<u8> {
    [b"conversation key".as_slice(), owner.as_bytes(), conversation].concat()
}
