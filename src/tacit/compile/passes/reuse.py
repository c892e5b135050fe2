"""Sharing what is multiplied again, for schemes in which a private factor is sent anew with every product.

A private array whose products with secrets send more elements than it has becomes secret in one place;
what only moves its elements about (a transpose, a slice) then moves those of its share. Loops are left to
`spread`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tacit.base.types import SECRET, Private
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.ir.rewrite import copy, rewrite

PRODUCTS = frozenset(("mul", "matmul"))
MOVES = frozenset(("reshape", "permute_dims", "slice", "take"))


def reuse(program: Program) -> Program:
    """`program` with `to_secret` before products that would send a private factor more than once."""
    made = {eqn.outs[0]: eqn for eqn in program.eqns if eqn.op in MOVES}
    chosen = _worth_sharing(program, made)
    new: dict[Var, Var] = {}
    shared: dict[Var, Var] = {}

    def secret(builder: Builder, var: Var) -> Var:
        if var not in shared:
            if var in chosen:
                shared[var] = builder.emit("to_secret", new[var])
            else:
                (shared[var],) = copy(builder, made[var], [secret(builder, made[var].ins[0])])
        return shared[var]

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        new.update(zip(eqn.ins, ins, strict=True))
        if not _multiplies(eqn) or not any(_origin(var, made) in chosen for var in eqn.ins):
            return None
        factors = [secret(builder, var) if _origin(var, made) in chosen else new[var] for var in eqn.ins]
        return copy(builder, eqn, factors)

    return rewrite(program, visit, lambda body: body)


def _worth_sharing(program: Program, made: Mapping[Var, Eqn]) -> set[Var]:
    sent: defaultdict[Var, int] = defaultdict(int)
    for eqn in filter(_multiplies, program.eqns):
        for var in eqn.ins:
            if isinstance(var.type.vis, Private):
                sent[_origin(var, made)] += var.type.size if eqn.op == "matmul" else eqn.outs[0].type.size
    return {var for var, n_elements in sent.items() if n_elements > var.type.size}


def _multiplies(eqn: Eqn) -> bool:
    """Whether it is a product of a private value and a secret one."""
    return eqn.op in PRODUCTS and any(var.type.vis == SECRET for var in eqn.ins)


def _origin(var: Var, made: Mapping[Var, Eqn]) -> Var:
    """The array whose elements `var` has, moved about."""
    while var in made:
        var = made[var].ins[0]
    return var
