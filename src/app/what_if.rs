//! What would change if a group were given a space, or lost it, or a person joined a group, or left it. It is worked out from
//! the facts that were crawled, and changes nothing: neither here nor in the wiki.
//!
//! An administrator manages and does not read: they are told how many documents of which space, and titles only of those that
//! they may open themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::reach::Reach;
use super::sight::Sight;
use super::{App, Asker, Error};
use crate::acl::{AnyOf, Principal, Rule};
use crate::audit::Event;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::crawl::{About, Asks, Condition, Conditions, Standing, Standings};
use crate::names::{GroupId, SourceId, UserId, UserName};

/// Titles that are told.
pub(super) const TITLES_MAX: usize = 100;
/// Documents that are looked at for titles.
const LOOKED_AT_MAX: usize = 1_000;

/// A change that is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhatIf {
    /// A group of the source is given the viewing of a space.
    Gets { group: String, space: String },
    /// It loses it.
    Loses { group: String, space: String },
    /// A person's account joins a group of the source.
    Joins { user: String, group: String },
    /// It leaves it; what they are in by way of other groups stays.
    Leaves { user: String, group: String },
}

/// What it would change. A change that gives only gives, and one that takes only takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldChange {
    /// The moment of which it is true.
    pub at: Moment,
    /// Whether documents are gained; else they are lost.
    pub is_gain: bool,
    /// Active people for whom any document changes.
    pub people: usize,
    /// Documents that change for anybody.
    pub documents: usize,
    /// By space, in the order of their keys.
    pub spaces: Vec<SpaceChange>,
    /// Documents among them that the administrator may open, by id; at most [`TITLES_MAX`].
    pub titles: Vec<Titled>,
}

/// What it would change in one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceChange {
    /// Its key.
    pub space: String,
    /// Documents that change for anybody.
    pub documents: usize,
    /// People for whom any of them changes.
    pub people: usize,
}

/// A document that the asker may open, by its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Titled {
    /// Which.
    pub document: DocumentId,
    /// Its title.
    pub title: String,
    /// The key of its space.
    pub space: String,
}

/// Somebody before and after the change.
struct Somebody {
    id: UserId,
    before: Reach,
    after: Reach,
}

