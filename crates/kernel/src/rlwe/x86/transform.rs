//! The transform, two layers at a time and its parts one after another, each in the first cache.

use super::{Lanes, V, at_most_once, lanes, load, mul_factor, mul_lazy, set, store};
use crate::rlwe::prime::{N, Prime, Roots};
use core::arch::x86_64::*;

/// Below this, words of 52 bits have room for `64p`: sums need no reduction in every layer (`LAZY`).
const LAZY_BELOW: u64 = 1 << 46;

/// Cooley–Tukey: inputs and outputs below `4p`; if `LAZY`, inputs below any bound, outputs below that and `2p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn split<const LAZY: bool>(l: Lanes, x: V, y: V, w: (V, V)) -> (V, V) {
    let u = if LAZY { x } else { at_most_once(x, l.p2) };
    let v = mul_lazy(l, y, w.0, w.1);
    let difference = _mm512_add_epi64(_mm512_sub_epi64(u, v), l.p2);
    (_mm512_add_epi64(u, v), difference)
}

/// Gentleman–Sande: inputs and outputs below `bound = 2p`; if `LAZY`, inputs below any bound, a multiple of p,
/// the sum below twice that.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn join<const LAZY: bool>(l: Lanes, x: V, y: V, w: (V, V), bound: V) -> (V, V) {
    let sum = _mm512_add_epi64(x, y);
    let sum = if LAZY { sum } else { at_most_once(sum, l.p2) };
    let difference = _mm512_add_epi64(_mm512_sub_epi64(x, y), bound);
    (sum, mul_lazy(l, difference, w.0, w.1))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn root(roots: &Roots, index: usize) -> (V, V) {
    let w = roots.at(index);
    (set(w.value), set(w.quotient))
}

/// Eight roots from `index` on, in the lanes that `order` says.
#[inline]
#[target_feature(enable = "avx512f")]
fn eight_roots(roots: &Roots, index: usize, order: V) -> (V, V) {
    let pick = |from: &[u64]| {
        let eight = from[index..].first_chunk().unwrap_or(&[0; 8]);
        _mm512_permutexvar_epi64(order, load(eight))
    };
    (pick(&roots.values), pick(&roots.quotients))
}

