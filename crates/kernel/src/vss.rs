//! Verifiable secret sharing of many integers: Shamir's sharing over the scalars of ristretto255 with
//! commitments to the coefficients that hide them.
//!
//! Source: [Feldman87] "A practical scheme for non-interactive verifiable secret sharing", FOCS 1987
//! (every share is checked against commitments to the polynomial); [Pedersen91] "Non-interactive and
//! information-theoretic secure verifiable secret sharing", CRYPTO 1991, §4 (commitments `a·G + b·H`).
//! Setting: binding under discrete logarithms, hiding without assumption. Constant time in secrets, coins
//! and shares; variable time in commitments and weights, which are no secrets.
//! Differs: many sharings are checked at once, in a combination with 128-bit weights that the verifier draws
//! after it has seen them: a wrong one passes with probability 2^-128.
//! Notation: `t` threshold (degree), `f`, `g` the polynomials of a value and of its blinding; party `i` of
//! 1..=n holds `f(i)`, `g(i)`; `C[k] = f_k·G + g_k·H`.
//! Cost: per value and coefficient two fixed-base multiplications to deal, one decoding and about a
//! twentieth of a multiplication to verify.

use crate::curve::{Encoded, decode, encode_doubles, half};
use crate::error::{Error, Result, ensure};
use curve25519_dalek::ristretto::{RistrettoBasepointTable, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};
use std::sync::LazyLock;
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// `f(i)`, then `g(i)`.
pub type Share = [u8; 64];

/// Largest number of parties; with values below 2^55 their sum is a 64-bit integer.
pub const MAX_PARTIES: usize = 256;

/// Bytes of one random weight.
pub const WEIGHT_BYTES: usize = 16;

/// Values whose commitments are decoded at a time.
const CHUNK: usize = 1024;

/// `H`: a hash to the group, so that nobody knows its discrete logarithm to the base `G`.
static BLINDING: LazyLock<RistrettoBasepointTable> = LazyLock::new(|| {
    let uniform = Sha512::digest(b"tacit-vss-v1 second generator");
    RistrettoBasepointTable::create(&RistrettoPoint::from_uniform_bytes(&uniform.into()))
});

/// Whether sharing with this threshold among so many parties is defined: `1 <= t < n <= MAX_PARTIES`.
///
/// # Errors
/// `Range` otherwise.
pub fn check_threshold(threshold: usize, n_parties: usize) -> Result<()> {
    ensure(
        (1..n_parties).contains(&threshold) && n_parties <= MAX_PARTIES,
        Error::Range("threshold must be in 1..n_parties, and those at most 256"),
    )
}

/// Bytes of coins that `deal` uses for `n_values`.
#[must_use]
pub fn coins_size(n_values: usize, threshold: usize) -> usize {
    n_values * (2 * threshold + 1) * 64
}

fn integer(value: i64) -> Scalar {
    let magnitude = Scalar::from(value.unsigned_abs());
    let negative = Choice::from((value as u64 >> 63) as u8);
    Scalar::conditional_select(&magnitude, &-magnitude, negative)
}

fn canonical(bytes: &[u8; 32]) -> Result<Scalar> {
    Option::from(Scalar::from_canonical_bytes(*bytes))
        .ok_or(Error::Malformed("a share is not a canonical scalar"))
}

fn parts(share: &Share) -> (&[u8; 32], &[u8; 32]) {
    let (halves, _) = share.as_chunks::<32>();
    (&halves[0], &halves[1])
}

fn evaluate(coefficients: &[Scalar], at: Scalar) -> Scalar {
    coefficients
        .iter()
        .rev()
        .fold(Scalar::ZERO, |sum, coefficient| sum * at + coefficient)
}

