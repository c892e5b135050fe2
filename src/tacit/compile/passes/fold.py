"""Folding: constants are computed now, and operators that change nothing vanish."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tacit.base.errors import TypeRuleError
from tacit.ir.op import FRESH, OPS
from tacit.ir.program import CONSTANT_LIMIT, Builder, Eqn, Program, Var
from tacit.ir.rewrite import copy, rewrite

_KEPT = frozenset(("reveal", "scan", "const", "to_secret")) | FRESH
_NEUTRAL = {"add": 0, "sub": 0, "mul": 1}


def fold(program: Program) -> Program:
    """`program` with equations on constants replaced by their results, as far as constants may be long."""
    constants: dict[Var, np.ndarray] = {}

    def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
        if eqn.op == "const":
            outs = copy(builder, eqn, ins)
            constants[outs[0]] = OPS["const"].ref(**eqn.params)
            return outs
        if eqn.op == "mul" and ins[0] == ins[1]:
            return (builder.emit("square", ins[0]),)
        same = _unchanged(eqn, ins, constants)
        if same is not None:
            return (same,)
        known = all(var in constants for var in ins)
        if not known or eqn.op in _KEPT or eqn.outs[0].type.size > CONSTANT_LIMIT:
            return None
        return _computed(builder, eqn, [constants[var] for var in ins], constants)

    return rewrite(program, visit, fold)


def _computed(
    builder: Builder, eqn: Eqn, values: list[np.ndarray], constants: dict[Var, np.ndarray]
) -> Sequence[Var] | None:
    with np.errstate(all="ignore"):
        result = np.asarray(OPS[eqn.op].ref(*values, **eqn.params))
    try:
        var = builder.const(result, eqn.outs[0].type.dtype)
    except TypeRuleError:  # not finite or out of range: the run will say so, with its scope
        return None
    constants[var] = result
    return (var,)


def _unchanged(eqn: Eqn, ins: tuple[Var, ...], constants: dict[Var, np.ndarray]) -> Var | None:
    """The input that the equation returns as it is, if so."""
    if eqn.op in ("reshape", "broadcast_to", "slice", "permute_dims", "concat") and len(ins) == 1:
        axes = eqn.params.get("axes", ())
        return ins[0] if ins[0].type == eqn.outs[0].type and axes == tuple(sorted(axes)) else None
    if eqn.op not in _NEUTRAL:
        return None
    for value, other in (ins, ins[::-1])[: 1 if eqn.op == "sub" else 2]:
        known = constants.get(other)
        if known is not None and value.type == eqn.outs[0].type and np.all(known == _NEUTRAL[eqn.op]):
            return value
    return None
