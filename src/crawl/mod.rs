//! Keeps the index true to its sources: pages, restrictions, changes, deletions.
//!
//! A run asks a [`source::Source`] for its people, its permissions and everything it holds, without words; makes a rule of
//! each document's permissions; plans, purely, what must be done so that the index is true again; and does it: readers
//! first, then removals, then words, which are fetched only where they changed.
//!
//! Ada may read `Ops` and `Keys` below it. At noon somebody leaves `Ops` to the managers. Neither page has a new version, so
//! that nothing of their words is read again; but the run sees that two documents have another rule than before. It
//! withholds both, durably, writes their new class to the store, tells the index, commits, and lets them be found: by the
//! managers. Had the machine lost its power at any moment in between, Ada would have found the pages under the old rule, or
//! nobody would have found them, until the next start had brought the index up to the store. She would not have found them
//! after the run had seen the change.
//!
//! Always true here:
//! - What cannot be read as a permission admits nobody, and is listed with its remedy. An empty restriction is "open"; one
//!   that is missing is not.
//! - A source that takes us for somebody else than the settings say is not read at all.
//! - What was not listed is taken for gone only where its space was listed whole, and not too much of it at once.
//! - A tightened permission is in force before the run goes on.
//! - The store is the truth; the index is told of everything in it, in the order of its numbers, or again after a crash.
//! - Each grant and each restriction is kept as it was read, with the sync that learned it: what explains a right comes to
//!   the same rule as what decides it, or says that the two have come apart.
//! - A run that ended at any point, by a kill too, is gone on with by the next: it lists anew, which costs no words, and
//!   reads no words again that were kept, save those that were on their way.
//! - One bad page never stops the rest. No log line and no failure carries words of a page.
//!
//! Uses: `clock`, `names`, `corpus`, `extract`, `store`, `outbound`, `acl`, `directory`, `index`. Begin at [`sync`], then
//! `run.rs`; `restriction.rs`, `plan.rs` and `markup/` are pure.

mod above;
mod address;
mod again;
mod apply;
mod archive;
mod broken;
mod confluence;
mod credential;
mod draft;
mod due;
mod examine;
mod fields;
mod forget;
mod hint;
mod kept;
mod learning;
mod listed;
mod markup;
mod news;
mod permissions;
mod plan;
mod preview;
mod progress;
mod restriction;
mod run;
mod scope;
mod settings;
mod source;
mod standing;
#[cfg(test)]
mod tests;
mod tighten;
mod trial;
mod words;

use serde::{Deserialize, Serialize};

use crate::acl::Classes;
use crate::clock::{Clock, Moment};
use crate::corpus::DocumentId;
use crate::directory::Directory;
use crate::extract::Extractor;
use crate::index::Index;
use crate::names::{SourceId, SyncId};
use crate::outbound;
use crate::store::{self, Store};

use self::archive::Archive;
use self::confluence::{Cloud, Confluence};
use self::kept::Kept;

pub use self::address::{Wanted, wanted};
pub use self::broken::{end_broken_runs, newest_runs};
pub use self::credential::Secret;
pub use self::draft::{Changes, changed, needs_secrets_again, opens, outside_of};
pub use self::due::{Next, next, upcoming};
pub use self::examine::Finding;
pub use self::fields::{Authors, Field, Narrows, clash, meanings};
pub use self::forget::forget;
pub use self::hint::{Hint, Unheard, WEBHOOK_EVENTS};
pub use self::markup::{MacroFate, MacroUse};
pub use self::permissions::{About, Asks, Condition, Conditions, Unknown};
pub use self::preview::{Counts, Preview};
pub use self::progress::{Basis, Estimate, Progress, estimate};
pub use self::scope::Pattern;
pub use self::settings::{Origin, Product, Settings};
pub use self::standing::{InForce, Standing, Standings, in_force, look_through};
pub use self::trial::{Tried, try_page};

/// How much a run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every page, whether it changed or not.
    Full,
    /// Every page's version and permissions; the content of those that changed.
    Changes,
    /// Permissions and groups only.
    Permissions,
    /// The spaces in which the source itself, or a webhook, says that something changed.
    News,
}

/// Where a run stands, or how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// At work.
    Running,
    /// Everything was read.
    Succeeded,
    /// Some documents could not be read; the rest is true.
    Incomplete,
    /// The source could not be read; nothing was deleted.
    Failed,
    /// It would have removed too much, and waits for an administrator.
    Held,
    /// It was stopped.
    Stopped,
}

