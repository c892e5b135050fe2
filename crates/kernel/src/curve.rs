//! ristretto255: hash-to-group, blinding of many items, canonical decoding.
//!
//! Source: RFC 9496 (group), RFC 9380 §5.3.1 (`expand_message_xmd`, SHA-512), RFC 9497 §4.1
//! (`HashToGroup` of ristretto255-SHA512). Setting: DDH; constant time in scalars and items of one
//! length (the length of an item is not hidden).
//! Differs: nothing; points are doubled while they are compressed, so scalars are halved first, which
//! saves the inverse square root of each encoding.
//! Notation: `k` scalar, `P` point, `dst` domain separation tag.
//! Cost: per masked item 4 SHA-512 blocks, two Elligator maps, one multiplication; per re-masked point
//! one decoding, one multiplication: 252 doublings and 71 additions, eight points at a time with AVX-512 IFMA.

use crate::error::{Error, Result, ensure};
use crate::parallel::share_out;
use crate::sha512::{self, LANES, Tail};
use core::iter::repeat;
use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

mod hash;
mod many;
#[cfg(target_arch = "x86_64")]
mod many8;
#[cfg(target_arch = "x86_64")]
mod point8;

pub use hash::HashToGroup;
pub(crate) use many::{decode_times, map_times, sum_times};

/// A canonical ristretto255 encoding.
pub type Encoded = [u8; 32];

/// Points that share one inversion.
pub(crate) const BATCH: usize = 256;
const BAD_POINT: &str = "not a canonical ristretto255 point, or the identity";

/// Decodes a canonical encoding of a point other than the identity.
///
/// # Errors
/// `Malformed` otherwise.
pub fn decode(bytes: &Encoded) -> Result<RistrettoPoint> {
    let point = CompressedRistretto(*bytes).decompress();
    match point {
        Some(point) if !point.is_identity() => Ok(point),
        _ => Err(Error::Malformed(BAD_POINT)),
    }
}

pub(crate) fn secret_scalar(bytes: &[u8; 32]) -> Result<Zeroizing<Scalar>> {
    let scalar = Option::<Scalar>::from(Scalar::from_canonical_bytes(*bytes));
    match scalar {
        Some(scalar) if scalar != Scalar::ZERO => Ok(Zeroizing::new(scalar)),
        _ => Err(Error::Range("scalar must be canonical and not zero")),
    }
}

/// Encodes the doubles of `halves` with one inversion for all.
pub(crate) fn encode_doubles(halves: &[RistrettoPoint], out: &mut [Encoded]) {
    for (out, point) in out
        .iter_mut()
        .zip(RistrettoPoint::double_and_compress_batch(halves))
    {
        *out = point.to_bytes();
    }
}

/// `k/2`, so that doubling during encoding gives `k·P`.
pub(crate) fn half(scalar: &Scalar) -> Zeroizing<Scalar> {
    Zeroizing::new(scalar.div_by_2())
}

/// The `n` items `data[offsets[i]..offsets[i+1]]`.
///
/// # Errors
/// `Mismatch` if there are not `n`, `Range` unless the offsets ascend within the data.
pub(crate) fn items<'a>(
    data: &'a [u8],
    offsets: &'a [i64],
    n: usize,
) -> Result<impl Iterator<Item = &'a [u8]>> {
    ensure(
        offsets.len() == n + 1,
        Error::Mismatch("offsets must have n + 1 entries"),
    )?;
    let ascending = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
    let inside = offsets[0] >= 0 && offsets[n] <= data.len() as i64;
    ensure(
        ascending && inside,
        Error::Range("offsets must ascend within the data"),
    )?;
    let spans = offsets.windows(2);
    Ok(spans.map(|pair| &data[pair[0] as usize..pair[1] as usize]))
}

/// Jobs of up to `batch` of those items, with the places for their results.
pub(crate) fn item_jobs<'a, T: Send>(
    data: &'a [u8],
    offsets: &'a [i64],
    out: &'a mut [T],
    batch: usize,
) -> Result<impl Iterator<Item = (impl Iterator<Item = &'a [u8]>, &'a mut [T])> + Send> {
    drop(items(data, offsets, out.len())?);
    let starts = offsets[..out.len()].chunks(batch);
    let spans = starts
        .zip(offsets[1..].chunks(batch))
        .map(|(starts, ends)| {
            let span = starts.iter().zip(ends);
            span.map(|(start, end)| &data[*start as usize..*end as usize])
        });
    Ok(spans.zip(out.chunks_mut(batch)))
}

/// `out[i] = k·HashToGroup(data[offsets[i]..offsets[i+1]], dst)`.
///
/// `offsets: i64[n+1]` ascending within `data`, as in Arrow; `scalar`: 32 bytes, canonical, not zero.
///
/// # Errors
/// `Range` for bad offsets, scalar, dst or threads; `Mismatch` if `out` has not `n` entries.
pub fn mask_items(
    data: &[u8],
    offsets: &[i64],
    dst: &[u8],
    scalar: &[u8; 32],
    threads: usize,
    out: &mut [Encoded],
) -> Result<()> {
    let hash = HashToGroup::new(dst)?;
    let scalar = secret_scalar(scalar)?;
    let jobs = item_jobs(data, offsets, out, BATCH)?;
    share_out(threads, jobs, |(items, out)| {
        let uniform = hash.expand_all::<64>(items);
        map_times(&uniform, repeat(&*scalar), out)
    })
}

