//! Refreshing a source: one sync at a time for each, in the background.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::{App, Asker, Error};
use crate::audit::{Event, Filter};
use crate::crawl::{self, Hint, Mode, Run, State};
use crate::directory::Role;
use crate::model::Stop;
use crate::names::SourceId;

/// Whether the next run may remove more documents than the guard of the source lets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// A run that would remove too much is held.
    #[default]
    Guarded,
    /// Somebody looked at the wiki and said that the pages are really gone. It holds for one run.
    Allowed,
}

/// What each source's sync is doing.
#[derive(Default)]
pub(super) struct Syncs {
    at_work: Mutex<HashMap<SourceId, Work>>,
    /// What was heard of each source and not looked at yet. It does not outlive the process: a hint that is lost costs the
    /// minutes until the next sync.
    heard: Mutex<HashMap<SourceId, Hint>>,
    stop: Stop,
}

struct Work {
    /// The run as it stands; `None` before its first step.
    run: Option<Run>,
    thread: Option<JoinHandle<()>>,
    is_done: bool,
    /// An administrator asked it to stop.
    is_stopping: bool,
}

/// Where a source's sync stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtWork {
    /// None is asked for.
    No,
    /// It waits for another source's sync, or for passages to be embedded.
    Waiting,
    /// It runs.
    Running,
    /// It was asked to stop, and does so at its next step.
    Stopping,
}

impl Syncs {
    /// The run of a source that is at work now.
    pub(super) fn run_of(&self, source: &SourceId) -> Option<Run> {
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.get(source).filter(|work| !work.is_done).and_then(|work| work.run.clone())
    }

    /// Whether a source's sync is at work.
    pub(super) fn is_running(&self, source: &SourceId) -> bool {
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        at_work.get(source).is_some_and(|work| !work.is_done)
    }

    /// Where a source's sync stands.
    pub(super) fn at_work(&self, source: &SourceId) -> AtWork {
        let at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        match at_work.get(source).filter(|work| !work.is_done) {
            None => AtWork::No,
            Some(work) if work.is_stopping => AtWork::Stopping,
            Some(Work { run: None, .. }) => AtWork::Waiting,
            Some(_) => AtWork::Running,
        }
    }

    /// Asks one source's sync to stop; whether there was one.
    pub(super) fn stop_one(&self, source: &SourceId) -> bool {
        let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let work = at_work.get_mut(source).filter(|work| !work.is_done);
        work.map(|work| work.is_stopping = true).is_some()
    }

    /// How much must be read because of what was heard of a source; `None` where nothing was.
    pub(super) fn hinted(&self, source: &SourceId) -> Option<Mode> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(source).map(|hint| if hint.everything { Mode::Changes } else { Mode::News })
    }

    /// Notes what was heard of a source, until a run looks at it.
    pub(super) fn hear(&self, source: &SourceId, hint: Hint) {
        if !hint.is_empty() {
            self.heard.lock().unwrap_or_else(PoisonError::into_inner).entry(source.clone()).or_default().add(hint);
        }
    }

    /// Takes what a run of this mode will have looked at when it ends.
    fn take_heard(&self, source: &SourceId, mode: Mode) -> Hint {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match mode {
            Mode::Full | Mode::Changes | Mode::News => heard.remove(source).unwrap_or_default(),
            Mode::Permissions => Hint::default(),
        }
    }

    /// Forgets a source that went.
    pub(super) fn forget(&self, source: &SourceId) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).remove(source);
        self.at_work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|known, work| known != source || !work.is_done);
    }

    /// Stops all syncs and waits for them.
    pub(super) fn stop(&self) {
        self.stop.set();
        let threads: Vec<_> = {
            let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
            at_work.values_mut().filter_map(|work| work.thread.take()).collect()
        };
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a sync ended by a panic");
            }
        }
    }
}

impl App {
    /// Begins a sync in the background; the asker must be an administrator. [`Error::Busy`] where one is running.
    pub fn refresh(&self, asker: &Asker, source: &SourceId, mode: Mode, removal: Removal) -> Result<(), Error> {
        self.administrators_only(asker)?;
        self.source(source)?;
        let what = match removal {
            Removal::Guarded => "sync",
            Removal::Allowed => "sync_and_remove",
        };
        let receipt = self.audit.append(&Event::Desk { user: asker.user(), what, target: source.as_str() })?;
        tracing::info!(leaf = receipt.leaf(), %source, what, "a sync was asked for");
        self.begin_allowed(source, mode, removal)
    }

