"""A whole scripted platform for simulated devices: the real gateway, a plan, and a file server, all on loopback."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager

import fastcrc

from gateway_rig import PK, PS, ScriptedPlatform, site
from moduline.cloud.device_link.platform import Received
from moduline.fleet import FleetOptions
from moduline.wire.quecthing import ota_messages as ota

FILE = bytes(range(256)) * 120
MD5 = hashlib.md5(FILE, usedforsecurity=False).hexdigest()
CRC = f"{fastcrc.crc32.mpeg_2(FILE):08x}"


def offer(source="V1", target="V2", component="mod", kind=0, **limits):
    """An offer of one component, with limits that every plain device meets."""
    limits = {"battery_percent": 30, "space_bytes": 19656, "signal_dbm": -113} | limits
    return ota.Offer((ota.OfferedComponent(component, target, kind, source, **limits),))


def firmware(url, target="V2", component="mod", kind=0, **facts):
    """Where `FILE` is."""
    return ota.Firmware(
        component, target, kind, **{"url": url, "size_bytes": len(FILE), "md5": MD5, "crc": CRC} | facts
    )


class Files:
    """Serves `FILE` as the vendor's client wants it, and remembers the requests.

    Args:
        answer: request head -> bytes of the answer; None: as it should be.
    """

    def __init__(self, answer=None):
        self.requests = []
        self.url = ""
        self._answer = answer or whole_answer
        self._writers = set()

    async def serve(self, reader, writer):
        self._writers.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        self.requests.append(head)
        for piece in self._answer(head):
            writer.write(piece or b"")
        if piece is None or self._answer is whole_answer:
            writer.close()

    def close(self):
        for writer in self._writers:
            writer.close()


def asked(head):
    """First and last byte of a request."""
    line = next((one for one in head.decode().split("\r\n") if one.startswith("Range: bytes=")), None)
    return (0, len(FILE) - 1) if line is None else tuple(map(int, line.removeprefix("Range: bytes=").split("-")))


def whole_answer(head):
    first, last = asked(head)
    body = FILE[first : last + 1]
    yield f"HTTP/1.1 206 Partial Content\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    yield body


class Upgrading(ScriptedPlatform):
    """Offers V2 to every device that asks with V1, and a URL to each that wants one."""

    def __init__(self, url="", say=offer):
        super().__init__()
        self.url = url
        self.offer = say()
        self.gateway = None
        self.firmware_facts = {}
        self.heard = {}  # device -> codes of 0x0114, in their order
        self.said = {}  # device -> what it said, in its order

    async def uplink(self, uplink):
        await super().uplink(uplink)
        if not isinstance(uplink.event, Received):
            return
        message = uplink.event.message
        self.said.setdefault(uplink.device, []).append(message)
        match message:
            case ota.Request(module_version="V1"):
                self._soon(uplink.device, self.offer)
            case ota.Report(code=2 | 6):
                self._soon(uplink.device, firmware(self.url, **self.firmware_facts))
        if isinstance(message, ota.Report):
            codes = self.heard.setdefault(uplink.device, [])
            if message.code != 5 or codes[-1:] != [5]:  # how many there are depends on the time a download takes
                codes.append(message.code)

    def of_keys(self):
        """What each device said of upgrades, by its client id."""
        keys = {number: client_id for client_id, number in self.ids.items()}
        return {keys[number]: codes for number, codes in self.heard.items()}

    def _soon(self, device, message):
        asyncio.get_running_loop().call_soon(self.gateway.send, device, message)


class Place:
    """Gateway, platform and files."""

    def __init__(self, gateway_port, platform, files):
        self.port = gateway_port
        self.platform = platform
        self.files = files

    def options(self, count, **facts):
        """A run that ends when all have ended, or much too late."""
        facts = {"is_until_done": True, "limit_s": 60.0} | facts
        return FleetOptions("127.0.0.1", count, PK, PS, self.port, **facts)


@asynccontextmanager
async def place(answer=None, platform=None):
    """Everything a fleet needs."""
    files = Files(answer)
    platform = platform or Upgrading()
    server = await asyncio.start_server(files.serve, "127.0.0.1", 0)
    platform.url = platform.url or f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/f"
    async with site(platform) as here:
        platform.gateway = here.gateway
        try:
            yield Place(here.port, platform, files)
        finally:
            files.close()
            server.close()
