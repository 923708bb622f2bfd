"""Virtual firmware: a sound package in the vendor's container that carries our own system image; deterministic."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.errors import BadOption, BadRecipe
from moduline.formats import cpio, mpy, nv, romfs, sihr, system_image, uimage
from moduline.package import read_package, verify
from moduline.profiles import catalog
from moduline.release import firmware
from moduline.release.firmware_recipe import find_recipe, read_recipe, recipes
from samples import sample

EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


@pytest.mark.parametrize("name", ["ec200u", "ec600u", "eg915u"])
def test_firmware_when_built_then_a_sound_package_for_its_module(name):
    package = read_package(firmware.stock_package(name), "stock.pac")
    assert verify(package) == []
    recipe = find_recipe(name)
    assert (package.chip, package.version, package.model) == ("unisoc8910", recipe.version, recipe.models[0])
    assert catalog.module_of_model(package.model).slug == name
    module = catalog.module(name)
    for role in ("user_fs", "backup_fs"):
        place = module.partition(role)
        assert (package.area(role).address, package.area(role).size) == (place.address, place.size_bytes)
        assert package.area(role).told_by == "erase"


@pytest.mark.parametrize("name", ["ec600g", "ec800g"])
def test_firmware_of_8850_when_built_then_a_sound_package_with_the_operations_of_a_real_one(name):
    package = read_package(firmware.stock_package(name), "stock.pac")
    assert verify(package) == []
    recipe, module = find_recipe(name), catalog.module(name)
    assert (package.chip, package.version, package.model) == ("unisoc8850", recipe.version, recipe.models[0])
    assert catalog.module_of_model(package.model).slug == name
    real = read_package(sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac").read_bytes())
    assert package.nv_items == real.nv_items
    ours = [part.name for part in package.parts if not part.name.startswith("ERASE_PY_FS_")]
    assert ours == [part.name for part in real.parts if part.name != "APPIMG"]
    for part in package.parts:
        same = real.part(part.name)
        if same is not None and part.name not in {"AP", "XML"}:
            assert (part.kind, part.address, part.size, part.is_default) == (
                (same.kind, same.address, same.size, same.is_default)
            ), part.name
    for role in ("user_fs", "backup_fs"):
        place, area = module.partition(role), package.area(role)
        assert (area.address, area.size, area.told_by) == (place.address, place.size_bytes, "erase")
    header = package.source.header
    assert (header.flash_type, header.nv_backup, header.product.text) == (0, 1, "8850_MODEM")


def test_firmware_of_8850_when_built_then_images_have_their_header_and_the_loader_its_models():
    package = read_package(firmware.stock_package("ec600g"))
    loads = {"FDL": 0x50800100, "BOOT": 0x60020100, "AP": 0x60030100, "SPL": 0x60000100}
    for name, load in loads.items():
        image = sihr.read(package.part(name).data)
        assert (image.load_address, image.total_bytes, image.is_signed) == (load, len(package.part(name).data), False)
    assert b"\0EC600GCNLA\0" in package.part("FDL").data
    assert 256 <= len(package.part("FDL").data) <= 0x14000
    assert [one.path for one in cpio.read(package.part("CP").data).members] == ["modem/cp.bin.000"]
    assert [one.path for one in cpio.read(package.part("INDELTANV").data).members] == ["factory/indeltanv_moduline.bin"]
    template = package.need("nv").data
    assert (len(template), nv.is_crc_right(template), nv.read(template).imei) == (0x28000, True, "0" * 15)
    system = system_image.read(sihr.read(package.need("system").data).data)
    assert (system.module, system.models, (256 + system.rom_offset) % 4096) == ("ec600g", ("EC600G-CNLA",), 0)
    assert read_package(firmware.firmware_file("ec600g", "zip"), "x.zip").shells[0].platform == "unisoc8850"


def test_firmware_when_built_then_boot_is_erased_first_and_written_last():
    """An interrupted burn must leave the chip in download mode."""
    parts = [part.name for part in read_package(firmware.stock_package("ec600u")).parts]
    assert parts[:3] == ["HOST_FDL", "FDL2", "ERASE_BOOT"]
    assert parts[-2:] == ["BOOTLOADER", "XML"]


def test_firmware_when_for_eg915u_then_entries_as_in_the_real_package():
    real = read_package(sample(EG915U).read_bytes())
    ours = read_package(firmware.stock_package("eg915u"))
    wanted = [(p.name, p.kind, p.address, p.size, p.is_default) for p in real.parts if p.name != "APPIMG"]
    assert [(p.name, p.kind, p.address, p.size, p.is_default) for p in ours.parts] == wanted


def test_firmware_when_built_then_system_image_carries_the_onboard_python():
    package = read_package(firmware.stock_package("ec600u"))
    part = package.need("system")
    image = system_image.read(uimage.read(part.data).data)
    assert (image.version, image.module, image.bytecode) == (package.version, "ec600u", "6.3")
    assert (uimage.HEADER_BYTES + image.rom_offset) % 4096 == 0
    files = romfs.read(image.rom)
    sources = firmware.onboard_sources(find_recipe("ec600u"))
    assert sorted(files) == sorted(path.removesuffix(".py") + ".mpy" for path in sources)
    assert all(mpy.read_header(data).version == 6 for data in files.values())
    user = image.partition("user_fs")
    assert (user.fs, user.mount, user.device, user.driven_blocks) == ("lfs1", "/usr", "customer_fs", 95)
    assert image.partition("backup_fs").is_write_protected
    assert image.partition("boot").fs == ""


def test_firmware_when_built_then_loaders_and_boot_pass_the_roms_checks():
    package = read_package(firmware.stock_package("ec600u"))
    for role, says in (("first_loader", b"first loader"), ("second_loader", b"second loader"), ("boot", b"boot code")):
        part = package.need(role)
        image = uimage.read(part.data)
        assert says in image.data
        assert len(part.data) <= part.size
        assert len(part.data) % 2 == 0


def test_firmware_when_built_then_nv_template_is_valid_and_carries_a_modules_own_items():
    package = read_package(firmware.stock_package("ec600u"))
    template = package.need("nv").data
    assert len(template) == 0x20000
    assert nv.is_crc_right(template)
    assert nv.read(template).imei == "0" * 15
    device = nv.write(nv.NvBlock(0x20000, (nv.NvEntry(5, nv.encode_imei("866981050000001")),)))
    ids = [item.id for item in package.nv_items if item.id is not None]
    carried = nv.carry_over(template, device, ids)
    assert nv.read(carried.block).imei == "866981050000001"
    missing = [item for item in package.nv_items if item.id in carried.missing]
    assert all(item.may_be_missing for item in missing)


def test_firmware_when_built_twice_then_same_bytes_and_second_from_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path))
    first = firmware.stock_package("ec600u")
    cached = list((tmp_path / "cache" / "firmware").iterdir())
    assert len(cached) == 1
    assert firmware.build(find_recipe("ec600u")) == first == firmware.stock_package("EC600U")
    assert list((tmp_path / "cache" / "firmware").iterdir()) == cached


@pytest.mark.parametrize("shell", ["zip", "bin"])
def test_firmware_when_in_a_shell_then_read_through_it(shell):
    data = firmware.firmware_file("ec600u", shell)
    package = read_package(data, f"stock.{shell}")
    assert package.shells[0].platform == "unisoc8910"
    assert package.source == read_package(firmware.stock_package("ec600u")).source


def test_firmware_when_version_is_given_then_the_package_says_so():
    wanted = "EC600UCNLBR03A02M01_OCPU_PY_TWO"
    package = read_package(firmware.firmware_file("ec600u", "pac", wanted))
    assert package.version == wanted
    assert system_image.read(uimage.read(package.need("system").data).data).version == wanted


@pytest.mark.parametrize("version", ["two", "EC600U", "EC600UCNLBR03A02M01 X", "EC600UCNLBR03A02M01_é"])
def test_firmware_when_version_cannot_be_found_again_then_refused(version):
    with pytest.raises(BadOption):
        firmware.firmware_file("ec600u", "pac", version)


@pytest.mark.parametrize("name", ["ec999", "../ec600u", "", "ec600u.toml"])
def test_recipe_when_unknown_then_the_known_ones_are_listed(name):
    with pytest.raises(BadOption) as caught:
        find_recipe(name)
    assert "ec600u" in caught.value.message()


def test_recipe_when_broken_then_key_is_named():
    with pytest.raises(BadRecipe) as caught:
        read_recipe(b'module = "ec600u"\n', "x")
    assert caught.value.facts["key"] == "version"


def test_recipes_when_compared_with_the_catalogue_then_each_module_has_one_for_itself():
    assert recipes() == catalog.modules()
    for name in recipes():
        recipe, identity = find_recipe(name), catalog.module(name).identity
        assert (recipe.module, recipe.models) == (name, (identity.variant,))
        assert recipe.version.startswith(identity.variant.replace("-", "") + "R")
    assert find_recipe("EC600S-2020").module == "ec600s"


def test_fingerprint_when_anything_changes_then_another_cache_file():
    recipe = find_recipe("ec600u")
    assert firmware._fingerprint(recipe) != firmware._fingerprint(replace(recipe, built_at=1))
