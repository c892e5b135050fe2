//! The owner of W: keys, encryption, decryption.

use super::bits::{pack, packed_size, unpack};
use super::layout::{Layout, SEED_BYTES, polynomial_size};
use super::modulus::{ANSWER_A_BYTES, ANSWER_B_BYTES, Exact, Limb, MAX_PRIMES, Modulus};
use super::ntt;
use super::prime::N;
use super::room::Room;
use super::sample::{POLYNOMIAL_BLOCKS, lift_small, noise, ternary, vartime_uniform};
use crate::error::{Error, Result, ensure};
use crate::prg::Prg;
use crate::wipe::Wiped;

/// A 32-byte seed: secret coins, and the public seed of the uniform polynomials.
pub(super) fn split(seed: &[u8; 32]) -> (Prg, [u8; SEED_BYTES], Prg) {
    let (mut secret, mut public) = ([0; 16], [0; SEED_BYTES]);
    secret.copy_from_slice(&seed[..16]);
    public.copy_from_slice(&seed[16..]);
    (Prg::new(&secret), public, Prg::new(&public))
}

/// The index in its seed's stream of limb `limb` of polynomial `index`.
fn stream_index(index: usize, limb: usize) -> u64 {
    (index * (MAX_PRIMES + 1) + limb) as u64
}

/// The key of W's owner. Wiped on drop.
pub struct SecretKey {
    modulus: Modulus,
    /// `-s` modulo each prime, transformed.
    negated: Vec<Wiped<u64>>,
    /// s modulo the two primes of `Exact`, transformed.
    exact: [Wiped<u64>; 2],
}

/// An encryption of zero with which the peer makes others; limb after limb, transformed.
pub struct PublicKey {
    pub(super) modulus: Modulus,
    pub(super) b: Vec<u64>,
    pub(super) a: Vec<u64>,
}

fn transformed(limb: &Limb, small: &[u64]) -> Wiped<u64> {
    let mut to = Wiped::filled(0, N);
    lift_small(&limb.prime, small, &mut to);
    ntt::forward(&limb.prime, &mut to);
    to
}

/// Bytes of an encoded public key.
#[must_use]
pub fn public_key_size(modulus: Modulus) -> usize {
    SEED_BYTES + polynomial_size(modulus)
}

impl SecretKey {
    /// A key of 32 secret bytes, and the encoded public key.
    #[must_use]
    pub fn generate(modulus: Modulus, seed: &[u8; 32]) -> (Self, Vec<u8>) {
        let (coins, public_seed, public) = split(seed);
        let s = ternary(&coins, 0);
        let mut minus_s = Room::new(N);
        for (minus, s) in minus_s.iter_mut().zip(s.iter()) {
            *minus = s.wrapping_neg();
        }
        let exact = Exact::new();
        let key = Self {
            modulus,
            negated: modulus
                .basis()
                .limbs
                .iter()
                .map(|limb| transformed(limb, &minus_s))
                .collect(),
            exact: [0, 1].map(|limb| transformed(&exact.limbs[limb], &s)),
        };
        let mut encoded = public_seed.to_vec();
        encoded.resize(public_key_size(modulus), 0);
        let noise = noise(&coins, POLYNOMIAL_BLOCKS);
        key.seal(&public, 0, &noise, &mut encoded[SEED_BYTES..], |_, _, _| ());
        (key, encoded)
    }

    /// s modulo one of the two primes of `Exact`, transformed.
    pub(super) fn exact(&self, limb: usize) -> &[u64] {
        &self.exact[limb]
    }

    /// The modulus that the key was made for.
    #[must_use]
    pub fn modulus(&self) -> Modulus {
        self.modulus
    }

    /// Writes `b = -a·s + e + round(q/t·m)`; `add_message(i, limb, to)` adds the last term, below `2p`.
    pub(super) fn seal(
        &self,
        public: &Prg,
        index: usize,
        noise: &[u64],
        out: &mut [u8],
        mut add_message: impl FnMut(usize, &Limb, &mut [u64]),
    ) {
        let (mut b, mut a) = (Room::new(N), Room::new(N));
        let mut out = out;
        for (i, (limb, minus_s)) in self
            .modulus
            .basis()
            .limbs
            .iter()
            .zip(&self.negated)
            .enumerate()
        {
            let prime = &limb.prime;
            lift_small(prime, noise, &mut b);
            add_message(i, limb, &mut b);
            ntt::forward(prime, &mut b);
            vartime_uniform(public, stream_index(index, i), prime, &mut a);
            ntt::multiply_add(prime, &mut b, &a, minus_s);
            let (head, tail) = out.split_at_mut(packed_size(prime.bits as usize));
            pack(prime, &b, head);
            out = tail;
        }
    }