    /// Hears what a webhook of a source says, where it proves that it is one: the next round looks there. A source that is not
    /// there and one without a secret are the same to whoever asks.
    pub fn hear(&self, source: &SourceId, signature: Option<&str>, body: &[u8]) -> Result<(), Error> {
        match crawl::heard(&*self.source(source)?, signature, body) {
            Ok(hint) => {
                tracing::debug!(%source, pages = hint.pages.len(), spaces = hint.spaces.len(), "a webhook was heard");
                self.syncs.hear(source, hint);
                Ok(())
            }
            Err(crawl::Unheard::NoSecret) => Err(Error::NotThere),
            Err(error @ crawl::Unheard::Signature) => Err(Error::Unproven(error.to_string())),
            Err(error @ crawl::Unheard::Unreadable) => Err(Error::Unreadable(error.to_string())),
        }
    }

    /// Begins a sync on the owner's word, given at the machine itself.
    pub fn refresh_as_owner(&self, source: &SourceId, mode: Mode, removal: Removal) -> Result<(), Error> {
        self.source(source)?;
        self.begin_allowed(source, mode, removal)
    }

    fn begin_allowed(&self, source: &SourceId, mode: Mode, removal: Removal) -> Result<(), Error> {
        if self.syncs.is_running(source) {
            return Err(Error::Busy);
        }
        match removal {
            Removal::Allowed => crawl::allow_removal(&self.store, source)?,
            Removal::Guarded => {}
        }
        self.begin_sync(source, mode)
    }

    /// Whether a source's sync is at work.
    pub fn is_syncing(&self, source: &SourceId) -> bool {
        self.syncs.is_running(source)
    }

    /// Begins a sync in a thread of its own.
    pub(super) fn begin_sync(&self, source: &SourceId, mode: Mode) -> Result<(), Error> {
        let mut at_work = self.syncs.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        if self.syncs.stop.is_set() || at_work.get(source).is_some_and(|work| !work.is_done) {
            return Err(Error::Busy);
        }
        let app = self.me.upgrade().ok_or(Error::Busy)?;
        let name = source.clone();
        let thread = std::thread::Builder::new()
            .name(format!("sync-{source}"))
            .spawn(move || app.sync(&name, mode))
            .map_err(|error| Error::Broken(Box::new(error)))?;
        at_work.insert(source.clone(), Work { run: None, thread: Some(thread), is_done: false, is_stopping: false });
        Ok(())
    }

    fn sync(&self, source: &SourceId, mode: Mode) {
        let outcome = self.sync_once(source, mode);
        match outcome {
            Ok(run) => tracing::info!(
                %source, state = ?run.state, added = run.added, changed = run.changed, removed = run.removed,
                reclassed = run.reclassed, failures = run.failures.len(), "a sync ended"
            ),
            Err(error) => {
                tracing::error!(%source, error = &error as &dyn std::error::Error, "a sync could not be done")
            }
        }
        let mut at_work = self.syncs.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = at_work.get_mut(source) {
            work.is_done = true;
        }
    }

