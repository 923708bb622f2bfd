"""An upgrade as JSON and back."""

from __future__ import annotations

import json

import pytest

from moduline.cloud.plans.rules import Versions
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import events
from moduline.cloud.upgrades.stored import from_json, to_json
from moduline.cloud.upgrades.upgrade import Terms, UpgradeState
from upgrade_story import MCU, Story, item


@pytest.mark.parametrize(
    "codes", [(), (1,), (3,), (1, 2), (1, 2, 4, 5), (1, 2, 4, 5, 6), (1, 2, 4, 5, 8, 9), (1, 2, 12)]
)
def test_upgrade_when_stored_as_text_and_read_then_equal(codes):
    story = Story(item("pump", MCU, "1.0", "2.0"), terms=Terms(30, -113, 19656, 5, 60.0), versions=Versions("V1", {"pump": "1.0"}))  # fmt: skip
    story.codes(*codes, component="pump", kind=MCU)
    story.tell(events.SpaceReported(500))
    story.tell(events.PlanOver(Reason.TERMINATED))
    assert from_json(json.loads(json.dumps(to_json(story.state)))) == story.state


def test_upgrade_when_untouched_then_almost_nothing_is_stored():
    assert to_json(UpgradeState(1)) == {"plan_id": 1, "components": [], "terms": {}, "versions": {"module": None, "mcu": {}}, "wake": None}  # fmt: skip


def test_upgrade_when_stored_by_a_newer_or_older_version_then_read():
    assert from_json({"plan_id": 1, "later": 5, "terms": {"later": 1}}) == UpgradeState(1)
