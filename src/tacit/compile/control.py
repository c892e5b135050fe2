"""Loops and disclosure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tacit.base.types import FIXED, SECRET, Type
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.shaping import asarray, stack
from tacit.compile.trace import Array, Trace, active, apply, public, refuse

_ATTEMPTS = 4
"""A carry changes type at most twice (to fixed, then to secret) before the body is stable."""


@public
def reveal(x: Value, to: int | None = None, name: str | None = None, when: Value = None) -> Value:
    """x, disclosed to party `to` (None = every party) under `name` if the bool `when` holds; on data, x.

    The bit `when` is disclosed to all; the run is refused with PolicyError POLICY-0001 if it does not hold.
    """
    trace = active()
    guards = () if when is None else (when,)
    parties = () if to is None else (int(to),)
    if trace is None or not traced(x, *guards):
        return apply("reveal", x, *guards, to=parties, name=name or "value")
    if trace.parent is not None:
        refuse("IR-0009", "reveal inside a loop", "reveal what the loop returns")
    trace.n_reveals += 1
    return trace.emit("reveal", x, *guards, to=parties, name=name or f"reveal{trace.n_reveals}")


@public
def to_secret(x: Value) -> Value:
    """x as a secret shared among all parties; on data, x itself."""
    trace = active()
    if trace is None or (isinstance(x, Array) and x.type.vis == SECRET):
        return x
    return trace.emit("to_secret", x)


def _flat(tree: Any) -> list[Any]:
    """The leaves of nested tuples; None has none."""
    if tree is None:
        return []
    return [leaf for part in tree for leaf in _flat(part)] if isinstance(tree, tuple | list) else [tree]


def _like(tree: Any, leaves: list[Any]) -> Any:
    """`leaves` (used up from the front) in the structure of `tree`."""
    if tree is None:
        return None
    return tuple(_like(part, leaves) for part in tree) if isinstance(tree, tuple | list) else leaves.pop(0)


@public
def scan(
    body: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any = None, length: int | None = None
) -> tuple[Any, Any]:
    """Run `carry, y = body(carry, x)` for each row x of `xs`; the last carry and the stacked ys.

    Carry, xs and ys are arrays, nested tuples of them, or None. A loop stays a loop in the program; what the
    body uses from outside is handed in.
    """
    rows = [asarray(x) for x in _flat(xs)]
    sizes = {x.shape[0] if x.shape else -1 for x in rows} | ({int(length)} if length is not None else set())
    if len(sizes) != 1 or -1 in sizes:
        refuse(
            "COMPILE-0003",
            "scan needs one length: that of every x in xs, or the argument",
            "see their shapes",
        )
    count = sizes.pop()
    parent = active()
    if parent is None:
        return _run(body, carry, xs, rows, count)
    carries = [_entered(parent, leaf) for leaf in _flat(carry)]
    rows = [_entered(parent, x) for x in rows]
    for _ in range(_ATTEMPTS):
        inner, new, ys, structure = _write(parent, body, carry, carries, xs, rows)
        wanted = [_joined(old, after) for old, after in zip(carries, new, strict=True)]
        if wanted == [old.type for old in carries]:
            break
        carries = [_converted(old, type) for old, type in zip(carries, wanted, strict=True)]
    return _close(parent, inner, carry, carries, rows, new, ys, structure, count)


def _entered(trace: Trace, value: Any) -> Array:
    return value if isinstance(value, Array) else Array(trace, trace.var(value))


def _run(body: Callable[..., Any], carry: Any, xs: Any, rows: list[Any], count: int) -> tuple[Any, Any]:
    steps, structure = [], None
    for k in range(count):
        carry, structure = body(carry, _like(xs, [x[k] for x in rows]))
        steps.append([asarray(leaf) for leaf in _flat(structure)])
    return carry, _like(structure, [stack(list(column)) for column in zip(*steps, strict=True)])


def _write(
    parent: Trace, body: Callable[..., Any], carry: Any, carries: list[Array], xs: Any, rows: list[Array]
) -> tuple[Trace, list[Any], list[Array], Any]:
    """The body traced once on carries of these types: its trace, new carries, ys and their structure."""
    inner = Trace(parent)
    before = [inner.input(f"c{k}", old.type) for k, old in enumerate(carries)]
    items = [inner.input(f"x{k}", Type(x.type.vis, x.dtype, x.shape[1:])) for k, x in enumerate(rows)]
    with inner.writing():
        result = body(_like(carry, before), _like(xs, items))
        if not isinstance(result, tuple) or len(result) != 2:
            refuse(
                "COMPILE-0003",
                "the body of scan returns a pair: carry, y",
                "return carry, None if there is no y",
            )
        new = [_entered(inner, leaf) for leaf in _flat(result[0])]
        ys = [Array(inner, inner.var(leaf)) for leaf in _flat(result[1])]
    if [x.shape for x in new] != [x.shape for x in carries]:
        old, after = [x.shape for x in carries], [x.shape for x in new]
        refuse("COMPILE-0003", f"the body turns carries of shapes {old} into {after}", "keep the shapes")
    return inner, new, ys, result[1]


def _joined(old: Array, new: Array) -> Type:
    """The type that a carry must have from the start to hold both."""
    dtype = old.dtype if old.dtype == new.dtype else FIXED
    return Type(old.type.vis if old.type.vis in (new.type.vis, SECRET) else SECRET, dtype, old.shape)


def _converted(value: Array, type: Type) -> Array:
    value = cast(value, type.dtype)
    return value if value.type.vis == type.vis else to_secret(value)


def _close(
    parent: Trace, inner: Trace, carry: Any, carries: list[Array], rows: list[Array],
    new: list[Any], ys: list[Array], structure: Any, count: int,
) -> tuple[Any, Any]:  # fmt: skip
    with inner.writing():
        last = [_converted(after, old.type) for old, after in zip(carries, new, strict=True)]
        outs = {f"c{k}": inner.var(x) for k, x in enumerate(last)} | {
            f"y{k}": y.var for k, y in enumerate(ys)
        }
    program = inner.builder.build("body", outs)
    ins = (*carries, *rows, *inner.captured)
    results = parent.emit("scan", *ins, body=program, n_carry=len(carries), n_xs=len(rows), length=count)
    leaves = list(results) if isinstance(results, tuple) else [results]
    return _like(carry, leaves), _like(structure, leaves)
