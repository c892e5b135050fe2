//! Weighted sums of plain values and of their products: what the Galois ring does before anything is an element.
//!
//! Setting, notation: see the module above. Cost: a weighted value is 12 operations of eight words: for every four
//! rows the sums of all subsets are made once, and each coefficient looks up its own. Products are extended one
//! variable after the other, depth first, with the rows of a block side by side.

use super::galois::{Element, check_challenges, widen};
use super::lanes::LANES;
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{check_rows, points};
use crate::error::{Error, Result, ensure};
use crate::simd::{Tier, multiversion, tier};

/// Rows that are weighted together: one value of each is a twentieth of an L1 cache.
const BLOCK: usize = 256;

/// The challenges of a block of rows, filled up with zeros to a multiple of the lanes.
enum Weights {
    Masks(Vec<Element>),
    #[cfg(target_arch = "x86_64")]
    Quads(Vec<x86::Indices>),
}

impl Weights {
    fn new(alpha: &[u64]) -> Self {
        let mut padded = [0u64; BLOCK];
        padded[..alpha.len()].copy_from_slice(alpha);
        let padded = &padded[..alpha.len().next_multiple_of(LANES)];
        match tier() {
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => Self::Quads(x86::quads(padded)),
            _ => {
                let mask = |c: &u64| widen(*c).map(|bit| 0u64.wrapping_sub(bit));
                Self::Masks(padded.iter().map(mask).collect())
            }
        }
    }

    /// `out[c] += Σ_l alpha_l·values[c·depth + l]`.
    fn add(&self, values: &[u64], depth: usize, out: &mut [Element]) {
        match self {
            Self::Masks(masks) => add_portable(values, depth, masks, out),
            #[cfg(target_arch = "x86_64")]
            Self::Quads(quads) => x86::add_weighted(values, depth, quads, out),
        }
    }
}

multiversion! {
    fn add_portable(values: &[u64], depth: usize, masks: &[Element], out: &mut [Element]) {
        for (out, row) in out.iter_mut().zip(values.chunks_exact(depth)) {
            for (value, mask) in row.iter().zip(masks) {
                for (out, mask) in out.iter_mut().zip(mask) {
                    *out = out.wrapping_add(value & mask);
                }
            }
        }
    }
}

/// `side[j·depth + l]` = value j of row l; missing rows and values are zero.
fn transpose(x: &[u64], width: usize, depth: usize, side: &mut [u64]) {
    let whole = x.len() / width / LANES * LANES;
    let (mut done, mut rest) = (0, x);
    #[cfg(target_arch = "x86_64")]
    if tier() == Tier::Avx512 && width.is_multiple_of(LANES) {
        x86::transpose(&x[..whole * width], width, depth, side);
        (done, rest) = (whole, &x[whole * width..]);
    }
    for column in side.chunks_exact_mut(depth) {
        column[done..].fill(0);
    }
    for (l, row) in rest.chunks(width).enumerate() {
        for (j, value) in row.iter().enumerate() {
            side[j * depth + done + l] = *value;
        }
    }
}

/// `out[k] += Σ_l alpha_l·x[l, k]` for `x: [L, K]`, the last row filled up with zeros.
///
/// # Errors
/// `Mismatch` unless the lengths agree, `Range` for a challenge of more than 48 bits.
pub fn combine(x: &[u64], columns: usize, alpha: &[u64], out: &mut [Element]) -> Result<()> {
    ensure(
        (columns == 0 || x.len().div_ceil(columns) == alpha.len()) && out.len() == columns,
        Error::Mismatch("x must have one row for each challenge"),
    )?;
    check_challenges(alpha)?;
    if columns == 0 {
        return Ok(());
    }
    let mut side = vec![0u64; columns * BLOCK];
    for (x, alpha) in x.chunks(columns * BLOCK).zip(alpha.chunks(BLOCK)) {
        let depth = alpha.len().next_multiple_of(LANES);
        let side = &mut side[..columns * depth];
        transpose(x, columns, depth, side);
        Weights::new(alpha).add(side, depth, out);
    }
    Ok(())
}

