//! What a person may read at this moment: their classes, less the sources whose permissions are too old to be trusted.

use super::explain::SourceTrust;
use super::{App, Asker, Error};
use crate::acl::Visibility;
use crate::clock::Moment;
use crate::corpus::DocumentId;
use crate::crawl;
use crate::index::{Head, Scope};
use crate::names::{SourceId, UserId};

/// A person's sight, for one request.
pub(super) struct Sight {
    pub(super) visibility: Visibility,
    /// Sources whose permissions are older than their budget: they answer nothing until they were read again.
    stale: Vec<String>,
    /// All sources there are.
    sources: Vec<String>,
}

impl Sight {
    /// Whether this document's source may answer now: it is in the settings, and its permissions are young enough.
    pub(super) fn trusts(&self, document: &DocumentId) -> bool {
        let is_it = |source: &String| source == document.source();
        self.sources.iter().any(is_it) && !self.stale.iter().any(is_it)
    }

    /// Narrows a scope to the sources that may answer; `None` where none may.
    pub(super) fn narrow(&self, scope: &Scope, allowed: Option<&[String]>) -> Option<Scope> {
        let mut scope = scope.clone();
        let fits = |source: &&String| {
            !self.stale.contains(source)
                && allowed.is_none_or(|allowed| allowed.contains(source))
                && (scope.sources.is_empty() || scope.sources.contains(source))
        };
        let sources: Vec<String> = self.sources.iter().filter(fits).cloned().collect();
        if sources.is_empty() {
            return None;
        }
        // Every source by name, and not "all": a source taken out of the settings must not answer from what is left of it.
        scope.sources = sources;
        Some(scope)
    }
}

impl App {
    /// The sight of who asks.
    pub(super) fn sight(&self, asker: &Asker) -> Result<Sight, Error> {
        Ok(Sight {
            visibility: self.classes.visible_to(asker.principals()),
            stale: self.stale_sources()?,
            sources: self.settings.source.iter().map(|source| source.name.to_string()).collect(),
        })
    }

    /// The sight of a person as the directory has them *now*, during a long deed; `None` where they lost their place.
    pub(super) fn sight_now(&self, user: &UserId) -> Result<Option<Sight>, Error> {
        let (Some(person), Some(principals)) = (self.directory.person(user)?, self.directory.principals_of(user)?)
        else {
            return Ok(None);
        };
        let asker = Asker { user: *user, person, principals, roles: Vec::new() };
        self.sight(&asker).map(Some)
    }

    /// What stands beside a document, where it may be read.
    pub(super) fn head(&self, sight: &Sight, document: &DocumentId) -> Result<Option<Head>, Error> {
        if !sight.trusts(document) {
            return Ok(None);
        }
        Ok(self.index.head(&sight.visibility, document)?)
    }

    /// When the permissions of a document's source were last read whole.
    pub(super) fn permissions_as_of(&self, document: &DocumentId) -> Result<Option<Moment>, Error> {
        let source = self.settings.source.iter().find(|source| source.name.as_str() == document.source());
        let Some(source) = source else { return Ok(None) };
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
        Ok(if !self.settings.source.iter().any(|source| is_it(source.name.as_str())) {
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
        for source in self.settings.source.iter().filter(|source| source.stale_minutes > 0) {
            let budget_ms = i64::try_from(source.stale_minutes.saturating_mul(60_000)).unwrap_or(i64::MAX);
            let as_of = crawl::status(&self.store, &source.name)?.permissions_as_of;
            // A clock set back must not make old permissions young: a moment in the future is as good as none.
            let is_fresh = as_of.is_some_and(|as_of| (0..=budget_ms).contains(&now.since(as_of)));
            if !is_fresh {
                stale.push(source.name.to_string());
            }
        }
        Ok(stale)
    }
}
