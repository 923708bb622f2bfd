"""The upgrade of one simulated device, as the vendor's SDK goes through it.

::

    IDLE ── 0x0111: 1 ──▶ OFFERED ── 2 ──▶ ACCEPTED ── 0x0113: 4 ──▶ FETCHING ── 5, 8 ──▶ FLASHING ── 9, reboot, 11
     ▲ ▲                     │ 3              │ 30 s: 12                │ 6                │  (module)      or 12
     │ └─────────────────────┴────────────────┴──────────(0x0113 again)─┘                  │
     └──────────────────────────────────────────── 11 or 12 ────────────────────────── WRITING ── 9, version set
                                                                                        (MCU)

`TABLE` is that picture as data. What is not in it the device does not hear, as real ones do not: an offer while it is
busy, a URL while it downloads. Every phase but IDLE has a time at which something happens by itself.

Knowingly like the SDK (ota-semantics 12): the state of one component only, so 1 and 2 name the last of an offer; the
MD5 is compared as text; no CRC, or no room for a module's file, is 12 at once; 6 five times, then 12; a module reports
nothing between 9 and its reconnect.

Source: ota-semantics 7.1, 8, 11.5, 12 (traps 5..10, 14), 13; quecthing-recordings.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Any, Final, Protocol

from moduline.errors import BadOption
from moduline.fleet.behaviour import Answer, Behaviour
from moduline.fleet.dice import Dice
from moduline.fleet.exchange import Begun, Due, Ended, Fetch, Fetched, FetchEnd, Outcome
from moduline.fleet.stored import Stored, Task
from moduline.wire.quecthing import ota_messages as ota
from moduline.wire.quecthing.ota_messages import MCU, MODULE, StatusCode

URL_S: Final = 30.0  # after 2; then 12
PROGRESS_S: Final = 5.0  # between two 5
FLASH_PAUSE_S: Final = 5.0  # between 9 and the reboot
UNREAD_S: Final = 60.0  # an MCU that takes nothing; then 12
FORGET_S: Final = 600.0  # a user who does not answer
MOST_FAILURES: Final = 5  # of downloads; the next one is 12
MOST_PROGRESS: Final = 120  # reports of one download; then it counts as failed
LONGEST_URL: Final = 512
LARGEST_FILE_BYTES: Final = 128 * 1024 * 1024
STRANGE_VERSION: Final = "9.9"


class Phase(Enum):
    """How far an upgrade is."""

    IDLE = "idle"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    FETCHING = "fetching"
    RECEIVING = "receiving"
    FLASHING = "flashing"
    UNREAD = "unread"
    WRITING = "writing"


class Host(Protocol):
    """What an upgrade needs of its device."""

    behaviour: Behaviour
    dice: Dice
    stored: Stored
    scale: float

    @property
    def now(self) -> float:
        """Seconds of the device."""

    @property
    def battery(self) -> int:
        """Percent."""

    @property
    def signal(self) -> int:
        """Strength in dBm."""

    def say(self, message: ota.Report) -> None:
        """Reports; may not return, if the power fails."""

    def do(self, action: Fetch | Ended) -> None:
        """Hands an action out."""

    def power_off(self, seconds: float) -> None:
        """Loses everything but the flash."""


class Upgrade:
    """Where a device is in an upgrade; lost with the power.

    Args:
        host: the device.
    """

    __slots__ = (
        "_done_at",
        "_fetched",
        "_file",
        "_firmware",
        "_host",
        "_offer",
        "_offset",
        "_progress",
        "due",
        "phase",
    )

    def __init__(self, host: Host) -> None:
        self._host = host
        self.phase = Phase.IDLE
        self.due = inf
        self._offer: ota.Offer | None = None
        self._firmware: ota.Firmware | None = None
        self._fetched: Fetched | None = None
        self._file = 0
        self._offset = 0
        self._progress = 0
        self._done_at = 0.0

    def hear(self, event: ota.Offer | ota.Firmware | Begun | Fetched | Due) -> None:
        """Does what `TABLE` says; nothing for what is not in it."""
        step = TABLE.get((self.phase, type(event)))
        if step is not None:
            step(self, event)

    def boot(self) -> ota.Report | None:
        """Looks at what was going on when the power went; gives what is to be reported once online."""
        task = self._host.stored.task
        if task is None:
            return None
        version = self._host.stored.module_version
        match StatusCode(task.code):
            case StatusCode.REVICEPLAN | StatusCode.REFUSEDOTA:
                self._host.stored.task = None
                return None
            case StatusCode.DOWNLOADERROR:
                return None
            case StatusCode.UPDATESUCCESS | StatusCode.UPDATEERROR as code:
                return self._final(task, code)  # it was not said before
            case _ if task.type == MODULE and version == task.target:
                return self._result(task, StatusCode.UPDATESUCCESS)
            case StatusCode.UPDATING if task.type == MCU:
                self._enter(Phase.WRITING, self._host.dice.within(self._host.behaviour.write_s, "write", self._tries))
                return None
            case StatusCode.UPDATING:
                reason = "wrong-version" if version == STRANGE_VERSION else "old-version"
                return self._result(task, StatusCode.UPDATEERROR, reason)
            case _:
                return self._broken_download(task, "power-lost")

    # -- steps of the table

    def _offered(self, offer: ota.Offer) -> None:
        if any(_is_too_long(one.component, one.target) for one in offer.components):
            return
        self._offer = offer
        last = offer.components[-1]
        self._host.stored.failures = 0
        self._report(Task(StatusCode.REVICEPLAN, last.component, last.type, last.target), StatusCode.REVICEPLAN)
        behaviour = self._host.behaviour
        wait = self._host.dice.within(behaviour.decide_s, "decide", self._host.stored.said)
        self._enter(Phase.OFFERED, FORGET_S if behaviour.answer is Answer.IGNORE else wait)

    def _decide(self, _: Due) -> None:
        task = self._host.stored.task
        assert task is not None
        if self._host.behaviour.answer is Answer.IGNORE:
            self._host.stored.task = None
            self._rest()
            return
        reason = self._why_not()
        if reason:
            self._rest()
            self._report(task, StatusCode.REFUSEDOTA)
            self._host.stored.task = None
            self._host.do(Ended(Outcome.REFUSED, reason, task.component, task.target))
            return
        self._report(task, StatusCode.SUBMITOTA)
        self._enter(Phase.ACCEPTED, URL_S * self._host.scale)

    def _why_not(self) -> str:
        """A slug; empty: nothing is against it."""
        host = self._host
        if host.behaviour.answer is Answer.REFUSE:
            return "user"
        if not host.behaviour.checks_limits or self._offer is None:
            return ""
        for one in self._offer.components:
            if one.battery_percent and host.battery < one.battery_percent:
                return "battery"
            if one.signal_dbm and host.signal < one.signal_dbm:
                return "signal"
            if one.space_bytes and host.behaviour.free_flash_bytes < one.space_bytes:
                return "space"
        return ""

    def _no_url(self, _: Due) -> None:
        assert self._host.stored.task is not None
        self._fail(self._host.stored.task, "no-url")

    def _informed(self, firmware: ota.Firmware) -> None:
        if _is_too_long(firmware.component, firmware.target):
            return
        old = self._host.stored.task
        task = Task(StatusCode.SUBMITOTA, firmware.component, firmware.type, firmware.target)
        if old is None or (old.component, old.target) != (task.component, task.target):
            self._host.stored.failures = 0
        self._host.stored.task = task
        reason = self._unusable(firmware)
        if reason:
            self._fail(task, reason)
            return
        self._firmware = firmware
        self._file = self._offset = 0
        self._begin_piece(task)

    def _unusable(self, firmware: ota.Firmware) -> str:
        """Why the SDK gives up before it downloads; empty: it does not."""
        if firmware.type not in {MODULE, MCU} or (firmware.type == MCU and not self._has(firmware)):
            return "unsupported"
        if firmware.files:
            if firmware.type == MCU or not self._host.behaviour.reads_lists:
                return "unsupported"
        elif not (firmware.url and firmware.size_bytes and firmware.md5 and firmware.crc):
            return "incomplete"
        sizes = [size for _, size, _ in _files(firmware)]
        if min(sizes) <= 0 or sum(sizes) > LARGEST_FILE_BYTES:
            return "incomplete"
        if firmware.type == MODULE and sum(sizes) > self._host.behaviour.free_flash_bytes:
            return "space"
        return ""

    def _has(self, firmware: ota.Firmware) -> bool:
        """Whether there is such an MCU, and its new version could be told."""
        mcus = self._host.stored.mcus
        try:
            ota.mcu_versions_text({**mcus, firmware.component: firmware.target})
        except BadOption:
            return False
        return firmware.component in mcus

    def _begin_piece(self, task: Task) -> None:
        assert self._firmware is not None
        url, size, _ = _files(self._firmware)[self._file]
        host = self._host
        room = size if task.type == MODULE else max(1, host.behaviour.free_flash_bytes)
        last = min(self._offset + room, size) - 1
        if not self._file:
            self._report(task, StatusCode.DOWNLOADSTART)
        host.stored.tries += 1
        nth = host.stored.tries
        count = last + 1 - self._offset
        cut = (
            int(count * host.dice.share("cut", nth)) if host.dice.happens(host.behaviour.flaky, "flaky", nth) else None
        )
        is_whole = not self._offset and last == size - 1
        has_range = not is_whole or host.dice.share("range", nth) < 0.8  # the SDK's race
        self._progress = 0
        self._enter(Phase.FETCHING, PROGRESS_S * host.scale)
        host.do(Fetch(url[: LONGEST_URL + 1], self._offset, last, has_range, cut, is_continued=bool(self._offset)))
        self._offset = last + 1

    def _begun(self, _: Begun) -> None:
        self._enter(Phase.FETCHING, PROGRESS_S * self._host.scale)
        self._report_again(StatusCode.DOWNLOADING)

    def _still_fetching(self, _: Due) -> None:
        self._progress += 1
        if self._progress > MOST_PROGRESS:
            self._fetched_badly("stuck")
            return
        self._enter(Phase.FETCHING, PROGRESS_S * self._host.scale)
        self._report_again(StatusCode.DOWNLOADING)

    def _fetch_ended(self, fetched: Fetched) -> None:
        if fetched.end is not FetchEnd.COMPLETE:
            self._fetched_badly(fetched.end.value)
            return
        self._fetched = fetched
        speed = self._host.behaviour.bytes_per_s
        self._done_at = self._host.now + (fetched.got_bytes / speed if speed > 0 else 0.0)
        self._receiving(Due())

    def _receiving(self, _: Due) -> None:
        """Bytes trickle in over the simulated radio; reported every 5 s."""
        left = self._done_at - self._host.now
        if left <= 0:
            self._piece_stored()
            return
        if self.phase is Phase.RECEIVING:
            self._report_again(StatusCode.DOWNLOADING)
        self._enter(Phase.RECEIVING, min(left, PROGRESS_S))

    def _piece_stored(self) -> None:
        task, firmware, fetched = self._host.stored.task, self._firmware, self._fetched
        assert task is not None
        assert firmware is not None
        assert fetched is not None
        files = _files(firmware)
        _, size, md5 = files[self._file]
        is_right = self._offset < size or self._is_right(firmware, fetched, md5)
        is_last = self._offset >= size and (not is_right or self._file == len(files) - 1)
        if self._offset < size or is_last:
            self._report(task, StatusCode.DOWNLOADSUCCESS)
        if not is_right:
            self._fetched_badly("digest")
        elif not is_last:
            self._file += self._offset >= size
            self._offset = 0 if self._offset >= size else self._offset
            self._begin_piece(task)
        else:
            self._install(task)

    def _is_right(self, firmware: ota.Firmware, fetched: Fetched, md5: str) -> bool:
        host = self._host
        if host.dice.happens(host.behaviour.digest_errors, "digest", self._tries) or fetched.md5 != md5:
            return False
        if firmware.files:
            return True
        if firmware.sha256 is not None and fetched.sha256 != firmware.sha256:
            return False
        try:
            return int(firmware.crc or "", 16) == fetched.crc
        except ValueError:
            return False

    def _fetched_badly(self, reason: str) -> None:
        task = self._host.stored.task
        assert task is not None
        report = self._broken_download(task, reason)
        self._rest()
        self._host.say(report)

    def _broken_download(self, task: Task, reason: str) -> ota.Report:
        """Counts a failed download; the report: 6, or 12 if it was one too many."""
        self._host.stored.failures += 1
        if self._host.stored.failures > MOST_FAILURES:
            return self._result(task, StatusCode.UPDATEERROR, reason)
        task.code = StatusCode.DOWNLOADERROR
        return _report(task, StatusCode.DOWNLOADERROR)

    def _install(self, task: Task) -> None:
        host = self._host
        if task.type == MODULE:
            self._report(task, StatusCode.UPDATING)
            self._enter(Phase.FLASHING, FLASH_PAUSE_S)
        elif host.dice.happens(host.behaviour.flash_refused, "refused", self._tries):
            self._enter(Phase.UNREAD, UNREAD_S)
        else:
            self._report(task, StatusCode.UPDATING)
            self._enter(Phase.WRITING, host.dice.within(host.behaviour.write_s, "write", self._tries))

    def _not_read(self, _: Due) -> None:
        assert self._host.stored.task is not None
        self._fail(self._host.stored.task, "flash-refused")

    def _flash(self, _: Due) -> None:
        host, nth = self._host, self._tries
        task = host.stored.task
        assert task is not None
        behaviour = host.behaviour
        if host.dice.happens(behaviour.flash_refused, "refused", nth):
            self._fail(task, "flash-refused")
        elif host.dice.happens(behaviour.flash_power_loss, "flash-power", nth):
            host.power_off(host.dice.within(behaviour.off_s, "off", nth))
        elif host.dice.happens(behaviour.boot_loops, "loops", nth):
            host.stored.loops = behaviour.loops
            host.power_off(0.0)
        else:
            is_strange = host.dice.happens(behaviour.wrong_version, "strange", nth)
            host.stored.module_version = STRANGE_VERSION if is_strange else task.target
            host.power_off(0.0)

    def _written(self, _: Due) -> None:
        """The application sets the version of its MCU; only the wanted one is a success."""
        host = self._host
        task = host.stored.task
        assert task is not None
        is_strange = host.dice.happens(host.behaviour.wrong_version, "strange", self._tries)
        host.stored.mcus = {**host.stored.mcus, task.component: STRANGE_VERSION if is_strange else task.target}
        if is_strange:
            self._fail(task, "wrong-version")
            return
        report = self._result(task, StatusCode.UPDATESUCCESS)
        self._rest()
        host.say(report)

    # -- what the steps share

    @property
    def _tries(self) -> int:
        return self._host.stored.tries

    def _enter(self, phase: Phase, seconds: float) -> None:
        self.phase = phase
        self.due = self._host.now + seconds

    def _rest(self) -> None:
        self.phase = Phase.IDLE
        self.due = inf
        self._offer = self._firmware = self._fetched = None

    def _report(self, task: Task, code: StatusCode) -> None:
        """Remembers a step, then says it."""
        task.code = code
        self._host.stored.task = task
        digest = ota.SHA256_WANTED if code == StatusCode.SUBMITOTA and self._host.behaviour.wants_sha256 else None
        self._host.say(_report(task, code, digest=digest))

    def _report_again(self, code: StatusCode) -> None:
        assert self._host.stored.task is not None
        self._report(self._host.stored.task, code)

    def _fail(self, task: Task, reason: str) -> None:
        report = self._result(task, StatusCode.UPDATEERROR, reason)
        self._rest()
        self._host.say(report)

    def _result(self, task: Task, code: StatusCode, reason: str = "") -> ota.Report:
        """Ends the upgrade; the report with versions."""
        task.code = code
        self._host.stored.task = task  # until it is said: `Device.say`
        self._host.stored.failures = 0
        outcome = Outcome.FAILED if code == StatusCode.UPDATEERROR else Outcome.UPGRADED
        self._host.do(Ended(outcome, reason, task.component, task.target))
        return self._final(task, code)

    def _final(self, task: Task, code: StatusCode) -> ota.Report:
        stored = self._host.stored
        mcus = ota.mcu_versions_text(stored.mcus) or None
        return _report(task, code, module_version=stored.module_version, mcu_versions=mcus)


Step = Callable[[Upgrade, Any], None]
_STEPS = Upgrade.__dict__
TABLE: Final[dict[tuple[Phase, type], Step]] = {
    (phase, event): _STEPS[name]
    for phase, event, name in (
        (Phase.IDLE, ota.Offer, "_offered"),
        (Phase.IDLE, ota.Firmware, "_informed"),
        (Phase.OFFERED, ota.Offer, "_offered"),
        (Phase.OFFERED, Due, "_decide"),
        (Phase.ACCEPTED, ota.Firmware, "_informed"),
        (Phase.ACCEPTED, Due, "_no_url"),
        (Phase.FETCHING, Begun, "_begun"),
        (Phase.FETCHING, Fetched, "_fetch_ended"),
        (Phase.FETCHING, Due, "_still_fetching"),
        (Phase.RECEIVING, Due, "_receiving"),
        (Phase.FLASHING, Due, "_flash"),
        (Phase.UNREAD, Due, "_not_read"),
        (Phase.WRITING, Due, "_written"),
    )
}
"""What is heard in which phase, and what it leads to."""


def _is_too_long(component: str, target: str) -> bool:
    """What the SDK's buffers do not take."""
    return len(component.encode()) > ota.LONGEST_COMPONENT_BYTES or len(target.encode()) > ota.LONGEST_VERSION_BYTES


def _files(firmware: ota.Firmware) -> tuple[tuple[str, int, str], ...]:
    """(URL, size, MD5) of each file."""
    if firmware.files:
        return tuple((one.url, one.size_bytes, one.md5) for one in firmware.files)
    return ((firmware.url or "", firmware.size_bytes or 0, firmware.md5 or ""),)


def _report(task: Task, code: StatusCode, **facts: Any) -> ota.Report:
    return ota.Report(int(code), code.name, task.type, task.component, **facts)