/// Shares `values` among `n_parties` so that any `threshold + 1` of them recover them and fewer learn nothing.
///
/// `coins`: `coins_size` uniform secret bytes. `commitments`: `threshold + 1` a value, by value. `shares`: by
/// party, then by value.
///
/// # Errors
/// `Range` for a bad threshold; `Mismatch` for slices of other lengths.
pub fn deal(
    values: &[i64],
    coins: &[u8],
    threshold: usize,
    n_parties: usize,
    commitments: &mut [Encoded],
    shares: &mut [Share],
) -> Result<()> {
    check_threshold(threshold, n_parties)?;
    let n_values = values.len();
    ensure(
        coins.len() == coins_size(n_values, threshold)
            && commitments.len() == n_values * (threshold + 1)
            && shares.len() == n_values * n_parties,
        Error::Mismatch("coins, commitments or shares do not fit the values"),
    )?;
    let coins = coins.as_chunks::<64>().0.chunks_exact(2 * threshold + 1);
    let commitments = commitments.chunks_exact_mut(threshold + 1);
    for (v, ((value, coins), commitments)) in values.iter().zip(coins).zip(commitments).enumerate()
    {
        // With room for all: growing would leave copies behind.
        let mut f = Zeroizing::new(Vec::with_capacity(threshold + 1));
        f.push(integer(*value));
        let random = |coin: &[u8; 64]| Scalar::from_bytes_mod_order_wide(coin);
        f.extend(coins[..threshold].iter().map(random));
        let g: Zeroizing<Vec<Scalar>> =
            Zeroizing::new(coins[threshold..].iter().map(random).collect());
        let halves: Vec<RistrettoPoint> = f
            .iter()
            .zip(g.iter())
            .map(|(f, g)| RistrettoPoint::mul_base(&half(f)) + &*BLINDING * &*half(g))
            .collect();
        encode_doubles(&halves, commitments);
        for i in 0..n_parties {
            let at = Scalar::from(i as u64 + 1);
            let share = &mut shares[i * n_values + v];
            share[..32].copy_from_slice(evaluate(&f, at).as_bytes());
            share[32..].copy_from_slice(evaluate(&g, at).as_bytes());
        }
    }
    Ok(())
}

/// Which of the parties `indices` (1..=n) hold right shares under `commitments`; what is no canonical scalar
/// is wrong.
///
/// `shares`: by party, then by value. `weights`: `WEIGHT_BYTES` random bytes a value, unknown to whoever made
/// shares and commitments.
///
/// # Errors
/// `Malformed` for a commitment that is not canonical; `Range`, `Mismatch` for own arguments.
pub fn verify(
    indices: &[usize],
    shares: &[Share],
    commitments: &[Encoded],
    threshold: usize,
    weights: &[u8],
) -> Result<Vec<bool>> {
    check_threshold(threshold, MAX_PARTIES)?;
    ensure(
        indices.iter().all(|i| (1..=MAX_PARTIES).contains(i)),
        Error::Range("indices must be in 1..=256"),
    )?;
    let n_values = weights.len() / WEIGHT_BYTES;
    ensure(
        weights.len() == n_values * WEIGHT_BYTES
            && commitments.len() == n_values * (threshold + 1)
            && shares.len() == n_values * indices.len(),
        Error::Mismatch("commitments or shares do not fit the weights"),
    )?;
    let weights: Vec<Scalar> = weights
        .as_chunks::<WEIGHT_BYTES>()
        .0
        .iter()
        .map(|weight| Scalar::from(u128::from_le_bytes(*weight)))
        .collect();
    // S[k], the weighted sum of the k-th commitments.
    let mut sums = vec![RistrettoPoint::identity(); threshold + 1];
    let rows = commitments.chunks(CHUNK * (threshold + 1));
    for (rows, weights) in rows.zip(weights.chunks(CHUNK)) {
        let points = rows.iter().map(decode).collect::<Result<Vec<_>>>()?;
        for (k, sum) in sums.iter_mut().enumerate() {
            let column = points.iter().skip(k).step_by(threshold + 1);
            *sum += RistrettoPoint::vartime_multiscalar_mul(weights, column);
        }
    }
    let verdict = |(j, index): (usize, &usize)| {
        let own = &shares[j * n_values..(j + 1) * n_values];
        let at = Scalar::from(*index as u64);
        let right = sums
            .iter()
            .rev()
            .fold(RistrettoPoint::identity(), |total, sum| total * at + sum);
        commitment_of(own, &weights).is_ok_and(|left| left == right)
    };
    Ok(indices.iter().enumerate().map(verdict).collect())
}

