//! What is open to more people than its writers may have meant: pages that many may read and that hold what looks like a secret,
//! groups that nobody is in, grants to groups that nobody holds, spaces that are open to whoever has an account.
//!
//! An administrator manages and does not read: of a page they may not open they are told its id, its space and how many things
//! of which kind were found in it, and neither its title nor its address, for these are words of it. No value is kept anywhere.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::what_if::{WouldChange, key_of};
use super::{App, Asker, Error};
use crate::acl::{AclClass, Principal, PrincipalSet};
use crate::audit::Event;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::crawl::{self, About, Asks, Condition, InForce, Standings};
use crate::exposure::{Found, Kind};
use crate::names::{GroupId, SourceId};

/// Documents that are told one by one, those with the most readers first.
const FINDINGS_MAX: usize = 200;
/// Groups that are told one by one.
const GROUPS_MAX: usize = 500;
/// Spaces that one group is told to be named in.
const SPACES_MAX: usize = 20;
/// Documents that are looked through before the round looks what else is due.
const LOOK_AT_ONCE: usize = 128;

/// How far the words were looked through in this process.
#[derive(Default)]
pub(super) struct Looking(Mutex<Progress>);

#[derive(Default)]
struct Progress {
    /// What the index had reached when `waiting` was made; `None` before the first time.
    as_of: Option<u64>,
    waiting: VecDeque<(u64, DocumentId)>,
}

/// What is open to more people than may have been meant.
#[derive(Debug, Clone)]
pub struct Exposure {
    /// When it was taken.
    pub at: Moment,
    /// Active people, of whom shares are told.
    pub people: usize,
    /// Documents that more than this share of them may read count as wide.
    pub share: f32,
    /// Documents of each space that are wide, and all of them.
    pub wide: Vec<WideSpace>,
    /// Documents that were found to hold what looks like a secret and are wide.
    pub exposed: usize,
    /// Of each kind: in how many wide documents, and how often.
    pub kinds: Vec<(Kind, usize, u64)>,
    /// The first of them.
    pub findings: Vec<Finding>,
    /// Documents whose words wait to be looked through.
    pub waiting: usize,
    /// Groups that nobody holds.
    pub groups: Vec<StaleGroup>,
    /// Groups beyond those that are told.
    pub more_groups: usize,
    /// Spaces that are open to whoever has an account.
    pub open: Vec<OpenSpace>,
}

/// How much of a space is wide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WideSpace {
    /// The source.
    pub source: String,
    /// The key of the space.
    pub space: String,
    /// Documents in it.
    pub documents: usize,
    /// Of them wide.
    pub wide: usize,
    /// Of them readable for everybody who is active.
    pub everybody: usize,
}

/// One wide document that holds what looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub document: DocumentId,
    /// The key of its space.
    pub space: String,
    /// How many active people may read it.
    pub readers: usize,
    /// What was found, and how often.
    pub kinds: Vec<(Kind, u32)>,
    /// Its title and its address in the source; only where the asker may open it.
    pub page: Option<(String, String)>,
}

/// Why nobody holds a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// It has no member.
    Empty,
    /// All its members are disabled.
    Disabled,
    /// Its members are nobody the directory has.
    Unmatched,
    /// A grant names it, and the last sync saw no such group; when it was last seen, where that is kept.
    Gone(Option<Moment>),
}

/// A group that nobody holds, and what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleGroup {
    /// The source; `None` for a provisioned group.
    pub source: Option<SourceId>,
    /// Its name.
    pub name: String,
    /// Why nobody holds it.
    pub why: Stale,
    /// Keys of spaces that are given to it; at most [`SPACES_MAX`].
    pub spaces: Vec<String>,
    /// Spaces beyond.
    pub more_spaces: usize,
    /// Pages whose restriction names it.
    pub pages: usize,
}

/// A space that is open to whoever has an account of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSpace {
    /// The source.
    pub source: SourceId,
    /// Its key.
    pub space: String,
    /// Documents in it.
    pub documents: usize,
    /// What would be lost if it were not open any more.
    pub if_closed: WouldChange,
}

