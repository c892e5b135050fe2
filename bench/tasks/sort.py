"""Sorting a shared array of 64-bit integers."""

from __future__ import annotations

import argparse
from typing import ClassVar

import numpy as np

from bench.operation import OperationTask
from tacit.base.types import INT, Private, Type


class Sort(OperationTask):
    name = operator = "sort"
    summary = "--n shared 64-bit keys in ascending order"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--scheme", "rep3", "--n", "100000"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--n", type=int, required=True, help="keys")

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return {"n": options.n}

    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        return [rng.integers(-(1 << 61), 1 << 61, options.n)]

    def types(self, options: argparse.Namespace) -> list[Type]:
        return [Type(Private(0), INT, (options.n,))]


TASK = Sort()
