"""JAX primitives without private meaning, each with one reason of a closed list.

What is in neither `RULES` nor here is a primitive that nobody has looked at.
"""

from __future__ import annotations

from enum import Enum
from typing import NoReturn

from tacit.base.errors import UsageError
from tacit.compile.refused import named


class Reason(Enum):
    """(what is in the way, what to do instead)."""

    DEVICES = (
        "it is about several devices, and the parties are none",
        "write the function for one device; a named axis of vmap is fine",
    )
    OUTSIDE = (
        "it hands values to something outside of the program",
        "return the value, and use it after the run",
    )
    FLOATING_POINT = (
        "it is about the representation of floating-point numbers, and values are fixed point",
        "use rounding functions",
    )
    RANDOM = (
        "random numbers are drawn from a key that is secret",
        "make the key of a constant: jax.random.key(0)",
    )
    STEPS = (
        "the number of its steps depends on values",
        "use eigh for symmetric matrices, or a fixed number of steps of your own",
    )
    SHAPE = (
        "it is about shapes that are not known while the program is written",
        "call the function with arrays of fixed shapes",
    )
    KERNEL = (
        "it is code for one kind of machine",
        "write the step with functions of jax.numpy",
    )
    MUTABLE = (
        "it writes into a reference, and values of a program are assigned once",
        "use .at[i].set, or carry the value through scan",
    )
    RARE = (
        "there is no private form of it yet",
        "write that step with other functions; tacit.compile.jax.RULES has those there are",
    )


REFUSED: dict[str, Reason] = {
    **named(
        """all_gather all_gather_invariant all_gather_reduced all_to_all axis_index pbroadcast pmax pmin
        ppermute psum psum_invariant pvary preduced pcast ragged_all_to_all reduce_scatter precv psend reshard
        shard_map sharding_constraint inspect_sharding layout_constraint unreduced_psum
        unreduced_reduce_scatter vary_unreduced_cast_p reduced_vary_cast_p all_gather_start all_gather_done
        all_gather_reduced_start all_to_all_start all_to_all_done pbroadcast_start pbroadcast_done
        ppermute_start ppermute_done psum_start psum_done psum_invariant_start reduce_scatter_start
        reduce_scatter_done unreduced_psum_start unreduced_reduce_scatter_start xla_pmap""",
        Reason.DEVICES,
    ),
    **named(
        "debug_callback debug_print io_callback pure_callback after_all create_token infeed outfeed",
        Reason.OUTSIDE,
    ),
    **named("nextafter scaled_dot scaled_matmul scaled_matmul_wrapper", Reason.FLOATING_POINT),
    **named(
        """random_bits random_clone random_fold_in random_gamma random_seed random_split random_unwrap
        random_wrap rng_bit_generator rng_uniform threefry2x32 threefry4x32 philox2x32 philox4x32
        iota_2x32_shape""",
        Reason.RANDOM,
    ),
    **named("eig hessenberg schur", Reason.STEPS),
    **named("dim_as_value dimension_size shape_assertion", Reason.SHAPE),
    **named(
        """call_exported cudnn_fusion custom_partitioning dot_product_attention_bwd
        dot_product_attention_bwd_wrapper dot_product_attention_fp8_bwd
        dot_product_attention_fp8_bwd_wrapper dot_product_attention_fp8_fwd
        dot_product_attention_fp8_fwd_wrapper dot_product_attention_fwd dot_product_attention_fwd_wrapper
        ffi_call pallas_call stage tie pin unpin unreachable""",
        Reason.KERNEL,
    ),
    **named("run_state get swap addupdate create_linear ref_read", Reason.MUTABLE),
    **named(
        """cholesky_update geqp3 geqrf householder_product ormqr tridiagonal igamma_grad_a polygamma zeta
        mulhi ragged_dot_general symmetric_product tridiagonal_solve select_and_scatter custom_lin dce_sink
        empty2 from_edtype to_edtype""",
        Reason.RARE,
    ),
}
"""By the primitive's name."""


def refuse(primitive: str, about: str = "", reason: Reason | None = None) -> NoReturn:
    """Raises UsageError COMPILE-0004 with the reason for `primitive`; `about` says what of it is meant."""
    what, instead = (reason or REFUSED.get(primitive, Reason.RARE)).value
    raise UsageError(
        "COMPILE-0004",
        f"the JAX primitive {primitive!r}{about} has no private meaning here: {what}",
        hint=instead,
    )
