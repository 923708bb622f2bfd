"""The vendor's client, recorded against a scripted platform: each recording must end in the recorded verdict.

Frames are taken apart here by a reader of this test's own. What the scripted platform sent at its own time (offer,
URL) is the moment at which ours is made to do the same. Source: ota-semantics 8, 11, 14.
"""

from __future__ import annotations

import json
from functools import cache

import pytest

from moduline.cloud.plans.plan import Release
from moduline.cloud.plans.rules import OfferItem, Versions
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.upgrade import WakeKind
from samples import SHARED
from upgrade_story import MODULE, Story

RECORDINGS = SHARED / "reference" / "quecthing-recordings.jsonl"

ENDS = {
    "module-success": ("UPGRADED", None),
    "refuse": ("NOT_UPGRADED", 110),
    "mcu-success": ("UPGRADED", None),
    "mcu-wrong-version": ("FAILED", 250),
    "no-space": ("FAILED", 202),
    "flash-refused": ("FAILED", 240),
    "handling-type": ("UPGRADING", None),  # ends while flashing
    "digest-wrong": ("FAILED", 230),
    "crc-missing": ("FAILED", 231),
    "lower-case-headers": ("UPGRADING", None),  # ends in a failed download
    "lower-case-headers-and-close": ("UPGRADING", None),
    "url-never-sent": ("FAILED", 210),
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


def fields(data):
    """TTLV: id -> value; members of a struct are not looked into."""
    found, at = {}, 0
    while at < len(data):
        tag = int.from_bytes(data[at : at + 2], "big")
        at += 2
        match tag & 7:
            case 0 | 1:
                value = bool(tag & 7)
            case 2:
                size = (data[at] & 7) + 1
                value = int.from_bytes(data[at + 1 : at + 1 + size], "big") * (-1 if data[at] & 0x80 else 1)
                at += 1 + size
            case 3:
                size = int.from_bytes(data[at : at + 2], "big")
                value = data[at + 2 : at + 2 + size].decode()
                at += 2 + size
            case _:
                raise AssertionError("a struct: not in these recordings")
        found.setdefault(tag >> 3, value)
    return found


def frame(text):
    data = bytes.fromhex(text)
    plain = data[:1] + data[1:].replace(b"\xaa\x55", b"\xaa")
    return int.from_bytes(plain[7:9], "big"), fields(plain[9:])


def versions_of(module, mcu):
    pairs = (one.rsplit(":", 1) for one in (mcu or "").split(";") if one)
    return Versions(module or None, dict(pairs))


class Replay(Story):
    """A recording told to the rules; the clock is stretched where ours takes its time."""

    def __init__(self):
        super().__init__(offer=False)
        self.begin = self.now
        self.known = Versions()

    def play(self, message):
        self.now = max(self.now, self.begin + message["t"])
        if message.get("mqtt") == "CONNECT":
            self.tell(events.Connected())
        elif message["dir"] == "close":
            self.tell(events.Disconnected())
        elif "http" in message:
            self.tell(events.FileAsked(7, 206))
        elif message.get("mqtt") == "PUBLISH":
            self.frame(message["dir"], *frame(message["hex"]))

    def frame(self, direction, command, told):
        if direction == "down" and command == 0x0111:
            release = Release(7, told[6], 30000)
            self.offer(OfferItem(0, told[4], type(MODULE)(told[7]), told[5], release, told[6]), versions=self.known)
        elif direction == "down" and command == 0x0113:
            wake = self.state.wake
            if wake is not None and wake.kind is WakeKind.DOWNLOAD_AGAIN:
                self.begin += max(wake.at - self.now, 0)
                self.now = max(self.now, wake.at)
                self.tell(events.TimePassed())
        elif command == 0x0034:
            self.tell(events.SpaceReported(told[4]))
        elif command == 0x0044:
            self.known = versions_of(told.get(2), told.get(3))
            self.tell(events.VersionsReported(self.known))
        elif command == 0x0115:
            self.known = versions_of(told.get(25), told.get(26))
            self.tell(events.VersionsReported(self.known, is_request=True))
        elif command == 0x0114:
            told_versions = versions_of(told.get(25), told.get(26)) if 25 in told or 26 in told else None
            kind = type(MODULE)(told[7])
            self.tell(events.StatusReported(told[13], kind, told[4], told_versions, told[14]))


def replayed(name):
    replay = Replay()
    for message in recordings()[name]:
        replay.play(message)
    return replay


@pytest.mark.parametrize("name", ENDS)
def test_recording_when_told_to_the_rules_then_ends_as_recorded(name):
    replay = replayed(name)
    assert (replay.status, replay.reason) == ENDS[name]


@pytest.mark.parametrize("name", ENDS)
def test_recording_when_nothing_more_comes_then_ends_with_a_reason(name):
    replay = replayed(name)
    replay.wait(7200)
    assert not replay.state.is_open
    assert (replay.reason is None) == (replay.status == "UPGRADED")


@pytest.mark.parametrize("name", ENDS)
def test_recording_when_every_prefix_is_told_twice_then_the_same_end_or_a_failure_with_a_reason(name):
    """Invariant 6: duplicates and reconnects at each message boundary."""
    messages = recordings()[name]
    for cut in range(1, len(messages)):
        replay = Replay()
        for message in [*messages[:cut], {"t": 0, "dir": "close"}, {"t": 0, "dir": "up", "mqtt": "CONNECT"}]:
            replay.play(message)
        for message in messages:
            if message["dir"] == "up" or message.get("hex", "")[14:18] == "0111":
                replay.play(message)
        replay.wait(7200)
        end = (replay.status, replay.reason)
        expected = ENDS[name] if ENDS[name][0] != "UPGRADING" else None
        assert not replay.state.is_open, cut
        assert end == expected or (replay.status in {"FAILED", "NOT_UPGRADED"} and replay.reason is not None), (
            cut,
            end,
        )


def test_recordings_when_of_an_upgrade_then_all_have_an_end():
    without = {"connack-3", "connection-dropped", "auth-error-10422", "session"}
    assert set(recordings()) - without <= set(ENDS)
