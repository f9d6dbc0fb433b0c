//! What is done to one token's row: the norm, and the turn by its position.

use std::f32::consts::FRAC_1_SQRT_2;

use super::lanes::{Lanes, Machine, Task, WIDTH};

/// Divides a row by the root of its mean square and multiplies by weights (RMS norm). Its length is a multiple of 16.
pub(crate) fn norm_row(machine: Machine, row: &mut [f32], weights: &[f32], eps: f32) {
    machine.run(Norm { row, weights, eps });
}

struct Norm<'a> {
    row: &'a mut [f32],
    weights: &'a [f32],
    eps: f32,
}

impl Task for Norm<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let length = self.row.len() as f32;
        let (row, weights) = (self.row.as_chunks_mut::<WIDTH>().0, self.weights.as_chunks::<WIDTH>().0);
        let mut squares = l.float(0.0);
        for x in row.iter() {
            let x = l.floats(x);
            squares = l.fuse(x, x, squares);
        }
        let scale = l.float(1.0 / (l.sum(squares) / length + self.eps).sqrt());
        for (x, weight) in row.iter_mut().zip(weights) {
            l.put(l.times(l.times(l.floats(x), scale), l.floats(weight)), x);
        }
    }
}

/// Takes a row's mean off, divides it by the root of its variance, multiplies by weights and adds biases (layer norm, Ba et
/// al. 2016). Its length is a multiple of 16.
pub(crate) fn level_row(machine: Machine, row: &mut [f32], weights: &[f32], biases: &[f32], eps: f32) {
    machine.run(Level { row, weights, biases, eps });
}

struct Level<'a> {
    row: &'a mut [f32],
    weights: &'a [f32],
    biases: &'a [f32],
    eps: f32,
}

impl Task for Level<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        let length = self.row.len() as f32;
        let row = self.row.as_chunks_mut::<WIDTH>().0;
        let (weights, biases) = (self.weights.as_chunks::<WIDTH>().0, self.biases.as_chunks::<WIDTH>().0);
        let mut sum = l.float(0.0);
        for x in row.iter() {
            sum = l.add(sum, l.floats(x));
        }
        let off = l.float(-l.sum(sum) / length);
        let mut squares = l.float(0.0);
        for x in row.iter_mut() {
            let far = l.add(l.floats(x), off);
            l.put(far, x);
            squares = l.fuse(far, far, squares);
        }
        let scale = l.float(1.0 / (l.sum(squares) / length + self.eps).sqrt());
        for (x, (weight, bias)) in row.iter_mut().zip(weights.iter().zip(biases)) {
            l.put(l.fuse(l.times(l.floats(x), scale), l.floats(weight), l.floats(bias)), x);
        }
    }
}

/// Multiplies each number of a row by the share of a normal distribution below it (GELU, Hendrycks and Gimpel 2016), within
/// 4e-7 of its size or of one. The row's length is a multiple of 16.
pub(crate) fn gelu_row(machine: Machine, row: &mut [f32]) {
    machine.run(Gelu { row });
}

struct Gelu<'a> {
    row: &'a mut [f32],
}

impl Task for Gelu<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, l: L) {
        for x in self.row.as_chunks_mut::<WIDTH>().0 {
            let value = l.floats(x);
            let size = l.larger(value, l.times(value, l.float(-1.0)));
            // The share beyond the size, by Abramowitz and Stegun 7.1.26 for erf(size / √2), halved.
            let t = l.over(l.float(1.0), l.fuse(size, l.float(0.327_591_1 * FRAC_1_SQRT_2), l.float(1.0)));
            let mut share = l.float(0.5 * 1.061_405_4);
            for coefficient in [-1.453_152_1, 1.421_413_7, -0.284_496_72, 0.254_829_6] {
                share = l.fuse(share, t, l.float(0.5 * coefficient));
            }
            let beyond = l.times(l.times(share, t), l.exp(l.times(l.times(size, size), l.float(-0.5))));
            l.put(l.fuse_less(size, beyond, l.larger(value, l.float(0.0))), x);
        }
    }
}

/// How positions turn heads (rotary embedding, Su et al. 2021).
#[derive(Debug, Clone)]
pub(crate) struct Rope {
    /// By how much each pair of dimensions turns from one position to the next; half as many as are turned.
    pub speeds: Vec<f32>,
    /// What the turned numbers are multiplied by.
    pub size: f32,
    /// Whether the numbers of a pair stand beside each other (llama) or half the turned dimensions apart (qwen).
    pub is_interleaved: bool,
}

/// By how much each token's heads are turned.
#[derive(Default)]
pub(crate) struct Turns {
    is_interleaved: bool,
    half: usize,
    /// Of each token, the cosines and then the sines.
    angles: Vec<f32>,
}

impl Turns {
    /// For tokens at these positions.
    pub(crate) fn reset(&mut self, positions: impl Iterator<Item = usize>, rope: &Rope) {
        (self.is_interleaved, self.half) = (rope.is_interleaved, rope.speeds.len());
        self.angles.clear();
        for position in positions {
            let angle = |speed: &f32| position as f32 * speed;
            self.angles.extend(rope.speeds.iter().map(|speed| angle(speed).cos() * rope.size));
            self.angles.extend(rope.speeds.iter().map(|speed| angle(speed).sin() * rope.size));
        }
    }

    /// Turns a head of a token. What a head has beyond the turned dimensions stays.
    pub(super) fn turn(&self, token: usize, head: &mut [f32]) {
        let (cos, sin) = self.angles[token * 2 * self.half..][..2 * self.half].split_at(self.half);
        if self.is_interleaved {
            for (pair, (cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(cos.iter().zip(sin)) {
                *pair = [pair[0] * cos - pair[1] * sin, pair[0] * sin + pair[1] * cos];
            }
        } else {
            let (low, high) = head[..2 * self.half].split_at_mut(self.half);
            for ((low, high), (cos, sin)) in low.iter_mut().zip(high).zip(cos.iter().zip(sin)) {
                (*low, *high) = (*low * cos - *high * sin, *low * sin + *high * cos);
            }
        }
    }
}
