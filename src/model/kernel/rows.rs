//! What is done to one token's row: the norm, and the turn by its position.

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

/// By how much each token's heads are turned (rotary embedding, Su et al. 2021).
#[derive(Default)]
pub(crate) struct Turns {
    /// Whether the numbers of a pair stand beside each other (llama) or half a head apart (qwen).
    is_interleaved: bool,
    half: usize,
    /// Of each token, the cosines and then the sines.
    angles: Vec<f32>,
}

impl Turns {
    /// For tokens at these positions; `speeds` has half as many as a head has dimensions.
    pub(crate) fn reset(&mut self, positions: impl Iterator<Item = usize>, speeds: &[f32], is_interleaved: bool) {
        (self.is_interleaved, self.half) = (is_interleaved, speeds.len());
        self.angles.clear();
        for position in positions {
            let angle = |speed: &f32| position as f32 * speed;
            self.angles.extend(speeds.iter().map(|speed| angle(speed).cos()));
            self.angles.extend(speeds.iter().map(|speed| angle(speed).sin()));
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
            let (low, high) = head.split_at_mut(self.half);
            for ((low, high), (cos, sin)) in low.iter_mut().zip(high).zip(cos.iter().zip(sin)) {
                (*low, *high) = (*low * cos - *high * sin, *low * sin + *high * cos);
            }
        }
    }
}
