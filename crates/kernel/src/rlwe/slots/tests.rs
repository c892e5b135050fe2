use super::plain::VALUES;
use super::*;
use crate::rlwe::modulus::Basis;
use crate::rlwe::tests::small;
use crate::simd::on_every_tier;
use crate::testing::Stream;

const EXTREMES: [u64; 6] = [
    0,
    1,
    u64::MAX,
    1 << 63,
    i64::MAX as u64,
    0x5555_5555_5555_5555,
];

struct Pair {
    key: SecretKey,
    public: PublicKey,
}

impl Pair {
    fn new() -> Self {
        let (key, public) = SecretKey::generate(MODULUS, &[7; 32]);
        Self {
            key,
            public: PublicKey::decode(MODULUS, &public).unwrap(),
        }
    }

    /// Message, answer, and both sides' shares with tops.
    fn run(&self, x: &[u64], y: &[u64], terms: usize) -> [Vec<u8>; 2] {
        self.shares(x, y, terms, 9).0
    }

    fn shares(
        &self,
        x: &[u64],
        y: &[u64],
        terms: usize,
        seed: u8,
    ) -> ([Vec<u8>; 2], [Vec<u64>; 2]) {
        let products = x.len() / terms;
        let mut message = vec![0; fresh_size(products, terms).unwrap()];
        let mut answer = vec![0; answer_size(products).unwrap()];
        let (mut mine, mut theirs) = (vec![0; 2 * products], vec![0; 2 * products]);
        encrypt(&self.key, &[8; 32], x, terms, &mut message).unwrap();
        let seed = [seed; 16];
        multiply(
            &self.public,
            &message,
            &seed,
            y,
            terms,
            &mut answer,
            &mut theirs,
        )
        .unwrap();
        decrypt(&self.key, &answer, products, &mut mine).unwrap();
        ([message, answer], [mine, theirs])
    }
}

/// `Σ_k x_k·y_k` of signed numbers, modulo `2^64`.
fn expected(x: &[u64], y: &[u64], terms: usize) -> Vec<u64> {
    let products = x.len() / terms;
    let term = |at: usize| x[at].wrapping_mul(y[at]);
    let sum = |i| (0..terms).fold(0u64, |sum, k| sum.wrapping_add(term(k * products + i)));
    (0..products).map(sum).collect()
}

/// Every pair of extremes in both terms, then random numbers.
fn factors(random: &mut Stream, products: usize, terms: usize) -> [Vec<u64>; 2] {
    let [mut x, mut y] = [0, 1].map(|_| random.words(products * terms));
    for term in 0..terms {
        for (i, a) in EXTREMES.iter().enumerate() {
            for (j, b) in EXTREMES.iter().enumerate() {
                let at = term * products + (i * EXTREMES.len() + j) % products;
                (x[at], y[at]) = (*a, *b);
            }
        }
    }
    [x, y]
}

#[test]
fn shares_add_up_to_products_or_one_more() {
    let mut first = None;
    on_every_tier(|_| {
        let (mut random, pair) = (Stream::new(21), Pair::new());
        for (products, terms) in [(N + 40, 2), (1, 2), (50, 1)] {
            let [x, y] = factors(&mut random, products, terms);
            let (messages, [mine, theirs]) = pair.shares(&x, &y, terms, 9);
            let mut wraps = 0;
            for (i, z) in expected(&x, &y, terms).iter().enumerate() {
                let [mine_top, their_top] = [mine[products + i], theirs[products + i]];
                assert!(mine_top <= 1 && their_top <= 1);
                let w = mine_top | their_top;
                assert_eq!(
                    mine[i].wrapping_add(theirs[i]),
                    z.wrapping_add(w),
                    "{products} {terms} {i}"
                );
                wraps += w as usize;
            }
            if terms == 2 && products > N {
                // w is 0 with probability z'/T, close to a quarter.
                assert!(wraps > products / 2 && wraps < products * 9 / 10);
                let result = (messages, mine, theirs);
                assert_eq!(first.get_or_insert(result.clone()), &result);
            }
        }
    });
}

