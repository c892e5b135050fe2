//! The field `GF(2^128) = GF(2)[X]/(X^128 + X^7 + X^2 + X + 1)`: a block, bit `i` the coefficient of `X^i`.
//!
//! Source: NIST SP 800-38D §6.3 gives the polynomial (bits here are in plain, not reflected, order).
//! Setting: local; constant time on every tier.
//! Cost: an inner product takes 4 carry-less products per element and is reduced once; 4 elements per
//! instruction on AVX-512. Floor: the same.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::aes::{Block, xor};
#[cfg(target_arch = "x86_64")]
use crate::simd::Tier;
use crate::simd::tier;

/// An unreduced product: coefficients of `X^0..X^127` and of `X^128..X^255`.
type Wide = (u128, u128);

fn portable_product(a: u128, b: u128) -> Wide {
    let (mut low, mut high) = (0u128, 0u128);
    for i in 0..128 {
        let mask = (b >> i & 1).wrapping_neg();
        low ^= (a << i) & mask;
        // Two shifts, because one of 128 would overflow.
        high ^= (a >> 1 >> (127 - i)) & mask;
    }
    (low, high)
}

/// `low + X^128·high` with `X^128 = X^7 + X^2 + X + 1`.
fn reduce((low, high): Wide) -> u128 {
    let carry = (high >> 127) ^ (high >> 126) ^ (high >> 121);
    let fold = |x: u128| x ^ (x << 1) ^ (x << 2) ^ (x << 7);
    low ^ fold(high) ^ fold(carry)
}

/// `Σ a[i]·b[i]` over the shorter length.
#[must_use]
pub fn inner_product(a: &[Block], b: &[Block]) -> Block {
    let sum = match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => x86::inner_product_512(a, b),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => x86::inner_product_128(a, b),
        _ => a.iter().zip(b).fold((0, 0), |(low, high), (a, b)| {
            let product = portable_product(u128::from_le_bytes(*a), u128::from_le_bytes(*b));
            (low ^ product.0, high ^ product.1)
        }),
    };
    reduce(sum).to_le_bytes()
}

/// `a·b`.
#[must_use]
pub fn mul(a: &Block, b: &Block) -> Block {
    inner_product(&[*a], &[*b])
}

/// `x[i] ← c·x[i]`.
pub fn scale(x: &mut [Block], c: &Block) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 | Tier::Avx512 => x86::scale(x, c),
        _ => x.iter_mut().for_each(|x| *x = mul(x, c)),
    }
}

/// `out[i] = Σ c[j]·x[i]^(j+1)` over the shorter length of `x` and `out`.
pub fn polynomials(c: &[Block], x: &[Block], out: &mut [Block]) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => x86::polynomials_512(c, x, out),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => x86::polynomials_128(c, x, out),
        _ => {
            for (out, x) in out.iter_mut().zip(x) {
                let horner = |sum: Block, c: &Block| mul(&xor(sum, *c), x);
                *out = c.iter().rev().fold([0; 16], horner);
            }
        }
    }
}

/// `Σ X^i·x[i]` for up to 128 blocks.
#[must_use]
pub fn combine(x: &[Block]) -> Block {
    let powers: Vec<Block> = (0..x.len()).map(|i| (1u128 << i).to_le_bytes()).collect();
    inner_product(x, &powers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    /// Schoolbook: `b` from the highest coefficient down, doubling modulo the polynomial.
    fn define(a: Block, b: Block) -> Block {
        let (a, b) = (u128::from_le_bytes(a), u128::from_le_bytes(b));
        let mut product = 0u128;
        for i in (0..128).rev() {
            let overflow = product >> 127;
            product = (product << 1) ^ (overflow * 0x87);
            product ^= a * (b >> i & 1);
        }
        product.to_le_bytes()
    }

    #[test]
    fn products_follow_the_definition_on_every_tier() {
        let mut random = Stream::new(40);
        let (a, b) = (random.blocks(37), random.blocks(37));
        on_every_tier(|_| {
            for len in [0, 1, 3, 4, 5, 8, 37] {
                let expected = a[..len]
                    .iter()
                    .zip(&b)
                    .fold([0; 16], |sum, (a, b)| xor(sum, define(*a, *b)));
                assert_eq!(inner_product(&a[..len], &b), expected);
            }
            assert_eq!(
                mul(&[0xff; 16], &[0xff; 16]),
                define([0xff; 16], [0xff; 16])
            );
            let mut scaled = a.clone();
            scale(&mut scaled, &b[0]);
            for (scaled, a) in scaled.iter().zip(&a) {
                assert_eq!(*scaled, define(*a, b[0]));
            }
            let mut values = vec![[7; 16]; 37];
            for terms in 0..4 {
                polynomials(&b[..terms], &a, &mut values);
                for (value, a) in values.iter().zip(&a) {
                    let horner = |sum, c: &Block| define(xor(sum, *c), *a);
                    assert_eq!(*value, b[..terms].iter().rev().fold([0; 16], horner));
                }
            }
            let x = define(a[1], 2u128.to_le_bytes());
            assert_eq!(combine(&a[..2]), xor(a[0], x));
        });
    }

    #[test]
    fn inverses_exist_as_in_a_field() {
        // a^(2^128 − 1) = 1 for a ≠ 0.
        let a = Stream::new(41).blocks(1)[0];
        let mut power = 1u128.to_le_bytes();
        for _ in 0..128 {
            power = mul(&mul(&power, &power), &a);
        }
        assert_eq!(power, 1u128.to_le_bytes());
    }
}
