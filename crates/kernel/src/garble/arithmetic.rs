//! Whole numbers in circuits: lists of wires, least significant bit first.
//!
//! Source: Kolesnikov, Sadeghi, Schneider 2009 (ePrint 2009/411) §3: one AND for each bit.
//! Setting: local. Cost: ANDs as stated at each function.

use super::circuit::{Builder, Wire};

/// Sum, carry out and operands of one bit position; one AND.
fn full_adder(builder: &mut Builder, a: Wire, b: Wire, carry: Wire) -> (Wire, Wire) {
    let (a_carry, b_carry) = (builder.xor(a, carry), builder.xor(b, carry));
    let sum = builder.xor(a, b_carry);
    let both = builder.and(a_carry, b_carry);
    (sum, builder.xor(both, carry))
}

/// `a + b` modulo `2^n`, for operands of one length `n`; `n - 1` ANDs.
pub fn add(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
    sum(builder, a, b, Wire::ZERO)
}

/// `a - b` modulo `2^n`; `n - 1` ANDs.
pub fn subtract(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
    let negated: Vec<Wire> = b.iter().map(|wire| builder.not(*wire)).collect();
    sum(builder, a, &negated, Wire::ONE)
}

fn sum(builder: &mut Builder, a: &[Wire], b: &[Wire], mut carry: Wire) -> Vec<Wire> {
    let mut digits = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b) {
        // The last carry is read by nobody, so `finish` drops its AND.
        let (digit, next) = full_adder(builder, *a, *b, carry);
        digits.push(digit);
        carry = next;
    }
    digits
}

/// Whether `a < b` as unsigned numbers; `n` ANDs.
pub fn less(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Wire {
    let mut borrow = Wire::ZERO;
    for (a, b) in a.iter().zip(b) {
        // Where the bits differ, b decides; else what was decided before stays.
        let (differ, changed) = (builder.xor(*a, *b), builder.xor(*b, borrow));
        let change = builder.and(differ, changed);
        borrow = builder.xor(borrow, change);
    }
    borrow
}

/// Whether `a = b`; `n - 1` ANDs in a tree.
pub fn equal(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Wire {
    let mut agree: Vec<Wire> = Vec::with_capacity(a.len());
    for (a, b) in a.iter().zip(b) {
        let differ = builder.xor(*a, *b);
        agree.push(builder.not(differ));
    }
    while agree.len() > 1 {
        let mut half = Vec::with_capacity(agree.len().div_ceil(2));
        for pair in agree.chunks(2) {
            half.push(match pair {
                [a, b] => builder.and(*a, *b),
                _ => pair[0],
            });
        }
        agree = half;
    }
    agree.first().copied().unwrap_or(Wire::ONE)
}

/// `one` where `choice` is 1, else `zero`; `n` ANDs.
pub fn select(builder: &mut Builder, choice: Wire, one: &[Wire], zero: &[Wire]) -> Vec<Wire> {
    let mut chosen = Vec::with_capacity(one.len());
    for (one, zero) in one.iter().zip(zero) {
        let differ = builder.xor(*one, *zero);
        let change = builder.and(choice, differ);
        chosen.push(builder.xor(*zero, change));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::garble::circuit::{Role, tests::clear};
    use crate::testing::Stream;

    fn to_bits(value: u64, width: usize) -> Vec<u8> {
        (0..width).map(|bit| ((value >> bit) & 1) as u8).collect()
    }

    fn from_bits(bits: &[u8]) -> u64 {
        bits.iter()
            .rev()
            .fold(0, |value, bit| 2 * value + u64::from(*bit))
    }

    #[test]
    fn numbers_follow_their_definitions() {
        let mut random = Stream::new(23);
        for width in [1usize, 2, 3, 8, 63, 64] {
            let mut builder = Builder::default();
            let a: Vec<Wire> = (0..width).map(|_| builder.input(Role::Garbler)).collect();
            let b: Vec<Wire> = (0..width).map(|_| builder.input(Role::Evaluator)).collect();
            let plus = add(&mut builder, &a, &b);
            let minus = subtract(&mut builder, &a, &b);
            let below = less(&mut builder, &a, &b);
            let same = equal(&mut builder, &a, &b);
            let smaller = select(&mut builder, below, &a, &b);
            let mask = u64::MAX >> (64 - width);
            let words = random.words(40);
            let special = [0, 1, mask, mask >> 1, mask ^ (mask >> 1)];
            let values = special.iter().flat_map(|x| special.map(|y| (*x, y)));
            for (x, y) in values.chain(words.chunks(2).map(|pair| (pair[0] & mask, pair[1] & mask)))
            {
                let inputs = [&to_bits(x, width)[..], &to_bits(y, width)];
                let run = |outputs: &[Wire]| from_bits(&clear(&builder, outputs, inputs));
                assert_eq!(run(&plus), x.wrapping_add(y) & mask);
                assert_eq!(run(&minus), x.wrapping_sub(y) & mask);
                assert_eq!(run(&[below]), u64::from(x < y));
                assert_eq!(run(&[same]), u64::from(x == y));
                assert_eq!(run(&smaller), x.min(y));
            }
            let count = |outputs: &[Wire]| builder.clone().finish(outputs).unwrap().ands();
            assert_eq!((count(&plus), count(&minus)), (width - 1, width - 1));
            assert_eq!((count(&[below]), count(&[same])), (width, width - 1));
            assert_eq!(count(&smaller), 2 * width);
        }
    }
}
