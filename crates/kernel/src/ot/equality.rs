//! Equality of two parties' private words from OT rows: their shared distance, then one place of a table.
//!
//! Source: [C18] Couteau, ACNS 2018 (ePrint 2016/544) §4: the number of places in which the words differ, shared
//! modulo 64, is 0 if and only if they are equal; Naor, Pinkas 1999: one out of 2^6 from 6 OTs.
//! Setting: that of the rows; hash of [`crate::hash`].
//! Differs: one such step only, then a table of 64 bits instead of more steps.
//! Notation: sender's word x, receiver's y, given as planes (see [`crate::bits`]); OT `plane·n + i` for word i;
//! `x_j ⊕ y_j = x_j + y_j - 2 x_j y_j`; u, v: places of the table that are equal if and only if the words are.
//! Cost per word of `bits` bits: `bits + 6` rows, `bits + 8` bytes one way, 4 AES a row at the sender, 2 at the
//! receiver. Floor: the same.

use crate::aes::Block;
use crate::bits::plane_words;
use crate::error::{Error, Result, ensure};
use crate::hash::TweakedHash;
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Rows that are hashed together.
const ROWS: usize = 512;
/// Most bits of a word: the distance must be below 64.
pub const MOST_BITS: usize = 63;
/// Bits of a place in the table.
pub const PLACE_BITS: usize = 6;
/// Bit i of the number of each place.
const PLACES: [u64; PLACE_BITS] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];

fn distance_hash(label: &Block) -> TweakedHash {
    TweakedHash::new(b"tacit distance", label)
}

fn pick_hash(label: &Block) -> TweakedHash {
    TweakedHash::new(b"tacit one of 64", label)
}

fn check_distance(rows: usize, planes: &[u64], n: usize) -> Result<()> {
    let words = plane_words(n);
    ensure(
        n.is_multiple_of(64) && (words == 0 || planes.len().is_multiple_of(words)),
        Error::Mismatch("words must come in whole blocks of 64, with as many in every plane"),
    )?;
    ensure(
        planes.len() <= MOST_BITS * words,
        Error::Range("words may have at most 63 bits"),
    )?;
    ensure(
        rows == 64 * planes.len(),
        Error::Mismatch("every bit needs a row"),
    )
}

fn check_pick(rows: usize, n: usize) -> Result<()> {
    ensure(
        rows == PLACE_BITS * n,
        Error::Mismatch("every word needs six rows"),
    )
}

multiversion! {
    /// `payload = pad_0 + x - pad_1`, `share += x + 2 pad_0`; of blocks of 64.
    fn send_terms(zero: &[u64], one: &[u64], x: &[u64], payload: &mut [u8], share: &mut [u8]) {
        for (block, x) in x.iter().enumerate() {
            let zero = &zero[64 * block..][..64];
            let one = &one[64 * block..][..64];
            let payload = &mut payload[64 * block..][..64];
            let share = &mut share[64 * block..][..64];
            for i in 0..64 {
                let (bit, pad) = ((*x >> i) as u8 & 1, zero[i] as u8);
                payload[i] = pad.wrapping_add(bit).wrapping_sub(one[i] as u8);
                share[i] = share[i].wrapping_add(bit).wrapping_add(pad << 1);
            }
        }
    }
}

multiversion! {
    /// `share += y - 2 (pad_y + y·payload)`; of blocks of 64.
    fn receive_terms(pad: &[u64], y: &[u64], payload: &[u8], share: &mut [u8]) {
        for (block, y) in y.iter().enumerate() {
            let pad = &pad[64 * block..][..64];
            let payload = &payload[64 * block..][..64];
            let share = &mut share[64 * block..][..64];
            for i in 0..64 {
                let bit = (*y >> i) as u8 & 1;
                let product = (pad[i] as u8).wrapping_add(payload[i] & bit.wrapping_neg());
                share[i] = share[i].wrapping_add(bit).wrapping_sub(product << 1);
            }
        }
    }
}

/// Sender: from rows `q[bits, n]` and the planes of its words, the payload `u8[bits, n]` and shares mod 64,
/// `u8[n]`, of the distances.
///
/// # Errors
/// `Mismatch` unless n is a multiple of 64 and lengths follow from it; `Range` for more than 63 bits.
pub fn distance_send(
    q: &[Block],
    delta: &Block,
    label: &Block,
    planes: &[u64],
    payload: &mut [u8],
    share: &mut [u8],
) -> Result<()> {
    let n = share.len();
    check_distance(q.len(), planes, n)?;
    ensure(
        payload.len() == q.len(),
        Error::Mismatch("the payload has one byte for each row"),
    )?;
    let hash = distance_hash(label);
    let mut scratch = hash.scratch(ROWS);
    let (mut zero, mut one) = (Wiped::filled(0, ROWS), Wiped::filled(0, ROWS));
    share.fill(0);
    for start in (0..q.len()).step_by(ROWS) {
        // A part may end one plane and begin the next.
        let q = &q[start..q.len().min(start + ROWS)];
        scratch.low_words(q, &[0; 16], start, &mut zero[..q.len()]);
        scratch.low_words(q, delta, start, &mut one[..q.len()]);
        for at in (0..q.len()).step_by(64) {
            let row = start + at;
            let place = row % n;
            send_terms(
                &zero[at..at + 64],
                &one[at..at + 64],
                &planes[row / 64..=row / 64],
                &mut payload[row..row + 64],
                &mut share[place..place + 64],
            );
        }
    }
    reduce(share);
    Ok(())
}

