//! Products of quantised weights with the tokens' rows.
//!
//! A strip is 32 rows of weights, two tiles wide: it is unpacked block by block and multiplied with the tokens by fours. In
//! each block the products are summed as integers, exactly; the blocks' sums are added as floats in their order. So an
//! element of the product is the same to the last bit whatever other tokens and strips are computed beside it.

use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::formats::{
    Class, Format, Kind, Q4K, Q5K, Q6K, Q40, Q41, Q50, Q51, Q80, TILE, Tile, put_centred, put_offset,
};
use super::inputs::{Block, Inputs};
use super::lanes::{Lanes, Machine, Task, WIDTH};
use super::pool::Pool;
use super::shares::{Strips, share};
use super::sheet::{Cells, STRIP, Sheet};

/// How far ahead weights are asked for from memory, in bytes of each row: far enough for them to come in time, near enough for
/// those of 32 rows to stay in the nearest cache.
const AHEAD: usize = 384;
/// Rows of fewer bytes are asked for a whole strip ahead instead, for a strip of them is as near.
const LONG: usize = 2048;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Quantised weights, as they lie in the file: `rows` by `columns`, rows behind each other.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'w> {
    kind: Kind,
    rows: usize,
    columns: usize,
    bytes: &'w [u8],
}

impl<'w> Matrix<'w> {
    /// `None` where the bytes are not that many, or there are no rows.
    pub(crate) fn new(kind: Kind, rows: usize, columns: usize, bytes: &'w [u8]) -> Option<Matrix<'w>> {
        let wanted = kind.row_bytes(columns)?.checked_mul(rows)?;
        (rows > 0 && bytes.len() == wanted).then_some(Matrix { kind, rows, columns, bytes })
    }

    /// Rows: features that come out.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// All of them.
    pub(crate) fn bytes(&self) -> &'w [u8] {
        self.bytes
    }

    fn row(&self, at: usize) -> &'w [u8] {
        let bytes = self.bytes.len() / self.rows;
        let at = at.min(self.rows - 1);
        &self.bytes[at * bytes..(at + 1) * bytes]
    }

    /// A row's weights as floats, for an embedding.
    pub(crate) fn expand(&self, machine: Machine, row: usize, to: &mut [f32]) {
        machine.run(Expand { matrix: self, row, to });
    }
}

/// Adds the products of each matrix to its sheet.
pub(crate) fn multiply(machine: Machine, pool: &Pool, x: &Inputs, products: &mut [(Matrix<'_>, &mut Sheet)]) {
    let strips = products.iter_mut().map(|(matrix, sheet)| Beside(*matrix, sheet.run()));
    share(pool, strips, |Beside(matrix, mut out), follows| {
        multiply_strips(machine, &matrix, x, &mut out, follows);
    });
}

/// Strips of a sheet, and what else is needed to fill them.
struct Beside<T, S>(T, S);

impl<T: Copy + Send, S: Strips> Strips for Beside<T, S> {
    fn count(&self) -> usize {
        self.1.count()
    }

    fn split(self, first: usize) -> (Self, Self) {
        let (strips, rest) = self.1.split(first);
        (Beside(self.0, strips), Beside(self.0, rest))
    }
}

/// Two sheets' strips of the same features.
impl Strips for [Cells<'_>; 2] {
    fn count(&self) -> usize {
        self[0].count()
    }

    fn split(self, first: usize) -> (Self, Self) {
        let [(one, one_rest), (other, other_rest)] = self.map(|cells| cells.split(first));
        ([one, other], [one_rest, other_rest])
    }
}

/// Reads bytes and does nothing else with them, each thread its share: as fast as memory gives them.
pub(crate) fn read_through(machine: Machine, pool: &Pool, bytes: &[u8]) {
    let shares = bytes.chunks(bytes.len().div_ceil(pool.threads()).max(1));
    pool.each(shares, |bytes| machine.run(Through { bytes }));
}

struct Through<'a> {
    bytes: &'a [u8],
}

impl Task for Through<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        // Several, so that none waits for the one before.
        let mut sums = [l.integer(0); 4];
        for lines in self.bytes.as_chunks::<64>().0.chunks_exact(sums.len()) {
            for (sum, line) in sums.iter_mut().zip(lines) {
                *sum = l.xor(*sum, l.bytes(line));
            }
        }
        let mut out = [0; WIDTH];
        l.put_integers(l.xor(l.xor(sums[0], sums[1]), l.xor(sums[2], sums[3])), &mut out);
        // Or else nothing would be read.
        std::hint::black_box(out);
    }
}

