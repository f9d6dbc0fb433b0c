//! Binding a person's key to what they know or have, opening it while they are signed in, and renewing it.
//!
//! Whenever what wraps a person's key changes for good, the key itself changes, and with it the key of each conversation: a
//! copy of the old file, with what opened it, is worth nothing for what is written from then on. The new keys stand in the
//! file beside the old ones until every record was sealed again ([`super::Vault::settle`]); so after a crash both open.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::cipher::{self, KeyBytes};
use super::held::SessionMark;
use super::keyfile::{File, Person, Slot};
use super::keyring::{People, conversation_place, person_place};
use super::locks::{self, LockShown, Locks, Proof};
use super::root::Root;
use super::{Error, Passphrase};
use crate::names::UserId;

/// How a person's history is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Whether their key is bound to what they know or have; otherwise the server opens it.
    pub is_bound: bool,
    /// What opens it.
    pub locks: Vec<LockShown>,
    /// What passkeys are asked for (the input of the WebAuthn PRF extension); thirty-two bytes where the key is bound.
    pub salt: Option<[u8; 32]>,
}

/// Wrong tries after which the next has to wait.
const WRONG_MAX: u32 = 5;
/// How long the first wait is; each further wrong try doubles it.
const WAIT_MS: i64 = 10_000;
/// Doublings of the wait, at most: some 45 minutes.
const DOUBLINGS_MAX: u32 = 8;

impl People {
    pub(super) fn protection(&self, owner: &UserId) -> Result<Protection, Error> {
        let turn = self.turn(owner);
        let file = self.read(owner)?;
        drop(turn);
        Ok(match file.map(|file| file.person) {
            Some(Person::ByLocks(locks)) => {
                let key = self.held.key(owner);
                Protection { is_bound: true, locks: locks.shown(owner, key.as_ref()), salt: Some(locks.salt) }
            }
            Some(Person::ByRoot(_)) | None => Protection { is_bound: false, locks: Vec::new(), salt: None },
        })
    }

    /// Opens the person's key for a session.
    pub(super) fn unlock(
        &self,
        pepper: &KeyBytes,
        owner: &UserId,
        session: &SessionMark,
        proof: &Proof,
        now_ms: i64,
    ) -> Result<(), Error> {
        let _turn = self.turn(owner);
        let file = self.read(owner)?;
        let Some(Person::ByLocks(locks)) = file.map(|file| file.person) else {
            return Err(Error::Unfit(
                "there is nothing to unlock: the history is not bound to a passphrase or passkey",
            ));
        };
        self.may_try(owner, now_ms)?;
        let opened = locks.open(pepper, owner, proof);
        self.count_try(owner, now_ms, opened.is_ok());
        self.held.hold(owner, session, &opened?, now_ms);
        Ok(())
    }

    /// Binds the person's key to a proof, and to a code that is given back; the key and those of all conversations are new.
    /// What bound it before no longer opens it.
    pub(super) fn bind(
        &self,
        root: &Root,
        pepper: &KeyBytes,
        owner: &UserId,
        session: &SessionMark,
        proof: &Proof,
        (name, now_ms): (&str, i64),
    ) -> Result<Passphrase, Error> {
        let _turn = self.turn(owner);
        self.refuse_forgotten(owner)?;
        let key = KeyBytes::random();
        let (mut locks, code) = (Locks::begun_with(proof)?, locks::new_code());
        locks.add(pepper, owner, &key, proof, name, now_ms)?;
        let code = Proof::Recovery(code);
        locks.add(pepper, owner, &key, &code, "", now_ms)?;
        let conversations = match self.read(owner)? {
            Some(file) => renewed(&self.person_key(root, owner, &file)?, owner, file, &key)?,
            None => BTreeMap::new(),
        };
        self.replace(owner, &File { person: Person::ByLocks(locks), conversations })?;
        self.held.replace(owner, &key);
        self.held.hold(owner, session, &key, now_ms);
        match code {
            Proof::Recovery(code) => Ok(code),
            Proof::Passphrase(_) | Proof::Passkey { .. } => unreachable!("it was made as a code above"),
        }
    }

    /// Gives the key back to the server; it and those of all conversations are new.
    pub(super) fn release(&self, root: &Root, owner: &UserId) -> Result<(), Error> {
        let _turn = self.turn(owner);
        let file = self.read(owner)?.filter(|file| matches!(file.person, Person::ByLocks(_)));
        let file = file.ok_or(Error::Unfit("the history is not bound to a passphrase or passkey"))?;
        self.wrap_by_root(root, owner, file)?;
        self.held.wipe(&mut |whose, _, _| whose == owner);
        Ok(())
    }

    /// New keys for a person whose key the server opens.
    pub(super) fn renew(&self, root: &Root, owner: &UserId) -> Result<(), Error> {
        let _turn = self.turn(owner);
        match self.read(owner)? {
            None => Ok(()),
            Some(file) if matches!(file.person, Person::ByRoot(_)) => self.wrap_by_root(root, owner, file),
            Some(_) => Err(Error::Unfit(
                "their key is bound to their own passphrase or passkey, which only they have: they renew it on /privacy",
            )),
        }
    }

