//! Correlated GGM trees that open everywhere but at one leaf each.
//!
//! Source: Guo, Yang, Wang, Zhang, Xie, Liu, Zhao 2022 (half-tree, ePrint 2022/1431), §4, Figures 2 and 3.
//! Setting: ideal cipher; `H` circular correlation robust (GKWY20, ePrint 2019/074, §7.2, σ-MMO), keyed per instance
//! by SHA-512(domain ‖ label), its inputs tweaked by tree and node, so that no two hashes of any instance are alike.
//! Differs: all [`BLOCKS`] trees of an instance in one message; a level's left children stand before its right
//! ones, so bit `l` of a leaf's number is the turn taken at level `l`.
//! Notation: the children of a node `x` are `H(x)` and `x ⊕ H(x)`; the nodes of every level sum to `Δ`; `α` punctured
//! leaf; `K_{l,β}` sum of the children on side `β`; the holder of `α` gets `K_{l,1−α_l} = c_l ⊕ t_l` from base rows
//! `q_l = t_l ⊕ (1−α_l)·Δ` with `c_l = K_{l,0} ⊕ q_l`.
//! Cost: 1 AES per leaf; 16 bytes and one base OT per level and tree. Floor: the same.

use super::BLOCKS;
use crate::aes::{Aes128, Block, xor};
use crate::simd::multiversion;
use crate::wipe::Wiped;
use sha2::{Digest, Sha512};

/// Nodes that are hashed at a time.
const PIECE: usize = 256;

/// Two words of a block.
type Pair = [u64; 2];

/// `H` of one instance.
pub(super) struct TreeHash {
    cipher: Aes128,
}

impl TreeHash {
    /// Keyed by the instance's label.
    pub(super) fn new(label: &Block) -> Self {
        let digest = Sha512::digest([&b"tacit half-tree"[..], label].concat());
        let mut key = [0u8; 16];
        key.copy_from_slice(&digest[..16]);
        Self {
            cipher: Aes128::new(&key),
        }
    }
}

/// Four blocks as words. Loops over whole groups are vectorised; what is left of a slice is padded to one.
type Group = [u64; 8];

#[inline(always)]
fn load(blocks: &[Block]) -> Group {
    let mut words = [0; 8];
    for (word, bytes) in words
        .iter_mut()
        .zip(blocks.as_flattened().as_chunks::<8>().0)
    {
        *word = u64::from_le_bytes(*bytes);
    }
    words
}

#[inline(always)]
fn store(blocks: &mut [Block], words: &Group) {
    let bytes = blocks.as_flattened_mut().as_chunks_mut::<8>().0;
    for (bytes, word) in bytes.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
}

#[inline(always)]
fn fold(sums: &Group) -> Pair {
    let half = [0, 1, 2, 3].map(|i| sums[i] ^ sums[i + 4]);
    [half[0] ^ half[2], half[1] ^ half[3]]
}

#[inline(always)]
fn prepare_group(out: &mut [Block], nodes: &[Block], first: u64, tree: u64) {
    let node = load(nodes);
    let mut tweaked = [0; 8];
    for pair in 0..4 {
        tweaked[2 * pair] = node[2 * pair + 1] ^ (first + pair as u64);
        tweaked[2 * pair + 1] = node[2 * pair + 1] ^ node[2 * pair] ^ tree;
    }
    store(out, &tweaked);
}

multiversion! {
    /// `out[i] = σ(nodes[i]) ⊕ (first + i, tree)`, σ(low, high) = (high, high ⊕ low).
    fn prepare(out: &mut [Block], nodes: &[Block], first: u64, tree: u64) {
        let (out, out_rest) = out.as_chunks_mut::<4>();
        let (nodes, rest) = nodes.as_chunks::<4>();
        for (i, (out, nodes)) in out.iter_mut().zip(nodes).enumerate() {
            prepare_group(out, nodes, first + 4 * i as u64, tree);
        }
        prepare_group(out_rest, rest, first + 4 * nodes.len() as u64, tree);
    }
}

#[inline(always)]
fn branch_group(
    left: &mut [Block],
    right: &mut [Block],
    prepared: &[Block],
    encrypted: &[Block],
) -> Group {
    let (parent, prepared, encrypted) = (load(left), load(prepared), load(encrypted));
    let mut hash = [0; 8];
    let mut other = [0; 8];
    for i in 0..8 {
        hash[i] = prepared[i] ^ encrypted[i];
        other[i] = parent[i] ^ hash[i];
    }
    store(left, &hash);
    store(right, &other);
    hash
}

