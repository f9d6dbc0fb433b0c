//! Attention: keys and values in half precision, written once and read in place by every head that shares them.
//!
//! Keys lie in blocks of 16 positions, position by position in lanes, so that a score needs no sum over lanes; values lie row
//! by row. A query's scores, their softmax and the weighted values are computed in the order of positions, over exactly the
//! positions it may see: what comes out is the same to the last bit however many queries are read together.

use std::ops::Range;

use super::half;
use super::lanes::{Lanes, Machine, Task, WIDTH};
use super::pool::Pool;
use super::rows::{Turns, norm_row};
use super::sheet::Sheet;

/// Tokens whose queries are read together: their heads share each key that is widened.
const TOGETHER: usize = 4;

/// Keys and values of one layer.
pub(crate) struct Past {
    heads: usize,
    head_dim: usize,
    positions: usize,
    /// Of each head, of each block of 16 positions, of each dimension: 16 positions.
    keys: Vec<[u16; WIDTH]>,
    /// Of each head, of each position: its dimensions by 16.
    values: Vec<[u16; WIDTH]>,
}

/// How heads are laid out and read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Heads of keys and values; they divide the query heads.
    pub keys: usize,
    /// Dimensions of each, a multiple of 16.
    pub dim: usize,
    /// For the norm of a head, where the family has one.
    pub eps: f32,
    /// How many positions a token sees, itself the last of them.
    pub window: usize,
}

impl Past {
    /// Room for so many positions. It is zeroed by the system when it is first touched, so what is not used costs nothing.
    pub(crate) fn new(heads: Heads, positions: usize) -> Past {
        let positions = positions.next_multiple_of(WIDTH);
        let cells = heads.keys * positions * heads.dim / WIDTH;
        Past {
            heads: heads.keys,
            head_dim: heads.dim,
            positions,
            keys: vec![[0; WIDTH]; cells],
            values: vec![[0; WIDTH]; cells],
        }
    }

    /// Takes over the first positions of another layer of the same measures; of what stands behind them there, nothing.
    pub(crate) fn take_over(&mut self, from: &Past, positions: usize) {
        let (dim, each) = (self.head_dim, self.positions * self.head_dim / WIDTH);
        assert!(self.keys.len() == from.keys.len() && positions <= self.positions, "both are of one network");
        let (whole, rest) = (positions / WIDTH * dim, positions % WIDTH);
        for (to, from) in self.keys.chunks_mut(each).zip(from.keys.chunks(each)) {
            to[..whole].copy_from_slice(&from[..whole]);
            for (to, from) in to[whole..].iter_mut().zip(&from[whole..]).take(dim) {
                to[..rest].copy_from_slice(&from[..rest]);
            }
        }
        let cells = positions * dim / WIDTH;
        for (to, from) in self.values.chunks_mut(each).zip(from.values.chunks(each)) {
            to[..cells].copy_from_slice(&from[..cells]);
        }
    }
}

/// Tokens of a sheet that follow each other in one sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// The first's place in the sheet.
    pub first: usize,
    /// How many there are.
    pub tokens: usize,
    /// The first's position in its sequence.
    pub at: usize,
}

/// Keeps the keys and values of runs of tokens, each in the past of its own sequence.
pub(crate) fn keep(
    machine: Machine,
    pool: &Pool,
    [keys, values]: [&Sheet; 2],
    runs: &mut [(Run, &mut Past)],
    turns: &Turns,
    norm: Option<(&[f32], f32)>,
) {
    let pieces = runs.iter_mut().flat_map(|(run, past)| {
        assert!(run.at + run.tokens <= past.positions, "positions are bounded before they are read");
        debug_assert_eq!(keys.features(), past.heads * past.head_dim);
        let (run, dim, each) = (*run, past.head_dim, past.positions * past.head_dim / WIDTH);
        let heads = past.keys.chunks_mut(each).zip(past.values.chunks_mut(each)).enumerate();
        heads.map(move |(head, cells)| (run, dim, head, cells))
    });
    pool.each(pieces, |(run, dim, head, (to_keys, to_values))| {
        let mut row = vec![0.0; dim];
        for (token, position) in (run.first..run.first + run.tokens).zip(run.at..) {
            keys.row(token, head * dim, &mut row);
            if let Some((weight, eps)) = norm {
                norm_row(machine, &mut row, weight, eps);
            }
            turns.turn(token, &mut row);
            let block = &mut to_keys[position / WIDTH * dim..][..dim];
            for (cell, from) in block.iter_mut().zip(&row) {
                cell[position % WIDTH] = half::of_f32(*from);
            }
            values.row(token, head * dim, &mut row);
            machine.run(Halve { from: &row, to: &mut to_values[position * dim / WIDTH..][..dim / WIDTH] });
        }
    });
}

struct Halve<'a> {
    from: &'a [f32],
    to: &'a mut [[u16; WIDTH]],
}

