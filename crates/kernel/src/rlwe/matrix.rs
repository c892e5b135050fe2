//! The owner of X: plaintext polynomials, products, masking, flooding, rounding.

use super::key::{PublicKey, outputs, pairs, public_stream, unseal};
use super::layout::{Layout, SEED_BYTES, polynomial_size};
use super::modulus::{ANSWER_A_BYTES, ANSWER_B_BYTES, Basis, Fixed, Limb, round_80};
use super::ntt::{self, TILE, TILES, Tile};
use super::prime::{N, at_most_once};
use super::sample::{POLYNOMIAL_BLOCKS, lift_small, noise, ternary, words};
use crate::error::{Error, Result, ensure};
use crate::prg::Prg;
use crate::wipe::Wiped;
use std::sync::Mutex;

/// Row blocks that are multiplied at a time. Many, if the ciphertexts are so long that each group reads them
/// from memory; few, if they are not, so that the sums stay in the caches.
const GROUP_ROWS: usize = 8;
const GROUP_ROWS_SHORT: usize = 2;
const SHORT: usize = 32;
/// Bounds of a group's memory: some tens of megabytes.
const GROUP_SUMS: usize = 48;
const GROUP_POLYNOMIALS: usize = 512;

/// Blocks of the coins of one answer.
const ANSWER_BLOCKS: u128 = 8 * POLYNOMIAL_BLOCKS;

/// X with its layout. Wiped on drop.
pub struct Matrix {
    layout: Layout,
    x: Wiped<u64>,
    /// Transformed polynomials by group of row blocks and by prime, if they are kept.
    kept: Vec<Vec<Wiped<Tile>>>,
    scratch: Mutex<Option<Scratch>>,
}

/// Working memory of a product, in which every word is written before it is read.
struct Scratch {
    tiles: Tiles,
    sums: Wiped<u64>,
    /// Polynomials of a group, unless they are kept.
    room: Wiped<Tile>,
}

impl Scratch {
    fn words(&self) -> usize {
        let tiles: usize = self.tiles.iter().map(Vec::len).sum();
        2 * TILE * tiles + self.sums.len()
    }
}

/// The longest working memory that a matrix keeps for its next product, in words. Fresh pages would cost as
/// much time as a short product takes.
const SCRATCH_WORDS: usize = 1 << 23;

/// W encrypted: by prime, tiles in the order (tile, column block, inner block).
type Tiles = Vec<Vec<[Tile; 2]>>;

impl Matrix {
    /// Takes `x: [rows, inner]`; with `keep`, transforms it once for all products, which takes
    /// `layout.kept_size()` bytes.
    ///
    /// # Errors
    /// `Mismatch` if x has another length, `Range` if an element is out of the layout's `x_bits`.
    pub fn new(layout: Layout, x: &[u64], keep: bool) -> Result<Self> {
        let fits = x.len() == layout.rows * layout.inner;
        ensure(fits, Error::Mismatch("x must have the layout's size"))?;
        let half = 1u64 << (layout.x_bits - 1);
        let beyond = x.iter().fold(0, |all, x| {
            all | (x.wrapping_add(half) >> (layout.x_bits - 1) >> 1)
        });
        ensure(
            beyond == 0,
            Error::Range("an element of x has more than x_bits bits"),
        )?;
        let mut copy = Wiped::filled(0u64, x.len());
        copy.copy_from_slice(x);
        let mut matrix = Self {
            layout,
            x: copy,
            kept: Vec::new(),
            scratch: Mutex::new(None),
        };
        if keep {
            let limbs = &layout.modulus.basis().limbs;
            matrix.kept = matrix
                .groups()
                .map(|rows| {
                    let transformed = |limb| {
                        let mut tiles = matrix.room(rows);
                        matrix.transform(limb, rows, &mut tiles);
                        tiles
                    };
                    limbs.iter().map(transformed).collect()
                })
                .collect();
        }
        Ok(matrix)
    }

    /// The layout that X was cut by.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// `(first row block, end)` of each group.
    fn groups(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let [rows, inner, columns] = self.layout.blocks();
        let most = if self.layout.fresh() <= SHORT {
            GROUP_ROWS_SHORT
        } else {
            GROUP_ROWS
        };
        let size = most
            .min(GROUP_SUMS / columns)
            .min(GROUP_POLYNOMIALS / inner)
            .max(1);
        (0..rows)
            .step_by(size)
            .map(move |from| (from, rows.min(from + size)))
    }

