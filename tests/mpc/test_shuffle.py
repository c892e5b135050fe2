"""The shuffle that every scheme has: rows stay whole, and every order is as likely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.types import FIXED, INT, SECRET, Private, Type
from tacit.compile import array as xp
from tacit.compile.array import trace
from tacit.compile.pipeline import run_passes
from tacit.ir.ops.sort import merge_exchange
from tacit.ir.program import walk
from tacit.mpc.operators import supports
from tacit.mpc.scheme import SCHEMES, Scheme, load
from tacit.mpc.shuffle import shuffle, switches
from tests.harness import run_scheme

SHUFFLING = [name for name in SCHEMES if not load(name).linear_only]


def opened(name: str, rows: np.ndarray, times: int = 1) -> np.ndarray:
    """What all learn of several shuffles of the same rows by this file's protocol."""

    async def party(ctx: Ctx, scheme: Scheme) -> Any:
        ctx = scheme.view(ctx)
        share = await scheme.share(ctx, rows if ctx.me == 0 else None, owner=0, shape=rows.shape)
        results = [await shuffle(ctx.sub("shuffle"), scheme, share) for _ in range(times)]
        return [await scheme.reveal(ctx, one) for one in results]

    return np.stack(run_scheme(name, party)[0])


@pytest.mark.parametrize("name", SHUFFLING)
def test_rows_stay_whole_and_orders_differ(name: str) -> None:
    rows = np.arange(60, dtype=np.uint64).reshape(20, 3)
    first, second = opened(name, rows, 2)
    for result in (first, second):
        assert np.array_equal(result[np.argsort(result[:, 0])], rows)
    assert not np.array_equal(first, second)


def test_every_order_of_three_is_as_likely() -> None:
    runs = 600
    seen = opened("plain", np.arange(3, dtype=np.uint64), runs)
    _, counts = np.unique(seen, axis=0, return_counts=True)
    assert len(counts) == 6 and np.all(np.abs(counts - runs / 6) < 45)


@pytest.mark.parametrize("n", [2, 3, 8, 29])
def test_switches_sort_the_keys(n: int) -> None:
    keys = np.random.default_rng(n).permutation(n).astype(np.uint64)
    stages = list(merge_exchange(n))
    settings, start = switches(keys, stages), 0
    for low, high in stages:
        crossed = settings[start : start + len(low)].astype(bool)
        keys[low], keys[high] = (
            np.where(crossed, keys[high], keys[low]),
            np.where(crossed, keys[low], keys[high]),
        )
        start += len(low)
    assert np.array_equal(keys, np.arange(n))


def test_each_occurrence_draws_anew() -> None:
    """The compiler neither merges shuffles, nor computes one of a constant, nor takes one out of a loop."""

    def function(x: Any) -> Any:
        def step(total: Any, row: Any) -> tuple[Any, tuple[()]]:
            return total + xp.shuffle(x) * row, ()

        loop = xp.scan(step, xp.to_secret(xp.zeros((4,))), xp.asarray([1.0, 2.0]), length=2)[0]
        return xp.shuffle(x) + xp.shuffle(x) + loop + xp.shuffle(xp.asarray([1.0, 2.0, 3.0, 4.0]) + 0 * x[0])

    program = trace(function, [("x", Type(Private(0), FIXED, (4,)))], "case")
    lowered = run_passes(program, supports("semi2k"))
    assert [eqn.op for eqn in walk(lowered)].count("shuffle") == 4
    assert [eqn.op for eqn in lowered.eqns].count("shuffle") == 3
    assert all(out.type.vis == SECRET for eqn in walk(lowered) if eqn.op == "shuffle" for out in eqn.outs)


def test_integers_can_be_shuffled() -> None:
    program = trace(xp.shuffle, [("x", Type(Private(0), INT, (4, 2)))], "case")
    assert program.outs[0][1].type == Type(SECRET, INT, (4, 2))
