//! Integers modulo `p = 2^255 - 19`, eight at a time: five limbs of 52 bits, IFMA, constant time.
//!
//! Products leave sums of columns, below 2^56; sums and differences of those stay below 2^62 and are carried
//! once, where they become operands. IFMA sees the low 52 bits of a limb only, so nothing is cut off there but
//! the last limb, which ends below `2^47 + 2^11`: what is above 2^255 comes back times 19.

use crate::lanes::{V, add, and, high, load, low, select, set, shift, store, sub, zeros};
use core::arch::x86_64::*;

const MASK: u64 = (1 << 52) - 1;
const TOP: u32 = 47;
const TOP_MASK: u64 = (1 << TOP) - 1;
/// `2^260`.
const FOLD: u64 = 19 << 5;
/// `2^9 p`: limbs above every product's columns.
const BIAS: [u64; 5] = [
    ((1 << 52) - 19) << 9,
    MASK << 9,
    MASK << 9,
    MASK << 9,
    TOP_MASK << 9,
];

/// An operand of products; bits 52 and above of the first four limbs mean nothing.
#[derive(Clone, Copy)]
pub(crate) struct Element([V; 5]);

/// Columns before the carry.
#[derive(Clone, Copy)]
pub(crate) struct Sums([V; 5]);

impl Sums {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn zero() -> Self {
        Self([set(0); 5])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn plus(self, other: Self) -> Self {
        let mut out = self.0;
        for (limb, other) in out.iter_mut().zip(other.0) {
            *limb = add(*limb, other);
        }
        Self(out)
    }

    /// The subtrahend is a product or less.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn minus(self, other: Self) -> Self {
        let mut out = self.0;
        for (i, bias) in BIAS.into_iter().enumerate() {
            out[i] = add(out[i], sub(set(bias), other.0[i]));
        }
        Self(out)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn carried(self) -> Element {
        let mut x = self.0;
        x[0] = low(x[0], shift::<TOP>(x[4]), set(19));
        x[4] = and(x[4], set(TOP_MASK));
        for i in 0..4 {
            x[i + 1] = add(x[i + 1], shift::<52>(x[i]));
        }
        Element(x)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn select(self, mask: u8, other: Self) -> Self {
        Self(blend(mask, self.0, other.0))
    }
}

/// Four little-endian words as five limbs; the last takes the 48 bits that are left.
fn split(words: &[u64; 4]) -> [u64; 5] {
    let [a, b, c, d] = *words;
    [
        a & MASK,
        (a >> 52 | b << 12) & MASK,
        (b >> 40 | c << 24) & MASK,
        (c >> 28 | d << 36) & MASK,
        d >> 16,
    ]
}

/// Five limbs of 52 bits as four words.
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
fn blend(mask: u8, a: [V; 5], b: [V; 5]) -> [V; 5] {
    [
        select(mask, a[0], b[0]),
        select(mask, a[1], b[1]),
        select(mask, a[2], b[2]),
        select(mask, a[3], b[3]),
        select(mask, a[4], b[4]),
    ]
}

/// Ten columns as five; the last is below 2^43.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn folded(columns: [V; 10]) -> Sums {
    let [mut a, mut b, mut c, mut d, mut e, high_columns @ ..] = columns;
    let fold = set(FOLD);
    let [f, g, h, i, j] = high_columns;
    a = low(a, f, fold);
    b = low(b, g, fold);
    c = low(c, h, fold);
    d = low(d, i, fold);
    e = low(e, j, fold);
    b = high(b, f, fold);
    c = high(c, g, fold);
    d = high(d, h, fold);
    e = high(e, i, fold);
    b = low(b, shift::<52>(f), fold);
    c = low(c, shift::<52>(g), fold);
    d = low(d, shift::<52>(h), fold);
    e = low(e, shift::<52>(i), fold);
    Sums([a, b, c, d, e])
}

impl Element {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn zero() -> Self {
        Self([set(0); 5])
    }

    /// An integer below 2^51 in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn small(x: u64) -> Self {
        let zero = set(0);
        Self([set(x), zero, zero, zero, zero])
    }