    /// Room for the transformed polynomials of a group modulo one prime.
    fn room(&self, (from, end): (usize, usize)) -> Wiped<Tile> {
        let [_, inner, _] = self.layout.blocks();
        Wiped::filled([0u64; TILE], TILES * (end - from) * inner)
    }

    /// The transformed polynomials of a group, tiles in the order (tile, row block, inner block).
    fn transform(&self, limb: &Limb, (from, end): (usize, usize), tiles: &mut [Tile]) {
        let [_, inner, _] = self.layout.blocks();
        let count = (end - from) * inner;
        let (mut values, mut polynomial) = (Wiped::filled(0u64, N), Wiped::filled(0u64, N));
        for index in 0..count {
            self.place(from + index / inner, index % inner, &mut values);
            ntt::lift(&limb.prime, &values, &mut polynomial);
            ntt::forward(&limb.prime, &mut polynomial);
            let to = tiles[index..].iter_mut().step_by(count);
            for (to, tile) in to.zip(polynomial.as_chunks::<TILE>().0) {
                *to = *tile;
            }
        }
    }

    /// The plaintext polynomial of a block: signed numbers as words.
    fn place(&self, row_block: usize, inner_block: usize, to: &mut [u64]) {
        let layout = &self.layout;
        to.fill(0);
        let stride = layout.block_inner * layout.block_columns;
        let rows = self
            .x
            .chunks_exact(layout.inner)
            .skip(row_block * layout.block_rows);
        for (slots, row) in to.chunks_mut(stride).zip(rows).take(layout.block_rows) {
            let values = row.iter().skip(inner_block * layout.block_inner);
            for (slot, value) in slots[..layout.block_inner].iter_mut().rev().zip(values) {
                *slot = *value;
            }
        }
    }

    fn scratch(&self) -> Scratch {
        let [_, inner, columns] = self.layout.blocks();
        let primes = self.layout.modulus.basis().limbs.len();
        // The first group is the largest: its room serves all.
        let first = self.groups().next().unwrap_or_default();
        let polynomials = if self.kept.is_empty() {
            first.1 * inner
        } else {
            0
        };
        Scratch {
            tiles: vec![vec![[[0; TILE]; 2]; TILES * inner * columns]; primes],
            sums: Wiped::filled(0, first.1 * columns * 2 * primes * N),
            room: Wiped::filled([0; TILE], TILES * polynomials),
        }
    }

    fn open(&self, message: &[u8], tiles: &mut Tiles) -> Result<()> {
        let modulus = self.layout.modulus;
        let size = message.len() == self.layout.fresh_size();
        ensure(
            size,
            Error::Malformed("ciphertexts have not the size of their layout"),
        )?;
        let (count, public) = (self.layout.fresh(), public_stream(message));
        let [_, inner, columns] = self.layout.blocks();
        let sealed = message[SEED_BYTES..].chunks_exact(polynomial_size(modulus));
        for (index, packed) in sealed.enumerate() {
            unseal(modulus, &public, index, packed, |limb, a, b| {
                let halves = b.as_chunks().0.iter().zip(a.as_chunks().0);
                let at = index % columns * inner + index / columns;
                let to = tiles[limb][at..].iter_mut().step_by(count);
                for (to, (b, a)) in to.zip(halves) {
                    *to = [*b, *a];
                }
            })?;
        }
        Ok(())
    }

