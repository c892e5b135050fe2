//! Sums over the Galois ring on 512-bit registers: masked additions for weights with coefficients 0 and 1, and
//! eight products of elements side by side, by two levels of Karatsuba.

#![allow(unsafe_code)]

use super::galois::{DEGREE, Element};
use super::lanes::{LANES, Masks, Padded, Side, Wide, Words};
use core::arch::x86_64::*;

/// Words of a result that stay in registers.
const BLOCK: usize = 8;
/// The order in which byte i of 64 comes from byte `i / 8` of word `i % 8`.
pub(super) const BY_BYTE: [u8; 64] = {
    let mut index = [0; 64];
    let mut i = 0;
    while i < 64 {
        index[i] = (i % 8 * 8 + i / 8) as u8;
        i += 1;
    }
    index
};
/// A quarter of an element.
const LEAF: usize = DEGREE / 4;

/// `out[c] += Σ_l alpha_l·values[c·depth + l]`, alpha as `quads`. The caller has checked the tier.
pub(super) fn add_weighted(values: &[u64], depth: usize, quads: &[Indices], out: &mut [Element]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { add_weighted_512(values, depth, quads, out) }
}

/// Challenges in fours, as `add_weighted` wants them. The caller has checked the tier.
pub(super) fn quads(alpha: &[u64]) -> Vec<Indices> {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { quad_indices(alpha) }
}

/// `side[j·depth + l]` = value j of row l, for a multiple of eight rows and of eight values. The caller has
/// checked the tier.
pub(super) fn transpose(x: &[u64], width: usize, depth: usize, side: &mut [u64]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { transpose_rows(x, width, depth, side) }
}

/// Elements `x[r·step]` in lane r, eight of them. The caller has checked the tier.
pub(super) fn gather(x: &[Element], step: usize, side: &mut Side) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { gather_512(x, step, side) }
}

/// Lane r in `out[r]`. The caller has checked the tier.
pub(super) fn scatter(side: &Side, out: &mut [Element; LANES]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { scatter_512(side, out) }
}

/// `sums[i] += (x·y)[i]` in eight lanes. The caller has checked the tier.
pub(super) fn multiply_into(sums: &mut Wide, x: &Side, y: &Side) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F and DQ.
    unsafe { multiply_512(sums, x, y) }
}

/// `wide = challenge·x`, a challenge for each lane; x between zeros. The caller has checked the tier.
pub(super) fn times_challenges(masks: &Masks, x: &Padded, wide: &mut Wide) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { times_challenges_512(masks, x, wide) }
}

/// `wide = challenge·x`, one challenge for all lanes. The caller has checked the tier.
pub(super) fn times_challenge(bits: &[usize], x: &Padded, wide: &mut Wide) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { times_challenge_512(bits, x, wide) }
}

#[target_feature(enable = "avx512f")]
fn times_challenge_512(bits: &[usize], x: &Padded, wide: &mut Wide) {
    for (block, wide) in wide.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        // Only shifts that bring x into this block.
        let at = BLOCK * block;
        let first = bits.partition_point(|bit| bit + DEGREE <= at);
        let last = bits.partition_point(|bit| *bit < at + BLOCK);
        let mut sums = [_mm512_setzero_si512(); BLOCK];
        for bit in &bits[first..last] {
            for (sum, x) in sums.iter_mut().zip(window(x, DEGREE + at - bit)) {
                *sum = _mm512_add_epi64(*sum, load(x));
            }
        }
        for (wide, sum) in wide.iter_mut().zip(sums) {
            store(wide, sum);
        }
    }
}

/// A block of what is long enough.
#[inline(always)]
fn window(x: &Padded, at: usize) -> &[Words; BLOCK] {
    const NONE: [Words; BLOCK] = [[0; LANES]; BLOCK];
    x[at..].first_chunk().unwrap_or(&NONE)
}

#[target_feature(enable = "avx512f")]
fn times_challenges_512(masks: &Masks, x: &Padded, wide: &mut Wide) {
    for (block, wide) in wide.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let at = BLOCK * block;
        // Only shifts that bring x into this block.
        let first = (at + 1).saturating_sub(DEGREE);
        let mut sums = [_mm512_setzero_si512(); BLOCK];
        for (i, mask) in masks[first..DEGREE.min(at + BLOCK)].iter().enumerate() {
            let shifted = window(x, DEGREE + at - first - i);
            for (sum, x) in sums.iter_mut().zip(shifted) {
                *sum = _mm512_mask_add_epi64(*sum, *mask, *sum, load(x));
            }
        }
        for (wide, sum) in wide.iter_mut().zip(sums) {
            store(wide, sum);
        }
    }
}

/// Whether each coefficient of eight challenges is 1. The caller has checked the tier.
pub(super) fn masks(alpha: &Words) -> Masks {
    #[target_feature(enable = "avx512f")]
    fn body(alpha: &Words) -> Masks {
        let alpha = load(alpha);
        core::array::from_fn(|bit| _mm512_test_epi64_mask(alpha, _mm512_set1_epi64(1 << bit)))
    }
    // SAFETY: reached only on the tier that was detected to have AVX-512 F.
    unsafe { body(alpha) }
}

