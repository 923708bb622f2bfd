"""The tables: facts typed from the reference, lookup, and messages for what is wrong with a table."""

from __future__ import annotations

from importlib import resources

import pytest

from moduline.errors import BadOption, BadRecipe, UnknownModule
from moduline.profiles import catalog
from moduline.profiles.chip import read_chip
from moduline.profiles.convention import read_convention
from moduline.profiles.module import read_module
from moduline.profiles.schema import Table


def text_of(kind, slug):
    return resources.files("moduline.profiles").joinpath(kind, f"{slug}.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("slug", "user", "backup"),
    [
        ("ec600u", (0x60420000, 0x60000), (0x60480000, 0x20000)),
        ("ec200u", (0x60420000, 0x60000), (0x60480000, 0x20000)),
        ("eg915u", (0x604E0000, 0x60000), (0x60540000, 0x20000)),
    ],
)
def test_module_when_read_then_script_areas_are_the_reference_ones(slug, user, backup):
    module = catalog.module(slug)
    for role, place, mount in (("user_fs", user, "/usr"), ("backup_fs", backup, "/bak")):
        area = module.partition(role)
        assert (area.address, area.size_bytes, area.mount) == (*place, mount)


def test_geometry_when_area_is_96_blocks_then_the_last_one_is_left_alone():
    """device-api 5.6: block count = partition size / 4096 minus 1."""
    geometry = catalog.module("ec600u").fs.geometry(0x60000)
    assert (geometry.kind, geometry.block_bytes, geometry.block_count, geometry.usable_blocks) == ("lfs1", 4096, 96, 95)
    assert catalog.module("ec600u").fs.driven_blocks(5242880) == 1279


def test_geometry_when_area_is_no_whole_number_of_blocks_then_refused():
    with pytest.raises(BadOption):
        catalog.module("ec600u").fs.geometry(0x60001)


def test_chip_when_read_then_loaders_and_ids_are_the_reference_ones():
    chip = catalog.chip("unisoc8910")
    assert [(x.part, x.address, x.max_bytes) for x in chip.loaders] == [
        ("HOST_FDL", 0x8000C0, 0xFF40),
        ("FDL2", 0x810000, 0x30000),
    ]
    assert (chip.download.vid, chip.download.pid) == (0x0525, 0xA4A7)
    assert (chip.running.vid, chip.running.pid) == (0x2C7C, 0x0901)
    assert chip.entry.window_s == 10
    assert chip.port_name("at") == "Quectel USB AT Port"
    assert not chip.port_name("none")


def test_every_table_when_read_then_names_agree_and_flash_holds_its_partitions():
    for slug in catalog.modules():
        module = catalog.module(slug)
        chip = catalog.chip(module.chip)
        catalog.convention(module.convention)
        assert module.slug == slug
        last = module.partitions[-1]
        assert last.address + last.size_bytes <= chip.flash.base_address + chip.flash.size_bytes
        assert all(not p.address % chip.flash.erase_bytes for p in module.partitions)
    assert all(catalog.chip(slug).slug == slug for slug in catalog.chips())
    assert all(catalog.convention(slug).slug == slug for slug in catalog.conventions())


def test_lookup_when_name_is_unknown_then_the_known_ones_are_listed():
    with pytest.raises(UnknownModule) as caught:
        catalog.module("ec999x")
    assert "ec600u" in caught.value.remedy()
    with pytest.raises(BadOption) as caught:
        catalog.convention("none")
    assert "crc32-2021" in caught.value.message()
    with pytest.raises(BadOption):
        catalog.chip("none")


def test_module_of_model_when_package_says_it_then_found():
    assert catalog.module_of_model("EG915U-EUAB").slug == "eg915u"
    assert catalog.module("EC600U").slug == "ec600u"
    assert catalog.module_of_model("EC600G-CNLD").slug == "ec600g"
    assert catalog.module_of_model("EC200A-CNDA") is None
    assert catalog.module_of_model(None) is None


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('chip = "unisoc8910"\n', "", "chip"),
        ('kind = "lfs1"', 'kind = "fat"', "fs.kind"),
        ("block_bytes = 4096", 'block_bytes = "4096"', "fs.block_bytes"),
        ("block_bytes = 4096", "block_bytes = -1", "fs.block_bytes"),
        ("block_bytes = 4096", "block_bytes = true", "fs.block_bytes"),
        ("idle_last_blocks = 1", "idle_last_blocks = 1\nidle_last_block = 1", "fs.idle_last_block"),
        ("ctrl_c_stops_main = true", "ctrl_c_stops_main = 1", "quirks.ctrl_c_stops_main"),
        ('package_models = ["EC600U"]', "package_models = [1]", "package_models"),
        ('source = "device-api 5.6; platform-unisoc 4 step 1"', 'source = " "', "fs.source"),
        ("size_bytes = 0x250000", "size_bytes = 0x260000", "partitions"),
        ("[fs]", "[fs", "-"),
    ],
)
def test_module_table_when_broken_then_file_and_key_are_named(old, new, key):
    text = text_of("modules", "ec600u")
    assert old in text
    with pytest.raises(BadRecipe) as caught:
        read_module(Table.parse(text.replace(old, new, 1).encode(), "modules/ec600u.toml"))
    assert caught.value.facts["key"] == key
    assert caught.value.facts["path"] == "modules/ec600u.toml"


def test_other_tables_when_broken_then_refused():
    with pytest.raises(BadRecipe):
        read_chip(Table.parse(text_of("chips", "unisoc8910").replace("window_s = 10.0", "").encode(), "x"))
    with pytest.raises(BadRecipe):
        read_convention(Table.parse(text_of("conventions", "crc32-2021").replace("crc32", "md5").encode(), "x"))


@pytest.mark.parametrize(
    "data", [b"\xff\xfe", b"a = ", b"{x}}{ = ", b"x" * (300 << 10), b"a = " + b"[" * 5000, b"a = " + b"9" * 5000]
)
def test_table_when_bytes_are_no_toml_then_bad_recipe(data):
    with pytest.raises(BadRecipe) as caught:
        Table.parse(data, "x.toml")
    assert "x.toml" in caught.value.message("zh")


def test_name_when_it_has_braces_then_message_survives():
    for look_up in (catalog.module, catalog.convention, catalog.chip):
        with pytest.raises((BadOption, UnknownModule)) as caught:
            look_up("{x}}{")
        assert "{x}}{" in caught.value.message()
    with pytest.raises(BadRecipe) as caught:
        Table.parse(b'kind = "{a}}{"', "x").choice("kind", ("b",))
    assert "{a}}{" in caught.value.message("zh")
