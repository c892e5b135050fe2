//! Tags in ascending order as a message whose length depends on their number alone, and the search in it.
//!
//! Source: Elias, J. ACM 21(2), 1974; Fano 1971: heads in unary, lows as they are. Tags are pseudorandom, so their
//! order says nothing about the items; sorting saves about `log2 n − 2` bits a tag.
//! Cost: `⌈(n + 2^u)/8⌉ + n·w` bytes, `u = ⌊log2 n⌋`, `w` bytes of a low; sorting by one counting pass. Floor: random
//! access to counters of `4·2^u` bytes.
//! Notation: bucket: the `u` highest bits of a head; low: the `8·w` lowest bits of the rest of a tag.

use super::tag::Tag;
use crate::error::{Error, Result, ensure};

/// Tags that are looked up side by side.
const AHEAD: usize = 32;

/// Lower part of a tag: 64 or 128 bits.
pub trait Low: Copy + Ord + Default + Send + Sync {
    /// Bytes that it holds.
    const BYTES: usize;
    /// The low `bytes` bytes of it.
    #[must_use]
    fn cut(self, bytes: usize) -> Self;
    /// Writes as many bytes as `out` has.
    fn write(self, out: &mut [u8]);
    /// Reads what [`Self::write`] wrote.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! low {
    ($word:ty) => {
        impl Low for $word {
            const BYTES: usize = size_of::<$word>();

            #[inline(always)]
            fn cut(self, bytes: usize) -> Self {
                self & (<$word>::MAX >> (<$word>::BITS as usize - 8 * bytes))
            }

            #[inline(always)]
            fn write(self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_le_bytes()[..out.len()]);
            }

            #[inline(always)]
            fn read(bytes: &[u8]) -> Self {
                let mut word = [0; size_of::<$word>()];
                word[..bytes.len()].copy_from_slice(bytes);
                Self::from_le_bytes(word)
            }
        }
    };
}
low!(u64);
low!(u128);

/// The code of lists of `n` tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagList {
    n: usize,
    bucket_bits: u32,
    low_bytes: usize,
}

impl TagList {
    /// For `n` tags of at least `bits` bits, whose lower parts are `L`.
    ///
    /// # Errors
    /// `Range` if `n ≥ 2^32` or a lower part does not hold the bits.
    pub fn new<L: Low>(n: usize, bits: u32) -> Result<Self> {
        let bucket_bits = n.max(1).ilog2();
        let low_bytes = bits.saturating_sub(bucket_bits).div_ceil(8).max(1) as usize;
        let fits = u32::try_from(n).is_ok() && low_bytes <= L::BYTES;
        ensure(
            fits,
            Error::Range("a list has fewer than 2^32 tags of 64 or 128 low bits"),
        )?;
        Ok(Self {
            n,
            bucket_bits,
            low_bytes,
        })
    }

    fn buckets(&self) -> usize {
        1 << self.bucket_bits
    }

    fn head_bytes(&self) -> usize {
        (self.n + self.buckets()).div_ceil(8)
    }

    /// Bytes of the message.
    #[must_use]
    pub fn size(&self) -> usize {
        self.head_bytes() + self.n * self.low_bytes
    }

    #[inline(always)]
    fn bucket<L>(&self, tag: &Tag<L>) -> usize {
        // In two steps, because a shift by 64 would overflow.
        (tag.head >> 1 >> (63 - self.bucket_bits)) as usize
    }