/// One run, as the administrator sees it: counts and failures, never content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Counts the source's runs from 1; 0 for those from before they were counted.
    #[serde(default)]
    pub number: u64,
    /// When it began.
    pub began: Moment,
    /// When it ended.
    pub ended: Option<Moment>,
    /// How much it reads.
    pub mode: Mode,
    /// Where it stands.
    pub state: State,
    /// What it does: `connecting`, `news`, `people`, `listing`, `permissions`, `content`, `index`, `done`.
    pub phase: String,
    /// Documents seen.
    pub seen: u64,
    /// Documents added, changed, removed, reclassed.
    pub added: u64,
    /// Words changed.
    pub changed: u64,
    /// Gone from the source.
    pub removed: u64,
    /// Readers changed.
    pub reclassed: u64,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// What it read of permissions that was kept otherwise.
    #[serde(default)]
    pub learned: Learned,
    /// How far it has come.
    #[serde(default)]
    pub progress: Progress,
    /// Of a run of what is new: the keys of the spaces it listed.
    #[serde(default)]
    pub only: Vec<String>,
    /// It met something that only a run of all spaces can judge, which follows at once.
    #[serde(default)]
    pub wants_whole: bool,
}

impl Run {
    /// A run at its beginning.
    fn beginning(number: u64, began: Moment, mode: Mode) -> Run {
        let mut run = Run {
            number,
            began,
            ended: None,
            mode,
            state: State::Running,
            phase: String::new(),
            seen: 0,
            added: 0,
            changed: 0,
            removed: 0,
            reclassed: 0,
            failures: Vec::new(),
            learned: Learned::default(),
            progress: Progress::default(),
            only: Vec::new(),
            wants_whole: false,
        };
        run.enter("connecting", began);
        run
    }

    /// What facts that it learned are kept with.
    fn id(&self) -> SyncId {
        SyncId { number: self.number, began_ms: self.began.ms() }
    }
}

/// Facts of permissions that a run met new, changed or gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Who may use the source, or view a space.
    pub grants: u64,
    /// Where a document stands, or that it was not listed any more.
    pub places: u64,
    /// A document's own restriction.
    pub restrictions: u64,
    /// An account; a group, with who is in it.
    pub people: u64,
}

impl Learned {
    /// Whether it met none.
    pub fn is_empty(&self) -> bool {
        *self == Learned::default()
    }
}

/// One thing that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The document's id, or the space's key, or empty for the whole source.
    pub what: String,
    /// A stable word.
    pub code: String,
    /// What happened, in plain words, without page content.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

impl Failure {
    /// Whether a file itself cannot be read, rather than the source not give it just now.
    fn is_of_the_file(&self) -> bool {
        matches!(self.code.as_str(), "file_unreadable" | "file_ended")
    }
}

/// What is known of a source between runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Documents in the index.
    pub documents: u64,
    /// The last runs, newest first, at most twenty.
    pub runs: Vec<Run>,
    /// When a run of each mode last began.
    #[serde(default)]
    pub began: Vec<(Mode, Moment)>,
    /// When all permissions were last read whole.
    pub permissions_as_of: Option<Moment>,
    /// When the source's search was last asked what is new.
    #[serde(default)]
    pub news_as_of: Option<Moment>,
    /// The newest entry of the source's audit log that was read.
    #[serde(default)]
    pub audit_as_of: Option<Moment>,
    /// An administrator allows the next run to remove more than the guard would let it.
    #[serde(default)]
    pub may_remove: bool,
    /// A full run that did not come to its end; the next one goes on with it.
    #[serde(default)]
    pub full: Option<Full>,
}

/// A full run that did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Full {
    /// When it began.
    pub began: Moment,
    /// Words read with a change after this number are read by it, and are not read again.
    pub after: u64,
}

/// What a run works on.
pub struct Rooms<'a> {
    /// The time.
    pub clock: &'a Clock,
    /// The truth.
    pub store: &'a Store,
    /// Rules to classes.
    pub classes: &'a Classes,
    /// The source's people go here.
    pub directory: &'a Directory,
    /// The words go here.
    pub index: &'a Index,
    /// Files are read by this.
    pub extractor: &'a Extractor,
}

