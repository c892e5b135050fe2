//! Tests that look inside: transforms, noise, masks.

use super::key::{outputs, pairs};
use super::layout::FLOOD_RATIO_BITS;
use super::modulus::{ANSWER_A_BYTES, ANSWER_B_BYTES, Basis, Exact, Fixed, round_80};
use super::ntt::{self, MAX_TERMS, TILE};
use super::prime::{Prime, vartime_power};
use super::sample::{NOISE_BOUND, noise, ternary, vartime_uniform};
use super::*;
use crate::prg::Prg;
use crate::simd::on_every_tier;
use crate::testing::Stream;

const MODULI: [Modulus; 3] = [Modulus::Q180, Modulus::Q200, Modulus::Q215];

fn primes() -> impl Iterator<Item = &'static Prime> {
    MODULI
        .into_iter()
        .flat_map(|modulus| modulus.basis().limbs.iter().map(|limb| &limb.prime))
}

fn mul(a: u64, b: u64, p: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(p)) as u64
}

fn residues(random: &mut Stream, p: u64) -> Vec<u64> {
    random.words(N).iter().map(|word| word % p).collect()
}

pub(super) fn passes_miller_rabin(p: u64, base: u64) -> bool {
    let shift = (p - 1).trailing_zeros();
    let mut x = vartime_power(base, (p - 1) >> shift, p);
    let mut passes = x == 1 || x == p - 1;
    for _ in 1..shift {
        x = mul(x, x, p);
        passes |= x == p - 1;
    }
    passes
}

#[test]
fn moduli_are_what_they_claim() {
    for modulus in MODULI {
        let (count, bits, floor_log2) = modulus.size();
        let limbs = &modulus.basis().limbs;
        assert_eq!(limbs.len(), count);
        let log2: f64 = limbs.iter().map(|limb| (limb.prime.p as f64).log2()).sum();
        assert_eq!(log2.floor() as u32, floor_log2);
        assert!(log2 < 218.0);
        for limb in limbs {
            let p = limb.prime.p;
            assert_eq!((limb.prime.bits as usize, p % (2 * N as u64)), (bits, 1));
            // Pocklington with the factor 2^14 of p - 1 alone is too short: Miller–Rabin to 12 bases.
            for base in [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37] {
                assert!(passes_miller_rabin(p, base));
            }
        }
    }
}

#[test]
fn transform_evaluates_at_the_odd_powers_of_the_root() {
    on_every_tier(|_| {
        let mut random = Stream::new(11);
        for prime in primes() {
            let a = residues(&mut random, prime.p);
            let mut transformed = a.clone();
            ntt::forward(prime, &mut transformed);
            let root = prime.forward.values[N / 2];
            assert_eq!(vartime_power(root, N as u64, prime.p), prime.p - 1);
            for at in random.words(4).iter().map(|word| *word as usize % N) {
                let reversed = (at as u32).reverse_bits() >> 19;
                let x = vartime_power(root, 2 * u64::from(reversed) + 1, prime.p);
                let value = a
                    .iter()
                    .rev()
                    .fold(0, |sum, a| (mul(sum, x, prime.p) + a) % prime.p);
                assert_eq!(transformed[at], value);
            }
            ntt::inverse(prime, &mut transformed);
            assert_eq!(transformed, a);
        }
    });
}

#[test]
fn products_are_negacyclic() {
    on_every_tier(|_| {
        let mut random = Stream::new(12);
        for prime in primes() {
            let (a, mut b) = (residues(&mut random, prime.p), vec![0u64; N]);
            for at in random.words(20) {
                b[at as usize % N] = at % prime.p;
            }
            let mut expected = vec![0; N];
            for (j, b) in b.iter().enumerate().filter(|(_, b)| **b != 0) {
                for (i, a) in a.iter().enumerate() {
                    let product = mul(*a, *b, prime.p);
                    let signed = if i + j < N {
                        product
                    } else {
                        prime.p - product
                    };
                    expected[(i + j) % N] = (expected[(i + j) % N] + signed) % prime.p;
                }
            }
            let (mut product, mut a) = (vec![0; N], a);
            ntt::forward(prime, &mut a);
            ntt::forward(prime, &mut b);
            ntt::multiply_add(prime, &mut product, &a, &b);
            ntt::inverse(prime, &mut product);
            assert_eq!(product, expected);
        }
    });
}

