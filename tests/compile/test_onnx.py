"""ONNX operators in private against ONNX's own reference, each on private inputs through the compiler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tacit
from tacit.compile import array as xp
from tacit.run.secure import Simulation
from tests.compile.onnx_cases import CASES, Case, model_of

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
