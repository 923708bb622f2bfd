"""The 8850's side of the download protocol under hostile hosts: both stages survive, and it can be burnt again."""

from __future__ import annotations

import random

import pytest

from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.download.unisoc8850 import BslSession
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block
from unisoc8850_host import ACK, CPIO, ERASE, FORMAT, LOADER, NV, PHASE_CHECK, Host, cpio, crc16, frame, sum16, words

IDENTITY = identity_of("ec600g", "m1")
ADDRESSES = (0, 0x50800000, 0x60000000, 0x60020000, 0x607C0000, 0x607FFFFF, 0x70000000, 0xFE000001, 0xFE000005, FORMAT)
LOGICAL = (NV, PHASE_CHECK, CPIO)
SIZES = (0, 1, 4, 0x100, 0x1000, 0x14000, 0x20000, 0x28000, 0x7FFFFFFF, 0x444F4D46, 0x53595346, 0xFFFFFFFF)
KINDS = (0, 1, 1, 2, 2, 2, 3, 3, 4, 6, 6, 9, ERASE, 0x0B, 0x25, 0x7F, 0x1234)
ARCHIVE = cpio((b"modem/a", b"1" * 50), (b"factory/b", b"2"), (b"../c", b"3"), (b"d", None))


@pytest.fixture
def storage():
    storage = IDENTITY.storage(FaultyFlash(MemoryFlash(IDENTITY.geometry)))
    storage.nv.write_block(factory_block(IDENTITY.factory_imei, "m1", 0x28000))
    return storage


def hostile(chance, check):
    """A frame with a right check and odd content, sometimes damaged on its way."""
    numbers = words(chance.choice(ADDRESSES + LOGICAL), chance.choice(SIZES), chance.choice(SIZES))
    data = chance.choice(
        [numbers, numbers[:8], numbers[: chance.randrange(13)], chance.randbytes(chance.randrange(99))]
    )
    if chance.random() < 0.2:
        data = damaged(ARCHIVE, chance)
    sent = frame(chance.choice(KINDS), data, check)
    return damaged(sent, chance) if chance.random() < 0.4 else sent


def damaged(data, chance):
    """The data with a byte changed, cut off, or with noise before it."""
    turn = chance.randrange(3)
    if turn == 0:
        place = chance.randrange(len(data))
        return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
    return data[: chance.randrange(len(data))] if turn == 1 else chance.randbytes(chance.randrange(20)) + data


@pytest.mark.parametrize("stage", ["rom", "fdl"])
@pytest.mark.parametrize("seed", range(3))
def test_stages_when_fed_hostile_bytes_then_never_raise_and_a_next_stay_burns(storage, stage, seed):
    chance = random.Random(seed)
    for _ in range(12):
        host = Host(BslSession(IDENTITY.profile, storage))
        host.session.faults.is_bad_check_answered = True
        if stage == "fdl":
            host.up()
        else:
            host.raw(b"\x7e" * 3)
        for _ in range(30):
            data = hostile(chance, sum16 if stage == "fdl" else crc16)
            step = chance.choice([1, 3, len(data) + 1])
            for at in range(0, len(data), step):
                host.session.receive(data[at : at + step])
            assert isinstance(host.session.bytes_to_send(), bytes)
    again = Host(BslSession(IDENTITY.profile, storage)).up()
    assert again.code(ERASE, 0, 0xFFFFFFFF) == ACK
    assert set(again.write(0x60030000, LOADER)) == {ACK}
    assert set(again.write(CPIO, cpio((b"modem/a", b"1")))) == {ACK}
    assert set(again.write(NV, factory_block(IDENTITY.factory_imei, "m1", 0x28000), 0x3000)) == {ACK}