    /// Encrypts W, `w: [columns, inner]`, with 32 fresh secret bytes, into `layout.fresh_size()` bytes.
    ///
    /// # Errors
    /// `Mismatch` if a length or the layout's modulus does not fit.
    pub fn encrypt(
        &self,
        layout: &Layout,
        seed: &[u8; 32],
        w: &[u64],
        message: &mut [u8],
    ) -> Result<()> {
        let fits = self.modulus == layout.modulus
            && w.len() == layout.inner * layout.columns
            && message.len() == layout.fresh_size();
        ensure(
            fits,
            Error::Mismatch("w, message and key must have the layout's sizes and modulus"),
        )?;
        let (coins, public_seed, public) = split(seed);
        let (head, sealed) = message.split_at_mut(SEED_BYTES);
        head.copy_from_slice(&public_seed);
        let basis = self.modulus.basis();
        let [_, _, column_blocks] = layout.blocks();
        let mut remainders = Room::new(N);
        for (index, out) in sealed
            .chunks_exact_mut(polynomial_size(self.modulus))
            .enumerate()
        {
            let (chunk, group) = (index / column_blocks, index % column_blocks);
            remainders.fill(0);
            let rows = w
                .chunks_exact(layout.inner)
                .skip(group * layout.block_columns);
            let slots = remainders
                .chunks_exact_mut(layout.block_inner)
                .take(layout.block_columns);
            for (row, slots) in rows.zip(slots) {
                let values = row.iter().skip(chunk * layout.block_inner);
                for (slot, value) in slots.iter_mut().zip(values) {
                    *slot = basis.remainder(*value);
                }
            }
            let noise = noise(&coins, index as u128 * POLYNOMIAL_BLOCKS);
            self.seal(&public, index, &noise, out, |_, limb, b| {
                limb.add_scaled(&remainders, b)
            });
        }
        Ok(())
    }

    /// My share of X·W, `[columns, rows]`, from the answer.
    ///
    /// # Errors
    /// `Malformed` if the answer has not `layout.answer_size()` bytes; `Mismatch` if `share` or the layout's
    /// modulus does not fit.
    pub fn decrypt(&self, layout: &Layout, answer: &[u8], share: &mut [u64]) -> Result<()> {
        let fits = self.modulus == layout.modulus && share.len() == layout.rows * layout.columns;
        ensure(
            fits,
            Error::Mismatch("share and key must have the layout's sizes and modulus"),
        )?;
        let size = answer.len() == layout.answer_size();
        ensure(
            size,
            Error::Malformed("answer has not the size of its layout"),
        )?;
        // The phase modulo 2^80, rounded to its first 64 bits.
        self.phases(layout, answer, |at, phase| {
            share[at] = (phase.wrapping_add(1 << 15) >> 16) as u64
        });
        Ok(())
    }

    /// Hands out `(at, phase)` of every output: its place in the share, and `2^80·(c0 + c1·s)/q mod 2^80` in
    /// the low bits.
    fn phases(&self, layout: &Layout, answer: &[u8], mut take: impl FnMut(usize, u128)) {
        let exact = Exact::new();
        let mut products = [Room::new(N), Room::new(N)];
        let mut c1_transformed = Room::new(N);
        let mut rest = answer;
        for (row_block, column_block) in pairs(layout) {
            let (c1, tail) = rest.split_at(N * ANSWER_A_BYTES);
            let c1 = c1.as_chunks::<ANSWER_A_BYTES>().0;
            for (limb, (product, s)) in products.iter_mut().zip(&self.exact).enumerate() {
                exact.transform(limb, c1, &mut c1_transformed);
                let prime = &exact.limbs[limb].prime;
                product.fill(0);
                ntt::multiply_add(prime, product, &c1_transformed, s);
                ntt::inverse(prime, product);
            }
            let outputs = outputs(layout, row_block, column_block);
            let (c0, tail) = tail.split_at(ANSWER_B_BYTES * outputs.clone().count());
            rest = tail;
            for ((position, at), c0) in outputs.zip(c0.as_chunks::<ANSWER_B_BYTES>().0) {
                let mut wide = [0; 16];
                wide[1..=ANSWER_B_BYTES].copy_from_slice(c0);
                let product = exact.join([products[0][position], products[1][position]]);
                take(at, u128::from_le_bytes(wide).wrapping_add(product));
            }
        }
    }
}

