"""The evaluation of a jaxpr: the modules beside this one enter what each primitive does into `RULES`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value, traced
from tacit.compile.jax.refused import Reason, refuse
from tacit.compile.trace import Array, active, plain
from tacit.compile.transform import Complex, as_complex

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
"""What each primitive does: (values, **parameters of the equation) -> value or list of values."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    def enter(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return enter


OF_COMPLEX: dict[str, Rule] = {}
"""The same, where an operand is complex."""
CALLS = (
    "jit", "pjit", "closed_call", "remat", "remat2", "remat_opt", "checkpoint", "custom_jvp_call",
    "custom_vjp_call", "custom_vmap_call", "core_call", "call", "composite", "linear_call",
)  # fmt: skip
"""What runs an inner program on all its operands."""
_BY_JAX = ("jit", "pjit")
"""Which JAX computes itself, while a program is written, if all they are given is public."""


def run(jaxpr: Any, consts: Sequence[Any], args: Sequence[Value]) -> list[Value]:
    """The outputs of a jaxpr."""
    values: dict[Any, Value] = dict(zip(jaxpr.constvars, map(as_data, consts), strict=True))
    values.update(zip(jaxpr.invars, args, strict=True))

    def read(atom: Any) -> Value:
        return as_data(atom.val) if hasattr(atom, "val") else values[atom]

    tops = Tops()
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        ins = [read(atom) for atom in eqn.invars]
        complex_ = any(map(is_complex, ins))
        rules = OF_COMPLEX if complex_ and name not in (*CALLS, "cond") else RULES
        public = not traced(*ins) and not any(isinstance(value, Complex) for value in ins)
        if public and (complex_ or name not in rules or (name in _BY_JAX and active() is not None)):
            values.update(zip(eqn.outvars, _by_jax(eqn, ins), strict=True))
            continue
        if name not in rules:
            refuse(name, " of complex numbers" if complex_ else "", Reason.RARE if complex_ else None)
        ins = [as_complex(value) if is_complex(value) else value for value in tops.bounded(eqn, ins)]
        params = dict(eqn.params, out=[var.aval for var in eqn.outvars], primitive=eqn.primitive)
        if name in _GUARDED:
            params["of_jax"] = _written_by_jax(eqn)
        result = rules[name](ins, **params)
        outs = result if isinstance(result, list) else [result]
        for var, out in zip(eqn.outvars, outs, strict=True):
            values[var] = tops.at_least_one(eqn, out)
        tops.note(eqn, ins)
    return [read(atom) for atom in jaxpr.outvars]


_GUARDED = ("exp", "log", "log1p", "div", "pow")
"""Which are told whether JAX itself wrote the step."""


def _written_by_jax(eqn: Any) -> bool:
    """Whether the equation is inside of one of JAX's own functions of statistics or of neural networks, which
    rely on floating point to go on to infinity where they choose another value in the end."""
    traceback = eqn.source_info.traceback
    return traceback is not None and any(
        part in frame.file_name for frame in traceback.frames for part in ("jax/_src/scipy/", "jax/_src/nn/")
    )


def _by_jax(eqn: Any, ins: list[Any]) -> list[Any]:
    """What public values give, computed by JAX itself: random numbers from a constant key, for one."""
    typed = [
        value
        if hasattr(value.dtype, "_impl") or atom.aval.dtype == value.dtype
        else value.astype(atom.aval.dtype)
        for atom, value in zip(eqn.invars, ins, strict=True)
    ]
    found = eqn.primitive.bind(*typed, **eqn.primitive.get_bind_params(eqn.params))
    return [as_data(value) for value in (found if eqn.primitive.multiple_results else [found])]


class Tops:
    """Which values are maxima (or minima) of others, from which these were subtracted, and the exponentials
    after that.

    Exponents are then at most 0 and sums of the powers at least 1, which ranges of single values do not show;
    softmax in all its forms is written so. Of the values that equal a maximum there is at least one, too: its
    gradient is divided by their number.
    """

    def __init__(self) -> None:
        self._of: dict[Any, tuple[Any, frozenset[int]]] = {}  # of what, along which axes
        self._shifted: dict[Any, frozenset[int]] = {}
        self._powers: dict[Any, frozenset[int]] = {}

    def note(self, eqn: Any, ins: list[Value]) -> None:
        name, out = eqn.primitive.name, eqn.outvars[0]
        sources = [atom for atom in eqn.invars if not hasattr(atom, "val")]
        if name in ("reduce_max", "reduce_min"):
            self._of[out] = sources[0], frozenset(map(int, eqn.params["axes"]))
        elif name in ("reshape", "broadcast_in_dim", "stop_gradient", "squeeze", "expand_dims", "max"):
            if len(sources) == 1 and sources[0] in self._of and (name != "max" or infinite_among(ins)):
                self._of[out] = self._of[sources[0]]
        elif name in ("sub", "eq") and len(sources) == 2 and sources[1] in self._of:
            source, axes = self._of[sources[1]]
            if source is sources[0]:
                (self._shifted if name == "sub" else self._powers)[out] = axes
        elif name == "exp" and sources and sources[0] in self._shifted:
            self._powers[out] = self._shifted[sources[0]]
        elif name == "convert_element_type" and sources and sources[0] in self._powers:
            self._powers[out] = self._powers[sources[0]]

    def bounded(self, eqn: Any, ins: list[Value]) -> list[Value]:
        """The operands, those of exp moved into the range that is known."""
        if eqn.primitive.name == "exp" and eqn.invars[0] in self._shifted:
            return [xp.clip(ins[0], -24.0, 0.0)]
        return ins

    def at_least_one(self, eqn: Any, out: Value) -> Value:
        """A sum of such powers along the axes of the maximum: one of them is 1."""
        if eqn.primitive.name != "reduce_sum" or hasattr(eqn.invars[0], "val"):
            return out
        axes = set(map(int, eqn.params["axes"]))
        if not self._powers.get(eqn.invars[0], {-1}) <= axes:
            return out
        shape = eqn.invars[0].aval.shape
        count = math.prod(shape[axis] for axis in axes)
        return xp.clip(out, 0.5, float(max(1, count)))


def infinite_among(values: list[Value]) -> bool:
    return any(infinite(value) is not None for value in values)


def shape_of(value: Value) -> tuple[int, ...]:
    return tuple(value.shape) if isinstance(value, Array | Complex) else np.asarray(value).shape


def as_data(value: Any) -> Any:
    if hasattr(getattr(value, "dtype", None), "_impl"):  # a random key, which only JAX reads
        return value
    data = np.asarray(value)
    if data.dtype.kind == "V":  # JAX's zeros of what has no gradient.
        return np.zeros(data.shape, bool)
    return data.astype(_KINDS.get(data.dtype.kind, np.float64))


_KINDS = {"b": np.bool_, "i": np.int64, "u": np.int64, "c": np.complex128}


def is_complex(value: Any) -> bool:
    return isinstance(value, Complex) or (isinstance(value, np.ndarray) and value.dtype.kind == "c")


def infinite(value: Value) -> float | None:
    """Infinity, if that is what every element is."""
    if traced(value):
        return None
    data = plain(value)
    ends = np.unique(data) if data.size else data
    return float(ends[0]) if len(ends) == 1 and np.isinf(ends[0]) else None
