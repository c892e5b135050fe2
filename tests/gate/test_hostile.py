"""The hostile corpus before the gate: what follows is unsafe, and really follows; nothing of it is safe."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

import numpy as np
import pytest

import tacit
from tacit.ir.interpret import evaluate
from tacit.ir.program import Program
from tacit.run.gate.judge import Verdict, judge
from tests.gate.hostile import FOLLOWS, NEVER_SAFE, OWNER, TELLS, Attack, Data, columns

NAMES = ("hospital", "analyst", "third")
CELL = ("cell", "fixed", "fixed-for-some", "nearly")
"""Reasons that name one cell."""


def taken(attack: Attack, job: int, data: Data) -> dict[str, np.ndarray]:
    """The inputs of one job, by name."""
    rows = attack.rows[job] if attack.rows else None
    names = inspect.signature(attack.jobs[job]).parameters
    return {name: data[name] if rows is None else data[name][:rows] for name in names}


def programs(attack: Attack) -> list[Program]:
    with tacit.sim(list(NAMES)) as parties:
        return [
            tacit.secure(job).written(
                *(
                    parties[NAMES[OWNER[name]]].private(array)
                    for name, array in taken(attack, number, columns()).items()
                )
            )[1]
            for number, job in enumerate(attack.jobs)
        ]


def verdict_on(attack: Attack) -> Verdict:
    return {verdict.column: verdict for verdict in judge(programs(attack), parties=3)}[attack.column]


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_follows_is_unsafe_and_a_cell_is_named(name: str) -> None:
    verdict = verdict_on(FOLLOWS[name])
    assert (verdict.kind, verdict.reason.key in CELL) == ("unsafe", True), verdict
    assert verdict.example and verdict.because and verdict.reason.text("zh")


@pytest.mark.parametrize("name", TELLS)
def test_what_tells_of_few_is_unsafe(name: str) -> None:
    verdict = verdict_on(TELLS[name])
    assert verdict.kind == "unsafe" and verdict.example, verdict


@pytest.mark.parametrize("name", NEVER_SAFE)
def test_what_is_not_proved_is_not_safe(name: str) -> None:
    assert verdict_on(NEVER_SAFE[name]).kind != "safe"


# --- the witnesses, in numbers --------------------------------------------------------------------------


class Seen:
    """What the coalition of a verdict receives, as a function of the cells of all others."""

    def __init__(self, attack: Attack, coalition: Sequence[int], data: Data) -> None:
        self._attack, self._programs, self._data = attack, programs(attack), data
        used = {name for program in self._programs for name, _ in program.ins}
        self.hidden = [name for name in sorted(used) if OWNER[name] not in coalition]

    def cells(self, data: Data) -> np.ndarray:
        return np.concatenate([data[name].reshape(-1) for name in self.hidden])

    def place(self, column: str, place: int) -> int:
        before = self.hidden[: self.hidden.index(column)]
        return place + sum(self._data[name].size for name in before)

    def outputs(self, data: Data) -> dict[str, np.ndarray]:
        """By name, as a verdict says it."""
        found: dict[str, np.ndarray] = {}
        for number, program in enumerate(self._programs):
            arrays = taken(self._attack, number, data)
            results = evaluate(program, tuple(arrays[name] for name, _ in program.ins))
            before = "" if number + 1 == len(self._programs) else " (before)"
            assert all(reveal.to == () for reveal in program.reveals())
            names = [f"{reveal.name}{before}" for reveal in program.reveals()]
            found |= dict(zip(names, map(np.asarray, results), strict=True))
        return found

    def __call__(self, cells: np.ndarray) -> np.ndarray:
        data, start = dict(self._data), 0
        for name in self.hidden:
            old = self._data[name]
            data[name] = cells[start : start + old.size].reshape(old.shape)
            start += old.size
        return np.concatenate([value.reshape(-1).astype(float) for value in self.outputs(data).values()])


REAL = [name for name, attack in FOLLOWS.items() if attack.column == "a"]


@pytest.mark.parametrize("name", REAL)
def test_the_cell_is_found_from_outputs_and_own_columns(name: str) -> None:
    """By Newton's method, from numbers near those of the others, whose own they need not be in the end."""
    attack, data = FOLLOWS[name], columns(7)
    verdict = verdict_on(attack)
    assert isinstance(dict(verdict.reason.values)["place"], int)
    seen = Seen(attack, verdict.coalition, data)
    truth = seen.cells(data)
    target, place = seen(truth), seen.place(attack.column, int(dict(verdict.reason.values)["place"]))
    guess = truth + np.random.default_rng(3).uniform(-1e-2, 1e-2, truth.size)
    assert abs(guess[place] - truth[place]) > 1e-4
    for _ in range(8):
        now, step = seen(guess), 1e-6
        slopes = np.stack([(seen(guess + step * unit) - now) / step for unit in np.eye(truth.size)], axis=1)
        guess = guess + np.linalg.lstsq(slopes, target - now, rcond=1e-9)[0]
    assert abs(guess[place] - truth[place]) < 1e-5


@pytest.mark.parametrize("name", FOLLOWS)
def test_equations_hold_whatever_the_others_have(name: str) -> None:
    """Both sides of a linear witness, own columns left out, differ by the same for all data of the others."""
    attack = FOLLOWS[name]
    verdict = verdict_on(attack)
    made, cell = re.split(" = | ≈ ", verdict.example)
    if verdict.reason.key != "cell" or "…" in made or "undone" in made:
        return
    column, place = re.fullmatch(r"(\w+)\[(\d+)\]", cell).groups()  # type: ignore[union-attr]
    differences = []
    for seed in (11, 12):
        fresh, own = columns(seed), columns(5)
        data = {name: own[name] if OWNER[name] in verdict.coalition else fresh[name] for name in fresh}
        outputs = Seen(attack, verdict.coalition, data).outputs(data)
        left = 0.0
        for sign, factor, label in re.findall(r"([+-]?) ?(?:([\d./]+)\*)?([a-z][\w.() ]*(?:\[\d+\])?)", made):
            name_, element = re.fullmatch(r"(.*?)(?:\[(\d+)\])?", label.strip()).groups()  # type: ignore[union-attr]
            value = outputs[name_].reshape(-1)[int(element or 0)]
            top, _, bottom = (factor or "1").partition("/")
            left += (-1.0 if sign == "-" else 1.0) * float(top) / float(bottom or 1) * float(value)
        differences.append(left - float(data[column].reshape(-1)[int(place)]))
    assert abs(differences[0] - differences[1]) < 1e-4 * max(1.0, abs(differences[0]))
