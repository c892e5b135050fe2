//! Point functions: `β` at `α`, 0 elsewhere.
//!
//! Source: Boyle–Gilboa–Ishai 2016 (ePrint 2018/707), Figure 1, with early termination (§3.2.1).
//! Setting: see the parent module.
//! Differs: a leaf is one block with two words or 128 bits, so the tree is 1 or 7 levels lower.
//! Encoding: the tree, then the correction of the leaf, 16 bytes.
//! Cost: `n` or `n − 6` AES per point, 4 per level for a pair of keys, 2 per leaf for all points.

use super::tree::{
    Descent, Hash, LANES, Making, Tree, grow, in_lanes, near, share_corrections, spread, tree_bytes,
};
use super::{Output, Shape, check_party};
use crate::aes::{Aes128, Block};
use crate::error::{Error, Result, ensure};

impl Shape {
    /// Bits of a point that choose within a leaf.
    fn within(self) -> usize {
        match self.output {
            Output::Bit => self.n.min(7),
            Output::Word => 1,
        }
    }

    fn levels(self) -> usize {
        self.n - self.within()
    }

    /// The bits of a leaf that are in use.
    fn leaf_mask(self) -> u128 {
        match self.output {
            Output::Bit if self.n < 7 => (1 << (1 << self.n)) - 1,
            _ => u128::MAX,
        }
    }

    /// `a − b` in the group of leaves.
    #[inline(always)]
    fn difference(self, a: u128, b: u128) -> u128 {
        match self.output {
            Output::Bit => a ^ b,
            Output::Word => {
                let low = (a as u64).wrapping_sub(b as u64);
                let high = ((a >> 64) as u64).wrapping_sub((b >> 64) as u64);
                u128::from(low) | u128::from(high) << 64
            }
        }
    }

    /// The leaf with `β` at the place of `point`, without a branch on either.
    fn unit(self, point: u64, beta: u64) -> u128 {
        let place = match self.output {
            Output::Bit => point % (1 << self.within()),
            Output::Word => 64 * (point & 1),
        };
        u128::from(beta) << place
    }

    /// The output of `point` in its leaf.
    fn pick(self, point: u64, leaf: u128) -> u64 {
        match self.output {
            Output::Bit => (leaf >> (point % (1 << self.within()))) as u64 & 1,
            Output::Word => (leaf >> (64 * (point & 1))) as u64,
        }
    }
}

/// Bytes of a key.
#[must_use]
pub fn key_size(shape: Shape) -> usize {
    tree_bytes(shape.levels()) + 16
}

/// Both parties' keys for `β[i]` at `α[i]`, [`key_size`] bytes each. `seed` is fresh and secret.
///
/// # Errors
/// `Mismatch` for lengths that do not fit; `Range` for an `α` outside the domain or a `β` that is no output.
pub fn generate(
    shape: Shape,
    label: &Block,
    seed: &Block,
    alphas: &[u64],
    betas: &[u64],
    keys: [&mut [u8]; 2],
) -> Result<()> {
    let (size, levels) = (key_size(shape), shape.levels());
    shape.check_new(size, alphas, betas, &keys)?;
    let (hash, coins) = (Hash::new(label), Aes128::new(seed));
    let mut making = Making::new();
    let values = alphas.chunks(LANES).zip(betas.chunks(LANES));
    for ((group, mut keys), (alphas, betas)) in in_lanes(size, keys).enumerate().zip(values) {
        making.plant(&coins, group * LANES, &mut keys);
        for level in 0..levels {
            making.descend(&hash, shape, (level, levels), alphas, &mut keys);
        }
        making.expand(&hash, alphas.len(), 0);
        let (states, leaves) = (&making.states, &making.children);
        for (lane, pair) in keys.iter_mut().enumerate() {
            let crossed = shape.difference(leaves[4 * lane], leaves[4 * lane + 2]);
            let wanted = shape.unit(alphas[lane], betas[lane]);
            let correction = shape.difference(wanted, crossed);
            // Party 1 subtracts; where it is the one to correct, the sign is turned.
            let flipped = shape.difference(0, correction);
            let turned = spread(states[2 * lane + 1]);
            let correction = (correction ^ (correction ^ flipped) & turned) & shape.leaf_mask();
            pair[0][size - 16..].copy_from_slice(&correction.to_le_bytes());
        }
        share_corrections(&mut keys);
    }
    Ok(())
}

