"""Patches that read the old content on a module: accepted, applied in the flash, cut anywhere, refused."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

import pytest

from moduline.delta import Target, codecs, inplace, make, read_side
from moduline.errors import FlashCut, FormatError, PatchMisfit
from moduline.formats import littlefs, patch
from update_rig import IDENTITY, NEW, OLD, PROFILE, Rig, firmware, old_chip, packages

BEFORE = random.Random(1).randbytes(40000)
AFTER = BEFORE[:9000] + random.Random(2).randbytes(3000) + BEFORE[9000:-500]
OLD_FIRMWARE, NEW_FIRMWARE = firmware(OLD, BEFORE), firmware(NEW, AFTER)


@pytest.fixture(scope="module")
def package():
    return make(read_side(OLD_FIRMWARE), read_side(NEW_FIRMWARE), codec="mapped").files[0]


@pytest.fixture(scope="module")
def chip():
    """One chip for all tests, as it was before each."""
    return old_chip(BEFORE)[0]


def areas():
    for role in ("system", "update_store"):
        place = PROFILE.partition(role)
        yield IDENTITY.offset_of(place), min(place.size_bytes, 1 << 20)


@pytest.fixture(scope="module")
def clean(chip):
    return [(start, bytes(chip.cells[start : start + size])) for start, size in areas()]


@pytest.fixture
def fresh(chip, clean):
    def restore(cells=clean):
        for start, content in cells:
            chip.cells[start : start + len(content)] = content
        return chip

    restore()
    return restore


def resealed(package, **changes):
    """The package with another data block or other fields, all its checks right."""
    found = patch.read(package)
    return patch.write(replace(found, regions=(replace(found.regions[0], **changes),)))


def test_package_when_firmware_differs_little_then_is_coded_and_far_smaller(package):
    found = patch.read(package)
    assert [one.codec for one in found.regions] == [codecs.MAPPED]
    assert found.spare_bytes == codecs.in_place(found.regions[0]).plan.spare_bytes > 0
    whole = make(read_side(OLD_FIRMWARE), read_side(NEW_FIRMWARE), codec="whole").files[0]
    assert len(package) < len(whole) / 5


def test_update_when_staged_then_applied_in_place_and_back_again(package, fresh):
    rig = Rig(fresh())
    assert rig.version() == OLD
    rig.stage([package])
    rig.power_on()
    assert rig.boot() == 1
    assert (rig.version(), rig.unit.result.is_done) == (NEW, True)
    back = make(read_side(NEW_FIRMWARE), read_side(OLD_FIRMWARE), codec="mapped").files[0]
    rig.power_on()
    rig.unit.begin()
    rig.unit.write(back)
    rig.unit.accept(NEW)
    rig.power_on()
    rig.boot()
    assert (rig.version(), rig.unit.result.is_done) == (OLD, True)


def cut_while_applying(package, fresh, chip, every):
    rig = Rig(fresh())
    rig.stage([package])
    staged = [(start, bytes(chip.cells[start : start + size])) for start, size in areas()]
    rig.power_on()
    rig.boot()
    operations = rig.flash.operation
    assert operations > 200
    chance = random.Random(3)
    for number in range(0, operations, every):
        again = f"tear@{number}:{number},tear@{chance.randrange(operations)}:5,cut@{chance.randrange(40)}"
        for cuts in (f"cut@{number}", f"tear@{number}:{number + 1}", again):
            rig = Rig(fresh(staged))
            rig.flash.arm(cuts)
            for _ in range(4):
                try:
                    rig.boot()
                    break
                except FlashCut:
                    rig.power_on()
            assert rig.version() == NEW, cuts
            assert rig.unit.result.is_done, cuts
            assert not rig.unit.is_due, cuts


def test_update_when_power_goes_while_it_is_applied_then_the_new_firmware(package, fresh, chip):
    cut_while_applying(package, fresh, chip, 23)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_update_when_power_goes_at_every_operation_then_the_new_firmware(package, fresh, chip):
    cut_while_applying(package, fresh, chip, 1)


# ---- scripts that are still what they were ---------------------------------------------------------------------------

SMALL = 64 * 4096
USER_FS = PROFILE.partition("user_fs")


def scripts_image(*files):
    return littlefs.write_image(list(files), PROFILE.fs.geometry(SMALL))


OLD_SCRIPTS = scripts_image(("main.py", random.Random(4).randbytes(9000)), ("lib.py", b"lib = 1\n" * 900))
NEW_SCRIPTS = scripts_image(("main.py", random.Random(4).randbytes(9000)), ("lib.py", b"lib = 2\n" * 900))


def scripts_package(**changes):
    """A full package that reads the scripts it was made from."""
    full = patch.read(packages("full")[0])
    made = inplace.make(OLD_SCRIPTS, NEW_SCRIPTS)
    facts = {
        "old_bytes": SMALL,
        "old_sha256": hashlib.sha256(OLD_SCRIPTS).digest(),
        "new_bytes": SMALL,
        "new_sha256": hashlib.sha256(NEW_SCRIPTS).digest(),
        "codec": codecs.MAPPED,
        "data": made.block,
    }
    region = replace(full.regions[0], **{**facts, **changes})
    return patch.write(replace(full, regions=(region,)))


def rig_with_scripts(fresh, chip):
    at = IDENTITY.offset_of(USER_FS)
    fresh()
    chip.cells[at : at + SMALL] = OLD_SCRIPTS
    return Rig(chip)


def test_scripts_when_they_are_what_the_patch_was_made_from_then_renewed_in_place(fresh, chip):
    rig = rig_with_scripts(fresh, chip)
    package = scripts_package()
    assert len(package) < SMALL // 4
    rig.stage([package])
    rig.power_on()
    assert (rig.boot(), rig.version()) == (1, OLD)
    assert rig.unit.result.is_done
    assert rig.usr()[:SMALL] == NEW_SCRIPTS


def test_scripts_when_written_to_before_the_restart_then_left_alone_and_the_reason_told(fresh, chip):
    rig = rig_with_scripts(fresh, chip)
    rig.stage([scripts_package()])
    at = IDENTITY.offset_of(USER_FS) + SMALL - 4096
    rig.flash.erase(at, 4096)
    rig.flash.program(at, b"a file that a script has written")
    before = rig.usr()
    rig.power_on()
    assert (rig.boot(), rig.unit.result.reason) == (0, "source-changed")
    assert rig.usr() == before


def test_scripts_when_the_patch_does_not_say_what_they_were_then_refused(fresh, chip):
    rig = rig_with_scripts(fresh, chip)
    with pytest.raises(PatchMisfit):
        rig.stage([scripts_package(old_bytes=0, old_sha256=bytes(32))])
    chip.cells[IDENTITY.offset_of(USER_FS) + 5000] ^= 1
    with pytest.raises(PatchMisfit):
        rig.stage([scripts_package()])
    assert not rig.unit.is_due


# ---- what is refused -------------------------------------------------------------------------------------------------


def hostile(package):
    region = patch.read(package).regions[0]
    block = region.data
    yield resealed(package, data=block[:-200])
    yield resealed(package, data=block[:3])
    yield resealed(package, data=block[:40] + bytes([block[40] ^ 1]) + block[41:])
    yield resealed(package, data=block[:-100] + bytes(100))
    yield resealed(package, new_bytes=region.new_bytes - 1)
    yield resealed(package, new_sha256=bytes(31) + b"\1")


def test_package_when_hostile_then_refused_and_the_firmware_is_as_it_was(package, fresh, chip, clean):
    for number, bad in enumerate(hostile(package)):
        rig = Rig(fresh())
        with pytest.raises(FormatError):
            rig.stage([bad])
        start, content = clean[0]
        assert bytes(chip.cells[start : start + len(content)]) == content, number
        assert not rig.unit.is_due


def test_package_when_for_other_erase_units_then_refused(fresh):
    large = make(
        read_side(OLD_FIRMWARE), read_side(NEW_FIRMWARE), codec="mapped", target=Target(block_bytes=65536)
    ).files[0]
    with pytest.raises(PatchMisfit):
        Rig(fresh()).stage([large])


def test_old_firmware_when_another_then_refused(package, fresh, chip):
    rig = Rig(fresh())
    start, _ = next(areas())
    chip.cells[start + 20000 : start + 20001] = bytes([chip.cells[start + 20000] ^ 1])
    with pytest.raises(PatchMisfit):
        rig.stage([package])


def test_package_when_it_decays_before_the_boot_then_old_firmware_and_a_reason(package, fresh, chip):
    rig = Rig(fresh())
    rig.stage([package])
    whole = bytes(chip.cells[:])
    at = whole.index(patch.read(package).regions[0].data[:64])
    chip.cells[at + 200 : at + 201] = b"\0"
    rig.power_on()
    rig.boot()
    assert (rig.version(), rig.unit.result.reason) == (OLD, "package-damaged")
