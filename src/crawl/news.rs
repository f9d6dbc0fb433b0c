//! What is new: a run that asks the source's own search, its audit log and what webhooks said where something changed, and
//! lists those spaces alone.
//!
//! Each of the three only says where to look. A search lags, leaves things out and knows nothing of permissions; a webhook may
//! not come or be made up. So nothing is taken from them: a space in which anything may be new is listed like in any run, its
//! permissions are read, and its documents are planned from that listing. What stood in such a space and is not there now may
//! have moved to one that was not listed: it is left to nobody, and a run of everything follows, which knows what is gone.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::Applying;
use super::hint::Hint;
use super::kept::{Heard, Kept};
use super::listed::Listed;
use super::plan::{Held, Known, Seen};
use super::run::{End, Running, broken};
use super::source::Changed;
use super::{Error, State, Status};
use crate::acl::{AclClass, AnyOf, Rule};
use crate::clock::Moment;
use crate::corpus::DocumentId;

/// How far a search for what changed looks back behind the last one: its dates are in a time zone that is not told, and its
/// index lags (`confluence.md` §1.8).
const OVERLAP_MS: i64 = 26 * 60 * 60 * 1000;

/// Pages whose space is asked for one by one; of more, those that are known are enough.
const ASKED_MAX: usize = 100;

impl Running<'_, '_> {
    /// The story of a run of what is new. Gives how it ended; that all permissions were read it never says.
    pub(super) fn news(&mut self, heard: &Hint) -> Result<(State, bool), End> {
        let status = self.kept.status(&self.settings.name)?;
        let mut hint = heard.clone();
        self.phase("news")?;
        let changed = self.changed(&status)?;
        self.audited(&status, &mut hint)?;
        self.run.wants_whole |= hint.everything;
        let mut spaces = self.spaces_of(&hint)?;
        spaces.extend(fresh(self.kept, &changed)?);

        let mut listed = Listed { are_permissions_whole: true, ..Listed::default() };
        if hint.people {
            self.people(&mut listed)?;
        }
        self.run.only = spaces.iter().cloned().collect();
        let state = match spaces.is_empty() {
            true => self.state(false),
            false => {
                listed.only = Some(spaces);
                self.sweep(listed)?
            }
        };
        let began = self.run.began;
        self.kept.put_heard(&self.settings.name, &changed, began.plus_ms(-OVERLAP_MS))?;
        Ok((state, false))
    }

    /// What the source's search says has changed since the last run; nothing where it fails, which is said.
    fn changed(&mut self, status: &Status) -> Result<Vec<Changed>, End> {
        let last = status.news_as_of.or(status.permissions_as_of).unwrap_or(self.run.began);
        match self.source.changed(last.plus_ms(-OVERLAP_MS)) {
            Ok(changed) => {
                self.kept.put_news(&self.settings.name, self.run.began)?;
                Ok(changed)
            }
            Err(failure) => {
                self.fail(failure);
                Ok(Vec::new())
            }
        }
    }

    /// Adds what the source's audit log says, where it has one that may be read.
    fn audited(&mut self, status: &Status, hint: &mut Hint) -> Result<(), End> {
        let since = status.audit_as_of.or(status.permissions_as_of).unwrap_or(self.run.began);
        match self.source.audited(since) {
            Ok(Some((more, newest))) => {
                hint.add(more);
                self.kept.put_audited(&self.settings.name, newest.max(since))?;
            }
            // It is a help and no need: not every version, licence and account has it.
            Ok(None) => {}
            Err(failure) => self.fail(failure),
        }
        Ok(())
    }

    /// The spaces of a hint: those it names, those its pages were in, and those they are in now.
    fn spaces_of(&mut self, hint: &Hint) -> Result<BTreeSet<String>, End> {
        let mut spaces = hint.spaces.clone();
        for (n, page) in hint.pages.iter().enumerate() {
            let Some(id) = DocumentId::new(self.settings.name.as_str(), page) else { continue };
            spaces.extend(self.kept.place(&id)?.map(|place| place.space));
            if n < ASKED_MAX {
                self.tick()?;
                match self.source.space_of(page) {
                    Ok(now) => spaces.extend(now),
                    Err(failure) => self.fail(failure),
                }
            }
        }
        Ok(spaces)
    }

