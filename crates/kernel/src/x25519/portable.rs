//! The map and the ladder, one item at a time.

use super::{A, Uniform};
use crate::error::{Error, Result, ensure};
use crate::field25519::{Element, ONE, ZERO, small, words};
use zeroize::Zeroize;

/// x of `map_to_curve_elligator2_curve25519` (RFC 9380 §6.7.1, Z = 2).
pub(super) fn map(uniform: &Uniform) -> [u8; 32] {
    let u = Element::from_words(uniform);
    let a = small(A);
    // Step 1: x1 = -A / d with d = 1 + 2u^2, never 0, as -1/2 is no square
    let square = u.square();
    let double = square.plus(&square);
    let d = ONE.plus(&double);
    let x1 = ZERO.minus(&a);
    // Step 2: whether x1^3 + A x1^2 + x1 is a square, from d^4 times that
    let ad = a.times(&d);
    let inner = x1.square().plus(&x1.times(&ad)).plus(&d.square());
    let character = x1.times(&inner).times(&d).character();
    // Step 3: x1, or x2 = -x1 - A = -A 2u^2 / d
    let x2 = x1.times(&double);
    let is_square = u64::from(character.encode()[1] == 0);
    x2.select(&x1, is_square).times(&d.inverse()).encode()
}

/// Whether there is a point of the curve with this x, of whatever order.
fn on_curve(x: &Element) -> bool {
    let inner = x.plus(&small(A)).times(x).plus(&ONE);
    inner.times(x).character().encode() == ONE.encode()
}

/// `x(kP)` for x = x(P): 252 steps of RFC 7748 §5 for the bits 254..3 of `k`, then three doublings.
pub(super) fn multiply(x: &[u8; 32], scalar: &[u8; 32]) -> [u8; 32] {
    let base = Element::from_words(&words(x));
    let k = words(scalar);
    let (mut doubled, mut sum) = ((ONE, ZERO), (base, ONE));
    let mut last = 0;
    for i in (3..255).rev() {
        let bit = k[i / 64] >> (i % 64) & 1;
        (doubled, sum) = step(&base, doubled, sum, bit ^ last);
        last = bit;
    }
    let mut x = doubled.0.select(&sum.0, last);
    let mut z = doubled.1.select(&sum.1, last);
    for _ in 0..3 {
        (x, z) = double(&x.plus(&z), &x.minus(&z));
    }
    let out = x.times(&z.inverse()).encode();
    for secret in [
        &mut x,
        &mut z,
        &mut doubled.0,
        &mut doubled.1,
        &mut sum.0,
        &mut sum.1,
    ] {
        secret.zeroize();
    }
    out
}

type Point = (Element, Element);

/// Doubles the first point, or the second if `swap`; and adds the two, which differ by `(base, 1)`.
fn step(base: &Element, first: Point, second: Point, swap: u64) -> (Point, Point) {
    let (a, b) = (first.0.plus(&first.1), first.0.minus(&first.1));
    let (c, d) = (second.0.plus(&second.1), second.0.minus(&second.1));
    let (da, cb) = (d.times(&a), c.times(&b));
    let sum = (da.plus(&cb).square(), da.minus(&cb).square().times(base));
    (double(&a.select(&c, swap), &b.select(&d, swap)), sum)
}

/// Twice the point with `a = x + z`, `b = x - z`.
fn double(a: &Element, b: &Element) -> Point {
    let (aa, bb) = (a.square(), b.square());
    let e = aa.minus(&bb);
    let scaled = small((A - 2) / 4).times(&e).plus(&aa);
    (aa.times(&bb), e.times(&scaled))
}

pub(super) fn mask(items: &[Uniform], scalar: &[u8; 32], out: &mut [[u8; 32]]) {
    for (item, out) in items.iter().zip(out) {
        *out = multiply(&map(item), scalar);
    }
}

pub(super) fn remask(points: &[[u8; 32]], scalar: &[u8; 32], out: &mut [[u8; 32]]) -> Result<()> {
    for (point, out) in points.iter().zip(out) {
        *out = multiply(point, scalar);
        let bad = !on_curve(&Element::from_words(&words(point))) || *out == [0; 32];
        ensure(!bad, Error::Malformed(super::BAD_POINT))?;
    }
    Ok(())
}
