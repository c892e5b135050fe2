//! The negacyclic number-theoretic transform modulo one prime, and the loops beside it.
//!
//! Source: Longa–Naehrig 2016 (ePrint 2016/504) Algorithms 1 and 2 with the lazy reductions of Harvey
//! 2014. Setting: local; constant time. Transformed polynomials are in bit-reversed order, so that a
//! product is element by element; numbers are reduced to `[0, p)` at the end of every function but `lift`.
//! Cost: `N/2·log N` butterflies of 3 multiplications. Floor: 53 248 butterflies are 6 656 vectors of
//! seven instructions forward and eight back (nine for primes above `2^46`), two in a cycle: 25 000 cycles.

use super::prime::{Factor, N, Prime, WORD, WORD_MASK, at_most_once};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::simd::multiversion;

/// Coefficients that are multiplied at a time.
pub(super) const TILE: usize = 32;
pub(super) const TILES: usize = N / TILE;
/// Coefficients of one transformed polynomial that are multiplied at a time.
pub(super) type Tile = [u64; TILE];

/// Products that may be added up before a reduction.
pub(super) const MAX_TERMS: usize = 4000;

/// Transforms in place; input below `4p`.
pub(super) fn forward(prime: &Prime, a: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if let (true, Ok(a)) = (x86::available(), a.try_into()) {
        return x86::forward(prime, a);
    }
    forward_portable(prime, a);
}

/// Transforms back in place; input below `2p`.
pub(super) fn inverse(prime: &Prime, a: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if let (true, Ok(a)) = (x86::available(), a.try_into()) {
        return x86::inverse(prime, a);
    }
    inverse_portable(prime, a);
}

/// `sums = Σ_i plain[i]·cipher[i]` for both halves of a ciphertext; at most `MAX_TERMS` terms.
pub(super) fn dot(prime: &Prime, plain: &[Tile], cipher: &[[Tile; 2]], sums: [&mut Tile; 2]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::dot(prime, plain, cipher, sums);
    }
    dot_portable(prime, plain, cipher, sums);
}

/// `to = to + a·b mod p`, element by element; all inputs below `p`.
pub(super) fn multiply_add(prime: &Prime, to: &mut [u64], a: &[u64], b: &[u64]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::multiply_add(prime, to, a, b);
    }
    multiply_add_portable(prime, to, a, b);
}

/// Factors of one product: plain, and both halves of a ciphertext.
pub(super) type Term<'a> = [&'a [u64]; 3];

/// `sums = Σ_i plain_i·cipher_i` for both halves of `N` slots; at most `MAX_TERMS` terms.
pub(super) fn sums(prime: &Prime, terms: &[Term], sums: [&mut [u64]; 2]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::sums(prime, terms, sums);
    }
    sums_portable(prime, terms, sums);
}

/// `c·factor mod p`, in place, for numbers below `2^52`.
pub(super) fn scale(prime: &Prime, factor: Factor, c: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::scale(prime, factor, c);
    }
    for c in c {
        *c = prime.mul(*c, factor);
    }
}

/// Signed numbers (as words) modulo p, below `4p`.
pub(super) fn lift(prime: &Prime, from: &[u64], to: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::lift(prime, from, to);
    }
    lift_portable(prime, from, to);
}

multiversion! {
    fn forward_portable(prime: &Prime, a: &mut [u64]) {
        let (p, mut half) = (prime.p, N / 2);
        while half > 0 {
            for (block, a) in a.chunks_exact_mut(2 * half).enumerate() {
                let root = prime.forward.at(N / (2 * half) + block);
                let (low, high) = a.split_at_mut(half);
                for (x, y) in low.iter_mut().zip(high) {
                    let (u, v) = (at_most_once(*x, 2 * p), prime.mul_lazy(*y, root));
                    (*x, *y) = (u + v, u + 2 * p - v);
                }
            }
            half /= 2;
        }
        for x in a {
            *x = at_most_once(at_most_once(*x, 2 * p), p);
        }
    }
}

multiversion! {
    fn inverse_portable(prime: &Prime, a: &mut [u64]) {
        let (p, mut half) = (prime.p, 1);
        while half < N {
            for (block, a) in a.chunks_exact_mut(2 * half).enumerate() {
                let root = prime.inverse.at(N / (2 * half) + block);
                let (low, high) = a.split_at_mut(half);
                for (x, y) in low.iter_mut().zip(high) {
                    let (u, v) = (*x, *y);
                    (*x, *y) = (at_most_once(u + v, 2 * p), prime.mul_lazy(u + 2 * p - v, root));
                }
            }
            half *= 2;
        }
        for x in a {
            *x = prime.mul(*x, prime.n_inverse);
        }
    }
}