/// `out[i] = k·points[i]`, both encoded.
///
/// # Errors
/// `Malformed` if a point is not canonical or is the identity; `Range` for a bad scalar or threads;
/// `Mismatch` if `out` has another length.
pub fn remask_points(
    points: &[Encoded],
    scalar: &[u8; 32],
    threads: usize,
    out: &mut [Encoded],
) -> Result<()> {
    let scalar = secret_scalar(scalar)?;
    ensure(
        points.len() == out.len(),
        Error::Mismatch("out must have one entry per point"),
    )?;
    let jobs = points.chunks(BATCH).zip(out.chunks_mut(BATCH));
    share_out(threads, jobs, |(points, out)| {
        decode_times(points, repeat(&*scalar), out)
    })
}

/// `out[i]` = first `n_bytes` of SHA-512(`len(domain)` as 8 little-endian bytes ‖ domain ‖ `points[i]`).
///
/// `out` holds `n` rows of `n_bytes` bytes each.
///
/// # Errors
/// `Range` if `n_bytes` is not in `1..=64`; `Mismatch` if `out` has another length.
pub fn hash_points(
    points: &[Encoded],
    domain: &[u8],
    n_bytes: usize,
    out: &mut [u8],
) -> Result<()> {
    check_tag_bytes(n_bytes)?;
    ensure(
        points.len().checked_mul(n_bytes) == Some(out.len()),
        Error::Mismatch("out must have n_bytes per point"),
    )?;
    let length = (domain.len() as u64).to_le_bytes();
    if !Tail::fits(length.len() + domain.len() + 32) {
        let prefix = Sha512::new().chain_update(length).chain_update(domain);
        for (point, out) in points.iter().zip(out.chunks_exact_mut(n_bytes)) {
            out.copy_from_slice(&prefix.clone().chain_update(point).finalize()[..n_bytes]);
        }
        return Ok(());
    }
    let prefix = Tail::EMPTY.push(&length).push(domain);
    for (eight, out) in points.chunks(LANES).zip(out.chunks_mut(LANES * n_bytes)) {
        let tails = core::array::from_fn(|lane| prefix.push(&eight[lane.min(eight.len() - 1)]));
        let digests = sha512::digests(&sha512::START, 0, &tails);
        for (out, digest) in out.chunks_exact_mut(n_bytes).zip(digests) {
            out.copy_from_slice(&digest[..n_bytes]);
        }
    }
    Ok(())
}

/// Whether a tag may have `n_bytes` bytes.
///
/// # Errors
/// `Range` if `n_bytes` is not in `1..=64`.
pub fn check_tag_bytes(n_bytes: usize) -> Result<()> {
    ensure(
        (1..=64).contains(&n_bytes),
        Error::Range("n_bytes must be in 1..=64"),
    )
}

