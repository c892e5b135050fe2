"""Memory of long bodies is used again, but never while somebody can still see it."""

from __future__ import annotations

import numpy as np

from tacit.net.buffers import KEPT_LIMIT_BYTES, Buffers

SIZE = 2 << 20


def address(view: memoryview) -> int:
    return int(np.frombuffer(view, np.uint8).ctypes.data)


def test_memory_comes_back_only_when_all_views_are_gone() -> None:
    buffers = Buffers()
    body = buffers.take(SIZE)
    where = address(body)
    array = np.frombuffer(body.toreadonly(), np.uint64)[5:]
    del body
    other = buffers.take(SIZE)
    assert address(other) != where
    del array
    again = buffers.take(SIZE - 100)
    assert address(again) == where
    assert len(again) == SIZE - 100


def test_what_is_kept_is_bounded() -> None:
    buffers = Buffers()
    size = KEPT_LIMIT_BYTES // 4
    lent = [buffers.take(size) for _ in range(7)]
    lent.clear()
    assert sum(kept.nbytes for kept in buffers._kept) <= KEPT_LIMIT_BYTES
    held = [buffers.take(SIZE) for _ in range(4)]  # too small for what is kept, which makes room
    assert len(held) == 4
    assert not buffers._kept


def test_short_bodies_are_not_kept() -> None:
    buffers = Buffers()
    assert len(buffers.take(0)) == 0
    assert len(buffers.take(4096)) == 4096
    assert not buffers._kept
