"""Packets that mean ill, or come in pieces: bits that are reserved, topics that are no text, bytes that drip, storms."""

import asyncio

import pytest

from gateway_rig import site
from hostile_rig import emptied, watched_site
from moduline.cloud.device_link.limits import GatewayLimits
from moduline.cloud.device_link.platform import Cause
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing.ota_messages import Report, Request


def test_conversation_when_it_comes_byte_by_byte_then_the_same_as_whole():
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            whole = [
                end.connect_packet(),
                end.subscribe_packet(),
                end.publish_packet(Request("V1"), 1, 7),
                end.publish_packet(Report(5), 2, 8),
                mqtt.PubRel(8),
                mqtt.PingReq(),
            ]
            for byte in b"".join(encode(one) for one in whole):
                end.writer.write(bytes([byte]))
                await end.writer.drain()
                await asyncio.sleep(0)
            answers = {type(await end.read()) for _ in range(6)}
            assert answers == {mqtt.ConnAck, mqtt.SubAck, mqtt.PubAck, mqtt.PubRec, mqtt.PubComp, mqtt.PingResp}

    asyncio.run(run())


def test_packet_when_it_drips_in_the_middle_then_closed_after_the_keep_alive():
    """Bytes alone are no sign of life: only whole packets are."""

    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online(keep_alive_s=60)
            await here.platform.until_online(2)
            packet = end.publish_packet(Request("V" * 60), 1, 7)
            raw = encode(packet)
            for at in range(9):
                end.write(raw[at : at + 1])
                await asyncio.sleep(0)
                here.clock.advance(9.5)
            here.clock.advance(10.0)
            assert await here.platform.until_offline() is Cause.SILENT

    asyncio.run(run())


RESERVED = [
    b"\x00\x00",  # type 0
    b"\xf0\x00",  # type 15
    b"\xc1\x00",  # PINGREQ with a flag
    b"\xc0\x01\x00",  # PINGREQ with a body
    b"\x60\x02\x00\x01",  # PUBREL without its flag
    b"\x6f\x02\x00\x01",
    b"\x80\x06\x00\x01\x00\x01a\x01",  # SUBSCRIBE without its flag
    b"\x82\x06\x00\x01\x00\x01a\x03",  # ... for QoS 3
    b"\x82\x06\x00\x01\x00\x01a\xfc",
    b"\x82\x02\x00\x01",  # ... for nothing
    b"\x82\x06\x00\x00\x00\x01a\x01",  # ... without a number
    b"\x36\x05\x00\x01a\x00\x01",  # PUBLISH with QoS 3
    b"\x32\x05\x00\x01a\x00\x00",  # ... with QoS 1 and no number
    b"\x32\x02\x00\x09",  # ... a topic longer than the packet
    b"\x30\x02\x00\x00",  # ... no topic
    b"\x40\x01\x00",  # PUBACK too short
    b"\x40\x03\x00\x01\x00",
    b"\x20\x02\x00\x00",  # what only servers say
    b"\x90\x03\x00\x01\x00",
    b"\xb0\x02\x00\x01",
    b"\xd0\x00",
    b"\xe0\x01\x00",  # DISCONNECT with a body
    b"\xe1\x00",
]


@pytest.mark.parametrize("wire", RESERVED, ids=lambda wire: wire.hex())
def test_packet_when_against_the_rules_then_closed(wire):
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online(2)
            end.write(wire)
            assert await end.read() is None
            assert await here.platform.until_offline() in {Cause.BAD_PROTOCOL, Cause.FOREIGN_TOPIC}

    asyncio.run(run())


def test_connect_when_it_comes_twice_then_closed():
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online(2)
            end.write(end.connect_packet())
            assert await end.read() is None

    asyncio.run(run())


