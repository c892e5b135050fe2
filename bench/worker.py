"""A party's process: `python -m bench.worker PLAN`. Orders come on stdin, answers go to stdout.

Answers "ready", then plays one run for every line with port numbers and answers with its measurements.
Interpreter start and imports lie before "ready"; nothing else does. With `--net memory` one process plays
all parties.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import network
from bench.calibration import CALIBRATE, expected
from bench.party import Party, Place
from bench.task import Task, registry
from tacit.apps.memory import keep_freed_memory
from tacit.base.errors import TacitError
from tacit.base.meter import restart
from tacit.base.protocol import gather
from tacit.net.memory import MemoryNetwork


async def play(task: Task, party: Party) -> float:
    """One run as one party; its total seconds. The clock stops when the results are in hand."""
    restart()
    started = time.perf_counter()
    code = "BENCH-0004"
    try:
        await task.play(party)
        total_s = time.perf_counter() - started
        code = ""
    finally:
        if party.transport is not None:
            await party.transport.close(code)
    return total_s


async def play_all(task: Task, parties: list[Party]) -> list[float]:
    return await gather(*(play(task, party) for party in parties))


def answer(parties: list[Party], totals: list[float], cpu_s: float) -> dict[str, Any]:
    """What the bench process is told about one run; the results go to files beside the inputs."""
    for party in parties:
        shutil.rmtree(party.folder / "out", ignore_errors=True)
        (party.folder / "out").mkdir()
        for name, array in party.given.items():
            np.save(party.folder / "out" / f"{name}.npy", array, allow_pickle=False)
    return {
        "cpu_seconds": cpu_s,
        "peak_rss_mb": peak_rss_mb(),
        "parties": [
            {
                "total_s": total_s,
                "bytes_sent": party.bytes_sent,
                "rounds": party.rounds,
                **{f"{name}_s": seconds for name, seconds in party.seconds.items()},
            }
            for party, total_s in zip(parties, totals, strict=True)
        ],
    }


def peak_rss_mb() -> float:
    """Highest resident memory of this process, in 10^6 bytes."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    # Elsewhere than on Linux; there it would count the process that started this one as well.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(plan: dict[str, Any]) -> None:
    keep_freed_memory()
    network.enter(plan["shaping"], plan["host"])
    task = registry()[plan["task"]]
    options = argparse.Namespace(**plan["options"])
    folders = tuple(Path(folder) for folder in plan["folders"])
    print("ready", flush=True)
    for line in sys.stdin:
        if line.startswith(CALIBRATE):
            place = Place(
                plan["parties"][0], tuple(plan["hosts"]), tuple(json.loads(line[len(CALIBRATE) :])), folders
            )
            print(json.dumps(expected(task, options, place)), flush=True)
            continue
        memory = MemoryNetwork(len(folders), transcript=False) if plan["memory"] else None
        parties = [
            Party(
                task.name, Place(me, tuple(plan["hosts"]), tuple(json.loads(line)), folders), options, memory
            )
            for me in plan["parties"]
        ]
        profile = cProfile.Profile() if options.profile else None
        cpu_s = time.process_time()
        if profile is None:
            totals = asyncio.run(play_all(task, parties))
        else:
            totals = profile.runcall(asyncio.run, play_all(task, parties))
            profile.dump_stats(Path(options.profile) / f"{task.name}.party{plan['parties'][0]}.prof")
        cpu_s = time.process_time() - cpu_s
        print(json.dumps(answer(parties, totals, cpu_s)), flush=True)


if __name__ == "__main__":
    try:
        main(json.loads(Path(sys.argv[1]).read_text()))
    except TacitError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
