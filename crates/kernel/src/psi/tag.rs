//! Values that a table gave to tags: the last hash of the pseudorandom function.
//!
//! Source: Raghuraman, Rindal 2022 (ePrint 2022/320) §3, `H°`; fast form: GKWY20 (ePrint 2019/074) §7.4, TMMO.
//! Setting: fast: correlation robust in the ideal cipher model, with the item's key as tweak; strong: random oracle.
//! Notation: `v` value; `x` key of the item; fast `H(v, x) = π(π(v) ⊕ x) ⊕ π(v)`, strong `SHA-256(label ‖ v ⊕ w ‖ x)`.
//! Cost: 2 AES or 1 SHA-256. Floor: the same.

use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::hash::{TweakedHash, offset_blocks, xor_blocks};
use crate::parallel::share_out;
use crate::scalar::Scalars;
use crate::wipe::Wiped;
use sha2::{Digest, Sha256};

const BATCH: usize = 1 << 12;

/// A tag: `head` decides the bucket of a list, `low` what is compared within one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag<L> {
    /// 64 bits, of which lists use the highest.
    pub head: u64,
    /// 64 or 128 bits, of which lists use the lowest.
    pub low: L,
}

fn check(values: usize, keys: usize, tags: usize) -> Result<()> {
    let fits = values == keys && tags == keys;
    ensure(
        fits,
        Error::Mismatch("values, keys and tags must have one length"),
    )
}

/// `to[i] ⊕= a[i]·c` for scalars `a`.
///
/// # Errors
/// `Mismatch` for bad lengths, `Range` for bad threads.
pub fn add_product(
    scalars: Scalars,
    to: &mut [Block],
    a: &[Block],
    c: &Block,
    threads: usize,
) -> Result<()> {
    ensure(
        to.len() == a.len(),
        Error::Mismatch("factors and sums must have one length"),
    )?;
    let jobs = to.chunks_mut(BATCH).zip(a.chunks(BATCH));
    share_out(threads, jobs, |(to, a)| {
        let mut products = Wiped::filled([0u8; 16], a.len());
        scalars.polynomials(core::slice::from_ref(c), a, &mut products);
        xor_blocks(to, &products);
        Ok(())
    })
}

/// `out[i] = H(values[i], keys[i])`, the fast form.
fn hash_batch(hash: &TweakedHash, values: &[Block], keys: &[Block], out: &mut [Block]) {
    let mut images = Wiped::filled([0u8; 16], values.len());
    images.copy_from_slice(values);
    hash.permute(&mut images);
    out.copy_from_slice(&images);
    xor_blocks(out, keys);
    hash.permute(out);
    xor_blocks(out, &images);
}

/// The fast form as whole blocks, for values that are programmed instead of compared.
///
/// # Errors
/// `Mismatch` for bad lengths.
pub fn blocks(label: &Block, values: &[Block], keys: &[Block], out: &mut [Block]) -> Result<()> {
    check(values.len(), keys.len(), out.len())?;
    let hash = TweakedHash::new(b"tacit psi block", label);
    let parts = values.chunks(BATCH).zip(keys.chunks(BATCH));
    for ((values, keys), out) in parts.zip(out.chunks_mut(BATCH)) {
        hash_batch(&hash, values, keys, out);
    }
    Ok(())
}

/// Fast tags of 128 bits.
///
/// # Errors
/// `Mismatch` for bad lengths, `Range` for bad threads.
pub fn fast(
    label: &Block,
    values: &[Block],
    keys: &[Block],
    threads: usize,
    tags: &mut [Tag<u64>],
) -> Result<()> {
    check(values.len(), keys.len(), tags.len())?;
    let hash = TweakedHash::new(b"tacit psi tag", label);
    let jobs = values.chunks(BATCH).zip(keys.chunks(BATCH));
    share_out(
        threads,
        jobs.zip(tags.chunks_mut(BATCH)),
        |((values, keys), tags)| {
            let mut out = Wiped::filled([0u8; 16], values.len());
            hash_batch(&hash, values, keys, &mut out);
            for (tag, block) in tags.iter_mut().zip(out.iter()) {
                let block = u128::from_le_bytes(*block);
                *tag = Tag {
                    head: block as u64,
                    low: (block >> 64) as u64,
                };
            }
            Ok(())
        },
    )
}

