r"""The AT port: command lines in, answers out, and what some commands do to the power; sans-I/O.

The commands are a table: name and form to a function that gives an ``AtReply``. A line ends with CR (or LF); it is
echoed byte for byte while echo is on, answered with ``\r\n<text>\r\n`` lines and one final result. A line may hold
several commands: basic ones one after the other (``ATE0V1``), extended ones joined by ``;``; the first that fails ends
it. Unknown commands are ``ERROR``; known ones in a form they do not have are ``+CME ERROR`` in the style chosen by
``AT+CMEE``. What the port says unasked (``+CREG: 5``) comes between answers, never inside one.

Modelled: identity, settings, SIM, registration, signal, data calls, date, battery, functionality, power, download mode;
all of it from the same radio that scripts see. Not modelled: voice calls, short messages, sockets and files by AT,
S-registers, ``A/``, the lines a module says while it starts.

Source: device-api 4, 14.3 (T30); platform-unisoc 8; 3GPP TS 27.007; ITU-T V.250 5.2 to 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from moduline.vmodule import at_module, at_network
from moduline.vmodule.at_state import NOT_SUPPORTED, AtAction, AtFacts, AtReply, AtState, AtTable
from moduline.vmodule.world.radio import News
from moduline.wire.at import MAX_LINE_BYTES, AtCommand, encode_answer, parse_command

__all__ = ["COMMANDS", "AtAction", "AtFacts", "AtReply", "AtSession", "carry_out"]

COMMANDS: Final[AtTable] = {**at_module.TABLE, **at_network.TABLE}
"""Name and form to what it does; ``+QDOWNLOAD`` and ``^FORCEDNLD`` depend on the module and are answered here."""

DOWNLOAD_COMMANDS: Final = ("+QDOWNLOAD", "^FORCEDNLD")
RANGES: Final = {**at_module.RANGES, **at_network.RANGES}
MAX_COMMANDS: Final = 64
RESULT_NUMBERS: Final = {"OK": 0, "ERROR": 4}
_BASIC: Final = re.compile(r"(&?[A-Z])([0-9]*)", re.IGNORECASE)


class AtSession:
    """The AT port of one power-on life.

    Args:
        facts: what it says.
        on_unasked: called when there is something to send that nobody asked for; None where nobody would read it.
    """

    def __init__(self, facts: AtFacts, on_unasked: Callable[[], None] | None = None) -> None:
        self.facts = facts
        self.is_silent = False
        self._state = AtState(facts)
        self._line = bytearray()
        self._out = bytearray()
        self._waiting: list[str] = []
        self._is_answering = False
        self._on_unasked = on_unasked
        self._unsubscribe = facts.radio.subscribe(self._hear) if on_unasked is not None else None

    def close(self) -> None:
        """Listen to the radio no more."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def receive(self, data: bytes) -> list[AtAction]:
        """Take bytes of the host; ``bytes_to_send`` has echo and answers, the result what happens afterwards."""
        actions: list[AtAction] = []
        for byte in data:
            if self._state.is_echoing and not self.is_silent and byte != 0x0A:
                self._out.append(byte)
            if byte not in {0x0A, 0x0D}:
                self._edit(byte)
            elif self._line:
                line, self._line = self._line.decode("utf-8", "replace"), bytearray()
                self._answer(line, actions)
        return actions

    def bytes_to_send(self) -> bytes:
        """Echo, answers and unasked lines since the last call."""
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
        self._is_answering = True
        reply = carry_out(self._state, text)
        self._is_answering = False
        self._out += encode_reply(self._state, reply)
        self._say_waiting()
        if reply.afterwards:
            self._out += f"\r\n{reply.afterwards}\r\n".encode()
        if reply.action is not None:
            actions.append(reply.action)

    # ---- unasked ---------------------------------------------------------------------------------------------------

    def _hear(self, news: News) -> None:
        lines = [] if self.is_silent else at_network.unasked_lines(self._state, news)
        self._waiting += lines
        if lines and not self._is_answering:
            self._say_waiting()
            if self._on_unasked is not None:
                self._on_unasked()

    def _say_waiting(self) -> None:
        for line in self._waiting:
            self._out += f"\r\n{line}\r\n".encode()
        self._waiting.clear()


def carry_out(state: AtState, line: str) -> AtReply:
    """Carry out one command line.

    Args:
        state: of the port it came through.
        line: without its line end.

    Returns:
        The lines of all its commands, the result of the last one, and what the last one with an action does.
    """
    commands = split_line(line)
    if commands is None:
        return AtReply(result="ERROR")
    lines: list[str] = []
    whole = AtReply()
    for command in commands:
        reply = _reply(state, command)
        lines += reply.lines
        whole = AtReply(tuple(lines), reply.result, reply.action or whole.action, reply.afterwards or whole.afterwards)
        if not reply.is_good:
            break
    return whole


def split_line(line: str) -> list[AtCommand] | None:
    """The commands of one line; None when it is none."""
    if line[:2].upper() != "AT":
        return None
    commands: list[AtCommand] = []
    pieces = _pieces(line[2:].strip())
    if len(pieces) > MAX_COMMANDS:
        return None
    for piece in pieces:
        rest = piece.strip()
        while len(commands) < MAX_COMMANDS and (match := _BASIC.match(rest)) is not None:
            commands.append(AtCommand(match[1].upper(), "execute", match[2]))
            rest = rest[match.end() :].strip()
        if rest:
            command = parse_command(f"AT{rest}")
            if command is None or not command.name:
                return None
            commands.append(command)
    return commands or [AtCommand("")]


def encode_reply(state: AtState, reply: AtReply) -> bytes:
    """The bytes of an answer in the form the port is set to. Source: ITU-T V.250 5.7.1, 6.2.5, 6.2.6."""
    if state.is_verbose:
        if not state.is_quiet:
            return encode_answer(reply.lines, reply.result)
        return "".join(f"\r\n{line}\r\n" for line in reply.lines).encode()
    result = "" if state.is_quiet else f"{RESULT_NUMBERS.get(reply.result, reply.result)}\r"
    return ("".join(f"{line}\r\n" for line in reply.lines) + result).encode()


def _pieces(text: str) -> list[str]:
    """Parts of a line between semicolons that stand outside quotes; one at the end counts for nothing."""
    pieces, is_quoted = [""], False
    for letter in text:
        is_quoted ^= letter == '"'
        if letter == ";" and not is_quoted:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces[:-1] if len(pieces) > 1 and not pieces[-1].strip() else pieces


def _reply(state: AtState, command: AtCommand) -> AtReply:
    if state.facts.has_download_command and command.name in DOWNLOAD_COMMANDS:
        if command.form in {"execute", "set"}:
            return AtReply(action=AtAction.ENTER_DOWNLOAD)
        return state.error(NOT_SUPPORTED)
    handler = COMMANDS.get((command.name, command.form))
    if handler is not None:
        return handler(state, command.argument)
    if not any(name == command.name for name, _ in COMMANDS):
        return AtReply(result="ERROR")
    if command.form != "test":
        return state.error(NOT_SUPPORTED)
    ranges = RANGES.get(command.name)
    return AtReply((f"{command.name}: {ranges}",)) if ranges else AtReply()
