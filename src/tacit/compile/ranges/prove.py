"""The range pass: every truncation, comparison and result of a program is proved right, or it is refused.

Truncation in Z_2^k is exact to one unit for |x| < 2^(k-2) before it, a comparison for |x - y| < 2^63; beyond,
results would be silently wrong by multiples of 2^44 or more. Nothing at run time could notice: the values are
secret. So it is proved before, from the ranges of the inputs, by interval arithmetic (`rules`, `loops`).

Inputs whose range is not declared get the widest one, up to a power of two, for which there is a proof. So
the range depends on the program and never on data; who holds the input checks it (`mpc.execute`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.fixed import LIMIT_BITS
from tacit.base.types import RING_BITS, DType
from tacit.compile.ranges import nonlinear
from tacit.compile.ranges.combine import weighted_sums
from tacit.compile.ranges.interval import BIT, Form, Interval
from tacit.compile.ranges.loops import scan
from tacit.compile.ranges.rules import RULES, unknown
from tacit.compile.ranges.step import Facts, Problem, Step
from tacit.ir.program import Builder, Eqn, Program, Range, Var
from tacit.ir.rewrite import rewrite

__all__ = ["bounds", "nonlinear", "prove"]
HINT = "declare a smaller range for an input (private(values, limit=…)), rescale, or clip before this line"


def prove(program: Program, ring_bits: int = RING_BITS, *, combine: bool = False) -> Program:
    """`program` with a range for every numeric input, for which every step is right.

    `ring_bits`: k, of the scheme's products. `combine`: weighted sums are truncated once (see `combine`).
    Raises: UsageError RANGE-0001 naming a step for which there is no proof.
    """
    undeclared = [
        (name, var.type.dtype)
        for name, var in program.ins
        if name not in dict(program.ranges) and var.type.dtype.kind != "bool"
    ]
    attempt = partial(_with_limit, program, undeclared, ring_bits)
    whole = attempt(LIMIT_BITS)
    if whole.problem is None:
        return whole.applied(combine)
    found = _widest(attempt, whole.problem.excess) if undeclared else whole
    if found.problem is None:
        return found.applied(combine)
    problem = found.problem
    where = f" at {problem.where}" if problem.where else ""
    raise UsageError(
        "RANGE-0001", f"program {program.name!r}: {problem.sentence.format(where=where)}", hint=HINT
    )


@dataclass(frozen=True)
class Attempt:
    """A program with ranges, what is not proved of it, and what is proved of its equations."""

    program: Program
    problem: Problem | None
    facts: Facts

    def applied(self, combine: bool) -> Program:
        """The program without clipping that changes nothing, with the bits of private factors where they
        are fewer than the ring's, and with weighted sums as one if these are to be combined."""

        def all_of(program: Program) -> Program:
            new: dict[Var, Var] = {}
            sums = weighted_sums(program, self.facts.reaches) if combine else {}

            def visit(builder: Builder, eqn: Eqn, ins: tuple[Var, ...]) -> Sequence[Var] | None:
                new.update(zip(eqn.ins, ins, strict=True))
                copied = self.facts.idle.get(id(eqn), -1)
                if copied >= 0:
                    return (ins[copied],)
                if id(eqn) in sums:
                    whole, bits = sums[id(eqn)]
                    return (whole.write(builder, new, bits),)
                width = self.facts.private_bits.get(id(eqn), RING_BITS)
                if width == RING_BITS:
                    return None
                return (builder.emit(eqn.op, *ins, **{**eqn.params, "private_bits": width}),)

            return rewrite(program, visit, all_of)

        return all_of(self.program)


def _widest(attempt: Callable[[int], Attempt], excess: float) -> Attempt:
    """The last of 0 to `LIMIT_BITS` bits for which there is a proof; a narrower range can only help. Where
    there is none, the attempt with 0 bits.

    `excess`: bits by which the widest range goes too far. Most programs multiply two or three inputs, so a
    third of it is taken off for the next trial; above a range that holds, the next wider one is tried.
    """
    low, high, step = -1, LIMIT_BITS, 1
    trial = _narrower(high, low, excess)
    while True:
        tried = attempt(trial)
        if tried.problem is None:
            low, best = trial, tried
            trial, step = min(low + step, (low + high + 1) // 2), 2 * step
        elif trial == 0:
            return tried
        else:
            high, step = trial, 1
            trial = _narrower(high, low, tried.problem.excess)
        if high - low == 1:
            return best


def _narrower(high: int, low: int, excess: float) -> int:
    """Between the two; where nothing is known nearer to the low one, since what holds is narrow mostly."""
    if not np.isfinite(excess):
        return low + max(1, math.isqrt(high - low))
    return max(low + 1, high - max(1, math.ceil(excess / 3)))


def _with_limit(program: Program, undeclared: list[tuple[str, DType]], ring_bits: int, bits: int) -> Attempt:
    """The program with inputs below 2^bits, as far as encodings allow."""
    sizes = {name: 2.0 ** min(bits, LIMIT_BITS - dtype.fraction_bits) for name, dtype in undeclared}
    limits = {name: max(size - 1.0, 1.0) for name, size in sizes.items()}
    added = tuple((name, (-limit, limit)) for name, limit in limits.items())
    candidate = replace(program, ranges=(*program.ranges, *added))
    problems: list[Problem] = []
    facts = Facts()
    ins = [_input(candidate, name, var) for name, var in candidate.ins]
    _analyse(ring_bits, facts, candidate, ins, problems)
    worst = max(problems, key=lambda problem: problem.excess, default=None)
    return Attempt(candidate, worst and replace(problems[0], excess=worst.excess), facts)


def bounds(program: Program) -> dict[str, Range]:
    """For every output of a proved program the range in which it lies, by name."""
    outs = _analyse(
        RING_BITS, Facts(), program, [_input(program, name, var) for name, var in program.ins], []
    )
    wholes = [form.interval.whole() for form in outs]
    return {
        name: (float(one.low), float(one.high)) for (name, _), one in zip(program.outs, wholes, strict=True)
    }


def _input(program: Program, name: str, var: Var) -> Form:
    if var.type.dtype.kind == "bool":
        return Form(BIT)
    low, high = dict(program.ranges)[name]
    return Form(Interval(np.float64(low), np.float64(high)))


def _analyse(
    ring_bits: int,
    facts: Facts,
    program: Program,
    ins: list[Form],
    problems: list[Problem],
) -> list[Form]:
    """The forms of the outputs."""
    known: dict[Var, Form] = {var: form for (_, var), form in zip(program.ins, ins, strict=True)}
    with np.errstate(invalid="ignore", over="ignore"):
        for eqn in program.eqns:
            step, sources = Step(eqn, problems, ring_bits, facts), [known[var] for var in eqn.ins]
            if eqn.op == "scan":
                run = partial(_analyse, ring_bits, facts)
                known.update(zip(eqn.outs, scan(step, sources, run), strict=True))
            else:
                known[eqn.outs[0]] = RULES.get(eqn.op, unknown)(step, *sources)
    return [known[var] for _, var in program.outs]
