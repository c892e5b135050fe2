"""One program on several schemes: how far each result is from numpy's, and how far it may be.

Source   random rounding: [PV74] La Porte, Vignes, "Algorithmes numériques: analyse et mise en oeuvre", 1974;
         [Vig93] Vignes, "A stochastic arithmetic for reliable scientific computation", 1993.

What an operator may be off is declared (`Op.error`); what that makes of a whole program is found by shaking:
the program runs in the clear several times, every result on secrets off at random by up to its bound. A
scheme may be off by `MARGIN` times the largest deviation that was seen, and two units of the encoding. That
is a test, not a proof: where a comparison is close, a shake may or may not turn it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tacit.base.prg import Prg, derive
from tacit.base.secret import Secret
from tacit.base.types import FRACTION_BITS, SECRET, Shape
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Eqn, Program, Var

SHAKES, MARGIN = 8, 4.0
UNIT = 2.0**-FRACTION_BITS
SCHEMES = ("plain", "semi2k", "rep3")


@dataclass(frozen=True)
class Difference:
    """Of one output under one scheme: the largest error and the bound there, or why it was not run."""

    output: str
    scheme: str
    error: float
    bound: float
    within: bool
    missing: str = ""


@dataclass(frozen=True)
class Comparison:
    """Differences of all outputs under all schemes; `ok` if every scheme that ran is within its bounds."""

    program: str
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        return all(each.within for each in self.differences if not each.missing)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "ok": self.ok}

    def __str__(self) -> str:
        lines = [f"{self.program}: {'within bounds' if self.ok else 'NOT WITHIN BOUNDS'}"]
        for each in self.differences:
            said = each.missing or f"off by {each.error:.3g} where {each.bound:.3g} are allowed"
            lines.append(f"  {each.output} on {each.scheme}: {said}{'' if each.within else '  <-- beyond'}")
        return "\n".join(lines)


def bounds(program: Program, inputs: Mapping[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Exact outputs by name, and how far a scheme's may be from them, element by element."""
    given = [np.asarray(inputs[name], numpy_dtype(var.type.dtype)) for name, var in program.ins]
    exact = _run(program, given, None)
    noise = Prg(derive(Secret(b"tacit-compare-v1"), program.name))
    shaken = [_run(program, [_shaken_input(x, noise) for x in given], noise) for _ in range(SHAKES)]
    found = {}
    for k, (name, _) in enumerate(program.outs):
        value = np.asarray(exact[k], np.float64)
        far = np.max([np.abs(np.asarray(run[k], np.float64) - value) for run in shaken], axis=0)
        found[name] = exact[k], MARGIN * far + 2 * UNIT
    return found


def differences(
    exact: Mapping[str, tuple[np.ndarray, np.ndarray]], scheme: str, got: Mapping[str, np.ndarray]
) -> list[Difference]:
    """Of one scheme's outputs."""
    found = []
    for name, (value, bound) in exact.items():
        error = np.abs(np.asarray(got[name], np.float64) - np.asarray(value, np.float64))
        worst = int(np.argmax(error - bound)) if error.size else 0
        at, allowed = (float(a.reshape(-1)[worst]) if error.size else 0.0 for a in (error, bound))
        found.append(Difference(name, scheme, at, allowed, at <= allowed))
    return found


def _uniform(noise: Prg, shape: Shape) -> np.ndarray:
    """In [-1, 1); the same at every comparison."""
    return np.ldexp(noise.ring(shape).astype(np.float64), -63) - 1.0


def _shaken_input(x: np.ndarray, noise: Prg) -> np.ndarray:
    """Encoding rounds to half a unit."""
    return x + UNIT / 2 * _uniform(noise, x.shape) if x.dtype.kind == "f" else x


def _run(program: Program, inputs: Sequence[np.ndarray], noise: Prg | None) -> list[np.ndarray]:
    values: dict[Var, np.ndarray] = dict(zip((var for _, var in program.ins), inputs, strict=True))
    for eqn in program.eqns:
        ins = [values[var] for var in eqn.ins]
        results = _loop(eqn, ins, noise) if eqn.op == "scan" else _applied(eqn, ins, noise)
        values.update(zip(eqn.outs, results, strict=True))
    return [values[var] for _, var in program.outs]


def _applied(eqn: Eqn, ins: list[np.ndarray], noise: Prg | None) -> list[np.ndarray]:
    result = OPS[eqn.op].ref(*ins, **eqn.params)
    results = result if isinstance(result, tuple) else (result,)
    secret = any(var.type.vis == SECRET for var in (*eqn.ins, *eqn.outs))
    off = OPS[eqn.op].error
    made = []
    for var, array in zip(eqn.outs, results, strict=True):
        value = np.asarray(array, numpy_dtype(var.type.dtype))
        if noise is not None and secret and var.type.dtype.kind == "fixed":
            value = value + (off.absolute + off.relative * np.abs(value)) * _uniform(noise, value.shape)
        made.append(value)
    return made


def _loop(eqn: Eqn, ins: list[np.ndarray], noise: Prg | None) -> list[np.ndarray]:
    body, n_carry, n_xs = eqn.params["body"], eqn.params["n_carry"], eqn.params["n_xs"]
    carries, xs, constants = ins[:n_carry], ins[n_carry : n_carry + n_xs], ins[n_carry + n_xs :]
    rows: list[list[np.ndarray]] = []
    for index in range(eqn.params["length"]):
        outs = _run(body, [*carries, *(x[index] for x in xs), *constants], noise)
        carries = outs[:n_carry]
        rows.append(outs[n_carry:])
    ys = [np.zeros(var.type.shape, numpy_dtype(var.type.dtype)) for var in eqn.outs[n_carry:]]
    for index, row in enumerate(rows):
        for y, value in zip(ys, row, strict=True):
            y[index] = value
    return [*carries, *ys]