impl App {
    /// What a change in a source's wiki would change in what people may read here; the asker must be an administrator.
    pub fn what_if(&self, asker: &Asker, source: &SourceId, change: &WhatIf) -> Result<WouldChange, Error> {
        self.administrators_only(asker)?;
        let is_known = self.settings.source.iter().any(|known| known.name == *source);
        if !is_known {
            return Err(Error::Unreadable("the settings name no such source".to_owned()));
        }
        let standings = Standings::read(&self.store, source, None)?;
        let (people, grant) = self.supposed(source, change, &standings)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "what_if", target: word(change) })?;
        tracing::debug!(leaf = receipt.leaf(), what = word(change), "a change was worked out");
        let is_gain = matches!(change, WhatIf::Gets { .. } | WhatIf::Joins { .. });
        let (mut changed, documents) = self.worked_out(&standings, &people, grant.as_ref(), is_gain)?;
        changed.titles = self.titles(&self.sight(asker)?, &documents)?;
        Ok(changed)
    }

    /// Whom a change is about, before and after, and which grant it changes.
    fn supposed(
        &self,
        source: &SourceId,
        change: &WhatIf,
        standings: &Standings,
    ) -> Result<(Vec<Somebody>, Option<Grant>), Error> {
        let group = |name: &str| {
            let unknown = || Error::Unreadable(format!("no sync of {source} has seen a group of that name"));
            self.directory.source_group_named(source, name).ok_or_else(unknown)
        };
        match change {
            WhatIf::Gets { group: name, space } | WhatIf::Loses { group: name, space } => {
                if !standings.spaces().any(|known| known == space) {
                    return Err(Error::Unreadable(format!("no sync of {source} has seen a space of that key")));
                }
                let principal = Principal::Group(group(name)?);
                let people = self.as_they_are(source, &principal);
                let gives = matches!(change, WhatIf::Gets { .. });
                Ok((people, Some(Grant { space: space.clone(), principal, gives })))
            }
            WhatIf::Joins { user, group: name } | WhatIf::Leaves { user, group: name } => {
                let group = group(name)?;
                let person = UserName::parse(user).ok().and_then(|name| self.directory.person_named(&name));
                let person = person.filter(|person| person.active);
                let unknown = || Error::Unreadable("the directory has no active person of that user name".to_owned());
                let person = person.ok_or_else(unknown)?;
                let Some(trace) = self.directory.trace(&person.id, source) else { return Ok((Vec::new(), None)) };
                let before = Reach::of_trace(source, &trace, &[], None);
                let after = match change {
                    WhatIf::Joins { .. } => {
                        Reach::of_trace(source, &trace, &self.directory.source_groups_above(&group), None)
                    }
                    WhatIf::Leaves { .. } | WhatIf::Gets { .. } | WhatIf::Loses { .. } => {
                        Reach::of_trace(source, &trace, &[], Some(&group))
                    }
                };
                Ok((vec![Somebody { id: person.id, before, after }], None))
            }
        }
    }

    /// Everybody who answers to a principal; a grant changes what they may read, not what they answer to.
    fn as_they_are(&self, source: &SourceId, principal: &Principal) -> Vec<Somebody> {
        let reaches = self.reaches(source).into_iter().filter(|(_, reach)| reach.has(principal));
        reaches.map(|(id, reach)| Somebody { id, before: reach.clone(), after: reach }).collect()
    }

    /// What would be lost if a space were not left to everybody any more, without any title.
    pub(super) fn if_not_anyone(
        &self,
        source: &SourceId,
        space: &str,
        standings: &Standings,
    ) -> Result<WouldChange, Error> {
        let principal = Principal::AnyoneOf(source.clone());
        let people = self.as_they_are(source, &principal);
        let grant = Grant { space: space.to_owned(), principal, gives: false };
        Ok(self.worked_out(standings, &people, Some(&grant), false)?.0)
    }

    fn worked_out(
        &self,
        standings: &Standings,
        people: &[Somebody],
        grant: Option<&Grant>,
        is_gain: bool,
    ) -> Result<(WouldChange, Vec<DocumentId>), Error> {
        // A wiki has few rules and many documents: each pair of rules is looked at once.
        let mut alike: HashMap<(String, Rule, Rule), Vec<DocumentId>> = HashMap::new();
        for standing in standings.documents() {
            let Standing { id, space, conditions } = standing?;
            let (before, after) = (conditions.rule(), with(&conditions, grant).rule());
            alike.entry((space, before, after)).or_default().push(id);
        }
        let mut by_space: BTreeMap<String, (usize, BTreeSet<UserId>)> = BTreeMap::new();
        let mut documents = Vec::new();
        for ((space, before, after), ids) in alike {
            let differs = |one: &&Somebody| one.before.meets(&before) != one.after.meets(&after);
            let whom: BTreeSet<UserId> = people.iter().filter(differs).map(|one| one.id).collect();
            if !whom.is_empty() {
                let (count, all) = by_space.entry(space).or_default();
                *count += ids.len();
                all.extend(whom);
                documents.extend(ids);
            }
        }
        documents.sort();
        let people: BTreeSet<UserId> = by_space.values().flat_map(|(_, people)| people.iter().copied()).collect();
        let spaces = by_space.into_iter().map(|(space, (documents, people))| SpaceChange {
            space,
            documents,
            people: people.len(),
        });
        let changed = WouldChange {
            at: self.now(),
            is_gain,
            people: people.len(),
            documents: documents.len(),
            spaces: spaces.collect(),
            titles: Vec::new(),
        };
        Ok((changed, documents))
    }

    /// The titles of those of some documents that may be opened under this sight.
    pub(super) fn titles(&self, sight: &Sight, documents: &[DocumentId]) -> Result<Vec<Titled>, Error> {
        let mut titles = Vec::new();
        for document in documents.iter().take(LOOKED_AT_MAX) {
            if titles.len() == TITLES_MAX {
                break;
            }
            let head = self.head(sight, document)?;
            titles.extend(head.map(|head| Titled { document: head.id, title: head.title, space: head.space.key }));
        }
        Ok(titles)
    }
}

/// A grant of a space that would be given, or taken away.
struct Grant {
    space: String,
    principal: Principal,
    gives: bool,
}

/// A document's conditions once a grant was given or taken away. What is unknown stays so, and admits nobody.
fn with(conditions: &Conditions, grant: Option<&Grant>) -> Conditions {
    let Some(Grant { space, principal, gives }) = grant else { return conditions.clone() };
    let change = |condition: &Condition| match (&condition.about, &condition.asks) {
        (About::Space(key), Asks::For(any_of)) if key == space => {
            let others = any_of.principals().iter().filter(|other| *other != principal).cloned();
            let asks = Asks::For(AnyOf::of(others.chain(gives.then(|| principal.clone()))));
            Condition { asks, ..condition.clone() }
        }
        (About::Space(_) | About::Use(_) | About::Restriction(_), _) => condition.clone(),
    };
    Conditions { all: conditions.all.iter().map(change).collect(), ..conditions.clone() }
}

/// The word of a change.
fn word(change: &WhatIf) -> &'static str {
    match change {
        WhatIf::Gets { .. } => "gets",
        WhatIf::Loses { .. } => "loses",
        WhatIf::Joins { .. } => "joins",
        WhatIf::Leaves { .. } => "leaves",
    }
}

/// The name that a group has in its source.
pub(super) fn key_of(group: &GroupId) -> &str {
    match group {
        GroupId::Of(_, key) | GroupId::Provisioned(key) => key,
    }
}
