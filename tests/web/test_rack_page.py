"""The virtual rack through its page: what is clicked happens to the modules."""

from __future__ import annotations

import pytest

from web.chromium import axe_findings, overflow
from web.studio_rack import StudioRack


@pytest.fixture
def rack(studio, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(studio.home))
    made = StudioRack()
    yield made
    made.close()


@pytest.mark.timeout(600)
def test_rack_when_a_module_is_brought_up_switched_and_deleted_then_it_is_so(seat, studio, rack):
    """Power, reset, boot pin, cable, scenario: every button has the effect of the command of its name."""
    own = rack.next_name()
    page = seat(lang="en").open("/studio/rack")

    def until(word, name=own):
        page.get_by_test_id(f"module-{name}").filter(has_text=word).wait_for()

    page.get_by_test_id("rack-more").click()
    page.get_by_test_id("more-act").click()
    until("running")
    assert rack.modules()[own]["module"] == "ec600u"
    page.get_by_test_id(f"boot-pin-{own}").click()
    until("download")
    assert list(rack.modules()[own]["ports"]) == ["download"]
    page.get_by_test_id(f"reset-{own}").click()
    until("running")
    page.get_by_test_id(f"cable-{own}").click()
    until("cable out")
    assert list(rack.modules()[own]["ports"]) == ["uart2"]
    page.get_by_test_id(f"cable-{own}").click()
    page.get_by_test_id(f"module-{own}").filter(has_not_text="cable out").wait_for()
    page.get_by_test_id(f"power-{own}").click()
    until("Power on")
    assert rack.modules()[own]["state"] == "off"
    rack.ask("power", own, action="on")  # what others do is seen, too
    until("running")

    text = '[[modules]]\nname = "meter"\nmodule = "ec600u"\nblank = true\nfaults = ["silent"]\n'
    (studio.root / "basement.toml").write_text(text)
    page.get_by_test_id("rack-scenario").click()
    page.locator('[data-path="basement.toml"]').click()
    page.get_by_test_id("scenario-act").click()
    until("no boot code", "meter")
    assert rack.modules()["meter"]["faults"] == ["silent"]
    for name in ("meter", own):
        page.get_by_test_id(f"details-{name}").click()
        page.get_by_test_id(f"delete-{name}").click()
        page.get_by_test_id("ask-yes").click()
        page.get_by_test_id("rack-summary").filter(has_text="running").wait_for()
        assert name not in rack.modules()


@pytest.mark.timeout(600)
def test_module_when_its_network_and_faults_are_changed_then_the_radio_and_the_flash_show_it(seat, rack, axe):
    """Signal by keyboard, registration, a fault armed and ended; what the flash does appears by itself."""
    own = rack.add("ec600u")
    page = seat(lang="zh", size="narrow", theme="dark").open(f"/studio/rack?module=studio/{own}")
    page.get_by_test_id("module-state").filter(has_text="运行中").wait_for()
    assert rack.modules()[own]["imei"] in page.get_by_test_id(f"module-{own}").inner_text()
    assert page.get_by_test_id("ports").get_by_text(rack.modules()[own]["ports"]["repl"], exact=True).is_visible()

    page.get_by_test_id("signal-word").filter(has_text="24 · ").wait_for()  # it has found its cell
    page.get_by_test_id("signal-slider").locator('[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    page.get_by_test_id("signal-word").filter(has_text="25 · −63 dBm").wait_for()
    assert rack.modules()[own]["signal"]["rssi"] == 25
    page.get_by_test_id("registration").click()
    page.get_by_role("option", name="拒绝").click()
    page.get_by_test_id("registration-now").filter(has_text="被网络拒绝").wait_for()
    page.get_by_test_id("as-planned").click()
    page.get_by_test_id("registration-now").filter(has_text="已注册").wait_for()
    assert rack.modules()[own]["faults"] == []

    page.get_by_test_id("fault-operation").fill("700")
    page.get_by_test_id("fault-word").filter(has_text="cut@700").wait_for()
    page.get_by_test_id("fault-add").click()
    end = page.get_by_test_id("fault-end-cut@700")
    end.wait_for()
    assert rack.modules()[own]["faults"] == ["cut@700"]
    end.click()
    end.wait_for(state="detached")
    assert rack.modules()[own]["faults"] == []

    before = rack.ask("operations", own)["last"]
    page.get_by_test_id(f"reset-{own}").click()  # the boot code reads the flash anew
    page.get_by_test_id("flash-operations").get_by_text(f"{before + 1}").first.wait_for()
    wear = rack.ask("wear", own)
    page.get_by_test_id("flash-facts").filter(has_text=f"累计擦除 {wear['erases']} 次").wait_for()
    assert page.get_by_test_id("flash-map").get_by_role("img").count() == len(wear["partitions"])
    page.get_by_test_id("operations-pause").click()
    page.get_by_text("已暂停显示").wait_for()
    assert overflow(page) == []
    assert axe_findings(page, axe) == []
