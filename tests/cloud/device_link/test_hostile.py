"""Who means ill: floods, drips, giants, garbage. The gateway stays up, keeps little, and goes on with everybody else."""

import asyncio
import random
import socket
import ssl

import pytest
import trustme

from gateway_rig import DeviceEnd, site
from hostile_rig import emptied, watched_site
from moduline.cloud.device_link.limits import GatewayLimits, SessionLimits
from moduline.cloud.device_link.platform import Cause
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing.messages import Other
from moduline.wire.quecthing.ota_messages import Report, Request


def damaged(chance, packet):
    """Bytes of a packet with one to four kinds of damage."""
    wire = bytearray(packet)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(wire) + 1)
        match chance.randrange(5):
            case 0:
                wire[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                wire[at:at] = chance.randbytes(chance.randrange(1, 30))
            case 2:
                del wire[at : at + chance.randrange(1, 8)]
            case 3:
                wire[at:at] = wire[: chance.randrange(len(wire) + 1)]
            case _:
                wire[at:at] = b"\xff" * chance.randrange(1, 9)
        wire = wire or bytearray(b"\x00")
    return bytes(wire)


@pytest.mark.parametrize("seed", range(4))
def test_packets_when_fuzzed_then_everybody_else_is_served(seed):
    """Together 2,000 damaged packets, before and after CONNECT, on 400 connections."""
    chance = random.Random(seed)

    async def fuzz(here, at):
        end = await here.reach(f"8600000001{seed}{at:04}")
        whole = [
            end.connect_packet(chance.randrange(2)),
            end.subscribe_packet(),
            end.publish_packet(Report(1), 2, 9),
            end.publish_packet(Request("V1"), 1, 10),
            mqtt.PubRel(9),
            mqtt.Unsubscribe(3, ("a",)),
            mqtt.PubAck(1),
            mqtt.PingReq(),
        ]
        if chance.random() < 0.6:
            end.write(whole[0])
        if chance.random() < 0.5:
            end.write(whole[1])
        for _ in range(5):
            end.write(damaged(chance, encode(chance.choice(whole))))
        end.write(mqtt.Disconnect())
        end.writer.write_eof()
        try:
            while await end.read() is not None:
                pass
        except ValueError:
            pytest.fail("the gateway wrote what is no MQTT")

    async def run():
        async with watched_site() as here:
            for begin in range(0, 100, 20):
                await asyncio.gather(*(fuzz(here, at) for at in range(begin, begin + 20)))
            await emptied(here)

    asyncio.run(run())


def test_peers_when_they_drip_their_connect_then_all_closed_at_the_deadline():
    """Slowloris: 200 connections, a byte now and then."""

    async def run():
        async with watched_site() as here:
            ends = [await here.reach(f"86{at:013}") for at in range(200)]
            async with asyncio.timeout(60):
                while here.gateway.connections_here < 201:
                    await asyncio.sleep(0.01)
            for step in range(9):
                for end in ends:
                    end.write(encode(end.connect_packet())[step : step + 1])
                here.clock.advance(1.0)
                await asyncio.sleep(0)
            assert here.gateway.connections_here == 201
            here.clock.advance(2.0)
            await emptied(here)
            assert here.gateway.ended[Cause.NO_CONNECT] == 200

    asyncio.run(run())


def test_peer_when_it_vanishes_without_a_word_then_closed_after_its_keep_alive():
    """Half-open: nothing comes any more, no end either."""

    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online(keep_alive_s=60)
            await here.platform.until_online(2)
            here.clock.advance(92.0)
            assert await here.platform.until_offline() is Cause.SILENT

    asyncio.run(run())


@pytest.mark.parametrize(
    "wire",
    [b"\x10\xff\xff\xff\x7f", b"\x10\x80\x80\x01", b"\x10\xff\xff\xff\xff\x7f", b"\x30\x05", b"GET / HTTP/1.1\r\n\r\n"],
)
def test_first_packet_when_giant_or_no_connect_then_closed_at_once(wire):
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            end.write(wire)
            assert await end.read() is None

    asyncio.run(run())


def test_packet_when_giant_after_connect_then_closed_before_it_is_collected():
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            end.write(b"\x30\xff\xff\xff\x7f")
            assert await end.read() is None
            assert await here.platform.until_offline() is Cause.BAD_PROTOCOL

    asyncio.run(run())


def test_qos_2_when_never_released_then_closed_at_the_limit():
    """A storm of 10,000 messages, none finished."""

    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            packet = end.publish_packet(Report(5), 2, 1)
            end.write(*(encode(mqtt.Publish(packet.topic, packet.payload, 2, at)) for at in range(1, 10_001)))
            answers = 0
            while isinstance(await end.read(), mqtt.PubRec):
                answers += 1
            assert answers <= 64
            assert await here.platform.until_offline() is Cause.FLOODED

    asyncio.run(run())


def test_ten_thousand_topics_when_subscribed_and_published_then_refused_and_nothing_grows():
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            for begin in range(0, 10_000, 100):
                filters = tuple((f"q/1/d/{end.client_id}/{at}", 1) for at in range(begin, begin + 100))
                end.write(mqtt.Subscribe(begin + 2, filters))
                assert await end.read() == mqtt.SubAck(begin + 2, (0x80,) * 100)
            end.write(mqtt.Publish("q/2/d/someone/ota", b"", 1, 1))
            assert await end.read() is None

    asyncio.run(run())


def test_peer_when_it_pings_without_end_then_read_at_the_rate_allowed():
    async def run():
        async with watched_site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online(2)
            end.write(b"\xc0\x00" * 100_000)
            for _ in range(290):
                assert await end.read() == mqtt.PingResp()
            for _ in range(3):
                here.clock.advance(1.1)
                for _ in range(40):
                    assert await end.read() == mqtt.PingResp()
            end.reset()

    asyncio.run(run())


def test_peer_when_it_does_not_read_then_is_not_read_and_ended_in_time():
    async def run():
        generous = SessionLimits(in_flight=60_000, waiting=60_000, retry_s=1e6)
        async with watched_site(session_limits=generous) as here:
            sock = socket.create_connection(("127.0.0.1", here.port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
            end = DeviceEnd(reader, writer, "qdp000aa860000000000001")
            here.ends.append(end)
            await end.come_online(keep_alive_s=0)
            await here.platform.until_online(2)
            reader._transport.pause_reading()
            sent = 0
            while here.gateway.send(2, Other(0x0113, bytes(16_000))):
                sent += 1
                assert sent < 10_000
            assert sent > 4
            (stuck,) = (one for one in here.gateway._connections if one.session.device == 2)
            assert stuck._transport.get_write_buffer_size() <= GatewayLimits().write_bytes + 17_000
            here.clock.advance(19.0)
            assert not here.gateway.send(2, Report(1))
            here.clock.advance(2.0)
            assert await here.platform.until_offline() is Cause.DOES_NOT_READ

    asyncio.run(run())


def test_connections_when_more_than_allowed_then_closed_at_the_door():
    async def run():
        limits = GatewayLimits(connections=30, strangers_per_address=5, slot_s=0.01)
        async with watched_site(limits=limits) as here:
            strangers = [await here.reach() for _ in range(8)]
            assert [await end.read() for end in strangers[5:]] == [None] * 3
            assert here.gateway.refused_at_the_door == 3
            for end in strangers[:5]:
                end.reset()
            await emptied(here)
            for at in range(29):  # let in, they are no strangers
                await (await here.reach(f"86{at:013}")).come_online()
            assert await (await here.reach()).read() is None
            assert here.gateway.refused_at_the_door == 4
            assert here.gateway.devices_here == 30

    asyncio.run(run())


def test_address_when_it_has_too_many_then_closed_at_the_door_and_counted_down_again():
    async def run():
        limits = GatewayLimits(per_address=3, slot_s=0.01)
        async with watched_site(limits=limits) as here:
            for _ in range(3):
                ends = [await here.reach(f"86{at:013}") for at in range(2)]
                for end in ends:
                    await end.come_online()
                assert await (await here.reach()).read() is None
                for end in ends:
                    end.reset()
                await emptied(here)
            assert here.gateway.refused_at_the_door == 3
            assert dict(here.gateway._addresses) == {"127.0.0.1": 1}
            assert dict(here.gateway._strangers) == {}

    asyncio.run(run())


def test_guesses_when_thousand_then_no_device_and_nothing_left():
    async def run():
        async with watched_site() as here:

            async def guess(at):
                end = await here.reach(f"86{at:013}")
                end.write(end.connect_packet(at % 2, ds=f"guess{at}", ps=f"{at:016}"), end.subscribe_packet())
                while await end.read() is not None:
                    if not at % 2:
                        end.write(mqtt.Disconnect())

            for begin in range(0, 1000, 100):
                await asyncio.gather(*(guess(at) for at in range(begin, begin + 100)))
            await emptied(here)
            assert here.platform.ids.keys() == {"qdp000aa860000000099999"}

    asyncio.run(run())


def test_tls_when_the_handshake_is_rubbish_or_drips_then_closed_and_everybody_else_is_served():
    authority = trustme.CA()
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(inside)
    outside = ssl.create_default_context()
    authority.configure_trust(outside)

    async def run():
        wrong = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
        async with site(tls=inside) as here:
            chance = random.Random(8)
            for at in range(40):
                end = await here.reach()
                end.write(b"\x16\x03\x01\x02\x00\x01" * (at % 2) + chance.randbytes(chance.randrange(1, 600)))
                end.writer.write_eof()
                assert await end.reader.read() is not None  # an alert, or nothing
            silent = await here.reach()  # the handshake's own time-out is asyncio's
            good = await here.reach(tls=outside)
            await good.come_online()
            good.write(mqtt.PingReq())
            assert await good.read() == mqtt.PingResp()
            assert here.gateway.connections_here == 1
            silent.reset()
        assert wrong == []

    asyncio.run(run())
