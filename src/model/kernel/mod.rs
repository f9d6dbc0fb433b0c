//! Arithmetic over quantised weights, as the machine does it best: the only place of SIMD.
//!
//! Given the bytes of a matrix as they lie in a GGUF file and the rows of some tokens, [`multiply()`] gives their products;
//! [`attend()`] reads the keys and values of positions past. Everything is written once over [`lanes`] of 16 numbers and runs
//! at the best level the machine has: AVX-512 with VNNI, AVX2, NEON with or without its byte products, or what every machine
//! has.
//!
//! Always true here:
//! - An element comes out the same to the last bit at any number of threads, and whatever else is computed beside it: a token
//!   read alone, among others, or guessed and confirmed is the same token. Levels may differ from each other in last bits.
//! - Weights are read where they lie and stand in memory once.
//! - `unsafe` is only for instructions that were detected before (the levels) and for lending a task to sleeping threads
//!   ([`Pool`]).
//!
//! Uses: nothing. Begin at [`Matrix`].

mod attend;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod formats;
mod half;
mod inputs;
mod lanes;
mod multiply;
mod mutual;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;
mod pool;
mod rows;
mod shares;
mod sheet;

pub(super) use attend::{Heads, Past, Run, Seen, attend, keep};
pub(super) use formats::Kind;
pub(super) use inputs::{Inputs, Scales};
pub(super) use lanes::Machine;
pub(super) use multiply::{Gating, Matrix, multiply, multiply_gated, read_through};
pub(super) use mutual::attend_mutually;
pub(super) use pool::Pool;
pub(super) use rows::{Rope, Turns, gelu_row, level_row, norm_row};
pub(super) use sheet::Sheet;

#[cfg(test)]
mod tests;
