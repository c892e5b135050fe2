//! Eight words of 64 bits side by side, and the IFMA products of their low 52 bits: for the curves.

#![allow(unsafe_code)]

use crate::simd::{Tier, tier};
use core::arch::x86_64::*;

/// Eight words.
pub(crate) type V = __m512i;

/// Whether this machine has the instructions and the tier is not lowered.
pub(crate) fn available() -> bool {
    tier() == Tier::Avx512 && is_x86_feature_detected!("avx512ifma")
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn load(from: &[u64; 8]) -> V {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn store(to: &mut [u64; 8], v: V) {
    // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn set(x: u64) -> V {
    _mm512_set1_epi64(x as i64)
}

/// `sum` plus the low 52 bits of the product.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn low(sum: V, a: V, b: V) -> V {
    _mm512_madd52lo_epu64(sum, a, b)
}

/// `sum` plus the bits 52..104 of the product.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn high(sum: V, a: V, b: V) -> V {
    _mm512_madd52hi_epu64(sum, a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn add(a: V, b: V) -> V {
    _mm512_add_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn sub(a: V, b: V) -> V {
    _mm512_sub_epi64(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn and(a: V, b: V) -> V {
    _mm512_and_si512(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn shift<const BITS: u32>(a: V) -> V {
    _mm512_srli_epi64::<BITS>(a)
}

/// Lane by lane `b` where `mask` is set, else `a`.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn select(mask: u8, a: V, b: V) -> V {
    _mm512_mask_blend_epi64(mask, a, b)
}

/// The lanes that are zero.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn zeros(a: V) -> u8 {
    _mm512_testn_epi64_mask(a, a)
}

/// The lanes that are the same.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn equal(a: V, b: V) -> u8 {
    _mm512_cmpeq_epi64_mask(a, b)
}

/// Every lane without its low `bits`, below 64.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn shift_by(a: V, bits: u64) -> V {
    _mm512_srlv_epi64(a, set(bits))
}
