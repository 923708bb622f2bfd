"""The AT console in a real browser, on the AT port of a real virtual module."""

from __future__ import annotations

import re

import pytest

from moduline.vmodule import rack_client

pytestmark = pytest.mark.timeout(300)  # a browser, a server and a rack on a machine that is busy


def rows(page, kind):
    return page.locator(f"[data-testid=at-rows] [data-kind={kind}]")


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.sweep)])
def test_command_when_sent_then_its_answer_is_the_modules_own(seat, studio, lang, monkeypatch):
    page = seat(lang=lang, size="narrow" if lang == "zh" else "wide").open("/studio/at?port=virt:m2")
    page.locator("[data-testid=link-state][data-state=connected]").wait_for()
    monkeypatch.setenv("MODULINE_HOME", str(studio.home))
    known = {one["name"]: one for one in rack_client.ask("studio", "list")["modules"]}
    page.get_by_test_id("clear").click()
    line = page.get_by_test_id("at-line")
    line.fill("ATI")
    line.press("Enter")
    rows(page, "ok").nth(0).wait_for()
    said = rows(page, "info").all_inner_texts()
    assert f"Revision: {known['m2']['version']}" in "\n".join(said)
    page.get_by_test_id("at-filter").fill("IMEI 查询" if lang == "zh" else "imei")
    page.locator('[data-testid=at-take][data-command="AT+CSQ"]').wait_for(
        state="hidden"
    )  # the list is the filtered one
    page.locator('[data-testid=at-take][data-command="AT+CGSN"]').click()
    page.wait_for_function("() => document.querySelector('[data-testid=at-line]').value === 'AT+CGSN'")
    line.press("Enter")
    rows(page, "ok").nth(1).wait_for()
    assert known["m2"]["imei"] in rows(page, "info").last.inner_text()
    line.fill("AT+NOSUCH")
    line.press("Enter")
    rows(page, "error").nth(0).wait_for()
    assert {"en": "error", "zh": "错误"}[lang] in rows(page, "error").nth(0).inner_text()
    line.press("ArrowUp")
    line.press("ArrowUp")
    page.wait_for_function("() => document.querySelector('[data-testid=at-line]').value === 'AT+CGSN'")
    with page.expect_download() as saved:
        page.get_by_test_id("save-log").click()
    log = saved.value.path().read_text("utf-8")
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}  > AT\+CGSN$", log, re.MULTILINE)
    assert re.search(rf"^\d\d:\d\d:\d\d\.\d{{3}}    {known['m2']['imei']}$", log, re.MULTILINE)

    page.get_by_test_id("script").fill("AT\nAT+CPIN? => READY\nAT+NOSUCH => ERROR\nAT+CSQ => nonsense")
    page.get_by_test_id("script-run").click()
    said = {"en": "3 of 4 as expected", "zh": "4 步中 3 步符合预期"}[lang]
    page.get_by_test_id("script-said").get_by_text(said).wait_for()


def test_command_when_repeated_then_it_comes_until_stopped_and_a_jobs_question_gets_the_port(seat, studio):
    page = seat().open("/studio/at?port=virt:m1")
    page.locator("[data-testid=link-state][data-state=connected]").wait_for()
    page.get_by_test_id("clear").click()
    page.get_by_test_id("at-line").fill("AT+CSQ")
    page.get_by_test_id("every").fill("0.3")
    page.get_by_test_id("repeat").click()
    rows(page, "ok").nth(2).wait_for()
    page.get_by_test_id("repeat-stop").click()
    page.get_by_test_id("repeat-stop").wait_for(state="hidden")
    other = seat(lang="zh").open("/studio")
    card = other.locator('[data-testid=module][data-module="m1"]')
    card.get_by_test_id("identify").click()  # asks over the very port that the console holds
    other.get_by_text(re.compile("经 AT 查询")).wait_for()
    page.locator("[data-testid=at-rows] [data-kind=note]").filter(has_text="comes back afterwards").wait_for()
    page.locator("[data-testid=link-state][data-state=connected]").wait_for()
