"""The burner and the virtual module, two programs over real pseudo-terminals: neither knows the other's code.

Interrupted burns are made by the module (its cable or power goes at a byte), seen by the host, and completed after
re-powering.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from moduline import burn
from moduline.errors import WrongModule
from moduline.line import GangOptions, run_gang
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
RACK = "e2e"


@pytest.fixture
def rack(tmp_path):
    """A rack of its own; ``up(count)`` gives the names."""
    file = tmp_path / "stock.pac"
    file.write_bytes(stock_package("ec600u"))

    def up(count):
        rack_client.start(RACK)
        wanted = [{"name": f"m{n}", "module": "ec600u", "number": n, "package": str(file)} for n in range(1, count + 1)]
        rack_client.ask(RACK, "add", 60.0, modules=wanted)
        return [one["name"] for one in wanted]

    yield up
    rack_client.ask(RACK, "down", 60.0)


def order(package=None, **options):
    defaults = {"ask_limit_s": 1.0, "pin_limit_s": 0.5, "window_s": 5.0, "boot_limit_s": 20.0}
    return burn.make_order(package or stock_package("ec600u"), "stock.pac", **(defaults | options))


def do(what, name, **facts):
    rack_client.ask(RACK, what, 30.0, name=name, **facts)


def burn_one(name="m1", **options):
    return asyncio.run(burn.run_job(f"virt:{name}", order(**options)))


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
    do("fault", "m4", spec=f"cut@download:{order().plan.write_bytes // 2}")

    def on_record(record):
        if not record.is_pass:
            asyncio.get_running_loop().run_in_executor(None, lambda: do("power", "m4", action="on"))

    records = asyncio.run(run_gang(order(), RACK, GangOptions(count=8, patience_s=60.0), on_record=on_record))
    assert sorted(record.outcome for record in records) == ["FAIL"] + ["PASS"] * 8
    assert len({record.imei for record in records if record.is_pass}) == 8
