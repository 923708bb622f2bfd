"""What a patch is made from: packages, stock firmware and raw images; direction, warnings, refusals, signatures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from moduline.delta import apply, check_signature, compare, make, read_side, sign, target_of
from moduline.delta.images import content_of, own_system_in
from moduline.errors import BadOption, FormatError, PatchForeign, PatchMisfit, PatchPartMissing, PatchUntrusted, TooBig
from moduline.formats import patch, sihr, system_image, uimage
from moduline.package import read_package
from moduline.package.stock import StockFirmware, read_stock, write_stock
from package_maker import small_file
from samples import sample
from update_rig import NEW, OLD, PROFILE, firmware, user_image

SIDES = tuple(read_side(firmware(version), f"{version}.bin") for version in (OLD, NEW))


@pytest.mark.parametrize(
    ("old", "new", "direction"),
    [
        ("EC600SCNAAR01A01M08", "EC600SCNAAR01A01M16", "upgrade"),
        ("EC600SCNAAR01A01M16_OCPU_PY_BETA1211", "EC600SCNAAR01A01M16_OCPU_PY_BETA0906", "downgrade"),
        ("V9", "V10", "upgrade"),
        ("V10", "V9", "downgrade"),
        ("R02A01M08", "R01A09M99", "downgrade"),
        ("V1", "V1", "same"),
        ("", "V1", "unknown"),
        ("V1", "", "unknown"),
        ("8", "V8", "unknown"),
        ("M16", "M16_OCPU_PY_BETA1211", "unknown"),
        ("M16_BETA1", "M17", "upgrade"),
        ("V07", "V7", "unknown"),
    ],
)
def test_compare_when_versions_are_given_then_numbers_count_as_numbers(old, new, direction):
    assert compare(old, new) == direction


def test_make_when_stock_firmware_then_only_what_differs():
    made = make(*SIDES, target=target_of(SIDES[0], "fp"))
    (one,) = made.patches
    assert [region.role for region in one.regions] == ["system"]
    assert (one.kind, one.source_version, one.target_version, one.place) == ("diff", OLD, NEW, "fp")
    assert (one.chip, one.models) == ("asr1603", ("EC600N-CNLC",))
    system = read_stock(firmware(NEW)).images["system"]
    region = one.regions[0]
    assert (region.new_bytes, region.new_sha256) == (len(system), hashlib.sha256(system).digest())
    assert region.address == PROFILE.partition("system").address
    result = read_stock(apply(SIDES[0], one))
    assert (result.version, result.images["system"]) == (NEW, system)
    assert result.images["boot"] == read_stock(firmware(OLD)).images["boot"]


def test_make_when_boot_code_differs_then_it_is_left_out_and_said():
    stock = read_stock(firmware(NEW))
    images = dict(stock.images) | {"boot": b"other boot code"}
    new = read_side(write_stock(replace(stock, images=images)))
    made = make(SIDES[0], new)
    assert [region.role for region in made.patches[0].regions] == ["system"]
    assert ["boot code" in warning.en for warning in made.warnings] == [True]
    assert "引导代码" in made.warnings[0].zh


def test_make_when_both_sides_are_swapped_then_downgrade():
    made = make(*SIDES[::-1])
    assert made.direction == "downgrade"
    assert (made.patches[0].source_version, made.patches[0].target_version) == (NEW, OLD)


def test_make_when_mini_then_two_files_of_one_set():
    made = make(*SIDES, "mini", user_image=user_image())
    first, second = made.patches
    assert (first.stage, second.stage) == (1, 2)
    assert first.set_id == second.set_id != bytes(16)
    hashes = first.regions[0].new_sha256 + second.regions[0].new_sha256
    assert first.set_id == hashlib.sha256(hashes).digest()[:16]
    assert tuple(map(patch.read, made.files)) == made.patches


def test_make_when_full_but_firmware_differs_then_said():
    made = make(*SIDES, "full", user_image=user_image())
    assert (made.direction, made.patches[0].target_version) == ("same", OLD)
    assert any("mini" in warning.en for warning in made.warnings)


@pytest.mark.parametrize("kind", ["diff", "full"])
def test_apply_when_regions_do_not_match_then_misfit(kind):
    made = make(*SIDES, kind, user_image=user_image() if kind == "full" else None)
    raw = read_side(b"some raw image")
    with pytest.raises(PatchMisfit):
        apply(raw, made.patches[0])
    if kind == "diff":
        with pytest.raises(PatchMisfit):
            apply(SIDES[1], made.patches[0])


def test_make_when_a_part_outgrows_its_place_then_too_big():
    old, new = SIDES
    room = PROFILE.partition("system").size_bytes
    parts = tuple(replace(one, data=bytes(room + 1)) if one.role == "system" else one for one in new.parts)
    with pytest.raises(TooBig):
        make(old, replace(new, parts=parts))


def test_make_when_other_model_chip_place_or_nothing_new_then_refused():
    old, new = SIDES
    with pytest.raises(PatchForeign):
        make(old, replace(new, models=("EC200U",)))
    with pytest.raises(PatchForeign):
        make(old, replace(new, chip="unisoc8910"))
    moved = tuple(replace(one, address=one.address + 4096) if one.role == "system" else one for one in new.parts)
    with pytest.raises(PatchForeign):
        make(old, replace(new, parts=moved))
    lost = tuple(one for one in new.parts if one.role != "system")
    with pytest.raises(PatchPartMissing):
        make(old, replace(new, parts=lost))
    with pytest.raises(BadOption):
        make(old, old)
    with pytest.raises(BadOption):
        make(old, new, "whole")


def test_side_when_vendor_package_then_its_firmware_parts():
    side = read_side(small_file(), "EC600UCNLBR03A01M08_OCPU_QPY.pac")
    roles = [one.role for one in side.parts]
    assert "system" in roles
    assert side.chip == "unisoc8910"
    changed = tuple(replace(one, data=one.data + b"\1") if one.role == "system" else one for one in side.parts)
    made = make(side, replace(side, parts=changed))
    result = read_package(apply(side, made.patches[0]))
    before = read_package(small_file()).need("system").data
    assert result.need("system").data == before + b"\1"


def test_side_when_real_package_then_version_and_model():
    data = sample("unisoc/EC600GCN_LD__appimage.pac").read_bytes()
    side = read_side(data, "EC600GCN_LD.pac")
    assert side.chip
    assert side.parts


def test_image_when_behind_each_header_then_found():
    image = system_image.write(own_system_in(read_stock(firmware(OLD)).images["system"]), 0)
    wrapped = {
        "none": image,
        "uimage": uimage.write(uimage.UImage(0, 0, image)),
        "sihr": sihr.write(image, "x", 0, 0),
    }
    for name, data in wrapped.items():
        assert own_system_in(data).version == OLD, name
        side = read_side(data, "system.img")
        assert (side.version, side.parts[0].role) == (OLD, "system"), name
        with pytest.raises(FormatError):
            own_system_in(data[:-1])
    assert content_of(b"else") is None
    assert own_system_in(uimage.write(uimage.UImage(0, 0, b"vendor code"))) is None


def test_side_when_scripts_image_or_anything_else_then_a_role_of_its_own():
    assert read_side(user_image()).parts[0].role == "user_fs"
    assert read_side(b"anything").parts[0].role == "image"
    with pytest.raises(PatchPartMissing):
        make(read_side(user_image()), read_side(b"anything"))
    with pytest.raises(FormatError):
        read_side(b"")
    broken = write_stock(StockFirmware("ec600n", "asr1603", "V", {"system": b"no image"}))
    assert read_side(broken).models == ()


def test_signature_when_made_then_only_its_key_and_content_fit():
    one = make(*SIDES).patches[0]
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key().public_bytes_raw()
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32).public_key().public_bytes_raw()
    done = patch.read(patch.write(sign(one, b"k" * 32)))
    assert done.key_id == hashlib.sha256(key).digest()[:8]
    check_signature(done, key)
    for bad, whose in (
        (one, key),
        (done, other),
        (replace(done, spare_bytes=1), key),
        (replace(done, key_id=b"x" * 8), key),
        (replace(done, signature=b"s" * 64), key),
    ):
        with pytest.raises(PatchUntrusted) as raised:
            check_signature(bad, whose)
        assert json.dumps(raised.value.facts)
