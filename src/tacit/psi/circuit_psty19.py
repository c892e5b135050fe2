"""Circuit intersection: membership and payload arrive as shares, the intersection stays hidden.

Source   [PSTY19] Pinkas, Schneider, Tkachenko, Yanai, EUROCRYPT 2019, eprint 2019/241, section 5; with the
         pseudorandom function of [RS21] Rindal, Schoppmann, EUROCRYPT 2021, eprint 2021/266, section 5, and
         the store of [RR22] eprint 2022/320.
Setting  semi-honest. LPN, AES as an ideal cipher, random oracle; what the scheme of the shares assumes. Not
         constant time: which cells of stores and tables are touched depends on a party's own items.
Leaks    the two set sizes.
Differs  the bins of an item lie in three thirds of the table, so a key is the item and the number of the
         third. Equality is that of `blocks.ot.equality_c18`, of as many bits as m asks for.
Cost     m = 1.27 n_x bins. 16 (e m + 3 e n_y) bytes for the two stores (e = 1.30), twice that part of the
         second for every two further payload columns; l + 6 OTs and l + 8 bytes a bin to compare l = 40 +
         log2 m bits, one product of a bit for every column of a bin. Floor at 2^20: 90 million OTs.

Notation     paper        here
  X, Y       sets         keys of the receiver's and the sender's `items`
  T          table        `bins`: which item is in each bin
  F_k        function     `blocks` of hashed outputs
  r_j, s_j   programmed   `mine` of either side
  hint       second store `hint`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import LimitError, UsageError
from tacit.base.prg import label16
from tacit.base.protocol import Turn, gather, protocol
from tacit.base.wire import Ring
from tacit.blocks.ot.softspoken_roy22 import SoftSpokenLink
from tacit.blocks.settings import TWO_PARTY_ANY_OT
from tacit.blocks.vole.silent_rrt23 import SilentVoleLink, open_link
from tacit.mpc.semi2k import Semi2k
from tacit.mpc.semi2k.share import Semi2kShare
from tacit.psi.blocks import recv_blocks, send_blocks
from tacit.psi.functionality import Items

FUNCTIONS = 3
FALSE_MATCHES = 40
"""Another item passes for a common one, in any bin, with probability 2^-40."""
LARGEST_SET = 1 << 22
"""Of either side: what the 63 bits of a word that are compared bear at 2^-40, whatever memory there is."""
RECEIVER = 0
_BLOCK_BYTES = 16
_EMPTY = 0xFFFFFFFF


@dataclass(frozen=True)
class Members:
    """Shares for every bin of the receiver's table.

    `bins` int64[m]: at the receiver, the number of its item in each bin, -1 for none; None at the sender.
    `member`: boolean share [m]. `payload`: share [c, m] of the sender's columns, 0 where nobody is common.
    """

    bins: np.ndarray | None
    member: Semi2kShare
    payload: Semi2kShare
    sizes: Sizes


@dataclass(frozen=True)
class Sizes:
    """All that lengths of messages depend on."""

    n_receiver: int
    n_sender: int
    columns: int

    @property
    def bins(self) -> int:
        return int(_kernel.cuckoo_bins(self.n_receiver))

    @property
    def cells(self) -> tuple[int, int]:
        """Of the receiver's store, and of each of the sender's."""
        return _kernel.okvs_size(self.bins), _kernel.okvs_size(FUNCTIONS * self.n_sender)

    @property
    def tag_bits(self) -> int:
        """Bits of s_j that are compared."""
        return FALSE_MATCHES + (self.bins - 1).bit_length()

    @property
    def tables(self) -> int:
        """Stores of 16-byte values: one word of equality, one for each column."""
        return -(-(1 + self.columns) // 2)


async def intersect(
    ctx: Ctx,
    scheme: Semi2k,
    items: Items,
    columns: np.ndarray | None,
    n_columns: int,
    threads: int = 1,
    begun: Callable[[Sizes], None] = lambda sizes: None,
) -> Members:
    """Party 0 is the receiver. `columns` uint64[c, n]: the sender's payload by item; None at the receiver.
    `threads` cores are used where one side works alone; `begun`: told sizes first.

    Raises: UsageError PSI-0001 for repeated items, PSI-0030 for columns that do not fit, LimitError PSI-0003.
    """
    require_two(ctx)
    if ctx.me != RECEIVER and (columns is None or columns.shape != (n_columns, len(items))):
        raise UsageError(
            "PSI-0030",
            f"the payload must have {n_columns} columns with a value for each of {len(items)} items",
            hint="give an array uint64[columns, items]; the receiver gives none",
        )
    n_theirs = await agree_sizes(ctx, len(items))
    pair = (len(items), n_theirs) if ctx.me == RECEIVER else (n_theirs, len(items))
    sizes = Sizes(*pair, n_columns)
    begun(sizes)
    link = await _voles(ctx, scheme)
    label = ctx.common(ctx.peer).bytes(_BLOCK_BYTES)
    keys = _kernel.psi_keys(items.data, items.offsets, label, False, threads)
    bins, words = await program(ctx, link, keys, columns, sizes, threads)
    member = await scheme.equal(ctx, words[0], sizes.tag_bits)
    payload = Semi2kShare(words[1:])
    if n_columns:
        wide = Semi2kShare(np.broadcast_to(member.data, payload.shape).copy(), boolean=True)
        payload = cast(Semi2kShare, await scheme.mux(ctx, wide, payload))
    return Members(bins, member, payload, sizes)


async def _voles(ctx: Ctx, scheme: Semi2k) -> SilentVoleLink:
    """Over the OTs that the scheme has, if they are of the kind that VOLEs start from."""
    base = scheme.link
    return SilentVoleLink(base) if isinstance(base, SoftSpokenLink) else await open_link(ctx)


@protocol(source="set sizes", setting=TWO_PARTY_ANY_OT, rounds=1, bits=128, leaks=("the two set sizes",))
async def agree_sizes(ctx: Ctx, n: int) -> int:
    """The peer's set size. Raises LimitError PSI-0003."""
    message = Ring(np.array([n], np.uint64))
    theirs = int((await ctx.exchange(ctx.peer, ctx.peer, message, shape=(1,))).array[0])
    require_size(max(theirs, n))
    return theirs


