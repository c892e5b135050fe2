//! Sums of products of elements on tile registers: all products of coefficients `x_i·y_j`, summed over many rows, are
//! one product of matrices; its diagonals are what remains to be added.
//!
//! Setting, notation: see `tiles`; two bytes make one instruction for 16 · 16 · 64 products, 36 pairs of bytes count.

#![allow(unsafe_code)]

use super::galois::{DEGREE, Element, WIDE};
use super::lanes::{LANES, Words};
use super::tiles::{BYTES, GROUPS, Machine, ROWS, STEP, Tile, planes_of, whole};
use super::x86::{self, load, store, words_at};
use core::arch::x86_64::*;

/// Rows at a time; sums of eight times as many products of bytes fit in 28 bits.
const BLOCK: usize = 256;
/// Most variables.
const MOST: usize = 3;

/// `sums[c] += Σ_l x̂[l, c]·ŷ[l, c]` without reduction; how many rows: a multiple of 64, the rest is left out; zero
/// without tiles.
pub(super) fn add_tensor(
    x: &[Element],
    y: &[Element],
    t: usize,
    sums: &mut [[u64; WIDE]],
) -> usize {
    let width = 1usize << t;
    let rows = x.len() / (STEP * width) * STEP;
    if t > MOST || rows == 0 {
        return 0;
    }
    let Some(machine) = Machine::new() else {
        return 0;
    };
    let mut side = vec![0u64; BLOCK * width * DEGREE];
    let mut left = vec![Tile::ZERO; BYTES * GROUPS * BLOCK / STEP];
    let mut right = left.clone();
    let blocks = x[..rows * width].chunks(BLOCK * width);
    for (x, y) in blocks.zip(y.chunks(BLOCK * width)) {
        let steps = x.len() / width / STEP;
        let side = &mut side[..x.len() * DEGREE];
        x86::transpose(x.as_flattened(), width * DEGREE, steps * STEP, side);
        for (c, sums) in sums.iter_mut().enumerate() {
            let corners = corners(c, t);
            // SAFETY: a Machine exists only where AVX-512 F and VBMI do.
            unsafe {
                unpack_left(side, &corners, steps, &mut left);
                unpack_right(y, &corners, width, steps, &mut right);
            }
            let tiles = ..GROUPS * BYTES * steps;
            multiply(&machine, steps, (&left[tiles], &right[tiles]), sums);
        }
    }
    rows
}

/// Of which corners a point is the sum, and of which of them with sign −1.
fn corners(c: usize, t: usize) -> Vec<(usize, bool)> {
    let mut corners = vec![(0, false)];
    for variable in 0..t {
        let one = 1 << variable;
        match c / 3usize.pow(variable as u32) % 3 {
            0 => {}
            1 => corners.iter_mut().for_each(|(corner, _)| *corner |= one),
            _ => {
                let upper: Vec<_> = corners
                    .iter()
                    .map(|(corner, minus)| (corner | one, *minus))
                    .collect();
                corners.iter_mut().for_each(|(_, minus)| *minus = !*minus);
                corners.extend(upper);
            }
        }
    }
    corners
}

/// The value at a point, from eight words at each corner.
#[target_feature(enable = "avx512f")]
fn extended<'a>(corners: &[(usize, bool)], at: impl Fn(usize) -> &'a Words) -> __m512i {
    let mut sum = _mm512_setzero_si512();
    for (corner, minus) in corners {
        let value = load(at(*corner));
        sum = if *minus {
            _mm512_sub_epi64(sum, value)
        } else {
            _mm512_add_epi64(sum, value)
        };
    }
    sum
}

/// Byte a of coefficients of group g: tile `(8g + a)·steps + step`, a row for each coefficient.
#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack_left(side: &[u64], corners: &[(usize, bool)], steps: usize, left: &mut [Tile]) {
    for k in 0..DEGREE {
        for step in 0..steps {
            let row = |corner: usize| (corner * DEGREE + k) * steps * STEP + step * STEP;
            let words = core::array::from_fn(|group| {
                extended(corners, |corner| {
                    words_at(side, row(corner) + group * LANES)
                })
            });
            for (a, plane) in planes_of(words).into_iter().enumerate() {
                let tile = (k / ROWS * BYTES + a) * steps + step;
                store(left[tile].row_mut(k % ROWS), plane);
            }
        }
    }
}

/// Byte b of coefficients of group g: tile `(8g + b)·steps + step`, a column for each coefficient.
#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack_right(
    y: &[Element],
    corners: &[(usize, bool)],
    width: usize,
    steps: usize,
    right: &mut [Tile],
) {
    /// Byte 4k + r comes from row r, coefficient k: from half k / 8 of it.
    const INDEX: [u8; 64] = {
        let mut index = [0; 64];
        let mut i = 0;
        while i < 64 {
            let (k, r) = (i / 4, i % 4);
            index[i] = ((2 * r + k / 8) * 8 + k % 8) as u8;
            i += 1;
        }
        index
    };
    // SAFETY: both types are 64 bytes without invalid values.
    let index: __m512i = unsafe { core::mem::transmute(INDEX) };
    for (four, rows) in y.chunks_exact(4 * width).enumerate().take(steps * STEP / 4) {
        let (step, q) = (four / ROWS, four % ROWS);
        for (group, from) in (0..DEGREE).step_by(ROWS).enumerate() {
            let words = core::array::from_fn(|i| {
                let from = from + i % 2 * LANES;
                extended(corners, |corner| {
                    words_at(&rows[i / 2 * width + corner], from)
                })
            });
            for (b, plane) in planes_of(words).into_iter().enumerate() {
                let bytes = _mm512_permutexvar_epi8(index, plane);
                let tile = (group * BYTES + b) * steps + step;
                store(right[tile].row_mut(q), bytes);
            }
        }
    }
}

/// `sums[i + j] += Σ_l x_i·y_j` from bytes.
fn multiply(
    machine: &Machine,
    steps: usize,
    (left, right): (&[Tile], &[Tile]),
    sums: &mut [u64; WIDE],
) {
    let mut bytes = [[Tile::ZERO; BYTES]; 2];
    let (mut now, mut before) = (0, None);
    for (i, left) in left.chunks_exact(BYTES * steps).enumerate() {
        for (j, right) in right.chunks_exact(BYTES * steps).enumerate() {
            machine.convolve((left, right), steps, false, &mut bytes[now]);
            // Sums are put together while the tiles are busy with the next ones.
            if let Some(at) = before.replace(ROWS * (i + j)) {
                // SAFETY: a Machine exists only where AVX-512 F does.
                unsafe { add_to(&bytes[1 - now], &mut sums[at..]) };
            }
            now = 1 - now;
        }
    }
    if let Some(at) = before {
        // SAFETY: as above.
        unsafe { add_to(&bytes[1 - now], &mut sums[at..]) };
    }
}

/// Row r goes to the sixteen sums from r on.
#[target_feature(enable = "avx512f")]
fn add_to(bytes: &[Tile; BYTES], sums: &mut [u64]) {
    for row in 0..ROWS {
        let halves = whole(core::array::from_fn(|s| load(bytes[s].row(row))));
        let words = sums[row..].as_chunks_mut().0;
        for (words, half) in words.iter_mut().zip(halves) {
            store(words, _mm512_add_epi64(load(words), half));
        }
    }
}
