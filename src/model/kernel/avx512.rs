//! Lanes in one register of 512 bits.

#![expect(unsafe_code, reason = "vector instructions; the reason why they are sound stands at each block")]

use std::arch::x86_64::*;

use super::lanes::{Lanes, Task, WIDTH};

/// Witness that the machine has AVX-512 F, BW, VL, DQ and VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// `None` where the machine lacks a feature.
    pub(super) fn seen() -> Option<Avx512> {
        let has_all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        has_all.then_some(Avx512(()))
    }
}

/// Calls an instruction that this level is the witness for.
macro_rules! here {
    ($($call:tt)*) => {{
        // SAFETY: an `Avx512` is made only where every feature it stands for was detected. The pointers among the arguments
        // come from references to arrays of exactly the bytes that are read or written, at no alignment.
        unsafe { $($call)* }
    }};
}

impl Avx512 {
    /// Quarter q of part p is piece 4q + p; within quarters, words are swapped after.
    #[inline(always)]
    fn part(self, pieces: [&[u8; 16]; WIDTH], p: usize) -> __m512i {
        here!({
            let part = _mm512_castsi128_si512(_mm_loadu_si128(pieces[p].as_ptr().cast()));
            let part = _mm512_inserti32x4::<1>(part, _mm_loadu_si128(pieces[4 + p].as_ptr().cast()));
            let part = _mm512_inserti32x4::<2>(part, _mm_loadu_si128(pieces[8 + p].as_ptr().cast()));
            _mm512_inserti32x4::<3>(part, _mm_loadu_si128(pieces[12 + p].as_ptr().cast()))
        })
    }
}

impl Lanes for Avx512 {
    type F = __m512;
    type I = __m512i;

