"""The credit line on real data, two parties in one process: intersections and AUC against the references."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tacit.base.errors import PolicyError, TacitError, UsageError
from tacit.base.protocol import gather
from tacit.frame import features
from tacit.frame.source import open_table
from tacit.net.memory import MemoryNetwork
from tacit.run.job import Job, PartyTerms, Run
from tacit.tasks import credit
from tests.data_sets import data_file
from tests.harness import SEED, StoppedClock

NAMES = ("bank", "partner")


@dataclass(frozen=True)
class Case:
    """A job and both sides' tables."""

    job: Job
    tables: tuple[pa.Table, pa.Table]


def case(
    tables: tuple[pa.Table, pa.Table],
    key: str,
    label: str,
    options: dict[str, Any] | None = None,
    reveals: dict[str, Any] | None = None,
) -> Case:
    terms = []
    for name, table in zip(NAMES, tables, strict=True):
        columns = tuple({"name": c} for c in table.column_names if c not in (key, label))
        terms.append(PartyTerms(name, "", key, columns, label if label in table.column_names else None))
    return Case(Job("oracle", "credit", tuple(terms), options or {}, reveals or {}), tables)


def real(stem: str, sides: tuple[str, str], key: str, label: str, **terms: Any) -> Case:
    first, second = (open_table(data_file(f"vfl/{stem}_{side}.csv.gz"), text=[key]) for side in sides)
    return case((first, second), key, label, **terms)


def made(
    n: int, seed: int = 0, shift: int = 0, label: np.ndarray | None = None, **columns: np.ndarray
) -> tuple[pa.Table, pa.Table]:
    """n rows on each side, the partner's `shift` customers further on; `columns` are more of its own."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n + shift, 4))
    chance = 1 / (1 + np.exp(-x @ np.array([0.7, -0.7, 1.5, 1.5])))
    y = (rng.random(n + shift) < chance).astype(np.int64)[:n]
    bank = {
        "id": [f"c{i}" for i in range(n)],
        "y": y if label is None else label,
        "a": x[:n, 0],
        "b": x[:n, 1],
    }
    partner = {"id": [f"c{i}" for i in range(shift, n + shift)], "c": x[shift:, 2], "d": x[shift:, 3]}
    return pa.table(bank), pa.table(partner | columns)


def run_both(job: Job, party: Any) -> list[Any]:
    """Each party's result or named error, told to the other as the command line does."""

    async def everybody() -> list[Any]:
        network = MemoryNetwork(2, timeout_s=300, transcript=False)

        async def one(me: int) -> Any:
            end = network.endpoint(me)
            try:
                result = await party(
                    await Run.open(job, me, end, clock=StoppedClock(), insecure_seed=SEED), me
                )
                await end.close()
                return result
            except TacitError as error:
                await end.close(error.code)
                return error

        return await gather(*(one(me) for me in (0, 1)))

    return asyncio.run(everybody())


def train(what: Case) -> list[Any]:
    async def party(run: Run, me: int) -> Any:
        return await credit.train(run, what.tables[me]), run.report

    return run_both(what.job, party)


def pooled(what: Case, outcomes: list[credit.Outcome]) -> tuple[float, float]:
    """AUC of scikit-learn on the same training and test rows: on all columns, and on the bank's alone."""
    test = outcomes[0].test
    blocks, label = [], np.zeros(0)
    for me, (table, outcome) in enumerate(zip(what.tables, outcomes, strict=True)):
        joint = table.take(pa.array(outcome.joint_rows))
        plan = features.fit(joint.filter(pa.array(~test)), credit.column_entries(what.job, me))
        blocks.append(plan.transform(joint)[0])
        terms = what.job.parties[me]
        if terms.label:
            label = features.label_column(joint, terms.label)

    def auc(x: np.ndarray) -> float:
        known = LogisticRegression(C=1.0, max_iter=5000).fit(x[~test], label[~test])
        return float(roc_auc_score(label[test], known.decision_function(x[test])))

    return auc(np.hstack(blocks)), auc(blocks[0])


def digest(table: pa.Table, rows: np.ndarray, key: str) -> str:
    ids = sorted(str(v) for v in table[key].take(pa.array(rows)).to_pylist())
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


# --- real data ----------------------------------------------------------------------------------------


