//! AES by AES-NI and by VAES on 512-bit registers.

#![allow(unsafe_code)]

use super::Block;
use core::arch::x86_64::*;

const KEYS: usize = 11;

/// Expands a key. The caller has checked the tier.
pub(super) fn expand_key(key: &Block) -> [Block; KEYS] {
    // SAFETY: reached only on tiers that were detected to have AES-NI.
    unsafe { expand_128(key) }
}

#[target_feature(enable = "aes,sse2")]
fn next_key<const CONSTANT: i32>(key: __m128i) -> __m128i {
    // Lane 3 of the instruction is RotWord(SubWord(w3)) ⊕ constant; the shifts form prefix sums.
    let word = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<CONSTANT>(key));
    let pairs = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
    _mm_xor_si128(_mm_xor_si128(pairs, _mm_slli_si128::<8>(pairs)), word)
}

#[target_feature(enable = "aes,sse2")]
fn expand_128(key: &Block) -> [Block; KEYS] {
    let mut keys = [load_128(key); KEYS];
    keys[1] = next_key::<0x01>(keys[0]);
    keys[2] = next_key::<0x02>(keys[1]);
    keys[3] = next_key::<0x04>(keys[2]);
    keys[4] = next_key::<0x08>(keys[3]);
    keys[5] = next_key::<0x10>(keys[4]);
    keys[6] = next_key::<0x20>(keys[5]);
    keys[7] = next_key::<0x40>(keys[6]);
    keys[8] = next_key::<0x80>(keys[7]);
    keys[9] = next_key::<0x1b>(keys[8]);
    keys[10] = next_key::<0x36>(keys[9]);
    let mut round_keys = [[0u8; 16]; KEYS];
    for (bytes, key) in round_keys.iter_mut().zip(keys) {
        store_128(bytes, key);
    }
    round_keys
}

/// Encrypts in place, eight blocks at a time.
pub(super) fn encrypt_aesni(round_keys: &[Block; KEYS], blocks: &mut [Block]) {
    // SAFETY: reached only on tiers that were detected to have AES-NI.
    unsafe { encrypt_128(round_keys, blocks) }
}

/// Encrypts in place, 32 blocks at a time.
pub(super) fn encrypt_avx512(round_keys: &[Block; KEYS], blocks: &mut [Block]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 and VAES.
    unsafe { encrypt_512(round_keys, blocks) }
}

/// Counter mode from `start`; `start + blocks` must not carry out of the low 64 bits.
pub(super) fn keystream_avx512(round_keys: &[Block; KEYS], start: u128, blocks: &mut [Block]) {
    // SAFETY: reached only on the tier that was detected to have AVX-512 and VAES.
    unsafe { keystream_512(round_keys, start, blocks) }
}

