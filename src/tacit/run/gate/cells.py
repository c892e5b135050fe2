"""What every value of a program is, as a function of the cells of its inputs.

A value's elements are linear forms, with exact rational coefficients, over unknowns. An unknown is a cell of
an input or a derived one: the result of a non-linear operator on other forms, of which only that is kept (its
`Rule` and its arguments). Public constants and what is computed from them alone have values; where they meet
secrets, each number is a known cell, so that what differs in a constant is not taken for alike.

Fragment: sums, differences, means, cumulative sums, products with constants, all that moves elements, loops
of few steps, and products of two secrets are followed exactly, constants as the rational numbers that they
are; everything else makes derived unknowns. Longer loops are derived unknowns of everything that went in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from math import lcm, prod

import numpy as np

from tacit.base.errors import LimitError
from tacit.base.types import Private, Public
from tacit.ir.op import OPS
from tacit.ir.program import Eqn, Program, Var
from tacit.run.gate.forms import (
    LARGEST,
    Forms,
    cumulated,
    factors,
    picked,
    product_sizes,
    scaled,
    stacked,
    summed,
    tidy,
    unknowns,
)

LARGEST_ALL = 1 << 24
"""Terms of all values of all programs that are judged together."""
_STEPS = 1 << 8
"""Equations that the loops of one program may come to for being followed step by step."""
_SHORT = 4
"""Terms of forms that are copied rather than named."""
KNOWN_TO_ALL, SHARED = -1, -2
"""Owners of inputs that are public, and of those that come in on shares."""
_COLUMN_BITS = 32
_CONSTANTS = (KNOWN_TO_ALL, "", ())
FIRST_DERIVED = 1 << 60
"""Unknowns below are cells: column in the high bits, place in the low 32."""


class Rule(Enum):
    """What a derived unknown tells of its arguments, once it is known."""

    INVERTIBLE = "the argument follows from the result"
    PRODUCT = "one factor follows from the result and the other"
    QUOTIENT = "the dividend follows from the result and the divisor"
    SMOOTH = "a function of the arguments that singles out none of them"
    EXTREME = "the result is one of the arguments, or says which"
    TRUTH = "whether something holds of the arguments"
    OTHER = "a function that can single out some of the arguments"
    EQUAL = "the argument itself, under a name: so that a long sum that many elements share is kept once"


_INVERTIBLE = {"exp", "log", "sqrt", "rsqrt", "reciprocal", "sigmoid", "tanh", "logical_not"}
_SMOOTH = {"softmax", "gelu", "gelu_tanh"}
_EXTREME = {"max", "min", "argmax", "argmin", "sort", "top_k"}
MOVES = {"reshape", "permute_dims", "broadcast_to", "slice", "take", "concat"}
_SAME = {"to_secret", "reveal", "astype"}
LINEAR = MOVES | _SAME | {"add", "sub", "neg", "sum", "mean", "cumulative_sum"}
"""Operators whose results are linear forms of what goes in."""


@dataclass(frozen=True)
class Derived:
    """`count` unknowns from `start` on: results of one operator on elements of `args`.

    Unknown i is one function, the same for all i, of the elements `lines[i]` (int64[count, k]) of each
    argument, whose order does not matter. None: unknown i is a function of its own of all elements.
    """

    start: int
    count: int
    op: str
    rule: Rule
    args: tuple[Forms, ...]
    lines: np.ndarray | None


@dataclass(frozen=True)
class Column:
    """An input: its cells are the unknowns from `start` on. `versions`: of data that came under its name."""

    start: int
    count: int
    name: str
    owner: int
    versions: frozenset[str] = frozenset()


@dataclass
class Universe:
    """All unknowns of a project. The same input name of the same owner is the same column in every program;
    of two of different length the shorter one is taken for the beginning of the longer (the worst case)."""

    columns: dict[tuple[int, str, tuple[int, ...]], Column] = field(default_factory=dict)
    derived: list[Derived] = field(default_factory=list)
    numbers: dict[float, int] = field(default_factory=dict)
    """Unknowns that stand for public numbers other than 0."""
    n_terms: int = 0

    def column(self, name: str, owner: int, shape: tuple[int, ...], version: str = "") -> Forms:
        key, count = (owner, name, shape[1:]), prod(shape)
        known = self.columns.get(key) or Column(len(self.columns) << _COLUMN_BITS, 0, name, owner)
        if count > LARGEST:
            raise LimitError("GATE-0001", f"input {name!r} has {count} elements, too many to judge")
        versions = known.versions | ({version} if version else set())
        self.columns[key] = Column(known.start, max(count, known.count), name, owner, versions)
        return unknowns(shape, known.start)

    def constants(self, value: np.ndarray) -> Forms:
        """Public numbers as cells of a column that all know, one for each number but 0."""
        flat = value.reshape(-1)
        (at,) = np.nonzero(flat)
        different, place = np.unique(flat[at], return_inverse=True)
        known = self.columns.get(_CONSTANTS) or Column(len(self.columns) << _COLUMN_BITS, 0, "", KNOWN_TO_ALL)
        cells = [self.numbers.setdefault(n, known.start + len(self.numbers)) for n in different.tolist()]
        self.columns[_CONSTANTS] = replace(known, count=len(self.numbers))
        of = np.array(cells, np.int64)[place.reshape(-1)]
        return Forms(value.shape, at, of, np.ones(len(at), np.int64), 1)

    def versions(self, owner: int, name: str) -> frozenset[str]:
        """All data that came as `name`, in whatever shape."""
        found = [column.versions for key, column in self.columns.items() if key[:2] == (owner, name)]
        return frozenset().union(*found)

    def derive(
        self, shape: tuple[int, ...], op: str, rule: Rule, args: tuple[Forms, ...], lines: np.ndarray | None
    ) -> Forms:
        last = self.derived[-1] if self.derived else None
        start = last.start + last.count if last else FIRST_DERIVED
        forms = unknowns(shape, start)
        self.derived.append(Derived(start, forms.size, op, rule, args, lines))
        return forms

    def shared(self, value: Forms, n_uses: int) -> Forms:
        """`value` for use in `n_uses` elements: under a name, if its forms are long."""
        if n_uses <= value.size or len(value.at) <= _SHORT * value.size:
            return value
        lines = np.arange(value.size).reshape(-1, 1)
        return self.derive(value.shape, "equal", Rule.EQUAL, (value,), lines)

    def count(self, value: Value) -> None:
        """Raises LimitError GATE-0001 where all values together have too many terms."""
        self.n_terms += len(value.at) if isinstance(value, Forms) else value.size
        if self.n_terms > LARGEST_ALL:
            raise LimitError("GATE-0001", f"the programs have more than {LARGEST_ALL} terms to judge")


Value = Forms | np.ndarray
"""Forms, or the array that a public value is."""


@dataclass(frozen=True)
class Revealed:
    """One disclosure: `to` = () is every party."""

    name: str
    to: tuple[int, ...]
    guarded: bool
    forms: Forms


def follow(program: Program, universe: Universe, versions: Mapping[str, str] | None = None) -> list[Revealed]:
    """Every reveal that is not public anyway, guards among them. `versions`: of the data of inputs, by name.

    Raises: LimitError GATE-0001 for programs that are too large.
    """
    ins: list[Value] = []
    for name, var in program.ins:
        vis = var.type.vis
        owner = vis.owner if isinstance(vis, Private) else KNOWN_TO_ALL if isinstance(vis, Public) else SHARED
        ins.append(universe.column(name, owner, var.type.shape, (versions or {}).get(name, "")))
    revealed: list[Revealed] = []
    _follow(program, ins, universe, revealed, [_STEPS])
    return revealed


def _follow(
    program: Program, ins: list[Value], universe: Universe, revealed: list[Revealed], steps: list[int]
) -> list[Value]:
    """The outputs. `steps`: how many equations in loops are left to be followed."""
    values = {var: value for (_, var), value in zip(program.ins, ins, strict=True)}
    for eqn in program.eqns:
        taken = [values[var] for var in eqn.ins]
        outs = _results(eqn, taken, universe, steps)
        for var, value in zip(eqn.outs, outs, strict=True):
            universe.count(value)
            values[var] = value
        if eqn.op == "reveal" and isinstance(outs[0], Forms):
            name, to, guarded = eqn.params["name"], eqn.params["to"], len(taken) == 2
            revealed.append(Revealed(name, to, guarded, outs[0]))
            if guarded and isinstance(taken[1], Forms):
                revealed.append(Revealed(f"guard of {name}", (), False, taken[1]))
    return [values[var] for _, var in program.outs]


def _results(eqn: Eqn, ins: list[Value], universe: Universe, steps: list[int]) -> tuple[Value, ...]:
    if eqn.op == "scan":
        n_steps = eqn.params["length"] * len(eqn.params["body"].eqns)
        if 0 < n_steps <= steps[0]:
            steps[0] -= n_steps
            return _unrolled(eqn, ins, universe, steps)
    elif all(isinstance(value, np.ndarray) for value in ins):
        result = OPS[eqn.op].ref(*ins, **eqn.params)
        return tuple(map(np.asarray, result if isinstance(result, tuple) else (result,)))
    return _apply(eqn, ins, universe)


def _unrolled(eqn: Eqn, ins: list[Value], universe: Universe, steps: list[int]) -> tuple[Value, ...]:
    """A loop, step by step."""
    n_carry, n_xs, length = (eqn.params[name] for name in ("n_carry", "n_xs", "length"))
    carries, xs, rest = ins[:n_carry], ins[n_carry : n_carry + n_xs], ins[n_carry + n_xs :]
    rows_of: list[list[Forms]] = [[] for _ in eqn.outs[n_carry:]]
    for index in range(length):
        rows = [_row(x, index) for x in xs]
        outs = _follow(eqn.params["body"], [*carries, *rows, *rest], universe, [], steps)
        carries = outs[:n_carry]
        for parts, value in zip(rows_of, outs[n_carry:], strict=True):
            parts.append(_forms(universe, value))
    ys = [_shaped(stacked(parts), var) for parts, var in zip(rows_of, eqn.outs[n_carry:], strict=True)]
    return (*carries, *ys)


def _row(value: Value, index: int) -> Value:
    if isinstance(value, np.ndarray):
        return np.asarray(value[index])
    size = prod(value.shape[1:])
    return picked(value, np.arange(index * size, (index + 1) * size), value.shape[1:])


def _shaped(value: Forms, var: Var) -> Forms:
    return Forms(var.type.shape, value.at, value.of, value.num, value.den)


def _apply(eqn: Eqn, ins: list[Value], universe: Universe) -> tuple[Value, ...]:
    shape, params = eqn.outs[0].type.shape, eqn.params
    if eqn.op in _SAME:
        linear = eqn.op != "astype" or not loses(eqn)
        forms = _forms(universe, ins[0])
        return (forms if linear else _elementwise(universe, eqn, shape, [forms]),)
    if eqn.op in MOVES:
        n_uses = prod(shape) if eqn.op in ("broadcast_to", "take") else 0
        return (_moved(eqn, [universe.shared(_forms(universe, value), n_uses) for value in ins], shape),)
    if eqn.op in ("add", "sub"):
        right = _forms(universe, ins[1])
        return (
            _joined(universe, shape, [(_forms(universe, ins[0]), 1), (right, 1 if eqn.op == "add" else -1)]),
        )
    if eqn.op == "neg":
        return (_joined(universe, shape, [(_forms(universe, ins[0]), -1)]),)
    if eqn.op in ("sum", "mean"):
        return (summed(_forms(universe, ins[0]), params["axis"], shape, eqn.op == "mean"),)
    if eqn.op == "cumulative_sum":
        return (cumulated(_forms(universe, ins[0]), params["axis"]),)
    if eqn.op in ("mul", "divide", "square"):
        return (_times(universe, eqn, ins if len(ins) == 2 else [ins[0], ins[0]], shape),)
    if eqn.op == "matmul":
        return (_matmul(universe, eqn, ins, shape),)
    return tuple(_opaque(universe, eqn, var, [_forms(universe, value) for value in ins]) for var in eqn.outs)


def loses(eqn: Eqn) -> bool:
    """Whether a conversion keeps less than the value: real numbers to whole ones, numbers to truth."""
    order = ("bool", "int", "fixed")
    return order.index(eqn.ins[0].type.dtype.kind) > order.index(eqn.outs[0].type.dtype.kind)


def _forms(universe: Universe, value: Value) -> Forms:
    """A public value consists of known cells: it determines nothing, but can tell rows apart."""
    return value if isinstance(value, Forms) else universe.constants(value)


def _moved(eqn: Eqn, ins: list[Forms], shape: tuple[int, ...]) -> Forms:
    """The operator itself, run on the numbers of the elements, says where each of them goes."""
    starts = np.cumsum([0] + [value.size for value in ins])
    numbers = [
        np.arange(start, start + value.size).reshape(value.shape)
        for start, value in zip(starts, ins, strict=False)
    ]
    origin = np.asarray(OPS[eqn.op].ref(*numbers, **eqn.params)).reshape(-1)
    whole = stacked(ins)
    return picked(whole, origin, shape)


def _spread(universe: Universe, value: Forms, shape: tuple[int, ...]) -> Forms:
    if value.shape == shape:
        return value
    value = universe.shared(value, prod(shape))
    origin = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape).reshape(-1)
    return picked(value, origin, shape)


def _joined(universe: Universe, shape: tuple[int, ...], parts: list[tuple[Forms, int]]) -> Forms:
    spread = [(_spread(universe, value, shape), sign) for value, sign in parts]
    den = lcm(*(value.den for value, _ in spread))
    return tidy(
        shape,
        np.concatenate([value.at for value, _ in spread]),
        np.concatenate([value.of for value, _ in spread]),
        np.concatenate([scaled(value.num, sign * (den // value.den)) for value, sign in spread]),
        den,
    )


def _times(universe: Universe, eqn: Eqn, ins: list[Value], shape: tuple[int, ...]) -> Forms:
    x, y = ins
    divides = eqn.op == "divide"
    if isinstance(x, np.ndarray) and not divides:
        x, y = y, x
    if isinstance(y, np.ndarray):
        num, den = factors(y, shape, divides)
        value = _spread(universe, _forms(universe, x), shape)
        return tidy(shape, value.at, value.of, scaled(value.num, num[value.at]), value.den * den)
    return _elementwise(universe, eqn, shape, [_forms(universe, x), y])


def _matmul(universe: Universe, eqn: Eqn, ins: list[Value], shape: tuple[int, ...]) -> Forms:
    """All single products, then sums."""
    x, y = ins
    m, k, n = product_sizes(x.shape, y.shape, LARGEST)
    grid = np.arange(m * k * n)
    rows, inner, columns = grid // (k * n), grid // n % k, grid % n

    def factor(value: Value, origin: np.ndarray) -> Value:
        if isinstance(value, np.ndarray):
            return np.asarray(value.reshape(-1)[origin])
        return picked(universe.shared(value, m * k * n), origin, (m, k, n))

    both = [factor(x, rows * k + inner), factor(y, inner * n + columns)]
    both = [p.reshape(m, k, n) if isinstance(p, np.ndarray) else p for p in both]
    return summed(_times(universe, eqn, both, (m, k, n)), (1,), shape, False)


_TRUTHS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
RULES = {
    **dict.fromkeys(("mul", "square", "matmul"), Rule.PRODUCT),
    **dict.fromkeys(_TRUTHS, Rule.TRUTH),
    **dict.fromkeys(_INVERTIBLE, Rule.INVERTIBLE),
    **dict.fromkeys(_SMOOTH, Rule.SMOOTH),
    **dict.fromkeys(_EXTREME, Rule.EXTREME),
    "divide": Rule.QUOTIENT,
}
"""Of operators that are not linear; the others are `Rule.OTHER`."""


def _elementwise(universe: Universe, eqn: Eqn, shape: tuple[int, ...], ins: list[Forms]) -> Forms:
    """Element i is a function of elements i of the arguments."""
    args = tuple(_spread(universe, value, shape) for value in ins)
    rule = RULES.get(eqn.op, Rule.OTHER)
    return universe.derive(shape, eqn.op, rule, args, np.arange(prod(shape)).reshape(-1, 1))


_BY_ELEMENT = _INVERTIBLE | _TRUTHS | {
    "gelu", "gelu_tanh", "abs", "clip", "floor", "low_bit", "scale_floor", "isfinite",
    "sign", "maximum", "minimum", "select", "logical_and", "logical_or", "logical_xor",
}  # fmt: skip


def _opaque(universe: Universe, eqn: Eqn, var: Var, ins: list[Forms]) -> Forms:
    if eqn.op in _BY_ELEMENT:
        return _elementwise(universe, eqn, var.type.shape, ins)
    lines = None
    if eqn.op in ("max", "min", "any", "all"):
        numbers = np.arange(ins[0].size).reshape(ins[0].shape)
        axis = eqn.params["axis"]
        axes = axis if isinstance(axis, tuple) else (axis,)
        rest = tuple(k for k in range(len(ins[0].shape)) if k not in axes)
        lines = numbers.transpose(*rest, *axes).reshape(max(var.type.size, 1), -1)
    return universe.derive(var.type.shape, eqn.op, RULES.get(eqn.op, Rule.OTHER), tuple(ins), lines)
