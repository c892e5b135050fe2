//! Bit transposes: rows of bits to planes of bits and back.
//!
//! Source: the recursive block swap of Eklundh 1972 (Hacker's Delight, 2nd ed., §7-3), run on eight
//! independent 64×64 blocks at once, one per 64-bit lane, so that every step is a vertical vector
//! operation in plain Rust.
//! Setting: local; data-independent memory accesses and time.
//! Notation: a *plane* holds one bit of every row; bit `i` of word `w` belongs to row `64w + i`.
//! Cost: 6·32·6 lane operations per 64×64 block (5 vector operations per row of 128 bits at
//! 512-bit width). Floor: reading and writing memory once.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::aes::Block;
use crate::error::{Error, Result, ensure};
use crate::simd::{Tier, multiversion, tier};

/// Up to so many planes, bits are picked byte by byte where the machine can: cheaper than a transpose of 64.
#[cfg(target_arch = "x86_64")]
const FEW_PLANES: usize = 32;

/// Eight 64×64 bit matrices, one per lane; row `r` of matrix `l` is `[r][l]`.
pub(crate) type Lanes = [[u64; 8]; 64];

/// Transposes all eight matrices in place.
#[inline(always)]
pub(crate) fn transpose_lanes(rows: &mut Lanes) {
    #[cfg(target_arch = "x86_64")]
    if tier() == Tier::Avx512 {
        return x86::transpose(rows);
    }
    let mut step = 32;
    let mut low = 0x0000_0000_ffff_ffff_u64;
    while step != 0 {
        let mut upper = 0;
        while upper < 64 {
            let (above, below) = rows.split_at_mut(upper + step);
            for (above, below) in above[upper].iter_mut().zip(&mut below[0]) {
                let swap = ((*above >> step) ^ *below) & low;
                *above ^= swap << step;
                *below ^= swap;
            }
            upper = (upper + step + 1) & !step;
        }
        step >>= 1;
        low ^= low << step;
    }
}

multiversion! {
    /// Rows of 128 bits from 128 planes of bytes: bit `p` of `rows[i]` is bit `i` of plane `p`.
    ///
    /// `planes` holds 128 planes of `stride` bytes each, a multiple of 64 with room for all rows.
    pub(crate) fn planes_to_rows(planes: &[u8], stride: usize, rows: &mut [Block]) {
        let mut half = [[[0u64; 8]; 64]; 2];
        for (group, rows) in rows.chunks_mut(512).enumerate() {
            for (plane, bytes) in planes.chunks_exact(stride).take(128).enumerate() {
                let lanes = &mut half[plane / 64][plane % 64];
                for (lane, word) in lanes.iter_mut().zip(bytes[64 * group..].as_chunks::<8>().0) {
                    *lane = u64::from_le_bytes(*word);
                }
            }
            transpose_lanes(&mut half[0]);
            transpose_lanes(&mut half[1]);
            #[cfg(target_arch = "x86_64")]
            if let (Tier::Avx512, Some(rows)) = (tier(), rows.first_chunk_mut()) {
                x86::join(&half[0], &half[1], rows);
                continue;
            }
            for (lane, rows) in rows.chunks_mut(64).enumerate() {
                for (row, (low, high)) in rows.iter_mut().zip(half[0].iter().zip(&half[1])) {
                    let value = u128::from(low[lane]) | (u128::from(high[lane]) << 64);
                    *row = value.to_le_bytes();
                }
            }
        }
    }
}

multiversion! {
    /// Words `8·group..` of the planes of up to 512 rows of 128 bits: bit `i` of plane `p` is bit `p` of
    /// row `512·group + i`. `planes` holds at most 128 planes of `words` words each.
    pub(crate) fn rows_to_planes(rows: &[Block], group: usize, words: usize, planes: &mut [u64]) {
        let mut half = [[[0u64; 8]; 64]; 2];
        for (lane, rows) in rows.chunks(64).enumerate() {
            for (index, row) in rows.iter().enumerate() {
                let value = u128::from_le_bytes(*row);
                half[0][index][lane] = value as u64;
                half[1][index][lane] = (value >> 64) as u64;
            }
        }
        transpose_lanes(&mut half[0]);
        if planes.len() > 64 * words {
            transpose_lanes(&mut half[1]);
        }
        let span = 8 * group..8 * group + rows.len().div_ceil(64);
        for (plane, lanes) in planes.chunks_exact_mut(words).zip(half.as_flattened()) {
            plane[span.clone()].copy_from_slice(&lanes[..span.len()]);
        }
    }
}

