"""What a script asks of its pins, buses and keys; the bench answers.

Source: device-api 10.5, 10.6; QuecPython/microPython ``machine_*.c``, ``misc_*.c``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, DeskContext, Question, fact
from moduline.vmodule.world.bench import Bench, PwmOutput
from moduline.vmodule.world.pins import LINES, Line

RISING, FALLING, BOTH = 0, 1, 2
MAX_TEXT: Final = 60
MAX_TRANSFER_BYTES: Final = 8192  # to the script; an answer goes in one piece
MAX_SENT_BYTES: Final = 65536
MAX_HALF_S: Final = 60.0
MAX_TIME_US: Final = 1e12
MAX_BITS: Final = 1 << 40


@dataclass(slots=True)
class _Watch:
    """An external interrupt."""

    edge: int
    is_on: bool = False
    rising: int = 0
    falling: int = 0


class BenchDesk:
    """Answers for one child.

    Args:
        bench: of the module.
        context: of the child.
    """

    def __init__(self, bench: Bench, context: DeskContext) -> None:
        self._bench = bench
        self._context = context
        self._watches: dict[int, _Watch] = {}
        self._hears_keys = False
        bench.ear = self._hear
        bench.notice = context.notice

    @property
    def questions(self) -> Mapping[str, Question]:
        """See ``desk.Desk``."""
        return {
            "pin_setup": self._pin_setup,
            "pin_write": self._pin_write,
            "pin_read": self._pin_read,
            "pin_half_duplex": self._pin_half_duplex,
            "edge_setup": self._edge_setup,
            "edge_enable": self._edge_enable,
            "edge_count": self._edge_count,
            "adc_read": self._adc_read,
            "i2c_write": self._i2c_write,
            "i2c_read": self._i2c_read,
            "spi": self._spi,
            "pwm": self._pwm,
            "keypad": self._keypad,
            "usb_status": lambda _: (int(self._bench.is_usb_plugged), b""),
            "bench_note": self._note,
        }

    async def close(self) -> None:
        """Interrupts end with the child; levels stay as they are."""
        if self._bench.ear == self._hear:
            self._bench.ear = None
            self._bench.notice = None

    # ---- pins ------------------------------------------------------------------------------------------------------

    def _pin_setup(self, call: framing.Call) -> Answer:
        number = self._number(call)
        is_output, pull, own = fact(call, "is_output", bool), fact(call, "pull", int), fact(call, "level", int)
        self._bench.pins.configure(number, is_output=is_output, pull=pull & 3, own=own & 1)
        return 0, b""

    def _pin_write(self, call: framing.Call) -> Answer:
        self._bench.pins.set_own(self._number(call), fact(call, "level", int) & 1)
        return 0, b""

    def _pin_read(self, call: framing.Call) -> Answer:
        return self._bench.pins.level(self._number(call)), b""

    def _pin_half_duplex(self, call: framing.Call) -> Answer:
        """RS-485: the line has one level while a UART sends, and the other one afterwards."""
        number, level = self._number(call), fact(call, "level", int) & 1
        bits, baudrate = min(MAX_BITS, max(0, fact(call, "bits", int))), max(1, fact(call, "baudrate", int))
        seconds = min(MAX_HALF_S, bits / baudrate)
        pins = self._bench.pins
        pins.configure(number, is_output=True, pull=0, own=level)
        self._bench.after(seconds, lambda: pins.set_own(number, 1 - level))
        return 0, b""

    def _number(self, call: framing.Call) -> int:
        number = fact(call, "line", int)
        if not 0 <= number < LINES:
            raise framing.BadFrameError(f"GPIO {number}")
        return number

    def _line(self, call: framing.Call) -> Line:
        return self._bench.pins.line(self._number(call))

    # ---- external interrupts ---------------------------------------------------------------------------------------

    def _edge_setup(self, call: framing.Call) -> Answer:
        number, edge = self._number(call), fact(call, "edge", int)
        line = self._line(call)
        self._bench.pins.configure(number, is_output=False, pull=fact(call, "pull", int) & 3, own=line.own)
        self._watches[number] = _Watch(edge)
        return 0, b""

    def _edge_enable(self, call: framing.Call) -> Answer:
        watch = self._watches.get(self._number(call))
        if watch is None:
            return -1, b""
        watch.is_on = fact(call, "is_on", bool)
        return 0, b""

    def _edge_count(self, call: framing.Call) -> Answer:
        watch = self._watches.get(self._number(call))
        if watch is None:
            return [0, 0], b""
        counts = [watch.rising, watch.falling]
        if fact(call, "is_reset", bool):
            watch.rising = watch.falling = 0
        return counts, b""

    def _hear(self, what: str, value: object) -> None:
        if what == "pin":
            assert isinstance(value, list)
            self._edge(*value)
        elif what != "key" or self._hears_keys:
            self._context.report(what, value)

    def _edge(self, number: int, level: int) -> None:
        watch = self._watches.get(number)
        if watch is None or not watch.is_on:
            return
        if level and watch.edge in {RISING, BOTH}:
            watch.rising += 1
        elif not level and watch.edge in {FALLING, BOTH}:
            watch.falling += 1
        else:
            return
        self._context.report("edge", [number, 1 - level])

    # ---- analogue --------------------------------------------------------------------------------------------------

    def _adc_read(self, call: framing.Call) -> Answer:
        return self._bench.millivolts(fact(call, "channel", int)), b""

    def _pwm(self, call: framing.Call) -> Answer:
        channel = fact(call, "channel", int)
        if not 0 <= channel < LINES:
            raise framing.BadFrameError(f"PWM {channel}")
        if not fact(call, "is_on", bool):
            self._bench.pwm.pop(channel, None)
            self._bench.note("pwm", str(channel), "off", "script")
            return 0, b""
        high_us, period_us = float(fact(call, "high_us", float)), float(fact(call, "period_us", float))
        if not 0 <= high_us <= period_us <= MAX_TIME_US or not period_us:
            return -1, b""
        self._bench.pwm[channel] = PwmOutput(high_us, period_us)
        self._bench.note("pwm", str(channel), f"{high_us:g}/{period_us:g} us", "script")
        return 0, b""

    # ---- buses -----------------------------------------------------------------------------------------------------

    def _i2c_write(self, call: framing.Call) -> Answer:
        device = self._bench.device(fact(call, "bus", str), fact(call, "address", int))
        split = self._split(call)
        if device is None or len(call.data) > MAX_SENT_BYTES:
            return -1, b""
        return 0 if device.write(call.data[:split], call.data[split:]) else -1, b""

    def _i2c_read(self, call: framing.Call) -> Answer:
        device = self._bench.device(fact(call, "bus", str), fact(call, "address", int))
        size = fact(call, "size", int)
        if not 0 <= size <= MAX_TRANSFER_BYTES or len(call.data) > MAX_SENT_BYTES:
            return -1, b""
        answer = device.read(call.data[: self._split(call)], size) if device is not None else None
        return (-1, b"") if answer is None else (0, answer)

    def _split(self, call: framing.Call) -> int:
        """Length of the register address in front of the data."""
        return min(max(0, fact(call, "address_size", int)), len(call.data))

    def _spi(self, call: framing.Call) -> Answer:
        device = self._bench.device(fact(call, "bus", str))
        size = fact(call, "size", int)
        if not 0 <= size <= MAX_TRANSFER_BYTES or len(call.data) > MAX_SENT_BYTES:
            return -1, b""
        return 0, device.transfer(call.data, size) if device is not None else b"\xff" * size

    # ---- the rest --------------------------------------------------------------------------------------------------

    def _keypad(self, call: framing.Call) -> Answer:
        self._hears_keys = fact(call, "is_on", bool)
        return 0, b""

    def _note(self, call: framing.Call) -> Answer:
        what = fact(call, "what", str)
        if what not in {"sleep", "wakelock", "usbnet"}:
            raise framing.BadFrameError(f"a note of {what[:MAX_TEXT]!r}")
        self._bench.note(what, fact(call, "name", str)[:MAX_TEXT], fact(call, "value", int), "script")
        return 0, b""
