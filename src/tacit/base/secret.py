"""`Secret[T]`: a value that cannot be printed, pickled, logged or compared by accident."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


class Secret(Generic[T]):
    """Holds a secret. Only `expose()` gives it back, so every use can be found by searching that word."""

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: T) -> None:
        self._value = value

    def expose(self) -> T:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("secrets are not compared with ==")

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets are not serialised")
