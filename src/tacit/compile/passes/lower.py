"""Lowering: operators that a scheme does not have become smaller ones that it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tacit.base.types import SECRET
from tacit.ir.op import OPS
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.ir.rewrite import inline, rewrite

Pass = Callable[[Program], Program]

FEW = 1 << 14
"""For so many elements at most, five rounds cost more than three comparisons, on the fastest links too."""


def lower(has: Callable[[str], bool]) -> Pass:
    """The pass that expands, in bodies too, each equation on secrets whose operator `has` denies.

    What involves no secret stays whole: whoever knows the inputs computes `Op.ref`. An operator without a
    lowering stays too; running it raises UnsupportedError.
    """

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        op = OPS[eqn.op]
        shallow = has("below") and eqn.outs[0].type.size <= FEW
        expand = op.lower_by_below if op.lower_by_below and shallow else op.lower
        secret = any(var.type.vis == SECRET for var in (*eqn.ins, *eqn.outs))
        if expand is None or not secret or has(eqn.op):
            return None
        smaller = Builder()
        sources = [smaller.input(f"i{k}", var.type) for k, var in enumerate(ins)]
        result = expand(smaller, *sources, **eqn.params)
        return inline(builder, smaller.build(eqn.op, {"out": result}), ins, visit, run)

    def run(program: Program) -> Program:
        return rewrite(program, visit, run)

    return run
