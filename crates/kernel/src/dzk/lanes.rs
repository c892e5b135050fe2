//! Eight elements of the Galois ring side by side: word k of element r is `[k][r]`. Sums then need no shuffles.

use super::galois::{DEGREE, Element, TAIL, WIDE};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::simd::{Tier, multiversion, tier};

/// Elements side by side.
pub(super) const LANES: usize = 8;
pub(super) type Words = [u64; LANES];
pub(super) type Side = [Words; DEGREE];
/// Elements side by side between zeros.
pub(super) type Padded = [Words; 3 * DEGREE];
pub(super) type Wide = [Words; WIDE];

/// At the start of a cache line, so that no load crosses into the next one.
#[repr(align(64))]
#[derive(Clone)]
pub(super) struct Line<T>(pub T);

pub(super) const ZERO: Side = [[0; LANES]; DEGREE];

/// Elements `x[r·step]` in lane r; zero where there is none.
#[inline(always)]
pub(super) fn gather(x: &[Element], step: usize, side: &mut Side) {
    if x.len() < (LANES - 1) * step + 1 {
        *side = ZERO;
    } else {
        #[cfg(target_arch = "x86_64")]
        if tier() == Tier::Avx512 {
            return x86::gather(x, step, side);
        }
    }
    for (lane, element) in x.iter().step_by(step).take(LANES).enumerate() {
        for (side, word) in side.iter_mut().zip(element) {
            side[lane] = *word;
        }
    }
}

#[inline(always)]
fn scatter(side: &Side, out: &mut [Element]) {
    #[cfg(target_arch = "x86_64")]
    if let (Tier::Avx512, Ok(out)) = (tier(), <&mut [Element; LANES]>::try_from(&mut *out)) {
        return x86::scatter(side, out);
    }
    for (lane, element) in out.iter_mut().enumerate() {
        for (word, side) in element.iter_mut().zip(side) {
            *word = side[lane];
        }
    }
}

#[inline(always)]
fn reduce(wide: &mut Wide) -> Side {
    for i in (DEGREE..WIDE).rev() {
        let high = wide[i];
        for exponent in TAIL {
            let low = &mut wide[i - DEGREE + exponent];
            for (low, high) in low.iter_mut().zip(high) {
                *low = low.wrapping_sub(high);
            }
        }
    }
    let mut side = ZERO;
    side.copy_from_slice(&wide[..DEGREE]);
    side
}

/// `out[i] = x[i]·y[i]`.
#[cfg(target_arch = "x86_64")]
pub(super) fn mul(x: &[Element], y: &[Element], out: &mut [Element]) {
    let (mut left, mut right) = (Line(ZERO), Line(ZERO));
    let pairs = x.chunks(LANES).zip(y.chunks(LANES));
    for (out, (x, y)) in out.chunks_mut(LANES).zip(pairs) {
        let mut wide = Line([[0u64; LANES]; WIDE]);
        gather(x, 1, &mut left.0);
        gather(y, 1, &mut right.0);
        x86::multiply_into(&mut wide.0, &left.0, &right.0);
        finish(&mut wide.0, out);
    }
}

/// Whether coefficient `bit` of the challenge is 1, as a mask of lanes.
pub(super) type Masks = [u8; DEGREE];

/// `wide = challenge·x`, a challenge for each lane; x between zeros.
#[inline(always)]
fn times_challenges(masks: &Masks, x: &Padded, wide: &mut Wide) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => x86::times_challenges(masks, x, wide),
        _ => times_challenges_portable(masks, x, wide),
    }
}

multiversion! {
    fn times_challenges_portable(masks: &Masks, x: &Padded, wide: &mut Wide) {
        *wide = [[0; LANES]; WIDE];
        for (bit, mask) in masks.iter().enumerate() {
            let mask: Words = core::array::from_fn(|lane| 0u64.wrapping_sub(u64::from(mask >> lane & 1)));
            for (wide, x) in wide[bit..].iter_mut().zip(&x[DEGREE..2 * DEGREE]) {
                for ((wide, x), mask) in wide.iter_mut().zip(x).zip(&mask) {
                    *wide = wide.wrapping_add(x & mask);
                }
            }
        }
    }
}

/// The masks of at most eight challenges.
fn masks_of(alpha: &[u64]) -> Masks {
    #[cfg(target_arch = "x86_64")]
    if let (Tier::Avx512, Ok(alpha)) = (tier(), alpha.try_into()) {
        return x86::masks(alpha);
    }
    core::array::from_fn(|bit| {
        let lanes = alpha.iter().enumerate();
        lanes.fold(0, |mask, (lane, alpha)| {
            mask | ((alpha >> bit & 1) as u8) << lane
        })
    })
}

