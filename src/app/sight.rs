//! What a person may read at this moment: their classes, less the sources whose permissions are too old to be trusted.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::explain::SourceTrust;
use super::{App, Asker, Error};
use crate::acl::Visibility;
use crate::application::Application;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::crawl;
use crate::index::{Head, Scope};
use crate::names::{ApplicationId, SourceId, UserId};

/// A person's sight, for one request.
pub(super) struct Sight {
    pub(super) visibility: Visibility,
    /// Sources whose permissions are older than their budget: they answer nothing until they were read again.
    stale: Vec<String>,
    /// The sources that there are, and that may be used here.
    sources: Vec<String>,
    /// Whether no application narrows it.
    is_whole: bool,
}

impl Sight {
    /// Whether this document's source may answer now: it is in the settings and the application's, and its permissions are
    /// young enough.
    pub(super) fn trusts(&self, document: &DocumentId) -> bool {
        let is_it = |source: &String| source == document.source();
        self.sources.iter().any(is_it) && !self.stale.iter().any(is_it)
    }

    /// Narrows a scope to the sources that may answer; `None` where none may.
    pub(super) fn narrow(&self, scope: &Scope) -> Option<Scope> {
        let mut scope = scope.clone();
        let fits = |source: &&String| {
            !self.stale.contains(source) && (scope.sources.is_empty() || scope.sources.contains(source))
        };
        let sources: Vec<String> = self.sources.iter().filter(fits).cloned().collect();
        if sources.is_empty() {
            return None;
        }
        // Every source by name, and not "all": a source that was removed must not answer from what is left of it.
        scope.sources = sources;
        Some(scope)
    }

    /// What it may look at besides the visibility: everything, where no source there is stays out; `None` where none may answer.
    pub(super) fn scope(&self) -> Option<Scope> {
        if self.is_whole && self.stale.is_empty() { Some(Scope::default()) } else { self.narrow(&Scope::default()) }
    }

    /// The same within what an application may use. It only takes away.
    fn within(mut self, application: &Application) -> Sight {
        if let Some(allowed) = &application.sources {
            self.is_whole = false;
            self.sources.retain(|source| allowed.iter().any(|one| one.as_str() == source));
        }
        self
    }
}

impl App {
    /// The sight of who asks, in an application.
    pub(super) fn sight_in(&self, asker: &Asker, application: &Application) -> Result<Sight, Error> {
        Ok(self.sight(asker)?.within(application))
    }

    /// The sight of who asks, over all sources.
    pub(super) fn sight(&self, asker: &Asker) -> Result<Sight, Error> {
        Ok(Sight {
            visibility: self.classes.visible_to(asker.principals()),
            stale: self.stale_sources()?,
            sources: self.sources.all().iter().map(|source| source.name.to_string()).collect(),
            is_whole: true,
        })
    }

    /// The sight of a person in an application as both are *now*, during a long deed; `None` where they lost their place.
    pub(super) fn sight_now(&self, user: &UserId, application: &ApplicationId) -> Result<Option<Sight>, Error> {
        let theirs = self.applications.of(&self.directory, user)?;
        let application = theirs.iter().find(|one| one.id == *application);
        let (Some(application), Some(person), Some(principals)) =
            (application, self.directory.person(user)?, self.directory.principals_of(user)?)
        else {
            return Ok(None);
        };
        let asker = Asker { user: *user, person, principals, roles: Vec::new(), ends: None, session: [0; 32] };
        self.sight_in(&asker, application).map(Some)
    }

    /// What stands beside a document, where it may be read.
    pub(super) fn head(&self, sight: &Sight, document: &DocumentId) -> Result<Option<Head>, Error> {
        if !sight.trusts(document) {
            return Ok(None);
        }
        Ok(self.index.head(&sight.visibility, document)?)
    }

    /// What a field's name means, and in which sources.
    pub fn meanings(&self, name: &str) -> BTreeMap<crawl::Field, Vec<SourceId>> {
        crawl::meanings(self.sources.all().iter().map(AsRef::as_ref), name)
    }

    /// The settings of a document's source.
    pub fn settings_of(&self, document: &DocumentId) -> Option<Arc<crawl::Settings>> {
        self.sources.all().into_iter().find(|source| source.name.as_str() == document.source())
    }

    /// When the permissions of a document's source were last read whole.
    pub(super) fn permissions_as_of(&self, document: &DocumentId) -> Result<Option<Moment>, Error> {
        let Some(source) = self.settings_of(document) else { return Ok(None) };
        Ok(crawl::status(&self.store, &source.name)?.permissions_as_of)
    }

    /// Whether a document's source may answer now, and why not: what [`Sight::trusts`] decides by.
    pub(super) fn trust_in(&self, document: &DocumentId) -> Result<SourceTrust, Error> {
        self.trust_in_source_named(document.source())
    }

    /// The same of a source.
    pub(super) fn trust_in_source(&self, source: &SourceId) -> Result<SourceTrust, Error> {
        self.trust_in_source_named(source.as_str())
    }

    fn trust_in_source_named(&self, name: &str) -> Result<SourceTrust, Error> {
        let is_it = |source: &str| source == name;
        Ok(if !self.sources.all().iter().any(|source| is_it(source.name.as_str())) {
            SourceTrust::Unknown
        } else if self.stale_sources()?.iter().any(|source| is_it(source)) {
            SourceTrust::Stale
        } else {
            SourceTrust::Trusted
        })
    }

    pub(super) fn stale_sources(&self) -> Result<Vec<String>, Error> {
        let now = self.now();
        let mut stale = Vec::new();
        let has_budget = |source: &&Arc<crawl::Settings>| source.stale_minutes > 0 || self.restored.is_some();
        for source in self.sources.all().iter().filter(has_budget) {
            let budget_ms = match source.stale_minutes {
                0 => i64::MAX,
                minutes => i64::try_from(minutes.saturating_mul(60_000)).unwrap_or(i64::MAX),
            };
            let as_of = crawl::status(&self.store, &source.name)?.permissions_as_of;
            // A clock set back must not make old permissions young: a moment in the future is as good as none. What a backup
            // says may have been taken back after it.
            let is_fresh = as_of.is_some_and(|as_of| {
                (0..=budget_ms).contains(&now.since(as_of)) && self.restored.is_none_or(|restored| as_of > restored)
            });
            if !is_fresh {
                stale.push(source.name.to_string());
            }
        }
        Ok(stale)
    }
}
