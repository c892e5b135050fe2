//! SoftSpokenOT against deviating parties: consistency of the trees, and of every extension.
//!
//! Source: Roy 2022 (ePrint 2022/192), §4 Figure 9 (consistency check of the small-field VOLE) and §5 Figure 14
//! (punctured PRF).
//! Setting: malicious, given base OTs that are. A receiver that guesses bits of `Δ` right goes unseen, as in the
//! source; each guessed bit halves its chance.
//! Differs: the universal hash is `h(P) = P_last ⊕ Σ χ_j·P_j` over `GF(2^128)`, on blocks of 128 bits of a plane; the
//! last block, of 128 further OTs with random choices, hides what is opened; hashes of planes and of trees are sent
//! as one digest each.
//! Notation: planes `t_b`, `q_b` (128 bit planes of the rows), `c` choices; honest parties have
//! `h(q_b) = h(t_b) ⊕ Δ_b·h(c)`. `T_y`: 256 bits from leaf `y`; a tree opens `Σ T_y`, so that the holder of all
//! leaves but one knows all `T_y` and compares their digest.
//! Cost: beside the extension, 128 OTs and 64 bytes per call, one carry-less product of 128 bits per OT on either side.
//! Floor: the same.

use super::{KAPPA, Receiver, STREAM, Sender};
use crate::aes::{Aes128, Block, xor};
use crate::error::{Error, Result, ensure};
use crate::gf128::inner_product;
use crate::wipe::Wiped;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// Bytes of the receiver's answer to a challenge: `h(c)` and the digest of all `h(t_b)`.
pub const ANSWER_BYTES: usize = 16 + DIGEST_BYTES;
const DIGEST_BYTES: usize = 32;
/// Bytes of `T_y`.
const WITNESS: usize = 32;
/// What leaves encrypt for it: in no call's span of counters.
pub(super) const WITNESSED: [Block; 2] = [*b"tacit roy22 T 0 ", *b"tacit roy22 T 1 "];
const CHEAT: Error = Error::Cheat("the other party's OT messages are inconsistent");

/// OTs of the underlying extension for `n` checked ones: whole blocks and one more.
#[must_use]
pub fn extended(n: usize) -> usize {
    n.next_multiple_of(KAPPA) + KAPPA
}

/// Bytes of the tree check for `k`.
#[must_use]
pub fn trees_size(k: usize) -> usize {
    KAPPA / k * WITNESS + DIGEST_BYTES
}

fn short(hash: Sha512) -> [u8; DIGEST_BYTES] {
    let mut out = [0; DIGEST_BYTES];
    out.copy_from_slice(&hash.finalize()[..DIGEST_BYTES]);
    out
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    bool::from(subtle::ConstantTimeEq::ct_eq(a, b))
}

/// `T_y`; no call's label is one of these constants, except with negligible probability.
fn witness(leaf: &Aes128) -> [u8; WITNESS] {
    let mut blocks = WITNESSED;
    leaf.encrypt_blocks(&mut blocks);
    let mut out = [0; WITNESS];
    out.copy_from_slice(blocks.as_flattened());
    out
}

fn add(to: &mut [u8; WITNESS], from: &[u8; WITNESS]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to ^= from);
}

/// `χ` for `blocks` blocks of a plane; the last is one.
fn challenge(seed: &Block, blocks: usize) -> Vec<Block> {
    let mut chi = vec![[0u8; 16]; blocks];
    Aes128::new(seed).keystream(0, chi.as_flattened_mut());
    if let Some(last) = chi.last_mut() {
        *last = 1u128.to_le_bytes();
    }
    chi
}

/// A checked call of the receiver between its message and its answer.
pub struct Pending {
    /// Chunks of 128 planes.
    planes: Wiped<u8>,
    choices: Zeroizing<Vec<u8>>,
}

impl Pending {
    /// The answer to the sender's challenge.
    #[must_use]
    pub fn answer(self, seed: &Block) -> [u8; ANSWER_BYTES] {
        let choices = self.choices.as_chunks::<16>().0;
        let chi = challenge(seed, choices.len());
        let mut sums = [[0u8; 16]; KAPPA];
        let chunks = self.planes.chunks_exact(KAPPA * STREAM);
        for (planes, chi) in chunks.zip(chi.chunks(STREAM / 16)) {
            add_planes(&mut sums, planes, chi);
        }
        let mut answer = [0; ANSWER_BYTES];
        answer[..16].copy_from_slice(&inner_product(choices, &chi));
        answer[16..].copy_from_slice(&digest(seed, &sums));
        answer
    }
}

/// `sums[b] ⊕= Σ χ_j·P_j` over a chunk of each plane.
fn add_planes(sums: &mut [Block; KAPPA], planes: &[u8], chi: &[Block]) {
    for (sum, plane) in sums.iter_mut().zip(planes.chunks_exact(STREAM)) {
        *sum = xor(*sum, inner_product(chi, plane.as_chunks().0));
    }
}

