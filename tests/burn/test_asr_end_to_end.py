"""The ASR burner and virtual modules, two programs over real pseudo-terminals; the flash compared by byte."""

from __future__ import annotations

import asyncio
import os
import zlib

import pytest

from burn.module_rack import ModuleRack
from moduline import burn
from moduline.burn.drivers.asr_plan import is_own
from moduline.package import read_package
from moduline.port import registry
from moduline.release.firmware import stock_package

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
RIG = ModuleRack("asr", "ec600n")
RACK = RIG.name
order, do, burn_one, flash_of = RIG.order, RIG.do, RIG.burn_one, RIG.flash_of
MODULE = "ec600n"
FLASH = 0x80000000


@pytest.fixture
def rack(tmp_path):
    with RIG.in_folder(tmp_path) as up:
        yield up


def assert_same(name, package, roles=("boot", "system")):
    """The images of these roles lie in the flash, byte for byte, and the rest of their last block is blank."""
    flash = flash_of(name)
    for part in read_package(package).parts:
        if part.kind == "code" and part.role in roles:
            at = part.address - FLASH
            expected = part.data + b"\xff" * (-len(part.data) % 4096)
            assert flash[at : at + len(expected)] == expected, (name, part.name)


def own_data(name, package):
    """Check values of the partitions that are the module's own."""
    flash = flash_of(name)
    table = read_package(package).source.table
    return {one.name: zlib.crc32(flash[one.start : one.end]) for one in table.entries if is_own(one.name)}


@pytest.mark.parametrize(
    "module",
    ["ec600n", "ec800m", *(pytest.param(one, marks=pytest.mark.sweep) for one in ("ec600k", "ec600s")), "ec600s-cnlb"],
)
def test_burn_when_over_ptys_then_pass_and_the_flash_is_the_package(rack, module):
    rack(1, module)
    package = stock_package(module)
    own = own_data("m1", package)
    record = asyncio.run(burn.run_job("virt:m1", order(package)))
    assert record.outcome == "PASS", record.error_message
    assert record.version_after == read_package(package).version
    assert record.imei_from == "after"
    assert_same("m1", package)
    assert own_data("m1", package) == own


@pytest.mark.parametrize("fault", ["fragment", "greet-anew", "log-frames"])
def test_module_when_it_has_its_oddities_then_pass(rack, fault):
    rack(1)
    do("fault", "m1", spec=fault)
    record = burn_one()
    assert record.outcome == "PASS", record.error_message


@pytest.mark.parametrize("fault", [pytest.param("unplug@download", marks=pytest.mark.sweep), "cut@download"])
def test_burn_when_interrupted_at_sampled_bytes_then_recorded_and_completed_after_re_powering(rack, fault):
    rack(1)
    total = order().plan.write_bytes
    for share in (0.1, 12, 99):  # around every part: below
        do("fault", "m1", spec=f"{fault}:{int(total * share / 100)}")
        record = burn_one()
        assert (record.outcome, record.error_code) == ("FAIL", "ML-E0601"), (share, record.error_message)
        do("power", "m1", action="off")
        do("power", "m1", action="on")
        again = burn_one()
        assert again.outcome == "PASS", (share, again.error_message)
    assert_same("m1", stock_package(MODULE))


@pytest.mark.sweep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("fault", ["unplug@download", "cut@download"])
def test_burn_when_interrupted_around_every_part_then_completed_after_re_powering(rack, fault):
    rack(1)
    plan = order().plan
    at, places = 0, set()
    for action in plan.actions:
        places |= {at + 1, at + len(action.data) // 2, at + len(action.data) - 1} if action.data else set()
        at += len(action.data)
    for place in sorted(places):
        do("fault", "m1", spec=f"{fault}:{place}")
        assert burn_one().outcome == "FAIL", place
        do("power", "m1", action="off")
        do("power", "m1", action="on")
        again = burn_one()
        assert again.outcome == "PASS", (place, again.error_message)
        assert_same("m1", stock_package(MODULE))


def test_part_when_its_write_fails_then_said_so_and_the_module_is_recoverable(rack):
    rack(1)
    do("fault", "m1", spec="verify-error@system")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0901")
    assert record.as_json()["error_facts"]["part"] == "system"
    do("fault", "m1", spec="clear")
    do("power", "m1", action="off")
    do("power", "m1", action="on")
    assert burn_one().outcome == "PASS"


@pytest.mark.parametrize("other", ["ec800m", "ec800n", "ec600u"])
def test_package_when_of_another_model_then_refused_and_the_module_still_runs(rack, other):
    rack(1)
    record = asyncio.run(burn.run_job("virt:m1", order(stock_package(other))))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701"), record.error_message
    assert registry.modules(RACK)[0].state == "running"


def test_package_when_of_another_variant_then_refused_by_version_and_by_usb_ids(rack):
    """EC600S-CNAA has 16 MB of flash, EC600S-CNLB 8 MB; both say EC600S on AT+CGMM."""
    rack(1, "ec600s-cnlb")
    record = asyncio.run(burn.run_job("virt:m1", order(stock_package("ec600s"))))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701"), record.error_message
    assert registry.modules(RACK)[0].state == "running"


def test_package_when_of_another_chip_then_refused_in_download_mode_before_anything_is_written(rack):
    rack(1)
    do("power", "m1", action="boot-pin")
    before = flash_of("m1")
    record = asyncio.run(burn.run_job("virt:m1", order(stock_package("ec800m"))))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701"), record.error_message
    assert flash_of("m1") == before


def test_scripts_when_only_they_are_burnt_then_the_rest_is_not_touched(rack):
    rack(1)
    record = burn_one(only="scripts")
    assert record.outcome == "PASS", record.error_message
    assert record.bytes < 6 << 20
    steps = set(record.steps)
    assert {"burn.customer_fs", "burn.customer_backup_fs"} <= steps
    assert not steps & {"burn.system", "burn.bootloader", "burn.erase:fota_param"}


def test_download_port_when_silent_then_no_answer_and_recoverable(rack):
    rack(1)
    do("fault", "m1", spec="silent")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602")
    do("fault", "m1", spec="clear")
    do("power", "m1", action="off")
    do("power", "m1", action="on")
    assert burn_one().outcome == "PASS"


def test_gang_of_eight_when_one_loses_its_power_then_eight_pass(rack):
    rack(8)
    faults = {"m4": f"cut@download:{order().plan.write_bytes // 2}"}
    RIG.burn_eight(order(), faults, lambda name: do("power", name, action="on"))
    for n in range(1, 9):
        assert_same(f"m{n}", stock_package(MODULE))
