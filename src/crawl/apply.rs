//! Carries steps out, so that a crash at any point leaves nobody more than they may read and nothing lost.
//!
//! The order is always: a document whose readers change is withheld (durably) · the truth is written to the store, with a
//! sequence number · the index is told · the index commits, with the number it has reached · the document is found again.
//! After a crash [`replay`] withholds again what was withheld, and tells the index whatever has a number after the one it
//! had reached.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::kept::{Fact, Kept, Turn};
use super::permissions::Key;
use super::plan::Content;
use super::{Error, Rooms};
use crate::acl::AclClass;
use crate::corpus::{Document, DocumentId, Sizes, cut};
use crate::index::{Change, Index};
use crate::names::SyncId;

/// Held from taking a number until the index was told of that change: so the index has heard of every number up to the last
/// one it was told, whichever run it came from.
static TELLING: Mutex<()> = Mutex::new(());

/// Changes that go to the store at once.
const TOGETHER_MAX: usize = 512;

/// Changes after which the index commits.
const UNCOMMITTED_MAX: usize = 2_000;

/// A document with everything that is kept of it.
pub(super) struct Ready {
    /// The document.
    pub document: Document,
    /// Who may read it.
    pub class: AclClass,
    /// A digest of title, place and labels.
    pub head: u64,
    /// Where its words come from.
    pub words: Content,
}

/// Carries out the steps of one run.
pub(super) struct Applying<'a> {
    kept: &'a Kept,
    index: &'a Index,
    /// The number of the last change the index was told.
    told: u64,
    uncommitted: usize,
    /// Withheld until the next commit.
    withheld: Vec<DocumentId>,
}

impl<'a> Applying<'a> {
    pub(super) fn new(kept: &'a Kept, rooms: &Rooms<'a>) -> Applying<'a> {
        Applying { kept, index: rooms.index, told: 0, uncommitted: 0, withheld: Vec::new() }
    }

    /// Gives documents other readers: in force before this returns.
    pub(super) fn reclass(&mut self, to: &[(DocumentId, AclClass)]) -> Result<(), Error> {
        // All of them first: while the index works through thousands, none is found under its old readers.
        for some in to.chunks(TOGETHER_MAX) {
            self.kept.withhold(some)?;
            for (id, _) in some {
                self.index.change(Change::Withhold(id))?;
            }
        }
        fail::fail_point!("pages withheld");
        self.withheld.extend(to.iter().map(|(id, _)| id.clone()));
        for some in to.chunks(TOGETHER_MAX) {
            let telling = telling();
            let mut turn = Turn::new();
            for (id, class) in some {
                if let Some(fact) = self.kept.fact(id)? {
                    self.told = self.kept.next_sequence()?;
                    turn.put_fact(id, &Fact { class: *class, sequence: self.told, ..fact });
                }
            }
            self.kept.make(turn)?;
            fail::fail_point!("pages reclassed");
            for (id, class) in some {
                self.index.change(Change::Reclass(id, *class))?;
            }
            drop(telling);
            self.uncommitted += some.len();
        }
        self.commit()
    }

    /// Takes documents out: nobody finds them from now on. Of those that are `still_above` others the permissions stay.
    pub(super) fn remove(
        &mut self,
        ids: &[DocumentId],
        still_above: &BTreeSet<DocumentId>,
        sync: SyncId,
    ) -> Result<(), Error> {
        for some in ids.chunks(TOGETHER_MAX) {
            let telling = telling();
            let mut turn = Turn::new();
            for id in some {
                self.told = self.kept.next_sequence()?;
                match still_above.contains(id) {
                    true => turn.leave_out(id, self.told),
                    false => turn.remove(id, self.told, self.kept.permission(&Key::Document(id.clone()))?, sync),
                }
            }
            self.kept.make(turn)?;
            fail::fail_point!("pages removed");
            for id in some {
                self.index.change(Change::Remove(id))?;
            }
            drop(telling);
            self.withheld.extend(some.iter().cloned());
            self.count(some.len())?;
        }
        Ok(())
    }

    /// Puts documents in, new or instead of what was there.
    pub(super) fn put(&mut self, ready: &[Ready]) -> Result<(), Error> {
        for some in ready.chunks(TOGETHER_MAX) {
            // Cutting needs no turn; it is the larger part of the work.
            let passages: Vec<_> = some.iter().map(|ready| cut(&ready.document, Sizes::default())).collect();
            let telling = telling();
            let mut turn = Turn::new();
            for Ready { document, class, head, words } in some {
                self.told = self.kept.next_sequence()?;
                let read_sequence = match words {
                    Content::Changed => self.told,
                    Content::Kept => self.kept.fact(&document.id)?.map_or(0, |fact| fact.read_sequence),
                };
                let fact = Fact {
                    class: *class,
                    revision: document.revision,
                    head: *head,
                    space: document.space.key.clone(),
                    sequence: self.told,
                    words_sequence: self.told,
                    read_sequence,
                };
                turn.put_fact(&document.id, &fact);
                turn.put_page(document);
            }
            self.kept.make(turn)?;
            fail::fail_point!("pages put");
            for (ready, passages) in some.iter().zip(&passages) {
                self.index.change(Change::Replace(&ready.document, ready.class, passages, None))?;
            }
            drop(telling);
            self.count(some.len())?;
        }
        Ok(())
    }

    fn count(&mut self, changes: usize) -> Result<(), Error> {
        self.uncommitted += changes;
        if self.uncommitted >= UNCOMMITTED_MAX { self.commit() } else { Ok(()) }
    }

    /// Makes everything so far visible, and lets be found what was withheld for it.
    pub(super) fn commit(&mut self) -> Result<(), Error> {
        if self.uncommitted > 0 {
            let _telling = telling();
            // Another run may have committed a later number; everything up to it was told.
            fail::fail_point!("index told");
            self.index.commit(self.told.max(self.index.reached()))?;
            fail::fail_point!("index committed");
            self.kept.forget_gone(self.index.reached())?;
            self.uncommitted = 0;
        }
        self.kept.release(self.withheld.iter())?;
        self.withheld.clear();
        Ok(())
    }
}

