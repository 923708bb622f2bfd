"""What burning an EigenComm package will do; addresses and ranges typed from platform-eigencomm 1.2, 3.3, 3.4, 4."""

from __future__ import annotations

import json

import pytest

from burn.eigen_packages import AGENTBOOT, USER_FS, package
from moduline.burn.drivers.eigen_plan import xip
from moduline.burn.plan import make_plan
from moduline.errors import BadFormat, BadOption, Unsupported
from moduline.package.parts import Part

FORMAT = {
    "fs": {"begin": "0xB84000", "length": 294912},
    "rr": {"begin": 0x88E7000, "length": 102400},
    "drr": {"begin": "0x88CE000", "length": "0x19000"},
    "cal": [{"stor_type": "ap_flash", "offst_flag": 1, "begin": "0x3CC000", "length": "0x18000"}],
    "erallum": [{"stor_type": "ap_flash", "offst_flag": 1, "begin": 0, "length": "0x3CC000"}],
}


def format_part(described=FORMAT):
    text = described if isinstance(described, bytes) else json.dumps(described).encode()
    return Part("format", "", "unused", text, 0, 0, False, "EC600E/format_ec618.json")


def verbs(plan):
    return [(action.verb, action.part) for action in plan.actions if action.verb != "skip"]


def test_plan_when_made_then_the_order_of_the_reference():
    """3.5: agentboot, BL, AP, CP, then flex files, each area erased first."""
    assert verbs(make_plan(package())) == [
        ("load", "agentboot_usb"),
        ("write", "ap_bootloader"),
        ("write", "ap_at_command"),
        ("write", "cp-demo-flash"),
        ("erase", "customer_fs.erase"),
        ("write", "customer_fs"),
        ("erase", "customer_backup_fs.erase"),
        ("write", "customer_backup_fs"),
    ]


def test_plan_when_made_then_its_facts_are_those_of_the_package():
    plan = make_plan(package())
    assert (plan.chip, plan.model, plan.version) == ("eigen618", "EC600E", "EC600ECNLA")
    assert plan.flash_bytes == 0x400000
    assert [text.say("en") for text in plan.losses] == [
        "the files in /usr (replaced)",
        "the files in /bak (replaced)",
    ]
    assert [action.part for action in plan.actions if action.is_read_back] == ["customer_fs", "customer_backup_fs"]
    erase = next(action for action in plan.actions if action.part == "customer_fs.erase")
    assert (erase.address, erase.size_bytes) == (0x300000, 0x60000)
    skipped = {action.part for action in plan.actions if action.verb == "skip"}
    assert skipped == {"agentboot_uart", "usb_ini"}


@pytest.mark.parametrize(
    ("part", "head", "place"),
    [
        ("ap_bootloader", 0, 0x804000),
        ("ap_at_command", 0x24000, 0x824000),
        ("cp-demo-flash", 0, 0x8800000),
        ("customer_fs", 0x300000, 0xB00000),
    ],
)
def test_address_when_put_into_a_head_then_as_hosts_do(part, head, place):
    """3.4: BL 0; AP 0x24000; CP 0 of its own flash; FLEX as the inis give it."""
    plan = make_plan(package())
    action = next(action for action in plan.actions if action.part == part)
    assert (plan.head_address(action), plan.place(action)) == (head, place)


def test_address_when_the_package_gives_it_as_the_processor_sees_it_then_the_same_place():
    moved = {
        "ap_at_command": Part("ap_at_command", "system", "code", b"x" * 99, 0x824000, 0x1000),
        "cp-demo-flash": Part("cp-demo-flash", "modem", "code", b"x" * 99, 0x8800000, 0x80000),
        "customer_fs": Part("customer_fs", "user_fs", "code", USER_FS, 0xB00000, 0x60000),
    }
    plan = make_plan(package(**moved))
    found = {action.part: (plan.head_address(action), plan.place(action)) for action in plan.actions}
    assert found["ap_at_command"] == (0x24000, 0x824000)
    assert found["cp-demo-flash"] == (0, 0x8800000)
    assert found["customer_fs"] == (0xB00000, 0xB00000)
    assert xip(0xCE000, is_cp=True) == 0x88CE000


def test_plan_when_of_an_ec718_then_the_modem_goes_to_the_ap_flash():
    """3.4: CP of the EC7xx: AP flash, address - 0x800000."""
    modem = Part("cp", "modem", "code", b"c" * 0x100, 0x823000, 0x1000)
    system = Part("ap", "system", "code", b"a" * 0x100, 0x8CD000, 0x1000)
    plan = make_plan(package("eigen718", **{"cp-demo-flash": modem, "ap_at_command": system, "usb_ini": None}))
    action = next(action for action in plan.actions if action.part == "cp")
    assert (plan.head_address(action), plan.place(action)) == (0x23000, 0x823000)
    assert "0000000103030000" in plan.rom_versions


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_package_when_without_agentboot_then_the_error_says_where_to_find_one():
    with pytest.raises(BadFormat, match=r"agentboot.*vendor's zip"):
        make_plan(package(agentboot_usb=None, agentboot_uart=None))


