"""Pseudorandom streams, separated by scope path; the only place that reads the OS generator.

Source   AES-128 in counter mode (NIST SP 800-38A); keys by BLAKE2b (RFC 7693) keyed hashing.
A stream advances and never restarts: a second draw continues where the first ended.
"""

from __future__ import annotations

import hashlib
import os
from math import prod

import numpy as np

from tacit import _kernel
from tacit.base.secret import Secret
from tacit.base.types import Shape

SEED_BYTES = 32
_BLOCK_BYTES = 16
Key = bytes


def fresh_entropy(n_bytes: int = SEED_BYTES) -> bytes:
    """`n_bytes` from the operating system's generator."""
    return os.urandom(n_bytes)


def derive(key: Secret[bytes], *labels: str | bytes) -> Secret[bytes]:
    """A 32-byte key bound to `labels` (each length-prefixed, so their boundaries count)."""
    state = hashlib.blake2b(key=key.expose(), digest_size=SEED_BYTES, person=b"tacit-derive")
    for label in labels:
        raw = label.encode() if isinstance(label, str) else label
        state.update(len(raw).to_bytes(8, "little") + raw)
    return Secret(state.digest())


def label16(*parts: str | bytes) -> bytes:
    """A public 16-byte domain-separation label."""
    return derive(Secret(b"tacit-label-v1"), *parts).expose()[:16]


class Prg:
    """An advancing AES-CTR stream."""

    def __init__(self, key: Secret[bytes]) -> None:
        self._key = Secret(key.expose()[:_BLOCK_BYTES])
        self._block = 0

    def bytes(self, n_bytes: int) -> np.ndarray:
        """uint8[n_bytes], uniform."""
        out = _kernel.prg_fill(self._key.expose(), self._block, n_bytes)
        self._block += -(-n_bytes // _BLOCK_BYTES)
        return out

    def reserve(self, *n_words: int) -> tuple[Key, int]:
        """(key, first block) for a kernel that makes draws of so many words itself; they count as drawn."""
        start = self._block
        self._block += sum(-(-n // 2) for n in n_words)
        return self._key.expose(), start

    def add_to(self, x: np.ndarray) -> None:
        """Adds the next words to x: uint64[n], in place."""
        _kernel.prg_add(*self.reserve(x.size), x)

    def take_from(self, x: np.ndarray) -> None:
        """Subtracts the next words from x: uint64[n], in place."""
        _kernel.prg_subtract(*self.reserve(x.size), x)

    def ring(self, shape: Shape) -> np.ndarray:
        """uint64[*shape], uniform."""
        return self.bytes(8 * prod(shape)).view(np.uint64).reshape(shape)

    def bits(self, shape: Shape) -> np.ndarray:
        """uint8[*shape] of 0 and 1, uniform."""
        n = prod(shape)
        return np.unpackbits(self.bytes(-(-n // 8)), count=n, bitorder="little").reshape(shape)

    def permutation(self, n: int) -> np.ndarray:
        """int64[n], a permutation; bias at most n^2 / 2^65 (ties among 64-bit sort keys)."""
        return np.argsort(self.ring((n,)), kind="stable")
