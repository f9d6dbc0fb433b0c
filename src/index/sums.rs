//! Adds up what the words of a query are worth to each passage, to its page, and to the page's name.
//!
//! Every number here comes from the view and the passage itself. For one passage, additions are always made in the order of
//! the sorted terms, whatever other passages there are.

use tantivy::Term;
use tantivy::fieldnorm::FieldNormReader;

use super::Error;
use super::fields::Fields;
use super::rank::Weights;
use super::snapshot::{Segment, Snapshot, TITLE_TIMES, Text, each_block};
use super::view::View;
use super::words::{Stem, Terms};

/// BM25's saturation and length constants, as its authors and most engines set them.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// With fewer entries nothing is sought by a second thread: starting one takes longer.
const ALONE: u32 = 16_384;

/// Passages that bear a term, ascending, each with what that is worth before it is saturated.
type Met = Vec<(u32, f32)>;

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
    found: Vec<Met>,
    /// The most that any passage has, and any page.
    most: (f32, f32),
    above: Met,
    merged: Met,
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
        self.most = (0.0, 0.0);
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
    /// What bears each of the query's identifiers.
    identifiers: Vec<Vec<Met>>,
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
        let mut sums = Sums { snapshot, view, fields, weights, scratch, query: 0.0, identifiers: Vec::new() };
        let seek =
            || terms.forms.iter().map(|form| forms_found(snapshot, view, fields, &form.text)).collect::<Result<_, _>>();
        // What bears the exact forms is sought beside the stems; it is added after them, in the order of the forms.
        let forms: Vec<Vec<Met>> = if snapshot.segments.iter().map(Segment::count).sum::<u32>() < ALONE {
            terms.stems.iter().try_for_each(|stem| sums.add_stem(stem))?;
            seek()?
        } else {
            std::thread::scope(|scope| {
                let seeking = scope.spawn(seek);
                let added = terms.stems.iter().try_for_each(|stem| sums.add_stem(stem));
                let forms = seeking.join().expect("seeking does not panic");
                added.and(forms)
            })?
        };
        for (form, found) in terms.forms.iter().zip(forms) {
            sums.scratch.found = found;
            sums.add_to_passages(weights.exact);
            if form.is_identifier && sums.scratch.found.iter().any(|found| !found.is_empty()) {
                sums.identifiers.push(sums.scratch.found.clone());
            }
        }
        Ok(sums)
    }

    /// Adds what the identifiers are worth, for the passages that bear them, where the best sum by words is `most`. One
    /// that stands in a single passage counts whole; the more bear it, the less it tells them apart.
    pub(super) fn add_identifiers(&mut self, most: f32) {
        let all = self.view.statistics.passages;
        let each = self.weights.identifier / self.identifiers.len().max(1) as f32;
        for identifier in &self.identifiers {
            let count = identifier.iter().map(|found| found.len() as u64).sum();
            let worth = each * (rarity(all, count) / rarity(all, 1)).min(1.0);
            for (found, sums) in identifier.iter().zip(&mut self.scratch.passages) {
                found.iter().for_each(|(doc, _)| sums[*doc as usize] += worth * most);
            }
        }
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

    /// The most that any passage of the view has, and any page of it.
    pub(super) fn most(&self) -> (f32, f32) {
        self.scratch.most
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
    fn add_stem(&mut self, stem: &Stem) -> Result<(), Error> {
        let (snapshot, view) = (self.snapshot, self.view);
        let Weights { title, headings, body, .. } = self.weights;
        let statistics = &view.statistics;
        let worth = |weight: f32, sum: u64| Worth::of(weight, mean(sum, statistics.passages));
        let terms = |field| -> Vec<Term> { stem.forms.iter().map(|form| Term::from_field_text(field, form)).collect() };
        let of_title = (terms(self.fields.title), worth(title, statistics.title));
        let of_headings = (terms(self.fields.headings), worth(headings, statistics.headings));
        let of_body = (terms(self.fields.body), worth(body, statistics.body));

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
            each_of(view, n, &segment.title, &of_title.0, |docs, times| {
                above.extend(of_title.1.of_each(docs, times, segment.title.lengths()));
                for (doc, times) in docs.iter().zip(times).filter(|(doc, _)| segment.firsts.has(**doc)) {
                    add_to_page(*doc, times * TITLE_TIMES);
                    of_titles.push(segment.pages[*doc as usize]);
                }
            })?;
            merged.clear();
            let mut merge = Merge::new(above, merged);
            each_of(view, n, &segment.headings, &of_headings.0, |docs, times| {
                merge.add(docs, of_headings.1.of_each(docs, times, segment.headings.lengths()));
                docs.iter().zip(times).for_each(|(doc, times)| add_to_page(*doc, *times));
            })?;
            merge.end();
            found[n].clear();
            let mut merge = Merge::new(merged, &mut found[n]);
            each_of(view, n, &segment.body, &of_body.0, |docs, times| {
                merge.add(docs, of_body.1.of_each(docs, times, segment.body.lengths()));
                docs.iter().zip(times).for_each(|(doc, times)| add_to_page(*doc, *times));
            })?;
            merge.end();
        }

        self.add_to_passages(1.0);
        let Scratch { of_pages, times: of_page, pages, met_pages, names, most, .. } = &mut self.scratch;
        let weight = rarity(statistics.pages, of_pages.len() as u64);
        if !(stem.is_stop && of_pages.is_empty()) {
            self.query += weight;
        }
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
            most.1 = most.1.max(pages[at]);
        }
        Ok(())
    }

    /// Adds what was met of a term, whose rarity is known now that all of it was.
    fn add_to_passages(&mut self, weight: f32) {
        let Scratch { found, passages, met, most, .. } = &mut self.scratch;
        let count = found.iter().map(|found| found.len() as u64).sum();
        let weight = weight * rarity(self.view.statistics.passages, count);
        for ((found, sums), met) in found.iter().zip(passages).zip(met) {
            let mut count = met.len();
            // Written in any case and kept where it is new: which passages have the words before is no pattern to be guessed.
            met.resize(count + found.len(), 0);
            for (doc, times) in found {
                let sum = &mut sums[*doc as usize];
                met[count] = *doc;
                count += usize::from(*sum == 0.0);
                *sum += weight * saturated(*times, 1.0);
                most.0 = most.0.max(*sum);
            }
            met.truncate(count);
        }
    }
}

