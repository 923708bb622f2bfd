import pytest

from eigen_host import AP_ID, BOOT_ID, head
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.burnt_heads import BurntHeads
from moduline.vmodule.facts import identity_of

BODY = bytes(range(1, 252)) * 90


def put(flash, offset, data):
    flash.erase(offset // 4096 * 4096, -(-(offset % 4096 + len(data)) // 4096) * 4096)
    flash.program(offset, data)


@pytest.fixture
def flash():
    return MemoryFlash(identity_of("ec600e", "m1").geometry)


@pytest.fixture
def heads(flash):
    return BurntHeads(identity_of("ec600e", "m1").chip, flash)


@pytest.mark.parametrize(
    ("role", "place", "image_id", "address", "body_at"),
    [
        ("boot", 0, BOOT_ID, 0, 0x4000),
        ("boot", 0, BOOT_ID, 0x9000, 0x4000),
        ("system", 0x2000, AP_ID, 0, 0x20000),
        ("system", 0x2000, AP_ID, 0x24000, 0x24000),
        ("system", 0x2000, AP_ID, 0x824000, 0x24000),
    ],
)
def test_head_when_its_image_is_there_then_true_and_when_one_bit_is_not_then_belied(
    flash, heads, role, place, image_id, address, body_at
):
    put(flash, place, head(image_id, BODY, address))
    assert heads.is_belied(role)
    put(flash, body_at, BODY)
    assert not heads.is_belied(role)
    flash.program(body_at + 777, b"\0")
    assert heads.is_belied(role)


@pytest.mark.parametrize("filling", [b"\0", b"\xff"])
def test_head_when_the_image_was_filled_up_to_packets_then_true(flash, heads, filling):
    room = -(-len(BODY) // 0x4000) * 0x4000
    put(flash, 0x2000, head(AP_ID, BODY + b"\0\xff" * 2, 0x24000, size=room))
    put(flash, 0x24000, (BODY + b"\0\xff" * 2).ljust(room, filling))
    assert not heads.is_belied("system")
    flash.program(0x24000, b"\0")
    assert heads.is_belied("system")


def test_head_when_there_is_none_or_a_torn_or_another_one_then_nothing_is_claimed(flash, heads):
    assert not heads.is_belied("boot")
    assert not heads.is_belied("system")
    put(flash, 0x2000, head(BOOT_ID, BODY, 0x24000))
    assert not heads.is_belied("system")
    put(flash, 0x2000, head(AP_ID, BODY, 0x24000)[:200])
    assert not heads.is_belied("system")
    assert not heads.is_belied("user_fs")


def test_head_when_it_states_a_place_outside_the_flash_then_belied(flash, heads):
    put(flash, 0x2000, head(AP_ID, BODY, 0x3FFF00))
    assert heads.is_belied("system")


def test_head_when_dropped_then_forgotten_and_the_other_one_kept(flash, heads):
    put(flash, 0, head(BOOT_ID, BODY))
    put(flash, 0x2000, head(AP_ID, BODY, 0x24000))
    heads.drop_system()
    assert heads.is_belied("boot")
    assert not heads.is_belied("system")
    assert flash.wear[2] == 2  # put and dropped
    heads.drop_system()
    assert flash.wear[2] == 2


def test_heads_when_the_chip_has_another_wire_then_none():
    flash = MemoryFlash(identity_of("ec600u", "m1").geometry)
    put(flash, 0, head(BOOT_ID, BODY))
    heads = BurntHeads(identity_of("ec600u", "m1").chip, flash)
    assert not heads.is_belied("boot")
    heads.drop_system()
    assert flash.read(0, 4) == bytes.fromhex("01000010")