def test_breast_with_shared_coefficients() -> None:
    what = real("breast_hetero", ("guest", "host"), "id", "y", reveals={"coefficients": "shared"})
    (first, report), (second, _) = train(what)
    assert first.counts.common == second.counts.common == 569
    assert first.quality == second.quality
    reference, _ = pooled(what, [first, second])
    assert abs(first.quality.auc - reference) <= 0.005
    assert first.quality.auc == pytest.approx(0.9974, abs=0.01), "the data set's README"
    assert first.part.weights is None and first.part.shares is not None
    assert not any("coefficients" in entry["name"] for entry in report.revealed)


def check_gmc(outcomes: list[credit.Outcome], what: Case) -> None:
    known = "d1bc2d8a94152e2450daec317ab8ed32793ff092ddfe5049aa326e308eec2af9"
    for table, outcome in zip(what.tables, outcomes, strict=True):
        assert outcome.counts.common == 13_928
        assert digest(table, outcome.joint_rows, "uid") == known


def test_gmc_intersection_is_the_known_one() -> None:
    """Partial overlap, 17,000 ids a side: alignment alone."""
    what = real("gmc_overlap_dev", ("bank", "partner"), "uid", "SeriousDlqin2yrs")

    async def party(run: Run, me: int) -> Any:
        return await credit.align(run, what.tables[me])

    aligned = run_both(what.job, party)
    known = "d1bc2d8a94152e2450daec317ab8ed32793ff092ddfe5049aa326e308eec2af9"
    for table, found in zip(what.tables, aligned, strict=True):
        assert digest(table, found.keys.rows, "uid") == known
    ids = [what.tables[me]["uid"].take(pa.array(aligned[me].keys.rows)).to_pylist() for me in (0, 1)]
    assert ids[0] == ids[1], "one joint order"


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("stem", "sides", "key", "label", "n_joint"),
    [
        ("gmc_overlap_dev", ("bank", "partner"), "uid", "SeriousDlqin2yrs", 13_928),
        ("default_credit_hetero", ("guest", "host"), "id", "y", 30_000),
    ],
)
def test_large_sets(stem: str, sides: tuple[str, str], key: str, label: str, n_joint: int) -> None:
    """Bucketed metrics: within their bound of the pooled model's AUC, plus 0.005 for the model."""
    what = real(stem, sides, key, label)
    (first, _), (second, _) = train(what)
    assert first.counts.common == second.counts.common == n_joint
    reference, alone = pooled(what, [first, second])
    assert abs(first.quality.auc - reference) <= 0.005 + first.quality.auc_bound
    assert first.quality.auc_bound < 0.01
    assert stem.startswith("default") or reference > alone


# --- small made data ----------------------------------------------------------------------------------


def test_a_small_job_from_end_to_end() -> None:
    what = case(made(400, shift=100), "id", "y", {"epochs": 5})
    (first, report), (second, _) = train(what)
    assert first.counts.common == 300
    assert first.part.weights is not None and second.part.weights is not None
    assert (len(first.part.weights), len(second.part.weights)) == (3, 2), (
        "its own columns, an intercept at the bank"
    )
    reference, alone = pooled(what, [first, second])
    assert abs(first.quality.auc - reference) <= 0.02 and reference > alone
    assert set(first.correlations) == {"a", "b"} and set(second.correlations) == {"c", "d"}
    revealed = {entry["name"] for entry in report.revealed}
    assert {
        "set sizes",
        "intersection",
        "coefficients.bank",
        "coefficients.partner",
        "evaluation.wins",
    } <= revealed
    joint = what.tables[0].take(pa.array(first.joint_rows))
    train_rows = joint.filter(pa.array(~first.test))
    expected = np.corrcoef(train_rows["a"].to_numpy(), train_rows["y"].to_numpy())[0, 1]
    assert abs(first.correlations["a"] - expected) < 1e-3


def test_both_sides_hold_the_same_model_and_metrics() -> None:
    (first, _), (second, _) = train(case(made(200), "id", "y", {"epochs": 2}))
    assert first.part.model == second.part.model
    assert first.quality == second.quality
    assert np.array_equal(first.test, second.test)


