from __future__ import annotations

import struct

import pytest

from asr_maker import fip as made_by_hand
from moduline.errors import BadFormat
from moduline.formats.container import asr_fip
from samples import sample

# Sizes: platform-asr 1.6.
REAL = {
    "asr1601/preboot.img": (16800, 15621),
    "asr1601/flasher.img": (46040, 44864),
    "asr1603/preboot.img": (27788, 26609),
    "asr1603/flasher.img": (33676, 32500),
}


@pytest.mark.parametrize("name", REAL)
def test_fip_when_real_then_two_contents_and_the_same_bytes(name):
    data = sample(f"asr/{name}").read_bytes()
    size, content = REAL[name]
    fip = asr_fip.read(data)
    assert len(data) == size
    assert [(one.role, len(one.data)) for one in fip.entries] == [("bl2", content), ("certificate", 0x40E)]
    assert asr_fip.write(fip) == data


@pytest.mark.parametrize("name", REAL)
def test_fip_when_made_of_real_contents_then_the_real_layout(name):
    data = sample(f"asr/{name}").read_bytes()
    fip = asr_fip.read(data)
    assert asr_fip.make(fip.entry("bl2").data, fip.entry("certificate").data) == data


def test_fip_when_made_by_hand_then_read_and_bytes_around_survive():
    data = made_by_hand(b"code")
    assert asr_fip.read(data).entry("bl2").data == b"code"
    assert asr_fip.read(data).entry("certificate") is None
    assert asr_fip.write(asr_fip.read(data + b"trailer")) == data + b"trailer"


BROKEN = {
    "empty": (b"", "truncated"),
    "magic": (b"\2" + made_by_hand()[1:], "magic"),
    "no-end": (made_by_hand()[:16] + made_by_hand()[16:56] * 40, "entries"),
    "cut": (made_by_hand()[:-1], "size"),
    "size-within-list": (made_by_hand()[:72] + struct.pack("<Q", 20) + made_by_hand()[80:], "size"),
    "content-too-long": (made_by_hand()[:40] + struct.pack("<Q", 5) + made_by_hand()[48:], "content-range"),
    "content-before-data": (made_by_hand()[:32] + struct.pack("<Q", 0) + made_by_hand()[40:], "content-range"),
    "offset-huge": (made_by_hand()[:32] + b"\xff" * 8 + made_by_hand()[40:], "content-range"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_fip_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        asr_fip.read(data)
    assert failure.value.facts["rule"] == rule
