//! Lanes in two registers of 256 bits.

#![expect(unsafe_code, reason = "vector instructions; the reason why they are sound stands at each block")]

use std::arch::x86_64::*;

use super::lanes::{Lanes, Task, WIDTH};

/// Witness that the machine has AVX2, FMA and F16C.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// `None` where the machine lacks a feature.
    pub(super) fn seen() -> Option<Avx2> {
        let has_all =
            is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
        has_all.then_some(Avx2(()))
    }
}

/// Calls an instruction that this level is the witness for.
macro_rules! here {
    ($($call:tt)*) => {{
        // SAFETY: an `Avx2` is made only where every feature it stands for was detected. The pointers among the arguments come
        // from references to arrays of exactly the bytes that are read or written, at no alignment.
        unsafe { $($call)* }
    }};
}

impl Avx2 {
    /// Halves of a part are pieces p and 4 + p of eight; within halves, words are swapped after.
    #[inline(always)]
    fn part(self, pieces: [&[u8; 16]; WIDTH], p: usize) -> __m256i {
        here!({
            let part = _mm256_castsi128_si256(_mm_loadu_si128(pieces[p].as_ptr().cast()));
            _mm256_inserti128_si256::<1>(part, _mm_loadu_si128(pieces[4 + p].as_ptr().cast()))
        })
    }

    /// The columns of eight pieces from `from` on.
    #[inline(always)]
    fn eight_columns(self, pieces: [&[u8; 16]; WIDTH], from: usize) -> [__m256i; 4] {
        let (a, b) = (self.part(pieces, from), self.part(pieces, from + 1));
        let (c, d) = (self.part(pieces, from + 2), self.part(pieces, from + 3));
        here!({
            let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
            let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
            [
                _mm256_unpacklo_epi64(ab_low, cd_low),
                _mm256_unpackhi_epi64(ab_low, cd_low),
                _mm256_unpacklo_epi64(ab_high, cd_high),
                _mm256_unpackhi_epi64(ab_high, cd_high),
            ]
        })
    }
}

impl Lanes for Avx2 {
    type F = [__m256; 2];
    type I = [__m256i; 2];