    /// Multiplies: writes the answer, and my share of X·W as `[columns, rows]`.
    ///
    /// `seed`: 16 secret bytes, fresh for every call. Nothing is written unless the message is canonical.
    ///
    /// # Errors
    /// `Malformed` if the message has not `layout.fresh_size()` bytes or a residue is not canonical;
    /// `Mismatch` if another argument does not fit the layout.
    pub fn multiply(
        &self,
        key: &PublicKey,
        message: &[u8],
        seed: &[u8; 16],
        answer: &mut [u8],
        share: &mut [u64],
    ) -> Result<()> {
        let layout = &self.layout;
        let fits = key.modulus == layout.modulus
            && answer.len() == layout.answer_size()
            && share.len() == layout.rows * layout.columns;
        ensure(
            fits,
            Error::Mismatch("key, answer and share must fit the layout"),
        )?;
        let last = self.scratch.lock().ok().and_then(|mut last| last.take());
        let mut scratch = last.unwrap_or_else(|| self.scratch());
        self.open(message, &mut scratch.tiles)?;
        let answer = Answer {
            layout,
            key,
            coins: Prg::new(seed),
            rest: answer,
            share,
        };
        self.run(&mut scratch, answer);
        if !self.kept.is_empty()
            && scratch.words() <= SCRATCH_WORDS
            && let Ok(mut last) = self.scratch.lock()
        {
            *last = Some(scratch);
        }
        Ok(())
    }

    /// All products and all answers, group by group.
    fn run(&self, scratch: &mut Scratch, mut answer: Answer) {
        let Scratch { tiles, sums, room } = scratch;
        let [_, inner, columns] = self.layout.blocks();
        let limbs = &self.layout.modulus.basis().limbs;
        let mut blocks = pairs(&self.layout);
        for (group, (from, end)) in self.groups().enumerate() {
            for (i, limb) in limbs.iter().enumerate() {
                let plain: &[Tile] = if let Some(kept) = self.kept.get(group) {
                    &kept[i]
                } else {
                    let room = &mut room[..TILES * (end - from) * inner];
                    self.transform(limb, (from, end), room);
                    room
                };
                self.products(limb, i, plain, &tiles[i], sums);
            }
            let sums = sums
                .chunks_exact_mut(2 * limbs.len() * N)
                .take((end - from) * columns);
            // In this order: `zip` asks its first side first, and must not eat a block of the next group.
            for (sums, (row_block, column_block)) in sums.zip(blocks.by_ref()) {
                answer.finish(row_block, column_block, sums);
            }
        }
    }

    /// All sums of a group modulo one prime, to `sums` in the order (row block, column block, half, prime).
    fn products(
        &self,
        limb: &Limb,
        i: usize,
        plain: &[Tile],
        cipher: &[[Tile; 2]],
        sums: &mut [u64],
    ) {
        let [_, inner, columns] = self.layout.blocks();
        let primes = self.layout.modulus.basis().limbs.len();
        let plain = plain.chunks_exact(plain.len() / TILES);
        let cipher = cipher.chunks_exact(cipher.len() / TILES);
        for (tile, (plain, cipher)) in plain.zip(cipher).enumerate() {
            for (row, plain) in plain.chunks_exact(inner).enumerate() {
                for column in 0..columns {
                    let (mut b, mut a) = ([0; TILE], [0; TILE]);
                    let cipher = &cipher[column * inner..][..inner];
                    ntt::dot(&limb.prime, plain, cipher, [&mut b, &mut a]);
                    let first = (2 * (row * columns + column) * primes + i) * N + tile * TILE;
                    sums[first..first + TILE].copy_from_slice(&b);
                    let second = first + primes * N;
                    sums[second..second + TILE].copy_from_slice(&a);
                }
            }
        }
    }
}

/// An answer that is being written.
struct Answer<'a> {
    layout: &'a Layout,
    key: &'a PublicKey,
    coins: Prg,
    rest: &'a mut [u8],
    share: &'a mut [u64],
}

