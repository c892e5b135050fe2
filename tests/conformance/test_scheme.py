"""Every scheme x operator x signature of the registries, against the operator's numpy meaning."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from tacit.base.errors import UnsupportedError
from tacit.base.types import FIXED, FRACTION_BITS, SECRET, DType, Private, Type
from tacit.compile.pipeline import run_passes
from tacit.ir.op import OPS, Bound, Op, Signature
from tacit.ir.program import Builder, Program, walk
from tacit.mpc.execute import execute
from tacit.mpc.operators import is_linear, supports
from tacit.mpc.scheme import SCHEMES, load
from tests.harness import owners_of, run_scheme

NOT_ON_SECRETS = {"isfinite": "every shared value is finite"}
"""Declared gaps: these operators compute on what one party knows; on secrets they are refused, by name."""
CONTROL = {"const", "scan"}
"""Run by the programs below and by tests/mpc, not as single operators on secret inputs."""

CASES = [
    (scheme, name, index)
    for scheme in SCHEMES
    for name, op in sorted(OPS.items())
    if name not in CONTROL
    for index in range(len(op.signatures))
]


def lacks(scheme: str, program: Program) -> bool:
    """The gaps that a scheme declares: a linear one has nothing that is not linear, even after lowering."""
    lowered = run_passes(program, supports(scheme))
    return load(scheme).linear_only and not all(
        is_linear(eqn) for eqn in walk(lowered) if any(var.type.vis == SECRET for var in eqn.outs)
    )


def draw(signature: Signature, name: str) -> list[np.ndarray]:
    """Uniform inputs that the encoding represents exactly."""
    rng = np.random.default_rng(zlib.crc32(f"{name}{signature}".encode()))
    arrays = []
    for dtype, shape in zip(signature.dtypes, signature.shapes, strict=True):
        values = rng.uniform(signature.low, signature.high, shape)
        arrays.append(_as(values, dtype, rng))
    return arrays


def _as(values: np.ndarray, dtype: DType, rng: np.random.Generator) -> np.ndarray:
    if dtype.kind == "bool":
        return rng.integers(0, 2, values.shape).astype(bool)
    if dtype.kind == "int":
        return np.floor(values).astype(np.int64)
    return np.rint(values * 2.0**FRACTION_BITS) / 2.0**FRACTION_BITS


def program_of(op: Op, signature: Signature, n_parties: int) -> Program:
    """Inputs of all owners in turn made secret, the operator, everything revealed to all."""
    builder = Builder()
    secrets = []
    for i, (dtype, shape) in enumerate(zip(signature.dtypes, signature.shapes, strict=True)):
        low = signature.low if dtype == FIXED else float(np.floor(signature.low))
        within = None if dtype.kind == "bool" else (low, signature.high)
        held = builder.input(f"x{i}", Type(Private(i % n_parties), dtype, shape), within)
        secrets.append(builder.emit("to_secret", held))
    if op.name == "reveal":
        return builder.build("case", {"out": builder.emit(op.name, *secrets, **signature.params)})
    result = builder.emit(op.name, *secrets, **signature.params)
    outs = result if isinstance(result, tuple) else (result,)
    return builder.build(
        "case", {f"o{i}": builder.emit("reveal", out, to=(), name=f"o{i}") for i, out in enumerate(outs)}
    )


def run_case(scheme: str, program: Program, arrays: list[np.ndarray]) -> list[np.ndarray]:
    lowered = run_passes(program, supports(scheme), ring_bits=load(scheme).ring_bits)

    async def party(ctx, started):  # type: ignore[no-untyped-def]
        n_owners = owners_of(scheme)
        data = {f"x{i}": a if i % n_owners == ctx.me else None for i, a in enumerate(arrays)}
        outputs = await execute(ctx, started, lowered, data)
        return [value.plain for value in outputs.values()]

    results = []
    for seen in zip(*run_scheme(scheme, party), strict=True):
        known = [array for array in seen if array is not None]
        assert all(np.array_equal(known[0], other) for other in known)
        results.append(known[0])
    return results


def check(got: np.ndarray, expected: np.ndarray, bound: Bound) -> None:
    assert got.shape == np.shape(expected)
    allowed = bound.absolute + bound.relative * np.abs(np.asarray(expected, dtype=np.float64))
    error = np.abs(np.asarray(got, dtype=np.float64) - np.asarray(expected, dtype=np.float64))
    assert np.all(error <= allowed), f"largest error {error.max()} where {np.min(allowed)} is allowed"


@pytest.mark.parametrize(("scheme", "name", "index"), CASES)
def test_operator(scheme: str, name: str, index: int) -> None:
    op, signature = OPS[name], OPS[name].signatures[index]
    arrays = draw(signature, name)
    if name in NOT_ON_SECRETS:
        with pytest.raises(UnsupportedError) as refused:
            run_case(scheme, program_of(op, signature, owners_of(scheme)), arrays)
        assert refused.value.code == "EXEC-0002"
        return
    if lacks(scheme, program_of(op, signature, owners_of(scheme))):
        with pytest.raises(UnsupportedError, match=f"in scheme '{scheme}'") as refused:
            run_case(scheme, program_of(op, signature, owners_of(scheme)), arrays)
        assert refused.value.code == "EXEC-0002"
        return
    results = run_case(scheme, program_of(op, signature, owners_of(scheme)), arrays)
    expected = op.ref(*arrays, **signature.params)
    outs = expected if isinstance(expected, tuple) else (expected,)
    for got, wanted in zip(results, outs, strict=True):
        check(got, wanted, signature.error or op.error)


def test_every_operator_has_signatures() -> None:
    assert [name for name, op in OPS.items() if len(op.signatures) < 2 and name not in CONTROL] == []
    assert SECRET != FIXED and set(NOT_ON_SECRETS) <= set(OPS)