fn telling() -> MutexGuard<'static, ()> {
    TELLING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings the index up to the store, and withholds again what was being reclassed when the process ended. Gives how many
/// changes were done again.
pub(super) fn replay(kept: &Kept, index: &Index) -> Result<u64, Error> {
    let _telling = telling();
    let reached = index.reached();
    let mut withheld = Vec::new();
    for read in kept.withheld() {
        let (id, withheld_for) = read?;
        index.change(Change::Withhold(&id))?;
        withheld.push((id, withheld_for.class));
    }
    let (mut done, mut last) = (0u64, reached);
    for (sequence, id) in kept.gone_after(reached)? {
        // It may have come back since; then its fact is told below.
        index.change(Change::Remove(&id))?;
        (done, last) = (done + 1, last.max(sequence));
    }
    for read in kept.facts() {
        let (id, fact) = read?;
        if fact.sequence <= reached {
            continue;
        }
        if fact.words_sequence <= reached {
            index.change(Change::Reclass(&id, fact.class))?;
        } else if let Some(document) = kept.page(&id)? {
            index.change(Change::Replace(&document, fact.class, &cut(&document, Sizes::default()), None))?;
        }
        (done, last) = (done + 1, last.max(fact.sequence));
        if done.is_multiple_of(UNCOMMITTED_MAX as u64) {
            // The number stays: facts are not in the order of their numbers.
            index.commit(reached)?;
        }
    }
    if done > 0 {
        index.commit(last)?;
    }
    // What has the class it was withheld for is found again. The rest waits for the next run.
    let settled = withheld
        .iter()
        .map(|(id, class)| Ok((id, kept.fact(id)?.is_none_or(|fact| fact.class == *class))))
        .collect::<Result<Vec<_>, crate::store::Error>>()?;
    let settled: Vec<&DocumentId> = settled.into_iter().filter(|(_, is)| *is).map(|(id, _)| id).collect();
    for id in &settled {
        if let Some(fact) = kept.fact(id)? {
            index.change(Change::Reclass(id, fact.class))?;
        }
    }
    if !settled.is_empty() {
        index.commit(last)?;
        kept.release(settled)?;
    }
    Ok(done)
}