#[test]
fn loops_are_right_on_every_tier_at_their_extremes() {
    on_every_tier(|_| {
        let mut random = Stream::new(13);
        for modulus in MODULI {
            let basis = modulus.basis();
            for limb in &basis.limbs {
                let (prime, p) = (&limb.prime, limb.prime.p);
                for top in [false, true] {
                    let mut value = |_: usize| if top { p - 1 } else { random.words(1)[0] % p };
                    let plain: Vec<[u64; TILE]> =
                        (0..MAX_TERMS).map(|i| [value(i); TILE]).collect();
                    let cipher: Vec<_> = (0..MAX_TERMS)
                        .map(|i| [[value(i); TILE], [value(i); TILE]])
                        .collect();
                    let (mut b, mut a) = ([0; TILE], [0; TILE]);
                    ntt::dot(prime, &plain, &cipher, [&mut b, &mut a]);
                    for (half, sum) in [b, a].iter().enumerate() {
                        let terms = plain.iter().zip(&cipher);
                        let expected =
                            terms.fold(0, |sum, (x, c)| (sum + mul(x[3], c[half][3], p)) % p);
                        assert_eq!(sum[3], expected);
                    }
                }
                let mut signed = random.words(64);
                signed[..4].copy_from_slice(&[0, 1 << 63, u64::MAX, i64::MAX as u64]);
                let (mut lifted, mut scaled, mut y) = (vec![0; 64], vec![1; 64], signed.clone());
                ntt::lift(prime, &signed, &mut lifted);
                limb.add_scaled(&signed, &mut scaled);
                y.iter_mut().for_each(|y| *y %= 4 * p);
                let before = y.clone();
                limb.fractions(&mut y);
                let t = vartime_power(2, 64, p);
                let hat = basis.limbs.iter().filter(|other| other.prime.p != p);
                let hat = hat.fold(1, |hat, other| mul(hat, other.prime.p % p, p));
                for i in 0..64 {
                    let x = i128::from(signed[i] as i64).rem_euclid(i128::from(p)) as u64;
                    assert_eq!(lifted[i] % p, x);
                    assert!(lifted[i] < 4 * p && scaled[i] < 2 * p);
                    assert_eq!((mul(scaled[i] - 1, t, p) + x) % p, 0);
                    assert_eq!(mul(y[i], hat, p), before[i] % p);
                }
            }
        }
    });
}

/// `round(2^80·c/q)` of residues, slowly: long division bit by bit of `Σ y_i·(q/p_i)`.
fn slow_round(basis: &Basis, y: &[u64]) -> u128 {
    // Each fraction y/p to 120 bits, truncated: off by less than 5 units of 2^-120.
    let sum = basis.limbs.iter().zip(y).fold(0u128, |sum, (limb, y)| {
        let (mut rest, mut bits) = (u128::from(*y), 0u128);
        for _ in 0..120 {
            rest *= 2;
            bits = 2 * bits + u128::from(rest >= u128::from(limb.prime.p));
            rest %= u128::from(limb.prime.p);
        }
        sum + bits
    });
    ((sum + (1 << 39)) >> 40) % (1 << 80)
}

