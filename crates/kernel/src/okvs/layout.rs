//! Sizes of a table, from the number of items alone: both parties compute them, so every step is exact.
//!
//! Only `+ − × ÷ √` of IEEE numbers are used, which give the same bits on every machine.

use crate::error::{Error, Result, ensure};
use crate::scalar::Scalars;

/// Most items of one table.
pub const MOST_ITEMS: usize = 1 << 32;
/// Items of an average bin; with padding and expansion a bin's positions still fit 16 bits.
const MEAN: usize = 50_000;
/// A table holds at least as many columns as one for this many items: below, the bound is not known.
const LEAST: usize = 1 << 10;
/// Asymptotic columns per item of weight-3 rows.
const THRESHOLD: f64 = 1.223;
/// `s` of the bound at 2^10, 2^11, …, 2^16 items: `2^(0.55·log2 n + 2.331)`.
const SLOPE: [f64; 7] = [227.7, 333.4, 488.1, 714.6, 1046.3, 1531.9, 2242.8];

/// Bins, room of each, and its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Number of bins.
    pub bins: usize,
    /// Items that a bin may hold.
    pub capacity: usize,
    /// Columns of a bin that rows meet in three places, at most 2^16.
    pub sparse: usize,
    /// Columns of a bin that rows meet in all places.
    pub dense: usize,
    /// What the dense part of a row consists of.
    pub scalars: Scalars,
}

impl Layout {
    /// The layout for up to `items` items; a random set does not fit with probability at most 2^-40.
    ///
    /// # Errors
    /// `Range` for more than [`MOST_ITEMS`].
    pub fn new(items: usize) -> Result<Self> {
        let fits = items <= MOST_ITEMS;
        ensure(fits, Error::Range("a table has at most 2^32 items"))?;
        let bins = items.div_ceil(MEAN).max(1);
        // Half of the failures may come from overflow, half from rows that cannot be solved.
        let bits = 41 + bins.next_power_of_two().ilog2();
        let capacity = if bins == 1 {
            items
        } else {
            most_loaded(items as f64 / bins as f64, f64::from(bits)) as usize
        };
        let room = capacity.max(LEAST);
        let sparse = (expansion(room, f64::from(bits)) * room as f64) as usize + 1;
        let dense = if room >= 1 << 14 && bits <= 47 { 2 } else { 3 };
        Ok(Self {
            bins,
            capacity,
            sparse,
            dense,
            scalars: Scalars::Whole,
        })
    }

    /// The same with rows over `scalars`.
    #[must_use]
    pub fn over(self, scalars: Scalars) -> Self {
        Self { scalars, ..self }
    }

    /// Columns of a bin.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.sparse + self.dense
    }

    /// Blocks of the table.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bins * self.columns()
    }
}

/// A load that no given bin exceeds but with probability `2^-bits`, by Bernstein's inequality.
fn most_loaded(mean: f64, bits: f64) -> f64 {
    let nats = bits * core::f64::consts::LN_2;
    mean + nats / 3.0 + (nats * nats / 9.0 + 2.0 * mean * nats).sqrt() + 1.0
}

/// Columns per item so that fewer than `dense` rows remain but with probability `2^-bits` ([RR22] §5.2).
fn expansion(items: usize, bits: f64) -> f64 {
    let octave = (items.ilog2() as usize).clamp(10, 15);
    let part = items as f64 / (1u32 << octave) as f64 - 1.0;
    // `s` is concave in n, so the chord is on the safe side.
    let s = SLOPE[octave - 10] + part * (SLOPE[octave - 9] - SLOPE[octave - 10]);
    THRESHOLD + (bits + 9.2) / s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_fit_16_bits_and_bytes_stay_near_the_bound() {
        for items in (0..33)
            .map(|log| 1usize << log)
            .chain([0, 50_000, 50_001, 99_999, 3_200_001])
        {
            let layout = Layout::new(items).unwrap();
            assert!(layout.sparse <= 1 << 16, "{items}: {layout:?}");
            assert!(layout.bins * layout.capacity >= items);
            if items >= 1 << 15 {
                assert!(
                    (layout.size() as f64) < 1.36 * items as f64,
                    "{items}: {layout:?}"
                );
            }
        }
        assert!(Layout::new(MOST_ITEMS + 1).is_err());
    }

    #[test]
    fn expansions_are_the_published_ones() {
        for (log, expected) in [(10, 1.439), (12, 1.324), (14, 1.270), (15, 1.255)] {
            assert!((expansion(1 << log, 40.0) - expected).abs() < 0.001);
        }
    }

    #[test]
    fn dense_columns_take_the_rows_that_coincide() {
        // `d + 1` pairs of rows in the same three columns: about (3/(e³n))^(d+1) / (d+1)! per bin.
        for items in [
            0,
            1 << 10,
            1 << 14,
            50_000,
            50_001,
            1 << 20,
            3_200_000,
            3_200_001,
            1 << 32,
        ] {
            let layout = Layout::new(items).unwrap();
            let room = layout.capacity.max(LEAST) as f64;
            let pair = 3.0 * room * room / (layout.sparse as f64).powi(3);
            let failures = if layout.dense == 2 {
                pair.powi(3) / 6.0
            } else {
                pair.powi(4) / 24.0
            };
            assert!(
                failures * layout.bins as f64 <= 2f64.powi(-41),
                "{items}: {layout:?}"
            );
        }
    }

    #[test]
    fn loads_are_bounded_as_the_binomial_tail_says() {
        // Exact tail of Bin(n, 1/b) from its density, for 2^20 items.
        let layout = Layout::new(1 << 20).unwrap();
        let (n, p) = (f64::from(1 << 20), 1.0 / layout.bins as f64);
        let mut log_density = 0.0;
        for i in 0..layout.capacity {
            let i = i as f64;
            log_density += ((n - i) / (i + 1.0)).ln() + (p / (1.0 - p)).ln();
        }
        log_density += n * (1.0 - p).ln();
        // Beyond the bound the densities fall geometrically, by more than 1/30 each.
        let tail = log_density.exp() * 30.0 * layout.bins as f64;
        assert!(
            tail < 2f64.powi(-41) && tail > 2f64.powi(-60),
            "{}",
            tail.log2()
        );
    }
}
