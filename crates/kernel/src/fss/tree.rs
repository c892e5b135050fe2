//! The tree under both functions: seeds, control bits, correction words, and how they are written.
//!
//! Source: Boyle–Gilboa–Ishai 2016 (ePrint 2018/707), Figure 1, steps on seeds and control bits.
//! Differs: a state is a seed of 127 bits with its control bit in the lowest place, so that a corrected child
//! is `H(seed ‖ β) ⊕ t·(CW ‖ t_β)`, `H(x) = π(x) ⊕ x`. Many keys descend together, one lane each.
//! Encoding: root seed (16 bytes, lowest bit clear); per level the correction word (16 bytes, lowest bit the
//! left control bit); the right control bits of all levels, packed, with a zero tail.
//! Cost: a level takes 1 AES per point, and 4 for a new pair of keys.

use super::Shape;
use crate::aes::{Aes128, Block};
use crate::error::{Error, Result, ensure};
use crate::wipe::Wiped;
use core::ops::Range;
use sha2::{Digest, Sha512};

/// Keys or points that descend together.
pub(super) const LANES: usize = 64;

/// The hash of one call.
pub(super) struct Hash(Aes128);

impl Hash {
    pub(super) fn new(label: &Block) -> Self {
        let digest = Sha512::new()
            .chain_update(b"tacit function secret sharing")
            .chain_update(label)
            .finalize();
        let mut key = [0u8; 16];
        key.copy_from_slice(&digest[..16]);
        Self(Aes128::new(&key))
    }

    /// `out[i] = H(x[i])`.
    pub(super) fn of(&self, x: &[u128], out: &mut [u128], work: &mut [Block]) {
        let work = &mut work[..x.len()];
        for (block, x) in work.iter_mut().zip(x) {
            *block = x.to_le_bytes();
        }
        self.0.encrypt_blocks(work);
        for ((out, x), block) in out.iter_mut().zip(x).zip(work) {
            *out = u128::from_le_bytes(*block) ^ x;
        }
    }
}

/// All ones if the lowest bit is set.
#[inline(always)]
pub(super) fn spread(state: u128) -> u128 {
    (state & 1).wrapping_neg()
}

/// Bit of a point that decides at a level, the highest first.
#[inline(always)]
pub(super) fn turn(point: u64, n: usize, level: usize) -> u128 {
    u128::from((point >> (n - 1 - level)) & 1)
}

/// Bytes of the tree in a key.
pub(super) const fn tree_bytes(levels: usize) -> usize {
    16 + 16 * levels + levels.div_ceil(8)
}

/// A key's tree, as it is written.
#[derive(Clone, Copy)]
pub(super) struct Tree<'key> {
    bytes: &'key [u8],
    levels: usize,
}

impl<'key> Tree<'key> {
    /// The tree that a key starts with.
    pub(super) fn read(key: &'key [u8], levels: usize) -> Self {
        let bytes = &key[..tree_bytes(levels)];
        Self { bytes, levels }
    }

    fn block(&self, at: usize) -> u128 {
        let mut block = [0; 16];
        block.copy_from_slice(&self.bytes[16 * at..16 * at + 16]);
        u128::from_le_bytes(block)
    }

    /// Whether root and tail are canonical.
    pub(super) fn check(&self) -> Result<()> {
        let tail = self.levels % 8;
        let last = self.bytes[self.bytes.len() - 1];
        let clean = self.bytes[0] & 1 == 0 && (tail == 0 || last >> tail == 0);
        ensure(clean, Error::Malformed("a key has stray bits in its tree"))
    }

    /// The state at the root.
    pub(super) fn root(&self, party: u8) -> u128 {
        self.block(0) | u128::from(party)
    }

    /// Corrections of the left and of the right child at a level.
    #[inline(always)]
    pub(super) fn corrections(&self, level: usize) -> [u128; 2] {
        let left = self.block(1 + level);
        let right = self.bytes[16 + 16 * self.levels + level / 8] >> (level % 8);
        [left, left & !1 | u128::from(right & 1)]
    }
}

