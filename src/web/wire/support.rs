//! What support is told, on the wire: health, versions, counts and codes; no name of a person, group, source or provider, no
//! address, no title. It can be sent to whoever helps.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::todo::{code, presses};
use crate::app;
use crate::web::metrics::state_word;

/// What support is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Support {
    /// When it was taken, RFC 3339.
    pub at: String,
    /// The binary's version.
    pub version: &'static str,
    /// Operating system and processor.
    pub machine: String,
    /// Cores that the process may use.
    pub cores: usize,
    /// When the process began, RFC 3339.
    pub started_at: String,
    /// Whether a language model is there.
    pub has_model: bool,
    /// Whether an embedder is there.
    pub has_embedder: bool,
    /// What waits for somebody.
    pub todo: Vec<TodoCode>,
    /// Bytes free in the data folder's file system, and all of it.
    pub disk: Option<Room>,
    /// Bytes of each part of the data folder.
    pub parts: BTreeMap<String, u64>,
    /// Counts.
    pub counts: Counts,
    /// The sources, in the order of the settings.
    pub sources: Vec<SourceHealth>,
    /// What went wrong in the last syncs, by its code.
    pub failures: BTreeMap<String, u64>,
    /// The newest leaves of the audit log by their kind, with the code or outcome they bear.
    pub events: Vec<EventCount>,
    /// The settings: numbers and switches as they stand; of a text whether it is set; of a list how long it is.
    #[schema(value_type = Object)]
    pub settings: Value,
}

/// One thing that waits, by its code.
#[derive(Debug, Serialize, ToSchema)]
pub struct TodoCode {
    /// As in the overview.
    pub code: &'static str,
    /// As in the overview.
    pub presses: &'static str,
    /// RFC 3339.
    pub since: Option<String>,
}

/// Room on a disk.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room {
    /// Bytes free.
    pub free: u64,
    /// All bytes.
    pub total: u64,
}

/// Counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counts {
    /// Documents in the index.
    pub documents: u64,
    /// Passages in the index.
    pub passages: u64,
    /// Of them still without a vector.
    pub without_vectors: u64,
    /// People.
    pub people: u64,
    /// Of them active.
    pub active_people: u64,
    /// Groups.
    pub groups: u64,
    /// Accounts of sources that are nobody's.
    pub unmatched: u64,
    /// Leaves in the audit log.
    pub audit_size: u64,
}

/// How one source stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceHealth {
    /// Documents in the index.
    pub documents: u64,
    /// When its permissions were last read whole, RFC 3339.
    pub permissions_as_of: Option<String>,
    /// Its last runs, newest first.
    pub runs: Vec<RunHealth>,
}

/// How one run went.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunHealth {
    /// As on the desk.
    pub state: &'static str,
    /// RFC 3339.
    pub began_at: String,
    /// RFC 3339.
    pub ended_at: Option<String>,
    /// Documents seen.
    pub seen: u64,
    /// Things that could not be read.
    pub failures: usize,
}

/// How often one kind of event stands in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventCount {
    /// The event, and its code or outcome.
    pub event: String,
    /// How often among the newest leaves.
    pub count: u64,
    /// When the last one was written, RFC 3339.
    pub last_at: String,
}

impl Support {
    /// From what the deed told, and everything that waits.
    pub fn of(bundle: &app::Bundle, todo: &[app::Item]) -> Support {
        let overview = &bundle.overview;
        Support {
            at: overview.at.rfc3339(),
            version: overview.version,
            machine: bundle.machine.clone(),
            cores: bundle.cores,
            started_at: bundle.started.rfc3339(),
            has_model: overview.model != "none",
            has_embedder: overview.embedder,
            todo: todo.iter().map(TodoCode::from).collect(),
            disk: bundle.room.map(|(free, total)| Room { free, total }),
            parts: bundle.parts.clone(),
            counts: Counts {
                documents: overview.documents,
                passages: overview.passages,
                without_vectors: overview.without_vectors,
                people: overview.directory.people,
                active_people: overview.directory.active,
                groups: overview.directory.groups,
                unmatched: overview.directory.unmatched.iter().map(|(_, accounts)| accounts).sum(),
                audit_size: overview.audit_size,
            },
            sources: overview.sources.iter().map(SourceHealth::from).collect(),
            failures: bundle.failures.clone(),
            events: bundle
                .events
                .iter()
                .map(|(event, (count, last_at))| EventCount {
                    event: event.clone(),
                    count: *count,
                    last_at: last_at.clone(),
                })
                .collect(),
            settings: bundle.settings.clone(),
        }
    }
}

impl From<&app::Item> for TodoCode {
    fn from(item: &app::Item) -> TodoCode {
        TodoCode { code: code(&item.wrong), presses: presses(item.presses), since: item.since.map(|at| at.rfc3339()) }
    }
}

impl From<&app::SourceState> for SourceHealth {
    fn from(source: &app::SourceState) -> SourceHealth {
        let run = |run: &crate::crawl::Run| RunHealth {
            state: state_word(&run.state),
            began_at: run.began.rfc3339(),
            ended_at: run.ended.map(|at| at.rfc3339()),
            seen: run.seen,
            failures: run.failures.len(),
        };
        SourceHealth {
            documents: source.status.documents,
            permissions_as_of: source.status.permissions_as_of.map(|at| at.rfc3339()),
            runs: source.status.runs.iter().map(run).collect(),
        }
    }
}
