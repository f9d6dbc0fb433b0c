//! What a crawl keeps: documents, who may read them, what is withheld, and how its runs went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::due;
use super::news::{Remember, remembered};
use super::permissions::{Key, Permission, Place};
use super::plan::{Held, Known};
use super::source::Changed;
use super::{Failure, Full, Mode, Run, State, Status};
use crate::acl::AclClass;
use crate::clock::Moment;
use crate::corpus::{Document, DocumentId};
use crate::names::{SourceId, SyncId};
use crate::store::{self, Batch, Changes, Ended, Store, Tree, json_record};

/// The most runs that are remembered of a source.
const RUNS_MAX: usize = 20;

/// How long a full run that did not come to its end is gone on with: somebody who asks for one later wants every page anew.
const FULL_MS: i64 = 24 * 60 * 60 * 1000;

/// Everything about a document but its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fact {
    /// Who may read it.
    pub class: AclClass,
    /// The version whose words are kept.
    pub revision: u64,
    /// A digest of title, place and labels.
    pub head: u64,
    /// The key of its space.
    pub space: String,
    /// The number of its last change.
    pub sequence: u64,
    /// The number of the last change of its words.
    pub words_sequence: u64,
    /// The number of the change that brought its words from the source: a new title or place does not. 0 where that is not
    /// known.
    #[serde(default)]
    pub read_sequence: u64,
}

/// A document that nobody finds until the index knows its new class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Withheld {
    /// The class it is to have.
    pub class: AclClass,
}

/// A document's words with its title and place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Page(pub Document);

/// A document that went, until the index has let it go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Gone(pub DocumentId);

/// A file that could not be read, so that it is not tried again at each sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    /// The version that was tried.
    pub revision: u64,
    /// When.
    pub at: Moment,
    /// What came of it.
    pub failure: Failure,
}

/// A version that a source's search said is new: what the settings leave out is never kept, and would be new for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heard {
    /// The version.
    pub revision: u64,
    /// When it was made.
    pub at_ms: i64,
}

json_record!(Past, 1);
json_record!(Fact, 1);
json_record!(Heard, 1);
json_record!(Refused, 1);
json_record!(Withheld, 1);
json_record!(Page, 1);
json_record!(Gone, 1);
json_record!(Status, 1);

/// The trees of the crawl.
pub(super) struct Kept {
    store: Store,
    facts: Tree<String, Fact>,
    pages: Tree<String, Page>,
    withheld: Tree<String, Withheld>,
    gone: Tree<u64, Gone>,
    refused: Tree<String, Refused>,
    heard: Tree<String, Heard>,
    sources: Tree<String, Status>,
    permissions: Tree<Key, Permission>,
    past: Tree<Ended<Key>, Past>,
}

/// A permission as it was, until a run read it otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Past {
    /// As it was.
    pub was: Permission,
    /// The run that read it otherwise.
    pub until: SyncId,
}

/// Changes that are kept together.
pub(super) struct Turn {
    facts: Batch<String, Fact>,
    pages: Batch<String, Page>,
    gone: Batch<u64, Gone>,
    permissions: Batch<Key, Permission>,
    past: Batch<Ended<Key>, Past>,
}

impl Turn {
    pub(super) fn new() -> Turn {
        Turn {
            facts: Batch::new(),
            pages: Batch::new(),
            gone: Batch::new(),
            permissions: Batch::new(),
            past: Batch::new(),
        }
    }

    pub(super) fn put_fact(&mut self, id: &DocumentId, fact: &Fact) {
        self.facts.put(&id.as_str().to_owned(), fact);
    }

    pub(super) fn put_page(&mut self, document: &Document) {
        self.pages.put(&document.id.as_str().to_owned(), &Page(document.clone()));
    }

    /// Forgets a document. Where it stands, and its restriction, is kept: it is still there, and other documents are below it.
    pub(super) fn leave_out(&mut self, id: &DocumentId, sequence: u64) {
        self.facts.remove(&id.as_str().to_owned());
        self.pages.remove(&id.as_str().to_owned());
        self.gone.put(&sequence, &Gone(id.clone()));
    }

    /// Forgets a document that is gone. How its permissions were until this sync is kept; where the sync itself has seen that it
    /// is missed, how they were before that was kept then.
    pub(super) fn remove(&mut self, id: &DocumentId, sequence: u64, was: Option<Permission>, sync: SyncId) {
        self.leave_out(id, sequence);
        let key = Key::Document(id.clone());
        self.permissions.remove(&key);
        if let Some(was) = was.filter(|was| was.since() != sync) {
            self.past.put(&Ended::new(key, sync.began_ms), &Past { was, until: sync });
        }
    }
}

