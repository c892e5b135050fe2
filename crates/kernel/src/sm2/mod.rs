//! Masks on the SM2 curve by x-coordinates: hash to curve with SM3, and multiplication, eight at a time.
//!
//! Source: GB/T 32918.5-2017 (curve), GB/T 32905-2016 (SM3), RFC 9380 §5.3.1 and §6.6.2 (hash). Setting: DDH,
//! random oracle; constant time in scalars and in items of one length. The curve has prime order: every point
//! but infinity, which has no x, generates the group.
//! Differs: no standard defines a suite of RFC 9380 for this curve. This one follows its rules, with
//! `expand_message_xmd` over SM3, L = 48, simplified SWU with Z = -9 (the choice of its appendix H.2),
//! `encode_to_curve`, one map. Only x is sent: x(kP) depends on x(P) only.
//!
//! **Why one map suffices.** At most eight arguments lead to one x, so no element up to sign has more than four
//! times its uniform probability; the reduction from DDH keeps drawn elements in proportion, as in `x25519`.
//!
//! **Exceptions.** Scalars are odd (of k and n - k one is, and both give one x) and at most n - 32: then the
//! incomplete formulas of [`curve`] meet none.
//!
//! Notation: n order, `k` scalar. Cost per item: 6 compressions of SM3, one map (256 squarings), one
//! multiplication (256 doublings of 8 products, 64 additions of 11, a table of 8); per point of the peer a
//! square root and one multiplication.

use crate::curve::{Encoded, item_jobs};
use crate::error::{Error, Result, ensure};
use crate::parallel::share_out;
use crate::sm3::Expander;
use curve::{decode_all, digits, map_all, multiply_all};
use field::{P, Single, below, bytes, words};
use zeroize::Zeroizing;

mod curve;
mod field;
#[cfg(target_arch = "x86_64")]
mod field8;
#[cfg(test)]
mod tests;

const N: [u64; 4] = [
    0x53bb_f409_39d5_4123,
    0x7203_df6b_21c6_052b,
    0xffff_ffff_ffff_ffff,
    0xffff_fffe_ffff_ffff,
];
/// `n - 31`: scalars are below.
const BOUND: [u64; 4] = [N[0] - 31, N[1], N[2], N[3]];
/// Items of one job: they share inversions.
const BATCH: usize = 256;

type Digits = [i8; 64];

/// 48 bytes, big-endian, as words.
fn wide(uniform: &[u8; 48]) -> [u64; 6] {
    let words = uniform.as_chunks::<8>().0;
    core::array::from_fn(|i| u64::from_be_bytes(words[5 - i]))
}

/// `a - b` modulo 2^256.
fn difference(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let mut borrow = 0i128;
    core::array::from_fn(|i| {
        borrow += i128::from(a[i]) - i128::from(b[i]);
        let word = borrow as u64;
        borrow >>= 64;
        word
    })
}

fn select(choice: bool, a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let mask = u64::from(choice).wrapping_neg();
    core::array::from_fn(|i| a[i] ^ (mask & (a[i] ^ b[i])))
}

/// A scalar from 64 uniform bytes: their integer modulo n, or its opposite, whichever is odd; 32 bytes,
/// big-endian.
#[must_use]
pub fn scalar(uniform: &[u8; 64]) -> [u8; 32] {
    let mut k = [0u64; 4];
    for byte in uniform {
        for i in (0..8).rev() {
            let top = k[3] >> 63 == 1;
            for j in (1..4).rev() {
                k[j] = k[j] << 1 | k[j - 1] >> 63;
            }
            k[0] = k[0] << 1 | u64::from(byte >> i & 1);
            let over = top | !below(&k, &N);
            k = select(over, &k, &difference(&k, &N));
        }
    }
    bytes(select(k[0] & 1 == 0, &k, &difference(&N, &k)))
}

fn secret_digits(scalar: &[u8; 32]) -> Result<Zeroizing<Digits>> {
    let k = Zeroizing::new(words(scalar));
    ensure(
        k[0] & 1 == 1 && below(&k, &BOUND),
        Error::Range("scalar must be odd and at most n - 32"),
    )?;
    Ok(Zeroizing::new(digits(&k)))
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
    let hash = Expander::new(dst)?;
    let k = secret_digits(scalar)?;
    let jobs = item_jobs(data, offsets, out, BATCH)?;
    share_out(threads, jobs, |(items, out)| {
        let uniform: Vec<[u64; 6]> = items.map(|item| wide(&hash.expand(item))).collect();
        #[cfg(target_arch = "x86_64")]
        if crate::lanes::available() {
            eight::mask(&uniform, &k, out);
            return Ok(());
        }
        multiply_all(&mut map_all::<Single>(&uniform), &k, out);
        Ok(())
    })
}

/// `out[i] = x(k·P)` for `points[i] = x(P)`.
///
/// # Errors
/// `Malformed` if a point is not canonical or not on the curve; `Range` for a bad scalar or threads;
/// `Mismatch` if `out` has another length.
pub fn remask_points(
    points: &[Encoded],
    scalar: &[u8; 32],
    threads: usize,
    out: &mut [Encoded],
) -> Result<()> {
    let k = secret_digits(scalar)?;
    ensure(
        points.len() == out.len(),
        Error::Mismatch("out must have one entry per point"),
    )?;
    let jobs = points.chunks(BATCH).zip(out.chunks_mut(BATCH));
    share_out(threads, jobs, |(points, out)| {
        let x: Vec<[u64; 4]> = points.iter().map(words).collect();
        let canonical = x.iter().all(|x| below(x, &P));
        ensure(canonical && remask(&x, &k, out), BAD_POINT)
    })
}

const BAD_POINT: Error = Error::Malformed("not the canonical x of a point of the SM2 curve");

/// Whether all x lie on the curve; only then `out` is written.
fn remask(x: &[[u64; 4]], k: &Digits, out: &mut [Encoded]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::available() {
        return eight::remask(x, k, out);
    }
    match decode_all::<Single>(x) {
        Some(mut points) => multiply_all(&mut points, k, out),
        None => return false,
    }
    true
}

/// The same with IFMA; called only if `lanes::available()`.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod eight {
    use super::field8::Eight;
    use super::{Digits, Encoded, decode_all, map_all, multiply_all};

    pub(super) fn mask(uniform: &[[u64; 6]], k: &Digits, out: &mut [Encoded]) {
        // SAFETY: the machine has the instructions.
        unsafe { mask_ifma(uniform, k, out) }
    }

    pub(super) fn remask(x: &[[u64; 4]], k: &Digits, out: &mut [Encoded]) -> bool {
        // SAFETY: the machine has the instructions.
        unsafe { remask_ifma(x, k, out) }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn mask_ifma(uniform: &[[u64; 6]], k: &Digits, out: &mut [Encoded]) {
        multiply_all(&mut map_all::<Eight>(uniform), k, out);
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn remask_ifma(x: &[[u64; 4]], k: &Digits, out: &mut [Encoded]) -> bool {
        match decode_all::<Eight>(x) {
            Some(mut points) => multiply_all(&mut points, k, out),
            None => return false,
        }
        true
    }
}
