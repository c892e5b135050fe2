//! One part of a truncated value whose carries its helper has shared bit by bit.
//!
//! Source: `src/tacit/mpc/rep3_malicious/truncate.py`, which has the theorem and its notation. Setting, cost: as above.

use super::Shift;
use crate::error::{Error, Result, ensure};
use crate::simd::multiversion;

/// What a holder of one part knows: its addend x, parts of the bits k, w and t as bytes, and of the dealt sums of
/// products, `product` for k and w, `both` for t.
#[derive(Clone, Copy)]
pub struct Carried<'a> {
    /// The addend.
    pub x: &'a [u64],
    /// Part of `2·N·w_2·w_0 − 2·k_2·k_0`.
    pub product: &'a [u64],
    /// Part of `t_2·t_0`.
    pub both: &'a [u64],
    /// The carry out of the dropped bits.
    pub k: &'a [u8],
    /// The carry out of the sum.
    pub w: &'a [u8],
    /// The top bit.
    pub t: &'a [u8],
}

/// The part of `q + k − N·(w + t)` and that of `N·(t − 1)`; `one` is 1 where the constant belongs.
///
/// # Errors
/// `Mismatch` unless all have one length.
pub fn carried(
    shift: Shift,
    one: u64,
    part: Carried,
    linear: &mut [u64],
    factor: &mut [u64],
) -> Result<()> {
    let n = part.x.len();
    let words = [
        part.product.len(),
        part.both.len(),
        linear.len(),
        factor.len(),
    ];
    let bytes = [part.k.len(), part.w.len(), part.t.len()];
    ensure(
        words.iter().chain(&bytes).all(|length| *length == n),
        Error::Mismatch("all parts must have one length"),
    )?;
    let scale = (shift.ring_bits - shift.bits) as u32;
    sums(shift.bits as u32, scale, one, part, linear, factor);
    Ok(())
}

multiversion! {
    fn sums(bits: u32, scale: u32, one: u64, part: Carried, linear: &mut [u64], factor: &mut [u64]) {
        let words = part.x.iter().zip(part.product).zip(part.both);
        let bytes = part.k.iter().zip(part.w).zip(part.t);
        let outs = linear.iter_mut().zip(factor);
        for (((linear, factor), ((x, product), both)), ((k, w), t)) in outs.zip(words).zip(bytes) {
            let top = u64::from(*t).wrapping_sub(both << 1);
            let wraps = top.wrapping_add(u64::from(*w)) << scale;
            let kept = (x >> bits).wrapping_add(u64::from(*k)).wrapping_add(*product);
            *linear = kept.wrapping_sub(wraps);
            *factor = top.wrapping_sub(one) << scale;
        }
    }
}
