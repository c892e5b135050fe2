//! Integers modulo p, eight at a time: five limbs of 52 bits, Montgomery form with radix 2^260, IFMA.
//!
//! Products leave sums of columns below 2^57 and not negative; sums of twelve, and differences with a multiple
//! of p in place, stay below 2^62 and are carried once, where they become operands. There the last limb gives
//! what it has above 2^256 back as `2^224 + 2^96 - 2^64 + 1` and ends below `2^48 + 2^32`. IFMA sees the low 52
//! bits of the other limbs only, so those are not cut.

#![allow(unsafe_code)]

use super::field::{self, P};
use crate::lanes::{V, add, and, high, load, low, select, set, shift, store, sub, zeros};
use core::arch::x86_64::*;

const MASK: u64 = (1 << 52) - 1;
const TOP: u32 = 48;
const TOP_MASK: u64 = (1 << TOP) - 1;
const P_LIMBS: [u64; 5] = split(&P);
/// `2^256 - p`.
const WRAP: [u64; 5] = split(&[1, 0xffff_ffff, 0, 1 << 32]);
/// `2^520`.
const SQUARE_OF_RADIX: [u64; 5] = split(&[
    0x200_0000_0300,
    0x2ff_ffff_ff00,
    0x100_0000_0100,
    0x400_0000_0200,
]);

/// Eight operands; bits 52 and above of the first four limbs mean nothing.
#[derive(Clone, Copy)]
pub(super) struct Eight([V; 5]);

/// Columns before the carry.
#[derive(Clone, Copy)]
pub(super) struct Sums([V; 5]);

const fn split(words: &[u64; 4]) -> [u64; 5] {
    let [a, b, c, d] = *words;
    [
        a & MASK,
        (a >> 52 | b << 12) & MASK,
        (b >> 40 | c << 24) & MASK,
        (c >> 28 | d << 36) & MASK,
        d >> 16,
    ]
}

fn joined(limbs: [u64; 5]) -> [u64; 4] {
    let [a, b, c, d, e] = limbs;
    [
        a | b << 52,
        b >> 12 | c << 40,
        c >> 24 | d << 28,
        d >> 36 | e << 16,
    ]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn same(limbs: &[u64; 5]) -> [V; 5] {
    let [a, b, c, d, e] = *limbs;
    [set(a), set(b), set(c), set(d), set(e)]
}

/// Montgomery's reduction of ten columns. All limbs of p are 2^52 - 1 but two, and `-1/p` is 1 modulo 2^52:
/// a quotient digit m is the column's low half itself, and m times the full limbs costs sums only.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduced(mut columns: [V; 10]) -> Sums {
    let mask = set(MASK);
    let (p1, p4) = (set(P_LIMBS[1]), set(P_LIMBS[4]));
    for i in 0..5 {
        let m = and(columns[i], mask);
        let carry = _mm512_srai_epi64::<52>(columns[i]);
        columns[i + 1] = low(add(columns[i + 1], add(carry, m)), m, p1);
        columns[i + 2] = high(sub(columns[i + 2], m), m, p1);
        columns[i + 4] = low(add(columns[i + 4], m), m, p4);
        columns[i + 5] = high(columns[i + 5], m, p4);
    }
    let [_, _, _, _, _, sums @ ..] = columns;
    Sums(sums)
}

