//! A source that goes: its documents go, its accounts and groups go, and the facts of its permissions end.

use std::collections::BTreeSet;

use super::apply::Applying;
use super::kept::Kept;
use super::{Error, Rooms, learning};
use crate::corpus::DocumentId;
use crate::directory::SourcePeople;
use crate::names::{SourceId, SyncId};

/// Takes everything of a source out, and gives how many documents went. Where the process ends in between, to do it again does
/// the rest. What its permissions were stays with when it ended, for as long as facts of the past are kept.
pub fn forget(source: &SourceId, rooms: &Rooms<'_>) -> Result<u64, Error> {
    let kept = Kept::open(rooms.store)?;
    let sync = SyncId { number: kept.next_number(source)?, began_ms: rooms.clock.now().ms() };
    let ids: Vec<DocumentId> = kept.known(source, None)?.documents.into_keys().collect();
    let mut applying = Applying::new(&kept, rooms);
    applying.remove(&ids, &BTreeSet::new(), sync)?;
    applying.commit()?;
    learning::end(&kept, source, sync)?;
    let nobody = SourcePeople { accounts: Vec::new(), groups: Vec::new() };
    let _accounts =
        rooms.directory.replace_source(source, nobody, sync).map_err(|error| Error::Broken(Box::new(error)))?;
    // Last: until here, how its runs went is what numbers the next one.
    kept.forget_source(source)?;
    Ok(ids.len() as u64)
}
