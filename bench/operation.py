"""Operators on shares: inputs are shared first, then comes the compute clock, then all learn the result."""

from __future__ import annotations

import argparse
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.party import Party
from bench.task import Clock, Figures, Outputs, SchemeTask, learners, wrong
from tacit.base.ctx import Ctx
from tacit.base.types import FIXED, FRACTION_BITS, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.pipeline import run_passes
from tacit.compile.trace import trace
from tacit.ir.interpret import interpret
from tacit.ir.op import OPS, Bound
from tacit.ir.program import Program, Range
from tacit.mpc.execute import execute
from tacit.mpc.operators import supports
from tacit.mpc.scheme import find
from tacit.mpc.value import Value
from tacit.run.compiled import compiled
from tacit.run.job import Run


class OperationTask(SchemeTask):
    """`operator` applied once to secret arrays of which party i owns the i-th."""

    clock: ClassVar[Clock] = "operation"
    operator: ClassVar[str]

    @abstractmethod
    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        """One array per operand, of the dtype that the operator takes."""

    @abstractmethod
    def types(self, options: argparse.Namespace) -> list[Type]:
        """Of the operands, before they are shared: private to party i."""

    def bound(self, options: argparse.Namespace) -> Bound:
        """How far the result may be from numpy's."""
        return OPS[self.operator].error

    def ranges(self) -> dict[str, Range]:
        """What is promised of the operands, by name; of others the widest range that can be proved."""
        return {}

    def program(self, types: list[Type]) -> Program:
        """The operator on secret operands, as the compiler lowers it."""
        function: Callable[..., Any] = getattr(xp, {"mul": "multiply"}.get(self.operator, self.operator))
        secret = [(f"x{i}", Type(SECRET, t.dtype, t.shape)) for i, t in enumerate(types)]
        return trace(function, secret, self.operator, self.ranges())

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> np.ndarray:
        arrays = self.inputs(options, np.random.default_rng(options.seed))
        for owner, array in enumerate(arrays):
            np.save(folders[owner] / "input.npy", array, allow_pickle=False)
        named = {f"x{i}": array for i, array in enumerate(arrays)}
        return interpret(self.program(self.types(options)), named)["out"]

    async def play(self, party: Party) -> None:
        options, types = party.options, self.types(party.options)
        mine = party.read("input") if party.me < len(types) else None
        run = await party.run(options.scheme, options.security, options.ot)
        shares = await _share(run, types, mine)
        program = run_passes(self.program(types), supports(run.scheme.name))
        async with party.computing():
            outputs = await execute(run.ctx.sub("operation"), run.scheme, program, shares)
        opened = await _reveal(run.ctx, run, outputs["out"])
        if opened is not None:
            party.give("out", opened)

    def programs(self, options: argparse.Namespace) -> list[Program]:
        scheme = find(options.scheme, options.security, options.ot).name
        return [run_passes(self.program(self.types(options)), supports(scheme))]

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        bound = self.bound(options)
        limits = bound.absolute + bound.relative * np.abs(expected)
        worst = 0.0
        for party in learners(options.scheme, out):
            if party["out"].shape != expected.shape:
                raise wrong(self.name, "another shape")
            errors = np.abs(party["out"].astype(np.float64) - expected)
            if not np.all(errors <= limits):
                raise wrong(self.name, f"off by more than {bound.absolute:g} + {bound.relative:g} |y|")
            worst = max(worst, float(np.max(errors)))
        return {"max_error": worst}


async def _share(run: Run, types: list[Type], mine: np.ndarray | None) -> dict[str, Any]:
    """Shares of all operands; party i's input is the i-th."""
    named = [(f"x{i}", Type(Private(i), t.dtype, t.shape)) for i, t in enumerate(types)]
    lowered = compiled(
        lambda *xs: {f"x{i}": xp.to_secret(x) for i, x in enumerate(xs)}, named, "share", run.scheme.name
    )
    outputs = await execute(run.ctx.sub("share"), run.scheme, lowered, {f"x{run.me}": mine})
    return {name: value.share for name, value in outputs.items()}


async def _reveal(ctx: Ctx, run: Run, value: Value) -> np.ndarray | None:
    """The result, to all parties; None for a dealer."""
    secret = Type(SECRET, value.type.dtype, value.type.shape)
    program = compiled(lambda x: xp.reveal(x, name="out"), [("x", secret)], "reveal", run.scheme.name)
    return (await execute(ctx.sub("reveal"), run.scheme, program, {"x": value.share}))["out"].plain


def reals(rng: np.random.Generator, shape: tuple[int, ...], limit: float) -> np.ndarray:
    """Uniform in [-limit, limit], exactly representable in fixed point."""
    return np.round(np.ldexp(rng.uniform(-limit, limit, shape), FRACTION_BITS)) * 2.0**-FRACTION_BITS


class ElementwiseTask(OperationTask):
    """An operator on `--n` real numbers: one such array per operand, uniform in [-`limit`, `limit`]."""

    n_operands: ClassVar[int]
    limit: ClassVar[float]
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--n", "100000"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--n", type=int, required=True, help="elements")

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return {"n": options.n}

    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        return [reals(rng, (options.n,), self.limit) for _ in range(self.n_operands)]

    def types(self, options: argparse.Namespace) -> list[Type]:
        return [Type(Private(i), FIXED, (options.n,)) for i in range(self.n_operands)]
