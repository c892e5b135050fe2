use super::*;
use crate::aes::Block;
use crate::simd::on_every_tier;
use crate::testing::Stream;
use sha2::{Digest, Sha256};

const LABEL: Block = [7; 16];

type Generate = fn(Shape, &Block, &Block, &[u64], &[u64], [&mut [u8]; 2]) -> Result<()>;
type Evaluate = fn(Shape, u8, &Block, &[u8], &[u64], &mut [u64]) -> Result<()>;
type EvaluateAll = fn(Shape, u8, &Block, &[u8], &mut [u64]) -> Result<()>;

/// One of the two functions.
struct Function {
    key_size: fn(Shape) -> usize,
    generate: Generate,
    check: fn(Shape, &[u8]) -> Result<usize>,
    evaluate: Evaluate,
    all_words: fn(Shape) -> Result<usize>,
    evaluate_all: EvaluateAll,
    holds: fn(u64, u64) -> bool,
}

const FUNCTIONS: [Function; 2] = [
    Function {
        key_size: dpf::key_size,
        generate: dpf::generate,
        check: dpf::check,
        evaluate: dpf::evaluate,
        all_words: dpf::all_words,
        evaluate_all: dpf::evaluate_all,
        holds: |x, alpha| x == alpha,
    },
    Function {
        key_size: dcf::key_size,
        generate: dcf::generate,
        check: dcf::check,
        evaluate: dcf::evaluate,
        all_words: dcf::all_words,
        evaluate_all: dcf::evaluate_all,
        holds: |x, alpha| x < alpha,
    },
];

fn shapes(sizes: impl Iterator<Item = usize>) -> impl Iterator<Item = Shape> {
    sizes.flat_map(|n| [Output::Bit, Output::Word].map(|output| Shape::new(n, output).unwrap()))
}

fn keys(function: &Function, shape: Shape, alphas: &[u64], betas: &[u64]) -> [Vec<u8>; 2] {
    let size = (function.key_size)(shape) * alphas.len();
    let [mut zero, mut one] = [vec![0xaa; size], vec![0x55; size]];
    let room = [&mut zero[..], &mut one[..]];
    (function.generate)(shape, &LABEL, &[9; 16], alphas, betas, room).unwrap();
    [zero, one]
}

/// Both parties' shares, added up.
fn opened(shape: Shape, shares: [Vec<u64>; 2]) -> Vec<u64> {
    let [zero, one] = shares;
    let sums = zero.iter().zip(&one);
    sums.map(|(zero, one)| zero.wrapping_add(*one) & shape.mask())
        .collect()
}

fn values(function: &Function, shape: Shape, keys: &[Vec<u8>; 2], points: &[u64]) -> Vec<u64> {
    opened(
        shape,
        [0, 1].map(|party| {
            let mut out = vec![1; points.len()];
            let key = &keys[usize::from(party)];
            (function.evaluate)(shape, party, &LABEL, key, points, &mut out).unwrap();
            out
        }),
    )
}

#[test]
fn every_point_of_small_domains() {
    for function in &FUNCTIONS {
        on_every_tier(|_| {
            for shape in shapes(1..=9) {
                let domain: Vec<u64> = (0..1 << shape.n).collect();
                let mut random = Stream::new(50);
                let alphas: Vec<u64> = domain
                    .iter()
                    .copied()
                    .step_by(1 + (1 << shape.n) / 20)
                    .collect();
                let mut betas = random.words(alphas.len());
                betas.iter_mut().for_each(|beta| *beta &= shape.mask());
                let both = keys(function, shape, &alphas, &betas);
                let points = domain.repeat(alphas.len());
                let found = values(function, shape, &both, &points);
                for (i, found) in found.chunks(domain.len()).enumerate() {
                    for (x, value) in domain.iter().zip(found) {
                        let holds = (function.holds)(*x, alphas[i]);
                        assert_eq!(*value, if holds { betas[i] } else { 0 });
                    }
                }
            }
        });
    }
}

#[test]
fn random_points_and_edges_of_long_domains() {
    for function in &FUNCTIONS {
        on_every_tier(|_| {
            for shape in shapes([31, 63, 64].into_iter()) {
                let mut random = Stream::new(51);
                let clip = |x: u64| x >> (64 - shape.n);
                let mut alphas: Vec<u64> = random.words(70).into_iter().map(clip).collect();
                alphas[..2].copy_from_slice(&[0, clip(u64::MAX)]);
                let betas: Vec<u64> = random.words(70).iter().map(|b| b & shape.mask()).collect();
                let both = keys(function, shape, &alphas, &betas);
                let mut points = Vec::new();
                for alpha in &alphas {
                    points.extend([0, clip(u64::MAX), *alpha, clip(random.words(1)[0])]);
                    points.extend([alpha ^ 1, alpha.saturating_sub(1)]);
                }
                let found = values(function, shape, &both, &points);
                for (at, value) in found.iter().enumerate() {
                    let holds = (function.holds)(points[at], alphas[at / 6]);
                    assert_eq!(*value, if holds { betas[at / 6] } else { 0 });
                }
            }
        });
    }
}

