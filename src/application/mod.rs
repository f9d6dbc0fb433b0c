//! Which assistants exist, what each may use and say, who is assigned, and who has a seat.
//!
//! One exists by default, so that nobody has to learn the word: it is everybody's in the directory until somebody narrows it.
//! Mateo is active, so it is his to use; once the administrator assigns it to `anyorg-team` alone, it is his for as long as he
//! is in that group, also through another group in it. Beside it stands `hr-desk`, which may use one source and is assigned to
//! `hr-team`. Mary is in both, chooses, and has one seat. Who is assigned is asked of the directory at every request.
//!
//! An application is what the settings file says of it ([`Settings`]), and where that says nothing, what was said on the desk.
//! How it responds ([`Responses`]) is part of it: how much it tells, what it does not say, of what it speaks with whom. Answers
//! come from the company's pages in any case; there is no other way, and its sources only take away.
//!
//! Always true here:
//! - What is in memory is what is on disk: a change is kept first and seen second, and both or neither.
//! - The default application is always there. The id of a deleted one is not given again.
//! - Nobody loses their own application or seat by their own deed: another administrator must do that.
//!
//! Uses: `names`, `store`, `directory`. Begin at [`Applications`].

mod assigned;
mod change;
mod kept;
mod response;
mod seat;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use crate::directory::{self, Directory, Person};
use crate::names::{ApplicationId, SourceId, UserId};
use crate::store::{self, Store, Tree};

pub use assigned::{Assigned, Assignment, Standing, Tier, Whom};
pub use change::{Change, Removed};
pub use response::{Length, Responses, Tone, Topic, TopicRule};
pub use seat::Seats;
pub use settings::{Locked, Settings, Wrong, read_declared, write_declared};

/// Where a value of an application comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything else.
    Default,
    /// It was said on the desk.
    Desk,
    /// It stands in the settings file, and is changed there.
    File,
    /// It stands in the environment, and is changed there.
    Environment,
}

impl Origin {
    /// Whether it is not the desk's to change.
    pub fn is_locked(self) -> bool {
        matches!(self, Origin::File | Origin::Environment)
    }
}

/// One assistant.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// A short word; `default` for the one that always exists.
    pub id: ApplicationId,
    /// What the page is called.
    pub title: String,
    /// One line under the greeting.
    pub welcome: String,
    /// Questions to begin with.
    pub questions: Vec<String>,
    /// The sources it may use; `None` for all.
    pub sources: Option<Vec<SourceId>>,
    /// Days after which its conversations' keys are destroyed, 0 for never; `None` where `history.days` counts.
    pub days: Option<u64>,
    /// Who may use it.
    pub assigned: Assigned,
    /// How it responds.
    pub responses: Arc<Responses>,
    /// Where each setting comes from, by its key.
    pub origins: BTreeMap<&'static str, Origin>,
    /// Whether the settings file has it: then it is not deleted on the desk.
    pub is_declared: bool,
}

/// The assistants, and the seats of those who use them.
pub struct Applications {
    store: Store,
    kept: Tree<String, kept::Said>,
    ended: Tree<String, kept::Ended>,
    /// What the settings file has.
    declared: BTreeMap<ApplicationId, Settings>,
    /// Held from the check of a change until it is on disk and in memory.
    changing: Mutex<()>,
    /// Written only after the store has acknowledged the same change.
    held: RwLock<Held>,
    seats: Seats,
}

/// Everything, as it is on disk.
#[derive(Default, Clone)]
struct Held {
    all: BTreeMap<ApplicationId, Arc<Application>>,
    said: BTreeMap<ApplicationId, kept::Said>,
    ended: BTreeSet<ApplicationId>,
}