FLAGS = [b"\x01", b"\x41", b"\x5c", b"\x78"]  # the reserved one; a will with QoS 3; a will that is none


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.hex())
def test_connect_when_its_flags_contradict_each_other_then_not_let_in(flag):
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            raw = bytearray(encode(end.connect_packet()))
            place = raw.index(b"MQTT") + 5
            raw[place : place + 1] = flag
            end.write(bytes(raw))
            answer = await end.read()
            assert answer is None or answer.code is not mqtt.ConnectCode.ACCEPTED
            assert here.platform.online == 1

    asyncio.run(run())


TOPICS = [
    b"\xff\xfe",
    b"q/2/d/\x00/ota",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"#",
    b"q/2/d/+/ota",
    b"",
    b"/" * 2000,
    b"q/2/d/\xe2\x80\xae/ota",
]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic[:8].hex())
def test_topic_when_it_is_no_text_or_a_pattern_then_closed(topic):
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online(2)
            body = len(topic).to_bytes(2, "big") + topic + b"\x00\x05"
            length = len(body)
            size = bytes([length]) if length < 128 else bytes([length % 128 | 0x80, length // 128])
            end.write(b"\x32" + size + body)
            assert await end.read() is None
            assert here.platform.received == []

    asyncio.run(run())


def test_messages_when_their_numbers_come_twice_then_each_is_kept_once_and_acknowledged():
    """QoS 2: the same number is the same message until PUBREL; after it, another one."""

    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online(2)
            for _ in range(20):
                end.write(end.publish_packet(Report(5), 2, 9))
            assert await end.read() == mqtt.PubRec(9)
            end.write(mqtt.PubRel(9), mqtt.PubRel(9), mqtt.PubRel(4242))
            seen = []
            while len([one for one in seen if isinstance(one, mqtt.PubComp)]) < 3:
                seen.append(await end.read())
            assert {type(one) for one in seen} <= {mqtt.PubComp, mqtt.PubRec}
            assert here.platform.received == [Report(5)]
            end.write(end.publish_packet(Report(8), 2, 9))
            assert await end.read() == mqtt.PubRec(9)
            assert here.platform.received == [Report(5), Report(8)]

    asyncio.run(run())


def test_device_when_it_comes_again_two_hundred_times_then_one_connection_is_left():
    """A storm of take-overs; nobody waits for the end of the one before."""

    async def run():
        async with watched_site() as here:
            ends = []
            for _ in range(200):
                end = await here.reach()
                end.write(end.connect_packet(), end.subscribe_packet())
                ends.append(end)
            await here.platform.until(lambda me: me.online - len(me.causes) == 2)
            async with asyncio.timeout(60):
                while here.gateway.connections_here > 2:
                    await asyncio.sleep(0.01)
            assert here.gateway.devices_here == 2
            assert set(here.platform.causes) <= {Cause.TAKEN_OVER}

    asyncio.run(run())


def test_strangers_when_hundreds_connect_and_say_nothing_then_only_so_many_and_gone_in_time():
    """Half-open connections: at most so many of one address, and each for ten seconds."""

    async def run():
        limits = GatewayLimits(strangers_per_address=100, slot_s=0.01)
        async with watched_site(limits=limits) as here:
            for _ in range(300):
                await here.reach()
            async with asyncio.timeout(60):
                while here.gateway.refused_at_the_door < 200:
                    await asyncio.sleep(0.01)
            assert here.gateway.connections_here <= 101
            here.clock.advance(11.0)
            await emptied(here)

    asyncio.run(run())


def test_subscriptions_when_they_change_all_the_time_then_the_last_one_counts():
    async def run():
        async with site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            own = f"q/1/d/{end.client_id}/"
            for number in range(2, 102):
                end.write(
                    mqtt.Subscribe(number, ((own + "ota", number % 2),)), mqtt.Unsubscribe(number, (own + "ota",))
                )
            for number in range(2, 102):
                assert await end.read() == mqtt.SubAck(number, (number % 2,))
                assert await end.read() == mqtt.UnsubAck(number)
            assert not here.gateway.send(1, Report(1))

    asyncio.run(run())
