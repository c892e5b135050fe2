//! The local steps of truncating replicated values among three parties, a few hundred elements at a time.
//!
//! Source: `src/tacit/mpc/rep3/truncate.py`, which has the protocol, its theorem and its notation; here are
//! the two sides of that theorem, c at the evaluators (parties 0 and 1) and s at the helper (party 2), with
//! the masks d, m and the coins that go with them.
//! Setting: local; data-independent memory accesses and time.
//! Cost: one pass over the arguments; coins are made in the first-level cache and never stored.
//! Floor: reading and writing memory once, 8 bytes of AES-CTR for each coin.

mod carried;

use crate::bits::{gather_group, plane_words, scatter_group};
use crate::error::{Error, Result, ensure};
use crate::prg::Prg;
use crate::simd::multiversion;
pub use carried::{Carried, carried};

const GROUP: usize = 512;
type Values = [u64; GROUP];

/// Ring and shift: x mod 2^`ring_bits` is divided by 2^`bits`.
#[derive(Clone, Copy, Debug)]
pub struct Shift {
    ring_bits: usize,
    bits: usize,
}

impl Shift {
    /// # Errors
    /// `Range` unless `0 < bits <= ring_bits - 2` and `ring_bits <= 64`.
    pub fn new(ring_bits: usize, bits: usize) -> Result<Self> {
        let sound = (3..=64).contains(&ring_bits) && (1..=ring_bits - 2).contains(&bits);
        ensure(sound, Error::Range("bits must be in 1..=ring_bits - 2"))?;
        Ok(Self { ring_bits, bits })
    }

    /// Bits of every element that travel.
    #[must_use]
    pub fn bits(self) -> usize {
        self.bits
    }

    #[inline(always)]
    fn reduced(self, x: u64) -> u64 {
        x << (64 - self.ring_bits) >> (64 - self.ring_bits)
    }

    /// x in [0, 2^`ring_bits`): (x without its low bits, its top bit).
    #[inline(always)]
    fn split(self, x: u64) -> (u64, u64) {
        (x >> self.bits, x >> (self.ring_bits - 1))
    }

    /// To where the product V D goes, counted from the bit 2^0.
    #[inline(always)]
    fn place(self) -> usize {
        self.ring_bits - self.bits
    }
}

/// A stream of coins from a block on. One draw of `n` words takes `ceil(n / 2)` blocks.
#[derive(Clone)]
pub struct Coins<'a> {
    prg: &'a Prg,
    block: u128,
}

impl<'a> Coins<'a> {
    /// From `block` of `prg` on.
    #[must_use]
    pub fn new(prg: &'a Prg, block: u128) -> Self {
        Self { prg, block }
    }

    /// What is left after a draw of `n` words.
    #[must_use]
    pub fn after(&self, n: usize) -> Self {
        let block = self.block.wrapping_add(n.div_ceil(2) as u128);
        Self::new(self.prg, block)
    }

    #[inline(always)]
    fn words(&self, group: usize, out: &mut Values) {
        let mut bytes = [[0u8; 8]; GROUP];
        let block = self.block.wrapping_add((group * GROUP / 2) as u128);
        self.prg.fill(block, bytes.as_flattened_mut());
        for (word, bytes) in out.iter_mut().zip(&bytes) {
            *word = u64::from_le_bytes(*bytes);
        }
    }

    /// (d, m) of one group of `n` elements in all: one draw has both if they fit into a word.
    #[inline(always)]
    fn masks(&self, shift: Shift, n: usize, group: usize, d: &mut Values, m: &mut Values) {
        self.words(group, d);
        if shift.bits > 32 {
            return self.after(n).words(group, m);
        }
        for (m, d) in m.iter_mut().zip(d.iter()) {
            *m = *d >> 32;
        }
    }

    /// What is left after the masks of `n` elements.
    fn after_masks(&self, shift: Shift, n: usize) -> Self {
        let rest = self.after(n);
        if shift.bits > 32 { rest.after(n) } else { rest }
    }
}

/// What the helper's s is made of.
#[derive(Clone, Copy)]
pub enum Helped<'a> {
    /// t_2, from which the coins r_0 and r_1 are taken first.
    Product(&'a [u64]),
    /// Its two addends.
    Addends(&'a [u64], &'a [u64]),
}

