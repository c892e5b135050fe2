"""Types of values in a program: who may see them, how they are encoded, their shape.

`Type = (visibility, dtype, shape)`; equality is structural and `str` prints what `ir.text` parses.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

Shape = tuple[int, ...]

RING_BITS = 64
FRACTION_BITS = 18


@dataclass(frozen=True)
class Public:
    """Known to every party."""

    def __str__(self) -> str:
        return "public"


@dataclass(frozen=True)
class Private:
    """Known to one party, `owner`, which computes on it in plaintext."""

    owner: int

    def __str__(self) -> str:
        return f"private({self.owner})"


@dataclass(frozen=True)
class Secret:
    """Shared among the parties; known to none."""

    def __str__(self) -> str:
        return "secret"


Visibility = Public | Private | Secret
PUBLIC = Public()
SECRET = Secret()


def join(*sides: Visibility) -> Visibility:
    """Visibility of a value computed from values of these visibilities."""
    owners = {side.owner for side in sides if isinstance(side, Private)}
    if any(isinstance(side, Secret) for side in sides) or len(owners) > 1:
        return SECRET
    return Private(owners.pop()) if owners else PUBLIC


@dataclass(frozen=True)
class DType:
    """An encoding: `fixed` (real numbers, `fraction_bits` fractional bits), `int` or `bool`."""

    kind: str
    bits: int = RING_BITS
    fraction_bits: int = 0

    def __str__(self) -> str:
        if self.kind == "fixed":
            return f"fixed{self.bits}.{self.fraction_bits}"
        return "bool" if self.kind == "bool" else f"int{self.bits}"


FIXED = DType("fixed", RING_BITS, FRACTION_BITS)
INT = DType("int")
BOOL = DType("bool", 1)
DTYPES: dict[str, DType] = {str(d): d for d in (FIXED, INT, BOOL)}


@dataclass(frozen=True)
class Type:
    vis: Visibility
    dtype: DType
    shape: Shape

    @property
    def size(self) -> int:
        return prod(self.shape)

    def __str__(self) -> str:
        return f"{self.vis} {self.dtype}[{','.join(map(str, self.shape))}]"