multiversion! {
    /// As [`rows_to_planes`] for the first few planes: bit by bit, which costs less than a transpose.
    pub(crate) fn rows_to_few_planes(rows: &[Block], group: usize, words: usize, planes: &mut [u64]) {
        let (whole, rest) = rows.as_chunks::<64>();
        for (p, plane) in planes.chunks_exact_mut(words).enumerate() {
            let plane = &mut plane[8 * group..];
            for (word, rows) in plane.iter_mut().zip(whole) {
                let halves = rows.as_flattened().as_chunks::<8>().0;
                let mut bits = 0;
                for i in 0..64 {
                    bits |= ((u64::from_le_bytes(halves[2 * i]) >> p) & 1) << i;
                }
                *word = bits;
            }
            if !rest.is_empty() {
                plane[whole.len()] = rest.iter().enumerate().fold(0, |bits, (i, row)| {
                    bits | ((u128::from_le_bytes(*row) >> p) as u64 & 1) << i
                });
            }
        }
    }
}

/// Words `8·group..` of the planes of up to 512 values; `planes` has `words` words for each.
#[inline(always)]
pub(crate) fn scatter_group(values: &[u64], group: usize, words: usize, planes: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if tier() == Tier::Avx512 && planes.len() <= FEW_PLANES * words {
        let mut lines = [[0u64; 8]; FEW_PLANES];
        let width = planes.len() / words;
        for (lane, values) in values.chunks(64).enumerate() {
            let mut padded = [0; 64];
            padded[..values.len()].copy_from_slice(values);
            x86::values_to_planes(&padded, lane, &mut lines[..width]);
        }
        let span = words.min(8 * group + 8) - 8 * group;
        for (plane, line) in planes.chunks_exact_mut(words).zip(&lines) {
            plane[8 * group..8 * group + span].copy_from_slice(&line[..span]);
        }
        return;
    }
    let mut block = [[0u64; 8]; 64];
    for (lane, values) in values.chunks(64).enumerate() {
        for (row, value) in block.iter_mut().zip(values) {
            row[lane] = *value;
        }
    }
    transpose_lanes(&mut block);
    let span = words.min(8 * group + 8) - 8 * group;
    for (plane, lanes) in planes.chunks_exact_mut(words).zip(&block) {
        plane[8 * group..8 * group + span].copy_from_slice(&lanes[..span]);
    }
}

/// Inverse of [`scatter_group`].
#[inline(always)]
pub(crate) fn gather_group(planes: &[u64], group: usize, words: usize, values: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if tier() == Tier::Avx512 && planes.len() <= FEW_PLANES * words {
        let mut lines = [[0u64; 8]; FEW_PLANES];
        let width = planes.len() / words;
        let span = words.min(8 * group + 8) - 8 * group;
        for (line, plane) in lines.iter_mut().zip(planes.chunks_exact(words)) {
            line[..span].copy_from_slice(&plane[8 * group..8 * group + span]);
        }
        for (lane, values) in values.chunks_mut(64).enumerate() {
            let mut whole = [0; 64];
            x86::planes_to_values(&lines[..width], lane, &mut whole);
            values.copy_from_slice(&whole[..values.len()]);
        }
        return;
    }
    let mut block = [[0u64; 8]; 64];
    let span = words.min(8 * group + 8) - 8 * group;
    for (lanes, plane) in block.iter_mut().zip(planes.chunks_exact(words)) {
        lanes[..span].copy_from_slice(&plane[8 * group..8 * group + span]);
    }
    transpose_lanes(&mut block);
    for (lane, values) in values.chunks_mut(64).enumerate() {
        for (row, value) in block.iter().zip(values) {
            *value = row[lane];
        }
    }
}

multiversion! {
    fn scatter(values: &[u64], words: usize, planes: &mut [u64]) {
        for (group, values) in values.chunks(512).enumerate() {
            scatter_group(values, group, words, planes);
        }
    }
}

multiversion! {
    fn gather(planes: &[u64], words: usize, values: &mut [u64]) {
        for (group, values) in values.chunks_mut(512).enumerate() {
            gather_group(planes, group, words, values);
        }
    }
}

/// Words of one plane over `n` rows: `ceil(n / 64)`.
#[must_use]
pub fn plane_words(n: usize) -> usize {
    n.div_ceil(64)
}

/// Planes of `x: u64[n]`: bit `i` of word `w` of plane `j` is bit `j` of `x[64w + i]`.
///
/// `planes: u64[width, ceil(n/64)]`; bits beyond `n` are zero, bits of `x` beyond `width` dropped.
///
/// # Errors
/// `Range` if `width` is not in `1..=64`; `Mismatch` if `planes` has another length.
pub fn bits_to_planes(x: &[u64], width: usize, planes: &mut [u64]) -> Result<()> {
    check_planes(x.len(), width, planes.len())?;
    if !x.is_empty() {
        scatter(x, plane_words(x.len()), planes);
    }
    Ok(())
}

