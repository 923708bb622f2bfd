"""Every QuecThing message as a typed value, and as a frame.

``encode(message, packet_id)`` and ``decode(frame)`` are inverses but for one thing: what is not understood, an unknown
command or a field of an unknown id, is kept as it came. The topic a message travels on follows from its command.

Source: ota-semantics 11.1 (topics), 11.4 (commands).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from moduline.wire.quecthing import ota_messages as ota
from moduline.wire.quecthing import rows, ttlv
from moduline.wire.quecthing import sys_messages as sys
from moduline.wire.quecthing.frame import Frame

SYS: Final = "sys"
OTA: Final = "ota"
BUS: Final = "bus"
TOPICS: Final = (SYS, BUS, OTA)


@dataclass(frozen=True, slots=True)
class Other:
    """A command that is not read here: data points, location, sub-devices, or one nobody knows.

    Attributes:
        command: its number.
        payload: as it came.
    """

    command: int
    payload: bytes = b""


Message = (
    ota.Offer
    | ota.Confirmation
    | ota.Firmware
    | ota.Report
    | ota.Request
    | sys.ReadStatus
    | sys.DeviceStatus
    | sys.ReadInformation
    | sys.DeviceInformation
    | sys.ErrorNotice
    | sys.DeviceErrorNotice
    | sys.ManagementRequest
    | sys.Configuration
    | sys.BindCode
    | Other
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one command's payload is read and written."""

    cls: type
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]
    topic: str


def _table(cls: type, table: rows.Rows, topic: str, **fixed: object) -> _Shape:
    """The shape of a message that is nothing but a table of fields."""
    return _Shape(
        cls,
        lambda message: ttlv.encode(rows.write(table, message, message.extra)),
        lambda payload: cls(**rows.read(table, ttlv.decode(payload)), **fixed),
        topic,
    )


def _fields(
    cls: type, write: Callable[[Any], ttlv.Fields], read: Callable[[ttlv.Fields], object], topic: str
) -> _Shape:
    return _Shape(cls, lambda message: ttlv.encode(write(message)), lambda payload: read(ttlv.decode(payload)), topic)


def _ids(cls: type) -> _Shape:
    return _Shape(cls, lambda message: sys.write_ids(message.ids), lambda payload: cls(sys.read_ids(payload)), SYS)


_SHAPES: Final[dict[int, _Shape]] = {
    0x0031: _ids(sys.ReadStatus),
    0x0032: _table(sys.DeviceStatus, sys.STATUS_ROWS, SYS, is_answer=True),
    0x0034: _table(sys.DeviceStatus, sys.STATUS_ROWS, SYS),
    0x0041: _ids(sys.ReadInformation),
    0x0042: _table(sys.DeviceInformation, sys.INFORMATION_ROWS, SYS, is_answer=True),
    0x0044: _table(sys.DeviceInformation, sys.INFORMATION_ROWS, SYS),
    0x00A3: _table(sys.ErrorNotice, sys.NOTICE_ROWS, SYS),
    0x00A4: _table(sys.DeviceErrorNotice, sys.NOTICE_ROWS, SYS),
    0x00B3: _table(sys.ManagementRequest, (), SYS),
    0x00B4: _fields(sys.Configuration, sys.write_configuration, sys.read_configuration, SYS),
    0x00B5: _table(sys.BindCode, (), SYS),
    0x0111: _fields(ota.Offer, ota.write_offer, ota.read_offer, OTA),
    0x0112: _table(ota.Confirmation, ota.CONFIRMATION_ROWS, OTA),
    0x0113: _fields(ota.Firmware, ota.write_firmware, ota.read_firmware, OTA),
    0x0114: _table(ota.Report, ota.REPORT_ROWS, OTA),
    0x0115: _table(ota.Request, ota.REQUEST_ROWS, OTA),
}
_COMMANDS: Final = {shape.cls: command for command, shape in _SHAPES.items()}
_ANSWERS: Final = {sys.DeviceStatus: 0x0032, sys.DeviceInformation: 0x0042}


def command_of(message: Message) -> int:
    """The command number of ``message``."""
    if isinstance(message, Other):
        return message.command
    if isinstance(message, sys.DeviceStatus | sys.DeviceInformation) and message.is_answer:
        return _ANSWERS[type(message)]
    return _COMMANDS[type(message)]


def topic_of(command: int) -> str:
    """The last level of the topic a command travels on: ``sys``, ``ota`` or ``bus``."""
    if command in _SHAPES:
        return _SHAPES[command].topic
    return SYS if 0x00C0 <= command <= 0x00CB else BUS


def encode(message: Message, packet_id: int) -> Frame:
    """The frame of ``message``.

    Args:
        message: what is said.
        packet_id: 1..0xFFFE; that of the request if this is an answer.

    Raises:
        BadOption: a value the format cannot say, or a needed one that is missing.
    """
    command = command_of(message)
    payload = message.payload if isinstance(message, Other) else _SHAPES[command].write(message)
    return Frame(packet_id, command, payload)


def decode(frame: Frame) -> Message:
    """What ``frame`` says; `Other` if its command is not read here.

    Raises:
        BadFormat: the payload is no TTLV, lacks a needed field, or has one of the wrong type.
    """
    shape = _SHAPES.get(frame.command)
    if shape is None:
        return Other(frame.command, frame.payload)
    message: Message = shape.read(frame.payload)
    return message
