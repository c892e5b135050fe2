//! Weighted sums of plain values and of their products: what the Galois ring does before anything is an element.
//!
//! Setting, notation: see the module above. Cost: on tile registers (AMX) a weighted value is 384 products of
//! bytes, at best 3/8 of a cycle; without them, 12 operations of eight words: for every four rows the sums of all subsets
//! are made once, and each coefficient looks up its own. Products are extended one variable after the other, depth
//! first, with the rows of a block side by side.

use super::galois::{Element, check_challenges, widen};
use super::lanes::LANES;
use super::values::Values;
use super::{check_rows, points};
#[cfg(target_arch = "x86_64")]
use super::{tile_bits, tile_sums, tiles, x86};
use crate::error::{Error, Result, ensure};
use crate::simd::{Tier, multiversion, tier};

/// Rows that are weighted together: what is extended stays in an L2 cache.
const BLOCK: usize = 256;
/// Points whose products are made before they are weighted.
pub(super) const LEAF: usize = 9;
/// Words between columns of whole blocks: at a distance of a power of two they would share few lines of a cache.
const GAP: usize = LANES;

/// The challenges of a block of rows, filled up with zeros to `depth` of them.
struct Weights {
    depth: usize,
    kind: Kind,
}

enum Kind {
    Masks(Vec<Element>),
    #[cfg(target_arch = "x86_64")]
    Quads(Vec<x86::Indices>),
    #[cfg(target_arch = "x86_64")]
    Tiles(tile_sums::Weighted),
}

impl Weights {
    fn new(alpha: &[u64]) -> Self {
        let mut padded = [0u64; BLOCK];
        padded[..alpha.len()].copy_from_slice(alpha);
        #[cfg(target_arch = "x86_64")]
        if alpha.len() >= tiles::STEP {
            let depth = alpha.len().next_multiple_of(tiles::STEP);
            if let Some(weighted) = tile_sums::Weighted::new(&padded[..depth]) {
                let kind = Kind::Tiles(weighted);
                return Self { depth, kind };
            }
        }
        let depth = alpha.len().next_multiple_of(LANES);
        let padded = &padded[..depth];
        let kind = match tier() {
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => Kind::Quads(x86::quads(padded)),
            _ => {
                let mask = |c: &u64| widen(*c).map(|bit| 0u64.wrapping_sub(bit));
                Kind::Masks(padded.iter().map(mask).collect())
            }
        };
        Self { depth, kind }
    }

