"""One ordinary function twice: on numpy arrays in the clear, and on shares of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.types import BOOL, FIXED, INT, DType, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.pipeline import run_passes
from tacit.mpc.execute import execute
from tacit.mpc.operators import has
from tacit.mpc.scheme import Scheme
from tests.harness import run_scheme

_DTYPES: dict[str, DType] = {"f": FIXED, "i": INT, "b": BOOL}


def secretly(
    function: Callable[..., dict[str, Any]], *arrays: np.ndarray, scheme: str = "semi2k"
) -> dict[str, np.ndarray]:
    """What `function` (of arrays, to a dict) gives with array k private to party k mod 2 and all revealed."""
    types = [
        (f"x{k}", Type(Private(k % 2), _DTYPES[array.dtype.kind], array.shape))
        for k, array in enumerate(arrays)
    ]

    def revealing(*values: Any) -> dict[str, Any]:
        return {
            name: value if isinstance(value, np.ndarray) else xp.reveal(value, name=name)
            for name, value in function(*values).items()
        }

    program = run_passes(trace(revealing, types, "oracle"), has)

    async def party(ctx: Ctx, started: Scheme) -> dict[str, np.ndarray]:
        data = {f"x{k}": array if k % 2 == ctx.me else None for k, array in enumerate(arrays)}
        outputs = await execute(ctx, started, program, data)
        return {name: value.plain for name, value in outputs.items() if value.plain is not None}

    first, second = run_scheme(scheme, party)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    return first


def representable(x: np.ndarray) -> np.ndarray:
    """`x` rounded to what the fixed-point encoding holds."""
    return np.rint(x * 2.0**18) / 2.0**18
