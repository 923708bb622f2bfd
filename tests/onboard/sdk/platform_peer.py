"""A tiny scripted QuecThing platform, written from the reference alone: TCP, MQTT, frames, and a file server.

Shares no code with the product on purpose.  Source: ota-semantics 11.
"""

import asyncio
import base64
import contextlib
import hashlib
from dataclasses import dataclass

DS = "00112233445566778899aabbccddeeff"
MCU = 1


# ---- frames ----------------------------------------------------------------------------------------------------------


def value(number, content):
    """One TTLV: bool, int, text or bytes, list of encoded members."""
    if isinstance(content, bool):
        return (number * 8 + content).to_bytes(2, "big")
    if isinstance(content, int):
        size = max(1, (abs(content).bit_length() + 7) // 8)
        head = (0x80 if content < 0 else 0) + size - 1
        return (number * 8 + 2).to_bytes(2, "big") + bytes([head]) + abs(content).to_bytes(size, "big")
    if isinstance(content, list):
        return (number * 8 + 4).to_bytes(2, "big") + len(content).to_bytes(2, "big") + b"".join(content)
    data = content.encode() if isinstance(content, str) else content
    return (number * 8 + 3).to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def values(payload):
    """{id: value} of a flat payload; first match wins."""
    found, at = {}, 0
    while at < len(payload):
        tag = int.from_bytes(payload[at : at + 2], "big")
        at += 2
        if tag & 7 < 2:
            said = tag & 7 == 1
        elif tag & 7 == 2:
            size = (payload[at] & 7) + 1
            said = int.from_bytes(payload[at + 1 : at + 1 + size], "big") * (-1 if payload[at] & 0x80 else 1)
            digits = payload[at] >> 3 & 15
            said = said / 10**digits if digits else said
            at += 1 + size
        else:
            assert tag & 7 == 3, "a device sends no structs"
            size = int.from_bytes(payload[at : at + 2], "big")
            said = payload[at + 2 : at + 2 + size].decode()
            at += 2 + size
        found.setdefault(tag >> 3, said)
    return found


def frame(packet, command, payload):
    """A stuffed frame."""
    body = packet.to_bytes(2, "big") + command.to_bytes(2, "big") + payload
    plain = b"\xaa\xaa" + (len(body) + 1).to_bytes(2, "big") + bytes([sum(body) % 256]) + body
    out = bytearray(plain[:1])
    for at in range(1, len(plain)):
        out.append(plain[at])
        if plain[at] == 0xAA and plain[at + 1 : at + 2] in (b"\xaa", b"\x55", b""):
            out.append(0x55)
    return bytes(out)


def unframe(data):
    """(packet, command, payload)."""
    plain = data[:2] + bytes(b for at, b in enumerate(data) if at >= 2 and not (b == 0x55 and data[at - 1] == 0xAA))
    size = int.from_bytes(plain[2:4], "big")
    assert plain[:2] == b"\xaa\xaa"
    assert len(plain) == 4 + size
    assert sum(plain[5:]) % 256 == plain[4]
    return int.from_bytes(plain[5:7], "big"), int.from_bytes(plain[7:9], "big"), plain[9:]


def plan(component="EC600S", source="V1", target="V2", kind=0):
    """A plan as the payload of 0x0111."""
    return b"".join(
        [
            value(4, component),
            value(5, source),
            value(6, target),
            value(7, kind),
            value(8, 30),
            value(9, 19656),
            value(10, -113),
        ]
    )


def file_list(files, component="EC600S", target="V2", kind=0, more=b""):
    """Several files as the payload of 0x0113; ``files`` are (index, url, data) and maybe an MD5."""
    members = []
    for index, url, data, *md5 in files:
        digest = md5[0] if md5 else hashlib.md5(data).hexdigest()
        rows = [value(30, index), value(1, url), value(2, len(data)), value(3, digest)]
        members.append(value(0, rows))
    return value(4, component) + value(6, target) + value(7, kind) + value(20, members) + more


def firmware(url, data, component="EC600S", target="V2", kind=0, **changes):
    """Where the package is, as the payload of 0x0113; ``changes`` by name: size, md5, crc, sha256.

    None leaves a value out.
    """
    said = {"size": len(data), "md5": hashlib.md5(data).hexdigest(), "crc": "8c3c29f8", "sha256": None, **changes}
    rows = [(1, url), (2, said["size"]), (3, said["md5"]), (4, component), (6, target), (7, kind)]
    rows += [(15, said["crc"]), (16, said["sha256"])]
    return b"".join(value(number, content) for number, content in rows if content is not None)


# ---- MQTT ------------------------------------------------------------------------------------------------------------


@dataclass
class Said:
    """One message of the device."""

    topic: str
    qos: int
    packet: int
    command: int
    payload: bytes
    raw: bytes

    @property
    def values(self):
        return values(self.payload)


class Platform:
    """``async with Platform() as platform``; what devices say is in ``heard``, in order.

    Attributes:
        heard: a Said for each message, a (client id, password) for each CONNECT.
        codes: CONNACK codes to answer with, in turn; 0 when there are none.
        complaint: code of the error notice instead of a secret.
        mute: QoS 1 and 2 messages of this topic are not acknowledged.
        on_status: called with each status of 0x0114; what it returns is sent, (command, payload).
    """

    def __init__(self, tls=None):
        self._tls = tls  # an SSLContext for both servers
        self.talks = {}  # name of a file -> coroutine function(reader, writer, range) that answers by itself
        self.greeting = b""  # bytes a hostile platform sends behind CONNACK
        self.heard, self.codes, self.complaint, self.mute = [], [], None, ""
        self.on_status = lambda status: None
        self.cut_after = None  # close the connection after so many messages, unacknowledged
        self.files, self.asked, self.faults = {}, [], {}
        self.stuck_at = 0  # bytes of a body after which a "stuck" server says nothing more
        self.key, self.closed = b"", []  # of a session; messages that came encrypted
        self.pings, self.is_deaf = 0, False  # a deaf platform answers no ping
        self._writer = None
        self._news = asyncio.Event()
        self._packet = 0
        self._tasks = set()

    async def __aenter__(self):
        self._servers = [
            await asyncio.start_server(one, "127.0.0.1", 0, ssl=self._tls) for one in (self._device, self._download)
        ]
        self.port, self.files_port = (server.sockets[0].getsockname()[1] for server in self._servers)
        self.host = "localhost" if self._tls else "127.0.0.1"
        self.url = f"mqtt{'s' if self._tls else ''}://{self.host}:{self.port}"
        return self

    async def __aexit__(self, *_):
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- for tests ----

    @property
    def statuses(self):
        """Codes of 0x0114, in order."""
        return [one.values[13] for one in self.messages(0x0114)]

    @property
    def passwords(self):
        return [one[1] for one in self.heard if isinstance(one, tuple)]

    def messages(self, command):
        return [one for one in self.heard if isinstance(one, Said) and one.command == command]

    async def until(self, is_true, limit_s=40):
        """Wait until it is so; it may change with each message."""
        try:
            async with asyncio.timeout(limit_s):
                while not is_true():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(
                f"heard {[hex(o.command) if isinstance(o, Said) else o for o in self.heard]}, "
                f"statuses {self.statuses}, asked {self.asked}"
            ) from None

    async def online(self, times=1):
        await self.until(lambda: len(self.messages(0x0044)) >= times)

    def say(self, command, payload, topic="ota", qos=1):
        """Publish to the device."""
        self._packet += 1
        data = frame(self._packet, command, payload)
        path = f"q/1/d/{self._client_id}/{topic}".encode()
        number = self._packet.to_bytes(2, "big") if qos else b""
        self._write(0x30 | qos << 1, len(path).to_bytes(2, "big") + path + number + data)

    def drop(self):
        """Lose the connection."""
        self._writer.transport.abort()

    def file_url(self, name):
        return f"http{'s' if self._tls else ''}://{self.host}:{self.files_port}/{name}"

    # ---- connection ----

    def _write(self, head, body):
        size, length = len(body), bytearray()
        while True:
            size, digit = size >> 7, size & 0x7F
            length.append(digit | (0x80 if size else 0))
            if not size:
                break
        self._writer.write(bytes([head]) + bytes(length) + body)

    async def _device(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readexactly(1))[0]
                size = shift = 0
                while True:
                    digit = (await reader.readexactly(1))[0]
                    size |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        break
                if self._met(head, await reader.readexactly(size), writer):
                    break
                self._news.set()
        self._news.set()
        writer.close()

    def _met(self, head, body, writer):
        """Answer one packet; True ends the connection."""
        kind = head >> 4
        if kind == 1:
            return self._connect(body, writer)
        if kind == 8:
            self._write(0x90, body[:2] + b"\x01")
            if self.complaint:
                self.say(0x00A3, value(1, self.complaint), "sys")
            elif self.passwords[-1].startswith("0"):
                self.say(0x00B4, value(5, DS) + (value(6, self.key) if self.key else b""), "sys")
        elif kind == 3:
            return self._publish(head >> 1 & 3, body)
        elif kind == 6:
            self._write(0x70, body[:2])
        elif kind == 5:
            self._write(0x62, body[:2])
        elif kind == 12:
            self.pings += 1
            if not self.is_deaf:
                self._write(0xD0, b"")
        return kind == 14

    def _connect(self, body, writer):
        self._writer = writer
        assert body[:7] == b"\x00\x04MQTT\x04"
        assert body[7] == 0x42, "a password and no user name"
        size = int.from_bytes(body[10:12], "big")
        self._client_id = body[12 : 12 + size].decode()
        self.heard.append((self._client_id, body[14 + size :].decode()))
        code = self.codes.pop(0) if self.codes else 0
        if code == "close":
            return True
        self._write(0x20, bytes([0, code]))
        writer.write(self.greeting)
        return code != 0

    def _publish(self, qos, body):
        size = int.from_bytes(body[:2], "big")
        topic = body[2 : 2 + size].decode()
        prefix, _, name = topic.rpartition("/")
        assert prefix == f"q/2/d/{self._client_id}"
        at = 2 + size + (2 if qos else 0)
        if self.key:
            self.closed.append(body[at:])
            self._write(0x40, body[2 + size : at])
            return False
        said = Said(name, qos, *unframe(body[at:]), body[at:])
        self.heard.append(said)
        if self.cut_after is not None:
            self.cut_after -= 1
            if self.cut_after <= 0:
                return True
        if qos and self.mute != name:
            self._write(0x40 if qos == 1 else 0x50, body[2 + size : at])
        if said.command == 0x0114:
            answer = self.on_status(said.values[13])
            if answer is not None:
                self.say(*answer)
        return False

    # ---- files ----

    async def _download(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            name = head.split(" ")[1].lstrip("/")
            wanted = [line[13:] for line in head.split("\r\n") if line.startswith("Range: bytes=")]
            self.asked.append((name, wanted[0] if wanted else ""))
            if name in self.talks:
                self._news.set()
                await self.talks[name](reader, writer, wanted[0] if wanted else "")
                writer.close()
                return
            first, _, last = (wanted[0] if wanted else "0-").partition("-")
            data, fault = self.files[name], self.faults.get(name)
            first, last = int(first), int(last or len(data) - 1)
            lines = {
                None: f"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{last}/{len(data)}\r\n",
                "deaf": "HTTP/1.1 200 OK\r\n",
                "gone": "HTTP/1.1 404 Not Found\r\n",
            }
            is_deaf = fault == "deaf"
            body = data if is_deaf else b"gone" if fault == "gone" else data[first : last + 1]
            kind = fault if fault or wanted else "deaf"
            said = lines.get(kind, lines[None]) + f"Content-Length: {len(body)}\r\n\r\n"
            if isinstance(fault, int):
                body = body[:fault]
            elif fault == "stuck":
                body = body[: self.stuck_at]
            writer.write(said.encode() + body)
            self._news.set()
            await writer.drain()
            if fault == "stuck":
                await reader.read()
        writer.close()


def password_is_form_1(password, ps, ds=DS):
    """Whether the device proved that it knows the secret."""
    form, flag, random, sign = password.split(";")
    proof = base64.b64encode(hashlib.sha256(f"{ds};{ps};{random}".encode()).digest()).decode()
    return (form, flag, sign) == ("1", "0000", proof)
