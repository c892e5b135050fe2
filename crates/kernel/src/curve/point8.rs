//! Points of the twisted Edwards curve `-x^2 + y^2 = 1 + d x^2 y^2`, eight at a time, constant time.
//!
//! Source: Hisil, Wong, Carter, Dawson, ASIACRYPT 2008 (ePrint 2008/522) §3.1, §3.3, a = -1: complete, as d is
//! no square. Differs: the last products of an operation belong to the next one, which needs three of the
//! four before a doubling. Cost: a doubling 3 products, 4 squarings; an addition 8 products; `times` 252 and
//! 71 of them, in a `Sum` 71 additions. Notation: `(E, F, G, H)` for `x = E/G`, `y = H/F`, that is `X = EF,
//! Y = GH, Z = FG, T = EH`.

use crate::field25519::eight::Element;
use crate::lanes::{V, and, equal, load, select, set, shift_by, sub, zeros};
use curve25519_dalek::scalar::Scalar;

/// Bits of a digit; digits are -8 to 7.
const WINDOW: u64 = 4;
/// Digits of a scalar.
const DIGITS: u64 = 64;
/// Multiples of the point: 1 to 8 times.
const TABLE: usize = 1 << (WINDOW - 1);
/// `2d`.
const TWO_D: [u64; 5] = [
    0x6_9b94_26b2_f159,
    0x9_a828_3b15_6ebd,
    0xe_f3d1_3000_e014,
    0xf_ce71_98e8_0f2e,
    0x2406_d9dc_56df,
];

#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) e: Element,
    pub(super) f: Element,
    pub(super) g: Element,
    pub(super) h: Element,
}

/// `Y + X, Y - X, 2Z, 2dT`.
#[derive(Clone, Copy)]
struct Addend {
    sum: Element,
    difference: Element,
    double_z: Element,
    scaled_t: Element,
}

/// Secret digits of eight scalars: each nibble is a digit plus 8.
pub(super) struct Digits([[u64; 8]; 4]);

impl Digits {
    /// Of up to eight scalars, canonical; the other lanes are 0.
    pub(super) fn new<'a>(scalars: impl Iterator<Item = &'a Scalar>) -> Self {
        let mut out = Self([[0x8888_8888_8888_8888; 8]; 4]);
        for (lane, scalar) in scalars.take(8).enumerate() {
            let mut carry = false;
            for (words, bytes) in out.0.iter_mut().zip(scalar.as_bytes().as_chunks::<8>().0) {
                let (sum, first) = words[lane].overflowing_add(u64::from_le_bytes(*bytes));
                let (sum, second) = sum.overflowing_add(u64::from(carry));
                (words[lane], carry) = (sum, first | second);
            }
        }
        out
    }

    /// Magnitudes of the digits at a place, and the lanes in which they are negative.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn at(&self, place: u64) -> (V, u8) {
        let bits = WINDOW * place;
        let word = load(&self.0[(bits / 64) as usize]);
        let nibble = and(shift_by(word, bits % 64), set(15));
        let eight = set(8);
        let negative = zeros(and(nibble, eight));
        let magnitude = select(negative, sub(nibble, eight), sub(eight, nibble));
        (magnitude, negative)
    }
}

impl Drop for Digits {
    fn drop(&mut self) {
        self.0 = [[0; 8]; 4];
        core::hint::black_box(&mut self.0);
    }
}

