//! What the weights are multiplied with: rows of floats, written as bytes with a scale for each block.

use super::formats::TILE;
use super::lanes::{Lanes, Machine, Task, WIDTH};

/// 256 columns of one token. Of a narrower block the rest is zero.
#[derive(Clone)]
pub(super) struct Block {
    /// Four signed bytes in each.
    pub words: [i32; TILE / 4],
    /// Scales: one for all, or one for each 32.
    pub d: [f32; 8],
    /// The sums of each 32 columns, times their scale; only where scales are for each 32.
    pub sums: [f32; 8],
    /// The sums of each 16 columns in pairs of 16 bits: of each four, the first with the third, the second with the fourth.
    pub pairs_of_16: [i32; 8],
    /// The sums of each 32 columns, paired likewise.
    pub pairs_of_32: [i32; 4],
}

impl Block {
    const EMPTY: Block =
        Block { words: [0; TILE / 4], d: [0.0; 8], sums: [0.0; 8], pairs_of_16: [0; 8], pairs_of_32: [0; 4] };
}

/// Which scales the weights ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scales {
    /// One for each 256 columns.
    pub wide: bool,
    /// One for each 32 columns.
    pub narrow: bool,
}

/// Rows of floats as bytes.
#[derive(Default)]
pub(crate) struct Inputs {
    tokens: usize,
    columns: usize,
    scales: Scales,
    wide: Vec<Block>,
    narrow: Vec<Block>,
}

/// One token's row of [`Inputs`], to be written.
pub(crate) struct Row<'i> {
    wide: &'i mut [Block],
    narrow: &'i mut [Block],
}

impl Inputs {
    /// Makes room; what stood here is gone. Columns are a multiple of 32, and of 256 where wide scales are asked for.
    pub(crate) fn reset(&mut self, tokens: usize, columns: usize, scales: Scales) {
        debug_assert!(
            columns.is_multiple_of(if scales.wide { TILE } else { 32 }),
            "{columns} columns fill their blocks"
        );
        (self.tokens, self.columns, self.scales) = (tokens, columns, scales);
        let blocks = tokens * columns.div_ceil(TILE);
        self.wide.resize(if scales.wide { blocks } else { 0 }, Block::EMPTY);
        self.narrow.resize(if scales.narrow { blocks } else { 0 }, Block::EMPTY);
    }

    /// Rows that there are.
    pub(super) fn tokens(&self) -> usize {
        self.tokens
    }

    /// Columns of each.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// A token's block, with one scale for all or one for each 32 columns.
    #[inline(always)]
    pub(super) fn block(&self, token: usize, at: usize, is_wide: bool) -> &Block {
        let blocks = if is_wide { &self.wide } else { &self.narrow };
        &blocks[token * self.columns.div_ceil(TILE) + at]
    }

    /// The rows, each to be written by whoever takes it.
    pub(crate) fn rows(&mut self) -> impl Iterator<Item = Row<'_>> + Send {
        let each = self.columns.div_ceil(TILE);
        let mut wide = self.wide.chunks_mut(each.max(1));
        let mut narrow = self.narrow.chunks_mut(each.max(1));
        (0..self.tokens)
            .map(move |_| Row { wide: wide.next().unwrap_or_default(), narrow: narrow.next().unwrap_or_default() })
    }
}

impl Row<'_> {
    /// Writes the row.
    pub(crate) fn write(self, machine: Machine, from: &[f32]) {
        machine.run(Write { from, to: self });
    }
}

struct Write<'a> {
    from: &'a [f32],
    to: Row<'a>,
}

impl Task for Write<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        for (from, to) in self.from.chunks(TILE).zip(self.to.wide) {
            write_wide(l, from.as_chunks().0, to);
        }
        for (from, to) in self.from.chunks(TILE).zip(self.to.narrow) {
            *to = Block::EMPTY;
            for (at, from) in from.as_chunks().0.chunks_exact(2).enumerate() {
                write_narrow(l, from, to, at);
            }
        }
    }
}

/// The number with the largest size becomes -128, so that all 8 bits are used.
#[inline(always)]
fn write_wide<L: Lanes>(l: L, from: &[[f32; WIDTH]], to: &mut Block) {
    let (mut most, mut least) = (l.float(0.0), l.float(0.0));
    for from in from {
        let x = l.floats(from);
        (most, least) = (l.larger(most, x), l.smaller(least, x));
    }
    let (most, least) = (l.largest(most), -l.largest(l.times(least, l.float(-1.0))));
    let extreme = if most > -least { most } else { least };
    let turn = if extreme == 0.0 { 0.0 } else { -128.0 / extreme };
    to.d[0] = if extreme == 0.0 { 0.0 } else { 1.0 / turn };
    let mut sums = [0; WIDTH];
    for (at, from) in from.iter().enumerate() {
        let scaled = l.smaller(l.times(l.floats(from), l.float(turn)), l.float(127.0));
        sums[at] = put_bytes(l, scaled, &mut to.words[4 * at..]);
    }
    for four in 0..4 {
        to.pairs_of_16[2 * four] = pair(sums[4 * four], sums[4 * four + 2]);
        to.pairs_of_16[2 * four + 1] = pair(sums[4 * four + 1], sums[4 * four + 3]);
    }
    for eight in 0..2 {
        let of_32 = |at: usize| sums[8 * eight + 2 * at] + sums[8 * eight + 2 * at + 1];
        to.pairs_of_32[2 * eight] = pair(of_32(0), of_32(2));
        to.pairs_of_32[2 * eight + 1] = pair(of_32(1), of_32(3));
    }
}

#[inline(always)]
fn write_narrow<L: Lanes>(l: L, from: &[[f32; WIDTH]], to: &mut Block, at: usize) {
    let size = |x: L::F| l.larger(x, l.times(x, l.float(-1.0)));
    let most = l.largest(l.larger(size(l.floats(&from[0])), size(l.floats(&from[1]))));
    let turn = if most == 0.0 { 0.0 } else { 127.0 / most };
    to.d[at] = most / 127.0;
    let mut sum = 0;
    for (half, from) in from.iter().enumerate() {
        sum += put_bytes(l, l.times(l.floats(from), l.float(turn)), &mut to.words[8 * at + 4 * half..]);
    }
    to.sums[at] = sum as f32 * to.d[at];
}

/// Writes 16 numbers as signed bytes; gives their sum.
#[inline(always)]
fn put_bytes<L: Lanes>(l: L, x: L::F, to: &mut [i32]) -> i32 {
    let bytes = l.narrow(l.rounded(x));
    for (to, bytes) in to.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *to = i32::from_le_bytes(bytes.map(|byte| byte as u8));
    }
    bytes.into_iter().map(i32::from).sum()
}

#[inline(always)]
fn pair(low: i32, high: i32) -> i32 {
    low & 0xffff | high << 16
}
