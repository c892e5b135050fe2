"""Weighted sums that are truncated once: what is combined, what it means, where there is no room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.types import FIXED, SECRET, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.passes.dead import dead
from tacit.compile.pipeline import run_passes
from tacit.compile.ranges.prove import prove
from tacit.ir.interpret import interpret
from tacit.ir.program import Program, walk
from tacit.mpc.operators import has

N = 5
UNIT = 2.0**-18


def proved(function: Callable[..., Any], n_inputs: int, limit: float, *, combine: bool = True) -> Program:
    names = [f"x{k}" for k in range(n_inputs)]
    inputs = [(name, Type(SECRET, FIXED, (N,))) for name in names]
    program = trace(function, inputs, "sum", dict.fromkeys(names, (-limit, limit)))
    return prove(program, combine=combine)


def truncations(program: Program) -> int:
    fixed = (eqn for eqn in walk(dead(program)) if eqn.outs[0].type.vis == SECRET)
    return sum(
        eqn.op == "shift_right" or (eqn.op == "mul" and eqn.outs[0].type.dtype == FIXED) for eqn in fixed
    )


def momentum(v: Any, g: Any, w: Any) -> Any:
    return v * 0.9 - g * (0.1 / 1024) * 1.5 - 0.001 * w


def test_a_step_of_descent_is_truncated_once() -> None:
    apart, once = (proved(momentum, 3, 100.0, combine=flag) for flag in (False, True))
    assert (truncations(apart), truncations(once)) == (6, 1)


def test_parts_without_a_factor_stay_outside() -> None:
    """They are added exactly."""
    program = proved(lambda x, y, z: z + (x * 0.3 - (y * 0.7 - z)), 3, 2.0**8)
    assert truncations(program) == 1
    x = {"x0": np.zeros(N), "x1": np.zeros(N), "x2": np.full(N, 2.0**8)}
    assert np.array_equal(interpret(program, x)["out"], x["x2"] * 2)


def test_a_value_that_is_used_twice_is_not_computed_twice() -> None:
    def both(x: Any, y: Any) -> Any:
        total = x * 0.3 + y * 0.7
        return {"total": total, "scaled": total * 0.1}

    assert truncations(proved(both, 2, 8.0)) == 2


def test_where_there_is_no_room_nothing_is_combined() -> None:
    """A large value times a tiny factor: its factor needs more bits than the ring has left."""
    apart, once = (
        proved(lambda x, y: x * 1e-5 - y * 1e-5, 2, 2.0**38, combine=flag) for flag in (False, True)
    )
    assert str(apart) == str(once)


def test_the_whole_pipeline_keeps_it() -> None:
    done = run_passes(proved(momentum, 3, 4.0), has)
    data = {f"x{k}": np.linspace(-4, 4, N) * (k + 1) / 3 for k in range(3)}
    assert truncations(done) == 1
    assert np.allclose(interpret(done, data)["out"], momentum(*data.values()), atol=4 * UNIT)


FACTORS = st.floats(-20, 20).map(lambda c: round(c, 5)).filter(lambda c: c != 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(FACTORS, FACTORS), min_size=2, max_size=4), st.sampled_from((1.0, 50.0, 3e4)))
def test_it_means_the_same(factors: list[tuple[float, float]], limit: float) -> None:
    """No further from the real sum than truncations apart: a unit each, and their factors' rounding."""

    def weighted(*xs: Any) -> Any:
        total = xp.zeros((N,))
        for x, (inner, outer) in zip(xs, factors, strict=True):
            total = total + (x * inner) * outer
        return total

    program = proved(weighted, len(factors), limit)
    rng = np.random.default_rng(len(factors))
    data = {f"x{k}": np.rint(rng.uniform(-limit, limit, N) / UNIT) * UNIT for k in range(len(factors))}
    exact = sum(x * a * b for x, (a, b) in zip(data.values(), factors, strict=True))
    slack = sum(abs(a * b) + abs(b) + 1 for a, b in factors) * limit * UNIT + 2 * len(factors) * UNIT
    assert np.all(np.abs(interpret(program, data)["out"] - exact) <= slack)
