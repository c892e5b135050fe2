"""`Program`: a value that says what a run computes and all that it can reveal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, overload

import numpy as np

from tacit.base.errors import TypeRuleError, UsageError
from tacit.base.types import DType, Private, Type
from tacit.ir.op import Params, infer, numpy_dtype

CONSTANT_LIMIT = 4096
"""Most elements that a constant other than a uniform one may have; longer data are inputs."""


@dataclass(frozen=True, slots=True)
class Var:
    """A value in a program: assigned once, `id` unique within its program (bodies number their own)."""

    id: int
    type: Type

    def __str__(self) -> str:
        return f"%{self.id}"

    def __hash__(self) -> int:
        return self.id


@dataclass(frozen=True, slots=True)
class Eqn:
    """outs = op(ins, params)."""

    op: str
    ins: tuple[Var, ...]
    outs: tuple[Var, ...]
    params: Params
    where: str = field(default="", compare=False)
    """`file.py:line` of the user's code that asked for it, for messages; no part of the program."""

    @property
    def bodies(self) -> tuple[Program, ...]:
        """The programs among the parameters."""
        return self.params.bodies


@dataclass(frozen=True)
class Reveal:
    """One disclosure: what, of which type, to whom (`()` = every party), and whether a guard must hold."""

    name: str
    type: Type
    to: tuple[int, ...]
    guarded: bool


Range = tuple[float, float]
"""(low, high), both included."""


@dataclass(frozen=True)
class Program:
    """Named inputs, equations in order of execution, named outputs.

    `ranges`: for some inputs, by name, the range that all their elements lie in. It is a promise that proofs
    about the program rest on; whoever holds the input checks it before anything is sent (`mpc.execute`).
    """

    name: str
    ins: tuple[tuple[str, Var], ...]
    eqns: tuple[Eqn, ...]
    outs: tuple[tuple[str, Var], ...]
    ranges: tuple[tuple[str, Range], ...] = ()

    def reveals(self) -> tuple[Reveal, ...]:
        """Everything that a run can disclose, in order. Bodies of loops reveal nothing (`check`)."""
        return tuple(
            Reveal(eqn.params["name"], eqn.outs[0].type, eqn.params["to"], len(eqn.ins) == 2)
            for eqn in self.eqns
            if eqn.op == "reveal"
        )

    def digest(self) -> bytes:
        """32 bytes: BLAKE2b-256 of the printed text."""
        from tacit.ir.text import to_text

        return hashlib.blake2b(to_text(self).encode(), digest_size=32).digest()

    def __str__(self) -> str:
        from tacit.ir.text import to_text

        return to_text(self)


class Builder:
    """Writes a program equation by equation; every equation is type-checked as it is written."""

    def __init__(self) -> None:
        self._ins: list[tuple[str, Var]] = []
        self._eqns: list[Eqn] = []
        self._known: set[Var] = set()
        self._ranges: dict[str, Range] = {}
        self.where = ""
        """Goes into every equation that is written from now on."""

    def _fresh(self, type: Type) -> Var:
        var = Var(len(self._known), type)
        self._known.add(var)
        return var

    def input(self, name: str, type: Type, within: Range | None = None) -> Var:
        """A new input, after those there are, with all elements in the range `within` if that is given."""
        var = self._fresh(type)
        self._ins.append((name, var))
        if within is not None:
            self._ranges[name] = within
        return var

    def written(self) -> tuple[list[tuple[str, Var]], dict[str, Range], list[Eqn]]:
        """Inputs, declared ranges and equations so far."""
        return self._ins, self._ranges, self._eqns

    @overload
    def emit(self, op: Literal["scan"], *ins: Var, **params: Any) -> Any: ...

    @overload
    def emit(self, op: str, *ins: Var, **params: Any) -> Var: ...

    def emit(self, op: str, *ins: Var, **params: Any) -> Any:
        """The result of `op` on `ins`: a Var, or a tuple of them if there are several (or none).

        Raises: TypeRuleError from the operator's rule; IR-0008 for a Var of another program.
        """
        outs = self.emit_frozen(op, ins, Params(params))
        return outs[0] if len(outs) == 1 else outs

    def emit_frozen(self, op: str, ins: tuple[Var, ...], params: Params) -> tuple[Var, ...]:
        """`emit` with parameters of another equation: they are taken as they are."""
        for var in ins:
            if var not in self._known:
                raise TypeRuleError("IR-0008", f"{op}: {var} is not a value of this program")
        types = infer(op, tuple(var.type for var in ins), params)
        outs = tuple(self._fresh(type) for type in types)
        self._eqns.append(Eqn(op, ins, outs, params, self.where))
        return outs

    def const(self, array: Any, dtype: DType) -> Var:
        """A public constant, kept as one number if all elements are equal.

        Raises: TypeRuleError IR-0010 if it is too long.
        """
        values = np.asarray(array, dtype=numpy_dtype(dtype))
        flat = values.reshape(-1)
        uniform = flat.size > 0 and bool(np.all(flat == flat[0]))
        if not uniform and flat.size > CONSTANT_LIMIT:
            raise TypeRuleError(
                "IR-0010",
                f"a constant of shape {values.shape} has more than {CONSTANT_LIMIT} elements",
                hint="pass it as an input",
            )
        value = flat[0].item() if uniform else tuple(flat.tolist())
        var: Var = self.emit("const", value=value, dtype=dtype, shape=values.shape)
        return var

    def build(self, name: str, outs: Mapping[str, Var]) -> Program:
        """The finished program. Raises UsageError IR-0008 if it is not well formed."""
        ranges = tuple(self._ranges.items())
        program = Program(name, tuple(self._ins), tuple(self._eqns), tuple(outs.items()), ranges)
        _check_frame(program, nested=False)
        _check_outs(program, self._known)
        return program


