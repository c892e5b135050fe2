//! Element-wise products of one party's numbers with the other's over `Z_{2^64}`, shared between both.
//!
//! Source: BFV 2012 (ePrint 2012/144) without multiplication of ciphertexts; slots of Smart–Vercauteren 2011
//! (ePrint 2011/133). Setting and assumptions are those of the module above; modulus `Q180`.
//! Differs: sums of at most two products; three plaintext primes with `T = t_1·t_2·t_3 = 1 mod 2^64`, so that
//! shares modulo T are shares modulo `2^64` up to one unit, and exactly so with one AND of private bits.
//! Notation: `x_k`, `y_k`: the key owner's and the other's factors, signed; `z = Σ_k x_k·y_k`, at most two terms.
//!
//! # Steps, for `N` products at a time
//!
//! 1. For each prime t and term k the key owner sends `(a, b = -a·s + e + ⌊q/t·m⌉)`, a being a seed, where the
//!    polynomial m modulo t has `x_k mod t` in its N slots.
//! 2. The other party forms `Σ_k p_k·(a_k, b_k)`, p_k with coefficients in `[-t/2, t/2]` and `y_k` in its slots;
//!    adds `(pk1·u + e1, pk0·u)` for fresh ternary u and noise e1, `⌊q/t·r⌉` with r uniform modulo t, and noise
//!    uniform in `[-F, F)`, `F = 2^135`; rounds `c1` to multiples of `q/2^64`, `c0` to multiples of `q/2^48`;
//!    sends both. Its residue of a product is `2^127 - r` modulo each t.
//! 3. The key owner computes `c0 + c1·s` modulo `2^64`, exactly over the integers, rounds it to multiples of
//!    `2^64/t`, and has `z + r` modulo t in the slots.
//! 4. Both join their residues to numbers A, B in `[0, T)`. They send nothing for it.
//!
//! # Shares
//!
//! `|z| ≤ 2·2^63·2^63`, so `z' = z + 2^127` is in `[0, 2^128]` and `A + B = z' + w·T`, w 0 or 1. As `T = 1` and
//! `2^127 = 0` modulo `2^64`, `A + B = z + w`: shares of z that are 1 too large if w is 1. Be `θ` a number with
//! `2^128 < θ ≤ T/2`. If w is 0, both A and B are at most `z' < θ`; if it is 1, the larger one is at least
//! `T/2 ≥ θ`. So w is the OR of `A ≥ θ` and `B ≥ θ`, one private bit each ("tops"). `θ = t_1·t_2·(t_3-1)/2`
//! needs the last digit of mixed radix only. B is uniform modulo T, and so is A, up to the masks' distance.
//!
//! # Noise
//!
//! As above, a product adds `p·(e + ε)` with `|e + ε| ≤ 21.5` and `|p| ≤ t/2` in N coefficients, and t is below
//! `2^43.01` (`noise_bound`): with two terms `V = 21.5·8192·t + 2·21·8192 + 2 < 2^60.5`. Correct always, not just
//! likely: `(V + F)/q + 2^-49 + 8192·2^-65 < 2^-44.8`, and `1/(2t) > 2^-44.1`.
//!
//! # What the key owner learns
//!
//! `c1` is pseudorandom, whatever y is. Given it, an output's `c0` is within `V/2F < 2^-75.5` of one that depends
//! on the masked slots alone, and the mask, 156 bits reduced, within `2^-114` of uniform. Over the at most
//! `2^33` outputs of a job (`JOB_OUTPUTS_BITS`; three for each product; the caller counts) that is `2^-42`.
//!
//! Cost: per N products, prime and term 184 320 bytes up, per N products and prime 114 688 bytes down: for two
//! terms 177 bytes per product, for one 109. Transforms, for two terms: 15 for the key owner and 23 for the other
//! per prime, 114 in all.

mod plain;

#[cfg(test)]
mod tests;

