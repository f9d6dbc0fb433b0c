//! Explaining a right: why a person may or may not read a document, as things stand now or as they were known at a moment.
//!
//! An administrator manages and does not read: an explanation names ids, accounts, groups and the keys of spaces, and
//! neither a title nor a word of a page, for a title is words of a page that the administrator may have no right to open.
//! Of the person's rights it takes the answer to one question, and never a visibility, with which one could search.
//! Every look is put on record before it is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::proof::{self, Met, What};
use super::{App, Asker, Error};
use crate::acl::Principal;
use crate::audit::Event;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::crawl::{self, Conditions};
use crate::directory::{Person, Then, Tie};
use crate::names::{SourceId, SyncId, UserId, UserName};

/// People that one explanation compares.
pub(super) const PEOPLE_MAX: usize = 2;

/// Why some people may or may not read a document.
#[derive(Debug, Clone)]
pub struct Access {
    /// The moment of which it is true.
    pub at: Moment,
    /// Whether that moment was asked for. Then facts alone are told: which class was in force, who was assigned and whether
    /// the source might answer are not kept.
    pub is_past: bool,
    /// The document.
    pub document: DocumentId,
    /// When its source's permissions were last read whole.
    pub permissions_as_of: Option<Moment>,
    /// Each of them.
    pub people: Vec<Explained>,
    /// The names of the accounts and groups that appear; what was never crawled has none.
    pub names: BTreeMap<Principal, String>,
}

/// Why one person may or may not read it.
#[derive(Debug, Clone)]
pub struct Explained {
    /// As they were asked for.
    pub asked: String,
    /// As the directory has them.
    pub person: Option<Arc<Person>>,
    /// Whether the appliance lets them read it now.
    pub may_open: bool,
    /// What must hold before any permission is looked at.
    pub first: First,
    /// What ties them to the source.
    pub tie: Tie,
    /// Each condition of the document, and how they meet it.
    pub conditions: Vec<Met>,
    /// What is known of the document.
    pub place: Place,
}

/// What must hold before any permission is looked at.
#[derive(Debug, Clone)]
pub struct First {
    /// Whether the directory has them, and they are active.
    pub is_active: bool,
    /// The provisioned groups by which they may use an application that has this source, `None` where they may not; no group
    /// where it is theirs without one.
    pub assigned: Option<Vec<String>>,
    /// Where the source stands.
    pub source: SourceTrust,
}

/// Whether a source may answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceTrust {
    /// It may.
    Trusted,
    /// The settings do not name it.
    Unknown,
    /// Its permissions are older than its settings allow.
    Stale,
}

/// What is known of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Whether any sync has seen it.
    pub is_known: bool,
    /// The sync that first saw it where it stands.
    pub placed: Option<SyncId>,
    /// The sync that did not list it any more.
    pub missed: Option<SyncId>,
    /// Whether its words were read.
    pub has_words: bool,
    /// Whether it is kept from everybody until its new readers are in force.
    pub is_withheld: bool,
    /// Whether the permissions in force are those of the facts: not while a sync is under way or was broken off.
    pub is_settled: bool,
}

/// Whose look it is.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    Administrator(&'a UserId),
    Owner,
    Themselves(&'a UserId),
}

impl By<'_> {
    /// Its word in the log.
    pub(super) fn word(self) -> &'static str {
        match self {
            By::Administrator(_) => "administrator",
            By::Owner => "owner",
            By::Themselves(_) => "themselves",
        }
    }
}

impl App {
    /// Why these people (user names or ids, one or two) may or may not read a document; the asker must be an administrator.
    pub fn explain(
        &self,
        asker: &Asker,
        people: &[String],
        document: &DocumentId,
        at: Option<Moment>,
    ) -> Result<Access, Error> {
        self.administrators_only(asker)?;
        self.explain_to(By::Administrator(asker.user()), people, document, at)
    }

