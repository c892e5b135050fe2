//! AES without instruction-set extensions: 64 blocks bit-sliced, no tables, no secret branches.
//!
//! Source: S-box circuit of Boyar and Peralta 2010 (113 gates). The state is 16 byte positions of
//! eight 64-bit planes; bit `i` of a plane belongs to block `i`, so ShiftRows is a renaming.

use super::Block;
use crate::bits::{Lanes, transpose_lanes};
use core::ops::{BitAnd, BitXor, Not};

/// Eight planes of one byte position, least significant bit first.
type Planes = [u64; 8];

/// Expands a key (FIPS 197 §5.2).
pub(super) fn expand_key(key: &Block) -> [Block; 11] {
    let mut round_keys = [[0u8; 16]; 11];
    round_keys[0] = *key;
    let mut constant = 1u8;
    for round in 1..11 {
        let previous = round_keys[round - 1];
        let [.., a, b, c, d] = previous;
        let mut word = substitute_word([b, c, d, a]);
        word[0] ^= constant;
        constant = (constant << 1) ^ (0x1b & (constant >> 7).wrapping_neg());
        for (column, previous) in previous.as_chunks::<4>().0.iter().enumerate() {
            for (byte, previous) in word.iter_mut().zip(previous) {
                *byte ^= previous;
            }
            round_keys[round][4 * column..4 * column + 4].copy_from_slice(&word);
        }
    }
    round_keys
}

fn substitute_word(word: [u8; 4]) -> [u8; 4] {
    let mut planes = [0u64; 8];
    for (bit, plane) in planes.iter_mut().enumerate() {
        for (index, byte) in word.iter().enumerate() {
            *plane |= u64::from((byte >> bit) & 1) << index;
        }
    }
    substitute(&mut planes);
    let mut out = [0u8; 4];
    for (bit, plane) in planes.iter().enumerate() {
        for (index, byte) in out.iter_mut().enumerate() {
            *byte |= (((plane >> index) & 1) as u8) << bit;
        }
    }
    out
}

/// Encrypts in place, 64 blocks at a time.
pub(super) fn encrypt(round_keys: &[Block; 11], blocks: &mut [Block]) {
    for chunk in blocks.chunks_mut(64) {
        let mut state = slice(chunk);
        add_round_key(&mut state, &round_keys[0]);
        for round_key in &round_keys[1..10] {
            state.iter_mut().for_each(substitute);
            state = mix_columns(&shift_rows(&state));
            add_round_key(&mut state, round_key);
        }
        state.iter_mut().for_each(substitute);
        state = shift_rows(&state);
        add_round_key(&mut state, &round_keys[10]);
        unslice(&state, chunk);
    }
}

/// Encrypts each block in place under its own key, 64 blocks at a time.
pub(super) fn encrypt_each(keys: &[Block], blocks: &mut [Block]) {
    for (keys, chunk) in keys.chunks(64).zip(blocks.chunks_mut(64)) {
        let (mut round_key, mut state) = (slice(keys), slice(chunk));
        let mut constant = 1u8;
        add_planes(&mut state, &round_key);
        for round in 1..11 {
            next_round_key(&mut round_key, constant);
            constant = (constant << 1) ^ (0x1b & (constant >> 7).wrapping_neg());
            state.iter_mut().for_each(substitute);
            state = shift_rows(&state);
            if round < 10 {
                state = mix_columns(&state);
            }
            add_planes(&mut state, &round_key);
        }
        unslice(&state, chunk);
    }
}

fn next_round_key(key: &mut [Planes; 16], constant: u8) {
    let mut word = [key[13], key[14], key[15], key[12]];
    word.iter_mut().for_each(substitute);
    for (bit, plane) in word[0].iter_mut().enumerate() {
        *plane ^= u64::from((constant >> bit) & 1).wrapping_neg();
    }
    for column in key.as_chunks_mut::<4>().0 {
        add_planes(column, &word);
        word = *column;
    }
}

fn add_planes(to: &mut [Planes], from: &[Planes]) {
    for (to, from) in to.as_flattened_mut().iter_mut().zip(from.as_flattened()) {
        *to ^= from;
    }
}

fn slice(blocks: &[Block]) -> [Planes; 16] {
    // Lane 0 holds the low half of each block, lane 1 the high half.
    let mut lanes: Lanes = [[0; 8]; 64];
    for (row, block) in lanes.iter_mut().zip(blocks) {
        let value = u128::from_le_bytes(*block);
        row[0] = value as u64;
        row[1] = (value >> 64) as u64;
    }
    transpose_lanes(&mut lanes);
    core::array::from_fn(|byte| core::array::from_fn(|bit| lanes[8 * (byte % 8) + bit][byte / 8]))
}

fn unslice(state: &[Planes; 16], blocks: &mut [Block]) {
    let mut lanes: Lanes = [[0; 8]; 64];
    for (byte, planes) in state.iter().enumerate() {
        for (bit, plane) in planes.iter().enumerate() {
            lanes[8 * (byte % 8) + bit][byte / 8] = *plane;
        }
    }
    transpose_lanes(&mut lanes);
    for (row, block) in lanes.iter().zip(blocks) {
        *block = (u128::from(row[0]) | (u128::from(row[1]) << 64)).to_le_bytes();
    }
}

fn add_round_key(state: &mut [Planes; 16], round_key: &Block) {
    for (planes, key) in state.iter_mut().zip(round_key) {
        for (bit, plane) in planes.iter_mut().enumerate() {
            *plane ^= u64::from((key >> bit) & 1).wrapping_neg();
        }
    }
}

