"""Primitives with inner programs: calls, branches, loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.types import INT
from tacit.compile import array as xp
from tacit.compile.coerce import Value, cast, traced
from tacit.compile.jax.evaluate import CALLS, rule, run, shape_of
from tacit.compile.trace import Array, plain
from tacit.compile.transform import Complex, as_complex

MOST_STEPS = 4096
"""Of a `while` whose end is public."""
SECRET_STEPS: ContextVar[int | None] = ContextVar("tacit_jax_steps", default=None)
"""Of a `while` whose end is secret, as the caller of `from_jax` says."""


# --- control flow ---------------------------------------------------------------------------------------


@rule(*CALLS)
def _call(ins: list[Value], **params: Any) -> list[Value]:
    if params.get("name") == "gammasgn":
        return [np.ones(shape_of(ins[0]))]  # As `special.lgamma`, for positive numbers.
    closed = next(
        params[name] for name in ("jaxpr", "call_jaxpr", "fun_jaxpr", "call", "callee") if name in params
    )
    inner, consts = (closed.jaxpr, closed.consts) if hasattr(closed, "jaxpr") else (closed, ())
    return run(inner, consts, ins)


@rule("cond")
def _cond(ins: list[Value], branches: Sequence[Any], **_: Any) -> list[Value]:
    which, operands = ins[0], ins[1:]
    if not traced(which):
        chosen = branches[int(np.clip(int(plain(which)), 0, len(branches) - 1))]
        return run(chosen.jaxpr, chosen.consts, operands)
    results = [run(branch.jaxpr, branch.consts, operands) for branch in branches]
    index = cast(which, INT)
    outs = results[0]
    for number, others in enumerate(results[1:], 1):
        here = xp.equal(index, number)
        outs = [_either(here, other, out) for other, out in zip(others, outs, strict=True)]
    return outs


def _either(condition: Value, x: Value, y: Value) -> Value:
    """x where the condition holds, else y."""
    if not isinstance(x, Complex) and not isinstance(y, Complex):
        return xp.where(condition, x, y)
    x, y = as_complex(x), as_complex(y)
    return Complex(xp.where(condition, x.real, y.real), xp.where(condition, x.imag, y.imag))


@rule("platform_index")
def _platform(ins: list[Value], platforms: Sequence[Any], **_: Any) -> Value:
    """The way that is not for some machine."""
    return np.int64(list(platforms).index(None))


@rule("while")
def _while(
    ins: list[Value], cond_jaxpr: Any, body_jaxpr: Any, cond_nconsts: int, body_nconsts: int, **_: Any
) -> list[Value]:
    """Unrolled while what it tests is public, else so many steps as the caller says, which all are taken."""
    tested, used = ins[:cond_nconsts], ins[cond_nconsts : cond_nconsts + body_nconsts]
    state = ins[cond_nconsts + body_nconsts :]

    def goes_on(now: Sequence[Value]) -> Value:
        return run(cond_jaxpr.jaxpr, cond_jaxpr.consts, [*tested, *now])[0]

    def after(now: Sequence[Value]) -> list[Value]:
        return run(body_jaxpr.jaxpr, body_jaxpr.consts, [*used, *now])

    for _step in range(MOST_STEPS):
        again = goes_on(state)
        if isinstance(again, Array):
            return _secret_while(state, again, goes_on, after)
        if not bool(again):
            return list(state)
        state = after(state)
    raise UsageError("COMPILE-0005", f"a JAX while loop takes more than {MOST_STEPS} steps", hint="use scan")


def _secret_while(
    state: Sequence[Value],
    again: Value,
    goes_on: Callable[[Sequence[Value]], Value],
    after: Callable[[Sequence[Value]], list[Value]],
) -> list[Value]:
    """The given number of steps, of which those after the end change nothing."""
    steps = SECRET_STEPS.get()
    if steps is None:
        raise UsageError(
            "COMPILE-0005",
            "the end of a JAX while loop depends on a secret",
            hint="say how many steps are taken at most: from_jax(function, most_steps=…)",
        )

    def step(now: Any, _row: Any) -> tuple[Any, Any]:
        active, old = now
        new = tuple(_either(active, a, b) for a, b in zip(after(old), old, strict=True))
        return (xp.logical_and(active, goes_on(new)), new), None

    (_active, last), _ = xp.scan(step, (again, tuple(state)), None, length=steps)
    return list(last)


@rule("scan")
def _scan(
    ins: list[Value], jaxpr: Any, num_consts: int, num_carry: int, length: int, reverse: bool, **_: Any
) -> list[Value]:
    consts, carry = ins[:num_consts], tuple(ins[num_consts : num_consts + num_carry])
    rows = tuple(xp.flip(x, axis=0) if reverse else x for x in ins[num_consts + num_carry :])

    def body(now: Any, row: Any) -> tuple[Any, Any]:
        outs = run(jaxpr.jaxpr, jaxpr.consts, [*consts, *now, *(row or ())])
        return tuple(outs[:num_carry]), tuple(outs[num_carry:])

    last, ys = xp.scan(body, carry, rows, length=length)
    return [*last, *(xp.flip(y, axis=0) if reverse else y for y in ys)]
