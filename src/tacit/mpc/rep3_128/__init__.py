"""rep3_128: replicated sharing over Z_2^128 among three parties, semi-honest (see README.md)."""

from __future__ import annotations

from typing import ClassVar, Self, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.mpc.rep3 import boolean as bits
from tacit.mpc.rep3 import compare
from tacit.mpc.rep3 import share as narrow
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share
from tacit.mpc.rep3_128 import arith, truncate, words
from tacit.mpc.rep3_128 import share as sharing
from tacit.mpc.rep3_128.share import WideShare
from tacit.mpc.scheme import Scheme, Share


class Rep3Wide(Scheme):
    """Products and truncation in Z_2^128; signs and bits of the low 64 bits by rep3. Holds no state."""

    name: ClassVar[str] = "rep3_128"
    setting: ClassVar[Setting] = THREE_PARTY
    cheap_private: ClassVar[bool] = False
    ring_bits: ClassVar[int] = 128

    @classmethod
    async def start(cls, ctx: Ctx) -> Self:
        if ctx.n != 3:
            raise UsageError(
                "SCHEME-0001",
                f"scheme {cls.name!r} is for three parties, the job has {ctx.n}",
                hint="choose semi2k for two parties",
            )
        return cls()

    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        if boolean:
            return await narrow.share(ctx, x, owner, shape, boolean)
        return await sharing.share(ctx, x, owner, shape)

    def constant(self, ctx: Ctx, x: np.ndarray, *, boolean: bool = False) -> Share:
        return narrow.constant(ctx, x, boolean) if boolean else sharing.constant(ctx, x)

    def save(self, x: Share) -> np.ndarray:
        """Both addends, one after the other along a new first axis."""
        return np.stack([_wide(x).first, _wide(x).second])

    def restore(self, data: np.ndarray) -> Share:
        return WideShare(data[0], data[1])

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        """x modulo 2^64, which is x for |x| < 2^63."""
        if x.boolean:
            return await narrow.reveal(ctx, _bits(x), to)
        return await sharing.reveal(ctx, _wide(x), to)

    def add(self, x: Share, y: Share) -> Share:
        if x.boolean:
            return Rep3Share(_bits(x).first ^ _bits(y).first, _bits(x).second ^ _bits(y).second, boolean=True)
        a, b = _wide(x), _wide(y)
        return WideShare(words.add(a.first, b.first), words.add(a.second, b.second))

    def scale(self, x: Share, c: np.ndarray) -> Share:
        factor = words.widened(c)
        return WideShare(words.mul(_wide(x).first, factor), words.mul(_wide(x).second, factor))

    def matmul_public(self, x: Share, matrix: np.ndarray, *, left: bool) -> Share:
        wide = words.widened(matrix)

        def side(a: np.ndarray) -> np.ndarray:
            return words.matmul(wide, a) if left else words.matmul(a, wide)

        return WideShare(side(_wide(x).first), side(_wide(x).second))

    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.mul(ctx, _wide(x), _wide(y))

    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.matmul(ctx, _wide(x), _wide(y))

    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        return await arith.matmul_private(ctx, x, _wide(y), owner, m)

    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        return await arith.mul_private(ctx, x, _wide(y), owner)

    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        """x / 2^bits, rounded down or up, for |x| < 2^126."""
        return await truncate.trunc(ctx, _wide(x), bits)

    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await bits.and_(ctx, _bits(x), _bits(y))

    async def msb(self, ctx: Ctx, x: Share) -> Share:
        """The sign bit, for |x| < 2^63."""
        return await compare.msb(ctx, _wide(x).low())

    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        """The low 64 bits, which are all for |x| < 2^63."""
        return await bits.a2b(ctx, _wide(x).low())

    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        return await arith.b2a(ctx, _bits(x))

    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        return await arith.mul(ctx, await arith.b2a(ctx, _bits(c)), _wide(x))

    async def low_bit(self, ctx: Ctx, x: Share) -> Share:
        """Local: the lowest bit of a sum is the xor of the lowest bits."""
        low = _wide(x).low().map(lambda a: (a & np.uint64(1)).astype(np.uint8))
        return Rep3Share(low.first, low.second, boolean=True)

    async def random(self, ctx: Ctx, shape: Shape) -> Share:
        return sharing.random(ctx, shape)


def _wide(x: Share) -> WideShare:
    return cast(WideShare, x)


def _bits(x: Share) -> Rep3Share:
    return cast(Rep3Share, x)


SCHEME = Rep3Wide
