"""The kernel against published vectors; the files against the digests of their READMEs."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import Any

import numpy as np
import pytest

from tacit import _kernel
from tacit.base.errors import PeerError
from tacit.base.prg import Prg
from tacit.base.secret import Secret
from tacit.base.wire import peer_bytes
from tests.data_sets import DATA, data_file

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of the ristretto255 group (RFC 9496 section 4)."""


def load(name: str) -> Any:
    return json.loads(data_file(f"vectors/{name}").read_text())


def point(hexadecimal: str) -> np.ndarray:
    return np.frombuffer(bytes.fromhex(hexadecimal), np.uint8).reshape(1, 32)


def multiply(scalar: int, encoded: np.ndarray) -> bytes:
    return _kernel.remask_points(encoded, (scalar % ORDER).to_bytes(32, "little"), 1).tobytes()


# --- RFC 9497: hash to group, blind, evaluate, finalize -------------------------------------------------


@pytest.mark.parametrize("mode", [0, 1])
def test_oprf_of_rfc_9497(mode: int) -> None:
    suites = [
        s for s in load("oprf_rfc9497.json") if s["identifier"] == "ristretto255-SHA512" and s["mode"] == mode
    ]
    assert len(suites) == 1
    checked = 0
    for vector in suites[0]["vectors"]:
        columns = {
            key: str(vector[key]).split(",")
            for key in ("Input", "Blind", "BlindedElement", "EvaluationElement", "Output")
        }
        key = bytes.fromhex(suites[0]["skSm"])
        for text, blind, blinded, evaluated, output in zip(*columns.values(), strict=True):
            item = np.frombuffer(bytes.fromhex(text), np.uint8)
            got = _kernel.mask_items(
                item, np.array([0, len(item)]), bytes.fromhex(suites[0]["groupDST"]), bytes.fromhex(blind), 1
            )
            assert got.tobytes().hex() == blinded
            answer = _kernel.remask_points(got, key, 1)
            assert answer.tobytes().hex() == evaluated
            inverse = pow(int.from_bytes(bytes.fromhex(blind), "little"), -1, ORDER)
            assert finalize(item.tobytes(), multiply(inverse, answer)).hex() == output
            checked += 1
    assert checked >= 2


def finalize(item: bytes, unblinded: bytes) -> bytes:
    """RFC 9497 section 3.3.1."""
    parts = b"".join(len(part).to_bytes(2, "big") + part for part in (item, unblinded))
    return hashlib.sha512(parts + b"Finalize").digest()


def test_items_are_hashed_alike_in_any_batch_and_on_any_threads() -> None:
    items = [b"", b"a", b"ab" * 200, b"\x00", b"a" * 5]
    data = np.frombuffer(b"".join(items), np.uint8)
    offsets = np.concatenate([[0], np.cumsum([len(i) for i in items])])
    scalar = (12345).to_bytes(32, "little")
    together = _kernel.mask_items(data, offsets, b"dst", scalar, 3)
    for item, row in zip(items, together, strict=True):
        alone = _kernel.mask_items(np.frombuffer(item, np.uint8), np.array([0, len(item)]), b"dst", scalar, 1)
        assert np.array_equal(alone[0], row)
    assert len({row.tobytes() for row in together}) == len(items)


# --- RFC 9496: ristretto255 -----------------------------------------------------------------------------


def test_multiples_of_the_generator() -> None:
    vectors = load("ristretto255_rfc9496.json")["generator_multiples"]
    generator = point(vectors[1]["encoding"])
    for vector in vectors[1:]:
        assert multiply(vector["n"], generator).hex() == vector["encoding"]


def test_bad_encodings_are_the_peers_fault() -> None:
    bad = load("ristretto255_rfc9496.json")["bad_encodings"]
    assert len(bad) >= 19
    good = point(load("ristretto255_rfc9496.json")["generator_multiples"][2]["encoding"])
    for encoding in [*bad, "00" * 32]:
        for batch in (point(encoding), np.concatenate([good, point(encoding), good])):
            with pytest.raises(PeerError) as refused, peer_bytes():
                _kernel.remask_points(batch, (7).to_bytes(32, "little"), 1)
            assert refused.value.code == "PEER-0001"


def test_scalar_multiples_of_libsodium() -> None:
    for vector in load("ristretto255_rfc9496.json")["libsodium_scalarmult"]:
        scalar = int.from_bytes(bytes.fromhex(vector["scalar_le"]), "little")
        assert multiply(scalar, point(vector["point"])).hex() == vector["scalar_times_point"]


def test_scalars_are_reduced_modulo_the_order() -> None:
    for raw in (
        bytes(64),
        b"\xff" * 64,
        ORDER.to_bytes(64, "little"),
        (ORDER + 5).to_bytes(64, "little"),
        bytes(range(64)),
    ):
        expected = int.from_bytes(raw, "little") % ORDER
        assert int.from_bytes(_kernel.reduce_scalar(raw), "little") == expected


