"""What the events of a burn amount to."""

from __future__ import annotations

import pytest

from moduline import burn
from moduline.events import Notice, Progress, Step, to_json
from moduline.release.firmware import stock_package
from moduline.web.studio.burn_story import Story, planned_steps
from moduline.web.work.runner import Line


def lines(*events):
    """Events with the seconds at which they came."""
    return [Line(number, at, to_json(event)) for number, (at, event) in enumerate(events, 1)]


def states(story):
    return {step.name: step.state for step in story.steps}


@pytest.fixture
def story():
    made = Story()
    steps = [{"name": "burn.enter"}, {"name": "burn.FDL1", "verb": "load", "part": "FDL1"}]
    steps += [{"name": "burn.AP", "verb": "write", "part": "AP"}, {"name": "burn.check"}]
    made.feed(lines((10.0, Notice("burn.plan", facts={"steps": steps, "bytes": 300}))))
    return made


def test_steps_when_begun_and_done_then_in_their_states_with_their_times(story):
    assert list(states(story).values()) == ["waiting"] * 4
    story.feed(lines((11.0, Step("burn.enter", "begin")), (13.5, Step("burn.enter", "done", facts={"imei": "1"}))))
    story.feed(lines((14.0, Step("burn.AP", "begin", facts={"part": "AP", "verb": "write"}))))
    assert states(story) == {
        "burn.enter": "done",
        "burn.FDL1": "left_out",
        "burn.AP": "doing",
        "burn.check": "waiting",
    }
    assert story.steps[0].seconds == 2.5
    assert (story.steps[2].words.en, story.steps[2].words.zh) == ("writing AP", "写入 AP")
    story.feed(lines((15.0, Step("burn.AP", "failed"))))
    story.end()
    assert states(story)["burn.AP"] == "failed"
    assert states(story)["burn.check"] == "left_out"


def test_step_when_nobody_planned_it_then_behind_what_was_begun(story):
    story.feed(lines((11.0, Step("burn.enter", "begin")), (12.0, Step("burn.connect", "begin"))))
    assert [step.name for step in story.steps] == ["burn.enter", "burn.connect", "burn.FDL1", "burn.AP", "burn.check"]
    story.end()
    assert states(story)["burn.connect"] == "failed"


def test_part_when_done_twice_then_two_steps(story):
    for at in (11.0, 13.0):
        story.feed(lines((at, Step("burn.AP", "begin")), (at + 1, Step("burn.AP", "done"))))
    assert [(step.name, step.state) for step in story.steps if step.name == "burn.AP"] == [("burn.AP", "done")] * 2


def test_bytes_when_they_flow_then_rate_and_time_left_come_from_them(story):
    story.feed(lines((20.0, Progress("burn", 0, 1000))))
    assert story.rate(20.1) is None
    story.feed(lines((22.0, Progress("burn", 200, 1000))))
    assert story.rate(22.0) == 100.0
    assert story.left_s(22.0) == 8.0
    assert story.rate(24.0) == 50.0
    story.feed(lines((30.0, Progress("burn", 600, 1000)), (31.0, Progress("burn", 700, 1000))))
    assert story.rate(31.0) == 100.0
    story.feed(lines((32.0, Progress("verify", 10, 50))))
    assert (story.what, story.done_bytes, story.total_bytes, story.rate(32.0)) == ("verify", 10, 50, None)


def test_pin_when_asked_for_then_until_then_and_over_with_the_next_step(story):
    story.feed(lines((11.0, Step("burn.enter", "begin"))))
    story.feed(lines((12.0, Notice("burn.hold-boot-pin", facts={"place": "x", "seconds": 60.0}))))
    assert story.pin_until == 72.0
    story.feed(lines((22.0, Notice("burn.hold-boot-pin", facts={"place": "x", "seconds": 50.0}))))
    assert story.pin_until == 72.0
    story.feed(lines((30.0, Step("burn.enter", "done"))))
    assert story.pin_until is None


def test_record_when_it_comes_then_kept(story):
    story.feed(lines((40.0, Notice("burn.record", facts={"id": "7", "outcome": "PASS"}))))
    assert story.record == {"id": "7", "outcome": "PASS"}


def test_plan_when_of_a_real_package_then_every_action_but_what_is_left_out():
    plan = burn.make_order(stock_package("ec600u"), "x.pac").plan
    names = [one["name"] for one in planned_steps(plan)]
    assert names[0] == "burn.enter"
    assert names[-3:] == ["burn.verify", "burn.reset", "burn.check"]
    assert "burn.nv_backup" in names
    assert names.index("burn.FDL2") < names.index("burn.nv_backup") < names.index("burn.AP")
    assert "burn.FMT_FSSYS" not in names