#[test]
fn three_primes_are_what_they_claim() {
    assert_eq!(
        VALUES
            .iter()
            .fold(1, |product: u64, t| product.wrapping_mul(*t)),
        1
    );
    let [t1, t2, t3] = VALUES.map(u128::from);
    // T/2 ≥ θ = t1·t2·(t3 - 1)/2 > 2^128.
    assert!((t1 * t2) >> 86 >= 1 && ((t1 * t2) >> 43) * ((t3 - 1) / 2) > 1 << 85);
    for t in VALUES {
        assert_eq!(t % (2 * N as u64), 1);
        for base in [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37] {
            assert!(crate::rlwe::tests::passes_miller_rabin(t, base));
        }
        // Decryption is right always: flooding and noise, both roundings, against half a unit of the plaintext.
        let [q, flood] = [2f64.powi(179) * 1.99, 2f64.powi(FLOOD_BITS as i32)];
        let error =
            (flood + noise_bound(t) as f64) / q + 2f64.powi(-49) + N as f64 * 2f64.powi(-65);
        assert!(error < 0.9 / (2.0 * t as f64), "{error}");
    }
}

#[test]
fn mixed_radix_keeps_residues_and_order() {
    let (slots, mut random) = (Slots::get(), Stream::new(22));
    let mut residues = VALUES.map(|t| {
        let mut words = Room::new(N);
        for (i, (to, word)) in words.iter_mut().zip(random.words(N)).enumerate() {
            *to = [0, 1, t - 1, word % t][i.min(3)];
        }
        words
    });
    let before: Vec<Vec<u64>> = residues.iter().map(|words| words.to_vec()).collect();
    slots.digits(&mut residues);
    let (mut numbers, mut tops) = (vec![0; N], vec![0; N]);
    plain::numbers(&residues, &mut numbers);
    plain::tops(&residues[2], &mut tops);
    let [t1, t2, t3] = VALUES;
    for i in 0..N {
        let [h1, h2, h3] = [0, 1, 2].map(|j| residues[j][i]);
        assert!(h1 < t1 && h2 < t2 && h3 < t3);
        for (j, t) in VALUES.into_iter().enumerate() {
            let (wide, low) = (
                u128::from(t1) * u128::from(t2) % u128::from(t),
                u128::from(h1),
            );
            let value =
                low + u128::from(t1) % u128::from(t) * u128::from(h2) + wide * u128::from(h3);
            assert_eq!((value % u128::from(t)) as u64, before[j][i]);
        }
        let number = h1.wrapping_add(t1.wrapping_mul(h2.wrapping_add(t2.wrapping_mul(h3))));
        assert_eq!(
            (numbers[i], tops[i]),
            (number, u64::from(h3 >= (t3 - 1) / 2))
        );
    }
}

/// The noise of the sums before flooding, with every slot at the extremes or random.
#[test]
fn noise_stays_below_its_bound() {
    let (mut random, pair) = (Stream::new(23), Pair::new());
    let basis = MODULUS.basis();
    for top in [false, true] {
        let [x, y] = [0, 1].map(|_| {
            if top {
                vec![1 << 63; 2 * N]
            } else {
                random.words(2 * N)
            }
        });
        let mut message = vec![0; fresh_size(N, 2).unwrap()];
        encrypt(&pair.key, &[8; 32], &x, 2, &mut message).unwrap();
        let mut answerer = Answerer::new(&pair.public, &message, &[3; 16], 2);
        let factors = [&x, &y].map(|values| Factors::of(values, 2).unwrap());
        for (index, plain) in Slots::get().primes.iter().enumerate() {
            for term in 0..2 {
                plain.encode(
                    factors[1].block(0, term),
                    plain.prime.one,
                    &mut answerer.plain[term],
                );
            }
            let remainders = plain_sum(plain, &factors);
            let mut phases = vec![Vec::new(); basis.limbs.len()];
            for (i, limb) in basis.limbs.iter().enumerate() {
                answerer
                    .sums((index, i), limb, &ternary(&Prg::new(&[4; 16]), 0))
                    .unwrap();
                phases[i] = noise_residues(&pair, &answerer, plain, i, limb, &remainders);
            }
            let largest = (0..N)
                .map(|at| magnitude(basis, &phases, at))
                .max()
                .unwrap();
            let bound = noise_bound(plain.prime.p);
            assert!(largest < bound, "{largest} {bound}");
            assert!(top || largest > bound >> 14, "{largest} {bound}");
        }
    }
}

