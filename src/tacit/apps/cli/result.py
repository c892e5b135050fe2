"""What one party learned and what it cost, as one JSON object: for machines, reports and the demo."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from tacit.base.types import FRACTION_BITS
from tacit.ir.op import OPS
from tacit.mpc.scheme import find
from tacit.psi import choose
from tacit.run.greeting import PRODUCT_VERSION, WIRE_VERSION
from tacit.run.job import NO_SCHEME, Job, Run
from tacit.tasks.credit import Options, Outcome

_MATURITIES = ("experimental", "reviewed", "audited")


def terms_of(job: Job, psi: str = "") -> dict[str, Any]:
    """The public part of every result: who computed what under which rules. `psi`: what "auto" came to."""
    psi = psi or job.psi
    return {
        "job": job.id,
        "finished": datetime.now().astimezone().isoformat(timespec="minutes"),
        "task": job.task,
        "parties": [terms.name for terms in job.parties],
        "label_holder": next((terms.name for terms in job.parties if terms.label is not None), ""),
        "columns": {terms.name: len(terms.columns) for terms in job.parties},
        "scheme": job.scheme,
        "security": job.security,
        "psi": psi,
        "reveals": dict(job.reveals),
        "protocol": _protocol(job, psi),
        "version": PRODUCT_VERSION,
        "wire_version": WIRE_VERSION,
        "digest": job.digest().hex(),
    }


def _protocol(job: Job, psi: str) -> dict[str, Any]:
    """What the job's protocols claim, at the weakest of them."""
    settings = [setting for setting in (choose.setting_of(psi, job.security),) if setting is not None]
    if job.scheme != NO_SCHEME:
        settings.append(find(job.scheme, job.security).setting)
    sigmoid = OPS["sigmoid"].error.absolute
    return {
        "kappa": min(setting.kappa for setting in settings),
        "sigma": min(setting.sigma for setting in settings),
        "assumes": sorted({assumption for setting in settings for assumption in setting.assumes}),
        "maturity": min((setting.maturity for setting in settings), key=_MATURITIES.index),
        **({} if job.scheme == NO_SCHEME else {"fraction_bits": FRACTION_BITS, "sigmoid_error": sigmoid}),
    }


def psi_of(run: Run) -> str:
    """The set intersection that ran."""
    return run.job.psi if run.report.psi is None else run.report.psi.protocol


def traffic_of(run: Run, wire_bytes_sent: int) -> dict[str, Any]:
    """Bytes, rounds and seconds of one party. `wire_bytes_sent` counts headers too."""
    report = run.report
    return {
        "bytes_sent": dict(report.bytes_sent),
        "bytes_received": report.bytes_received,
        "wire_bytes_sent": wire_bytes_sent,
        "rounds": report.rounds,
        "seconds": {name: round(seconds, 4) for name, seconds in report.seconds.items()},
        "revealed": list(report.revealed),
    }


def training_result(run: Run, outcome: Outcome) -> dict[str, Any]:
    """All that party `run.me` learned by training."""
    part, mine = outcome.part, run.job.parties[run.me].name
    weights = None if part.weights is None else dict(zip(part.names, part.weights, strict=True))
    return {
        **terms_of(run.job, psi_of(run)),
        "party": mine,
        "model": part.model,
        "rows": {
            **asdict(outcome.counts),
            "train": outcome.n_train,
            "test": outcome.counts.common - outcome.n_train,
        },
        "options": asdict(Options.of(run.job)),
        "quality": asdict(outcome.quality),
        "coefficients": weights,
        "correlations": outcome.correlations,
        "dropped": list(part.plan.dropped),
    }
