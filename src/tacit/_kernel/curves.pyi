"""Masked items and points of the groups: ristretto255; Curve25519 and SM2 by x."""

import numpy as np
from numpy.typing import NDArray

from tacit._kernel import U8, Bytes

def mask_items(data: U8, offsets: NDArray[np.int64], dst: Bytes, scalar: Bytes, threads: int) -> U8:
    """`scalar · HashToGroup(item, dst)` (RFC 9497, ristretto255-SHA512), encoded: `uint8[n, 32]`.

    Item i is `data[offsets[i]:offsets[i+1]]`, `offsets: int64[n+1]` ascending. `dst`: 1..255 bytes, used as
    it is (RFC 9497: b"HashToGroup-" + contextString). `scalar`: 32 bytes, canonical, not zero. The time
    depends on the lengths of the items, not on their content. `threads`: 1..1024; 1 starts none.
    """

def remask_points(points: U8, scalar: Bytes, threads: int) -> U8:
    """`scalar · point` for `points: uint8[n, 32]`, encoded: `uint8[n, 32]`.

    "malformed" if a point is not canonical or is the identity.
    """

def reduce_scalar(uniform: Bytes) -> bytes:
    """64 uniform bytes, little-endian, modulo the group order: 32 canonical bytes."""

def x25519_mask_items(data: U8, offsets: NDArray[np.int64], dst: Bytes, scalar: Bytes, threads: int) -> U8:
    """x of `scalar · encode_to_curve(item, dst)` (RFC 9380, curve25519_XMD:SHA-512_ELL2_NU_): `uint8[n, 32]`.

    Arguments as for `mask_items`, but `scalar` as `x25519_scalar` makes it: it clears the cofactor.
    """

def x25519_remask_points(points: U8, scalar: Bytes, threads: int) -> U8:
    """x of `scalar · point` for `points: uint8[n, 32]`, given by x, little-endian: `uint8[n, 32]`.

    "malformed" if an x is not canonical, lies on no point of the curve, or on one of small order.
    """

def x25519_scalar(uniform: Bytes) -> bytes:
    """A multiple of 8 below 2^255 from 32 uniform bytes: 32 bytes."""

def sm2_mask_items(data: U8, offsets: NDArray[np.int64], dst: Bytes, scalar: Bytes, threads: int) -> U8:
    """x of `scalar · encode_to_curve(item, dst)`, big-endian: `uint8[n, 32]`. RFC 9380 has no suite for the
    SM2 curve; by its rules: expand_message_xmd with SM3, simplified SWU with Z = -9.

    Arguments as for `mask_items`, but `scalar` as `sm2_scalar` makes it.
    """

def sm2_remask_points(points: U8, scalar: Bytes, threads: int) -> U8:
    """x of `scalar · point` for `points: uint8[n, 32]`, given by x, big-endian: `uint8[n, 32]`.

    "malformed" if an x is not canonical or lies on no point of the curve.
    """

def sm2_scalar(uniform: Bytes) -> bytes:
    """64 uniform bytes modulo the order of the SM2 curve, or the opposite, whichever is odd: 32 bytes."""

def hash_points(points: U8, domain: Bytes, n_bytes: int) -> U8:
    """Tags of points, `uint8[n, n_bytes]`: the first `n_bytes` (1..64) of
    SHA-512(len(domain) as 8 bytes LE ‖ domain ‖ point)."""