fn magnitude(basis: &Basis, phases: &[Vec<u64>], at: usize) -> u128 {
    small(basis, &[phases[0][at], phases[1][at], phases[2][at]]).unsigned_abs()
}

/// `q·Σ_k x_k·y_k mod t` in coefficients, from its slots by the definition.
fn plain_sum(plain: &Plain, [x, y]: &[Factors; 2]) -> Vec<u64> {
    let t = i128::from(plain.prime.p);
    let residue = |x: u64| i128::from(x as i64).rem_euclid(t);
    let mut sum = vec![0; N];
    for term in 0..2 {
        let pairs = x.block(0, term).iter().zip(y.block(0, term));
        for (sum, (x, y)) in sum.iter_mut().zip(pairs) {
            *sum = ((i128::from(*sum) + residue(*x) * residue(*y)) % t) as u64;
        }
    }
    ntt::scale(&plain.prime, plain.q, &mut sum);
    ntt::inverse(&plain.prime, &mut sum);
    plain.centre(&mut sum);
    sum
}

/// `c0 + c1·s - ⌊q/t·m⌉` modulo one prime of q.
fn noise_residues(
    pair: &Pair,
    answerer: &Answerer,
    plain: &Plain,
    i: usize,
    limb: &Limb,
    remainders: &[u64],
) -> Vec<u64> {
    let prime = &limb.prime;
    let mut phase = answerer.c0[i * N..][..N].to_vec();
    let mut c1 = answerer.c1[i * N..][..N].to_vec();
    ntt::forward(prime, &mut phase);
    ntt::forward(prime, &mut c1);
    ntt::multiply_add(prime, &mut phase, &c1, &pair.key.secret(i));
    ntt::inverse(prime, &mut phase);
    let mut message = vec![0; N];
    plain.add_message(i, limb, remainders, &mut message);
    let differences = phase.iter().zip(&message);
    differences
        .map(|(phase, message)| (phase + prime.p - message) % prime.p)
        .collect()
}

/// Coefficients of the answer as the key owner sees them: flooded as declared, right after rounding.
#[test]
fn answers_are_flooded_within_the_budget() {
    let (mut random, pair) = (Stream::new(24), Pair::new());
    let [x, y] = factors(&mut random, N, 2);
    let [_, answer] = pair.run(&x, &y, 2);
    let limit = 2f64.powi(64 - 45);
    for (answer, plain) in answer.chunks_exact(ANSWER_BYTES).zip(&Slots::get().primes) {
        let mut phases = vec![0; N];
        pair.key.phases_of_slots(answer, &mut phases);
        let t = u128::from(plain.prime.p);
        let unit = 2f64.powi(64) / t as f64;
        let (mut squares, mut largest) = (0.0, 0f64);
        for phase in &phases {
            let scaled = t * u128::from(*phase);
            let fraction = (scaled as u64) as i64 as f64 / 2f64.powi(64) * unit;
            squares += fraction * fraction;
            largest = largest.max(fraction.abs());
        }
        assert!(
            largest < 1.2 * limit && largest > 0.9 * limit,
            "{largest} {limit}"
        );
        let mean = squares / N as f64 / (limit * limit / 3.0);
        assert!((mean - 1.0).abs() < 0.1, "{mean}");
    }
}

