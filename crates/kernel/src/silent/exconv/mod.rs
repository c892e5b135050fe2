//! The expand-convolute code `ExConv7x24` in dual, systematic form: `out = e₀ + B·A₂·A₁·e₁`.
//!
//! Source: Raghuraman, Rindal, Tanguy 2023 (ePrint 2023/882), §3 and §5; weight 7, window 24, rate 1/2.
//! Setting: the code is public and fixed; memory accesses and time do not depend on the noise.
//! Differs: two convolutions with different coefficients (a region that one leaves light, the other fills);
//! contributions past the end are added at the beginning; 4 of the 7 positions of a row lie in the 4 quarters,
//! 3 are uniform. Over a large field the tap at distance 25, and what it meets, is multiplied by a constant, which
//! takes the code out of GF(2) and of every smaller field.
//! Notation: `x_i = c·(e_i + x_{i−25}) + Σ_{j=1..24} α_{i−j,j}·x_{i−j}`, with `c = 1` over bits; row `r` of `B` has
//! ones at seven positions read from AES block `r`.
//! Cost per output: two convolution steps (7 masked 512-bit xors each), 7 reads of 16 bytes, 1.5 AES. Floor:
//! the reads, about 6 ns where the code word fits into the cache.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::code::{Code, Over};
use crate::aes::{Aes128, Block, xor};
#[cfg(target_arch = "x86_64")]
use crate::simd::Tier;
use crate::simd::{multiversion, tier};

/// Coefficients of a convolution step.
const WINDOW: usize = 24;
/// The tap that is always there.
const TAP: usize = WINDOW + 1;
/// Groups of four positions that four steps reach.
const GROUPS: usize = 7;
/// Groups that are entered at a time: their taps lie before them.
const TURN: usize = TAP / 4;
/// Steps or rows whose public randomness is made at a time.
const BATCH: usize = 1024;
/// Multiplier of the tap over a field, for `GF(2^64)` its low half: dense and of large order, otherwise arbitrary
/// (digits of π).
const CONSTANT: Block = [
    0x24, 0x3f, 0x6a, 0x88, 0x85, 0xa3, 0x08, 0xd3, 0x13, 0x19, 0x8a, 0x2e, 0x03, 0x70, 0x73, 0x44,
];
/// Nothing-up-my-sleeve keys of the three public streams.
const STREAMS: [&Block; 3] = [
    b"tacit exconv A 1",
    b"tacit exconv A 2",
    b"tacit exconv B  ",
];

/// Four blocks as words.
type Group = [u64; 8];

/// `MASKS[s]` keeps lane `l` of a group if bit `l` of `s` is set.
const MASKS: [Group; 16] = {
    let mut masks = [[0; 8]; 16];
    let mut s = 0;
    while s < 16 {
        let mut word = 0;
        while word < 8 {
            masks[s][word] = ((s as u64 >> (word / 2)) & 1).wrapping_neg();
            word += 1;
        }
        s += 1;
    }
    masks
};

/// The code for one number of outputs.
pub struct ExConv7x24 {
    outputs: usize,
}

