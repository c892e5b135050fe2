//! Matrix products over Z_2^64.
//!
//! Source: the panel-panel product of Goto and van de Geijn 2008, §4. Setting: local; time and
//! memory accesses depend on shapes only.
//! Notation: `a: u64[m, k]`, `b: u64[k, n]`, row-major; arithmetic wraps.
//! Cost: `m·k·n` multiply-adds. Floor: one 512-bit `vpmullq` per 8 of them.

pub mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::error::{Error, Result, ensure};
#[cfg(target_arch = "x86_64")]
use crate::simd::Tier;
use crate::simd::{multiversion, tier};

/// Rows of a register tile.
const TILE_ROWS: usize = 8;
/// Columns of a register tile: two 512-bit registers.
const TILE_COLUMNS: usize = 16;
/// Depth of a packed panel: 256·16 words are 32 KiB, one L1 cache.
const DEPTH: usize = 256;
/// Columns of `b` packed at a time: 256·256 words are 512 KiB, half an L2 cache.
const COLUMNS: usize = 256;

/// `out = a·b` with wrapping arithmetic.
///
/// # Errors
/// `Mismatch` if a slice has not the length that its shape demands.
pub fn matmul(
    a: &[u64],
    b: &[u64],
    (m, k, n): (usize, usize, usize),
    out: &mut [u64],
) -> Result<()> {
    let fits = m.checked_mul(k) == Some(a.len())
        && k.checked_mul(n) == Some(b.len())
        && m.checked_mul(n) == Some(out.len());
    ensure(
        fits,
        Error::Mismatch("matrix lengths must be m·k, k·n and m·n"),
    )?;
    out.fill(0);
    if out.is_empty() || k == 0 {
        return Ok(());
    }
    if n < 8 {
        few_columns(a, b, k, n, out);
    } else if m < 4 {
        for (a, out) in a.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
            row_times_matrix(a, b, n, out);
        }
    } else {
        blocked(a, b, k, n, out);
    }
    Ok(())
}

multiversion! {
    fn few_columns(a: &[u64], b: &[u64], k: usize, n: usize, out: &mut [u64]) {
        let mut columns = vec![0u64; k * n];
        for (row, b) in b.chunks_exact(n).enumerate() {
            for (column, value) in b.iter().enumerate() {
                columns[column * k + row] = *value;
            }
        }
        for (a, out) in a.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
            for (column, out) in columns.chunks_exact(k).zip(out) {
                let mut sum = 0u64;
                for (a, b) in a.iter().zip(column) {
                    sum = sum.wrapping_add(a.wrapping_mul(*b));
                }
                *out = sum;
            }
        }
    }
}

multiversion! {
    fn row_times_matrix(a: &[u64], b: &[u64], n: usize, out: &mut [u64]) {
        // Four rows of b at a time quarter the traffic of out.
        let (quads, rest) = a.as_chunks::<4>();
        let (b, b_rest) = b.split_at(4 * n * quads.len());
        for (a, b) in quads.iter().zip(b.chunks_exact(4 * n)) {
            let (b0, b) = b.split_at(n);
            let (b1, b) = b.split_at(n);
            let (b2, b3) = b.split_at(n);
            for ((((out, b0), b1), b2), b3) in out.iter_mut().zip(b0).zip(b1).zip(b2).zip(b3) {
                let left = a[0].wrapping_mul(*b0).wrapping_add(a[1].wrapping_mul(*b1));
                let right = a[2].wrapping_mul(*b2).wrapping_add(a[3].wrapping_mul(*b3));
                *out = out.wrapping_add(left).wrapping_add(right);
            }
        }
        for (a, b) in rest.iter().zip(b_rest.chunks_exact(n)) {
            for (out, b) in out.iter_mut().zip(b) {
                *out = out.wrapping_add(a.wrapping_mul(*b));
            }
        }
    }
}

type Tile = [[u64; TILE_COLUMNS]; TILE_ROWS];

