"""`tacit.join` with a given memory: a private join in one process whose comparison goes through the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tacit.apps.cli.entries import parse_bytes
from tacit.tasks.join_tables import JoinedTables, Memory, join_tables
from tacit.trust.shelf import Shelf


def join(
    tables: Mapping[str, Any],
    key: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    how: str = "inner",
    *,
    memory: str | None = None,
    **options: Any,
) -> JoinedTables:
    """`tasks.join_tables.join_tables`, whose `options` these are.

    `memory`: what each party may use beside its table, for example "2GiB"; larger sets go through a folder
    for temporary data, which only this user may read. Raises as that function; UsageError CLI-0003 for what
    is no amount, LimitError PSI-0052 for too little.
    """
    if memory is None:
        return join_tables(tables, key, how, **options)
    n_bytes = parse_bytes(memory, "memory")
    with TemporaryDirectory(prefix="tacit-join-") as folder:
        shelves = {name: Shelf(Path(folder) / str(number)) for number, name in enumerate(tables)}
        return join_tables(tables, key, how, memory=Memory(n_bytes, shelves), **options)
