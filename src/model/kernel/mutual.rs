//! Attention in which every token sees every token of its run, those behind it too.
//!
//! A run is short and read once, so its keys and values are floats in memory of the moment. What comes out for a token
//! depends on its own run and on nothing else, to the last bit.

use super::attend::{Run, Seen, soften};
use super::lanes::{Lanes, Machine, Task, WIDTH};
use super::pool::Pool;
use super::sheet::Sheet;

/// Queries read together: they share each key that is loaded.
const TOGETHER: usize = 6;

/// Reads each run with every head of its own tokens; a head has `dim` dimensions, a multiple of 16. The runs are all of the
/// sheets' tokens, in order; where they stand in a sequence does not matter.
pub(crate) fn attend_mutually(
    machine: Machine,
    pool: &Pool,
    dim: usize,
    [queries, keys, values]: [&Sheet; 3],
    runs: &[Run],
    out: &mut Seen,
) {
    let (tokens, heads) = (queries.tokens(), queries.features() / dim);
    debug_assert_eq!(runs.iter().map(|run| run.tokens).sum::<usize>(), tokens, "each token is in one run");
    let mut pieces = Vec::with_capacity(heads * runs.len());
    for (head, mut cells) in out.reset(tokens, heads, dim).enumerate() {
        for run in runs {
            let (piece, rest) = cells.split_at_mut(run.tokens * dim);
            pieces.push((head, run, piece));
            cells = rest;
        }
    }
    pool.each(pieces.into_iter(), |(head, run, out)| {
        let blocks = run.tokens.div_ceil(WIDTH);
        let mut row = vec![0.0; dim];
        let mut turned = vec![[0.0; WIDTH]; blocks * dim];
        let mut rows = vec![[0.0; WIDTH]; run.tokens * dim / WIDTH];
        let mut asking = vec![0.0; run.tokens * dim];
        let scale = 1.0 / (dim as f32).sqrt();
        for at in 0..run.tokens {
            let token = run.first + at;
            keys.row(token, head * dim, &mut row);
            for (cell, key) in turned[at / WIDTH * dim..].iter_mut().zip(&row) {
                cell[at % WIDTH] = *key;
            }
            values.row(token, head * dim, rows[at * dim / WIDTH..][..dim / WIDTH].as_flattened_mut());
            let asking = &mut asking[at * dim..][..dim];
            queries.row(token, head * dim, asking);
            asking.iter_mut().for_each(|x| *x *= scale);
        }
        machine.run(Look { tokens: run.tokens, dim, queries: &asking, keys: &turned, values: &rows, out });
    });
}

struct Look<'a> {
    tokens: usize,
    dim: usize,
    /// Row by row.
    queries: &'a [f32],
    /// Of each block of 16 tokens, of each dimension: 16 tokens.
    keys: &'a [[f32; WIDTH]],
    /// Of each token: its dimensions by 16.
    values: &'a [[f32; WIDTH]],
    /// Row by row.
    out: &'a mut [f32],
}

impl Task for Look<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, l: L) {
        let mut scores = vec![[0.0; WIDTH]; TOGETHER * self.tokens.div_ceil(WIDTH)];
        let mut first = 0;
        while first + TOGETHER <= self.tokens {
            look::<L, TOGETHER>(l, &mut self, first, &mut scores);
            first += TOGETHER;
        }
        while first < self.tokens {
            look::<L, 1>(l, &mut self, first, &mut scores);
            first += 1;
        }
    }
}

/// `R` queries from the token `first` on.
#[inline(always)]
fn look<L: Lanes, const R: usize>(l: L, of: &mut Look<'_>, first: usize, scores: &mut [[f32; WIDTH]]) {
    let blocks = of.tokens.div_ceil(WIDTH);
    let mut queries: [&[f32]; R] = [&[]; R];
    for (at, query) in queries.iter_mut().enumerate() {
        *query = &of.queries[(first + at) * of.dim..][..of.dim];
    }
    let mut block = 0;
    while block + 2 <= blocks {
        score::<L, R, 2>(l, queries, &of.keys[block * of.dim..][..2 * of.dim], &mut scores[block..], blocks);
        block += 2;
    }
    if block < blocks {
        score::<L, R, 1>(l, queries, &of.keys[block * of.dim..][..of.dim], &mut scores[block..], blocks);
    }
    let mut sums = [0.0; R];
    for (sum, scores) in sums.iter_mut().zip(scores.chunks_exact_mut(blocks)) {
        *sum = soften(l, scores, 0..of.tokens);
    }
    let wide = of.dim / WIDTH;
    let mut column = 0;
    while column + 2 <= wide {
        gather::<L, R, 2>(l, of, first, column, scores, sums);
        column += 2;
    }
    if column < wide {
        gather::<L, R, 1>(l, of, first, column, scores, sums);
    }
}

/// The scores of `R` queries with `P` blocks of 16 tokens.
#[inline(always)]
fn score<L: Lanes, const R: usize, const P: usize>(
    l: L,
    queries: [&[f32]; R],
    keys: &[[f32; WIDTH]],
    to: &mut [[f32; WIDTH]],
    stride: usize,
) {
    let mut sums = [[l.float(0.0); P]; R];
    let dim = keys.len() / P;
    for at in 0..dim {
        let mut key = [l.float(0.0); P];
        for p in 0..P {
            key[p] = l.floats(&keys[p * dim + at]);
        }
        for r in 0..R {
            let query = l.float(queries[r][at]);
            for p in 0..P {
                sums[r][p] = l.fuse(query, key[p], sums[r][p]);
            }
        }
    }
    for r in 0..R {
        for p in 0..P {
            l.put(sums[r][p], &mut to[r * stride + p]);
        }
    }
}

/// `C` columns of 16 dimensions of the values, weighted by `R` queries' scores.
#[inline(always)]
fn gather<L: Lanes, const R: usize, const C: usize>(
    l: L,
    of: &mut Look<'_>,
    first: usize,
    column: usize,
    scores: &[[f32; WIDTH]],
    sums: [f32; R],
) {
    let (blocks, wide) = (of.tokens.div_ceil(WIDTH), of.dim / WIDTH);
    let mut all = [[l.float(0.0); C]; R];
    for (token, values) in of.values.chunks_exact(wide).enumerate() {
        let mut value = [l.float(0.0); C];
        for c in 0..C {
            value[c] = l.floats(&values[column + c]);
        }
        for r in 0..R {
            let weight = l.float(scores[r * blocks + token / WIDTH][token % WIDTH]);
            for c in 0..C {
                all[r][c] = l.fuse(weight, value[c], all[r][c]);
            }
        }
    }
    let out = of.out[first * of.dim..].as_chunks_mut().0;
    for r in 0..R {
        let share = l.float(1.0 / sums[r]);
        for c in 0..C {
            l.put(l.times(all[r][c], share), &mut out[r * wide + column + c]);
        }
    }
}
