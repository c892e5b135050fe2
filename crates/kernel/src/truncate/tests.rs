//! All pairs of shares of a small ring; every length, width and tier of the large one.

use super::*;
use crate::simd::on_every_tier;
use crate::testing::Stream;

/// All three parties of one truncation: the two addends of the result.
fn truncated(shift: Shift, c: [&[u64]; 2], s: Helped<'_>, product: bool) -> (Vec<u64>, Vec<u64>) {
    let n = s.len();
    let prgs = [Prg::new(&[1; 16]), Prg::new(&[2; 16])];
    let coins = [0, 1].map(|i| Coins::new(&prgs[i], 7));
    let size = shift.bits() * plane_words(n);
    let [mut z_2, mut z_0] = [0, 1].map(|_| vec![0; n]);
    let (mut for_1, mut for_0) = (vec![0; size], vec![0; if product { 0 } else { size }]);
    let out = HelperOut {
        z_2: &mut z_2,
        z_0: &mut z_0,
        for_1: &mut for_1,
        for_0: &mut for_0,
    };
    helper(shift, s, coins.clone(), out).unwrap();
    let made: Vec<_> = (0..2)
        .map(|me| {
            let (mut part, mut planes) = (vec![0; n], vec![0; size]);
            let given = (me == 1).then_some(&for_1[..]);
            let (from, masks) = if product {
                (Opened::Product(c[me], c[1 - me], given), coins[me].after(n))
            } else {
                (Opened::Alone(c[me]), coins[me].clone())
            };
            evaluator(shift, from, &masks, &mut part, &mut planes).unwrap();
            (part, planes)
        })
        .collect();
    let mut parts = Vec::new();
    for me in 0..2 {
        let mut part = made[me].0.clone();
        let given = [&for_0, &for_1][me];
        let alone = (!product).then_some((c[me], &given[..]));
        finish(shift, &mut part, &made[1 - me].1, alone).unwrap();
        parts.push(part);
    }
    let all = parts[0].iter().zip(&parts[1]);
    assert!(
        all.clone()
            .all(|(a, b)| shift.reduced(a.wrapping_sub(*b)) == 0)
    );
    (
        parts.pop().unwrap(),
        z_2.iter()
            .zip(&z_0)
            .map(|(a, b)| a.wrapping_add(*b))
            .collect(),
    )
}

#[test]
fn every_pair_of_shares_of_a_small_ring() {
    let shift = Shift::new(8, 3).unwrap();
    on_every_tier(|_| {
        for x in -64i64..64 {
            let c: Vec<u64> = (0..256).collect();
            let s: Vec<u64> = c
                .iter()
                .map(|c| (x as u64).wrapping_sub(*c) & 255)
                .collect();
            let none = vec![0; 256];
            let (part, rest) = truncated(shift, [&c, &c], Helped::Addends(&s, &none), false);
            for (a, b) in part.iter().zip(&rest) {
                let y = a.wrapping_add(*b) & 255;
                let floor = (x >> 3) as u64;
                assert!(y == floor & 255 || y == floor.wrapping_add(1) & 255);
            }
        }
    });
}

