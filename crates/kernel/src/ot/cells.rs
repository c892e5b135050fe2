//! Gilboa products of single numbers: the case of one matrix row, where every OT row has one term.
//!
//! Same bytes and shares as [`super::terms`] would give, worked out for many rows at once. A *cell* is one
//! product `x·w` in `Z_2^bits`: `bits` OT rows, of which row `i` carries `x` modulo `2^(bits − i)`. With
//! `pad_b` the low word of the hash of `q ⊕ b·Δ`: payload `pad_0 + x − pad_1`, cut to its ring and packed in
//! whole bytes; sender's share `−Σ pad_0·2^i`; receiver's share `Σ (pad_c + c·payload)·2^i`.

use super::terms::{element_bytes, ring_mask};
use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::hash::TweakedHash;
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Rows that are worked on together (a cell has at most 64).
const ROWS: usize = 256;

/// Bytes of a cell's payload.
pub(super) fn cell_bytes(bits: usize) -> usize {
    (1..=bits).map(element_bytes).sum()
}

multiversion! {
    /// `words[i] ← pad_0 + x − pad_1` in the ring of its row, and `sums[cell] ← −Σ pad_0·2^i`.
    fn mask_cells(
        bits: usize,
        zero: &[u64],
        one: &[u64],
        x: &[u64],
        words: &mut [u64],
        sums: &mut [u64],
    ) {
        let top = ring_mask(bits);
        for cell in 0..x.len() {
            let zero = &zero[cell * bits..][..bits];
            let one = &one[cell * bits..][..bits];
            let words = &mut words[cell * bits..][..bits];
            let mut sum = 0u64;
            for i in 0..bits {
                words[i] = zero[i].wrapping_add(x[cell]).wrapping_sub(one[i]) & (top >> i);
                sum = sum.wrapping_sub(zero[i] << i);
            }
            sums[cell] = sum;
        }
    }
}

multiversion! {
    /// `sums[cell] ← Σ (pad + c_i·words[i])·2^i` with the bits `c` of `w`; returns bits outside the rings.
    fn unmask_cells(bits: usize, pad: &[u64], w: &[u64], words: &[u64], sums: &mut [u64]) -> u64 {
        let top = ring_mask(bits);
        let mut excess = 0;
        for cell in 0..w.len() {
            let pad = &pad[cell * bits..][..bits];
            let words = &words[cell * bits..][..bits];
            let mut sum = 0u64;
            for i in 0..bits {
                excess |= words[i] & !(top >> i);
                let choice = ((w[cell] >> i) & 1).wrapping_neg();
                sum = sum.wrapping_add(pad[i].wrapping_add(words[i] & choice) << i);
            }
            sums[cell] = sum;
        }
        excess
    }
}

/// Eight words of `BYTES` bytes: whole words in order, each over the spare bytes of the one before.
#[inline(always)]
fn pack_eight<const BYTES: usize>(words: &[u64; 8], to: &mut [u8; 64]) {
    for (i, word) in words.iter().enumerate() {
        to[i * BYTES..i * BYTES + 8].copy_from_slice(&word.to_le_bytes());
    }
}

#[inline(always)]
fn unpack_eight<const BYTES: usize>(from: &[u8; 64], words: &mut [u64; 8]) {
    for (i, word) in words.iter_mut().enumerate() {
        let mut bytes = [0u8; 8];
        bytes.copy_from_slice(&from[i * BYTES..i * BYTES + 8]);
        *word = u64::from_le_bytes(bytes) & ring_mask(8 * BYTES);
    }
}

/// Calls `run(word, bytes, rows, width)` for the runs of rows of one width: first word and byte of the run.
#[inline(always)]
fn runs(bits: usize, cells: usize, mut run: impl FnMut(usize, usize, usize, usize)) {
    let (mut word, mut byte) = (0, 0);
    for _ in 0..cells {
        let mut rows = (bits - 1) % 8 + 1;
        for width in (1..=element_bytes(bits)).rev() {
            run(word, byte, rows, width);
            word += rows;
            byte += rows * width;
            rows = 8;
        }
    }
}

