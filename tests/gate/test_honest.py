"""The honest corpus before the gate: all of it is proved safe, and with fewer rows than it takes, none."""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import tacit
from tacit import xp
from tacit.ir.program import Program
from tacit.run.gate.judge import Verdict, judge
from tacit.run.secure import Secure
from tests.examples.test_examples import NAMES as EXAMPLES
from tests.gate import hostile
from tests.gate.honest import OWNER, SAFE, columns, count_above, mean_difference, variance
from tests.gate.test_hostile import programs as hostile_programs

NAMES = ("clinic", "registry", "institute")
Jobs = tuple[Any, ...]


def programs(jobs: Jobs, data: Mapping[str, np.ndarray]) -> list[Program]:
    with tacit.sim(list(NAMES)) as parties:
        return [
            tacit.secure(job).written(
                *(
                    parties[NAMES[OWNER[name]]].private(data[name])
                    for name in inspect.signature(job).parameters
                )
            )[1]
            for job in jobs
        ]


def verdicts(jobs: Jobs, **options: Any) -> tuple[Verdict, ...]:
    return judge(programs(jobs, columns()), parties=3, **options)


@pytest.mark.parametrize("name", SAFE)
def test_statistics_over_enough_rows_are_safe(name: str) -> None:
    found = verdicts(SAFE[name])
    assert found and all(verdict.kind == "safe" for verdict in found), found


@pytest.mark.parametrize("name", SAFE)
def test_they_are_not_where_groups_have_to_be_larger_than_they_are(name: str) -> None:
    """Of each program some column is in a group that a larger `smallest_group` makes too small."""
    assert any(verdict.kind != "safe" for verdict in verdicts(SAFE[name], smallest_group=81))


def test_the_same_on_other_data_is_not_called_safe() -> None:
    twice = programs((count_above, count_above), columns())
    same = judge(twice, parties=3, versions=[{"a": "1", "b": "1"}] * 2)
    other = judge(twice, parties=3, versions=[{"a": "1", "b": "1"}, {"a": "2", "b": "1"}])
    assert [verdict.kind for verdict in same] == ["safe", "safe"]
    assert {verdict.column: verdict.kind for verdict in other}["a"] != "safe"


def test_sums_that_one_row_takes_apart_are_not_safe_together() -> None:
    """Each alone is."""
    assert all(verdict.kind == "safe" for verdict in verdicts((mean_difference, variance)))
    less = verdicts((mean_difference, lambda a, b: np.mean(a[1:] - b[1:])))
    assert {verdict.kind for verdict in less} == {"unsafe"}


# --- how long it takes --------------------------------------------------------------------------------------

MOST_S = 1.0
"""Of processor time."""


def seconds(written: list[Program], parties: int) -> float:
    start = time.process_time()
    judge(written, parties=parties)
    return time.process_time() - start


def thousand(a: Any, b: Any) -> Any:
    """A thousand operators on 64 rows: products, weighted sums, comparisons, choices, functions."""
    x, y = a, b
    for step in range(95):
        x = xp.tanh(x * y + 0.5 * x)
        y = xp.where(y > 0.1 * step, x - y, 0.5 * y)
    return xp.mean(x), xp.mean(y)


def test_a_thousand_operators_are_judged_within_a_second() -> None:
    with tacit.sim(["a", "b"]) as parties:
        data = [parties[name].private(np.ones(64)) for name in "ab"]
        program = tacit.secure(thousand).written(*data)[1]
    assert len(program.eqns) >= 1000
    assert min(seconds([program], 2) for _ in range(3)) < MOST_S


class Seen(Exception):
    """Enough of the example has run."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_judged_within_a_second(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[float] = []

    def note(function: Secure, *args: Any) -> None:
        _, program = function.written(*args)
        parties = len(args[0].world.names)
        found.append(min(seconds([program], parties) for _ in range(3)))
        raise Seen

    monkeypatch.setattr(Secure, "__call__", note)
    with pytest.raises(Seen):
        importlib.import_module(f"examples.{name}").main()
    assert found[0] < MOST_S


@pytest.mark.parametrize("name", hostile.FOLLOWS | hostile.NEVER_SAFE)
def test_an_attack_is_judged_within_a_second(name: str) -> None:
    written = hostile_programs((hostile.FOLLOWS | hostile.NEVER_SAFE)[name])
    assert min(seconds(written, 3) for _ in range(2)) < MOST_S
