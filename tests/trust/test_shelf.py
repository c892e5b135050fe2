"""Files of a run: private, whole or not at all, and a named error where the disk refuses."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tacit.base.errors import UsageError
from tacit.trust.shelf import Shelf


def test_the_folder_is_for_its_owner_and_goes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "deep" / "run")
    assert (tmp_path / "deep" / "run").stat().st_mode & 0o777 == 0o700
    shelf.append("found", b"abc")
    shelf.remove()
    assert not (tmp_path / "deep" / "run").exists()


def test_files_are_appended_shortened_and_replaced(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    assert shelf.read("found").size == 0
    shelf.append("found", b"abc")
    shelf.append("found", memoryview(b"defg"))
    shelf.shorten("found", 5)
    shelf.shorten("found", 9)
    assert shelf.read("found").tobytes() == b"abcde"
    shelf.replace("state", b"one")
    shelf.replace("state", b"two")
    assert shelf.read("state").tobytes() == b"two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found", "state"]
    shelf.clear()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_takes_no_more_is_named(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, limit[1]))
    try:
        with pytest.raises(UsageError) as refused:
            shelf.append("found", bytes(17))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert refused.value.code == "VAULT-0005"


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError) as refused:
        Shelf(tmp_path / "file" / "run")
    assert refused.value.code == "VAULT-0005"
