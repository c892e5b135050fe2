//! GGM trees and their all-but-one opening.
//!
//! Source: Roy 2022 (ePrint 2022/192), punctured PRF from OT, after Goldreich–Goldwasser–Micali 1986.
//! Setting: semi-honest; PRF if AES is one.
//! Differs: the first level is corrected like all others; children are `AES_node(0)`, `AES_node(1)`.
//! Notation: a tree of depth `k`; at level `l`, `K_{l,β}` is the sum of the nodes whose last bit is `β`;
//! the punctured path is `Δ`, most significant bit first; the other party numbers nodes relative to
//! it, so position `y` holds leaf `y ⊕ Δ` and position 0 is the unknown one.
//! Cost: 2 AES and one key schedule per inner node. Floor: 1 AES per node.

use crate::aes::{Aes128, Block, xor};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// Bytes that correct one level: both sums.
pub(super) const LEVEL_BYTES: usize = 32;

fn children(node: &Block) -> [Block; 2] {
    let mut children = [[0u8; 16], [1u8; 16]];
    Aes128::new(node).encrypt_blocks(&mut children);
    children
}

/// All leaves of a tree, and its correction message: per level `K_{l,β} ⊕ m_{l,1−β}` for β = 0, 1.
///
/// `base` holds one OT per level.
pub(super) fn grow(
    root: Block,
    base: &[[Block; 2]],
    message: &mut Vec<u8>,
) -> Zeroizing<Vec<Block>> {
    let mut nodes = Zeroizing::new(vec![root]);
    for pads in base {
        let mut next = Zeroizing::new(Vec::with_capacity(2 * nodes.len()));
        let mut sums = [[0u8; 16]; 2];
        for node in nodes.iter() {
            for (sum, child) in sums.iter_mut().zip(children(node)) {
                *sum = xor(*sum, child);
                next.push(child);
            }
        }
        message.extend_from_slice(&xor(sums[0], pads[1]));
        message.extend_from_slice(&xor(sums[1], pads[0]));
        nodes = next;
    }
    nodes
}

/// All leaves but one, at positions relative to the punctured one; position 0 holds zeros.
///
/// `punctured[l]` is the path bit of level `l`, `pads[l]` the base OT output for that choice, and
/// `message` has [`LEVEL_BYTES`] per level.
pub(super) fn grow_punctured(
    punctured: &[u8],
    pads: &[Block],
    message: &[[u8; LEVEL_BYTES]],
) -> Zeroizing<Vec<Block>> {
    let mut nodes = Zeroizing::new(vec![[0u8; 16]]);
    for ((bit, pad), sums) in punctured.iter().zip(pads).zip(message) {
        let flip = Choice::from(*bit);
        let mut next = Zeroizing::new(vec![[0u8; 16]; 2]);
        // The choice opened the sum of the siblings of the path: K_{l,1−bit}.
        let mut sibling = [0u8; 16];
        for (at, byte) in sibling.iter_mut().enumerate() {
            *byte = pad[at] ^ u8::conditional_select(&sums[16 + at], &sums[at], flip);
        }
        for node in &nodes[1..] {
            let [mut near, mut far] = children(node);
            for (near, far) in near.iter_mut().zip(&mut far) {
                u8::conditional_swap(near, far, flip);
            }
            sibling = xor(sibling, far);
            next.extend_from_slice(&[near, far]);
        }
        next[1] = sibling;
        nodes = next;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn every_leaf_but_the_punctured_one_agrees() {
        let mut random = Stream::new(7);
        for depth in 1..=8usize {
            let base: Vec<[Block; 2]> = random.blocks(2 * depth).as_chunks::<2>().0.to_vec();
            let path = random.bits(depth);
            let mut message = Vec::new();
            let leaves = grow(random.blocks(1)[0], &base, &mut message);
            let pads: Vec<Block> = path
                .iter()
                .zip(&base)
                .map(|(bit, pair)| pair[usize::from(*bit)])
                .collect();
            let open = grow_punctured(&path, &pads, message.as_chunks().0);
            let delta = path
                .iter()
                .fold(0, |delta, bit| 2 * delta + usize::from(*bit));
            assert_eq!(open.len(), 1 << depth);
            for (y, leaf) in open.iter().enumerate().skip(1) {
                assert_eq!(*leaf, leaves[y ^ delta]);
            }
            assert_eq!(open[0], [0u8; 16]);
        }
    }
}
