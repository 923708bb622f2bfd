"""The page of modules and ports in a real browser: what comes and goes, and what can be done with it."""

from __future__ import annotations

import pytest

from moduline.vmodule import rack_client

pytestmark = pytest.mark.timeout(300)  # a browser, a server and a rack on a machine that is busy


@pytest.fixture(autouse=True)
def home(studio, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(studio.home))


def card(page, name):
    return page.locator(f'[data-testid=module][data-module="{name}"]')


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.sweep)])
def test_module_when_unplugged_then_it_leaves_the_page_and_comes_back(seat, studio, lang):
    known = {one["name"]: one for one in rack_client.ask("studio", "list")["modules"]}
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
    rack_client.ask("studio", "fault", name="m3", spec="unplug", is_off=False)
    card(page, "m3").wait_for(state="detached")
    assert "m3" in page.get_by_test_id("modules-off").inner_text()
    assert card(page, "m1").count() == 1
    rack_client.ask("studio", "fault", name="m3", spec="replug", is_off=False)
    card(page, "m3").wait_for()


def test_module_when_in_download_mode_then_the_page_says_so(seat, studio):
    page = seat(lang="zh").open("/studio")
    card(page, "m3").wait_for()
    rack_client.ask("studio", "power", name="m3", action="boot-pin")
    page.locator('[data-testid=module][data-module="m3"][data-state="download"]').wait_for()
    assert "下载模式" in card(page, "m3").inner_text()
    assert card(page, "m3").get_by_test_id("go-terminal").count() == 0
    assert card(page, "m3").get_by_test_id("go-burn").count() == 1
    rack_client.ask("studio", "power", name="m3", action="reset")
    page.locator('[data-testid=module][data-module="m3"][data-state="running"]').wait_for()


def test_rescue_when_main_loops_then_its_plan_is_shown_and_main_is_renamed(seat, studio):
    loop = studio.root / "loop.py"
    loop.write_text("import utime\nwhile True:\n    utime.sleep(1)\n")
    studio.moduline("cp", str(loop), ":/usr/main.py", "--port", "virt:m3")
    rack_client.ask("studio", "power", name="m3", action="reset")
    page = seat().open("/studio")
    page.locator('[data-testid=module][data-module="m3"][data-state="running"]').wait_for()
    card(page, "m3").get_by_test_id("rescue").click()
    plan = page.get_by_test_id("rescue-dialog")
    plan.get_by_text("Ctrl-C, for longer than a second").wait_for()
    plan.get_by_text("rename /usr/main.py to /usr/main.py.off", exact=False).wait_for()
    page.get_by_test_id("rescue-go").click()
    plan.get_by_text("main.py is now /usr/main.py.off", exact=False).wait_for()
    look = "import uos; print(uos.listdir('/usr')); uos.remove('/usr/main.py.off')"
    listed = studio.moduline("exec", look, "--port", "virt:m3")
    assert "'main.py.off'" in listed
    assert "'main.py'" not in listed
