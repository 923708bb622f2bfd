"""What a module takes and what it refuses, and what happens to an update between acceptance and the next boot."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moduline.delta import codecs, sign
from moduline.errors import BadFormat, FormatError, PatchForeign, PatchMisfit, PatchUntrusted, TooBig, Unsupported
from moduline.formats import patch
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.boot import BootCode, StayInRom
from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import identity_of
from moduline.vmodule.update import UpdateUnit
from moduline.vmodule.update.acceptance import Abilities, abilities_of
from moduline.vmodule.update.unit import MAX_TRIES, RestartDue, SectorDone, UpdateOver
from transcripts.updating import diff, version_of
from transcripts.updating import firmware as stock
from update_rig import IDENTITY, NEW, OLD, PROFILE, Rig, firmware, old_chip, packages

ANY = Abilities(has_full=True, has_mini=True)
SEED = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


@pytest.fixture
def rig():
    return Rig(old_chip()[0])


def unit_of(rig, abilities):
    return UpdateUnit(IDENTITY, rig.flash, IDENTITY.storage(rig.flash).files, abilities)


def take(rig, files, abilities=ANY, version=OLD):
    """Stage and accept; gives the unit."""
    unit = unit_of(rig, abilities)
    for number, data in enumerate(files):
        unit.begin(is_next=number > 0)
        unit.write(data)
    unit.accept(version)
    return unit


def with_content(region, new):
    codec, block = codecs.encode(new)
    return replace(region, new_bytes=len(new), new_sha256=hashlib.sha256(new).digest(), codec=codec, data=block)


def system_of(which, **changes):
    """The bytes of a system image, and changes to what it says."""
    from moduline.formats import system_image
    from moduline.package.stock import read_stock

    image = system_image.read(read_stock(firmware(which)).images["system"])
    return system_image.write(replace(image, **changes), 0)


GOOD = patch.read(packages("diff")[0])
SYSTEM = GOOD.regions[0]


def changed(**changes):
    """The good patch with another system region."""
    return replace(GOOD, regions=(replace(SYSTEM, **changes),))


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        pytest.param(replace(GOOD, models=("EC600U-CNLB",)), PatchForeign, id="other-model"),
        pytest.param(replace(GOOD, models=()), PatchForeign, id="no-model"),
        pytest.param(replace(GOOD, chip="unisoc8910"), PatchForeign, id="other-chip"),
        pytest.param(replace(GOOD, source_version=NEW), PatchMisfit, id="other-version"),
        pytest.param(changed(old_sha256=b"\1" * 32), PatchMisfit, id="other-content"),
        pytest.param(changed(old_bytes=0, old_sha256=bytes(32)), PatchMisfit, id="old-content-not-stated"),
        pytest.param(changed(address=SYSTEM.address + 4096), PatchMisfit, id="other-place"),
        pytest.param(changed(role="boot"), PatchMisfit, id="boot-code"),
        pytest.param(changed(role="factory"), PatchMisfit, id="calibration"),
        pytest.param(changed(role="backup_fs"), PatchMisfit, id="backup"),
        pytest.param(changed(role="user_fs"), PatchMisfit, id="scripts-in-a-diff"),
        pytest.param(changed(role="modem"), PatchMisfit, id="partition-that-is-not-there"),
        pytest.param(changed(codec=9), Unsupported, id="unknown-codec"),
        pytest.param(changed(codec=2), BadFormat, id="another-codec"),
        pytest.param(changed(codec=3), BadFormat, id="one-more-codec"),
        pytest.param(changed(new_sha256=b"\2" * 32), FormatError, id="content-other-than-promised"),
        pytest.param(changed(data=SYSTEM.data[:-9]), BadFormat, id="block-cut"),
        pytest.param(replace(GOOD, regions=(with_content(SYSTEM, b"no image" * 99),)), BadFormat, id="no-image"),
        pytest.param(replace(GOOD, regions=(with_content(SYSTEM, system_of(NEW)[:-1]),)), FormatError, id="image-cut"),
        pytest.param(
            replace(GOOD, regions=(with_content(SYSTEM, system_of(NEW, models=("EC200U-CNAA",))),)),
            PatchForeign,
            id="system-of-another-model",
        ),
        pytest.param(
            replace(GOOD, regions=(with_content(SYSTEM, system_of(NEW, version=OLD)),)), PatchMisfit, id="version-not-promised"
        ),
        pytest.param(
            replace(GOOD, regions=(with_content(SYSTEM, bytes(PROFILE.partition("system").size_bytes + 1)),)),
            TooBig,
            id="larger-than-the-partition",
        ),
    ],
)  # fmt: skip
def test_accept_when_package_is_not_for_this_module_then_refused_and_nothing_is_due(rig, bad, error):
    with pytest.raises(error) as raised:
        take(rig, [patch.write(bad)])
    assert raised.value.message("zh")
    assert not rig.unit.is_due
    assert (rig.boot(), rig.version()) == (0, OLD)


def test_accept_when_package_is_right_then_due(rig):
    unit = take(rig, [patch.write(GOOD)])
    assert unit.is_due
    assert (rig.boot(), rig.version()) == (1, NEW)
    assert rig.unit.result.is_done
    assert (rig.unit.result.source, rig.unit.result.target, rig.unit.result.kind) == (OLD, NEW, "diff")


@pytest.mark.parametrize("kind", ["full", "mini"])
def test_accept_when_kind_is_not_supported_then_refused(rig, kind):
    with pytest.raises(PatchMisfit):
        take(rig, packages(kind), Abilities())
    assert take(rig, packages(kind), Abilities(has_full=kind == "full", has_mini=kind == "mini")).is_due


def test_accept_when_stages_are_incomplete_or_in_another_order_then_refused(rig):
    first, second = packages("mini")
    (single,) = packages("diff")
    for files in ([first], [second], [second, first], [first, first], [first, second, second], [first, single], []):
        with pytest.raises((PatchMisfit, IndexError)):
            take(rig, files)
        assert not rig.unit.is_due
    assert take(rig, [first, second]).is_due


def test_accept_when_scripts_are_no_file_system_of_this_module_then_refused(rig):
    full = patch.read(packages("full")[0])
    for content in (b"no file system" * 999, b"\xff" * 8192):
        with pytest.raises(PatchMisfit):
            take(rig, [patch.write(replace(full, regions=(with_content(full.regions[0], content),)))])


def test_accept_when_the_module_knows_a_key_then_only_packages_signed_with_it(rig):
    trusting = replace(ANY, public_key=PUBLIC)
    signed = sign(GOOD, SEED)
    other = sign(GOOD, bytes(32))
    forged = replace(other, key_id=signed.key_id)
    stretched = replace(signed, target_version="EC600NCNLCR03A01M08_OCPU_PY_RIG4")
    for bad in (GOOD, other, forged, stretched):
        with pytest.raises(PatchUntrusted):
            take(rig, [patch.write(bad)], trusting)
    assert take(rig, [patch.write(signed)], trusting).is_due
    assert take(rig, [patch.write(signed)]).is_due  # who knows no key looks at none


def test_acceptance_when_a_new_package_begins_then_withdrawn(rig):
    take(rig, [patch.write(GOOD)])
    rig.unit.begin()
    assert not rig.unit.is_due
    assert (rig.boot(), rig.version()) == (0, OLD)


def test_package_when_larger_than_the_store_then_refused_and_forgotten(rig):
    rig.unit.begin()
    with pytest.raises(TooBig):
        rig.unit.write(bytes(rig.unit.room_bytes + 1))
    assert rig.unit.staged_bytes == 0


def burn(rig, version):
    program_package(IDENTITY, rig.flash, read_firmware(firmware(version)))


THIRD = "EC600NCNLCR03A01M08_OCPU_PY_RIG3"


def test_update_when_another_firmware_is_burnt_before_it_then_dropped(rig):
    take(rig, [patch.write(GOOD)])
    burn(rig, THIRD)
    assert (rig.boot(), rig.version()) == (0, THIRD)
    assert (rig.unit.result.is_done, rig.unit.result.reason) == (False, "burnt-over")
    assert not rig.unit.is_due


def half_applied(rig, files=None, sectors=2):
    """The boot code has renewed a few sectors."""
    take(rig, files or [patch.write(GOOD)])
    steps = rig.unit.boot(OLD)
    for _ in range(sectors):
        assert isinstance(next(steps), SectorDone)


def test_update_when_another_firmware_is_burnt_into_the_middle_then_dropped(rig):
    half_applied(rig)
    assert isinstance(rig.boot_code.decide(), StayInRom)
    burn(rig, THIRD)
    assert (rig.boot(), rig.version(), rig.unit.result.reason) == (0, THIRD, "burnt-over")


def test_update_when_the_old_firmware_is_burnt_into_the_middle_then_it_goes_on(rig):
    half_applied(rig)
    burn(rig, OLD)
    assert (rig.boot(), rig.version()) == (1, NEW)


def test_scripts_when_another_firmware_is_burnt_before_a_full_update_then_dropped(rig):
    take(rig, packages("full"))
    burn(rig, THIRD)
    usr = rig.usr()
    assert (rig.boot(), rig.version(), rig.unit.result.reason) == (0, THIRD, "burnt-over")
    assert rig.usr() == usr


def test_boot_code_when_missing_then_nothing_is_applied(rig):
    half_applied(rig)
    boot = PROFILE.partition("boot")
    rig.flash.erase(IDENTITY.offset_of(boot), boot.size_bytes)
    decision = rig.boot_code.decide()
    assert decision == StayInRom("boot-erased")
    assert not rig.boot_code.can_update(decision)
    assert rig.boot() == 0
    assert rig.unit.is_due


def store_offset():
    return IDENTITY.offset_of(PROFILE.partition("update_store")) + 2 * 4096


def test_package_when_its_flash_decays_before_the_boot_then_old_firmware_and_a_reason(rig):
    take(rig, [patch.write(GOOD)])
    at = store_offset() + 700
    rig.flash.program(at, bytes([rig.flash.read(at, 1)[0] & 0x55]))
    assert (rig.boot(), rig.version(), rig.unit.result.reason) == (0, OLD, "package-damaged")


class Stuck(FaultyFlash):
    """A flash of which one sector does not keep what is programmed."""

    at = 0

    def program(self, address, data):
        super().program(address, data)
        if address <= self.at < address + len(data):
            self.flash.cells[self.at : self.at + 1] = b"\0"


def test_flash_when_a_sector_is_bad_then_a_few_tries_and_a_reason(rig):
    take(rig, [patch.write(GOOD)])
    stuck = Stuck(rig.flash.flash)
    stuck.at = IDENTITY.offset_of(PROFILE.partition("system")) + 5000
    rig.flash = stuck
    rig.power_on()
    assert rig.boot() == MAX_TRIES - 1
    assert rig.unit.result.reason == "verify-failed"
    assert not rig.unit.is_due
    assert rig.boot_code.decide() == StayInRom("system-invalid")
    stuck.at = 0
    burn(rig, OLD)
    assert rig.version() == OLD


def test_boot_when_the_state_is_nonsense_then_the_update_ends(rig):
    for nonsense in ({}, {"phase": "begun"}, {"phase": "accepted", "packages": [[0]], "source": "", "target": ""}):
        rig.unit._store.put("state", nonsense)
        assert (rig.boot(), rig.version()) == (0, OLD)
        assert not rig.unit.is_due


def test_sectors_when_applied_then_only_those_that_differ_are_touched(rig):
    """Wear: applying again over a finished stage costs nothing."""
    half_applied(rig)
    before = rig.flash.operation
    steps = list(rig.unit.boot(None))
    assert isinstance(steps[-1], RestartDue)
    sectors = -(-SYSTEM.new_bytes // 4096)
    written = rig.flash.operation - before
    assert written < sectors * 17 - 2 * 17 + 20  # erase and 16 pages each, less the two that are there, and records


# ---- without a partition for it ------------------------------------------------------------------------------------------


def test_store_when_there_is_no_partition_then_files_of_the_modules_own_file_system():
    whole = identity_of("ec600u", "m1")
    partitions = tuple(one for one in whole.profile.partitions if one.role != "update_store")
    identity = replace(whole, profile=replace(whole.profile, partitions=partitions))
    chip = MemoryFlash(identity.geometry)
    program_package(identity, chip, read_firmware(stock("ec600u")))
    flash = FaultyFlash(chip)
    files = identity.storage(flash).files
    unit = UpdateUnit(identity, flash, files, abilities_of(identity, None))
    unit.begin()
    unit.write(diff("ec600u"))
    unit.accept(version_of("ec600u"))
    assert [path for path in files.paths() if path.startswith("/fota/")]
    boot_code = BootCode(whole, flash, None)
    assert isinstance(list(unit.boot(version_of("ec600u")))[-1], RestartDue)
    assert isinstance(list(unit.boot(boot_code.sure_version(boot_code.decide())))[-1], UpdateOver)
    assert boot_code.decide().firmware_version == version_of("ec600u") + "2"
