//! Sums of plain values times weights on the multipliers of 52 bits (AVX-512 IFMA), two of them instead of the
//! three operations and an addition of a 64-bit product.
//!
//! With `w = narrow − 2^39`, `0 ≤ narrow < 2^40`, and `x = low + 2^12·high`, `low < 2^12`: `low·narrow` is below
//! `2^52`, and of `high·narrow` only the value modulo `2^52` counts. So
//! `Σ x·w = Σ low·narrow + 2^12·Σ high·narrow − 2^39·Σ x` modulo `2^64`, from low halves of products alone.
//! The weights are public, and so is whether they fit; values only pass through arithmetic.

#![allow(unsafe_code)]

use super::galois::{DEGREE, Element};
use super::lanes::Line;
use crate::simd::{Tier, tier};
use core::arch::x86_64::*;

/// Bits of a shifted weight.
const BITS: u32 = 40;
const SHIFT: u64 = 1 << (BITS - 1);
/// Bits of the low part of a value.
const LOW: u32 = 64 - 52;
/// Rows whose sums stay in registers, by half an element.
const TILE: usize = 4;
const HALF: usize = DEGREE / 2;
type Half = Line<[u64; HALF]>;

/// Weights that are narrow enough: first halves, then second halves.
pub(super) struct Narrow {
    halves: [Vec<Half>; 2],
}

impl Narrow {
    /// None if a weight does not fit, or the machine has other instructions.
    pub(super) fn new(weights: &[Element]) -> Option<Self> {
        let able = tier() == Tier::Avx512 && is_x86_feature_detected!("avx512ifma");
        let shifted = |word: &u64| word.wrapping_add(SHIFT);
        let mut words = weights.as_flattened().iter();
        (able && words.all(|word| shifted(word) >> BITS == 0)).then(|| {
            let half = |from: usize| {
                let of = |w: &Element| Line(core::array::from_fn(|i| shifted(&w[from + i])));
                weights.iter().map(of).collect()
            };
            Self {
                halves: [half(0), half(HALF)],
            }
        })
    }

    /// `out[l] = Σ_j weights[j]·x[l·J + j]` for whole rows.
    pub(super) fn fold(&self, x: &[u64], out: &mut [Element]) {
        let width = self.halves[0].len();
        let mut parts = vec![[0u64; 2]; TILE * width];
        for (x, out) in x.chunks(TILE * width).zip(out.chunks_mut(TILE)) {
            for (parts, x) in parts.iter_mut().zip(x) {
                *parts = [x & ((1 << LOW) - 1), x >> LOW];
            }
            parts[x.len().min(TILE * width)..].fill([0; 2]);
            let mut sums = [[0u64; DEGREE]; TILE];
            for (at, half) in self.halves.iter().enumerate() {
                // SAFETY: `new` has seen that the machine has these features.
                unsafe { tile(&parts, half, at * HALF, &mut sums) };
            }
            for ((out, sums), row) in out.iter_mut().zip(&sums).zip(x.chunks(width)) {
                let total = row.iter().fold(0u64, |sum, x| sum.wrapping_add(*x));
                *out = sums.map(|sum| sum.wrapping_sub(total.wrapping_mul(SHIFT)));
            }
        }
    }
}

/// `sums[r][at..]` of four rows, before the shift is taken back.
#[target_feature(enable = "avx512f,avx512ifma")]
fn tile(parts: &[[u64; 2]], weights: &[Half], at: usize, sums: &mut [Element; TILE]) {
    const VECTORS: usize = HALF / 8;
    let width = weights.len();
    let mut low = [[_mm512_setzero_si512(); VECTORS]; TILE];
    let mut high = low;
    let (first, second) = parts.split_at(2 * width);
    let ((a, b), (c, d)) = (first.split_at(width), second.split_at(width));
    for ((((weight, a), b), c), d) in weights.iter().zip(a).zip(b).zip(c).zip(d) {
        let mut vectors = [_mm512_setzero_si512(); VECTORS];
        for (vector, words) in vectors.iter_mut().zip(weight.0.as_chunks::<8>().0) {
            // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
            *vector = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
        }
        for (row, [x_low, x_high]) in [a, b, c, d].into_iter().enumerate() {
            let x_low = _mm512_set1_epi64(*x_low as i64);
            let x_high = _mm512_set1_epi64(*x_high as i64);
            for (i, vector) in vectors.iter().enumerate() {
                low[row][i] = _mm512_madd52lo_epu64(low[row][i], *vector, x_low);
                high[row][i] = _mm512_madd52lo_epu64(high[row][i], *vector, x_high);
            }
        }
    }
    for (sums, (low, high)) in sums.iter_mut().zip(low.iter().zip(&high)) {
        let words = sums[at..at + HALF].as_chunks_mut::<8>().0;
        for (words, (low, high)) in words.iter_mut().zip(low.iter().zip(high)) {
            let sum = _mm512_add_epi64(*low, _mm512_slli_epi64::<LOW>(*high));
            // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
            unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), sum) };
        }
    }
}
