//! How a matrix product is cut into polynomial products, and the budget that it must keep.
//!
//! Source: Cheetah 2022 (ePrint 2022/207) §3, Π_i^FC generalised to blocks of rows, inner positions and
//! columns. Setting: public arithmetic on shapes.
//! Notation: blocks of `a` rows, `b` inner positions and `c` columns, `a·b·c ≤ N`. The plaintext polynomial
//! of X has `X[i, j]` at `i·b·c + b - 1 - j`, the encrypted one of W has `W[j, k]` at `k·b + j`; their
//! product has the block of `X·W` at `(i·c + k)·b + b - 1` and other sums of products elsewhere.

use super::bits::packed_size;
use super::modulus::{ANSWER_A_BYTES, ANSWER_B_BYTES, Modulus};
use super::ntt::MAX_TERMS;
use super::prime::N;
use super::sample::NOISE_BOUND;
use crate::error::{Error, Result, ensure};

/// A job sends at most `2^28` masked coefficients; its total distance from ideal is at most `2^-40`.
pub const JOB_OUTPUTS_BITS: u32 = 28;
/// log2 of the least ratio of flooding to noise: `Σ V/2^(f+1) ≤ 2^-40` over all coefficients of the job.
pub(super) const FLOOD_RATIO_BITS: u32 = 40 + JOB_OUTPUTS_BITS - 1;

/// Bytes of the seed of the uniform polynomials at the head of a message.
pub(super) const SEED_BYTES: usize = 16;

/// Sides are at most `2^26`, matrices have at most `2^34` elements: sizes in bytes do not overflow.
const MAX_SIDE: usize = 1 << 26;
const MAX_AREA: usize = 1 << 34;

/// Nanoseconds that the plan reckons with: measured on one Zen 5 core, and a link of 4 Gbit/s.
const NS_PER_BYTE: u128 = 2;
const NS_FRESH: u128 = 250_000;
const NS_ANSWER: u128 = 200_000;
const NS_TRANSFORM: u128 = 12_000;
const NS_PRODUCT: u128 = 1_000;

/// The plan of `X·W`, `X: [rows, inner]`, `W: [inner, columns]`; both parties compute the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(super) modulus: Modulus,
    pub(super) x_bits: u32,
    pub(super) rows: usize,
    pub(super) inner: usize,
    pub(super) columns: usize,
    pub(super) block_rows: usize,
    pub(super) block_inner: usize,
    pub(super) block_columns: usize,
}

impl Layout {
    /// The cheapest plan whose noise stays in budget.
    ///
    /// X is signed: `-2^(x_bits-1) ≤ X < 2^(x_bits-1)`.
    ///
    /// # Errors
    /// `Range` if a side is 0 or above `2^26`, a matrix has more than `2^34` elements, `x_bits` is not 1..64,
    /// or the noise is beyond what the modulus leaves after flooding: then a larger modulus, fewer bits or a
    /// shorter inner side are needed.
    pub fn plan(
        (rows, inner, columns): (usize, usize, usize),
        x_bits: usize,
        modulus: Modulus,
    ) -> Result<Self> {
        let sides = [rows, inner, columns]
            .iter()
            .all(|side| (1..=MAX_SIDE).contains(side));
        ensure(sides, Error::Range("sides must be 1..2^26"))?;
        let areas = [rows * inner, inner * columns, rows * columns];
        ensure(
            areas.iter().all(|area| *area <= MAX_AREA),
            Error::Range("matrices must have at most 2^34 elements"),
        )?;
        ensure(
            (1..=64).contains(&x_bits),
            Error::Range("x_bits must be 1..64"),
        )?;
        let mut best: Option<(u128, Self)> = None;
        for block_inner in block_sides(inner).filter(|side| inner.div_ceil(*side) <= MAX_TERMS) {
            for block_columns in block_sides(columns).filter(|side| side * block_inner <= N) {
                let mut layout = Self {
                    modulus,
                    x_bits: x_bits as u32,
                    rows,
                    inner,
                    columns,
                    block_rows: 1,
                    block_inner,
                    block_columns,
                };
                let most = (N / (block_inner * block_columns)).min(layout.most_rows());
                if most == 0 {
                    continue;
                }
                layout.block_rows = rows.div_ceil(rows.div_ceil(most));
                let cost = layout.cost_ns();
                if best.is_none_or(|(least, _)| cost < least) {
                    best = Some((cost, layout));
                }
            }
        }
        best.map(|(_, layout)| layout).ok_or(Error::Range(
            "the modulus is too small for x_bits and the inner side",
        ))
    }

