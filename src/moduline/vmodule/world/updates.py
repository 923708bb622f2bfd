"""The module's own update service: what ``fota`` asks for, and the download that goes on behind the scripts' backs.

::

    fota.write, flush, verify ─┐                       ┌─▶ UpdateUnit (flash) ─▶ accepted, applied at the next boot
    fota.httpDownload ─────────┼─▶ Updates ── fetch ───┤
    Qth (install) ─────────────┘                       └─▶ statuses: [0, 0], [1, p] ..., [2, 100] or [-1, x]

The service belongs to the module's firmware, not to the interpreter: a soft reset does not end a download, a restart
does. A mini-system set is two downloads; nothing is accepted before both are there and checked.

Modelled: one download at a time, statuses with rising percent, restart about 250 ms after the package was accepted, the
error codes of ``http_get`` and below, a download that is cancelled. Not modelled: FTP (refused), resuming a broken
download, an APN of its own for the download (it is checked and kept).

Source: device-api 7; the order of statuses: 7.3 (inferred from UNI).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from moduline.errors import FlashCut, ModulineError
from moduline.formats.patch import MAX_BYTES
from moduline.profiles.schema import Table
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.world import http_get
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.http_get import Connector, FetchFailedError

REPORTS: Final = "fota"
RESTART_AFTER_S: Final = 0.25
STARTING: Final = 0
DOWNLOADING: Final = 1
ACCEPTED: Final = 2
FAILED: Final = -1
NO_ROOM: Final = 20
REFUSED: Final = 21
CANCELLED: Final = 22
KEY_BYTES: Final = 32
APN_CHARS: Final = 64
MAX_REPORTS: Final = 256


class Unit(Protocol):
    """What stages and accepts; ``vmodule.update.UpdateUnit``."""

    @property
    def staged_bytes(self) -> int:
        """Bytes of the package that is being staged."""

    @property
    def room_bytes(self) -> int:
        """Bytes for packages."""

    def begin(self, *, is_next: bool = False) -> None:
        """Start a package, or the next stage of a set."""

    def write(self, data: bytes) -> None:
        """The next bytes."""

    def flush(self) -> None:
        """The rest goes to the flash."""

    def forget(self) -> None:
        """Nothing staged in this life counts."""

    def accept(self, running_version: str) -> object:
        """Check everything and have it applied at the next power-on."""


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """What a module trusts.

    Attributes:
        public_key: Ed25519, 32 bytes: only packages signed with it are taken; None takes any.
    """

    public_key: bytes | None = None


def read_updates(table: Table) -> UpdatePlan:
    """The plan of a scenario's ``updates`` table: ``public_key`` as 64 hex digits.

    Raises:
        BadRecipe: an unknown key, or no key of that form.
    """
    text = table.text("public_key", "")
    key = None
    if text:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            table.refuse("public_key", "it is not hex", "不是十六进制")
        if len(key) != KEY_BYTES:
            table.refuse("public_key", "it must be 32 bytes", "须为 32 字节")
    table.end()
    return UpdatePlan(key)


@dataclass(frozen=True, slots=True)
class Station:
    """What the module offers while it runs.

    Attributes:
        unit: stages and accepts.
        running_version: of the firmware that runs.
        on_restart: restarts the module.
        on_cut: a flash operation met a power cut.
        notice: ``notice(slug, **facts)`` tells the owner.
    """

    unit: Unit
    running_version: str
    on_restart: Callable[[], None]
    on_cut: Callable[[FlashCut], None]
    notice: Callable[..., None]


@dataclass(frozen=True, slots=True)
class FotaApn:
    """The access point a script asks downloads to be made through; empty texts: the one of the data call."""

    name: str = ""
    ip_type: int = 0
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(slots=True)
class _Job:
    """One download."""

    task: asyncio.Task[None] | None = None
    percent: int = 0
    result: int | None = None
    progress: Callable[[int], None] | None = None  # who asked, when it was not a script


class Updates:
    """One module's update service.

    Args:
        plan: what it trusts.
        clock: the module's time.
        connect: opens its connections.
    """

    def __init__(self, plan: UpdatePlan, clock: ModuleClock, connect: Connector) -> None:
        self.plan = plan
        self.clock = clock
        self.connect = connect
        self.station: Station | None = None
        self.job = _Job()
        self.apn = FotaApn()
        self.listener: Callable[[int, int], None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    def desk(self, context: DeskContext) -> UpdateDesk:
        """Answers the ``fota`` module of one interpreter child."""
        return UpdateDesk(self, context)

    # ---- the module's side -------------------------------------------------------------------------------------------

    def open(self, station: Station) -> None:
        """The firmware runs."""
        self.station = station

    async def close(self) -> None:
        """It does not any more: nothing that was not accepted counts."""
        station, self.station, task = self.station, None, self.job.task
        self.job = _Job()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if station is not None:
            station.unit.forget()

    @property
    def is_busy(self) -> bool:
        """Whether a download is going on."""
        return self.job.task is not None and not self.job.task.done()

    # ---- downloads ---------------------------------------------------------------------------------------------------

    def start(self, urls: Sequence[str], *, restarts: bool, progress: Callable[[int], None] | None = None) -> bool:
        """Begin a download; False when one is going on, or the module is not up.

        Args:
            urls: of the packages of a set, in order.
            restarts: restart the module when it is accepted.
            progress: hears percent instead of the script.
        """
        station = self.station
        if station is None or self.is_busy:
            return False
        self.job = _Job(progress=progress)
        self.job.task = asyncio.get_running_loop().create_task(self._work(station, self.job, urls, restarts=restarts))
        return True

    async def install(self, url: str, progress: Callable[[int], None]) -> bool:
        """Download, accept and restart; False when that failed. For services beside the scripts, such as ``Qth``."""
        if not self.start([url], restarts=True, progress=progress):
            return False
        job = self.job
        assert job.task is not None
        await asyncio.wait([job.task])
        return job.result == 0

    def cancel(self) -> bool:
        """End the download that goes on, as a failed one; False when none does, or it is accepted already."""
        station, job = self.station, self.job
        if station is None or job.task is None or not self.is_busy or job.result is not None:
            return False
        job.task.cancel()
        station.unit.forget()
        self._failed(station, job, CANCELLED, "the script cancelled it")
        return True

    async def _work(self, station: Station, job: _Job, urls: Sequence[str], *, restarts: bool) -> None:
        try:
            for number, url in enumerate(urls):
                await self._one(station.unit, job, url, number, len(urls))
            station.unit.accept(station.running_version)
        except FlashCut as cut:
            station.unit.forget()
            station.on_cut(cut)
            return
        except FetchFailedError as failed:
            station.unit.forget()
            self._failed(station, job, failed.code, failed.why)
            return
        except ModulineError as refused:
            station.unit.forget()
            code = NO_ROOM if refused.exit_code == 13 else REFUSED
            self._failed(station, job, code, refused.message("en"))
            return
        job.percent, job.result = 100, 0
        station.notice("virt.update-accepted", restarts=restarts)
        self._tell(ACCEPTED, 100)
        if restarts:
            self.after(RESTART_AFTER_S, station.on_restart)

    async def _one(self, unit: Unit, job: _Job, url: str, number: int, count: int) -> None:
        """Download one package of a set; percent is that of the whole set, by packages."""
        unit.begin(is_next=number > 0)
        total = 0

        def begin(length: int | None) -> None:
            nonlocal total
            total = length or 0
            if total > min(unit.room_bytes, MAX_BYTES):
                raise FetchFailedError(NO_ROOM, f"{total} bytes, {unit.room_bytes} are free")
            if not number:
                self._tell(STARTING, 0)

        def take(piece: bytes) -> None:
            unit.write(piece)
            share = unit.staged_bytes / total if total else 0.0
            percent = min(99, int(100 * (number + share) / count))
            if percent > job.percent:
                job.percent = percent
                self._tell(DOWNLOADING, percent)

        await http_get.fetch(self.connect, url, begin, take, self.clock.rate)
        unit.flush()

    def _failed(self, station: Station, job: _Job, code: int, why: str) -> None:
        job.result = -1
        station.notice("virt.update-refused", reason=why[:200], error=code)
        self._tell(FAILED, code)

    def _tell(self, status: int, value: int) -> None:
        if self.job.progress is not None:
            if status in {STARTING, DOWNLOADING}:
                self.job.progress(value)
        elif self.listener is not None:
            self.listener(status, value)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call ``act`` later, by the module's clock, unless the module goes down before."""
        self._timers.add(self.clock.call_later(seconds, act))


