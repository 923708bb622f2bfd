"""The form of a plan: what people paste, what the API is told, what is kept; hostile input of each."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from moduline.web.console import wizard_forms
from moduline.web.console.wizard_form import (
    STEPS,
    PlanForm,
    from_json,
    keys,
    keys_of_table,
    new_form,
    of_plan,
    step_of,
    whole,
)
from moduline.web.site import Site, StudioOptions, open_site
from moduline.web.work.runner import Jobs

NOW = 1_795_309_200.0  # 2026-11-22 01:00 UTC


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("", []),
        ("a", ["a"]),
        ("a, b;c\nd\te，f；g、h  a", ["a", "b", "c", "d", "e", "f", "g", "h"]),
        ("\ufeff861 861\r\n862", ["861", "862"]),
    ],
    ids=["nothing", "one", "mixed", "mark"],
)
def test_keys_when_typed_or_pasted_then_each_once_in_order(given, found):
    assert keys(given) == found


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (b"", []),
        (b"861\n862\n861\n", ["861", "862"]),
        (b"\xef\xbb\xbfid,product,dk\r\n1,2,861\r\n2,2,862\r\n", ["861", "862"]),
        ("序号;设备密钥\n1;861\n\n2;862\n".encode(), ["861", "862"]),
        (b"name\tIMEI\nx\t861\ny\n", ["861"]),
        (b"dk\n'=861\n", ["=861"]),
        (b"\xff\xfe\x00,\n\x00", ["\ufffd\ufffd\x00", "\x00"]),
        (b'"unclosed,861\n862', ["unclosed,861\n862"]),
    ],
    ids=["empty", "plain", "export", "chinese", "tabs", "harmless", "no-utf8", "unclosed"],
)
def test_table_when_read_then_the_column_of_keys(table, found):
    assert keys_of_table(table) == found


def test_form_when_new_then_begins_now_on_the_clock_of_its_zone():
    form = new_form(NOW)
    assert (form.zone, form.start, form.end) == ("Asia/Shanghai", "2026-11-22T09:00", "2026-12-22T09:00")
    assert new_form(NOW, "nowhere").zone == "Asia/Shanghai"
    assert new_form(NOW, "UTC").start == "2026-11-22T01:00"


def test_form_when_told_to_the_api_then_without_what_is_empty():
    form = new_form(NOW)
    form.name, form.product, form.white, form.black = " march ", 3, "a b", "c"
    form.components[0]["releases"][0]["artifact"] = 7
    form.components.append({"component": "mcu", "releases": [{"artifact": 0, "needs": ""}]})
    form.texts = {"zh": "修复", "en": "fixes"}
    form.strategy = {"min_battery": 30, "disk_bytes": None, "stages": []}
    body = form.body()
    assert (body["name"], body["white"], body["black"]) == ("march", None, ["c"])
    assert body["components"] == [{"component": "mod", "releases": [{"artifact": 7, "needs": []}]}]
    assert (body["texts"], body["strategy"]) == ({}, {"min_battery": 30})
    assert form.without_packages() == [1]
    form.is_silent, form.is_white = False, True
    assert form.body()["texts"] == {"zh": "修复", "en": "fixes"}
    assert form.body()["white"] == ["a", "b"]


def shown_plan():
    """A draft as the API shows it."""
    strategy = {
        "min_battery": 30, "min_signal_dbm": 0, "disk_bytes": None, "negotiation_delay_s": 0, "retries": 1,
        "retry_interval_min": 10, "timeout_min": 60, "rate_per_min": 0, "rate_growth_percent": 0.0,
        "rate_growth_every": 0, "rate_most_per_min": 0, "cell_most": 0, "failure_percent": 20.0, "failure_least": 10,
        "stages": [{"percent": 5.0, "success_percent": 100.0, "failure_percent": 0.0, "failure_least": 1},
                   {"percent": 100.0, "success_percent": 100.0, "failure_percent": 0.0, "failure_least": 1}],
        "holds_on_status": False, "approvals": 0, "needs_verification": True, "needs_rehearsal": False,
    }  # fmt: skip
    release = {"artifact": 7, "name": "fw", "source": "", "target": "V2", "bytes": 9, "needs": ["V0", "V1"]}
    return {
        "id": 4, "name": "march", "product": 3, "zone": "UTC", "start": "2026-11-22T09:00", "end": "2026-12-22T09:00",
        "components": [{"component": "mod", "type": 0, "target": "V2", "releases": [release]}],
        "has_white_list": True, "white": ["a", "b"], "black": ["c"], "filter": "tag==pilot", "windows": [[9, 18]],
        "is_windows_strict": True, "is_silent": False, "texts": {"zh": "修复", "en": "fixes"}, "strategy": strategy,
        "revision": 2,
    }  # fmt: skip


def test_form_when_read_from_a_draft_then_tells_the_api_the_same_again():
    body = of_plan(shown_plan()).body()
    assert body == {
        "name": "march", "product": 3, "zone": "UTC", "start": "2026-11-22T09:00", "end": "2026-12-22T09:00",
        "components": [{"component": "mod", "releases": [{"artifact": 7, "needs": ["V0", "V1"]}]}],
        "white": ["a", "b"], "black": ["c"], "filter": "tag==pilot", "windows": [[9, 18]], "is_windows_strict": True,
        "is_silent": False, "texts": {"zh": "修复", "en": "fixes"},
        "strategy": {
            "min_battery": 30, "retries": 1, "failure_percent": 20.0, "needs_verification": True,
            "stages": shown_plan()["strategy"]["stages"],
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "step"),
    [
        ("name", "basics"), ("product", "basics"), ("components", "packages"), ("components[0].releases[1].needs", "packages"),
        ("white", "scope"), ("filter", "scope"), ("zone", "window"), ("windows[2].end", "window"), ("end", "window"),
        ("texts.zh", "strategy"), ("strategy.min_battery", "strategy"), ("strategy.timeout_min", "strategy"),
        ("strategy.stages[0].percent", "groups"), ("strategy.failure_percent", "groups"), ("approval", "review"),
    ],
)  # fmt: skip
def test_field_when_something_is_wrong_with_it_then_its_step_is_known(field, step):
    assert step_of(field) == step
    assert step in STEPS


def test_number_when_given_then_whole_where_it_is():
    assert [whole(one) for one in (5.0, 5.5, 5, None, True, "5", float("nan"))] == [5, 5.5, 5, None, None, None, None]


@pytest.mark.parametrize(
    "raw",
    [{"name": 5}, {"components": [1]}, {"components": [{"component": "x"}]}, {"product": "1"}, {"is_silent": 1}],
    ids=str,
)
def test_form_when_kept_wrongly_then_no_form(raw):
    with pytest.raises(ValueError, match=next(iter(raw))):
        from_json(raw)


@pytest.fixture
def account(tmp_path):
    jobs = Jobs(tmp_path / "jobs")
    open_site(Site(StudioOptions(tmp_path, tmp_path), jobs))
    yield 5
    jobs.stop()


def test_form_when_kept_then_found_again_as_it_was(account):
    form = of_plan(shown_plan())
    wizard_forms.keep(account, "plan-4", form)
    wizard_forms.keep(account, "abc", PlanForm(name="深"))
    assert wizard_forms.kept(account, "plan-4") == form
    assert wizard_forms.kept(6, "plan-4") is None, "another account's"
    assert {(one.name, one.path) for one in wizard_forms.kept_forms(account)} == {
        ("march", "/console/plans/new?plan=4"),
        ("深", "/console/plans/new?form=abc"),
    }
    wizard_forms.drop(account, "abc")
    wizard_forms.drop(account, "abc")
    assert wizard_forms.kept(account, "abc") is None


def test_form_when_there_are_too_many_then_the_oldest_go(account):
    for at in range(wizard_forms.MOST + 5):
        wizard_forms.keep(account, f"k{at}", PlanForm(name=str(at)))
    assert len(wizard_forms.kept_forms(account)) == wizard_forms.MOST


@pytest.mark.parametrize("key", ["", "..", "../5/abc", "A", "a" * 41, "a/b", "a\0", "a.json"])
def test_key_when_hostile_then_no_key(account, key):
    assert not wizard_forms.is_key(key)
    assert wizard_forms.kept(account, key) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"name": 5}', '{"components": [[]]}'])
def test_form_when_its_file_is_broken_then_none_and_the_list_goes_on(account, tmp_path, text):
    wizard_forms.keep(account, "good", PlanForm(name="good"))
    (tmp_path / "plan-forms" / str(account) / "bad.json").write_text(text)
    assert wizard_forms.kept(account, "bad") is None
    assert [one.name for one in wizard_forms.kept_forms(account)] == ["good"]


def test_form_when_kept_then_is_plain_json(account, tmp_path):
    form = new_form(NOW)
    wizard_forms.keep(account, "abc", form)
    assert json.loads((tmp_path / "plan-forms" / "5" / "abc.json").read_text("utf-8")) == asdict(form)
