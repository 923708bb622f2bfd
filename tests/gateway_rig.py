"""A platform that does as it is told, and the device's end of a connection, for tests of the gateway."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from hand_clock import HandClock
from moduline.cloud.device_link.gateway import Gateway
from moduline.cloud.device_link.limits import GatewayLimits
from moduline.cloud.device_link.platform import Admitted, CameOnline, Received, Refused, WentOffline
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, frame, messages
from moduline.wire.quecthing.credentials import DeviceName, FirstPassword, RefusalCode, wants_encryption
from moduline.wire.quecthing.session_key import encrypt, open_frame

PK = "p000aa"
PS = "0123456789abcdef"
DS = "00112233445566778899aabbccddeeff"
SESSION_KEY = bytes(range(16))
RAND = "A1b2C3d4E5f6G7h8"
WAIT_S = 30.0  # nothing here takes long; a slow machine may


class ScriptedPlatform:
    """Knows one product; every device of it may come in, and gets the same secret.

    Args:
        verdicts: to be given before any checking, one per contact; None = check.
    """

    def __init__(self, *verdicts):
        self.verdicts = list(verdicts)
        self.contacts = []
        self.uplinks = []
        self.online = 0  # how often a device came
        self.causes = []  # why each went
        self.ids = {}
        self.failures = 0
        self.gate = asyncio.Event()  # closed: nothing is kept until it opens
        self.gate.set()
        self._changed = asyncio.Event()

    async def authenticate(self, contact):
        self.contacts.append(contact)
        if self.verdicts and (verdict := self.verdicts.pop(0)) is not None:
            return verdict
        name = credentials.split_client_id(contact.client_id, {PK})
        if name is None:
            return Refused(RefusalCode.UNKNOWN_PRODUCT)
        is_first = isinstance(contact.password, FirstPassword)
        if is_first:
            code = credentials.check_first(contact.password, name, PS)
        else:
            code = credentials.check_later(contact.password, DS, PS)
        if code is not None:
            return Refused(code)
        device = self.ids.setdefault(contact.client_id, len(self.ids) + 1)
        key = SESSION_KEY if wants_encryption(contact.password) else None
        return Admitted(device, DS if is_first else None, key)

    async def uplink(self, uplink):
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.uplinks.append(uplink)
        self.causes += [uplink.event.cause] if isinstance(uplink.event, WentOffline) else []
        self.online += isinstance(uplink.event, CameOnline)
        self._changed.set()

    @property
    def events(self):
        return [uplink.event for uplink in self.uplinks]

    @property
    def received(self):
        return [event.message for event in self.events if isinstance(event, Received)]

    async def until(self, is_so):
        """Waits until ``is_so(self)``."""
        async with asyncio.timeout(WAIT_S):
            while not is_so(self):
                self._changed.clear()
                await self._changed.wait()

    async def until_online(self, count=1):
        await self.until(lambda me: me.online >= count)

    async def until_offline(self, count=1):
        """Waits for the n-th end; gives its cause."""
        await self.until(lambda me: len(me.causes) >= count)
        return self.causes[count - 1]


class DeviceEnd:
    """The device's end of one connection: writes packets, reads packets."""

    def __init__(self, reader, writer, client_id):
        self.reader = reader
        self.writer = writer
        self.client_id = client_id
        self._decoder = Decoder()

    @classmethod
    async def reach(cls, port, dk="860000000000001", tls=None):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        return cls(reader, writer, credentials.client_id(DeviceName(PK, dk)))

    def write(self, *packets):
        self.writer.write(b"".join(packet if isinstance(packet, bytes) else encode(packet) for packet in packets))

    async def read(self):
        """The next packet; None at the end of the connection."""
        async with asyncio.timeout(WAIT_S):
            while isinstance(packet := self._decoder.next_packet(), Need):
                try:
                    data = await self.reader.read(65536)
                except ConnectionError:
                    return None
                if not data:
                    return None
                self._decoder.feed(data)
        return packet

    async def next_message(self, key=None):
        """The next PUBLISH as a message, acknowledged."""
        packet = await self.read()
        assert isinstance(packet, mqtt.Publish), packet
        if packet.packet_id is not None:
            self.write(mqtt.PubAck(packet.packet_id))
        return messages.decode(open_frame(packet.payload, key))

    def connect_packet(self, form=1, *, keep_alive_s=120, flag="0000", ds=DS, ps=PS, user_name=None):
        if form:
            password = credentials.later_password(ds, ps, RAND, flag)
        else:
            dk = self.client_id.removeprefix("qd" + PK)
            password = credentials.first_password(DeviceName(PK, dk), ps, RAND, flag)
        return mqtt.Connect(self.client_id, keep_alive_s, password=password, user_name=user_name)

    def subscribe_packet(self, packet_id=1):
        return mqtt.Subscribe(packet_id, ((f"q/1/d/{self.client_id}/+", 1),))

    async def come_online(self, form=1, **facts):
        """CONNECT and SUBSCRIBE, with the answers taken; with form 0 the secret too."""
        self.write(self.connect_packet(form, **facts))
        assert await self.read() == mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)
        self.write(self.subscribe_packet())
        assert await self.read() == mqtt.SubAck(1, (1,))
        return await self.next_message() if form == 0 else None

    def publish_packet(self, message, qos=1, mqtt_id=1, packet_id=1, key=None):
        payload = frame.encode(messages.encode(message, packet_id))
        if key is not None:
            payload = encrypt(key, payload)
        topic = f"q/2/d/{self.client_id}/{messages.topic_of(messages.command_of(message))}"
        return mqtt.Publish(topic, payload, qos, mqtt_id if qos else None)

    def close(self):
        self.writer.close()

    def reset(self):
        self.writer.transport.abort()


class Site:
    """A gateway that listens, its platform, its clock."""

    def __init__(self, gateway, platform, clock, port, notices):
        self.gateway = gateway
        self.platform = platform
        self.clock = clock
        self.port = port
        self.notices = notices
        self.ends = []

    async def reach(self, dk="860000000000001", **facts):
        end = await DeviceEnd.reach(self.port, dk, **facts)
        self.ends.append(end)
        return end


@asynccontextmanager
async def site(platform=None, *, limits=None, session_limits=None, tls=None):
    """A gateway on loopback whose clock stands until the test moves it."""
    platform = platform or ScriptedPlatform()
    clock = HandClock()
    notices = []
    gateway = Gateway(
        platform,
        clock=clock,
        limits=limits or GatewayLimits(slot_s=0.01),
        session_limits=session_limits,
        report=notices.append,
    )
    here = Site(gateway, platform, clock, await gateway.listen("127.0.0.1", 0, tls), notices)
    try:
        yield here
    finally:
        await gateway.stop()
        for end in here.ends:
            end.reset()
