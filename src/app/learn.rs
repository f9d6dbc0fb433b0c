//! What a login teaches of a person that is known already: names that provisioning left out, and groups where the settings say
//! that this provider's logins decide them.

use super::{App, Error};
use crate::directory::{Claimed, Error as DirectoryError, Person, Profile};
use crate::scim::Change;
use crate::sso::Login;

impl App {
    /// Learns from a login, before it is asked whether its person may come in: a group may be what lets them.
    pub(super) fn learn(&self, login: &Login) -> Result<(), Error> {
        let Some(person) = self.named_by(login)?.filter(|person| person.active) else { return Ok(()) };
        let (by, now_ms) = (login.provider.as_str(), self.now().ms());
        let named = |was: &Person| Ok::<_, DirectoryError>(with_names(was, login));
        if with_names(&person, login) != person.profile()
            && self.directory.change_person(&person.id, None, now_ms, named)?.is_changed()
        {
            self.follow(by, &Change::PersonChanged(person.id, true))?;
        }
        let Some(groups) = &login.groups else { return Ok(()) };
        for claimed in self.directory.replace_claimed(&person.id, &login.provider, groups, now_ms)? {
            match claimed {
                Claimed::Made(id) => self.follow(by, &Change::GroupMade(id))?,
                Claimed::Joined(id) => self.follow(by, &Change::GroupChanged(id, Vec::new()))?,
                Claimed::Left(id, left) => self.follow(by, &Change::GroupChanged(id, left))?,
                // Its name may be private, so only that it is so stands in the log.
                Claimed::NotOurs(_) => {
                    tracing::warn!(by, "a login names a group that is provisioned, and joins nothing by it");
                }
            }
        }
        Ok(())
    }
}

/// What provisioning says goes before what a login says.
fn with_names(person: &Person, login: &Login) -> Profile {
    let was = person.profile();
    let has_name = was.display_name != was.user_name && !was.display_name.is_empty();
    let (display_name, names) = (was.display_name.clone(), login.names.clone());
    Profile {
        display_name: if has_name { display_name } else { names.display.unwrap_or(display_name) },
        given_name: was.given_name.clone().or(names.given),
        family_name: was.family_name.clone().or(names.family),
        ..was
    }
}
