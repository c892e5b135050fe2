"""How far a party's run has come, as its progress events tell."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

STEPS: Mapping[str, tuple[str, ...]] = {
    "train": ("connect", "setup", "psi", "statistics", "training", "evaluation"),
    "predict": ("connect", "setup", "psi", "scoring"),
    "psi": ("connect", "setup", "psi"),
}

_LOOP = re.compile(r"/step\.([0-9]+)(?=/|$)")
_GROUP = re.compile(r"/group\.[0-9]+(?=/|$)")
_LOOP_DEPTH = 2
"""Training is epochs of batches; loops further down are an operator's own."""


@dataclass
class Step:
    """One step of a run. `fraction` in [0, 1], None where nobody can tell; `detail`: what goes on now."""

    status: Literal["open", "running", "done", "failed"] = "open"
    fraction: float | None = None
    detail: tuple[str, dict[str, Any]] | None = None
    seconds: float | None = None
    bytes: int | None = None


@dataclass
class Tracker:
    """State of one party's run, changed by calling it with its events."""

    task: str
    epochs: int = 0
    steps: dict[str, Step] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    now_s: Callable[[], float] = time.monotonic
    _totals: dict[int, int] = field(default_factory=dict)
    _groups: tuple[int, int] = (1, 0)
    _aligning_since: float = 0.0
    _predicted_s: float | None = None
    _found_done: float | None = None
    """The share that a run that was cut had done before."""

    def __post_init__(self) -> None:
        self.steps = {name: Step() for name in STEPS[self.task]}

    @property
    def running(self) -> str:
        """The name of the step that runs now, or ""."""
        return next((name for name, step in self.steps.items() if step.status == "running"), "")

    def __call__(self, event: dict[str, Any]) -> None:
        handler = getattr(self, "_on_" + str(event["event"]).replace(".", "_"), None)
        if handler is not None:
            handler(event)

    def _on_connect(self, event: dict[str, Any]) -> None:
        self._begin(
            "connect", ("step.listens" if event["listens"] else "step.dials", {"address": event["address"]})
        )

    def _on_waiting(self, event: dict[str, Any]) -> None:
        self.steps["connect"].detail = ("step.waiting", {"peer": event["peer"], "seconds": event["seconds"]})

    def _on_connected(self, event: dict[str, Any]) -> None:
        self._end("connect", {})

    def _on_begin(self, event: dict[str, Any]) -> None:
        self._totals.clear()
        self._begin(event["step"])

    def _on_end(self, event: dict[str, Any]) -> None:
        self._end(event["step"], event)

    def _on_aligned(self, event: dict[str, Any]) -> None:
        self.steps["psi"].detail = ("step.aligned", {"common": event["n_common"]})

    def _on_choice(self, event: dict[str, Any]) -> None:
        self._aligning_since, self._predicted_s = self.now_s(), float(event["seconds"])
        self._found_done = None
        seconds = f"{event['seconds']:.1f}"
        self.steps["psi"].detail = ("step.chosen", {"protocol": event["protocol"], "seconds": seconds})

    def _on_read(self, event: dict[str, Any]) -> None:
        self.steps["psi"].detail = ("step.read", {"rows": f"{event['done']:,}"})

    def _on_psi(self, event: dict[str, Any]) -> None:
        step, share = self.steps["psi"], event["done"] / max(1, event["total"])
        if _GROUP.search(event["path"]):
            groups, done = self._groups
            step.fraction = (done + share) / max(1, groups)
        else:
            self._groups = event["total"], event["done"]
            step.fraction = share
        if self._found_done is None:
            self._found_done = step.fraction
        percent, left = round(100 * step.fraction), self.left_s
        step.detail = ("step.share", {"percent": percent})
        if left is not None:
            step.detail = ("step.left", {"percent": percent, "seconds": f"{left:.0f}"})

    @property
    def left_s(self) -> float | None:
        """Seconds that the set intersection still takes: predicted at first, observed towards the end."""
        fraction = self.steps["psi"].fraction
        if self._predicted_s is None or fraction is None:
            return None
        before = self._found_done or 0.0
        fraction = (fraction - before) / (1 - before) if before < 1 else 1.0
        spent = self.now_s() - self._aligning_since
        observed = spent * (1 - fraction) / fraction if fraction else self._predicted_s
        predicted = max(0.0, self._predicted_s - spent)
        return fraction * observed + (1 - fraction) * predicted

    def _on_step(self, event: dict[str, Any]) -> None:
        outer = [int(index) for index in _LOOP.findall(event["path"])]
        depth = len(outer)
        if self.running != "training" or depth >= _LOOP_DEPTH:
            return
        self._totals[depth] = event["total"]
        epochs = self._totals.get(0) or self.epochs
        if not epochs:
            return
        done = event["done"] / event["total"] if depth else float(event["done"])
        epoch = (outer[0] if depth else event["done"] - 1) + 1
        step = self.steps["training"]
        step.fraction = min(1.0, ((outer[0] if depth else 0) + done) / epochs)
        step.detail = ("step.epoch", {"epoch": epoch, "epochs": epochs})

    def _on_error(self, event: dict[str, Any]) -> None:
        self.error = event
        for step in self.steps.values():
            if step.status == "running":
                step.status = "failed"

    def _begin(self, name: str, detail: tuple[str, dict[str, Any]] | None = None) -> None:
        if name in self.steps:
            self.steps[name] = Step("running", detail=detail)

    def _end(self, name: str, event: Mapping[str, Any]) -> None:
        if name in self.steps:
            detail = self.steps[name].detail if name == "psi" else None
            self.steps[name] = Step("done", 1.0, detail, event.get("seconds"), event.get("bytes"))
