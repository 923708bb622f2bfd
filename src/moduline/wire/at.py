r"""AT lines, byte for byte, for both ends.

::

    host    AT+GSN CR LF                      a command line
    module  [echo] CR LF text CR LF ... CR LF OK CR LF     information lines, then one final result

A command line is ``AT`` alone, a *basic* command (``ATI``, ``ATE0``) or an *extended* one (``AT+NAME``), in one of four
forms: execute ``AT+X``, read ``AT+X?``, set ``AT+X=…``, test ``AT+X=?``.

Source: 3GPP TS 27.007, ITU-T V.250; device-api 4; platform-unisoc 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Form = Literal["execute", "read", "set", "test"]

MAX_LINE_BYTES: Final = 4096
"""Longest line that is kept; what is longer is cut."""

_COMMAND = re.compile(r"AT(?P<name>[+^*$%&][A-Z0-9_]+|[A-Z]?)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_FINAL = re.compile(r"OK|ERROR|NO CARRIER|NO ANSWER|NO DIALTONE|BUSY|CONNECT.*|\+CM[ES] ERROR:.*")
_IMEI = re.compile(r"(?:^|[^0-9])(\d{15})(?:[^0-9]|$)")


@dataclass(frozen=True, slots=True)
class AtCommand:
    """One command line.

    Args:
        name: upper case, such as ``+QDOWNLOAD``, ``I``, or empty for ``AT`` alone.
        form: ``execute``, ``read``, ``set`` or ``test``.
        argument: text after ``=`` of the set form, or after a basic command (``0`` of ``ATE0``).
    """

    name: str
    form: Form = "execute"
    argument: str = ""


def encode_command(command: AtCommand) -> bytes:
    """The command line as a host sends it, CR LF included."""
    ends = {"execute": command.argument, "read": "?", "set": f"={command.argument}", "test": "=?"}
    return f"AT{command.name}{ends[command.form]}\r\n".encode()


def parse_command(line: str) -> AtCommand | None:
    """The command of one line without its line end; None when it is none."""
    match = _COMMAND.fullmatch(line.strip())
    if match is None:
        return None
    name, rest = match["name"].upper(), match["rest"]
    if rest == "?":
        return AtCommand(name, "read")
    if rest == "=?":
        return AtCommand(name, "test")
    if rest.startswith("="):
        return AtCommand(name, "set", rest[1:])
    if rest and (not name or name[0] in "+^*$%"):
        return None
    return AtCommand(name, "execute", rest)


def encode_answer(lines: tuple[str, ...] = (), result: str = "OK") -> bytes:
    """Information lines and the final result as a module sends them."""
    return "".join(f"\r\n{line}\r\n" for line in (*lines, result)).encode()


def is_final(line: str) -> bool:
    """Whether the line ends an answer."""
    return _FINAL.fullmatch(line) is not None


def is_accepted(line: str) -> bool:
    """Whether the final result means that the module did what was asked."""
    return line == "OK" or line.startswith("CONNECT")


def find_imei(lines: tuple[str, ...]) -> str:
    """The IMEI of an answer to ``AT+GSN`` or ``AT+CGSN``; empty when there is none."""
    return next((match[1] for line in lines if (match := _IMEI.search(line))), "")


class LineDecoder:
    """Bytes of any fragmentation in, lines out; CR, LF and CR LF all end a line, empty lines are left out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Lines that ``data`` completes; an empty list means that more is needed."""
        self._rest += data.replace(b"\r", b"\n")
        if b"\n" not in data and b"\r" not in data:
            del self._rest[MAX_LINE_BYTES:]
            return []
        *whole, rest = bytes(self._rest).split(b"\n")
        self._rest = bytearray(rest[:MAX_LINE_BYTES])
        return [text for line in whole if (text := line[:MAX_LINE_BYTES].decode("utf-8", "replace").strip("\0 "))]
