//! What was tightened is withheld as soon as it is seen: the listing of a large wiki takes minutes, and for these nobody must
//! find a page by a right that was taken.
//!
//! Somebody leaves the root of ten thousand pages to the board. The space is listed; the rule of each of its pages is worked out,
//! and where it admits somebody less than before, the page is withheld, durably, before the next space is listed. What is only
//! opened further waits: to withhold it would hide it from those who may read it already. When everything is listed, the plan gives
//! each its new class, and what was withheld is found again by those who may.

use std::collections::{BTreeSet, HashMap};

use super::above::Told;
use super::listed::{Listed, levels};
use super::permissions::Place;
use super::plan::Known;
use super::restriction::{Level, rule_of};
use super::run::{End, Running, broken};
use crate::acl::AclClass;
use crate::corpus::DocumentId;
use crate::index::Change;

/// Documents that are withheld by one write.
const TOGETHER_MAX: usize = 512;

impl Running<'_, '_> {
    /// Withholds what of a space, listed whole just now, admits somebody less than before.
    pub(super) fn withhold_tightened(
        &mut self,
        ids: &[DocumentId],
        place: usize,
        listed: &mut Listed,
        known: &mut Known,
    ) -> Result<(), End> {
        self.recall_told(ids, place, listed)?;
        let listed = &*listed;
        let view = listed.views.get(place).and_then(Option::as_ref);
        // Within one space a rule depends on the levels alone.
        let mut judged: HashMap<(Vec<&Level>, AclClass), Option<AclClass>> = HashMap::new();
        let mut tightened: Vec<(DocumentId, AclClass)> = Vec::new();
        for id in ids {
            let (Some(held), Some(item)) = (known.documents.get(id), listed.items.get(id)) else { continue };
            let holder = match &item.container {
                Some(container) => listed.items.get(container),
                None => Some(item),
            };
            // One whose way up is not listed yet may come in another space: it is judged when everything is there.
            if !holder.is_some_and(|holder| holder.ancestors.iter().all(|id| listed.level(id).is_some())) {
                continue;
            }
            let levels = levels(item, listed);
            let now = match judged.get(&(levels.clone(), held.class)) {
                Some(now) => *now,
                None => {
                    let rule = rule_of(&self.settings.name, listed.may_use.as_ref(), view, levels.iter().copied());
                    let is_less = self.rooms.classes.tightens(held.class, &rule).map_err(broken)?;
                    let now = match is_less {
                        true => Some(self.rooms.classes.class_of(rule).map_err(broken)?),
                        false => None,
                    };
                    judged.insert((levels, held.class), now);
                    now
                }
            };
            tightened.extend(now.map(|now| (id.clone(), now)));
        }
        for some in tightened.chunks(TOGETHER_MAX) {
            self.kept.withhold(some)?;
            for (id, _) in some {
                self.rooms.index.change(Change::Withhold(id))?;
            }
        }
        known.withheld.extend(tightened.into_iter().map(|(id, _)| id));
        Ok(())
    }

    /// Until the source is asked again, what it told last of pages that no listing gives stands in for what it would tell now:
    /// without it nothing below them could be judged here. It opens nothing, for it is forgotten before anything is planned.
    fn recall_told(&self, ids: &[DocumentId], place: usize, listed: &mut Listed) -> Result<(), End> {
        let ancestors = ids.iter().filter_map(|id| listed.items.get(id)).flat_map(|item| &item.ancestors);
        let missing: BTreeSet<DocumentId> = ancestors.filter(|id| listed.level(id).is_none()).cloned().collect();
        for id in missing {
            if let Some(Place { above, level, .. }) = self.kept.place(&id)?.filter(|place| place.is_told) {
                listed.told.insert(id, Told { space: place, above, level });
            }
        }
        Ok(())
    }
}
