"""rep3 against a party that deviates: right results, exact truncation, every changed message is caught."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.base.errors import CheatDetected, TacitError
from tacit.base.transport import Frame, Transport
from tacit.blocks.dzk.rings import Galois
from tacit.mpc import rep3_malicious
from tacit.mpc.rep3.share import Rep3Share
from tacit.mpc.rep3_malicious import Rep3Malicious
from tacit.mpc.scheme import find
from tacit.net.faults import Fault, Faulty
from tacit.net.memory import MemoryNetwork
from tests.harness import contexts, run_scheme

N = 150
SCHEME = "rep3_malicious"


def numbers(seed: int, bound: int, n: int = N) -> np.ndarray:
    return np.random.default_rng(seed).integers(-bound, bound, n)


async def shared(ctx: Ctx, scheme: Any, values: np.ndarray, owner: int) -> Rep3Share:
    mine = values.view(np.uint64) if ctx.me == owner else None
    share: Rep3Share = await scheme.share(ctx, mine, owner=owner, shape=values.shape)
    return share


def test_a_job_that_asks_for_malicious_security_gets_it() -> None:
    assert find("rep3", "malicious") is Rep3Malicious
    assert find("rep3").name == "rep3"
    assert Rep3Malicious.setting.adversary == "malicious"


def test_it_has_no_operation_of_the_semi_honest_scheme() -> None:
    """What is not overridden is local, or made of what is: everything with a message is of this package."""
    generic = "tacit.mpc.scheme"
    for name in dir(Rep3Malicious):
        member = getattr(Rep3Malicious, name)
        if asyncio.iscoroutinefunction(member) and name not in ("start", "random", "low_bit"):
            assert member.__module__ in (Rep3Malicious.__module__, generic), name
    assert not hasattr(Rep3Malicious, "sort")


@pytest.mark.parametrize("bits", [1, 18, 40, 62])
def test_truncation_is_the_floor_or_one_more_up_to_the_edge(bits: int) -> None:
    edge = (1 << 62) - (1 << bits) - 1
    values = np.array([0, 1, -1, edge, -edge, 1 << 30, -(1 << 30), *numbers(3, max(edge, 1))])

    async def party(ctx: Ctx, scheme: Any) -> Any:
        x = await shared(ctx, scheme, values, 1)
        return await scheme.reveal(ctx, await scheme.trunc(ctx, x, bits=bits))

    for result in run_scheme(SCHEME, party):
        assert set(result.view(np.int64) - (values >> bits)) <= {0, 1}


def test_truncation_rounds_without_bias() -> None:
    values = np.full(1 << 13, (5 << 18) + (1 << 16))

    async def party(ctx: Ctx, scheme: Any) -> Any:
        x = await shared(ctx, scheme, values, 2)
        return await scheme.reveal(ctx, await scheme.trunc(ctx, x, bits=18))

    mean = (run_scheme(SCHEME, party)[0].view(np.int64) - 5).mean()
    assert abs(mean - 0.25) < 5 * np.sqrt(0.25 * 0.75 / values.size)


def test_long_operations_verify_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same results in batches; their claims are gone before anything is revealed."""
    monkeypatch.setattr(rep3_malicious, "KEEP", 32)
    monkeypatch.setattr(rep3_malicious, "BATCH", 64)
    a, b = numbers(1, 1 << 30), numbers(2, 1 << 30)

    async def party(ctx: Ctx, scheme: Any) -> Any:
        x, y = await shared(ctx, scheme, a, 0), await shared(ctx, scheme, b, 1)
        product = await scheme.mul_trunc(ctx, x, y, bits=18)
        planes = await scheme.a2b(ctx, product)
        assert not scheme._claims
        return await scheme.reveal(ctx, product), await scheme.reveal(ctx, planes)

    for product, planes in run_scheme(SCHEME, party):
        signed = product.view(np.int64)
        assert set(signed - ((a * b) >> 18)) <= {0, 1}
        assert np.array_equal(planes, (signed[:, None] >> np.arange(64)) & 1)


