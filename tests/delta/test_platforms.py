"""Whole packages of every platform, also in their shells: v1, v2 and back; parts on one side, foreign ones, real ones."""

from __future__ import annotations

import functools
import lzma
from dataclasses import replace

import pytest

from moduline.delta import Target, apply, codecs, make, read_side
from moduline.errors import PatchForeign, PatchPartMissing, StoredPacked
from moduline.formats import patch
from moduline.package import read_package, write_package
from moduline.package.merge import substitute
from moduline.profiles import catalog
from moduline.release.firmware import firmware_file
from moduline.release.firmware_recipe import find_recipe
from samples import corpus, sample

SHELLS = [
    ("ec600u", "bin"),
    ("ec600g", ""),
    ("ec600n", "release"),
    ("ec600e", "bin"),
    pytest.param("ec600k", "", marks=pytest.mark.sweep),  # the chips of one family go the same way
    pytest.param("ec600s-cnlb", "", marks=pytest.mark.sweep),
]


@functools.cache
def package(name, shell="", number=1):
    version = find_recipe(name).version
    assert version[-1] == "1"
    return firmware_file(name, shell, "" if number == 1 else f"{version[:-1]}{number}")


def side(name, shell="", number=1):
    return read_side(package(name, shell, number), f"v{number}.bin")


@pytest.mark.parametrize(("name", "shell"), SHELLS)
def test_package_when_v1_to_v2_and_back_then_the_parts_and_versions_of_each(name, shell):
    first, second = side(name, shell), side(name, shell, 2)
    before = first.version
    for old, new, direction in ((first, second, "upgrade"), (second, first, "downgrade")):
        made = make(old, new)
        (one,) = made.patches
        assert (made.direction, one.source_version, one.target_version) == (direction, old.version, new.version)
        assert (one.chip, one.models) == (catalog.module(name).chip, new.models)
        assert [region.role for region in one.regions] == ["system"]
        assert one.regions[0].address == catalog.module(name).partition("system").address
        assert not codecs.codec_of(one.regions[0].codec).is_whole
        assert len(made.files[0]) < 2000
        assert one.spare_bytes <= made.spare_have
        assert not made.warnings
        again = apply(old, patch.read(made.files[0]))
        result = read_side(again, "result")
        assert result.version == new.version
        assert result.part("system") == new.part("system")
        assert [one.role for one in result.parts] == [one.role for one in old.parts]
        assert all(result.part(one.role) == one for one in old.parts if one.role != "system")
    assert first.version == before


@pytest.mark.parametrize(("name", "other"), [("ec600u", "ec200u"), ("ec600u", "ec600g"), ("ec600n", "ec600e")])
def test_package_when_of_another_model_or_chip_then_refused_both_ways(name, other):
    for old, new in ((name, other), (other, name)):
        with pytest.raises(PatchForeign):
            make(side(old), side(new))


def test_package_when_only_the_chip_tells_them_apart_then_refused():
    nameless = [replace(side(name), models=()) for name in ("ec600n", "ec600k")]
    with pytest.raises(PatchForeign) as caught:
        make(*nameless)
    assert caught.value.facts == {"ours": "asr1603", "theirs": "asr1606"}


def without(found, role):
    return replace(found, parts=tuple(one for one in found.parts if one.role != role))


def test_part_when_only_the_new_package_has_it_then_refused_with_its_name():
    with pytest.raises(PatchPartMissing) as caught:
        make(without(side("ec600e"), "app"), side("ec600e", number=2), codec="whole")
    assert caught.value.facts == {"file": "v1.bin", "role": "app", "other": "v2.bin"}


def test_part_when_only_the_old_package_has_it_then_it_stays_and_that_is_said():
    made = make(side("ec600e"), without(side("ec600e", number=2), "app"), codec="whole")
    assert [region.role for region in made.patches[0].regions] == ["system"]
    assert any("no app" in warning.en for warning in made.warnings)


def test_part_when_it_is_renewed_by_no_patch_then_said_by_name():
    found = read_package(package("ec600e", number=2))
    changed = substitute(found, "ap_updater", b"another updater" * 9)
    made = make(side("ec600e"), read_side(write_package(changed)), codec="whole")
    assert [region.role for region in made.patches[0].regions] == ["system"]
    assert any("ap_updater" in warning.en and "ap_updater" in warning.zh for warning in made.warnings)


@pytest.mark.parametrize(("name", "boot"), [("ec600u", "BOOTLOADER"), ("ec600g", "BOOT"), ("ec600n", "bootloader")])
def test_boot_code_when_it_differs_then_never_in_the_patch(name, boot):
    found = read_package(package(name, number=2))
    other = found.part(boot).data[:-4] + b"new!"
    made = make(side(name), read_side(write_package(substitute(found, boot, other))), codec="whole")
    assert [region.role for region in made.patches[0].regions] == ["system"]
    assert any("boot code" in warning.en for warning in made.warnings)


