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

multiversion! {
    /// `to ⊕= from`, block by block.
    pub(crate) fn xor_blocks(to: &mut [Block], from: &[Block]) {
        let (to, from) = (to.as_flattened_mut(), from.as_flattened());
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= from;
        }
    }
}

/// A word of the tweaks of many blocks: `even` in words 0, 2, …, `odd` in the others.
///
/// A selection in one flat loop: loops over the two words of a block are not vectorised well.
#[inline(always)]
fn either(word: usize, even: u64, odd: u64) -> u64 {
    let is_even = (word as u64 & 1).wrapping_sub(1);
    (even & is_even) | (odd & !is_even)
}

multiversion! {
    /// `to[i] = from[i] ⊕ (first_index + i, block)`; both have one length.
    fn tweak_rows(to: &mut [Block], from: &[Block], first_index: u64, block: u64) {
        let to = to.as_flattened_mut().as_chunks_mut::<8>().0;
        let from = &from.as_flattened().as_chunks::<8>().0[..to.len()];
        for i in 0..to.len() {
            let word = either(i, first_index.wrapping_add(i as u64 / 2), block);
            to[i] = (u64::from_le_bytes(from[i]) ^ word).to_le_bytes();
        }
    }
}

multiversion! {
    /// `to[j] ⊕= (index, first_block + j)`.
    fn tweak_blocks(to: &mut [Block], index: u64, first_block: u64) {
        let to = to.as_flattened_mut().as_chunks_mut::<8>().0;
        for (i, to) in to.iter_mut().enumerate() {
            let word = either(i, index, first_block.wrapping_add(i as u64 / 2));
            *to = (u64::from_le_bytes(*to) ^ word).to_le_bytes();
        }
    }
}

multiversion! {
    /// `to = from ⊕ constant`, block by block; both have one length.
    pub(crate) fn offset_blocks(to: &mut [Block], from: &[Block], constant: &Block) {
        let four = [*constant; 4];
        let (to, to_rest) = to.as_chunks_mut::<4>();
        let (from, from_rest) = from[..4 * to.len() + to_rest.len()].as_chunks::<4>();
        for (to, from) in to.iter_mut().zip(from) {
            let (to, from) = (to.as_flattened_mut(), from.as_flattened());
            for i in 0..64 {
                to[i] = from[i] ^ four.as_flattened()[i];
            }
        }
        for (to, from) in to_rest.iter_mut().zip(from_rest) {
            *to = xor(*from, *constant);
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
        tweak_rows(out, images, first_index as u64, block as u64);
        self.permute(out);
        xor_blocks(out, images);
    }

    /// Room to hash up to `capacity` rows at a time.
    pub(crate) fn scratch(&self, capacity: usize) -> Scratch<'_> {
        let zeros = || Wiped::filled([0u8; 16], capacity);
        Scratch {
            hash: self,
            images: zeros(),
            out: zeros(),
        }
    }
}

/// Scratch space of [`Self::low_words`].
pub(crate) struct Scratch<'hash> {
    hash: &'hash TweakedHash,
    images: Wiped<Block>,
    out: Wiped<Block>,
}

multiversion! {
    /// Low halves of the blocks `a ⊕ b`; all have one length.
    fn xor_low_words(a: &[Block], b: &[Block], low: &mut [u64]) {
        let a = &a.as_flattened().as_chunks::<8>().0[..2 * low.len()];
        let b = &b.as_flattened().as_chunks::<8>().0[..2 * low.len()];
        for i in 0..low.len() {
            low[i] = u64::from_le_bytes(a[2 * i]) ^ u64::from_le_bytes(b[2 * i]);
        }
    }
}

impl Scratch<'_> {
    /// Low words of `H(x[i] ⊕ offset, (first_index + i, 0))`.
    pub(crate) fn low_words(
        &mut self,
        x: &[Block],
        offset: &Block,
        first_index: usize,
        low: &mut [u64],
    ) {
        let images = &mut self.images[..x.len()];
        let out = &mut self.out[..x.len()];
        offset_blocks(images, x, offset);
        self.hash.permute(images);
        tweak_rows(out, images, first_index as u64, 0);
        self.hash.permute(out);
        xor_low_words(out, images, low);
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
            tweak_blocks(work, index, first_block);
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
