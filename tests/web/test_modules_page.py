"""The page of modules and ports in a real browser: what comes and goes, and what can be done with it."""

from __future__ import annotations

import json

import pytest


def card(page, name):
    return page.locator(f'[data-testid=module][data-module="{name}"]')


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_module_when_unplugged_then_it_leaves_the_page_and_comes_back(seat, studio, lang):
    known = {one["name"]: one for one in json.loads(studio.moduline("virt", "list", "--json"))["modules"]}
    page = seat(lang=lang, size="narrow" if lang == "zh" else "wide").open("/studio")
    shown = card(page, "m3").inner_text()
    assert {"en": "Running", "zh": "运行中"}[lang] in shown
    for fact in (known["m3"]["imei"], known["m3"]["model"], known["m3"]["ports"]["repl"], "virt:m3"):
        assert fact in shown
    card(page, "m3").get_by_text(known["m3"]["version"]).wait_for()
    hrefs = [
        card(page, "m3").get_by_test_id(f"go-{one}").get_attribute("href")
        for one in ("terminal", "files", "burn", "at")
    ]
    assert hrefs == [f"/studio/{one}?port=virt:m3" for one in ("terminal", "files", "burn", "at")]
    studio.moduline("virt", "fault", "m3", "unplug")
    card(page, "m3").wait_for(state="detached")
    assert "m3" in page.get_by_test_id("modules-off").inner_text()
    assert card(page, "m1").count() == 1
    studio.moduline("virt", "fault", "m3", "replug")
    card(page, "m3").wait_for()


def test_module_when_in_download_mode_then_the_page_says_so(seat, studio):
    page = seat(lang="zh").open("/studio")
    card(page, "m3").wait_for()
    studio.moduline("virt", "power", "m3", "boot-pin")
    page.locator('[data-testid=module][data-module="m3"][data-state="download"]').wait_for()
    assert "下载模式" in card(page, "m3").inner_text()
    assert card(page, "m3").get_by_test_id("go-terminal").count() == 0
    assert card(page, "m3").get_by_test_id("go-burn").count() == 1
    studio.moduline("virt", "power", "m3", "reset")
    page.locator('[data-testid=module][data-module="m3"][data-state="running"]').wait_for()


def test_rescue_when_main_loops_then_its_plan_is_shown_and_main_is_renamed(seat, studio):
    loop = studio.root / "loop.py"
    loop.write_text("import utime\nwhile True:\n    utime.sleep(1)\n")
    studio.moduline("cp", str(loop), ":/usr/main.py", "--port", "virt:m3")
    studio.moduline("virt", "power", "m3", "reset")
    page = seat().open("/studio")
    page.locator('[data-testid=module][data-module="m3"][data-state="running"]').wait_for()
    card(page, "m3").get_by_test_id("rescue").click()
    plan = page.get_by_test_id("rescue-dialog")
    plan.get_by_text("Ctrl-C, for longer than a second").wait_for()
    plan.get_by_text("rename /usr/main.py to /usr/main.py.off", exact=False).wait_for()
    page.get_by_test_id("rescue-go").click()
    plan.get_by_text("main.py is now /usr/main.py.off", exact=False).wait_for()
    listed = studio.moduline("ls", ":/usr", "--port", "virt:m3")
    assert "main.py.off" in listed
    studio.moduline("rm", ":/usr/main.py.off", "--port", "virt:m3")
