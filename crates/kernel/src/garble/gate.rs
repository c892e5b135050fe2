//! The half gate itself, on many gates at once.
//!
//! Source: Zahur, Rosulek, Evans 2015 (ePrint 2014/756) §5, hash of Guo, Katz, Wang, Weng, Yu 2020
//! (ePrint 2019/1168) §4: `H(x, i) = AES_{start + i}(σ(x)) ⊕ σ(x)`, a key for every half gate.
//! Setting: ideal cipher; random `start`, so that no number of instances anywhere weakens one of them.
//! Notation: as in the paper; `a`, `b`, `c` labels (of the garbler: for the value 0); item `i` is one
//! AND of one instance and hashes under `start + 2i` and `start + 2i + 1` (in the low word).
//! Cost: 4 AES and 2 key schedules to garble, 2 and 2 to evaluate; 32 bytes. Floor: 6 and 4 AES.

use crate::aes::Block;
use crate::aes::lanes::{Lanes, on_lanes};

/// The table of an AND: generator half, evaluator half.
pub(super) type Table = [Block; 2];
/// Most items of one group on any tier.
const WIDEST: usize = 32;

on_lanes! {
    /// Tables and output labels of ANDs; all slices have one length. `start` is that of the first item.
    pub(super) fn garble(
        delta: &Block, start: &Block, a: &[Block], b: &[Block], c: &mut [Block], tables: &mut [Table],
    ) = garble_on
}

on_lanes! {
    /// Output labels of ANDs.
    pub(super) fn evaluate(
        start: &Block, a: &[Block], b: &[Block], tables: &[Table], c: &mut [Block],
    ) = evaluate_on
}

#[inline(always)]
fn garble_on<L: Lanes>(
    delta: &Block,
    start: &Block,
    a: &[Block],
    b: &[Block],
    c: &mut [Block],
    tables: &mut [Table],
) {
    let delta = L::splat(delta);
    let mut keys = L::counter(start, 2);
    let group = 2 * L::WIDTH;
    let whole = c.len() / group * group;
    for at in (0..whole).step_by(group) {
        garble_group(
            delta,
            keys,
            &a[at..],
            &b[at..],
            &mut c[at..],
            &mut tables[at..],
        );
        keys = keys.advance(2 * group as u64);
    }
    let rest = c.len() - whole;
    if rest > 0 {
        let (a, b) = (padded(&a[whole..]), padded(&b[whole..]));
        let (mut out, mut pairs) = ([[0; 16]; WIDEST], [[[0; 16]; 2]; WIDEST]);
        garble_group(delta, keys, &a, &b, &mut out, &mut pairs);
        c[whole..].copy_from_slice(&out[..rest]);
        tables[whole..].copy_from_slice(&pairs[..rest]);
    }
}

fn padded<T: Copy + Default>(from: &[T]) -> [T; WIDEST] {
    let mut to = [T::default(); WIDEST];
    to[..from.len()].copy_from_slice(from);
    to
}

/// Two vectors of items.
#[inline(always)]
fn garble_group<L: Lanes>(
    delta: L,
    keys: L,
    a: &[Block],
    b: &[Block],
    c: &mut [Block],
    tables: &mut [Table],
) {
    let next = 2 * L::WIDTH as u64;
    let keys = [
        keys,
        keys.advance(1),
        keys.advance(next),
        keys.advance(next + 1),
    ];
    let labels = [
        L::load(a),
        L::load(b),
        L::load(&a[L::WIDTH..]),
        L::load(&b[L::WIDTH..]),
    ];
    let turned = delta.orthomorphism();
    let mut inputs = [[delta; 2]; 4];
    for k in 0..4 {
        let input = labels[k].orthomorphism();
        inputs[k] = [input, input.xor(turned)];
    }
    let mut hashes = inputs;
    L::encrypt_each(keys, &mut hashes);
    for k in 0..4 {
        for b in 0..2 {
            hashes[k][b] = hashes[k][b].xor(inputs[k][b]);
        }
    }
    for half in 0..2 {
        let [a, b] = [labels[2 * half], labels[2 * half + 1]];
        let [ha, hb] = [hashes[2 * half], hashes[2 * half + 1]];
        let generator = ha[0].xor(ha[1]).xor(b.select(delta));
        let w_generator = ha[0].xor(a.select(generator));
        let evaluator = hb[0].xor(hb[1]);
        let w_evaluator = hb[0].xor(b.select(evaluator));
        w_generator
            .xor(w_evaluator)
            .store(&mut c[half * L::WIDTH..]);
        L::store_pairs(generator, evaluator.xor(a), &mut tables[half * L::WIDTH..]);
    }
}

