"""The sign of a replicated value: a carry tree of radix 4 on masked bits, three parties.

Source   [ABY2.0] Patra, Schneider, Suresh, Yalame, USENIX Security 2021 (eprint 2020/1225), section 3.1.4
         (ANDs of several inputs on masked values); a third party that knows the masks deals their products:
         [ASTRA] Chaudhari, Choudhury, Patra, Suresh, CCSW 2019 (eprint 2019/429).
Setting  semi-honest, three parties of which one may be corrupted.
Differs  the leaves need no opening: both evaluators know c and the helper knows s of x = c + s, so the
         carries of 4 bits are sums, with coefficients that the evaluators know, of products of the bits of s,
         which the helper deals. A masked bit at the end is a replicated bit as it stands.
         Comparisons of one value with several known limits share s, hence the products of its bits.
Cost     per 64-bit sign: 337 bits from the helper to evaluator 1, 39 bits each way between the evaluators:
         52 bytes for all parties together. Each further limit for the same value: 96 bits from the helper, 22
         bytes in all. 4 rounds, 3 more for every further 2^20 elements.

Notation     here
  v = m xor l     a masked bit: the evaluators know m, the helper l = l_0 xor l_1, evaluator i the share l_i
  table on U, a   shares between the evaluators of a & l_S for every set S of masks of variables U = 0..k-1;
                  l_S is the product of its members. Entry S - 1 of `rest` belongs to S (bit i: variable i)
  g, p            a map of carries: out = g xor p & in; of a bit: g = c & s, p = c xor s

The top bits are left out of the addition (c's is set to 1 and s's to 0 there, so that the carry passes): its
carry out is the carry into bit 63. A tag below the key breaks ties: the sign is then that of x + [tag >= 0].
The sign of the tag, c xor s xor carry at its top bit, is such a map too: it only adds to g of the bits below.
What the evaluators open to each other is masked by l; what the helper deals is masked by coins.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx
from tacit.base.prg import Prg
from tacit.base.protocol import protocol
from tacit.base.types import RING_BITS
from tacit.base.wire import Ring
from tacit.mpc.rep3 import chunks
from tacit.mpc.rep3.roles import HELPER, helper_side, open_side, swap
from tacit.mpc.rep3.share import THREE_PARTY, Rep3Share, n_words, unpack_rows

RADIX = 4
ALL = np.uint64((1 << 64) - 1)


def n_tag_groups(limit: int) -> int:
    """Groups of four bits for tags that differ by less than `limit`."""
    return -(-max(limit - 1, 1).bit_length() // RADIX)


@dataclass(frozen=True)
class Tree:
    """Row counts of `limits` trees on `tag_groups` groups of tag bits below the 16 of the key.

    Leaves of 4 bits; nodes of 4 leaves, the last filled up with maps that change nothing; a root of all.
    """

    tag_groups: int = 0
    limits: int = 1

    @property
    def groups(self) -> int:
        return RING_BITS // RADIX + self.tag_groups

    @property
    def nodes(self) -> int:
        return -(-self.groups // RADIX)

    @property
    def tops(self) -> int:
        """Top bits of s that are dealt as they are: of the key, and of the tag if there is one."""
        return 2 if self.tag_groups else 1

    @property
    def masks(self) -> int:
        """Masked bits that are opened: g of every group and node, p of all but the lowest, the sign."""
        return self.limits * ((2 * self.groups - 1) + (2 * self.nodes - 1) + 1)

    @property
    def dealt(self) -> int:
        """Products of masks that the helper deals; those of the bits of s serve all limits."""
        leaves = ((1 << RADIX) - 1) * self.groups
        above = node_rows(RADIX, self.nodes) + node_rows(self.nodes, 1)
        return leaves + self.tops + self.limits * above

    @property
    def bits(self) -> int:
        """Bits on the wire per element."""
        return self.dealt + 2 * self.masks


def node_rows(radix: int, nodes: int) -> int:
    """Products dealt for `nodes` neighbouring nodes of `radix` children each; see `node_products`."""
    sets = (1 << (radix - 1)) - 1
    return nodes * (sets - (radix - 1)) + (nodes - 1) * sets + nodes * ((2 << (radix - 1)) - 1 - radix)


@dataclass(frozen=True)
class Table:
    """Shares of a & l_S: `const` [..., words] for the empty S, `rest` [2^k - 1, ..., words] for others."""

    const: np.ndarray
    rest: np.ndarray

    def fold(self, m: np.ndarray) -> Table:
        """The table on k - 1 variables of a & v, v the highest variable, with m its masked bit:
        a v l_S = m (a l_S) xor (a l l_S)."""
        half = (len(self.rest) + 1) // 2
        return Table((m & self.const) ^ self.rest[half - 1], (m & self.rest[: half - 1]) ^ self.rest[half:])


def subset_products(masks: np.ndarray) -> np.ndarray:
    """l_S for S = 1 .. 2^k - 1 from masks uint64[k, ..., words]."""
    products = np.empty(((1 << len(masks)) - 1, *masks.shape[1:]), np.uint64)
    for i, mask in enumerate(masks):
        low = (1 << i) - 1
        products[low] = mask
        np.bitwise_and(products[:low], mask, out=products[low + 1 : 2 * low + 1])
    return products


def composite_sets(k: int) -> list[int]:
    """Entries of a table on k variables whose sets have two members or more."""
    return [s - 1 for s in range(1, 1 << k) if s & (s - 1)]


class Rows:
    """Rows of words, read one after another: of an array that came in one message, or as coins are drawn."""

    def __init__(self, source: np.ndarray | Prg, limits: int, words: int) -> None:
        self._source, self._limits, self._words, self._at = source, limits, words, 0

    def take(self, *shape: int) -> np.ndarray:
        """The next rows, as uint64[*shape, limits, words]."""
        return self._take((*shape, self._limits, self._words))

    def take_common(self, *shape: int) -> np.ndarray:
        """The next rows, one for all limits: uint64[*shape, 1, words]."""
        return self._take((*shape, 1, self._words))

    def _take(self, shape: tuple[int, ...]) -> np.ndarray:
        if isinstance(self._source, Prg):
            return self._source.ring(shape)
        start, self._at = self._at, self._at + math.prod(shape)
        return self._source[start : self._at].reshape(shape)


def by_child(rows: np.ndarray, radix: int) -> np.ndarray:
    """uint64[radix, nodes, limits, words] from [radix * nodes, limits, words]."""
    return np.ascontiguousarray(rows.reshape(-1, radix, *rows.shape[1:]).swapaxes(0, 1))


def children(rows: np.ndarray, n: int, radix: int, carry: np.uint64) -> tuple[np.ndarray, np.ndarray]:
    """(g, p) by child from n rows of g and n - 1 of p: the lowest p, which nothing reads, is put in, and the
    last node filled up with g = 0, p = carry."""
    tail, missing = rows.shape[1:], -n % radix
    nothing, pass_on = np.zeros((missing, *tail), np.uint64), np.full((missing, *tail), carry)
    g = np.concatenate([rows[:n], nothing])
    p = np.concatenate([np.zeros((1, *tail), np.uint64), rows[n:], pass_on])
    return by_child(g, radix), by_child(p, radix)


# --- the helper ---------------------------------------------------------------------------------------


def node_products(masks: tuple[np.ndarray, np.ndarray]) -> Iterator[np.ndarray]:
    """What `combine` reads, in its order, from the masks of (g, p) by child."""
    g, p = masks
    chain = subset_products(p[1:])
    yield chain[composite_sets(len(p) - 1)]
    yield chain[:, 1:] & p[0, 1:]
    for child in range(len(p) - 1):
        yield subset_products(p[child + 1 :]) & g[child]


# --- the evaluators -----------------------------------------------------------------------------------


def leaves(ones: np.uint64, c: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of g and p of groups of four bits, [groups, limits, words], from c [4 * groups, limits, words].

    v_i = c_i xor s_i is p of bit i, c_i & s_i is g of bit i; rest: the products of the bits of s, in shares,
    [15, groups, 1, words].
    """
    bit = by_child(c, RADIX)
    table = Table(np.full_like(bit[0], ones), rest)
    g = bit[3] & table.rest[7]
    for i in (3, 2, 1):
        table = table.fold(bit[i])
        g ^= bit[i - 1] & table.rest[(1 << (i - 1)) - 1]
    return g, table.fold(bit[0]).const


