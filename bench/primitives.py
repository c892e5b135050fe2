"""The kernel's primitives as `python -m bench kernel` times them, one line of `REGISTRY` each.

An entry's `make` builds the arguments, not timed, and returns what is timed. Floors are those of the protocol
note (a Zen 4 core, AVX-512), in the words of its section: the goal of the kernel list (K1 to K26),
or a goal of a section. None stands where the note has no figure for what is counted.
Protocols are timed one party at a time, without transport; keys of base OTs are drawn here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tacit import _kernel

Work = Callable[[], object]
U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Primitive:
    """`make(size)` returns work that does `count(size)` of `unit`; `floor` is in units per second."""

    name: str
    unit: str
    size: int
    count: Callable[[int], int]
    make: Callable[[int], Work]
    floor: float | None = None
    source: str = "-"


_RNG = np.random.default_rng(0)
_SEED, _LABEL, _DELTA = bytes(range(16)), bytes(16), bytes(range(1, 17))


def _rows(n: int, *inner: int) -> U8:
    return _RNG.integers(0, 256, (n, *inner), dtype=np.uint8)


def _words(*shape: int) -> NDArray[np.uint64]:
    return _RNG.integers(0, 2**64, shape, dtype=np.uint64)


def _labels() -> Iterator[bytes]:
    """Labels of an OT extension: each only once."""
    return (number.to_bytes(16, "little") for number in itertools.count(1))


def _gilboa(n: int) -> Work:
    rows, x = _rows(64 * n, 16), _words(n, 1, 1)
    return lambda: _kernel.gilboa_send(rows, _DELTA, _LABEL, x, n, 64)


def _ot_receiver(k: int, checked: bool) -> Callable[[int], Work]:
    """Random OTs: rows of the extension, hashed to a bit each."""

    def make(n: int) -> Work:
        receiver, _ = _kernel.SoftSpokenReceiver.start(k, _rows(128, 2, 16), _SEED)
        labels, choices = _labels(), _rows(n // 8).tobytes()

        def work() -> object:
            label = next(labels)
            if checked:
                _, rows, pending = receiver.extend_checked(label, choices, n, _SEED)
                pending.answer(_SEED)
            else:
                _, rows = receiver.extend(label, choices, n)
            return _kernel.bit_ole_receiver(rows, label, 1)

        return work

    return make


def _ot_sender(k: int, checked: bool) -> Callable[[int], Work]:
    """As `_ot_receiver`, of a message made once: a fresh sender for every call takes it under one label."""

    def make(n: int) -> Work:
        base, choices = _rows(128, 2, 16), _RNG.integers(0, 2, 128, dtype=np.uint8)
        receiver, corrections = _kernel.SoftSpokenReceiver.start(k, base, _SEED)
        mine, bits, answer = base[np.arange(128), choices], _rows(n // 8).tobytes(), b""
        if checked:
            message, _, pending = receiver.extend_checked(_LABEL, bits, n, _SEED)
            answer = pending.answer(_SEED)
        else:
            message, _ = receiver.extend(_LABEL, bits, n)

        def work() -> object:
            sender = _kernel.SoftSpokenSender.start(k, choices, mine, corrections)
            if checked:
                rows = sender.extend_checked(_LABEL, n, message, _SEED, answer)
            else:
                rows = sender.extend(_LABEL, n, message)
            return _kernel.bit_ole_sender(rows, sender.delta, _LABEL, 1)

        return work

    return make


def _base_rows(packed: bytes, n: int) -> tuple[U8, U8]:
    """Both parties' rows of n base OTs with `_DELTA`."""
    choices = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")[:n]
    rows = _rows(n, 16)
    return rows, rows ^ choices[:, None] * np.frombuffer(_DELTA, np.uint8)


def _cot_sender(n: int) -> Work:
    base = _rows(_kernel.silent_cot_base_ots(n), 16)
    return lambda: _kernel.silent_cot_send(_LABEL, _DELTA, _SEED, base, n, None)


def _cot_receiver(n: int) -> Work:
    _, packed = _kernel.SilentCotReceiver.start(n, _LABEL, _SEED)
    q, t = _base_rows(packed, _kernel.silent_cot_base_ots(n))
    message, _ = _kernel.silent_cot_send(_LABEL, _DELTA, _SEED, q, n, None)
    return lambda: _kernel.SilentCotReceiver.start(n, _LABEL, _SEED)[0].finish(t, message)


