//! Verifiable oblivious pseudorandom function of many items: F(k, x), which neither side can compute alone.
//!
//! Source: RFC 9497 §3 (mode VOPRF, suite ristretto255-SHA512); [JKK14] ePrint 2014/650. Setting: one-more gap
//! Diffie-Hellman, random oracle; constant time in keys, blinds and items of one length.
//! Differs: nothing; many items share inversions, and one proof covers up to 65,535 of them.
//! Notation: `k` key, `B = k·G` its commitment, `C` blinded elements, `D = k·C`.
//! Cost: `evaluate_items` as `curve::mask_items` and a hash; `blind` likewise; `finalize` one decoding, one
//! multiplication, a hash; `prove`, `verify` a sum of n or 2n products with public factors.

use crate::curve::{
    BATCH, Encoded, HashToGroup, check_tag_bytes, decode, decode_times, encode_doubles, half,
    items, map_times, secret_scalar, sum_times,
};
use crate::error::{Error, Result, ensure};
use crate::parallel::share_out;
use core::iter::repeat;
use curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT as GENERATOR;
use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::VartimeMultiscalarMul;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// `contextString`: mode 1 is VOPRF.
const CONTEXT: &[u8] = b"OPRFV1-\x01-ristretto255-SHA512";
/// Elements of one proof: their number must fit in two bytes.
pub const MOST_PROVED: usize = (1 << 16) - 1;
/// Longest item: its length must fit in two bytes.
pub const LONGEST_ITEM: usize = (1 << 16) - 1;
/// Bytes of a proof: the challenge and the response.
pub const PROOF_BYTES: usize = 64;

fn tagged(name: &[u8]) -> Vec<u8> {
    [name, CONTEXT].concat()
}

fn hash_to_group() -> Result<HashToGroup> {
    HashToGroup::new(&tagged(b"HashToGroup-"))
}

fn hash_to_scalar() -> Result<impl Fn(&[&[u8]]) -> Scalar> {
    let hash = HashToGroup::new(&tagged(b"HashToScalar-"))?;
    Ok(move |parts: &[&[u8]]| Scalar::from_bytes_mod_order_wide(&hash.expand(parts)))
}

/// `I2OSP(n, 2)`, for lengths that were checked.
fn two_bytes(n: usize) -> [u8; 2] {
    (n as u16).to_be_bytes()
}

/// The public commitment `k·G` to a key.
///
/// # Errors
/// `Range` unless the key is canonical and not zero.
pub fn public_key(key: &[u8; 32]) -> Result<Encoded> {
    let mut out = [[0; 32]];
    encode_doubles(&[GENERATOR * *half(&*secret_scalar(key)?)], &mut out);
    Ok(out[0])
}

fn finalized(item: &[u8], element: &Encoded, out: &mut [u8]) {
    let hash = Sha512::new()
        .chain_update(two_bytes(item.len()))
        .chain_update(item)
        .chain_update(two_bytes(32))
        .chain_update(element)
        .chain_update(b"Finalize");
    let n = out.len();
    out.copy_from_slice(&hash.finalize()[..n]);
}

fn check_lengths(data: &[u8], offsets: &[i64], n: usize) -> Result<()> {
    for item in items(data, offsets, n)? {
        ensure(
            item.len() <= LONGEST_ITEM,
            Error::Range("items have at most 65,535 bytes"),
        )?;
    }
    Ok(())
}

/// `F(k, x)` of every item, the first `n_bytes` of it.
///
/// # Errors
/// `Range` for bad offsets, key, threads, `n_bytes` or an item above 65,535 bytes; `Mismatch` for the length of
/// `out`.
pub fn evaluate_items(
    data: &[u8],
    offsets: &[i64],
    key: &[u8; 32],
    threads: usize,
    n_bytes: usize,
    out: &mut [u8],
) -> Result<()> {
    check_tag_bytes(n_bytes)?;
    let n = out.len() / n_bytes;
    ensure(
        out.len() == n * n_bytes,
        Error::Mismatch("out must have n_bytes per item"),
    )?;
    check_lengths(data, offsets, n)?;
    let (hash, scalar) = (hash_to_group()?, secret_scalar(key)?);
    let jobs = (0..n).step_by(BATCH).zip(out.chunks_mut(BATCH * n_bytes));
    share_out(threads, jobs, |(start, out)| {
        let span = &offsets[start..=start + out.len() / n_bytes];
        let items = || items(data, span, span.len() - 1);
        let uniform: Zeroizing<Vec<[u8; 64]>> =
            Zeroizing::new(items()?.map(|item| hash.expand(&[item])).collect());
        let mut encoded = Zeroizing::new(vec![[0; 32]; uniform.len()]);
        map_times(&uniform, repeat(&*scalar), &mut encoded)?;
        for ((item, element), out) in items()?.zip(&*encoded).zip(out.chunks_exact_mut(n_bytes)) {
            finalized(item, element, out);
        }
        Ok(())
    })
}

