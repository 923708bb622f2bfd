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
