//! Tweakable correlation-robust hash of OT rows, with an expanding form.
//!
//! Source: Guo, Katz, Wang, Yu 2020 (ePrint 2019/074) §7.4, TMMO: `H(x, t) = π(π(x) ⊕ t) ⊕ π(x)`.
//! Setting: ideal cipher; tweakable circular correlation robust.
//! Differs: π is not one constant permutation but AES keyed by SHA-512(domain ‖ label) of the call, so
//! calls and uses are separated without spending tweak bits; long outputs compute π(x) once and then
//! `H(x, (i, j))` for block `j = 0, 1, …`, one AES each.
//! Notation: tweak `t = (i, j)`: low 64 bits OT index `i` within the call, high 64 bits block `j`.
//! Cost: `1 + blocks` AES per OT. Floor: the same.

use crate::aes::{Aes128, Block, xor};
use crate::simd::multiversion;
use crate::wipe::Wiped;
use sha2::{Digest, Sha512};

/// `H` of one call.
pub struct TweakedHash {
    permutation: Aes128,
}

fn tweak(index: u64, block: u64) -> Block {
    (u128::from(index) | (u128::from(block) << 64)).to_le_bytes()
}

/// Tweaks of four consecutive blocks as 64-bit words: index, block, index, block, …
fn tweaks(index: u64, block: u64, index_step: u64, block_step: u64) -> [u64; 8] {
    core::array::from_fn(|word| {
        let at = (word / 2) as u64;
        let (start, step) = if word % 2 == 0 {
            (index, index_step)
        } else {
            (block, block_step)
        };
        start.wrapping_add(at.wrapping_mul(step))
    })
}

#[inline(always)]
fn xor_word(bytes: &mut [u8; 8], word: u64) {
    *bytes = (u64::from_le_bytes(*bytes) ^ word).to_le_bytes();
}

multiversion! {
    /// `to ⊕= tweaks`, four blocks at a time; `steps` is added to the tweaks after each four.
    fn xor_tweaks(to: &mut [Block], start: &[u64; 8], steps: &[u64; 8]) {
        let mut tweaks = *start;
        let (quads, rest) = to.as_chunks_mut::<4>();
        for quad in quads {
            let words = quad.as_flattened_mut().as_chunks_mut::<8>().0;
            for word in 0..8 {
                xor_word(&mut words[word], tweaks[word]);
                tweaks[word] = tweaks[word].wrapping_add(steps[word]);
            }
        }
        let words = rest.as_flattened_mut().as_chunks_mut::<8>().0;
        for (word, tweak) in words.iter_mut().zip(tweaks) {
            xor_word(word, tweak);
        }
    }
}

multiversion! {
    /// `to ⊕= from`, block by block.
    pub(crate) fn xor_blocks(to: &mut [Block], from: &[Block]) {
        let (to, from) = (to.as_flattened_mut(), from.as_flattened());
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= from;
        }
    }
}

multiversion! {
    /// `to = from ⊕ constant`, block by block; both have one length.
    pub(crate) fn offset_blocks(to: &mut [Block], from: &[Block], constant: &Block) {
        to.copy_from_slice(from);
        let four = [*constant; 4];
        for quad in to.chunks_mut(4) {
            let flat = four.as_flattened().iter();
            for (to, constant) in quad.as_flattened_mut().iter_mut().zip(flat) {
                *to ^= constant;
            }
        }
    }
}

impl TweakedHash {
    /// The hash of one call: `domain` names the use, `label` the call.
    #[must_use]
    pub fn new(domain: &[u8], label: &Block) -> Self {
        let digest = Sha512::new()
            .chain_update((domain.len() as u64).to_le_bytes())
            .chain_update(domain)
            .chain_update(label)
            .finalize();
        let mut key = [0u8; 16];
        key.copy_from_slice(&digest[..16]);
        Self {
            permutation: Aes128::new(&key),
        }
    }