impl Helped<'_> {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Product(t) | Self::Addends(t, _) => t.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the helper makes: its addend z_2, the coins z_0 that it shares with party 0, and the planes of
/// D - d_0 for party 1 and D - d_1 for party 0 (the last only for a truncation alone; else empty).
pub struct HelperOut<'a> {
    /// `u64[n]`
    pub z_2: &'a mut [u64],
    /// `u64[n]`
    pub z_0: &'a mut [u64],
    /// `u64[bits, ceil(n/64)]`
    pub for_1: &'a mut [u64],
    /// `u64[bits, ceil(n/64)]` or empty
    pub for_0: &'a mut [u64],
}

/// The helper's step; `coins` are those common with parties 0 and 1, in the order r (for a product), masks,
/// z_0 (with party 0).
///
/// # Errors
/// `Mismatch` if lengths do not fit.
pub fn helper(
    shift: Shift,
    from: Helped<'_>,
    coins: [Coins<'_>; 2],
    out: HelperOut<'_>,
) -> Result<()> {
    let n = from.len();
    let both = match from {
        Helped::Product(_) => true,
        Helped::Addends(_, second) => second.len() == n,
    };
    let planes = shift.bits * plane_words(n);
    let alone = matches!(from, Helped::Addends(..));
    ensure(
        both && out.z_2.len() == n
            && out.z_0.len() == n
            && out.for_1.len() == planes
            && out.for_0.len() == if alone { planes } else { 0 },
        Error::Mismatch("arrays must have as many elements as the value"),
    )?;
    if n > 0 {
        helper_groups(shift, from, coins, out);
    }
    Ok(())
}

multiversion! {
    fn helper_groups(shift: Shift, from: Helped<'_>, coins: [Coins<'_>; 2], out: HelperOut<'_>) {
        let n = from.len();
        let words = plane_words(n);
        let blinds = coins.clone();
        let masks = match from {
            Helped::Product(_) => [coins[0].after(n), coins[1].after(n)],
            Helped::Addends(..) => coins,
        };
        let own = masks[0].after_masks(shift, n);
        let [mut s, mut d_0, mut d_1, mut m_0, mut m_1, mut z_0] = [[0u64; GROUP]; 6];
        for group in 0..n.div_ceil(GROUP) {
            let span = GROUP * group..n.min(GROUP * (group + 1));
            let len = span.len();
            match from {
                Helped::Product(t) => {
                    s[..len].copy_from_slice(&t[span.clone()]);
                    blinds[0].words(group, &mut d_0);
                    blinds[1].words(group, &mut d_1);
                    for i in 0..GROUP {
                        s[i] = s[i].wrapping_sub(d_0[i]).wrapping_sub(d_1[i]);
                    }
                }
                Helped::Addends(first, second) => {
                    s[..len].copy_from_slice(&first[span.clone()]);
                    for (s, other) in s.iter_mut().zip(&second[span.clone()]) {
                        *s = s.wrapping_add(*other);
                    }
                }
            }
            masks[0].masks(shift, n, group, &mut d_0, &mut m_0);
            masks[1].masks(shift, n, group, &mut d_1, &mut m_1);
            own.words(group, &mut z_0);
            for i in 0..GROUP {
                let (part, top) = shift.split(shift.reduced(s[i]));
                s[i] = part
                    .wrapping_add(m_0[i].wrapping_add(m_1[i]) << shift.place())
                    .wrapping_sub(z_0[i]);
                d_0[i] = top.wrapping_sub(d_0[i]);
                d_1[i] = top.wrapping_sub(d_1[i]);
            }
            out.z_2[span.clone()].copy_from_slice(&s[..len]);
            out.z_0[span].copy_from_slice(&z_0[..len]);
            scatter_group(&d_0[..len], group, words, out.for_1);
            if !out.for_0.is_empty() {
                scatter_group(&d_1[..len], group, words, out.for_0);
            }
        }
    }
}

/// What an evaluator's c is made of.
#[derive(Clone, Copy)]
pub enum Opened<'a> {
    /// Its own blinded addend, the other evaluator's, and D - d_0 in planes where the helper has sent it.
    Product(&'a [u64], &'a [u64], Option<&'a [u64]>),
    /// c itself.
    Alone(&'a [u64]),
}

impl Opened<'_> {
    fn own(&self) -> &[u64] {
        match self {
            Self::Product(own, ..) | Self::Alone(own) => own,
        }
    }
}

