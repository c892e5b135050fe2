"""One encoder layer (BERT-base by default), written in JAX: secret activations of one party, weights of
another.

Centred sums are clipped to 16, since the range of what is squared must be known. With these weights no value
comes near.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any, ClassVar

import numpy as np

from bench.operation import OperationTask
from tacit.base.types import FIXED, SECRET, Private, Type
from tacit.compile.trace import trace
from tacit.ir.op import Bound
from tacit.ir.program import Program, Range


def layer(heads: int, inner: int, x: Any, weights: Any) -> Any:
    """[sequence, hidden]: attention and two dense layers, each with a residual and a normalisation after
    it."""
    import jax
    import jax.numpy as jnp

    n, hidden = x.shape
    at = 0

    def take(*shape: int) -> Any:
        nonlocal at
        start, at = at, at + int(np.prod(shape))
        return weights[start:at].reshape(shape)

    def dense(value: Any, columns: int) -> Any:
        return value @ take(value.shape[-1], columns)

    def normalised(value: Any) -> Any:
        centred = jnp.clip(value - jnp.mean(value, axis=-1, keepdims=True), -16.0, 16.0)
        scale = jax.lax.rsqrt(jnp.mean(centred * centred, axis=-1, keepdims=True) + 2.0**-10)
        return centred * scale * (1.0 + take(hidden)) + take(hidden)

    def split(value: Any) -> Any:
        return value.reshape(n, heads, hidden // heads).transpose(1, 0, 2)

    query, key, value = (split(dense(x, hidden)) for _ in range(3))
    scores = jnp.matmul(query, key.transpose(0, 2, 1)) / np.sqrt(hidden // heads)
    mixed = jnp.matmul(jax.nn.softmax(scores, axis=-1), value).transpose(1, 0, 2).reshape(n, hidden)
    attended = normalised(x + dense(mixed, hidden))
    raised = dense(attended, inner) + take(inner)
    return normalised(attended + dense(jax.nn.gelu(raised, approximate=True), hidden) + take(hidden))


class Encoder(OperationTask):
    name = "encoder"
    operator: ClassVar[str] = "encoder"
    summary = "one encoder layer of --hidden for --sequence tokens, from JAX"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--hidden", "64", "--sequence", "16"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument(
            "--hidden", type=int, default=768, help="width; the inner layer has four times as much"
        )
        parser.add_argument("--sequence", type=int, default=128, help="tokens")

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return {"hidden": options.hidden, "sequence": options.sequence, "heads": heads_of(options.hidden)}

    def inputs(self, options: argparse.Namespace, rng: np.random.Generator) -> list[np.ndarray]:
        x_type, weights_type = self.types(options)
        return [
            np.clip(rng.normal(size=x_type.shape), -6.0, 6.0),
            np.clip(0.02 * rng.normal(size=weights_type.shape), -0.12, 0.12),
        ]

    def types(self, options: argparse.Namespace) -> list[Type]:
        d = options.hidden
        count = 4 * d * d + 2 * 4 * d * d + 4 * d + d + 4 * d
        return [Type(Private(0), FIXED, (options.sequence, d)), Type(Private(1), FIXED, (count,))]

    def ranges(self) -> dict[str, Range]:
        return {"x0": (-6.0, 6.0), "x1": (-0.12, 0.12)}

    def bound(self, options: argparse.Namespace) -> Bound:
        return Bound(absolute=0.01, note="of the whole layer")

    def program(self, types: list[Type]) -> Program:
        from tacit.compile.jax import from_jax

        hidden = types[0].shape[1]
        function = from_jax(partial(layer, heads_of(hidden), 4 * hidden))
        secret = [(f"x{i}", Type(SECRET, t.dtype, t.shape)) for i, t in enumerate(types)]
        return trace(lambda *xs: function(*xs), secret, self.operator, self.ranges())


def heads_of(hidden: int) -> int:
    """Of 64 columns each, as in BERT; four in small layers."""
    return max(4, hidden // 64)


TASK = Encoder()
