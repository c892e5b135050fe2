//! Points, one or eight at a time: the map to the curve, and many points times one secret scalar.

use super::field::{Element, Sum};

/// Coefficient b of the curve `y^2 = x^3 - 3x + b`.
const B: [u64; 4] = [
    0xddbc_bd41_4d94_0e93,
    0xf397_89f5_15ab_8f92,
    0x4d5a_9e4b_cf65_09a7,
    0x28e9_fa9e_9d9f_5e34,
];
/// `2^256` modulo p.
const RADIX: [u64; 4] = [1, 0xffff_ffff, 0, 1 << 32];
/// Bits of a digit of the scalar.
const WINDOW: usize = 4;
/// Digits of a scalar.
const DIGITS: usize = 64;
/// Odd multiples of a point: 1, 3, ..., 15.
const TABLE: usize = 1 << (WINDOW - 1);

#[derive(Clone, Copy)]
pub(super) struct Affine<E> {
    x: E,
    y: E,
}

/// `x = X / Z^2`, `y = Y / Z^3`.
#[derive(Clone, Copy)]
struct Jacobian<E> {
    x: E,
    y: E,
    z: E,
}

#[inline(always)]
fn small<E: Element>(x: u64) -> E {
    E::from_words(&[[x, 0, 0, 0]])
}

#[inline(always)]
fn by<E: Element>(a: E, b: E) -> E {
    a.times(b).carried()
}

#[inline(always)]
fn squares<E: Element>(mut x: E, n: usize) -> E {
    for _ in 0..n {
        x = x.square().carried();
    }
    x
}

/// `x^((p - 3)/4)`, in binary 31 ones, a zero, 128 ones, 32 zeros, 62 ones.
#[inline(always)]
fn power<E: Element>(x: E) -> E {
    // Step 1: runs of ones: (run so far, squarings, factor)
    let x3 = by(squares(by(squares(x, 1), x), 1), x);
    let mut runs = [x3; 9];
    for (to, from, n, with) in [
        (1, 0, 3, 0),
        (2, 1, 6, 1),
        (3, 2, 3, 0),
        (4, 3, 15, 3),
        (6, 4, 1, 8),
        (7, 6, 31, 6),
        (5, 6, 1, 8),
        (8, 5, 32, 5),
        (8, 8, 64, 8),
    ] {
        let factor = if n == 1 { x } else { runs[with] };
        runs[to] = by(squares(runs[from], n), factor);
    }
    // Step 2: put them together
    let x31 = by(squares(runs[6], 129), runs[8]);
    by(squares(x31, 94), runs[7])
}

/// `1/x`, and 0 of 0: `p - 2 = 4 (p - 3)/4 + 1`.
#[inline(always)]
fn inverse<E: Element>(x: E) -> E {
    by(squares(power(x), 2), x)
}

/// Inverts all, of which none is 0, with one inversion.
#[inline(always)]
fn invert_all<E: Element>(elements: &mut [E]) {
    let Some(first) = elements.first() else {
        return;
    };
    let mut before = Vec::with_capacity(elements.len());
    let mut product = *first;
    for element in &elements[1..] {
        before.push(product);
        product = by(product, *element);
    }
    let mut rest = inverse(product);
    for (element, before) in elements[1..].iter_mut().zip(before).rev() {
        let inverse = by(rest, before);
        rest = by(rest, *element);
        *element = inverse;
    }
    elements[0] = rest;
}

/// Integers below 2^384, by words, in the field.
#[inline(always)]
fn from_wide<E: Element>(wide: &[[u64; 6]]) -> E {
    let mut low = [[0; 4]; 8];
    let mut high = [[0; 4]; 8];
    for ((low, high), wide) in low.iter_mut().zip(&mut high).zip(wide) {
        low.copy_from_slice(&wide[..4]);
        high[..2].copy_from_slice(&wide[4..]);
    }
    let shifted = E::from_words(&high[..wide.len()]).times(E::from_words(&[RADIX]));
    shifted
        .plus(E::from_words(&low[..wide.len()]).sum())
        .carried()
}

