//! AES-128 as a circuit.
//!
//! Source: FIPS 197; S-box of Boyar and Peralta 2010 with 32 ANDs, the formulas of [`crate::aes`].
//! Setting: local. Cost: 6400 ANDs (160 S-boxes for the block, 40 for the key), depth 60.

use super::circuit::{Builder, Wire};
use crate::aes::portable::{double, substitute};
use core::cell::RefCell;
use core::ops::{BitAnd, BitXor, Not};

/// A byte, least significant bit first.
type Byte = [Wire; 8];

/// A wire that records the formula it is used in.
#[derive(Clone, Copy)]
struct Symbol<'circuit> {
    builder: &'circuit RefCell<&'circuit mut Builder>,
    wire: Wire,
}

impl Symbol<'_> {
    fn with(self, wire: Wire) -> Self {
        Self { wire, ..self }
    }
}

impl BitXor for Symbol<'_> {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        self.with(self.builder.borrow_mut().xor(self.wire, other.wire))
    }
}

impl BitAnd for Symbol<'_> {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        self.with(self.builder.borrow_mut().and(self.wire, other.wire))
    }
}

impl Not for Symbol<'_> {
    type Output = Self;
    fn not(self) -> Self {
        self.with(self.builder.borrow_mut().not(self.wire))
    }
}

fn substitute_byte(builder: &mut Builder, byte: &Byte) -> Byte {
    let cell = RefCell::new(builder);
    let mut symbols = byte.map(|wire| Symbol {
        builder: &cell,
        wire,
    });
    substitute(&mut symbols);
    symbols.map(|symbol| symbol.wire)
}

fn add(builder: &mut Builder, a: &Byte, b: &Byte) -> Byte {
    core::array::from_fn(|bit| builder.xor(a[bit], b[bit]))
}

fn double_byte(builder: &mut Builder, byte: &Byte) -> Byte {
    let cell = RefCell::new(builder);
    let symbols = byte.map(|wire| Symbol {
        builder: &cell,
        wire,
    });
    double(&symbols).map(|symbol| symbol.wire)
}

fn next_key(builder: &mut Builder, key: &mut [Byte; 16], constant: u8) {
    let mut word = [key[13], key[14], key[15], key[12]].map(|byte| substitute_byte(builder, &byte));
    for (bit, wire) in word[0].iter_mut().enumerate() {
        if (constant >> bit) & 1 == 1 {
            *wire = builder.not(*wire);
        }
    }
    for column in key.as_chunks_mut::<4>().0 {
        for (byte, before) in column.iter_mut().zip(&word) {
            *byte = add(builder, byte, before);
        }
        word = *column;
    }
}

fn mix_columns(builder: &mut Builder, state: &[Byte; 16]) -> [Byte; 16] {
    core::array::from_fn(|byte| {
        let at = |offset: usize| &state[byte / 4 * 4 + (byte + offset) % 4];
        let sum = add(builder, at(0), at(1));
        let both = double_byte(builder, &sum);
        let rest = add(builder, at(2), at(3));
        let rest = add(builder, &rest, at(1));
        add(builder, &both, &rest)
    })
}

/// The encryption of a block; bytes in the order of FIPS 197, bits of a byte least significant first.
pub fn encrypt(builder: &mut Builder, key: &[Wire; 128], block: &[Wire; 128]) -> [Wire; 128] {
    let bytes = |wires: &[Wire; 128]| -> [Byte; 16] {
        core::array::from_fn(|byte| core::array::from_fn(|bit| wires[8 * byte + bit]))
    };
    let (mut key, mut state) = (bytes(key), bytes(block));
    let mut constant = 1u8;
    state = core::array::from_fn(|i| add(builder, &state[i], &key[i]));
    for round in 1..=10 {
        next_key(builder, &mut key, constant);
        constant = (constant << 1) ^ (0x1b & (constant >> 7).wrapping_neg());
        state = state.map(|byte| substitute_byte(builder, &byte));
        state = core::array::from_fn(|byte| state[5 * byte % 16]);
        if round < 10 {
            state = mix_columns(builder, &state);
        }
        state = core::array::from_fn(|i| add(builder, &state[i], &key[i]));
    }
    core::array::from_fn(|wire| state[wire / 8][wire % 8])
}
