"""Hash to curve against RFC 9380 in plain integers, itself held against the published P-256 vectors."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pytest

import tacit.psi.ecdh_ms86 as ecdh
from tacit import _kernel
from tacit.psi.functionality import Items
from tests.data_sets import data_file


@dataclass(frozen=True)
class Curve:
    """y^2 = x^3 - 3x + b modulo p, of order n, with the hash and the Z of its suite."""

    p: int
    n: int
    b: int
    z: int
    digest: str

    def root(self, square: int) -> int | None:
        y = pow(square, (self.p + 1) // 4, self.p)
        return y if y * y % self.p == square % self.p else None

    def g(self, x: int) -> int:
        return (x**3 - 3 * x + self.b) % self.p


P256 = Curve(
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    -10,
    "sha256",
)
SM2 = Curve(
    0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF,
    0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123,
    0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93,
    -9,
    "sm3",
)


def expand(curve: Curve, message: bytes, dst: bytes) -> bytes:
    """Section 5.3.1, to 48 bytes."""

    def digest(data: bytes) -> bytes:
        return hashlib.new(curve.digest, data).digest()

    suffix = dst + bytes([len(dst)])
    first = digest(bytes(64) + message + bytes([0, 48, 0]) + suffix)
    second = digest(first + b"\x01" + suffix)
    mixed = bytes(a ^ b for a, b in zip(first, second, strict=True))
    return (second + digest(mixed + b"\x02" + suffix))[:48]


def encode_to_x(curve: Curve, message: bytes, dst: bytes) -> int:
    """Section 6.6.2."""
    p, a, b, z = curve.p, -3, curve.b, curve.z
    u = int.from_bytes(expand(curve, message, dst), "big") % p
    t = (z * z * u**4 + z * u * u) % p
    x1 = -b * pow(a, -1, p) * (1 + pow(t, -1, p)) % p if t else b * pow(z * a, -1, p) % p
    return x1 if curve.root(curve.g(x1)) is not None else z * u * u * x1 % p


def times(curve: Curve, k: int, x: int) -> int:
    """x of k times the point with this x, affine and slowly."""
    p, point = curve.p, (x, curve.root(curve.g(x)))
    assert point[1] is not None
    result: tuple[int, int] | None = None
    for bit in bin(k)[2:]:
        if result is not None:
            slope = (3 * result[0] ** 2 - 3) * pow(2 * result[1], -1, p)
            double = (slope * slope - 2 * result[0]) % p
            result = double, (slope * (result[0] - double) - result[1]) % p
        if bit == "1" and result is None:
            result = point[0], point[1]
        elif bit == "1" and result is not None:
            slope = (point[1] - result[1]) * pow(point[0] - result[0], -1, p)
            total = (slope * slope - result[0] - point[0]) % p
            result = total, (slope * (result[0] - total) - result[1]) % p
    assert result is not None
    return result[0]


def test_the_oracle_has_the_published_vectors() -> None:
    vectors = json.loads(
        gzip.decompress(data_file("vectors/h2c/P256_XMD-SHA-256_SSWU_NU_.json.gz").read_bytes())
    )
    assert len(vectors["vectors"]) == 5
    for vector in vectors["vectors"]:
        x = encode_to_x(P256, vector["msg"].encode(), vectors["dst"].encode())
        assert x == int(vector["P"]["x"], 16)


def test_z_is_the_choice_of_the_rfc() -> None:
    """Appendix H.2: the smallest |Z| that is no square and not -1, with g(B/(ZA)) a square; that g(x) - Z has
    no root is checked by its power of p."""

    def fits(curve: Curve, z: int) -> bool:
        p = curve.p
        if curve.root(z % p) is not None or z == -1 or not _rootless(p, (curve.b - z) % p):
            return False
        return curve.root(curve.g(curve.b * pow(-3 * z, -1, p) % p)) is not None

    for curve in (P256, SM2):
        order = [z for size in range(1, 20) for z in (size, -size)]
        assert next(z for z in order if fits(curve, z)) == curve.z


def _rootless(p: int, constant: int) -> bool:
    """Whether x^3 - 3x + constant has no root: x^p - x has no common factor with it."""

    def product(f: list[int], g: list[int]) -> list[int]:
        out = [0] * 5
        for i, a in enumerate(f):
            for j, b in enumerate(g):
                out[i + j] += a * b
        for i in (4, 3):
            out[i - 2] += 3 * out[i]
            out[i - 3] -= constant * out[i]
        return [c % p for c in out[:3]]

    power, base = [1, 0, 0], [0, 1, 0]
    for bit in bin(p)[2:]:
        power = product(power, power)
        power = product(power, base) if bit == "1" else power
    f, g = [constant, -3 % p, 0, 1], [power[0], (power[1] - 1) % p, power[2]]
    while any(g):
        while g[-1] == 0:
            g.pop()
        while len(f) >= len(g):
            factor, shift = f[-1] * pow(g[-1], -1, p), len(f) - len(g)
            f = [(c - factor * g[i - shift]) % p if i >= shift else c for i, c in enumerate(f)][:-1]
        f, g = g, f
    return len(f) == 1


@pytest.mark.parametrize("dst", [ecdh.SM2.dst, b"d", b"x" * 255])
def test_sm2_items(dst: bytes) -> None:
    strings = [b"", b"abc", b"q" * 200, *(b"id-%d" % i for i in range(30))]
    items = Items.of(strings)
    scalar = _kernel.sm2_scalar(bytes(range(64)))
    k = int.from_bytes(scalar, "big")
    assert k in (v := int.from_bytes(bytes(range(64)), "big") % SM2.n, SM2.n - v) and k % 2
    masked = _kernel.sm2_mask_items(items.data, items.offsets, dst, scalar, 1)
    again = _kernel.sm2_remask_points(masked, scalar, 1)
    for string, once, twice in zip(strings, masked, again, strict=True):
        x = times(SM2, k, encode_to_x(SM2, string, dst))
        assert once.tobytes() == x.to_bytes(32, "big")
        assert twice.tobytes() == times(SM2, k, x).to_bytes(32, "big")


def test_sm3_by_lengths() -> None:
    """The kernel's SM3 shows in the masks: one message of every length around the block's."""
    strings = [bytes([7]) * n for n in range(140)]
    items = Items.of(strings)
    one = (1).to_bytes(32, "big")
    hashed = _kernel.sm2_mask_items(items.data, items.offsets, b"length", one, 1)
    for string, x in zip(strings, hashed, strict=True):
        assert x.tobytes() == encode_to_x(SM2, string, b"length").to_bytes(32, "big")


def test_standard_keys_of_sm2() -> None:
    """GB/T 32918.5-2017 and the data beside it: a public key is the secret times the generator."""
    vectors = json.loads(data_file("vectors/sm/sm2_vectors.json").read_text())
    generator = np.frombuffer(
        bytes.fromhex("32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"), np.uint8
    ).reshape(1, 32)
    pairs = [(case["d"], case["px"]) for case in (vectors["standard_sign"], *vectors["sign"])]
    pairs += [(case["k"], case["c1x"]) for case in (vectors["standard_encrypt"], *vectors["encrypt"])]
    for secret, x in pairs:
        k = int(secret, 16)
        scalar = (k if k % 2 else SM2.n - k).to_bytes(32, "big")
        assert _kernel.sm2_remask_points(generator, scalar, 1).tobytes().hex() == x.lower()
    assert len(pairs) > 15
