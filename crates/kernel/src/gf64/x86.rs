//! Carry-less products by PCLMULQDQ, one pair or four at a time.

#![allow(unsafe_code)]

use crate::aes::Block;
use core::arch::x86_64::*;

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

#[target_feature(enable = "sse2")]
fn load(block: &Block) -> __m128i {
    // SAFETY: a reference to 16 readable bytes; the load has no alignment requirement.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}

#[target_feature(enable = "sse2")]
fn store(block: &mut Block, value: __m128i) {
    // SAFETY: a reference to 16 writable bytes; the store has no alignment requirement.
    unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), value) }
}

/// The pair times the low half of `c`, reduced as [`super::reduce`] does.
#[target_feature(enable = "pclmulqdq,sse2")]
fn product_128(x: __m128i, c: __m128i) -> __m128i {
    let first = _mm_clmulepi64_si128::<0x00>(x, c);
    let second = _mm_clmulepi64_si128::<0x01>(x, c);
    let low = _mm_unpacklo_epi64(first, second);
    let high = _mm_unpackhi_epi64(first, second);
    let carry = _mm_xor_si128(
        _mm_xor_si128(_mm_srli_epi64::<63>(high), _mm_srli_epi64::<61>(high)),
        _mm_srli_epi64::<60>(high),
    );
    let folded = _mm_xor_si128(high, carry);
    let folded = _mm_xor_si128(
        _mm_xor_si128(folded, _mm_slli_epi64::<1>(folded)),
        _mm_xor_si128(_mm_slli_epi64::<3>(folded), _mm_slli_epi64::<4>(folded)),
    );
    _mm_xor_si128(low, folded)
}

#[target_feature(enable = "pclmulqdq,sse2")]
fn scale_128(x: &mut [Block], c: &Block) {
    let c = load(c);
    for x in x {
        store(x, product_128(load(x), c));
    }
}

#[target_feature(enable = "pclmulqdq,sse2")]
fn horner_128(c: &[Block], x: &[Block], out: &mut [Block]) {
    for (out, x) in out.iter_mut().zip(x) {
        let x = load(x);
        let mut sum = _mm_setzero_si128();
        for c in c.iter().rev() {
            sum = product_128(_mm_xor_si128(sum, load(c)), x);
        }
        store(out, sum);
    }
}

/// As [`product_128`], in each 128-bit lane.
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn product_512(x: __m512i, c: __m512i) -> __m512i {
    let first = _mm512_clmulepi64_epi128::<0x00>(x, c);
    let second = _mm512_clmulepi64_epi128::<0x01>(x, c);
    let low = _mm512_unpacklo_epi64(first, second);
    let high = _mm512_unpackhi_epi64(first, second);
    // 0x96 adds three words.
    let carry = _mm512_ternarylogic_epi64::<0x96>(
        _mm512_srli_epi64::<63>(high),
        _mm512_srli_epi64::<61>(high),
        _mm512_srli_epi64::<60>(high),
    );
    let folded = _mm512_xor_si512(high, carry);
    let shifted = _mm512_ternarylogic_epi64::<0x96>(
        _mm512_slli_epi64::<1>(folded),
        _mm512_slli_epi64::<3>(folded),
        _mm512_slli_epi64::<4>(folded),
    );
    _mm512_ternarylogic_epi64::<0x96>(low, folded, shifted)
}

#[target_feature(enable = "avx512f,vpclmulqdq,pclmulqdq")]
fn horner_512(c: &[Block], x: &[Block], out: &mut [Block]) {
    let len = x.len().min(out.len());
    let (quads, rest) = x[..len].as_chunks::<4>();
    let (out_quads, out_rest) = out[..len].as_chunks_mut::<4>();
    for (x, out) in quads.iter().zip(out_quads) {
        // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
        let x = unsafe { _mm512_loadu_si512(x.as_ptr().cast()) };
        let mut sum = _mm512_setzero_si512();
        for c in c.iter().rev() {
            let c = _mm512_broadcast_i32x4(load(c));
            sum = product_512(_mm512_xor_si512(sum, c), x);
        }
        // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
    }
    horner_128(c, rest, out_rest);
}
