"""Between the gateway and the rules: what is meant for one connection is not said on another."""

from __future__ import annotations

import asyncio

import pytest

from hand_clock import HandClock
from moduline.cloud.bus import DOWNLINK, UPLINK, LocalBus
from moduline.cloud.device_link.crossing import Heard, Post
from moduline.cloud.device_link.desk import GatewayDesk, WorkDesk
from moduline.cloud.device_link.platform import CameOnline, Received, Uplink
from moduline.cloud.upgrades import service
from moduline.cloud.upgrades.offer import SayUrl
from moduline.errors import StateForbids
from moduline.events import silent
from moduline.wire.quecthing.ota_messages import Firmware
from moduline.wire.quecthing.sys_messages import DeviceInformation, ReadInformation

CAME = CameOnline(is_first_contact=False, address="192.0.2.1")
QUESTION = ReadInformation((2,))


class Gateway:
    """Devices on the latest connection of each."""

    def __init__(self):
        self.numbers = {}
        self.said = []

    def send(self, device, message, packet_id=None):
        del packet_id
        self.said.append((device, message))
        return True

    def is_on(self, device, number):
        return self.numbers.get(device) == number

    def drop(self, device, before=None):
        raise AssertionError((device, before))


@pytest.fixture
def desk(file_rig):
    """Both desks on a local bus, and the gateway that speaks."""
    bus, gateway = LocalBus(), Gateway()
    GatewayDesk(file_rig.db, bus, "one", HandClock(file_rig.now)).serve(gateway, silent)
    work = WorkDesk(file_rig.db, bus, lambda scheme: f"{scheme or 'http'}://ota.example.com", silent)
    work.serve()
    return bus, gateway, work


@pytest.mark.parametrize(("number", "is_said"), [(6, False), (7, True), (8, False), (None, True)])
def test_post_when_it_is_for_another_connection_then_not_said(desk, number, is_said):
    bus, gateway, _ = desk
    gateway.numbers[1] = 7
    asyncio.run(bus.tell(DOWNLINK, (Post(1, QUESTION, number),), ""))
    assert gateway.said == ([(1, QUESTION)] if is_said else [])


def test_post_when_another_of_the_same_news_is_past_then_said_all_the_same(desk):
    bus, gateway, _ = desk
    gateway.numbers |= {1: 7, 2: 3}
    asyncio.run(bus.tell(DOWNLINK, (Post(1, QUESTION, 6), Post(2, QUESTION, 3)), ""))
    assert gateway.said == [(2, QUESTION)]


def test_word_when_the_device_has_come_again_since_then_not_acknowledged(file_rig, desk):
    bus, _, _ = desk
    device = file_rig.device(file_rig.product())
    file_rig.online(device, 7)
    old = Uplink(device, 6, file_rig.now, Received(1, DeviceInformation(module_version="V0")))
    with pytest.raises(StateForbids):
        asyncio.run(bus.ask(UPLINK, Heard("one", old)))
    assert file_rig.look(device).versions == {(0, ""): "V1"}


def accepted(rig):
    """A device that has agreed and was told where the file is, on its connection 1."""
    product = rig.product()
    device = rig.device(product)
    rig.activated(product, rig.artifact())
    rig.online(device)
    rig.request(device, "V1")
    for code in (1, 2):
        rig.status(device, code)
    return device


@pytest.mark.parametrize("comes_again", [False, True])
def test_url_when_the_device_comes_again_between_commit_and_word_then_not_said(file_rig, desk, comes_again):
    """It may be back with the target: an idle device that hears an address loads and writes the same once more."""
    _, gateway, work = desk
    device = accepted(file_rig)
    gateway.numbers[device] = 1
    file_rig.now += 11
    said = file_rig.db.write(service.due, now=file_rig.now)
    assert [(one.connection, type(one.say)) for one in said] == [(1, SayUrl)]
    if comes_again:
        asyncio.run(work.hear(Heard("one", Uplink(device, 2, file_rig.now, CAME))))
        gateway.numbers[device] = 2
    asyncio.run(work.deliver(said))
    assert [type(message) for _, message in gateway.said] == ([] if comes_again else [Firmware])


def test_url_when_old_versions_come_late_then_not_said_to_who_runs_the_target(file_rig, desk):
    """Loaded, written, restarted; the workers lag and what it said before is handled after it has come again."""
    _, gateway, work = desk
    device = accepted(file_rig)
    file_rig.now += 9
    asyncio.run(work.hear(Heard("one", Uplink(device, 2, file_rig.now, CAME))))
    gateway.numbers[device] = 2
    late = Uplink(device, 1, file_rig.now, Received(1, DeviceInformation(module_version="V1")))
    with pytest.raises(StateForbids):
        asyncio.run(work.hear(Heard("one", late)))
    for _ in range(20):
        file_rig.now += 7
        asyncio.run(work.deliver(file_rig.db.write(service.due, now=file_rig.now)))
    assert {type(message) for _, message in gateway.said} == {ReadInformation}
    asyncio.run(
        work.hear(Heard("one", Uplink(device, 2, file_rig.now, Received(1, DeviceInformation(module_version="V2")))))
    )
    assert {type(message) for _, message in gateway.said} == {ReadInformation}
    assert file_rig.look(device).versions == {(0, ""): "V2"}
