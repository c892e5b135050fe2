"""Programs at the very ends of the ranges that they are proved for: results of runs on shares are right, and
lie in the intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.types import FIXED, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.ranges.prove import bounds, prove
from tacit.ir.interpret import interpret
from tacit.mpc.execute import execute
from tacit.mpc.scheme import Scheme, load
from tacit.run.compiled import compiled
from tests.harness import run_scheme

N = 3
ERROR = 2.0**-8
"""Of the interval: public factors err by 2^-16, and later steps may enlarge that."""
STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "square": lambda x, y: xp.square(x),
    "third": lambda x, y: x * (1 / 3),
    "scale": lambda x, y: x * np.array([0.75, -40.5, 3.0]),
    "weights": lambda x, y: xp.matmul(np.array([[0.3, -2.0, 1.0]] * N), x),
    "mean": lambda x, y: xp.mean(x, keepdims=True) + y,
    "dot": lambda x, y: xp.matmul(x, y) + x,
    "larger": lambda x, y: xp.maximum(x, y),
    "where": lambda x, y: xp.where(x < y, x, y),
    "clip": lambda x, y: xp.clip(x, -3.0, 100.0),
    "magnitude": lambda x, y: xp.abs(x - y),
    "sigmoid": lambda x, y: xp.sigmoid(x) * 1000,
    "floor": lambda x, y: xp.floor(x),
    "loop": lambda x, y: xp.scan(lambda c, _: (c * 0.5 + y, None), x, None, length=9)[0],
}


@pytest.mark.parametrize("scheme", ["rep3", "rep3_128"])
@settings(max_examples=60, deadline=None)
@given(
    chain=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.booleans()), min_size=1, max_size=5),
    seed=st.integers(0, 999),
)
def test_nothing_is_wrong_at_the_ends_of_the_widest_ranges(
    scheme: str, chain: list[tuple[str, bool]], seed: int
) -> None:
    def function(x: Any, y: Any) -> dict[str, Any]:
        results = [x, y]
        for name, swapped in chain:
            pair = results[-2:][::-1] if swapped else results[-2:]
            results.append(STEPS[name](*pair))
        return {f"r{k}": xp.reveal(result, name=f"r{k}") for k, result in enumerate(results[2:])}

    inputs = [(f"x{k}", Type(Private(k), FIXED, (N,))) for k in range(2)]
    plain = trace(function, inputs, "case")
    try:
        program = compiled(function, inputs, "case", scheme)
    except UsageError as refused:
        assert refused.code == "RANGE-0001"
        return
    proved = prove(trace(function, inputs, "case", dict(program.ranges)), load(scheme).ring_bits)
    rng = np.random.default_rng(seed)
    data = {name: high * rng.choice([-1.0, 1.0], N) for name, (_, high) in program.ranges}

    async def party(ctx: Ctx, started: Scheme) -> dict[str, np.ndarray | None]:
        mine = {name: array if f"x{ctx.me}" == name else None for name, array in data.items()}
        return {name: v.plain for name, v in (await execute(ctx, started, program, mine)).items()}

    got, expected, intervals = run_scheme(scheme, party)[0], interpret(plain, data), bounds(proved)
    reach = 0.0
    for name, (low, high) in intervals.items():
        assert np.all(low <= got[name]) and np.all(got[name] <= high), name
        reach = max(reach, -low, high)  # where large values cancel, their errors stay
        assert np.all(np.abs(got[name] - expected[name]) <= 1.0 + ERROR * reach), name
