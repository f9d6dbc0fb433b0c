//! The desk: what administrators see and do. Counts and health; never a title, a word, or a sight of anybody's.

use super::todo::Item;
use super::told::{Overview, SourceState};
use super::{App, Asker, Error};
use crate::audit::Event;
use crate::crawl;

impl App {
    /// The overview, and what waits for somebody; the asker must be an administrator or support.
    pub fn overview(&self, asker: &Asker) -> Result<(Overview, Vec<Item>), Error> {
        self.health_only(asker)?;
        self.view(asker, "overview", "")?;
        Ok((self.overview_as_owner()?, self.todo()?))
    }

    /// The sources; the asker must be an administrator or support.
    pub fn sources(&self, asker: &Asker) -> Result<Vec<SourceState>, Error> {
        self.health_only(asker)?;
        self.view(asker, "sources", "")?;
        self.source_states()
    }

    /// Puts on record that somebody views a part of the desk. A page that asks again every few seconds is one view.
    pub(super) fn view(&self, asker: &Asker, what: &'static str, target: &str) -> Result<(), Error> {
        self.views.record((asker.user(), what, target), self.now(), || {
            let receipt = self.audit.append(&Event::Desk { user: asker.user(), what, target })?;
            tracing::debug!(leaf = receipt.leaf(), what, target, "a part of the desk is viewed");
            Ok(())
        })
    }

    /// The overview for the owner of the machine (the control socket, the metrics): no asker, so nothing is put on record.
    pub fn overview_as_owner(&self) -> Result<Overview, Error> {
        let (documents, passages) = self.index.counts()?;
        Ok(Overview {
            at: self.now(),
            version: env!("CARGO_PKG_VERSION"),
            model: self.models.generate.as_ref().map_or("none", |model| model.name()).to_owned(),
            embedder: self.models.embed.is_some(),
            documents,
            passages,
            without_vectors: self.index.without_vectors_count()?,
            directory: self.directory.counts()?,
            sources: self.source_states()?,
            audit_size: self.audit.size(),
            checkpoint_at: self.audit.last_checkpoint().map(|checkpoint| checkpoint.at),
            outside: self.outside()?,
            scim_last: self.scim_last(),
            emergency: self.emergency()?,
        })
    }

    /// Days before its end from which the certificate is said to end.
    pub fn certificate_days(&self) -> u64 {
        self.settings.desk.certificate_days
    }

    /// Ready to answer: model loaded, index open, store writable. The first thing that is not, in words.
    pub fn ready(&self) -> Result<(), String> {
        if self.rounds_are_stopped() {
            return Err("the appliance is closing".to_owned());
        }
        self.index.counts().map_err(|error| format!("index: {error}"))?;
        self.store.probe().map_err(|error| format!("data folder: {error}"))?;
        Ok(())
    }

    pub(super) fn source_states(&self) -> Result<Vec<SourceState>, Error> {
        let mut states = Vec::new();
        for source in &self.sources.all() {
            states.push(self.source_state(source)?);
        }
        Ok(states)
    }

    pub(super) fn source_state(&self, source: &crawl::Settings) -> Result<SourceState, Error> {
        let mut status = crawl::status(&self.store, &source.name)?;
        if let Some(run) = self.syncs.run_of(&source.name) {
            // It is kept as it was at its beginning; what is at work knows more.
            match status.runs.first_mut().filter(|newest| newest.number == run.number) {
                Some(newest) => *newest = run,
                None => status.runs.insert(0, run),
            }
        }
        let next = self.next_sync(source)?;
        Ok(SourceState { name: source.name.clone(), url: source.place(), status, next })
    }
}
