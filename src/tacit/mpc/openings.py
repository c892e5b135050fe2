"""While a program runs, nothing is opened but what its `reveal` equations list, as they list it.

Every scheme's `reveal` asks here. An operator, a lowering or a scheme's own method that opened a value on the
way would be refused before it sent anything. Outside of programs, protocols that open by themselves answer
for it: they declare what they reveal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from tacit.base.errors import PolicyError
from tacit.base.types import Shape

Opening = tuple[Shape, int | None]
"""Of which shape, to whom; None is to all."""

_LISTED: ContextVar[Opening | None | bool] = ContextVar("tacit_openings", default=True)
"""True: no program runs; None: one runs, and opens nothing; else what may be opened now."""


@contextmanager
def _set(value: Opening | None) -> Iterator[None]:
    token = _LISTED.set(value)
    try:
        yield
    finally:
        _LISTED.reset(token)


def program() -> AbstractContextManager[None]:
    """Around the run of a program: nothing may be opened."""
    return _set(None)


def listed(shape: Shape, to: int | None) -> AbstractContextManager[None]:
    """Around one opening that the program lists."""
    return _set((shape, to))


def require_listed(shape: Shape, to: int | None) -> None:
    """Raises PolicyError POLICY-0012 for an opening that the running program does not list."""
    allowed = _LISTED.get()
    if allowed is not True and allowed != (shape, to):
        who = "every party" if to is None else f"party {to}"
        raise PolicyError(
            "POLICY-0012",
            f"a value of shape {shape} would be opened to {who} where the program lists no such reveal",
            hint="report it: a protocol opens what no program asked for",
        )
