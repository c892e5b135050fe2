"""The one interface through which schemes get two-party correlations: shares of products of private values.

Source   [GMW87] for bits; [Gilboa99] through `blocks.ot.ole` for ring elements;
         [Cheetah] through `blocks.he.rlwe_product` for matrices; [SV11] through `blocks.he.slot_product` for
         many single numbers at once.
Setting  semi-honest, two parties.

`cross` gives additive shares of what one party's numbers times the other's are, `bit_triples` the random
AND triples of the boolean circuits. Sources differ (extended OTs and RLWE here, an explicit dealer in
`blocks.dealt`); users do not see which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import gather, protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.blocks.he.functionality import TWO_PARTY_RLWE, ProductLink, SlotLink
from tacit.blocks.ot import ole
from tacit.blocks.ot.functionality import OtLink
from tacit.blocks.settings import TWO_PARTY_ANY_OT

_ASSUMED = dict.fromkeys((*TWO_PARTY_ANY_OT.assumes, *TWO_PARTY_RLWE.assumes))
TWO_PARTY = replace(TWO_PARTY_ANY_OT, assumes=tuple(_ASSUMED))
"""What a scheme assumes that takes its correlations from here."""


Product = tuple[int, int, int, int]
"""(batch, m, d, distinct) of `Correlations.cross`."""


@dataclass(frozen=True)
class BitTriples:
    """Xor shares with c[j] = a & b[j], one `a` for all: a uint64[words]; b, c uint64[width, words]."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray


class Correlations(ABC):
    """Products of private values between two parties. Every call is fresh; nothing is ever reused.

    Each method has a `*_bits` beside it: bits that all parties together send.
    """

    rounds: ClassVar[int] = 2
    """Messages in a row that a product of private values takes, `cross_rounds` of numbers excepted."""
    bit_rounds: int = 2
    """As `rounds`, for `bit_products`."""
    link: OtLink | None = None
    """Extended OTs with the peer, where the two parties make their correlations themselves."""
    triple_rounds: int = 1
    """As `rounds`, for `bit_triples`. Silent OT takes one less for few bits than it says."""

    @abstractmethod
    async def bit_triples(self, ctx: Ctx, words: int, width: int) -> BitTriples:
        """64 * `words` triples, each of one bit a with `width` bits b."""

    @abstractmethod
    async def bit_products(self, ctx: Ctx, mine: np.ndarray) -> np.ndarray:
        """Xor shares uint64[words] of `mine` (one party's bits) & the other party's `mine`."""

    @abstractmethod
    async def choose(
        self,
        ctx: Ctx,
        holder: int,
        choices: np.ndarray | None,
        values: np.ndarray | None,
        shape: tuple[int, int],
        bits: int,
    ) -> np.ndarray:
        """Shares mod 2^bits, uint64[n, m], of choices[i] * values[i, :].

        Party `holder` gives `choices` (uint8[n] of 0 and 1), the other one `values` (uint64[n, m]).
        """

    @abstractmethod
    async def cross(
        self,
        ctx: Ctx,
        holder: int,
        x: np.ndarray | None,
        w: np.ndarray | None,
        shape: Product,
        bits: int = RING_BITS,
        exact: bool = True,
        x_bits: int = RING_BITS,
    ) -> np.ndarray:
        """Shares mod 2^bits, uint64[batch, m], of x @ w[i] for each i.

        `shape` = (batch, m, d, distinct): `holder` gives x, uint64[distinct, m, d] with distinct = batch or 1
        (one matrix for the whole batch); the other party gives w, uint64[batch, d]. Unless `exact`, shares
        may add up to one unit less, which is cheaper: for products whose last bits are dropped. x has at
        most `x_bits` bits, the sign included: fewer are cheaper.
        """

    async def crosses(
        self, ctx: Ctx, x: np.ndarray, w: np.ndarray, shape: Product, *, exact: bool = True
    ) -> np.ndarray:
        """Shares of x_0 @ w_1[i] + x_1 @ w_0[i], party i giving x_i and w_i: `cross` in both directions."""

        def one(holder: int) -> Coroutine[Any, Any, np.ndarray]:
            mine = ctx.me == holder
            return self.cross(ctx, holder, x if mine else None, None if mine else w, shape)

        first, second = await gather(one(0), one(1))
        return np.asarray(first + second)

    def crosses_bits(self, shape: Product, *, exact: bool = True) -> int:
        return 2 * self.cross_bits(*shape)

    def cross_rounds(self, shape: Product, terms: int = 1, *, exact: bool = True) -> int:
        """Messages in a row of `cross` (`terms` = 1) or of `crosses` (2)."""
        return self.rounds

    @abstractmethod
    def bit_triples_bits(self, words: int, width: int) -> int: ...

    @abstractmethod
    def bit_products_bits(self, words: int) -> int: ...

    @abstractmethod
    def choose_bits(self, n: int, m: int, bits: int) -> int: ...

    @abstractmethod
    def cross_bits(
        self,
        batch: int,
        m: int,
        d: int,
        distinct: int,
        bits: int = RING_BITS,
        exact: bool = True,
        x_bits: int = RING_BITS,
    ) -> int: ...