/// `f·G + g·H` for the weighted sums `f`, `g` of the shares.
fn commitment_of(shares: &[Share], weights: &[Scalar]) -> Result<RistrettoPoint> {
    let mut f = Zeroizing::new(Scalar::ZERO);
    let mut g = Zeroizing::new(Scalar::ZERO);
    for (share, weight) in shares.iter().zip(weights) {
        let (value, blinding) = parts(share);
        *f += *Zeroizing::new(canonical(value)?) * weight;
        *g += *Zeroizing::new(canonical(blinding)?) * weight;
    }
    Ok(RistrettoPoint::mul_base(&f) + &*BLINDING * &*g)
}

/// Commitments to the sums of several sharings: `lists` holds one list after another, each as long as `out`.
///
/// # Errors
/// `Malformed` for a point that is not canonical; `Mismatch` if the lists have other lengths.
pub fn add_commitments(lists: &[Encoded], out: &mut [Encoded]) -> Result<()> {
    check_lists(lists.len(), out.len())?;
    let length = out.len();
    for (at, out) in out.iter_mut().enumerate() {
        let mut sum = RistrettoPoint::identity();
        for commitment in lists.iter().skip(at).step_by(length) {
            sum += decode(commitment)?;
        }
        *out = sum.compress().to_bytes();
    }
    Ok(())
}

/// A party's shares of the sums of several sharings, laid out as in `add_commitments`.
///
/// # Errors
/// `Malformed` for a scalar that is not canonical; `Mismatch` if the lists have other lengths.
pub fn add_shares(lists: &[Share], out: &mut [Share]) -> Result<()> {
    check_lists(lists.len(), out.len())?;
    let length = out.len();
    for (at, out) in out.iter_mut().enumerate() {
        let (mut f, mut g) = (Scalar::ZERO, Scalar::ZERO);
        for share in lists.iter().skip(at).step_by(length) {
            let (value, blinding) = parts(share);
            f += canonical(value)?;
            g += canonical(blinding)?;
        }
        out[..32].copy_from_slice(f.as_bytes());
        out[32..].copy_from_slice(g.as_bytes());
    }
    Ok(())
}

fn check_lists(all: usize, each: usize) -> Result<()> {
    ensure(
        all >= each && all.is_multiple_of(each),
        Error::Mismatch("lists must all be as long as the result"),
    )
}

/// Recovers the values from the shares of the parties `indices` (1..=n, all different, one more than the
/// threshold), by party, then by value.
///
/// # Errors
/// `Malformed` for a scalar that is not canonical or a value that is no 64-bit integer; `Range` for bad
/// indices; `Mismatch` for shares of another length.
pub fn recover(indices: &[usize], shares: &[Share], out: &mut [i64]) -> Result<()> {
    let distinct: std::collections::BTreeSet<_> = indices.iter().collect();
    ensure(
        distinct.len() == indices.len() && indices.iter().all(|i| (1..=MAX_PARTIES).contains(i)),
        Error::Range("indices must be different and in 1..=256"),
    )?;
    ensure(
        shares.len() == indices.len() * out.len() && !indices.is_empty(),
        Error::Mismatch("shares must be one a party and value"),
    )?;
    let points: Vec<Scalar> = indices.iter().map(|i| Scalar::from(*i as u64)).collect();
    let weights: Vec<Scalar> = points
        .iter()
        .map(|own| {
            let others = points.iter().filter(|other| *other != own);
            others.fold(Scalar::ONE, |product, other| {
                product * other * (other - own).invert()
            })
        })
        .collect();
    let n_values = out.len();
    for (v, out) in out.iter_mut().enumerate() {
        let mut secret = Scalar::ZERO;
        for (j, weight) in weights.iter().enumerate() {
            secret += canonical(parts(&shares[j * n_values + v]).0)? * weight;
        }
        *out = small(&secret).ok_or(Error::Malformed("a value is no 64-bit integer"))?;
    }
    Ok(())
}

