"""A value during a run, as the executor and the operators hand it on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tacit.base.types import Type
from tacit.mpc.scheme import Share


@dataclass(frozen=True)
class Value:
    """A value during a run: `plain` (public, or private and mine) or `share`, else None; its round depth."""

    type: Type
    plain: np.ndarray | None
    share: Share | None
    clock: int
