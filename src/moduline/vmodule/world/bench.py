"""The bench a module stands on: pins, voltages, keys, buses, UART peers, and a trace of what happened there.

::

    scenario ─BenchPlan─▶ ┌───────┐ ◀─set_pin, press_key, set_adc, plug_usb ... ─ test, command line
                          │ Bench │ ─pin_level, trace, device, uart ────────────▶
    script ◀─BenchDesk──▶ └───────┘

The bench is there before the module has power and after it; what the module configured is forgotten with its power.
Times in plan and trace are seconds of the module's clock since its first power-on.

Source: device-api 2.5, 10.5, 10.6.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from moduline.vmodule.world.bench_plan import BenchPlan, VoltageAt
from moduline.vmodule.world.buses import BusDevice
from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.pins import Pins
from moduline.vmodule.world.uart_peer import PeerEnd, ScriptedPeer

TRACE_ENTRIES: Final = 10_000
KEY_HOLD_S: Final = 0.1
MAX_TIMERS: Final = 100_000

Ear = Callable[[str, object], None]
"""Hears of pins (``pin``, [line, level]), keys (``key``, [state, row, column]), ``power_key``, ``usb``."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """Something that happened on the bench.

    Attributes:
        at_s: module seconds since the first power-on.
        what: ``pin``, ``pwm``, ``key``, ``power_key``, ``usb``, ``sleep``, ``wakelock``, ``usbnet``, ``mismatch``,
            ``short``.
        name: which one: a GPIO or PWM number, a bus, a key.
        value: level, state, or a short text.
        by: ``script`` or ``bench``.
    """

    at_s: float
    what: str
    name: str
    value: int | str
    by: str


@dataclass(frozen=True, slots=True)
class PwmOutput:
    """What a PWM channel gives out.

    Attributes:
        high_us: time at level 1 in each period, in microseconds.
        period_us: the period, in microseconds.
    """

    high_us: float
    period_us: float

    @property
    def duty(self) -> float:
        """Part of the time at level 1, from 0 to 1."""
        return self.high_us / self.period_us


class Bench:
    """The bench of one module.

    Args:
        plan: what is on it.
        clock: of the module.
    """

    def __init__(self, plan: BenchPlan, clock: ModuleClock) -> None:
        self.plan = plan
        self.pins = Pins(self._level_changed, self._short)
        self.pwm: dict[int, PwmOutput] = {}
        self.is_usb_plugged = True
        self.ear: Ear | None = None  # the desk of the running script
        self.notice: Callable[..., None] | None = None
        self.wake: Callable[[], None] | None = None  # the power key of a module that is off
        self._clock = clock
        self._begin_s: float | None = None
        self._trace: deque[TraceEntry] = deque(maxlen=TRACE_ENTRIES)
        self._voltages = _by_channel(plan.voltages)
        self._timers: set[asyncio.TimerHandle] = set()
        self._peers = {peer.number: ScriptedPeer(peer, clock) for peer in plan.uarts if peer.kind == "script"}
        self._devices = {
            (peer.bus, peer.address): BusDevice(peer, self.now_s, partial(self._mismatch, peer.bus, peer.address))
            for peer in plan.peers
        }

    # ---- time ------------------------------------------------------------------------------------------------------

    def now_s(self) -> float:
        """Module seconds since the first power-on; 0 before it."""
        return 0.0 if self._begin_s is None else self._clock.tick_s() - self._begin_s

    def power_on(self) -> None:
        """The module gets its power: its pins know nothing any more; the first time, the plan's times begin."""
        self.pins.forget_module()
        self.pwm.clear()
        if self._begin_s is not None:
            return
        self._begin_s = self._clock.tick_s()
        for level in self.plan.levels:
            self.after(level.at_s, partial(self.set_pin, level.line, level.level))
        for key in self.plan.keys:
            self.after(key.at_s, partial(self.press_key, key.row, key.column, key.hold_s))
        for press in self.plan.power_keys:
            self.after(press.at_s, partial(self.press_power_key, press.hold_s))
        for usb in self.plan.usb:
            self.after(usb.at_s, partial(self.plug_usb, usb.is_plugged))
        for peer in self._peers.values():
            peer.begin()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call ``act`` that many module seconds from now; at once for 0, or when a script asks for ever more."""
        if seconds <= 0 or len(self._timers) >= MAX_TIMERS:
            act()
            return
        handle: asyncio.TimerHandle

        def due() -> None:
            self._timers.discard(handle)
            act()

        handle = self._clock.call_later(seconds, due)
        self._timers.add(handle)

    def close(self) -> None:
        """Nothing more happens by itself."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for peer in self._peers.values():
            peer.close()

    # ---- pins ------------------------------------------------------------------------------------------------------

    def set_pin(self, line: int, level: int | None) -> None:
        """Drive a pin from outside; None lets go of it.

        Raises:
            IndexError: there is no such pin.
        """
        self.pins.set_outside(line, level)

    def pin_level(self, line: int) -> int:
        """Level of a pin, as both sides see it.

        Raises:
            IndexError: there is no such pin.
        """
        return self.pins.level(line)

    # ---- voltages --------------------------------------------------------------------------------------------------

    def set_adc(self, channel: int, millivolts: float) -> None:
        """Put a channel at a voltage, whatever the plan says of it."""
        self._voltages[channel] = [VoltageAt(0.0, channel, millivolts)]

    def millivolts(self, channel: int) -> int:
        """Voltage of a channel now; 0 where nothing is connected."""
        points = self._voltages.get(channel, [])
        if not points:
            return 0
        now_s = self.now_s()
        after = bisect_right(points, now_s, key=lambda point: point.at_s)
        if after == 0 or after == len(points):
            return round(points[max(0, after - 1)].millivolts)
        left, right = points[after - 1], points[after]
        part = (now_s - left.at_s) / (right.at_s - left.at_s)
        return round(left.millivolts + part * (right.millivolts - left.millivolts))

    # ---- keys and USB ----------------------------------------------------------------------------------------------

    def press_key(self, row: int, column: int, hold_s: float = KEY_HOLD_S) -> None:
        """Press a key of the matrix keyboard, and release it ``hold_s`` module seconds later."""
        self._key(1, row, column)
        self.after(hold_s, partial(self._key, 0, row, column))

    def press_power_key(self, hold_s: float = KEY_HOLD_S) -> None:
        """Press the power key, and release it ``hold_s`` module seconds later; switches on a module that is off."""
        self._power_key(1, 0.0)
        self.after(hold_s, partial(self._power_key, 0, hold_s))

    def plug_usb(self, is_plugged: bool) -> None:
        """The supply on the USB plug comes or goes, as the module detects it."""
        if is_plugged != self.is_usb_plugged:
            self.is_usb_plugged = is_plugged
            self.note("usb", "", int(is_plugged), "bench")
            self._tell("usb", int(is_plugged))

    # ---- buses and UARTs -------------------------------------------------------------------------------------------

    def device(self, bus: str, address: int = 0) -> BusDevice | None:
        """The device at an address of a bus (``i2c0``, ``gpio15+16``, ``spi0``); None when there is none."""
        return self._devices.get((bus, address))

    def uart(self, number: int) -> ScriptedPeer | None:
        """The scripted peer on a UART; None when it has none."""
        return self._peers.get(number)

    def open_uart(self, number: int) -> PeerEnd | None:
        """The module's end of the wire to a scripted peer, for one power-on; None when the UART leads elsewhere."""
        peer = self._peers.get(number)
        return peer.open_end() if peer is not None else None

    # ---- what happened ---------------------------------------------------------------------------------------------

    def trace(self, what: str = "", name: str = "") -> list[TraceEntry]:
        """What happened, oldest first; only of one kind, and of one name, when given."""
        return [one for one in self._trace if what in {"", one.what} and name in {"", one.name}]

    def note(self, what: str, name: str, value: int | str, by: str) -> None:
        """Add to the trace; the oldest entries make room."""
        self._trace.append(TraceEntry(self.now_s(), what, name, value, by))

    def _level_changed(self, line: int, level: int, by: str) -> None:
        self.note("pin", str(line), level, by)
        self._tell("pin", [line, level])

    def _short(self, line: int) -> None:
        self.note("short", str(line), "", "bench")
        if self.notice is not None:
            self.notice("virt.pin-short", line=line)

    def _mismatch(self, bus: str, address: int, expected: str, got: str) -> None:
        self.note("mismatch", f"{bus}:{address:02x}", f"expected {expected}, got {got}", "script")
        if self.notice is not None:
            self.notice("virt.peer-mismatch", bus=bus, address=address, expected=expected, got=got)

    def _key(self, state: int, row: int, column: int) -> None:
        self.note("key", f"{row},{column}", state, "bench")
        self._tell("key", [state, row, column])

    def _power_key(self, state: int, held_s: float) -> None:
        self.note("power_key", "", state, "bench")
        if self.ear is not None:
            self._tell("power_key", [state, held_s])
        elif state and self.wake is not None:
            self.wake()

    def _tell(self, what: str, value: object) -> None:
        if self.ear is not None:
            self.ear(what, value)


def _by_channel(points: tuple[VoltageAt, ...]) -> dict[int, list[VoltageAt]]:
    channels: dict[int, list[VoltageAt]] = {}
    for point in sorted(points, key=lambda one: one.at_s):
        channels.setdefault(point.channel, []).append(point)
    return channels
