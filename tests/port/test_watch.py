"""Arrivals and departures of virtual modules, as a gang sees them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from moduline.port import registry
from moduline.port.registry import ModuleEntry, PortEntry
from moduline.port.watch import Watch


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path))


def port(role):
    pid = 0xA4A7 if role == "download" else 0x0901
    return PortEntry(role, f"/dev/x-{role}", 0x0525 if role == "download" else 0x2C7C, pid, "", "virt-bench-1")


RUNNING = ModuleEntry("m1", "bench", "EC600U", "861234567890123", "A1", "running", (port("at"), port("repl")))
DOWNLOAD = replace(RUNNING, state="download", ports=(port("download"),))
OFF = replace(RUNNING, state="off", ports=())


def test_module_when_it_switches_then_its_place_stays_and_its_identity_is_unseen():
    """In download mode a real module tells neither model nor IMEI."""

    async def run():
        registry.publish(RUNNING)
        async with Watch(has_real=False) as watch:
            assert watch.arrivals("virt-bench-1") == 1
            found = await watch.wait_for("virt-bench-1", ["at"], 1)
            assert found.imei == "861234567890123"
            registry.publish(DOWNLOAD)
            found = await watch.wait_for("virt-bench-1", ["download"], 5)
            assert (found.role, found.imei, found.model, found.slot) == ("download", "", "", "A1")
            assert await watch.wait_gone("virt-bench-1", "at", 5)
            assert watch.arrivals("virt-bench-1") == 1
            registry.publish(OFF)
            assert await watch.wait_gone("virt-bench-1", "download", 5)
            registry.publish(RUNNING)
            await watch.wait_for("virt-bench-1", ["at"], 5)
            assert watch.arrivals("virt-bench-1") == 2

    asyncio.run(run())


def test_port_when_it_does_not_come_then_none():
    async def run():
        async with Watch(has_real=False) as watch:
            assert await watch.wait_for("nowhere", ["at"], 0.05) is None

    asyncio.run(run())


def test_changes_when_listened_to_then_first_what_is_there_then_what_happens():
    async def run():
        registry.publish(RUNNING)
        seen = []
        async with Watch(has_real=False) as watch:
            changes = watch.changes()
            seen += [await anext(changes), await anext(changes)]
            registry.publish(replace(RUNNING, state="booting"))
            registry.publish(OFF)
            seen += [await anext(changes), await anext(changes)]
            await changes.aclose()
        return [(change.kind, change.port.role) for change in seen]

    assert asyncio.run(run()) == [("arrived", "at"), ("arrived", "repl"), ("left", "at"), ("left", "repl")]


def test_rack_when_named_then_others_are_not_seen():
    async def run():
        registry.publish(RUNNING)
        registry.publish(replace(RUNNING, rack="other", name="m9"))
        async with Watch("other", has_real=False) as watch:
            return {found.name for found in watch.ports}

    assert asyncio.run(run()) == {"m9"}
