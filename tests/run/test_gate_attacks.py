"""Attack programs against the gate: whatever the disguise, none of them is called safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tacit import xp
from tacit.base.types import BOOL, FIXED, INT, PUBLIC, SECRET, DType, Private, Type
from tacit.compile.array import trace
from tacit.ir.program import Program
from tacit.run.gate.judge import Verdict, judge

N = 60
Inputs = Mapping[str, Type]
ONES = np.ones(N)


def real(owner: int, *shape: int, dtype: DType = FIXED) -> Type:
    return Type(Private(owner), dtype, shape)


TWO: Inputs = {"a": real(0, N), "b": real(1, N)}
THREE: Inputs = {"a": real(0, N), "b": real(1, N), "c": real(2, N)}
SMALL: Inputs = {"a": real(0), "b": real(1), "c": real(2)}
CARDS: Inputs = {"a": real(0, N, dtype=INT), "b": real(1, N, dtype=BOOL)}
TABLE: Inputs = {"a": real(0, N, 4), "b": real(1, N)}


def program(function: Callable[..., Any], inputs: Inputs, to: int | None = None) -> Program:
    def revealing(*arrays: Any) -> dict[str, Any]:
        result = function(*arrays)
        parts = result if isinstance(result, tuple) else (result,)
        target = {} if to is None else {"to": to}
        return {f"r{i}": xp.reveal(part, name=f"r{i}", **target) for i, part in enumerate(parts)}

    return trace(revealing, list(inputs.items()), "p", {})


def found(*functions: Callable[..., Any], inputs: Inputs = TWO, column: str = "a", **options: Any) -> Verdict:
    parties = 1 + max(type.vis.owner for type in inputs.values() if isinstance(type.vis, Private))
    programs = [program(function, inputs) for function in functions]
    return {v.column: v for v in judge(programs, parties=parties, **options)}[column]


def loop(a: Any, b: Any, c: Any) -> Any:
    """a + b + c - b - c, the two last in a loop."""
    total, _ = xp.scan(lambda total, x: (total - x, total), a + b + c, xp.stack([b, c]))
    return total


def long_loop(a: Any) -> Any:
    return xp.scan(lambda total, x: (total / 2.0 + x, total), 0.0 * a[0], xp.concat([a] * 40))[0]


def blocks(a: Any) -> Any:
    return xp.reshape(a, (6, 10))


def sum_in_loop(a: Any) -> Any:
    total, _ = xp.scan(lambda total, x: (total + x, total), xp.to_secret(0.0 * a[0]), a)
    return total


def regression(a: Any, b: Any) -> Any:
    """Of two points: slope and intercept give both."""
    x, y = b[:2], a[:2]
    slope = (xp.mean(x * y) - xp.mean(x) * xp.mean(y)) / (xp.mean(x * x) - xp.mean(x) * xp.mean(x))
    return slope, xp.mean(y) - slope * xp.mean(x)


PICK = np.zeros(N)
PICK[7] = 1.0

CELL_FOLLOWS: dict[str, tuple[Inputs, Callable[..., Any]]] = {
    "a+b+c-b-c": (SMALL, lambda a, b, c: a + b + c - b - c),
    "scaled": (SMALL, lambda a, b, c: 3.0 * (a + b + c) - 3.0 * b - (c + c + c)),
    "scaled-by-thirds": (SMALL, lambda a, b, c: (a + b + c) / 3.0 - (b + c) / 3.0),
    "two-outputs": (SMALL, lambda a, b, c: (a + b + c, b + c)),
    "two-scaled-outputs": (SMALL, lambda a, b, c: (0.1 * (a + b + c), 7.0 * (b + c))),
    "three-outputs": (SMALL, lambda a, b, c: (a + b, b + c, c - a)),
    "packed": (SMALL, lambda a, b, c: xp.stack([a + b + c, b + c])),
    "by-broadcast": (SMALL, lambda a, b, c: xp.broadcast_to(a + b + c, (5,)) - b - c),
    "constant-products": (SMALL, lambda a, b, c: (a * 0.5 + b * 0.25) * 4.0 - b),
    "loop": (SMALL, loop),
    "mean-by-count": (TWO, lambda a, b: (xp.mean(a) * N, xp.sum(a[1:]))),
    "mean-by-count-in-one": (TWO, lambda a, b: xp.mean(a) * N - xp.sum(a[1:])),
    "quotient-and-divisor": (TWO, lambda a, b: (xp.sum(a) / xp.sum(b), xp.sum(a[1:]))),
    "ratio-of-b": (TWO, lambda a, b: (a[3] / xp.mean(b))),
    "inverse-ratio": (TWO, lambda a, b: xp.mean(b) / a[3]),
    "product-with-own": (TWO, lambda a, b: a[3] * b[3]),
    "product-with-public": (TWO, lambda a, b: a * np.arange(1.0, N + 1)),
    "picked-by-product": (TWO, lambda a, b: xp.sum(a * PICK)),
    "picked-by-matrix": (TWO, lambda a, b: np.eye(N)[7:8] @ a),
    "slices": (TWO, lambda a, b: (xp.sum(a[:30]) + xp.sum(a[30:]), xp.sum(a[:29]) + xp.sum(a[30:]))),
    "concat": (TWO, lambda a, b: xp.sum(xp.concat([a, -a[1:]]))),
    "reshape": (TWO, lambda a, b: xp.sum(blocks(a), axis=0) - xp.sum(blocks(a)[1:], axis=0)),
    "cumulative": (TWO, lambda a, b: xp.cumulative_sum(a)[20:22]),
    "sum-in-loop": (TWO, lambda a, b: (sum_in_loop(a), xp.sum(a[1:]))),
    "flip": (TWO, lambda a, b: xp.flip(a)[0]),
    "permuted": (TABLE, lambda a, b: xp.permute_dims(a, (1, 0))[0, 0]),
    "row-of-table": (TABLE, lambda a, b: xp.sum(a) - xp.sum(a[1:])),
    "centred": (TWO, lambda a, b: (a - xp.mean(a), xp.mean(a))),
    "centred-one": (TWO, lambda a, b: (a[0] - xp.mean(a), xp.sum(a))),
    "plus-nothing": (TWO, lambda a, b: a + 0.0),
    "halves-doubled": (TWO, lambda a, b: (a / 2.0) * 2.0),
    "exp": (TWO, lambda a, b: xp.exp(a)),
    "sigmoid": (TWO, lambda a, b: xp.sigmoid(a)),
    "sigmoid-of-part": (TWO, lambda a, b: xp.sigmoid(a * 2.0 + b)),
    "log-of-exp": (TWO, lambda a, b: xp.log(xp.exp(a[1]))),
    "square": (TWO, lambda a, b: a * a),
    "round": (TWO, lambda a, b: xp.round(a)),
    "absolute": (TWO, lambda a, b: xp.abs(a)),
    "whole-part": (TWO, lambda a, b: xp.astype(a, xp.int64)),
    "threshold": (TWO, lambda a, b: a > 0.5),
    "threshold-by-own": (TWO, lambda a, b: a > b),
    "thresholds": (TWO, lambda a, b: tuple(a[0] > t for t in np.arange(0.0, 4.0, 0.5))),
    "where": (TWO, lambda a, b: xp.where(b > 0.0, a, 0.0)),
    "where-picks": (TWO, lambda a, b: xp.where(PICK > 0.0, a, 0.0)),
    "clip": (TWO, lambda a, b: xp.clip(a, -100.0, 100.0)),
    "nearly": (TWO, lambda a, b: a[0] + 1e-9 * xp.sum(a)),
    "nearly-by-floats": (TWO, lambda a, b: xp.sum(a) * 0.01 * 100.0 - xp.sum(a[1:])),
    "small-group": (TWO, lambda a, b: xp.sum(a[:5])),
    "small-mean": (TWO, lambda a, b: xp.mean(a[20:23])),
    "max": (TWO, lambda a, b: xp.max(a)),
    "min-scaled": (TWO, lambda a, b: -3.0 * xp.min(a)),
    "range-end": (TWO, lambda a, b: (xp.max(a) + xp.sum(b))),
    "argmax": (TWO, lambda a, b: xp.argmax(a)),
    "largest-three": (TWO, lambda a, b: xp.top_k(a, 3)),
    "sorted": (TWO, lambda a, b: xp.sort(a)),
    "median": (TWO, lambda a, b: xp.sort(a)[N // 2]),
    "max-by-rows": (TABLE, lambda a, b: xp.max(a, axis=0)),
    "max-of-both": (TWO, lambda a, b: xp.maximum(a, b)),
}  # fmt: skip


@pytest.mark.parametrize("name", CELL_FOLLOWS)
def test_cells_that_follow_are_unsafe_with_a_witness(name: str) -> None:
    inputs, attack = CELL_FOLLOWS[name]
    verdict = found(attack, inputs=inputs)
    assert verdict.kind == "unsafe", verdict
    assert verdict.example and verdict.reveals and verdict.because


NOT_PROVED: dict[str, tuple[Inputs, Callable[..., Any]]] = {
    "regression-of-two": (TWO, regression),
    "soft-maximum": (TWO, lambda a, b: xp.log(xp.sum(xp.exp(50.0 * a))) / 50.0),
    "high-power": (TWO, lambda a, b: xp.sum(a**16)),
    "fourth-moment": (TWO, lambda a, b: xp.mean(a * a * a * a)),
    "soft-threshold": (TWO, lambda a, b: xp.sum(xp.sigmoid(100.0 * (a - 0.5)))),
    "sum-of-inverses": (TWO, lambda a, b: xp.sum(1.0 / a)),
    "digits": (TWO, lambda a, b: xp.sum(a * 2.0 ** np.arange(-10.0, 20.0, 0.5))),
    "by-own-weights": (TWO, lambda a, b: xp.sum(a * b)),
    "by-own-choice": (TWO, lambda a, b: xp.sum(xp.where(b > 0.0, a, 0.0))),
    "masked-mean": (TWO, lambda a, b: xp.sum(a * b) / xp.sum(b)),
    "own-matrix": ({"a": real(0, 20), "b": real(1, 20, 20)}, lambda a, b: b @ a),
    "count-and-part": (TWO, lambda a, b: (xp.sum(a > 1.0), xp.sum(xp.where(a > 1.0, a, 0.0)))),
    "count-of-counts": (TWO, lambda a, b: xp.sum(xp.where(a > 1.0, xp.astype(a > 2.0, xp.int64), 0))),
    "spread": (TWO, lambda a, b: xp.max(a) - xp.min(a)),
    "second-largest-of-all": (THREE, lambda a, b, c: xp.top_k(xp.concat([a, b, c]), 2)),
    "many-sums": (TWO, lambda a, b: (xp.sum(a[:30]), xp.sum(a[30:]), xp.sum(a[:20]), xp.sum(a[10:40]))),
    "softmax": (TWO, lambda a, b: xp.softmax(a)),
    "shuffled": (TWO, lambda a, b: xp.shuffle(a)),
    "one-of-ten": (TWO, lambda a, b: xp.sum(a[:10]) + xp.sum(b)),
    "long-loop": (TWO, lambda a, b: long_loop(a)),
    "all-but-one-in-ratio": (TWO, lambda a, b: (xp.sum(b) / xp.sum(a), xp.sum(a[1:]))),
    "difference-of-squares": (TWO, lambda a, b: (xp.sum(a * a), xp.sum(a[1:] * a[1:]))),
    "one-hot": (CARDS, lambda a, b: xp.one_hot(a, 5)),
    "histogram": (CARDS, lambda a, b: xp.sum(xp.astype(xp.one_hot(a, 4), xp.int64), axis=0)),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_PROVED)
def test_what_is_not_proved_is_never_safe(name: str) -> None:
    inputs, attack = NOT_PROVED[name]
    verdict = found(attack, inputs=inputs)
    assert verdict.kind in ("unknown", "unsafe") and verdict.because, verdict


STATISTICS: dict[str, tuple[Inputs, Callable[..., Any]]] = {
    "mean-of-both": (TWO, lambda a, b: xp.mean(a - b)),
    "sums-of-halves": (TWO, lambda a, b: (xp.sum(a[:30]), xp.sum(a[30:]))),
    "variance": (TWO, lambda a, b: xp.var(a)),
    "deviation": (TWO, lambda a, b: xp.std(a) + xp.mean(b)),
    "moments": (TWO, lambda a, b: (xp.mean(a), xp.mean(a * a))),
    "columns-of-a-table": (TABLE, lambda a, b: xp.mean(a, axis=0)),
    "own-covariances": (TABLE, lambda a, b: xp.matrix_transpose(a)[:2] @ a[:, 2]),
    "standardised": (TWO, lambda a, b: xp.sum((a - xp.mean(a)) / 3.0) + xp.sum(b)),
    "weighted-alike": (TWO, lambda a, b: 0.1 * xp.sum(a * (ONES * 3.0))),
    "count": (TWO, lambda a, b: xp.sum(xp.astype(a > 1.0, xp.int64))),
    "count-of-not-nothing": (CARDS, lambda a, b: xp.sum(xp.astype(xp.astype(a, xp.bool), xp.int64))),
    "sum-over-threshold": (TWO, lambda a, b: xp.sum(a) > 3.0),
    "sum-in-loop": ({"a": real(0, 40), "b": real(1, 40)}, lambda a, b: sum_in_loop(a)),
}  # fmt: skip


@pytest.mark.parametrize("name", STATISTICS)
def test_plain_statistics_are_proved_safe(name: str) -> None:
    inputs, function = STATISTICS[name]
    verdict = found(function, inputs=inputs)
    assert verdict.kind == "safe", verdict


def test_bits_of_one_column_over_jobs() -> None:
    jobs = [lambda a, b, t=t: xp.sum(xp.astype(a[:20] > t, xp.int64)) for t in np.arange(0.0, 3.0, 0.5)]
    assert found(*jobs).kind == "unknown"
    assert found(lambda a, b: xp.sum(a), lambda a, b: a[5] > 2.0).kind == "unsafe"


def test_two_of_three_pool_what_they_have() -> None:
    verdict = found(lambda a, b, c: a + b + c, inputs=THREE)
    assert (verdict.kind, verdict.coalition) == ("unsafe", (1, 2))
    to_one = program(lambda a, b, c: xp.sum(a) + b[0] * 0.0, THREE, to=1)
    to_other = program(lambda a, b, c: xp.sum(a[1:]) + c[0] * 0.0, THREE, to=2)
    pooled = {v.column: v for v in judge([to_one, to_other], parties=3)}["a"]
    assert (pooled.kind, pooled.coalition) == ("unsafe", (1, 2))
    assert "r0 (before)" in pooled.example and "a[0]" in pooled.example


def test_one_row_less_in_the_next_job() -> None:
    shorter = {"a": real(0, N - 1), "b": real(1, N)}
    jobs = [program(lambda a, b: xp.sum(a), TWO), program(lambda a, b: xp.mean(a), shorter)]
    assert judge(jobs, parties=2)[0].kind == "unsafe"


def test_other_data_under_the_same_name_are_not_called_safe() -> None:
    jobs = [program(lambda a, b: xp.sum(a), TWO)] * 2
    assert judge(jobs, parties=2, versions=[{"a": "1"}, {"a": "1"}])[0].kind == "safe"
    verdict = judge(jobs, parties=2, versions=[{"a": "1"}, {"a": "2"}])[0]
    assert verdict.kind == "unknown" and "same name" in verdict.because


def test_public_inputs_hide_nothing() -> None:
    inputs = {"a": real(0, N), "p": Type(PUBLIC, FIXED, (N,)), "b": real(1)}
    assert found(lambda a, p, b: a[3] + p[3], inputs=inputs).kind == "unsafe"
    assert found(lambda a, p, b: xp.sum(a * p), inputs=inputs).kind != "safe"


def test_what_comes_in_on_shares_is_not_called_safe() -> None:
    inputs = {"a": real(0, N), "s": Type(SECRET, FIXED, ()), "b": real(1)}
    verdict = found(lambda a, s, b: s + b, inputs=inputs)
    assert verdict.kind == "unknown" and "shares" in verdict.because


def test_guards_are_revealed_to_all() -> None:
    def guarded(a: Any, b: Any) -> Any:
        return {"x": xp.reveal(xp.sum(a), name="x", to=1, when=a[0] > 0.0)}

    inputs = [("a", real(0, N)), ("b", real(1, N)), ("c", real(2))]
    guard = trace(lambda a, b, c: guarded(a, b), inputs, "p", {})
    verdict = judge([guard], parties=3)[0]
    assert verdict.kind == "unsafe" and any("guard" in name for name in verdict.reveals)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda a, b: xp.mean(a), "safe"),
        (lambda a, b: xp.var(a) + xp.mean(b), "safe"),
        (lambda a, b: xp.sum((a - xp.mean(a)) / 3.0), "safe"),
        (lambda a, b: (xp.sum(a), xp.sum(a[1:])), "unsafe"),
        (lambda a, b: xp.max(a), "unsafe"),
        (lambda a, b: a, "unsafe"),
        (lambda a, b: xp.sum(a * b), "unknown"),
        (lambda a, b: xp.sum(xp.sigmoid(a)), "unknown"),
    ],
)
def test_many_rows_are_judged_in_seconds(function: Callable[..., Any], kind: str) -> None:
    inputs = {"a": real(0, 200_000), "b": real(1, 200_000)}
    start = time.process_time()
    assert found(function, inputs=inputs).kind == kind
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: xp.matrix_transpose(a) @ a,
        lambda a, b: xp.sort(a[:, 0]),
        lambda a, b: a @ (np.arange(1.0, 11.0) / 7.0),
    ],
)
def test_what_is_too_large_is_unknown_soon(function: Callable[..., Any]) -> None:
    inputs = {"a": real(0, 300_000, 10), "b": real(1, 300_000)}
    start = time.process_time()
    by_name = {v.column: v for v in judge([program(function, inputs)], parties=2)}
    assert by_name["a"].kind in ("unknown", "unsafe") and by_name["b"].kind == "safe"
    assert time.process_time() - start < 20


def test_a_long_chain_of_operators_is_judged() -> None:
    def chain(a: Any, b: Any) -> Any:
        for _ in range(600):
            a = xp.sigmoid(a + 1.0)
        return xp.sum(a)

    assert found(chain, inputs={"a": real(0, 12), "b": real(1)}).kind == "unknown"