/// Columns that start at p times the radix: those that stay are positive then, whatever is taken from them.
#[inline]
#[target_feature(enable = "avx512f")]
fn start() -> [V; 10] {
    let [a, b, c, d, e] = same(&P_LIMBS);
    let zero = set(0);
    [zero, zero, zero, zero, zero, a, b, c, d, e]
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn product(a: [V; 5], b: [V; 5]) -> Sums {
    let mut columns = start();
    for (i, a) in a.into_iter().enumerate() {
        for (j, b) in b.into_iter().enumerate() {
            columns[i + j] = low(columns[i + j], a, b);
            columns[i + j + 1] = high(columns[i + j + 1], a, b);
        }
    }
    reduced(columns)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn squared(a: [V; 5]) -> Sums {
    let mut columns = [set(0); 10];
    for i in 0..5 {
        for j in i + 1..5 {
            columns[i + j] = low(columns[i + j], a[i], a[j]);
            columns[i + j + 1] = high(columns[i + j + 1], a[i], a[j]);
        }
    }
    for (i, first) in start().into_iter().enumerate() {
        columns[i] = add(columns[i], columns[i]);
        columns[i] = if i < 5 {
            columns[i]
        } else {
            add(columns[i], first)
        };
        let a = a[i / 2];
        columns[i] = if i % 2 == 0 {
            low(columns[i], a, a)
        } else {
            high(columns[i], a, a)
        };
    }
    reduced(columns)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn carried(mut x: [V; 5]) -> Eight {
    let q = shift::<TOP>(x[4]);
    x[0] = add(x[0], q);
    x[1] = add(
        x[1],
        sub(_mm512_slli_epi64::<44>(q), _mm512_slli_epi64::<12>(q)),
    );
    x[4] = add(and(x[4], set(TOP_MASK)), _mm512_slli_epi64::<16>(q));
    for i in 0..4 {
        x[i + 1] = add(x[i + 1], shift::<52>(x[i]));
    }
    Eight(x)
}

/// Limbs of 52 bits.
#[inline]
#[target_feature(enable = "avx512f")]
fn cut(mut x: [V; 5]) -> [V; 5] {
    for limb in &mut x {
        *limb = and(*limb, set(MASK));
    }
    x
}

/// The canonical limbs: adding `2^256 - p` carries out of bit 256 if the value is p or more.
#[inline]
#[target_feature(enable = "avx512f")]
fn canonical(x: [V; 5]) -> [V; 5] {
    let x = cut(x);
    let wrapped = same(&WRAP);
    let mut y = x;
    for i in 0..5 {
        y[i] = add(x[i], wrapped[i]);
    }
    for i in 0..4 {
        y[i + 1] = add(y[i + 1], shift::<52>(y[i]));
    }
    let below = zeros(shift::<TOP>(y[4]));
    y[4] = and(y[4], set(TOP_MASK));
    let mut y = cut(y);
    for i in 0..5 {
        y[i] = select(below, y[i], x[i]);
    }
    y
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn from_words(words: &[[u64; 4]]) -> Eight {
    let mut limbs = [[0u64; 8]; 5];
    for lane in 0..8 {
        let words = &words[lane.min(words.len() - 1)];
        for (to, limb) in limbs.iter_mut().zip(split(words)) {
            to[lane] = limb;
        }
    }
    let [a, b, c, d, e] = &limbs;
    let plain = [load(a), load(b), load(c), load(d), load(e)];
    carried(product(plain, same(&SQUARE_OF_RADIX)).0)
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn encode(x: Eight, out: &mut [[u8; 32]]) {
    let plain = carried(product(x.0, same(&[1, 0, 0, 0, 0])).0);
    let mut limbs = [[0u64; 8]; 5];
    for (to, limb) in limbs.iter_mut().zip(canonical(plain.0)) {
        store(to, limb);
    }
    for (lane, out) in out.iter_mut().enumerate() {
        *out = field::bytes(joined(limbs.map(|limb| limb[lane])));
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn all_zeros(x: [V; 5]) -> u8 {
    let [a, b, c, d, e] = canonical(x);
    zeros(_mm512_or_si512(
        _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)),
        e,
    ))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn blend(mask: u8, mut a: [V; 5], b: [V; 5]) -> Eight {
    for i in 0..5 {
        a[i] = select(mask, a[i], b[i]);
    }
    Eight(a)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn plus(mut a: [V; 5], b: [V; 5]) -> Sums {
    for i in 0..5 {
        a[i] = add(a[i], b[i]);
    }
    Sums(a)
}

/// With `2^9 p` in place, limb by limb above eight products.
#[inline]
#[target_feature(enable = "avx512f")]
fn minus(mut a: [V; 5], b: [V; 5]) -> Sums {
    for i in 0..5 {
        a[i] = add(a[i], sub(set(P_LIMBS[i] << 9), b[i]));
    }
    Sums(a)
}

// SAFETY of all below: an `Eight` or `Sums` is made only in functions that have the instructions; into those
// these methods are inlined.
impl field::Element for Eight {
    type Sum = Sums;
    const LANES: usize = 8;

    #[inline(always)]
    fn from_words(words: &[[u64; 4]]) -> Self {
        // SAFETY: as above.
        unsafe { from_words(words) }
    }

    #[inline(always)]
    fn encode(self, out: &mut [[u8; 32]]) {
        // SAFETY: as above.
        unsafe { encode(self, out) }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Sums {
        // SAFETY: as above.
        unsafe { product(self.0, other.0) }
    }

    #[inline(always)]
    fn square(self) -> Sums {
        // SAFETY: as above.
        unsafe { squared(self.0) }
    }

    #[inline(always)]
    fn sum(self) -> Sums {
        // SAFETY: as above.
        Sums(unsafe { cut(self.0) })
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { blend(mask, self.0, other.0) }
    }

    #[inline(always)]
    fn zeros(self) -> u8 {
        // SAFETY: as above.
        unsafe { all_zeros(self.0) }
    }
}

impl field::Sum for Sums {
    type Element = Eight;

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { plus(self.0, other.0) }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { minus(self.0, other.0) }
    }

    #[inline(always)]
    fn carried(self) -> Eight {
        // SAFETY: as above.
        unsafe { carried(self.0) }
    }
}
