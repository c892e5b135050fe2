"""Products of private matrices by RLWE with packed coefficients.

Source   [BFV] eprint 2012/144, without products of ciphertexts; packing: [Cheetah] Huang, Lu, Hong, Ding,
         USENIX Security 2022 (eprint 2022/207), section 3, in blocks of rows, inner positions and columns.
Setting  semi-honest. RLWE of degree 8192, ternary secrets, modulus of 180, 200 or 215 bits.
Differs  each party has a key; its public key is an encryption of zero with which the other one re-randomises
         its answers. Answers are flooded, then rounded: the a-half to 80 bits, outputs of the b-half to 72;
         coefficients that are no outputs are not sent.
Cost     8 * (fresh_size + answer_size) bits of the kernel's layout: 16 bytes and 184 to 220 KB per encrypted
         polynomial, 82 KB per answer and 9 bytes per output. The kernel's module `rlwe` has the noise budget.
         1000 x 100 times a vector: 1.0 MB and about 3 ms on one core of each party; by OTs 29 MB.

Notation     paper      here
  W, n_w     vector     `w`, encrypted by its owner
  X, m_w     matrix     `x`, in plaintext with its holder
  q          modulus    `modulus_bits`
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import InternalError, LimitError, UnsupportedError, UsageError
from tacit.base.prg import SEED_BYTES
from tacit.base.protocol import gather, protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Octets, octets, peer_bytes
from tacit.blocks.he.functionality import TWO_PARTY_RLWE, ProductLink

MODULUS_BITS = 200
"""For x of 40 bits and inner sides of any length; wider x is split into two halves."""
JOB_OUTPUTS = 1 << 28
"""Masked coefficients that one session may send: the kernel's flooding is sized for them."""
EXCHANGE_LIMIT_BYTES = 3 << 27
"""Longer exchanges are cut along the columns of W, then the rows of X. Memory: a few times as much."""
_MULTIPLY_SEED_BYTES = 16
_HALF_BITS = 32

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class Plan:
    """The layout of one exchange; with `halves`, x is two matrices of 32 bits, one below the other."""

    layout: _kernel.RlweLayout
    m: int
    d: int
    columns: int
    x_bits: int
    halves: bool

    @property
    def bits(self) -> int:
        return 8 * (self.layout.fresh_size + self.layout.answer_size)

    @property
    def outputs(self) -> int:
        return self.m * self.columns * (2 if self.halves else 1)


@dataclass(frozen=True)
class PreparedMatrix:
    """A holder's x for one width of W, checked and, if kept, transformed: for products with many W."""

    plan: Plan
    x: _kernel.RlweMatrix


def plan(modulus_bits: int, m: int, d: int, columns: int, x_bits: int) -> Plan:
    """The cheapest layout of [m, d] @ [d, columns]; the same for both parties.

    Raises UsageError RLWE-0002 (x_bits, a side), UnsupportedError RLWE-0003 (noise beyond the budget).
    """
    if not 1 <= x_bits <= RING_BITS or min(m, d, columns) < 1:
        raise UsageError("RLWE-0002", f"product of shape ({m}, {d}) @ ({d}, {columns}) with {x_bits}-bit x")
    for halves in (False, True):
        rows, bits = (2 * m, min(x_bits, _HALF_BITS)) if halves else (m, x_bits)
        try:
            layout = _kernel.RlweLayout.plan(rows, d, columns, bits, modulus_bits)
        except _kernel.KernelError:
            continue
        return Plan(layout, m, d, columns, x_bits, halves)
    raise UnsupportedError(
        "RLWE-0003",
        f"a {modulus_bits}-bit modulus does not hold sums of {d} products with {x_bits}-bit numbers",
        hint="open the link with a larger modulus or cut the inner side",
    )


