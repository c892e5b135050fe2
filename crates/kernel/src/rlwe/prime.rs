//! One prime of the modulus: its arithmetic and the roots of its transform.
//!
//! Source: Harvey 2014 (arXiv 1205.2926) §3, lazy butterflies with Shoup's quotients, at word size
//! `β = 2^52` so that portable and IFMA code do the same arithmetic. Setting: local; constant time.
//! Range: `2^42 < p < 2^50`, so that `4p < β`.

/// Degree of the ring `Z[X]/(X^N + 1)`.
pub const N: usize = 8192;
const LOG_N: u32 = N.trailing_zeros();

/// Bits of a word of the modular arithmetic.
pub(super) const WORD: u32 = 52;
pub(super) const WORD_MASK: u64 = (1 << WORD) - 1;

/// A fixed factor `value < p` and `floor(value·2^52 / p)`.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    pub(super) value: u64,
    pub(super) quotient: u64,
}

/// The powers of a root in bit-reversed order, as factors.
pub(super) struct Roots {
    pub(super) values: Vec<u64>,
    pub(super) quotients: Vec<u64>,
}

impl Roots {
    pub(super) fn at(&self, index: usize) -> Factor {
        Factor {
            value: self.values[index],
            quotient: self.quotients[index],
        }
    }
}

/// A prime `p = 1 mod 2N` with the constants that its arithmetic needs.
pub(super) struct Prime {
    pub(super) p: u64,
    /// `p < 2^bits`.
    pub(super) bits: u32,
    pub(super) forward: Roots,
    pub(super) inverse: Roots,
    pub(super) one: Factor,
    /// `2^52`, `2^104`: for sums of products and wide numbers.
    pub(super) word: Factor,
    pub(super) word_squared: Factor,
    /// `2^32`, for signed 64-bit numbers, and `-2^63`.
    pub(super) half_word: Factor,
    pub(super) minus_2_63: u64,
    pub(super) n_inverse: Factor,
}

/// `a·b mod p` for public constants; not constant time.
fn vartime_mul(a: u64, b: u64, p: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(p)) as u64
}

pub(super) fn vartime_power(base: u64, mut exponent: u64, p: u64) -> u64 {
    let (mut result, mut square) = (1, base % p);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = vartime_mul(result, square, p);
        }
        square = vartime_mul(square, square, p);
        exponent >>= 1;
    }
    result
}

impl Prime {
    pub(super) fn new(p: u64) -> Self {
        let root = (2..p)
            .map(|base| vartime_power(base, (p - 1) / (2 * N as u64), p))
            .find(|root| vartime_power(*root, N as u64, p) == p - 1)
            .unwrap_or(1);
        let factor = |value| Factor {
            value,
            quotient: quotient(value, p),
        };
        Self {
            p,
            bits: 64 - p.leading_zeros(),
            forward: roots(root, p),
            inverse: roots(vartime_power(root, p - 2, p), p),
            one: factor(1),
            word: factor(vartime_power(2, u64::from(WORD), p)),
            word_squared: factor(vartime_power(2, 2 * u64::from(WORD), p)),
            half_word: factor(vartime_power(2, 32, p)),
            minus_2_63: p - vartime_power(2, 63, p),
            n_inverse: factor(vartime_power(N as u64, p - 2, p)),
        }
    }

    /// A fixed factor of this prime; `value` is public.
    pub(super) fn factor(&self, value: u64) -> Factor {
        Factor {
            value: value % self.p,
            quotient: quotient(value % self.p, self.p),
        }
    }

    /// `x·factor mod p` in `[0, 2p)`, for `x < 2^52`.
    #[inline(always)]
    pub(super) fn mul_lazy(&self, x: u64, factor: Factor) -> u64 {
        // Shifted so that the quotient is the high word of the product.
        let high = (u128::from(x) * u128::from(factor.quotient << (64 - WORD))) >> 64;
        x.wrapping_mul(factor.value)
            .wrapping_sub((high as u64).wrapping_mul(self.p))
    }

    /// `x·factor mod p`, for `x < 2^52`.
    #[inline(always)]
    pub(super) fn mul(&self, x: u64, factor: Factor) -> u64 {
        at_most_once(self.mul_lazy(x, factor), self.p)
    }

    /// `lo + 2^52·hi mod p` for any two words.
    #[inline(always)]
    pub(super) fn reduce_wide(&self, lo: u64, hi: u64) -> u64 {
        let sum = self.mul_lazy(lo & WORD_MASK, self.one)
            + self.mul_lazy(lo >> WORD, self.word)
            + self.mul_lazy(hi & WORD_MASK, self.word)
            + self.mul_lazy(hi >> WORD, self.word_squared);
        let sum = at_most_once(at_most_once(sum, 4 * self.p), 2 * self.p);
        at_most_once(sum, self.p)
    }

    /// A signed number modulo p, in `[0, 4p)`.
    #[inline(always)]
    pub(super) fn lift_lazy(&self, x: i64) -> u64 {
        // x = 2^32·high + low - 2^63 with both parts unsigned.
        let shifted = (x as u64) ^ (1 << 63);
        self.mul_lazy(shifted >> 32, self.half_word) + (shifted & 0xffff_ffff) + self.minus_2_63
    }
}

/// `x - m` if that is not negative, else `x`; no branch.
#[inline(always)]
pub(super) fn at_most_once(x: u64, m: u64) -> u64 {
    x.min(x.wrapping_sub(m))
}

fn quotient(value: u64, p: u64) -> u64 {
    ((u128::from(value) << WORD) / u128::from(p)) as u64
}

fn roots(root: u64, p: u64) -> Roots {
    let mut values = vec![0; N];
    let mut power = 1;
    for exponent in 0..N as u32 {
        values[(exponent.reverse_bits() >> (32 - LOG_N)) as usize] = power;
        power = vartime_mul(power, root, p);
    }
    let quotients = values.iter().map(|value| quotient(*value, p)).collect();
    Roots { values, quotients }
}
