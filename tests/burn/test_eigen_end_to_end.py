"""The EigenComm burner and the virtual EC600E, two programs over real pseudo-terminals; the flash compared by byte.

The module side knows the way by the pin only, as the vendor's document of 2024-07 says of these modules.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

import pytest

from burn.module_rack import ModuleRack
from moduline import burn
from moduline.package import read_package
from moduline.port import registry
from moduline.release.firmware import stock_package

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
RIG = ModuleRack("eigen", "ec600e")
RACK = RIG.name
order, do, burn_one, flash_of = RIG.order, RIG.do, RIG.burn_one, RIG.flash_of
AP, CP = 0x800000, 0x8800000
CP_START = 0x400000
"""Where the flash of the modem begins in the virtual module's one flash file."""


@pytest.fixture
def rack(tmp_path):
    with RIG.in_folder(tmp_path) as up:
        yield up


def into_download(*names):
    """Somebody holds the boot pin of each and re-powers it."""
    for name in names:
        do("power", name, action="boot-pin")


def assert_same_code(name, package):
    """Every image of the package that no running module changes lies in the flash, byte for byte."""
    flash = flash_of(name)
    for part in read_package(package).parts:
        if part.kind == "code" and part.role not in {"user_fs", "backup_fs"}:
            at = part.address - CP + CP_START if part.address >= CP else part.address - AP
            assert flash[at : at + len(part.data)] == part.data, (name, part.name)


@pytest.mark.parametrize("module", ["ec600e", "ec800e"])
def test_burn_when_over_ptys_then_pass_and_the_flash_is_the_package(rack, module):
    rack(1, module)
    into_download("m1")
    package = stock_package(module)
    job = burn.make_order(package, "stock.zip", verify="all", boot_limit_s=30.0)
    record = asyncio.run(burn.run_job("virt:m1", job))
    assert record.outcome == "PASS", record.error_message
    assert record.version_after == read_package(package).version
    assert_same_code("m1", package)


def test_module_when_it_answers_byte_by_byte_then_pass(rack):
    rack(1)
    into_download("m1")
    do("fault", "m1", spec="fragment")
    assert burn_one(verify="device").outcome == "PASS"


def test_module_when_running_then_the_at_way_is_tried_and_the_pin_asked_for(rack):
    """The vendor's document: only the pin. The command is tried, then somebody is asked at once."""
    rack(1)
    asked = []

    def report(event):
        if getattr(event, "slug", "") == "burn.hold-boot-pin":
            asked.append(event)
            asyncio.get_running_loop().run_in_executor(None, lambda: do("power", "m1", action="boot-pin"))

    record = asyncio.run(burn.run_job("virt:m1", order(pin_limit_s=20.0), report=report))
    assert record.outcome == "PASS", record.error_message
    assert len(asked) == 1
    assert record.imei


def test_module_when_running_and_nobody_holds_the_pin_then_window_missed(rack):
    rack(1)
    record = burn_one(pin_limit_s=0.3)
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0604")
    assert registry.modules(RACK)[0].state == "running"


def test_package_when_of_another_chip_then_refused_in_download_mode(rack):
    rack(1)
    into_download("m1")
    before = flash_of("m1")
    record = asyncio.run(burn.run_job("virt:m1", order(stock_package("ec600u"))))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701")
    assert flash_of("m1") == before


def test_package_when_of_another_model_then_refused_before_the_switch(rack):
    rack(1)
    record = asyncio.run(burn.run_job("virt:m1", order(stock_package("ec800e"))))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701")
    assert registry.modules(RACK)[0].state == "running"


@pytest.mark.parametrize("fault", ["unplug@download", pytest.param("cut@download", marks=pytest.mark.sweep)])
def test_burn_when_interrupted_at_sampled_bytes_then_recorded_and_completed_after_re_powering(rack, fault):
    rack(1)
    total = order().plan.write_bytes
    for share in (0.1, 3, 12, 30, 55, 80, 99):
        into_download("m1")
        do("fault", "m1", spec=f"{fault}:{int(total * share / 100)}")
        record = burn_one(verify="device", is_checked=False)
        assert (record.outcome, record.error_code) == ("FAIL", "ML-E0601"), (share, record.error_message)
        into_download("m1")
        again = burn_one(verify="device", is_checked=False)
        assert again.outcome == "PASS", (share, again.error_message)
        assert_same_code("m1", stock_package("ec600e"))


def test_download_port_when_silent_then_no_answer_and_recoverable(rack):
    rack(1)
    into_download("m1")
    do("fault", "m1", spec="silent")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602")
    do("fault", "m1", spec="clear")
    into_download("m1")
    assert burn_one().outcome == "PASS"


def test_image_when_its_verify_fails_then_the_code_of_the_device_is_told(rack):
    rack(1)
    into_download("m1")
    do("fault", "m1", spec="verify-error@ap_at_command")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0901")
    assert "0x33" in record.error_message
    do("fault", "m1", spec="clear")
    into_download("m1")
    assert burn_one().outcome == "PASS"


def test_scripts_when_only_they_are_wanted_then_the_rest_of_the_flash_is_untouched(rack):
    rack(1)
    into_download("m1")
    before = flash_of("m1")
    plan = burn.make_plan(read_package(stock_package("ec600e")), only="scripts")
    job = replace(order(is_checked=False), plan=plan)
    record = asyncio.run(burn.run_job("virt:m1", job))
    assert record.outcome == "PASS", record.error_message
    after = flash_of("m1")
    assert after[:0x300000] == before[:0x300000]
    assert after[0x3CC000:] == before[0x3CC000:]


def test_gang_of_eight_when_one_loses_its_power_then_eight_pass(rack):
    names = rack(8)
    into_download(*names)
    faults = {"m4": f"cut@download:{order().plan.write_bytes // 2}"}
    RIG.burn_eight(order(), faults, lambda name: do("power", name, action="boot-pin"))
    for name in names:
        assert_same_code(name, stock_package("ec600e"))
