//! Pages above others that no listing gives: one in the bin, or a draft. Some sources tell of a page below it whom it is left to.
//!
//! Ada wrote `Keys` below `Ops`, and `Ops` went to the bin; whoever may not read `Ops` may not read `Keys` either. The source lists
//! `Keys` with `Ops` above it, and `Ops` it does not give. So it is asked for every restriction on the way up to `Keys`. Where it
//! tells them, `Keys` has the readers that they leave; where it does not, or not all of them, nobody finds `Keys`.

use std::collections::{BTreeMap, BTreeSet};

use super::listed::Listed;
use super::restriction::Level;
use super::source::{Item, Source};
use crate::corpus::DocumentId;

/// Pages that are asked about in one run. What stands below more is nobody's.
const ASKED_MAX: usize = 200;

/// A page that no listing gave, as one below it told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// The space of the page below, by its place.
    pub space: usize,
    /// The pages above it, root first.
    pub above: Vec<DocumentId>,
    /// Its own restriction.
    pub level: Level,
}

/// Asks whom those pages are left to that stand above others and were not listed. What was told before counts no longer.
pub(super) fn ask(source: &dyn Source, listed: &mut Listed) {
    listed.told.clear();
    let witnesses = witnesses(listed);
    if witnesses.is_empty() {
        return;
    }
    let mut told: BTreeMap<DocumentId, Told> = BTreeMap::new();
    for (page, levels) in witnesses.iter().zip(source.restricted_above(&witnesses)) {
        let (Some(levels), Some(space)) = (levels, listed.space_of.get(&page.id)) else { continue };
        // An answer that leaves out a restriction which the listing has may leave out others.
        let way = page.ancestors.iter().chain([&page.id]).filter_map(|id| listed.items.get(id));
        if way.into_iter().any(|item| matches!(item.level, Level::Only(_)) && !levels.contains_key(&item.id)) {
            continue;
        }
        for (place, id) in page.ancestors.iter().enumerate().filter(|(_, id)| !listed.items.contains_key(id)) {
            let level = levels.get(id).cloned().unwrap_or(Level::Open);
            let now = Told { space: *space, above: page.ancestors[..place].to_vec(), level };
            let was = told.entry(id.clone()).or_insert_with(|| now.clone());
            if was.level != now.level {
                // It changed between two answers: which of them holds, the next run says.
                was.level = Level::Unknown;
            }
        }
    }
    listed.told = told;
}

/// For each page that is missing above others one of these, as near to it as can be: the fewer restrictions stand between, the
/// sooner all of them are told. Where a listing broke off, what is missing may only not have come yet.
fn witnesses(listed: &Listed) -> Vec<&Item> {
    let is_missing = |id: &&DocumentId| !listed.items.contains_key(*id);
    let is_whole = |item: &Item| {
        let space = listed.space_of.get(&item.id).and_then(|place| listed.spaces.get(*place));
        space.is_some_and(|space| !listed.partial.contains(&space.key))
    };
    let mut below: Vec<&Item> = listed
        .items
        .values()
        .filter(|item| item.ancestors.iter().any(|id| is_missing(&id)) && is_whole(item))
        .collect();
    below.sort_by_key(|item| (item.level == Level::Unknown, item.ancestors.len(), &item.id));
    let mut asked: BTreeSet<&DocumentId> = BTreeSet::new();
    below.retain(|item| item.ancestors.iter().filter(is_missing).filter(|id| asked.insert(*id)).count() > 0);
    below.truncate(ASKED_MAX);
    below
}