#[inline(always)]
fn evaluate_on<L: Lanes>(
    start: &Block,
    a: &[Block],
    b: &[Block],
    tables: &[Table],
    c: &mut [Block],
) {
    let mut keys = L::counter(start, 2);
    let group = 2 * L::WIDTH;
    let whole = c.len() / group * group;
    for at in (0..whole).step_by(group) {
        evaluate_group(keys, &a[at..], &b[at..], &tables[at..], &mut c[at..]);
        keys = keys.advance(2 * group as u64);
    }
    let rest = c.len() - whole;
    if rest > 0 {
        let (a, b) = (padded(&a[whole..]), padded(&b[whole..]));
        let mut out = [[0; 16]; WIDEST];
        evaluate_group(keys, &a, &b, &padded(&tables[whole..]), &mut out);
        c[whole..].copy_from_slice(&out[..rest]);
    }
}

/// Two vectors of items.
#[inline(always)]
fn evaluate_group<L: Lanes>(keys: L, a: &[Block], b: &[Block], tables: &[Table], c: &mut [Block]) {
    let next = 2 * L::WIDTH as u64;
    let keys = [
        keys,
        keys.advance(1),
        keys.advance(next),
        keys.advance(next + 1),
    ];
    let labels = [
        L::load(a),
        L::load(b),
        L::load(&a[L::WIDTH..]),
        L::load(&b[L::WIDTH..]),
    ];
    let mut inputs = [[labels[0]]; 4];
    for k in 0..4 {
        inputs[k] = [labels[k].orthomorphism()];
    }
    let mut hashes = inputs;
    L::encrypt_each(keys, &mut hashes);
    for half in 0..2 {
        let at = half * L::WIDTH;
        let (generator, evaluator) = L::load_pairs(&tables[at..]);
        let [a, b] = [labels[2 * half], labels[2 * half + 1]];
        let ha = hashes[2 * half][0].xor(inputs[2 * half][0]);
        let hb = hashes[2 * half + 1][0].xor(inputs[2 * half + 1][0]);
        let w_generator = ha.xor(a.select(generator));
        let w_evaluator = hb.xor(b.select(evaluator.xor(a)));
        w_generator.xor(w_evaluator).store(&mut c[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aes::{Aes128, xor};
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    fn hash(x: Block, start: &Block, index: u64) -> Block {
        let value = u128::from_le_bytes(x);
        let (low, high) = (value as u64, (value >> 64) as u64);
        let turned = (u128::from(high) | (u128::from(low ^ high) << 64)).to_le_bytes();
        let mut key = *start;
        let word = u64::from_le_bytes(start[..8].try_into().unwrap()).wrapping_add(index);
        key[..8].copy_from_slice(&word.to_le_bytes());
        xor(Aes128::new(&key).encrypt(&turned), turned)
    }

    fn when(bit: u8, value: Block) -> Block {
        if bit & 1 == 1 { value } else { [0; 16] }
    }

    #[test]
    fn half_gates_follow_the_paper_on_every_tier() {
        let mut random = Stream::new(21);
        let mut delta = random.blocks(1)[0];
        delta[0] |= 1;
        let mut start = random.blocks(1)[0];
        // The counter of keys wraps within its word.
        start[..8].fill(0xff);
        for n in [0usize, 1, 2, 7, 8, 9, 32, 33, 100] {
            let (a, b) = (random.blocks(n), random.blocks(n));
            on_every_tier(|_| {
                let (mut c, mut tables) = (vec![[0; 16]; n], vec![[[0; 16]; 2]; n]);
                garble(&delta, &start, &a, &b, &mut c, &mut tables);
                for i in 0..n {
                    // Figure 2 of the paper, GbAnd.
                    let (j, k) = (2 * i as u64, 2 * i as u64 + 1);
                    let (pa, pb) = (a[i][0], b[i][0]);
                    let ha = [hash(a[i], &start, j), hash(xor(a[i], delta), &start, j)];
                    let hb = [hash(b[i], &start, k), hash(xor(b[i], delta), &start, k)];
                    let generator = xor(xor(ha[0], ha[1]), when(pb, delta));
                    let w_generator = xor(ha[0], when(pa, generator));
                    let evaluator = xor(xor(hb[0], hb[1]), a[i]);
                    let w_evaluator = xor(hb[0], when(pb, xor(evaluator, a[i])));
                    assert_eq!(tables[i], [generator, evaluator]);
                    assert_eq!(c[i], xor(w_generator, w_evaluator));
                }
                for values in 0..4u8 {
                    let (x, y) = (values & 1, values >> 1);
                    let shift = |labels: &[Block], bit| -> Vec<Block> {
                        labels.iter().map(|l| xor(*l, when(bit, delta))).collect()
                    };
                    let mut out = vec![[0; 16]; n];
                    evaluate(&start, &shift(&a, x), &shift(&b, y), &tables, &mut out);
                    assert_eq!(out, shift(&c, x & y));
                }
            });
        }
    }
}
