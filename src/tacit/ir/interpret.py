"""Running a program on plaintext numpy arrays through `Op.ref`: the oracle of every secure run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tacit.base.errors import UsageError
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Program, Var


def interpret(program: Program, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs by name for these inputs by name.

    Raises: UsageError IR-0012 if an input is missing or of another shape, what `Op.ref` raises.
    """
    names = {name for name, _ in program.ins}
    if names != set(inputs):
        odd = min(names ^ set(inputs))
        what = "is missing" if odd in names else "is not one of the program's"
        raise UsageError("IR-0012", f"input {odd!r} {what}")
    values = evaluate(program, [inputs[name] for name, _ in program.ins])
    return dict(zip((name for name, _ in program.outs), values, strict=True))


def evaluate(program: Program, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Outputs in order for inputs in order. Raises as `interpret`."""
    values: dict[Var, np.ndarray] = {}
    for (name, var), array in zip(program.ins, inputs, strict=True):
        given = np.asarray(array, dtype=numpy_dtype(var.type.dtype))
        if given.shape != var.type.shape:
            raise UsageError("IR-0012", f"input {name!r} has shape {given.shape}, not {var.type.shape}")
        values[var] = given
    for eqn in program.eqns:
        result = OPS[eqn.op].ref(*(values[var] for var in eqn.ins), **eqn.params)
        results = result if isinstance(result, tuple) else (result,)
        for var, array in zip(eqn.outs, results, strict=True):
            values[var] = np.asarray(array, dtype=numpy_dtype(var.type.dtype))
    return tuple(values[var] for _, var in program.outs)