    /// Rows, inner side, columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize, usize) {
        (self.rows, self.inner, self.columns)
    }

    /// Row blocks, inner blocks, column blocks.
    pub(super) fn blocks(&self) -> [usize; 3] {
        [
            self.rows.div_ceil(self.block_rows),
            self.inner.div_ceil(self.block_inner),
            self.columns.div_ceil(self.block_columns),
        ]
    }

    /// Encrypted polynomials.
    #[must_use]
    pub fn fresh(&self) -> usize {
        let [_, inner, columns] = self.blocks();
        inner * columns
    }

    /// Returned ciphertexts.
    #[must_use]
    pub fn answers(&self) -> usize {
        let [rows, _, columns] = self.blocks();
        rows * columns
    }

    /// Bytes of the message of W's owner.
    #[must_use]
    pub fn fresh_size(&self) -> usize {
        SEED_BYTES + self.fresh() * polynomial_size(self.modulus)
    }

    /// Bytes of the message of X's owner.
    #[must_use]
    pub fn answer_size(&self) -> usize {
        self.answers() * N * ANSWER_A_BYTES + self.rows * self.columns * ANSWER_B_BYTES
    }

    /// Bytes of a `Matrix` that keeps its transformed polynomials.
    #[must_use]
    pub fn kept_size(&self) -> usize {
        let [rows, inner, _] = self.blocks();
        rows * inner * self.modulus.size().0 * N * 8
    }

    /// Bound V on the noise of every coefficient before flooding: products, the fresh encryption of zero
    /// and the two roundings to multiples of `q/t`.
    #[must_use]
    pub fn noise_bound(&self) -> u128 {
        self.products_bound(self.block_rows).unwrap_or(u128::MAX) + zero_bound()
    }

    fn products_bound(&self, block_rows: usize) -> Option<u128> {
        let terms = (block_rows as u128).checked_mul(self.inner as u128)?;
        // Each term is |X| ≤ 2^(x_bits-1) times noise and a rounding error of at most 1/2: 21.5.
        let twice = terms.checked_mul(2 * NOISE_BOUND + 1)?;
        (twice << (self.x_bits - 1))
            .checked_add(1)
            .map(|twice| twice / 2)
    }

    /// The most rows of a block for which V keeps the flooding ratio.
    fn most_rows(&self) -> usize {
        let limit = 1u128 << (self.modulus.flood_bits() - FLOOD_RATIO_BITS);
        let fits = |rows: usize| {
            self.products_bound(rows)
                .is_some_and(|bound| bound + zero_bound() <= limit)
        };
        let (mut most, mut step) = (0, N);
        while step > 0 {
            if fits(most + step) {
                most += step;
            }
            step /= 2;
        }
        most
    }

    fn cost_ns(&self) -> u128 {
        let [rows, inner, columns] = self.blocks().map(|n| n as u128);
        let (primes, _, _) = self.modulus.size();
        let primes = primes as u128;
        let bytes = (self.fresh_size() + self.answer_size()) as u128;
        bytes * NS_PER_BYTE
            + inner * columns * NS_FRESH
            + rows * columns * NS_ANSWER
            + rows * inner * primes * (NS_TRANSFORM + columns * NS_PRODUCT)
    }

    /// Position in a product of output `row`, `column` of a block.
    pub(super) fn position(&self, row: usize, column: usize) -> usize {
        (row * self.block_columns + column) * self.block_inner + self.block_inner - 1
    }
}

/// `e_pk·u + e1·s`, and one each for the roundings of the mask and of `q/t` times the result.
fn zero_bound() -> u128 {
    2 * NOISE_BOUND * N as u128 + 2
}

/// Bytes of a polynomial modulo q.
pub(super) fn polynomial_size(modulus: Modulus) -> usize {
    let (primes, bits, _) = modulus.size();
    primes * packed_size(bits)
}

/// The sides of equal blocks: `⌈side/count⌉` for every count that gives another one, largest first.
fn block_sides(side: usize) -> impl Iterator<Item = usize> {
    let next = move |block: usize| (block > 1).then(|| side.div_ceil(side.div_ceil(block - 1)));
    core::iter::successors(Some(side), move |block| next(*block)).filter(|block| *block <= N)
}
