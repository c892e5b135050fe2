//! Which items of a list came before: a table of their keyed digests.
//!
//! Source: Knuth, TAOCP 3, Algorithm 6.4L (linear probing). Setting: local; not constant time.
//! Cost: a digest and a probe of `8·n` to `16·n` bytes for each item. Floor: the probes.

use super::digest;
use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::wipe::Wiped;

const EMPTY: u32 = u32::MAX;

/// Numbers of the items that equal none before them, ascending; `key` is fresh.
///
/// # Errors
/// `Range` for bad offsets or 2^31 items or more.
pub fn first_appearances(key: &Block, data: &[u8], offsets: &[i64]) -> Result<Vec<u32>> {
    let n = offsets.len().saturating_sub(1);
    let fits = n < 1 << 31;
    ensure(fits, Error::Range("fewer than 2^31 items at a time"))?;
    let mut digests = Wiped::filled([0u8; 16], n);
    digest::keyed(key, data, offsets, 1, &mut digests)?;
    let mask = (2 * n).next_power_of_two() - 1;
    let mut table = vec![EMPTY; mask + 1];
    let mut first = Vec::with_capacity(n);
    for (number, digest) in digests.iter().enumerate() {
        let mut place = u128::from_le_bytes(*digest) as usize & mask;
        loop {
            let other = table[place];
            if other == EMPTY {
                table[place] = number as u32;
                first.push(number as u32);
                break;
            }
            if digests[other as usize] == *digest {
                break;
            }
            place = (place + 1) & mask;
        }
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_items_counts() {
        let items: Vec<String> = (0..2000).map(|i| (i * i % 1013).to_string()).collect();
        let mut offsets = vec![0i64];
        for item in &items {
            offsets.push(offsets[offsets.len() - 1] + item.len() as i64);
        }
        let found = first_appearances(&[7; 16], items.concat().as_bytes(), &offsets).unwrap();
        let came_before = |i: usize| items[..i].contains(&items[i]);
        let expected: Vec<u32> = (0..2000).filter(|i| !came_before(*i as usize)).collect();
        assert_eq!(found, expected);
        assert_eq!(first_appearances(&[7; 16], b"", &[0]).unwrap(), []);
        assert_eq!(first_appearances(&[7; 16], b"", &[0, 0, 0]).unwrap(), [0]);
        assert!(first_appearances(&[7; 16], b"", &[0, 1]).is_err());
    }
}
