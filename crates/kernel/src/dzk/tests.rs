use super::Values::{Bits, Words};
use super::galois::{DEGREE, Element};
use super::{binary, galois, points};
use crate::simd::on_every_tier;
use crate::testing::Stream;

pub(super) fn challenges(random: &mut Stream, n: usize) -> Vec<u64> {
    random.words(n).iter().map(|word| word >> 16).collect()
}

pub(super) fn elements(random: &mut Stream, n: usize) -> Vec<Element> {
    random.words(n * DEGREE).as_chunks().0.to_vec()
}

fn widen(challenge: u64) -> Element {
    core::array::from_fn(|i| challenge >> i & 1)
}

/// X^i modulo the modulus, one step at a time: what everything else is compared with.
fn times_x(x: &Element) -> Element {
    let mut out = [0u64; DEGREE];
    out[1..].copy_from_slice(&x[..DEGREE - 1]);
    for exponent in [0, 2, 3, 5] {
        out[exponent] = out[exponent].wrapping_sub(x[DEGREE - 1]);
    }
    out
}

fn product(x: &Element, y: &Element) -> Element {
    let (mut power, mut out) = (*y, [0u64; DEGREE]);
    for x in x {
        for (out, power) in out.iter_mut().zip(&power) {
            *out = out.wrapping_add(x.wrapping_mul(*power));
        }
        power = times_x(&power);
    }
    out
}

pub(super) fn add(x: &mut Element, y: &Element) {
    for (x, y) in x.iter_mut().zip(y) {
        *x = x.wrapping_add(*y);
    }
}

fn field_product(x: u64, y: u64) -> u64 {
    let (mut power, mut out) = (x, 0);
    for i in 0..64 {
        out ^= power & 0u64.wrapping_sub(y >> i & 1);
        power = (power << 1) ^ (0b11011 & 0u64.wrapping_sub(power >> 63));
    }
    out
}

/// The value at point c of the extension of a row, by the definition: sums over corners with signs.
fn extended<T: Copy>(
    row: &[T],
    c: usize,
    t: usize,
    zero: T,
    minus: impl Fn(T, T) -> T + Copy,
) -> T {
    if t == 0 {
        return row.first().copied().unwrap_or(zero);
    }
    let half = 1usize << (t - 1);
    let (low, high) = row.split_at(row.len().min(half));
    let rest = 3usize.pow(t as u32 - 1);
    let at = |side: &[T]| extended(side, c % rest, t - 1, zero, minus);
    match c / rest {
        0 => at(low),
        1 => at(high),
        _ => minus(at(high), at(low)),
    }
}

#[test]
fn the_modulus_is_irreducible_modulo_2() {
    // X^(2^48) = X, and X^(2^24) - X, X^(2^16) - X share no factor with the modulus.
    const MODULUS: u64 = 1 << 48 | 0b101101;
    let multiply = |x: u64, y: u64| {
        let (mut power, mut out) = (x, 0);
        for i in 0..48 {
            out ^= power & 0u64.wrapping_sub(y >> i & 1);
            power <<= 1;
            power ^= MODULUS & 0u64.wrapping_sub(power >> 48 & 1);
        }
        out
    };
    let power = |steps: usize| (0..steps).fold(2, |x, _| multiply(x, x));
    let common = |mut a: u64, mut b: u64| {
        while b != 0 {
            while a != 0 && a.leading_zeros() <= b.leading_zeros() {
                a ^= b << (b.leading_zeros() - a.leading_zeros());
            }
            (a, b) = (b, a);
        }
        a
    };
    assert_eq!(power(48), 2);
    for steps in [24, 16] {
        assert_eq!(common(MODULUS, power(steps) ^ 2), 1);
    }
}

