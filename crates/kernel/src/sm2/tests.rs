//! Vectors of the standard, and every tier against plain double-and-add.

use super::*;
use crate::simd::on_every_tier;
use crate::testing::Stream;

fn hex(text: &str) -> [u8; 32] {
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

const GENERATOR: &str = "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7";

/// k as a scalar that the functions take: it or n - k, whichever is odd.
fn odd(k: &[u8; 32]) -> [u8; 32] {
    let mut uniform = [0; 64];
    uniform[32..].copy_from_slice(k);
    scalar(&uniform)
}

fn remask(point: &[u8; 32], k: &[u8; 32]) -> Result<[u8; 32]> {
    let mut out = [[0; 32]];
    remask_points(&[*point], k, 1, &mut out).map(|()| out[0])
}

#[test]
fn standard_key_pairs() {
    // GB/T 32918.5-2017: the key of the signature example A.2, and its nonce with x1 = r - e.
    let pairs = [
        (
            "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8",
            "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020",
        ),
        (
            "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21",
            "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73",
        ),
    ];
    on_every_tier(|_| {
        for (secret, x) in pairs {
            assert_eq!(remask(&hex(GENERATOR), &odd(&hex(secret))).unwrap(), hex(x));
        }
    });
}

#[test]
fn small_and_large_scalars() {
    on_every_tier(|_| {
        let generator = hex(GENERATOR);
        let one = odd(&bytes([1, 0, 0, 0]));
        assert_eq!(remask(&generator, &one).unwrap(), generator);
        // n - 2 gives x(2G), as 2 does not go; (n - 33) is the largest odd one that is not n - 2 d.
        let double = [3u64, 5, 7, 9, 11, 13, 15, 17, 31, 33, 35].map(|k| {
            let x = remask(&generator, &bytes([k, 0, 0, 0])).unwrap();
            (k, x)
        });
        let three_times_five = remask(&double[0].1, &bytes([5, 0, 0, 0])).unwrap();
        assert_eq!(three_times_five, double[6].1);
        assert_eq!(
            remask(&double[1].1, &bytes([7, 0, 0, 0])).unwrap(),
            double[10].1
        );
        let mut largest = BOUND;
        largest[0] -= 2;
        largest[0] |= 1;
        let even = difference(&N, &largest);
        assert!(even[0] >= 32 && even[1..] == [0; 3]);
        // (n - e) e' = e (n - e') up to sign, for even e = 32 and odd e' = 3.
        let left = remask(
            &remask(&generator, &bytes(largest)).unwrap(),
            &bytes([3, 0, 0, 0]),
        );
        let mut triple = N;
        triple[0] -= 3 * even[0];
        assert_eq!(left.unwrap(), remask(&generator, &bytes(triple)).unwrap());
    });
}

#[test]
fn scalars_out_of_range_are_refused() {
    let generator = hex(GENERATOR);
    let mut above = N;
    above[0] -= 30;
    let mut even = N;
    even[0] -= 33;
    for k in [[0; 4], [2, 0, 0, 0], above, even, N, [u64::MAX; 4]] {
        assert!(matches!(
            remask(&generator, &bytes(k)),
            Err(Error::Range(_))
        ));
    }
}

#[test]
fn scalars_are_reduced() {
    for (uniform, expected) in [
        ([0u64, 0, 0, 0, 0, 0, 0, 7], [7, 0, 0, 0]),
        // 2^256 = n + (2^256 - n): odd as it is.
        ([0, 0, 0, 1, 0, 0, 0, 0], difference(&[0; 4], &N)),
        ([0, 0, 0, 0, N[3], N[2], N[1], N[0] + 5], [5, 0, 0, 0]),
        ([0, 0, 0, 0, N[3], N[2], N[1], N[0] - 7], [7, 0, 0, 0]),
    ] {
        let mut input = [0; 64];
        for (to, word) in input.as_chunks_mut::<8>().0.iter_mut().zip(uniform) {
            *to = word.to_be_bytes();
        }
        let got = words(&scalar(&input));
        assert!(got == expected || got == difference(&N, &expected));
        assert_eq!(got[0] & 1, 1);
    }
}

#[test]
fn masks_commute_and_tiers_agree() {
    let mut random = Stream::new(41);
    for n in [1, 7, 8, 9, BATCH + 13] {
        let data = random.bytes(5 * n);
        let offsets: Vec<i64> = (0..=n as i64).map(|i| 5 * i).collect();
        let mut draw = || scalar(&random.bytes(64).try_into().unwrap());
        let (a, b) = (draw(), draw());
        let mut seen = Vec::new();
        on_every_tier(|_| {
            let both = |first: &[u8; 32], second: &[u8; 32]| {
                let (mut masked, mut out) = (vec![[0u8; 32]; n], vec![[0u8; 32]; n]);
                mask_items(&data, &offsets, b"test", first, 1, &mut masked).unwrap();
                remask_points(&masked, second, 2, &mut out).unwrap();
                (masked, out)
            };
            let (masked, out) = both(&a, &b);
            assert_eq!(out, both(&b, &a).1);
            seen.push((masked, out));
        });
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

#[test]
fn the_field_at_its_edges() {
    let k = odd(&[0xa7; 32]);
    let mut valid = 0;
    for distance in 1..120u64 {
        for x in [
            [distance - 1, 0, 0, 0],
            difference(&P, &[distance, 0, 0, 0]),
        ] {
            let mut results = Vec::new();
            on_every_tier(|_| results.push(remask(&bytes(x), &k)));
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
            valid += usize::from(results[0].is_ok());
        }
    }
    assert!(
        (80..160).contains(&valid),
        "about half lie on the curve: {valid}"
    );
}

#[test]
fn hostile_points_are_refused() {
    let good = hex(GENERATOR);
    let k = odd(&[0x5c; 32]);
    // 1 - 3 + b is no square, p and above are not canonical.
    let mut bad = vec![bytes(P), [0xff; 32], bytes([1, 0, 0, 0])];
    bad.push(bytes(difference(
        &P,
        &[u64::MAX, u64::MAX, u64::MAX, u64::MAX],
    )));
    on_every_tier(|_| {
        let refused: Vec<_> = bad
            .iter()
            .filter(|point| remask(point, &k).is_err())
            .collect();
        assert!(refused.len() >= 2);
        for point in refused {
            let mut points = vec![good; BATCH + 20];
            let mut out = vec![[0; 32]; points.len()];
            for place in [0, 17, BATCH + 19] {
                points[place] = *point;
                let result = remask_points(&points, &k, 2, &mut out);
                assert!(matches!(result, Err(Error::Malformed(_))));
                points[place] = good;
            }
            remask_points(&points, &k, 1, &mut out).unwrap();
            assert!(out.iter().all(|x| *x == out[0]));
        }
    });
}

#[test]
fn bad_arguments_are_refused() {
    let mut out = [[0u8; 32]; 2];
    let k = odd(&[3; 32]);
    let mut mask = |offsets: &[i64], dst: &[u8], threads| {
        mask_items(&[1, 2, 3], offsets, dst, &k, threads, &mut out)
    };
    mask(&[0, 1, 3], b"d", 1).unwrap();
    assert!(matches!(mask(&[0, 1, 4], b"d", 1), Err(Error::Range(_))));
    assert!(matches!(mask(&[0, 1, 3], b"", 1), Err(Error::Range(_))));
    assert!(matches!(mask(&[0, 1, 3], b"d", 0), Err(Error::Range(_))));
    assert!(matches!(mask(&[0, 1], b"d", 1), Err(Error::Mismatch(_))));
    let result = remask_points(&[hex(GENERATOR)], &k, 1, &mut out);
    assert!(matches!(result, Err(Error::Mismatch(_))));
}
