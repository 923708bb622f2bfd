"""The walk of QMulti_DL's users: load the firmware, auto-all, eight channels, one re-powered, PASS; and the scan gate.

Seed 000: "Load FW Files", then "Auto ALL"; eight channels are found and burnt; after an unexpected end the module only
has to be powered again to continue.
"""

from __future__ import annotations

import hashlib
import json

import pytest

RACK = "walk8"
SLOTS = [f"A{number}" for number in range(1, 9)]
VERSIONS = {"en": "1.0.0", "zh": "2.0.0"}
MAIN = """PROJECT_NAME = 'WALK'
PROJECT_VERSION = '{version}'

with open('/usr/ran.txt', 'w') as file:
    file.write(PROJECT_VERSION)
"""
RECIPE = """[[check]]
name = "script"
kind = "repl"
expression = "open('/usr/ran.txt').read()"
equals = "{version}"
"""
SAYS = {
    "en": {
        "failed": "Slot A3 was interrupted: power it again",
        "next": "Take out slot A1",
        "over": "8 of 8 passed",
        "word": "",
    },
    "zh": {"failed": "通道 A3 中断：请重新上电", "next": "请取出通道 A1", "over": "8 个中 8 个通过", "word": "通过"},
}


@pytest.fixture(scope="module")
def jig(studio):
    """Eight virtual modules of their own, and a firmware for each language that writes down its version when it runs."""
    studio.moduline("firmware", "build", "ec600u", "-o", "walk-stock.pac")
    for version in VERSIONS.values():
        folder = studio.root / f"walk-{version}"
        (folder / "usr").mkdir(parents=True)
        (folder / "moduline.toml").write_text('module = "ec600u"\n')
        (folder / "usr" / "main.py").write_text(MAIN.format(version=version))
        (studio.root / f"walk-{version}.toml").write_text(RECIPE.format(version=version))
        studio.moduline("pack", "build", folder.name, "--base", "walk-stock.pac", "-o", f"walk-{version}.pac")
    words = ["--module", "ec600u", "--count", "8", "--rack", RACK, "--name", "w", "--fresh", "--json"]
    yield json.loads(studio.moduline("virt", "up", *words))["modules"]
    studio.moduline("virt", "down", "--rack", RACK, "--delete")


def choose(page, button, path):
    page.get_by_test_id(button).click()
    page.locator(f'[data-path="{path}"]').click()


