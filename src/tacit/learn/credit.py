"""The credit line as one job: alignment, joint statistics, training, evaluation, saved parts; and scoring.

Each party runs `train` on its own table; the same calls in the same order on every side. What is opened is
listed by `grants`, and everything else stays private or shared. Functions marked "runs secretly" are
ordinary numeric code that `Run.compute` compiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tacit.base.errors import PeerError, PolicyError, UsageError
from tacit.base.types import FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.frame import features
from tacit.frame.disclosure import check_columns
from tacit.frame.keys import Keys, canonical_keys
from tacit.frame.split import holdout
from tacit.learn.linear import Descent, score
from tacit.learn.logistic import fit_logistic
from tacit.learn.metrics import Quality, Ranking, quality, rank
from tacit.mpc.scheme import Share
from tacit.psi.functionality import Items
from tacit.run.job import Job, Run
from tacit.run.policy import ALL, Grant, Policy, check_coefficients
from tacit.stats.describe import correlation_with

THRESHOLD_ROWS = 20
SMALLEST_TEST = 2 * THRESHOLD_ROWS


@dataclass(frozen=True)
class Options:
    """The `train` section of a job. `batch_rows` 0 means n / 32, at least 64."""

    epochs: int = 10
    batch_rows: int = 0
    rate: float = 0.1
    momentum: float = 0.9
    l2: float = 0.001
    test_fraction: float = 1 / 3
    seed: int = 0

    @staticmethod
    def of(job: Job) -> Options:
        """Raises UsageError CREDIT-0003 for an unknown or senseless option."""
        unknown = sorted(set(job.options) - set(Options.__dataclass_fields__))
        if unknown:
            raise UsageError("CREDIT-0003", f"the train section has no option {unknown[0]!r}")
        options = Options(**dict(job.options))
        sensible = (
            1 <= options.epochs <= 1000
            and options.batch_rows >= 0
            and 0 < options.rate <= 10
            and 0 <= options.momentum < 1
            and 0 <= options.l2 <= 100
            and 0.05 <= options.test_fraction <= 0.9
        )
        if not sensible:
            raise UsageError(
                "CREDIT-0003",
                "an option of the train section is out of its range",
                hint="epochs 1…1000, rate 0…10, momentum 0…1, l2 0…100, test_fraction 0.05…0.9",
            )
        return options

    def descent(self, n_rows: int) -> Descent:
        batch = self.batch_rows or max(64, n_rows // 32)
        return Descent(self.epochs, batch, self.rate, self.momentum, self.l2)


@dataclass(frozen=True)
class Part:
    """One party's part of a model. `weights`: its own coefficients, or None where they stay shared;
    `shares`: its shares of everybody's coefficients in that case."""

    model: str
    party: str
    plan: features.FeaturePlan
    weights: tuple[float, ...] | None
    shares: tuple[tuple[int, ...], ...] | None
    has_intercept: bool

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.plan.names, *(("(intercept)",) if self.has_intercept else ()))


@dataclass(frozen=True)
class Outcome:
    """What one party has at the end of training."""

    part: Part
    quality: Quality
    n_joint: int
    n_train: int
    correlations: dict[str, float]
    joint_rows: np.ndarray
    test: np.ndarray
    """int64[n_joint] rows of my file in joint order, bool[n_joint] which of them are held out."""


@dataclass(frozen=True)
class Aligned:
    """My rows of the joint table, in joint order."""

    table: pa.Table
    keys: Keys
    n_mine: int
    n_theirs: int


def grants(job: Job) -> Policy:
    """What this job opens, to whom: the whole disclosure of `train` besides PSI's."""
    own = job.reveals.get("coefficients", "own") == "own"
    permits = [Grant("evaluation.*", ALL, guarded=True)]
    for number, terms in enumerate(job.parties):
        permits.append(Grant(f"correlations.{terms.name}", (number,), guarded=True))
        if own:
            permits.append(Grant(f"coefficients.{terms.name}", (number,), guarded=True))
    for name in job.reveals.get("scores", ()):
        permits.append(Grant("scores", (job.party(name),)))
    return tuple(permits)


