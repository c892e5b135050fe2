//! Many points times secret scalars, encoded: eight at a time where the machine has AVX-512 IFMA, else one by
//! one with `curve25519-dalek`, which is also the oracle of the tests. Both give the same bytes.

use super::{BATCH, Encoded, decode, encode_doubles, half};
use crate::error::{Error, Result, ensure};
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use zeroize::{Zeroize, Zeroizing};

fn halves<'a>(
    scalars: impl Iterator<Item = &'a Scalar>,
    n: usize,
    places: usize,
) -> Result<Zeroizing<Vec<Scalar>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(n));
    out.extend(scalars.take(n).map(|scalar| *half(scalar)));
    ensure(
        out.len() == n && n == places && n <= BATCH,
        Error::Mismatch("every point of a batch needs a scalar and a place"),
    )?;
    Ok(out)
}

/// `out[i] = k_i·map(uniform[i])` for a batch, with the one-way map of RFC 9496 §4.3.4.
///
/// # Errors
/// `Mismatch` if the batch is too large, or there are too few scalars or places.
pub(crate) fn map_times<'a>(
    uniform: &[[u8; 64]],
    scalars: impl Iterator<Item = &'a Scalar>,
    out: &mut [Encoded],
) -> Result<()> {
    let halves = halves(scalars, uniform.len(), out.len())?;
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::available() {
        super::many8::map_times(uniform, &halves, out);
        return Ok(());
    }
    let inputs = uniform.iter().zip(&*halves);
    let mut products: Vec<RistrettoPoint> = inputs
        .map(|(uniform, half)| RistrettoPoint::from_uniform_bytes(uniform) * half)
        .collect();
    encode_doubles(&products, out);
    products.zeroize();
    Ok(())
}

/// `out[i] = k_i·points[i]` for a batch.
///
/// # Errors
/// `Malformed` if a point is not canonical or is the identity; `Mismatch` as [`map_times`].
pub(crate) fn decode_times<'a>(
    points: &[Encoded],
    scalars: impl Iterator<Item = &'a Scalar>,
    out: &mut [Encoded],
) -> Result<()> {
    let halves = halves(scalars, points.len(), out.len())?;
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::available() {
        return super::many8::decode_times(points, &halves, out);
    }
    let mut products = Vec::with_capacity(points.len());
    for (point, half) in points.iter().zip(&*halves) {
        products.push(decode(point)? * half);
    }
    encode_doubles(&products, out);
    products.zeroize();
    Ok(())
}

