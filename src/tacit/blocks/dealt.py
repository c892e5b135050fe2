"""Correlations from a third party that deals them and sees no data: an explicit choice, never a default.

Source   [Beaver91] "Efficient multiparty protocols using circuit randomization", CRYPTO 1991 (products from
         random ones); [Beaver97] "Commodity-based cryptography", STOC 1997, section 3 (a server only deals).
Setting  semi-honest; parties 0 and 1 compute, party 2 deals and colludes with neither.
Differs  what the dealer would send is expanded from coins that it shares with each party, except one
         correction to one party. In products of private values each side opens one factor, so they need no
         whole triples. The dealer knows what to deal because it walks through the same program on zeros
         (`Onlooker`): it hears nothing from the two, so no request of theirs can mislead or stop it.
Cost     cross: 8 bytes per product from the dealer, 8 per number opened; both crossed terms of x y: 8 from
         the dealer, 16 from each party. choose: 1 bit from the holder, ceil(l/8) bytes from the other and
         from the dealer. AND of shared bits: 1 bit from the dealer, 2 opened by each party. One round each.

Notation     here
  a, b       masks of x and w;  e = x - a, f = w - b opened to the other party
  r, s       addends of the dealt product: r + s = a b; s is the correction
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar, cast

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.prg import Prg
from tacit.base.protocol import gather, protocol
from tacit.base.setting import Setting
from tacit.base.types import RING_BITS, Shape
from tacit.base.wire import Message, Octets
from tacit.blocks.correlation import BitTriples, Correlations, Product
from tacit.blocks.ot.ole import in_chunks

DEALER = 2
DEALT = Setting(
    parties=3,
    corrupted=1,
    adversary="semi-honest",
    security="computational",
    assumes=(
        "private channels",
        "AES-128 as a pseudorandom function",
        "party 2, the dealer, colludes with neither of the others",
    ),
)
CHUNK_BYTES = 1 << 20
PIECE_BYTES = 1 << 24
"""Longest message; a matrix is opened in as many as it takes."""

M = TypeVar("M", bound=Message)


@dataclass
class Onlooker(Ctx):
    """The dealer's view of the two parties' run: it sends them nothing but what it deals, and reads zeros."""

    @property
    def peer(self) -> int:
        """Either of the two: whatever is sent there goes nowhere."""
        return 0

    async def send(self, to: int, msg: Message) -> None:
        """Nothing: this is a message between the two parties."""

    async def recv(self, frm: int, kind: type[M], *, shape: Shape) -> M:
        """Zeros in place of what one party sends the other."""
        return kind.unpack(bytes(kind.limit_bytes(shape)), shape)

    async def exchange(self, to: int, frm: int, msg: M, *, shape: Shape) -> M:
        return await self.recv(frm, type(msg), shape=shape)

    async def deal(self, to: int, msg: Message) -> None:
        """Really send a correction to party `to`."""
        await super().send(to, msg)


def pair_view(ctx: Ctx) -> Ctx:
    """`ctx` of a three-party run as the run of parties 0 and 1 that party 2 looks on."""
    narrowed = ctx.among_first(2, granting=DEALT.assumes)
    return narrowed.seen_as(Onlooker) if ctx.me == DEALER else narrowed


def _dealing(ctx: Ctx) -> tuple[Onlooker, Prg, Prg]:
    """The dealer's scope, and the coins of this scope that it shares with each party."""
    return cast(Onlooker, ctx), ctx.common(0), ctx.common(1)


# --- bytes of messages --------------------------------------------------------------------------------


