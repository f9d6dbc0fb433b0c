//! What a search gives: passages and documents that were admitted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::acl::AclClass;
use crate::corpus::{Document, DocumentId, Kind, Made, Passage, Space};

/// What of a document stands beside each of its passages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The document.
    pub id: DocumentId,
    /// What it was in its source.
    pub kind: Kind,
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
    /// When it was made, and by whom.
    #[serde(default)]
    pub made: Made,
    /// What it hangs on, else the page directly above it.
    #[serde(default)]
    pub parent: Option<DocumentId>,
}

impl Head {
    /// The head of a document.
    pub(super) fn of(document: &Document) -> Head {
        Head {
            id: document.id.clone(),
            kind: document.kind,
            title: document.title.clone(),
            space: document.space.clone(),
            url: document.url.clone(),
            updated_ms: document.updated_ms,
            labels: document.labels.clone(),
            author: document.author.clone(),
            made: document.made.clone(),
            parent: document.parent().cloned(),
        }
    }
}

/// A passage its asker may read. Only `index` makes one, and only through a [`Visibility`](crate::acl::Visibility).
#[derive(Debug, Clone)]
pub struct Found {
    pub(super) passage: Passage,
    pub(super) head: Arc<Head>,
    pub(super) class: AclClass,
    pub(super) score: f32,
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

/// A whole document its asker may read. Only `index` makes one, and only through a [`Visibility`](crate::acl::Visibility).
#[derive(Debug, Clone)]
pub struct Opened {
    pub(super) document: Document,
    pub(super) class: AclClass,
    pub(super) passages: Vec<Passage>,
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
