"""What a scope and everything below it has sent and received, and how many rounds deep a task is.

Depth follows the tasks, not the scopes: branches of `gather` start at the same depth and the deepest counts.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

_DEPTH: ContextVar[int] = ContextVar("round depth", default=0)


def depth() -> int:
    """Length of the longest chain of messages that the running task depends on: its round number."""
    return _DEPTH.get()


def deepen(at_least: int) -> None:
    """Note that the running task now depends on something of this depth."""
    _DEPTH.set(max(_DEPTH.get(), at_least))


def restart(at: int = 0) -> None:
    """Start counting rounds again, in this task and those it starts."""
    _DEPTH.set(at)


@dataclass
class Meter:
    """Counters of one scope, children included."""

    parent: Meter | None = field(default=None, repr=False)
    bytes_sent: int = 0
    bytes_received: int = 0
    frames_sent: int = 0

    def count_sent(self, n_bytes: int) -> None:
        scope: Meter | None = self
        while scope is not None:
            scope.bytes_sent += n_bytes
            scope.frames_sent += 1
            scope = scope.parent

    def count_received(self, n_bytes: int) -> None:
        scope: Meter | None = self
        while scope is not None:
            scope.bytes_received += n_bytes
            scope = scope.parent