multiversion! {
    /// `left ← H`, `right ← left ⊕ H`, with `H = encrypted ⊕ prepared`; returns the sum of the left children.
    fn branch(left: &mut [Block], right: &mut [Block], prepared: &[Block], encrypted: &[Block]) -> Pair {
        let (left, left_rest) = left.as_chunks_mut::<4>();
        let (right, right_rest) = right.as_chunks_mut::<4>();
        let (prepared, prepared_rest) = prepared.as_chunks::<4>();
        let (encrypted, encrypted_rest) = encrypted.as_chunks::<4>();
        let mut sums = branch_group(left_rest, right_rest, prepared_rest, encrypted_rest);
        let count = left.len().min(right.len()).min(prepared.len()).min(encrypted.len());
        for i in 0..count {
            let hash = branch_group(&mut left[i], &mut right[i], &prepared[i], &encrypted[i]);
            for word in 0..8 {
                sums[word] ^= hash[word];
            }
        }
        fold(&sums)
    }
}

/// Blocks `first..` of a slice, mended as [`mend`] says.
#[inline(always)]
fn mend_group(blocks: &mut [Block], first: u64, clear: u64, at: u64, change: Pair) -> Group {
    let mut words = load(blocks);
    // All ones unless the block is the one.
    let others = |block: u64, one: u64| {
        let distance = block ^ one;
        (((distance | distance.wrapping_neg()) as i64) >> 63) as u64
    };
    for word in 0..8 {
        let block = first + (word as u64 >> 1);
        words[word] =
            (words[word] & others(block, clear)) ^ (change[word & 1] & !others(block, at));
    }
    store(blocks, &words);
    words
}

multiversion! {
    /// Clears block `clear`, adds `change` to block `at`, without showing either; returns the sum of all blocks.
    fn mend(blocks: &mut [Block], clear: u64, at: u64, change: Pair) -> Pair {
        let (groups, rest) = blocks.as_chunks_mut::<4>();
        let mut sums = [0; 8];
        if !rest.is_empty() {
            // Blocks of the padding may be changed: they are dropped, and do not count.
            let mended = mend_group(rest, 4 * groups.len() as u64, clear, at, change);
            sums[..2 * rest.len()].copy_from_slice(&mended[..2 * rest.len()]);
        }
        for (i, group) in groups.iter_mut().enumerate() {
            let mended = mend_group(group, 4 * i as u64, clear, at, change);
            for word in 0..8 {
                sums[word] ^= mended[word];
            }
        }
        fold(&sums)
    }
}

fn block(pair: Pair) -> Block {
    (u128::from(pair[0]) | u128::from(pair[1]) << 64).to_le_bytes()
}

fn pair(block: Block) -> Pair {
    let value = u128::from_le_bytes(block);
    [value as u64, (value >> 64) as u64]
}

/// The sum of all blocks.
pub(super) fn sum(blocks: &[Block]) -> Block {
    let (groups, rest) = blocks.as_chunks::<4>();
    let sums = groups.iter().fold(load(rest), |sums, group| {
        let words = load(group);
        [0, 1, 2, 3, 4, 5, 6, 7].map(|i| sums[i] ^ words[i])
    });
    block(fold(&sums))
}

/// Clears `blocks[at]` without showing `at`, and returns the sum of all others.
pub(super) fn clear(blocks: &mut [Block], at: u32) -> Block {
    block(mend(blocks, u64::from(at), u64::from(at), [0; 2]))
}

/// Writes `value` into the cleared `blocks[at]` without showing `at`.
pub(super) fn place(blocks: &mut [Block], at: u32, value: &Block) {
    mend(blocks, u64::MAX, u64::from(at), pair(*value));
}

/// Scratch space of the trees of an instance.
struct Scratch {
    prepared: Wiped<Block>,
    encrypted: Wiped<Block>,
}

impl Scratch {
    fn new() -> Self {
        let zeros = || Wiped::filled([0u8; 16], PIECE);
        Self {
            prepared: zeros(),
            encrypted: zeros(),
        }
    }

    /// From the `2^level` nodes at the beginning of `nodes` to their children; the sum of the left ones.
    fn step(&mut self, hash: &TreeHash, nodes: &mut [Block], level: u32, tree: usize) -> Pair {
        let width = 1usize << level;
        let (left, right) = nodes[..2 * width].split_at_mut(width);
        let mut sums = [0u64; 2];
        let pieces = left.chunks_mut(PIECE).zip(right.chunks_mut(PIECE));
        for (piece, (left, right)) in pieces.enumerate() {
            let prepared = &mut self.prepared[..left.len()];
            let encrypted = &mut self.encrypted[..left.len()];
            prepare(prepared, left, (width + piece * PIECE) as u64, tree as u64);
            encrypted.copy_from_slice(prepared);
            hash.cipher.encrypt_blocks(encrypted);
            let sum = branch(left, right, prepared, encrypted);
            sums = [sums[0] ^ sum[0], sums[1] ^ sum[1]];
        }
        sums
    }
}

