"""What the passes save on a step of vertical logistic regression: bytes of runs with them and without.

Naive means: every input is shared at once, operators become smaller ones, ranges are proved as always; no
pass moves work to those who can do it alone, merges products with their truncation or drops repetitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.types import FIXED, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.passes.lower import lower
from tacit.compile.ranges.prove import prove
from tacit.ir.interpret import interpret
from tacit.ir.program import Program, check
from tacit.mpc.execute import execute
from tacit.mpc.operators import supports
from tacit.mpc.scheme import Scheme
from tacit.run.compiled import compiled
from tests.harness import run_scheme

ROWS, COLUMNS = 256, 60
OWNERS = {"x0": 0, "x1": 1, "y": 0}
RANGES = {"x0": (-8.0, 8.0), "x1": (-8.0, 8.0), "y": (0.0, 1.0), "w0": (-4.0, 4.0), "w1": (-4.0, 4.0)}
INPUTS = [
    ("x0", Type(Private(0), FIXED, (ROWS, COLUMNS))),
    ("x1", Type(Private(1), FIXED, (ROWS, COLUMNS))),
    ("y", Type(Private(0), FIXED, (ROWS,))),
    ("w0", Type(SECRET, FIXED, (COLUMNS,))),
    ("w1", Type(SECRET, FIXED, (COLUMNS,))),
]


def step(x0: Any, x1: Any, y: Any, w0: Any, w1: Any) -> dict[str, Any]:
    """One step of gradient descent, as anybody writes it."""
    residual = xp.sigmoid(x0 @ w0 + x1 @ w1) - y
    return {
        "w0": w0 - 0.1 * (x0.T @ residual) / ROWS,
        "w1": w1 - 0.1 * (x1.T @ residual) / ROWS,
    }


def standardised_step(x0: Any, x1: Any, y: Any, w0: Any, w1: Any) -> dict[str, Any]:
    """The same on columns that are centred and scaled first."""

    def standardised(x: Any) -> Any:
        return (x - xp.mean(x, axis=0)) / xp.sqrt(xp.mean(xp.square(x), axis=0) + 0.25)

    return step(standardised(x0), standardised(x1), y, w0, w1)


def naive(function: Callable[..., Any], scheme: str) -> Program:
    def at_once(*inputs: Any) -> Any:
        return function(*(xp.to_secret(value) for value in inputs))

    program = trace(at_once, INPUTS, "step", RANGES)
    for only in (prove, lower(supports(scheme))):
        program = check(only(program))
    return program


def data() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    columns = {name: rng.normal(size=(ROWS, COLUMNS)).clip(-8, 8) for name in ("x0", "x1")}
    return {**columns, "y": (rng.random(ROWS) < 0.5).astype(float)}


def bytes_sent(scheme: str, program: Program) -> int:
    """By all parties together, in a run with weights of zero."""
    arrays = data()

    async def party(ctx: Ctx, on: Scheme) -> int:
        weights = on.constant(ctx, np.zeros(COLUMNS, np.uint64))
        mine = {name: arrays[name] if owner == ctx.me else None for name, owner in OWNERS.items()}
        scope = ctx.sub("step")
        await execute(scope, on, program, {**mine, "w0": weights, "w1": weights})
        return scope.meter().bytes_sent

    return sum(run_scheme(scheme, party))


@pytest.mark.parametrize("scheme", ["semi2k", "rep3"])
def test_pushdown_halves_the_bytes_of_a_standardised_step(scheme: str) -> None:
    optimised = bytes_sent(scheme, compiled(standardised_step, INPUTS, "step", scheme, RANGES))
    assert bytes_sent(scheme, naive(standardised_step, scheme)) >= 2 * optimised


def test_products_with_private_columns_alone_halve_the_bytes_of_a_bare_step() -> None:
    optimised = bytes_sent("semi2k", compiled(step, INPUTS, "step", "semi2k", RANGES))
    assert bytes_sent("semi2k", naive(step, "semi2k")) >= 2 * optimised


def test_three_parties_never_send_more_than_a_naive_bare_step() -> None:
    """A private factor costs them as much as sharing it, so a bare step has little to gain."""
    optimised = bytes_sent("rep3", compiled(step, INPUTS, "step", "rep3", RANGES))
    assert bytes_sent("rep3", naive(step, "rep3")) >= optimised


@pytest.mark.parametrize("function", [step, standardised_step])
def test_the_meaning_stays(function: Callable[..., Any]) -> None:
    arrays = {**data(), "w0": np.full(COLUMNS, 0.5), "w1": np.full(COLUMNS, -0.25)}
    before = interpret(trace(function, INPUTS, "step", RANGES), arrays)
    for cheap in ("semi2k", "rep3"):
        after = interpret(compiled(function, INPUTS, "step", cheap, RANGES), arrays)
        for name, value in before.items():
            np.testing.assert_allclose(after[name], value, atol=2e-3)
