"""The terminal in a real browser, on the REPL of real virtual modules."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.timeout(300)  # a browser, a server and a rack on a machine that is busy


def screen(page):
    """What stands in the terminal, scrolled away or not."""
    return page.evaluate(
        "() => { const one = document.querySelector('[data-testid=terminal]');"
        " return one && window.mTerminal ? mTerminal.text(Number(one.id.slice(1))) : '' }"
    )


def wait_text(page, words, count=1):
    """Wait until words stand in the terminal, that many times."""
    page.wait_for_function(
        "([words, count]) => { const one = document.querySelector('[data-testid=terminal]');"
        " return one && window.mTerminal && one.querySelector('.xterm')"
        " && mTerminal.text(Number(one.id.slice(1))).split(words).length > count }",
        arg=[words, count],
    )


def opened(made, name, *, more=""):
    page = made.open(f"/studio/terminal?port=virt:{name}{more}")
    page.locator("[data-testid=link-state][data-state=connected]").wait_for()
    wait_text(page, ">>> ")
    page.locator("[data-testid=terminal] .xterm-helper-textarea").focus()
    return page


@pytest.mark.parametrize("lang", ["en", pytest.param("zh", marks=pytest.mark.sweep)])
def test_terminal_when_typed_into_then_the_module_answers_and_everything_outlives_a_reload(seat, studio, lang):
    made = seat(lang=lang, size="narrow" if lang == "zh" else "wide")
    name = {"en": "m1", "zh": "m2"}[lang]
    page = opened(made, name)
    assert page.get_by_test_id("link-state").inner_text().split()[-1] == {"en": "Connected", "zh": "已连接"}[lang]
    page.keyboard.type("print(6*7)\n")
    wait_text(page, "\n42")
    page.keyboard.type("print('中文✓')\n")
    wait_text(page, "\n中文✓")
    page.keyboard.type("import modem\nmodem.getDevIm")
    wait_text(page, ">>> modem.getDevIm")
    page.keyboard.press("Tab")
    wait_text(page, ">>> modem.getDevImei")
    page.keyboard.press("Control+c")
    line = page.get_by_test_id("line")
    line.fill("for i in range(2):\n    print('第', i, '行')")
    line.press("Enter")
    wait_text(page, "\n第 1 行")
    page.locator("[data-testid=terminal] .xterm-helper-textarea").focus()
    page.keyboard.press("ArrowUp")  # the block is for the line below; before it stands what was typed
    wait_text(page, ">>> import modem", 2)
    page.keyboard.press("ArrowUp")
    wait_text(page, ">>> print('\\u4e2d\\u6587\\u2713')", 2)
    page.keyboard.press("ArrowUp")
    wait_text(page, ">>> print(6*7)", 2)
    page.keyboard.press("Enter")
    wait_text(page, "\n42", 2)

    page.keyboard.press("Control+r")
    page.get_by_test_id("history-filter").fill("6*7")
    page.get_by_test_id("history-filter").press("Enter")
    wait_text(page, ">>> print(6*7)", 3)
    page.keyboard.press("Enter")
    wait_text(page, "\n42", 3)

    page.reload()
    wait_text(page, "\n42", 3)
    assert "\n中文✓" in screen(page)
    page.get_by_test_id("look-lang").click()
    page.wait_for_function(
        "lang => document.documentElement?.lang.startsWith(lang)", arg={"en": "zh", "zh": "en"}[lang]
    )
    wait_text(page, "\n42", 3)

    with page.expect_download() as saved:
        page.get_by_test_id("save-log").click()
    log = saved.value.path().read_text("utf-8")
    assert ">>> print(6*7)\n42\n" in log
    assert "=== for i in range(2):\n" in log
    assert "\n第 1 行\n" in log
    page.get_by_test_id("stamps").click()
    page.wait_for_function("() => location.search.includes('stamps')")
    page.wait_for_function(
        "() => /\\d\\d:\\d\\d:\\d\\d\\.\\d{3} 中文✓/.test("
        "mTerminal.text(Number(document.querySelector('[data-testid=terminal]').id.slice(1))))"
    )
    with page.expect_download() as saved:
        page.get_by_test_id("save-log").click()
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3}  中文✓$", saved.value.path().read_text("utf-8"), re.MULTILINE)

    page.get_by_test_id("search").click()
    page.get_by_test_id("search-for").fill("中文✓")
    page.get_by_test_id("search-for").press("Enter")
    found = page.get_by_test_id("found")
    found.filter(has_text=re.compile("1")).wait_for()
    selected = page.evaluate(
        "() => getElement(Number(document.querySelector('[data-testid=terminal]').id.slice(1))).terminal.getSelection()"
    )
    assert selected == "中文✓"


def test_module_when_reset_then_the_terminal_says_so_and_is_there_again(seat, studio):
    page = opened(seat(), "m3")
    studio.moduline("virt", "power", "m3", "reset")
    wait_text(page, "connected again to virt:m3")
    assert "virt:m3 went away" in screen(page)
    page.locator("[data-testid=terminal] .xterm-helper-textarea").focus()
    wait_text(page, ">>> ", 2)
    page.keyboard.type("print(5*5)\n")
    wait_text(page, "\n25")
    # a command beside the server gets the port although the terminal has it, and the terminal gets it back
    assert studio.moduline("exec", "print(7*7)", "--port", "virt:m3").split() == ["49"]
    wait_text(page, "it comes back afterwards")
    wait_text(page, "connected again to virt:m3", 2)
    page.get_by_test_id("connect").click()
    page.locator("[data-testid=link-state][data-state=released]").wait_for()
    page.get_by_test_id("connect").click()
    page.locator("[data-testid=link-state][data-state=connected]").wait_for()


def test_terminal_when_two_look_then_one_writes_and_the_other_takes_over(seat):
    first, second = opened(seat(), "m1"), opened(seat(lang="zh"), "m1")
    first.keyboard.type("print('a' + 'b')\n")
    wait_text(second, "\nab")
    second.get_by_test_id("take-over").wait_for()
    second.keyboard.type("print(1)\n")
    second.get_by_text("另一页面正在输入", exact=False).first.wait_for()
    second.get_by_test_id("take-over").click()
    first.get_by_test_id("take-over").wait_for()
    second.locator("[data-testid=terminal] .xterm-helper-textarea").focus()
    second.keyboard.type("print('c' + 'd')\n")
    wait_text(first, "\ncd")


def test_command_when_made_then_its_button_sends_it_and_it_can_be_carried(seat, tmp_path, again):
    name, other = f"Sum{again}", f"内存{again}"
    page = opened(seat(), "m2")
    page.get_by_test_id("commands-edit").click()
    page.get_by_test_id("command-name").fill(name)
    page.get_by_test_id("command-text").fill("def add(a, b):\n    return a + b\n\nprint('sum', add(20, 3))")
    page.get_by_test_id("command-add").click()
    page.get_by_test_id("command").filter(has_text=name).wait_for(state="attached")
    with page.expect_download() as saved:
        page.get_by_test_id("commands-export").click()
    told = json.loads(saved.value.path().read_text("utf-8"))
    assert told["commands"][-1]["name"] == name
    more = tmp_path / "more.json"
    more.write_text(json.dumps(told | {"commands": [{"name": other, "text": "print(3)"}]}), "utf-8")
    page.locator("[data-testid=commands-file] input[type=file]").set_input_files(str(more))
    page.get_by_test_id("command").filter(has_text=other).wait_for(state="attached")
    page.keyboard.press("Escape")
    page.get_by_test_id("commands-dialog").wait_for(state="detached")
    page.get_by_test_id("command").filter(has_text=name).click()
    wait_text(page, "\nsum 23")
