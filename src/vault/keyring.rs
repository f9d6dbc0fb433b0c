//! A person's file of wrapped keys, and the list of destroyed ones.
//!
//! The file: `1`, then the person's own key wrapped by the root key (nonce, 32 bytes, tag), then for each conversation its
//! id and its key wrapped by the person's key. A wrapped key is bound to its owner and its conversation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::cipher::{self, KeyBytes, NONCE_BYTES, TAG_BYTES};
use super::root::Root;
use super::{ConversationKey, Error, Forget};
use crate::names::{ConversationId, UserId};
use crate::store::{self, Store, Tree, durable};

/// The files of all people.
pub(super) struct People {
    folder: PathBuf,
    /// Keys that were destroyed, by owner and conversation; zeros for all keys of the owner.
    destroyed: Tree<([u8; 16], [u8; 16]), ()>,
    /// Held while a file is read, changed and replaced. A person always has the same one.
    turns: [Mutex<()>; 16],
}

/// One person's keys, the person's own unwrapped.
pub(super) struct Keyring {
    owner: UserId,
    person: Option<KeyBytes>,
    wrapped: BTreeMap<[u8; 16], [u8; WRAPPED_BYTES]>,
}

/// The layout of the file.
const LAYOUT: u8 = 1;
/// Bytes of a wrapped key.
const WRAPPED_BYTES: usize = NONCE_BYTES + 32 + TAG_BYTES;
/// Stands for all keys of a person on the list. No conversation has this id: theirs are random.
const EVERYTHING: [u8; 16] = [0; 16];

/// A file's parts, still wrapped.
struct File {
    person: [u8; WRAPPED_BYTES],
    conversations: BTreeMap<[u8; 16], [u8; WRAPPED_BYTES]>,
}

impl People {
    pub(super) fn open(store: &Store) -> Result<People, Error> {
        let folder = store.folder().join("keys");
        durable::make_folder(&folder)?;
        let people = People { folder, destroyed: store.tree("vault.destroyed")?, turns: Default::default() };
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
        let known = self.read(owner)?;
        let ring = Keyring::unwrap(root, owner, known.as_ref(), &self.path(owner))?;
        if ring.wrapped.contains_key(conversation.as_bytes()) {
            return ring.key(conversation);
        }
        let key = cipher::fresh::<32>();
        let (person, mut file) = match (ring.person, known) {
            (Some(person), Some(file)) => (person, file),
            (Some(_) | None, Some(_) | None) => {
                let person = cipher::fresh::<32>();
                let wrapped = wrap(&root.wrapping(), &person_place(owner), &person);
                (person, File { person: wrapped, conversations: BTreeMap::new() })
            }
        };
        let wrapped = wrap(&person, &conversation_place(owner, conversation.as_bytes()), &key);
        file.conversations.insert(*conversation.as_bytes(), wrapped);
        durable::write(&self.path(owner), &file.bytes())?;
        drop(turn);
        Ok(ConversationKey::new(&key))
    }

    pub(super) fn keyring(&self, root: &Root, owner: &UserId) -> Result<Keyring, Error> {
        let turn = self.turn(owner);
        let file = if self.is_destroyed(owner, &EVERYTHING)? { None } else { self.read(owner)? };
        drop(turn);
        let mut ring = Keyring::unwrap(root, owner, file.as_ref(), &self.path(owner))?;
        // A file from an old backup may hold what was destroyed since.
        for key in self.destroyed.keys_under(&store::first_of(owner.as_bytes())) {
            ring.wrapped.remove(&key?.1);
        }
        Ok(ring)
    }

