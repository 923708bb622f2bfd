"""The vendor's client, recorded: a simulated device in the same situation says the same, byte for byte.

What the scripted platform of the recording sent is told to the device at its recorded time; frames of upgrades must be
the recorded ones, reports of status and information too but for the voltage and the SIM's number.
Source: quecthing-recordings, ota-semantics 12.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from math import inf

import pytest

from moduline.fleet.behaviour import Answer, Behaviour
from moduline.fleet.device import Device
from moduline.fleet.dice import Dice
from moduline.fleet.download import place_of, request
from moduline.fleet.exchange import Begun, Dial, Due, Fetch, Fetched, FetchEnd, HangUp, Online, Say, Told
from moduline.fleet.session import Session, State
from moduline.fleet.stored import Stored
from moduline.wire.mqtt import packets as mqtt
from moduline.wire.mqtt.decode import Decoder, Need
from moduline.wire.mqtt.encode import encode
from moduline.wire.quecthing import frame, messages
from moduline.wire.quecthing.credentials import DeviceName
from moduline.wire.quecthing.messages import Other
from moduline.wire.quecthing.session_key import open_frame
from samples import SHARED

RECORDINGS = SHARED / "reference" / "quecthing-recordings.jsonl"
DS = "00112233445566778899aabbccddeeff"
KEY = bytes(range(16))
WHOLE = Fetched(FetchEnd.COMPLETE, 30000, "661aeedfdcfa0f9921bc78da28f0a397", "", 0xC8C290F8)
PLAIN = Behaviour(
    model="SIM1",
    battery=(87, 87),
    signal=(-71, -71),
    asks_after_s=None,
    decide_s=(0.3, 0.3),
    boot_s=(1.0, 1.0),
    write_s=(0.5, 0.5),
)
MCU = replace(PLAIN, mcus=(("mcu1", "V1"),))
SITUATIONS = {
    "module-success": (PLAIN, WHOLE, 0.04),
    "refuse": (replace(PLAIN, answer=Answer.REFUSE), WHOLE, 0.04),
    "mcu-success": (MCU, WHOLE, 0.04),
    "mcu-wrong-version": (replace(MCU, wrong_version=1.0), WHOLE, 0.04),
    "no-space": (replace(PLAIN, free_flash_bytes=1000, checks_limits=False), WHOLE, 0.04),
    "flash-refused": (replace(PLAIN, flash_refused=1.0), WHOLE, 0.04),
    "digest-wrong": (PLAIN, WHOLE, 0.04),
    "crc-missing": (PLAIN, WHOLE, 0.04),
    "lower-case-headers": (PLAIN, Fetched(FetchEnd.SILENT), 10.2),
    "lower-case-headers-and-close": (PLAIN, Fetched(FetchEnd.BROKEN), 0.04),
    "url-never-sent": (PLAIN, WHOLE, 0.04),
}


@cache
def recordings():
    if not RECORDINGS.is_file():
        pytest.skip("the recordings of the vendor's client are not beside the repository")
    found = {}
    for line in RECORDINGS.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        found.setdefault(message["scenario"], []).append(message)
    return found


def published(scenario, way):
    return [one for one in recordings()[scenario] if one["dir"] == way and one.get("mqtt") == "PUBLISH"]


def live(behaviour, downs, fetched, fetch_s, end_s):
    """Frames that a device says by itself while it is told ``downs``; its downloads end with ``fetched``."""
    device = Device("860000000000001", behaviour, Dice(1, 0), Stored(None, "V1", dict(behaviour.mcus)), 0.4)
    coming = [(one["t"], Told(0, messages.decode(frame.decode(bytes.fromhex(one["hex"]))))) for one in downs]
    said, number, now = [], 0, 0.0
    while True:
        coming.sort(key=lambda one: one[0])
        at = min(coming[0][0] if coming else inf, device.due)
        if at > end_s:
            return said
        now = max(now, at)
        event = coming.pop(0)[1] if coming and coming[0][0] <= device.due else Due()
        for action in device.hear(event, now):
            match action:
                case Dial(ds):
                    coming.append((now + 0.004, Online(DS if ds is None else None)))
                case Fetch():
                    coming += [(now + 0.03, Begun()), (now + fetch_s, fetched)]
                case HangUp():
                    number = 0
                case Say(message):
                    number += 1
                    said.append(messages.encode(message, number))


def without_the_modules_own(one):
    """A frame as it must be: without the voltage and the SIM's number."""
    fields = messages.decode(one)
    if one.command == 0x0034:
        return replace(fields, voltage=None)
    return replace(fields, iccid=None) if one.command == 0x0044 else frame.encode(one).hex()


@pytest.mark.parametrize("scenario", SITUATIONS)
def test_device_when_in_a_recorded_situation_then_says_the_recorded_frames(scenario):
    behaviour, fetched, fetch_s = SITUATIONS[scenario]
    downs = [one for one in published(scenario, "down") if one["topic"].endswith("/ota")]
    recorded = [frame.decode(bytes.fromhex(one["hex"])) for one in published(scenario, "up")]
    end_s = recordings()[scenario][-1]["t"] + 0.3
    said = live(behaviour, downs, fetched, fetch_s, end_s)
    assert list(map(without_the_modules_own, said)) == list(map(without_the_modules_own, recorded))


def test_session_when_encrypted_then_publishes_the_recorded_bytes():
    name = DeviceName("p000aa", "860000000000001")
    session = Session(name, "0123456789abcdef", None, "A1b2C3d4E5f6G7h8", 60, 0.0, is_encrypted=True)
    session.take()
    session.receive(encode(mqtt.ConnAck(mqtt.ConnectCode.ACCEPTED)), 0.0)
    session.receive(encode(mqtt.SubAck(1, (1,))), 0.0)
    session.take()
    downs = published("session", "down")
    first = mqtt.Publish(downs[0]["topic"], bytes.fromhex(downs[0]["hex"]), 1, 1)
    session.receive(encode(first), 0.0)
    assert session.state is State.ONLINE
    ends = [at for at, one in enumerate(recordings()["session"]) if one["dir"] == "close"]
    ups = [one for one in recordings()["session"][: ends[0]] if one["dir"] == "up" and one.get("mqtt") == "PUBLISH"]
    for one in ups:
        opened = open_frame(bytes.fromhex(one["hex"]), KEY)
        session.say(Other(opened.command, opened.payload), opened.packet_id)
    decoder = Decoder()
    decoder.feed(session.take())
    sent = []
    while not isinstance(packet := decoder.next_packet(), Need):
        sent.append(packet)
    sent = [one for one in sent if isinstance(one, mqtt.Publish)]
    assert [(one.topic, one.qos, one.payload.hex()) for one in sent] == [
        (one["topic"], one["qos"], one["hex"]) for one in ups
    ]


def test_request_when_written_then_is_the_recorded_one():
    recorded = {one["http"] for lines in recordings().values() for one in lines if "http" in one}
    place = place_of("http://127.0.0.1:18401/dl/xxxxxxxxxxxxxxxxxxxx")
    written = {request(place, Fetch("", 0, 29999, has_range)).decode() for has_range in (True, False)}
    assert written == recorded
