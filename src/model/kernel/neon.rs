//! Lanes in four registers of 128 bits: every 64-bit ARM machine, with or without its byte products.
//!
#![expect(unsafe_code, reason = "vector instructions; the reason why they are sound stands at each block")]

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::lanes::{Lanes, Task, WIDTH};

/// Witness that the machine has NEON; with `DOT`, that it multiplies bytes by fours too (FEAT_DotProd).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon<const DOT: bool>(());

impl<const DOT: bool> Neon<DOT> {
    /// `None` where the machine lacks a feature.
    pub(super) fn seen() -> Option<Neon<DOT>> {
        let has_all = is_aarch64_feature_detected!("neon") && (!DOT || is_aarch64_feature_detected!("dotprod"));
        has_all.then_some(Neon(()))
    }
}

/// Calls an instruction that this level is the witness for.
macro_rules! here {
    ($($call:tt)*) => {{
        // SAFETY: a `Neon` is made only where every feature it stands for was detected. The pointers among the arguments come
        // from references to arrays of exactly the bytes that are read or written, at no alignment.
        unsafe { $($call)* }
    }};
}

#[inline(always)]
fn each<T: Copy, U>(one: [T; 4], f: impl Fn(T) -> U) -> [U; 4] {
    [f(one[0]), f(one[1]), f(one[2]), f(one[3])]
}

#[inline(always)]
fn both<T: Copy, U>(one: [T; 4], other: [T; 4], f: impl Fn(T, T) -> U) -> [U; 4] {
    [f(one[0], other[0]), f(one[1], other[1]), f(one[2], other[2]), f(one[3], other[3])]
}

/// `sum` plus, in each lane, the products of four signed bytes. The intrinsic for it is not stable yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_dots(sum: int32x4_t, one: int8x16_t, other: int8x16_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: `sdot` works on its three registers alone; that the machine has it, the function's feature says.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {one:v}.16b, {other:v}.16b",
            sum = inout(vreg) sum,
            one = in(vreg) one,
            other = in(vreg) other,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

impl<const DOT: bool> Lanes for Neon<DOT> {
    type F = [float32x4_t; 4];
    type I = [int32x4_t; 4];

    #[inline(always)]
    fn run<T: Task>(self, task: T) -> T::Out {
        #[target_feature(enable = "neon,dotprod")]
        fn switched<T: Task, const DOT: bool>(lanes: Neon<DOT>, task: T) -> T::Out {
            task.run(lanes)
        }
        if DOT { here!(switched(self, task)) } else { task.run(self) }
    }

    #[inline(always)]
    fn integers(self, from: &[i32; WIDTH]) -> [int32x4_t; 4] {
        here!(each([0, 4, 8, 12], |at| vld1q_s32(from.as_ptr().add(at))))
    }

    #[inline(always)]
    fn integer(self, value: i32) -> [int32x4_t; 4] {
        here!([vdupq_n_s32(value); 4])
    }

    #[inline(always)]
    fn bytes(self, from: &[u8; 64]) -> [int32x4_t; 4] {
        here!(each([0, 16, 32, 48], |at| vreinterpretq_s32_u8(vld1q_u8(from.as_ptr().add(at)))))
    }

    #[inline(always)]
    fn put_integers(self, value: [int32x4_t; 4], to: &mut [i32; WIDTH]) {
        here!({
            for (value, to) in value.into_iter().zip(to.as_chunks_mut::<4>().0) {
                vst1q_s32(to.as_mut_ptr(), value);
            }
        })
    }

    #[inline(always)]
    fn put_bytes(self, value: [int32x4_t; 4], to: &mut [u8; 64]) {
        here!({
            for (value, to) in value.into_iter().zip(to.as_chunks_mut::<16>().0) {
                vst1q_u8(to.as_mut_ptr(), vreinterpretq_u8_s32(value));
            }
        })
    }

    #[inline(always)]
    fn columns(self, pieces: [&[u8; 16]; WIDTH]) -> [[int32x4_t; 4]; 4] {
        here!({
            let mut out = [[vdupq_n_s32(0); 4]; 4];
            for quarter in 0..4 {
                let row = |at: usize| vreinterpretq_s32_u8(vld1q_u8(pieces[4 * quarter + at].as_ptr()));
                let (a, b, c, d) = (row(0), row(1), row(2), row(3));
                let wide = |even: bool, one, other| {
                    vreinterpretq_s64_s32(if even { vtrn1q_s32(one, other) } else { vtrn2q_s32(one, other) })
                };
                // Two words of two rows, then of four.
                for (at, even) in [(0, true), (1, false)] {
                    let (ab, cd) = (wide(even, a, b), wide(even, c, d));
                    out[at][quarter] = vreinterpretq_s32_s64(vtrn1q_s64(ab, cd));
                    out[at + 2][quarter] = vreinterpretq_s32_s64(vtrn2q_s64(ab, cd));
                }
            }
            out
        })
    }

