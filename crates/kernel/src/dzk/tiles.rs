//! Sums of products of bytes on tile registers (AMX): one instruction adds the product of 16 rows of 64 bytes by 64
//! rows of 16 bytes, 16384 byte products, to 16 × 16 sums of 32 bits.
//!
//! A value is eight bytes, and a sum of values times weights is eight sums of products of bytes, put together with
//! shifts. Bytes only pass through arithmetic; shapes are public, and weights too.

#![allow(unsafe_code)]

use super::galois::{DEGREE, Element};
use super::lanes::{LANES, Words};
use super::plain::LEAF;
use super::x86::{load, store, transposed, words_at};
use crate::simd::{Tier, tier};
use core::arch::asm;
use core::arch::x86_64::*;
use core::marker::PhantomData;
use std::sync::OnceLock;

/// Terms of a sum that one instruction adds.
pub(super) const STEP: usize = 64;
/// Rows of a tile.
pub(super) const ROWS: usize = 16;
/// Tiles that hold the coefficients of an element.
pub(super) const GROUPS: usize = DEGREE / ROWS;
/// Bytes of a value.
pub(super) const BYTES: usize = 8;

/// Sixteen rows of 64 bytes; on the right-hand side row q holds terms 4q to 4q + 3, column after column.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
pub(super) struct Tile([Words; ROWS]);

impl Tile {
    pub(super) const ZERO: Self = Self([[0; LANES]; ROWS]);

    pub(super) fn row(&self, row: usize) -> &Words {
        &self.0[row]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut Words {
        &mut self.0[row]
    }
}

/// Columns of weights for every coefficient of an element.
pub(super) type Columns = [Tile; GROUPS];

/// Whether the machine has tiles and the system lends them to this process.
pub(super) fn available() -> bool {
    static LENT: OnceLock<bool> = OnceLock::new();
    tier() == Tier::Avx512 && *LENT.get_or_init(lent)
}

#[cfg(target_os = "linux")]
fn lent() -> bool {
    const TILES_AND_BYTES: u32 = 0b11 << 24;
    const ARCH_PRCTL: i64 = 158;
    const REQUEST_PERMISSION: u64 = 0x1023;
    const TILE_DATA: u64 = 18;
    let able = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & TILES_AND_BYTES == TILES_AND_BYTES;
    if !able || !is_x86_feature_detected!("avx512vbmi") {
        return false;
    }
    let mut answer = ARCH_PRCTL;
    // SAFETY: this system call asks for a permission and touches no memory of ours.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") answer,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer == 0
}

#[cfg(not(target_os = "linux"))]
fn lent() -> bool {
    false
}

/// Whose bytes have a sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Signed {
    None,
    Left,
    Right,
}

/// The tile registers of this thread, configured; given back when dropped.
pub(super) struct Machine(PhantomData<*mut ()>);

impl Machine {
    /// None if there are no tiles.
    pub(super) fn new() -> Option<Self> {
        #[repr(C, align(64))]
        struct Configuration([u8; 64]);
        let mut configuration = Configuration([0; 64]);
        configuration.0[0] = 1;
        for tile in 0..8 {
            configuration.0[16 + 2 * tile] = STEP as u8;
            configuration.0[48 + tile] = ROWS as u8;
        }
        if !available() {
            return None;
        }
        // SAFETY: the machine has tiles and the system lends them; the operand is 64 readable bytes.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack, readonly)) };
        Some(Self(PhantomData))
    }

    /// `sums += Σ_i left[i]·right[i]`, kept in tiles 0 to 2.
    pub(super) fn add(&self, left: &[Tile], right: &[Columns], signed: Signed) {
        debug_assert_eq!(left.len(), right.len());
        let steps = left.len().min(right.len());
        if steps == 0 {
            return;
        }
        macro_rules! steps {
            ($multiply:literal) => {
                asm!(
                    "2:",
                    "tileloadd tmm6, [{left} + {stride}*1]",
                    "tileloadd tmm3, [{right} + {stride}*1]",
                    "tileloadd tmm4, [{right} + {stride}*1 + 1024]",
                    "tileloadd tmm5, [{right} + {stride}*1 + 2048]",
                    concat!($multiply, " tmm0, tmm6, tmm3"),
                    concat!($multiply, " tmm1, tmm6, tmm4"),
                    concat!($multiply, " tmm2, tmm6, tmm5"),
                    "add {left}, 1024",
                    "add {right}, 3072",
                    "dec {steps}",
                    "jnz 2b",
                    left = inout(reg) left.as_ptr() => _,
                    right = inout(reg) right.as_ptr() => _,
                    steps = inout(reg) steps => _,
                    stride = in(reg) STEP,
                    options(nostack, readonly),
                )
            };
        }
        // SAFETY: a Machine exists only while the tiles are configured as 16 rows of 64 bytes; `steps` tiles are
        // read on the left and three times as many on the right.
        unsafe {
            match signed {
                Signed::None => steps!("tdpbuud"),
                Signed::Left => steps!("tdpbsud"),
                Signed::Right => steps!("tdpbusd"),
            }
        }
    }

