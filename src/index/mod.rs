//! Finds the passages that a visibility admits, as if no others existed.
//!
//! Uses: `corpus`, `acl`; keeps `tantivy`. Begin at [`Index`].

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::acl::{AclClass, Visibility};
use crate::corpus::{Document, DocumentId, Passage, PassageId, Space};

/// How the index is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Memory of the writer, in bytes.
    pub writer_bytes: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { writer_bytes: 64 << 20 }
    }
}

/// The index: derived from the store, in a folder of its own.
pub struct Index {}

/// What of a document stands beside each of its passages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The document.
    pub id: DocumentId,
    /// Its title.
    pub title: String,
    /// Its space.
    pub space: Space,
    /// Where a person opens the original.
    pub url: String,
    /// When it was changed last, in milliseconds since the Unix epoch.
    pub updated_ms: i64,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who changed it last.
    pub author: String,
}

/// A passage its asker may read. Only `index` makes one, and only through a [`Visibility`].
#[derive(Debug, Clone)]
pub struct Found {
    passage: Passage,
    head: Arc<Head>,
    class: AclClass,
    score: f32,
}

impl Found {
    /// The passage.
    pub fn passage(&self) -> &Passage {
        &self.passage
    }
    /// Its document.
    pub fn head(&self) -> &Head {
        &self.head
    }
    /// Its class.
    pub fn class(&self) -> AclClass {
        self.class
    }
    /// The fused score; comparable only within one search.
    pub fn score(&self) -> f32 {
        self.score
    }
    /// One made by hand, for the tests of rooms that are given what was found.
    #[cfg(test)]
    pub fn from_parts(passage: Passage, head: Head, class: AclClass, score: f32) -> Found {
        Found { passage, head: Arc::new(head), class, score }
    }
}

/// A whole document its asker may read. Only `index` makes one, and only through a [`Visibility`].
#[derive(Debug, Clone)]
pub struct Opened {
    document: Document,
    class: AclClass,
    passages: Vec<Passage>,
}

impl Opened {
    /// The document.
    pub fn document(&self) -> &Document {
        &self.document
    }
    /// Its class.
    pub fn class(&self) -> AclClass {
        self.class
    }
    /// Its passages, in order.
    pub fn passages(&self) -> &[Passage] {
        &self.passages
    }
}

/// What is looked for: words, and their vector when an embedder is ready.
#[derive(Debug, Clone)]
pub struct Query {
    /// The words, as the person wrote them; never query syntax.
    pub words: String,
    /// Their vector, of unit length.
    pub vector: Option<Box<[f32]>>,
}

/// What the asker or the application narrows to. It can only take away. Empty lists narrow nothing.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Source names.
    pub sources: Vec<String>,
    /// Space keys.
    pub spaces: Vec<String>,
    /// Labels; any of them.
    pub labels: Vec<String>,
    /// Display names of who changed it last.
    pub authors: Vec<String>,
    /// Changed at or after, milliseconds since the Unix epoch.
    pub updated_after: Option<i64>,
    /// Changed before.
    pub updated_before: Option<i64>,
    /// Documents left out (an evaluation's `link_sources`).
    pub without: Vec<DocumentId>,
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

impl Index {
    /// Opens or makes the index in a folder.
    pub fn open(folder: &Path, settings: &Settings) -> Result<Index, Error> {
        todo!("{folder:?} {settings:?}")
    }

    /// The best passages that `sight` admits, best first, at most `most`; a function of the visible documents alone.
    pub fn search(&self, sight: &Visibility, query: &Query, scope: &Scope, most: usize) -> Result<Vec<Found>, Error> {
        let _ = (sight, scope);
        todo!("{query:?} {most}")
    }

    /// Reads a passage again, under the reader's sight of today; `None` where it is not visible or no longer there.
    pub fn reread(&self, sight: &Visibility, id: &PassageId) -> Result<Option<Found>, Error> {
        let _ = sight;
        todo!("{id:?}")
    }

    /// A whole document, under the reader's sight.
    pub fn open_document(&self, sight: &Visibility, id: &DocumentId) -> Result<Option<Opened>, Error> {
        let _ = sight;
        todo!("{id:?}")
    }

    /// The documents that `sight` admits, newest first, at most `most`: for example questions.
    pub fn newest(&self, sight: &Visibility, most: usize) -> Result<Vec<Head>, Error> {
        let _ = sight;
        todo!("{most}")
    }

    /// The spaces in which `sight` admits at least one document, by key.
    pub fn spaces(&self, sight: &Visibility) -> Result<Vec<Space>, Error> {
        let _ = sight;
        todo!()
    }

    /// Takes a change.
    pub fn change(&self, change: Change<'_>) -> Result<(), Error> {
        todo!("{change:?}")
    }

    /// Makes all changes so far visible and durable, with the number of the last one in the store.
    pub fn commit(&self, reached: u64) -> Result<(), Error> {
        todo!("{reached}")
    }

    /// The number of the last change that is durable here; 0 for an empty index.
    pub fn reached(&self) -> u64 {
        todo!()
    }

    /// Passages that have no vector yet, at most `most`, with the text to embed.
    pub fn without_vectors(&self, most: usize) -> Result<Vec<(PassageId, String)>, Error> {
        todo!("{most}")
    }

    /// How many documents and passages there are: for the administrator's overview only.
    pub fn counts(&self) -> Result<(u64, u64), Error> {
        todo!()
    }
}
