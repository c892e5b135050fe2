"""A private join of tables larger than memory: read batch by batch, matched group by group, taken up again.

What is kept on the shelf: the keyed records and the state of `psi.buckets`; what the rules made of the keys;
which rows have none; then the result as rows, and last the mark that it is complete. From the mark on this
side needs nothing of the other, but the other may need this one until it has marked its own, which it tells
(`parted`). A side that is cut between its mark and this word meets the other once more, and if nobody comes
ends its run alone; after the word it ends alone at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from tacit.base.errors import LimitError
from tacit.base.prg import fresh_entropy
from tacit.frame.joinkeys import JoinKeys, Preflight
from tacit.psi.functionality import Items
from tacit.psi.spool import KEY_BYTES, Shelf, Spool, damaged
from tacit.run.job import Run
from tacit.tasks.join import Joined, Terms, agree_rows, lines, receivers_of, require_entitled

_COUNTS, _WITHOUT = "counts.json", "without"
_COMPLETE, _ROWS, _COMMON = "complete.json", "rows", "common"
_LEAST_RESERVE, _MOST_RESERVE = 1 << 28, 1 << 30
_BYTES_PER_ROW = 24
"""Of memory, for a row of the table or of the result, once groups are done."""


@dataclass(frozen=True, eq=False)
class Rows:
    """My table. `read`: its rows, batch by batch, at each call the same in the same order; `keys`: those of a
    batch; `mark`: names the table, so that a run does not go on with another one."""

    read: Callable[[], Iterator[pa.Table]]
    keys: Callable[[pa.Table], JoinKeys]
    mark: str


@dataclass(frozen=True, eq=False)
class StoredJoin:
    """One side's result; `groups` of parts, and the `attempts` that it took, each a query of both sets."""

    joined: Joined
    found: Preflight
    groups: int
    attempts: int


def memory_for_groups(memory_bytes: int) -> int:
    """What remains beside the interpreter and the reader of files. Raises LimitError PSI-0052."""
    reserve = min(max(_LEAST_RESERVE, memory_bytes // 2), _MOST_RESERVE)
    if memory_bytes <= reserve:
        raise LimitError(
            "PSI-0052",
            f"{memory_bytes >> 20} MiB of memory are too few",
            hint=f"allow more than {_LEAST_RESERVE >> 20} MiB with --memory, on this side",
        )
    return memory_bytes - reserve


def look_ahead(rows: Rows, shelf: Shelf) -> Preflight:
    """What the rules make of all keys; `shelf` is filled for it and cleared."""
    shelf.clear()
    spool = Spool(shelf, fresh_entropy(KEY_BYTES), strong=False)
    spool.fill(_batches(rows, shelf))
    found = _preflight(shelf, spool.commit(b"")[0])
    shelf.clear()
    return found


@dataclass(frozen=True, eq=False)
class Complete:
    """A result on the shelf, whose rows may be still to be written: what `account` said of it, rows and
    common of `Joined`, and whether the other side has told that it has its own."""

    account: dict[str, Any]
    rows: np.ndarray
    common: np.ndarray
    parted: bool


async def join_stored(
    run: Run,
    rows: Rows,
    shelf: Shelf,
    *,
    memory_bytes: int,
    threads: int = 1,
    account: Callable[[StoredJoin], Mapping[str, Any]] = lambda done: {},
) -> StoredJoin:
    """Run the join of `run.job`, or go on with the one that was cut. `account`: what is kept with the result.

    Raises as `Run.align_stored`, `require_entitled` and `memory_for_groups`; LimitError PSI-0052.
    """
    terms = Terms.of(run.job)
    require_entitled(terms, run.job.parties[run.me].name, False)
    found, groups = await run.align_stored(  # Step 1: which keys are common
        _batches(rows, shelf),
        shelf,
        memory_bytes=memory_for_groups(memory_bytes),
        table=rows.mark,
        receivers=receivers_of(run.job),
        threads=threads,
    )
    counts = _preflight(shelf, found.n_mine)
    without = shelf.read(_WITHOUT).view(np.int64)
    n_theirs_rows = await agree_rows(run, terms, found.n_mine + len(without))  # Step 2
    joined = Joined(None, None, 0, found.n_mine, found.n_theirs)
    if found.rows is not None:
        if (counts.rows + n_theirs_rows) * _BYTES_PER_ROW > memory_bytes:
            raise LimitError(
                "PSI-0052",
                f"the result of {counts.rows} rows needs more than {memory_bytes >> 20} MiB of memory",
                hint="allow more with --memory, on this side",
            )
        present = np.zeros(counts.rows, bool)
        present[without] = True
        for firsts in groups.first_rows():
            present[firsts] = True
        mine, common = lines(terms, run.me, found.rows, present, n_theirs_rows)
        joined = replace(joined, rows=mine, common=common, n_common=len(found.rows))
    shelf.replace(_ROWS, b"" if joined.rows is None else joined.rows.tobytes())
    shelf.replace(_COMMON, b"" if joined.common is None else joined.common.tobytes())
    done = StoredJoin(joined, counts, groups.groups, groups.attempts)
    kept = dict(account(done))
    _mark(shelf, kept, parted=False)
    await run.meet("ended")  # Step 3: from here on no side needs the other
    _mark(shelf, kept, parted=True)
    return done


def _mark(shelf: Shelf, account: dict[str, Any], *, parted: bool) -> None:
    """The rows are on the disk before it is."""
    shelf.replace(_COMPLETE, json.dumps({"account": account, "parted": parted}).encode())


def complete(shelf: Shelf) -> Complete | None:
    """The result of a run that has one. Raises UsageError PSI-0051."""
    text = shelf.read(_COMPLETE).tobytes()
    if not text:
        return None
    rows, common = shelf.read(_ROWS), shelf.read(_COMMON)
    try:
        kept = json.loads(text)
        result = Complete(kept["account"], rows.view(np.int64), common.view(bool), kept["parted"])
    except (ValueError, TypeError, KeyError):
        raise damaged() from None
    if not isinstance(result.account, dict) or len(result.rows) != len(result.common):
        raise damaged()
    return result


def _batches(rows: Rows, shelf: Shelf) -> Iterator[tuple[Items, np.ndarray]]:
    """The items of my table and their rows; leaves on `shelf` what the rules did to them."""
    first, counts = 0, Preflight()
    for table in rows.read():
        keys = rows.keys(table)
        shelf.append(_WITHOUT, (keys.without + first).tobytes())
        counts += keys.found
        yield Items(keys.data, keys.offsets), keys.rows + first
        first += table.num_rows
    shelf.replace(_COUNTS, json.dumps(counts.to_json()).encode())


def _preflight(shelf: Shelf, distinct: int) -> Preflight:
    """Of all batches together, in which a key may be repeated that is new in each of them."""
    try:
        counts = Preflight(**json.loads(shelf.read(_COUNTS).tobytes()))
    except (ValueError, TypeError):
        raise damaged() from None
    usable = counts.rows - counts.null - counts.empty
    return replace(counts, distinct=distinct, repeated=usable - distinct)
