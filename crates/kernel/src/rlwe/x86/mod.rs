//! IFMA forms of the loops of `ntt` and `modulus`: eight words of 52 bits at a time.

#![allow(unsafe_code)]

use super::modulus::{ANSWER_A_BYTES, Limb};
use super::ntt::{TILE, Term, Tile};
use super::prime::{Factor, N, Prime, WORD, WORD_MASK};
use crate::simd::{Tier, tier};
use core::arch::x86_64::*;
use transform::{forward_ifma, inverse_ifma};

mod transform;

/// Whether this machine has the instructions and the tier is not lowered.
pub(super) fn available() -> bool {
    tier() == Tier::Avx512 && is_x86_feature_detected!("avx512ifma")
}

macro_rules! on_ifma {
    ($(pub(super) fn $name:ident($($argument:ident: $kind:ty),* $(,)?) = $inner:ident;)*) => {
        $(pub(super) fn $name($($argument: $kind),*) {
            // SAFETY: called only if `available()`.
            unsafe { $inner($($argument),*) }
        })*
    };
}

on_ifma! {
    pub(super) fn forward(prime: &Prime, a: &mut [u64; N]) = forward_ifma;
    pub(super) fn inverse(prime: &Prime, a: &mut [u64; N]) = inverse_ifma;
    pub(super) fn dot(prime: &Prime, plain: &[Tile], cipher: &[[Tile; 2]], sums: [&mut Tile; 2]) = dot_ifma;
    pub(super) fn multiply_add(prime: &Prime, to: &mut [u64], a: &[u64], b: &[u64]) = multiply_add_ifma;
    pub(super) fn lift(prime: &Prime, from: &[u64], to: &mut [u64]) = lift_ifma;
    pub(super) fn add_scaled(prime: &Prime, factor: Factor, remainders: &[u64], to: &mut [u64]) = add_scaled_ifma;
    pub(super) fn scale(prime: &Prime, factor: Factor, c: &mut [u64]) = scale_ifma;
    pub(super) fn sums(prime: &Prime, terms: &[Term], sums: [&mut [u64]; 2]) = sums_ifma;
    pub(super) fn add_wide(prime: &Prime, offset: u64, top: u64, random: &[u64], to: &mut [u64]) = add_wide_ifma;
    pub(super) fn round_words(limbs: &[Limb], y: &[u64], half: u64, out: &mut [u64]) = round_words_ifma;
    pub(super) fn round_80(limbs: &[Limb], y: &[u64], out: &mut [[u8; ANSWER_A_BYTES]]) = round_80_ifma;
}

