//! Cuckoo table with three hash functions and no stash: at most one item in a bin, every item in one of three.
//!
//! Source: Pinkas, Schneider, Tkachenko, Yanai 2019 (ePrint 2019/241) §3.2 and its table 1 (1.27 bins an item for
//! failures below 2^-40); placing by random walks: Fotakis et al. 2005. Setting: local; nothing about the walks
//! crosses the wire, their time depends on the items.
//! Differs: each function has a third of the bins for itself, so that the three bins of an item differ; small sets
//! get the bins of 1,024 items, which keeps items with the same three bins rare enough (ten in 2^40 there).
//! Notation: m bins, item i has bins `places[i]`. Cost: one AES an item, about two steps to place it.

use crate::aes::{Aes128, Block, xor};
use crate::error::{Error, Result, ensure};

/// Bins of an item.
pub const FUNCTIONS: usize = 3;
/// An empty bin.
pub const EMPTY: u32 = u32::MAX;
/// Most items of one table.
pub const MOST_ITEMS: usize = 1 << 28;
/// Steps of one walk, far above what a table that has a solution needs.
const MOST_STEPS: usize = 10_000;
const FEWEST_ITEMS: usize = 1 << 10;

/// The bins of an item, ascending.
pub type Places = [u32; FUNCTIONS];

/// Bins for n items: a multiple of three, at least 1.27 n.
///
/// # Errors
/// `Range` above 2^28 items.
pub fn bins(n: usize) -> Result<usize> {
    ensure(
        n <= MOST_ITEMS,
        Error::Range("a table holds at most 2^28 items"),
    )?;
    let n = n.max(FEWEST_ITEMS);
    Ok((n * 127).div_ceil(300) * FUNCTIONS)
}

/// The bins of items (16 uniform or hashed bytes each) among `m`, under a seed that both sides know.
///
/// # Errors
/// `Mismatch` if `out` has another length, `Range` unless m is a multiple of three up to 2^30.
pub fn places(items: &[Block], seed: &Block, m: usize, out: &mut [Places]) -> Result<()> {
    const BATCH: usize = 256;
    ensure(
        items.len() == out.len(),
        Error::Mismatch("every item needs a place"),
    )?;
    ensure(
        (FUNCTIONS..=1 << 30).contains(&m) && m.is_multiple_of(FUNCTIONS),
        Error::Range("bins must be a multiple of three up to 2^30"),
    )?;
    let (aes, third) = (Aes128::new(seed), (m / FUNCTIONS) as u128);
    let mut hashes = [[0; 16]; BATCH];
    for (items, out) in items.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
        let hashes = &mut hashes[..items.len()];
        hashes.copy_from_slice(items);
        aes.encrypt_blocks(hashes);
        for ((out, hash), item) in out.iter_mut().zip(hashes).zip(items) {
            let hash = u128::from_le_bytes(xor(*hash, *item));
            *out = core::array::from_fn(|f| {
                // 42 bits each: the bias is below 2^-12 of a bin's share even for 2^30 bins.
                let part = (hash >> (42 * f)) & ((1 << 42) - 1);
                ((part * third) >> 42) as u32 + f as u32 * third as u32
            });
        }
    }
    Ok(())
}

/// `table[b]` = the item in bin b, or [`EMPTY`].
///
/// # Errors
/// `Range` if there is no room (probability below 2^-40 with [`bins`] bins), for more than 2^28 items, or for a bin
/// outside of the table.
pub fn fill(places: &[Places], table: &mut [u32]) -> Result<()> {
    ensure(
        places.len() <= MOST_ITEMS,
        Error::Range("a table holds at most 2^28 items"),
    )?;
    ensure(
        places
            .as_flattened()
            .iter()
            .all(|bin| (*bin as usize) < table.len()),
        Error::Range("a bin is outside of the table"),
    )?;
    table.fill(EMPTY);
    let mut coin = 0x9e37_79b9_7f4a_7c15u64;
    'items: for item in 0..places.len() as u32 {
        let mut item = item;
        for _ in 0..MOST_STEPS {
            let bins = places[item as usize];
            if let Some(bin) = bins.iter().find(|bin| table[**bin as usize] == EMPTY) {
                table[*bin as usize] = item;
                continue 'items;
            }
            // Xorshift: the walk only has to be aimless.
            coin ^= coin << 13;
            coin ^= coin >> 7;
            coin ^= coin << 17;
            let bin = bins[(coin % FUNCTIONS as u64) as usize] as usize;
            core::mem::swap(&mut item, &mut table[bin]);
        }
        return Err(Error::Range("the items do not fit into the table"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn every_item_is_in_one_of_its_bins() {
        let mut random = Stream::new(3);
        for n in [0, 1, 2, 5, 1000, 1024, 1025, 100_000] {
            let m = bins(n).unwrap();
            assert!(m * 100 >= n * 127 && m.is_multiple_of(3));
            let items = random.blocks(n);
            let mut all = vec![[0; 3]; n];
            places(&items, &[7; 16], m, &mut all).unwrap();
            let mut table = vec![0; m];
            fill(&all, &mut table).unwrap();
            let mut seen = vec![0; n];
            for (bin, item) in table.iter().enumerate().filter(|(_, item)| **item != EMPTY) {
                assert!(all[*item as usize].contains(&(bin as u32)));
                seen[*item as usize] += 1;
            }
            assert!(seen.iter().all(|count| *count == 1));
        }
    }

    #[test]
    fn bins_of_an_item_differ_and_spread_evenly() {
        let mut random = Stream::new(4);
        let items = random.blocks(30_000);
        let mut all = vec![[0; 3]; items.len()];
        places(&items, &[1; 16], 300, &mut all).unwrap();
        let mut load = [0usize; 300];
        for bins in &all {
            assert!(
                bins[0] < 100 && (100..200).contains(&bins[1]) && (200..300).contains(&bins[2])
            );
            for bin in bins {
                load[*bin as usize] += 1;
            }
        }
        // 300 expected in each, standard deviation 17.
        assert!(load.iter().all(|load| (200..400).contains(load)));
    }

    #[test]
    fn what_cannot_fit_is_an_error() {
        assert!(fill(&[[0, 1, 2]; 4], &mut [0; 3]).is_err());
        assert!(fill(&[[0, 1, 3]], &mut [0; 3]).is_err());
        assert!(places(&[[0; 16]], &[0; 16], 4, &mut [[0; 3]]).is_err());
        assert!(places(&[[0; 16]], &[0; 16], 3, &mut []).is_err());
        assert!(bins(usize::MAX).is_err());
    }
}
