//! Silent VOLE: `q[i] = t[i] ⊕ u[i]·Δ` with pseudorandom scalars `u`: elements of `GF(2^128)`, or of `GF(2^64)` that
//! multiply pairs.
//!
//! Source: Boyle et al. 2019 (ePrint 2019/1159), Figure 3, large field; Rindal–Raghuraman 2022 (ePrint 2022/320) §2.
//! Setting: as [`super::cot`]; leaves go through the hash of [`crate::hash`], which takes them out of the reach of
//! `Δ`'s other uses.
//! Differs: the 128 products `y_j·Δ` of noise values come from correlated OTs, one for each bit of `y_j`, which is
//! its choice: `Σ X^i q_i = Σ X^i t_i ⊕ y·Δ`. Over `GF(2^64)` what is multiplied need not be a field: for a scalar
//! `u ≠ 0` the pair `u·Δ` is uniform as `Δ` is, of 128 bits.
//! Notation: as in [`super::cot`]; `y_j` noise value of block `j`; `x_j ⊕ z_j = y_j·Δ` its shares; `s_j = Σ w ⊕ x_j`.
//! Cost per output: 6 AES for leaves, one compression for the sender and two for the receiver; `128·(log2(N/64) + b)`
//! base OTs for scalars of `b` bits, `128·(log2(N/64) + 1)` blocks from the sender. Floor: the compressions' reads.

use super::BLOCKS;
use super::code::{Code, Over, outputs_for};
use super::cot::{depth, draw_alphas, path_choices};
use super::pprf::{TreeHash, clear, grow, grow_punctured, place, sum};
use crate::aes::{Aes128, Block, xor};
use crate::error::{Error, Result, ensure};
use crate::hash::TweakedHash;
use crate::scalar::Scalars;
use crate::wipe::Wiped;

/// Base OTs for `n` outputs: one per level of every tree and one per bit of every noise value.
///
/// # Errors
/// `Range` unless `1 ≤ n ≤ 2^17`.
pub fn base_ots(scalars: Scalars, n: usize) -> Result<usize> {
    Ok(BLOCKS * (depth(outputs_for(n)?) + 8 * scalars.bytes()))
}

/// Bytes of the sender's message for `n` outputs.
///
/// # Errors
/// `Range` unless `1 ≤ n ≤ 2^17`.
pub fn message_size(n: usize) -> Result<usize> {
    Ok(16 * BLOCKS * (depth(outputs_for(n)?) + 1))
}

/// Leaves to hashes of them, tree by tree; `leaves[0]` has number 0.
fn hash_leaves(label: &Block, leaves: &mut [Block], per_tree: usize) {
    let hash = TweakedHash::new(b"tacit silent vole", label);
    let mut images = Wiped::filled([0u8; 16], per_tree);
    for (tree, leaves) in leaves.chunks_exact_mut(per_tree).enumerate() {
        images.copy_from_slice(leaves);
        hash.permute(&mut images);
        hash.block_of(&images, tree * per_tree, 0, leaves);
    }
}

/// Holder of `u` and `t`.
pub struct Receiver<C: Code> {
    code: C,
    scalars: Scalars,
    label: Block,
    alphas: Wiped<u32>,
    values: Wiped<Block>,
    outputs: usize,
    n: usize,
}

impl<C: Code> Receiver<C> {
    /// For `n` outputs: the state and packed choices of [`base_ots`] OTs. `seed` is fresh and secret.
    ///
    /// # Errors
    /// As [`base_ots`].
    pub fn start(
        scalars: Scalars,
        n: usize,
        label: &Block,
        seed: &Block,
    ) -> Result<(Self, Vec<u8>)> {
        let outputs = outputs_for(n)?;
        let depth = depth(outputs);
        let alphas = draw_alphas(seed, depth);
        let mut values = Wiped::filled([0u8; 16], BLOCKS);
        // The positions took the first blocks of the stream.
        Aes128::new(seed).keystream(BLOCKS as u128, values.as_flattened_mut());
        scalars.truncate(&mut values);
        let mut choices = path_choices(&alphas, depth);
        let path = choices.len();
        choices.resize(path + BLOCKS * scalars.bytes(), 0);
        scalars.narrow(&values, &mut choices[path..])?;
        let state = Self {
            code: C::new(outputs),
            scalars,
            label: *label,
            alphas,
            values,
            outputs,
            n,
        };
        Ok((state, choices))
    }

    /// Whether the sender's message has the right size, before room is made for the results.
    ///
    /// # Errors
    /// `Malformed` unless it has [`message_size`] bytes.
    pub fn check(&self, message: &[u8]) -> Result<()> {
        let fits = message.len() == message_size(self.n)?;
        ensure(
            fits,
            Error::Malformed("the corrections have the wrong size"),
        )
    }

    /// The scalars `u[n]` and `t[n]` from the base OT rows for the choices and the sender's message.
    ///
    /// # Errors
    /// `Malformed` if the message has another size; `Mismatch` if a slice has another length.
    pub fn finish(
        self,
        base: &[Block],
        message: &[u8],
        u: &mut [Block],
        t: &mut [Block],
    ) -> Result<()> {
        self.check(message)?;
        let depth = depth(self.outputs);
        let fits =
            base.len() == base_ots(self.scalars, self.n)? && u.len() == self.n && t.len() == self.n;
        ensure(
            fits,
            Error::Mismatch("base, u and t must have their lengths"),
        )?;
        let (path, products) = base.split_at(BLOCKS * depth);
        let (corrections, sums) = message.as_chunks().0.split_at(BLOCKS * depth);
        let mut leaves = Wiped::filled([0u8; 16], 2 * self.outputs);
        let hash = TreeHash::new(&self.label);
        grow_punctured(&hash, &self.alphas, path, corrections, &mut leaves);
        hash_leaves(&self.label, &mut leaves, 1 << depth);
        let mut noise = Wiped::filled([0u8; 16], 2 * self.outputs);
        let products = products.chunks_exact(8 * self.scalars.bytes());
        for (tree, (alpha, products)) in self.alphas.iter().zip(products).enumerate() {
            let z = self.scalars.combine(products);
            let span = tree << depth..(tree + 1) << depth;
            let tree_leaves = &mut leaves[span.clone()];
            let others = clear(tree_leaves, *alpha);
            place(tree_leaves, *alpha, &xor(others, xor(sums[tree], z)));
            place(&mut noise[span], *alpha, &self.values[tree]);
        }
        let over = Over::Field(self.scalars);
        self.code.compress(over, &mut leaves, t);
        self.code.compress(over, &mut noise, u);
        Ok(())
    }
}

