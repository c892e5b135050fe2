"""Products and truncation on additive shares over Z_2^64, two parties.

Source   products: [Gilboa99] section 4.1 (cross terms), [ABY] section III.A; many at once by RLWE, [SV11];
         truncation: [SIRNN] Rathee et al., S&P 2021 (eprint 2021/459), section III: with a known sign the
         wrap bit of a sharing is the OR of the shares' top bits.
Setting  semi-honest.
Differs  no Beaver triples: the inputs themselves enter the OTs, which saves a round and the openings.
         Truncation needs the wrap bit only modulo 2^bits, so one OT with a payload of that many bits.
         Products that are truncated next may be one unit too small before (`exact` = False, by RLWE):
         floor((v - 1) / 2^f) + 1 - carry keeps the range of results that v has.
Cost     mul: 128 OTs and 576 bytes, or from about 1 300 on 177 bytes by RLWE; square and a private factor: 64
         OTs and 288 bytes, or 109; exact ones by RLWE one more OT of 8 bytes. trunc: one OT and ceil(bits/8)
         bytes. A matrix product is two cross terms, with a private matrix one: each by OTs or by RLWE.

Notation     here
  x = x_0 + x_1 mod 2^64; k = 64, f = bits dropped; w = wrap bit: x_0 + x_1 >= 2^64
"""

from __future__ import annotations

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.protocol import protocol
from tacit.base.types import RING_BITS
from tacit.blocks.correlation import TWO_PARTY, Correlations, Product
from tacit.mpc.semi2k.share import Semi2kShare

BIT_WIDTH = 2
"""Bits of 0 and 1 as signed numbers."""
STRETCH = 1 << 22
"""Elements of a matrix of bits that are widened at a time: 32 MiB."""


@protocol(
    source="Gilboa99 §4.1; SV11",
    setting=TWO_PARTY,
    rounds=lambda source, x, y, exact=True: source.cross_rounds(_single(x), 2, exact=exact),
    bits=lambda source, x, y, exact=True: source.crosses_bits(_single(x), exact=exact),
)
async def mul(
    ctx: Ctx, source: Correlations, x: Semi2kShare, y: Semi2kShare, exact: bool = True
) -> Semi2kShare:
    """x * y = x_0 y_0 + x_1 y_1 + x_0 y_1 + x_1 y_0: two cross terms; unless `exact`, that or one less."""
    shape = _single(x)
    n = shape[0]
    mine = (x.data.reshape(n, 1, 1), y.data.reshape(n, 1))
    crossed = await source.crosses(ctx, *mine, shape, exact=exact)
    local = x.data.reshape(n, 1) * y.data.reshape(n, 1)
    return Semi2kShare((local + crossed).reshape(x.shape))


@protocol(
    source="Gilboa99 §4.1; SV11",
    setting=TWO_PARTY,
    rounds=lambda source, x, exact=True: source.cross_rounds(_single(x), exact=exact),
    bits=lambda source, x, exact=True: source.cross_bits(*_single(x), exact=exact),
)
async def square(ctx: Ctx, source: Correlations, x: Semi2kShare, exact: bool = True) -> Semi2kShare:
    """x^2 = x_0^2 + x_1^2 + x_0 (2 x_1): one cross term; unless `exact`, that or one less.

    Doubled after the product, one less would be two less, and a truncated 0 could become -1.
    """
    shape = _single(x)
    n = shape[0]
    mine = x.data.reshape(n, 1)
    crossed = await _cross(ctx, source, 0, mine.reshape(n, 1, 1), np.uint64(2) * mine, shape, exact)
    return Semi2kShare((mine * mine + crossed).reshape(x.shape))


@protocol(
    source="Gilboa99 §4.1, matrices",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.rounds,
    bits=lambda source, x, y: _matmul_bits(source, x.shape[0], x.shape[1], y.shape[1]),
)
async def matmul(ctx: Ctx, source: Correlations, x: Semi2kShare, y: Semi2kShare) -> Semi2kShare:
    """[m, k] @ [k, n]; the smaller outer side supplies the choice bits."""
    (m, k), n = x.shape, y.shape[1]
    if m < n:
        z = await matmul(ctx, source, Semi2kShare(y.data.T), Semi2kShare(x.data.T))
        return Semi2kShare(np.ascontiguousarray(z.data.T))
    mine = (x.data.reshape(1, m, k), y.data.T)
    crossed = await source.crosses(ctx, *mine, (n, m, k, 1))
    return Semi2kShare(ring_matmul(x.data, y.data) + crossed.T)


@protocol(
    source="Gilboa99 §4.1, one private side",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.rounds,
    bits=lambda source, x, y, owner, m, x_bits=RING_BITS: source.cross_bits(
        y.shape[1], m, y.shape[0], 1, x_bits=x_bits
    ),
)
async def matmul_private(
    ctx: Ctx,
    source: Correlations,
    x: np.ndarray | None,
    y: Semi2kShare,
    owner: int,
    m: int,
    x_bits: int = RING_BITS,
) -> Semi2kShare:
    """X y = X y_owner + X y_peer: the first term is local to the owner of X, the second one cross term.

    Elements of X have at most `x_bits` bits, the sign included.
    """
    k, n = y.shape
    x_batch = None if x is None else x.reshape(1, m, k)
    crossed = await _cross(ctx, source, owner, x_batch, y.data.T, (n, m, k, 1), x_bits=x_bits)
    local = ring_matmul(x, y.data) if x is not None else np.uint64(0)
    return Semi2kShare(local + crossed.T)


