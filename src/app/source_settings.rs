//! Making, changing and removing a source on the desk. Each is on record by the names of the keys that were set, and in force
//! without a restart.

use super::registry::{Draft, Fitting};
use super::{App, Asker, Error};
use crate::audit::Event;
use crate::crawl::{self, Hint};
use crate::names::SourceId;

/// Keys that decide when a source is read and how much it may be trusted, and nothing of what is kept of it.
const OF_TIME: [&str; 8] = [
    "every_minutes",
    "news_minutes",
    "schedule",
    "time_zone",
    "removal_guard_percent",
    "stale_minutes",
    "requests_per_second",
    "webhook_secret",
];

impl App {
    /// Makes a source; the asker must be an administrator. It is read at once, where its settings have it read by itself.
    pub fn make_source(&self, asker: &Asker, source: &SourceId, draft: &Draft) -> Result<(), Error> {
        self.administrators_only(asker)?;
        let _turn = self.sources.turn();
        let fitting = self.fitting(source, draft)?;
        match fitting.is_new {
            true => self.keep_source(asker, "made", &fitting),
            false => Err(Error::Conflict(format!("there is a source {source} already"))),
        }
    }

    /// Changes settings of a source that was made on the desk; the asker must be an administrator. A run that is at work ends
    /// with the settings it began with.
    pub fn change_source(&self, asker: &Asker, source: &SourceId, draft: &Draft) -> Result<(), Error> {
        self.administrators_only(asker)?;
        let _turn = self.sources.turn();
        self.source(source)?;
        let fitting = self.fitting(source, draft)?;
        self.keep_source(asker, "changed", &fitting)?;
        let settings = &fitting.settings;
        let is_read_by_itself = settings.every_minutes > 0 || !settings.schedule.is_empty();
        if is_read_by_itself && fitting.keys.iter().any(|key| !OF_TIME.contains(&key.as_str())) {
            self.syncs.hear(source, Hint { everything: true, ..Hint::default() });
        }
        Ok(())
    }

    /// Removes a source that was made on the desk; the asker must be an administrator. It answers nothing from now on; its
    /// documents, accounts and groups go in the rounds, and the facts of its permissions end.
    pub fn remove_source(&self, asker: &Asker, source: &SourceId) -> Result<(), Error> {
        self.administrators_only(asker)?;
        let _turn = self.sources.turn();
        self.sources.may_go(source)?;
        let event = Event::SourceSet { user: asker.user(), source, what: "removed", keys: &[] };
        let receipt = self.audit.append(&event)?;
        tracing::info!(leaf = receipt.leaf(), %source, "a source was removed");
        self.sources.let_go(source)?;
        self.syncs.stop_one(source);
        Ok(())
    }

    /// The settings that a draft would come to, for a look before it is kept.
    pub(super) fn drafted(&self, source: &SourceId, draft: &Draft) -> Result<std::sync::Arc<crawl::Settings>, Error> {
        let _turn = self.sources.turn();
        Ok(self.sources.fit(source, draft)?.settings)
    }

    /// A draft that fits and could be opened.
    fn fitting(&self, source: &SourceId, draft: &Draft) -> Result<Fitting, Error> {
        let fitting = self.sources.fit(source, draft)?;
        crawl::opens(&fitting.settings, &self.settings.outbound, &self.extractor).map_err(Error::Unreadable)?;
        Ok(fitting)
    }

    fn keep_source(&self, asker: &Asker, what: &'static str, fitting: &Fitting) -> Result<(), Error> {
        let source = &fitting.settings.name;
        let event = Event::SourceSet { user: asker.user(), source, what, keys: &fitting.keys };
        let receipt = self.audit.append(&event)?;
        tracing::info!(leaf = receipt.leaf(), %source, what, "settings of a source were set");
        self.sources.keep(fitting)
    }

    /// Takes out what is kept of sources that were removed. A crash in between costs nothing: it is gone on with.
    pub(super) fn forget_removed_sources(&self) -> Result<(), Error> {
        for source in self.sources.going()? {
            if self.syncs.is_running(&source) {
                self.syncs.stop_one(&source);
                continue;
            }
            let Ok(_indexing) = self.indexing.try_lock() else { continue };
            let documents = crawl::forget(&source, &self.rooms())?;
            let receipt = self.audit.append(&Event::SourceGone { source: &source, documents })?;
            tracing::info!(leaf = receipt.leaf(), %source, documents, "what was kept of a removed source has gone");
            self.syncs.forget(&source);
            self.sources.forget(&source)?;
        }
        Ok(())
    }
}
