//! Sums for distributed zero-knowledge proofs that products are right, over two extension rings.
//!
//! Source: Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai 2019 (ePrint 2019/188) §5; folding several variables while
//! values are plain: Bagad, Domb, Thaler 2024 (ePrint 2024/1046) §3. Setting: local; time and memory accesses
//! depend on shapes and on challenges, which are public, and not on values.
//! Notation: n values are rows of `2^t`; a row is a function on `{0,1}^t`, variable 0 lowest. Its extension to
//! `{0,1,∞}^t` has at `∞` the leading coefficient in that variable, `f(1) − f(0)`; points are numbers in base 3,
//! digit 2 is `∞`. The last row is filled up with zeros. `alpha` has one challenge for each row.
//! Cost: `tensor`: `(3/2)^t` plain products per pair of values and weighted sums per gate; the rest is linear.

pub mod binary;
#[cfg(target_arch = "x86_64")]
mod clmul;
pub mod galois;
#[cfg(target_arch = "x86_64")]
mod gfni;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod narrow;
mod plain;
#[cfg(target_arch = "x86_64")]
mod tile_bits;
#[cfg(target_arch = "x86_64")]
mod tile_rows;
#[cfg(target_arch = "x86_64")]
mod tile_sums;
#[cfg(target_arch = "x86_64")]
mod tile_wide;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod values;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod plain_tests;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result, ensure};
pub use values::Values;

/// Most variables that are folded at once.
pub const MOST_VARIABLES: usize = 7;

/// Points of `{0,1,∞}^t`.
///
/// # Errors
/// `Range` if `t` is above [`MOST_VARIABLES`].
pub fn points(t: usize) -> Result<usize> {
    ensure(t <= MOST_VARIABLES, Error::Range("t must be 0 to 7"))?;
    Ok(3usize.pow(t as u32))
}

fn check_rows(n: usize, t: usize, alpha: usize) -> Result<()> {
    points(t)?;
    ensure(
        n.div_ceil(1 << t) == alpha,
        Error::Mismatch("alpha must have one challenge for each row"),
    )
}

/// Extends one row in place: `row[..2^t]` becomes `row[..3^t]`, values of `width` words.
///
/// `difference(one, zero)` is `f(1) − f(0)`.
#[inline(always)]
fn extend(row: &mut [u64], t: usize, width: usize, difference: impl Fn(u64, u64) -> u64) {
    // Variable v: blocks of 3^v points for v's values 0 and 1 become three blocks. From the highest row
    // of blocks down, so that nothing is overwritten before it has moved.
    for v in 0..t {
        let block = 3usize.pow(v as u32) * width;
        for group in (0..1usize << (t - v - 1)).rev() {
            let (from, to) = (2 * group * block, 3 * group * block);
            row.copy_within(from..from + 2 * block, to);
            let (known, rest) = row[to..].split_at_mut(2 * block);
            let (zero, one) = known.split_at(block);
            for ((out, one), zero) in rest[..block].iter_mut().zip(one).zip(zero) {
                *out = difference(*one, *zero);
            }
        }
    }
}
