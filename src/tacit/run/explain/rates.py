"""Seconds: how fast a machine was measured to do each operator, and what a link adds.

A calibration runs every operator of a program by itself, all parties in this process, on zeros of the same
sizes or, where they are large, of two smaller ones. What it takes, shared out among the parties, is the work
of one party; `Rates` keeps it under the operator's name, kinds of operands and parameters, with the date.

    C = seconds of computing, and of handling its bytes and messages; X = bytes / rate, in p pieces
    seconds of an operator = max(C, X) + min(C, X) / p + rounds * (latency - handling of one message)

The first two terms add up over operators; rounds count once along the longest chain. The last term is what a
round makes a party wait: the handling of its messages is in C, for those off the longest chain as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tacit.base.types import Private, Public
from tacit.ir.program import Eqn
from tacit.run.explain.rehearse import Line

PIECE_BYTES = 1 << 20
"""What is sent at a time, about: the next piece is computed meanwhile."""
ELEMENTWISE = frozenset(
    ("mul", "square", "mul_shift", "less", "logical_and", "logical_or", "select", "astype", "to_secret")
    + ("shift_right", "scale_floor", "bits", "leading_one", "below", "reveal")
)


@dataclass(frozen=True)
class Link:
    """`latency_s`: of one message, the work of the event loop on it included; `bytes_per_s`: one way;
    `busy_s`, `message_s`: the work of sending and receiving a byte (TLS), and a message of any length."""

    name: str
    latency_s: float
    bytes_per_s: float
    busy_s: float = 3e-9
    message_s: float = 200e-6

    def handling_s(self, sent: float, messages: float) -> float:
        """Work of a party on what it sends; on what it receives as well, if that is as much."""
        return sent * self.busy_s + messages * self.message_s

    @property
    def wait_s(self) -> float:
        """What a round makes a party wait beyond its own work."""
        return max(0.0, self.latency_s - self.message_s)


LINKS: Mapping[str, Link] = {
    link.name: link
    for link in (
        Link("loopback", 0.0003, 1.0e9),
        Link("lan", 0.00125, 1.25e8),
        Link("wan", 0.02025, 1.25e7),
    )
}
"""The settings of `python -m bench --net`."""


@dataclass(frozen=True)
class Point:
    """One operator measured: its size (elements; rows of a product of matrices), bytes that all parties send,
    multiplications of ring elements, seconds and messages of one party."""

    size: int
    sent: int
    products: int
    seconds: float
    messages: float


@dataclass(frozen=True)
class Rates:
    """Points by key; `element_s`: of operators that send nothing, per element; `step_s`: of any operator;
    `pace_s`: what `pace.reference` took when all this was measured."""

    date: str
    machine: str
    element_s: float = 1.5e-9
    step_s: float = 20e-6
    pace_s: float = 0.0
    points: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)

    def written(self) -> str:
        """Lines: date, machine, the three seconds; then keys, each with its points under it."""
        lines = [self.date, self.machine, f"{self.element_s:.3g} {self.step_s:.3g} {self.pace_s:.3g}"]
        for name, row in self.points.items():
            lines += [
                name,
                *(f"  {p.size} {p.sent} {p.products} {p.seconds:.3g} {p.messages:g}" for p in row),
            ]
        return "\n".join(lines) + "\n"

    @classmethod
    def read(cls, text: str) -> Rates:
        """The inverse of `written`."""
        date, machine, seconds, *lines = text.strip().splitlines()
        points: dict[str, tuple[Point, ...]] = {}
        for line in lines:
            if not line.startswith(" "):
                name, points[line] = line, ()
                continue
            at, sent, multiplied, taken, messages = line.split()
            points[name] += (Point(int(at), int(sent), int(multiplied), float(taken), float(messages)),)
        element_s, step_s, pace_s = map(float, seconds.split())
        return cls(date, machine, element_s, step_s, pace_s, points)

    def joined(self, others: Sequence[Rates]) -> Rates:
        """These points and those of other schemes, at this pace."""
        points = dict(self.points)
        for other in others:
            points |= other.scaled(self.pace_s / other.pace_s if other.pace_s else 1.0).points
        return replace(self, points=points)

    def scaled(self, factor: float) -> Rates:
        """On a machine that takes `factor` times as long."""
        points = {
            name: tuple(replace(point, seconds=factor * point.seconds) for point in row)
            for name, row in self.points.items()
        }
        element_s, step_s, pace_s = (factor * each for each in (self.element_s, self.step_s, self.pace_s))
        return Rates(self.date, self.machine, element_s, step_s, pace_s, points)

    def measures(self, scheme: str, line: Line) -> bool:
        """Whether there are points for its operator; else its seconds are a lower bound."""
        return not line.calls or bool(self._like(scheme, line))

    def _like(self, scheme: str, line: Line) -> list[Point]:
        """Points of the same operator, whatever its operands."""
        prefix = f"{scheme} {line.eqn.op} "
        return [point for name, row in self.points.items() if name.startswith(prefix) for point in row]

    def settling(self, scheme: str) -> Point:
        """One verification with next to nothing to verify."""
        row = self.points.get(f"{scheme} settle")
        return row[0] if row else Point(1, 0, 0, self.step_s, 0)

    def messages(self, scheme: str, line: Line) -> float:
        """That one party sends, for one equation without a body; where none were counted, one a round."""
        row = self.points.get(key(scheme, line.eqn)) if line.calls else None
        if not row:
            return float(line.rounds)
        return _interpolated([(point.size, point.messages) for point in row], size(line.eqn))

    def work(self, scheme: str, line: Line) -> float:
        """Seconds of computing of one party, for one equation without a body."""
        if not line.calls:
            secret = sum(var.type.size for var in line.eqn.outs)
            return self.step_s + self.element_s * secret
        name, at = key(scheme, line.eqn), size(line.eqn)
        row = self.points.get(name)
        if row:
            return _interpolated([(point.size, point.seconds) for point in row], at)
        like = self._like(scheme, line)
        if not like:
            return self.step_s + self.element_s * at
        return max(self.step_s, _fitted(like, sum(line.sent), products(line.eqn)))


def on_link(link: Link, work_s: float, sent: int, pieces: int) -> float:
    """Seconds of work, handling included, and of transfer in so many pieces; rounds excepted."""
    transfer = sent / link.bytes_per_s
    return max(work_s, transfer) + min(work_s, transfer) / pieces


def pieces(eqn: Eqn, sent: int) -> int:
    """Messages in which an operator sends: a product of matrices is one, whatever its size."""
    return 1 if eqn.op == "matmul" else 1 + sent // PIECE_BYTES


def key(scheme: str, eqn: Eqn) -> str:
    """Under which an operator's points are found."""
    kinds = " ".join(_kind(var.type.vis) + var.type.dtype.kind[0] for var in eqn.ins)
    same = " same" if len(set(eqn.ins)) < len(eqn.ins) else ""
    detail = "".join(f" {name}={eqn.params[name]}" for name in ("low", "high", "bits") if name in eqn.params)
    if "limits" in eqn.params:
        detail += f" limits={len(eqn.params['limits'])}"
    if eqn.op not in ELEMENTWISE:
        detail += " " + " ".join("x".join(map(str, var.type.shape)) for var in eqn.ins)
    if eqn.op == "matmul":
        _, k, n = matrix(eqn)
        detail = f" {k}x{n}"
    return f"{scheme} {eqn.op} {kinds}{same}{detail}"


