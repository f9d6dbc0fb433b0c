//! How quantised weights lie in a GGUF file, and how a tile of them is laid out for multiplying.
//!
//! A tile is 16 rows by 256 columns. It is unpacked from the file's own blocks each time it is used, into memory that stays
//! in the nearest cache, and costs a few instructions a weight block however many tokens it is then multiplied with; so the
//! weights are used where they are mapped, and stand in memory once, at the file's size.
//!
//! Layouts: ggml's `block_q4_K` and its relatives, as the GGUF files in the world have them.

use super::inputs::Block;
use super::lanes::{Lanes, WIDTH};

/// Columns of a tile.
pub(super) const TILE: usize = 256;

/// How a matrix's weights are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 256 weights of 4 bits; scales and offsets of 6 bits for each 32.
    Q4K,
    /// 256 of 5 bits, likewise.
    Q5K,
    /// 256 of 6 bits around zero; scales of 8 bits for each 16.
    Q6K,
    /// 32 of 4 bits around zero, with one scale.
    Q40,
    /// 32 of 4 bits, with one scale and one offset.
    Q41,
    /// 32 of 5 bits around zero, with one scale.
    Q50,
    /// 32 of 5 bits, with one scale and one offset.
    Q51,
    /// 32 of 8 bits around zero, with one scale.
    Q80,
}

impl Kind {
    /// Weights in a block.
    pub(crate) const fn weights(self) -> usize {
        match self {
            Kind::Q4K | Kind::Q5K | Kind::Q6K => 256,
            Kind::Q40 | Kind::Q41 | Kind::Q50 | Kind::Q51 | Kind::Q80 => 32,
        }
    }

    /// Bytes of a block.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Kind::Q4K => 144,
            Kind::Q5K => 176,
            Kind::Q6K => 210,
            Kind::Q40 => 18,
            Kind::Q41 => 20,
            Kind::Q50 => 22,
            Kind::Q51 => 24,
            Kind::Q80 => 34,
        }
    }

    /// Bytes of a row of so many weights; `None` where blocks do not fill it.
    pub(crate) fn row_bytes(self, columns: usize) -> Option<usize> {
        columns.is_multiple_of(self.weights()).then(|| columns / self.weights() * self.bytes())
    }
}

/// 16 rows by 256 columns, unpacked.
#[repr(C, align(64))]
pub(super) struct Tile {
    /// Weights as unsigned bytes: four columns of 16 rows in each.
    pub words: [[u8; 64]; TILE / 4],
    /// Of 256-blocks: the small scales of each 16 or 32 columns.
    pub scales: [[i32; WIDTH]; 16],
    /// Of 256-blocks: what is taken off for each 16 or 32 columns, in pairs as [`Sums`](super::inputs) has them.
    pub offsets: [[i32; WIDTH]; 8],
    /// Scales: the first of 256-blocks, one for each block of 32 otherwise.
    pub d: [[f32; WIDTH]; 8],
    /// Offsets, likewise.
    pub m: [[f32; WIDTH]; 8],
}

impl Tile {
    pub(super) const EMPTY: Tile = Tile {
        words: [[0; 64]; TILE / 4],
        scales: [[0; WIDTH]; 16],
        offsets: [[0; WIDTH]; 8],
        d: [[0.0; WIDTH]; 8],
        m: [[0.0; WIDTH]; 8],
    };
}

/// Which products a format needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// 256-blocks of eight parts, each with an offset.
    Offset,
    /// 256-blocks of 16 parts around zero.
    Centred,
    /// Blocks of 32.
    Small,
    /// Blocks of 32 of whole bytes.
    SmallFull,
}

/// One way of writing weights; `B` is the bytes of a block.
pub(super) trait Format<const B: usize> {
    const CLASS: Class;
    /// Unpacks the block of each of 16 rows. `at` is the block's place in the tile, where it is smaller.
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; B]; WIDTH], at: usize, tile: &mut Tile);

    /// Whether there is a way for one token alone that needs no tile.
    const HAS_DOT: bool = false;
    /// Adds the products of the block of each of 16 rows with one token's: the same to the last bit as by way of the tile.
    fn dot<L: Lanes>(_: L, _: [&[u8; B]; WIDTH], _: &Block, _: &mut [f32; WIDTH]) {}
}