async def align(run: Run, table: pa.Table, *, threads: int = 1) -> Aligned:
    """PSI on the key column. Raises UsageError CREDIT-0001 for an empty intersection."""
    key = run.job.parties[run.me].key
    keys = canonical_keys(table[key], name=key)
    run.ctx.log("keys", n=len(keys), n_null=keys.n_null, n_duplicate=keys.n_duplicate)
    found = await run.align(Items(keys.data, keys.offsets), threads=threads)
    rows = found.rows
    if rows is None or not len(rows):
        raise UsageError(
            "CREDIT-0001",
            f"no common ids: {found.n_mine} here, {found.n_theirs} there, none in both",
            hint="check that both key columns hold the same kind of id, written the same way",
        )
    joint = keys.take(rows)
    return Aligned(table.take(pa.array(joint.rows)), joint, found.n_mine, found.n_theirs)


async def train(run: Run, table: pa.Table, *, threads: int = 1) -> Outcome:
    """The whole line for one party. `table`: the key, this party's columns, the label if it has it."""
    job, me = run.job, run.me
    options = Options.of(job)
    aligned = await align(run, table, threads=threads)
    test = holdout(aligned.keys, options.test_fraction, options.seed)
    n_test = int(test.sum())
    n_train = len(test) - n_test
    if n_test < SMALLEST_TEST or n_train < SMALLEST_TEST:
        raise PolicyError(
            "CREDIT-0002",
            f"{len(test)} common rows leave {n_train} for training and {n_test} for the test: "
            f"at least {SMALLEST_TEST} of each are needed",
            hint="bring more rows; results on so few would give single rows away",
        )
    mine = _prepare(job, me, aligned.table, test)
    widths = await _agree_widths(run, mine.train.shape[1])
    own = job.reveals.get("coefficients", "own") == "own"
    if own:
        check_coefficients(n_rows=n_train, columns=widths, l2=options.l2)
        check_columns(mine.train[:, : len(mine.plan.names)], mine.plan.names, l2=options.l2)
    correlations = await _statistics(run, mine, widths, n_train)
    weights = await _fit(run, mine, widths, options.descent(n_train), own=own)
    result = await _evaluate(run, mine, widths, weights, n_test)
    part = _part(run, mine, weights, own)
    return Outcome(part, result, len(test), n_train, correlations, aligned.keys.rows, test)


@dataclass(frozen=True)
class _Mine:
    """My columns as numbers: float64[n, d], the label holder's with a last column of ones."""

    plan: features.FeaturePlan
    train: np.ndarray
    test: np.ndarray
    label_train: np.ndarray | None
    label_test: np.ndarray | None


def _prepare(job: Job, me: int, table: pa.Table, test: np.ndarray) -> _Mine:
    terms = job.parties[me]
    train_table = table.filter(pa.array(~test))
    test_table = table.filter(pa.array(test))
    plan = features.fit(train_table, column_entries(job, me))
    x_train, x_test = plan.transform(train_table)[0], plan.transform(test_table)[0]
    if terms.label is None:
        return _Mine(plan, x_train, x_test, None, None)
    label = features.label_column(table, terms.label, terms.positive)
    return _Mine(plan, _with_ones(x_train), _with_ones(x_test), label[~test], label[test])


def _with_ones(x: np.ndarray) -> np.ndarray:
    return np.hstack([x, np.ones((len(x), 1))])


def column_entries(job: Job, me: int) -> list[Mapping[str, Any]]:
    """This party's columns as the job lists them."""
    return [dict(entry) for entry in job.parties[me].columns]


def label_holder(job: Job) -> int:
    """Number of the one party with a label. Raises UsageError CREDIT-0004."""
    holders = [number for number, terms in enumerate(job.parties) if terms.label is not None]
    if len(holders) != 1:
        raise UsageError(
            "CREDIT-0004", f"{len(holders)} parties have a label, one must", hint="write label: at one party"
        )
    return holders[0]


