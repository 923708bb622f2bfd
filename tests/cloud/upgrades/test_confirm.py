"""The user's part of an upgrade.  Source: ota-semantics 9."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Plan, PlanComponent, Release
from moduline.cloud.plans.rules import Versions
from moduline.cloud.plans.states import PlanState
from moduline.cloud.problem import Problem
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.confirm import Confirmation, ConfirmStatus, Operation, entries, operate, see_result
from moduline.cloud.upgrades.upgrade import UpgradeState
from upgrade_story import Story

PLAN = Plan(
    "spring", 1, "UTC", "2026-01-01T00:00", "2026-01-31T00:00",
    (
        PlanComponent("mod", ComponentType.MODULE, (Release(1, "V2"),)),
        PlanComponent("pump", ComponentType.MCU, (Release(2, "2.0"),)),
    ),
    is_silent=False,
    texts={"zh": "升级", "en": "Upgrade", "de": "Neu"},
)  # fmt: skip
START, END = PLAN.start_at, PLAN.end_at
NOW = START + 86400.0
WAITING = UpgradeState(1)


def done(operation, before=None, upgrade=WAITING, state=PlanState.RUNNING, plan=PLAN, now=NOW, **times):
    return operate(
        before or Confirmation(), Operation(operation), plan=plan, plan_state=state, upgrade=upgrade, now=now, **times
    )


def test_numbers_when_compared_with_the_application_interface_then_the_same():
    assert [int(one) for one in ConfirmStatus] == [0, 1, 2, 3, 4]
    assert [int(one) for one in Operation] == [1, 2, 3, 5]


def test_now_when_said_then_wanted_from_now_on():
    found = done(1)
    assert found == Confirmation(ConfirmStatus.NOW, changed_at=NOW)
    assert found.wants(NOW)
    assert not Confirmation().wants(NOW)


def test_appointed_time_when_it_has_come_then_wanted_and_only_then():
    found = done(2, start_at=NOW + 3600, end_at=NOW + 7200)
    assert [found.wants(NOW + at) for at in (0, 3599, 3600, 7199, 7200)] == [False, False, True, True, False]
    assert [found.next_change(NOW + at) for at in (0, 3600, 7200)] == [NOW + 3600, NOW + 7200, None]


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (NOW, NOW + 600, None),
        (START, END, None),
        (NOW, NOW + 599, "end"),
        (NOW - 3600, NOW + 599, "end"),  # what is left of it is too short
        (NOW + 600, NOW, "end"),
        (NOW, NOW, "end"),
        (START - 1, END, "start"),
        (START, END + 1, "start"),
        (None, END, "start"),
        (NOW, None, "start"),
        (NOW, float("nan"), "end"),
    ],
)
def test_appointed_time_when_checked_then_inside_the_plan_and_at_least_one_step_of_the_grid(start, end, field):
    found = done(2, start_at=start, end_at=end)
    assert getattr(found, "field", None) == field


def test_cancel_when_nothing_was_said_or_the_download_has_begun_then_refused():
    assert isinstance(done(3), Problem)
    said = Confirmation(ConfirmStatus.NOW)
    assert done(3, said).status is ConfirmStatus.CANCELLED
    story = Story()
    for codes in ((), (1,), (2,)):
        story.codes(*codes)
        assert done(3, said, story.state).status is ConfirmStatus.CANCELLED
    story.codes(4)
    assert isinstance(done(3, said, story.state), Problem)
    assert not done(3, said).wants(NOW)


def test_now_when_the_upgrade_has_begun_or_is_over_then_refused():
    story = Story()
    assert isinstance(done(1, upgrade=story.state), Problem)
    story.codes(1, 2, 12)
    assert isinstance(done(1, upgrade=story.state), Problem)
    assert isinstance(done(3, Confirmation(ConfirmStatus.NOW), story.state), Problem)


def test_retry_when_failed_with_an_unchanged_version_then_wanted_again():
    story = Story(versions=Versions("V1"))
    story.codes(1, 2, 12)
    assert done(5, upgrade=story.state).status is ConfirmStatus.NOW
    story.versions("V9")
    assert isinstance(done(5, upgrade=story.state), Problem)
    assert isinstance(done(5), Problem)


@pytest.mark.parametrize("state", [PlanState.DRAFT, PlanState.ENDED, PlanState.TERMINATED])
@pytest.mark.parametrize("operation", Operation)
def test_operation_when_the_plan_is_not_active_then_refused(state, operation):
    assert isinstance(done(operation, Confirmation(ConfirmStatus.NOW), state=state), Problem)
    assert isinstance(done(operation, Confirmation(ConfirmStatus.NOW), now=END), Problem)
    assert isinstance(done(operation, plan=replace(PLAN, is_silent=True, texts={})), Problem)


def test_result_when_seen_then_noted_once_it_is_there():
    story = Story()
    assert see_result(Confirmation(), story.state, NOW) == Confirmation()
    story.tell(events.StatusReported(11, ComponentType.MODULE, "mod", Versions("V2")))
    assert see_result(Confirmation(), story.state, NOW).status is ConfirmStatus.RESULT_SEEN


def test_entries_when_shown_then_in_order_with_versions_and_text():
    found = entries(PLAN, Versions("V1"), "de")
    assert [(one.sort, one.component, one.current, one.target, one.text) for one in found] == [
        (0, "pump", "", "2.0", "Neu"),
        (1, "mod", "V1", "V2", "Neu"),
    ]
    assert entries(PLAN, Versions(), "fr")[0].text == "Upgrade"
