"""`tacit.join` with a given memory: a private join in one process whose comparison goes through the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tacit.apps.cli.entries import parse_bytes
from tacit.base.errors import PeerError
from tacit.tasks.join import senseless
from tacit.tasks.join_tables import JoinedTables, Memory, join_tables
from tacit.trust.shelf import Shelf


def join(
    tables: Mapping[str, Any],
    key: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    how: str = "inner",
    *,
    memory: str | None = None,
    folder: str | Path | None = None,
    **options: Any,
) -> JoinedTables:
    """`tasks.join_tables.join_tables`, whose `options` these are.

    `memory`: what each party may use beside its table, for example "2GiB"; larger sets go through a folder
    for temporary data, which only this user may read. `folder`: the one to use, which then outlives a kill:
    the same call goes on with what is in it, and removes it at the end. Without one a cut join begins anew.

    Raises as that function; UsageError CLI-0003 for what is no amount, JOIN-0002 for a folder without memory,
    PSI-0053 for a folder of another join, VAULT-0007 for one in use; LimitError PSI-0052 for too little.
    """
    if memory is None:
        if folder is not None:
            raise senseless("folder", "left out without memory: nothing would be kept in it")
        return join_tables(tables, key, how, **options)
    n_bytes = parse_bytes(memory, "memory")
    if folder is None:
        with TemporaryDirectory(prefix="tacit-join-") as temporary:
            limits = Memory(n_bytes, _shelves(tables, Path(temporary)))
            return join_tables(tables, key, how, memory=limits, **options)
    shelves = _shelves(tables, Path(folder))
    limits = Memory(n_bytes, shelves, kept=True)
    with ExitStack() as held:
        for shelf in shelves.values():
            held.enter_context(shelf.held())
        try:
            joined = join_tables(tables, key, how, memory=limits, **options)
        except PeerError as error:
            if error.code != "PSI-0055":
                raise
            # Killed when one side alone had written down its start. Both are this process's own.
            for shelf in shelves.values():
                shelf.clear()
            joined = join_tables(tables, key, how, memory=limits, **options)
        for shelf in shelves.values():
            shelf.remove()
    with suppress(OSError):  # It may hold what is not ours.
        Path(folder).rmdir()
    return joined


def _shelves(tables: Mapping[str, Any], folder: Path) -> dict[str, Shelf]:
    return {name: Shelf(folder / f"side{number}") for number, name in enumerate(tables)}