/// `map_to_curve_simple_swu` (RFC 9380 §6.6.2, Z = -9) of all; y up to sign, which no result depends on.
#[inline(always)]
pub(super) fn map_all<E: Element>(uniform: &[[u64; 6]]) -> Vec<Affine<E>> {
    let (b, three) = (E::from_words(&[B]), small::<E>(3));
    let zero = three.sum().minus(three.sum()).carried();
    let minus = |x: E| zero.sum().minus(x.sum());
    let z = minus(small(9)).carried();
    let one = small::<E>(1).sum();
    let mut points = Vec::with_capacity(uniform.len().div_ceil(E::LANES));
    let mut denominators = Vec::with_capacity(points.capacity());
    for eight in uniform.chunks(E::LANES) {
        let u = from_wide::<E>(eight);
        // Step 1: x1 = B (t + 1) / (-A t) with t = (Z u^2)^2 + Z u^2, or B / (Z A) if t = 0; -A = 3
        let zu2 = by(z, u.square().carried());
        let t = zu2.square().plus(zu2.sum()).carried();
        let x1 = by(b, t.sum().plus(one).carried());
        let d = by(three, t.select(t.zeros(), minus(z).carried()));
        // Step 2: g(x1) = n / d^3
        let d2 = d.square().carried();
        let d3 = by(d2, d);
        let ad2 = minus(by(three, d2));
        let inner = x1.square().plus(ad2).carried();
        let n = inner.times(x1).plus(b.times(d3)).carried();
        // Step 3: its root, or that of Z n / d^3: sqrt_ratio for p = 3 modulo 4, sqrt(-Z) = 3
        let nd3 = n.times(d3).carried();
        let y1 = by(power(by(d3.square().carried(), nd3)), nd3);
        let y2 = by(y1, three);
        let error = by(y1.square().carried(), d3).sum().minus(n.sum());
        let is_square = error.carried().zeros();
        // Step 4: x1, or x2 = Z u^2 x1 with y = Z u^3 sqrt(Z g(x1))
        let y2 = by(by(zu2, u), y2);
        points.push(Affine {
            x: by(zu2, x1).select(is_square, x1),
            y: y2.select(is_square, y1),
        });
        denominators.push(d);
    }
    invert_all(&mut denominators);
    for (point, inverse) in points.iter_mut().zip(&denominators) {
        point.x = by(point.x, *inverse);
    }
    wipe(&mut denominators, zero);
    points
}

/// The points with these x, below p, y up to sign; None unless all lie on the curve.
#[inline(always)]
pub(super) fn decode_all<E: Element>(x: &[[u64; 4]]) -> Option<Vec<Affine<E>>> {
    let (b, three) = (E::from_words(&[B]), small::<E>(3));
    let mut points = Vec::with_capacity(x.len().div_ceil(E::LANES));
    let mut good = true;
    for eight in x.chunks(E::LANES) {
        let x = E::from_words(eight);
        let inner = x.square().minus(three.sum()).carried();
        let square = inner.times(x).plus(b.sum()).carried();
        let y = by(power(square), square);
        let error = y.square().minus(square.sum()).carried();
        good &= error.zeros().trailing_ones() as usize >= E::LANES;
        points.push(Affine { x, y });
    }
    good.then_some(points)
}

/// Twice a point; none has y = 0.
#[inline(always)]
fn double<E: Element>(p: Jacobian<E>) -> Jacobian<E> {
    let delta = p.z.square();
    let gamma = p.y.square().carried();
    let beta = p.x.times(gamma);
    let x = p.x.sum();
    let slope = x.minus(delta).carried().times(x.plus(delta).carried());
    let alpha = slope.plus(slope).plus(slope).carried();
    let square = alpha.square();
    let beta2 = beta.plus(beta);
    let beta4 = beta2.plus(beta2);
    let beta8 = beta4.plus(beta4);
    let difference = beta4.plus(beta8).minus(square).carried();
    let (yz, gamma2) = (p.y.times(p.z), gamma.square());
    let gamma4 = gamma2.plus(gamma2).plus(gamma2.plus(gamma2));
    Jacobian {
        x: square.minus(beta8).carried(),
        y: alpha.times(difference).minus(gamma4.plus(gamma4)).carried(),
        z: yz.plus(yz).carried(),
    }
}

/// The sum of two points that are neither equal nor opposite.
#[inline(always)]
fn add<E: Element>(p: Jacobian<E>, q: Affine<E>) -> Jacobian<E> {
    let zz = p.z.square().carried();
    let h = q.x.times(zz).minus(p.x.sum()).carried();
    let zzz = p.z.times(zz).carried();
    let r = q.y.times(zzz).minus(p.y.sum()).carried();
    let hh = h.square().carried();
    let hhh = h.times(hh);
    let v = p.x.times(hh);
    let x = r.square().minus(hhh.plus(v).plus(v)).carried();
    let y = r.times(v.minus(x.sum()).carried());
    Jacobian {
        x,
        y: y.minus(p.y.times(hhh.carried())).carried(),
        z: by(p.z, h),
    }
}

type Table<E> = [Affine<E>; TABLE];

