"""Which source of OTs a program should take on a link: the one whose predicted seconds are fewest.

A public parameter of the job (`Job.ot`): whoever writes it calls `place` with the link's figures, and both
sides of a run that call it with the same figures and rates choose alike. Bytes and rounds of each source are
rehearsed. Its work is that of the default, as measured, and the difference that each OT makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tacit.ir.program import Program
from tacit.mpc.scheme import Scheme
from tacit.run.explain.explanation import explain, known
from tacit.run.explain.rates import LINKS, Link, Rates
from tacit.run.explain.reason import amount, duration

OT_SECONDS: Mapping[str, float] = {
    "softspoken2": 6e-9,
    "softspoken4": 8e-9,
    "softspoken8": 44e-9,
    "silent": 34e-9,
}
"""Of one OT at one side, measured for `docs/decisions/0012`; of silent OT the mean of both sides."""
BYTES_APART = 4
"""How much more an OT sends by SoftSpoken with k = 2 than with k = 4: what their number is read off."""


@dataclass(frozen=True)
class Priced:
    """A program with its OTs from one source."""

    ot: str
    seconds: float
    sent: int


@dataclass(frozen=True)
class Placement:
    """Sources from the fastest to the slowest on `link`; none where the scheme takes no OTs."""

    link: Link
    sources: tuple[Priced, ...]

    @property
    def ot(self) -> str:
        """The name for the job; empty where there is nothing to choose."""
        return self.sources[0].ot if self.sources else ""

    def __str__(self) -> str:
        said = [f"{each.ot} {duration(each.seconds)}, {amount(each.sent)}" for each in self.sources]
        return f"on {self.link.name}: {'; '.join(said)}" if said else "no choice"


def place(
    program: Program,
    scheme: type[Scheme],
    parties: Sequence[str],
    link: Link | str,
    rates: Rates | None = None,
) -> Placement:
    """Prices of `program` with each source of OTs that `scheme` takes. Raises as `explain`."""
    on = LINKS[known(link)] if isinstance(link, str) else link
    found = {ot: explain(program, scheme.with_ots(ot), parties, on, rates) for ot in scheme.ots}
    if not found:
        return Placement(on, ())
    sent = {ot: sum(each.sent) for ot, each in found.items()}
    n_ots = (sent["softspoken2"] - sent["softspoken4"]) // BYTES_APART
    sources = [
        Priced(ot, each.seconds + n_ots * (OT_SECONDS[ot] - OT_SECONDS["softspoken4"]), sent[ot])
        for ot, each in found.items()
    ]
    return Placement(on, tuple(sorted(sources, key=lambda priced: priced.seconds)))