impl App {
    /// What is open to more people than may have been meant; the asker must be an administrator.
    pub fn exposure(&self, asker: &Asker) -> Result<Exposure, Error> {
        self.administrators_only(asker)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what: "exposure", target: "" })?;
        tracing::debug!(leaf = receipt.leaf(), "the report of what is exposed was read");
        let there = crawl::in_force(&self.store)?;
        let (people, readers) = self.readers()?;
        let share = self.settings.desk.wide_share;
        let is_wide = |class: AclClass| readers.of(class) as f64 > people as f64 * f64::from(share);
        let by_id: HashMap<&DocumentId, &InForce> = there.iter().map(|one| (&one.id, one)).collect();
        let mut exposed: Vec<(&InForce, Found)> = Vec::new();
        for (id, found) in self.exposures.all()? {
            exposed.extend(by_id.get(&id).filter(|one| is_wide(one.class)).map(|one| (*one, found)));
        }
        exposed.sort_by_key(|(one, _)| (std::cmp::Reverse(readers.of(one.class)), one.id.clone()));
        let (groups, more_groups) = self.stale_groups()?;
        Ok(Exposure {
            at: self.now(),
            people,
            share,
            wide: wide_spaces(&there, &is_wide, |class| readers.of(class) == people),
            exposed: exposed.len(),
            kinds: kinds(&exposed),
            findings: self.findings(asker, &exposed, &readers)?,
            waiting: self.waiting_to_be_looked_at(&there)?,
            groups,
            more_groups,
            open: self.open_spaces(&there)?,
        })
    }

    /// How many active people may read each class.
    fn readers(&self) -> Result<(usize, Readers), Error> {
        let mut people: Vec<PrincipalSet> = Vec::new();
        for person in self.directory.people().iter().filter(|person| person.active) {
            people.extend(self.directory.principals_of(&person.id)?);
        }
        Ok((people.len(), Readers(self.classes.readers(&people))))
    }

    fn findings(&self, asker: &Asker, exposed: &[(&InForce, Found)], readers: &Readers) -> Result<Vec<Finding>, Error> {
        let sight = self.sight(asker)?;
        let finding = |(one, found): &(&InForce, Found)| {
            let head = self.head(&sight, &one.id)?;
            Ok(Finding {
                document: one.id.clone(),
                space: one.space.clone(),
                readers: readers.of(one.class),
                kinds: found.kinds().collect(),
                page: head.map(|head| (head.title, head.url)),
            })
        };
        exposed.iter().take(FINDINGS_MAX).map(finding).collect()
    }

    fn waiting_to_be_looked_at(&self, there: &[InForce]) -> Result<usize, Error> {
        let reached = self.exposures.reached()?;
        Ok(there.iter().filter(|one| one.words > reached).count())
    }

    /// Looks through what was read since the last time, a portion at a time.
    pub(super) fn look_for_what_is_exposed(&self) -> Result<(), Error> {
        let mut progress = self.looking.0.lock().unwrap_or_else(PoisonError::into_inner);
        let as_of = self.index.reached();
        if progress.waiting.is_empty() {
            if progress.as_of == Some(as_of) {
                return Ok(());
            }
            let there = crawl::in_force(&self.store)?;
            let reached = self.exposures.reached()?;
            let mut waiting: Vec<(u64, DocumentId)> =
                there.iter().filter(|one| one.words > reached).map(|one| (one.words, one.id.clone())).collect();
            waiting.sort();
            let ids: HashSet<&DocumentId> = there.iter().map(|one| &one.id).collect();
            self.exposures.forget(|id| ids.contains(id))?;
            *progress = Progress { as_of: Some(as_of), waiting: waiting.into() };
        }
        let portion: Vec<(u64, DocumentId)> = progress.waiting.iter().take(LOOK_AT_ONCE).cloned().collect();
        let Some((last, _)) = portion.last() else { return Ok(()) };
        let mut looked_at = Vec::with_capacity(portion.len());
        for (_, id) in &portion {
            let mut found = Found::default();
            crawl::look_through(&self.store, id, &mut |text| self.exposures.patterns().look(text, &mut found))?;
            looked_at.push((id.clone(), found));
        }
        self.exposures.keep(&looked_at, *last)?;
        progress.waiting.drain(..portion.len());
        Ok(())
    }

    /// Groups that nobody holds: those of sources with what they are given, then provisioned ones.
    fn stale_groups(&self) -> Result<(Vec<StaleGroup>, usize), Error> {
        let mut stale = Vec::new();
        for source in &self.settings.source {
            let standings = Standings::read(&self.store, &source.name, None)?;
            self.stale_in(&source.name, &standings.grants()?, &mut stale)?;
        }
        let is_active = |id: &crate::names::UserId| {
            self.directory.person(id).map(|person| person.is_some_and(|person| person.active))
        };
        for group in self.directory.groups() {
            let people = self.directory.people_in(&group.id);
            let mut active = false;
            for id in &people {
                active |= is_active(id)?;
            }
            if !active {
                stale.push(StaleGroup {
                    source: None,
                    name: group.display_name.clone(),
                    why: if people.is_empty() { Stale::Empty } else { Stale::Disabled },
                    spaces: Vec::new(),
                    more_spaces: 0,
                    pages: 0,
                });
            }
        }
        let more = stale.len().saturating_sub(GROUPS_MAX);
        stale.truncate(GROUPS_MAX);
        Ok((stale, more))
    }

    fn stale_in(&self, source: &SourceId, grants: &[Condition], stale: &mut Vec<StaleGroup>) -> Result<(), Error> {
        let mut named: BTreeMap<&GroupId, (BTreeSet<&str>, usize)> = BTreeMap::new();
        for (condition, group) in grants.iter().flat_map(groups_named) {
            let (spaces, pages) = named.entry(group).or_default();
            match &condition.about {
                About::Space(key) => drop(spaces.insert(key)),
                About::Restriction(_) => *pages += 1,
                About::Use(_) => {}
            }
        }
        let known = self.directory.source_groups(source);
        let ids: HashSet<&GroupId> = known.iter().map(|group| &group.id).collect();
        let mut add = |name: String, id: &GroupId, why: Stale| {
            let (spaces, pages) = named.get(id).cloned().unwrap_or_default();
            stale.push(StaleGroup {
                source: Some(source.clone()),
                name,
                why,
                more_spaces: spaces.len().saturating_sub(SPACES_MAX),
                spaces: spaces.into_iter().take(SPACES_MAX).map(str::to_owned).collect(),
                pages,
            });
        };
        for group in known.iter().filter(|group| group.people.is_empty()) {
            let why = match (group.accounts, group.active) {
                (0, _) => Stale::Empty,
                (_, 0) => Stale::Disabled,
                _ => Stale::Unmatched,
            };
            add(group.name.clone(), &group.id, why);
        }
        for id in named.keys().filter(|id| !ids.contains(*id)) {
            let gone = self.directory.group_ended_ms(id)?.map(Moment::from_ms);
            add(key_of(id).to_owned(), id, Stale::Gone(gone));
        }
        Ok(())
    }

    /// Spaces that are left to whoever has an account, and what would be lost if they were not.
    fn open_spaces(&self, there: &[InForce]) -> Result<Vec<OpenSpace>, Error> {
        let mut open = Vec::new();
        for source in &self.settings.source {
            let standings = Standings::read(&self.store, &source.name, None)?;
            let spaces: Vec<String> = standings.spaces().map(str::to_owned).collect();
            for space in spaces {
                let is_open = standings.space(&space)?.is_some_and(|grant| is_anyones(&grant.view));
                if is_open {
                    let is_in = |one: &&InForce| one.id.source() == source.name.as_str() && one.space == space;
                    open.push(OpenSpace {
                        documents: there.iter().filter(is_in).count(),
                        if_closed: self.if_not_anyone(&source.name, &space, &standings)?,
                        source: source.name.clone(),
                        space,
                    });
                }
            }
        }
        Ok(open)
    }
}

