"""What a burn will do, before it does anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.burn.enter import is_same_name
from moduline.burn.plan import make_plan
from moduline.errors import BadFormat, BadOption, Unsupported
from moduline.formats.container import unisoc
from moduline.package import read_package
from package_maker import small_file, small_pac, stock_rows
from samples import sample

STOCK = read_package(small_file(), "small.pac")


def test_plan_when_made_then_the_packages_order_loaders_first():
    verbs = [(action.verb, action.part) for action in make_plan(STOCK).actions]
    assert verbs == [
        ("load", "HOST_FDL"),
        ("load", "FDL2"),
        ("erase", "ERASE_BOOT"),
        ("write", "AP"),
        ("erase", "ERASE_PY_FS_U"),
        ("erase", "ERASE_PY_FS_B"),
        ("write", "PS"),
        ("skip", "FMT_FSSYS"),
        ("skip", "PhaseCheck"),
        ("erase", "FLASH"),
        ("keep_nv", "NV"),
        ("write", "PREPACK"),
        ("write", "BOOTLOADER"),
    ]


def test_plan_when_of_a_stock_package_then_says_what_is_lost():
    losses = [loss.en for loss in make_plan(STOCK).losses]
    assert losses == ["the files in /usr", "the files in /bak", "settings changed at run time (running NV)"]


def test_plan_when_files_are_merged_in_then_they_are_replaced_not_lost():
    rows = [*stock_rows(), ("PY_FS_U", "CODE", 0x604E0000, 0x3000, b"\xff" * 0x1000, 1)]
    plan = make_plan(read_package(unisoc.write(small_pac(rows))))
    assert plan.losses[0].en == "the files in /usr (replaced)"
    (area,) = [action for action in plan.actions if action.role == "user_fs"]
    assert area.is_read_back


def test_part_when_off_by_default_then_only_done_when_wanted():
    plan = make_plan(STOCK, extra=("FMT_FSSYS",))
    (action,) = [action for action in plan.actions if action.part == "FMT_FSSYS"]
    assert (action.verb, action.address, action.size_bytes) == ("format", 0xFE000006, 0x53595346)
    with pytest.raises(BadOption):
        make_plan(STOCK, extra=("NONE",))


def test_content_when_odd_then_padded_to_even():
    """platform-unisoc 5.4: one vendor host sums odd lengths differently."""
    rows = [
        (*row[:4], row[4] + b"x" * (1 - len(row[4]) % 2), row[5]) if row[0] == "PS" else row for row in stock_rows()
    ]
    plan = make_plan(read_package(unisoc.write(small_pac(rows))))
    assert all(len(action.data) % 2 == 0 for action in plan.actions)


@pytest.mark.parametrize("size", [0, 1, 3, 0x3002, -2])
def test_packet_when_no_module_takes_it_then_bad_option(size):
    with pytest.raises(BadOption):
        make_plan(STOCK, packet_bytes=size)


def test_package_when_of_another_chip_or_without_loaders_then_refused():
    with pytest.raises(Unsupported):
        make_plan(replace(STOCK, chip="unheard-of"))
    with pytest.raises(BadFormat):
        make_plan(replace(STOCK, parts=STOCK.parts[2:]))
    with pytest.raises(BadOption):
        make_plan(STOCK, "everything")


def test_plan_when_of_the_real_package_then_six_megabytes_and_its_model():
    path = sample("unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac")
    plan = make_plan(read_package(path.read_bytes(), path.name))
    assert (plan.model, plan.write_bytes) == ("EG915U-EUAB", 6_152_960)
    assert plan.as_facts("zh")["losses"][0] == "/usr 中的文件"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("EG915U-EUAB", "EG915U", True),
        ("EG915U-EUAB", "EG915UEUAB", True),
        ("EG915U-EU_AB", "eg915u-euab", True),
        ("EC600U", "EC600G", False),
        ("EC600U-CNLB", "EC600U-CNLC", False),
        ("EC600UCNLBR03A05M08", "EC600UCNLBR03A05M08_OCPU_QPY", True),
        ("R01", "R01A", False),
        ("R01", "R01", True),
    ],
)
def test_names_when_compared_then_a_longer_form_is_the_same(one, other, same):
    assert is_same_name(one, other) is same
