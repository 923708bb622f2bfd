"""Which plan a device is offered, and the one reason it waits for.  Source: ota-semantics 6, 9."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Strategy
from moduline.cloud.plans.rules import (
    Device,
    DeviceStatus,
    LivePlan,
    Match,
    Standing,
    Trigger,
    Versions,
    Wait,
    choose,
    closed_list_size,
    in_scope,
    judge,
    judge_all,
)
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.zone import Window, is_open, to_utc
from moduline.cloud.reasons import Reason

MODULE, MCU = ComponentType.MODULE, ComponentType.MCU
ZONE = "Asia/Shanghai"
MOD = PlanComponent("mod", MODULE, (Release(1, "V2", 30000),))
PUMP = PlanComponent("pump", MCU, (Release(2, "2.0", 100),))
DELTA = PlanComponent("mod", MODULE, (Release(3, "V2", 100, source="V1"),))
PLAN = Plan("spring", 1, ZONE, "2026-01-01T00:00", "2026-12-31T00:00", (MOD,))
NOON = to_utc("2026-06-01T12:00", ZONE)
DEVICE = Device("860000000000001", 1, versions=Versions("V1", {"pump": "1.0"}))
GRID, REQUEST, CONFIRMED = Trigger


def live(plan=PLAN, state=PlanState.RUNNING, plan_id=1, activated=0.0, **more):
    return LivePlan(plan_id, plan, state, activated, **more)


def reason(plan=PLAN, device=DEVICE, standing=None, trigger=GRID, now=NOON, state=PlanState.RUNNING, **of_plan):
    found = judge(live(replace(plan, **of_plan), state), device, standing or Standing(), trigger, now)
    return None if isinstance(found, Match) else (int(found.reason), found.component)


def test_device_when_all_holds_then_offered_with_its_versions():
    found = judge(live(), DEVICE, Standing(), GRID, NOON)
    (only,) = found.items
    assert (only.component, only.source, only.release.target, only.release.artifact_id) == ("mod", "V1", "V2", 1)


# ---- conditions 1 to 7, each alone ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"state": PlanState.SCHEDULED}, 107),
        ({"state": PlanState.SUSPENDED}, 107),
        ({"state": PlanState.ENDED}, 261),
        ({"state": PlanState.TERMINATED}, 262),
        ({"now": to_utc("2025-12-31T23:59", ZONE)}, 108),
        ({"now": to_utc("2026-12-31T00:00", ZONE)}, 261),
        ({"device": replace(DEVICE, product_id=2)}, 111),
        ({"black": frozenset({DEVICE.dk})}, 111),
        ({"has_white_list": True}, 111),
        ({"filter": parse_filter("tag==pilot")}, 111),
        ({"device": replace(DEVICE, is_enabled=False)}, 112),
        ({"device": replace(DEVICE, is_online=False)}, 100),
        ({"device": replace(DEVICE, busy_plan=9)}, 106),
        ({"device": replace(DEVICE, is_verifying=True)}, 115),
        ({"standing": Standing(is_open=True)}, 116),
        ({"device": replace(DEVICE, versions=Versions())}, 104),
        ({"device": replace(DEVICE, versions=Versions("V2"))}, 113),
        ({"components": (DELTA,), "device": replace(DEVICE, versions=Versions("V0"))}, 105),
        ({"windows": (Window(1, 4),)}, 101),
        ({"standing": Standing(group=1)}, 102),
        ({"standing": Standing(refused_at=NOON - 3599)}, 110),
        ({"standing": Standing(DeviceStatus.FAILED, attempts=1, failed_at=NOON - 9999)}, 114),
        ({"standing": Standing(DeviceStatus.UPGRADED)}, 113),
        ({"standing": Standing(DeviceStatus.NO_UPDATE)}, 113),
        ({"is_silent": False}, 103),
    ],
)
def test_device_when_one_condition_fails_then_waits_for_exactly_that_reason(given, expected):
    assert reason(**given)[0] == expected


def test_refusal_when_an_hour_has_passed_then_offered_again():
    assert reason(standing=Standing(refused_at=NOON - 3600)) is None


# ---- scope ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("white", "black", "is_in"),
    [(None, (), True), (None, ("d",), False), (("d",), (), True), (("e",), (), False), (("d",), ("d",), False), (("d",), ("e",), True), ((), (), False)],
)  # fmt: skip
def test_scope_when_lists_meet_then_black_wins(white, black, is_in):
    plan = replace(PLAN, white=frozenset(white or ()), has_white_list=white is not None, black=frozenset(black))
    assert in_scope(plan, replace(DEVICE, dk="d")) is is_in
    assert closed_list_size(plan) == (None if white is None else len(set(white) - set(black)))


def test_filter_when_of_a_plan_then_over_names_of_the_device():
    plan = replace(PLAN, filter=parse_filter("attr.site==Berlin;tag==pilot"))
    assert in_scope(plan, replace(DEVICE, names={"attr.site": ("Berlin",), "tag": ("pilot", "x")}))
    assert not in_scope(plan, replace(DEVICE, names={"tag": ("pilot",)}))


# ---- windows and triggers -------------------------------------------------------------------------------------------


def test_window_when_closed_then_a_push_waits_and_a_request_does_not():
    plan = replace(PLAN, windows=(Window(1, 4),))
    assert reason(plan) == (101, "")
    assert reason(plan, trigger=REQUEST) is None
    assert reason(plan, now=to_utc("2026-06-01T01:00", ZONE)) is None
    found = judge(live(plan), DEVICE, Standing(), GRID, NOON)
    assert found.until == to_utc("2026-06-02T01:00", ZONE)


def test_window_when_strict_then_holds_a_request_too():
    plan = replace(PLAN, windows=(Window(1, 4),), is_windows_strict=True)
    assert reason(plan, trigger=REQUEST) == (101, "")


def test_user_when_they_asked_for_it_now_then_no_window_holds_it():
    plan = replace(
        PLAN, windows=(Window(1, 4),), is_windows_strict=True, is_silent=False, texts={"zh": "升", "en": "U"}
    )
    assert reason(plan, trigger=CONFIRMED) == (103, "")
    assert reason(plan, standing=Standing(is_confirmed=True)) == (101, "")
    assert reason(plan, standing=Standing(is_confirmed=True), trigger=CONFIRMED) is None
    assert reason(plan, standing=Standing(is_confirmed=True, is_now=True)) is None


@settings(deadline=None)
@given(
    st.lists(st.builds(Window, st.integers(0, 23), st.integers(0, 24)), min_size=1, max_size=3).map(tuple),
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "UTC"]),
    st.floats(0, 364 * 86400.0),
)
def test_push_when_at_any_time_of_any_zone_then_only_inside_a_window(windows, zone, after):
    """Invariant 4."""
    plan = replace(PLAN, zone=zone, windows=windows)
    now = plan.start_at + min(after, plan.end_at - plan.start_at - 1)
    found = judge(live(plan), DEVICE, Standing(), GRID, now)
    assert isinstance(found, Match) is is_open(windows, zone, now)
    if isinstance(found, Wait):
        assert found.reason is Reason.OUTSIDE_WINDOW
        assert found.until is None or is_open(windows, zone, found.until)


# ---- components -----------------------------------------------------------------------------------------------------


def test_components_when_several_then_offered_in_order_with_the_module_last():
    found = judge(live(replace(PLAN, components=(MOD, PUMP))), DEVICE, Standing(), GRID, NOON)
    assert [(one.sort, one.component) for one in found.items] == [(0, "pump"), (1, "mod")]


def test_components_when_one_is_at_the_target_then_only_the_other_is_offered():
    device = replace(DEVICE, versions=Versions("V1", {"pump": "2.0"}))
    found = judge(live(replace(PLAN, components=(MOD, PUMP))), device, Standing(), GRID, NOON)
    assert [one.component for one in found.items] == ["mod"]


def test_components_when_one_cannot_be_judged_then_none_is_offered_and_it_is_named():
    """The vendor's cause number one of "no upgrade": an MCU without a reported version."""
    device = replace(DEVICE, versions=Versions("V1"))
    assert reason(components=(MOD, PUMP), device=device) == (104, "pump")
    assert reason(components=(DELTA,), device=replace(DEVICE, versions=Versions("V9"))) == (105, "mod")


