"""From an ordinary function to the program that a scheme runs: what the compiler is told about the scheme."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tacit.base.types import Type
from tacit.compile.array import trace
from tacit.compile.pipeline import run_passes
from tacit.ir.program import Program, Range
from tacit.mpc.operators import supports
from tacit.mpc.scheme import load


def compiled(
    function: Callable[..., Any],
    inputs: Sequence[tuple[str, Type]],
    name: str,
    scheme: str,
    ranges: Mapping[str, Range] | None = None,
) -> Program:
    """`function` traced on `inputs` and optimised for `scheme`; inputs lie in their `ranges`, by name, and
    others in the widest that is proved safe. Raises what tracing and the passes raise."""
    kind = load(scheme)
    return run_passes(
        trace(function, inputs, name, ranges),
        supports(scheme),
        cheap_private=kind.cheap_private,
        rounds_shares=not kind.linear_only,
        ring_bits=kind.ring_bits,
    )
