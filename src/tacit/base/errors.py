"""Every exception that Tacit raises, one tree, sorted by who must act.

Messages name columns, rows, shapes and codes, never values. To a peer only "abort, code" is said;
`wire_code` is that text. Each code has a page `docs/errors/CODE.md`.
"""

from __future__ import annotations


class TacitError(Exception):
    """Base of the tree. `code` is stable, `hint` says what to do, `path` is the scope where it happened."""

    who = "somebody"
    exit_code = 1

    def __init__(self, code: str, message: str, *, hint: str = "", path: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.path = path

    def __str__(self) -> str:
        where = f" (at {self.path})" if self.path else ""
        hint = f" — {self.hint}" if self.hint else ""
        return f"[{self.code}] {self.message}{where}{hint}"

    @property
    def wire_code(self) -> str:
        """All that a peer is told about this error."""
        return f"abort {self.code}"


class UsageError(TacitError, ValueError):
    """The caller must act: a wrong type, shape, argument, column or file."""

    who = "caller"
    exit_code = 2


class TypeRuleError(UsageError):
    """The caller must act: an operator was given types that its rule refuses."""


class PolicyError(TacitError):
    """The data owner must act: the program would disclose too much."""

    who = "data owner"
    exit_code = 3


class PeerError(TacitError):
    """The other party must act: a malformed, missing or out-of-turn message."""

    who = "peer"
    exit_code = 4


class CheatDetected(PeerError):
    """The other party failed a check that only a deviating party can fail."""

    exit_code = 5


class TransportError(TacitError, ConnectionError):
    """The operator must act: unreachable, timed out, wrong certificate, port busy."""

    who = "operator"
    exit_code = 6


class LimitError(TacitError):
    """The job's owner must act: time, memory, bytes or privacy budget exceeded."""

    who = "job owner"
    exit_code = 7


class UnsupportedError(TacitError):
    """Tacit knowingly does not do this. It never falls back to something weaker."""

    who = "Tacit"
    exit_code = 8


class InternalError(TacitError):
    """A fault of ours: please report it with its code and scope path."""

    who = "Tacit"
    exit_code = 70