def _vole_sender(n: int) -> Work:
    base = _rows(_kernel.silent_vole_base_ots(n), 16)
    return lambda: _kernel.silent_vole_send(_LABEL, _DELTA, _SEED, base, n)


def _vole_receiver(n: int) -> Work:
    _, packed = _kernel.SilentVoleReceiver.start(n, _LABEL, _SEED)
    q, t = _base_rows(packed, _kernel.silent_vole_base_ots(n))
    message, _ = _kernel.silent_vole_send(_LABEL, _DELTA, _SEED, q, n)
    return lambda: _kernel.SilentVoleReceiver.start(n, _LABEL, _SEED)[0].finish(t, message)


Kind = Literal["dpf", "dcf"]


def _fss_generate(kind: Kind) -> Callable[[int], Work]:
    def make(n: int) -> Work:
        alphas, betas = _words(n), _words(n)
        return lambda: _kernel.fss_generate(kind, 64, 64, _LABEL, _SEED, alphas, betas)

    return make


def _fss_evaluate(kind: Kind) -> Callable[[int], Work]:
    def make(n: int) -> Work:
        keys, _ = _kernel.fss_generate(kind, 64, 64, _LABEL, _SEED, _words(n), _words(n))
        points = _words(n)
        return lambda: _kernel.fss_evaluate(kind, 64, 64, 0, _LABEL, keys.reshape(-1), points)

    return make


def _fss_all(kind: Kind, bits: Literal[1, 64]) -> Callable[[int], Work]:
    def make(n: int) -> Work:
        one = np.ones(1, np.uint64)
        keys, _ = _kernel.fss_generate(kind, n, bits, _LABEL, _SEED, one, one)
        return lambda: _kernel.fss_evaluate_all(kind, n, bits, 0, _LABEL, keys[0])

    return make


def _rlwe(step: Literal["encrypt", "multiply", "decrypt"]) -> Callable[[int], Work]:
    """Sums of one product in slots."""

    def make(n: int) -> Work:
        seed, factors = bytes(32), _words(1, n)
        key, encoded = _kernel.RlweKey.generate(seed, 180)
        fresh = key.encrypt_slots(seed, factors)
        public = _kernel.RlwePublicKey.decode(encoded, 180)
        answer, _ = public.multiply_slots(fresh, _SEED, factors, False)
        works: dict[str, Work] = {
            "encrypt": lambda: key.encrypt_slots(seed, factors),
            "multiply": lambda: public.multiply_slots(fresh, _SEED, factors, False),
            "decrypt": lambda: key.decrypt_slots(answer, n, False),
        }
        return works[step]

    return make


def _mask_items(n: int) -> Work:
    offsets = np.arange(n + 1, dtype=np.int64) * 16
    data, scalar = _rows(16 * n), _kernel.reduce_scalar(bytes(range(64)))
    return lambda: _kernel.mask_items(data, offsets, b"bench", scalar, 1)


def _remask(n: int) -> Work:
    offsets = np.arange(n + 1, dtype=np.int64) * 16
    scalar = _kernel.reduce_scalar(bytes(range(64)))
    points = _kernel.mask_items(_rows(16 * n), offsets, b"bench", scalar, 1)
    return lambda: _kernel.remask_points(points, scalar, 1)


def _words_into(
    function: Callable[..., object], *shapes: Callable[[int], tuple[int, ...]]
) -> Callable[[int], Work]:
    """`function` of arrays of words."""

    def make(n: int) -> Work:
        arrays = [_words(*shape(n)) for shape in shapes]
        return lambda: function(*arrays)

    return make


def _record(u: list[np.ndarray], v: list[np.ndarray], alpha: list[np.ndarray], t: int) -> object:
    return _kernel.gr_tensor([u], [v], alpha, t)


