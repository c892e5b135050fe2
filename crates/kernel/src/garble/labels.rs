//! The evaluator's input labels, from rows of extended OT.
//!
//! Source: correlated OT of Asharov, Lindell, Schneider, Zohner 2013 (ePrint 2013/552) §5.4, with the
//! labels' difference as the correlation; hash of [`crate::hash`].
//! Setting: that of the rows.
//! Notation: rows `q[i] = t[i] ⊕ c[i]·Δ_ot`; labels `H(q[i])` for 0 and `H(q[i]) ⊕ Δ` for 1.
//! Cost: per input bit 16 bytes, 4 AES for the sender, 2 for the receiver.

use super::half_gates_zre15::odd;
use crate::aes::{Block, xor};
use crate::bits::packed_bit;
use crate::error::{Error, Result, ensure};
use crate::hash::{TweakedHash, offset_blocks};
use crate::wipe::Wiped;

fn hash_rows(label: &Block, rows: &[Block], offset: &Block, out: &mut [Block]) {
    let hash = TweakedHash::new(b"tacit garbled input labels", label);
    let mut images = Wiped::filled([0; 16], rows.len());
    offset_blocks(&mut images, rows, offset);
    hash.permute(&mut images);
    hash.block_of(&images, 0, 0, out);
}

/// Garbler: labels for the value 0 and the message that lets the evaluator find its own.
///
/// # Errors
/// `Mismatch` if a length is not that of `q`.
pub fn send(
    q: &[Block],
    ot_delta: &Block,
    label: &Block,
    delta: &Block,
    zero: &mut [Block],
    message: &mut [Block],
) -> Result<()> {
    ensure(
        zero.len() == q.len() && message.len() == q.len(),
        Error::Mismatch("labels and message must have one block per row"),
    )?;
    let delta = odd(delta);
    hash_rows(label, q, &[0; 16], zero);
    hash_rows(label, q, ot_delta, message);
    for (message, zero) in message.iter_mut().zip(zero) {
        *message = xor(xor(*message, *zero), delta);
    }
    Ok(())
}

/// Evaluator: the labels of its input bits `choices` (packed).
///
/// # Errors
/// `Mismatch` if choices or labels do not fit `t`; `Malformed` if the message does not.
pub fn receive(
    t: &[Block],
    label: &Block,
    choices: &[u8],
    message: &[u8],
    labels: &mut [Block],
) -> Result<()> {
    ensure(
        choices.len() == t.len().div_ceil(8) && labels.len() == t.len(),
        Error::Mismatch("choices must have ceil(n/8) bytes, labels one block per row"),
    )?;
    let (blocks, rest) = message.as_chunks::<16>();
    ensure(
        blocks.len() == t.len() && rest.is_empty(),
        Error::Malformed("the message has the wrong size"),
    )?;
    hash_rows(label, t, &[0; 16], labels);
    for (i, (label, block)) in labels.iter_mut().zip(blocks).enumerate() {
        let mask = u128::from(packed_bit(choices, i)).wrapping_neg();
        *label = xor(*label, (u128::from_le_bytes(*block) & mask).to_le_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    #[test]
    fn the_evaluator_gets_the_label_of_its_bit() {
        let mut random = Stream::new(22);
        let (t, ot_delta, delta) = (random.blocks(70), random.blocks(1)[0], random.blocks(1)[0]);
        let (choices, label) = (random.bytes(9), random.blocks(1)[0]);
        let when = |i, value| {
            if packed_bit(&choices, i) == 1 {
                value
            } else {
                [0; 16]
            }
        };
        let q: Vec<Block> = t
            .iter()
            .enumerate()
            .map(|(i, t)| xor(*t, when(i, ot_delta)))
            .collect();
        let (mut zero, mut message) = (vec![[0; 16]; 70], vec![[0; 16]; 70]);
        send(&q, &ot_delta, &label, &delta, &mut zero, &mut message).unwrap();
        let mut labels = vec![[0; 16]; 70];
        receive(&t, &label, &choices, message.as_flattened(), &mut labels).unwrap();
        for i in 0..70 {
            assert_eq!(labels[i], xor(zero[i], when(i, odd(&delta))));
        }
        let cut = &message.as_flattened()[1..];
        let refused = receive(&t, &label, &choices, cut, &mut labels);
        assert!(matches!(refused, Err(Error::Malformed(_))));
        let refused = receive(&t, &label, &choices[1..], cut, &mut labels);
        assert!(matches!(refused, Err(Error::Mismatch(_))));
    }
}