@protocol(
    source="Gilboa99 §4.1, one private side",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.rounds,
    bits=lambda source, rows, y, owner, m: sum(
        source.cross_bits(y.shape[1], m, stop - start, 1, x_bits=BIT_WIDTH)
        for start, stop in inner_cuts(y.shape[0], m)
    ),
)
async def subset_sums(
    ctx: Ctx, source: Correlations, rows: np.ndarray | None, y: Semi2kShare, owner: int, m: int
) -> Semi2kShare:
    """As `matmul_private` for a matrix of bits, bool[m, k], which is widened stretch by stretch."""
    k, n = y.shape

    async def one(start: int, stop: int) -> np.ndarray:
        x = None if rows is None else rows[:, start:stop].astype(np.uint64)
        part = y.data[start:stop]
        shape = (n, m, stop - start, 1)
        crossed = await _cross(
            ctx, source, owner, None if x is None else x[None], part.T, shape, x_bits=BIT_WIDTH
        )
        return np.asarray(crossed.T if x is None else crossed.T + ring_matmul(x, part))

    total = np.zeros((m, n), np.uint64)
    for start, stop in inner_cuts(k, m):
        total += await one(start, stop)
    return Semi2kShare(total)


def inner_cuts(k: int, m: int) -> list[tuple[int, int]]:
    """Cuts of the inner side so that about `STRETCH` elements of the matrix are wide at a time."""
    step = max(64, STRETCH // m)
    step -= step % 8192 if step > 8192 else 0
    return [(start, min(start + step, k)) for start in range(0, k, step)]


@protocol(
    source="Gilboa99 §4.1, one private side; SV11",
    setting=TWO_PARTY,
    rounds=lambda source, x, y, owner, exact=True: source.cross_rounds(_single(y), exact=exact),
    bits=lambda source, x, y, owner, exact=True: source.cross_bits(*_single(y), exact=exact),
)
async def mul_private(
    ctx: Ctx, source: Correlations, x: np.ndarray | None, y: Semi2kShare, owner: int, exact: bool = True
) -> Semi2kShare:
    """Element-wise, x the owner's plaintext; unless `exact`, that or one less."""
    shape = _single(y)
    n = shape[0]
    x_batch = None if x is None else x.reshape(n, 1, 1)
    crossed = await _cross(ctx, source, owner, x_batch, y.data.reshape(n, 1), shape, exact)
    local = x.reshape(n, 1) * y.data.reshape(n, 1) if x is not None else np.uint64(0)
    return Semi2kShare((local + crossed).reshape(y.shape))


def _single(x: Semi2kShare) -> Product:
    """The shape of element-wise products with x."""
    return (x.data.size, 1, 1, x.data.size)


def _matmul_bits(source: Correlations, m: int, k: int, n: int) -> int:
    return source.crosses_bits((min(m, n), max(m, n), k, 1))


async def _cross(
    ctx: Ctx,
    source: Correlations,
    holder: int,
    x: np.ndarray | None,
    w: np.ndarray,
    shape: Product,
    exact: bool = True,
    x_bits: int = RING_BITS,
) -> np.ndarray:
    """Shares of (holder's x) @ (the other one's w[i]); each party passes what it has of both."""
    mine, theirs = (x, None) if ctx.me == holder else (None, w)
    return await source.cross(ctx, holder, mine, theirs, shape, exact=exact, x_bits=x_bits)


@protocol(
    source="SIRNN §III",
    setting=TWO_PARTY,
    rounds=lambda source, *_: source.rounds,
    bits=lambda source, x, bits: source.choose_bits(x.data.size, 1, bits),
    leaks=("the rounding bit is a function of the sharing's mask, not independent noise",),
)
async def trunc(ctx: Ctx, source: Correlations, x: Semi2kShare, bits: int) -> Semi2kShare:
    """floor(x / 2^f) or that plus one, for |x| < 2^62; outside, wrong by multiples of 2^(64-f).

    The rounding bit is a function of x's sharing mask (it is the carry of the low halves), with expectation
    x / 2^f; it is independent of x only as far as the mask is.
    """
    n = x.data.size
    offset = np.uint64(1 << 62) if ctx.me == 0 else np.uint64(0)
    lifted = (x.data + offset).reshape(n)  # Step 1: x + 2^62 lies in [0, 2^63)
    top = (lifted >> np.uint64(63)).astype(np.uint8)
    choices, values = (top, None) if ctx.me == 0 else (None, top.astype(np.uint64).reshape(n, 1))
    both = await source.choose(
        ctx, 0, choices, values, (n, 1), bits
    )  # Step 2: share of top_0 * top_1 mod 2^f
    wrap = top - both.reshape(n)  # Step 3: w = top_0 or top_1
    shifted = (lifted >> np.uint64(bits)) - (wrap << np.uint64(64 - bits))  # Step 4
    back = np.uint64((1 - (1 << (62 - bits))) % (1 << 64)) if ctx.me == 0 else np.uint64(0)
    return Semi2kShare(
        (shifted + back).reshape(x.shape)
    )  # Step 5: undo the offset; +1 centres the lost carry


def ring_matmul(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Wrapping uint64 [m, k] @ [k, n]."""
    return _kernel.ring_matmul(np.ascontiguousarray(x), np.ascontiguousarray(y))
