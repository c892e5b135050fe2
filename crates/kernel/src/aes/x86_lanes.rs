//! The vectors of [`super::lanes`] on x86-64: one block with AES-NI, four with VAES.

#![allow(unsafe_code)]

use super::Block;
use super::lanes::Lanes;
use core::arch::x86_64::*;

const ROUND_CONSTANTS: [i32; 10] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36];
/// The last word of a key, rotated, in each of four words.
const ROTATED: i32 = 0x0c0f_0e0d;

/// One block.
#[derive(Clone, Copy)]
pub(crate) struct Narrow(__m128i);

/// Four blocks.
#[derive(Clone, Copy)]
pub(crate) struct Wide(__m512i);

// SAFETY of every block below: values of these types are made only in bodies compiled by `on_lanes!`
// for a tier that was detected, so the instructions exist; loads and stores are within checked slices.
macro_rules! lanes {
    ($name:ident {
        width: $width:literal,
        load: $load:ident, store: $store:ident, splat: $splat:expr, word32: $word32:ident,
        xor: $xor:ident, and: $and:ident, add: $add:ident, shuffle8: $shuffle8:ident,
        shuffle32: $shuffle32:ident, left: $left:ident, right: $right:ident, bytes_left: $bytes_left:ident,
        aes: $aes:ident, aes_last: $aes_last:ident,
        counter: $counter:expr, store_pairs: $store_pairs:expr, load_pairs: $load_pairs:expr,
    }) => {
        impl $name {
            /// The round key after `self`: the substitution is an AES round on four equal columns.
            #[inline(always)]
            fn next_key(self, round: usize) -> Self {
                // SAFETY: see above.
                unsafe {
                    let rotated = $shuffle8(self.0, $word32(ROTATED));
                    let word = $aes_last(rotated, $word32(ROUND_CONSTANTS[round]));
                    let pairs = $xor(self.0, $bytes_left::<4>(self.0));
                    Self($xor($xor(pairs, $bytes_left::<8>(pairs)), word))
                }
            }

            #[inline(always)]
            fn round(self, key: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $aes(self.0, key.0) })
            }

            #[inline(always)]
            fn last_round(self, key: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $aes_last(self.0, key.0) })
            }
        }

        impl Lanes for $name {
            const WIDTH: usize = $width;

            #[inline(always)]
            fn load(from: &[Block]) -> Self {
                let from: &[Block; $width] = &from.as_chunks().0[0];
                // SAFETY: see above.
                Self(unsafe { $load(from.as_ptr().cast()) })
            }

            #[inline(always)]
            fn store(self, to: &mut [Block]) {
                let to: &mut [Block; $width] = &mut to.as_chunks_mut().0[0];
                // SAFETY: see above.
                unsafe { $store(to.as_mut_ptr().cast(), self.0) }
            }

            #[inline(always)]
            fn splat(block: &Block) -> Self {
                // SAFETY: see above.
                Self(unsafe { $splat(_mm_loadu_si128(block.as_ptr().cast())) })
            }

            #[inline(always)]
            fn counter(start: &Block, step: u64) -> Self {
                // SAFETY: see above.
                unsafe { Self($add(Self::splat(start).0, $counter(step as i64))) }
            }

            #[inline(always)]
            fn advance(self, by: u64) -> Self {
                // SAFETY: see above.
                unsafe { Self($add(self.0, $splat(_mm_set_epi64x(0, by as i64)))) }
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                // SAFETY: see above.
                Self(unsafe { $xor(self.0, other.0) })
            }

            #[inline(always)]
            fn orthomorphism(self) -> Self {
                // SAFETY: see above.
                unsafe {
                    let high = $splat(_mm_set_epi64x(-1, 0));
                    Self($xor($shuffle32::<0b0100_1110>(self.0), $and(self.0, high)))
                }
            }

            #[inline(always)]
            fn select(self, value: Self) -> Self {
                // SAFETY: see above.
                unsafe {
                    let lowest = $left::<31>($shuffle32::<0>(self.0));
                    Self($and($right::<31>(lowest), value.0))
                }
            }

            #[inline(always)]
            fn encrypt_each<const K: usize, const B: usize>(
                mut keys: [Self; K],
                blocks: &mut [[Self; B]; K],
            ) {
                let mut state = *blocks;
                for k in 0..K {
                    for b in 0..B {
                        state[k][b] = state[k][b].xor(keys[k]);
                    }
                }
                let mut schedule = keys;
                Self::begin_schedules(&mut schedule);
                for round in 0..9 {
                    keys = Self::next_keys(&mut schedule, round);
                    for k in 0..K {
                        for b in 0..B {
                            state[k][b] = state[k][b].round(keys[k]);
                        }
                    }
                }
                keys = Self::next_keys(&mut schedule, 9);
                for k in 0..K {
                    for b in 0..B {
                        state[k][b] = state[k][b].last_round(keys[k]);
                    }
                }
                *blocks = state;
            }

            #[inline(always)]
            fn store_pairs(low: Self, high: Self, to: &mut [[Block; 2]]) {
                let to: &mut [[Block; 2]; $width] = &mut to.as_chunks_mut().0[0];
                // SAFETY: see above.
                unsafe { $store_pairs(low.0, high.0, to.as_mut_ptr()) }
            }

            #[inline(always)]
            fn load_pairs(from: &[[Block; 2]]) -> (Self, Self) {
                let from: &[[Block; 2]; $width] = &from.as_chunks().0[0];
                // SAFETY: see above.
                let (low, high) = unsafe { $load_pairs(from.as_ptr()) };
                (Self(low), Self(high))
            }
        }
    };
}