    #[inline(always)]
    fn and(self, one: [int32x4_t; 4], other: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(both(one, other, |one, other| vandq_s32(one, other)))
    }

    #[inline(always)]
    fn or(self, one: [int32x4_t; 4], other: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(both(one, other, |one, other| vorrq_s32(one, other)))
    }

    #[inline(always)]
    fn xor(self, one: [int32x4_t; 4], other: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(both(one, other, |one, other| veorq_s32(one, other)))
    }

    #[inline(always)]
    fn left<const BITS: u32>(self, value: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(each(value, |value| vshlq_s32(value, vdupq_n_s32(BITS as i32))))
    }

    #[inline(always)]
    fn right<const BITS: u32>(self, value: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!({
            // Left by less than nothing is right.
            let bits = vdupq_n_s32(-(BITS as i32));
            each(value, |value| vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(value), bits)))
        })
    }

    #[inline(always)]
    fn right_signed<const BITS: u32>(self, value: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(each(value, |value| vshlq_s32(value, vdupq_n_s32(-(BITS as i32)))))
    }

    #[inline(always)]
    fn even_bytes(self, value: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!({
            each(value, |value| {
                let above = vshlq_n_s16::<8>(vreinterpretq_s16_s32(value));
                vreinterpretq_s32_s16(vshrq_n_s16::<8>(above))
            })
        })
    }

    #[inline(always)]
    fn odd_bytes(self, value: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(each(value, |value| vreinterpretq_s32_s16(vshrq_n_s16::<8>(vreinterpretq_s16_s32(value)))))
    }

    #[inline(always)]
    fn dot_bytes(self, sum: [int32x4_t; 4], weights: [int32x4_t; 4], x: i32) -> [int32x4_t; 4] {
        here!({
            let x = vreinterpretq_s8_s32(vdupq_n_s32(x));
            both(sum, weights, |sum, weights| {
                let weights = vreinterpretq_s8_s32(weights);
                if DOT {
                    add_dots(sum, weights, x)
                } else {
                    // Two products of 127 and 128 fit 16 bits.
                    let low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
                    vpadalq_s16(sum, vpaddq_s16(low, vmull_high_s8(weights, x)))
                }
            })
        })
    }

    #[inline(always)]
    fn dot_full_bytes(self, sum: [int32x4_t; 4], weights: [int32x4_t; 4], x: i32) -> [int32x4_t; 4] {
        here!({
            // With the sign turned, the bytes are signed and 128 too small.
            let rest = x.to_le_bytes().into_iter().map(|x| 128 * i32::from(x as i8)).sum();
            let (x, rest) = (vreinterpretq_s8_s32(vdupq_n_s32(x)), vdupq_n_s32(rest));
            both(sum, weights, |sum, weights| {
                let weights = veorq_s8(vreinterpretq_s8_s32(weights), vdupq_n_s8(i8::MIN));
                let sum = vaddq_s32(sum, rest);
                if DOT {
                    add_dots(sum, weights, x)
                } else {
                    // Two products of -128 and -128 do not fit 16 bits.
                    let low = vpaddlq_s16(vmull_s8(vget_low_s8(weights), vget_low_s8(x)));
                    vaddq_s32(sum, vpaddq_s32(low, vpaddlq_s16(vmull_high_s8(weights, x))))
                }
            })
        })
    }

    #[inline(always)]
    fn dot_pairs(self, sum: [int32x4_t; 4], pairs: [int32x4_t; 4], x: i32) -> [int32x4_t; 4] {
        here!({
            let x = vreinterpretq_s16_s32(vdupq_n_s32(x));
            both(sum, pairs, |sum, pairs| {
                let pairs = vreinterpretq_s16_s32(pairs);
                let low = vmull_s16(vget_low_s16(pairs), vget_low_s16(x));
                vaddq_s32(sum, vpaddq_s32(low, vmull_high_s16(pairs, x)))
            })
        })
    }

    #[inline(always)]
    fn add_product(self, sum: [int32x4_t; 4], one: [int32x4_t; 4], other: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(both(sum, both(one, other, |one, other| vmulq_s32(one, other)), |sum, product| vaddq_s32(sum, product)))
    }

    #[inline(always)]
    fn subtract(self, one: [int32x4_t; 4], other: [int32x4_t; 4]) -> [int32x4_t; 4] {
        here!(both(one, other, |one, other| vsubq_s32(one, other)))
    }

    #[inline(always)]
    fn to_float(self, value: [int32x4_t; 4]) -> [float32x4_t; 4] {
        here!(each(value, |value| vcvtq_f32_s32(value)))
    }

    #[inline(always)]
    fn low_half(self, value: [int32x4_t; 4]) -> [float32x4_t; 4] {
        here!(each(value, |value| vcvt_f32_f16(vreinterpret_f16_s16(vmovn_s32(value)))))
    }

    #[inline(always)]
    fn float(self, value: f32) -> [float32x4_t; 4] {
        here!([vdupq_n_f32(value); 4])
    }

    #[inline(always)]
    fn floats(self, from: &[f32; WIDTH]) -> [float32x4_t; 4] {
        here!(each([0, 4, 8, 12], |at| vld1q_f32(from.as_ptr().add(at))))
    }

    #[inline(always)]
    fn put(self, value: [float32x4_t; 4], to: &mut [f32; WIDTH]) {
        here!({
            for (value, to) in value.into_iter().zip(to.as_chunks_mut::<4>().0) {
                vst1q_f32(to.as_mut_ptr(), value);
            }
        })
    }

    #[inline(always)]
    fn halves(self, from: &[u16; WIDTH]) -> [float32x4_t; 4] {
        here!(each([0, 4, 8, 12], |at| vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from.as_ptr().add(at))))))
    }

    #[inline(always)]
    fn put_halves(self, value: [float32x4_t; 4], to: &mut [u16; WIDTH]) {
        here!({
            for (value, to) in value.into_iter().zip(to.as_chunks_mut::<4>().0) {
                vst1_u16(to.as_mut_ptr(), vreinterpret_u16_f16(vcvt_f16_f32(value)));
            }
        })
    }

    #[inline(always)]
    fn add(self, one: [float32x4_t; 4], other: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!(both(one, other, |one, other| vaddq_f32(one, other)))
    }

    #[inline(always)]
    fn times(self, one: [float32x4_t; 4], other: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!(both(one, other, |one, other| vmulq_f32(one, other)))
    }

    #[inline(always)]
    fn over(self, one: [float32x4_t; 4], other: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!(both(one, other, |one, other| vdivq_f32(one, other)))
    }

    #[inline(always)]
    fn fuse(self, one: [float32x4_t; 4], other: [float32x4_t; 4], sum: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!({
            let mut out = sum;
            for (out, (one, other)) in out.iter_mut().zip(one.into_iter().zip(other)) {
                *out = vfmaq_f32(*out, one, other);
            }
            out
        })
    }

    #[inline(always)]
    fn fuse_less(self, one: [float32x4_t; 4], other: [float32x4_t; 4], sum: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!({
            let mut out = sum;
            for (out, (one, other)) in out.iter_mut().zip(one.into_iter().zip(other)) {
                *out = vfmsq_f32(*out, one, other);
            }
            out
        })
    }

    #[inline(always)]
    fn larger(self, one: [float32x4_t; 4], other: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!(both(one, other, |one, other| vmaxnmq_f32(one, other)))
    }

    #[inline(always)]
    fn smaller(self, one: [float32x4_t; 4], other: [float32x4_t; 4]) -> [float32x4_t; 4] {
        here!(both(one, other, |one, other| vminnmq_f32(one, other)))
    }

    #[inline(always)]
    fn rounded(self, value: [float32x4_t; 4]) -> [int32x4_t; 4] {
        here!(each(value, |value| vcvtnq_s32_f32(value)))
    }

    #[inline(always)]
    fn narrow(self, value: [int32x4_t; 4]) -> [i8; WIDTH] {
        here!({
            let half = |low, high| vmovn_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high)));
            let mut bytes = [0; WIDTH];
            let all = vcombine_s8(half(value[0], value[1]), half(value[2], value[3]));
            vst1q_s8(bytes.as_mut_ptr(), all);
            bytes
        })
    }

    #[inline(always)]
    fn power_of_two(self, value: [int32x4_t; 4]) -> [float32x4_t; 4] {
        here!(each(value, |value| vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(value, vdupq_n_s32(127))))))
    }

    #[inline(always)]
    fn ask_for(self, near: &[u8], distance: usize) {
        let place = near.as_ptr().wrapping_add(distance);
        // SAFETY: a prefetch reads nothing and faults at no address; the address is not made into a reference.
        unsafe { asm!("prfm pldl1keep, [{place}]", place = in(reg) place, options(readonly, nostack, preserves_flags)) }
    }
}
