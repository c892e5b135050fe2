"""plain: the reference scheme, no privacy at all. Every party holds every value; only tests may start it."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import PolicyError
from tacit.base.protocol import gather
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.base.wire import Octets, Ring
from tacit.mpc.scheme import ArrayShare, Scheme, Share

NO_PRIVACY = Setting(parties=1, corrupted=0, adversary="semi-honest", security="perfect")


class PlainShare(ArrayShare):
    """The value itself."""


class Plain(Scheme):
    """Operations on values that everybody knows."""

    name: ClassVar[str] = "plain"
    setting: ClassVar[Setting] = NO_PRIVACY

    @classmethod
    async def start(cls, ctx: Ctx) -> Plain:
        if not ctx.session.insecure:
            raise PolicyError(
                "SCHEME-0004",
                "scheme 'plain' protects nothing and runs in tests only",
                hint="choose semi2k for two parties, rep3 for three",
            )
        return cls()

    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        kind = Octets if boolean else Ring
        scope = ctx.sub("share")
        if ctx.me == owner:
            assert x is not None
            await gather(*(scope.send(other, kind(x)) for other in range(ctx.n) if other != ctx.me))
            return PlainShare(x, boolean)
        received = (
            await scope.recv(owner, Octets, shape=shape)
            if boolean
            else await scope.recv(owner, Ring, shape=shape)
        )
        return PlainShare(received.array, boolean)

    def constant(self, ctx: Ctx, x: np.ndarray, *, boolean: bool = False) -> Share:
        return PlainShare(x, boolean)

    def save(self, x: Share) -> np.ndarray:
        return _data(x)

    def restore(self, data: np.ndarray) -> Share:
        return PlainShare(data)

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        return _data(x) if to in (None, ctx.me) else None

    def add(self, x: Share, y: Share) -> Share:
        return PlainShare(_data(x) ^ _data(y) if x.boolean else _data(x) + _data(y), x.boolean)

    def scale(self, x: Share, c: np.ndarray) -> Share:
        return PlainShare(_data(x) * c)

    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return PlainShare(_data(x) * _data(y))

    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return PlainShare(_data(x) @ _data(y))

    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        matrix = await self.share(ctx, x, owner=owner, shape=(m, y.shape[0]))
        return await self.matmul(ctx, matrix, y)

    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        return await self.mul(ctx, await self.share(ctx, x, owner=owner, shape=y.shape), y)

    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        return PlainShare((_data(x).view(np.int64) >> np.int64(bits)).view(np.uint64))

    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return PlainShare(_data(x) & _data(y), boolean=True)

    async def msb(self, ctx: Ctx, x: Share) -> Share:
        return PlainShare((_data(x) >> np.uint64(63)).astype(np.uint8), boolean=True)

    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        shifts = np.arange(64, dtype=np.uint64)
        return PlainShare(((_data(x)[..., None] >> shifts) & np.uint64(1)).astype(np.uint8), boolean=True)

    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        return PlainShare(_data(x).astype(np.uint64))

    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        return PlainShare(_data(c).astype(np.uint64) * _data(x))

    async def low_bit(self, ctx: Ctx, x: Share) -> Share:
        return PlainShare((_data(x) & np.uint64(1)).astype(np.uint8), boolean=True)

    async def random(self, ctx: Ctx, shape: Shape) -> Share:
        values = ctx.sub("random").private().ring(shape)
        return await self.share(ctx, values if ctx.me == 0 else None, owner=0, shape=shape)


def _data(x: Share) -> np.ndarray:
    return cast(PlainShare, x).data


SCHEME = Plain
