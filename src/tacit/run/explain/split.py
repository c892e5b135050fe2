"""Which party sends how much of what a protocol declares: declarations are of all parties together.

The rules are for protocols whose parties send different amounts; of all others every party sends the same.
`tests/run/test_rehearsal.py` compares them with what is measured at each party.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tacit.base.types import RING_BITS
from tacit.blocks.correlation import Correlations, OwnCorrelations, Product
from tacit.blocks.dzk.bbcgi19 import DIGEST_BYTES, SEED_BYTES, prover_shapes
from tacit.blocks.dzk.claims import Claims, Gates, Matrix
from tacit.blocks.dzk.rings import BINARY, GALOIS
from tacit.blocks.he.rlwe_product import message_bits
from tacit.blocks.he.slot_product import message_bits as slot_bits
from tacit.blocks.ot import ole
from tacit.mpc.rep3 import chunks
from tacit.mpc.rep3.compare import Tree
from tacit.mpc.rep3.share import n_words
from tacit.mpc.semi2k.arith import BIT_WIDTH, inner_cuts

Bits = tuple[int, ...]
"""By party."""


def split(name: str, args: tuple[Any, ...], total: int, n_parties: int) -> Bits:
    """Bits by party of one call of protocol `name`, of which all together send `total`."""
    dealt = args and isinstance(args[0], Correlations) and not isinstance(args[0], OwnCorrelations)
    rule = None if dealt else RULES.get(name)
    if rule is None:
        return tuple(total // n_parties + (party < total % n_parties) for party in range(n_parties))
    sent = rule(total, *args)
    return (*sent, *(0,) * (n_parties - len(sent)))  # a dealer has no part in what is between the two


def _sum(*parts: Bits) -> Bits:
    return tuple(map(sum, zip(*parts, strict=True)))


def _only(party: int, bits: int, n_parties: int) -> Bits:
    return tuple(bits if number == party else 0 for number in range(n_parties))


# --- two parties --------------------------------------------------------------------------------------


def _of(party: int, its: int, others: int) -> Bits:
    return (its, others) if party == 0 else (others, its)


def _ots(source: OwnCorrelations, receiver: int, n: int, payload: int) -> Bits:
    """n OTs with `receiver`'s choices, and so many bits of the sender's messages."""
    back = source.link.sender_bits(n)
    return _of(receiver, source.link.row_bits(n) - back, payload + back)


def _cross(
    source: OwnCorrelations, holder: int, shape: Product, exact: bool = True, x_bits: int = RING_BITS
) -> Bits:
    batch, m, d, _ = shape
    if packed := source.packed(shape, 1, exact):
        rest = batch - packed
        return _sum(_slots(source, packed, 1, exact), _gilboa(source, holder, (rest, 1, 1, rest)))
    if source.packs(shape, RING_BITS, x_bits):
        asks, answers = message_bits(shape, x_bits)
        return _of(holder, answers, asks)
    return _gilboa(source, holder, shape)


def _crosses(source: OwnCorrelations, shape: Product, exact: bool = True) -> Bits:
    if packed := source.packed(shape, 2, exact):
        rest = shape[0] - packed
        own = (_gilboa(source, holder, (rest, 1, 1, rest)) for holder in (0, 1))
        return _sum(_slots(source, packed, 2, exact), *own)
    return _sum(_cross(source, 0, shape), _cross(source, 1, shape))


def _gilboa(source: OwnCorrelations, holder: int, shape: Product) -> Bits:
    """The owner of w chooses by its bits, the holder of x sends the messages."""
    batch, m, d, _ = shape
    total, n = source.ot_cross_bits(batch, m, d, RING_BITS), batch * d * RING_BITS
    times = -(-m // min(max(m, 1), ole.CHUNK_PAYLOAD_BYTES // (RING_BITS * 5)))
    asked = times * (source.link.row_bits(n) - source.link.sender_bits(n))
    return _of(holder, total - asked, asked)


def _slots(source: OwnCorrelations, packed: int, terms: int, exact: bool) -> Bits:
    """Ciphertexts 0, 2, 4 … are under party 0's key, the others under party 1's; the last may be short."""
    assert source.slots is not None
    each, sent = source.slots.slots, (0, 0)
    full, rest = divmod(packed, each)
    for owner, count, size in ((0, -(-full // 2), each), (1, full // 2, each), (full % 2, 1, rest)):
        asks, answers = slot_bits(size, terms) if count and size else (0, 0)
        one = _of(owner, asks, answers)
        if exact and count and size:
            one = _sum(one, _ots(source, owner, size, RING_BITS * size))
        sent = (sent[0] + count * one[0], sent[1] + count * one[1])
    return sent


def _numbers(x: Any) -> Product:
    return (x.data.size, 1, 1, x.data.size)


def _matmul(total: int, source: OwnCorrelations, x: Any, y: Any) -> Bits:
    (m, k), n = x.shape, y.shape[1]
    return _crosses(source, (min(m, n), max(m, n), k, 1))


def _matmul_private(
    total: int, source: OwnCorrelations, x: Any, y: Any, owner: int, m: int, x_bits: int = RING_BITS
) -> Bits:
    return _cross(source, owner, (y.shape[1], m, y.shape[0], 1), x_bits=x_bits)


def _subset_sums(total: int, source: OwnCorrelations, rows: Any, y: Any, owner: int, m: int) -> Bits:
    k, n = y.shape
    cuts = ((n, m, stop - start, 1) for start, stop in inner_cuts(k, m))
    return _sum(*(_cross(source, owner, cut, x_bits=BIT_WIDTH) for cut in cuts))


def _trunc(total: int, source: OwnCorrelations, x: Any, bits: int) -> Bits:
    return _ots(source, 0, x.data.size, 8 * x.data.size * -(-bits // 8))


def _b2a(total: int, source: OwnCorrelations, x: Any) -> Bits:
    return _ots(source, 0, x.data.size, RING_BITS * x.data.size)


def _tree(total: int, source: OwnCorrelations, n_leaves: int) -> Bits:
    """Bit products at the leaves, half of them with either party as sender; the rest is even."""
    half = n_leaves // 2
    asked_by_1, asked_by_0 = (source.random_bits(words) for words in (half, n_leaves - half))
    back_by_0, back_by_1 = (_random_back(source, words) for words in (half, n_leaves - half))
    even = (total - asked_by_0 - asked_by_1) // 2
    return (even + asked_by_0 - back_by_1 + back_by_0, even + asked_by_1 - back_by_0 + back_by_1)


def _random_back(source: OwnCorrelations, words: int) -> int:
    """Of `random_bits`, those of the sender."""
    whole, rest = divmod(64 * words, ole.CHUNK_OTS)
    return whole * source.link.sender_bits(ole.CHUNK_OTS) + source.link.sender_bits(rest)


def _leaves(rows: int) -> Callable[..., Bits]:
    return lambda total, source, x: _tree(total, source, rows * n_words(x.data.size))


def _bit_words(total: int, source: OwnCorrelations, x: Any, low: int, high: int) -> Bits:
    return _tree(total, source, (high - 1) * n_words(x.data.size))


# --- three parties ------------------------------------------------------------------------------------


def _helped(evaluators: int, total: int) -> Bits:
    """Each evaluator sends so much, the helper the rest."""
    return (evaluators, evaluators, total - 2 * evaluators)


def _factor(total: int, owner: int, sent: int) -> Bits:
    """A private factor of so many bits from its owner; the rest is even."""
    return _sum(_only(owner, sent, 3), ((total - sent) // 3,) * 3)


def _shared(total: int, x: Any, owner: int, shape: Any, boolean: bool) -> Bits:
    return _only(owner, total, 3)


def _revealed(total: int, x: Any, to: int | None) -> Bits:
    """To one: from its `prev`, or from the other one of two parties."""
    return (total // 3,) * 3 if to is None else _only((to + 2) % 3, total, 3)


def _dealt(total: int, from_dealer: int) -> Bits:
    """So much from party 2 alone, the rest evenly."""
    return _sum(_only(2, from_dealer, 3), ((total - from_dealer) // 3,) * 3)


def _carries(total: int, n: int, low: int, high: int) -> Bits:
    return _dealt(total, 64 * (high - low + (low > 0)) * n_words(n))


def _verification(total: int, claims: Claims) -> Bits:
    """Of every proof: the prover sends w*, all h and a digest; its `prev` half of a seed, a digest and what
    it opens; its `next` the rest of the seeds. In the end each says to both others that all is well."""
    sent: Bits = (16, 16, 16)
    kinds = ((GALOIS, claims.ring, claims.matrices), (BINARY, claims.bits, Gates[Matrix]()))
    for extension, gates, matrices in kinds:
        if not gates and not matrices:
            continue
        word = 64 * int(np.prod(extension.tail, dtype=np.int64))
        for prover, shape in enumerate(prover_shapes(extension, gates, matrices)):
            n = len(shape.messages)
            own = word * (1 + sum(3**t for t in shape.messages)) + 8 * DIGEST_BYTES
            opened = word * (2 + n) + 8 * (DIGEST_BYTES + SEED_BYTES)
            seeds = 8 * SEED_BYTES * (2 + max(n - 2, 0))
            parts = {prover: own, (prover + 2) % 3: opened, (prover + 1) % 3: seeds}
            sent = _sum(sent, tuple(parts[party] for party in range(3)))
    return sent


RULES: Mapping[str, Callable[..., Bits]] = {
    "mpc.semi2k.share.reveal": lambda total, x, to: (
        (total // 2,) * 2 if to is None else _only(1 - to, total, 2)
    ),
    "mpc.semi2k.arith.mul": lambda total, source, x, y, exact=True: _crosses(source, _numbers(x), exact),
    "mpc.semi2k.arith.square": lambda total, source, x, exact=True: _cross(source, 0, _numbers(x), exact),
    "mpc.semi2k.arith.matmul": _matmul,
    "mpc.semi2k.arith.matmul_private": _matmul_private,
    "mpc.semi2k.arith.subset_sums": _subset_sums,
    "mpc.semi2k.arith.mul_private": lambda total, source, x, y, owner, exact=True: _cross(
        source, owner, _numbers(y), exact
    ),
    "mpc.semi2k.arith.trunc": _trunc,
    "mpc.semi2k.convert.b2a": _b2a,
    "mpc.semi2k.boolean.msb": _leaves(RING_BITS - 1),
    "mpc.semi2k.boolean.a2b": _leaves(RING_BITS),
    "mpc.semi2k.leading.bit_words": _bit_words,
    "mpc.semi2k.leading.leading_words": lambda total, source, x, low, high: _bit_words(
        total, source, x, low, high + 1
    ),
    "mpc.rep3.share.share": _shared,
    "mpc.rep3.share.reveal": _revealed,
    "mpc.rep3.arith.matmul_private": lambda total, x, y, owner, m: _factor(total, owner, 64 * m * y.shape[0]),
    "mpc.rep3.arith.mul_private": lambda total, x, y, owner: _factor(total, owner, 64 * y.size),
    "mpc.rep3.truncate.matmul_private_trunc": lambda total, x, y, owner, m, bits: _factor(
        total, owner, 64 * m * y.shape[0]
    ),
    "mpc.rep3.truncate.mul_private_trunc": lambda total, x, y, owner, bits: _factor(
        total, owner, 64 * y.size
    ),
    "mpc.rep3.truncate.trunc": lambda total, x, bits: _helped(64 * bits * chunks.words(x.size), total),
    "mpc.rep3.convert.b2a": lambda total, x: _helped(64 * x.size, total),
    "mpc.rep3.convert.mux": lambda total, c, x: _helped(64 * x.size, total),
    "mpc.rep3.compare.msb": lambda total, x: _helped(64 * Tree().masks * chunks.words(x.size), total),
    "mpc.rep3.compare.below": lambda total, x, limits: _helped(
        64 * Tree(limits=len(limits)).masks * chunks.words(x.size), total
    ),
    "mpc.rep3.boolean.a2b": lambda total, x: _helped(total // 3, total),
    "mpc.rep3.sort.before": lambda total, keys, left, right: _sum(
        _helped(
            64 * Tree(keys.tag_groups).masks * chunks.words(left.size), total - 3 * 64 * n_words(left.size)
        ),
        (64 * n_words(left.size),) * 3,
    ),
    "mpc.rep3_malicious.share.share": lambda total, x, owner, shape, boolean: _only(owner, total, 3),
    "mpc.rep3_malicious.share.reveal": lambda total, x, to: (
        (total // 3,) * 3
        if to is None
        else _sum(_only((to + 2) % 3, total - 64, 3), _only((to + 1) % 3, 64, 3))
    ),
    "mpc.rep3_malicious.boolean.msb": lambda total, claims, x: _carries(total, x.size, 0, RING_BITS - 1),
    "mpc.rep3_malicious.boolean.a2b": lambda total, claims, x: _carries(total, x.size, 0, RING_BITS - 1),
    "mpc.rep3_malicious.truncate.trunc": lambda total, claims, x, bits: _sum(
        _carries(total - 4 * 64 * x.size, x.size, bits, RING_BITS),
        (64 * x.size, 64 * x.size, 2 * 64 * x.size),
    ),
    "blocks.dzk.bbcgi19.verify": _verification,
    "mpc.rep3.shuffle.shuffle": lambda total, x: (total // 2, total // 4, total // 4),
}
"""By protocol: (bits of all together, arguments without ctx) -> bits by party."""
