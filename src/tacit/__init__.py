"""Tacit: institutions compute together on data that none of them shows."""

from typing import TYPE_CHECKING, Any

from tacit.base.errors import TacitError
from tacit.compile import array as xp
from tacit.run.job import PRODUCT_VERSION as __version__
from tacit.run.secure import secure, sim

if TYPE_CHECKING:
    from tacit.tasks.join_tables import join_tables as join

__all__ = ["TacitError", "__version__", "join", "secure", "sim", "xp"]


def __getattr__(name: str) -> Any:
    """`join` on first use: who computes on arrays need not wait for the table library."""
    if name != "join":
        raise AttributeError(f"module 'tacit' has no attribute {name!r}")
    from tacit.tasks.join_tables import join_tables

    return join_tables
