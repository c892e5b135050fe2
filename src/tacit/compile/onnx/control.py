"""Operators with inner graphs: branches on public or secret bits, loops of a public number of steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.types import BOOL
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.onnx.evaluate import Scope, known, rule, shapes, unsupported
from tacit.compile.onnx.graph import Graph
from tacit.compile.trace import plain

MOST_STEPS = 4096
"""Of a `Loop`."""


@rule("If")
def _if(condition: Value, /, *, then_branch: Graph, else_branch: Graph, scope: Scope) -> Any:
    """On a secret both branches are computed, and one is selected."""
    if not traced(condition):
        return tuple(scope.run(then_branch if bool(np.all(plain(condition))) else else_branch, []))
    yes, no = scope.run(then_branch, []), scope.run(else_branch, [])
    bit = xp.reshape(cast(condition, BOOL), ())
    if [xp.asarray(a).shape for a in yes] != [xp.asarray(b).shape for b in no]:
        raise shapes("the branches of an If on private data give different shapes")
    return tuple(xp.where(bit, a, b) for a, b in zip(yes, no, strict=True))


@rule("Loop")
def _loop(trips: Value = None, condition: Value = None, /, *state: Value, body: Graph, scope: Scope) -> Any:
    """Unrolled: how often it runs is public."""
    limit = MOST_STEPS + 1 if trips is None else int(known(trips, "the number of steps of Loop").reshape(()))
    again = condition is None or bool(np.all(known(condition, "the condition of Loop")))
    n, now, rows, step = len(state), list(state), [], 0
    while again and step < limit:
        if step == MOST_STEPS:
            raise unsupported(f"a Loop of more than {MOST_STEPS} steps", "use Scan")
        goes_on, *outs = scope.run(body, [np.array(step), np.array(True), *now])
        now, step = outs[:n], step + 1
        rows.append(outs[n:])
        again = bool(np.all(known(goes_on, "the condition of Loop")))
    columns = [xp.stack([xp.asarray(value) for value in column]) for column in zip(*rows, strict=True)]
    return (*now, *columns)


@rule("Scan")
def _scan(
    *values: Value, body: Graph, num_scan_inputs: int, scan_input_axes: Any = None,
    scan_input_directions: Any = None, scan_output_axes: Any = None, scan_output_directions: Any = None,
    scope: Scope, opset: int,
) -> Any:  # fmt: skip
    """A loop stays a loop in the program."""
    if opset < 9:
        raise unsupported("Scan before version 9")
    n_state = len(values) - num_scan_inputs
    rows = [
        _turned(xp.moveaxis(xp.asarray(value), axis, 0), backwards)
        for value, axis, backwards in zip(
            values[n_state:],
            scan_input_axes or (0,) * num_scan_inputs,
            scan_input_directions or (0,) * num_scan_inputs,
            strict=True,
        )
    ]

    def step(state: Any, row: Any) -> tuple[Any, Any]:
        outs = scope.run(body, [*state, *row])
        return tuple(outs[:n_state]), tuple(outs[n_state:])

    last, found = xp.scan(step, tuple(values[:n_state]), tuple(rows))
    n_outs = len(found)
    columns = [
        xp.moveaxis(_turned(value, backwards), 0, axis)
        for value, axis, backwards in zip(
            found, scan_output_axes or (0,) * n_outs, scan_output_directions or (0,) * n_outs, strict=True
        )
    ]
    return (*last, *columns)


def _turned(x: Value, backwards: int) -> Value:
    return xp.flip(x, axis=0) if backwards else x