use super::key::{PublicKey, SecretKey, public_stream, split, unseal_limb};
use super::layout::{SEED_BYTES, polynomial_size};
use super::modulus::{Exact, Limb, Modulus, add_wide, round_words};
use super::ntt;
use super::prime::N;
use super::room::Room;
use super::sample::{NOISE_BOUND, POLYNOMIAL_BLOCKS, fill_words, lift_small, noise, ternary};
use crate::error::{Error, Result, ensure};
use crate::prg::Prg;
use crate::simd::multiversion;
use plain::{PRIMES, Plain, Slots};

/// A job sends at most `2^33` masked coefficients of these products.
pub const JOB_OUTPUTS_BITS: u32 = 33;
/// The modulus that keys are made for.
pub const MODULUS: Modulus = Modulus::Q180;
/// The most products in one sum.
pub const MAX_TERMS: usize = 2;

/// Flooding noise is uniform in `[-2^135, 2^135)`.
const FLOOD_BITS: u32 = 135;
/// Bits of the random numbers that masks are remainders of.
const MASK_BITS: u32 = 156;
const C1_BYTES: usize = 8;
const C0_BYTES: usize = 6;
const ANSWER_BYTES: usize = N * (C1_BYTES + C0_BYTES);
/// Blocks of the coins of one answer: u, e1, the flooding in three words, the mask in three.
const ANSWER_BLOCKS: u128 = 8 * POLYNOMIAL_BLOCKS;
const MAX_PRODUCTS: usize = 1 << 24;

/// Bytes of the key owner's message for sums of `terms` products.
///
/// # Errors
/// `Range` if `terms` is not 1 or 2, or there are no or more than `2^24` sums.
pub fn fresh_size(products: usize, terms: usize) -> Result<usize> {
    ensure(
        (1..=MAX_TERMS).contains(&terms),
        Error::Range("sums of slots have one or two terms"),
    )?;
    Ok(SEED_BYTES + blocks(products)? * PRIMES * terms * polynomial_size(MODULUS))
}

/// Bytes of the answer.
///
/// # Errors
/// `Range` as `fresh_size`.
pub fn answer_size(products: usize) -> Result<usize> {
    Ok(blocks(products)? * PRIMES * ANSWER_BYTES)
}

/// Masked coefficients of an answer, which the caller counts against the job's.
///
/// # Errors
/// `Range` as `fresh_size`.
pub fn outputs(products: usize) -> Result<usize> {
    Ok(blocks(products)? * PRIMES * N)
}

fn blocks(products: usize) -> Result<usize> {
    ensure(
        (1..=MAX_PRODUCTS).contains(&products),
        Error::Range("products in slots must be 1..2^24"),
    )?;
    Ok(products.div_ceil(N))
}

/// Bound V on the noise before flooding, for two terms: products, the fresh encryption of zero, two roundings.
const fn noise_bound(t: u64) -> u128 {
    // Two terms of N coefficients, each at most 21.5·t/2.
    let products = (2 * NOISE_BOUND + 1) * N as u128 * t as u128 / 2 + 1;
    products + 2 * NOISE_BOUND * N as u128 + 2
}

// `Σ V/2F ≤ 2^-42` over all coefficients of a job.
const _: () = assert!(noise_bound(plain::LARGEST) <= 1 << (FLOOD_BITS + 1 - 42 - JOB_OUTPUTS_BITS));

/// Factors of a call: term after term.
struct Factors<'a> {
    values: &'a [u64],
    products: usize,
}

impl<'a> Factors<'a> {
    fn of(values: &'a [u64], terms: usize) -> Result<Self> {
        let fits = terms > 0 && values.len().is_multiple_of(terms);
        ensure(
            fits,
            Error::Mismatch("terms must have the same number of factors"),
        )?;
        Ok(Self {
            values,
            products: values.len() / terms,
        })
    }

    fn block(&self, block: usize, term: usize) -> &'a [u64] {
        let all = &self.values[term * self.products..][..self.products];
        &all[block * N..self.products.min((block + 1) * N)]
    }
}

/// Where both parties put what they have of a block: residues by prime.
struct Residues([Room; PRIMES]);

impl Residues {
    fn new() -> Self {
        Self([(); PRIMES].map(|()| Room::new(N)))
    }
}

