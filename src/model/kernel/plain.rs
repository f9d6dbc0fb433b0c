//! Lanes as arrays: what runs on every machine, and what the vector levels are read against.

use super::half;
use super::lanes::{Lanes, Task, WIDTH};

/// The level of every machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain;

#[inline(always)]
fn each<const N: usize, T: Copy, U: Copy + Default>(one: [T; N], f: impl Fn(T) -> U) -> [U; N] {
    let mut out = [U::default(); N];
    for (out, one) in out.iter_mut().zip(one) {
        *out = f(one);
    }
    out
}

#[inline(always)]
fn both<T: Copy + Default>(one: [T; WIDTH], other: [T; WIDTH], f: impl Fn(T, T) -> T) -> [T; WIDTH] {
    let mut out = [T::default(); WIDTH];
    for (out, (one, other)) in out.iter_mut().zip(one.into_iter().zip(other)) {
        *out = f(one, other);
    }
    out
}

impl Lanes for Plain {
    type F = [f32; WIDTH];
    type I = [i32; WIDTH];

    #[inline(always)]
    fn run<T: Task>(self, task: T) -> T::Out {
        task.run(self)
    }

    #[inline(always)]
    fn integers(self, from: &[i32; WIDTH]) -> [i32; WIDTH] {
        *from
    }

    #[inline(always)]
    fn integer(self, value: i32) -> [i32; WIDTH] {
        [value; WIDTH]
    }

    #[inline(always)]
    fn bytes(self, from: &[u8; 64]) -> [i32; WIDTH] {
        let mut out = [0; WIDTH];
        for (out, word) in out.iter_mut().zip(from.as_chunks::<4>().0) {
            *out = i32::from_le_bytes(*word);
        }
        out
    }

    #[inline(always)]
    fn put_integers(self, value: [i32; WIDTH], to: &mut [i32; WIDTH]) {
        *to = value;
    }

    #[inline(always)]
    fn put_bytes(self, value: [i32; WIDTH], to: &mut [u8; 64]) {
        for (word, value) in to.as_chunks_mut::<4>().0.iter_mut().zip(value) {
            *word = value.to_le_bytes();
        }
    }

    #[inline(always)]
    fn columns(self, pieces: [&[u8; 16]; WIDTH]) -> [[i32; WIDTH]; 4] {
        let mut out = [[0; WIDTH]; 4];
        for (lane, piece) in pieces.iter().enumerate() {
            for (column, word) in piece.as_chunks::<4>().0.iter().enumerate() {
                out[column][lane] = i32::from_le_bytes(*word);
            }
        }
        out
    }

    #[inline(always)]
    fn and(self, one: [i32; WIDTH], other: [i32; WIDTH]) -> [i32; WIDTH] {
        both(one, other, |one, other| one & other)
    }

    #[inline(always)]
    fn or(self, one: [i32; WIDTH], other: [i32; WIDTH]) -> [i32; WIDTH] {
        both(one, other, |one, other| one | other)
    }

    #[inline(always)]
    fn xor(self, one: [i32; WIDTH], other: [i32; WIDTH]) -> [i32; WIDTH] {
        both(one, other, |one, other| one ^ other)
    }

    #[inline(always)]
    fn left<const BITS: u32>(self, value: [i32; WIDTH]) -> [i32; WIDTH] {
        each(value, |value| value << BITS)
    }

    #[inline(always)]
    fn right<const BITS: u32>(self, value: [i32; WIDTH]) -> [i32; WIDTH] {
        each(value, |value| (value as u32 >> BITS) as i32)
    }

    #[inline(always)]
    fn right_signed<const BITS: u32>(self, value: [i32; WIDTH]) -> [i32; WIDTH] {
        each(value, |value| value >> BITS)
    }

    #[inline(always)]
    fn even_bytes(self, value: [i32; WIDTH]) -> [i32; WIDTH] {
        each(value, |value| {
            let [low, _, high, _] = value.to_le_bytes();
            pair(low, high)
        })
    }

    #[inline(always)]
    fn odd_bytes(self, value: [i32; WIDTH]) -> [i32; WIDTH] {
        each(value, |value| {
            let [_, low, _, high] = value.to_le_bytes();
            pair(low, high)
        })
    }

    #[inline(always)]
    fn dot_bytes(self, sum: [i32; WIDTH], weights: [i32; WIDTH], x: i32) -> [i32; WIDTH] {
        let x = x.to_le_bytes();
        both(sum, weights, |sum, weights| {
            let products = weights.to_le_bytes().into_iter().zip(x).map(|(w, x)| i32::from(w) * i32::from(x as i8));
            sum.wrapping_add(products.sum())
        })
    }

