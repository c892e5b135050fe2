//! Comparison functions: `β` at `x < α`, 0 elsewhere.
//!
//! Source: Boyle et al. 2021 (ePrint 2020/1392), Figure 1.
//! Setting: see the parent module.
//! Differs: the value of a child comes from a hash of its own, `H(seed ‖ β ⊕ 2)`; that of a leaf is the high
//! half of its state.
//! Encoding: the tree of `n` levels, then the corrections of the values of all levels and of the leaf: words,
//! or bits that are packed with a zero tail.
//! Notation: `V_α` what the values so far add up to on the path of `α`.
//! Cost: `2n` AES per point, `8n` for a pair of keys, 4 per point for all points. Floor: `n` to `1.5n`, with
//! values and seed in one block and leaves of several points.

use super::tree::{
    Descent, Hash, LANES, Making, Tree, grow, in_lanes, near, share_corrections, spread,
    tree_bytes, turn,
};
use super::{Output, Shape, check_party, signed};
use crate::aes::{Aes128, Block};
use crate::error::{Error, Result, ensure};
use crate::wipe::Wiped;

/// Tells the hash of a child's value from that of its seed.
const VALUE: u128 = 2;

/// Bytes of a key.
#[must_use]
pub fn key_size(shape: Shape) -> usize {
    let values = shape.n + 1;
    tree_bytes(shape.n)
        + match shape.output {
            Output::Bit => values.div_ceil(8),
            Output::Word => 8 * values,
        }
}

/// The value that a state or hash stands for.
#[inline(always)]
fn value(block: u128) -> u64 {
    (block >> 64) as u64
}

#[inline(always)]
fn read_value(shape: Shape, key: &[u8], at: usize) -> u64 {
    let values = &key[tree_bytes(shape.n)..];
    match shape.output {
        Output::Bit => u64::from(values[at / 8] >> (at % 8)) & 1,
        Output::Word => {
            let mut word = [0; 8];
            word.copy_from_slice(&values[8 * at..8 * at + 8]);
            u64::from_le_bytes(word)
        }
    }
}

fn write_value(shape: Shape, key: &mut [u8], at: usize, value: u64) {
    let values = &mut key[tree_bytes(shape.n)..];
    match shape.output {
        Output::Bit => values[at / 8] |= ((value & 1) as u8) << (at % 8),
        Output::Word => values[8 * at..8 * at + 8].copy_from_slice(&value.to_le_bytes()),
    }
}