fn digest(seed: &Block, sums: &[Block; KAPPA]) -> [u8; DIGEST_BYTES] {
    short(
        Sha512::new()
            .chain_update(b"tacit roy22 planes")
            .chain_update(seed)
            .chain_update(sums.as_flattened()),
    )
}

impl Receiver {
    /// The tree check, to be sent with the corrections of [`Self::start`]: per tree `Σ T_y`, then the digest of all.
    #[must_use]
    pub fn prove_trees(&self) -> Vec<u8> {
        let mut message = Vec::with_capacity(trees_size(self.leaves.k));
        let mut hash = Sha512::new_with_prefix(b"tacit roy22 trees");
        for tree in self.leaves.trees() {
            let mut sum = [0; WITNESS];
            for leaf in tree {
                let witness = witness(leaf);
                add(&mut sum, &witness);
                hash.update(witness);
            }
            message.extend_from_slice(&sum);
        }
        message.extend_from_slice(&short(hash));
        message
    }

    /// As [`Self::extend`] with `message` for [`extended`]`(n)` OTs; `mask` is fresh and secret.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn extend_checked(
        &mut self,
        label: &Block,
        choices: &[u8],
        mask: &Block,
        rows: &mut [Block],
        message: &mut [u8],
    ) -> Result<Pending> {
        let n = rows.len();
        self.check(choices, n)?;
        let total = extended(n);
        let mut all = Zeroizing::new(vec![0u8; total / 8]);
        all[..choices.len()].copy_from_slice(choices);
        all[total / 8 - 16..].copy_from_slice(mask);
        let mut planes = Wiped::reserved((total / 8).div_ceil(STREAM) * KAPPA * STREAM);
        self.extend_seen(label, &all, total, rows, message, |_, _, chunk| {
            planes.append(chunk);
        })?;
        let choices = all;
        Ok(Pending { planes, choices })
    }
}

impl Sender {
    /// Checks the trees.
    ///
    /// # Errors
    /// `Malformed` unless the message has [`trees_size`] bytes; `Cheat` if the trees are inconsistent.
    pub fn verify_trees(&self, message: &[u8]) -> Result<()> {
        let fits = message.len() == trees_size(self.leaves.k);
        ensure(fits, Error::Malformed("the tree check has the wrong size"))?;
        let (opened, expected) = message.split_at(message.len() - DIGEST_BYTES);
        let mut hash = Sha512::new_with_prefix(b"tacit roy22 trees");
        let trees = self.leaves.trees().zip(opened.as_chunks::<WITNESS>().0);
        for (tree, (leaves, opened)) in trees.enumerate() {
            // Position y holds leaf y ⊕ Δ: hashed in the order of the leaves, by a masked exchange per bit of Δ.
            let mut witnesses: Zeroizing<Vec<_>> =
                Zeroizing::new(leaves.iter().map(witness).collect());
            witnesses[0] = *opened;
            for y in 1..witnesses.len() {
                let known = witnesses[y];
                add(&mut witnesses[0], &known);
            }
            for bit in 0..self.leaves.k {
                let at = tree * self.leaves.k + bit;
                let mask = ((self.delta[at / 8] >> (at % 8)) & 1).wrapping_neg();
                for y in (0..witnesses.len()).filter(|y| y >> bit & 1 == 0) {
                    let (low, high) = witnesses.split_at_mut(y + (1 << bit));
                    for (low, high) in low[y].iter_mut().zip(&mut high[0]) {
                        let swap = (*low ^ *high) & mask;
                        *low ^= swap;
                        *high ^= swap;
                    }
                }
            }
            witnesses.iter().for_each(|witness| hash.update(witness));
        }
        ensure(equal(&short(hash), expected), CHEAT)
    }

