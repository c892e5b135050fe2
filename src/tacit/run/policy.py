"""What a program may reveal, and to whom: checked before it runs.

A `Policy` is what the parties signed for: names of values, each with its recipients. A program whose
`reveals()` lists anything else is refused before the first data message.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tacit.base.errors import PolicyError
from tacit.ir.program import Program, Reveal

ALL: tuple[int, ...] = ()


@dataclass(frozen=True)
class Grant:
    """Permission to reveal the value called `name` (or `name.*` for a family) to one party, or `ALL`."""

    name: str
    to: tuple[int, ...]
    guarded: bool = False
    """Only behind a threshold that is checked on shares."""

    def covers(self, reveal: Reveal) -> bool:
        named = reveal.name == self.name or (
            self.name.endswith(".*") and reveal.name.startswith(self.name[:-1])
        )
        reaches = self.to == ALL or (reveal.to != ALL and set(reveal.to) <= set(self.to))
        return named and reaches and (reveal.guarded or not self.guarded)


Policy = tuple[Grant, ...]


def check_reveals(program: Program, policy: Policy) -> None:
    """Raises PolicyError POLICY-0002 if `program` can reveal anything that `policy` does not grant."""
    for reveal in program.reveals():
        if not any(grant.covers(reveal) for grant in policy):
            recipients = "every party" if reveal.to == ALL else f"party {', '.join(map(str, reveal.to))}"
            raise PolicyError(
                "POLICY-0002",
                f"program {program.name!r} would reveal {reveal.name!r} to {recipients}: not agreed",
                hint="remove it from the program, or add a line to the job's reveal section on both sides",
            )


def require_agreed(entitled: Collection[int], receivers: Collection[int]) -> None:
    """Raises PolicyError POLICY-0002 if others than the entitled would learn which rows are common."""
    others = sorted(set(receivers) - set(entitled))
    if others:
        raise PolicyError(
            "POLICY-0002",
            f"party {', '.join(map(str, others))} would learn which rows are common: not agreed",
            hint="name every receiver in the job's reveal section, on both sides",
        )
