//! The three ciphertext moduli: products of primes, and what rounds between them and powers of two.
//!
//! Source: Halevi–Polyakov–Shoup 2018 (ePrint 2018/117) §2, CRT by fractions, in fixed point.
//! Setting: local; constant time.
//! Notation: `q = Π p_i`; `t = 2^64`; `y_i = c·(q/p_i)^-1 mod p_i`, so that `c/q = Σ y_i/p_i mod 1`.

use super::ntt;
use super::prime::{Factor, N, Prime, WORD, WORD_MASK, at_most_once, vartime_power};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::error::{Error, Result};
use crate::simd::multiversion;
use std::sync::OnceLock;

/// The most primes that a modulus has.
pub(super) const MAX_PRIMES: usize = 5;

/// A ciphertext modulus. All have 128-bit security at `N = 8192` (limit 218 bits, ternary secret).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Modulus {
    /// Four primes of 45 bits: factors of about 24 bits.
    Q180,
    /// Four primes of 50 bits: factors of about 40 bits.
    Q200,
    /// Five primes of 43 bits: factors of 64 bits.
    Q215,
}

impl Modulus {
    /// The modulus of 180, 200 or 215 bits.
    ///
    /// # Errors
    /// `Range` for any other number of bits.
    pub fn of_bits(bits: usize) -> Result<Self> {
        match bits {
            180 => Ok(Self::Q180),
            200 => Ok(Self::Q200),
            215 => Ok(Self::Q215),
            _ => Err(Error::Range("modulus must be 180, 200 or 215 bits")),
        }
    }

    /// Number of primes, bits of each, and `⌊log2 q⌋`.
    pub(super) const fn size(self) -> (usize, usize, u32) {
        match self {
            Self::Q180 => (4, 45, 179),
            Self::Q200 => (4, 50, 199),
            Self::Q215 => (5, 43, 214),
        }
    }

    /// Flooding noise is uniform in `[-2^f, 2^f)`; `2^f ≤ q / 2^67`.
    pub(super) const fn flood_bits(self) -> u32 {
        self.size().2 - 67
    }

    pub(super) fn basis(self) -> &'static Basis {
        static Q180: OnceLock<Basis> = OnceLock::new();
        static Q200: OnceLock<Basis> = OnceLock::new();
        static Q215: OnceLock<Basis> = OnceLock::new();
        match self {
            Self::Q180 => Q180.get_or_init(|| {
                let primes = [
                    0x1fff_fff8_c001,
                    0x1fff_fff5_c001,
                    0x1fff_fff1_8001,
                    0x1fff_fff0_c001,
                ];
                Basis::new(self, &primes)
            }),
            Self::Q200 => Q200.get_or_init(|| {
                let primes = [
                    0x3_ffff_ffff_c001,
                    0x3_ffff_fffc_c001,
                    0x3_ffff_ffef_4001,
                    0x3_ffff_ffe9_4001,
                ];
                Basis::new(self, &primes)
            }),
            Self::Q215 => Q215.get_or_init(|| {
                let primes = [
                    0x7ff_fffd_8001,
                    0x7ff_fffc_8001,
                    0x7ff_fffa_8001,
                    0x7ff_fff6_8001,
                    0x7ff_ffef_c001,
                ];
                Basis::new(self, &primes)
            }),
        }
    }
}

/// One prime of a modulus with what depends on the other ones.
pub(super) struct Limb {
    pub(super) prime: Prime,
    /// `(q/p_i)^-1`.
    hat_inverse: Factor,
    /// `-2^-64`.
    minus_t_inverse: Factor,
    /// `p - 2^f`, to centre the flooding noise.
    minus_flood: u64,
    /// `⌊2^156/p⌋` in words of 52 bits, lowest first.
    pub(super) reciprocal: [u64; 3],
}

pub(super) struct Basis {
    pub(super) limbs: Vec<Limb>,
    /// `q mod 2^64`.
    q_low: u64,
    flood_bits: u32,
}

