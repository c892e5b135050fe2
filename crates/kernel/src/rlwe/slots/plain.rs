//! The three plaintext primes: numbers in slots, and from residues back to numbers.
//!
//! Source: Garner's mixed radix, Knuth TAOCP 2 §4.3.2. Setting: local; constant time.
//! Notation: a number below T is `h_1 + t_1·h_2 + t_1·t_2·h_3`, each digit below its prime.

use crate::rlwe::modulus::{Limb, add_scaled};
use crate::rlwe::ntt;
use crate::rlwe::prime::{Factor, N, Prime, at_most_once, vartime_power};
use crate::rlwe::room::Room;
use crate::simd::multiversion;
use std::sync::OnceLock;

/// Plaintext primes.
pub(super) const PRIMES: usize = 3;
/// Their product is 1 modulo `2^64` and above `2^129`.
pub(super) const VALUES: [u64; PRIMES] = [0x800_2e0a_c001, 0x803_82e7_4001, 0x80a_5f0e_0001];

pub(super) const LARGEST: u64 = VALUES[2];

/// One plaintext prime t, and what leads from it to the primes of q and back.
pub(super) struct Plain {
    pub(super) prime: Prime,
    /// `q mod t`.
    pub(super) q: Factor,
    q_inverse: Factor,
    /// `2^127 mod t`.
    offset: u64,
    /// `-1/t` modulo each prime of q.
    minus_inverse: Vec<Factor>,
}

/// All three, and the inverses for mixed radix.
pub(super) struct Slots {
    pub(super) primes: [Plain; PRIMES],
    /// `1/t_1` modulo the second and the third, `1/t_2` modulo the third.
    inverses: [Factor; 3],
}

impl Plain {
    fn new(t: u64) -> Self {
        let prime = Prime::new(t);
        let limbs = &super::MODULUS.basis().limbs;
        let q = limbs.iter().fold(1, |q, limb| {
            (u128::from(q) * u128::from(limb.prime.p) % u128::from(t)) as u64
        });
        let inverse = |limb: &Limb| {
            let p = limb.prime.p;
            limb.prime.factor(p - vartime_power(t % p, p - 2, p))
        };
        Self {
            q: prime.factor(q),
            q_inverse: prime.factor(vartime_power(q, t - 2, t)),
            offset: vartime_power(2, 127, t),
            minus_inverse: limbs.iter().map(inverse).collect(),
            prime,
        }
    }

    /// The polynomial with `factor` times `values` (signed numbers) in its first slots and 0 in the others,
    /// coefficients in `[-t/2, t/2]` as words.
    pub(super) fn encode(&self, values: &[u64], factor: Factor, to: &mut [u64]) {
        let mut signed = Room::new(N);
        signed[..values.len()].copy_from_slice(values);
        ntt::lift(&self.prime, &signed, to);
        ntt::scale(&self.prime, factor, to);
        ntt::inverse(&self.prime, to);
        centre(self.prime.p, to);
    }

    /// The slots of the polynomial nearest to `t/2^64` times the phases, in `[0, t)`.
    pub(super) fn decode(&self, phases: &[u64], slots: &mut [u64]) {
        round(self.prime.p, phases, slots);
        ntt::forward(&self.prime, slots);
    }

    /// Adds `⌊q/t·m⌉` modulo prime `i` of q, given `q·m mod t` in `[-t/2, t/2]`.
    pub(super) fn add_message(&self, i: usize, limb: &Limb, remainders: &[u64], to: &mut [u64]) {
        // q = 0 mod p, so (q·m - r)/t = -r/t, for the remainder r of least magnitude.
        add_scaled(&limb.prime, self.minus_inverse[i], remainders, to);
    }

    /// Coefficients in `[0, t)` as signed numbers in `[-t/2, t/2]`.
    pub(super) fn centre(&self, coefficients: &mut [u64]) {
        centre(self.prime.p, coefficients);
    }

    /// My side of the slots, `2^127 - r` in `[0, t)`, from `q·r mod t` in coefficients; in place.
    pub(super) fn unmask(&self, remainders: &mut [u64]) {
        ntt::scale(&self.prime, self.q_inverse, remainders);
        ntt::forward(&self.prime, remainders);
        reverse(self.prime.p, self.offset, remainders);
    }
}

impl Slots {
    pub(super) fn get() -> &'static Self {
        static SLOTS: OnceLock<Slots> = OnceLock::new();
        SLOTS.get_or_init(|| {
            let primes = VALUES.map(Plain::new);
            let inverse = |of: usize, modulo: usize| {
                let p = VALUES[modulo];
                let value = vartime_power(VALUES[of] % p, p - 2, p);
                primes[modulo].prime.factor(value)
            };
            Self {
                inverses: [inverse(0, 1), inverse(0, 2), inverse(1, 2)],
                primes,
            }
        })
    }

    /// Residues to digits, in place.
    pub(super) fn digits(&self, [first, second, third]: &mut [Room; PRIMES]) {
        let [_, second_prime, third_prime] = &self.primes;
        for (to, prime, subtrahend, inverse) in [
            (&mut *second, &second_prime.prime, &*first, self.inverses[0]),
            (&mut *third, &third_prime.prime, &*first, self.inverses[1]),
        ] {
            subtract(prime.p, to, subtrahend);
            ntt::scale(prime, inverse, to);
        }
        subtract(third_prime.prime.p, third, second);
        ntt::scale(&third_prime.prime, self.inverses[2], third);
    }
}

/// The numbers of these digits modulo `2^64`.
pub(super) fn numbers([first, second, third]: &[Room; PRIMES], to: &mut [u64]) {
    sum_digits(first, second, third, to);
}

/// Whether the last digit says that the number is at least θ: 0 or 1.
pub(super) fn tops(third: &[u64], to: &mut [u64]) {
    for (to, digit) in to.iter_mut().zip(third) {
        *to = ((VALUES[2] - 1) / 2).wrapping_sub(digit + 1) >> 63;
    }
}

multiversion! {
    fn sum_digits(first: &[u64], second: &[u64], third: &[u64], to: &mut [u64]) {
        let digits = first.iter().zip(second).zip(third);
        for (to, ((first, second), third)) in to.iter_mut().zip(digits) {
            let upper = second.wrapping_add(VALUES[1].wrapping_mul(*third));
            *to = first.wrapping_add(VALUES[0].wrapping_mul(upper));
        }
    }
}

multiversion! {
    /// `a - b`, below `2p` and congruent modulo p, for `a < p` and `b < 2p`.
    fn subtract(p: u64, a: &mut [u64], b: &[u64]) {
        for (a, b) in a.iter_mut().zip(b) {
            *a = *a + p - at_most_once(*b, p);
        }
    }
}

multiversion! {
    fn centre(t: u64, numbers: &mut [u64]) {
        let half = t / 2;
        for number in numbers {
            let above = (half.wrapping_sub(*number) as i64 >> 63) as u64;
            *number = number.wrapping_sub(t & above);
        }
    }
}

multiversion! {
    fn round(t: u64, phases: &[u64], to: &mut [u64]) {
        for (to, phase) in to.iter_mut().zip(phases) {
            let rounded = (u128::from(t) * u128::from(*phase) + (1 << 63)) >> 64;
            *to = at_most_once(rounded as u64, t);
        }
    }
}

multiversion! {
    fn reverse(t: u64, offset: u64, numbers: &mut [u64]) {
        for number in numbers {
            *number = at_most_once(offset + t - *number, t);
        }
    }
}