    /// An integer below 2^255, as limbs of 52 bits, in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn of(limbs: &[u64; 5]) -> Self {
        let [a, b, c, d, e] = *limbs;
        Self([set(a), set(b), set(c), set(d), set(e)])
    }

    /// Up to eight integers of 256 bits, modulo p; the other lanes are 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn from_words(words: &[[u64; 4]]) -> Self {
        let mut limbs = [[0u64; 8]; 5];
        for (lane, words) in words.iter().enumerate() {
            for (to, limb) in limbs.iter_mut().zip(split(words)) {
                to[lane] = limb;
            }
        }
        let [a, b, c, d, e] = &limbs;
        Sums([load(a), load(b), load(c), load(d), load(e)]).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn sums(self) -> Sums {
        let mut limbs = self.0;
        for limb in &mut limbs {
            *limb = and(*limb, set(MASK));
        }
        Sums(limbs)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn plus(self, other: Self) -> Self {
        self.sums().plus(other.sums()).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn minus(self, other: Self) -> Self {
        self.sums().minus(other.sums()).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn negated(self) -> Self {
        Sums::zero().minus(self.sums()).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn times(self, other: Self) -> Sums {
        let mut columns = [set(0); 10];
        for i in 0..5 {
            for j in 0..5 {
                columns[i + j] = low(columns[i + j], self.0[i], other.0[j]);
                columns[i + j + 1] = high(columns[i + j + 1], self.0[i], other.0[j]);
            }
        }
        folded(columns)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn square(self) -> Sums {
        let mut columns = [set(0); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                columns[i + j] = low(columns[i + j], self.0[i], self.0[j]);
                columns[i + j + 1] = high(columns[i + j + 1], self.0[i], self.0[j]);
            }
        }
        for column in &mut columns[1..9] {
            *column = add(*column, *column);
        }
        for i in 0..5 {
            columns[2 * i] = low(columns[2 * i], self.0[i], self.0[i]);
            columns[2 * i + 1] = high(columns[2 * i + 1], self.0[i], self.0[i]);
        }
        folded(columns)
    }

    /// The factor is below 2^17.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn times_small(self, factor: u64) -> Sums {
        let (zero, factor) = (set(0), set(factor));
        let mut columns = [zero; 5];
        for (column, limb) in columns.iter_mut().zip(self.0) {
            *column = low(zero, limb, factor);
        }
        for i in 0..4 {
            columns[i + 1] = high(columns[i + 1], self.0[i], factor);
        }
        let top = high(zero, self.0[4], factor);
        columns[0] = low(columns[0], top, set(FOLD));
        Sums(columns)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(crate) fn select(self, mask: u8, other: Self) -> Self {
        Self(blend(mask, self.0, other.0))
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn squares(self, n: usize) -> Self {
        let mut x = self;
        for _ in 0..n {
            x = x.square().carried();
        }
        x
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn by(self, other: Self) -> Self {
        self.times(other).carried()
    }

    /// `x^(2^250 - 1)` and `x^2`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn power_250(self) -> (Self, Self) {
        let x2 = self.squares(1);
        let x9 = x2.squares(2).by(self);
        let x5 = x9.by(x2).squares(1).by(x9);
        let x10 = x5.squares(5).by(x5);
        let x20 = x10.squares(10).by(x10);
        let x40 = x20.squares(20).by(x20);
        let x50 = x40.squares(10).by(x10);
        let x100 = x50.squares(50).by(x50);
        let x200 = x100.squares(100).by(x100);
        (x200.squares(50).by(x50), x2)
    }

    /// `x^(p - 2)`: the inverse, and 0 of 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn inverse(self) -> Self {
        let (power, x2) = self.power_250();
        power.squares(5).by(x2.squares(2).by(self).by(x2))
    }

    /// `x^((p - 1)/2)`: 1 of a square, -1 of a non-square, 0 of 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn character(self) -> Self {
        let (power, x2) = self.power_250();
        power.squares(4).by(x2.squares(1).by(x2))
    }

    /// `x^((p - 5)/8)`.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn power_252_3(self) -> Self {
        self.power_250().0.squares(2).by(self)
    }

    /// The canonical limbs.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn canonical(self) -> [V; 5] {
        // Step 1: below 2^255
        let mut x = self.sums().carried().sums().0;
        // Step 2: whether that is p or more: adding 19 carries out of bit 255
        let mut above = set(19);
        for limb in &x[..4] {
            above = shift::<52>(add(*limb, above));
        }
        above = shift::<TOP>(add(x[4], above));
        x[0] = low(x[0], above, set(19));
        let mut x = Sums(x).carried().sums().0;
        x[4] = and(x[4], set(TOP_MASK));
        x
    }

    /// The lanes that are 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn zeros(self) -> u8 {
        let [a, b, c, d, e] = self.canonical();
        zeros(_mm512_or_si512(
            _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)),
            e,
        ))
    }

    /// The lanes whose canonical integer is odd.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn odds(self) -> u8 {
        !zeros(and(self.canonical()[0], set(1)))
    }

    /// The lanes that are 1.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn ones(self) -> u8 {
        let minus_one = Sums::zero().minus(Self::small(1).sums());
        self.sums().plus(minus_one).carried().zeros()
    }

    /// Canonical encodings of the first lanes.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn encode(self, out: &mut [[u8; 32]]) {
        let mut limbs = [[0u64; 8]; 5];
        for (to, limb) in limbs.iter_mut().zip(self.canonical()) {
            store(to, limb);
        }
        for (lane, out) in out.iter_mut().enumerate() {
            *out = super::bytes(joined(limbs.map(|limb| limb[lane])));
        }
    }
}

/// Elements that share an inversion.
pub(crate) const MOST_INVERSES: usize = 32;

/// Inverts up to `MOST_INVERSES`, with one inversion; 0 stays 0 in its lane and is no harm to others.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn inverses(elements: &mut [Element]) {
    let one = Element::small(1);
    let mut before = [one; MOST_INVERSES];
    let mut product = one;
    for (before, element) in before.iter_mut().zip(&*elements) {
        *before = product;
        product = product.by(element.select(element.zeros(), one));
    }
    let mut rest = product.inverse();
    for (before, element) in before.iter().zip(elements).rev() {
        let zero = element.zeros();
        let inverse = rest.by(*before);
        rest = rest.by(element.select(zero, one));
        *element = inverse.select(zero, Element::zero());
    }
}
