//! Two people beside each other on one space: which of its documents each may open, now or as it was known at a moment, and
//! why. As in every explanation: ids and counts, and titles only of what the administrator may open themselves.

use std::collections::HashMap;
use std::sync::Arc;

use super::explain::{By, Explained, First, PEOPLE_MAX, Place, SourceTrust, names_in, person_then};
use super::proof;
use super::reach::Reach;
use super::what_if::Titled;
use super::{App, Asker, Error};
use crate::acl::{AclClass, Principal, Rule};
use crate::audit::Event;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::crawl::{Condition, Standing, Standings};
use crate::directory::{Person, Then, Tie};
use crate::names::SourceId;

/// Documents in which two people differ that are told one by one.
const DIFFERENT_MAX: usize = 200;

/// What some people may open in one space, and why.
#[derive(Debug, Clone)]
pub struct SpaceAccess {
    /// The moment of which it is true.
    pub at: Moment,
    /// Whether that moment was asked for; see [`super::Access::is_past`].
    pub is_past: bool,
    /// The source.
    pub source: SourceId,
    /// The key of the space.
    pub space: String,
    /// Whether any sync had seen it.
    pub is_known: bool,
    /// When the source's permissions were last read whole.
    pub permissions_as_of: Option<Moment>,
    /// Documents there.
    pub documents: usize,
    /// Each of them, with how many they may open.
    pub people: Vec<(Explained, usize)>,
    /// Documents that all of them may open.
    pub all: usize,
    /// Documents that one may open and the other may not: which, and by whom (their place in `people`). At most
    /// [`DIFFERENT_MAX`].
    pub different: Vec<(DocumentId, usize)>,
    /// How many those are.
    pub differences: usize,
    /// Of those that are told, what the asker may open.
    pub titles: Vec<Titled>,
    /// The names of the accounts and groups that appear.
    pub names: std::collections::BTreeMap<Principal, String>,
}

/// Somebody who is compared.
struct Compared {
    explained: Explained,
    /// What they answer to; nothing where they may not even come to the permissions.
    reach: Reach,
}

impl App {
    /// What these people (user names or ids, one or two) may open in a space; the asker must be an administrator.
    pub fn compare(
        &self,
        asker: &Asker,
        people: &[String],
        source: &SourceId,
        space: &str,
        at: Option<Moment>,
    ) -> Result<SpaceAccess, Error> {
        self.administrators_only(asker)?;
        if people.is_empty() || people.len() > PEOPLE_MAX {
            return Err(Error::Unreadable(format!("name 1 to {PEOPLE_MAX} people")));
        }
        if at.is_some_and(|at| at > self.now()) {
            return Err(Error::Unreadable("that moment has not come yet".to_owned()));
        }
        let then = at.map(|at| self.directory.then(at.ms())).transpose()?;
        let standings = Standings::read(&self.store, source, at)?;
        let grant = standings.space(space)?;
        let conditions: Vec<Condition> =
            grant.iter().flat_map(|grant| [grant.of_use.clone(), grant.view.clone()]).collect();
        let mut compared = Vec::with_capacity(people.len());
        for asked in people {
            let one = self.compared(asked, source, &conditions, then.as_deref())?;
            let known = format!("{source}/{space}");
            let event = Event::Explained {
                user: Some(asker.user()),
                by: By::Administrator(asker.user()).word(),
                whom: one.explained.person.as_ref().map(|person| &person.id),
                // What no sync has seen may be anything that somebody typed.
                document: grant.as_ref().map_or("", |_| &known),
            };
            let receipt = self.audit.append(&event)?;
            tracing::debug!(leaf = receipt.leaf(), "rights on a space were explained");
            compared.push(one);
        }
        let counted = self.counted_in(&standings, space, &compared)?;
        let told: Vec<DocumentId> = counted.different.iter().map(|(id, _)| id.clone()).collect();
        let explained: Vec<Explained> = compared.into_iter().map(|one| one.explained).collect();
        let names = match &then {
            Some(then) => names_in(&explained, |principal| then.name_of(principal)),
            None => names_in(&explained, |principal| self.directory.name_of(principal)),
        };
        Ok(SpaceAccess {
            at: at.unwrap_or(self.now()),
            is_past: at.is_some(),
            source: source.clone(),
            space: space.to_owned(),
            is_known: grant.is_some(),
            permissions_as_of: match at {
                Some(_) => None,
                None => crate::crawl::status(&self.store, source)?.permissions_as_of,
            },
            documents: counted.documents,
            people: explained.into_iter().zip(counted.each).collect(),
            all: counted.all,
            differences: counted.differences,
            titles: self.titles(&self.sight(asker)?, &told)?,
            different: counted.different,
            names,
        })
    }

