//! Silent correlated OT: `q[i] = t[i] ⊕ u[i]·Δ` with pseudorandom choice bits `u`.
//!
//! Source: Boyle, Couteau, Gilboa, Ishai, Kohl, Rindal, Scholl 2019 (ePrint 2019/1159), Figure 3, binary case.
//! Setting: semi-honest (with [`super::check`] against a deviating sender); dual LPN with regular noise for the code.
//! Differs: half-trees, whose leaves already share `Δ` at the punctured position; the base OTs are rows of the same
//! `Δ`, so every output can be used where a row of [`crate::ot`] can; the code is a type parameter.
//! Notation: `α_j` noisy position of block `j`; `e` noise, `w ⊕ v = e·Δ` the trees' leaves; `H` the code;
//! `u = H·e`, `q = H·w`, `t = H·v`. The choice bits are known at once, the rows after the sender's message.
//! Cost per output: 2 AES for leaves and one compression; `128·log2(N/64)` base OTs and as many blocks from the
//! sender. Floor: the compression's reads.

use super::BLOCKS;
use super::code::{Code, Over, outputs_for};
use super::pprf::{TreeHash, grow, grow_punctured, place, sum};
use crate::aes::{Aes128, Block};
use crate::bits::tail_mask;
use crate::error::{Error, Result, ensure};
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Depth of the trees of an instance with `outputs` outputs.
pub(super) fn depth(outputs: usize) -> usize {
    (2 * outputs / BLOCKS).ilog2() as usize
}

/// Base OTs for `n` outputs: one per level of every tree. The sender's message has as many blocks.
///
/// # Errors
/// `Range` unless `1 ≤ n ≤ 2^17`.
pub fn base_ots(n: usize) -> Result<usize> {
    Ok(BLOCKS * depth(outputs_for(n)?))
}

/// The punctured leaves: one random number below `2^depth` per block.
pub(super) fn draw_alphas(seed: &Block, depth: usize) -> Wiped<u32> {
    let mut bytes = Wiped::filled(0u8, 4 * BLOCKS);
    Aes128::new(seed).keystream(0, &mut bytes);
    let mut alphas = Wiped::filled(0u32, BLOCKS);
    for (alpha, bytes) in alphas.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *alpha = u32::from_le_bytes(*bytes) & ((1 << depth) - 1);
    }
    alphas
}

/// Packed base OT choices `1 − α_l`, tree by tree and level by level.
pub(super) fn path_choices(alphas: &[u32], depth: usize) -> Vec<u8> {
    let mut packed = vec![0u8; BLOCKS * depth / 8];
    for (tree, alpha) in alphas.iter().enumerate() {
        for level in 0..depth {
            let at = tree * depth + level;
            packed[at / 8] |= ((!alpha >> level & 1) as u8) << (at % 8);
        }
    }
    packed
}

/// Holder of the choice bits.
pub struct Receiver<C: Code> {
    code: C,
    label: Block,
    alphas: Wiped<u32>,
    outputs: usize,
    n: usize,
    choices: Wiped<u8>,
}

impl<C: Code> Receiver<C> {
    /// For `n` outputs: the state and packed choices of [`base_ots`] OTs. `seed` is fresh and secret.
    ///
    /// # Errors
    /// As [`base_ots`].
    pub fn start(n: usize, label: &Block, seed: &Block) -> Result<(Self, Vec<u8>)> {
        let outputs = outputs_for(n)?;
        let (code, depth) = (C::new(outputs), depth(outputs));
        let alphas = draw_alphas(seed, depth);
        let mut noise = Wiped::filled(0u64, 2 * outputs / 64);
        for (block, alpha) in noise.chunks_exact_mut(1 << depth >> 6).zip(alphas.iter()) {
            for (index, word) in block.iter_mut().enumerate() {
                // Every word is written, so that the position does not show in the accesses.
                let here = u64::from(index as u32 == alpha >> 6);
                *word = here << (alpha & 63);
            }
        }
        let mut choices = Wiped::filled(0u8, n.div_ceil(8));
        code.compress_bits(&mut noise, &mut choices);
        if let Some(last) = choices.last_mut() {
            *last &= tail_mask(n);
        }
        let path = path_choices(&alphas, depth);
        let state = Self {
            code,
            label: *label,
            alphas,
            outputs,
            n,
            choices,
        };
        Ok((state, path))
    }

    /// `u`, packed little-endian with a zero tail.
    #[must_use]
    pub fn choices(&self) -> &[u8] {
        &self.choices
    }