impl Task for Halve<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        for (to, from) in self.to.iter_mut().zip(self.from.as_chunks().0) {
            l.put_halves(l.floats(from), to);
        }
    }
}

/// What the heads have seen: of each head of keys, of each token, the dimensions of its query heads.
#[derive(Default)]
pub(crate) struct Seen {
    tokens: usize,
    group: usize,
    cells: Vec<f32>,
}

impl Seen {
    /// Makes room for so many heads of keys, whose query heads have so many dimensions together; gives each head's.
    pub(super) fn reset(&mut self, tokens: usize, heads: usize, group: usize) -> std::slice::ChunksExactMut<'_, f32> {
        (self.tokens, self.group) = (tokens, group);
        self.cells.resize(tokens * heads * group, 0.0);
        self.cells.chunks_exact_mut((tokens * group).max(1))
    }

    /// Writes a token's features into `to`, heads in their order.
    pub(crate) fn row(&self, token: usize, to: &mut [f32]) {
        for (head, to) in to.chunks_exact_mut(self.group).enumerate() {
            let start = (head * self.tokens + token) * self.group;
            to.copy_from_slice(&self.cells[start..start + self.group]);
        }
    }
}

/// Reads each past with every query head of its run of tokens, whose own keys are kept before. The runs are all of the
/// sheet's tokens, in order.
#[expect(clippy::too_many_arguments, reason = "each is a thing of its own, and there is one caller")]
pub(crate) fn attend(
    machine: Machine,
    pool: &Pool,
    heads: Heads,
    queries: &Sheet,
    runs: &[(Run, &mut Past)],
    turns: &Turns,
    norm: Option<&[f32]>,
    out: &mut Seen,
) {
    let tokens = queries.tokens();
    debug_assert_eq!(runs.iter().map(|(run, _)| run.tokens).sum::<usize>(), tokens, "each token is in one run");
    let group = heads.queries / heads.keys;
    let mut pieces = Vec::new();
    for (head, mut cells) in out.reset(tokens, heads.keys, group * heads.dim).enumerate() {
        for (run, past) in runs {
            for next in (0..run.tokens).step_by(TOGETHER) {
                let (piece, rest) = cells.split_at_mut(TOGETHER.min(run.tokens - next) * group * heads.dim);
                pieces.push((head, &**past, run.first + next, run.at + next, piece));
                cells = rest;
            }
        }
    }
    pool.each(pieces.into_iter(), |(head, past, first, at, cells)| {
        let each = past.positions * heads.dim / WIDTH;
        let mut rows = vec![0.0; cells.len()];
        for (place, row) in rows.chunks_exact_mut(heads.dim).enumerate() {
            let (token, query) = (first + place / group, head * group + place % group);
            queries.row(token, query * heads.dim, row);
            if let Some(weight) = norm {
                norm_row(machine, row, weight, heads.eps);
            }
            turns.turn(token, row);
            let scale = 1.0 / (heads.dim as f32).sqrt();
            row.iter_mut().for_each(|x| *x *= scale);
        }
        machine.run(Look {
            rows: &rows,
            dim: heads.dim,
            group,
            at,
            window: heads.window,
            keys: &past.keys[head * each..][..each],
            values: &past.values[head * each..][..each],
            out: cells,
        });
    });
}

struct Look<'a> {
    /// Queries: those of a token's heads, then the next token's.
    rows: &'a [f32],
    dim: usize,
    group: usize,
    /// The first token's position.
    at: usize,
    window: usize,
    keys: &'a [[u16; WIDTH]],
    values: &'a [[u16; WIDTH]],
    out: &'a mut [f32],
}

impl Task for Look<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let rows = self.rows.len() / self.dim;
        let seen = |row: usize| {
            let end = self.at + row / self.group + 1;
            end.saturating_sub(self.window)..end
        };
        let blocks = seen(rows - 1).end.div_ceil(WIDTH);
        let mut scores = vec![[0.0; WIDTH]; rows * blocks];
        let mut row = 0;
        while row < rows {
            let (count, queries) = (rows - row, &self.rows[row * self.dim..]);
            let (to, out) = (&mut scores[row * blocks..], &mut self.out[row * self.dim..]);
            let read = match count {
                6.. => look::<L, 6>(l, queries, self.dim, blocks, self.keys, self.values, to, out, row, &seen),
                3.. => look::<L, 3>(l, queries, self.dim, blocks, self.keys, self.values, to, out, row, &seen),
                2 => look::<L, 2>(l, queries, self.dim, blocks, self.keys, self.values, to, out, row, &seen),
                _ => look::<L, 1>(l, queries, self.dim, blocks, self.keys, self.values, to, out, row, &seen),
            };
            row += read;
        }
    }
}

