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

/// The caller has checked the tier.
pub(super) fn polynomials_512(c: &[Block], x: &[Block], out: &mut [Block]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 and VPCLMULQDQ.
    unsafe { horner_512(c, x, out) }
}

/// The caller has checked the tier.
pub(super) fn polynomials_128(c: &[Block], x: &[Block], out: &mut [Block]) {
    // SAFETY: reached only on tiers that were detected to have PCLMULQDQ.
    unsafe { horner_128(c, x, out) }
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

/// `a·b` in each 128-bit lane, reduced: `X^128 = X^7 + X^2 + X + 1` folds the words from the top.
#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq")]
fn product_512(a: __m512i, b: __m512i) -> __m512i {
    let tail = _mm512_set1_epi64(0x87);
    let middle = _mm512_xor_si512(
        _mm512_clmulepi64_epi128::<0x01>(a, b),
        _mm512_clmulepi64_epi128::<0x10>(a, b),
    );
    let low = _mm512_clmulepi64_epi128::<0x00>(a, b);
    let low = _mm512_xor_si512(low, _mm512_bslli_epi128::<8>(middle));
    let high = _mm512_clmulepi64_epi128::<0x11>(a, b);
    let high = _mm512_xor_si512(high, _mm512_bsrli_epi128::<8>(middle));
    let top = _mm512_clmulepi64_epi128::<0x01>(high, tail);
    let low = _mm512_xor_si512(low, _mm512_bslli_epi128::<8>(top));
    let high = _mm512_xor_si512(high, _mm512_bsrli_epi128::<8>(top));
    _mm512_xor_si512(low, _mm512_clmulepi64_epi128::<0x00>(high, tail))
}

#[target_feature(enable = "avx512f,avx512bw,vpclmulqdq,pclmulqdq")]
fn horner_512(c: &[Block], x: &[Block], out: &mut [Block]) {
    let len = x.len().min(out.len());
    let (quads, rest) = x[..len].as_chunks::<4>();
    let (out_quads, out_rest) = out[..len].as_chunks_mut::<4>();
    for (x, out) in quads.iter().zip(out_quads) {
        let x = load_512(x);
        let mut sum = _mm512_setzero_si512();
        for c in c.iter().rev() {
            let c = _mm512_broadcast_i32x4(load_128(c));
            sum = product_512(_mm512_xor_si512(sum, c), x);
        }
        // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
    }
    horner_128(c, rest, out_rest);
}

#[target_feature(enable = "pclmulqdq,sse2")]
fn horner_128(c: &[Block], x: &[Block], out: &mut [Block]) {
    for (out, x) in out.iter_mut().zip(x) {
        let x = load_128(x);
        let mut sum = 0u128;
        for c in c.iter().rev() {
            let term = (sum ^ u128::from_le_bytes(*c)).to_le_bytes();
            let [low, middle, high] = product_128(load_128(&term), x);
            sum = reduce(join(word(low), word(middle), word(high)));
        }
        *out = sum.to_le_bytes();
    }
}