/// Adds `a·b` to a pair of sums of its low and high word.
#[inline(always)]
fn add_product(lo: &mut u64, hi: &mut u64, a: u64, b: u64) {
    let product = u128::from(a) * u128::from(b);
    *lo += product as u64 & WORD_MASK;
    *hi += (product >> WORD) as u64;
}

multiversion! {
    fn dot_portable(prime: &Prime, plain: &[Tile], cipher: &[[Tile; 2]], sums: [&mut Tile; 2]) {
        for (half, sum) in sums.into_iter().enumerate() {
            let (mut lo, mut hi) = ([0u64; TILE], [0u64; TILE]);
            for (plain, cipher) in plain.iter().zip(cipher) {
                for lane in 0..TILE {
                    add_product(&mut lo[lane], &mut hi[lane], plain[lane], cipher[half][lane]);
                }
            }
            for lane in 0..TILE {
                sum[lane] = prime.reduce_wide(lo[lane], hi[lane]);
            }
        }
    }
}

multiversion! {
    fn sums_portable(prime: &Prime, terms: &[Term], sums: [&mut [u64]; 2]) {
        for (half, sums) in sums.into_iter().enumerate() {
            for (at, sum) in sums.iter_mut().enumerate() {
                let (mut lo, mut hi) = (0, 0);
                for term in terms {
                    add_product(&mut lo, &mut hi, term[0][at], term[1 + half][at]);
                }
                *sum = prime.reduce_wide(lo, hi);
            }
        }
    }
}

multiversion! {
    fn multiply_add_portable(prime: &Prime, to: &mut [u64], a: &[u64], b: &[u64]) {
        for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
            let (mut lo, mut hi) = (*to, 0);
            add_product(&mut lo, &mut hi, *a, *b);
            *to = prime.reduce_wide(lo, hi);
        }
    }
}

multiversion! {
    fn lift_portable(prime: &Prime, from: &[u64], to: &mut [u64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = prime.lift_lazy(*from as i64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rlwe::modulus::Modulus;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    /// Numbers below `bound`: at random, all at the end, and at both ends in blocks of every size.
    fn extremes(random: &mut Stream, bound: u64) -> Vec<Vec<u64>> {
        let mut all = vec![random.words(N).iter().map(|word| word % bound).collect()];
        all.push(vec![bound - 1; N]);
        for size in (0..13).map(|log| 1 << log) {
            for odd in [0, 1] {
                let at = |i: usize| (bound - 1) * u64::from(i / size % 2 == odd);
                all.push((0..N).map(at).collect());
            }
        }
        all
    }

    #[test]
    fn transforms_reduce_all_of_their_range() {
        on_every_tier(|_| {
            let mut random = Stream::new(25);
            for modulus in [Modulus::Q180, Modulus::Q200, Modulus::Q215] {
                let prime = &modulus.basis().limbs[0].prime;
                for (transform, multiple) in [(forward as fn(&Prime, &mut [u64]), 4), (inverse, 2)]
                {
                    for wide in extremes(&mut random, multiple * prime.p) {
                        let mut canonical: Vec<u64> = wide.iter().map(|a| a % prime.p).collect();
                        let mut transformed = wide;
                        transform(prime, &mut transformed);
                        transform(prime, &mut canonical);
                        assert!(transformed.iter().all(|a| *a < prime.p));
                        assert_eq!(transformed, canonical);
                    }
                }
            }
        });
    }

    #[test]
    fn inverse_undoes_forward_at_the_ends() {
        on_every_tier(|_| {
            let mut random = Stream::new(26);
            for modulus in [Modulus::Q180, Modulus::Q200, Modulus::Q215] {
                let prime = &modulus.basis().limbs[1].prime;
                for a in extremes(&mut random, prime.p) {
                    let (mut there, mut back) = (a.clone(), a.clone());
                    forward(prime, &mut there);
                    inverse(prime, &mut there);
                    inverse(prime, &mut back);
                    forward(prime, &mut back);
                    assert!(there == a && back == a);
                }
            }
        });
    }
}
