//! Scores the passages of a view and takes the best: by words in the passage, words in its page, the page's name, and
//! meaning.
//!
//! Every number here comes from the view and the passage itself; ties are broken by a number made of the passage's id. What
//! is skipped is only what cannot be among the best, so nothing that is skipped can be told from what is given.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Error;
use super::best::Best;
use super::bits::Bits;
use super::fields::Fields;
use super::scan::{self, Meant};
use super::snapshot::Snapshot;
use super::sums::{Scratch, Sums};
use super::vector::{Asked, Shelf, Vectors};
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

/// One thing that is looked for.
pub(super) struct Sought {
    pub(super) terms: Terms,
    pub(super) meaning: Option<Asked>,
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

impl<'a> Ranking<'a> {
    /// The best of `within`, best first: `most` of them, and those that tie with the last. `scratch` is memory used again.
    pub(super) fn best(
        &self,
        within: &[Bits],
        sought: &Sought,
        vectors: &[Arc<Vectors>],
        most: usize,
        scratch: &mut Vec<Scratch>,
    ) -> Result<Vec<Hit>, Error> {
        let (sums, most_of) = self.sums(within, sought, scratch)?;
        let worded = self.worded(&sums, most_of);
        let best = self.best_of(within, &sums, &worded, sought, vectors, most);
        scratch.push(sums.into_scratch());
        Ok(best)
    }

    /// The best by a sum of several scores, best first: of what is among the best `most` of any that counts for something.
    /// Each score is exact, so only what none of them would give is left out.
    pub(super) fn best_together(
        &self,
        within: &[Bits],
        sought: &[(Sought, f32)],
        vectors: &[Arc<Vectors>],
        most: usize,
        scratch: &mut Vec<Scratch>,
    ) -> Result<Vec<Hit>, Error> {
        let sums =
            sought.iter().map(|(sought, _)| self.sums(within, sought, scratch)).collect::<Result<Vec<_>, Error>>()?;
        let worded: Vec<Worded<'_>> = sums.iter().map(|(sums, most)| self.worded(sums, *most)).collect();
        let mut candidates: BTreeSet<(usize, u32)> = BTreeSet::new();
        for (n, (sought, weight)) in sought.iter().enumerate() {
            if *weight > 0.0 {
                let best = self.best_of(within, &sums[n].0, &worded[n], sought, vectors, most);
                candidates.extend(best.iter().map(|hit| (hit.segment, hit.doc)));
            }
        }
        let mut scores = vec![0.0; candidates.len()];
        for ((sought, weight), worded) in sought.iter().zip(&worded) {
            let shelves = shelves(sought, vectors);
            let meant = self.meant(within, worded, sought, &shelves);
            for (score, (segment, doc)) in scores.iter_mut().zip(&candidates) {
                let alone = match &meant {
                    Some(meant) => meant.score(*segment, *doc),
                    None => worded.of(*segment, *doc, self.snapshot.segments[*segment].pages[*doc as usize]).0,
                };
                *score += weight * alone;
            }
        }
        let hit = |((segment, doc), score): ((usize, u32), f32)| Hit {
            segment,
            doc,
            score: score.max(0.0),
            key: self.snapshot.segments[segment].key(doc),
        };
        let mut best = Best::new(candidates.len());
        candidates.into_iter().zip(scores).map(hit).for_each(|hit| best.take(hit));
        drop(worded);
        scratch.extend(sums.into_iter().map(|(sums, _)| sums.into_scratch()));
        Ok(best.into_sorted())
    }

    /// What the words of each candidate add up to, and the most that any has in its passage and in its page.
    fn sums(
        &self,
        within: &[Bits],
        sought: &Sought,
        scratch: &mut Vec<Scratch>,
    ) -> Result<(Sums<'a>, (f32, f32)), Error> {
        let scratch = scratch.pop().unwrap_or_default();
        let mut sums = Sums::of(self.snapshot, self.view, self.fields, self.weights, &sought.terms, scratch)?;
        let most = self.most(&sums, within);
        sums.add_identifiers(most.0);
        Ok((sums, most))
    }

    fn best_of(
        &self,
        within: &[Bits],
        sums: &Sums<'_>,
        worded: &Worded<'_>,
        sought: &Sought,
        vectors: &[Arc<Vectors>],
        most: usize,
    ) -> Vec<Hit> {
        let mut best = Best::new(most);
        for_each_met(sums, within, |segment, doc| {
            let of = &self.snapshot.segments[segment];
            let (score, _) = worded.of(segment, doc, of.pages[doc as usize]);
            if best.may_take(score) {
                best.take(Hit { segment, doc, score, key: of.key(doc) });
            }
        });
        let best = best.into_sorted();
        let shelves = shelves(sought, vectors);
        match self.meant(within, worded, sought, &shelves) {
            Some(meant) => scan::best(&meant, &best, most),
            None => best,
        }
    }

    fn meant<'m>(
        &'m self,
        within: &'m [Bits],
        worded: &'m Worded<'m>,
        sought: &'m Sought,
        shelves: &'m [Option<&'m Shelf>],
    ) -> Option<Meant<'m>> {
        let (asked, weight) = (sought.meaning.as_ref()?, self.weights.meaning);
        Some(Meant { snapshot: self.snapshot, within, worded, asked, shelves, weight })
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
    fn worded<'s>(&self, sums: &'s Sums<'_>, (passage_most, page_most): (f32, f32)) -> Worded<'s> {
        let mut pages = vec![0.0; sums.pages().len()];
        for page in sums.met_pages() {
            let at = *page as usize;
            pages[at] = self.weights.page * share(sums.pages()[at], page_most) + self.weights.name * sums.name(*page);
        }
        Worded { passages: sums.passages(), pages, passage_most }
    }
}

/// The vectors that can be compared with what is looked for, by segment.
fn shelves<'v>(sought: &Sought, vectors: &'v [Arc<Vectors>]) -> Vec<Option<&'v Shelf>> {
    sought.meaning.iter().flat_map(|asked| vectors.iter().map(|vectors| vectors.like(asked))).collect()
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
