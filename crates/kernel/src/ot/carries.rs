//! Carries of digit sums by 1-out-of-16 OT: one party's digit `a`, the other's digit `b`, shares of
//! `[a + b ≥ 16]` and `[a + b = 15]`.
//!
//! Source: Rathee et al. 2020 (CrypTFlow2, ePrint 2020/325) §3.1.1 (leaves of a comparison); 1-out-of-16 OT
//! from four OTs as in Naor and Pinkas 1999 §3.
//! Setting: that of the rows; hash of [`crate::hash`].
//! Differs: the leaves are those of a sum, not of a comparison. One hash block per OT key masks a message in
//! all sixteen tables, every message with bits of its own, where Naor and Pinkas call a PRF per message.
//! Notation: `a` sender's digit, `b` receiver's; OT rows in the order (digit, bit of the digit).
//! `table`: bit `b` is the first result, bit `16 + b` the second, for that digit of the receiver.
//! Cost per digit: four OTs, 16 AES for the sender, 8 for the receiver, 4 bytes one way. Floor: the AES.

use crate::aes::Block;
use crate::bits::DIGIT_BITS;
use crate::error::{Error, Result, ensure};
use crate::hash::TweakedHash;
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Digits that are worked on together.
const GROUP: usize = 128;
/// Bytes of a table.
const TABLE_BYTES: usize = 4;
/// Messages for receiver's digits whose bit `i` is set, in both halves of a table.
const CHOSEN: [u32; DIGIT_BITS] = [0xaaaa_aaaa, 0xcccc_cccc, 0xf0f0_f0f0, 0xff00_ff00];

fn hash(label: &Block) -> TweakedHash {
    TweakedHash::new(b"tacit digit carries", label)
}

#[inline(always)]
fn digit(digits: &[u8], index: usize) -> u32 {
    u32::from(digits[index / 2] >> (DIGIT_BITS * (index % 2))) & 15
}

#[inline(always)]
fn bit(words: &[u64], index: usize) -> u32 {
    (words[index / 64] >> (index % 64)) as u32 & 1
}

multiversion! {
    /// `tables[d]`: the results for the sender's digit, xor its shares, under the keys of the digit's OTs.
    fn mask_tables(
        zero: &[u64],
        one: &[u64],
        digits: &[u8],
        generate: &[u64],
        propagate: &[u64],
        tables: &mut [[u8; TABLE_BYTES]],
    ) {
        let (zero, one) = (zero.as_chunks::<DIGIT_BITS>().0, one.as_chunks::<DIGIT_BITS>().0);
        for (index, (table, (zero, one))) in tables.iter_mut().zip(zero.iter().zip(one)).enumerate() {
            let a = digit(digits, index);
            let mut word = ((0xffff_0000 >> a) & 0xffff) | (0x8000_0000 >> a);
            word ^= bit(generate, index).wrapping_neg() & 0xffff;
            word ^= bit(propagate, index).wrapping_neg() << 16;
            for i in 0..DIGIT_BITS {
                word ^= (zero[i] as u32 & !CHOSEN[i]) | (one[i] as u32 & CHOSEN[i]);
            }
            *table = word.to_le_bytes();
        }
    }
}

multiversion! {
    /// Reads the message of the receiver's digit in every table: both results, packed.
    fn unmask_tables(
        pads: &[u64],
        digits: &[u8],
        tables: &[[u8; TABLE_BYTES]],
        generate: &mut [u64],
        propagate: &mut [u64],
    ) {
        let pads = pads.as_chunks::<DIGIT_BITS>().0;
        let mut opened = [0u32; 64];
        for (word, (tables, pads)) in tables.chunks_exact(64).zip(pads.chunks_exact(64)).enumerate() {
            for (index, opened) in opened.iter_mut().enumerate() {
                let pad = (pads[index][0] ^ pads[index][1] ^ pads[index][2] ^ pads[index][3]) as u32;
                let b = digit(digits, 64 * word + index);
                *opened = ((u32::from_le_bytes(tables[index]) ^ pad) >> b) & 0x1_0001;
            }
            let (mut first, mut second) = (0u64, 0u64);
            for (index, opened) in opened.iter().enumerate() {
                first |= u64::from(opened & 1) << index;
                second |= u64::from(opened >> 16) << index;
            }
            (generate[word], propagate[word]) = (first, second);
        }
    }
}

/// Bytes of the payload for so many words of 64 digits.
///
/// # Errors
/// `Range` if that overflows.
pub fn payload_size(words: usize) -> Result<usize> {
    let size = words.checked_mul(64 * TABLE_BYTES);
    size.ok_or(Error::Range("the payload would be too large"))
}

fn check(rows: usize, digits: &[u8], share: &[u64]) -> Result<()> {
    let words = digits.len() / 32;
    let fits = digits.len().is_multiple_of(32)
        && share.len() == 2 * words
        && words.checked_mul(64 * DIGIT_BITS) == Some(rows);
    ensure(
        fits,
        Error::Mismatch("rows, digits and shares must be of whole words of 64 digits"),
    )
}

