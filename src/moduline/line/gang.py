"""Many modules at once: a slot is a USB place, an arrival starts a job, re-powering a failed unit tries again.

Rules, per slot and independent of all others:

* A module that arrives (running or in download mode) is burnt.
* While a job runs, the ports of its slot belong to the job: restarting on the way is part of burning.
* A unit that failed is tried again when it arrives anew. A job that lost its port looks at the arrivals since it last
  opened one, so a unit that was re-powered before the job noticed is not missed.
* A unit that passed is left alone until the slot was empty and a module arrives again; one whose IMEI has already
  passed in this run is only noted.

The gang ends when ``count`` units passed. Without ``is_auto`` it also ends when every slot that was occupied in the
beginning has passed (and no count was asked for), or when nothing has happened for ``patience_s`` and nothing runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from moduline.burn.job import Job, Order
from moduline.burn.record import Book, BurnRecord, try_before
from moduline.errors import NoModule, Text
from moduline.events import Notice, Reporter, silent
from moduline.port.listing import PortInfo, is_module
from moduline.port.watch import Watch

BURN_ROLES = ("download", "at")
TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class GangOptions:
    """How the gang runs.

    Args:
        is_auto: wait for units for ever, as a production line does.
        count: end when so many units passed; 0: no such end.
        patience_s: without ``is_auto``, how long to wait for a failed slot to be re-powered or a unit to come.
    """

    is_auto: bool = False
    count: int = 0
    patience_s: float = 60.0


@dataclass(slots=True)
class _Slot:
    place: str
    used_arrivals: int = 0
    task: asyncio.Task[BurnRecord] | None = None
    last: BurnRecord | None = None


@dataclass(slots=True)
class Gang:
    """One run over the slots of a watch.

    Args:
        order: what to burn.
        watch: who is connected; already entered.
        book: where records go.
        options: when to stop.
        report: gets the events of all slots, ``where`` being the slot.
        on_record: gets each finished record at once.
    """

    order: Order
    watch: Watch
    book: Book | None
    options: GangOptions = field(default_factory=GangOptions)
    report: Reporter = silent
    on_record: Callable[[BurnRecord], None] = lambda _: None
    records: list[BurnRecord] = field(init=False, default_factory=list)
    _slots: dict[str, _Slot] = field(init=False, default_factory=dict)
    _earlier: list[BurnRecord] = field(init=False, default_factory=list)
    _idle_since: float = field(init=False, default=0.0)

    async def run(self) -> list[BurnRecord]:
        """Until a stop condition holds or the task is cancelled; running jobs are then aborted and recorded.

        Raises:
            NoModule: nothing is connected, and nothing was said that would make waiting useful.
        """
        expected = {port.place for port in self.watch.ports if _is_burnable(port)}
        if not expected and not self.options.is_auto and not self.options.count:
            raise NoModule(address=Text("this rack", "此机架"))
        self._idle_since = asyncio.get_running_loop().time()
        self._earlier = await asyncio.to_thread(self.book.read) if self.book is not None else []
        try:
            while True:
                self._collect()
                if self._has_count():
                    return self.records
                self._start_jobs()
                if self._is_at_rest(expected):
                    return self.records
                await self.watch.next_change(TICK_S)
        finally:
            await self._stop_jobs()

    def _start_jobs(self) -> None:
        for place in dict.fromkeys(port.place for port in self.watch.ports if _is_burnable(port)):
            slot = self._slots.setdefault(place, _Slot(place))
            arrivals = self.watch.arrivals(place)
            if slot.task is not None or arrivals <= slot.used_arrivals:
                continue
            port = self._port_of(place)
            if port is None:
                continue
            slot.used_arrivals = arrivals
            if port.imei and port.imei in self._passed_imeis():
                self.report(Notice("gang.already-passed", where=port.slot or place, facts={"imei": port.imei}))
                continue
            before = try_before([slot.last] if slot.last is not None else self._earlier, place, time.time())
            job = Job(self.order, port, self.watch, self.book, self.report, before, on_open=self._noter(slot))
            slot.task = asyncio.create_task(job.run(), name=f"burn {place}")

    def _port_of(self, place: str) -> PortInfo | None:
        here = self.watch.at_place(place)
        return next((port for role in BURN_ROLES for port in here if port.role == role), None)

    def _noter(self, slot: _Slot) -> Callable[[], None]:
        def opened() -> None:
            slot.used_arrivals = self.watch.arrivals(slot.place)

        return opened

    def _collect(self) -> None:
        now = asyncio.get_running_loop().time()
        for slot in self._slots.values():
            if slot.task is None or not slot.task.done():
                continue
            record = slot.task.result()
            slot.task, slot.last, self._idle_since = None, record, now
            if record.is_pass:
                slot.used_arrivals = self.watch.arrivals(slot.place)
            self.records.append(record)
            self.on_record(record)

    def _has_count(self) -> bool:
        return 0 < self.options.count <= sum(record.is_pass for record in self.records)

    def _is_at_rest(self, expected: set[str]) -> bool:
        """Whether nothing runs and nothing more is to be expected."""
        if self.options.is_auto or any(slot.task is not None for slot in self._slots.values()):
            return False
        passed = {slot.place for slot in self._slots.values() if slot.last is not None and slot.last.is_pass}
        if expected and not self.options.count and expected <= passed:
            return True
        return asyncio.get_running_loop().time() - self._idle_since > self.options.patience_s

    def _passed_imeis(self) -> set[str]:
        return {record.imei for record in self.records if record.is_pass and record.imei}

    async def _stop_jobs(self) -> None:
        tasks = [slot.task for slot in self._slots.values() if slot.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def final_records(records: list[BurnRecord]) -> list[BurnRecord]:
    """The last try of each slot and unit, in the order of the first."""
    last: dict[tuple[str, str], BurnRecord] = {}
    for record in records:
        if record.imei:
            last.pop((record.place, ""), None)
        last[record.place, record.imei] = record
    return list(last.values())


def _is_burnable(port: PortInfo) -> bool:
    return port.role in BURN_ROLES and is_module(port) and bool(port.location)
