//! The emergency administrator: made on the console, signed in without a provider, in sight of no page.

use super::{App, Asker, Error};
use crate::acl::PrincipalSet;
use crate::audit::Event;
use crate::clock::Moment;
use crate::directory::{Person, Role};
use crate::session::{Session, Token};
use crate::sso::local::{self, Administrator, Made, Unmade};

/// What an authenticator shows beside the name.
const ISSUER: &str = "Sotto";

/// Whether there are such administrators, and when one was used last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Emergency {
    /// How many there are.
    pub administrators: usize,
    /// The last sign-in and by what name.
    pub last: Option<(Moment, String)>,
}

impl App {
    /// Makes a local administrator, for the owner of the machine; with `None` a password is made. What is given is told once.
    pub fn make_administrator(&self, name: &str, password: Option<&str>) -> Result<Made, Error> {
        let made = self.administrators.create(name, password, ISSUER, &self.ids, self.now());
        let made = made.map_err(|error| match error {
            Unmade::Unfit(why) => Error::Unreadable(why),
            Unmade::Store(error) => error.into(),
        })?;
        let event = Event::LocalAdministrator { what: "made", whom: &made.administrator.user };
        let receipt = self.audit.append(&event)?;
        tracing::warn!(leaf = receipt.leaf(), "a local administrator was made on the console");
        Ok(made)
    }

    /// The local administrators, for the owner of the machine.
    pub fn local_administrators(&self) -> Result<Vec<Administrator>, Error> {
        Ok(self.administrators.list()?)
    }

    /// Removes a local administrator and ends their sessions, for the owner of the machine.
    pub fn remove_administrator(&self, name: &str) -> Result<(), Error> {
        let nobody = || Error::Unreadable(format!("there is no local administrator {name:?}"));
        let was = self.administrators.remove(name)?.ok_or_else(nobody)?;
        self.sessions.end_all(&was.user)?;
        let receipt = self.audit.append(&Event::LocalAdministrator { what: "removed", whom: &was.user })?;
        tracing::warn!(leaf = receipt.leaf(), "a local administrator was removed on the console");
        Ok(())
    }

    /// Signs a local administrator in, for an hour at most. `old_token` is a session this browser had before, which ends.
    pub fn sign_in_locally(
        &self,
        name: &str,
        password: &str,
        code: &str,
        old_token: Option<&str>,
    ) -> Result<Token, Error> {
        let (provider, now) = (local::provider(), self.now());
        let proven = self.administrators.prove(name, password, code, now).map_err(Error::from);
        let administrator = match proven {
            Ok(administrator) => administrator,
            Err(Error::Refused(refusal)) => return Err(self.refused(&provider, refusal)),
            Err(other) => return Err(other),
        };
        if let Some(old_token) = old_token {
            self.sessions.end(old_token)?;
        }
        let receipt = self.audit.append(&Event::SignedIn { user: &administrator.user, provider: provider.as_str() })?;
        tracing::warn!(leaf = receipt.leaf(), "an emergency administrator signed in");
        Ok(self.sessions.start(Session {
            user: administrator.user,
            provider,
            provider_session: None,
            called: None,
            not_after: Some(now.plus_ms(local::SESSION_MS_MAX)),
            id_token: None,
            began: now,
            used: now,
        })?)
    }

    /// Who holds a session that was begun without a provider: nobody of the directory, so that no push, alias or group
    /// touches them; and of no principals, so that no page is theirs to see.
    pub(super) fn emergency_asker(&self, session: &Session) -> Result<Asker, Error> {
        let administrator = self.administrators.find(&session.user)?.ok_or(Error::SignedOut)?;
        let person = Person {
            id: administrator.user,
            display_name: administrator.name.clone(),
            user_name: administrator.name,
            external_id: None,
            given_name: None,
            family_name: None,
            emails: Vec::new(),
            active: true,
            extra: serde_json::Map::new(),
            created_ms: administrator.made.ms(),
            changed_ms: administrator.made.ms(),
            version: 1,
        };
        let (principals, roles) = (PrincipalSet::of(Vec::new()), vec![Role::Administrator]);
        Ok(Asker { user: session.user, person, principals, roles, ends: session.not_after, session: [0; 32] })
    }

    /// For the overview.
    pub(super) fn emergency(&self) -> Result<Emergency, Error> {
        let all = self.administrators.list()?;
        let used = all.iter().filter_map(|one| Some((one.used?, one.name.clone())));
        Ok(Emergency { administrators: all.len(), last: used.max_by_key(|(at, _)| *at) })
    }
}