/// What a gate makes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gating {
    /// `x / (1 + e^-x)`.
    Silu,
    /// GELU by its tanh: `x / (1 + e^-2u)` with `u = √(2/π) (x + 0.044715 x³)`.
    Gelu,
}

/// Puts `gating(gate · x) * (up · x)` into `out`; `spare` is overwritten. Both sheets must be zero before.
pub(crate) fn multiply_gated(
    machine: Machine,
    pool: &Pool,
    x: &Inputs,
    gating: Gating,
    [gate, up]: [Matrix<'_>; 2],
    out: &mut Sheet,
    spare: &mut Sheet,
) {
    share(pool, [[out.run(), spare.run()]].into_iter(), |[mut out, mut spare], follows| {
        multiply_strips(machine, &gate, x, &mut out, follows);
        multiply_strips(machine, &up, x, &mut spare, follows);
        machine.run(Gate { gating, out: out.cells, by: spare.cells });
    });
}

/// `follows` says whether the strips before were multiplied just now, and these asked for.
fn multiply_strips(machine: Machine, matrix: &Matrix<'_>, x: &Inputs, out: &mut Cells<'_>, follows: bool) {
    debug_assert_eq!(matrix.columns, x.columns(), "the weights' columns are the input's");
    let (first, cells) = (out.first, out.cells.as_chunks_mut().0);
    match matrix.kind {
        Kind::Q4K => machine.run(Product::<Q4K, 144> { matrix, first, x, cells, follows, of: Q4K }),
        Kind::Q5K => machine.run(Product::<Q5K, 176> { matrix, first, x, cells, follows, of: Q5K }),
        Kind::Q6K => machine.run(Product::<Q6K, 210> { matrix, first, x, cells, follows, of: Q6K }),
        Kind::Q40 => machine.run(Product::<Q40, 18> { matrix, first, x, cells, follows, of: Q40 }),
        Kind::Q41 => machine.run(Product::<Q41, 20> { matrix, first, x, cells, follows, of: Q41 }),
        Kind::Q50 => machine.run(Product::<Q50, 22> { matrix, first, x, cells, follows, of: Q50 }),
        Kind::Q51 => machine.run(Product::<Q51, 24> { matrix, first, x, cells, follows, of: Q51 }),
        Kind::Q80 => machine.run(Product::<Q80, 34> { matrix, first, x, cells, follows, of: Q80 }),
    }
}

struct Product<'a, F, const B: usize> {
    matrix: &'a Matrix<'a>,
    first: usize,
    x: &'a Inputs,
    /// Of each strip, of each token, two halves of its features.
    cells: &'a mut [[f32; WIDTH]],
    follows: bool,
    #[expect(dead_code, reason = "names the format")]
    of: F,
}

impl<F: Format<B>, const B: usize> Task for Product<'_, F, B> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let is_long = self.matrix.bytes.len() / self.matrix.rows > LONG;
        match F::HAS_DOT && self.x.tokens() == 1 {
            // Of half a strip of short rows, the next half fits the nearest cache too.
            true if is_long => self.with_one::<L, 2>(l),
            true => self.with_one::<L, 1>(l),
            false => self.with_many(l),
        }
    }
}

