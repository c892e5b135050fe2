"""The array functions: on data they compute, on Arrays they write programs that compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tacit.base.errors import PolicyError, UsageError
from tacit.base.types import BOOL, FIXED, INT, PUBLIC, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.pipeline import run_passes
from tacit.ir.interpret import interpret
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Program
from tacit.ir.text import parse, to_text

RANDOM = np.random.default_rng(5)
X = np.round(RANDOM.normal(size=(4, 3)) * 3, 3)
Y = np.round(RANDOM.normal(size=(4, 3)) * 3, 3)
N = RANDOM.integers(-4, 5, size=(4, 3))
B = RANDOM.integers(0, 2, size=(4, 3)).astype(bool)
MASK = np.array([True, False, True, True])
ARRAYS = {"x": X, "y": Y, "n": N, "b": B}
DTYPES = {"x": FIXED, "y": FIXED, "n": INT, "b": BOOL}

Function = Callable[[Any, Any, Any, Any], Any]

SAME: dict[str, Function] = {
    "add": lambda x, y, n, b: x + y - n + 1 + 2.5,
    "sub from constant": lambda x, y, n, b: 1 - x + (3 - n),
    "bools are counted": lambda x, y, n, b: n + b,
    "mul": lambda x, y, n, b: x * y * n * 2 * 0.001 * 3.0,
    "mul bool": lambda x, y, n, b: x * b + b * n,
    "mul bool constant": lambda x, y, n, b: x * MASK[:, None] + b * 0.5 + b * 2,
    "int times real": lambda x, y, n, b: n * 0.25 + n * 2.0,
    "small factors": lambda x, y, n, b: x * np.array([1e-6, 0.0, 300.0]),
    "matmul": lambda x, y, n, b: x.T @ y,
    "matmul mixed": lambda x, y, n, b: n.T @ x,
    "matmul vector": lambda x, y, n, b: x @ y[0],
    "vector matmul": lambda x, y, n, b: y[:, 0] @ x,
    "matmul constant": lambda x, y, n, b: np.ones((2, 4)) @ x,
    "dot": lambda x, y, n, b: x[:, 0] @ y[:, 0],
    "divide by constant": lambda x, y, n, b: x / 7 + n / 2 + x / np.array([1.0, 1e3, 3.0]),
    "powers": lambda x, y, n, b: x**2 + x**3 + n**2 + x**0 + x**1,
    "abs sign neg": lambda x, y, n, b: abs(x) + xp.sign(y) - xp.sign(n),
    "floor ceil round": lambda x, y, n, b: xp.floor(x) + xp.ceil(y) + xp.round(x) + xp.floor(n),
    "clip": lambda x, y, n, b: (
        xp.clip(x, -1, 2) + xp.clip(n, -1, 2) + xp.clip(x, min=0.5) + xp.clip(x, max=y)
    ),
    "maximum": lambda x, y, n, b: xp.maximum(x, y) + xp.minimum(n, 0) + xp.maximum(x, n),
    "compare": lambda x, y, n, b: (x < y) & (n >= 0) | (x == y) ^ (n != 1),
    "compare with constants": lambda x, y, n, b: ~((x > 0) & (x >= 0.5) & (n < 1.5) & (n > 0.0)),
    "compare bools": lambda x, y, n, b: (b == MASK[:, None]) & (b != (x > 0)),
    "where": lambda x, y, n, b: xp.where(b, x, y) + xp.where(b, n, 0),
    "where public": lambda x, y, n, b: xp.where(MASK[:, None], x, y) + xp.where(b, 2.5, -1),
    "where bool": lambda x, y, n, b: xp.where(x > 0, b, y > 0),
    "sum": lambda x, y, n, b: xp.sum(x) + xp.sum(n, axis=0) + xp.sum(b, axis=(0, 1)) + x.sum(axis=-1)[:3],
    "mean": lambda x, y, n, b: xp.mean(x, axis=0) + xp.mean(n) + xp.mean(y, axis=1, keepdims=True),
    "var": lambda x, y, n, b: xp.var(x, axis=0) + xp.var(y, correction=1),
    "extremes": lambda x, y, n, b: xp.max(x) + xp.min(x, axis=0) + xp.max(n, axis=1, keepdims=True),
    "all any": lambda x, y, n, b: xp.all(b, axis=0) | xp.any(n, axis=0) | xp.all(x),
    "cumulative sum": lambda x, y, n, b: xp.cumulative_sum(x, axis=1) + xp.cumulative_sum(n[0]),
    "sort": lambda x, y, n, b: xp.sort(x, axis=0) + xp.sort(n) + xp.sort(y, descending=True),
    "sigmoid": lambda x, y, n, b: xp.sigmoid(x),
    "scale and low bit": lambda x, y, n, b: xp.astype(xp.low_bit(xp.scale_floor(x, 18)), int) + xp.low_bit(n),
    "astype": lambda x, y, n, b: xp.astype(x, int) + xp.astype(b, xp.int64) + xp.astype(n, np.int64),
    "astype bool": lambda x, y, n, b: xp.astype(n, bool) ^ xp.astype(x, xp.bool),
    "reshape": lambda x, y, n, b: xp.reshape(x, (2, -1)) + x.reshape(2, 6),
    "transpose": lambda x, y, n, b: x.T + xp.permute_dims(n, (1, 0)) + xp.matrix_transpose(y),
    "concat": lambda x, y, n, b: xp.concat([x, n, np.zeros((1, 3))], axis=0),
    "concat bool": lambda x, y, n, b: xp.concat([b, x > 0], axis=None),
    "stack": lambda x, y, n, b: xp.stack([x[0], y[1], n[2]], axis=-1),
    "expand squeeze": lambda x, y, n, b: xp.squeeze(xp.expand_dims(x, 1), 1) * xp.expand_dims(y[:, 0], -1),
    "broadcast": lambda x, y, n, b: xp.broadcast_to(x[0], (4, 3)),
    "take flip": lambda x, y, n, b: xp.take(x, np.array([2, 0, -1]), axis=1) + xp.flip(y, axis=0),
    "items": lambda x, y, n, b: x[1] + y[-1, 2] + n[..., 0][:3] + x[1:3, ::-1][0],
    "new axes": lambda x, y, n, b: x[:, None, :] * y[None, :, 0, None],
    "positions": lambda x, y, n, b: (
        x[np.array([3, 0, 1])] + y[MASK] + n[:, np.array([True, False, True])][1:, :1]
    ),
    "numpy functions": lambda x, y, n, b: np.sum(x, axis=0) + np.mean(y) + np.maximum(x, y) + np.abs(n),
    "numpy shapes": lambda x, y, n, b: np.concatenate([x, np.transpose(np.transpose(y))]) + np.cumsum(x[0]),
    "numpy operators": lambda x, y, n, b: np.ones(3) + x * np.float64(2.0) - np.arange(3) * y,
    "numpy where": lambda x, y, n, b: np.where(b, x, y) + np.sign(x) + np.square(n),
    "like": lambda x, y, n, b: (
        xp.zeros_like(x) + xp.ones_like(n) + xp.full_like(y, 2.5) + xp.eye(4)[:, :3] + n
    ),
    "only data": lambda x, y, n, b: {"out": xp.arange(3), "other": x + xp.full((3,), 2)},
}

PLAIN = {
    "exp log sqrt": lambda x, y, n, b: xp.exp(x) + xp.log(abs(x) + 1) + xp.sqrt(abs(y)),
    "divide": lambda x, y, n, b: x / (abs(y) + 1) + 1 / (abs(n) + 1),
    "std": lambda x, y, n, b: xp.std(x, axis=0),
    "isfinite": lambda x, y, n, b: xp.isfinite(x) & b,
    "root": lambda x, y, n, b: abs(x) ** 0.5,
}


def traced(function: Function, *visibilities: Any) -> Program:
    sides = visibilities * 4 if len(visibilities) == 1 else visibilities
    inputs = [
        (name, Type(vis, DTYPES[name], a.shape)) for (name, a), vis in zip(ARRAYS.items(), sides, strict=True)
    ]
    return trace(function, inputs, "test")


@pytest.mark.parametrize("vis", [PUBLIC, Private(1), SECRET], ids=str)
@pytest.mark.parametrize("name", SAME)
def test_program_computes_what_the_source_computes(name: str, vis: Any) -> None:
    program = traced(SAME[name], vis)
    wanted = SAME[name](*ARRAYS.values())
    wanted = wanted if isinstance(wanted, dict) else {"out": wanted}
    assert parse(to_text(program)) == program
    for stage in (program, run_passes(program, lambda op: OPS[op].lower is None)):
        found = interpret(stage, ARRAYS)
        for label, var in stage.outs:
            assert found[label].dtype == np.asarray(wanted[label]).dtype == numpy_dtype(var.type.dtype)
            np.testing.assert_allclose(found[label], wanted[label], atol=2**-13, rtol=1e-9)


@pytest.mark.parametrize("name", PLAIN)
def test_functions_for_what_one_party_knows(name: str) -> None:
    found = interpret(traced(PLAIN[name], Private(0)), ARRAYS)["out"]
    np.testing.assert_allclose(found, PLAIN[name](*ARRAYS.values()), rtol=1e-12)


def test_numpy_agrees() -> None:
    """The plaintext run is numpy's own meaning, not merely our own twice."""
    np.testing.assert_array_equal(
        xp.var(X, axis=0, correction=1), np.mean((X - X.mean(0)) ** 2, axis=0) * 4 / 3
    )
    np.testing.assert_allclose(xp.std(Y), np.std(Y))
    np.testing.assert_array_equal(xp.sort(X, axis=0, descending=True), -np.sort(-X, axis=0))
    np.testing.assert_array_equal(xp.max(X, axis=(0, 1)), X.max())
    np.testing.assert_array_equal(xp.round(X), np.floor(X + 0.5))
    np.testing.assert_array_equal(xp.astype(X, int), X.astype(int))
    np.testing.assert_array_equal(xp.take(X, np.array([[0, 1]]), axis=1), X[:, None, :2])


