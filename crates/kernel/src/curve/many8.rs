//! ristretto255 eight at a time: the one-way map, decoding, and encoding of doubles.
//!
//! Source: RFC 9496 §4.2, §4.3.1, §4.3.4; Hamburg, decaf (ePrint 2015/673) for the encoding of 2P without a
//! square root, from P. Differs: nothing, all encodings are those of the RFC. Cost: a map two square roots
//! (252 squarings each), a decoding one, an encoding 14 products and its part of an inversion.

#![allow(unsafe_code)]

use super::point8::{Digits, Point, Sum, wipe};
use super::{BAD_POINT, BATCH, Encoded};
use crate::error::{Error, Result, ensure};
use crate::field25519::eight::{Element, MOST_INVERSES, Sums, inverses};
use crate::field25519::words;
use curve25519_dalek::scalar::Scalar;

const VECTORS: usize = BATCH / 8;
const _: () = assert!(VECTORS <= MOST_INVERSES);

/// The constants of RFC 9496 §4.1, in limbs of 52 bits: d,
const D: [u64; 5] = [
    0xb_4dca_1359_78a3,
    0x4_d414_1d8a_b75e,
    0x7_79e8_9800_700a,
    0xf_e738_cc74_0797,
    0x5203_6cee_2b6f,
];
/// a square root of -1,
const SQRT_M1: [u64; 5] = [
    0xe_1b27_4a0e_a0b0,
    0x0_6ad2_fe47_8c4e,
    0xd_fbd7_a72f_4318,
    0xd_f0b2_b4d0_0993,
    0x2b83_2480_4fc1,
];
/// one of -d - 1,
const SQRT_AD_MINUS_ONE: [u64; 5] = [
    0x7_f6a0_497b_2e1b,
    0x0_c1b7_854b_d7e9,
    0x1_f5d1_fdaf_9d8e,
    0x4_8ac0_f3cf_cc93,
    0x3769_31bf_2b83,
];
/// one of 1/(-1 - d),
const INVSQRT_A_MINUS_D: [u64; 5] = [
    0x8_fdaa_805d_40ea,
    0x1_75a4_172b_e99c,
    0xe_01d8_409d_2f16,
    0xf_ca21_6c27_b91f,
    0x786c_8905_cfaf,
];
/// 1 - d^2,
const ONE_MINUS_D_SQ: [u64; 5] = [
    0xc_09c1_945f_c176,
    0x3_8cd5_e350_fe27,
    0xe_70df_e42c_81a1,
    0xe_0d79_994a_bddb,
    0x0290_72a8_b2b3,
];
/// (d - 1)^2.
const D_MINUS_ONE_SQ: [u64; 5] = [
    0xd_5aaa_44ed_4d20,
    0x2_cb01_e199_931a,
    0x2_9b4e_ebd2_9e4a,
    0x2_2414_cdcd_32f5,
    0x5968_b37a_f66c,
];

/// As [`super::many::map_times`], with the halves of the scalars; called only if `lanes::available()`.
pub(super) fn map_times(uniform: &[[u8; 64]], halves: &[Scalar], out: &mut [Encoded]) {
    // SAFETY: the machine has the instructions.
    unsafe { map_times_ifma(uniform, halves, out) }
}

/// As [`super::many::decode_times`], with the halves of the scalars; called only if `lanes::available()`.
pub(super) fn decode_times(
    points: &[Encoded],
    halves: &[Scalar],
    out: &mut [Encoded],
) -> Result<()> {
    // SAFETY: the machine has the instructions.
    unsafe { decode_times_ifma(points, halves, out) }
}

