"""What has no private form, each with one reason of a closed list.

A function is refused for what it is, never for how much it costs: a name is in `REFUSED` only if no program
without disclosure computes it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn, TypeVar

from tacit.compile.trace import TABLE, refuse


class Reason(Enum):
    """Why a function has no private form: (what is in the way, what to do instead)."""

    SHAPE = (
        "the shape of its result depends on values",
        "keep the shape and weigh with a mask: where(condition, x, 0)",
    )
    IN_PLACE = (
        "it writes into an array, and values of a program are assigned once",
        "use the function that returns a new array",
    )
    FLOATING_POINT = (
        "it is about the representation of floating-point numbers, and values are fixed point",
        "use rounding functions",
    )
    STEPS = (
        "the number of its steps depends on values",
        "run a fixed number of steps that is enough for your data with scan",
    )
    NO_NUMBERS = (
        "it is about text, dates, records or objects, and values are numbers",
        "encode them as numbers first",
    )
    OUTSIDE = (
        "it hands values to something outside the program",
        "reveal the value, and use it after the run",
    )
    MEMORY = (
        "it is about how an array lies in memory, and a secret lies in shares",
        "use reshape, slices and take",
    )


R = TypeVar("R", bound=Enum)


def named(names: str, reason: R) -> dict[str, R]:
    """One reason for all of these."""
    return dict.fromkeys(names.split(), reason)


REFUSED: dict[str, Reason] = {
    **named(
        """unique unique_all unique_counts unique_inverse unique_values nonzero flatnonzero argwhere
        trim_zeros union1d intersect1d setdiff1d setxor1d bincount histogram_bin_edges polydiv
        linalg.lstsq""",
        Reason.SHAPE,
    ),
    **named("copyto fill_diagonal place put put_along_axis putmask", Reason.IN_PLACE),
    **named("frexp nextafter spacing", Reason.FLOATING_POINT),
    **named(
        """gcd lcm roots linalg.eig linalg.eigvals""",
        Reason.STEPS,
    ),
    **named(
        """busday_count busday_offset datetime_as_string is_busday isnat datetime_data""", Reason.NO_NUMBERS
    ),
    **named(
        """array2string array_repr array_str save savetxt savez savez_compressed from_dlpack""",
        Reason.OUTSIDE,
    ),
    **named(
        """packbits unpackbits may_share_memory shares_memory lib.stride_tricks.as_strided""",
        Reason.MEMORY,
    ),
}
"""Functions of NumPy and of the array standard by name; those of a submodule with its name before them."""


def refused(name: str) -> NoReturn:
    """Raises UsageError COMPILE-0006 with the reason for the function `name`, which is in `REFUSED`."""
    what, instead = REFUSED[name].value
    refuse("COMPILE-0006", f"{name} has no private form: {what}", instead)


def _refusing(name: str) -> Callable[..., NoReturn]:
    def function(*args: Any, **kwargs: Any) -> NoReturn:
        refused(name)

    return function


TABLE.update({name if "." in name else f"numpy.{name}": _refusing(name) for name in REFUSED})