impl<F: Format<B>, const B: usize> Product<'_, F, B> {
    /// Rows by `SIDES` times 16, without a tile.
    #[inline(always)]
    fn with_one<L: Lanes, const SIDES: usize>(mut self, l: L) {
        let cells = std::mem::take(&mut self.cells);
        for (at, cells) in cells.as_chunks_mut::<SIDES>().0.iter_mut().enumerate() {
            let first = self.first * STRIP + at * SIDES * WIDTH;
            let mut rows = [[&[[0; B]; 0][..]; WIDTH]; SIDES];
            for (side, rows) in rows.iter_mut().enumerate() {
                *rows = self::rows::<B>(self.matrix, first + side * WIDTH);
            }
            for block in 0..self.matrix.columns / TILE {
                for (rows, cell) in rows.iter().zip(cells.iter_mut()) {
                    let blocks = self.blocks(l, rows, block, SIDES * WIDTH, at == 0);
                    F::dot(l, blocks, self.x.block(0, block, true), cell);
                }
            }
        }
    }

    #[inline(always)]
    fn with_many<L: Lanes>(mut self, l: L) {
        let mut tiles = [Tile::EMPTY, Tile::EMPTY];
        let cells = std::mem::take(&mut self.cells);
        for (at, cells) in cells.chunks_exact_mut(2 * self.x.tokens()).enumerate() {
            let first = (self.first + at) * STRIP;
            let rows = [rows::<B>(self.matrix, first), rows::<B>(self.matrix, first + WIDTH)];
            for tile in 0..self.matrix.columns.div_ceil(TILE) {
                let blocks = match F::CLASS {
                    Class::Offset | Class::Centred => tile..tile + 1,
                    Class::Small | Class::SmallFull => 8 * tile..(8 * tile + 8).min(self.matrix.columns / 32),
                };
                for block in blocks.clone() {
                    for (rows, tile) in rows.iter().zip(&mut tiles) {
                        F::unpack(l, self.blocks(l, rows, block, STRIP, at == 0), block % 8, tile);
                    }
                }
                with_all(l, F::CLASS, &tiles, blocks.len(), self.x, tile, cells);
            }
        }
    }

    /// A block of each of 16 rows; what is behind it is asked for. `together` rows are read block by block.
    #[inline(always)]
    fn blocks<'r, L: Lanes>(
        &self,
        l: L,
        rows: &[&'r [[u8; B]]; WIDTH],
        block: usize,
        together: usize,
        is_first: bool,
    ) -> [&'r [u8; B]; WIDTH] {
        let row_bytes = self.matrix.bytes.len() / self.matrix.rows;
        // At the end of a row, the next strip's row begins.
        let ahead = match row_bytes > LONG {
            true if block * B + AHEAD < row_bytes => AHEAD,
            true => row_bytes * (together - 1) + AHEAD,
            false => row_bytes * together,
        };
        let mut blocks = [&[0; B]; WIDTH];
        for (to, row) in blocks.iter_mut().zip(rows) {
            *to = &row[block];
            // Where nothing was asked for before.
            if is_first && row_bytes <= LONG && !self.follows {
                ask_for(l, to, AHEAD);
            }
            ask_for(l, to, ahead);
        }
        blocks
    }
}

/// Asks for the cache lines that begin inside the block this far behind one: so each line is asked for once. Twice would
/// cost: few may be on their way at a time.
#[inline(always)]
fn ask_for<L: Lanes, const B: usize>(l: L, block: &[u8; B], distance: usize) {
    let first = block.as_ptr().addr().wrapping_add(distance).wrapping_neg() % LINE;
    for line in (first..B).step_by(LINE) {
        l.ask_for(block, distance + line);
    }
}

/// 16 rows in blocks; beyond the last row it is read again, and what comes of it is left out later.
#[inline(always)]
fn rows<'w, const B: usize>(matrix: &Matrix<'w>, first: usize) -> [&'w [[u8; B]]; WIDTH] {
    let mut rows: [&[[u8; B]]; WIDTH] = [&[]; WIDTH];
    for (at, row) in rows.iter_mut().enumerate() {
        *row = matrix.row(first + at).as_chunks().0;
    }
    rows
}

