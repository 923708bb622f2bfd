"""The module's side of the download protocol under hostile hosts: every stage survives, and the module can be burnt again."""

from __future__ import annotations

import random

import pytest

from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.download.unisoc import DownloadSession
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block
from moduline.wire.download.unisoc import BslCommand, PdlRequest, encode_bsl, encode_pdl_request, pack_words
from unisoc_host import ACK, LOADER_1, LOADER_2, Host

IDENTITY = identity_of("ec600u", "m1")
ADDRESSES = (0, 0x60000000, 0x60010000, 0x607E0000, 0x607FFFFF, 0x70000000, 0x810000, 0xFE000006, 0xFFFFFFFF)
SIZES = (0, 1, 4, 0x100, 0x1000, 0x20000, 0x7FFFFFFF, 0xFFFFFFFF)


@pytest.fixture(scope="module")
def storage():
    storage = IDENTITY.storage(FaultyFlash(MemoryFlash(IDENTITY.geometry)))
    storage.nv.write_block(factory_block(IDENTITY.factory_imei, "m1"))
    return storage


def hostile_frame(chance):
    """A frame with a right check and odd content."""
    command = chance.choice([*BslCommand, 0x7F, 0xFF, 0x1234])
    if command in {BslCommand.NORMAL_RESET, BslCommand.POWER_OFF}:
        command = BslCommand.START_DATA
    address = chance.choice(ADDRESSES) if chance.random() < 0.6 else 0xFE000001 + chance.randrange(6)
    words = pack_words(address, chance.choice(SIZES), chance.choice(SIZES))
    data = chance.choice([words, words[:8], words[: chance.randrange(13)], chance.randbytes(chance.randrange(300))])
    return encode_bsl(command, data)


def hostile_packet(chance):
    command = chance.choice([0, 4, 5, 6, 7, 3, 0xFFFFFFFF])
    return encode_pdl_request(
        PdlRequest(
            command, chance.choice([0x8000C0, *ADDRESSES]), chance.choice(SIZES), chance.randbytes(chance.randrange(60))
        )
    )


def damaged(data, chance):
    """Sometimes the data with a byte changed, cut off, or with noise around it."""
    turn = chance.randrange(6)
    if turn == 0:
        place = chance.randrange(len(data))
        return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
    if turn == 1:
        return data[: chance.randrange(len(data))]
    return chance.randbytes(chance.randrange(20)) + data if turn == 2 else data


@pytest.mark.parametrize("seed", range(4))
def test_stages_when_fed_hostile_bytes_then_never_raise(storage, seed):
    chance = random.Random(seed)
    for _ in range(40):
        session = DownloadSession(storage)
        session.faults.is_bad_check_answered = True
        host = Host(session)
        stage = chance.choice(["rom", "fdl1", "fdl2"])
        if stage != "rom":
            host.load_first(LOADER_1)
            session.receive(b"\x7e")
        if stage == "fdl2":
            host.load_second(LOADER_2)
        make = hostile_packet if stage == "rom" else hostile_frame
        for _ in range(25):
            data = damaged(make(chance), chance)
            for at in range(0, len(data), chance.choice([1, 3, len(data) + 1])):
                session.receive(data[at : at + 3])
            assert isinstance(session.bytes_to_send(), bytes)


def test_module_when_it_was_attacked_then_can_be_burnt_again(storage):
    chance = random.Random(99)
    host = Host(DownloadSession(storage)).up()
    host.session.faults.is_bad_check_answered = True
    for _ in range(200):
        host.session.receive(hostile_frame(chance))
    again = Host(DownloadSession(storage)).up()
    assert again.code(BslCommand.ERASE_FLASH, 0, 0xFFFFFFFF) == ACK
    assert set(again.write(0x60010000, bytes(range(256)) * 64)) == {ACK}
