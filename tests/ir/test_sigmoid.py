"""The sigmoid's table: how it was found, and that its bound holds on dense grids."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from tacit.base.types import FIXED, FRACTION_BITS, SECRET, Type
from tacit.ir.op import OPS
from tacit.ir.ops.nonlinear import SIGMOID_KNOTS, SIGMOID_PIECES, SIGMOID_SCALE
from tacit.ir.program import Builder
from tests.ir.ring import Ring

UNIT = 2.0**-FRACTION_BITS
TARGET = 2.0**-15
DEGREE = 4


def best(low: float, high: float, rounded: dict[int, float], n: int = 600) -> tuple[dict[int, float], float]:
    """Coefficients of the free powers of u that minimise the largest error on [low, high], and that error."""
    x = low + (high - low) * (1 - np.cos(np.linspace(0, np.pi, n))) / 2
    u = x / SIGMOID_SCALE
    wanted = 1 / (1 + np.exp(-x)) - sum(value * u**k for k, value in rounded.items())
    free = [k for k in range(DEGREE + 1) if k not in rounded]
    powers = np.stack([u**k for k in free], axis=1)
    slack = np.ones((n, 1))
    found = linprog(
        [0.0] * len(free) + [1.0],
        A_ub=np.block([[powers, -slack], [-powers, -slack]]),
        b_ub=np.concatenate((wanted, -wanted)),
        bounds=[(None, None)] * len(free) + [(0, None)],
        method="highs",
    )
    return dict(zip(free, found.x, strict=False)), float(found.x[-1])


def furthest(low: float, limit: float) -> float:
    """The end, a multiple of 1/64, to which a quartic from `low` stays within the target."""
    if best(low, limit, {})[1] <= TARGET:
        return limit
    good, bad = low, limit
    while bad - good > 1 / 128:
        middle = (good + bad) / 2
        good, bad = (middle, bad) if best(low, middle, {})[1] <= TARGET else (good, middle)
    return float(np.floor(good * 64) / 64)


def test_knots_are_found_again() -> None:
    end = float(np.ceil(np.log(1 / TARGET) * 64) / 64)
    low, knots = 0.0, []
    while low < end:
        low = furthest(low, end)
        knots.append(low)
    assert tuple(knots) == pytest.approx(SIGMOID_KNOTS, abs=1 / 64)


@pytest.mark.parametrize("piece", range(len(SIGMOID_KNOTS)))
def test_rounded_coefficients_are_as_good_as_a_new_search(piece: int) -> None:
    low, high = (0.0, *SIGMOID_KNOTS)[piece : piece + 2]
    rounded: dict[int, float] = {}
    for power in range(DEGREE, -1, -1):
        coefficients, error = best(low, high, rounded)
        rounded[power] = float(np.rint(coefficients[power] / UNIT) * UNIT)
    x = np.linspace(low, high, 4001)
    stated = sum(SIGMOID_PIECES[piece][k] * UNIT * (x / SIGMOID_SCALE) ** k for k in range(DEGREE + 1))
    worst = np.max(np.abs(stated - 1 / (1 + np.exp(-x))))
    assert worst <= error + UNIT
    assert worst <= TARGET + UNIT


@pytest.mark.parametrize(("low", "high"), [(-14, 14), (-0.01, 0.01), (-5000, 5000), (-6.7e7, 6.7e7)])
def test_bound_holds_with_truncations(low: float, high: float) -> None:
    grid = np.rint(np.linspace(low, high, 100_001) / UNIT) * UNIT
    op, builder = OPS["sigmoid"], Builder()
    assert op.lower is not None
    program = builder.build(
        "s", {"out": op.lower(builder, builder.input("x", Type(SECRET, FIXED, grid.shape)))}
    )
    (found,) = Ring(np.random.default_rng(3)).run(program, [grid])
    assert np.max(np.abs(found - op.ref(grid))) <= op.error.absolute