    /// `x[i] ← π(x[i])`.
    pub fn permute(&self, x: &mut [Block]) {
        self.permutation.encrypt_blocks(x);
    }

    /// `out[i] = H(x[i], (first_index + i, block))`, from the images `π(x[i])`; both have one length.
    pub fn block_of(&self, images: &[Block], first_index: usize, block: usize, out: &mut [Block]) {
        out.copy_from_slice(images);
        let start = tweaks(first_index as u64, block as u64, 1, 0);
        xor_tweaks(out, &start, &[4, 0, 4, 0, 4, 0, 4, 0]);
        self.permute(out);
        xor_blocks(out, images);
    }
}

/// Collects pieces of expanded hashes and computes them in one go.
pub struct Expansion<'hash> {
    hash: &'hash TweakedHash,
    work: Wiped<Block>,
    mask: Wiped<Block>,
    used: usize,
}

impl<'hash> Expansion<'hash> {
    /// Room for `capacity` blocks.
    #[must_use]
    pub fn new(hash: &'hash TweakedHash, capacity: usize) -> Self {
        let zeros = || Wiped::filled([0u8; 16], capacity);
        Self {
            hash,
            work: zeros(),
            mask: zeros(),
            used: 0,
        }
    }

    /// Appends blocks `first_block .. first_block + count` of the row with `π(x) = image`.
    ///
    /// The caller keeps the sum of all `count` since [`Self::clear`] within the capacity.
    #[inline]
    pub fn push(&mut self, image: &Block, index: u64, first_block: u64, count: usize) {
        let span = self.used..self.used + count;
        let (work, mask) = (&mut self.work[span.clone()], &mut self.mask[span]);
        work.fill(*image);
        mask.fill(*image);
        if let [work] = work {
            // One block per row is the common case: no dispatch.
            *work = xor(*work, tweak(index, first_block));
        } else {
            let start = tweaks(index, first_block, 0, 1);
            xor_tweaks(work, &start, &[0, 4, 0, 4, 0, 4, 0, 4]);
        }
        self.used += count;
    }

    /// Computes everything appended so far; the blocks stand in the order of the pushes.
    pub fn run(&mut self) -> &[u8] {
        let work = &mut self.work[..self.used];
        self.hash.permute(work);
        xor_blocks(work, &self.mask[..self.used]);
        work.as_flattened()
    }

    /// Starts over.
    pub fn clear(&mut self) {
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn follows_the_definition_on_every_tier() {
        let mut random = Stream::new(4);
        let label = random.blocks(1)[0];
        let x = random.blocks(300);
        on_every_tier(|_| {
            let hash = TweakedHash::new(b"test", &label);
            let pi = |x: Block| hash.permutation.encrypt(&x);
            let define = |x: Block, i: u64, j: u64| xor(pi(xor(pi(x), tweak(i, j))), pi(x));
            let mut images = x.clone();
            hash.permute(&mut images);
            let mut out = vec![[0; 16]; x.len()];
            hash.block_of(&images, 7, 2, &mut out);
            for (i, (out, x)) in out.iter().zip(&x).enumerate() {
                assert_eq!(*out, define(*x, 7 + i as u64, 2));
            }
            let mut expansion = Expansion::new(&hash, 64);
            for _ in 0..2 {
                expansion.clear();
                expansion.push(&pi(x[0]), 5, 3, 9);
                expansion.push(&pi(x[1]), 6, 0, 1);
                let bytes = expansion.run().to_vec();
                for j in 0..9 {
                    assert_eq!(bytes[16 * j..16 * j + 16], define(x[0], 5, 3 + j as u64));
                }
                assert_eq!(bytes[144..160], define(x[1], 6, 0));
            }
        });
        let [one, other] = [&b"test"[..], b"tesu"].map(|domain| {
            let mut image = [x[0]];
            TweakedHash::new(domain, &label).permute(&mut image);
            image
        });
        assert_ne!(one, other);
    }
}
