"""Programs at one random point: what every revealed number is there, and how it moves with every cell.

Values and derivatives are residues of a prime, so nothing is rounded: sums, products and quotients are what
the operators say. Comparisons, orders and choices need real numbers, which are carried beside; what they pick
is followed, what they tell is a constant (locally it is one), and what rests on them is marked as `chosen`.
Other functions of one number have a value and a derivative drawn by hashing, the same for the same argument:
as good as any smooth function. Other operators give unknowns of their own.

Source   Schwartz, "Fast probabilistic algorithms for verification of polynomial identities", 1980.
Differs  `tangent.py` says what is concluded.
Cost     the operators on arrays, and a sort of all derivatives for each; at most `MOST_ALL` of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tacit.base.errors import LimitError
from tacit.base.types import BOOL, INT, DType, Private, Public
from tacit.ir.op import OPS
from tacit.ir.program import Eqn, Program
from tacit.run.gate.alike import mixed
from tacit.run.gate.cells import FIRST_DERIVED, KNOWN_TO_ALL, MOVES, SHARED, Universe, loses
from tacit.run.gate.forms import Forms, product_sizes
from tacit.run.gate.slopes import (
    MOST_SLOPES,
    PRIME,
    Traced,
    Value,
    added,
    at,
    constant,
    either,
    inverse,
    joined,
    negated,
    real_of,
    reshaped,
    row,
    running,
    scaled,
    spread,
    times,
    total,
    traced,
)

MOST_ALL = 1 << 19
"""Derivatives of all values."""
MOST_STEPS = 1 << 12
"""Equations, those in loops counted each time."""
MOST_TRUTH_STEPS = 1 << 8
"""The same, where comparisons make unknowns."""
_FRESH = 1 << 61
"""Numbers of unknowns that are no cells begin here."""
_TRUTHS = 1 << 62
_SHORT = 4
"""Cells that comparisons may depend on to be kept in mind."""
_MANY = frozenset(range(-1, -_SHORT - 2, -1))


class Point:
    """Where every cell has a value, drawn from `seed` and its number. `truths`: what comparisons of elements
    tell are unknowns as well, the same for the same comparison; `support` says of which few cells."""

    def __init__(self, seed: int, truths: bool = False) -> None:
        self._seed, self._truths = seed, truths
        self.compared = False
        """Whether there was any."""
        self.support: dict[int, frozenset[int]] = {}
        self._slopes, self._fresh = MOST_ALL, _FRESH
        self._steps = MOST_TRUTH_STEPS if truths else MOST_STEPS

    def follow(
        self, program: Program, universe: Universe, versions: Mapping[str, str] | None = None
    ) -> list[Traced]:
        """Every reveal, in the order of `cells.follow`. Raises LimitError GATE-0001 for what is too large."""
        ins: list[Value] = []
        for name, var in program.ins:
            vis = var.type.vis
            owner = (
                vis.owner if isinstance(vis, Private) else KNOWN_TO_ALL if isinstance(vis, Public) else SHARED
            )
            cells = universe.column(name, owner, var.type.shape, (versions or {}).get(name, ""))
            ins.append(self._cells(cells, var.type.dtype))
        seen: list[Traced] = []
        with np.errstate(all="ignore"):
            self._follow(program, ins, seen)
        return seen

    def _cells(self, cells: Forms, dtype: DType) -> Traced:
        drawn = self._drawn("cells", cells.of).reshape(cells.shape)
        real = drawn / PRIME * 3.0 + 0.25
        if dtype == INT:
            real = drawn % 7
        elif dtype == BOOL:
            real = drawn % 2 == 1
        return Traced(real, self._drawn("residue", cells.of).reshape(cells.shape), cells)

    def _drawn(self, what: str, numbers: np.ndarray) -> np.ndarray:
        """Residues, none of them 0, that look random but are the same for the same numbers."""
        word = np.uint64(
            int.from_bytes(hashlib.sha256(f"{self._seed} {what}".encode()).digest()[:8], "little")
        )
        words = mixed(mixed(numbers.astype(np.uint64) ^ word) + word)
        return (words % np.uint64(PRIME - 1)).astype(np.int64) + 1

    # --- programs ---------------------------------------------------------------------------------------

    def _follow(self, program: Program, ins: Sequence[Value], seen: list[Traced]) -> list[Value]:
        values = {var: value for (_, var), value in zip(program.ins, ins, strict=True)}
        for eqn in program.eqns:
            self._steps -= 1
            if self._steps < 0:
                raise LimitError("GATE-0001", f"the programs have more than {MOST_STEPS} steps")
            taken = [values[var] for var in eqn.ins]
            outs = self._scanned(eqn, taken) if eqn.op == "scan" else (self._result(eqn, taken),)
            values.update(zip(eqn.outs, outs, strict=True))
            if eqn.op == "reveal" and isinstance(outs[0], Traced):
                seen += [outs[0], *(guard for guard in taken[1:] if isinstance(guard, Traced))]
        return [values[var] for _, var in program.outs]

    def _scanned(self, eqn: Eqn, ins: Sequence[Value]) -> tuple[Value, ...]:
        n_carry, n_xs, length = (eqn.params[name] for name in ("n_carry", "n_xs", "length"))
        carries, xs, rest = list(ins[:n_carry]), ins[n_carry : n_carry + n_xs], ins[n_carry + n_xs :]
        rows: list[list[Traced]] = [[] for _ in eqn.outs[n_carry:]]
        for index in range(length):
            each = [row(x, index) for x in xs]
            outs = self._follow(eqn.params["body"], [*carries, *each, *rest], [])
            carries = outs[:n_carry]
            for part, value in zip(rows, outs[n_carry:], strict=True):
                part.append(traced(value))
        ys = [
            reshaped(joined(part), var.type.shape) for part, var in zip(rows, eqn.outs[n_carry:], strict=True)
        ]
        return (*carries, *ys)

    def _result(self, eqn: Eqn, ins: Sequence[Value]) -> Value:
        if all(isinstance(value, np.ndarray) for value in ins):
            return np.asarray(OPS[eqn.op].ref(*ins, **eqn.params))
        if eqn.op in ("to_secret", "reveal") or (eqn.op == "astype" and not loses(eqn)):
            value = traced(ins[0])
            return replace(
                value, real=np.asarray(OPS["astype"].ref(value.real, dtype=eqn.outs[0].type.dtype))
            )
        real = np.asarray(OPS[eqn.op].ref(*map(real_of, ins), **eqn.params))
        parts = [traced(value) for value in ins]
        rule = _RULES.get(eqn.op, Point._unknown)
        result = rule(self, eqn, real, parts)
        self._slopes -= len(result.slope.at)
        if self._slopes < 0:
            raise LimitError("GATE-0001", f"the programs have more than {MOST_ALL} derivatives")
        return result

    # --- operators: (equation, real result, arguments) -> result ------------------------------------------

    def _moved(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        starts = np.cumsum([0] + [part.real.size for part in parts]).tolist()
        numbers = [
            np.arange(start, start + part.real.size).reshape(part.shape)
            for start, part in zip(starts, parts, strict=False)
        ]
        origin = np.asarray(OPS[eqn.op].ref(*numbers, **eqn.params))
        return replace(at(joined(parts), origin), real=real)

    def _constant(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return constant(real, chosen=True)

    def _compared(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        self.compared = True
        if not self._truths:
            return self._constant(eqn, real, parts)
        words = np.zeros(real.shape, np.uint64)
        both = [spread(part, real.shape) for part in parts]
        for part in both:
            words = mixed(words + part.residue.astype(np.uint64))
        drawn = self._drawn(f"{eqn.op} {eqn.params}", words)
        of = (drawn << 31) + self._drawn(f"again {eqn.op} {eqn.params}", words) + _TRUTHS
        self._note(of.reshape(-1), [part.slope for part in both])
        slope = Forms(real.shape, np.arange(real.size), of.reshape(-1), np.ones(real.size, np.int64), 1)
        return Traced(real, drawn, slope, any(part.chosen for part in parts))

    def _note(self, of: np.ndarray, slopes: Sequence[Forms]) -> None:
        """Unknown of[i] depends on what elements i of `slopes` depend on; only what is short is kept."""
        at, below = (np.concatenate([getattr(slope, name) for slope in slopes]) for name in ("at", "of"))
        order = np.argsort(at, kind="stable")
        at, below = at[order], below[order]
        starts, stops = (
            np.searchsorted(at, np.arange(len(of))),
            np.searchsorted(at, np.arange(len(of)), "right"),
        )
        for index in np.flatnonzero((stops > starts) & (stops - starts <= _SHORT)).tolist():
            cells = set[int]()
            for unknown in below[starts[index] : stops[index]].tolist():
                cells |= {unknown} if unknown < FIRST_DERIVED else self.support.get(unknown, _MANY)
            if len(cells) <= _SHORT:
                self.support[int(of[index])] = frozenset(cells)

    def _unknown(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        """Numbers of their own, which nothing is known of."""
        of = np.arange(real.size) + self._fresh
        self._fresh += real.size
        slope = Forms(real.shape, np.arange(real.size), of, np.ones(real.size, np.int64), 1)
        return Traced(real, self._drawn("unknown", of).reshape(real.shape), slope)

    def _sum(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return replace(total(parts[0], eqn.params["axis"], real.shape), real=real)

    def _mean(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        count = np.array(parts[0].real.size // max(real.size, 1))
        return replace(scaled(total(parts[0], eqn.params["axis"], real.shape), inverse(count)), real=real)

    def _cumulative(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return replace(running(parts[0], eqn.params["axis"]), real=real)

    def _add(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return replace(added(*(spread(part, real.shape) for part in parts)), real=real)

    def _sub(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        x, y = (spread(part, real.shape) for part in parts)
        return replace(added(x, negated(y)), real=real)

    def _neg(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return replace(negated(parts[0]), real=real)

    def _mul(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        x, y = (spread(part, real.shape) for part in (parts if len(parts) == 2 else (parts[0], parts[0])))
        return replace(times(x, y), real=real)

    def _divide(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        """q = x / y: the slope of q is (that of x - q times that of y) / y."""
        x, y = parts if len(parts) == 2 else (constant(np.ones(())), parts[0])
        x, y = spread(x, real.shape), spread(y, real.shape)
        inverted = inverse(y.residue)
        residue = x.residue * inverted % PRIME
        change = added(x, scaled(y, (PRIME - residue) % PRIME))
        return Traced(real, residue, scaled(change, inverted).slope, change.chosen)

    def _matmul(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        x, y = parts
        m, k, n = product_sizes(x.shape, y.shape, MOST_SLOPES)
        rows, inner, columns = np.indices((m, k, n))
        products = times(at(x, rows * k + inner), at(y, inner * n + columns))
        return replace(reshaped(total(products, (1,), (m, n)), real.shape), real=real)

    def _smooth(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return replace(self._function(eqn.op, parts[0]), real=real)

    def _function(self, name: str, x: Traced) -> Traced:
        slope = scaled(x, self._drawn(f"slope of {name}", x.residue)).slope
        return Traced(x.real, self._drawn(name, x.residue), slope, x.chosen)

    def _softmax(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        high = self._function("exp", parts[0])
        axis = eqn.params["axis"] % real.ndim
        rest = tuple(1 if k == axis else side for k, side in enumerate(real.shape))
        whole = reshaped(total(high, (axis,), tuple(np.delete(real.shape, axis).tolist())), rest)
        return self._divide(eqn, real, (high, whole))

    def _ranked(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        """Operators that put out some of their elements, by size alone."""
        whole = joined(parts)
        order = np.argsort(whole.real.reshape(-1), kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        split = np.split(rank, np.cumsum([part.real.size for part in parts])[:-1])
        ranks = [part.reshape(of.shape) for part, of in zip(split, parts, strict=True)]
        return replace(
            at(whole, order[np.asarray(OPS[eqn.op].ref(*ranks, **eqn.params))]), real=real, chosen=True
        )

    def _clip(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        return replace(either(real == parts[0].real, parts[0], constant(real)), real=real, chosen=True)

    def _abs(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        sign = np.where(parts[0].real < 0, PRIME - 1, 1)
        return replace(scaled(parts[0], sign), real=real, chosen=True)

    def _select(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        where, x, y = (spread(part, real.shape) for part in parts)
        if not len(where.slope.at):
            return replace(either(where.real.astype(bool), x, y), real=real, chosen=_chosen(parts))
        return replace(added(y, times(where, added(x, negated(y)))), real=real)

    def _logical(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        """Truths as 0 and 1: x + y - c xy."""
        x, y = (spread(part, real.shape) for part in parts)
        both = times(x, y)
        if eqn.op == "logical_and":
            return replace(both, real=real)
        less = scaled(both, np.array(PRIME - (1 if eqn.op == "logical_or" else 2)))
        return replace(added(added(x, y), less), real=real)

    def _not(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        one = constant(np.ones(real.shape, np.int64))
        return replace(added(one, negated(parts[0])), real=real)

    def _picked_by(self, eqn: Eqn, real: np.ndarray, parts: Sequence[Traced]) -> Traced:
        """Sums of the values of each bin, and entries of a table."""
        if eqn.op == "histogram":
            codes, values = parts
            rows = np.arange(eqn.params["bins"])[:, None] == codes.real
        elif eqn.op == "subset_sums":
            if len(parts[0].slope.at):
                return self._unknown(eqn, real, parts)
            rows, values = parts[0].real.astype(bool), parts[1]
        else:
            values, codes = parts
            rows = codes.real.reshape(-1, 1) == np.arange(len(values.real))
        chosen = self._matmul(eqn, real, (constant(rows.astype(np.int64)), values))
        return replace(chosen, chosen=True)


def _chosen(parts: Sequence[Traced]) -> bool:
    return any(part.chosen for part in parts)


Rule = Callable[[Point, Eqn, np.ndarray, Sequence[Traced]], Traced]
_RULES: dict[str, Rule] = {
    **dict.fromkeys(MOVES, Point._moved),
    **dict.fromkeys(("max", "min", "sort", "top_k", "maximum", "minimum"), Point._ranked),
    **dict.fromkeys(
        (
            "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "sign", "floor",
            "low_bit", "scale_floor", "astype", "isfinite",
        ),
        Point._compared,
    ),
    **dict.fromkeys(("argmax", "argmin", "one_hot", "any", "all"), Point._constant),
    **dict.fromkeys(("exp", "log", "sqrt", "rsqrt", "sigmoid", "tanh", "gelu", "gelu_tanh"), Point._smooth),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), Point._logical),
    **dict.fromkeys(("histogram", "subset_sums", "lookup"), Point._picked_by),
    "add": Point._add,
    "sub": Point._sub,
    "neg": Point._neg,
    "mul": Point._mul,
    "square": Point._mul,
    "divide": Point._divide,
    "reciprocal": Point._divide,
    "matmul": Point._matmul,
    "sum": Point._sum,
    "mean": Point._mean,
    "cumulative_sum": Point._cumulative,
    "softmax": Point._softmax,
    "clip": Point._clip,
    "abs": Point._abs,
    "select": Point._select,
    "logical_not": Point._not,
}  # fmt: skip
