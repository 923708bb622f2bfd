"""What a burn will do to an 8850, before it does anything; what the ROM or the loader would refuse is refused here."""

from __future__ import annotations

import pytest

from burn.fake_unisoc8850 import LOADER, sihr_image, small_pac, stock_rows
from moduline.burn.drivers.unisoc8850_plan import reaches
from moduline.burn.plan import make_plan
from moduline.errors import BadChecksum, BadFormat, BadOption
from moduline.formats.container import unisoc
from moduline.package import read_package
from package_maker import CPIO
from package_maker import small_file as small_file_8910
from samples import sample


def package_of(rows):
    return read_package(unisoc.write(small_pac(rows)), "small.pac")


def changed(name, **fields):
    """The stock rows with one row's address, size, content or check changed."""
    names = ("id", "type", "address", "size", "data", "check")
    return [
        tuple((dict(zip(names, row, strict=True)) | fields)[key] for key in names) if row[0] == name else row
        for row in stock_rows()
    ]


def test_plan_when_made_then_the_packages_order_loader_first():
    rows = stock_rows()
    plan = make_plan(package_of([*rows[1:], rows[0]]))
    assert [(action.verb, action.part) for action in plan.actions] == [
        ("load", "FDL"),
        ("erase", "ERASE_SPL"),
        ("write", "BOOT"),
        ("skip", "PhaseCheck"),
        ("skip", "FMT_FSSYS"),
        ("format", "FMT_FSMOD"),
        ("keep_nv", "NV"),
        ("write", "AP"),
        ("write", "CP"),
        ("erase", "FLASH"),
        ("erase", "ERASE_PY_FS_U"),
        ("erase", "ERASE_PY_FS_B"),
        ("write", "SPL"),
    ]
    assert plan.chip == "unisoc8850"
    assert [loss.en for loss in plan.losses] == [
        "settings changed at run time (running NV)",
        "the files in /usr",
        "the files in /bak",
    ]


def test_plan_when_of_the_real_package_then_its_model_order_and_reach():
    path = sample("unisoc/EC600GCN_LD__8850XM_cat1_open_merge.pac")
    plan = make_plan(read_package(path.read_bytes(), path.name))
    assert plan.model == "EC600G-CNLD"
    done = [(action.verb, action.part) for action in plan.actions if action.verb != "skip"]
    assert done[0] == ("load", "FDL")
    assert done[1] == ("erase", "ERASE_SPL")
    assert done[-1] == ("write", "SPL")
    assert ("format", "FMT_FSMOD") in done
    # Block of AP ends at 0x60263000; what is written of APPIMG (0x1200 bytes from there) reaches furthest
    assert reaches(plan.actions) == (0x60264200,)
    assert [item.id for item in plan.nv_items if item.id is not None] == [0x26E, 0x26F, 0x179, 0x1B4, 0x1F0, 0x300]


def test_plan_when_of_the_real_partial_package_then_only_its_loader_and_application():
    path = sample("unisoc/EC600GCN_LD__appimage.pac")
    plan = make_plan(read_package(path.read_bytes(), path.name))
    assert [(action.verb, action.part, action.address, action.size_bytes) for action in plan.actions] == [
        ("load", "FDL", 0x50800000, 58752),
        ("erase", "ERASE_APPIMG", 0x60263000, 0x2000),
        ("write", "APPIMG", 0x60263000, 4608),
    ]
    assert plan.losses == ()


@pytest.mark.parametrize(
    ("address", "size", "start", "length"),
    [
        (0x60263000, 1, 0x60263000, 0x1000),
        (0x60263000, 0x1000, 0x60263000, 0x1000),
        (0x60263FFE, 4, 0x60263000, 0x2000),
    ],
)
def test_package_when_it_begins_with_content_then_another_model_is_asked_by_an_erase(address, size, start, length):
    """platform-unisoc 5.6, 5.7: the list of models is looked at by ERASE_FLASH only; START erases whole sectors."""
    rows = [stock_rows()[0], ("APPIMG", "CODE", address, 0x10000, b"\0" * size, 1)]
    erase, write = make_plan(package_of(rows)).actions[1:]
    assert (erase.verb, erase.address, erase.size_bytes) == ("erase", start, length)
    assert (write.verb, write.address) == ("write", address)


@pytest.mark.parametrize(
    ("parts", "done"),
    [
        (["ERASE_PY_FS_U", "AP"], ["ERASE_PY_FS_U", "AP"]),
        (["FLASH", "AP"], ["FLASH", "AP"]),
        (["PhaseCheck", "CP", "NV", "AP"], ["PhaseCheck", "ERASE_AP", "CP", "NV", "AP"]),
        (["CP"], ["CP"]),
    ],
)
def test_package_when_it_begins_with_an_erase_or_has_no_image_then_nothing_is_added(parts, done):
    rows = {row[0]: row for row in stock_rows()}
    plan = make_plan(package_of([rows[name] for name in ["FDL", *parts]]))
    assert [action.part for action in plan.actions] == ["FDL", *done]


def test_part_when_off_by_default_then_only_done_when_wanted():
    plan = make_plan(package_of(stock_rows()), extra=("FMT_FSSYS",))
    (action,) = [action for action in plan.actions if action.part == "FMT_FSSYS"]
    assert (action.verb, action.address, action.size_bytes) == ("format", 0xFE000006, 0x53595346)


