"""The test host of ``asr_host`` over ETHOS: Ethernet, IPv6 and fastboot over UDP, written from platform-asr 4.1 alone."""

from __future__ import annotations

import struct

from asr_ethernet import IPV6_TYPE, UDP, checksum, link_local
from asr_host import PREAMBLE, Host, frame, unframed

HOST_MAC = bytes.fromhex("0072caac952c")
DEVICE_MAC = bytes.fromhex("02e3966c7c41")
QUERY, INIT, FASTBOOT = 1, 2, 3


def ethernet(kind, hops, body, check_at, *, to=DEVICE_MAC, address=None):
    """An IPv6 packet from the host, its checksum put where it belongs."""
    source, target = link_local(HOST_MAC), address or link_local(DEVICE_MAC)
    check = checksum(source, target, kind, body) or (0xFFFF if kind == UDP else 0)  # RFC 8200 8.1: UDP has no sum of 0
    body = body[:check_at] + struct.pack(">H", check) + body[check_at + 2 :]
    return to + HOST_MAC + IPV6_TYPE + struct.pack(">IHBB", 0x60000000, len(body), kind, hops) + source + target + body


def datagram(payload, port=5554):
    """A UDP datagram from the host, as a wire frame."""
    return frame(0, ethernet(UDP, 64, struct.pack(">4H", 5553, port, 8 + len(payload), 0) + payload, 6))


def packet(kind, sequence, data=b"", flags=0):
    return struct.pack(">BBH", kind, flags, sequence) + data


class EthosHost(Host):
    """Talks ETHOS with a session; the same verbs as ``Host``."""

    sequence = 0

    def open(self):
        """Greeting, MACs, query, init."""
        self.raw()
        assert self.raw(PREAMBLE) == b"\x7e\x7e\x55\x55\x55\x55"
        assert self.raw(b"\x7e\x55\x55\x55\x55\x7e") == b"\x7e\x55\x55\x55\x55\x7e"
        assert self.raw(frame(2, HOST_MAC)) == frame(3, DEVICE_MAC)
        return self.start()

    def start(self):
        """Query and init."""
        self.sequence = int.from_bytes(self.exchange(QUERY, 0)[4:], "big")
        assert self.next(INIT, struct.pack(">HH", 1, 0x0800)) == struct.pack(">HH", 1, 0x0800)
        return self

    def exchange(self, kind, sequence, data=b"", flags=0):
        """One packet; gives the whole packet that answers it, b"" for silence."""
        return self.payload_of(self.raw(datagram(packet(kind, sequence, data, flags))))

    def payload_of(self, stream):
        """The one datagram in a stream; logs and heart-beats are noted."""
        found = b""
        for kind, content in unframed(stream):
            if kind == 1:
                self.logs.append(content.decode())
            elif kind == 4:
                self.beats += 1
            elif kind == 0:
                body = content[54:]
                assert content[:12] == HOST_MAC + DEVICE_MAC
                assert checksum(content[22:38], content[38:54], UDP, body) == 0
                assert struct.unpack(">2H", body[:4]) == (5554, 5553)
                found = body[8:]
        return found

    def next(self, kind, data=b"", flags=0):
        """One packet in sequence; gives the data of its answer."""
        answer = self.exchange(kind, self.sequence, data, flags)
        if not answer:
            return b""
        assert answer[0] == kind
        assert answer[2:4] == self.sequence.to_bytes(2, "big")
        self.sequence = (self.sequence + 1) & 0xFFFF
        return answer[4:]

    def polled(self):
        """The final answer, asked for with empty packets; "" when there is none."""
        for _ in range(50):
            text = self.next(FASTBOOT).decode()
            if text[:4] not in {"INFO", "PROG"}:
                return text
            self.notes.append(text)
        raise AssertionError

    def say(self, text):
        """One command."""
        assert self.next(FASTBOOT, text.encode()) == b""
        return self.polled()

    def send(self, data):
        """Content in packets."""
        for at in range(0, len(data), 2044):
            assert self.next(FASTBOOT, data[at : at + 2044]) == b""
        return self.polled()

    def bulk(self, data):
        """Content without framing, between two data-requests."""
        first, last = (struct.pack(">BBH", 3, 0, self.sequence + n) + b"data-request:%08x" for n in (0, 1))
        self.raw(frame(1, first % len(data)) + data + frame(1, last % 0))
        self.sequence = (self.sequence + 2) & 0xFFFF
        return self.polled()
