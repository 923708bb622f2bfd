"""MQTT 3.1.1 packets as bytes. Whoever asks for a packet that may not exist gets `BadOption`.

Source: MQTT 3.1.1, chapters 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from moduline.errors import BadOption, Text
from moduline.wire.mqtt import packets as p
from moduline.wire.mqtt.topics import is_filter, is_name

_TOO_LONG = Text(
    "a text of at most 65535 bytes in UTF-8 without U+0000 is needed",
    "须为不超过 65535 字节且不含 U+0000 的 UTF-8 文本",
)
_BAD_ID = Text("packet ids are 1..65535", "报文标识符须为 1..65535")
_BAD_QOS = Text("QoS is 0, 1 or 2", "QoS 须为 0、1 或 2")
_BAD_TOPIC = Text("not a topic name", "不是合法的主题名")
_BAD_FILTER = Text("at least one valid topic filter is needed", "至少需要一个合法的主题过滤器")


def encode(packet: p.Packet) -> bytes:
    """The bytes of ``packet``.

    Raises:
        BadOption: the packet may not exist: id out of range, bad topic, QoS 0 with an id, text too long.
    """
    match packet:
        case p.Publish():
            return _publish(packet)
        case p.PubAck(packet_id):
            return _acknowledgement(p.PUBACK << 4, packet_id)
        case p.PubRec(packet_id):
            return _acknowledgement(p.PUBREC << 4, packet_id)
        case p.PubRel(packet_id):
            return _acknowledgement(p.PUBREL << 4 | 2, packet_id)
        case p.PubComp(packet_id):
            return _acknowledgement(p.PUBCOMP << 4, packet_id)
        case p.Connect():
            return _connect(packet)
        case p.ForeignConnect(protocol, level, rest):
            return _framed(p.CONNECT << 4, _text("protocol", protocol) + bytes([level]) + rest)
        case p.ConnAck(code, is_session_present):
            return bytes([p.CONNACK << 4, 2, is_session_present, code])
        case p.Subscribe(packet_id, filters):
            _want_filters([name for name, _ in filters])
            body = b"".join(_text("filter", name) + bytes([_qos(qos)]) for name, qos in filters)
            return _framed(p.SUBSCRIBE << 4 | 2, _id(packet_id) + body)
        case p.SubAck(packet_id, codes):
            return _framed(p.SUBACK << 4, _id(packet_id) + bytes(codes))
        case p.Unsubscribe(packet_id, filters):
            _want_filters(filters)
            body = b"".join(_text("filter", name) for name in filters)
            return _framed(p.UNSUBSCRIBE << 4 | 2, _id(packet_id) + body)
        case p.UnsubAck(packet_id):
            return _acknowledgement(p.UNSUBACK << 4, packet_id)
        case p.PingReq():
            return bytes([p.PINGREQ << 4, 0])
        case p.PingResp():
            return bytes([p.PINGRESP << 4, 0])
        case p.Disconnect():
            return bytes([p.DISCONNECT << 4, 0])
        case _:
            assert_never(packet)


def remaining_length(size_bytes: int) -> bytes:
    """``size_bytes`` as the one to four bytes behind the first.

    Raises:
        BadOption: more than four bytes can say.
    """
    if size_bytes > p.LONGEST_REMAINING_BYTES:
        raise BadOption(name="packet", reason=Text("longer than 256 MB", "超过 256 MB"))
    out = bytearray()
    while True:
        size_bytes, low = size_bytes >> 7, size_bytes & 0x7F
        out.append(low | (0x80 if size_bytes else 0))
        if not size_bytes:
            return bytes(out)


def _framed(first: int, body: bytes) -> bytes:
    return bytes([first]) + remaining_length(len(body)) + body


def _acknowledgement(first: int, packet_id: int) -> bytes:
    return bytes([first, 2]) + _id(packet_id)


def _publish(packet: p.Publish) -> bytes:
    if not is_name(packet.topic):
        raise BadOption(name="topic", reason=_BAD_TOPIC)
    if (packet.packet_id is None) != (packet.qos == 0):
        raise BadOption(name="packet_id", reason=Text("QoS 0 has no packet id", "QoS 0 没有报文标识符"))
    first = p.PUBLISH << 4 | packet.is_duplicate << 3 | _qos(packet.qos) << 1 | packet.is_retained
    packet_id = b"" if packet.packet_id is None else _id(packet.packet_id)
    return _framed(first, _text("topic", packet.topic) + packet_id + packet.payload)


def _connect(packet: p.Connect) -> bytes:
    flags = packet.is_clean << 1
    payload = _text("client_id", packet.client_id)
    if packet.will is not None:
        flags |= 0x04 | _qos(packet.will.qos) << 3 | packet.will.is_retained << 5
        payload += _text("will", packet.will.topic) + _binary("will", packet.will.message)
    if packet.user_name is not None:
        flags |= 0x80
        payload += _text("user_name", packet.user_name)
    if packet.password is not None:
        flags |= 0x40
        payload += _binary("password", packet.password)
    if not 0 <= packet.keep_alive_s <= 0xFFFF:
        raise BadOption(name="keep_alive_s", reason=Text("keep-alive is 0..65535 s", "保活时间须为 0..65535 秒"))
    head = _text("protocol", p.PROTOCOL_NAME) + bytes([p.PROTOCOL_LEVEL, flags])
    return _framed(p.CONNECT << 4, head + packet.keep_alive_s.to_bytes(2, "big") + payload)


def _want_filters(names: Sequence[str]) -> None:
    if not names or not all(is_filter(name) for name in names):
        raise BadOption(name="filters", reason=_BAD_FILTER)


def _id(packet_id: int) -> bytes:
    if not 0 < packet_id <= 0xFFFF:
        raise BadOption(name="packet_id", reason=_BAD_ID)
    return packet_id.to_bytes(2, "big")


def _qos(qos: int) -> int:
    if not 0 <= qos <= 2:
        raise BadOption(name="qos", reason=_BAD_QOS)
    return qos


def _text(name: str, text: str) -> bytes:
    if "\0" in text:
        raise BadOption(name=name, reason=_TOO_LONG)
    try:
        return _binary(name, text.encode())
    except UnicodeEncodeError as error:
        raise BadOption(name=name, reason=_TOO_LONG) from error


def _binary(name: str, data: bytes) -> bytes:
    if len(data) > 0xFFFF:
        raise BadOption(name=name, reason=_TOO_LONG)
    return len(data).to_bytes(2, "big") + data
