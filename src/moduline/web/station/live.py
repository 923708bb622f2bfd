"""Gangs that run on this server, one per station: what their pages look at, and what pages ask of them.

::

    page ── begin ──▶ job (thread, loop) ── run_gang ──▶ relay (board) ◀── look, ten times a second ── pages

A gang is a job: it goes on when every page is closed. When the server ended in between, what the records say of the run
is put onto a board again, so the page shows how far it came.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.burn import BurnRecord
from moduline.burn.books import RecordFilter, open_store
from moduline.errors import ModulineError, Text
from moduline.events import Event, Notice, Reporter, Step
from moduline.line import Finish, final_records
from moduline.line.board import Board, Head
from moduline.line.relay import Relay
from moduline.web.site import site
from moduline.web.work import Job, JobView

KIND: Final = "gang"
MOST_REBUILT: Final = 5000
"""Records of a run that a board is made of again, at most."""

Run = Callable[[Reporter, Callable[[BurnRecord], None], Finish], Awaitable[list[BurnRecord]]]
"""The engine: gets where to report, where finished records go, and what asks it to end."""


@dataclass(slots=True)
class LiveGang:
    """A gang and its board.

    Args:
        station: where.
        relay: what it reports to.
        finish: asks it to come to its end.
        print_label: prints a unit's label once more; None: there are no labels.
        job: its job; "" until it has begun.
    """

    station: str
    relay: Relay
    finish: Finish = field(default_factory=Finish)
    print_label: Callable[[BurnRecord], Event] | None = None
    job: str = ""


_gangs: dict[str, LiveGang] = {}
_lock = threading.Lock()


def begin(gang: LiveGang, title: Text, run: Run, *, owner: str, page: str) -> str:
    """Begin a gang as a job; its id.

    Args:
        gang: with a fresh board.
        title: of the job.
        run: the engine.
        owner: name of an account.
        page: path of the page that shows it.

    Raises:
        StateForbids: one runs at the station.
        StorageFailed: the job cannot be kept.
    """

    async def work(job: Job) -> dict[str, Any]:
        records: list[BurnRecord] = []

        def report(event: Event) -> None:
            gang.relay.report(event)
            if isinstance(event, Notice) and event.slug != "slot.state":
                job.tell(event)

        def finished(record: BurnRecord) -> None:
            gang.relay.finished(record)
            records.append(record)
            facts = {"outcome": record.outcome, "imei": record.imei or "-", "error": record.error_code}
            job.tell(Notice("gang.record", record.slot, facts))

        job.tell(Step("gang.run", "begin"))
        try:
            await run(report, finished, gang.finish)
        finally:
            gang.relay.freeze()
        units = final_records(records)
        return {"units": len(units), "passed": sum(one.is_pass for one in units), "tries": len(records)}

    gang.job = site().jobs.start(KIND, title, work, owner=owner, key=gang.station, page=page, alone=True)
    with _lock:
        _gangs[gang.station] = gang
    return gang.job


def latest(station: str) -> JobView | None:
    """The newest gang of a station, running or not."""
    return site().jobs.latest(KIND, station)


def gang_of(station: str) -> LiveGang | None:
    """The gang of a station that this process knows: the one that runs, or ran last."""
    with _lock:
        return _gangs.get(station)


def rebuilt(view: JobView) -> LiveGang:
    """A gang of a process that has ended, from its records.

    Args:
        view: its job.

    Raises:
        StorageFailed: the records cannot be read.
    """
    until = (view.ended_at or site().clock.now_s()) + 1
    wanted = RecordFilter(
        station=view.key, since_s=view.started_at - 1, until_s=until, limit=MOST_REBUILT, by="seq", is_newest_first=True
    )
    records = [kept.record for kept in reversed(open_store().select(wanted))]
    last = records[-1] if records else None
    head = Head(
        order=last.order if last else "",
        operator=last.operator if last else "",
        station=view.key,
        rack=last.rack if last else "",
        image=last.package if last else "",
        sha256=last.sha256 if last else "",
        started=view.started_at,
    )
    board = Board(head)
    for record in records:
        board.finished(record, max(view.started_at, record.ended))
    gang = LiveGang(view.key, Relay(board), job=view.id)
    gang.relay.freeze(until)
    return gang


def known(station: str) -> LiveGang | None:
    """The gang that a station's page shows: one that runs or ran here, else one made again from its records."""
    view = latest(station)
    found = gang_of(station)
    if view is None or (found is not None and found.job == view.id):
        return found
    try:
        return rebuilt(view)
    except ModulineError:
        return None
