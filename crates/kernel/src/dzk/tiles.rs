//! Sums of products of bytes on tile registers (AMX): one instruction adds the product of 16 rows of 64 bytes by 64
//! rows of 16 bytes, 16384 byte products, to 16 × 16 sums of 32 bits.
//!
//! A value is eight bytes, and a sum of values times weights is eight sums of products of bytes, put together with
//! shifts. Bytes only pass through arithmetic; shapes are public, and weights too.

#![allow(unsafe_code)]

use super::galois::DEGREE;
use super::lanes::{LANES, Words};
use super::x86::{BY_BYTE, load, transposed};
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

    pub(super) fn rows_mut(&mut self) -> &mut [Words; ROWS] {
        &mut self.0
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
            }
        }
    }

    /// `sums[s] = Σ_(a + b = s) Σ_i left[a·steps + i]·right[b·steps + i]`, a below `left.len() / steps`; the last b
    /// has bytes with a sign if `signed`. Four sums at a time stay in tiles, so that one load of the right side serves
    /// all of them and both sides stay in an L1 cache.
    pub(super) fn convolve(
        &self,
        (left, right): (&[Tile], &[Tile]),
        steps: usize,
        signed: bool,
        sums: &mut [Tile; BYTES],
    ) {
        const KEPT: usize = 4;
        let (known, count) = (left.len() / steps, right.len() / steps);
        for (set, sums) in sums.as_chunks_mut::<KEPT>().0.iter_mut().enumerate() {
            self.clear();
            for step in 0..steps {
                for b in 0..count.min((set + 1) * KEPT) {
                    self.hold(&right[b * steps + step]);
                    for kept in 0..KEPT {
                        let a = (set * KEPT + kept).wrapping_sub(b);
                        if a < known {
                            self.add_held(kept, &left[a * steps + step], signed && b + 1 == count);
                        }
                    }
                }
            }
            self.kept(sums);
        }
    }

    /// The right side of what [`Machine::add_held`] adds, in tile 4.
    fn hold(&self, right: &Tile) {
        // SAFETY: a Machine exists only while the tiles are configured; one tile is read.
        unsafe {
            asm!(
                "tileloadd tmm4, [{right} + {stride}*1]",
                right = in(reg) right,
                stride = in(reg) STEP,
                options(nostack, readonly, preserves_flags),
            );
        }
    }

    /// Adds a product to tile `kept`, 0 to 3.
    #[inline(always)]
    fn add_held(&self, kept: usize, left: &Tile, signed: bool) {
        macro_rules! multiply {
            ($multiply:literal, $sum:literal, $left:literal) => {
                asm!(
                    concat!("tileloadd ", $left, ", [{left} + {stride}*1]"),
                    concat!($multiply, " ", $sum, ", ", $left, ", tmm4"),
                    left = in(reg) left,
                    stride = in(reg) STEP,
                    options(nostack, readonly, preserves_flags),
                )
            };
        }
        // SAFETY: a Machine exists only while the tiles are configured; one tile is read.
        unsafe {
            match (kept, signed) {
                (0, false) => multiply!("tdpbuud", "tmm0", "tmm5"),
                (1, false) => multiply!("tdpbuud", "tmm1", "tmm6"),
                (2, false) => multiply!("tdpbuud", "tmm2", "tmm7"),
                (_, false) => multiply!("tdpbuud", "tmm3", "tmm5"),
                (0, true) => multiply!("tdpbusd", "tmm0", "tmm5"),
                (1, true) => multiply!("tdpbusd", "tmm1", "tmm6"),
                (2, true) => multiply!("tdpbusd", "tmm2", "tmm7"),
                (_, true) => multiply!("tdpbusd", "tmm3", "tmm5"),
            }
        }
    }

    /// What was added to tiles 0 to 3.
    fn kept(&self, to: &mut [Tile; 4]) {
        // SAFETY: a Machine exists only while the tiles are configured; four tiles are written.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}*1], tmm0",
                "tilestored [{to} + {stride}*1 + 1024], tmm1",
                "tilestored [{to} + {stride}*1 + 2048], tmm2",
                "tilestored [{to} + {stride}*1 + 3072], tmm3",
                to = in(reg) to.as_mut_ptr(),
                stride = in(reg) STEP,
                options(nostack),
            );
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
                "tilezero tmm3",
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
    // SAFETY: both types are 64 bytes without invalid values.
    let index: __m512i = unsafe { core::mem::transmute(BY_BYTE) };
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
