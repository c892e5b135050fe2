"""The sum of one array from each of many parties, revealed to all: a group's assets by client."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.party import Party
from bench.task import Clock, Figures, Outputs, Task, wrong
from tacit.base.types import INT, Private, Type
from tacit.blocks.sharing import feldman87
from tacit.compile import array as xp
from tacit.mpc.scheme import load
from tacit.run.compiled import compiled
from tacit.run.policy import ALL, Grant

SCHEME = "additive"


class Total(Task):
    name = "total"
    summary = "the sum of --n numbers of each of --parties, to all of them"
    clock: ClassVar[Clock] = "total"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--n", "1000000", "--parties", "10"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--n", type=int, required=True, help="numbers of each party")
        parser.add_argument("--parties", type=int, default=10)
        parser.add_argument(
            "--verifiable", action="store_true", help="by shares that are checked, against deviating parties"
        )

    def labels(self, options: argparse.Namespace) -> tuple[int, str, str]:
        if options.verifiable:
            return options.parties, "feldman87", feldman87.MINORITY.adversary
        return options.parties, SCHEME, load(SCHEME).setting.adversary

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return {"n": options.n}

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> np.ndarray:
        rng = np.random.default_rng(options.seed)
        arrays = [rng.integers(-(10**12), 10**12, options.n) for _ in folders]
        for folder, array in zip(folders, arrays, strict=True):
            np.save(folder / "input.npy", array, allow_pickle=False)
        return np.sum(arrays, axis=0)

    async def play(self, party: Party) -> None:
        mine = party.read("input")
        party.give("total", await (_checked if party.options.verifiable else _total)(party, mine))

    def check(
        self, options: argparse.Namespace, expected: np.ndarray, folders: list[Path], out: Outputs
    ) -> Figures:
        if not all(np.array_equal(party["total"], expected) for party in out):
            raise wrong(self.name, "another total")
        return {"max_error": 0.0}


async def _total(party: Party, mine: np.ndarray) -> np.ndarray:
    run = await party.run(SCHEME, "semi-honest")
    inputs = [(f"x{i}", Type(Private(i), INT, mine.shape)) for i in range(party.n)]
    program = compiled(_sum, inputs, "total", SCHEME)
    async with party.computing():
        outputs = await run.compute("total", program, {f"x{party.me}": mine}, (Grant("total", ALL),))
    total = outputs["total"].plain
    assert total is not None
    return total


def _sum(*arrays: Any) -> dict[str, Any]:
    return {"total": xp.reveal(sum(arrays[1:], start=arrays[0]), name="total")}


async def _checked(party: Party, mine: np.ndarray) -> np.ndarray:
    ctx = await party.session()
    async with party.computing():
        opened = await feldman87.total(ctx, mine, feldman87.most_corrupted(party.n), party.n)
    return opened.values


TASK = Total()
