"""The vendor client's recorded sessions against the gateway, over TCP.

What the device said is written as recorded; what the platform said is sent through the gateway at its place; every
answer that is the gateway's own (CONNACK, SUBACK, secret, error notice, acknowledgements, frames) is compared.
"""

import asyncio
from itertools import count

import pytest

from gateway_rig import DS, PS, RAND, DeviceEnd, ScriptedPlatform, site
from moduline.cloud.device_link.platform import Busy, CameOnline, Received, Refused, Unreadable
from moduline.errors import BadFormat
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.encode import remaining_length
from moduline.wire.quecthing import messages
from moduline.wire.quecthing.credentials import DeviceName, RefusalCode, first_password, later_password
from moduline.wire.quecthing.ota_messages import Report
from moduline.wire.quecthing.session_key import open_frame
from wire.quecthing import recorded
from wire.quecthing.invented import SCENES

SCENARIOS = recorded.scenarios()
# what the recording's platform did on purpose, contact by contact; None = judge
VERDICTS = {
    "connack-3": [None, Busy()],  # 3 wipes the secret (trap 1): ours closes instead
    "connection-dropped": [None, Busy(), Busy(), Busy()],
    "auth-error-10422": [Refused(RefusalCode.ALREADY_AUTHENTICATED)],
}
OWN_COMMANDS = {0x00B4, 0x00A3}  # said by the gateway itself


class Replay:
    """Plays one scenario."""

    def __init__(self, here):
        self.here = here
        self.end = None
        self.mqtt_ids = count(1)

    async def play(self, lines):
        for line in lines:
            if line.http:
                continue
            step = getattr(self, f"{line.dir}_{line.mqtt}".lower().rstrip("_"))
            await step(line)

    async def up_connect(self, line):
        self.end = await DeviceEnd.reach(self.here.port)
        self.here.ends.append(self.end)
        if line.scenario == "invented":
            self.end.write(_connect(line.data))
        else:
            self.end.write(b"\x10" + remaining_length(len(line.data)) + line.data)
        if self.here.platform.verdicts[:1] == [Busy()]:
            assert await self.end.read() is None  # closed without a word

    async def down_connack(self, line):
        if line.code == 0:
            assert await self.end.read() == mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)

    async def up_subscribe(self, line):
        self.end.write(mqtt.Subscribe(next(self.mqtt_ids), ((line.topic, line.qos),)))
        assert isinstance(suback := await self.end.read(), mqtt.SubAck)
        assert suback.codes == (line.qos,)

    async def down_publish(self, line):
        said = open_frame(line.data, recorded.SESSION_KEY)
        if said.command not in OWN_COMMANDS:
            await self.here.platform.until_online(len(self.here.platform.contacts))
            assert self.here.gateway.send(1, messages.Other(said.command, said.payload))
        publish = await self.end.read()
        assert isinstance(publish, mqtt.Publish)
        assert (publish.topic, publish.qos, publish.payload.hex()) == (line.topic, line.qos, line.hex)
        assert not publish.is_duplicate
        self.end.write(mqtt.PubAck(publish.packet_id))

    async def up_publish(self, line):
        mqtt_id = next(self.mqtt_ids)
        self.end.write(mqtt.Publish(line.topic, line.data, line.qos, mqtt_id if line.qos else None))
        if line.qos == 0:
            self.end.write(mqtt.PingReq())
            assert await self.end.read() == mqtt.PingResp()
        elif line.qos == 1:
            assert await self.end.read() == mqtt.PubAck(mqtt_id)
        else:
            assert await self.end.read() == mqtt.PubRec(mqtt_id)
            self.end.write(mqtt.PubRel(mqtt_id))
            assert await self.end.read() == mqtt.PubComp(mqtt_id)

    async def up_raw(self, line):
        self.end.write(line.data)

    async def up_await(self, line):
        assert type(await self.end.read()).__name__ == line.topic

    async def up_ping(self, line):
        del line
        self.end.write(mqtt.PingReq())
        assert await self.end.read() == mqtt.PingResp()

    async def close(self, line):
        del line
        self.end.close()