/// What can go wrong with a run's own state (what goes wrong with the source is in the [`Run`]).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A credential file cannot be read, an address is no address, …
    #[error("source {0}: {1}")]
    Settings(SourceId, String),
    /// The store failed.
    #[error("the crawl's state cannot be read or kept")]
    Store(#[from] store::Error),
    /// The index failed.
    #[error("the index failed during the crawl")]
    Index(#[from] crate::index::Error),
    /// Anything else.
    #[error("the crawl failed")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Runs one sync to its end. What was `heard` matters to a run of what is new. `watch` is given the run whenever it has moved on, and stops it by breaking off.
pub fn sync(
    settings: &Settings,
    outbound: &outbound::Settings,
    mode: Mode,
    heard: &Hint,
    rooms: &Rooms<'_>,
    watch: &mut dyn FnMut(&Run) -> std::ops::ControlFlow<()>,
) -> Result<Run, Error> {
    with_source(settings, outbound, rooms.extractor, |source| run::run(source, settings, mode, heard, rooms, watch))?
}

/// What a webhook says, where it proves with its signature (the value of `X-Hub-Signature`) that it knows the source's secret.
pub fn heard(settings: &Settings, signature: Option<&str>, body: &[u8]) -> Result<Hint, Unheard> {
    let secret = webhook_secret(settings).map_err(|_| Unheard::NoSecret)?;
    hint::heard(secret.as_bytes(), signature, body)
}

/// The secret that webhooks of a source are signed with; the error says what is wrong with its file.
pub fn webhook_secret(settings: &Settings) -> Result<String, String> {
    settings.secret(Secret::Webhook)?.ok_or_else(|| "the source has no webhook_secret_file".to_owned())
}

/// Looks whether a source can be relied on: each right that a sync needs, and what to do where one is missing. It changes
/// nothing here, and nothing there but that it takes an admin key where the settings say so.
pub fn examine(
    settings: &Settings,
    outbound: &outbound::Settings,
    extractor: &Extractor,
) -> Result<Vec<Finding>, Error> {
    with_source(settings, outbound, extractor, |source| examine::examine(source))
}

fn with_source<T>(
    settings: &Settings,
    outbound: &outbound::Settings,
    extractor: &Extractor,
    deed: impl FnOnce(&dyn source::Source) -> T,
) -> Result<T, Error> {
    let wrong = |why: String| Error::Settings(settings.name.clone(), why);
    Ok(match settings.kind {
        Product::Confluence => deed(&Confluence::open(settings, outbound, extractor).map_err(wrong)?),
        Product::ConfluenceCloud => deed(&Cloud::open(settings, outbound, extractor).map_err(wrong)?),
        Product::ConfluenceArchive => deed(&Archive::open(settings, extractor).map_err(wrong)?),
    })
}

/// Counts what a source would give with these settings, and changes nothing.
pub fn preview(settings: &Settings, outbound: &outbound::Settings, extractor: &Extractor) -> Result<Preview, Error> {
    with_source(settings, outbound, extractor, |source| preview::preview(source, settings))
}

/// What is known of a source.
pub fn status(store: &Store, source: &SourceId) -> Result<Status, Error> {
    Ok(Kept::open(store)?.status(source)?)
}

/// What is kept of who may read a document; `None` where no sync has seen it.
pub fn conditions(store: &Store, document: &DocumentId) -> Result<Option<Conditions>, Error> {
    Ok(permissions::conditions(&Kept::open(store)?, document, None)?)
}

/// The same as it was known at a moment: what a sync had read by then, and none had read otherwise. Facts are kept with when they
/// held since the first sync of this version, so that of an earlier moment nothing is known.
pub fn conditions_at(store: &Store, document: &DocumentId, at: Moment) -> Result<Option<Conditions>, Error> {
    Ok(permissions::conditions(&Kept::open(store)?, document, Some(at))?)
}

/// Forgets facts that ended before a moment.
pub fn forget_past(store: &Store, before: Moment) -> Result<(), Error> {
    Ok(Kept::open(store)?.forget_past(before)?)
}

/// An administrator's word that the next run may remove more than the guard would let it.
pub fn allow_removal(store: &Store, source: &SourceId) -> Result<(), Error> {
    let kept = Kept::open(store)?;
    let status = Status { may_remove: true, ..kept.status(source)? };
    Ok(kept.put_status(source, &status)?)
}

/// Brings the index up to the store: what was kept there after the index's last commit is done again, and what was being
/// reclassed is withheld again. At start-up, before the first question.
pub fn replay(rooms: &Rooms<'_>) -> Result<u64, Error> {
    apply::replay(&Kept::open(rooms.store)?, rooms.index)
}
