"""Set intersection of three to ten parties, in a star: a hub learns which of its items everybody has.

Source   [KMPRT17] Kolesnikov, Matania, Pinkas, Rosulek, Trieu: "Practical Multi-party Private Set
         Intersection from Symmetric-Key Techniques", CCS 2017, eprint 2017/799, section 5 (unconditional
         zero-sharing); the pseudorandom function of [RS21] eprint 2021/266, section 5; the store of [RR22]
         eprint 2022/320.
Setting  semi-honest; any number of parties may pool what they see, with the leak below. LPN, AES as an ideal
         cipher, random oracle. Not constant time: which cells of the stores are touched depends on a party's
         own items.
Leaks    to the hub all set sizes, to the others the hub's. No single party learns which or how many items two
         others, or it and one other, have in common beyond the result. A coalition without the hub learns its
         result and nothing else. A coalition of the hub and others learns which of its items all parties
         outside of it have: what it would be told if its members had put the hub's items into their own sets
         (the augmented semi-honest model of [KMPRT17], section 2). Where it leaves one party out, that is
         the hub's intersection with this party; with two or more left out, nothing of any one of them.
Differs  zero is shared among the parties but the hub. If others than the hub learn the intersection, it sends
         them its tags, in ascending order.
Cost     the hub has n_0 items, another party n_i: 16 (e n_0 + e n_i) bytes and e n_0 VOLEs between the two
         (e = 1.30); 16 m bytes for everybody else who learns m common items. Floor: that of one two-party
         intersection for each of the others, at the hub.

Notation     paper         here
  P_1        leader        hub
  S_i(x)     share of zero `shares`
  F_k        OPPRF         `program`
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.errors import LimitError, PeerError, UnsupportedError
from tacit.base.prg import label16
from tacit.base.protocol import gather, protocol
from tacit.base.wire import Octets, Ring
from tacit.blocks.settings import TWO_PARTY_ANY_OT
from tacit.blocks.vole.silent_rrt23 import SilentVoleLink, open_link
from tacit.psi.blocks import recv_blocks, send_blocks
from tacit.psi.ecdh_ms86 import match
from tacit.psi.functionality import Items
from tacit.psi.rr22 import own_items

MOST_PARTIES = 10
LARGEST_SET = 1 << 26
ALL_BUT_ONE = replace(TWO_PARTY_ANY_OT, parties=3, corrupted=2, among_more="all but one")
_BLOCK_BYTES = 16
_SEEDS = 3


@dataclass(frozen=True)
class Common:
    """What one party learns. `rows` int64[m]: my items' indices in the joint order, that of a common
    pseudorandom tag; None if the result is not for me. `sizes`: of the sets, by party; 0 where not for me."""

    rows: np.ndarray | None
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Star:
    """What all that follows depends on: who is in the middle, the sizes that I know, its coins."""

    hub: int
    sizes: tuple[int, ...]
    seeds: np.ndarray


async def intersect(
    ctx: Ctx,
    items: Items,
    *,
    receivers: frozenset[int],
    threads: int = 1,
    begun: Callable[[Star], None] = lambda star: None,
) -> Common:
    """The lowest of the receivers is the hub. `threads`: cores that may be used; `begun`: told sizes first.

    Raises: UnsupportedError PSI-0040 for too few or too many parties, or no receiver; UsageError PSI-0001 for
    repeated items; LimitError PSI-0003; PeerError PEER-0001 for what the hub must not send.
    """
    if not 3 <= ctx.n <= MOST_PARTIES or not receivers or not receivers <= set(range(ctx.n)):
        raise UnsupportedError(
            "PSI-0040",
            f"an intersection of several sets has 3 to {MOST_PARTIES} parties, and some of them learn it",
            hint="name the parties that learn it; for two parties choose a two-party protocol",
        )
    star = await begin(ctx, min(receivers), len(items), ctx.n)
    begun(star)
    keys = _kernel.psi_keys(items.data, items.offsets, star.seeds[0], False, threads)
    others = sorted(receivers - {star.hub})
    if ctx.me == star.hub:
        rows = await _as_hub(ctx, star, keys, threads)
        tags = _tags(star, keys[rows])
        order = np.lexsort(tags.view(">u8").T[::-1])
        m = await announce_count(ctx, star.hub, len(rows), others)
        await announce(ctx, star.hub, tags[order], others, m)
        return Common(rows[order], star.sizes)
    await _as_other(ctx, star, keys, threads)
    if ctx.me not in receivers:
        return Common(None, star.sizes)
    m = await announce_count(ctx, star.hub, None, others)
    if m > min(len(keys), star.sizes[star.hub]):
        raise _refused("the hub announces more common items than there are")
    theirs = await announce(ctx, star.hub, None, others, m)
    rows = match(_tags(star, keys), theirs)
    if len(rows) != m:
        raise _refused("the hub names items as common that are not mine")
    return Common(rows, star.sizes)


@protocol(
    source="set sizes",
    setting=ALL_BUT_ONE,
    rounds=2,
    bits=lambda hub, n, n_parties: (n_parties - 1) * (2 * 64 + 8 * _SEEDS * _BLOCK_BYTES),
    leaks=(
        "the hub learns all set sizes, the others the hub's",
        "a coalition of the hub and others learns which of the hub's items all parties outside of it have",
    ),
)
async def begin(ctx: Ctx, hub: int, n: int, n_parties: int) -> Star:
    """Sizes, and the hub's coins, which it draws now that the sets are fixed. Raises LimitError PSI-0003."""
    others = [party for party in range(n_parties) if party != hub]
    mine = Ring(np.array([n], np.uint64))
    sizes = [0] * n_parties
    sizes[ctx.me] = n
    seeds = ctx.private().bytes(_SEEDS * _BLOCK_BYTES).reshape(_SEEDS, _BLOCK_BYTES)

    async def meet(other: int) -> None:
        sizes[other] = int((await ctx.exchange(other, other, mine, shape=(1,))).array[0])
        if ctx.me == hub:
            await ctx.send(other, Octets(seeds))

    if ctx.me == hub:
        await gather(*(meet(other) for other in others))
    else:
        await meet(hub)
        seeds = (await ctx.recv(hub, Octets, shape=seeds.shape)).array
    if max(sizes) > LARGEST_SET:
        raise LimitError("PSI-0003", "this set intersection takes at most 2^26 items")
    return Star(hub, tuple(sizes), seeds)


