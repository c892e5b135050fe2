//! The Galois ring `E = GR(2^64, 48) = Z_{2^64}[X]/(X^48 + X^5 + X^3 + X^2 + 1)`; the modulus is irreducible
//! modulo 2. An element is 48 words, the constant first; a challenge is the number whose bit i is coefficient i.
//!
//! Setting, notation: see the module above. Cost: a product of elements is 2304 word products; a weighted sum of a
//! plain value 48. Floor: one 512-bit `vpmullq` per 8 of them.

use super::lanes::{self, LANES};
#[cfg(target_arch = "x86_64")]
use super::narrow::Narrow;
pub use super::plain::{combine, tensor};
use super::values::Values;
use super::{extend, points};
#[cfg(target_arch = "x86_64")]
use super::{tile_rows, tile_wide, tiles, x86};
use crate::error::{Error, Result, ensure};
use crate::ring;
use crate::simd::{Tier, multiversion, tier};

/// Words of an element.
pub const DEGREE: usize = 48;
/// Rows that are folded and scaled while they are in a cache.
const BLOCK: usize = 1024;
/// Rows for which it pays to write down a fold of elements as a matrix.
#[cfg(target_arch = "x86_64")]
const MANY: usize = 256;
/// Words of a product before reduction.
pub(super) const WIDE: usize = 2 * DEGREE;
/// Exponents below 48 with which `X^48` is replaced, with sign −1.
pub(super) const TAIL: [usize; 4] = [0, 2, 3, 5];

/// An element.
pub type Element = [u64; DEGREE];

pub(super) fn widen(challenge: u64) -> Element {
    core::array::from_fn(|i| challenge >> i & 1)
}

pub(super) fn check_challenges(challenges: &[u64]) -> Result<()> {
    ensure(
        challenges.iter().all(|c| c >> DEGREE == 0),
        Error::Range("challenges have 48 bits"),
    )
}

/// `x` between zeros: `padded[DEGREE + i] = x[i]`.
#[inline(always)]
fn padded(x: &Element) -> [u64; 3 * DEGREE] {
    let mut padded = [0u64; 3 * DEGREE];
    padded[DEGREE..2 * DEGREE].copy_from_slice(x);
    padded
}

/// `wide += x·y` without reduction. Blocks of the result stay in registers: no store is read again at once.
#[inline(always)]
fn multiply_into(wide: &mut [u64; WIDE], x: &Element, y: &Element) {
    let y = padded(y);
    for (block, wide) in wide.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut sum = *wide;
        for (i, x) in x.iter().enumerate() {
            let shifted = &y[DEGREE + 8 * block - i..][..8];
            for (sum, y) in sum.iter_mut().zip(shifted) {
                *sum = sum.wrapping_add(x.wrapping_mul(*y));
            }
        }
        *wide = sum;
    }
}

#[inline(always)]
fn reduce(wide: [u64; WIDE]) -> Element {
    const ROOM: usize = 8;
    let mut high = [0u64; DEGREE + 2 * ROOM];
    high[ROOM..ROOM + DEGREE].copy_from_slice(&wide[DEGREE..]);
    // Degrees 48 to 51 come back once more.
    let mut low = [0u64; DEGREE + ROOM];
    low[..DEGREE].copy_from_slice(&wide[..DEGREE]);
    for (k, low) in low.iter_mut().enumerate() {
        for exponent in TAIL {
            *low = low.wrapping_sub(high[ROOM + k - exponent]);
        }
    }
    let mut element = [0u64; DEGREE];
    element.copy_from_slice(&low[..DEGREE]);
    for (i, back) in low[DEGREE..].iter().enumerate() {
        for exponent in TAIL {
            element[i + exponent] = element[i + exponent].wrapping_sub(*back);
        }
    }
    element
}

/// `out[i] = x[i]·y[i]`.
pub fn mul(x: &[Element], y: &[Element], out: &mut [Element]) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => lanes::mul(x, y, out),
        _ => mul_rows(x, y, out),
    }
}

multiversion! {
    fn mul_rows(x: &[Element], y: &[Element], out: &mut [Element]) {
        for ((out, x), y) in out.iter_mut().zip(x).zip(y) {
            let mut wide = [0u64; WIDE];
            multiply_into(&mut wide, x, y);
            *out = reduce(wide);
        }
    }
}