/// Receiver: its shares, from rows `t[bits, n]` and the planes of its words, which were the choices.
///
/// # Errors
/// As [`distance_send`]; `Malformed` if the payload has another length.
pub fn distance_receive(
    t: &[Block],
    label: &Block,
    planes: &[u64],
    payload: &[u8],
    share: &mut [u8],
) -> Result<()> {
    let n = share.len();
    check_distance(t.len(), planes, n)?;
    ensure(
        payload.len() == t.len(),
        Error::Malformed("the payload has the wrong size"),
    )?;
    let hash = distance_hash(label);
    let mut scratch = hash.scratch(ROWS);
    let mut pad = Wiped::filled(0, ROWS);
    share.fill(0);
    for start in (0..t.len()).step_by(ROWS) {
        let t = &t[start..t.len().min(start + ROWS)];
        scratch.low_words(t, &[0; 16], start, &mut pad[..t.len()]);
        for at in (0..t.len()).step_by(64) {
            let row = start + at;
            let place = row % n;
            receive_terms(
                &pad[at..at + 64],
                &planes[row / 64..=row / 64],
                &payload[row..row + 64],
                &mut share[place..place + 64],
            );
        }
    }
    reduce(share);
    Ok(())
}

fn reduce(share: &mut [u8]) {
    for share in share {
        *share %= 64;
    }
}

multiversion! {
    /// `payload ⊕=` the pad for places in which a bit is 0, or else 1.
    fn add_pads(zero: &[u64], one: &[u64], places: u64, payload: &mut [u64]) {
        for i in 0..payload.len() {
            payload[i] ^= (zero[i] & !places) | (one[i] & places);
        }
    }
}

/// Sender: for each of `n` words the table that has, at every place but `u`, the word's coin, and there its
/// complement, under the pads of the rows `q[6, n]`. Coins are packed.
///
/// # Errors
/// `Mismatch` for bad lengths.
pub fn pick_send(
    q: &[Block],
    delta: &Block,
    label: &Block,
    u: &[u8],
    coins: &[u64],
    payload: &mut [u64],
) -> Result<()> {
    let n = u.len();
    check_pick(q.len(), n)?;
    ensure(
        payload.len() == n && coins.len() == plane_words(n),
        Error::Mismatch("every word needs a coin and a table"),
    )?;
    for (i, (payload, u)) in payload.iter_mut().zip(u).enumerate() {
        let coin = (coins[i / 64] >> (i % 64)) & 1;
        *payload = coin.wrapping_neg() ^ (1 << (u % 64));
    }
    let hash = pick_hash(label);
    let mut scratch = hash.scratch(ROWS);
    let (mut zero, mut one) = (Wiped::filled(0, ROWS), Wiped::filled(0, ROWS));
    for (plane, places) in PLACES.into_iter().enumerate() {
        for (part, payload) in payload.chunks_mut(ROWS).enumerate() {
            let (first, len) = (plane * n + part * ROWS, payload.len());
            let q = &q[first..first + len];
            scratch.low_words(q, &[0; 16], first, &mut zero[..len]);
            scratch.low_words(q, delta, first, &mut one[..len]);
            add_pads(&zero[..len], &one[..len], places, payload);
        }
    }
    Ok(())
}

