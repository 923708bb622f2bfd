"""Checks of what an AT port measures: registration, signal, supply voltage, temperature.

Registration and signal come to rest a while after power-on, so both may wait (``settle_s``) until the value is good.

Source: 3GPP TS 27.007 7.2 (AT+CREG), 8.5 (AT+CSQ: 0..31, 99 unknown, -113 dBm + 2 dB each), 8.4 (AT+CBC); device-api
9.3, 10.6. AT+QTEMP is the vendor's and not on every firmware.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from moduline.errors import AtRefused, BadAnswer, Text
from moduline.line.checks.kind import MAX_SECONDS, POLL_S, VIA, LoadFile, read_seconds, read_via
from moduline.line.checks.repl_code import value_of
from moduline.line.checks.under_test import Role, UnderTest
from moduline.line.checks.wanted import Key, Measured, Wanted, limit_keys, read_pattern, shown
from moduline.profiles.schema import Table
from moduline.remote.at_session import AtSession

UNKNOWN_RSSI: Final = 99
STATES: Final = {
    0: "idle", 1: "home", 2: "searching", 3: "denied", 4: "unknown", 5: "roaming", 6: "home, SMS only",
    7: "roaming, SMS only", 8: "emergency", 9: "home, no CSFB", 10: "roaming, no CSFB", 11: "emergency",
}  # fmt: skip
REGISTRATION_COMMANDS: Final = ("AT+CEREG?", "AT+CREG?")
_REGISTRATION: Final = re.compile(r"\+CE?REG:\s*\d+,\s*(\d+)")
_SIGNAL: Final = re.compile(r"\+CSQ:\s*(\d+)")
_SUPPLY: Final = re.compile(r"\+CBC:\s*\d*,\s*\d*,\s*(\d+)")
_TEMPERATURE: Final = re.compile(r"\+QTEMP:[^-\d]*(-?\d+)")


@dataclass(frozen=True, slots=True)
class RegistrationCheck:
    """The module is registered in a network."""

    TITLE: ClassVar[Text] = Text("network registration", "网络注册")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("allowed", Text("states that are good", "合格的状态"), '["home", "roaming"]'),
        Key("settle_s", Text("how long it may take to get there", "允许的等待时间"), "30"),
    )

    allowed: tuple[str, ...]
    settle_s: float

    @property
    def role(self) -> Role:
        """The AT port."""
        return "at"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> RegistrationCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        allowed = table.texts("allowed", ("home", "roaming"))
        for name in allowed:
            if name not in STATES.values():
                table.refuse("allowed", "no state '{state}'", "没有状态“{state}”", state=name)
        if not allowed:
            table.refuse("allowed", "it names no state", "未列出任何状态")
        return cls(allowed, read_seconds(table, "settle_s", 30.0))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CEREG?`` and ``AT+CREG?`` until one state is good."""
        at = await unit.at()

        async def ask() -> Measured:
            found: list[str] = []
            for command in REGISTRATION_COMMANDS:
                lines = (await at.ask(command, limit_s)).lines
                numbers = [match[1] for line in lines if (match := _REGISTRATION.match(line))]
                found += [STATES.get(int(number[:3]), number[:3]) for number in numbers]
            good = [state for state in found if state in self.allowed]
            return Measured(shown((good or found or [""])[0]), "|".join(self.allowed), bool(good))

        return await until_good(ask, self.settle_s)


