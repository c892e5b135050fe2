"""What every value of a program is, as a function of the cells of its inputs.

A value's elements are linear forms, with exact rational coefficients, over unknowns. An unknown is a cell of
an input or a derived one: the result of a non-linear operator on other forms, of which only that is kept (its
`Rule` and its arguments). Public constants and what is computed from them alone have values.

Fragment: sums, differences, means, cumulative sums, products with constants, all that moves elements, and
products of two secrets are followed exactly; everything else makes derived unknowns. Loops (`scan`) and
public inputs of unknown value are kept as derived unknowns of everything that went in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np

from tacit.base.errors import LimitError
from tacit.base.types import FRACTION_BITS, Private, Public
from tacit.ir.op import OPS
from tacit.ir.program import Eqn, Program, Var

LARGEST = 1 << 22
"""Terms of one value; a program beyond that is not judged."""
_SAFE = 1 << 62
_COLUMN_BITS = 32
FIRST_DERIVED = 1 << 60
"""Unknowns below are cells: column in the high bits, place in the low 32."""


class Rule(Enum):
    """What a derived unknown tells of its arguments, once it is known."""

    INVERTIBLE = "the argument follows from the result"
    PRODUCT = "one factor follows from the result and the other"
    QUOTIENT = "the dividend follows from the result and the divisor"
    SMOOTH = "a function of the arguments that singles out none of them"
    EXTREME = "the result is one of the arguments, or says which"
    OTHER = "a function that can single out some of the arguments"


_INVERTIBLE = {"exp", "log", "sqrt", "rsqrt", "reciprocal", "sigmoid", "tanh"}
_SMOOTH = {"softmax", "gelu"}
_EXTREME = {"max", "min", "argmax", "argmin", "sort", "top_k"}
_MOVES = {"reshape", "permute_dims", "broadcast_to", "slice", "take", "concat"}
_SAME = {"to_secret", "reveal", "astype"}


@dataclass(frozen=True)
class Forms:
    """The elements of one value as linear forms in coordinates: element `at[i]` has the coefficient
    `num[i]/den` of unknown `of[i]`; pairs (at, of) are distinct."""

    shape: tuple[int, ...]
    at: np.ndarray
    of: np.ndarray
    num: np.ndarray
    den: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def element(self, index: int) -> dict[int, Fraction]:
        """The form of one element. `at` is sorted."""
        start, stop = np.searchsorted(self.at, [index, index + 1])
        return {
            int(unknown): Fraction(int(num), self.den)
            for unknown, num in zip(self.of[start:stop], self.num[start:stop], strict=True)
        }


@dataclass(frozen=True)
class Derived:
    """`count` unknowns from `start` on: results of one operator on elements of `args`.

    Element i depends on the elements `sources(i)` of each argument; None: on all.
    """

    start: int
    count: int
    op: str
    rule: Rule
    args: tuple[Forms, ...]
    sources: Callable[[int], tuple[int, ...]] | None


@dataclass(frozen=True)
class Column:
    """An input: its cells are the unknowns from `start` on."""

    start: int
    count: int
    name: str
    owner: int


@dataclass
class Universe:
    """All unknowns of a project. The same input name of the same owner is the same column in every program;
    of two of different length the shorter one is taken for the beginning of the longer (the worst case)."""

    columns: dict[tuple[int, str], Column] = field(default_factory=dict)
    derived: list[Derived] = field(default_factory=list)

    def column(self, name: str, owner: int, shape: tuple[int, ...]) -> Forms:
        count = int(np.prod(shape, dtype=np.int64))
        known = self.columns.get((owner, name))
        start = known.start if known else len(self.columns) << _COLUMN_BITS
        longest = max(count, known.count if known else 0)
        self.columns[owner, name] = Column(start, longest, name, owner)
        return _unknowns(shape, start)

    def derive(
        self,
        shape: tuple[int, ...],
        op: str,
        rule: Rule,
        args: tuple[Forms, ...],
        sources: Callable[[int], tuple[int, ...]] | None,
    ) -> Forms:
        last = self.derived[-1] if self.derived else None
        start = last.start + last.count if last else FIRST_DERIVED
        forms = _unknowns(shape, start)
        self.derived.append(Derived(start, forms.size, op, rule, args, sources))
        return forms


def _unknowns(shape: tuple[int, ...], start: int) -> Forms:
    index = np.arange(int(np.prod(shape, dtype=np.int64)))
    return Forms(shape, index, index + start, np.ones(len(index), np.int64), 1)


Value = Forms | np.ndarray
"""Forms, or the array that a public value is."""


def follow(program: Program, universe: Universe) -> list[tuple[str, tuple[int, ...], bool, Forms]]:
    """(name, recipients, guarded, forms) of every reveal that is not public anyway.

    Raises: LimitError GATE-0001 for values of more than 2^22 terms.
    """
    values: dict[Var, Value] = {}
    for name, var in program.ins:
        vis = var.type.vis
        owner = vis.owner if isinstance(vis, Private) else -1 if isinstance(vis, Public) else -2
        values[var] = universe.column(name, owner, var.type.shape)
    revealed = []
    for eqn in program.eqns:
        ins = [values[var] for var in eqn.ins]
        if all(isinstance(value, np.ndarray) for value in ins):
            result = OPS[eqn.op].ref(*ins, **eqn.params)
            outs: tuple[Value, ...] = tuple(
                map(np.asarray, result if isinstance(result, tuple) else (result,))
            )
        else:
            outs = _apply(eqn, ins, universe)
        for var, value in zip(eqn.outs, outs, strict=True):
            values[var] = value
        if eqn.op == "reveal" and isinstance(outs[0], Forms):
            revealed.append((eqn.params["name"], eqn.params["to"], len(eqn.ins) == 2, outs[0]))
            if len(ins) == 2 and isinstance(ins[1], Forms):
                revealed.append((f"guard of {eqn.params['name']}", (), False, ins[1]))
    return revealed


def _apply(eqn: Eqn, ins: list[Value], universe: Universe) -> tuple[Value, ...]:
    shape, params = eqn.outs[0].type.shape, eqn.params
    if eqn.op in _SAME:
        linear = eqn.op != "astype" or not _rounds(eqn)
        forms = _forms(ins[0])
        return (forms if linear else _elementwise(universe, eqn, shape, [forms]),)
    if eqn.op in _MOVES:
        return (_moved(eqn, [_forms(value) for value in ins], shape),)
    if eqn.op in ("add", "sub"):
        right = _forms(ins[1])
        return (_joined(shape, [(_forms(ins[0]), 1), (right, 1 if eqn.op == "add" else -1)]),)
    if eqn.op == "neg":
        return (_joined(shape, [(_forms(ins[0]), -1)]),)
    if eqn.op in ("sum", "mean"):
        return (_summed(_forms(ins[0]), params["axis"], shape, eqn.op == "mean"),)
    if eqn.op == "cumulative_sum":
        return (_cumulative(_forms(ins[0]), params["axis"]),)
    if eqn.op in ("mul", "divide", "square"):
        return (_times(universe, eqn, ins if len(ins) == 2 else [ins[0], ins[0]], shape),)
    if eqn.op == "matmul":
        return (_matmul(universe, eqn, ins, shape),)
    return tuple(_opaque(universe, eqn, var, [_forms(value) for value in ins]) for var in eqn.outs)


def _rounds(eqn: Eqn) -> bool:
    return eqn.ins[0].type.dtype.kind == "fixed" and eqn.outs[0].type.dtype.kind != "fixed"


def _forms(value: Value) -> Forms:
    """A public value has no unknowns: as a form it is a constant, which determines nothing."""
    if isinstance(value, Forms):
        return value
    none = np.zeros(0, np.int64)
    return Forms(value.shape, none, none, none, 1)


def _tidy(shape: tuple[int, ...], at: np.ndarray, of: np.ndarray, num: np.ndarray, den: int) -> Forms:
    """Sorted, equal pairs added up, zeros dropped."""
    if len(at) > LARGEST:
        raise LimitError("GATE-0001", f"a value of the program has {len(at)} terms, too many to judge")
    order = np.lexsort((of, at))
    at, of, num = at[order], of[order], num[order]
    if len(at):
        new = np.concatenate([[True], (at[1:] != at[:-1]) | (of[1:] != of[:-1])])
        starts = np.flatnonzero(new)
        if num.dtype != object and _largest(num) * int(np.diff([*starts, len(at)]).max()) >= _SAFE:
            num = num.astype(object)
        at, of, num = at[starts], of[starts], np.add.reduceat(num, starts)
        keep = num != 0
        at, of, num = at[keep], of[keep], num[keep]
    return Forms(shape, at, of, num, den)


def _largest(num: np.ndarray) -> int:
    return max((abs(int(num.max())), abs(int(num.min())))) if len(num) else 0


def _scaled(num: np.ndarray, factor: Any) -> np.ndarray:
    largest = _largest(np.asarray(factor).reshape(-1))
    if num.dtype != object and _largest(num) * largest >= _SAFE:
        num = num.astype(object)
    return np.asarray(num * factor)


def _moved(eqn: Eqn, ins: list[Forms], shape: tuple[int, ...]) -> Forms:
    """The operator itself, run on the numbers of the elements, says where each of them goes."""
    starts = np.cumsum([0] + [value.size for value in ins])
    numbers = [
        np.arange(start, start + value.size).reshape(value.shape)
        for start, value in zip(starts, ins, strict=False)
    ]
    origin = np.asarray(OPS[eqn.op].ref(*numbers, **eqn.params)).reshape(-1)
    whole = _stacked(ins)
    return _picked(whole, origin, shape)


def _stacked(ins: list[Forms]) -> Forms:
    den = lcm(*(value.den for value in ins))
    starts = np.cumsum([0] + [value.size for value in ins])
    parts = [*zip(ins, starts, strict=False)]
    return Forms(
        (int(starts[-1]),),
        np.concatenate([value.at + start for value, start in parts]),
        np.concatenate([value.of for value, _ in parts]),
        np.concatenate([_scaled(value.num, den // value.den) for value, _ in parts]),
        den,
    )


def _picked(value: Forms, origin: np.ndarray, shape: tuple[int, ...]) -> Forms:
    """Element i is element origin[i] of `value`."""
    starts, stops = np.searchsorted(value.at, origin), np.searchsorted(value.at, origin, "right")
    counts = stops - starts
    if counts.sum() > LARGEST:
        raise LimitError("GATE-0001", f"a value of the program has {counts.sum()} terms, too many to judge")
    index = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    at = np.repeat(np.arange(len(origin)), counts)
    return Forms(shape, at, value.of[index], value.num[index], value.den)


def _spread(value: Forms, shape: tuple[int, ...]) -> Forms:
    if value.shape == shape:
        return value
    origin = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape).reshape(-1)
    return _picked(value, origin, shape)


def _joined(shape: tuple[int, ...], parts: list[tuple[Forms, int]]) -> Forms:
    spread = [(_spread(value, shape), sign) for value, sign in parts]
    den = lcm(*(value.den for value, _ in spread))
    return _tidy(
        shape,
        np.concatenate([value.at for value, _ in spread]),
        np.concatenate([value.of for value, _ in spread]),
        np.concatenate([_scaled(value.num, sign * (den // value.den)) for value, sign in spread]),
        den,
    )


def _summed(value: Forms, axis: tuple[int, ...], shape: tuple[int, ...], mean: bool) -> Forms:
    numbers = np.arange(int(np.prod(shape, dtype=np.int64)))
    kept = tuple(1 if k in axis else side for k, side in enumerate(value.shape))
    target = np.broadcast_to(numbers.reshape(kept), value.shape).reshape(-1)
    count = value.size // max(len(numbers), 1)
    return _tidy(shape, target[value.at], value.of, value.num, value.den * (count if mean else 1))


def _cumulative(value: Forms, axis: int) -> Forms:
    length = value.shape[axis]
    index = np.moveaxis(np.arange(value.size).reshape(value.shape), axis, -1).reshape(-1, length)
    place = np.empty(value.size, np.int64)
    place[index.reshape(-1)] = np.tile(np.arange(length), len(index))
    counts = length - place[value.at]
    if counts.sum() > LARGEST:
        raise LimitError("GATE-0001", f"a value of the program has {counts.sum()} terms, too many to judge")
    line = np.empty(value.size, np.int64)
    line[index.reshape(-1)] = np.repeat(np.arange(len(index)), length)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    at = index[np.repeat(line[value.at], counts), np.repeat(place[value.at], counts) + step]
    return _tidy(value.shape, at, np.repeat(value.of, counts), np.repeat(value.num, counts), value.den)


def _factors(constant: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """(numerators, denominator) of a constant as the fixed-point encoding holds it."""
    flat = np.broadcast_to(constant, shape).reshape(-1)
    if constant.dtype.kind == "f":
        return np.rint(np.ldexp(flat, FRACTION_BITS)).astype(np.int64), 1 << FRACTION_BITS
    return flat.astype(np.int64), 1


def _times(universe: Universe, eqn: Eqn, ins: list[Value], shape: tuple[int, ...]) -> Forms:
    x, y = ins
    divides = eqn.op == "divide"
    if isinstance(x, np.ndarray) and not divides:
        x, y = y, x
    if isinstance(y, np.ndarray):
        num, den = _factors(1.0 / y if divides else y, shape)
        value = _spread(_forms(x), shape)
        return _tidy(shape, value.at, value.of, _scaled(value.num, num[value.at]), value.den * den)
    return _elementwise(universe, eqn, shape, [_forms(x), y])


def _matmul(universe: Universe, eqn: Eqn, ins: list[Value], shape: tuple[int, ...]) -> Forms:
    """All single products, then sums; vectors are rows or columns."""
    x, y = ins
    left = x.shape if len(x.shape) == 2 else (1, *x.shape)
    right = y.shape if len(y.shape) == 2 else (*y.shape, 1)
    (m, k), n = left, right[1]
    if m * k * n > LARGEST:
        raise LimitError("GATE-0001", f"a matrix product has {m * k * n} terms, too many to judge")
    grid = np.arange(m * k * n)
    rows, inner, columns = grid // (k * n), grid // n % k, grid % n

    def factor(value: Value, origin: np.ndarray) -> Value:
        if isinstance(value, np.ndarray):
            return np.asarray(value.reshape(-1)[origin])
        return _picked(value, origin, (m, k, n))

    picked = [factor(x, rows * k + inner), factor(y, inner * n + columns)]
    picked = [p.reshape(m, k, n) if isinstance(p, np.ndarray) else p for p in picked]
    return _summed(_times(universe, eqn, picked, (m, k, n)), (1,), shape, False)


_RULES = {"mul": Rule.PRODUCT, "square": Rule.PRODUCT, "matmul": Rule.PRODUCT, "divide": Rule.QUOTIENT}


def _elementwise(universe: Universe, eqn: Eqn, shape: tuple[int, ...], ins: list[Forms]) -> Forms:
    """Element i is a function of elements i of the arguments."""
    args = tuple(_spread(value, shape) for value in ins)
    rule = _RULES.get(eqn.op) or (
        Rule.INVERTIBLE if eqn.op in _INVERTIBLE else Rule.SMOOTH if eqn.op in _SMOOTH else Rule.OTHER
    )
    return universe.derive(shape, eqn.op, rule, args, lambda i: (i,))


_BY_ELEMENT = _INVERTIBLE | {
    "gelu", "abs", "clip", "floor", "sign", "less", "less_equal", "greater", "greater_equal", "equal",
    "not_equal", "maximum", "minimum", "select", "logical_and", "logical_or", "logical_xor", "logical_not",
}  # fmt: skip


def _opaque(universe: Universe, eqn: Eqn, var: Var, ins: list[Forms]) -> Forms:
    if eqn.op in _BY_ELEMENT:
        return _elementwise(universe, eqn, var.type.shape, ins)
    rule = Rule.EXTREME if eqn.op in _EXTREME else Rule.SMOOTH if eqn.op in _SMOOTH else Rule.OTHER
    sources = None
    if eqn.op in ("max", "min", "argmax", "argmin", "any", "all"):
        numbers = np.arange(ins[0].size).reshape(ins[0].shape)
        axis = eqn.params["axis"]
        axes = axis if isinstance(axis, tuple) else (axis,)
        rest = tuple(k for k in range(len(ins[0].shape)) if k not in axes)
        lines = numbers.transpose(*rest, *axes).reshape(max(var.type.size, 1), -1)
        sources = lambda i: tuple(lines[i].tolist())  # noqa: E731
    return universe.derive(var.type.shape, eqn.op, rule, tuple(ins), sources)