    /// `out[c] += Σ_l alpha_l·values[c·depth + l]`.
    fn add(&mut self, values: &[u64], out: &mut [Element]) {
        match &mut self.kind {
            Kind::Masks(masks) => add_portable(values, self.depth, masks, out),
            #[cfg(target_arch = "x86_64")]
            Kind::Quads(quads) => x86::add_weighted(values, self.depth, quads, out),
            #[cfg(target_arch = "x86_64")]
            Kind::Tiles(weighted) => weighted.add(values, out),
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

/// `side[j·stride + l]` = value j of row l, l < depth; missing rows and values are zero.
fn transpose(x: &[u64], width: usize, (depth, stride): (usize, usize), side: &mut [u64]) {
    let whole = x.len() / width / LANES * LANES;
    let (mut done, mut rest) = (0, x);
    #[cfg(target_arch = "x86_64")]
    if tier() == Tier::Avx512 && width.is_multiple_of(LANES) {
        x86::transpose(&x[..whole * width], width, stride, side);
        (done, rest) = (whole, &x[whole * width..]);
    }
    for column in side.chunks_mut(stride) {
        column[done..depth].fill(0);
    }
    for (l, row) in rest.chunks(width).enumerate() {
        for (j, value) in row.iter().enumerate() {
            side[j * stride + done + l] = *value;
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
        let mut weights = Weights::new(alpha);
        let side = &mut side[..columns * weights.depth];
        transpose(x, columns, (weights.depth, weights.depth), side);
        weights.add(side, out);
    }
    Ok(())
}

/// `out[c] += Σ_l alpha_l·Σ_s û_s[l, c]·v̂_s[l, c]` over the extended rows of pairs of factors `u_s` and `v_s`.
///
/// # Errors
/// `Mismatch` unless the lengths agree; `Range` for `t`, a challenge or a byte that is no bit.
pub fn tensor(
    pairs: &[(Values, Values)],
    alpha: &[u64],
    t: usize,
    out: &mut [Element],
) -> Result<()> {
    for (u, v) in pairs {
        check_rows(u.len(), t, alpha.len())?;
        ensure(
            u.len() == v.len(),
            Error::Mismatch("u and v must have one length"),
        )?;
        u.check()?;
        v.check()?;
    }
    ensure(
        out.len() == points(t)?,
        Error::Mismatch("out must have one element for each point"),
    )?;
    check_challenges(alpha)?;
    let mut words = Vec::with_capacity(pairs.len());
    for pair in pairs {
        match *pair {
            #[cfg(target_arch = "x86_64")]
            (Values::Bits(u, first), Values::Bits(v, second))
                if tile_bits::add_tensor((u, v), alpha, t, first.wrapping_mul(second), out) => {}
            pair => words.push(pair),
        }
    }
    add_tensor(&words, alpha, t, out);
    Ok(())
}

fn add_tensor(pairs: &[(Values, Values)], alpha: &[u64], t: usize, out: &mut [Element]) {
    let width = 1usize << t;
    let size = width * (BLOCK * pairs.len() + GAP);
    let mut room: [Vec<u64>; 4] = core::array::from_fn(|_| vec![0u64; size]);
    let mut products = vec![0u64; LEAF * BLOCK];
    let mut wide = Vec::new();
    for (block, alpha) in alpha.chunks(BLOCK).enumerate() {
        if pairs.is_empty() {
            return;
        }
        let weights = Weights::new(alpha);
        let depth = weights.depth;
        let stride = depth * pairs.len() + if depth == BLOCK { GAP } else { 0 };
        let [left, right, left_room, right_room] =
            room.each_mut().map(|room| &mut room[..width * stride]);
        let from = block * width * BLOCK;
        for (s, (u, v)) in pairs.iter().enumerate() {
            for (x, side) in [(u, &mut *left), (v, &mut *right)] {
                let x = x.part(from, from + width * BLOCK);
                transpose(
                    x.words(&mut wide),
                    width,
                    (depth, stride),
                    &mut side[s * depth..],
                );
            }
        }
        let pairs = pairs.len();
        Block { weights, pairs }.descend(
            (left, right),
            (left_room, right_room),
            &mut products,
            out,
        );
    }
}

struct Block {
    weights: Weights,
    pairs: usize,
}

type Sides<'a> = (&'a [u64], &'a [u64]);
type Rooms<'a> = (&'a mut [u64], &'a mut [u64]);

impl Block {
    /// Adds the weighted products of all points: first those whose highest digit is 0, then 1, then `∞`.
    ///
    /// `sides`: values at the corners, for each of them the rows of all pairs side by side; `room` is as long.
    fn descend(&mut self, sides: Sides, room: Rooms, products: &mut [u64], out: &mut [Element]) {
        #[cfg(target_arch = "x86_64")]
        if let (LEAF | tile_sums::MOST_POINTS, Kind::Tiles(weighted)) =
            (out.len(), &mut self.weights.kind)
        {
            return weighted.add_products(sides, self.pairs, out);
        }
        if out.len() <= LEAF {
            let products = &mut products[..out.len() * self.weights.depth];
            products.fill(0);
            multiply(sides, room, self.weights.depth, products);
            return self.weights.add(products, out);
        }
        let (low, high) = halves(sides);
        let (zero, rest) = out.split_at_mut(out.len() / 3);
        let (one, rise) = rest.split_at_mut(zero.len());
        let (rises, rest) = split(room, low.0.len());
        self.descend(low, (&mut *rises.0, &mut *rises.1), products, zero);
        self.descend(high, (&mut *rises.0, &mut *rises.1), products, one);
        subtract(high.0, low.0, rises.0);
        subtract(high.1, low.1, rises.1);
        self.descend((rises.0, rises.1), rest, products, rise);
    }
}

fn halves<'a>(sides: Sides<'a>) -> (Sides<'a>, Sides<'a>) {
    let (u_0, u_1) = sides.0.split_at(sides.0.len() / 2);
    let (v_0, v_1) = sides.1.split_at(sides.1.len() / 2);
    ((u_0, v_0), (u_1, v_1))
}

fn split(room: Rooms, at: usize) -> (Rooms, Rooms) {
    let (u, u_rest) = room.0.split_at_mut(at);
    let (v, v_rest) = room.1.split_at_mut(at);
    ((u, v), (u_rest, v_rest))
}

/// Adds the products at all points, in their order.
fn multiply(sides: Sides, room: Rooms, depth: usize, products: &mut [u64]) {
    if products.len() == depth {
        let pairs = sides.0.chunks_exact(depth).zip(sides.1.chunks_exact(depth));
        return pairs.for_each(|(u, v)| add_products(u, v, products));
    }
    let (low, high) = halves(sides);
    let (zero, rest) = products.split_at_mut(products.len() / 3);
    let (one, rise) = rest.split_at_mut(zero.len());
    let (rises, rest) = split(room, low.0.len());
    multiply(low, (&mut *rises.0, &mut *rises.1), depth, zero);
    multiply(high, (&mut *rises.0, &mut *rises.1), depth, one);
    subtract(high.0, low.0, rises.0);
    subtract(high.1, low.1, rises.1);
    multiply((rises.0, rises.1), rest, depth, rise);
}

multiversion! {
    fn add_products(u: &[u64], v: &[u64], products: &mut [u64]) {
        for ((out, u), v) in products.iter_mut().zip(u).zip(v) {
            *out = out.wrapping_add(u.wrapping_mul(*v));
        }
    }
}

multiversion! {
    fn subtract(x: &[u64], y: &[u64], out: &mut [u64]) {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            *out = x.wrapping_sub(*y);
        }
    }
}
