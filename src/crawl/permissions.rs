//! What is kept of permissions: each grant and each restriction as it was read, with the sync that learned it, so that the
//! rule of a document can be told in the terms it came in.
//!
//! A class says who may read a document and not why: its rule is folded together and names no page. Ada asks why she cannot
//! open `Keys`. What is kept here answers: the wiki is left to `staff`, its space to `engineers`, `Ops` above it to
//! `ops-team` since the sync of noon; and `Keys` names nobody. These are the facts the class was made of, and
//! [`Conditions::rule`] makes the same rule of them, so that whoever explains can tell when the two have come apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kept::Kept;
use super::restriction::{Level, Subjects, any_of};
use crate::acl::{AclClass, AnyOf, Rule};
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::names::{SourceId, SyncId};
use crate::store::{self, json_record};

/// What a record of the tree is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// Who may use a source.
    Use(SourceId),
    /// Who may view a space of it.
    Space(SourceId, String),
    /// Where a document stands, and its own restriction.
    Document(DocumentId),
}

/// A record of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Permission {
    Grant(Grant),
    Place(Place),
}

/// Who may use a source or view a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    /// `None` where it could not be read.
    pub to: Option<Subjects>,
    /// The sync that first read it so.
    pub learned: SyncId,
}

/// Where a document stands, and its own restriction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The key of its space.
    pub space: String,
    /// What a comment or an attachment hangs on.
    pub container: Option<DocumentId>,
    /// The pages above, root first.
    pub above: Vec<DocumentId>,
    /// The sync that first saw it there.
    pub placed: SyncId,
    /// Its own restriction.
    pub level: Level,
    /// The sync that first read the restriction so.
    pub learned: SyncId,
    /// The first sync that did not list it since it was listed last.
    pub missed: Option<SyncId>,
    /// A page below it told the restriction to the syncs that did not list it: it holds for what stands below.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_told: bool,
}

impl Place {
    /// Where it stands: its space, what it hangs on, the pages above, and whether it is listed there.
    pub(super) fn stands(&self) -> (&str, Option<&DocumentId>, &[DocumentId], bool) {
        (&self.space, self.container.as_ref(), &self.above, self.missed.is_none())
    }
}

json_record!(Permission, 1);

impl Key {
    /// The bytes that all keys of a source begin with. A source's name has no zero byte, so it ends at the first one.
    pub(super) fn prefix(source: &str) -> Vec<u8> {
        [source.as_bytes(), &[0]].concat()
    }
}

impl Key {
    /// The source it belongs to.
    pub(super) fn source(&self) -> &str {
        match self {
            Key::Use(source) | Key::Space(source, _) => source.as_str(),
            Key::Document(id) => id.source(),
        }
    }
}

impl store::Key for Key {
    fn write(&self, out: &mut Vec<u8>) {
        let (source, kind, rest) = match self {
            Key::Use(source) => (source.as_str(), b'u', ""),
            Key::Space(source, space) => (source.as_str(), b's', space.as_str()),
            Key::Document(document) => (document.source(), b'd', document.local()),
        };
        out.extend(Key::prefix(source));
        out.push(kind);
        out.extend_from_slice(rest.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Key> {
        let end = bytes.iter().position(|byte| *byte == 0)?;
        let source = std::str::from_utf8(&bytes[..end]).ok()?;
        let (kind, rest) = bytes[end + 1..].split_first()?;
        let rest = std::str::from_utf8(rest).ok()?;
        match kind {
            b'u' => Some(Key::Use(SourceId::parse(source)?)),
            b's' => Some(Key::Space(SourceId::parse(source)?, rest.to_owned())),
            b'd' => Some(Key::Document(DocumentId::new(source, rest)?)),
            _ => None,
        }
    }
}

/// What a condition is on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// Using the source at all.
    Use(SourceId),
    /// Viewing the space of this key.
    Space(String),
    /// The restriction of the document itself, of what it hangs on, or of a page above.
    Restriction(DocumentId),
}

/// Whom a condition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// Any of these.
    For(AnyOf),
    /// That is not known, so it is met by nobody.
    Unknown(Unknown),
}

/// Why it is not known whom a condition asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// The source did not let it be read.
    Unreadable,
    /// The last sync did not list the page.
    NotListed,
    /// It was read before facts were kept; the next sync learns it.
    NotKept,
}

/// One condition on reading a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it is on.
    pub about: About,
    /// Whom it asks for.
    pub asks: Asks,
    /// The sync that first read it so.
    pub learned: Option<SyncId>,
}