/// `tile += aᵀ·b` over packed panels.
fn multiply_panels(a: &[[u64; TILE_ROWS]], b: &[[u64; TILE_COLUMNS]], tile: &mut Tile) {
    match tier() {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512 => x86::multiply_panels(a, b, tile),
        _ => multiply_panels_portable(a, b, tile),
    }
}

multiversion! {
    fn multiply_panels_portable(a: &[[u64; TILE_ROWS]], b: &[[u64; TILE_COLUMNS]], tile: &mut Tile) {
        // Row by row: the compiler keeps one row of the tile in registers.
        for (row, tile) in tile.iter_mut().enumerate() {
            let mut sums = *tile;
            for (a, b) in a.iter().zip(b) {
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = sum.wrapping_add(a[row].wrapping_mul(*b));
                }
            }
            *tile = sums;
        }
    }
}

fn blocked(a: &[u64], b: &[u64], k: usize, n: usize, out: &mut [u64]) {
    let m = a.len() / k;
    let panels = n.min(COLUMNS).div_ceil(TILE_COLUMNS);
    let mut packed_b = vec![[0u64; TILE_COLUMNS]; k.min(DEPTH) * panels];
    let mut packed_a = vec![[0u64; TILE_ROWS]; k.min(DEPTH)];
    for column in (0..n).step_by(COLUMNS) {
        let columns = COLUMNS.min(n - column);
        for from in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - from);
            for (panel, packed) in packed_b.chunks_exact_mut(depth).enumerate() {
                let first = panel * TILE_COLUMNS;
                if first >= columns {
                    break;
                }
                let width = TILE_COLUMNS.min(columns - first);
                for (row, packed) in packed.iter_mut().enumerate() {
                    let start = (from + row) * n + column + first;
                    packed[..width].copy_from_slice(&b[start..start + width]);
                    packed[width..].fill(0);
                }
            }
            for row in (0..m).step_by(TILE_ROWS) {
                let rows = TILE_ROWS.min(m - row);
                for lane in 0..TILE_ROWS {
                    // Rows beyond the edge repeat the last one and are not stored.
                    let start = (row + lane.min(rows - 1)) * k + from;
                    for (packed, value) in packed_a.iter_mut().zip(&a[start..start + depth]) {
                        packed[lane] = *value;
                    }
                }
                for (panel, packed) in packed_b.chunks_exact(depth).enumerate() {
                    let first = panel * TILE_COLUMNS;
                    if first >= columns {
                        break;
                    }
                    let width = TILE_COLUMNS.min(columns - first);
                    let mut tile = [[0u64; TILE_COLUMNS]; TILE_ROWS];
                    multiply_panels(&packed_a[..depth], packed, &mut tile);
                    for (lane, tile) in tile.iter().take(rows).enumerate() {
                        let start = (row + lane) * n + column + first;
                        for (out, value) in out[start..start + width].iter_mut().zip(tile) {
                            *out = out.wrapping_add(*value);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn equals_the_definition_on_every_tier() {
        on_every_tier(|_| {
            let mut random = Stream::new(5);
            let sizes = [0usize, 1, 3, 4, 7, 8, 9, 17, 40];
            let mut shapes = vec![(5, 600, 300), (8, 257, 16), (70, 512, 257)];
            for m in sizes {
                for k in sizes {
                    shapes.extend(sizes.map(|n| (m, k, n)));
                }
            }
            for (m, k, n) in shapes {
                let (a, b) = (random.words(m * k), random.words(k * n));
                let mut out = vec![1; m * n];
                matmul(&a, &b, (m, k, n), &mut out).unwrap();
                for i in 0..m {
                    for j in 0..n {
                        let expected = (0..k).fold(0u64, |sum, l| {
                            sum.wrapping_add(a[i * k + l].wrapping_mul(b[l * n + j]))
                        });
                        assert_eq!(out[i * n + j], expected, "{m} {k} {n}");
                    }
                }
            }
        });
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(matmul(&[1; 6], &[1; 6], (2, 3, 3), &mut [0; 6]).is_err());
        assert!(matmul(&[], &[], (usize::MAX, 2, 0), &mut []).is_err());
    }
}
