"""What ``make`` chooses is applied by a module of every chip: v1, v2 and back; scripts too where it takes them."""

from __future__ import annotations

import functools

import pytest

from moduline.delta import apply, codecs, make, read_side, target_of
from moduline.errors import PatchMisfit
from moduline.formats import littlefs
from moduline.nor.memory import MemoryFlash
from moduline.package import merge, read_package, write_package
from moduline.profiles.module import USER_FS
from moduline.release.firmware import firmware_file
from moduline.release.firmware_recipe import find_recipe
from moduline.vmodule.boot import BootCode
from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import identity_of
from moduline.vmodule.update import UpdateUnit
from moduline.vmodule.update.acceptance import abilities_of
from moduline.vmodule.update.unit import RestartDue, UpdateOver


@functools.cache
def package(name, number):
    version = find_recipe(name).version
    return firmware_file(name, "", "" if number == 1 else f"{version[:-1]}{number}")


def side(name, number):
    return read_side(package(name, number), f"v{number}")


class Module:
    """Flash, boot code and update unit of a module; no interpreter."""

    def __init__(self, name):
        self.identity = identity_of(name, "m1")
        self.flash = MemoryFlash(self.identity.geometry)
        program_package(self.identity, self.flash, read_firmware(package(name, 1)))
        self.power_on()

    def power_on(self):
        files = self.identity.storage(self.flash).files
        self.unit = UpdateUnit(self.identity, self.flash, files, abilities_of(self.identity, None))
        self.boot_code = BootCode(self.identity, self.flash, None)

    def place(self, role):
        found = self.identity.profile.partition(role)
        return self.identity.offset_of(found), found.size_bytes

    def write(self, role, data):
        start, size = self.place(role)
        self.flash.erase(start, size)
        self.flash.program(start, data)

    def read(self, role):
        return self.flash.read(*self.place(role))

    def version(self):
        return self.boot_code.decide().firmware_version

    def update(self, files):
        """What fota and the boot code do; gives the result."""
        for number, data in enumerate(files):
            self.unit.begin(is_next=number > 0)
            self.unit.write(data)
        self.unit.accept(self.version())
        for _ in range(6):
            self.power_on()
            last = list(self.unit.boot(self.boot_code.sure_version(self.boot_code.decide())))[-1]
            if isinstance(last, UpdateOver):
                return last.result
            assert isinstance(last, RestartDue)
        raise AssertionError("it restarts for ever")


@pytest.mark.parametrize(
    ("name", "store"), [("ec600u", "fs"), ("ec600g", "fp"), ("ec600n", "fp"), ("ec600e", "fp"), ("ec600k", "fs")]
)
def test_diff_when_chosen_by_itself_then_applied_in_place_there_and_back(name, store):
    module, first, second = Module(name), side(name, 1), side(name, 2)
    for old, new in ((first, second), (second, first)):
        made = make(old, new, target=target_of(old, store))
        assert not codecs.codec_of(made.patches[0].regions[0].codec).is_whole
        assert made.spare_have >= made.patches[0].spare_bytes > 0
        result = module.update(made.files)
        assert (result.is_done, result.source, result.target) == (True, old.version, new.version)
        assert module.version() == new.version
        system = new.part("system").data
        assert module.read("system")[: len(system)] == system


def scripts(name, text):
    profile = identity_of(name, "m1").profile
    geometry = profile.fs.geometry(profile.partition(USER_FS).size_bytes)
    files = [(f"file{number}.py", f"{text}{number}\n".encode() * 400) for number in range(8)]
    return littlefs.write_image(files, geometry)


def with_scripts(name, number, image):
    return read_side(write_package(merge(read_package(package(name, number)), {USER_FS: image})), f"v{number}")


def test_scripts_when_the_old_ones_are_still_there_then_a_difference_works_else_refused():
    images = [scripts("ec600n", text) for text in ("old ", "new ")]
    old, new = (with_scripts("ec600n", number, image) for number, image in zip((1, 2), images, strict=True))
    whole = make(old, new, "mini")
    made = make(old, new, "mini", codec="window", uses_old_scripts=True)
    assert codecs.codec_of(whole.patches[-1].regions[0].codec).is_whole
    assert len(made.files[-1]) < len(whole.files[-1])
    assert not codecs.codec_of(made.patches[-1].regions[0].codec).is_whole

    module = Module("ec600n")
    module.write(USER_FS, images[0])
    assert module.update(made.files).is_done
    assert module.read(USER_FS) == images[1]
    assert module.version() == new.version

    module = Module("ec600n")
    start, _ = module.place(USER_FS)
    module.write(USER_FS, images[0])
    module.flash.program(start + images[0].rindex(b"\xff" * 4096), b"\0")  # a script wrote something
    with pytest.raises(PatchMisfit):
        module.update(made.files)
    assert module.version() == old.version
    assert module.update(whole.files).is_done
    assert module.read(USER_FS) == images[1]

    result = old
    for one in made.patches:
        result = read_side(apply(result, one), "result")
    assert result.part(USER_FS).data == images[1]
