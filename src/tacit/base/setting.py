"""What a protocol declares: against whom it is secure, what it costs, what it leaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Adversary = Literal["semi-honest", "covert", "malicious"]
ADVERSARIES: tuple[Adversary, ...] = ("semi-honest", "covert", "malicious")
_SECURITY = ("computational", "statistical", "perfect")


@dataclass(frozen=True)
class Setting:
    """Against whom a protocol is secure, and on what assumptions."""

    parties: int
    corrupted: int
    adversary: Adversary
    security: Literal["computational", "statistical", "perfect"]
    kappa: int = 128
    sigma: int = 40
    assumes: tuple[str, ...] = ()
    maturity: Literal["experimental", "reviewed", "audited"] = "experimental"
    among_more: Literal["", "all but one", "fewer than half"] = ""
    """How many may be corrupted where there are more than `parties`; '' if it is for exactly so many."""

    @property
    def threat(self) -> str:
        """`1 of 2 parties corrupted`, in words."""
        if self.among_more:
            return f"{self.among_more} of {self.parties} or more parties corrupted"
        return f"{self.corrupted} of {self.parties} parties corrupted"

    def covers(self, claim: Setting, granted: tuple[str, ...] = ()) -> bool:
        """Whether a protocol that claims `claim`, with `granted` assumed, may call one with this setting."""
        return (
            self.corrupted >= claim.corrupted
            and (claim.among_more in ("", self.among_more) or self.among_more == "all but one")
            and ADVERSARIES.index(self.adversary) >= ADVERSARIES.index(claim.adversary)
            and _SECURITY.index(self.security) >= _SECURITY.index(claim.security)
            and self.kappa >= claim.kappa
            and self.sigma >= claim.sigma
            and set(self.assumes) <= {*claim.assumes, *granted}
        )


@dataclass(frozen=True)
class Spec:
    """What `@protocol` declares. `rounds` and `bits` (sent by all parties together) are numbers or
    functions of the protocol's arguments without `ctx`; None where they depend on what is called. Rounds hold
    for calls that fit one window of chunks (`blocks.ot.ole`); longer ones take that many per window."""

    name: str
    source: str
    setting: Setting
    rounds: int | Callable[..., int] | None
    bits: int | Callable[..., int] | None
    leaks: tuple[str, ...]

    def cost(self, *args: Any, **kwargs: Any) -> tuple[int | None, int | None]:
        """Declared (rounds, bits) for these arguments."""
        rounds = self.rounds(*args, **kwargs) if callable(self.rounds) else self.rounds
        bits = self.bits(*args, **kwargs) if callable(self.bits) else self.bits
        return rounds, bits
