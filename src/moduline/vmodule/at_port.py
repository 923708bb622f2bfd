r"""The AT port: command lines in, answers out, and what some commands do to the power; sans-I/O.

The commands are a table: name and form to a function that gives an ``AtReply``. A line ends with CR (or LF); it is
echoed byte for byte while echo is on, answered with ``\r\n<text>\r\n`` lines and a final result. Unknown commands are
``ERROR``; known ones in a form they do not have are ``+CME ERROR`` in the style chosen by ``AT+CMEE``.

Source: device-api 4, 14.3 (T30); platform-unisoc 8; 3GPP TS 27.007; ITU-T V.250.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from moduline.vmodule.world.radio import RadioFacts
from moduline.wire.at import MAX_LINE_BYTES, AtCommand, encode_answer, parse_command


class AtAction(Enum):
    """What a command does to the module, after its answer is out."""

    RESET = "reset"
    POWER_OFF = "power_off"
    ENTER_DOWNLOAD = "enter_download"


@dataclass(frozen=True, slots=True)
class AtFacts:
    """What the AT port says about the module.

    Attributes:
        model: such as ``EC600U``.
        firmware_version: of what runs, not of what was ordered.
        imei: from NV; empty when NV is lost.
        serial_number: printed on the label.
        manufacturer: first line of ``ATI``.
        has_download_command: ``AT+QDOWNLOAD`` leads to download mode; some modules only have the pin.
        radio: signal and SIM.
    """

    model: str
    firmware_version: str
    imei: str
    serial_number: str = ""
    manufacturer: str = "Quectel"
    has_download_command: bool = True
    radio: RadioFacts = field(default_factory=RadioFacts)


@dataclass(frozen=True, slots=True)
class AtReply:
    """Answer of one command: information lines, final result, and what happens then."""

    lines: tuple[str, ...] = ()
    result: str = "OK"
    action: AtAction | None = None
    afterwards: str = ""  # an unasked line between the answer and the action


CME_TEXTS: Final = {
    3: "operation not allowed",
    4: "operation not supported",
    10: "SIM not inserted",
    50: "wrong parameters",
}
NOT_SUPPORTED: Final = 4
NO_SIM: Final = 10
WRONG_PARAMETER: Final = 50


class AtSession:
    """The AT port of one power-on life.

    Args:
        facts: what it says.
    """

    def __init__(self, facts: AtFacts) -> None:
        self.facts = facts
        self.is_silent = False
        self._is_echoing = True
        self._error_style = 1
        self._functionality = 1
        self._line = bytearray()
        self._out = bytearray()

    def receive(self, data: bytes) -> list[AtAction]:
        """Take bytes of the host; ``bytes_to_send`` has echo and answers, the result what happens afterwards."""
        actions: list[AtAction] = []
        for byte in data:
            if self._is_echoing and not self.is_silent and byte != 0x0A:
                self._out.append(byte)
            if byte not in {0x0A, 0x0D}:
                self._edit(byte)
            elif self._line:
                line, self._line = self._line.decode("utf-8", "replace"), bytearray()
                self._answer(line, actions)
        return actions

    def bytes_to_send(self) -> bytes:
        """Echo and answers since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _edit(self, byte: int) -> None:
        if byte in {0x08, 0x7F}:
            del self._line[-1:]
        elif len(self._line) < MAX_LINE_BYTES:
            self._line.append(byte)

    def _answer(self, line: str, actions: list[AtAction]) -> None:
        text = line.strip("\0 ")
        if not text or self.is_silent:
            return
        command = parse_command(text)
        reply = AtReply(result="ERROR") if command is None else self._reply(command)
        self._out += encode_answer(reply.lines, reply.result)
        if reply.afterwards:
            self._out += f"\r\n{reply.afterwards}\r\n".encode()
        if reply.action is not None:
            actions.append(reply.action)

    def _reply(self, command: AtCommand) -> AtReply:
        if self.facts.has_download_command and command.name in {"+QDOWNLOAD", "^FORCEDNLD"}:
            if command.form in {"execute", "set"}:
                return AtReply(action=AtAction.ENTER_DOWNLOAD)
            return self._error(NOT_SUPPORTED)
        action = COMMANDS.get((command.name, command.form))
        if action is not None:
            return action(self, command.argument)
        if any(name == command.name for name, _ in COMMANDS):
            return AtReply() if command.form == "test" else self._error(NOT_SUPPORTED)
        return AtReply(result="ERROR")

    def _error(self, number: int) -> AtReply:
        if self._error_style == 0:
            return AtReply(result="ERROR")
        return AtReply(result=f"+CME ERROR: {number if self._error_style == 1 else CME_TEXTS[number]}")

    # ---- commands --------------------------------------------------------------------------------------------------

    def _attention(self, argument: str) -> AtReply:
        return AtReply() if not argument else AtReply(result="ERROR")

    def _accept(self, argument: str) -> AtReply:
        del argument
        return AtReply()

    def _echo(self, argument: str) -> AtReply:
        if argument not in {"", "0", "1"}:
            return AtReply(result="ERROR")
        self._is_echoing = argument == "1"
        return AtReply()

    def _defaults(self, argument: str) -> AtReply:
        del argument
        self._is_echoing, self._error_style = True, 1
        return AtReply()

    def _identify(self, argument: str) -> AtReply:
        if argument not in {"", "0"}:
            return AtReply(result="ERROR")
        facts = self.facts
        return AtReply((facts.manufacturer, facts.model, f"Revision: {facts.firmware_version}"))

    def _imei(self, argument: str) -> AtReply:
        del argument
        return AtReply((self.facts.imei or "0" * 15,))

    def _imei_by_kind(self, argument: str) -> AtReply:
        if argument == "0":
            return AtReply((self.facts.serial_number,))
        return AtReply((f'+CGSN: "{self.facts.imei}"',)) if argument == "1" else self._error(WRONG_PARAMETER)

    def _imei_factory(self, argument: str) -> AtReply:
        return AtReply((f'+EGMR: "{self.facts.imei}"',)) if argument == "0,7" else self._error(WRONG_PARAMETER)

    def _manufacturer(self, argument: str) -> AtReply:
        del argument
        return AtReply((self.facts.manufacturer,))

    def _model(self, argument: str) -> AtReply:
        del argument
        return AtReply((self.facts.model,))

    def _version(self, argument: str) -> AtReply:
        del argument
        return AtReply((self.facts.firmware_version,))

    def _signal(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+CSQ: {self.facts.radio.rssi},{self.facts.radio.ber}",))

    def _sim_state(self, argument: str) -> AtReply:
        del argument
        return AtReply(("+CPIN: READY",)) if self.facts.radio.has_sim else self._error(NO_SIM)

    def _imsi(self, argument: str) -> AtReply:
        del argument
        return AtReply((self.facts.radio.imsi,)) if self.facts.radio.has_sim else self._error(NO_SIM)

    def _iccid(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+QCCID: {self.facts.radio.iccid}",)) if self.facts.radio.has_sim else self._error(NO_SIM)

    def _registration(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+CREG: 0,{self.facts.radio.registration}",))

    def _eps_registration(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+CEREG: 0,{self.facts.radio.registration}",))

    def _operator(self, argument: str) -> AtReply:
        del argument
        return AtReply((f'+COPS: 0,0,"{self.facts.radio.operator}",7',))

    def _battery(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+CBC: 0,0,{self.facts.radio.battery_mv}",))

    def _error_style_read(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+CMEE: {self._error_style}",))

    def _error_style_set(self, argument: str) -> AtReply:
        if argument not in {"0", "1", "2"}:
            return self._error(WRONG_PARAMETER)
        self._error_style = int(argument)
        return AtReply()

    def _functionality_read(self, argument: str) -> AtReply:
        del argument
        return AtReply((f"+CFUN: {self._functionality}",))

    def _functionality_set(self, argument: str) -> AtReply:
        level, _, is_reset = argument.partition(",")
        if level not in {"0", "1", "4"} or is_reset not in {"", "0", "1"}:
            return self._error(WRONG_PARAMETER)
        self._functionality = int(level)
        return AtReply(action=AtAction.RESET if is_reset == "1" else None)

    def _power_down(self, argument: str) -> AtReply:
        if argument not in {"", "0", "1"}:
            return self._error(WRONG_PARAMETER)
        return AtReply(action=AtAction.POWER_OFF, afterwards="POWERED DOWN")


COMMANDS: Final[dict[tuple[str, str], Callable[[AtSession, str], AtReply]]] = {
    ("", "execute"): AtSession._attention,
    ("E", "execute"): AtSession._echo,
    ("I", "execute"): AtSession._identify,
    ("Q", "execute"): AtSession._accept,
    ("V", "execute"): AtSession._accept,
    ("Z", "execute"): AtSession._defaults,
    ("&F", "execute"): AtSession._defaults,
    ("&W", "execute"): AtSession._accept,
    ("+GSN", "execute"): AtSession._imei,
    ("+CGSN", "execute"): AtSession._imei,
    ("+CGSN", "set"): AtSession._imei_by_kind,
    ("+EGMR", "set"): AtSession._imei_factory,
    ("+GMI", "execute"): AtSession._manufacturer,
    ("+CGMI", "execute"): AtSession._manufacturer,
    ("+GMM", "execute"): AtSession._model,
    ("+CGMM", "execute"): AtSession._model,
    ("+GMR", "execute"): AtSession._version,
    ("+CGMR", "execute"): AtSession._version,
    ("+QGMR", "execute"): AtSession._version,
    ("+CSQ", "execute"): AtSession._signal,
    ("+CPIN", "read"): AtSession._sim_state,
    ("+CIMI", "execute"): AtSession._imsi,
    ("+QCCID", "execute"): AtSession._iccid,
    ("+CREG", "read"): AtSession._registration,
    ("+CEREG", "read"): AtSession._eps_registration,
    ("+COPS", "read"): AtSession._operator,
    ("+CBC", "execute"): AtSession._battery,
    ("+CMEE", "read"): AtSession._error_style_read,
    ("+CMEE", "set"): AtSession._error_style_set,
    ("+CFUN", "read"): AtSession._functionality_read,
    ("+CFUN", "set"): AtSession._functionality_set,
    ("+QPOWD", "execute"): AtSession._power_down,
    ("+QPOWD", "set"): AtSession._power_down,
}
"""Name and form to what it does; ``+QDOWNLOAD`` and ``^FORCEDNLD`` depend on the module and stand in the session."""
