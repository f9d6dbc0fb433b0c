//! Scores the passages of a view and takes the best: by words in the passage, words in its page, the page's name, and
//! meaning.
//!
//! Every number here comes from the view and the passage itself. For one passage, additions are always made in the order of
//! the sorted terms, whatever other passages there are; ties are broken by a number made of the passage's id.

use std::sync::Arc;

use tantivy::Term;
use tantivy::schema::Field;

use super::Error;
use super::bits::Bits;
use super::fields::Fields;
use super::snapshot::{Segment, Snapshot, TITLE_TIMES, Text, each_with_times};
use super::vector::{Asked, Vectors};
use super::view::View;
use super::words::Terms;

/// BM25's saturation and length constants, as its authors and most engines set them.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// What the parts of a score count. They are constants of the product, not fitted to anybody's pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    /// A word in the title, in a heading, in the body.
    pub(super) title: f32,
    pub(super) headings: f32,
    pub(super) body: f32,
    /// A word in its exact form, beside its stem.
    pub(super) exact: f32,
    /// The words in the whole page, beside those in the passage.
    pub(super) page: f32,
    /// A page that is called what is asked for.
    pub(super) name: f32,
    /// The meaning, beside the words.
    pub(super) meaning: f32,
}

pub(super) const WEIGHTS: Weights =
    Weights { title: 3.0, headings: 2.0, body: 1.0, exact: 0.3, page: 1.0, name: 1.0, meaning: 2.0 };

/// Below this cosine two texts have no more to do with each other than any two: they are not found by meaning alone.
const COSINE_MIN: f32 = 0.2;

/// A passage that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) segment: usize,
    pub(super) doc: u32,
    pub(super) score: f32,
    key: u64,
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

/// The sums so far.
struct Sums {
    /// For each passage, by segment.
    passages: Vec<Vec<f32>>,
    pages: Vec<f32>,
    /// For each page: the rarity of those stems of the query that its title has, and their number.
    names: Vec<(f32, u32)>,
    /// The rarity of all stems of the query.
    query: f32,
}

impl Sums {
    /// How much a page is called what is asked for, 0 to 1: the share of the query that its title has, times the share of
    /// the title that the query has. People ask for pages by their names, and nearly a name is not yet one.
    fn name(&self, page: usize, title_length: u32) -> f32 {
        let (rarity, stems) = self.names[page];
        if stems == 0 {
            return 0.0;
        }
        rarity / self.query * (stems as f32 / title_length.max(1) as f32).min(1.0)
    }
}

