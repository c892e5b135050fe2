"""Random programs, for properties of the text form and of passes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tacit.base.types import BOOL, FIXED, INT, PUBLIC, SECRET, DType, Private, Type
from tacit.ir.program import Builder, Program, Var

BINARY = ("add", "sub", "mul", "maximum", "minimum")
COMPARE = ("less", "greater", "equal", "not_equal", "less_equal", "greater_equal")
UNARY = ("neg", "abs", "sign", "square")
LOGIC = ("logical_and", "logical_or", "logical_xor")
VISIBILITIES = (PUBLIC, Private(0), Private(1), SECRET)
SHAPES = ((), (3,), (2, 3))
NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)


def _of(variables: list[Var], *dtypes: DType) -> list[Var]:
    return [var for var in variables if var.type.dtype in dtypes]


def _step(draw: Any, b: Builder, known: list[Var]) -> Var:
    kind = draw(
        st.sampled_from(("binary", "compare", "unary", "logic", "select", "move", "const", "mean", "scan"))
    )
    numbers = _of(known, FIXED, INT)
    x = draw(st.sampled_from(numbers))
    y = draw(st.sampled_from(_of(known, x.type.dtype)))
    bits = _of(known, BOOL)
    if kind == "const" or (kind in ("logic", "select") and not bits):
        dtype = draw(st.sampled_from((FIXED, INT, BOOL)))
        return b.const(draw(st.lists(st.integers(-2, 2), min_size=3, max_size=3)), dtype)
    if kind == "binary":
        return b.emit(draw(st.sampled_from(BINARY)), x, y)
    if kind == "compare":
        return b.emit(draw(st.sampled_from(COMPARE)), x, y)
    if kind == "unary":
        return b.emit(draw(st.sampled_from(UNARY)), x)
    if kind == "logic":
        return b.emit(draw(st.sampled_from(LOGIC)), draw(st.sampled_from(bits)), draw(st.sampled_from(bits)))
    if kind == "select":
        return b.emit("select", draw(st.sampled_from(bits)), x, y)
    if kind == "scan" and x.type.shape:
        return _loop(b, x, y)
    if kind == "mean" and x.type.dtype == FIXED and x.type.shape:
        return b.emit("mean", x, axis=(0,), keepdims=True)
    return b.emit("broadcast_to", b.emit("reshape", x, shape=(1, *x.type.shape)), shape=(1, *x.type.shape))


def _loop(b: Builder, x: Var, y: Var) -> Var:
    """Running sums of rows of x, each shifted by a repeated constant expression."""
    body, row = Builder(), Type(x.type.vis, x.type.dtype, x.type.shape[1:])
    start = b.emit(
        "to_secret", b.emit("reshape", b.emit("slice", x, start=0, stop=1, axis=0), shape=row.shape)
    )
    carry, item, extra = body.input("c", start.type), body.input("x", row), body.input("k", y.type)
    unused = body.emit("abs", extra)
    total = body.emit("add", body.emit("add", carry, item), body.emit("mul", body.const(0, row.dtype), item))
    outs = {"c": total, "y": body.emit("abs", total), "unused": unused}
    program = body.build("body", outs)
    results = b.emit("scan", start, x, y, body=program, n_carry=1, n_xs=1, length=x.type.shape[0])
    result: Var = results[1]
    return result


@st.composite
def programs(draw: Any) -> Program:
    b = Builder()
    known: list[Var] = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)):
        vis, shape = draw(st.sampled_from(VISIBILITIES)), draw(st.sampled_from(SHAPES))
        known.append(b.input(name, Type(vis, draw(st.sampled_from((FIXED, INT))), shape)))
    for _ in range(draw(st.integers(1, 8))):
        try:
            known.append(_step(draw, b, known))
        except ValueError:  # shapes that do not broadcast
            continue
    shown = draw(st.sampled_from(known))
    outs = {"shown": b.emit("reveal", shown, to=draw(st.sampled_from(((), (1,)))), name=draw(NAMES))}
    outs |= {f"o{k}": var for k, var in enumerate(known[-2:])}
    return b.build(draw(NAMES), outs)
