"""Passes: pairs of programs in `*.ir` files, and the properties that every pass has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tacit.base.types import BOOL, FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.passes.cse import cse
from tacit.compile.passes.dead import dead
from tacit.compile.passes.fold import fold
from tacit.compile.passes.fuse import fuse
from tacit.compile.passes.hoist import hoist
from tacit.compile.passes.late import late
from tacit.compile.passes.lower import Pass, lower
from tacit.compile.passes.reuse import reuse
from tacit.compile.passes.share import share
from tacit.compile.pipeline import PASSES, run_passes
from tacit.ir.interpret import interpret
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Builder, Program, check, walk
from tacit.ir.text import parse, to_text
from tests.ir.programs import programs


def primitive(name: str) -> bool:
    return OPS[name].lower is None


NAMED: dict[str, Pass] = {
    "fold": fold,
    "cse": cse,
    "dead": dead,
    "fuse": fuse,
    "hoist": hoist,
    "share": share,
    "late": late,
    "reuse": reuse,
    "lower": lower(primitive),
}
FILES = sorted(Path(__file__).parent.glob("*.ir"))


def inputs(program: Program, seed: int = 0) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        name: np.asarray(random.integers(-4, 5, var.type.shape), dtype=numpy_dtype(var.type.dtype))
        for name, var in program.ins
    }


def same(program: Program, other: Program, *, error: float = 0.0) -> None:
    """Both compute the same, reveal the same and have the same types."""
    assert [(name, var.type) for name, var in program.ins] == [(name, var.type) for name, var in other.ins]
    assert [(name, var.type) for name, var in program.outs] == [(name, var.type) for name, var in other.outs]
    assert program.reveals() == other.reveals()
    one, two = interpret(program, inputs(program)), interpret(other, inputs(other))
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=error, rtol=1e-12)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_pair(file: Path) -> None:
    before, after = file.read_text(encoding="utf-8").split("# becomes\n")
    name = before.splitlines()[0].removeprefix("# pass: ")
    result = check(NAMED[name](parse(before)))
    assert to_text(result) == after.strip()
    same(parse(before), result)


def test_every_pass_has_a_pair() -> None:
    assert {file.stem for file in FILES} == set(NAMED)
    assert {*PASSES} <= {*NAMED.values()}


@settings(deadline=None, max_examples=60)
@given(programs())
def test_passes_keep_the_meaning(program: Program) -> None:
    for run in NAMED.values():
        same(program, check(run(program)), error=2**-20)


@settings(deadline=None, max_examples=60)
@given(programs())
def test_pipeline_leaves_primitives_and_settles(program: Program) -> None:
    done = run_passes(program, primitive)
    same(program, done, error=2**-20)
    for eqn in walk(done):
        secret = any(var.type.vis == SECRET for var in (*eqn.ins, *eqn.outs))
        assert primitive(eqn.op) or not secret
    again = done
    for step in (*PASSES, lower(primitive), *PASSES):  # ranges were proved of the program before lowering
        again = step(again)
    assert len(list(walk(again))) <= len(list(walk(done)))


def test_a_loop_shares_a_label_once() -> None:
    def step(w: Any, _: Any) -> tuple[Any, None]:
        return w - x_of[0].T @ (x_of[0] @ w - x_of[1]), None

    x_of: list[Any] = []

    def fit(x: Any, y: Any) -> Any:
        x_of[:] = [x, y]
        return xp.scan(step, xp.zeros((2,)), None, length=3)[0]

    inputs = [("x", Type(Private(0), FIXED, (4, 2))), ("y", Type(Private(1), FIXED, (4,)))]
    done = run_passes(trace(fit, inputs, "fit"), primitive)
    (loop,) = [eqn for eqn in done.eqns if eqn.op == "scan"]
    assert [eqn.op for eqn in loop.bodies[0].eqns] == ["matmul", "sub", "matmul", "sub"]
    assert sum(eqn.op == "to_secret" for eqn in done.eqns) == 2


def test_what_has_no_lowering_is_left_for_the_executor_to_refuse() -> None:
    b = Builder()
    program = b.build("p", {"out": b.emit("isfinite", b.input("x", Type(SECRET, FIXED, ())))})
    assert replace(run_passes(program, lambda name: False), ranges=()) == program


def test_a_scheme_keeps_the_operators_it_has() -> None:
    b = Builder()
    program = b.build("p", {"out": b.emit("sigmoid", b.input("x", Type(SECRET, FIXED, (3,))))})
    assert replace(run_passes(program, lambda name: name == "sigmoid"), ranges=()) == program


def test_folding_leaves_long_and_infinite_results_to_the_run() -> None:
    b = Builder()
    positions = b.const(np.arange(4000), INT)
    pair = b.emit("concat", positions, positions, axis=0)
    endless = b.emit("divide", b.const(1.0, FIXED), b.const(0.0, FIXED))
    program = b.build("p", {"pair": pair, "endless": endless, "bit": b.const(True, BOOL)})
    assert [eqn.op for eqn in fold(program).eqns] == [eqn.op for eqn in program.eqns]