/// Odd multiples of all points. Each table is made on the isomorphic curve on which 2P has Z = 1.
#[inline(always)]
fn tables<E: Element>(points: &[Affine<E>]) -> Vec<Table<E>> {
    let one = small::<E>(1);
    let mut tables = Vec::with_capacity(points.len());
    let mut z = Vec::with_capacity((TABLE - 1) * points.len());
    for p in points {
        // Step 1: 2P = (X, Y, Z), and P on the curve where that is (X, Y)
        let twice = double(Jacobian {
            x: p.x,
            y: p.y,
            z: one,
        });
        let zz = twice.z.square().carried();
        let mut sum = Jacobian {
            x: by(p.x, zz),
            y: by(p.y, by(zz, twice.z)),
            z: one,
        };
        // Step 2: 3P, 5P, ...; back on the curve they have Z times as much below
        let mut table = [*p; TABLE];
        let step = Affine {
            x: twice.x,
            y: twice.y,
        };
        for entry in &mut table[1..] {
            sum = add(sum, step);
            (entry.x, entry.y) = (sum.x, sum.y);
            z.push(by(sum.z, twice.z));
        }
        tables.push(table);
    }
    // Step 3: one inversion for all
    invert_all(&mut z);
    let entries = tables.iter_mut().flat_map(|table| &mut table[1..]);
    for (entry, z) in entries.zip(&z) {
        let zz = z.square().carried();
        entry.x = by(entry.x, zz);
        entry.y = by(entry.y, by(zz, *z));
    }
    wipe(&mut z, one);
    tables
}

/// Odd digits of an odd scalar below `2^256`, the lowest first: `k = sum d_i 16^i`, the last one positive.
pub(super) fn digits(k: &[u64; 4]) -> [i8; DIGITS] {
    let mut k = *k;
    core::array::from_fn(|i| {
        if i == DIGITS - 1 {
            return k[0] as i8;
        }
        // d = (k mod 32) - 16; (k - d)/16 is k/16 with its lowest bit set.
        let digit = (k[0] & 31) as i8 - 16;
        for j in 0..4 {
            let next = if j < 3 { k[j + 1] } else { 0 };
            k[j] = k[j] >> WINDOW | next << (64 - WINDOW);
        }
        k[0] |= 1;
        digit
    })
}

/// A bit as a mask of all lanes.
fn every(bit: u8) -> u8 {
    bit.wrapping_neg()
}

/// `digit · P`; reads the whole table.
#[inline(always)]
fn look_up<E: Element>(table: &Table<E>, digit: i8, zero: E) -> Affine<E> {
    let negative = digit as u8 >> 7;
    let size = (digit as u8 ^ every(negative)).wrapping_add(negative);
    let mut entry = table[0];
    for (i, other) in table.iter().enumerate().skip(1) {
        let here = every(((size >> 1) ^ i as u8).wrapping_sub(1) >> 7);
        entry.x = entry.x.select(here, other.x);
        entry.y = entry.y.select(here, other.y);
    }
    let opposite = zero.sum().minus(entry.y.sum()).carried();
    entry.y = entry.y.select(every(negative), opposite);
    entry
}

/// Overwrites in a way that is not optimised away.
#[inline(always)]
fn wipe<T: Copy>(secrets: &mut [T], with: T) {
    secrets.fill(with);
    core::hint::black_box(secrets);
}

/// x of `k P` for all points, encoded, and the points wiped; `k` by [`digits`]. With k at most n - 32 no sum is of points that are
/// equal or opposite: 16m + d = k < n, m > 0, |d| < 16 odd, leaves 16m = d + n as the only case, k = n + 2d.
#[inline(always)]
pub(super) fn multiply_all<E: Element>(
    points: &mut [Affine<E>],
    k: &[i8; DIGITS],
    out: &mut [[u8; 32]],
) {
    let one = small::<E>(1);
    let zero = one.sum().minus(one.sum()).carried();
    let mut x = Vec::with_capacity(points.len());
    let mut z = Vec::with_capacity(points.len());
    let mut tables = tables(points);
    for table in &tables {
        let first = look_up(table, k[DIGITS - 1], zero);
        let mut sum = Jacobian {
            x: first.x,
            y: first.y,
            z: one,
        };
        for digit in k[..DIGITS - 1].iter().rev() {
            for _ in 0..WINDOW {
                sum = double(sum);
            }
            sum = add(sum, look_up(table, *digit, zero));
        }
        x.push(sum.x);
        z.push(sum.z.square().carried());
    }
    invert_all(&mut z);
    for ((x, z), out) in x.iter().zip(&z).zip(out.chunks_mut(E::LANES)) {
        by(*x, *z).encode(out);
    }
    let nowhere = Affine { x: zero, y: zero };
    wipe(points, nowhere);
    wipe(&mut tables, [nowhere; TABLE]);
    wipe(&mut x, zero);
    wipe(&mut z, zero);
}
