//! What a search is given: a query and a scope.

use crate::corpus::{DocumentId, Kind};

/// What is looked for: words, and their vector when an embedder is ready.
#[derive(Debug, Clone)]
pub struct Query {
    /// The words, as the person wrote them; never query syntax.
    pub words: String,
    /// Their vector, of unit length.
    pub vector: Option<Box<[f32]>>,
}

/// What the asker or the application narrows to. It can only take away. Empty lists narrow nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Source names.
    pub sources: Vec<String>,
    /// Space keys, in any case.
    pub spaces: Vec<String>,
    /// Labels, in any case; any of them.
    pub labels: Vec<String>,
    /// Display names of who changed or made it, as far as either is kept, in any case.
    pub authors: Vec<String>,
    /// Kinds of content.
    pub kinds: Vec<Kind>,
    /// Changed at or after, milliseconds since the Unix epoch.
    pub updated_after: Option<i64>,
    /// Changed before.
    pub updated_before: Option<i64>,
    /// Made at or after, milliseconds since the Unix epoch. What is not known to be is left out.
    pub created_after: Option<i64>,
    /// Made before.
    pub created_before: Option<i64>,
    /// What it hangs on, or the page directly above it; any of them.
    pub parents: Vec<DocumentId>,
    /// Documents left out (an evaluation's `link_sources`).
    pub without: Vec<DocumentId>,
}
