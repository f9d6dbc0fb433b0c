//! One source on the desk: how it stands, its runs, stopping one, trying its connection, counting what it would give, and
//! testing one page.
//!
//! An administrator manages and does not read. So the test of a page tells its words to those alone who may read them by the
//! rule that was read with the page; to everybody else it tells counts, ids and the rule.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::explain::names_in;
use super::refresh::AtWork;
use super::registry::Draft;
use super::told::SourceState;
use super::{Access, App, Asker, Error};
use crate::audit::Event;
use crate::clock::Moment;
use crate::corpus::{Document, DocumentId, Kind};
use crate::crawl::{self, Conditions, Estimate, Failure, Finding, MacroUse, Next, Preview, Tried};
use crate::names::SourceId;

/// Runs to come that are told.
const UPCOMING: usize = 5;

/// One source with all that an administrator is told of it.
#[derive(Debug, Clone)]
pub struct SourceDetail {
    /// When it was taken.
    pub at: Moment,
    /// Its settings. Secrets are files, and here are their names alone.
    pub settings: Arc<crawl::Settings>,
    /// How it stands.
    pub state: SourceState,
    /// Where its sync stands.
    pub at_work: AtWork,
    /// How long the run at work may still take, as far as that is known.
    pub estimate: Option<Estimate>,
    /// The next runs.
    pub upcoming: Vec<Next>,
    /// Whether its permissions are too old, so that it answers nothing.
    pub is_stale: bool,
    /// Whether it is being looked into: only one look is taken at a time.
    pub is_looked_into: bool,
}

/// What came of the word to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// The run stops at its next step.
    Asked,
    /// Nothing was at work.
    Idle,
}

/// One page as it was read just now.
#[derive(Debug, Clone)]
pub struct PageTest {
    /// When.
    pub at: Moment,
    /// What was read, or why nothing was.
    pub outcome: Result<Box<Tested>, Failure>,
}

/// What was read of one page.
#[derive(Debug, Clone)]
pub struct Tested {
    /// Which.
    pub document: DocumentId,
    /// What it is.
    pub kind: Kind,
    /// The key of its space.
    pub space: String,
    /// Its version there, and the one whose words are kept here.
    pub revision: u64,
    /// `None` where none are kept.
    pub kept_revision: Option<u64>,
    /// When it was changed last.
    pub updated: Moment,
    /// When it was made.
    pub created: Option<Moment>,
    /// Pages above it.
    pub above: usize,
    /// Labels that would be kept.
    pub labels: usize,
    /// Links to other pages and addresses.
    pub links: usize,
    /// Blocks that were extracted.
    pub blocks: usize,
    /// Passages it is cut into.
    pub passages: usize,
    /// Words in these.
    pub words: usize,
    /// Its macros. Names that we do not know are left out where the page is not shown: somebody may have written anything.
    pub macros: Vec<MacroUse>,
    /// Why the settings leave it out.
    pub left_out: Option<&'static str>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// Who may read it, and whether the administrator is among them.
    pub access: Access,
    /// The page itself: only where the administrator may read it.
    pub shown: Option<Box<Document>>,
}

/// Sources that are being looked into.
#[derive(Default)]
pub(super) struct Looks(Mutex<HashSet<SourceId>>);

/// One look; the next may be taken when it is dropped.
struct Look<'a> {
    looks: &'a Looks,
    source: SourceId,
}

impl Looks {
    /// [`Error::Busy`] while another is taken: each asks the source for a lot.
    fn take(&self, source: &SourceId) -> Result<Look<'_>, Error> {
        match self.held().insert(source.clone()) {
            true => Ok(Look { looks: self, source: source.clone() }),
            false => Err(Error::Busy),
        }
    }

    fn is_taken(&self, source: &SourceId) -> bool {
        self.held().contains(source)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashSet<SourceId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.looks.held().remove(&self.source);
    }
}