/// Everything that is kept of who may read a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// All must be met: using the source, viewing the space, then each restriction from the root down.
    pub all: Vec<Condition>,
    /// The sync that first saw the document where it stands.
    pub placed: Option<SyncId>,
    /// The sync that did not list it any more; `None` where the last one did.
    pub missed: Option<SyncId>,
    /// The class that is in force; `None` where its words were not read yet, so that nobody finds it.
    pub class: Option<AclClass>,
    /// Nobody finds it until the index has its new class.
    pub is_withheld: bool,
}

impl Conditions {
    /// The rule that the conditions come to.
    pub fn rule(&self) -> Rule {
        let mut any_ofs = self.all.iter().map(|condition| match &condition.asks {
            Asks::For(any_of) => any_of.clone(),
            Asks::Unknown(_) => AnyOf::nobody(),
        });
        let first = any_ofs.next().unwrap_or_else(AnyOf::nobody);
        any_ofs.fold(Rule::new(first), Rule::and)
    }
}

impl Permission {
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Permission::Place(place) => Some(place),
            Permission::Grant(_) => None,
        }
    }

    /// The sync that first read it so as a whole.
    pub(super) fn since(&self) -> SyncId {
        match self {
            Permission::Grant(grant) => grant.learned,
            Permission::Place(place) => {
                let all = [Some(place.placed), Some(place.learned), place.missed];
                all.into_iter().flatten().max_by_key(|sync| (sync.began_ms, sync.number)).unwrap_or(place.learned)
            }
        }
    }
}

/// What is kept of permissions: looked up one by one, as it is now or as it was known at a moment, or read whole before.
pub(super) enum Facts<'a> {
    Kept { kept: &'a Kept, at: Option<Moment> },
    Whole(&'a BTreeMap<Key, Permission>),
}

impl Facts<'_> {
    fn permission(&self, key: &Key) -> Result<Option<Permission>, store::Error> {
        let (kept, at) = match self {
            Facts::Whole(whole) => return Ok(whole.get(key).cloned()),
            Facts::Kept { kept, at: None } => return kept.permission(key),
            Facts::Kept { kept, at: Some(at) } => (kept, at),
        };
        for past in kept.past(key) {
            let past = past?;
            if past.until.began_ms > at.ms() {
                return Ok(Some(past.was).filter(|was| was.since().began_ms <= at.ms()));
            }
        }
        Ok(kept.permission(key)?.filter(|now| now.since().began_ms <= at.ms()))
    }

    fn place(&self, id: &DocumentId) -> Result<Option<Place>, store::Error> {
        Ok(match self.permission(&Key::Document(id.clone()))? {
            Some(Permission::Place(place)) => Some(place),
            Some(Permission::Grant(_)) | None => None,
        })
    }
}

/// What is kept of who may read a document, or was `at` a moment; `None` where no sync had seen it.
pub(super) fn conditions(kept: &Kept, id: &DocumentId, at: Option<Moment>) -> Result<Option<Conditions>, store::Error> {
    // Which class was in force at a moment is not kept: the facts say what it was made of.
    let fact = if at.is_none() { kept.fact(id)? } else { None };
    let is_withheld = at.is_none() && kept.is_withheld(id)?;
    conditions_by(&Facts::Kept { kept, at }, id, fact.map(|fact| fact.class), is_withheld)
}

/// The same by these facts, of a document of which the class and whether it is withheld are known.
pub(super) fn conditions_by(
    facts: &Facts<'_>,
    id: &DocumentId,
    class: Option<AclClass>,
    is_withheld: bool,
) -> Result<Option<Conditions>, store::Error> {
    let place = facts.place(id)?;
    let Some(source) = SourceId::parse(id.source()) else { return Ok(None) };
    let mut all = Vec::new();
    match &place {
        Some(place) => {
            all.push(use_of(facts, &source)?);
            all.push(view_of(facts, &source, &place.space)?);
            restrictions(facts, &source, id, place, &mut all)?;
        }
        None if class.is_some() => {
            let asks = Asks::Unknown(Unknown::NotKept);
            all.push(Condition { about: About::Restriction(id.clone()), asks, learned: None });
        }
        None => return Ok(None),
    }
    Ok(Some(Conditions {
        all,
        placed: place.as_ref().map(|place| place.placed),
        missed: place.and_then(|place| place.missed),
        class,
        is_withheld,
    }))
}