def _tensor(function: Callable[..., object], alpha_bits: int, per_word: int) -> Callable[[int], Work]:
    """A proof's first step, for rows of 2^6 words of gates."""

    def make(n: int) -> Work:
        u, v = _words(n // per_word), _words(n // per_word)
        alpha = _words(n // per_word // 64) >> np.uint64(64 - alpha_bits)
        return lambda: function([u], [v], [alpha], 6)

    return make


def _fold(n: int) -> Work:
    x, weights, out = _words(n), _words(64, 48), np.empty((-(-n // 64), 48), np.uint64)
    return lambda: _kernel.gr_fold(x, weights, None, out)


def _bit_ole(n: int) -> Work:
    """Two hashes of a row each: of the row, and of the row with delta."""
    rows = _rows(n, 16)
    return lambda: _kernel.bit_ole_sender(rows, _DELTA, _LABEL, 1)


def _planes(n: int) -> Work:
    x = _words(n)
    return lambda: _kernel.bits_to_planes(x, 64)


def _gf128(n: int) -> Work:
    x = _rows(n, 16)
    return lambda: _kernel.gf128_mul(x, _DELTA)


def _square(n: int) -> tuple[int, ...]:
    return (n, n)


def _wide(n: int) -> tuple[int, ...]:
    return (n, n, 2)


AES_ANDS = 6400


def _aes_circuit() -> _kernel.Circuit:
    builder = _kernel.CircuitBuilder()
    return builder.finish(builder.aes128(builder.inputs(0, 128), builder.inputs(1, 128)))


def _garbler(circuit: _kernel.Circuit, instances: int) -> _kernel.HalfGatesGarbler:
    n = 128 * instances
    bits = _RNG.integers(0, 2, n, dtype=np.uint8)
    return _kernel.HalfGatesGarbler.start(circuit, instances, _DELTA, _SEED, _rows(n, 16), bits, _rows(n, 16))


def _garble(instances: int) -> Work:
    """AES-128, all instances side by side: from labels to decoding bits."""
    circuit = _aes_circuit()

    def work() -> object:
        garbler = _garbler(circuit, instances)
        while garbler.next_size:
            garbler.garble()
        return garbler.finish()

    return work


def _evaluate_tables(instances: int) -> Work:
    circuit, chunks = _aes_circuit(), []
    garbler = _garbler(circuit, instances)
    while garbler.next_size:
        chunks.append(garbler.garble())
    labels = _rows(128 * instances, 16)

    def work() -> object:
        evaluator = _kernel.HalfGatesEvaluator.start(circuit, instances, _SEED, labels, labels)
        for chunk in chunks:
            evaluator.evaluate(chunk)
        return evaluator.finish()

    return work


def _truncate(side: str) -> Callable[[int], Work]:
    """The local steps of a product with truncation among three parties, 18 bits."""

    def make(n: int) -> Work:
        own, received = _words(n), _words(n)
        if side == "helper":
            return lambda: _kernel.trunc_helper(18, own, None, (_SEED, _DELTA), (0, 0))
        return lambda: _kernel.trunc_evaluator(18, own, received, None, _SEED, 0)

    return make


def _fuse(build: bool) -> Callable[[int], Work]:
    def make(n: int) -> Work:
        tags = _rows(n, 24)
        if build:
            return lambda: _kernel.fuse_build(tags, 8)
        cells, seed = _kernel.fuse_build(tags, 8)
        return lambda: _kernel.fuse_contains(tags, 8, n, seed, cells)

    return make


def _each(n: int) -> int:
    return n


def _ands(instances: int) -> int:
    return AES_ANDS * instances


def _cube(n: int) -> int:
    return n**3


def _domain(n: int) -> int:
    return 1 << n


_K3, _K4, _K5, _K6 = "kernel list K3", "kernel list K4", "kernel list K5", "kernel list K6"
_K5M = "K5, within 1.3 (section 2.2)"

REGISTRY: tuple[Primitive, ...] = (
    Primitive(
        "prg", "B", 1 << 22, _each, lambda n: lambda: _kernel.prg_fill(_SEED, 0, n), 13e9, "kernel list K1"
    ),
    Primitive("prg-1k", "B", 1 << 10, _each, lambda n: lambda: _kernel.prg_fill(_SEED, 0, n)),
    Primitive("cr-hash", "hash", 1 << 17, lambda n: 2 * n, _bit_ole, 400e6, _K4),
    Primitive("transpose-64", "word", 1 << 18, _each, _planes),
    Primitive("gf128-mul", "mul", 1 << 18, _each, _gf128, 500e6, "kernel list K7"),
    Primitive(
        "gemm-u64",
        "mac",
        512,
        _cube,
        _words_into(_kernel.ring_matmul, _square, _square),
        12e9,
        "kernel list K15",
    ),
    Primitive(
        "gemm-u128",
        "mac",
        128,
        _cube,
        _words_into(_kernel.wide_matmul, _wide, _wide),
        1.2e9,
        "kernel list K15",
    ),
    Primitive("softspoken-2-receive", "OT", 1 << 17, _each, _ot_receiver(2, False), 90e6, _K5),
    Primitive("softspoken-2-send", "OT", 1 << 17, _each, _ot_sender(2, False), 90e6, _K5),
    Primitive("softspoken-4-receive", "OT", 1 << 17, _each, _ot_receiver(4, False), 70e6, _K5),
    Primitive("softspoken-4-send", "OT", 1 << 17, _each, _ot_sender(4, False), 70e6, _K5),
    Primitive("checked-2-receive", "OT", 1 << 17, _each, _ot_receiver(2, True), 90e6 / 1.3, _K5M),
    Primitive("checked-2-send", "OT", 1 << 17, _each, _ot_sender(2, True), 90e6 / 1.3, _K5M),
    Primitive("checked-4-receive", "OT", 1 << 17, _each, _ot_receiver(4, True), 70e6 / 1.3, _K5M),
    Primitive("checked-4-send", "OT", 1 << 17, _each, _ot_sender(4, True), 70e6 / 1.3, _K5M),
    Primitive("silent-cot-receive", "COT", 1 << 17, _each, _cot_receiver, 30e6, _K6),
    Primitive("silent-cot-send", "COT", 1 << 17, _each, _cot_sender, 30e6, _K6),
    Primitive("silent-vole-receive", "VOLE", 1 << 17, _each, _vole_receiver, 30e6, _K6),
    Primitive("silent-vole-send", "VOLE", 1 << 17, _each, _vole_sender, 30e6, _K6),
    Primitive("gilboa-send", "product", 1 << 10, _each, _gilboa),
    Primitive("dpf-generate", "key pair", 1 << 12, _each, _fss_generate("dpf"), 2.5e6, _K3),
    Primitive("dcf-generate", "key pair", 1 << 12, _each, _fss_generate("dcf"), 2.5e6, _K3),
    Primitive("dpf-evaluate", "point", 1 << 12, _each, _fss_evaluate("dpf"), 8e6, _K3),
    Primitive("dcf-evaluate", "point", 1 << 12, _each, _fss_evaluate("dcf"), 5e6, _K3),
    Primitive(
        "dpf-all-words", "16 B leaf", 18, lambda n: 1 << (n - 1), _fss_all("dpf", 64), 350e6, "kernel list K2"
    ),
    Primitive(
        "dpf-all-bits", "16 B leaf", 24, lambda n: 1 << (n - 7), _fss_all("dpf", 1), 350e6, "kernel list K2"
    ),
    Primitive("dcf-all-words", "point", 16, _domain, _fss_all("dcf", 64)),
    Primitive("half-gates-garble", "AND", 64, _ands, _garble, 120e6, "kernel list K22"),
    Primitive("half-gates-evaluate", "AND", 64, _ands, _evaluate_tables, 200e6, "kernel list K22"),
    Primitive("truncate-helper", "element", 1 << 16, _each, _truncate("helper")),
    Primitive("truncate-evaluator", "element", 1 << 16, _each, _truncate("evaluator")),
    Primitive("fuse-build", "tag", 1 << 18, _each, _fuse(True), 15e6, "kernel list K20"),
    Primitive("fuse-contains", "tag", 1 << 18, _each, _fuse(False), 60e6, "kernel list K20"),
    Primitive("rlwe-encrypt", "value", 1 << 15, _each, _rlwe("encrypt"), 60e6, "kernel list K14"),
    Primitive("rlwe-multiply", "value", 1 << 15, _each, _rlwe("multiply")),
    Primitive("rlwe-decrypt", "value", 1 << 15, _each, _rlwe("decrypt")),
    Primitive("dzk-ring-tensor", "gate", 1 << 14, _each, _tensor(_record, 48, 1)),
    Primitive("dzk-ring-fold", "gate", 1 << 14, _each, _fold),
    Primitive("dzk-bit-tensor", "gate", 1 << 20, _each, _tensor(_kernel.gf_tensor, 64, 64)),
    Primitive("hash-and-mask", "item", 1 << 10, _each, _mask_items, 110e3, "kernel list K11"),
    Primitive("curve-mask", "point", 1 << 10, _each, _remask, 130e3, "kernel list K11"),
)