#[test]
fn every_coefficient_that_is_sent_is_masked() {
    let pair = Pair::new();
    let zeros = vec![0; 200];
    let runs: Vec<_> = (0..4)
        .map(|seed| pair.shares(&zeros, &zeros, 2, seed))
        .collect();
    for (i, ([_, one], [_, one_share])) in runs.iter().enumerate() {
        for ([_, other], [_, other_share]) in &runs[..i] {
            let same = |size: usize, a: &[u8], b: &[u8]| {
                a.chunks(size)
                    .zip(b.chunks(size))
                    .filter(|(a, b)| a == b)
                    .count()
            };
            for (a, b) in one.chunks(ANSWER_BYTES).zip(other.chunks(ANSWER_BYTES)) {
                let cut = N * C1_BYTES;
                assert_eq!(
                    same(C1_BYTES, &a[..cut], &b[..cut]) + same(C0_BYTES, &a[cut..], &b[cut..]),
                    0
                );
            }
            assert!(
                one_share[..100]
                    .iter()
                    .zip(other_share)
                    .all(|(a, b)| a != b)
            );
        }
    }
    let ones: u32 = runs
        .iter()
        .flat_map(|([_, answer], _)| answer)
        .map(|byte| byte.count_ones())
        .sum();
    let bits = 8.0 * 4.0 * answer_size(100).unwrap() as f64;
    assert!((f64::from(ones) - bits / 2.0).abs() < 6.0 * (bits / 4.0).sqrt());
}

#[test]
fn hostile_bytes_are_malformed() {
    let pair = Pair::new();
    let (x, mut share) = (vec![1; 20], vec![0; 10]);
    let ([mut message, mut answer], _) = pair.shares(&x, &x, 2, 1);
    let malformed = |result: Result<()>| assert!(matches!(result, Err(Error::Malformed(_))));
    malformed(decrypt(&pair.key, &answer[1..], 10, &mut share));
    malformed(decrypt(&pair.key, &answer, N + 1, &mut vec![0; N + 1]));
    malformed(multiply(
        &pair.public,
        &message[1..],
        &[1; 16],
        &x,
        2,
        &mut answer,
        &mut share,
    ));
    message[SEED_BYTES + 1000..][..100].fill(0xff);
    malformed(multiply(
        &pair.public,
        &message,
        &[1; 16],
        &x,
        2,
        &mut answer,
        &mut share,
    ));
    message.fill(0xff);
    malformed(multiply(
        &pair.public,
        &message,
        &[1; 16],
        &x,
        2,
        &mut answer,
        &mut share,
    ));
    // An answer has no bytes that are not canonical: any decrypts to something.
    answer.fill(0xff);
    decrypt(&pair.key, &answer, 10, &mut share).unwrap();
}

#[test]
fn arguments_must_fit_each_other() {
    let (pair, x) = (Pair::new(), vec![1; 20]);
    assert!(matches!(fresh_size(5, 3), Err(Error::Range(_))));
    assert!(matches!(fresh_size(0, 1), Err(Error::Range(_))));
    assert!(matches!(
        answer_size(MAX_PRODUCTS + 1),
        Err(Error::Range(_))
    ));
    let mut message = vec![0; fresh_size(10, 2).unwrap()];
    let mismatch = |result: Result<()>| assert!(matches!(result, Err(Error::Mismatch(_))));
    mismatch(encrypt(&pair.key, &[1; 32], &x[1..], 2, &mut message));
    mismatch(encrypt(&pair.key, &[1; 32], &x, 1, &mut message));
    let other = SecretKey::generate(Modulus::Q200, &[1; 32]).0;
    mismatch(encrypt(&other, &[1; 32], &x, 2, &mut message));
    let answer = vec![0; answer_size(10).unwrap()];
    mismatch(decrypt(&other, &answer, 10, &mut [0; 10]));
    mismatch(decrypt(&pair.key, &answer, 10, &mut [0; 11]));
}
