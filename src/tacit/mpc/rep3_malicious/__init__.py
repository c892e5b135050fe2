"""rep3 with malicious security: the same sharing, products verified before anything is opened (README.md)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.protocol import gather
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.blocks.dzk.bbcgi19 import THREE_PARTY_MALICIOUS, verify
from tacit.blocks.dzk.claims import Claims
from tacit.mpc.rep3.replicated import Replicated
from tacit.mpc.rep3.share import Rep3Share
from tacit.mpc.rep3_malicious import arith, boolean, convert, truncate
from tacit.mpc.rep3_malicious import share as sharing
from tacit.mpc.scheme import Share

KEEP = 1 << 16
"""Elements of an operation whose claims wait for the next verification; longer ones are verified at once."""
BATCH = 1 << 19
"""Elements that are computed and verified together; with `IN_FLIGHT`, what bounds memory."""
IN_FLIGHT = 2
MOST_WORDS = 1 << 22
"""Words of waiting claims at which the next checkpoint verifies them."""

Operation = Callable[..., Coroutine[Any, Any, Rep3Share]]


class Rep3Malicious(Replicated):
    """Binds the protocols of this package. State: the claims that are not verified yet."""

    name: ClassVar[str] = "rep3_malicious"
    verifies: ClassVar[bool] = True
    hardens: ClassVar[str] = "rep3"
    setting: ClassVar[Setting] = THREE_PARTY_MALICIOUS

    def __init__(self) -> None:
        self._claims = Claims()

    async def settle(self, ctx: Ctx) -> None:
        """Verify all claims. No operation of this scheme may be running. Raises CheatDetected CHEAT-0001."""
        claims, self._claims = self._claims, Claims()
        if claims:
            await verify(ctx, claims)

    async def checkpoint(self, ctx: Ctx) -> None:
        if self._claims.words > MOST_WORDS:
            await self.settle(ctx)

    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        return await sharing.share(ctx, x, owner, shape, boolean)

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        """Verifies first. No operation of this scheme may be running."""
        await self.settle(ctx)
        return await sharing.reveal(ctx, _own(x), to)

    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await self._elementwise(ctx, arith.mul, x, y)

    async def square(self, ctx: Ctx, x: Share) -> Share:
        return await self._elementwise(ctx, arith.square, x)

    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.matmul(ctx, self._claims, _own(x), _own(y))

    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        """The private factor is shared: what its owner multiplied by is then on record."""
        factor = await self.share(ctx, x, owner=owner, shape=(m, y.shape[0]))
        return await self.matmul(ctx, factor, y)

    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        return await self.mul(ctx, await self.share(ctx, x, owner=owner, shape=y.shape), y)

    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        return await self._elementwise(ctx, functools.partial(_trunc, bits=bits), x)

    async def mul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        return await self._elementwise(ctx, functools.partial(_mul_trunc, bits=bits), x, y)

    async def square_trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        return await self._elementwise(ctx, functools.partial(_square_trunc, bits=bits), x)

    async def matmul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        return await self.trunc(ctx, await self.matmul(ctx, x, y), bits=bits)

    async def mul_private_trunc(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, bits: int
    ) -> Share:
        return await self.mul_trunc(ctx, await self.share(ctx, x, owner=owner, shape=y.shape), y, bits=bits)

    async def matmul_private_trunc(
        self,
        ctx: Ctx,
        x: np.ndarray | None,
        y: Share,
        *,
        owner: int,
        m: int,
        bits: int,
        x_bits: int = RING_BITS,
    ) -> Share:
        product = await self.matmul_private(ctx, x, y, owner=owner, m=m, x_bits=x_bits)
        return await self.trunc(ctx, product, bits=bits)

    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await self._elementwise(ctx, boolean.and_, x, y)

    async def msb(self, ctx: Ctx, x: Share) -> Share:
        return await self._elementwise(ctx, boolean.msb, x)

    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        return await self._elementwise(ctx, boolean.a2b, x)

    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        return await self._elementwise(ctx, convert.b2a, x)

    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        return await self._elementwise(ctx, convert.mux, c, x)

    async def _elementwise(self, ctx: Ctx, operation: Operation, *shares: Share) -> Share:
        """`operation(ctx, claims, *shares)`; on long shares in batches, each verified on its own."""
        own = [_own(share) for share in shares]
        shape, size = own[0].shape, own[0].size
        if size <= KEEP:
            return await operation(ctx, self._claims, *own)
        flat = [share.map(np.ravel) for share in own]
        batches = [
            (ctx.sub("batch"), [_cut(share, start) for share in flat]) for start in range(0, size, BATCH)
        ]
        results: list[Rep3Share] = []
        for start in range(0, len(batches), IN_FLIGHT):
            results += await gather(
                *(_verified(scope, operation, inputs) for scope, inputs in batches[start : start + IN_FLIGHT])
            )
        whole = results[0].join(results[1:], np.concatenate)
        return whole.map(lambda a: a.reshape(*shape, *a.shape[1:]))


def _cut(share: Rep3Share, start: int) -> Rep3Share:
    return share.map(lambda a: a[start : start + BATCH])


async def _verified(ctx: Ctx, operation: Operation, shares: list[Rep3Share]) -> Rep3Share:
    claims = Claims()
    result = await operation(ctx, claims, *shares)
    await verify(ctx, claims)
    return result


async def _trunc(ctx: Ctx, claims: Claims, x: Rep3Share, *, bits: int) -> Rep3Share:
    return await truncate.trunc(ctx, claims, x, bits)


async def _mul_trunc(ctx: Ctx, claims: Claims, x: Rep3Share, y: Rep3Share, *, bits: int) -> Rep3Share:
    return await truncate.trunc(ctx, claims, await arith.mul(ctx, claims, x, y), bits)


async def _square_trunc(ctx: Ctx, claims: Claims, x: Rep3Share, *, bits: int) -> Rep3Share:
    return await truncate.trunc(ctx, claims, await arith.square(ctx, claims, x), bits)


def _own(x: Share) -> Rep3Share:
    return cast(Rep3Share, x)


SCHEME = Rep3Malicious