def test_module_when_the_plan_calls_it_anything_then_its_one_version_counts():
    fw = PlanComponent("whatever", MODULE, (Release(1, "V2"),))
    assert reason(components=(fw,)) is None
    assert Versions("V1", {"mod": "9"}).of(MCU, "mod") == "9"
    assert Versions("", {"a": ""}).of(MODULE, "x") is None
    assert Versions("", {"a": ""}).of(MCU, "a") is None


def test_versions_when_a_newer_report_names_some_then_the_others_stay():
    found = Versions("V1", {"a": "1", "b": "1"}).merged(Versions(None, {"b": "2"}))
    assert (found.module, dict(found.mcu)) == ("V1", {"a": "1", "b": "2"})


# ---- retry rule -----------------------------------------------------------------------------------------------------

FAILED = Standing(DeviceStatus.FAILED, attempts=1, failed_at=NOON - 600, failed_versions={"mod": "V1"})


def test_retry_when_attempts_are_left_and_the_interval_has_passed_then_offered():
    plan = replace(PLAN, strategy=Strategy(retries=1, retry_interval_min=10))
    assert reason(plan, standing=FAILED) is None
    assert reason(plan, standing=replace(FAILED, failed_at=NOON - 599)) == (109, "")
    assert judge(live(plan), DEVICE, replace(FAILED, failed_at=NOON - 599), GRID, NOON).until == NOON + 1
    assert reason(plan, standing=replace(FAILED, attempts=2)) == (114, "")
    assert reason(replace(PLAN, strategy=Strategy(retries=5, retry_interval_min=0)), standing=replace(FAILED, attempts=5, failed_at=NOON)) is None  # fmt: skip


def test_retry_when_the_version_is_not_the_source_any_more_then_not_offered():
    plan = replace(PLAN, strategy=Strategy(retries=1))
    device = replace(DEVICE, versions=Versions("V1b"))
    assert reason(plan, device, standing=FAILED) == (105, "mod")