def require_size(n: int) -> None:
    """Raises LimitError PSI-0003."""
    if n > LARGEST_SET:
        raise LimitError(
            "PSI-0003",
            "a hidden intersection takes at most 2^22 items of either side",
            hint="words of 63 bits, which are compared, tell no more of them apart at 2^-40: ask for a part "
            "of the keys, by the same rule on both sides, or for rows",
        )


def _bits(
    link: SilentVoleLink, keys: np.ndarray, columns: np.ndarray | None, sizes: Sizes, threads: int
) -> int:
    cells, hint = sizes.cells
    return int(link.bits(cells)) + 8 * _BLOCK_BYTES * (cells + sizes.tables * hint)


@protocol(source="PSTY19 §5; RS21 §5", setting=TWO_PARTY_ANY_OT, rounds=4, bits=_bits)
async def program(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: np.ndarray,
    columns: np.ndarray | None,
    sizes: Sizes,
    threads: int,
) -> tuple[np.ndarray | None, np.ndarray]:
    """(bins at the receiver, words uint64[1 + c, m]): in a bin whose item is common, the first words of the
    two sides are equal and the others add up to the payload; else the receiver's are pseudorandom."""
    coins = ctx.common(ctx.peer)
    seeds = [coins.bytes(_BLOCK_BYTES) for _ in range(3)]
    if ctx.me == RECEIVER:
        return await _receive(ctx, link, keys, sizes, seeds, threads)
    assert columns is not None
    return None, await _send(ctx, link, keys, columns, sizes, seeds, threads)