/// `out[c] += Σ_l alpha_l·û[l, c]·v̂[l, c]` over the extended rows of `u` and `v`.
///
/// # Errors
/// `Mismatch` unless the lengths agree; `Range` for `t` or a challenge.
pub fn tensor(u: &[u64], v: &[u64], alpha: &[u64], t: usize, out: &mut [Element]) -> Result<()> {
    check_rows(u.len(), t, alpha.len())?;
    ensure(
        u.len() == v.len() && out.len() == points(t)?,
        Error::Mismatch("u and v must have one length"),
    )?;
    check_challenges(alpha)?;
    let width = 1usize << t;
    let mut room: [Vec<u64>; 4] = core::array::from_fn(|_| vec![0u64; width * BLOCK]);
    let blocks = u.chunks(width * BLOCK).zip(v.chunks(width * BLOCK));
    for ((u, v), alpha) in blocks.zip(alpha.chunks(BLOCK)) {
        let depth = alpha.len().next_multiple_of(LANES);
        let [left, right, left_room, right_room] =
            room.each_mut().map(|room| &mut room[..width * depth]);
        transpose(u, width, depth, left);
        transpose(v, width, depth, right);
        let weights = Weights::new(alpha);
        let block = Block {
            depth,
            weights: &weights,
        };
        block.descend((left, right), (left_room, right_room), out);
    }
    Ok(())
}

struct Block<'a> {
    depth: usize,
    weights: &'a Weights,
}

impl Block<'_> {
    /// Adds the weighted products of all points: first those whose highest digit is 0, then 1, then `∞`.
    ///
    /// `(u, v)`: values at the corners, rows side by side; `room` is as long.
    fn descend(
        &self,
        (u, v): (&[u64], &[u64]),
        room: (&mut [u64], &mut [u64]),
        out: &mut [Element],
    ) {
        if out.len() <= 3 {
            let mut products = [0u64; 3 * BLOCK];
            let products = &mut products[..out.len() * self.depth];
            multiply(u, v, self.depth, products);
            return self.weights.add(products, self.depth, out);
        }
        let half = u.len() / 2;
        let (u_0, u_1) = u.split_at(half);
        let (v_0, v_1) = v.split_at(half);
        let (zero, rest) = out.split_at_mut(out.len() / 3);
        let (one, rise) = rest.split_at_mut(zero.len());
        let (u_rise, u_room) = room.0.split_at_mut(half);
        let (v_rise, v_room) = room.1.split_at_mut(half);
        self.descend((u_0, v_0), (u_rise, v_rise), zero);
        self.descend((u_1, v_1), (u_rise, v_rise), one);
        subtract(u_1, u_0, u_rise);
        subtract(v_1, v_0, v_rise);
        self.descend((u_rise, v_rise), (u_room, v_room), rise);
    }
}

multiversion! {
    fn subtract(x: &[u64], y: &[u64], out: &mut [u64]) {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            *out = x.wrapping_sub(*y);
        }
    }
}

multiversion! {
    /// Products at the points of one variable, or of none.
    fn multiply(u: &[u64], v: &[u64], depth: usize, products: &mut [u64]) {
        for ((out, u), v) in products.iter_mut().zip(u).zip(v) {
            *out = u.wrapping_mul(*v);
        }
        if products.len() > u.len() {
            let ((u_0, u_1), (v_0, v_1)) = (u.split_at(depth), v.split_at(depth));
            let rise = products[2 * depth..].iter_mut();
            for ((((out, u_0), u_1), v_0), v_1) in rise.zip(u_0).zip(u_1).zip(v_0).zip(v_1) {
                *out = u_1.wrapping_sub(*u_0).wrapping_mul(v_1.wrapping_sub(*v_0));
            }
        }
    }
}
