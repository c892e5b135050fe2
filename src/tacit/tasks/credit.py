"""The credit line as one job: alignment, joint statistics, training, evaluation, saved parts; and scoring.

Each party runs `train` on its own table; the same calls in the same order on every side. What is opened is
listed by `grants`, and everything else stays private or shared. Functions marked "runs secretly" are
ordinary numeric code that `Run.compute` compiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tacit.base.errors import PeerError, PolicyError, UsageError
from tacit.base.types import FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.ranges.prove import bounds, prove
from tacit.frame import features
from tacit.frame.disclosure import check_columns, check_counts
from tacit.frame.keys import Keys, canonical_keys
from tacit.frame.split import holdout
from tacit.ir.program import Program, Range
from tacit.learn.linear import Descent, score
from tacit.learn.logistic import fit_logistic
from tacit.learn.metrics import Quality, Ranking, quality, rank
from tacit.psi.functionality import Items
from tacit.run.compiled import compiled
from tacit.run.job import Job, Run
from tacit.run.policy import ALL, Grant, Policy
from tacit.stats.describe import correlation_with

THRESHOLD_ROWS = 20
SMALLEST_TEST = 2 * THRESHOLD_ROWS
LARGEST_PART = 2.0**26 - 2.0**16
"""Of a score, by one party's columns: the weights that a model may have follow from it."""
SMALLEST_DEVIATION = 1e-3
"""Of a column on the training rows; keeps a label of one class from dividing by zero before it is refused."""


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
        for name, value in job.options.items():
            if name not in Options.__dataclass_fields__:
                raise UsageError("CREDIT-0003", f"the train section has no option {name!r}")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError("CREDIT-0003", f"option {name!r} of the train section is not a number")
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
class Counts:
    """Of ids: mine, the peer's and common ones; mine that were left out as empty or repeated."""

    mine: int
    theirs: int
    common: int
    without_id: int
    repeated_id: int


@dataclass(frozen=True)
class Outcome:
    """What one party has at the end of training."""

    part: Part
    quality: Quality
    counts: Counts
    n_train: int
    correlations: dict[str, float]
    joint_rows: np.ndarray
    test: np.ndarray
    """int64[n] rows of my file in joint order, bool[n] which of them are held out."""


@dataclass(frozen=True)
class Aligned:
    """My rows of the joint table, in joint order."""

    table: pa.Table
    keys: Keys
    counts: Counts


def grants(job: Job) -> Policy:
    """What this job opens, to whom: the whole disclosure of `train` besides PSI's."""
    permits = [Grant("evaluation.*", ALL, guarded=True)]
    for number, terms in enumerate(job.parties):
        if own_correlations(job):
            permits.append(Grant(f"correlations.{terms.name}", (number,), guarded=True))
        if own_coefficients(job):
            permits.append(Grant(f"coefficients.{terms.name}", (number,), guarded=True))
    for name in job.reveals.get("scores", ()):
        permits.append(Grant(f"scores.{job.party(name)}", (job.party(name),)))
    return tuple(permits)


async def align(run: Run, table: pa.Table, *, threads: int = 1) -> Aligned:
    """PSI on the key column. Raises UsageError CREDIT-0001 for an empty intersection."""
    key = run.job.parties[run.me].key
    keys = canonical_keys(table[key], name=key)
    found = await run.align(Items(keys.data, keys.offsets), threads=threads)
    rows = found.rows
    if rows is None or not len(rows):
        raise UsageError(
            "CREDIT-0001",
            f"no common ids: {found.n_mine} here, {found.n_theirs} there, none in both",
            hint="check that both key columns hold the same kind of id, written the same way",
        )
    joint = keys.take(rows)
    counts = Counts(found.n_mine, found.n_theirs, len(joint), keys.n_null, keys.n_duplicate)
    run.ctx.log("aligned", n_mine=counts.mine, n_theirs=counts.theirs, n_common=counts.common)
    return Aligned(table.take(pa.array(joint.rows)), joint, counts)


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
    if own_coefficients(job) or own_correlations(job):
        for number, width in enumerate(widths):
            check_counts(n_train, width - (number == label_holder(job)), l2=options.l2)
        check_columns(mine.train[:, : len(mine.plan.names)], mine.plan.names, l2=options.l2)
    name = job.parties[me].name
    trained_on = {f"x.{name}": mine.train, "label": mine.label_train}
    correlations: dict[str, float] = {}
    if own_correlations(job):
        found = await _compute(run, statistics_step(job, widths, n_train), trained_on)
        correlations = dict(zip(mine.plan.names, map(float, found[name]), strict=True))
    if not own_coefficients(job):
        _require_scorable(job, widths, n_train)
    weights = await _compute(run, training_step(job, widths, n_train), trained_on)
    tested_on = {f"x.{name}": mine.test, "label": mine.label_test, **_named("w", weights)}
    counts = await _compute(run, evaluation_step(job, widths, n_test), tested_on)
    result = quality(n_test, Ranking(**counts))
    part = _part(run, mine, weights)
    return Outcome(part, result, aligned.counts, n_train, correlations, aligned.keys.rows, test)


