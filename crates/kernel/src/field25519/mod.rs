//! Integers modulo `p = 2^255 - 19`, one at a time: five limbs of 51 bits, constant time.
//!
//! A limb is below 2^52 on entry to a product and below `2^51 + 2^13` after it.

use zeroize::DefaultIsZeroes;

#[cfg(target_arch = "x86_64")]
pub(crate) mod eight;

const MASK: u64 = (1 << 51) - 1;
/// `4p`, limb by limb at least `2^52`.
const FOUR_P: [u64; 5] = {
    let top = 4 * MASK;
    [top - 72, top, top, top, top]
};

/// An element.
#[derive(Clone, Copy, Default)]
pub(crate) struct Element([u64; 5]);

impl DefaultIsZeroes for Element {}

pub(crate) const ZERO: Element = Element([0; 5]);
pub(crate) const ONE: Element = small(1);

/// An integer below 2^51.
pub(crate) const fn small(x: u64) -> Element {
    Element([x, 0, 0, 0, 0])
}

/// Four little-endian words as five limbs; the last takes all that is left, up to 52 bits.
fn split(words: &[u64; 4]) -> [u64; 5] {
    let [a, b, c, d] = *words;
    [
        a & MASK,
        (a >> 51 | b << 13) & MASK,
        (b >> 38 | c << 26) & MASK,
        (c >> 25 | d << 39) & MASK,
        d >> 12,
    ]
}

/// Four words as 32 bytes, little-endian.
pub(crate) fn bytes(words: [u64; 4]) -> [u8; 32] {
    let mut out = [0; 32];
    for (out, word) in out.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *out = word.to_le_bytes();
    }
    out
}

/// 32 bytes as four little-endian words.
pub(crate) fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let words = bytes.as_chunks::<8>().0;
    core::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

fn carried(mut t: [u128; 5]) -> Element {
    for i in 0..4 {
        t[i + 1] += t[i] >> 51;
    }
    let mut out = t.map(|limb| limb as u64 & MASK);
    out[0] += 19 * (t[4] >> 51) as u64;
    out[1] += out[0] >> 51;
    out[0] &= MASK;
    Element(out)
}

impl Element {
    /// Any 256 bits, taken modulo `p`.
    pub(crate) fn from_words(words: &[u64; 4]) -> Self {
        carried(split(words).map(u128::from))
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        carried(core::array::from_fn(|i| u128::from(self.0[i] + other.0[i])))
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        carried(core::array::from_fn(|i| {
            u128::from(self.0[i] + FOUR_P[i] - other.0[i])
        }))
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut t = [0u128; 5];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                let fold = if i + j < 5 { 1 } else { 19 };
                t[(i + j) % 5] += u128::from(*a) * u128::from(fold * b);
            }
        }
        carried(t)
    }

    pub(crate) fn square(&self) -> Self {
        self.times(self)
    }

    fn squares(&self, n: usize) -> Self {
        (0..n).fold(*self, |x, _| x.square())
    }

    /// `x^(2^250 - 1)` and `x^2`.
    fn power_250(&self) -> (Self, Self) {
        let double = |x: &Self, n: usize| x.squares(n).times(x);
        let x2 = self.square();
        let x5 = {
            let x9 = x2.squares(2).times(self);
            let x11 = x9.times(&x2);
            x11.square().times(&x9)
        };
        let x10 = double(&x5, 5);
        let x20 = double(&x10, 10);
        let x40 = double(&x20, 20);
        let x50 = x40.squares(10).times(&x10);
        let x100 = double(&x50, 50);
        let x200 = double(&x100, 100);
        (x200.squares(50).times(&x50), x2)
    }

    /// `x^(p - 2)`: the inverse, and 0 of 0.
    pub(crate) fn inverse(&self) -> Self {
        let (power, x2) = self.power_250();
        let x11 = x2.squares(2).times(self).times(&x2);
        power.squares(5).times(&x11)
    }

    /// `x^((p - 1)/2)`: 1 of a square, -1 of a non-square, 0 of 0.
    pub(crate) fn character(&self) -> Self {
        let (power, x2) = self.power_250();
        power.squares(4).times(&x2.square().times(&x2))
    }

    /// The canonical encoding.
    pub(crate) fn encode(&self) -> [u8; 32] {
        let Self(mut limbs) = carried(self.0.map(u128::from));
        // Whether the value is p or more: adding 19 carries out of bit 255.
        let above = limbs.iter().fold(19, |carry, limb| (limb + carry) >> 51);
        limbs[0] += 19 * above;
        for i in 0..4 {
            limbs[i + 1] += limbs[i] >> 51;
            limbs[i] &= MASK;
        }
        limbs[4] &= MASK;
        let [a, b, c, d, e] = limbs;
        bytes([
            a | b << 51,
            b >> 13 | c << 38,
            c >> 26 | d << 25,
            d >> 39 | e << 12,
        ])
    }

    /// `other` if `choice` is 1, `self` if it is 0.
    pub(crate) fn select(&self, other: &Self, choice: u64) -> Self {
        let mask = choice.wrapping_neg();
        Self(core::array::from_fn(|i| {
            self.0[i] ^ (mask & (self.0[i] ^ other.0[i]))
        }))
    }
}