impl App {
    /// One source with all that is known of it; the asker must be an administrator.
    pub fn source_detail(&self, asker: &Asker, source: &SourceId) -> Result<SourceDetail, Error> {
        let settings = self.source_viewed(asker, source, "source")?;
        let (now, state) = (self.now(), self.source_state(&settings)?);
        let at_work = self.syncs.at_work(source);
        let estimate = match (at_work, state.status.runs.as_slice()) {
            (AtWork::Running, [run, earlier @ ..]) => crawl::estimate(run, earlier, now),
            _ => None,
        };
        Ok(SourceDetail {
            at: now,
            upcoming: crawl::upcoming(&settings, &state.status, now, UPCOMING),
            settings,
            is_stale: self.stale_sources()?.iter().any(|stale| stale == source.as_str()),
            is_looked_into: self.looks.is_taken(source),
            state,
            at_work,
            estimate,
        })
    }

    /// The runs of a source that are kept, newest first; the asker must be an administrator.
    pub fn source_runs(&self, asker: &Asker, source: &SourceId) -> Result<Vec<crawl::Run>, Error> {
        let settings = self.source_viewed(asker, source, "runs")?;
        Ok(self.source_state(&settings)?.status.runs)
    }

    /// Stops a source's sync at its next step; the asker must be an administrator. What was read until then is kept.
    pub fn stop_refresh(&self, asker: &Asker, source: &SourceId) -> Result<Stopping, Error> {
        self.administrators_only(asker)?;
        self.source_on_record(asker, source, "stop_sync")?;
        Ok(match self.syncs.stop_one(source) {
            true => Stopping::Asked,
            false => Stopping::Idle,
        })
    }

    /// Looks whether a source can be relied on: each right that a sync needs; the asker must be an administrator. With a draft it
    /// is looked at as it would be with that, and may not be there yet.
    pub fn check_source(&self, asker: &Asker, source: &SourceId, draft: Option<&Draft>) -> Result<Vec<Finding>, Error> {
        let settings = self.source_looked_into(asker, source, "check", draft)?;
        let _look = self.looks.take(source)?;
        match crawl::examine(&settings, &self.settings.outbound, &self.extractor) {
            Err(crawl::Error::Settings(_, why)) => Ok(vec![Finding { what: "settings", outcome: Err(unusable(why)) }]),
            found => Ok(found?),
        }
    }

    /// Counts what a source would give with its settings as they are, or with a draft before it is kept; the asker must be an
    /// administrator. It lists the whole source, which takes as long as a sync that finds no change.
    pub fn preview(&self, asker: &Asker, source: &SourceId, draft: Option<&Draft>) -> Result<Preview, Error> {
        let settings = self.source_looked_into(asker, source, "preview", draft)?;
        self.counted(&settings)
    }

    /// The same for the owner of the machine.
    pub fn preview_as_owner(&self, source: &SourceId) -> Result<Preview, Error> {
        self.counted(&*self.source(source)?)
    }

    fn counted(&self, settings: &crawl::Settings) -> Result<Preview, Error> {
        let _look = self.looks.take(&settings.name)?;
        match crawl::preview(settings, &self.settings.outbound, &self.extractor) {
            Err(crawl::Error::Settings(_, why)) => Ok(Preview { failures: vec![unusable(why)], ..Preview::default() }),
            counted => Ok(counted?),
        }
    }

    /// Reads one page now, by its address or id, and tells what becomes of it; the asker must be an administrator, and is shown
    /// the page itself only where they may read it.
    pub fn test_page(&self, asker: &Asker, source: &SourceId, address: &str) -> Result<PageTest, Error> {
        self.administrators_only(asker)?;
        let settings = self.source(source)?;
        let bases: Vec<&url::Url> = settings.pages_url.iter().chain([&settings.url]).collect();
        let local = address.trim().strip_prefix(source.as_str()).and_then(|rest| rest.strip_prefix(':'));
        let wanted = crawl::wanted(local.unwrap_or(address), &bases);
        let wanted = wanted.map_err(|why| Error::Unreadable(why.to_string()))?;
        let _look = self.looks.take(source)?;
        let tried = match crawl::try_page(&settings, &self.settings.outbound, &self.rooms(), &wanted) {
            Err(crawl::Error::Settings(_, why)) => Err(unusable(why)),
            tried => tried?,
        };
        let outcome = match tried {
            Ok(tried) => Ok(Box::new(self.tested(asker, tried)?)),
            Err(failure) => {
                // What was asked for may be anything that somebody typed: the source alone is put on record.
                let event = Event::Desk { user: asker.user(), what: "test_page", target: source.as_str() };
                let receipt = self.audit.append(&event)?;
                tracing::debug!(leaf = receipt.leaf(), "a page could not be tested");
                Err(failure)
            }
        };
        Ok(PageTest { at: self.now(), outcome })
    }

