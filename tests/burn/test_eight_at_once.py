"""Eight modules at once over pseudo-terminals, each with another fault, for every chip: in the end each is the package.

The power is cut at the first boot after the burn, so that what is compared is what was burnt, file systems included.
"""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from moduline import burn
from moduline.line import GangOptions, run_gang
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client
from step_bench import CHIPS, images_of, plan_of

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(400),
]
RACK = "eight"
NAMES = [f"m{n}" for n in range(1, 9)]
HANDS_S = 0.5
"""A gap that is longer than the bounce of contacts."""
HARMLESS = {"m1", "m4", "m5"}
"""Whose fault no burn may fail of."""
EVERY_TIME = {"unisoc8850", "asr1606"}
"""One with a loader that reads back and one that does not; the others are in the sweeps, and each chip has a gang of
eight in its own end-to-end tests. asr1603 and asr1601: a frame lost by a flipped bit costs a minute of waiting."""


def faults_of(chip):
    """One for each of the eight."""
    plan = plan_of(chip)
    verified = next(action for action in plan.actions if action.verb == "write" and action.role == "system")
    size = plan.write_bytes
    return {
        "m1": "",
        "m2": f"cut@download:{size * 3 // 10}",
        "m3": f"unplug@download:{size * 6 // 10}",
        "m4": "fragment",
        "m5": "log-frames",
        "m6": "greet-anew" if chip == "asr1606" else "flip@download:1/2000:7",
        "m7": f"verify-error@{verified.target or verified.part}",
        "m8": "silent",
    }


def do(what, name, **facts):
    rack_client.ask(RACK, what, 60.0, name=name, **facts)


def hold_pin(name, fault=""):
    """Somebody takes it out, and puts it in again with the boot pin held; its next boot ends in darkness."""
    do("fault", name, spec="clear")
    do("power", name, action="off")
    time.sleep(HANDS_S)
    do("power", name, action="boot-pin")
    for word in filter(None, ("cut@boot", fault)):
        do("fault", name, spec=word)


@pytest.fixture
def rack(tmp_path):
    """``rack(chip)`` brings eight modules into download mode, each with its fault; gives their IMEIs."""
    folder = tmp_path / "测试 目录 (1)"
    folder.mkdir()

    def up(chip):
        row = CHIPS[chip]
        file = folder / "stock"
        file.write_bytes(stock_package(row.module))
        rack_client.start(RACK)
        wanted = [
            {"name": name, "module": row.module, "number": n, "package": str(file)} for n, name in enumerate(NAMES, 1)
        ]
        rack_client.ask(RACK, "add", 120.0, modules=wanted)
        imeis = {one.name: one.imei for one in registry.modules(RACK)}
        for name, fault in faults_of(chip).items():
            hold_pin(name, fault)
        return imeis

    yield up
    rack_client.ask(RACK, "down", 60.0)


@pytest.mark.parametrize(
    "chip", [chip if chip in EVERY_TIME else pytest.param(chip, marks=pytest.mark.sweep) for chip in CHIPS]
)
def test_eight_when_each_has_another_fault_then_all_are_the_package_in_the_end(rack, chip):
    imeis = rack(chip)
    assert len(set(imeis.values())) == 8
    row = CHIPS[chip]
    job = burn.make_order(
        stock_package(row.module), "stock", is_checked=False, ask_limit_s=2.0, pin_limit_s=30.0, **dict(row.plan)
    )
    slots = {f"A{n}": name for n, name in enumerate(NAMES, 1)}

    def on_record(record):
        if not record.is_pass:
            asyncio.get_running_loop().run_in_executor(None, hold_pin, slots[record.slot])

    records = asyncio.run(run_gang(job, RACK, GangOptions(count=8, patience_s=60.0), on_record=on_record))
    failed = {}
    for record in (one for one in records if not one.is_pass):
        failed.setdefault(slots[record.slot], record.error_code)  # the first; a loaded computer may add one
    assert sorted(slots[record.slot] for record in records if record.is_pass) == NAMES
    assert set(failed) <= set(NAMES) - HARMLESS
    assert failed.items() >= {"m2": "ML-E0601", "m3": "ML-E0601", "m7": "ML-E0901", "m8": "ML-E0602"}.items()
    for name in NAMES:
        flash = (registry.rack_folder(RACK) / name / "flash.bin").read_bytes()
        for at, data in images_of(chip):
            assert flash[at : at + len(data)] == data, (name, f"0x{at:x}")
    for name in NAMES:
        do("fault", name, spec="clear")
        do("power", name, action="on")
    assert {one.name: one.imei for one in registry.modules(RACK)} == imeis