impl Basis {
    fn new(modulus: Modulus, primes: &[u64]) -> Self {
        let limbs = primes.iter().map(|p| {
            let hat = primes.iter().filter(|other| *other != p);
            let hat = hat.fold(1, |product, other| {
                (u128::from(product) * u128::from(*other) % u128::from(*p)) as u64
            });
            let prime = Prime::new(*p);
            Limb {
                hat_inverse: prime.factor(vartime_power(hat, p - 2, *p)),
                minus_t_inverse: prime
                    .factor(p - vartime_power(vartime_power(2, 64, *p), p - 2, *p)),
                minus_flood: p - vartime_power(2, u64::from(modulus.flood_bits()), *p),
                reciprocal: reciprocal(*p),
                prime,
            }
        });
        Self {
            limbs: limbs.collect(),
            q_low: primes
                .iter()
                .fold(1, |product: u64, p| product.wrapping_mul(*p)),
            flood_bits: modulus.flood_bits(),
        }
    }

    /// `r` with `round(q·m/t) = (q·m - r)/t`, as a word; it is the same for every prime.
    #[inline(always)]
    pub(super) fn remainder(&self, m: u64) -> u64 {
        self.q_low.wrapping_mul(m)
    }

    /// Uniform noise of three random words, as words of 52 bits, before it is centred.
    #[inline(always)]
    pub(super) fn flood_words(&self, random: [u64; 3]) -> [u64; 3] {
        let top = self.flood_bits + 1 - 2 * WORD;
        [
            random[0] & WORD_MASK,
            random[1] & WORD_MASK,
            random[2] & ((1 << top) - 1),
        ]
    }
}

impl Limb {
    /// `round(q·m/t) mod p` from the remainder, in `[0, p)`.
    #[inline(always)]
    pub(super) fn scaled(&self, remainder: u64) -> u64 {
        // q = 0 mod p, so (q·m - r)/t = -r/t.
        self.prime
            .mul(self.prime.lift_lazy(remainder as i64), self.minus_t_inverse)
    }

    /// Adds `round(q·m/t)` for each remainder to `to`, below `2p`.
    pub(super) fn add_scaled(&self, remainders: &[u64], to: &mut [u64]) {
        add_scaled(&self.prime, self.minus_t_inverse, remainders, to);
    }

    /// The centred flooding noise modulo p.
    #[inline(always)]
    pub(super) fn flood(&self, words: [u64; 3]) -> u64 {
        let prime = &self.prime;
        let sum = prime.mul_lazy(words[0], prime.one)
            + prime.mul_lazy(words[1], prime.word)
            + prime.mul_lazy(words[2], prime.word_squared)
            + self.minus_flood;
        let sum = at_most_once(at_most_once(sum, 4 * prime.p), 2 * prime.p);
        at_most_once(sum, prime.p)
    }

    /// `-2^bits mod p`.
    pub(super) fn minus_power(&self, bits: u32) -> u64 {
        self.prime.p - vartime_power(2, u64::from(bits), self.prime.p)
    }

    /// `y_i` of a coefficient below `4p`.
    #[inline(always)]
    pub(super) fn fraction(&self, c: u64) -> u64 {
        self.prime.mul(c, self.hat_inverse)
    }

    /// `y_i` of every coefficient, in place.
    pub(super) fn fractions(&self, c: &mut [u64]) {
        ntt::scale(&self.prime, self.hat_inverse, c);
    }
}

/// Adds `factor·x mod p` of signed numbers x to `to`, below `2p` if that was below p.
pub(super) fn add_scaled(prime: &Prime, factor: Factor, x: &[u64], to: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::add_scaled(prime, factor, x, to);
    }
    for (to, x) in to.iter_mut().zip(x) {
        *to += prime.mul(prime.lift_lazy(*x as i64), factor);
    }
}

