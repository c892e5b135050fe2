//! Products in the binary field by carry-less multiplication: one at a time, or eight side by side.

#![allow(unsafe_code)]

use super::binary::MODULUS;
use super::lanes::{LANES, Words};
use super::{extend, x86};
use crate::simd::{Tier, tier};
use core::arch::x86_64::*;

/// Most variables of `add_extended_products`, least of `add_extended_ands`.
pub(super) const FEW: usize = 3;
const POINTS: usize = 27;

/// Whether the machine has carry-less products; std keeps the answer.
pub(super) fn available() -> bool {
    tier() != Tier::Portable && is_x86_feature_detected!("pclmulqdq")
}

/// Whether eight products are made side by side.
pub(super) fn eight() -> bool {
    tier() == Tier::Avx512
}

#[target_feature(enable = "pclmulqdq")]
fn product(x: u64, y: u64) -> u128 {
    let wide = _mm_clmulepi64_si128(_mm_set_epi64x(0, x as i64), _mm_set_epi64x(0, y as i64), 0);
    // SAFETY: both types are 16 bytes without invalid values.
    unsafe { core::mem::transmute(wide) }
}

/// `sums[i] ^= x[i]·weight`. The caller has seen that products are available.
pub(super) fn add_scaled(sums: &mut [u128], x: &[u64], weight: u64) {
    #[target_feature(enable = "pclmulqdq")]
    fn body(sums: &mut [u128], x: &[u64], weight: u64) {
        for (sum, x) in sums.iter_mut().zip(x) {
            *sum ^= product(*x, weight);
        }
    }
    // SAFETY: the feature was detected.
    unsafe { body(sums, x, weight) }
}

/// `sums[i] ^= x[i]·y[i]`. The caller has seen that products are available.
pub(super) fn add_products(sums: &mut [u128], x: &[u64], y: &[u64]) {
    #[target_feature(enable = "pclmulqdq")]
    fn body(sums: &mut [u128], x: &[u64], y: &[u64]) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum ^= product(*x, *y);
        }
    }
    // SAFETY: the feature was detected.
    unsafe { body(sums, x, y) }
}

#[target_feature(enable = "avx512f")]
fn load(from: &Words) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store(to: &mut Words, value: __m512i) {
    // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}

/// Four products of two words each, modulo the modulus, in the even words; the odd ones are left over.
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn reduced(wide: __m512i) -> __m512i {
    let modulus = _mm512_set1_epi64(MODULUS as i64);
    // The high word comes back at most 4 bits too long, and those once more.
    let once = _mm512_clmulepi64_epi128::<0x01>(wide, modulus);
    let twice = _mm512_clmulepi64_epi128::<0x01>(once, modulus);
    _mm512_xor_si512(_mm512_xor_si512(wide, once), twice)
}

/// `out[i] = x[i]·y[i]`. The caller has checked the tier.
pub(super) fn mul(x: &[Words], y: &[Words], out: &mut [Words]) {
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn body(x: &[Words], y: &[Words], out: &mut [Words]) {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            let (x, y) = (load(x), load(y));
            let even = reduced(_mm512_clmulepi64_epi128::<0x00>(x, y));
            let odd = reduced(_mm512_clmulepi64_epi128::<0x11>(x, y));
            store(out, _mm512_unpacklo_epi64(even, odd));
        }
    }
    // SAFETY: reached only on the tier that was detected to have these features.
    unsafe { body(x, y, out) }
}

/// Pairs (zero, one) become `zero + point·(one − zero)`, in place at the front; how many: a multiple of eight,
/// the rest is left as it is. The caller has checked the tier.
pub(super) fn fold_pairs(x: &mut [u64], point: u64) -> usize {
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn body(x: &mut [u64], point: u64) -> usize {
        let point = _mm512_set1_epi64(point as i64);
        let evens = load(&[0, 2, 4, 6, 8, 10, 12, 14]);
        let x = x.as_chunks_mut::<LANES>().0;
        for i in 0..x.len() / 2 {
            let [low, high] = [load(&x[2 * i]), load(&x[2 * i + 1])].map(|pairs| {
                let rise = _mm512_xor_si512(pairs, _mm512_shuffle_epi32::<0b01_00_11_10>(pairs));
                let step = reduced(_mm512_clmulepi64_epi128::<0x00>(rise, point));
                _mm512_xor_si512(pairs, step)
            });
            store(&mut x[i], _mm512_permutex2var_epi64(low, evens, high));
        }
        x.len() / 2 * LANES
    }
    // SAFETY: reached only on the tier that was detected to have these features.
    unsafe { body(x, point) }
}

/// `sums[c] ^= Σ_l x̂[l, c]·ŷ[l, c]` over extended rows of `2^t` elements, t at most `FEW`; how many rows: a
/// multiple of eight, the rest is left out. The caller has checked the tier.
pub(super) fn add_extended_products(x: &[u64], y: &[u64], t: usize, sums: &mut [u128]) -> usize {
    // SAFETY: reached only on the tier that was detected to have these features.
    unsafe { extended_products(x, y, t, sums) }
}

