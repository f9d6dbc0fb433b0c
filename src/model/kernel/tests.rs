//! The kernels against plain sums over the same weights, at every level of this machine. Only the standard library is used,
//! so that they can be run for another machine by themselves (`tests/neon`).

use super::half;
use super::lanes::{Lanes, Task, WIDTH};
use super::*;

const KINDS: [Kind; 8] = [Kind::Q4K, Kind::Q5K, Kind::Q6K, Kind::Q40, Kind::Q41, Kind::Q50, Kind::Q51, Kind::Q80];

/// Numbers that look random and are always the same (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From -1 to 1.
    fn float(&mut self) -> f32 {
        (self.roll() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    /// Whole numbers that are written as bytes without loss.
    fn wholes(&mut self, count: usize, is_wide: bool) -> Vec<f32> {
        let block = if is_wide { 256 } else { 32 };
        (0..count)
            .map(|at| match (at % block, is_wide) {
                (7, true) => -128.0,
                (7, false) => 127.0,
                _ => (self.roll() % 255) as f32 - 127.0,
            })
            .collect()
    }
}

/// Weights as a file has them, any bits but for scales that keep them below some two; and what they are expanded to at the
/// plain level, which is held against candle in the model's own tests.
fn weights(dice: &mut Dice, kind: Kind, rows: usize, columns: usize) -> (Vec<u8>, Vec<f32>) {
    // Where the scale stands and the largest number it is for; the same of the offset.
    let (d, m) = match kind {
        Kind::Q4K => ((0, 63 * 15), Some((2, 63))),
        Kind::Q5K => ((0, 63 * 31), Some((2, 63))),
        Kind::Q6K => ((208, 128 * 32), None),
        Kind::Q40 => ((0, 8), None),
        Kind::Q41 => ((0, 15), Some((2, 1))),
        Kind::Q50 => ((0, 16), None),
        Kind::Q51 => ((0, 31), Some((2, 1))),
        Kind::Q80 => ((0, 128), None),
    };
    let mut bytes: Vec<u8> = (0..kind.row_bytes(columns).unwrap() * rows).map(|_| dice.roll() as u8).collect();
    for block in bytes.chunks_exact_mut(kind.bytes()) {
        for (at, largest) in [Some(d), m].into_iter().flatten() {
            let scale = half::of_f32(dice.float() / largest as f32);
            block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        }
    }
    let matrix = Matrix::new(kind, rows, columns, &bytes).unwrap();
    let mut expanded = vec![0.0; rows * columns];
    for (at, row) in expanded.chunks_exact_mut(columns).enumerate() {
        matrix.expand(Machine::Plain(plain::Plain), at, row);
    }
    (bytes, expanded)
}

fn inputs(machine: Machine, rows: &[Vec<f32>], is_wide: bool) -> Inputs {
    let mut inputs = Inputs::default();
    inputs.reset(rows.len(), rows[0].len(), Scales { wide: is_wide, narrow: !is_wide });
    for (to, row) in inputs.rows().zip(rows) {
        to.write(machine, row);
    }
    inputs
}

fn product(machine: Machine, pool: &Pool, matrix: Matrix<'_>, x: &Inputs, tokens: usize) -> Vec<Vec<f32>> {
    let mut out = Sheet::default();
    out.reset(tokens, matrix.rows());
    multiply(machine, pool, x, &mut [(matrix, &mut out)]);
    rows_of(&out, matrix.rows())
}

fn rows_of(sheet: &Sheet, features: usize) -> Vec<Vec<f32>> {
    (0..sheet.tokens())
        .map(|token| {
            let mut row = vec![0.0; features];
            sheet.row(token, 0, &mut row);
            row
        })
        .collect()
}

/// Rows, columns and tokens: one and several tiles, ends of every kind, one token, a few, many.
fn shapes(kind: Kind) -> Vec<(usize, usize, usize)> {
    match kind.weights() {
        256 => vec![
            (32, 256, 1),
            (1, 256, 2),
            (33, 512, 3),
            (64, 768, 5),
            (50, 256, 16),
            (31, 512, 17),
            (16, 256, 37),
            (7, 8960, 4),
        ],
        _ => vec![
            (32, 32, 1),
            (1, 96, 2),
            (33, 288, 3),
            (64, 576, 5),
            (50, 256, 16),
            (31, 544, 17),
            (16, 224, 37),
            (7, 8992, 4),
        ],
    }
}

#[test]
fn products_are_those_of_the_expanded_weights() {
    let mut dice = Dice(88_172_645_463_325_252);
    let pool = Pool::new(2).unwrap();
    for kind in KINDS {
        for (rows, columns, tokens) in shapes(kind) {
            let is_wide = kind.weights() == 256;
            let (bytes, expanded) = weights(&mut dice, kind, rows, columns);
            let matrix = Matrix::new(kind, rows, columns, &bytes).unwrap();
            let x: Vec<Vec<f32>> = (0..tokens).map(|_| dice.wholes(columns, is_wide)).collect();
            for machine in Machine::all() {
                let out = product(machine, &pool, matrix, &inputs(machine, &x, is_wide), tokens);

                for (x, out) in x.iter().zip(&out) {
                    for (weights, out) in expanded.chunks(columns).zip(out) {
                        let terms = || weights.iter().zip(x).map(|(weight, x)| f64::from(*weight) * f64::from(*x));
                        let (sum, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
                        let off = (f64::from(*out) - sum).abs();
                        assert!(off <= 2e-6 * size, "{kind:?} {rows} by {columns}, {machine:?}: {out} for {sum}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_element_is_the_same_alone_and_in_company_and_at_any_number_of_threads() {
    let mut dice = Dice(362_436_069);
    let pools = [Pool::new(1).unwrap(), Pool::new(2).unwrap(), Pool::new(3).unwrap()];
    for kind in KINDS {
        let is_wide = kind.weights() == 256;
        let (bytes, _) = weights(&mut dice, kind, 70, 512);
        let matrix = Matrix::new(kind, 70, 512, &bytes).unwrap();
        let x: Vec<Vec<f32>> = (0..11).map(|_| dice.floats(512)).collect();
        for machine in Machine::all() {
            let alone: Vec<Vec<f32>> = x
                .iter()
                .flat_map(|x| {
                    product(machine, &pools[0], matrix, &inputs(machine, std::slice::from_ref(x), is_wide), 1)
                })
                .collect();

            for pool in &pools {
                for count in [2, 3, 4, 7, 11] {
                    let together = product(machine, pool, matrix, &inputs(machine, &x[..count], is_wide), count);
                    assert_eq!(together, alone[..count], "{kind:?}, {machine:?}");
                }
            }
        }
    }
}

#[test]
fn rows_are_expanded_alike_at_every_level() {
    let mut dice = Dice(521_288_629);
    for kind in KINDS {
        let (bytes, expanded) = weights(&mut dice, kind, 5, 512);
        let matrix = Matrix::new(kind, 5, 512, &bytes).unwrap();
        for machine in Machine::all() {
            for (at, expected) in expanded.chunks(512).enumerate() {
                let mut row = vec![0.0; 512];
                matrix.expand(machine, at, &mut row);

                for (one, other) in row.iter().zip(expected) {
                    assert!((one - other).abs() < 1e-5, "{kind:?}, {machine:?}: {one} for {other}");
                }
            }
        }
    }
}

#[test]
fn gated_products_are_the_product_of_the_gate_and_the_other() {
    let mut dice = Dice(123_456_789);
    let (gate_bytes, gate) = weights(&mut dice, Kind::Q4K, 40, 256);
    let (up_bytes, up) = weights(&mut dice, Kind::Q6K, 40, 256);
    let x: Vec<Vec<f32>> = (0..3).map(|_| dice.wholes(256, true).iter().map(|x| x / 64.0).collect()).collect();
    let silu = |x: f64| x / (1.0 + (-x).exp());
    let gelu = |x: f64| x / 2.0 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh());
    let ways: [(Gating, &dyn Fn(f64) -> f64); 2] = [(Gating::Silu, &silu), (Gating::Gelu, &gelu)];
    for (machine, (gating, expected)) in Machine::all().into_iter().flat_map(|one| ways.map(|way| (one, way))) {
        let (mut out, mut spare) = (Sheet::default(), Sheet::default());
        out.reset(3, 40);
        spare.reset(3, 40);

        let pair = [
            Matrix::new(Kind::Q4K, 40, 256, &gate_bytes).unwrap(),
            Matrix::new(Kind::Q6K, 40, 256, &up_bytes).unwrap(),
        ];
        multiply_gated(machine, &Pool::new(2).unwrap(), &inputs(machine, &x, true), gating, pair, &mut out, &mut spare);

        for (x, out) in x.iter().zip(rows_of(&out, 40)) {
            let dot = |weights: &[f32]| weights.iter().zip(x).map(|(weight, x)| f64::from(weight * x)).sum::<f64>();
            for (at, out) in out.into_iter().enumerate() {
                let (gate, up) = (dot(&gate[256 * at..][..256]), dot(&up[256 * at..][..256]));
                let expected = expected(gate) * up;
                assert!((f64::from(out) - expected).abs() < 1e-3 + 1e-4 * expected.abs(), "{out} for {expected}");
            }
        }
    }
}

/// Queries, keys and values of some tokens, as products come.
fn sheet(dice: &mut Dice, tokens: usize, features: usize) -> Sheet {
    let mut sheet = Sheet::default();
    sheet.reset(tokens, features);
    for token in 0..tokens {
        sheet.put_row(token, &dice.floats(features));
    }
    sheet
}

/// Some tokens of a sheet.
fn part(sheet: &Sheet, tokens: std::ops::Range<usize>) -> Sheet {
    let mut part = Sheet::default();
    part.reset(tokens.len(), sheet.features());
    for (at, row) in rows_of(sheet, sheet.features())[tokens].iter().enumerate() {
        part.put_row(at, row);
    }
    part
}

const HEADS: Heads = Heads { queries: 6, keys: 2, dim: 80, eps: 1e-6, window: usize::MAX };

/// By how much pairs of dimensions are turned. Not by `powi`, which may be rounded differently in two places.
fn speeds() -> Vec<f32> {
    std::iter::successors(Some(1.0), |speed| Some(speed * 0.9_f32)).take(HEADS.dim / 2).collect()
}

/// Attention read in these steps; gives each token's row.
fn attended(machine: Machine, threads: usize, sheets: [&Sheet; 3], steps: &[usize], turns: bool) -> Vec<Vec<f32>> {
    attended_by(HEADS, machine, threads, sheets, steps, turns)
}

/// The same, by heads of other measures.
fn attended_by(
    heads: Heads,
    machine: Machine,
    threads: usize,
    sheets: [&Sheet; 3],
    steps: &[usize],
    turns: bool,
) -> Vec<Vec<f32>> {
    let pool = Pool::new(threads).unwrap();
    let mut past = Past::new(HEADS, 64);
    let (mut rows, mut at) = (Vec::new(), 0);
    for step in steps {
        let [queries, keys, values] = sheets.map(|sheet| part(sheet, at..at + step));
        let speeds = if turns { speeds() } else { vec![0.0; HEADS.dim / 2] };
        let mut by = Turns::default();
        by.reset(at..at + step, &Rope { speeds, size: 1.0, is_interleaved: false });
        let mut runs = [(Run { first: 0, tokens: *step, at }, &mut past)];
        keep(machine, &pool, [&keys, &values], &mut runs, &by, None);
        let mut seen = Seen::default();
        attend(machine, &pool, heads, &queries, &runs, &by, None, &mut seen);
        for token in 0..*step {
            let mut row = vec![0.0; HEADS.queries * HEADS.dim];
            seen.row(token, &mut row);
            rows.push(row);
        }
        at += step;
    }
    rows
}

#[test]
fn attention_weighs_the_values_by_the_softmax_of_the_scores() {
    let mut dice = Dice(987_654_321);
    let tokens = 37;
    let queries = sheet(&mut dice, tokens, HEADS.queries * HEADS.dim);
    let (keys, values) = (sheet(&mut dice, tokens, 2 * HEADS.dim), sheet(&mut dice, tokens, 2 * HEADS.dim));
    let [q, k, v] = [&queries, &keys, &values].map(|sheet| rows_of(sheet, sheet.features()));
    for (machine, window) in
        Machine::all().into_iter().flat_map(|one| [usize::MAX, 1, 5, 16, 20].map(|most| (one, most)))
    {
        let heads = Heads { window, ..HEADS };
        let found = attended_by(heads, machine, 2, [&queries, &keys, &values], &[tokens], false);
        let one_by_one = attended_by(heads, machine, 1, [&queries, &keys, &values], &[1; 37], false);
        assert_eq!(found, one_by_one, "{machine:?}, {window}");

        for (token, found) in found.iter().enumerate() {
            for head in 0..HEADS.queries {
                let dims = |row: &[f32], head: usize| row[head * HEADS.dim..(head + 1) * HEADS.dim].to_vec();
                let shared = head / 3;
                let first = (token + 1).saturating_sub(window);
                let scores: Vec<f64> = (first..=token)
                    .map(|at| {
                        let pairs = dims(&q[token], head).into_iter().zip(dims(&k[at], shared));
                        pairs.map(|(q, k)| f64::from(q) * f64::from(k)).sum::<f64>() / (HEADS.dim as f64).sqrt()
                    })
                    .map(f64::exp)
                    .collect();
                let sum: f64 = scores.iter().sum();
                for (dim, found) in dims(found, head).into_iter().enumerate() {
                    let expected: f64 = scores
                        .iter()
                        .zip(&v[first..])
                        .map(|(x, v)| x * f64::from(v[shared * HEADS.dim + dim]))
                        .sum::<f64>()
                        / sum;
                    assert!((f64::from(found) - expected).abs() < 2e-3, "{machine:?}: {found} for {expected}");
                }
            }
        }
    }
}

#[test]
fn attention_is_the_same_token_by_token_and_all_at_once() {
    let mut dice = Dice(192_837_465);
    let queries = sheet(&mut dice, 37, HEADS.queries * HEADS.dim);
    let (keys, values) = (sheet(&mut dice, 37, 2 * HEADS.dim), sheet(&mut dice, 37, 2 * HEADS.dim));
    for machine in Machine::all() {
        let all = attended(machine, 1, [&queries, &keys, &values], &[37], true);

        assert_eq!(attended(machine, 2, [&queries, &keys, &values], &[1; 37], true), all, "{machine:?}");
        assert_eq!(attended(machine, 3, [&queries, &keys, &values], &[5, 16, 1, 2, 13], true), all, "{machine:?}");
    }
}

#[test]
fn attention_is_the_same_alone_and_beside_other_sequences() {
    let mut dice = Dice(564_738_291);
    let all = [6, 2, 2].map(|heads| sheet(&mut dice, 37, heads * HEADS.dim));
    let alone = |machine, of: std::ops::Range<usize>| {
        let sheets = [0, 1, 2].map(|at| part(&all[at], of.clone()));
        attended(machine, 1, [&sheets[0], &sheets[1], &sheets[2]], &[of.len()], true)
    };
    let rope = Rope { speeds: speeds(), size: 1.0, is_interleaved: false };
    for machine in Machine::all() {
        // Three sequences; the last goes on from a past that it took over.
        let mut first = Past::new(HEADS, 64);
        let mut pasts = [Past::new(HEADS, 64), Past::new(HEADS, 64), Past::new(HEADS, 64)];
        let (pool, mut by, mut seen) = (Pool::new(2).unwrap(), Turns::default(), Seen::default());
        by.reset(0..18, &rope);
        let [keys, values] = [1, 2].map(|at| part(&all[at], 0..18));
        keep(machine, &pool, [&keys, &values], &mut [(Run { first: 0, tokens: 18, at: 0 }, &mut first)], &by, None);
        pasts[2].take_over(&first, 17);
        by.reset((0..5).chain(0..12).chain(17..20), &rope);
        let mut sheets = [6, 2, 2].map(|heads| sheet(&mut dice, 20, heads * HEADS.dim));
        for (sheet, all) in sheets.iter_mut().zip(&all) {
            let rows = rows_of(all, all.features());
            let of = (20..25).chain(25..37).chain(17..20);
            of.enumerate().for_each(|(at, row)| sheet.put_row(at, &rows[row]));
        }

        let [queries, keys, values] = &sheets;
        let places = [(0, 5, 0), (5, 12, 0), (17, 3, 17)].map(|(first, tokens, at)| Run { first, tokens, at });
        let mut runs: Vec<(Run, &mut Past)> = places.into_iter().zip(&mut pasts).collect();
        keep(machine, &pool, [keys, values], &mut runs, &by, None);
        attend(machine, &pool, HEADS, queries, &runs, &by, None, &mut seen);

        let expected = [alone(machine, 20..25), alone(machine, 25..37), alone(machine, 0..20)[17..].to_vec()].concat();
        for (token, expected) in expected.iter().enumerate() {
            let mut row = vec![0.0; expected.len()];
            seen.row(token, &mut row);
            assert_eq!(&row, expected, "{machine:?}, token {token}");
        }
    }
}

#[test]
fn mutual_attention_weighs_the_values_of_the_whole_run_and_of_no_other() {
    let mut dice = Dice(271_828_183);
    let (dim, heads) = (48, 3);
    let sheets = [0; 3].map(|_| sheet(&mut dice, 60, heads * dim));
    let [q, k, v] = sheets.each_ref().map(|sheet| rows_of(sheet, heads * dim));
    let runs = [(0, 1), (1, 22), (23, 37)].map(|(first, tokens)| Run { first, tokens, at: 0 });
    let attended = |machine, threads, sheets: [&Sheet; 3], runs: &[Run]| {
        let mut seen = Seen::default();
        attend_mutually(machine, &Pool::new(threads).unwrap(), dim, sheets, runs, &mut seen);
        let mut rows = vec![vec![0.0; heads * dim]; sheets[0].tokens()];
        rows.iter_mut().enumerate().for_each(|(token, row)| seen.row(token, row));
        rows
    };
    for machine in Machine::all() {
        let found = attended(machine, 2, sheets.each_ref(), &runs);

        for run in runs {
            let of = run.first..run.first + run.tokens;
            let alone = sheets.each_ref().map(|sheet| part(sheet, of.clone()));
            assert_eq!(attended(machine, 1, alone.each_ref(), &[Run { first: 0, ..run }]), found[of.clone()]);
            for (token, at) in of.clone().flat_map(|token| (0..heads * dim).map(move |at| (token, at))) {
                let head = at / dim * dim..(at / dim + 1) * dim;
                let weight = |other: usize| {
                    let pairs = q[token][head.clone()].iter().zip(&k[other][head.clone()]);
                    (pairs.map(|(q, k)| f64::from(q * k)).sum::<f64>() / (dim as f64).sqrt()).exp()
                };
                let sum: f64 = of.clone().map(weight).sum();
                let expected: f64 = of.clone().map(|other| weight(other) * f64::from(v[other][at])).sum::<f64>() / sum;
                let found = f64::from(found[token][at]);
                assert!((found - expected).abs() < 1e-5, "{machine:?}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn rows_are_levelled_and_gated_as_their_formulas_say() {
    let mut dice = Dice(314_159_265);
    let row: Vec<f32> = (0..384).map(|_| 3.0 + 8.0 * dice.float()).collect();
    let (weights, biases) = (dice.floats(384), dice.floats(384));
    let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / 384.0;
    let variance = row.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / 384.0;
    // The share of a normal distribution below a number, by Simpson's rule.
    let below = |x: f64| {
        let (from, steps) = (-12.0, 4000);
        let step = (x - from) / f64::from(steps);
        let density = |at: i32| (-(from + step * f64::from(at)).powi(2) / 2.0).exp();
        let sum: f64 = (0..steps / 2).map(|at| density(2 * at) + 4.0 * density(2 * at + 1) + density(2 * at + 2)).sum();
        sum * step / 3.0 / std::f64::consts::TAU.sqrt()
    };
    for machine in Machine::all() {
        let (mut levelled, mut gated) = (row.clone(), row.iter().map(|x| x - 3.0).collect::<Vec<_>>());
        gated[..2].copy_from_slice(&[-40.0, 40.0]);
        let before = gated.clone();

        level_row(machine, &mut levelled, &weights, &biases, 1e-12);
        gelu_row(machine, &mut gated);

        for at in 0..384 {
            let far = (f64::from(row[at]) - mean) / variance.sqrt();
            let expected = far * f64::from(weights[at]) + f64::from(biases[at]);
            assert!((f64::from(levelled[at]) - expected).abs() < 1e-5, "{machine:?}: {} for {expected}", levelled[at]);
            let expected = f64::from(before[at]) * below(f64::from(before[at]));
            let most = 4e-7 * expected.abs().max(1.0);
            assert!((f64::from(gated[at]) - expected).abs() < most, "{machine:?}: {} for {expected}", gated[at]);
        }
    }
}

struct Powers<'a>(&'a mut [f32; WIDTH]);

impl Task for Powers<'_> {
    type Out = ();

    fn run<L: Lanes>(self, l: L) {
        l.put(l.exp(l.floats(self.0)), self.0);
    }
}

#[test]
fn powers_of_e_are_near_and_never_leave_the_range() {
    for machine in Machine::all() {
        for start in -90..90 {
            let from: [f32; WIDTH] = std::array::from_fn(|at| start as f32 + at as f32 / 16.0);
            let mut powers = from;
            machine.run(Powers(&mut powers));

            for (x, power) in from.into_iter().zip(powers) {
                let expected = f64::from(x.clamp(-87.0, 88.0)).exp();
                assert!((f64::from(power) / expected - 1.0).abs() < 4e-7, "{machine:?}: e^{x} is {power}");
            }
        }
    }
}

#[test]
fn bytes_that_are_too_few_or_too_many_are_no_matrix() {
    assert!(Matrix::new(Kind::Q4K, 2, 256, &[0; 288]).is_some());
    assert!(Matrix::new(Kind::Q4K, 2, 256, &[0; 287]).is_none());
    assert!(Matrix::new(Kind::Q4K, 2, 255, &[0; 288]).is_none());
    assert!(Matrix::new(Kind::Q80, 0, 32, &[]).is_none());
    assert!(Matrix::new(Kind::Q80, usize::MAX, 32, &[0; 34]).is_none());
}
