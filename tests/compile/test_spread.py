"""The pass that shares loop inputs once, for schemes without cheap private products."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import FIXED, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.passes.spread import spread
from tacit.compile.pipeline import run_passes
from tacit.ir.interpret import interpret
from tacit.ir.program import Eqn, Program, check, walk
from tacit.mpc.operators import has

INPUTS = [("x", Type(Private(0), FIXED, (4, 3, 2))), ("y", Type(Private(1), FIXED, (4, 3)))]


def descent(x: Any, y: Any) -> Any:
    """Two epochs over four batches, as training does it."""

    def step(w: Any, batch: tuple[Any, Any]) -> tuple[Any, tuple[()]]:
        rows, wanted = batch
        return w - xp.matmul(rows.T, xp.matmul(rows, w) - wanted) * 0.125, ()

    def epoch(w: Any, _: tuple[()]) -> tuple[Any, tuple[()]]:
        return xp.scan(step, w, (x, y), length=4)

    return xp.scan(epoch, xp.to_secret(xp.zeros((2,))), (), length=2)[0]


def local(x: Any, y: Any) -> Any:
    """A loop in which one party computes what no scheme can on secrets."""
    return xp.scan(
        lambda w, batch: (w + xp.sum(xp.isfinite(batch)), ()), xp.to_secret(xp.asarray(0)), y, length=4
    )[0]


def loops(program: Program) -> list[Eqn]:
    return [eqn for eqn in walk(program) if eqn.op == "scan"]


def test_loop_inputs_become_secret_in_front_of_the_outermost_loop() -> None:
    program = trace(descent, INPUTS, "descent")
    spread_out = check(spread(has)(program))
    assert any(var.type.vis != SECRET for eqn in loops(program) for var in eqn.ins)
    assert all(var.type.vis == SECRET for eqn in loops(spread_out) for var in eqn.ins)
    assert [eqn.op for eqn in spread_out.eqns].count("to_secret") == 3
    assert not any(eqn.op == "to_secret" for loop in loops(spread_out) for eqn in walk(loop.bodies[0]))


def test_the_meaning_stays() -> None:
    rng = np.random.default_rng(5)
    data = {"x": rng.normal(size=(4, 3, 2)), "y": rng.normal(size=(4, 3))}
    program = trace(descent, INPUTS, "descent")
    before, after = interpret(program, data), interpret(spread(has)(program), data)
    assert np.array_equal(before["out"], after["out"])


def test_a_scheme_with_cheap_private_products_keeps_values_private() -> None:
    program = trace(descent, INPUTS, "descent")
    kept, shared = (run_passes(program, has, cheap_private=cheap) for cheap in (True, False))
    assert any(isinstance(var.type.vis, Private) for eqn in loops(kept) for var in eqn.ins)
    assert not any(isinstance(var.type.vis, Private) for eqn in loops(shared) for var in eqn.ins)


def test_a_loop_that_carries_private_values_stays_as_it_is() -> None:
    def mixed(x: Any, y: Any) -> Any:
        return xp.scan(lambda c, row: (c * 0.5 + y[0, 0], None), y[0, 1], x[:, 0], length=4)[0]

    program = trace(mixed, INPUTS, "mixed")
    assert any(isinstance(var.type.vis, Private) for loop in loops(program) for var in loop.ins[:1])
    assert list(loops(check(spread(has)(program)))) == list(loops(program))


def test_what_only_one_party_can_compute_stays_with_it() -> None:
    program = trace(local, INPUTS, "local")
    (loop,) = loops(spread(has)(program))
    assert any(isinstance(var.type.vis, Private) for var in loop.ins)
