"""The little network inside ETHOS for tests, written from the reference and the RFCs alone, not from ``wire``.

::

    Ethernet  to[6] from[6] 86DD
    IPv6      60 00 00 00  length[2]  next  hops  from[16]  to[16]
    ICMPv6    135 solicitation: 4 zero bytes, address    136 advertisement: E0 00 00 00, address, option with the MAC
    UDP       port[2] port[2] length[2] checksum[2]

Addresses are fe80:: and the MAC as EUI-64. Checksums are computed and checked; what is wrong is dropped, as by every
network stack.

Source: platform-asr 4.1 (one verified datagram of the run); RFC 4861, 8200, 768.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

IPV6_TYPE: Final = b"\x86\xdd"
ICMP: Final = 58
UDP: Final = 17
SOLICITATION: Final = 135
ADVERTISEMENT: Final = 136
SOLICITED_FLAGS: Final = 0xE0000000
DISCOVERY_HOPS: Final = 255
UDP_HOPS: Final = 64
TARGET_MAC_OPTION: Final = b"\x02\x01"
_ETHERNET_BYTES: Final = 14
_IP_BYTES: Final = 40
_IP_VERSION: Final = 6
_MULTICAST: Final = b"\x33\x33"
_MULTICAST_IP: Final = b"\xff\x02"
_DISCOVERY_BYTES: Final = 24
_UDP_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Packet:
    """One IPv6 packet that was for us; ``data`` stands behind the IPv6 header."""

    mac: bytes
    address: bytes
    kind: int
    hops: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Datagram:
    """One UDP datagram that was for us.

    Attributes:
        mac: of the sender.
        address: of the sender.
        port: of the sender.
        to_port: ours.
        data: content.
    """

    mac: bytes
    address: bytes
    port: int
    to_port: int
    data: bytes


def link_local(mac: bytes) -> bytes:
    """The address that follows from a MAC."""
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def checksum(source: bytes, target: bytes, kind: int, data: bytes) -> int:
    """Of an ICMPv6 message or UDP datagram whose own checksum field is zero; 0 over a whole right one."""
    whole = source + target + struct.pack(">II", len(data), kind) + data
    whole += bytes(len(whole) % 2)
    total = sum(struct.unpack(f">{len(whole) // 2}H", whole))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def read_packet(frame: bytes, mac: bytes) -> Packet | None:
    """What an Ethernet frame brings to the owner of ``mac``; None when it is not for it, or damaged."""
    if len(frame) < _ETHERNET_BYTES + _IP_BYTES or frame[12:14] != IPV6_TYPE:
        return None
    if frame[:6] != mac and frame[:2] != _MULTICAST:
        return None
    ip = frame[_ETHERNET_BYTES:]
    length, kind, hops = struct.unpack_from(">HBB", ip, 4)
    source, target, data = ip[8:24], ip[24:40], ip[40 : 40 + length]
    if ip[0] >> 4 != _IP_VERSION or len(data) < length or (target != link_local(mac) and target[:2] != _MULTICAST_IP):
        return None
    if checksum(source, target, kind, data):
        return None
    return Packet(frame[6:12], source, kind, hops, data)


def is_asked_for(packet: Packet, mac: bytes) -> bool:
    """Whether a neighbour asks for the owner of ``mac``."""
    data = packet.data
    is_question = packet.kind == ICMP and packet.hops == DISCOVERY_HOPS and len(data) >= _DISCOVERY_BYTES
    return is_question and data[0] == SOLICITATION and data[8:24] == link_local(mac)


def advertisement(packet: Packet, mac: bytes) -> bytes:
    """The frame that answers the question."""
    own = link_local(mac)
    data = struct.pack(">BBHI", ADVERTISEMENT, 0, 0, SOLICITED_FLAGS) + own + TARGET_MAC_OPTION + mac
    return _frame(packet.mac, mac, packet.address, ICMP, DISCOVERY_HOPS, data, 2)


def datagram_of(packet: Packet) -> Datagram | None:
    """The UDP datagram in a packet; None when there is none."""
    if packet.kind != UDP or len(packet.data) < _UDP_BYTES:
        return None
    port, to_port, length, check = struct.unpack_from(">4H", packet.data)
    if length != len(packet.data) or not check:
        return None
    return Datagram(packet.mac, packet.address, port, to_port, packet.data[_UDP_BYTES:])


def reply(datagram: Datagram, mac: bytes, data: bytes) -> bytes:
    """The frame of a datagram back to where one came from."""
    whole = struct.pack(">4H", datagram.to_port, datagram.port, _UDP_BYTES + len(data), 0) + data
    return _frame(datagram.mac, mac, datagram.address, UDP, UDP_HOPS, whole, 6)


def _frame(to: bytes, mac: bytes, address: bytes, kind: int, hops: int, data: bytes, check_at: int) -> bytes:
    own = link_local(mac)
    check = checksum(own, address, kind, data)
    if kind == UDP:
        check = check or 0xFFFF
    data = data[:check_at] + check.to_bytes(2, "big") + data[check_at + 2 :]
    head = struct.pack(">IHBB", _IP_VERSION << 28, len(data), kind, hops)
    return to + mac + IPV6_TYPE + head + own + address + data