/// Inverse of [`bits_to_planes`]: `x: u64[n]`, bits from `width` on are zero.
///
/// # Errors
/// `Range` if `width` is not in `1..=64`; `Mismatch` if `planes` has not `width·ceil(n/64)` words.
pub fn planes_to_bits(planes: &[u64], width: usize, x: &mut [u64]) -> Result<()> {
    check_planes(x.len(), width, planes.len())?;
    if !x.is_empty() {
        gather(planes, plane_words(x.len()), x);
    }
    Ok(())
}

/// Whether a value may have `width` planes.
///
/// # Errors
/// `Range` if `width` is not in `1..=64`.
pub fn check_width(width: usize) -> Result<()> {
    ensure(
        (1..=64).contains(&width),
        Error::Range("width must be in 1..=64"),
    )
}

fn check_planes(n: usize, width: usize, len: usize) -> Result<()> {
    ensure(
        (1..=64).contains(&width),
        Error::Range("width must be in 1..=64"),
    )?;
    ensure(
        width.checked_mul(plane_words(n)) == Some(len),
        Error::Mismatch("planes must have width times ceil(n/64) words"),
    )
}

/// Bit `index` of bytes packed little-endian.
#[inline(always)]
pub(crate) fn packed_bit(bytes: &[u8], index: usize) -> u8 {
    (bytes[index / 8] >> (index % 8)) & 1
}

/// Mask of the used bits of the last byte of `n` packed bits.
pub(crate) fn tail_mask(n: usize) -> u8 {
    if n.is_multiple_of(8) {
        0xff
    } else {
        (1u8 << (n % 8)) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[test]
    fn planes_match_the_definition_and_invert() {
        on_every_tier(|_| {
            let mut random = Stream::new(1);
            for n in [0usize, 1, 7, 63, 64, 65, 511, 512, 513, 1300] {
                for width in [1usize, 2, 33, 64] {
                    let words = plane_words(n);
                    let x = random.words(n);
                    let mut planes = vec![u64::MAX; width * words];
                    bits_to_planes(&x, width, &mut planes).unwrap();
                    for j in 0..width {
                        for i in 0..64 * words {
                            let expected = x.get(i).map_or(0, |value| (value >> j) & 1);
                            assert_eq!((planes[j * words + i / 64] >> (i % 64)) & 1, expected);
                        }
                    }
                    let mut back = vec![u64::MAX; n];
                    planes_to_bits(&planes, width, &mut back).unwrap();
                    let mask = if width == 64 {
                        u64::MAX
                    } else {
                        (1 << width) - 1
                    };
                    assert!(back.iter().zip(&x).all(|(b, x)| *b == x & mask));
                }
            }
        });
    }

    #[test]
    fn rows_match_the_definition() {
        on_every_tier(|_| {
            let mut random = Stream::new(2);
            for n in [1usize, 8, 63, 64, 500, 512, 1025] {
                let stride = n.div_ceil(8).next_multiple_of(64);
                let planes = random.bytes(128 * stride);
                let mut rows = vec![[0u8; 16]; n];
                planes_to_rows(&planes, stride, &mut rows);
                for (i, row) in rows.iter().enumerate() {
                    for p in 0..128 {
                        assert_eq!(packed_bit(row, p), packed_bit(&planes[p * stride..], i));
                    }
                }
                let words = plane_words(n);
                for width in [1, 64, 65, 128] {
                    let mut back = vec![0u64; width * words];
                    for (group, rows) in rows.chunks(512).enumerate() {
                        rows_to_planes(rows, group, words, &mut back);
                    }
                    for p in 0..width {
                        for (i, row) in rows.iter().enumerate() {
                            let bit = (back[p * words + i / 64] >> (i % 64)) & 1;
                            assert_eq!(bit as u8, packed_bit(row, p));
                        }
                    }
                    if width == 1 {
                        let mut few = vec![u64::MAX; 3 * words];
                        for (group, rows) in rows.chunks(512).enumerate() {
                            rows_to_few_planes(rows, group, words, &mut few);
                        }
                        assert_eq!(few[..words], back);
                        let mut all = vec![0u64; 128 * words];
                        for (group, rows) in rows.chunks(512).enumerate() {
                            rows_to_planes(rows, group, words, &mut all);
                        }
                        assert_eq!(few, all[..3 * words]);
                    }
                    let tail = if n % 64 == 0 { 0 } else { u64::MAX << (n % 64) };
                    assert!((0..width).all(|p| back[p * words + words - 1] & tail == 0));
                }
            }
        });
    }

    #[test]
    fn wrong_shapes_are_refused() {
        assert!(bits_to_planes(&[1, 2], 0, &mut []).is_err());
        assert!(bits_to_planes(&[1, 2], 65, &mut [0; 65]).is_err());
        assert!(bits_to_planes(&[1, 2], 3, &mut [0; 4]).is_err());
        assert!(planes_to_bits(&[1; 2], 3, &mut [0; 4]).is_err());
    }
}
