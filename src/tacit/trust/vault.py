"""What rests on a party's own disk: private files, sealed files, and a folder for temporary data."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType, TracebackType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tacit.base.errors import UsageError
from tacit.base.prg import derive, fresh_entropy
from tacit.base.secret import Secret

VAULT_KEY_FILE = "vault.key"
VAULT_KEY_BYTES = 32

_MAGIC = b"TACITVLT\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
_COPIED_BYTES = 1 << 24
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write `data` to `path`, mode 0600 from the first byte, wholly or not at all, surviving a power cut.

    Raises UsageError VAULT-0004 if `path` exists and `replace` is False, VAULT-0005 if it cannot be written.
    """
    _write_private(path, [data], replace)


def copy_private(source: Path, path: Path) -> None:
    """As `write_private`, of a file that need not fit into memory, to a `path` that must not exist."""
    with source.open("rb") as stream:
        _write_private(path, iter(lambda: stream.read(_COPIED_BYTES), b""), replace=False)


def _write_private(path: Path, pieces: Iterable[bytes], replace: bool) -> None:
    draft = path.with_name(f".{path.name}.{fresh_entropy(8).hex()}.draft")
    try:
        descriptor = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for piece in pieces:
                    stream.write(piece)
                stream.flush()
                os.fsync(stream.fileno())
            if replace:
                os.replace(draft, path)
            else:
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise UsageError(
            "VAULT-0004",
            f"{str(path)!r} exists and is not overwritten",
            hint="choose another folder, or move the file away",
        ) from None
    except OSError as error:
        raise UsageError(
            "VAULT-0005",
            f"{str(path)!r} cannot be written: {error.strerror}",
            hint="check the folder, its permissions and the free space",
        ) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner may read.

    Raises UsageError VAULT-0003 if it is missing or unreadable, VAULT-0006 if others may read it.
    """
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if mode & 0o077:
                raise UsageError(
                    "VAULT-0006",
                    f"{str(path)!r} may be read by other users of this machine",
                    hint=f"chmod 600 {str(path)!r}; if others may have read it, make a new identity",
                )
            return stream.read()
    except OSError as error:
        raise UsageError(
            "VAULT-0003",
            f"{str(path)!r} cannot be read: {error.strerror}",
            hint="name the home folder that tacit init made",
        ) from None


def seal(home: Path, plaintext: bytes, context: bytes) -> bytes:
    """`plaintext` under the vault key of `home` (AES-256-GCM, fresh 96-bit nonce), 37 bytes longer.

    `context` names what it is (not secret, not stored); `unseal` must be given the same.
    """
    nonce = fresh_entropy(_NONCE_BYTES)
    return _MAGIC + nonce + _cipher(home).encrypt(nonce, plaintext, _MAGIC + context)


def unseal(home: Path, sealed: bytes, context: bytes) -> bytes:
    """Raises UsageError VAULT-0002 if `sealed` is not of this format, VAULT-0001 if it was changed,
    sealed in another home or for another context."""
    start = len(_MAGIC) + _NONCE_BYTES
    if not sealed.startswith(_MAGIC) or len(sealed) < start + _TAG_BYTES:
        raise UsageError(
            "VAULT-0002",
            "not a file that this version of Tacit sealed",
            hint="check the path; use the Tacit version that wrote the file",
        )
    try:
        return _cipher(home).decrypt(sealed[len(_MAGIC) : start], sealed[start:], _MAGIC + context)
    except InvalidTag:
        raise UsageError(
            "VAULT-0001",
            "a sealed file was changed, or belongs to another home or another purpose",
            hint="use the home folder that wrote it, or restore both from one backup",
        ) from None


def _cipher(home: Path) -> AESGCM:
    key = read_private(home / VAULT_KEY_FILE)
    if len(key) != VAULT_KEY_BYTES:
        raise UsageError("VAULT-0003", "the vault key is damaged", hint="restore it from a backup")
    return AESGCM(derive(Secret(key), "vault", "aes-256-gcm").expose())


class Workspace:
    """A folder (0700) inside `home` for temporary data, gone after the `with` block, however it ends.

    Removed on success, exception, exit and, in the main thread, on SIGTERM and SIGHUP, which then end the
    process as SystemExit(128 + number) unless the application handles them itself. What a kill -9 leaves
    is removed when the next workspace of this home opens: its lock is free then.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder: Path | None = None
        self._lock = -1
        self._owner = os.getpid()
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> Path:
        try:
            self._folder, self._lock = _new_folder(self._home)
        except OSError as error:
            raise UsageError(
                "VAULT-0005",
                f"no temporary folder can be made in {str(self._home)!r}: {error.strerror}",
                hint="check the folder, its permissions and the free space",
            ) from None
        self._owner = os.getpid()
        atexit.register(self.remove)
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING_SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, _end_process)
                    self._handled.append(number)
        return self._folder

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()
        for number in self._handled:
            signal.signal(number, signal.SIG_DFL)
        self._handled.clear()

    def remove(self) -> None:
        """Remove the folder now. Does nothing a second time, or in a forked child."""
        if self._folder is None or os.getpid() != self._owner:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)
        self._folder = None
        atexit.unregister(self.remove)


def _end_process(number: int, frame: FrameType | None) -> None:
    """Unwinds the main thread, so that `with` blocks end; a second signal does not disturb that."""
    for ending in _ENDING_SIGNALS:
        signal.signal(ending, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _new_folder(home: Path) -> tuple[Path, int]:
    """(a new locked folder, the descriptor that holds the lock); stale ones are removed first."""
    guard = os.open(home / ".workspace.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # The guard makes "create and lock" one step for other processes of this home.
        fcntl.flock(guard, fcntl.LOCK_EX)
        for left in home.glob("work-*"):
            _remove_if_stale(left)
        folder = home / f"work-{os.getpid()}-{fresh_entropy(8).hex()}"
        folder.mkdir(mode=0o700)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder, lock
    finally:
        os.close(guard)


def _remove_if_stale(folder: Path) -> None:
    """A lock dies with its process, so a folder whose lock is free has no owner (a pid may be used again)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)
