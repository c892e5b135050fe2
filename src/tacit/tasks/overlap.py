"""What two tables have in common without telling which rows: a count, sums, whether it is enough; or
whatever a program makes of it.

The first party of the job is the left side. Membership and the right side's columns stay on shares
(`psi.circuit_psty19`). What is opened is the answer, to both sides, and where the question says so, once
there are enough, the left side's common rows, to the left side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tacit.base.errors import PeerError, PolicyError, UsageError
from tacit.base.types import BOOL, FIXED, INT, DType, Private, Secret, Type
from tacit.compile.array import trace
from tacit.frame.columns import flat, require_columns
from tacit.frame.joinkeys import JoinKeys, KeyRules
from tacit.ir.program import Program
from tacit.mpc.encode import decode, encode
from tacit.mpc.scheme import Share, find
from tacit.mpc.semi2k import Semi2k
from tacit.mpc.semi2k.share import Semi2kShare
from tacit.psi.aggregates import (
    COUNT,
    ENOUGH,
    MEMBERS,
    SUMS,
    at_least,
    count_and_sums,
    items_if_at_least,
    sums_if_at_least,
)
from tacit.psi.circuit_psty19 import LARGEST_SET, Members
from tacit.psi.functionality import Items
from tacit.psi.price import Told
from tacit.run.compiled import compiled
from tacit.run.gate.ledger import COMMON
from tacit.run.gate.sets import Query
from tacit.run.job import NO_PSI, Job, PartyTerms, Run
from tacit.run.policy import ALL, Grant, Policy
from tacit.run.project import Hidden
from tacit.run.secure import revealing
from tacit.tasks.join import senseless

Tell = Literal["count", "sum", "enough", "rows-if-enough"]
TELL: tuple[Tell, ...] = ("count", "sum", "enough", "rows-if-enough")
LEFT, RIGHT = 0, 1
_KINDS = {"int": INT, "fixed": FIXED}
_LARGEST_SUM = float(1 << 62)


@dataclass(frozen=True)
class Question:
    """What both sides agree to learn. `columns`: of the right side's table, those that are summed."""

    tell: Tell
    columns: tuple[str, ...]
    at_least: int
    key_columns: int
    rules: KeyRules

    @property
    def told(self) -> Told:
        """For the price: a count or sums that hang on a threshold cost what the threshold does."""
        return "enough" if self.tell in ("count", "sum") and self.at_least else self.tell

    @staticmethod
    def of(job: Job) -> Question:
        options = job.options
        rules = KeyRules(options["trim"], options["case"], options["rules"])
        return Question(
            options["tell"], tuple(options["columns"]), options["at_least"], options["key_columns"], rules
        )

    @staticmethod
    def agreed(
        *,
        tell: Any,
        columns: Any = (),
        at_least: Any = 0,
        key_columns: int = 1,
        trim: bool = True,
        case: Any = "keep",
    ) -> Question:
        """What people write, checked. Raises UsageError JOIN-0002 for what makes no sense."""
        if tell not in TELL:
            raise senseless("tell", f"rows or {' or '.join(TELL)}")
        names = [columns] if isinstance(columns, str) else list(columns)
        if bool(names) != (tell == "sum") or len(set(names)) != len(names):
            raise senseless("sum", "columns of the second party, for a sum and for nothing else")
        limited = tell in ("enough", "rows-if-enough")
        whole = isinstance(at_least, int) and not isinstance(at_least, bool)
        most = 0 if tell == "count" else LARGEST_SET
        if not whole or not (1 if limited else 0) <= at_least <= most:
            raise senseless(
                "at_least",
                f"1 to {LARGEST_SET}, to learn whether it is enough, or sums if it is, and for nothing else",
            )
        return Question(tell, tuple(names), at_least, key_columns, KeyRules(trim, case))

    def query(self) -> Query:
        """What it tells whom, for a project's ledger."""
        rows_to = (LEFT,) if self.tell == "rows-if-enough" else ()
        sums = tuple((name, "") for name in self.columns)
        return Query(self.tell, (LEFT, RIGHT), rows_to, sums, self.at_least)

    def opens(self) -> Policy:
        """What may be opened for it, outside of programs."""
        names = {"count": [COUNT], "sum": [COUNT, SUMS]}.get(self.tell, [])
        both = [*names, ENOUGH] if self.at_least else names
        alone = [Grant(MEMBERS, (LEFT,))] if self.tell == "rows-if-enough" else []
        return (*(Grant(name, ALL) for name in both), *alone)

    def job(self, job: Job, *, security: str = "semi-honest") -> Job:
        """`job` as one of this question. Raises UnsupportedError SCHEME-0002 for a level there is not."""
        parties = tuple(PartyTerms(terms.name, terms.certificate_sha256, "", ()) for terms in job.parties)
        find(Semi2k.name, security)
        options = {
            "tell": self.tell,
            "columns": list(self.columns),
            "at_least": self.at_least,
            "key_columns": self.key_columns,
            "trim": self.rules.trim,
            "case": self.rules.case,
            "rules": self.rules.version,
        }
        to = "all" if self.tell != "rows-if-enough" else parties[LEFT].name
        return replace(
            job,
            task="psi",
            parties=parties,
            options=options,
            reveals={"overlap": to},
            scheme=Semi2k.name,
            security=security,
            psi=NO_PSI,
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """What one side learned; None: not asked for, or not for this side. `rows`: of its table, ascending."""

    n_mine: int
    n_theirs: int
    count: int | None = None
    sums: Mapping[str, float | int] | None = None
    enough: bool | None = None
    rows: np.ndarray | None = None

    @property
    def told(self) -> dict[str, Any]:
        """What both sides learned."""
        told = {"count": self.count, "sums": self.sums, "enough": self.enough}
        return {name: value for name, value in told.items() if value is not None}


def require_entitled(question: Question, job: Job, party: str, wants_rows: bool) -> None:
    """Raises PolicyError POLICY-0007 for rows that `party` may not learn."""
    first = job.parties[LEFT].name
    if wants_rows and (question.tell != "rows-if-enough" or party != first):
        raise PolicyError(
            "POLICY-0007",
            f"{party!r} asks for rows, which this job tells " + ("nobody" if party == first else "it not"),
            hint=f"leave out --out; or agree on --tell rows, or, for {first!r}, on --tell rows-if-enough",
        )


def numbers(table: pa.Table, name: str) -> tuple[np.ndarray, DType]:
    """A column to compute on: int64 or float64. Raises UsageError DATA-0005, JOIN-0005."""
    require_columns(table.column_names, [name], "the table")
    column = flat(table[name])
    kind = column.type
    whole = pa.types.is_integer(kind)
    if column.null_count or not (whole or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise UsageError(
            "JOIN-0005",
            f"column {name!r} cannot be computed on: type {kind}, {column.null_count} values missing",
            hint="it must be of numbers, one for every row; fill in what is missing",
        )
    values = column.cast(pa.int64() if whole else pa.float64()).to_numpy(zero_copy_only=False)
    return values, INT if whole else FIXED


async def ask(run: Run, keys: JoinKeys, table: pa.Table, *, threads: int = 1) -> Answer:
    """Run the question of `run.job`. Raises as `Run.align_hidden` and `numbers`; UsageError RANGE-0002 for
    sums that do not fit."""
    question = Question.of(run.job)
    query = question.query()
    found, kinds = await _hidden(run, keys, table, question.columns, threads, query, question.told)
    sizes = found.sizes
    pair = (sizes.n_receiver, sizes.n_sender)
    answer = Answer(pair[run.me], pair[1 - run.me])
    scheme = run.scheme
    assert isinstance(scheme, Semi2k)
    with run.step("overlap", question.opens()) as ctx:
        if question.tell == "enough":
            return replace(answer, enough=await at_least(ctx, scheme, found, question.at_least))
        if question.tell == "rows-if-enough":
            enough, items = await items_if_at_least(ctx, scheme, found, question.at_least)
            return replace(answer, enough=enough, rows=None if items is None else np.sort(keys.rows[items]))
        if question.at_least:
            opened = await sums_if_at_least(ctx, scheme, found, question.at_least)
            answer = replace(answer, enough=opened is not None)
        else:
            opened = await count_and_sums(ctx, scheme, found)
        if opened is None:
            return answer
        count, sums = opened
        plain = [decode(one, _KINDS[kind]).item() for one, kind in zip(sums, kinds, strict=True)]
        named = dict(zip(question.columns, plain, strict=True)) if question.tell == "sum" else None
        return replace(answer, count=count, sums=named)


async def compute(
    run: Run,
    keys: JoinKeys,
    table: pa.Table,
    columns: tuple[Sequence[str], Sequence[str]],
    function: Callable[..., Any],
    name: str,
) -> dict[str, Any]:
    """What `function` makes of the hidden intersection, told to both sides; nothing else is.

    It gets, line by line of a table that has a line for every common key and others: whether the line is
    `common`, then the left side's columns of `columns`, there whether it is or not, and the right side's, 0
    where it is not. Lines are in no file's order. Raises as `ask`, and what compiling the function raises.
    """
    found, kinds = await _hidden(run, keys, table, columns[RIGHT], 1)
    documents = await run.agree("types", {"mine": _kinds(table, columns[run.me])})
    left = _known(documents[LEFT].get("mine"), len(columns[LEFT]))
    m = found.sizes.bins
    inputs: list[tuple[str, Type]] = [(COMMON, Type(Secret(), BOOL, (m,)))]
    data: dict[str, np.ndarray | Share | None] = {COMMON: found.member}
    for k, kind in enumerate(left):
        inputs.append((f"left{k}", Type(Private(LEFT), _KINDS[kind], (m,))))
        data[f"left{k}"] = _lined_up(keys, table, columns[LEFT][k], found) if run.me == LEFT else None
    for k, kind in enumerate(kinds):
        inputs.append((f"right{k}", Type(Secret(), _KINDS[kind], (m,))))
        data[f"right{k}"] = Semi2kShare(np.ascontiguousarray(found.payload.data[k]))
    program = compiled(revealing(function, name, []), inputs, name, Semi2k.name)
    if run.me == RIGHT:
        _require_in_range(program, table, columns[RIGHT])
    hidden = None
    if run.project is not None:
        # For the gate, membership belongs to whoever does not look.
        hidden = Hidden.of(
            lambda kinds: trace(revealing(function, name, []), [*kinds.items()], name),
            dict(inputs),
            Items(keys.data, keys.offsets),
            (found.sizes.n_receiver, found.sizes.n_sender),
        )
    outputs = await run.compute(name, program, data, (Grant(f"{name}.*", ALL),), source=hidden)
    return {key: value.plain[()] for key, value in outputs.items() if value.plain is not None}


async def _hidden(
    run: Run,
    keys: JoinKeys,
    table: pa.Table,
    columns: Sequence[str],
    threads: int,
    query: Query | None = None,
    told: Told = "shares",
) -> tuple[Members, list[str]]:
    """Membership and the right side's `columns` on shares, and the kinds of these. `query`: as
    `Run.align_hidden`."""
    payload = None
    if run.me == RIGHT:
        own = [numbers(table, name) for name in columns]
        for name, (values, kind) in zip(columns, own, strict=True):
            _require_summable(name, values[keys.rows], kind)
        encoded = [encode(values[keys.rows], kind) for values, kind in own]
        payload = np.stack(encoded) if encoded else np.zeros((0, len(keys)), np.uint64)
    kinds: list[str] = []
    if columns:
        mine = _kinds(table, columns) if run.me == RIGHT else []
        documents = await run.agree("types", {"mine": mine})
        kinds = _known(documents[RIGHT].get("mine"), len(columns))
    items = Items(keys.data, keys.offsets)
    return await run.align_hidden(
        items, payload, len(columns), query=query, told=told, threads=threads
    ), kinds


def _kinds(table: pa.Table, columns: Sequence[str]) -> list[str]:
    return [numbers(table, name)[1].kind for name in columns]


def _known(kinds: Any, n: int) -> list[str]:
    if not isinstance(kinds, list) or len(kinds) != n or any(kind not in _KINDS for kind in kinds):
        raise PeerError("PEER-0001", "message refused: the peer's types of columns are none")
    return kinds


def _lined_up(keys: JoinKeys, table: pa.Table, name: str, found: Members) -> np.ndarray:
    """The left side's column in the order of its bins."""
    assert found.bins is not None
    values = numbers(table, name)[0]
    lines = np.zeros(len(found.bins), values.dtype)
    filled = found.bins >= 0
    lines[filled] = values[keys.rows[found.bins[filled]]]
    return lines


def _require_summable(name: str, values: np.ndarray, kind: DType) -> None:
    unit = 1.0 if kind == INT else float(1 << kind.fraction_bits)
    if np.abs(values.astype(np.float64)).sum() * unit >= _LARGEST_SUM:
        raise _out_of_range(name)


def _require_in_range(program: Program, table: pa.Table, columns: Sequence[str]) -> None:
    """What is shared cannot be looked at any more: it must be in the program's range when it is."""
    ranges = dict(program.ranges)
    for k, name in enumerate(columns):
        low, high = ranges.get(f"right{k}", (-np.inf, np.inf))
        values = numbers(table, name)[0]
        if len(values) and not low <= min(values.min(), 0) <= max(values.max(), 0) <= high:
            raise _out_of_range(name)


def _out_of_range(name: str) -> UsageError:
    return UsageError(
        "RANGE-0002",
        f"column {name!r} has values outside the range for which the result is right",
        hint="rescale it: thousands instead of units",
    )
