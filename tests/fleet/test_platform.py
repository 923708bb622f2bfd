"""A fleet against the whole platform: what devices say of themselves is what the platform counts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from moduline.fleet import FleetOptions, FleetPlan, run_fleet
from moduline.fleet.behaviour import Answer, Behaviour
from ota_site import OtaSite

QUICK = Behaviour(boot_s=(0.5, 1.0), decide_s=(0.1, 0.5))


@pytest.fixture
def site(tmp_path):
    site = OtaSite(tmp_path / "ota")
    yield site
    site.stop()


def test_plan_when_a_fleet_goes_through_it_then_both_sides_count_the_same(site):
    product, ps = site.product()
    plan = site.plan(product, site.package())
    site.activate(plan)
    kinds = (
        (6.0, QUICK),
        (2.0, replace(QUICK, answer=Answer.REFUSE)),
        (2.0, replace(QUICK, flash_refused=1.0)),
        (2.0, replace(QUICK, wrong_version=1.0)),
        (1.0, replace(QUICK, boot_loops=1.0)),
        (1.0, replace(QUICK, free_flash_bytes=5000, checks_limits=False)),
    )
    port = int(str(site.addresses.mqtt).rpartition(":")[2])
    options = FleetOptions("127.0.0.1", 40, product["pk"], ps, port, limit_s=100.0, is_until_done=True)
    summary = asyncio.run(run_fleet(FleetPlan(kinds, seed=3, time_scale=30.0, rate=500.0), options))
    ends = summary.devices_by_outcome
    assert summary.is_done
    assert sum(ends.values()) == 40
    assert set(summary.tally.reasons) == {"user", "flash-refused", "wrong-version", "old-version", "space"}
    wanted = {"upgraded": ends["upgraded"], "failed": ends["failed"], "not_upgraded": ends["refused"]}
    site.until(lambda: site.counters(plan) == wanted)
    reasons = {}
    for upgrade in site.upgrades(plan).values():
        if upgrade["reason"] is not None:
            code = upgrade["reason"]["code"]
            reasons[code] = reasons.get(code, 0) + 1
    counted = summary.tally.reasons
    assert reasons[110] == counted["user"]
    assert reasons[240] == counted["flash-refused"]
    assert reasons[250] == counted["wrong-version"]
    assert reasons[252] == counted["old-version"]
    assert reasons[202] == counted["space"]
    assert site.notices == []


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(3))
def test_plan_when_a_fleet_has_every_misfortune_then_nothing_is_stuck_and_both_sides_agree(site, seed):
    """Power cuts between any two messages, broken downloads, crashes: the clock of the platform goes along."""
    product, ps = site.product()
    plan = site.plan(product, site.package())
    site.activate(plan)
    wild = replace(
        QUICK,
        flaky=0.15,
        digest_errors=0.1,
        flash_refused=0.1,
        boot_loops=0.1,
        wrong_version=0.1,
        power_loss=0.05,
        flash_power_loss=0.1,
        off_s=(1.0, 20.0),
        duplicates=0.1,
        asks_every_s=300.0,
    )
    port = int(str(site.addresses.mqtt).rpartition(":")[2])
    options = FleetOptions("127.0.0.1", 60, product["pk"], ps, port, limit_s=240.0)

    async def lives():
        stop = asyncio.Event()
        run = asyncio.create_task(run_fleet(FleetPlan(((1.0, wild),), seed=seed, time_scale=20.0), options, stop=stop))
        while not run.done():
            await asyncio.to_thread(site.turn, 10.0)
            counters = await asyncio.to_thread(site.counters, plan)
            if set(counters) <= {"upgraded", "failed"} and sum(counters.values()) == 60:
                stop.set()
            await asyncio.sleep(0.5)
        return await run

    summary = asyncio.run(lives())
    counters = site.counters(plan)
    assert set(counters) <= {"upgraded", "failed"}
    assert sum(counters.values()) == 60
    assert summary.versions.get("V2", 0) >= counters["upgraded"]
    assert all(one["reason"] for one in site.upgrades(plan).values() if one["status_name"] == "failed")
    assert site.notices == []