    /// Whether the sender's message has the right size, before room is made for the rows.
    ///
    /// # Errors
    /// `Malformed` unless it has 16 bytes per base OT.
    pub fn check(&self, message: &[u8]) -> Result<()> {
        let fits = message.len() == 16 * BLOCKS * depth(self.outputs);
        ensure(
            fits,
            Error::Malformed("the tree corrections have the wrong size"),
        )
    }

    /// Rows `t[n]` from the base OT rows for the choices and the sender's message.
    ///
    /// # Errors
    /// `Malformed` if the message has another size; `Mismatch` if `base` or `rows` have another length.
    pub fn finish(self, base: &[Block], message: &[u8], rows: &mut [Block]) -> Result<()> {
        self.check(message)?;
        let depth = depth(self.outputs);
        let fits = base.len() == BLOCKS * depth && rows.len() == self.n;
        ensure(
            fits,
            Error::Mismatch("base and rows must have their lengths"),
        )?;
        let mut leaves = Wiped::filled([0u8; 16], 2 * self.outputs);
        let hash = TreeHash::new(&self.label);
        let message = message.as_chunks().0;
        grow_punctured(&hash, &self.alphas, base, message, &mut leaves);
        // The leaves of a tree sum to Δ on the other side: the missing one becomes w ⊕ Δ.
        for (leaves, alpha) in leaves.chunks_exact_mut(1 << depth).zip(self.alphas.iter()) {
            place(leaves, *alpha, &sum(leaves));
        }
        self.code.compress(Over::Bits, &mut leaves, rows);
        Ok(())
    }
}

/// Holder of `Δ`: rows `q` and the message (16 bytes per base OT) from base OT rows. `seed` is fresh and secret.
///
/// # Errors
/// `Range` for a bad number of rows; `Mismatch` if `base` or `message` have another length.
pub fn send<C: Code>(
    label: &Block,
    delta: &Block,
    seed: &Block,
    base: &[Block],
    message: &mut [u8],
    rows: &mut [Block],
) -> Result<()> {
    let outputs = outputs_for(rows.len())?;
    let count = BLOCKS * depth(outputs);
    let fits = base.len() == count && message.len() == 16 * count;
    ensure(
        fits,
        Error::Mismatch("base and message must have their lengths"),
    )?;
    let mut roots = Wiped::filled([0u8; 16], BLOCKS);
    Aes128::new(seed).keystream(0, roots.as_flattened_mut());
    let mut leaves = Wiped::filled([0u8; 16], 2 * outputs);
    let message = message.as_chunks_mut().0;
    grow(
        &TreeHash::new(label),
        delta,
        &roots,
        base,
        &mut leaves,
        message,
    );
    C::new(outputs).compress(Over::Bits, &mut leaves, rows);
    Ok(())
}

multiversion! {
    /// `rows[i] ⊕= bit i · delta`.
    fn add_chosen(rows: &mut [Block], delta: &Block, bits: &[u8]) {
        let delta = u128::from_le_bytes(*delta);
        for (rows, byte) in rows.chunks_mut(8).zip(bits) {
            for (bit, row) in rows.iter_mut().enumerate() {
                let mask = u128::from(byte >> bit & 1).wrapping_neg();
                *row = (u128::from_le_bytes(*row) ^ (delta & mask)).to_le_bytes();
            }
        }
    }
}

