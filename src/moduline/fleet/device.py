"""One simulated device: power, connection and what it says; its upgrade is `upgrade`. Pure: events in, actions out.

::

    OFF ── boot ──▶ AWAY ── Dial ──▶ DIALLING ── Online ──▶ UP
     ▲               ▲                  │ TurnedAway, Lost, late
     │               └──────────────────┴───── Lost, outage ──┘
     └── power cut, reboot, in any of them

The connection and the upgrade go their own ways: a download lasts while the connection is away, and what could not be
said is said after the reconnect, behind 0x0034 and 0x0044. A power cut takes all but `Stored`.

``now`` is in seconds of the device; ``scale`` says how many of them are one real second, for what depends on the
server's own time (answers, downloads).

Source: ota-semantics 11.1, 12 (traps 1..4, 8, 10); quecthing-recordings (times between reconnects).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from math import inf
from typing import Any, Final

from moduline.fleet.behaviour import Behaviour
from moduline.fleet.dice import Dice
from moduline.fleet.exchange import (
    Action,
    Begun,
    Dial,
    Due,
    Ended,
    Event,
    Fetched,
    FetchEnd,
    HangUp,
    Lost,
    Online,
    Say,
    Told,
    TurnedAway,
)
from moduline.fleet.stored import Stored
from moduline.fleet.upgrade import Phase, Upgrade
from moduline.wire.quecthing import ota_messages as ota
from moduline.wire.quecthing import sys_messages as sys
from moduline.wire.quecthing.credentials import RefusalCode
from moduline.wire.quecthing.messages import Message

DIAL_S: Final = 40.0  # real seconds for TCP, CONNECT, SUBSCRIBE, and the secret
BACKOFF_S: Final = (1.8, 3.5, 7.5, 15.0, 30.0, 60.0)
LONG_BACKOFF_S: Final = 1800.0
RESTART_S: Final = 600.0  # until an application tries again what its SDK has given up
NOTICE_S: Final = 30.0
LONGEST_DS: Final = 32
SDK_VERSION: Final = "2.9.0"
_FINAL: Final = frozenset({int(ota.StatusCode.UPDATESUCCESS), int(ota.StatusCode.UPDATEERROR)})


class Reach(Enum):
    """Whether a device can be reached."""

    OFF = "off"
    AWAY = "away"
    DIALLING = "dialling"
    UP = "up"


class _PowerCut(Exception):  # noqa: N818  not an error: control flow, never leaves this file
    """The power failed in the middle of a step."""


class Device:
    """One device.

    Args:
        dk: device key.
        behaviour: of its kind.
        dice: its own.
        stored: its flash.
        begin: when it is switched on.
        scale: seconds of the device in one real second.
    """

    __slots__ = (
        "_actions",
        "_ask_at",
        "_failures",
        "_now",
        "_outage_at",
        "_pending",
        "_reach_at",
        "behaviour",
        "dice",
        "dk",
        "ending",
        "reach",
        "scale",
        "stored",
        "upgrade",
    )

    def __init__(
        self, dk: str, behaviour: Behaviour, dice: Dice, stored: Stored, begin: float, scale: float = 1.0
    ) -> None:
        self.dk = dk
        self.behaviour = behaviour
        self.dice = dice
        self.stored = stored
        self.scale = scale
        self.reach = Reach.OFF
        self.ending: Ended | None = None
        self.upgrade = Upgrade(self)
        self._reach_at = begin
        self._ask_at = inf
        self._outage_at = inf
        self._failures = 0
        self._pending: ota.Report | None = None
        self._now = begin
        self._actions: list[Action] = []

    @property
    def now(self) -> float:
        """Seconds of the device."""
        return self._now

    @property
    def due(self) -> float:
        """When the next `Due` is wanted; infinite if nothing will happen by itself."""
        return min(self._reach_at, self._ask_at, self._outage_at, self.upgrade.due)

    @property
    def battery(self) -> int:
        """Percent, of this start."""
        return round(self.dice.within(self.behaviour.battery, "battery", self.stored.boots))

    @property
    def signal(self) -> int:
        """dBm, of this start."""
        return round(self.dice.within(self.behaviour.signal, "signal", self.stored.boots))

    @property
    def is_done(self) -> bool:
        """Whether it has come to the end of an upgrade and is in no other."""
        is_quiet = self.upgrade.phase is Phase.IDLE and self.stored.task is None and self._pending is None
        return self.ending is not None and self.reach is Reach.UP and is_quiet

    def hear(self, event: Event, now: float) -> list[Action]:
        """Takes an event; gives what is to be done, in its order.

        Args:
            event: what happened.
            now: seconds of the device, never going back.
        """
        self._now = max(self._now, now)
        actions: list[Action] = []
        self._actions = actions
        try:
            self._step(event)
        except _PowerCut:
            self.power_off(self.dice.within(self.behaviour.off_s, "cut-off", self.stored.said))
        self._actions = []
        return actions

    # -- what the upgrade asks of its device

    def say(self, message: Message, packet_id: int | None = None) -> None:
        """Says something, or keeps a report for later if nobody hears it."""
        self.stored.said += 1
        nth = self.stored.said
        if self.dice.happens(self.behaviour.power_loss, "power", nth):
            raise _PowerCut
        if self.reach is not Reach.UP:
            self._pending = message if isinstance(message, ota.Report) else self._pending
            return
        self._actions.append(Say(message, packet_id))
        if isinstance(message, ota.Report) and message.code in _FINAL:
            self.stored.task = None
        if self.dice.happens(self.behaviour.duplicates, "twice", nth):
            self._actions.append(Say(message, packet_id))

    def do(self, action: Action) -> None:
        """Hands an action out."""
        if isinstance(action, Ended):
            self.ending = action
        self._actions.append(action)

    def power_off(self, seconds: float) -> None:
        """Loses everything but the flash, for ``seconds`` and the time of a start."""
        if self.reach is not Reach.OFF:
            self.do(HangUp())
        self.stored.boots += 1
        self._pending = None
        self.upgrade = Upgrade(self)
        self._leave(Reach.OFF, seconds + self.dice.within(self.behaviour.boot_s, "boot", self.stored.boots))

    # -- steps

    def _step(self, event: Event) -> None:
        if isinstance(event, Due):
            self._due()
        elif isinstance(event, Begun | Fetched):
            if self.reach is not Reach.OFF:
                self.upgrade.hear(event)
        else:
            step = TABLE.get((self.reach, type(event)))
            if step is not None:
                step(self, event)

    def _due(self) -> None:
        if self._reach_at <= self._now:
            {Reach.OFF: self._boot, Reach.AWAY: self._dial, Reach.DIALLING: self._too_late}[self.reach]()
        if self.upgrade.due <= self._now:
            self.upgrade.hear(Due())
        if self._outage_at <= self._now:
            self.do(HangUp())
            self._leave(Reach.AWAY, self.dice.within(self.behaviour.outage_s, "outage", self.stored.dials))
            self.upgrade.hear(Fetched(FetchEnd.BROKEN))
        if self._ask_at <= self._now:
            self._ask_at = (
                inf if self.behaviour.asks_every_s is None else self._now + max(1.0, self.behaviour.asks_every_s)
            )
            self._ask()

    def _boot(self) -> None:
        if not self.stored.loops:
            self._pending = self.upgrade.boot()
        self._failures = 0
        self._dial()

    def _dial(self) -> None:
        self.stored.dials += 1
        self._leave(Reach.DIALLING, DIAL_S * self.scale)
        self.do(Dial(self.stored.ds, self.stored.dials))

    def _too_late(self) -> None:
        self.do(HangUp(keeps_download=True))
        self._failed(Lost())

    def _failed(self, _: Lost) -> None:
        """Nobody there, or closed without a word: comes again soon, after six times much later."""
        self._failures += 1
        wait = BACKOFF_S[self._failures - 1] if self._failures <= len(BACKOFF_S) else LONG_BACKOFF_S
        self._leave(Reach.AWAY, self.dice.within((0.8 * wait, 1.2 * wait), "backoff", self.stored.dials))

    def _lost(self, lost: Lost) -> None:
        unsaid = [message for message in lost.unsaid if isinstance(message, ota.Report)]
        self._pending = unsaid[-1] if unsaid else self._pending
        self._failed(lost)

    def _turned_away(self, away: TurnedAway) -> None:
        self._failures += 1
        if away.code == 1:
            self._leave(Reach.AWAY, RESTART_S * self._failures)
            return
        self.stored.ds = None  # 2..5 all mean to the SDK that its secret is wrong
        self._leave(Reach.AWAY, RESTART_S)

    def _online(self, online: Online) -> None:
        if online.ds is not None:
            self.stored.ds = online.ds
        if self.stored.loops:  # the new firmware crashes as soon as it is online
            self.stored.loops -= 1
            self.power_off(0.0)
            return
        self._failures = 0
        behaviour = self.behaviour
        self._leave(Reach.UP, inf)
        if behaviour.outage_every_s[1] > 0:
            self._outage_at = self._now + self.dice.within(behaviour.outage_every_s, "until-outage", self.stored.dials)
        if behaviour.asks_after_s is not None and behaviour.asks_after_s > 0:
            self._ask_at = self._now + behaviour.asks_after_s
        elif behaviour.asks_after_s is not None:
            self._ask_at = inf if behaviour.asks_every_s is None else self._now + max(1.0, behaviour.asks_every_s)
            self._ask()
        self.say(self._status())
        self.say(self._information())
        if self._pending is not None:
            report, self._pending = self._pending, None
            self.say(report)

    def _ask(self) -> None:
        mcus = ota.mcu_versions_text(self.stored.mcus) or None
        self.say(ota.Request(self.stored.module_version, mcus))

    def _told(self, told: Told) -> None:
        match told.message:
            case ota.Offer() | ota.Firmware():
                self.upgrade.hear(told.message)
            case sys.ReadStatus(ids):
                self.say(_only(self._status(is_answer=True), ids), told.packet_id)
            case sys.ReadInformation(ids):
                self.say(_only(self._information(is_answer=True), ids), told.packet_id)
            case sys.Configuration():
                self._configured(told.message)
            case sys.ErrorNotice(code):
                self._noticed(code)
            case _:  # data points and what the SDK does not know
                return

    def _told_early(self, told: Told) -> None:
        """Before it counts as online only an error notice matters; the secret itself makes it `Online`."""
        if isinstance(told.message, sys.ErrorNotice):
            self._noticed(told.message.code)

    def _noticed(self, code: int) -> None:
        if code in {RefusalCode.RATE_LIMITED, RefusalCode.QUANTITY_LIMITED}:
            return
        self.do(HangUp(keeps_download=True))
        self._failures += 1
        if code == RefusalCode.PRODUCT_CHANGED:
            self.stored.ds = None
        self._leave(Reach.AWAY, NOTICE_S if self._failures == 1 else RESTART_S * self._failures)

    def _configured(self, message: sys.Configuration) -> None:
        if message.new_ds and len(message.new_ds) <= LONGEST_DS:
            self.stored.ds = message.new_ds
        if message.authenticate_again:
            self.stored.ds = None
            self.do(HangUp(keeps_download=True))
            self._leave(Reach.AWAY, 1.0)

    def _leave(self, reach: Reach, seconds: float) -> None:
        """Comes to another reach, in which something happens after ``seconds``."""
        self.reach = reach
        self._reach_at = self._now + seconds
        self._ask_at = self._outage_at = inf

    def _status(self, *, is_answer: bool = False) -> sys.DeviceStatus:
        return sys.DeviceStatus(
            Decimal(self.battery),
            Decimal("3.82"),
            Decimal(self.signal),
            Decimal(self.behaviour.free_flash_bytes),
            is_answer=is_answer,
        )

    def _information(self, *, is_answer: bool = False) -> sys.DeviceInformation:
        return sys.DeviceInformation(
            model=self.behaviour.model,
            module_version=self.stored.module_version,
            mcu_versions=ota.mcu_versions_text(self.stored.mcus),
            iccid=f"8986{self.dk[-15:]:0>16}",
            sdk_version=SDK_VERSION,
            location="",
            data_protocol="1.3.0",
            communication_protocol="3.0.0",
            is_answer=is_answer,
        )


Step = Callable[[Device, Any], None]
_STEPS = Device.__dict__
TABLE: Final[dict[tuple[Reach, type], Step]] = {
    (reach, event): _STEPS[name]
    for reach, event, name in (
        (Reach.DIALLING, Online, "_online"),
        (Reach.DIALLING, TurnedAway, "_turned_away"),
        (Reach.DIALLING, Lost, "_failed"),
        (Reach.DIALLING, Told, "_told_early"),
        (Reach.UP, Lost, "_lost"),
        (Reach.UP, Told, "_told"),
    )
}
"""Which news of the edge counts when. `Due` and news of a download are always heard, unless the power is off."""

_STATUS: Final = ("battery", "voltage", "signal", "free_flash", "rsrp", "rsrq", "snr")


def _only(message: Any, ids: tuple[int, ...]) -> Any:
    """The message with nothing but the values of ``ids``."""
    names = _STATUS if isinstance(message, sys.DeviceStatus) else tuple(row.name for row in sys.INFORMATION_ROWS)
    wanted = {name: getattr(message, name) for at, name in enumerate(names, start=1) if at in ids}
    return type(message)(**wanted, is_answer=True)
