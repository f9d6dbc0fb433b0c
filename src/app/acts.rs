//! What people with a role, and the owner of the machine, last did that concerned a person: told to that person.

use super::{App, Asker, Error};
use crate::audit::Entry;

/// Acts told at most.
const ACTS_MAX: usize = 50;

/// One act.
#[derive(Debug, Clone)]
pub struct Act {
    /// When, RFC 3339.
    pub at: String,
    /// What, by the log's word for it.
    pub event: String,
    /// Which of its kind, where the log says.
    pub what: Option<String>,
    /// The person who did it; `None` for the owner of the machine, and for who is known no more.
    pub by: Option<String>,
    /// Whether the owner of the machine did it.
    pub is_owners: bool,
}

impl App {
    /// The last acts that concerned the asker and were not their own, the last first.
    pub fn acts_about(&self, asker: &Asker) -> Result<Vec<Act>, Error> {
        let entries = self.audit.about(asker.user(), ACTS_MAX)?;
        entries.into_iter().map(|entry| self.act(entry)).collect()
    }

    fn act(&self, entry: Entry) -> Result<Act, Error> {
        let by = match entry.actor {
            Some(actor) => self.directory.person(&actor)?.map(|person| person.display_name),
            None => None,
        };
        let text = |field: &str| entry.fields.get(field).and_then(serde_json::Value::as_str).map(str::to_owned);
        Ok(Act {
            at: text("at").unwrap_or_default(),
            event: text("event").unwrap_or_default(),
            what: text("what").or_else(|| text("change")),
            by,
            is_owners: entry.is_owners,
        })
    }
}
