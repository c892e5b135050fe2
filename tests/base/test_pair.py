"""Two parties of a larger run as a run of two: numbers, messages, coins and names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import InternalError
from tacit.base.wire import Ring
from tests.harness import run_parties


def test_messages_and_coins_are_those_of_the_two() -> None:
    async def party(ctx: Ctx) -> Any:
        scopes = [ctx.sub("pair") for _ in range(2)]
        if ctx.me == 1:
            return ctx.common(0).bytes(8).tobytes(), ctx.common(2).bytes(8).tobytes()
        pair = scopes[1].between(2, 0).sub("inner")
        assert (pair.me, pair.n, pair.peer) == (int(ctx.me == 0), 2, int(ctx.me == 2))
        assert pair.path == "run.0/pair.1/inner.0"
        sent = Ring(np.array([ctx.me], np.uint64))
        received = await pair.exchange(pair.peer, pair.peer, sent, shape=(1,))
        mine = pair.private().bytes(8).tobytes()
        return int(received.array[0]), pair.common(pair.peer).bytes(8).tobytes(), mine

    first, (with_0, with_2), second = run_parties(party, 3)
    assert (first[0], second[0]) == (2, 0)
    assert first[1] == second[1]
    assert len({first[1], first[2], second[2], with_0, with_2}) == 5


def test_only_the_two_may_see_it() -> None:
    async def party(ctx: Ctx) -> None:
        if ctx.me == 1:
            with pytest.raises(InternalError, match="CTX-0001"):
                ctx.between(0, 2)

    run_parties(party, 3)