/// Sender: from rows `q` for the pseudorandom `u` to rows for chosen bits, whose holder sent `flips = chosen ⊕ u`.
///
/// # Errors
/// `Malformed` unless `flips` has `ceil(n/8)` bytes and a zero tail.
pub fn derandomise(rows: &mut [Block], delta: &Block, flips: &[u8]) -> Result<()> {
    let clean = flips.len() == rows.len().div_ceil(8)
        && flips
            .last()
            .is_none_or(|last| last & !tail_mask(rows.len()) == 0);
    ensure(
        clean,
        Error::Malformed("the flips have the wrong size or a dirty tail"),
    )?;
    add_chosen(rows, delta, flips);
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::aes::xor;
    use crate::bits::packed_bit;
    use crate::silent::ExConv7x24;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    /// Base rows `t` for packed choices, given `q`.
    pub(crate) fn base_rows(q: &[Block], choices: &[u8], delta: &Block) -> Vec<Block> {
        let row = |(i, q): (usize, &Block)| match packed_bit(choices, i) {
            0 => *q,
            _ => xor(*q, *delta),
        };
        q.iter().enumerate().map(row).collect()
    }

    /// Δ, q, t and u of one instance.
    pub(crate) fn instance(
        n: usize,
        random: &mut Stream,
    ) -> (Block, Vec<Block>, Vec<Block>, Vec<u8>) {
        let [label, delta, mine, theirs] = [0; 4].map(|_| random.blocks(1)[0]);
        let (receiver, path) = Receiver::<ExConv7x24>::start(n, &label, &mine).unwrap();
        let base = random.blocks(base_ots(n).unwrap());
        let mut message = vec![0; 16 * base.len()];
        let (mut q, mut t) = (vec![[1; 16]; n], vec![[2; 16]; n]);
        send::<ExConv7x24>(&label, &delta, &theirs, &base, &mut message, &mut q).unwrap();
        let choices = receiver.choices().to_vec();
        receiver
            .finish(&base_rows(&base, &path, &delta), &message, &mut t)
            .unwrap();
        (delta, q, t, choices)
    }

    #[test]
    fn rows_differ_by_choice_times_delta() {
        on_every_tier(|_| {
            let mut random = Stream::new(60);
            for n in [1, 13, 4096, 5000] {
                let (delta, q, t, choices) = instance(n, &mut random);
                for i in 0..n {
                    let mask = packed_bit(&choices, i).wrapping_neg();
                    assert_eq!(xor(q[i], t[i]), delta.map(|byte| byte & mask));
                }
                assert_eq!(choices.len(), n.div_ceil(8));
                assert_eq!(
                    choices[n / 8..]
                        .iter()
                        .map(|b| b >> (n % 8))
                        .max()
                        .unwrap_or(0),
                    0
                );
            }
        });
    }

    #[test]
    fn flipped_rows_are_those_of_chosen_bits() {
        let mut random = Stream::new(63);
        let (delta, mut q, t, u) = instance(301, &mut random);
        let mut chosen = random.bytes(38);
        chosen[37] &= tail_mask(301);
        let mut flips: Vec<u8> = u.iter().zip(&chosen).map(|(u, c)| u ^ c).collect();
        derandomise(&mut q, &delta, &flips).unwrap();
        for i in 0..301 {
            let mask = packed_bit(&chosen, i).wrapping_neg();
            assert_eq!(xor(q[i], t[i]), delta.map(|byte| byte & mask));
        }
        assert!(matches!(
            derandomise(&mut q, &delta, &flips[1..]),
            Err(Error::Malformed(_))
        ));
        flips[37] |= 0x80;
        assert!(matches!(
            derandomise(&mut q, &delta, &flips),
            Err(Error::Malformed(_))
        ));
    }

    #[test]
    fn a_whole_instance_is_balanced_and_its_rows_differ() {
        let (_, q, t, choices) = instance(1 << 17, &mut Stream::new(61));
        let ones: u32 = choices.iter().map(|byte| byte.count_ones()).sum();
        assert!(ones.abs_diff(1 << 16) < 1000, "{ones} ones of 2^17");
        let distinct = |rows: &[Block]| rows.iter().collect::<std::collections::HashSet<_>>().len();
        assert_eq!((distinct(&q), distinct(&t)), (1 << 17, 1 << 17));
    }

    #[test]
    fn noise_has_one_position_in_every_block() {
        for depth in [6, 11] {
            let alphas = draw_alphas(&[7; 16], depth);
            assert!(alphas.iter().all(|alpha| *alpha < 1 << depth));
            let path = path_choices(&alphas, depth);
            for (i, alpha) in alphas.iter().enumerate() {
                let bits = (0..depth).map(|l| u32::from(packed_bit(&path, i * depth + l) ^ 1) << l);
                assert_eq!(bits.sum::<u32>(), *alpha);
            }
            let distinct: std::collections::HashSet<_> = alphas.iter().collect();
            assert!(distinct.len() > 40);
        }
    }

    #[test]
    fn bad_arguments_and_messages_are_refused() {
        let start = |n| Receiver::<ExConv7x24>::start(n, &[0; 16], &[1; 16]);
        for n in [0, (1 << 17) + 1] {
            assert!(matches!(start(n).err(), Some(Error::Range(_))));
        }
        let count = base_ots(100).unwrap();
        assert_eq!(count, 128 * 6);
        let (base, mut rows) = (vec![[0; 16]; count], vec![[0; 16]; 100]);
        for size in [0, 16 * count - 1, 16 * count + 16] {
            let result = start(100)
                .unwrap()
                .0
                .finish(&base, &vec![0; size], &mut rows);
            assert!(matches!(result, Err(Error::Malformed(_))));
        }
        let short = start(100)
            .unwrap()
            .0
            .finish(&base[1..], &vec![0; 16 * count], &mut rows);
        assert!(matches!(short, Err(Error::Mismatch(_))));
        let mut message = vec![0; 16 * count - 16];
        let sent = send::<ExConv7x24>(&[0; 16], &[0; 16], &[0; 16], &base, &mut message, &mut rows);
        assert!(matches!(sent, Err(Error::Mismatch(_))));
    }
}
