//! The convolution with its window in 512-bit registers.

#![allow(unsafe_code)]

use super::{GROUPS, Group, MASKS, WINDOW};
use crate::aes::Block;
use core::arch::x86_64::*;

/// As [`super::convolve_words`]. The caller has checked the tier.
pub(super) fn convolve(
    x: &mut [[Block; 4]],
    window: &mut [Group; GROUPS],
    coefficients: &[[u32; 4]],
) {
    // SAFETY: reached only on the tier that was detected to have AVX-512.
    unsafe { convolve_512(x, window, coefficients) }
}

#[target_feature(enable = "avx512f")]
fn load(words: &Group) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn load_blocks(blocks: &[Block; 4]) -> __m512i {
    // SAFETY: as above.
    unsafe { _mm512_loadu_si512(blocks.as_ptr().cast()) }
}

/// One step: lane `LANE` of the first group is finished and added to what it reaches.
#[target_feature(enable = "avx512f")]
fn step<const LANE: i32>(state: &mut [__m512i; GROUPS], coefficients: u32) {
    let reach = (coefficients & ((1 << WINDOW) - 1)) << (LANE + 1);
    let x = match LANE {
        0 => _mm512_shuffle_i64x2::<0x00>(state[0], state[0]),
        1 => _mm512_shuffle_i64x2::<0x55>(state[0], state[0]),
        2 => _mm512_shuffle_i64x2::<0xaa>(state[0], state[0]),
        _ => _mm512_shuffle_i64x2::<0xff>(state[0], state[0]),
    };
    for (index, words) in state.iter_mut().enumerate() {
        let mask = load(&MASKS[(reach >> (4 * index)) as usize & 15]);
        // words ⊕ (x ∧ mask)
        *words = _mm512_ternarylogic_epi64::<0x78>(*words, x, mask);
    }
}

#[target_feature(enable = "avx512f")]
fn convolve_512(x: &mut [[Block; 4]], window: &mut [Group; GROUPS], coefficients: &[[u32; 4]]) {
    let mut state = [_mm512_setzero_si512(); GROUPS];
    for (state, words) in state.iter_mut().zip(window.iter()) {
        *state = load(words);
    }
    for (group, coefficients) in x.iter_mut().zip(coefficients) {
        state[0] = _mm512_xor_si512(state[0], load_blocks(group));
        step::<0>(&mut state, coefficients[0]);
        step::<1>(&mut state, coefficients[1]);
        step::<2>(&mut state, coefficients[2]);
        step::<3>(&mut state, coefficients[3]);
        // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
        unsafe { _mm512_storeu_si512(group.as_mut_ptr().cast(), state[0]) }
        for index in 1..GROUPS {
            state[index - 1] = state[index];
        }
        state[GROUPS - 1] = _mm512_setzero_si512();
    }
    for (state, words) in state.iter().zip(window) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), *state) }
    }
}