/// 64 uniform bytes, read little-endian, modulo the group order: a canonical scalar.
#[must_use]
pub fn reduce_scalar(uniform: &[u8; 64]) -> [u8; 32] {
    Scalar::from_bytes_mod_order_wide(uniform).to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let digits = text.as_bytes().chunks(2);
        let bytes: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        bytes.try_into().unwrap()
    }

    fn one() -> [u8; 32] {
        Scalar::ONE.to_bytes()
    }

    #[test]
    fn rfc_9496_multiples_of_the_generator() {
        let multiples = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
            "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
            "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
        ];
        let base = [hex::<32>(multiples[1])];
        for (k, expected) in multiples.iter().enumerate().skip(1) {
            let scalar = Scalar::from(k as u64).to_bytes();
            on_every_tier(|_| {
                let mut out = [[0u8; 32]];
                remask_points(&base, &scalar, 1, &mut out).unwrap();
                assert_eq!(out[0], hex(expected));
            });
        }
        assert!(decode(&hex(multiples[0])).is_err());
    }

    #[test]
    fn rfc_9496_bad_encodings_are_refused() {
        for bad in [
            "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
            "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ] {
            on_every_tier(|_| {
                let mut out = [[0u8; 32]];
                let result = remask_points(&[hex(bad)], &one(), 1, &mut out);
                assert!(matches!(result, Err(Error::Malformed(_))));
            });
        }
    }

    #[test]
    fn rfc_9496_one_way_map() {
        let uniform = hex(
            "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c14d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6",
        );
        let encoded = "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46";
        on_every_tier(|_| {
            let mut out = [[0u8; 32]];
            map_times(&[uniform], [Scalar::ONE].iter(), &mut out).unwrap();
            assert_eq!(out[0], hex(encoded));
        });
    }

    #[test]
    fn rfc_9497_blind_and_evaluate() {
        // RFC 9497 A.1.1, ristretto255-SHA512, OPRF mode, test vectors 1 and 2.
        let dst = hex::<40>(
            "48617368546f47726f75702d4f50524656312d002d72697374726574746f3235352d534841353132",
        );
        let blind = hex("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706");
        let key = hex("5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e");
        let data = [vec![0u8], vec![0x5a; 17]].concat();
        let expected = [
            (
                "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
                "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
            ),
            (
                "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",
                "b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",
            ),
        ];
        on_every_tier(|_| {
            let (mut blinded, mut evaluated) = ([[0u8; 32]; 2], [[0u8; 32]; 2]);
            mask_items(&data, &[0, 1, 18], &dst, &blind, 1, &mut blinded).unwrap();
            remask_points(&blinded, &key, 1, &mut evaluated).unwrap();
            for ((blinded, evaluated), expected) in blinded.iter().zip(&evaluated).zip(expected) {
                assert_eq!((*blinded, *evaluated), (hex(expected.0), hex(expected.1)));
            }
        });
    }

    #[test]
    fn masks_commute_over_batches_and_threads() {
        let mut random = Stream::new(20);
        let n = 2 * BATCH + 3;
        let data = random.bytes(7 * n);
        let offsets: Vec<i64> = (0..=n as i64).map(|i| 7 * i).collect();
        let mut scalar = || reduce_scalar(&random.bytes(64).try_into().unwrap());
        let (a, b) = (scalar(), scalar());
        let both = |first: &[u8; 32], second: &[u8; 32], threads: usize| {
            let (mut masked, mut out) = (vec![[0u8; 32]; n], vec![[0u8; 32]; n]);
            mask_items(&data, &offsets, b"test", first, threads, &mut masked).unwrap();
            remask_points(&masked, second, threads, &mut out).unwrap();
            out
        };
        assert_eq!(both(&a, &b, 1), both(&b, &a, 3));
        let mut tags = vec![0u8; 16 * n];
        hash_points(&both(&a, &b, 2), b"tag", 16, &mut tags).unwrap();
        let unique: std::collections::BTreeSet<_> = tags.chunks(16).collect();
        assert_eq!(unique.len(), n);
    }

    #[test]
    fn eight_at_a_time_give_the_same() {
        let mut random = Stream::new(21);
        for longest in [0, 5, 80, 200] {
            for dst in [b"short".as_slice(), &[7; 47], &[7; 200]] {
                let hash = HashToGroup::new(dst).unwrap();
                let messages: Vec<Vec<u8>> =
                    (0..LANES).map(|i| random.bytes(longest * i / 7)).collect();
                let eight: [&[u8]; LANES] = core::array::from_fn(|i| messages[i].as_slice());
                let expected = eight.map(|message| hash.expand::<48>(&[message]));
                assert_eq!(hash.expand_eight::<48>(&eight), expected);
            }
        }
        let points: Vec<Encoded> = (0..19).map(|i| [i; 32]).collect();
        for n_domain in [0, 16, 71, 72, 300] {
            let domain = vec![3; n_domain];
            let mut tags = vec![0; 11 * points.len()];
            hash_points(&points, &domain, 11, &mut tags).unwrap();
            for (point, tag) in points.iter().zip(tags.chunks(11)) {
                let length = (n_domain as u64).to_le_bytes();
                let whole = [&length[..], &domain, point].concat();
                assert_eq!(tag, &Sha512::digest(whole)[..11]);
            }
        }
    }

    #[test]
    fn bad_arguments_are_refused() {
        let mut out = [[0u8; 32]; 2];
        let mut mask = |offsets: &[i64], dst: &[u8], scalar: &[u8; 32], threads| {
            mask_items(&[1, 2, 3], offsets, dst, scalar, threads, &mut out)
        };
        mask(&[0, 1, 3], b"d", &one(), 1).unwrap();
        for offsets in [
            [0, 2, 1],
            [0, 1, 4],
            [-1, 0, 1],
            [0, i64::MIN, 3],
            [4, 4, 4],
        ] {
            assert!(matches!(
                mask(&offsets, b"d", &one(), 1),
                Err(Error::Range(_))
            ));
        }
        assert!(matches!(
            mask(&[0, 1], b"d", &one(), 1),
            Err(Error::Mismatch(_))
        ));
        assert!(matches!(
            mask(&[], b"d", &one(), 1),
            Err(Error::Mismatch(_))
        ));
        assert!(matches!(
            mask(&[0, 1, 3], b"", &one(), 1),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            mask(&[0, 1, 3], &[1; 256], &one(), 1),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            mask(&[0, 1, 3], b"d", &[0; 32], 1),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            mask(&[0, 1, 3], b"d", &[255; 32], 1),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            mask(&[0, 1, 3], b"d", &one(), 0),
            Err(Error::Range(_))
        ));
        assert!(hash_points(&out, b"", 65, &mut [0; 130]).is_err());
        assert!(hash_points(&out, b"", 8, &mut [0; 15]).is_err());
        // One bad point among many is found whatever the number of threads.
        let mut points =
            vec![hex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"); 700];
        points[650] = [0; 32];
        for threads in [1, 2, 5] {
            let result = remask_points(&points, &one(), threads, &mut vec![[0; 32]; 700]);
            assert!(matches!(result, Err(Error::Malformed(_))));
        }
    }
}
