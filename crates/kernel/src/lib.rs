//! The pure kernels of Tacit: bytes and arrays in, bytes and arrays out.
//!
//! No input or output, no clock, no environment and no randomness of its own (seeds are arguments).
//! Protocols with several messages are step machines that consume themselves. No panic is reachable
//! from a peer's bytes. `README.md` maps every module to its paper. A module uses only those listed
//! above it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod error;
mod field25519;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod parallel;
pub mod simd;
mod wipe;

pub mod bits;

pub mod aes;
pub mod gf128;
pub mod gf64;
pub mod hash;
pub mod prg;
pub mod scalar;
mod sha512;
pub mod sm3;

pub mod cuckoo;
pub mod curve;
pub mod oprf;
pub mod ring;
pub mod sm2;
pub mod x25519;

pub mod dzk;
pub mod rlwe;
pub mod truncate;
pub mod vss;

pub mod fss;
pub mod fuse;
pub mod garble;
pub mod ot;
pub mod silent;

pub mod okvs;
pub mod psi;

#[cfg(test)]
mod testing;

pub use error::{Error, Result};
