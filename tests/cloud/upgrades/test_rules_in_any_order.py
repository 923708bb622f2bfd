"""Several plans and devices under any interleaving: the invariants of the reference, by a state machine.

The shell around the rules is the smallest there can be: rows in dictionaries, counters beside them. Devices say
whatever they like. Source: ota-semantics 15, invariants 1, 2, 3, 5, 7, 8 and 10.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Strategy
from moduline.cloud.plans.rules import Device, DeviceStatus, LivePlan, Standing, Trigger, Versions, judge_all
from moduline.cloud.plans.states import PlanState, PlanVerb, move, settle
from moduline.cloud.problem import Problem
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.offer import SayPlan, offered
from moduline.cloud.upgrades.reading import read
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.upgrade import Phase, UpgradeState

MODULE, MCU = ComponentType.MODULE, ComponentType.MCU
KEYS = ("a", "b", "c")
VERSIONS = ("V1", "V2", "V3")
ASKED = {"is_silent": False, "texts": {"zh": "升级", "en": "Upgrade"}}


def plan(name, *releases, **more):
    pump = PlanComponent("pump", MCU, (Release(9, "2.0"),))
    return Plan(name, 1, "UTC", "2026-01-01T00:00", "2026-01-02T00:00", (PlanComponent("mod", MODULE, releases), pump), **more)  # fmt: skip


PLANS = {
    1: plan("one", Release(1, "V2"), black=frozenset({"c"}), strategy=Strategy(retries=1, retry_interval_min=0)),
    2: plan("two", Release(2, "V2"), Release(3, "V3", source="V2"), strategy=Strategy(timeout_min=30)),
    3: plan("three", Release(4, "V3"), **ASKED),
}
START = PLANS[1].start_at

keys = st.sampled_from(KEYS)
numbers = st.sampled_from(sorted(PLANS))
modules = st.sampled_from(VERSIONS)
pumps = st.sampled_from(["1.0", "2.0"])


class Platform(RuleBasedStateMachine):
    """Rows of three devices in three plans."""

    def __init__(self):
        super().__init__()
        self.now = START - 100.0
        self.state = dict.fromkeys(PLANS, PlanState.DRAFT)
        self.versions = {key: Versions("V1", {"pump": "1.0"}) for key in KEYS}
        self.online = dict.fromkeys(KEYS, True)
        self.confirmed = set()
        self.rows = {}
        self.counters = {number: Counter() for number in PLANS}
        self.finals = {}
        self.offered_after_end = []

    # ---- the shell

    def tell(self, number, key, event):
        old = self.rows[number, key]
        new, _, says = read(old, event, self.now)
        self.rows[number, key] = new
        self.counters[number][old.status] -= 1
        self.counters[number][new.status] += 1
        for one in new.components:
            mark = (number, key, one.sort)
            if one.status.is_final and mark not in self.finals:
                if one.status is ComponentStatus.SUCCEEDED:
                    assert self.versions[key].of(one.type, one.component) == one.target  # invariant 5
                self.finals[mark] = one.status
            elif mark in self.finals and not isinstance(event, events.Retried):
                assert one.status is self.finals[mark]  # invariant 1
            if not one.status.is_final:
                self.finals.pop(mark, None)
        for say in says:
            if isinstance(say, SayPlan):
                assert key not in PLANS[number].black  # invariant 3
                assert not (self.state[number].is_final and isinstance(event, events.Offered))  # invariant 8
                self.offered_after_end += [number] if self.state[number] is PlanState.DRAFT else []

    def open_of(self, key):
        return [number for number in PLANS if (row := self.rows.get((number, key))) and row.is_open]

    def standing(self, number, key):
        row = self.rows[number, key]
        confirmed = (number, key) in self.confirmed
        attempts = row.attempt if row.status is DeviceStatus.FAILED else row.attempt - 1
        return Standing(
            row.status, row.is_open, attempts, row.failed_at, row.failed_versions, row.refused_at,
            is_confirmed=confirmed, is_now=confirmed,
        )  # fmt: skip

    def look(self, key, trigger):
        busy = self.open_of(key)
        device = Device(
            key, 1, is_online=self.online[key], versions=self.versions[key], busy_plan=busy[0] if busy else None
        )
        plans = [
            (LivePlan(number, PLANS[number], self.state[number], float(number)), self.standing(number, key))
            for number in PLANS
            if (number, key) in self.rows
        ]
        match, waits = judge_all(plans, device, trigger, self.now)
        assert len(waits) + (match is not None) == len(plans)
        if match is not None:
            if self.rows[match.plan_id, key].phase is Phase.FINAL:
                self.tell(match.plan_id, key, events.Retried())
            self.tell(match.plan_id, key, offered(PLANS[match.plan_id], match, self.versions[key]))

    def report(self, key, event, changed=None):
        if changed is not None:
            self.versions[key] = self.versions[key].merged(changed)
        opened = self.open_of(key)
        for number in PLANS:
            if (number, key) in self.rows:
                if isinstance(event, events.StatusReported):
                    mine = replace(event, is_free=not self.open_of(key))
                    if not opened or number in opened:
                        self.tell(number, key, mine)
                    elif mine.versions is not None:
                        self.tell(number, key, events.VersionsReported(mine.versions))
                else:
                    self.tell(number, key, event)

    # ---- what can happen

    @initialize(drafts=st.sets(numbers, max_size=1), wait=st.sampled_from([0.0, 101.0, 101.0, 101.0]))
    def activate(self, drafts, wait):
        for number in set(PLANS) - drafts:
            self.verb(number, PlanVerb.ACTIVATE)
        self.now += wait
        self.settle()

    @rule(number=numbers, verb=st.sampled_from(PlanVerb))
    def verb(self, number, verb):
        after = move(self.state[number], verb)
        if isinstance(after, Problem):
            return
        if self.state[number].is_activated:
            assert verb not in {PlanVerb.EDIT, PlanVerb.DELETE}  # invariant 7
        if verb.is_own and verb is not PlanVerb.STOP:
            return
        self.state[number] = after
        if verb is PlanVerb.ACTIVATE:
            for key in set(KEYS) - PLANS[number].black:
                self.rows[number, key] = UpgradeState(number, versions=self.versions[key])
                self.counters[number][DeviceStatus.NOT_UPGRADED] += 1
        self.settle()

    @rule(minutes=st.sampled_from([0.1, 0.2, 0.5, 1, 2, 11, 61]))
    def time(self, minutes):
        self.now += minutes * 60
        self.settle()
        for (number, key), row in list(self.rows.items()):
            if row.deadline is not None and row.deadline <= self.now:
                self.tell(number, key, events.TimePassed())

    def settle(self):
        for number, one in PLANS.items():
            before = self.state[number]
            self.state[number] = settle(before, self.now, one.start_at, one.end_at)
            if self.state[number].is_final:
                reason = Reason.PLAN_ENDED if self.state[number] is PlanState.ENDED else Reason.TERMINATED
                for key in KEYS:
                    if (number, key) in self.rows:
                        self.tell(number, key, events.PlanOver(reason))

    @rule()
    def grid(self):
        for key in KEYS:
            self.look(key, Trigger.GRID)

    @rule(key=keys)
    def request(self, key):
        self.report(key, events.VersionsReported(self.versions[key], is_request=True))
        self.look(key, Trigger.REQUEST)

    @rule(key=keys, number=numbers)
    def confirm(self, key, number):
        self.confirmed.add((number, key))
        self.look(key, Trigger.CONFIRMED)

    @rule(key=keys, code=st.integers(0, 13), component=st.sampled_from(["mod", "pump", "none"]))
    def code(self, key, code, component):
        kind = MCU if component == "pump" else MODULE
        self.report(key, events.StatusReported(code, kind, component))

    @rule(
        key=keys, code=st.sampled_from([11, 12]), module=modules, pump=pumps, component=st.sampled_from(["mod", "pump"])
    )
    def result(self, key, code, module, pump, component):
        told = Versions(module, {"pump": pump})
        kind = MCU if component == "pump" else MODULE
        self.report(key, events.StatusReported(code, kind, component, told), told)

    @rule(key=keys, steps=st.integers(1, 7))
    def walk(self, key, steps):
        """An honest device: some steps of the way, and at the end the version."""
        for number in self.open_of(key):
            current = self.rows[number, key].current
            for code in (1, 2, 4, 5, 8, 9)[:steps]:
                self.report(key, events.StatusReported(code, current.type, current.component))
            if steps == 7:
                is_module = current.type is MODULE
                told = Versions(current.target) if is_module else Versions(None, {current.component: current.target})
                self.report(key, events.StatusReported(11, current.type, current.component, told), told)

    @rule(key=keys, module=modules, pump=pumps)
    def version(self, key, module, pump):
        told = Versions(module, {"pump": pump})
        self.report(key, events.VersionsReported(told), told)

    @rule(key=keys)
    def connection(self, key):
        self.online[key] = not self.online[key]
        self.report(key, events.Connected() if self.online[key] else events.Disconnected())

    @rule(
        key=keys,
        number=numbers,
        event=st.sampled_from([events.Cancelled(), events.Retried(by_user=True), events.FileAsked(1, 403)]),
    )
    def person(self, key, number, event):
        if (number, key) in self.rows:
            self.tell(number, key, event)

    # ---- what always holds

    @invariant()
    def one_in_progress_per_device(self):
        assert all(len(self.open_of(key)) <= 1 for key in KEYS)  # invariant 2

    @invariant()
    def counters_equal_rows(self):
        for number in PLANS:
            rows = Counter(row.status for (plan_id, _), row in self.rows.items() if plan_id == number)
            assert +self.counters[number] == rows  # invariant 10

    @invariant()
    def everything_open_has_a_timer_and_everything_else_has_none(self):
        for row in self.rows.values():
            assert (row.deadline is not None) is row.is_open
            assert not row.status.is_final or row.phase is Phase.FINAL
            if row.status is DeviceStatus.FAILED:
                assert row.reason is not None

    @invariant()
    def no_draft_was_offered(self):
        assert not self.offered_after_end

    def teardown(self):
        """Left alone, everything ends: no state is without a way out."""
        self.now = max(self.now, PLANS[1].end_at)
        self.settle()
        for _ in range(60):
            self.now += 600
            for (number, key), row in list(self.rows.items()):
                if row.deadline is not None and row.deadline <= self.now:
                    self.tell(number, key, events.TimePassed())
        for (number, _), row in self.rows.items():
            assert row.phase is Phase.FINAL, (number, row)


Platform.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPlatform = Platform.TestCase
