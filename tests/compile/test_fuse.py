"""Fusion: which ways of writing a softmax, a GELU and a clip become their operators, and which do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tacit.base.types import FIXED, INT, SECRET, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.passes.dead import dead
from tacit.compile.passes.fuse import fuse
from tacit.compile.pipeline import PASSES, run_passes
from tacit.ir.interpret import interpret
from tacit.ir.op import OPS
from tacit.ir.program import Program, check

ROOT = math.sqrt(2.0 / math.pi)
Function = Callable[[Any], Any]


def powers(x: Any, axis: int = 1) -> Any:
    return np.exp(x - np.max(x, axis=axis, keepdims=True))


def softmax(x: Any) -> Any:
    return powers(x) / np.sum(powers(x), axis=1, keepdims=True)


def in_another_shape(x: Any) -> Any:
    found = np.exp(x - x.max(axis=1).reshape(-1, 1))
    return found / found.sum(axis=1)[:, None]


def clipped(x: Any) -> Any:
    found = np.exp(np.clip(x - np.max(x, axis=1, keepdims=True), -24.0, 0.0))
    return found / np.clip(np.sum(found, axis=1, keepdims=True), 0.5, 100.0)


FUSED: dict[str, tuple[str, Function]] = {
    "softmax": ("softmax", softmax),
    "softmax, column of another shape": ("softmax", in_another_shape),
    "softmax, clipped": ("softmax", clipped),
    "gelu": ("gelu_tanh", lambda x: 0.5 * x * (1.0 + np.tanh(ROOT * (x + 0.044715 * x**3)))),
    "gelu, x taken out": (
        "gelu_tanh",
        lambda x: x * (np.tanh(ROOT * x * (1.0 + 0.044715 * x * x)) + 1.0) / 2.0,
    ),
    "gelu, multiplied out": (
        "gelu_tanh",
        lambda x: x / 2.0 + x * 0.5 * np.tanh(0.79788456 * x + 0.0356774 * x**3),
    ),
    "gelu of a product": (
        "gelu_tanh",
        lambda x: (x * x) * 0.5 * (1.0 + np.tanh(ROOT * (x * x + 0.044715 * (x * x) ** 3))),
    ),
    "clip": ("clip", lambda x: np.minimum(np.maximum(x, -1.0), 0.5)),
    "clip, the other way round": ("clip", lambda x: np.maximum(0.5, np.minimum(-x, 2.0))),
}
SCALED = 0.044715 * ROOT
NOT_FUSED: dict[str, Function] = {
    "powers of another value": lambda x: powers(x) / np.sum(powers(2.0 * x), axis=1, keepdims=True),
    "another largest": lambda x: (
        np.exp(x - np.max(-x, axis=1, keepdims=True)) / np.sum(powers(x), axis=1, keepdims=True)
    ),
    "a sum along another axis": lambda x: powers(x) / np.sum(powers(x), axis=0, keepdims=True),
    "the largest along another axis": lambda x: powers(x, 0) / np.sum(powers(x, 0), axis=1, keepdims=True),
    "the largest of all": lambda x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))),
    "clipped where it matters": lambda x: (
        np.exp(np.maximum(x - np.max(x, axis=1, keepdims=True), -2.0))
        / np.sum(np.exp(np.maximum(x - np.max(x, axis=1, keepdims=True), -2.0)), axis=1, keepdims=True)
    ),
    "clipped where a long row's powers add up": lambda x: (
        np.exp(np.clip(x - np.max(x, axis=1, keepdims=True), -12.5, 0.0))
        / np.sum(np.exp(np.clip(x - np.max(x, axis=1, keepdims=True), -12.5, 0.0)), axis=1, keepdims=True)
    ),
    "tanh of a fifth power too": lambda x: (
        0.5 * x * (1.0 + np.tanh(ROOT * x + SCALED * x**3 - 2.0**-18 * x**5))
    ),
    "a little more than half": lambda x: (0.5 + 2.0**-18) * x * (1.0 + np.tanh(ROOT * x + SCALED * x**3)),
    "a sum that is used": lambda x: (softmax(x), np.log(np.sum(powers(x), axis=1))),
    "powers that are used": lambda x: (softmax(x), powers(x)),
    "tanh of another cubic": lambda x: 0.5 * x * (1.0 + np.tanh(ROOT * (x + 0.05 * x**3))),
    "tanh of more": lambda x: 0.5 * x * (1.0 + np.tanh(ROOT * x + SCALED * x**3 + 0.01)),
    "tanh of another value": lambda x: 0.5 * (x + 1.0) * (1.0 + np.tanh(ROOT * x + SCALED * x**3)),
    "ends that cross": lambda x: np.minimum(np.maximum(x, 1.0), -1.0),
    "ends that are secret": lambda x: np.minimum(np.maximum(x, -1.0), x * x),
    "a middle that is used": lambda x: (np.minimum(np.maximum(x, -1.0), 1.0), np.maximum(x, -1.0)),
}
OPERATORS = {"softmax", "gelu_tanh", "clip"}
X = np.array([[0.5, -1.25, 3.0], [2.0, 0.25, -0.5], [-8.0, 4.0, 0.125]])


def fused(function: Function, **inputs: Type) -> tuple[Program, Program]:
    """(as traced, as it is after fusion)"""
    program = trace(function, list(inputs.items()), "step")
    before = program
    for step in (*PASSES, fuse, dead):
        program = check(step(program))
    return before, program


def same(before: Program, after: Program, **data: np.ndarray) -> None:
    one, two = interpret(before, data), interpret(after, data)
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=2.0**-14)


@pytest.mark.parametrize("name", FUSED)
def test_steps_become_one_operator(name: str) -> None:
    operator, function = FUSED[name]
    before, after = fused(function, x=Type(SECRET, FIXED, X.shape))
    ops = [eqn.op for eqn in after.eqns]
    assert operator not in [eqn.op for eqn in before.eqns] and ops.count(operator) == 1
    assert not {"exp", "divide", "tanh", "minimum"}.intersection(ops)
    same(before, after, x=X)


@pytest.mark.parametrize("name", NOT_FUSED)
def test_other_steps_stay(name: str) -> None:
    before, after = fused(NOT_FUSED[name], x=Type(SECRET, FIXED, X.shape))
    was, now = (OPERATORS.intersection(eqn.op for eqn in program.eqns) for program in (before, after))
    assert now == was
    same(before, after, x=X)


def test_whole_numbers_are_clipped_to_whole_ends() -> None:
    before, after = fused(lambda n: np.minimum(np.maximum(n, -2), 3), n=Type(SECRET, INT, (4,)))
    assert [eqn.params for eqn in after.eqns if eqn.op == "clip"] == [{"low": -2, "high": 3}]
    same(before, after, n=np.array([-5, -2, 1, 9]))


def test_bodies_are_fused_too() -> None:
    def steps(x: Any) -> Any:
        return xp.scan(lambda w, _: (softmax(w), None), x, None, length=3)[0]

    _, after = fused(steps, x=Type(SECRET, FIXED, X.shape))
    (loop,) = [eqn for eqn in after.eqns if eqn.op == "scan"]
    assert [eqn.op for eqn in loop.bodies[0].eqns] == ["softmax"]


def test_a_softmax_divides_once_for_a_row() -> None:
    kind = Type(SECRET, FIXED, (4, 64))
    whole = run_passes(trace(softmax, [("x", kind)], "softmax"), lambda name: OPS[name].lower is None)
    sizes = {eqn.ins[0].type.size for eqn in whole.eqns if eqn.op == "bits"}
    assert sizes == {4, 4 * 64}  # of the sums, of the exponents