def test_package_when_of_an_unknown_eigen_chip_then_unsupported():
    with pytest.raises(Unsupported):
        make_plan(package("eigen616"))


def test_image_when_for_the_external_flash_then_unsupported_with_the_reason():
    far = Part("customer_fs", "user_fs", "code", USER_FS, 0x80000000, 0x80000)
    with pytest.raises(Unsupported, match="external flash"):
        make_plan(package(customer_fs=far))


@pytest.mark.parametrize(
    "part",
    [
        Part("customer_fs", "user_fs", "code", USER_FS, 0x3CC000, 0x10000),
        Part("customer_fs", "user_fs", "code", USER_FS, 0x3C0000, 0xD000),
        Part("customer_fs", "user_fs", "erase", b"", 0xBE3000, 0x1000),
        Part("customer_fs", "modem", "code", b"x" * 0x100, 0xFF000, 0x1000),
        Part("customer_fs", "modem", "code", b"x" * 0xCE001, 0, 0),
    ],
    ids=["cal", "end in cal", "last sector of cal", "rr", "long modem"],
)
@pytest.mark.parametrize("described", [True, False])
def test_calibration_when_a_part_would_touch_it_then_unsupported(part, described):
    """Section 4: cal, rr and drr are never erased, whether format_*.json names them or not."""
    more = {"format": format_part()} if described else {}
    with pytest.raises(Unsupported, match="radio calibration"):
        make_plan(package(customer_fs=part, **more))


def test_calibration_when_the_package_names_it_elsewhere_then_that_counts():
    moved = format_part({"cal": [{"stor_type": "ap_flash", "begin": "0x300000", "length": "0x1000"}]})
    with pytest.raises(Unsupported, match="customer_fs"):
        make_plan(package(format=moved))
    low = Part("customer_fs", "user_fs", "code", USER_FS, 0x3CC000, 0x4000)
    assert ("write", "customer_fs") in verbs(make_plan(package(customer_fs=low, format=moved)))


def test_rf_table_when_in_the_package_then_left_out_and_refused_when_asked_for():
    table = Part("MergeRfTable", "rf_table", "code", b"rf" * 99, 0xCE000, 0x19000, True, "EC600E/MergeRfTable.bin")
    plan = make_plan(package(table=table))
    assert ("skip", "MergeRfTable") in [(action.verb, action.part) for action in plan.actions]
    with pytest.raises(Unsupported, match="radio calibration"):
        make_plan(package(table=table), extra=("MergeRfTable",))


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[1]",
        b'{"rr": {"begin": Infinity, "length": 1}}',
        b'{"rr": {"begin": "x", "length": 1}}',
        b"\xff",
        b"[" * 99999,
    ],
)
def test_format_json_when_damaged_then_bad_format_and_nothing_planned(text):
    with pytest.raises(BadFormat):
        make_plan(package(format=format_part(text)))


@pytest.mark.parametrize(
    "part",
    [
        Part("customer_fs", "user_fs", "code", USER_FS, 0x300000, 0x2FFF),
        Part("customer_fs", "user_fs", "code", USER_FS, 0x3FF000, 0x60000),
        Part("customer_fs", "user_fs", "code", USER_FS, 0x300100, 0x60000),
        Part("customer_fs", "user_fs", "code", USER_FS, 0x24000, 0x4000),
        Part("customer_fs", "user_fs", "code", USER_FS, 0xC00000, 0x4000),
        Part("customer_fs", "user_fs", "code", bytes(0x3FC001), 0, 0),
    ],
    ids=["too long", "beyond the flash", "no sector", "over the system", "beyond the address space", "too big at all"],
)
def test_part_when_it_does_not_fit_then_bad_format(part):
    free = format_part({"cal": [{"stor_type": "cp", "begin": "0xF0000", "length": 1}]})
    with pytest.raises(BadFormat):
        make_plan(package(customer_fs=part, format=free))


def test_part_when_only_carried_along_and_asked_for_then_bad_option():
    with pytest.raises(BadOption, match="carried along"):
        make_plan(package(), extra=("usb_ini",))


def test_part_when_unknown_and_asked_for_then_bad_option():
    with pytest.raises(BadOption):
        make_plan(package(), extra=("nothing",))


def test_loader_when_both_are_there_then_the_one_for_usb():
    plan = make_plan(package())
    assert plan.actions[0].data == AGENTBOOT
    assert plan.baud == 921600
    assert make_plan(package(agentboot_usb=None)).baud == 115200
    wanted = make_plan(package(), extra=("agentboot_uart",))
    assert (wanted.actions[0].data, wanted.baud) == (b"U" * 99, 115200)