/// Two tiles with every token.
#[inline(always)]
fn with_all<L: Lanes>(
    l: L,
    class: Class,
    tiles: &[Tile; 2],
    blocks: usize,
    x: &Inputs,
    at: usize,
    cells: &mut [[f32; WIDTH]],
) {
    let (mut token, tokens) = (0, x.tokens());
    let is_wide = matches!(class, Class::Offset | Class::Centred);
    while token + 4 <= tokens {
        let x = [0, 1, 2, 3].map(|next| x.block(token + next, at, is_wide));
        with_some(l, class, tiles, blocks, x, &mut cells[2 * token..]);
        token += 4;
    }
    if token + 2 <= tokens {
        let x = [0, 1].map(|next| x.block(token + next, at, is_wide));
        with_some(l, class, tiles, blocks, x, &mut cells[2 * token..]);
        token += 2;
    }
    if token < tokens {
        with_some(l, class, tiles, blocks, [x.block(token, at, is_wide)], &mut cells[2 * token..]);
    }
}

#[inline(always)]
fn with_some<L: Lanes, const T: usize>(
    l: L,
    class: Class,
    tiles: &[Tile; 2],
    blocks: usize,
    x: [&Block; T],
    cells: &mut [[f32; WIDTH]],
) {
    match class {
        Class::Offset => with_wide::<L, T, 8>(l, tiles, x, cells),
        Class::Centred => with_wide::<L, T, 16>(l, tiles, x, cells),
        Class::Small => with_small::<L, T, false>(l, tiles, blocks, x, cells),
        Class::SmallFull => with_small::<L, T, true>(l, tiles, blocks, x, cells),
    }
}

/// 256-blocks of `PARTS` parts: eight with offsets of their own, or 16 around zero.
#[inline(always)]
fn with_wide<L: Lanes, const T: usize, const PARTS: usize>(
    l: L,
    tiles: &[Tile; 2],
    x: [&Block; T],
    cells: &mut [[f32; WIDTH]],
) {
    let zero = l.integer(0);
    let mut sums = [[zero; 2]; T];
    let words = TILE / 4 / PARTS;
    for part in 0..PARTS {
        let mut dots = [[zero; 2]; T];
        for word in part * words..(part + 1) * words {
            let weights = [l.bytes(&tiles[0].words[word]), l.bytes(&tiles[1].words[word])];
            for t in 0..T {
                dots[t][0] = l.dot_bytes(dots[t][0], weights[0], x[t].words[word]);
                dots[t][1] = l.dot_bytes(dots[t][1], weights[1], x[t].words[word]);
            }
        }
        let scales = [l.integers(&tiles[0].scales[part]), l.integers(&tiles[1].scales[part])];
        for t in 0..T {
            sums[t][0] = l.add_product(sums[t][0], dots[t][0], scales[0]);
            sums[t][1] = l.add_product(sums[t][1], dots[t][1], scales[1]);
        }
    }
    for t in 0..T {
        for (tile, sum) in tiles.iter().zip(sums[t]) {
            let cell = &mut cells[2 * t + usize::from(std::ptr::eq(tile, &tiles[1]))];
            let scale = l.float(x[t].d[0]);
            let mut offset = zero;
            if PARTS == 8 {
                for (pairs, x) in tile.offsets[..4].iter().zip(x[t].pairs_of_32) {
                    offset = l.dot_pairs(offset, l.integers(pairs), x);
                }
                put_offset(l, [l.floats(&tile.d[0]), l.floats(&tile.m[0])], scale, sum, offset, cell);
            } else {
                for (pairs, x) in tile.offsets.iter().zip(x[t].pairs_of_16) {
                    offset = l.dot_pairs(offset, l.integers(pairs), x);
                }
                put_centred(l, l.floats(&tile.d[0]), scale, sum, offset, cell);
            }
        }
    }
}

