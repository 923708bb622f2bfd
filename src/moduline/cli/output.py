"""How commands print: results to stdout, everything else to stderr; tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from moduline.cli.language import say
from moduline.events import Event, Notice, Progress, Reporter, Step, silent, to_json

verbosity = 0  # -q is -1, -v 1, -vv 2; set once by cli.main

GAP = 2  # blanks between columns of a table
WIDE = 160  # columns assumed where nobody looks: pipes and files

JsonFlag = Annotated[bool, typer.Option("--json", help=say("print one JSON object", "输出一个 JSON 对象"))]
JsonlFlag = Annotated[bool, typer.Option("--jsonl", help=say("print events as JSON lines", "以 JSON 行输出事件"))]
YesFlag = Annotated[bool, typer.Option("--yes", "-y", help=say("do it without asking", "不询问，直接执行"))]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help=say("show the plan and stop", "仅显示计划"))]


def out() -> Console:
    """Console on stdout, for results."""
    return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())


def err() -> Console:
    """Console on stderr, for everything that is not a result."""
    return Console(file=sys.stderr, highlight=False, stderr=True, soft_wrap=not sys.stderr.isatty())


def print_json(value: Any) -> None:
    """One compact JSON object on stdout, non-ASCII kept."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_facts(facts: dict[str, Any], *, as_json: bool) -> None:
    """A result of named facts: JSON, or one aligned line each."""
    if as_json:
        print_json({"ok": True, **facts})
        return
    width = max((len(name) for name in facts), default=0)
    for name, value in facts.items():
        out().print(f"[bold]{name:<{width}}[/bold]  {value}", markup=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "", *, wraps: bool = True) -> None:
    """A table of results for people: cells stay on one line, only the last column wraps, or is cut short."""
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    console = out()
    if not sys.stdout.isatty():
        console.width = WIDE
    cells = [[str(cell) for cell in row] for row in rows]
    left = console.width
    for index, column in enumerate(columns[:-1]):
        width = max(cell_len(Text.from_markup(row[index]).plain) for row in [*cells, list(columns)])
        table.add_column(column, no_wrap=True, width=width)
        left -= width + GAP
    table.add_column(columns[-1], no_wrap=not wraps, overflow="fold" if wraps else "ellipsis", max_width=max(left, 12))
    for row in cells:
        table.add_row(*row)
    if title:
        console.print(title, style="bold")
    console.print(table)


def note(en: str, zh: str, **facts: object) -> None:
    """A remark on stderr, unless -q."""
    if verbosity >= 0:
        err().print(say(en, zh, **facts), markup=False)


def reporter(*, as_jsonl: bool = False) -> Reporter:
    """A Reporter that prints events: JSON lines on stdout, or short lines on stderr."""
    if as_jsonl:
        return lambda event: print_json(to_json(event))
    if verbosity < 0:
        return silent
    return _EventLines()


class _EventLines:
    """Prints steps and notices as lines, and progress at each tenth."""

    def __init__(self) -> None:
        self._tenths: dict[tuple[str, str], int] = {}

    def __call__(self, event: Event) -> None:
        prefix = f"[{event.where}] " if event.where else ""
        if isinstance(event, Progress):
            tenth = 10 * event.done_bytes // max(event.total_bytes, 1)
            key = (event.where, event.what)
            if self._tenths.get(key) != tenth:
                self._tenths[key] = tenth
                err().print(
                    f"{prefix}{event.what} {tenth * 10} % ({event.done_bytes}/{event.total_bytes})", markup=False
                )
        elif isinstance(event, Step):
            facts = " ".join(f"{name}={value}" for name, value in event.facts.items())
            err().print(f"{prefix}{event.name} {event.state} {facts}".rstrip(), markup=False)
        elif isinstance(event, Notice):
            facts = " ".join(f"{name}={value}" for name, value in event.facts.items())
            err().print(f"{prefix}{event.slug} {facts}".rstrip(), markup=False)