/// Lane numbers; 8 and above are lanes of the second operand.
#[inline]
#[target_feature(enable = "avx512f")]
fn order(lanes: [u64; 8]) -> V {
    load(&lanes)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn pick(a: V, order: V, b: V) -> V {
    _mm512_permutex2var_epi64(a, order, b)
}

/// Lanes of the last three layers: what two vectors of eight neighbours become, and back.
struct Orders {
    roots: [V; 3],
    down: [(V, V); 4],
    up: [(V, V); 4],
}

#[inline]
#[target_feature(enable = "avx512f")]
fn orders() -> Orders {
    Orders {
        roots: [
            order([0, 0, 0, 0, 1, 1, 1, 1]),
            order([0, 0, 2, 2, 1, 1, 3, 3]),
            order([0, 1, 2, 3, 4, 5, 6, 7]),
        ],
        down: [
            (
                order([0, 1, 2, 3, 8, 9, 10, 11]),
                order([4, 5, 6, 7, 12, 13, 14, 15]),
            ),
            (
                order([0, 1, 4, 5, 8, 9, 12, 13]),
                order([2, 3, 6, 7, 10, 11, 14, 15]),
            ),
            (
                order([0, 8, 4, 12, 2, 10, 6, 14]),
                order([1, 9, 5, 13, 3, 11, 7, 15]),
            ),
            (
                order([0, 8, 1, 9, 2, 10, 3, 11]),
                order([4, 12, 5, 13, 6, 14, 7, 15]),
            ),
        ],
        up: [
            (
                order([0, 2, 4, 6, 8, 10, 12, 14]),
                order([1, 3, 5, 7, 9, 11, 13, 15]),
            ),
            (
                order([0, 8, 4, 12, 2, 10, 6, 14]),
                order([1, 9, 5, 13, 3, 11, 7, 15]),
            ),
            (
                order([0, 1, 8, 9, 2, 3, 10, 11]),
                order([4, 5, 12, 13, 6, 7, 14, 15]),
            ),
            (
                order([0, 1, 2, 3, 8, 9, 10, 11]),
                order([4, 5, 6, 7, 12, 13, 14, 15]),
            ),
        ],
    }
}

/// Coefficients of a part that stays in the first cache through all layers but the two that join the parts.
const PART: usize = N / 4;

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn forward_ifma(prime: &Prime, a: &mut [u64; N]) {
    if prime.p < LAZY_BELOW {
        forward_layers::<true>(prime, a);
    } else {
        forward_layers::<false>(prime, a);
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn inverse_ifma(prime: &Prime, a: &mut [u64; N]) {
    if prime.p < LAZY_BELOW {
        inverse_layers::<true>(prime, a);
    } else {
        inverse_layers::<false>(prime, a);
    }
}

/// If `LAZY`, numbers grow from `4p` by `2p` in each layer, to `30p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn forward_layers<const LAZY: bool>(prime: &Prime, a: &mut [u64; N]) {
    let (l, roots, orders) = (lanes(prime), &prime.forward, orders());
    split_twice::<LAZY>(l, roots, 1, a);
    for (index, part) in a.chunks_exact_mut(PART).enumerate() {
        // Two layers at a time while half a block has at least two vectors.
        let mut half = PART / 2;
        while half >= 16 {
            let first = (N + index * PART) / (2 * half);
            for (block, a) in part.chunks_exact_mut(2 * half).enumerate() {
                split_twice::<LAZY>(l, roots, first + block, a);
            }
            half /= 4;
        }
        let first = (N + index * PART) / 8;
        for (pair, a) in part.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let (mut x, mut y) = halves(a);
            for layer in 0..3 {
                let w = eight_roots(roots, (first + 2 * pair) << layer, orders.roots[layer]);
                let (low, high) = orders.down[layer];
                (x, y) = (pick(x, low, y), pick(x, high, y));
                (x, y) = split::<LAZY>(l, x, y, w);
            }
            let (low, high) = orders.down[3];
            (x, y) = (pick(x, low, y), pick(x, high, y));
            let below_2p = |v| {
                if LAZY {
                    mul_factor(l, v, prime.one)
                } else {
                    at_most_once(v, l.p2)
                }
            };
            let reduce = |v| at_most_once(below_2p(v), l.p);
            put(a, reduce(x), reduce(y));
        }
    }
}

/// If `LAZY`, sums grow from `2p` to `16p` in the first three layers, then in two layers from that (or `4p`)
/// to four times as much, and are reduced.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn inverse_layers<const LAZY: bool>(prime: &Prime, a: &mut [u64; N]) {
    let (l, roots, orders) = (lanes(prime), &prime.inverse, orders());
    let bound = |multiple: u64| set(if LAZY { multiple } else { 2 } * prime.p);
    for (index, part) in a.chunks_exact_mut(PART).enumerate() {
        let first = (N + index * PART) / 8;
        for (pair, a) in part.as_chunks_mut::<16>().0.iter_mut().enumerate() {
            let (mut x, mut y) = halves(a);
            for layer in 0..3 {
                let index = (first + 2 * pair) << (2 - layer);
                let w = eight_roots(roots, index, orders.roots[2 - layer]);
                let (low, high) = orders.up[layer];
                (x, y) = (pick(x, low, y), pick(x, high, y));
                (x, y) = join::<LAZY>(l, x, y, w, bound(2 << layer));
            }
            let (low, high) = orders.up[3];
            put(a, pick(x, low, y), pick(x, high, y));
        }
        let mut half = 16;
        while half < PART {
            let bounds = if half == 16 { [16, 32] } else { [4, 8] }.map(bound);
            let first = (N + index * PART) / (2 * half);
            for (block, a) in part.chunks_exact_mut(2 * half).enumerate() {
                for sides in quarters(a) {
                    let [v0, v1, v2, v3] =
                        join_twice::<LAZY>(l, roots, first + block, &sides, bounds);
                    let v0 = if LAZY {
                        mul_factor(l, v0, prime.one)
                    } else {
                        v0
                    };
                    put_four(sides, [v0, v1, v2, v3]);
                }
            }
            half *= 4;
        }
    }
    for sides in quarters(a) {
        let sums = join_twice::<LAZY>(l, roots, 1, &sides, [4, 8].map(bound));
        let scaled = sums.map(|v| at_most_once(mul_factor(l, v, prime.n_inverse), l.p));
        put_four(sides, scaled);
    }
}

