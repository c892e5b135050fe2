"""What `safe` promises, in numbers: rows that no output tells apart. Random programs, run on random data.

The oracle knows nothing of the gate: it exchanges two rows of all that is hidden from a coalition and looks
whether any output changes.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from tacit import xp
from tacit.base.types import FIXED, Private, Type
from tacit.compile.array import trace
from tacit.ir.interpret import evaluate
from tacit.ir.program import Program
from tacit.run.gate.judge import SMALLEST_GROUP, judge
from tests.gate import honest
from tests.gate.test_honest import programs

N = 30
OWNERS = {"a": 0, "b": 1, "c": 2}
N_PROGRAMS = 60


def constant(choose: random.Random) -> Any:
    """One number, one of two by row, or one for each row; or one row of its own."""
    kind = choose.randrange(6)
    if kind < 3:
        return choose.choice([0.5, 1.0, 2.0, -1.0])
    if kind == 3:
        return np.where(np.arange(N) < N // 2, 1.0, choose.choice([0.0, 2.0]))
    if kind == 4:
        return np.where(np.arange(N) == choose.randrange(N), choose.choice([0.0, 3.0]), 1.0)
    return np.arange(1.0, N + 1.0)


def rows(choose: random.Random, columns: Sequence[Any], depth: int) -> Any:
    """A number for each row."""
    if depth == 0 or choose.random() < 0.2:
        return choose.choice(columns)
    x, kind = rows(choose, columns, depth - 1), choose.randrange(10)
    if kind < 2:
        return x + constant(choose)
    if kind < 4:
        return x * constant(choose)
    if kind == 4:
        return x - rows(choose, columns, depth - 1)
    if kind == 5:
        return x * rows(choose, columns, depth - 1)
    if kind == 6:
        return xp.astype(x > constant(choose), xp.float64)
    if kind == 7:
        return xp.where(np.arange(N) % 2 == 0, x, constant(choose))
    return x * x if kind == 8 else x - xp.mean(x)


def total(choose: random.Random, columns: Sequence[Any], depth: int) -> Any:
    """One number over many rows."""
    if depth and choose.random() < 0.4:
        x, y = total(choose, columns, depth - 1), total(choose, columns, depth - 1)
        return choose.choice([x + y, x - 2.0 * y, x * y, xp.maximum(x, y), xp.where(x > 1.0, x, y)])
    x, kind = rows(choose, columns, 2), choose.randrange(8)
    part = x[: N // 2] if kind == 0 else x[1:] if kind == 1 else x
    return xp.max(part) if kind == 2 else xp.mean(part) if kind == 3 else xp.sum(part)


def random_program(seed: int) -> Program:
    def function(*columns: Any) -> dict[str, Any]:
        choose = random.Random(seed)
        return {
            f"r{i}": xp.reveal(total(choose, columns, 1) + 0.0 * xp.sum(columns[0]), name=f"r{i}")
            for i in range(choose.randint(1, 3))
        }

    types = [(name, Type(Private(owner), FIXED, (N,))) for name, owner in OWNERS.items()]
    return trace(function, types, "p", {})


def alike(
    written: Sequence[Program], data: Mapping[str, np.ndarray], column: str, hidden: Sequence[str], row: int
) -> int:
    """With how many rows, itself among them, the cell of `row` in `column` can be exchanged, alone or with
    those of other hidden columns, so that no output changes; all of them, if none depends on it."""

    def outputs(moved: Sequence[str], order: np.ndarray) -> np.ndarray:
        held = {name: array[order] if name in moved else array for name, array in data.items()}
        found = [evaluate(program, [held[name] for name, _ in program.ins]) for program in written]
        return np.concatenate([np.asarray(x, float).reshape(-1) for results in found for x in results])

    size, others = len(data[column]), [name for name in hidden if name != column]
    subsets = [(column, *more) for k in range(len(others) + 1) for more in combinations(others, k)]
    whole, count = outputs((), np.arange(size)), 0
    if all(np.allclose(outputs((column,), _copied(size, row, other)), whole) for other in range(size)):
        return size
    for other in range(size):
        order = np.arange(size)
        order[[row, other]] = order[[other, row]]
        count += any(np.allclose(outputs(moved, order), whole, rtol=1e-9, atol=1e-9) for moved in subsets)
        if count == SMALLEST_GROUP:
            break
    return count


def _copied(size: int, row: int, other: int) -> np.ndarray:
    """The order of rows with `other` in the place of `row`, too."""
    return np.where(np.arange(size) == row, other, np.arange(size))


def check(written: Sequence[Program], data: Mapping[str, np.ndarray], owners: Mapping[str, int]) -> int:
    """How many columns are safe, after a look at all their rows."""
    safe = [verdict for verdict in judge(written, parties=3) if verdict.kind == "safe"]
    for verdict in safe:
        others = [party for party in range(3) if party != verdict.owner]
        for size in (1, 2):
            for coalition in combinations(others, size):
                hidden = [name for name in data if owners[name] not in coalition]
                for row in range(0, len(data[verdict.column]), 7):
                    n_alike = alike(written, data, verdict.column, hidden, row)
                    assert n_alike >= SMALLEST_GROUP, (verdict, coalition, row)
    return sum(bool(verdict.reveals) for verdict in safe)


def test_rows_of_random_programs_can_be_exchanged_where_they_are_called_safe() -> None:
    draw = np.random.default_rng(4)
    n_safe = 0
    for seed in range(N_PROGRAMS):
        data = {name: draw.uniform(-3.0, 3.0, N) for name in OWNERS}
        n_safe += check([random_program(seed)], data, OWNERS)
    assert n_safe > 20


def test_so_can_those_of_two_programs_together() -> None:
    draw = np.random.default_rng(5)
    for seed in range(0, N_PROGRAMS, 4):
        data = {name: draw.uniform(-3.0, 3.0, N) for name in OWNERS}
        check([random_program(seed), random_program(seed + 1)], data, OWNERS)


@pytest.mark.parametrize("name", honest.SAFE)
def test_so_can_those_of_honest_programs(name: str) -> None:
    jobs, data = honest.SAFE[name], honest.columns(3)
    taken = {column for job in jobs for column in inspect.signature(job).parameters}
    held = {column: data[column] for column in sorted(taken)}
    assert check(programs(jobs, honest.columns(3)), held, honest.OWNER) >= 1
