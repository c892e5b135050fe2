//! OT extension: SoftSpokenOT over F_{2^k}, chosen choice bits.
//!
//! Source: Roy 2022 (ePrint 2022/192), §3 (small-field VOLE) and §4 (correlated OT from it).
//! Setting: two parties, semi-honest; with [`check`], malicious; PRF if AES is one. `k = 1` is IKNP.
//! Differs: repetition code only, and every one of the `128/k` blocks is corrected to the chosen bits
//! (the paper takes the first block's `u` as choices); each call has its own span of every leaf's counter
//! mode, at its label, so calls are independent streams that need no common order.
//! Notation: `x` leaf number in a tree; `r_x` leaf stream; `u = Σ r_x`; `v = Σ x·r_x`, bit plane `b` of
//! `v` is the sum of the `r_x` whose bit `b` is set; `w = Σ_{y≠0} y·r_{y⊕Δ} = v ⊕ Δ·u`;
//! message `U = u ⊕ c` per tree; `t = v`, `q = w ⊕ Δ·U`.
//! Cost per OT: `2^k/k` AES, a 128-bit transpose; `16/k` bytes one way. Floor: the same AES.

pub mod check;
mod folding;

use super::ggm::{self, LEVEL_BYTES};
use crate::aes::{Aes128, Block};
use crate::bits::{planes_to_rows, tail_mask};
use crate::error::{Error, Result, ensure};
use crate::simd::multiversion;
use folding::Folding;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// Security parameter: width of a row, and number of base OTs.
const KAPPA: usize = 128;
/// Bytes of one leaf stream that are worked on at a time: 8192 OTs.
const STREAM: usize = 1024;

/// Bytes of the receiver's message `U` for `n` OTs: `128/k` rows of `ceil(n/8)` bytes.
///
/// # Errors
/// `Range` if `k` is not 1, 2, 4 or 8 or `n` exceeds 2^40.
pub fn message_size(k: usize, n: usize) -> Result<usize> {
    check_k(k)?;
    ensure(n <= 1 << 40, Error::Range("at most 2^40 OTs in one call"))?;
    Ok(KAPPA / k * n.div_ceil(8))
}

fn check_k(k: usize) -> Result<()> {
    ensure(
        matches!(k, 1 | 2 | 4 | 8),
        Error::Range("k must be 1, 2, 4 or 8"),
    )
}

multiversion! {
    fn xor_into(to: &mut [u8], from: &[u8]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= from;
        }
    }
}

multiversion! {
    /// `to ⊕= mask ∧ from`.
    fn xor_masked(to: &mut [u8], from: &[u8], mask: u8) {
        for (to, from) in to.iter_mut().zip(from) {
            *to ^= from & mask;
        }
    }
}

/// Bits of a counter that count within a call: 2^34 blocks are more than 2^40 OTs take.
const CALL_BITS: u32 = 34;

/// The leaf ciphers of all trees, tree by tree.
struct Leaves {
    k: usize,
    ciphers: Vec<Aes128>,
    /// Counters at which a span has begun.
    used: BTreeSet<u128>,
}

/// Where the span of the counter begins that holds this block.
fn span(label: &Block) -> u128 {
    u128::from_be_bytes(*label) >> CALL_BITS << CALL_BITS
}

impl Leaves {
    fn new(k: usize, leaves: &[Block]) -> Self {
        Self {
            k,
            ciphers: leaves.iter().map(Aes128::new).collect(),
            used: BTreeSet::from(check::WITNESSED.map(|block| span(&block))),
        }
    }

    fn trees(&self) -> impl Iterator<Item = &[Aes128]> {
        self.ciphers.chunks_exact(1 << self.k)
    }

    /// The first counter of one call's streams; a label serves once.
    fn call(&mut self, label: &Block) -> Result<u128> {
        let start = span(label);
        ensure(
            self.used.insert(start),
            Error::Range("a label serves for one call only"),
        )?;
        Ok(start)
    }
}

/// Holder of the choice bits and of all leaves.
pub struct Receiver {
    leaves: Leaves,
    folding: Folding,
}