    /// The same for the owner of the machine, at the machine itself.
    pub fn explain_as_owner(
        &self,
        people: &[String],
        document: &DocumentId,
        at: Option<Moment>,
    ) -> Result<Access, Error> {
        self.explain_to(By::Owner, people, document, at)
    }

    /// Why the asker may read a document from an application of theirs; what they may not read is not there.
    pub fn explain_own(
        &self,
        asker: &Asker,
        application: Option<&str>,
        document: &DocumentId,
    ) -> Result<Access, Error> {
        let sight = self.sight_in(asker, &*self.application_of(asker.user(), application)?)?;
        self.head(&sight, document)?.ok_or(Error::NotThere)?;
        self.explain_to(By::Themselves(asker.user()), &[asker.user().to_string()], document, None)
    }

    fn explain_to(
        &self,
        by: By<'_>,
        people: &[String],
        document: &DocumentId,
        at: Option<Moment>,
    ) -> Result<Access, Error> {
        if people.is_empty() || people.len() > PEOPLE_MAX {
            return Err(Error::Unreadable(format!("name 1 to {PEOPLE_MAX} people")));
        }
        if at.is_some_and(|at| at > self.now()) {
            return Err(Error::Unreadable("that moment has not come yet".to_owned()));
        }
        let then = at.map(|at| self.directory.then(at.ms())).transpose()?;
        let conditions = match at {
            Some(at) => crawl::conditions_at(&self.store, document, at)?,
            None => crawl::conditions(&self.store, document)?,
        };
        let mut explained = Vec::with_capacity(people.len());
        for asked in people {
            let person = match &then {
                Some(then) => person_then(then, asked),
                None => self.person_asked_for(asked)?,
            };
            let event = Event::Explained {
                user: match by {
                    By::Administrator(user) | By::Themselves(user) => Some(user),
                    By::Owner => None,
                },
                by: by.word(),
                whom: person.as_ref().map(|person| &person.id),
                // What no sync has seen may be anything that somebody typed.
                document: conditions.as_ref().map_or("", |_| document.as_str()),
            };
            let receipt = self.audit.append(&event)?;
            tracing::debug!(leaf = receipt.leaf(), "a right was explained");
            explained.push(match &then {
                Some(then) => explained_then(then, asked, person, document, conditions.as_ref()),
                None => self.explained(asked, person, document, conditions.as_ref())?,
            });
        }
        let names = match &then {
            Some(then) => names_in(&explained, |principal| then.name_of(principal)),
            None => names_in(&explained, |principal| self.directory.name_of(principal)),
        };
        Ok(Access {
            at: at.unwrap_or(self.now()),
            is_past: at.is_some(),
            document: document.clone(),
            permissions_as_of: if at.is_some() { None } else { self.permissions_as_of(document)? },
            people: explained,
            names,
        })
    }

    pub(super) fn person_asked_for(&self, asked: &str) -> Result<Option<Arc<Person>>, Error> {
        if let Some(person) = UserName::parse(asked).ok().and_then(|name| self.directory.person_named(&name)) {
            return Ok(Some(person));
        }
        let id = UserId::parse(asked);
        Ok(id.map(|id| self.directory.person(&id)).transpose()?.flatten().map(Arc::new))
    }

