"""Products in the browser: made with keys, their secret shown on demand, rules that the platform keeps, gone again."""

from __future__ import annotations

import pytest

WORDS = {
    "en": {"held": "Now: 1 devices, 0 plans.", "note": "noted in the audit log", "bad": "name"},
    "zh": {"held": "当前：设备 1 台，升级计划 0 个。", "note": "审计日志", "bad": "名称"},
}


def products(studio):
    return studio.api("GET", "/v1/products?limit=1000")["items"]


@pytest.mark.parametrize("lang", ["en", pytest.param("zh", marks=pytest.mark.sweep)])
def test_product_when_made_changed_and_deleted_then_the_platform_knows(studio, seat, lang):
    name = f"<b>meter</b> 水表 {lang}"
    page = seat(lang=lang).open("/console/products")
    page.get_by_test_id("products-new").click()
    page.get_by_test_id("products-name").fill(name)
    page.get_by_test_id("form-yes").click()
    page.wait_for_url("**/console/products/*")
    made = next(one for one in products(studio) if one["name"] == name)
    assert page.get_by_test_id("product-name").inner_text() == name
    assert page.get_by_test_id("product-pk").inner_text() == made["pk"]
    assert page.get_by_text(WORDS[lang]["note"]).count() == 1

    assert page.get_by_test_id("product-ps").count() == 0, "nobody reads it over a shoulder"
    page.get_by_test_id("product-reveal").click()
    secret = page.get_by_test_id("product-ps").inner_text()
    assert secret == studio.api("POST", f"/v1/products/{made['id']}/secret")["ps"]
    page.get_by_test_id("product-hide").click()
    page.get_by_test_id("product-ps").wait_for(state="detached")

    page.get_by_test_id("product-needs_rehearsal").click()
    page.get_by_test_id("product-rename").fill(f"meters {lang}")
    page.get_by_test_id("product-save").click()
    page.locator(".m-notice").first.wait_for()
    page.get_by_test_id("product-poll_s").fill("60")
    page.get_by_test_id("product-ddi-save").click()
    page.locator(".m-notice").nth(1).wait_for()
    now = studio.api("GET", f"/v1/products/{made['id']}")
    assert (now["name"], now["settings"]["needs_rehearsal"]) == (f"meters {lang}", True)
    assert studio.api("GET", f"/v1/products/{made['id']}/ddi")["poll_s"] == 60

    device = studio.api("POST", "/v1/devices", {"product": made["id"], "dk": f"held-{lang}"})
    page.reload()
    assert WORDS[lang]["held"] in page.get_by_test_id("product-held").inner_text()
    studio.api("DELETE", f"/v1/devices/{device['id']}")
    page.reload()
    page.get_by_test_id("product-delete").click()
    page.get_by_test_id("ask-yes").click()
    page.wait_for_url("**/console/products")
    assert made["id"] not in [one["id"] for one in products(studio)]