#[target_feature(enable = "avx512f,vpclmulqdq")]
fn extended_products(x: &[u64], y: &[u64], t: usize, sums: &mut [u128]) -> usize {
    let width = LANES << t;
    let mut wide = [_mm512_setzero_si512(); POINTS];
    let mut left = [[0u64; LANES]; POINTS];
    let mut right = left;
    for (x, y) in x.chunks_exact(width).zip(y.chunks_exact(width)) {
        for (side, x) in [(&mut left, x), (&mut right, y)] {
            side_by_side(x.as_chunks().0, t, side);
            extend(side.as_flattened_mut(), t, LANES, core::ops::BitXor::bitxor);
        }
        for ((wide, left), right) in wide.iter_mut().zip(&left).zip(&right).take(sums.len()) {
            *wide = _mm512_xor_si512(*wide, products(load(left), load(right)));
        }
    }
    for (sum, wide) in sums.iter_mut().zip(&wide) {
        let mut words = [0u64; LANES];
        store(&mut words, *wide);
        *sum ^= total(&words);
    }
    x.len() / width * LANES
}

/// The sums of the products of even words and of odd words.
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn products(x: __m512i, y: __m512i) -> __m512i {
    let even = _mm512_clmulepi64_epi128::<0x00>(x, y);
    let odd = _mm512_clmulepi64_epi128::<0x11>(x, y);
    _mm512_xor_si512(even, odd)
}

/// The sum of four parts of a product.
fn total(wide: &Words) -> u128 {
    let pairs = wide.as_chunks::<2>().0.iter();
    pairs.fold(0, |sum, [low, high]| {
        sum ^ u128::from(*low) ^ u128::from(*high) << 64
    })
}

/// Value j of eight rows of `2^t` in `side[j]`: variable by variable, even and odd words come apart.
#[target_feature(enable = "avx512f")]
fn side_by_side(x: &[Words], t: usize, side: &mut [Words; POINTS]) {
    let evens = load(&[0, 2, 4, 6, 8, 10, 12, 14]);
    let odds = load(&[1, 3, 5, 7, 9, 11, 13, 15]);
    let mut now = [_mm512_setzero_si512(); 1 << FEW];
    for (now, x) in now.iter_mut().zip(x) {
        *now = load(x);
    }
    for _ in 0..t {
        let before = now;
        for i in 0..1 << t >> 1 {
            let (low, high) = (before[2 * i], before[2 * i + 1]);
            now[i] = _mm512_permutex2var_epi64(low, evens, high);
            now[i + (1 << t >> 1)] = _mm512_permutex2var_epi64(low, odds, high);
        }
    }
    for (side, now) in side.iter_mut().zip(now) {
        store(side, now);
    }
}

/// `sums[c] ^= Σ_l alpha_l·(û[l, c] & v̂[l, c])` over extended rows of `2^t` words of bits, t at least `FEW`; how
/// many rows: a multiple of eight whole ones, the rest is left out. The caller has checked the tier.
pub(super) fn add_extended_ands(
    (u, v): (&[u64], &[u64]),
    alpha: &[u64],
    t: usize,
    sums: &mut [u128],
) -> usize {
    let width = LANES << t;
    let mut wide = vec![[0u64; LANES]; sums.len()];
    let (mut left, mut right) = (wide.clone(), wide.clone());
    let rows = u.chunks_exact(width).zip(v.chunks_exact(width));
    for (alpha, (u, v)) in alpha.as_chunks().0.iter().zip(rows) {
        for (side, x) in [(&mut left, u), (&mut right, v)] {
            let corners = &mut side.as_flattened_mut()[..width];
            x86::transpose(x, 1 << t, LANES, corners);
        }
        // SAFETY: reached only on the tier that was detected to have these features.
        unsafe { weighted_ands(alpha, t, (&mut left, &mut right), &mut wide) };
    }
    for (sum, wide) in sums.iter_mut().zip(&wide) {
        *sum ^= total(wide);
    }
    u.len() / width * LANES
}

/// `wide[c]`, in four parts, of eight rows side by side.
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn weighted_ands(
    alpha: &Words,
    t: usize,
    (left, right): (&mut [Words], &mut [Words]),
    wide: &mut [Words],
) {
    let alpha = load(alpha);
    extend(left.as_flattened_mut(), t, LANES, core::ops::BitXor::bitxor);
    extend(
        right.as_flattened_mut(),
        t,
        LANES,
        core::ops::BitXor::bitxor,
    );
    for ((wide, left), right) in wide.iter_mut().zip(left).zip(right) {
        let both = _mm512_and_si512(load(left), load(right));
        store(wide, _mm512_xor_si512(load(wide), products(both, alpha)));
    }
}
