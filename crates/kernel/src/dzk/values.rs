//! Plain values as they come: words, or bits in bytes.

use crate::error::{Error, Result, ensure};

/// Values of one factor: words, or bits that each stand for 0 or for `scale`.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// Elements of `Z_{2^64}`.
    Words(&'a [u64]),
    /// Bytes 0 and 1, with the element that a 1 stands for.
    Bits(&'a [u8], u64),
}

impl<'a> Values<'a> {
    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Words(words) => words.len(),
            Self::Bits(bits, _) => bits.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values from `start` to `end`, or to the last one.
    pub(super) fn part(&self, start: usize, end: usize) -> Self {
        let end = end.min(self.len());
        let start = start.min(end);
        match self {
            Self::Words(words) => Self::Words(&words[start..end]),
            Self::Bits(bits, scale) => Self::Bits(&bits[start..end], *scale),
        }
    }

    /// The values as words, in `room` if they are not.
    pub(super) fn words<'b>(&self, room: &'b mut Vec<u64>) -> &'b [u64]
    where
        'a: 'b,
    {
        match self {
            Self::Words(words) => words,
            Self::Bits(bits, scale) => {
                room.clear();
                room.extend(bits.iter().map(|bit| u64::from(*bit).wrapping_mul(*scale)));
                room
            }
        }
    }

    /// # Errors
    /// `Range` if a byte is not a bit; which one is not looked at.
    pub(super) fn check(&self) -> Result<()> {
        let either = match self {
            Self::Words(_) => 0,
            Self::Bits(bits, _) => bits.iter().fold(0, |either, bit| either | bit),
        };
        ensure(either < 2, Error::Range("bits are bytes 0 and 1"))
    }
}