/// A part of each block.
#[inline(always)]
fn pieces<const B: usize>(blocks: [&[u8; B]; WIDTH], from: usize) -> [&[u8; 16]; WIDTH] {
    let mut pieces = [&[0; 16]; WIDTH];
    for (piece, block) in pieces.iter_mut().zip(blocks) {
        *piece = block[from..].first_chunk().expect("the piece lies inside the block");
    }
    pieces
}

/// The half-precision floats at a place of each block.
#[inline(always)]
fn halves<const B: usize>(blocks: [&[u8; B]; WIDTH], at: usize) -> [u16; WIDTH] {
    // Not by `map`, which is a call that is not inlined into the level's instructions.
    let mut halves = [0; WIDTH];
    for (half, block) in halves.iter_mut().zip(blocks) {
        *half = u16::from_le_bytes([block[at], block[at + 1]]);
    }
    halves
}

/// The header of `Q4_K` and `Q5_K`: two halves, then eight scales and eight offsets of 6 bits in 12 bytes.
struct Header<L: Lanes> {
    d: L::F,
    m: L::F,
    scales: [L::I; 8],
    /// In pairs, as the tile has them.
    offsets: [L::I; 4],
}

impl<L: Lanes> Header<L> {
    #[inline(always)]
    fn of<const B: usize>(l: L, blocks: [&[u8; B]; WIDTH]) -> Header<L> {
        let [d, low, high, mixed] = l.columns(pieces(blocks, 0));
        // The first four of each are the low 6 bits; of the others 4 bits stand together and 2 above the first four.
        let scales = [l.field::<0>(low, 0x3f), l.or(l.field::<0>(mixed, 0x0f), l.left::<4>(l.field::<6>(low, 0x03)))];
        let offsets =
            [l.field::<0>(high, 0x3f), l.or(l.field::<4>(mixed, 0x0f), l.left::<4>(l.field::<6>(high, 0x03)))];
        let byte = l.integer(0xff);
        let four = |scales: L::I| {
            let (second, third) = (l.right::<8>(scales), l.right::<16>(scales));
            [l.and(scales, byte), l.and(second, byte), l.and(third, byte), l.right::<24>(scales)]
        };
        let ([a, b, c, e], [f, g, h, i]) = (four(scales[0]), four(scales[1]));
        Header {
            d: l.low_half(d),
            m: l.low_half(l.right::<16>(d)),
            scales: [a, b, c, e, f, g, h, i],
            offsets: [
                l.even_bytes(offsets[0]),
                l.odd_bytes(offsets[0]),
                l.even_bytes(offsets[1]),
                l.odd_bytes(offsets[1]),
            ],
        }
    }

    #[inline(always)]
    fn put(self, l: L, tile: &mut Tile) {
        l.put(self.d, &mut tile.d[0]);
        l.put(self.m, &mut tile.m[0]);
        self.scales.into_iter().zip(&mut tile.scales).for_each(|(scale, to)| l.put_integers(scale, to));
        self.offsets.into_iter().zip(&mut tile.offsets).for_each(|(pairs, to)| l.put_integers(pairs, to));
    }
}

/// Four scales of `Q6_K`, signed bytes; and the same in pairs, as the tile's offsets.
#[inline(always)]
fn signed_scales<L: Lanes>(l: L, scales: L::I) -> ([L::I; 4], [L::I; 2]) {
    let signed = [
        l.right_signed::<24>(l.left::<24>(scales)),
        l.right_signed::<24>(l.left::<16>(scales)),
        l.right_signed::<24>(l.left::<8>(scales)),
        l.right_signed::<24>(scales),
    ];
    (signed, [l.even_bytes(scales), l.odd_bytes(scales)])
}

/// Adds a 256-block's products to a cell: the sum of the weights' as they are written, less that of the offsets.
#[inline(always)]
pub(super) fn put_offset<L: Lanes>(
    l: L,
    [d, m]: [L::F; 2],
    scale: L::F,
    sum: L::I,
    offset: L::I,
    cell: &mut [f32; WIDTH],
) {
    let with = l.fuse(l.times(d, scale), l.to_float(sum), l.floats(cell));
    l.put(l.fuse_less(l.times(m, scale), l.to_float(offset), with), cell);
}

