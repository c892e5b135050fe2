//! The field `F = GF(2^64) = GF(2)[X]/(X^64 + X^4 + X^3 + X + 1)`: an element is a word, bit i the coefficient of
//! `X^i`. Plain values are words of 64 lanes; as an element, a word weighs lane b with `X^b`.
//!
//! Setting, notation: see the module above. Cost: one carry-less product per weighted word, eight side by side with
//! AVX-512; sums are reduced once. Floor: one `pclmulqdq` each.

use super::{check_rows, extend, points};
#[cfg(target_arch = "x86_64")]
use super::{clmul, gfni};
use crate::error::{Error, Result, ensure};
use crate::simd::multiversion;

/// Lanes of a word.
pub const LANES: usize = 64;
pub(super) const MODULUS: u64 = 0b11011;

/// The carry-less product, in constant time.
fn portable_clmul(x: u64, y: u64) -> u128 {
    let mut product = 0u128;
    for i in 0..64 {
        product ^= (u128::from(x) << i) & 0u128.wrapping_sub(u128::from(y >> i & 1));
    }
    product
}

fn add_scaled(sums: &mut [u128], x: &[u64], weight: u64) {
    #[cfg(target_arch = "x86_64")]
    if clmul::available() {
        return clmul::add_scaled(sums, x, weight);
    }
    for (sum, x) in sums.iter_mut().zip(x) {
        *sum ^= portable_clmul(*x, weight);
    }
}

fn add_products(sums: &mut [u128], x: &[u64], y: &[u64]) {
    #[cfg(target_arch = "x86_64")]
    if clmul::available() {
        return clmul::add_products(sums, x, y);
    }
    for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
        *sum ^= portable_clmul(*x, *y);
    }
}

fn times_modulus(x: u64) -> u128 {
    let x = u128::from(x);
    x ^ (x << 1) ^ (x << 3) ^ (x << 4)
}

fn reduce(wide: u128) -> u64 {
    let once = u128::from(wide as u64) ^ times_modulus((wide >> 64) as u64);
    (once as u64) ^ times_modulus((once >> 64) as u64) as u64
}

/// `out[i] += sums[i]`.
fn reduce_all(sums: &[u128], out: &mut [u64]) {
    for (out, sum) in out.iter_mut().zip(sums) {
        *out ^= reduce(*sum);
    }
}

/// `out[i] = x[i]·y[i]`.
pub fn mul(x: &[u64], y: &[u64], out: &mut [u64]) {
    const BLOCK: usize = 512;
    #[cfg(target_arch = "x86_64")]
    let (x, y, out) = if clmul::eight() {
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks(), y.as_chunks());
        let (out, out_rest) = out.as_chunks_mut();
        clmul::mul(x, y, out);
        (x_rest, y_rest, out_rest)
    } else {
        (x, y, out)
    };
    for ((x, y), out) in x
        .chunks(BLOCK)
        .zip(y.chunks(BLOCK))
        .zip(out.chunks_mut(BLOCK))
    {
        let mut sums = [0u128; BLOCK];
        add_products(&mut sums, x, y);
        out.fill(0);
        reduce_all(&sums, out);
    }
}

/// `out[k] += Σ_l alpha_l·x[l, k]` for `x: [L, K]`, the last row filled up with zeros.
///
/// # Errors
/// `Mismatch` unless the lengths agree.
pub fn combine(x: &[u64], columns: usize, alpha: &[u64], out: &mut [u64]) -> Result<()> {
    ensure(
        (columns == 0 || x.len().div_ceil(columns) == alpha.len()) && out.len() == columns,
        Error::Mismatch("x must have one row for each challenge"),
    )?;
    let mut sums = vec![0u128; columns];
    if columns > 0 {
        for (row, alpha) in x.chunks(columns).zip(alpha) {
            add_scaled(&mut sums, row, *alpha);
        }
    }
    reduce_all(&sums, out);
    Ok(())
}

