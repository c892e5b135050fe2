//! One bin: its rows, the triangulation, and decoding.

use super::eliminate::{ONE, solve};
use super::{BATCH, Layout, hash_keys, scaled, xor};
use crate::aes::{Aes128, Block};
use crate::error::{Error, Result, ensure};
use crate::hash::xor_blocks;
use crate::scalar::Scalars;
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Places of a row; the fourth is padding, which keeps rows aligned.
type Places = [u16; 4];

/// Degree in the high byte, sum of the rows' numbers below: rows are fewer than 2^16, degrees fewer than 2^8.
type Column = u32;
const ONE_MORE: Column = 1 << 24;
const FULL: Column = 255 << 24;

/// Rows left by peeling beyond this many mean that it failed.
const MOST_LEFT: usize = 64;

/// Three distinct places below `sparse` from the low 96 bits of `h`.
#[inline(always)]
fn places(h: &Block, sparse: usize) -> Places {
    let first = scaled(h, 0, sparse);
    let mut second = scaled(h, 1, sparse - 1);
    let mut third = scaled(h, 2, sparse - 2);
    second += usize::from(second >= first);
    third += usize::from(third >= first.min(second));
    third += usize::from(third >= first.max(second));
    [first as u16, second as u16, third as u16, 0]
}

multiversion! {
    fn all_places(h: &[Block], sparse: usize, out: &mut [Places]) {
        for (h, out) in h.iter().zip(out) {
            *out = places(h, sparse);
        }
    }
}

/// `h` to `r`. A half scalar is woven from the bits of all four words that neither bin nor places show: their lower
/// halves, which the second word's rotation brings side by side.
fn dense_scalars(scalars: Scalars, h: &mut [Block]) {
    if scalars == Scalars::Half {
        for h in h {
            let words = u128::from_le_bytes(*h);
            let woven = words as u64 ^ ((words >> 64) as u64).rotate_left(16);
            *h = u128::from(woven).to_le_bytes();
        }
    }
}

/// `out[i] ^= P[p0] ^ P[p1] ^ P[p2]`.
fn add_sparse(places: &[Places], table: &[Block], out: &mut [Block]) {
    for ([first, second, third, _], out) in places.iter().zip(out) {
        let pair = xor(table[usize::from(*first)], table[usize::from(*second)]);
        *out = xor(*out, xor(pair, table[usize::from(*third)]));
    }
}

/// What the table gives for every key.
pub(super) fn decode(
    layout: &Layout,
    hash: &Aes128,
    keys: &[Block],
    table: &[Block],
    out: &mut [Block],
) {
    let (sparse, dense) = table.split_at(layout.sparse);
    let mut h = Wiped::filled([0u8; 16], BATCH);
    let mut rows = Wiped::filled([0u16; 4], BATCH);
    for (keys, out) in keys.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
        let (h, rows) = (&mut h[..keys.len()], &mut rows[..keys.len()]);
        hash_keys(hash, keys, h);
        all_places(h, layout.sparse, rows);
        dense_scalars(layout.scalars, h);
        layout.scalars.polynomials(dense, h, out);
        add_sparse(rows, sparse, out);
    }
}

/// The rows of a bin and the columns that meet them.
pub(super) struct Solver<'layout> {
    layout: &'layout Layout,
    scalars: Wiped<Block>,
    rows: Wiped<Places>,
    columns: Wiped<Column>,
}

impl<'layout> Solver<'layout> {
    /// `Abort` if there are too many keys for a bin.
    pub(super) fn new(layout: &'layout Layout, hash: &Aes128, keys: &[Block]) -> Result<Self> {
        let fits = keys.len() <= layout.capacity;
        ensure(fits, Error::Abort("too many keys meet in one bin"))?;
        let mut h = Wiped::filled([0u8; 16], keys.len());
        let mut rows = Wiped::filled([0u16; 4], keys.len());
        hash_keys(hash, keys, &mut h);
        all_places(&h, layout.sparse, &mut rows);
        dense_scalars(layout.scalars, &mut h);
        let mut columns = Wiped::filled(0, layout.sparse);
        let mut overflows = false;
        for (number, row) in rows.iter().enumerate() {
            for place in &row[..3] {
                let column = &mut columns[usize::from(*place)];
                overflows |= *column >= FULL;
                *column = column.wrapping_add(ONE_MORE + number as Column);
            }
        }
        ensure(!overflows, Error::Abort("too many keys meet in one column"))?;
        Ok(Self {
            layout,
            scalars: h,
            rows,
            columns,
        })
    }