/// The same of a block around zero: weights count from 32.
#[inline(always)]
pub(super) fn put_centred<L: Lanes>(l: L, d: L::F, scale: L::F, sum: L::I, offset: L::I, cell: &mut [f32; WIDTH]) {
    let sum = l.subtract(sum, l.left::<5>(offset));
    l.put(l.fuse(l.times(d, scale), l.to_float(sum), l.floats(cell)), cell);
}

pub(super) struct Q4K;

impl Format<144> for Q4K {
    const CLASS: Class = Class::Offset;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 144]; WIDTH], _: usize, tile: &mut Tile) {
        Header::of(l, blocks).put(l, tile);
        // 32 bytes hold 32 weights in their low halves and the next 32 in their high ones.
        for piece in 0..8 {
            let (group, within) = (piece / 2, piece % 2);
            for (at, column) in l.columns(pieces(blocks, 16 + 16 * piece)).into_iter().enumerate() {
                let to = 16 * group + 4 * within + at;
                l.put_bytes(l.field::<0>(column, 0x0f), &mut tile.words[to]);
                l.put_bytes(l.field::<4>(column, 0x0f), &mut tile.words[to + 8]);
            }
        }
    }

    const HAS_DOT: bool = true;

    #[inline(always)]
    fn dot<L: Lanes>(l: L, blocks: [&[u8; 144]; WIDTH], x: &Block, cell: &mut [f32; WIDTH]) {
        let header = Header::of(l, blocks);
        let mut sum = l.integer(0);
        for group in 0..4 {
            let (mut low, mut high) = (l.integer(0), l.integer(0));
            for within in 0..2 {
                let columns = l.columns(pieces(blocks, 16 + 32 * group + 16 * within));
                for (at, column) in columns.into_iter().enumerate() {
                    let word = 16 * group + 4 * within + at;
                    low = l.dot_bytes(low, l.field::<0>(column, 0x0f), x.words[word]);
                    high = l.dot_bytes(high, l.field::<4>(column, 0x0f), x.words[word + 8]);
                }
            }
            sum = l.add_product(sum, low, header.scales[2 * group]);
            sum = l.add_product(sum, high, header.scales[2 * group + 1]);
        }
        let mut offset = l.integer(0);
        for (pairs, x) in header.offsets.into_iter().zip(x.pairs_of_32) {
            offset = l.dot_pairs(offset, pairs, x);
        }
        put_offset(l, [header.d, header.m], l.float(x.d[0]), sum, offset, cell);
    }
}

pub(super) struct Q5K;

impl Format<176> for Q5K {
    const CLASS: Class = Class::Offset;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 176]; WIDTH], _: usize, tile: &mut Tile) {
        Header::of(l, blocks).put(l, tile);
        for within in 0..2 {
            let fifths = l.columns(pieces(blocks, 16 + 16 * within));
            unpack_fifths::<L, 0, 1>(l, blocks, within, 0, fifths, tile);
            unpack_fifths::<L, 2, 3>(l, blocks, within, 1, fifths, tile);
            unpack_fifths::<L, 4, 5>(l, blocks, within, 2, fifths, tile);
            unpack_fifths::<L, 6, 7>(l, blocks, within, 3, fifths, tile);
        }
    }
}

/// As `Q4_K`; the fifth bits of the 32 weights at place g of eight are the bits g of 32 bytes.
#[inline(always)]
fn unpack_fifths<L: Lanes, const LOW: u32, const HIGH: u32>(
    l: L,
    blocks: [&[u8; 176]; WIDTH],
    within: usize,
    group: usize,
    fifths: [L::I; 4],
    tile: &mut Tile,
) {
    for (at, column) in l.columns(pieces(blocks, 48 + 32 * group + 16 * within)).into_iter().enumerate() {
        let to = 16 * group + 4 * within + at;
        let (low, high) = (l.field::<LOW>(fifths[at], 1), l.field::<HIGH>(fifths[at], 1));
        l.put_bytes(l.or(l.field::<0>(column, 0x0f), l.left::<4>(low)), &mut tile.words[to]);
        l.put_bytes(l.or(l.field::<4>(column, 0x0f), l.left::<4>(high)), &mut tile.words[to + 8]);
    }
}

pub(super) struct Q6K;