/// `out[l·64 + b] = alpha_l·X^b·Σ_j weights[j]·(bit b of x[l·J + j])`, the last row filled up with zeros; without
/// `alpha`, no weights `alpha_l·X^b`.
///
/// # Errors
/// `Mismatch` if there are no weights, `out` has not 64 elements for each row or `alpha` not one challenge.
pub fn fold(x: &[u64], weights: &[u64], alpha: Option<&[u64]>, out: &mut [u64]) -> Result<()> {
    let rows = x
        .len()
        .checked_div(weights.len())
        .map(|_| x.len().div_ceil(weights.len()));
    ensure(
        rows.and_then(|rows| rows.checked_mul(LANES)) == Some(out.len())
            && alpha.is_none_or(|alpha| Some(alpha.len()) == rows),
        Error::Mismatch("out must have 64 elements for each row, alpha one challenge"),
    )?;
    sum_lanes(x, weights, out);
    for (row, alpha) in out
        .as_chunks_mut::<LANES>()
        .0
        .iter_mut()
        .zip(alpha.unwrap_or(&[]))
    {
        scale(row, *alpha);
    }
    Ok(())
}

/// `out[l·64 + b] = Σ_j weights[j]·(bit b of x[l·J + j])`.
fn sum_lanes(x: &[u64], weights: &[u64], out: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(matrices) = gfni::Matrices::new(weights) {
        let rows = x.chunks(weights.len());
        for (out, row) in out.as_chunks_mut().0.iter_mut().zip(rows) {
            matrices.fold(row, out);
        }
        return;
    }
    fold_lanes(x, weights, out);
}

/// `row[b] *= alpha·X^b`.
fn scale(row: &mut [u64; LANES], alpha: u64) {
    const POWERS: [u64; LANES] = {
        let mut powers = [1; LANES];
        let mut b = 0;
        while b < LANES {
            powers[b] <<= b;
            b += 1;
        }
        powers
    };
    let mut weights = [0u64; LANES];
    mul(&[alpha; LANES], &POWERS, &mut weights);
    mul(&row.clone(), &weights, row);
}

multiversion! {
    fn fold_lanes(x: &[u64], weights: &[u64], out: &mut [u64]) {
        let rows = x.chunks(weights.len());
        for (out, row) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(rows) {
            let mut sums = [0u64; LANES];
            for (word, weight) in row.iter().zip(weights) {
                for (b, sum) in sums.iter_mut().enumerate() {
                    *sum ^= weight & 0u64.wrapping_sub(word >> b & 1);
                }
            }
            *out = sums;
        }
    }
}

/// `out[c] += Σ_l alpha_l·(û[l, c] & v̂[l, c])` over the extended rows of `u` and `v`.
///
/// # Errors
/// `Mismatch` unless the lengths agree; `Range` for `t`.
pub fn tensor(u: &[u64], v: &[u64], alpha: &[u64], t: usize, out: &mut [u64]) -> Result<()> {
    check_rows(u.len(), t, alpha.len())?;
    let count = points(t)?;
    ensure(
        u.len() == v.len() && out.len() == count,
        Error::Mismatch("u and v must have one length"),
    )?;
    let width = 1usize << t;
    let mut sums = vec![0u128; count];
    let (mut left, mut right) = (vec![0u64; count], vec![0u64; count]);
    #[cfg(target_arch = "x86_64")]
    let (u, v, alpha) = if clmul::eight() && t >= clmul::FEW {
        let done = clmul::add_extended_ands((u, v), alpha, t, &mut sums);
        (&u[done * width..], &v[done * width..], &alpha[done..])
    } else {
        (u, v, alpha)
    };
    for ((u, v), alpha) in u.chunks(width).zip(v.chunks(width)).zip(alpha) {
        extended_ands(u, v, t, &mut left, &mut right);
        add_scaled(&mut sums, &left, *alpha);
    }
    reduce_all(&sums, out);
    Ok(())
}

multiversion! {
    /// `left = û & v̂`.
    fn extended_ands(u: &[u64], v: &[u64], t: usize, left: &mut [u64], right: &mut [u64]) {
        load_row(u, t, left);
        load_row(v, t, right);
        for (left, right) in left.iter_mut().zip(right.iter()) {
            *left &= *right;
        }
    }
}

#[inline(always)]
fn load_row(row: &[u64], t: usize, side: &mut [u64]) {
    side[..row.len()].copy_from_slice(row);
    side[row.len()..1 << t].fill(0);
    extend(side, t, 1, core::ops::BitXor::bitxor);
}