/// `R` queries at once; gives `R`.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a loop's body, taken out for its width")]
fn look<L: Lanes, const R: usize>(
    l: L,
    queries: &[f32],
    dim: usize,
    blocks: usize,
    keys: &[[u16; WIDTH]],
    values: &[[u16; WIDTH]],
    scores: &mut [[f32; WIDTH]],
    out: &mut [f32],
    row: usize,
    seen: &impl Fn(usize) -> Range<usize>,
) -> usize {
    let mut rows: [&[f32]; R] = [&[]; R];
    for (at, row) in rows.iter_mut().enumerate() {
        *row = &queries[at * dim..][..dim];
    }
    let mut block = 0;
    while block + 2 <= blocks {
        score::<L, R, 2>(l, rows, dim, &keys[block * dim..][..2 * dim], &mut scores[block..], blocks);
        block += 2;
    }
    if block < blocks {
        score::<L, R, 1>(l, rows, dim, &keys[block * dim..][..dim], &mut scores[block..], blocks);
    }
    let mut sums = [0.0; R];
    for (at, sum) in sums.iter_mut().enumerate() {
        *sum = soften(l, &mut scores[at * blocks..][..blocks], seen(row + at));
    }
    let (wide, of) = (dim / WIDTH, seen(row).start..seen(row + R - 1).end);
    let mut column = 0;
    while column + 4 <= wide {
        gather::<L, R, 4>(l, scores, blocks, values, wide, column, of.clone(), sums, out);
        column += 4;
    }
    while column < wide {
        gather::<L, R, 1>(l, scores, blocks, values, wide, column, of.clone(), sums, out);
        column += 1;
    }
    R
}

/// The scores of `R` queries with `P` blocks of 16 positions.
#[inline(always)]
fn score<L: Lanes, const R: usize, const P: usize>(
    l: L,
    rows: [&[f32]; R],
    dim: usize,
    keys: &[[u16; WIDTH]],
    to: &mut [[f32; WIDTH]],
    stride: usize,
) {
    let mut sums = [[l.float(0.0); P]; R];
    for at in 0..dim {
        let mut key = [l.float(0.0); P];
        for p in 0..P {
            key[p] = l.halves(&keys[p * dim + at]);
        }
        for r in 0..R {
            let query = l.float(rows[r][at]);
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

/// Turns the scores of the positions seen into e to the power of what they are below the largest, those of others into zero;
/// gives their sum.
#[inline(always)]
pub(super) fn soften<L: Lanes>(l: L, scores: &mut [[f32; WIDTH]], seen: Range<usize>) -> f32 {
    let (first, whole) = (seen.start / WIDTH, seen.end.div_ceil(WIDTH));
    scores[..first].fill([0.0; WIDTH]);
    scores[whole..].fill([0.0; WIDTH]);
    let mine = &mut scores[first..whole];
    let (head, tail) = (seen.start % WIDTH, seen.end - (whole - 1) * WIDTH);
    let last = mine.len() - 1;
    mine[0][..head].fill(f32::MIN);
    mine[last][tail..].fill(f32::MIN);
    let mut most = l.float(f32::MIN);
    for scores in mine.iter() {
        most = l.larger(most, l.floats(scores));
    }
    let most = l.float(-l.largest(most));
    let mut sum = l.float(0.0);
    for (at, scores) in mine.iter_mut().enumerate() {
        l.put(l.exp(l.add(l.floats(scores), most)), scores);
        if at == 0 {
            scores[..head].fill(0.0);
        }
        if at == last {
            scores[tail..].fill(0.0);
        }
        sum = l.add(sum, l.floats(scores));
    }
    l.sum(sum)
}

/// `C` columns of 16 dimensions of the values, weighted by `R` queries' scores.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a loop's body, taken out for its width")]
fn gather<L: Lanes, const R: usize, const C: usize>(
    l: L,
    scores: &[[f32; WIDTH]],
    blocks: usize,
    values: &[[u16; WIDTH]],
    wide: usize,
    column: usize,
    seen: Range<usize>,
    sums: [f32; R],
    out: &mut [f32],
) {
    let mut all = [[l.float(0.0); C]; R];
    for (position, values) in values.chunks_exact(wide).enumerate().take(seen.end).skip(seen.start) {
        let values = &values[column..][..C];
        let mut value = [l.float(0.0); C];
        for c in 0..C {
            value[c] = l.halves(&values[c]);
        }
        for r in 0..R {
            let weight = l.float(scores[r * blocks + position / WIDTH][position % WIDTH]);
            for c in 0..C {
                all[r][c] = l.fuse(weight, value[c], all[r][c]);
            }
        }
    }
    let out = out.as_chunks_mut().0;
    for r in 0..R {
        let share = l.float(1.0 / sums[r]);
        for c in 0..C {
            l.put(l.times(all[r][c], share), &mut out[r * wide + column + c]);
        }
    }
}
