//! Adds up what the words of a query are worth to each passage, to its page, and to the page's name.
//!
//! Every number here comes from the view and the passage itself. For one passage, additions are always made in the order of
//! the sorted terms, whatever other passages there are.

use tantivy::Term;
use tantivy::fieldnorm::FieldNormReader;

use super::Error;
use super::fields::Fields;
use super::rank::Weights;
use super::snapshot::{Snapshot, TITLE_TIMES, Text, each_block};
use super::view::View;
use super::words::Terms;

/// BM25's saturation and length constants, as its authors and most engines set them.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// The memory that sums are made in. It is as large as the snapshot, so it is used again; between two queries it is empty.
#[derive(Default)]
pub(super) struct Scratch {
    /// For each passage, by segment.
    passages: Vec<Vec<f32>>,
    /// The passages that have any of the words, by segment, each once, in no order that means anything.
    met: Vec<Vec<u32>>,
    /// For each page.
    pages: Vec<f32>,
    /// The pages that have any of the words, each once.
    met_pages: Vec<u32>,
    /// For each page: the rarity of those stems of the query that its title has, and their number.
    names: Vec<(f32, u32)>,
    /// How often the term at hand stands in each page; zero between two terms.
    times: Vec<f32>,
    /// What of the term at hand was met, by segment.
    found: Vec<Vec<(u32, f32)>>,
    above: Vec<(u32, f32)>,
    merged: Vec<(u32, f32)>,
    of_pages: Vec<u32>,
}

impl Scratch {
    fn fit(&mut self, snapshot: &Snapshot) {
        let (segments, pages) = (&snapshot.segments, snapshot.page_lengths.len());
        if self.passages.len() != segments.len() || self.pages.len() != pages {
            let passages = segments.iter().map(|segment| vec![0.0; segment.count() as usize]).collect();
            *self = Scratch { passages, ..Scratch::default() };
            self.met.resize_with(segments.len(), Vec::new);
            self.found.resize_with(segments.len(), Vec::new);
            (self.pages, self.names, self.times) = (vec![0.0; pages], vec![(0.0, 0); pages], vec![0.0; pages]);
        }
    }

    /// Makes it empty again, by what was met alone.
    fn clear(&mut self) {
        for (sums, met) in self.passages.iter_mut().zip(&mut self.met) {
            met.drain(..).for_each(|doc| sums[doc as usize] = 0.0);
        }
        for page in self.met_pages.drain(..) {
            (self.pages[page as usize], self.names[page as usize]) = (0.0, (0.0, 0));
        }
    }
}

/// The sums of one query.
pub(super) struct Sums<'a> {
    snapshot: &'a Snapshot,
    view: &'a View,
    fields: &'a Fields,
    weights: Weights,
    scratch: Scratch,
    /// The rarity of all stems of the query.
    query: f32,
}

