"""A set on disk: keys of its items in parts by a keyed hash, so that no more than a part need be in memory.

An item's key is what `_kernel.psi_keys` makes of it under a label that both sides drew; its first bytes say
in which part it goes, so equal items of both sides meet in parts of one number. A record is the key and the
row of the file. Whoever can read the folder and knows the label can test guesses of ids: it is only for the
user who runs Tacit, and goes when the run has ended.

Source   hashing to bins with a public bound: Pinkas, Schneider, Zohner, USENIX Security 2015 (eprint
         2014/447), section 5; here of a few thousand parts instead of one bin for each item.
Cost     24 bytes of disk for a row, written once and read twice.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from tacit import _kernel
from tacit.base.distinct import first_appearances
from tacit.base.errors import LimitError, UsageError
from tacit.psi.functionality import Items

PARTS = 1024
KEY_BYTES = 16
RECORD_BYTES = KEY_BYTES + 8
_PASSES = 64
"""Groups in which the whole set is looked at once."""
_RECORDS, _INDEX = "records", "index"
FAILURE_BITS = 40
"""A bound on the size of parts is exceeded with probability 2^-40 at most."""


def part_bound(n: int, n_groups: int) -> int:
    """So many of n items at most are in any of `n_groups` groups of parts, but for probability 2^-40.

    Chernoff: Pr[X >= (1 + d) u] <= exp(-d^2 u / (2 + d)) for u = n / n_groups, over all groups.
    """
    mean = n / n_groups
    if n_groups == 1 or n == 0:
        return n
    log = (FAILURE_BITS + math.log2(n_groups)) * math.log(2)
    excess = (log + math.sqrt(log * log + 8 * log * mean)) / (2 * mean)
    return min(n, math.ceil(mean * (1 + excess)))


class Shelf(Protocol):
    """Named files of one run, on a disk that only this side reads; `trust.shelf` is one."""

    def append(self, name: str, data: bytes | memoryview) -> None: ...

    def read(self, name: str, start: int = 0, n_bytes: int | None = None) -> np.ndarray:
        """uint8[n]: `n_bytes` from `start` on, or all; empty if there is no such file."""

    def shorten(self, name: str, n_bytes: int) -> None: ...

    def replace(self, name: str, data: bytes) -> None:
        """The whole file; it, and whatever was appended before, outlives a loss of power."""

    def clear(self) -> None: ...


class Spool:
    """The parts of one side's set on a shelf that is this run's alone.

    One file has a run of records for every batch of rows, sorted by part; where its parts begin, the index
    says. What is read of a part is in the order of rows, so of equal items the first is kept.
    """

    def __init__(self, shelf: Shelf, label: bytes, *, strong: bool, threads: int = 1) -> None:
        """`strong`: keys are half a SHA-256, against a peer that deviates."""
        self._shelf, self._label = shelf, np.frombuffer(label, np.uint8)
        self._strong, self._threads = strong, threads
        index = shelf.read(_INDEX)
        if index.size % (8 * (PARTS + 1)):
            raise damaged()
        self._index = index.view("<i8").reshape(-1, PARTS + 1)

    def fill(self, batches: Iterable[tuple[Items, np.ndarray]]) -> None:
        """Items in file order and their rows, int64[n], batch by batch."""
        for items, rows in batches:
            self.add(items, rows)
        self.settle()

    def add(self, items: Items, rows: np.ndarray) -> None:
        """The next batch of `fill`."""
        records, starts = self._run_of(items, rows)
        self._shelf.append(_RECORDS, records.view(np.uint8).data)
        at = int(self._index[-1, -1]) if len(self._index) else 0
        self._index = np.concatenate([self._index, [starts * RECORD_BYTES + at]])

    def settle(self) -> None:
        """There are no more."""
        self._shelf.replace(_INDEX, self._index.astype("<i8").tobytes())

    def _run_of(self, items: Items, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(records uint64[n, 3] sorted by part, where each part begins: int64[PARTS + 1])."""
        keys = _kernel.psi_keys(items.data, items.offsets, self._label, self._strong, self._threads)
        words = keys.view("<u8")
        part = (words[:, 0] % np.uint64(PARTS)).astype(np.uint16)
        order = np.argsort(part, kind="stable")
        records = np.empty((len(items), 3), "<u8")
        for k, column in enumerate((words[:, 0], words[:, 1], rows)):
            records[:, k] = column[order]
        return records, np.concatenate([[0], np.cumsum(np.bincount(part, minlength=PARTS))])

    def commit(self, salt: bytes) -> tuple[int, bytes]:
        """(how many distinct items there are, a commitment to them under `salt`)."""
        total, state = 0, hashlib.sha256(b"tacit set 1" + salt)
        for number in range(_PASSES):
            keys, rows = self.group(number, _PASSES)
            total += len(rows)
            state.update(len(rows).to_bytes(8, "little") + keys.tobytes() + rows.astype("<i8").tobytes())
        return total, state.digest()

    def group(self, number: int, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
        """(keys uint8[n, 16], rows int64[n]) of one of `n_groups`, which divide the parts evenly."""
        first, last = (PARTS // n_groups * (number + k) for k in (0, 1))
        pieces = [
            self._shelf.read(_RECORDS, int(run[first]), int(run[last] - run[first])) for run in self._index
        ]
        raw = np.concatenate([np.zeros(0, np.uint8), *pieces])
        if raw.size != int((self._index[:, last] - self._index[:, first]).sum()):
            raise damaged()
        records = raw.view("<u8").reshape(-1, 3)
        prefixes = np.sort(records[:, 0])
        if np.any(prefixes[1:] == prefixes[:-1]):
            offsets = np.arange(len(records) + 1, dtype=np.int64) * KEY_BYTES
            records = records[first_appearances(_keys(records).reshape(-1), offsets)]
        return _keys(records), records[:, 2].astype(np.int64)


def _keys(records: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(records[:, :2]).view(np.uint8)


def n_groups(n: int, memory_bytes: int, bytes_per_item: int) -> int:
    """The fewest groups, a power of two, of which one fits into memory. Raises LimitError PSI-0052."""
    count = 1
    while part_bound(n, count) * bytes_per_item > memory_bytes:
        count *= 2
        if count > PARTS:
            raise LimitError(
                "PSI-0052",
                f"a set of {n} items needs more than {memory_bytes >> 20} MiB of memory",
                hint="allow more with --memory, on this side",
            )
    return count


def damaged() -> UsageError:
    return UsageError(
        "PSI-0051",
        "what is kept of a set intersection that was cut is damaged",
        hint="delete its folder on both sides and start again",
    )
