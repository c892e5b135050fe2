"""Late factors: what is only multiplied by public constants before it is revealed is multiplied afterwards.

For schemes that cannot round shares: a mean is opened as a sum and divided in the clear, exactly. Who knows
the factor, which is never zero, learns no more that way. Constants that enlarge the array stay where they
are, so reveals keep their names, types and sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.ir.op import OPS
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.ir.rewrite import copy, rewrite


def late(program: Program) -> Program:
    """`program` with reveal(x * c) written as reveal(x) * c."""
    products: dict[Var, tuple[Var, Var]] = {}
    nonzero: set[Var] = set()

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var]:
        if eqn.op == "reveal":
            value, factors = ins[0], []
            while value in products:
                value, factor = products[value]
                factors.append(factor)
            (opened,) = copy(builder, eqn, (value, *ins[1:]))
            for factor in reversed(factors):
                opened = builder.emit("mul", opened, factor)
            return (opened,)
        outs = copy(builder, eqn, ins)
        if eqn.op == "const" and np.all(OPS["const"].ref(**eqn.params)):
            nonzero.add(outs[0])
        if eqn.op == "mul":
            for value, factor in (ins, ins[::-1]):
                if factor in nonzero and value.type == outs[0].type:
                    products[outs[0]] = (value, factor)
        return outs

    return rewrite(program, visit, lambda body: body)
