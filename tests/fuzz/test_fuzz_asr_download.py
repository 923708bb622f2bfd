"""Hostile hosts at the module's side of ASR's wire: no input makes it fail, and a right host is served afterwards."""

from __future__ import annotations

import random

import pytest

from asr_bench import TABLE, bench, flasher
from asr_host import FLASHER, PREAMBLE, PREBOOT, flash_list, frame, table, vendor_sparse

LIST = flash_list([0x601800C8])
SEEDS = 2000
STREAM = b"".join(
    (
        PREAMBLE,
        b"\x7eUABT\x7e",
        frame(1, b"\x04\x00"),
        frame(3, b"getvar:version"),
        frame(3, b"progress:00000004"),
        frame(3, b"download:00000010"),
        frame(4, bytes(range(16))),
        frame(3, b"verify"),
        frame(3, b"call"),
        frame(3, b"getvar:partition-size:customer_fs"),
        frame(3, b"flash:customer_fs"),
        frame(3, b"erase:customer_fs"),
    )
)


def mutated(data, dice):
    """A few bytes changed, lost, doubled or made giant."""
    out = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at, kind = dice.randrange(len(out) or 1), dice.randrange(5)
        if kind == 0:
            out[at : at + 1] = bytes([dice.randrange(256)])
        elif kind == 1:
            del out[at : at + dice.randint(1, 40)]
        elif kind == 2:
            out[at:at] = out[at : at + dice.randint(1, 40)]
        elif kind == 3:
            out[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7e\x7e\x7d\x7e", b"\0\0\0\x80"))
        else:
            out[at : at + 8] = dice.choice((b"ffffffff", b"00100000", b"UUUU~UAB"))
    return bytes(out)


@pytest.mark.parametrize("start", range(0, SEEDS, 500))
def test_stream_when_mutated_then_never_an_exception_and_a_right_host_is_served(start):
    for seed in range(start, start + 500):
        dice = random.Random(seed)
        host, _, _ = bench()
        if dice.randrange(2):
            host.open()
        data = mutated(STREAM, dice)
        for at in range(0, len(data), size := dice.choice((1, 7, 64, 4096))):
            host.raw(data[at : at + size])
        if seed % 20 == 0 and host.session.wake_at_s is not None:
            host.now += 10
            host.raw(b"\x7e" + PREAMBLE)
            host.now += 10
            host.open()
            if host.session.stage == "rom":
                assert host.call(PREBOOT) == ["OKAY"] * 3, seed


@pytest.mark.parametrize("start", range(0, SEEDS, 1000))
def test_images_when_mutated_then_never_an_exception_and_right_ones_are_taken(start):
    host, flash, _ = flasher()
    segment = vendor_sparse(b"content" * 900, 1, 0x40)
    images = {"partition": (LIST, TABLE, table([], short=0)), "flash:system": (segment,)}
    for seed in range(start, start + 1000):
        dice = random.Random(seed)
        verb = dice.choice(list(images))
        image = mutated(dice.choice(images[verb]), dice)
        if host.download(image) == "OKAY":
            assert host.say(verb)[:4] in {"OKAY", "FAIL"}, seed
        if seed % 100 == 0:
            host.told(TABLE)
            assert host.put("system", segment) == "OKAY"
            assert flash.read(0x25000, 6300) == b"content" * 900


@pytest.mark.parametrize("start", range(0, SEEDS, 1000))
def test_loaders_when_mutated_then_only_whole_ones_run(start):
    host, _, _ = bench()
    host.mtu = 2048
    host.open()
    for seed in range(start, start + 1000):
        image = mutated(PREBOOT, random.Random(seed))
        if image and host.download(image) == "OKAY" and host.say("verify") == "OKAY":
            assert image[136 : 136 + 2100] == PREBOOT[136 : 136 + 2100], seed
    assert host.call(PREBOOT) == ["OKAY"] * 3
    assert host.call(FLASHER) == ["OKAY"] * 3


@pytest.mark.parametrize("size", [5000, 100_000, 1_000_000])
def test_frame_when_endless_then_dropped_and_the_next_host_is_served(size):
    host, _, _ = bench()
    host.open()
    assert host.raw(b"\x7e" + b"A" * size) == b""
    host.now += 3
    host.raw(b"\x7e")
    host.now += 3
    host.open()
    assert host.say("getvar:version") == "OKAY0.5"


@pytest.mark.parametrize(
    "text", ["flash:" + "x" * 121, "getvar:" + "y" * 120, "erase:" + "%s%n" * 30, "A" * 127, "A" * 128, ":" * 60]
)
def test_command_when_long_or_odd_then_fail_or_silence(text):
    host, _, _ = flasher()
    assert host.say(text)[:4] in {"FAIL", ""}
    assert host.say("nop") == "OKAY"