/// Writes each word in the bytes of its ring. What stands in `payload` behind these cells is overwritten.
fn pack(bits: usize, words: &[u64], payload: &mut [u8]) {
    runs(bits, words.len() / bits, |word, byte, rows, width| {
        let (words, to) = (&words[word..word + rows], &mut payload[byte..]);
        let (Some(words), Some(to)) = (words.first_chunk(), to.first_chunk_mut()) else {
            for (word, to) in words.iter().zip(to.chunks_exact_mut(width)) {
                to.copy_from_slice(&word.to_le_bytes()[..width]);
            }
            return;
        };
        match width {
            1 => pack_eight::<1>(words, to),
            2 => pack_eight::<2>(words, to),
            3 => pack_eight::<3>(words, to),
            4 => pack_eight::<4>(words, to),
            5 => pack_eight::<5>(words, to),
            6 => pack_eight::<6>(words, to),
            7 => pack_eight::<7>(words, to),
            _ => pack_eight::<8>(words, to),
        }
    });
}

/// Inverse of [`pack`].
fn unpack(bits: usize, payload: &[u8], words: &mut [u64]) {
    runs(bits, words.len() / bits, |word, byte, rows, width| {
        let (words, from) = (&mut words[word..word + rows], &payload[byte..]);
        let (Some(words), Some(from)) = (words.first_chunk_mut(), from.first_chunk()) else {
            for (word, from) in words.iter_mut().zip(from.chunks_exact(width)) {
                let mut bytes = [0u8; 8];
                bytes[..width].copy_from_slice(from);
                *word = u64::from_le_bytes(bytes);
            }
            return;
        };
        match width {
            1 => unpack_eight::<1>(from, words),
            2 => unpack_eight::<2>(from, words),
            3 => unpack_eight::<3>(from, words),
            4 => unpack_eight::<4>(from, words),
            5 => unpack_eight::<5>(from, words),
            6 => unpack_eight::<6>(from, words),
            7 => unpack_eight::<7>(from, words),
            _ => unpack_eight::<8>(from, words),
        }
    });
}

/// Sender's side: writes `payload` and hands out the share of every cell; cell `c` multiplies `x(c)`.
pub(super) fn send(
    hash: &TweakedHash,
    (q, delta): (&[Block], &Block),
    bits: usize,
    x: impl Fn(usize) -> u64,
    payload: &mut [u8],
    mut share: impl FnMut(usize, u64),
) {
    let group = (ROWS / bits).min(q.len() / bits).max(1);
    let zeros = |len| Wiped::filled(0u64, len);
    let (mut zero, mut one) = (zeros(group * bits), zeros(group * bits));
    let (mut factors, mut sums) = (zeros(group), zeros(group));
    let mut words = vec![0u64; group * bits];
    let mut scratch = hash.scratch(group * bits);
    let bytes = cell_bytes(bits);
    for (index, q) in q.chunks(group * bits).enumerate() {
        let (first, count, rows) = (index * group, q.len() / bits, q.len());
        scratch.low_words(q, &[0; 16], first * bits, &mut zero[..rows]);
        scratch.low_words(q, delta, first * bits, &mut one[..rows]);
        for (cell, factor) in factors[..count].iter_mut().enumerate() {
            *factor = x(first + cell);
        }
        let (factors, sums) = (&factors[..count], &mut sums[..count]);
        mask_cells(bits, &zero, &one, factors, &mut words, sums);
        pack(bits, &words[..rows], &mut payload[first * bytes..]);
        for (cell, sum) in sums.iter().enumerate() {
            share(first + cell, *sum);
        }
    }
}

/// Receiver's side: hands out the share of every cell; cell `c` multiplies `w[c]`.
pub(super) fn receive(
    hash: &TweakedHash,
    t: &[Block],
    bits: usize,
    w: &[u64],
    payload: &[u8],
    mut share: impl FnMut(usize, u64),
) -> Result<()> {
    let group = (ROWS / bits).min(w.len()).max(1);
    let zeros = |len| Wiped::filled(0u64, len);
    let (mut pad, mut sums) = (zeros(group * bits), zeros(group));
    let mut words = vec![0u64; group * bits];
    let mut scratch = hash.scratch(group * bits);
    let mut excess = 0;
    let bytes = cell_bytes(bits);
    for (index, (t, w)) in t.chunks(group * bits).zip(w.chunks(group)).enumerate() {
        let (first, rows) = (index * group, t.len());
        scratch.low_words(t, &[0; 16], first * bits, &mut pad[..rows]);
        unpack(bits, &payload[first * bytes..], &mut words[..rows]);
        excess |= unmask_cells(bits, &pad, w, &words, &mut sums);
        for (cell, sum) in sums[..w.len()].iter().enumerate() {
            share(first + cell, *sum);
        }
    }
    ensure(
        excess == 0,
        Error::Malformed("a payload element exceeds its ring"),
    )
}