/// Sender: the payload from rows `q`, its digits, packed two a byte, and its shares `u64[2, words]`, which it
/// has chosen at random.
///
/// # Errors
/// `Mismatch` if a length does not follow from the number of digits.
pub fn send(
    q: &[Block],
    delta: &Block,
    label: &Block,
    digits: &[u8],
    share: &[u64],
    payload: &mut [u8],
) -> Result<()> {
    check(q.len(), digits, share)?;
    let (hash, words) = (hash(label), share.len() / 2);
    ensure(
        payload.len() == payload_size(words)?,
        Error::Mismatch("payload must have its size"),
    )?;
    let (generate, propagate) = share.split_at(words);
    let mut keys = [(); 2].map(|()| Wiped::filled(0u64, DIGIT_BITS * GROUP));
    let mut scratch = hash.scratch(DIGIT_BITS * GROUP);
    let tables = payload.as_chunks_mut().0;
    for (group, (q, tables)) in
        (q.chunks(DIGIT_BITS * GROUP).zip(tables.chunks_mut(GROUP))).enumerate()
    {
        for (keys, offset) in keys.iter_mut().zip([&[0; 16], delta]) {
            scratch.low_words(q, offset, group * DIGIT_BITS * GROUP, &mut keys[..q.len()]);
        }
        let first = group * GROUP;
        mask_tables(
            &keys[0],
            &keys[1],
            &digits[first / 2..],
            &generate[first / 64..],
            &propagate[first / 64..],
            tables,
        );
    }
    Ok(())
}

/// Receiver: its shares `u64[2, words]` from rows `t`, its digits (the OTs' choices) and the payload.
///
/// # Errors
/// `Malformed` if the payload has another size; `Mismatch` if a length does not follow from the number of
/// digits.
pub fn receive(
    t: &[Block],
    label: &Block,
    digits: &[u8],
    payload: &[u8],
    share: &mut [u64],
) -> Result<()> {
    check(t.len(), digits, share)?;
    let (hash, words) = (hash(label), share.len() / 2);
    ensure(
        payload.len() == payload_size(words)?,
        Error::Malformed("the payload has the wrong size"),
    )?;
    let (generate, propagate) = share.split_at_mut(words);
    let mut pads = Wiped::filled(0u64, DIGIT_BITS * GROUP);
    let mut scratch = hash.scratch(DIGIT_BITS * GROUP);
    let tables = payload.as_chunks().0;
    for (group, (t, tables)) in (t.chunks(DIGIT_BITS * GROUP).zip(tables.chunks(GROUP))).enumerate()
    {
        scratch.low_words(
            t,
            &[0; 16],
            group * DIGIT_BITS * GROUP,
            &mut pads[..t.len()],
        );
        let first = group * GROUP;
        unmask_tables(
            &pads,
            &digits[first / 2..],
            tables,
            &mut generate[first / 64..],
            &mut propagate[first / 64..],
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ot::softspoken_roy22::tests::{pair, rows};
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn shares_open_to_the_carries_of_every_pair_of_digits() {
        on_every_tier(|_| {
            let mut random = Stream::new(12);
            let mut parties = pair(4, &mut random);
            for words in [0usize, 1, 2, 3, 4, 7] {
                let label = [words as u8; 16];
                // Every pair stands in the first four words; the others are whatever the stream says.
                let mut own = random.bytes(32 * words);
                let mut others = random.bytes(32 * words);
                for (index, (own, other)) in own.iter_mut().zip(&mut others).take(128).enumerate() {
                    (*own, *other) = (17 * (index as u8 / 8), 0x10 + 0x22 * (index as u8 % 8));
                }
                let (t, q) = rows(&mut parties, &label, &others, 256 * words);
                let share = random.words(2 * words);
                let mut payload = vec![0; payload_size(words).unwrap()];
                let mut theirs = vec![u64::MAX; 2 * words];
                send(&q, parties.1.delta(), &label, &own, &share, &mut payload).unwrap();
                receive(&t, &label, &others, &payload, &mut theirs).unwrap();
                for index in 0..64 * words {
                    let sum = digit(&own, index) + digit(&others, index);
                    let opened =
                        |from: usize| bit(&share[from..], index) ^ bit(&theirs[from..], index);
                    assert_eq!(opened(0), u32::from(sum >= 16));
                    assert_eq!(opened(words), u32::from(sum == 15));
                }
                payload.push(0);
                let result = receive(&t, &label, &others, &payload, &mut theirs);
                assert!(matches!(result, Err(Error::Malformed(_))));
            }
        });
        assert!(send(&[], &[0; 16], &[0; 16], &[0; 16], &[], &mut []).is_err());
        assert!(payload_size(usize::MAX).is_err());
    }
}
