"""semi2k_dealer: semi2k with correlations dealt by a third party that sees no data (see README.md)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.setting import Setting
from tacit.blocks.dealt import DEALER, DEALT, DealtCorrelations, pair_view
from tacit.mpc.scheme import Share
from tacit.mpc.semi2k import Semi2k


class Semi2kDealer(Semi2k):
    """The protocols of `semi2k` between parties 0 and 1; party 2 walks through them on zeros and deals."""

    name: ClassVar[str] = "semi2k_dealer"
    setting: ClassVar[Setting] = DEALT
    ots: ClassVar[tuple[str, ...]] = ()
    outsiders: ClassVar[frozenset[int]] = frozenset((DEALER,))

    @classmethod
    async def start(cls, ctx: Ctx) -> Semi2kDealer:
        if ctx.n != DEALT.parties:
            raise UsageError(
                "SCHEME-0001",
                f"scheme 'semi2k_dealer' is for two parties and a dealer, the job has {ctx.n} parties",
                hint="name the dealer third, or choose semi2k, which needs none",
            )
        return cls(DealtCorrelations())

    def view(self, ctx: Ctx) -> Ctx:
        return pair_view(ctx)

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        """As in semi2k; the dealer learns nothing, whoever else does."""
        opened = await super().reveal(ctx, x, to=to)
        return None if ctx.me == DEALER else opened


SCHEME = Semi2kDealer