/// An evaluator's step: c's part of the result `part: u64[n]` without what is sent of V D (after a product)
/// or without m (alone), and the message V d + m, `planes: u64[bits, ceil(n/64)]`.
///
/// # Errors
/// `Mismatch` if lengths do not fit.
pub fn evaluator(
    shift: Shift,
    from: Opened<'_>,
    masks: &Coins<'_>,
    part: &mut [u64],
    planes: &mut [u64],
) -> Result<()> {
    let n = from.own().len();
    let size = shift.bits * plane_words(n);
    let fits = match from {
        Opened::Product(_, received, given) => {
            received.len() == n && given.is_none_or(|given| given.len() == size)
        }
        Opened::Alone(_) => true,
    };
    ensure(
        fits && part.len() == n && planes.len() == size,
        Error::Mismatch("arrays must have as many elements as the value"),
    )?;
    if n > 0 {
        evaluator_groups(shift, from, masks, part, planes);
    }
    Ok(())
}

multiversion! {
    fn evaluator_groups(shift: Shift, from: Opened<'_>, masks: &Coins<'_>, part: &mut [u64], planes: &mut [u64]) {
        let n = part.len();
        let words = plane_words(n);
        let raise = 1u64 << (shift.ring_bits - 2);
        let offset = 1u64.wrapping_sub(raise >> shift.bits);
        let known = u64::from(matches!(from, Opened::Product(..))).wrapping_neg();
        let [mut c, mut d, mut m] = [[0u64; GROUP]; 3];
        for group in 0..n.div_ceil(GROUP) {
            let span = GROUP * group..n.min(GROUP * (group + 1));
            let len = span.len();
            masks.masks(shift, n, group, &mut d, &mut m);
            match from {
                Opened::Product(own, received, given) => {
                    c[..len].copy_from_slice(&own[span.clone()]);
                    for (c, other) in c.iter_mut().zip(&received[span.clone()]) {
                        *c = c.wrapping_add(*other);
                    }
                    if let Some(given) = given {
                        gather_group(given, group, words, &mut d[..len]);
                    }
                }
                Opened::Alone(own) => c[..len].copy_from_slice(&own[span.clone()]),
            }
            for i in 0..GROUP {
                let (high, top) = shift.split(shift.reduced(c[i].wrapping_add(raise)));
                let product = d[i] & top.wrapping_sub(1);
                d[i] = product.wrapping_add(m[i]);
                c[i] = high
                    .wrapping_sub(top << shift.place())
                    .wrapping_add(offset)
                    .wrapping_sub((product & known).wrapping_add(m[i]) << shift.place());
            }
            part[span].copy_from_slice(&c[..len]);
            scatter_group(&d[..len], group, words, planes);
        }
    }
}

/// An evaluator's last step: takes what was received of V D off `part`, in place.
///
/// `received`: the other evaluator's planes. `given`: only alone, c and the helper's planes of D - d.
///
/// # Errors
/// `Mismatch` if lengths do not fit.
pub fn finish(
    shift: Shift,
    part: &mut [u64],
    received: &[u64],
    given: Option<(&[u64], &[u64])>,
) -> Result<()> {
    let size = shift.bits * plane_words(part.len());
    let fits = given.is_none_or(|(c, planes)| c.len() == part.len() && planes.len() == size);
    ensure(
        fits && received.len() == size,
        Error::Mismatch("arrays must have as many elements as the value"),
    )?;
    if !part.is_empty() {
        finish_groups(shift, part, received, given);
    }
    Ok(())
}

multiversion! {
    fn finish_groups(shift: Shift, part: &mut [u64], received: &[u64], given: Option<(&[u64], &[u64])>) {
        let n = part.len();
        let words = plane_words(n);
        let raise = 1u64 << (shift.ring_bits - 2);
        let [mut e, mut d] = [[0u64; GROUP]; 2];
        for group in 0..n.div_ceil(GROUP) {
            let span = GROUP * group..n.min(GROUP * (group + 1));
            gather_group(received, group, words, &mut e[..span.len()]);
            if let Some((c, planes)) = given {
                gather_group(planes, group, words, &mut d[..span.len()]);
                for (i, c) in c[span.clone()].iter().enumerate() {
                    let (_, top) = shift.split(shift.reduced(c.wrapping_add(raise)));
                    e[i] = e[i].wrapping_add(d[i] & top.wrapping_sub(1));
                }
            }
            for (part, e) in part[span].iter_mut().zip(&e) {
                *part = part.wrapping_sub(*e << shift.place());
            }
        }
    }
}

#[cfg(test)]
mod tests;