/// The integer that `integer` makes this scalar of, if it has one.
fn small(scalar: &Scalar) -> Option<i64> {
    let magnitude = |scalar: &Scalar| {
        let (words, _) = scalar.as_bytes().as_chunks::<8>();
        let high = words[1..].iter().any(|word| *word != [0; 8]);
        i64::try_from(u64::from_le_bytes(words[0]))
            .ok()
            .filter(|_| !high)
    };
    magnitude(scalar).or_else(|| magnitude(&-scalar).map(|value| -value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    struct Dealt {
        commitments: Vec<Encoded>,
        shares: Vec<Share>,
    }

    const VALUES: [i64; 5] = [0, 1, -1, (1 << 55) - 1, -(1 << 55)];

    fn dealt(values: &[i64], t: usize, n: usize, seed: u8) -> Dealt {
        let mut result = Dealt {
            commitments: vec![[0; 32]; values.len() * (t + 1)],
            shares: vec![[0; 64]; values.len() * n],
        };
        let coins = Stream::new(seed).bytes(coins_size(values.len(), t));
        deal(
            values,
            &coins,
            t,
            n,
            &mut result.commitments,
            &mut result.shares,
        )
        .unwrap();
        result
    }

    fn of_party(dealt: &Dealt, index: usize, n_values: usize) -> &[Share] {
        &dealt.shares[(index - 1) * n_values..index * n_values]
    }

    fn passes(index: usize, shares: &[Share], commitments: &[Encoded], t: usize) -> Result<bool> {
        let weights = Stream::new(99).bytes(WEIGHT_BYTES * shares.len());
        verify(&[index], shares, commitments, t, &weights).map(|verdicts| verdicts[0])
    }

    #[test]
    fn every_share_verifies_at_its_party_only() {
        for (t, n) in [(1, 2), (1, 3), (4, 10)] {
            let all = dealt(&VALUES, t, n, 1);
            for index in 1..=n {
                for at in 1..=n {
                    let shares = of_party(&all, index, VALUES.len());
                    let verdict = passes(at, shares, &all.commitments, t).unwrap();
                    assert_eq!(verdict, at == index);
                }
            }
        }
    }

    #[test]
    fn more_values_than_a_chunk() {
        let values: Vec<i64> = (0..CHUNK as i64 + 3).collect();
        let all = dealt(&values, 1, 3, 5);
        let mut shares = of_party(&all, 2, values.len()).to_vec();
        assert!(passes(2, &shares, &all.commitments, 1).unwrap());
        shares[CHUNK + 1][0] ^= 1;
        assert!(!passes(2, &shares, &all.commitments, 1).unwrap());
    }

    #[test]
    fn any_wrong_byte_is_noticed() {
        let all = dealt(&VALUES, 2, 5, 2);
        let shares = of_party(&all, 3, VALUES.len());
        for at in [0, 7, 32, 63] {
            let mut wrong = shares.to_vec();
            wrong[4][at] ^= 1;
            assert_ne!(passes(3, &wrong, &all.commitments, 2), Ok(true));
        }
        for k in 0..3 {
            let mut wrong = all.commitments.clone();
            wrong.swap(k, 3 + k);
            assert_eq!(passes(3, shares, &wrong, 2), Ok(false));
        }
        let mut wrong = all.commitments.clone();
        wrong[0] = [0; 32];
        assert!(matches!(
            passes(3, shares, &wrong, 2),
            Err(Error::Malformed(_))
        ));
        wrong[0] = [255; 32];
        assert!(matches!(
            passes(3, shares, &wrong, 2),
            Err(Error::Malformed(_))
        ));
    }

    #[test]
    fn sums_verify_and_any_enough_parties_recover_them() {
        let (t, n, n_values) = (2, 5, VALUES.len());
        let dealers: Vec<Dealt> = (0..n as u8)
            .map(|seed| dealt(&VALUES, t, n, seed))
            .collect();
        let lists: Vec<Encoded> = dealers.iter().flat_map(|d| d.commitments.clone()).collect();
        let mut commitments = vec![[0; 32]; n_values * (t + 1)];
        add_commitments(&lists, &mut commitments).unwrap();
        let totals: Vec<Vec<Share>> = (1..=n)
            .map(|index| {
                let own = dealers
                    .iter()
                    .flat_map(|d| of_party(d, index, n_values).to_vec());
                let mut total = vec![[0; 64]; n_values];
                add_shares(&own.collect::<Vec<_>>(), &mut total).unwrap();
                assert!(passes(index, &total, &commitments, t).unwrap());
                total
            })
            .collect();
        for indices in [[1, 2, 3], [5, 1, 4], [2, 4, 5]] {
            let shares: Vec<Share> = indices
                .iter()
                .flat_map(|i: &usize| totals[i - 1].clone())
                .collect();
            let mut out = [0; 5];
            recover(&indices, &shares, &mut out).unwrap();
            assert_eq!(out, VALUES.map(|value| value * n as i64));
        }
    }

    #[test]
    fn one_wrong_party_does_not_spoil_the_others() {
        let all = dealt(&VALUES, 2, 5, 4);
        let mut shares = all.shares.clone();
        shares[6][3] ^= 1;
        shares[3 * 5] = [255; 64];
        let weights = Stream::new(98).bytes(WEIGHT_BYTES * VALUES.len());
        let verdicts = verify(&[1, 2, 3, 4, 5], &shares, &all.commitments, 2, &weights).unwrap();
        assert_eq!(verdicts, [true, false, true, false, true]);
    }

    #[test]
    fn integers_are_recovered_up_to_64_bits() {
        for value in [0, 1, -1, i64::MAX, -i64::MAX] {
            assert_eq!(small(&integer(value)), Some(value));
        }
        assert_eq!(small(&integer(i64::MIN)), None);
        assert_eq!(small(&(integer(i64::MAX) + Scalar::ONE)), None);
        assert_eq!(small(&Scalar::from(u128::MAX)), None);
    }

    #[test]
    fn equal_values_have_unequal_commitments() {
        let all = dealt(&[7, 7], 1, 3, 3);
        assert_ne!(all.commitments[0], all.commitments[2]);
    }

    #[test]
    fn bad_arguments_are_refused() {
        let (mut commitments, mut shares) = ([[0; 32]; 2], [[0; 64]; 3]);
        let coins = vec![0; coins_size(1, 1)];
        let mut attempt =
            |t, n, coins: &[u8]| deal(&[1], coins, t, n, &mut commitments, &mut shares);
        attempt(1, 3, &coins).unwrap();
        for (t, n) in [(0, 3), (3, 3), (1, 257)] {
            assert!(matches!(attempt(t, n, &coins), Err(Error::Range(_))));
        }
        assert!(matches!(
            attempt(1, 3, &coins[1..]),
            Err(Error::Mismatch(_))
        ));
        assert!(matches!(attempt(1, 2, &coins), Err(Error::Mismatch(_))));
        assert!(matches!(
            verify(&[0], &[], &[], 1, &[]),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            verify(&[1], &[], &[], 0, &[]),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            verify(&[1], &[], &[], 1, &[0]),
            Err(Error::Mismatch(_))
        ));
        assert!(matches!(
            recover(&[1, 1], &[[0; 64]; 2], &mut [0]),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            recover(&[0], &[[0; 64]], &mut [0]),
            Err(Error::Range(_))
        ));
        assert!(matches!(
            recover(&[1], &[], &mut [0]),
            Err(Error::Mismatch(_))
        ));
        assert!(matches!(
            recover(&[1], &[[255; 64]], &mut [0]),
            Err(Error::Malformed(_))
        ));
        assert!(matches!(
            add_shares(&[[0; 64]; 3], &mut [[0; 64]; 2]),
            Err(Error::Mismatch(_))
        ));
    }
}