#[test]
fn products_of_elements_equal_the_definition_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(1);
        let (x, y) = (elements(&mut random, 21), elements(&mut random, 21));
        let mut out = vec![[0; DEGREE]; 21];
        galois::mul(&x, &y, &mut out);
        for i in 0..21 {
            assert_eq!(out[i], product(&x[i], &y[i]));
        }
        let (x, y) = (random.words(600), random.words(600));
        let mut words = vec![0; 600];
        binary::mul(&x, &y, &mut words);
        for i in 0..600 {
            assert_eq!(words[i], field_product(x[i], y[i]));
        }
    });
}

#[test]
fn weighted_sums_of_plain_values_equal_the_definition_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(2);
        for (rows, columns) in [(0, 3), (1, 1), (300, 5), (7, 33), (19, 16)] {
            let mut x = random.words(rows * columns);
            let alpha = challenges(&mut random, rows);
            x.truncate(x.len().saturating_sub(2 * columns.min(2) - 2));
            let mut out = vec![[1; DEGREE]; columns];
            galois::combine(&x, columns, &alpha, &mut out).unwrap();
            let mut words = vec![1; columns];
            binary::combine(&x, columns, &alpha, &mut words).unwrap();
            for k in 0..columns {
                let (mut sum, mut word) = ([1; DEGREE], 1);
                for (l, alpha) in alpha.iter().enumerate() {
                    let value = x.get(l * columns + k).copied().unwrap_or(0);
                    add(&mut sum, &widen(*alpha).map(|bit| bit.wrapping_mul(value)));
                    word ^= field_product(value, *alpha);
                }
                assert_eq!((out[k], words[k]), (sum, word));
            }
        }
        for (n, width) in [
            (0usize, 4),
            (5, 8),
            (64, 32),
            (100, 32),
            (600, 4),
            (2500, 64),
            (4400, 128),
        ] {
            let rows = n.div_ceil(width);
            let (x, weights) = (random.words(n), elements(&mut random, width));
            let alpha = challenges(&mut random, rows);
            let (mut out, mut scaled) = (vec![[1; DEGREE]; rows], vec![[1; DEGREE]; rows]);
            galois::fold(Words(&x), &weights, None, &mut out).unwrap();
            galois::fold(Words(&x), &weights, Some(&alpha), &mut scaled).unwrap();
            let bit_weights = random.words(width);
            let (mut lanes, mut scaled_lanes) = (vec![1; 64 * rows], vec![1; 64 * rows]);
            binary::fold(&x, &bit_weights, None, &mut lanes).unwrap();
            binary::fold(&x, &bit_weights, Some(&alpha), &mut scaled_lanes).unwrap();
            for (l, row) in x.chunks(width).enumerate() {
                let sum = weighted(row, &weights);
                assert_eq!((out[l], scaled[l]), (sum, product(&sum, &widen(alpha[l]))));
                for b in 0..64 {
                    let terms = row.iter().zip(&bit_weights);
                    let sum =
                        terms.fold(0, |sum, (x, w)| sum ^ (w & 0u64.wrapping_sub(x >> b & 1)));
                    let weight = field_product(alpha[l], 1 << b);
                    assert_eq!(lanes[64 * l + b], sum);
                    assert_eq!(scaled_lanes[64 * l + b], field_product(sum, weight));
                }
            }
        }
    });
}

#[test]
fn tensors_equal_the_definition_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(3);
        for (n, t) in [
            (0, 2),
            (1, 0),
            (9, 0),
            (5, 3),
            (300, 1),
            (90, 4),
            (64, 6),
            (2000, 7),
            (5000, 3),
        ] {
            let (u, v) = (random.words(n), random.words(n));
            let rows = n.div_ceil(1 << t);
            let alpha = challenges(&mut random, rows);
            let count = points(t).unwrap();
            let mut out = vec![[1; DEGREE]; count];
            galois::tensor(&[(Words(&u), Words(&v))], &alpha, t, &mut out).unwrap();
            let mut words = vec![1; count];
            binary::tensor(&u, &v, &alpha, t, &mut words).unwrap();
            for c in 0..count {
                let (mut sum, mut word) = ([1; DEGREE], 1);
                for ((u, v), alpha) in u.chunks(1 << t).zip(v.chunks(1 << t)).zip(&alpha) {
                    let at = |row: &[u64]| extended(row, c, t, 0, u64::wrapping_sub);
                    let value = at(u).wrapping_mul(at(v));
                    add(&mut sum, &widen(*alpha).map(|bit| bit.wrapping_mul(value)));
                    let at = |row: &[u64]| extended(row, c, t, 0, |a, b| a ^ b);
                    word ^= field_product(at(u) & at(v), *alpha);
                }
                assert_eq!((out[c], words[c]), (sum, word), "{n} {t} {c}");
            }
        }
    });
}