class UpdateDesk:
    """Answers one interpreter child; forgets what the script set up when that ends, not what the module does.

    Args:
        updates: the service.
        context: what a desk may use.
    """

    def __init__(self, updates: Updates, context: DeskContext) -> None:
        self._updates = updates
        self._context = context
        self._total = 0  # what write was told; 0 before the first one
        self._restarts = True
        self._is_silent = False
        self._waiting: deque[list[int]] = deque(maxlen=MAX_REPORTS)
        updates.listener = self._hear

    @property
    def questions(self) -> Mapping[str, Question]:
        """See ``Desk``."""
        return {
            "fota_new": self._new,
            "fota_write": lambda call: self._guarded(self._write, call),
            "fota_flush": lambda call: self._guarded(self._flush, call),
            "fota_verify": lambda call: self._guarded(self._verify, call),
            "fota_download": self._download,
            "fota_poll": self._poll,
            "fota_apn": self._apn,
            "fota_cancel": self._cancel,
        }

    async def close(self) -> None:
        """See ``Desk``."""
        if self._updates.listener == self._hear:
            self._updates.listener = None

    def _guarded(self, act: Callable[[Station, framing.Call], int], call: framing.Call) -> Answer:
        """Have the unit do something: -1 when it refuses, no answer when the power went away."""
        station = self._updates.station
        if station is None or self._updates.is_busy:
            return -1, b""
        try:
            return act(station, call), b""
        except FlashCut as cut:
            station.on_cut(cut)
            return None
        except ModulineError as refused:
            self._total = 0
            self._context.notice("virt.update-refused", reason=refused.message("en")[:200])
            return -1, b""

    # ---- step by step ------------------------------------------------------------------------------------------------

    def _new(self, call: framing.Call) -> Answer:
        """``fota()``: a package that was begun and not accepted is forgotten."""
        is_disabled = fact(call, "is_reset_disabled", bool)
        self._restarts = not (is_disabled and self._context.quirks.has_fota_reset_disable)
        if is_disabled and self._restarts:
            self._context.notice("virt.fota-ignored", reason="reset_disable")
        self._total = 0
        if self._updates.station is not None and not self._updates.is_busy:
            self._updates.station.unit.forget()
        return 0, b""

    def _write(self, station: Station, call: framing.Call) -> int:
        total = fact(call, "total", int)
        if not 0 < total <= min(station.unit.room_bytes, MAX_BYTES) or (self._total and total != self._total):
            self._context.notice("virt.update-refused", reason=f"write with a total of {total}")
            return -1
        if not self._total:
            station.unit.begin()
            self._total = total
        if station.unit.staged_bytes + len(call.data) > total:
            self._context.notice("virt.update-refused", reason="more bytes than announced")
            return -1
        station.unit.write(call.data)
        return 0

    def _flush(self, station: Station, call: framing.Call) -> int:
        del call
        if not self._total:
            return -1
        station.unit.flush()
        return 0

    def _verify(self, station: Station, call: framing.Call) -> int:
        del call
        if not self._total or station.unit.staged_bytes < self._total:
            self._context.notice("virt.update-refused", reason="the package is not complete")
            return -1
        self._total = 0
        station.unit.accept(station.running_version)
        station.notice("virt.update-accepted", restarts=False)
        return 0

    # ---- download ----------------------------------------------------------------------------------------------------

    def _download(self, call: framing.Call) -> Answer:
        """0 when the work has begun; -1 when it is refused at once."""
        urls = [url for url in (fact(call, "url1", str), fact(call, "url2", str)) if url]
        is_mini = len(urls) > 1
        if not urls or (is_mini and not self._context.quirks.has_fota_mini):
            self._context.notice(
                "virt.update-refused", reason="the mini-system form is not supported" if urls else "no URL"
            )
            return -1, b""
        if self._context.quirks.is_fota_blocking:
            try:
                for url in urls:
                    http_get.target_of(url)
            except FetchFailedError as failed:
                self._context.notice("virt.update-refused", reason=failed.why)
                return -1, b""
        self._total = 0
        self._waiting.clear()
        self._is_silent = is_mini
        return 0 if self._updates.start(urls, restarts=self._restarts) else -1, b""

    def _apn(self, call: framing.Call) -> Answer:
        """0 when it can be an access point; -1 otherwise, and the one before stays."""
        apn = FotaApn(
            fact(call, "apn", str), fact(call, "ip_type", int), fact(call, "user", str), fact(call, "password", str)
        )
        texts = (apn.name, apn.user, apn.password)
        if apn.ip_type not in {0, 1} or not all(
            one.isascii() and one.isprintable() and len(one) <= APN_CHARS for one in texts
        ):
            return -1, b""
        self._updates.apn = apn
        return 0, b""

    def _cancel(self, call: framing.Call) -> Answer:
        del call
        return (0 if self._updates.cancel() else -1), b""

    def _hear(self, status: int, value: int) -> None:
        """A status of the download: to the script's callback at once, or kept until the blocked script asks."""
        if status == FAILED and self._context.quirks.fota_failure_value != "code":
            value = self._updates.job.percent
        if self._is_silent:
            return
        if self._context.quirks.is_fota_blocking:
            self._waiting.append([status, value])
        else:
            self._context.report(REPORTS, [status, value])

    def _poll(self, call: framing.Call) -> Answer:
        """What a blocked ``httpDownload`` waits for: statuses since the last question, and the result."""
        del call
        waiting = list(self._waiting)
        self._waiting.clear()
        return {"reports": waiting, "result": self._updates.job.result if not self._updates.is_busy else None}, b""