/// Up to eight blocks of 32.
#[inline(always)]
fn with_small<L: Lanes, const T: usize, const FULL: bool>(
    l: L,
    tiles: &[Tile; 2],
    blocks: usize,
    x: [&Block; T],
    cells: &mut [[f32; WIDTH]],
) {
    let mut sums = [[l.float(0.0); 2]; T];
    for t in 0..T {
        sums[t] = [l.floats(&cells[2 * t]), l.floats(&cells[2 * t + 1])];
    }
    for block in 0..blocks.min(8) {
        let mut dots = [[l.integer(0); 2]; T];
        for word in 8 * block..8 * block + 8 {
            let weights = [l.bytes(&tiles[0].words[word]), l.bytes(&tiles[1].words[word])];
            for t in 0..T {
                for side in 0..2 {
                    dots[t][side] = if FULL {
                        l.dot_full_bytes(dots[t][side], weights[side], x[t].words[word])
                    } else {
                        l.dot_bytes(dots[t][side], weights[side], x[t].words[word])
                    };
                }
            }
        }
        for t in 0..T {
            let (scale, sum) = (l.float(x[t].d[block]), l.float(x[t].sums[block]));
            for side in 0..2 {
                let d = l.times(l.floats(&tiles[side].d[block]), scale);
                sums[t][side] = l.fuse(d, l.to_float(dots[t][side]), sums[t][side]);
                sums[t][side] = l.fuse(l.floats(&tiles[side].m[block]), sum, sums[t][side]);
            }
        }
    }
    for t in 0..T {
        l.put(sums[t][0], &mut cells[2 * t]);
        l.put(sums[t][1], &mut cells[2 * t + 1]);
    }
}

struct Gate<'a> {
    gating: Gating,
    out: &'a mut [f32],
    by: &'a [f32],
}

impl Task for Gate<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        for (out, by) in self.out.as_chunks_mut().0.iter_mut().zip(self.by.as_chunks().0) {
            let gate = l.floats(out);
            let power = match self.gating {
                Gating::Silu => l.times(gate, l.float(-1.0)),
                Gating::Gelu => {
                    let twice = -2.0 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
                    let slope = l.fuse(l.times(gate, gate), l.float(0.044_715 * twice), l.float(twice));
                    l.times(gate, slope)
                }
            };
            let below = l.add(l.exp(power), l.float(1.0));
            l.put(l.times(l.over(gate, below), l.floats(by)), out);
        }
    }
}

struct Expand<'a> {
    matrix: &'a Matrix<'a>,
    row: usize,
    to: &'a mut [f32],
}

impl Task for Expand<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let row = self.matrix.row(self.row);
        match self.matrix.kind {
            Kind::Q4K => expand::<L, Q4K, 144>(l, row, self.to),
            Kind::Q5K => expand::<L, Q5K, 176>(l, row, self.to),
            Kind::Q6K => expand::<L, Q6K, 210>(l, row, self.to),
            Kind::Q40 => expand::<L, Q40, 18>(l, row, self.to),
            Kind::Q41 => expand::<L, Q41, 20>(l, row, self.to),
            Kind::Q50 => expand::<L, Q50, 22>(l, row, self.to),
            Kind::Q51 => expand::<L, Q51, 24>(l, row, self.to),
            Kind::Q80 => expand::<L, Q80, 34>(l, row, self.to),
        }
    }
}

/// The first lane of a tile, in which all lanes are the same row.
#[inline(always)]
fn expand<L: Lanes, F: Format<B>, const B: usize>(l: L, row: &[u8], to: &mut [f32]) {
    let mut tile = Tile::EMPTY;
    let width = if matches!(F::CLASS, Class::Offset | Class::Centred) { TILE } else { 32 };
    for (block, to) in row.as_chunks::<B>().0.iter().zip(to.chunks_mut(width)) {
        F::unpack(l, [block; WIDTH], 0, &mut tile);
        for (at, to) in to.iter_mut().enumerate() {
            let weight = f32::from(tile.words[at / 4][at % 4]);
            // The offsets' pairs are put together as those of the sums are.
            let pair = |part: usize| tile.offsets[part / 4 * 2 + part % 2][0] >> (16 * (part / 2 % 2)) as i16;
            *to = match F::CLASS {
                Class::Offset => {
                    let part = at / 32;
                    tile.d[0][0] * tile.scales[part][0] as f32 * weight - tile.m[0][0] * f32::from(pair(part) as i16)
                }
                Class::Centred => tile.d[0][0] * tile.scales[at / 16][0] as f32 * (weight - 32.0),
                Class::Small | Class::SmallFull => tile.d[0][0] * weight + tile.m[0][0],
            };
        }
    }
}
