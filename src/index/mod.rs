//! Finds the passages that a visibility admits, as if no others existed.
//!
//! Ada asks "who is on call". The rota is restricted and she may not read it, but it says "on call" forty times. In a usual
//! engine the rota would make the words common, lower the scores of what she finds, perhaps change its order, and so tell
//! her that it exists. Here a search begins with the passages her [`Visibility`] admits (a posting list for each class);
//! every count and every average is made of these alone; and a passage's score is the same sum in the same order, whatever
//! else there is.
//!
//! tantivy keeps the postings, the columns and the texts. The scores are ours: tantivy's count all documents, deleted ones
//! too, and break ties by where a segment happens to hold them.
//!
//! Always true here:
//! - Whatever is given out was admitted by a [`Visibility`] through one `View`; there is no other way to read.
//! - Results are a function of the visible passages, the query and the scope: not of hidden, deleted or withheld ones, nor
//!   of the order in which pages came, nor of segments.
//! - Query words are never syntax.
//! - What says nothing that a better result does not say already is left out; only what is given out folds another.
//! - The index is derived. It says how far it has come ([`Index::reached`]), and what came after is changed again.
//! - Class numbers and scores depend on what is inside: no reply bears them.
//!
//! Uses: `corpus`, `acl`; keeps `tantivy`. Begin at [`Index`].

mod best;
mod bits;
mod fields;
mod fold;
mod found;
mod identifier;
mod join;
mod language;
mod lean;
#[cfg(feature = "probe")]
mod plain;
mod query;
mod rank;
mod scan;
mod search;
mod snapshot;
mod sums;
#[cfg(test)]
mod tests;
mod vector;
mod view;
mod words;
mod writing;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tantivy::directory::MmapDirectory;
use tantivy::{IndexReader, ReloadPolicy, TantivyError};

use crate::acl::{AclClass, Visibility};
use crate::corpus::{Document, DocumentId, Passage, PassageId, Space};
pub use found::{Found, Head, Opened};
pub use join::Joined;
pub use query::{Query, Scope};

use fields::{EXACT, Fields, STEMS};
use lean::Leaning;
use rank::Hit;
use snapshot::{Snapshot, VectorsKept};
use sums::Scratch;
use view::View;
use writing::{Touch, Writing};

/// How many visibilities' views are kept at hand between two commits. With a million passages one takes a quarter of a
/// megabyte.
const VIEWS_MAX: usize = 64;

/// How the index is kept, and what the order of what is found leans towards.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Memory of the writer, in bytes.
    pub writer_bytes: u64,
    /// Days after which the newness of a page counts half; 0 for not at all.
    pub recent_half_life_days: u32,
    /// The share of its score that a page changed just now gains, 0 to 1.
    #[serde(deserialize_with = "lean::share")]
    pub recent_gain: f32,
    /// Labels of pages that are preferred.
    pub preferred_labels: Vec<String>,
    /// Keys of spaces whose pages are preferred.
    pub preferred_spaces: Vec<String>,
    /// The share of its score that a preferred page gains, 0 to 1.
    #[serde(deserialize_with = "lean::share")]
    pub preferred_gain: f32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            writer_bytes: 64 << 20,
            recent_half_life_days: 0,
            recent_gain: 0.2,
            preferred_labels: Vec::new(),
            preferred_spaces: Vec::new(),
            preferred_gain: 0.2,
        }
    }
}

/// The index: derived from the store, in a folder of its own.
pub struct Index {
    fields: Fields,
    reader: IndexReader,
    /// Held while a change is taken or committed, so that changes are made in one order.
    writing: Mutex<Writing>,
    /// Replaced as a whole, so that a search sees one moment from its beginning to its end.
    state: RwLock<Arc<State>>,
    vectors: VectorsKept,
    leaning: Option<Leaning>,
    /// Milliseconds since the Unix epoch, for the age of pages.
    now_ms: Box<dyn Fn() -> i64 + Send + Sync>,
    /// In no release: the control that a test of non-interference needs.
    #[cfg(any(test, debug_assertions))]
    uses_stock_statistics: std::sync::atomic::AtomicBool,
}

/// What searches see.
struct State {
    snapshot: Arc<Snapshot>,
    /// Documents that nobody finds, whatever the snapshot says.
    denied: HashSet<DocumentId>,
    /// By the visibility's digest.
    views: Mutex<HashMap<[u8; 32], Arc<View>>>,
    /// Memory for sums, used again: nothing of a query stays in it.
    scratch: Mutex<Vec<Scratch>>,
}

impl State {
    fn of(snapshot: Arc<Snapshot>, denied: HashSet<DocumentId>) -> Arc<State> {
        Arc::new(State { snapshot, denied, views: Mutex::default(), scratch: Mutex::default() })
    }
}