#[inline(always)]
fn load(blocks: &[Block; 4]) -> Group {
    let mut words = [0; 8];
    for (word, bytes) in words
        .iter_mut()
        .zip(blocks.as_flattened().as_chunks::<8>().0)
    {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

#[inline(always)]
fn store(blocks: &mut [Block; 4], words: &Group) {
    let bytes = blocks.as_flattened_mut().as_chunks_mut::<8>().0;
    for (bytes, word) in bytes.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

multiversion! {
    /// Four steps per group of `x`, at most [`TURN`] groups: each is finished, scattered to those that follow, stored.
    ///
    /// `x` holds what enters each position from outside the window, and receives the results; `window` is what the
    /// steps before have added to the groups from here on.
    fn convolve_words(x: &mut [[Block; 4]], window: &mut [Group; GROUPS], coefficients: &[[u32; 4]]) {
        let mut state = [[0; 8]; TURN + GROUPS];
        state[..GROUPS].copy_from_slice(window);
        for (at, (group, coefficients)) in x.iter_mut().zip(coefficients).enumerate() {
            let state = &mut state[at..at + GROUPS];
            let entering = load(group);
            for word in 0..8 {
                state[0][word] ^= entering[word];
            }
            for (lane, coefficients) in coefficients.iter().enumerate() {
                let reach = (coefficients & ((1 << WINDOW) - 1)) << (lane + 1);
                let (low, high) = (state[0][2 * lane], state[0][2 * lane + 1]);
                for (index, words) in state.iter_mut().enumerate() {
                    let mask = &MASKS[(reach >> (4 * index)) as usize & 15];
                    for pair in 0..4 {
                        words[2 * pair] ^= low & mask[2 * pair];
                        words[2 * pair + 1] ^= high & mask[2 * pair + 1];
                    }
                }
            }
            store(group, &state[0]);
        }
        window.copy_from_slice(&state[x.len()..x.len() + GROUPS]);
    }
}

fn convolve(x: &mut [[Block; 4]], window: &mut [Group; GROUPS], coefficients: &[[u32; 4]]) {
    #[cfg(target_arch = "x86_64")]
    if tier() == Tier::Avx512 {
        return x86::convolve(x, window, coefficients);
    }
    convolve_words(x, window, coefficients);
}

/// `x[p..p + len] ← c·(x[p..] + x[p − 25..])`: what enters from outside the window. `len ≤ 25`.
fn enter(over: Over, x: &mut [Block], p: usize, len: usize) {
    let (done, rest) = x.split_at_mut(p);
    let entering = &mut rest[..len];
    // The first 25 positions have no tap.
    let skipped = TAP.saturating_sub(p);
    let taps = &done[(p + skipped - TAP).min(done.len())..];
    for (entering, tap) in entering.iter_mut().skip(skipped).zip(taps) {
        *entering = xor(*entering, *tap);
    }
    if let Over::Field(scalars) = over {
        scalars.scale(entering, &CONSTANT);
    }
}

impl ExConv7x24 {
    /// The `α` of `steps` steps from `start` on, 24 bits each in a word.
    fn coefficients(stream: &Aes128, start: usize, out: &mut [[u32; 4]]) {
        let mut bytes = [0u8; 4 * BATCH];
        stream.keystream((start / 4) as u128, &mut bytes[..16 * out.len()]);
        for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<16>().0) {
            for (word, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *word = u32::from_le_bytes(*bytes);
            }
        }
    }

    /// `x ← A·x`.
    fn accumulate(over: Over, key: &Block, x: &mut [Block]) {
        let stream = Aes128::new(key);
        let mut window = [[0; 8]; GROUPS];
        let mut coefficients = [[0u32; 4]; BATCH / 4];
        for start in (0..x.len()).step_by(BATCH) {
            Self::coefficients(&stream, start, &mut coefficients);
            for (at, coefficients) in coefficients.chunks(TURN).enumerate() {
                let p = start + 4 * TURN * at;
                let len = 4 * coefficients.len();
                enter(over, x, p, len);
                let groups = x[p..p + len].as_chunks_mut::<4>().0;
                convolve(groups, &mut window, coefficients);
            }
        }
        // What reaches past the end.
        let tail = x.len() - TAP;
        let mut past = [[0u8; 16]; 4 * GROUPS];
        past[..TAP].copy_from_slice(&x[tail..]);
        if let Over::Field(scalars) = over {
            scalars.scale(&mut past, &CONSTANT);
        }
        for (blocks, words) in past.as_chunks_mut::<4>().0.iter_mut().zip(&window) {
            let tap = load(blocks);
            let mut sum = *words;
            sum.iter_mut().zip(tap).for_each(|(sum, tap)| *sum ^= tap);
            store(blocks, &sum);
        }
        for (x, past) in x.iter_mut().zip(past) {
            *x = xor(*x, past);
        }
    }

    /// `x ← A·x` over bits.
    fn accumulate_bits(key: &Block, x: &mut [u64]) {
        let stream = Aes128::new(key);
        let mut coefficients = [[0u32; 4]; BATCH / 4];
        let mut pending = 0u32;
        for (batch, words) in x.chunks_mut(BATCH / 64).enumerate() {
            Self::coefficients(&stream, batch * BATCH, &mut coefficients);
            for (word, steps) in words.iter_mut().zip(coefficients.chunks_exact(16)) {
                let mut out = 0u64;
                for (bit, coefficients) in steps.as_flattened().iter().enumerate() {
                    let x = (pending & 1) ^ (*word >> bit) as u32 & 1;
                    let reach = (coefficients & ((1 << WINDOW) - 1)) | 1 << WINDOW;
                    pending = (pending >> 1) ^ (reach & x.wrapping_neg());
                    out |= u64::from(x) << bit;
                }
                *word = out;
            }
        }
        x[0] ^= u64::from(pending);
    }
}

/// Positions of a row: one in each quarter, three anywhere. `bits = log2 N`.
#[inline(always)]
fn positions(row: &Block, bits: u32) -> [usize; 7] {
    let (words, _) = row.as_chunks::<8>();
    let (low, high) = (u64::from_le_bytes(words[0]), u64::from_le_bytes(words[1]));
    let (quarter, all) = ((1usize << (bits - 2)) - 1, (1usize << bits) - 1);
    [
        low as usize & quarter,
        ((low >> 15) as usize & quarter) + (quarter + 1),
        ((low >> 30) as usize & quarter) + 2 * (quarter + 1),
        ((low >> 45) as usize & quarter) + 3 * (quarter + 1),
        high as usize & all,
        (high >> 17) as usize & all,
        (high >> 34) as usize & all,
    ]
}

/// `out[r] = e[r] + Σ x[positions(rows[r])]`.
fn expand(rows: &[Block], bits: u32, x: &[Block], e: &[Block], out: &mut [Block]) {
    for ((out, e), row) in out.iter_mut().zip(e).zip(rows) {
        let sum = positions(row, bits)
            .iter()
            .fold(*e, |sum, at| xor(sum, x[*at & (x.len() - 1)]));
        *out = sum;
    }
}

impl Code for ExConv7x24 {
    fn new(outputs: usize) -> Self {
        Self { outputs }
    }

    fn compress(&self, over: Over, noise: &mut [Block], out: &mut [Block]) {
        let (e, x) = noise.split_at_mut(self.outputs);
        Self::accumulate(over, STREAMS[0], x);
        Self::accumulate(over, STREAMS[1], x);
        let stream = Aes128::new(STREAMS[2]);
        let bits = self.outputs.ilog2();
        let mut rows = [[0u8; 16]; BATCH];
        for (batch, (out, e)) in out.chunks_mut(BATCH).zip(e.chunks(BATCH)).enumerate() {
            stream.keystream(
                (batch * BATCH) as u128,
                rows[..out.len()].as_flattened_mut(),
            );
            expand(&rows, bits, x, e, out);
        }
    }

    fn compress_bits(&self, noise: &mut [u64], out: &mut [u8]) {
        let (e, x) = noise.split_at_mut(self.outputs / 64);
        Self::accumulate_bits(STREAMS[0], x);
        Self::accumulate_bits(STREAMS[1], x);
        let stream = Aes128::new(STREAMS[2]);
        let bits = self.outputs.ilog2();
        let mut rows = [[0u8; 16]; BATCH];
        for (batch, out) in out.chunks_mut(BATCH / 8).enumerate() {
            stream.keystream((batch * BATCH) as u128, rows.as_flattened_mut());
            for (index, (out, rows)) in out.iter_mut().zip(rows.as_chunks::<8>().0).enumerate() {
                let first = batch * BATCH + 8 * index;
                let mut byte = (e[first / 64] >> (first % 64)) as u8;
                for (bit, row) in rows.iter().enumerate() {
                    let sum = positions(row, bits).iter().fold(0, |sum, at| {
                        sum ^ (x[(at / 64) & (x.len() - 1)] >> (at % 64)) as u8
                    });
                    byte ^= (sum & 1) << bit;
                }
                *out = byte;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::packed_bit;
    use crate::scalar::Scalars;
    use crate::silent::code::LEAST;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    /// The definition, position by position.
    fn define(over: Over, noise: &[Block], n: usize) -> Vec<Block> {
        let size = noise.len() / 2;
        let scaled = |x: Block| match over {
            Over::Bits => x,
            Over::Field(scalars) => scalars.mul(&x, &CONSTANT),
        };
        let mut x = noise[size..].to_vec();
        for key in &STREAMS[..2] {
            let stream = Aes128::new(key);
            let mut alpha = vec![0u8; 4 * size];
            stream.keystream(0, &mut alpha);
            let alpha = |i: usize, j: usize| packed_bit(&alpha[4 * i..4 * i + 4], j - 1) == 1;
            let mut past = vec![[0u8; 16]; TAP];
            let mut sums = vec![[0u8; 16]; size];
            for i in 0..size + TAP {
                let tap = if i >= TAP { x[i - TAP] } else { [0; 16] };
                let own = if i < size { x[i] } else { [0; 16] };
                let mut value = scaled(xor(own, tap));
                for j in (1..=WINDOW).filter(|j| *j <= i && i - j < size) {
                    if alpha(i - j, j) {
                        value = xor(value, x[i - j]);
                    }
                }
                if i < size {
                    x[i] = value;
                } else {
                    past[i - size] = value;
                }
            }
            sums[..TAP].copy_from_slice(&past);
            x.iter_mut()
                .zip(sums)
                .for_each(|(x, sum)| *x = xor(*x, sum));
        }
        let mut rows = vec![[0u8; 16]; n];
        Aes128::new(STREAMS[2]).keystream(0, rows.as_flattened_mut());
        let ones = |row| positions(row, size.ilog2());
        rows.iter()
            .zip(noise)
            .map(|(row, e)| ones(row).iter().fold(*e, |sum, at| xor(sum, x[*at])))
            .collect()
    }

    fn compressed(over: Over, noise: &[Block], n: usize) -> Vec<Block> {
        let mut out = vec![[0; 16]; n];
        ExConv7x24::new(noise.len() / 2).compress(over, &mut noise.to_vec(), &mut out);
        out
    }

    #[test]
    fn compression_follows_the_definition_on_every_tier() {
        let noise = Stream::new(50).blocks(2 * LEAST);
        for over in [
            Over::Bits,
            Over::Field(Scalars::Whole),
            Over::Field(Scalars::Half),
        ] {
            let expected = define(over, &noise, LEAST);
            on_every_tier(|_| {
                for n in [1, 1000, LEAST] {
                    assert_eq!(compressed(over, &noise, n), expected[..n]);
                }
            });
        }
    }

    #[test]
    fn bits_are_compressed_like_blocks() {
        let mut random = Stream::new(51);
        let mut words = random.words(2 * LEAST / 64);
        let noise: Vec<Block> = (0..2 * LEAST)
            .map(|i| u128::from(words[i / 64] >> (i % 64) & 1).to_le_bytes())
            .collect();
        let expected = compressed(Over::Bits, &noise, LEAST);
        let mut packed = vec![0; LEAST / 8];
        ExConv7x24::new(LEAST).compress_bits(&mut words, &mut packed);
        for (i, expected) in expected.iter().enumerate() {
            assert_eq!(packed_bit(&packed, i), expected[0]);
        }
    }

    #[test]
    fn field_codes_are_linear_over_their_field_and_not_defined_over_bits() {
        let mut random = Stream::new(52);
        for scalars in [Scalars::Whole, Scalars::Half] {
            let over = Over::Field(scalars);
            let (a, b) = (random.blocks(2 * LEAST), random.blocks(2 * LEAST));
            let c = random.blocks(1)[0];
            let mixed: Vec<Block> = a
                .iter()
                .zip(&b)
                .map(|(a, b)| xor(scalars.mul(a, &c), *b))
                .collect();
            let [a_out, b_out, out] = [&a, &b, &mixed].map(|x| compressed(over, x, LEAST));
            for ((a, b), out) in a_out.iter().zip(&b_out).zip(&out) {
                assert_eq!(xor(scalars.mul(a, &c), *b), *out);
            }
            let one = vec![1u128.to_le_bytes(); 2 * LEAST];
            let outside = compressed(over, &one, LEAST);
            assert!(outside.iter().all(|x| u128::from_le_bytes(*x) > 1));
        }
    }

    #[test]
    fn the_constant_lies_in_no_smaller_field() {
        // The largest one has the elements that as many squarings as half the bits leave as they are.
        for scalars in [Scalars::Whole, Scalars::Half] {
            let mut c = [CONSTANT];
            scalars.truncate(&mut c);
            let conjugate = (0..4 * scalars.bytes()).fold(c[0], |x, _| scalars.mul(&x, &x));
            assert_ne!(conjugate, c[0]);
        }
    }

    #[test]
    fn rows_have_seven_positions_over_the_whole_range() {
        for bits in [12u32, 17] {
            let mut counts = vec![0u32; 1 << bits];
            let mut rows = vec![[0u8; 16]; 1 << bits];
            Aes128::new(STREAMS[2]).keystream(0, rows.as_flattened_mut());
            for row in &rows {
                positions(row, bits).iter().for_each(|at| counts[*at] += 1);
            }
            assert_eq!(counts.iter().sum::<u32>(), 7 << bits);
            assert!(counts.iter().all(|count| *count < 32));
        }
    }
}
