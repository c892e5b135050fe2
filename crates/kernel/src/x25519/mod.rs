//! Masks on Curve25519 by x-coordinates alone: hash to curve, ladder, eight at a time.
//!
//! Source: RFC 7748 (curve, ladder); RFC 9380, `curve25519_XMD:SHA-512_ELL2_NU_` (hash). Setting: DDH in the
//! group below, random oracle; constant time in scalars and in items of one length.
//! Differs: scalars are not clamped but `8a`, a below 2^252; only x is computed.
//!
//! **Group.** G is the subgroup of prime order ℓ of the curve, its elements taken up to sign: a message is x,
//! as x(P) = x(-P), and x(aP) depends on x(P) only, so masks commute. Scalars are 8a with a uniform below
//! 2^252, within 2^-126 of uniform modulo ℓ: the factor 8 moves every point of the curve into G.
//!
//! **Why one map suffices.** Elligator 2 hits only points of the curve, never of its twist (a raw digest as x
//! would lie on either, and multiplication keeps the side: one bit of the item's hash would stay visible under
//! the mask). It hits half of the points, each up to sign from two arguments; so times 8 every element of G
//! has at most twice its uniform probability, 8 points of the curve lying above it. A reduction from DDH draws
//! Q in G, keeps it with half the ratio of the two probabilities, and programs the hash with a random argument
//! that leads to Q. So x(8aQ) is pseudorandom beside x(8Q), as for a uniform hash; indifferentiability is not needed.
//!
//! **The peer's points** are canonical (x < p), on the curve and not of small order, or refused. A point with
//! a component of small order loses it by the factor 8.
//!
//! Notation: A = 486662; `k` scalar. Cost per item: one map (254 squarings), one ladder (252 x 5 products,
//! 4 squarings); per point of the peer the same, the squarings for the check that it is on the curve.

use crate::curve::{Encoded, HashToGroup, item_jobs};
use crate::error::{Error, Result, ensure};
use crate::parallel::share_out;

#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
#[cfg(test)]
mod tests;

/// Coefficient of the curve `y^2 = x^3 + A x^2 + x`.
const A: u64 = 486_662;
const BAD_POINT: &str = "not the canonical x of a point of Curve25519, or one of small order";
/// Items of one job: they share an inversion.
const BATCH: usize = 256;

/// Uniform modulo p up to 2^-128, in 256 bits.
type Uniform = [u64; 4];

/// `hash_to_field` of all.
fn hash_to_field<'a>(hash: &HashToGroup, items: impl Iterator<Item = &'a [u8]>) -> Vec<Uniform> {
    hash.expand_all(items).iter().map(reduced).collect()
}

/// 48 bytes, big-endian, modulo p.
fn reduced(uniform: &[u8; 48]) -> Uniform {
    let mut words = [0u64; 6];
    for (word, bytes) in words.iter_mut().rev().zip(uniform.as_chunks::<8>().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    // 2^256 is 38 modulo p.
    let mut carry = 0u128;
    let mut low = [0u64; 4];
    for (i, low) in low.iter_mut().enumerate() {
        let upper = if i < 2 { words[4 + i] } else { 0 };
        carry += u128::from(words[i]) + 38 * u128::from(upper);
        *low = carry as u64;
        carry >>= 64;
    }
    // A carry here leaves the words below 2^134.
    low[0] += 38 * carry as u64;
    low
}

/// A scalar `8a` from uniform bytes.
#[must_use]
pub fn scalar(uniform: &[u8; 32]) -> [u8; 32] {
    let mut out = *uniform;
    out[0] &= 0xf8;
    out[31] &= 0x7f;
    out
}

fn check_scalar(bytes: &[u8; 32]) -> Result<()> {
    ensure(
        *bytes == scalar(bytes) && *bytes != [0; 32],
        Error::Range("scalar must be a multiple of 8 below 2^255, not zero"),
    )
}

fn canonical(x: &Encoded) -> bool {
    let top = x[31] < 0x7f || (x[31] == 0x7f && x[1..31].iter().any(|byte| *byte != 0xff));
    top || (x[31] == 0x7f && x[0] < 0xed)
}

/// `out[i] = x(k·H(item i))`; arguments as in [`crate::curve::mask_items`].
///
/// # Errors
/// `Range` for bad offsets, scalar, dst or threads; `Mismatch` if `out` has not `n` entries.
pub fn mask_items(
    data: &[u8],
    offsets: &[i64],
    dst: &[u8],
    scalar: &[u8; 32],
    threads: usize,
    out: &mut [Encoded],
) -> Result<()> {
    let hash = HashToGroup::new(dst)?;
    check_scalar(scalar)?;
    let jobs = item_jobs(data, offsets, out, BATCH)?;
    share_out(threads, jobs, |(spans, out)| {
        let hashed = hash_to_field(&hash, spans);
        #[cfg(target_arch = "x86_64")]
        if crate::lanes::available() {
            ifma::mask(&hashed, scalar, out);
            return Ok(());
        }
        portable::mask(&hashed, scalar, out);
        Ok(())
    })
}

/// `out[i] = x(k·P)` for `points[i] = x(P)`.
///
/// # Errors
/// `Malformed` if a point is not canonical, not on the curve, or of small order; `Range` for a bad scalar or
/// threads; `Mismatch` if `out` has another length.
pub fn remask_points(
    points: &[Encoded],
    scalar: &[u8; 32],
    threads: usize,
    out: &mut [Encoded],
) -> Result<()> {
    check_scalar(scalar)?;
    ensure(
        points.len() == out.len(),
        Error::Mismatch("out must have one entry per point"),
    )?;
    let jobs = points.chunks(BATCH).zip(out.chunks_mut(BATCH));
    share_out(threads, jobs, |(points, out)| {
        ensure(points.iter().all(canonical), Error::Malformed(BAD_POINT))?;
        #[cfg(target_arch = "x86_64")]
        if crate::lanes::available() {
            return ifma::remask(points, scalar, out);
        }
        portable::remask(points, scalar, out)
    })
}
