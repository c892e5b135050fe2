"""The command line: `tacit init | check | approve | train | predict | psi | demo`.

Results go to standard output, progress and errors to standard error; the exit code is the error's own.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tacit.apps.cli import show
from tacit.apps.cli.check import look
from tacit.apps.cli.entries import Address, parse_address
from tacit.apps.cli.events import JsonLines, Listener, error_event
from tacit.apps.cli.party import Seat, read_table, take_seat
from tacit.apps.cli.screen import Board, Screen, show_error
from tacit.apps.cli.tracker import Tracker
from tacit.apps.cli.words import Words, choose_language
from tacit.apps.memory import keep_freed_memory
from tacit.base.errors import InternalError, TacitError
from tacit.run.greeting import PRODUCT_VERSION
from tacit.trust import identity

words = Words(choose_language(sys.argv[1:], os.environ))
app = typer.Typer(
    help=words("help.app"),
    no_args_is_help=True,
    add_completion=False,
    # A pretty traceback would print local variables, which may be rows.
    pretty_exceptions_enable=False,
)

Me = Annotated[str, typer.Option("--me", help=words("help.me"))]
Config = Annotated[Path, typer.Option("--config", help=words("help.config"))]
Home = Annotated[Path | None, typer.Option("--home", help=words("help.home"))]
Data = Annotated[Path | None, typer.Option("--data", help=words("help.data"))]
Listen = Annotated[str | None, typer.Option("--listen", help=words("help.listen"))]
Peer = Annotated[str | None, typer.Option("--peer", help=words("help.peer"))]
Json = Annotated[bool, typer.Option("--json", help=words("help.json"))]
Events = Annotated[bool, typer.Option("--events", help=words("help.events"))]
Lang = Annotated[str, typer.Option("--lang", help=words("help.lang"))]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help=words("help.version"))] = False, lang: Lang = ""
) -> None:
    if version:
        print(f"tacit {PRODUCT_VERSION}")
        raise typer.Exit


@app.command(help=words("help.init"))
def init(
    home: Annotated[Path, typer.Option("--home", help=words("help.home"))],
    name: Annotated[str, typer.Option("--name", help=words("help.name"))],
    as_json: Json = False,
    lang: Lang = "",
) -> None:
    made = identity.create(home, name)
    exact = identity.fingerprint_hex(made.certificate_path)
    if as_json:
        _print_json(
            {"name": made.name, "home": str(home), "certificate": str(made.certificate_path), "sha256": exact}
        )
    else:
        show.identity_made(_out(), words, made)


@app.command(help=words("help.check"))
def check(
    me: Me,
    config: Config,
    home: Home = None,
    data: Data = None,
    peer_rows: Annotated[int | None, typer.Option("--peer-rows", help=words("help.peer_rows"))] = None,
    as_json: Json = False,
    lang: Lang = "",
) -> None:
    seat = take_seat(config, me, home=home, data=data)
    found = look(seat, read_table(seat), peer_rows, judged=True)
    if as_json:
        _print_json(found.to_json())
    else:
        show.checked(_out(), words, seat, found)
    if found.blocking:
        raise typer.Exit(found.exit_code)


@app.command(help=words("help.approve"))
def approve(
    me: Me,
    config: Config,
    home: Home = None,
    data: Data = None,
    as_json: Json = False,
    lang: Lang = "",
) -> None:
    from tacit.apps.cli import gate, ledgerfile

    seat = take_seat(config, me, task="", home=home, data=data)
    lines, told = gate.ask(seat)
    path = ledgerfile.approve(seat, lines)
    if as_json:
        _print_json({"file": str(path), "lines": [asdict(line) for line in lines]})
    else:
        show.approved(_out(), words, gate.in_words(seat, told), path)


@app.command(help=words("help.train"))
def train(
    me: Me,
    config: Config,
    home: Home = None,
    data: Data = None,
    listen: Listen = None,
    peer: Peer = None,
    as_json: Json = False,
    events: Events = False,
    lang: Lang = "",
) -> None:
    from tacit.apps.cli import work

    def whole(seat: Seat, listener: Listener, tracker: Tracker) -> dict[str, Any]:
        return work.train(seat, listener, words.language)

    seat = take_seat(config, me, home=home, data=data, listen=_address(listen), peer=_address(peer))
    tracker = Tracker("train", epochs=int(seat.file.job.options["epochs"]))
    result = _with_progress(seat, tracker, events, whole)
    if as_json:
        _print_json(result)
    elif not events:
        show.trained(_out(), words, result)


@app.command(help=words("help.predict"))
def predict(
    me: Me,
    config: Config,
    model: Annotated[Path, typer.Option("--model", help=words("help.model"))],
    data: Annotated[Path, typer.Option("--data", help=words("help.new_data"))],
    out: Annotated[Path, typer.Option("--out", help=words("help.out"))],
    home: Home = None,
    listen: Listen = None,
    peer: Peer = None,
    as_json: Json = False,
    events: Events = False,
    lang: Lang = "",
) -> None:
    from tacit.apps.cli import work

    def whole(seat: Seat, listener: Listener, tracker: Tracker) -> dict[str, Any]:
        return work.predict(seat, model, data, out, listener)

    seat = take_seat(config, me, home=home, listen=_address(listen), peer=_address(peer))
    result = _with_progress(seat, Tracker("predict"), events, whole)
    if as_json:
        _print_json(result)
    elif not events:
        show.predicted(_out(), words, result)


@app.command(help=words("help.psi"))
def psi(
    me: Me,
    config: Config,
    key: Annotated[list[str] | None, typer.Option("--key", help=words("help.key"))] = None,
    join: Annotated[str | None, typer.Option("--join", help=words("help.join"))] = None,
    receivers: Annotated[str | None, typer.Option("--receivers", help=words("help.receivers"))] = None,
    protocol: Annotated[str | None, typer.Option("--protocol", help=words("help.protocol"))] = None,
    security: Annotated[str | None, typer.Option("--security", help=words("help.security"))] = None,
    order: Annotated[str | None, typer.Option("--order", help=words("help.order"))] = None,
    trim: Annotated[bool | None, typer.Option("--trim/--no-trim", help=words("help.trim"))] = None,
    case: Annotated[str | None, typer.Option("--case", help=words("help.case"))] = None,
    duplicates: Annotated[str, typer.Option("--duplicates", help=words("help.duplicates"))] = "first",
    link_mbit: Annotated[float | None, typer.Option("--link-mbit", help=words("help.link_mbit"))] = None,
    query: Annotated[str | None, typer.Option("--query", help=words("help.query"))] = None,
    memory: Annotated[str | None, typer.Option("--memory", help=words("help.memory"))] = None,
    tell: Annotated[str | None, typer.Option("--tell", help=words("help.tell"))] = None,
    sum_: Annotated[list[str] | None, typer.Option("--sum", help=words("help.sum"))] = None,
    budget: Annotated[int, typer.Option("--budget", min=0, help=words("help.budget"))] = 1_000_000,
    at_least: Annotated[int | None, typer.Option("--at-least", help=words("help.at_least"))] = None,
    out: Annotated[Path | None, typer.Option("--out", help=words("help.join_out"))] = None,
    report: Annotated[Path | None, typer.Option("--report", help=words("help.report"))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=words("help.dry_run"))] = False,
    home: Home = None,
    data: Data = None,
    listen: Listen = None,
    peer: Peer = None,
    as_json: Json = False,
    events: Events = False,
    lang: Lang = "",
) -> None:
    from tacit.apps.cli import psi, psi_overlap, psi_show
    from tacit.apps.cli.psi_foreseen import foreseen
    from tacit.apps.cli.psi_terms import Asked, tells_rows

    seat = take_seat(config, me, task="", home=home, data=data, listen=_address(listen), peer=_address(peer))
    columns = tuple(sum_) if sum_ else None
    asked = Asked(
        join, order, receivers, protocol, security, link_mbit, trim, case, memory, tell, columns, at_least
    )
    files: dict[str, Any] = {"query": query, "out": out, "report": report}
    prepared: psi.Prepared | psi_overlap.Prepared
    if tells_rows(seat.file, asked):
        prepared = psi.prepare(seat, asked, key or (), duplicates, dry_run=dry_run, budget=budget, **files)
    else:
        prepared = psi_overlap.prepare(seat, asked, key or (), duplicates, **files)
    if dry_run:
        if as_json:
            _print_json(prepared.preflight() | {"foreseen": foreseen(prepared)})
        else:
            psi_show.preflight(_out(), words, prepared)
        return
    if not events:
        psi_show.preflight(_err(), words, prepared)
    result = _with_progress(
        seat, Tracker("psi"), events, lambda seat, listener, tracker: prepared.run(listener)
    )
    if report is not None:
        psi_show.write_report(report, words, result)
    if as_json:
        _print_json(result)
    elif not events:
        psi_show.joined(_out(), words, result)


@app.command(help=words("help.demo"))
def demo(
    home: Annotated[Path, typer.Option("--home", help=words("help.demo_home"))] = Path("tacit-demo"),
    rows: Annotated[int | None, typer.Option("--rows", help=words("help.rows"))] = None,
    seed: Annotated[int, typer.Option("--seed", help=words("help.seed"))] = 7,
    as_json: Json = False,
    lang: Lang = "",
) -> None:
    from tacit.apps.cli.demo import run_demo

    result = run_demo(home, rows=rows, seed=seed, words=words, console=_err(), quiet=as_json)
    if as_json:
        _print_json(result)
    else:
        show.demonstrated(_out(), words, result)


def _with_progress(
    seat: Seat, tracker: Tracker, events: bool, whole: Callable[[Seat, Listener, Tracker], dict[str, Any]]
) -> dict[str, Any]:
    """Run `whole`, its progress as JSON lines on standard output or drawn on standard error."""
    if events:
        lines = JsonLines(sys.stdout)

        def tell(event: dict[str, Any]) -> None:
            tracker(event)
            lines(event)

        try:
            result = whole(seat, tell, tracker)
        except Exception as error:
            lines(error_event(_named(error)))
            raise
        lines({"event": "result", "path": "", "result": result})
        return result
    name = seat.terms.name
    trackers = {name: tracker}
    with Screen(words, _err(), Board(words, trackers), trackers) as screen:
        try:
            return whole(seat, lambda event: screen.tell(name, event), tracker)
        except Exception as error:
            screen.tell(name, error_event(_named(error)))
            raise


def _address(text: str | None) -> Address | None:
    return None if text is None else parse_address(text)


def _print_json(fields: dict[str, Any]) -> None:
    print(json.dumps(fields, ensure_ascii=False, allow_nan=False))


def _out() -> Console:
    return Console(highlight=False)


def _err() -> Console:
    return Console(stderr=True, highlight=False)


def _named(error: Exception) -> TacitError:
    """`error` itself, or a fault of ours in its place: only where it happened, for the message of a foreign
    exception may quote values."""
    if isinstance(error, TacitError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return InternalError(
        "CLI-0070",
        f"unexpected {type(error).__name__} at {places[-1]}",
        hint="report it with this trace: " + " > ".join(places[-8:]),
    )


def main() -> None:
    """Entry point. Exit codes: the error's own, 2 for a wrong command line, 0 for success."""
    keep_freed_memory()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        named = _named(error)
        show_error(_err(), words, named)
        if "--json" in sys.argv[1:]:
            told = error_event(named)
            _print_json({"error": {name: told[name] for name in ("code", "message", "hint", "who", "path")}})
        sys.exit(named.exit_code)
