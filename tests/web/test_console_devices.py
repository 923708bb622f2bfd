"""Devices in the browser: imported, searched, filtered, tagged, switched off, saved; one of them looked at."""

from __future__ import annotations

import csv
import io
import re

import pytest

WORDS = {
    "en": {"two": "2 devices", "faulty": "1 lines cannot", "off": "switched off", "none": "No device matches.",
           "waits": "offline", "done": "3 new, 0 were known.", "chosen": "2 chosen"},
    "zh": {"two": "共 2 台设备", "faulty": "有误 1 行", "off": "已停用", "none": "没有符合条件的设备。",
           "waits": "设备离线", "done": "新增 3 台，已存在 0 台。", "chosen": "已选 2 台"},
}  # fmt: skip


def keys(page):
    return page.locator("tr[data-dk]").evaluate_all("rows => rows.map((row) => row.dataset.dk)")


def shows(page, wanted):
    """Wait until the table has these devices and no others."""
    page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('tr[data-dk]')].map((r) => r.dataset.dk)) === wanted",
        arg=str(wanted).replace("'", '"').replace(", ", ","),
    )


def device(studio, product, dk):
    return studio.api("GET", f"/v1/devices?product={product}&dk={dk}")["items"][0]


@pytest.mark.parametrize("lang", ["en", pytest.param("zh", marks=pytest.mark.sweep)])
def test_devices_when_imported_filtered_and_changed_then_the_platform_knows(studio, seat, lang, again):
    said, head = WORDS[lang], {"en": "71", "zh": "72"}[lang] + again
    product = studio.api("POST", "/v1/products", {"name": f"fleet {lang}{again}"})["id"]
    known = [f"{head}000000000000{at}" for at in range(3)]
    page = seat(lang=lang).open(f"/console/devices?product={product}")

    page.get_by_test_id("devices-import").click()
    rows = "".join(f"{dk},1.{at},pilot,SN-{head}-{at}\n" for at, dk in enumerate(known))
    page.locator('[data-testid="devices-import-file"] input').set_input_files(
        {
            "name": "fleet.csv",
            "mimeType": "text/csv",
            "buffer": f"dk,version,tags,attr.line.unit\n{rows}!,,,\n".encode(),
        }
    )
    assert said["faulty"] in page.get_by_test_id("devices-import-found").inner_text()
    page.get_by_test_id("devices-import-yes").click()
    assert page.get_by_test_id("devices-import-done").inner_text() == said["done"]
    page.get_by_test_id("devices-import-close").click()
    shows(page, known)
    assert device(studio, product, known[1])["versions"][0]["version"] == "1.1"

    page.get_by_test_id("devices-q").fill(f"SN-{head}-2")
    shows(page, known[2:])
    page.wait_for_url(re.compile(rf"q=SN-{head}-2"))
    page.get_by_test_id("devices-q").fill("")
    shows(page, known)
    page.get_by_test_id("devices-filter").fill("version<1.2;tag==pilot")
    shows(page, known[:2])
    assert page.get_by_test_id("devices-count").inner_text() == said["two"]
    page.get_by_test_id("devices-filter").fill("version<1.2;tag=")
    page.get_by_test_id("devices-filter-at").wait_for()
    assert page.get_by_test_id("devices-filter-at").inner_text() == "=", "the place of the fault is marked"
    page.get_by_test_id("devices-filter").fill("version<1.2;tag==nobody")
    page.get_by_text(said["none"]).wait_for()
    page.get_by_test_id("devices-filter").fill("version<1.2")
    shows(page, known[:2])
    page.wait_for_url(re.compile(r"filter=version%3C1\.2$"))
    page.reload()
    shows(page, known[:2])

    with page.expect_download() as saved:
        page.get_by_test_id("devices-export").click()
    table = list(csv.DictReader(io.StringIO(saved.value.path().read_text("utf-8-sig"))))
    assert [row["dk"].lstrip("'") for row in table] == known[:2]

    for dk in known[:2]:
        page.locator(f'tr[data-dk="{dk}"] [role="checkbox"]').click()
    page.get_by_text(said["chosen"]).wait_for()
    page.get_by_test_id("devices-do-tag").click()
    page.get_by_test_id("devices-tag-give").fill("site=柏林, north")
    page.get_by_test_id("devices-tag-take").fill("pilot")
    page.get_by_test_id("form-yes").click()
    page.locator(f'tr[data-dk="{known[0]}"]').get_by_text("site=柏林").wait_for()
    tags = device(studio, product, known[0])["tags"]
    assert (tags["site"], tags["north"], "pilot" in tags) == ("柏林", "", False)
    assert "pilot" in device(studio, product, known[2])["tags"]

    page.goto(f"{studio.url}/console/devices?product={product}")
    page.get_by_test_id("devices-do-off").click()
    page.get_by_test_id("ask-yes").click()
    page.locator(f'tr[data-dk="{known[2]}"]').get_by_text(said["off"]).wait_for()
    assert [device(studio, product, dk)["is_enabled"] for dk in known] == [False] * 3


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.sweep)])
def test_device_when_looked_at_then_it_says_why_it_waits_and_changes_show_by_themselves(studio, seat, lang, again):
    dk = f"73000000000000{('en', 'zh').index(lang)}{again}"
    product = studio.api("POST", "/v1/products", {"name": f"one {lang}{again}"})["id"]
    unit = {"dk": dk, "version": "1.0", "attributes": {"line.unit": f"SN-{dk}"}}
    studio.api("POST", "/v1/devices/import", {"product": product, "units": [unit]})
    one = device(studio, product, dk)
    page = seat(lang=lang, size="narrow").open(f"/console/devices/{one['id']}")
    page.get_by_test_id("device-qr").locator("svg").wait_for()
    page.get_by_test_id("device-versions").get_by_text("1.0").wait_for()

    studio.api("PATCH", f"/v1/devices/{one['id']}", {"is_enabled": False})
    page.get_by_test_id("device-state").get_by_text(WORDS[lang]["off"]).wait_for()
    page.get_by_test_id("device-on").click()
    page.get_by_test_id("device-off").wait_for()
    assert device(studio, product, dk)["is_enabled"] is True
    page.get_by_test_id("device-tag").fill("lab=7")
    page.get_by_test_id("device-tag-add").click()
    page.get_by_test_id("device-tags").get_by_text("lab=7").wait_for()
    assert device(studio, product, dk)["tags"]["lab"] == "7"
    page.get_by_test_id("device-token").click()
    page.get_by_test_id("ask-yes").click()
    assert len(page.get_by_test_id("secret").inner_text()) >= 16
    page.get_by_test_id("secret-kept").click()
    page.get_by_test_id("device-raw").click()
    page.get_by_text(f'"dk": "{dk}"').first.wait_for()
    page.get_by_test_id("device-delete").click()
    page.get_by_test_id("ask-yes").click()
    page.wait_for_url("**/console/devices?product=*")
    assert studio.api("GET", f"/v1/devices?product={product}")["items"] == []