    pub(super) fn forget(&self, owner: &UserId, what: Forget<'_>) -> Result<(), Error> {
        let turn = self.turn(owner);
        let id = match what {
            Forget::Conversation(conversation) => *conversation.as_bytes(),
            Forget::Everything => EVERYTHING,
        };
        // First on the list: from here on no crash and no old backup brings the key back.
        self.destroyed.put_on_reserve(&(*owner.as_bytes(), id), &())?;
        self.destroy(owner, &[id])?;
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

    fn is_destroyed(&self, owner: &UserId, id: &[u8; 16]) -> Result<bool, Error> {
        match self.destroyed.get(&(*owner.as_bytes(), *id)) {
            Ok(found) => Ok(found.is_some()),
            // That it was ever put there is enough: a damaged entry must not bring a key back.
            Err(store::Error::Unreadable { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn read(&self, owner: &UserId) -> Result<Option<File>, Error> {
        let path = self.path(owner);
        match durable::read(&path)? {
            Some(bytes) => File::parse(&bytes).ok_or(Error::KeyFile(path)).map(Some),
            None => Ok(None),
        }
    }

    fn path(&self, owner: &UserId) -> PathBuf {
        self.folder.join(owner.to_string())
    }

    fn turn(&self, owner: &UserId) -> MutexGuard<'_, ()> {
        let at = usize::from(owner.as_bytes()[15]) % self.turns.len();
        // Nothing is left half done by a panic: files are replaced whole.
        self.turns[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keyring {
    fn unwrap(root: &Root, owner: &UserId, file: Option<&File>, path: &std::path::Path) -> Result<Keyring, Error> {
        let Some(file) = file else {
            return Ok(Keyring { owner: *owner, person: None, wrapped: BTreeMap::new() });
        };
        let person = unwrap(&root.wrapping(), &person_place(owner), &file.person)
            .map_err(|_| Error::KeyFile(path.to_owned()))?;
        Ok(Keyring { owner: *owner, person: Some(person), wrapped: file.conversations.clone() })
    }

    pub(super) fn key(&self, conversation: &ConversationId) -> Result<ConversationKey, Error> {
        let wrapped = self.wrapped.get(conversation.as_bytes()).ok_or(Error::Forgotten)?;
        let person = self.person.as_ref().ok_or(Error::Forgotten)?;
        let key = unwrap(person, &conversation_place(&self.owner, conversation.as_bytes()), wrapped)?;
        Ok(ConversationKey::new(&key))
    }
}

impl File {
    fn parse(bytes: &[u8]) -> Option<File> {
        let [LAYOUT, rest @ ..] = bytes else {
            return None;
        };
        let (person, rest) = rest.split_first_chunk::<WRAPPED_BYTES>()?;
        let mut conversations = BTreeMap::new();
        let entries = rest.chunks_exact(16 + WRAPPED_BYTES);
        if !entries.remainder().is_empty() {
            return None;
        }
        for entry in entries {
            let (id, wrapped) = entry.split_first_chunk::<16>()?;
            conversations.insert(*id, wrapped.try_into().ok()?);
        }
        Some(File { person: *person, conversations })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        out.extend_from_slice(&self.person);
        for (id, wrapped) in &self.conversations {
            out.extend_from_slice(id);
            out.extend_from_slice(wrapped);
        }
        out
    }
}

fn wrap(with: &KeyBytes, place: &[u8], key: &KeyBytes) -> [u8; WRAPPED_BYTES] {
    cipher::seal(with, place, &**key).try_into().expect("a sealed key has the length of its parts")
}

fn unwrap(with: &KeyBytes, place: &[u8], wrapped: &[u8; WRAPPED_BYTES]) -> Result<KeyBytes, Error> {
    let open = cipher::open(with, place, wrapped)?;
    let key: [u8; 32] = open.as_slice().try_into().map_err(|_| Error::DoesNotOpen)?;
    Ok(Zeroizing::new(key))
}

fn person_place(owner: &UserId) -> Vec<u8> {
    [b"person key".as_slice(), owner.as_bytes()].concat()
}

fn conversation_place(owner: &UserId, conversation: &[u8; 16]) -> Vec<u8> {
    [b"conversation key".as_slice(), owner.as_bytes(), conversation].concat()
}
