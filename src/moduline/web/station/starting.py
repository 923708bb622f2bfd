"""From a set-up to a gang that runs: the same verbs, in the same order, as ``moduline gang run``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from moduline import burn as burning
from moduline import line
from moduline.burn import BurnRecord
from moduline.burn.plan import PlanOptions
from moduline.errors import NoSuchFile, Text
from moduline.events import Reporter
from moduline.line import Finish, GangOptions
from moduline.line.advance import advance_of
from moduline.line.assignment import Choice, begin, choose, with_work
from moduline.line.board import Board
from moduline.line.records import beside_line
from moduline.line.relay import Relay, head_of, printer_of, slot_names
from moduline.web import host_files
from moduline.web.station import live
from moduline.web.station.setup import StationSetup, checked, label_of, remember

PATIENCE_S: Final = 60.0
"""Without auto-all, so long a gang waits for a failed slot to be powered again."""


def start(setup: StationSetup, owner: str) -> str:
    """Begin a gang for a set-up; the id of its job. Reads files: not for a page's own thread.

    Args:
        setup: as the page has it.
        owner: name of the account that does it.

    Raises:
        ModulineError: as ``line.assignment.choose`` and ``burn.make_order``; StateForbids: one runs at the station.
    """
    setup = checked(setup)
    label = label_of(setup)
    chosen = chosen_by(setup)
    job = with_work(
        burning.make_order(
            chosen.data, chosen.path.name, order=setup.order, operator=setup.operator, station=setup.station
        ),
        chosen,
        PlanOptions(),
    )
    rack = setup.rack or None
    words = (job.order, job.operator, job.station)
    head = head_of(job.plan, job.package, job.sha256, rack, words)
    share = advance_of(job.plan, "", has_examination=job.examine is not None).content_share
    gang = live.LiveGang(setup.station, Relay(Board(head, slot_names(rack), share)), print_label=printer_of(label))
    options = GangOptions(
        is_auto=setup.is_auto,
        patience_s=PATIENCE_S,
        retries=chosen.retries,
        is_again=setup.is_again,
        quota=chosen.quota,
    )

    async def run(report: Reporter, finished: Callable[[BurnRecord], None], finish: Finish) -> list[BurnRecord]:
        with beside_line(label, report) as is_told:

            def ended(record: BurnRecord) -> None:
                is_told(record)
                finished(record)

            return await line.run_gang(job, rack, options, report=report, on_record=ended, finish=finish)

    begin(chosen)
    remember(setup)
    title = Text(f"Burn {chosen.path.name} at station {setup.station}", f"工位 {setup.station} 烧录 {chosen.path.name}")
    return live.begin(gang, title, run, owner=owner, page=f"/line?station={quote(setup.station)}")


def chosen_by(setup: StationSetup) -> Choice:
    """What a set-up burns and tests with; files of the page lie below the root, an order's where the order says.

    Raises:
        ModulineError: as ``line.assignment.choose``; BadOption: a path that leads out of the root.
    """
    return choose(
        _named(setup.package), setup.order, _bytes_of, _named(setup.recipe), _named(setup.units), count=setup.count
    )


def _named(path: str) -> Path | None:
    return host_files.resolve(path) if path else None


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise NoSuchFile(path=str(path), reason=cause.strerror or str(cause)) from cause
