"""What a program costs before anyone runs it: rounds on the critical path, bytes, seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tacit.base.types import SECRET
from tacit.ir.program import Eqn, Program, Var

Number = float | Callable[[Eqn], float]


@dataclass(frozen=True)
class Price:
    """What one operator costs one party: bytes sent, seconds of computation, rounds waited for.

    Numbers (`n_bytes` and `seconds` then per element of the result) or functions of the equation.
    """

    rounds: Number = 0.0
    n_bytes: Number = 0.0
    seconds: Number = 0.0


@dataclass(frozen=True)
class Network:
    """What a round and a byte take."""

    latency_s: float
    bytes_per_s: float


@dataclass
class Cost:
    """Totals of one party: `rounds` is the longest chain; `by_op` sums up equations, chains or not."""

    rounds: float = 0.0
    n_bytes: float = 0.0
    compute_s: float = 0.0
    by_op: dict[str, Cost] = field(default_factory=dict)
    unpriced: frozenset[str] = frozenset()
    """Operators on secrets that the table does not price: the totals are then lower bounds."""

    def seconds(self, network: Network) -> float:
        """Estimated wall-clock seconds."""
        return self.rounds * network.latency_s + self.n_bytes / network.bytes_per_s + self.compute_s


def estimate(program: Program, table: Mapping[str, Price]) -> Cost:
    """Cost of `program` at the prices of `table`; only secrets cost, loops length x body."""
    total, depth = Cost(), dict[Var, float]()
    for eqn in program.eqns:
        part = _equation(eqn, table)
        start = max((depth.get(var, 0.0) for var in eqn.ins), default=0.0)
        for var in eqn.outs:
            depth[var] = start + part.rounds
        total.n_bytes += part.n_bytes
        total.compute_s += part.compute_s
        total.unpriced |= part.unpriced
        for name, one in (part.by_op or {eqn.op: part}).items():
            _add(total.by_op.setdefault(name, Cost()), one)
    total.rounds = max(depth.values(), default=0.0)
    return total


def _equation(eqn: Eqn, table: Mapping[str, Price]) -> Cost:
    if eqn.bodies:
        return _times(estimate(eqn.bodies[0], table), eqn.params["length"])
    if not any(var.type.vis == SECRET for var in (*eqn.ins, *eqn.outs)):
        return Cost()
    price = table.get(eqn.op)
    if price is None:
        return Cost(unpriced=frozenset((eqn.op,)))
    size = sum(var.type.size for var in eqn.outs)
    rounds = price.rounds(eqn) if callable(price.rounds) else price.rounds
    n_bytes = price.n_bytes(eqn) if callable(price.n_bytes) else price.n_bytes * size
    seconds = price.seconds(eqn) if callable(price.seconds) else price.seconds * size
    return Cost(rounds, n_bytes, seconds)


def _times(cost: Cost, n: int) -> Cost:
    """`n` runs, one after another."""
    parts = {name: _times(part, n) for name, part in cost.by_op.items()}
    return Cost(cost.rounds * n, cost.n_bytes * n, cost.compute_s * n, parts, cost.unpriced)


def _add(into: Cost, part: Cost) -> None:
    into.rounds += part.rounds
    into.n_bytes += part.n_bytes
    into.compute_s += part.compute_s
    into.unpriced |= part.unpriced
