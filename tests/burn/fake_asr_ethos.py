"""The ASR1601 side of ETHOS, written from platform-asr 4.1 alone, beneath the commands of ``FakeAsr``."""

from __future__ import annotations

import re
import struct

from burn.fake_asr import FakeAsr, frame, unframe

MAC = bytes.fromhex("02e3966c7c41")


def address_of(mac):
    return b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def textbook_sum(data):
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


class FakeEthosAsr(FakeAsr):
    """``solicits``: asks for the host's address before it answers; ``late``: empty answers before each text."""

    def __init__(self, flash_bytes=0x1000000, **options):
        super().__init__(flash_bytes, **({"product": "arom", "bootrom": "2019.01.15"} | options))
        self.solicits = options.get("solicits", False)
        self.late = options.get("late", 0)
        self.packet_bytes = options.get("packet_bytes", 0x0800)
        self.sequence = 0x1234
        self.host = b""
        self.answers = []
        self.bulk = 0
        self.bulk_rounds = 0
        self.packets = 0
        self._message = b""
        self._waits = 0
        self.mtu = 1 << 30  # content pieces are checked as packets here

    # ---- link

    def feed(self, data):
        self._in += data
        out = []
        while self._in:
            if self.link == "wait":
                at = self._in.find(b"\x55\x55\x55\x55\x7e")
                if at < 0:
                    self._in = self._in[-4:]
                    break
                self._in = self._in[at + 5 :]
                self.link, self._inside = "greeted", False
                self.greetings += 1
                out.append(b"\x7e\x7e\x55\x55\x55\x55")
                continue
            if self.bulk:
                piece, self._in = self._in[: self.bulk], self._in[self.bulk :]
                self.bulk -= len(piece)
                self._put(self._data(piece))
                continue
            at = self._in.find(b"\x7e")
            if at < 0:
                break
            raw, self._in = self._in[:at], self._in[at + 1 :]
            if not self._inside:
                self._inside = True
            elif raw:
                self._inside = False
                out.append(self._frame(*unframe(raw)))
        return b"".join(out)

    def _frame(self, kind, payload):
        if kind == 0 and payload == b"UUUU":
            self.link = "confirmed"
            return b"\x7e\x55\x55\x55\x55\x7e"
        if kind == 2 and self.link == "confirmed" and len(payload) == 6:
            self.host, self.link = payload, "up"
            return frame(3, MAC)
        if self.link != "up":
            return b""
        if kind == 1:
            size = int(re.fullmatch(rb"....data-request:([0-9a-f]{8})", payload, re.DOTALL)[1], 16)
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.bulk = size
            self.bulk_rounds += bool(size)
            return b""
        return self._ethernet(payload) if kind == 0 else b""

    def _ethernet(self, data):
        target, source, kind, _, length, following, hops = struct.unpack_from(">6s6sHIHBB", data)
        sender, receiver, body = data[22:38], data[38:54], data[54:]
        assert (source, kind, length) == (self.host, 0x86DD, len(body))
        assert sender == address_of(self.host)
        assert textbook_sum(sender + receiver + struct.pack(">II", length, following) + body) == 0xFFFF
        if following == 58:
            assert hops == 255
            if body[0] == 136:
                self.solicits = False
                return b""
            assert body[:2] == b"\x87\x00"
            assert target == b"\x33\x33\xff" + MAC[3:]
            assert body[8:24] == address_of(MAC)
            return self._icmp(b"\x88\x00\x00\x00\xe0\x00\x00\x00" + address_of(MAC) + b"\x02\x01" + MAC)
        assert (target, following, hops) == (MAC, 17, 64)
        assert struct.unpack_from(">HHH", body) == (5553, 5554, length)
        ask = b""
        if self.solicits:
            ask = self._icmp(b"\x87\x00\x00\x00\x00\x00\x00\x00" + address_of(self.host) + b"\x01\x01" + MAC)
        return ask + self._packet(*struct.unpack_from(">BBH", body, 8), body[12:])

    def _send(self, following, hops, body, check_at):
        pseudo = address_of(MAC) + address_of(self.host) + struct.pack(">II", len(body), following)
        check = 0xFFFF - textbook_sum(pseudo + body)
        body = body[:check_at] + check.to_bytes(2, "big") + body[check_at + 2 :]
        head = struct.pack(">IHBB", 0x60000000, len(body), following, hops) + address_of(MAC) + address_of(self.host)
        return frame(0, self.host + MAC + b"\x86\xdd" + head + body)

    def _icmp(self, body):
        return self._send(58, 255, body, 2)

    # ---- packets

    def _packet(self, number, flags, sequence, data):
        self.packets += 1
        assert len(data) + 4 <= self.packet_bytes
        if number == 1:
            return self._reply(1, sequence, self.sequence.to_bytes(2, "big"))
        assert sequence == self.sequence, (sequence, self.sequence)
        self.sequence = (self.sequence + 1) & 0xFFFF
        if number == 2:
            assert data == bytes.fromhex("00010800")
            return self._reply(2, sequence, struct.pack(">HH", 1, self.packet_bytes))
        assert number == 3
        if not data and not flags:
            if self.answers and self._waits < self.late:
                self._waits += 1
                return self._reply(3, sequence, b"")
            self._waits = 0
            return self._reply(3, sequence, self.answers.pop(0) if self.answers else b"")
        if self.expected:
            self._put(self._data(data))
        else:
            self._put(self._command(data.decode("ascii")))
        return self._reply(3, sequence, b"")

    def _put(self, frames):
        """Answers of ``FakeAsr`` are frames of SMUX; here their texts wait to be fetched."""
        for raw in frames.split(b"\x7e"):
            if raw:
                kind, payload = unframe(raw)
                self.answers += [payload] if kind == 3 else []

    def _reply(self, number, sequence, data):
        body = struct.pack(">HHHH", 5554, 5553, 12 + len(data), 0) + struct.pack(">BBH", number, 0, sequence) + data
        return self._send(17, 64, body, 6)
