"""Nothing is opened but what is listed: by a program's `reveal` equations, or by the task that a step is of.

Every scheme's `reveal` asks here. While a program runs, an operator, a lowering or a scheme's own method that
opened a value on the way would be refused before it sent anything. In a step of a run, outside of programs,
`reveal_declared` is the one door: it opens what the step declares, to whom it declares it, and notes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import PolicyError
from tacit.base.types import Shape

if TYPE_CHECKING:
    from tacit.mpc.scheme import Scheme, Share

Opening = tuple[Shape, int | None]
"""Of which shape, to whom; None is to all."""

_LISTED: ContextVar[Opening | None | bool] = ContextVar("tacit_openings", default=True)
"""True: neither a program nor a step of a run; None: nothing may be opened; else what may be opened now."""


@dataclass(frozen=True)
class Declared:
    """What a step may open outside of programs, by name and recipient; (name, to, values) of what it did."""

    names: frozenset[tuple[str, int | None]] = frozenset()
    opened: list[tuple[str, int | None, int]] = field(default_factory=list)


_DECLARED: ContextVar[Declared] = ContextVar("tacit_declared", default=Declared())  # noqa: B039 nothing is opened in it


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


@contextmanager
def step(names: Collection[tuple[str, int | None]] = ()) -> Iterator[Declared]:
    """Around a step of a run: outside of programs, nothing may be opened but these, by `reveal_declared`."""
    declared = Declared(frozenset(names))
    token = _DECLARED.set(declared)
    try:
        with _set(None):
            yield declared
    finally:
        _DECLARED.reset(token)


async def reveal_declared(
    ctx: Ctx, scheme: Scheme, name: str, x: Share, *, to: int | None = None
) -> np.ndarray | None:
    """Open `x` under a name that the step declares. Raises PolicyError POLICY-0002 for any other."""
    declared = _DECLARED.get()
    if (name, to) not in declared.names:
        raise PolicyError(
            "POLICY-0002",
            f"{name!r} would be opened to {_who(to)}: not agreed",
            hint="report it: a protocol opens what its task does not declare",
        )
    with listed(x.shape, to):
        opened = await scheme.reveal(ctx, x, to=to)
    declared.opened.append((name, to, int(np.prod(x.shape))))
    ctx.log("reveal", name=name, to="all" if to is None else to, size=int(np.prod(x.shape)))
    return opened


def _who(to: int | None) -> str:
    return "every party" if to is None else f"party {to}"


def listed(shape: Shape, to: int | None) -> AbstractContextManager[None]:
    """Around one opening that the program or the step lists."""
    return _set((shape, to))


def require_listed(shape: Shape, to: int | None) -> None:
    """Raises PolicyError POLICY-0012 for an opening that the running program does not list."""
    allowed = _LISTED.get()
    if allowed is not True and allowed != (shape, to):
        raise PolicyError(
            "POLICY-0012",
            f"a value of shape {shape} would be opened to {_who(to)} where the program lists no such reveal",
            hint="report it: a protocol opens what no program asked for",
        )
