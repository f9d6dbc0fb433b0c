//! Changes to applications: checked against what is, kept on disk, then seen by the next request.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::assigned::{Assigned, Assignment, Standing, Tier, Whom};
use super::kept::{Ended, Said};
use super::{Application, Applications, Error, Length, Tone, Topic};
use crate::directory::Directory;
use crate::names::{ApplicationId, SourceId, UserId};
use crate::store::{Batch, Changes};

/// Assignments of one application on the desk: a group is one, however large.
const ASSIGNMENTS_MAX: usize = 5_000;
/// Bytes of an id.
const ID_BYTES_MAX: usize = 40;

/// What is to be so from now on; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// What the page is called.
    pub title: Option<String>,
    /// One line under the greeting.
    pub welcome: Option<String>,
    /// Questions to begin with.
    pub questions: Option<Vec<String>>,
    /// The sources it may use; none named: all.
    pub sources: Option<Vec<SourceId>>,
    /// Days its conversations are kept, 0 until deleted; `Some(None)` as `history.days` says.
    pub days: Option<Option<u64>>,
    /// How much an answer tells.
    pub length: Option<Length>,
    /// The tone of what it says itself.
    pub tone: Option<Tone>,
    /// What neither a question nor an answer may say.
    pub blocked_phrases: Option<Vec<String>>,
    /// Of what it speaks with whom.
    pub topics: Option<Vec<Topic>>,
}

/// What became of a person who was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// The applications they were taken out of.
    pub from: Vec<ApplicationId>,
    /// Those that the settings file assigns to them still.
    pub still: Vec<ApplicationId>,
}

impl Applications {
    /// Makes one, for nobody yet. Its id is made of its title where none is given.
    pub fn make(
        &self,
        id: Option<ApplicationId>,
        change: &Change,
        sources: &[SourceId],
        now_ms: i64,
    ) -> Result<Arc<Application>, Error> {
        let _changing = self.changing();
        let title = change.title.as_deref().unwrap_or_default();
        let id = match id {
            Some(id) if self.is_known(&id) => {
                let why = format!("there is or was an application {id}; an id is not given twice, so choose another");
                return Err(Error::Refused(why));
            }
            Some(id) => id,
            None => self.free_id(title),
        };
        let mut said = Said { made_ms: now_ms, title: Some(title.to_owned()), ..Said::default() };
        take(&mut said, change);
        self.check_sources(change, sources)?;
        self.keep(&id, said)
    }

