"""What may be opened of a hidden intersection instead of its items: count, sums, whether it is large enough.

All of it is computed on the shares that `circuit_psty19.intersect` gives, in the setting of their scheme;
only what a function returns is opened, under the name by which the step must declare it. A count, a sum and
the answer to a threshold are reveals like any other: two runs with sets that differ in one item tell whether
that item is common.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.protocol import gather
from tacit.mpc.openings import reveal_declared
from tacit.mpc.semi2k import Semi2k
from tacit.mpc.semi2k.share import Semi2kShare
from tacit.psi.circuit_psty19 import LARGEST_SET, RECEIVER, Members

COUNT, SUMS, ENOUGH, MEMBERS = "count", "sums", "enough", "intersection"
"""What is opened is called; `MEMBERS` goes to the receiver alone, the rest to both."""


async def count_and_sums(ctx: Ctx, scheme: Semi2k, found: Members) -> tuple[int, np.ndarray]:
    """To both parties, how many are common and uint64[c], the sums of their payload mod 2^64."""
    count, sums = await _count(ctx, scheme, found), found.payload.map(_total)
    openings = [reveal_declared(ctx, scheme, COUNT, count)]
    if sums.data.size:
        openings.append(reveal_declared(ctx, scheme, SUMS, sums))
    opened = await gather(*openings)
    return int(opened[0]), opened[1] if sums.data.size else np.zeros(0, np.uint64)


async def sums_if_at_least(
    ctx: Ctx, scheme: Semi2k, found: Members, threshold: int
) -> tuple[int, np.ndarray] | None:
    """As `at_least`; if they are enough, `count_and_sums` besides, else None. Raises UsageError PSI-0031."""
    enough = await at_least(ctx, scheme, found, threshold)
    return await count_and_sums(ctx, scheme, found) if enough else None


async def at_least(ctx: Ctx, scheme: Semi2k, found: Members, threshold: int) -> bool:
    """To both parties, whether `threshold` items or more are common: one bit, not how many.

    Raises UsageError PSI-0031 for a threshold that is always or never met.
    """
    if not 1 <= threshold <= LARGEST_SET:
        raise UsageError(
            "PSI-0031",
            f"a threshold of {threshold} common items says nothing",
            hint=f"give a number from 1 to {LARGEST_SET}",
        )
    count = await _count(ctx, scheme, found)
    least = scheme.constant(ctx, np.array(-threshold).astype(np.uint64))
    below = await reveal_declared(ctx, scheme, ENOUGH, await scheme.msb(ctx, scheme.add(count, least)))
    assert below is not None
    return not below


async def items_if_at_least(
    ctx: Ctx, scheme: Semi2k, found: Members, threshold: int
) -> tuple[bool, np.ndarray | None]:
    """As `at_least`; if they are enough, the receiver also learns which of its items: int64[m], in its order.

    Raises UsageError PSI-0031.
    """
    enough = await at_least(ctx, scheme, found, threshold)
    if not enough:
        return enough, None
    member = await reveal_declared(ctx, scheme, MEMBERS, found.member, to=RECEIVER)
    if member is None or found.bins is None:
        return enough, None
    return enough, np.sort(found.bins[(member == 1) & (found.bins >= 0)])


async def _count(ctx: Ctx, scheme: Semi2k, found: Members) -> Semi2kShare:
    flags = cast(Semi2kShare, await scheme.b2a(ctx, found.member))
    return flags.map(_total)


def _total(share: np.ndarray) -> np.ndarray:
    return np.asarray(share.sum(axis=-1, dtype=np.uint64))
