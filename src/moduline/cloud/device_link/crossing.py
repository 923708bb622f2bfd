"""What crosses the bus between gateways and workers, as values and as bytes.

::

    uplink    [1, node, device, connection, at, kind, ...]
                kind 1 came online    is first contact, address
                     2 went offline   cause
                     3 received       packet id, command, payload
                     4 unreadable     topic, first bytes, reason in English, reason in Chinese
                     5 undelivered    command, payload
    downlink  [1, [[device, number of a connection or null, command, payload], ...]]
    drop      [1, device, number of a connection or null]

CBOR (RFC 8949), arrays only. The first value is the version of the table: who does not know it refuses the whole.
Messages travel as their command and TTLV payload, so that there is one codec of them (``wire.quecthing``); one that
cannot be written again travels as unreadable. Nothing that comes in names a class or a function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, TypeVar

import cbor2

from moduline.cloud.bus import DOWNLINK, DROP, UPLINK, Codec
from moduline.cloud.device_link.platform import (
    CameOnline,
    Cause,
    Event,
    Received,
    Undelivered,
    Unreadable,
    Uplink,
    WentOffline,
)
from moduline.errors import BadFormat, BadOption, Text
from moduline.wire.quecthing import messages
from moduline.wire.quecthing.frame import Frame
from moduline.wire.quecthing.messages import Message

FORMAT: Final = "bus message"
VERSION: Final = 1
_ANY_ID: Final = 1
"""Packet id of a message that is not on a wire; the gateway gives it one."""
_LAST_ID: Final = 2**63 - 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """Something happened to a device of a node.

    Args:
        node: whose gateway says so.
        uplink: what.
    """

    node: str
    uplink: Uplink


@dataclass(frozen=True, slots=True)
class Post:
    """Something to be said.

    Args:
        device_id: to whom.
        message: what.
        connection: on which connection; one that has come since must not hear what was meant for a former life of the
            device, such as the address of what it has installed meanwhile. None: whichever.
    """

    device_id: int
    message: Message
    connection: int | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """A connection to be ended.

    Args:
        device_id: whose.
        before: only one with a smaller number; None: whichever.
    """

    device_id: int
    before: int | None = None


def write_heard(heard: Heard) -> bytes:
    """The bytes of an uplink."""
    up = heard.uplink
    head = [VERSION, heard.node, up.device, up.connection, up.at]
    return cbor2.dumps([*head, *_event(up.event)])


def read_heard(data: bytes) -> Heard:
    """What `write_heard` was given.

    Raises:
        BadFormat: it is none, or of another version.
    """
    values = _Values(data)
    node, device, connection = values.text(), values.number(), values.number()
    at = values.real()
    return Heard(node, values.ended(Uplink(device, connection, at, _read_event(values))))


def write_posts(posts: Sequence[Post]) -> bytes:
    """The bytes of a downlink.

    Raises:
        BadOption: a message cannot be written.
    """
    return cbor2.dumps([VERSION, [[one.device_id, one.connection, *_message(one.message)] for one in posts]])


def read_posts(data: bytes) -> tuple[Post, ...]:
    """What `write_posts` was given.

    Raises:
        BadFormat: it is none, or of another version.
    """
    values = _Values(data)
    posts = []
    for one in values.ended(values.parts()):
        part = _Values.of(one)
        device, connection = part.number(), part.number_or_none()
        posts.append(part.ended(Post(device, part.message(), connection)))
    return tuple(posts)


def write_drop(drop: Drop) -> bytes:
    """The bytes of a drop."""
    return cbor2.dumps([VERSION, drop.device_id, drop.before])


def read_drop(data: bytes) -> Drop:
    """What `write_drop` was given.

    Raises:
        BadFormat: it is none, or of another version.
    """
    values = _Values(data)
    return values.ended(Drop(values.number(), values.number_or_none()))


CODECS: Final = {
    UPLINK: Codec(write_heard, read_heard),
    DOWNLINK: Codec(write_posts, read_posts),
    DROP: Codec(write_drop, read_drop),
}
"""By the subject of the bus."""


# -- writing


def _message(message: Message) -> list[Any]:
    made = messages.encode(message, _ANY_ID)
    return [made.command, made.payload]


def _event(event: Event) -> list[Any]:
    match event:
        case CameOnline(is_first_contact, address):
            return [1, is_first_contact, address]
        case WentOffline(cause):
            return [2, cause.value]
        case Received(packet_id, message):
            return _received(packet_id, message)
        case Unreadable(topic, payload, reason):
            return [4, topic, payload, reason.say("en"), reason.say("zh")]
        case Undelivered(message):
            return [5, *_message(message)]


def _received(packet_id: int, message: Message) -> list[Any]:
    try:
        return [3, packet_id, *_message(message)]
    except BadOption as cannot:
        topic = messages.topic_of(messages.command_of(message))
        return [4, topic, b"", cannot.message("en"), cannot.message("zh")]


# -- reading


def _read_event(values: _Values) -> Event:
    kind = values.number()
    reader = _READERS.get(kind)
    if reader is None:
        raise _bad(f"event {kind} is unknown", f"未知事件 {kind}")
    return reader(values)


def _read_cause(values: _Values) -> WentOffline:
    said = values.text()
    try:
        return WentOffline(Cause(said))
    except ValueError as unknown:
        raise _bad(f"cause {said!r} is unknown", f"未知原因 {said!r}") from unknown


class _Values:
    """The values of one message, one after the other, each of the type that is asked for."""

    def __init__(self, data: bytes) -> None:
        source = BytesIO(data)
        try:
            found = cbor2.load(source)
        except (cbor2.CBORDecodeError, ValueError, RecursionError) as broken:
            raise _bad("no CBOR", "不是 CBOR") from broken
        if source.tell() != len(data):
            raise _bad("bytes behind the end", "末尾有多余字节")
        if not isinstance(found, list) or not found or type(found[0]) is not int:
            raise _bad("no array with a version", "不是带版本号的数组")
        if found[0] != VERSION:
            raise _bad(f"version {found[0]}, this is {VERSION}", f"版本 {found[0]}，本机为 {VERSION}")
        self._left = found[:0:-1]

    @classmethod
    def of(cls, found: Any) -> _Values:
        """The values of an array inside."""
        if not isinstance(found, list):
            raise _bad("no array", "不是数组")
        made = cls.__new__(cls)
        made._left = found[::-1]
        return made

    def number(self) -> int:
        """A number from 0, as a key of the database is."""
        found: int = self._next(int)
        if not 0 <= found <= _LAST_ID:
            raise _bad("a number out of range", "数值超出范围")
        return found

    def number_or_none(self) -> int | None:
        """The same, or nothing."""
        return self.number() if self._left and self._left[-1] is not None else self._next(type(None))

    def real(self) -> float:
        """A finite number."""
        found: float = self._next(float)
        if not math.isfinite(found):
            raise _bad("no finite number", "数值无效")
        return found

    def text(self) -> str:
        """A text."""
        found: str = self._next(str)
        return found

    def octets(self) -> bytes:
        """Bytes."""
        found: bytes = self._next(bytes)
        return found

    def flag(self) -> bool:
        """True or false."""
        found: bool = self._next(bool)
        return found

    def parts(self) -> list[Any]:
        """An array."""
        found: list[Any] = self._next(list)
        return found

    def message(self) -> Message:
        """A message: command and payload."""
        command = self.number()
        return messages.decode(Frame(_ANY_ID, command, self.octets()))

    def ended(self, value: T) -> T:
        """The value that was read, if nothing is left."""
        if self._left:
            raise _bad("more values than there should be", "多余的字段")
        return value

    def _next(self, kind: type) -> Any:
        if not self._left or type(self._left[-1]) is not kind:
            raise _bad(f"{kind.__name__} expected", f"应为 {kind.__name__}")
        return self._left.pop()


_READERS: Final[dict[int, Callable[[_Values], Event]]] = {
    1: lambda values: CameOnline(values.flag(), values.text()),
    2: _read_cause,
    3: lambda values: Received(values.number(), values.message()),
    4: lambda values: Unreadable(values.text(), values.octets(), Text(values.text(), values.text())),
    5: lambda values: Undelivered(values.message()),
}


def _bad(en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=0)
