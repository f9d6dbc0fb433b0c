//! Which application somebody uses, what their seat lets them do there, and how long it is kept.

use std::sync::Arc;

use super::{App, Asker, Error};
use crate::application::{Application, Tier};
use crate::names::{ApplicationId, UserId};

/// Days for which a reader's conversations are kept at most.
pub const READER_DAYS: u64 = 7;

impl App {
    /// The application somebody uses now: the one they ask for, where it is theirs; else the default one, or their first.
    pub(super) fn application_of(&self, user: &UserId, asked: Option<&str>) -> Result<Arc<Application>, Error> {
        let theirs = self.applications.of(&self.directory, user)?;
        let is_it = |one: &&Arc<Application>| asked.is_none_or(|asked| one.id.as_str() == asked);
        // An application nobody assigned a person to is not there for them.
        theirs.iter().find(is_it).cloned().ok_or(Error::NotThere)
    }

    /// Whether somebody may use this application now.
    pub(super) fn may_use(&self, user: &UserId, id: &ApplicationId) -> Result<bool, Error> {
        Ok(self.applications.of(&self.directory, user)?.iter().any(|one| one.id == *id))
    }

    /// Refuses what a reader's seat does not have.
    pub(super) fn full_seats_only(&self, asker: &Asker) -> Result<(), Error> {
        match self.applications.tier(&self.directory, asker.user())? {
            Some(Tier::Full) => Ok(()),
            Some(Tier::Reader) => Err(Error::NotInSeat),
            None => Err(Error::NotThere),
        }
    }

    /// Days after which a conversation in an application is destroyed, where its owner has this seat; 0 where it is kept until
    /// deleted.
    pub(super) fn days_of(&self, tier: Option<Tier>, id: &ApplicationId) -> u64 {
        let of_application = self.applications.one(id).and_then(|application| application.days);
        let days = of_application.unwrap_or(self.settings.history.days);
        match tier {
            Some(Tier::Reader) if days == 0 => READER_DAYS,
            Some(Tier::Reader) => days.min(READER_DAYS),
            Some(Tier::Full) | None => days,
        }
    }

    /// Ends the sessions and the running answers of those who have lost their last application or their seat, and the running
    /// answers of those who have lost the application in which they ask. Who is not of the directory is not asked about.
    pub(super) fn end_what_was_lost(&self) -> Result<(), Error> {
        let may_stay = |user: &UserId| -> Result<bool, Error> {
            let is_known = self.directory.person(user)?.is_some();
            Ok(!is_known || !self.applications.of(&self.directory, user)?.is_empty())
        };
        // What cannot be known is lost.
        let stays = |user: &UserId| may_stay(user).unwrap_or(false);
        self.running.stop_where(|user, application| match application {
            Some(application) => !self.may_use(user, application).unwrap_or(false),
            None => !stays(user),
        });
        self.sessions.end_unless(stays)?;
        Ok(())
    }
}