impl Addend {
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn identity() -> Self {
        let one = Element::small(1);
        Self {
            sum: one,
            difference: one,
            double_z: Element::small(2),
            scaled_t: Element::zero(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn select(&self, mask: u8, other: &Self) -> Self {
        Self {
            sum: self.sum.select(mask, other.sum),
            difference: self.difference.select(mask, other.difference),
            double_z: self.double_z.select(mask, other.double_z),
            scaled_t: self.scaled_t.select(mask, other.scaled_t),
        }
    }

    /// The digits at a place times the point of the table: all of the table is read.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn chosen(table: &[Self; TABLE], (magnitude, negative): (V, u8)) -> Self {
        let mut out = Self::identity();
        for (multiple, addend) in (1..).zip(table) {
            out = out.select(equal(magnitude, set(multiple)), addend);
        }
        Self {
            sum: out.sum.select(negative, out.difference),
            difference: out.difference.select(negative, out.sum),
            double_z: out.double_z,
            scaled_t: out.scaled_t.select(negative, out.scaled_t.negated()),
        }
    }
}

impl Point {
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn identity() -> Self {
        let one = Element::small(1);
        Self {
            e: Element::zero(),
            f: one,
            g: one,
            h: one,
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn doubled(&self) -> Self {
        // Step 1: X, Y, Z
        let (x, y) = (self.e.times(self.f), self.g.times(self.h));
        let z = self.f.by(self.g);
        // Step 2: E = -2XY, G = X^2 - Y^2, H = X^2 + Y^2, F = 2Z^2 + G
        let product = x.plus(y).carried().square();
        let (xx, yy, zz) = (x.carried().square(), y.carried().square(), z.square());
        let (g, h) = (xx.minus(yy), xx.plus(yy));
        Self {
            e: h.minus(product).carried(),
            f: zz.plus(zz).plus(g).carried(),
            g: g.carried(),
            h: h.carried(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn added(&self, other: &Addend) -> Self {
        // Step 1: Y - X, Y + X, Z, T times those of the other
        let (x, y) = (self.e.times(self.f), self.g.times(self.h));
        let a = y.minus(x).carried().times(other.difference);
        let b = y.plus(x).carried().times(other.sum);
        let c = self.e.by(self.h).times(other.scaled_t);
        let d = self.f.by(self.g).times(other.double_z);
        // Step 2: the sum
        Self {
            e: b.minus(a).carried(),
            f: d.minus(c).carried(),
            g: d.plus(c).carried(),
            h: b.plus(a).carried(),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.added(&other.addend())
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn addend(&self) -> Addend {
        let (x, y) = (self.e.times(self.f), self.g.times(self.h));
        let z = self.f.times(self.g);
        Addend {
            sum: y.plus(x).carried(),
            difference: y.minus(x).carried(),
            double_z: z.plus(z).carried(),
            scaled_t: self.e.by(self.h).by(Element::of(&TWO_D)),
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiples(&self) -> [Addend; TABLE] {
        let mut table = [self.addend(); TABLE];
        let mut multiple = *self;
        for i in 1..TABLE {
            multiple = multiple.added(&table[0]);
            table[i] = multiple.addend();
        }
        table
    }

    /// Lane by lane the scalar of these digits times the point.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn times(&self, digits: &Digits) -> Self {
        let mut table = self.multiples();
        // Digit by digit, the highest first.
        let top = Addend::chosen(&table, digits.at(DIGITS - 1));
        let mut out = Self::identity().added(&top);
        for place in (0..DIGITS - 1).rev() {
            for _ in 0..WINDOW {
                out = out.doubled();
            }
            out = out.added(&Addend::chosen(&table, digits.at(place)));
        }
        table.fill(Addend::identity());
        core::hint::black_box(&mut table);
        out
    }
}

/// A sum of multiples, lane by lane: of each place's digits alone, so that all share the doublings.
pub(super) struct Sum(Vec<Point>);

impl Sum {
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn new() -> Self {
        Self(vec![Point::identity(); DIGITS as usize])
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add(&mut self, point: &Point, digits: &Digits) {
        let table = point.multiples();
        for (place, sum) in (0..).zip(&mut self.0) {
            *sum = sum.added(&Addend::chosen(&table, digits.at(place)));
        }
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn total(&self) -> Point {
        let mut out = Point::identity();
        for sum in self.0.iter().rev() {
            for _ in 0..WINDOW {
                out = out.doubled();
            }
            out = out.plus(sum);
        }
        out
    }
}

/// Overwrites points in a way that is not optimised away.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn wipe(points: &mut [Point]) {
    points.fill(Point::identity());
    core::hint::black_box(points);
}
