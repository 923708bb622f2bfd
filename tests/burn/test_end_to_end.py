"""The burner and the virtual module, two programs over real pseudo-terminals: neither knows the other's code.

Interrupted burns are made by the module (its cable or power goes at a byte), seen by the host, and completed after
re-powering.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from burn.module_rack import ModuleRack
from moduline import burn
from moduline.errors import WrongModule
from moduline.port import registry
from moduline.release.firmware import stock_package

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
RIG = ModuleRack("e2e", "ec600u", pin_limit_s=0.5)
RACK = RIG.name
order, do, burn_one = RIG.order, RIG.do, RIG.burn_one


@pytest.fixture
def rack(tmp_path):
    with RIG.in_folder(tmp_path) as up:
        yield up


@pytest.mark.parametrize("packet", [0x800, 0x1000, 0x3000])
def test_burn_when_over_ptys_then_pass_with_the_modules_own_imei(rack, packet):
    rack(1)
    (before,) = registry.modules(RACK)
    record = burn_one(packet_bytes=packet, verify="all")
    assert record.outcome == "PASS", record.error_message
    assert record.imei == before.imei
    assert record.version_after == order().plan.version


def test_module_when_it_answers_byte_by_byte_with_log_frames_between_then_pass(rack):
    rack(1)
    do("fault", "m1", spec="fragment")
    do("fault", "m1", spec="log-frames")
    assert burn_one().outcome == "PASS"


@pytest.mark.parametrize("fault", ["unplug@download", "cut@download"])
def test_burn_when_interrupted_at_sampled_bytes_then_recorded_and_completed_after_re_powering(rack, fault):
    """S0: the burn failed or ended unexpectedly; powering the module again continues it."""
    rack(1)
    total = order().plan.write_bytes
    imei = registry.modules(RACK)[0].imei
    for share in (1, 12, 30, 55, 80, 99):
        do("fault", "m1", spec=f"{fault}:{total * share // 100}")
        record = burn_one()
        assert (record.outcome, record.error_code) == ("FAIL", "ML-E0601"), (share, record.error_message)
        do("power", "m1", action="off")
        do("power", "m1", action="on")
        again = burn_one()
        assert again.outcome == "PASS", (share, again.error_message)
        assert again.imei == imei


def test_part_when_its_verify_fails_then_said_so_and_the_module_is_recoverable(rack):
    rack(1)
    do("fault", "m1", spec="verify-error@AP")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0901")
    assert record.as_json()["error_facts"]["part"] == "AP"
    do("fault", "m1", spec="clear")
    do("power", "m1", action="off")
    do("power", "m1", action="on")
    assert burn_one().outcome == "PASS"


def test_package_when_of_another_model_then_refused_and_the_module_still_runs(rack):
    rack(1)
    package = stock_package("eg915u")
    record = asyncio.run(burn.run_job("virt:m1", order(package)))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701")
    with pytest.raises(WrongModule):
        record.raise_error()
    assert registry.modules(RACK)[0].state == "running"


def test_at_when_silent_then_window_missed_and_with_the_pin_it_burns(rack):
    rack(1)
    do("fault", "m1", spec="at-silent")
    assert burn_one().error_code == "ML-E0604"
    do("fault", "m1", spec="clear")
    do("power", "m1", action="boot-pin")
    assert burn_one().outcome == "PASS"


def test_download_port_when_silent_then_no_answer_and_recoverable(rack):
    rack(1)
    do("fault", "m1", spec="silent")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602")
    do("fault", "m1", spec="clear")
    do("power", "m1", action="off")
    do("power", "m1", action="on")
    assert burn_one().outcome == "PASS"


def test_t05_gang_of_eight_when_one_loses_its_power_then_eight_pass(rack):
    """T05 over the real wire; the victim is re-powered by whoever watches the records."""
    rack(8)
    faults = {"m4": f"cut@download:{order().plan.write_bytes // 2}"}
    RIG.burn_eight(order(), faults, lambda name: do("power", name, action="on"))