def _connect(body):
    """An invented CONNECT with the password it stands for."""
    at = 12 + int.from_bytes(body[10:12], "big")
    form, flag = int(body[at + 2 : at + 3]), body[at + 4 : at + 8].decode()
    name, keep_alive_s = DeviceName(recorded.PK, recorded.DK), int.from_bytes(body[8:10], "big")
    password = later_password(DS, PS, RAND, flag) if form else first_password(name, PS, RAND, flag)
    return mqtt.Connect(recorded.CLIENT_ID, keep_alive_s, password=password)


@pytest.mark.parametrize("name", SCENARIOS)
def test_recorded_session_when_replayed_then_led_to_its_end(name):
    lines = SCENARIOS[name]

    async def run():
        platform = ScriptedPlatform(*VERDICTS.get(name, []))
        async with site(platform) as here:
            replay = Replay(here)
            await replay.play(lines)
            replay.end.close()
            online = sum(isinstance(event, CameOnline) for event in platform.events)
            if online:
                await platform.until_offline(online)
        return platform

    platform = asyncio.run(run())
    said = [line for line in lines if line.dir == "up" and line.mqtt == "PUBLISH"]
    assert platform.received == [messages.decode(open_frame(line.data, recorded.SESSION_KEY)) for line in said]
    assert len(platform.contacts) == sum(line.mqtt == "CONNECT" for line in lines)
    assert not platform.verdicts


@pytest.mark.parametrize("name", SCENES)
def test_invented_session_when_replayed_then_every_answer_and_every_message_in_its_order(name):
    lines, _ = SCENES[name]

    async def run():
        platform = ScriptedPlatform()
        async with site(platform) as here:
            replay = Replay(here)
            await replay.play(lines)
            replay.end.close()
            await platform.until_offline(sum(line.mqtt == "CONNECT" for line in lines))
        return platform

    platform = asyncio.run(run())
    told = [event for event in platform.events if isinstance(event, Received | Unreadable)]
    expected = []
    for line in lines:
        if line.dir == "up" and line.mqtt == "PUBLISH":
            try:
                message = messages.decode(open_frame(line.data, recorded.SESSION_KEY))
                is_said = messages.command_of(message) != 0x0111
            except BadFormat:
                is_said = False
            expected.append(message if is_said else None)
    heard = [event.message if isinstance(event, Received) else None for event in told]
    if not any(line.mqtt == "RAW" for line in lines):
        assert heard == expected
    else:  # each of them once, however often it came
        codes = [one.code for one in heard if isinstance(one, Report)]
        assert codes == [1, 2, 4, 5, 8, 9, 11, 11][: len(codes)]
        assert len(codes) >= 7


def test_recorded_first_contact_when_everything_comes_in_one_segment_then_answered_in_order():
    """Trap 12: other clients send CONNECT and SUBSCRIBE together; here the reports come along too."""
    connect, _, _, _, *rest = SCENARIOS["module-success"]
    reports = [line for line in rest if line.dir == "up" and line.mqtt == "PUBLISH"][:3]

    async def run():
        async with site() as here:
            end = await here.reach()
            end.write(
                b"\x10" + remaining_length(len(connect.data)) + connect.data,
                end.subscribe_packet(1),
                *(mqtt.Publish(line.topic, line.data, line.qos, at) for at, line in enumerate(reports, 2)),
            )
            got = [await end.read() for _ in range(6)]
        return got, here.platform

    got, platform = asyncio.run(run())
    assert [type(packet) for packet in got[:3]] == [mqtt.ConnAck, mqtt.SubAck, mqtt.Publish]
    assert got[3:] == [mqtt.PubAck(2), mqtt.PubAck(3), mqtt.PubRec(4)]
    assert isinstance(platform.events[0], CameOnline)
    assert len(platform.received) == 3
