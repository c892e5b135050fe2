"""Set intersection from a key-value store and vector OLE, semi-honest and malicious.

Source   [RR22] Raghuraman, Rindal, "Blazing Fast PSI from Improved OKVS and Subfield VOLE", CCS 2022, eprint
         2022/320, sections 3 and 4; malicious: [RS21] Rindal, Schoppmann, EUROCRYPT 2021, eprint 2021/266,
         Figure 4, on checked vector OLE.
Setting  `Rr22Psi` and `Rr22LowPsi` (low communication) semi-honest; `Rr22MaliciousPsi` malicious, with one
         receiver. LPN, AES as an ideal cipher, random oracle. Not constant time: which cells of the
         store are touched depends on the items.
Differs  the store is cut into bins that stay in cache, each padded to a public bound (kernel, `okvs`).
         The value encoded for an item is its own key: a CBC-MAC of 128 bits under coins that both sides drew
         after the sets were fixed; malicious: half a SHA-256. Tags travel in ascending order, in a code whose
         length depends on their number alone. If both sides learn the intersection, the receiver is the one
         with the smaller set and answers with one bit for each tag; a malicious receiver could lie there, so
         it alone learns. Low: a cell is one element of GF(2^64), where a field of 40 + log2(n_x n_y) bits is
         usual, for the reason below; Δ, B, C are pairs over it, which need not form a field.
Cost     n_x items of the receiver, n_y of the sender: 16 e n_x bytes and e n_x VOLEs, e = 1.30 at 2^20, low
         8 e n_x; n_y (t + 1/4) bytes of tags, t = 8 up to 2^24 items, 14 if malicious; n_y / 8 bytes of
         answer. In all 29.7 bytes an item at 2^20, low 19.2. Floor at 2^20, a core for each side: VOLEs 70
         ms, encoding 40, decoding 20, hashing and sorting 40.

Notation     paper        here
  X, Y       sets         keys of the receiver's and the sender's `items`
  r          store seed   `seed`
  P          store        `table`
  Δ, B       VOLE         `link.delta`, `q`
  A', C      VOLE         `corrections`, `t`
  w_r, w_s   coin toss    `mine`, `theirs`; w: `offset`

Why cells of 64 bits are enough (low). They must keep the store from giving an item y outside X its own value:
Δ would not hide the tag of y then, and the receiver could recognise it. That value is half of y's key and
independent of what the store gives for y: its row is another hash, the other values are halves of other keys,
all under coins that were drawn after the sets were fixed. So it happens with probability n_y / 2^64, at most
2^-40 for n_y <= 2^24, the largest set of this variant; n_x does not enter, as two items with equal halves
still have different rows. Otherwise what is multiplied with Δ is not 0, and the hash of the tag has 128
unknown bits to work on, as in the other variants. The keys that tweak it, and the tags, keep their lengths.

How many items a malicious receiver can test: the store has m = `okvs_size(n_x)` cells (1.30 n_x, at least
1447), so it holds m items of its choice and not only the n_x announced. Each further one takes an item whose
row and key happen to agree with a fixed table, or two items of one key: about 2^64 hashes. Tags of 128 bits
bind a malicious sender to the items that it asked the random oracle for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx, require_two
from tacit.base.errors import (
    CheatDetected,
    InternalError,
    LimitError,
    PeerError,
    UnsupportedError,
    UsageError,
)
from tacit.base.prg import label16
from tacit.base.protocol import protocol
from tacit.base.setting import Setting
from tacit.base.wire import Octets, Ring, octets, peer_bytes
from tacit.blocks.settings import TWO_PARTY_ANY_OT
from tacit.blocks.vole.silent_rrt23 import (
    HALF_BITS,
    WHOLE_BITS,
    SilentVoleLink,
    open_checked_link,
    open_link,
)
from tacit.psi.blocks import recv_blocks, send_blocks
from tacit.psi.functionality import BOTH, Intersection, Items, Psi

SEMI_HONEST = TWO_PARTY_ANY_OT
MALICIOUS = replace(SEMI_HONEST, adversary="malicious")
LARGEST_SET = 1 << 26
"""Items of a set that is held in memory as a whole."""
LARGEST_LOW_SET = 1 << 24
"""Of one whose cells have 64 bits: what those leave of 40 bits of security."""
_BLOCK_BYTES = 16
_DIGEST_BYTES = 32
_NOT_FOUND = 0xFFFFFFFF
_FAST_LOW_BITS = 64
_VARIANTS = {(False, WHOLE_BITS): 0, (True, WHOLE_BITS): 1, (False, HALF_BITS): 2}
"""By adversary and bits of a cell: their names on the wire."""


@dataclass(frozen=True)
class Sizes:
    """All that lengths of messages depend on, and which party is the receiver."""

    n_receiver: int
    n_sender: int
    malicious: bool
    receiver: int = 0
    n_parts: int = 1
    """Of such sets in all: chance equality in any of them counts."""

    @staticmethod
    def of(counts: tuple[int, int], receivers: frozenset[int], malicious: bool, n_parts: int = 1) -> Sizes:
        """For sets of `counts` items; of two who learn, the one with fewer items is the receiver."""
        receiver = int(counts[1] < counts[0]) if receivers == BOTH else min(receivers)
        return Sizes(counts[receiver], counts[1 - receiver], malicious, receiver, n_parts)

    @property
    def cells(self) -> int:
        return _kernel.okvs_size(self.n_receiver)

    @property
    def tag_bits(self) -> int:
        """40 bits over the number of pairs that could be equal by chance, on one side or across."""
        if self.malicious:
            return 128
        pairs = self.n_sender * max(self.n_receiver, self.n_sender) * self.n_parts
        return 40 + max(pairs - 1, 0).bit_length()

    @property
    def strong(self) -> bool:
        """Whether tags come from SHA-256: against a deviating peer, or where fast ones are too short."""
        bucket_bits = max(self.n_sender, 1).bit_length() - 1
        return self.malicious or self.tag_bits - bucket_bits > _FAST_LOW_BITS

    @property
    def list_bytes(self) -> int:
        return _kernel.psi_list_size(self.n_sender, self.tag_bits)


class Rr22Psi(Psi):
    name: ClassVar[str] = "rr22"
    setting: ClassVar[Setting] = SEMI_HONEST
    largest_set: ClassVar[int] = LARGEST_SET
    malicious: ClassVar[bool] = False
    scalar_bits: ClassVar[int] = WHOLE_BITS

    async def intersect(self, ctx: Ctx, items: Items, *, receivers: frozenset[int] = BOTH) -> Intersection:
        """Raises: UsageError PSI-0001 if two of my items are equal, PeerError PSI-0002 if two of the peer's;
        LimitError PSI-0003; PeerError PSI-0004; CheatDetected PSI-0020, OT-0002; UnsupportedError PSI-0021.
        """
        require_two(ctx)
        if self.one_receiver and len(receivers) != 1:
            raise UnsupportedError(
                "PSI-0021",
                "against a deviating peer, this set intersection has exactly one receiver",
                hint="name one receiver, or run the semi-honest protocol",
            )
        n_theirs = await agree_sizes(ctx, len(items), type(self))
        link = await self.open_link(ctx)
        rows = await self.intersect_over(ctx, link, items, n_theirs, receivers)
        return Intersection(rows, len(items), n_theirs)

    def open_link(self, ctx: Ctx) -> Coroutine[Any, Any, SilentVoleLink]:
        """What `intersect_over` needs; once per session."""
        return open_checked_link(ctx) if self.malicious else open_link(ctx, self.scalar_bits)

    async def intersect_over(
        self, ctx: Ctx, link: SilentVoleLink, items: Items, n_theirs: int, receivers: frozenset[int]
    ) -> np.ndarray | None:
        """One set, or one part of a larger one, over an open link; rows as in `Intersection`."""
        counts = (len(items), n_theirs) if ctx.me == 0 else (n_theirs, len(items))
        sizes = Sizes.of(counts, receivers, self.malicious)
        label = ctx.common(ctx.peer).bytes(_BLOCK_BYTES)
        keys = _kernel.psi_keys(items.data, items.offsets, label, self.malicious, self._threads)
        match = match_checked if self.malicious else match_keys
        return await match(ctx, link, keys, sizes, receivers, self._threads)


class Rr22LowPsi(Rr22Psi):
    """As `Rr22Psi`, with a store of half the bytes, for sets of up to 2^24 items."""

    name: ClassVar[str] = "rr22-low"
    largest_set: ClassVar[int] = LARGEST_LOW_SET
    scalar_bits: ClassVar[int] = HALF_BITS


class Rr22MaliciousPsi(Rr22Psi):
    """As `Rr22Psi`, against a peer that deviates; one receiver."""

    name: ClassVar[str] = "rr22-malicious"
    setting: ClassVar[Setting] = MALICIOUS
    malicious: ClassVar[bool] = True
    one_receiver: ClassVar[bool] = True


@protocol(source="set sizes", setting=MALICIOUS, rounds=1, bits=256, leaks=("the two set sizes",))
async def agree_sizes(ctx: Ctx, n: int, kind: type[Rr22Psi]) -> int:
    """The peer's set size, before anything whose length depends on it.

    Raises: LimitError PSI-0003; PeerError PSI-0004 if the peer runs the other variant.
    """
    most = kind.largest_set
    if n > most:
        raise LimitError("PSI-0003", f"this set intersection takes at most 2^{most.bit_length() - 1} items")
    mine = _VARIANTS[kind.malicious, kind.scalar_bits]
    message = Ring(np.array([n, mine], np.uint64))
    theirs, variant = (await ctx.exchange(ctx.peer, ctx.peer, message, shape=(2,))).array.tolist()
    if variant != mine:
        raise PeerError(
            "PSI-0004",
            "the peer runs another variant of this set intersection",
            hint="choose one set intersection protocol on both sides",
        )
    if theirs > most:
        raise LimitError("PSI-0003", f"the peer announces a set of more than 2^{most.bit_length() - 1} items")
    return int(theirs)


def _bits(
    link: SilentVoleLink, keys: np.ndarray, sizes: Sizes, receivers: frozenset[int], threads: int
) -> int:
    answer = -(-sizes.n_sender // 8) if receivers == BOTH else 0
    toss = 3 * _BLOCK_BYTES + _DIGEST_BYTES if sizes.malicious else 0
    return link.bits(sizes.cells) + link.scalar_bits * sizes.cells + 8 * (sizes.list_bytes + answer + toss)


@protocol(
    source="RR22 §3, §4",
    setting=SEMI_HONEST,
    rounds=lambda link, keys, sizes, receivers, threads: 5 if receivers == BOTH else 4,
    bits=_bits,
    leaks=("receivers learn the intersection",),
)
async def match_keys(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: np.ndarray,
    sizes: Sizes,
    receivers: frozenset[int],
    threads: int,
) -> np.ndarray | None:
    """Numbers of my keys that are common, int64[m] in the order of the tags; None if not for me."""
    seed = ctx.common(ctx.peer).bytes(_BLOCK_BYTES)
    if ctx.me == sizes.receiver:
        found = await _receive(ctx, link, _sorted(link, keys, seed, sizes, threads), sizes)
        if receivers == BOTH:  # Step 4: one bit for each of the peer's tags
            bits = np.packbits(found != _NOT_FOUND, bitorder="little")
            await ctx.sub("reveal").send(ctx.peer, Octets(bits))
        return _common(found)
    order = await _send(ctx, link, _sorted(link, keys, seed, sizes, threads), sizes)
    if receivers != BOTH:
        return None
    answer = (await ctx.sub("reveal").recv(ctx.peer, Octets, shape=(-(-len(order) // 8),))).array
    bits = np.unpackbits(answer, bitorder="little")
    if np.any(bits[len(order) :]):
        raise PeerError("PEER-0001", "message refused: an answer has more bits than there are tags")
    common: np.ndarray = order[bits[: len(order)].astype(bool)].astype(np.int64)
    return common


@protocol(
    source="RS21 Figure 4; RR22 §4",
    setting=MALICIOUS,
    rounds=8,
    bits=_bits,
    leaks=(
        "the receiver learns the intersection, and may have asked for as many items as the store has cells",
    ),
)
async def match_checked(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: np.ndarray,
    sizes: Sizes,
    receivers: frozenset[int],
    threads: int,
) -> np.ndarray | None:
    """As `match_keys`, against a deviating peer. Raises: CheatDetected PSI-0020 or OT-0002."""
    coins = ctx.private()
    mine = coins.bytes(_BLOCK_BYTES)
    if ctx.me in receivers:
        seed = coins.bytes(_BLOCK_BYTES)
        commitment = (await ctx.recv(ctx.peer, Octets, shape=(_DIGEST_BYTES,))).array
        await ctx.send(ctx.peer, Octets(seed))
        found = await _receive(ctx, link, _sorted(link, keys, seed, sizes, threads), sizes, mine, commitment)
        return _common(found)
    await ctx.send(ctx.peer, octets(_commit(ctx, mine)))
    seed = (await ctx.recv(ctx.peer, Octets, shape=(_BLOCK_BYTES,))).array
    await _send(ctx, link, _sorted(link, keys, seed, sizes, threads), sizes, mine)
    return None


@contextmanager
def own_items() -> Iterator[None]:
    """Kernel calls that fail if two of my items are equal, and else with probability 2^-40."""
    try:
        yield
    except _kernel.KernelError as error:
        if error.kind != "abort":
            raise InternalError("KERNEL-0001", f"kernel refused our own arguments: {error}") from error
        raise UsageError(
            "PSI-0001", "the items of a set must be distinct", hint="remove duplicates first"
        ) from None


def _progress(ctx: Ctx, done: int) -> None:
    """Of four parts of like length: store, VOLEs, corrections, tags."""
    ctx.log("psi", done=done, total=4)


def _label(ctx: Ctx) -> bytes:
    return label16("rr22-tag", ctx.path)


def _commit(ctx: Ctx, value: np.ndarray) -> bytes:
    return hashlib.sha256(label16("rr22-toss", ctx.path) + value.tobytes()).digest()


def _common(found: np.ndarray) -> np.ndarray:
    numbers: np.ndarray = found[found != _NOT_FOUND].astype(np.int64)
    return numbers


def _sorted(
    link: SilentVoleLink, keys: np.ndarray, seed: np.ndarray, sizes: Sizes, threads: int
) -> _kernel.OkvsKeys:
    return _kernel.OkvsKeys(sizes.n_receiver, seed, keys, threads, link.scalar_bits)


async def _receive(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: _kernel.OkvsKeys,
    sizes: Sizes,
    mine: np.ndarray | None = None,
    commitment: np.ndarray | None = None,
) -> np.ndarray:
    """For each place in the peer's list the number of my key there, or `_NOT_FOUND`: uint32[n_sender]."""
    with own_items():
        table = keys.encode(ctx.private().bytes(_BLOCK_BYTES))
    _progress(ctx, 1)
    corrections, t = await link.receive(ctx, sizes.cells)
    _progress(ctx, 2)
    np.bitwise_xor(corrections, table, out=corrections)
    await send_blocks(ctx, corrections)  # Step 1: the store under the VOLE's mask
    _progress(ctx, 3)
    offset = None
    if mine is not None and commitment is not None:
        await ctx.send(ctx.peer, Octets(mine))
        theirs = (await ctx.recv(ctx.peer, Octets, shape=(_BLOCK_BYTES,))).array
        if _commit(ctx, theirs) != commitment.tobytes():
            raise CheatDetected(
                "PSI-0020",
                "the other party opened another value than it had committed to",
                hint="nothing was revealed; end the cooperation",
            )
        offset = theirs ^ mine
    elif sizes.strong:
        offset = np.zeros(_BLOCK_BYTES, np.uint8)
    tags = keys.tags(_label(ctx), t, offset)  # Step 3: what the sender's list is searched for
    received = (await ctx.recv(ctx.peer, Octets, shape=(sizes.list_bytes,))).array
    try:
        with peer_bytes():
            found = tags.find(received, sizes.n_sender, sizes.tag_bits)
    except CheatDetected:
        raise PeerError(
            "PSI-0002", "the peer's set has repeated items", hint="the peer must remove duplicates"
        ) from None
    _progress(ctx, 4)
    return found


async def _send(
    ctx: Ctx,
    link: SilentVoleLink,
    keys: _kernel.OkvsKeys,
    sizes: Sizes,
    mine: np.ndarray | None = None,
) -> np.ndarray:
    """The number of my item at each place of the list that I sent: uint32[n_sender]."""
    q = await link.send(ctx, sizes.cells)
    _progress(ctx, 2)
    corrections = await recv_blocks(ctx, sizes.cells, link.scalar_bits // 8)
    offset = None
    if mine is not None:
        theirs = (await ctx.recv(ctx.peer, Octets, shape=(_BLOCK_BYTES,))).array
        await ctx.send(ctx.peer, Octets(mine))
        offset = theirs ^ mine
    elif sizes.strong:
        offset = np.zeros(_BLOCK_BYTES, np.uint8)
    _progress(ctx, 3)
    tags = keys.corrected_tags(_label(ctx), q, link.delta, corrections, offset)
    with own_items():
        message, order = tags.write(sizes.tag_bits)
    await ctx.send(ctx.peer, octets(message))  # Step 2: the tags, in ascending order
    _progress(ctx, 4)
    return order