#[test]
fn wide_tensors_and_folds_equal_the_definition_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(4);
        let minus = |x: Element, y: Element| core::array::from_fn(|i| x[i].wrapping_sub(y[i]));
        for (n, t) in [
            (0, 1),
            (1, 0),
            (40, 0),
            (3, 1),
            (70, 2),
            (33, 3),
            (150, 3),
            (600, 5),
            (70, 0),
            (700, 1),
            (1303, 2),
            (1100, 3),
            (2309, 3),
        ] {
            let (x, y) = (elements(&mut random, n), elements(&mut random, n));
            let count = points(t).unwrap();
            let mut out = vec![[1; DEGREE]; count];
            galois::tensor_wide(&x, &y, t, &mut out).unwrap();
            let (xs, ys) = (random.words(n), random.words(n));
            let mut words = vec![1; count];
            binary::tensor_wide(&xs, &ys, t, &mut words).unwrap();
            for c in 0..count {
                let (mut sum, mut word) = ([0; DEGREE], 0);
                for (x, y) in x.chunks(1 << t).zip(y.chunks(1 << t)) {
                    let at = |row: &[Element]| extended(row, c, t, [0; DEGREE], minus);
                    add(&mut sum, &product(&at(x), &at(y)));
                }
                for (x, y) in xs.chunks(1 << t).zip(ys.chunks(1 << t)) {
                    let at = |row: &[u64]| extended(row, c, t, 0, |a, b| a ^ b);
                    word ^= field_product(at(x), at(y));
                }
                assert_eq!((out[c], words[c]), (sum, word));
            }
            let r = challenges(&mut random, t);
            let mut out = vec![[1; DEGREE]; n.div_ceil(1 << t)];
            galois::fold_wide(&x, &r, &mut out).unwrap();
            let mut words = vec![1; n.div_ceil(1 << t)];
            binary::fold_wide(&xs, &r, &mut words).unwrap();
            for (l, row) in x.chunks(1 << t).enumerate() {
                let mut sum = [0; DEGREE];
                for (j, x) in row.iter().enumerate() {
                    let weight = r.iter().enumerate().fold(widen(1), |weight, (v, r)| {
                        let other = minus(widen(1), widen(*r));
                        product(&weight, &if j >> v & 1 == 1 { widen(*r) } else { other })
                    });
                    add(&mut sum, &product(x, &weight));
                }
                assert_eq!(out[l], sum);
            }
            for (l, row) in xs.chunks(1 << t).enumerate() {
                let mut sum = 0;
                for (j, x) in row.iter().enumerate() {
                    let factors = r
                        .iter()
                        .enumerate()
                        .map(|(v, r)| if j >> v & 1 == 1 { *r } else { r ^ 1 });
                    sum ^= factors.fold(*x, field_product);
                }
                assert_eq!(words[l], sum);
            }
        }
    });
}

pub(super) fn weighted(row: &[u64], weights: &[Element]) -> Element {
    let mut sum = [0; DEGREE];
    for (x, weight) in row.iter().zip(weights) {
        add(&mut sum, &weight.map(|word| word.wrapping_mul(*x)));
    }
    sum
}

