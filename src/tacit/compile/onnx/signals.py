"""Operators on signals and images as a whole: Fourier transforms, the windows that are laid over them, the
part in the middle; and determinants."""

from __future__ import annotations

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value
from tacit.compile.onnx.evaluate import known, known_ints, room, rule
from tacit.compile.trace import TABLE
from tacit.compile.transform import Complex, as_complex
from tacit.compile.windows import padded


@rule("DFT")
def _transform(
    x: Value, length: Value = None, along: Value = None, /, *,
    axis: int | None = None, inverse: int = 0, onesided: int = 0, opset: int,
) -> Value:  # fmt: skip
    """Along one axis; real and imaginary parts are the last axis."""
    if along is not None:
        axis = int(known(along, "the axis of DFT").item())
    elif axis is None:
        axis = 1 if opset < 20 else -2
    at = axis % len(x.shape)
    size = x.shape[at] if not (onesided and inverse) else 2 * (x.shape[at] - 1)
    size = size if length is None else int(known(length, "the length of DFT").item())
    value = as_complex(x[..., 0]) if x.shape[-1] == 1 else Complex(x[..., 0], x[..., 1])
    if onesided and inverse:
        found = as_complex(TABLE["fft.irfft"](value, size, at))
        return xp.expand_dims(found.real, -1)
    name = "rfft" if onesided else "ifft" if inverse else "fft"
    found = TABLE[f"fft.{name}"](value.real if onesided else value, size, at)
    return xp.stack([found.real, found.imag], axis=-1)


def _window(name: str, weights: tuple[float, ...]) -> None:
    """A sum of cosines; `periodic` is that of one element more, without its last."""

    @rule(name)
    def window(size: Value, /, *, output_datatype: int = 1, periodic: int = 1) -> np.ndarray:
        (n,) = room(known_ints(size, f"the size of {name}"))
        angles = 2 * np.pi * np.arange(n) / (n if periodic else max(n - 1, 1))
        return np.asarray(sum(w * np.cos(k * angles) for k, w in enumerate(weights)))


_window("HannWindow", (0.5, -0.5))
_window("HammingWindow", (25 / 46, -21 / 46))
_window("BlackmanWindow", (0.42, -0.5, 0.08))


@rule("Det")
def _determinant(x: Value, /) -> Value:
    return TABLE["linalg.det"](x)


@rule("CenterCropPad")
def _centred(x: Value, shape: Value, /, *, axes: tuple[int, ...] | None = None) -> Value:
    """Cut or filled with zeros on both sides."""
    sides = known_ints(shape, "the shape of CenterCropPad")
    room(sides)
    for axis, side in zip(axes if axes is not None else range(len(sides)), sides, strict=True):
        size, at = x.shape[axis], axis % len(x.shape)
        if size > side:
            first = (size - side) // 2
            x = xp.take(x, np.arange(first, first + side), axis=at)
        elif size < side:
            before = (side - size) // 2
            around = [(0, 0)] * len(x.shape)
            around[at] = (before, side - size - before)
            x = padded(x, around)
    return x
