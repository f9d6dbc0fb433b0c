//! Applications on the desk: making, changing, deleting them, and who is assigned. Settings and names, never a right to read.

use std::sync::Arc;

use super::people::{Part, Rows};
use super::{App, Asker, Error};
use crate::application::{Application, Assigned, Assignment, Change, Tier, Whom};
use crate::audit::{Event, Receipt};
use crate::clock::Moment;
use crate::directory::{Group, Person};
use crate::names::{ApplicationId, GroupName, SourceId, UserId};

/// People and groups that one request assigns or takes back.
const TARGETS_MAX: usize = 500;

/// One application on the desk.
#[derive(Debug, Clone)]
pub struct ApplicationState {
    /// As it is for the next question.
    pub application: Arc<Application>,
    /// To whom it is assigned.
    pub targets: Vec<Target>,
    /// People who were removed from it, whatever group they are in.
    pub except: Vec<Arc<Person>>,
    /// People who may use it now.
    pub members: usize,
    /// The sources there are.
    pub sources: Vec<SourceId>,
    /// Days its conversations are kept by a full seat, 0 until deleted.
    pub days: u64,
}

/// One assignment, with names in the place of ids.
#[derive(Debug, Clone)]
pub struct Target {
    /// To whom.
    pub who: Who,
    /// The seat it gives.
    pub tier: Tier,
    /// When it was made; `None` where it stands in the settings or was never said.
    pub since: Option<Moment>,
}

/// To whom an application is assigned.
#[derive(Debug, Clone)]
pub enum Who {
    /// Everybody in the directory.
    Everybody,
    /// A group with how many are in it; `None` where the directory has it no longer, or not yet.
    Group(String, Option<(Arc<Group>, usize)>),
    /// A person; `None` likewise.
    Person(String, Option<Arc<Person>>),
}

/// That something is on record: the hash of its leaf, to be held and later asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnRecord {
    /// SHA-256 of the leaf (RFC 6962 §2.1).
    pub leaf_hash: [u8; 32],
    /// When.
    pub at: Moment,
}

/// What became of an application that was deleted.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// Which.
    pub application: Arc<Application>,
    /// Assignments that went with it.
    pub assignments: u64,
    /// Conversations whose keys were destroyed.
    pub conversations: u64,
    /// The receipt.
    pub receipt: OnRecord,
}

impl App {
    /// All applications; the asker must be an administrator.
    pub fn applications(&self, asker: &Asker) -> Result<Vec<ApplicationState>, Error> {
        self.looked_at(asker, "applications")?;
        self.applications.all().into_iter().map(|application| self.application_state(application)).collect()
    }

    /// One application; the asker must be an administrator.
    pub fn application(&self, asker: &Asker, id: &ApplicationId) -> Result<ApplicationState, Error> {
        self.looked_at(asker, "application")?;
        self.application_state(self.applications.one(id).ok_or(Error::NotThere)?)
    }

    /// Everybody who may use an application, by user name; the asker must be an administrator.
    pub fn application_members(
        &self,
        asker: &Asker,
        id: &ApplicationId,
        part: &Part,
    ) -> Result<Rows<(Person, Tier)>, Error> {
        self.looked_at(asker, "application_members")?;
        let application = self.applications.one(id).ok_or(Error::NotThere)?;
        let mut all = self.applications.members(&self.directory, &application)?;
        all.sort_by_key(|(person, _)| (person.user_name.to_lowercase(), person.id));
        all.retain(|(person, _)| part.fits(&person.user_name) || part.fits(&person.display_name));
        part.of(all, |(person, _)| person.id.to_string())
    }

    /// Makes an application, for nobody yet; the asker must be an administrator.
    pub fn make_application(
        &self,
        asker: &Asker,
        id: Option<ApplicationId>,
        change: &Change,
    ) -> Result<ApplicationState, Error> {
        self.directory_only(asker)?;
        let made = self.applications.make(id, change, &self.source_names(), self.now().ms())?;
        self.record_application(asker, "application_made", &made.id, &["title"])?;
        self.application_state(made)
    }

    /// Changes an application for the next request; the asker must be an administrator.
    pub fn change_application(
        &self,
        asker: &Asker,
        id: &ApplicationId,
        change: &Change,
    ) -> Result<ApplicationState, Error> {
        self.directory_only(asker)?;
        let keys = self.applications.change(id, change, &self.source_names())?;
        if !keys.is_empty() {
            self.record_application(asker, "application_changed", id, &keys)?;
        }
        self.application_state(self.applications.one(id).ok_or(Error::NotThere)?)
    }

    /// Deletes an application with its settings, its assignments and the keys of its conversations, and gives a receipt; the
    /// asker must be an administrator.
    pub fn delete_application(&self, asker: &Asker, id: &ApplicationId) -> Result<Deleted, Error> {
        self.directory_only(asker)?;
        let by = (&self.directory, asker.user());
        let application = self.applications.delete(id, by, self.now().ms())?;
        // From here on it is deleted also after a crash: the rounds do the rest.
        self.end_what_was_lost()?;
        self.rounds.look_at_seats();
        let conversations = self.forget_deleted_applications()?;
        let assignments = match &application.assigned {
            Assigned::Kept { all, .. } => all.len(),
            Assigned::Named { groups, people, .. } => groups.len() + people.len(),
        };
        let (assignments, conversations) = (assignments as u64, conversations as u64);
        let event = Event::ApplicationDeleted { user: asker.user(), application: id, assignments, conversations };
        let receipt = self.on_record(self.audit.append(&event)?);
        tracing::info!(application = %id, assignments, conversations, "an application was deleted");
        Ok(Deleted { application, assignments, conversations, receipt })
    }

