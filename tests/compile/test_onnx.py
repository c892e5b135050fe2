"""ONNX operators in private against ONNX's own reference, each on private inputs through the compiler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tacit
from tacit.compile import array as xp
from tacit.run.secure import Simulation
from tests.compile.onnx_cases import CASES, Case, model_of, real

onnx = pytest.importorskip("onnx")
from onnx.reference import ReferenceEvaluator  # noqa: E402


def private(model: Any, arrays: tuple[np.ndarray, ...], scheme: str = "plain") -> list[np.ndarray]:
    """The outputs of the model on inputs of three parties in turn."""
    names = ["a", "b"] if scheme == "semi2k" else ["a", "b", "c"]
    with Simulation(names, scheme=scheme, insecure_seed=b"onnx" * 8) as parties:
        inputs = [parties[names[k % len(names)]].private(x, limit=limit_of(x)) for k, x in enumerate(arrays)]
        got = tacit.secure(on_shares(model))(*inputs)
    return list(got.values()) if isinstance(got, dict) else [got]


def on_shares(model: Any) -> Any:
    """The model on secrets, so that nobody computes in plaintext what he knows alone."""

    def hidden(*values: Any) -> Any:
        return model(*map(xp.to_secret, values))

    return hidden


def limit_of(x: np.ndarray) -> tuple[float, float] | None:
    return None if x.dtype == bool else (float(np.floor(4 * x.min()) / 4), float(np.ceil(4 * x.max()) / 4))


def close(got: Any, expected: Any, error: float = 2.0**-10) -> None:
    assert np.shape(got) == np.shape(expected)
    wanted = np.asarray(expected, np.float64)
    assert np.all(np.abs(np.asarray(got, np.float64) - wanted) <= error * np.maximum(1, np.abs(wanted)))


def reference(proto: Any, arrays: tuple[np.ndarray, ...]) -> list[Any]:
    names = [value.name for value in proto.graph.input]
    found: list[Any] = ReferenceEvaluator(proto).run(None, dict(zip(names, arrays, strict=True)))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_operator_gives_what_the_reference_gives(case: Case) -> None:
    proto = model_of(case)
    model, expected = tacit.onnx.load(proto), reference(proto, case.private)
    if case.private:
        for mine, theirs in zip(private(model, case.private), expected, strict=True):
            close(mine, theirs)
    clear = model(*case.private)
    for mine, theirs in zip(clear.values() if isinstance(clear, dict) else [clear], expected, strict=True):
        close(mine, theirs, 1e-6)


def test_all_operators_run_among_three_parties_in_one_program() -> None:
    """Every operator on secrets of three parties, as one batch whose rounds are merged."""
    cases = [case for case in CASES if case.private]
    models = [tacit.onnx.load(model_of(case)) for case in cases]
    arrays = [x for case in cases for x in case.private]

    def everything(*values: Any) -> dict[str, Any]:
        rest, found = list(values), {}
        for number, (case, model) in enumerate(zip(cases, models, strict=True)):
            outs = model(*(rest.pop(0) for _ in case.private))
            parts = list(outs.values()) if isinstance(outs, dict) else [outs]
            found.update({f"y{number}.{k}": part for k, part in enumerate(parts)})
        return found

    expected = [one for case in cases for one in reference(model_of(case), case.private)]
    for mine, theirs in zip(private(everything, tuple(arrays), "rep3"), expected, strict=True):
        close(mine, theirs, 2.0**-9)


def convolved_back(x: np.ndarray, weights: np.ndarray, stride: int, pad: int, extra: int) -> np.ndarray:
    """A transposed convolution along one axis in two groups, written out."""
    per = weights.shape[1]
    size = (x.shape[2] - 1) * stride + weights.shape[2] - 2 * pad + extra
    found = np.zeros((len(x), 2 * per, size + 2 * pad))
    for c, m, at, k in np.ndindex(x.shape[1], per, x.shape[2], weights.shape[2]):
        found[:, (c // (x.shape[1] // 2)) * per + m, at * stride + k] += x[:, c, at] * weights[c, m, k]
    return found[:, :, pad : pad + size]


def response(x: np.ndarray, size: int, alpha: float) -> np.ndarray:
    total = np.zeros_like(x)
    for c in range(x.shape[1]):
        low, high = max(0, c - (size - 1) // 2), min(x.shape[1], c + size // 2 + 1)
        total[:, c] = (x[:, low:high] ** 2).sum(axis=1)
    return x / (1.0 + alpha / size * total) ** 0.75


def flattened_softmax(x: np.ndarray) -> np.ndarray:
    rows = np.exp(x.reshape(len(x), -1))
    return (rows / rows.sum(axis=1, keepdims=True)).reshape(x.shape)


def test_where_the_reference_departs_from_the_text_the_text_counts() -> None:
    """Groups of transposed convolutions, neighbouring channels, norms of both signs, old axes."""
    x, volume, weights = real(2, 4, 3, 2), real(2, 4, 5), real(4, 3, 3)
    cases = [
        (
            Case("ConvTranspose", (volume,), (weights,), {"group": 2, "strides": [2], "pads": [1, 1]}),
            convolved_back(volume, weights, 2, 1, 0),
        ),
        (Case("LRN", (x,), attributes={"size": 3, "alpha": 0.5}), response(x, 3, 0.5)),
        (
            Case("LpNormalization", (x,), attributes={"p": 1, "axis": 1}),
            x / np.abs(x).sum(axis=1, keepdims=True),
        ),
        (Case("GlobalLpPool", (x,)), np.sqrt((x**2).sum((2, 3), keepdims=True))),
        (Case("Softmax", (x,), opset=11), flattened_softmax(x)),
        (Case("LogSoftmax", (x,), opset=9), np.log(flattened_softmax(x))),
        (
            Case("MeanVarianceNormalization", (x,)),
            (x - x.mean((0, 2, 3), keepdims=True)) / x.std((0, 2, 3), keepdims=True),
        ),
    ]
    for case, expected in cases:
        model = tacit.onnx.load(model_of(case))
        close(private(model, case.private)[0], expected)
        close(model(*case.private), expected, 1e-6)


def bidirectional(op: str, gates: int, steps: int = 3) -> tuple[Case, list[np.ndarray]]:
    """A recurrent layer in both directions, and what the two directions give by themselves."""
    x, weights = real(steps, 2, 3), (real(2, gates * 2, 3), real(2, gates * 2, 2), real(2, gates * 4))
    both = Case(op, (x,), weights, {"hidden_size": 2, "direction": "bidirectional"}, n_outs=1)
    rows = []
    for k, given in enumerate((x, x[::-1])):
        single = Case(op, (given,), tuple(w[k : k + 1] for w in weights), {"hidden_size": 2}, n_outs=1)
        found = reference(model_of(single), single.private)[0]
        rows.append(found if k == 0 else found[::-1])
    return both, [np.concatenate(rows, axis=1)]


@pytest.mark.parametrize(("op", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
def test_recurrent_layers_run_in_both_directions(op: str, gates: int) -> None:
    case, expected = bidirectional(op, gates)
    close(private(tacit.onnx.load(model_of(case)), case.private)[0], expected[0])
