"""The secure data area: its desk against hostile questions, its records in the flash.

Source: the public page of ``SecureData``.
"""

import pytest

from moduline.errors import FlashCut
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.facts import identity_of
from moduline.vmodule.interpreter import framing
from moduline.vmodule.nv_store import factory_block
from moduline.vmodule.world.secure_area import SecureArea, SecureDesk, room_of


def ask(desk, op, index, data=b""):
    return desk.questions[op](framing.Call({"op": op, "index": index}, data))


def test_room_of_each_record_is_that_of_the_page():
    assert [room_of(index) for index in (1, 8, 9, 12, 13, 14, 15, 16)] == [52, 52, 100, 100, 500, 500, 1000, 1000]


def test_record_when_stored_is_read_back_and_replaced_whole():
    desk = SecureDesk(SecureArea())
    assert ask(desk, "secure_read", 1) == (-2, b"")
    assert ask(desk, "secure_store", 1, b"x" * 52) == (0, b"")
    assert ask(desk, "secure_store", 1, b"y") == (0, b"")
    assert ask(desk, "secure_read", 1) == (0, b"y")


@pytest.mark.parametrize(("index", "size"), [(0, 1), (17, 1), (-1, 1), (1 << 70, 1), (1, 53), (16, 1001)])
def test_record_when_out_of_range_is_refused(index, size):
    desk = SecureDesk(SecureArea())
    assert ask(desk, "secure_store", index, bytes(size)) == (-1, b"")
    if not 1 <= index <= 16:
        assert ask(desk, "secure_read", index) == (-1, b"")


@pytest.mark.parametrize("index", ["1", None, 1.5, True, [1]])
def test_question_when_its_facts_are_of_another_type_breaks_the_rules(index):
    for op in ("secure_store", "secure_read"):
        with pytest.raises(framing.BadFrameError):
            ask(SecureDesk(SecureArea()), op, index)


def test_records_lie_beside_the_imei_and_are_old_or_new_after_any_cut():
    identity = identity_of("ec600u", "m1")
    flash = FaultyFlash(MemoryFlash(identity.geometry))
    store = identity.storage(flash).nv
    store.write_block(factory_block("866981057532206", "m1", identity.chip.entry.nv_bytes))
    store.write_secure(16, b"old" * 333)
    flash.power_on()
    for operation in range(8):
        flash.arm(f"tear@{operation}:{operation}")
        try:
            store.write_secure(16, b"new" * (300 + operation))
        except FlashCut:
            flash.power_on()
        flash.arm("")
        again = identity.storage(flash).nv
        assert again.imei == "866981057532206"
        assert again.read_secure(16) in {b"old" * 333, *(b"new" * (300 + n) for n in range(8))}
    store.write_secure(16, b"last")
    assert identity.storage(flash).nv.read_secure(16) == b"last"
    assert store.read_secure(1) is None
