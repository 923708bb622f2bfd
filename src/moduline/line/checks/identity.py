"""Checks of who a module is: IMEI, firmware version, model, card.

Source: 3GPP TS 27.007 (AT+CGSN, AT+CGMR, AT+CGMM, AT+CPIN); 3GPP TS 23.003 6.2.1 (check digit); device-api 9.1, 9.2.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import ClassVar, Final

from moduline.burn.enter import is_same_name
from moduline.errors import Text
from moduline.line.checks.kind import VIA, LoadFile, read_via
from moduline.line.checks.repl_code import value_of
from moduline.line.checks.under_test import Role, UnderTest
from moduline.line.checks.wanted import Key, Measured, Wanted, limit_keys, read_pattern, shown
from moduline.line.luhn import is_luhn_right
from moduline.profiles.schema import Table
from moduline.remote.at_session import AtAnswer, AtSession
from moduline.wire.at import find_imei

CARD_COMMANDS: Final = ("AT+QCCID", "AT+ICCID", "AT+CCID")
"""Firmware knows one or another of them."""
BUSY_CARD: Final = "+CME ERROR: 14"
BUSY_POLL_S: Final = 0.2
_ICCID: Final = re.compile(r"(?<!\d)(\d{18,19}[0-9A-Fa-f]?)(?![0-9A-Za-z])")
_PIN: Final = re.compile(r"\+CPIN:\s*(.+)")


@dataclass(frozen=True, slots=True)
class ImeiCheck:
    """The IMEI is well formed and the one that is expected."""

    TITLE: ClassVar[Text] = Text("IMEI", "IMEI")
    KEYS: ClassVar[tuple[Key, ...]] = (
        VIA,
        Key("pattern", Text("regular expression", "正则表达式"), "15 digits"),
        Key("luhn", Text("the last digit must be the check digit", "末位须为正确的校验位"), "true"),
        Key("same_as_record", Text("must be the one in the record, where there is one", "须与产线记录一致"), "true"),
        Key("listed", Text("must be the `imei` of the unit's own data", "须与单元数据的 `imei` 列一致"), "false"),
    )
    settle_s: ClassVar[float] = 0.0

    role: Role
    pattern: re.Pattern[str]
    is_luhn: bool
    is_as_recorded: bool
    is_listed: bool

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> ImeiCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(
            role=read_via(table),
            pattern=read_pattern(table, "pattern") or re.compile(r"^\d{15}$"),
            is_luhn=table.flag("luhn", True),
            is_as_recorded=table.flag("same_as_record", True),
            is_listed=table.flag("listed", False),
        )

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CGSN``, or ``modem.getDevImei()``."""
        if self.role == "repl":
            imei = shown(await value_of(await unit.repl(), "modem.getDevImei()", limit_s, "import modem"))
        else:
            at = await unit.at()
            imei = find_imei((await at.ask("AT+GSN", limit_s)).lines) or find_imei(
                (await at.ask("AT+CGSN", limit_s)).lines
            )
        limits, wrong = [f"/{self.pattern.pattern}/"], []
        if not self.pattern.search(imei):
            wrong.append("it does not look like an IMEI")
        if self.is_luhn and not is_luhn_right(imei):
            wrong.append("its check digit is wrong")
        expected = {"the record": unit.facts.imei if self.is_as_recorded else ""}
        if self.is_listed:
            expected["the unit's own data"] = unit.facts.row_imei or "-"
        for who, other in expected.items():
            if other:
                limits.append(other)
                if other != imei:
                    wrong.append(f"{who} has {other}")
        return Measured(imei, " ".join(limits), not wrong, "; ".join(wrong))