async def _agree_widths(run: Run, n_columns: int) -> list[int]:
    """How many encoded columns each party has; the only thing said about them."""
    documents = await run.agree("widths", {"columns": n_columns})
    widths = [document.get("columns") for document in documents]
    if any(not isinstance(width, int) or not 1 <= width <= 1 << 20 for width in widths):
        raise PeerError("PEER-0001", "a party announces an impossible number of columns")
    return [int(width) for width in widths if width is not None]


def _columns(run: Run, x: np.ndarray, widths: Sequence[int]) -> tuple[list[tuple[str, Type]], dict[str, Any]]:
    """Inputs `x.<party>` of a program and my data for them."""
    inputs = [
        (f"x.{terms.name}", Type(Private(number), FIXED, (len(x), widths[number])))
        for number, terms in enumerate(run.job.parties)
    ]
    return inputs, {f"x.{run.job.parties[run.me].name}": x}


def _enough(label: Any) -> Any:
    """Runs secretly: whether both classes have at least the threshold of rows."""
    positives = xp.sum(label)
    negatives = label.shape[0] - positives
    return xp.logical_and(positives >= THRESHOLD_ROWS, negatives >= THRESHOLD_ROWS)


async def _statistics(run: Run, mine: _Mine, widths: list[int], n: int) -> dict[str, float]:
    """Correlation of each party's columns with the label, told to their owner."""
    job, holder = run.job, label_holder(run.job)
    inputs, data = _columns(run, mine.train, widths)
    names = [terms.name for terms in job.parties]

    def correlations(*values: Any) -> dict[str, Any]:
        *blocks, label = values
        enough = _enough(label)
        real = xp.astype(label, xp.float64)
        standard = (real - xp.mean(real)) / xp.std(real)
        revealed = {}
        for number, (name, block) in enumerate(zip(names, blocks, strict=True)):
            block = block[:, : widths[number] - 1] if number == holder else block
            scaled = (block - xp.mean(block, axis=0)) / xp.std(block, axis=0)
            found = correlation_with(scaled, standard)
            revealed[name] = xp.reveal(found, to=number, name=f"correlations.{name}", when=enough)
        return revealed

    inputs.append(("label", Type(Private(holder), INT, (n,))))
    outputs = await run.compute(
        "statistics", correlations, inputs, data | {"label": mine.label_train}, grants(job)
    )
    found = outputs[names[run.me]].plain
    assert found is not None
    return dict(zip(mine.plan.names, (float(value) for value in found), strict=True))


async def _fit(run: Run, mine: _Mine, widths: list[int], descent: Descent, *, own: bool) -> dict[str, Any]:
    """Weights by party name: mine in plaintext and the others' None if `own`, else shares of all."""
    job, holder = run.job, label_holder(run.job)
    inputs, data = _columns(run, mine.train, widths)
    names = [terms.name for terms in job.parties]
    penalised = [np.ones(width) for width in widths]
    penalised[holder][-1] = 0.0

    def training(*values: Any) -> dict[str, Any]:
        *blocks, label = values
        weights = fit_logistic(blocks, xp.astype(label, xp.float64), descent, penalised)
        if not own:
            return dict(zip(names, weights, strict=True))
        enough = _enough(label)
        return {
            name: xp.reveal(w, to=number, name=f"coefficients.{name}", when=enough)
            for number, (name, w) in enumerate(zip(names, weights, strict=True))
        }

    inputs.append(("label", Type(Private(holder), INT, (len(mine.train),))))
    outputs = await run.compute("training", training, inputs, data | {"label": mine.label_train}, grants(job))
    return {name: value.plain if own else value.share for name, value in outputs.items()}


