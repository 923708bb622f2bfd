"""Recorded devices against the whole platform, from CONNECT to the recorded end.

Source: quecthing-recordings.jsonl; ota-semantics 7, 8, 11 to 13.
"""

import base64
import hashlib
import socket

import pytest

from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import credentials, messages
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.ota_messages import Firmware
from moduline.wire.quecthing.session_key import encrypt, open_frame
from moduline.wire.quecthing.sys_messages import ErrorNotice
from ota_site import OtaSite
from recorded_device import RecordedDevice, plan_of
from wire.quecthing import recorded
from wire.quecthing.invented import SCENES

SCENARIOS = recorded.scenarios()
ENDS = {
    "module-success": ("upgraded", None),
    "refuse": ("not_upgraded", 110),
    "mcu-success": ("upgraded", None),
    "mcu-wrong-version": ("failed", 250),
    "no-space": ("failed", 202),
    "flash-refused": ("failed", 240),
    "handling-type": ("upgrading", None),  # ends while flashing
    "digest-wrong": ("failed", 230),
    "crc-missing": ("failed", 231),
    "lower-case-headers": ("upgrading", None),  # ends in a failed download
    "lower-case-headers-and-close": ("upgrading", None),
    "url-never-sent": ("failed", 210),
    "session": ("upgraded", None),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("replay") / "ota")
    yield site
    site.stop()


@pytest.fixture(scope="module")
def product(site):
    return site.post("/v1/products", name="recorded", pk=recorded.PK, ps=recorded.PS)


def device(site, product, number):
    return RecordedDevice(site, product, recorded.PS, f"86000000001{number:04}")


@pytest.mark.parametrize("name", ENDS)
def test_recording_when_played_to_the_platform_then_led_to_its_end(site, product, name):
    one = device(site, product, list(SCENARIOS).index(name))
    one.play(SCENARIOS[name], plan_of())
    assert one.end() == ENDS[name], site.log(one.upgrade())
    assert {said for said, _ in one.downloads} <= {"HTTP/1.1 200 OK", "HTTP/1.1 206 Partial Content"}
    assert all(body == one.content for _, body in one.downloads)
    one.leave()


@pytest.mark.parametrize("name", ["connack-3", "connection-dropped"])
def test_recording_when_it_comes_back_later_then_let_in_with_its_secret(site, product, name):
    one = device(site, product, list(SCENARIOS).index(name))
    lines = [line for line in SCENARIOS[name] if line.mqtt != "CONNACK" or line.code == 0]
    one.play(lines[:6], plan_of())
    one.play([line for line in lines if line.mqtt == "CONNECT"][-1:], plan_of())
    one.expect_let_in()


def test_recording_when_authenticated_already_then_told_so(site):
    """A product whose devices may authenticate once."""
    once = site.post("/v1/products", name="once", pk="p000ab", ps=recorded.PS, settings={"is_first_only": True})
    one = RecordedDevice(site, once, recorded.PS, recorded.DK)
    one.play(SCENARIOS["module-success"][:6], plan_of())
    one.play(SCENARIOS["auth-error-10422"], plan_of())
    assert [said.code for said in one.said if isinstance(said, ErrorNotice)] == [10422]


def facts_of(one, *names):
    return {name: one.device()["facts"].get(name) for name in names}


# every scene runs in the sweep; these run always, and all of them always meet the gateway alone in test_replay
ALWAYS = {
    "asks-before-its-reports",
    "secret-lost-and-asked-again",
    "comes-again-while-the-old-connection-stands",
    "power-lost-after-flashing-and-11-never-comes",
    "connection-lost-in-a-download-that-goes-on",
    "restart-in-a-download",
    "controller-and-module",
    "controller-whose-file-comes-in-pieces",
    "sha256-wanted",
    "every-packet-twice",
    "releases-before-it-is-told-to",
    "strange-values-between-the-messages",
    "names-as-long-as-they-may-be",
    "information-of-every-kind",
    "encrypted-with-first-reports-in-clear",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.sweep) for name in SCENES]
)
def test_session_when_played_to_the_platform_then_led_to_its_end(site, product, name):
    lines, end = SCENES[name]
    one = device(site, product, 100 + list(SCENES).index(name))
    one.play(lines, plan_of())
    assert one.end() == end, site.log(one.upgrade())
    if name == "information-of-every-kind":
        told = facts_of(one, "cell", "mcc", "lac", "rsrp", "snr", "voltage", "imsi", "location")
        assert told == {
            "cell": "22123521", "mcc": "460", "lac": "9365", "rsrp": -97, "snr": -3.5, "voltage": 4,
            "imsi": "460001234567890", "location": None,
        }  # fmt: skip
    if name == "sha256-wanted":
        assert one.firmware.sha256 == hashlib.sha256(one.content).hexdigest()
    if name == "controller-whose-file-comes-in-pieces":
        assert b"".join(body for _, body in one.downloads) == one.content
    if name == "controller-fails-and-the-module-is-left-alone":
        assert [said.component for said in one.said if isinstance(said, Firmware)] == ["mcu1"]
    one.leave()


def first(name, ps=recorded.PS, rand="A1b2C3d4E5f6G7h8"):
    return credentials.first_password(name, ps, rand)


def refused(site, client_id, password):
    """What the platform says to a contact: CONNACK, and the code of the notice behind SUBACK."""
    with socket.create_connection(("127.0.0.1", site.addresses.mqtt), 60) as peer:
        peer.settimeout(60)
        subscribe = mqtt.Subscribe(1, ((f"q/1/d/{client_id}/+", 1),))
        peer.sendall(encode(mqtt.Connect(client_id, 60, password=password)) + encode(subscribe))
        decoder, found = Decoder(), []
        while not any(isinstance(one, mqtt.Publish) for one in found):
            packet = decoder.next_packet()
            if isinstance(packet, Need):
                data = peer.recv(65536)
                if not data:
                    break
                decoder.feed(data)
            else:
                found.append(packet)
    notices = [messages.decode(open_frame(one.payload, None)) for one in found if isinstance(one, mqtt.Publish)]
    return [type(one).__name__ for one in found], [getattr(one, "code", None) for one in (found[:1] + notices)]


def test_contact_when_it_is_not_let_in_then_told_the_vendors_code(site, product):
    """Trap 3; and trap 1: only a wrong secret of form 1 is CONNACK 5."""
    del product
    mine, other = DeviceName(recorded.PK, "860000000020001"), DeviceName(recorded.PK, "860000000020002")
    stranger = DeviceName("zzzzzz", "860000000020001")
    client_id = credentials.client_id(mine)
    sign = (
        "0;0000;p000aa;"
        + base64.b64encode(encrypt(recorded.PS.encode(), b"860000000020001;A1b2C3d4E5f6G7h8;eA==")).decode()
    )
    cases = {
        10423: (credentials.client_id(stranger), first(stranger)),
        10424: (client_id, first(mine, "another secret 16")),
        10425: (client_id, sign.encode()),
        10430: (client_id, first(DeviceName("p000ab", mine.dk))),
        10431: (client_id, first(other)),
    }
    for code, (name, password) in cases.items():
        assert refused(site, name, password) == (["ConnAck", "SubAck", "Publish"], [0, code])
    later = credentials.later_password("0" * 32, recorded.PS, "A1b2C3d4E5f6G7h8")
    assert refused(site, client_id, later) == (["ConnAck"], [5])  # a device that is not known forgets its secret, too
