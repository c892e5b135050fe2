//! Items of any length to keys of 128 bits, many at a time.
//!
//! Source: CBC-MAC over prefix-free strings (Petrank, Rackoff, J. Cryptology 2000), a pseudorandom function; FIPS
//! 180-4 (SHA-256). Setting: [`keyed`]: items fixed before the key is drawn, equal keys with probability
//! `n²·blocks/2^127`; [`hashed`]: random oracle, against items chosen after the label, at 2^64 work.
//! Differs: a string is its length (8 bytes) and the item, padded with zeros.
//! Cost: 1 AES per 16 bytes begun, 32 chains at a time; or 1 SHA-256. Floor: the same. The time depends on the
//! lengths of the items, not on their content.

use crate::aes::{Aes128, Block, xor};
use crate::curve::item_jobs;
use crate::error::Result;
use crate::parallel::share_out;
use crate::wipe::Wiped;
use sha2::{Digest, Sha256};

/// Chains side by side.
const LANES: usize = 64;
const BATCH: usize = 64 * LANES;
const LENGTH_BYTES: usize = 8;

/// Block `index` of the string of an item.
#[inline(always)]
fn block_of(item: &[u8], index: usize) -> Block {
    let mut block = [0; 16];
    if index == 0 {
        block[..LENGTH_BYTES].copy_from_slice(&(item.len() as u64).to_le_bytes());
        let head = &item[..item.len().min(16 - LENGTH_BYTES)];
        block[LENGTH_BYTES..][..head.len()].copy_from_slice(head);
    } else {
        let part = &item[16 * index - LENGTH_BYTES..];
        match part.first_chunk() {
            Some(whole) => block = *whole,
            None => block[..part.len()].copy_from_slice(part),
        }
    }
    block
}

fn blocks_of(item: &[u8]) -> usize {
    (LENGTH_BYTES + item.len()).div_ceil(16)
}

/// The CBC-MACs of up to [`LANES`] items, from states of zeros.
fn chains(cipher: &Aes128, items: &[&[u8]], out: &mut [Block]) {
    let lengths = items.iter().map(|item| blocks_of(item));
    let longest = lengths.clone().max().unwrap_or(0);
    if lengths.min() == Some(longest) {
        for index in 0..longest {
            for (state, item) in out.iter_mut().zip(items) {
                *state = xor(*state, block_of(item, index));
            }
            cipher.encrypt_blocks(out);
        }
        return;
    }
    let mut active: Vec<usize> = (0..items.len()).collect();
    let mut states = Wiped::filled([0u8; 16], items.len());
    for index in 0..longest {
        active.retain(|lane| index < blocks_of(items[*lane]));
        let states = &mut states[..active.len()];
        for (state, lane) in states.iter_mut().zip(&active) {
            *state = xor(out[*lane], block_of(items[*lane], index));
        }
        cipher.encrypt_blocks(states);
        for (state, lane) in states.iter().zip(&active) {
            out[*lane] = *state;
        }
    }
}

/// `out[i] = CBC-MAC(key, data[offsets[i]..offsets[i+1]])`.
///
/// # Errors
/// `Range` for bad offsets or threads; `Mismatch` unless `offsets` has one entry more than `out`.
pub fn keyed(
    key: &Block,
    data: &[u8],
    offsets: &[i64],
    threads: usize,
    out: &mut [Block],
) -> Result<()> {
    let cipher = Aes128::new(key);
    share_out(
        threads,
        item_jobs(data, offsets, out, BATCH)?,
        |(items, out)| {
            let items: Vec<&[u8]> = items.collect();
            for (items, out) in items.chunks(LANES).zip(out.chunks_mut(LANES)) {
                out.fill([0; 16]);
                chains(&cipher, items, out);
            }
            Ok(())
        },
    )
}

/// `out[i]`: the first 16 bytes of `SHA-256(label ‖ data[offsets[i]..offsets[i+1]])`.
///
/// # Errors
/// As [`keyed`].
pub fn hashed(
    label: &Block,
    data: &[u8],
    offsets: &[i64],
    threads: usize,
    out: &mut [Block],
) -> Result<()> {
    share_out(
        threads,
        item_jobs(data, offsets, out, BATCH)?,
        |(items, out)| {
            for (item, out) in items.zip(out) {
                let digest = Sha256::new()
                    .chain_update(label)
                    .chain_update(item)
                    .finalize();
                out.copy_from_slice(&digest[..16]);
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn keys_are_the_cbc_macs_of_length_and_item() {
        let mut random = Stream::new(90);
        let key = random.blocks(1)[0];
        // The first 64 items have one length.
        let lengths = [0, 1, 7, 8, 9, 15, 16, 24, 25, 300, 16, 16];
        let items: Vec<Vec<u8>> = (0..200)
            .map(|i| random.bytes(if i < LANES { 16 } else { lengths[i % 12] }))
            .collect();
        let mut offsets = vec![0i64];
        offsets.extend(items.iter().scan(0, |end, item| {
            *end += item.len() as i64;
            Some(*end)
        }));
        let data = items.concat();
        on_every_tier(|_| {
            for threads in [1, 2] {
                let mut out = vec![[9; 16]; items.len()];
                keyed(&key, &data, &offsets, threads, &mut out).unwrap();
                for (item, out) in items.iter().zip(&out) {
                    let mut text = (item.len() as u64).to_le_bytes().to_vec();
                    text.extend_from_slice(item);
                    text.resize(text.len().next_multiple_of(16), 0);
                    let chain =
                        |state, block: &Block| Aes128::new(&key).encrypt(&xor(state, *block));
                    assert_eq!(*out, text.as_chunks().0.iter().fold([0; 16], chain));
                }
                hashed(&key, &data, &offsets, threads, &mut out).unwrap();
                let text = [&key[..], &items[9]].concat();
                assert_eq!(out[9], Sha256::digest(&text)[..16]);
            }
        });
    }

    #[test]
    fn bad_offsets_are_refused() {
        let mut out = [[0; 16]; 2];
        for offsets in [&[0, 2, 1][..], &[0, 1, 9], &[-1, 0, 1]] {
            assert!(matches!(
                keyed(&[0; 16], b"abc", offsets, 1, &mut out),
                Err(Error::Range(_))
            ));
        }
        assert!(matches!(
            hashed(&[0; 16], b"abc", &[0, 1], 1, &mut out),
            Err(Error::Mismatch(_))
        ));
    }
}
