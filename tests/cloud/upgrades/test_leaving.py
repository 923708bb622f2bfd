"""Who is sent to another server, and who stays."""

from __future__ import annotations

import pytest

from moduline.cloud import audit
from moduline.cloud.devices.contact import POLLING
from moduline.cloud.edge import Actor
from moduline.cloud.upgrades import leaving
from moduline.cloud.upgrades.leaving import Leaving
from moduline.cloud.upgrades.offer import SayMove
from moduline.errors import BadField, NoSuchObject, RoleTooLow


def moves(rig):
    return [one.name for one in rig.see(audit.entries).items if one.verb == "device.move"]


def test_devices_when_sent_away_then_those_that_are_online_and_idle_are_told(rig):
    product = rig.product()
    idle, busy, offline, polling = (rig.device(product, dk) for dk in ("idle", "busy", "off", "poll"))
    for device in (idle, busy):
        rig.online(device)
    rig.online(polling, node=POLLING)
    rig.activated(product, rig.artifact())
    rig.request(busy, "V1")
    everybody = [idle, busy, offline, polling, idle]
    expected = Leaving((idle,), (offline, polling), (busy,))
    assert rig.act(leaving.move, everybody, "ota.example.com", 1883, is_trial=True) == (expected, ())
    assert moves(rig) == []
    found, said = rig.act(leaving.move, everybody, "ota.example.com", 1883)
    assert found == expected
    assert [(one.device_id, one.say) for one in said] == [(idle, SayMove("ota.example.com", "", 1883))]
    assert moves(rig) == ["idle"]
    ((_, (word,))) = rig.act(leaving.move, [idle], "192.0.2.7", 8883)
    assert word.say == SayMove("", "192.0.2.7", 8883)


@pytest.mark.parametrize(
    ("host", "port", "field"),
    [
        ("", 1883, "host"),
        ("two words", 1883, "host"),
        ("999.1.1.1", 1883, "host"),
        ("-x.example", 1883, "host"),
        ("x..example", 1883, "host"),
        ("x" * 64, 1883, "host"),
        ("x." * 126 + "xx", 1883, "host"),
        ("::1", 1883, "host"),
        ("x.example/a", 1883, "host"),
        ("x.example\n", 1883, "host"),
        ("x.example", 0, "port"),
        ("x.example", 65536, "port"),
        ("x.example", -1, "port"),
    ],
)
def test_address_when_it_cannot_be_one_then_nobody_is_told(rig, host, port, field):
    device = rig.device(rig.product())
    rig.online(device)
    with pytest.raises(BadField) as raised:
        rig.act(leaving.move, [device], host, port)
    assert raised.value.facts["field"] == field
    assert moves(rig) == []


def test_devices_when_one_is_somebody_elses_then_none_is_told(rig):
    device = rig.device(rig.product())
    rig.online(device)
    with pytest.raises(NoSuchObject):
        rig.act(leaving.move, [device, 987], "x.example", 1883)
    with pytest.raises(NoSuchObject):
        rig.act(leaving.move, [device], "x.example", 1883, actor=Actor(999, 999, "stranger", "admin"))
    with pytest.raises(RoleTooLow):
        rig.act(leaving.move, [device], "x.example", 1883, actor=Actor(1, 1, "owner", "releaser"))
    assert moves(rig) == []