def walk(program: Program) -> Iterator[Eqn]:
    """Every equation, those of bodies included, in order."""
    for eqn in program.eqns:
        yield eqn
        for body in eqn.bodies:
            yield from walk(body)


def check(program: Program, *, nested: bool = False) -> Program:
    """`program` itself, after running every type rule again.

    Raises: TypeRuleError from a rule; UsageError IR-0008 (undefined, twice assigned or wrongly typed value,
    repeated name), IR-0009 (reveal inside a loop).
    """
    _check_frame(program, nested)
    known: dict[int, Var] = {}
    for _, var in program.ins:
        _define(known, var)
    for eqn in program.eqns:
        for var in eqn.ins:
            if known.get(var.id) != var:
                raise UsageError("IR-0008", f"{eqn.op}: {var} is not defined with this type")
        for body in eqn.bodies:
            check(body, nested=True)
        types = infer(eqn.op, tuple(var.type for var in eqn.ins), eqn.params)
        if types != tuple(var.type for var in eqn.outs):
            stated = ", ".join(str(var.type) for var in eqn.outs)
            raise UsageError("IR-0008", f"{eqn.op} yields {', '.join(map(str, types))}, not {stated}")
        for var in eqn.outs:
            _define(known, var)
    _check_outs(program, set(known.values()))
    return program


def _define(known: dict[int, Var], var: Var) -> None:
    if var.id in known:
        raise UsageError("IR-0008", f"{var} is assigned twice")
    if isinstance(var.type.vis, Private) and var.type.vis.owner < 0:
        raise UsageError("IR-0008", f"{var} has a negative owner")
    known[var.id] = var


def _check_frame(program: Program, nested: bool) -> None:
    revealed = [(eqn.params.get("name"), eqn.params.get("to")) for eqn in program.eqns if eqn.op == "reveal"]
    inner = any(eqn.op == "reveal" for outer in program.eqns for body in outer.bodies for eqn in walk(body))
    if inner or (nested and revealed):
        raise UsageError("IR-0009", "a loop body reveals", hint="reveal what the loop returns")
    for what, names in (
        ("inputs", [name for name, _ in program.ins]),
        ("outputs", [name for name, _ in program.outs]),
        ("reveals to one recipient", revealed),
    ):
        if len(set(names)) != len(names):
            raise UsageError("IR-0008", f"two {what} have the same name", hint="give each its own")
    _check_ranges(program, nested)


def _check_ranges(program: Program, nested: bool) -> None:
    inputs = dict(program.ins)
    for name, (low, high) in program.ranges:
        if nested or name not in inputs or inputs[name].type.dtype.kind == "bool":
            raise UsageError("IR-0015", f"{name!r} is no numeric input of the program", hint="see its inputs")
        if not (isfinite(low) and isfinite(high) and low <= high):
            raise UsageError("IR-0015", f"the range of input {name!r} is not from a number to a larger one")
    if len(dict(program.ranges)) != len(program.ranges):
        raise UsageError("IR-0015", "an input has two ranges")


def _check_outs(program: Program, known: set[Var]) -> None:
    for name, var in program.outs:
        if var not in known:
            raise UsageError("IR-0008", f"output {name!r} is {var}, which is not defined with this type")
