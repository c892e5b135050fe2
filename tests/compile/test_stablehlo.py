"""The operations of StableHLO on secrets, reached through JAX, against JAX itself; vmapped; gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.compile.test_onnx import private

jax = pytest.importorskip("jax")
jnp, lax = jax.numpy, jax.lax
jax.config.update("jax_platforms", "cpu")

from tacit.base.errors import UsageError  # noqa: E402
from tacit.compile.jax import REFUSED, RULES, from_jax  # noqa: E402
from tacit.compile.jax.evaluate import OF_COMPLEX  # noqa: E402
from tacit.compile.transform import Complex  # noqa: E402
from tests.compile.stablehlo_cases import CASES, Function  # noqa: E402

NUMBERED = [(name, number) for name in CASES for number in range(len(CASES[name]))]

NO_WAY = {
    "it has no values, or is written by the other operations themselves": """
        return tuple get_tuple_element async_start async_done""",
    "it is about several devices": """
        all_gather all_reduce all_to_all collective_broadcast collective_permute cross-replica-sum
        partition_id reduce_scatter replica_id send recv""",
    "it hands values to something outside of the program": "after_all create_token infeed outfeed",
    "it is about shapes that are not known while a program is written": """
        dynamic_broadcast_in_dim dynamic_conv dynamic_gather dynamic_iota dynamic_pad dynamic_reshape
        get_dimension_size real_dynamic_slice set_dimension_size""",
    "no function of JAX becomes it; it is written with other operations": """
        batch_norm_grad batch_norm_inference batch_norm_training broadcast dot einsum if map
        torch_index_select unary_einsum uniform_dequantize uniform_quantize""",
}
"""The operations without a case, by why."""


def operations() -> set[str]:
    """All there are, as the MLIR dialect of the installed jaxlib has them."""
    from jaxlib.mlir.dialects import _stablehlo_ops_gen as dialect

    names = {getattr(entry, "OPERATION_NAME", "") for entry in vars(dialect).values()}
    return {name.removeprefix("stablehlo.") for name in names if name}


def in_jax(array: np.ndarray) -> Any:
    narrow = {"f": np.float32, "i": np.int32}.get(array.dtype.kind, array.dtype)
    return jnp.asarray(array.astype(narrow))


def leaves(tree: Any) -> Iterator[Any]:
    """Real arrays; complex ones are two."""
    for leaf in jax.tree_util.tree_leaves(tree):
        if isinstance(leaf, Complex) or getattr(leaf, "dtype", None) == np.complex64:
            yield from (leaf.real, leaf.imag)
        else:
            yield leaf


def agree(function: Function, arrays: tuple[np.ndarray, ...], error: float = 2.0**-9) -> None:
    got = private(lambda *xs: {f"y{k}": y for k, y in enumerate(leaves(from_jax(function)(*xs)))}, arrays)
    expected = list(leaves(jax.jit(function)(*map(in_jax, arrays))))
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected, strict=True):
        wanted = np.asarray(theirs, np.float64)
        assert np.shape(mine) == wanted.shape
        gap = np.abs(np.asarray(mine, np.float64) - wanted)
        assert np.all(gap <= error * np.maximum(1, np.abs(wanted))), (mine, wanted)


@pytest.mark.parametrize(("name", "number"), NUMBERED)
def test_an_operation_gives_on_secrets_what_jax_gives(name: str, number: int) -> None:
    agree(*CASES[name][number])


def test_every_operation_has_a_case_that_becomes_it_or_a_reason() -> None:
    """Of `logistic` this JAX has the primitive, and writes it with others."""
    without = [name for names in NO_WAY.values() for name in names.split()]
    assert len(without) == len(set(without)) and not set(without) & set(CASES)
    assert set(without) | set(CASES) == operations()
    for name, cases in CASES.items():
        texts = []
        for function, arrays in cases:
            traced = jax.jit(function).trace(*map(in_jax, arrays))
            texts += [traced.lower(lowering_platforms=(platform,)).as_text() for platform in ("cpu", "tpu")]
        assert any(f"stablehlo.{name}" in text for text in texts) or name == "logistic", name


NOT_IN_JAX = {"composite"}
"""Neither vmapped nor derived by JAX itself."""


@pytest.mark.parametrize("name", sorted(set(CASES) - NOT_IN_JAX))
def test_an_operation_is_vmapped(name: str) -> None:
    function, arrays = CASES[name][0]
    second = [x[::-1] if x.ndim and name != "cholesky" else x for x in arrays]
    agree(jax.vmap(function), tuple(map(np.stack, zip(arrays, second, strict=True))))


def total(function: Function) -> Function:
    def weighed(*arrays: Any) -> Any:
        parts = [part for part in leaves(function(*arrays)) if jnp.issubdtype(part.dtype, jnp.floating)]
        return sum(jnp.sum(part * (1.0 + jnp.arange(part.size).reshape(part.shape) / 8)) for part in parts)

    return weighed


SINGULAR = {"atan2", "cbrt"}
"""Whose gradients are without bound at 0, which is refused for ranges that hold it."""
OF_WHOLE_NUMBERS = {"and", "bitcast_convert", "count_leading_zeros", "not", "or", "popcnt", "xor"}
OF_STEPS = {"ceil", "compare", "floor", "is_finite", "round_nearest_afz", "round_nearest_even", "sign"}
SHIFTS = {"shift_left", "shift_right_arithmetic", "shift_right_logical"}
WITHOUT_GRADIENT = SINGULAR | OF_WHOLE_NUMBERS | OF_STEPS | SHIFTS


@pytest.mark.parametrize("name", sorted(set(CASES) - WITHOUT_GRADIENT - NOT_IN_JAX))
def test_a_gradient_of_an_operation_is_that_of_jax(name: str) -> None:
    function, arrays = CASES[name][0]
    reals = tuple(k for k, x in enumerate(arrays) if x.dtype.kind == "f")
    agree(jax.grad(total(function), argnums=reals), arrays, 2.0**-8)


# --- what is refused ------------------------------------------------------------------------------------

STRANGE = {
    "debug_callback": lambda x: (jax.debug.callback(print, x), x)[1],
    "pure_callback": lambda x: jax.pure_callback(np.sin, jax.ShapeDtypeStruct((3, 4), np.float32), x),
    "bitcast_convert_type": lambda x: lax.bitcast_convert_type(x, jnp.int32),
    "nextafter": lambda x: jnp.nextafter(x, 2.0),
    "random_seed": lambda x: x + jax.random.normal(jax.random.key(x[0, 0].astype(int)), (3, 4)),
    "eig": lambda x: jnp.linalg.eigvals(x[:, :3]).real,
    "polygamma": lambda x: jax.scipy.special.polygamma(1, x),
    "tanh": lambda x: jnp.tanh(lax.complex(x, x)).real,
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_has_no_private_meaning_is_refused_with_a_reason(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        private(from_jax(STRANGE[name]), (CASES["add"][0][1][0],))
    assert refused.value.code == "COMPILE-0004"
    assert repr(name) in str(refused.value) and refused.value.hint


def test_every_primitive_of_jax_has_a_rule_or_a_reason() -> None:
    from jax._src.interpreters import mlir

    lowered = [mlir._lowerings, *mlir._platform_specific_lowerings.values()]
    primitives = {primitive.name for table in lowered for primitive in table}
    assert not set(RULES) & set(REFUSED)
    assert primitives - set(RULES) - set(OF_COMPLEX) - set(REFUSED) == set()
