"""The ideal functionality: two parties give private bits to a public circuit, those named learn its outputs.

Wires carry one bit of each of many instances: bits are uint8[wires, instances] of 0 and 1. `number_bits` and
`bit_numbers` translate numbers; `circuit` builds the circuits of functions of two numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

import numpy as np

from tacit import _kernel
from tacit.base.ctx import Ctx


class GarbledLink(ABC):
    """Evaluations with the peer, in any number, each named by its scope."""

    @abstractmethod
    async def evaluate(
        self,
        ctx: Ctx,
        circuit: _kernel.Circuit,
        mine: np.ndarray,
        garbler: int = 0,
        to: Collection[int] = (0, 1),
    ) -> np.ndarray | None:
        """Outputs uint8[outputs, instances] for the parties in `to`, None for the other.

        `mine`: my input bits, uint8[inputs, instances]; a party without inputs gives shape (0, instances).
        Party `garbler` gives the circuit's inputs of role 0 and makes the tables.
        """


Build = Callable[[_kernel.CircuitBuilder, list[int], list[int]], list[int]]


def circuit(build: Build, width: int) -> _kernel.Circuit:
    """`build(builder, x, y)` of a number x of the garbler and y of the evaluator, `width` bits each."""
    builder = _kernel.CircuitBuilder()
    x, y = builder.inputs(0, width), builder.inputs(1, width)
    return builder.finish(build(builder, x, y))


def number_bits(values: np.ndarray, width: int) -> np.ndarray:
    """uint8[width, n]: the low bits of uint64[n], least significant first."""
    words = np.ascontiguousarray(values, dtype="<u8").reshape(-1, 1)
    unpacked = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    return np.ascontiguousarray(unpacked[:, :width].T)


def bit_numbers(bits: np.ndarray) -> np.ndarray:
    """uint64[n] of at most 64 bits, uint8[width, n]: inverse of `number_bits`."""
    rows = np.zeros((bits.shape[1], 64), np.uint8)
    rows[:, : len(bits)] = bits.T
    return np.packbits(rows, axis=1, bitorder="little").view("<u8").reshape(-1)