/// `⌊2^156/p⌋` in words of 52 bits by long division.
fn reciprocal(p: u64) -> [u64; 3] {
    let (mut words, mut rest) = ([0; 3], 1u128);
    for word in words.iter_mut().rev() {
        let dividend = rest << WORD;
        *word = (dividend / u128::from(p)) as u64;
        rest = dividend % u128::from(p);
    }
    words
}

/// A number modulo 1 in fixed point: `mid/2^104 + high/2^52`, `mid` being a word.
#[derive(Clone, Copy)]
pub(super) struct Fixed {
    mid: u64,
    high: u64,
}

impl Fixed {
    /// `Σ y_i/p_i mod 1`, less than `2^-101` too small, with `2^(bits-104)` added for rounding.
    #[inline(always)]
    pub(super) fn sum(limbs: &[Limb], y: impl Fn(usize) -> u64, bits: u32) -> Self {
        let (mut low, mut mid, mut high) = (0u64, 1u64 << bits, 0u64);
        for (i, limb) in limbs.iter().enumerate() {
            let [k0, k1, k2] = limb.reciprocal.map(|k| u128::from(k) * u128::from(y(i)));
            low += k0 as u64 & WORD_MASK;
            mid += (k0 >> WORD) as u64 + (k1 as u64 & WORD_MASK);
            high += (k1 >> WORD) as u64 + (k2 as u64 & WORD_MASK);
        }
        mid += low >> WORD;
        high += mid >> WORD;
        Self {
            mid: mid & WORD_MASK,
            high: high & WORD_MASK,
        }
    }

    /// The first 80 bits, little-endian.
    #[inline(always)]
    pub(super) fn first_80(self) -> [u8; ANSWER_A_BYTES] {
        let bits = u128::from(self.mid >> 24) | (u128::from(self.high) << 28);
        core::array::from_fn(|i| (bits >> (8 * i)) as u8)
    }

    /// The first 64 bits.
    #[inline(always)]
    pub(super) fn first_64(self) -> u64 {
        self.mid >> 40 | self.high << 12
    }

    /// The first 72 bits, little-endian.
    #[inline(always)]
    pub(super) fn first_72(self) -> [u8; ANSWER_B_BYTES] {
        let bits = u128::from(self.mid >> 32) | (u128::from(self.high) << 20);
        core::array::from_fn(|i| (bits >> (8 * i)) as u8)
    }
}

/// Bytes of a coefficient of `c1` in an answer: modulo `2^80`.
pub(super) const ANSWER_A_BYTES: usize = 10;
/// Bytes of a coefficient of `c0` in an answer: modulo `2^72`.
pub(super) const ANSWER_B_BYTES: usize = 9;

/// Writes `round(2^80·c/q)` of every coefficient; `y` holds the fractions, limb after limb.
pub(super) fn round_80(basis: &Basis, y: &[u64], out: &mut [[u8; ANSWER_A_BYTES]]) {
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::round_80(&basis.limbs, y, out);
    }
    for (i, out) in out.iter_mut().enumerate() {
        *out = Fixed::sum(&basis.limbs, |limb| y[limb * N + i], 23).first_80();
    }
}

/// Writes the first 64 bits of `c/q` of every coefficient, rounded to `bits` of them; those behind mean nothing.
pub(super) fn round_words(basis: &Basis, y: &[u64], bits: u32, out: &mut [u64]) {
    // Half a unit, in units of 2^-104.
    let half = 1 << (2 * WORD - 1 - bits);
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::round_words(&basis.limbs, y, half, out);
    }
    for (i, out) in out.iter_mut().enumerate() {
        *out = Fixed::sum(&basis.limbs, |limb| y[limb * N + i], half.trailing_zeros()).first_64();
    }
}