/// Whether these are keys, in canonical encoding; returns how many.
///
/// # Errors
/// `Malformed` otherwise.
pub fn check(shape: Shape, keys: &[u8]) -> Result<usize> {
    let size = key_size(shape);
    let whole = keys.len().is_multiple_of(size);
    ensure(whole, Error::Malformed("keys have the wrong size"))?;
    for key in keys.chunks_exact(size) {
        Tree::read(key, shape.levels()).check()?;
        let stray = leaf_correction(key) & !shape.leaf_mask();
        ensure(
            stray == 0,
            Error::Malformed("a key has stray bits in its leaf"),
        )?;
    }
    Ok(keys.len() / size)
}

fn leaf_correction(key: &[u8]) -> u128 {
    let mut block = [0; 16];
    block.copy_from_slice(&key[key.len() - 16..]);
    u128::from_le_bytes(block)
}

/// The value of a leaf, from its state and hash.
#[inline(always)]
fn leaf(shape: Shape, party: u8, state: u128, hash: u128, correction: u128) -> u128 {
    // `a − b` with b = −correction or 0 adds in the group.
    let negative = shape.difference(0, correction) & spread(state);
    let sum = shape.difference(hash, negative);
    let minus = shape.difference(0, sum);
    (sum ^ (sum ^ minus) & spread(party.into())) & shape.leaf_mask()
}

/// Shares of values: the same number of points for every key, key by key.
///
/// # Errors
/// `Malformed` for bad keys; `Mismatch` for lengths that do not fit; `Range` for a point outside the domain.
pub fn evaluate(
    shape: Shape,
    party: u8,
    label: &Block,
    keys: &[u8],
    points: &[u64],
    out: &mut [u64],
) -> Result<()> {
    check_party(party)?;
    let each = shape.check_evaluation(check(shape, keys)?, points, out)?;
    let (hash, size, levels) = (Hash::new(label), key_size(shape), shape.levels());
    let mut descent = Descent::new();
    let mut buffer = Vec::new();
    let groups = points.chunks(LANES).zip(out.chunks_mut(LANES));
    for (group, (points, out)) in groups.enumerate() {
        let lanes = group * LANES..group * LANES + points.len();
        let keys = near(keys, size, each, lanes, &mut buffer);
        let trees: Vec<Tree<'_>> = keys.iter().map(|key| Tree::read(key, levels)).collect();
        for (state, tree) in descent.states.iter_mut().zip(&trees) {
            *state = tree.root(party);
        }
        for level in 0..levels {
            descent.choose(points, shape, level);
            descent.enter(&hash, level, &trees);
        }
        for lane in 0..points.len() {
            descent.inputs[lane] = descent.states[lane] & !1;
        }
        descent.hash(&hash, points.len(), 0);
        for (lane, (point, out)) in points.iter().zip(out).enumerate() {
            let state = descent.states[lane];
            let correction = leaf_correction(keys[lane]);
            let value = leaf(shape, party, state, descent.hashes[lane], correction);
            *out = shape.pick(*point, value);
        }
    }
    Ok(())
}

/// Words of all values of a key: one per point, or bit `i` of word `w` for point `64w + i`.
///
/// # Errors
/// `Range` for a domain of more than 30 bits.
pub fn all_words(shape: Shape) -> Result<usize> {
    shape.check_all()?;
    Ok(match shape.output {
        Output::Bit => (1usize << shape.n).div_ceil(64),
        Output::Word => 1 << shape.n,
    })
}

/// Shares of all values of one key, [`all_words`].
///
/// # Errors
/// `Malformed` for a bad key; `Mismatch` for another length; `Range` for too long a domain.
pub fn evaluate_all(
    shape: Shape,
    party: u8,
    label: &Block,
    key: &[u8],
    out: &mut [u64],
) -> Result<()> {
    check_party(party)?;
    let fits = out.len() == all_words(shape)?;
    ensure(fits, Error::Mismatch("out has the wrong length"))?;
    let single = check(shape, key)? == 1;
    ensure(single, Error::Malformed("there must be one key"))?;
    let (hash, levels) = (Hash::new(label), shape.levels());
    let states = grow(&hash, Tree::read(key, levels), party, |_, _, _, _| ());
    let correction = leaf_correction(key);
    let mut descent = Descent::new();
    for (states, out) in states.chunks(LANES).zip(out.chunks_mut(2 * LANES)) {
        for (input, state) in descent.inputs.iter_mut().zip(states) {
            *input = state & !1;
        }
        descent.hash(&hash, states.len(), 0);
        let hashes = descent.hashes.iter();
        for ((out, state), hashed) in out.chunks_mut(2).zip(states).zip(hashes) {
            let value = leaf(shape, party, *state, *hashed, correction);
            for (half, out) in out.iter_mut().enumerate() {
                *out = (value >> (64 * half)) as u64;
            }
        }
    }
    Ok(())
}
