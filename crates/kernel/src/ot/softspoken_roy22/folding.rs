//! Small-field VOLE: the leaf streams of a tree summed into bit planes, as in a binary counter.
//!
//! Source, notation: those of the extension, [`super`].
//! Setting: local; data-independent memory accesses and time.
//! Cost: `2^k` key streams and as many additions of three streams per tree. Floor: the key streams.

use super::{KAPPA, STREAM};
use crate::aes::Aes128;
use crate::simd::multiversion;
use crate::wipe::Wiped;

multiversion! {
    /// One step up the tree: the plane takes the right sum, the left sum takes both.
    fn fold(plane: &mut [u8], left: &[u8], right: &mut [u8]) {
        for ((plane, left), right) in plane.iter_mut().zip(left).zip(right) {
            *plane ^= *right;
            *right ^= *left;
        }
    }
}

/// Scratch space of a party, wiped with it: calls that are small would pay more for room than for their OTs.
pub(super) struct Folding {
    /// Sums that wait for their right neighbour, one per level of the tree.
    waiting: Wiped<u8>,
    /// 128 bit planes of [`STREAM`] bytes each.
    pub(super) planes: Wiped<u8>,
}

impl Folding {
    pub(super) fn new(k: usize) -> Self {
        Self {
            waiting: Wiped::filled(0, (k + 1) * STREAM),
            planes: Wiped::filled(0, KAPPA * STREAM),
        }
    }

    /// Folds the leaf streams of one tree, from counter `start` on, into its `k` planes, and returns their
    /// sum `u`.
    ///
    /// With `skip_first`, leaf 0 is unknown and counts as zero (and `u` means nothing).
    pub(super) fn tree(
        &mut self,
        tree: usize,
        leaves: &[Aes128],
        skip_first: bool,
        start: u128,
        len: usize,
    ) -> &[u8] {
        let k = self.waiting.len() / STREAM - 1;
        let planes = &mut self.planes[tree * k * STREAM..(tree + 1) * k * STREAM];
        planes
            .chunks_exact_mut(STREAM)
            .for_each(|plane| plane[..len].fill(0));
        for (x, leaf) in leaves.iter().enumerate() {
            // Finished subtrees stand left of x like the ones of a binary counter.
            let level = x.trailing_ones() as usize;
            let (left, here) = self.waiting.split_at_mut(level * STREAM);
            let sum = &mut here[..len];
            if skip_first && x == 0 {
                sum.fill(0);
            } else {
                leaf.keystream(start, sum);
            }
            for (left, plane) in left
                .chunks_exact(STREAM)
                .zip(planes.chunks_exact_mut(STREAM))
            {
                fold(&mut plane[..len], &left[..len], sum);
            }
        }
        &self.waiting[k * STREAM..][..len]
    }
}
