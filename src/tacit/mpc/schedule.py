"""Which equation of a program waits for which: found once, however often the program runs (bodies of loops).

In a scheme that verifies, a row of reveals waits until all that stands above it is settled, and what stands
below waits for the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tacit.base.types import Secret
from tacit.ir.op import OPS, numpy_dtype
from tacit.ir.program import Eqn, Program, Var
from tacit.mpc.operators import EXECUTOR, sends_nothing
from tacit.mpc.value import Value


@dataclass(frozen=True)
class Step:
    """An equation, or the settling of what the steps in `waits_for` made if `eqn` is None.

    `sources`, `targets`: the places of its values. `waits_for`: the steps before it. `local`: computed in
    plaintext by those who know its inputs. `silent`: computed on shares without a message.
    """

    eqn: Eqn | None
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    waits_for: frozenset[int]
    local: bool
    silent: bool


@dataclass(frozen=True)
class Schedule:
    """Steps in program order; `followers[k]` are the steps that wait for step k.

    Inputs have the first places; `outs` are the places of the outputs. `constants`: by place. `reads[place]`:
    how many times a value is read, as an output as well: after the last time it may go.
    """

    steps: tuple[Step, ...]
    followers: tuple[tuple[int, ...], ...]
    outs: tuple[int, ...]
    constants: dict[int, Value]
    reads: tuple[int, ...]


def schedule(program: Program, *, verifies: bool) -> Schedule:
    """For a scheme that verifies before it reveals, or not."""
    places = {var: k for k, (_, var) in enumerate(program.ins)}
    maker: dict[Var, int] = {}
    steps: list[Step] = []
    barrier: set[int] = set()
    opened: set[int] = set()
    constants: dict[int, Value] = {}
    for eqn in program.eqns:
        if eqn.op == "const":
            places[eqn.outs[0]] = len(places)
            constants[places[eqn.outs[0]]] = _constant(eqn)
            continue
        reveals = verifies and eqn.op == "reveal"
        if reveals and not opened:
            steps.append(Step(None, (), (), frozenset(range(len(steps))), False, False))
            barrier = {len(steps) - 1}
        elif opened and not reveals:
            barrier, opened = opened, set()
        made_by = {maker[var] for var in eqn.ins if var in maker}
        for var in eqn.outs:
            maker[var], places[var] = len(steps), len(places)
        if reveals:
            opened.add(len(steps))
        sources, targets = (tuple(places[var] for var in row) for row in (eqn.ins, eqn.outs))
        local, silent = _is_local(eqn), sends_nothing(eqn)
        steps.append(Step(eqn, sources, targets, frozenset(made_by | barrier), local, silent))
    outs = tuple(places[var] for _, var in program.outs)
    reads = [0] * len(places)
    for place in (*outs, *(place for step in steps for place in step.sources)):
        reads[place] += 1
    return Schedule(tuple(steps), _followers(steps), outs, constants, tuple(reads))


def _followers(steps: Iterable[Step]) -> tuple[tuple[int, ...], ...]:
    found: list[list[int]] = []
    for k, step in enumerate(steps):
        found.append([])
        for before in step.waits_for:
            found[before].append(k)
    return tuple(map(tuple, found))


def _constant(eqn: Eqn) -> Value:
    type = eqn.outs[0].type
    plain = np.asarray(OPS["const"].ref(**eqn.params), numpy_dtype(type.dtype))
    return Value(type, plain, None, 0)


def _is_local(eqn: Eqn) -> bool:
    return eqn.op not in EXECUTOR and not isinstance(eqn.outs[0].type.vis, Secret)
