"""The terminal: live progress of one or several parties, errors, small tables. Progress goes to stderr."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tacit.apps.cli.tracker import Step, Tracker
from tacit.apps.cli.words import Words, amount
from tacit.base.errors import TacitError

_MARKS = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "open": ("·", "dim")}
_BAR_WIDTH = 12
_MIDDLE_WIDTH = 28
_WIDE = 104
"""Columns from which on there is room for every party's bytes."""


class Board:
    """What the trackers know, drawn as one line per step, with bytes and seconds of every party."""

    def __init__(
        self, words: Words, trackers: Mapping[str, Tracker], heading: Callable[[], Any] | None = None
    ) -> None:
        self._words = words
        self._trackers = trackers
        self._heading = heading
        self._spinner = Spinner("dots", style="cyan")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._heading is not None:
            yield self._heading()
        wide = options.max_width >= _WIDE
        lines = Table.grid(padding=(0, 2))
        lines.add_column(min_width=1)
        lines.add_column(no_wrap=True)
        lines.add_column(min_width=_MIDDLE_WIDTH, max_width=_MIDDLE_WIDTH, no_wrap=True)
        sent = [Text(self._words("board.sent", party=name), style="dim") for name in self._trackers if wide]
        for title in sent:
            lines.add_column(justify="right", no_wrap=True, min_width=title.cell_len)
        lines.add_column(justify="right", no_wrap=True, min_width=6)
        if len(sent) > 1:
            lines.add_row("", "", "", *sent, "")
        first = next(iter(self._trackers.values()))
        for name in first.steps:
            lines.add_row(*self._line(name, wide))
        yield Padding(lines, (0, 0, 0, 2))

    def _line(self, name: str, wide: bool) -> list[Any]:
        steps = [tracker.steps[name] for tracker in self._trackers.values()]
        status = self._status(steps)
        slowest = min(steps, key=lambda step: (step.status == "done", step.fraction or 0.0))
        mark: Any = self._spinner if status == "running" else Text(*_MARKS[status])
        title = Text(self._words(f"step.{name}"), style="dim" if status == "open" else "")
        sent = [Text("" if step.bytes is None else amount(step.bytes), style="dim") for step in steps if wide]
        seconds = [step.seconds for step in steps if step.seconds is not None]
        took = f"{max(seconds):.1f} s" if seconds and status == "done" else ""
        return [mark, title, self._middle(status, slowest), *sent, Text(took, style="dim")]

    @staticmethod
    def _status(steps: Sequence[Step]) -> str:
        found = {step.status for step in steps}
        for status in ("failed", "running"):
            if status in found:
                return status
        if found == {"done"}:
            return "done"
        return "running" if "done" in found else "open"

    def _middle(self, status: str, step: Step) -> Any:
        if status != "running":
            return ""
        detail = (
            Text(self._words(step.detail[0], **step.detail[1]), style="cyan") if step.detail else Text("")
        )
        if step.fraction is None:
            return detail
        filled = round(step.fraction * _BAR_WIDTH)
        return Text.assemble(
            ("━" * filled, "cyan"), ("━" * (_BAR_WIDTH - filled), "bright_black"), " ", detail
        )


class Screen:
    """Shows a `Board` while the block runs: live on a terminal, one line per finished step elsewhere."""

    def __init__(
        self,
        words: Words,
        console: Console,
        board: Board,
        trackers: Mapping[str, Tracker],
        *,
        quiet: bool = False,
    ) -> None:
        self._words = words
        self._console = console
        self._trackers = trackers
        self._quiet = quiet
        drawn = console.is_terminal and not quiet
        self._live = Live(board, console=console, refresh_per_second=8) if drawn else None

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, party: str, event: dict[str, Any]) -> None:
        """Let `party`'s tracker know; without a terminal, print what is worth a line."""
        self._trackers[party](event)
        if self._live is not None or self._quiet:
            return
        name = event["event"]
        if name == "waiting":
            self._say(party, self._words("step.waiting", peer=event["peer"], seconds=event["seconds"]))
        elif name == "alone":
            self._say(party, self._words("step.alone"))
        elif name == "choice":
            seconds = f"{event['seconds']:.1f}"
            self._say(party, self._words("step.chosen", protocol=event["protocol"], seconds=seconds))
        elif name == "end":
            sent = amount(event["bytes"]) if "bytes" in event else ""
            self._say(
                party, f"{self._words('step.' + event['step'])} · {event['seconds']:.1f} s {sent}".rstrip()
            )

    def _say(self, party: str, text: str) -> None:
        self._console.print(f"{party} · {text}", highlight=False, markup=False)


def show_error(console: Console, words: Words, error: TacitError) -> None:
    """What happened, its code and place, who must act, what to do."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column(overflow="fold")
    lines.add_row(Text(words("error.what"), style="bold red"), Text(_printable(error.message)))
    lines.add_row(words("error.code"), Text(f"{error.code}" + (f"  ({error.path})" if error.path else "")))
    lines.add_row(words("error.who"), Text(words(f"who.{error.who}")))
    if error.hint:
        lines.add_row(words("error.hint"), Text(_printable(error.hint)))
    console.print(lines, soft_wrap=False)


def _printable(text: str) -> str:
    """`text` without what moves a terminal's cursor: a part of it may have come from the peer."""
    return "".join(character if character.isprintable() else "�" for character in text)


def pairs(rows: Sequence[tuple[str, str]]) -> Table:
    """Two columns: names dim, values plain."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table