#[test]
fn all_values_are_those_of_the_points() {
    for function in &FUNCTIONS {
        for shape in shapes(1..=11) {
            let alpha = 5 % (1 << shape.n);
            let both = keys(function, shape, &[alpha], &[1]);
            let points: Vec<u64> = (0..1 << shape.n).collect();
            for party in [0u8, 1] {
                let key = &both[usize::from(party)];
                let mut single = vec![0; points.len()];
                (function.evaluate)(shape, party, &LABEL, key, &points, &mut single).unwrap();
                let mut all = vec![0; (function.all_words)(shape).unwrap()];
                (function.evaluate_all)(shape, party, &LABEL, key, &mut all).unwrap();
                let packed = all.len() < points.len();
                for (x, value) in single.iter().enumerate() {
                    let found = if packed {
                        all[x / 64] >> (x % 64) & 1
                    } else {
                        all[x]
                    };
                    assert_eq!(found, *value);
                }
            }
        }
    }
}

#[test]
fn one_key_and_its_shares_look_alike_for_any_function() {
    for function in &FUNCTIONS {
        for shape in shapes([16].into_iter()) {
            // The root seed depends on the coins only; all corrections change with α and look random.
            let [first, second] = [3, 60_000].map(|alpha| keys(function, shape, &[alpha], &[1]));
            assert_eq!(first[0][..16], second[0][..16]);
            assert_eq!(first[0][16..], first[1][16..]);
            assert_ne!(first[0][16..32], second[0][16..32]);
            let points: Vec<u64> = (0..1 << 16).collect();
            let mut share = vec![0; points.len()];
            (function.evaluate)(shape, 0, &LABEL, &first[0], &points, &mut share).unwrap();
            let ones = share.iter().filter(|value| **value & 1 == 1).count();
            assert!(ones.abs_diff(1 << 15) < 1000);
        }
    }
}

#[test]
fn keys_under_fixed_seeds_are_frozen() {
    let mut digest = Sha256::new();
    for function in &FUNCTIONS {
        for shape in shapes([5, 20, 64].into_iter()) {
            let both = keys(function, shape, &[1, 30], &[1, 0]);
            digest.update(&both[0]);
            digest.update(&both[1]);
        }
    }
    let hex: String = digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "ca60b4e385a986cf084b2d37626892e36318aac54784cb881d252b58bdbed2fa"
    );
}

#[test]
fn bad_calls_and_keys_are_refused() {
    assert!(Shape::new(0, Output::Bit).is_err() && Shape::new(65, Output::Word).is_err());
    for function in &FUNCTIONS {
        for shape in shapes([3, 12].into_iter()) {
            let [key, _] = keys(function, shape, &[1], &[1]);
            assert_eq!((function.check)(shape, &key).unwrap(), 1);
            let malformed = |key: &[u8]| {
                let result = (function.evaluate)(shape, 0, &LABEL, key, &[0], &mut [0]);
                assert!(matches!(result, Err(Error::Malformed(_))));
                let mut all = vec![0; (function.all_words)(shape).unwrap()];
                let result = (function.evaluate_all)(shape, 0, &LABEL, key, &mut all);
                assert!(matches!(result, Err(Error::Malformed(_))));
            };
            malformed(&key[1..]);
            malformed(&[&key[..], &[0]].concat());
            let mut stray = key.clone();
            stray[0] |= 1;
            malformed(&stray);
            if shape.output == Output::Bit {
                let mut stray = key.clone();
                *stray.last_mut().unwrap() |= 0x80;
                if (function.check)(shape, &stray).is_err() {
                    malformed(&stray);
                } else {
                    // A full leaf has no unused bits.
                    assert_eq!(stray.len(), dpf::key_size(shape));
                }
            }
            let evaluate = |party, points: &[u64], out: &mut [u64]| {
                (function.evaluate)(shape, party, &LABEL, &key, points, out)
            };
            assert!(matches!(evaluate(2, &[0], &mut [0]), Err(Error::Range(_))));
            assert!(matches!(
                evaluate(0, &[1 << shape.n], &mut [0]),
                Err(Error::Range(_))
            ));
            assert!(matches!(
                evaluate(0, &[0], &mut []),
                Err(Error::Mismatch(_))
            ));
            assert!(evaluate(0, &[], &mut []).is_ok());
            let size = key.len();
            let (mut zero, mut one) = (vec![0; size], vec![0; size]);
            let mut generate = |alphas: &[u64], betas: &[u64]| {
                let room = [&mut zero[..], &mut one[..]];
                (function.generate)(shape, &LABEL, &[0; 16], alphas, betas, room)
            };
            assert!(matches!(
                generate(&[1 << shape.n], &[1]),
                Err(Error::Range(_))
            ));
            assert!(matches!(generate(&[1], &[]), Err(Error::Mismatch(_))));
            assert!(matches!(
                generate(&[1, 2], &[1, 1]),
                Err(Error::Mismatch(_))
            ));
            let two = generate(&[1], &[2]);
            assert_eq!(two.is_err(), shape.output == Output::Bit);
        }
        let long = Shape::new(31, Output::Word).unwrap();
        assert!(matches!((function.all_words)(long), Err(Error::Range(_))));
    }
}
