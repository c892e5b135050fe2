//! Residues below p in exactly as many bits as p has: the wire format of polynomials.
//!
//! Setting: time depends on lengths only, except that a residue of p or more is refused.

use super::prime::{N, Prime};
use crate::error::{Error, Result, ensure};

/// Bytes of `N` residues.
pub(super) const fn packed_size(bits: usize) -> usize {
    N / 8 * bits
}

/// Writes `N` residues, least significant bit first.
pub(super) fn pack(prime: &Prime, residues: &[u64], out: &mut [u8]) {
    // A constant width lets the compiler unroll a group into straight code.
    match prime.bits {
        43 => pack_groups::<43>(residues, out),
        45 => pack_groups::<45>(residues, out),
        _ => pack_groups::<50>(residues, out),
    }
}

fn pack_groups<const BITS: usize>(residues: &[u64], out: &mut [u8]) {
    let groups = residues.as_chunks::<8>().0.iter();
    for (eight, out) in groups.zip(out.as_chunks_mut::<BITS>().0) {
        let (mut pending, mut have, mut at) = (0u128, 0, 0);
        for residue in eight {
            pending |= u128::from(*residue) << have;
            have += BITS;
            if have >= 64 {
                out[at..at + 8].copy_from_slice(&(pending as u64).to_le_bytes());
                (pending, have, at) = (pending >> 64, have - 64, at + 8);
            }
        }
        let rest = BITS - at;
        out[at..].copy_from_slice(&pending.to_le_bytes()[..rest]);
    }
}

/// The inverse of `pack`.
///
/// # Errors
/// `Malformed` if a residue is not below p.
pub(super) fn unpack(prime: &Prime, packed: &[u8], out: &mut [u64]) -> Result<()> {
    let largest = match prime.bits {
        43 => unpack_groups::<43>(packed, out),
        45 => unpack_groups::<45>(packed, out),
        _ => unpack_groups::<50>(packed, out),
    };
    ensure(
        largest < prime.p,
        Error::Malformed("a residue is not below its prime"),
    )
}

/// Returns the largest residue.
fn unpack_groups<const BITS: usize>(packed: &[u8], out: &mut [u64]) -> u64 {
    let mut largest = 0;
    let mut window = [0u8; 64];
    let groups = out.as_chunks_mut::<8>().0.iter_mut();
    for (eight, packed) in groups.zip(packed.as_chunks::<BITS>().0) {
        window[..BITS].copy_from_slice(packed);
        for (i, residue) in eight.iter_mut().enumerate() {
            let (byte, shift) = (i * BITS / 8, i * BITS % 8);
            let mut word = [0; 8];
            word.copy_from_slice(&window[byte..byte + 8]);
            *residue = (u64::from_le_bytes(word) >> shift) & ((1 << BITS) - 1);
            largest = largest.max(*residue);
        }
    }
    largest
}