    #[inline(always)]
    fn run<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "avx2,fma,f16c")]
        fn switched<T: Task>(lanes: Avx2, task: T) -> T::Out {
            task.run(lanes)
        }
        here!(switched(self, task))
    }

    #[inline(always)]
    fn integers(self, from: &[i32; WIDTH]) -> [__m256i; 2] {
        here!([_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from.as_ptr().add(8).cast())])
    }

    #[inline(always)]
    fn integer(self, value: i32) -> [__m256i; 2] {
        here!([_mm256_set1_epi32(value); 2])
    }

    #[inline(always)]
    fn bytes(self, from: &[u8; 64]) -> [__m256i; 2] {
        here!([_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from.as_ptr().add(32).cast())])
    }

    #[inline(always)]
    fn put_integers(self, value: [__m256i; 2], to: &mut [i32; WIDTH]) {
        here!({
            _mm256_storeu_si256(to.as_mut_ptr().cast(), value[0]);
            _mm256_storeu_si256(to.as_mut_ptr().add(8).cast(), value[1]);
        })
    }

    #[inline(always)]
    fn put_bytes(self, value: [__m256i; 2], to: &mut [u8; 64]) {
        here!({
            _mm256_storeu_si256(to.as_mut_ptr().cast(), value[0]);
            _mm256_storeu_si256(to.as_mut_ptr().add(32).cast(), value[1]);
        })
    }

    #[inline(always)]
    fn columns(self, pieces: [&[u8; 16]; WIDTH]) -> [[__m256i; 2]; 4] {
        let (low, high) = (self.eight_columns(pieces, 0), self.eight_columns(pieces, 8));
        [[low[0], high[0]], [low[1], high[1]], [low[2], high[2]], [low[3], high[3]]]
    }

    #[inline(always)]
    fn and(self, one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        here!([_mm256_and_si256(one[0], other[0]), _mm256_and_si256(one[1], other[1])])
    }

    #[inline(always)]
    fn or(self, one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        here!([_mm256_or_si256(one[0], other[0]), _mm256_or_si256(one[1], other[1])])
    }

    #[inline(always)]
    fn xor(self, one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        here!([_mm256_xor_si256(one[0], other[0]), _mm256_xor_si256(one[1], other[1])])
    }

    #[inline(always)]
    fn left<const BITS: u32>(self, value: [__m256i; 2]) -> [__m256i; 2] {
        here!({
            let bits = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_sll_epi32(value[0], bits), _mm256_sll_epi32(value[1], bits)]
        })
    }

    #[inline(always)]
    fn right<const BITS: u32>(self, value: [__m256i; 2]) -> [__m256i; 2] {
        here!({
            let bits = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_srl_epi32(value[0], bits), _mm256_srl_epi32(value[1], bits)]
        })
    }

    #[inline(always)]
    fn right_signed<const BITS: u32>(self, value: [__m256i; 2]) -> [__m256i; 2] {
        here!({
            let bits = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_sra_epi32(value[0], bits), _mm256_sra_epi32(value[1], bits)]
        })
    }

    #[inline(always)]
    fn even_bytes(self, value: [__m256i; 2]) -> [__m256i; 2] {
        here!([
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(value[0])),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(value[1]))
        ])
    }

    #[inline(always)]
    fn odd_bytes(self, value: [__m256i; 2]) -> [__m256i; 2] {
        here!([_mm256_srai_epi16::<8>(value[0]), _mm256_srai_epi16::<8>(value[1])])
    }

    #[inline(always)]
    fn dot_bytes(self, sum: [__m256i; 2], weights: [__m256i; 2], x: i32) -> [__m256i; 2] {
        // Two products of 127 and 128 fit 16 bits, so nothing saturates.
        here!({
            let (x, ones) = (_mm256_set1_epi32(x), _mm256_set1_epi16(1));
            let low = _mm256_madd_epi16(_mm256_maddubs_epi16(weights[0], x), ones);
            let high = _mm256_madd_epi16(_mm256_maddubs_epi16(weights[1], x), ones);
            [_mm256_add_epi32(sum[0], low), _mm256_add_epi32(sum[1], high)]
        })
    }

    #[inline(always)]
    fn dot_full_bytes(self, sum: [__m256i; 2], weights: [__m256i; 2], x: i32) -> [__m256i; 2] {
        // Products of even bytes and of odd bytes apart, each widened first: two of 255 and 128 do not fit 16 bits.
        here!({
            let (x, low) = (_mm256_set1_epi32(x), _mm256_set1_epi16(0xff));
            let (even, odd) = (_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(x)), _mm256_srai_epi16::<8>(x));
            let mut out = sum;
            for (out, weights) in out.iter_mut().zip(weights) {
                let evens = _mm256_madd_epi16(_mm256_and_si256(weights, low), even);
                let odds = _mm256_madd_epi16(_mm256_srli_epi16::<8>(weights), odd);
                *out = _mm256_add_epi32(*out, _mm256_add_epi32(evens, odds));
            }
            out
        })
    }

    #[inline(always)]
    fn dot_pairs(self, sum: [__m256i; 2], pairs: [__m256i; 2], x: i32) -> [__m256i; 2] {
        here!({
            let x = _mm256_set1_epi32(x);
            [
                _mm256_add_epi32(sum[0], _mm256_madd_epi16(pairs[0], x)),
                _mm256_add_epi32(sum[1], _mm256_madd_epi16(pairs[1], x)),
            ]
        })
    }

    #[inline(always)]
    fn add_product(self, sum: [__m256i; 2], one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        here!([
            _mm256_add_epi32(sum[0], _mm256_mullo_epi32(one[0], other[0])),
            _mm256_add_epi32(sum[1], _mm256_mullo_epi32(one[1], other[1])),
        ])
    }

    #[inline(always)]
    fn subtract(self, one: [__m256i; 2], other: [__m256i; 2]) -> [__m256i; 2] {
        here!([_mm256_sub_epi32(one[0], other[0]), _mm256_sub_epi32(one[1], other[1])])
    }

    #[inline(always)]
    fn to_float(self, value: [__m256i; 2]) -> [__m256; 2] {
        here!([_mm256_cvtepi32_ps(value[0]), _mm256_cvtepi32_ps(value[1])])
    }

    #[inline(always)]
    fn low_half(self, value: [__m256i; 2]) -> [__m256; 2] {
        let mut words = [0; WIDTH];
        self.put_integers(value, &mut words);
        self.halves(&words.map(|word| word as u16))
    }

    #[inline(always)]
    fn float(self, value: f32) -> [__m256; 2] {
        here!([_mm256_set1_ps(value); 2])
    }

    #[inline(always)]
    fn floats(self, from: &[f32; WIDTH]) -> [__m256; 2] {
        here!([_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))])
    }

    #[inline(always)]
    fn put(self, value: [__m256; 2], to: &mut [f32; WIDTH]) {
        here!({
            _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), value[1]);
        })
    }

    #[inline(always)]
    fn halves(self, from: &[u16; WIDTH]) -> [__m256; 2] {
        here!([
            _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())),
            _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().add(8).cast())),
        ])
    }

    #[inline(always)]
    fn put_halves(self, value: [__m256; 2], to: &mut [u16; WIDTH]) {
        here!({
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value[0]));
            _mm_storeu_si128(to.as_mut_ptr().add(8).cast(), _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(value[1]));
        })
    }

    #[inline(always)]
    fn add(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_add_ps(one[0], other[0]), _mm256_add_ps(one[1], other[1])])
    }

    #[inline(always)]
    fn times(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_mul_ps(one[0], other[0]), _mm256_mul_ps(one[1], other[1])])
    }

    #[inline(always)]
    fn over(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_div_ps(one[0], other[0]), _mm256_div_ps(one[1], other[1])])
    }

    #[inline(always)]
    fn fuse(self, one: [__m256; 2], other: [__m256; 2], sum: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_fmadd_ps(one[0], other[0], sum[0]), _mm256_fmadd_ps(one[1], other[1], sum[1])])
    }

    #[inline(always)]
    fn fuse_less(self, one: [__m256; 2], other: [__m256; 2], sum: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_fnmadd_ps(one[0], other[0], sum[0]), _mm256_fnmadd_ps(one[1], other[1], sum[1])])
    }

    #[inline(always)]
    fn larger(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_max_ps(one[0], other[0]), _mm256_max_ps(one[1], other[1])])
    }

    #[inline(always)]
    fn smaller(self, one: [__m256; 2], other: [__m256; 2]) -> [__m256; 2] {
        here!([_mm256_min_ps(one[0], other[0]), _mm256_min_ps(one[1], other[1])])
    }

    #[inline(always)]
    fn rounded(self, value: [__m256; 2]) -> [__m256i; 2] {
        here!([_mm256_cvtps_epi32(value[0]), _mm256_cvtps_epi32(value[1])])
    }

    #[inline(always)]
    fn narrow(self, value: [__m256i; 2]) -> [i8; WIDTH] {
        let mut words = [0; WIDTH];
        self.put_integers(value, &mut words);
        words.map(|word| word as i8)
    }

    #[inline(always)]
    fn power_of_two(self, value: [__m256i; 2]) -> [__m256; 2] {
        here!({
            let bias = _mm256_set1_epi32(127);
            let power = |value| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(value, bias)));
            [power(value[0]), power(value[1])]
        })
    }

    #[inline(always)]
    fn ask_for(self, near: &[u8], distance: usize) {
        // SAFETY: a prefetch reads nothing and faults at no address; the address is not made into a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(near.as_ptr().wrapping_add(distance).cast()) }
    }
}