def test_package_when_the_other_file_is_its_system_image_alone_then_they_go_together():
    image = read_package(package("ec600u", number=2)).need("system").data
    made = make(side("ec600u"), read_side(image, "system.img"), codec="whole")
    assert (made.direction, made.patches[0].regions[0].role) == ("upgrade", "system")
    back = make(read_side(image, "system.img"), side("ec600u"), codec="whole")
    assert back.direction == "downgrade"
    assert read_side(apply(side("ec600u"), made.patches[0])).part("system").data == image


# ---- compressed parts ------------------------------------------------------------------------------------------------


def packed_modem(content):
    """A package whose modem part is LZMA-compressed."""
    return substitute(read_package(package("ec600e")), "cp-demo-flash", lzma.compress(content, lzma.FORMAT_ALONE))


def test_compressed_part_when_it_changes_then_whole_or_plain_as_the_user_says():
    contents = [bytes(range(256)) * 400, bytes(range(256)) * 200 + b"new" * 100 + bytes(range(256)) * 200]
    old, new = (read_side(write_package(packed_modem(one)), "x.zip") for one in contents)
    made = make(old, new)
    assert [codecs.codec_of(one.codec).is_whole for one in made.patches[0].regions] == [True]
    assert "LZMA" in made.warnings[-1].en
    assert read_side(apply(old, made.patches[0])).part("modem") == new.part("modem")
    with pytest.raises(StoredPacked):
        make(old, new, codec="mapped")
    plain = make(old, new, codec="mapped", is_stored_plain=True)
    assert plain.patches[0].regions[0].new_bytes == len(contents[1])
    result = read_side(apply(old, plain.patches[0])).part("modem").data
    assert lzma.decompress(result) == contents[1]


# ---- real packages ---------------------------------------------------------------------------------------------------


def changed_copy(data, part, name):
    """A real package with a few bytes of one part changed."""
    found = read_package(data, name)
    content = bytearray(found.part(part).data)
    content[len(content) // 2 : len(content) // 2 + 40] = b"forty bytes of a change, in the middle.."
    return write_package(substitute(found, part, bytes(content)))


@pytest.mark.parametrize(
    ("file", "part", "chip", "model"),
    [
        ("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac", "APPIMG", "unisoc8850", "EC600G-CN"),
        (
            "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac",
            "APPIMG",
            "unisoc8910",
            "EG915U-EU",
        ),
        ("eigen/EC600E_at_command_v106.binpkg", "cp-demo-flash", "eigen618", "EC600E-CN"),
    ],
)
def test_real_package_when_a_copy_is_changed_then_there_and_back(file, part, chip, model):
    path = sample(file)
    data = path.read_bytes()
    old, new = read_side(data, path.name), read_side(changed_copy(data, part, path.name), path.name)
    for before, after in ((old, new), (new, old)):
        made = make(before, after, codec="whole")
        (region,) = made.patches[0].regions
        assert (made.patches[0].chip, made.direction) == (chip, "same")
        assert made.patches[0].models[0].startswith(model)
        assert region.address == read_package(data).part(part).address
        result = read_package(apply(before, made.patches[0]))
        assert [one.data for one in result.parts if one.kind != "xml"] == [
            one.data for one in after.package.parts if one.kind != "xml"
        ]


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("file", "part", "pair"),
    [
        ("unisoc/CSDK_RDA8910.pac", "AP", "rda8910-ap"),
        ("unisoc/CSDK_RDA8910.pac", "PS", "rda8910-cp"),
        ("eigen/EC600E_at_command_v106.binpkg", "cp-demo-flash", "ec618-cp"),
    ],
)
def test_real_package_when_a_real_image_changes_then_in_place_within_the_room_of_a_module(file, part, pair):
    found = read_package(sample(file).read_bytes(), file)
    room = found.part(part).size
    images = [image[:room] for image in corpus(pair)]
    old, new = (read_side(write_package(substitute(found, part, image)), file) for image in images)
    target = Target("fp", 4096, None, 0x80000, 0x60000)  # as of an EC600U
    made = make(old, new, target=target)
    (region,) = made.patches[0].regions
    assert not codecs.codec_of(region.codec).is_whole
    assert len(made.files[0]) < len(images[1]) / 8
    assert made.patches[0].spare_bytes <= made.spare_have
    assert read_package(apply(old, made.patches[0])).part(part).data == images[1]


def test_real_package_when_new_is_only_the_application_then_the_rest_stays():
    path = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac")
    old = read_side(path.read_bytes(), path.name)
    alone = sample("unisoc/EC600GCN_LD__appimage.pac").read_bytes()
    new = read_side(changed_copy(alone, "APPIMG", "app.pac"), "app.pac")
    made = make(old, new)
    assert [one.role for one in made.patches[0].regions] == ["app"]
    assert made.patches[0].target_version == old.version
    assert any("system" in warning.en for warning in made.warnings)
    assert read_side(apply(old, made.patches[0])).part("app").data == new.part("app").data


def test_real_package_when_new_has_the_application_and_old_has_not_then_refused():
    old = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_core.pac")
    new = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac")
    with pytest.raises(PatchPartMissing):
        make(read_side(old.read_bytes(), old.name), read_side(new.read_bytes(), new.name))