impl Format<210> for Q6K {
    const CLASS: Class = Class::Centred;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 210]; WIDTH], _: usize, tile: &mut Tile) {
        l.put(l.halves(&halves(blocks, 208)), &mut tile.d[0]);
        for (four, scales) in l.columns(pieces(blocks, 192)).into_iter().enumerate() {
            let (scales, pairs) = signed_scales(l, scales);
            scales.into_iter().zip(&mut tile.scales[4 * four..]).for_each(|(scale, to)| l.put_integers(scale, to));
            pairs.into_iter().zip(&mut tile.offsets[2 * four..]).for_each(|(pairs, to)| l.put_integers(pairs, to));
        }
        // Of each half of 128: low four bits in 64 bytes, low halves first; two high bits of four weights in 32 bytes.
        for half in 0..2 {
            for within in 0..2 {
                let one = l.columns(pieces(blocks, 64 * half + 16 * within));
                let other = l.columns(pieces(blocks, 64 * half + 32 + 16 * within));
                let high = l.columns(pieces(blocks, 128 + 32 * half + 16 * within));
                for at in 0..4 {
                    let to = 32 * half + 4 * within + at;
                    let weights = six_bits(l, one[at], other[at], high[at]);
                    for (quarter, weights) in weights.into_iter().enumerate() {
                        l.put_bytes(weights, &mut tile.words[to + 8 * quarter]);
                    }
                }
            }
        }
    }

    const HAS_DOT: bool = true;

    #[inline(always)]
    fn dot<L: Lanes>(l: L, blocks: [&[u8; 210]; WIDTH], x: &Block, cell: &mut [f32; WIDTH]) {
        let d = l.halves(&halves(blocks, 208));
        let mut offset = l.integer(0);
        let mut scales = [l.integer(0); 16];
        for (four, column) in l.columns(pieces(blocks, 192)).into_iter().enumerate() {
            let ([one, two, three, last], [even, odd]) = signed_scales(l, column);
            (scales[4 * four], scales[4 * four + 1]) = (one, two);
            (scales[4 * four + 2], scales[4 * four + 3]) = (three, last);
            offset = l.dot_pairs(offset, even, x.pairs_of_16[2 * four]);
            offset = l.dot_pairs(offset, odd, x.pairs_of_16[2 * four + 1]);
        }
        let mut sum = l.integer(0);
        for half in 0..2 {
            for within in 0..2 {
                let one = l.columns(pieces(blocks, 64 * half + 16 * within));
                let other = l.columns(pieces(blocks, 64 * half + 32 + 16 * within));
                let high = l.columns(pieces(blocks, 128 + 32 * half + 16 * within));
                let mut dots = [l.integer(0); 4];
                for at in 0..4 {
                    let word = 32 * half + 4 * within + at;
                    let [first, second, third, last] = six_bits(l, one[at], other[at], high[at]);
                    dots[0] = l.dot_bytes(dots[0], first, x.words[word]);
                    dots[1] = l.dot_bytes(dots[1], second, x.words[word + 8]);
                    dots[2] = l.dot_bytes(dots[2], third, x.words[word + 16]);
                    dots[3] = l.dot_bytes(dots[3], last, x.words[word + 24]);
                }
                // A part is four words.
                let part = 8 * half + within;
                sum = l.add_product(sum, dots[0], scales[part]);
                sum = l.add_product(sum, dots[1], scales[part + 2]);
                sum = l.add_product(sum, dots[2], scales[part + 4]);
                sum = l.add_product(sum, dots[3], scales[part + 6]);
            }
        }
        put_centred(l, d, l.float(x.d[0]), sum, offset, cell);
    }
}

/// Words of the four quarters of a half of 128 of `Q6_K`: of two columns of low bits and one of high ones.
#[inline(always)]
fn six_bits<L: Lanes>(l: L, one: L::I, other: L::I, high: L::I) -> [L::I; 4] {
    [
        l.or(l.field::<0>(one, 0x0f), l.left::<4>(l.field::<0>(high, 0x03))),
        l.or(l.field::<0>(other, 0x0f), l.left::<4>(l.field::<2>(high, 0x03))),
        l.or(l.field::<4>(one, 0x0f), l.left::<4>(l.field::<4>(high, 0x03))),
        l.or(l.field::<4>(other, 0x0f), l.left::<4>(l.field::<6>(high, 0x03))),
    ]
}