#[test]
fn products_and_values_of_every_length_on_every_tier() {
    let mut random = Stream::new(11);
    for (n, bits) in [
        (1, 1),
        (63, 18),
        (64, 31),
        (65, 33),
        (511, 32),
        (513, 62),
        (1500, 18),
    ] {
        let shift = Shift::new(64, bits).unwrap();
        let x: Vec<i64> = (0..n).map(|_| random.words(1)[0] as i64 >> 2).collect();
        let (t_0, t_1) = (random.words(n), random.words(n));
        let t_2: Vec<u64> = (0..n)
            .map(|i| (x[i] as u64).wrapping_sub(t_0[i]).wrapping_sub(t_1[i]))
            .collect();
        // The evaluators' addends, blinded as `blind` does.
        let blinded: Vec<Vec<u64>> = [(&t_0, 1u8), (&t_1, 2)]
            .map(|(t, key)| {
                let mut t = t.clone();
                Prg::new(&[key; 16]).add(7, &mut t);
                t
            })
            .to_vec();
        let c: Vec<u64> = t_0
            .iter()
            .zip(&t_1)
            .map(|(a, b)| a.wrapping_add(*b))
            .collect();
        let zeros = vec![0; n];
        on_every_tier(|_| {
            let fused = truncated(
                shift,
                [&blinded[0], &blinded[1]],
                Helped::Product(&t_2),
                true,
            );
            let alone = truncated(shift, [&c, &c], Helped::Addends(&t_2, &zeros), false);
            for (part, rest) in [fused, alone] {
                for i in 0..n {
                    let error = (part[i].wrapping_add(rest[i]) as i64).wrapping_sub(x[i] >> bits);
                    assert!(error == 0 || error == 1);
                }
            }
        });
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(
        Shift::new(64, 0).is_err() && Shift::new(64, 63).is_err() && Shift::new(65, 3).is_err()
    );
    let shift = Shift::new(64, 18).unwrap();
    assert!(finish(shift, &mut [0; 3], &[0; 17], None).is_err());
    let prg = Prg::new(&[0; 16]);
    let masks = Coins::new(&prg, 0);
    let from = Opened::Product(&[0; 3], &[0; 2], None);
    assert!(evaluator(shift, from, &masks, &mut [0; 3], &mut [0; 18]).is_err());
    let out = HelperOut {
        z_2: &mut [0; 3],
        z_0: &mut [0; 3],
        for_1: &mut [0; 18],
        for_0: &mut [],
    };
    assert!(
        helper(
            shift,
            Helped::Addends(&[0; 3], &[0; 3]),
            [masks.clone(), masks],
            out
        )
        .is_err()
    );
}

/// Both parts together, from bits in two parts, are what the theorem wants, on every tier.
#[test]
fn parts_with_carries_add_up_on_every_tier() {
    on_every_tier(|_| {
        let mut random = Stream::new(9);
        for (n, bits) in [(0, 1), (1, 62), (7, 18), (300, 18), (67, 40)] {
            let shift = Shift::new(64, bits).unwrap();
            let wrap = 1u64 << (64 - bits);
            let (x, rest) = (random.words(n), random.words(n));
            let bytes = random.bytes(n);
            let bit = |i: u32| bytes.iter().map(|byte| byte >> i & 1).collect::<Vec<u8>>();
            let [k, w, t] = [[bit(0), bit(1)], [bit(2), bit(3)], [bit(4), bit(5)]];
            let both = |bit: &[Vec<u8>; 2], l: usize| u64::from(bit[0][l] & bit[1][l]);
            let dealt = |l| {
                (2 * wrap)
                    .wrapping_mul(both(&w, l))
                    .wrapping_sub(2 * both(&k, l))
            };
            let mut halves = |sums: Vec<u64>| {
                let one = random.words(n);
                let other = sums
                    .iter()
                    .zip(&one)
                    .map(|(sum, one)| sum.wrapping_sub(*one));
                [other.collect::<Vec<_>>(), one.clone()]
            };
            let product = halves((0..n).map(dealt).collect());
            let t_both = halves((0..n).map(|l| both(&t, l)).collect());
            let mut sums = vec![[0u64; 2]; n];
            for (side, x) in [&x, &rest].into_iter().enumerate() {
                let part = Carried {
                    x,
                    product: &product[side],
                    both: &t_both[side],
                    k: &k[side],
                    w: &w[side],
                    t: &t[side],
                };
                let (mut linear, mut factor) = (vec![1; n], vec![1; n]);
                carried(shift, side as u64, part, &mut linear, &mut factor).unwrap();
                for ((sums, linear), factor) in sums.iter_mut().zip(linear).zip(factor) {
                    *sums = [sums[0].wrapping_add(linear), sums[1].wrapping_add(factor)];
                }
            }
            for (l, sums) in sums.iter().enumerate() {
                let value = |bit: &[Vec<u8>; 2]| u64::from(bit[0][l] ^ bit[1][l]);
                let quotients = (x[l] >> bits) + (rest[l] >> bits) + value(&k);
                let linear = quotients.wrapping_sub(wrap.wrapping_mul(value(&w) + value(&t)));
                assert_eq!(
                    *sums,
                    [linear, wrap.wrapping_mul(value(&t).wrapping_sub(1))]
                );
            }
        }
    });
}

#[test]
fn parts_of_other_lengths_are_refused() {
    let (words, bytes) = ([0; 3], [0; 3]);
    let part = |x| Carried {
        x,
        product: &words,
        both: &words,
        k: &bytes,
        w: &bytes,
        t: &bytes,
    };
    let shift = Shift::new(64, 18).unwrap();
    assert!(carried(shift, 0, part(&words[..2]), &mut [0; 2], &mut [0; 2]).is_err());
    assert!(carried(shift, 0, part(&words), &mut [0; 3], &mut [0; 2]).is_err());
}
