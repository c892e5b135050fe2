"""semi2k: additive sharing over Z_2^64 between two parties, semi-honest, no dealer (see README.md)."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np

from tacit.base.ctx import Ctx
from tacit.base.errors import UsageError
from tacit.base.protocol import gather
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.blocks.correlation import TWO_PARTY, Correlations, OwnCorrelations
from tacit.blocks.he import rlwe_product, slot_product
from tacit.blocks.ot import equality_c18
from tacit.blocks.ot.choose import DEFAULT, LINKS
from tacit.blocks.ot.functionality import OtLink
from tacit.mpc.scheme import Scheme, Share
from tacit.mpc.semi2k import arith, boolean, convert, leading
from tacit.mpc.semi2k import share as sharing
from tacit.mpc.semi2k.share import Semi2kShare


class Semi2k(Scheme):
    """Binds the protocols of this package to one source of correlations."""

    name: ClassVar[str] = "semi2k"
    setting: ClassVar[Setting] = TWO_PARTY
    ots: ClassVar[tuple[str, ...]] = tuple(LINKS)
    ot: ClassVar[str] = DEFAULT

    def __init__(self, source: Correlations) -> None:
        self._source = source

    @classmethod
    async def start(cls, ctx: Ctx) -> Semi2k:
        links = (LINKS[cls.ot](ctx), rlwe_product.open_link(ctx), slot_product.open_link(ctx))
        return cls(OwnCorrelations(*await gather(*links)))

    @property
    def link(self) -> OtLink | None:
        """Extended OTs with the peer; None where a dealer gives the correlations."""
        return self._source.link

    async def equal(self, ctx: Ctx, mine: np.ndarray, bits: int) -> Semi2kShare:
        """Whether the parties' own words uint64[n] agree in their low `bits`, at most 63: a boolean share.

        Raises UsageError SCHEME-0001 where a dealer, a third party, gives the correlations.
        """
        if self.link is None:
            raise UsageError(
                "SCHEME-0001",
                f"words that two parties hold in the clear are compared by two parties, not by {self.name!r}",
                hint="choose semi2k, which needs no dealer",
            )
        return Semi2kShare(await equality_c18.equal(ctx, self.link, mine, bits), boolean=True)

    async def share(
        self, ctx: Ctx, x: np.ndarray | None, *, owner: int, shape: Shape, boolean: bool = False
    ) -> Share:
        return await sharing.share(ctx, x, owner, shape, boolean)

    def constant(self, ctx: Ctx, x: np.ndarray, *, boolean: bool = False) -> Share:
        return sharing.constant(ctx, x, boolean)

    def save(self, x: Share) -> np.ndarray:
        return _own(x).data

    def restore(self, data: np.ndarray) -> Share:
        return Semi2kShare(data)

    async def reveal(self, ctx: Ctx, x: Share, *, to: int | None = None) -> np.ndarray | None:
        return await sharing.reveal(ctx, _own(x), to)

    def add(self, x: Share, y: Share) -> Share:
        left, right = _own(x), _own(y)
        return Semi2kShare(left.data ^ right.data if x.boolean else left.data + right.data, x.boolean)

    def scale(self, x: Share, c: np.ndarray) -> Share:
        return Semi2kShare(_own(x).data * c)

    async def mul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.mul(ctx, self._source, _own(x), _own(y))

    async def square(self, ctx: Ctx, x: Share) -> Share:
        return await arith.square(ctx, self._source, _own(x))

    async def matmul(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await arith.matmul(ctx, self._source, _own(x), _own(y))

    async def matmul_private(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, m: int, x_bits: int = RING_BITS
    ) -> Share:
        return await arith.matmul_private(ctx, self._source, x, _own(y), owner, m, x_bits)

    async def subset_sums(self, ctx: Ctx, rows: np.ndarray | None, y: Share, *, owner: int, m: int) -> Share:
        return await arith.subset_sums(ctx, self._source, rows, _own(y), owner, m)

    async def mul_private(self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int) -> Share:
        return await arith.mul_private(ctx, self._source, x, _own(y), owner)

    async def mul_trunc(self, ctx: Ctx, x: Share, y: Share, *, bits: int) -> Share:
        product = await arith.mul(ctx, self._source, _own(x), _own(y), False)
        return await arith.trunc(ctx, self._source, product, bits)

    async def square_trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        product = await arith.square(ctx, self._source, _own(x), False)
        return await arith.trunc(ctx, self._source, product, bits)

    async def mul_private_trunc(
        self, ctx: Ctx, x: np.ndarray | None, y: Share, *, owner: int, bits: int
    ) -> Share:
        product = await arith.mul_private(ctx, self._source, x, _own(y), owner, False)
        return await arith.trunc(ctx, self._source, product, bits)

    async def trunc(self, ctx: Ctx, x: Share, *, bits: int) -> Share:
        return await arith.trunc(ctx, self._source, _own(x), bits)

    async def and_(self, ctx: Ctx, x: Share, y: Share) -> Share:
        return await boolean.and_(ctx, self._source, _own(x), _own(y))

    async def msb(self, ctx: Ctx, x: Share) -> Share:
        return await boolean.msb(ctx, self._source, _own(x))

    async def a2b(self, ctx: Ctx, x: Share) -> Share:
        return await boolean.a2b(ctx, self._source, _own(x))

    async def bits(self, ctx: Ctx, x: Share, *, low: int, high: int) -> Share:
        return await leading.bits(ctx, self._source, _own(x), low, high)

    async def leading_one(self, ctx: Ctx, x: Share, *, low: int, high: int) -> Share:
        """Row k: whether bit low + k is the highest one of x, or of -x - 1 if x < 0; last row: x < 0."""
        return await leading.leading_one(ctx, self._source, _own(x), low, high)

    async def b2a(self, ctx: Ctx, x: Share) -> Share:
        return await convert.b2a(ctx, self._source, _own(x))

    async def mux(self, ctx: Ctx, c: Share, x: Share) -> Share:
        return await convert.mux(ctx, self._source, _own(c), _own(x))

    async def low_bit(self, ctx: Ctx, x: Share) -> Share:
        """Local: the lowest bit of a sum is the xor of the lowest bits."""
        return Semi2kShare((_own(x).data & np.uint64(1)).astype(np.uint8), boolean=True)

    async def random(self, ctx: Ctx, shape: Shape) -> Share:
        return Semi2kShare(ctx.sub("random").private().ring(shape))


def _own(x: Share) -> Semi2kShare:
    return cast(Semi2kShare, x)


SCHEME = Semi2k