def test_an_addend_that_two_claims_share_is_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of x y a party proves its own products and watches two other provers: eight factors, four arrays."""
    folded: list[int] = []
    fold = Galois.fold

    def counted(self: Galois, x: np.ndarray, *others: Any) -> None:
        folded.append(x.ctypes.data)
        fold(self, x, *others)

    monkeypatch.setattr(Galois, "fold", counted)
    a, b = numbers(1, 1 << 30), numbers(2, 1 << 30)

    async def party(ctx: Ctx, scheme: Any) -> Any:
        x, y = await shared(ctx, scheme, a, 0), await shared(ctx, scheme, b, 1)
        return await scheme.reveal(ctx, await scheme.mul(ctx, x, y))

    for product in run_scheme(SCHEME, party):
        assert np.array_equal(product.view(np.int64), a * b)
    assert len(folded) == len(set(folded)) == 3 * 4


# --- a deviating party ----------------------------------------------------------------------------------

Party = Callable[[Ctx, Any], Awaitable[Any]]


async def everything(ctx: Ctx, scheme: Any) -> Any:
    """Every protocol of the scheme once, then a reveal."""
    n = 70
    x = await shared(ctx, scheme, numbers(1, 1 << 30, n), 0)
    y = await shared(ctx, scheme, numbers(2, 1 << 30, n), 1)
    product = await scheme.mul_trunc(ctx, x, y, bits=18)
    chosen = await scheme.mux(ctx, await scheme.msb(ctx, product), await scheme.square(ctx, y))
    bits = await scheme.a2b(ctx, chosen.map(lambda a: a[:3]))
    both = await scheme.and_(ctx, bits, bits)
    left, right = x.map(lambda a: a.reshape(7, 10)), chosen.map(lambda a: a.reshape(10, 7))
    matrix = await scheme.matmul(ctx, left, right)
    first = await scheme.reveal(ctx, matrix)
    return first.tolist(), (await scheme.reveal(ctx, both)).tolist()


class Network:
    """A memory network in which party `bad` sends through `faulty`."""

    def __init__(self, bad: int, fault: Fault) -> None:
        self.network = MemoryNetwork(3, timeout_s=20)
        self.bad = bad
        self.faulty = Faulty(self.network.endpoint(bad), fault)

    def endpoint(self, me: int) -> Transport:
        return self.faulty if me == self.bad else self.network.endpoint(me)


async def run_with(network: Any, party: Party) -> list[Any]:
    ctxs = await contexts(network, 3)

    async def one(ctx: Ctx) -> Any:
        try:
            result = await party(ctx, await Rep3Malicious.start(ctx.sub("setup")))
            await ctx.session.transport.close()
            return result
        except TacitError as error:
            await ctx.session.transport.close(error.code)
            return error

    return await asyncio.gather(*(one(ctx) for ctx in ctxs))


class Counter(Faulty):
    """Counts what a party sends after the session is open."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.frames: list[Frame] = []

    async def send(self, frame: Frame) -> None:
        self.frames.append(frame)
        await super().send(frame)


def honest_frames() -> tuple[list[list[Frame]], Any]:
    network = MemoryNetwork(3, timeout_s=20)
    counters = [Counter(network.endpoint(i)) for i in range(3)]

    class All:
        def endpoint(self, me: int) -> Transport:
            return counters[me]

    results = asyncio.run(run_with(All(), everything))
    assert results[0] == results[1] == results[2]
    return [counter.frames for counter in counters], results[0]


@pytest.mark.parametrize("bad", range(3))
def test_a_deviation_at_every_message_is_caught_before_anything_is_opened(bad: int) -> None:
    """One bit of one message, for every message in turn.

    A shared input of its own is the party's to choose; whatever else it changes, an honest party or the
    protocol's own comparison (in the deviating one's code) names it, and no honest party has a wrong result.
    """
    frames, clean = honest_frames()
    n_caught = 0
    for index, frame in enumerate(frames[bad]):
        if frame.path.startswith("session"):
            continue
        for amount in (0, 8 * len(frame.body) - 1 if len(frame.body) > 1 else 0):
            network = Network(bad, Fault("flip", index, amount))
            results = asyncio.run(asyncio.wait_for(run_with(network, everything), 60))
            assert network.faulty.hit, frame.path
            honest = [result for me, result in enumerate(results) if me != bad]
            caught = [result for result in results if isinstance(result, CheatDetected)]
            opening = "reveal" in frame.path
            assert caught, f"{frame.path} to {frame.to}: {results}"
            for result in honest:
                assert isinstance(result, TacitError) or (opening and result == clean), frame.path
            n_caught += 1
    assert n_caught > 60


def test_an_owner_that_changes_its_input_is_bound_to_the_change() -> None:
    """The other two hold one value, whatever it is: the owner cannot share two."""
    values = numbers(5, 1 << 20, 70)

    async def party(ctx: Ctx, scheme: Any) -> Any:
        x = await shared(ctx, scheme, values, 0)
        return (await scheme.reveal(ctx, x)).tolist()

    network = Network(0, Fault("flip", lambda frame: "share" in frame.path, 3))
    results = asyncio.run(run_with(network, party))
    assert any(isinstance(result, CheatDetected) for result in results)
