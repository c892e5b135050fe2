//! Pseudorandom correlation generators: many correlated outputs from a short interaction.
//!
//! Dual LPN with regular noise: one party knows a sparse `e` (one noisy position in each of [`BLOCKS`]
//! blocks), both hold shares of `e·Δ` from punctured trees ([`pprf`]), and a public code ([`code`]) compresses
//! noise and shares. What comes out looks uniform: `q = t ⊕ u·Δ` with bits `u` ([`cot`]) or field elements `u`
//! ([`vole`]).

pub mod check;
pub mod code;
pub mod cot;
mod exconv;
mod pprf;
pub mod vole;

pub use exconv::ExConv7x24;

/// Regular noise blocks: `max(40, κ / −log2(1 − 2δ))` rounded up to 8, with the code's relative distance δ = 1/4.
pub const BLOCKS: usize = 128;
