"""A private join of tables in one process: for tests and notebooks, with the protocols of `tacit psi`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from tacit.base.errors import UsageError
from tacit.base.prg import fresh_entropy
from tacit.frame.joinkeys import JoinKeys, KeyRules, join_keys
from tacit.psi.choose import AUTO, Choice
from tacit.psi.price import UNBALANCED
from tacit.psi.spool import Shelf
from tacit.psi.star_kmprt17 import MOST_PARTIES
from tacit.run.job import Job, PartyTerms, Report, Run
from tacit.run.secure import as_every_party
from tacit.tasks import lookup
from tacit.tasks.join import (
    BOTH,
    Terms,
    join,
    lines_of,
    require_entitled,
    require_no_flag,
    require_protocol,
    senseless,
)
from tacit.tasks.join_stored import Rows, join_stored
from tacit.tasks.overlap import LEFT, RIGHT, Question, ask, compute

T = TypeVar("T")
_BATCH_ROWS = 1 << 20


@dataclass(frozen=True, eq=False)
class JoinedTables:
    """Each party's part of a join: `joined["bank"]` is a table, None if it may not learn which are common.

    `told`: what both learned instead, "count", "sums", "enough", or the results of a function.
    """

    tables: Mapping[str, pa.Table | None]
    reports: Mapping[str, Report]
    told: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> pa.Table | None:
        return self.tables[name]

    @property
    def choice(self) -> Choice | None:
        """The protocol that ran, its predicted price, and why."""
        return next(iter(self.reports.values())).psi


@dataclass(frozen=True, eq=False)
class Memory:
    """How much each party may use, and by party where the rest goes. `kept`: a run that was cut goes on."""

    n_bytes: int
    shelves: Mapping[str, Shelf]
    kept: bool = False


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
    memory: Memory | None = None,
) -> JoinedTables:
    """Join the tables of two parties, the left one's first; `key`: its columns, by party if names differ.
    Of three to ten parties, what all of them have. `duplicates`: of rows with one key keep the "first",
    "refuse" them, or join "all", a line for every pair. `memory`: the comparison goes through the disk.

    Tables are whatever `pyarrow.table` takes. Raises: UsageError JOIN-0002, JOIN-0003, as `join_keys`;
    PolicyError as `tasks.join.require_entitled`.
    """
    both = _Tables.of(tables, key, MOST_PARTIES)
    terms = Terms.agreed(
        both.names,
        join=how,
        order=order,
        receivers=receivers,
        key_columns=both.n_columns,
        trim=trim,
        case=case,
        duplicates=duplicates,
        stored=memory is not None,
    )
    require_entitled(terms, terms.receivers[0] if terms.receivers else "", True)
    job = terms.job(both.job(), protocol=protocol, security=security)
    require_protocol(job)
    for table in both.tables:
        require_no_flag(table.column_names, terms)
    keys = [] if memory is not None else both.keys(terms.rules, duplicates)

    client = job.party(terms.receivers[0])
    table = lookup.once(keys[1 - client], fresh_entropy(64)) if job.psi == UNBALANCED else None

    async def party(run: Run) -> pa.Table | None:
        if memory is not None:
            rows = both.rows(run.me, terms.rules, marked=memory.kept)
            shelf = memory.shelves[both.names[run.me]]
            joined = (await join_stored(run, rows, shelf, memory_bytes=memory.n_bytes)).joined
        elif table is None:
            joined = await join(run, keys[run.me])
        elif run.me == client:
            asking = lookup.Asking(b"", lambda signature, digest: True, lambda file: None)
            joined = (await lookup.ask(run, keys[run.me], asking)).joined
        else:
            joined = (await lookup.answer(run, table)).joined
        return None if joined.rows is None else lines_of(both.tables[run.me], terms, joined)

    results = as_every_party(job, party)
    return JoinedTables(
        both.named(table for _, table in results), both.named(run.report for run, _ in results)
    )


def overlap(
    tables: Mapping[str, Any],
    key: str | Sequence[str] | Mapping[str, str | Sequence[str]],
    tell: str | Callable[..., Any] = "count",
    *,
    columns: str | Sequence[str] | Mapping[str, Sequence[str]] = (),
    at_least: int = 0,
    security: str = "semi-honest",
    trim: bool = True,
    case: str = "keep",
    duplicates: str = "first",
) -> JoinedTables:
    """What two tables have in common, without telling which rows.

    `tell`: "count"; "sum" of the second party's `columns`, over the common keys, with `at_least` only if
    there are so many; "enough", whether there are; "rows-if-enough", the first party's common rows, to it
    alone, if there are. Or a function, to which membership and `columns`, by party, come on shares, as
    `tasks.overlap.compute` says:

        tacit.overlap(tables, "id", lambda common, spend: xp.sum(spend), columns={"partner": ["spend"]})

    Raises: UsageError JOIN-0002, JOIN-0003, as `join_keys` and `tasks.overlap.ask`; UnsupportedError
    SCHEME-0002 for a level of security that there is not.
    """
    both = _Tables.of(tables, key, 2)
    rules: dict[str, Any] = {"key_columns": both.n_columns, "trim": trim, "case": case}
    if callable(tell):
        named = columns if isinstance(columns, Mapping) else {both.names[RIGHT]: _columns(columns)}
        if not named.keys() <= set(both.names):
            raise senseless("columns", f"named by party: {' and '.join(both.names)}")
        question, function = Question.agreed(tell="count", **rules), tell
        pair = tuple(named.get(both.names[LEFT], ())), tuple(named.get(both.names[RIGHT], ()))
    else:
        if isinstance(columns, Mapping):
            raise senseless("columns", f"a list of columns of {both.names[RIGHT]!r}")
        question, function = Question.agreed(tell=tell, columns=columns, at_least=at_least, **rules), None
    if duplicates == "all":
        raise senseless("duplicates", "first or refuse, where no rows are told")
    keys = both.keys(question.rules, duplicates)

    async def party(run: Run) -> tuple[pa.Table | None, dict[str, Any]]:
        table = both.tables[run.me]
        if function is not None:
            return None, await compute(run, keys[run.me], table, pair, function, "overlap")
        answer = await ask(run, keys[run.me], table)
        return None if answer.rows is None else table.take(pa.array(answer.rows)), answer.told

    results = as_every_party(question.job(both.job(), security=security), party)
    return JoinedTables(
        both.named(table for _, (table, _) in results),
        both.named(run.report for run, _ in results),
        results[0][1][1],
    )


@dataclass(frozen=True, eq=False)
class _Tables:
    """Two parties' tables and their key columns."""

    names: tuple[str, ...]
    tables: list[pa.Table]
    columns: list[tuple[str, ...]]

    @staticmethod
    def of(
        tables: Mapping[str, Any], key: str | Sequence[str] | Mapping[str, str | Sequence[str]], most: int
    ) -> _Tables:
        """Raises UsageError JOIN-0003 for more than `most` parties, or key columns that do not fit."""
        names = tuple(tables)
        columns = [_columns(key[name] if isinstance(key, Mapping) else key) for name in names]
        if not 2 <= len(names) <= most or len({len(one) for one in columns}) != 1:
            raise UsageError(
                "JOIN-0003",
                f"this is for 2 to {most} parties' tables, all with as many key columns",
                hint='write join({"bank": left, "partner": right}, key="id")',
            )
        held = [table if isinstance(table, pa.Table) else pa.table(table) for table in tables.values()]
        return _Tables(names, held, columns)

    @property
    def n_columns(self) -> int:
        return len(self.columns[0])

    def job(self) -> Job:
        return Job("join", "psi", tuple(PartyTerms(name, "", "", ()) for name in self.names), {}, {})

    def keys(self, rules: KeyRules, duplicates: str) -> list[JoinKeys]:
        return [
            join_keys(table, columns, rules, duplicates=duplicates)
            for table, columns in zip(self.tables, self.columns, strict=True)
        ]

    def rows(self, number: int, rules: KeyRules, *, marked: bool) -> Rows:
        """One party's, as a join through the disk reads them; `marked`: known again by what its keys are."""
        table, columns = self.tables[number], list(self.columns[number])

        def read() -> Iterator[pa.Table]:
            for start in range(0, table.num_rows, _BATCH_ROWS):
                yield table.slice(start, _BATCH_ROWS)

        def keys(part: pa.Table) -> JoinKeys:
            return join_keys(part, columns, rules)

        mark = hashlib.sha256()
        if marked:
            for found in map(keys, read()):
                for array in (found.data, found.offsets, found.rows, found.without):
                    mark.update(np.ascontiguousarray(array).data)
        return Rows(read, keys, mark.hexdigest())

    def named(self, values: Iterable[T]) -> dict[str, T]:
        return dict(zip(self.names, values, strict=True))


def _columns(key: str | Sequence[str]) -> tuple[str, ...]:
    return (key,) if isinstance(key, str) else tuple(key)