/// Strong tags of 192 bits; `offset` is `w`.
///
/// # Errors
/// As [`fast`].
pub fn strong(
    label: &Block,
    offset: &Block,
    values: &[Block],
    keys: &[Block],
    threads: usize,
    tags: &mut [Tag<u128>],
) -> Result<()> {
    check(values.len(), keys.len(), tags.len())?;
    let jobs = values.chunks(BATCH).zip(keys.chunks(BATCH));
    share_out(
        threads,
        jobs.zip(tags.chunks_mut(BATCH)),
        |((values, keys), tags)| {
            let mut masked = Wiped::filled([0u8; 16], values.len());
            offset_blocks(&mut masked, values, offset);
            for ((tag, value), key) in tags.iter_mut().zip(masked.iter()).zip(keys) {
                let hash = Sha256::new()
                    .chain_update(label)
                    .chain_update(value)
                    .chain_update(key);
                let digest = hash.finalize();
                let (head, rest) = digest.split_at(8);
                let word = |bytes: &[u8]| {
                    bytes
                        .iter()
                        .rev()
                        .fold(0, |sum, byte| sum << 8 | u128::from(*byte))
                };
                *tag = Tag {
                    head: word(head) as u64,
                    low: word(&rest[..16]),
                };
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aes::{Aes128, xor};
    use crate::simd::on_every_tier;
    use crate::testing::Stream;
    use sha2::Sha512;

    #[test]
    fn tags_follow_the_definitions() {
        let mut random = Stream::new(91);
        let n = BATCH + 5;
        let (label, w) = (random.blocks(1)[0], random.blocks(1)[0]);
        let (values, keys) = (random.blocks(n), random.blocks(n));
        let cipher_key = |domain: &[u8]| -> Block {
            let length = (domain.len() as u64).to_le_bytes();
            let digest = Sha512::digest([&length, domain, &label].concat());
            digest[..16].try_into().unwrap()
        };
        let defined = |domain: &[u8], i: usize| {
            let pi = |x: &Block| Aes128::new(&cipher_key(domain)).encrypt(x);
            let image = pi(&values[i]);
            u128::from_le_bytes(xor(pi(&xor(image, keys[i])), image))
        };
        on_every_tier(|_| {
            let mut tags = vec![Tag::default(); n];
            fast(&label, &values, &keys, 2, &mut tags).unwrap();
            let mut long = vec![Tag::default(); n];
            strong(&label, &w, &values, &keys, 2, &mut long).unwrap();
            let mut whole = vec![[0; 16]; n];
            blocks(&label, &values, &keys, &mut whole).unwrap();
            for i in [0, 1, BATCH - 1, BATCH, n - 1] {
                assert_eq!(
                    u128::from(tags[i].head) | u128::from(tags[i].low) << 64,
                    defined(b"tacit psi tag", i)
                );
                let block = u128::from_le_bytes(whole[i]);
                assert_eq!(block, defined(b"tacit psi block", i));
                let digest = Sha256::digest([label, xor(values[i], w), keys[i]].concat());
                assert_eq!(long[i].head.to_le_bytes(), digest[..8]);
                assert_eq!(long[i].low.to_le_bytes(), digest[8..24]);
            }
        });
        for scalars in [Scalars::Whole, Scalars::Half] {
            let mut sums = keys.clone();
            add_product(scalars, &mut sums, &values, &w, 2).unwrap();
            for i in [0, BATCH, n - 1] {
                assert_eq!(sums[i], xor(keys[i], scalars.mul(&w, &values[i])));
            }
            assert!(add_product(scalars, &mut sums, &values[1..], &w, 1).is_err());
        }
        assert!(blocks(&label, &values[1..], &keys, &mut keys.clone()).is_err());
        assert!(fast(&label, &values[1..], &keys, 1, &mut vec![Tag::default(); n]).is_err());
    }
}
