"""What every scheme on replicated shares does without a message, whatever its adversary."""

from __future__ import annotations

from typing import ClassVar, Self, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.types import Shape
from tacit.mpc.rep3 import share as sharing
from tacit.mpc.rep3.share import Rep3Share
from tacit.mpc.scheme import Scheme, Share


class Replicated(Scheme):
    """Local operations. Randomness is coins of pairs of parties, so there is no set-up."""

    cheap_private: ClassVar[bool] = False

    @classmethod
    async def start(cls, ctx: Ctx) -> Self:
        if ctx.n != 3:
            raise UsageError(
                "SCHEME-0001",
                f"scheme {cls.name!r} is for three parties, the job has {ctx.n}",
                hint="choose semi2k for two parties",
            )
        return cls()

    def constant(self, ctx: Ctx, x: np.ndarray, *, boolean: bool = False) -> Share:
        return sharing.constant(ctx, x, boolean)

    def save(self, x: Share) -> np.ndarray:
        """Both addends, one after the other along the first axis (a single element: as an array of two)."""
        addends = own(x)
        return np.concatenate([np.atleast_1d(addends.first), np.atleast_1d(addends.second)])

    def restore(self, data: np.ndarray) -> Share:
        half = len(data) // 2
        return Rep3Share(data[:half], data[half:])

    def add(self, x: Share, y: Share) -> Share:
        a, b = own(x), own(y)
        if x.boolean:
            return Rep3Share(a.first ^ b.first, a.second ^ b.second, boolean=True)
        return Rep3Share(a.first + b.first, a.second + b.second)

    def scale(self, x: Share, c: np.ndarray) -> Share:
        return Rep3Share(own(x).first * c, own(x).second * c)

    async def low_bit(self, ctx: Ctx, x: Share) -> Share:
        """Local: the lowest bit of a sum is the xor of the lowest bits."""
        bits = own(x).map(lambda a: (a & np.uint64(1)).astype(np.uint8))
        return Rep3Share(bits.first, bits.second, boolean=True)

    async def random(self, ctx: Ctx, shape: Shape) -> Share:
        return sharing.random(ctx, shape)


def own(x: Share) -> Rep3Share:
    return cast(Rep3Share, x)
