"""Sealed bytes open only unchanged, in their home and for their purpose; temporary data always goes."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import tacit.trust.vault
from tacit.base.errors import UsageError
from tacit.trust.identity import create
from tacit.trust.vault import Workspace, read_private, seal, unseal, write_private

SOURCE = str(Path(tacit.trust.vault.__file__).parents[2])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return create(tmp_path / "家 home", "bank").home


def refused(code: str, call: object, *arguments: object, **options: object) -> None:
    with pytest.raises(UsageError) as caught:
        call(*arguments, **options)  # type: ignore[operator]
    assert caught.value.code == code and caught.value.hint


@pytest.mark.parametrize("plaintext", [b"", b"x", bytes(range(256)) * 1000])
def test_round_trip(home: Path, plaintext: bytes) -> None:
    sealed = seal(home, plaintext, b"model 7")
    assert unseal(home, sealed, b"model 7") == plaintext
    assert len(sealed) == len(plaintext) + 37 and (not plaintext[1:] or plaintext not in sealed)
    assert seal(home, plaintext, b"model 7") != sealed


def test_every_flipped_bit_and_every_cut_is_refused(home: Path) -> None:
    sealed = seal(home, b"secret", b"c")
    for at in range(len(sealed)):
        flipped = bytearray(sealed)
        flipped[at] ^= 1 << at % 8
        refused("VAULT-0002" if at < 9 else "VAULT-0001", unseal, home, bytes(flipped), b"c")
    for length in range(len(sealed)):
        with pytest.raises(UsageError):
            unseal(home, sealed[:length], b"c")
    refused("VAULT-0001", unseal, home, sealed + b"x", b"c")


def test_another_context_or_home_is_refused(home: Path, tmp_path: Path) -> None:
    sealed = seal(home, b"secret", b"c")
    refused("VAULT-0001", unseal, home, sealed, b"d")
    refused("VAULT-0001", unseal, create(tmp_path / "other", "bank").home, sealed, b"c")
    refused("VAULT-0003", unseal, tmp_path / "nowhere", sealed, b"c")
    (home / "vault.key").chmod(0o644)
    refused("VAULT-0006", unseal, home, sealed, b"c")


def test_private_files(tmp_path: Path) -> None:
    path = tmp_path / "f"
    old = os.umask(0)
    try:
        write_private(path, b"one")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_private(path, b"two")
    assert read_private(path) == b"two"
    refused("VAULT-0004", write_private, path, b"three", replace=False)
    assert read_private(path) == b"two" and [p.name for p in tmp_path.iterdir()] == ["f"]
    refused("VAULT-0005", write_private, tmp_path / "no" / "f", b"")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    write_private(path, b"one")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    refused("VAULT-0005", write_private, path, b"two")
    assert path.read_bytes() == b"one" and [p.name for p in tmp_path.iterdir()] == ["f"]


def left(home: Path) -> list[Path]:
    return list(home.glob("work-*"))


def test_workspace_goes_on_success_and_failure(home: Path) -> None:
    with Workspace(home) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and folder.parent == home
        (folder / "deep").mkdir()
        (folder / "deep" / "rows").write_text("secret")
        with Workspace(home) as second:
            assert second != folder
        assert folder.is_dir() and not second.exists()
    assert not left(home)
    with pytest.raises(ZeroDivisionError), Workspace(home) as folder:
        (folder / "rows").write_text("secret")
        raise ZeroDivisionError
    assert not left(home)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_workspace_needs_a_home(tmp_path: Path) -> None:
    refused("VAULT-0005", Workspace(tmp_path / "nowhere").__enter__)


CHILD = """
import sys, time
from pathlib import Path
from tacit.trust.vault import Workspace
with Workspace(Path(sys.argv[1])) as folder:
    (folder / "rows").write_text("secret")
    print("ready", flush=True)
    {then}
"""


def child(home: Path, then: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD.format(then=then), str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([SOURCE, os.environ.get("PYTHONPATH", "")])},
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, -signal.SIGINT)]
)
def test_workspace_goes_on_signals(home: Path, number: signal.Signals, code: int) -> None:
    with child(home, "time.sleep(60)") as process:
        assert len(left(home)) == 1
        process.send_signal(number)
        assert process.wait(20) == code
    assert not left(home)


def test_a_second_signal_does_not_disturb_the_removal(home: Path) -> None:
    slow = "import shutil, os, signal; real = shutil.rmtree\n" + (
        "    def rmtree(*a, **k): os.kill(os.getpid(), signal.SIGTERM); time.sleep(0.1); real(*a, **k)\n"
        "    shutil.rmtree = rmtree; time.sleep(60)"
    )
    with child(home, slow) as process:
        process.terminate()
        assert process.wait(20) == 143
    assert not left(home)


def test_workspace_goes_when_the_loop_is_interrupted(home: Path) -> None:
    with child(home, "import asyncio; asyncio.run(asyncio.sleep(60))") as process:
        process.terminate()
        assert process.wait(20) == 143
    assert not left(home)


def test_workspace_goes_on_exit(home: Path) -> None:
    with child(home, "raise SystemExit(3)") as process:
        assert process.wait(20) == 3
    assert not left(home)


def test_what_a_kill_leaves_goes_at_the_next_start_and_nothing_else(home: Path) -> None:
    with child(home, "time.sleep(60)") as alive, child(home, "time.sleep(60)") as killed:
        assert len(left(home)) == 2
        killed.kill()
        killed.wait(20)
        assert len(left(home)) == 2
        with Workspace(home) as folder:
            names = {path.name.split("-")[1] for path in left(home)}
            assert names == {str(alive.pid), folder.name.split("-")[1]}
        alive.terminate()
        alive.wait(20)
    assert not left(home)


@pytest.mark.filterwarnings("ignore:os.fork.. was called:RuntimeWarning")
def test_a_forked_child_does_not_remove_it(home: Path) -> None:
    workspace = Workspace(home)
    with workspace as folder:
        child_id = os.fork()
        if child_id == 0:
            workspace.remove()
            os._exit(0)
        os.waitpid(child_id, 0)
        assert folder.is_dir()
    assert not left(home)
