"""Attention as one operator (operator set 23), and the turning of positions that goes with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tacit.compile import array as xp
from tacit.compile.coerce import Value, traced
from tacit.compile.onnx.evaluate import known, rule, shapes
from tacit.compile.products import matmul_
from tacit.compile.trace import dtype_of, plain

MASKED = -(2.0**12)
"""Added to scores that do not count: their exponentials are 0 on shares."""


def _heads(x: Value, count: int | None, what: str) -> Value:
    """[batch, heads, steps, size] of that or of [batch, steps, heads * size]."""
    if len(x.shape) == 4:
        return x
    if not count or x.shape[-1] % count:
        raise shapes(f"{what} of shape {tuple(x.shape)} has no {count} heads")
    batch, steps, width = x.shape
    return xp.permute_dims(xp.reshape(x, (batch, steps, count, width // count)), (0, 2, 1, 3))


def _shared(x: Value, groups: int) -> Value:
    """Each head for that many heads of queries."""
    return x if groups == 1 else xp.take(x, np.repeat(np.arange(x.shape[1]), groups), axis=1)


@rule("Attention")
def _attention(
    q: Value, k: Value, v: Value, mask: Value = None, past_key: Value = None, past_value: Value = None,
    lengths: Value = None, /, *, is_causal: int = 0, q_num_heads: int | None = None,
    kv_num_heads: int | None = None, scale: float | None = None, softcap: float = 0.0,
    softmax_precision: int = 1, qk_matmul_output_mode: int = 0, left_window_size: int = -1,
    right_window_size: int = -1,
) -> Any:  # fmt: skip
    """softmax(q k^T scale + mask) v; further outputs are keys and values with those of the past, and scores.

    `lengths` [batch]: how many keys are none of the padding; public, as all that masks are made of here.
    """
    flat = len(q.shape) == 3
    queries = _heads(q, q_num_heads, "the query")
    keys, values = _heads(k, kv_num_heads, "the key"), _heads(v, kv_num_heads, "the value")
    if past_key is not None:
        keys, values = xp.concat([past_key, keys], axis=2), xp.concat([past_value, values], axis=2)
    groups = queries.shape[1] // keys.shape[1]
    factor = 1.0 / math.sqrt(queries.shape[-1]) if scale is None else scale
    turned = xp.permute_dims(_shared(keys, groups), (0, 1, 3, 2))
    scores = xp.multiply(matmul_(queries, turned), factor)
    if softcap:
        scores = xp.multiply(xp.tanh(xp.multiply(scores, 1.0 / softcap)), softcap)
    before = past_key.shape[2] if past_key is not None else 0
    allowed = _allowed(scores.shape, before, lengths, bool(is_causal), (left_window_size, right_window_size))
    if mask is not None:
        mask = _widened(mask, scores.shape[-1])
        if dtype_of(mask) == xp.bool and not traced(mask):
            mask, allowed = None, allowed & plain(mask)
    weighed = scores if mask is None else xp.add(scores, _offset(mask))
    weighed = weighed if np.all(allowed) else xp.add(weighed, _offset(allowed))
    shares = xp.softmax(weighed, axis=-1)
    some: Value = allowed.any(axis=-1, keepdims=True)
    if mask is not None and dtype_of(mask) == xp.bool:
        some = xp.any(xp.logical_and(mask, allowed), axis=-1, keepdims=True)
    if traced(some) or not np.all(some):  # A query that may look nowhere sees zeros.
        shares = xp.where(some, shares, 0.0)
    found = matmul_(shares, _shared(values, groups))
    if flat:
        batch, heads, steps, size = found.shape
        found = xp.reshape(xp.permute_dims(found, (0, 2, 1, 3)), (batch, steps, heads * size))
    told = {_WITH_MASK: weighed, _SHARES: shares}
    return found, keys, values, told.get(qk_matmul_output_mode, scores)


_WITH_MASK, _SHARES = 2, 3
"""Which scores are given: as they are, with the mask, or as shares of 1."""


def _allowed(
    shape: tuple[int, ...], before: int, lengths: Value, causal: bool, sides: tuple[int, int]
) -> np.ndarray:
    """bool [1 or batch, 1, queries, keys]: which key a query may look at. Queries stand after the `before`
    keys of the past, or are the last of as many keys as `lengths` says."""
    steps, all_steps = shape[-2:]
    first = np.array(before).reshape(1, 1, 1, 1)
    keys = np.arange(all_steps).reshape(1, 1, 1, -1)
    found = np.ones((1, 1, steps, all_steps), bool)
    if lengths is not None:
        counts = known(lengths, "the number of keys of Attention").reshape(-1, 1, 1, 1)
        found = found & (keys < counts)
        first = first if before else counts - steps
    behind = np.arange(steps).reshape(1, 1, -1, 1) + first - keys
    if causal:
        found = found & (behind >= 0)
    for side, distance in zip(sides, (behind, -behind), strict=True):
        found = found & (distance <= side) if side >= 0 else found
    return found


def _widened(mask: Value, size: int) -> Value:
    """A mask of fewer keys forbids the others."""
    mask = xp.asarray(mask)
    missing = size - mask.shape[-1]
    if missing <= 0:
        return mask
    kind = dtype_of(mask) == xp.bool
    rest = (
        np.zeros((*mask.shape[:-1], missing), bool) if kind else np.full((*mask.shape[:-1], missing), MASKED)
    )
    return xp.concat([mask, rest], axis=mask.ndim - 1)


def _offset(mask: Value) -> Value:
    if dtype_of(mask) == xp.bool:
        return xp.where(mask, np.zeros(()), np.full((), MASKED))
    return mask if traced(mask) else np.maximum(plain(mask), MASKED)


@rule("RotaryEmbedding")
def _rotary(
    x: Value, cosines: Value, sines: Value, positions: Value = None, /, *, interleaved: int = 0,
    num_heads: int = 0, rotary_embedding_dim: int = 0,
) -> Value:  # fmt: skip
    """Pairs of elements turned by angles that belong to their positions."""
    flat, given = len(x.shape) == 3, x.shape
    x = _heads(x, num_heads or None, "the input")
    size = rotary_embedding_dim or x.shape[-1]
    if positions is not None:
        at = known(positions, "the positions of RotaryEmbedding")
        cosines, sines = (xp.take(table, at, axis=0) for table in (cosines, sines))
    cosines, sines = (xp.expand_dims(xp.asarray(table), 1)[..., : size // 2] for table in (cosines, sines))
    turned, rest = x[..., :size], x[..., size:]
    places = np.arange(size).reshape(-1, 2).T if interleaved else np.arange(size).reshape(2, -1)
    first, second = (xp.take(turned, row, axis=3) for row in places)
    ends = [
        xp.subtract(xp.multiply(first, cosines), xp.multiply(second, sines)),
        xp.add(xp.multiply(first, sines), xp.multiply(second, cosines)),
    ]
    found = xp.take(xp.concat(ends, axis=3), np.argsort(places.reshape(-1)), axis=3)
    found = xp.concat([found, rest], axis=3) if rest.shape[-1] else found
    return xp.reshape(xp.permute_dims(found, (0, 2, 1, 3)), given) if flat else found
