"""The source of OTs follows the link, by predicted seconds of the program at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tacit
from tacit.base.types import FIXED, SECRET, Type
from tacit.compile import array as xp
from tacit.ir.program import Program
from tacit.mpc.scheme import load
from tacit.psi.price import Link
from tacit.run.compiled import compiled
from tacit.run.explain.place import place
from tacit.run.explain.rates import LINKS
from tacit.run.job import Job, PartyTerms, Run
from tacit.run.secure import as_every_party

PARTIES = ("a", "b")


def program(n: int, scheme: str = "semi2k") -> Program:
    inputs = [("x", Type(SECRET, FIXED, (n,))), ("y", Type(SECRET, FIXED, (n,)))]
    ranges = {"x": (-8.0, 8.0), "y": (-8.0, 8.0)}
    return compiled(lambda x, y: xp.where(x < y, x, y), inputs, "least", scheme, ranges)


def test_slow_links_take_silent_ots_and_fast_ones_do_not() -> None:
    many = program(20_000)
    slow, fast = (place(many, load("semi2k"), PARTIES, link) for link in ("wan", "loopback"))
    assert slow.ot == "silent"
    assert fast.ot in ("softspoken2", "softspoken4")
    assert {each.ot for each in slow.sources} == set(load("semi2k").ots)
    by_name = {each.ot: each for each in slow.sources}
    assert by_name["silent"].seconds < by_name["softspoken4"].seconds
    assert by_name["silent"].sent < by_name["softspoken8"].sent < by_name["softspoken2"].sent
    assert "silent" in str(slow) and slow.link.name == "wan"


def test_both_sides_choose_alike_and_figures_decide() -> None:
    many, kind = program(20_000), load("semi2k")
    again = [place(many, kind, PARTIES, "wan") for _ in range(2)]
    assert again[0] == again[1]
    endless = replace(LINKS["wan"], bytes_per_s=1e15, busy_s=0.0)
    assert place(many, kind, PARTIES, endless).ot == "softspoken2"


def test_the_front_door_places_a_function() -> None:
    parties = tacit.sim(["a", "b"])
    columns = [parties[name].private(np.linspace(-1, 1, 9000), limit=1.0) for name in ("a", "b")]
    found = tacit.secure(lambda x, y: xp.sum(xp.abs(x - y))).place(*columns, link="wan")
    assert found.ot == "silent"


@pytest.mark.parametrize("n_parties", [3])
def test_a_scheme_without_ots_has_no_choice(n_parties: int) -> None:
    found = place(program(10, "rep3"), load("rep3"), ("a", "b", "c")[:n_parties], "lan")
    assert found.sources == () and found.ot == "" and str(found) == "no choice"


@pytest.mark.parametrize(("mbit", "expected"), [(100.0, "silent"), (1000.0, "softspoken4")])
def test_a_job_takes_what_its_link_asks_for(mbit: float, expected: str) -> None:
    terms = tuple(PartyTerms(name, "", "id", ()) for name in PARTIES)
    job = Job("placed", "compute", terms, {}, {}, psi="none", ot="auto", link=Link(mbit))

    async def party(run: Run) -> str:
        return run.scheme.ot

    assert [ot for _, ot in as_every_party(job, party)] == [expected] * 2
    assert replace(job, scheme="rep3").ots == "" and replace(job, ot="softspoken8").ots == "softspoken8"


def test_jobs_of_different_links_do_not_meet() -> None:
    """The link that a choice follows from is agreed like everything else."""
    terms = tuple(PartyTerms(name, "", "id", ()) for name in PARTIES)
    fast, slow = (
        Job("placed", "compute", terms, {}, {}, psi="none", ot="auto", link=Link(m)) for m in (1e4, 10.0)
    )
    assert fast.sections()["link"] != slow.sections()["link"] and fast.digest() != slow.digest()