    /// Destroys the keys of the conversations of deleted applications; gives how many.
    pub(super) fn forget_deleted_applications(&self) -> Result<usize, Error> {
        if !self.applications.has_ended() {
            return Ok(0);
        }
        let gone = self.history.forget_applications(&self.vault, &|id| self.applications.is_ended(id))?;
        self.record_forgotten(&gone)?;
        Ok(gone.len())
    }

    /// Assigns an application to people and groups; the asker must be an administrator. Gives what was new, with receipts.
    pub fn assign(
        &self,
        asker: &Asker,
        id: &ApplicationId,
        whom: &[Whom],
        tier: Tier,
    ) -> Result<Vec<(Whom, OnRecord)>, Error> {
        self.directory_only(asker)?;
        check_count(whom)?;
        let new = self.applications.assign(id, whom, tier, &self.directory, self.now().ms())?;
        self.rounds.look_at_seats();
        new.into_iter().map(|one| self.record_assigned(asker, "assigned", id, one, Some(tier))).collect()
    }

    /// Takes an application back from people and groups: their sessions and answers end where it was their last. The asker must
    /// be an administrator. Gives whose it was, with receipts.
    pub fn unassign(&self, asker: &Asker, id: &ApplicationId, whom: &[Whom]) -> Result<Vec<(Whom, OnRecord)>, Error> {
        self.directory_only(asker)?;
        check_count(whom)?;
        let gone = self.applications.unassign(id, whom, (&self.directory, asker.user()))?;
        self.end_what_was_lost()?;
        self.rounds.look_at_seats();
        gone.into_iter().map(|one| self.record_assigned(asker, "unassigned", id, one, None)).collect()
    }

    fn application_state(&self, application: Arc<Application>) -> Result<ApplicationState, Error> {
        let (targets, except) = self.targets(&application.assigned)?;
        Ok(ApplicationState {
            targets,
            except,
            members: self.applications.members(&self.directory, &application)?.len(),
            sources: self.source_names(),
            days: application.days.unwrap_or(self.settings.history.days),
            application,
        })
    }

    fn targets(&self, assigned: &Assigned) -> Result<(Vec<Target>, Vec<Arc<Person>>), Error> {
        let crowd = |group: Arc<Group>| {
            let people = self.directory.people_in(&group.id).len();
            (group, people)
        };
        let mut targets = Vec::new();
        match assigned {
            Assigned::Named { everybody, groups, people, tier } => {
                let mut add = |who| targets.push(Target { who, tier: *tier, since: None });
                if *everybody {
                    add(Who::Everybody);
                }
                let there = self.directory.groups();
                for name in groups {
                    let is_it =
                        |one: &&Arc<Group>| GroupName::parse(&one.display_name).is_ok_and(|known| known == *name);
                    add(Who::Group(name.to_string(), there.iter().find(is_it).cloned().map(crowd)));
                }
                for name in people {
                    add(Who::Person(name.to_string(), self.directory.person_named(name)));
                }
                Ok((targets, Vec::new()))
            }
            Assigned::Kept { all, except } => {
                for Assignment { whom, tier, since_ms } in all {
                    let who = match whom {
                        Whom::Everybody => Who::Everybody,
                        Whom::Group(id) => Who::Group(id.clone(), self.directory.group(id).map(crowd)),
                        Whom::Person(id) => Who::Person(id.to_string(), self.directory.person(id)?.map(Arc::new)),
                    };
                    targets.push(Target { who, tier: *tier, since: since_ms.map(Moment::from_ms) });
                }
                let mut people = Vec::new();
                for id in except {
                    people.extend(self.directory.person(id)?.map(Arc::new));
                }
                Ok((targets, people))
            }
        }
    }

    fn record_application(
        &self,
        asker: &Asker,
        what: &str,
        application: &ApplicationId,
        keys: &[&str],
    ) -> Result<(), Error> {
        let receipt = self.audit.append(&Event::Application { user: asker.user(), what, application, keys })?;
        tracing::info!(leaf = receipt.leaf(), %application, what, "an application was changed");
        Ok(())
    }

    fn record_assigned(
        &self,
        asker: &Asker,
        what: &str,
        application: &ApplicationId,
        whom: Whom,
        tier: Option<Tier>,
    ) -> Result<(Whom, OnRecord), Error> {
        let (person, group): (Option<&UserId>, Option<&str>) = match &whom {
            Whom::Everybody => (None, None),
            Whom::Group(id) => (None, Some(id)),
            Whom::Person(id) => (Some(id), None),
        };
        let tier = tier.map(Tier::word);
        let event = Event::Assigned { user: asker.user(), what, application, whom: person, group, tier };
        let receipt = self.audit.append(&event)?;
        tracing::info!(leaf = receipt.leaf(), %application, what, "an assignment was changed");
        Ok((whom, self.on_record(receipt)))
    }

    pub(super) fn on_record(&self, receipt: Receipt) -> OnRecord {
        OnRecord { leaf_hash: *receipt.hash(), at: self.now() }
    }

    fn source_names(&self) -> Vec<SourceId> {
        self.sources.all().iter().map(|source| source.name.clone()).collect()
    }
}

fn check_count(whom: &[Whom]) -> Result<(), Error> {
    if (1..=TARGETS_MAX).contains(&whom.len()) {
        return Ok(());
    }
    Err(Error::Unreadable(format!("name 1 to {TARGETS_MAX} people and groups at once")))
}