impl<'a> Sums<'a> {
    /// `scratch` is of this snapshot, or new.
    pub(super) fn of(
        snapshot: &'a Snapshot,
        view: &'a View,
        fields: &'a Fields,
        weights: Weights,
        terms: &Terms,
        mut scratch: Scratch,
    ) -> Result<Sums<'a>, Error> {
        scratch.fit(snapshot);
        let mut sums = Sums { snapshot, view, fields, weights, scratch, query: 0.0 };
        for stem in &terms.stems {
            sums.add_stem(stem)?;
        }
        for form in &terms.forms {
            sums.add_form(form)?;
        }
        Ok(sums)
    }

    /// The sum of each passage, by segment.
    pub(super) fn passages(&self) -> &[Vec<f32>] {
        &self.scratch.passages
    }

    /// The passages that have any of the words, by segment, each once, in no order that means anything.
    pub(super) fn met(&self) -> &[Vec<u32>] {
        &self.scratch.met
    }

    /// The sum of each page.
    pub(super) fn pages(&self) -> &[f32] {
        &self.scratch.pages
    }

    /// The pages that have any of the words, each once.
    pub(super) fn met_pages(&self) -> &[u32] {
        &self.scratch.met_pages
    }

    /// The memory, empty again.
    pub(super) fn into_scratch(self) -> Scratch {
        let mut scratch = self.scratch;
        scratch.clear();
        scratch
    }

    /// How much a page is called what is asked for, 0 to 1: the share of the query that its title has, times the share of
    /// the title that the query has. People ask for pages by their names, and nearly a name is not yet one.
    pub(super) fn name(&self, page: u32) -> f32 {
        let (rarity, stems) = self.scratch.names[page as usize];
        if stems == 0 {
            return 0.0;
        }
        let title_length = self.snapshot.title_lengths[page as usize];
        rarity / self.query * (stems as f32 / title_length.max(1) as f32).min(1.0)
    }

    /// BM25F (Robertson, Zaragoza and Taylor 2004) for passages; BM25 for pages, a title counting three times.
    fn add_stem(&mut self, stem: &str) -> Result<(), Error> {
        let (snapshot, view) = (self.snapshot, self.view);
        let Weights { title, headings, body, .. } = self.weights;
        let statistics = &view.statistics;
        let worth = |weight: f32, sum: u64| Worth::of(weight, mean(sum, statistics.passages));
        let of_title = (Term::from_field_text(self.fields.title, stem), worth(title, statistics.title));
        let of_headings = (Term::from_field_text(self.fields.headings, stem), worth(headings, statistics.headings));
        let of_body = (Term::from_field_text(self.fields.body, stem), worth(body, statistics.body));

        let mut of_titles = Vec::new();
        let Scratch { found, above, merged, of_pages, times: of_page, .. } = &mut self.scratch;
        for (n, segment) in snapshot.segments.iter().enumerate() {
            let mut add_to_page = |doc: u32, times: u32| {
                let page = segment.pages[doc as usize];
                let Some(sum) = of_page.get_mut(page as usize) else { return };
                if *sum == 0.0 {
                    of_pages.push(page);
                }
                // Whole numbers well below 2^24: exact, so that the order of the segments is not felt.
                *sum += times as f32;
            };
            // Title and headings have a few words and the body many: the few are at hand before the body is gone through.
            above.clear();
            each(view, n, &segment.title, &of_title.0, |doc, times| {
                above.push((doc, of_title.1.of_times(times, segment.title.lengths(), doc)));
                if segment.firsts.has(doc) {
                    add_to_page(doc, times * TITLE_TIMES);
                    of_titles.push(segment.pages[doc as usize]);
                }
            })?;
            merged.clear();
            let mut merge = Merge::new(above, merged);
            each(view, n, &segment.headings, &of_headings.0, |doc, times| {
                merge.add(doc, of_headings.1.of_times(times, segment.headings.lengths(), doc));
                add_to_page(doc, times);
            })?;
            merge.end();
            found[n].clear();
            let mut merge = Merge::new(merged, &mut found[n]);
            each(view, n, &segment.body, &of_body.0, |doc, times| {
                merge.add(doc, of_body.1.of_times(times, segment.body.lengths(), doc));
                add_to_page(doc, times);
            })?;
            merge.end();
        }

        self.add_to_passages(1.0);
        let Scratch { of_pages, times: of_page, pages, met_pages, names, .. } = &mut self.scratch;
        let weight = rarity(statistics.pages, of_pages.len() as u64);
        self.query += weight;
        for page in of_titles {
            let Some((rarity, stems)) = names.get_mut(page as usize) else { continue };
            *rarity += weight;
            *stems += 1;
        }
        let mean = mean(statistics.page, statistics.pages);
        for page in of_pages.drain(..) {
            let at = page as usize;
            let times = std::mem::take(&mut of_page[at]);
            if pages[at] == 0.0 {
                met_pages.push(page);
            }
            pages[at] += weight * saturated(times, length_share(snapshot.page_lengths[at], mean));
        }
        Ok(())
    }

    /// BM25 over exact forms.
    fn add_form(&mut self, form: &str) -> Result<(), Error> {
        let statistics = &self.view.statistics;
        let worth = Worth::of(1.0, mean(statistics.exact, statistics.passages));
        let term = Term::from_field_text(self.fields.exact, form);
        for ((n, segment), found) in self.snapshot.segments.iter().enumerate().zip(&mut self.scratch.found) {
            found.clear();
            each(self.view, n, &segment.exact, &term, |doc, times| {
                found.push((doc, worth.of_times(times, segment.exact.lengths(), doc)));
            })?;
        }
        self.add_to_passages(self.weights.exact);
        Ok(())
    }

    /// Adds what was met of a term, whose rarity is known now that all of it was.
    fn add_to_passages(&mut self, weight: f32) {
        let Scratch { found, passages, met, .. } = &mut self.scratch;
        let count = found.iter().map(|found| found.len() as u64).sum();
        let weight = weight * rarity(self.view.statistics.passages, count);
        for ((found, sums), met) in found.iter().zip(passages).zip(met) {
            for (doc, times) in found {
                let sum = &mut sums[*doc as usize];
                if *sum == 0.0 {
                    met.push(*doc);
                }
                *sum += weight * saturated(*times, 1.0);
            }
        }
    }
}

