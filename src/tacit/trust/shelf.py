"""Files of one run in a folder that only this user may read: what is larger than memory, or outlives a cut.

A file is on the disk itself before `replace` returns, and what was appended to others before it as well; so
whatever a replaced file says of them is true after a loss of power.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tacit.base.errors import UsageError
from tacit.trust.vault import write_private


class Shelf:
    """`folder` is made if it is not there; no other run may use it. Names are plain file names."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError VAULT-0005."""
        self._folder = folder
        self._unsafe: set[str] = set()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.chmod(folder, 0o700)
        except OSError as error:
            raise _refused(folder, error) from None

    @contextmanager
    def held(self) -> Iterator[None]:
        """While this process works with it. Raises UsageError VAULT-0007 if another one does."""
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise UsageError(
                "VAULT-0007",
                f"another process works in {str(self._folder)!r}",
                hint="wait until it has ended; one job runs once at a time on each side",
            ) from None
        finally:
            os.close(handle)

    def append(self, name: str, data: bytes | memoryview) -> None:
        """Raises UsageError VAULT-0005 if the disk is full."""
        try:
            with (self._folder / name).open("ab") as file:
                file.write(data)
        except OSError as error:
            raise _refused(self._folder, error) from None
        self._unsafe.add(name)

    def read(self, name: str, start: int = 0, n_bytes: int | None = None) -> np.ndarray:
        """uint8[n]: `n_bytes` from `start` on, fewer where the file ends; empty if there is no such file."""
        path = self._folder / name
        if not path.exists():
            return np.zeros(0, np.uint8)
        return np.fromfile(path, np.uint8, -1 if n_bytes is None else n_bytes, offset=start)

    def shorten(self, name: str, n_bytes: int) -> None:
        """Drop what lies beyond the first `n_bytes`."""
        path = self._folder / name
        if path.exists() and path.stat().st_size > n_bytes:
            os.truncate(path, n_bytes)
            self._unsafe.add(name)

    def replace(self, name: str, data: bytes) -> None:
        """The whole file, or the old one if that fails. Raises UsageError VAULT-0005."""
        try:
            for other in sorted(self._unsafe):
                _settle(self._folder / other)
        except OSError as error:
            raise _refused(self._folder, error) from None
        write_private(self._folder / name, data)
        self._unsafe.clear()

    def clear(self) -> None:
        """Delete all files."""
        for path in self._folder.iterdir():
            path.unlink()
        self._unsafe.clear()

    def remove(self) -> None:
        """Delete the files and the folder."""
        self.clear()
        self._folder.rmdir()


def _settle(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refused(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        "VAULT-0005",
        f"{str(folder)!r} cannot be written: {error.strerror or 'the disk refuses'}",
        hint="free room on this disk, or choose a folder that you may write, and start again",
    )
