//! Looks at every visible vector: a bound of its cosine from half of each code first, and the cosine itself where the bound
//! leaves room for a place among the best. So the result is that of comparing each vector in full.

use std::num::NonZero;

use super::best::Best;
use super::bits::Bits;
use super::rank::{COSINE_MIN, Hit, Worded};
use super::snapshot::Snapshot;
use super::vector::{Adding, Asked, OneByOne, Shelf};

/// Fewer entries than so many are looked at by one thread: starting another takes longer.
const ALONE: usize = 16_384;
/// Threads that look at once: answers and other people's searches have the other cores.
const THREADS_MAX: usize = 2;

/// What is looked through, and for what.
pub(super) struct Meant<'a> {
    pub(super) snapshot: &'a Snapshot,
    /// The candidates, by segment.
    pub(super) within: &'a [Bits],
    pub(super) worded: &'a Worded<'a>,
    pub(super) asked: &'a Asked,
    /// The vectors of each segment.
    pub(super) shelves: &'a [Option<&'a Shelf>],
    /// What a cosine counts in a score.
    pub(super) weight: f32,
}

/// A run of 64-document words of one segment.
struct Part {
    segment: usize,
    begin: usize,
    end: usize,
}

/// The best by words and meaning, best first: `most` of them, and those that tie with the last. `by_words` are some
/// candidates that are good by words: the better they are, the less is compared in full.
pub(super) fn best(meant: &Meant<'_>, by_words: &[Hit], most: usize) -> Vec<Hit> {
    let mut first = Best::new(most);
    for hit in by_words {
        first.take(Hit { score: meant.score(hit.segment, hit.doc), ..*hit });
    }
    first.keep_the_best();
    let least = first.least();

    let mut parts = meant.parts();
    let own = parts.pop().unwrap_or_default();
    let (mut best, others) = std::thread::scope(|scope| {
        let look = |parts| look(meant, parts, Best::above(most, least));
        let others: Vec<_> = parts.iter().map(|parts| scope.spawn(move || look(parts))).collect();
        let best = look(own.as_slice());
        (best, others.into_iter().map(|other| other.join().expect("looking does not panic")).collect::<Vec<_>>())
    });
    for hit in others.into_iter().flat_map(Best::into_sorted) {
        best.take(hit);
    }
    best.into_sorted()
}

/// The loop below, built for what this processor can do. Whole numbers are added, so the result is the same.
fn look(meant: &Meant<'_>, parts: &[Part], best: Best) -> Best {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(Look { adding: simd, meant, parts, best });
    }
    pulp::NullaryFnOnce::call(Look { adding: OneByOne, meant, parts, best })
}

struct Look<'a, A> {
    adding: A,
    meant: &'a Meant<'a>,
    parts: &'a [Part],
    best: Best,
}

impl<A: Adding> pulp::NullaryFnOnce for Look<'_, A> {
    type Output = Best;

    #[inline(always)]
    fn call(self) -> Best {
        let Look { adding, meant, parts, mut best } = self;
        for Part { segment, begin, end } in parts {
            for (n, word) in meant.within[*segment].words(*begin..*end) {
                let mut left = word;
                while left != 0 {
                    let doc = n as u32 * 64 + left.trailing_zeros();
                    left &= left - 1;
                    meant.look_at(*segment, doc, adding, &mut best);
                }
            }
        }
        best
    }
}

impl Meant<'_> {
    #[inline(always)]
    fn look_at(&self, segment: usize, doc: u32, adding: impl Adding, best: &mut Best) {
        let of = &self.snapshot.segments[segment];
        let (worded, has_words) = self.worded.of(segment, doc, of.pages[doc as usize]);
        let shelf = self.shelves[segment].and_then(|shelf| Some((shelf, shelf.row(doc)?)));
        let cosine = match shelf {
            Some((shelf, row)) => {
                let at_most = shelf.at_most(row, self.asked, adding);
                if !best.may_take(worded + self.weight * at_most.max(0.0)) || (!has_words && at_most < COSINE_MIN) {
                    return;
                }
                shelf.cosine(row, self.asked)
            }
            None => 0.0,
        };
        if !has_words && cosine < COSINE_MIN {
            return;
        }
        let score = worded + self.weight * cosine.max(0.0);
        if best.may_take(score) {
            best.take(Hit { segment, doc, score, key: of.key(doc) });
        }
    }

    /// A candidate's score; 0 where it is found neither by words nor by meaning.
    pub(super) fn score(&self, segment: usize, doc: u32) -> f32 {
        let of = &self.snapshot.segments[segment];
        let (worded, has_words) = self.worded.of(segment, doc, of.pages[doc as usize]);
        let shelf = self.shelves[segment].and_then(|shelf| Some(shelf.cosine(shelf.row(doc)?, self.asked)));
        match shelf.unwrap_or(0.0) {
            cosine if has_words || cosine >= COSINE_MIN => worded + self.weight * cosine.max(0.0),
            _ => 0.0,
        }
    }

    /// All candidates, shared out among the threads.
    fn parts(&self) -> Vec<Vec<Part>> {
        let words: Vec<usize> = self.within.iter().map(Bits::words_count).collect();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let all: usize = words.iter().sum();
        shared_out(&words, if all * 64 < ALONE { 1 } else { cores.clamp(1, THREADS_MAX) })
    }
}

/// Shares so many words of so many segments out in equal parts.
fn shared_out(words: &[usize], threads: usize) -> Vec<Vec<Part>> {
    let share = words.iter().sum::<usize>().div_ceil(threads).max(1);
    let mut parts: Vec<Vec<Part>> = Vec::new();
    let mut room = 0;
    for (segment, count) in words.iter().enumerate() {
        let mut begin = 0;
        while begin < *count {
            if room == 0 {
                parts.push(Vec::new());
                room = share;
            }
            let end = (*count).min(begin + room);
            room -= end - begin;
            parts.last_mut().expect("there is room in it").push(Part { segment, begin, end });
            begin = end;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_in_one_part_and_the_parts_are_alike() {
        for (words, threads) in [(vec![5, 0, 3], 2), (vec![1], 2), (vec![], 2), (vec![7, 7, 7], 1), (vec![2, 9], 3)] {
            let parts = shared_out(&words, threads);

            let mut seen: Vec<(usize, usize)> = Vec::new();
            for part in parts.iter().flatten() {
                seen.extend((part.begin..part.end).map(|word| (part.segment, word)));
            }
            let all: Vec<(usize, usize)> = words
                .iter()
                .enumerate()
                .flat_map(|(segment, count)| (0..*count).map(move |word| (segment, word)))
                .collect();
            assert_eq!(seen, all);
            assert!(parts.len() <= threads);
        }
    }
}
