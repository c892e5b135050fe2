"""additive: sums and linear statistics among any number of parties, semi-honest (see README.md)."""

from __future__ import annotations

from typing import ClassVar, Never, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UnsupportedError, UsageError
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.mpc.additive import share as sharing
from tacit.mpc.additive.share import ALL_BUT_ONE, AdditiveShare
from tacit.mpc.scheme import Scheme, Share


class Additive(Scheme):
    """Linear operations on addends; holds no state. Whatever is not linear is refused."""

    name: ClassVar[str] = "additive"
    setting: ClassVar[Setting] = ALL_BUT_ONE
    linear_only: ClassVar[bool] = True

    @classmethod
    async def start(cls, ctx: Ctx) -> Additive:
        if ctx.n < ALL_BUT_ONE.parties:
            raise UsageError(
                "SCHEME-0001",
                f"scheme 'additive' is for three or more parties, the job has {ctx.n}",
                hint="choose semi2k for two parties",
            )
        return cls()

    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        return await sharing.share(ctx, x, owner, shape, boolean)

    def constant(self, ctx: Ctx, x: np.ndarray, *, boolean: bool = False) -> Share:
        return sharing.constant(ctx, x, boolean)

    def save(self, x: Share) -> np.ndarray:
        if _own(x).excess:
            raise UnsupportedError(
                "SCHEME-0005",
                "a value that is still to be rounded cannot be saved as a share",
                hint="save the sum and divide after it is revealed",
            )
        return _own(x).data

    def restore(self, data: np.ndarray) -> Share:
        return AdditiveShare(data)

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        return await sharing.reveal(ctx, _own(x), to, ctx.n)

    def add(self, x: Share, y: Share) -> Share:
        if x.boolean:
            return AdditiveShare(_own(x).data ^ _own(y).data, boolean=True)
        excess = max(_own(x).excess, _own(y).excess)
        return AdditiveShare(_own(x).widened(excess).data + _own(y).widened(excess).data, False, excess)

    def scale(self, x: Share, c: np.ndarray) -> Share:
        return AdditiveShare(_own(x).data * c, False, _own(x).excess)

    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        """Put off: the bits are dropped from the opened value."""
        return _own(x).deferred(bits)

    async def low_bit(self, ctx: Ctx, x: Share) -> Share:
        """Local: the lowest bit of a sum is the xor of the lowest bits. Integers never wait for rounding."""
        return AdditiveShare((_own(x).data & np.uint64(1)).astype(np.uint8), boolean=True)

    async def random(self, ctx: Ctx, shape: Shape) -> Share:
        return AdditiveShare(ctx.sub("random").private().ring(shape))

    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        _refuse("mul")

    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        _refuse("matmul")

    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        _refuse("matmul")

    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        _refuse("mul")

    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        _refuse("and")

    async def msb(self, ctx: Ctx, x: Share) -> Share:
        _refuse("comparison")

    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        _refuse("bits of a number")

    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        _refuse("bits as numbers")

    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        _refuse("select")


def _refuse(what: str) -> Never:
    raise UnsupportedError(
        "EXEC-0002",
        f"{what!r} on secret values is not available in scheme 'additive'",
        hint="it has sums and other linear functions; choose semi2k or rep3 for more",
    )


def _own(x: Share) -> AdditiveShare:
    return cast(AdditiveShare, x)


SCHEME = Additive