    /// Changes one; gives the keys of the settings that were said.
    pub fn change(
        &self,
        id: &ApplicationId,
        change: &Change,
        sources: &[SourceId],
    ) -> Result<Vec<&'static str>, Error> {
        let _changing = self.changing();
        let was = self.one(id).ok_or(Error::NotThere)?;
        let keys = change.keys();
        if let Some(locked) = keys.iter().find(|key| was.origins.get(*key).is_some_and(|origin| origin.is_locked())) {
            return Err(Error::Refused(format!(
                "{locked} stands in the settings file or the environment; change it there"
            )));
        }
        let mut said = self.said(id);
        take(&mut said, change);
        self.check_sources(change, sources)?;
        self.keep(id, said)?;
        Ok(keys)
    }

    /// Deletes one: with it go its settings and its assignments. Its id is not given again.
    pub fn delete(
        &self,
        id: &ApplicationId,
        by: (&Directory, &UserId),
        now_ms: i64,
    ) -> Result<Arc<Application>, Error> {
        let _changing = self.changing();
        let was = self.one(id).ok_or(Error::NotThere)?;
        if *id == ApplicationId::default() {
            let why = "the default application is always there; change its settings or who is assigned instead";
            return Err(Error::Refused(why.to_owned()));
        }
        if was.is_declared {
            let why = "it stands in the settings file; take it out there, and delete it here after the next start";
            return Err(Error::Refused(why.to_owned()));
        }
        self.keeps_own(by, id, None)?;
        let (mut said, mut ended) = (Batch::new(), Batch::new());
        said.remove(&id.to_string());
        ended.put(&id.to_string(), &Ended { at_ms: now_ms });
        let mut changes = Changes::new();
        changes.add(&self.kept, said);
        changes.add(&self.ended, ended);
        self.store.make(changes)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.all.remove(id);
        held.said.remove(id);
        held.ended.insert(id.clone());
        Ok(was)
    }

    /// Assigns one to some more; whoever has it already gets this tier. Gives what was new.
    pub fn assign(
        &self,
        id: &ApplicationId,
        whom: &[Whom],
        tier: Tier,
        directory: &Directory,
        now_ms: i64,
    ) -> Result<Vec<Whom>, Error> {
        let _changing = self.changing();
        let (mut all, mut except) = self.assignments_of(id)?;
        let mut new = Vec::new();
        for one in whom {
            let is_there = match one {
                Whom::Everybody => true,
                Whom::Group(group) => directory.group(group).is_some(),
                Whom::Person(person) => directory.person(person)?.is_some(),
            };
            if !is_there {
                return Err(Error::Refused("a person or group is not in the directory any more; look anew".to_owned()));
            }
            let had = except.len();
            except.retain(|user| Whom::Person(*user) != *one);
            match all.iter_mut().find(|known| known.whom == *one) {
                Some(known) if known.tier == tier && had == except.len() => {}
                Some(known) => {
                    known.tier = tier;
                    new.push(one.clone());
                }
                None => {
                    all.push(Assignment { whom: one.clone(), tier, since_ms: Some(now_ms) });
                    new.push(one.clone());
                }
            }
        }
        if all.len() > ASSIGNMENTS_MAX {
            let why = format!("at most {ASSIGNMENTS_MAX} people and groups are assigned one by one; assign a group");
            return Err(Error::Refused(why));
        }
        if !new.is_empty() {
            let said = Said { assigned: Some(all), except, ..self.said(id) };
            self.keep(id, said)?;
        }
        Ok(new)
    }

    /// Takes one from some; gives those who had it. Nobody takes their own last application from themselves.
    pub fn unassign(&self, id: &ApplicationId, whom: &[Whom], by: (&Directory, &UserId)) -> Result<Vec<Whom>, Error> {
        let _changing = self.changing();
        let (mut all, except) = self.assignments_of(id)?;
        let had: Vec<Whom> = whom.iter().filter(|one| all.iter().any(|known| known.whom == **one)).cloned().collect();
        all.retain(|known| !had.contains(&known.whom));
        if had.is_empty() {
            return Ok(had);
        }
        let said = Said { assigned: Some(all), except, ..self.said(id) };
        self.keeps_own(by, id, Some(&self.made(id, Some(&said))?))?;
        self.keep(id, said)?;
        Ok(had)
    }

    /// Takes some people out of every application: their own assignments go, and a group does not bring them back.
    pub fn remove(&self, users: &[UserId], directory: &Directory) -> Result<Vec<Removed>, Error> {
        let _changing = self.changing();
        let mut removed = vec![Removed::default(); users.len()];
        let mut changed: Vec<(ApplicationId, Said)> = Vec::new();
        for application in self.all() {
            let Assigned::Kept { all, except } = &application.assigned else {
                for (user, told) in users.iter().zip(&mut removed) {
                    if has(&application, directory, user)? {
                        told.still.push(application.id.clone());
                    }
                }
                continue;
            };
            let (mut all, mut except) = (all.clone(), except.clone());
            for (user, told) in users.iter().zip(&mut removed) {
                if !has(&application, directory, user)? {
                    continue;
                }
                all.retain(|one| one.whom != Whom::Person(*user));
                except.push(*user);
                told.from.push(application.id.clone());
            }
            if except.len() > ASSIGNMENTS_MAX {
                let why = format!(
                    "more than {ASSIGNMENTS_MAX} people are left out of {}; assign it to a group of those \
                    who may use it instead",
                    application.id
                );
                return Err(Error::Refused(why));
            }
            if removed.iter().any(|told| told.from.last() == Some(&application.id)) {
                let said = Said { assigned: Some(all), except, ..self.said(&application.id) };
                changed.push((application.id.clone(), said));
            }
        }
        self.keep_all(changed)?;
        Ok(removed)
    }

    /// Forgets a person who left for good: their assignments and their seat.
    pub fn forget(&self, user: &UserId) -> Result<(), Error> {
        let _changing = self.changing();
        let mut changed = Vec::new();
        for application in self.all() {
            let mut said = self.said(&application.id);
            let before = (said.assigned.as_ref().map_or(0, Vec::len), said.except.len());
            if let Some(all) = &mut said.assigned {
                all.retain(|one| one.whom != Whom::Person(*user));
            }
            said.except.retain(|one| one != user);
            if before != (said.assigned.as_ref().map_or(0, Vec::len), said.except.len()) {
                changed.push((application.id.clone(), said));
            }
        }
        self.keep_all(changed)?;
        Ok(self.seats.forget(user)?)
    }

    /// Refuses what would take the last application from whoever does it. Who is not of the directory has none to lose.
    fn keeps_own(
        &self,
        (directory, user): (&Directory, &UserId),
        id: &ApplicationId,
        then: Option<&Application>,
    ) -> Result<(), Error> {
        let Some(standing) = Standing::of(directory, user)? else { return Ok(()) };
        if self.seat(&standing).is_none() {
            return Ok(());
        }
        let all = self.all();
        let others = all.iter().filter(|one| one.id != *id).map(|one| &**one);
        if others.chain(then).any(|one| one.assigned.tier(&standing).is_some()) {
            return Ok(());
        }
        let why = "this would take your own last application from you, and with it the desk; assign yourself first, or \
            let another administrator do it";
        Err(Error::Refused(why.to_owned()))
    }

    /// What is said on the desk of who is assigned; refused where the settings file says it.
    fn assignments_of(&self, id: &ApplicationId) -> Result<(Vec<Assignment>, Vec<UserId>), Error> {
        match &self.one(id).ok_or(Error::NotThere)?.assigned {
            Assigned::Kept { all, except } => Ok((all.clone(), except.clone())),
            Assigned::Named { .. } => {
                let why = "who is assigned stands in the settings file or the environment; change it there";
                Err(Error::Refused(why.to_owned()))
            }
        }
    }

    fn said(&self, id: &ApplicationId) -> Said {
        self.held().said.get(id).cloned().unwrap_or_default()
    }

    fn keep(&self, id: &ApplicationId, said: Said) -> Result<Arc<Application>, Error> {
        self.keep_all(vec![(id.clone(), said)])?;
        self.one(id).ok_or(Error::NotThere)
    }

    fn keep_all(&self, changed: Vec<(ApplicationId, Said)>) -> Result<(), Error> {
        let mut made = Vec::new();
        let mut batch = Batch::new();
        for (id, said) in changed {
            made.push((Arc::new(self.made(&id, Some(&said))?), said.clone()));
            batch.put(&id.to_string(), &said);
        }
        self.kept.apply(batch)?;
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        for (application, said) in made {
            held.said.insert(application.id.clone(), said);
            held.all.insert(application.id.clone(), application);
        }
        Ok(())
    }

    fn check_sources(&self, change: &Change, sources: &[SourceId]) -> Result<(), Error> {
        let named = change.sources.iter().flatten();
        match named.into_iter().find(|source| !sources.contains(source)) {
            Some(unknown) => Err(super::Wrong::Source(unknown.clone()).into()),
            None => Ok(()),
        }
    }

    fn is_known(&self, id: &ApplicationId) -> bool {
        let held = self.held();
        held.all.contains_key(id) || held.ended.contains(id)
    }

    /// An id made of a title: its letters and digits, with a number behind them where that is another's.
    fn free_id(&self, title: &str) -> ApplicationId {
        let letters = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
        let words = title.chars().map(letters).collect::<String>();
        let mut word = words.split_whitespace().collect::<Vec<_>>().join("-");
        word.truncate(ID_BYTES_MAX - 6);
        let word = if word.is_empty() { "assistant" } else { word.trim_end_matches('-') };
        let numbered = (1..).map(|n| if n == 1 { word.to_owned() } else { format!("{word}-{n}") });
        let mut ids = numbered.filter_map(|id| ApplicationId::parse(&id)).filter(|id| !self.is_known(id));
        ids.next().expect("of endlessly many numbers one is free")
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an application is assigned to somebody, active or not.
fn has(application: &Application, directory: &Directory, user: &UserId) -> Result<bool, Error> {
    let standing = Standing::of(directory, user)?;
    let is_own = match &application.assigned {
        Assigned::Kept { all, .. } => all.iter().any(|one| one.whom == Whom::Person(*user)),
        Assigned::Named { .. } => false,
    };
    Ok(is_own || standing.is_some_and(|standing| application.assigned.tier(&standing).is_some()))
}

impl Change {
    /// The keys of what it says.
    fn keys(&self) -> Vec<&'static str> {
        let said = [
            ("title", self.title.is_some()),
            ("welcome", self.welcome.is_some()),
            ("questions", self.questions.is_some()),
            ("sources", self.sources.is_some()),
            ("days", self.days.is_some()),
            ("length", self.length.is_some()),
            ("tone", self.tone.is_some()),
            ("blocked_phrases", self.blocked_phrases.is_some()),
            ("topic", self.topics.is_some()),
        ];
        said.into_iter().filter_map(|(key, is_said)| is_said.then_some(key)).collect()
    }
}

fn take(said: &mut Said, change: &Change) {
    let Change { title, welcome, questions, sources, days, length, tone, blocked_phrases, topics } = change.clone();
    said.title = title.or(said.title.take());
    said.welcome = welcome.or(said.welcome.take());
    said.questions = questions.or(said.questions.take());
    said.sources = sources.or(said.sources.take());
    said.days = days.unwrap_or(said.days);
    said.length = length.or(said.length);
    said.tone = tone.or(said.tone);
    said.blocked_phrases = blocked_phrases.or(said.blocked_phrases.take());
    said.topics = topics.or(said.topics.take());
}