/// The condition of using a source.
pub(super) fn use_of(facts: &Facts<'_>, source: &SourceId) -> Result<Condition, store::Error> {
    granted(facts, source, Key::Use(source.clone()), About::Use(source.clone()))
}

/// The condition of viewing a space.
pub(super) fn view_of(facts: &Facts<'_>, source: &SourceId, space: &str) -> Result<Condition, store::Error> {
    granted(facts, source, Key::Space(source.clone(), space.to_owned()), About::Space(space.to_owned()))
}

fn granted(facts: &Facts<'_>, source: &SourceId, key: Key, about: About) -> Result<Condition, store::Error> {
    Ok(match facts.permission(&key)? {
        Some(Permission::Grant(Grant { to: Some(to), learned })) => {
            Condition { about, asks: Asks::For(any_of(source, &to)), learned: Some(learned) }
        }
        Some(Permission::Grant(Grant { to: None, learned })) => {
            Condition { about, asks: Asks::Unknown(Unknown::Unreadable), learned: Some(learned) }
        }
        Some(Permission::Place(_)) | None => Condition { about, asks: Asks::Unknown(Unknown::NotKept), learned: None },
    })
}

/// A document's own restriction, where it has one.
pub(super) fn own(facts: &Facts<'_>, source: &SourceId, id: &DocumentId) -> Result<Option<Condition>, store::Error> {
    Ok(facts.place(id)?.and_then(|place| restriction(source, id, &place)))
}

/// The condition that a restriction comes to; none where it is open.
fn restriction(source: &SourceId, id: &DocumentId, place: &Place) -> Option<Condition> {
    let (about, learned) = (About::Restriction(id.clone()), Some(place.learned));
    match &place.level {
        Level::Open => None,
        Level::Only(subjects) => Some(Condition { about, asks: Asks::For(any_of(source, subjects)), learned }),
        Level::Unknown => Some(Condition { about, asks: Asks::Unknown(Unknown::Unreadable), learned }),
    }
}

/// The restrictions from the root down, as `listed::levels` puts them together for the rule: whatever stands above and was
/// neither listed by the last sync nor told to it is unknown. Of the document itself the last known restriction counts while it is kept.
fn restrictions(
    facts: &Facts<'_>,
    source: &SourceId,
    id: &DocumentId,
    place: &Place,
    all: &mut Vec<Condition>,
) -> Result<(), store::Error> {
    let unknown = |id: &DocumentId, why, learned| Condition {
        about: About::Restriction(id.clone()),
        asks: Asks::Unknown(why),
        learned,
    };
    let restriction = |id: &DocumentId, place: &Place| restriction(source, id, place);
    let with_place = |id| Ok::<(&DocumentId, Option<Place>), store::Error>((id, facts.place(id)?));
    let container = place.container.as_ref().map(with_place).transpose()?;
    let holder = match &container {
        Some((_, holder)) => holder.as_ref(),
        None => Some(place),
    };
    let above = holder.map(|holder| holder.above.as_slice()).unwrap_or_default();
    let above = above.iter().map(with_place).collect::<Result<Vec<_>, _>>()?;
    for (id, place) in above.iter().chain(&container) {
        // What hangs on a page goes with it: a restriction that was told holds for the pages below it alone.
        let is_holder = container.as_ref().is_some_and(|(container, _)| container == id);
        match place {
            Some(place) if place.missed.is_none() || (place.is_told && !is_holder) => {
                all.extend(restriction(id, place));
            }
            Some(Place { missed, .. }) => all.push(unknown(id, Unknown::NotListed, *missed)),
            None => all.push(unknown(id, Unknown::NotListed, None)),
        }
    }
    all.extend(restriction(id, place));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Key as _;

    #[test]
    fn every_key_is_read_as_it_was_written_and_sources_do_not_mix() {
        let source = |name| SourceId::parse(name).unwrap();
        for key in [
            Key::Use(source("wiki")),
            Key::Space(source("wiki"), "~ada".to_owned()),
            Key::Document(DocumentId::new("wiki-2", "1001").unwrap()),
        ] {
            let mut bytes = Vec::new();
            key.write(&mut bytes);
            assert_eq!(Key::read(&bytes).as_ref(), Some(&key));
            assert_eq!(bytes.starts_with(&Key::prefix("wiki")), !matches!(key, Key::Document(_)));
        }
        assert_eq!(Key::read(b"wiki"), None);
    }
}