/// `share` with room for the tops behind it, or not.
struct Shares<'a> {
    words: &'a mut [u64],
    tops: &'a mut [u64],
}

impl<'a> Shares<'a> {
    fn of(share: &'a mut [u64], products: usize) -> Result<Self> {
        let fits = share.len() == products || share.len() == 2 * products;
        ensure(fits, Error::Mismatch("share must have one or two rows"))?;
        let (words, tops) = share.split_at_mut(products);
        Ok(Self { words, tops })
    }

    fn put(&mut self, slots: &Slots, block: usize, residues: &mut Residues) {
        let end = self.words.len().min((block + 1) * N);
        slots.digits(&mut residues.0);
        plain::numbers(&residues.0, &mut self.words[block * N..end]);
        if !self.tops.is_empty() {
            plain::tops(&residues.0[PRIMES - 1], &mut self.tops[block * N..end]);
        }
    }
}

/// Encrypts `factors`, `[terms, products]`, with 32 fresh secret bytes.
///
/// # Errors
/// `Range` as `fresh_size`; `Mismatch` if another argument does not fit.
pub fn encrypt(
    key: &SecretKey,
    seed: &[u8; 32],
    factors: &[u64],
    terms: usize,
    message: &mut [u8],
) -> Result<()> {
    let factors = Factors::of(factors, terms)?;
    let fits = key.modulus() == MODULUS && message.len() == fresh_size(factors.products, terms)?;
    ensure(
        fits,
        Error::Mismatch("message and key must fit the factors"),
    )?;
    let (coins, public_seed, public) = split(seed);
    let (head, sealed) = message.split_at_mut(SEED_BYTES);
    head.copy_from_slice(&public_seed);
    let mut m = Room::new(N);
    let polynomials = sealed.chunks_exact_mut(polynomial_size(MODULUS));
    for (index, out) in polynomials.enumerate() {
        let (block, prime, term) = place(index, terms);
        let plain = &Slots::get().primes[prime];
        plain.encode(factors.block(block, term), plain.q, &mut m);
        let noise = noise(&coins, index as u128 * POLYNOMIAL_BLOCKS);
        key.seal(&public, index, &noise, out, |i, limb, b| {
            plain.add_message(i, limb, &m, b);
        });
    }
    Ok(())
}

/// Block, prime and term of a polynomial of the message.
fn place(index: usize, terms: usize) -> (usize, usize, usize) {
    (
        index / (PRIMES * terms),
        index / terms % PRIMES,
        index % terms,
    )
}

/// Multiplies by `factors`, `[terms, products]`: writes the answer and `share`, `[products]` or with the tops
/// `[2, products]`.
///
/// `seed`: 16 secret bytes, fresh for every call. What is written counts only if there is no error.
///
/// # Errors
/// `Range` as `fresh_size`; `Malformed` if the message has not its size or a residue is not canonical;
/// `Mismatch` if another argument does not fit.
pub fn multiply(
    key: &PublicKey,
    message: &[u8],
    seed: &[u8; 16],
    factors: &[u64],
    terms: usize,
    answer: &mut [u8],
    share: &mut [u64],
) -> Result<()> {
    let factors = Factors::of(factors, terms)?;
    let size = message.len() == fresh_size(factors.products, terms)?;
    ensure(
        size,
        Error::Malformed("ciphertexts have not the size of their products"),
    )?;
    let fits = key.modulus == MODULUS && answer.len() == answer_size(factors.products)?;
    ensure(fits, Error::Mismatch("answer and key must fit the factors"))?;
    let mut shares = Shares::of(share, factors.products)?;
    let slots = Slots::get();
    let mut residues = Residues::new();
    let mut answerer = Answerer::new(key, message, seed, terms);
    for (index, out) in answer.chunks_exact_mut(ANSWER_BYTES).enumerate() {
        let (block, prime) = (index / PRIMES, index % PRIMES);
        let plain = &slots.primes[prime];
        for (term, p) in answerer.plain.iter_mut().enumerate() {
            plain.encode(factors.block(block, term), plain.prime.one, p);
        }
        answerer.answer(plain, index, out, &mut residues.0[prime])?;
        if prime == PRIMES - 1 {
            shares.put(slots, block, &mut residues);
        }
    }
    Ok(())
}