def combine(
    ones: np.uint64, opened: tuple[np.ndarray, np.ndarray], masks: tuple[np.ndarray, np.ndarray], dealt: Rows
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of g and p of nodes from (g, p) of their children; p without the lowest node's.

    For 4 children: g = g_3 xor p_3 g_2 xor p_3 p_2 g_1 xor p_3 p_2 p_1 g_0;  p = p_3 p_2 p_1 p_0.
    """
    (mg, mp), (lg, lp) = opened, masks
    radix, nodes = mg.shape[:2]
    sets = (1 << (radix - 1)) - 1
    products = np.empty((sets, *mg.shape[1:]), np.uint64)
    products[[(1 << i) - 1 for i in range(radix - 1)]] = lp[1:]
    products[composite_sets(radix - 1)] = dealt.take(sets - (radix - 1), nodes)
    chain = Table(np.full_like(mp[0], ones), products)
    last = Table(lp[0, 1:], dealt.take(sets, nodes - 1))
    lower = [Table(lg[k], dealt.take((1 << (radix - 1 - k)) - 1, nodes)) for k in range(radix - 1)]
    g = lg[-1] ^ (mg[-1] & ones)
    for j in range(radix - 1, 0, -1):
        chain, last = chain.fold(mp[j]), last.fold(mp[j, 1:])
        lower = [table.fold(mp[j]) for table in lower[:j]]
        g ^= (mg[j - 1] & chain.const) ^ lower[j - 1].const
    return g, (mp[0, 1:] & chain.const[1:]) ^ last.const


# --- the protocol -------------------------------------------------------------------------------------


@protocol(
    source="ABY2.0 §3.1.4; ASTRA",
    setting=THREE_PARTY,
    rounds=lambda x: 1 + 3 * chunks.windows(x.size),
    bits=lambda x: 64 * Tree().bits * chunks.words(x.size),
)
async def msb(ctx: Ctx, x: Rep3Share) -> Rep3Share:
    """The sign bit of every element, boolean."""
    side = helper_side(x) if ctx.me == HELPER else open_side(ctx, x)
    return (await signs(ctx, side, None, 0)).map(lambda a: a.reshape(x.shape))


@protocol(
    source="ABY2.0 §3.1.4; ASTRA",
    setting=THREE_PARTY,
    rounds=lambda side, tags, tag_groups: 1 + 3 * chunks.windows(side.size),
    bits=lambda side, tags, tag_groups: 64 * Tree(tag_groups).bits * chunks.words(side.size),
)
async def signs(ctx: Ctx, side: np.ndarray, tags: np.ndarray | None, tag_groups: int) -> Rep3Share:
    """The signs of flat x + [tag >= 0], boolean; without tags, of x.

    side, tags: this party's c or s of each element and of its tag, |tag| < 2^(4 * tag_groups).
    """

    async def one(part: slice) -> chunks.Addends:
        low = None if tags is None else tags[part]
        first, second = await tree_words(ctx, Tree(tag_groups), side[None, part], low)
        n = part.stop - part.start
        return unpack_rows(first, n)[0], unpack_rows(second, n)[0]

    return Rep3Share(*await chunks.in_chunks(side.size, np.uint8, one), boolean=True)


@protocol(
    source="ABY2.0 §3.1.4; ASTRA",
    setting=THREE_PARTY,
    rounds=lambda x, limits: 1 + 3 * chunks.windows(x.size),
    bits=lambda x, limits: 64 * Tree(limits=len(limits)).bits * chunks.words(x.size),
)
async def below(ctx: Ctx, x: Rep3Share, limits: tuple[int, ...]) -> Rep3Share:
    """Row j: whether x < limits[j], boolean, shape [len(limits), *shape]; for |x - limits[j]| < 2^63."""
    side = helper_side(x) if ctx.me == HELPER else open_side(ctx, x)
    places = np.array(limits, np.int64).view(np.uint64)[:, None]
    tree = Tree(limits=len(limits))

    async def one(part: slice) -> chunks.Addends:
        sides = side[None, part] if ctx.me == HELPER else side[part] - places
        first, second = await tree_words(ctx, tree, sides, None)
        return unpack_rows(first, part.stop - part.start), unpack_rows(second, part.stop - part.start)

    addends = await chunks.in_chunks(x.size, np.uint8, one, head=(len(limits),))
    first, second = (rows.reshape(len(limits), *x.shape) for rows in addends)
    return Rep3Share(first, second, boolean=True)


@protocol(
    source="ABY2.0 §3.1.4; ASTRA",
    setting=THREE_PARTY,
    rounds=4,
    bits=lambda tree, sides, tags: 64 * tree.bits * n_words(sides.shape[1]),
)
async def tree_words(
    ctx: Ctx, tree: Tree, sides: np.ndarray, tags: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """One chunk: this party's two addends of the signs, packed, uint64[limits, words].

    sides: c of every limit, uint64[limits, n], or s, uint64[1, n]; tags as for `signs`, with one limit.
    """
    planes = np.stack([_kernel.bits_to_planes(side, RING_BITS) for side in sides], axis=1)
    tops = planes[-1:].copy()
    planes[-1] = 0 if ctx.me == HELPER else ALL
    if tags is not None:
        lower = _kernel.bits_to_planes(tags, RADIX * tree.tag_groups + 1)[:, None]
        planes, tops = np.concatenate([lower[:-1], planes]), np.concatenate([tops, lower[-1:]])
    role = _deal if ctx.me == HELPER else _evaluate
    return await role(ctx, tree, planes, tops)


async def _deal(ctx: Ctx, tree: Tree, planes: np.ndarray, tops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Step 1: masks from coins with both evaluators; products of masks, less coins with evaluator 0."""
    words, at = planes.shape[-1], 0
    with_0 = ctx.common(0)
    coins, others = (Rows(source, tree.limits, words) for source in (with_0, ctx.common(1)))
    message = np.empty(tree.dealt * words, np.uint64)

    def deal(rows: np.ndarray) -> None:
        nonlocal at
        np.bitwise_xor(rows, with_0.ring(rows.shape), out=message[at : at + rows.size].reshape(rows.shape))
        at += rows.size

    deal(subset_products(by_child(planes, RADIX)))
    deal(tops)
    for n, radix in ((tree.groups, RADIX), (tree.nodes, tree.nodes)):
        masks = coins.take(2 * n - 1) ^ others.take(2 * n - 1)
        for rows in node_products(children(masks, n, radix, np.uint64(0))):
            deal(rows)
    await ctx.send(1, Ring(message))
    return others.take(1)[0], coins.take(1)[0]


async def _evaluate(
    ctx: Ctx, tree: Tree, planes: np.ndarray, tops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Steps 2 to 4: the leaves, the nodes above them, the root."""
    words, ones = planes.shape[-1], ALL if ctx.me == 0 else np.uint64(0)
    masks = dealt = Rows(ctx.common(HELPER), tree.limits, words)
    if ctx.me == 1:
        message = await ctx.recv(HELPER, Ring, shape=(tree.dealt * words,))
        dealt = Rows(message.array, tree.limits, words)
    g, p = leaves(ones, planes, dealt.take_common((1 << RADIX) - 1, tree.groups))
    top_shares = dealt.take_common(tree.tops)
    if tree.tag_groups:
        g[tree.tag_groups - 1] ^= top_shares[1] ^ (~tops[1] & ones)
    p = p[1:]
    for n, radix in ((tree.groups, RADIX), (tree.nodes, tree.nodes)):
        mask = masks.take(2 * n - 1)
        hidden = np.concatenate([g, p]) ^ mask
        opened = hidden ^ await swap(ctx, hidden)
        g, p = combine(ones, children(opened, n, radix, ALL), children(mask, n, radix, np.uint64(0)), dealt)
    mask = masks.take(1)
    hidden = g ^ top_shares[:1] ^ mask  # the sign is c_63 xor s_63 xor carry
    sign = (hidden ^ await swap(ctx, hidden) ^ tops[:1])[0]
    return (mask[0], sign) if ctx.me == 0 else (sign, mask[0])
