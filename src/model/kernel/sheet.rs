//! Floats of several tokens, laid out as products come: strips of 32 features, in each all tokens.

use super::lanes::WIDTH;
use super::shares::Strips;

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

    /// All strips, to be shared out.
    pub(super) fn run(&mut self) -> Cells<'_> {
        Cells { strip: (self.tokens * STRIP).max(1), first: 0, cells: &mut self.cells }
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

    /// The feature whose number is the largest; of equals the first, so that it is always the same. What is no number counts
    /// as less than any.
    pub(crate) fn largest(&self, token: usize) -> usize {
        let strip = |at: usize| {
            let start = (at * self.tokens + token) * STRIP;
            &self.cells[start..start + STRIP.min(self.features - at * STRIP)]
        };
        let strips = 0..self.features.div_ceil(STRIP);
        // Lane by lane, and in the second round without leaving early: so both are done with vectors.
        let mut lanes = [f32::NEG_INFINITY; STRIP];
        for at in strips.clone() {
            for (most, number) in lanes.iter_mut().zip(strip(at)) {
                *most = if *number > *most { *number } else { *most };
            }
        }
        let most = lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let has = |numbers: &[f32]| numbers.iter().fold(false, |found, number| found | (*number == most));
        let found = strips.clone().find(|at| has(strip(*at))).unwrap_or(0);
        found * STRIP + strip(found).iter().position(|number| *number == most).unwrap_or(0)
    }

    /// Sets a token's features from feature 0 on.
    pub(crate) fn put_row(&mut self, token: usize, from: &[f32]) {
        for (strip, from) in from.chunks(STRIP).enumerate() {
            let start = (strip * self.tokens + token) * STRIP;
            self.cells[start..start + from.len()].copy_from_slice(from);
        }
    }
}

/// Strips of a sheet behind each other.
pub(super) struct Cells<'s> {
    /// The number of the first.
    pub first: usize,
    /// All of theirs.
    pub cells: &'s mut [f32],
    /// Cells of one.
    strip: usize,
}

impl Strips for Cells<'_> {
    fn count(&self) -> usize {
        self.cells.len() / self.strip
    }

    fn split(self, first: usize) -> (Self, Self) {
        let first = first.min(self.count());
        let (cells, rest) = self.cells.split_at_mut(first * self.strip);
        let rest = Cells { first: self.first + first, cells: rest, strip: self.strip };
        (Cells { cells, ..self }, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_found_wherever_it_stands_and_of_equals_the_first() {
        for features in [1, 31, 32, 33, 100] {
            for (tokens, token) in [(1, 0), (3, 1)] {
                for at in 0..features {
                    let mut sheet = Sheet::default();
                    sheet.reset(tokens, features);
                    // What stands beyond the last feature means nothing.
                    sheet.cells.fill(9.0);
                    let mut row = vec![f32::NEG_INFINITY; features];
                    row[at..].fill(-3.0);
                    row[0] = if at == 0 { -3.0 } else { f32::NAN };
                    sheet.put_row(token, &row);

                    assert_eq!(sheet.largest(token), at, "of {features}");
                }
            }
        }
    }
}