impl Kept {
    pub(super) fn open(store: &Store) -> Result<Kept, store::Error> {
        Ok(Kept {
            store: store.clone(),
            facts: store.tree("crawl.facts")?,
            pages: store.tree("crawl.pages")?,
            withheld: store.tree("crawl.withheld")?,
            gone: store.tree("crawl.gone")?,
            refused: store.tree("crawl.refused")?,
            heard: store.tree("crawl.heard")?,
            sources: store.tree("crawl.sources")?,
            permissions: store.tree("crawl.permissions")?,
            past: store.tree("crawl.permissions_past")?,
        })
    }

    pub(super) fn next_sequence(&self) -> Result<u64, store::Error> {
        self.store.next_sequence()
    }

    /// Keeps a turn's changes: all, or none.
    pub(super) fn make(&self, turn: Turn) -> Result<(), store::Error> {
        let mut changes = Changes::new();
        changes.add(&self.facts, turn.facts);
        changes.add(&self.pages, turn.pages);
        changes.add(&self.gone, turn.gone);
        changes.add(&self.permissions, turn.permissions);
        changes.add(&self.past, turn.past);
        self.store.make(changes)
    }

    pub(super) fn fact(&self, id: &DocumentId) -> Result<Option<Fact>, store::Error> {
        self.facts.get(&id.as_str().to_owned())
    }

    pub(super) fn page(&self, id: &DocumentId) -> Result<Option<Document>, store::Error> {
        Ok(self.pages.get(&id.as_str().to_owned())?.map(|page| page.0))
    }