/// Each passage of the view that bears a term, with how often it does, ascending.
fn each(view: &View, segment: usize, text: &Text, term: &Term, mut each: impl FnMut(u32, u32)) -> Result<(), Error> {
    each_block(text, term, |docs, times| {
        for (doc, times) in docs.iter().zip(times) {
            if view.counts(segment, *doc) {
                each(*doc, *times);
            }
        }
    })
}

/// What a word is worth in a field, by how long the field is: for each of the lengths that a byte can tell.
struct Worth([f32; 256]);

impl Worth {
    fn of(weight: f32, mean: f32) -> Worth {
        Worth(std::array::from_fn(|id| weight / length_share(FieldNormReader::id_to_fieldnorm(id as u8), mean)))
    }

    fn of_times(&self, times: u32, lengths: &FieldNormReader, doc: u32) -> f32 {
        self.0[lengths.fieldnorm_id(doc) as usize] * times as f32
    }
}

/// Joins two ascending lists; where both have a passage, the first list's number is added first.
struct Merge<'a> {
    first: std::slice::Iter<'a, (u32, f32)>,
    out: &'a mut Vec<(u32, f32)>,
}

impl<'a> Merge<'a> {
    #[inline]
    fn new(first: &'a [(u32, f32)], out: &'a mut Vec<(u32, f32)>) -> Merge<'a> {
        Merge { first: first.iter(), out }
    }

    #[inline]
    fn add(&mut self, doc: u32, number: f32) {
        let mut sum = number;
        while let Some((other, before)) = self.first.as_slice().first().filter(|(other, _)| *other <= doc) {
            if *other < doc {
                self.out.push((*other, *before));
            } else {
                sum = before + number;
            }
            self.first.next();
        }
        self.out.push((doc, sum));
    }

    fn end(self) {
        self.out.extend(self.first);
    }
}

fn mean(sum: u64, count: u64) -> f32 {
    (sum as f64 / count.max(1) as f64) as f32
}

/// How long something is, against the mean, as far as length counts; 1 for the mean.
fn length_share(length: u32, mean: f32) -> f32 {
    let share = if mean > 0.0 { length as f32 / mean } else { 1.0 };
    1.0 - B + B * share
}

/// How much so many times are worth in a text of this length, from 0 to just above 2.
fn saturated(times: f32, length_share: f32) -> f32 {
    times * (K1 + 1.0) / (times + K1 * length_share)
}

/// BM25's inverse document frequency, in the form that is never negative. `having` is at most `of`, except in the control.
fn rarity(of: u64, having: u64) -> f32 {
    let (of, having) = (of as f64, having as f64);
    (1.0 + ((of - having).max(0.0) + 0.5) / (having + 0.5)).ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_lists_are_ascending_and_what_both_have_is_added_in_their_order() {
        let mut out = Vec::new();
        let mut merge = Merge::new(&[(1, 0.5), (4, 1.0), (9, 2.0)], &mut out);
        for (doc, number) in [(0, 1.0), (4, 3.0), (5, 4.0)] {
            merge.add(doc, number);
        }
        merge.end();

        assert_eq!(out, [(0, 1.0), (1, 0.5), (4, 4.0), (5, 4.0), (9, 2.0)]);
    }
}