@dataclass(frozen=True, slots=True)
class NameCheck:
    """Shared by version and model: a text that must be the expected one."""

    settle_s: ClassVar[float] = 0.0

    role: Role
    wanted: Wanted

    async def ask(self, unit: UnderTest, limit_s: float, command: str, expression: str) -> str:
        """The text, by AT or at the REPL."""
        if self.role == "repl":
            return shown(await value_of(await unit.repl(), expression, limit_s, "import modem"))
        lines = await (await unit.at()).tell(command, limit_s)
        own = [line for line in lines if not line.startswith("+") or line.startswith(command.removeprefix("AT"))]
        return (
            shown(own[0].removeprefix(command.removeprefix("AT") + ":").strip().removeprefix("Revision:"))
            if own
            else ""
        )

    def judged(self, text: str, expected: str, unit: UnderTest) -> Measured:
        """By the recipe's limits; without any, it must be a form of ``expected``."""
        if self.wanted != Wanted():
            return self.wanted.judge(text, unit.facts.row)
        if not expected:
            return Measured(text, "", bool(text), "" if text else "it does not say")
        return Measured(text, expected, is_same_name(expected, text))


@dataclass(frozen=True, slots=True)
class VersionCheck(NameCheck):
    """The firmware version is that of the package, or what the recipe says."""

    TITLE: ClassVar[Text] = Text("firmware version", "固件版本")
    KEYS: ClassVar[tuple[Key, ...]] = (VIA, *limit_keys("equals", "pattern"))

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> VersionCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(read_via(table), Wanted.read(table, ("equals", "pattern")))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CGMR``, or ``modem.getDevFwVersion()``."""
        text = await self.ask(unit, limit_s, "AT+CGMR", "modem.getDevFwVersion()")
        return self.judged(text, unit.facts.version, unit)


@dataclass(frozen=True, slots=True)
class ModelCheck(NameCheck):
    """The model is the one the package is for, or what the recipe says."""

    TITLE: ClassVar[Text] = Text("model", "型号")
    KEYS: ClassVar[tuple[Key, ...]] = (VIA, *limit_keys("equals", "pattern"))

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> ModelCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(read_via(table), Wanted.read(table, ("equals", "pattern")))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CGMM``, or ``modem.getDevModel()``."""
        return self.judged(await self.ask(unit, limit_s, "AT+CGMM", "modem.getDevModel()"), unit.facts.model, unit)


@dataclass(frozen=True, slots=True)
class SimCheck:
    """A card is in and ready, and its number is as expected."""

    TITLE: ClassVar[Text] = Text("SIM card", "SIM 卡")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("state", Text("what `AT+CPIN?` must say", "`AT+CPIN?` 应返回的状态"), "READY"),
        Key("pattern", Text("regular expression of the ICCID", "ICCID 的正则表达式")),
    )
    settle_s: ClassVar[float] = 0.0

    state: str
    pattern: re.Pattern[str] | None

    @property
    def role(self) -> Role:
        """The AT port."""
        return "at"

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> SimCheck:
        """See :class:`~moduline.line.checks.kind.Kind`."""
        del load
        return cls(table.text("state", "READY"), read_pattern(table, "pattern"))

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask ``AT+CPIN?`` and the ICCID."""
        at = await unit.at()
        limits = self.state + (f" /{self.pattern.pattern}/" if self.pattern else "")
        answer = await _ask_card(at, limit_s)
        found = next((match[1].strip() for line in answer.lines if (match := _PIN.match(line))), "")
        if found != self.state:
            return Measured(shown(found or answer.result), limits, is_good=False)
        iccid = await read_iccid(at, limit_s)
        if not iccid:
            return Measured(found, limits, is_good=False, detail="the card tells no ICCID")
        return Measured(f"{found} {iccid}", limits, self.pattern is None or bool(self.pattern.search(iccid)))


async def _ask_card(at: AtSession, limit_s: float) -> AtAnswer:
    """What ``AT+CPIN?`` says once the card is read: a module that has just started is busy with it for a moment."""
    limit = asyncio.get_running_loop().time() + limit_s
    while True:
        answer = await at.ask("AT+CPIN?", limit_s)
        if answer.result != BUSY_CARD or asyncio.get_running_loop().time() > limit:
            return answer
        await asyncio.sleep(BUSY_POLL_S)


async def read_iccid(at: AtSession, limit_s: float) -> str:
    """The number of the card; empty when no command gives it."""
    for command in CARD_COMMANDS:
        answer = await at.ask(command, limit_s)
        for line in answer.lines:
            if answer.is_ok and (found := _ICCID.search(line)):
                return found[1]
    return ""
