"""One function to be run on secrets of three shapes, and what the run told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import tacit
from tacit import xp
from tacit.base.types import PUBLIC, Private
from tacit.ir.program import walk
from tacit.run.secure import as_every_party, sim

Shape = tuple[int, ...]
Shapes = tuple[Shape, Shape, Shape]
ELEMENTS: Shapes = ((), (5,), (2, 3))
ARRAYS: Shapes = ((5,), (2, 3), (2, 2, 2))
FLAT: Shapes = ((4,), (5,), (6,))
MATRICES: Shapes = ((2, 3), (3, 2), (3, 3))
SQUARES: Shapes = ((1, 1), (2, 2), (3, 3))
SOLIDS: Shapes = ((2, 2, 2), (1, 3, 2), (2, 1, 3))


@dataclass(frozen=True)
class Domain:
    """Data between two ends: reals, which the encoding holds exactly, whole numbers or truth values."""

    low: float = -3.0
    high: float = 3.0
    kind: str = "f"

    def draw(self, shape: Shape, random: np.random.Generator) -> np.ndarray:
        drawn = random.uniform(self.low, self.high, shape)
        if self.kind == "f":
            return np.asarray(np.rint(drawn * 1024) / 1024)
        whole = np.asarray(np.floor(drawn), np.int64)
        return whole if self.kind == "i" else whole > 0


REAL = Domain()
UNIT = Domain(-0.98, 0.98)
PART = Domain(0.05, 0.95)
ABOVE = Domain(0.25, 5.0)
WHOLE = Domain(-50.0, 50.0, "i")
TRUTH = Domain(-1.0, 3.0, "b")
Spec = tuple[Shapes, tuple[Domain, ...]]


@dataclass(frozen=True)
class Case:
    """`function` of secrets, one for each of `domains`; `reference` of the same data in the clear.

    `arguments`, three lists of arrays, stand for what is drawn from the domains in three shapes.
    """

    name: str
    function: Callable[..., Any]
    reference: Callable[..., Any]
    shapes: Shapes = ELEMENTS
    domains: tuple[Domain, ...] = (REAL,)
    error: float = 2.0**-12
    arguments: tuple[list[np.ndarray], ...] = ()

    def data(self) -> tuple[list[np.ndarray], ...]:
        if self.arguments:
            return self.arguments
        random = np.random.default_rng(len(self.name))
        return tuple([domain.draw(shape, random) for domain in self.domains] for shape in self.shapes)


@dataclass(frozen=True)
class Outcome:
    """What three parties computed, what it is in the clear, and the cost of the run."""

    got: list[Any]
    expected: list[Any]
    bytes_sent: int
    rounds: int


def leaves(result: Any) -> list[Any]:
    """The arrays in a result; complex numbers are two."""
    if isinstance(result, Mapping):
        return [leaf for part in result.values() for leaf in leaves(part)]
    if isinstance(result, tuple | list):
        return [leaf for part in result for leaf in leaves(part)]
    if isinstance(result, np.ndarray | np.generic) and result.dtype.kind == "c":
        return [np.real(result), np.imag(result)]
    if (
        hasattr(result, "imag")
        and hasattr(result, "conj")
        and not isinstance(result, np.ndarray | np.generic)
    ):
        return [result.real, result.imag]
    return [result]


def run(case: Case) -> Outcome:
    """All three shapes in one program of three parties, in which every input is a secret from the start.

    Raises AssertionError if the program opens anything but its results or computes on anything but secrets.
    """
    data = case.data()

    def program(*arrays: Any) -> list[Any]:
        secrets = iter([xp.to_secret(array) for array in arrays])
        return [leaf for given in data for leaf in leaves(case.function(*[next(secrets) for _ in given]))]

    with sim(["a", "b", "c"]) as parties:
        inputs = [
            parties["abc"[place % 3]].private(array, limit=_limit(array))
            for given in data
            for place, array in enumerate(given)
        ]
        private = tacit.secure(program).program(*inputs)
        names = [name for name, _ in private.ins]
        got = parties.execute(private, dict(zip(names, inputs, strict=True)))
        check_disclosure(private, len(got))
        reports = [one.report for one in parties.runs]
    expected = [leaf for given in data for leaf in leaves(case.reference(*given))]
    sent = sum(report.bytes_sent["program"] for report in reports)
    return Outcome(
        list(got.values()), expected, sent, max(report.rounds for report in reports) - setup_rounds()
    )


def _limit(array: np.ndarray) -> tuple[float, float] | None:
    return None if array.dtype == np.bool_ else (float(np.min(array)), float(np.max(array)))


def check_disclosure(program: Any, n_results: int) -> None:
    """Nothing is opened but the results, and no party computes on its data in the clear."""
    opened = [eqn for eqn in walk(program) if eqn.op == "reveal"]
    assert len(opened) <= n_results
    assert all(eqn.outs[0] in [var for _, var in program.outs] for eqn in opened)
    for eqn in walk(program):
        if eqn.op != "to_secret":
            assert not any(isinstance(var.type.vis, Private) for var in (*eqn.ins, *eqn.outs)), eqn.op
    inputs = [var for _, var in program.ins]
    assert inputs and all(var.type.vis != PUBLIC for var in inputs)


@cache
def setup_rounds() -> int:
    """Of greeting and keys, before the first operation."""

    async def nothing(run: Any) -> None:
        return None

    with sim(["a", "b", "c"]) as parties:
        return max(run.report.rounds for run, _ in as_every_party(parties.job("setup"), nothing))


def agrees(outcome: Outcome, error: float) -> bool:
    """Whether shapes are the same and every element is within `error`, relative to it if it is above 1."""
    if len(outcome.got) != len(outcome.expected):
        return False
    return all(_near(mine, theirs, error) for mine, theirs in zip(outcome.got, outcome.expected, strict=True))


def _near(mine: Any, theirs: Any, error: float) -> bool:
    mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    gap = np.abs(mine - theirs) if mine.shape == theirs.shape else np.array(np.inf)
    return bool(np.all(gap <= error * np.maximum(1.0, np.abs(theirs))))


def plain(
    home: Any, names: str, shapes: Shapes, *domains: Domain, under: str = "", error: float = 2.0**-12
) -> Iterator[Case]:
    """Functions of `home` that are called with arrays alone."""
    for name in names.split():
        function = getattr(home, name)
        yield Case(under + name, function, function, shapes, domains or (REAL,), error)


def called(
    table: Mapping[str, Callable[..., Any]],
    shapes: Shapes,
    *domains: Domain,
    under: str = "",
    error: float = 2.0**-12,
) -> Iterator[Case]:
    """Functions that are called with public arguments too."""
    for name, function in table.items():
        yield Case(under + name, function, function, shapes, domains or (REAL,), error)


def table(*parts: Iterable[Case]) -> dict[str, Case]:
    """Cases by name. Raises AssertionError if two have the same."""
    found: dict[str, Case] = {}
    for case in (case for part in parts for case in part):
        assert case.name not in found, case.name
        found[case.name] = case
    return found