def _named(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in values.items()}


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


async def _agree_widths(run: Run, n_columns: int, model: str = "") -> list[int]:
    """How many encoded columns each party has, the only thing said about them, and of which model.

    Raises: PeerError PEER-0001, CREDIT-0005 if a party would score with another model.
    """
    documents = await run.agree("widths", {"columns": n_columns, "model": model})
    if any(document.get("model") != model for document in documents):
        raise PeerError(
            "CREDIT-0005",
            "the parties hold parts of different models",
            hint="give --model the folder of the same training run on both sides",
        )
    widths = [document.get("columns") for document in documents]
    if any(not isinstance(width, int) or not 1 <= width <= 1 << 20 for width in widths):
        raise PeerError("PEER-0001", "a party announces an impossible number of columns")
    return [int(width) for width in widths if width is not None]


@dataclass(frozen=True)
class Step:
    """A function to compile, with its inputs: known from the job and public sizes alone."""

    name: str
    function: Callable[..., Any]
    inputs: tuple[tuple[str, Type], ...]
    ranges: Mapping[str, Range]

    def program(self, scheme: str) -> Program:
        """What runs under `scheme`; priced before anything is sent."""
        return compiled(self.function, self.inputs, self.name, scheme, self.ranges)

    def traced(self) -> Program:
        """As it is written, before it is compiled."""
        return trace(self.function, self.inputs, self.name, self.ranges)


def _step(
    job: Job,
    name: str,
    function: Callable[..., Any],
    widths: Sequence[int],
    inputs: Sequence[tuple[str, Type]],
) -> Step:
    """A step whose inputs lie where features, labels and weights do."""
    ranges = {"label": (0.0, 1.0)}
    for terms, width in zip(job.parties, widths, strict=True):
        weight = LARGEST_PART / (features.CLIP * width)
        ranges[f"x.{terms.name}"] = -features.CLIP, features.CLIP
        ranges[f"w.{terms.name}"] = -weight, weight
    return Step(name, function, tuple(inputs), {key: ranges[key] for key, _ in inputs})


def statistics_step(job: Job, widths: Sequence[int], n: int) -> Step:
    """Correlation of each party's columns with the label, told to their owner."""
    holder, names = label_holder(job), [terms.name for terms in job.parties]

    def correlations(*values: Any) -> dict[str, Any]:
        *blocks, label = values
        enough = _enough(label)
        real = xp.astype(label, xp.float64)
        standard = (real - xp.mean(real)) / xp.maximum(xp.std(real), SMALLEST_DEVIATION)
        revealed = {}
        for number, (name, block) in enumerate(zip(names, blocks, strict=True)):
            block = block[:, : widths[number] - 1] if number == holder else block
            spread = xp.maximum(xp.std(block, axis=0), SMALLEST_DEVIATION)
            scaled = (block - xp.mean(block, axis=0)) / spread
            found = correlation_with(scaled, standard)
            revealed[name] = xp.reveal(found, to=number, name=f"correlations.{name}", when=enough)
        return revealed

    return _step(job, "statistics", correlations, widths, [*_columns(job, widths, n), *_label(job, n)])


def training_step(job: Job, widths: Sequence[int], n: int) -> Step:
    """Weights by party name: revealed to the columns' owner, or left shared if the job says so."""
    holder, names = label_holder(job), [terms.name for terms in job.parties]
    descent = Options.of(job).descent(n)
    penalised = [np.ones(width) for width in widths]
    penalised[holder][-1] = 0.0

    def training(*values: Any) -> dict[str, Any]:
        *blocks, label = values
        weights = fit_logistic(blocks, xp.astype(label, xp.float64), descent, penalised)
        if not own_coefficients(job):
            return dict(zip(names, weights, strict=True))
        enough = _enough(label)
        return {
            name: xp.reveal(w, to=number, name=f"coefficients.{name}", when=enough)
            for number, (name, w) in enumerate(zip(names, weights, strict=True))
        }

    return _step(job, "training", training, widths, [*_columns(job, widths, n), *_label(job, n)])


def _require_scorable(job: Job, widths: Sequence[int], n: int) -> None:
    """Raises UsageError RANGE-0001 unless all weights that training can give are in the range of scoring: of
    weights that stay shared nobody could check it."""
    step, scored = training_step(job, widths, n), scoring_step(job, widths, n, ()).ranges
    found = bounds(prove(trace(step.function, step.inputs, step.name, step.ranges)))
    for name, (low, high) in found.items():
        limit = scored[f"w.{name}"][1]
        if max(-low, high) > limit:
            raise UsageError(
                "RANGE-0001",
                f"weights of {name!r} can reach {max(-low, high):.3g}; scores are right below {limit:.3g}",
                hint="fewer epochs, a smaller rate or more l2 in the train section",
            )