/// Blocks of rows and columns in the order of the answer.
pub(super) fn pairs(layout: &Layout) -> impl Iterator<Item = (usize, usize)> {
    let [rows, _, columns] = layout.blocks();
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

/// Positions in the product of a pair of blocks, and in the share, of its outputs.
pub(super) fn outputs(
    layout: &Layout,
    row_block: usize,
    column_block: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone {
    let layout = *layout;
    let (row_from, column_from) = (
        row_block * layout.block_rows,
        column_block * layout.block_columns,
    );
    let rows = layout.block_rows.min(layout.rows - row_from);
    let columns = layout.block_columns.min(layout.columns - column_from);
    (0..columns).flat_map(move |column| {
        (0..rows).map(move |row| {
            let at = (column_from + column) * layout.rows + row_from + row;
            (layout.position(row, column), at)
        })
    })
}

impl PublicKey {
    /// Decodes the peer's public key.
    ///
    /// # Errors
    /// `Malformed` if it has another size than `public_key_size`, or a residue is not canonical.
    pub fn decode(modulus: Modulus, encoded: &[u8]) -> Result<Self> {
        let size = encoded.len() == public_key_size(modulus);
        ensure(size, Error::Malformed("public key has not its size"))?;
        let (mut a, mut b) = (Vec::new(), Vec::new());
        unseal(
            modulus,
            &public_stream(encoded),
            0,
            &encoded[SEED_BYTES..],
            |_, half_a, half_b| {
                a.extend_from_slice(half_a);
                b.extend_from_slice(half_b);
            },
        )?;
        Ok(Self { modulus, b, a })
    }
}

/// The uniform stream whose seed heads a message of at least that length.
pub(super) fn public_stream(message: &[u8]) -> Prg {
    let mut seed = [0; SEED_BYTES];
    seed.copy_from_slice(&message[..SEED_BYTES]);
    Prg::new(&seed)
}

/// Hands out `(limb, a, b)` of polynomial `index`.
pub(super) fn unseal(
    modulus: Modulus,
    public: &Prg,
    index: usize,
    packed: &[u8],
    mut take: impl FnMut(usize, &[u64], &[u64]),
) -> Result<()> {
    let (mut a, mut b) = (vec![0; N], vec![0; N]);
    for i in 0..modulus.size().0 {
        unseal_limb(modulus, public, (index, i), packed, [&mut b, &mut a])?;
        take(i, &a, &b);
    }
    Ok(())
}

/// Writes `[b, a]` of polynomial `index` modulo one prime.
pub(super) fn unseal_limb(
    modulus: Modulus,
    public: &Prg,
    (index, limb): (usize, usize),
    packed: &[u8],
    [b, a]: [&mut [u64]; 2],
) -> Result<()> {
    let prime = &modulus.basis().limbs[limb].prime;
    let size = packed_size(prime.bits as usize);
    unpack(prime, &packed[limb * size..][..size], b)?;
    vartime_uniform(public, stream_index(index, limb), prime, a);
    Ok(())
}

#[cfg(test)]
impl SecretKey {
    pub(super) fn secret(&self, limb: usize) -> Vec<u64> {
        let p = self.modulus.basis().limbs[limb].prime.p;
        self.negated[limb].iter().map(|s| (p - s) % p).collect()
    }

    /// The plaintext of one fresh ciphertext of a message.
    pub(super) fn open(&self, layout: &Layout, message: &[u8], index: usize) -> Vec<u64> {
        let basis = self.modulus.basis();
        let size = polynomial_size(self.modulus);
        let packed = &message[SEED_BYTES + index * size..][..size];
        let mut y = vec![0; basis.limbs.len() * N];
        assert_eq!(self.modulus, layout.modulus);
        unseal(
            self.modulus,
            &public_stream(message),
            index,
            packed,
            |i, a, b| {
                let phase = &mut y[i * N..(i + 1) * N];
                phase.copy_from_slice(b);
                ntt::multiply_add(&basis.limbs[i].prime, phase, a, &self.secret(i));
                ntt::inverse(&basis.limbs[i].prime, phase);
                basis.limbs[i].fractions(phase);
            },
        )
        .unwrap();
        let mut rounded = vec![[0; ANSWER_A_BYTES]; N];
        super::modulus::round_80(basis, &y, &mut rounded);
        let word = |bytes: &[u8; ANSWER_A_BYTES]| {
            let mut wide = [0; 16];
            wide[..ANSWER_A_BYTES].copy_from_slice(bytes);
            ((u128::from_le_bytes(wide) + (1 << 15)) >> 16) as u64
        };
        rounded.iter().map(word).collect()
    }

    /// What rounding takes away from each output, in units of `2^-80`.
    pub(super) fn errors(&self, layout: &Layout, answer: &[u8]) -> Vec<i64> {
        let mut errors = vec![0; layout.rows * layout.columns];
        self.phases(layout, answer, |at, phase| {
            errors[at] = i64::from(phase as u16 as i16)
        });
        errors
    }
}