    /// Step 1: rows that alone meet some column, one after the other, with that column's number.
    fn peel(&mut self) -> Wiped<(u16, u16)> {
        let mut alone = Wiped::reserved(self.layout.sparse);
        for (number, column) in self.columns.iter().enumerate() {
            if column >> 24 == 1 {
                alone.append(&[number as u16]);
            }
        }
        let mut peeled = Wiped::reserved(self.rows.len());
        let mut next = 0;
        // First in, first out: neighbours in the order depend little on each other.
        while next < alone.len() {
            let place = alone[next];
            next += 1;
            let column = self.columns[usize::from(place)];
            if column >> 24 != 1 {
                continue;
            }
            let number = column & (ONE_MORE - 1);
            for place in &self.rows[number as usize][..3] {
                let column = &mut self.columns[usize::from(*place)];
                *column = column.wrapping_sub(ONE_MORE + number);
                if *column >> 24 == 1 {
                    alone.append(&[*place]);
                }
            }
            peeled.append(&[(number as u16, place)]);
        }
        peeled
    }

    /// Gives `table`, filled at random, the values of the keys.
    pub(super) fn solve(mut self, values: &[Block], table: &mut [Block]) -> Result<()> {
        let (sparse, dense) = table.split_at_mut(self.layout.sparse);
        let peeled = self.peel();
        if peeled.len() < self.rows.len() {
            self.solve_left(&peeled, values, sparse, dense)?;
        }
        // Step 3: the dense part of every row is known now.
        let mut rest = Wiped::filled([0u8; 16], values.len());
        let powers = &self.scalars;
        self.layout.scalars.polynomials(dense, powers, &mut rest);
        xor_blocks(&mut rest, values);
        // Step 4: backwards, each row sets the column that it alone met.
        for (number, place) in peeled.iter().rev() {
            let [first, second, third, _] = self.rows[usize::from(*number)];
            let pair = xor(sparse[usize::from(first)], sparse[usize::from(second)]);
            let now = xor(pair, sparse[usize::from(third)]);
            let lacking = xor(now, rest[usize::from(*number)]);
            let column = &mut sparse[usize::from(*place)];
            *column = xor(*column, lacking);
        }
        Ok(())
    }

    /// Step 2: rows that meet no column alone, by elimination over their columns and the dense ones.
    fn solve_left(
        &self,
        peeled: &[(u16, u16)],
        values: &[Block],
        sparse: &mut [Block],
        dense: &mut [Block],
    ) -> Result<()> {
        let mut is_left = Wiped::filled(true, self.rows.len());
        for (number, _) in peeled {
            is_left[usize::from(*number)] = false;
        }
        let left: Vec<usize> = (0..self.rows.len()).filter(|row| is_left[*row]).collect();
        let fails = Error::Abort("the keys do not fit the table: are two of them equal?");
        ensure(left.len() <= MOST_LEFT, fails)?;
        let mut unknowns: Vec<u16> = left
            .iter()
            .flat_map(|row| self.rows[*row][..3].to_vec())
            .collect();
        unknowns.sort_unstable();
        unknowns.dedup();
        let width = unknowns.len() + dense.len();
        let mut system: Vec<Vec<Block>> = left
            .iter()
            .map(|row| {
                let mut entries = vec![[0; 16]; width];
                for place in &self.rows[*row][..3] {
                    if let Ok(unknown) = unknowns.binary_search(place) {
                        entries[unknown] = ONE;
                    }
                }
                let mut power = ONE;
                for entry in &mut entries[unknowns.len()..] {
                    power = self.layout.scalars.mul(&power, &self.scalars[*row]);
                    *entry = power;
                }
                entries
            })
            .collect();
        let mut targets: Vec<Block> = left.iter().map(|row| values[*row]).collect();
        let mut x: Vec<Block> = unknowns
            .iter()
            .map(|place| sparse[usize::from(*place)])
            .collect();
        x.extend_from_slice(dense);
        let solved = solve(self.layout.scalars, &mut system, &mut targets, &mut x);
        ensure(solved, fails)?;
        for (place, x) in unknowns.iter().zip(&x) {
            sparse[usize::from(*place)] = *x;
        }
        dense.copy_from_slice(&x[unknowns.len()..]);
        Ok(())
    }
}