    /// One person, now or then, with what the space itself asks of them.
    fn compared(
        &self,
        asked: &str,
        source: &SourceId,
        conditions: &[Condition],
        then: Option<&Then>,
    ) -> Result<Compared, Error> {
        let person: Option<Arc<Person>> = match then {
            Some(then) => person_then(then, asked),
            None => self.person_asked_for(asked)?,
        };
        let id = person.as_ref().map(|person| person.id);
        let trace = id.and_then(|id| match then {
            Some(then) => then.trace(&id, source),
            None => self.directory.trace(&id, source),
        });
        let first = First {
            is_active: person.as_ref().is_some_and(|person| person.active),
            assigned: match (then, id) {
                // Who was assigned is not kept.
                (Some(_), _) => Some(Vec::new()),
                (None, Some(id)) => self.applications.way_into(&self.directory, &id, source.as_str())?,
                (None, None) => None,
            },
            source: match then {
                Some(_) => SourceTrust::Trusted,
                None => self.trust_in_source(source)?,
            },
        };
        let comes_in = first.is_active && first.assigned.is_some() && first.source == SourceTrust::Trusted;
        let reach = trace.as_ref().filter(|_| comes_in).map(|trace| Reach::of_trace(source, trace, &[], None));
        let proof = trace.as_ref().map(|trace| proof::prove(source, trace, conditions)).unwrap_or_default();
        let may_open = reach.is_some() && !proof.is_empty() && proof.iter().all(|met| !met.ways.is_empty());
        let explained = Explained {
            asked: asked.to_owned(),
            may_open,
            first,
            tie: trace.map_or(Tie::None, |trace| trace.tie),
            conditions: proof,
            place: Place {
                is_known: !conditions.is_empty(),
                placed: None,
                missed: None,
                has_words: true,
                is_withheld: false,
                is_settled: true,
            },
            person,
        };
        Ok(Compared { explained, reach: reach.unwrap_or_default() })
    }

    fn counted_in(&self, standings: &Standings, space: &str, people: &[Compared]) -> Result<Counted, Error> {
        let mut counted = Counted { each: vec![0; people.len()], ..Counted::default() };
        let mut decided: HashMap<(Option<AclClass>, Rule), Vec<bool>> = HashMap::new();
        for standing in standings.documents() {
            let Standing { id, space: of, conditions } = standing?;
            if of != space {
                continue;
            }
            let rule = conditions.rule();
            let is_open = decided
                .entry((conditions.class, rule.clone()))
                .or_insert_with(|| people.iter().map(|one| one.reach.meets(&rule)).collect());
            counted.take(id, is_open);
        }
        Ok(counted)
    }
}

/// How many documents each may open.
#[derive(Default)]
struct Counted {
    documents: usize,
    each: Vec<usize>,
    all: usize,
    different: Vec<(DocumentId, usize)>,
    differences: usize,
}

impl Counted {
    fn take(&mut self, id: DocumentId, is_open: &[bool]) {
        self.documents += 1;
        for (count, is_open) in self.each.iter_mut().zip(is_open) {
            *count += usize::from(*is_open);
        }
        let who = is_open.iter().position(|is_open| *is_open);
        match who {
            Some(_) if is_open.iter().all(|is_open| *is_open) => self.all += 1,
            Some(who) => {
                self.differences += 1;
                if self.different.len() < DIFFERENT_MAX {
                    self.different.push((id, who));
                }
            }
            None => {}
        }
    }
}
