"""A module without interpreter: flash, boot code, update unit; small firmware of an EC600N, old and new."""

from __future__ import annotations

import functools
import random

from moduline.delta import make, read_side
from moduline.formats import littlefs, system_image
from moduline.formats.container import asr_table
from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.package.stock import StockFirmware, write_stock
from moduline.release import firmware_asr
from moduline.vmodule.boot import BootCode, BootSystem
from moduline.vmodule.download.asr_tables import keep_table
from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import identity_of
from moduline.vmodule.update import UpdateUnit
from moduline.vmodule.update.acceptance import abilities_of
from moduline.vmodule.update.unit import RestartDue, UpdateOver

OLD, NEW = "EC600NCNLCR03A01M08_OCPU_PY_RIG1", "EC600NCNLCR03A01M08_OCPU_PY_RIG2"
IDENTITY = identity_of("ec600n", "m1")
PROFILE = IDENTITY.profile


def firmware(version, rom=None):
    """Small stock firmware: what stands in the ROM is noise, so that every sector differs; the new one is larger."""
    partitions = tuple(
        system_image.SystemPartition(one.role, one.address, one.size_bytes, "lfs1" if one.mount else "", one.mount)
        for one in PROFILE.partitions
    )
    if rom is None:
        rom = random.Random(version).randbytes(9000 if version == OLD else 13500)
    image = system_image.SystemImage(version, "ec600n", (PROFILE.identity.variant,), "6.3", partitions, rom)
    images = {"boot": b"boot code " * 50, "system": system_image.write(image, 0)}
    return write_stock(StockFirmware("ec600n", IDENTITY.chip.slug, version, images))


@functools.cache
def user_image():
    size = PROFILE.partition("user_fs").size_bytes
    return littlefs.write_image([("main.py", b"print('new')" * 700)], PROFILE.fs.geometry(size))


def packages(kind, codec="whole", roms=(None, None)):
    sides = (read_side(firmware(version, rom)) for version, rom in zip((OLD, NEW), roms, strict=True))
    return make(*sides, kind, codec=codec, user_image=user_image() if kind != "diff" else None).files


class Rig:
    """A module without interpreter: flash, boot code, update unit; ``power_on`` is a new life of the unit's RAM."""

    def __init__(self, chip, cuts=()):
        self.flash = FaultyFlash(chip, cuts)
        self.power_on()

    def power_on(self):
        self.flash.power_on()
        self.unit = UpdateUnit(IDENTITY, self.flash, IDENTITY.storage(self.flash).files, abilities_of(IDENTITY, None))
        self.boot_code = BootCode(IDENTITY, self.flash, None)

    def stage(self, files):
        """What fota does."""
        for number, data in enumerate(files):
            self.unit.begin(is_next=number > 0)
            for at in range(0, len(data), 1000):
                self.unit.write(data[at : at + 1000])
            self.unit.flush()
        self.unit.accept(OLD)

    def boot(self):
        """Restarts until the boot code lets the module boot; gives how many."""
        for restarts in range(10):
            decision = self.boot_code.decide()
            if not (self.unit.is_due and self.boot_code.can_update(decision)):
                return restarts
            steps = list(self.unit.boot(self.boot_code.sure_version(decision)))
            if not isinstance(steps[-1], RestartDue):
                assert isinstance(steps[-1], UpdateOver)
                return restarts
        raise AssertionError("it restarts for ever")

    def version(self):
        found = self.boot_code.decide()
        assert isinstance(found, BootSystem), found
        assert found.is_ours
        return found.firmware_version

    def usr(self):
        place = PROFILE.partition("user_fs")
        return self.flash.read(IDENTITY.offset_of(place), place.size_bytes)


def old_chip(rom=None):
    chip = MemoryFlash(IDENTITY.geometry)
    program_package(IDENTITY, chip, read_firmware(firmware(OLD, rom)))
    keep_table(chip, asr_table.write(firmware_asr.partition_table(PROFILE, IDENTITY.chip, {})))
    place = PROFILE.partition("user_fs")
    old_usr = littlefs.write_image([("main.py", b"print('old')")], PROFILE.fs.geometry(place.size_bytes))
    chip.program(IDENTITY.offset_of(place), old_usr)
    return chip, old_usr
