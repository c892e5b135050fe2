//! Sums of products of bits under challenges on tile registers: extended bits and their products are so small that
//! 32 of them fit a register, and a product has two bytes instead of eight.
//!
//! Setting, notation: see `tiles`. A bit extended in seven variables is at most 64 in size, a product 2^12. Of 64 rows
//! the bytes come in the order in which packing leaves them (`ORDER`), so challenges are put into that order too.

#![allow(unsafe_code)]

use super::galois::{DEGREE, Element};
use super::lanes::{LANES, Words};
use super::tile_sums::challenge_columns;
use super::tiles::{Columns, GROUPS, Machine, ROWS, STEP, Signed, Tile, planes};
use super::x86::{self, load, store};
use core::arch::x86_64::*;

/// Rows that are weighted together.
const BLOCK: usize = 512;
/// Variables whose points are made in registers, the corners and the points of them.
const LAST: usize = 3;
const CORNERS: usize = 8;
const POINTS: usize = 27;
/// Tiles for the columns of one leaf: lower bytes, and as many for upper ones.
const TILES: usize = POINTS.div_ceil(ROWS);
/// 64 numbers of 16 bits.
type Column = [Words; 2];

/// `out[c] += scale·Σ_l alpha_l·û[l, c]·v̂[l, c]`; false, and nothing is done, without tiles or for a few rows.
pub(super) fn add_tensor(
    (u, v): (&[u8], &[u8]),
    alpha: &[u64],
    t: usize,
    scale: u64,
    out: &mut [Element],
) -> bool {
    if t < LAST || alpha.len() < STEP {
        return false;
    }
    let Some(machine) = Machine::new() else {
        return false;
    };
    let (width, steps) = (1usize << t, BLOCK / STEP);
    let mut sums = vec![[0u64; DEGREE]; out.len()];
    let mut room: [Vec<Column>; 4] = core::array::from_fn(|_| vec![[[0; LANES]; 2]; width * steps]);
    let mut leaf = Leaf {
        machine,
        steps,
        right: Vec::new(),
        left: vec![Tile::ZERO; 2 * TILES * steps],
        sums: vec![[Tile::ZERO; GROUPS]; 2],
    };
    let blocks = u.chunks(width * BLOCK).zip(v.chunks(width * BLOCK));
    for ((u, v), alpha) in blocks.zip(alpha.chunks(BLOCK)) {
        leaf.weigh(alpha);
        let [left, right, left_room, right_room] =
            room.each_mut().map(|room| &mut room[..width * leaf.steps]);
        side_by_side(u, width, left);
        side_by_side(v, width, right);
        leaf.descend((left, right), (left_room, right_room), &mut sums);
    }
    for (out, sum) in out.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
        *out = out.wrapping_add(sum.wrapping_mul(scale));
    }
    true
}

/// Columns of bits of rows of `width` bytes, 64 rows at a time; missing ones are zero.
fn side_by_side(x: &[u8], width: usize, side: &mut [Column]) {
    let steps = side.len() / width;
    let mut rows = vec![0u64; STEP * width / 8];
    let mut columns = rows.clone();
    for step in 0..steps {
        let x = x.chunks(STEP * width).nth(step).unwrap_or(&[]);
        let (words, rest) = x.as_chunks::<8>();
        rows.fill(0);
        for (row, word) in rows.iter_mut().zip(words) {
            *row = u64::from_le_bytes(*word);
        }
        for (i, byte) in rest.iter().enumerate() {
            rows[words.len()] |= u64::from(*byte) << (8 * i);
        }
        transpose(&rows, width / 8, &mut columns);
        for (j, words) in columns.as_chunks().0.as_chunks().0.iter().enumerate() {
            // SAFETY: a Machine exists, so AVX-512 F, BW and VBMI do.
            unsafe { widen(words, &mut side[8 * j * steps + step..], steps) };
        }
    }
}

/// Word j of 64 rows in `columns[64·j..]`.
fn transpose(rows: &[u64], words: usize, columns: &mut [u64]) {
    if words.is_multiple_of(LANES) {
        return x86::transpose(rows, words, STEP, columns);
    }
    for (l, row) in rows.chunks_exact(words).enumerate() {
        for (j, word) in row.iter().enumerate() {
            columns[j * STEP + l] = *word;
        }
    }
}

/// The bytes of 64 words as eight columns.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn widen(words: &[Words; 8], side: &mut [Column], steps: usize) {
    for (column, plane) in side.iter_mut().step_by(steps).zip(planes(words)) {
        let low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(plane));
        let high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64::<1>(plane));
        store(&mut column[0], low);
        store(&mut column[1], high);
    }
}

struct Leaf {
    machine: Machine,
    steps: usize,
    right: Vec<Columns>,
    left: Vec<Tile>,
    sums: Vec<Columns>,
}

type Sides<'a> = (&'a [Column], &'a [Column]);
type Rooms<'a> = (&'a mut [Column], &'a mut [Column]);

impl Leaf {
    /// For at most `BLOCK` challenges.
    fn weigh(&mut self, alpha: &[u64]) {
        self.right.clear();
        for alpha in alpha.chunks(STEP) {
            let ordered = core::array::from_fn(|i| alpha.get(ORDER[i]).copied().unwrap_or(0));
            // SAFETY: a Machine exists only where AVX-512 F does.
            self.right.push(unsafe { challenge_columns(&ordered) });
        }
        self.steps = self.right.len();
    }