/// Working memory of the party without the key.
struct Answerer<'a> {
    key: &'a PublicKey,
    public: Prg,
    sealed: &'a [u8],
    coins: Prg,
    /// Coefficients of `p_k`, signed, and `p_k` modulo one prime of q, transformed; `u` behind them.
    plain: Vec<Room>,
    lifted: Vec<Room>,
    /// `(b, a)` of each term modulo one prime of q.
    cipher: Vec<[Room; 2]>,
    /// Both halves of the sum, limb after limb.
    c0: Room,
    c1: Room,
    scratch: Room,
    /// Three words for each coefficient.
    random: Room,
}

impl<'a> Answerer<'a> {
    fn new(key: &'a PublicKey, message: &'a [u8], seed: &[u8; 16], terms: usize) -> Self {
        let limbs = MODULUS.size().0;
        let polynomials = |count| (0..count).map(|_| Room::new(N)).collect();
        Self {
            key,
            public: public_stream(message),
            sealed: &message[SEED_BYTES..],
            coins: Prg::new(seed),
            plain: polynomials(terms),
            lifted: polynomials(terms + 1),
            cipher: (0..terms).map(|_| [Room::new(N), Room::new(N)]).collect(),
            c0: Room::new(limbs * N),
            c1: Room::new(limbs * N),
            scratch: Room::new(N),
            random: Room::new(3 * N),
        }
    }

    /// Step 2 for answer `index`; `residue` gets my side of it.
    fn answer(
        &mut self,
        plain: &Plain,
        index: usize,
        out: &mut [u8],
        residue: &mut [u64],
    ) -> Result<()> {
        let start = index as u128 * ANSWER_BLOCKS;
        let at = |polynomial: u128| start + polynomial * POLYNOMIAL_BLOCKS;
        let u = ternary(&self.coins, at(0));
        let e1 = noise(&self.coins, at(1));
        fill_words(&self.coins, at(5), &mut self.random);
        residue.fill(0);
        add_wide(&plain.prime, 0, MASK_BITS, &self.random, residue);
        self.scratch.copy_from_slice(residue);
        plain.centre(&mut self.scratch);
        fill_words(&self.coins, at(2), &mut self.random);
        for (i, limb) in MODULUS.basis().limbs.iter().enumerate() {
            self.sums((index, i), limb, &u)?;
            let (c0, c1) = (&mut self.c0[i * N..][..N], &mut self.c1[i * N..][..N]);
            add_small(limb.prime.p, &e1, c1);
            limb.fractions(c1);
            add_wide(
                &limb.prime,
                limb.minus_power(FLOOD_BITS),
                FLOOD_BITS + 1,
                &self.random,
                c0,
            );
            plain.add_message(i, limb, &self.scratch, c0);
            limb.fractions(c0);
        }
        let (first, second) = out.split_at_mut(N * C1_BYTES);
        let basis = MODULUS.basis();
        round_words(basis, &self.c1, 64, &mut self.scratch);
        for (out, word) in first.as_chunks_mut().0.iter_mut().zip(self.scratch.iter()) {
            *out = word.to_le_bytes();
        }
        round_words(basis, &self.c0, 48, &mut self.scratch);
        for (out, word) in second
            .as_chunks_mut::<C0_BYTES>()
            .0
            .iter_mut()
            .zip(self.scratch.iter())
        {
            out.copy_from_slice(&word.to_le_bytes()[8 - C0_BYTES..]);
        }
        plain.unmask(residue);
        Ok(())
    }

