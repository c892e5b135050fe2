"""The table docs/functions.md: what every function sends. `python -m tests.functions.costs` writes it."""

from __future__ import annotations

import sys
import time
from functools import cache
from pathlib import Path

from tests.functions import of_jax, of_jax_more, of_jax_scipy, of_linalg, of_numpy, of_tacit
from tests.functions.case import Case, agrees, run

TABLE = Path(__file__).parents[2] / "docs" / "functions.md"
CASES: dict[str, Case] = {
    **of_numpy.CASES,
    **of_linalg.CASES,
    **of_tacit.CASES,
    **of_jax.CASES,
    **of_jax_more.CASES,
    **of_jax_scipy.CASES,
}
HEAD = """# Functions of secrets

Functions that compute on values which nobody sees: of NumPy (on traced values, or through `tacit.xp`), of its
submodules `linalg` and `fft`, and of JAX through `tacit.compile.jax.from_jax`. Each is run by a test among
three parties (`rep3`) on secrets of three shapes in one program, and compared with the same function in the
clear. Bytes are what all parties send together in that run, inputs and results included; rounds are its
longest chain of messages. What has no private form is refused with a reason of the list in
`tacit.compile.refused`.

`python -m tests.functions.costs` writes this page: lines that are missing, or of the functions that it names.
"""


@cache
def recorded() -> dict[str, tuple[int, int]]:
    """(bytes, rounds) of every function in the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {name.strip("`"): (int(sent), int(rounds)) for name, sent, rounds in rows}


def main(named: list[str]) -> None:
    known = {name: cost for name, cost in recorded().items() if name in CASES and name not in named}
    for name, case in CASES.items():
        if name in known:
            continue
        began = time.process_time()
        outcome = run(case)
        assert agrees(outcome, case.error), name
        known[name] = outcome.bytes_sent, outcome.rounds
        print(f"{name}: {time.process_time() - began:.1f} s", flush=True)
        write(known)
    write(known)


def write(known: dict[str, tuple[int, int]]) -> None:
    rows = [f"| `{name}` | {known[name][0]} | {known[name][1]} |" for name in CASES if name in known]
    head = f"{HEAD}\n| Function | Bytes | Rounds |\n| --- | ---: | ---: |\n"
    TABLE.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
