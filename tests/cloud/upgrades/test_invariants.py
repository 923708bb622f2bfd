"""The invariants of section 15 over the services: whatever happens in whatever order, at every commit they hold."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from cloud_rig import Rig, counted
from moduline.cloud.devices import service as devices
from moduline.cloud.plans import service as plans
from moduline.cloud.plans.plan import Stage, Strategy
from moduline.cloud.plans.rules import Trigger
from moduline.cloud.upgrades import people, service
from moduline.errors import ModulineError, StateForbids

NAMES = ("a", "b", "c")
CODES = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 0, 7)
SHARED = {}
"""One database for all runs of the machine; each run has a product, devices and plans of its own."""


def open_rig():
    if "rig" not in SHARED:
        memory = Path("/dev/shm")
        SHARED["folder"] = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="mdl-ota-")
        SHARED["rig"] = Rig(Path(SHARED["folder"].name) / "ota.db")
    return SHARED["rig"]


class Fleet(RuleBasedStateMachine):
    """Three devices, two plans, people, the grid and the clock."""

    @initialize(retries=st.sampled_from([0, 1]), has_stages=st.booleans(), rate=st.sampled_from([0, 1]))
    def begin(self, retries, has_stages, rate):
        self.rig = open_rig()
        SHARED["run"] = run = SHARED.get("run", 0) + 1
        self.product = self.rig.product(f"p{run}")
        self.devices = [self.rig.device(self.product, name) for name in NAMES]
        strategy = Strategy(
            retries=retries, retry_interval_min=0, rate_per_min=rate, failure_percent=60, failure_least=2,
            stages=(Stage(40.0, 50.0), Stage(100.0)) if has_stages else (),
        )  # fmt: skip
        pieces = [self.rig.artifact(f"{run}-{target}", target=target) for target in ("V2", "V3")]
        self.plans = [
            self.rig.activated(self.product, piece, name=f"{run}-{number}", strategy=strategy, black=frozenset("c") if number else frozenset())
            for number, piece in enumerate(pieces)
        ]  # fmt: skip
        self.connection = 0

    @rule(device=st.integers(0, 2), version=st.sampled_from(["V1", "V2", "V3", "", None]))
    def requests(self, device, version):
        self.rig.request(self.devices[device], version)

    @rule(device=st.integers(0, 2), is_back=st.booleans())
    def comes(self, device, is_back):
        self.connection += 1
        self.rig.online(self.devices[device], self.connection)
        if is_back:
            self.rig.request(self.devices[device], "V1")

    @rule(device=st.integers(0, 2), late=st.integers(0, 2))
    def goes(self, device, late):
        self.rig.tell(service.went_offline, self.devices[device], self.connection - late)

    @rule(device=st.integers(0, 2), codes=st.lists(st.sampled_from(CODES), min_size=1, max_size=5))
    def says(self, device, codes):
        for code in codes:
            self.rig.status(self.devices[device], code)

    @rule(device=st.integers(0, 2), code=st.sampled_from([11, 12]), version=st.sampled_from(["V1", "V2", "V3", "V9"]))
    def concludes(self, device, code, version):
        self.rig.status(self.devices[device], code, module=version)

    @rule(plan=st.integers(0, 1))
    def grid(self, plan):
        self.rig.tell(service.grid, self.plans[plan].id)

    @rule(seconds=st.sampled_from([1, 61, 700, 4000]))
    def time_goes_by(self, seconds):
        self.rig.now += seconds
        self.rig.tell(service.due)

    @rule(
        plan=st.integers(0, 1),
        verb=st.sampled_from([plans.suspend, plans.resume, plans.resume, plans.terminate, plans.delete]),
    )
    def people_act(self, plan, verb):
        before = self.rig.see(plans.by_id, self.plans[plan].id).state
        try:
            self.rig.act(verb, self.plans[plan].id)
        except ModulineError:
            assert self.rig.see(plans.by_id, self.plans[plan].id).state == before
        assert verb is not plans.delete or before == "draft" or self.rig.see(plans.by_id, self.plans[plan].id)

    @rule(plan=st.integers(0, 1), verb=st.sampled_from([people.cancel, people.retry]), number=st.integers(0, 2))
    def people_meddle(self, plan, verb, number):
        shown = self.rig.see(people.page, self.plans[plan].id).items
        if number < len(shown):
            with contextlib.suppress(StateForbids):
                self.rig.act(verb, shown[number].row.id)

    @rule(device=st.integers(0, 2), is_enabled=st.booleans())
    def switched(self, device, is_enabled):
        self.rig.act(devices.change, self.devices[device], is_enabled=is_enabled)

    @rule(device=st.integers(0, 2))
    def looked_at(self, device):
        self.rig.tell(service.look, self.devices[device], Trigger.REQUEST)

    @invariant()
    def counters_equal_rows(self):
        """Invariant 10."""
        for plan in getattr(self, "plans", ()):
            kept, rows = self.rig.db.read(counted, plan.id)
            assert kept == rows

    @invariant()
    def one_at_a_time_and_never_stuck(self):
        """Invariants 2 and 6, and 3: the black-listed device never has a row."""
        if not hasattr(self, "plans"):
            return
        for plan in self.plans:
            for shown in self.rig.see(people.page, plan.id).items:
                state = shown.row.state
                assert int(state.status) == shown.row.status
                assert not state.is_open or state.deadline is not None
                assert shown.dk != "c" or plan is self.plans[0]
                if shown.row.status == 2:
                    target = plan.plan.components[0].target
                    assert all(one.status != "failed" for one in state.components)
                    assert any(one.target == target for one in state.components)
        twice = "SELECT device_id FROM upgrades WHERE is_open GROUP BY device_id HAVING count(*) > 1"
        assert self.rig.db.read(lambda conn: conn.execute(text(twice)).all()) == []

    def teardown(self):
        """Whatever was done, time ends it: nothing stays open for ever."""
        if not hasattr(self, "plans"):
            return
        for _ in range(15):
            self.rig.now += 3700
            self.rig.tell(service.due)
        opened = "SELECT count(*) FROM upgrades WHERE is_open"
        assert self.rig.db.read(lambda conn: conn.execute(text(opened)).scalar_one()) == 0
        self.counters_equal_rows()


QUICK = settings(max_examples=4, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))


def test_fleet_when_anything_happens_in_any_order_then_the_invariants_hold_at_every_commit():
    run_state_machine_as_test(Fleet, settings=QUICK)


@pytest.mark.sweep
@pytest.mark.timeout(1200)
def test_fleet_when_tried_for_long_then_the_invariants_hold():
    run_state_machine_as_test(Fleet, settings=settings(QUICK, max_examples=300, stateful_step_count=50))


def test_plan_when_activated_then_no_verb_of_the_service_edits_or_deletes_it(file_rig):
    """Invariant 7, in every later state."""
    product, artifact = file_rig.product(), file_rig.artifact()
    for number, verbs in enumerate(([], [plans.suspend], [plans.suspend, plans.resume], [plans.terminate])):
        plan = file_rig.activated(product, artifact, name=f"plan {number}")
        for verb in verbs:
            file_rig.act(verb, plan.id)
        for change in (
            lambda plan=plan: file_rig.act(plans.change, plan.id, replace(plan.plan, name="other")),
            lambda plan=plan: file_rig.act(plans.delete, plan.id),
        ):
            with pytest.raises(ModulineError, match="ML-E1513"):
                change()