    #[inline(always)]
    fn run<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
        fn switched<T: Task>(lanes: Avx512, task: T) -> T::Out {
            task.run(lanes)
        }
        here!(switched(self, task))
    }

    #[inline(always)]
    fn integers(self, from: &[i32; WIDTH]) -> __m512i {
        here!(_mm512_loadu_si512(from.as_ptr().cast()))
    }

    #[inline(always)]
    fn integer(self, value: i32) -> __m512i {
        here!(_mm512_set1_epi32(value))
    }

    #[inline(always)]
    fn bytes(self, from: &[u8; 64]) -> __m512i {
        here!(_mm512_loadu_si512(from.as_ptr().cast()))
    }

    #[inline(always)]
    fn put_integers(self, value: __m512i, to: &mut [i32; WIDTH]) {
        here!(_mm512_storeu_si512(to.as_mut_ptr().cast(), value))
    }

    #[inline(always)]
    fn put_bytes(self, value: __m512i, to: &mut [u8; 64]) {
        here!(_mm512_storeu_si512(to.as_mut_ptr().cast(), value))
    }

    #[inline(always)]
    fn columns(self, pieces: [&[u8; 16]; WIDTH]) -> [__m512i; 4] {
        let (a, b, c, d) = (self.part(pieces, 0), self.part(pieces, 1), self.part(pieces, 2), self.part(pieces, 3));
        here!({
            let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
            let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
            [
                _mm512_unpacklo_epi64(ab_low, cd_low),
                _mm512_unpackhi_epi64(ab_low, cd_low),
                _mm512_unpacklo_epi64(ab_high, cd_high),
                _mm512_unpackhi_epi64(ab_high, cd_high),
            ]
        })
    }

    #[inline(always)]
    fn and(self, one: __m512i, other: __m512i) -> __m512i {
        here!(_mm512_and_si512(one, other))
    }

    #[inline(always)]
    fn or(self, one: __m512i, other: __m512i) -> __m512i {
        here!(_mm512_or_si512(one, other))
    }

    #[inline(always)]
    fn xor(self, one: __m512i, other: __m512i) -> __m512i {
        here!(_mm512_xor_si512(one, other))
    }

    #[inline(always)]
    fn left<const BITS: u32>(self, value: __m512i) -> __m512i {
        here!(_mm512_slli_epi32::<BITS>(value))
    }

    #[inline(always)]
    fn right<const BITS: u32>(self, value: __m512i) -> __m512i {
        here!(_mm512_srli_epi32::<BITS>(value))
    }

    #[inline(always)]
    fn right_signed<const BITS: u32>(self, value: __m512i) -> __m512i {
        here!(_mm512_srai_epi32::<BITS>(value))
    }

    #[inline(always)]
    fn even_bytes(self, value: __m512i) -> __m512i {
        here!(_mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(value)))
    }

    #[inline(always)]
    fn odd_bytes(self, value: __m512i) -> __m512i {
        here!(_mm512_srai_epi16::<8>(value))
    }

    #[inline(always)]
    fn dot_bytes(self, sum: __m512i, weights: __m512i, x: i32) -> __m512i {
        here!(_mm512_dpbusd_epi32(sum, weights, _mm512_set1_epi32(x)))
    }

    #[inline(always)]
    fn dot_full_bytes(self, sum: __m512i, weights: __m512i, x: i32) -> __m512i {
        self.dot_bytes(sum, weights, x)
    }

    #[inline(always)]
    fn dot_pairs(self, sum: __m512i, pairs: __m512i, x: i32) -> __m512i {
        here!(_mm512_dpwssd_epi32(sum, pairs, _mm512_set1_epi32(x)))
    }

    #[inline(always)]
    fn add_product(self, sum: __m512i, one: __m512i, other: __m512i) -> __m512i {
        here!(_mm512_add_epi32(sum, _mm512_mullo_epi32(one, other)))
    }

    #[inline(always)]
    fn subtract(self, one: __m512i, other: __m512i) -> __m512i {
        here!(_mm512_sub_epi32(one, other))
    }

    #[inline(always)]
    fn to_float(self, value: __m512i) -> __m512 {
        here!(_mm512_cvtepi32_ps(value))
    }

    #[inline(always)]
    fn low_half(self, value: __m512i) -> __m512 {
        here!(_mm512_cvtph_ps(_mm512_cvtepi32_epi16(value)))
    }

    #[inline(always)]
    fn float(self, value: f32) -> __m512 {
        here!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    fn floats(self, from: &[f32; WIDTH]) -> __m512 {
        here!(_mm512_loadu_ps(from.as_ptr()))
    }

    #[inline(always)]
    fn put(self, value: __m512, to: &mut [f32; WIDTH]) {
        here!(_mm512_storeu_ps(to.as_mut_ptr(), value))
    }

    #[inline(always)]
    fn halves(self, from: &[u16; WIDTH]) -> __m512 {
        here!(_mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())))
    }

    #[inline(always)]
    fn put_halves(self, value: __m512, to: &mut [u16; WIDTH]) {
        here!(_mm256_storeu_si256(
            to.as_mut_ptr().cast(),
            _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(value)
        ))
    }

    #[inline(always)]
    fn add(self, one: __m512, other: __m512) -> __m512 {
        here!(_mm512_add_ps(one, other))
    }

    #[inline(always)]
    fn times(self, one: __m512, other: __m512) -> __m512 {
        here!(_mm512_mul_ps(one, other))
    }

    #[inline(always)]
    fn over(self, one: __m512, other: __m512) -> __m512 {
        here!(_mm512_div_ps(one, other))
    }

    #[inline(always)]
    fn fuse(self, one: __m512, other: __m512, sum: __m512) -> __m512 {
        here!(_mm512_fmadd_ps(one, other, sum))
    }

    #[inline(always)]
    fn fuse_less(self, one: __m512, other: __m512, sum: __m512) -> __m512 {
        here!(_mm512_fnmadd_ps(one, other, sum))
    }

    #[inline(always)]
    fn larger(self, one: __m512, other: __m512) -> __m512 {
        here!(_mm512_max_ps(one, other))
    }

    #[inline(always)]
    fn smaller(self, one: __m512, other: __m512) -> __m512 {
        here!(_mm512_min_ps(one, other))
    }

    #[inline(always)]
    fn rounded(self, value: __m512) -> __m512i {
        here!(_mm512_cvtps_epi32(value))
    }

    #[inline(always)]
    fn narrow(self, value: __m512i) -> [i8; WIDTH] {
        let mut bytes = [0; WIDTH];
        here!(_mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(value)));
        bytes
    }

    #[inline(always)]
    fn power_of_two(self, value: __m512i) -> __m512 {
        here!(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_add_epi32(value, _mm512_set1_epi32(127)))))
    }

    #[inline(always)]
    fn ask_for(self, near: &[u8], distance: usize) {
        // SAFETY: a prefetch reads nothing and faults at no address; the address is not made into a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(near.as_ptr().wrapping_add(distance).cast()) }
    }
}
