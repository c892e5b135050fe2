"""Messages: what was packed comes back, anything else is PEER-0001 and nothing worse."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tacit import _kernel
from tacit.base.errors import InternalError, PeerError
from tacit.base.wire import Document, Octets, Ring, canonical_json, octets, peer_bytes

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(hnp.arrays(np.uint64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_ring_elements_come_back(array: np.ndarray) -> None:
    body = bytes(Ring(array).pack())
    assert len(body) == Ring.limit_bytes(array.shape) == 8 * array.size
    assert np.array_equal(Ring.unpack(body, array.shape).array, array)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)))
def test_octets_come_back(array: np.ndarray) -> None:
    body = bytes(Octets(array).pack())
    assert np.array_equal(Octets.unpack(body, array.shape).array, array)


def test_strided_arrays_are_packed_in_order() -> None:
    array = np.arange(12, dtype=np.uint64).reshape(3, 4).T
    assert np.array_equal(Ring.unpack(bytes(Ring(array).pack()), (4, 3)).array, array)
    assert bytes(octets(b"abc").pack()) == b"abc"


@pytest.mark.parametrize("kind", [Ring, Octets])
@given(n=st.integers(0, 40), extra=st.integers(-8, 8).filter(bool))
def test_another_length_is_refused(kind: type[Ring], n: int, extra: int) -> None:
    length = kind.limit_bytes((n,)) + extra
    if length >= 0:
        with pytest.raises(PeerError) as refused:
            kind.unpack(bytes(length), (n,))
        assert refused.value.code == "PEER-0001"


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=4))
def test_documents_come_back(fields: dict[str, object]) -> None:
    body = bytes(Document(fields).pack())
    assert Document.unpack(body, (len(body),)).fields == json.loads(json.dumps(fields))


HOSTILE = {
    "empty": b"",
    "not utf-8": b"\xff{}",
    "a list": b"[]",
    "a number": b"1",
    "spaces": b'{"a": 1}',
    "unsorted": b'{"b":1,"a":2}',
    "doubled key": b'{"a":1,"a":1}',
    "escaped": b'{"\\u0061":1}',
    "not a number": b'{"a":NaN}',
    "infinite": b'{"a":1e999}',
    "minus infinity": b'{"a":-Infinity}',
    "another spelling of a number": b'{"a":1.00}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "left over": b'{"a":1}x',
    "byte order mark": b"\xef\xbb\xbf{}",
    "endless digits": b'{"a":' + b"9" * 5000 + b"}",
    "deep": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "unclosed": b'{"a":' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused(name: str) -> None:
    with pytest.raises(PeerError) as refused:
        Document.unpack(HOSTILE[name], (1 << 20,))
    assert refused.value.code == "PEER-0001"


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_refused(raw: bytes) -> None:
    try:
        assert canonical_json(Document.unpack(raw, (60,)).fields) == raw
    except PeerError as error:
        assert error.code == "PEER-0001"


def test_mutated_documents_are_canonical_or_refused() -> None:
    body = canonical_json({"wire": 1, "product": "0.1.0", "sections": {"a": "00" * 32, "b": "é"}})
    rng = random.Random(5)
    for _ in range(3000):
        raw = bytearray(body)
        for _ in range(rng.randint(1, 3)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        try:
            assert canonical_json(Document.unpack(bytes(raw), (len(raw),)).fields) == raw
        except PeerError as error:
            assert error.code == "PEER-0001"


@pytest.mark.parametrize("kind", ["malformed", "mismatch", "abort", "range"])
def test_what_the_kernel_refuses_is_the_peers_fault_or_ours(kind: str) -> None:
    expected = PeerError if kind == "malformed" else InternalError
    with pytest.raises(expected) as refused, peer_bytes():
        raise _kernel.KernelError(kind, "x")
    assert refused.value.code == ("PEER-0001" if kind == "malformed" else "KERNEL-0001")
