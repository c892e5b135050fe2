"""`tacit.xp`: the Python array standard 2024.12, complete, on data in the clear and on secrets.

    from tacit import xp            # or: import tacit.xp

On data every name of the standard is NumPy's function. On traced values it is the private one, which writes
the program down; what no program computes without disclosure raises COMPILE-0006 with a reason
(`tacit.compile.refused`). Beside the standard are NumPy's other functions that have a private form (`median`,
`histogram2d`) and those of `tacit.compile.array`: `scan`, `reveal`, `sigmoid`, `top_k` and others.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tacit.compile import array
from tacit.compile.refused import REFUSED
from tacit.compile.standard import fft as fft
from tacit.compile.standard import linalg as linalg
from tacit.compile.standard.dispatch import finfo, on_types, standard_function
from tacit.compile.standard.signatures import MAIN, signatures
from tacit.compile.trace import TABLE

STANDARD = signatures(MAIN)
CONSTANTS = ("e", "inf", "nan", "newaxis", "pi")
DTYPES = """
bool complex64 complex128 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64
"""
OF_NUMPY = sorted(
    name
    for name in {entry.removeprefix("numpy.") for entry in TABLE}
    if "." not in name and name not in REFUSED and hasattr(np, name)
)
"""NumPy's functions that have a private form."""

__array_api_version__ = "2024.12"
__array_namespace_info__ = np.__array_namespace_info__


NAMES: dict[str, Any] = {
    **{name: standard_function(name) for name in OF_NUMPY},
    **{name: getattr(array, name) for name in array.__all__},
    **{name: standard_function(name, signature) for name, signature in STANDARD.items()},
    **{name: getattr(np, name) for name in (*CONSTANTS, *DTYPES.split(), "broadcast_shapes")},
    "finfo": finfo,
    "iinfo": on_types("iinfo", STANDARD),
    "isdtype": on_types("isdtype", STANDARD),
    "can_cast": on_types("can_cast", STANDARD),
    "result_type": on_types("result_type", STANDARD),
}
"""All functions, types and constants; a module's names are looked up here."""

__all__ = sorted({*NAMES, "linalg", "fft", "__array_namespace_info__"})  # pyright: ignore


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module 'tacit.xp' has no attribute {name!r}")
    return NAMES[name]


def __dir__() -> list[str]:
    return list(__all__)
