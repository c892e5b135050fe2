"""Which protocol gives the OTs: a public parameter of the job, the same for both parties.

Bytes per OT against local work, see the cost of each file. Break-even with one core per party: k = 2 where
the link carries more than about 8 Gbit/s, k = 4 above 500 Mbit/s, silent below (`docs/decisions/0012`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from tacit.base.ctx import Ctx
from tacit.blocks.ot import silent_rrt23, softspoken_roy22
from tacit.blocks.ot.functionality import OtLink

LINKS: dict[str, Callable[[Ctx], Coroutine[Any, Any, OtLink]]] = {
    "softspoken2": lambda ctx: softspoken_roy22.open_link(ctx, 2),
    "softspoken4": lambda ctx: softspoken_roy22.open_link(ctx, 4),
    "softspoken8": lambda ctx: softspoken_roy22.open_link(ctx, 8),
    "silent": silent_rrt23.open_link,
}
"""How a link of OTs is opened, by the name that a job gives."""
DEFAULT = "softspoken4"


def for_link(mbit: float) -> str:
    """The name in `LINKS` for a link of this many megabits per second, one way."""
    if mbit >= 8000:
        return "softspoken2"
    return "softspoken4" if mbit >= 500 else "silent"