def test_nv_when_the_package_has_none_but_formats_then_it_is_kept():
    rows = [row for row in stock_rows() if row[0] != "NV"]
    keeps = [action for action in make_plan(package_of(rows)).actions if action.verb == "keep"]
    assert [(action.address, action.size_bytes) for action in keeps] == [(0xFE000003, 0x28000)]
    quiet = [row for row in rows if not row[0].startswith("FMT")]
    assert not [action for action in make_plan(package_of(quiet)).actions if action.verb == "keep"]


def test_scripts_when_only_they_are_wanted_then_loader_and_areas():
    plan = make_plan(package_of(stock_rows()), only="scripts")
    done = [action.part for action in plan.actions if action.verb != "skip"]
    assert done == ["FDL", "ERASE_PY_FS_U", "ERASE_PY_FS_B"]


def test_chip_when_whole_is_erased_then_nv_is_kept_before():
    """platform-unisoc 6.5: the loader of the 8850 keeps PhaseCheck only."""
    rows = [stock_rows()[0], ("ERASE_ALL", "EraseFlash", 0, 0xFFFFFFFF, b"", 1)]
    verbs = [action.verb for action in make_plan(package_of(rows)).actions]
    assert verbs == ["load", "keep", "erase"]


def test_reach_when_two_flash_chips_then_one_for_each():
    rows = [*stock_rows(), ("EXT", "CODE", 0x70000000, 0x10000, b"\xff" * 0x1000, 1)]
    assert reaches(make_plan(package_of(rows)).actions) == (0x6049A000, 0x70001000)


ODD = sihr_image(b"odd")
WRONG = {
    "loader address": (changed("FDL", address=0x50810000), BadFormat, "loader-address"),
    "loader too small": (changed("FDL", data=LOADER[:200]), BadFormat, "loader-size"),
    "loader too large": (changed("FDL", data=sihr_image(bytes(0x14000)), size=0), BadFormat, "loader-size"),
    "loader no header": (changed("FDL", data=b"\0" * 4096), BadFormat, "loader-header"),
    "loader window": (changed("FDL", data=sihr_image(b"\0" * 600, 0x60000000)), BadFormat, "loader-window"),
    "loader cut": (changed("FDL", data=LOADER[:-8]), BadFormat, "size"),
    "loader header flipped": (changed("FDL", data=LOADER[:40] + b"\x55" + LOADER[41:]), BadChecksum, ""),
    "loader payload flipped": (changed("FDL", data=LOADER[:-1] + b"\x55"), BadChecksum, ""),
    "boot flipped": (changed("BOOT", data=ODD[:-1] + b"\x55"), BadChecksum, ""),
    "content too large": (changed("AP", size=0x100), BadFormat, "part-size"),
    "content nowhere": (changed("AP", address=0x40000000), BadFormat, "address"),
    "content logical": (changed("AP", address=0xFE000005), BadFormat, "address"),
    "erase nowhere": (changed("ERASE_SPL", address=0x40000000), BadFormat, "erase-address"),
    "archive damaged": (changed("CP", data=CPIO[:60]), BadFormat, None),
    "archive member": (
        changed("CP", data=CPIO[:22] + b"\x1a\x00\x00\x00" + CPIO[26:46] + bytes(0x1A0000) + CPIO[68:]),
        BadFormat,
        "cpio-member",
    ),
}


@pytest.mark.parametrize(("rows", "error", "rule"), WRONG.values(), ids=WRONG)
def test_package_when_the_module_would_stop_at_it_then_refused_before_anything_is_sent(rows, error, rule):
    with pytest.raises(error) as refused:
        make_plan(package_of(rows))
    if rule is not None:
        assert refused.value.facts.get("rule", "") == rule
    assert refused.value.message("zh") != refused.value.message("en")


@pytest.mark.parametrize("size", [0, 1, 3, 0x3002, -2])
def test_packet_when_no_module_takes_it_then_bad_option(size):
    with pytest.raises(BadOption):
        make_plan(package_of(stock_rows()), packet_bytes=size)


def test_content_when_odd_then_padded_to_even():
    """platform-unisoc 5.4: one vendor host sums odd lengths differently."""
    plan = make_plan(package_of(changed("BOOT", data=ODD)))
    (boot,) = [action for action in plan.actions if action.part == "BOOT"]
    assert boot.data == ODD + b"\xff"
    assert len(boot.data) == boot.size_bytes


@pytest.mark.parametrize(("given", "told"), [(0, 0), (115200, 0), (921600, 921600)])
def test_baud_when_chosen_then_told_unless_it_is_the_first_rate(given, told):
    """platform-unisoc 5.10: 115200 is where ROM and loader start; the vendor's host skips the command then."""
    assert make_plan(package_of(stock_rows()), baud=given).baud == told


def test_baud_when_no_loader_takes_it_then_bad_option():
    with pytest.raises(BadOption):
        make_plan(package_of(stock_rows()), baud=12345)
    with pytest.raises(BadOption):
        make_plan(read_package(small_file_8910(), "8910.pac"), baud=921600)