def _pairs(ctx: Ctx, star: Star) -> dict[int, Ctx]:
    """By party: my scope with the hub, or as the hub with that party."""
    scopes = {other: ctx.sub("pair") for other in range(ctx.n) if other != star.hub}
    mine = scopes.items() if ctx.me == star.hub else [(ctx.me, scopes[ctx.me])]
    return {other: scope.between(star.hub, other) for other, scope in mine}


async def _as_hub(ctx: Ctx, star: Star, keys: np.ndarray, threads: int) -> np.ndarray:
    """Numbers of the hub's items that all have: the shares of zero of all others add up to zero."""
    store = _kernel.OkvsKeys(len(keys), star.seeds[1], keys, threads)
    with own_items():
        table = store.encode(ctx.private().bytes(_BLOCK_BYTES))

    async def one(pair: Ctx, other: int) -> np.ndarray | None:
        hint = _kernel.OkvsKeys(star.sizes[other], star.seeds[2], keys, threads)
        side = Side(keys, store, hint, table)
        return await program(pair, await open_link(pair), star.sizes[star.hub], star.sizes[other], side)

    total = np.zeros((len(keys), _BLOCK_BYTES), np.uint8)
    for values in await gather(*(one(pair, other) for other, pair in _pairs(ctx, star).items())):
        total ^= values
    rows: np.ndarray = np.flatnonzero(~total.any(axis=1))
    return rows


