"""The comparison that only the demo can make, because it owns both files: the same model in the clear.

The same functions as in the joint run, on plain arrays: the same rows, order and split, once on all columns
together, once on the label holder's alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tacit.base.errors import InternalError
from tacit.frame import features
from tacit.learn.linear import Descent, score
from tacit.learn.logistic import fit_logistic
from tacit.learn.metrics import Quality, quality, rank
from tacit.run.job import Job
from tacit.tasks.credit import Options, column_entries, label_holder


def compare(
    job: Job, tables: Sequence[pa.Table], rows: Sequence[np.ndarray], test: np.ndarray
) -> tuple[Quality, Quality]:
    """(quality with the columns of all parties pooled, with the label holder's alone) on the held-out rows.

    tables: each party's rows as `party.read_table` gives them; rows: int64[n], which of them are the joint
    ones; test: bool[n]. Raises InternalError CLI-0073 if the joint rows are not of the same ids.
    """
    options, holder = Options.of(job), label_holder(job)
    aligned = [table.take(pa.array(index)) for table, index in zip(tables, rows, strict=True)]
    ids = [table[terms.key].combine_chunks() for table, terms in zip(aligned, job.parties, strict=True)]
    if not all(ids[0].equals(others) for others in ids):
        raise InternalError("CLI-0073", "the parties aligned rows of different ids", hint="please report it")
    terms = job.parties[holder]
    label = features.label_column(aligned[holder], terms.label or "", terms.positive)
    blocks = [_encode(job, number, table, test) for number, table in enumerate(aligned)]
    intercept = np.ones((len(test), 1))
    descent = options.descent(int((~test).sum()))
    return (
        _fit_and_rank([*blocks, intercept], label, test, descent),
        _fit_and_rank([blocks[holder], intercept], label, test, descent),
    )


def _encode(job: Job, number: int, table: pa.Table, test: np.ndarray) -> np.ndarray:
    plan = features.fit(table.filter(pa.array(~test)), column_entries(job, number))
    return plan.transform(table)[0]


def _fit_and_rank(
    blocks: Sequence[np.ndarray], label: np.ndarray, test: np.ndarray, descent: Descent
) -> Quality:
    """The last block is the intercept, which is not penalised."""
    penalised = [np.ones(block.shape[1]) for block in blocks]
    penalised[-1][:] = 0.0
    weights = fit_logistic(
        [block[~test] for block in blocks], label[~test].astype(np.float64), descent, penalised
    )
    scores = score([block[test] for block in blocks], weights)
    return quality(int(test.sum()), rank(scores, label[test]))