    /// As for words: first the points whose highest digit is 0, then 1, then `∞`.
    fn descend(&mut self, (u, v): Sides, room: Rooms, out: &mut [Element]) {
        if out.len() == POINTS {
            return self.add_products(u, v, out);
        }
        let half = u.len() / 2;
        let ((u_0, u_1), (v_0, v_1)) = (u.split_at(half), v.split_at(half));
        let (zero, rest) = out.split_at_mut(out.len() / 3);
        let (one, rise) = rest.split_at_mut(zero.len());
        let (u_rise, u_room) = room.0.split_at_mut(half);
        let (v_rise, v_room) = room.1.split_at_mut(half);
        self.descend((u_0, v_0), (&mut *u_rise, &mut *v_rise), zero);
        self.descend((u_1, v_1), (&mut *u_rise, &mut *v_rise), one);
        // SAFETY: a Machine exists only where AVX-512 F and BW do.
        unsafe {
            subtract(u_1, u_0, u_rise);
            subtract(v_1, v_0, v_rise);
        }
        self.descend((u_rise, v_rise), (u_room, v_room), rise);
    }

    fn add_products(&mut self, u: &[Column], v: &[Column], out: &mut [Element]) {
        // SAFETY: a Machine exists only where AVX-512 F and BW do.
        unsafe { unpack_products(u, v, self.steps, &mut self.left) };
        for (tile, out) in out.chunks_mut(ROWS).enumerate() {
            let signs = [Signed::None, Signed::Left];
            for (which, (sums, signed)) in self.sums.iter_mut().zip(signs).enumerate() {
                let left = &self.left[(2 * tile + which) * self.steps..][..self.steps];
                self.machine.clear();
                self.machine.add(left, &self.right, signed);
                self.machine.sums(sums);
            }
            for (row, out) in out.iter_mut().enumerate() {
                // SAFETY: as above.
                unsafe { add_to(&self.sums[0], &self.sums[1], row, out) };
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn subtract(x: &[Column], y: &[Column], out: &mut [Column]) {
    let (x, y) = (x.as_flattened(), y.as_flattened());
    for ((out, x), y) in out.as_flattened_mut().iter_mut().zip(x).zip(y) {
        store(out, _mm512_sub_epi16(load(x), load(y)));
    }
}

/// The values at the points of three variables.
#[target_feature(enable = "avx512f,avx512bw")]
fn extended(corners: [__m512i; CORNERS]) -> [__m512i; POINTS] {
    let mut points = [_mm512_setzero_si512(); POINTS];
    for (points, [zero, one]) in points
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .zip(corners.as_chunks().0)
    {
        *points = [*zero, *one, _mm512_sub_epi16(*one, *zero)];
    }
    for (from, to, block) in [(6, 9, 3), (0, 0, 3), (0, 0, 9)] {
        for c in (0..block).rev() {
            let (zero, one) = (points[from + c], points[from + block + c]);
            points[to + 2 * block + c] = _mm512_sub_epi16(one, zero);
            points[to + block + c] = one;
            points[to + c] = zero;
        }
    }
    points
}

/// Which of 64 rows stands at each place once their numbers are packed to bytes.
const ORDER: [usize; STEP] = {
    let mut order = [0; STEP];
    let mut i = 0;
    while i < STEP {
        order[i] = i / 16 * 8 + i % 8 + i / 8 % 2 * 32;
        i += 1;
    }
    order
};

/// Lower and upper bytes of the products at 27 points.
#[target_feature(enable = "avx512f,avx512bw")]
fn unpack_products(u: &[Column], v: &[Column], steps: usize, left: &mut [Tile]) {
    let mask = _mm512_set1_epi16(0xff);
    for step in 0..steps {
        let mut products = [[_mm512_setzero_si512(); POINTS]; 2];
        for (half, products) in products.iter_mut().enumerate() {
            let corners = |x: &[Column]| core::array::from_fn(|j| load(&x[j * steps + step][half]));
            let (u, v) = (extended(corners(u)), extended(corners(v)));
            for ((product, u), v) in products.iter_mut().zip(u).zip(v) {
                *product = _mm512_mullo_epi16(u, v);
            }
        }
        for (c, (low, high)) in products[0].iter().zip(&products[1]).enumerate() {
            let masked = [*low, *high].map(|x| _mm512_and_si512(x, mask));
            let lower = _mm512_packus_epi16(masked[0], masked[1]);
            let shifted = [*low, *high].map(|x| _mm512_srai_epi16::<8>(x));
            let upper = _mm512_packs_epi16(shifted[0], shifted[1]);
            for (which, bytes) in [lower, upper].into_iter().enumerate() {
                let tile = (2 * (c / ROWS) + which) * steps + step;
                store(left[tile].row_mut(c % ROWS), bytes);
            }
        }
    }
}

/// `out += lower[row] + 2^8·upper[row]`, signed numbers of 32 bits.
#[target_feature(enable = "avx512f")]
fn add_to(lower: &Columns, upper: &Columns, row: usize, out: &mut Element) {
    let groups = lower.iter().zip(upper).zip(out.as_chunks_mut::<ROWS>().0);
    for ((lower, upper), out) in groups {
        let high = _mm512_slli_epi32::<8>(load(upper.row(row)));
        let sum = _mm512_add_epi32(load(lower.row(row)), high);
        let halves = [
            _mm512_castsi512_si256(sum),
            _mm512_extracti64x4_epi64::<1>(sum),
        ];
        for (out, half) in out.as_chunks_mut().0.iter_mut().zip(halves) {
            store(
                out,
                _mm512_add_epi64(load(out), _mm512_cvtepi32_epi64(half)),
            );
        }
    }
}
