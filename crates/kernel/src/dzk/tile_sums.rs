//! Sums of values and of their products under challenges on tile registers.
//!
//! Setting, notation: see `tiles`; challenges have coefficients 0 and 1, one byte each, a value has eight.

#![allow(unsafe_code)]

use super::galois::Element;
use super::lanes::LANES;
use super::plain::LEAF;
use super::tiles::{BYTES, Columns, GROUPS, Machine, ROWS, STEP, Signed, Tile, planes, whole};
use super::x86::{load, store, words_at};
use core::arch::x86_64::*;

/// Values whose bytes are the rows of one tile.
const PAIR: usize = 2;
/// Corners of two variables.
const CORNERS: usize = 4;
/// Points of three variables, of which [`Weighted::add_products`] makes the products.
pub(super) const MOST_POINTS: usize = 3 * LEAF;

/// Weights of rows, and room for the rows of some columns.
pub(super) struct Weighted {
    machine: Machine,
    right: Vec<Columns>,
    left: Vec<Tile>,
    sums: Vec<Columns>,
}

impl Weighted {
    /// For challenges whose number is a multiple of `STEP`, at most 2^12; None if there are no tiles.
    pub(super) fn new(alpha: &[u64]) -> Option<Self> {
        let machine = Machine::new()?;
        // SAFETY: a Machine exists only where AVX-512 F does.
        let right = alpha
            .as_chunks()
            .0
            .iter()
            .map(|alpha| unsafe { challenge_columns(alpha) });
        Some(Self {
            machine,
            right: right.collect(),
            left: vec![Tile::ZERO; LEAF.div_ceil(PAIR) * alpha.len() / STEP],
            sums: vec![[Tile::ZERO; GROUPS]; 2],
        })
    }

    /// `out[c] += Σ_l alpha_l·values[c·depth + l]`.
    pub(super) fn add(&mut self, values: &[u64], out: &mut [Element]) {
        let steps = self.right.len();
        for (values, out) in values.chunks(LEAF * steps * STEP).zip(out.chunks_mut(LEAF)) {
            for (c, values) in values.chunks_exact(steps * STEP).enumerate() {
                let left = &mut self.left[c / PAIR * steps..][..steps];
                // SAFETY: a Machine exists only where AVX-512 F and VBMI do.
                unsafe { unpack_column(values, c % PAIR, left) };
            }
            self.add_unpacked(out);
        }
    }

    /// `out[c] += Σ_l alpha_l·Σ_s û_s[l, c]·v̂_s[l, c]` at the points of two or three variables, from columns at the
    /// corners, each with the rows of all pairs.
    pub(super) fn add_products(
        &mut self,
        sides: (&[u64], &[u64]),
        pairs: usize,
        out: &mut [Element],
    ) {
        let steps = self.right.len();
        let corners = CORNERS * if out.len() == LEAF { 1 } else { 2 };
        let stride = sides.0.len() / corners;
        let shape = Shape {
            steps,
            pairs,
            stride,
        };
        let (u, v) = sides;
        for (digit, out) in out.chunks_mut(LEAF).enumerate() {
            // SAFETY: a Machine exists only where AVX-512 F, DQ and VBMI do.
            unsafe {
                if digit < 2 {
                    let from = digit * CORNERS * stride;
                    unpack_products::<false>((&u[from..], &v[from..]), shape, &mut self.left);
                } else {
                    unpack_products::<true>((u, v), shape, &mut self.left);
                }
            }
            self.add_unpacked(out);
        }
    }

    /// Puts sums together while the tiles are busy with the next ones.
    fn add_unpacked(&mut self, out: &mut [Element]) {
        let lefts = self.left.chunks_exact(self.right.len());
        let (mut now, mut before) = (0, None);
        for (left, out) in lefts.zip(out.chunks_mut(PAIR)) {
            self.machine.clear();
            self.machine.add(left, &self.right, Signed::None);
            if let Some(out) = before.replace(out) {
                add_pair(&self.sums[now], out);
            }
            now = 1 - now;
            self.machine.sums(&mut self.sums[now]);
        }
        if let Some(out) = before {
            add_pair(&self.sums[now], out);
        }
    }
}

#[derive(Clone, Copy)]
struct Shape {
    steps: usize,
    pairs: usize,
    stride: usize,
}