#[test]
fn values_at_a_point_equal_the_interpolation_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(6);
        for t in 0..4 {
            let count = points(t).unwrap();
            let (values, words) = (elements(&mut random, count), random.words(count));
            let r = challenges(&mut random, t);
            let (mut sum, mut word) = ([0; DEGREE], 0);
            for c in 0..count {
                let (mut weight, mut bit_weight) = (widen(1), 1);
                for (v, r) in r.iter().enumerate() {
                    let square = product(&widen(*r), &widen(*r));
                    let minus =
                        |x: Element, y: Element| core::array::from_fn(|i| x[i].wrapping_sub(y[i]));
                    let (node, bit_node) = match c / 3usize.pow(v as u32) % 3 {
                        0 => (minus(widen(1), widen(*r)), 1 ^ r),
                        1 => (widen(*r), *r),
                        _ => (minus(square, widen(*r)), field_product(*r, *r) ^ r),
                    };
                    weight = product(&weight, &node);
                    bit_weight = field_product(bit_weight, bit_node);
                }
                add(&mut sum, &product(&values[c], &weight));
                word ^= field_product(words[c], bit_weight);
            }
            assert_eq!(galois::evaluate(&values, &r), Ok(sum));
            assert_eq!(binary::evaluate(&words, &r), Ok(word));
        }
    });
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let mut out = vec![[0; DEGREE]; 9];
    assert!(galois::tensor(&[(Words(&[1; 8]), Words(&[1; 8]))], &[1; 2], 2, &mut out).is_ok());
    assert!(galois::tensor(&[(Words(&[1; 8]), Words(&[1; 7]))], &[1; 2], 2, &mut out).is_err());
    assert!(galois::tensor(&[(Words(&[1; 8]), Words(&[1; 8]))], &[1; 3], 2, &mut out).is_err());
    assert!(
        galois::tensor(
            &[(Words(&[1; 8]), Words(&[1; 8]))],
            &[1, 1 << 48],
            2,
            &mut out
        )
        .is_err()
    );
    assert!(galois::tensor(&[(Words(&[1; 8]), Words(&[1; 8]))], &[1], 8, &mut out).is_err());
    assert!(
        galois::tensor(
            &[(Bits(&[1; 8], 1), Bits(&[2; 8], 1))],
            &[1; 2],
            2,
            &mut out
        )
        .is_err()
    );
    assert!(
        galois::fold(
            Bits(&[1, 0, 255], 1),
            &[[1; DEGREE]; 4],
            None,
            &mut out[..1]
        )
        .is_err()
    );
    assert!(galois::combine(&[1; 7], 3, &[1; 2], &mut out[..3]).is_err());
    assert!(galois::combine(&[1; 6], 3, &[1, u64::MAX], &mut out[..3]).is_err());
    assert!(galois::fold(Words(&[1; 8]), &[], None, &mut out).is_err());
    assert!(galois::fold_wide(&out.clone(), &[1; 8], &mut out).is_err());
    assert!(galois::evaluate(&out, &[1]).is_err());
    assert!(galois::evaluate(&out, &[1, 1 << 48]).is_err());
    let weights = [[1; DEGREE]; 4];
    assert!(galois::fold(Words(&[1; 8]), &weights, Some(&[1; 3]), &mut out[..2]).is_err());
    assert!(galois::fold(Words(&[1; 8]), &weights, Some(&[1, 1 << 48]), &mut out[..2]).is_err());
    let mut words = vec![0; 9];
    assert!(binary::tensor(&[1; 8], &[1; 8], &[1; 3], 2, &mut words).is_err());
    assert!(binary::combine(&[1; 7], 3, &[1; 2], &mut words[..3]).is_err());
    assert!(binary::fold(&[1; 8], &[1; 4], None, &mut words).is_err());
    assert!(binary::fold(&[1; 8], &[1; 8], Some(&[1; 2]), &mut [0; 64]).is_err());
    assert!(binary::fold(&[1; 8], &[], None, &mut []).is_err());
    assert!(binary::fold_wide(&[1; 8], &[1], &mut words).is_err());
    assert!(binary::evaluate(&words, &[1]).is_err());
    assert!(binary::evaluate(&words, &[1; 8]).is_err());
}
