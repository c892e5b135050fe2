"""Hoisting: what a loop computes anew in each step from the same values is computed once, before it."""

from __future__ import annotations

from collections.abc import Sequence

from tacit.ir.op import FRESH, Params
from tacit.ir.program import Builder, Eqn, Program, Var
from tacit.ir.rewrite import copy, rewrite


def hoist(program: Program) -> Program:
    """`program` with loop-invariant equations moved in front of their loops, from the innermost outwards."""
    return rewrite(program, _visit, hoist)


def _visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
    if eqn.op != "scan" or eqn.params["length"] == 0:
        return None
    body: Program = eqn.params["body"]
    n_steps = eqn.params["n_carry"] + eqn.params["n_xs"]
    outside = {inner: ins[k] for k, (_, inner) in enumerate(body.ins) if k >= n_steps}
    constants = {inner.outs[0] for inner in body.eqns if inner.op == "const"}
    moved = _invariant(body, set(outside), constants)
    copied = moved | constants
    if not moved:
        return None
    for inner in body.eqns:
        if copied.intersection(inner.outs):
            new = copy(builder, inner, [outside[var] for var in inner.ins])
            outside.update(zip(inner.outs, new, strict=True))
    entering = [var for inner in body.eqns for var in inner.outs if var in moved]
    params = Params({**eqn.params, "body": _without(body, entering)})
    return copy(builder, Eqn(eqn.op, (), (), params), [*ins, *(outside[var] for var in entering)])


def _invariant(body: Program, fixed: set[Var], constants: set[Var]) -> set[Var]:
    """What depends on values from outside the loop only, and on at least one."""
    known = set(fixed)
    for eqn in body.eqns:
        drawn = eqn.op in FRESH
        if (
            not drawn
            and known.intersection(eqn.ins)
            and all(var in known or var in constants for var in eqn.ins)
        ):
            known.update(eqn.outs)
    return known - fixed


def _without(body: Program, entering: list[Var]) -> Program:
    """`body` with `entering` as further inputs instead of results; inputs are named anew, in order."""
    ins, gone = (*(var for _, var in body.ins), *entering), set(entering)
    eqns = tuple(eqn for eqn in body.eqns if gone.isdisjoint(eqn.outs))
    return Program(body.name, tuple((f"i{k}", var) for k, var in enumerate(ins)), eqns, body.outs)
