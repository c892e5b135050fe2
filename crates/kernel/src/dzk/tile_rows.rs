//! Rows of plain values under weights on tile registers: byte by byte, so many as the weights have; bits are one byte.
//!
//! Setting, notation: see `tiles`.

#![allow(unsafe_code)]

use super::galois::Element;
use super::tiles::{BYTES, GROUPS, Machine, ROWS, STEP, Tile, available, planes, whole};
use super::values::Values;
use super::x86::{load, store};

/// Weights of rows of values, byte by byte: `groups[g][b·steps + i]` has the bytes b of coefficients of group g, the
/// last bytes signed.
pub(super) struct Bytes {
    groups: [Vec<Tile>; GROUPS],
    steps: usize,
}

impl Bytes {
    /// None without tiles or if the rows do not fill them.
    pub(super) fn new(weights: &[Element]) -> Option<Self> {
        /// Products of bytes whose sum is below 2^28.
        const MOST: usize = 1 << 12;
        let whole = !weights.is_empty() && weights.len().is_multiple_of(STEP);
        if !available() || !whole {
            return None;
        }
        let fits = |bytes: &usize| {
            let unused = 64 - 8 * *bytes as u32;
            let words = weights.as_flattened().iter();
            words
                .copied()
                .all(|word| (word << unused) as i64 >> unused == word as i64)
        };
        let count = (1..BYTES).find(fits).unwrap_or(BYTES);
        if weights.len() * count > MOST {
            return None;
        }
        let steps = weights.as_chunks().0;
        let group = |g: usize| {
            let tile = |b: usize| steps.iter().map(move |step| byte_columns(step, g, b));
            (0..count).flat_map(tile).collect()
        };
        Some(Self {
            groups: core::array::from_fn(group),
            steps: steps.len(),
        })
    }

    /// `out[l] = Σ_j weights[j]·x[l·J + j]`; a row that is not whole is filled up with zeros.
    pub(super) fn fold(&self, machine: &Machine, x: Values, out: &mut [Element]) {
        let width = self.steps * STEP;
        let known = if matches!(x, Values::Bits(..)) {
            1
        } else {
            BYTES
        };
        let mut left = vec![Tile::ZERO; known * self.steps];
        let mut sums = [[Tile::ZERO; BYTES]; 2];
        for (block, out) in out.chunks_mut(ROWS).enumerate() {
            let x = x.part(block * ROWS * width, (block + 1) * ROWS * width);
            self.load(x, &mut left);
            // Sums are put together while the tiles are busy with the next ones.
            for group in 0..=GROUPS {
                if let Some(right) = self.groups.get(group) {
                    machine.convolve((&left, right), self.steps, true, &mut sums[group % 2]);
                }
                if let Some(group) = group.checked_sub(1) {
                    // SAFETY: a Machine exists only where AVX-512 F does.
                    unsafe { put_together(&sums[group % 2], group, out) };
                }
            }
            if let Values::Bits(_, scale) = x {
                for word in out.as_flattened_mut() {
                    *word = word.wrapping_mul(scale);
                }
            }
        }
    }

    /// Byte a of at most 16 rows of values: tile `a·steps + i` for values 64i to 64i + 63.
    fn load(&self, x: Values, left: &mut [Tile]) {
        if !x.len().is_multiple_of(self.steps * STEP) {
            left.fill(Tile::ZERO);
        }
        let mut last = [0u64; STEP];
        match x {
            Values::Words(x) => {
                let (whole, rest) = x.as_chunks::<STEP>();
                last[..rest.len()].copy_from_slice(rest);
                let blocks = whole.iter().chain((!rest.is_empty()).then_some(&last));
                for (block, words) in blocks.enumerate() {
                    // SAFETY: tiles are available, so AVX-512 F and VBMI are.
                    unsafe {
                        unpack(
                            words,
                            (block / self.steps, block % self.steps),
                            self.steps,
                            left,
                        )
                    };
                }
            }
            Values::Bits(x, _) => {
                for (block, bits) in x.chunks(STEP).enumerate() {
                    let row = left[block % self.steps].row_mut(block / self.steps);
                    let mut bytes = [0u8; STEP];
                    bytes[..bits.len()].copy_from_slice(bits);
                    for (word, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
                        *word = u64::from_le_bytes(*bytes);
                    }
                }
            }
        }
    }
}

/// Byte b of coefficients of a group, of 64 weights.
fn byte_columns(weights: &[Element; STEP], group: usize, b: usize) -> Tile {
    let mut tile = Tile::ZERO;
    for (row, four) in weights.as_chunks::<4>().0.iter().enumerate() {
        let byte = |column: usize, i: usize| four[i][group * ROWS + column] >> (8 * b) & 0xff;
        // A word has the bytes of two columns, four weights each.
        *tile.row_mut(row) = core::array::from_fn(|word| {
            (0..8).fold(0, |bytes, i| {
                bytes | byte(2 * word + i / 4, i % 4) << (8 * i)
            })
        });
    }
    tile
}

#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack(words: &[u64; STEP], (row, step): (usize, usize), steps: usize, left: &mut [Tile]) {
    let Some(words) = words.as_chunks().0.as_chunks().0.first() else {
        return;
    };
    for (a, plane) in planes(words).into_iter().enumerate() {
        store(left[a * steps + step].row_mut(row), plane);
    }
}

/// Coefficients of a group, of at most 16 rows.
#[target_feature(enable = "avx512f")]
fn put_together(sums: &[Tile; BYTES], group: usize, out: &mut [Element]) {
    for (row, out) in out.iter_mut().enumerate() {
        let halves = whole(core::array::from_fn(|s| load(sums[s].row(row))));
        let words = out.as_chunks_mut::<ROWS>().0[group].as_chunks_mut().0;
        for (out, half) in words.iter_mut().zip(halves) {
            store(out, half);
        }
    }
}
