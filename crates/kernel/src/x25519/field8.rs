//! Integers modulo `p = 2^255 - 19`, eight at a time: five limbs of 51 bits, IFMA, constant time.
//!
//! Products leave sums of columns, below 2^59; sums and differences of those stay below 2^61 and are carried
//! once, where they become operands: limbs below `2^51 + 2^15`, of which IFMA sees all 52 bits.

use super::field;
use crate::lanes::{V, add, and, high, load, low, select, set, shift, store, sub, zeros};
use core::arch::x86_64::*;

const MASK: u64 = (1 << 51) - 1;
/// `2^9 p`: limbs above every product's columns.
const BIAS: (u64, u64) = (((1 << 51) - 19) << 9, MASK << 9);

/// An operand of products.
#[derive(Clone, Copy)]
pub(super) struct Element([V; 5]);

/// Columns before the carry.
#[derive(Clone, Copy)]
pub(super) struct Sums([V; 5]);

impl Sums {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn zero() -> Self {
        Self([set(0); 5])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn plus(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([
            add(a[0], b[0]),
            add(a[1], b[1]),
            add(a[2], b[2]),
            add(a[3], b[3]),
            add(a[4], b[4]),
        ])
    }

    /// The subtrahend is a product or less.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn minus(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        let (bias0, bias) = (set(BIAS.0), set(BIAS.1));
        Self([
            add(a[0], sub(bias0, b[0])),
            add(a[1], sub(bias, b[1])),
            add(a[2], sub(bias, b[2])),
            add(a[3], sub(bias, b[3])),
            add(a[4], sub(bias, b[4])),
        ])
    }

    /// All carries at once, each by one limb.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn carried(self) -> Element {
        let [a, b, c, d, e] = self.0;
        let mask = set(MASK);
        Element([
            low(and(a, mask), shift::<51>(e), set(19)),
            add(and(b, mask), shift::<51>(a)),
            add(and(c, mask), shift::<51>(b)),
            add(and(d, mask), shift::<51>(c)),
            add(and(e, mask), shift::<51>(d)),
        ])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn select(self, mask: u8, other: Self) -> Self {
        Self(blend(mask, self.0, other.0))
    }
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

/// Ten columns, given by their low halves and their high halves, as five: `2^255` is 19.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn folded(lows: [V; 9], highs: [V; 9]) -> Sums {
    // The high half of a product of limbs has weight 2^52, twice that of the next column.
    let mut columns = [lows[0]; 10];
    for i in 1..9 {
        columns[i] = add(lows[i], add(highs[i - 1], highs[i - 1]));
    }
    columns[9] = add(highs[8], highs[8]);
    let fold = set(19);
    let mut out = [lows[0]; 5];
    for i in 0..5 {
        out[i] = add(columns[i], _mm512_mullo_epi64(columns[i + 5], fold));
    }
    Sums(out)
}

impl Element {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn zero() -> Self {
        Self([set(0); 5])
    }

