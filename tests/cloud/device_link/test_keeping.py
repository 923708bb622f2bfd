"""What devices say becomes rows: what a later word takes back."""

from __future__ import annotations

import pytest

from moduline.cloud.device_link.desk import wishes_of
from moduline.cloud.device_link.keeping import keep, keep_all
from moduline.cloud.device_link.platform import CameOnline, Cause, Received, Uplink, WentOffline
from moduline.wire.quecthing.ota_messages import Confirmation, Report, Request
from moduline.wire.quecthing.sys_messages import DeviceInformation, DeviceStatus


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


# -- words of a connection that is past


def kept(rig, way, *uplinks):
    """What each gives; one by one or at once."""
    if way == "one":
        return [rig.db.write(keep, "one", uplink) for uplink in uplinks]
    return rig.db.write(keep_all, [(("one", uplink), {}) for uplink in uplinks])


def offered(rig):
    """A device with an open upgrade, on its connection 7."""
    device = rig.device(rig.product())
    rig.online(device, 7)
    return device


PAST = [
    DeviceInformation(module_version="V1"),
    Request("V1"),
    DeviceStatus(battery=1),
    Report(12, "UPDATEERROR", 0, "c0"),
    Confirmation(accepts=True),
]


@pytest.mark.parametrize("way", ["one", "all"])
@pytest.mark.parametrize("message", PAST, ids=lambda message: type(message).__name__)
def test_word_when_the_device_has_come_again_since_then_neither_kept_nor_answered(rig, way, message):
    """The version from before the update would win over the one that runs."""
    device = rig.device(rig.product())
    news = [Received(1, DeviceInformation(module_version="V2")), Received(2, DeviceStatus(battery=9))]
    came = [Uplink(device, 7, rig.now, CameOnline(is_first_contact=False, address="192.0.2.1"))]
    came += [Uplink(device, 7, rig.now, event) for event in news]
    late = Uplink(device, 6, rig.now, Received(3, message))
    said = kept(rig, way, *came, late)
    assert said == [(), (), (), None]
    known = rig.look(device)
    assert (known.versions, known.facts["battery"]) == ({(0, ""): "V2"}, 9)
    assert kept(rig, way, late) == [None], "nor in a later commit"


@pytest.mark.parametrize("way", ["one", "all"])
def test_beginning_when_a_later_one_is_known_then_refused_and_the_same_one_again_taken(rig, way):
    device = offered(rig)
    came = CameOnline(is_first_contact=False, address="192.0.2.1")
    said = kept(rig, way, *(Uplink(device, number, rig.now, came) for number in (6, 7, 8, 7)))
    assert said == [None, (), (), None]


@pytest.mark.parametrize("way", ["one", "all"])
def test_end_when_a_later_connection_is_known_then_taken_and_the_device_stays(rig, way):
    device = offered(rig)
    assert kept(rig, way, Uplink(device, 6, rig.now, WentOffline(Cause.LOST))) == [()]
    assert rig.look(device).node == "one"
