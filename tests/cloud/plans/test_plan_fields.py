"""Every field of a plan and its strategy.  Source: ota-semantics 4, 5; seed 003 step 3."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Stage, Strategy, check_plan, check_strategy
from moduline.cloud.plans.zone import Window

MODULE, MCU = ComponentType.MODULE, ComponentType.MCU


def component(name="mod", kind=MODULE, *releases):
    return PlanComponent(name, kind, releases or (Release(1, "V2"),))


GOOD = Plan("spring", 1, "Asia/Shanghai", "2026-01-01T00:00", "2026-12-31T00:00", (component(),))


def test_plan_when_all_is_well_then_no_problem():
    assert check_plan(GOOD) == ()
    asked = replace(GOOD, is_silent=False, texts={"zh": "升级", "en": "Upgrade", "pt-BR": "Atualizar"})
    assert check_plan(asked) == ()
    assert check_plan(replace(GOOD, black=frozenset({"1"}), white=frozenset({"2"}), has_white_list=True)) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"zone": ""}, "zone"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"start_local": "tomorrow"}, "start"),
        ({"end_local": ""}, "end"),
        ({"end_local": "2026-01-01T00:00"}, "end"),
        ({"end_local": "2025-01-01T00:00"}, "end"),
        ({"windows": (Window(8, 10), Window(24, 1))}, "windows[1].start"),
        ({"windows": (Window(8, 9),) * 25}, "windows"),
        ({"white": frozenset({"1"})}, "white"),
        ({"components": ()}, "components"),
        ({"components": tuple(component(f"m{n}", MCU) for n in range(21))}, "components"),
        ({"components": (component(""),)}, "components[0].component"),
        ({"components": (component("x" * 33),)}, "components[0].component"),
        ({"components": (component("组" * 11),)}, "components[0].component"),
        ({"components": (component("a;b", MCU),)}, "components[0].component"),
        ({"components": (component("a:b", MCU),)}, "components[0].component"),
        ({"components": (component("a\n"),)}, "components[0].component"),
        ({"components": (component("a", MCU), component("a"))}, "components[1].component"),
        ({"components": (component("a"), component("b"))}, "components[1].type"),
        ({"components": (PlanComponent("a", MODULE, ()),)}, "components[0].releases"),
        ({"components": (component("a", MODULE, Release(1, "V1"), Release(2, "V3", source="V2")),)}, "components[0].releases[0]"),
        ({"components": (component("a", MODULE, Release(2, "V3", source="V2", needs=frozenset({"V1"}))),)}, "components[0].releases[0].needs"),
        ({"texts": {"en": "x"}}, "texts"),
        ({"is_silent": False, "texts": {"zh": "升级"}}, "texts.en"),
        ({"is_silent": False, "texts": {"en": "Upgrade", "zh": "  "}}, "texts.zh"),
        ({"is_silent": False, "texts": {"en": "a", "zh": "升", "Deutsch!": "x"}}, "texts.Deutsch!"),
        ({"is_silent": False, "texts": {"en": "a" * 2001, "zh": "升"}}, "texts.en"),
        ({"strategy": Strategy(min_battery=101)}, "strategy.min_battery"),
    ],
)  # fmt: skip
def test_plan_when_one_field_is_wrong_then_that_one_is_named(changes, field):
    found = check_plan(replace(GOOD, **changes))
    assert [problem.field for problem in found] == [field]
    for problem in found:
        assert problem.say("en") != problem.say("zh")
        assert "?" not in problem.say("en")


@pytest.mark.parametrize("least_and_most", [
    ("min_battery", 0, 100), ("min_signal_dbm", -200, 0), ("timeout_min", 1, 1440), ("approvals", 0, 10),
    ("negotiation_delay_s", 0, 86400), ("failure_percent", 0, 100), ("failure_least", 1, 2**31 - 1), ("rate_per_min", 0, 2**31 - 1),
])  # fmt: skip
def test_strategy_when_a_number_is_at_its_limits_then_taken_and_beyond_refused(least_and_most):
    name, least, most = least_and_most
    for value in (least, most):
        assert check_strategy(Strategy(**{name: value})) == ()
    for value in (least - 1, most + 1, None, "5", True, float("nan"), 1.5 if name != "failure_percent" else -0.5):
        assert [problem.field for problem in check_strategy(Strategy(**{name: value}))] == [f"strategy.{name}"], value


def test_strategy_when_of_the_defaults_then_as_the_reference_says():
    found = Strategy()
    assert (found.retries, found.retry_interval_min, found.timeout_min) == (0, 10, 60)
    assert (found.rate_per_min, found.failure_percent, found.stages) == (0, 0, ())
    assert found.disk_for(19656) == 19656
    assert Strategy(disk_bytes=5).disk_for(19656) == 5


@pytest.mark.parametrize(("name", "good", "bad"), [("retries", (0, 1, 2, 5), (3, 4, 6, -1, True, "1")), ("retry_interval_min", (0, 10, 30, 60, 1440), (5, 61, None))])  # fmt: skip
def test_strategy_when_a_choice_then_only_the_listed(name, good, bad):
    assert all(check_strategy(Strategy(**{name: value})) == () for value in good)
    assert all([p.field for p in check_strategy(Strategy(**{name: value}))] == [f"strategy.{name}"] for value in bad)


@pytest.mark.parametrize(
    ("stages", "field"),
    [
        ((Stage(5), Stage(25), Stage(50), Stage(100)), None),
        ((Stage(100),), None),
        ((Stage(5.5, 90.0, 10.0), Stage(100)), None),
        ((Stage(5), Stage(5), Stage(100)), "strategy.stages[1].percent"),
        ((Stage(50), Stage(25), Stage(100)), "strategy.stages[1].percent"),
        ((Stage(0), Stage(100)), "strategy.stages[0].percent"),
        ((Stage(5), Stage(90)), "strategy.stages"),
        ((Stage(101),), "strategy.stages[0].percent"),
        ((Stage(100, 101),), "strategy.stages[0].success_percent"),
        ((Stage(100, 100, -1),), "strategy.stages[0].failure_percent"),
        ((Stage(100, 100, 0, 0),), "strategy.stages[0].failure_least"),
    ],
)
def test_stages_when_checked_then_growing_to_a_hundred(stages, field):
    assert [problem.field for problem in check_strategy(Strategy(stages=stages))] == ([field] if field else [])


def test_growth_when_half_said_then_refused():
    assert check_strategy(Strategy(rate_per_min=10, rate_growth_percent=50.0, rate_growth_every=20)) == ()
    for half in (
        {"rate_growth_percent": 50.0},
        {"rate_growth_every": 5},
        {"rate_growth_percent": 50.0, "rate_growth_every": 5},
    ):
        assert [p.field for p in check_strategy(Strategy(**half))] == ["strategy.rate_growth_percent"]


def test_components_when_ordered_then_the_module_is_last():
    plan = replace(GOOD, components=(component("mod"), component("b", MCU), component("a", MCU)))
    assert [one.component for one in plan.ordered] == ["b", "a", "mod"]


def test_text_when_asked_for_a_language_then_it_or_english_or_chinese():
    plan = replace(GOOD, texts={"zh": "升级", "en": "Upgrade", "de": "Neu"})
    for language, text in (("de", "Neu"), ("de-AT", "Neu"), ("zh-CN", "升级"), ("fr", "Upgrade"), ("", "Upgrade")):
        assert plan.text_for(language) == text
    assert replace(GOOD, texts={"zh": "升级"}).text_for("fr") == "升级"
    assert GOOD.text_for("en") == ""


# ---- stepping stones ------------------------------------------------------------------------------------------------

WHOLE_2 = Release(1, "V2", 500)
DELTA_23 = Release(2, "V3", 20, source="V2")
DELTA_13 = Release(3, "V3", 30, source="V1")
WHOLE_3 = Release(4, "V3", 600)
WHOLE_3_OVER_2 = Release(5, "V3", 600, needs=frozenset({"V2"}))


@pytest.mark.parametrize(
    ("releases", "version", "artifact"),
    [
        ((WHOLE_2,), "V1", 1),
        ((WHOLE_2,), "V9", 1),
        ((WHOLE_2,), "V2", None),
        ((DELTA_23,), "V2", 2),
        ((DELTA_23,), "V1", None),
        ((WHOLE_2, DELTA_23), "V1", 1),
        ((WHOLE_2, DELTA_23), "V2", 2),
        ((WHOLE_2, DELTA_23), "V3", None),
        ((WHOLE_2, DELTA_23, DELTA_13), "V1", 3),  # fewest steps
        ((WHOLE_2, DELTA_23, DELTA_13), "V0", 1),
        ((WHOLE_2, DELTA_13, WHOLE_3), "V1", 3),  # fewest bytes of equal steps
        ((WHOLE_2, DELTA_23, WHOLE_3), "V2", 2),
        ((WHOLE_2, DELTA_23, WHOLE_3), "V1", 4),
        ((WHOLE_2, WHOLE_3_OVER_2), "V1", 1),  # v1 -> v2 -> v3
        ((WHOLE_2, WHOLE_3_OVER_2), "V2", 5),
    ],
)
def test_next_release_when_asked_then_the_first_of_the_shortest_way(releases, version, artifact):
    found = component("mod", MODULE, *releases).next_release(version)
    assert (found and found.artifact_id) == artifact


def test_next_release_when_releases_lead_round_in_circles_then_ends():
    ring = tuple(Release(n, f"V{(n + 1) % 20}", source=f"V{n}") for n in range(20))
    assert component("mod", MODULE, *ring).target == "V0"
    assert component("mod", MODULE, *ring).next_release("V1").artifact_id == 1
    assert component("mod", MODULE, *ring).next_release("other") is None
