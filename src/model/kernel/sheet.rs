//! Floats of several tokens, laid out as products come: strips of 32 features, in each all tokens.

use super::lanes::WIDTH;

/// Features of a strip.
pub(crate) const STRIP: usize = 2 * WIDTH;

/// Floats by feature and token. Features beyond the last, up to a whole strip, are there and mean nothing.
#[derive(Default)]
pub(crate) struct Sheet {
    tokens: usize,
    features: usize,
    cells: Vec<f32>,
}

impl Sheet {
    /// Makes room, filled with zeros.
    pub(crate) fn reset(&mut self, tokens: usize, features: usize) {
        (self.tokens, self.features) = (tokens, features);
        self.cells.clear();
        self.cells.resize(tokens * features.next_multiple_of(STRIP), 0.0);
    }

    /// The same, each token filled with these features.
    pub(crate) fn reset_to(&mut self, tokens: usize, features: &[f32]) {
        self.reset(tokens, features.len());
        for (strip, features) in self.strips().zip(features.chunks(STRIP)) {
            for cell in strip.chunks_exact_mut(STRIP) {
                cell[..features.len()].copy_from_slice(features);
            }
        }
    }

    /// How many tokens there are.
    pub(crate) fn tokens(&self) -> usize {
        self.tokens
    }

    /// How many features each has.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Each strip: 32 features of every token in turn.
    pub(crate) fn strips(&mut self) -> std::slice::ChunksExactMut<'_, f32> {
        self.cells.chunks_exact_mut((self.tokens * STRIP).max(1))
    }

    /// So many strips at a time.
    pub(super) fn pieces(&mut self, strips: usize) -> std::slice::ChunksMut<'_, f32> {
        self.cells.chunks_mut((self.tokens * STRIP * strips).max(1))
    }

    /// Writes a token's features into `to`, from feature `from` on.
    pub(crate) fn row(&self, token: usize, from: usize, to: &mut [f32]) {
        let mut at = from;
        let mut to = to;
        while !to.is_empty() {
            let within = at % STRIP;
            let (part, rest) = to.split_at_mut((STRIP - within).min(to.len()));
            let start = (at / STRIP * self.tokens + token) * STRIP + within;
            part.copy_from_slice(&self.cells[start..start + part.len()]);
            at += part.len();
            to = rest;
        }
    }

    /// Sets a token's features from feature 0 on.
    pub(crate) fn put_row(&mut self, token: usize, from: &[f32]) {
        for (strip, from) in from.chunks(STRIP).enumerate() {
            let start = (strip * self.tokens + token) * STRIP;
            self.cells[start..start + from.len()].copy_from_slice(from);
        }
    }
}