def test_retry_when_the_plan_asks_users_then_only_through_the_interface():
    plan = replace(PLAN, strategy=Strategy(retries=5), is_silent=False, texts={"zh": "升", "en": "U"})
    assert reason(plan, standing=replace(FAILED, is_confirmed=True)) == (114, "")


def test_retry_when_offline_then_at_the_next_connection():
    plan = replace(PLAN, strategy=Strategy(retries=1))
    assert reason(plan, replace(DEVICE, is_online=False), standing=FAILED) == (100, "")


# ---- strategy held by the platform ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("values", "expected"), [({"battery": 29}, 200), ({"signal_dbm": -114}, 201), ({"free_bytes": 29999}, 202), ({"battery": 30, "signal_dbm": -113, "free_bytes": 30000}, None), ({}, None)])  # fmt: skip
def test_status_values_when_fresh_and_asked_for_then_hold_the_offer(values, expected):
    strategy = Strategy(min_battery=30, min_signal_dbm=-113, holds_on_status=True)
    device = replace(DEVICE, facts_at=NOON - 600, **values)
    found = reason(replace(PLAN, strategy=strategy), device)
    assert (found and found[0]) == expected
    assert reason(replace(PLAN, strategy=strategy), replace(device, facts_at=NOON - 601)) is None
    assert reason(replace(PLAN, strategy=replace(strategy, holds_on_status=False)), device) is None


# ---- several plans --------------------------------------------------------------------------------------------------


def test_plans_when_several_match_then_the_newest_activation_then_the_lower_number():
    plans = [live(plan_id=5, activated=10.0), live(plan_id=7, activated=20.0), live(plan_id=6, activated=20.0)]
    match, waits = judge_all([(one, Standing()) for one in plans], DEVICE, GRID, NOON)
    assert match.plan_id == 6
    assert {(one.plan_id, one.reason) for one in waits} == {(5, Reason.BUSY), (7, Reason.BUSY)}
    assert choose([]) is None


def test_plans_when_the_newest_does_not_match_then_the_next_and_every_other_has_a_reason():
    off = live(replace(PLAN, black=frozenset({DEVICE.dk})), plan_id=9, activated=99.0)
    match, waits = judge_all([(off, Standing()), (live(), Standing())], DEVICE, GRID, NOON)
    assert match.plan_id == 1
    assert [(one.plan_id, one.reason) for one in waits] == [(9, Reason.OUT_OF_SCOPE)]


devices = st.builds(
    Device,
    dk=st.sampled_from(["d", "e"]),
    product_id=st.sampled_from([1, 2]),
    is_enabled=st.booleans(),
    is_online=st.booleans(),
    versions=st.builds(Versions, st.sampled_from([None, "", "V1", "V2"]), st.dictionaries(st.just("pump"), st.sampled_from(["", "1.0", "2.0"]))),
    busy_plan=st.sampled_from([None, 4]),
    is_verifying=st.booleans(),
)  # fmt: skip
standings = st.builds(
    Standing,
    status=st.sampled_from(DeviceStatus),
    is_open=st.booleans(),
    attempts=st.integers(0, 3),
    failed_at=st.sampled_from([None, NOON - 10_000, NOON]),
    refused_at=st.sampled_from([None, NOON - 10_000, NOON]),
    group=st.integers(0, 2),
    is_confirmed=st.booleans(),
    is_now=st.booleans(),
)
plans = st.builds(
    replace,
    st.just(PLAN),
    components=st.sampled_from([(MOD,), (MOD, PUMP), (DELTA,), (PUMP,)]),
    black=st.sampled_from([frozenset(), frozenset({"d"})]),
    white=st.sampled_from([frozenset(), frozenset({"d"})]),
    has_white_list=st.booleans(),
    windows=st.sampled_from([(), (Window(1, 4),), (Window(11, 13),)]),
    is_windows_strict=st.booleans(),
    is_silent=st.booleans(),
    strategy=st.sampled_from([Strategy(), Strategy(retries=2, retry_interval_min=0)]),
)


@settings(deadline=None)
@given(plans, devices, standings, st.sampled_from(Trigger), st.sampled_from(PlanState))
def test_device_when_in_any_situation_then_offered_rightly_or_waits_with_one_reason(
    plan, device, standing, trigger, state
):
    """Invariants 2, 3 and 8: nothing to the busy, to the black-listed, or of a plan that does not run."""
    found = judge(live(plan, state), device, standing, trigger, NOON)
    if isinstance(found, Wait):
        assert found.plan_id == 1
        assert found.reason.is_waiting or found.reason in {Reason.PLAN_ENDED, Reason.TERMINATED}
        return
    assert device.busy_plan is None
    assert not device.is_verifying
    assert not standing.is_open
    assert device.dk not in plan.black
    assert device.is_online
    assert device.is_enabled
    assert state is PlanState.RUNNING
    assert found.items
    for item in found.items:
        assert item.source == device.versions.of(item.type, item.component) != item.release.target
