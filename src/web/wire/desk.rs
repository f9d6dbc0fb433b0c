//! The administrator's desk on the wire: health and counts, never content.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::todo::TodoItem;
use crate::app;
use crate::crawl;
use crate::web::metrics::state_word;

/// Health and counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// When it was taken, RFC 3339.
    pub at: String,
    /// The binary's version.
    pub version: &'static str,
    /// The language model.
    pub model: String,
    /// Whether vectors are made.
    pub embedder: bool,
    /// Documents in the index.
    pub documents: u64,
    /// Passages in the index.
    pub passages: u64,
    /// Of them still without a vector.
    pub without_vectors: u64,
    /// Provisioned people.
    pub people: u64,
    /// Of them active.
    pub active_people: u64,
    /// Provisioned groups.
    pub groups: u64,
    /// Accounts of sources that are nobody's alias.
    pub unmatched: Vec<Unmatched>,
    /// The sources.
    pub sources: Vec<SourceState>,
    /// Leaves in the audit log.
    pub audit_size: u64,
    /// When the last checkpoint was signed, RFC 3339.
    pub checkpoint_at: Option<String>,
    /// What of the log is held outside this machine.
    pub outside: super::Outside,
    /// When SCIM was last called with a good token, RFC 3339.
    pub scim_last_at: Option<String>,
    /// Those who sign in without a provider.
    pub emergency: Emergency,
    /// What waits for somebody, what presses first.
    pub todo: Vec<TodoItem>,
}

/// Those who sign in without a provider.
#[derive(Debug, Serialize, ToSchema)]
pub struct Emergency {
    /// How many there are.
    pub administrators: u64,
    /// When one signed in last, RFC 3339.
    pub last_at: Option<String>,
    /// By what name.
    pub last_name: Option<String>,
}

/// Accounts of one source that no person has as an alias.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unmatched {
    /// The source.
    pub source: String,
    /// How many.
    pub accounts: u64,
}

/// The sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sources {
    /// In the order of the settings.
    pub sources: Vec<SourceState>,
}

/// One source.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceState {
    /// Which.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Documents in the index.
    pub documents: u64,
    /// When its permissions were last read whole, RFC 3339.
    pub permissions_as_of: Option<String>,
    /// When the next run is due, RFC 3339; `null` for on demand only.
    pub next_at: Option<String>,
    /// How much that run reads.
    pub next_mode: Option<Mode>,
    /// Its last runs, newest first.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Serialize, ToSchema)]
pub struct Run {
    /// Its number among the source's runs; facts that it learned name it. 0 for runs from before they were counted.
    pub number: u64,
    /// RFC 3339.
    pub began_at: String,
    /// RFC 3339; `null` while it is at work.
    pub ended_at: Option<String>,
    /// `full`, `changes` or `permissions`.
    pub mode: Mode,
    /// `running`, `succeeded`, `incomplete`, `failed`, `held` or `stopped`.
    pub state: &'static str,
    /// What it does, or did last.
    pub phase: String,
    /// Documents seen.
    pub seen: u64,
    /// Documents added.
    pub added: u64,
    /// Documents whose words changed.
    pub changed: u64,
    /// Documents gone from the source.
    pub removed: u64,
    /// Documents whose readers changed.
    pub reclassed: u64,
    /// The phases it has gone through, in order; none of runs from before they were timed.
    pub phases: Vec<RunPhase>,
    /// Documents whose words are to be read; 0 before that is known.
    pub to_read: u64,
    /// Of them those that were read, or could not be.
    pub read: u64,
    /// What could not be read.
    pub failures: Vec<Failure>,
}

/// One phase of a run.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunPhase {
    /// `connecting`, `people`, `permissions`, `listing`, `index` or `content`.
    pub phase: String,
    /// RFC 3339.
    pub began_at: String,
    /// How long it took, in milliseconds; `null` while it is at work, and where it was broken off.
    pub took_ms: Option<i64>,
}

/// One thing that could not be read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// A document's id, a space's key, or empty for the whole source.
    pub what: String,
    /// A stable word.
    pub code: String,
    /// What happened.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

/// What a source would give with its settings as they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// The spaces that are taken in.
    pub spaces: Vec<SpacePreview>,
    /// What could not be counted.
    pub failures: Vec<Failure>,
}

/// What one space would give.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpacePreview {
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What would be in the index.
    pub taken: Counts,
    /// What the settings leave out, with attachments that are not read or too large.
    pub left_out: Counts,
}

/// How many there are of each kind.
#[derive(Debug, Serialize, ToSchema)]
pub struct Counts {
    /// Pages.
    pub pages: u64,
    /// Blog posts.
    pub blogposts: u64,
    /// Comments.
    pub comments: u64,
    /// Attachments.
    pub attachments: u64,
}

impl From<&crawl::Preview> for Preview {
    fn from(preview: &crawl::Preview) -> Preview {
        let spaces = preview.spaces.iter().map(|space| SpacePreview {
            key: space.key.clone(),
            name: space.name.clone(),
            taken: Counts::from(space.taken),
            left_out: Counts::from(space.left_out),
        });
        Preview { spaces: spaces.collect(), failures: preview.failures.iter().map(Failure::from).collect() }
    }
}

