"""Joins of tables whose keys come again: a line for every pair of rows with equal keys, as in SQL.

In the joint order both sides learn how often each common key comes on the other side: they must, for their
lines to be as many. In the order of the file each side has all its rows of common keys, and nothing more is
told.
"""

from __future__ import annotations

import numpy as np

from tacit.base.errors import LimitError, PeerError
from tacit.base.wire import Ring
from tacit.frame.joinkeys import JoinKeys
from tacit.run.job import Run

LEFT = 0
MOST_LINES = 1 << 30


async def exchange_counts(run: Run, mine: np.ndarray) -> np.ndarray:
    """The peer's: how often each common key comes there, int64[m], in the joint order.

    Raises PeerError PEER-0001 for counts that cannot be, LimitError PSI-0003 for too many lines.
    """
    with run.step("counts") as ctx:
        message = Ring(mine.astype(np.uint64))
        theirs = (await ctx.exchange(ctx.peer, ctx.peer, message, shape=mine.shape)).array
    run.reveal("counts", "all", len(mine))
    if len(theirs) and (theirs.min() < 1 or theirs.max() > MOST_LINES):
        raise PeerError("PEER-0001", "message refused: a common key comes at least once")
    if float(mine.astype(np.float64) @ theirs.astype(np.float64)) > MOST_LINES:
        raise LimitError("PSI-0003", "repeated keys would make more than 2^30 lines")
    return theirs.astype(np.int64)


def members_of(keys: JoinKeys, matched: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(my rows of common keys, key by key in the joint order; how many of each; my rows of other keys and of
    none, ascending). `matched`: numbers of my common keys in the joint order."""
    assert keys.members is not None
    place = np.full(len(keys), -1, np.int64)
    place[matched] = np.arange(len(matched))
    rows, at = keys.members[0], place[keys.members[1]]
    common = np.flatnonzero(at >= 0)
    order = common[np.argsort(at[common], kind="stable")]
    alone = np.sort(np.concatenate([rows[at < 0], keys.without]))
    return rows[order], np.bincount(at[common], minlength=len(matched)), alone


def pair_up(me: int, rows: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """My row in each line: for every key the left side's rows one after the other, each with all the right
    side's. `rows`: key by key, `mine` of each; `theirs`: how often the key comes there."""
    lines = mine * theirs
    key = np.repeat(np.arange(len(lines)), lines)
    within = np.arange(len(key)) - np.repeat(np.cumsum(lines) - lines, lines)
    member = within // theirs[key] if me == LEFT else within % mine[key]
    return np.asarray(rows[np.repeat(np.cumsum(mine) - mine, lines) + member])