impl Receiver {
    /// From both outputs of 128 base OTs; the message corrects the trees (4096 bytes).
    ///
    /// `base: [[Block; 2]; 128]`; tree `i` uses OTs `i·k..(i+1)·k`. `seed` is fresh and secret.
    ///
    /// # Errors
    /// `Range` for a bad `k`; `Mismatch` unless there are 128 base OTs.
    pub fn start(k: usize, base: &[[Block; 2]], seed: &Block) -> Result<(Self, Vec<u8>)> {
        check_k(k)?;
        ensure(
            base.len() == KAPPA,
            Error::Mismatch("there must be 128 base OTs"),
        )?;
        let mut roots = Zeroizing::new(vec![0u8; KAPPA / k * 16]);
        Aes128::new(seed).keystream(0, &mut roots);
        let mut message = Vec::with_capacity(KAPPA * LEVEL_BYTES);
        let mut leaves = Zeroizing::new(Vec::with_capacity((KAPPA / k) << k));
        for (root, base) in roots.as_chunks::<16>().0.iter().zip(base.chunks_exact(k)) {
            // Level l decides bit k−1−l of the leaf number, and base OT i·k + b belongs to bit b.
            let levels: Vec<[Block; 2]> = base.iter().rev().copied().collect();
            leaves.extend_from_slice(&ggm::grow(*root, &levels, &mut message));
        }
        Ok((
            Self {
                leaves: Leaves::new(k, &leaves),
                folding: Folding::new(k),
            },
            message,
        ))
    }

    /// Bytes of the message `U` of a call with `n` OTs.
    ///
    /// # Errors
    /// As [`message_size`].
    pub fn message_size(&self, n: usize) -> Result<usize> {
        message_size(self.leaves.k, n)
    }

    /// Whether `choices` fits `n` OTs, before room is made for them.
    ///
    /// # Errors
    /// `Mismatch` unless there are `ceil(n/8)` bytes of choices.
    pub fn check(&self, choices: &[u8], n: usize) -> Result<()> {
        let fits = choices.len() == n.div_ceil(8);
        ensure(fits, Error::Mismatch("choices must have ceil(n/8) bytes"))
    }

    /// `n = rows.len()` OTs with the given choice bits (packed little-endian).
    ///
    /// `rows` receives `t`; `message`, of [`Self::message_size`] bytes, receives `U` with a zero tail.
    ///
    /// # Errors
    /// `Mismatch` if choices or message have another length; `Range` if the label was used before.
    pub fn extend(
        &mut self,
        label: &Block,
        choices: &[u8],
        rows: &mut [Block],
        message: &mut [u8],
    ) -> Result<()> {
        self.extend_seen(label, choices, rows.len(), rows, message, |_, _, _| {})
    }

    /// As [`Self::extend`] for `n` OTs, of which `rows` wants the first; `see` gets the first byte of each chunk in turn,
    /// its bytes and its planes.
    fn extend_seen(
        &mut self,
        label: &Block,
        choices: &[u8],
        n: usize,
        rows: &mut [Block],
        message: &mut [u8],
        mut see: impl FnMut(usize, usize, &[u8]),
    ) -> Result<()> {
        self.check(choices, n)?;
        let fits = message.len() == self.message_size(n)?;
        ensure(
            fits,
            Error::Mismatch("message must have message_size bytes"),
        )?;
        let row_bytes = n.div_ceil(8);
        let start = self.leaves.call(label)?;
        let folding = &mut self.folding;
        let mut rows = rows.chunks_mut(8 * STREAM);
        for at in (0..n.div_ceil(8)).step_by(STREAM) {
            let used = (n.div_ceil(8) - at).min(STREAM);
            let counter = start + (at / 16) as u128;
            for (tree, leaves) in self.leaves.trees().enumerate() {
                let u = folding.tree(tree, leaves, false, counter, used.next_multiple_of(64));
                let correction = &mut message[tree * row_bytes + at..][..used];
                correction.copy_from_slice(&u[..used]);
                xor_into(correction, &choices[at..at + used]);
            }
            see(at, used, &folding.planes);
            if let Some(rows) = rows.next() {
                planes_to_rows(&folding.planes, STREAM, rows);
            }
        }
        for row in message.chunks_exact_mut(row_bytes.max(1)) {
            row[row_bytes - 1] &= tail_mask(n);
        }
        Ok(())
    }
}

/// Holder of `Δ` and of all leaves but one.
pub struct Sender {
    leaves: Leaves,
    folding: Folding,
    delta: Zeroizing<Block>,
}

