"""Ranges while a program is being written: what is known of a value so far, from declared inputs."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from tacit.compile.ranges.interval import BIT, Form, Interval
from tacit.compile.ranges.rules import RULES, unknown
from tacit.compile.ranges.step import Step
from tacit.compile.trace import Array, Trace
from tacit.ir.program import Var

_KNOWN: WeakKeyDictionary[Trace, dict[Var, Form]] = WeakKeyDictionary()
_READ: WeakKeyDictionary[Trace, int] = WeakKeyDictionary()


def range_of(value: Array) -> tuple[float, float] | None:
    """(lowest, highest) that an element can be; None in a loop, or where an input has no declared range.

    The proof comes later, on the whole program: this only says what it will find.
    """
    trace = value.trace
    inputs, ranges, eqns = trace.builder.written()
    if trace.parent is not None or any(
        name not in ranges and var.type.dtype.kind != "bool" for name, var in inputs
    ):
        return None
    known = _KNOWN.setdefault(trace, {})
    for name, var in inputs:
        if var not in known:
            low, high = ranges.get(name, (0.0, 1.0))
            known[var] = Form(
                BIT if var.type.dtype.kind == "bool" else Interval(np.float64(low), np.float64(high))
            )
    with np.errstate(invalid="ignore", over="ignore"):
        for eqn in eqns[_READ.get(trace, 0) :]:
            sources = [known[var] for var in eqn.ins]
            rule = unknown if eqn.op == "scan" else RULES.get(eqn.op, unknown)
            for out in eqn.outs:
                known[out] = rule(Step(eqn, []), *sources)
    _READ[trace] = len(eqns)
    whole = known[value.var].interval.whole()
    return float(whole.low), float(whole.high)
