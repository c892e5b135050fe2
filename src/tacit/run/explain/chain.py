"""Who waits for whom in a protocol: round numbers of the parties after it, from those before it.

A declaration counts messages in a row from parties that start together. In a program they do not: who only
sends runs ahead, who only receives falls behind, and a chain of protocols is shorter than the sum of its
links. The rules are for protocols whose parties do not all wait for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tacit.base.types import RING_BITS
from tacit.blocks.correlation import Correlations, OwnCorrelations
from tacit.mpc.prefix import prefixes
from tacit.mpc.rep3 import chunks
from tacit.mpc.rep3.leading import carries

Clocks = tuple[int, ...]
Chain = Callable[[Clocks], Clocks]


def chain(name: str, args: tuple[Any, ...], rounds: int) -> Chain:
    """For one call of protocol `name`, which declares so many rounds."""
    dealt = args and isinstance(args[0], Correlations) and not isinstance(args[0], OwnCorrelations)
    rule = None if dealt else RULES.get(name)
    if rounds == 0:
        return lambda clocks: clocks
    if rule is None:
        return together(rounds)
    after = rule(rounds, *args)
    if not name.startswith("mpc.semi2k."):
        return after
    return lambda clocks: (*after(clocks[:2]), *clocks[2:])  # a dealer waits for neither


def together(rounds: int) -> Chain:
    """All wait for all."""
    return lambda clocks: (max(clocks) + rounds,) * len(clocks)


def _asking(asker: int) -> Callable[..., Chain]:
    """Two parties answer each other, `asker` first."""

    def rule(rounds: int, *_: Any) -> Chain:
        def after(clocks: Clocks) -> Clocks:
            now, sender = list(clocks), asker
            for _ in range(rounds):
                now[1 - sender] = max(now[1 - sender], now[sender] + 1)
                sender = 1 - sender
            return tuple(now)

        return after

    return rule


def _products(rounds: int, source: OwnCorrelations, n: int, holder: int | None, exact: bool) -> Chain:
    """Element by element: of both crossed terms, or of `holder`'s numbers with the other one's."""
    packed = source.packed((n, 1, 1, n), 1 if holder is not None else 2, exact)
    assert source.slots is not None or not packed
    askers = {0} if packed else set()
    if source.slots is not None and packed > source.slots.slots:
        askers.add(1)
    if packed < n:
        askers |= {0, 1} if holder is None else {1 - holder}
    return _side_by_side(*(_asking(asker)(rounds) for asker in askers))


def _either_way(rounds: int, *_: Any) -> Chain:
    """Both parties ask at once."""
    return _side_by_side(_asking(0)(rounds), _asking(1)(rounds))


def _exchange(clocks: Clocks) -> Clocks:
    return (max(clocks[0], clocks[1] + 1), max(clocks[1], clocks[0] + 1))


def _tree(rounds: int, source: Correlations, x: Any, *_: Any) -> Chain:
    """Bit products, each half with another sender; the triples beside them; then one opening a level."""
    asked = source.bit_rounds - 1
    halves = (_in_row(_asking(asker)(asked), _exchange) for asker in (0, 1))
    first = _side_by_side(*halves, _either_way(source.triple_rounds))
    return _in_row(first, *(_exchange,) * (rounds - source.bit_rounds))


def _side_by_side(*chains: Chain) -> Chain:
    return lambda clocks: tuple(map(max, zip(*(one(clocks) for one in chains), strict=True)))


# --- three parties: 0 and 1 evaluate, 2 helps -----------------------------------------------------------


def _to(receiver: int, sender: int) -> Chain:
    def after(clocks: Clocks) -> Clocks:
        reached = max(clocks[receiver], clocks[sender] + 1)
        return tuple(reached if party == receiver else clock for party, clock in enumerate(clocks))

    return after


def _ring(step: int) -> Chain:
    """Party i hears from party i + step."""
    return lambda c: tuple(max(c[i], c[(i + step) % len(c)] + 1) for i in range(len(c)))


def _swap(c: Clocks) -> Clocks:
    return (max(c[0], c[1] + 1), max(c[1], c[0] + 1), c[2])


def _helped_both(clocks: Clocks) -> Clocks:
    swapped = _swap(clocks)
    return (max(swapped[0], clocks[2] + 1), max(swapped[1], clocks[2] + 1), clocks[2])


def _in_row(*steps: Chain) -> Chain:
    def after(clocks: Clocks) -> Clocks:
        for step in steps:
            clocks = step(clocks)
        return clocks

    return after


HELPED_1 = _to(1, 2)
RESHARED = _ring(1)


def _helped(*steps: Chain) -> Callable[..., Chain]:
    return lambda *_: _in_row(*steps)


def _truncated(n: int) -> Chain:
    """Products opened between the evaluators, then their truncation, which takes what the helper sent."""
    return _in_row(*(_swap, HELPED_1, _swap) * chunks.windows(n))


def _signs(rounds: int, x: Any, *_: Any) -> Chain:
    return _in_row(*(HELPED_1, *(_swap,) * 3) * chunks.windows(x.size))


def _after_factor(owner: int, then: Chain) -> Chain:
    return _in_row(_to((owner + 1) % 3, owner), then)


def _opened(rounds: int, x: Any, to: int | None) -> Chain:
    return _ring(-1) if to is None else _to(to, (to + 2) % 3)


def _bits(rounds: int, low: int, high: int, extra: int = 0) -> Chain:
    ands = len(carries(low, high)) + extra
    return _in_row(HELPED_1, _swap, *(RESHARED,) * ands)


RULES: Mapping[str, Callable[..., Chain]] = {
    "mpc.semi2k.share.reveal": lambda rounds, x, to: _exchange if to is None else _to(to, 1 - to),
    "mpc.semi2k.arith.mul": lambda rounds, source, x, y, exact=True: _products(
        rounds, source, x.data.size, None, exact
    ),
    "mpc.semi2k.arith.square": lambda rounds, source, x, exact=True: _products(
        rounds, source, x.data.size, 0, exact
    ),
    "mpc.semi2k.arith.mul_private": lambda rounds, source, x, y, owner, exact=True: _products(
        rounds, source, y.data.size, owner, exact
    ),
    "mpc.semi2k.arith.matmul_private": lambda rounds, source, x, y, owner, m, x_bits=RING_BITS: _asking(
        1 - owner
    )(rounds),
    "mpc.semi2k.arith.matmul": _either_way,
    "mpc.semi2k.convert.mux": _either_way,
    "mpc.semi2k.boolean.and_": lambda rounds, source, x, y: _in_row(_either_way(rounds - 1), _exchange),
    "mpc.semi2k.boolean.msb": _tree,
    "mpc.semi2k.boolean.a2b": _tree,
    "mpc.semi2k.leading.bit_words": _tree,
    "mpc.semi2k.leading.leading_words": _tree,
    "mpc.semi2k.arith.trunc": _asking(0),
    "mpc.semi2k.convert.b2a": _asking(0),
    "mpc.rep3.share.share": lambda rounds, x, owner, shape, boolean: _to((owner + 1) % 3, owner),
    "mpc.rep3.share.reveal": _opened,
    "mpc.rep3.arith.mul": _helped(RESHARED),
    "mpc.rep3.arith.square": _helped(RESHARED),
    "mpc.rep3.arith.matmul": _helped(RESHARED),
    "mpc.rep3.boolean.and_": _helped(RESHARED),
    "mpc.rep3.arith.matmul_private": lambda rounds, x, y, owner, m: _after_factor(owner, RESHARED),
    "mpc.rep3.arith.mul_private": lambda rounds, x, y, owner: _after_factor(owner, RESHARED),
    "mpc.rep3.truncate.trunc": lambda rounds, x, bits: _in_row(*(_helped_both,) * chunks.windows(x.size)),
    "mpc.rep3.truncate.mul_trunc": lambda rounds, x, y, bits: _truncated(x.size),
    "mpc.rep3.truncate.square_trunc": lambda rounds, x, bits: _truncated(x.size),
    "mpc.rep3.truncate.matmul_trunc": lambda rounds, x, y, bits: _truncated(x.shape[0] * y.shape[1]),
    "mpc.rep3.truncate.matmul_private_trunc": lambda rounds, x, y, owner, m, bits: _after_factor(
        owner, _truncated(m * y.shape[1])
    ),
    "mpc.rep3.truncate.mul_private_trunc": lambda rounds, x, y, owner, bits: _after_factor(
        owner, _truncated(y.size)
    ),
    "mpc.rep3.convert.b2a": lambda rounds, x: _in_row(*(_helped_both,) * chunks.windows(x.size)),
    "mpc.rep3.convert.mux": lambda rounds, c, x: _in_row(*(_helped_both,) * chunks.windows(x.size)),
    "mpc.rep3.compare.msb": _signs,
    "mpc.rep3.compare.below": _signs,
    "mpc.rep3.boolean.a2b": lambda rounds, x: _in_row(
        *(HELPED_1, _swap, *(RESHARED,) * 6) * chunks.windows(x.size)
    ),
    "mpc.rep3.leading.bit_words": lambda rounds, side, low, high: _bits(rounds, low, high),
    "mpc.rep3.leading.leading_words": lambda rounds, side, low, high: _bits(
        rounds, low, high + 1, len(prefixes(0, high - low))
    ),
    "mpc.rep3_malicious.share.share": lambda rounds, x, owner, shape, boolean: _to((owner + 1) % 3, owner),
    "mpc.rep3_malicious.arith.mul": _helped(RESHARED),
    "mpc.rep3_malicious.arith.square": _helped(RESHARED),
    "mpc.rep3_malicious.arith.matmul": _helped(RESHARED),
    "mpc.rep3_malicious.boolean.and_": _helped(RESHARED),
    "mpc.rep3_malicious.boolean.msb": lambda rounds, claims, x: _in_row(
        HELPED_1, *(RESHARED,) * (rounds - 1)
    ),
    "mpc.rep3_malicious.boolean.a2b": lambda rounds, claims, x: _in_row(
        HELPED_1, *(RESHARED,) * (rounds - 1)
    ),
    "mpc.rep3_malicious.convert.b2a": _helped(HELPED_1, _swap),
    "mpc.rep3_malicious.convert.mux": _helped(HELPED_1, _swap, RESHARED),
    "mpc.rep3_malicious.truncate.trunc": _helped(HELPED_1, _swap),
}
"""By protocol: (declared rounds, arguments without ctx) -> round numbers after it from those before it."""
