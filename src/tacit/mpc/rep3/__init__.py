"""rep3: replicated sharing over Z_2^64 and Z_2 among three parties, semi-honest (see README.md)."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.mpc.rep3 import arith, boolean, compare, convert, leading, truncate
from tacit.mpc.rep3 import share as sharing
from tacit.mpc.rep3 import shuffle as shuffling
from tacit.mpc.rep3 import sort as sorting
from tacit.mpc.rep3.replicated import Replicated
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share
from tacit.mpc.scheme import Share


class Rep3(Replicated):
    """Binds the protocols of this package. Holds no state: all randomness is coins of pairs of parties."""

    name: ClassVar[str] = "rep3"
    setting: ClassVar[Setting] = THREE_PARTY

    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        return await sharing.share(ctx, x, owner, shape, boolean)

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        return await sharing.reveal(ctx, _own(x), to)

    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.mul(ctx, _own(x), _own(y))

    async def square(self, ctx: Ctx, x: Share) -> Share:
        return await arith.square(ctx, _own(x))

    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.matmul(ctx, _own(x), _own(y))

    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        return await arith.matmul_private(ctx, x, _own(y), owner, m)

    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        return await arith.mul_private(ctx, x, _own(y), owner)

    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        return await truncate.trunc(ctx, _own(x), bits)

    async def mul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        """x * y / 2^bits, rounded as `trunc` does: fewer bytes than `mul` and then `trunc`."""
        return await truncate.mul_trunc(ctx, _own(x), _own(y), bits)

    async def square_trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        """x * x / 2^bits."""
        return await truncate.square_trunc(ctx, _own(x), bits)

    async def matmul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        """(x @ y) / 2^bits."""
        return await truncate.matmul_trunc(ctx, _own(x), _own(y), bits)

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
        """(`owner`'s plaintext x @ y) / 2^bits."""
        return await truncate.matmul_private_trunc(ctx, x, _own(y), owner, m, bits)

    async def mul_private_trunc(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, bits: int
    ) -> Share:
        """`owner`'s plaintext x * y / 2^bits."""
        return await truncate.mul_private_trunc(ctx, x, _own(y), owner, bits)

    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await boolean.and_(ctx, _own(x), _own(y))

    async def msb(self, ctx: Ctx, x: Share) -> Share:
        return await compare.msb(ctx, _own(x))

    async def below(self, ctx: Ctx, x: Share, *, limits: tuple[int, ...]) -> Share:
        """Row j: x < limits[j]."""
        return await compare.below(ctx, _own(x), limits)

    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        return await boolean.a2b(ctx, _own(x))

    async def bits(self, ctx: Ctx, x: Share, *, low: int, high: int) -> Share:
        return await leading.bits(ctx, _own(x), low, high)

    async def leading_one(self, ctx: Ctx, x: Share, *, low: int, high: int) -> Share:
        """Row k: whether bit low + k is the highest one of x, or of -x - 1 if x < 0; last row: x < 0."""
        return await leading.leading_one(ctx, _own(x), low, high)

    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        return await convert.b2a(ctx, _own(x))

    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        return await convert.mux(ctx, _own(c), _own(x))

    async def shuffle(self, ctx: Ctx, x: Share) -> Share:
        """The rows of x (first axis) in a uniform order that nobody knows."""
        if 0 in x.shape:
            return x
        rows = await shuffling.shuffle(ctx, _own(x).map(lambda a: a.reshape(1, len(a), -1)))
        return rows.map(lambda a: a.reshape(x.shape))

    async def sort(self, ctx: Ctx, x: Share) -> Share:
        """Ascending along the last axis, for |x| < 2^62."""
        return await sorting.sort(ctx, _own(x))


def _own(x: Share) -> Rep3Share:
    return cast(Rep3Share, x)


SCHEME = Rep3