def prepare(plan: Plan, x: np.ndarray, *, keep: bool = True) -> PreparedMatrix:
    """Check x, uint64[m, d], and transform it once for all products (`plan.layout.kept_size` bytes if kept).

    Raises UsageError RLWE-0004 if an element has more bits than the plan was made for.
    """
    if plan.halves:
        _check_range(plan, x)
        low = x.astype(np.uint32).view(np.int32)
        high = ((x - low.astype(np.int64).view(np.uint64)) >> np.uint64(_HALF_BITS)).astype(np.uint32)
        halves = [half.astype(np.int64).view(np.uint64) for half in (low, high.view(np.int32))]
        x = np.concatenate(halves)
    try:
        return PreparedMatrix(plan, _kernel.RlweMatrix.prepare(plan.layout, np.ascontiguousarray(x), keep))
    except _kernel.KernelError as error:
        if error.kind != "range":
            raise InternalError("RLWE-0005", f"a prepared matrix does not fit its plan: {error}") from None
        raise _beyond(plan) from None


def _check_range(plan: Plan, x: np.ndarray) -> None:
    """For a matrix in halves, which alone would hide elements that are too wide."""
    if plan.x_bits < RING_BITS:
        half = np.uint64(1 << (plan.x_bits - 1))
        if np.bitwise_or.reduce((x + half) >> np.uint64(plan.x_bits), axis=None):
            raise _beyond(plan)


def _beyond(plan: Plan) -> UsageError:
    return UsageError(
        "RLWE-0004",
        f"a matrix of {plan.m} rows and {plan.d} columns has elements of more than {plan.x_bits} bits",
        hint="declare the range that the values really have",
    )


class RlweLink(ProductLink):
    """My key, the peer's public key, and how many outputs this session may still mask."""

    def __init__(self, modulus_bits: int, key: _kernel.RlweKey, theirs: _kernel.RlwePublicKey) -> None:
        self.modulus_bits = modulus_bits
        self.key = key
        self.theirs = theirs
        self._outputs_left = JOB_OUTPUTS

    def spend(self, outputs: int) -> None:
        """Count outputs against the session's flooding. Raises LimitError RLWE-0001."""
        if outputs > self._outputs_left:
            raise LimitError(
                "RLWE-0001",
                f"more than {JOB_OUTPUTS} outputs of private products in one session",
                hint="split the job, or use another source of products",
            )
        self._outputs_left -= outputs

    def plan(self, m: int, d: int, columns: int, x_bits: int) -> Plan:
        return plan(self.modulus_bits, m, d, columns, x_bits)

    def product_bits(self, shape: Shape, x_bits: int) -> int:
        return sum(message_bits(shape, x_bits, self.modulus_bits))

    async def product(
        self,
        ctx: Ctx,
        holder: int,
        x: np.ndarray | None,
        w: np.ndarray | None,
        shape: Shape,
        x_bits: int,
    ) -> np.ndarray:
        return await product(ctx, self, holder, x, w, shape, x_bits)


@protocol(
    source="BFV §4, keys",
    setting=TWO_PARTY_RLWE,
    rounds=1,
    bits=lambda modulus_bits=MODULUS_BITS: 2 * 8 * public_key_bytes(modulus_bits),
)
async def open_link(ctx: Ctx, modulus_bits: int = MODULUS_BITS) -> RlweLink:
    """Keys in both directions; once per session and modulus (180, 200 or 215 bits)."""
    require_two(ctx)
    seed = ctx.private().bytes(SEED_BYTES).tobytes()
    key, public = _kernel.RlweKey.generate(seed, modulus_bits)
    message = octets(public)
    answer = await ctx.exchange(ctx.peer, ctx.peer, message, shape=message.array.shape)
    with peer_bytes():
        theirs = _kernel.RlwePublicKey.decode(answer.array, modulus_bits)
    return RlweLink(modulus_bits, key, theirs)


@dataclass(frozen=True)
class _Piece:
    """A block of the outputs: items and rows, and its plan."""

    items: slice
    rows: slice
    plan: Plan


