//! Sixteen numbers side by side: what every level of the machine can do with them.
//!
//! The kernels are written once over [`Lanes`] and run at the best level the machine has. A value that implements it is a
//! witness that the machine can: the vector levels are made only by [`Machine::best`], after the features were seen.
//! Every operation is exact or rounds once, in a fixed order, so that at one level the same input gives the same bits.

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::plain::Plain;

/// Numbers side by side.
pub(crate) const WIDTH: usize = 16;

/// One level of the machine. `F` holds 16 floats; `I` holds 16 integers of 32 bits, or 64 bytes, four to each lane.
pub(super) trait Lanes: Copy + Send + Sync {
    type F: Copy;
    type I: Copy;

    /// Runs a task with the level's instructions switched on; what the task calls must be inlined into it.
    fn run<T: Task>(self, task: T) -> T::Out;

    fn integers(self, from: &[i32; WIDTH]) -> Self::I;
    fn integer(self, value: i32) -> Self::I;
    fn bytes(self, from: &[u8; 64]) -> Self::I;
    fn put_integers(self, value: Self::I, to: &mut [i32; WIDTH]);
    fn put_bytes(self, value: Self::I, to: &mut [u8; 64]);
    /// Of 16 pieces of four words each, the first words in lanes, the second words, and so on.
    fn columns(self, pieces: [&[u8; 16]; WIDTH]) -> [Self::I; 4];
    fn and(self, one: Self::I, other: Self::I) -> Self::I;
    fn or(self, one: Self::I, other: Self::I) -> Self::I;
    fn xor(self, one: Self::I, other: Self::I) -> Self::I;
    /// Each 32-bit lane shifted left.
    fn left<const BITS: u32>(self, value: Self::I) -> Self::I;
    /// Each 32-bit lane shifted right, zeros coming in.
    fn right<const BITS: u32>(self, value: Self::I) -> Self::I;
    /// Each 32-bit lane shifted right, its sign coming in.
    fn right_signed<const BITS: u32>(self, value: Self::I) -> Self::I;
    /// In each lane, bytes 0 and 2 as two signed integers of 16 bits.
    fn even_bytes(self, value: Self::I) -> Self::I;
    /// In each lane, bytes 1 and 3 as two signed integers of 16 bits.
    fn odd_bytes(self, value: Self::I) -> Self::I;
    /// `sum` plus, in each lane, the products of its four unsigned bytes, at most 127, with the four signed ones of `x`.
    fn dot_bytes(self, sum: Self::I, weights: Self::I, x: i32) -> Self::I;
    /// The same for unsigned bytes up to 255.
    fn dot_full_bytes(self, sum: Self::I, weights: Self::I, x: i32) -> Self::I;
    /// `sum` plus, in each lane, the products of its two signed halves with the two of `x`.
    fn dot_pairs(self, sum: Self::I, pairs: Self::I, x: i32) -> Self::I;
    /// `sum + one * other`, the low 32 bits.
    fn add_product(self, sum: Self::I, one: Self::I, other: Self::I) -> Self::I;
    fn subtract(self, one: Self::I, other: Self::I) -> Self::I;
    fn to_float(self, value: Self::I) -> Self::F;
    /// The low 16 bits of each lane, read as a half-precision float.
    fn low_half(self, value: Self::I) -> Self::F;

    fn float(self, value: f32) -> Self::F;
    fn floats(self, from: &[f32; WIDTH]) -> Self::F;
    fn put(self, value: Self::F, to: &mut [f32; WIDTH]);
    fn halves(self, from: &[u16; WIDTH]) -> Self::F;
    fn put_halves(self, value: Self::F, to: &mut [u16; WIDTH]);
    fn add(self, one: Self::F, other: Self::F) -> Self::F;
    fn times(self, one: Self::F, other: Self::F) -> Self::F;
    fn over(self, one: Self::F, other: Self::F) -> Self::F;
    /// `one * other + sum`.
    fn fuse(self, one: Self::F, other: Self::F, sum: Self::F) -> Self::F;
    /// `sum - one * other`.
    fn fuse_less(self, one: Self::F, other: Self::F, sum: Self::F) -> Self::F;
    fn larger(self, one: Self::F, other: Self::F) -> Self::F;
    fn smaller(self, one: Self::F, other: Self::F) -> Self::F;
    /// To the nearest integer.
    fn rounded(self, value: Self::F) -> Self::I;
    /// The low byte of each lane.
    fn narrow(self, value: Self::I) -> [i8; WIDTH];
    /// Two to the power of integers from -126 to 127.
    fn power_of_two(self, value: Self::I) -> Self::F;
    /// Asks for the cache line at a byte this far behind the start of a piece; one that is not there is no fault.
    fn ask_for(self, near: &[u8], distance: usize);

