"""How far a private join has come and how long it will take, as its events tell."""

from __future__ import annotations

from typing import Any

import pytest

from tacit.apps.cli.tracker import Tracker


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(tracker: Tracker, event: str, **fields: Any) -> None:
    tracker({"event": event, "path": "", **fields})


def test_the_prediction_gives_way_to_what_is_observed() -> None:
    watch = Watch()
    tracker = Tracker("psi", now_s=watch)
    told(tracker, "begin", step="psi")
    assert tracker.left_s is None
    told(tracker, "choice", protocol="rr22", seconds=8.0, because="work")
    assert tracker.steps["psi"].detail == ("step.chosen", {"protocol": "rr22", "seconds": "8.0"})
    assert tracker.left_s is None
    told(tracker, "psi", done=0, total=4)
    assert tracker.left_s == pytest.approx(8.0)
    watch.now = 4.0
    told(tracker, "psi", done=1, total=4)
    assert tracker.left_s == pytest.approx(0.25 * 12 + 0.75 * 4)
    watch.now = 30.0
    told(tracker, "psi", done=3, total=4)
    assert tracker.left_s == pytest.approx(0.75 * 10)
    assert tracker.steps["psi"].detail == ("step.left", {"percent": 75, "seconds": "8"})
    told(tracker, "psi", done=4, total=4)
    assert tracker.left_s == 0.0
    told(tracker, "end", step="psi", seconds=40.0, bytes=7)
    assert tracker.steps["psi"].status == "done" and tracker.steps["psi"].seconds == 40.0


def test_a_run_that_goes_on_is_predicted_from_where_it_was() -> None:
    watch = Watch()
    tracker = Tracker("psi", now_s=watch)
    told(tracker, "begin", step="psi")
    told(tracker, "read", done=1_234_567)
    assert tracker.steps["psi"].detail == ("step.read", {"rows": "1,234,567"})
    told(tracker, "choice", protocol="rr22", seconds=6.0, because="memory")
    told(tracker, "psi", done=6, total=8)
    assert tracker.left_s == pytest.approx(6.0)
    watch.now = 4.0
    told(tracker, "psi", done=7, total=8)
    assert tracker.left_s == pytest.approx(0.5 * 4 + 0.5 * 2)
    told(tracker, "psi", done=8, total=8)
    assert tracker.left_s == 0.0


def test_without_a_prediction_only_the_share_is_shown() -> None:
    tracker = Tracker("train", epochs=1)
    told(tracker, "begin", step="psi")
    told(tracker, "psi", done=1, total=2)
    assert tracker.steps["psi"].detail == ("step.share", {"percent": 50})