#[test]
fn rounding_equals_long_division() {
    on_every_tier(|_| {
        let mut random = Stream::new(14);
        for modulus in MODULI {
            let basis = modulus.basis();
            let mut y: Vec<u64> = basis
                .limbs
                .iter()
                .flat_map(|limb| residues(&mut random, limb.prime.p))
                .collect();
            for (i, limb) in basis.limbs.iter().enumerate() {
                (y[i * N], y[i * N + 1]) = (0, limb.prime.p - 1);
            }
            let mut out = vec![[0; ANSWER_A_BYTES]; N];
            round_80(basis, &y, &mut out);
            for at in 0..N {
                let column: Vec<u64> = (0..basis.limbs.len()).map(|i| y[i * N + at]).collect();
                let fixed = Fixed::sum(&basis.limbs, |i| column[i], 23).first_80();
                assert_eq!(out[at], fixed);
                if at < 200 {
                    let mut wide = [0; 16];
                    wide[..ANSWER_A_BYTES].copy_from_slice(&fixed);
                    let short = Fixed::sum(&basis.limbs, |i| column[i], 31).first_72();
                    assert_eq!(u128::from_le_bytes(wide), slow_round(basis, &column));
                    wide = [0; 16];
                    wide[..ANSWER_B_BYTES].copy_from_slice(&short);
                    let expected = (slow_round(basis, &column) + 128) >> 8;
                    assert!(u128::from_le_bytes(wide).abs_diff(expected % (1 << 72)) <= 1);
                }
            }
        }
    });
}

#[test]
fn samples_have_their_distributions() {
    let prg = Prg::new(&[5; 16]);
    let (mut counts, mut sum, mut squares) = ([0usize; 3], 0i64, 0i64);
    for round in 0..16 {
        for value in ternary(&prg, round << 20).iter() {
            counts[value.wrapping_add(1) as usize] += 1;
        }
        for value in noise(&prg, (round << 20) + 9000)
            .iter()
            .map(|value| *value as i64)
        {
            assert!(value.unsigned_abs() as u128 <= NOISE_BOUND);
            (sum, squares) = (sum + value, squares + value * value);
        }
    }
    let n = 16.0 * N as f64;
    for count in counts {
        assert!((count as f64 - n / 3.0).abs() < 6.0 * (n * 2.0 / 9.0).sqrt());
    }
    assert!((sum as f64).abs() < 6.0 * (10.5 * n).sqrt());
    assert!((squares as f64 / n - 10.5).abs() < 0.3);
    let prime = &Modulus::Q215.basis().limbs[4].prime;
    let (mut one, mut other) = (vec![0; N], vec![0; N]);
    vartime_uniform(&prg, 3, prime, &mut one);
    vartime_uniform(&prg, 4, prime, &mut other);
    assert!(
        one.iter()
            .zip(&other)
            .all(|(a, b)| a != b && *a < prime.p && *b < prime.p)
    );
}

#[test]
fn uniform_words_beyond_the_prime_are_replaced() {
    // Words are cut to the bits of p; this p rejects a quarter of them.
    let prime = Prime::new((1u64 << 43) - 1064959);
    let odd = Prime {
        p: 3 << 41,
        ..prime
    };
    let mut out = vec![0; N];
    vartime_uniform(&Prg::new(&[6; 16]), 1, &odd, &mut out);
    assert!(out.iter().all(|word| *word < odd.p));
    let mean = out.iter().map(|word| *word as f64).sum::<f64>() / N as f64 / odd.p as f64;
    assert!((mean - 0.5).abs() < 0.03);
}

struct Run {
    layout: Layout,
    key: SecretKey,
    public: PublicKey,
    message: Vec<u8>,
    matrix: Matrix,
}

fn run(shape: (usize, usize, usize), x_bits: usize, modulus: Modulus, x: &[u64], w: &[u64]) -> Run {
    let layout = Layout::plan(shape, x_bits, modulus).unwrap();
    let (key, public) = SecretKey::generate(modulus, &[7; 32]);
    let mut message = vec![0; layout.fresh_size()];
    key.encrypt(&layout, &[8; 32], w, &mut message).unwrap();
    let (public, matrix) = (
        PublicKey::decode(modulus, &public),
        Matrix::new(layout, x, false),
    );
    Run {
        layout,
        key,
        public: public.unwrap(),
        message,
        matrix: matrix.unwrap(),
    }
}

impl Run {
    fn answer(&self, seed: u8) -> (Vec<u8>, Vec<u64>) {
        let (rows, _, columns) = self.layout.shape();
        let (mut answer, mut share) = (vec![0; self.layout.answer_size()], vec![0; rows * columns]);
        self.matrix
            .multiply(
                &self.public,
                &self.message,
                &[seed; 16],
                &mut answer,
                &mut share,
            )
            .unwrap();
        (answer, share)
    }
}

