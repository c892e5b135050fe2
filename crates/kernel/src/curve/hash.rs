//! HashToGroup of RFC 9497, of one message or of many side by side.

use crate::error::{Error, Result, ensure};
use crate::sha512::{self, LANES, Tail};
use curve25519_dalek::ristretto::RistrettoPoint;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// HashToGroup of RFC 9497: `expand_message_xmd` with SHA-512 to 64 bytes, then the one-way map.
pub struct HashToGroup {
    /// SHA-512 after the block of zeros that starts every message, and its state.
    padded: Sha512,
    state: [u64; 8],
    suffix: Vec<u8>,
}

impl HashToGroup {
    /// # Errors
    /// `Range` if `dst` is empty or longer than 255 bytes.
    pub fn new(dst: &[u8]) -> Result<Self> {
        ensure(
            (1..=255).contains(&dst.len()),
            Error::Range("dst must have 1..=255 bytes"),
        )?;
        let mut suffix = dst.to_vec();
        suffix.push(dst.len() as u8);
        Ok(Self {
            padded: Sha512::new().chain_update([0u8; 128]),
            state: sha512::after_zeros(),
            suffix,
        })
    }

    /// The `N` uniform bytes, at most 64, of `message`, given in parts.
    #[must_use]
    pub fn expand<const N: usize>(&self, parts: &[&[u8]]) -> [u8; N] {
        const { assert!(N <= 64, "one block of SHA-512") };
        let mut first = self.padded.clone();
        for part in parts {
            first.update(part);
        }
        // l_i_b_str = I2OSP(N, 2), then I2OSP(0, 1).
        let first = first
            .chain_update([0, N as u8, 0])
            .chain_update(&self.suffix)
            .finalize();
        let block = Sha512::new()
            .chain_update(first)
            .chain_update([1])
            .chain_update(&self.suffix)
            .finalize();
        core::array::from_fn(|i| block[i])
    }

    /// The same for many messages, eight at a time.
    pub(crate) fn expand_all<'a, const N: usize>(
        &self,
        messages: impl Iterator<Item = &'a [u8]>,
    ) -> Zeroizing<Vec<[u8; N]>> {
        let messages: Vec<&[u8]> = messages.collect();
        let mut out = Zeroizing::new(Vec::with_capacity(messages.len()));
        for some in messages.chunks(LANES) {
            let eight = core::array::from_fn(|i| some[i.min(some.len() - 1)]);
            out.extend_from_slice(&self.expand_eight(&eight)[..some.len()]);
        }
        out
    }

    /// Eight messages, side by side where all are short.
    pub(super) fn expand_eight<const N: usize>(
        &self,
        messages: &[&[u8]; LANES],
    ) -> [[u8; N]; LANES] {
        let longest = messages
            .iter()
            .map(|message| message.len())
            .max()
            .unwrap_or(0);
        // The second message has 64 bytes and one more before the suffix.
        if !Tail::fits(longest.max(62) + 3 + self.suffix.len()) {
            return messages.map(|message| self.expand(&[message]));
        }
        let tails = messages.map(|message| {
            let tail = Tail::EMPTY.push(message).push(&[0, N as u8, 0]);
            tail.push(&self.suffix)
        });
        let firsts = sha512::digests(&self.state, 1, &tails);
        let tails = firsts.map(|first| Tail::EMPTY.push(&first).push(&[1]).push(&self.suffix));
        let blocks = sha512::digests(&sha512::START, 0, &tails);
        blocks.map(|block| core::array::from_fn(|i| block[i]))
    }

    /// The point of `message`, given in parts.
    #[must_use]
    pub fn point(&self, parts: &[&[u8]]) -> RistrettoPoint {
        RistrettoPoint::from_uniform_bytes(&self.expand(parts))
    }
}
