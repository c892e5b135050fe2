//! Binary fuse filter over pseudorandom tags: a static set in 1.13 fingerprints an item.
//!
//! Source: [GL22] Graf, Lemire, ACM JEA 2022 (arXiv 2201.01174), 3-wise. Setting: local. Tags are outputs of a
//! pseudorandom function: what the filter shows can be simulated from their number, if every tag in it is distinct.
//! Differs: fingerprints of 1 to 8 whole bytes are part of the tag and independent of the positions.
//! Notation: a tag has 16 bytes for positions and 8 for the fingerprint. Cost: about 50 ns an item to build, three
//! reads to look up; a tag that was not put in matches with probability 2^(-8·width).

use crate::error::{Error, Result, ensure};

/// Bytes of a tag.
pub const TAG_BYTES: usize = 24;
/// Most items of one filter.
pub const MOST_ITEMS: usize = 1 << 28;

/// A tag.
pub type Tag = [u8; TAG_BYTES];

/// Three windows of neighbouring segments.
#[derive(Clone, Copy)]
struct Layout {
    segment: usize,
    starts: usize,
}

impl Layout {
    fn new(n: usize) -> Self {
        let size = n.max(2) as f64;
        let exponent = (size.ln() / 3.33f64.ln() + 2.25).floor() as u32;
        let segment = 1usize << exponent.min(18);
        let factor = (0.875 + 0.25 * 1e6f64.ln() / size.ln()).max(1.125);
        let segments = ((size * factor).round() as usize).div_ceil(segment);
        Self {
            segment,
            starts: segments.saturating_sub(2).max(1) * segment,
        }
    }

    fn slots(self) -> usize {
        self.starts + 2 * self.segment
    }

    fn places(self, hash: u64) -> [usize; 3] {
        let first = ((u128::from(hash) * self.starts as u128) >> 64) as usize;
        let mask = self.segment - 1;
        let second = (first + self.segment) ^ ((hash >> 18) as usize & mask);
        [
            first,
            second,
            (first + 2 * self.segment) ^ (hash as usize & mask),
        ]
    }
}

/// Slots of a filter of `n` items.
///
/// # Errors
/// `Range` above 2^28 items.
pub fn slots(n: usize) -> Result<usize> {
    ensure(
        n <= MOST_ITEMS,
        Error::Range("a filter holds at most 2^28 items"),
    )?;
    Ok(Layout::new(n).slots())
}

fn check(width: usize) -> Result<()> {
    ensure(
        (1..=8).contains(&width),
        Error::Range("fingerprints have 1 to 8 bytes"),
    )
}

fn split(tag: &Tag) -> (u64, u64, u64) {
    let [a, b, c] = core::array::from_fn(|i| {
        let mut word = [0; 8];
        word.copy_from_slice(&tag[8 * i..8 * i + 8]);
        u64::from_le_bytes(word)
    });
    (a, b, c)
}

/// A hash of the 16 position bytes for every seed.
fn hash(tag: &Tag, seed: u64) -> u64 {
    let (a, b, _) = split(tag);
    let mut mixed = a ^ b.rotate_left(32) ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(factor);
    }
    mixed ^ (mixed >> 33)
}

/// Puts `tags`, all distinct, into `filter`; false if this seed does not work and another one must be tried.
///
/// # Errors
/// `Range` for the width or too many tags, `Mismatch` unless `filter` has `width` bytes for every slot.
pub fn build(tags: &[Tag], width: usize, seed: u64, filter: &mut [u8]) -> Result<bool> {
    check(width)?;
    ensure(
        filter.len() == slots(tags.len())? * width,
        Error::Mismatch("filter must have width bytes for every slot"),
    )?;
    filter.fill(0);
    let layout = Layout::new(tags.len());
    // Of every slot: the number of tags that use it, and the xor of their indices.
    let mut users = vec![(0u32, 0u32); layout.slots()];
    for (i, tag) in tags.iter().enumerate() {
        for place in layout.places(hash(tag, seed)) {
            users[place].0 += 1;
            users[place].1 ^= i as u32;
        }
    }
    let mut free: Vec<usize> = (0..users.len())
        .filter(|place| users[*place].0 == 1)
        .collect();
    let mut order = Vec::with_capacity(tags.len());
    while let Some(place) = free.pop() {
        let (count, i) = users[place];
        if count != 1 {
            continue;
        }
        order.push((i, place));
        for other in layout.places(hash(&tags[i as usize], seed)) {
            users[other].0 -= 1;
            users[other].1 ^= i;
            if users[other].0 == 1 {
                free.push(other);
            }
        }
    }
    if order.len() < tags.len() {
        return Ok(false);
    }
    for (i, place) in order.into_iter().rev() {
        let tag = &tags[i as usize];
        let sum = layout
            .places(hash(tag, seed))
            .into_iter()
            .fold(0, |sum, other| sum ^ read(filter, other, width));
        let value = (sum ^ split(tag).2).to_le_bytes();
        filter[place * width..][..width].copy_from_slice(&value[..width]);
    }
    Ok(true)
}

