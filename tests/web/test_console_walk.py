"""The seed's walk through the developer centre in a browser: package, verification, plan, activation, monitoring.

The devices are simulated ones that speak the real protocol to the platform beside the pages; the clock is the real one,
so users are asked and confirm: what waits for the platform's ten-minute mark would take too long.

Source: seed 003, steps 1 to 4.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

WAIT_S = 60.0
WORDS = {
    "en": {
        "verified": "verified", "step": "Review and activate", "everybody": "All devices of the product",
        "asked": "The user of each device must agree", "final": "Activation is final", "ended": "ended",
        "running": "running", "upgraded": "upgrade succeeded", "count": "3 known devices", "silent": "silent",
    },
    "zh": {
        "verified": "验证通过", "step": "确认并激活", "everybody": "下的所有设备",
        "asked": "用户确认升级", "final": "升级任务激活后不允许编辑或删除", "ended": "已结束",
        "running": "运行中", "upgraded": "升级成功", "count": "已知设备 3 台", "silent": "静默升级",
    },
}  # fmt: skip


def until(holds, what):
    """Wait until something holds of the platform; it has no event of its own to wait for."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(what)


@contextmanager
def fleet(studio, product, count):
    """Simulated devices of a product, seed 1, that live twenty times as fast; switched off in the end."""
    mqtt = json.loads((studio.data / "studio.json").read_text())["mqtt"]
    words = [sys.executable, "-m", "moduline", "fleet", "run", "--server", "127.0.0.1"]
    words += ["--mqtt-port", mqtt.rpartition(":")[2], "--product", product["pk"], "--count", str(count), "--seed", "1"]
    words += ["--secret", product["ps"], "--time-scale", "20", "--for", "300"]
    running = subprocess.Popen(
        words,
        env=os.environ | {"MODULINE_HOME": str(studio.home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: len(online(studio, product)) == count, "the devices come online")
        yield
    finally:
        running.send_signal(signal.SIGINT)
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(30)


def online(studio, product):
    found = studio.api("GET", f"/v1/devices?product={product['id']}&is_online=true")["items"]
    return [one for one in found if one["versions"]]


def choose(page, testid, option):
    """Choose an option of a field."""
    page.get_by_test_id(testid).click()
    page.get_by_role("option", name=option).first.click()


def in_step(page, step):

    page.locator(f'[data-testid="wizard-go-{step}"][aria-current="step"]').wait_for()


def plan_of(studio, name):
    return next(one for one in studio.api("GET", "/v1/plans?limit=1000")["items"] if one["name"] == name)


@pytest.mark.timeout(360)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_console_when_walked_then_devices_run_the_new_version(studio, seat, lang, again):
    """Package, verification, plan, activation, monitoring until every device is upgraded."""
    said, pk, word = WORDS[lang], f"p00walk{lang}{again.lstrip('-')}", lang + again
    secret = {"pk": pk, "ps": "V2VUei9ZVWt2SnpL"}
    product = studio.api("POST", "/v1/products", {"name": f"aroma {word}", **secret}) | secret
    desk = seat(lang=lang)
    package = add_package(studio, desk, word)
    with fleet(studio, product, 3):
        tried = online(studio, product)[0]
        verify(desk, package, tried, said)
        assert studio.api("GET", f"/v1/artifacts/{package['id']}")["state"] == "passed"
        number = write_plan(studio, desk, product, package, word, said)
        watch(studio, desk, number, said)
        found = studio.api("GET", f"/v1/devices?product={product['id']}")["items"]
    assert {one["versions"][0]["version"] for one in found} == {package["target"]}
    plan = studio.api("GET", f"/v1/plans/{number}")
    by_status = plan["counters"]["by_status"]
    assert by_status == {"not_upgraded": 0, "upgrading": 0, "upgraded": 2, "failed": 0, "no_update": 1}
    upgrades = studio.api("GET", f"/v1/plans/{number}/upgrades")["items"]
    assert {one["dk"]: one["status_name"] for one in upgrades}[tried["dk"]] == "no_update"
    assert sorted(one["status_name"] for one in upgrades) == ["no_update", "upgraded", "upgraded"]


def add_package(studio, desk, word):
    """A whole package for V2, dropped on the page; the platform has its very bytes."""
    name, raw = f"fw-walk-{word}", f"new firmware {word}".encode() * 1000
    page = desk.open("/console/packages")
    page.get_by_test_id("artifacts-file").locator("input[type=file]").set_input_files(
        {"name": f"{name}.bin", "mimeType": "application/octet-stream", "buffer": raw}
    )
    page.get_by_test_id("artifacts-files").get_by_text(f"{name}.bin").wait_for()
    page.get_by_test_id("artifacts-target").fill("V2")
    page.get_by_test_id("artifacts-add").click()
    page.get_by_test_id("artifacts-made").wait_for(timeout=WAIT_S * 1000)
    made = next(one for one in studio.api("GET", "/v1/artifacts?limit=1000")["items"] if one["name"] == name)
    assert made["files"][0]["sha256"] == hashlib.sha256(raw).hexdigest()
    return made


def verify(desk, package, device, said):
    """One device tries the package; the page tells the result by itself."""
    page = desk.open(f"/console/verification?artifact={package['id']}")
    choose(page, "verification-device", device["dk"])
    page.get_by_test_id("verification-start").click()
    state = page.locator('[data-testid="verification-state"][data-state="passed"]')
    state.wait_for(timeout=WAIT_S * 1000)
    assert said["verified"] in state.inner_text()
    assert said["upgraded"] in page.get_by_test_id("verification-now").inner_text()


def write_plan(studio, desk, product, package, word, said):
    """The wizard, step by step, with a mistake and a reload on the way; the number of the activated plan."""
    name = f"march {word}"
    page = desk.open("/console/plans/new")
    page.get_by_test_id("wizard-next").click()
    page.get_by_test_id("wizard-step").locator(".q-field--error").first.wait_for()
    page.get_by_test_id("wizard-name").fill(name)
    choose(page, "wizard-product", product["name"])
    page.get_by_test_id("wizard-next").click()
    in_step(page, "packages")
    page.get_by_test_id("wizard-components-0-releases-0").fill(package["name"])
    page.get_by_role("option", name=package["name"]).click()
    page.get_by_test_id("wizard-component-0").get_by_text(said["verified"], exact=True).wait_for()
    page.get_by_test_id("wizard-next").click()
    in_step(page, "scope")
    page.get_by_text(said["count"]).wait_for()
    page.reload()
    page.wait_for_function("() => window.did_handshake === true")
    in_step(page, "scope")
    page.get_by_text(said["count"]).wait_for()
    page.get_by_test_id("wizard-next").click()
    in_step(page, "window")
    page.get_by_test_id("wizard-next").click()
    in_step(page, "strategy")
    page.get_by_test_id("wizard-mode").get_by_role("radio").nth(1).click()
    page.get_by_test_id("wizard-texts-zh").fill("修复已知问题")
    page.get_by_test_id("wizard-texts-en").fill("Known problems are repaired")
    page.get_by_test_id("wizard-next").click()
    in_step(page, "groups")
    page.get_by_test_id("wizard-next").click()
    in_step(page, "review")
    sentences = page.get_by_test_id("plan-sentences").inner_text()
    assert said["everybody"] in sentences
    assert said["asked"] in sentences
    assert plan_of(studio, name)["state"] == "draft"
    page.get_by_test_id("wizard-activate").click()
    assert said["final"] in page.get_by_role("alertdialog").inner_text()
    assert page.get_by_test_id("activate-yes").is_disabled()
    page.get_by_test_id("activate-sure").click()
    page.get_by_test_id("activate-yes").click()
    page.wait_for_url(f"**/console/plans/{plan_of(studio, name)['id']}")
    plan = plan_of(studio, name)
    assert (plan["state"], plan["is_silent"], set(plan["texts"])) == ("running", False, {"zh", "en"})
    return plan["id"]


def watch(studio, desk, number, said):
    """The monitor of the plan that was activated: users confirm, and it tells by itself how it goes on."""
    page = desk.page
    state = page.get_by_test_id("plan-state")
    state.wait_for()
    assert said["running"] in state.inner_text()
    page.get_by_test_id("confirm-all").click()
    page.get_by_test_id("wish-yes").click()
    page.locator('[data-testid="count-upgraded"]', has_text="2").wait_for(timeout=WAIT_S * 1000)
    page.locator('[data-testid="count-no_update"]', has_text="1").wait_for(timeout=WAIT_S * 1000)
    dk = next(
        one["dk"]
        for one in studio.api("GET", f"/v1/plans/{number}/upgrades")["items"]
        if one["status_name"] == "upgraded"
    )
    page.get_by_test_id(f"log-{dk}").click()
    page.get_by_test_id("upgrade-log").get_by_text(said["upgraded"]).first.wait_for()