    fn sync_once(&self, source: &SourceId, mode: Mode) -> Result<Run, Error> {
        let settings = self.source(source)?;
        let began = self.audit.append(&Event::SyncStarted { source, mode: mode_word(mode) })?;
        tracing::info!(leaf = began.leaf(), %source, mode = mode_word(mode), "a sync began");
        let _indexing = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = self.syncs.take_heard(source, mode);
        let done = crawl::sync(&settings, &self.settings.outbound, mode, &heard, &self.rooms(), &mut |run| {
            let mut at_work = self.syncs.at_work.lock().unwrap_or_else(PoisonError::into_inner);
            let mut is_stopping = self.syncs.stop.is_set();
            if let Some(work) = at_work.get_mut(source) {
                work.run = Some(run.clone());
                is_stopping |= work.is_stopping;
            }
            match is_stopping {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        match &done {
            Ok(run) if run.wants_whole => self.syncs.hear(source, Hint { everything: true, ..Hint::default() }),
            // What was acknowledged is not dropped because the wiki was away: it is looked at when that answers again.
            Ok(Run { state: State::Failed, .. }) | Err(_) => self.syncs.hear(source, heard),
            Ok(_) => {}
        }
        // Also of a run that broke: what it kept is in force.
        let last = self.syncs.run_of(source);
        if let Some(run) = &last {
            self.record_learned(source, run)?;
        }
        fail::fail_point!("run learned");
        match &done {
            Ok(run) => self.record_end(source, Some(run), state_word(&run.state))?,
            Err(_) => self.record_end(source, last.as_ref(), "broken")?,
        }
        Ok(done?)
    }

    /// Puts on record what a run learned of permissions, where it did.
    fn record_learned(&self, source: &SourceId, run: &Run) -> Result<(), Error> {
        if !run.learned.is_empty() {
            let crawl::Learned { grants, places, restrictions, people } = run.learned;
            let event = Event::PermissionsChanged { source, run: run.number, grants, places, restrictions, people };
            let receipt = self.audit.append(&event)?;
            tracing::debug!(leaf = receipt.leaf(), "what a sync learned of permissions is on record");
        }
        Ok(())
    }

    /// Puts the end of a run on record.
    fn record_end(&self, source: &SourceId, run: Option<&Run>, outcome: &'static str) -> Result<(), Error> {
        let ended = self.audit.append(&Event::SyncEnded {
            source,
            run: run.map_or(0, |run| run.number),
            outcome,
            added: run.map_or(0, |run| run.added),
            changed: run.map_or(0, |run| run.changed),
            removed: run.map_or(0, |run| run.removed),
            reclassed: run.map_or(0, |run| run.reclassed),
            failed: run.map_or(0, |run| run.failures.len() as u64),
        })?;
        tracing::debug!(leaf = ended.leaf(), "the end of a sync is on record");
        Ok(())
    }

    /// Puts on record what a crash kept from it: of the newest run of each source what it learned and that it ended, where the
    /// log has neither. Then those that the crash broke off are said to have stopped. At start-up, before a sync begins.
    pub(super) fn record_broken_runs(&self) -> Result<(), Error> {
        for (source, run) in crawl::newest_runs(&self.store)? {
            let Some(said) = self.said_of(&source, &run)? else { continue };
            if !said.contains("permissions_changed") {
                self.record_learned(&source, &run)?;
            }
            if !said.contains("sync_ended") {
                let outcome = if run.state == State::Running { "stopped" } else { state_word(&run.state) };
                self.record_end(&source, Some(&run), outcome)?;
                tracing::info!(%source, run = run.number, outcome, "a crash had kept the end of a sync from the log");
            }
        }
        Ok(crawl::end_broken_runs(&self.store, self.now())?)
    }

    /// Which ends of a run the log has; `None` where it ended too long ago to tell, so that they are there. Those of one that
    /// a crash broke off are among the last leaves, or nowhere.
    fn said_of(&self, source: &SourceId, run: &Run) -> Result<Option<BTreeSet<String>>, Error> {
        let filter = Filter {
            events: ["permissions_changed", "sync_ended"].map(str::to_owned).to_vec(),
            object: source.as_str().to_owned(),
            from: Some(run.began),
            ..Filter::default()
        };
        let found = self.audit.search(&filter, None, usize::MAX)?;
        let of_it = found.leaves.iter().filter(|leaf| leaf.fields.get("run") == Some(&run.number.into()));
        let said = of_it.map(|leaf| leaf.event().to_owned()).collect();
        let is_told = found.next.is_none() || run.state == State::Running;
        Ok((is_told && run.number > 0).then_some(said))
    }

    pub(super) fn source(&self, name: &SourceId) -> Result<Arc<crawl::Settings>, Error> {
        self.sources.find(name).ok_or(Error::NotThere)
    }

    pub(super) fn administrators_only(&self, asker: &Asker) -> Result<(), Error> {
        match asker.has(Role::Administrator) {
            true => Ok(()),
            false => Err(Error::NotThere),
        }
    }
}

fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Full => "full",
        Mode::Changes => "changes",
        Mode::Permissions => "permissions",
        Mode::News => "news",
    }
}

fn state_word(state: &State) -> &'static str {
    match state {
        State::Running => "running",
        State::Succeeded => "succeeded",
        State::Incomplete => "incomplete",
        State::Failed => "failed",
        State::Held => "held",
        State::Stopped => "stopped",
    }
}
