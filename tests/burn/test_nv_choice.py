"""Whose NV block goes into a module: only what the IMEI proves, or what somebody named, and never another unit's."""

from __future__ import annotations

import itertools

import pytest

from moduline.burn.nv_choice import NvEvidence, choose_nv, imei_in, is_luhn_right
from moduline.burn.nv_store import NvFile, SavedNv
from moduline.errors import NvDamaged, NvForeign
from moduline.formats import nv

FIRST, SECOND = "490154203237518", "356938035643809"  # the two IMEIs that textbooks use; both with right check digits
TEMPLATE_IMEI = "861234567890123"
SIZE = 0x200


def block(imei, calibration=b"cal"):
    entries = ((nv.NvEntry(5, nv.encode_imei(imei)),) if imei else ()) + (nv.NvEntry(0x26D, calibration * 20),)
    return nv.write(nv.NvBlock(SIZE, entries))


def evidence(read, told="", **changed):
    facts = {"template": block(TEMPLATE_IMEI), "place": "1-2", "address": "usb:1-2"} | changed
    return NvEvidence(block=read, is_valid=nv.is_crc_right(read), told_imei=told, **facts)


def saved(imei, place="1-2", path="first.bin", is_valid=True):
    return SavedNv(path, imei, 1.0, place=place, is_valid=is_valid)


def named(imei):
    return NvFile("named.bin", imei, block(imei))


TORN_BEHIND_IMEI = block(FIRST)[:0x40] + b"\xff" * (SIZE - 0x40)
BLANK = b"\xff" * SIZE


def test_imei_when_the_damage_lies_behind_it_then_legible():
    assert imei_in(block(FIRST)) == FIRST
    assert imei_in(TORN_BEHIND_IMEI) == FIRST
    assert imei_in(block(FIRST)[:0x10] + b"\x01" * 0x100) == FIRST
    assert [imei_in(one) for one in (BLANK, b"", bytes(SIZE), block(FIRST)[:9])] == [""] * 4


@pytest.mark.parametrize("imei", [FIRST, SECOND])
def test_check_digit_when_any_digit_is_changed_then_wrong(imei):
    assert is_luhn_right(imei)
    for place, digit in itertools.product(range(15), "0123456789"):
        changed = imei[:place] + digit + imei[place + 1 :]
        assert is_luhn_right(changed) == (changed == imei)
    assert not is_luhn_right("")


def test_own_when_whole_then_it_whatever_was_saved():
    assert choose_nv(evidence(block(FIRST)), None, [saved(SECOND)]) is None


@pytest.mark.parametrize("read", [BLANK, b""])
def test_own_when_damaged_and_nobody_knows_whose_then_ends_and_names_what_was_saved_here(read):
    with pytest.raises(NvDamaged) as damaged:
        choose_nv(evidence(read), None, [saved(SECOND, place="9-9", path="far.bin"), saved(FIRST)])
    assert (damaged.value.facts["saved"], damaged.value.facts["imei"]) == ("first.bin", FIRST)
    assert ("damaged" in damaged.value.message()) == bool(read)
    assert damaged.value.exit_code == 9


def test_own_when_damaged_and_nothing_saved_then_ends_all_the_same_unless_the_loss_is_accepted():
    with pytest.raises(NvDamaged) as damaged:
        choose_nv(evidence(BLANK), None, [])
    assert "none" in damaged.value.message("en")
    assert "无" in damaged.value.message("zh")
    assert choose_nv(evidence(BLANK), None, [], accepts_loss=True) is None


def test_proof_when_the_imei_is_legible_or_told_then_the_newest_block_of_that_unit_from_any_place():
    rows = [saved(FIRST, "9-9", "old.bin"), saved(FIRST, "9-9", "new.bin"), saved(SECOND)]
    assert choose_nv(evidence(TORN_BEHIND_IMEI), None, rows) == "new.bin"
    assert choose_nv(evidence(BLANK, told=FIRST), None, rows) == "new.bin"
    rows.append(saved(FIRST, path="damaged.bin", is_valid=False))
    assert choose_nv(evidence(BLANK, told=FIRST), None, rows) == "new.bin"


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (TORN_BEHIND_IMEI, SECOND),  # two stories
        (BLANK, TEMPLATE_IMEI),  # what every unit says that was burnt without its own
        (BLANK, "000000000000000"),
        (BLANK, "12345"),
        (block("490154203237519")[:0x40] + BLANK[0x40:], ""),  # a wrong check digit: damaged where the IMEI stands
    ],
)
def test_proof_when_it_is_none_then_ends(read, told):
    rows = [saved(FIRST), saved(SECOND), saved(TEMPLATE_IMEI), saved("000000000000000"), saved("490154203237519")]
    with pytest.raises(NvDamaged):
        choose_nv(evidence(read, told), None, rows)


@pytest.mark.parametrize("read", [BLANK, b"", TORN_BEHIND_IMEI, block(FIRST), block(TEMPLATE_IMEI), block("")])
def test_named_when_nothing_speaks_against_it_then_it(read):
    wanted = named(FIRST)
    assert choose_nv(evidence(read), wanted, []) is wanted


@pytest.mark.parametrize(
    ("read", "told"), [(block(SECOND), ""), (block(SECOND), FIRST), (BLANK, SECOND), (block(""), SECOND)]
)
def test_named_when_the_module_is_another_unit_then_refused(read, told):
    with pytest.raises(NvForeign) as foreign:
        choose_nv(evidence(read, told), named(FIRST), [saved(FIRST)], accepts_loss=True)
    assert (foreign.value.facts["saved"], foreign.value.facts["module"]) == (FIRST, SECOND)
    assert foreign.value.exit_code == 15


def test_named_when_the_damaged_block_still_tells_another_imei_then_refused():
    torn = block(SECOND)[:0x40] + BLANK[0x40:]
    with pytest.raises(NvForeign):
        choose_nv(evidence(torn), named(FIRST), [])
