"""The programs of a credit job are proved for every size of data, but not with every option."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit.base.errors import UsageError
from tacit.run.job import Job, PartyTerms
from tacit.stats.describe import correlation_with
from tacit.tasks.credit import Options, Step, _require_scorable, scoring_step, steps


def job(coefficients: str = "own", **options: Any) -> Job:
    parties = (PartyTerms("bank", "", "id", (), label="y"), PartyTerms("partner", "", "id", ()))
    return Job("case", "credit", parties, options, {"coefficients": coefficients, "scores": ["bank"]})


SIZES = [(130, (2, 1)), (4000, (12, 30)), (70_000, (300, 700)), (3_000_000, (20, 20))]


@pytest.mark.parametrize("coefficients", ["own", "shared"])
@pytest.mark.parametrize(("n", "widths"), SIZES)
def test_all_steps_are_proved(n: int, widths: tuple[int, int], coefficients: str) -> None:
    line: list[Step] = [*steps(job(coefficients), widths, n, n // 2)]
    for step in (*line, scoring_step(job(coefficients), widths, n, [0])):
        program = step.program("semi2k")
        assert set(dict(program.ranges)) == {name for name, _ in step.inputs}
    _require_scorable(job(coefficients), widths, n)


@pytest.mark.parametrize(("options", "proved"), [
    ({"epochs": 1000}, True),
    ({"epochs": 300, "rate": 1.0, "l2": 0.01}, True),
    ({"epochs": 1000, "rate": 10.0, "l2": 0.0}, False),
])  # fmt: skip
def test_long_training_needs_a_penalty(options: dict[str, Any], proved: bool) -> None:
    """Weights that l2 holds are below 8 / l2 whatever the number of epochs; the others grow by each step."""
    line = steps(job(**options), (6, 5), 2000, 1000)
    assert Options.of(job(**options)).epochs == options["epochs"]
    if proved:
        _require_scorable(job(**options), (6, 5), 2000)
        return
    with pytest.raises(UsageError) as refused:
        line[1].program("semi2k")
    assert refused.value.code == "RANGE-0001" and "linear.py" in refused.value.message


def test_weights_that_scores_could_not_bear_are_refused() -> None:
    """So few batches that the proof of training ends just before the range of scoring is left."""
    for epochs in (1000, 900, 800, 700, 600, 500):
        case = job(epochs=epochs, rate=6.0, l2=0.0)
        try:
            steps(case, (1, 1), 2000, 1000)[1].program("semi2k")
        except UsageError:
            continue
        _require_scorable(case, (1, 1), 2000)


def test_correlations_of_many_rows_are_still_those() -> None:
    rng = np.random.default_rng(3)
    for n in (500, 100_000):
        x = rng.normal(size=(n, 3))
        y = (rng.random(n) < 1 / (1 + np.exp(-x[:, 0]))).astype(float)
        standard = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
        expected = [np.corrcoef(column, y)[0, 1] for column in x.T]
        assert np.allclose(correlation_with(*standard), expected, atol=1e-9)
