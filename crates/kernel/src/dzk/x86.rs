//! Sums over the Galois ring on 512-bit registers: masked additions for weights with coefficients 0 and 1, and
//! eight products of elements side by side, by two levels of Karatsuba.

#![allow(unsafe_code)]

use super::galois::{DEGREE, Element};
use super::lanes::{Masks, Side, Wide, Words};
use core::arch::x86_64::*;

/// A quarter of an element.
const LEAF: usize = DEGREE / 4;

/// `out[c] = Σ_l alpha_l·values[c·depth + l]`. The caller has checked the tier.
pub(super) fn weigh(values: &[u64], alpha: &[u64], out: &mut [Element]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F and BW.
    unsafe { weigh_512(values, alpha, out) }
}

/// `sums[i] += (x·y)[i]` in eight lanes. The caller has checked the tier.
pub(super) fn multiply_into(sums: &mut Wide, x: &Side, y: &Side) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F and DQ.
    unsafe { multiply_512(sums, x, y) }
}

/// `wide = challenge·x`, a challenge for each lane. The caller has checked the tier.
pub(super) fn times_challenges(masks: &Masks, x: &Side, wide: &mut Wide) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { times_challenges_512(masks, x, wide) }
}

#[target_feature(enable = "avx512f")]
fn times_challenges_512(masks: &Masks, x: &Side, wide: &mut Wide) {
    let (low, high) = wide.split_at_mut(DEGREE);
    for (at, (low, high)) in low.iter_mut().zip(high).enumerate() {
        let (below, above) = masks.split_at(at + 1);
        let (early, late) = x.split_at(at + 1);
        let mut sum = _mm512_setzero_si512();
        for (mask, x) in below.iter().zip(early.iter().rev()) {
            sum = _mm512_mask_add_epi64(sum, *mask, sum, load(x));
        }
        store(low, sum);
        let mut sum = _mm512_setzero_si512();
        for (mask, x) in above.iter().zip(late.iter().rev()) {
            sum = _mm512_mask_add_epi64(sum, *mask, sum, load(x));
        }
        store(high, sum);
    }
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

#[target_feature(enable = "avx512f,avx512bw")]
fn weigh_512(values: &[u64], alpha: &[u64], out: &mut [Element]) {
    const GROUP: usize = 4;
    let depth = alpha.len();
    for (group, out) in out.chunks_mut(GROUP).enumerate() {
        // Rows beyond the edge repeat the last one and are not stored.
        let row = |c: usize| {
            let start = (group * GROUP + c.min(out.len() - 1)) * depth;
            &values[start..start + depth]
        };
        let rows: [&[u64]; GROUP] = core::array::from_fn(row);
        let mut sums = [[_mm512_setzero_si512(); DEGREE / 8]; GROUP];
        let [a, b, c, d] = rows;
        for ((((alpha, a), b), c), d) in alpha.iter().zip(a).zip(b).zip(c).zip(d) {
            let masks: [u8; DEGREE / 8] = core::array::from_fn(|k| (alpha >> (8 * k)) as u8);
            let values = [a, b, c, d].map(|value| _mm512_set1_epi64(*value as i64));
            for (k, mask) in masks.into_iter().enumerate() {
                for (sums, value) in sums.iter_mut().zip(values) {
                    sums[k] = _mm512_mask_add_epi64(sums[k], mask, sums[k], value);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(&sums) {
            for (out, sum) in out.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
                store(out, *sum);
            }
        }
    }
}

type Leaf = [__m512i; LEAF];

#[target_feature(enable = "avx512f,avx512dq")]
fn multiply_512(sums: &mut Wide, x: &Side, y: &Side) {
    let (x, y) = (quarters(x), quarters(y));
    // Halves (0, 1) and (2, 3) are multiplied apart, then their sum.
    let low = half_product(&x[0], &x[1], &y[0], &y[1]);
    let high = half_product(&x[2], &x[3], &y[2], &y[3]);
    let (xl, xh) = (sum(&x[0], &x[2]), sum(&x[1], &x[3]));
    let (yl, yh) = (sum(&y[0], &y[2]), sum(&y[1], &y[3]));
    let middle = half_product(&xl, &xh, &yl, &yh);
    for i in 0..4 * LEAF - 1 {
        let cross = _mm512_sub_epi64(middle[i], _mm512_add_epi64(low[i], high[i]));
        for (at, value) in [(i, low[i]), (i + 2 * LEAF, cross), (i + 4 * LEAF, high[i])] {
            let total = _mm512_add_epi64(load(&sums[at]), value);
            store(&mut sums[at], total);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn quarters(x: &Side) -> [Leaf; 4] {
    let mut quarters = [[_mm512_setzero_si512(); LEAF]; 4];
    for (quarter, x) in quarters.iter_mut().zip(x.chunks_exact(LEAF)) {
        for (quarter, x) in quarter.iter_mut().zip(x) {
            *quarter = load(x);
        }
    }
    quarters
}

#[target_feature(enable = "avx512f")]
fn sum(x: &Leaf, y: &Leaf) -> Leaf {
    let mut sum = *x;
    for (sum, y) in sum.iter_mut().zip(y) {
        *sum = _mm512_add_epi64(*sum, *y);
    }
    sum
}

/// `(x0 + x1·X^LEAF)·(y0 + y1·X^LEAF)`; the last entry is zero.
#[target_feature(enable = "avx512f,avx512dq")]
fn half_product(x0: &Leaf, x1: &Leaf, y0: &Leaf, y1: &Leaf) -> [__m512i; 4 * LEAF] {
    let (low, high) = (leaf_product(x0, y0), leaf_product(x1, y1));
    let middle = leaf_product(&sum(x0, x1), &sum(y0, y1));
    let mut product = [_mm512_setzero_si512(); 4 * LEAF];
    product[..2 * LEAF].copy_from_slice(&low);
    product[2 * LEAF..].copy_from_slice(&high);
    for i in 0..2 * LEAF - 1 {
        let cross = _mm512_sub_epi64(middle[i], _mm512_add_epi64(low[i], high[i]));
        product[i + LEAF] = _mm512_add_epi64(product[i + LEAF], cross);
    }
    product
}

/// The product of two quarters; the last entry is zero.
#[target_feature(enable = "avx512f,avx512dq")]
fn leaf_product(x: &Leaf, y: &Leaf) -> [__m512i; 2 * LEAF] {
    const TILE: usize = 4;
    let mut product = [_mm512_setzero_si512(); 2 * LEAF];
    for i in (0..LEAF).step_by(TILE) {
        for j in (0..LEAF).step_by(TILE) {
            let mut sums = [_mm512_setzero_si512(); 2 * TILE - 1];
            for a in 0..TILE {
                for b in 0..TILE {
                    let term = _mm512_mullo_epi64(x[i + a], y[j + b]);
                    sums[a + b] = _mm512_add_epi64(sums[a + b], term);
                }
            }
            for (product, sum) in product[i + j..].iter_mut().zip(sums) {
                *product = _mm512_add_epi64(*product, sum);
            }
        }
    }
    product
}
