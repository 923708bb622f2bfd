"""Many modules at once: a slot is a USB place, an arrival starts a try, re-powering a failed unit tries again.

Every slot is its own machine (``line.slot``), every try its own task, and everything that may block (records, opening
ports, looking for ports of this computer) happens in threads: whatever one slot waits for, its neighbours do not.

* A module is burnt once its place is stable. While a try runs, the ports of its place belong to the try: restarting on
  the way is part of burning.
* A cause that helps itself is tried again after a pause, as often as its budget allows (``line.retry``); every other
  failure waits until the unit is re-powered. A gap shorter than the debounce time is no re-powering.
* A unit that passed is left alone until the slot was empty and a module arrives again; one whose IMEI has already
  passed, in this run or in this order, is only noted.
* A try that cannot be recorded is not begun. When records fail on the way, nothing new begins, what runs comes to its
  end, and the gang ends with an error that holds every try the records lack.

The gang ends when ``count`` units passed, or as many as the order lacked, or when its order is closed, and what runs by
then has come to its end. Without ``is_auto`` it also ends when every slot that was occupied in the beginning has passed
(and no count was asked for), or when nothing has happened for ``patience_s`` and nothing runs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from moduline.burn.job import Job, Order
from moduline.burn.record import Book, BurnRecord, try_before
from moduline.errors import (
    BadOption,
    BadRecipe,
    ModulineError,
    NoModule,
    RecordsUnwritable,
    StorageFailed,
    Text,
    UnknownOrder,
)
from moduline.events import Event, Notice, Reporter, silent
from moduline.line.advance import advance_of
from moduline.line.channel import Channel
from moduline.line.identity import ask_imei
from moduline.line.presence import DEBOUNCE_S, Presence
from moduline.line.retry import Budget
from moduline.line.work_order import order_stamp, read_order
from moduline.port import registry
from moduline.port.listing import PortInfo, is_module, read_slots
from moduline.port.watch import Watch

BURN_ROLES: Final = ("download", "at")
MOST_CHANNELS: Final = 64
TICK_S: Final = 0.2
SHORT_TICK_S: Final = 0.03


@dataclass(frozen=True, slots=True)
class GangOptions:
    """How the gang runs.

    Args:
        is_auto: wait for units for ever, as a production line does.
        count: end when so many units passed; 0: no such end.
        patience_s: without ``is_auto``, how long to wait for a failed slot to be re-powered or a unit to come.
        debounce_s: how long a place must be stable to be believed, seconds.
        retries: tries by itself per cause, in place of the table's; see ``line.retry``.
        channels: tries that may run at once.
        is_again: burn units whose IMEI has already passed, too.
        quota: units that the order lacks; no more tries than that run at once. None: no such end.
    """

    is_auto: bool = False
    count: int = 0
    patience_s: float = 60.0
    debounce_s: float = DEBOUNCE_S
    retries: Mapping[str, int] = field(default_factory=dict)
    channels: int = MOST_CHANNELS
    is_again: bool = False
    quota: int | None = None


@dataclass(slots=True)
class Finish:
    """Asks a gang, from outside, to come to its end: nothing new begins, what runs ends."""

    is_asked: bool = False

    def ask(self) -> None:
        """Begin nothing more."""
        self.is_asked = True


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
        rack: whose empty slots are told of, too.
        finish: asked when somebody wants the end.
    """

    order: Order
    watch: Watch
    book: Book | None
    options: GangOptions = field(default_factory=GangOptions)
    report: Reporter = silent
    on_record: Callable[[BurnRecord], None] = lambda _: None
    rack: str | None = None
    finish: Finish = field(default_factory=Finish)
    records: list[BurnRecord] = field(init=False, default_factory=list)
    _channels: dict[str, Channel] = field(init=False, default_factory=dict)
    _earlier: list[BurnRecord] = field(init=False, default_factory=list)
    _passed: set[str] = field(init=False, default_factory=set)
    _passes: int = field(init=False, default=0)
    _unkept: dict[str, BurnRecord] = field(init=False, default_factory=dict)
    _storage: Exception | None = field(init=False, default=None)
    _idle_since: float = field(init=False, default=0.0)
    _is_told: bool = field(init=False, default=False)
    _order_stamp: int = field(init=False, default=0)

    async def run(self) -> list[BurnRecord]:
        """Until a stop condition holds or the task is cancelled; running jobs are then aborted and recorded.

        Raises:
            NoModule: nothing is connected, and nothing was said that would make waiting useful.
            StorageFailed: the records cannot be read.
            RecordsUnwritable: they could not be written on the way.
        """
        expected = {port.place for port in self.watch.ports if _is_burnable(port)}
        if not expected and not self.options.is_auto and not self.options.count:
            raise NoModule(address=Text("this rack", "此机架"))
        self._earlier = await asyncio.to_thread(self.book.read) if self.book is not None else []
        if self.order.order:
            same = (one for one in self._earlier if one.is_pass and one.sha256 == self.order.sha256)
            self._passed |= {one.imei for one in same if one.imei}
        self._idle_since = self._now()
        await self._name_empty_slots()
        try:
            while not self._is_over(expected):
                self._look()
                await self._look_at_order()
                await self._start_tries()
                await self.watch.next_change(SHORT_TICK_S if self._is_unsettled() else TICK_S)
                self._collect()
        finally:
            await self._stop_tries()
            self._collect()
            for channel in self._channels.values():
                channel.give_up()
        await self._keep_late()
        return self.records

    # ---- the slots -------------------------------------------------------------------------------------------------

    async def _name_empty_slots(self) -> None:
        """Tell of the slots that are known to be there, empty as they are."""
        if self.rack is None:
            return
        named = await asyncio.to_thread(_slots_of, self.rack)
        here = {port.place: port.slot or port.name for port in self.watch.ports}
        for slot, place in named.items():
            if slot not in here.values() and place not in here:
                self._channel(slot, place)

    def _channel(self, slot: str, place: str) -> Channel:
        """The channel of a place, made when it is new; a slot that was named without a place gets its place."""
        known = self._channels.get(place or f"slot:{slot}")
        if known is None and place and (known := self._channels.pop(f"slot:{slot}", None)) is not None:
            known.place = place
            self._channels[place] = known
        if known is None:
            taken = {one.name for one in self._channels.values()}
            name = slot if slot not in taken else f"{slot} ({place})"
            known = Channel(name, place, Presence(self.options.debounce_s), Budget(self.options.retries), self.report)
            self._channels[place or f"slot:{slot}"] = known
            known.tell_state()
        return known

    def _look(self) -> None:
        now = self._now()
        there = {port.place: port for port in self.watch.ports if _is_burnable(port)}
        for place, port in there.items():
            self._channel(port.slot or port.name or place, place)
        for place, channel in self._channels.items():
            channel.look(is_there=place in there, now=now)
            channel.tick(now)

    def _is_unsettled(self) -> bool:
        """Whether the clock alone will soon have something to say."""
        return any(one.task is None and not one.presence.is_certain for one in self._channels.values())

    async def _look_at_order(self) -> None:
        """Come to an end when somebody has closed the order meanwhile."""
        stamp = order_stamp(self.order.order) if self.order.order else 0
        if stamp == self._order_stamp:
            return
        self._order_stamp = stamp
        try:
            is_closed = (await asyncio.to_thread(read_order, self.order.order)).is_closed
        except (UnknownOrder, BadRecipe, StorageFailed, BadOption):
            return  # an order without a file, or with one that cannot be read now, closes nothing
        if is_closed and not self._is_ending:
            self.report(Notice("gang.order-closed", facts={"order": self.order.order}))
            self.finish.ask()

    # ---- tries -----------------------------------------------------------------------------------------------------

    async def _start_tries(self) -> None:
        if self._is_ending:
            self._announce_end()
            return
        now = self._now()
        for channel in self._channels.values():
            if not self._has_room():
                return
            port = self._port_of(channel.place) if channel.is_ready(now) else None
            if port is None:
                continue
            if port.imei and self._is_passed(port.imei):
                channel.leave_alone(port.imei, is_there=True, now=now)
                self._idle_since = now
                continue
            has_examination = self.order.examine is not None
            channel.begin(advance_of(self.order.plan, channel.name, has_examination=has_examination), now)
            channel.task = asyncio.create_task(self._try(channel, port), name=f"burn {channel.place}")

    def _has_room(self) -> bool:
        """Whether another try may run: a channel is free, and more units are lacking than are on their way."""
        if self._has_count:
            return False
        running = sum(one.task is not None for one in self._channels.values())
        if running >= min(self.options.channels, MOST_CHANNELS):
            return False
        return self.options.quota is None or self._passes + running < self.options.quota

    def _port_of(self, place: str) -> PortInfo | None:
        here = self.watch.at_place(place)
        return next((port for role in BURN_ROLES for port in here if port.role == role), None)

    def _is_passed(self, imei: str) -> bool:
        return imei in self._passed and not self.options.is_again

    async def _try(self, channel: Channel, port: PortInfo) -> BurnRecord | None:
        """One try; None when the unit turned out to have passed already."""
        earlier = try_before(self._earlier, port.place, time.time())
        if not port.imei and port.role == "at" and (self._passed or channel.last is not None or earlier is not None):
            port = replace(port, imei=await ask_imei(port, self.order.ask_limit_s))
            if port.imei and self._is_passed(port.imei):
                channel.imei = port.imei
                return None

        def report(event: Event) -> None:
            channel.take(event, self._now())

        job = Job(self.order, port, self.watch, self.book, report, channel.try_before(port, earlier))
        try:
            return await job.run()
        except asyncio.CancelledError:
            return job.record
        except Exception as failure:  # noqa: BLE001  a job raises nothing but what its book raises; the slot survives
            self._storage = self._storage or failure
            self._unkept[job.record.id] = job.record
            return job.record

    def _collect(self) -> None:
        now = self._now()
        for channel in self._channels.values():
            if channel.task is None or not channel.task.done():
                continue
            is_there = any(_is_burnable(port) for port in self.watch.at_place(channel.place))
            self._idle_since = now
            if channel.task.cancelled():
                channel.stop()
                continue
            record = channel.task.result()
            if record is None:
                channel.leave_alone(channel.imei, is_there=is_there, now=now)
                continue
            if record.is_pass:
                self._passes += 1
                if record.imei:
                    self._passed.add(record.imei)
            self.records.append(record)
            channel.end(record, is_there=is_there, now=now)
            self.on_record(record)
            cause = channel.settle_verdict(now, may_retry=not self._is_ending)
            if cause is not None and cause.stops and self._storage is None:
                self._storage = RecordsUnwritable(reason=record.error_message, unkept=0)

    async def _stop_tries(self) -> None:
        tasks = [channel.task for channel in self._channels.values() if channel.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- the end ---------------------------------------------------------------------------------------------------

    @property
    def _has_count(self) -> bool:
        """Whether as many units passed as were wanted."""
        return 0 < self.options.count <= self._passes

    @property
    def _is_ending(self) -> bool:
        """Whether nothing new is to begin."""
        return self.finish.is_asked or self._storage is not None

    def _announce_end(self) -> None:
        """Say once that nothing new begins, and forget what was to be tried again."""
        for channel in self._channels.values():
            channel.give_up()
        if not self._is_told:
            self._is_told = True
            running = sum(one.task is not None for one in self._channels.values())
            slug = "gang.finishing" if self._storage is None else "gang.storage-failed"
            reason = "" if self._storage is None else str(self._storage)
            self.report(Notice(slug, facts={"running": running, "reason": reason}))

    def _is_over(self, expected: set[str]) -> bool:
        """Whether nothing runs and nothing more is to be expected."""
        is_running = any(channel.task is not None for channel in self._channels.values())
        if self._has_count:
            return not is_running
        if self.options.quota is not None and self._passes >= self.options.quota:
            return not is_running
        if self._is_ending:
            return self._is_told and not is_running
        if self.options.is_auto or is_running:
            return False
        passed = {channel.place for channel in self._channels.values() if channel.has_passed}
        if expected and not self.options.count and expected <= passed:
            return True
        if not self._channels or any(channel.is_busy for channel in self._channels.values()):
            return False
        return self._now() - self._idle_since > self.options.patience_s

    async def _keep_late(self) -> None:
        """Try once more to write what could not be written.

        Raises:
            RecordsUnwritable: whether it went well or not: the line is not to go on over a failing disk.
        """
        if self._storage is None:
            return
        if self.book is not None:
            for record in list(self._unkept.values()):
                try:
                    await asyncio.to_thread(self.book.write, record)
                except Exception:  # noqa: BLE001  whatever a book raises, the record stays among the unkept
                    break
                del self._unkept[record.id]
        facts = self._storage.facts if isinstance(self._storage, ModulineError) else {}
        reason = facts.get("reason") or Text(str(self._storage), str(self._storage))
        records = [record.as_json() for record in self._unkept.values()]
        raise RecordsUnwritable(
            reason=reason, path=str(facts.get("path", "")), unkept=len(records), records=records
        ) from self._storage

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


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


def _slots_of(rack: str) -> dict[str, str]:
    """Every slot of a rack that is known to be there, with its place if that is known."""
    named = dict(read_slots().get(rack, {}))
    if not named:
        for entry in registry.modules(rack):
            named[entry.slot or entry.name] = next((port.location for port in entry.ports), "")
    return named
