"""Logistic regression on columns split between the parties; the AUC is compared with the plaintext run of the
same program. Rows are aligned already; each party learns the coefficients of its own columns."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.datasets import SETS, load
from bench.party import Party
from bench.task import Clock, Figures, Outputs, SchemeTask, learners, wrong
from tacit.base.errors import UsageError
from tacit.base.types import FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.trace import trace
from tacit.ir.interpret import interpret
from tacit.ir.program import Program
from tacit.learn.linear import Descent
from tacit.learn.logistic import fit_logistic
from tacit.mpc.scheme import find
from tacit.run.compiled import compiled
from tacit.run.policy import Grant

LABEL_OWNER = 0
WORST_AUC_DIFFERENCE = 0.005


class Logreg(SchemeTask):
    name = "logreg"
    summary = "logistic regression on --rows x --cols synthetic columns, or on --data"
    clock: ClassVar[Clock] = "total"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("--rows", "10000", "--cols", "30", "--epochs", "1", "--batch", "256"),
    )

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--rows", type=int, default=10000)
        parser.add_argument("--cols", type=int, default=30, help="of all parties together")
        parser.add_argument(
            "--data", choices=sorted(SETS), help="a real data set instead of --rows and --cols"
        )
        parser.add_argument("--epochs", type=int, default=1)
        parser.add_argument("--batch", type=int, default=256)

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        sizes = (
            {"rows": options.rows, "cols": options.cols} if options.data is None else {"data": options.data}
        )
        return {**sizes, "epochs": options.epochs, "batch": options.batch}

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> dict[str, Any]:
        """All columns, the label, and the weights that the program finds in the clear."""
        owners = learners(options.scheme, folders)
        blocks, label = _synthetic(options, len(owners)) if options.data is None else load(options.data)
        for folder, block in zip(owners, blocks, strict=True):
            np.save(folder / "x.npy", block, allow_pickle=False)
        np.save(folders[LABEL_OWNER] / "label.npy", label, allow_pickle=False)
        widths = [block.shape[1] for block in blocks]
        for folder in folders:
            np.save(folder / "sizes.npy", np.array([len(label), *widths]), allow_pickle=False)
        program = trace(_training(options, widths), _inputs(len(label), widths), "training")
        named = {f"x{i}": block for i, block in enumerate(blocks)} | {"label": label}
        weights = interpret(program, named)
        return {"x": np.hstack(blocks), "label": label, "weights": np.concatenate(list(weights.values()))}

    async def play(self, party: Party) -> None:
        options = party.options
        n_rows, *widths = (int(size) for size in party.read("sizes"))
        data = {f"x{party.me}": party.read("x")} if party.me < len(widths) else {}
        if party.me == LABEL_OWNER:
            data["label"] = party.read("label")
        run = await party.run(options.scheme, options.security, options.ot)
        inputs = _inputs(n_rows, widths)
        program = compiled(_training(options, widths), inputs, "training", run.scheme.name)
        async with party.computing():
            fitted = await run.compute("training", program, data, ())
        secret = [(name, Type(SECRET, FIXED, value.type.shape)) for name, value in fitted.items()]
        shares = {name: value.share for name, value in fitted.items()}
        opening = compiled(_to_owners, secret, "coefficients", run.scheme.name)
        own = await run.compute("coefficients", opening, shares, _grants(len(widths)))
        if party.me < len(widths):
            weights = own[f"w{party.me}"].plain
            assert weights is not None
            party.give("weights", weights)

    def programs(self, options: argparse.Namespace) -> list[Program]:
        scheme = find(options.scheme, options.security, options.ot)
        n_owners = scheme.setting.parties - len(scheme.outsiders)
        widths = [len(block) for block in np.array_split(np.arange(options.cols), n_owners)]
        widths[LABEL_OWNER] += 1
        inputs = _inputs(options.rows, widths)
        return [compiled(_training(options, widths), inputs, "training", scheme.name)]

    def check(self, options: argparse.Namespace, expected: Any, folders: list[Path], out: Outputs) -> Figures:
        secure = _auc(
            expected["x"] @ np.concatenate([party["weights"] for party in learners(options.scheme, out)]),
            expected["label"],
        )
        plain = _auc(expected["x"] @ expected["weights"], expected["label"])
        if not abs(secure - plain) <= WORST_AUC_DIFFERENCE:
            raise wrong(self.name, f"AUC {secure:.4f}, in the clear {plain:.4f}")
        return {"auc": secure, "auc_plain": plain}


def _training(options: argparse.Namespace, widths: list[int]) -> Any:
    """The program: weights by party, left secret. The label's owner has the intercept as its last column."""
    descent = Descent(options.epochs, options.batch, rate=0.1, momentum=0.9, l2=0.001)
    penalised = [np.ones(width) for width in widths]
    penalised[LABEL_OWNER][-1] = 0.0

    def training(*values: Any) -> dict[str, Any]:
        *blocks, label = values
        weights = fit_logistic(blocks, xp.astype(label, xp.float64), descent, penalised)
        return {f"w{i}": w for i, w in enumerate(weights)}

    return training


def _inputs(n_rows: int, widths: list[int]) -> list[tuple[str, Type]]:
    columns = [(f"x{i}", Type(Private(i), FIXED, (n_rows, width))) for i, width in enumerate(widths)]
    return [*columns, ("label", Type(Private(LABEL_OWNER), INT, (n_rows,)))]


def _to_owners(*weights: Any) -> dict[str, Any]:
    return {f"w{i}": xp.reveal(w, to=i, name=f"w{i}") for i, w in enumerate(weights)}


def _grants(n: int) -> tuple[Grant, ...]:
    return tuple(Grant(f"w{i}", (i,)) for i in range(n))


def _synthetic(options: argparse.Namespace, n_parties: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Standard normal columns in equal blocks, and a label that follows a logistic model of them."""
    if options.rows < 1 or options.cols < n_parties:
        raise UsageError(
            "BENCH-0001", "fewer than one row, or than one column for each party", hint="more of both"
        )
    rng = np.random.default_rng(options.seed)
    x = rng.standard_normal((options.rows, options.cols))
    slopes = rng.standard_normal(options.cols) * 2 / np.sqrt(options.cols)
    label = (rng.random(options.rows) < 1 / (1 + np.exp(-(x @ slopes - 0.5)))).astype(np.int64)
    blocks = np.array_split(x, n_parties, axis=1)
    blocks[LABEL_OWNER] = np.hstack([blocks[LABEL_OWNER], np.ones((options.rows, 1))])
    return blocks, label


def _auc(score: np.ndarray, label: np.ndarray) -> float:
    """Mann-Whitney, ties counted one half."""
    order, first = np.unique(score, return_inverse=True)
    counts = np.bincount(first, minlength=len(order))
    middle = np.cumsum(counts) - (counts - 1) / 2
    n_positive = int(label.sum())
    wins = float(middle[first][label == 1].sum()) - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * (len(label) - n_positive))


TASK = Logreg()
