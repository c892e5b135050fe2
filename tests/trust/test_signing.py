"""Signatures of identities: only of their owner, for their purpose, of this content."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacit.trust import identity
from tacit.trust.signing import SIGNATURE_BYTES, is_signed, sign


def test_only_the_owner_signs_for_a_purpose(tmp_path: Path) -> None:
    mine, other = (identity.create(tmp_path / name, name) for name in ("mine", "other"))
    signature = sign(mine, "set table", b"content")
    assert len(signature) == SIGNATURE_BYTES
    assert is_signed(mine.certificate_path, "set table", b"content", signature)
    assert not is_signed(other.certificate_path, "set table", b"content", signature)
    assert not is_signed(mine.certificate_path, "another", b"content", signature)
    assert not is_signed(mine.certificate_path, "set table", b"Content", signature)


@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63), bytes(65)])
def test_what_is_no_signature(tmp_path: Path, signature: bytes) -> None:
    mine = identity.create(tmp_path / "mine", "mine")
    assert not is_signed(mine.certificate_path, "set table", b"content", signature)