/// `out[l] = alpha_l·Σ_j weights[j]·x[l·J + j]`, the last row filled up with zeros; without `alpha`, alpha_l = 1.
///
/// # Errors
/// `Mismatch` if there are no weights, or `out` or `alpha` is not one for each row; `Range` for a challenge of more
/// than 48 bits or a byte that is no bit.
pub fn fold(
    x: Values,
    weights: &[Element],
    alpha: Option<&[u64]>,
    out: &mut [Element],
) -> Result<()> {
    let width = weights.len();
    ensure(
        width > 0
            && out.len() == x.len().div_ceil(width)
            && alpha.is_none_or(|alpha| alpha.len() == out.len()),
        Error::Mismatch("out must have one element for each row, alpha one challenge"),
    )?;
    check_challenges(alpha.unwrap_or(&[]))?;
    x.check()?;
    let mut rows = Rows::new(weights);
    for (block, out) in out.chunks_mut(BLOCK).enumerate() {
        rows.fold(
            x.part(block * BLOCK * width, (block + 1) * BLOCK * width),
            out,
        )?;
        if let Some(alpha) = alpha {
            lanes::scale(&alpha[block * BLOCK..][..out.len()], out);
        }
    }
    Ok(())
}

/// Weights of a row of plain values, as the machine multiplies by them.
struct Rows<'a> {
    weights: &'a [Element],
    room: Vec<u64>,
    #[cfg(target_arch = "x86_64")]
    tiles: Option<(tiles::Machine, tile_rows::Bytes)>,
    #[cfg(target_arch = "x86_64")]
    narrow: Option<Narrow>,
}

impl<'a> Rows<'a> {
    fn new(weights: &'a [Element]) -> Self {
        #[cfg(target_arch = "x86_64")]
        let tiles = tiles::Machine::new().zip(tile_rows::Bytes::new(weights));
        Self {
            weights,
            room: Vec::new(),
            #[cfg(target_arch = "x86_64")]
            narrow: tiles.is_none().then(|| Narrow::new(weights)).flatten(),
            #[cfg(target_arch = "x86_64")]
            tiles,
        }
    }

    fn fold(&mut self, x: Values, out: &mut [Element]) -> Result<()> {
        #[cfg(target_arch = "x86_64")]
        if let Some((machine, bytes)) = &self.tiles {
            bytes.fold(machine, x, out);
            return Ok(());
        }
        let x = x.words(&mut self.room);
        #[cfg(target_arch = "x86_64")]
        if let Some(narrow) = &self.narrow {
            narrow.fold(x, out);
            return Ok(());
        }
        let (width, flat) = (self.weights.len(), self.weights.as_flattened());
        let whole = x.len() / width;
        let (rows, rest) = x.split_at(whole * width);
        let (sums, last) = out.split_at_mut(whole);
        ring::matmul(rows, flat, (whole, width, DEGREE), sums.as_flattened_mut())?;
        if let Some(last) = last.first_mut() {
            let shape = (1, rest.len(), DEGREE);
            ring::matmul(rest, &flat[..rest.len() * DEGREE], shape, last)?;
        }
        Ok(())
    }
}

/// As [`tensor`] for elements and without weights.
///
/// # Errors
/// `Mismatch` unless the lengths agree; `Range` for `t`.
pub fn tensor_wide(x: &[Element], y: &[Element], t: usize, out: &mut [Element]) -> Result<()> {
    let count = points(t)?;
    ensure(
        x.len() == y.len() && out.len() == count,
        Error::Mismatch("x and y must have one length"),
    )?;
    let mut sums = vec![[0u64; WIDE]; count];
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => accumulate_lanes(x, y, t, &mut sums),
        _ => accumulate_rows(x, y, t, &mut sums),
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = reduce(sum);
    }
    Ok(())
}

multiversion! {
    fn accumulate_rows(x: &[Element], y: &[Element], t: usize, sums: &mut [[u64; WIDE]]) {
        let width = 1usize << t;
        let mut left = vec![[0u64; DEGREE]; sums.len()];
        let mut right = left.clone();
        for (x, y) in x.chunks(width).zip(y.chunks(width)) {
            for (side, row) in [(&mut left, x), (&mut right, y)] {
                side[..row.len()].copy_from_slice(row);
                side[row.len()..width.max(row.len())].fill([0; DEGREE]);
                extend(side.as_flattened_mut(), t, DEGREE, u64::wrapping_sub);
            }
            for ((sum, left), right) in sums.iter_mut().zip(&left).zip(&right) {
                multiply_into(sum, left, right);
            }
        }
    }
}

