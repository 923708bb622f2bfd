"""MQTT 3.1.1 packets from bytes: one packet at a time, or a stream in pieces of any size.

The decoder keeps nothing between packets: a connection with nothing half-received holds no buffer. What is longer than
the limit is refused when its length is known, before it is collected. Strict, with one exception: a password without a
user name, which modules send (ota-semantics 11.1). Lengths written with more bytes than needed are read, for the
standard does not forbid them.

Whatever the bytes, the outcome is a packet, `Need.MORE` or `BadFormat`.

Source: MQTT 3.1.1, chapters 2 and 3 (numbers of its conformance statements in the comments).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from moduline.errors import BadFormat, Text
from moduline.wire.mqtt import packets as p
from moduline.wire.mqtt.topics import is_filter, is_name

FORMAT: Final = "MQTT"

_FLAGS: Final = {p.PUBREL: 2, p.SUBSCRIBE: 2, p.UNSUBSCRIBE: 2}  # all other types but PUBLISH: 0


class Need(Enum):
    """The named "need more bytes"."""

    MORE = "more"


class Decoder:
    """Packets out of a stream.

    Args:
        limit_bytes: longest packet taken, head included; may be changed between packets.
    """

    __slots__ = ("_buffer", "limit_bytes")

    def __init__(self, limit_bytes: int = p.LONGEST_REMAINING_BYTES + 5) -> None:
        self.limit_bytes = limit_bytes
        self._buffer: bytearray | None = None

    @property
    def held_bytes(self) -> int:
        """How many bytes wait for the rest of their packet."""
        return 0 if self._buffer is None else len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Takes what the stream gave."""
        if self._buffer is None:
            if data:
                self._buffer = bytearray(data)
        else:
            self._buffer += data

    def next_packet(self) -> p.Packet | Need:
        """The next packet, or Need.MORE.

        Raises:
            BadFormat: what comes next is no MQTT packet, or is longer than the limit; the stream is beyond saving.
        """
        if self._buffer is None:
            return Need.MORE
        total = whole_length(self._buffer, self.limit_bytes)
        if isinstance(total, Need) or len(self._buffer) < total:
            return Need.MORE
        packet = bytes(memoryview(self._buffer)[:total])
        if len(self._buffer) == total:
            self._buffer = None
        else:
            del self._buffer[:total]
        return decode(packet)


def whole_length(data: bytes | bytearray, limit_bytes: int) -> int | Need:
    """How many bytes the packet at the head of ``data`` has, head included; Need.MORE if its length is not there yet.

    Raises:
        BadFormat: a length of five bytes, or more than ``limit_bytes``.
    """
    size = 0
    for at in range(1, 5):
        if at >= len(data):
            return Need.MORE
        size |= (data[at] & 0x7F) << 7 * (at - 1)
        if not data[at] & 0x80:
            total = at + 1 + size
            if total > limit_bytes:
                raise _bad(
                    1, f"a packet of {total} bytes, more than {limit_bytes}", f"报文长 {total} 字节，超过 {limit_bytes}"
                )
            return total
    raise _bad(4, "length of more than four bytes", "长度字段超过四个字节")


def decode(data: bytes) -> p.Packet:
    """The packet that ``data`` is, neither more nor less.

    Raises:
        BadFormat: it is none.
    """
    total = whole_length(data, len(data))
    if isinstance(total, Need) or total != len(data):
        raise _bad(len(data), "cut short or too long", "报文不完整或过长")
    kind, flags = data[0] >> 4, data[0] & 0x0F
    start = 2
    while data[start - 1] & 0x80:
        start += 1
    body = _Body(data, start)
    if kind == p.PUBLISH:
        return _publish(body, flags)
    if flags != _FLAGS.get(kind, 0):  # [MQTT-2.2.2-2]
        raise _bad(0, f"flags {flags} with type {kind}", f"类型 {kind} 的标志位为 {flags}")
    packet = _others(kind, body)
    body.want_end()
    return packet


def _others(kind: int, body: _Body) -> p.Packet:
    match kind:
        case p.CONNECT:
            return _connect(body)
        case p.CONNACK:
            return _connack(body)
        case p.PUBACK:
            return p.PubAck(body.packet_id())
        case p.PUBREC:
            return p.PubRec(body.packet_id())
        case p.PUBREL:
            return p.PubRel(body.packet_id())
        case p.PUBCOMP:
            return p.PubComp(body.packet_id())
        case p.SUBSCRIBE:
            return _subscribe(body)
        case p.SUBACK:
            return _suback(body)
        case p.UNSUBSCRIBE:
            return _unsubscribe(body)
        case p.UNSUBACK:
            return p.UnsubAck(body.packet_id())
        case p.PINGREQ:
            return p.PingReq()
        case p.PINGRESP:
            return p.PingResp()
        case p.DISCONNECT:
            return p.Disconnect()
        case _:  # 0 and 15
            raise _bad(0, f"packet type {kind}", f"报文类型 {kind}")


