"""The evaluation of a graph: the modules beside this one enter what each operator does into `RULES`."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.types import PUBLIC, SECRET, Shape
from tacit.compile import array as xp
from tacit.compile.coerce import Value, traced
from tacit.compile.onnx.graph import MOST_ELEMENTS, Graph, Node
from tacit.compile.onnx.refused import REFUSED, Reason
from tacit.compile.trace import Array, active, dtype_of, plain
from tacit.ir.program import CONSTANT_LIMIT

ML = "ai.onnx.ml"


@dataclass(frozen=True)
class Rule:
    """What an operator does: inputs by position, attributes by name. `told`: what else it asks for.

    `opset` is the version of the operator's set, `n_outs` how many outputs are used, `scope` what inner
    graphs are evaluated in.
    """

    function: Callable[..., Any]
    signature: inspect.Signature
    told: frozenset[str]


RULES: dict[tuple[str, str], Rule] = {}
"""By domain and name of the operator."""


def rule(*names: str, domain: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function: (values, attributes by name) -> value or tuple of values."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(function)
        told = frozenset(signature.parameters) & {"opset", "n_outs", "scope"}
        for name in names:
            RULES[domain, name] = Rule(function, signature, told)
        return function

    return enter


def direct(names: str, function: Callable[..., Any], domain: str = "") -> None:
    """Enter a function of the values alone."""
    for name in names.split():
        RULES[domain, name] = Rule(function, inspect.signature(function), frozenset())


@dataclass(frozen=True)
class Scope:
    """What inner graphs see: the values around them and the versions of the operator sets."""

    values: Mapping[str, Any]
    opsets: Mapping[str, int]

    def run(self, graph: Graph, args: Sequence[Value]) -> list[Any]:
        """The outputs of a graph on `args`, in the order of its inputs."""
        if len(args) != len(graph.ins):
            raise shapes(f"a graph of {len(graph.ins)} inputs is given {len(args)}")
        values: dict[str, Any] = {**self.values, **graph.constants, "": None}
        values.update({slot.name: arg for slot, arg in zip(graph.ins, args, strict=True)})
        for node in graph.nodes:
            outs = _evaluated(node, values, self.opsets)
            values.update(zip(node.outs, outs, strict=False))
        return [values[name] for name in graph.outs]


_MISFITS = (
    ValueError, LookupError, TypeError, ArithmeticError, AttributeError, MemoryError, RecursionError,
)  # fmt: skip
"""What numpy and rules raise for inputs and attributes that contradict each other."""


def _evaluated(node: Node, values: Mapping[str, Any], versions: Mapping[str, int]) -> Sequence[Any]:
    if (node.domain, node.op) not in RULES:
        what, instead = REFUSED.get((node.domain, node.op), Reason.RARE).value
        raise UsageError(
            "ONNX-0002", f"{node} is an operator without private meaning here: {what}", hint=instead
        )
    known = RULES[node.domain, node.op]
    ins = [values[name] for name in node.ins]
    attributes = dict(node.attributes)
    if node.lent:
        attributes.update(zip(node.lent, ins[-len(node.lent) :], strict=False))
        ins = ins[: -len(node.lent)]
    told = {"opset": versions.get(node.domain, 1), "n_outs": len(node.outs), "scope": Scope(values, versions)}
    attributes.update({name: told[name] for name in known.told})
    try:
        known.signature.bind(*ins, **attributes)
    except TypeError as error:
        raise UsageError(
            "ONNX-0002", f"{node}: {error}", hint="re-export the model without it, or with a newer version"
        ) from None
    try:
        outs = known.function(*_entered(ins), **attributes)
    except UsageError as error:
        error.path = error.path or str(node)
        error.hint = error.hint or "check the inputs, and the file with onnx.checker.check_model"
        raise
    except _MISFITS as error:
        raise UsageError(
            "ONNX-0004",
            f"{node} does not fit its inputs of shapes {[_shape(value) for value in ins]}: {error}",
            hint="check the shapes of the inputs, and the file with onnx.checker.check_model",
        ) from error
    outs = outs if isinstance(outs, tuple) else (outs,)
    if len(outs) < len(node.outs):
        raise UsageError(
            "ONNX-0002",
            f"{node}: only the first {len(outs)} of its outputs are given here",
            hint="re-export the model for inference",
        )
    for out in outs:
        room(_shape(out) or ())
    return outs


def _shape(value: Any) -> Shape | None:
    return None if value is None else tuple(np.shape(value)) if not isinstance(value, Array) else value.shape


def _entered(ins: list[Any]) -> list[Any]:
    """Long constants that meet traced values as constants of the program."""
    return [long_constant(value) for value in ins] if traced(*ins) else ins


def long_constant(value: Any) -> Any:
    """`value`; written down in parts if it is data that one constant cannot hold."""
    trace = active()
    if trace is None or not isinstance(value, np.ndarray) or value.dtype != np.float64:
        return value
    if value.size <= CONSTANT_LIMIT or np.all(value == value.flat[0]):
        return value
    flat = value.reshape(-1)
    parts = [
        Array(trace, trace.var(flat[start : start + CONSTANT_LIMIT]))
        for start in range(0, flat.size, CONSTANT_LIMIT)
    ]
    return xp.reshape(xp.concat(parts), value.shape)


# --- what rules ask of values ---------------------------------------------------------------------------


def shapes(message: str) -> UsageError:
    return UsageError(
        "ONNX-0004", message, hint="check the inputs, and the file with onnx.checker.check_model"
    )


def unsupported(message: str, hint: str = "re-export the model without it") -> UsageError:
    return UsageError("ONNX-0002", message, hint=hint)


def known(value: Any, what: str) -> np.ndarray:
    """The data of a value that must be public: a shape, an axis, a number of steps."""
    if isinstance(value, Array):
        raise UsageError(
            "ONNX-0005",
            f"{what} depends on private data",
            hint="make it a constant of the model; what is private may only be computed on",
        )
    return plain(value)


def known_ints(value: Any, what: str) -> tuple[int, ...]:
    return tuple(int(one) for one in known(value, what).reshape(-1))


def room(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape that a model asks for, if there is room. Raises UsageError ONNX-0004."""
    wanted = tuple(int(size) for size in shape)
    if any(size < 0 for size in wanted) or math.prod(wanted) > MOST_ELEMENTS:
        raise shapes(f"a tensor of shape {wanted} is asked for")
    return wanted


def secret(value: Any) -> bool:
    """Whether shares are computed on: nobody has the value."""
    return isinstance(value, Array) and value.type.vis == SECRET


def in_plaintext(value: Any) -> bool:
    """Whether some party has the value, and computes on it exactly."""
    return not secret(value)


def everybodys(value: Any) -> bool:
    return not isinstance(value, Array) or value.type.vis == PUBLIC


def inside(value: Value, low: float, high: float) -> Value:
    """`value`, moved into the range in which a function on shares is right; what is in plaintext as it is."""
    return value if in_plaintext(value) else xp.clip(value, low, high)


def as_number(value: Value) -> Value:
    """Truth values as 0 and 1."""
    return xp.astype(value, xp.int64) if dtype_of(value) == xp.bool else value
