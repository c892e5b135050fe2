"""Message records and their canonical bytes.

The reader names the type and the shape it expects, so a peer never chooses a length; a body of any other
length, or one that is not the canonical encoding, is refused with PeerError PEER-0001.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np

from tacit import _kernel
from tacit.base.errors import CheatDetected, InternalError, PeerError
from tacit.base.transport import Buffer
from tacit.base.types import Shape


class Message(ABC):
    """A record that can travel. `shape` is what the reader expects, in the record's own units."""

    @abstractmethod
    def pack(self) -> Buffer: ...

    @classmethod
    @abstractmethod
    def limit_bytes(cls, shape: Shape) -> int:
        """The longest body that a record of `shape` may have."""

    @classmethod
    @abstractmethod
    def unpack(cls, body: Buffer, shape: Shape) -> Self:
        """Raises PeerError PEER-0001 unless `body` is a record of exactly `shape`."""


def _array(body: Buffer, shape: Shape, dtype: type[np.generic]) -> np.ndarray:
    expected = prod(shape) * np.dtype(dtype).itemsize
    if len(body) != expected:
        raise PeerError("PEER-0001", f"message of {len(body)} bytes where {expected} were due")
    return np.frombuffer(body, dtype=dtype).reshape(shape)


@dataclass(frozen=True, slots=True)
class Ring(Message):
    """Ring elements or packed words, uint64[*shape], little-endian."""

    array: np.ndarray

    def pack(self) -> Buffer:
        return np.ascontiguousarray(self.array, dtype="<u8").reshape(-1).view(np.uint8).data

    @classmethod
    def limit_bytes(cls, shape: Shape) -> int:
        return 8 * prod(shape)

    @classmethod
    def unpack(cls, body: Buffer, shape: Shape) -> Self:
        return cls(_array(body, shape, np.uint64))


@dataclass(frozen=True, slots=True)
class Octets(Message):
    """Raw bytes, uint8[*shape]: encoded points, OT columns, payloads."""

    array: np.ndarray

    def pack(self) -> Buffer:
        return np.ascontiguousarray(self.array, dtype=np.uint8).reshape(-1).data

    @classmethod
    def limit_bytes(cls, shape: Shape) -> int:
        return prod(shape)

    @classmethod
    def unpack(cls, body: Buffer, shape: Shape) -> Self:
        return cls(_array(body, shape, np.uint8))


def octets(raw: bytes) -> Octets:
    return Octets(np.frombuffer(raw, dtype=np.uint8))


@dataclass(frozen=True, slots=True)
class Document(Message):
    """A small JSON object in canonical form (sorted keys, no spaces, UTF-8); `shape` = (longest body,)."""

    fields: Mapping[str, Any]

    def pack(self) -> Buffer:
        return canonical_json(self.fields)

    @classmethod
    def limit_bytes(cls, shape: Shape) -> int:
        return prod(shape)

    @classmethod
    def unpack(cls, body: Buffer, shape: Shape) -> Self:
        try:
            fields = json.loads(bytes(body).decode("utf-8"))
            canonical = isinstance(fields, dict) and canonical_json(fields) == bytes(body)
        except (ValueError, RecursionError):
            canonical = False
        if not canonical:
            raise PeerError("PEER-0001", "message is not a canonical document")
        return cls(fields)


def canonical_json(fields: Mapping[str, Any]) -> bytes:
    """The one byte string of this JSON object; what digests and signatures are taken over."""
    return json.dumps(
        fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


@contextmanager
def peer_bytes() -> Iterator[None]:
    """Kernel calls on bytes from a peer: what the kernel refuses is the peer's fault, named PEER-0001; a
    failed check is CheatDetected OT-0002."""
    try:
        yield
    except _kernel.KernelError as error:
        if error.kind == "malformed":
            raise PeerError("PEER-0001", f"message refused: {error}") from None
        if error.kind == "cheat":
            raise CheatDetected(
                "OT-0002", error.message, hint="nothing was used; end the cooperation"
            ) from None
        raise InternalError("KERNEL-0001", f"kernel refused our own arguments: {error}") from error
