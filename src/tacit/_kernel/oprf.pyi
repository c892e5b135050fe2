"""Oblivious pseudorandom function, and the filter that holds its outputs."""

import numpy as np
from numpy.typing import NDArray

from tacit._kernel import U8, Bytes

def oprf_public_key(key: Bytes) -> bytes:
    """The commitment of a key (32 bytes, a canonical scalar, not zero), for `oprf_verify`: 32 bytes."""

def oprf_evaluate_items(data: U8, offsets: NDArray[np.int64], key: Bytes, threads: int, n_bytes: int) -> U8:
    """F(key, item) of RFC 9497 (VOPRF, ristretto255-SHA512), `n_bytes` (1..64) of it: `uint8[n, n_bytes]`.

    Items as in `mask_items`, of at most 65,535 bytes.
    """

def oprf_blind(data: U8, offsets: NDArray[np.int64], coins: U8, threads: int) -> tuple[U8, U8]:
    """(blinded elements, blinds), each `uint8[n, 32]`, from 64 uniform bytes for each item."""

def oprf_finalize(
    data: U8, offsets: NDArray[np.int64], evaluated: U8, blinds: U8, threads: int, n_bytes: int
) -> U8:
    """F(key, item) as by `oprf_evaluate_items`, from `remask_points(blinded, key)`. "malformed" if
    an element is no point."""

def oprf_prove(key: Bytes, blinded: U8, evaluated: U8, coins: Bytes) -> bytes:
    """64 bytes that prove `evaluated = key · blinded` for 1 to 65,535 elements; `coins`: 64 fresh bytes."""

def oprf_verify(public: Bytes, blinded: U8, evaluated: U8, proof: Bytes) -> bool:
    """Whether the proof holds for the commitment `public`. "malformed" for what is no point or scalar."""

def fuse_size(n: int, width: int) -> int:
    """Bytes of a filter of n tags with fingerprints of `width` bytes."""

def fuse_build(tags: U8, width: int) -> tuple[U8, int]:
    """(filter, seed) of `uint8[n, 24]` distinct pseudorandom tags; `width`: 1..8 bytes of fingerprint."""

def fuse_contains(tags: U8, width: int, n: int, seed: int, filter: U8) -> U8:
    """uint8[m]: 1 where a tag is in the filter of n tags. Others match with probability 2^(-8 width)."""

def cuckoo_bins(n: int) -> int:
    """Bins of a table of n items, a multiple of three, at least 1.27 n."""

def cuckoo_places(keys: U8, seed: Bytes, bins: int) -> NDArray[np.uint32]:
    """uint32[n, 3]: the bins of keys `uint8[n, 16]`, one in each third; `seed`: 16 bytes."""

def cuckoo_fill(places: NDArray[np.uint32], bins: int) -> NDArray[np.uint32]:
    """uint32[bins]: which item is in each bin, 2^32 - 1 for none. "range" if they do not fit (2^-40)."""