#[target_feature(enable = "sse2")]
fn load_128(block: &Block) -> __m128i {
    // SAFETY: a reference to 16 readable bytes; the load has no alignment requirement.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}

#[target_feature(enable = "sse2")]
fn store_128(block: &mut Block, value: __m128i) {
    // SAFETY: a reference to 16 writable bytes; the store has no alignment requirement.
    unsafe { _mm_storeu_si128(block.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "aes,sse2")]
fn rounds_128<const N: usize>(keys: &[__m128i; KEYS], state: &mut [__m128i; N]) {
    for lane in state.iter_mut() {
        *lane = _mm_xor_si128(*lane, keys[0]);
    }
    for key in &keys[1..10] {
        for lane in state.iter_mut() {
            *lane = _mm_aesenc_si128(*lane, *key);
        }
    }
    for lane in state.iter_mut() {
        *lane = _mm_aesenclast_si128(*lane, keys[10]);
    }
}

#[target_feature(enable = "aes,sse2")]
fn encrypt_128(round_keys: &[Block; KEYS], blocks: &mut [Block]) {
    let mut keys = [_mm_setzero_si128(); KEYS];
    for (key, bytes) in keys.iter_mut().zip(round_keys) {
        *key = load_128(bytes);
    }
    let (groups, rest) = blocks.as_chunks_mut::<8>();
    for group in groups {
        let mut state = [_mm_setzero_si128(); 8];
        for (lane, block) in state.iter_mut().zip(group.iter()) {
            *lane = load_128(block);
        }
        rounds_128(&keys, &mut state);
        for (lane, block) in state.iter().zip(group) {
            store_128(block, *lane);
        }
    }
    for block in rest {
        let mut state = [load_128(block)];
        rounds_128(&keys, &mut state);
        store_128(block, state[0]);
    }
}

#[target_feature(enable = "avx512f")]
fn load_512(blocks: &[Block; 4]) -> __m512i {
    // SAFETY: a reference to 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_si512(blocks.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
fn store_512(blocks: &mut [Block; 4], value: __m512i) {
    // SAFETY: a reference to 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_si512(blocks.as_mut_ptr().cast(), value) }
}

#[target_feature(enable = "avx512f")]
fn broadcast_keys(round_keys: &[Block; KEYS]) -> [__m512i; KEYS] {
    let mut keys = [_mm512_setzero_si512(); KEYS];
    for (key, bytes) in keys.iter_mut().zip(round_keys) {
        *key = _mm512_broadcast_i32x4(load_128(bytes));
    }
    keys
}

#[target_feature(enable = "avx512f,vaes")]
fn rounds_512<const N: usize>(keys: &[__m512i; KEYS], state: &mut [__m512i; N]) {
    for lane in state.iter_mut() {
        *lane = _mm512_xor_si512(*lane, keys[0]);
    }
    for key in &keys[1..10] {
        for lane in state.iter_mut() {
            *lane = _mm512_aesenc_epi128(*lane, *key);
        }
    }
    for lane in state.iter_mut() {
        *lane = _mm512_aesenclast_epi128(*lane, keys[10]);
    }
}

#[target_feature(enable = "avx512f,vaes,aes")]
fn encrypt_512(round_keys: &[Block; KEYS], blocks: &mut [Block]) {
    let keys = broadcast_keys(round_keys);
    let (quads, rest) = blocks.as_chunks_mut::<4>();
    let (groups, quads) = quads.as_chunks_mut::<8>();
    for group in groups {
        let mut state = [_mm512_setzero_si512(); 8];
        for (lane, quad) in state.iter_mut().zip(group.iter()) {
            *lane = load_512(quad);
        }
        rounds_512(&keys, &mut state);
        for (lane, quad) in state.iter().zip(group) {
            store_512(quad, *lane);
        }
    }
    for quad in quads {
        let mut state = [load_512(quad)];
        rounds_512(&keys, &mut state);
        store_512(quad, state[0]);
    }
    if !rest.is_empty() {
        let mut quad = [[0u8; 16]; 4];
        quad[..rest.len()].copy_from_slice(rest);
        let mut state = [load_512(&quad)];
        rounds_512(&keys, &mut state);
        store_512(&mut quad, state[0]);
        rest.copy_from_slice(&quad[..rest.len()]);
    }
}

#[target_feature(enable = "avx512f,avx512bw,vaes,aes")]
fn keystream_512(round_keys: &[Block; KEYS], start: u128, blocks: &mut [Block]) {
    let keys = broadcast_keys(round_keys);
    // Counters live little-endian (low word, high word); the shuffle turns each block big-endian.
    let swap = _mm512_broadcast_i32x4(_mm_set_epi8(
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
    ));
    let (low, high) = (start as u64 as i64, (start >> 64) as i64);
    let first = _mm512_set_epi64(high, low, high, low, high, low, high, low);
    let mut counter = _mm512_add_epi64(first, _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0));
    let four = _mm512_set_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    let (quads, rest) = blocks.as_chunks_mut::<4>();
    let (groups, quads) = quads.as_chunks_mut::<8>();
    for group in groups {
        let mut state = [_mm512_setzero_si512(); 8];
        for lane in &mut state {
            *lane = _mm512_shuffle_epi8(counter, swap);
            counter = _mm512_add_epi64(counter, four);
        }
        rounds_512(&keys, &mut state);
        for (lane, quad) in state.iter().zip(group) {
            store_512(quad, *lane);
        }
    }
    for quad in quads {
        let mut state = [_mm512_shuffle_epi8(counter, swap)];
        counter = _mm512_add_epi64(counter, four);
        rounds_512(&keys, &mut state);
        store_512(quad, state[0]);
    }
    if !rest.is_empty() {
        let mut state = [_mm512_shuffle_epi8(counter, swap)];
        rounds_512(&keys, &mut state);
        let mut quad = [[0u8; 16]; 4];
        store_512(&mut quad, state[0]);
        rest.copy_from_slice(&quad[..rest.len()]);
    }
}
