//! Scores the passages of a view and takes the best: by words in the passage, words in its page, the page's name, and
//! meaning.
//!
//! Every number here comes from the view and the passage itself; ties are broken by a number made of the passage's id. What
//! is skipped is only what cannot be among the best, so nothing that is skipped can be told from what is given.

use std::sync::Arc;

use super::Error;
use super::best::Best;
use super::bits::Bits;
use super::fields::Fields;
use super::scan::{self, Meant};
use super::snapshot::Snapshot;
use super::sums::{Scratch, Sums};
use super::vector::{Asked, Vectors};
use super::view::View;
use super::words::Terms;

/// What the parts of a score count. They are constants of the product, not fitted to anybody's pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    /// A word in the title, in a heading, in the body.
    pub(super) title: f32,
    pub(super) headings: f32,
    pub(super) body: f32,
    /// A word in its exact form, beside its stem.
    pub(super) exact: f32,
    /// A name that somebody gave a thing, in its exact form: as much as all that words are worth otherwise.
    pub(super) identifier: f32,
    /// The words in the whole page, beside those in the passage.
    pub(super) page: f32,
    /// A page that is called what is asked for.
    pub(super) name: f32,
    /// The meaning, beside the words.
    pub(super) meaning: f32,
}

pub(super) const WEIGHTS: Weights =
    Weights { title: 3.0, headings: 2.0, body: 1.0, exact: 0.3, identifier: 3.0, page: 1.0, name: 1.0, meaning: 2.0 };

/// Below this cosine two texts have no more to do with each other than any two: they are not found by meaning alone.
pub(super) const COSINE_MIN: f32 = 0.2;

/// A passage that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) segment: usize,
    pub(super) doc: u32,
    pub(super) score: f32,
    pub(super) key: u64,
}

impl Hit {
    /// A passage that was asked for by its id.
    pub(super) fn alone(segment: usize, doc: u32) -> Hit {
        Hit { segment, doc, score: 0.0, key: 0 }
    }
}

/// What a search looks through.
pub(super) struct Ranking<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) view: &'a View,
    pub(super) fields: &'a Fields,
    pub(super) weights: Weights,
}

/// What words alone are worth, in the measure of the final score.
pub(super) struct Worded<'a> {
    passages: &'a [Vec<f32>],
    /// For each page: what its words and its name are worth.
    pages: Vec<f32>,
    passage_most: f32,
}

impl Worded<'_> {
    /// For one passage of a page; and whether it has any of the words.
    #[inline(always)]
    pub(super) fn of(&self, segment: usize, doc: u32, page: u32) -> (f32, bool) {
        let words = self.passages[segment][doc as usize];
        let page = self.pages.get(page as usize).copied().unwrap_or(0.0);
        (share(words, self.passage_most) + page, words > 0.0)
    }
}

impl Ranking<'_> {
    /// The best of `within`, best first: `most` of them, and those that tie with the last. `scratch` is memory used again.
    pub(super) fn best(
        &self,
        within: &[Bits],
        terms: &Terms,
        meaning: Option<(&Asked, &[Arc<Vectors>])>,
        most: usize,
        scratch: &mut Scratch,
    ) -> Result<Vec<Hit>, Error> {
        let mut sums = Sums::of(self.snapshot, self.view, self.fields, self.weights, terms, std::mem::take(scratch))?;
        let most_of = self.most(&sums, within);
        sums.add_identifiers(most_of.0);
        let worded = self.worded(&sums, most_of);
        let mut best = Best::new(most);
        for_each_met(&sums, within, |segment, doc| {
            let of = &self.snapshot.segments[segment];
            let (score, _) = worded.of(segment, doc, of.pages[doc as usize]);
            if best.may_take(score) {
                best.take(Hit { segment, doc, score, key: of.key(doc) });
            }
        });
        let mut best = best.into_sorted();
        if let Some((asked, vectors)) = meaning {
            let shelves: Vec<_> = vectors.iter().map(|vectors| vectors.like(asked)).collect();
            let weight = self.weights.meaning;
            let meant = Meant { snapshot: self.snapshot, within, worded: &worded, asked, shelves: &shelves, weight };
            best = scan::best(&meant, &best, most);
        }
        *scratch = sums.into_scratch();
        Ok(best)
    }

    /// The most that any candidate has in its passage, and in its page.
    fn most(&self, sums: &Sums<'_>, within: &[Bits]) -> (f32, f32) {
        if std::ptr::eq(within, self.view.passages.as_slice()) {
            return sums.most();
        }
        let (mut passage_most, mut page_most) = (0f32, 0f32);
        for_each_met(sums, within, |segment, doc| {
            passage_most = passage_most.max(sums.passages()[segment][doc as usize]);
            let page = self.snapshot.segments[segment].pages[doc as usize];
            page_most = page_most.max(sums.pages()[page as usize]);
        });
        (passage_most, page_most)
    }

    /// The best of each kind among the candidates is one, so that long and short queries weigh alike.
    fn worded<'a>(&self, sums: &'a Sums<'_>, (passage_most, page_most): (f32, f32)) -> Worded<'a> {
        let mut pages = vec![0.0; sums.pages().len()];
        for page in sums.met_pages() {
            let at = *page as usize;
            pages[at] = self.weights.page * share(sums.pages()[at], page_most) + self.weights.name * sums.name(*page);
        }
        Worded { passages: sums.passages(), pages, passage_most }
    }
}

/// Each candidate that has any of the words.
fn for_each_met(sums: &Sums<'_>, within: &[Bits], mut each: impl FnMut(usize, u32)) {
    for (segment, (met, bits)) in sums.met().iter().zip(within).enumerate() {
        met.iter().filter(|doc| bits.has(**doc)).for_each(|doc| each(segment, *doc));
    }
}

fn share(score: f32, most: f32) -> f32 {
    if most > 0.0 { score / most } else { 0.0 }
}