    /// Leaves to nobody what stood in the listed spaces and was not met, until a run of everything says what became of it.
    pub(super) fn close_missing(&mut self, known: &Known, seen: &Seen, listed: &Listed) -> Result<(), End> {
        let nobody = self.rooms.classes.class_of(Rule::new(AnyOf::nobody())).map_err(broken)?;
        let missing: Vec<(DocumentId, AclClass)> =
            missing(known, seen, listed, nobody).into_iter().map(|id| (id.clone(), nobody)).collect();
        self.run.wants_whole |= !missing.is_empty();
        // A space that is no longer there, or not for us, is the whole run's to judge, too.
        let is_listed = |key: &String| listed.spaces.iter().any(|space| space.key == *key);
        let is_known = |key: &String| known.documents.values().any(|held| held.space == *key);
        self.run.wants_whole |= listed.only.iter().flatten().any(|key| !is_listed(key) && is_known(key));
        Ok(Applying::new(self.kept, self.rooms).reclass(&missing)?)
    }
}

/// Known documents of the spaces that were listed whole, which were not met there and are not left to nobody already.
fn missing<'k>(known: &'k Known, seen: &Seen, listed: &Listed, nobody: AclClass) -> Vec<&'k DocumentId> {
    let is_listed = |key: &str| listed.spaces.iter().any(|space| space.key == key) && !seen.partial.contains(key);
    let is_missing = |id: &DocumentId, held: &Held| !seen.documents.contains_key(id) && held.class != nobody;
    let missing = known.documents.iter().filter(|(id, held)| is_missing(id, held) && is_listed(&held.space));
    missing.map(|(id, _)| id).collect()
}

/// The spaces in which something has another version than the one that is kept, and than the one that was heard of before:
/// what the settings leave out would be new for ever.
fn fresh(kept: &Kept, changed: &[Changed]) -> Result<BTreeSet<String>, Error> {
    let mut spaces = BTreeSet::new();
    for row in changed {
        let is_kept = kept.fact(&row.id)?.is_some_and(|fact| fact.revision == row.revision);
        if !is_kept && kept.heard(&row.id)?.is_none_or(|heard| heard.revision != row.revision) {
            let place = match &row.space {
                Some(space) => Some(space.clone()),
                None => kept.place(&row.id)?.map(|place| place.space),
            };
            spaces.extend(place);
        }
    }
    Ok(spaces)
}

/// What is remembered of what a search gave: it gives the same again for as long as the overlap reaches.
pub(super) fn remembered(old: BTreeMap<DocumentId, Heard>, changed: &[Changed], since: Moment) -> Vec<Remember> {
    let now: BTreeMap<&DocumentId, &Changed> = changed.iter().map(|row| (&row.id, row)).collect();
    let put = changed
        .iter()
        .filter(|row| old.get(&row.id).is_none_or(|heard| heard.revision != row.revision))
        .map(|row| Remember::Put(row.id.clone(), Heard { revision: row.revision, at_ms: row.updated_ms }));
    let gone = old.iter().filter(|(id, heard)| heard.at_ms < since.ms() && !now.contains_key(id));
    put.chain(gone.map(|(id, _)| Remember::Forget(id.clone()))).collect()
}

/// One change to what is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remember {
    Put(DocumentId, Heard),
    Forget(DocumentId),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(local: &str, revision: u64, updated_ms: i64) -> Changed {
        Changed { id: DocumentId::new("wiki", local).unwrap(), space: Some("HR".to_owned()), revision, updated_ms }
    }

    #[test]
    fn what_was_heard_is_forgotten_when_the_search_cannot_give_it_again() {
        let heard = |revision, at_ms| Heard { revision, at_ms };
        let id = |local: &str| row(local, 0, 0).id;
        let old = BTreeMap::from([(id("1"), heard(1, 5)), (id("2"), heard(1, 5)), (id("3"), heard(1, 50))]);

        let all = remembered(old, &[row("1", 2, 60), row("3", 1, 50)], Moment::from_ms(10));

        assert_eq!(all, [Remember::Put(id("1"), heard(2, 60)), Remember::Forget(id("2"))]);
    }
}
