"""ETHOS, the link of ASR1601 boot ROMs: Ethernet frames within the frames of :mod:`moduline.wire.download.asr`.

::

    frame type 0   Ethernet II | IPv6 (link-local, from the MACs) | ICMPv6 neighbour discovery, or UDP 5553 -> 5554
    UDP            id u8 | flags u8 | sequence u16 BE | data                    "fastboot over UDP"
                   id 1 query (answer: next sequence)   2 init (version, packet size)   3 fastboot   0 error
    frame type 1   text; from the host a packet header and "data-request:%08x", then that many unframed bytes

The other end answers every packet with the same id and sequence. An empty id 3 packet asks for answer text. Checksums
are standard and checked; a frame with a wrong one is nothing, as on any network.

What the four bytes before "data-request" are is not public; here they are the header of an id 3 packet, because each of
the two texts uses up a sequence number (inferred).

Source: platform-asr 4.1 (worked bytes of a run); RFC 2460, RFC 4861, RFC 768.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from moduline.errors import BadFormat, Text
from moduline.wire.download.asr import EthosType, encode_frame

HOST_PORT: Final = 5553
DEVICE_PORT: Final = 5554
HOST_MAC: Final = bytes.fromhex("0072caac952c")
"""The address our host uses; the one of the worked example."""
MAC_BYTES: Final = 6
UDP_HOPS: Final = 64
ND_HOPS: Final = 255
PROTOCOL_VERSION: Final = 1
HOST_PACKET_BYTES: Final = 0x0800
HEADER_BYTES: Final = 4
CONTINUED: Final = 1
"""Flag: more packets of the same message follow."""
ADVERTISED: Final = 0xE0000000
"""Flags of a neighbour advertisement: router, solicited, override."""
DATA_REQUEST: Final = b"data-request:"

_ETHERNET: Final = struct.Struct(">6s6sH")
_IPV6: Final = struct.Struct(">IHBB16s16s")
_UDP: Final = struct.Struct(">HHHH")
_ICMP: Final = struct.Struct(">BBHI16s")
_PACKET: Final = struct.Struct(">BBH")
_INIT: Final = struct.Struct(">HH")
_ETHERTYPE_IPV6: Final = 0x86DD
_IP_VERSION: Final = 0x60000000
_NEXT_UDP: Final = 17
_NEXT_ICMP: Final = 58
_SOLICITATION: Final = 135
_ADVERTISEMENT: Final = 136
_OPTION_SOURCE: Final = b"\x01\x01"
_OPTION_TARGET: Final = b"\x02\x01"


class PacketId(IntEnum):
    """First byte of a packet."""

    ERROR = 0
    QUERY = 1
    INIT = 2
    FASTBOOT = 3


@dataclass(frozen=True, slots=True)
class EthosPacket:
    """One packet: id, flags (see ``CONTINUED``), sequence number, data."""

    id: int
    sequence: int
    data: bytes = b""
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Datagram:
    """A UDP datagram with a right checksum; addresses are those of the Ethernet frame."""

    source: bytes
    target: bytes
    source_port: int
    target_port: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Solicitation:
    """Somebody at MAC ``source`` asks for the MAC of the IPv6 address ``wanted``."""

    source: bytes
    wanted: bytes


@dataclass(frozen=True, slots=True)
class Advertisement:
    """MAC ``mac`` says that the IPv6 address ``address`` is its own."""

    mac: bytes
    address: bytes


EthosMessage = Datagram | Solicitation | Advertisement


def link_local(mac: bytes) -> bytes:
    """The IPv6 address that belongs to a MAC: fe80::, EUI-64; 16 bytes."""
    return b"\xfe\x80" + bytes(6) + bytes((mac[0] ^ 2,)) + mac[1:3] + b"\xff\xfe" + mac[3:6]


def encode_datagram(source: bytes, target: bytes, ports: tuple[int, int], payload: bytes) -> bytes:
    """A UDP datagram as one wire frame.

    Args:
        source: MAC of the sender.
        target: MAC of the receiver.
        ports: of the sender and of the receiver.
        payload: a packet.
    """
    length = _UDP.size + len(payload)
    addresses = link_local(source), link_local(target)
    check = _checksum(addresses, _NEXT_UDP, _UDP.pack(*ports, length, 0) + payload) or 0xFFFF
    body = _UDP.pack(*ports, length, check) + payload
    return _encode(source, target, addresses, _NEXT_UDP, UDP_HOPS, body)


def encode_solicitation(source: bytes, wanted: bytes) -> bytes:
    """A question for the MAC of IPv6 address ``wanted``, to its solicited-node group, as one wire frame."""
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + wanted[13:]
    body = (_SOLICITATION, 0, wanted, _OPTION_SOURCE + source)
    return _encode_icmp(source, b"\x33\x33" + group[12:], (link_local(source), group), body)


def encode_advertisement(source: bytes, target: bytes) -> bytes:
    """The answer to a question for the address of MAC ``source``, as one wire frame."""
    own = link_local(source)
    return _encode_icmp(
        source, target, (own, link_local(target)), (_ADVERTISEMENT, ADVERTISED, own, _OPTION_TARGET + source)
    )


def decode_ethernet(frame: bytes) -> EthosMessage | None:
    """What a frame of type 0 carries; None for whatever is not of this link or has a wrong checksum."""
    if len(frame) < _ETHERNET.size + _IPV6.size:
        return None
    target, source, kind = _ETHERNET.unpack_from(frame)
    word, length, following, _hops, *addresses = _IPV6.unpack_from(frame, _ETHERNET.size)
    body = frame[_ETHERNET.size + _IPV6.size :][:length]
    if kind != _ETHERTYPE_IPV6 or word >> 28 != _IP_VERSION >> 28 or len(body) != length:
        return None
    if following not in {_NEXT_UDP, _NEXT_ICMP} or _checksum((addresses[0], addresses[1]), following, body):
        return None
    if following == _NEXT_UDP:
        if length < _UDP.size:
            return None
        source_port, target_port, stated, check = _UDP.unpack_from(body)
        if stated != length or not check:
            return None
        return Datagram(source, target, source_port, target_port, body[_UDP.size :])
    return _decode_icmp(source, body)


def _decode_icmp(source: bytes, body: bytes) -> Solicitation | Advertisement | None:
    if len(body) < _ICMP.size:
        return None
    kind, _code, _check, _flags, address = _ICMP.unpack_from(body)
    option = body[_ICMP.size : _ICMP.size + 2 + MAC_BYTES]
    if kind == _SOLICITATION:
        return Solicitation(source, address)
    if kind == _ADVERTISEMENT:
        is_told = len(option) == 2 + MAC_BYTES and option.startswith(_OPTION_TARGET)
        return Advertisement(option[2:] if is_told else source, address)
    return None


def pack_packet(packet: EthosPacket) -> bytes:
    """The packet as a datagram's payload."""
    return _PACKET.pack(packet.id, packet.flags, packet.sequence) + packet.data


