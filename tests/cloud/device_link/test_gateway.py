"""The gateway over TCP: who is here, take-over, failures of the platform, ends, TLS, many idle devices."""

import asyncio
import ssl
from contextlib import contextmanager
from dataclasses import replace

import pytest
import trustme

from gateway_rig import DS, SESSION_KEY, DeviceEnd, ScriptedPlatform, site
from moduline.cloud.device_link.gateway import Gateway
from moduline.cloud.device_link.limits import GatewayLimits, SessionLimits
from moduline.cloud.device_link.platform import CAUSE_TEXTS, Cause, Received, Undelivered, WentOffline
from moduline.errors import PortBusy
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.quecthing.ota_messages import Confirmation, Firmware, Offer, OfferedComponent, Report, Request
from moduline.wire.quecthing.sys_messages import Configuration

OFFER = Offer((OfferedComponent("mod", "V2", 0),))
FIRMWARE = Firmware("mod", "V2", 0, "http://127.0.0.1/a", 9, "0" * 32, "00000000")


def test_device_when_it_comes_then_is_sent_to_until_it_goes():
    async def run():
        async with site() as here:
            assert not here.gateway.send(1, OFFER)
            end = await here.reach()
            assert await end.come_online(0) == Configuration(ds=DS)
            await here.platform.until_online()
            assert here.gateway.devices_here == 1
            assert here.gateway.send(1, OFFER)
            assert await end.next_message() == OFFER
            end.write(mqtt.Disconnect())
            assert await here.platform.until_offline() is Cause.LEFT
            assert not here.gateway.send(1, OFFER)
            assert (here.gateway.devices_here, here.gateway.connections_here) == (0, 0)
            assert here.gateway.ended == {Cause.LEFT: 1}
        return here

    here = asyncio.run(run())
    numbers = {uplink.connection for uplink in here.platform.uplinks}
    assert numbers == {contact.connection for contact in here.platform.contacts}
    assert {uplink.device for uplink in here.platform.uplinks} == {1}
    assert {uplink.at for uplink in here.platform.uplinks} == {here.clock.now_s()}
    assert here.notices == []


def test_device_when_let_in_but_not_subscribed_then_not_sent_to_and_not_online():
    async def run():
        async with site() as here:
            end = await here.reach()
            end.write(end.connect_packet())
            await end.read()
            assert not here.gateway.send(1, OFFER)
            end.write(end.publish_packet(Request("V1")))
            assert await end.read() == mqtt.PubAck(1)
            end.reset()
            return here.platform

    platform = asyncio.run(run())
    assert platform.events == [Received(1, Request("V1"))]


def test_device_when_encrypted_then_both_directions_are():
    async def run():
        async with site() as here:
            end = await here.reach()
            assert await end.come_online(0, flag="0001") == Configuration(ds=DS, session_key=SESSION_KEY)
            end.write(end.publish_packet(Report(1), qos=2, mqtt_id=3, key=SESSION_KEY))
            assert await end.read() == mqtt.PubRec(3)
            assert here.gateway.send(1, OFFER)
            assert await end.next_message(SESSION_KEY) == OFFER
            return here.platform.received

    assert asyncio.run(run()) == [Report(1)]


def test_device_when_it_comes_again_then_the_old_connection_ends_and_the_new_one_stays():
    """Trap 12."""

    async def run():
        async with site() as here:
            old = await here.reach()
            await old.come_online()
            new = await here.reach()
            await new.come_online()
            assert await old.read() is None
            await here.platform.until_online(2)
            assert await here.platform.until_offline() is Cause.TAKEN_OVER
            assert here.gateway.devices_here == 1
            assert here.gateway.send(1, OFFER)
            assert await new.next_message() == OFFER
            return here.platform

    platform = asyncio.run(run())
    first, second = (contact.connection for contact in platform.contacts)
    assert first < second
    assert [u.connection for u in platform.uplinks if u.event == WentOffline(Cause.TAKEN_OVER)] == [first]


