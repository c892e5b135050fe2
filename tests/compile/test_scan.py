"""Loops stay loops: on data they run, traced they become one equation with a body."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit.base.errors import UsageError
from tacit.base.types import FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.pipeline import run_passes
from tacit.ir.interpret import interpret
from tacit.ir.op import OPS
from tacit.ir.program import Program

X = np.arange(12.0).reshape(4, 3) / 4
Y = np.array([1.0, -1.0, 2.0, 0.5])


def descent(x: Any, y: Any) -> Any:
    """Carry and constants of several visibilities: the carry starts as public data."""

    def step(w: Any, _: Any) -> tuple[Any, Any]:
        error = x @ w - y
        return w - 0.05 * (x.T @ error), xp.sum(error * error)

    return dict(zip(("w", "losses"), xp.scan(step, xp.zeros((3,)), None, length=4), strict=True))


def trees(x: Any, y: Any) -> Any:
    """Nested carries, several xs, several ys, an int carry that becomes real, a carry that is reset."""

    def step(carry: Any, row: Any) -> tuple[Any, Any]:
        (total, count), last = carry
        a, b = row
        return ((total + a * b, count + 0.5), xp.zeros((3,))), (total, (a + last, b))

    carry, (totals, (shifted, back)) = xp.scan(step, ((xp.zeros((3,)), 0), y[:3]), (x, y))
    (total, count), last = carry
    return {"total": total, "count": count, "last": last, "totals": totals, "shifted": shifted, "back": back}


def nested(x: Any, y: Any) -> Any:
    """A loop in a loop; the inner one uses values of both outer levels."""

    def outer(c: Any, row: Any) -> tuple[Any, Any]:
        inner, _ = xp.scan(lambda d, item: (d + item * row[0] + y[0] + c, None), 0.0, row)
        return c + inner, inner

    c, inners = xp.scan(outer, xp.sum(y) * 0, x)
    return {"c": c, "inners": inners}


def nothing_scanned(x: Any, y: Any) -> Any:
    return xp.scan(lambda c, r: (c, None), y, None, length=2)[0]


FUNCTIONS = [descent, trees, nested, nothing_scanned]
SIDES = [(SECRET, SECRET), (Private(0), Private(1)), (Private(0), Private(0)), (SECRET, Private(1))]


def traced(function: Any, sides: Any) -> Program:
    return trace(function, [("x", Type(sides[0], FIXED, (4, 3))), ("y", Type(sides[1], FIXED, (4,)))], "loop")


@pytest.mark.parametrize("sides", SIDES, ids=str)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_loop_computes_what_the_source_computes(function: Any, sides: Any) -> None:
    program = traced(function, sides)
    wanted = function(X, Y)
    wanted = wanted if isinstance(wanted, dict) else {"out": wanted}
    for stage in (program, run_passes(program, lambda op: OPS[op].lower is None)):
        found = interpret(stage, {"x": X, "y": Y})
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-12)


def test_loop_is_one_equation_and_its_carry_is_secret() -> None:
    program = traced(descent, (SECRET, Private(1)))
    (loop,) = [eqn for eqn in program.eqns if eqn.op == "scan"]
    assert loop.params["length"] == 4
    assert loop.outs[0].type == Type(SECRET, FIXED, (3,))


WRONG = {
    "no length": lambda x, y: xp.scan(lambda c, r: (c, r), y, None),
    "two lengths": lambda x, y: xp.scan(lambda c, r: (c, None), y, (x, y[:2])),
    "scalar": lambda x, y: xp.scan(lambda c, r: (c, None), y, y[0]),
    "no pair": lambda x, y: xp.scan(lambda c, r: c, y, x),
    "shape": lambda x, y: xp.scan(lambda c, r: (xp.sum(c), None), y, x),
    "structure": lambda x, y: xp.scan(lambda c, r: ((c, c), None), y, x),
}


@pytest.mark.parametrize("name", WRONG)
def test_malformed_loop_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        traced(WRONG[name], (SECRET, SECRET))
    assert refused.value.code == "COMPILE-0003"


def test_integers_stay_integers() -> None:
    program = trace(lambda n: xp.scan(lambda c, r: (c + r, c), 0, n), [("n", Type(SECRET, INT, (5,)))], "t")
    found = interpret(program, {"n": np.arange(5)})
    assert found["out0"] == 10
    np.testing.assert_array_equal(found["out1"], [0, 0, 1, 3, 6])
