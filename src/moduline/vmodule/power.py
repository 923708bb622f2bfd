"""Power: the states of a module and what moves it between them, the reasons scripts can ask for, and the delays.

::

    off ──power_on──▶ booting ──booted──▶ running
     │                  │ ▲ ▲               │
     └──power_on_pin──▶ │ │ └────reset──────┤
                nothing │ │ window_over     │ enter_download
                to boot ▼ │ reset           ▼
                      download ◀────────────┘          power_off, cut: from anywhere to off

Source: device-api 2.5, 10.6; platform-unisoc 5.5, 8.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from moduline.clock import Clock, SystemClock
from moduline.port.registry import ModuleState
from moduline.vmodule.at_state import AtAction

TABLE: Final[dict[tuple[ModuleState, str], ModuleState]] = {
    ("off", "power_on"): "booting",
    ("off", "power_on_pin"): "download",
    ("booting", "booted"): "running",
    ("booting", "nothing_to_boot"): "download",
    ("booting", "reset"): "booting",
    ("booting", "reset_pin"): "download",
    ("booting", "power_off"): "off",
    ("booting", "cut"): "off",
    ("running", "reset"): "booting",
    ("running", "reset_pin"): "download",
    ("running", "enter_download"): "download",
    ("running", "power_off"): "off",
    ("running", "cut"): "off",
    ("download", "window_over"): "booting",
    ("download", "reset"): "booting",
    ("download", "reset_pin"): "download",
    ("download", "power_off"): "off",
    ("download", "cut"): "off",
}
"""State and what happens to the next state; a pair that is not listed cannot happen."""


class PowerOnReason(IntEnum):
    """Values of ``Power.powerOnReason()``."""

    UNKNOWN = 0
    KEY = 1
    RESET = 2
    SUPPLY = 3
    RTC = 4
    WATCHDOG = 5
    USB = 6
    CHARGING = 7
    PSM = 8
    DUMP = 9


class PowerDownReason(IntEnum):
    """Values of ``Power.powerDownReason()``."""

    UNKNOWN = 0
    NORMAL = 1
    HIGH_VOLTAGE = 2
    LOW_VOLTAGE = 3
    OVER_TEMPERATURE = 4
    WATCHDOG = 5
    RTC_LOW = 6


@dataclass(frozen=True, slots=True)
class Timings:
    """Delays of a module, in seconds; the defaults are short, ``REALISTIC`` is near the metal.

    Attributes:
        boot_s: from power to the first port.
        enumerate_s: between the ports of one state vanishing and those of the next appearing.
        answer_s: between the answer to a command that ends the state and the ports vanishing.
        window_s: how long the ROM waits for a CONNECT before it boots after all.
        power_off_s: from FDL2's POWER_OFF to darkness.
    """

    boot_s: float = 0.02
    enumerate_s: float = 0.03
    answer_s: float = 0.1
    window_s: float = 10.0
    power_off_s: float = 0.1


REALISTIC: Final = Timings(boot_s=3.0, enumerate_s=1.5, answer_s=0.3, window_s=10.0, power_off_s=2.0)


@dataclass(frozen=True, slots=True)
class Start:
    """How the next stage of a life begins.

    Attributes:
        event: a word of ``TABLE``.
        on_reason: what ``Power.powerOnReason()`` will say.
        down_reason: what ``Power.powerDownReason()`` will say.
        is_pin_held: the boot pin is held.
    """

    event: str
    on_reason: PowerOnReason = PowerOnReason.RESET
    down_reason: PowerDownReason = PowerDownReason.UNKNOWN
    is_pin_held: bool = False


def start_after(action: AtAction) -> Start | None:
    """What an AT command's action leads to; None: the module switches itself off."""
    if action is AtAction.ENTER_DOWNLOAD:
        return Start("enter_download")
    if action is AtAction.RESET:
        return Start("reset", down_reason=PowerDownReason.NORMAL)
    return None


class WaitingClock(Clock, Protocol):
    """A clock that one can wait on."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""


class LoopClock(SystemClock):
    """This computer's clock, waited on by the event loop."""

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        await asyncio.sleep(seconds)