def wait_for(page, slots, kind):
    page.wait_for_function(
        "([slots, kind]) => slots.every((one) => document.querySelector(`[data-slot='${one}']`)?.dataset.k === kind)",
        arg=[slots, kind],
        timeout=90_000,
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_line_when_firmware_is_loaded_and_auto_all_then_eight_pass_with_one_re_powered(studio, seat, jig, lang, again):
    version, says, order = VERSIONS[lang], SAYS[lang], f"WALK-{lang}{again}"
    page = seat(lang=lang).open(f"/line?station=W-{lang}{again}")
    choose(page, "gang-package", f"walk-{version}.pac")
    page.get_by_test_id("gang-order").fill(order)
    page.get_by_test_id("gang-operator").fill("李伟")
    page.get_by_test_id("gang-rack").click()
    page.get_by_role("option", name=RACK).click()
    assert page.get_by_test_id("gang-auto").get_attribute("aria-checked") == "true"
    page.locator(".g-more .q-item").first.click()
    choose(page, "gang-recipe", f"walk-{version}.toml")
    studio.moduline("virt", "fault", "w3", "cut@download:45%", "--rack", RACK)
    page.get_by_test_id("gang-start").click()

    wait_for(page, ["A3"], "again")
    wait_for(page, [one for one in SLOTS if one != "A3"], "pass")
    assert says["failed"] in page.get_by_test_id("gang-say").inner_text()
    failed = page.get_by_test_id("slot-A3").inner_text()
    assert {"en": "WAITING", "zh": "等待"}[lang] in failed.upper()
    assert "ML-E0601" in failed
    page.reload()  # a page that comes back shows the same
    wait_for(page, ["A3"], "again")
    studio.moduline("virt", "power", "w3", "on", "--rack", RACK)
    wait_for(page, SLOTS, "pass")
    for slot, module in zip(SLOTS, jig, strict=True):
        shown = page.get_by_test_id(f"slot-{slot}").inner_text()
        assert "PASS" in shown
        assert says["word"] in shown
        assert module["imei"][-4:] in shown
    assert page.get_by_test_id("gang-passed").inner_text() == "8"
    assert says["next"] in page.get_by_test_id("gang-say").inner_text()
    assert font_px(page, "[data-slot='A1'] .g-word") >= 48

    page.keyboard.press("F8")  # a touch stops nothing
    assert page.locator(".g-page").get_attribute("data-mode") == "run"
    page.keyboard.down("F8")
    page.wait_for_selector(".g-page[data-mode='idle']")
    page.keyboard.up("F8")
    assert says["over"] in page.get_by_test_id("gang-over").inner_text()

    check_records(studio, jig, order, version, f"W-{lang}{again}")
    answer = json.loads(
        studio.moduline("gang", "check", "--rack", RACK, "--recipe", f"walk-{version}.toml", "--json")
    )  # the modules themselves say what runs in them now
    assert answer["ok"]
    walk_the_gate(page, jig, order, lang)


def font_px(page, what):
    return page.evaluate("(what) => parseFloat(getComputedStyle(document.querySelector(what)).fontSize)", what)


def check_records(studio, jig, order, version, station):
    """What the book says of the run."""
    told = json.loads(studio.moduline("gang", "report", order, "--json"))
    assert (told["units"], told["passed"]) == (8, 8)
    records = told["records"]
    assert sorted((one["slot"], one["outcome"], one["tries"]) for one in records) == sorted(
        [(slot, "PASS", 2 if slot == "A3" else 1) for slot in SLOTS] + [("A3", "FAIL", 1)]
    )
    passed = {one["slot"]: one for one in records if one["outcome"] == "PASS"}
    assert [passed[slot]["imei"] for slot in SLOTS] == [module["imei"] for module in jig]
    package = (studio.root / f"walk-{version}.pac").read_bytes()
    for one in passed.values():
        assert (one["station"], one["operator"]) == (station, "李伟")
        assert one["sha256"] == hashlib.sha256(package).hexdigest()
        assert [(check["verdict"], check["value"]) for check in one["checks"]] == [("pass", version)]


def walk_the_gate(page, jig, order, lang):
    """A scanner types a label and Enter: PASS for a unit of the order, REFUSED for a stranger; both are noted."""
    page.goto(page.url.partition("/line")[0] + f"/line/scan?order={order}")
    page.wait_for_function("() => window.did_handshake === true && document.activeElement?.id === 'g-scan'")
    good, other = jig[2]["imei"], "860000000000003"
    page.keyboard.type(f"IMEI:{good};X")
    page.keyboard.press("Enter")
    page.get_by_test_id("gate-word").filter(has_text="PASS").wait_for()
    assert page.get_by_test_id("gate-unit").inner_text() == good
    page.keyboard.type(other)
    page.keyboard.press("Enter")
    page.get_by_test_id("gate-word").filter(has_text="REFUSED").wait_for()
    why = {"en": f"was not burnt for order {order}", "zh": f"不属于工单 {order}"}[lang]
    assert why in page.get_by_test_id("gate-why").inner_text()
    log = page.get_by_test_id("gate-log")
    log.get_by_text(other).first.wait_for()
    log.get_by_role("link", name=good).first.click()
    page.get_by_test_id("units-report").wait_for()
    assert {"en": "scan gate", "zh": "扫码出货"}[lang] in page.locator("#main").inner_text()
