"""Sharing before loops, for schemes in which a private factor is sent anew with every product.

What a loop reads slice by slice or from outside becomes secret in front of it, so it is shared once for all
steps. Schemes whose products with private values are cheaper do without this pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tacit.base.types import SECRET, Private, Type
from tacit.ir.op import OPS, Params
from tacit.ir.program import Builder, Eqn, Program, Var, walk
from tacit.ir.rewrite import copy, inline, rewrite

Pass = Callable[[Program], Program]


def spread(has: Callable[[str], bool]) -> Pass:
    """The pass for a scheme with the operators of `has`."""

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        if eqn.op != "scan" or _carries_private(eqn):
            return None
        body: Program = eqn.params["body"]
        first = eqn.params["n_carry"]
        secret = [
            builder.emit("to_secret", var) if k >= first and isinstance(var.type.vis, Private) else var
            for k, var in enumerate(ins)
        ]
        types = [
            inner.type if var is old else Type(SECRET, inner.type.dtype, inner.type.shape)
            for (_, inner), var, old in zip(body.ins, secret, ins, strict=True)
        ]
        widened = _retyped(body, types)
        if not _runs(widened, has):
            return None
        return copy(builder, Eqn(eqn.op, (), (), Params({**eqn.params, "body": widened})), secret)

    return lambda program: rewrite(program, visit, lambda body: body)


def _carries_private(loop: Eqn) -> bool:
    """Whether one party computes a carry alone, of this loop or of one in it: that it goes on doing."""
    alone = any(isinstance(var.type.vis, Private) for var in loop.ins[: loop.params["n_carry"]])
    inner = (eqn for body in loop.bodies for eqn in walk(body) if eqn.op == "scan")
    return alone or any(map(_carries_private, inner))


def _retyped(body: Program, types: Sequence[Type]) -> Program:
    """`body` on inputs of other visibilities; the loops in it follow."""

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        if eqn.op == "to_secret" and ins[0].type.vis == SECRET:
            return ins
        if eqn.op != "scan":
            return None
        inner: Program = eqn.params["body"]
        n_steps = eqn.params["n_carry"] + eqn.params["n_xs"]
        shapes = (
            var.type.shape[1:] if eqn.params["n_carry"] <= k < n_steps else var.type.shape
            for k, var in enumerate(ins)
        )
        wanted = [Type(var.type.vis, var.type.dtype, shape) for var, shape in zip(ins, shapes, strict=True)]
        return copy(
            builder, Eqn(eqn.op, (), (), Params({**eqn.params, "body": _retyped(inner, wanted)})), ins
        )

    builder = Builder()
    ins = [builder.input(name, type) for (name, _), type in zip(body.ins, types, strict=True)]
    outs = inline(builder, body, ins, visit, lambda inner: inner)
    return builder.build(body.name, dict(zip((name for name, _ in body.outs), outs, strict=True)))


def _runs(body: Program, has: Callable[[str], bool]) -> bool:
    """Whether every operator with a secret result can be run on secrets."""
    return all(
        has(eqn.op) or OPS[eqn.op].lower is not None or all(var.type.vis != SECRET for var in eqn.outs)
        for eqn in body.eqns
    ) and all(_runs(inner, has) for eqn in body.eqns for inner in eqn.bodies)
