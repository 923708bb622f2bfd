"""What one device may cost: sizes, numbers and times, with the reason of each. Seconds, bytes, counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Limits of one connection.

    Attributes:
        connect_bytes: longest CONNECT; real ones have about 160.
        packet_bytes: longest packet afterwards.
        connect_s: from the first byte of TCP to a complete CONNECT.
        ask_s: how long the platform may think about a device.
        notice_s: how long a refused device may take to hang up.
        keep_alive_s: longest keep-alive granted, also for clients that ask for none; modules ask for 21..600.
        packets_per_s: packets read per second in the long run; a device that sends more is read more slowly.
        burst_packets: packets read at once.
        unkept: messages handed to the platform and not yet kept; then reading stops.
        unfinished: QoS 2 messages of the device without PUBREL; then the connection ends.
        in_flight: messages to the device without PUBACK.
        waiting: further messages to the device; then `send` says no.
        retry_s: after that a message without PUBACK is sent again.
        sends: how often a message is sent in all.
    """

    connect_bytes: int = 1024
    packet_bytes: int = 16 * 1024
    connect_s: float = 10.0
    ask_s: float = 15.0
    notice_s: float = 10.0
    keep_alive_s: int = 1800
    packets_per_s: float = 50.0
    burst_packets: int = 300
    unkept: int = 32
    unfinished: int = 64
    in_flight: int = 8
    waiting: int = 32
    retry_s: float = 20.0
    sends: int = 3


@dataclass(frozen=True, slots=True)
class GatewayLimits:
    """Limits of one gateway.

    Attributes:
        connections: in all; more are closed at once. Keep it below the file limit of the process.
        per_address: of one IP address. Many modules share the address of their network operator.
        strangers_per_address: of one IP address, not yet let in.
        write_bytes: unsent bytes of one connection; then it is no longer read.
        write_s: how long that may last.
        stop_s: how long stopping may take.
        slot_s: how late a deadline may be met.
    """

    connections: int = 18_000
    per_address: int = 18_000
    strangers_per_address: int = 1_000
    write_bytes: int = 64 * 1024
    write_s: float = 20.0
    stop_s: float = 10.0
    slot_s: float = 1.0
