//! Oblivious key-value store: a table from which every key gives its value, and which hides the keys.
//!
//! Source: [RR22] Raghuraman, Rindal 2022 (ePrint 2022/320) §4–5: rows of weight 3 and a dense tail over
//! `GF(2^128)` or, where the layout says so, `GF(2^64)`; [GPRTY21] ePrint 2021/883 for the notion.
//! Setting: statistical; random keys do not fit with probability ≤ 2^-40. Not constant time: which cells are touched
//! depends on the keys, so a process that shares a cache with this one may learn about them.
//! Differs: keys are first spread over bins that stay in cache, each padded to a load that is a function of their
//! number (sizes: [`layout`]); rows that peeling leaves are solved by elimination instead of a second triangulation.
//! Cost: `1.30·n` blocks at n = 2^20; per item 2 AES, 3 reads and one write for encoding, 1 AES, 3 reads and 2
//! products for decoding. Floor: the reads, all from the second-level cache.
//!
//! | items | 2^10 | 2^12 | 2^14 | 2^15 | 2^17 | 2^20 | 2^24 |
//! | --- | --- | --- | --- | --- | --- | --- | --- |
//! | bins | 1 | 1 | 1 | 1 | 3 | 21 | 336 |
//! | columns per item in a bin, e | 1.443 | 1.326 | 1.271 | 1.256 | 1.252 | 1.251 | 1.253 |
//! | blocks per item in all | 1.447 | 1.327 | 1.271 | 1.256 | 1.299 | 1.297 | 1.301 |
//! | dense columns | 3 | 3 | 2 | 2 | 2 | 2 | 3 |
//!
//! Notation: `P` table; `row(x) = (p0, p1, p2; r, r², …)`; `E_s` AES under the seed; `h = E_s(x) ⊕ x` gives bin,
//! places and `r`. Over `GF(2^64)` the cells are pairs; where all values are scalars, so are all cells.

mod bin;
mod eliminate;
pub mod layout;

use crate::aes::{Aes128, Block, xor};
use crate::error::{Error, Result, ensure};
use crate::hash::xor_blocks;
use crate::parallel::share_out;
use crate::wipe::Wiped;
use bin::Solver;
pub use layout::Layout;

const BATCH: usize = 256;

/// Keys under one seed, put in the order of their bins.
pub struct Keys {
    layout: Layout,
    hash: Aes128,
    keys: Wiped<Block>,
    order: Wiped<u32>,
    starts: Vec<usize>,
}

/// `h` of a batch of keys.
fn hash_keys(hash: &Aes128, keys: &[Block], out: &mut [Block]) {
    out.copy_from_slice(keys);
    hash.encrypt_blocks(out);
    xor_blocks(out, keys);
}

/// `0 ≤ result < n`, almost uniform; `place` is a 32-bit word of `h`.
#[inline(always)]
fn scaled(h: &Block, place: usize, n: usize) -> usize {
    let h = u128::from_le_bytes(*h);
    ((u64::from((h >> (32 * place)) as u32) * n as u64) >> 32) as usize
}

impl Keys {
    /// For encoding into or decoding from a table of this layout and seed.
    ///
    /// # Errors
    /// `Range` for 2^32 keys or more.
    pub fn new(layout: Layout, seed: &Block, keys: &[Block]) -> Result<Self> {
        let fits = u32::try_from(keys.len()).is_ok();
        ensure(fits, Error::Range("at most 2^32 - 1 keys at a time"))?;
        let hash = Aes128::new(seed);
        let mut bins = Wiped::filled(0u32, keys.len());
        let mut starts = vec![0usize; layout.bins + 1];
        let mut h = Wiped::filled([0u8; 16], BATCH);
        for (keys, bins) in keys.chunks(BATCH).zip(bins.chunks_mut(BATCH)) {
            hash_keys(&hash, keys, &mut h[..keys.len()]);
            for (h, bin) in h.iter().zip(bins) {
                *bin = scaled(h, 3, layout.bins) as u32;
                starts[*bin as usize + 1] += 1;
            }
        }
        for bin in 0..layout.bins {
            starts[bin + 1] += starts[bin];
        }
        let mut ends = starts.clone();
        let mut sorted = Wiped::filled([0u8; 16], keys.len());
        let mut order = Wiped::filled(0u32, keys.len());
        for (i, (key, bin)) in keys.iter().zip(bins.iter()).enumerate() {
            let end = &mut ends[*bin as usize];
            sorted[*end] = *key;
            order[*end] = i as u32;
            *end += 1;
        }
        Ok(Self {
            layout,
            hash,
            keys: sorted,
            order,
            starts,
        })
    }

    /// The keys in the order of the bins.
    #[must_use]
    pub fn keys(&self) -> &[Block] {
        &self.keys
    }

    /// Which key of the caller stands at each place.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// What belongs to each key, from the caller's order to that of the bins.
    ///
    /// # Errors
    /// `Mismatch` unless there is one value for each key.
    pub fn arrange(&self, values: &[Block]) -> Result<Vec<Block>> {
        ensure(
            values.len() == self.order.len(),
            Error::Mismatch("there must be one value for each key"),
        )?;
        let value = |number: &u32| values[*number as usize];
        Ok(self.order.iter().map(value).collect())
    }

    fn bin_keys(&self, bin: usize) -> &[Block] {
        &self.keys[self.starts[bin]..self.starts[bin + 1]]
    }

    fn check(&self, table: &[Block], values: &[Block]) -> Result<()> {
        let fits = table.len() == self.layout.size() && values.len() == self.keys.len();
        ensure(
            fits,
            Error::Mismatch("table and values must have their lengths"),
        )
    }

    /// Fills the table so that every key gives its value, a scalar; `values` are in the order of the bins. `seed` is fresh and
    /// secret and fills what the values leave free.
    ///
    /// # Errors
    /// `Abort` if the keys do not fit: two are equal, or with probability ≤ 2^-40; `Mismatch` for a bad length.
    pub fn encode(
        &self,
        seed: &Block,
        values: &[Block],
        table: &mut [Block],
        threads: usize,
    ) -> Result<()> {
        self.check(table, values)?;
        let columns = self.layout.columns();
        let free = Aes128::new(seed);
        let jobs = table.chunks_mut(columns).enumerate();
        share_out(threads, jobs, |(bin, table)| {
            free.keystream((bin * columns) as u128, table.as_flattened_mut());
            self.layout.scalars.truncate(table);
            let values = &values[self.starts[bin]..self.starts[bin + 1]];
            Solver::new(&self.layout, &self.hash, self.bin_keys(bin))?.solve(values, table)
        })
    }

    /// What the table gives for every key, in the order of the bins.
    ///
    /// # Errors
    /// `Mismatch` for a bad length; `Range` for bad `threads`.
    pub fn decode(&self, table: &[Block], out: &mut [Block], threads: usize) -> Result<()> {
        self.check(table, out)?;
        let mut rest = out;
        let mut jobs = Vec::with_capacity(self.layout.bins);
        for (bin, table) in table.chunks(self.layout.columns()).enumerate() {
            let (out, after) = rest.split_at_mut(self.bin_keys(bin).len());
            rest = after;
            jobs.push((bin, table, out));
        }
        share_out(threads, jobs.into_iter(), |(bin, table, out)| {
            bin::decode(&self.layout, &self.hash, self.bin_keys(bin), table, out);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
