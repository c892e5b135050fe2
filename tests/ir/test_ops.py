"""Every operator: its rule agrees with its meaning, its lowering agrees with both, within its bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit.base.errors import PolicyError, TypeRuleError, UnsupportedError
from tacit.base.types import BOOL, FIXED, FRACTION_BITS, INT, PUBLIC, SECRET, DType, Private, Type
from tacit.compile.passes.lower import lower
from tacit.ir.op import OPS, Op, Params, Signature, infer, numpy_dtype
from tacit.ir.program import Builder, check
from tests.ir.ring import Ring

CASES = [
    pytest.param(op, signature, id=f"{op.name}-{number}")
    for op in OPS.values()
    for number, signature in enumerate(op.signatures)
]
LOWERED = [case for case in CASES if case.values[0].lower is not None]


def data(signature: Signature, random: np.random.Generator) -> list[np.ndarray]:
    """Inputs of this signature that the encoding holds exactly."""
    low, high = signature.low, signature.high
    arrays = []
    for dtype, shape in zip(signature.dtypes, signature.shapes, strict=True):
        if dtype == BOOL:
            arrays.append(np.asarray(random.integers(0, 2, shape), dtype=np.bool_))
        elif dtype == INT:
            arrays.append(np.asarray(random.integers(int(low), int(high) + 1, shape)))
        else:
            units = random.integers(int(low * 2**FRACTION_BITS), int(high * 2**FRACTION_BITS) + 1, shape)
            arrays.append(np.ldexp(np.asarray(units, dtype=np.float64), -FRACTION_BITS))
    return arrays


def types(signature: Signature, vis: Any = SECRET) -> tuple[Type, ...]:
    return tuple(Type(vis, d, s) for d, s in zip(signature.dtypes, signature.shapes, strict=True))


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.name != "scan"], ids=lambda op: op.name)
def test_each_operator_can_be_tested(op: Op) -> None:
    assert len(op.signatures) >= 2
    assert op.ref.__doc__


@pytest.mark.parametrize(("op", "signature"), CASES)
def test_rule_states_the_type_of_the_meaning(op: Op, signature: Signature) -> None:
    (stated,) = infer(op.name, types(signature), Params(signature.params))
    result = np.asarray(op.ref(*data(signature, np.random.default_rng(1)), **signature.params))
    assert result.shape == stated.shape
    assert result.dtype == numpy_dtype(stated.dtype)


@pytest.mark.parametrize(("op", "signature"), LOWERED)
def test_lowering_to_primitives_keeps_type_and_meaning(op: Op, signature: Signature) -> None:
    builder = Builder()
    ins = [builder.input(f"x{k}", type) for k, type in enumerate(types(signature))]
    whole = builder.build(op.name, {"out": builder.emit(op.name, *ins, **signature.params)})
    program = check(lower(lambda name: OPS[name].lower is None)(whole))
    assert program.outs[0][1].type == whole.outs[0][1].type
    assert all(OPS[eqn.op].lower is None for eqn in program.eqns)
    bound = op.error if signature.error is None else signature.error
    for seed in range(5):
        random = np.random.default_rng(seed)
        arrays = data(signature, random)
        wanted = op.ref(*arrays, **signature.params)
        (found,) = Ring(random).run(program, arrays)
        allowed = bound.absolute + bound.relative * np.abs(wanted)
        assert np.all(np.abs(found.astype(np.float64) - wanted) <= allowed)


def vector(dtype: DType = FIXED, *shape: int) -> Type:
    return Type(SECRET, dtype, shape)


REFUSED: list[tuple[str, tuple[Type, ...], dict[str, Any], str]] = [
    ("nothing", (), {}, "IR-0007"),
    ("add", (vector(),), {}, "IR-0001"),
    ("add", (vector(), vector(INT)), {}, "IR-0002"),
    ("add", (vector(BOOL), vector(BOOL)), {}, "IR-0002"),
    ("add", (vector(FIXED, 3), vector(FIXED, 4)), {}, "IR-0003"),
    ("add", (vector(), vector()), {"axis": 0}, "IR-0004"),
    ("mul", (vector(BOOL), vector()), {}, "IR-0002"),
    ("matmul", (vector(FIXED, 3, 4), vector(FIXED, 3)), {}, "IR-0003"),
    ("matmul", (vector(FIXED, 4), vector(FIXED, 4, 2)), {}, "IR-0003"),
    ("matmul", (vector(FIXED, 4), vector(INT, 4)), {}, "IR-0002"),
    ("less", (vector(), vector(INT)), {}, "IR-0002"),
    ("logical_and", (vector(INT), vector(INT)), {}, "IR-0002"),
    ("select", (vector(INT), vector(), vector()), {}, "IR-0002"),
    ("select", (vector(BOOL), vector(), vector(INT)), {}, "IR-0002"),
    ("astype", (vector(FIXED),), {"dtype": BOOL}, "IR-0002"),
    ("astype", (vector(FIXED),), {}, "IR-0004"),
    ("low_bit", (vector(FIXED),), {}, "IR-0002"),
    ("scale_floor", (vector(),), {"bits": 19}, "IR-0004"),
    ("scale_floor", (vector(),), {"bits": True}, "IR-0004"),
    ("reshape", (vector(FIXED, 4),), {"shape": (3,)}, "IR-0003"),
    ("reshape", (vector(FIXED, 4),), {"shape": (-1,)}, "IR-0004"),
    ("permute_dims", (vector(FIXED, 4, 3),), {"axes": (0, 0)}, "IR-0003"),
    ("broadcast_to", (vector(FIXED, 4),), {"shape": (3,)}, "IR-0003"),
    ("broadcast_to", (vector(FIXED, 4),), {"shape": (1 << 39, 4)}, "IR-0004"),
    ("concat", (), {"axis": 0}, "IR-0001"),
    ("concat", (vector(FIXED, 4), vector(FIXED, 4, 1)), {"axis": 0}, "IR-0003"),
    ("concat", (vector(FIXED, 2, 4), vector(FIXED, 3, 4)), {"axis": 1}, "IR-0003"),
    ("take", (vector(FIXED, 4),), {"indices": (4,), "axis": 0}, "IR-0004"),
    ("slice", (vector(FIXED, 4),), {"start": 3, "stop": 2, "axis": 0}, "IR-0004"),
    ("sum", (vector(FIXED, 4),), {"axis": (0, 0), "keepdims": False}, "IR-0003"),
    ("sum", (vector(FIXED, 4),), {"axis": 0, "keepdims": False}, "IR-0004"),
    ("sum", (vector(FIXED, 4),), {"axis": (0,), "keepdims": 1}, "IR-0004"),
    ("mean", (vector(INT, 4),), {"axis": (0,), "keepdims": False}, "IR-0002"),
    ("mean", (vector(FIXED, 0),), {"axis": (0,), "keepdims": False}, "IR-0003"),
    ("max", (vector(FIXED, 0),), {"axis": 0, "keepdims": False}, "IR-0003"),
    ("sort", (vector(),), {}, "IR-0003"),
    ("clip", (vector(),), {"low": 1.0, "high": 0.0}, "IR-0004"),
    ("clip", (vector(),), {"low": 0, "high": 1}, "IR-0004"),
    ("reveal", (vector(),), {"to": (0, 1), "name": "x"}, "IR-0005"),
    ("reveal", (vector(), vector(INT)), {"to": (), "name": "x"}, "IR-0002"),
    ("reveal", (vector(),), {"to": (), "name": ""}, "IR-0004"),
    ("const", (), {"value": (1.0, 2.0), "dtype": FIXED, "shape": (3,)}, "IR-0010"),
    ("const", (), {"value": 2.0**44, "dtype": FIXED, "shape": ()}, "IR-0010"),
    ("const", (), {"value": 1 << 63, "dtype": INT, "shape": ()}, "IR-0010"),
    ("const", (), {"value": 1, "dtype": FIXED, "shape": ()}, "IR-0002"),
    ("const", (), {"value": float("nan"), "dtype": FIXED, "shape": ()}, "IR-0004"),
]


@pytest.mark.parametrize(("name", "given", "params", "code"), REFUSED)
def test_rule_refuses(name: str, given: tuple[Type, ...], params: dict[str, Any], code: str) -> None:
    with pytest.raises(TypeRuleError) as refused:
        infer(name, given, Params(params))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("sides", "result"),
    [
        ((PUBLIC, PUBLIC), PUBLIC),
        ((PUBLIC, Private(1)), Private(1)),
        ((Private(1), Private(1)), Private(1)),
        ((Private(0), Private(1)), SECRET),
        ((SECRET, PUBLIC), SECRET),
    ],
)
def test_visibility_is_the_join(sides: tuple[Any, Any], result: Any) -> None:
    (out,) = infer("add", tuple(Type(vis, INT, ()) for vis in sides), Params())
    assert out.vis == result


def test_reveal_and_to_secret_change_visibility() -> None:
    secret, public = Type(SECRET, INT, (3,)), Type(PUBLIC, INT, (3,))
    assert infer("reveal", (secret,), Params({"to": (), "name": "x"})) == (public,)
    assert infer("reveal", (secret,), Params({"to": (2,), "name": "x"})) == (Type(Private(2), INT, (3,)),)
    assert infer("to_secret", (public,), Params()) == (secret,)


def test_guard_refuses_the_run() -> None:
    reveal = OPS["reveal"].ref
    assert reveal(np.float64(1.0), np.bool_(True), to=(), name="x") == 1.0
    with pytest.raises(PolicyError) as refused:
        reveal(np.float64(1.0), np.bool_(False), to=(), name="x")
    assert refused.value.code == "POLICY-0001"


def test_network_is_not_written_out_for_long_axes() -> None:
    builder = Builder()
    with pytest.raises(UnsupportedError) as refused:
        lowering = OPS["sort"].lower
        assert lowering is not None
        lowering(builder, builder.input("x", vector(FIXED, 4097)))
    assert refused.value.code == "IR-0013"
