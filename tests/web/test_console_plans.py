"""Plans in a browser beside the walk: what stands in the way, what people do to a running plan, what others do, hostile names."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.timeout(300)
HOSTILE = "<img src=x onerror=window.stolen=1>"


@pytest.fixture(scope="module")
def product(studio):
    return studio.api("POST", "/v1/products", {"name": f"lamp {HOSTILE}"})


@pytest.fixture(scope="module")
def package(studio):
    """A delta package whose name is hostile."""
    asked = urllib.request.Request(
        f"{studio.api_url}/v1/artifacts/files/lamp.bin", data=b"lamp" * 100, method="PUT",
        headers={"Authorization": f"Bearer {studio.token}"},
    )  # fmt: skip
    with urllib.request.urlopen(asked, timeout=60) as answer:
        file = json.loads(answer.read())
    new = {"name": f"fw {HOSTILE}", "source": "V1", "target": "V2"}
    return studio.api("POST", "/v1/artifacts", new | {"files": [{"name": "lamp.bin", "sha256": file["sha256"]}]})


def add_devices(studio, product, count, prefix="lamp"):
    keys = [f"{prefix}{at:04}" for at in range(count)]
    for dk in keys:
        studio.api("POST", "/v1/devices", {"product": product["id"], "dk": dk})
    return keys


def draft(studio, product, package, name, **more):
    now = datetime.now(UTC)
    times = {"start": now - timedelta(hours=1), "end": now + timedelta(days=1)}
    plan = {"name": name, "product": product["id"], "zone": "UTC"}
    plan |= {word: at.strftime("%Y-%m-%dT%H:%M") for word, at in times.items()}
    plan["components"] = [{"component": "mod", "releases": [{"artifact": package["id"]}]}]
    return studio.api("POST", "/v1/plans", plan | more)


def test_draft_when_proofs_are_missing_then_waived_with_a_reason_and_activated(studio, seat, product, package, again):
    strategy = {"needs_verification": True, "needs_rehearsal": True}
    plan = draft(studio, product, package, f"prove {HOSTILE}{again}", strategy=strategy)
    page = seat(lang="en").open("/console")
    page.get_by_test_id("matter-proof").get_by_role("link", name=f"prove {HOSTILE}{again}").click()
    page.wait_for_url(f"**/console/plans/{plan['id']}")
    assert page.get_by_test_id("plan-activate").is_disabled()
    assert f"fw {HOSTILE}" in page.get_by_test_id("plan-sentences").inner_text()
    for proof in ("verification", "rehearsal"):
        page.get_by_test_id(f"waive-{proof}").click()
        assert page.get_by_test_id("waive-yes").is_disabled()
        page.get_by_test_id("waive-reason").fill(f"three on the desk {HOSTILE}")
        page.get_by_test_id("waive-yes").click()
        page.get_by_test_id(f"waive-{proof}").wait_for(state="detached")
    page.get_by_test_id("plan-activate").click()
    page.get_by_test_id("activate-sure").click()
    page.get_by_test_id("activate-yes").click()
    page.get_by_test_id("plan-suspend").wait_for()
    found = studio.api("GET", f"/v1/plans/{plan['id']}")
    assert found["state"] == "running"
    assert {one["proof"] for one in found["waivers"]} == {"verification", "rehearsal"}
    assert page.evaluate("() => window.stolen") is None, "names are only names"


def test_plan_when_others_change_it_then_the_open_page_says_so_and_people_act_on_it(
    studio, seat, product, package, again
):
    keys = add_devices(studio, product, 3, f"lamp{again}")
    stages = [{"percent": 34, "success_percent": 50, "failure_percent": 20, "failure_least": 1}, {"percent": 100}]
    strategy = {"stages": stages, "failure_percent": 10, "failure_least": 2}
    plan = draft(studio, product, package, f"灯 v2{again}", strategy=strategy, white=keys)
    path = f"/v1/plans/{plan['id']}"
    studio.api("POST", f"{path}/activate")
    desk = seat(lang="zh", size="narrow", theme="dark")
    page = desk.open(f"/console/plans/{plan['id']}")
    page.locator('[data-testid="plan-state"]', has_text="运行中").wait_for()
    page.get_by_test_id("group-0").wait_for()
    page.locator('[data-testid="count-not_upgraded"]', has_text=re.compile("^3$")).wait_for()
    studio.api("POST", f"{path}/suspend")
    page.get_by_test_id("plan-resume").wait_for()
    page.locator('[data-testid="plan-state"]', has_text="已暂停").wait_for()
    page.get_by_test_id("plan-resume").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("plan-suspend").wait_for()
    assert studio.api("GET", path)["state"] == "running"
    with page.expect_download() as told:
        page.get_by_test_id("export-upgrades").click()
    table = told.value.path().read_text("utf-8-sig")
    assert all(dk in table for dk in keys)
    page.get_by_test_id("plan-terminate").click()
    page.get_by_test_id("ask-yes").wait_for()
    page.keyboard.press("Escape")
    page.get_by_test_id("ask-yes").wait_for(state="detached")
    assert studio.api("GET", path)["state"] == "running", "Escape is no"
    page.get_by_test_id("plan-terminate").click()
    page.get_by_test_id("ask-yes").click()
    page.locator('[data-testid="plan-state"]', has_text="已终止").wait_for()
    assert studio.api("GET", path)["state"] == "terminated"
    page.get_by_test_id("plan-terminate").wait_for(state="detached")


def test_plan_when_its_devices_change_then_an_open_log_and_the_place_of_the_keyboard_stay(
    studio, seat, product, package, again
):
    keys = add_devices(studio, product, 3, f"desk{again}")
    asked = {"is_silent": False, "texts": {"zh": "请确认", "en": "Please agree"}}
    plan = draft(studio, product, package, f"hands busy{again}", white=keys, **asked)
    path = f"/v1/plans/{plan['id']}"
    studio.api("POST", f"{path}/activate")
    page = seat(lang="en").open(f"/console/plans/{plan['id']}")
    button = page.get_by_test_id(f"log-{keys[0]}")
    button.focus()
    page.keyboard.press("Enter")
    log = page.get_by_test_id("upgrade-log")
    log.wait_for()
    rows = {one["dk"]: one["id"] for one in studio.api("GET", f"{path}/upgrades")["items"]}

    def agree(dk):
        studio.api("POST", f"/v1/upgrades/{rows[dk]}/confirm", {"operation": 1})
        page.locator("tr", has_text=dk).get_by_role("cell", name="now", exact=True).wait_for()

    agree(keys[1])
    agree(keys[0])  # whose row is the button's own
    assert log.is_visible()
    page.keyboard.press("Escape")
    log.wait_for(state="detached")
    assert page.evaluate("() => document.activeElement.dataset.testid") == f"log-{keys[0]}"


def test_wizard_when_a_list_is_sent_and_a_filter_is_wrong_then_counted_and_said_at_the_field(
    studio, seat, product, package, again
):
    known = [one["dk"] for one in studio.api("GET", f"/v1/devices?product={product['id']}")["items"]]
    plan = draft(studio, product, package, f"listed{again}")
    page = seat(lang="en").open(f"/console/plans/new?plan={plan['id']}&step=3")
    page.get_by_test_id("wizard-scope").get_by_role("radio").nth(1).click()
    table = "id,dk\n" + "".join(f"{at},{dk}\n" for at, dk in enumerate([*known[:2], "unknown"]))
    page.get_by_test_id("wizard-white-csv").locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    count = min(len(known), 2)
    page.get_by_test_id("wizard-count").get_by_text(f"{count} known devices").wait_for()
    page.get_by_test_id("wizard-filter").fill("tag==")
    page.locator(".q-field--error", has_text="at 5").wait_for()
    page.locator(".q-field--error").evaluate("one => { one.isOld = true }")
    page.get_by_test_id("wizard-next").click()
    page.wait_for_function("() => [...document.querySelectorAll('.q-field--error')].some((one) => !one.isOld)")
    page.locator('[data-testid="wizard-go-scope"][aria-current="step"]').wait_for()
    page.get_by_test_id("wizard-filter").fill("")
    page.locator(".q-field--error").wait_for(state="detached")
    page.get_by_test_id("wizard-save").click()
    page.get_by_text("is saved").first.wait_for()
    found = studio.api("GET", f"/v1/plans/{plan['id']}")
    assert (found["has_white_list"], sorted(found["white"]), found["revision"]) == (
        True, sorted([*known[:2], "unknown"]), 2,
    )  # fmt: skip


def test_plan_when_the_viewer_may_only_look_then_nothing_to_press(studio, seat, product, package, again):
    plan = draft(studio, product, package, f"looked at{again}")
    session = studio.api("POST", "/v1/tokens", {"name": f"looker{again}", "role": "viewer"})["token"]
    page = seat(lang="en", session=session).open(f"/console/plans/{plan['id']}")
    page.get_by_test_id("plan-sentences").wait_for()
    for testid in ("plan-activate", "plan-edit", "plan-approve"):
        assert page.get_by_test_id(testid).count() == 0, testid
    page.goto(f"{studio.url}/console/plans/new?plan={plan['id']}")
    page.get_by_text("needs the role operator").wait_for()