/// A small signed number from its residues modulo the first three primes.
pub(super) fn small(basis: &Basis, residues: &[u64]) -> i128 {
    let p: Vec<u64> = basis.limbs[..3].iter().map(|limb| limb.prime.p).collect();
    let inverse = |a: u64, p: u64| vartime_power(a % p, p - 2, p);
    let digit = |p: u64, known: u128, below: u128, residue: u64| {
        let known = (known % u128::from(p)) as u64;
        let below = (below % u128::from(p)) as u64;
        mul((residue + p - known) % p, inverse(below, p), p)
    };
    let first = u128::from(residues[0]);
    let second =
        first + u128::from(p[0]) * u128::from(digit(p[1], first, p[0].into(), residues[1]));
    let pair = u128::from(p[0]) * u128::from(p[1]);
    let third = i128::from(digit(p[2], second, pair, residues[2]));
    let third = if third > i128::from(p[2] / 2) {
        third - i128::from(p[2])
    } else {
        third
    };
    assert!(third.unsigned_abs() < 1 << 20, "not small");
    second as i128 + third * pair as i128
}

/// The noise of the sums before flooding, against an exact product of polynomials over Z_2^64.
#[test]
fn noise_stays_below_its_bound() {
    let mut random = Stream::new(15);
    for (modulus, x_bits, inner) in [
        (Modulus::Q180, 24, 9000),
        (Modulus::Q200, 40, 700),
        (Modulus::Q215, 64, 64),
    ] {
        let rows = 200;
        // The largest magnitude with random signs is the worst that honest noise lets happen.
        let top = 1u64 << (x_bits - 1);
        let x: Vec<u64> = random
            .bits(rows * inner)
            .iter()
            .map(|bit| {
                if *bit == 1 {
                    top - 1
                } else {
                    top.wrapping_neg()
                }
            })
            .collect();
        let run = run((rows, inner, 1), x_bits, modulus, &x, &random.words(inner));
        let basis = modulus.basis();
        let mut phases = run.matrix.phases(&run.message, &run.key);
        let expected = run.matrix.plain_products(&run.key, &run.message);
        for (i, limb) in basis.limbs.iter().enumerate() {
            for (phase, m) in phases[i * N..].iter_mut().zip(&expected) {
                *phase = (*phase + limb.prime.p - limb.scaled(basis.remainder(*m))) % limb.prime.p;
            }
        }
        let largest = (0..N)
            .map(|at| {
                small(basis, &[phases[at], phases[N + at], phases[2 * N + at]]).unsigned_abs()
            })
            .max()
            .unwrap();
        let bound = run.layout.noise_bound();
        assert!(largest < bound, "{modulus:?} {largest} {bound}");
        // Not vacuous: a sum of that many random terms is near the root of their number.
        assert!(largest > bound >> 14, "{modulus:?} {largest} {bound}");
    }
}

/// What the key owner sees beside its share: it is flooded as declared and still below the rounding limit.
#[test]
fn answers_are_flooded_within_the_budget() {
    let mut random = Stream::new(16);
    for (modulus, x_bits) in [
        (Modulus::Q180, 24),
        (Modulus::Q200, 40),
        (Modulus::Q215, 64),
    ] {
        let shape = (1000, 30, 1);
        let x: Vec<u64> = random
            .words(30_000)
            .iter()
            .map(|x| (*x as i64 >> (64 - x_bits)) as u64)
            .collect();
        let run = run(shape, x_bits, modulus, &x, &random.words(30));
        // 2^28·V/2F ≤ 2^-40.
        assert!(run.layout.noise_bound() <= 1 << (modulus.flood_bits() - FLOOD_RATIO_BITS));
        assert_eq!(FLOOD_RATIO_BITS, 40 + JOB_OUTPUTS_BITS - 1);
        let (answer, _) = run.answer(1);
        let errors = run.key.errors(&run.layout, &answer);
        // ±2^f over q, in units of 2^-80, with 2^12 of rounding c1 and 2^7 of c0.
        let log2_q: f64 = modulus
            .basis()
            .limbs
            .iter()
            .map(|limb| (limb.prime.p as f64).log2())
            .sum();
        let flood = (80.0 + f64::from(modulus.flood_bits()) - log2_q).exp2();
        let largest = errors
            .iter()
            .map(|error| error.unsigned_abs())
            .max()
            .unwrap() as f64;
        assert!(
            largest < flood + 4096.0 + 128.0 && largest < 32768.0,
            "{modulus:?} {largest}"
        );
        let mean_square = errors
            .iter()
            .map(|error| (*error as f64).powi(2))
            .sum::<f64>()
            / errors.len() as f64;
        // Uniform in [-F, F): F²/3, and a little from rounding.
        assert!(
            (mean_square / (flood * flood / 3.0) - 1.0).abs() < 0.15,
            "{modulus:?} {mean_square} {flood}"
        );
    }
}