def _kind(vis: object) -> str:
    return "public:" if isinstance(vis, Public) else "private:" if isinstance(vis, Private) else "secret:"


def size(eqn: Eqn) -> int:
    """Elements of an element-wise operator; rows of a product of matrices; 1 for others."""
    if eqn.op == "matmul":
        return matrix(eqn)[0]
    if eqn.op not in ELEMENTWISE:
        return 1
    return max((var.type.size for var in (*eqn.ins, *eqn.outs[:1])), default=1) // _rows(eqn)


def _rows(eqn: Eqn) -> int:
    """Of results for each element of the input."""
    return max(1, eqn.outs[0].type.size // max(1, eqn.ins[0].type.size)) if eqn.op in _TALL else 1


_TALL = ("bits", "leading_one", "below")


def matrix(eqn: Eqn) -> tuple[int, int, int]:
    """(m, k, n) of a product of matrices or vectors."""
    left, right = eqn.ins[0].type.shape, eqn.ins[1].type.shape
    return (left[0] if len(left) == 2 else 1), left[-1], (right[1] if len(right) == 2 else 1)


def products(eqn: Eqn) -> int:
    """Multiplications in a product of matrices."""
    return int(np.prod(matrix(eqn))) if eqn.op == "matmul" else 0


def _interpolated(points: Iterable[tuple[int, float]], at: int) -> float:
    """Between points, and beyond the last two in their direction; from one point in proportion."""
    known = sorted(dict(points).items())
    if len(known) == 1:
        x, seconds = known[0]
        return seconds * max(at, 1) / max(x, 1) if at > x else seconds
    above = next((i for i, (x, _) in enumerate(known) if x >= at), len(known) - 1)
    (x0, y0), (x1, y1) = known[max(above, 1) - 1], known[max(above, 1)]
    slope = max(0.0, (y1 - y0) / (x1 - x0))
    return max(min(y0, y1), y0 + slope * (at - x0)) if at >= x0 else y0


def _fitted(points: list[Point], sent: int, multiplied: int) -> float:
    """a + b bytes + c products, none negative, with the least sum of squared relative errors."""
    rows = np.array([[1.0, point.sent, point.products] for point in points])
    rows = rows / np.array([[max(point.seconds, 1e-9)] for point in points])
    kept = [0, 1, 2]
    while True:
        solution, *_ = np.linalg.lstsq(rows[:, kept], np.ones(len(points)), rcond=None)
        if np.all(solution >= 0) or len(kept) == 1:
            wanted = np.array([1.0, sent, multiplied])[kept]
            return float(np.maximum(solution, 0) @ wanted)
        kept.pop(int(np.argmin(solution)))