    /// The sum over lanes, in one fixed order.
    #[inline(always)]
    fn sum(self, value: Self::F) -> f32 {
        let mut lanes = [0.0; WIDTH];
        self.put(value, &mut lanes);
        let mut width = WIDTH;
        while width > 1 {
            width /= 2;
            for at in 0..width {
                lanes[at] += lanes[at + width];
            }
        }
        lanes[0]
    }

    /// The largest lane.
    #[inline(always)]
    fn largest(self, value: Self::F) -> f32 {
        let mut lanes = [0.0; WIDTH];
        self.put(value, &mut lanes);
        lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    /// Each byte of each lane, shifted right and masked. The mask must not reach beyond what is left of a byte.
    #[inline(always)]
    fn field<const BITS: u32>(self, value: Self::I, mask: u8) -> Self::I {
        let mask = self.integer(i32::from_le_bytes([mask; 4]));
        self.and(self.right::<BITS>(value), mask)
    }

    /// e to the power of each lane, within two units of the last place; what is below -87 counts as -87, above 88 as 88.
    /// By reduction to ±ln 2 / 2 and a polynomial (Cody and Waite; coefficients are Taylor's to the sixth power).
    #[inline(always)]
    fn exp(self, value: Self::F) -> Self::F {
        let value = self.smaller(self.larger(value, self.float(-87.0)), self.float(88.0));
        let whole = self.rounded(self.times(value, self.float(std::f32::consts::LOG2_E)));
        let count = self.to_float(whole);
        // ln 2 in two parts, so that the product with the first is exact.
        let rest = self.fuse_less(count, self.float(0.693_359_4), value);
        let rest = self.fuse_less(count, self.float(-2.121_944_4e-4), rest);
        let mut power = self.float(1.0 / 720.0);
        for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            power = self.fuse(power, rest, self.float(coefficient));
        }
        self.times(power, self.power_of_two(whole))
    }
}

/// Work over lanes. `run` must be `#[inline(always)]`, so that it is built with the level's instructions.
pub(super) trait Task {
    type Out;
    fn run<L: Lanes>(self, lanes: L) -> Self::Out;
}

/// The best level of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Machine {
    #[cfg(target_arch = "x86_64")]
    /// AVX-512 with its integer dot products (VNNI).
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    /// AVX2 with fused products and half-precision floats.
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    /// NEON with products of bytes by fours.
    NeonDot(Neon<true>),
    #[cfg(target_arch = "aarch64")]
    /// NEON.
    Neon(Neon<false>),
    /// Nothing beyond what every machine has.
    Plain(Plain),
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn best() -> Machine {
        Machine::all().swap_remove(0)
    }

    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(_) => "avx512_vnni",
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Machine::NeonDot(_) => "neon_dotprod",
            #[cfg(target_arch = "aarch64")]
            Machine::Neon(_) => "neon",
            Machine::Plain(_) => "plain",
        }
    }

    /// Every level of this machine, the best first.
    pub(crate) fn all() -> Vec<Machine> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx512::seen().map(Machine::Avx512));
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx2::seen().map(Machine::Avx2));
        #[cfg(target_arch = "aarch64")]
        all.extend(Neon::seen().map(Machine::NeonDot));
        #[cfg(target_arch = "aarch64")]
        all.extend(Neon::seen().map(Machine::Neon));
        all.push(Machine::Plain(Plain));
        all
    }

    pub(super) fn run<T: Task>(self, task: T) -> T::Out {
        match self {
            #[cfg(target_arch = "x86_64")]
            Machine::Avx512(lanes) => lanes.run(task),
            #[cfg(target_arch = "x86_64")]
            Machine::Avx2(lanes) => lanes.run(task),
            #[cfg(target_arch = "aarch64")]
            Machine::NeonDot(lanes) => lanes.run(task),
            #[cfg(target_arch = "aarch64")]
            Machine::Neon(lanes) => lanes.run(task),
            Machine::Plain(lanes) => lanes.run(task),
        }
    }
}
