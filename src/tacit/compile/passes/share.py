"""Sharing once: a private value that several secret computations use becomes secret in one place.

A product of a private and a secret value has its own, cheaper protocol, so there the value stays private.
After hoisting, what a loop shares in each step is shared once, before it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tacit.base.types import SECRET, Private
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.ir.rewrite import copy, rewrite

KEPT_PRIVATE = frozenset(("mul", "matmul", "subset_sums", "histogram", "reveal", "scan", "to_secret"))


def share(program: Program) -> Program:
    """`program` with `to_secret` written out before operators that would share a private input themselves."""
    shared: dict[Var, Var] = {}

    def secret(builder: Builder, var: Var) -> Var:
        if not isinstance(var.type.vis, Private):
            return var
        if var not in shared:
            shared[var] = builder.emit("to_secret", var)
        return shared[var]

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        if eqn.op in KEPT_PRIVATE or all(var.type.vis != SECRET for var in eqn.outs):
            return None
        return copy(builder, eqn, [secret(builder, var) for var in ins])

    return rewrite(program, visit, share)