    /// `Σ p_k·(b_k, a_k)` and a fresh encryption of zero but for e1, modulo one prime of q.
    fn sums(&mut self, (index, i): (usize, usize), limb: &Limb, u: &[u64]) -> Result<()> {
        let (prime, terms) = (&limb.prime, self.plain.len());
        for term in 0..terms {
            let index = index * terms + term;
            let packed =
                &self.sealed[index * polynomial_size(MODULUS)..][..polynomial_size(MODULUS)];
            let [b, a] = &mut self.cipher[term];
            unseal_limb(MODULUS, &self.public, (index, i), packed, [b, a])?;
            lift_small(prime, &self.plain[term], &mut self.lifted[term]);
            ntt::forward(prime, &mut self.lifted[term]);
        }
        lift_small(prime, u, &mut self.lifted[terms]);
        ntt::forward(prime, &mut self.lifted[terms]);
        let from = i * N..(i + 1) * N;
        let halves = self.cipher.iter().map(|[b, a]| [b.as_ref(), a.as_ref()]);
        let zero = [&self.key.b[from.clone()], &self.key.a[from.clone()]];
        let halves = halves.chain([zero]);
        let terms: Vec<_> = self
            .lifted
            .iter()
            .zip(halves)
            .map(|(p, [b, a])| [p.as_ref(), b, a])
            .collect();
        let (c0, c1) = (&mut self.c0[from.clone()], &mut self.c1[from]);
        ntt::sums(prime, &terms, [&mut *c0, &mut *c1]);
        ntt::inverse(prime, c0);
        ntt::inverse(prime, c1);
        Ok(())
    }
}

multiversion! {
    /// Adds signed numbers below p, and p.
    fn add_small(p: u64, from: &[u64], to: &mut [u64]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to += from.wrapping_add(p);
        }
    }
}

/// The key owner's `share`, `[products]` or with the tops `[2, products]`.
///
/// # Errors
/// `Range` as `fresh_size`; `Malformed` if the answer has not its size; `Mismatch` if another argument does
/// not fit.
pub fn decrypt(key: &SecretKey, answer: &[u8], products: usize, share: &mut [u64]) -> Result<()> {
    let size = answer.len() == answer_size(products)?;
    ensure(
        size,
        Error::Malformed("answer has not the size of its products"),
    )?;
    ensure(
        key.modulus() == MODULUS,
        Error::Mismatch("key must fit the slots' modulus"),
    )?;
    let mut shares = Shares::of(share, products)?;
    let slots = Slots::get();
    let mut residues = Residues::new();
    let mut phases = Room::new(N);
    for (index, answer) in answer.chunks_exact(ANSWER_BYTES).enumerate() {
        let prime = index % PRIMES;
        key.phases_of_slots(answer, &mut phases);
        slots.primes[prime].decode(&phases, &mut residues.0[prime]);
        if prime == PRIMES - 1 {
            shares.put(slots, index / PRIMES, &mut residues);
        }
    }
    Ok(())
}

impl SecretKey {
    /// `2^64·(c0 + c1·s)/q mod 2^64` of one rounded ciphertext.
    fn phases_of_slots(&self, answer: &[u8], phases: &mut [u64]) {
        let exact = Exact::new();
        let (first, second) = answer.split_at(N * C1_BYTES);
        let mut c1 = Room::new(N);
        for (c1, bytes) in c1.iter_mut().zip(first.as_chunks().0) {
            *c1 = u64::from_le_bytes(*bytes);
        }
        let mut low = Room::new(N);
        let mut transformed = Room::new(N);
        for (limb, product) in [&mut low[..], &mut *phases].into_iter().enumerate() {
            // c1 as a signed number: its product with s is below 2^76, exact in the two primes.
            let prime = &exact.limbs[limb].prime;
            ntt::lift(prime, &c1, &mut transformed);
            ntt::forward(prime, &mut transformed);
            product.fill(0);
            ntt::multiply_add(prime, product, &transformed, self.exact(limb));
            ntt::inverse(prime, product);
        }
        exact.join_words(&low, phases);
        for (phase, c0) in phases.iter_mut().zip(second.as_chunks::<C0_BYTES>().0) {
            let mut wide = [0; 8];
            wide[8 - C0_BYTES..].copy_from_slice(c0);
            *phase = phase.wrapping_add(u64::from_le_bytes(wide));
        }
    }
}