/// With X = 0 and W = 0 everything that is sent is still uniform, in every coefficient, in every run.
#[test]
fn every_coefficient_that_is_sent_is_masked() {
    let shape = (300, 40, 3);
    let run = run(shape, 40, Modulus::Q200, &[0; 12000], &[0; 120]);
    let (answers, shares): (Vec<_>, Vec<_>) = (0..8).map(|seed| run.answer(seed)).unzip();
    for (i, one) in answers.iter().enumerate() {
        for (other, share) in answers[..i].iter().zip(&shares) {
            assert!(share.iter().zip(&shares[i]).all(|(a, b)| a != b));
            let (mut one, mut other) = (one.as_slice(), other.as_slice());
            for (row_block, column_block) in pairs(&run.layout) {
                let count = outputs(&run.layout, row_block, column_block).count();
                let (c1, tail) = one.split_at(N * ANSWER_A_BYTES);
                let (other_c1, other_tail) = other.split_at(N * ANSWER_A_BYTES);
                let (c0, tail) = tail.split_at(count * ANSWER_B_BYTES);
                let (other_c0, other_tail) = other_tail.split_at(count * ANSWER_B_BYTES);
                assert!(
                    c1.chunks(ANSWER_A_BYTES)
                        .zip(other_c1.chunks(ANSWER_A_BYTES))
                        .all(|(a, b)| a != b)
                );
                assert!(
                    c0.chunks(ANSWER_B_BYTES)
                        .zip(other_c0.chunks(ANSWER_B_BYTES))
                        .all(|(a, b)| a != b)
                );
                (one, other) = (tail, other_tail);
            }
            assert!(one.is_empty() && other.is_empty());
        }
    }
    let ones: u32 = answers.iter().flatten().map(|byte| byte.count_ones()).sum();
    let bits = 8.0 * answers.iter().map(Vec::len).sum::<usize>() as f64;
    assert!((f64::from(ones) - bits / 2.0).abs() < 6.0 * (bits / 4.0).sqrt());
    let ones: u32 = shares.iter().flatten().map(|word| word.count_ones()).sum();
    assert!((f64::from(ones) - 8.0 * 900.0 * 32.0).abs() < 6.0 * (8.0f64 * 900.0 * 16.0).sqrt());
}

#[test]
fn every_tier_writes_the_same_bytes() {
    let mut first = None;
    on_every_tier(|_| {
        let mut random = Stream::new(17);
        for modulus in MODULI {
            let x = random
                .words(900)
                .iter()
                .map(|x| (*x as i64 >> 44) as u64)
                .collect::<Vec<_>>();
            let run = run((30, 30, 4), 20, modulus, &x, &random.words(120));
            let (answer, share) = run.answer(3);
            let result = (run.message, answer, share);
            if modulus == Modulus::Q200 {
                assert_eq!(first.get_or_insert(result.clone()), &result);
            }
        }
    });
}

#[test]
fn two_primes_hold_a_product_of_an_answer() {
    let exact = Exact::new();
    let [p0, p1] = [0, 1].map(|i| u128::from(exact.limbs[i].prime.p));
    for value in [0i128, 1, -1, (1 << 93) - 1, -(1 << 93), 123 << 70] {
        let residue = |p: u128| value.rem_euclid(p as i128) as u64;
        assert_eq!(exact.join([residue(p0), residue(p1)]), value as u128);
    }
}
