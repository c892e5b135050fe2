"""Common subexpressions: what is computed twice from the same values is computed once."""

from __future__ import annotations

from collections.abc import Sequence

from tacit.ir.op import FRESH
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.ir.rewrite import copy, rewrite

COMMUTATIVE = frozenset(
    ("add", "mul", "maximum", "minimum", "equal", "not_equal", "logical_and", "logical_or", "logical_xor")
)


def cse(program: Program) -> Program:
    """`program` without repeated equations. Reveals are never merged: each stands for its own disclosure."""
    seen: dict[tuple[object, ...], tuple[Var, ...]] = {}

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        if eqn.op == "reveal" or eqn.op in FRESH:
            return None
        order = tuple(sorted(ins, key=lambda var: var.id)) if eqn.op in COMMUTATIVE else ins
        key = (eqn.op, order, eqn.params)
        if key not in seen:
            seen[key] = copy(builder, eqn, ins)
        return seen[key]

    return rewrite(program, visit, cse)