/// `blinded[i] = blinds[i]·H(x_i)` with blinds from 64 uniform bytes each.
///
/// # Errors
/// As [`evaluate_items`]; `Range` if a blind is zero (probability 2^-252).
pub fn blind(
    data: &[u8],
    offsets: &[i64],
    coins: &[[u8; 64]],
    threads: usize,
    blinded: &mut [Encoded],
    blinds: &mut [[u8; 32]],
) -> Result<()> {
    let n = coins.len();
    ensure(
        blinded.len() == n && blinds.len() == n,
        Error::Mismatch("every item needs coins and a place"),
    )?;
    check_lengths(data, offsets, n)?;
    let hash = hash_to_group()?;
    let outputs = blinded.chunks_mut(BATCH).zip(blinds.chunks_mut(BATCH));
    let jobs = coins
        .chunks(BATCH)
        .zip(offsets.chunks(BATCH).enumerate())
        .zip(outputs);
    share_out(threads, jobs, |((coins, (block, _)), (blinded, blinds))| {
        let span = &offsets[block * BATCH..=block * BATCH + coins.len()];
        let mut uniform = Zeroizing::new(Vec::with_capacity(coins.len()));
        let mut scalars = Zeroizing::new(Vec::with_capacity(coins.len()));
        for ((item, coins), blind) in items(data, span, coins.len())?.zip(coins).zip(blinds) {
            *blind = Scalar::from_bytes_mod_order_wide(coins).to_bytes();
            scalars.push(*secret_scalar(blind)?);
            uniform.push(hash.expand(&[item]));
        }
        map_times(&uniform, scalars.iter(), blinded)
    })
}

/// `F(k, x_i)` from the evaluated elements, the first `n_bytes` of it.
///
/// # Errors
/// As [`evaluate_items`]; `Malformed` if an element is not canonical or is the identity.
pub fn finalize(
    data: &[u8],
    offsets: &[i64],
    (evaluated, blinds): (&[Encoded], &[[u8; 32]]),
    threads: usize,
    n_bytes: usize,
    out: &mut [u8],
) -> Result<()> {
    check_tag_bytes(n_bytes)?;
    let n = evaluated.len();
    ensure(
        blinds.len() == n && n.checked_mul(n_bytes) == Some(out.len()),
        Error::Mismatch("every item needs an element, a blind and a place"),
    )?;
    check_lengths(data, offsets, n)?;
    let inputs = evaluated
        .chunks(BATCH)
        .zip(blinds.chunks(BATCH))
        .enumerate();
    let jobs = inputs.zip(out.chunks_mut(BATCH * n_bytes));
    share_out(threads, jobs, |((block, (evaluated, blinds)), out)| {
        let span = &offsets[block * BATCH..=block * BATCH + blinds.len()];
        let scalars = blinds
            .iter()
            .map(|blind| secret_scalar(blind).map(|scalar| *scalar));
        let mut inverses = Zeroizing::new(scalars.collect::<Result<Vec<Scalar>>>()?);
        Scalar::invert_batch_alloc(&mut inverses);
        let mut encoded = Zeroizing::new(vec![[0; 32]; inverses.len()]);
        decode_times(evaluated, inverses.iter(), &mut encoded)?;
        let items = items(data, span, blinds.len())?;
        for ((item, element), out) in items.zip(&*encoded).zip(out.chunks_exact_mut(n_bytes)) {
            finalized(item, element, out);
        }
        Ok(())
    })
}