def _pieces(modulus_bits: int, shape: Shape, x_bits: int) -> Iterator[_Piece]:
    """Exchanges of bounded length that make up a product of `shape`, in order."""
    batch, m, d, distinct = shape
    if distinct not in (1, batch):
        raise UsageError("RLWE-0002", f"{distinct} matrices for {batch} vectors: give one, or one for each")
    # Separate matrices meet one vector each.
    columns, rows = (batch, m) if distinct == 1 else (1, m)
    while rows * columns > 1 and plan(modulus_bits, rows, d, columns, x_bits).bits > 8 * EXCHANGE_LIMIT_BYTES:
        columns, rows = (-(-columns // 2), rows) if columns > 1 else (1, -(-rows // 2))
    for first in range(0, batch, columns):
        items = slice(first, min(first + columns, batch))
        for row in range(0, m, rows):
            cut = slice(row, min(row + rows, m))
            size = (cut.stop - cut.start, d, items.stop - items.start)
            yield _Piece(items, cut, plan(modulus_bits, *size, x_bits))


def public_key_bytes(modulus_bits: int = MODULUS_BITS) -> int:
    """What each party sends to open a link."""
    return _kernel.rlwe_public_key_size(modulus_bits)


def message_bits(shape: Shape, x_bits: int, modulus_bits: int = MODULUS_BITS) -> tuple[int, int]:
    """Bits that the owner of w sends for a product of `shape`, and bits that the holder of x answers."""
    layouts = [piece.plan.layout for piece in _pieces(modulus_bits, shape, x_bits)]
    return 8 * sum(layout.fresh_size for layout in layouts), 8 * sum(layout.answer_size for layout in layouts)


@protocol(
    source="Cheetah §3",
    setting=TWO_PARTY_RLWE,
    rounds=2,
    bits=lambda link, holder, x, w, shape, x_bits: link.product_bits(shape, x_bits),
)
async def product(
    ctx: Ctx,
    link: RlweLink,
    holder: int,
    x: np.ndarray | None,
    w: np.ndarray | None,
    shape: Shape,
    x_bits: int,
) -> np.ndarray:
    """Shares mod 2^64, uint64[batch, m], of x @ w[i]; see `ProductLink.product`.

    Raises UsageError RLWE-0002, RLWE-0004; UnsupportedError RLWE-0003; LimitError RLWE-0001.
    """
    batch, m, _, distinct = shape
    pieces = list(_pieces(link.modulus_bits, shape, x_bits))

    def one(piece: _Piece) -> Coroutine[Any, Any, np.ndarray]:
        matrix = None
        if x is not None:
            item = 0 if distinct == 1 else piece.items.start
            matrix = prepare(piece.plan, x[item, piece.rows], keep=False)
        vectors = None if w is None else np.ascontiguousarray(w[piece.items])
        return exchange(ctx, link, holder, piece.plan, matrix, vectors)

    shares = np.empty((batch, m), np.uint64)
    for piece, share in zip(pieces, await gather(*map(one, pieces)), strict=True):
        shares[piece.items, piece.rows] = share
    return shares


@protocol(
    source="Cheetah §3",
    setting=TWO_PARTY_RLWE,
    rounds=2,
    bits=lambda link, holder, plan, x, w: plan.bits,
)
async def exchange(
    ctx: Ctx,
    link: RlweLink,
    holder: int,
    plan: Plan,
    x: PreparedMatrix | None,
    w: np.ndarray | None,
) -> np.ndarray:
    """Shares uint64[columns, m] of one planned product: `holder` gives x, the other w uint64[columns, d]."""
    layout = plan.layout
    link.spend(plan.outputs)
    coins = ctx.private()
    if ctx.me != holder:
        # Step 1: encrypt w.
        assert w is not None
        await ctx.send(ctx.peer, Octets(link.key.encrypt(layout, coins.bytes(SEED_BYTES), w)))
        answer = await ctx.recv(ctx.peer, Octets, shape=(layout.answer_size,))
        with peer_bytes():
            share = link.key.decrypt(layout, answer.array)  # Step 3
    else:
        assert x is not None
        fresh = await ctx.recv(ctx.peer, Octets, shape=(layout.fresh_size,))
        with peer_bytes():
            # Step 2: multiply, re-randomise, mask, flood, round.
            seed = coins.bytes(_MULTIPLY_SEED_BYTES)
            message, share = x.x.multiply(link.theirs, fresh.array, seed)
        await ctx.send(ctx.peer, Octets(message))
    if plan.halves:
        share = share[:, : plan.m] + (share[:, plan.m :] << np.uint64(_HALF_BITS))
    return share
