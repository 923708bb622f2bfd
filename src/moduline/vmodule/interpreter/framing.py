"""Frames on the channels to the child: cutting a byte stream into requests; sans-I/O.

::

    command   kind(1) length(4) body                both directions
    flash     op(1) mount(1) offset(4) length(4) data      data only for P and X
    call      json size(4) data size(4) json data
    answers   length(4) body

All numbers little-endian. The child may be hostile: a length above the limit is a :class:`BadFrameError`, after which
nothing on that channel can be trusted.

Source: micropython-runtime 3, 4.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import Any, Final

MAX_BODY_BYTES: Final = 1 << 20
MAX_FLASH_BYTES: Final = 1 << 17

_COMMAND: Final = struct.Struct("<cI")
_FLASH: Final = struct.Struct("<cBII")
_CALL: Final = struct.Struct("<II")
_ANSWER: Final = struct.Struct("<I")
_LINE_TAKEN: Final = re.compile(rb"L([0-9]{1,18}) (-1|[0-9]{1,6})")


class BadFrameError(Exception):
    """The child broke the rules of a channel; its owner ends it."""


@dataclass(frozen=True, slots=True)
class CommandFrame:
    """From the command loop: ``S`` started, ``E`` ended, ``C`` completions, ``R`` a stage of the boot."""

    kind: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class FlashRequest:
    """Erase (``E``), program (``P``), or erase the block and program into it (``X``).

    Attributes:
        op: the letter.
        mount: index into the plan's mounts.
        offset: bytes from the start of the partition.
        size: bytes to erase or to program.
        data: what to program.
    """

    op: bytes
    mount: int
    offset: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """A question of a shim: JSON facts with the name under ``op``, and bytes beside them."""

    facts: dict[str, Any]
    data: bytes


class CommandFrames:
    """Frames of the command channel."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[CommandFrame]:
        """The frames that ``data`` completes.

        Raises:
            BadFrameError: a length above the limit.
        """
        self._buffer += data
        frames = []
        while len(self._buffer) >= _COMMAND.size:
            kind, size = _COMMAND.unpack_from(self._buffer)
            if size > MAX_BODY_BYTES:
                raise BadFrameError(f"command frame of {size} bytes")
            end = _COMMAND.size + size
            if len(self._buffer) < end:
                break
            frames.append(CommandFrame(kind, bytes(self._buffer[_COMMAND.size : end])))
            del self._buffer[:end]
        return frames


class FlashRequests:
    """Requests of the flash channel."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[FlashRequest]:
        """The requests that ``data`` completes.

        Raises:
            BadFrameError: an unknown letter or a length above the limit.
        """
        self._buffer += data
        requests = []
        while len(self._buffer) >= _FLASH.size:
            op, mount, offset, size = _FLASH.unpack_from(self._buffer)
            if op not in {b"E", b"P", b"X"} or size > MAX_FLASH_BYTES:
                raise BadFrameError(f"flash request {op!r} of {size} bytes")
            end = _FLASH.size + (0 if op == b"E" else size)
            if len(self._buffer) < end:
                break
            requests.append(FlashRequest(op, mount, offset, size, bytes(self._buffer[_FLASH.size : end])))
            del self._buffer[:end]
        return requests


class Calls:
    """Questions of the call channel."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Call]:
        """The questions that ``data`` completes.

        Raises:
            BadFrameError: a length above the limit, or facts that are no JSON object with ``op``.
        """
        self._buffer += data
        calls = []
        while len(self._buffer) >= _CALL.size:
            facts_size, data_size = _CALL.unpack_from(self._buffer)
            if facts_size + data_size > MAX_BODY_BYTES:
                raise BadFrameError(f"call of {facts_size + data_size} bytes")
            middle, end = _CALL.size + facts_size, _CALL.size + facts_size + data_size
            if len(self._buffer) < end:
                break
            calls.append(Call(_object(bytes(self._buffer[_CALL.size : middle])), bytes(self._buffer[middle:end])))
            del self._buffer[:end]
        return calls


def command(kind: bytes, body: bytes) -> bytes:
    """A frame for the command loop."""
    return _COMMAND.pack(kind, len(body)) + body


def answer(body: bytes) -> bytes:
    """An answer on the flash or call channel."""
    return _ANSWER.pack(len(body)) + body


def call_answer(value: object, data: bytes = b"") -> bytes:
    """An answer to a Call: a JSON value and bytes beside it."""
    text = json.dumps(value).encode()
    return answer(_ANSWER.pack(len(text)) + text + data)


def event(key: str, value: object) -> bytes:
    """A report on the event channel."""
    return answer(json.dumps({"to": key, "value": value}).encode())


def names(body: bytes) -> tuple[str, ...]:
    """A JSON list of names.

    Raises:
        BadFrameError: anything else.
    """
    value = _json(body)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadFrameError("no list of names")
    return tuple(value)


def line_taken(line: bytes) -> tuple[int, int]:
    """(number, descriptor or -1) of what the control thread says when it was lent a line.

    Raises:
        BadFrameError: anything else.
    """
    match = _LINE_TAKEN.fullmatch(line)
    if match is None:
        raise BadFrameError("no line of the control thread")
    return int(match[1]), int(match[2])


def stage(body: bytes) -> tuple[str, int]:
    """(name, address of the callback function) of an ``R`` frame; 0 when it names none.

    Raises:
        BadFrameError: anything else.
    """
    value = _json(body)
    if not isinstance(value, dict):
        raise BadFrameError("no stage of a boot")
    name, drain = value.get("stage"), value.get("drain", 0)
    if not isinstance(name, str) or not isinstance(drain, int) or not 0 <= drain < 1 << 64:
        raise BadFrameError("no stage of a boot")
    return name, drain


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise BadFrameError("a body that is no JSON") from fault


def _object(text: bytes) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict) or not isinstance(value.get("op"), str):
        raise BadFrameError("a call without op")
    return value