    pub(super) fn explained(
        &self,
        asked: &str,
        person: Option<Arc<Person>>,
        document: &DocumentId,
        conditions: Option<&Conditions>,
    ) -> Result<Explained, Error> {
        let id = person.as_ref().map(|person| person.id);
        let principals = id.map(|id| self.directory.principals_of(&id)).transpose()?.flatten();
        let source = SourceId::parse(document.source());
        let trace = id.zip(source.as_ref()).and_then(|(id, source)| self.directory.trace(&id, source));
        let class = conditions.and_then(|conditions| conditions.class);
        let first = First {
            is_active: person.as_ref().is_some_and(|person| person.active),
            assigned: id
                .map(|id| self.applications.way_into(&self.directory, &id, document.source()))
                .transpose()?
                .flatten(),
            source: self.trust_in(document)?,
        };
        let place = Place {
            is_known: conditions.is_some(),
            placed: conditions.and_then(|conditions| conditions.placed),
            missed: conditions.and_then(|conditions| conditions.missed),
            has_words: class.is_some(),
            is_withheld: conditions.is_some_and(|conditions| conditions.is_withheld),
            is_settled: conditions.is_none_or(|conditions| {
                class.is_none_or(|class| self.classes.known(&conditions.rule()) == Some(class))
            }),
        };
        // What decides is the class in force, as for every question; the conditions say why.
        let is_admitted = class.zip(principals).is_some_and(|(class, who)| self.classes.admits(class, &who));
        let may_open = is_admitted
            && !place.is_withheld
            && first.is_active
            && first.assigned.is_some()
            && first.source == SourceTrust::Trusted;
        let all = conditions.map(|conditions| conditions.all.as_slice()).unwrap_or_default();
        let proof = match (&source, &trace) {
            (Some(source), Some(trace)) => proof::prove(source, trace, all),
            _ => Vec::new(),
        };
        let tie = trace.map_or(Tie::None, |trace| trace.tie);
        Ok(Explained { asked: asked.to_owned(), person, may_open, first, tie, conditions: proof, place })
    }
}

/// The person who had this name then, or has this id.
pub(super) fn person_then(then: &Then, asked: &str) -> Option<Arc<Person>> {
    let named = UserName::parse(asked).ok().and_then(|name| then.person_named(&name));
    named.or_else(|| UserId::parse(asked).and_then(|id| then.person(&id)))
}

/// Why one person could or could not read a document, by the facts of then.
fn explained_then(
    then: &Then,
    asked: &str,
    person: Option<Arc<Person>>,
    document: &DocumentId,
    conditions: Option<&Conditions>,
) -> Explained {
    let source = SourceId::parse(document.source());
    let trace = person.as_ref().zip(source.as_ref()).and_then(|(person, source)| then.trace(&person.id, source));
    let all = conditions.map(|conditions| conditions.all.as_slice()).unwrap_or_default();
    let proof = match (&source, &trace) {
        (Some(source), Some(trace)) => proof::prove(source, trace, all),
        _ => Vec::new(),
    };
    let is_active = person.as_ref().is_some_and(|person| person.active);
    let missed = conditions.and_then(|conditions| conditions.missed);
    let is_met = !proof.is_empty() && proof.iter().all(|met| !met.ways.is_empty());
    Explained {
        asked: asked.to_owned(),
        may_open: is_active && is_met && missed.is_none(),
        first: First { is_active, assigned: Some(Vec::new()), source: SourceTrust::Trusted },
        tie: trace.map_or(Tie::None, |trace| trace.tie),
        conditions: proof,
        place: Place {
            is_known: conditions.is_some(),
            placed: conditions.and_then(|conditions| conditions.placed),
            missed,
            has_words: conditions.is_some(),
            is_withheld: false,
            is_settled: true,
        },
        person,
    }
}

pub(super) fn names_in(
    explained: &[Explained],
    name_of: impl Fn(&Principal) -> Option<String>,
) -> BTreeMap<Principal, String> {
    let mut names = BTreeMap::new();
    let mut add = |principal: &Principal| {
        if let Some(name) = name_of(principal) {
            names.insert(principal.clone(), name);
        }
    };
    for met in explained.iter().flat_map(|explained| &explained.conditions) {
        met.asks.iter().flatten().for_each(&mut add);
        for fact in met.ways.iter().flatten() {
            match &fact.what {
                What::Alias(principal) | What::Named(_, principal) => add(principal),
                What::Membership(member, group) => {
                    add(member);
                    add(group);
                }
            }
        }
    }
    names
}