/// States of up to [`LANES`] points on their way down, and what they pass through.
pub(super) struct Descent {
    pub(super) states: Wiped<u128>,
    /// Hash inputs of the children that are entered.
    pub(super) inputs: Wiped<u128>,
    pub(super) hashes: Wiped<u128>,
    tweaked: Wiped<u128>,
    work: Wiped<Block>,
}

impl Descent {
    pub(super) fn new() -> Self {
        Self {
            states: Wiped::filled(0, LANES),
            inputs: Wiped::filled(0, LANES),
            hashes: Wiped::filled(0, LANES),
            tweaked: Wiped::filled(0, LANES),
            work: Wiped::filled([0; 16], LANES),
        }
    }

    /// Chooses the child of every lane; `inputs` are then set, and states still those above.
    pub(super) fn choose(&mut self, points: &[u64], shape: Shape, level: usize) {
        for (lane, point) in points.iter().enumerate() {
            self.inputs[lane] = self.states[lane] & !1 | turn(*point, shape.n, level);
        }
    }

    /// Enters the chosen children, a lane of each tree.
    pub(super) fn enter(&mut self, hash: &Hash, level: usize, trees: &[Tree<'_>]) {
        self.hash(hash, trees.len(), 0);
        let states = self.states.iter_mut().zip(self.inputs.iter());
        for ((state, input), (tree, hashed)) in states.zip(trees.iter().zip(self.hashes.iter())) {
            let [left, right] = tree.corrections(level);
            let correction = left ^ (left ^ right) & spread(*input);
            *state = hashed ^ correction & spread(*state);
        }
    }

    /// `hashes[lane] = H(inputs[lane] ⊕ tweak)`.
    pub(super) fn hash(&mut self, hash: &Hash, lanes: usize, tweak: u128) {
        for (tweaked, input) in self.tweaked.iter_mut().zip(self.inputs.iter()) {
            *tweaked = input ^ tweak;
        }
        hash.of(&self.tweaked[..lanes], &mut self.hashes, &mut self.work);
    }
}

/// Both parties' states while keys are made: entry `2·lane + party`.
pub(super) struct Making {
    pub(super) states: Wiped<u128>,
    inputs: Wiped<u128>,
    /// Children, left and right: entry `4·lane + 2·party + side`.
    pub(super) children: Wiped<u128>,
    work: Wiped<Block>,
}

impl Making {
    pub(super) fn new() -> Self {
        Self {
            states: Wiped::filled(0, 2 * LANES),
            inputs: Wiped::filled(0, 4 * LANES),
            children: Wiped::filled(0, 4 * LANES),
            work: Wiped::filled([0; 16], 4 * LANES),
        }
    }

    /// Fresh roots for the keys from `first` on, written to both keys of every lane.
    pub(super) fn plant(&mut self, coins: &Aes128, first: usize, keys: &mut [[&mut [u8]; 2]]) {
        let mut roots = Wiped::filled([0u8; 16], 2 * keys.len());
        coins.keystream(2 * first as u128, roots.as_flattened_mut());
        for (lane, pair) in keys.iter_mut().enumerate() {
            for (party, key) in pair.iter_mut().enumerate() {
                let root = &mut roots[2 * lane + party];
                root[0] &= !1;
                key[..16].copy_from_slice(root);
                self.states[2 * lane + party] = u128::from_le_bytes(*root) | party as u128;
            }
        }
    }

    /// Fills `children` with `H(seed ‖ side ⊕ tweak)`.
    pub(super) fn expand(&mut self, hash: &Hash, lanes: usize, tweak: u128) {
        for (at, input) in self.inputs[..4 * lanes].iter_mut().enumerate() {
            *input = self.states[at / 2] & !1 | (at % 2) as u128;
            *input ^= tweak;
        }
        hash.of(
            &self.inputs[..4 * lanes],
            &mut self.children,
            &mut self.work,
        );
    }