def test_stranger_when_it_uses_the_client_id_of_a_device_then_disturbs_nobody():
    """Only who is let in takes over."""

    async def run():
        async with site() as here:
            device = await here.reach()
            await device.come_online()
            stranger = await here.reach()
            stranger.write(stranger.connect_packet(ds="guessed"))
            assert await stranger.read() == mqtt.ConnAck(mqtt.ConnectCode.NOT_AUTHORISED)
            assert await stranger.read() is None
            device.write(mqtt.PingReq())
            assert await device.read() == mqtt.PingResp()

    asyncio.run(run())


def test_device_when_the_older_contact_is_judged_later_then_the_newer_stays():
    async def run():
        platform = ScriptedPlatform()
        first_may = asyncio.Event()
        plain = platform.authenticate

        async def authenticate(contact):
            if not platform.contacts:
                platform.contacts.append(contact)
                await first_may.wait()
                platform.contacts.pop()
            return await plain(contact)

        platform.authenticate = authenticate
        async with site(platform) as here:
            old = await here.reach()
            old.write(old.connect_packet())
            await until(lambda: platform.contacts)
            new = await here.reach()
            await new.come_online()
            first_may.set()
            assert await old.read() is None
            assert here.gateway.devices_here == 1
            new.write(mqtt.PingReq())
            assert await new.read() == mqtt.PingResp()

    asyncio.run(run())


async def until(is_so):
    async with asyncio.timeout(30):
        while not is_so():
            await asyncio.sleep(0)


def test_two_devices_when_one_acts_then_the_other_hears_nothing():
    async def run():
        async with site() as here:
            one, two = await here.reach("860000000000001"), await here.reach("860000000000002")
            await one.come_online()
            await two.come_online()
            await here.platform.until_online(2)
            assert here.gateway.send(2, OFFER)
            assert await two.next_message() == OFFER
            two.write(mqtt.Publish(f"q/2/d/{one.client_id}/ota", b"", 1, 1))
            assert await two.read() is None
            assert await here.platform.until_offline() is Cause.FOREIGN_TOPIC
            one.write(mqtt.PingReq())
            assert await one.read() == mqtt.PingResp()

    asyncio.run(run())


def test_platform_when_it_cannot_keep_a_message_then_no_acknowledgement_and_the_device_says_it_again():
    async def run():
        async with site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            here.platform.failures = 1
            end.write(end.publish_packet(Report(11)))
            assert await end.read() is None
            assert await here.platform.until_offline() is Cause.FAILED
            again = await here.reach()
            await again.come_online()
            again.write(again.publish_packet(Report(11)))
            assert await again.read() == mqtt.PubAck(1)
            return here

    here = asyncio.run(run())
    assert here.platform.received == [Report(11)]
    (notice,) = here.notices
    assert (notice.slug, notice.where, notice.facts["what"]) == ("gateway.failed", "127.0.0.1", "uplink")
    assert notice.facts["error"] == "OSError: disk full"