/// How many may read each class, by its number.
struct Readers(Vec<u32>);

impl Readers {
    fn of(&self, class: AclClass) -> usize {
        self.0.get(class.number() as usize).map_or(0, |count| *count as usize)
    }
}

fn wide_spaces(
    there: &[InForce],
    is_wide: &impl Fn(AclClass) -> bool,
    is_everybodys: impl Fn(AclClass) -> bool,
) -> Vec<WideSpace> {
    let mut spaces: BTreeMap<(&str, &str), (usize, usize, usize)> = BTreeMap::new();
    for one in there {
        let (documents, wide, everybody) = spaces.entry((one.id.source(), &one.space)).or_default();
        *documents += 1;
        *wide += usize::from(is_wide(one.class));
        *everybody += usize::from(is_everybodys(one.class));
    }
    let space = |((source, space), (documents, wide, everybody)): ((&str, &str), (usize, usize, usize))| WideSpace {
        source: source.to_owned(),
        space: space.to_owned(),
        documents,
        wide,
        everybody,
    };
    spaces.into_iter().map(space).filter(|space| space.wide > 0).collect()
}

fn kinds(exposed: &[(&InForce, Found)]) -> Vec<(Kind, usize, u64)> {
    let mut kinds: BTreeMap<Kind, (usize, u64)> = BTreeMap::new();
    for (kind, count) in exposed.iter().flat_map(|(_, found)| found.kinds()) {
        let (documents, all) = kinds.entry(kind).or_default();
        *documents += 1;
        *all += u64::from(count);
    }
    kinds.into_iter().map(|(kind, (documents, count))| (kind, documents, count)).collect()
}

/// The groups that a condition names.
fn groups_named(condition: &Condition) -> impl Iterator<Item = (&Condition, &GroupId)> {
    let principals = match &condition.asks {
        Asks::For(any_of) => any_of.principals(),
        Asks::Unknown(_) => &[],
    };
    principals.iter().filter_map(move |principal| match principal {
        Principal::Group(group) => Some((condition, group)),
        Principal::Account(_) | Principal::Person(_) | Principal::AnyoneOf(_) => None,
    })
}

fn is_anyones(condition: &Condition) -> bool {
    match &condition.asks {
        Asks::For(any_of) => any_of.principals().iter().any(|one| matches!(one, Principal::AnyoneOf(_))),
        Asks::Unknown(_) => false,
    }
}