    /// An integer below 2^51 in every lane.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn small(x: u64) -> Self {
        let zero = set(0);
        Self([set(x), zero, zero, zero, zero])
    }

    /// Up to eight integers of 256 bits, modulo p; the other lanes are 0.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn from_words(words: &[[u64; 4]]) -> Self {
        let mut limbs = [[0u64; 8]; 5];
        for (lane, words) in words.iter().enumerate() {
            for (to, limb) in limbs.iter_mut().zip(field::split(words)) {
                to[lane] = limb;
            }
        }
        let [a, b, c, d, e] = &limbs;
        Sums([load(a), load(b), load(c), load(d), load(e)]).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn sums(self) -> Sums {
        Sums(self.0)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn plus(self, other: Self) -> Self {
        self.sums().plus(other.sums()).carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn times(self, other: Self) -> Sums {
        let mut lows = [set(0); 9];
        let mut highs = [set(0); 9];
        for i in 0..5 {
            for j in 0..5 {
                lows[i + j] = low(lows[i + j], self.0[i], other.0[j]);
                highs[i + j] = high(highs[i + j], self.0[i], other.0[j]);
            }
        }
        folded(lows, highs)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn square(self) -> Sums {
        let mut lows = [set(0); 9];
        let mut highs = [set(0); 9];
        for i in 0..5 {
            for j in i + 1..5 {
                lows[i + j] = low(lows[i + j], self.0[i], self.0[j]);
                highs[i + j] = high(highs[i + j], self.0[i], self.0[j]);
            }
        }
        for i in 1..8 {
            lows[i] = add(lows[i], lows[i]);
            highs[i] = add(highs[i], highs[i]);
        }
        for i in 0..5 {
            lows[2 * i] = low(lows[2 * i], self.0[i], self.0[i]);
            highs[2 * i] = high(highs[2 * i], self.0[i], self.0[i]);
        }
        folded(lows, highs)
    }

    /// The factor is below 2^17.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn times_small(self, factor: u64) -> Sums {
        let [a, b, c, d, e] = self.0;
        let (zero, factor) = (set(0), set(factor));
        let next = |x: V| {
            let half = high(zero, x, factor);
            add(half, half)
        };
        Sums([
            low(low(zero, a, factor), next(e), set(19)),
            low(next(a), b, factor),
            low(next(b), c, factor),
            low(next(c), d, factor),
            low(next(d), e, factor),
        ])
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn select(self, mask: u8, other: Self) -> Self {
        Self(blend(mask, self.0, other.0))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn squares(self, n: usize) -> Self {
        let mut x = self;
        for _ in 0..n {
            x = x.square().carried();
        }
        x
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn by(self, other: Self) -> Self {
        self.times(other).carried()
    }

    /// `x^(2^250 - 1)` and `x^2`.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
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
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn inverse(self) -> Self {
        let (power, x2) = self.power_250();
        power.squares(5).by(x2.squares(2).by(self).by(x2))
    }

    /// `x^((p - 1)/2)`: 1 of a square, -1 of a non-square, 0 of 0.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn character(self) -> Self {
        let (power, x2) = self.power_250();
        power.squares(4).by(x2.squares(1).by(x2))
    }

    /// The canonical limbs.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn canonical(self) -> [V; 5] {
        let mask = set(MASK);
        // Step 1: one ripple to below 2^255 + 2^16; the second carry ends in the second limb
        let mut x = self.0;
        for i in 0..4 {
            x[i + 1] = add(x[i + 1], shift::<51>(x[i]));
            x[i] = and(x[i], mask);
        }
        x[0] = low(x[0], shift::<51>(x[4]), set(19));
        x[4] = and(x[4], mask);
        // Step 2: whether that is p or more: adding 19 carries out of bit 255
        let mut above = set(19);
        for limb in x {
            above = shift::<51>(add(limb, above));
        }
        x[0] = low(x[0], above, set(19));
        for i in 0..4 {
            x[i + 1] = add(x[i + 1], shift::<51>(x[i]));
            x[i] = and(x[i], mask);
        }
        x[4] = and(x[4], mask);
        x
    }

    /// The lanes that are 0.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn zeros(self) -> u8 {
        let [a, b, c, d, e] = self.canonical();
        zeros(_mm512_or_si512(
            _mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)),
            e,
        ))
    }

    /// The lanes that are 1.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn ones(self) -> u8 {
        let minus_one = Sums::zero().minus(Self::small(1).sums());
        self.sums().plus(minus_one).carried().zeros()
    }

    /// Canonical encodings of the first lanes.
    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    pub(super) fn encode(self, out: &mut [[u8; 32]]) {
        let mut limbs = [[0u64; 8]; 5];
        for (to, limb) in limbs.iter_mut().zip(self.canonical()) {
            store(to, limb);
        }
        for (lane, out) in out.iter_mut().enumerate() {
            *out = field::bytes(&limbs.map(|limb| limb[lane]));
        }
    }
}

/// Inverts all, with one inversion for up to 32; 0 stays 0 in its lane and is no harm to others.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
pub(super) fn inverses(elements: &mut [Element]) {
    let one = Element::small(1);
    let mut before = [one; super::BATCH / 8];
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