@pytest.mark.parametrize(
    "scalar", [bytes(32), ORDER.to_bytes(32, "little"), b"\xff" * 32], ids=["zero", "order", "ones"]
)
def test_scalars_that_are_none_are_refused(scalar: bytes) -> None:
    generator = point("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
    with pytest.raises(_kernel.KernelError):
        _kernel.remask_points(generator, scalar, 1)
    with pytest.raises(_kernel.KernelError):
        _kernel.mask_items(np.zeros(1, np.uint8), np.array([0, 1]), b"dst", scalar, 1)


def test_tags_are_a_hash_of_domain_and_point() -> None:
    points = np.random.default_rng(0).integers(0, 256, (5, 32), dtype=np.uint8)
    for domain in (b"", b"x", b"0123456789abcdef"):
        tags = _kernel.hash_points(points, domain, 11)
        for row, tag in zip(points, tags, strict=True):
            state = hashlib.sha512(len(domain).to_bytes(8, "little") + domain + row.tobytes())
            assert state.digest()[:11] == tag.tobytes()


# --- AES ------------------------------------------------------------------------------------------------


def cases(name: str) -> list[dict[str, str]]:
    text = gzip.decompress(data_file(f"vectors/aes_kat/{name}").read_bytes()).decode()
    encrypt = text.split("[DECRYPT]")[0]
    return [
        dict(re.findall(r"(\w+) = (\w+)", block)) for block in re.split(r"\n\s*\n", encrypt) if "KEY" in block
    ]


@pytest.mark.parametrize(
    "name", ["ECBGFSbox128.rsp.gz", "ECBKeySbox128.rsp.gz", "ECBVarKey128.rsp.gz", "ECBVarTxt128.rsp.gz"]
)
def test_aes_128_of_nist(name: str) -> None:
    """A block of the key stream is the encrypted counter, so every known answer is one."""
    found = cases(name)
    assert len(found) >= 7
    for case in found:
        key, counter = bytes.fromhex(case["KEY"]), int(case["PLAINTEXT"], 16)
        if counter < 1 << 128:
            assert _kernel.prg_fill(key, counter, 16).tobytes().hex() == case["CIPHERTEXT"].lower()


def test_counter_mode_of_rfc_3686() -> None:
    for case in cases("aes-128-ctr.txt.gz"):
        plaintext = np.frombuffer(bytes.fromhex(case["PLAINTEXT"]), np.uint8)
        stream = _kernel.prg_fill(bytes.fromhex(case["KEY"]), int(case["IV"], 16), len(plaintext))
        assert (plaintext ^ stream).tobytes().hex() == case["CIPHERTEXT"].lower()


def test_prg_is_counter_mode_from_zero() -> None:
    case = cases("ECBVarKey128.rsp.gz")[0]  # plaintext zero
    assert Prg(Secret(bytes.fromhex(case["KEY"]))).bytes(16).tobytes().hex() == case["CIPHERTEXT"].lower()


def test_streams_of_all_lengths_agree_with_their_prefix() -> None:
    whole = _kernel.prg_fill(bytes(16), 3, 5000)
    for n in (0, 1, 15, 16, 17, 127, 128, 129, 1023, 4096):
        assert np.array_equal(_kernel.prg_fill(bytes(16), 3, n), whole[:n])
    assert np.array_equal(_kernel.prg_fill(bytes(16), 3 + 7, 5000 - 112), whole[112:])


# --- the files themselves -------------------------------------------------------------------------------

USED = {
    "vectors": (
        "oprf_rfc9497.json", "ristretto255_rfc9496.json", "aes_kat/ECBVarKey128.rsp.gz",
        "aes_kat/aes-128-ctr.txt.gz",
    ),
    "vfl": (
        "breast_hetero_guest.csv.gz", "breast_hetero_host.csv.gz", "default_credit_hetero_guest.csv.gz",
        "default_credit_hetero_host.csv.gz", "gmc_overlap_dev_bank.csv.gz", "gmc_overlap_dev_partner.csv.gz",
    ),
}  # fmt: skip


@pytest.mark.parametrize("folder", sorted(USED))
def test_files_have_the_digests_of_their_readme(folder: str) -> None:
    table = dict(
        re.findall(
            r"^\| (\S+) \| \d+ \| ([0-9a-f]{16}) \|$",
            data_file(f"{folder}/README.md").read_text(),
            re.MULTILINE,
        )
    )
    for name in USED[folder]:
        assert hashlib.sha256(data_file(f"{folder}/{name}").read_bytes()).hexdigest()[:16] == table[name]


def test_every_listed_vector_is_whole() -> None:
    """All files that the README of the vectors lists, whether used yet or not."""
    readme = data_file("vectors/README.md").read_text()
    for name, size, digest in re.findall(r"^\| (\S+) \| (\d+) \| ([0-9a-f]{16}) \|$", readme, re.MULTILINE):
        raw = (DATA / "vectors" / name).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()[:16]) == (int(size), digest), name


@pytest.mark.parametrize("n_bytes", [0, 1, 8, 1 << 14, (1 << 14) + 1])
def test_a_short_key_stream_is_the_start_of_a_long_one(n_bytes: int) -> None:
    short, long = (_kernel.prg_fill(bytes(16), 3, n) for n in (n_bytes, 1 << 16))
    assert short.tobytes() == long[:n_bytes].tobytes()
    assert short.shape == (n_bytes,) and short.flags.writeable and short.flags.c_contiguous