lanes!(Narrow {
    width: 1,
    load: _mm_loadu_si128,
    store: _mm_storeu_si128,
    splat: core::convert::identity,
    word32: _mm_set1_epi32,
    xor: _mm_xor_si128,
    and: _mm_and_si128,
    add: _mm_add_epi64,
    shuffle8: _mm_shuffle_epi8,
    shuffle32: _mm_shuffle_epi32,
    left: _mm_slli_epi32,
    right: _mm_srai_epi32,
    bytes_left: _mm_slli_si128,
    aes: _mm_aesenc_si128,
    aes_last: _mm_aesenclast_si128,
    counter: |_: i64| _mm_setzero_si128(),
    store_pairs: |low: __m128i, high: __m128i, to: *mut [Block; 2]| {
        let to: *mut __m128i = to.cast();
        _mm_storeu_si128(to, low);
        _mm_storeu_si128(to.add(1), high);
    },
    load_pairs: |from: *const [Block; 2]| {
        let from: *const __m128i = from.cast();
        (_mm_loadu_si128(from), _mm_loadu_si128(from.add(1)))
    },
});

lanes!(Wide {
    width: 4,
    load: _mm512_loadu_si512,
    store: _mm512_storeu_si512,
    splat: _mm512_broadcast_i32x4,
    word32: _mm512_set1_epi32,
    xor: _mm512_xor_si512,
    and: _mm512_and_si512,
    add: _mm512_add_epi64,
    shuffle8: _mm512_shuffle_epi8,
    shuffle32: _mm512_shuffle_epi32,
    left: _mm512_slli_epi32,
    right: _mm512_srai_epi32,
    bytes_left: _mm512_bslli_epi128,
    aes: _mm512_aesenc_epi128,
    aes_last: _mm512_aesenclast_epi128,
    counter: |step: i64| _mm512_set_epi64(0, 3 * step, 0, 2 * step, 0, step, 0, 0),
    store_pairs: |low: __m512i, high: __m512i, to: *mut [Block; 2]| {
        let first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
        let second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
        let to: *mut __m512i = to.cast();
        _mm512_storeu_si512(to, _mm512_permutex2var_epi64(low, first, high));
        _mm512_storeu_si512(to.add(1), _mm512_permutex2var_epi64(low, second, high));
    },
    load_pairs: |from: *const [Block; 2]| {
        let from: *const __m512i = from.cast();
        let (first, second) = (_mm512_loadu_si512(from), _mm512_loadu_si512(from.add(1)));
        let low = _mm512_set_epi64(13, 12, 9, 8, 5, 4, 1, 0);
        let high = _mm512_set_epi64(15, 14, 11, 10, 7, 6, 3, 2);
        (
            _mm512_permutex2var_epi64(first, low, second),
            _mm512_permutex2var_epi64(first, high, second),
        )
    },
});

impl Narrow {
    #[inline(always)]
    fn begin_schedules<const K: usize>(_keys: &mut [Self; K]) {}

    #[inline(always)]
    fn next_keys<const K: usize>(schedule: &mut [Self; K], round: usize) -> [Self; K] {
        for key in schedule.iter_mut() {
            *key = key.next_key(round);
        }
        *schedule
    }
}

impl Wide {
    /// Four vectors of keys are expanded together, word by word: vector `j` then holds word `j` of all.
    #[inline(always)]
    fn begin_schedules<const K: usize>(keys: &mut [Self; K]) {
        if let Ok(keys) = <&mut [Self; 4]>::try_from(keys.as_mut_slice()) {
            transpose_words(keys);
        }
    }

    #[inline(always)]
    fn next_keys<const K: usize>(schedule: &mut [Self; K], round: usize) -> [Self; K] {
        let Ok(words) = <&mut [Self; 4]>::try_from(schedule.as_mut_slice()) else {
            for key in schedule.iter_mut() {
                *key = key.next_key(round);
            }
            return *schedule;
        };
        // SAFETY: see above.
        let mut before = unsafe {
            // Undoes ShiftRows and rotates each word.
            let order = _mm_set_epi8(0, 7, 10, 13, 12, 3, 6, 9, 8, 15, 2, 5, 4, 11, 14, 1);
            let rotated = _mm512_shuffle_epi8(words[3].0, _mm512_broadcast_i32x4(order));
            let constant = _mm512_set1_epi32(ROUND_CONSTANTS[round]);
            Self(_mm512_aesenclast_epi128(rotated, constant))
        };
        for word in words.iter_mut() {
            *word = word.xor(before);
            before = *word;
        }
        let mut keys = *schedule;
        if let Ok(keys) = <&mut [Self; 4]>::try_from(keys.as_mut_slice()) {
            transpose_words(keys);
        }
        keys
    }
}

/// The four by four words of each quarter of the vectors, transposed.
#[inline(always)]
fn transpose_words(v: &mut [Wide; 4]) {
    // SAFETY: see above.
    unsafe {
        let low = _mm512_unpacklo_epi32(v[0].0, v[1].0);
        let high = _mm512_unpackhi_epi32(v[0].0, v[1].0);
        let low_next = _mm512_unpacklo_epi32(v[2].0, v[3].0);
        let high_next = _mm512_unpackhi_epi32(v[2].0, v[3].0);
        *v = [
            Wide(_mm512_unpacklo_epi64(low, low_next)),
            Wide(_mm512_unpackhi_epi64(low, low_next)),
            Wide(_mm512_unpacklo_epi64(high, high_next)),
            Wide(_mm512_unpackhi_epi64(high, high_next)),
        ];
    }
}
