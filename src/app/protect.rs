//! How a person's history is protected: by the server's key, or by what only they know or have; unlocking and locking it;
//! and renewing keys.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{App, Asker, Error};
use crate::audit::Event;
use crate::history::Policy;
use crate::names::{UserId, UserName};
use crate::vault::{self, Idle, LockShown, Passphrase, Proof, Replaced};

/// What a person is told of the protection of their history.
#[derive(Debug, Clone)]
pub struct Protected {
    /// What the settings allow.
    pub policy: Policy,
    /// Whether their key is bound to what they know or have.
    pub is_bound: bool,
    /// Whether it is open in this session; always, where it is not bound.
    pub is_open: bool,
    /// What unlocks it.
    pub locks: Vec<LockShown>,
    /// What passkeys are asked for.
    pub salt: Option<[u8; 32]>,
    /// Minutes without use after which it is locked; 0 for at sign-out alone.
    pub locked_after_minutes: u64,
}

/// How a history stands for its owner, in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It opens.
    Open,
    /// It is bound, and not unlocked.
    Locked,
    /// The settings ask that it be bound, and it is not: what there is opens, and nothing is added.
    Unbound,
}

/// Whether keys that were renewed may still have records to be sealed again.
pub(super) struct Renewing(AtomicBool);

impl Default for Renewing {
    /// After a start it is looked at once: a kill may have broken it off.
    fn default() -> Renewing {
        Renewing(AtomicBool::new(true))
    }
}

impl App {
    /// How the asker's history is protected.
    pub fn protection(&self, asker: &Asker) -> Result<Protected, Error> {
        let protection = self.vault.protection(asker.user())?;
        let settings = &self.settings.history;
        let is_open = self.standing_of(asker, protection.is_bound) != Standing::Locked;
        let mut locks = protection.locks;
        if !is_open {
            // Another session unlocked it; this one is not told more than a locked one.
            locks.iter_mut().for_each(|lock| lock.name = None);
        }
        Ok(Protected {
            policy: settings.mode,
            is_bound: protection.is_bound,
            is_open,
            locks,
            salt: protection.salt,
            locked_after_minutes: settings.locked_after_minutes,
        })
    }

    /// How the asker's history stands in this session.
    pub fn standing(&self, asker: &Asker) -> Result<Standing, Error> {
        Ok(self.standing_of(asker, self.vault.protection(asker.user())?.is_bound))
    }

    fn standing_of(&self, asker: &Asker, is_bound: bool) -> Standing {
        match is_bound {
            true if self.vault.is_unlocked_by(asker.user(), asker.session(), self.idle()) => Standing::Open,
            true => Standing::Locked,
            false if self.settings.history.mode == Policy::LoginBound => Standing::Unbound,
            false => Standing::Open,
        }
    }

    /// How long an unlocked history may be unused.
    fn idle(&self) -> Idle {
        let minutes = i64::try_from(self.settings.history.locked_after_minutes).unwrap_or(i64::MAX);
        Idle { now_ms: self.now().ms(), limit_ms: minutes.saturating_mul(60_000) }
    }