/// Both parties' keys for `β[i]` below `α[i]`, [`key_size`] bytes each. `seed` is fresh and secret.
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
    let (size, n) = (key_size(shape), shape.n);
    shape.check_new(size, alphas, betas, &keys)?;
    let (hash, coins) = (Hash::new(label), Aes128::new(seed));
    let mut making = Making::new();
    let inputs = alphas.chunks(LANES).zip(betas.chunks(LANES));
    for ((group, mut keys), (alphas, betas)) in in_lanes(size, keys).enumerate().zip(inputs) {
        let mut on_path = Wiped::filled(0u64, LANES);
        making.plant(&coins, group * LANES, &mut keys);
        for level in 0..n {
            making.expand(&hash, alphas.len(), VALUE);
            for (lane, pair) in keys.iter_mut().enumerate() {
                let right = turn(alphas[lane], n, level) as u64;
                let [left_side, right_side] = [0, 1].map(|side| {
                    let [ours, theirs] =
                        [0, 2].map(|party| making.children[4 * lane + party + side]);
                    value(ours).wrapping_sub(value(theirs))
                });
                let either = (left_side ^ right_side) & right.wrapping_neg();
                let (kept, lost) = (left_side ^ either, right_side ^ either);
                // Points that turn left where α turns right are below it.
                let wanted = betas[lane] & right.wrapping_neg();
                let one = making.states[2 * lane + 1] as u64 & 1;
                let missing = wanted.wrapping_sub(lost).wrapping_sub(on_path[lane]);
                let correction = signed(missing, one);
                on_path[lane] = on_path[lane].wrapping_add(kept).wrapping_add(missing);
                write_value(shape, pair[0], level, correction);
            }
            making.descend(&hash, shape, (level, n), alphas, &mut keys);
        }
        for (lane, pair) in keys.iter_mut().enumerate() {
            let [ours, theirs] = [0, 1].map(|party| making.states[2 * lane + party]);
            let missing = value(theirs)
                .wrapping_sub(value(ours))
                .wrapping_sub(on_path[lane]);
            write_value(shape, pair[0], n, signed(missing, theirs as u64 & 1));
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
    let (size, tail) = (key_size(shape), (shape.n + 1) % 8);
    let whole = keys.len().is_multiple_of(size);
    ensure(whole, Error::Malformed("keys have the wrong size"))?;
    for key in keys.chunks_exact(size) {
        Tree::read(key, shape.n).check()?;
        let clean = shape.output == Output::Word || tail == 0 || key[size - 1] >> tail == 0;
        ensure(
            clean,
            Error::Malformed("a key has stray bits in its values"),
        )?;
    }
    Ok(keys.len() / size)
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
    let (hash, size, n) = (Hash::new(label), key_size(shape), shape.n);
    let mut descent = Descent::new();
    let mut buffer = Vec::new();
    let groups = points.chunks(LANES).zip(out.chunks_mut(LANES));
    for (group, (points, out)) in groups.enumerate() {
        let lanes = group * LANES..group * LANES + points.len();
        let keys = near(keys, size, each, lanes, &mut buffer);
        let trees: Vec<Tree<'_>> = keys.iter().map(|key| Tree::read(key, n)).collect();
        for (lane, out) in out.iter_mut().enumerate() {
            descent.states[lane] = trees[lane].root(party);
            *out = 0;
        }
        for level in 0..n {
            descent.choose(points, shape, level);
            descent.hash(&hash, points.len(), VALUE);
            for (lane, out) in out.iter_mut().enumerate() {
                let corrected = corrected(shape, keys[lane], level, descent.states[lane]);
                *out = out.wrapping_add(value(descent.hashes[lane]).wrapping_add(corrected));
            }
            descent.enter(&hash, level, &trees);
        }
        for (lane, out) in out.iter_mut().enumerate() {
            let state = descent.states[lane];
            let last = value(state).wrapping_add(corrected(shape, keys[lane], n, state));
            *out = signed(out.wrapping_add(last), party.into()) & shape.mask();
        }
    }
    Ok(())
}

/// `t·CW` of a level for the state above it.
#[inline(always)]
fn corrected(shape: Shape, key: &[u8], level: usize, state: u128) -> u64 {
    read_value(shape, key, level) & spread(state) as u64
}

/// Number of values of a key: one word for each point.
///
/// # Errors
/// `Range` for a domain of more than 30 bits.
pub fn all_words(shape: Shape) -> Result<usize> {
    shape.check_all()?;
    Ok(1 << shape.n)
}

/// Shares of all values of one key, one word each.
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
    let (hash, tree) = (Hash::new(label), Tree::read(key, shape.n));
    let (mut tweaked, mut hashes) = (Wiped::filled(0, 2 * LANES), Wiped::filled(0, 2 * LANES));
    let mut work = Wiped::filled([0; 16], 2 * LANES);
    out[0] = 0;
    let states = grow(&hash, tree, party, |level, first, states, inputs| {
        for (tweaked, input) in tweaked.iter_mut().zip(inputs) {
            *tweaked = input ^ VALUE;
        }
        hash.of(&tweaked[..inputs.len()], &mut hashes, &mut work);
        for (at, state) in states.iter().enumerate().rev() {
            let sum = out[first + at].wrapping_add(corrected(shape, key, level, *state));
            for side in 0..2 {
                out[2 * (first + at) + side] = sum.wrapping_add(value(hashes[2 * at + side]));
            }
        }
    });
    for (out, state) in out.iter_mut().zip(states.iter()) {
        let last = value(*state).wrapping_add(corrected(shape, key, shape.n, *state));
        *out = signed(out.wrapping_add(last), party.into()) & shape.mask();
    }
    Ok(())
}
