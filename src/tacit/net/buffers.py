"""Memory for long bodies, used again when its last reader has let go.

Fresh pages cost more than the decryption that fills them; the allocator returns large blocks to the
system at once, so without this every long frame would pay for its pages again.
"""

from __future__ import annotations

import weakref
from collections import deque

import numpy as np

REUSE_FROM_BYTES = 128 << 10
KEPT_LIMIT_BYTES = 512 << 20


class Buffers:
    """Gives out byte arrays; keeps at most `KEPT_LIMIT_BYTES` that nobody uses. `take` is for one thread."""

    def __init__(self) -> None:
        # Finalisers only append, from whatever thread and at whatever moment; only `take` removes.
        self._kept: deque[np.ndarray] = deque()

    def take(self, n_bytes: int) -> memoryview:
        """`n_bytes` of writable memory with any content; goes back when all views of it are gone."""
        if n_bytes < REUSE_FROM_BYTES:
            return np.empty(n_bytes, dtype=np.uint8).data
        memory = self._find(n_bytes)
        if memory is None:
            memory = np.empty(n_bytes, dtype=np.uint8)
        lent = memory[:n_bytes]
        weakref.finalize(lent, self._take_back, memory).atexit = False
        return lent.data

    def _find(self, n_bytes: int) -> np.ndarray | None:
        for _ in range(len(self._kept)):
            memory = self._kept.popleft()
            if n_bytes <= memory.nbytes <= 2 * n_bytes:
                return memory
            self._kept.append(memory)
        if self._kept:
            self._kept.popleft()  # nothing fits: sizes have changed, so the old ones make room bit by bit
        return None

    def _take_back(self, memory: np.ndarray) -> None:
        kept_bytes = sum(kept.nbytes for kept in self._kept.copy())
        if kept_bytes + memory.nbytes <= KEPT_LIMIT_BYTES:
            self._kept.append(memory)