class _Body:
    """A cursor over one packet; every read beyond its end is `BadFormat`."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left():
            raise _bad(self.at, f"{count} bytes expected, {self.left()} left", f"应有 {count} 字节，只剩 {self.left()}")
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def binary(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        at = self.at
        try:
            text = self.binary().decode()
        except UnicodeDecodeError as error:
            raise _bad(at, "a text that is not UTF-8", "文本不是 UTF-8") from error
        if "\0" in text:  # [MQTT-1.5.3-2]
            raise _bad(at, "U+0000 in a text", "文本含 U+0000")
        return text

    def packet_id(self) -> int:
        at = self.at
        if not (number := self.number()):  # [MQTT-2.3.1-1]
            raise _bad(at, "packet id 0", "报文标识符为 0")
        return number

    def want_end(self) -> None:
        if self.left():
            raise _bad(self.at, f"{self.left()} bytes too many", f"多出 {self.left()} 字节")


def _connect(body: _Body) -> p.Connect | p.ForeignConnect:
    protocol, level = body.text(), body.byte()
    if protocol != p.PROTOCOL_NAME or level != p.PROTOCOL_LEVEL:
        if protocol not in {p.PROTOCOL_NAME, "MQIsdp"}:
            raise _bad(2, "not MQTT", "不是 MQTT")
        return p.ForeignConnect(protocol, level, body.take(body.left()))
    at = body.at
    flags = body.byte()
    has_will = bool(flags & 0x04)
    will_qos = flags >> 3 & 3
    if flags & 1 or will_qos == 3 or (not has_will and flags & 0x38):  # [MQTT-3.1.2-3, -11, -13, -14, -15]
        raise _bad(at, f"connect flags 0x{flags:02x}", f"连接标志 0x{flags:02x}")
    keep_alive_s = body.number()
    client_id = body.text()
    will = None
    if has_will:
        topic_at = body.at
        topic = body.text()
        if not is_name(topic):
            raise _bad(topic_at, "will topic", "遗嘱主题不合法")
        will = p.Will(topic, body.binary(), will_qos, bool(flags & 0x20))
    user_name = body.text() if flags & 0x80 else None
    password = body.binary() if flags & 0x40 else None  # [MQTT-3.1.2-22] is broken by every real device
    return p.Connect(client_id, keep_alive_s, bool(flags & 2), user_name, password, will)


def _connack(body: _Body) -> p.ConnAck:
    at = body.at
    flags, code = body.byte(), body.byte()
    if flags > 1 or code > max(p.ConnectCode):
        raise _bad(at, f"flags {flags}, code {code}", f"标志 {flags}，返回码 {code}")
    return p.ConnAck(p.ConnectCode(code), bool(flags))


def _publish(body: _Body, flags: int) -> p.Publish:
    qos = flags >> 1 & 3
    if qos == 3 or (not qos and flags & 8):  # [MQTT-3.3.1-2, -4]
        raise _bad(0, f"publish flags {flags}", f"发布标志 {flags}")
    at = body.at
    topic = body.text()
    if not is_name(topic):  # [MQTT-3.3.2-2, 4.7.3-1]
        raise _bad(at, "topic name", "主题名不合法")
    packet_id = body.packet_id() if qos else None
    return p.Publish(topic, body.take(body.left()), qos, packet_id, bool(flags & 8), bool(flags & 1))


def _subscribe(body: _Body) -> p.Subscribe:
    packet_id = body.packet_id()
    filters: list[tuple[str, int]] = []
    while body.left() or not filters:  # [MQTT-3.8.3-3]: at least one
        name, at = _filter(body), body.at
        if (qos := body.byte()) > 2:  # [MQTT-3.8.3-4]
            raise _bad(at, f"QoS {qos}", f"QoS {qos}")
        filters.append((name, qos))
    return p.Subscribe(packet_id, tuple(filters))


def _suback(body: _Body) -> p.SubAck:
    packet_id, at = body.packet_id(), body.at
    codes = body.take(body.left())
    if not codes or any(code > 2 and code != p.SUBSCRIPTION_FAILED for code in codes):
        raise _bad(at, "codes of a SUBACK", "SUBACK 返回码不合法")
    return p.SubAck(packet_id, tuple(codes))


def _unsubscribe(body: _Body) -> p.Unsubscribe:
    packet_id = body.packet_id()
    filters: list[str] = []
    while body.left() or not filters:  # [MQTT-3.10.3-2]
        filters.append(_filter(body))
    return p.Unsubscribe(packet_id, tuple(filters))


def _filter(body: _Body) -> str:
    at = body.at
    name = body.text()
    if not is_filter(name):
        raise _bad(at, "topic filter", "主题过滤器不合法")
    return name


def _bad(offset: int, en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=offset)