/// Holder of `Δ`: rows `q` and the message from base OT rows. `seed` is fresh and secret.
///
/// # Errors
/// `Range` for a bad number of rows; `Mismatch` if `base` or `message` have another length.
pub fn send<C: Code>(
    scalars: Scalars,
    label: &Block,
    delta: &Block,
    seed: &Block,
    base: &[Block],
    message: &mut [u8],
    rows: &mut [Block],
) -> Result<()> {
    let outputs = outputs_for(rows.len())?;
    let depth = depth(outputs);
    let n = rows.len();
    let fits = base.len() == base_ots(scalars, n)? && message.len() == message_size(n)?;
    ensure(
        fits,
        Error::Mismatch("base and message must have their lengths"),
    )?;
    let mut roots = Wiped::filled([0u8; 16], BLOCKS);
    Aes128::new(seed).keystream(0, roots.as_flattened_mut());
    let (path, products) = base.split_at(BLOCKS * depth);
    let (corrections, sums) = message.as_chunks_mut().0.split_at_mut(BLOCKS * depth);
    let mut leaves = Wiped::filled([0u8; 16], 2 * outputs);
    grow(
        &TreeHash::new(label),
        delta,
        &roots,
        path,
        &mut leaves,
        corrections,
    );
    hash_leaves(label, &mut leaves, 1 << depth);
    let trees = leaves
        .chunks_exact(1 << depth)
        .zip(products.chunks_exact(8 * scalars.bytes()));
    for (s, (leaves, products)) in sums.iter_mut().zip(trees) {
        *s = xor(sum(leaves), scalars.combine(products));
    }
    C::new(outputs).compress(Over::Field(scalars), &mut leaves, rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silent::ExConv7x24;
    use crate::silent::cot::tests::base_rows;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn shares_add_to_u_times_delta() {
        on_every_tier(|_| {
            let mut random = Stream::new(62);
            for (n, scalars) in [
                (1, Scalars::Whole),
                (4096, Scalars::Whole),
                (700, Scalars::Half),
            ] {
                let [label, delta, mine, theirs] = [0; 4].map(|_| random.blocks(1)[0]);
                let start = Receiver::<ExConv7x24>::start(scalars, n, &label, &mine);
                let (receiver, choices) = start.unwrap();
                let base = random.blocks(base_ots(scalars, n).unwrap());
                let mut message = vec![0; message_size(n).unwrap()];
                let mut q = vec![[1; 16]; n];
                let (mut u, mut t) = (q.clone(), q.clone());
                let code = send::<ExConv7x24>;
                code(
                    scalars,
                    &label,
                    &delta,
                    &theirs,
                    &base,
                    &mut message,
                    &mut q,
                )
                .unwrap();
                let rows = base_rows(&base, &choices, &delta);
                receiver.finish(&rows, &message, &mut u, &mut t).unwrap();
                for i in 0..n {
                    assert_eq!(q[i], xor(t[i], scalars.mul(&delta, &u[i])));
                }
                let distinct: std::collections::HashSet<_> = u.iter().collect();
                assert_eq!(distinct.len(), n);
                assert!(scalars == Scalars::Whole || u.iter().all(|u| u[8..] == [0; 8]));
            }
        });
    }

    #[test]
    fn elements_span_more_than_the_noise_does() {
        // Over a code defined by bits, the rank of all bit planes would be that of 128 noise values at most, and
        // outputs of one value alone would be 0 or that value.
        for scalars in [Scalars::Whole, Scalars::Half] {
            let mut noise = vec![[0u8; 16]; 2 * 4096];
            noise[5000] = [1; 16];
            scalars.truncate(&mut noise);
            let mut out = vec![[0u8; 16]; 4096];
            ExConv7x24::new(4096).compress(Over::Field(scalars), &mut noise, &mut out);
            let distinct: std::collections::HashSet<_> = out.iter().collect();
            assert!(distinct.len() > 4000);
        }
    }

    #[test]
    fn bad_arguments_and_messages_are_refused() {
        let start = || {
            Receiver::<ExConv7x24>::start(Scalars::Half, 9, &[0; 16], &[1; 16])
                .unwrap()
                .0
        };
        let none = Receiver::<ExConv7x24>::start(Scalars::Half, 0, &[0; 16], &[1; 16]);
        assert!(none.is_err());
        let base = vec![[0; 16]; base_ots(Scalars::Half, 9).unwrap()];
        let mut rows = [[0; 16]; 9];
        let size = message_size(9).unwrap();
        for size in [0, size - 1, size + 16] {
            let result = start().finish(&base, &vec![0; size], &mut rows.clone(), &mut rows);
            assert!(matches!(result, Err(Error::Malformed(_))));
        }
        let result = start().finish(&base[1..], &vec![0; size], &mut rows.clone(), &mut rows);
        assert!(matches!(result, Err(Error::Mismatch(_))));
    }
}
