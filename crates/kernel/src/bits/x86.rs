//! The transpose on 512-bit registers, and rows put together from its results.
//!
//! The same swaps as the portable one; three steps at a time, on eight rows that stay in registers.

#![allow(unsafe_code)]

use super::Lanes;
use crate::aes::Block;
use core::arch::x86_64::*;

/// Transposes all eight matrices in place. The caller has checked the tier.
pub(super) fn transpose(rows: &mut Lanes) {
    // SAFETY: reached only on the tier that was detected to have AVX-512.
    unsafe { transpose_512(rows) }
}

/// `rows[64·lane + r]` from word `lane` of `low[r]` and of `high[r]`. The caller has checked the tier.
pub(super) fn join(low: &Lanes, high: &Lanes, rows: &mut [Block; 512]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512.
    unsafe { join_512(low, high, rows) }
}

#[target_feature(enable = "avx512f")]
fn load(words: &[u64; 8]) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store(words: &mut [u64; 8], value: __m512i) {
    // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "sse2")]
fn store_128(block: &mut Block, value: __m128i) {
    // SAFETY: a reference to 16 writable bytes; the store has no alignment requirement.
    unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), value) }
}

/// Exchanges the high halves of blocks of `2·STEP` bits of `above` with the low halves of those of `below`.
#[target_feature(enable = "avx512f")]
fn exchange<const STEP: u32>(above: &mut __m512i, below: &mut __m512i) {
    /// `(a ⊕ b) ∧ c`.
    const MASKED_SUM: i32 = 0x28;
    let low = _mm512_set1_epi64((u64::MAX / ((1 << STEP) + 1)) as i64);
    let shifted = _mm512_srli_epi64::<STEP>(*above);
    let swap = _mm512_ternarylogic_epi64::<MASKED_SUM>(shifted, *below, low);
    *above = _mm512_xor_si512(*above, _mm512_slli_epi64::<STEP>(swap));
    *below = _mm512_xor_si512(*below, swap);
}

#[target_feature(enable = "avx512f")]
fn exchange_eight<const FAR: u32, const MIDDLE: u32, const NEAR: u32>(
    rows: [__m512i; 8],
) -> [__m512i; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = rows;
    exchange::<FAR>(&mut a, &mut e);
    exchange::<FAR>(&mut b, &mut f);
    exchange::<FAR>(&mut c, &mut g);
    exchange::<FAR>(&mut d, &mut h);
    exchange::<MIDDLE>(&mut a, &mut c);
    exchange::<MIDDLE>(&mut b, &mut d);
    exchange::<MIDDLE>(&mut e, &mut g);
    exchange::<MIDDLE>(&mut f, &mut h);
    exchange::<NEAR>(&mut a, &mut b);
    exchange::<NEAR>(&mut c, &mut d);
    exchange::<NEAR>(&mut e, &mut f);
    exchange::<NEAR>(&mut g, &mut h);
    [a, b, c, d, e, f, g, h]
}

#[target_feature(enable = "avx512f")]
fn transpose_512(rows: &mut Lanes) {
    for first in 0..8 {
        let mut eight = [_mm512_setzero_si512(); 8];
        for (row, words) in eight.iter_mut().zip(rows[first..].iter().step_by(8)) {
            *row = load(words);
        }
        let eight = exchange_eight::<32, 16, 8>(eight);
        for (row, words) in eight.iter().zip(rows[first..].iter_mut().step_by(8)) {
            store(words, *row);
        }
    }
    for group in rows.as_chunks_mut::<8>().0 {
        let mut eight = [_mm512_setzero_si512(); 8];
        for (row, words) in eight.iter_mut().zip(group.iter()) {
            *row = load(words);
        }
        let eight = exchange_eight::<4, 2, 1>(eight);
        for (row, words) in eight.iter().zip(group) {
            store(words, *row);
        }
    }
}

#[target_feature(enable = "avx512f,avx512dq,sse2")]
fn join_512(low: &Lanes, high: &Lanes, rows: &mut [Block; 512]) {
    for (r, (low, high)) in low.iter().zip(high).enumerate() {
        let (low, high) = (load(low), load(high));
        let even = _mm512_unpacklo_epi64(low, high);
        let odd = _mm512_unpackhi_epi64(low, high);
        store_128(&mut rows[r], _mm512_castsi512_si128(even));
        store_128(&mut rows[64 + r], _mm512_castsi512_si128(odd));
        store_128(&mut rows[128 + r], _mm512_extracti64x2_epi64::<1>(even));
        store_128(&mut rows[192 + r], _mm512_extracti64x2_epi64::<1>(odd));
        store_128(&mut rows[256 + r], _mm512_extracti64x2_epi64::<2>(even));
        store_128(&mut rows[320 + r], _mm512_extracti64x2_epi64::<2>(odd));
        store_128(&mut rows[384 + r], _mm512_extracti64x2_epi64::<3>(even));
        store_128(&mut rows[448 + r], _mm512_extracti64x2_epi64::<3>(odd));
    }
}

/// Bits of 64 values: word `lane` of `lines[j]` becomes the bits `j` of all.
pub(super) fn values_to_planes(values: &[u64; 64], lane: usize, lines: &mut [[u64; 8]]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 BW.
    unsafe { values_to_planes_512(values, lane, lines) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn values_to_planes_512(values: &[u64; 64], lane: usize, lines: &mut [[u64; 8]]) {
    let rows = values.as_chunks::<8>().0;
    for (byte, lines) in lines.chunks_mut(8).enumerate() {
        let mut bytes = [_mm_setzero_si128(); 8];
        for (row, bytes) in rows.iter().zip(&mut bytes) {
            let shifted = _mm512_srl_epi64(load(row), _mm_cvtsi64_si128(8 * byte as i64));
            *bytes = _mm512_cvtepi64_epi8(shifted);
        }
        let [a, b, c, d, e, f, g, h] = bytes;
        let low = _mm256_set_m128i(_mm_unpacklo_epi64(c, d), _mm_unpacklo_epi64(a, b));
        let high = _mm256_set_m128i(_mm_unpacklo_epi64(g, h), _mm_unpacklo_epi64(e, f));
        let column = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
        for (bit, line) in lines.iter_mut().enumerate() {
            line[lane] = _mm512_test_epi8_mask(column, _mm512_set1_epi8(1 << bit));
        }
    }
}

/// Inverse of [`values_to_planes`].
pub(super) fn planes_to_values(lines: &[[u64; 8]], lane: usize, values: &mut [u64; 64]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 BW.
    unsafe { planes_to_values_512(lines, lane, values) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn planes_to_values_512(lines: &[[u64; 8]], lane: usize, values: &mut [u64; 64]) {
    let mut rows = [_mm512_setzero_si512(); 8];
    for (byte, lines) in lines.chunks(8).enumerate() {
        let mut column = _mm512_setzero_si512();
        for (bit, line) in lines.iter().enumerate() {
            column = _mm512_mask_add_epi8(column, line[lane], column, _mm512_set1_epi8(1 << bit));
        }
        let mut bytes = [0u8; 64];
        // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), column) };
        for (row, bytes) in rows.iter_mut().zip(bytes.as_chunks::<8>().0) {
            let wide = _mm512_cvtepu8_epi64(_mm_cvtsi64_si128(i64::from_le_bytes(*bytes)));
            *row = _mm512_or_si512(
                *row,
                _mm512_sll_epi64(wide, _mm_cvtsi64_si128(8 * byte as i64)),
            );
        }
    }
    for (row, out) in rows.iter().zip(values.as_chunks_mut::<8>().0) {
        store(out, *row);
    }
}