impl Sender {
    /// From the chosen outputs of 128 base OTs and the receiver's tree corrections.
    ///
    /// `delta_choices: u8[128]` are the base OT choices; bit `i` of `Δ` is `delta_choices[i]`.
    ///
    /// # Errors
    /// `Range` for a bad `k` or choice; `Mismatch` unless there are 128 base OTs; `Malformed` unless the
    /// message has 4096 bytes.
    pub fn start(k: usize, delta_choices: &[u8], base: &[Block], message: &[u8]) -> Result<Self> {
        check_k(k)?;
        let complete = base.len() == KAPPA && delta_choices.len() == KAPPA;
        ensure(complete, Error::Mismatch("there must be 128 base OTs"))?;
        let above = delta_choices
            .iter()
            .fold(0u8, |seen, choice| seen | (choice & !1));
        ensure(above == 0, Error::Range("choices must be 0 or 1"))?;
        let (corrections, rest) = message.as_chunks::<LEVEL_BYTES>();
        ensure(
            rest.is_empty() && corrections.len() == KAPPA,
            Error::Malformed("the tree corrections must have 4096 bytes"),
        )?;
        let mut delta = Zeroizing::new([0u8; 16]);
        for (index, choice) in delta_choices.iter().enumerate() {
            delta[index / 8] |= choice << (index % 8);
        }
        let mut leaves = Zeroizing::new(Vec::with_capacity((KAPPA / k) << k));
        for (tree, corrections) in corrections.chunks_exact(k).enumerate() {
            let span = tree * k..(tree + 1) * k;
            let path: Zeroizing<Vec<u8>> =
                Zeroizing::new(delta_choices[span.clone()].iter().rev().copied().collect());
            let pads: Zeroizing<Vec<Block>> =
                Zeroizing::new(base[span].iter().rev().copied().collect());
            leaves.extend_from_slice(&ggm::grow_punctured(&path, &pads, corrections));
        }
        Ok(Self {
            leaves: Leaves::new(k, &leaves),
            folding: Folding::new(k),
            delta,
        })
    }

    /// `Δ`, bit `i` in bit `i % 8` of byte `i / 8`.
    #[must_use]
    pub fn delta(&self) -> &Block {
        &self.delta
    }

    /// Whether `U` fits `n` OTs, before room is made for them.
    ///
    /// # Errors
    /// `Malformed` unless it has [`message_size`] bytes and a zero tail.
    pub fn check(&self, message: &[u8], n: usize) -> Result<()> {
        let size = message_size(self.leaves.k, n)?;
        let row_bytes = n.div_ceil(8);
        let clean_tails = || {
            let mut rows = message.chunks_exact(row_bytes.max(1));
            rows.all(|row| row[row_bytes - 1] & !tail_mask(n) == 0)
        };
        ensure(
            message.len() == size && clean_tails(),
            Error::Malformed("the extension message has the wrong size or a dirty tail"),
        )
    }

    /// `n = rows.len()` OTs: rows `q[n]` from the receiver's message `U`.
    ///
    /// # Errors
    /// `Malformed` unless `U` has [`message_size`] bytes and a zero tail; `Range` if the label was used
    /// before.
    pub fn extend(&mut self, label: &Block, message: &[u8], rows: &mut [Block]) -> Result<()> {
        self.extend_seen(label, message, rows.len(), rows, |_, _, _| {})
    }