class OwnCorrelations(Correlations):
    """Correlations that the two parties make themselves: bits from extended OTs; a matrix times vectors,
    and many numbers times numbers, by RLWE or OTs, whichever sends less: shapes say so to both alike."""

    def __init__(
        self, link: OtLink, products: ProductLink | None = None, slots: SlotLink | None = None
    ) -> None:
        self.link: OtLink = link
        self._products = products
        self.slots = slots
        self.triple_rounds = link.rounds
        self.bit_rounds = link.rounds + 1

    def bit_triples_bits(self, words: int, width: int) -> int:
        return 2 * self.random_bits(words)

    def bit_products_bits(self, words: int) -> int:
        half = words // 2
        return self.random_bits(half) + self.random_bits(words - half) + 2 * 64 * words

    def random_bits(self, words: int) -> int:
        """Of the random OTs for so many words, in the chunks of `ole.in_chunks`."""
        whole, rest = divmod(64 * words, ole.CHUNK_OTS)
        return whole * self.link.random_row_bits(ole.CHUNK_OTS) + self.link.random_row_bits(rest)

    def choose_bits(self, n: int, m: int, bits: int) -> int:
        return self.link.row_bits(n) + 8 * n * m * -(-bits // 8)

    def cross_bits(
        self,
        batch: int,
        m: int,
        d: int,
        distinct: int,
        bits: int = RING_BITS,
        exact: bool = True,
        x_bits: int = RING_BITS,
    ) -> int:
        if packed := self.packed((batch, m, d, distinct), 1, exact, bits):
            return self._slot_bits(packed, 1, exact) + self.ot_cross_bits(batch - packed, m, d, bits)
        if self.packs((batch, m, d, distinct), bits, x_bits):
            assert self._products is not None
            return self._products.product_bits((batch, m, d, distinct), x_bits)
        return self.ot_cross_bits(batch, m, d, bits)

    def crosses_bits(self, shape: Product, *, exact: bool = True) -> int:
        if packed := self.packed(shape, 2, exact):
            rest = self.ot_cross_bits(shape[0] - packed, 1, 1, RING_BITS)
            return self._slot_bits(packed, 2, exact) + 2 * rest
        return 2 * self.cross_bits(*shape)

    def cross_rounds(self, shape: Product, terms: int = 1, *, exact: bool = True) -> int:
        return 2 * self.rounds if exact and self.packed(shape, terms, exact) else self.rounds

    def packed(self, shape: Product, terms: int, exact: bool, bits: int = RING_BITS) -> int:
        """How many products of single numbers go by RLWE, the others by OTs: all full ciphertexts, and the
        last one if it is full enough."""
        batch, m, d, distinct = shape
        if self.slots is None or bits != RING_BITS or (m, d) != (1, 1) or distinct != batch or batch < 1:
            return 0
        rest = batch % self.slots.slots
        ots = terms * self.ot_cross_bits(rest, 1, 1, bits)
        return batch - rest if not rest or self._slot_bits(rest, terms, exact) >= ots else batch

    def _slot_bits(self, n: int, terms: int, exact: bool) -> int:
        assert self.slots is not None
        full, rest = divmod(n, self.slots.slots)
        sizes = [(full, self.slots.slots), (1, rest)]
        return sum(
            count
            * (self.slots.product_bits(size, terms) + (self.choose_bits(size, 1, RING_BITS) if exact else 0))
            for count, size in sizes
            if count and size
        )

    def packs(self, shape: Product, bits: int, x_bits: int) -> bool:
        """Whether RLWE takes this product."""
        batch, m, d, distinct = shape
        if self._products is None or distinct != 1 or bits != RING_BITS or min(batch, m, d) < 1:
            return False
        packed = self._products.product_bits(shape, x_bits)
        return packed < self.ot_cross_bits(batch, m, d, bits)

    def ot_cross_bits(self, batch: int, m: int, d: int, bits: int) -> int:
        return self.link.row_bits(batch * d * bits) * -(
            -m // _cross_rows(m, bits)
        ) + 8 * _kernel.gilboa_payload_size(batch, m, d, bits)

    async def bit_triples(self, ctx: Ctx, words: int, width: int) -> BitTriples:
        """c = (a0^a1)&(b0^b1): local terms, and one random bit OLE in each direction for the crossed ones."""

        async def one(scope: Ctx, start: int, stop: int) -> np.ndarray:
            calls = (ole.random_bit_ole(scope, self.link, sender, stop - start, width) for sender in (0, 1))
            sent, received = await gather(*calls)
            if ctx.me == 1:
                sent, received = received, sent
            a, b = received[:1], sent[0]
            c = (a & b) ^ sent[1] ^ received[1:]
            return np.concatenate([a, b, c])

        stack = await ole.in_chunks(ctx, words, ole.CHUNK_OTS // 64, one, axis=1)
        return BitTriples(stack[0], stack[1 : 1 + width], stack[1 + width :])

    async def bit_products(self, ctx: Ctx, mine: np.ndarray) -> np.ndarray:
        """Half of the words with party 0 as the OT sender, half with party 1."""
        half = len(mine) // 2

        def part(sender: int, bits: np.ndarray) -> Coroutine[Any, Any, np.ndarray]:
            def one(scope: Ctx, start: int, stop: int) -> Coroutine[Any, Any, np.ndarray]:
                return masked_bit_product(scope, self.link, sender, bits[start:stop])

            return ole.in_chunks(ctx, len(bits), ole.CHUNK_OTS // 64, one)

        parts = [part(0, mine[:half])] if half else []
        return np.concatenate(await gather(*parts, part(1, mine[half:])))

    async def choose(
        self,
        ctx: Ctx,
        holder: int,
        choices: np.ndarray | None,
        values: np.ndarray | None,
        shape: tuple[int, int],
        bits: int,
    ) -> np.ndarray:
        n, m = shape
        step = max(64, min(ole.CHUNK_OTS, ole.CHUNK_PAYLOAD_BYTES // (8 * m)) // 64 * 64)

        def one(scope: Ctx, start: int, stop: int) -> Coroutine[Any, Any, np.ndarray]:
            return ole.choose(
                scope,
                self.link,
                holder,
                None if choices is None else choices[start:stop],
                None if values is None else values[start:stop],
                (stop - start, m),
                bits,
            )

        return await ole.in_chunks(ctx, n, step, one)

    async def cross(
        self,
        ctx: Ctx,
        holder: int,
        x: np.ndarray | None,
        w: np.ndarray | None,
        shape: Product,
        bits: int = RING_BITS,
        exact: bool = True,
        x_bits: int = RING_BITS,
    ) -> np.ndarray:
        """Chunks over the batch; a matrix too large for one message is cut along its rows and columns."""
        batch, m, d, distinct = shape
        if packed := self.packed(shape, 1, exact, bits):
            mine = x if w is None else w
            assert mine is not None
            return await self._by_slots(ctx, [mine.reshape(-1)], packed, exact, holder)
        if self.packs((batch, m, d, distinct), bits, x_bits):
            assert self._products is not None
            return await self._products.product(ctx, holder, x, w, shape, x_bits)
        return await self._by_ots(ctx, holder, x, w, shape, bits)

    async def _by_ots(
        self,
        ctx: Ctx,
        holder: int,
        x: np.ndarray | None,
        w: np.ndarray | None,
        shape: Product,
        bits: int,
    ) -> np.ndarray:
        batch, m, d, distinct = shape
        ctx = ctx.sub("cross")
        rows = _cross_rows(m, bits)
        columns = max(1, min(d, ole.CHUNK_PAYLOAD_BYTES // (bits * 5 * rows)))
        step = max(1, ole.CHUNK_PAYLOAD_BYTES // (bits * 5 * rows * columns))

        def block(i: int, j: int) -> Coroutine[Any, Any, np.ndarray]:
            def one(scope: Ctx, start: int, stop: int) -> Coroutine[Any, Any, np.ndarray]:
                part = None
                if x is not None:
                    part = (x if distinct == 1 else x[start:stop])[:, i : i + rows, j : j + columns]
                n = stop - start
                cut = (n, min(rows, m - i), min(columns, d - j), 1 if distinct == 1 else n)
                factor = None if w is None else w[start:stop, j : j + columns]
                return ole.cross(scope, self.link, holder, part, factor, cut, bits)

            return ole.in_chunks(ctx, batch, step, one)

        total = np.zeros((batch, m), np.uint64)
        for i in range(0, m, rows):
            for j in range(0, d, columns):
                total[:, i : i + rows] += await block(i, j)
        return total if bits == RING_BITS else total & np.uint64((1 << bits) - 1)

    async def crosses(
        self, ctx: Ctx, x: np.ndarray, w: np.ndarray, shape: Product, *, exact: bool = True
    ) -> np.ndarray:
        """Both crossed terms of numbers in one exchange, if they go by RLWE."""
        packed = self.packed(shape, 2, exact)
        if not packed:
            return await super().crosses(ctx, x, w, shape)
        return await self._by_slots(ctx, [x.reshape(-1), w.reshape(-1)], packed, exact)

    async def _by_slots(
        self, ctx: Ctx, mine: list[np.ndarray], packed: int, exact: bool, holder: int | None = None
    ) -> np.ndarray:
        """Shares uint64[n, 1] of x_0 w_1 + x_1 w_0, `mine` being my x and w, or of x_0 w_1 (or x_1 w_0, as
        `holder` says), `mine` being what I have of both: `packed` of them by RLWE, every other ciphertext
        under the same party's key, the others by OTs.
        """
        assert self.slots is not None
        slots = self.slots
        ctx = ctx.sub("slots")

        def one(scope: Ctx, start: int, stop: int) -> Coroutine[Any, Any, np.ndarray]:
            # A scope of its own: what follows the product starts at times that differ between the parties.
            return sums(scope.sub("sums"), start, stop)

        async def sums(scope: Ctx, start: int, stop: int) -> np.ndarray:
            owner = start // slots.slots % 2
            order = mine if ctx.me == owner else mine[::-1]
            factors = np.stack([side[start:stop] for side in order])
            share = await slots.product(scope, owner, factors, tops=exact)
            if exact:
                return np.asarray(share[0] - await self._either(scope, owner, share[1]))
            return np.asarray(share[0] - np.uint64(ctx.me == 0))

        def rest(holder: int) -> Coroutine[Any, Any, np.ndarray]:
            n = len(mine[0]) - packed
            x = mine[0][packed:].reshape(n, 1, 1) if ctx.me == holder else None
            w = mine[-1][packed:].reshape(n, 1) if ctx.me != holder else None
            return self._by_ots(ctx, holder, x, w, (n, 1, 1, n), RING_BITS)

        parts = [ole.in_chunks(ctx, packed, slots.slots, one)]
        if packed < len(mine[0]):
            parts += [rest(0), rest(1)] if holder is None else [rest(holder)]
        by_slots, *by_ots = await gather(*parts)
        if not by_ots:
            return np.asarray(by_slots[:, None])
        return np.concatenate([by_slots, sum(by_ots)[:, 0]])[:, None]

    async def _either(self, ctx: Ctx, holder: int, tops: np.ndarray) -> np.ndarray:
        """Shares mod 2^64, uint64[n], of 1 where either party's `tops` is 1, else 0."""
        n = len(tops)
        choices, values = (tops.astype(np.uint8), None) if ctx.me == holder else (None, tops.reshape(n, 1))
        both = await ole.choose(ctx, self.link, holder, choices, values, (n, 1), RING_BITS)
        return np.asarray(tops - both[:, 0])


def _cross_rows(m: int, bits: int) -> int:
    """Rows of a matrix that go into one message: all of them, unless one column alone is too long."""
    return max(1, min(m, ole.CHUNK_PAYLOAD_BYTES // (bits * 5)))


@protocol(
    source="GMW87, one AND of private bits",
    setting=TWO_PARTY_ANY_OT,
    rounds=lambda link, *_: link.rounds + 1,
    bits=lambda link, sender, mine: link.random_row_bits(64 * len(mine)) + 2 * 64 * len(mine),
)
async def masked_bit_product(ctx: Ctx, link: OtLink, sender: int, mine: np.ndarray) -> np.ndarray:
    """Xor shares uint64[words] of mine & theirs: a random bit OLE, then both open their bits masked by it."""
    ole_share = await ole.random_bit_ole(ctx, link, sender, len(mine), 1)
    # The receiver holds (a, c'), the sender (b, c): c ^ c' = a & b.
    mask, product = (ole_share[0, 0], ole_share[1, 0]) if ctx.me == sender else (ole_share[0], ole_share[1])
    opened = mine ^ mask
    theirs = (await ctx.exchange(ctx.peer, ctx.peer, Ring(opened), shape=opened.shape)).array
    # (x ^ a)(y ^ b) is known to both; sender adds it once: xy = (x^a)(y^b) ^ (x^a) b ^ (y^b) a ^ ab.
    share: np.ndarray = product ^ (theirs & mask)
    return share ^ (opened & theirs) if ctx.me == sender else share