    /// The asker, as the owner of a history that this session may open.
    pub(super) fn opened<'a>(&self, asker: &'a Asker) -> Result<&'a UserId, Error> {
        match self.standing(asker)? {
            Standing::Locked => Err(Error::Locked(Standing::Locked)),
            Standing::Open | Standing::Unbound => Ok(asker.user()),
        }
    }

    /// Refuses to begin what would be kept, where nothing can be.
    pub(super) fn may_keep(&self, asker: &Asker) -> Result<(), Error> {
        match self.standing(asker)? {
            Standing::Open => Ok(()),
            closed @ (Standing::Locked | Standing::Unbound) => Err(Error::Locked(closed)),
        }
    }

    /// Opens the asker's history for this session.
    pub fn unlock(&self, asker: &Asker, proof: &Proof) -> Result<(), Error> {
        match self.vault.unlock(asker.user(), asker.session(), proof, self.now().ms()) {
            Ok(()) => {}
            Err(vault::Error::Wrong) => {
                self.protection_changed(asker, "refused", proof.word())?;
                return Err(Error::Wrong);
            }
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.protection_changed(asker, "unlocked", proof.word()) {
            // What is not on record is not open.
            self.lock_session(asker);
            return Err(error);
        }
        self.finish_renewal(asker.user())
    }

    /// Locks the asker's history in this session.
    pub fn lock(&self, asker: &Asker) -> Result<(), Error> {
        self.lock_session(asker);
        self.protection_changed(asker, "locked", "")
    }

    fn lock_session(&self, asker: &Asker) {
        self.vault.lock_where(|_, session, _| session == asker.session());
    }

    /// Binds the asker's history to a proof, and seals all of it again under new keys. Gives a recovery code, told this once.
    pub fn bind(&self, asker: &Asker, proof: &Proof, name: &str) -> Result<Passphrase, Error> {
        let protection = self.protection(asker)?;
        if protection.policy == Policy::Server {
            return Err(Error::Unreadable(
                "your company's settings keep all histories under the server's key".to_owned(),
            ));
        }
        self.opened(asker)?;
        self.finish_renewal(asker.user())?;
        let code = self.vault.bind(asker.user(), asker.session(), proof, name, self.now().ms())?;
        self.protection_changed(asker, "bound", proof.word())?;
        self.finish_renewal(asker.user())?;
        Ok(code)
    }

    /// Gives the asker's history back to the server's key, and seals all of it again under new keys.
    pub fn unbind(&self, asker: &Asker) -> Result<(), Error> {
        if self.settings.history.mode == Policy::LoginBound {
            return Err(Error::Unreadable("your company's settings ask that each history be bound".to_owned()));
        }
        self.open_now(asker)?;
        self.finish_renewal(asker.user())?;
        self.vault.release(asker.user())?;
        self.protection_changed(asker, "released", "")?;
        self.finish_renewal(asker.user())
    }

    /// Adds another way to unlock.
    pub fn add_lock(&self, asker: &Asker, proof: &Proof, name: &str) -> Result<(), Error> {
        self.open_now(asker)?;
        self.vault.add_lock(asker.user(), proof, name, self.now().ms())?;
        self.protection_changed(asker, "lock_added", proof.word())
    }

    /// Takes a way to unlock away.
    pub fn remove_lock(&self, asker: &Asker, id: &str) -> Result<(), Error> {
        self.open_now(asker)?;
        let kind = match self.vault.remove_lock(asker.user(), id) {
            Err(vault::Error::Forgotten) => return Err(Error::NotThere),
            kind => kind?,
        };
        self.protection_changed(asker, "lock_removed", kind)
    }

    /// A new recovery code; the old one opens nothing from now on.
    pub fn renew_code(&self, asker: &Asker) -> Result<Passphrase, Error> {
        self.open_now(asker)?;
        let code = self.vault.renew_code(asker.user(), self.now().ms())?;
        self.protection_changed(asker, "lock_added", "recovery")?;
        Ok(code)
    }

    /// Refuses who has not unlocked it in this session.
    fn open_now(&self, asker: &Asker) -> Result<(), Error> {
        match self.standing(asker)? {
            Standing::Locked => Err(Error::Locked(Standing::Locked)),
            Standing::Open | Standing::Unbound => Ok(()),
        }
    }

    fn protection_changed(&self, asker: &Asker, what: &str, with: &str) -> Result<(), Error> {
        let receipt = self.audit.append(&Event::Protection { user: asker.user(), what, with })?;
        tracing::debug!(leaf = receipt.leaf(), what, "the protection of a history");
        Ok(())
    }

    /// Seals again what keys that were renewed leave to be done for a person whose key is at hand.
    fn finish_renewal(&self, user: &UserId) -> Result<(), Error> {
        if !self.vault.is_in_renewal(user)? {
            return Ok(());
        }
        self.history.reseal(&self.vault, user).map_err(|error| {
            self.renewing.0.store(true, Ordering::SeqCst);
            error.into()
        })
    }

    /// Locks what belongs to sessions that ended, and what was not used for too long.
    pub(super) fn lock_what_is_due(&self) -> Result<(), Error> {
        let (now, idle) = (self.now(), self.idle());
        let mut failed = None;
        self.vault.lock_where(|_, session, used_ms| {
            let is_alive = self.sessions.is_alive(session, now).unwrap_or_else(|error| {
                failed = Some(error);
                // Whether it lives cannot be known: then it does not.
                false
            });
            idle.is_over(used_ms) || !is_alive
        });
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Finishes what a kill broke off of renewing keys.
    pub(super) fn finish_renewals(&self) -> Result<(), Error> {
        if !self.renewing.0.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let finished = self.finish_all();
        if finished.is_err() {
            self.renewing.0.store(true, Ordering::SeqCst);
        }
        finished
    }

    fn finish_all(&self) -> Result<(), Error> {
        if self.vault.resume_root()?.is_some() {
            tracing::info!("a replacement of the root key that was broken off is complete");
        }
        if self.vault.is_root_unrecorded()? {
            self.root_is_replaced()?;
        }
        for user in self.vault.in_renewal()? {
            match self.finish_renewal(&user) {
                // Theirs is finished when they unlock it.
                Ok(()) | Err(Error::Locked(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Replaces the root key while the appliance runs. `to` is where the new one is written, for the owner to put in place.
    pub fn replace_root_as_owner(&self, to: Option<&Path>) -> Result<Replaced, Error> {
        let receipt = self.audit.append(&Event::RootKey { step: "replacement_begun" })?;
        tracing::info!(leaf = receipt.leaf(), "the root key is being replaced");
        let replaced = self.vault.replace_root(to).inspect_err(|_| self.renewing.0.store(true, Ordering::SeqCst))?;
        self.root_is_replaced()?;
        Ok(replaced)
    }

    fn root_is_replaced(&self) -> Result<(), Error> {
        let receipt = self.audit.append(&Event::RootKey { step: "replaced" })?;
        tracing::info!(leaf = receipt.leaf(), "the root key was replaced");
        Ok(self.vault.note_recorded()?)
    }

    /// Renews the keys of a person whose history the server's key opens, and seals it again; gives whose.
    pub fn renew_keys_as_owner(&self, name: &str) -> Result<UserId, Error> {
        let person = UserName::parse(name).ok().and_then(|name| self.directory.person_named(&name));
        let person =
            person.ok_or_else(|| Error::Unreadable("nobody in the directory has this user name".to_owned()))?;
        if self.vault.protection(&person.id)?.is_bound {
            let why = "their key is bound to their own passphrase or passkey, which only they have: they renew it on /privacy";
            return Err(Error::Unreadable(why.to_owned()));
        }
        self.finish_renewal(&person.id)?;
        let receipt = self.audit.append(&Event::KeysRenewed { by: "owner", whom: &person.id })?;
        tracing::info!(leaf = receipt.leaf(), "a person's keys are being renewed");
        self.vault.renew(&person.id)?;
        self.finish_renewal(&person.id)?;
        Ok(person.id)
    }
}