def _pack(array: np.ndarray, bits: int = RING_BITS) -> np.ndarray:
    """The low ceil(bits/8) bytes of every element, uint8[…] flat."""
    raw = np.ascontiguousarray(array, dtype="<u8").reshape(-1, 1).view(np.uint8)
    return np.ascontiguousarray(raw[:, : -(-bits // 8)]).reshape(-1)


def _unpack(raw: np.ndarray, shape: Shape, bits: int = RING_BITS) -> np.ndarray:
    """The inverse of `_pack`."""
    width = -(-bits // 8)
    if width == 8:
        return raw.view("<u8").reshape(shape)
    full = np.zeros((raw.size // width, 8), np.uint8)
    full[:, :width] = raw.reshape(-1, width)
    return full.view("<u8").reshape(shape)


def _size(shape: Shape, bits: int = RING_BITS) -> int:
    return int(np.prod(shape, dtype=np.int64)) * -(-bits // 8)


def _modulo(array: np.ndarray, bits: int) -> np.ndarray:
    return array if bits == RING_BITS else array & np.uint64((1 << bits) - 1)


async def _swap(ctx: Ctx, mine: np.ndarray, size: int) -> np.ndarray:
    """The other party's `size` bytes for `mine`, both flat, in pieces of `PIECE_BYTES`."""
    if max(mine.size, size) <= PIECE_BYTES:
        return (await ctx.exchange(ctx.peer, ctx.peer, Octets(mine), shape=(size,))).array

    async def say() -> None:
        for start in range(0, max(mine.size, 1), PIECE_BYTES):
            await ctx.send(ctx.peer, Octets(mine[start : start + PIECE_BYTES]))

    _, heard = await gather(say(), _hear(ctx, ctx.peer, size))
    return cast(np.ndarray, heard)


async def _hear(ctx: Ctx, frm: int, size: int) -> np.ndarray:
    """`size` bytes from party `frm`, in pieces."""
    pieces = [
        (await ctx.recv(frm, Octets, shape=(min(PIECE_BYTES, size - start),))).array
        for start in range(0, max(size, 1), PIECE_BYTES)
    ]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


async def _deal(dealer: Onlooker, to: int, raw: np.ndarray) -> None:
    for start in range(0, max(raw.size, 1), PIECE_BYTES):
        await dealer.deal(to, Octets(raw[start : start + PIECE_BYTES]))


# --- products -----------------------------------------------------------------------------------------


def _times(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """x @ w[i] for each i: x uint64[1 or batch, m, d], w uint64[batch, d] -> uint64[batch, m]."""
    if x.shape[1:] == (1, 1):
        return np.asarray(x[:, :, 0] * w)
    if x.shape[0] == 1:
        return _kernel.ring_matmul(np.ascontiguousarray(w), np.ascontiguousarray(x[0].T))
    return np.asarray((x * w[:, None, :]).sum(axis=2, dtype=np.uint64))


@protocol(
    source="Beaver91; Beaver97 §3",
    setting=DEALT,
    rounds=1,
    bits=lambda holder, x, w, shape, bits: 8 * _cross_bytes(shape, bits),
)
async def cross(
    ctx: Ctx, holder: int, x: np.ndarray | None, w: np.ndarray | None, shape: Product, bits: int
) -> np.ndarray:
    """Shares of (holder's x) @ (the other's w[i]) = x @ f + e @ b + a @ b; see `Correlations.cross`."""
    batch, m, d, distinct = shape
    x_shape, w_shape, z_shape = (distinct, m, d), (batch, d), (batch, m)
    if ctx.me == DEALER:
        dealer, *coins = _dealing(ctx)
        a, r = coins[holder].ring(x_shape), coins[holder].ring(z_shape)
        b = coins[1 - holder].ring(w_shape)
        await _deal(dealer, 1 - holder, _pack(_times(a, b) - r, bits))
        return np.zeros(z_shape, np.uint64)
    coins_of_mine = ctx.common(DEALER)
    if ctx.me == holder:
        assert x is not None
        a, r = coins_of_mine.ring(x_shape), coins_of_mine.ring(z_shape)
        f = _unpack(await _swap(ctx, _pack(x - a, bits), _size(w_shape, bits)), w_shape, bits)
        return _modulo(r + _times(x, f), bits)
    assert w is not None
    b = coins_of_mine.ring(w_shape)
    e, s = await gather(
        _swap(ctx, _pack(w - b, bits), _size(x_shape, bits)), _hear(ctx, DEALER, _size(z_shape, bits))
    )
    return _modulo(_unpack(s, z_shape, bits) + _times(_unpack(e, x_shape, bits), b), bits)


def _cross_bytes(shape: Product, bits: int) -> int:
    batch, m, d, distinct = shape
    return _size((distinct, m, d), bits) + _size((batch, d), bits) + _size((batch, m), bits)


@protocol(
    source="Beaver91; Beaver97 §3",
    setting=DEALT,
    rounds=1,
    bits=lambda x, w, shape: 8 * (2 * (_size(x.shape) + _size(w.shape)) + _size((shape[0], shape[1]))),
)
async def crosses(ctx: Ctx, x: np.ndarray, w: np.ndarray, shape: Product) -> np.ndarray:
    """Shares of x_0 @ w_1 + x_1 @ w_0, party i giving x_i and w_i: one correction for both terms."""
    batch, m, d, distinct = shape
    x_shape, w_shape, z_shape = (distinct, m, d), (batch, d), (batch, m)
    if ctx.me == DEALER:
        dealer, *coins = _dealing(ctx)
        (a, b), (a_1, b_1) = [(c.ring(x_shape), c.ring(w_shape)) for c in coins]
        await _deal(dealer, 1, _pack(_times(a, b_1) + _times(a_1, b) - coins[0].ring(z_shape)))
        return np.zeros(z_shape, np.uint64)
    mine = ctx.common(DEALER)
    a, b = mine.ring(x_shape), mine.ring(w_shape)
    opened = np.concatenate([_pack(x - a), _pack(w - b)])
    if ctx.me == 0:
        raw, r = await _swap(ctx, opened, opened.size), mine.ring(z_shape)
    else:
        raw, dealt = await gather(_swap(ctx, opened, opened.size), _hear(ctx, DEALER, _size(z_shape)))
        r = _unpack(dealt, z_shape)
    cut = _size(x_shape)
    e, f = _unpack(raw[:cut], x_shape), _unpack(raw[cut:], w_shape)
    return np.asarray(r + _times(x, f) + _times(e, b))


@protocol(
    source="Beaver91; Beaver97 §3",
    setting=DEALT,
    rounds=1,
    bits=lambda holder, choices, values, shape, bits: 8 * (-(-shape[0] // 8) + 2 * _size(shape, bits)),
)
async def choose(
    ctx: Ctx,
    holder: int,
    choices: np.ndarray | None,
    values: np.ndarray | None,
    shape: tuple[int, int],
    bits: int,
) -> np.ndarray:
    """Shares of c v, a bit c of the holder: c v = c f + (1 - 2d) a b + d b with d = c xor a opened."""
    n = shape[0]
    if ctx.me == DEALER:
        dealer, *coins = _dealing(ctx)
        a, r = coins[holder].bits((n,)), coins[holder].ring(shape)
        b = coins[1 - holder].ring(shape)
        await _deal(dealer, 1 - holder, _pack(a[:, None] * b - r, bits))
        return np.zeros(shape, np.uint64)
    coins_of_mine = ctx.common(DEALER)
    if ctx.me == holder:
        assert choices is not None
        a, r = coins_of_mine.bits((n,)), coins_of_mine.ring(shape)
        flipped = choices ^ a
        raw = await _swap(ctx, np.packbits(flipped, bitorder="little"), _size(shape, bits))
        d, c = _column(flipped), _column(choices)
        return _modulo(c * _unpack(raw, shape, bits) + r - np.uint64(2) * d * r, bits)
    assert values is not None
    b = coins_of_mine.ring(shape)
    raw, dealt = await gather(
        _swap(ctx, _pack(values - b, bits), -(-n // 8)), _hear(ctx, DEALER, _size(shape, bits))
    )
    d, s = _column(np.unpackbits(raw, count=n, bitorder="little")), _unpack(dealt, shape, bits)
    return _modulo(s - np.uint64(2) * d * s + d * b, bits)


def _column(bits: np.ndarray) -> np.ndarray:
    return bits.astype(np.uint64)[:, None]


# --- bits ---------------------------------------------------------------------------------------------


@protocol(
    source="Beaver91; Beaver97 §3",
    setting=DEALT,
    rounds=1,
    bits=lambda words, width: 64 * words * width,
)
async def bit_triples(ctx: Ctx, words: int, width: int) -> np.ndarray:
    """uint64[1 + 2 width, words]: xor shares of a, of b, and of c[j] = a & b[j]."""
    if ctx.me == DEALER:
        dealer, *coins = _dealing(ctx)
        first, second = [c.ring((1 + width, words)) for c in coins]
        both, r = first ^ second, coins[0].ring((width, words))
        await _deal(dealer, 1, _pack((both[:1] & both[1:]) ^ r))
        return np.zeros((1 + 2 * width, words), np.uint64)
    mine = ctx.common(DEALER)
    masks = mine.ring((1 + width, words))
    if ctx.me == 0:
        return np.concatenate([masks, mine.ring((width, words))])
    dealt = await _hear(ctx, DEALER, _size((width, words)))
    return np.concatenate([masks, _unpack(dealt, (width, words))])


@protocol(
    source="Beaver91; Beaver97 §3",
    setting=DEALT,
    rounds=1,
    bits=lambda mine: 3 * 64 * mine.size,
)
async def bit_products(ctx: Ctx, mine: np.ndarray) -> np.ndarray:
    """Xor shares of x & y, x of party 0 and y of party 1: x & f there, e & b here, and a & b dealt."""
    if ctx.me == DEALER:
        dealer, *coins = _dealing(ctx)
        a, b = [c.ring(mine.shape) for c in coins]
        await _deal(dealer, 1, _pack((a & b) ^ coins[0].ring(mine.shape)))
        return np.zeros_like(mine)
    coins_of_mine = ctx.common(DEALER)
    mask = coins_of_mine.ring(mine.shape)
    size = _size(mine.shape)
    if ctx.me == 0:
        f = _unpack(await _swap(ctx, _pack(mine ^ mask), size), mine.shape)
        return np.asarray(coins_of_mine.ring(mine.shape) ^ (mine & f))
    e, s = await gather(_swap(ctx, _pack(mine ^ mask), size), _hear(ctx, DEALER, size))
    return np.asarray(_unpack(s, mine.shape) ^ (_unpack(e, mine.shape) & mask))


class DealtCorrelations(Correlations):
    """Correlations for parties 0 and 1 that party 2 deals; each of the three holds one of these."""

    rounds: ClassVar[int] = 1
    bit_rounds = 1

    def bit_triples_bits(self, words: int, width: int) -> int:
        return 64 * words * width

    def bit_products_bits(self, words: int) -> int:
        return 3 * 64 * words

    def choose_bits(self, n: int, m: int, bits: int) -> int:
        step = _rows(-(-bits // 8) * m)
        return 8 * (sum(-(-min(step, n - i) // 8) for i in range(0, n, step)) + 2 * _size((n, m), bits))

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
        return 8 * _cross_bytes((batch, m, d, distinct), bits)

    def crosses_bits(self, shape: Product, *, exact: bool = True) -> int:
        batch, m, d, distinct = shape
        return self.cross_bits(batch, m, d, distinct) + 8 * (_size((distinct, m, d)) + _size((batch, d)))

    async def bit_triples(self, ctx: Ctx, words: int, width: int) -> BitTriples:
        stack = await in_chunks(
            ctx,
            words,
            _rows(8 * width),
            lambda scope, start, stop: bit_triples(scope, stop - start, width),
            axis=1,
        )
        return BitTriples(stack[0], stack[1 : 1 + width], stack[1 + width :])

    async def bit_products(self, ctx: Ctx, mine: np.ndarray) -> np.ndarray:
        return await in_chunks(
            ctx, len(mine), _rows(8), lambda scope, start, stop: bit_products(scope, mine[start:stop])
        )

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
        return await in_chunks(
            ctx,
            n,
            _rows(-(-bits // 8) * m),
            lambda scope, start, stop: choose(
                scope,
                holder,
                None if choices is None else choices[start:stop],
                None if values is None else values[start:stop],
                (stop - start, m),
                bits,
            ),
        )

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
        """Chunks over the batch, unless all of it uses one matrix."""
        batch, m, d, distinct = shape
        if distinct != batch or batch <= 1:
            return await cross(ctx, holder, x, w, shape, bits)
        return await in_chunks(
            ctx,
            batch,
            _rows(8 * m * d),
            lambda scope, start, stop: cross(
                scope,
                holder,
                None if x is None else x[start:stop],
                None if w is None else w[start:stop],
                (stop - start, m, d, stop - start),
                bits,
            ),
        )

    async def crosses(
        self, ctx: Ctx, x: np.ndarray, w: np.ndarray, shape: Product, *, exact: bool = True
    ) -> np.ndarray:
        batch, m, d, distinct = shape
        if distinct != batch or batch <= 1:
            return await crosses(ctx, x, w, shape)
        return await in_chunks(
            ctx,
            batch,
            _rows(8 * m * d),
            lambda scope, start, stop: crosses(
                scope, x[start:stop], w[start:stop], (stop - start, m, d, stop - start)
            ),
        )


def _rows(bytes_per_row: int) -> int:
    """Rows to a chunk: whole words of bits."""
    return max(64, CHUNK_BYTES // max(1, bytes_per_row) // 64 * 64)