/// `x[l] *= alpha_l`.
pub(super) fn scale(alpha: &[u64], x: &mut [Element]) {
    let mut side = Line([[0u64; LANES]; 3 * DEGREE]);
    let mut wide = Line([[0u64; LANES]; WIDE]);
    for (x, alpha) in x.chunks_mut(LANES).zip(alpha.chunks(LANES)) {
        if let Some(middle) = side.0[DEGREE..].first_chunk_mut() {
            gather(x, 1, middle);
        }
        let masks = masks_of(alpha);
        times_challenges(&masks, &side.0, &mut wide.0);
        finish(&mut wide.0, x);
    }
}

multiversion! {
    fn finish(wide: &mut Wide, out: &mut [Element]) {
        scatter(&reduce(wide), out);
    }
}

/// `wide = challenge·x`, one challenge, as the places of its ones, for all lanes; x between zeros.
fn times_challenge(bits: &[usize], x: &Padded, wide: &mut Wide) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => x86::times_challenge(bits, x, wide),
        _ => times_challenge_portable(bits, x, wide),
    }
}

multiversion! {
    fn times_challenge_portable(bits: &[usize], x: &Padded, wide: &mut Wide) {
        *wide = [[0; LANES]; WIDE];
        for bit in bits {
            for (wide, x) in wide[*bit..].iter_mut().zip(&x[DEGREE..2 * DEGREE]) {
                for (wide, x) in wide.iter_mut().zip(x) {
                    *wide = wide.wrapping_add(*x);
                }
            }
        }
    }
}

/// Where a challenge has coefficients 1.
fn places(challenge: &u64) -> Vec<usize> {
    (0..DEGREE)
        .filter(|bit| challenge >> bit & 1 == 1)
        .collect()
}

/// `h(0) + r·(h(1) − h(0) − h(∞) + r·h(∞))` in each variable, the last one first.
pub(super) fn evaluate(values: &[Element], points: &[u64]) -> Element {
    let mut now = values.to_vec();
    let mut wide = Line([[0u64; LANES]; WIDE]);
    let mut factor = Line([[0u64; LANES]; 3 * DEGREE]);
    let (mut zero, mut one, mut rise) = (Line(ZERO), Line(ZERO), Line(ZERO));
    for bits in points.iter().rev().map(places) {
        let third = now.len() / 3;
        let (low, rest) = now.split_at_mut(third);
        let (middle, high) = rest.split_at(third);
        let chunks = middle.chunks(LANES).zip(high.chunks(LANES));
        for (low, (middle, high)) in low.chunks_mut(LANES).zip(chunks) {
            gather(low, 1, &mut zero.0);
            gather(middle, 1, &mut one.0);
            gather(high, 1, &mut rise.0);
            factor.0[DEGREE..2 * DEGREE].copy_from_slice(&rise.0);
            times_challenge(&bits, &factor.0, &mut wide.0);
            subtract(&mut one.0, &zero.0);
            subtract(&mut one.0, &rise.0);
            add_reduced(&mut one.0, &mut wide.0);
            factor.0[DEGREE..2 * DEGREE].copy_from_slice(&one.0);
            times_challenge(&bits, &factor.0, &mut wide.0);
            add_reduced(&mut zero.0, &mut wide.0);
            scatter(&zero.0, low);
        }
        now.truncate(third);
    }
    now.first().copied().unwrap_or([0; DEGREE])
}

/// Rows of `2^t` elements at a point; time depends on the point, which is public.
pub(super) fn fold_rows(x: &[Element], points: &[u64], out: &mut [Element]) {
    let width = 1usize << points.len();
    let places: Vec<Vec<usize>> = points.iter().map(places).collect();
    let mut sides = vec![Line(ZERO); width];
    let mut wide = Line([[0u64; LANES]; WIDE]);
    let mut rise = Line([[0u64; LANES]; 3 * DEGREE]);
    for (x, out) in x.chunks(LANES * width).zip(out.chunks_mut(LANES)) {
        for (j, side) in sides.iter_mut().enumerate() {
            gather(x.get(j..).unwrap_or(&[]), width, &mut side.0);
        }
        let mut left = width;
        for bits in &places {
            left /= 2;
            for i in 0..left {
                let zero = sides[2 * i].clone();
                let middle = &mut rise.0[DEGREE..2 * DEGREE];
                middle.copy_from_slice(&sides[2 * i + 1].0);
                subtract(middle, &zero.0);
                times_challenge(bits, &rise.0, &mut wide.0);
                sides[i] = zero;
                add_reduced(&mut sides[i].0, &mut wide.0);
            }
        }
        scatter(&sides[0].0, out);
    }
}

multiversion! {
    fn subtract(x: &mut [Words], y: &Side) {
        for (x, y) in x.as_flattened_mut().iter_mut().zip(y.as_flattened()) {
            *x = x.wrapping_sub(*y);
        }
    }
}

multiversion! {
    fn add_reduced(x: &mut Side, wide: &mut Wide) {
        for (x, y) in x.as_flattened_mut().iter_mut().zip(reduce(wide).as_flattened()) {
            *x = x.wrapping_add(*y);
        }
    }
}
