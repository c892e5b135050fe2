//! Secrets, noise and public polynomials from AES-128-CTR streams.
//!
//! Source: centred binomial noise as in ADPS 2016 (ePrint 2015/1092) §4.2, here with 21 pairs of bits
//! (standard deviation 3.24, at most 21 in magnitude). Setting: constant time in the secret streams; the
//! public one is sampled by rejection.
//! Cost: one word per coefficient.

use super::prime::{N, Prime};
use super::room::Room;
use crate::prg::Prg;
use crate::simd::multiversion;
use crate::wipe::wipe;

/// 16-byte blocks of one polynomial's words.
pub(super) const POLYNOMIAL_BLOCKS: u128 = (N as u128) / 2;
/// Bound on fresh noise.
pub(super) const NOISE_BOUND: u128 = 21;

/// Words of a stream from a block on.
pub(super) fn words(prg: &Prg, start_block: u128, len: usize) -> Room {
    let mut words = Room::new(len);
    fill_words(prg, start_block, &mut words);
    words
}

/// Overwrites `words` with those of a stream from a block on.
pub(super) fn fill_words(prg: &Prg, start_block: u128, words: &mut [u64]) {
    let mut bytes = [0u8; 4096];
    for (i, words) in words.chunks_mut(512).enumerate() {
        let bytes = &mut bytes[..8 * words.len()];
        prg.fill(start_block.wrapping_add(256 * i as u128), bytes);
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
    }
    wipe(&mut bytes);
}

/// A ternary polynomial: signed numbers as words.
pub(super) fn ternary(prg: &Prg, start_block: u128) -> Room {
    let mut words = words(prg, start_block, N);
    // ⌊3·w/2^62⌋ of a 62-bit number: within 2^-61 of uniform.
    words
        .iter_mut()
        .for_each(|word| *word = (((*word >> 2) * 3) >> 62).wrapping_sub(1));
    words
}

/// Noise: signed numbers as words.
pub(super) fn noise(prg: &Prg, start_block: u128) -> Room {
    let mut words = words(prg, start_block, N);
    centre(&mut words);
    words
}

multiversion! {
    /// Each word to the ones among 21 of its bits less those among 21 others.
    fn centre(words: &mut [u64]) {
        for word in words {
            let ones = |bits: u64| {
                let pairs = bits - ((bits >> 1) & 0x5555_5555);
                let fours = (pairs & 0x3333_3333) + ((pairs >> 2) & 0x3333_3333);
                let eights = (fours + (fours >> 4)) & 0x0f0f_0f0f;
                (eights + (eights >> 8) + (eights >> 16) + (eights >> 24)) & 0x3f
            };
            *word = ones(*word & 0x1f_ffff).wrapping_sub(ones((*word >> 21) & 0x1f_ffff));
        }
    }
}

multiversion! {
    /// Cuts each word; returns the largest.
    fn cut(mask: u64, words: &mut [u64]) -> u64 {
        let mut largest = 0;
        for word in words {
            *word &= mask;
            largest = largest.max(*word);
        }
        largest
    }
}

/// The small signed numbers of a polynomial modulo p.
pub(super) fn lift_small(prime: &Prime, from: &[u64], to: &mut [u64]) {
    lift_below(prime.p, from, to);
}

multiversion! {
    fn lift_below(p: u64, from: &[u64], to: &mut [u64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = from.wrapping_add(p & ((*from as i64 >> 63) as u64));
        }
    }
}

/// A public uniform polynomial modulo p (transformed, or not: it is the same), the `index`-th of a seed.
///
/// Its words are cut to the bits of p; those that are too large are replaced, in order, by further ones.
pub(super) fn vartime_uniform(prg: &Prg, index: u64, prime: &Prime, out: &mut [u64]) {
    // A polynomial owns 2^32 blocks of the stream.
    let start = u128::from(index) << 32;
    let mask = (1u64 << prime.bits) - 1;
    fill_words(prg, start, out);
    if cut(mask, out) < prime.p {
        return;
    }
    let mut next = start + POLYNOMIAL_BLOCKS;
    for word in out.iter_mut() {
        while *word >= prime.p {
            *word = words(prg, next, 1)[0] & mask;
            next += 1;
        }
    }
}
