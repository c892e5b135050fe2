//! Function secret sharing: two keys, none of which says where a function is not zero, and whose values add
//! up to it.
//!
//! Source: Boyle–Gilboa–Ishai 2016 (ePrint 2018/707) Figure 1 for points; Boyle et al. 2021 (ePrint 2020/1392)
//! Figure 1 for comparisons.
//! Setting: a dealer makes both keys (or two parties between them); semi-honest; PRG if AES is an ideal
//! cipher. All keys of a call share one AES key, SHA-512 of the call's label, so that work against one call
//! is lost on others.
//! Notation: domain `0 … 2^n − 1`, `n ≤ 64`; the function is `β` at `α` (or below `α`) and 0 elsewhere;
//! outputs in `Z_2^64` or in `Z_2`, which is the same modulo 2.

pub mod dcf;
pub mod dpf;
mod tree;

#[cfg(test)]
mod tests;

use crate::error::{Error, Result, ensure};

/// Where the values of a function lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// `Z_2`; values are 0 and 1 in a word.
    Bit,
    /// `Z_2^64`.
    Word,
}

/// Domain of `n` bits, and outputs.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    n: usize,
    output: Output,
}

/// Longest domain of which all values are computed at once.
const ALL_BITS: usize = 30;

impl Shape {
    /// # Errors
    /// `Range` unless `1 ≤ n ≤ 64`.
    pub fn new(n: usize, output: Output) -> Result<Self> {
        let fits = (1..=64).contains(&n);
        ensure(fits, Error::Range("a domain has 1 to 64 bits"))?;
        Ok(Self { n, output })
    }

    /// Output words are taken modulo this mask.
    fn mask(self) -> u64 {
        match self.output {
            Output::Bit => 1,
            Output::Word => u64::MAX,
        }
    }

    fn check_points(self, points: &[u64]) -> Result<()> {
        let above = points.iter().fold(0, |seen, point| seen | point);
        let fits = self.n == 64 || above >> self.n == 0;
        ensure(fits, Error::Range("a point is outside the domain"))
    }

    /// Checks `α` and `β` of new keys, and the room for the keys.
    fn check_new(
        self,
        size: usize,
        alphas: &[u64],
        betas: &[u64],
        keys: &[&mut [u8]; 2],
    ) -> Result<()> {
        let room = Some(keys[0].len()) == alphas.len().checked_mul(size);
        let fits = alphas.len() == betas.len() && room && keys[0].len() == keys[1].len();
        ensure(
            fits,
            Error::Mismatch("one beta and room for two keys per alpha"),
        )?;
        self.check_points(alphas)?;
        let above = betas.iter().fold(0, |seen, beta| seen | beta) & !self.mask();
        ensure(above == 0, Error::Range("beta must be 0 or 1"))
    }

    /// Checks an evaluation at `points.len() / keys` points for each key; returns that number.
    fn check_evaluation(self, count: usize, points: &[u64], out: &[u64]) -> Result<usize> {
        let each = points.len() / count.max(1);
        let fits = each * count == points.len() && out.len() == points.len();
        ensure(
            fits,
            Error::Mismatch("every key takes the same number of points"),
        )?;
        self.check_points(points)?;
        Ok(each)
    }

    fn check_all(self) -> Result<()> {
        ensure(
            self.n <= ALL_BITS,
            Error::Range("all values: at most 30 bits"),
        )
    }
}

fn check_party(party: u8) -> Result<()> {
    ensure(party < 2, Error::Range("party must be 0 or 1"))
}

/// `x` for party 0 and `−x` for party 1.
#[inline(always)]
fn signed(x: u64, party: u64) -> u64 {
    (x ^ party.wrapping_neg()).wrapping_add(party)
}
