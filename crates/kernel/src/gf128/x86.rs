//! Carry-less products by PCLMULQDQ, one block or four at a time.

#![allow(unsafe_code)]

use super::{Wide, reduce};
use crate::aes::Block;
use core::arch::x86_64::*;

/// The caller has checked the tier.
pub(super) fn inner_product_512(a: &[Block], b: &[Block]) -> Wide {
    // SAFETY: reached only on the tier that was detected to have AVX-512 and VPCLMULQDQ.
    unsafe { sum_512(a, b) }
}

/// The caller has checked the tier.
pub(super) fn inner_product_128(a: &[Block], b: &[Block]) -> Wide {
    // SAFETY: reached only on tiers that were detected to have PCLMULQDQ.
    unsafe { sum_128(a, b) }
}

/// The caller has checked the tier.
pub(super) fn scale(x: &mut [Block], c: &Block) {
    // SAFETY: reached only on tiers that were detected to have PCLMULQDQ.
    unsafe { scale_128(x, c) }
}

fn word(value: __m128i) -> u128 {
    // SAFETY: both types are 16 bytes without invalid values.
    unsafe { core::mem::transmute(value) }
}

#[target_feature(enable = "sse2")]
fn load_128(block: &Block) -> __m128i {
    // SAFETY: a reference to 16 readable bytes; the load has no alignment requirement.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn load_512(blocks: &[Block; 4]) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(blocks.as_ptr().cast()) }
}

fn join(low: u128, middle: u128, high: u128) -> Wide {
    (low ^ (middle << 64), high ^ (middle >> 64))
}

#[target_feature(enable = "pclmulqdq,sse2")]
fn product_128(a: __m128i, b: __m128i) -> [__m128i; 3] {
    let middle = _mm_xor_si128(
        _mm_clmulepi64_si128::<0x01>(a, b),
        _mm_clmulepi64_si128::<0x10>(a, b),
    );
    [
        _mm_clmulepi64_si128::<0x00>(a, b),
        middle,
        _mm_clmulepi64_si128::<0x11>(a, b),
    ]
}

#[target_feature(enable = "pclmulqdq,sse2")]
fn sum_128(a: &[Block], b: &[Block]) -> Wide {
    let mut sums = [_mm_setzero_si128(); 3];
    for (a, b) in a.iter().zip(b) {
        for (sum, part) in sums.iter_mut().zip(product_128(load_128(a), load_128(b))) {
            *sum = _mm_xor_si128(*sum, part);
        }
    }
    join(word(sums[0]), word(sums[1]), word(sums[2]))
}

#[target_feature(enable = "pclmulqdq,sse2")]
fn scale_128(x: &mut [Block], c: &Block) {
    let c = load_128(c);
    for x in x {
        let [low, middle, high] = product_128(load_128(x), c);
        *x = reduce(join(word(low), word(middle), word(high))).to_le_bytes();
    }
}

#[target_feature(enable = "avx512f")]
fn fold(sum: __m512i) -> u128 {
    word(_mm512_extracti32x4_epi32::<0>(sum))
        ^ word(_mm512_extracti32x4_epi32::<1>(sum))
        ^ word(_mm512_extracti32x4_epi32::<2>(sum))
        ^ word(_mm512_extracti32x4_epi32::<3>(sum))
}

#[target_feature(enable = "avx512f,vpclmulqdq,pclmulqdq")]
fn sum_512(a: &[Block], b: &[Block]) -> Wide {
    let mut sums = [_mm512_setzero_si512(); 4];
    let (a_quads, a_rest) = a.as_chunks::<4>();
    let (b_quads, _) = b.as_chunks::<4>();
    let quads = a_quads.len().min(b_quads.len());
    for (a, b) in a_quads.iter().zip(b_quads) {
        let (a, b) = (load_512(a), load_512(b));
        sums[0] = _mm512_xor_si512(sums[0], _mm512_clmulepi64_epi128::<0x00>(a, b));
        sums[1] = _mm512_xor_si512(sums[1], _mm512_clmulepi64_epi128::<0x01>(a, b));
        sums[2] = _mm512_xor_si512(sums[2], _mm512_clmulepi64_epi128::<0x10>(a, b));
        sums[3] = _mm512_xor_si512(sums[3], _mm512_clmulepi64_epi128::<0x11>(a, b));
    }
    let (low, high) = join(fold(sums[0]), fold(sums[1]) ^ fold(sums[2]), fold(sums[3]));
    let rest = if a_quads.len() > quads {
        &a[4 * quads..]
    } else {
        a_rest
    };
    let rest = sum_128(rest, &b[4 * quads..]);
    (low ^ rest.0, high ^ rest.1)
}