@pytest.mark.parametrize(
    "said", [Report(12), Report(11), Report(3, type=1, component="mcu"), Confirmation(accepts=False)]
)
def test_address_when_the_device_has_said_that_it_is_over_then_not_given_until_the_platform_has_heard(said):
    """An idle device installs whatever it is told; the platform may be slow."""

    async def run():
        async with site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            here.platform.gate.clear()
            end.write(end.publish_packet(Report(2)))
            end.write(mqtt.PingReq())
            assert await end.read() == mqtt.PingResp()
            assert here.gateway.send(1, FIRMWARE)
            assert await end.next_message() == FIRMWARE
            end.write(end.publish_packet(said))
            end.write(mqtt.PingReq())
            assert await end.read() == mqtt.PingResp()
            assert not here.gateway.send(1, FIRMWARE)
            assert here.gateway.send(1, OFFER)
            here.platform.gate.set()
            await until(lambda: said in here.platform.received)
            await until(lambda: here.gateway.send(1, FIRMWARE))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (Report(11, type=1, component="first"), replace(FIRMWARE, type=1, component="second")),
        (Report(12, type=1, component="first"), replace(FIRMWARE, type=1, component="second")),
        (Report(11, type=0, component="mod"), replace(FIRMWARE, type=1, component="mcu")),
        (Report(11, type=1, component="mod"), FIRMWARE),
    ],
    ids=["after-first", "after-failed", "after-module", "after-mcu"],
)
def test_address_when_another_component_is_over_then_given_at_once(said, address):
    """The platform says the next address while it hears of the end of the one before."""

    async def run():
        async with site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            here.platform.gate.clear()
            end.write(end.publish_packet(said))
            end.write(mqtt.PingReq())
            assert await end.read() == mqtt.PingResp()
            assert not here.gateway.send(1, replace(address, type=said.type, component=said.component))
            assert here.gateway.send(1, address)
            assert await end.next_message() == address
            here.platform.gate.set()

    asyncio.run(run())


def test_platform_when_it_cannot_judge_then_closed_without_a_word():
    """Trap 1: never CONNACK 3."""

    class Broken(ScriptedPlatform):
        async def authenticate(self, contact):
            raise ConnectionError("no database")

    async def run():
        async with site(Broken()) as here:
            end = await here.reach()
            end.write(end.connect_packet())
            assert await end.read() is None
            return here.notices

    (notice,) = asyncio.run(run())
    assert notice.facts["what"] == "authenticate"


def test_platform_when_it_did_not_learn_that_a_device_came_then_does_not_learn_that_it_went():
    async def run():
        async with site() as here:
            here.platform.failures = 1
            end = await here.reach()
            await end.come_online()
            assert await end.read() is None
            await until(lambda: not here.gateway.connections_here)
            return here.platform.events

    assert asyncio.run(run()) == []


def test_gateway_when_stopped_then_everything_said_is_kept_and_everybody_goes():
    async def run():
        async with site() as here:
            ends = [await here.reach(f"86000000000000{at}") for at in range(5)]
            for end in ends:
                await end.come_online()
            await here.platform.until_online(5)
            here.platform.gate.clear()
            for end in ends:
                end.write(end.publish_packet(Report(11)))
            await until(lambda: all(one.task for one in here.gateway._connections))
            stop = asyncio.create_task(here.gateway.stop())
            assert [await end.read() for end in ends] == [None] * 5
            here.platform.gate.set()
            await stop
            assert here.gateway.connections_here == 0
            with pytest.raises(OSError):
                await DeviceEnd.reach(here.port)
            return here.platform

    platform = asyncio.run(run())
    assert platform.received == [Report(11)] * 5
    assert [event.cause for event in platform.events if isinstance(event, WentOffline)] == [Cause.STOPPED] * 5


def test_gateway_when_stopped_and_the_platform_hangs_then_ends_all_the_same():
    async def run():
        async with site(limits=GatewayLimits(stop_s=0.2, slot_s=0.01)) as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            here.platform.gate.clear()
            end.write(end.publish_packet(Report(11)))
            await until(lambda: all(one.task for one in here.gateway._connections))
            await asyncio.wait_for(here.gateway.stop(), 30)
            assert here.gateway.connections_here == 0

    asyncio.run(run())


def test_device_when_dropped_then_ends_unless_its_connection_is_newer():
    async def run():
        async with site() as here:
            assert not here.gateway.drop(1)
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            number = here.platform.contacts[0].connection
            assert not here.gateway.drop(1, before=number)
            assert here.gateway.drop(1, before=number + 1)
            assert await here.platform.until_offline() is Cause.TAKEN_OVER
            again = await here.reach()
            await again.come_online()
            await here.platform.until_online(2)
            assert here.gateway.drop(1)
            assert await here.platform.until_offline(2) is Cause.DROPPED

    asyncio.run(run())


