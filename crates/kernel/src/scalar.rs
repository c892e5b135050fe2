//! Two ways of multiplying blocks by scalars, so that what is linear over either is written once.
//!
//! [`Scalars::Whole`]: blocks are elements of `GF(2^128)`, and so are scalars. [`Scalars::Half`]: blocks are pairs
//! over `GF(2^64)`, scalars elements of it, kept in the low half of a block whose high half is zero. A secret pair
//! `Δ` times a scalar other than 0 is as uniform as a block times one, while a scalar has half the bytes.

use crate::aes::{Block, xor};
use crate::error::{Error, Result, ensure};
use crate::{gf64, gf128};

/// What blocks are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalars {
    /// Elements of `GF(2^128)`.
    Whole,
    /// Elements of `GF(2^64)`.
    Half,
}

impl Scalars {
    /// Those of so many bits.
    ///
    /// # Errors
    /// `Range` for any other number than 64 and 128.
    pub fn of_bits(bits: usize) -> Result<Self> {
        match bits {
            128 => Ok(Self::Whole),
            64 => Ok(Self::Half),
            _ => Err(Error::Range("scalars have 64 or 128 bits")),
        }
    }

    /// Bytes of one on the wire.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Whole => 16,
            Self::Half => 8,
        }
    }

    /// `c·x`.
    #[must_use]
    pub fn mul(self, x: &Block, c: &Block) -> Block {
        match self {
            Self::Whole => gf128::mul(x, c),
            Self::Half => gf64::mul(x, c),
        }
    }

    /// `x[i] ← c·x[i]`.
    pub fn scale(self, x: &mut [Block], c: &Block) {
        match self {
            Self::Whole => gf128::scale(x, c),
            Self::Half => gf64::scale(x, c),
        }
    }

    /// `out[i] = Σ c[j]·x[i]^(j+1)` over the shorter length of the scalars `x` and of `out`.
    pub fn polynomials(self, c: &[Block], x: &[Block], out: &mut [Block]) {
        match self {
            Self::Whole => gf128::polynomials(c, x, out),
            Self::Half => gf64::polynomials(c, x, out),
        }
    }

    /// `Σ X^i·x[i]` for as many blocks as a scalar has bits.
    #[must_use]
    pub fn combine(self, x: &[Block]) -> Block {
        match self {
            Self::Whole => gf128::combine(x),
            Self::Half => gf64::combine(x),
        }
    }

    /// `Σ c[i]·x[i]` over the shorter length.
    #[must_use]
    pub fn inner_product(self, x: &[Block], c: &[Block]) -> Block {
        match self {
            Self::Whole => gf128::inner_product(x, c),
            Self::Half => x
                .iter()
                .zip(c)
                .fold([0; 16], |sum, (x, c)| xor(sum, gf64::mul(x, c))),
        }
    }

    /// Random blocks to random scalars.
    pub fn truncate(self, blocks: &mut [Block]) {
        if self == Self::Half {
            blocks.iter_mut().for_each(|block| block[8..].fill(0));
        }
    }

    /// Scalars in the form in which they are sent.
    ///
    /// # Errors
    /// `Mismatch` unless `out` has [`Scalars::bytes`] for each.
    pub fn narrow(self, scalars: &[Block], out: &mut [u8]) -> Result<()> {
        let fits = out.len() == scalars.len() * self.bytes();
        ensure(fits, Error::Mismatch("there must be room for every scalar"))?;
        for (out, scalar) in out.chunks_exact_mut(self.bytes()).zip(scalars) {
            out.copy_from_slice(&scalar[..out.len()]);
        }
        Ok(())
    }

    /// Scalars from the form in which they are sent; what is less than one is left out.
    #[must_use]
    pub fn widen(self, bytes: &[u8]) -> Vec<Block> {
        let scalar = |bytes: &[u8]| {
            let mut scalar = [0; 16];
            scalar[..bytes.len()].copy_from_slice(bytes);
            scalar
        };
        bytes.chunks_exact(self.bytes()).map(scalar).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn scalars_act_linearly_and_keep_their_bytes() {
        let mut random = Stream::new(43);
        for scalars in [Scalars::Whole, Scalars::Half] {
            assert_eq!(Scalars::of_bits(8 * scalars.bytes()).unwrap(), scalars);
            let x = random.blocks(5);
            let mut c = random.blocks(5);
            scalars.truncate(&mut c);
            let mut bytes = vec![0; 5 * scalars.bytes()];
            scalars.narrow(&c, &mut bytes).unwrap();
            assert_eq!(scalars.widen(&bytes), c);
            assert!(scalars.narrow(&c[1..], &mut bytes).is_err());
            let sum = xor(scalars.mul(&x[0], &c[0]), scalars.mul(&x[0], &c[1]));
            assert_eq!(scalars.mul(&x[0], &xor(c[0], c[1])), sum);
            let product = scalars.mul(&scalars.mul(&x[0], &c[0]), &c[1]);
            assert_eq!(scalars.mul(&x[0], &scalars.mul(&c[0], &c[1])), product);
            let sum = xor(scalars.mul(&x[0], &c[0]), scalars.mul(&x[1], &c[1]));
            assert_eq!(scalars.inner_product(&x[..2], &c), sum);
        }
        assert!(Scalars::of_bits(80).is_err());
    }
}
