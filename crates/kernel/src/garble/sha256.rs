//! The compression function of SHA-256 as a circuit.
//!
//! Source: FIPS 180-4 §6.2. Setting: local. Cost: one AND per bit for Ch, Maj and each addition.

use super::arithmetic::add;
use super::circuit::{Builder, Wire};

/// A word, least significant bit first.
pub type Word = [Wire; 32];

/// FIPS 180-4 §5.3.3: fractional parts of the square roots of the first 8 primes.
pub const INITIAL: [u32; 8] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// FIPS 180-4 §4.2.2: fractional parts of the cube roots of the first 64 primes.
#[rustfmt::skip]
const CONSTANTS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// A constant as wires.
#[must_use]
pub fn constant(value: u32) -> Word {
    core::array::from_fn(|bit| match (value >> bit) & 1 {
        1 => Wire::ONE,
        _ => Wire::ZERO,
    })
}

fn rotate(word: &Word, by: usize) -> Word {
    core::array::from_fn(|bit| word[(bit + by) % 32])
}

fn shift(word: &Word, by: usize) -> Word {
    core::array::from_fn(|bit| word.get(bit + by).copied().unwrap_or(Wire::ZERO))
}

fn xor(builder: &mut Builder, a: &Word, b: &Word) -> Word {
    core::array::from_fn(|bit| builder.xor(a[bit], b[bit]))
}

fn sigma(builder: &mut Builder, parts: [Word; 3]) -> Word {
    let first = xor(builder, &parts[0], &parts[1]);
    xor(builder, &first, &parts[2])
}

fn plus(builder: &mut Builder, a: &Word, b: &Word) -> Word {
    let digits = add(builder, a, b);
    core::array::from_fn(|bit| digits[bit])
}

/// `f` where `e` is 1, else `g`.
fn choose(builder: &mut Builder, e: &Word, f: &Word, g: &Word) -> Word {
    core::array::from_fn(|bit| {
        let differ = builder.xor(f[bit], g[bit]);
        let change = builder.and(e[bit], differ);
        builder.xor(g[bit], change)
    })
}

fn majority(builder: &mut Builder, a: &Word, b: &Word, c: &Word) -> Word {
    core::array::from_fn(|bit| {
        let (ab, bc) = (builder.xor(a[bit], b[bit]), builder.xor(b[bit], c[bit]));
        let both = builder.and(ab, bc);
        builder.xor(b[bit], both)
    })
}

fn expand(builder: &mut Builder, block: &[Word; 16]) -> Vec<Word> {
    let mut w = block.to_vec();
    for t in 16..64 {
        let (early, late) = (w[t - 15], w[t - 2]);
        let low = sigma(
            builder,
            [rotate(&early, 7), rotate(&early, 18), shift(&early, 3)],
        );
        let high = sigma(
            builder,
            [rotate(&late, 17), rotate(&late, 19), shift(&late, 10)],
        );
        let first = plus(builder, &low, &w[t - 16]);
        let second = plus(builder, &high, &w[t - 7]);
        w.push(plus(builder, &first, &second));
    }
    w
}

/// The state after a block of 16 words.
pub fn compress(builder: &mut Builder, state: &[Word; 8], block: &[Word; 16]) -> [Word; 8] {
    let words = expand(builder, block);
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (word, k) in words.iter().zip(CONSTANTS) {
        let rotated = sigma(builder, [rotate(&e, 6), rotate(&e, 11), rotate(&e, 25)]);
        let chosen = choose(builder, &e, &f, &g);
        let public = plus(builder, word, &constant(k));
        let first = plus(builder, &h, &rotated);
        let second = plus(builder, &chosen, &public);
        let t1 = plus(builder, &first, &second);
        let rotated = sigma(builder, [rotate(&a, 2), rotate(&a, 13), rotate(&a, 22)]);
        let most = majority(builder, &a, &b, &c);
        let t2 = plus(builder, &rotated, &most);
        (h, g, f, e) = (g, f, e, plus(builder, &d, &t1));
        (d, c, b, a) = (c, b, a, plus(builder, &t1, &t2));
    }
    let rounds = [a, b, c, d, e, f, g, h];
    core::array::from_fn(|i| plus(builder, &state[i], &rounds[i]))
}