def ops(program: Program) -> list[str]:
    return [eqn.op for eqn in program.eqns]


def test_whole_constants_multiply_without_truncation() -> None:
    program = trace(lambda x: x * 3.0 + x * 2, [("x", Type(SECRET, FIXED, ()))], "t")
    kinds = [eqn.params["dtype"] for eqn in program.eqns if eqn.op == "const"]
    assert kinds == [INT, INT]


def test_public_condition_selects_without_messages() -> None:
    program = traced(lambda x, y, n, b: xp.where(MASK[:, None], x, y), SECRET)
    assert "select" not in ops(program)


def test_outputs_are_named() -> None:
    one = [("x", Type(SECRET, FIXED, ()))]
    assert [n for n, _ in trace(lambda x: {"a": x, "b": 2.0}, one, "t").outs] == ["a", "b"]
    assert [n for n, _ in trace(lambda x: (x, x), one, "t").outs] == ["out0", "out1"]
    assert [n for n, _ in trace(lambda x: x, one, "t").outs] == ["out"]
    with pytest.raises(UsageError) as refused:
        trace(lambda x: {"a": (x, x)}, one, "t")
    assert refused.value.code == "COMPILE-0005"


WRONG: dict[str, tuple[Function, str]] = {
    "if": (lambda x, y, n, b: 1 if x[0, 0] > 0 else 2, "COMPILE-0001"),
    "and": (lambda x, y, n, b: b and b, "COMPILE-0001"),
    "float": (lambda x, y, n, b: float(x[0, 0]), "COMPILE-0001"),
    "int": (lambda x, y, n, b: int(n[0, 0]), "COMPILE-0001"),
    "range": (lambda x, y, n, b: list(range(n[0, 0])), "COMPILE-0001"),
    "iterate": (lambda x, y, n, b: list(x[0, 0]), "COMPILE-0001"),
    "assign by mask": (lambda x, y, n, b: x.__setitem__(b, x + 1.0), "COMPILE-0001"),
    "digits": (lambda x, y, n, b: f"{x[0, 0]:.2f}", "COMPILE-0001"),
    "private mask": (lambda x, y, n, b: x[b], "COMPILE-0001"),
    "contains": (lambda x, y, n, b: 1.0 in x, "COMPILE-0001"),
    "to numpy": (lambda x, y, n, b: np.asarray(x), "COMPILE-0001"),
    "traced rows": (lambda x, y, n, b: x[: n[0, 0]], "COMPILE-0001"),
    "traced take": (lambda x, y, n, b: xp.take(x, n[0], axis=1), "COMPILE-0001"),
    "numpy without meaning": (lambda x, y, n, b: np.linalg.inv(x), "COMPILE-0002"),
    "numpy option": (lambda x, y, n, b: np.sort(x, order="name"), "COMPILE-0002"),
    "ufunc": (lambda x, y, n, b: np.add(x, y, out=np.zeros((4, 3))), "COMPILE-0002"),
    "ufunc reduce": (lambda x, y, n, b: np.subtract.reduce(x), "COMPILE-0002"),
    "power": (lambda x, y, n, b: xp.pow(x, 0.3), "COMPILE-0002"),
    "divide by 0": (lambda x, y, n, b: x / 0, "COMPILE-0002"),
    "text": (lambda x, y, n, b: x + "a", "COMPILE-0002"),
    "axis": (lambda x, y, n, b: xp.sum(x, axis=2), "COMPILE-0002"),
    "index": (lambda x, y, n, b: x[4], "COMPILE-0002"),
    "indices": (lambda x, y, n, b: x[0, 0, 0], "COMPILE-0002"),
    "mask": (lambda x, y, n, b: x[np.array([True])], "COMPILE-0002"),
    "logic": (lambda x, y, n, b: x & x, "COMPILE-0002"),
    "condition": (lambda x, y, n, b: xp.where(n, x, y), "COMPILE-0002"),
    "shapes": (lambda x, y, n, b: x + np.ones(4), "IR-0003"),
    "long constant": (lambda x, y, n, b: x[0, 0] + np.arange(5000.0), "IR-0010"),
    "several": (lambda x, y, n, b: xp.scan(lambda c, r: (c + xp.reveal(r), None), x[0], x)[0], "IR-0009"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_traced_names_the_line(name: str) -> None:
    function, code = WRONG[name]
    with pytest.raises(UsageError) as refused:
        traced(function, SECRET)
    assert refused.value.code == code
    assert f"test_array.py:{function.__code__.co_firstlineno}" in refused.value.message
    assert "/" not in refused.value.message


def test_a_traced_value_has_no_life_outside() -> None:
    kept: list[Any] = []
    trace(lambda x: kept.append(x) or x, [("x", Type(SECRET, FIXED, ()))], "t")
    with pytest.raises(UsageError) as refused:
        kept[0] + 1
    assert refused.value.code == "COMPILE-0004"

    def leaking(x: Any) -> Any:
        xp.scan(lambda c, r: (c + r, kept.append(r)), x[0], x)
        return kept[-1] + 1

    with pytest.raises(UsageError) as refused:
        trace(leaking, [("x", Type(SECRET, FIXED, (3,)))], "t")
    assert refused.value.code == "COMPILE-0004"


def test_reveal_and_its_guard() -> None:
    def function(x: Any) -> Any:
        return {"all": xp.reveal(x, name="x"), "one": xp.reveal(x, to=1, when=xp.sum(x) > 2)}

    program = trace(function, [("x", Type(SECRET, FIXED, (3,)))], "t")
    assert [(r.name, r.to, r.guarded) for r in program.reveals()] == [
        ("x", (), False),
        ("reveal2", (1,), True),
    ]
    np.testing.assert_array_equal(function(np.ones(3))["one"], np.ones(3))
    for run in (lambda: function(np.zeros(3)), lambda: interpret(program, {"x": np.zeros(3)})):
        with pytest.raises(PolicyError):
            run()