    fn wrap_by_root(&self, root: &Root, owner: &UserId, file: File) -> Result<(), Error> {
        let (old, key) = (self.person_key(root, owner, &file)?, KeyBytes::random());
        let conversations = renewed(&old, owner, file, &key)?;
        let person = Person::ByRoot(Box::new(root.wrap(&person_place(owner), &key)));
        self.replace(owner, &File { person, conversations })
    }

    /// Whose records must still be sealed again with their new keys.
    pub(super) fn in_renewal(&self) -> Result<Vec<UserId>, Error> {
        let mut waiting = Vec::new();
        for owner in self.owners()? {
            let _turn = self.turn(&owner);
            // A file that does not read is told where it is used.
            if matches!(self.read(&owner), Ok(Some(file)) if file.is_in_renewal()) {
                waiting.push(owner);
            }
        }
        Ok(waiting)
    }

    pub(super) fn is_in_renewal(&self, owner: &UserId) -> Result<bool, Error> {
        let _turn = self.turn(owner);
        Ok(self.read(owner)?.is_some_and(|file| file.is_in_renewal()))
    }

    /// Destroys the keys from before a renewal.
    pub(super) fn settle(&self, owner: &UserId) -> Result<(), Error> {
        let _turn = self.turn(owner);
        let Some(mut file) = self.read(owner)?.filter(File::is_in_renewal) else { return Ok(()) };
        file.conversations.values_mut().for_each(|slot| slot.older = None);
        self.replace(owner, &file)
    }

    pub(super) fn add_lock(
        &self,
        pepper: &KeyBytes,
        owner: &UserId,
        proof: &Proof,
        (name, now_ms): (&str, i64),
    ) -> Result<(), Error> {
        self.change_locks(owner, |locks, key| locks.add(pepper, owner, key, proof, name, now_ms))
    }

    /// Takes a lock away; gives of which kind it was.
    pub(super) fn remove_lock(&self, owner: &UserId, id: &str) -> Result<&'static str, Error> {
        self.change_locks(owner, |locks, _| locks.remove(id))
    }

    fn change_locks<T>(
        &self,
        owner: &UserId,
        change: impl FnOnce(&mut Locks, &KeyBytes) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let _turn = self.turn(owner);
        let Some(mut file) = self.read(owner)? else {
            return Err(Error::Unfit("the history is not bound to a passphrase or passkey"));
        };
        let Person::ByLocks(locks) = &mut file.person else {
            return Err(Error::Unfit("the history is not bound to a passphrase or passkey"));
        };
        let key = self.held.key(owner).ok_or(Error::Locked)?;
        let changed = change(locks, &key)?;
        self.replace(owner, &file)?;
        Ok(changed)
    }

    /// What a passphrase comes to before it unlocks anything: for the test that looks for it in memory.
    #[cfg(test)]
    pub(super) fn stretched_of(&self, owner: &UserId, proof: &Proof) -> Option<KeyBytes> {
        let Some(Person::ByLocks(locks)) = self.read(owner).ok()?.map(|file| file.person) else { return None };
        locks.stretched_with(proof)
    }

    /// Guessing is slow: after some wrong tries each next one has to wait.
    fn may_try(&self, owner: &UserId, now_ms: i64) -> Result<(), Error> {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((count, last_ms)) = wrong.get(owner.as_bytes()).filter(|(count, _)| *count >= WRONG_MAX) else {
            return Ok(());
        };
        let wait_ms = WAIT_MS << (count - WRONG_MAX).min(DOUBLINGS_MAX);
        // A clock set back opens nothing early.
        if now_ms.saturating_sub(*last_ms) < wait_ms {
            return Err(Error::Unfit("that was wrong too often; wait some minutes before you try again"));
        }
        Ok(())
    }

    fn count_try(&self, owner: &UserId, now_ms: i64, is_right: bool) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if is_right {
            wrong.remove(owner.as_bytes());
        } else {
            let count = wrong.get(owner.as_bytes()).map_or(0, |(count, _)| *count);
            wrong.insert(*owner.as_bytes(), (count.saturating_add(1), now_ms));
        }
    }
}

/// New keys for all conversations of a file, each beside the one that it replaces, wrapped by the person's new key.
fn renewed(old: &KeyBytes, owner: &UserId, file: File, new: &KeyBytes) -> Result<BTreeMap<[u8; 16], Slot>, Error> {
    if file.is_in_renewal() {
        return Err(Error::Unfit("the keys are being renewed already; try again in a moment"));
    }
    let renewed = file.conversations.into_iter().map(|(id, slot)| {
        let place = conversation_place(owner, &id);
        let slot = match cipher::unwrap(old, &place, &slot.newest) {
            Ok(older) => Slot {
                newest: cipher::wrap(new, &place, &KeyBytes::random()),
                older: Some(cipher::wrap(new, &place, &older)),
            },
            // It was damaged before: what it opened is lost, and costs nothing else.
            Err(_) => slot,
        };
        (id, slot)
    });
    Ok(renewed.collect())
}
