"""The 8850's burner and its virtual ROM and loader, two programs over real pseudo-terminals: neither knows the other.

Our package -> our driver -> the virtual EC600G; what its flash holds afterwards is compared byte for byte.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from functools import cache

import pytest

from burn.module_rack import ModuleRack
from moduline import burn
from moduline.burn.plan import Action
from moduline.events import Notice, Progress
from moduline.image import FileTree, make_image, open_image
from moduline.package import merge, read_package, write_package
from moduline.package.parts import SCRIPT_ROLES
from moduline.port import registry
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from samples import sample

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
RIG = ModuleRack("e2e8850", "ec600g", "g", pin_limit_s=0.5)
RACK = RIG.name
do, flash_of = RIG.do, RIG.flash_of
MODULE = "ec600g"
FLASH = 0x60000000


FILES = {"main.py": b"print('burnt')\n", "lib/测试.py": b"x = 1\n" * 3000}


@cache
def production():
    """The stock package with scripts in both areas, in the module's own file system."""
    stock = read_package(stock_package(MODULE), "stock.pac")
    fs = catalog.module(MODULE).fs
    trees = {"user_fs": FileTree.of(FILES), "backup_fs": FileTree.of({"saved.py": b"y = 2\n"})}
    images = {role: make_image(tree, fs.geometry(stock.area(role).size)) for role, tree in trees.items()}
    return write_package(merge(stock, images))


@pytest.fixture
def rack(tmp_path):
    with RIG.in_folder(tmp_path) as up:
        yield up


def order(package=None, **options):
    return RIG.order(package or production(), **options)


def repower(name):
    do("power", name, action="off")
    do("power", name, action="on")


def burn_one(name="g1", ordered=None, events=None, **options):
    report = (lambda event: None) if events is None else events.append
    return asyncio.run(burn.run_job(f"virt:{name}", ordered or order(**options), report=report))


def assert_same(name, *, has_booted=True):
    """Every image of the package lies in the flash, byte for byte; a booted module has mounted its file systems."""
    flash = flash_of(name)
    compared = set()
    for part in read_package(production()).parts:
        if part.kind != "code" or not part.data:
            continue
        at = part.address - FLASH
        have = flash[at : at + len(part.data)]
        if has_booted and part.role in SCRIPT_ROLES:
            theirs, ours = (open_image(image).tree.files() for image in (have, part.data))
            assert {path: theirs.get(path) for path in ours} == ours, (name, part.name)
        else:
            assert have == part.data, (name, part.name)
        compared.add(part.name)
    assert compared == {"BOOT", "AP", "SPL", "PY_FS_U", "PY_FS_B"}


def test_burn_when_over_ptys_then_pass_and_the_flash_is_the_package(rack):
    rack(1)
    (before,) = registry.modules(RACK)
    record = burn_one(verify="all")
    assert record.outcome == "PASS", record.error_message
    assert record.imei == before.imei
    assert record.imei_from == "after"
    assert record.version_after == order().plan.version
    assert record.nv_file
    assert_same("g1")


def test_flash_when_the_module_has_not_booted_yet_then_every_byte_is_the_packages(rack):
    """Its power goes at the reset, so nobody has mounted the file systems."""
    rack(1)
    do("fault", "g1", spec="cut@boot")
    ordered = replace(order(), is_checked=False)
    assert burn_one(ordered=ordered).outcome == "PASS"
    assert_same("g1", has_booted=False)


@pytest.mark.parametrize("packet", [0x210, 0x3000])
def test_packets_when_of_other_sizes_then_the_same_flash(rack, packet):
    rack(1)
    assert burn_one(packet_bytes=packet, verify="device").outcome == "PASS"
    assert_same("g1")


@pytest.mark.parametrize("fault", ["fragment", "log-frames", "reenumerate@exec", "bad-check-answered"])
def test_module_when_it_has_its_oddities_then_pass(rack, fault):
    rack(1)
    do("fault", "g1", spec=fault)
    record = burn_one(verify="device")
    assert record.outcome == "PASS", record.error_message
    assert_same("g1")


def test_baud_when_chosen_then_the_burn_goes_on_at_it(rack):
    """A pseudo-terminal ignores the rate as USB does; that both ends agree on the messages is what shows here."""
    rack(1)
    record = burn_one(baud=921600, only="scripts")
    assert record.outcome == "PASS", record.error_message


@pytest.mark.parametrize("fault", ["unplug@download", "cut@download"])
def test_burn_when_interrupted_at_sampled_bytes_then_recorded_and_completed_after_re_powering(rack, fault):
    """S0: the burn failed or ended unexpectedly; powering the module again continues it."""
    rack(1)
    total = order().plan.write_bytes
    imei = registry.modules(RACK)[0].imei
    for share in (0.2, 12, 55, 99):
        do("fault", "g1", spec=f"{fault}:{int(total * share / 100)}")
        record = burn_one()
        assert (record.outcome, record.error_code) == ("FAIL", "ML-E0601"), (share, record.error_message)
        repower("g1")
        again = burn_one()
        assert again.outcome == "PASS", (share, again.error_message)
        assert again.imei == imei
    assert_same("g1")


