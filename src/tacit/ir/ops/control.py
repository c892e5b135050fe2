"""Constants, disclosure, change of visibility, loops."""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.base.errors import PolicyError, TypeRuleError
from tacit.base.fixed import LIMIT_BITS
from tacit.base.types import BOOL, FIXED, INT, PUBLIC, SECRET, DType, Private, Shape, Type
from tacit.ir.interpret import evaluate
from tacit.ir.op import Signature, Value, numpy_dtype, op
from tacit.ir.program import CONSTANT_LIMIT, Program
from tacit.ir.rule import Parameters, Types, arity, integer, integers, shape_of

_KINDS: dict[str, type] = {"fixed": float, "int": int, "bool": bool}


def _const_rule(types: Types, params: Parameters) -> Types:
    arity(types, 0)
    value, dtype, shape = params["value"], params["dtype"], shape_of(params["shape"])
    if dtype not in (FIXED, INT, BOOL):
        raise TypeRuleError("IR-0002", "a constant is fixed, int or bool")
    flat = value if isinstance(value, tuple) else (value,)
    result = Type(PUBLIC, dtype, shape)
    if isinstance(value, tuple) and (len(flat) != result.size or len(flat) > CONSTANT_LIMIT):
        raise TypeRuleError("IR-0010", f"a constant lists exactly its elements, {CONSTANT_LIMIT} at most")
    if any(type(element) is not _KINDS[dtype.kind] for element in flat):
        raise TypeRuleError("IR-0002", f"a constant's elements must all be of kind {dtype.kind}")
    limit = float(1 << (LIMIT_BITS - dtype.fraction_bits)) if dtype == FIXED else float(1 << 63)
    if any(not -limit <= element < limit for element in flat):
        raise TypeRuleError("IR-0010", f"a constant is not below 2^{int(np.log2(limit))} in magnitude")
    return (result,)


@op(
    "const",
    rule=_const_rule,
    signatures=(
        Signature((), (), {"value": 1.5, "dtype": FIXED, "shape": ()}),
        Signature((), (), {"value": (1, -2, 3, 4, 5, 6), "dtype": INT, "shape": (2, 3)}),
        Signature((), (), {"value": True, "dtype": BOOL, "shape": (4,)}),
    ),
)
def const(*, value: Any, dtype: DType, shape: Shape) -> Value:
    """A public constant: one number fills `shape`, a tuple lists its elements in row-major order."""
    array = np.asarray(value, dtype=numpy_dtype(dtype))
    return array.reshape(shape) if isinstance(value, tuple) else np.full(shape, array)


def _reveal_rule(types: Types, params: Parameters) -> Types:
    if len(types) not in (1, 2):
        raise TypeRuleError("IR-0001", f"takes a value and perhaps a guard, not {len(types)} inputs")
    if len(types) == 2 and (types[1].dtype != BOOL or types[1].shape != ()):
        raise TypeRuleError("IR-0002", "the guard must be one bool")
    if not isinstance(params["name"], str) or not params["name"]:
        raise TypeRuleError("IR-0004", "a reveal needs a name")
    to = integers(params["to"], "to", 0, 1 << 16)
    if len(to) > 1:
        raise TypeRuleError(
            "IR-0005", "reveals go to one party or to all", hint="to=() is all; else one reveal for each"
        )
    vis = Private(to[0]) if to else PUBLIC
    return (Type(vis, types[0].dtype, types[0].shape),)


@op(
    "reveal",
    rule=_reveal_rule,
    signatures=tuple(
        Signature((dtype,), (shape,), {"to": to, "name": "x"})
        for dtype in (FIXED, INT, BOOL)
        for shape in ((), (3, 4))
        for to in ((), (0,))
    ),
)
def reveal(x: np.ndarray, guard: np.ndarray | None = None, *, to: tuple[int, ...], name: str) -> Value:
    """`x`, disclosed to the party in `to` (`()` = every party), if `guard` holds; all parties see the guard.

    Raises: PolicyError POLICY-0001 if it does not hold.
    """
    if guard is not None and not bool(guard):
        raise PolicyError(
            "POLICY-0001", f"the guard of {name!r} does not hold", hint="it rests on too few rows"
        )
    return x


def _to_secret_rule(types: Types, params: Parameters) -> Types:
    arity(types, 1)
    return (Type(SECRET, types[0].dtype, types[0].shape),)


@op(
    "to_secret",
    rule=_to_secret_rule,
    signatures=tuple(Signature((dtype,), (shape,)) for dtype in (FIXED, INT, BOOL) for shape in ((), (3, 4))),
)
def to_secret(x: np.ndarray) -> Value:
    """`x` as a secret: its owner shares it among all."""
    return x


def _scan_rule(types: Types, params: Parameters) -> Types:
    body = params["body"]
    if not isinstance(body, Program):
        raise TypeRuleError("IR-0004", "body must be a program")
    length = integer(params["length"], "length", 0, 1 << 31)
    n_carry = integer(params["n_carry"], "n_carry", 0, len(types) + 1)
    n_xs = integer(params["n_xs"], "n_xs", 0, len(types) - n_carry + 1)
    carries, xs = types[:n_carry], types[n_carry : n_carry + n_xs]
    if any(x.shape[:1] != (length,) for x in xs):
        raise TypeRuleError("IR-0006", f"what is scanned must have {length} rows")
    due = (*carries, *(Type(x.vis, x.dtype, x.shape[1:]) for x in xs), *types[n_carry + n_xs :])
    given = tuple(var.type for _, var in body.ins)
    if given != due:
        taken, wanted = ", ".join(map(str, given)), ", ".join(map(str, due))
        raise TypeRuleError("IR-0006", f"the body takes ({taken}), not ({wanted})")
    results = tuple(var.type for _, var in body.outs)
    if results[:n_carry] != carries:
        raise TypeRuleError(
            "IR-0006", "the body changes the type of a carry", hint="make it secret first: to_secret"
        )
    return (*carries, *(Type(y.vis, y.dtype, (length, *y.shape)) for y in results[n_carry:]))


@op("scan", rule=_scan_rule)
def scan(*ins: np.ndarray, body: Program, n_carry: int, n_xs: int, length: int) -> tuple[np.ndarray, ...]:
    """Run `body` for each row of the xs in turn: ins = carries, xs, constants; outs = carries, stacked ys.

    The body takes carries, one row of each x, constants, and returns new carries, then ys.
    """
    carries, xs, consts = ins[:n_carry], ins[n_carry : n_carry + n_xs], ins[n_carry + n_xs :]
    steps = []
    for index in range(length):
        outs = evaluate(body, (*carries, *(x[index] for x in xs), *consts))
        carries = outs[:n_carry]
        steps.append(outs[n_carry:])
    types = [var.type for _, var in body.outs[n_carry:]]
    ys = [np.zeros((length, *type.shape), numpy_dtype(type.dtype)) for type in types]
    for index, step in enumerate(steps):
        for y, row in zip(ys, step, strict=True):
            y[index] = row
    return (*carries, *ys)