/// 16 bytes of each block as 32 weights of 4 bits: low halves first.
#[inline(always)]
fn nibbles<L: Lanes, const B: usize>(l: L, blocks: [&[u8; B]; WIDTH], from: usize) -> [L::I; 8] {
    let columns = l.columns(pieces(blocks, from));
    let mut out = [l.integer(0); 8];
    for (at, column) in columns.into_iter().enumerate() {
        out[at] = l.field::<0>(column, 0x0f);
        out[at + 4] = l.field::<4>(column, 0x0f);
    }
    out
}

/// The same with fifth bits, which stand in order in the 32 bits at `bits`.
#[inline(always)]
fn nibbles_and_fifths<L: Lanes, const B: usize>(
    l: L,
    blocks: [&[u8; B]; WIDTH],
    bits: usize,
    from: usize,
) -> [L::I; 8] {
    let fifths =
        blocks.map(|block| i32::from_le_bytes([block[bits], block[bits + 1], block[bits + 2], block[bits + 3]]));
    let mut fifths = l.integers(&fifths);
    let mut out = nibbles(l, blocks, from);
    for out in &mut out {
        // Four bits times 2^0 + 2^7 + 2^14 + 2^21: each stands at the bottom of its own byte.
        let four = l.and(fifths, l.integer(0x0f));
        let spread = l.add_product(l.integer(0), four, l.integer(0x0020_4081));
        *out = l.or(*out, l.left::<4>(l.and(spread, l.integer(0x0101_0101))));
        fifths = l.right::<4>(fifths);
    }
    out
}

/// Puts a block of 32 at its place in the tile: `m` is an offset that is added, or else `zero` weights count as none.
#[inline(always)]
fn put_small<L: Lanes>(l: L, tile: &mut Tile, at: usize, words: [L::I; 8], d: [u16; WIDTH], m: Offset) {
    for (word, to) in words.into_iter().zip(&mut tile.words[8 * at..]) {
        l.put_bytes(word, to);
    }
    let d = l.halves(&d);
    l.put(d, &mut tile.d[at]);
    let m = match m {
        Offset::Written(m) => l.halves(&m),
        Offset::Zero(zero) => l.times(d, l.float(-zero)),
    };
    l.put(m, &mut tile.m[at]);
}

enum Offset {
    Written([u16; WIDTH]),
    Zero(f32),
}

pub(super) struct Q40;

impl Format<18> for Q40 {
    const CLASS: Class = Class::Small;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 18]; WIDTH], at: usize, tile: &mut Tile) {
        put_small(l, tile, at, nibbles(l, blocks, 2), halves(blocks, 0), Offset::Zero(8.0));
    }
}

pub(super) struct Q41;

impl Format<20> for Q41 {
    const CLASS: Class = Class::Small;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 20]; WIDTH], at: usize, tile: &mut Tile) {
        put_small(l, tile, at, nibbles(l, blocks, 4), halves(blocks, 0), Offset::Written(halves(blocks, 2)));
    }
}

pub(super) struct Q50;

impl Format<22> for Q50 {
    const CLASS: Class = Class::Small;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 22]; WIDTH], at: usize, tile: &mut Tile) {
        put_small(l, tile, at, nibbles_and_fifths(l, blocks, 2, 6), halves(blocks, 0), Offset::Zero(16.0));
    }
}

pub(super) struct Q51;

impl Format<24> for Q51 {
    const CLASS: Class = Class::Small;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 24]; WIDTH], at: usize, tile: &mut Tile) {
        let words = nibbles_and_fifths(l, blocks, 4, 8);
        put_small(l, tile, at, words, halves(blocks, 0), Offset::Written(halves(blocks, 2)));
    }
}

pub(super) struct Q80;

impl Format<34> for Q80 {
    const CLASS: Class = Class::SmallFull;

    #[inline(always)]
    fn unpack<L: Lanes>(l: L, blocks: [&[u8; 34]; WIDTH], at: usize, tile: &mut Tile) {
        // Signed bytes with the sign turned are unsigned around 128.
        let sign = l.integer(i32::from_le_bytes([0x80; 4]));
        let mut words = [sign; 8];
        for half in 0..2 {
            for (within, column) in l.columns(pieces(blocks, 2 + 16 * half)).into_iter().enumerate() {
                words[4 * half + within] = l.xor(column, sign);
            }
        }
        put_small(l, tile, at, words, halves(blocks, 0), Offset::Zero(128.0));
    }
}
