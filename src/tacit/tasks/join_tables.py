"""A private join of tables in one process: for tests and notebooks, with the protocols of `tacit psi`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tacit.base.errors import UsageError
from tacit.frame.joinkeys import join_keys
from tacit.psi.choose import AUTO, Choice
from tacit.run.job import Job, PartyTerms, Report, Run
from tacit.run.secure import as_every_party
from tacit.tasks.join import BOTH, Terms, join, lines_of, require_entitled, require_no_flag, require_protocol


@dataclass(frozen=True, eq=False)
class JoinedTables:
    """Each party's part of a join: `joined["bank"]` is a table, None if it may not learn which are common."""

    tables: Mapping[str, pa.Table | None]
    reports: Mapping[str, Report]

    def __getitem__(self, name: str) -> pa.Table | None:
        return self.tables[name]

    @property
    def choice(self) -> Choice:
        """The protocol that ran, its predicted price, and why."""
        choice = next(iter(self.reports.values())).psi
        assert choice is not None
        return choice


def join_tables(
    tables: Mapping[str, Any],
    key: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    how: str = "inner",
    *,
    order: str | None = None,
    receivers: str | Sequence[str] = BOTH,
    protocol: str = AUTO,
    security: str = "semi-honest",
    trim: bool = True,
    case: str = "keep",
    duplicates: str = "first",
) -> JoinedTables:
    """Join the tables of two parties, the left one's first; `key`: its columns, by party if names differ.

    Tables are whatever `pyarrow.table` takes. Raises: UsageError JOIN-0002, JOIN-0003, as `join_keys`;
    PolicyError as `tasks.join.require_entitled`.
    """
    names = tuple(tables)
    keys_of = {name: _columns(key[name] if isinstance(key, Mapping) else key) for name in names}
    if len(names) != 2 or len({len(columns) for columns in keys_of.values()}) != 1:
        raise UsageError(
            "JOIN-0003",
            "a join is of two parties' tables, with as many key columns on both sides",
            hint='write join({"bank": left, "partner": right}, key="id")',
        )
    n_columns = len(keys_of[names[0]])
    terms = Terms.agreed(
        names, join=how, order=order, receivers=receivers, key_columns=n_columns, trim=trim, case=case
    )
    require_entitled(terms, terms.receivers[0] if terms.receivers else "", True)
    parties = tuple(PartyTerms(name, "", "", ()) for name in names)
    job = terms.job(Job("join", "psi", parties, {}, {}), protocol=protocol, security=security)
    require_protocol(job)
    held = [table if isinstance(table, pa.Table) else pa.table(table) for table in tables.values()]
    for table in held:
        require_no_flag(table.column_names, terms)
    keys = [
        join_keys(table, keys_of[name], terms.rules, duplicates=duplicates)
        for name, table in zip(names, held, strict=True)
    ]

    async def party(run: Run) -> pa.Table | None:
        joined = await join(run, keys[run.me])
        return None if joined.rows is None else lines_of(held[run.me], terms, joined)

    results = as_every_party(job, party)
    return JoinedTables(
        {name: table for name, (_, table) in zip(names, results, strict=True)},
        {name: run.report for name, (run, _) in zip(names, results, strict=True)},
    )


def _columns(key: str | Sequence[str]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else tuple(key)