def _weight_inputs(
    run: Run, widths: list[int], weights: Mapping[str, Any]
) -> tuple[list[tuple[str, Type]], dict[str, Any]]:
    inputs = []
    for number, terms in enumerate(run.job.parties):
        shared = isinstance(weights[terms.name], Share)
        inputs.append(
            (f"w.{terms.name}", Type(SECRET if shared else Private(number), FIXED, (widths[number],)))
        )
    return inputs, {f"w.{name}": value for name, value in weights.items()}


async def _evaluate(run: Run, mine: _Mine, widths: list[int], weights: Mapping[str, Any], n: int) -> Quality:
    """AUC, KS and the gains table of the held-out rows, computed on shares of their scores."""
    job, holder = run.job, label_holder(run.job)
    columns, data = _columns(run, mine.test, widths)
    factors, values = _weight_inputs(run, widths, weights)
    n_parties = len(job.parties)

    def evaluation(*values: Any) -> dict[str, Any]:
        blocks, parts, label = values[:n_parties], values[n_parties:-1], values[-1]
        enough = _enough(label)
        ranking = rank(score(blocks, parts), label)
        return {
            name: value
            if isinstance(value, np.ndarray)
            else xp.reveal(value, name=f"evaluation.{name}", when=enough)
            for name, value in vars(ranking).items()
        }

    inputs = [*columns, *factors, ("label", Type(Private(holder), INT, (n,)))]
    given = data | values | {"label": mine.label_test}
    outputs = await run.compute("evaluation", evaluation, inputs, given, grants(job))
    return quality(n, Ranking(**{name: value.plain for name, value in outputs.items()}))


def _part(run: Run, mine: _Mine, weights: Mapping[str, Any], own: bool) -> Part:
    job, me = run.job, run.me
    model = run.ctx.sub("model").common(run.ctx.peer).bytes(16).tobytes().hex()
    name = job.parties[me].name
    mine_only = tuple(float(value) for value in weights[name]) if own else None
    shares = None if own else tuple(tuple(int(v) for v in weights[t.name].data) for t in job.parties)
    return Part(model, name, mine.plan, mine_only, shares, job.parties[me].label is not None)


async def predict(
    run: Run, table: pa.Table, part: Part, *, threads: int = 1
) -> tuple[np.ndarray, np.ndarray] | None:
    """Scores of the common rows, for the party that the job's `scores` line names: (rows of my file int64[n],
    probabilities float64[n]); None for the others.

    Leaks: a score minus one's own part is the other's part, hence the line of its own. Raises PolicyError
    POLICY-0005 without that line.
    """
    job = run.job
    recipients = [job.party(name) for name in job.reveals.get("scores", ())]
    if not recipients:
        raise PolicyError(
            "POLICY-0005",
            "row scores are not opened: the job has no line for them",
            hint="write `scores: [bank]` in the reveal section of the job, on both sides",
        )
    aligned = await align(run, table, threads=threads)
    x = part.plan.transform(aligned.table)[0]
    x = _with_ones(x) if part.has_intercept else x
    widths = await _agree_widths(run, x.shape[1])
    columns, data = _columns(run, x, widths)
    factors, values = _weight_inputs(run, widths, _restore(run, part))
    n_parties = len(job.parties)

    def scoring(*values: Any) -> dict[str, Any]:
        total = score(values[:n_parties], values[n_parties:])
        return {f"scores{to}": xp.reveal(total, to=to, name="scores") for to in recipients}

    outputs = await run.compute("scoring", scoring, [*columns, *factors], data | values, grants(job))
    if run.me not in recipients:
        return None
    total = outputs[f"scores{run.me}"].plain
    assert total is not None
    return aligned.keys.rows, 1.0 / (1.0 + np.exp(-total))


def _restore(run: Run, part: Part) -> dict[str, Any]:
    """Weights by party name, as `_fit` gave them."""
    names = [terms.name for terms in run.job.parties]
    if part.shares is not None:
        return {
            name: run.scheme.restore(np.array(share, np.uint64))
            for name, share in zip(names, part.shares, strict=True)
        }
    assert part.weights is not None
    mine = run.job.parties[run.me].name
    return {name: np.array(part.weights) if name == mine else None for name in names}
