//! The seat of the compressing code: another code takes it by implementing [`Code`].

use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::scalar::Scalars;

/// Fewest outputs of an instance: below, 128 noisy positions are too dense.
pub const LEAST: usize = 1 << 12;
/// Most outputs of an instance: above, the code word leaves the cache.
pub const MOST: usize = 1 << 17;

/// Over which field the code is linear.
///
/// Outputs over a large field need a code that is not defined over GF(2): otherwise the bit planes of the noise are
/// 64 or 128 syndromes of one support, and linear algebra finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// GF(2), for choice bits.
    Bits,
    /// The field of these scalars, for its elements.
    Field(Scalars),
}

/// A public linear map from `2N` noise symbols to `N` outputs that hides regular noise.
pub trait Code {
    /// The code with `N = outputs`, a power of two in [`LEAST`]`..=`[`MOST`].
    fn new(outputs: usize) -> Self;

    /// The first `out.len() ≤ N` outputs for `2N` blocks of noise, which are overwritten.
    fn compress(&self, over: Over, noise: &mut [Block], out: &mut [Block]);

    /// The first `8·out.len() ≤ N` outputs for `2N` packed bits of noise, which are overwritten.
    fn compress_bits(&self, noise: &mut [u64], out: &mut [u8]);
}

/// The instance that serves `n` outputs: the least `N` that holds them.
///
/// # Errors
/// `Range` unless `1 ≤ n ≤` [`MOST`].
pub fn outputs_for(n: usize) -> Result<usize> {
    let fits = (1..=MOST).contains(&n);
    ensure(fits, Error::Range("an instance has 1 to 2^17 outputs"))?;
    Ok(n.next_power_of_two().max(LEAST))
}