/// Encodings of eight points whose sum is that of [`super::many::sum_times`], given the halves of the factors;
/// called only if `lanes::available()`.
pub(super) fn sum_times(points: &[Encoded], halves: &[Scalar]) -> Result<[Encoded; 8]> {
    // SAFETY: the machine has the instructions.
    unsafe { sum_times_ifma(points, halves) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn map_times_ifma(uniform: &[[u8; 64]], halves: &[Scalar], out: &mut [Encoded]) {
    let mut products = [Point::identity(); VECTORS];
    let blocks = uniform.chunks(8).zip(halves.chunks(8));
    for (product, (uniform, halves)) in products.iter_mut().zip(blocks) {
        let (mut first, mut second) = ([[0; 4]; 8], [[0; 4]; 8]);
        for (lane, uniform) in uniform.iter().enumerate() {
            let halves = uniform.as_chunks::<32>().0;
            (first[lane], second[lane]) = (words(&halves[0]), words(&halves[1]));
        }
        let point = map(&mut first).plus(&map(&mut second));
        *product = point.times(&Digits::new(halves.iter()));
    }
    encode_doubles(&products[..uniform.len().div_ceil(8)], out);
    wipe(&mut products);
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn decode_times_ifma(points: &[Encoded], halves: &[Scalar], out: &mut [Encoded]) -> Result<()> {
    let mut products = [Point::identity(); VECTORS];
    let mut good = true;
    let blocks = points.chunks(8).zip(halves.chunks(8));
    for (product, (points, halves)) in products.iter_mut().zip(blocks) {
        let (point, bad) = decode(points);
        good &= bad.trailing_zeros() as usize >= points.len();
        *product = point.times(&Digits::new(halves.iter()));
    }
    encode_doubles(&products[..points.len().div_ceil(8)], out);
    wipe(&mut products);
    ensure(good, Error::Malformed(BAD_POINT))
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn sum_times_ifma(points: &[Encoded], halves: &[Scalar]) -> Result<[Encoded; 8]> {
    let mut sum = Sum::new();
    for (points, halves) in points.chunks(8).zip(halves.chunks(8)) {
        let (point, bad) = decode(points);
        ensure(
            bad.trailing_zeros() as usize >= points.len(),
            Error::Malformed(BAD_POINT),
        )?;
        sum.add(&point, &Digits::new(halves.iter()));
    }
    let mut out = [[0; 32]; 8];
    encode_doubles(&[sum.total()], &mut out);
    Ok(out)
}

/// SQRT_RATIO_M1 of RFC 9496 §4.2: whether u/v is a square, and the even root of u/v, or else of `i u/v`.
#[target_feature(enable = "avx512f,avx512ifma")]
fn sqrt_ratio(u: Element, v: Element) -> (u8, Element) {
    let i = Element::of(&SQRT_M1);
    // Step 1: r = (u v^3) (u v^7)^((p - 5)/8), a root but for a fourth root of 1
    let v3 = v.square().carried().by(v);
    let v7 = v3.square().carried().by(v);
    let r = u.by(v3).by(u.by(v7).power_252_3());
    // Step 2: which one
    let check = v.times(r.square().carried());
    let right = check.minus(u.sums()).carried().zeros();
    let opposite = check.plus(u.sums()).carried().zeros();
    let opposite_i = check.plus(u.times(i)).carried().zeros();
    let root = r.select(opposite | opposite_i, r.by(i));
    (right | opposite, magnitude(root))
}

/// CT_ABS: the even one of `±x`.
#[target_feature(enable = "avx512f,avx512ifma")]
fn magnitude(x: Element) -> Element {
    x.select(x.odds(), x.negated())
}

/// MAP of RFC 9496 §4.3.4; the words lose their highest bit.
#[target_feature(enable = "avx512f,avx512ifma")]
fn map(uniform: &mut [[u64; 4]; 8]) -> Point {
    for words in &mut *uniform {
        words[3] &= u64::MAX >> 1;
    }
    let one = Element::small(1);
    let d = Element::of(&D);
    let t = Element::from_words(uniform);
    // Step 1: u = (r + 1)(1 - d^2), v = -(1 + rd)(r + d) for r = i t^2
    let r = Element::of(&SQRT_M1).by(t.square().carried());
    let u = r.plus(one).by(Element::of(&ONE_MINUS_D_SQ));
    let v = r.by(d).plus(one).negated().by(r.plus(d));
    // Step 2: s the root of u/v, or -|s t|
    let (was_square, s) = sqrt_ratio(u, v);
    let other = magnitude(s.by(t)).negated();
    let s = other.select(was_square, s);
    let c = r.select(was_square, one.negated());
    // Step 3: N = c (r - 1)(d - 1)^2 - v, and the point
    let n = c.by(r.minus(one)).times(Element::of(&D_MINUS_ONE_SQ));
    let n = n.minus(v.sums()).carried();
    let (sv, ss) = (s.times(v), s.square());
    Point {
        e: sv.plus(sv).carried(),
        f: ss.plus(one.sums()).carried(),
        g: n.by(Element::of(&SQRT_AD_MINUS_ONE)),
        h: one.sums().minus(ss).carried(),
    }
}

/// Up to eight points, and the lanes with no canonical encoding or the identity, as RFC 9496 §4.3.1.
#[target_feature(enable = "avx512f,avx512ifma")]
fn decode(points: &[Encoded]) -> (Point, u8) {
    let one = Element::small(1);
    // Step 1: s, canonical, even, not 0
    let mut limbs = [[0; 4]; 8];
    for (to, point) in limbs.iter_mut().zip(points) {
        *to = words(point);
    }
    let s = Element::from_words(&limbs);
    let mut canonical = [[0; 32]; 8];
    s.encode(&mut canonical);
    let mut bad = s.odds() | s.zeros();
    for (lane, (point, canonical)) in points.iter().zip(&canonical).enumerate() {
        bad |= u8::from(point != canonical) << lane;
    }
    // Step 2: u1 = 1 - s^2, u2 = 1 + s^2, v = -d u1^2 - u2^2
    let ss = s.square();
    let u1 = one.sums().minus(ss).carried();
    let u2 = one.sums().plus(ss).carried();
    let squared = u2.square();
    let du1 = u1.square().carried().times(Element::of(&D));
    let v = Sums::zero().minus(du1).minus(squared).carried();
    // Step 3: x = |2 s Dx|, y = u1 Dy for Dx = 1/sqrt(v), Dy = 1/u2
    let (was_square, inverse) = sqrt_ratio(one, v.by(squared.carried()));
    let dx = inverse.by(u2);
    let dy = inverse.by(dx).by(v);
    let double = s.times(dx);
    let x = magnitude(double.plus(double).carried());
    let y = u1.by(dy);
    bad |= !was_square | x.by(y).odds() | y.zeros();
    let point = Point {
        e: x,
        f: one,
        g: one,
        h: y,
    };
    (point, bad)
}

/// The encodings of the doubles of `halves`, with one inversion.
#[target_feature(enable = "avx512f,avx512ifma")]
fn encode_doubles(halves: &[Point], out: &mut [Encoded]) {
    let mut doubles = [Point::identity(); VECTORS];
    let mut inverted = [Element::zero(); VECTORS];
    for ((double, inverse), half) in doubles.iter_mut().zip(&mut inverted).zip(halves) {
        *double = half.doubled();
        let (t, z) = (double.e.by(double.h), double.f.by(double.g));
        *inverse = t.by(z);
    }
    inverses(&mut inverted[..halves.len()]);
    for ((double, inverse), out) in doubles.iter().zip(&inverted).zip(out.chunks_mut(8)) {
        encode_double(double, *inverse).encode(out);
    }
    wipe(&mut doubles);
}

/// s of a point that came by doubling, given `1/(EFGH)`.
#[target_feature(enable = "avx512f,avx512ifma")]
fn encode_double(point: &Point, inverse: Element) -> Element {
    let i = Element::of(&SQRT_M1);
    let Point { e, f, g, h } = *point;
    // Step 1: 1/Z and 1/T
    let (t, z) = (e.by(h), f.by(g));
    let (z_inverse, t_inverse) = (t.by(inverse), z.by(inverse));
    // Step 2: another point of the coset if xy is odd
    let rotate = t.by(z_inverse).odds();
    let first = e.select(rotate, h);
    let second = h.select(rotate, e.negated());
    let third = f.select(rotate, g.by(i));
    let scale = Element::of(&INVSQRT_A_MINUS_D).select(rotate, i);
    // Step 3: its negative if its x is odd
    let flip = third.by(first).by(z_inverse).odds();
    let second = second.select(flip, second.negated());
    let s = third.minus(second).by(scale).by(second.by(t_inverse));
    magnitude(s)
}