impl From<crawl::Counts> for Counts {
    fn from(counts: crawl::Counts) -> Counts {
        let crawl::Counts { pages, blogposts, comments, attachments } = counts;
        Counts { pages, blogposts, comments, attachments }
    }
}

/// Begins a run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// How much it reads; `changes` where absent.
    #[serde(default)]
    pub mode: Mode,
    /// Whether a run that was held may remove what is gone; for this run only.
    #[serde(default)]
    pub allow_removal: bool,
}

/// Whose right to read what is to be explained.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Explain {
    /// A user name, or our id of a person.
    pub user: String,
    /// Another one, to compare.
    pub other: Option<String>,
    /// `SOURCE:ID`.
    pub document: String,
    /// As it was known at a moment of the past, RFC 3339; now where absent.
    pub at: Option<String>,
}

/// Whose rights on a space are to be explained.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainSpace {
    /// A user name, or our id of a person.
    pub user: String,
    /// Another one, to compare.
    pub other: Option<String>,
    /// `SOURCE:KEY` of the space.
    pub space: String,
    /// As it was known at a moment of the past, RFC 3339; now where absent.
    pub at: Option<String>,
}

/// How much a run reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every page, whether it changed or not.
    Full,
    /// Every page's version and permissions; the content of those that changed.
    #[default]
    Changes,
    /// Permissions and groups only.
    Permissions,
    /// The spaces in which the source, or a webhook, says that something changed.
    News,
}

impl From<Mode> for crawl::Mode {
    fn from(mode: Mode) -> crawl::Mode {
        match mode {
            Mode::Full => crawl::Mode::Full,
            Mode::Changes => crawl::Mode::Changes,
            Mode::Permissions => crawl::Mode::Permissions,
            Mode::News => crawl::Mode::News,
        }
    }
}

impl From<crawl::Mode> for Mode {
    fn from(mode: crawl::Mode) -> Mode {
        match mode {
            crawl::Mode::Full => Mode::Full,
            crawl::Mode::Changes => Mode::Changes,
            crawl::Mode::Permissions => Mode::Permissions,
            crawl::Mode::News => Mode::News,
        }
    }
}

impl From<&crawl::Run> for Run {
    fn from(run: &crawl::Run) -> Run {
        Run {
            number: run.number,
            began_at: run.began.rfc3339(),
            ended_at: run.ended.map(|at| at.rfc3339()),
            mode: run.mode.into(),
            state: state_word(&run.state),
            phase: run.phase.clone(),
            seen: run.seen,
            added: run.added,
            changed: run.changed,
            removed: run.removed,
            reclassed: run.reclassed,
            phases: run
                .progress
                .phases
                .iter()
                .map(|begun| RunPhase {
                    phase: begun.phase.clone(),
                    began_at: begun.at.rfc3339(),
                    took_ms: run.took_ms(&begun.phase),
                })
                .collect(),
            to_read: run.progress.to_read,
            read: run.progress.read,
            failures: run.failures.iter().map(Failure::from).collect(),
        }
    }
}

impl From<&crawl::Failure> for Failure {
    fn from(failure: &crawl::Failure) -> Failure {
        Failure {
            what: failure.what.clone(),
            code: failure.code.clone(),
            cause: failure.cause.clone(),
            remedy: failure.remedy.clone(),
        }
    }
}

impl From<&app::SourceState> for SourceState {
    fn from(source: &app::SourceState) -> SourceState {
        SourceState {
            name: source.name.to_string(),
            url: source.url.clone(),
            documents: source.status.documents,
            permissions_as_of: source.status.permissions_as_of.map(|at| at.rfc3339()),
            next_at: source.next.map(|next| next.at.rfc3339()),
            next_mode: source.next.map(|next| Mode::from(next.mode)),
            runs: source.status.runs.iter().map(Run::from).collect(),
        }
    }
}

impl Overview {
    /// From what the deed told, and everything that waits.
    pub fn of(overview: &app::Overview, todo: &[app::Item]) -> Overview {
        let unmatched = overview.directory.unmatched.iter();
        Overview {
            at: overview.at.rfc3339(),
            version: overview.version,
            model: overview.model.clone(),
            embedder: overview.embedder,
            documents: overview.documents,
            passages: overview.passages,
            without_vectors: overview.without_vectors,
            people: overview.directory.people,
            active_people: overview.directory.active,
            groups: overview.directory.groups,
            unmatched: unmatched
                .map(|(source, accounts)| Unmatched { source: source.clone(), accounts: *accounts })
                .collect(),
            sources: overview.sources.iter().map(SourceState::from).collect(),
            audit_size: overview.audit_size,
            checkpoint_at: overview.checkpoint_at.map(|at| at.rfc3339()),
            outside: super::Outside::from(&overview.outside),
            scim_last_at: overview.scim_last.map(|at| at.rfc3339()),
            emergency: Emergency {
                administrators: overview.emergency.administrators as u64,
                last_at: overview.emergency.last.as_ref().map(|(at, _)| at.rfc3339()),
                last_name: overview.emergency.last.as_ref().map(|(_, name)| name.clone()),
            },
            todo: todo.iter().map(TodoItem::from).collect(),
        }
    }
}
