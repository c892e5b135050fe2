"""What a party keeps of a finished training: `<home>/models/<job>/`, whole or not at all, mode 0600.

Under its vault key: `part.sealed`, its part of the model, and `rows.sealed`, which rows of its file were
used, in the joint order, and which of them for the test. `result.json` and, added last, `report.html` say
what it learned, for its own people.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from tacit.base.errors import UsageError
from tacit.base.wire import canonical_json
from tacit.frame.features import FeaturePlan
from tacit.tasks.credit import Outcome, Part
from tacit.trust.vault import read_private, seal, unseal, write_private

PART_FILE = "part.sealed"
ROWS_FILE = "rows.sealed"
RESULT_FILE = "result.json"
REPORT_FILE = "report.html"

_CONTEXT = b"tacit model part 1"
_ROWS_CONTEXT = b"tacit joint rows 1"


def save(home: Path, workspace: Path, outcome: Outcome, result: Mapping[str, Any]) -> Path:
    """The new folder `models/<job>` or, if there is one already, `models/<job>-2` and so on.

    Everything is written into `workspace` (of the same disk) first. Raises UsageError VAULT-0005.
    """
    draft = workspace / "model"
    draft.mkdir(mode=0o700)
    write_private(draft / PART_FILE, seal(home, canonical_json(_part_to_json(outcome.part)), _CONTEXT))
    # One number per row: its place in the file, and its sign bit for the test.
    rows = np.where(outcome.test, ~outcome.joint_rows, outcome.joint_rows).astype("<i8")
    write_private(draft / ROWS_FILE, seal(home, rows.tobytes(), _ROWS_CONTEXT))
    text = json.dumps(result, ensure_ascii=False, indent=2, allow_nan=False)
    write_private(draft / RESULT_FILE, text.encode())
    models = home / "models"
    try:
        models.mkdir(mode=0o700, exist_ok=True)
        return _rename(draft, models, str(result["job"]))
    except OSError as error:
        raise UsageError(
            "VAULT-0005",
            f"{str(models)!r} cannot be written: {error.strerror}",
            hint="check the folder's permissions",
        ) from None


def _rename(draft: Path, models: Path, name: str) -> Path:
    for number in count(1):
        folder = models / (name if number == 1 else f"{name}-{number}")
        if folder.exists():
            continue
        try:
            os.rename(draft, folder)
            return folder
        except OSError as error:
            # Another process made it just now; the system never replaces a folder that holds something.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise AssertionError


def load_part(home: Path, folder: Path, party: str) -> Part:
    """Raises UsageError VAULT-0001 to VAULT-0003, CLI-0007 if it is not this party's part of a model."""
    raw = unseal(home, read_private(folder / PART_FILE), _CONTEXT)
    part = _part_from_json(json.loads(raw))
    if part.party != party:
        raise UsageError(
            "CLI-0007",
            f"the model in {str(folder)!r} is the part of {part.party!r}, not of {party!r}",
            hint="give this party's own folder under models/",
        )
    return part


def load_rows(home: Path, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(int64[n] rows of the file in the joint order, bool[n] which were held out). Raises as `load_part`."""
    rows = np.frombuffer(unseal(home, read_private(folder / ROWS_FILE), _ROWS_CONTEXT), "<i8")
    test = rows < 0
    return np.where(test, ~rows, rows), test


def _part_to_json(part: Part) -> dict[str, Any]:
    return {
        "version": 1,
        "model": part.model,
        "party": part.party,
        "plan": part.plan.to_json(),
        "weights": part.weights,
        "shares": part.shares,
        "has_intercept": part.has_intercept,
    }


def _part_from_json(fields: Mapping[str, Any]) -> Part:
    try:
        if fields["version"] != 1:
            raise ValueError
        weights, shares = fields["weights"], fields["shares"]
        return Part(
            str(fields["model"]),
            str(fields["party"]),
            FeaturePlan.from_json(fields["plan"]),
            None if weights is None else tuple(map(float, weights)),
            None if shares is None else tuple(tuple(map(int, share)) for share in shares),
            bool(fields["has_intercept"]),
        )
    except (KeyError, TypeError, ValueError):
        raise UsageError(
            "CLI-0007",
            "the saved model cannot be read by this version",
            hint="train again, or use the Tacit version that saved it",
        ) from None
