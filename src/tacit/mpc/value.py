"""A value during a run, as the executor and the operators hand it on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tacit.base.types import Public, Type
from tacit.mpc import encode
from tacit.mpc.scheme import Share


@dataclass(frozen=True)
class Value:
    """A value during a run: `plain` (public, or private and mine) or `share`, else None; its round depth."""

    type: Type
    plain: np.ndarray | None
    share: Share | None
    clock: int

    @property
    def ring(self) -> np.ndarray | None:
        """`plain` as ring elements or bits."""
        if self.plain is None:
            return None
        return (
            self._public if isinstance(self.type.vis, Public) else encode.encode(self.plain, self.type.dtype)
        )

    @cached_property
    def factor(self) -> tuple[np.ndarray, int]:
        """A public value as `encode.multiplier` gives it; a constant of a loop is encoded once."""
        assert self.plain is not None
        return encode.multiplier(self.plain, self.type.dtype)

    @cached_property
    def _public(self) -> np.ndarray:
        assert self.plain is not None
        ring = encode.encode(self.plain, self.type.dtype).view()
        ring.setflags(write=False)
        return ring
