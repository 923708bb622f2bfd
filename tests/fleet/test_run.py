"""A fleet against the real gateway."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from fleet_rig import Upgrading, offer, place
from moduline.fleet import FleetPlan, run_fleet
from moduline.fleet.behaviour import Answer, Behaviour

QUICK = Behaviour(boot_s=(0.5, 1.0), decide_s=(0.1, 0.5))
FAST = FleetPlan(((1.0, QUICK),), seed=7, time_scale=50.0, rate=2000.0)
CLEAN = [1, 2, 4, 5, 8, 9, 11]


def plan_of(**behaviour):
    return replace(FAST, kinds=((1.0, replace(QUICK, **behaviour)),))


async def lived(plan, count, *, answer=None, platform=None, **options):
    async with place(answer, platform) as here:
        return await run_fleet(plan, here.options(count, **options)), here


def test_fleet_when_two_hundred_are_offered_an_upgrade_then_all_end_with_it():
    summary, here = asyncio.run(lived(FAST, 200))
    assert summary.is_done
    assert summary.versions == {"V2": 200}
    assert summary.devices_by_outcome == {"upgraded": 200}
    assert summary.tally.connections == 400  # first contact, and after the reboot
    assert len(here.platform.heard) == 200
    assert set(map(tuple, here.platform.heard.values())) == {tuple(CLEAN)}


def test_fleet_when_users_refuse_then_says_3_and_nothing_more():
    summary, here = asyncio.run(lived(plan_of(answer=Answer.REFUSE), 5))
    assert summary.devices_by_outcome == {"refused": 5}
    assert summary.tally.reasons == {"user": 5}
    assert set(map(tuple, here.platform.heard.values())) == {(1, 3)}
    assert not here.files.requests


def test_fleet_when_the_plan_asks_for_more_battery_then_refuses():
    platform = Upgrading(say=lambda: offer(battery_percent=90))
    summary, _ = asyncio.run(lived(plan_of(battery=(10, 80)), 5, platform=platform))
    assert summary.tally.reasons == {"battery": 5}
