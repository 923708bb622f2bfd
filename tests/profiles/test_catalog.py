"""The tables: facts typed from the reference, lookup, and messages for what is wrong with a table."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from moduline.errors import BadOption, BadRecipe, UnknownModule
from moduline.port.usb_ids import find_usb_id, role_of
from moduline.profiles import catalog
from moduline.profiles.chip import read_chip
from moduline.profiles.convention import read_convention
from moduline.profiles.module import read_module
from moduline.profiles.schema import Table
from samples import sample


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


# ---- every module ------------------------------------------------------------------------------------------------

ISSUE = [
    "EC100Y-CN",
    "EC600S-CN",
    "EC600N",
    "EC800N",
    "EC600M",
    "EC800M",
    "EG810M",
    "EC600K",
    "EC800K",
    "EG800K",
    "EC200U",
    "EC600U",
    "EG915U",
    "EC600G",
    "EC800G",
    "EC600E",
    "EC800E",
]


@pytest.mark.parametrize("name", ISSUE)
def test_module_of_the_catalogue_when_named_as_people_do_then_found(name):
    slug = name.removesuffix("-CN").lower()
    for written in (name, name.lower(), name.removesuffix("-CN"), f"{name.removesuffix('-CN')}-CN", slug):
        assert catalog.module(written).slug == slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("ec600s-2020", "ec600s"),
        ("EC600S-2020", "ec600s"),
        ("ec600n-2021", "ec600n"),
        ("EC600S-CN", "ec600s"),
        ("EC600S-CN_AA", "ec600s"),
        ("EC600SCNLB", "ec600s-cnlb"),
        ("EC600S-CN_LB", "ec600s-cnlb"),
        ("EC800M-CN_LC", "ec800m"),
        ("EC800MCNLFR06A01", "ec800m"),
        ("EC800M-CN_LA", "ec800m-cnla"),
        ("EC800M-CN_GA", "ec800m-cnla"),
        ("EG915U-EUAB", "eg915u"),
    ],
)
def test_module_when_named_by_alias_or_full_model_then_the_right_variant(name, slug):
    assert catalog.module(name).slug == slug


@pytest.mark.parametrize("name", ["EC600", "EC", "", "EC200A-CN", "ec600s-2021", "EG915", "../chips/asr1601"])
def test_module_when_name_is_too_short_or_strange_then_unknown(name):
    with pytest.raises(UnknownModule):
        catalog.module(name)


def test_aliases_when_collected_then_each_belongs_to_one_module_only():
    plain = [
        alias.upper().replace("-", "").replace("_", "")
        for s in catalog.modules()
        for alias in catalog.module(s).aliases
    ]
    assert len(plain) == len(set(plain))
    models = [model for s in catalog.modules() for model in catalog.module(s).package_models]
    assert len(models) == len(set(models))


@pytest.mark.parametrize(
    ("profile", "fs", "is_blocking", "checksum", "ctrl_c"),
    [
        ("ec600s-2020", "lfs1", False, "sha256", False),
        ("ec600n-2021", "lfs1", False, "crc32", True),
        ("ec600u", "lfs1", True, "crc32", True),
        ("ec800e", "lfs2", True, "crc32", True),
    ],
)
def test_profile_when_of_section_0_then_differs_as_its_table_says(profile, fs, is_blocking, checksum, ctrl_c):
    """device-api 0: recommended emulator profiles."""
    module = catalog.module(profile)
    quirks = module.quirks
    assert module.fs.kind == fs
    assert quirks.is_fota_blocking is is_blocking
    assert catalog.convention(module.convention).checksum == checksum
    assert quirks.ctrl_c_stops_main is ctrl_c


def test_profile_notes_of_section_0_when_read_then_kept():
    """device-api 0: Unisoc has 8 data bits only and no powerDownReason; EC800E has no AT+QDOWNLOAD."""
    for slug in ("ec200u", "ec600u", "eg915u", "ec600g", "ec800g"):
        quirks = catalog.module(slug).quirks
        assert (quirks.is_uart_8_bits_only, quirks.has_power_down_reason) == (True, False)
    assert catalog.module("ec600n").quirks.has_power_down_reason
    for slug in ("ec600e", "ec800e"):
        assert catalog.chip_of(catalog.module(slug)).entry.at_commands == ()
    assert catalog.module("ec100y").convention == catalog.module("ec600s").convention == "sha256-2020"


@pytest.mark.parametrize(
    ("names", "port_name"),
    [
        ("ec600n ec800n ec600m ec800m eg810m ec600k ec800k eg800k", "Quectel Download Port"),
        ("ec200u ec600u ec600g ec800g", "SPRD U2S Port"),
        ("ec600e ec800e", "Quectel QDLoader Port"),
    ],
)
def test_download_port_when_looked_up_then_named_as_in_section_4(names, port_name):
    """device-api 4: the table of seed S2."""
    for slug in names.split():
        assert catalog.chip_of(catalog.module(slug)).entry.port_name == port_name


@pytest.mark.parametrize(
    ("slug", "running", "download"),
    [
        ("ec600s", (0x2C7C, 0x6001), (0x2ECC, 0x3017)),
        ("ec100y", (0x2C7C, 0x6001), (0x2ECC, 0x3017)),
        ("ec600n", (0x2C7C, 0x6001), (0x2ECC, 0x3017)),
        ("ec600s-cnlb", (0x2C7C, 0x6002), (0x2ECC, 0x3004)),
        ("ec600u", (0x2C7C, 0x0901), (0x0525, 0xA4A7)),
        ("ec800g", (0x2C7C, 0x0904), (0x1782, 0x4D16)),
        ("ec800e", (0x2C7C, 0x0903), (0x17D1, 0x0001)),
    ],
)
def test_usb_ids_when_looked_up_then_the_reference_ones(slug, running, download):
    """platform-asr 3; platform-unisoc 8; platform-eigencomm 2."""
    chip = catalog.chip_of(catalog.module(slug))
    assert (chip.running.vid, chip.running.pid) == running
    assert (chip.download.vid, chip.download.pid) == download


@pytest.mark.parametrize("slug", catalog.modules())
def test_usb_ids_when_the_catalogue_has_them_then_ports_are_recognised(slug):
    """Whoever watches ports must know every identity a module of the catalogue can show."""
    chip = catalog.chip_of(catalog.module(slug))
    for mode, ids in (("running", chip.running), ("download", chip.download)):
        row = find_usb_id(ids.vid, ids.pid)
        assert (row.mode, row.chip in {chip.slug, chip.platform}) == (mode, True)
    for role in ("at", "repl"):
        assert role_of(find_usb_id(chip.running.vid, chip.running.pid), chip.port_name(role), None) == role
    assert role_of(None, chip.entry.port_name, None) == "download"


@pytest.mark.parametrize(
    ("slug", "size", "user", "backup"),
    [
        ("ec600s", 0x1000000, 5242880, 204800),
        ("ec600n", 0x1000000, 5242880, 204800),
        ("ec800m", 0x1000000, 5242880, 204800),
        ("ec600s-cnlb", 0x800000, 385024, 102400),
        ("ec600u", 0x800000, 0x60000, 0x20000),
    ],
)
def test_flash_and_script_areas_when_documented_then_as_there(slug, size, user, backup):
    """device-api 2.1, 15; platform-asr 2 (fw_config); platform-unisoc 4."""
    module = catalog.module(slug)
    assert catalog.chip_of(module).flash.size_bytes == size
    assert module.partition("user_fs").size_bytes == user
    assert module.partition("backup_fs").size_bytes == backup


def test_asr_tables_when_compared_with_the_real_8_mb_one_then_agree():
    """A real BTPA table (waybyte): bootloader, system, user_app, fota_pkg, nvm, factory stand where it says."""
    table = sample("asr/partition_8M.bin").read_bytes()
    rows = {}
    for at in range(8, 8 + 68 * int.from_bytes(table[4:8], "little"), 68):
        start, size = (int.from_bytes(table[at + o : at + o + 4], "little") for o in (48, 52))
        rows[table[at : at + 32].split(b"\0")[0].decode()] = (start, size)
    module = catalog.module("ec600s-cnlb")
    base = catalog.chip_of(module).flash.base_address
    names = {
        "boot": "bootloader", "system": "system", "app": "user_app", "update_flags": "fota_param", "updater": "updater",
        "update_store": "fota_pkg", "nvm": "nvm", "factory": "factory",
    }  # fmt: skip
    for role, name in names.items():
        place = module.partition(role)
        assert (place.address - base, place.size_bytes) == rows[name]
    room = rows["user_fs"]
    for role in ("user_fs", "backup_fs"):
        place = module.partition(role)
        assert room[0] <= place.address - base
        assert place.address - base + place.size_bytes <= room[0] + room[1]


def test_eigen_table_when_compared_with_a_real_package_then_agrees():
    """The binpkg of a real EC600E: ap_bootloader 0x4000/0x8000, ap_at_command 0x24000/0x2DC000."""
    data = sample("eigen/EC600E_at_command_v106.binpkg").read_bytes()
    module = catalog.module("ec600e")
    base = catalog.chip_of(module).flash.base_address
    at = 52
    for role in ("boot", "system"):
        place = module.partition(role)
        name = data[at : at + 64].split(b"\0")[0].decode()
        address, room, _, size = (int.from_bytes(data[at + o : at + o + 4], "little") for o in (64, 68, 72, 76))
        assert (place.part, place.address - base, place.size_bytes) == (name, address, room)
        at += 364 + size


@pytest.mark.parametrize("slug", catalog.modules())
def test_module_when_read_then_everything_a_virtual_module_needs_is_there(slug):
    module = catalog.module(slug)
    chip = catalog.chip_of(module)
    for role in ("boot", "system", "user_fs", "backup_fs", "factory", "update_store"):
        assert module.partition(role) is not None
    first, end = chip.flash.base_address, chip.flash.base_address + chip.flash.size_bytes
    assert all(first <= p.address and p.address + p.size_bytes <= end for p in module.partitions)
    assert all(not p.address % 4096 and not p.size_bytes % 4096 for p in module.partitions)
    assert module.partition("backup_fs").is_write_protected
    assert catalog.module_of_model(module.identity.variant) is module
    assert module.identity.imei_stem.isdigit()
    assert len(module.identity.imei_stem) == 8


@pytest.mark.parametrize("kind", ["modules", "chips", "conventions"])
def test_table_when_read_as_text_then_every_fact_stands_in_a_table_with_a_source(kind):
    """Every table, and every entry of a list of tables, has a source that says something."""
    for path in resources.files("moduline.profiles").joinpath(kind).iterdir():
        if path.name.endswith(".toml"):
            top = tomllib.loads(path.read_text("utf-8"))
            tables = [value for value in top.values() if isinstance(value, dict)]
            tables += [
                one for value in top.values() if isinstance(value, list) for one in value if isinstance(one, dict)
            ]
            assert all(len(one["source"].strip()) > 5 for one in tables), path.name
            if kind != "conventions":
                assert len(top["source"].strip()) > 5


@pytest.mark.parametrize(("slug", "role"), [("ec600g", "user_fs"), ("ec800e", "backup_fs"), ("ec600k", "user_fs")])
def test_place_when_no_source_has_it_then_marked_as_this_projects_choice(slug, role):
    assert catalog.module(slug).partition(role).is_inferred
    assert not catalog.module("ec600u").partition(role).is_inferred


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('failure_value = "code"', 'failure_value = "word"', "fota.failure_value"),
        ('set_apn_form = "dials"', 'set_apn_form = "rings"', "api.set_apn_form"),
        ("has_mini = false", "has_mini = false\nhas_maxi = true", "fota.has_maxi"),
        ("size_bytes = 0x800000", 'size_bytes = "8 MB"', "flash.size_bytes"),
        ("running_pid = 0x6002", "running_pid = -1", "usb.running_pid"),
        ('aliases = ["EC600S-CN_LB"]', 'aliases = "EC600S-CN_LB"', "aliases"),
    ],
)
def test_new_tables_when_broken_then_file_and_key_are_named(old, new, key):
    text = text_of("modules", "ec600s-cnlb")
    assert old in text
    with pytest.raises(BadRecipe) as caught:
        read_module(Table.parse(text.replace(old, new, 1).encode(), "modules/ec600s-cnlb.toml"))
    assert caught.value.facts["key"] == key
