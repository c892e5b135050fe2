//! Blocks side by side in one vector, for AES under a different key in every lane.
//!
//! Source: FIPS 197; hashing as in Guo, Katz, Wang, Yu 2020 (ePrint 2019/074) §7.3: `π(σ(x)) ⊕ σ(x)` with
//! `σ(l ‖ r) = (l ⊕ r) ‖ l`, `l` the high half.
//! Setting: local; constant time on every tier.
//! Differs: one generic body per kernel, compiled for each tier by `on_lanes!`; the vectors of a tier
//! are made only in bodies that were compiled for it.
//! Cost: a key used once costs one AES round and five vector operations per round, blocks one each.

use super::{Block, portable, xor};

/// A vector of [`Self::WIDTH`] blocks. Slices passed in have at least that many.
pub(crate) trait Lanes: Copy {
    const WIDTH: usize;
    fn load(from: &[Block]) -> Self;
    fn store(self, to: &mut [Block]);
    fn splat(block: &Block) -> Self;
    /// Lane `i` is the number `start + step·i`, counted in the low word only.
    fn counter(start: &Block, step: u64) -> Self;
    /// Adds to the low word of every lane.
    fn advance(self, by: u64) -> Self;
    fn xor(self, other: Self) -> Self;
    /// σ.
    fn orthomorphism(self) -> Self;
    /// `value` in the lanes of `self` whose lowest bit is 1, zero in the others.
    fn select(self, value: Self) -> Self;
    /// `blocks[k][·] ← AES(blocks[k][·])` under the keys `keys[k]`, lane by lane.
    fn encrypt_each<const K: usize, const B: usize>(keys: [Self; K], blocks: &mut [[Self; B]; K]);
    /// Lanes of `low` and `high` alternating.
    fn store_pairs(low: Self, high: Self, to: &mut [[Block; 2]]);
    /// Inverse of [`Self::store_pairs`].
    fn load_pairs(from: &[[Block; 2]]) -> (Self, Self);
}

/// The portable vector.
#[derive(Clone, Copy)]
pub(crate) struct Plain([Block; 16]);

impl Plain {
    fn of(lane: impl FnMut(usize) -> Block) -> Self {
        Self(core::array::from_fn(lane))
    }
}

fn halves(block: &Block) -> (u64, u64) {
    let value = u128::from_le_bytes(*block);
    (value as u64, (value >> 64) as u64)
}

fn join(low: u64, high: u64) -> Block {
    (u128::from(low) | (u128::from(high) << 64)).to_le_bytes()
}

impl Lanes for Plain {
    const WIDTH: usize = 16;

    fn load(from: &[Block]) -> Self {
        Self::of(|i| from[i])
    }

    fn store(self, to: &mut [Block]) {
        to[..Self::WIDTH].copy_from_slice(&self.0);
    }

    fn splat(block: &Block) -> Self {
        Self([*block; 16])
    }

    fn counter(start: &Block, step: u64) -> Self {
        let (low, high) = halves(start);
        Self::of(|i| join(low.wrapping_add(step.wrapping_mul(i as u64)), high))
    }

    fn advance(self, by: u64) -> Self {
        Self::of(|i| {
            let (low, high) = halves(&self.0[i]);
            join(low.wrapping_add(by), high)
        })
    }

    fn xor(self, other: Self) -> Self {
        Self::of(|i| xor(self.0[i], other.0[i]))
    }

    fn orthomorphism(self) -> Self {
        Self::of(|i| {
            let (low, high) = halves(&self.0[i]);
            join(high, high ^ low)
        })
    }

    fn select(self, value: Self) -> Self {
        Self::of(|i| {
            let mask = u128::from(self.0[i][0] & 1).wrapping_neg();
            (u128::from_le_bytes(value.0[i]) & mask).to_le_bytes()
        })
    }

    fn encrypt_each<const K: usize, const B: usize>(keys: [Self; K], blocks: &mut [[Self; B]; K]) {
        for (key, blocks) in keys.iter().zip(blocks) {
            for block in blocks {
                portable::encrypt_each(&key.0, &mut block.0);
            }
        }
    }

    fn store_pairs(low: Self, high: Self, to: &mut [[Block; 2]]) {
        for (lane, pair) in to[..Self::WIDTH].iter_mut().enumerate() {
            *pair = [low.0[lane], high.0[lane]];
        }
    }

    fn load_pairs(from: &[[Block; 2]]) -> (Self, Self) {
        (Self::of(|i| from[i][0]), Self::of(|i| from[i][1]))
    }
}