    /// Sums of zero.
    pub(super) fn clear(&self) {
        // SAFETY: a Machine exists only while the tiles are configured.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                options(nostack, nomem)
            );
        }
    }

    /// The sums, of 32 bits.
    pub(super) fn sums(&self, to: &mut Columns) {
        // SAFETY: a Machine exists only while the tiles are configured; three tiles are written.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}*1], tmm0",
                "tilestored [{to} + {stride}*1 + 1024], tmm1",
                "tilestored [{to} + {stride}*1 + 2048], tmm2",
                to = in(reg) to.as_mut_ptr(),
                stride = in(reg) STEP,
                options(nostack),
            );
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: the tiles were configured; nobody else uses them.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Byte a of 64 words, for each a.
#[target_feature(enable = "avx512f,avx512vbmi")]
pub(super) fn planes(words: &[Words; 8]) -> [__m512i; BYTES] {
    let mut loaded = [_mm512_setzero_si512(); 8];
    for (loaded, words) in loaded.iter_mut().zip(words) {
        *loaded = load(words);
    }
    planes_of(loaded)
}

/// The same, of 64 words in registers.
#[target_feature(enable = "avx512f,avx512vbmi")]
pub(super) fn planes_of(words: [__m512i; 8]) -> [__m512i; BYTES] {
    const INDEX: [u8; 64] = {
        let mut index = [0; 64];
        let mut i = 0;
        while i < 64 {
            index[i] = (i % 8 * 8 + i / 8) as u8;
            i += 1;
        }
        index
    };
    // SAFETY: both types are 64 bytes without invalid values.
    let index: __m512i = unsafe { core::mem::transmute(INDEX) };
    let mut groups = [_mm512_setzero_si512(); 8];
    for (group, words) in groups.iter_mut().zip(words) {
        *group = _mm512_permutexvar_epi8(index, words);
    }
    transposed(groups)
}

/// `Σ_s 2^(8s)·sums[s]` in 16 lanes modulo 2^64, for signed sums below 2^28: lanes 0 to 7, then 8 to 15.
#[target_feature(enable = "avx512f")]
pub(super) fn whole(sums: [__m512i; BYTES]) -> [__m512i; 2] {
    let [a, b, c, d, e, f, g, h] = sums;
    // The upper ones count modulo 2^32 only.
    let high = _mm512_add_epi32(
        _mm512_add_epi32(e, _mm512_slli_epi32::<8>(f)),
        _mm512_add_epi32(_mm512_slli_epi32::<16>(g), _mm512_slli_epi32::<24>(h)),
    );
    core::array::from_fn(|half| {
        let wide = |x: __m512i| {
            let part = if half == 0 {
                _mm512_castsi512_si256(x)
            } else {
                _mm512_extracti64x4_epi64::<1>(x)
            };
            _mm512_cvtepi32_epi64(part)
        };
        let low = _mm512_add_epi64(
            _mm512_add_epi64(wide(a), _mm512_slli_epi64::<8>(wide(b))),
            _mm512_add_epi64(
                _mm512_slli_epi64::<16>(wide(c)),
                _mm512_slli_epi64::<24>(wide(d)),
            ),
        );
        _mm512_add_epi64(low, _mm512_slli_epi64::<32>(wide(high)))
    })
}

// --- sums of rows under challenges ----------------------------------------------------------------------

/// Values whose bytes are the rows of one tile.
const PAIR: usize = 2;

/// Weights of rows, and room for the rows of some columns.
pub(super) struct Weighted {
    machine: Machine,
    right: Vec<Columns>,
    left: Vec<Tile>,
    sums: Vec<Columns>,
}

impl Weighted {
    /// For challenges whose number is a multiple of `STEP`, at most 2^12; None if there are no tiles.
    pub(super) fn new(alpha: &[u64]) -> Option<Self> {
        let machine = Machine::new()?;
        // SAFETY: a Machine exists only where AVX-512 F does.
        let right = alpha
            .as_chunks()
            .0
            .iter()
            .map(|alpha| unsafe { challenge_columns(alpha) });
        Some(Self {
            machine,
            right: right.collect(),
            left: vec![Tile::ZERO; LEAF.div_ceil(PAIR) * alpha.len() / STEP],
            sums: vec![[Tile::ZERO; GROUPS]; 2],
        })
    }

    /// `out[c] += Σ_l alpha_l·values[c·depth + l]`.
    pub(super) fn add(&mut self, values: &[u64], out: &mut [Element]) {
        let steps = self.right.len();
        for (values, out) in values.chunks(LEAF * steps * STEP).zip(out.chunks_mut(LEAF)) {
            for (c, values) in values.chunks_exact(steps * STEP).enumerate() {
                let left = &mut self.left[c / PAIR * steps..][..steps];
                // SAFETY: a Machine exists only where AVX-512 F and VBMI do.
                unsafe { unpack_column(values, c % PAIR, left) };
            }
            self.add_unpacked(out);
        }
    }

