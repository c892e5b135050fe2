"""The ideal functionality of two-party set intersection, whatever protocol realises it.

Each party has a set of distinct byte strings. A receiver learns which of its own items are common and the
joint order: that of a common pseudorandom tag, unrelated to anybody's file order. Both learn the set sizes.
A party that is not a receiver learns nothing else. Training on aligned rows needs both to be receivers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.setting import Setting

BOTH = frozenset((0, 1))


@dataclass(frozen=True)
class Items:
    """n distinct byte strings: item i is data[offsets[i]:offsets[i+1]]. data uint8, offsets int64[n+1]."""

    data: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def part(self, start: int, stop: int) -> Items:
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        return Items(self.data[first:last], self.offsets[start : stop + 1] - first)

    @staticmethod
    def of(strings: list[bytes]) -> Items:
        """Raises UsageError PSI-0001 if two are equal."""
        if len(set(strings)) != len(strings):
            raise UsageError(
                "PSI-0001", "the items of a set must be distinct", hint="remove duplicates first"
            )
        offsets = np.concatenate([[0], np.cumsum([len(s) for s in strings])]).astype(np.int64)
        return Items(np.frombuffer(b"".join(strings), np.uint8), offsets)


@dataclass(frozen=True)
class Intersection:
    """What one party learns. `rows` int64[m]: my items' indices in joint order; None if not a receiver."""

    rows: np.ndarray | None
    n_mine: int
    n_theirs: int


class Psi(ABC):
    """A protocol for the functionality."""

    name: ClassVar[str]
    setting: ClassVar[Setting]
    one_receiver: ClassVar[bool] = False
    """Whether `receivers` must be one party."""
    largest_set: ClassVar[int] = 1 << 32

    def __init__(self, threads: int = 1) -> None:
        """`threads` cores are used where one side works alone."""
        self._threads = threads

    @abstractmethod
    async def intersect(self, ctx: Ctx, items: Items, *, receivers: frozenset[int] = BOTH) -> Intersection:
        """Run with the peer. Raises PeerError for what the peer must not send."""
