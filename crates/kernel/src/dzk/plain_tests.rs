//! Folds and sums of products of plain values where machines do them in different ways: by bytes, as bits, together.

use super::Values::{self, Bits, Words};
use super::galois::{self, DEGREE};
use super::points;
use super::tests::{challenges, elements, weighted};
use crate::simd::on_every_tier;
use crate::testing::Stream;

#[test]
fn folds_with_narrow_weights_equal_the_definition_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(5);
        for (width, bits) in [(8, 40), (64, 16), (128, 32), (128, 40), (128, 64)] {
            let edge = 1u64 << (bits - 1);
            for most in [edge - 1, edge] {
                // From -edge to `most`: what so many bits hold with sign, and one more.
                let mut weights = elements(&mut random, width);
                for word in weights.as_flattened_mut() {
                    *word = (*word & (2 * (edge - 1) + 1)).wrapping_sub(edge);
                }
                (weights[1][7], weights[2][47]) = (most, 0u64.wrapping_sub(edge));
                for n in [3, 4 * width, 17 * width + 5] {
                    let mut x = random.words(n);
                    x[1..width.min(n)].fill(u64::MAX);
                    let mut out = vec![[1; DEGREE]; n.div_ceil(width)];
                    galois::fold(Words(&x), &weights, None, &mut out).unwrap();
                    for (out, row) in out.iter().zip(x.chunks(width)) {
                        assert_eq!(*out, weighted(row, &weights));
                    }
                }
            }
        }
    });
}

/// Sums of bytes are largest here: they must fit in 32 bits with a sign.
#[test]
fn folds_of_the_largest_bytes_equal_the_definition_on_every_tier() {
    on_every_tier(|_| {
        for word in [u64::MAX, u64::MAX >> 1, 1 << 63, 0x7f7f_7f7f_7f7f_7f7f] {
            let (x, weights) = (vec![u64::MAX; 300], vec![[word; DEGREE]; 128]);
            let mut out = vec![[1; DEGREE]; 3];
            galois::fold(Words(&x), &weights, None, &mut out).unwrap();
            for (out, row) in out.iter().zip(x.chunks(128)) {
                assert_eq!(*out, weighted(row, &weights));
            }
        }
    });
}

/// Bits and words in one sum of products, and each of them alone, against words alone.
#[test]
fn bits_equal_words_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(9);
        for (n, t) in [
            (0, 2),
            (9, 0),
            (300, 3),
            (700, 3),
            (9000, 5),
            (8200, 6),
            (74_900, 7),
        ] {
            let bits: Vec<Vec<u8>> = (0..4)
                .map(|_| {
                    random
                        .words(n)
                        .iter()
                        .map(|word| (word & 1) as u8)
                        .collect()
                })
                .collect();
            let scales = [1, 0u64.wrapping_sub(2), 1 << 47, 3];
            let as_words = |i: usize| -> Vec<u64> {
                bits[i]
                    .iter()
                    .map(|bit| u64::from(*bit).wrapping_mul(scales[i]))
                    .collect()
            };
            let words: Vec<Vec<u64>> = (0..4).map(as_words).collect();
            let (x, y) = (random.words(n), random.words(n));
            let rows = n.div_ceil(1 << t);
            let alpha = challenges(&mut random, rows);
            let tensor = |pairs: &[(Values, Values)]| {
                let mut out = vec![[1; DEGREE]; points(t).unwrap()];
                galois::tensor(pairs, &alpha, t, &mut out).unwrap();
                out
            };
            let small = |i: usize| Bits(&bits[i], scales[i]);
            let large = |i: usize| Words(&words[i]);
            let all = [
                (small(0), small(1)),
                (small(2), Words(&x)),
                (Words(&y), small(3)),
                (small(2), small(3)),
            ];
            let same = [
                (large(0), large(1)),
                (large(2), Words(&x)),
                (Words(&y), large(3)),
                (large(2), large(3)),
            ];
            assert_eq!(tensor(&all), tensor(&same), "{n} {t}");
            assert_eq!(tensor(&all[..1]), tensor(&same[..1]), "{n} {t}");
            assert_eq!(tensor(&[]), vec![[1; DEGREE]; points(t).unwrap()]);
            let weights = elements(&mut random, 1 << t);
            for i in 0..4 {
                let fold = |x: Values| {
                    let mut out = vec![[1; DEGREE]; rows];
                    galois::fold(x, &weights, Some(&alpha), &mut out).unwrap();
                    out
                };
                assert_eq!(fold(small(i)), fold(large(i)), "{n} {t}");
            }
        }
    });
}

/// Sums of products are the sums of what each product gives.
#[test]
fn sums_of_products_equal_single_products_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(10);
        for (n, t) in [(9, 1), (5000, 4), (40_000, 7)] {
            let factors: Vec<Vec<u64>> = (0..6).map(|_| random.words(n)).collect();
            let pairs: Vec<_> = (0..3)
                .map(|s| (Words(&factors[s]), Words(&factors[s + 3])))
                .collect();
            let alpha = challenges(&mut random, n.div_ceil(1 << t));
            let mut together = vec![[1; DEGREE]; points(t).unwrap()];
            let mut apart = together.clone();
            galois::tensor(&pairs, &alpha, t, &mut together).unwrap();
            for pair in pairs {
                galois::tensor(&[pair], &alpha, t, &mut apart).unwrap();
            }
            assert_eq!(together, apart);
        }
    });
}