/// What bears an exact form, by segment: for BM25 over the whole passage.
fn forms_found(snapshot: &Snapshot, view: &View, fields: &Fields, form: &str) -> Result<Vec<Met>, Error> {
    let worth = Worth::of(1.0, mean(view.statistics.exact, view.statistics.passages));
    let term = Term::from_field_text(fields.exact, form);
    let of_segment = |(n, segment): (usize, &Segment)| {
        let mut found = Vec::new();
        each(view, n, &segment.exact, &term, |docs, times| {
            found.extend(worth.of_each(docs, times, segment.exact.lengths()));
        })?;
        Ok(found)
    };
    snapshot.segments.iter().enumerate().map(of_segment).collect()
}

/// The same for a word that has a stem in several languages: a passage that bears more than one of them comes once.
fn each_of(
    view: &View,
    segment: usize,
    text: &Text,
    terms: &[Term],
    mut each_block: impl FnMut(&[u32], &[u32]),
) -> Result<(), Error> {
    if let [term] = terms {
        return each(view, segment, text, term, each_block);
    }
    let mut all: Vec<(u32, u32)> = Vec::new();
    for term in terms {
        each(view, segment, text, term, |docs, times| {
            all.extend(docs.iter().copied().zip(times.iter().copied()));
        })?;
    }
    // Ascending runs, one for each term: a stable sort finds and merges them.
    all.sort_by_key(|(doc, _)| *doc);
    all.dedup_by(|(next, more), (doc, times)| {
        let is_same = next == doc;
        *times += if is_same { *more } else { 0 };
        is_same
    });
    let (docs, times): (Vec<u32>, Vec<u32>) = all.into_iter().unzip();
    docs.chunks(BLOCK).zip(times.chunks(BLOCK)).for_each(|(docs, times)| each_block(docs, times));
    Ok(())
}

/// Each passage of the view that bears a term, with how often it does: ascending, up to 128 at once.
fn each(
    view: &View,
    segment: usize,
    text: &Text,
    term: &Term,
    mut each: impl FnMut(&[u32], &[u32]),
) -> Result<(), Error> {
    let (mut seen, mut of_seen) = ([0; BLOCK], [0; BLOCK]);
    each_block(text, term, |docs, times| {
        for (docs, times) in docs.chunks(BLOCK).zip(times.chunks(BLOCK)) {
            let mut count = 0;
            for (doc, times) in docs.iter().zip(times) {
                // Written in any case and kept where it is seen: which passages are seen is no pattern to be guessed.
                (seen[count], of_seen[count]) = (*doc, *times);
                count += usize::from(view.counts(segment, *doc));
            }
            if count > 0 {
                each(&seen[..count], &of_seen[..count]);
            }
        }
    })
}

/// Postings looked at together.
const BLOCK: usize = 128;

/// What a word is worth in a field, by how long the field is: for each of the lengths that a byte can tell.
struct Worth([f32; 256]);

impl Worth {
    fn of(weight: f32, mean: f32) -> Worth {
        Worth(std::array::from_fn(|id| weight / length_share(FieldNormReader::id_to_fieldnorm(id as u8), mean)))
    }

    fn of_each<'a>(
        &'a self,
        docs: &'a [u32],
        times: &'a [u32],
        lengths: &'a FieldNormReader,
    ) -> impl Iterator<Item = (u32, f32)> + 'a {
        let worth = |(doc, times): (&u32, &u32)| (*doc, self.0[lengths.fieldnorm_id(*doc) as usize] * *times as f32);
        docs.iter().zip(times).map(worth)
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

    /// Adds the second list's next passages; `numbers` are of `docs`.
    #[inline]
    fn add(&mut self, docs: &[u32], numbers: impl Iterator<Item = (u32, f32)>) {
        // Most words of most bodies are in no title and no heading near them.
        if docs.last().is_some_and(|last| self.first.as_slice().first().is_none_or(|(other, _)| last < other)) {
            self.out.extend(numbers);
            return;
        }
        for (doc, number) in numbers {
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
        merge.add(&[0], [(0, 1.0)].into_iter());
        merge.add(&[4, 5], [(4, 3.0), (5, 4.0)].into_iter());
        merge.add(&[6, 7], [(6, 1.0), (7, 1.0)].into_iter());
        merge.end();

        assert_eq!(out, [(0, 1.0), (1, 0.5), (4, 4.0), (5, 4.0), (6, 1.0), (7, 1.0), (9, 2.0)]);
    }
}
