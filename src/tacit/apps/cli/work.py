"""`tacit train` and `tacit predict`: one party's whole command, from files to files."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from tacit.apps.cli.check import refuse_blocked
from tacit.apps.cli.entries import require_new
from tacit.apps.cli.events import Listener
from tacit.apps.cli.party import Seat, hold, read_table, run_to_end
from tacit.apps.cli.report import party_report
from tacit.apps.cli.result import psi_of, terms_of, traffic_of, training_result
from tacit.apps.cli.saved import REPORT_FILE, load_part, save
from tacit.base.errors import PolicyError
from tacit.frame.source import open_table
from tacit.net.tls import TlsTransport
from tacit.run.job import Job, Run
from tacit.tasks import credit
from tacit.tasks.credit import Part
from tacit.trust.vault import Workspace, write_private

T = TypeVar("T")


def train(seat: Seat, listener: Listener, language: str) -> dict[str, Any]:
    """Train with the peer and save this party's part; the result, with `folder` and `report`.

    Temporary data live in a workspace of the home and go with it. Raises what the file, the link, the peer
    and the policy give reason for.
    """
    job = seat.file.job
    with Workspace(seat.home) as workspace:
        table = read_table(seat)
        refuse_blocked(seat, table)

        async def whole(run: Run) -> tuple[Run, credit.Outcome]:
            return run, await credit.train(run, table, threads=seat.local.threads)

        (run, outcome), transport = _run(seat, job, listener, whole)
        result = training_result(run, outcome) | traffic_of(run, transport.wire_bytes_sent)
        folder = save(seat.home, workspace, outcome, result).absolute()
        report = folder / REPORT_FILE
        write_private(report, party_report(result, language).encode())
    return result | {"folder": str(folder), "report": str(report)}


def predict(seat: Seat, model: Path, data: Path, out: Path, listener: Listener) -> dict[str, Any]:
    """Score the common rows of `data` with the peer; the party that the job names writes `out`.

    Raises: UsageError CLI-0008 if `out` exists, besides what `train` raises.
    """
    require_new(out)
    terms = seat.terms
    if not seat.file.job.reveals["scores"]:
        raise PolicyError(
            "POLICY-0005",
            "row scores are not opened: the job has no line for them",
            hint=f"write reveal: {{scores: [{terms.name}]}} in the job file, on both sides",
        )
    with Workspace(seat.home):
        part = load_part(seat.home, model, terms.name)
        names = list(dict.fromkeys([terms.key, *(column.name for column in part.plan.columns)]))
        table = open_table(data, names, text=list(dict.fromkeys([terms.key, *part.plan.text_columns])))
        job = prediction_job(seat.file.job, part)

        async def whole(run: Run) -> tuple[Run, tuple[np.ndarray, np.ndarray] | None]:
            return run, await credit.predict(run, table, part, threads=seat.local.threads)

        (run, scored), transport = _run(seat, job, listener, whole)
        written = None
        if scored is not None:
            write_private(out, _scores_csv(table[terms.key], terms.key, *scored), replace=False)
            written = str(out.absolute())
    return {
        **terms_of(job, psi_of(run)),
        "party": terms.name,
        "model": part.model,
        "unseen": part.plan.unseen(table),
        "n_scored": 0 if scored is None else len(scored[0]),
        "scores": written,
        **traffic_of(run, transport.wire_bytes_sent),
    }


def prediction_job(job: Job, part: Part) -> Job:
    """The job of scoring with the model of `part`; another model on the other side is named by JOB-0003."""
    return replace(job, task="predict", options={"model": part.model})


def _run(
    seat: Seat, job: Job, listener: Listener, whole: Callable[[Run], Awaitable[T]]
) -> tuple[T, TlsTransport]:
    return run_to_end(hold(seat, job, listener, whole))


def _scores_csv(keys: pa.ChunkedArray, name: str, rows: np.ndarray, scores: np.ndarray) -> bytes:
    """Key and score, in the order of the file."""
    order = np.argsort(rows, kind="stable")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name, "score"])
    for key, score in zip(keys.take(pa.array(rows[order])).to_pylist(), scores[order], strict=True):
        writer.writerow([key, f"{score:.6f}"])
    return text.getvalue().encode()
