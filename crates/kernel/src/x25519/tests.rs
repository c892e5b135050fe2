//! Vectors, and every tier against an independent ladder.

use super::*;
use crate::simd::on_every_tier;
use crate::testing::Stream;
use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::Scalar;

fn hex(text: &str) -> [u8; 32] {
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

fn reversed(text: &str) -> [u8; 32] {
    let mut bytes = hex(text);
    bytes.reverse();
    bytes
}

const EIGHT: [u8; 32] = {
    let mut eight = [0; 32];
    eight[0] = 8;
    eight
};

fn remask(point: &[u8; 32], scalar: &[u8; 32]) -> Result<[u8; 32]> {
    let mut out = [[0; 32]];
    remask_points(&[*point], scalar, 1, &mut out).map(|()| out[0])
}

#[test]
fn rfc_7748_key_exchange() {
    // Section 6.1; the base point is 9, the scalars are clamped as X25519 does.
    let clamped = |text: &str| {
        let mut k = scalar(&hex(text));
        k[31] |= 0x40;
        k
    };
    let a = clamped("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let b = clamped("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    let mut base = [0; 32];
    base[0] = 9;
    on_every_tier(|_| {
        let public = remask(&base, &a).unwrap();
        assert_eq!(
            public,
            hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
        );
        assert_eq!(remask(&public, &b).unwrap(), shared);
        assert_eq!(remask(&remask(&base, &b).unwrap(), &a).unwrap(), shared);
    });
}

#[test]
fn rfc_9380_encode_to_curve() {
    // Appendix J.4.2, curve25519_XMD:SHA-512_ELL2_NU_: u[0], and x of P, which is 8Q.
    let dst = b"QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_NU_";
    let (data, offsets) = (b"abc", [0, 0, 3]);
    let expected = [
        "1bb913f0c9daefa0b3375378ffa534bda5526c97391952a7789eb976edfe4d08",
        "7c22950b7d900fa866334262fcaea47a441a578df43b894b4625c9b450f9a026",
    ];
    on_every_tier(|_| {
        let mut out = [[0; 32]; 2];
        mask_items(data, &offsets, dst, &EIGHT, 1, &mut out).unwrap();
        assert_eq!(out, expected.map(reversed));
    });
}

#[test]
fn every_tier_agrees_with_another_ladder() {
    let mut random = Stream::new(31);
    for n in [1, 7, 8, 9, BATCH, BATCH + 1] {
        let k = scalar(&random.bytes(32).try_into().unwrap());
        // a = k/8 as a scalar modulo the group order, then times 8.
        let mut a = k;
        for i in 0..32 {
            let next = if i < 31 { k[i + 1] } else { 0 };
            a[i] = k[i] >> 3 | next << 5;
        }
        let a = Scalar::from_bytes_mod_order(a);
        let points: Vec<[u8; 32]> = (0..n)
            .map(|i| {
                let r = Scalar::from_bytes_mod_order(random.bytes(32).try_into().unwrap());
                let point = ED25519_BASEPOINT_POINT * r + EIGHT_TORSION[i % 8];
                point.to_montgomery().to_bytes()
            })
            .collect();
        let expected: Vec<[u8; 32]> = points
            .iter()
            .map(|point| (MontgomeryPoint(*point) * a * Scalar::from(8u8)).to_bytes())
            .collect();
        on_every_tier(|_| {
            let mut out = vec![[0; 32]; n];
            remask_points(&points, &k, 2, &mut out).unwrap();
            assert_eq!(out, expected);
        });
    }
}

#[test]
fn masks_commute_on_every_tier() {
    let mut random = Stream::new(32);
    let n = BATCH + 21;
    let data = random.bytes(5 * n);
    let offsets: Vec<i64> = (0..=n as i64).map(|i| 5 * i).collect();
    let (a, b) = (
        scalar(&random.bytes(32).try_into().unwrap()),
        scalar(&random.bytes(32).try_into().unwrap()),
    );
    let mut seen = Vec::new();
    on_every_tier(|_| {
        let both = |first: &[u8; 32], second: &[u8; 32]| {
            let (mut masked, mut out) = (vec![[0u8; 32]; n], vec![[0u8; 32]; n]);
            mask_items(&data, &offsets, b"test", first, 1, &mut masked).unwrap();
            remask_points(&masked, second, 2, &mut out).unwrap();
            out
        };
        let out = both(&a, &b);
        assert_eq!(out, both(&b, &a));
        seen.push(out);
    });
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn the_field_at_its_edges() {
    // x = 1 is of order 4, and p - 1 lies on the twist; around them lie points of the curve.
    let p = reversed("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
    let k = scalar(&[0xa7; 32]);
    let mut valid = 0;
    for distance in 1..200u8 {
        let mut below = p;
        below[0] = p[0].wrapping_sub(distance);
        below[1] -= u8::from(distance > p[0]);
        let mut small = [0; 32];
        small[0] = distance;
        for x in [below, small] {
            let mut results = Vec::new();
            on_every_tier(|_| results.push(remask(&x, &k)));
            assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
            valid += usize::from(results[0].is_ok());
        }
    }
    assert!(
        (150..250).contains(&valid),
        "about half lie on the curve: {valid}"
    );
}

#[test]
fn hostile_points_are_refused() {
    let p = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    let mut bad: Vec<[u8; 32]> = ["ed", "ee", "f6", "ff", "ec"]
        .iter()
        .map(|low| reversed(&format!("{p}{low}")))
        .collect();
    bad.push([0xff; 32]);
    // 9 and 2^255: the same point for RFC 7748, but not canonical.
    let mut nine = [0; 32];
    (nine[0], nine[31]) = (9, 0x80);
    bad.push(nine);
    // On the twist: 2.
    let mut two = [0; 32];
    two[0] = 2;
    bad.push(two);
    bad.extend(EIGHT_TORSION.map(|point| point.to_montgomery().to_bytes()));
    let good = MontgomeryPoint(ED25519_BASEPOINT_POINT.to_montgomery().to_bytes()).to_bytes();
    on_every_tier(|_| {
        for point in &bad {
            assert!(matches!(remask(point, &EIGHT), Err(Error::Malformed(_))));
            let mut points = vec![good; 2 * BATCH + 5];
            let mut out = vec![[0; 32]; points.len()];
            remask_points(&points, &EIGHT, 1, &mut out).unwrap();
            for place in [0, BATCH + 9, 2 * BATCH + 4] {
                points[place] = *point;
                let result = remask_points(&points, &EIGHT, 2, &mut out);
                assert!(matches!(result, Err(Error::Malformed(_))));
                points[place] = good;
            }
        }
    });
}

#[test]
fn bad_arguments_are_refused() {
    let mut out = [[0u8; 32]; 2];
    let mut mask = |offsets: &[i64], dst: &[u8], scalar: &[u8; 32], threads| {
        mask_items(&[1, 2, 3], offsets, dst, scalar, threads, &mut out)
    };
    mask(&[0, 1, 3], b"d", &EIGHT, 1).unwrap();
    let mut odd = EIGHT;
    odd[0] = 9;
    for scalar in [[0; 32], [0xf8; 32], odd] {
        assert!(matches!(
            mask(&[0, 1, 3], b"d", &scalar, 1),
            Err(Error::Range(_))
        ));
    }
    assert!(matches!(
        mask(&[0, 1, 4], b"d", &EIGHT, 1),
        Err(Error::Range(_))
    ));
    assert!(matches!(
        mask(&[0, 1, 3], b"", &EIGHT, 1),
        Err(Error::Range(_))
    ));
    assert!(matches!(
        mask(&[0, 1, 3], b"d", &EIGHT, 0),
        Err(Error::Range(_))
    ));
    assert!(matches!(
        mask(&[0, 1], b"d", &EIGHT, 1),
        Err(Error::Mismatch(_))
    ));
    let result = remask_points(&[[9; 32]], &EIGHT, 1, &mut out);
    assert!(matches!(result, Err(Error::Mismatch(_))));
}
