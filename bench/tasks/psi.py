"""Private set intersection: CSV in, result out, random 16-character ids, half of the smaller set common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, ClassVar

from bench.party import Party
from bench.psi.balanced import Balanced
from bench.psi.circuit import Circuit
from bench.psi.kind import SPENT, Kind, compared, sizes
from bench.psi.several import Several
from bench.psi.unbalanced import Unbalanced
from bench.task import Clock, Figures, Outputs, Task
from tacit.base.errors import UsageError
from tacit.psi.choose import HARDENED
from tacit.psi.choose import PROTOCOLS as BALANCED

PROTOCOLS: dict[str, Kind] = {
    **{
        name: Balanced(kind, BALANCED.get(HARDENED.get(name, "")))
        for name, kind in BALANCED.items()
        if name not in HARDENED.values()
    },
    "unbalanced": Unbalanced(),
    "circuit": Circuit(totals=False),
    "sum": Circuit(totals=True),
    "nparty": Several(),
}


class PsiTask(Task):
    name = "psi"
    summary = "private set intersection of --n and --m ids"
    clock: ClassVar[Clock] = "files"
    standard: ClassVar[tuple[tuple[str, ...], ...]] = (("--protocol", "ecdh", "--n", "65536"),)

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--protocol", choices=sorted(PROTOCOLS), default="ecdh")
        parser.add_argument("--security", choices=("semi-honest", "malicious"), default="semi-honest")
        parser.add_argument("--n", type=int, required=True, help="ids of party 0")
        parser.add_argument("--m", type=int, help="ids of every other party (default: as many)")
        parser.add_argument(
            "--memory", type=_size, help="of each party, as 4GiB: rr22 or rr22-low in groups, on disk"
        )
        parser.add_argument("--parties", type=int, default=3, help="of nparty")

    def labels(self, options: argparse.Namespace) -> tuple[int, str, str]:
        setting = _kind(options).settings[options.security]
        n_parties = options.parties if setting.among_more else setting.parties
        return n_parties, options.protocol, setting.adversary

    def shape(self, options: argparse.Namespace) -> dict[str, int | str]:
        return dict(zip("nm", sizes(options), strict=True))

    def prepare(self, options: argparse.Namespace, folders: list[Path]) -> Any:
        return _kind(options).prepare(options, folders)

    async def play(self, party: Party) -> None:
        await _kind(party.options).play(party)
        party.give(SPENT, party.spent())

    def check(self, options: argparse.Namespace, expected: Any, folders: list[Path], out: Outputs) -> Figures:
        kind = _kind(options)
        return kind.check(options, expected, folders, out) | compared(kind.predict(options), out)


def _kind(options: argparse.Namespace) -> Kind:
    kind = PROTOCOLS[options.protocol]
    if options.security not in kind.settings:
        checked = [name for name, each in PROTOCOLS.items() if options.security in each.settings]
        raise UsageError(
            "BENCH-0001",
            f"{options.protocol!r} is semi-honest only",
            hint=f"{options.security}: {', '.join(checked)}",
        )
    if options.memory is not None and options.protocol not in ("rr22", "rr22-low"):
        raise UsageError("BENCH-0001", "--memory is for rr22 and rr22-low only", hint="leave it out")
    return kind


def _size(text: str) -> int:
    for ending, unit in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if text.endswith(ending) and (number := text.removesuffix(ending)).isdigit():
            return int(number) * unit
    raise argparse.ArgumentTypeError("a size is written as 4GiB or 512MiB")


TASK = PsiTask()