/// Adds to each number below p `offset` and a random number of `bits` bits, in three words a third of `random`
/// apart; below p. For `p < 2^49`.
pub(super) fn add_wide(prime: &Prime, offset: u64, bits: u32, random: &[u64], to: &mut [u64]) {
    let top = (1 << (bits - 2 * WORD)) - 1;
    #[cfg(target_arch = "x86_64")]
    if x86::available() {
        return x86::add_wide(prime, offset, top, random, to);
    }
    for (i, to) in to.iter_mut().enumerate() {
        let [low, mid, high] = [0, 1, 2].map(|word| random[word * N + i]);
        let sum = prime.mul_lazy(low & WORD_MASK, prime.one)
            + prime.mul_lazy(mid & WORD_MASK, prime.word)
            + prime.mul_lazy(high & top, prime.word_squared);
        let sum = at_most_once(sum + offset + *to, 4 * prime.p);
        *to = at_most_once(at_most_once(sum, 2 * prime.p), prime.p);
    }
}

/// Two primes of 50 bits in which a key owner multiplies an answer by its secret, exactly.
pub(super) struct Exact {
    pub(super) limbs: &'static [Limb],
    p0_inverse: Factor,
}

impl Exact {
    pub(super) fn new() -> Self {
        let limbs = &Modulus::Q200.basis().limbs[..2];
        let (p0, p1) = (limbs[0].prime.p, limbs[1].prime.p);
        Self {
            limbs,
            p0_inverse: limbs[1].prime.factor(vartime_power(p0 % p1, p1 - 2, p1)),
        }
    }

    /// The number in `(-p0·p1/2, p0·p1/2)` with these residues, modulo `2^128`.
    #[inline(always)]
    pub(super) fn join(&self, residues: [u64; 2]) -> u128 {
        let [p0, p1] = [0, 1].map(|i| self.limbs[i].prime.p);
        let difference = residues[1] + p1 - at_most_once(residues[0], p1);
        let quotient = self.limbs[1].prime.mul(difference, self.p0_inverse);
        let product = u128::from(p0) * u128::from(p1);
        let value = u128::from(residues[0]) + u128::from(p0) * u128::from(quotient);
        let negative = ((product / 2).wrapping_sub(value) as i128 >> 127) as u128;
        value.wrapping_sub(product & negative)
    }

    /// The numbers below `2^90` in magnitude with these residues, modulo `2^64`; to `second`.
    pub(super) fn join_words(&self, first: &[u64], second: &mut [u64]) {
        let [p0, p1] = [0, 1].map(|i| self.limbs[i].prime.p);
        difference(p1, second, first);
        ntt::scale(&self.limbs[1].prime, self.p0_inverse, second);
        join_words(p0, p1, first, second);
    }

    /// `c1` of an answer modulo each of the two primes, transformed.
    pub(super) fn transform(&self, limb: usize, c1: &[[u8; ANSWER_A_BYTES]], to: &mut [u64]) {
        let prime = &self.limbs[limb].prime;
        for (to, c1) in to.iter_mut().zip(c1) {
            let mut wide = [0; 16];
            wide[..ANSWER_A_BYTES].copy_from_slice(c1);
            let wide = u128::from_le_bytes(wide);
            *to = prime.reduce_wide(wide as u64 & WORD_MASK, (wide >> WORD) as u64);
        }
        ntt::forward(prime, to);
    }
}

multiversion! {
    fn difference(p: u64, a: &mut [u64], b: &[u64]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = *a + p - at_most_once(*b, p);
        }
    }
}

multiversion! {
    fn join_words(p0: u64, p1: u64, residues: &[u64], quotients: &mut [u64]) {
        let product = p0.wrapping_mul(p1);
        for (quotient, residue) in quotients.iter_mut().zip(residues) {
            // A small number has a small quotient, a small negative one a quotient close to p1.
            let negative = ((p1 / 2).wrapping_sub(*quotient) as i64 >> 63) as u64;
            let value = residue.wrapping_add(p0.wrapping_mul(*quotient));
            *quotient = value.wrapping_sub(product & negative);
        }
    }
}
