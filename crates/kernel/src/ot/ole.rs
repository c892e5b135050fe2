//! Bit products from OT rows: `c ⊕ c' = choice ∧ b` with random `b`.
//!
//! Source: Ishai, Kilian, Nissim, Petrank 2003 (random OT by hashing); random OT read as OLE over F_2.
//! Setting: that of the rows; hash of [`crate::hash`].
//! Differs: nothing. Several output bits per OT share the choice bit.
//! Notation: `H0 = H(q)`, `H1 = H(q ⊕ Δ)`; sender `b = H0 ⊕ H1`, `c = H0`; receiver `c' = H(t)`.
//! Cost per OT and 128 output bits: 2 AES per hash and a 128-bit transpose. Floor: the AES.

use crate::aes::Block;
use crate::bits::{plane_words, rows_to_few_planes, rows_to_planes};
use crate::error::{Error, Result, ensure};
use crate::hash::{TweakedHash, offset_blocks};
use crate::simd::multiversion;
use crate::wipe::Wiped;

/// Rows that are hashed and transposed together.
const ROWS: usize = 512;
/// Planes up to which bit by bit is cheaper than a transpose.
const FEW: usize = 8;
/// Output bits of one hash block.
const BLOCK_BITS: usize = 128;

fn check(n: usize, width: usize, planes: &[u64]) -> Result<()> {
    ensure(width >= 1, Error::Range("width must be at least 1"))?;
    ensure(
        width.checked_mul(plane_words(n)) == Some(planes.len()),
        Error::Mismatch("planes must have width times ceil(n/64) words"),
    )
}

multiversion! {
    /// `to ⊕= from`.
    fn xor_words(to: &mut [u64], from: &[u64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= from;
        }
    }
}

fn hash(label: &Block) -> TweakedHash {
    TweakedHash::new(b"tacit bit ole", label)
}

/// Sender: `b, c: u64[width, ceil(n/64)]` from rows `q[n]`; unused tail bits are zero.
///
/// # Errors
/// `Range` if `width` is 0; `Mismatch` if `b` or `c` has another length.
pub fn sender(
    q: &[Block],
    delta: &Block,
    label: &Block,
    width: usize,
    b: &mut [u64],
    c: &mut [u64],
) -> Result<()> {
    check(q.len(), width, b)?;
    check(q.len(), width, c)?;
    let (hash, words) = (hash(label), plane_words(q.len()));
    let mut image = [(); 2].map(|()| Wiped::filled([0u8; 16], ROWS));
    let mut value = [(); 2].map(|()| Wiped::filled([0u8; 16], ROWS));
    for (chunk, q) in q.chunks(ROWS).enumerate() {
        for (image, offset) in image.iter_mut().zip([&[0u8; 16], delta]) {
            offset_blocks(&mut image[..q.len()], q, offset);
            hash.permute(&mut image[..q.len()]);
        }
        for block in 0..width.div_ceil(BLOCK_BITS) {
            for (value, image) in value.iter_mut().zip(&image) {
                hash.block_of(
                    &image[..q.len()],
                    chunk * ROWS,
                    block,
                    &mut value[..q.len()],
                );
            }
            for (value, planes) in value.iter().zip([&mut *c, &mut *b]) {
                to_planes(
                    &value[..q.len()],
                    chunk,
                    words,
                    planes_of(block, width, words, planes),
                );
            }
        }
    }
    xor_words(b, c);
    Ok(())
}

/// Receiver: `c': u64[width, ceil(n/64)]` from rows `t[n]`; unused tail bits are zero.
///
/// # Errors
/// `Range` if `width` is 0; `Mismatch` if `c` has another length.
pub fn receiver(t: &[Block], label: &Block, width: usize, c: &mut [u64]) -> Result<()> {
    check(t.len(), width, c)?;
    let (hash, words) = (hash(label), plane_words(t.len()));
    let mut image = Wiped::filled([0u8; 16], ROWS);
    let mut value = Wiped::filled([0u8; 16], ROWS);
    for (chunk, t) in t.chunks(ROWS).enumerate() {
        let (image, value) = (&mut image[..t.len()], &mut value[..t.len()]);
        image.copy_from_slice(t);
        hash.permute(image);
        for block in 0..width.div_ceil(BLOCK_BITS) {
            hash.block_of(image, chunk * ROWS, block, value);
            to_planes(value, chunk, words, planes_of(block, width, words, c));
        }
    }
    Ok(())
}

/// Words of planes from rows, by the cheaper way.
fn to_planes(rows: &[Block], chunk: usize, words: usize, planes: &mut [u64]) {
    if planes.len() <= FEW * words {
        rows_to_few_planes(rows, chunk, words, planes);
    } else {
        rows_to_planes(rows, chunk, words, planes);
    }
}

/// The planes of hash block `block`.
fn planes_of(block: usize, width: usize, words: usize, planes: &mut [u64]) -> &mut [u64] {
    &mut planes[block * BLOCK_BITS * words..width.min((block + 1) * BLOCK_BITS) * words]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::packed_bit;
    use crate::ot::softspoken_roy22::tests::{pair, rows};
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn shares_add_to_the_product() {
        on_every_tier(|_| {
            let mut random = Stream::new(10);
            let mut parties = pair(2, &mut random);
            for (call, (n, width)) in [
                (0, 1),
                (1, 1),
                (65, 1),
                (64, 7),
                (513, 64),
                (700, 128),
                (1025, 300),
            ]
            .into_iter()
            .enumerate()
            {
                let label = [call as u8; 16];
                let choices = random.bytes(n / 8 + usize::from(n % 8 != 0));
                let (t, q) = rows(&mut parties, &label, &choices, n);
                let words = plane_words(n);
                let [mut b, mut c, mut d] = [(); 3].map(|()| vec![0u64; width * words]);
                sender(&q, parties.1.delta(), &label, width, &mut b, &mut c).unwrap();
                receiver(&t, &label, width, &mut d).unwrap();
                for j in 0..width {
                    for i in 0..64 * words {
                        let bit = |planes: &[u64]| (planes[j * words + i / 64] >> (i % 64)) & 1;
                        let choice = if i < n {
                            u64::from(packed_bit(&choices, i))
                        } else {
                            0
                        };
                        assert_eq!(bit(&c) ^ bit(&d), choice & bit(&b));
                        assert!(i < n || bit(&c) | bit(&b) | bit(&d) == 0);
                    }
                }
                let ones: u32 = b.iter().map(|word| word.count_ones()).sum();
                assert!(
                    n * width < 5000 || (ones as usize).abs_diff(n * width / 2) < n * width / 10
                );
            }
        });
        assert!(sender(&[[0; 16]], &[0; 16], &[0; 16], 0, &mut [], &mut []).is_err());
        assert!(receiver(&[[0; 16]], &[0; 16], 2, &mut [0]).is_err());
    }
}