impl Ranking<'_> {
    /// The best of `within`, best first: `most` of them, and those that tie with the last.
    pub(super) fn best(
        &self,
        within: &[Bits],
        terms: &Terms,
        meaning: Option<(&Asked, &[Arc<Vectors>])>,
        most: usize,
    ) -> Result<Vec<Hit>, Error> {
        let segments = &self.snapshot.segments;
        let mut sums = Sums {
            passages: segments.iter().map(|segment| vec![0.0; segment.count() as usize]).collect(),
            pages: vec![0.0; self.snapshot.page_lengths.len()],
            names: vec![(0.0, 0); self.snapshot.page_lengths.len()],
            query: 0.0,
        };
        for stem in &terms.stems {
            self.add_stem(stem, &mut sums)?;
        }
        for form in &terms.forms {
            self.add_form(form, &mut sums)?;
        }
        let mut hits = self.fused(within, &sums, meaning);

        let order = |a: &Hit, b: &Hit| b.score.total_cmp(&a.score).then(a.key.cmp(&b.key));
        if most < hits.len() {
            let (_, last, _) = hits.select_nth_unstable_by(most.saturating_sub(1), order);
            let last = *last;
            hits.retain(|hit| order(hit, &last).is_le());
        }
        hits.sort_by(order);
        Ok(hits)
    }

    fn fused(&self, within: &[Bits], sums: &Sums, meaning: Option<(&Asked, &[Arc<Vectors>])>) -> Vec<Hit> {
        let segments = &self.snapshot.segments;
        // The best of each kind among the candidates is one, so that long and short queries weigh alike.
        let (mut passage_most, mut page_most) = (0f32, 0f32);
        for (n, bits) in within.iter().enumerate() {
            for doc in bits.iter() {
                passage_most = passage_most.max(sums.passages[n][doc as usize]);
                page_most = page_most.max(sums.pages[segments[n].pages[doc as usize] as usize]);
            }
        }
        let share = |score: f32, most: f32| if most > 0.0 { score / most } else { 0.0 };

        let mut hits = Vec::new();
        for (n, bits) in within.iter().enumerate() {
            for doc in bits.iter() {
                let words = sums.passages[n][doc as usize];
                let cosine = meaning.and_then(|(asked, vectors)| vectors[n].cosine(doc, asked)).unwrap_or(0.0);
                if words <= 0.0 && cosine < COSINE_MIN {
                    continue;
                }
                let page = segments[n].pages[doc as usize] as usize;
                let score = share(words, passage_most)
                    + self.weights.page * share(sums.pages[page], page_most)
                    + self.weights.name * sums.name(page, self.snapshot.title_lengths[page])
                    + self.weights.meaning * cosine.max(0.0);
                hits.push(Hit { segment: n, doc, score, key: segments[n].key(doc) });
            }
        }
        hits
    }

    /// BM25F (Robertson, Zaragoza and Taylor 2004) for passages; BM25 for pages, a title counting three times.
    fn add_stem(&self, stem: &str, sums: &mut Sums) -> Result<(), Error> {
        let Weights { title, headings, body, .. } = self.weights;
        let statistics = &self.view.statistics;
        let parts = [
            (self.fields.title, title, mean(statistics.title, statistics.passages)),
            (self.fields.headings, headings, mean(statistics.headings, statistics.passages)),
            (self.fields.body, body, mean(statistics.body, statistics.passages)),
        ];
        let mut of_pages = Found::over(self.snapshot.page_lengths.len());
        let mut of_titles = Vec::new();
        let mut of_passages = Vec::new();
        for (n, segment) in self.snapshot.segments.iter().enumerate() {
            let mut found = Found::over(segment.count() as usize);
            for (field, weight, mean) in parts {
                let text = segment.text(field, self.fields);
                each_with_times(text, &Term::from_field_text(field, stem), |doc, times| {
                    if !self.view.counts(n, doc) {
                        return;
                    }
                    found.add(doc, weight * times as f32 / length_share(text.length(doc), mean));
                    let page = segment.pages.get(doc as usize).copied().filter(|page| *page != u32::MAX);
                    let is_title = field == self.fields.title;
                    if let Some(page) = page
                        && (!is_title || segment.firsts.has(doc))
                    {
                        let times = if is_title { times * TITLE_TIMES } else { times };
                        // Whole numbers well below 2^24: exact, so that the order of the segments is not felt.
                        of_pages.add(page, times as f32);
                        if is_title {
                            of_titles.push(page);
                        }
                    }
                })?;
            }
            of_passages.push(found);
        }

        let weight = rarity(statistics.passages, of_passages.iter().map(Found::count).sum());
        for (n, found) in of_passages.iter().enumerate() {
            found.each(|doc, times| sums.passages[n][doc as usize] += weight * saturated(times));
        }
        let weight = rarity(statistics.pages, of_pages.count());
        sums.query += weight;
        for page in of_titles {
            let (rarity, stems) = &mut sums.names[page as usize];
            *rarity += weight;
            *stems += 1;
        }
        let mean = mean(statistics.page, statistics.pages);
        of_pages.each(|page, times| {
            let length = self.snapshot.page_lengths[page as usize];
            sums.pages[page as usize] += weight * saturated(times / length_share(length, mean));
        });
        Ok(())
    }

    /// BM25 over exact forms.
    fn add_form(&self, form: &str, sums: &mut Sums) -> Result<(), Error> {
        let statistics = &self.view.statistics;
        let mean = mean(statistics.exact, statistics.passages);
        let term = Term::from_field_text(self.fields.exact, form);
        let mut of_passages = Vec::new();
        for (n, segment) in self.snapshot.segments.iter().enumerate() {
            let mut found = Found::over(segment.count() as usize);
            each_with_times(&segment.exact, &term, |doc, times| {
                if self.view.counts(n, doc) {
                    found.add(doc, times as f32 / length_share(segment.exact.length(doc), mean));
                }
            })?;
            of_passages.push(found);
        }
        let weight = self.weights.exact * rarity(statistics.passages, of_passages.iter().map(Found::count).sum());
        for (n, found) in of_passages.iter().enumerate() {
            found.each(|doc, times| sums.passages[n][doc as usize] += weight * saturated(times));
        }
        Ok(())
    }
}

impl Segment {
    fn text(&self, field: Field, fields: &Fields) -> &Text {
        if field == fields.title {
            &self.title
        } else if field == fields.headings {
            &self.headings
        } else {
            &self.body
        }
    }
}

/// How often a term was met, by passage or page.
struct Found {
    times: Vec<f32>,
    met: Vec<u32>,
}

impl Found {
    fn over(count: usize) -> Found {
        Found { times: vec![0.0; count], met: Vec::new() }
    }

    fn add(&mut self, at: u32, times: f32) {
        let sum = &mut self.times[at as usize];
        if *sum == 0.0 {
            self.met.push(at);
        }
        *sum += times;
    }

    fn count(&self) -> u64 {
        self.met.len() as u64
    }

    fn each(&self, mut each: impl FnMut(u32, f32)) {
        for at in &self.met {
            each(*at, self.times[*at as usize]);
        }
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

fn saturated(times: f32) -> f32 {
    times * (K1 + 1.0) / (times + K1)
}

/// BM25's inverse document frequency, in the form that is never negative. `having` is at most `of`, except in the control.
fn rarity(of: u64, having: u64) -> f32 {
    let (of, having) = (of as f64, having as f64);
    (1.0 + ((of - having).max(0.0) + 0.5) / (having + 0.5)).ln() as f32
}
