//! Sums of public elements of the binary field over the bits of plain words, by products of 8 × 8 matrices of bits
//! (GFNI).
//!
//! Eight words have one byte for each of their 64 lanes; eight weights are eight matrices, one for each byte of a sum.
//! An instruction then makes one byte of 64 sums of eight terms. Weights are public, words only pass through it.

#![allow(unsafe_code)]

use super::binary::LANES;
use super::lanes::Words;
use super::x86::{BY_BYTE, load, store, transposed};
use crate::simd::{Tier, tier};
use core::arch::x86_64::*;

/// Words whose bits of one lane are one byte.
const EIGHT: usize = 8;
/// As [`BY_BYTE`] with the last word first: an instruction has the rows of its matrices in this order.
const TURNED: [u8; 64] = {
    let mut index = BY_BYTE;
    let mut i = 0;
    while i < 64 {
        index[i] = BY_BYTE[i ^ 7];
        i += 1;
    }
    index
};

/// Weights of a row of words: for every eight of them a matrix for each byte.
pub(super) struct Matrices(Vec<Words>);

impl Matrices {
    /// None if the machine has other instructions.
    pub(super) fn new(weights: &[u64]) -> Option<Self> {
        let able = tier() == Tier::Avx512
            && is_x86_feature_detected!("gfni")
            && is_x86_feature_detected!("avx512vbmi");
        able.then(|| Self(weights.chunks(EIGHT).map(matrices).collect()))
    }

    /// `out[b] = Σ_j weights[j]·(bit b of x[j])`, x not longer than the weights.
    pub(super) fn fold(&self, x: &[u64], out: &mut [u64; LANES]) {
        // SAFETY: `new` has seen that the machine has these features.
        unsafe { fold(x, &self.0, out) }
    }
}

/// Bit j of row 7 − i of matrix k is bit 8k + i of weight j.
fn matrices(weights: &[u64]) -> Words {
    core::array::from_fn(|k| {
        (0..8).fold(0, |matrix, i| {
            let bits = weights.iter().enumerate();
            let row = bits.fold(0, |row, (j, weight)| row | (weight >> (8 * k + i) & 1) << j);
            matrix | row << (8 * (7 - i))
        })
    })
}

#[target_feature(enable = "avx512f,avx512vbmi,gfni")]
fn fold(x: &[u64], matrices: &[Words], out: &mut [u64; LANES]) {
    /// Byte m is `2^m`.
    const ONES: i64 = 0x8040_2010_0804_0201_u64 as i64;
    // SAFETY: all of them are 64 bytes without invalid values.
    let [bytes, turned]: [__m512i; 2] = unsafe { core::mem::transmute([BY_BYTE, TURNED]) };
    let mut sums = [_mm512_setzero_si512(); 8];
    let (whole, rest) = x.as_chunks::<EIGHT>();
    let mut last = [0u64; EIGHT];
    last[..rest.len()].copy_from_slice(rest);
    for (words, matrices) in whole.iter().chain([&last]).zip(matrices) {
        let groups = _mm512_permutexvar_epi8(turned, load(words));
        // Byte b has bit b of all eight words.
        let lanes = _mm512_gf2p8affine_epi64_epi8::<0>(_mm512_set1_epi64(ONES), groups);
        for (sum, matrix) in sums.iter_mut().zip(matrices) {
            let matrix = _mm512_set1_epi64(*matrix as i64);
            let product = _mm512_gf2p8affine_epi64_epi8::<0>(lanes, matrix);
            *sum = _mm512_xor_si512(*sum, product);
        }
    }
    for (out, sums) in out.as_chunks_mut().0.iter_mut().zip(transposed(sums)) {
        store(out, _mm512_permutexvar_epi8(bytes, sums));
    }
}
