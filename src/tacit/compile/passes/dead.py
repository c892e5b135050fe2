"""Dead code: what no output and no reveal depends on is not computed."""

from __future__ import annotations

from tacit.ir.op import Params
from tacit.ir.program import Eqn, Program, Var


def dead(program: Program) -> Program:
    """`program` without unused equations, and its loops without unused rows, constants and results.

    Inputs and reveals stay: they are part of what was agreed.
    """
    live = {var for _, var in program.outs}
    kept: list[Eqn] = []
    for eqn in reversed(program.eqns):
        if eqn.op == "reveal" or live.intersection(eqn.outs):
            slim = _slim_scan(eqn, live) if eqn.op == "scan" else eqn
            live.update(slim.ins)
            kept.append(slim)
    shorter = Program(program.name, program.ins, tuple(reversed(kept)), program.outs, program.ranges)
    return _renumbered(shorter)


def _slim_scan(eqn: Eqn, live: set[Var]) -> Eqn:
    n_carry, n_xs, body = eqn.params["n_carry"], eqn.params["n_xs"], eqn.params["body"]
    keep = [k < n_carry or var in live for k, var in enumerate(eqn.outs)]
    outs = tuple(out for out, kept in zip(body.outs, keep, strict=True) if kept)
    body = dead(Program(body.name, body.ins, body.eqns, outs))
    used = {var for _, var in body.outs}.union(*(inner.ins for inner in body.eqns))
    needed = [k < n_carry or var in used for k, (_, var) in enumerate(body.ins)]
    ins = tuple(entry for entry, kept in zip(body.ins, needed, strict=True) if kept)
    slim = _renumbered(Program(body.name, ins, body.eqns, body.outs))
    params = {**eqn.params, "body": slim, "n_xs": sum(needed[n_carry : n_carry + n_xs])}
    return Eqn(
        eqn.op,
        tuple(var for var, kept in zip(eqn.ins, needed, strict=True) if kept),
        tuple(var for var, kept in zip(eqn.outs, keep, strict=True) if kept),
        Params(params),
        eqn.where,
    )


def _renumbered(program: Program) -> Program:
    """The same program with variables numbered from 0 in order."""
    new: dict[Var, Var] = {}
    for var in (*(var for _, var in program.ins), *(var for eqn in program.eqns for var in eqn.outs)):
        new[var] = Var(len(new), var.type)

    def all_new(old: tuple[Var, ...]) -> tuple[Var, ...]:
        return tuple(new[var] for var in old)

    eqns = tuple(
        Eqn(eqn.op, all_new(eqn.ins), all_new(eqn.outs), eqn.params, eqn.where) for eqn in program.eqns
    )
    ins = tuple((name, new[var]) for name, var in program.ins)
    outs = tuple((name, new[var]) for name, var in program.outs)
    return Program(program.name, ins, eqns, outs, program.ranges)