async def _as_other(ctx: Ctx, star: Star, keys: np.ndarray, threads: int) -> None:
    # Step 1: my share of zero for each item: every key is in two parties' shares.
    shares, zeros = np.zeros_like(keys), np.zeros_like(keys)
    for other in range(ctx.n):
        if other not in (star.hub, ctx.me):
            shares ^= _kernel.psi_blocks(ctx.common(other).bytes(_BLOCK_BYTES), zeros, keys)
    # Step 2: the hub gets it under the function's output, for the items that it asked for.
    n_hub = star.sizes[star.hub]
    [pair] = _pairs(ctx, star).values()
    asked = _kernel.OkvsKeys(n_hub, star.seeds[1], keys, threads)
    hint = _kernel.OkvsKeys(len(keys), star.seeds[2], keys, threads)
    await program(pair, await open_link(pair), n_hub, len(keys), Side(keys, asked, hint, shares))


@dataclass(frozen=True)
class Side:
    """One party's part of a `program`: its keys, arranged for the hub's store and for the other's; the hub's
    store, or the other's shares."""

    keys: np.ndarray
    asked: _kernel.OkvsKeys
    hint: _kernel.OkvsKeys
    blocks: np.ndarray


def _bits(link: SilentVoleLink, n_hub: int, n_other: int, side: Side) -> int:
    cells, hint = _kernel.okvs_size(n_hub), _kernel.okvs_size(n_other)
    return int(link.bits(cells)) + 8 * _BLOCK_BYTES * (cells + hint)


@protocol(source="KMPRT17 §5; RS21 §5", setting=TWO_PARTY_ANY_OT, rounds=4, bits=_bits)
async def program(ctx: Ctx, link: SilentVoleLink, n_hub: int, n_other: int, side: Side) -> np.ndarray | None:
    """At the hub, party 0 here, the other's share for each key that both have, else pseudorandom blocks."""
    cells, hint_cells = _kernel.okvs_size(n_hub), _kernel.okvs_size(n_other)
    label = label16("star-psi", ctx.path)
    if ctx.me == 0:
        corrections, t = await link.receive(ctx, cells)
        np.bitwise_xor(corrections, side.blocks, out=corrections)
        await send_blocks(ctx, corrections)
        masks = _kernel.psi_blocks(label, side.asked.decode(t), side.keys)
        return np.asarray(side.hint.decode(await recv_blocks(ctx, hint_cells)) ^ masks)
    q = await link.send(ctx, cells)
    q ^= _kernel.gf128_mul(await recv_blocks(ctx, cells), link.delta)
    outputs = side.asked.decode(q) ^ _kernel.gf128_mul(side.keys, link.delta)
    masks = _kernel.psi_blocks(label, outputs, side.keys)
    with own_items():
        hint = side.hint.encode(ctx.private().bytes(_BLOCK_BYTES), side.blocks ^ masks)
    await send_blocks(ctx, hint)
    return None


@protocol(
    source="size of the intersection",
    setting=ALL_BUT_ONE,
    rounds=1,
    bits=lambda hub, m, others: 64 * len(others),
    leaks=("receivers learn the intersection",),
)
async def announce_count(ctx: Ctx, hub: int, m: int | None, others: list[int]) -> int:
    """At the hub and at `others`: how many items are common, which the hub knows."""
    if m is None:
        return int((await ctx.recv(hub, Ring, shape=(1,))).array[0])
    for other in others:
        await ctx.send(other, Ring(np.array([m], np.uint64)))
    return m


@protocol(
    source="KMPRT17 §5, reveal",
    setting=ALL_BUT_ONE,
    rounds=1,
    bits=lambda hub, tags, others, m: 8 * _BLOCK_BYTES * m * len(others),
    leaks=("receivers learn the intersection",),
)
async def announce(ctx: Ctx, hub: int, tags: np.ndarray | None, others: list[int], m: int) -> np.ndarray:
    """At the hub and at `others`: the tags of the common items uint8[m, 16], in ascending order."""
    if tags is None:
        return (await ctx.recv(hub, Octets, shape=(m, _BLOCK_BYTES))).array
    for other in others:
        await ctx.send(other, Octets(tags))
    return tags


def _tags(star: Star, keys: np.ndarray) -> np.ndarray:
    """uint8[n, 16], which all parties could compute of each other's items: for the common ones only."""
    return np.asarray(_kernel.psi_blocks(star.seeds[0], np.zeros_like(keys), keys))


def _refused(what: str) -> PeerError:
    return PeerError("PEER-0001", f"message refused: {what}")