def test_scores_need_their_own_line_and_are_then_right() -> None:
    tables = made(240)
    (first, _), (second, _) = train(case(tables, "id", "y", {"epochs": 3}))

    def predict(reveals: dict[str, Any]) -> list[Any]:
        what = case(tables, "id", "y", {"epochs": 3}, reveals)

        async def party(run: Run, me: int) -> Any:
            return await credit.predict(run, tables[me], (first, second)[me].part)

        return run_both(what.job, party)

    assert [error.code for error in predict({})] == ["POLICY-0005"] * 2
    got, nothing = predict({"scores": ["bank"]})
    assert nothing is None
    rows, probabilities = got
    x = np.hstack([first.part.plan.transform(tables[0])[0], np.ones((240, 1))])
    linear = x @ np.array(first.part.weights) + second.part.plan.transform(tables[1])[0] @ np.array(
        second.part.weights
    )
    assert np.abs(probabilities - 1 / (1 + np.exp(-linear[rows]))).max() < 1e-4


@pytest.mark.parametrize(
    ("tables", "options", "code", "kind"),
    [
        (made(200, shift=1000), {}, "CREDIT-0001", UsageError),
        (made(60), {}, "CREDIT-0002", PolicyError),
        (made(200), {"l2": 0.0}, "COEF-0001", PolicyError),
        (
            made(200, **{f"e{i}": np.random.default_rng(i).normal(size=200) for i in range(9)}),
            {},
            "COEF-0002",
            PolicyError,
        ),
        (made(200, e=(np.arange(200) < 9).astype(float)), {}, "COEF-0003", PolicyError),
        (made(200), {"epochs": 0}, "CREDIT-0003", UsageError),
        (made(200), {"epoch": 3}, "CREDIT-0003", UsageError),
    ],
    ids=["no-common-ids", "few-rows", "no-l2", "many-columns", "thin-column", "no-epochs", "unknown-option"],
)
def test_what_is_refused(
    tables: tuple[pa.Table, pa.Table], options: dict[str, Any], code: str, kind: type[TacitError]
) -> None:
    results = train(case(tables, "id", "y", options))
    codes = [result.code if isinstance(result, TacitError) else "a result" for result in results]
    assert code in codes and set(codes) <= {code, "PEER-0002", "PEER-0004"}
    assert all(isinstance(r, kind) for r in results if r.code == code)


def test_few_of_one_class_reveal_nothing() -> None:
    label = np.zeros(300, np.int64)
    label[::20] = 1
    results = train(case(made(300, label=label), "id", "y", {"epochs": 1}))
    assert [result.code for result in results] == ["POLICY-0001"] * 2


def test_a_training_part_of_one_class_meets_its_threshold() -> None:
    tables = made(200)
    first, _ = train(case(tables, "id", "y", {"epochs": 1}))[0]
    label = np.zeros(200, np.int64)
    label[first.joint_rows[first.test][0]] = 1
    with np.errstate(all="ignore"):
        results = train(case(made(200, label=label), "id", "y", {"epochs": 1}))
    assert [result.code for result in results] == ["POLICY-0001"] * 2


# --- what should be refused, or be said, and is not yet -------------------------------------------------


def test_correlations_do_not_give_a_label_away() -> None:
    """With `coefficients: shared` no column is looked at: one that marks a few rows tells their labels."""
    tables = made(300, mark=(np.arange(300) < 5).astype(float))
    results = train(case(tables, "id", "y", {"epochs": 1}, {"coefficients": "shared"}))
    told = [set(r[0].correlations) for r in results if not isinstance(r, TacitError)]
    assert all("mark" not in names for names in told)


def test_parts_of_two_models_do_not_score() -> None:
    tables = made(200)
    parts = [train(case(tables, "id", "y", {"epochs": e}))[me][0].part for me, e in ((0, 1), (1, 2))]
    assert parts[0].model != parts[1].model
    what = case(tables, "id", "y", {}, {"scores": ["bank"]})

    async def party(run: Run, me: int) -> Any:
        return await credit.predict(run, tables[me], parts[me])

    assert any(isinstance(result, TacitError) for result in run_both(what.job, party))


def test_options_of_another_type_are_named() -> None:
    with pytest.raises(UsageError):
        credit.Options.of(case(made(60), "id", "y", {"epochs": "ten"}).job)


def test_an_l2_of_nothing_is_no_regularisation() -> None:
    results = train(case(made(200), "id", "y", {"epochs": 1, "l2": 1e-12}))
    assert any(isinstance(result, PolicyError) for result in results)
