"""A project on this party's disk: its copy of the ledger, what this party approved, its keys at work.

In the home folder: `ledgers/NAME.jsonl`, only ever appended to, and `approvals/NAME.json`. One run of a
project at a time: the ledger is locked as long as it is open.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tacit.apps.cli.psi_terms import as_written
from tacit.base.errors import UsageError
from tacit.base.prg import derive
from tacit.base.secret import Secret
from tacit.run.gate.ledger import Approved, Ledger
from tacit.run.project import Approval, Hand, Project, read_approval
from tacit.trust.signing import is_signed, sign
from tacit.trust.vault import read_private, write_private

if TYPE_CHECKING:
    from tacit.apps.cli.party import Seat
    from tacit.run.job import Job

_FINGERPRINT_BYTES = 16
_PURPOSE = "project"


@contextmanager
def project_of(seat: Seat, job: Job) -> Iterator[Project | None]:
    """The project that `job` belongs to, open for one run; None if it belongs to none.

    Raises: UsageError LEDGER-0002 if another run of it is under way; PolicyError LEDGER-0001.
    """
    name = seat.file.job.project
    if not name:
        yield None
        return
    path = _folder(seat, "ledgers") / f"{name}.jsonl"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                "LEDGER-0002",
                f"another run of project {name!r} is under way on this machine",
                hint="let it end, or stop it, and start this one again",
            ) from None

        def store(line: str) -> None:
            os.write(descriptor, line.encode() + b"\n")
            os.fsync(descriptor)

        hand = _hand(seat, name)
        ledger = Ledger(path.read_text("utf-8").splitlines(), hand.verify, len(seat.file.job.parties))
        approval = seat.home / "approvals" / f"{name}.json"
        text = approval.read_text("utf-8") if approval.exists() else ""
        hand = Hand(hand.sign, hand.verify, hand.fingerprint, store)
        yield Project(name, _terms(seat, job), ledger, hand, text)
    finally:
        os.close(descriptor)


def read_ledger(seat: Seat) -> Ledger:
    """What the project of the job has revealed so far; empty if the job belongs to none."""
    name = seat.file.job.project
    path = seat.home / "ledgers" / f"{name}.jsonl"
    lines = path.read_text("utf-8").splitlines() if name and path.exists() else ()
    return Ledger(lines, _hand(seat, name).verify, len(seat.file.job.parties))


def approve(seat: Seat, lines: tuple[Approved, ...]) -> Path:
    """Sign for these verdicts, with the ledger as it is now; the file, which the next run shows the peer."""
    job = seat.file.job
    hand = _hand(seat, job.project)
    approval = Approval(seat.me, job.project, _terms(seat), read_ledger(seat).head, lines)
    path = _folder(seat, "approvals") / f"{job.project}.json"
    write_private(path, approval.text(hand.sign).encode())
    return path


def approved(seat: Seat) -> tuple[Approved, ...]:
    """What this party signed for, if it holds for this job and the ledger as it is now."""
    path = seat.home / "approvals" / f"{seat.file.job.project}.json"
    if not seat.file.job.project or not path.exists():
        return ()
    found = read_approval(path.read_text("utf-8"), _hand(seat, seat.file.job.project).verify)
    holds = (found.terms, found.head) == (_terms(seat), read_ledger(seat).head)
    return found.lines if holds else ()


def _terms(seat: Seat, job: Job | None = None) -> str:
    """What an approval binds: of a query of sets, the job with all that it asks, as the file has it or as it
    runs; of other tasks, the job of the file."""
    if seat.file.job.task == "psi":
        return (job or as_written(seat.file, seat.terms.name)).digest().hex()
    return seat.file.job.digest().hex()


def _hand(seat: Seat, name: str) -> Hand:
    def verify(party: int, signature: bytes, message: bytes) -> bool:
        known = 0 <= party < len(seat.file.certificates)
        return known and is_signed(seat.file.certificates[party], _PURPOSE, message, signature)

    def fingerprint(data: bytes) -> str:
        key = derive(Secret(read_private(seat.identity.vault_key_path)), "project data", name)
        return hashlib.blake2b(data, key=key.expose(), digest_size=_FINGERPRINT_BYTES).hexdigest()

    return Hand(
        lambda message: sign(seat.identity, _PURPOSE, message), verify, fingerprint, lambda line: None
    )


def _folder(seat: Seat, name: str) -> Path:
    folder = seat.home / name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
