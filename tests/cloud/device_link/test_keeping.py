"""What devices say becomes rows: what a later word takes back."""

from __future__ import annotations

import pytest

from moduline.cloud.device_link.desk import wishes_of
from moduline.cloud.device_link.keeping import keep, keep_all
from moduline.cloud.device_link.platform import Received, Uplink
from moduline.wire.quecthing.ota_messages import Report
from moduline.wire.quecthing.sys_messages import DeviceStatus


def say(rig, device, *messages):
    calls = [(("one", Uplink(device, 1, rig.now, Received(1, message))), {}) for message in messages]
    rig.db.write(keep_all, calls)


def wants_sha256(rig, device):
    return rig.db.read(wishes_of, [device])[device].wants_sha256


def asks(digest=None, code=2):
    return Report(code, "SUBMITOTA", 0, "c0", digest=digest)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ([asks("sha256")], True),
        ([asks()], False),
        ([asks("sha256"), asks()], False),
        ([asks("sha256"), asks("md5")], False),
        ([asks("sha256"), asks(), asks("sha256")], True),
        ([asks("sha256"), asks(code=4)], True),
        ([asks("sha256"), asks(code=8)], True),
        ([asks("sha256", code=1)], False),
    ],
)
def test_digest_when_a_device_asks_again_then_as_it_asked_last(rig, said, wanted):
    """Only status 2 asks for an address; what comes after it is no request. Source: ota-semantics 11.5, id 19."""
    device = rig.device(rig.product())
    rig.online(device)
    say(rig, device, *said)
    assert wants_sha256(rig, device) is wanted


def test_digest_when_it_is_taken_back_then_other_facts_stay(rig):
    device = rig.device(rig.product())
    say(rig, device, DeviceStatus(battery=77), asks("sha256"), asks())
    assert rig.look(device).facts == {"battery": 77}


def test_digest_when_the_device_is_unknown_then_nothing_is_written(rig):
    rig.db.write(keep, "one", Uplink(987654, 1, rig.now, Received(1, asks("sha256"))))
    assert rig.db.read(wishes_of, [987654]) == {}