def evaluation_step(job: Job, widths: Sequence[int], n: int) -> Step:
    """AUC, KS and the gains table of the held-out rows, computed on shares of their scores."""
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

    inputs = [*_columns(job, widths, n), *_weights(job, widths), *_label(job, n)]
    return _step(job, "evaluation", evaluation, widths, inputs)


def scoring_step(job: Job, widths: Sequence[int], n: int, recipients: Sequence[int]) -> Step:
    """Scores of new rows, told to the parties that the job names."""
    n_parties = len(job.parties)

    def scoring(*values: Any) -> dict[str, Any]:
        total = score(values[:n_parties], values[n_parties:])
        return {f"scores{to}": xp.reveal(total, to=to, name=f"scores.{to}") for to in recipients}

    return _step(job, "scoring", scoring, widths, [*_columns(job, widths, n), *_weights(job, widths)])


def steps(job: Job, widths: Sequence[int], n_train: int, n_test: int) -> tuple[Step, ...]:
    """All that `train` computes after the alignment."""
    return (
        *([statistics_step(job, widths, n_train)] if own_correlations(job) else []),
        training_step(job, widths, n_train),
        evaluation_step(job, widths, n_test),
    )


def own_coefficients(job: Job) -> bool:
    """Whether each party learns the coefficients of its own columns."""
    return bool(job.reveals.get("coefficients", "own") == "own")


def own_correlations(job: Job) -> bool:
    """Whether each party learns its own columns' correlations with the label: as the coefficients, if the
    job has no line for them. They are sums over labels as well, so the same rule guards them."""
    return bool(job.reveals.get("correlations", "own" if own_coefficients(job) else "none") == "own")


def _columns(job: Job, widths: Sequence[int], n: int) -> list[tuple[str, Type]]:
    return [
        (f"x.{terms.name}", Type(Private(number), FIXED, (n, widths[number])))
        for number, terms in enumerate(job.parties)
    ]


def _label(job: Job, n: int) -> list[tuple[str, Type]]:
    return [("label", Type(Private(label_holder(job)), INT, (n,)))]


def _weights(job: Job, widths: Sequence[int]) -> list[tuple[str, Type]]:
    return [
        (
            f"w.{terms.name}",
            Type(Private(number) if own_coefficients(job) else SECRET, FIXED, (widths[number],)),
        )
        for number, terms in enumerate(job.parties)
    ]


def _enough(label: Any) -> Any:
    """Runs secretly: whether both classes have at least the threshold of rows."""
    positives = xp.sum(label)
    negatives = label.shape[0] - positives
    return xp.logical_and(positives >= THRESHOLD_ROWS, negatives >= THRESHOLD_ROWS)


async def _compute(run: Run, step: Step, data: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs by name: plaintext where I learn it, my share where nobody does, None where only others do."""
    program, source = step.program(run.scheme.name), None if run.project is None else step.traced()
    outputs = await run.compute(step.name, program, data, grants(run.job), source=source)
    return {name: value.plain if value.share is None else value.share for name, value in outputs.items()}


def _part(run: Run, mine: _Mine, weights: Mapping[str, Any]) -> Part:
    job, me = run.job, run.me
    model = run.ctx.sub("model").common(run.ctx.peer).bytes(16).tobytes().hex()
    name, has_intercept = job.parties[me].name, job.parties[me].label is not None
    if own_coefficients(job):
        return Part(
            model, name, mine.plan, tuple(float(value) for value in weights[name]), None, has_intercept
        )
    shares = tuple(tuple(int(v) for v in run.scheme.save(weights[terms.name])) for terms in job.parties)
    return Part(model, name, mine.plan, None, shares, has_intercept)


async def predict(
    run: Run, table: pa.Table, part: Part, *, threads: int = 1
) -> tuple[np.ndarray, np.ndarray] | None:
    """Scores of the common rows, for the parties that the job's `scores` line names: (rows of my file
    int64[n], probabilities float64[n]); None for the others.

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
    widths = await _agree_widths(run, x.shape[1], part.model)
    data = {f"x.{part.party}": x, **_named("w", _restore(run, part))}
    outputs = await _compute(run, scoring_step(job, widths, len(x), recipients), data)
    if run.me not in recipients:
        return None
    return aligned.keys.rows, 1.0 / (1.0 + np.exp(-outputs[f"scores{run.me}"]))


def _restore(run: Run, part: Part) -> dict[str, Any]:
    """Weights by party name, as training gave them."""
    names = [terms.name for terms in run.job.parties]
    if part.shares is not None:
        saved = (np.array(share, np.uint64) for share in part.shares)
        return {name: run.scheme.restore(data) for name, data in zip(names, saved, strict=True)}
    return {name: np.array(part.weights) if name == part.party else None for name in names}