/// All trees: leaves into `leaves` (tree by tree), `c_l` of all levels of all trees into `message`.
///
/// `roots` has one block per tree, `rows` the base rows `q` and `message` one block per level of each tree.
pub(super) fn grow(
    hash: &TreeHash,
    delta: &Block,
    roots: &[Block],
    rows: &[Block],
    leaves: &mut [Block],
    message: &mut [Block],
) {
    let per_tree = leaves.len() / BLOCKS;
    let depth = per_tree.ilog2() as usize;
    let mut scratch = Scratch::new();
    let trees = leaves.chunks_exact_mut(per_tree).zip(roots).enumerate();
    for (tree, (nodes, root)) in trees {
        let span = tree * depth..(tree + 1) * depth;
        let corrections = message[span.clone()].iter_mut().zip(&rows[span]);
        for (level, (correction, row)) in corrections.enumerate() {
            let left = if level == 0 {
                nodes[0] = *root;
                nodes[1] = xor(*root, *delta);
                *root
            } else {
                block(scratch.step(hash, nodes, level as u32, tree))
            };
            *correction = xor(left, *row);
        }
    }
}

/// All trees but their leaves `alphas`, where zeros stand. `rows` are the base rows `t` of choices `1 − α_l`.
pub(super) fn grow_punctured(
    hash: &TreeHash,
    alphas: &[u32],
    rows: &[Block],
    message: &[Block],
    leaves: &mut [Block],
) {
    let per_tree = leaves.len() / BLOCKS;
    let depth = per_tree.ilog2() as usize;
    let mut scratch = Scratch::new();
    let trees = leaves.chunks_exact_mut(per_tree).zip(alphas).enumerate();
    for (tree, (nodes, alpha)) in trees {
        let span = tree * depth..(tree + 1) * depth;
        let opened = message[span.clone()].iter().zip(&rows[span]);
        let mut known = [0u64; 2];
        nodes[0] = [0; 16];
        for (level, (correction, row)) in opened.enumerate() {
            let width = 1usize << level;
            let turn = u64::from(alpha >> level & 1);
            let parent = u64::from(*alpha) & (width as u64 - 1);
            // The unknown parent stands as zeros, so its children are garbage and count in both sums.
            let left = scratch.step(hash, nodes, level as u32, tree);
            let near = select(turn, [known[0] ^ left[0], known[1] ^ left[1]], left);
            let target = pair(xor(*correction, *row));
            let change = [near[0] ^ target[0], near[1] ^ target[1]];
            let unknown = parent | turn << level;
            let sibling = parent | (turn ^ 1) << level;
            known = mend(&mut nodes[..2 * width], unknown, sibling, change);
        }
    }
}

/// `second` if `choice` is 1.
fn select(choice: u64, first: Pair, second: Pair) -> Pair {
    let mask = choice.wrapping_neg();
    [0, 1].map(|i| first[i] ^ ((first[i] ^ second[i]) & mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn every_leaf_but_the_punctured_one_agrees_and_all_sum_to_delta() {
        on_every_tier(|_| {
            let mut random = Stream::new(55);
            for depth in [1usize, 2, 5, 7] {
                let delta = random.blocks(1)[0];
                let alphas: Vec<u32> = random
                    .words(BLOCKS)
                    .iter()
                    .map(|word| *word as u32 & ((1 << depth) - 1))
                    .collect();
                let q = random.blocks(BLOCKS * depth);
                let t: Vec<Block> = (0..BLOCKS * depth)
                    .map(|i| match alphas[i / depth] >> (i % depth) & 1 {
                        0 => xor(q[i], delta),
                        _ => q[i],
                    })
                    .collect();
                let hash = TreeHash::new(&[9; 16]);
                let mut message = vec![[0; 16]; BLOCKS * depth];
                let mut all = vec![[1; 16]; BLOCKS << depth];
                grow(
                    &hash,
                    &delta,
                    &random.blocks(BLOCKS),
                    &q,
                    &mut all,
                    &mut message,
                );
                let mut open = vec![[2; 16]; BLOCKS << depth];
                grow_punctured(&hash, &alphas, &t, &message, &mut open);
                for (tree, alpha) in alphas.iter().enumerate() {
                    let span = tree << depth..(tree + 1) << depth;
                    let (all, open) = (&all[span.clone()], &mut open[span]);
                    let sum = all.iter().fold([0; 16], |sum, leaf| xor(sum, *leaf));
                    assert_eq!(sum, delta);
                    for (i, (all, open)) in all.iter().zip(open.iter()).enumerate() {
                        let expected = if i as u32 == *alpha { [0; 16] } else { *all };
                        assert_eq!(*open, expected);
                    }
                    assert_eq!(super::sum(open), clear(open, *alpha));
                    place(open, *alpha, &xor(super::sum(open), delta));
                    assert_eq!(all, open);
                }
            }
        });
    }
}
