"""JAX programs as private programs: a function's jaxpr, equation by equation, on the array functions.

    from tacit.compile.jax import from_jax

    step = tacit.secure(from_jax(jax.grad(loss)))

Everything that JAX itself turns into equations comes along: `grad`, `vmap`, `jit`, `scan`. `cond` on a secret
computes all branches and selects. `while` is unrolled; if its end depends on secrets, the caller says how
many steps are taken, and those after the end change nothing. Places that are secret are looked up.
Numbers are fixed point whatever JAX calls them; comparisons with infinity are decided here. Inside of JAX's
own functions of `nn` and `scipy`, which go beyond numbers and choose another value there, arguments are moved
into what an operator takes; a step of the user's that could leave it is refused (RANGE-0001). Needs the extra
`jax`, which is imported when a function is converted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tacit.base.types import BOOL, FIXED, INT
from tacit.compile.jax import (
    arrays,
    bits,
    complex,
    control,
    elementwise,
    linear,
    order,
    places,
    special,
    windows,
)  # fmt: skip
from tacit.compile.jax.evaluate import RULES, run, shape_of
from tacit.compile.jax.refused import REFUSED
from tacit.compile.trace import dtype_of

__all__ = [
    "REFUSED", "RULES", "arrays", "bits", "complex", "control", "elementwise", "from_jax", "linear", "order",
    "places", "special", "windows",
]  # fmt: skip


def from_jax(function: Callable[..., Any], *, most_steps: int | None = None) -> Callable[..., Any]:
    """`function` for traced arrays (and for data): arguments and results are arrays or trees of them.

    `most_steps`: what each `while` loop runs whose end depends on secrets; one that needs more stops there.
    Raises, when called: UsageError COMPILE-0004 for a primitive that has no private meaning here,
    COMPILE-0005 for a loop whose end depends on secrets without `most_steps`.
    """
    import jax

    def private(*args: Any) -> Any:
        leaves, structure = jax.tree_util.tree_flatten(args)
        struct: Any = jax.ShapeDtypeStruct
        shapes = [struct(shape_of(leaf), _DTYPES[dtype_of(leaf)]) for leaf in leaves]
        closed, shape = jax.make_jaxpr(function, return_shape=True)(
            *jax.tree_util.tree_unflatten(structure, shapes)
        )
        token = control.SECRET_STEPS.set(most_steps)
        try:
            outs = run(closed.jaxpr, closed.consts, leaves)
        finally:
            control.SECRET_STEPS.reset(token)
        return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(shape), outs)

    return private


_DTYPES = {FIXED: np.float32, INT: np.int32, BOOL: np.bool_}
