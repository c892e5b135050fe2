"""A small table looked up in a large one, again and again: the large side makes a table of its keys once.

One side, the receiver, is the client: it learns which of its keys the server has, and how many keys that has.
The server learns how many keys are asked, and counts them against the client's budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.errors import PeerError
from tacit.frame.joinkeys import JoinKeys
from tacit.psi import choose
from tacit.psi.functionality import Items
from tacit.psi.price import UNBALANCED, price
from tacit.psi.unbalanced import publish, table
from tacit.psi.unbalanced.voprf_jkk14 import Client, Server, look_up
from tacit.run.gate.sets import Query
from tacit.run.job import Run
from tacit.tasks.join import Joined, Terms, lines

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]


@dataclass(frozen=True, eq=False)
class Published:
    """What a server has: its key, the current file of its table and the set it was made of, and who counts
    what is asked."""

    key: bytes
    file: bytes
    items: Items
    charge: Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Asking:
    """What a client has: the file that it fetched last, how to tell the server's signature, where to keep a
    new one."""

    held: bytes
    verify: Verify
    keep: Callable[[bytes], None]


@dataclass(frozen=True, eq=False)
class LookedUp:
    """One side's result, and what the table's version declares."""

    joined: Joined
    version: dict[str, Any]


async def ask(run: Run, keys: JoinKeys, asking: Asking, *, threads: int = 1) -> LookedUp:
    """At the client. Raises PeerError PSI-0011 for a table that is none, older than the one that it held, or
    not the one that was judged, PSI-0014; PolicyError POLICY-0006; what the server raises ends the run."""
    terms, client = Terms.of(run.job), run.job.parties[run.me].name
    judged = await run.admit(Query.of_rows((run.me,), "lookup"), Items(keys.data, keys.offsets))
    with run.step("table") as ctx:
        file = await publish.fetch(ctx, asking.held)
        held = table.load(file, asking.verify)
        if judged is not None and judged.table != _named(held):
            raise PeerError(
                "PSI-0011",
                "the table is not the one that the project's ledger names",
                hint="ask the server's operator which table is the current one",
            )
        if asking.held and file != asking.held:
            _require_newer(table.load(asking.held, asking.verify), held)
        asking.keep(file)
    with run.step("psi") as ctx:
        _predict(run, (len(keys), held.header.items), threads)
        found = await look_up(ctx, Client(Items(keys.data, keys.offsets), held, threads))
        assert found is not None
    _write_down(run, client, int(found.sum()))
    present = np.zeros(keys.found.rows, bool)
    present[keys.rows] = present[keys.without] = True
    rows, common = lines(terms, run.me, keys.rows[found], present, 0)
    joined = Joined(rows, common, int(found.sum()), len(keys), held.header.items)
    return LookedUp(joined, _declared(held))


async def answer(run: Run, published: Published, *, threads: int = 1) -> LookedUp:
    """At the server. Raises LimitError PSI-0012 for a client that asks too much, before it is answered;
    PolicyError POLICY-0006."""
    client = run.job.parties[1 - run.me].name
    mine = table.load(published.file, lambda signature, content: True)
    await run.admit(Query.of_rows((1 - run.me,), "lookup"), published.items, table=_named(mine))
    asked = 0

    def charge(n: int) -> None:
        nonlocal asked
        published.charge(n)
        asked = n
        _predict(run, (n, len(published.items)), threads)

    with run.step("table") as ctx:
        await publish.publish(ctx, published.file)
    with run.step("psi") as ctx:
        digest = publish.digest_of(published.file)
        await look_up(ctx, Server(published.key, digest, charge, threads))
    _write_down(run, client, 0)
    return LookedUp(Joined(None, None, 0, len(published.items), asked), _declared(mine))


def _write_down(run: Run, client: str, n_common: int) -> None:
    """What each side learns: the client's size and which table it had; the version; the common ids."""
    run.reveal(f"size.{client}", "all", 1)
    run.reveal("table", "all", 1)
    run.reveal("version", client, 1)
    run.reveal("intersection", client, n_common)


def _predict(run: Run, sizes: tuple[int, int], threads: int) -> None:
    cost = price(UNBALANCED, sizes, run.job.link, receivers=1, threads=threads)
    run.report.psi = choose.Choice(UNBALANCED, cost, "asked", {})


def _require_newer(old: table.Table, new: table.Table) -> None:
    """Under one key versions only go up: a client is not given an old set again."""
    same_key = old.header.commitment == new.header.commitment
    if same_key and new.header.version <= old.header.version:
        raise PeerError(
            "PSI-0011",
            f"the table is of version {new.header.version}, after one of version {old.header.version}",
            hint="ask the server's operator which table is the current one",
        )


def _named(held: table.Table) -> str:
    """For the ledger: which version of which table."""
    return f"version {held.header.version} of {held.header.commitment}"


def _declared(held: table.Table) -> dict[str, Any]:
    header = held.header
    return {
        "version": header.version,
        "items": header.items,
        "queries": header.queries,
        "changes": None if header.changes is None else list(header.changes),
        "commitment": header.commitment,
    }


def once(keys: JoinKeys, coins: bytes, *, threads: int = 1) -> Published:
    """A table for one run in one process, which nobody signs. `coins`: 64 bytes."""
    key = table.new_key(coins)
    items = Items(keys.data, keys.offsets)
    tags = table.evaluate(items, key, threads=threads)
    file = table.build(tags, key, lambda digest: bytes(table.SIGNATURE_BYTES), version=1, queries=1 << 24)
    return Published(key, file, items, lambda n: None)
