//! Products of one party's matrix X with the other's matrix W over `Z_{2^64}`, shared between both.
//!
//! Source: BFV 2012 (ePrint 2012/144) without multiplication of ciphertexts, in the coefficient packing of
//! Cheetah 2022 (ePrint 2022/207) §3. Setting: two parties, semi-honest; RLWE with `N = 8192`, uniform
//! ternary secret, centred binomial noise (at most 21, σ = 3.24) and `q < 2^218`: 128 bits by the HE standard;
//! public polynomials come from AES-128-CTR as an ideal cipher. Constant time on all secrets.
//! Differs: the key owner has an encryption of zero (its public key), with which X's owner makes fresh ones;
//! answers are rounded to powers of two and not to fewer primes.
//! Notation: `t = 2^64`; `F = 2^f` bound of the flooding; `V` bound of the noise before it.
//!
//! # Steps
//!
//! 1. W's owner sends `(a, b = -a·s + e + ⌊q/t·m⌉)` for polynomials m of W; a is a seed.
//! 2. X's owner lifts X to signed numbers, forms `Σ p·(a, b)`, adds `(pk1·u + e1, pk0·u)` for fresh ternary u
//!    and fresh noise e1, and at the outputs `⌊q/t·r⌉` with r uniform and noise uniform in `[-F, F)`.
//! 3. It rounds `c1` to multiples of `q/2^80` and `c0`, at the outputs alone, to multiples of `q/2^72`, and
//!    sends those. Its share is `-r`. Coefficients that are no outputs (they hold other sums of private
//!    products) are not sent.
//! 4. W's owner computes `c0 + c1·s` modulo `2^80`, exactly over the integers; the first 64 bits are its share.
//!
//! # Noise
//!
//! q is 0 modulo every `p_i`, so `q/t` times a multiple of t vanishes, and with `⌊q/t·m⌉ = q/t·m + ε`,
//! `|ε| ≤ 1/2`, a product adds `p·(e + ε)` and nothing else: at most 21.5 times the sum of the magnitudes of
//! the plaintext coefficients. A coefficient collects `block_rows·inner` of them, each at most `2^(x_bits-1)`:
//!
//! `V = 21.5·2^(x_bits-1)·block_rows·inner + 2·21·8192 + 2`
//!
//! (the second term is `e_pk·u + e1·s`, the third the roundings of the mask and of `q/t·m`). Correct always,
//! not just likely: `(V + F)/q + 2^-73 + 8192·2^-81 < 2^-65`, for `F ≤ q·2^-67` and `V < F` give
//! `2^-66 + 2^-73 + 2^-68`.
//!
//! # What the key owner learns
//!
//! `c1` is an RLWE sample `pk1·u + e1` plus something: pseudorandom, whatever X is. Given it, an output's
//! `c0` is a function of `⌊q/t·(m + r)⌉` plus noise v, `|v| ≤ V`, plus the flooding: at most `V/2F` from
//! one that does not depend on v. Over the at most 2^28 outputs of a job (`JOB_OUTPUTS_BITS`; the caller
//! counts) that is at most 2^-40 if `V ≤ 2^(f-67)`, which `Layout::plan` enforces. Rounding follows flooding
//! and is a function of what is already simulated.
//!
//! | modulus | primes | q above | f | V at most | for example, rows of a block × inner side | fresh bytes |
//! |---|---|---|---|---|---|---|
//! | `Q180` | 4 × 45 bits | 2^179 | 112 | 2^45 | 195 000 at 24 bits, 12 000 at 28 bits | 184 320 |
//! | `Q200` | 4 × 50 bits | 2^199 | 132 | 2^65 | 3 100 000 at 40 bits, 12 000 at 48 bits | 204 800 |
//! | `Q215` | 5 × 43 bits | 2^214 | 147 | 2^80 | 6 096 at 64 bits | 220 160 |
//!
//! An answer has 81 920 bytes and 9 for each output.
//!
//! Cost: per fresh polynomial one transform for each prime; per block of X one transform and two products
//! for each pair of polynomials and prime; per answer three transforms for each prime. `ntt` has the floor.

mod bits;
mod key;
mod layout;
mod matrix;
mod modulus;
mod ntt;
mod prime;
mod room;
mod sample;
pub mod slots;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;

pub use key::{PublicKey, SecretKey, public_key_size};
pub use layout::{JOB_OUTPUTS_BITS, Layout};
pub use matrix::Matrix;
pub use modulus::Modulus;
pub use prime::N;
