//! Pairs over the field `GF(2^64) = GF(2)[X]/(X^64 + X^4 + X^3 + X + 1)`: a block is two elements, the first in its
//! low half; a scalar is a block whose low half alone counts.
//!
//! Source: the pentanomial of least weight and degree, as tables of irreducible polynomials have it.
//! Setting: local; constant time on every tier.
//! Cost: 2 carry-less products for a pair; 4 pairs per instruction on AVX-512. Floor: the same.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::aes::{Block, xor};
#[cfg(target_arch = "x86_64")]
use crate::simd::Tier;
use crate::simd::tier;

fn halves(block: &Block) -> [u64; 2] {
    let block = u128::from_le_bytes(*block);
    [block as u64, (block >> 64) as u64]
}

fn join([low, high]: [u64; 2]) -> Block {
    (u128::from(low) | u128::from(high) << 64).to_le_bytes()
}

fn portable_product(a: u64, b: u64) -> u128 {
    (0..64).fold(0, |sum, i| {
        let mask = u128::from(b >> i & 1).wrapping_neg();
        sum ^ (u128::from(a) << i) & mask
    })
}

/// `low + X^64·high` with `X^64 = X^4 + X^3 + X + 1`.
fn reduce(product: u128) -> u64 {
    let (low, high) = (product as u64, (product >> 64) as u64);
    let carry = (high >> 63) ^ (high >> 61) ^ (high >> 60);
    let fold = |x: u64| x ^ (x << 1) ^ (x << 3) ^ (x << 4);
    low ^ fold(high) ^ fold(carry)
}

fn portable_mul(x: &Block, c: &Block) -> Block {
    let [c, _] = halves(c);
    join(halves(x).map(|x| reduce(portable_product(x, c))))
}

/// The pair `c·x`.
#[must_use]
pub fn mul(x: &Block, c: &Block) -> Block {
    let mut x = [*x];
    scale(&mut x, c);
    x[0]
}

/// `x[i] ← c·x[i]`.
pub fn scale(x: &mut [Block], c: &Block) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 | Tier::Avx512 => x86::scale(x, c),
        _ => x.iter_mut().for_each(|x| *x = portable_mul(x, c)),
    }
}

/// `out[i] = Σ c[j]·x[i]^(j+1)` over the shorter length of `x` and `out`: pairs `c`, scalars `x`.
pub fn polynomials(c: &[Block], x: &[Block], out: &mut [Block]) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => x86::polynomials_512(c, x, out),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => x86::polynomials_128(c, x, out),
        _ => {
            for (out, x) in out.iter_mut().zip(x) {
                let horner = |sum: Block, c: &Block| portable_mul(&xor(sum, *c), x);
                *out = c.iter().rev().fold([0; 16], horner);
            }
        }
    }
}

/// `Σ X^i·x[i]` for up to 64 pairs.
#[must_use]
pub fn combine(x: &[Block]) -> Block {
    let term = |(i, x): (usize, &Block)| mul(x, &join([1 << i, 0]));
    x.iter().enumerate().map(term).fold([0; 16], xor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    /// Schoolbook: `b` from the highest coefficient down, doubling modulo the polynomial.
    fn define(a: u64, b: u64) -> u64 {
        (0..64).rev().fold(0u64, |product, i| {
            (product << 1) ^ ((product >> 63) * 0x1b) ^ (a * (b >> i & 1))
        })
    }

    fn define_pair(x: Block, c: Block) -> Block {
        join(halves(&x).map(|x| define(x, halves(&c)[0])))
    }

    #[test]
    fn products_follow_the_definition_on_every_tier() {
        let mut random = Stream::new(42);
        let (a, b) = (random.blocks(37), random.blocks(37));
        on_every_tier(|_| {
            assert_eq!(
                mul(&[0xff; 16], &[0xff; 16]),
                define_pair([0xff; 16], [0xff; 16])
            );
            let mut scaled = a.clone();
            scale(&mut scaled, &b[0]);
            for (scaled, a) in scaled.iter().zip(&a) {
                assert_eq!(*scaled, define_pair(*a, b[0]));
            }
            let mut values = vec![[7; 16]; 37];
            for terms in 0..4 {
                for len in [0, 1, 4, 7, 37] {
                    polynomials(&b[..terms], &a, &mut values[..len]);
                    for (value, a) in values[..len].iter().zip(&a) {
                        let horner = |sum, c: &Block| define_pair(xor(sum, *c), *a);
                        assert_eq!(*value, b[..terms].iter().rev().fold([0; 16], horner));
                    }
                }
            }
            let x = define_pair(a[1], join([2, 0]));
            assert_eq!(combine(&a[..2]), xor(a[0], x));
        });
    }

    #[test]
    fn the_polynomial_is_irreducible() {
        // X^(2^64) = X, and X lies in no smaller field: the largest is that of 2^32 elements.
        let square = |x: u64| define(x, x);
        let half = (0..32).fold(2u64, |x, _| square(x));
        assert_eq!((0..32).fold(half, |x, _| square(x)), 2);
        // gcd(X^(2^32) − X, polynomial) = 1, because the difference has an inverse.
        let difference = half ^ 2;
        let mut power = 1;
        for _ in 0..64 {
            power = define(square(power), difference);
        }
        assert_eq!(power, 1, "difference^(2^64 − 1)");
    }
}