fn shift_rows(state: &[Planes; 16]) -> [Planes; 16] {
    core::array::from_fn(|byte| state[(5 * byte) % 16])
}

/// The product with X, bits of any kind, least significant first.
pub(crate) fn double<B: Copy + BitXor<Output = B>>(a: &[B; 8]) -> [B; 8] {
    let top = a[7];
    [
        top,
        a[0] ^ top,
        a[1],
        a[2] ^ top,
        a[3] ^ top,
        a[4],
        a[5],
        a[6],
    ]
}

fn mix_columns(state: &[Planes; 16]) -> [Planes; 16] {
    core::array::from_fn(|byte| {
        let at = |offset: usize| &state[byte / 4 * 4 + (byte + offset) % 4];
        let (a, b, c, d) = (at(0), at(1), at(2), at(3));
        let both = double(&core::array::from_fn(|bit| a[bit] ^ b[bit]));
        core::array::from_fn(|bit| both[bit] ^ b[bit] ^ c[bit] ^ d[bit])
    })
}

/// The S-box on bits of any kind, least significant first: Boyar–Peralta, names as in their listing.
#[rustfmt::skip]
pub(crate) fn substitute<B>(q: &mut [B; 8])
where
    B: Copy + BitXor<Output = B> + BitAnd<Output = B> + Not<Output = B>,
{
    let [x7, x6, x5, x4, x3, x2, x1, x0] = *q;
    // Top linear layer.
    let y14 = x3 ^ x5; let y13 = x0 ^ x6; let y9 = x0 ^ x3; let y8 = x0 ^ x5;
    let t0 = x1 ^ x2; let y1 = t0 ^ x7; let y4 = y1 ^ x3; let y12 = y13 ^ y14;
    let y2 = y1 ^ x0; let y5 = y1 ^ x6; let y3 = y5 ^ y8; let t1 = x4 ^ y12;
    let y15 = t1 ^ x5; let y20 = t1 ^ x1; let y6 = y15 ^ x7; let y10 = y15 ^ t0;
    let y11 = y20 ^ y9; let y7 = x7 ^ y11; let y17 = y10 ^ y11; let y19 = y10 ^ y8;
    let y16 = t0 ^ y11; let y21 = y13 ^ y16; let y18 = x0 ^ y16;
    // Non-linear section.
    let t2 = y12 & y15; let t3 = y3 & y6; let t4 = t3 ^ t2; let t5 = y4 & x7;
    let t6 = t5 ^ t2; let t7 = y13 & y16; let t8 = y5 & y1; let t9 = t8 ^ t7;
    let t10 = y2 & y7; let t11 = t10 ^ t7; let t12 = y9 & y11; let t13 = y14 & y17;
    let t14 = t13 ^ t12; let t15 = y8 & y10; let t16 = t15 ^ t12; let t17 = t4 ^ t14;
    let t18 = t6 ^ t16; let t19 = t9 ^ t14; let t20 = t11 ^ t16; let t21 = t17 ^ y20;
    let t22 = t18 ^ y19; let t23 = t19 ^ y21; let t24 = t20 ^ y18;
    let t25 = t21 ^ t22; let t26 = t21 & t23; let t27 = t24 ^ t26; let t28 = t25 & t27;
    let t29 = t28 ^ t22; let t30 = t23 ^ t24; let t31 = t22 ^ t26; let t32 = t31 & t30;
    let t33 = t32 ^ t24; let t34 = t23 ^ t33; let t35 = t27 ^ t33; let t36 = t24 & t35;
    let t37 = t36 ^ t34; let t38 = t27 ^ t36; let t39 = t29 & t38; let t40 = t25 ^ t39;
    let t41 = t40 ^ t37; let t42 = t29 ^ t33; let t43 = t29 ^ t40; let t44 = t33 ^ t37;
    let t45 = t42 ^ t41;
    let z0 = t44 & y15; let z1 = t37 & y6; let z2 = t33 & x7; let z3 = t43 & y16;
    let z4 = t40 & y1; let z5 = t29 & y7; let z6 = t42 & y11; let z7 = t45 & y17;
    let z8 = t41 & y10; let z9 = t44 & y12; let z10 = t37 & y3; let z11 = t33 & y4;
    let z12 = t43 & y13; let z13 = t40 & y5; let z14 = t29 & y2; let z15 = t42 & y9;
    let z16 = t45 & y14; let z17 = t41 & y8;
    // Bottom linear layer.
    let t46 = z15 ^ z16; let t47 = z10 ^ z11; let t48 = z5 ^ z13; let t49 = z9 ^ z10;
    let t50 = z2 ^ z12; let t51 = z2 ^ z5; let t52 = z7 ^ z8; let t53 = z0 ^ z3;
    let t54 = z6 ^ z7; let t55 = z16 ^ z17; let t56 = z12 ^ t48; let t57 = t50 ^ t53;
    let t58 = z4 ^ t46; let t59 = z3 ^ t54; let t60 = t46 ^ t57; let t61 = z14 ^ t57;
    let t62 = t52 ^ t58; let t63 = t49 ^ t58; let t64 = z4 ^ t59; let t65 = t61 ^ t62;
    let t66 = z1 ^ t63; let s0 = t59 ^ t63; let s6 = t56 ^ !t62; let s7 = t48 ^ !t60;
    let t67 = t64 ^ t65; let s3 = t53 ^ t66; let s4 = t51 ^ t66; let s5 = t47 ^ t65;
    let s1 = t64 ^ !s3; let s2 = t55 ^ !t67;
    *q = [s7, s6, s5, s4, s3, s2, s1, s0];
}
