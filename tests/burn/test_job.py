"""One job over pseudo-terminals: every way it can end, and its record."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from burn.fake_module import frame
from burn.fake_unit import FakeUnit, own_nv
from moduline import burn
from moduline.burn.nv_store import choose
from moduline.errors import ModulineError, SeveralModules, WrongModule
from moduline.events import Notice
from moduline.formats import nv
from package_maker import small_file

PACKAGE = small_file()
IMEI_OF_THE_TEMPLATE = "861234567890123"


def order(**options):
    options = {"ask_limit_s": 0.1, "pin_limit_s": 0.2, "window_s": 2.0, "boot_limit_s": 5.0} | options
    return burn.make_order(PACKAGE, "small.pac", **options)


def run(unit, address="auto", power=True, report=lambda _: None, **options):
    async def go():
        if power:
            await unit.power_on()
        try:
            return await burn.run_job(address, order(**options), report=report)
        finally:
            await unit.power_off()

    return asyncio.run(go())


def test_job_when_all_goes_well_then_pass_with_everything_known():
    unit = FakeUnit("m1", version="EG915UEUABR01", version_after="EG915UEUABR03A06M08")
    record = run(unit)
    assert record.outcome == "PASS", record.error_message
    assert (record.imei, record.imei_from, record.model) == ("868888777766665", "after", "EG915U")
    assert (record.version_before, record.version_after) == ("EG915UEUABR01", "EG915UEUABR03A06M08")
    assert record.bytes == order().plan.write_bytes
    assert record.sha256 == order().sha256
    assert record.steps["burn.AP"] >= 0
    assert record.slot == "m1"
    assert unit.burns == 1


def test_job_when_it_goes_on_then_its_begin_is_on_disk_before_anything_is_erased_and_its_end_after(moduline_home):
    run(FakeUnit("m1"), order="A-17")
    with contextlib.closing(sqlite3.connect(moduline_home / "records" / "line.db")) as book:
        events = book.execute("SELECT kind, outcome, try_id FROM event ORDER BY seq").fetchall()
    assert events[0][:2] == ("begun", "RUNNING")
    assert events[-1][:2] == ("ended", "PASS")
    assert {kind for kind, *_ in events[1:-1]} == {"noted"}
    assert len({name for *_, name in events}) == 1
    (record,) = burn.book("A-17").read()
    assert record.is_pass


def test_nv_when_backed_up_then_the_raw_block_is_a_file():
    unit = FakeUnit("m1")
    before = unit.module.nv
    record = run(unit)
    assert Path(record.nv_file).read_bytes() == before


def test_module_when_already_in_download_mode_then_burnt_without_at():
    unit = FakeUnit("m1")
    unit.module.flash[:4] = b"\xff" * 4
    record = run(unit)
    assert record.outcome == "PASS"
    assert record.version_before == ""
    assert record.imei_from == "after"


def test_package_when_for_another_model_then_refused_before_anything_is_erased():
    """T31: never half-applied; the module still runs."""
    unit = FakeUnit("m1", model="EC600U")
    before = bytes(unit.module.flash)
    record = run(unit)
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701")
    assert unit.module.log == []
    assert bytes(unit.module.flash) == before
    with pytest.raises(WrongModule) as wrong:
        record.raise_error()
    assert wrong.value.exit_code == 7


def test_package_when_forced_then_burnt_anyway():
    assert run(FakeUnit("m1", model="EC600U"), force=True).outcome == "PASS"


def test_at_when_silent_then_somebody_is_asked_to_hold_the_pin_and_then_window_missed():
    seen = []
    record = run(FakeUnit("m1", is_silent=True), report=seen.append)
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0604")
    assert any(isinstance(event, Notice) and event.slug == "burn.hold-boot-pin" for event in seen)


def test_at_when_silent_and_the_pin_is_held_then_burnt():
    unit = FakeUnit("m1", is_silent=True)
    tasks = []

    def hold_pin(event):
        if isinstance(event, Notice) and event.slug == "burn.hold-boot-pin":
            unit.is_silent = False
            tasks.append(asyncio.ensure_future(unit.power_on(boot_pin=True)))

    record = run(unit, report=hold_pin, pin_limit_s=10.0)
    assert record.outcome == "PASS", record.error_message


def test_switch_when_the_module_stays_then_window_missed():
    record = run(FakeUnit("m1", switches=False), window_s=0.2)
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0604")


def stream_bytes():
    """How many bytes a clean burn sends."""
    unit = FakeUnit("m1")
    assert run(unit).is_pass
    return unit.received


def test_cable_when_out_at_any_byte_then_recorded_and_the_next_try_completes():
    """Port loss in the ROM, in the loaders, while erasing, writing, verifying; re-powering continues."""
    total = stream_bytes()
    for cut_at in [1, 30, 200, 700, *range(400, total, 90), total - 1]:
        unit = FakeUnit("m1", cut_at=cut_at)
        record = run(unit, boot_limit_s=1.0)
        in_reset = cut_at > total - 16  # everything was written: the module did not come back
        assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602" if in_reset else "ML-E0601"), cut_at
        again = run(unit)
        assert again.outcome == "PASS", (cut_at, again.error_message)
        assert again.tries == 2
        assert unit.imei == "868888777766665"


def torn_at_nv():
    """A try whose power goes while NV is written; the unit is left with damaged NV and no boot code."""
    unit = FakeUnit("m1", cut_at=None)
    unit.module.instead[3, 4] = b""  # FDL2, AP, PS, then NV: silence at its END

    def cut():
        unit.module.nv = b"\xff" * 0x100 + unit.module.nv[0x100:]

    async def go():
        await unit.power_on()
        job = asyncio.create_task(burn.run_job("auto", order()))
        await unit.wait_ends(4)
        cut()
        await unit.power_off()
        return await job

    first = asyncio.run(go())
    assert first.error_code == "ML-E0601"
    assert first.steps["burn.NV"] == -1.0
    unit.module.flash[:4] = b"\xff" * 4
    return unit, first


def test_nv_when_torn_by_a_power_cut_then_the_next_try_ends_and_names_the_saved_block():
    """A USB place does not prove that it is the same unit."""
    unit, first = torn_at_nv()
    erases = unit.module.counts.get(("bsl", 0x0A), 0)
    second = run(unit)
    assert (second.outcome, second.error_code) == ("FAIL", "ML-E0908")
    assert second.error_facts["saved"] == first.nv_file
    assert second.error_facts["imei"] == "868888777766665"
    assert second.imei == ""
    assert unit.module.counts.get(("bsl", 0x0A), 0) == erases
    assert unit.module.was_reset  # it is let go, not left in its loader


def test_nv_when_damaged_on_a_module_that_boots_then_it_runs_again_and_the_next_try_needs_no_re_powering():
    unit = FakeUnit("m1")
    assert run(unit).is_pass
    unit.module.nv = b"\xff" * 0x200

    async def go():
        await unit.power_on()
        first = await burn.run_job("auto", order())
        second = await burn.run_job("auto", order(restore_nv=choose("868888777766665"), ask_limit_s=10.0))
        await unit.power_off()
        return first, second

    first, second = asyncio.run(go())
    assert first.error_code == "ML-E0908"
    assert second.is_pass, second.error_message
    assert unit.imei == "868888777766665"


def test_nv_when_torn_and_somebody_names_the_saved_block_then_its_imei_is_back():
    unit, first = torn_at_nv()
    assert run(unit).error_code == "ML-E0908"
    for wanted in ("last", first.nv_file, "868888777766665"):
        assert choose(wanted, unit.place).path == first.nv_file
    third = run(unit, restore_nv=choose("last", unit.place))
    assert third.is_pass, third.error_message
    assert (unit.imei, third.imei, third.imei_from) == ("868888777766665", "868888777766665", "after")


def test_nv_when_a_second_damaged_unit_comes_into_the_slot_then_it_never_gets_the_first_ones_imei():
    torn_at_nv()
    second = FakeUnit("m1", imei="861111222233334")
    second.module.nv = b"\xff" * 0x100 + second.module.nv[0x100:]
    second.module.flash[:4] = b"\xff" * 4
    record = run(second)
    assert record.error_code == "ML-E0908"
    assert record.imei == ""
    assert b"\x8a\x86\x88" not in second.module.nv


def test_nv_when_another_units_block_is_named_then_refused_and_nothing_is_erased():
    torn_at_nv()
    second = FakeUnit("m1", imei="861111222233334")
    before = bytes(second.module.flash)
    record = run(second, restore_nv=choose("868888777766665"))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E1503")
    assert second.imei == "861111222233334"
    assert bytes(second.module.flash) == before


def test_nv_when_damaged_but_at_tells_the_imei_then_the_units_own_block_comes_back_wherever_it_was_saved():
    first = FakeUnit("m1")
    assert run(first).is_pass
    moved = FakeUnit("m2")
    moved.told_imei, moved.module.nv = "868888777766665", b"\xff" * 0x200
    seen = []
    record = run(moved, report=seen.append)
    assert record.is_pass, record.error_message
    assert moved.imei == "868888777766665"
    assert [event.facts["imei"] for event in seen if getattr(event, "slug", "") == "burn.nv-restored"] == [moved.imei]


def test_nv_when_somebody_held_the_boot_pin_then_what_at_said_before_proves_nothing():
    first = FakeUnit("m1")
    assert run(first).is_pass
    moved = FakeUnit("m2", switches=False, refuses=True)
    moved.told_imei, moved.module.nv = "868888777766665", b"\xff" * 0x200
    tasks = []

    def hold_pin(event):
        if isinstance(event, Notice) and event.slug == "burn.hold-boot-pin" and not tasks:
            tasks.append(asyncio.ensure_future(moved.power_on(boot_pin=True)))

    record = run(moved, report=hold_pin, pin_limit_s=20.0)
    assert record.error_code == "ML-E0908", record.error_message


def test_nv_when_unreadable_then_said_and_a_loss_must_be_accepted():
    unit = FakeUnit("m1")
    unit.module.flash[:4] = b"\xff" * 4
    unit.module.instead[6, 1] = frame(0x84)
    record = run(unit)
    assert record.error_code == "ML-E0908"
    assert "not readable" in record.error_message
    unit.module.instead[6, 2] = frame(0x84)
    assert run(unit, accepts_nv_loss=True).is_pass
    assert unit.imei == IMEI_OF_THE_TEMPLATE


def test_error_when_the_loader_refuses_then_fail_with_its_code_and_facts():
    unit = FakeUnit("m1")
    unit.module.instead[3, 2] = frame(0x8B)
    record = run(unit)
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0901")
    assert record.as_json()["error_facts"]["answer"] == "0x8B verify error"
    assert record.steps["burn.AP"] == -1.0


def test_version_when_another_after_the_burn_then_wrong_version():
    record = run(FakeUnit("m1", version_after="EC600UCNLBR01"))
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0702")
    with pytest.raises(ModulineError) as wrong:
        record.raise_error()
    assert wrong.value.exit_code == 7


def test_imei_when_another_after_the_burn_then_identity_lost():
    record = run(FakeUnit("m1", nv_after=own_nv("861111111111111")))
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0907")


def test_module_when_it_never_comes_back_then_no_answer():
    unit = FakeUnit("m1")
    unit.nv_after = unit.module.nv

    def silence(event):
        if event.where and getattr(event, "name", "") == "burn.reset":
            unit.is_silent = True

    record = run(unit, report=silence, boot_limit_s=0.5)
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602")


def test_job_when_cancelled_then_aborted_on_disk():
    unit = FakeUnit("m1")
    unit.module.instead[3, 2] = b""

    async def go():
        await unit.power_on()
        job = asyncio.create_task(burn.run_job("auto", order()))
        await unit.wait_ends(2)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await unit.power_off()

    asyncio.run(go())
    (record,) = burn.book().read()
    assert record.outcome == "ABORTED"


def test_address_when_two_modules_match_then_several():
    first, second = FakeUnit("m1"), FakeUnit("m2")

    async def go():
        await first.power_on()
        await second.power_on()
        try:
            await burn.run_job("auto", order())
        finally:
            await first.power_off()
            await second.power_off()

    with pytest.raises(SeveralModules):
        asyncio.run(go())


def test_saved_blocks_when_a_job_ran_then_no_descriptor_is_left():
    unit = FakeUnit("m1")
    run(unit)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    run(unit)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert nv.is_crc_right(unit.module.nv)