#[target_feature(enable = "avx512f")]
pub(super) fn load(from: &Words) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
pub(super) fn store(to: &mut Words, value: __m512i) {
    // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
}

/// Rows whose 16 sums are looked up together.
const QUAD: usize = 4;
pub(super) type Indices = [__m512i; DEGREE / 8];

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
fn add_weighted_512(values: &[u64], depth: usize, quads: &[Indices], out: &mut [Element]) {
    const GROUP: usize = 3;
    let mut groups = out.chunks_exact_mut(GROUP);
    let mut rows = values.chunks_exact(GROUP * depth);
    for (out, rows) in (&mut groups).zip(&mut rows) {
        let (a, rest) = rows.split_at(depth);
        let (b, c) = rest.split_at(depth);
        let mut sums = [[_mm512_setzero_si512(); DEGREE / 8]; GROUP];
        let [a, b, c] = [a, b, c].map(|row| row.as_chunks::<QUAD>().0);
        for (((indices, a), b), c) in quads.iter().zip(a).zip(b).zip(c) {
            let tables = [subset_sums(a), subset_sums(b), subset_sums(c)];
            for (k, index) in indices.iter().enumerate() {
                for (sums, (low, high)) in sums.iter_mut().zip(tables) {
                    let picked = _mm512_permutex2var_epi64(low, *index, high);
                    sums[k] = _mm512_add_epi64(sums[k], picked);
                }
            }
        }
        for (out, sums) in out.iter_mut().zip(&sums) {
            add_to(out, sums);
        }
    }
    for (out, row) in groups
        .into_remainder()
        .iter_mut()
        .zip(rows.remainder().chunks_exact(depth))
    {
        let mut sums = [_mm512_setzero_si512(); DEGREE / 8];
        for (indices, quad) in quads.iter().zip(row.as_chunks::<QUAD>().0) {
            let (low, high) = subset_sums(quad);
            for (sum, index) in sums.iter_mut().zip(indices) {
                *sum = _mm512_add_epi64(*sum, _mm512_permutex2var_epi64(low, *index, high));
            }
        }
        add_to(out, &sums);
    }
}

#[target_feature(enable = "avx512f")]
fn add_to(out: &mut Element, sums: &[__m512i; DEGREE / 8]) {
    for (out, sum) in out.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
        store(out, _mm512_add_epi64(load(out), *sum));
    }
}

/// Word i of lane r becomes word r of lane i.
#[target_feature(enable = "avx512f")]
pub(super) fn transposed(x: [__m512i; 8]) -> [__m512i; 8] {
    let mut pairs = x;
    for i in (0..8).step_by(2) {
        pairs[i] = _mm512_unpacklo_epi64(x[i], x[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 1]);
    }
    // Quarter q of register i: words 2q + (i odd) of lanes i, i + 1 (i even below).
    let mut fours = pairs;
    for (i, j) in [(0, 2), (1, 3), (4, 6), (5, 7)] {
        fours[i] = _mm512_shuffle_i64x2(pairs[i], pairs[j], 0b10_00_10_00);
        fours[j] = _mm512_shuffle_i64x2(pairs[i], pairs[j], 0b11_01_11_01);
    }
    let mut out = fours;
    for i in 0..4 {
        out[i] = _mm512_shuffle_i64x2(fours[i], fours[i + 4], 0b10_00_10_00);
        out[i + 4] = _mm512_shuffle_i64x2(fours[i], fours[i + 4], 0b11_01_11_01);
    }
    out
}

#[target_feature(enable = "avx512f")]
fn transpose_rows(x: &[u64], width: usize, depth: usize, side: &mut [u64]) {
    for (block, rows) in x.chunks_exact(LANES * width).enumerate() {
        for j in (0..width).step_by(LANES) {
            let words = core::array::from_fn(|r| load(words_at(rows, r * width + j)));
            for (i, column) in transposed(words).into_iter().enumerate() {
                let at = (j + i) * depth + block * LANES;
                if let Some(to) = side[at..].first_chunk_mut() {
                    store(to, column);
                }
            }
        }
    }
}

/// Eight words of a slice that is long enough.
#[inline(always)]
pub(super) fn words_at(x: &[u64], at: usize) -> &Words {
    x[at..at + LANES]
        .as_chunks()
        .0
        .first()
        .unwrap_or(&[0; LANES])
}

#[target_feature(enable = "avx512f")]
fn gather_512(x: &[Element], step: usize, side: &mut Side) {
    for (k, side) in side.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let words = core::array::from_fn(|r| load(words_at(&x[r * step], k * LANES)));
        for (side, words) in side.iter_mut().zip(transposed(words)) {
            store(side, words);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn scatter_512(side: &Side, out: &mut [Element; LANES]) {
    for (k, side) in side.as_chunks::<LANES>().0.iter().enumerate() {
        let lanes = transposed(core::array::from_fn(|i| load(&side[i])));
        for (out, words) in out.iter_mut().zip(lanes) {
            if let Some(to) = out.as_chunks_mut().0.get_mut(k) {
                store(to, words);
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
