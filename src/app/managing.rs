//! What an administrator, or who keeps the directory, does with a person: switch them off and on, remove them, take them out of
//! a group, sign them out. In force at the next request; what is being answered stops.

use std::sync::Arc;

use super::people::told;
use super::provision::Changer;
use super::{App, Asker, Error, Part, Rows};
use crate::audit::Event;
use crate::clock::Moment;
use crate::directory::{Error as DirectoryError, GroupProfile, Person, Profile, Role};
use crate::names::{ProviderId, UserId};
use crate::scim::Change;
use crate::session::SessionId;
use crate::sso::local;

/// A session, as the desk shows it.
#[derive(Debug, Clone)]
pub struct Visit {
    /// What it is named by.
    pub id: SessionId,
    /// Who is signed in; `None` for somebody who is no longer in the directory.
    pub person: Option<Arc<Person>>,
    /// The user name, also of an emergency administrator.
    pub user_name: String,
    /// Through which provider.
    pub provider: ProviderId,
    /// Whether it was begun without a provider.
    pub is_emergency: bool,
    /// When it began.
    pub began: Moment,
    /// When it was used last, to the minute.
    pub used: Moment,
    /// When it ends in any case, where that is known.
    pub ends: Option<Moment>,
}

impl App {
    /// Whether a person may sign in, from now on.
    pub fn set_active(&self, asker: &Asker, user: &UserId, active: bool) -> Result<(), Error> {
        self.may_manage(asker, user)?;
        let change = |was: &Person| Ok::<_, DirectoryError>(Profile { active, ..was.profile() });
        let edited = self.directory.change_person(user, None, self.now().ms(), change).map_err(told)?;
        match edited.is_changed() {
            true => {
                let what = if active { "enabled" } else { "disabled" };
                let deed = Event::Managed { user: asker.user(), what, whom: user, group: None };
                self.follow_of(&Changer::Desk(deed), &Change::PersonChanged(*user, active))
            }
            false => Ok(()),
        }
    }

    /// Removes a person: who comes later under the same name is somebody else, and what was kept for this one opens for nobody.
    pub fn remove_person(&self, asker: &Asker, user: &UserId) -> Result<(), Error> {
        self.may_manage(asker, user)?;
        self.directory.remove_person(user, None, self.now().ms()).map_err(told)?;
        let deed = Event::Managed { user: asker.user(), what: "removed", whom: user, group: None };
        self.follow_of(&Changer::Desk(deed), &Change::PersonRemoved(*user))
    }

    /// Takes a person out of a group that lists them.
    pub fn take_out_of_group(&self, asker: &Asker, group: &str, user: &UserId) -> Result<(), Error> {
        self.may_manage(asker, user)?;
        let was = self.directory.group(group).ok_or(Error::NotThere)?;
        if !was.members.contains(user) {
            return Err(Error::NotThere);
        }
        let change = |was: &crate::directory::Group| {
            Ok::<_, DirectoryError>(GroupProfile {
                members: was.members.iter().filter(|member| *member != user).copied().collect(),
                ..was.profile()
            })
        };
        let (_, left) = self.directory.change_group(group, None, self.now().ms(), change).map_err(told)?;
        let deed = Event::Managed { user: asker.user(), what: "taken_out_of_group", whom: user, group: Some(group) };
        self.follow_of(&Changer::Desk(deed), &Change::GroupChanged(group.to_owned(), left))
    }

    /// Who is signed in, the last seen first.
    pub fn visits(&self, asker: &Asker, part: &Part) -> Result<Rows<Visit>, Error> {
        self.directory_only(asker)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "sessions", target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), "the sessions were read");
        let mut all = Vec::new();
        for (id, session) in self.sessions.list(self.now())? {
            let is_emergency = session.provider == local::provider();
            let person = self.directory.person(&session.user)?.map(Arc::new);
            let user_name = match &person {
                Some(person) => person.user_name.clone(),
                None if is_emergency => {
                    self.administrators.find(&session.user)?.map_or_else(String::new, |one| one.name)
                }
                None => String::new(),
            };
            let (began, used, ends) = (session.began, session.used, session.not_after);
            all.push(Visit { id, person, user_name, provider: session.provider, is_emergency, began, used, ends });
        }
        all.retain(|visit| {
            part.fits(&visit.user_name) || visit.person.iter().any(|person| part.fits(&person.display_name))
        });
        all.sort_by_key(|visit| (std::cmp::Reverse((visit.used, visit.began)), visit.id.to_string()));
        part.of(all, |visit| visit.id.to_string())
    }

    /// Ends one session. What its holder is being answered stops too.
    pub fn end_visit(&self, asker: &Asker, id: &SessionId) -> Result<(), Error> {
        self.directory_only(asker)?;
        let all = self.sessions.list(self.now())?;
        let (_, session) = all.into_iter().find(|(known, _)| known == id).ok_or(Error::NotThere)?;
        self.may_sign_out(asker, &session.user)?;
        self.sessions.end_one(id)?.ok_or(Error::NotThere)?;
        self.running.stop_of(&session.user);
        self.signed_out(asker, "signed_out", &session.user)
    }

    /// Ends every session of a person.
    pub fn end_visits_of(&self, asker: &Asker, user: &UserId) -> Result<(), Error> {
        self.directory_only(asker)?;
        let is_known = self.directory.person(user)?.is_some() || self.administrators.find(user)?.is_some();
        if !is_known {
            return Err(Error::NotThere);
        }
        self.may_sign_out(asker, user)?;
        self.running.stop_of(user);
        self.sessions.end_all(user)?;
        self.signed_out(asker, "signed_out_everywhere", user)
    }

    /// Nobody manages themselves away, and an administrator is managed by administrators: who keeps the directory must not
    /// be able to remove those who keep an eye on them.
    fn may_manage(&self, asker: &Asker, user: &UserId) -> Result<(), Error> {
        self.directory_only(asker)?;
        if self.directory.person(user)?.is_none() {
            return Err(Error::NotThere);
        }
        if asker.user() == user {
            return Err(Error::Unreadable("nobody does this to themselves; another administrator can".to_owned()));
        }
        self.may_sign_out(asker, user)
    }

    fn may_sign_out(&self, asker: &Asker, user: &UserId) -> Result<(), Error> {
        let is_administrator =
            self.directory.roles_of(user)?.contains(&Role::Administrator) || self.administrators.find(user)?.is_some();
        match is_administrator && !asker.has(Role::Administrator) {
            true => Err(Error::Unreadable("this is an administrator; another administrator can do it".to_owned())),
            false => Ok(()),
        }
    }

    fn signed_out(&self, asker: &Asker, what: &str, whom: &UserId) -> Result<(), Error> {
        let receipt = self.audit.append(&Event::Managed { user: asker.user(), what, whom, group: None })?;
        tracing::info!(leaf = receipt.leaf(), what, "a person was signed out");
        Ok(())
    }
}