    /// As [`Self::extend`], with the answer to the challenge `seed`, which was drawn after `message` had come.
    ///
    /// # Errors
    /// As [`Self::extend`]; `Malformed` unless the answer has [`ANSWER_BYTES`] bytes, `Cheat` if it is wrong. Rows
    /// mean nothing then.
    pub fn extend_checked(
        &mut self,
        label: &Block,
        message: &[u8],
        seed: &Block,
        answer: &[u8],
        rows: &mut [Block],
    ) -> Result<()> {
        let fits = answer.len() == ANSWER_BYTES;
        ensure(fits, Error::Malformed("the answer has the wrong size"))?;
        let total = extended(rows.len());
        let chi = challenge(seed, total / KAPPA);
        let mut sums = [[0u8; 16]; KAPPA];
        self.extend_seen(label, message, total, rows, |at, used, planes| {
            add_planes(&mut sums, planes, &chi[at / 16..][..used / 16]);
        })?;
        let mut choices = [0u8; 16];
        choices.copy_from_slice(&answer[..16]);
        for (bit, sum) in sums.iter_mut().enumerate() {
            let mask = ((self.delta[bit / 8] >> (bit % 8)) & 1).wrapping_neg();
            *sum = xor(*sum, choices.map(|byte| byte & mask));
        }
        ensure(equal(&digest(seed, &sums), &answer[16..]), CHEAT)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message_size;
    use super::super::tests::pair;
    use super::*;
    use crate::bits::packed_bit;
    use crate::simd::{Tier, on_every_tier};
    use crate::testing::Stream;

    #[test]
    fn honest_calls_pass_and_give_correlated_rows() {
        on_every_tier(|tier| {
            let mut random = Stream::new(70);
            // Without AES instructions the 4096 leaves of k = 8 take seconds.
            let all: &[usize] = if tier == Tier::Portable {
                &[4]
            } else {
                &[1, 2, 4, 8]
            };
            for &k in all {
                let (mut receiver, mut sender) = pair(k, &mut random);
                sender.verify_trees(&receiver.prove_trees()).unwrap();
                for n in [0usize, 1, 128, 8100, 8192, 9000] {
                    let label = (n as u128).to_le_bytes();
                    let choices = random.bytes(n.div_ceil(8));
                    let [mask, seed] = [0; 2].map(|_| random.blocks(1)[0]);
                    let mut message = vec![0; message_size(k, extended(n)).unwrap()];
                    let (mut t, mut q) = (vec![[0; 16]; n], vec![[0; 16]; n]);
                    let pending = receiver
                        .extend_checked(&label, &choices, &mask, &mut t, &mut message)
                        .unwrap();
                    let answer = pending.answer(&seed);
                    sender
                        .extend_checked(&label, &message, &seed, &answer, &mut q)
                        .unwrap();
                    for i in 0..n {
                        let mask = packed_bit(&choices, i).wrapping_neg();
                        assert_eq!(xor(t[i], sender.delta().map(|byte| byte & mask)), q[i]);
                    }
                }
            }
        });
    }

    #[test]
    fn another_choice_in_one_tree_is_caught() {
        let mut random = Stream::new(71);
        let (mut receiver, mut sender) = pair(4, &mut random);
        let n = 300;
        let row_bytes = extended(n) / 8;
        // A change in a tree whose part of Δ is zero would be no deviation.
        assert_ne!(sender.delta()[0] & 15, 0);
        for at in [0, n / 8, row_bytes - 1] {
            let label = (at as u128).to_le_bytes();
            let mut message = vec![0; message_size(4, extended(n)).unwrap()];
            let mut t = vec![[0; 16]; n];
            let pending = receiver
                .extend_checked(&label, &[0x5a; 38], &[7; 16], &mut t, &mut message)
                .unwrap();
            message[at] ^= 1;
            let answer = pending.answer(&[8; 16]);
            let result = sender.extend_checked(&label, &message, &[8; 16], &answer, &mut t);
            assert_eq!(result, Err(CHEAT));
        }
    }

    #[test]
    fn wrong_answers_and_trees_are_caught() {
        let mut random = Stream::new(72);
        let (mut receiver, mut sender) = pair(2, &mut random);
        let mut message = vec![0; message_size(2, extended(5)).unwrap()];
        let mut t = vec![[0; 16]; 5];
        let pending = receiver
            .extend_checked(&[1; 16], &[0x1f], &[7; 16], &mut t, &mut message)
            .unwrap();
        let answer = pending.answer(&[8; 16]);
        for (call, at) in [0, 15, 16, 47].into_iter().enumerate() {
            let mut wrong = answer;
            wrong[at] ^= 0x10;
            let label = [call as u8 + 2; 16];
            let result = sender.extend_checked(&label, &message, &[8; 16], &wrong, &mut t);
            assert_eq!(result, Err(CHEAT));
        }
        let short = sender.extend_checked(&[1; 16], &message, &[8; 16], &answer[1..], &mut t);
        assert!(matches!(short, Err(Error::Malformed(_))));
        let proof = receiver.prove_trees();
        sender.verify_trees(&proof).unwrap();
        for at in [0, 31, proof.len() - 1] {
            let mut wrong = proof.clone();
            wrong[at] ^= 1;
            assert_eq!(sender.verify_trees(&wrong), Err(CHEAT));
        }
        let short = sender.verify_trees(&proof[1..]);
        assert!(matches!(short, Err(Error::Malformed(_))));
    }

    #[test]
    fn trees_with_a_wrong_correction_are_caught_where_the_path_shows_it() {
        let mut random = Stream::new(73);
        let base = random.blocks(256).as_chunks::<2>().0.to_vec();
        let choices = random.bits(128);
        let chosen: Vec<Block> = base
            .iter()
            .zip(&choices)
            .map(|(pair, bit)| pair[usize::from(*bit)])
            .collect();
        let (receiver, message) = Receiver::start(2, &base, &random.blocks(1)[0]).unwrap();
        let mut caught = 0;
        for level in 0..16 {
            let mut wrong = message.clone();
            wrong[32 * level] ^= 1;
            let sender = Sender::start(2, &choices, &chosen, &wrong).unwrap();
            caught += usize::from(sender.verify_trees(&receiver.prove_trees()) == Err(CHEAT));
        }
        // The sender's choice decides which of the two sums of a level it reads.
        assert!((2..15).contains(&caught), "{caught} of 16");
    }
}