    /// Every document of every source.
    pub(super) fn facts(&self) -> impl Iterator<Item = Result<(DocumentId, Fact), store::Error>> + '_ {
        self.facts.all().map(|read| {
            let (key, fact) = read?;
            Ok((id_of(&key)?, fact))
        })
    }

    /// Everything known of one source. Words that were read with a change after the number `fresh_after` are fresh.
    pub(super) fn known(&self, source: &SourceId, fresh_after: Option<u64>) -> Result<Known, store::Error> {
        let prefix = format!("{source}:");
        let mut known = Known::default();
        for read in self.facts.under(prefix.as_bytes()) {
            let (key, Fact { class, revision, head, space, read_sequence, .. }) = read?;
            let id = id_of(&key)?;
            if fresh_after.is_some_and(|number| read_sequence > number) {
                known.fresh.insert(id.clone());
            }
            known.documents.insert(id, Held { class, revision, head, space });
        }
        for key in self.withheld.keys_under(prefix.as_bytes()) {
            known.withheld.insert(id_of(&key?)?);
        }
        Ok(known)
    }

    /// Everything kept of a source's permissions.
    pub(super) fn permissions(&self, source: &SourceId) -> Result<BTreeMap<Key, Permission>, store::Error> {
        self.permissions.under(&Key::prefix(source.as_str())).collect()
    }

    pub(super) fn permission(&self, key: &Key) -> Result<Option<Permission>, store::Error> {
        self.permissions.get(key)
    }

    /// Where a document stands, and its own restriction.
    pub(super) fn place(&self, id: &DocumentId) -> Result<Option<Place>, store::Error> {
        Ok(match self.permission(&Key::Document(id.clone()))? {
            Some(Permission::Place(place)) => Some(place),
            Some(Permission::Grant(_)) | None => None,
        })
    }

    /// Keeps changes of permissions, with what they were before.
    pub(super) fn put_permissions(
        &self,
        now: Batch<Key, Permission>,
        past: Batch<Ended<Key>, Past>,
    ) -> Result<(), store::Error> {
        let mut changes = Changes::new();
        changes.add(&self.permissions, now);
        changes.add(&self.past, past);
        self.store.make(changes)
    }

    /// What a permission was, with the end of each, the earliest first.
    pub(super) fn past(&self, key: &Key) -> impl Iterator<Item = Result<Past, store::Error>> + '_ {
        let prefix = Ended::prefix(key);
        let all: Vec<_> = self.past.under(&prefix).map(|read| read.map(|(_, past)| past)).collect();
        all.into_iter()
    }

    /// What the permissions of all sources were, with the end of each: those of one key together, the earliest end first.
    pub(super) fn all_past(&self) -> impl Iterator<Item = Result<(Key, Past), store::Error>> + '_ {
        self.past.all().map(|read| read.map(|(ended, past)| (ended.key, past)))
    }

    /// Forgets what ended before a moment.
    pub(super) fn forget_past(&self, before: Moment) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        for key in self.past.keys_under(&[]) {
            let key = key?;
            if key.at_ms < u64::try_from(before.ms()).unwrap_or(0) {
                batch.remove(&key);
            }
        }
        self.past.apply(batch)
    }

    pub(super) fn is_withheld(&self, id: &DocumentId) -> Result<bool, store::Error> {
        Ok(self.withheld.get(&id.as_str().to_owned())?.is_some())
    }

    /// What is remembered of a file that could not be read.
    pub(super) fn refused(&self, id: &DocumentId) -> Result<Option<Refused>, store::Error> {
        self.refused.get(&id.as_str().to_owned())
    }

    /// Remembers that a file cannot be read.
    pub(super) fn refuse(&self, id: &DocumentId, refused: &Refused) -> Result<(), store::Error> {
        self.refused.put(&id.as_str().to_owned(), refused)
    }

    /// Forgets what was remembered of files that are no longer listed, or are read by now.
    pub(super) fn forget_refused(
        &self,
        source: &SourceId,
        is_over: impl Fn(&DocumentId) -> bool,
    ) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        for key in self.refused.keys_under(format!("{source}:").as_bytes()) {
            let key = key?;
            if is_over(&id_of(&key)?) {
                batch.remove(&key);
            }
        }
        self.refused.apply(batch)
    }

    /// What was heard of a document from the source's search.
    pub(super) fn heard(&self, id: &DocumentId) -> Result<Option<Heard>, store::Error> {
        self.heard.get(&id.as_str().to_owned())
    }

    /// Remembers what the source's search gave; what it can no longer give, because it is from before `since`, is forgotten.
    pub(super) fn put_heard(&self, source: &SourceId, changed: &[Changed], since: Moment) -> Result<(), store::Error> {
        let mut old = BTreeMap::new();
        for read in self.heard.under(format!("{source}:").as_bytes()) {
            let (key, heard) = read?;
            old.insert(id_of(&key)?, heard);
        }
        let mut batch = Batch::new();
        for change in remembered(old, changed, since) {
            match change {
                Remember::Put(id, heard) => batch.put(&id.as_str().to_owned(), &heard),
                Remember::Forget(id) => batch.remove(&id.as_str().to_owned()),
            }
        }
        self.heard.apply(batch)
    }

    /// Notes until when the source's search was asked.
    pub(super) fn put_news(&self, source: &SourceId, as_of: Moment) -> Result<(), store::Error> {
        let status = Status { news_as_of: Some(as_of), ..self.status(source)? };
        self.put_status(source, &status)
    }

    /// Notes the newest entry of the source's audit log that was read.
    pub(super) fn put_audited(&self, source: &SourceId, as_of: Moment) -> Result<(), store::Error> {
        let status = Status { audit_as_of: Some(as_of), ..self.status(source)? };
        self.put_status(source, &status)
    }

    /// Begins a full run, or goes on with one that did not come to its end: gives the number of the change since which words
    /// count as read by it.
    pub(super) fn begin_full(&self, source: &SourceId, now: Moment) -> Result<u64, store::Error> {
        let status = self.status(source)?;
        if let Some(full) = status.full.filter(|full| now.since(full.began) < FULL_MS) {
            return Ok(full.after);
        }
        let full = Full { began: now, after: self.next_sequence()? };
        self.put_status(source, &Status { full: Some(full), ..status })?;
        Ok(full.after)
    }

    /// A full run has read everything.
    pub(super) fn end_full(&self, source: &SourceId) -> Result<(), store::Error> {
        let status = self.status(source)?;
        self.put_status(source, &Status { full: None, ..status })
    }

    /// The number of a source's next run.
    pub(super) fn next_number(&self, source: &SourceId) -> Result<u64, store::Error> {
        Ok(self.status(source)?.runs.first().map_or(0, |newest| newest.number) + 1)
    }

    /// Withholds documents until each has the class it is to have.
    pub(super) fn withhold(&self, to: &[(DocumentId, AclClass)]) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        for (id, class) in to {
            batch.put(&id.as_str().to_owned(), &Withheld { class: *class });
        }
        self.withheld.apply(batch)
    }

    /// Lets documents be found again.
    pub(super) fn release<'a>(&self, ids: impl IntoIterator<Item = &'a DocumentId>) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        for id in ids {
            batch.remove(&id.as_str().to_owned());
        }
        self.withheld.apply(batch)
    }

    pub(super) fn withheld(&self) -> impl Iterator<Item = Result<(DocumentId, Withheld), store::Error>> + '_ {
        self.withheld.all().map(|read| {
            let (key, withheld) = read?;
            Ok((id_of(&key)?, withheld))
        })
    }

    /// Documents that went with a change after this number.
    pub(super) fn gone_after(&self, sequence: u64) -> Result<Vec<(u64, DocumentId)>, store::Error> {
        self.gone.from(&sequence.saturating_add(1)).map(|read| read.map(|(at, gone)| (at, gone.0))).collect()
    }

    /// Forgets what went with a change up to this number: the index has let it go for good.
    pub(super) fn forget_gone(&self, reached: u64) -> Result<(), store::Error> {
        let mut batch = Batch::new();
        for read in self.gone.all() {
            let (at, _) = read?;
            if at > reached {
                break;
            }
            batch.remove(&at);
        }
        self.gone.apply(batch)
    }

    pub(super) fn status(&self, source: &SourceId) -> Result<Status, store::Error> {
        Ok(self.sources.get(&source.as_str().to_owned())?.unwrap_or_default())
    }

    pub(super) fn put_status(&self, source: &SourceId, status: &Status) -> Result<(), store::Error> {
        self.sources.put(&source.as_str().to_owned(), status)
    }

    /// Keeps how a run stands: the newest takes the place of what was kept of it before.
    pub(super) fn put_run(&self, source: &SourceId, run: &Run, as_of: Option<Moment>) -> Result<(), store::Error> {
        let mut status = self.status(source)?;
        match status.runs.first_mut().filter(|newest| newest.began == run.began && newest.state == State::Running) {
            Some(newest) => *newest = run.clone(),
            None => status.runs.insert(0, run.clone()),
        }
        // Runs of what is new come every few minutes: where one found nothing, the one before that found nothing goes.
        let is_quiet = |run: &Run| run.mode == Mode::News && run.state == State::Succeeded && run.only.is_empty();
        if status.runs.len() > 1 && is_quiet(&status.runs[0]) && is_quiet(&status.runs[1]) {
            status.runs.remove(1);
        }
        status.runs.truncate(RUNS_MAX);
        due::note(&mut status, run.mode, run.began);
        status.permissions_as_of = as_of.or(status.permissions_as_of);
        if run.ended.is_some() {
            status.documents = self.count(source)?;
        }
        if matches!(run.state, State::Succeeded | State::Incomplete) {
            // An administrator's word was for one run.
            status.may_remove = false;
        }
        self.put_status(source, &status)
    }

    /// Forgets how a source stood, and what was remembered of its files, of its search and of what was withheld: its documents
    /// have gone.
    pub(super) fn forget_source(&self, source: &SourceId) -> Result<(), store::Error> {
        let prefix = format!("{source}:");
        self.forget_refused(source, |_| true)?;
        let mut batch = Batch::new();
        for key in self.heard.keys_under(prefix.as_bytes()) {
            batch.remove(&key?);
        }
        self.heard.apply(batch)?;
        let mut batch = Batch::new();
        for key in self.withheld.keys_under(prefix.as_bytes()) {
            batch.remove(&key?);
        }
        self.withheld.apply(batch)?;
        self.sources.remove(&source.as_str().to_owned())?;
        Ok(())
    }

    fn count(&self, source: &SourceId) -> Result<u64, store::Error> {
        let mut count = 0;
        for key in self.facts.keys_under(format!("{source}:").as_bytes()) {
            key?;
            count += 1;
        }
        Ok(count)
    }

    /// How each source stands.
    pub(super) fn statuses(&self) -> Result<Vec<(SourceId, Status)>, store::Error> {
        let unread = store::Error::Unreadable { tree: "crawl.sources", why: "its key is no source" };
        let read = self.sources.all().collect::<Result<Vec<_>, _>>()?.into_iter();
        read.map(|(source, status)| Some((SourceId::parse(&source)?, status))).collect::<Option<_>>().ok_or(unread)
    }
}

fn id_of(key: &str) -> Result<DocumentId, store::Error> {
    DocumentId::parse(key).ok_or(store::Error::Unreadable { tree: "crawl.facts", why: "its key is no document id" })
}