/// `Σ factors[i]·points[i]`, in time that depends on the factors, which are public.
///
/// # Errors
/// `Malformed` if a point is not canonical or is the identity; `Mismatch` if there is not a factor for each.
pub(crate) fn sum_times(points: &[Encoded], factors: &[Scalar]) -> Result<RistrettoPoint> {
    ensure(
        points.len() == factors.len(),
        Error::Mismatch("every point needs a factor"),
    )?;
    #[cfg(target_arch = "x86_64")]
    if crate::lanes::available() {
        let halves: Vec<Scalar> = factors.iter().map(Scalar::div_by_2).collect();
        let parts = super::many8::sum_times(points, &halves)?;
        // A part may be the identity.
        let parts = parts.map(|part| CompressedRistretto(part).decompress());
        return Ok(parts.into_iter().flatten().sum());
    }
    let points: Vec<RistrettoPoint> = points.iter().map(decode).collect::<Result<_>>()?;
    Ok(RistrettoPoint::vartime_multiscalar_mul(factors, &points))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;
    use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as GENERATOR;

    /// Scalars at the edges of the recoding, then random ones.
    fn scalars(random: &mut Stream, n: usize) -> Vec<Scalar> {
        let edges = [0u64, 1, 2, 14, 15, 16, 17, 0x1111_1111_1111_1110, u64::MAX]
            .into_iter()
            .flat_map(|k| [Scalar::from(k), -Scalar::from(k)]);
        let wide = core::iter::repeat_with(|| {
            Scalar::from_bytes_mod_order_wide(random.bytes(64).first_chunk().unwrap())
        });
        edges.chain(wide).take(n).collect()
    }

    /// `2^255 - 19 + distance`, and with the highest bit.
    fn around_p(distance: i8) -> [[u8; 32]; 2] {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed_u8.wrapping_add_signed(distance);
        bytes[31] = 0x7f;
        if distance >= 19 {
            (bytes[0], bytes[31]) = (distance as u8 - 19, 0x80);
            bytes[1..31].fill(0);
        }
        let mut high = bytes;
        high[31] |= 0x80;
        [bytes, high]
    }

    fn small(x: u8) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0] = x;
        bytes
    }

    fn hex(text: &str) -> [u8; 32] {
        core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    }

    #[test]
    fn every_tier_maps_and_multiplies_as_dalek() {
        let mut random = Stream::new(41);
        let mut uniform: Vec<[u8; 64]> = random.bytes(64 * BATCH).as_chunks().0.to_vec();
        let halves = uniform.as_flattened_mut().as_chunks_mut::<32>().0;
        let edges = (-20..40).flat_map(around_p).chain((0..40).map(small));
        for (half, edge) in halves[100..].iter_mut().zip(edges) {
            *half = edge;
        }
        let scalars = scalars(&mut random, BATCH);
        for n in [0, 1, 7, 8, 9, BATCH] {
            let expected: Vec<Encoded> = uniform[..n]
                .iter()
                .zip(&scalars)
                .map(|(uniform, k)| {
                    (RistrettoPoint::from_uniform_bytes(uniform) * k)
                        .compress()
                        .0
                })
                .collect();
            on_every_tier(|_| {
                let mut out = vec![[1; 32]; n];
                map_times(&uniform[..n], scalars.iter(), &mut out).unwrap();
                assert_eq!(out, expected);
            });
        }
    }

    #[test]
    fn every_tier_decodes_and_multiplies_as_dalek() {
        let mut random = Stream::new(42);
        let scalars = scalars(&mut random, BATCH);
        let points: Vec<Encoded> = (0..BATCH as u64)
            .map(|i| (GENERATOR * Scalar::from(i * i * i + 1)).compress().0)
            .collect();
        for n in [0, 1, 7, 8, 9, BATCH] {
            let expected: Vec<Encoded> = points[..n]
                .iter()
                .zip(&scalars)
                .map(|(point, k)| (decode(point).unwrap() * k).compress().0)
                .collect();
            on_every_tier(|_| {
                let mut out = vec![[1; 32]; n];
                decode_times(&points[..n], scalars.iter(), &mut out).unwrap();
                assert_eq!(out, expected);
            });
        }
    }

    #[test]
    fn every_tier_refuses_the_encodings_that_dalek_refuses() {
        let mut random = Stream::new(43);
        let mut candidates: Vec<Encoded> = random.bytes(32 * 400).as_chunks().0.to_vec();
        for candidate in &mut candidates[..300] {
            // Most of these are canonical and even, so that the square root and the sign of xy decide.
            candidate[0] &= 0xfe;
            candidate[31] &= 0x7f;
        }
        candidates.extend((-128..=127).flat_map(around_p));
        candidates.extend((0..=255).map(small));
        // RFC 9496 A.2: non-square, negative xy, y = 0.
        candidates.extend(
            [
                "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
                "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            ]
            .map(hex),
        );
        let one = [Scalar::ONE];
        let mut good = 0;
        for candidate in &candidates {
            let valid = decode(candidate).is_ok();
            good += usize::from(valid);
            on_every_tier(|_| {
                let mut out = [[0; 32]];
                let result = decode_times(&[*candidate], one.iter(), &mut out);
                assert_eq!(result.is_ok(), valid);
                assert!(!valid || out[0] == *candidate);
            });
        }
        assert!((100..400).contains(&good), "of both kinds: {good}");
    }

    #[test]
    fn every_tier_sums_as_dalek() {
        let mut random = Stream::new(44);
        let scalars = scalars(&mut random, BATCH + 3);
        let points: Vec<Encoded> = (1..=scalars.len() as u64)
            .map(|i| (GENERATOR * Scalar::from(i)).compress().0)
            .collect();
        for n in [0, 1, 7, 8, 9, BATCH + 3] {
            let weighted = (1u64..).zip(&scalars[..n]);
            let total: Scalar = weighted.map(|(i, k)| Scalar::from(i) * k).sum();
            on_every_tier(|_| {
                let sum = sum_times(&points[..n], &scalars[..n]).unwrap();
                assert_eq!(sum, GENERATOR * total);
            });
        }
        on_every_tier(|_| {
            let mut points = points.clone();
            points[BATCH + 2] = small(1);
            let result = sum_times(&points, &scalars);
            assert!(matches!(result, Err(Error::Malformed(_))));
            let result = sum_times(&points, &scalars[1..]);
            assert!(matches!(result, Err(Error::Mismatch(_))));
        });
    }

    #[test]
    fn a_bad_point_in_any_lane_is_found_and_short_batches_are_whole() {
        let generator = GENERATOR.compress().0;
        let one = Scalar::ONE;
        on_every_tier(|_| {
            for n in [5, 8, 13] {
                for place in 0..n {
                    let mut points = vec![generator; n];
                    points[place] = small(1);
                    let mut out = vec![[0; 32]; n];
                    let result = decode_times(&points, core::iter::repeat(&one), &mut out);
                    assert!(matches!(result, Err(Error::Malformed(_))));
                }
            }
            let mut out = [[0; 32]; 2];
            let too_few = decode_times(&[generator; 2], [one].iter(), &mut out);
            assert!(matches!(too_few, Err(Error::Mismatch(_))));
            let too_small = map_times(&[[0; 64]; 3], core::iter::repeat(&one), &mut out);
            assert!(matches!(too_small, Err(Error::Mismatch(_))));
        });
    }
}