/// Two layers of the block of root `at`, in place.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn split_twice<const LAZY: bool>(l: Lanes, roots: &Roots, at: usize, a: &mut [u64]) {
    let w = root(roots, at);
    let (w0, w1) = (root(roots, 2 * at), root(roots, 2 * at + 1));
    for sides in quarters(a) {
        let [x0, x1, x2, x3] = sides.each_ref().map(|x| load(x));
        let (v0, v2) = split::<LAZY>(l, x0, x2, w);
        let (v1, v3) = split::<LAZY>(l, x1, x3, w);
        let (v0, v1) = split::<LAZY>(l, v0, v1, w0);
        let (v2, v3) = split::<LAZY>(l, v2, v3, w1);
        put_four(sides, [v0, v1, v2, v3]);
    }
}

/// Two layers back of the block of root `at`. If `LAZY`, the first is below four times its bound, the others
/// below `4p`.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn join_twice<const LAZY: bool>(
    l: Lanes,
    roots: &Roots,
    at: usize,
    sides: &[&mut [u64; 8]; 4],
    bounds: [V; 2],
) -> [V; 4] {
    let w = root(roots, at);
    let (w0, w1) = (root(roots, 2 * at), root(roots, 2 * at + 1));
    let [x0, x1, x2, x3] = sides.each_ref().map(|x| load(x));
    let (v0, v1) = join::<LAZY>(l, x0, x1, w0, bounds[0]);
    let (v2, v3) = join::<LAZY>(l, x2, x3, w1, bounds[0]);
    let (v0, v2) = join::<LAZY>(l, v0, v2, w, bounds[1]);
    let (v1, v3) = join::<LAZY>(l, v1, v3, w, l.p2);
    [v0, v1, v2, v3]
}

/// Vectors of the four quarters of a block, side by side.
#[inline]
fn quarters(a: &mut [u64]) -> impl Iterator<Item = [&mut [u64; 8]; 4]> {
    let quarter = a.len() / 4;
    let (a0, a) = a.split_at_mut(quarter);
    let (a1, a) = a.split_at_mut(quarter);
    let (a2, a3) = a.split_at_mut(quarter);
    let eights = |a| <[u64]>::as_chunks_mut::<8>(a).0.iter_mut();
    let sides = eights(a0).zip(eights(a1)).zip(eights(a2)).zip(eights(a3));
    sides.map(|(((x0, x1), x2), x3)| [x0, x1, x2, x3])
}

#[inline]
#[target_feature(enable = "avx512f")]
fn put_four(sides: [&mut [u64; 8]; 4], values: [V; 4]) {
    for (side, value) in sides.into_iter().zip(values) {
        store(side, value);
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn halves(a: &[u64; 16]) -> (V, V) {
    let eights = a.as_chunks::<8>().0;
    (load(&eights[0]), load(&eights[1]))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn put(a: &mut [u64; 16], x: V, y: V) {
    let eights = a.as_chunks_mut::<8>().0;
    store(&mut eights[0], x);
    store(&mut eights[1], y);
}
