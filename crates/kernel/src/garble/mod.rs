//! Garbled circuits: circuits of xor, and, not; half-gates garbling of many instances side by side.

pub mod aes128;
pub mod arithmetic;
pub mod circuit;
mod gate;
pub mod half_gates_zre15;
pub mod labels;
pub mod sha256;

#[cfg(test)]
mod tests;

pub use circuit::{Builder, Circuit, Role, Wire};
pub use half_gates_zre15::{Evaluator, Garbler, tables_size};