    /// As [`Self::extend`] for `n` OTs, of which `rows` wants the first; `see` gets the first byte of each chunk in turn,
    /// its bytes and its planes.
    fn extend_seen(
        &mut self,
        label: &Block,
        message: &[u8],
        n: usize,
        rows: &mut [Block],
        mut see: impl FnMut(usize, usize, &[u8]),
    ) -> Result<()> {
        let k = self.leaves.k;
        self.check(message, n)?;
        let row_bytes = n.div_ceil(8);
        let start = self.leaves.call(label)?;
        let folding = &mut self.folding;
        let mut rows = rows.chunks_mut(8 * STREAM);
        for at in (0..n.div_ceil(8)).step_by(STREAM) {
            let used = (n.div_ceil(8) - at).min(STREAM);
            let counter = start + (at / 16) as u128;
            for (tree, leaves) in self.leaves.trees().enumerate() {
                folding.tree(tree, leaves, true, counter, used.next_multiple_of(64));
                let correction = &message[tree * row_bytes + at..][..used];
                for bit in tree * k..(tree + 1) * k {
                    let mask = ((self.delta[bit / 8] >> (bit % 8)) & 1).wrapping_neg();
                    xor_masked(
                        &mut folding.planes[bit * STREAM..][..used],
                        correction,
                        mask,
                    );
                }
            }
            see(at, used, &folding.planes);
            if let Some(rows) = rows.next() {
                planes_to_rows(&folding.planes, STREAM, rows);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::aes::xor;
    use crate::bits::packed_bit;
    use crate::simd::on_every_tier;
    use crate::testing;

    /// Rows `t` and `q` of one call.
    pub(crate) fn rows(
        (receiver, sender): &mut (Receiver, Sender),
        label: &Block,
        choices: &[u8],
        n: usize,
    ) -> (Vec<Block>, Vec<Block>) {
        let (mut t, mut q) = (vec![[0; 16]; n], vec![[0; 16]; n]);
        let mut message = vec![0xaa; receiver.message_size(n).unwrap()];
        receiver
            .extend(label, choices, &mut t, &mut message)
            .unwrap();
        sender.extend(label, &message, &mut q).unwrap();
        (t, q)
    }

    /// A receiver and a sender with ideal base OTs.
    pub(crate) fn pair(k: usize, random: &mut testing::Stream) -> (Receiver, Sender) {
        let base = random.blocks(256).as_chunks::<2>().0.to_vec();
        let choices = random.bits(128);
        let chosen: Vec<Block> = base
            .iter()
            .zip(&choices)
            .map(|(pair, bit)| pair[usize::from(*bit)])
            .collect();
        let (receiver, message) = Receiver::start(k, &base, &random.blocks(1)[0]).unwrap();
        let sender = Sender::start(k, &choices, &chosen, &message).unwrap();
        for (bit, choice) in choices.iter().enumerate() {
            assert_eq!(packed_bit(sender.delta(), bit), *choice);
        }
        (receiver, sender)
    }

    #[test]
    fn rows_differ_by_choice_times_delta() {
        on_every_tier(|_| {
            let mut random = testing::Stream::new(8);
            for k in [1, 2, 4, 8] {
                let mut parties = pair(k, &mut random);
                for (call, n) in [0usize, 1, 7, 64, 129, 8191, 8193, 20001]
                    .into_iter()
                    .enumerate()
                {
                    let label = [call as u8; 16];
                    let choices = random.bytes(n.div_ceil(8));
                    let (t, q) = rows(&mut parties, &label, &choices, n);
                    for i in 0..n {
                        let mask = packed_bit(&choices, i).wrapping_neg();
                        assert_eq!(xor(t[i], parties.1.delta().map(|byte| byte & mask)), q[i]);
                    }
                    if n > 1 {
                        assert_ne!(t[0], t[1]);
                    }
                }
            }
        });
    }

    #[test]
    fn bad_calls_and_messages_are_refused() {
        let mut random = testing::Stream::new(9);
        let (mut receiver, mut sender) = pair(2, &mut random);
        let mut rows = vec![[0u8; 16]; 13];
        let mut message = vec![0; message_size(2, 13).unwrap()];
        let mut extend = |label: Block, choices: &[u8]| {
            receiver.extend(&label, choices, &mut rows.clone(), &mut message)
        };
        extend([1; 16], &[3, 1]).unwrap();
        assert!(matches!(extend([1; 16], &[3, 1]), Err(Error::Range(_))));
        let mut neighbour = [1; 16];
        neighbour[15] = 0;
        for label in [neighbour, check::WITNESSED[0], check::WITNESSED[1]] {
            assert!(matches!(extend(label, &[3, 1]), Err(Error::Range(_))));
        }
        assert!(matches!(extend([2; 16], &[3]), Err(Error::Mismatch(_))));
        for len in [0, 1, message.len() - 1] {
            let short = sender.extend(&[1; 16], &message[..len], &mut rows);
            assert!(matches!(short, Err(Error::Malformed(_))));
        }
        let mut dirty = message.clone();
        dirty[1] |= 0x80;
        assert!(matches!(
            sender.extend(&[1; 16], &dirty, &mut rows),
            Err(Error::Malformed(_))
        ));
        sender.extend(&[1; 16], &message, &mut rows).unwrap();
        assert!(matches!(
            sender.extend(&[1; 16], &message, &mut rows),
            Err(Error::Range(_))
        ));
        for k in [0, 3, 16] {
            assert!(message_size(k, 1).is_err());
            assert!(Receiver::start(k, &vec![[[0; 16]; 2]; 128], &[0; 16]).is_err());
        }
        assert!(Receiver::start(2, &vec![[[0; 16]; 2]; 127], &[0; 16]).is_err());
        let start = |choices: &[u8], message: &[u8]| {
            Sender::start(2, choices, &[[0; 16]; 128], message).err()
        };
        assert!(matches!(
            start(&[0; 128], &[0; 4095]),
            Some(Error::Malformed(_))
        ));
        assert!(matches!(
            start(&[0; 127], &[0; 4096]),
            Some(Error::Mismatch(_))
        ));
        assert!(matches!(
            start(&[2; 128], &[0; 4096]),
            Some(Error::Range(_))
        ));
    }
}