/// Compiles one generic body `fn name_on<L: Lanes>` for each tier and calls the best one.
///
/// The body and all that it calls with vectors are `#[inline(always)]`.
macro_rules! on_lanes {
    (
        $(#[$meta:meta])*
        $visibility:vis fn $name:ident ($($argument:ident: $kind:ty),* $(,)?) = $generic:ident
    ) => {
        $(#[$meta])*
        #[allow(unsafe_code, clippy::too_many_arguments)]
        $visibility fn $name($($argument: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::aes::x86_lanes::{Narrow, Wide};
                #[target_feature(enable = "aes,avx2,bmi2")]
                fn narrow($($argument: $kind),*) {
                    $generic::<Narrow>($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,vaes,aes,avx2,bmi2")]
                fn wide($($argument: $kind),*) {
                    $generic::<Wide>($($argument),*)
                }
                match $crate::simd::tier() {
                    // SAFETY: the tier was detected, so the machine has these features.
                    $crate::simd::Tier::Avx512 => return unsafe { wide($($argument),*) },
                    // SAFETY: as above.
                    $crate::simd::Tier::Avx2 => return unsafe { narrow($($argument),*) },
                    $crate::simd::Tier::Portable => {}
                }
            }
            $generic::<$crate::aes::lanes::Plain>($($argument),*)
        }
    };
}
pub(crate) use on_lanes;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aes::Aes128;
    use crate::simd::on_every_tier;
    use crate::testing::Stream;

    #[inline(always)]
    fn each_on<L: Lanes>(keys: &[Block], blocks: &[Block], out: &mut [[Block; 2]]) {
        for at in (0..keys.len()).step_by(L::WIDTH) {
            let (key, block) = (L::load(&keys[at..]), L::load(&blocks[at..]));
            let mut state = [[block, key]];
            L::encrypt_each([key], &mut state);
            L::store_pairs(state[0][0], state[0][1], &mut out[at..]);
        }
    }

    on_lanes! {
        fn each(keys: &[Block], blocks: &[Block], out: &mut [[Block; 2]]) = each_on
    }

    #[test]
    fn every_lane_has_its_own_key() {
        let mut random = Stream::new(31);
        let (keys, blocks) = (random.blocks(64), random.blocks(64));
        on_every_tier(|_| {
            let mut out = vec![[[0; 16]; 2]; 64];
            each(&keys, &blocks, &mut out);
            for i in 0..64 {
                let cipher = Aes128::new(&keys[i]);
                assert_eq!(
                    out[i],
                    [cipher.encrypt(&blocks[i]), cipher.encrypt(&keys[i])]
                );
            }
        });
    }

    #[inline(always)]
    fn words_on<L: Lanes>(x: &[Block], y: &[Block], out: &mut [[Block; 16]; 6]) {
        for at in (0..16).step_by(L::WIDTH) {
            let (a, b) = (L::load(&x[at..]), L::load(&y[at..]));
            a.xor(b).store(&mut out[0][at..]);
            a.orthomorphism().store(&mut out[1][at..]);
            a.select(b).store(&mut out[2][at..]);
            L::counter(&x[at], 3).advance(5).store(&mut out[3][at..]);
            L::splat(&x[0]).store(&mut out[4][at..]);
            let mut pairs = [[[0u8; 16]; 2]; 16];
            L::store_pairs(a, b, &mut pairs);
            for i in 0..L::WIDTH {
                assert_eq!(pairs[i], [x[at + i], y[at + i]]);
            }
            let (a, b) = L::load_pairs(&pairs);
            a.xor(b).store(&mut out[5][at..]);
        }
    }

    on_lanes! { fn words(x: &[Block], y: &[Block], out: &mut [[Block; 16]; 6]) = words_on }

    #[test]
    fn word_operations_follow_their_definitions() {
        let mut random = Stream::new(32);
        let (mut x, y) = (random.blocks(16), random.blocks(16));
        x[0][..8].fill(0xff);
        on_every_tier(|tier| {
            let width = match tier {
                crate::simd::Tier::Portable => 16,
                crate::simd::Tier::Avx2 => 1,
                crate::simd::Tier::Avx512 => 4,
            };
            let mut out = [[[0u8; 16]; 16]; 6];
            words(&x, &y, &mut out);
            for i in 0..16 {
                let (low, high) = halves(&x[i]);
                assert_eq!(out[0][i], xor(x[i], y[i]));
                assert_eq!(out[1][i], join(high, low ^ high));
                assert_eq!(out[2][i], if x[i][0] & 1 == 1 { y[i] } else { [0; 16] });
                let (low, high) = halves(&x[i / width * width]);
                assert_eq!(
                    out[3][i],
                    join(low.wrapping_add(3 * (i % width) as u64 + 5), high)
                );
                assert_eq!(out[4][i], x[0]);
                assert_eq!(out[5][i], out[0][i]);
            }
        });
    }
}