    /// Holds a page against the administrator's own sight, and tells what they may be told.
    fn tested(&self, asker: &Asker, tried: Tried) -> Result<Tested, Error> {
        let Tried { document, passages, macros, rule, conditions, left_out, kept_revision, failures } = tried;
        let class = self.classes.class_of(rule).map_err(|error| Error::Broken(Box::new(error)))?;
        let conditions = Conditions { class: Some(class), ..conditions };
        let person = Some(std::sync::Arc::new(asker.person().clone()));
        let name = asker.person().user_name.clone();
        let explained = self.explained(&name, person, &document.id, Some(&conditions))?;
        // By the rule just read, through a visibility as every reader's; and whatever else keeps a reader from a source.
        let sight = self.sight(asker)?;
        let may_see = sight.visibility.admits(class) && sight.trusts(&document.id) && explained.may_open;
        let told = if may_see { "words" } else { "counts" };
        let receipt = self.audit.append(&Event::Tested { user: asker.user(), document: document.id.as_str(), told })?;
        tracing::debug!(leaf = receipt.leaf(), told, "a page was tested");

        let people = vec![explained];
        let access = Access {
            at: self.now(),
            is_past: false,
            document: document.id.clone(),
            permissions_as_of: self.permissions_as_of(&document.id)?,
            names: names_in(&people, |principal| self.directory.name_of(principal)),
            people,
        };
        Ok(Tested {
            document: document.id.clone(),
            kind: document.kind,
            space: document.space.key.clone(),
            revision: document.revision,
            kept_revision,
            updated: Moment::from_ms(document.updated_ms),
            created: document.made.at_ms.map(Moment::from_ms),
            above: document.ancestors.len(),
            labels: document.labels.len(),
            links: document.links.len(),
            blocks: document.blocks.len(),
            passages: passages.len(),
            words: passages.iter().map(|passage| passage.text.split_whitespace().count()).sum(),
            macros: macros.into_iter().map(|one| if may_see || one.is_known { one } else { unnamed(one) }).collect(),
            left_out,
            failures,
            access,
            shown: may_see.then(|| Box::new(document)),
        })
    }

    /// The settings of a source that an administrator does something to, put on record.
    fn source_on_record(
        &self,
        asker: &Asker,
        source: &SourceId,
        what: &'static str,
    ) -> Result<Arc<crawl::Settings>, Error> {
        self.administrators_only(asker)?;
        let settings = self.source(source)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what, target: source.as_str() })?;
        tracing::debug!(leaf = receipt.leaf(), %source, what, "a source was looked at");
        Ok(settings)
    }

    /// The settings of a source that is viewed by who may.
    fn source_viewed(
        &self,
        asker: &Asker,
        source: &SourceId,
        what: &'static str,
    ) -> Result<Arc<crawl::Settings>, Error> {
        self.health_only(asker)?;
        let settings = self.source(source)?;
        self.view(asker, what, source.as_str())?;
        Ok(settings)
    }

    /// The settings that a source is looked into with: as they are, or as a draft would have them.
    fn source_looked_into(
        &self,
        asker: &Asker,
        source: &SourceId,
        what: &'static str,
        draft: Option<&Draft>,
    ) -> Result<Arc<crawl::Settings>, Error> {
        let Some(draft) = draft else { return self.source_on_record(asker, source, what) };
        self.administrators_only(asker)?;
        let settings = self.drafted(source, draft)?;
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what, target: source.as_str() })?;
        tracing::debug!(leaf = receipt.leaf(), %source, what, "a draft of a source was looked into");
        Ok(settings)
    }
}

fn unnamed(one: MacroUse) -> MacroUse {
    MacroUse { name: String::new(), ..one }
}

/// A credential that cannot be read, an address that is none: nothing was asked of the source.
fn unusable(why: String) -> Failure {
    Failure {
        what: String::new(),
        code: "settings".to_owned(),
        cause: why,
        remedy: "mend the file that the settings name, or the settings, and start sotto again".to_owned(),
    }
}