/// Receiver: what the tables have at its places `v`, 0 or 1, from rows `t[6, n]` whose choices were v's planes.
///
/// # Errors
/// As [`pick_send`]; `Malformed` if there is not one table for each word.
pub fn pick_receive(
    t: &[Block],
    label: &Block,
    v: &[u8],
    payload: &[u64],
    out: &mut [u8],
) -> Result<()> {
    let n = v.len();
    check_pick(t.len(), n)?;
    ensure(out.len() == n, Error::Mismatch("every word needs a result"))?;
    ensure(
        payload.len() == n,
        Error::Malformed("the payload has the wrong size"),
    )?;
    let hash = pick_hash(label);
    let mut scratch = hash.scratch(ROWS);
    let mut tables = Wiped::filled(0, n);
    tables.copy_from_slice(payload);
    let mut pad = Wiped::filled(0, ROWS);
    for plane in 0..PLACE_BITS {
        for (part, tables) in tables.chunks_mut(ROWS).enumerate() {
            let (first, len) = (plane * n + part * ROWS, tables.len());
            scratch.low_words(&t[first..first + len], &[0; 16], first, &mut pad[..len]);
            add_pads(&pad[..len], &pad[..len], 0, tables);
        }
    }
    for ((out, table), v) in out.iter_mut().zip(tables.iter()).zip(v) {
        *out = (table >> (v % 64)) as u8 & 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::bits_to_planes;
    use crate::ot::softspoken_roy22::tests::{pair, rows};
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    fn planes(words: &[u64], bits: usize) -> Vec<u64> {
        let mut planes = vec![0; bits * plane_words(words.len())];
        bits_to_planes(words, bits, &mut planes).unwrap();
        planes
    }

    fn bytes(planes: &[u64]) -> Vec<u8> {
        planes.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn shares_add_to_the_distance_and_its_place_is_picked() {
        on_every_tier(|_| {
            let mut random = Stream::new(12);
            let mut parties = pair(4, &mut random);
            for (call, (n, bits)) in [(64, 1), (128, 9), (704, 61), (1088, 63), (0, 5)]
                .into_iter()
                .enumerate()
            {
                let mask = u64::MAX >> (64 - bits);
                let x: Vec<u64> = random.words(n).iter().map(|word| word & mask).collect();
                let mut y = x.clone();
                for (i, y) in y.iter_mut().enumerate() {
                    // Distances of every size, equal words and complements among them.
                    *y ^= (mask >> (i % (bits + 1)).min(63)) * u64::from(i % (bits + 1) < bits);
                }
                let label = [call as u8; 16];
                let (mine, theirs) = (planes(&x, bits), planes(&y, bits));
                let (t, q) = rows(&mut parties, &label, &bytes(&theirs), bits * n);
                let mut payload = vec![0; bits * n];
                let (mut u, mut v) = (vec![9; n], vec![9; n]);
                let delta = *parties.1.delta();
                distance_send(&q, &delta, &label, &mine, &mut payload, &mut u).unwrap();
                distance_receive(&t, &label, &theirs, &payload, &mut v).unwrap();
                for i in 0..n {
                    assert_eq!(
                        u32::from((u[i] + v[i]) % 64),
                        (x[i] ^ y[i]).count_ones() % 64
                    );
                }
                let long = [&payload[..], &[0]].concat();
                let result = distance_receive(&t, &label, &theirs, &long, &mut v);
                assert!(matches!(result, Err(Error::Malformed(_))));

                let places: Vec<u8> = v.iter().map(|v| v.wrapping_neg() % 64).collect();
                let choices: Vec<u64> = places.iter().map(|v| u64::from(*v)).collect();
                let label = [100 + call as u8; 16];
                let choices = bytes(&planes(&choices, PLACE_BITS));
                let (t, q) = rows(&mut parties, &label, &choices, PLACE_BITS * n);
                let coins = random.words(n / 64);
                let (mut tables, mut picked) = (vec![0; n], vec![9; n]);
                pick_send(&q, &delta, &label, &u, &coins, &mut tables).unwrap();
                pick_receive(&t, &label, &places, &tables, &mut picked).unwrap();
                for i in 0..n {
                    let coin = (coins[i / 64] >> (i % 64)) as u8 & 1;
                    assert_eq!(coin ^ picked[i], u8::from(x[i] == y[i]));
                }
                tables.push(0);
                let result = pick_receive(&t, &label, &places, &tables, &mut picked);
                assert!(matches!(result, Err(Error::Malformed(_))));
            }
        });
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let (rows, zero) = (vec![[0; 16]; 64 * 64], [0; 16]);
        let mut share = [0; 64];
        let mut send = |rows: &[Block], planes: &[u64]| {
            let mut payload = vec![0; rows.len()];
            distance_send(rows, &zero, &zero, planes, &mut payload, &mut share)
        };
        assert!(send(&rows[..128], &[0; 2]).is_ok());
        assert!(matches!(send(&rows, &[0; 64]), Err(Error::Range(_))));
        assert!(matches!(
            send(&rows[..127], &[0; 2]),
            Err(Error::Mismatch(_))
        ));
        let short = distance_send(&rows[..5], &zero, &zero, &[], &mut [0; 5], &mut [0; 5]);
        assert!(matches!(short, Err(Error::Mismatch(_))));
        let few = pick_send(&rows[..5], &zero, &zero, &[0], &[0], &mut [0]);
        assert!(matches!(few, Err(Error::Mismatch(_))));
        let coins = pick_send(&rows[..6], &zero, &zero, &[0], &[], &mut [0]);
        assert!(matches!(coins, Err(Error::Mismatch(_))));
    }
}