    /// Writes the message; returns for each place in it whose tag stands there.
    ///
    /// # Errors
    /// `Abort` if two tags are equal; `Mismatch` for bad lengths.
    pub fn write<L: Low>(&self, tags: &[Tag<L>], message: &mut [u8]) -> Result<Vec<u32>> {
        let fits = tags.len() == self.n && message.len() == self.size();
        ensure(
            fits,
            Error::Mismatch("tags and message must have their lengths"),
        )?;
        let mut starts = vec![0u32; self.buckets() + 1];
        for tag in tags {
            starts[self.bucket(tag) + 1] += 1;
        }
        let (heads, lows) = message.split_at_mut(self.head_bytes());
        heads.fill(0);
        for bucket in 0..self.buckets() {
            starts[bucket + 1] += starts[bucket];
            // Bucket b ends with a 1 after one 0 for each of its tags.
            let place = bucket + starts[bucket + 1] as usize;
            heads[place / 8] |= 1 << (place % 8);
        }
        let mut sorted = vec![(L::default(), 0u32); self.n];
        let mut ends = starts.clone();
        for (number, tag) in tags.iter().enumerate() {
            let end = &mut ends[self.bucket(tag)];
            sorted[*end as usize] = (tag.low.cut(self.low_bytes), number as u32);
            *end += 1;
        }
        let mut equal = false;
        for bounds in starts.windows(2) {
            let bucket = &mut sorted[bounds[0] as usize..bounds[1] as usize];
            if bucket.len() > 1 {
                bucket.sort_unstable();
                equal |= bucket.windows(2).any(|pair| pair[0].0 == pair[1].0);
            }
        }
        ensure(!equal, Error::Abort("two tags are equal: so are two items"))?;
        for ((low, _), out) in sorted.iter().zip(lows.chunks_exact_mut(self.low_bytes)) {
            low.write(out);
        }
        Ok(sorted.iter().map(|(_, number)| *number).collect())
    }

    /// For each place in the message the number of the tag in `tags` that stands there, or `u32::MAX`.
    ///
    /// # Errors
    /// `Malformed` unless the message is what [`Self::write`] makes of some tags; `Cheat` if it repeats one.
    pub fn find<L: Low>(&self, message: &[u8], tags: &[Tag<L>]) -> Result<Vec<u32>> {
        let fits = u32::try_from(tags.len()).is_ok();
        ensure(fits, Error::Range("at most 2^32 - 1 tags at a time"))?;
        let (starts, lows) = self.read::<L>(message)?;
        let mut found = vec![u32::MAX; self.n];
        let mut spans = [(0, 0); AHEAD];
        let mut nearest = [L::default(); AHEAD];
        for (group, tags) in tags.chunks(AHEAD).enumerate() {
            // Loads that do not wait for each other: first where, then what.
            for (span, tag) in spans.iter_mut().zip(tags) {
                let bucket = self.bucket(tag);
                *span = (starts[bucket] as usize, starts[bucket + 1] as usize);
            }
            for (low, (first, _)) in nearest.iter_mut().zip(&spans) {
                *low = lows.get(*first).copied().unwrap_or_default();
            }
            for (at, tag) in tags.iter().enumerate() {
                let ((first, end), low) = (spans[at], tag.low.cut(self.low_bytes));
                let place = if first < end && nearest[at] == low {
                    Some(0)
                } else {
                    lows[first..end].iter().position(|other| *other == low)
                };
                if let Some(place) = place {
                    found[first + place] = (AHEAD * group + at) as u32;
                }
            }
        }
        Ok(found)
    }