    /// `out[c] += Σ_l alpha_l·Σ_s u_s[l, c]·v_s[l, c]` at the points of two variables, from four columns at the
    /// corners, each with the rows of all pairs.
    pub(super) fn add_products(&mut self, u: &[u64], v: &[u64], pairs: usize, out: &mut [Element]) {
        // SAFETY: a Machine exists only where AVX-512 F, DQ and VBMI do.
        unsafe { unpack_products(u, v, (self.right.len(), pairs), &mut self.left) };
        self.add_unpacked(out);
    }

    /// Puts sums together while the tiles are busy with the next ones.
    fn add_unpacked(&mut self, out: &mut [Element]) {
        let lefts = self.left.chunks_exact(self.right.len());
        let (mut now, mut before) = (0, None);
        for (left, out) in lefts.zip(out.chunks_mut(PAIR)) {
            self.machine.clear();
            self.machine.add(left, &self.right, Signed::None);
            if let Some(out) = before.replace(out) {
                add_pair(&self.sums[now], out);
            }
            now = 1 - now;
            self.machine.sums(&mut self.sums[now]);
        }
        if let Some(out) = before {
            add_pair(&self.sums[now], out);
        }
    }
}

/// Bytes of the products at nine points, of 64 rows at a time.
#[target_feature(enable = "avx512f,avx512dq,avx512vbmi")]
fn unpack_products(u: &[u64], v: &[u64], (steps, pairs): (usize, usize), left: &mut [Tile]) {
    let depth = steps * STEP;
    let mut products = [[[0u64; LANES]; STEP / LANES]; LEAF];
    for step in 0..steps {
        for group in 0..STEP / LANES {
            let mut sums = [_mm512_setzero_si512(); LEAF];
            for pair in 0..pairs {
                let at = |j: usize| (j * pairs + pair) * depth + step * STEP + group * LANES;
                let corners = |x| core::array::from_fn(|j| load(words_at(x, at(j))));
                let (u, v) = (extended(corners(u)), extended(corners(v)));
                for ((sum, u), v) in sums.iter_mut().zip(u).zip(v) {
                    *sum = _mm512_add_epi64(*sum, _mm512_mullo_epi64(u, v));
                }
            }
            for (products, sum) in products.iter_mut().zip(sums) {
                store(&mut products[group], sum);
            }
        }
        for (c, words) in products.iter().enumerate() {
            let rows = left[c / PAIR * steps + step].0[c % PAIR * BYTES..].iter_mut();
            for (row, plane) in rows.zip(planes(words)) {
                store(row, plane);
            }
        }
    }
}

/// The values at the points of two variables.
#[target_feature(enable = "avx512f")]
fn extended([a, b, c, d]: [__m512i; 4]) -> [__m512i; LEAF] {
    let (low, high) = (_mm512_sub_epi64(b, a), _mm512_sub_epi64(d, c));
    let (e, f) = (_mm512_sub_epi64(c, a), _mm512_sub_epi64(d, b));
    [a, b, low, c, d, high, e, f, _mm512_sub_epi64(f, e)]
}

/// The coefficients of 64 challenges.
#[target_feature(enable = "avx512f")]
pub(super) fn challenge_columns(alpha: &[u64; STEP]) -> Columns {
    let mut columns = [Tile::ZERO; GROUPS];
    for (group, tile) in columns.iter_mut().enumerate() {
        for (row, four) in tile.0.iter_mut().zip(alpha.as_chunks::<4>().0) {
            let mut bytes = _mm512_setzero_si512();
            for (i, alpha) in four.iter().enumerate() {
                let ones = (alpha >> (ROWS * group)) as u16;
                bytes = _mm512_or_si512(bytes, _mm512_maskz_set1_epi32(ones, 1 << (8 * i)));
            }
            store(row, bytes);
        }
    }
    columns
}

#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack_column(values: &[u64], at: usize, left: &mut [Tile]) {
    for (words, tile) in values.as_chunks().0.as_chunks().0.iter().zip(left) {
        let rows = tile.0[at * BYTES..].iter_mut();
        for (row, plane) in rows.zip(planes(words)) {
            store(row, plane);
        }
    }
}

/// Only called by who has a Machine.
fn add_pair(sums: &Columns, out: &mut [Element]) {
    for (at, out) in out.iter_mut().enumerate() {
        // SAFETY: a Machine exists only where AVX-512 F does.
        unsafe { add_to(sums, at, out) };
    }
}

#[target_feature(enable = "avx512f")]
fn add_to(sums: &Columns, at: usize, out: &mut Element) {
    for (sums, out) in sums.iter().zip(out.as_chunks_mut::<ROWS>().0) {
        let sums = whole(core::array::from_fn(|s| load(&sums.0[at * BYTES + s])));
        for (out, sum) in out.as_chunks_mut().0.iter_mut().zip(sums) {
            store(out, _mm512_add_epi64(load(out), sum));
        }
    }
}
