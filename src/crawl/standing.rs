//! A whole source at once: every document with who may read it, now or as it was known at a moment; and the words of what is
//! kept, for whoever looks for what should not stand in them.
//!
//! An explanation looks up one document. Whoever compares two people on a space, or asks what a grant would change, looks at
//! all of them, and reads each fact once.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::Kept;
use super::permissions::{Facts, Key, Permission, conditions_by, use_of, view_of};
use super::{Condition, Conditions, Error};
use crate::acl::AclClass;
use crate::clock::Moment;
use crate::corpus::{Block, Document, DocumentId};
use crate::names::SourceId;
use crate::store::{self, Store};

/// One document with everything that is kept of who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub id: DocumentId,
    /// The key of its space.
    pub space: String,
    /// What must be met.
    pub conditions: Conditions,
}

/// The conditions of a space itself: using its source, and viewing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceGrant {
    /// Who may use the source.
    pub of_use: Condition,
    /// Who may view the space.
    pub view: Condition,
}

/// One document in force: its class, and the change that brought its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// Which.
    pub id: DocumentId,
    /// Who may read it.
    pub class: AclClass,
    /// The key of its space.
    pub space: String,
    /// The number of the last change of its words.
    pub words: u64,
}

/// The permissions of one source, read whole.
pub struct Standings {
    source: SourceId,
    permissions: BTreeMap<Key, Permission>,
    /// The class of each document whose words are kept; of a moment of the past none is known.
    classes: Option<BTreeMap<DocumentId, AclClass>>,
    withheld: BTreeSet<DocumentId>,
}

impl Standings {
    /// Reads them, as they are or as they were known at a moment.
    pub fn read(store: &Store, source: &SourceId, at: Option<Moment>) -> Result<Standings, Error> {
        let kept = Kept::open(store)?;
        let mut standings = Standings {
            source: source.clone(),
            permissions: kept.permissions(source)?,
            classes: None,
            withheld: BTreeSet::new(),
        };
        match at {
            Some(at) => standings.go_back(&kept, at)?,
            None => {
                let known = kept.known(source, None)?;
                let classes = known.documents.into_iter().map(|(id, held)| (id, held.class)).collect();
                (standings.classes, standings.withheld) = (Some(classes), known.withheld.into_iter().collect());
            }
        }
        Ok(standings)
    }

    /// Takes the permissions as they were known at a moment: what a run had read by then, and none had read otherwise.
    fn go_back(&mut self, kept: &Kept, at: Moment) -> Result<(), store::Error> {
        let mut settled = BTreeSet::new();
        for read in kept.all_past() {
            let (key, past) = read?;
            let is_after = key.source() == self.source.as_str() && past.until.began_ms > at.ms();
            // Of what ended after the moment, the first to end was so at the moment.
            if is_after && settled.insert(key.clone()) {
                self.permissions.insert(key, past.was);
            }
        }
        self.permissions.retain(|_, permission| permission.since().began_ms <= at.ms());
        Ok(())
    }

    /// Every document that somebody could find: its words are kept and not withheld; of the past every one that was listed.
    pub fn documents(&self) -> impl Iterator<Item = Result<Standing, Error>> + '_ {
        self.permissions.iter().filter_map(|(key, permission)| {
            let (Key::Document(id), Permission::Place(place)) = (key, permission) else { return None };
            let class = self.classes.as_ref().and_then(|classes| classes.get(id)).copied();
            let is_there = match &self.classes {
                Some(_) => class.is_some() && !self.withheld.contains(id),
                None => place.missed.is_none(),
            };
            if !is_there {
                return None;
            }
            let conditions = conditions_by(&Facts::Whole(&self.permissions), id, class, false);
            let standing = |conditions| Standing { id: id.clone(), space: place.space.clone(), conditions };
            conditions.map(|conditions| conditions.map(standing)).map_err(Error::from).transpose()
        })
    }

    /// Who may view a space; `None` where no sync had seen it.
    pub fn space(&self, key: &str) -> Result<Option<SpaceGrant>, Error> {
        if !self.permissions.contains_key(&Key::Space(self.source.clone(), key.to_owned())) {
            return Ok(None);
        }
        let facts = Facts::Whole(&self.permissions);
        let (of_use, view) = (use_of(&facts, &self.source)?, view_of(&facts, &self.source, key)?);
        Ok(Some(SpaceGrant { of_use, view }))
    }

    /// The keys of all spaces of which a grant is kept.
    pub fn spaces(&self) -> impl Iterator<Item = &str> {
        self.permissions.keys().filter_map(|key| match key {
            Key::Space(_, space) => Some(space.as_str()),
            Key::Use(_) | Key::Document(_) => None,
        })
    }

    /// Every condition by itself, as it was read: using the source, viewing each space, each document's own restriction.
    pub fn grants(&self) -> Result<Vec<Condition>, Error> {
        let facts = Facts::Whole(&self.permissions);
        let mut all = Vec::new();
        for key in self.permissions.keys() {
            match key {
                Key::Use(source) => all.push(use_of(&facts, source)?),
                Key::Space(source, space) => all.push(view_of(&facts, source, space)?),
                Key::Document(id) => all.extend(super::permissions::own(&facts, &self.source, id)?),
            }
        }
        Ok(all)
    }
}

/// Every document in force, of every source: for counting who may read how much, and for what is scanned.
pub fn in_force(store: &Store) -> Result<Vec<InForce>, Error> {
    let kept = Kept::open(store)?;
    let mut all = Vec::new();
    for read in kept.facts() {
        let (id, fact) = read?;
        if !kept.is_withheld(&id)? {
            all.push(InForce { id, class: fact.class, space: fact.space, words: fact.words_sequence });
        }
    }
    Ok(all)
}

/// Gives each text of a document to whoever looks for what should not stand in it; `false` where its words are not kept.
/// Nothing of them may be kept or told but what was found of which kind, and how often.
pub fn look_through(store: &Store, id: &DocumentId, each: &mut dyn FnMut(&str)) -> Result<bool, Error> {
    let Some(document) = Kept::open(store)?.page(id)? else { return Ok(false) };
    texts(&document, each);
    Ok(true)
}

fn texts(document: &Document, each: &mut dyn FnMut(&str)) {
    each(&document.title);
    for block in &document.blocks {
        match block {
            Block::Heading { text, .. }
            | Block::Paragraph { text }
            | Block::Item { text, .. }
            | Block::Code { text, .. }
            | Block::Quote { text } => each(text),
            Block::Table { header, rows } => {
                // A row at a time, with its column titles: a password often stands in the cell beside its name.
                header.iter().for_each(|cell| each(cell));
                for row in rows {
                    let named = header.iter().zip(row).map(|(name, cell)| format!("{name}: {cell}"));
                    let told: Vec<String> = if header.is_empty() { vec![row.join(": ")] } else { named.collect() };
                    each(&told.join("\n"));
                }
            }
        }
    }
}
