"""The gate: attacks are unsafe and name their smallest coalition, plain statistics are safe."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tacit
from tacit import xp
from tacit.base.errors import PolicyError
from tacit.base.types import FIXED, Private, Type
from tacit.compile.array import trace
from tacit.ir.program import Program
from tacit.run.gate.judge import Verdict, judge
from tacit.run.gate.ledger import Approved, Ledger, enforce
from tacit.run.gate.span import Span

N = 100
Columns = Mapping[str, tuple[int, tuple[int, ...]]]
TWO: Columns = {"a": (0, (N,)), "b": (1, (N,))}
SCALARS: Columns = {"a": (0, ()), "b": (1, ()), "c": (2, ())}


def program(function: Callable[..., Mapping[str, Any]], columns: Columns, to: int | None = None) -> Program:
    def revealing(*arrays: Any) -> dict[str, Any]:
        return {
            name: xp.reveal(value, name=name) if to is None else xp.reveal(value, name=name, to=to)
            for name, value in function(*arrays).items()
        }

    types = [(name, Type(Private(owner), FIXED, shape)) for name, (owner, shape) in columns.items()]
    return trace(revealing, types, "p", {})


def verdicts(*functions: Callable[..., Mapping[str, Any]], columns: Columns = TWO) -> dict[str, Verdict]:
    parties = 1 + max(owner for owner, _ in columns.values())
    found = judge([program(function, columns) for function in functions], parties=parties)
    return {verdict.column: verdict for verdict in found}


SAFE = {
    "mean": lambda a, b: {"m": xp.mean(a - b)},
    "sum": lambda a, b: {"s": xp.sum(a) + 2.0 * xp.sum(b)},
    "ratio": lambda a, b: {"r": xp.sum(a) / xp.sum(b)},
    "variance": lambda a, b: {"v": xp.mean(a * a) - xp.mean(a) * xp.mean(a)},
    "halves": lambda a, b: {"u": xp.sum(a[:50]), "v": xp.sum(a[50:])},
    "count": lambda a, b: {"n": xp.sum(xp.astype(a < 1.0, xp.int64))},
    "root-of-mean": lambda a, b: {"r": xp.sqrt(xp.mean(a * a))},
}


@pytest.mark.parametrize("name", SAFE)
def test_statistics_are_safe(name: str) -> None:
    assert {verdict.kind for verdict in verdicts(SAFE[name]).values()} == {"safe"}


UNSAFE_A = {
    "cell": lambda a, b: {"x": a[3]},
    "scaled-cell": lambda a, b: {"x": 2.0 * a[3] + 1.0},
    "cell-in-disguise": lambda a, b: {"x": xp.exp(a[3] - 1.0)},
    "column": lambda a, b: {"x": a + 0.0},
    "sum-less-one": lambda a, b: {"s": xp.sum(a), "t": xp.sum(a[1:])},
    "sum-less-one-scaled": lambda a, b: {"s": 3.0 * xp.sum(a), "t": xp.sum(a[1:]) * 0.5 + xp.sum(b)},
    "mean-and-count": lambda a, b: {"m": xp.sum(a) / xp.sum(b), "n": xp.sum(b), "t": xp.sum(a[:-1])},
    "product-and-factor": lambda a, b: {"m": xp.sum(a) * xp.sum(b), "n": xp.sum(b), "t": xp.sum(a[:-1])},
    "small-group": lambda a, b: {"s": xp.sum(a[:3])},
    "small-difference": lambda a, b: {"s": xp.sum(a), "t": xp.sum(a[5:])},
    "max": lambda a, b: {"x": xp.max(a)},
    "min-through-exp": lambda a, b: {"x": xp.exp(xp.min(a))},
    "argmax": lambda a, b: {"x": xp.argmax(a)},
    "comparison": lambda a, b: {"x": xp.astype(a[7] < 1.0, xp.int64)},
    "with-own-column": lambda a, b: {"x": a[3] + b[3]},
    "cumulative": lambda a, b: {"x": xp.cumulative_sum(a)},
    "matrix": lambda a, b: {"x": xp.reshape(a, (50, 2)) @ np.array([1.0, 2.0])},
}


@pytest.mark.parametrize("name", UNSAFE_A)
def test_attacks_on_a_column_are_unsafe(name: str) -> None:
    found = verdicts(UNSAFE_A[name])["a"]
    assert (found.kind, found.coalition) == ("unsafe", (1,)), found
    assert found.because and found.reveals


UNPROVED = {
    "moments-of-exp": lambda a, b: {"e": xp.sum(xp.exp(a)), "s": xp.sum(a)},
    "counts": lambda a, b: {
        "n": xp.sum(xp.astype(a < 1.0, xp.int64)),
        "m": xp.sum(xp.astype(a < 1.1, xp.int64)),
    },
    "own-column-as-weights": lambda a, b: {"x": xp.sum(a * b)},
    "many-powers": lambda a, b: {"x": xp.sum(a[:11]), "y": xp.sum(a[:11] * a[:11])},
    "weights": lambda a, b: {"x": xp.sum(a * np.arange(1.0, N + 1))},
    "histogram": lambda a, b: {"x": xp.sum(xp.astype(a < b, xp.int64))},
}


@pytest.mark.parametrize("name", UNPROVED)
def test_what_is_not_proved_is_not_called_safe(name: str) -> None:
    assert verdicts(UNPROVED[name])["a"].kind == "unknown"


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, c: {"x": a + b + c - b - c},
        lambda a, b, c: {"x": a + b + c, "y": 2.0 * (b + c)},
        lambda a, b, c: {"x": 4.0 * a + b, "y": b - c, "z": c},
    ],
    ids=["one-output", "two-outputs", "three-outputs"],
)
def test_sums_that_cancel_are_unsafe_before_each_party_alone(function: Any) -> None:
    found = verdicts(function, columns=SCALARS)["a"]
    assert found.kind == "unsafe" and len(found.coalition) == 1


def test_two_jobs_together() -> None:
    whole, rest = (lambda a, b, c: {"x": a + b + c}), (lambda a, b, c: {"y": b + c})
    assert verdicts(rest, columns=SCALARS)["a"].kind == "safe"
    found = verdicts(rest, whole, columns=SCALARS)["a"]
    assert found.kind == "unsafe" and "y (before)" in found.reveals


def test_a_total_of_three_needs_two_to_undo() -> None:
    found = verdicts(lambda a, b, c: {"x": a + b + c}, columns=SCALARS)["a"]
    assert (found.kind, found.coalition) == ("unsafe", (1, 2))


def test_an_input_with_one_row_less_in_the_next_job() -> None:
    first = program(lambda a, b: {"s": xp.sum(a)}, TWO)
    second = program(lambda a, b: {"t": xp.sum(a)}, {"a": (0, (N - 1,)), "b": (1, (N,))})
    found = {verdict.column: verdict for verdict in judge([first, second], parties=2)}
    assert found["a"].kind == "unsafe" and "follows exactly" in found["a"].because


def test_what_goes_to_the_owner_alone_is_safe() -> None:
    to_owner = program(lambda a, b: {"x": a}, TWO, to=0)
    to_other = program(lambda a, b: {"x": a}, TWO, to=1)
    assert [v.kind for v in judge([to_owner], parties=2)] == ["safe", "safe"]
    assert [v.kind for v in judge([to_other], parties=2)] == ["unsafe", "safe"]


def test_spans_against_random_combinations() -> None:
    """A unit vector is found exactly where ranks say that it is in the span."""
    choose = random.Random(1)
    for _ in range(60):
        k, n = choose.randint(1, 5), choose.randint(1, 6)
        rows = [[choose.randint(-2, 2) for _ in range(n)] for _ in range(k)]
        span = Span()
        for row in rows:
            span.add({i: Fraction(value, 3) for i, value in enumerate(row) if value})
        rank = np.linalg.matrix_rank(np.array(rows, float))
        assert len(span) == rank
        for i in range(n):
            unit = [float(i == j) for j in range(n)]
            inside = np.linalg.matrix_rank(np.array([*rows, unit], float)) == rank
            assert (i in span.determined()) == inside


def test_huge_coefficients_are_exact() -> None:
    """In floating point both sums would be equal, and the cell would be lost."""
    found = verdicts(lambda a, b: {"s": xp.sum(a) * 2.0**20, "t": xp.sum(a[1:]) * 2.0**20 + a[0] * 2.0**-18})
    assert found["a"].kind == "unsafe"


def signed(entry_digest: bytes) -> list[tuple[int, bytes]]:
    return [(party, bytes([party]) + entry_digest) for party in (0, 1)]


def holds(party: int, signature: bytes, digest: bytes) -> bool:
    return signature == bytes([party]) + digest


def test_the_ledger_remembers_and_notices_changes() -> None:
    ledger, lines = Ledger(), []
    for function in (lambda a, b: {"s": xp.sum(a)}, lambda a, b: {"m": xp.mean(b)}):
        body = json.dumps({"program": str(program(function, TWO)), "versions": {}})
        entry = ledger.draft("program", "job", body)
        lines.append(ledger.append(entry, signed(entry.digest())))
    again = Ledger(lines, holds)
    assert again.head == ledger.head
    new = program(lambda a, b: {"t": xp.sum(a[1:])}, TWO)
    found = {verdict.column: verdict for verdict in again.judge(new, parties=2)}
    assert (found["a"].kind, found["b"].kind) == ("unsafe", "safe")
    with pytest.raises(PolicyError) as refused:
        enforce(tuple(found.values()), [], "p")
    assert refused.value.code == "POLICY-0006" and "party 0" in str(refused.value)
    need = Approved(0, "p", "a", (1,), "unsafe")
    enforce(tuple(found.values()), [need], "p")
    for other in (replace(need, kind="unknown"), replace(need, to=(2,)), replace(need, program="q")):
        with pytest.raises(PolicyError, match="POLICY-0006"):
            enforce(tuple(found.values()), [other], "p")
    changed = lines[0].replace('"job":"job"', '"job":"jab"')
    for broken in ([changed, lines[1]], lines[1:], [lines[1], lines[0]], [lines[0] + " "], ["{}"], ["x"]):
        with pytest.raises(PolicyError, match="LEDGER-0001"):
            Ledger(broken, holds)


def test_a_secure_function_has_verdicts() -> None:
    with tacit.sim(["bank", "partner"]) as parties:
        x = parties["bank"].private(np.arange(20.0))
        y = parties["partner"].private(np.arange(20.0))
        mean = tacit.secure(lambda x, y: xp.mean(x - y))
        first = tacit.secure(lambda x, y: {"cell": x[0], "sum": xp.sum(y)})
        assert [verdict.kind for verdict in mean.verdicts(x, y)] == ["safe", "safe"]
        assert [verdict.kind for verdict in first.verdicts(x, y)] == ["unsafe", "safe"]
