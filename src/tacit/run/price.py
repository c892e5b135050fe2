"""What each operator costs a party under each scheme: the table that prices a program before it runs.

Bytes follow from the schemes' declared costs and are exact for long arrays; seconds are rates measured by
`python -m bench` on one core, and only as good as the machine is similar.
"""

from __future__ import annotations

from collections.abc import Mapping

from tacit.base.types import RING_BITS, Private, Public, Type
from tacit.blocks.he import slot_product
from tacit.blocks.he.rlwe_product import message_bits, public_key_bytes
from tacit.blocks.ot.choose import DEFAULT
from tacit.compile.cost import Price
from tacit.ir.program import Eqn
from tacit.mpc.prefix import prefixes

BASE_OT_BYTES = 16_384
OT_BYTES = 4
"""SoftSpoken at k = 4, from the OT receiver."""
WORD_BYTES = 8
GILBOA_BYTES = 288
"""Payload of one product of 64-bit numbers, from the OT sender."""
GILBOA_OTS = 64
SIGN_BYTES = 405.25
TREE_ROUNDS = 8
LOCAL = (
    "add",
    "sub",
    "neg",
    "sum",
    "cumulative_sum",
    "reshape",
    "permute_dims",
    "broadcast_to",
    "concat",
    "take",
    "slice",
    "low_bit",
    "to_secret",
    "const",
    "logical_xor",
    "logical_not",
    "parity",
    "from_units",
)
"""Operators that send nothing."""
OT_SECONDS = 15e-9
PRODUCT_SECONDS = 1.9e-6
PACKED_PRODUCT_SECONDS = 0.35e-6
"""Of a product in a full ciphertext."""
MATRIX_PRODUCT_SECONDS = 5e-9
SIGN_SECONDS = 2.6e-6


def setup_bytes(scheme: str) -> int:
    """What a party sends before the first operation."""
    if scheme != "semi2k":
        return 0
    return BASE_OT_BYTES + public_key_bytes() + public_key_bytes(slot_product.MODULUS_BITS)


def prices(scheme: str, me: int, ot: str = "") -> Mapping[str, Price]:
    """Prices for party `me`; empty for a scheme or source of OTs without a table: all is then unpriced."""
    return _semi2k(me) if scheme == "semi2k" and ot in ("", DEFAULT) else {}


