"""Fourier transforms of secrets: products with public matrices of cosines and sines.

Source   the definition of the discrete transform, as NumPy writes it (numpy.fft).
Differs  results are pairs of real arrays, `Complex`, since values of a program are real; a matrix product
         instead of the fast algorithm, because a product with public numbers sends only its truncation.
Cost     n^2 local multiplications for a transform of n elements; one truncation.
Notation f: the function of numpy.fft; F: its matrix, what f makes of unit vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tacit.base.types import FIXED
from tacit.compile.coerce import Value, axes_of, cast
from tacit.compile.elementwise import add, multiply, negative, sqrt, square, subtract
from tacit.compile.pieces import roll
from tacit.compile.reduction import matmul, sort
from tacit.compile.shaping import asarray, moveaxis, reshape
from tacit.compile.trace import TABLE, find, public_in, refuse
from tacit.compile.trigonometry import arctan2


@dataclass(frozen=True)
class Complex:
    """Complex numbers as two arrays of one shape; sums, products, conj, abs and angle."""

    real: Value
    imag: Value

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.real.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs or ufunc.__name__ not in _OF_COMPLEX:
            refuse(
                "COMPILE-0002", f"numpy.{ufunc.__name__} of complex values", "compute with .real and .imag"
            )
        return _OF_COMPLEX[ufunc.__name__](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        home = function.__module__.removeprefix("numpy").lstrip(".")
        private = _OF_COMPLEX.get(function.__name__) if home != "fft" else find("fft", function.__name__)
        if private is None:
            refuse(
                "COMPILE-0002", f"numpy.{function.__name__} of complex values", "compute with .real and .imag"
            )
        return private(*args, **kwargs)

    def __add__(self, other: Value) -> Complex:
        return _add(self, other)

    def __sub__(self, other: Value) -> Complex:
        return _subtract(self, other)

    def __mul__(self, other: Value) -> Complex:
        return _multiply(self, other)

    def __rmul__(self, other: Value) -> Complex:
        return _multiply(other, self)

    def __radd__(self, other: Value) -> Complex:
        return _add(other, self)

    def __abs__(self) -> Value:
        return _size(self)

    def conj(self) -> Complex:
        return Complex(self.real, negative(self.imag))


def as_complex(x: Any) -> Complex:
    """A Complex, data, or real values with nothing beside."""
    if isinstance(x, Complex):
        return x
    if isinstance(x, np.ndarray | complex | list):
        data = np.asarray(x)
        return Complex(np.real(data).astype(np.float64), np.imag(data).astype(np.float64))
    real = cast(asarray(x), FIXED)
    return Complex(real, np.zeros(real.shape))


def _add(x: Any, y: Any) -> Complex:
    x, y = as_complex(x), as_complex(y)
    return Complex(add(x.real, y.real), add(x.imag, y.imag))


def _subtract(x: Any, y: Any) -> Complex:
    x, y = as_complex(x), as_complex(y)
    return Complex(subtract(x.real, y.real), subtract(x.imag, y.imag))


def _multiply(x: Any, y: Any) -> Complex:
    x, y = as_complex(x), as_complex(y)
    real = subtract(multiply(x.real, y.real), multiply(x.imag, y.imag))
    return Complex(real, add(multiply(x.real, y.imag), multiply(x.imag, y.real)))


def _size(x: Complex) -> Value:
    return sqrt(add(square(x.real), square(x.imag)))


def _angle(x: Complex) -> Value:
    return arctan2(x.imag, x.real)


_OF_COMPLEX: dict[str, Callable[..., Any]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "absolute": _size,
    "conjugate": lambda x: x.conj(),
    "negative": lambda x: Complex(negative(x.real), negative(x.imag)),
    "real": lambda x: x.real,
    "imag": lambda x: x.imag,
    "angle": _angle,
    "iscomplexobj": lambda x: True,
}


def _along(f: Callable[..., np.ndarray], x: Any, n: int | None, axis: int, norm: str | None) -> Complex:
    """f along one axis: F @ x for the real and the imaginary part."""
    x = as_complex(x)
    side = x.shape[axis]
    units = np.eye(side)
    of_real = f(units, n, axis=0, norm=norm)
    of_imag = f(1j * units, n, axis=0, norm=norm) if _takes_complex(f) else None

    def times(matrix: np.ndarray, part: Value) -> Value:
        rows = moveaxis(part, axis, 0)
        found = matmul(matrix, reshape(rows, (side, -1)))
        return moveaxis(reshape(found, (matrix.shape[0], *rows.shape[1:])), 0, axis)

    real, imag = times(np.real(of_real), x.real), times(np.imag(of_real), x.real)
    if of_imag is None or not _present(x.imag):
        return Complex(real, imag)
    more = times(np.real(of_imag), x.imag), times(np.imag(of_imag), x.imag)
    return Complex(add(real, more[0]), add(imag, more[1]))


def _takes_complex(f: Callable[..., Any]) -> bool:
    return f not in (np.fft.rfft, np.fft.ihfft)


def _present(part: Value) -> bool:
    return not isinstance(part, np.ndarray) or bool(np.any(part))


def _one(name: str, *, real: bool) -> None:
    f = getattr(np.fft, name)

    def transform(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Any:
        found = _along(f, a, n, axis, norm)
        return found.real if real else found

    TABLE[f"fft.{name}"] = transform


def _several(name: str, step: str, last: str, *, rank: int | None, real: bool) -> None:
    """Over several axes: `last` on the last one (first or at the end of it all), `step` on the others."""
    from_real, to_real = last == "rfft", last == "irfft"

    def transform(
        a: Any, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = None
    ) -> Any:
        ndim = len(a.shape)
        chosen = (-2, -1) if rank and axes is None else axes
        over = axes_of(chosen if chosen is not None else None, ndim)
        if chosen is None and s is not None:
            over = over[-len(s) :]
        sizes: list[int | None] = list(s) if s is not None else [None] * len(over)
        steps = [(step, axis, size) for axis, size in zip(over[:-1], sizes[:-1], strict=True)]
        end = (last, over[-1], sizes[-1])
        value: Any = a
        for one, axis, size in [end, *steps] if from_real else [*steps, end]:
            value = _along(getattr(np.fft, one), value, size, axis, norm)
        return value.real if to_real and real else value

    TABLE[f"fft.{name}"] = transform


for _name in ("fft", "ifft", "rfft", "ihfft"):
    _one(_name, real=False)
for _name in ("irfft", "hfft"):
    _one(_name, real=True)
_several("fftn", "fft", "fft", rank=None, real=False)
_several("ifftn", "ifft", "ifft", rank=None, real=False)
_several("rfftn", "fft", "rfft", rank=None, real=False)
_several("irfftn", "ifft", "irfft", rank=None, real=True)
_several("fft2", "fft", "fft", rank=2, real=False)
_several("ifft2", "ifft", "ifft", rank=2, real=False)
_several("rfft2", "fft", "rfft", rank=2, real=False)
_several("irfft2", "ifft", "irfft", rank=2, real=True)


def _shift(name: str, sign: int) -> None:
    def shift(x: Any, axes: int | Sequence[int] | None = None) -> Any:
        over = axes_of(axes, len(x.shape))
        by = tuple(sign * (x.shape[axis] // 2) for axis in over)
        if isinstance(x, Complex):
            return Complex(roll(x.real, by, over), roll(x.imag, by, over))
        return roll(x, by, over)

    TABLE[f"fft.{name}"] = shift


_shift("fftshift", 1)
_shift("ifftshift", -1)


@public_in("numpy")
def sort_complex(a: Value) -> Complex:
    """Real values in order, as complex ones."""
    return as_complex(sort(asarray(a)))
