//! Integers modulo `p = 2^256 - 2^224 - 2^96 + 2^64 - 1`: what the curve needs of them, and one at a time.
//!
//! One or eight at a time, elements are in Montgomery form. The methods of both forms are inlined into
//! functions that have the instructions, so that the curve is written once.

use zeroize::DefaultIsZeroes;

pub(super) const P: [u64; 4] = [
    0xffff_ffff_ffff_ffff,
    0xffff_ffff_0000_0000,
    0xffff_ffff_ffff_ffff,
    0xffff_fffe_ffff_ffff,
];

/// An operand of products. A mask has a bit for every lane.
pub(super) trait Element: Copy {
    type Sum: Sum<Element = Self>;
    const LANES: usize;

    /// Integers below 2^256, one for each lane; the last fills the lanes that are left.
    fn from_words(words: &[[u64; 4]]) -> Self;
    /// Canonical, big-endian, of the first lanes.
    fn encode(self, out: &mut [[u8; 32]]);
    fn times(self, other: Self) -> Self::Sum;
    fn square(self) -> Self::Sum;
    fn sum(self) -> Self::Sum;
    /// `other` in the lanes of the mask.
    fn select(self, mask: u8, other: Self) -> Self;
    /// The lanes that are 0.
    fn zeros(self) -> u8;
}

/// A sum or difference of products, to be carried before it is an operand.
pub(super) trait Sum: Copy {
    type Element: Element<Sum = Self>;

    /// Of at most twelve products in all.
    fn plus(self, other: Self) -> Self;
    /// The subtrahend is at most eight products.
    fn minus(self, other: Self) -> Self;
    fn carried(self) -> Self::Element;
}

/// One element, canonical, times 2^256.
#[derive(Clone, Copy, Default)]
pub(super) struct Single([u64; 4]);

impl DefaultIsZeroes for Single {}

/// `2^512`.
const SQUARE_OF_RADIX: [u64; 4] = [0x2_0000_0003, 0x2_ffff_ffff, 0x1_0000_0001, 0x4_0000_0002];

/// `a - b - borrow` and the borrow.
fn sub(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(u64::from(borrow));
    (difference, first | second)
}

/// `x - p` unless that is negative; x below 2p, its bit 256 apart.
fn reduced(x: [u64; 4], top: u64) -> Single {
    let mut difference = [0; 4];
    let mut borrow = false;
    for i in 0..4 {
        (difference[i], borrow) = sub(x[i], P[i], borrow);
    }
    let keep = (u64::from(borrow) & !top & 1).wrapping_neg();
    Single(core::array::from_fn(|i| {
        difference[i] ^ (keep & (difference[i] ^ x[i]))
    }))
}

impl Single {
    /// Montgomery's product; `-1/p` is 1 modulo 2^64, so that a quotient digit is the lowest word itself.
    fn product(a: &[u64; 4], b: &[u64; 4]) -> Self {
        let mut t = [0u64; 6];
        for a in a {
            let mut carry = 0;
            for (t, b) in t.iter_mut().zip(b) {
                carry += u128::from(*t) + u128::from(*a) * u128::from(*b);
                *t = carry as u64;
                carry >>= 64;
            }
            carry += u128::from(t[4]);
            (t[4], t[5]) = (carry as u64, (carry >> 64) as u64);
            let digit = t[0];
            carry = 0;
            for (t, p) in t.iter_mut().zip(P) {
                carry += u128::from(*t) + u128::from(digit) * u128::from(p);
                *t = carry as u64;
                carry >>= 64;
            }
            carry += u128::from(t[4]);
            t[4] = carry as u64;
            t[5] += (carry >> 64) as u64;
            t.rotate_left(1);
            t[5] = 0;
        }
        reduced([t[0], t[1], t[2], t[3]], t[4])
    }
}

impl Element for Single {
    type Sum = Self;
    const LANES: usize = 1;

    #[inline(always)]
    fn from_words(words: &[[u64; 4]]) -> Self {
        Self::product(&words[0], &SQUARE_OF_RADIX)
    }

    #[inline(always)]
    fn encode(self, out: &mut [[u8; 32]]) {
        out[0] = bytes(Self::product(&self.0, &[1, 0, 0, 0]).0);
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        Self::product(&self.0, &other.0)
    }

    #[inline(always)]
    fn square(self) -> Self {
        self.times(self)
    }

    #[inline(always)]
    fn sum(self) -> Self {
        self
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        let mask = u64::from(mask & 1).wrapping_neg();
        Self(core::array::from_fn(|i| {
            self.0[i] ^ (mask & (self.0[i] ^ other.0[i]))
        }))
    }

    #[inline(always)]
    fn zeros(self) -> u8 {
        let [a, b, c, d] = self.0;
        let any = a | b | c | d;
        1 ^ ((any | any.wrapping_neg()) >> 63) as u8
    }
}

impl Sum for Single {
    type Element = Self;

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        let mut carry = 0u128;
        let sum = core::array::from_fn(|i| {
            carry += u128::from(self.0[i]) + u128::from(other.0[i]);
            let word = carry as u64;
            carry >>= 64;
            word
        });
        reduced(sum, carry as u64)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        let mut negative = [0; 4];
        let mut borrow = false;
        for i in 0..4 {
            (negative[i], borrow) = sub(P[i], other.0[i], borrow);
        }
        self.plus(Self(negative))
    }

    #[inline(always)]
    fn carried(self) -> Self {
        self
    }
}

/// Four little-endian words as 32 bytes, big-endian.
pub(super) fn bytes(words: [u64; 4]) -> [u8; 32] {
    let mut out = [0; 32];
    for (out, word) in out.as_chunks_mut::<8>().0.iter_mut().rev().zip(words) {
        *out = word.to_be_bytes();
    }
    out
}

/// 32 bytes, big-endian, as four little-endian words.
pub(super) fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let words = bytes.as_chunks::<8>().0;
    core::array::from_fn(|i| u64::from_be_bytes(words[3 - i]))
}

/// Whether `x < bound`, without a branch.
pub(super) fn below(x: &[u64; 4], bound: &[u64; 4]) -> bool {
    let mut borrow = false;
    for i in 0..4 {
        (_, borrow) = sub(x[i], bound[i], borrow);
    }
    borrow
}
