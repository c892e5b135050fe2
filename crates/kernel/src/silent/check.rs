//! Consistency of an instance: its receiver finds out whether the sender's corrections were honest.
//!
//! Source: Yang, Weng, Lan, Zhang, Wang 2020 (Ferret, ePrint 2020/924), Figure 6, consistency check.
//! Setting: malicious sender, given base OTs that are secure against it; soundness error `n/2^128`. A sender that
//! guesses bits of noise positions learns whether it guessed right, as in the source.
//! Differs: the check runs over the outputs instead of the leaves: half the work, and errors that the code removes do
//! no harm.
//! Notation: `χ` challenge stream; `x = Σ χ_i·u_i`; a mask `(u*, t*)`, `q* = t* ⊕ u*·Δ` from 128 further rows;
//! the receiver opens `x ⊕ u*`; both hash `Σ χ_i·t_i ⊕ t*` = `Σ χ_i·q_i ⊕ q* ⊕ (x ⊕ u*)·Δ`.
//! Cost: one inner product over `GF(2^128)` and an AES per output, on each side. Floor: the same.

use crate::aes::{Aes128, Block, xor};
use crate::bits::packed_bit;
use crate::error::{Error, Result, ensure};
use crate::gf128;
use sha2::{Digest, Sha512};

/// Rows that make the mask.
pub const MASK_ROWS: usize = 128;
/// Challenge elements made at a time.
const BATCH: usize = 1024;

/// What the receiver's outputs multiply `Δ` with.
#[derive(Clone, Copy)]
pub enum Multipliers<'a> {
    /// Packed bits of [`super::cot`].
    Bits(&'a [u8]),
    /// Elements of [`super::vole`].
    Field(&'a [Block]),
}

/// `Σ χ_i·x_i`.
fn challenge_sum(seed: &Block, x: &[Block]) -> Block {
    let stream = Aes128::new(seed);
    let mut chi = [[0u8; 16]; BATCH];
    let mut sum = [0; 16];
    for (batch, x) in x.chunks(BATCH).enumerate() {
        stream.keystream((batch * BATCH) as u128, chi.as_flattened_mut());
        sum = xor(sum, gf128::inner_product(x, &chi));
    }
    sum
}

fn digest(seed: &Block, value: &Block) -> [u8; 32] {
    let hash = Sha512::digest([&b"tacit silent check"[..], seed, value].concat());
    let mut out = [0; 32];
    out.copy_from_slice(&hash[..32]);
    out
}

/// Receiver: `x ⊕ u*` to open, and the digest that an honest sender will answer.
///
/// `seed` is fresh, and drawn after the sender's corrections have come; `mask` (`u*`) were the choices of `mask_rows`.
///
/// # Errors
/// `Mismatch` unless there are 128 mask rows and as many multipliers as rows `t`.
pub fn challenge(
    seed: &Block,
    u: Multipliers<'_>,
    t: &[Block],
    mask: &Block,
    mask_rows: &[Block],
) -> Result<(Block, [u8; 32])> {
    let fits = match u {
        Multipliers::Bits(bits) => bits.len() == t.len().div_ceil(8),
        Multipliers::Field(elements) => elements.len() == t.len(),
    };
    ensure(
        fits && mask_rows.len() == MASK_ROWS,
        Error::Mismatch("multipliers and mask must fit the rows"),
    )?;
    let x = match u {
        Multipliers::Field(elements) => challenge_sum(seed, elements),
        Multipliers::Bits(bits) => {
            let widened: Vec<Block> = (0..t.len())
                .map(|i| u128::from(packed_bit(bits, i)).to_le_bytes())
                .collect();
            challenge_sum(seed, &widened)
        }
    };
    let value = xor(challenge_sum(seed, t), gf128::combine(mask_rows));
    Ok((xor(x, *mask), digest(seed, &value)))
}

/// Sender: the digest for the receiver's `seed` and opened value.
///
/// # Errors
/// `Mismatch` unless there are 128 mask rows.
pub fn answer(
    seed: &Block,
    opened: &Block,
    delta: &Block,
    q: &[Block],
    mask_rows: &[Block],
) -> Result<[u8; 32]> {
    let fits = mask_rows.len() == MASK_ROWS;
    ensure(fits, Error::Mismatch("there must be 128 mask rows"))?;
    let sum = xor(challenge_sum(seed, q), gf128::combine(mask_rows));
    Ok(digest(seed, &xor(sum, gf128::mul(opened, delta))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::silent::cot::tests::{base_rows, instance};
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn honest_senders_pass_and_one_wrong_row_does_not() {
        on_every_tier(|_| {
            let mut random = Stream::new(64);
            let (delta, mut q, t, choices) = instance(1500, &mut random);
            let [seed, mask] = [0; 2].map(|_| random.blocks(1)[0]);
            let mask_q = random.blocks(MASK_ROWS);
            let mask_t = base_rows(&mask_q, &mask, &delta);
            let u = Multipliers::Bits(&choices);
            let (opened, expected) = challenge(&seed, u, &t, &mask, &mask_t).unwrap();
            assert_eq!(
                answer(&seed, &opened, &delta, &q, &mask_q).unwrap(),
                expected
            );
            q[1400][3] ^= 1;
            assert_ne!(
                answer(&seed, &opened, &delta, &q, &mask_q).unwrap(),
                expected
            );
            assert!(challenge(&seed, u, &t, &mask, &mask_t[1..]).is_err());
            assert!(challenge(&seed, u, &t[..9], &mask, &mask_t).is_err());
            assert!(answer(&seed, &opened, &delta, &q, &mask_q[1..]).is_err());
        });
    }

    #[test]
    fn field_multipliers_pass_likewise() {
        let mut random = Stream::new(65);
        let (u, q) = (random.blocks(700), random.blocks(700));
        let [delta, seed, mask] = [0; 3].map(|_| random.blocks(1)[0]);
        let t: Vec<Block> = u
            .iter()
            .zip(&q)
            .map(|(u, q)| xor(*q, gf128::mul(u, &delta)))
            .collect();
        let mask_q = random.blocks(MASK_ROWS);
        let mask_t = base_rows(&mask_q, &mask, &delta);
        let (opened, expected) =
            challenge(&seed, Multipliers::Field(&u), &t, &mask, &mask_t).unwrap();
        assert_eq!(
            answer(&seed, &opened, &delta, &q, &mask_q).unwrap(),
            expected
        );
    }
}
