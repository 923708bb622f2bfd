"""A simulated QuecThing device for tests: real TCP, the vendor's order of messages, downloads by HTTP.

It keeps what a module keeps in flash - secret, version, the upgrade it is in - in ``Flash``, so that a reboot or a lost
connection is a new ``QuecThingDevice.run`` over the same flash. Modelled on the recordings of the vendor's C client:
after SUBACK it says 0x0034 and 0x0044, then a result that is due, and it asks by 0x0115 when told to.

Source: ota-semantics 11, 12, 13.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from urllib.parse import urlsplit

from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.ota_messages import Firmware, Offer, Report, Request
from moduline.wire.quecthing.sys_messages import (
    Configuration,
    DeviceInformation,
    DeviceStatus,
    ErrorNotice,
    ReadInformation,
)

RAND = "A1b2C3d4E5f6G7h8"
WAIT_S = 60.0


class Gone(Exception):  # noqa: N818
    """The connection ended."""


@dataclass
class Flash:
    """What survives a reboot."""

    pk: str
    ps: str
    dk: str
    version: str = "V1"
    ds: str = ""
    target: str = ""  # of the upgrade that is being written
    component: str = ""
    status: int = 0
    installs: list[str] = field(default_factory=list)  # every version that was ever written, in order
    mcu: str = ""
    unsaid: Report | None = None  # the last status, until it is acknowledged


@dataclass(frozen=True)
class Wishes:
    """How an application behaves."""

    accepts: bool = True
    asks: bool = True  # otaRequest after coming online
    becomes: str = ""  # version after the upgrade; "": the target
    digest: str | None = None


class QuecThingDevice:
    """One device and its application."""

    def __init__(self, flash, mqtt_port, wishes=None, *, host="127.0.0.1"):
        self.flash = flash
        self.port = mqtt_port
        self.host = host
        self.wishes = wishes or Wishes()
        self.plans = []  # what the plan callback got
        self.firmware = []  # every 0x0113
        self.results = []  # what the result callback got
        self.notices = []
        self.requests = []  # heads of HTTP requests and answers
        self.acknowledged = []  # status codes and versions that the platform has taken, in the order it said so
        self.online = asyncio.Event()
        self.connack = None
        self._changed = asyncio.Event()
        self._writer = None
        self._next_id = 0
        self._waiting = {}
        self._unheard = {}

    # -- one connection

    async def run(self):
        """One life of the connection: until it ends, or the module restarts."""
        self.reader, self._writer = await asyncio.open_connection(self.host, self.port)
        if self._writer.get_extra_info("sockname") == self._writer.get_extra_info("peername"):
            self._writer.transport.abort()  # TCP does that on loopback while nobody listens: it met itself
            raise Gone
        self._decoder = Decoder()
        self.online = asyncio.Event()
        try:
            await self._come_in()
            while True:
                await self._heard(await self._read())
        finally:
            self._writer.transport.abort()
            self._waiting.clear()
            self._unheard.clear()
            self.online.clear()

    async def live(self):
        """Run again and again, as a module does, until cancelled."""
        pause = 0.05
        while True:
            try:
                await self.run()
            except (Gone, OSError):
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 1.0)
            else:
                pause = 0.05

    async def _come_in(self):
        flash = self.flash
        name = DeviceName(flash.pk, flash.dk)
        self.client_id = credentials.client_id(name)
        password = (
            credentials.later_password(flash.ds, flash.ps, RAND)
            if flash.ds
            else credentials.first_password(name, flash.ps, RAND)
        )
        self._write(mqtt.Connect(self.client_id, 0, password=password))
        answer = await self._read()
        self.connack = answer.code
        if answer.code is not mqtt.ConnectCode.ACCEPTED:
            flash.ds = ""  # trap 1
            raise Gone
        self._write(mqtt.Subscribe(1, ((f"q/1/d/{self.client_id}/+", 1),)))
        while not isinstance(packet := await self._read(), mqtt.SubAck):
            await self._heard(packet)
        while not flash.ds:
            await self._heard(await self._read())
        await self._report_in()

    async def _report_in(self):
        """What the SDK says when it is subscribed."""
        flash = self.flash
        status = DeviceStatus(Decimal(80), Decimal("3.819999999999999"), Decimal(-71), Decimal(500_000))
        self._say(status)
        information = DeviceInformation("EC600U", flash.version, flash.mcu, sdk_version="2.9.0")
        self._say(information)
        flash.status = 0 if flash.status == 1 else flash.status
        if flash.target:
            code = 11 if flash.version == flash.target else 12
            if flash.status in {2, 4, 5, 8} and code == 12:
                code = 6
            await self._finish(code)
        elif flash.unsaid is not None and flash.unsaid.code in {3, 6, 11, 12}:
            self._tell(flash.unsaid)
        self.online.set()
        self._changed.set()
        if self.wishes.asks and not flash.target:
            self.request()

    async def _finish(self, code):
        flash = self.flash
        self.results.append((flash.component, code))
        flash.target, flash.status = "", 0
        await self._report(code, is_last=True)

    def request(self):
        """``Qth.otaRequest()``."""
        self._say(Request(self.flash.version, self.flash.mcu or None), qos=2)

    def close(self):
        self._writer.close()

    async def _read(self):
        while isinstance(packet := self._decoder.next_packet(), Need):
            try:
                data = await self.reader.read(65536)
            except ConnectionError as error:
                raise Gone from error
            if not data:
                raise Gone
            self._decoder.feed(data)
        return packet

    def _write(self, packet):
        self._writer.write(encode(packet))

    def _say(self, message, qos=1):
        self._next_id = self._next_id % 60000 + 1
        payload = frame.encode(messages.encode(message, self._next_id))
        topic = f"q/2/d/{self.client_id}/{messages.topic_of(messages.command_of(message))}"
        done = asyncio.get_running_loop().create_future()
        self._waiting[self._next_id] = done
        self._unheard[self._next_id] = message
        self._write(mqtt.Publish(topic, payload, qos, self._next_id))
        return done

    async def _heard(self, packet):
        match packet:
            case mqtt.Publish():
                if packet.packet_id is not None:
                    self._write(mqtt.PubAck(packet.packet_id))
                await self._told(messages.decode(frame.decode(packet.payload)))
            case mqtt.PubRec(number):
                self._taken(number)
                self._write(mqtt.PubRel(number))
            case mqtt.PubAck(number) | mqtt.PubComp(number):
                self._taken(number)
                done = self._waiting.pop(number, None)
                if done is not None and not done.done():
                    done.set_result(None)

    def _taken(self, number):
        """The platform has said that it has a message."""
        match self._unheard.pop(number, None):
            case Report(code=code):
                self.acknowledged.append(code)
            case DeviceInformation(module_version=version) if version:
                self.acknowledged.append(version)

    async def _told(self, message):
        match message:
            case Configuration():
                self.flash.ds = message.ds or self.flash.ds
            case ErrorNotice():
                self.notices.append(message.code)
                raise Gone
            case ReadInformation():
                self._say(DeviceInformation(module_version=self.flash.version, is_answer=True))
            case Offer():
                await self._offered(message)
            case Firmware():
                await self._update(message)
        self._changed.set()

    async def _offered(self, offer):
        if self.flash.status not in {0, 1}:
            return  # trap 5
        self.plans.append(offer)
        self.flash.component = offer.components[-1].component
        await self._report(1)
        if self.wishes.accepts is None:
            return
        if self.wishes.accepts:
            self.flash.target = offer.components[-1].target
        await self._report(2 if self.wishes.accepts else 3)
        if not self.wishes.accepts:
            self.flash.status = 0

    async def _report(self, code, *, is_last=False):
        flash = self.flash
        if not is_last and code != 3:
            flash.status = code
        versions = {"module_version": flash.version} if code in {11, 12} else {}
        digest = self.wishes.digest if code == 2 else None
        self._tell(Report(code, "WORD", 0, flash.component, digest, **versions))

    def _tell(self, report):
        """Says a status; kept until it is acknowledged."""
        flash = self.flash
        flash.unsaid = report

        def kept(done):
            if flash.unsaid is report and not done.cancelled():
                flash.unsaid = None

        self._say(report, qos=2).add_done_callback(kept)

    async def _update(self, message):
        if self.flash.status not in {0, 2}:
            return  # trap 5
        self.firmware.append(message)
        self.flash.target = message.target
        await self._report(4)
        await self._report(5)
        await self._writer.drain()
        body = await self.fetch(message.url)
        await self._writer.drain()
        if hashlib.md5(body).hexdigest() != message.md5 or not message.crc:
            await self._report(6)
            self.flash.status, self.flash.target = 0, ""
            return
        await self._report(8)
        await self._report(9)
        with contextlib.suppress(Gone):  # it writes, whoever listens
            await self._drain()
        flash = self.flash
        flash.version = self.wishes.becomes or message.target
        flash.installs.append(message.target)
        raise Gone  # the module restarts

    async def _drain(self):
        """Waits until everything that was said is acknowledged."""
        async with asyncio.timeout(WAIT_S):
            while self._waiting:
                await self._heard(await self._read())

    async def fetch(self, url):
        """GET as the SDK does it: Range, ``Host:`` without a blank, header names compared with case."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        head = f"GET {parts.path} HTTP/1.1\r\nHost:{parts.netloc}\r\nAccept-Ranges: bytes\r\nRange: bytes=0-\r\n\r\n"
        writer.write(head.encode())
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(answer.decode())
            status = int(answer.split(b" ", 2)[1])
            length = next(
                int(line.removeprefix(b"Content-Length: "))
                for line in answer.split(b"\r\n")
                if line.startswith(b"Content-Length: ")
            )
            assert answer.startswith(b"HTTP/1.1 ")
            return await reader.readexactly(length) if status in {200, 206} else b""
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        finally:
            writer.transport.abort()

    # -- what tests wait for

    async def until(self, is_so):
        """Waits until ``is_so(self)``."""
        async with asyncio.timeout(WAIT_S):
            while not is_so(self):
                self._changed.clear()
                await self._changed.wait()


def flashes(count, pk, ps, version="V1", first=860_000_000_000_001):
    """The flash of so many fresh devices."""
    return [Flash(pk, ps, str(first + at), version) for at in range(count)]


def rewritten(flash, **facts):
    """A copy with other facts."""
    return replace(flash, **facts)
