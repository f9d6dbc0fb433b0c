//! Cutting a document into passages, by heading.

use super::{Document, Passage};

/// How large a passage may be, in words.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Where a passage is ended at the next sentence.
    pub words_wanted: usize,
    /// No passage is longer, save a single unbroken code block of up to half as much again.
    pub words_max: usize,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { words_wanted: 130, words_max: 220 }
    }
}

/// Cuts a document into passages, in reading order.
pub fn cut(document: &Document, sizes: Sizes) -> Vec<Passage> {
    todo!("{document:?} {sizes:?}")
}

/// The whole document as plain text, as the passages write it.
pub fn plain_text(document: &Document) -> String {
    todo!("{document:?}")
}
