"""Two hundred seeded random cases for each protocol that is not a `Psi`: unbalanced, circuit and what is
opened of it, several parties, groups on disk. Those of `rr22` and `ecdh` are beside their own tests."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tacit.base.ctx import Ctx
from tacit.mpc import openings
from tacit.mpc.semi2k import Semi2k
from tacit.psi import circuit_psty19, star_kmprt17
from tacit.psi.aggregates import at_least, count_and_sums, items_if_at_least
from tacit.psi.buckets import BYTES_PER_ITEM, BucketedPsi
from tacit.psi.functionality import BOTH, Items
from tacit.psi.rr22 import Rr22LowPsi, Rr22MaliciousPsi, Rr22Psi
from tacit.psi.spool import part_bound
from tacit.psi.unbalanced import voprf_jkk14 as voprf
from tacit.trust.shelf import Shelf
from tests.harness import run_parties
from tests.psi.test_aggregates import ANSWERS
from tests.psi.test_buckets import batches
from tests.psi.test_unbalanced import KEY, free, table_of

CASES = 200
NIGHTLY = partial(pytest.param, marks=pytest.mark.nightly)


def random_sets(number: int, parties: int = 2) -> list[list[bytes]]:
    """None, one, a few or up to 60 items each; from nothing to all of the smallest set common to everybody,
    some of the others to two neighbours; every tenth case a set beside one 500 times as large."""
    rng = np.random.default_rng(number)
    sizes = [int(rng.integers(0, bound, endpoint=True)) for bound in rng.choice([0, 1, 9, 60], parties)]
    if number % 10 == 0:
        sizes = [1, *[500] * (parties - 1)]
    n_common = int(min(sizes) * rng.choice([0, rng.random(), 1]))
    common = [rng.bytes(int(rng.integers(0, 20))) + b"#%d" % i for i in range(n_common)]
    alone = [[b"%d of %d" % (i, party) for i in range(size - n_common)] for party, size in enumerate(sizes)]
    sets = []
    for party in range(parties):
        own = alone[party]
        shared = len(own) // 2 if parties > 2 else 0
        ids = common + own[shared:] + alone[(party + 1) % parties][:shared]
        sets.append([ids[i] for i in rng.permutation(len(ids))])
    return sets


def test_unbalanced() -> None:
    async def party(ctx: Ctx) -> list[list[bool]]:
        found = []
        for number in range(CASES):
            asked, held = random_sets(number)
            table = table_of(held)
            side: Any = voprf.Server(KEY, table.digest, free)
            if ctx.me == 0:
                side = voprf.Client(Items.of(asked), table)
            answer = await voprf.look_up(ctx, side)
            found.append([] if answer is None else answer.tolist())
        return found

    for number, answer in enumerate(run_parties(party, timeout_s=60)[0]):
        asked, held = random_sets(number)
        assert answer == [item in set(held) for item in asked], number


def test_circuit_and_what_is_opened_of_it() -> None:
    async def party(ctx: Ctx) -> list[Any]:
        scheme, told = await Semi2k.start(ctx.sub("setup")), []
        for number in range(CASES):
            items = Items.of(random_sets(number)[ctx.me])
            columns = payload(number) if ctx.me == 1 else None
            found = await circuit_psty19.intersect(ctx, scheme, items, columns, 1)
            threshold = 1 + number % 7
            with openings.step(ANSWERS):
                count, sums = await count_and_sums(ctx, scheme, found)
                enough = await at_least(ctx, scheme, found, threshold)
                again, rows = await items_if_at_least(ctx, scheme, found, threshold)
            assert again == enough
            told.append((count, int(sums[0]), enough, None if rows is None else rows.tolist()))
        return told

    results = run_parties(party, timeout_s=60)
    for number, (left, right) in enumerate(zip(*results, strict=True)):
        mine, theirs = random_sets(number)
        common = set(mine) & set(theirs)
        total = sum(int(payload(number)[0, theirs.index(item)]) for item in common) % 2**64
        enough = len(common) >= 1 + number % 7
        rows = sorted(mine.index(item) for item in common) if enough else None
        assert left == (len(common), total, enough, rows), number
        assert right == (*left[:3], None), number


def payload(number: int) -> np.ndarray:
    rng = np.random.default_rng([number, 1])
    return rng.integers(0, 1 << 63, (1, len(random_sets(number)[1])), dtype=np.uint64)


@pytest.mark.parametrize(("parties", "cases"), [(3, 60), *(NIGHTLY(n, CASES) for n in (3, 4))])
def test_several_parties(parties: int, cases: int) -> None:
    async def party(ctx: Ctx) -> list[Any]:
        found = []
        for number in range(cases):
            items = Items.of(random_sets(number, parties)[ctx.me])
            receivers = frozenset((number % parties, (number // 3) % parties))
            rows = (await star_kmprt17.intersect(ctx.sub("case"), items, receivers=receivers)).rows
            found.append(None if rows is None else rows.tolist())
        return found

    for number, answers in enumerate(zip(*run_parties(party, parties, timeout_s=60), strict=True)):
        sets = random_sets(number, parties)
        common = set.intersection(*map(set, sets))
        told = [[sets[me][row] for row in rows] for me, rows in enumerate(answers) if rows is not None]
        assert len(told) == len({number % parties, (number // 3) % parties})
        assert all(sorted(one) == sorted(common) and one == told[0] for one in told), number


@pytest.mark.parametrize(
    ("kind", "cases"),
    [(Rr22Psi, 40), *(NIGHTLY(kind, CASES) for kind in (Rr22Psi, Rr22LowPsi, Rr22MaliciousPsi))],
)
def test_groups_on_disk(tmp_path: Path, kind: type[Rr22Psi], cases: int) -> None:
    receivers = frozenset((1,)) if kind.one_receiver else BOTH

    async def party(ctx: Ctx) -> list[Any]:
        found = []
        for number in range(cases):
            ids = random_sets(number)[ctx.me]
            ids += ids[::3]
            memory = BYTES_PER_ITEM * max(1, part_bound(len(ids), 1 << number % 3))
            groups = BucketedPsi(kind(1), Shelf(tmp_path / f"{number}-{ctx.me}"), memory_bytes=memory)
            rows = (await groups.intersect(ctx, batches(ids), receivers=receivers)).rows
            found.append(None if rows is None else rows.tolist())
        return found

    for number, answers in enumerate(zip(*run_parties(party, timeout_s=60), strict=True)):
        sets = random_sets(number)
        told = [[sets[me][row] for row in answers[me]] for me in sorted(receivers)]
        assert sorted(told[0]) == sorted(set(sets[0]) & set(sets[1])) and told[0] == told[-1], number
