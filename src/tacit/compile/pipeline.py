"""The order of passes between tracing and running."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tacit.base.types import RING_BITS
from tacit.compile.passes.cse import cse
from tacit.compile.passes.dead import dead
from tacit.compile.passes.fold import fold
from tacit.compile.passes.fuse import fuse
from tacit.compile.passes.hoist import hoist
from tacit.compile.passes.late import late
from tacit.compile.passes.lower import Pass, lower
from tacit.compile.passes.reuse import reuse
from tacit.compile.passes.share import share
from tacit.compile.passes.spread import spread
from tacit.compile.ranges.prove import prove
from tacit.ir.program import Program, check

PASSES: tuple[Pass, ...] = (fold, share, hoist, cse, dead)
"""Run before lowering, and again on what lowering wrote."""


def run_passes(
    program: Program,
    has: Callable[[str], bool],
    *,
    cheap_private: bool = True,
    rounds_shares: bool = True,
    ring_bits: int = RING_BITS,
) -> Program:
    """`program` as a scheme that has exactly the operators of `has` runs it; its reveals are the same.

    `cheap_private`: whether the scheme's products with private values are worth keeping values private for.
    `rounds_shares`: whether it can truncate what is still secret; `ring_bits`: k where its ring is Z_2^k.
    Raises: what `check` raises, after each pass; UsageError RANGE-0001 for a step without a proof.
    """
    early = () if cheap_private else (spread(has), reuse)
    lowered, proved = (lower(has), *PASSES), partial(prove, ring_bits=ring_bits, combine=rounds_shares)
    # Operators are proved before lowering. What divides only after the reveal is proved as it then stands.
    rest = (proved, *lowered) if rounds_shares else (*lowered, late, dead, proved)
    for step in (*PASSES, fuse, dead, *early, *rest):
        program = check(step(program))
    return program