fn read(filter: &[u8], place: usize, width: usize) -> u64 {
    let mut word = [0; 8];
    word[..width].copy_from_slice(&filter[place * width..][..width]);
    u64::from_le_bytes(word)
}

/// `out[i]` = 1 if tag i is in the filter of `n` tags, else 0.
///
/// # Errors
/// `Range` for the width or `n`, `Mismatch` unless `filter` has `width` bytes for every slot.
pub fn contains(
    tags: &[Tag],
    width: usize,
    (n, seed): (usize, u64),
    filter: &[u8],
    out: &mut [u8],
) -> Result<()> {
    check(width)?;
    ensure(
        Some(filter.len()) == slots(n)?.checked_mul(width) && out.len() == tags.len(),
        Error::Mismatch("filter must have width bytes for every slot"),
    )?;
    let (layout, mask) = (Layout::new(n), u64::MAX >> (64 - 8 * width));
    for (out, tag) in out.iter_mut().zip(tags) {
        let places = layout.places(hash(tag, seed));
        let sum = places
            .into_iter()
            .fold(split(tag).2, |sum, place| sum ^ read(filter, place, width));
        *out = u8::from(sum & mask == 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    fn tags(random: &mut Stream, n: usize) -> Vec<Tag> {
        random.bytes(TAG_BYTES * n).as_chunks().0.to_vec()
    }

    #[test]
    fn all_that_is_in_is_found_and_little_else() {
        let mut random = Stream::new(5);
        for n in [0, 1, 2, 3, 10, 100, 1000, 50_000] {
            for width in [1, 7, 8] {
                let set = tags(&mut random, n);
                let mut filter = vec![0; slots(n).unwrap() * width];
                let seed = (0..100)
                    .find(|seed| build(&set, width, *seed, &mut filter).unwrap())
                    .unwrap();
                let mut out = vec![0; n];
                contains(&set, width, (n, seed), &filter, &mut out).unwrap();
                assert!(out.iter().all(|found| *found == 1));
                let mut out = vec![0; 20_000];
                contains(
                    &tags(&mut random, 20_000),
                    width,
                    (n, seed),
                    &filter,
                    &mut out,
                )
                .unwrap();
                let found = out.iter().filter(|found| **found == 1).count();
                // One byte: 78 expected, standard deviation 9.
                assert!(
                    if width == 1 {
                        (24..140).contains(&found)
                    } else {
                        found == 0
                    },
                    "{n} {found}"
                );
            }
        }
        assert!(slots(1 << 20).unwrap() as f64 <= 1.14 * f64::from(1 << 20));
    }

    #[test]
    fn equal_tags_cannot_be_built_and_bad_arguments_are_errors() {
        let mut random = Stream::new(6);
        let tag = tags(&mut random, 1)[0];
        let mut twin = tag;
        twin[20] ^= 1;
        let mut filter = vec![0; slots(2).unwrap() * 8];
        assert!((0..20).all(|seed| !build(&[tag, twin], 8, seed, &mut filter).unwrap()));
        assert!(build(&[tag], 8, 0, &mut filter[1..]).is_err());
        assert!(build(&[tag, twin], 9, 0, &mut filter).is_err());
        assert!(contains(&[tag], 8, (1 << 20, 0), &filter, &mut [0]).is_err());
        assert!(contains(&[tag], 8, (usize::MAX, 0), &filter, &mut [0]).is_err());
    }
}