/// Bytes of the products at nine points, of 64 rows at a time; with `RISE` at those where a third variable is `∞`.
#[target_feature(enable = "avx512f,avx512dq,avx512vbmi")]
fn unpack_products<const RISE: bool>((u, v): (&[u64], &[u64]), shape: Shape, left: &mut [Tile]) {
    let Shape {
        steps,
        pairs,
        stride,
    } = shape;
    let mut products = [[[0u64; LANES]; STEP / LANES]; LEAF];
    for step in 0..steps {
        for group in 0..STEP / LANES {
            let mut sums = [_mm512_setzero_si512(); LEAF];
            for pair in 0..pairs {
                let at = (pair * steps + step) * STEP + group * LANES;
                let u = extended(corners::<RISE>(u, at, stride));
                let v = extended(corners::<RISE>(v, at, stride));
                for ((sum, u), v) in sums.iter_mut().zip(u).zip(v) {
                    *sum = _mm512_add_epi64(*sum, _mm512_mullo_epi64(u, v));
                }
            }
            for (products, sum) in products.iter_mut().zip(sums) {
                store(&mut products[group], sum);
            }
        }
        for (c, words) in products.iter().enumerate() {
            let rows = left[c / PAIR * steps + step].rows_mut()[c % PAIR * BYTES..].iter_mut();
            for (row, plane) in rows.zip(planes(words)) {
                store(row, plane);
            }
        }
    }
}

/// Eight values at the corners of two variables; with `RISE` where a third variable is `∞`.
#[target_feature(enable = "avx512f")]
fn corners<const RISE: bool>(x: &[u64], at: usize, stride: usize) -> [__m512i; CORNERS] {
    let mut values = [_mm512_setzero_si512(); CORNERS];
    for (j, value) in values.iter_mut().enumerate() {
        *value = load(words_at(x, j * stride + at));
        if RISE {
            let one = load(words_at(x, (j + CORNERS) * stride + at));
            *value = _mm512_sub_epi64(one, *value);
        }
    }
    values
}

/// The values at the points of two variables.
#[target_feature(enable = "avx512f")]
fn extended([a, b, c, d]: [__m512i; CORNERS]) -> [__m512i; LEAF] {
    let (low, high) = (_mm512_sub_epi64(b, a), _mm512_sub_epi64(d, c));
    let (e, f) = (_mm512_sub_epi64(c, a), _mm512_sub_epi64(d, b));
    [a, b, low, c, d, high, e, f, _mm512_sub_epi64(f, e)]
}

/// The coefficients of 64 challenges.
#[target_feature(enable = "avx512f")]
pub(super) fn challenge_columns(alpha: &[u64; STEP]) -> Columns {
    let mut columns = [Tile::ZERO; GROUPS];
    for (group, tile) in columns.iter_mut().enumerate() {
        for (row, four) in tile.rows_mut().iter_mut().zip(alpha.as_chunks::<4>().0) {
            let mut bytes = _mm512_setzero_si512();
            for (i, alpha) in four.iter().enumerate() {
                let ones = (alpha >> (ROWS * group)) as u16;
                bytes = _mm512_or_si512(bytes, _mm512_maskz_set1_epi32(ones, 1 << (8 * i)));
            }
            store(row, bytes);
        }
    }
    columns
}

#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack_column(values: &[u64], at: usize, left: &mut [Tile]) {
    for (words, tile) in values.as_chunks().0.as_chunks().0.iter().zip(left) {
        let rows = tile.rows_mut()[at * BYTES..].iter_mut();
        for (row, plane) in rows.zip(planes(words)) {
            store(row, plane);
        }
    }
}

/// Only called by who has a Machine.
fn add_pair(sums: &Columns, out: &mut [Element]) {
    for (at, out) in out.iter_mut().enumerate() {
        // SAFETY: a Machine exists only where AVX-512 F does.
        unsafe { add_to(sums, at, out) };
    }
}

#[target_feature(enable = "avx512f")]
fn add_to(sums: &Columns, at: usize, out: &mut Element) {
    for (sums, out) in sums.iter().zip(out.as_chunks_mut::<ROWS>().0) {
        let sums = whole(core::array::from_fn(|s| load(sums.row(at * BYTES + s))));
        for (out, sum) in out.as_chunks_mut().0.iter_mut().zip(sums) {
            store(out, _mm512_add_epi64(load(out), sum));
        }
    }
}