/// The same, eight rows side by side.
#[cfg(target_arch = "x86_64")]
fn accumulate_lanes(x: &[Element], y: &[Element], t: usize, sums: &mut [[u64; WIDE]]) {
    let done = tile_wide::add_tensor(x, y, t, sums) << t;
    let (x, y) = (&x[done..], &y[done..]);
    let width = LANES << t;
    let mut wide = vec![[[0u64; LANES]; WIDE]; sums.len()];
    let mut left = vec![lanes::ZERO; sums.len()];
    let mut right = left.clone();
    for (x, y) in x.chunks(width).zip(y.chunks(width)) {
        load_lanes(x, t, &mut left);
        load_lanes(y, t, &mut right);
        for ((wide, left), right) in wide.iter_mut().zip(&left).zip(&right) {
            x86::multiply_into(wide, left, right);
        }
    }
    for (sum, wide) in sums.iter_mut().zip(&wide) {
        for (sum, lanes) in sum.iter_mut().zip(wide) {
            *sum = lanes.iter().fold(*sum, |sum, lane| sum.wrapping_add(*lane));
        }
    }
}

#[cfg(target_arch = "x86_64")]
multiversion! {
    /// Eight rows side by side, extended; rows that are missing are zero.
    fn load_lanes(x: &[Element], t: usize, sides: &mut [lanes::Side]) {
        let width = 1usize << t;
        for (j, side) in sides[..width].iter_mut().enumerate() {
            lanes::gather(x.get(j..).unwrap_or(&[]), width, side);
        }
        let flat = sides.as_flattened_mut().as_flattened_mut();
        extend(flat, t, DEGREE * LANES, u64::wrapping_sub);
    }
}

/// Rows of `2^t` elements at a point: `Σ_j x[l·2^t + j]·Π_v (r_v if bit v of j, else 1 − r_v)`, t = points.len().
///
/// # Errors
/// `Mismatch` if `out` is not one element a row; `Range` for a point of more than 48 bits or too many of them.
pub fn fold_wide(x: &[Element], points: &[u64], out: &mut [Element]) -> Result<()> {
    super::points(points.len())?;
    check_challenges(points)?;
    ensure(
        out.len() == x.len().div_ceil(1 << points.len()),
        Error::Mismatch("out must have one element for each row"),
    )?;
    #[cfg(target_arch = "x86_64")]
    if out.len() >= MANY
        && let Some(machine) = tiles::Machine::new()
        && let Some(bytes) = tile_rows::Bytes::new(&multiples(points))
    {
        bytes.fold(&machine, Values::Words(x.as_flattened()), out);
        return Ok(());
    }
    lanes::fold_rows(x, points, out);
    Ok(())
}

/// What coefficient k of value j of a row counts in the fold: `X^k` times the weight of corner j.
#[cfg(target_arch = "x86_64")]
fn multiples(points: &[u64]) -> Vec<Element> {
    let mut corners = vec![widen(1)];
    for point in points {
        let (known, points) = (corners.len(), vec![widen(*point); corners.len()]);
        let mut upper = vec![[0u64; DEGREE]; known];
        mul(&corners, &points, &mut upper);
        for (lower, upper) in corners.iter_mut().zip(&upper) {
            for (lower, upper) in lower.iter_mut().zip(upper) {
                *lower = lower.wrapping_sub(*upper);
            }
        }
        corners.extend(upper);
    }
    let powers = |corner: &Element| {
        core::iter::successors(Some(*corner), |power| Some(times_x(power))).take(DEGREE)
    };
    corners.iter().flat_map(powers).collect()
}

#[cfg(target_arch = "x86_64")]
fn times_x(x: &Element) -> Element {
    let (low, high) = x.split_at(DEGREE - 1);
    let mut product = [0u64; DEGREE];
    product[1..].copy_from_slice(low);
    for exponent in TAIL {
        product[exponent] = product[exponent].wrapping_sub(high[0]);
    }
    product
}

/// The value at a point of a function quadratic in each variable, from its values at `{0,1,∞}^t`:
/// `h(r) = h(0) + r·(h(1) − h(0) − h(∞)) + r²·h(∞)`, the last variable first.
///
/// # Errors
/// `Mismatch` if `values` are not those of `points.len()` variables; `Range` for a point of more than 48 bits.
pub fn evaluate(values: &[Element], points: &[u64]) -> Result<Element> {
    check_challenges(points)?;
    ensure(
        values.len() == super::points(points.len())?,
        Error::Mismatch("values must be those at all points"),
    )?;
    Ok(lanes::evaluate(values, points))
}
