"""Rebuilding a program equation by equation: what every pass is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tacit.ir.op import Params
from tacit.ir.program import Builder, Eqn, Program, Var

Visit = Callable[[Builder, Eqn, tuple[Var, ...]], Sequence[Var] | None]
"""Called with the new program, an old equation and its new inputs; the new outputs, or None to copy it."""


def rewrite(program: Program, visit: Visit, inner: Callable[[Program], Program]) -> Program:
    """`program` with each equation replaced by what `visit` writes; `inner` is applied to bodies first."""
    builder = Builder()
    ranges = dict(program.ranges)
    ins = [builder.input(name, var.type, ranges.get(name)) for name, var in program.ins]
    outs = inline(builder, program, ins, visit, inner)
    return builder.build(program.name, dict(zip((name for name, _ in program.outs), outs, strict=True)))


def inline(
    builder: Builder,
    program: Program,
    ins: Sequence[Var],
    visit: Visit,
    inner: Callable[[Program], Program],
) -> list[Var]:
    """Write the equations of `program` on `ins` into `builder`, through `visit`; its outputs there."""
    new = {old: var for (_, old), var in zip(program.ins, ins, strict=True)}
    for eqn in program.eqns:
        if eqn.bodies:
            params = {name: inner(x) if isinstance(x, Program) else x for name, x in eqn.params.items()}
            eqn = Eqn(eqn.op, eqn.ins, eqn.outs, Params(params), eqn.where)
        builder.where = eqn.where or builder.where
        sources = tuple(new[var] for var in eqn.ins)
        outs = visit(builder, eqn, sources)
        new.update(zip(eqn.outs, copy(builder, eqn, sources) if outs is None else outs, strict=True))
    return [new[var] for _, var in program.outs]


def copy(builder: Builder, eqn: Eqn, ins: Sequence[Var]) -> tuple[Var, ...]:
    """The same operator with the same parameters on `ins`."""
    builder.where = eqn.where or builder.where
    return builder.emit_frozen(eqn.op, tuple(ins), eqn.params)
