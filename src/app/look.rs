//! Searching, opening a document, and greeting: what a person sees without asking the model.

use super::told::Me;
use super::{App, Asker, Error, find};
use crate::answer::{self, Question};
use crate::audit::Event;
use crate::corpus::DocumentId;
use crate::index::{Joined, Opened, Scope};
use crate::model::Stop;
use crate::vault::Label;

/// Searches stand in the log only as a digest under this label.
const SEARCH: Label = Label("search digest");
/// Passages one search may give.
const LIMIT_MAX: usize = 50;
/// Titles from which example questions are made.
const EXAMPLE_TITLES: usize = 40;
/// Example questions on the empty page.
const EXAMPLES: usize = 4;

impl App {
    /// Finds passages, neighbours joined, best first, at most `limit` (50 at most), in an application of the asker's.
    pub fn search(
        &self,
        asker: &Asker,
        application: Option<&str>,
        query: &Question,
        scope: &Scope,
        limit: usize,
    ) -> Result<Vec<Joined>, Error> {
        if limit == 0 || limit > LIMIT_MAX {
            return Err(Error::Unreadable(format!("limit is 1 to {LIMIT_MAX}")));
        }
        let application = self.application_of(asker.user(), application)?;
        let sight = self.sight_in(asker, &application)?;
        let found = match sight.narrow(scope) {
            Some(scope) => {
                let queries = find::queries_or_words(self.models.embed.as_deref(), &[query], &Stop::default());
                self.index.search_joined(&sight.visibility, &queries[0], &scope, limit)?
            }
            None => Vec::new(),
        };
        let passages = found.iter().flat_map(Joined::passages);
        let shown: Vec<_> = passages.map(|found| found.passage().id.clone()).collect();
        let receipt = self.audit.append(&Event::Searched {
            user: asker.user(),
            query: self.vault.keyed_digest(&SEARCH, query.as_str().as_bytes()),
            visible: sight.visibility.digest(),
            shown: &shown,
        })?;
        tracing::debug!(leaf = receipt.leaf(), "searched");
        self.note_use(asker);
        Ok(found)
    }

    /// Opens a document from an application of the asker's: the page as it was indexed, and the visible ones of its ancestors
    /// (id and title), root first.
    pub fn document(
        &self,
        asker: &Asker,
        application: Option<&str>,
        id: &DocumentId,
    ) -> Result<(Opened, Vec<(DocumentId, String)>), Error> {
        let sight = self.sight_in(asker, &*self.application_of(asker.user(), application)?)?;
        let opened = match sight.trusts(id) {
            true => self.index.open_document(&sight.visibility, id)?,
            false => None,
        };
        let opened = opened.ok_or(Error::NotThere)?;
        let mut above = Vec::new();
        for ancestor in &opened.document().ancestors {
            // An ancestor's title is told only to who may open that page itself.
            if let Some(head) = self.head(&sight, ancestor)? {
                above.push((head.id, head.title));
            }
        }
        let receipt = self.audit.append(&Event::Opened { user: asker.user(), document: id.as_str() })?;
        tracing::debug!(leaf = receipt.leaf(), "opened");
        Ok((opened, above))
    }

    /// Greets in an application of the asker's: who one is, and questions one could begin with, those of the application first,
    /// the others a function of what one may see.
    pub fn me(&self, asker: &Asker, application: Option<&str>) -> Result<Me, Error> {
        let applications = self.applications.of(&self.directory, asker.user())?;
        let application = self.application_of(asker.user(), application)?;
        let tier = self.applications.tier(&self.directory, asker.user())?.ok_or(Error::NotThere)?;
        let sight = self.sight_in(asker, &application)?;
        let (heads, spaces) = match sight.scope() {
            Some(scope) => (
                self.index
                    .newest(&sight.visibility, &scope, EXAMPLE_TITLES)?
                    .into_iter()
                    .filter(|head| sight.trusts(&head.id))
                    .collect::<Vec<_>>(),
                self.index.spaces(&sight.visibility, &scope)?,
            ),
            None => (Vec::new(), Vec::new()),
        };
        let mut examples = application.questions.clone();
        let made = answer::examples(&heads, EXAMPLES.saturating_sub(examples.len()));
        examples.extend(made);
        Ok(Me {
            person: asker.person().clone(),
            roles: asker.roles().to_vec(),
            spaces,
            examples,
            retention_days: self.days_of(Some(tier), &application.id),
            tier,
            application,
            applications,
            history: self.standing(asker)?,
        })
    }
}
