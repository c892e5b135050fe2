"""What the protocols of a scheme that verifies leave to be verified, by shape alone: for rehearsals.

A protocol adds claims as it computes (`blocks.dzk.claims`); a stand-in computes nothing, so the rules here
say which claims there would be. What a verification costs follows from their shapes, as it does in a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.types import RING_BITS
from tacit.blocks.dzk.claims import Claims, Gates, Matrix
from tacit.mpc.rep3.boolean import PREFIX_LEVELS
from tacit.mpc.rep3.share import n_words
from tacit.mpc.rep3_malicious import MOST_WORDS

ALL, DEALER, EVALUATORS = (0, 1, 2), (2,), (0, 1)


@dataclass(frozen=True)
class Record:
    """Claims of these provers: gates, products per gate, words that a party keeps; over bits or the ring."""

    provers: tuple[int, ...]
    gates: int
    products: int
    words: int
    bits: bool = False


def _ands(words: int) -> Record:
    return Record(ALL, words, 2, 6 * words, bits=True)


def _carries(n: int, low: int, high: int) -> Record:
    words = n_words(n)
    return Record(DEALER, (high - low) * words, 2, 3 * (high - low + (low > 0)) * words, bits=True)


def _from_bits(n: int) -> list[Record]:
    return [Record(DEALER, n, 1, 2 * n), Record(EVALUATORS, n, 1, 4 * n)]


def _mul(n: int) -> Record:
    return Record(ALL, n, 2, 6 * n)


def _msb(n: int) -> Iterator[Record]:
    yield _carries(n, 0, RING_BITS - 1)
    rows = RING_BITS - 1
    yield _ands(rows * n_words(n))
    while rows > 1:
        yield _ands(2 * (rows // 2) * n_words(n))
        rows -= rows // 2


def _a2b(n: int) -> Iterator[Record]:
    yield _carries(n, 0, RING_BITS - 1)
    yield _ands(RING_BITS * n_words(n))
    for high, _, wide in PREFIX_LEVELS:
        yield _ands((len(high) + int(wide.sum())) * n_words(n))


def _trunc(n: int, bits: int) -> list[Record]:
    deals = [Record(DEALER, n, 2, 3 * n), Record(DEALER, n, 1, 2 * n)]
    return [_carries(n, bits, RING_BITS), *deals, Record(EVALUATORS, n, 1, 4 * n)]


RULES: Mapping[str, Callable[..., Iterable[Record]]] = {
    "arith.mul": lambda x, y: [_mul(x.size)],
    "arith.square": lambda x: [Record(ALL, x.size, 1, 4 * x.size)],
    "boolean.and_": lambda x, y: [_ands(n_words(x.size))],
    "boolean.msb": lambda x: _msb(x.size),
    "boolean.a2b": lambda x: _a2b(x.size),
    "convert.b2a": lambda x: _from_bits(x.size),
    "convert.mux": lambda c, x: [*_from_bits(x.size), _mul(x.size)],
    "truncate.trunc": lambda x, bits: _trunc(x.size, bits),
}
"""By protocol of `mpc.rep3_malicious`: (arguments without ctx and claims) -> what it claims."""


def leave(claims: Claims, path: str, name: str, args: tuple[Any, ...]) -> None:
    """Add to `claims` what protocol `name` would."""
    called = name.removeprefix("mpc.rep3_malicious.")
    if called == "arith.matmul":
        _leave_matrix(claims, path, *args)
    for number, record in enumerate(RULES[called](*args) if called in RULES else ()):
        factors = (np.broadcast_to(np.uint64(0), (record.gates,)),) * record.products
        _enter(claims.bits if record.bits else claims.ring, f"{path}.{number}", record.provers, factors)
        claims.words += record.words


def _leave_matrix(claims: Claims, path: str, x: Any, y: Any) -> None:
    (m, k), n = x.shape, y.shape[1]
    zero = np.uint64(0)
    left = Matrix(np.broadcast_to(zero, (m, k)), left=True)
    right = Matrix(np.broadcast_to(zero, (k, n)), left=False)
    gates, rest = claims.matrices, np.broadcast_to(zero, (m, n))
    gates.prove(path, (left, right), (right, left))
    gates.watch_after(path, (left, right), rest)
    gates.watch_before(path, (right, left), rest)
    claims.words += 2 * (m * k + k * n + m * n)


def _enter(gates: Gates[Any], path: str, provers: tuple[int, ...], factors: tuple[np.ndarray, ...]) -> None:
    """As party 0 sees it."""
    if 0 in provers:
        gates.prove(path, factors, factors)
    if 1 in provers:
        gates.watch_after(path, factors, factors[0])
    if 2 in provers:
        gates.watch_before(path, factors, factors[0])


def together(parts: Iterable[Claims]) -> Claims:
    """All of them at once."""
    whole = Claims()
    for number, part in enumerate(parts):
        for kind in ("ring", "bits", "matrices"):
            for role in ("proved", "after", "before"):
                have, more = (getattr(getattr(claims, kind), role) for claims in (whole, part))
                have.update({f"{number}/{path}": claim for path, claim in more.items()})
        whole.words += part.words
    return whole


def checks_in_loop(each: Claims, length: int) -> tuple[int, Claims, Claims]:
    """Of a loop whose steps claim `each`: how often it verifies on its way, what then, what is left."""
    steps = 1 + MOST_WORDS // max(1, each.words)
    times, rest = divmod(length, steps)
    return times, together([each] * steps) if times else Claims(), together([each] * rest)
