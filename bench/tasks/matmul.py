"""Product of two shared square matrices of reals."""

from __future__ import annotations

import argparse
from typing import ClassVar

import numpy as np

from bench.operation import OperationTask, reals
from tacit.base.types import FIXED, Private, Type


class Matmul(OperationTask):
    name = operator = "matmul"
    summary = "product of two shared --n x --n matrices"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--n", "500"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--n", type=int, required=True, help="rows and columns")

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return {"m": options.n, "k": options.n, "n": options.n}

    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        return [reals(rng, (options.n, options.n), 10.0) for _ in range(2)]

    def types(self, options: argparse.Namespace) -> list[Type]:
        return [Type(Private(i), FIXED, (options.n, options.n)) for i in range(2)]


TASK = Matmul()