def unpack_packet(payload: bytes) -> EthosPacket:
    """The packet in a datagram's payload.

    Raises:
        BadFormat: shorter than its header.
    """
    if len(payload) < _PACKET.size:
        raise BadFormat(format="ethos", reason=Text("packet without a header", "数据包缺少头部"), offset=0)
    number, flags, sequence = _PACKET.unpack_from(payload)
    return EthosPacket(number, sequence, payload[_PACKET.size :], flags)


def pack_init(packet_bytes: int) -> bytes:
    """Data of an init packet or of its answer: version 1 and the sender's packet size."""
    return _INIT.pack(PROTOCOL_VERSION, packet_bytes)


def unpack_init(data: bytes) -> tuple[int, int]:
    """Version and packet size of an init packet.

    Raises:
        BadFormat: too short.
    """
    if len(data) < _INIT.size:
        raise BadFormat(format="ethos", reason=Text("init without a packet size", "初始化包缺少包长"), offset=0)
    version, size = _INIT.unpack_from(data)
    return version, size


def encode_data_request(sequence: int, size_bytes: int) -> bytes:
    """The text before unframed content of ``size_bytes``, or with 0 the one behind it, as one wire frame."""
    header = _PACKET.pack(PacketId.FASTBOOT, 0, sequence & 0xFFFF)
    return encode_frame(EthosType.TEXT, header + DATA_REQUEST + b"%08x" % size_bytes)


def _encode_icmp(
    source: bytes, target: bytes, addresses: tuple[bytes, bytes], body: tuple[int, int, bytes, bytes]
) -> bytes:
    kind, flags, address, option = body
    check = _checksum(addresses, _NEXT_ICMP, _ICMP.pack(kind, 0, 0, flags, address) + option)
    packed = _ICMP.pack(kind, 0, check, flags, address) + option
    return _encode(source, target, addresses, _NEXT_ICMP, ND_HOPS, packed)


def _encode(
    source: bytes, target: bytes, addresses: tuple[bytes, bytes], following: int, hops: int, body: bytes
) -> bytes:
    head = _IPV6.pack(_IP_VERSION, len(body), following, hops, *addresses)
    return encode_frame(EthosType.DATA, _ETHERNET.pack(target, source, _ETHERTYPE_IPV6) + head + body)


def _checksum(addresses: tuple[bytes, bytes], following: int, body: bytes) -> int:
    """The internet checksum with IPv6's pseudo header; 0 over a body that holds its own right one."""
    data = b"".join((*addresses, struct.pack(">II", len(body), following), body, b"\0" * (len(body) % 2)))
    # the sum of 16-bit words modulo 0xFFFF is the whole number modulo 0xFFFF, because 0x10000 is 1 there
    total = int.from_bytes(data, "big") % 0xFFFF
    return 0 if total == 0 and any(data) else 0xFFFF - total