/// The factors `d_i` of `ComputeComposites`.
fn factors(public: &Encoded, blinded: &[Encoded], evaluated: &[Encoded]) -> Result<Vec<Scalar>> {
    ensure(
        blinded.len() == evaluated.len(),
        Error::Mismatch("every element needs its evaluation"),
    )?;
    ensure(
        (1..=MOST_PROVED).contains(&blinded.len()),
        Error::Range("a proof covers 1 to 65,535 elements"),
    )?;
    let name = tagged(b"Seed-");
    let seed = Sha512::new()
        .chain_update(two_bytes(32))
        .chain_update(public)
        .chain_update(two_bytes(name.len()))
        .chain_update(&name)
        .finalize();
    let (hash, length) = (hash_to_scalar()?, two_bytes(32));
    let pairs = blinded.iter().zip(evaluated).enumerate();
    let factor = |(i, (c, d)): (usize, (&Encoded, &Encoded))| {
        let (size, index) = (two_bytes(seed.len()), two_bytes(i));
        hash(&[&size, &seed, &index, &length, c, &length, d, b"Composite"])
    };
    Ok(pairs.map(factor).collect())
}

/// `HashToScalar` of `B, M, Z, t2, t3`.
fn challenge(public: &Encoded, points: [RistrettoPoint; 4]) -> Result<Scalar> {
    let encoded = points.map(|point| point.compress().to_bytes());
    let length = two_bytes(32);
    let [m, z, t2, t3] = &encoded;
    Ok(hash_to_scalar()?(&[
        &length,
        public,
        &length,
        m,
        &length,
        z,
        &length,
        t2,
        &length,
        t3,
        b"Challenge",
    ]))
}

/// A proof that `evaluated[i] = k·blinded[i]` for all i under the key of `public_key(key)`; `coins` are fresh.
///
/// # Errors
/// `Range` for the key or the number of elements; `Mismatch`; `Malformed` for an element that is none.
pub fn prove(
    key: &[u8; 32],
    blinded: &[Encoded],
    evaluated: &[Encoded],
    coins: &[u8; 64],
) -> Result<[u8; PROOF_BYTES]> {
    let (k, public) = (secret_scalar(key)?, public_key(key)?);
    let m = sum_times(blinded, &factors(&public, blinded, evaluated)?)?;
    let r = Zeroizing::new(Scalar::from_bytes_mod_order_wide(coins));
    let c = challenge(&public, [m, m * *k, GENERATOR * *r, m * *r])?;
    let s = *r - c * *k;
    let mut proof = [0; PROOF_BYTES];
    proof[..32].copy_from_slice(c.as_bytes());
    proof[32..].copy_from_slice(s.as_bytes());
    Ok(proof)
}