    /// Where each bucket starts, and the lows.
    fn read<L: Low>(&self, message: &[u8]) -> Result<(Vec<u32>, Vec<L>)> {
        let bad = Error::Malformed("a list of tags is not in its one form");
        ensure(message.len() == self.size(), bad)?;
        let (heads, lows) = message.split_at(self.head_bytes());
        let mut starts = Vec::with_capacity(self.buckets() + 1);
        starts.push(0u32);
        for (at, byte) in heads.iter().enumerate() {
            let mut rest = *byte;
            while rest != 0 {
                let place = 8 * at + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                // The number of zeros before this end.
                let tags = place + 1 - starts.len();
                ensure(starts.len() <= self.buckets() && tags <= self.n, bad)?;
                starts.push(tags as u32);
            }
        }
        let ends = starts.len() == self.buckets() + 1 && starts.last() == Some(&(self.n as u32));
        ensure(ends, bad)?;
        let lows: Vec<L> = lows.chunks_exact(self.low_bytes).map(L::read).collect();
        let mut repeats = false;
        for bounds in starts.windows(2) {
            let bucket = &lows[bounds[0] as usize..bounds[1] as usize];
            for pair in bucket.windows(2) {
                ensure(pair[0] <= pair[1], bad)?;
                repeats |= pair[0] == pair[1];
            }
        }
        ensure(!repeats, Error::Cheat("a list repeats a tag"))?;
        Ok((starts, lows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Stream;

    fn tags<L: Low>(random: &mut Stream, n: usize) -> Vec<Tag<L>> {
        let heads = random.words(n);
        let lows = random.bytes(n * L::BYTES);
        let lows = lows.chunks_exact(L::BYTES).map(L::read);
        heads
            .into_iter()
            .zip(lows)
            .map(|(head, low)| Tag { head, low })
            .collect()
    }

    fn check<L: Low>(n: usize, bits: u32) {
        let mut random = Stream::new(92);
        let all = tags::<L>(&mut random, n + 40);
        let list = TagList::new::<L>(n, bits).unwrap();
        assert!(8 * list.low_bytes as u32 + list.bucket_bits >= bits);
        let mut message = vec![0xff; list.size()];
        let order = list.write(&all[..n], &mut message).unwrap();
        let mut numbers = order.clone();
        numbers.sort_unstable();
        assert!(
            numbers
                .iter()
                .enumerate()
                .all(|(i, number)| i == *number as usize)
        );
        // Tags from n/2 on, some of them not in the list.
        let found = list.find(&message, &all[n / 2..]).unwrap();
        for (place, number) in order.iter().enumerate() {
            let expected = (*number as usize).checked_sub(n / 2);
            assert_eq!(
                found[place],
                expected.map_or(u32::MAX, |number| number as u32)
            );
        }
        // The message says nothing about the order of the caller.
        let mut reversed = all[..n].to_vec();
        reversed.reverse();
        let mut again = vec![0; list.size()];
        list.write(&reversed, &mut again).unwrap();
        assert!(again == message);
    }

    #[test]
    fn what_is_written_is_found() {
        for n in [0, 1, 2, 3, 7, 8, 1000, 4097] {
            check::<u64>(n, 60);
            check::<u128>(n, 128);
        }
    }

    #[test]
    fn equal_tags_are_refused_on_both_sides() {
        let mut random = Stream::new(93);
        let mut tags = tags::<u64>(&mut random, 50);
        let list = TagList::new::<u64>(50, 64).unwrap();
        let mut message = vec![0; list.size()];
        list.write(&tags, &mut message).unwrap();
        tags[3] = tags[30];
        assert!(matches!(
            list.write(&tags, &mut message),
            Err(Error::Abort(_))
        ));
        // Two tags in the first of two buckets.
        let list = TagList::new::<u64>(2, 1).unwrap();
        let short = [0b0000_0110, 5, 5];
        assert_eq!(list.size(), 3);
        assert!(matches!(list.find(&short, &tags), Err(Error::Malformed(_))));
        let repeated = [0b0000_1100, 5, 5];
        assert!(matches!(list.find(&repeated, &tags), Err(Error::Cheat(_))));
    }

    #[test]
    fn every_flipped_bit_of_the_heads_is_refused() {
        let mut random = Stream::new(94);
        let tags = tags::<u64>(&mut random, 20);
        let list = TagList::new::<u64>(20, 64).unwrap();
        let mut message = vec![0; list.size()];
        list.write(&tags, &mut message).unwrap();
        for bit in 0..8 * list.head_bytes() {
            let mut bad = message.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(list.find(&bad, &tags), Err(Error::Malformed(_))));
        }
        for size in [0, list.size() - 1, list.size() + 1] {
            let result = list.find(&vec![0; size], &tags);
            assert!(matches!(result, Err(Error::Malformed(_))));
        }
        assert!(TagList::new::<u64>(20, 80).is_err());
    }
}