    #[inline(always)]
    fn dot_full_bytes(self, sum: [i32; WIDTH], weights: [i32; WIDTH], x: i32) -> [i32; WIDTH] {
        self.dot_bytes(sum, weights, x)
    }

    #[inline(always)]
    fn dot_pairs(self, sum: [i32; WIDTH], pairs: [i32; WIDTH], x: i32) -> [i32; WIDTH] {
        let product = |one: i32, other: i32| i32::from(one as i16) * i32::from(other as i16);
        both(sum, pairs, |sum, pairs| sum.wrapping_add(product(pairs, x)).wrapping_add(product(pairs >> 16, x >> 16)))
    }

    #[inline(always)]
    fn add_product(self, sum: [i32; WIDTH], one: [i32; WIDTH], other: [i32; WIDTH]) -> [i32; WIDTH] {
        both(sum, both(one, other, i32::wrapping_mul), i32::wrapping_add)
    }

    #[inline(always)]
    fn subtract(self, one: [i32; WIDTH], other: [i32; WIDTH]) -> [i32; WIDTH] {
        both(one, other, i32::wrapping_sub)
    }

    #[inline(always)]
    fn to_float(self, value: [i32; WIDTH]) -> [f32; WIDTH] {
        each(value, |value| value as f32)
    }

    #[inline(always)]
    fn low_half(self, value: [i32; WIDTH]) -> [f32; WIDTH] {
        each(value, |value| half::to_f32(value as u16))
    }

    #[inline(always)]
    fn float(self, value: f32) -> [f32; WIDTH] {
        [value; WIDTH]
    }

    #[inline(always)]
    fn floats(self, from: &[f32; WIDTH]) -> [f32; WIDTH] {
        *from
    }

    #[inline(always)]
    fn put(self, value: [f32; WIDTH], to: &mut [f32; WIDTH]) {
        *to = value;
    }

    #[inline(always)]
    fn halves(self, from: &[u16; WIDTH]) -> [f32; WIDTH] {
        each(*from, half::to_f32)
    }

    #[inline(always)]
    fn put_halves(self, value: [f32; WIDTH], to: &mut [u16; WIDTH]) {
        *to = each(value, half::of_f32);
    }

    #[inline(always)]
    fn add(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        both(one, other, |one, other| one + other)
    }

    #[inline(always)]
    fn times(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        both(one, other, |one, other| one * other)
    }

    #[inline(always)]
    fn over(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        both(one, other, |one, other| one / other)
    }

    #[inline(always)]
    fn fuse(self, one: [f32; WIDTH], other: [f32; WIDTH], sum: [f32; WIDTH]) -> [f32; WIDTH] {
        // Rounded twice: without the instruction, a product that is rounded once is a call of many steps.
        both(both(one, other, |one, other| one * other), sum, |product, sum| product + sum)
    }

    #[inline(always)]
    fn fuse_less(self, one: [f32; WIDTH], other: [f32; WIDTH], sum: [f32; WIDTH]) -> [f32; WIDTH] {
        both(both(one, other, |one, other| one * other), sum, |product, sum| sum - product)
    }

    #[inline(always)]
    fn larger(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        both(one, other, f32::max)
    }

    #[inline(always)]
    fn smaller(self, one: [f32; WIDTH], other: [f32; WIDTH]) -> [f32; WIDTH] {
        both(one, other, f32::min)
    }

    #[inline(always)]
    fn rounded(self, value: [f32; WIDTH]) -> [i32; WIDTH] {
        each(value, |value| value.round_ties_even() as i32)
    }

    #[inline(always)]
    fn narrow(self, value: [i32; WIDTH]) -> [i8; WIDTH] {
        each(value, |value| value as i8)
    }

    #[inline(always)]
    fn power_of_two(self, value: [i32; WIDTH]) -> [f32; WIDTH] {
        each(value, |value| f32::from_bits(((value + 127) as u32) << 23))
    }

    #[inline(always)]
    fn ask_for(self, _: &[u8], _: usize) {}
}

/// Two signed bytes as two integers of 16 bits in one of 32.
#[inline(always)]
fn pair(low: u8, high: u8) -> i32 {
    i32::from(i16::from(low as i8) as u16) | i32::from(high as i8) << 16
}
