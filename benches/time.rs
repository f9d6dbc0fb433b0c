//! Whether the *time* of a search tells that there are hidden pages. It may: we promise the bytes, and report the time.
//!
//! `cargo bench --features probe --bench time`
//!
//! Two indexes hold the same visible pages; one of them has hidden pages too. Each question is put to both, in random order,
//! many times; what is compared are the pairs. Two controls: an index of the same pages built again, and the same with one
//! hundredth of its own time added. The two copies differ by where their pages happen to lie in memory, so the rows below are
//! read against the first; the second must lie above it by about one hundredth, or the measurement is too coarse. (One index
//! with itself is no control: what the first search leaves in the caches makes the second quicker.)

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[expect(dead_code, reason = "what the benchmark of search alone tells of its pages")]
#[path = "search/generate.rs"]
mod generate;

use std::time::{Duration, Instant};

use generate::{Dice, Page, Real, Vectors};
use sotto::probe::{
    AclClass, AnyOf, Change, Classes, GroupId, Index, IndexSettings, Principal, PrincipalSet, Query, Rule, Scope,
    SourceId, Store, Visibility,
};

/// Passages that the person may read.
const VISIBLE: usize = 10_000;
const MOST: usize = 20;
const QUESTIONS: usize = 100;
/// Times that each question is put to both.
const ROUNDS: usize = 60;
const RESAMPLES: usize = 2_000;

fn main() -> anyhow::Result<()> {
    let real = Real::read()?;
    let vectors = generate::random_vectors(real.places().len());
    let folder = tempfile::tempdir()?;
    let classes = Classes::open(&Store::open(folder.path())?)?;
    let group = |name: &str| -> Principal {
        Principal::Group(GroupId::Of(SourceId::parse("bench").expect("a short word"), name.into()))
    };
    let class = |name: &str| classes.class_of(Rule::new(AnyOf::of([group(name)])));
    let (staff, board) = (class("staff")?, class("board")?);
    let sight = classes.visible_to(&PrincipalSet::of(vec![group("staff")]));

    println!(
        "# Time\n\nA person sees {VISIBLE} passages; {QUESTIONS} questions by words and meaning, {ROUNDS} times each.\n"
    );
    println!("| beside them | median difference, with 95 % of a bootstrap | sign test | Wilcoxon |\n|---|---|---|---|");
    let alone = World::build(&real, &vectors, staff, board, 0)?;
    let copy = World::build(&real, &vectors, staff, board, 0)?;
    report("the same pages again", &pairs(&alone, &copy, &real, &vectors, &sight, 0.0)?);
    report("the same, 1 % slower", &pairs(&alone, &copy, &real, &vectors, &sight, 0.01)?);
    for hidden in [VISIBLE / 100, VISIBLE, 10 * VISIBLE] {
        let crowded = World::build(&real, &vectors, staff, board, hidden)?;
        report(&format!("{hidden} hidden passages"), &pairs(&alone, &crowded, &real, &vectors, &sight, 0.0)?);
    }
    Ok(())
}

struct World {
    index: Index,
    _folder: tempfile::TempDir,
}

impl World {
    fn build(real: &Real, vectors: &Vectors, staff: AclClass, board: AclClass, hidden: usize) -> anyhow::Result<World> {
        let folder = tempfile::tempdir()?;
        let index = Index::open(folder.path(), &IndexSettings::default())?;
        let mut number = 0;
        for (class, count, first) in [(staff, VISIBLE, 0), (board, hidden, 1_000_000)] {
            let mut passages = 0;
            while passages < count {
                let mut page = Page::of(first + number, real, vectors);
                page.passages.truncate(count - passages);
                passages += page.passages.len();
                number += 1;
                index.change(Change::Replace(&page.document, class, &page.passages, Some(&page.vectors)))?;
            }
            index.commit(1)?;
            number = 0;
        }
        Ok(World { index, _folder: folder })
    }
}

/// For each pair the time of the other against that of the one, as a share: 0.01 is one hundredth longer.
fn pairs(
    one: &World,
    other: &World,
    real: &Real,
    vectors: &Vectors,
    sight: &Visibility,
    slower: f64,
) -> anyhow::Result<Vec<f64>> {
    let mut dice = Dice(17);
    let mut shares = Vec::new();
    for round in 0..=ROUNDS {
        for n in 0..QUESTIONS {
            let vector = Some(vectors[n * 31 % vectors.len()].clone());
            let query = Query { words: real.questions[n].clone(), vector };
            let ask = |world: &World, slower: f64| -> anyhow::Result<Duration> {
                let began = Instant::now();
                world.index.search(sight, &query, &Scope::default(), MOST)?;
                let until = began.elapsed().mul_f64(1.0 + slower);
                while began.elapsed() < until {
                    std::hint::spin_loop();
                }
                Ok(began.elapsed())
            };
            let (first, second) = match dice.roll(2) {
                0 => {
                    let first = ask(one, 0.0)?;
                    (first, ask(other, slower)?)
                }
                _ => {
                    let second = ask(other, slower)?;
                    (ask(one, 0.0)?, second)
                }
            };
            // The first round warms.
            if round > 0 {
                shares.push(second.as_secs_f64() / first.as_secs_f64() - 1.0);
            }
        }
    }
    Ok(shares)
}

fn report(what: &str, shares: &[f64]) {
    let mut dice = Dice(23);
    // Neighbours in time resemble each other, so runs of ten are drawn and not single pairs.
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let mut drawn = Vec::with_capacity(shares.len());
            while drawn.len() < shares.len() {
                let begin = dice.roll(shares.len() - 10);
                drawn.extend(&shares[begin..begin + 10]);
            }
            median(&mut drawn)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let percent = |share: f64| format!("{:+.2} %", share * 100.0);
    println!(
        "| {what} | {} ({} to {}) | p = {:.3} | p = {:.3} |",
        percent(median(&mut shares.to_vec())),
        percent(medians[RESAMPLES / 40]),
        percent(medians[RESAMPLES - RESAMPLES / 40]),
        sign_test(shares),
        wilcoxon(shares),
    );
}

fn median(numbers: &mut [f64]) -> f64 {
    let middle = numbers.len() / 2;
    *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Two-sided, by the normal distribution.
fn sign_test(shares: &[f64]) -> f64 {
    let above = shares.iter().filter(|share| **share > 0.0).count() as f64;
    let count = shares.iter().filter(|share| **share != 0.0).count() as f64;
    two_sided((above - count / 2.0) / (count / 4.0).sqrt())
}

/// Wilcoxon's signed-rank test, two-sided, by the normal distribution.
fn wilcoxon(shares: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = shares.iter().copied().filter(|share| *share != 0.0).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = sorted.iter().enumerate().filter(|(_, share)| **share > 0.0).map(|(rank, _)| rank as f64 + 1.0);
    let count = sorted.len() as f64;
    let mean = count * (count + 1.0) / 4.0;
    let deviation = (count * (count + 1.0) * (2.0 * count + 1.0) / 24.0).sqrt();
    two_sided((ranks.sum::<f64>() - mean) / deviation)
}

/// How likely it is to be so far from nothing by chance (Abramowitz and Stegun 7.1.26).
fn two_sided(deviations: f64) -> f64 {
    let x = deviations.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = [0.254_829_592, -0.284_496_736, 1.421_413_741, -1.453_152_027, 1.061_405_429];
    series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t) * (-x * x).exp()
}