/// `out[c] = Σ_l û[l, c]·v̂[l, c]` for elements.
///
/// # Errors
/// `Mismatch` unless the lengths agree; `Range` for `t`.
pub fn tensor_wide(x: &[u64], y: &[u64], t: usize, out: &mut [u64]) -> Result<()> {
    let count = points(t)?;
    ensure(
        x.len() == y.len() && out.len() == count,
        Error::Mismatch("x and y must have one length"),
    )?;
    out.fill(0);
    let width = 1usize << t;
    let mut sums = vec![0u128; count];
    let (mut left, mut right) = (vec![0u64; count], vec![0u64; count]);
    #[cfg(target_arch = "x86_64")]
    let (x, y) = if clmul::eight() && t <= clmul::FEW {
        let done = width * clmul::add_extended_products(x, y, t, &mut sums);
        (&x[done..], &y[done..])
    } else {
        (x, y)
    };
    for (x, y) in x.chunks(width).zip(y.chunks(width)) {
        load_row(x, t, &mut left);
        load_row(y, t, &mut right);
        add_products(&mut sums, &left, &right);
    }
    reduce_all(&sums, out);
    Ok(())
}

/// The value at a point of a function quadratic in each variable; see [`super::galois::evaluate`].
///
/// # Errors
/// `Mismatch` if `values` are not those of `points.len()` variables.
pub fn evaluate(values: &[u64], points: &[u64]) -> Result<u64> {
    ensure(
        values.len() == super::points(points.len())?,
        Error::Mismatch("values must be those at all points"),
    )?;
    let mut now = values.to_vec();
    for point in points.iter().rev() {
        let third = now.len() / 3;
        let (low, rest) = now.split_at_mut(third);
        let (middle, high) = rest.split_at(third);
        let mut products = vec![0u128; third];
        add_scaled(&mut products, high, *point);
        let values = low.iter().zip(middle).zip(high).zip(&products);
        let slopes: Vec<u64> = values
            .map(|(((zero, one), rise), product)| zero ^ one ^ rise ^ reduce(*product))
            .collect();
        products.fill(0);
        add_scaled(&mut products, &slopes, *point);
        reduce_all(&products, low);
        now.truncate(third);
    }
    Ok(now.first().copied().unwrap_or(0))
}

/// Rows of `2^t` elements at a point, t = points.len(); see [`super::galois::fold_wide`].
///
/// # Errors
/// `Mismatch` if `out` is not one element a row; `Range` for too many points.
pub fn fold_wide(x: &[u64], points: &[u64], out: &mut [u64]) -> Result<()> {
    const BLOCK: usize = 1024;
    super::points(points.len())?;
    let width = 1usize << points.len();
    ensure(
        out.len() == x.len().div_ceil(width),
        Error::Mismatch("out must have one element for each row"),
    )?;
    let mut now = Vec::with_capacity(BLOCK * width);
    for (x, out) in x.chunks(BLOCK * width).zip(out.chunks_mut(BLOCK)) {
        now.clear();
        now.extend_from_slice(x);
        now.resize(out.len() * width, 0);
        for point in points {
            fold_pairs(&mut now, *point);
        }
        out.copy_from_slice(&now);
    }
    Ok(())
}

/// Pairs (zero, one) become `zero + point·(one − zero)`.
fn fold_pairs(now: &mut Vec<u64>, point: u64) {
    const BLOCK: usize = 256;
    let half = now.len() / 2;
    #[cfg(target_arch = "x86_64")]
    let done = if clmul::eight() {
        clmul::fold_pairs(now, point)
    } else {
        0
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    for start in (done..half).step_by(BLOCK) {
        let end = half.min(start + BLOCK);
        let (mut rises, mut steps) = ([0u64; BLOCK], [0u128; BLOCK]);
        let pairs = now[2 * start..2 * end].as_chunks::<2>().0;
        for (rise, [zero, one]) in rises.iter_mut().zip(pairs) {
            *rise = zero ^ one;
        }
        add_scaled(&mut steps, &rises, point);
        for (i, step) in (start..end).zip(&steps) {
            now[i] = now[2 * i] ^ reduce(*step);
        }
    }
    now.truncate(half);
}
