"""The node cases that the `onnx` package ships, on secrets: each passes or is refused with a reason."""

from __future__ import annotations

import warnings
from fnmatch import fnmatch
from functools import cache
from typing import Any

import numpy as np
import pytest

import tacit
from tacit.base.errors import UsageError
from tacit.compile import array as xp
from tacit.run.secure import Simulation

onnx = pytest.importorskip("onnx")
from tacit.compile.onnx import REFUSED, RULES  # noqa: E402

SHAPING = {
    "Range": (0, 1, 2), "Resize": (1, 2, 3), "Upsample": (1,), "Pad": (2,), "Dropout": (1, 2), "OneHot": (1,),
    "QuantizeLinear": (1, 2), "DequantizeLinear": (1, 2), "Compress": (1,), "Loop": (1,),
    "ConstantOfShape": (0,), "BlackmanWindow": (0,), "HammingWindow": (0,), "HannWindow": (0,),
}  # fmt: skip
"""Inputs that are reals or truth values and shape the computation: they are public."""


def cases() -> list[Any]:
    """Those of one node; the others write the same operators with smaller ones."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [case for case in collect_testcases(None) if len(case.model.graph.node) == 1]


ALL = cases()


def data(value: Any) -> Any:
    """Numbers in the types that are computed in."""
    if not isinstance(value, np.ndarray | np.generic) or value.dtype.kind in "OSU":
        return value
    kind = {"b": bool, "i": np.int64, "u": np.int64}.get(value.dtype.kind, float)
    return np.asarray(value).astype(kind)


def limit(x: np.ndarray) -> tuple[float, float] | None:
    if x.dtype == bool or not x.size:
        return None
    low, high = float(x.min()), float(x.max())
    return (low, high) if low < high else (low - 1.0, high + 1.0)


def outcome(case: Any) -> str:
    """ "ok", "wrong", "infinite" where the case is about infinity, or the code of the refusal."""
    ins, outs = ([data(value) for value in part] for part in case.data_sets[0])
    if not all(isinstance(value, np.ndarray) and value.dtype.kind in "bif" for value in (*ins, *outs)):
        return "no tensors"
    if not all(np.all(np.isfinite(value)) for value in (*ins, *outs)):
        return "infinite"
    node = case.model.graph.node[0]
    named = [value.name for value in case.model.graph.input]
    shaping = {
        named.index(node.input[place])
        for place in SHAPING.get(node.op_type, ())
        if place < len(node.input) and node.input[place] in named
    }
    secret = [k for k, x in enumerate(ins) if k not in shaping and x.dtype.kind in "fb"]
    secret = secret or [k for k in range(len(ins)) if k not in shaping][:1]
    if not secret or not ins[secret[0]].size:
        return "nothing secret"
    try:
        got = computed(tacit.onnx.load(case.model), ins, secret)
    except UsageError as error:
        return error.code
    return "ok" if all(map(near, got, outs)) else "wrong"


def computed(model: Any, ins: list[np.ndarray], secret: list[int]) -> list[np.ndarray]:
    with Simulation(["a", "b", "c"], scheme="plain", insecure_seed=b"onnx" * 8) as parties:
        given = [parties["a"].private(ins[k], limit=limit(ins[k])) for k in secret]

        def hidden(*values: Any) -> Any:
            whole: list[Any] = list(ins)
            for k, value in zip(secret, values, strict=True):
                whole[k] = xp.to_secret(value)
            return model(*whole)

        found = tacit.secure(hidden)(*given)
    return list(found.values()) if isinstance(found, dict) else [found]


def near(mine: Any, theirs: np.ndarray) -> bool:
    """Within 2^-7: some of the expected results are of 16 bits."""
    if np.shape(mine) != theirs.shape:
        return False
    gap = np.abs(np.asarray(mine, float) - theirs.astype(float))
    return bool(np.all(gap <= 2.0**-7 * np.maximum(1.0, np.abs(theirs.astype(float)))))


PARTLY = {
    "a step of training": """test_batchnorm_example_training_mode test_batchnorm_epsilon_training_mode
        test_training_dropout*""",
    "numbers have no width here": """
        test_bitshift_left_*_overflow test_bitshift_left_*_shift_ge_width test_bitshift_right_*_negative_shift
        test_bitwise_not_3d test_bitwise_not_4d test_bitwise_or_i16_4d""",
    "the shape of the result depends on values": "test_nonzero_example",
    "a constant is longer than one constant of a program": "test_*_NCd1d2d3d4d5_*",
    "operator sets before 7 are not read": "test_not_2d test_not_3d test_not_4d",
    "out of the range in which an operator is proved": """
        test_mod_* test_reduce_prod_default_axes_keepdims_* test_tan""",
    "a mode that is not there yet": """
        test_convtranspose_output_shape test_convtranspose_kernel_shape test_convtranspose_autopad_same
        test_dequantizelinear_blocked test_quantizelinear* test_lppool_* test_lstm_with_peepholes
        test_maxpool_with_argmax_* test_resize_*cubic* test_resize_tf_crop* test_resize_*antialias
        test_resize_*_nearest_not_* test_resize_*_half_pixel_symmetric test_scan_sum
        test_spacetodepth_*_mode_*
        """,
}
"""Cases that are refused or differ though their operator is there, and why."""
LEFT_OUT = {"no tensors", "infinite", "nothing secret"}
PASSED = 940
"""At least so many of the cases run and agree."""


def why(name: str) -> str:
    """The reason that is stated for a case, if any."""
    found = [reason for reason, names in PARTLY.items() if any(fnmatch(name, one) for one in names.split())]
    return found[0] if found else ""


@cache
def found_in(number: int) -> str:
    return outcome(ALL[number])


def by_operator() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, case in enumerate(ALL):
        found.setdefault(case.model.graph.node[0].op_type, []).append(number)
    return found


@pytest.mark.parametrize("operator", by_operator())
def test_an_operator_gives_what_the_official_cases_say(operator: str) -> None:
    for number in by_operator()[operator]:
        case, found = ALL[number], found_in(number)
        node = case.model.graph.node[0]
        if found not in ("ok", *LEFT_OUT):
            assert (node.domain, node.op_type) in REFUSED or why(case.name), (case.name, found)
            assert found != "wrong" or why(case.name) == "numbers have no width here", case.name


def test_most_cases_pass() -> None:
    assert sum(found_in(number) == "ok" for number in range(len(ALL))) >= PASSED


def test_every_operator_has_a_rule_or_a_reason() -> None:
    schemas = onnx.defs.get_all_schemas()
    operators = {(schema.domain, schema.name) for schema in schemas}
    assert not set(RULES) & set(REFUSED)
    assert operators - set(RULES) - set(REFUSED) == set()