/// A change to the index; visible to searches only after [`Index::commit`], save that [`Change::Withhold`] and
/// [`Change::Remove`] act at once.
#[derive(Debug)]
pub enum Change<'a> {
    /// A document with its passages, new or instead of what was there. `vectors`, one for each passage, may come later.
    Replace(&'a Document, AclClass, &'a [Passage], Option<&'a [Box<[f32]>]>),
    /// The same words under another class.
    Reclass(&'a DocumentId, AclClass),
    /// Nobody finds it until it is replaced or reclassed: a permission was tightened and the index does not know yet.
    Withhold(&'a DocumentId),
    /// It is gone.
    Remove(&'a DocumentId),
    /// Vectors for passages that have none.
    Vectors(&'a [(PassageId, Box<[f32]>)]),
}

/// What can go wrong with the index.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index is not one of this version, or damaged: it is derived, and must be built again.
    #[error("the index must be built again: {0}")]
    Stale(String),
    /// Anything else.
    #[error("the index cannot be read or written")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<TantivyError> for Error {
    fn from(error: TantivyError) -> Error {
        let is_stale = matches!(
            error,
            TantivyError::DataCorruption(_)
                | TantivyError::SchemaError(_)
                | TantivyError::IncompatibleIndex(_)
                | TantivyError::OpenReadError(_)
                | TantivyError::DeserializeError(_)
                | TantivyError::FieldNotFound(_)
        );
        if is_stale { Error::Stale(error.to_string()) } else { Error::Broken(error.into()) }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::Broken(error.into())
    }
}

impl Index {
    /// Opens or makes the index in a folder. One of another version, or a damaged one, is thrown away and begun anew: it is
    /// derived, and whoever opens it tells it what came after [`Index::reached`].
    pub fn open_or_renew(folder: &Path, settings: &Settings) -> Result<Index, Error> {
        match Index::open(folder, settings) {
            Err(Error::Stale(why)) => {
                tracing::warn!(%why, "the index is built again");
                std::fs::remove_dir_all(folder)?;
                Index::open(folder, settings)
            }
            other => other,
        }
    }

    /// Opens or makes the index in a folder. [`Error::Stale`] says that the folder must be emptied and filled again.
    pub fn open(folder: &Path, settings: &Settings) -> Result<Index, Error> {
        std::fs::create_dir_all(folder)?;
        let (fields, schema) = Fields::new();
        let directory = MmapDirectory::open(folder).map_err(TantivyError::from)?;
        let index = tantivy::Index::open_or_create(directory, schema)?;
        index.tokenizers().register(STEMS, words::stems());
        index.tokenizers().register(EXACT, words::exact());
        // tantivy panics on some damage, so damage is looked for first.
        let damaged = index.validate_checksum()?;
        if !damaged.is_empty() {
            return Err(Error::Stale(format!("{} of its files are damaged", damaged.len())));
        }
        let writing = Writing::open(&index, folder, settings)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let snapshot = Arc::new(Snapshot::of(reader.searcher(), &fields)?);
        Ok(Index {
            fields,
            reader,
            writing: Mutex::new(writing),
            state: RwLock::new(State::of(snapshot, HashSet::new())),
            vectors: VectorsKept::default(),
            leaning: Leaning::of(settings),
            now_ms: Box::new(|| 0),
            #[cfg(any(test, debug_assertions))]
            uses_stock_statistics: false.into(),
        })
    }

    /// With the time, in milliseconds since the Unix epoch. Without it no page has an age.
    pub fn with_clock(self, now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Index {
        Index { now_ms: Box::new(now_ms), ..self }
    }

    /// Reads a passage again, under the reader's sight of today; `None` where it is not visible or no longer there.
    pub fn reread(&self, sight: &Visibility, id: &PassageId) -> Result<Option<Found>, Error> {
        let state = self.state();
        let view = self.view(&state, sight)?;
        let entries = state.snapshot.entries(&self.fields.of_passage(id))?;
        let seen = entries.into_iter().find(|(segment, doc)| view.passages[*segment].has(*doc));
        seen.map(|(segment, doc)| self.found(&state, &Hit::alone(segment, doc))).transpose()
    }

    /// A whole document, under the reader's sight.
    pub fn open_document(&self, sight: &Visibility, id: &DocumentId) -> Result<Option<Opened>, Error> {
        let state = self.state();
        let view = self.view(&state, sight)?;
        let Some((segment, doc)) = self.whole(&state, &view, id)? else { return Ok(None) };
        let document = self.fields.read_whole(&state.snapshot.stored(segment, doc)?)?;
        let mut passages = Vec::new();
        for (segment, doc) in state.snapshot.entries(&self.fields.of_document(id))? {
            if view.passages[segment].has(doc) {
                passages.push(self.fields.read_passage(&state.snapshot.stored(segment, doc)?)?.passage);
            }
        }
        passages.sort_by_key(|passage| passage.id.place);
        Ok(Some(Opened { document, class: state.snapshot.segments[segment].class(doc), passages }))
    }

    /// A document's head, under the reader's sight: the cheap way to ask whether it may be read today.
    pub fn head(&self, sight: &Visibility, id: &DocumentId) -> Result<Option<Head>, Error> {
        let state = self.state();
        let view = self.view(&state, sight)?;
        let whole = self.whole(&state, &view, id)?;
        whole.map(|(segment, doc)| self.fields.read_head(&state.snapshot.stored(segment, doc)?)).transpose()
    }

    /// The documents of a scope that `sight` admits, newest first, at most `most`: for example questions.
    pub fn newest(&self, sight: &Visibility, scope: &Scope, most: usize) -> Result<Vec<Head>, Error> {
        let state = self.state();
        let view = self.view(&state, sight)?;
        let narrowed = view.narrowed_wholes(&state.snapshot, &self.fields, scope)?;
        let mut wholes = Vec::new();
        for (n, segment) in state.snapshot.segments.iter().enumerate() {
            wholes.extend(narrowed[n].iter().map(|doc| (-i128::from(segment.updated(doc)), segment.key(doc), n, doc)));
        }
        wholes.sort_unstable();
        wholes.truncate(most);
        let head = |(_, _, segment, doc)| self.fields.read_head(&state.snapshot.stored(segment, doc)?);
        wholes.into_iter().map(head).collect()
    }

    /// The spaces in which `sight` admits at least one document of a scope, by key. A space that is called differently on several
    /// pages, as after a rename, has the name that the page changed last bears.
    pub fn spaces(&self, sight: &Visibility, scope: &Scope) -> Result<Vec<Space>, Error> {
        let state = self.state();
        let view = self.view(&state, sight)?;
        let wholes = view.narrowed_wholes(&state.snapshot, &self.fields, scope)?;
        let mut spaces: HashMap<String, (i64, String)> = HashMap::new();
        for (n, segment) in state.snapshot.segments.iter().enumerate() {
            for doc in wholes[n].iter() {
                let column = segment.space(doc)?.unwrap_or_default();
                let Some((key, name)) = Fields::space_of(&column) else { continue };
                let named = (segment.updated(doc), name.to_owned());
                let newest = spaces.entry(key.to_owned()).or_insert_with(|| named.clone());
                *newest = named.max(std::mem::take(newest));
            }
        }
        let mut spaces: Vec<Space> = spaces.into_iter().map(|(key, (_, name))| Space { key, name }).collect();
        spaces.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(spaces)
    }

    /// Takes a change.
    pub fn change(&self, change: Change<'_>) -> Result<(), Error> {
        let mut writing = self.writing();
        writing.begin()?;
        match change {
            Change::Replace(document, class, passages, vectors) => {
                writing.replace(&self.fields, document, class, passages, vectors)
            }
            Change::Reclass(id, class) => {
                if writing.touched.contains_key(id) {
                    let reached = writing.reached;
                    self.commit_with(&mut writing, reached)?;
                }
                writing.reclass(&self.fields, &self.state().snapshot, id, class)
            }
            Change::Withhold(id) => {
                writing.withhold(id);
                self.deny(id);
                Ok(())
            }
            Change::Remove(id) => {
                writing.remove(&self.fields, id);
                self.deny(id);
                Ok(())
            }
            Change::Vectors(vectors) => {
                let snapshot = self.state().snapshot.clone();
                for (id, vector) in vectors {
                    // A document that was changed meanwhile has other passages, or another class: it will be asked for
                    // again by `without_vectors`.
                    if matches!(writing.touched.get(&id.document), None | Some(Touch::Vectors)) {
                        writing.vector(&self.fields, &snapshot, id, vector)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Makes all changes so far visible and durable, with the number of the last one in the store. After an error none of
    /// the changes since the last commit is in the index: they must be made again from [`Index::reached`] on.
    pub fn commit(&self, reached: u64) -> Result<(), Error> {
        let mut writing = self.writing();
        writing.begin()?;
        self.commit_with(&mut writing, reached)
    }

    /// From now on so many changes and commits are taken, and each one after them fails.
    #[cfg(test)]
    pub fn fail_after(&self, writes: u64) {
        self.writing().writes_left = writes;
    }

    /// The number of the last change that is durable here; 0 for an empty index.
    pub fn reached(&self) -> u64 {
        self.writing().reached
    }

    /// Passages that have no vector yet, at most `most`, with the text to embed. They come in the order of numbers made of
    /// their ids: so of the pages that somebody may read, those that have vectors already are told by their number alone,
    /// and hidden pages may slow that number but not choose among them. Documents changed since the last commit are left
    /// out, so a batch of vectors is committed before the next is asked for.
    pub fn without_vectors(&self, most: usize) -> Result<Vec<(PassageId, String)>, Error> {
        let writing = self.writing();
        let snapshot = self.state().snapshot.clone();
        let entries = snapshot.entries(&tantivy::Term::from_field_text(self.fields.bare, "1"))?.into_iter();
        let mut entries: Vec<_> =
            entries.map(|(segment, doc)| (snapshot.segments[segment].key(doc), segment, doc)).collect();
        entries.sort_unstable();
        let mut bare = Vec::new();
        for (_, segment, doc) in entries {
            if bare.len() >= most {
                break;
            }
            let passage = self.fields.read_passage(&snapshot.stored(segment, doc)?)?.passage;
            if !writing.touched.contains_key(&passage.id.document) {
                let text = text_to_embed(&passage);
                bare.push((passage.id, text));
            }
        }
        Ok(bare)
    }

    /// How many passages have no vector yet: for the administrator's overview only.
    pub fn without_vectors_count(&self) -> Result<u64, Error> {
        let snapshot = self.state().snapshot.clone();
        Ok(snapshot.entries(&tantivy::Term::from_field_text(self.fields.bare, "1"))?.len() as u64)
    }

    /// From now on words are counted over all passages, as a search engine does that filters what it found. In no release:
    /// with it hidden pages must be felt, or a test of non-interference has no teeth.
    #[cfg(any(test, debug_assertions))]
    pub fn count_like_a_stock_engine(&self) {
        self.uses_stock_statistics.store(true, std::sync::atomic::Ordering::SeqCst);
        self.state().views.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many documents and passages there are: for the administrator's overview only.
    pub fn counts(&self) -> Result<(u64, u64), Error> {
        let snapshot = self.state().snapshot.clone();
        let segments = snapshot.segments.iter();
        Ok(segments.fold((0, 0), |(documents, passages), segment| {
            (documents + segment.wholes.count(), passages + segment.passages.count())
        }))
    }

    fn commit_with(&self, writing: &mut Writing, reached: u64) -> Result<(), Error> {
        let touched = writing.commit(reached)?;
        self.reader.reload()?;
        let snapshot = Arc::new(Snapshot::of(self.reader.searcher(), &self.fields)?);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut denied = state.denied.clone();
        denied.retain(|id| !matches!(touched.get(id), Some(Touch::Shown | Touch::Removed)));
        *state = State::of(snapshot, denied);
        Ok(())
    }

    /// From now on nobody finds the document: the next search already does not.
    fn deny(&self, id: &DocumentId) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut denied = match Arc::get_mut(&mut state) {
            Some(alone) => std::mem::take(&mut alone.denied),
            // A search that is under way keeps the state it began with.
            None => state.denied.clone(),
        };
        denied.insert(id.clone());
        *state = State::of(state.snapshot.clone(), denied);
    }

    fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a visibility admits now. Kept by its digest: two people who may read the same share it.
    fn view(&self, state: &State, sight: &Visibility) -> Result<Arc<View>, Error> {
        let digest = sight.digest();
        if let Some(view) = state.views.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(view.clone());
        }
        let view = View::of(&state.snapshot, &self.fields, sight, &state.denied)?;
        #[cfg(any(test, debug_assertions))]
        let view = if self.uses_stock_statistics.load(std::sync::atomic::Ordering::SeqCst) {
            view.with_stock_statistics(&state.snapshot)
        } else {
            view
        };
        let view = Arc::new(view);
        let mut views = state.views.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= VIEWS_MAX {
            views.clear();
        }
        views.insert(digest, view.clone());
        Ok(view)
    }

    fn whole(&self, state: &State, view: &View, id: &DocumentId) -> Result<Option<(usize, u32)>, Error> {
        let entries = state.snapshot.entries(&self.fields.of_whole(id))?;
        Ok(entries.into_iter().find(|(segment, doc)| view.wholes[*segment].has(*doc)))
    }

    fn found(&self, state: &State, hit: &Hit) -> Result<Found, Error> {
        let stored = self.fields.read_passage(&state.snapshot.stored(hit.segment, hit.doc)?)?;
        let class = state.snapshot.segments[hit.segment].class(hit.doc);
        Ok(Found { passage: stored.passage, head: Arc::new(stored.head), class, score: hit.score })
    }
}

/// A passage as the embedder reads it: what it stands in first, for the words alone may not say what they are about.
fn text_to_embed(passage: &Passage) -> String {
    let mut text = passage.title.clone();
    for heading in &passage.under {
        text.push_str(" > ");
        text.push_str(heading);
    }
    text.push('\n');
    text.push_str(&passage.text);
    text
}
