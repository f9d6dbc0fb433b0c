//! What a document and a passage are, and how one is cut into the other.
//!
//! Always true here: a passage is never empty, never leaves its document's heading, and its id names the revision it was
//! cut from. Nothing here knows who may read what.
//!
//! Uses: nothing of ours. Begin at [`Document`], then [`cut()`].

mod cut;
mod document;
mod pack;

pub use cut::{Sizes, cut};
pub use document::{Block, Document, DocumentId, Kind, Link, Made, Passage, PassageId, Space};