type V = __m512i;

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[u64; 8]) -> V {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(to: &mut [u64; 8], v: V) {
    // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), v) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn set(x: u64) -> V {
    _mm512_set1_epi64(x as i64)
}

/// The constants of a prime in every lane.
#[derive(Clone, Copy)]
struct Lanes {
    p: V,
    p2: V,
    /// `2^52 - p`.
    minus_p: V,
    mask: V,
}

#[inline]
#[target_feature(enable = "avx512f")]
fn lanes(prime: &Prime) -> Lanes {
    Lanes {
        p: set(prime.p),
        p2: set(2 * prime.p),
        minus_p: set((1 << WORD) - prime.p),
        mask: set(WORD_MASK),
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn at_most_once(x: V, m: V) -> V {
    _mm512_min_epu64(x, _mm512_sub_epi64(x, m))
}

/// `x·value mod p` in `[0, 2p)` for `x < 2^52`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn mul_lazy(l: Lanes, x: V, value: V, quotient: V) -> V {
    let zero = _mm512_setzero_si512();
    let high = _mm512_madd52hi_epu64(zero, x, quotient);
    let product = _mm512_madd52lo_epu64(zero, x, value);
    _mm512_and_si512(_mm512_madd52lo_epu64(product, high, l.minus_p), l.mask)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn mul_factor(l: Lanes, x: V, factor: Factor) -> V {
    mul_lazy(l, x, set(factor.value), set(factor.quotient))
}

/// `lo + 2^52·hi mod p` for any two words, in `[0, p)`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce_wide(l: Lanes, prime: &Prime, lo: V, hi: V) -> V {
    let below = |v| _mm512_and_si512(v, l.mask);
    let above = |v| _mm512_srli_epi64::<WORD>(v);
    let low = _mm512_add_epi64(
        mul_factor(l, below(lo), prime.one),
        mul_factor(l, above(lo), prime.word),
    );
    let high = _mm512_add_epi64(
        mul_factor(l, below(hi), prime.word),
        mul_factor(l, above(hi), prime.word_squared),
    );
    let sum = at_most_once(_mm512_add_epi64(low, high), _mm512_add_epi64(l.p2, l.p2));
    at_most_once(at_most_once(sum, l.p2), l.p)
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn dot_ifma(prime: &Prime, plain: &[Tile], cipher: &[[Tile; 2]], sums: [&mut Tile; 2]) {
    const VECTORS: usize = TILE / 8;
    let mut lo = [[_mm512_setzero_si512(); VECTORS]; 2];
    let mut hi = lo;
    for (plain, cipher) in plain.iter().zip(cipher) {
        let plain = plain.as_chunks::<8>().0;
        for v in 0..VECTORS {
            let x = load(&plain[v]);
            for half in 0..2 {
                let c = load(&cipher[half].as_chunks::<8>().0[v]);
                lo[half][v] = _mm512_madd52lo_epu64(lo[half][v], x, c);
                hi[half][v] = _mm512_madd52hi_epu64(hi[half][v], x, c);
            }
        }
    }
    let l = lanes(prime);
    for (half, sum) in sums.into_iter().enumerate() {
        let sum = sum.as_chunks_mut::<8>().0;
        for v in 0..VECTORS {
            store(&mut sum[v], reduce_wide(l, prime, lo[half][v], hi[half][v]));
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn sums_ifma(prime: &Prime, terms: &[Term], sums: [&mut [u64]; 2]) {
    let l = lanes(prime);
    let [first, second] = sums.map(|sums| <[u64]>::as_chunks_mut::<8>(sums).0);
    for (at, (first, second)) in first.iter_mut().zip(second).enumerate() {
        let zero = _mm512_setzero_si512();
        let (mut lo, mut hi) = ([zero; 2], [zero; 2]);
        for term in terms {
            let [plain, b, a] = term.map(|side| load(&side.as_chunks::<8>().0[at]));
            for (half, c) in [b, a].into_iter().enumerate() {
                lo[half] = _mm512_madd52lo_epu64(lo[half], plain, c);
                hi[half] = _mm512_madd52hi_epu64(hi[half], plain, c);
            }
        }
        store(first, reduce_wide(l, prime, lo[0], hi[0]));
        store(second, reduce_wide(l, prime, lo[1], hi[1]));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn add_wide_ifma(prime: &Prime, offset: u64, top: u64, random: &[u64], to: &mut [u64]) {
    let (l, offset, top) = (lanes(prime), set(offset), set(top));
    let [low, mid, high] = [0, 1, 2].map(|word| random[word * N..].as_chunks::<8>().0);
    let random = low.iter().zip(mid).zip(high);
    for (to, ((low, mid), high)) in to.as_chunks_mut::<8>().0.iter_mut().zip(random) {
        let below = |from, mask| _mm512_and_si512(load(from), mask);
        let low = mul_factor(l, below(low, l.mask), prime.one);
        let mid = mul_factor(l, below(mid, l.mask), prime.word);
        let high = mul_factor(l, below(high, top), prime.word_squared);
        let sum = _mm512_add_epi64(_mm512_add_epi64(low, mid), high);
        let sum = _mm512_add_epi64(_mm512_add_epi64(sum, offset), load(to));
        let sum = at_most_once(sum, _mm512_add_epi64(l.p2, l.p2));
        store(to, at_most_once(at_most_once(sum, l.p2), l.p));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply_add_ifma(prime: &Prime, to: &mut [u64], a: &[u64], b: &[u64]) {
    let l = lanes(prime);
    let factors = a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0);
    for (to, (a, b)) in to.as_chunks_mut::<8>().0.iter_mut().zip(factors) {
        let (a, b) = (load(a), load(b));
        let lo = _mm512_madd52lo_epu64(load(to), a, b);
        let hi = _mm512_madd52hi_epu64(_mm512_setzero_si512(), a, b);
        store(to, reduce_wide(l, prime, lo, hi));
    }
}

/// A signed number modulo p, below `4p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn lift_lazy(l: Lanes, prime: &Prime, x: V) -> V {
    let shifted = _mm512_xor_si512(x, set(1 << 63));
    let high = mul_factor(l, _mm512_srli_epi64::<32>(shifted), prime.half_word);
    let low = _mm512_and_si512(shifted, set(0xffff_ffff));
    _mm512_add_epi64(_mm512_add_epi64(high, low), set(prime.minus_2_63))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn lift_ifma(prime: &Prime, from: &[u64], to: &mut [u64]) {
    let l = lanes(prime);
    let from = from.as_chunks::<8>().0;
    for (to, from) in to.as_chunks_mut::<8>().0.iter_mut().zip(from) {
        store(to, lift_lazy(l, prime, load(from)));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn add_scaled_ifma(prime: &Prime, factor: Factor, remainders: &[u64], to: &mut [u64]) {
    let l = lanes(prime);
    let remainders = remainders.as_chunks::<8>().0;
    for (to, remainder) in to.as_chunks_mut::<8>().0.iter_mut().zip(remainders) {
        let scaled = mul_factor(l, lift_lazy(l, prime, load(remainder)), factor);
        let scaled = at_most_once(scaled, l.p);
        store(to, _mm512_add_epi64(load(to), scaled));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn scale_ifma(prime: &Prime, factor: Factor, c: &mut [u64]) {
    let l = lanes(prime);
    for c in c.as_chunks_mut::<8>().0 {
        store(c, at_most_once(mul_factor(l, load(c), factor), l.p));
    }
}

/// `Σ y_i/p_i mod 1` of eight coefficients as its second and first word, with `half` added to the second.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn fixed_sum(limbs: &[Limb], y: &[u64], at: usize, half: u64) -> (V, V) {
    let (zero, mask) = (_mm512_setzero_si512(), set(WORD_MASK));
    let (mut low, mut mid, mut high) = (zero, set(half), zero);
    for (limb, y) in limbs.iter().zip(y.chunks_exact(N)) {
        let y = load(&y.as_chunks::<8>().0[at]);
        let [k0, k1, k2] = limb.reciprocal.map(|k| set(k));
        low = _mm512_madd52lo_epu64(low, y, k0);
        mid = _mm512_madd52hi_epu64(mid, y, k0);
        mid = _mm512_madd52lo_epu64(mid, y, k1);
        high = _mm512_madd52hi_epu64(high, y, k1);
        high = _mm512_madd52lo_epu64(high, y, k2);
    }
    mid = _mm512_add_epi64(mid, _mm512_srli_epi64::<WORD>(low));
    high = _mm512_add_epi64(high, _mm512_srli_epi64::<WORD>(mid));
    (_mm512_and_si512(mid, mask), _mm512_and_si512(high, mask))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn round_words_ifma(limbs: &[Limb], y: &[u64], half: u64, out: &mut [u64]) {
    for (at, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let (mid, high) = fixed_sum(limbs, y, at, half);
        let word = _mm512_or_si512(_mm512_srli_epi64::<40>(mid), _mm512_slli_epi64::<12>(high));
        store(out, word);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn round_80_ifma(limbs: &[Limb], y: &[u64], out: &mut [[u8; ANSWER_A_BYTES]]) {
    for (at, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let (mid, high) = fixed_sum(limbs, y, at, 1 << 23);
        let (mut first, mut last) = ([0; 8], [0; 8]);
        let word = _mm512_or_si512(_mm512_srli_epi64::<24>(mid), _mm512_slli_epi64::<28>(high));
        store(&mut first, word);
        store(&mut last, _mm512_srli_epi64::<36>(high));
        for ((out, first), last) in out.iter_mut().zip(first).zip(last) {
            out[..8].copy_from_slice(&first.to_le_bytes());
            out[8..].copy_from_slice(&(last as u16).to_le_bytes());
        }
    }
}