    /// One level down the path of every `α`: writes corrections to the first keys, and moves the states.
    pub(super) fn descend(
        &mut self,
        hash: &Hash,
        shape: Shape,
        (level, levels): (usize, usize),
        alphas: &[u64],
        keys: &mut [[&mut [u8]; 2]],
    ) {
        self.expand(hash, alphas.len(), 0);
        for (lane, (alpha, pair)) in alphas.iter().zip(keys).enumerate() {
            let bit = turn(*alpha, shape.n, level);
            let children = &self.children[4 * lane..4 * lane + 4];
            let sums = [children[0] ^ children[2], children[1] ^ children[3]];
            // The side that is lost must vanish, and exactly the kept side keeps different control bits.
            let seed = (sums[1] ^ (sums[0] ^ sums[1]) & spread(bit)) & !1;
            let left = seed | (sums[0] ^ bit ^ 1) & 1;
            let right = seed | (sums[1] ^ bit) & 1;
            let key = &mut pair[0];
            key[16 + 16 * level..32 + 16 * level].copy_from_slice(&left.to_le_bytes());
            key[16 + 16 * levels + level / 8] |= ((right & 1) as u8) << (level % 8);
            for party in 0..2 {
                let [zero, one] = [children[2 * party], children[2 * party + 1]];
                let child = zero ^ (zero ^ one) & spread(bit);
                let correction = left ^ (left ^ right) & spread(bit);
                let state = &mut self.states[2 * lane + party];
                *state = child ^ correction & spread(*state);
            }
        }
    }
}

/// Completes the second keys: all but the root is common to both.
pub(super) fn share_corrections(keys: &mut [[&mut [u8]; 2]]) {
    for [first, second] in keys {
        second[16..].copy_from_slice(&first[16..]);
    }
}

/// Groups of both parties' keys, [`LANES`] pairs at a time, the first ones zeroed.
pub(super) fn in_lanes(
    size: usize,
    keys: [&mut [u8]; 2],
) -> impl Iterator<Item = Vec<[&mut [u8]; 2]>> {
    let [first, second] = keys;
    first
        .chunks_mut(LANES * size)
        .zip(second.chunks_mut(LANES * size))
        .map(move |(first, second)| {
            first.fill(0);
            let pairs = first.chunks_mut(size).zip(second.chunks_mut(size));
            pairs.map(|(first, second)| [first, second]).collect()
        })
}

/// The key of every lane, where `each` lanes in a row share one.
///
/// The keys are copied in order, which fetches them ahead: a descent would touch them one line at a time.
pub(super) fn near<'near>(
    keys: &[u8],
    size: usize,
    each: usize,
    lanes: Range<usize>,
    buffer: &'near mut Vec<u8>,
) -> Vec<&'near [u8]> {
    let first = lanes.start / each;
    buffer.clear();
    buffer.extend_from_slice(&keys[first * size..lanes.end.div_ceil(each) * size]);
    let places = lanes.map(|lane| (lane / each - first) * size);
    places.map(|at| &buffer[at..at + size]).collect()
}

/// All states of the last level, from the left, of one key.
///
/// `visit(level, first, states, inputs)` sees the states `first..` of a level, the last ones first, and the
/// hash inputs of their children.
pub(super) fn grow(
    hash: &Hash,
    tree: Tree<'_>,
    party: u8,
    mut visit: impl FnMut(usize, usize, &[u128], &[u128]),
) -> Wiped<u128> {
    let mut states = Wiped::filled(0u128, 1 << tree.levels);
    let (mut inputs, mut hashes) = (Wiped::filled(0, 2 * LANES), Wiped::filled(0, 2 * LANES));
    let mut work = Wiped::filled([0; 16], 2 * LANES);
    states[0] = tree.root(party);
    for level in 0..tree.levels {
        let corrections = tree.corrections(level);
        let step = LANES.min(1 << level);
        // From the right, so that children overwrite only parents that are done.
        for first in (0..1 << level).step_by(step).rev() {
            let inputs = &mut inputs[..2 * step];
            for (at, input) in inputs.iter_mut().enumerate() {
                *input = states[first + at / 2] & !1 | (at % 2) as u128;
            }
            visit(level, first, &states[first..first + step], inputs);
            hash.of(inputs, &mut hashes, &mut work);
            for (at, child) in hashes[..2 * step].iter_mut().enumerate() {
                *child ^= corrections[at % 2] & spread(states[first + at / 2]);
            }
            states[2 * first..2 * (first + step)].copy_from_slice(&hashes[..2 * step]);
        }
    }
    states
}