/// What can go wrong with applications.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings that cannot be taken.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// There is no such application.
    #[error("there is no such application")]
    NotThere,
    /// What cannot be done, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// The directory cannot say who is who.
    #[error("the directory cannot be asked")]
    Directory(#[from] directory::Error),
    /// The store failed.
    #[error("applications cannot be read or kept")]
    Broken(#[from] store::Error),
}

/// Refuses settings that cannot be taken. `sources` are those there are.
pub fn check(settings: &Settings, sources: &[SourceId]) -> Result<(), Wrong> {
    declared(settings, sources).map(drop)
}

fn declared(settings: &Settings, sources: &[SourceId]) -> Result<BTreeMap<ApplicationId, Settings>, Wrong> {
    let mut declared = BTreeMap::new();
    for one in settings.all() {
        one.check_sources(sources)?;
        kept::made_of(one, None, true)?;
        let one = Settings { others: Vec::new(), ..one.clone() };
        if let Some(first) = declared.insert(one.id.clone(), one) {
            return Err(Wrong::Twice(first.id));
        }
    }
    Ok(declared)
}

impl Applications {
    /// Opens them. Refused where the settings cannot be taken.
    pub fn open(store: &Store, settings: &Settings, sources: &[SourceId]) -> Result<Applications, Error> {
        let applications = Applications {
            store: store.clone(),
            kept: store.tree("application.said")?,
            ended: store.tree("application.ended")?,
            declared: declared(settings, sources)?,
            changing: Mutex::new(()),
            held: RwLock::default(),
            seats: Seats::open(store)?,
        };
        let mut held = Held::default();
        // A record that does not read stops the start: what it narrowed must not open again.
        for row in applications.kept.all() {
            let (id, said) = row?;
            let unreadable = store::Error::Unreadable { tree: "application.said", why: "its key is no id" };
            held.said.insert(ApplicationId::parse(&id).ok_or(unreadable)?, said);
        }
        for id in applications.ended.keys_under(b"") {
            held.ended.extend(ApplicationId::parse(&id?));
        }
        let ids: BTreeSet<ApplicationId> = applications.declared.keys().chain(held.said.keys()).cloned().collect();
        for id in ids {
            let application = applications.made(&id, held.said.get(&id))?;
            held.all.insert(id, Arc::new(application));
        }
        *applications.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(applications)
    }

    /// Everybody's seats.
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// All of them: the default one first, then by id.
    pub fn all(&self) -> Vec<Arc<Application>> {
        let mut all: Vec<Arc<Application>> = self.held().all.values().cloned().collect();
        all.sort_by_key(|one| (one.id != ApplicationId::default(), one.id.clone()));
        all
    }

    /// One of them.
    pub fn one(&self, id: &ApplicationId) -> Option<Arc<Application>> {
        self.held().all.get(id).cloned()
    }

    /// Whether the application of this id was deleted.
    pub fn is_ended(&self, id: &ApplicationId) -> bool {
        self.held().ended.contains(id)
    }

    /// Whether any was ever deleted.
    pub fn has_ended(&self) -> bool {
        !self.held().ended.is_empty()
    }

    /// The applications that somebody may use now, the default one first: none for the inactive, for those without an
    /// assignment, and for those whose seat was taken.
    pub fn of(&self, directory: &Directory, user: &UserId) -> Result<Vec<Arc<Application>>, directory::Error> {
        let Some(standing) = Standing::of(directory, user)? else { return Ok(Vec::new()) };
        if self.seat(&standing).is_none() {
            return Ok(Vec::new());
        }
        Ok(self.all().into_iter().filter(|one| one.assigned.tier(&standing).is_some()).collect())
    }

    /// The applications that somebody is assigned to, whether they have a seat or not.
    pub fn assigned_to(&self, standing: &Standing) -> Vec<Arc<Application>> {
        self.all().into_iter().filter(|one| one.assigned.tier(standing).is_some()).collect()
    }

    /// The tier of somebody's seat; `None` where they have none.
    pub fn tier(&self, directory: &Directory, user: &UserId) -> Result<Option<Tier>, directory::Error> {
        Ok(Standing::of(directory, user)?.and_then(|standing| self.seat(&standing)))
    }

    /// The tier of an active person's seat; `None` where they have none.
    pub fn seat(&self, standing: &Standing) -> Option<Tier> {
        let given = self.held().all.values().filter_map(|one| one.assigned.tier(standing)).max();
        self.seats.tier(&standing.person.id, given)
    }

    /// Everybody who may use an application, in the directory's order, with the tier of their seat.
    pub fn members(
        &self,
        directory: &Directory,
        application: &Application,
    ) -> Result<Vec<(Person, Tier)>, directory::Error> {
        let mut members = Vec::new();
        for person in directory.people() {
            let Some(standing) = Standing::of(directory, &person.id)? else { continue };
            if application.assigned.tier(&standing).is_some()
                && let Some(tier) = self.seat(&standing)
            {
                members.push((standing.person, tier));
            }
        }
        Ok(members)
    }

    /// Why an application that may use this source is somebody's to use: the names of the groups from one that lists them to one
    /// that is assigned, and none where it is theirs without a group. `None` where they may use no such application.
    pub fn way_into(
        &self,
        directory: &Directory,
        user: &UserId,
        source: &str,
    ) -> Result<Option<Vec<String>>, directory::Error> {
        let Some(standing) = Standing::of(directory, user)? else { return Ok(None) };
        let uses = |one: &Arc<Application>| {
            one.sources.as_ref().is_none_or(|sources| sources.iter().any(|known| known.as_str() == source))
        };
        let theirs = self.of(directory, user)?;
        let Some(application) = theirs.iter().find(|one| uses(one)) else { return Ok(None) };
        if application.assigned.has_directly(&standing) {
            return Ok(Some(Vec::new()));
        }
        let way = directory.way_into(user, &|group| application.assigned.has_group(group)).unwrap_or_default();
        Ok(Some(way.iter().map(|group| group.display_name.clone()).collect()))
    }

    fn made(&self, id: &ApplicationId, said: Option<&kept::Said>) -> Result<Application, Error> {
        let (settings, is_declared) = match self.declared.get(id) {
            Some(settings) => (settings.clone(), true),
            None => (Settings { id: id.clone(), ..Settings::default() }, false),
        };
        Ok(kept::made_of(&settings, said, is_declared)?)
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}