async def _receive(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: np.ndarray,
    sizes: Sizes,
    seeds: list[np.ndarray],
    threads: int,
) -> tuple[np.ndarray, np.ndarray]:
    async def place() -> tuple[np.ndarray, np.ndarray, _kernel.OkvsKeys, np.ndarray]:
        # Step 1: every bin asks for its item, an empty one for nothing in particular.
        await Turn()
        table = _kernel.cuckoo_fill(_kernel.cuckoo_places(keys, seeds[0], sizes.bins), sizes.bins)
        filled = table != _EMPTY
        asked = ctx.private().bytes(_BLOCK_BYTES * sizes.bins).reshape(-1, _BLOCK_BYTES)
        asked[filled] = keys[table[filled]]
        third = sizes.bins // FUNCTIONS
        for function in range(FUNCTIONS):
            _mark(asked[function * third : (function + 1) * third], function)
        store = _kernel.OkvsKeys(sizes.bins, seeds[1], asked, threads)
        bins = np.where(filled, table.astype(np.int64), -1)
        return bins, asked, store, store.encode(ctx.private().bytes(_BLOCK_BYTES))

    cells, hint_cells = sizes.cells
    (corrections, t), (bins, asked, store, table) = await gather(link.receive(ctx, cells), place())
    np.bitwise_xor(corrections, table, out=corrections)
    await send_blocks(ctx, corrections)
    masks = _hashed(ctx, store.decode(t), asked, sizes.tables)
    # Step 3: what the hint gives, unmasked.
    lookup = _kernel.OkvsKeys(FUNCTIONS * sizes.n_sender, seeds[2], asked, threads)
    blocks = [lookup.decode(await recv_blocks(ctx, hint_cells)) ^ mask for mask in masks]
    return bins, _words(blocks, sizes)


async def _send(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: np.ndarray,
    columns: np.ndarray,
    sizes: Sizes,
    seeds: list[np.ndarray],
    threads: int,
) -> np.ndarray:
    # Step 2: my words of every bin, so that the receiver's come out right under the function.
    mine = ctx.private().ring((1 + sizes.columns, sizes.bins))

    async def spread() -> tuple[np.ndarray, np.ndarray, _kernel.OkvsKeys, _kernel.OkvsKeys]:
        await Turn()
        bins = _kernel.cuckoo_places(keys, seeds[0], sizes.bins).T.reshape(-1)
        every = np.repeat(keys[None], FUNCTIONS, axis=0)
        for function in range(FUNCTIONS):
            _mark(every[function], function)
        flat = every.reshape(-1, _BLOCK_BYTES)
        asked = _kernel.OkvsKeys(sizes.bins, seeds[1], flat, threads)
        store = _kernel.OkvsKeys(len(flat), seeds[2], flat, threads)
        return _wanted(mine, columns, bins, sizes), flat, asked, store

    cells, _ = sizes.cells
    q, (wanted, flat, asked, store) = await gather(link.send(ctx, cells), spread())
    keys_by_delta = _kernel.gf128_mul(flat, link.delta)
    q ^= _kernel.gf128_mul(await recv_blocks(ctx, cells), link.delta)
    masks = _hashed(ctx, asked.decode(q) ^ keys_by_delta, flat, sizes.tables)
    for values, mask in zip(wanted, masks, strict=True):
        hint = store.encode(ctx.private().bytes(_BLOCK_BYTES), values ^ mask)
        await send_blocks(ctx, hint)
    return mine


def _wanted(mine: np.ndarray, columns: np.ndarray, bins: np.ndarray, sizes: Sizes) -> np.ndarray:
    """uint8[tables, 3 n, 16]: what the receiver's words are to be for every item in each of its bins."""
    out = np.zeros((sizes.tables, len(bins), 2), np.uint64)
    for word in range(1 + sizes.columns):
        goal = out[word // 2, :, word % 2]
        np.take(mine[word], bins, out=goal)
        if word:
            np.subtract(np.tile(columns[word - 1], FUNCTIONS), goal, out=goal)
    return out.view(np.uint8)


def _mark(keys: np.ndarray, function: int) -> None:
    """An item is another key in each third of the table."""
    keys[:, 0] ^= np.uint8(function + 1)


def _hashed(ctx: Ctx, outputs: np.ndarray, keys: np.ndarray, tables: int) -> list[np.ndarray]:
    """Random functions of the VOLE's outputs: they are correlated by delta before."""
    return [
        _kernel.psi_blocks(label16(f"circuit-psi {index}", ctx.path), outputs, keys)
        for index in range(tables)
    ]


def _words(blocks: list[np.ndarray], sizes: Sizes) -> np.ndarray:
    columns = [np.ascontiguousarray(block).view(np.uint64).T for block in blocks]
    return np.ascontiguousarray(np.concatenate(columns)[: 1 + sizes.columns])
