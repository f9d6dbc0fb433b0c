//! The leaves that concern one person and were not written by them.

use serde_json::Value;

use super::{Error, Log};
use crate::names::UserId;

/// A leaf, with who did it where they were not erased. Its place in the log is not told: it grows with what others do.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who did it.
    pub actor: Option<UserId>,
    /// Whether the owner of the machine did it, who is no person here.
    pub is_owners: bool,
    /// The leaf itself.
    pub fields: Value,
}

/// Leaves that are read at once, from the newest back.
const STEP: u64 = 4096;
/// Leaves that are looked through at most.
const LOOKED_AT_MAX: u64 = 1_000_000;

impl Log {
    /// The newest leaves whose subject is this person and that another person, or the owner of the machine, caused; newest
    /// first, at most `most`.
    pub fn about(&self, user: &UserId, most: usize) -> Result<Vec<Entry>, Error> {
        let people = self.people.by_handle()?;
        let Some(mine) = people.iter().find(|(_, (known, _))| known == user).map(|(handle, _)| *handle) else {
            return Ok(Vec::new());
        };
        let (mut end, mut about) = (self.size(), Vec::new());
        let last = end.saturating_sub(LOOKED_AT_MAX);
        while end > last && about.len() < most {
            let start = end.saturating_sub(STEP).max(last);
            let mut found = Vec::new();
            self.between(start, end, |leaf, [actor, subject], json| {
                if subject != Some(mine) || actor == Some(mine) {
                    return Ok(());
                }
                let fields: Value =
                    serde_json::from_slice(json).map_err(|_| Error::broken(leaf, "it does not read"))?;
                // What a provider's push or a sync did is not somebody's act.
                if actor.is_some() || fields["by"] == "owner" {
                    let actor = actor.and_then(|actor| people.get(&actor)).map(|(actor, _)| *actor);
                    found.push(Entry { actor, is_owners: fields.get("actor").is_none(), fields });
                }
                Ok(())
            })?;
            about.extend(found.into_iter().rev());
            end = start;
        }
        about.truncate(most);
        Ok(about)
    }
}