impl Answer<'_> {
    /// Re-randomises, masks, floods and rounds one pair of sums.
    fn finish(&mut self, row_block: usize, column_block: usize, sums: &mut [u64]) {
        let basis = self.layout.modulus.basis();
        let [_, _, columns] = self.layout.blocks();
        let start = (row_block * columns + column_block) as u128 * ANSWER_BLOCKS;
        let (c0, c1) = sums.split_at_mut(basis.limbs.len() * N);
        self.add_zero(basis, start, c0, c1);
        let (head, rest) = core::mem::take(&mut self.rest).split_at_mut(N * ANSWER_A_BYTES);
        round_80(basis, c1, head.as_chunks_mut().0);
        let outputs = outputs(self.layout, row_block, column_block);
        let count = outputs.clone().count();
        let (head, rest) = rest.split_at_mut(count * ANSWER_B_BYTES);
        self.rest = rest;
        let flood = words(&self.coins, start + 2 * POLYNOMIAL_BLOCKS, 3 * count);
        let masks = words(&self.coins, start + 5 * POLYNOMIAL_BLOCKS, count);
        let coins = flood.as_chunks::<3>().0.iter().zip(masks.iter());
        let head = head.as_chunks_mut::<ANSWER_B_BYTES>().0;
        for (((position, at), (flood, mask)), out) in outputs.zip(coins).zip(head) {
            let (flood, remainder) = (basis.flood_words(*flood), basis.remainder(*mask));
            let y = |i: usize| {
                let limb = &basis.limbs[i];
                let c = c0[i * N + position] + limb.flood(flood) + limb.scaled(remainder);
                limb.fraction(c)
            };
            *out = Fixed::sum(&basis.limbs, y, 31).first_72();
            self.share[at] = mask.wrapping_neg();
        }
    }

    /// Adds a fresh encryption of zero, `(pk0·u, pk1·u + e1)`, and turns c1 into fractions.
    ///
    /// The noise of its first half is part of the flooding.
    fn add_zero(&self, basis: &Basis, start: u128, c0: &mut [u64], c1: &mut [u64]) {
        let u = ternary(&self.coins, start);
        let e1 = noise(&self.coins, start + POLYNOMIAL_BLOCKS);
        let mut small = Wiped::filled(0u64, N);
        let halves = c0.chunks_exact_mut(N).zip(c1.chunks_exact_mut(N));
        let keys = self.key.b.chunks_exact(N).zip(self.key.a.chunks_exact(N));
        for ((limb, (c0, c1)), (pk0, pk1)) in basis.limbs.iter().zip(halves).zip(keys) {
            let prime = &limb.prime;
            lift_small(prime, &u, &mut small);
            ntt::forward(prime, &mut small);
            ntt::multiply_add(prime, c0, pk0, &small);
            ntt::multiply_add(prime, c1, pk1, &small);
            ntt::inverse(prime, c0);
            ntt::inverse(prime, c1);
            lift_small(prime, &e1, &mut small);
            for (c1, e1) in c1.iter_mut().zip(small.iter()) {
                *c1 = at_most_once(*c1 + e1, prime.p);
            }
            limb.fractions(c1);
        }
    }
}

#[cfg(test)]
impl Matrix {
    /// Residues of the phase of the first pair of blocks before anything is added to it.
    pub(super) fn phases(&self, message: &[u8], key: &super::SecretKey) -> Vec<u64> {
        let mut tiles = self.scratch().tiles;
        self.open(message, &mut tiles).unwrap();
        let limbs = &self.layout.modulus.basis().limbs;
        let [_, _, columns] = self.layout.blocks();
        let mut phases = Vec::new();
        for (i, limb) in limbs.iter().enumerate() {
            let mut sums = vec![0; columns * 2 * limbs.len() * N];
            let mut room = self.room((0, 1));
            self.transform(limb, (0, 1), &mut room);
            self.products(limb, i, &room, &tiles[i], &mut sums);
            let mut phase = sums[i * N..(i + 1) * N].to_vec();
            let c1 = &sums[(limbs.len() + i) * N..][..N];
            ntt::multiply_add(&limb.prime, &mut phase, c1, &key.secret(i));
            ntt::inverse(&limb.prime, &mut phase);
            phases.extend(phase);
        }
        phases
    }

    /// The first pair's polynomial over Z_2^64 by the definition, from the decrypted messages.
    pub(super) fn plain_products(&self, key: &super::SecretKey, message: &[u8]) -> Vec<u64> {
        let [_, inner, columns] = self.layout.blocks();
        let mut sum = vec![0u64; N];
        for block in 0..inner {
            let mut x = vec![0; N];
            self.place(0, block, &mut x);
            let w = key.open(&self.layout, message, block * columns);
            for (i, x) in x.iter().enumerate().filter(|(_, x)| **x != 0) {
                for (j, w) in w.iter().enumerate() {
                    let product = x.wrapping_mul(*w);
                    let to = &mut sum[(i + j) % N];
                    *to = if i + j < N {
                        to.wrapping_add(product)
                    } else {
                        to.wrapping_sub(product)
                    };
                }
            }
        }
        sum
    }
}