def _semi2k(me: int) -> dict[str, Price]:
    one_way = OT_BYTES if me == 0 else WORD_BYTES

    def trunc_bytes(eqn: Eqn, bits: int) -> float:
        return (OT_BYTES if me == 0 else -(-bits // 8)) * _size(eqn)

    def drops(eqn: Eqn) -> int:
        """Fraction bits that are truncated after a product."""
        x, y = eqn.ins[0].type, eqn.ins[-1].type
        return x.dtype.fraction_bits + y.dtype.fraction_bits - eqn.outs[0].type.dtype.fraction_bits

    def mul_bytes(eqn: Eqn) -> float:
        if _has(eqn, Public):
            cross = 0.0
        elif (owner := _owner(eqn)) is not None:
            cross = _products_bytes(eqn, me, 1, GILBOA_BYTES if owner == me else GILBOA_OTS * OT_BYTES)
        else:
            cross = _products_bytes(eqn, me, 2, GILBOA_BYTES + GILBOA_OTS * OT_BYTES)
        return cross + (trunc_bytes(eqn, drops(eqn)) if drops(eqn) > 0 else 0)

    def square_bytes(eqn: Eqn) -> float:
        cross = _products_bytes(eqn, me, 1, GILBOA_BYTES if me == 0 else GILBOA_OTS * OT_BYTES)
        return cross + (trunc_bytes(eqn, drops(eqn)) if drops(eqn) > 0 else 0)

    def matmul_bytes(eqn: Eqn) -> float:
        m, k, n = _matrix(eqn)
        truncated = trunc_bytes(eqn, drops(eqn)) if drops(eqn) > 0 else 0
        if _has(eqn, Public):
            return truncated
        owner = _owner(eqn)
        columns = min(m, n) if owner is None else n if isinstance(eqn.ins[0].type.vis, Private) else m
        from_choices, from_holder = _cross_bytes(m * n // columns, k, columns)
        if owner is None:
            return from_choices + from_holder + truncated
        return (from_holder if owner == me else from_choices) + truncated

    def matmul_seconds(eqn: Eqn) -> float:
        m, k, n = _matrix(eqn)
        return (
            0.0
            if _has(eqn, Public)
            else m * k * n * MATRIX_PRODUCT_SECONDS * (1 if _owner(eqn) is not None else 2)
        )

    def select_bytes(eqn: Eqn) -> float:
        return (OT_BYTES + WORD_BYTES) * _size(eqn)

    def astype_bytes(eqn: Eqn) -> float:
        from_bool = eqn.ins[0].type.dtype.kind == "bool"
        if from_bool:
            return one_way * _size(eqn)
        return trunc_bytes(eqn, drops_of(eqn)) if drops_of(eqn) > 0 else 0.0

    def drops_of(eqn: Eqn) -> int:
        return eqn.ins[0].type.dtype.fraction_bits - eqn.outs[0].type.dtype.fraction_bits

    def product_rounds(eqn: Eqn) -> float:
        return (0.0 if _has(eqn, Public) else 2.0) + (2.0 if drops(eqn) > 0 else 0.0)

    def mul_shift_bytes(eqn: Eqn) -> float:
        product = square_bytes if eqn.ins[0] == eqn.ins[1] else mul_bytes
        return product(eqn) + trunc_bytes(eqn, eqn.params["bits"])

    ands = Price(2, lambda e: (OT_BYTES + 0.25) * _padded(e), 2 * OT_SECONDS)
    return {
        **dict.fromkeys(LOCAL, Price()),
        "mul": Price(product_rounds, mul_bytes, lambda e: 0.0 if _has(e, Public) else _products_seconds(e)),
        "square": Price(product_rounds, square_bytes, lambda e: _products_seconds(e) / 2),
        "matmul": Price(product_rounds, matmul_bytes, matmul_seconds),
        "less": Price(TREE_ROUNDS, lambda e: SIGN_BYTES * _padded(e), SIGN_SECONDS),
        "logical_and": ands,
        "logical_or": ands,
        "select": Price(2, select_bytes, 4 * OT_SECONDS),
        "astype": Price(2, astype_bytes, 2 * OT_SECONDS),
        "scale_floor": Price(2, lambda e: OT_BYTES * _size(e), 2 * OT_SECONDS),
        "mul_shift": Price(
            4, mul_shift_bytes, lambda e: _products_seconds(e) / (2 if e.ins[0] == e.ins[1] else 1)
        ),
        "shift_right": Price(2, lambda e: trunc_bytes(e, e.params["bits"]), 2 * OT_SECONDS),
        "bits": Price(_bits_rounds, _bits_bytes, _bits_seconds),
        "leading_one": Price(_bits_rounds, _bits_bytes, _bits_seconds),
        "reveal": Price(1, WORD_BYTES, 0.0),
    }


def _gates(eqn: Eqn) -> tuple[int, int, int, int]:
    """(products of private bits, nodes of the adder, ORs, levels) for each element of a decomposition."""
    low, high = eqn.params["low"], eqn.params["high"]
    seek = eqn.op == "leading_one"
    adder = prefixes(max(low - 1, 0), high - 1 + seek)
    ors = prefixes(0, high - low) if seek else ()
    nodes, gates = (sum(level.size for level in levels) for levels in (adder, ors))
    return high - 1 + seek, nodes, gates, len(adder) + len(ors)


def _bits_rounds(eqn: Eqn) -> float:
    return 2.0 + _gates(eqn)[3]


def _bits_bytes(eqn: Eqn) -> float:
    """A leaf is one OT by either party, a gate one by each; masked bits are opened."""
    leaves, nodes, ors, _ = _gates(eqn)
    each = leaves * (OT_BYTES / 2 + 1 / 8) + nodes * (OT_BYTES + 3 / 8) + ors * (OT_BYTES + 1 / 4)
    return each * (-(-eqn.ins[0].type.size // 64) * 64)


def _bits_seconds(eqn: Eqn) -> float:
    leaves, nodes, ors, _ = _gates(eqn)
    return (leaves + 2 * (nodes + ors)) * OT_SECONDS * eqn.ins[0].type.size


def _packed(eqn: Eqn, terms: int) -> int:
    """How many of the products go by RLWE, as `blocks.correlation` decides."""
    n = _size(eqn)
    rest = n % slot_product.SLOTS
    if not rest:
        return n
    by_ots = terms * (GILBOA_BYTES + GILBOA_OTS * OT_BYTES) * rest
    return n if sum(slot_product.message_bits(rest, terms)) < 8 * by_ots else n - rest


def _products_bytes(eqn: Eqn, me: int, terms: int, by_ots: float) -> float:
    """Of element-wise products, `by_ots` each where they go by OTs; half of the ciphertexts are mine."""
    packed = _packed(eqn, terms)
    blocks = -(-packed // slot_product.SLOTS)
    mine = (blocks + 1 - me) // 2
    fresh, answer = (bits / 8 for bits in slot_product.message_bits(slot_product.SLOTS, terms))
    return mine * fresh + (blocks - mine) * answer + by_ots * (_size(eqn) - packed)


def _products_seconds(eqn: Eqn) -> float:
    packed = _packed(eqn, 2)
    return PACKED_PRODUCT_SECONDS * packed + PRODUCT_SECONDS * (_size(eqn) - packed)


def _cross_bytes(m: int, d: int, columns: int) -> tuple[float, float]:
    """Of one cross term [m, d] @ [d, columns], by OTs or RLWE, whichever sends less: from the party that
    holds the columns, and from the one that holds the matrix."""
    by_ots = GILBOA_OTS * OT_BYTES * d * columns, GILBOA_BYTES * m * d * columns
    packed = tuple(bits / 8 for bits in message_bits((columns, m, d, 1), RING_BITS))
    return (packed[0], packed[1]) if sum(packed) < sum(by_ots) else by_ots


def _size(eqn: Eqn) -> int:
    return sum(var.type.size for var in eqn.outs)


def _padded(eqn: Eqn) -> int:
    """Bits travel in words of 64."""
    return -(-_size(eqn) // 64) * 64


def _types(eqn: Eqn) -> tuple[Type, ...]:
    return tuple(var.type for var in eqn.ins)


def _has(eqn: Eqn, kind: type) -> bool:
    return any(isinstance(t.vis, kind) for t in _types(eqn))


def _owner(eqn: Eqn) -> int | None:
    """The one owner of a private factor, if there is one."""
    owners = [t.vis.owner for t in _types(eqn) if isinstance(t.vis, Private)]
    return owners[0] if owners else None


def _matrix(eqn: Eqn) -> tuple[int, int, int]:
    left, right = eqn.ins[0].type.shape, eqn.ins[1].type.shape
    return (left[0] if len(left) == 2 else 1), left[-1], (right[1] if len(right) == 2 else 1)