def test_device_when_it_only_pings_then_counts_as_seen():
    async def run():
        async with site() as here:
            end = await here.reach()
            await end.come_online()
            await here.platform.until_online()
            here.gateway.take_seen()
            here.clock.advance(30.0)
            end.write(mqtt.PingReq())
            assert await end.read() == mqtt.PingResp()
            assert here.gateway.take_seen() == {1: here.clock.now_s()}
            assert here.gateway.take_seen() == {}

    asyncio.run(run())


def test_message_when_never_acknowledged_then_sent_again_and_the_platform_is_told():
    async def run():
        async with site() as here:
            end = await here.reach()
            await end.come_online(keep_alive_s=600)
            await here.platform.until_online()
            assert here.gateway.send(1, OFFER)
            tries = [await end.read()]
            for _ in range(2):
                here.clock.advance(20.5)
                tries.append(await end.read())
            here.clock.advance(20.5)
            await here.platform.until(lambda me: Undelivered(OFFER) in me.events)
            return tries

    tries = asyncio.run(run())
    assert [packet.is_duplicate for packet in tries] == [False, True, True]
    assert len({packet.packet_id for packet in tries}) == 1


def test_port_when_taken_then_says_so():
    async def run():
        async with site() as here:
            other = Gateway(ScriptedPlatform())
            with pytest.raises(PortBusy):
                await other.listen("127.0.0.1", here.port)

    asyncio.run(run())


def test_gateway_when_it_listens_with_tls_then_devices_come_by_it():
    authority = trustme.CA()
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(inside)
    outside = ssl.create_default_context()
    authority.configure_trust(outside)

    async def run():
        async with site(tls=inside) as here:
            end = await here.reach(tls=outside)
            assert await end.come_online(0) == Configuration(ds=DS)
            await here.platform.until_online()
            assert here.gateway.send(1, OFFER)
            assert await end.next_message() == OFFER
            plain = await here.reach()
            plain.write(plain.connect_packet())
            assert await plain.read() is None
            end.close()
            assert await here.platform.until_offline() is Cause.LOST

    asyncio.run(run())


def test_cause_when_shown_then_has_words_in_both_languages():
    assert set(CAUSE_TEXTS) == set(Cause)
    assert all(text.en and text.zh and text.en != text.zh for text in CAUSE_TEXTS.values())


@contextmanager
def room_for(files):
    """The soft limit of open files raised as far as needed, if the hard one allows it."""
    resource = pytest.importorskip("resource", reason="limits of open files are a matter of Unix")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files and hard != resource.RLIM_INFINITY and hard < files:
        pytest.skip(f"the machine allows {hard} open files, {files} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_two_thousand_devices_when_idle_then_no_task_each_and_all_are_reached():
    count = 2_000

    async def run():
        async with site(session_limits=SessionLimits(connect_s=600.0)) as here:
            ends = []
            for begin in range(0, count, 200):
                some = [await here.reach(f"86{at:013}") for at in range(begin, begin + 200)]
                for end in some:
                    end.write(end.connect_packet(), end.subscribe_packet())
                for end in some:
                    assert await end.read() == mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)
                    assert await end.read() == mqtt.SubAck(1, (1,))
                ends += some
            await here.platform.until_online(count)
            await until(lambda: len(asyncio.all_tasks()) == 1)
            assert here.gateway.devices_here == count
            assert all(one._pending is None for one in here.gateway._connections)
            assert all(one.session._decoder._buffer is None for one in here.gateway._connections)
            assert sum(here.gateway.send(device, OFFER) for device in range(1, count + 1)) == count
            for end in ends:
                assert await end.next_message() == OFFER
            await until(lambda: all(one.session._outbox is None for one in here.gateway._connections))
            here.clock.advance(200.0)  # all acknowledgements are in, and nobody pings
            await here.platform.until_offline(count)
            return here.platform

    with room_for(3 * count):
        platform = asyncio.run(run())
    assert platform.online == count
    assert set(platform.causes) == {Cause.SILENT}