/// Whether the proof holds.
///
/// # Errors
/// As [`prove`]; `Malformed` if the proof is not two canonical scalars or the commitment is no point.
pub fn verify(
    public: &Encoded,
    blinded: &[Encoded],
    evaluated: &[Encoded],
    proof: &[u8; PROOF_BYTES],
) -> Result<bool> {
    let scalar = |half: &[u8]| -> Result<Scalar> {
        let bytes: [u8; 32] = half.try_into().unwrap_or([u8::MAX; 32]);
        Option::from(Scalar::from_canonical_bytes(bytes))
            .ok_or(Error::Malformed("a scalar is not canonical"))
    };
    let (c, s, b) = (
        scalar(&proof[..32])?,
        scalar(&proof[32..])?,
        decode(public)?,
    );
    let factors = factors(public, blinded, evaluated)?;
    let (m, z) = (
        sum_times(blinded, &factors)?,
        sum_times(evaluated, &factors)?,
    );
    let t2 = RistrettoPoint::vartime_multiscalar_mul([s, c], [GENERATOR, b]);
    let t3 = RistrettoPoint::vartime_multiscalar_mul([s, c], [m, z]);
    Ok(challenge(public, [m, z, t2, t3])?.ct_eq(&c).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::remask_points;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let digits = text.as_bytes().chunks(2);
        let bytes: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        bytes.try_into().unwrap()
    }

    fn coins(scalar: [u8; 32]) -> [u8; 64] {
        let mut coins = [0; 64];
        coins[..32].copy_from_slice(&scalar);
        coins
    }

    /// RFC 9497 A.1.2, test vector 3: two inputs, one proof.
    #[test]
    fn rfc_9497_batch_of_two() {
        on_every_tier(|_| batch_of_two());
    }

    fn batch_of_two() {
        let key = hex("e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909");
        let public = hex("c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e");
        assert_eq!(public_key(&key).unwrap(), public);
        let (data, offsets) = ([[0u8; 1].as_slice(), &[0x5a; 17]].concat(), [0i64, 1, 18]);
        let blinds = [
            hex::<32>("64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"),
            hex::<32>("222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e"),
        ];
        let (mut blinded, mut kept) = (vec![[0; 32]; 2], vec![[0; 32]; 2]);
        blind(
            &data,
            &offsets,
            &blinds.map(coins),
            1,
            &mut blinded,
            &mut kept,
        )
        .unwrap();
        assert_eq!(kept, blinds);
        assert_eq!(
            blinded,
            [
                hex::<32>("863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"),
                hex::<32>("90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654"),
            ]
        );
        let mut evaluated = vec![[0; 32]; 2];
        remask_points(&blinded, &key, 1, &mut evaluated).unwrap();
        assert_eq!(
            evaluated,
            [
                hex::<32>("aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"),
                hex::<32>("cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a"),
            ]
        );
        let r = hex("419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c");
        let proof = prove(&key, &blinded, &evaluated, &coins(r)).unwrap();
        assert_eq!(
            proof,
            hex::<64>(
                "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08"
            )
        );
        assert!(verify(&public, &blinded, &evaluated, &proof).unwrap());
        let mut out = vec![0; 128];
        finalize(&data, &offsets, (&evaluated, &kept), 1, 64, &mut out).unwrap();
        let mut direct = vec![0; 128];
        evaluate_items(&data, &offsets, &key, 1, 64, &mut direct).unwrap();
        assert_eq!(out, direct);
        assert_eq!(
            out[..64],
            hex::<64>(
                "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7da4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
            )
        );
        assert_eq!(
            out[64..],
            hex::<64>(
                "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6"
            )
        );
    }

    #[test]
    fn many_items_agree_and_any_change_breaks_the_proof() {
        for threads in [1, 2] {
            on_every_tier(|_| many_items(threads));
        }
    }

    fn many_items(threads: usize) {
        let mut random = Stream::new(9);
        let n = 700;
        let offsets: Vec<i64> = (0..=n as i64).map(|i| 5 * i).collect();
        let data = random.bytes(5 * n);
        let key = crate::curve::reduce_scalar(random.bytes(64).first_chunk().unwrap());
        let coins: Vec<[u8; 64]> = random.bytes(64 * n).as_chunks().0.to_vec();
        let (mut blinded, mut blinds) = (vec![[0; 32]; n], vec![[0; 32]; n]);
        blind(&data, &offsets, &coins, threads, &mut blinded, &mut blinds).unwrap();
        let mut evaluated = vec![[0; 32]; n];
        remask_points(&blinded, &key, threads, &mut evaluated).unwrap();
        let (mut out, mut direct) = (vec![0; 20 * n], vec![0; 20 * n]);
        finalize(
            &data,
            &offsets,
            (&evaluated, &blinds),
            threads,
            20,
            &mut out,
        )
        .unwrap();
        evaluate_items(&data, &offsets, &key, threads, 20, &mut direct).unwrap();
        assert_eq!(out, direct);
        let public = public_key(&key).unwrap();
        let proof = prove(&key, &blinded, &evaluated, &coins[0]).unwrap();
        assert!(verify(&public, &blinded, &evaluated, &proof).unwrap());
        evaluated.swap(3, 4);
        assert!(!verify(&public, &blinded, &evaluated, &proof).unwrap());
        evaluated.swap(3, 4);
        for byte in [0, 40] {
            let mut other = proof;
            other[byte] ^= 1;
            assert!(!verify(&public, &blinded, &evaluated, &other).unwrap());
        }
        assert!(!verify(&blinded[0], &blinded, &evaluated, &proof).unwrap());
    }

    #[test]
    fn bad_arguments_are_errors() {
        let (key, point) = ([1; 32], public_key(&[1; 32]).unwrap());
        assert!(public_key(&[0; 32]).is_err());
        assert!(prove(&key, &[], &[], &[1; 64]).is_err());
        assert!(prove(&key, &[point], &[], &[1; 64]).is_err());
        assert!(matches!(
            verify(&point, &[point], &[point], &[255; 64]),
            Err(Error::Malformed(_))
        ));
        let mut out = vec![0; 8];
        assert!(matches!(
            finalize(&[1], &[0, 1], (&[[0; 32]], &[[1; 32]]), 1, 8, &mut out),
            Err(Error::Malformed(_))
        ));
        let long = vec![0; 1 << 16];
        assert!(evaluate_items(&long, &[0, 1 << 16], &key, 1, 8, &mut out).is_err());
        assert!(evaluate_items(&[1], &[0, 2], &key, 1, 8, &mut out).is_err());
        assert!(blind(&[1], &[0, 1], &[[0; 64]], 1, &mut [[0; 32]], &mut [[0; 32]]).is_err());
    }
}