@pytest.mark.sweep
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("fault", ["unplug@download", "cut@download"])
def test_burn_when_interrupted_around_every_part_then_completed_after_re_powering(rack, fault):
    rack(1)
    at, places = 0, set()
    for action in order().plan.actions:
        places |= {at + 1, at + len(action.data) // 2, at + len(action.data) - 1} if action.data else set()
        at += len(action.data)
    for place in sorted(places):
        do("fault", "g1", spec=f"{fault}:{place}")
        assert burn_one().outcome == "FAIL", place
        repower("g1")
        again = burn_one()
        assert again.outcome == "PASS", (place, again.error_message)
        assert_same("g1")


def stop_at(share):
    """A burn whose host is stopped as soon as more than that share of the content is acknowledged."""

    async def run():
        job = None

        def report(event):
            if isinstance(event, Progress) and event.done_bytes > share * event.total_bytes:
                job.cancel()

        job = asyncio.ensure_future(burn.run_job("virt:g1", order(), report=report))
        with pytest.raises(asyncio.CancelledError):
            await job

    asyncio.run(run())


def test_burn_when_the_host_stopped_while_the_rom_was_taking_the_loader_then_the_next_one_finds_it(rack):
    """A ROM that was greeted ignores flags and complains about the loader's check; this one takes START after CONNECT.

    One that refuses it needs re-powering: see the fake of ``test_unisoc8850_session``.
    """
    rack(1)
    stop_at(0.001)
    events = []
    record = burn_one(events=events)
    assert record.outcome == "PASS", record.error_message
    assert "burn.loader-runs" not in {event.slug for event in events if isinstance(event, Notice)}
    assert_same("g1")


def test_burn_when_the_host_stopped_half_way_then_the_running_loader_is_taken_up(rack):
    """Nobody touches the module: its loader still runs and ignores the greeting."""
    rack(1)
    imei = registry.modules(RACK)[0].imei
    for share in (0.3, 0.8):
        stop_at(share)
        events = []
        record = burn_one(events=events)
        assert record.outcome == "PASS", record.error_message
        assert "burn.loader-runs" in {event.slug for event in events if isinstance(event, Notice)}
        assert record.imei == imei
        assert_same("g1")


def test_part_when_its_verify_fails_then_said_so_and_the_module_is_recoverable(rack):
    rack(1)
    do("fault", "g1", spec="verify-error@AP")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0901")
    assert record.as_json()["error_facts"]["part"] == "AP"
    do("fault", "g1", spec="clear")
    repower("g1")
    assert burn_one().outcome == "PASS"


@pytest.mark.parametrize("other", ["ec800g", "ec600u"])
def test_package_when_of_another_model_then_refused_and_the_module_still_runs(rack, other):
    rack(1)
    record = burn_one(ordered=order(stock_package(other)))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701"), record.error_message
    assert registry.modules(RACK)[0].state == "running"


def test_package_when_the_loader_knows_another_model_then_refused_before_anything_is_changed(rack):
    rack(1)
    do("fault", "g1", spec="wrong-model")
    do("power", "g1", action="boot-pin")
    before = flash_of("g1")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701"), record.error_message
    assert flash_of("g1") == before


def test_package_when_it_reaches_beyond_the_flash_then_refused_before_anything_is_changed(rack):
    rack(1)
    do("power", "g1", action="boot-pin")
    before = flash_of("g1")
    wide = order()
    far = Action("write", "FAR", "", 0x60900000, 4096, data=b"\0" * 4096)
    record = burn_one(ordered=replace(wide, plan=replace(wide.plan, actions=(*wide.plan.actions, far))))
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E0701"), record.error_message
    assert flash_of("g1") == before


def test_scripts_when_only_they_are_burnt_then_the_rest_is_not_touched(rack):
    rack(1)
    before = flash_of("g1")
    record = burn_one(only="scripts")
    assert record.outcome == "PASS", record.error_message
    assert not record.nv_file
    after = flash_of("g1")
    assert after[:0x3A1000] == before[:0x3A1000]
    assert_same("g1")


def test_download_port_when_silent_then_no_answer_and_recoverable(rack):
    rack(1)
    do("fault", "g1", spec="silent")
    record = burn_one()
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0602")
    do("fault", "g1", spec="clear")
    repower("g1")
    assert burn_one().outcome == "PASS"


def test_at_when_silent_then_window_missed_and_with_the_pin_it_burns(rack):
    rack(1)
    do("fault", "g1", spec="at-silent")
    assert burn_one().error_code == "ML-E0604"
    do("fault", "g1", spec="clear")
    do("power", "g1", action="boot-pin")
    assert burn_one().outcome == "PASS"


def test_gang_of_eight_when_one_loses_its_power_and_one_its_cable_then_eight_pass(rack):
    """Whoever watches the records re-powers what failed; the others are not disturbed."""
    rack(8)
    half = order().plan.write_bytes // 2
    RIG.burn_eight(order(), {"g4": f"cut@download:{half}", "g6": f"unplug@download:{half}"}, repower)
    for n in range(1, 9):
        assert_same(f"g{n}")


@pytest.mark.parametrize("name", ["EC600GCN_LD__8850XM_cat1_open_merge.pac"])
def test_package_when_a_real_one_then_every_byte_of_it_arrives(rack, name):
    """The vendor's own package: real images, archives of 2 MB, NV template with a stale check."""
    package = sample(f"unisoc/{name}").read_bytes()
    rack(1)
    imei = registry.modules(RACK)[0].imei
    do("power", "g1", action="boot-pin")
    do("fault", "g1", spec="cut@boot")
    events = []
    ordered = replace(order(package, verify="all", force=True), is_checked=False)
    record = burn_one(ordered=ordered, events=events)
    assert record.outcome == "PASS", record.error_message
    assert record.imei == imei
    flash = flash_of("g1")
    for part in read_package(package).parts:
        if part.kind == "code" and part.address < 0x70000000:
            at = part.address - FLASH
            assert flash[at : at + len(part.data)] == part.data, part.name
    kept = next(event for event in events if isinstance(event, Notice) and event.slug == "burn.nv-kept")
    assert 5 in kept.facts["items"]
