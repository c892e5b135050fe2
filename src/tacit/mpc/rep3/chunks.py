"""Long arrays in pieces that fit the cache and overlap computing with sending; at most `WINDOW` in flight."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np

from tacit.base.protocol import gather
from tacit.base.types import Shape
from tacit.mpc.rep3.share import n_words

CHUNK = 1 << 17
"""Elements per message; a multiple of 64."""
WINDOW = 8
"""Chunks in flight: with `CHUNK`, what bounds memory. Each further window costs its rounds again."""

Addends = tuple[np.ndarray, np.ndarray]


def pieces(n: int) -> list[slice]:
    """Slices that cover [0, n)."""
    return [slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK)]


def windows(n: int) -> int:
    """How often the rounds of one chunk are waited for."""
    return -(-len(pieces(n)) // WINDOW)


def words(n: int) -> int:
    """Words that a bit of each of n elements fills, chunk by chunk."""
    return sum(n_words(part.stop - part.start) for part in pieces(n))


async def in_chunks(
    n: int,
    dtype: type[np.generic],
    one: Callable[[slice], Coroutine[Any, Any, Addends]],
    tail: Shape = (),
    head: Shape = (),
) -> Addends:
    """This party's two addends [*head, n, *tail] of a result, from `one(part)` for every piece of n.

    `one` calls a protocol of the caller's scope before it waits for anything: calls start in the order of the
    pieces at every party, which fixes their names.
    """
    first, second = (np.empty((*head, n, *tail), dtype) for _ in range(2))
    whole = (slice(None),) * len(head)

    async def fill(part: slice) -> None:
        first[(*whole, part)], second[(*whole, part)] = await one(part)

    parts = pieces(n)
    for start in range(0, len(parts), WINDOW):
        await gather(*(fill(part) for part in parts[start : start + WINDOW]))
    return first, second
