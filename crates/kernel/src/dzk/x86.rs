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
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
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

/// `wide = challenge·x`, one challenge for all lanes. The caller has checked the tier.
pub(super) fn times_challenge(bits: &[usize], x: &[Words; 3 * DEGREE], wide: &mut Wide) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { times_challenge_512(bits, x, wide) }
}

#[target_feature(enable = "avx512f")]
fn times_challenge_512(bits: &[usize], x: &[Words; 3 * DEGREE], wide: &mut Wide) {
    const BLOCK: usize = 8;
    for (block, wide) in wide.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        // Only shifts that bring x into this block.
        let at = BLOCK * block;
        let first = bits.partition_point(|bit| bit + DEGREE <= at);
        let last = bits.partition_point(|bit| *bit < at + BLOCK);
        let mut sums = [_mm512_setzero_si512(); BLOCK];
        for bit in &bits[first..last] {
            for (sum, x) in sums.iter_mut().zip(&x[DEGREE + at - bit..][..BLOCK]) {
                *sum = _mm512_add_epi64(*sum, load(x));
            }
        }
        for (wide, sum) in wide.iter_mut().zip(sums) {
            store(wide, sum);
        }
    }
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

/// Rows whose 16 sums are looked up together.
const QUAD: usize = 4;
type Indices = [__m512i; DEGREE / 8];

/// For every four rows: lane k holds the four bits of coefficient k, lowest row first.
#[target_feature(enable = "avx512f")]
fn quad_indices(alpha: &[u64]) -> Vec<Indices> {
    let one = |quad: &[u64; QUAD]| -> Indices {
        core::array::from_fn(|group| {
            let lanes: Words = core::array::from_fn(|lane| {
                let bit = 8 * group + lane;
                (0..QUAD).fold(0, |index, row| index | (quad[row] >> bit & 1) << row)
            });
            load(&lanes)
        })
    };
    alpha.as_chunks::<QUAD>().0.iter().map(one).collect()
}

/// The 16 sums of subsets of four values, in two registers: entry i sums the values of i's bits.
#[target_feature(enable = "avx512f")]
fn subset_sums(values: &[u64; QUAD]) -> (__m512i, __m512i) {
    let [a, b, c, d] = values.map(|value| _mm512_set1_epi64(value as i64));
    let mut low = _mm512_maskz_mov_epi64(0b1010_1010, a);
    low = _mm512_mask_add_epi64(low, 0b1100_1100, low, b);
    low = _mm512_mask_add_epi64(low, 0b1111_0000, low, c);
    (low, _mm512_add_epi64(low, d))
}

/// The challenges are public: they index the sums, the values do not.
#[target_feature(enable = "avx512f")]
fn weigh_512(values: &[u64], alpha: &[u64], out: &mut [Element]) {
    const GROUP: usize = 2;
    let depth = alpha.len();
    let indices = quad_indices(alpha);
    let rest = &alpha[depth / QUAD * QUAD..];
    for (group, out) in out.chunks_mut(GROUP).enumerate() {
        // Rows beyond the edge repeat the last one and are not stored.
        let rows: [&[u64]; GROUP] = core::array::from_fn(|c| {
            let start = (group * GROUP + c.min(out.len() - 1)) * depth;
            &values[start..start + depth]
        });
        let mut sums = [[_mm512_setzero_si512(); DEGREE / 8]; GROUP];
        let [a, b] = rows.map(|row| row.as_chunks::<QUAD>());
        for ((indices, a), b) in indices.iter().zip(a.0).zip(b.0) {
            let (a, b) = (subset_sums(a), subset_sums(b));
            for (k, index) in indices.iter().enumerate() {
                let picked = _mm512_permutex2var_epi64(a.0, *index, a.1);
                sums[0][k] = _mm512_add_epi64(sums[0][k], picked);
                let picked = _mm512_permutex2var_epi64(b.0, *index, b.1);
                sums[1][k] = _mm512_add_epi64(sums[1][k], picked);
            }
        }
        for (sums, rest_values) in sums.iter_mut().zip([a.1, b.1]) {
            for (alpha, value) in rest.iter().zip(rest_values) {
                let value = _mm512_set1_epi64(*value as i64);
                for (k, sum) in sums.iter_mut().enumerate() {
                    *sum = _mm512_mask_add_epi64(*sum, (alpha >> (8 * k)) as u8, *sum, value);
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
