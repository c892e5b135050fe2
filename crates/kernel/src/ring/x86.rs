//! The register tile of the matrix product on 512-bit registers.

#![allow(unsafe_code)]

use super::{TILE_COLUMNS, TILE_ROWS, Tile};
use core::arch::x86_64::*;

/// `tile += aᵀ·b` over packed panels. The caller has checked the tier.
pub(super) fn multiply_panels(a: &[[u64; TILE_ROWS]], b: &[[u64; TILE_COLUMNS]], tile: &mut Tile) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 F and DQ.
    unsafe { multiply_512(a, b, tile) }
}

#[target_feature(enable = "avx512f")]
fn load(from: &[u64; 8]) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512dq")]
fn multiply_512(a: &[[u64; TILE_ROWS]], b: &[[u64; TILE_COLUMNS]], tile: &mut Tile) {
    let mut sums = [[_mm512_setzero_si512(); 2]; TILE_ROWS];
    for (a, b) in a.iter().zip(b) {
        let (halves, _) = b.as_chunks::<8>();
        let (left, right) = (load(&halves[0]), load(&halves[1]));
        for (sums, a) in sums.iter_mut().zip(a) {
            let a = _mm512_set1_epi64(*a as i64);
            sums[0] = _mm512_add_epi64(sums[0], _mm512_mullo_epi64(a, left));
            sums[1] = _mm512_add_epi64(sums[1], _mm512_mullo_epi64(a, right));
        }
    }
    for (row, sums) in tile.iter_mut().zip(&sums) {
        for (half, sum) in row.as_chunks_mut::<8>().0.iter_mut().zip(sums) {
            let sum = _mm512_add_epi64(load(half), *sum);
            // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
            unsafe { _mm512_storeu_si512(half.as_mut_ptr().cast(), sum) }
        }
    }
}
