//! The map and the ladder, eight items at a time.

#![allow(unsafe_code)]

use super::{A, BAD_POINT, BATCH, Uniform};
use crate::error::{Error, Result, ensure};
use crate::field25519::eight::{Element, MOST_INVERSES, Sums, inverses};
use crate::field25519::words;

const VECTORS: usize = BATCH / 8;
const _: () = assert!(VECTORS <= MOST_INVERSES);

/// Called only if `lanes::available()`.
pub(super) fn mask(items: &[Uniform], scalar: &[u8; 32], out: &mut [[u8; 32]]) {
    // SAFETY: the machine has the instructions.
    unsafe { mask_ifma(items, scalar, out) }
}

/// Called only if `lanes::available()`.
pub(super) fn remask(points: &[[u8; 32]], scalar: &[u8; 32], out: &mut [[u8; 32]]) -> Result<()> {
    // SAFETY: the machine has the instructions.
    unsafe { remask_ifma(points, scalar, out) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn mask_ifma(items: &[Uniform], scalar: &[u8; 32], out: &mut [[u8; 32]]) {
    let n = items.len().div_ceil(8);
    let mut numerators = [Element::zero(); VECTORS];
    let mut denominators = [Element::zero(); VECTORS];
    for (i, eight) in items.chunks(8).enumerate() {
        (numerators[i], denominators[i]) = map(Element::from_words(eight));
    }
    inverses(&mut denominators[..n]);
    for (x, inverse) in numerators.iter_mut().zip(&denominators[..n]) {
        *x = x.times(*inverse).carried();
    }
    multiply(&mut numerators[..n], scalar, out);
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn remask_ifma(points: &[[u8; 32]], scalar: &[u8; 32], out: &mut [[u8; 32]]) -> Result<()> {
    let n = points.len().div_ceil(8);
    let mut x = [Element::zero(); VECTORS];
    let mut good = true;
    for (x, eight) in x.iter_mut().zip(points.chunks(8)) {
        let mut limbs = [[0; 4]; 8];
        for (to, point) in limbs.iter_mut().zip(eight) {
            *to = words(point);
        }
        *x = Element::from_words(&limbs[..eight.len()]);
        let off = !on_curve(*x);
        good &= off.trailing_zeros() as usize >= eight.len();
    }
    multiply(&mut x[..n], scalar, out);
    good &= out.iter().all(|out| *out != [0; 32]);
    ensure(good, Error::Malformed(BAD_POINT))
}

/// Numerator and denominator of x of `map_to_curve_elligator2_curve25519` (RFC 9380 §6.7.1, Z = 2).
#[target_feature(enable = "avx512f,avx512ifma")]
fn map(u: Element) -> (Element, Element) {
    let a = Element::small(A);
    // Step 1: x1 = -A / d with d = 1 + 2u^2, never 0, as -1/2 is no square
    let square = u.square();
    let double = square.plus(square).carried();
    let d = double.sums().plus(Element::small(1).sums()).carried();
    let x1 = Sums::zero().minus(a.sums()).carried();
    // Step 2: whether x1^3 + A x1^2 + x1 is a square, from d^4 times that
    let ad = a.times(d).carried();
    let inner = x1.plus(ad).times(x1).plus(d.square()).carried();
    let character = inner.times(x1.times(d).carried()).carried().character();
    // Step 3: x1, or x2 = -x1 - A = -A 2u^2 / d
    let x2 = x1.times(double).carried();
    (x2.select(character.ones(), x1), d)
}

/// The lanes in which a point of the curve has this x, of whatever order.
#[target_feature(enable = "avx512f,avx512ifma")]
fn on_curve(x: Element) -> u8 {
    let a = Element::small(A);
    let inner = x.plus(a).times(x).plus(Element::small(1).sums());
    inner.carried().times(x).carried().character().ones()
}

/// `x(kP)` for all x in place, then encoded.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiply(x: &mut [Element], scalar: &[u8; 32], out: &mut [[u8; 32]]) {
    let mut z = [Element::zero(); VECTORS];
    let z = &mut z[..x.len()];
    for (x, z) in x.iter_mut().zip(&mut *z) {
        (*x, *z) = ladder(*x, scalar);
    }
    inverses(z);
    for ((x, z), out) in x.iter().zip(&*z).zip(out.chunks_mut(8)) {
        x.times(*z).carried().encode(out);
    }
    wipe(x);
    wipe(z);
}

#[target_feature(enable = "avx512f")]
fn wipe(secrets: &mut [Element]) {
    secrets.fill(Element::zero());
    core::hint::black_box(secrets);
}

type Point = (Sums, Sums);

/// 252 steps of RFC 7748 §5 for the bits 254..3 of `k`, then three doublings.
#[target_feature(enable = "avx512f,avx512ifma")]
fn ladder(base: Element, scalar: &[u8; 32]) -> (Element, Element) {
    let one = Element::small(1).sums();
    let (mut doubled, mut sum) = ((one, Sums::zero()), (base.sums(), one));
    let mut last = 0;
    for i in (3..255).rev() {
        let bit = scalar[i / 8] >> (i % 8) & 1;
        (doubled, sum) = step(base, doubled, sum, bit ^ last);
        last = bit;
    }
    let mask = last.wrapping_neg();
    let mut point = (doubled.0.select(mask, sum.0), doubled.1.select(mask, sum.1));
    for _ in 0..3 {
        let (a, b) = ends(point);
        point = double(a, b);
    }
    (point.0.carried(), point.1.carried())
}

/// `x + z` and `x - z`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn ends(point: Point) -> (Element, Element) {
    (
        point.0.plus(point.1).carried(),
        point.0.minus(point.1).carried(),
    )
}

/// Doubles the first point, or the second if `swap`; and adds the two, which differ by `(base, 1)`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn step(base: Element, first: Point, second: Point, swap: u8) -> (Point, Point) {
    let ((a, b), (c, d)) = (ends(first), ends(second));
    let (da, cb) = (d.times(a), c.times(b));
    let x = da.plus(cb).carried().square();
    let z = da.minus(cb).carried().square().carried().times(base);
    let mask = swap.wrapping_neg();
    (double(a.select(mask, c), b.select(mask, d)), (x, z))
}

/// Twice the point with `a = x + z`, `b = x - z`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn double(a: Element, b: Element) -> Point {
    let (aa, bb) = (a.square(), b.square());
    let e = aa.minus(bb).carried();
    let scaled = e.times_small((A - 2) / 4).plus(aa).carried();
    (aa.carried().times(bb.carried()), e.times(scaled))
}