@dataclass(frozen=True, slots=True)
class SignalCheck:
    """The signal is strong enough, and not suspiciously strong."""

    TITLE: ClassVar[Text] = Text("signal strength", "信号强度")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("unit", Text("`csq` (0..31) or `dbm` (-113..-51)", "`csq`（0..31）或 `dbm`（-113..-51）"), "csq"),
        *limit_keys("min", "max"),
        Key("settle_s", Text("how long it may take to get there", "允许的等待时间"), "10"),
    )

    unit: str
    wanted: Wanted
    settle_s: float

    @property
    def role(self) -> Role:
        """The AT port."""
        return "at"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> SignalCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        unit = table.choice("unit", ("csq", "dbm"), "csq")
        return cls(unit, Wanted.read(table, ("min", "max"), is_needed=True), read_seconds(table, "settle_s", 10.0))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CSQ`` until it is good."""
        at = await unit.at()

        async def ask() -> Measured:
            rssi = int(await first_group(at, "AT+CSQ", _SIGNAL, limit_s))
            if rssi >= UNKNOWN_RSSI:
                return Measured(str(UNKNOWN_RSSI), self.wanted.told(), is_good=False, detail="no signal")
            return self.wanted.judge(rssi if self.unit == "csq" else 2 * rssi - 113)

        return await until_good(ask, self.settle_s)


@dataclass(frozen=True, slots=True)
class VoltageCheck:
    """The supply is within limits, in millivolts."""

    TITLE: ClassVar[Text] = Text("supply voltage, mV", "供电电压（mV）")
    KEYS: ClassVar[tuple[Key, ...]] = (VIA, *limit_keys("min", "max"))
    settle_s: ClassVar[float] = 0.0

    role: Role
    wanted: Wanted

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> VoltageCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(read_via(table), Wanted.read(table, ("min", "max"), is_needed=True))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CBC``, or ``Power.getVbatt()``."""
        if self.role == "repl":
            value = await value_of(await unit.repl(), "Power.getVbatt()", limit_s, "from misc import Power")
            return self.wanted.judge(value)
        return self.wanted.judge(int(await first_group(await unit.at(), "AT+CBC", _SUPPLY, limit_s)))


@dataclass(frozen=True, slots=True)
class TemperatureCheck:
    """The temperature that an AT command tells is within limits."""

    TITLE: ClassVar[Text] = Text("temperature, °C", "温度（°C）")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("command", Text("AT command", "AT 命令"), "AT+QTEMP"),
        Key("pattern", Text("regular expression; its first group is the number", "正则表达式，第一个分组为数值"),
            "`\\+QTEMP:[^-\\d]*(-?\\d+)`"),
        *limit_keys("min", "max"),
    )  # fmt: skip
    settle_s: ClassVar[float] = 0.0

    command: str
    pattern: re.Pattern[str]
    wanted: Wanted

    @property
    def role(self) -> Role:
        """The AT port."""
        return "at"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> TemperatureCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        pattern = read_pattern(table, "pattern") or _TEMPERATURE
        if not pattern.groups:
            table.refuse("pattern", "it needs a group ( ) around the number", "需要用分组 ( ) 括住数值")
        return cls(read_command(table, "AT+QTEMP"), pattern, Wanted.read(table, ("min", "max"), is_needed=True))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask the command."""
        text = await first_group(await unit.at(), self.command, self.pattern, limit_s)
        return self.wanted.judge(text)


def read_command(table: Table, default: str | None = None) -> str:
    """An AT command of a table.

    Raises:
        BadRecipe: it is none.
    """
    command = table.text("command") if default is None else table.text("command", default)
    if not command.upper().startswith("AT") or not command.isprintable() or not command.isascii():
        table.refuse("command", "no AT command", "不是 AT 命令")
    return command


async def first_group(at: AtSession, command: str, pattern: re.Pattern[str], limit_s: float) -> str:
    """What the first group of ``pattern`` finds in the answer to a command.

    Raises:
        AtRefused: the module does not accept the command.
        BadAnswer: the answer does not fit.
        NoAnswer, PortGone: as ``AtSession.ask``.
    """
    answer = await at.ask(command, limit_s)
    if not answer.is_ok:
        raise AtRefused(command=command, result=answer.result)
    for line in answer.lines:
        if (match := pattern.search(line[:4096])) is not None and match[1] is not None:
            return match[1]
    raise BadAnswer(what=command, answer=shown(" | ".join(answer.lines)))


async def until_good(ask: Callable[[], Awaitable[Measured]], settle_s: float) -> Measured:
    """The first good measurement, or the last one when ``settle_s`` have passed."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + min(settle_s, MAX_SECONDS)
    while True:
        measured = await ask()
        if measured.is_good or loop.time() + POLL_S > limit:
            return measured
        await asyncio.sleep(POLL_S)
