"""RNN, GRU and LSTM: a scan over time for each direction; every weight may be a private value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value
from tacit.compile.onnx.elementwise import relu
from tacit.compile.onnx.evaluate import known, rule, unsupported

_ACTIVATIONS: dict[str, Callable[[Value], Value]] = {
    "sigmoid": xp.sigmoid,
    "tanh": xp.tanh,
    "relu": relu,
    "hardsigmoid": lambda x: xp.clip(xp.add(xp.multiply(x, 0.2), 0.5), 0.0, 1.0),
    "affine": lambda x: x,
}
State = tuple[Value, ...]
Step = Callable[[State, Value, "Weights"], State]


class Weights:
    """Of one direction: w [in, gates * hidden], r [hidden, gates * hidden], biases b of w and c of r."""

    def __init__(self, w: Value, r: Value, b: Value, direction: int, n_gates: int) -> None:
        hidden = r.shape[-1]
        self.hidden, self.n_gates = hidden, n_gates
        self.w = xp.matrix_transpose(w[direction])
        self.r = xp.matrix_transpose(r[direction])
        both = np.zeros(2 * n_gates * hidden) if b is None else b[direction]
        self.b, self.c = both[: n_gates * hidden], both[n_gates * hidden :]

    def gate(self, x: Value, k: int) -> Value:
        return x[:, k * self.hidden : (k + 1) * self.hidden]


def _functions(names: Any, usual: Sequence[str], direction: int) -> list[Callable[[Value], Value]]:
    chosen = [name.lower() for name in (names or ())][direction * len(usual) : (direction + 1) * len(usual)]
    strange = [name for name in chosen if name not in _ACTIVATIONS]
    if strange:
        raise unsupported(f"the activation {strange[0]!r}", f"use one of {', '.join(_ACTIVATIONS)}")
    return [_ACTIVATIONS[name] for name in (chosen or usual)]


def _run(
    x: Value,
    starts: Sequence[Value],
    weights: Sequence[Weights],
    step: Sequence[Step],
    direction: str,
    layout: int,
) -> tuple[Value, ...]:
    """(all hidden states, last hidden state, further last states)."""
    if layout:
        x = xp.permute_dims(x, (1, 0, 2))
        starts = [None if start is None else xp.permute_dims(start, (1, 0, 2)) for start in starts]
    batch = x.shape[1]
    rows, lasts = [], []
    for k, own in enumerate(weights):
        backwards = direction == "reverse" or k == 1
        given = xp.flip(x, axis=0) if backwards else x
        state = tuple(np.zeros((batch, own.hidden)) if start is None else start[k] for start in starts)
        last, found = _direction(given, state, own, step[k])
        rows.append(xp.flip(found, axis=0) if backwards else found)
        lasts.append(last)
    hidden = xp.stack(rows, axis=1)
    states = [xp.stack([last[k] for last in lasts]) for k in range(len(starts))]
    if layout:
        return xp.permute_dims(hidden, (2, 0, 1, 3)), *(xp.permute_dims(state, (1, 0, 2)) for state in states)
    return hidden, *states


def _direction(x: Value, state: tuple[Value, ...], own: Weights, step: Step) -> tuple[Any, Value]:
    steps, batch, size = x.shape
    # What does not depend on the state is one product for all steps.
    inner = xp.add(xp.matmul(xp.reshape(x, (steps * batch, size)), own.w), own.b)
    inner = xp.reshape(inner, (steps, batch, own.n_gates * own.hidden))

    def body(now: Any, row: Any) -> tuple[Any, Any]:
        new = step(now, row[0], own)
        return new, new[0]

    return xp.scan(body, state, (inner,))


def _checked(lengths: Value, x: Value, layout: int, direction: str, clip: Any) -> int:
    """How many directions there are; sequences that end early are refused."""
    n_steps = x.shape[1 if layout else 0]
    if lengths is not None and np.any(known(lengths, "the lengths of sequences") != n_steps):
        raise unsupported("sequences of different lengths", "pad them in the model")
    if clip is not None:
        raise unsupported("the attribute 'clip' of a recurrent layer")
    if direction not in ("forward", "reverse", "bidirectional"):
        raise unsupported(f"the direction {direction!r}", "use forward, reverse or bidirectional")
    return 2 if direction == "bidirectional" else 1


@rule("RNN")
def _rnn(
    x: Value, w: Value, r: Value, b: Value = None, lengths: Value = None, start: Value = None, /, *,
    hidden_size: int, direction: str = "forward", activations: Any = None, layout: int = 0, clip: Any = None,
) -> Any:  # fmt: skip
    n = _checked(lengths, x, layout, direction, clip)
    steps: list[Step] = []
    for k in range(n):
        (f,) = _functions(activations, ("tanh",), k)

        def step(now: State, row: Value, own: Weights, f: Any = f) -> State:
            return (f(xp.add(row, xp.add(xp.matmul(now[0], own.r), own.c))),)

        steps.append(step)
    return _run(x, [start], [Weights(w, r, b, k, 1) for k in range(n)], steps, direction, layout)


@rule("GRU")
def _gru(
    x: Value, w: Value, r: Value, b: Value = None, lengths: Value = None, start: Value = None, /, *,
    hidden_size: int, direction: str = "forward", activations: Any = None, linear_before_reset: int = 0,
    layout: int = 0, clip: Any = None,
) -> Any:  # fmt: skip
    """Gates: update, reset, hidden."""
    n = _checked(lengths, x, layout, direction, clip)
    steps: list[Step] = []
    for k in range(n):
        f, g = _functions(activations, ("sigmoid", "tanh"), k)

        def step(now: State, row: Value, own: Weights, f: Any = f, g: Any = g) -> State:
            h, size = now[0], own.hidden
            outer = xp.add(xp.matmul(h, own.r[:, : 2 * size]), own.c[: 2 * size])
            both = f(xp.add(row[:, : 2 * size], outer))
            update, reset = both[:, :size], both[:, size:]
            last, bias = own.r[:, 2 * size :], own.c[2 * size :]
            if linear_before_reset:
                inner = xp.multiply(reset, xp.add(xp.matmul(h, last), bias))
            else:
                inner = xp.add(xp.matmul(xp.multiply(reset, h), last), bias)
            fresh = g(xp.add(row[:, 2 * size :], inner))
            return (xp.add(fresh, xp.multiply(update, xp.subtract(h, fresh))),)

        steps.append(step)
    return _run(x, [start], [Weights(w, r, b, k, 3) for k in range(n)], steps, direction, layout)


@rule("LSTM")
def _lstm(
    x: Value, w: Value, r: Value, b: Value = None, lengths: Value = None, start: Value = None,
    start_cell: Value = None, peepholes: Value = None, /, *,
    hidden_size: int, direction: str = "forward", activations: Any = None, input_forget: int = 0,
    layout: int = 0, clip: Any = None,
) -> Any:  # fmt: skip
    """Gates: input, output, forget, cell."""
    n = _checked(lengths, x, layout, direction, clip)
    if peepholes is not None or input_forget:
        raise unsupported("LSTM with peepholes or coupled gates")
    steps: list[Step] = []
    for k in range(n):
        f, g, h = _functions(activations, ("sigmoid", "tanh", "tanh"), k)

        def step(now: State, row: Value, own: Weights, f: Any = f, g: Any = g, h: Any = h) -> State:
            gates = xp.add(row, xp.add(xp.matmul(now[0], own.r), own.c))
            size = own.hidden
            bits = f(gates[:, : 3 * size])
            enter, leave, keep = (bits[:, part * size : (part + 1) * size] for part in range(3))
            cell = xp.add(xp.multiply(keep, now[1]), xp.multiply(enter, g(gates[:, 3 * size :])))
            return xp.multiply(leave, h(cell)), cell

        steps.append(step)
    return _run(x, [start, start_cell], [Weights(w, r, b, k, 4) for k in range(n)], steps, direction, layout)
