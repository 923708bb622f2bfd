"""Burning through the page: a real package into a virtual module, and what the module holds afterwards."""

from __future__ import annotations

import pytest

from moduline.burn import all_records
from moduline.release.firmware import firmware_file
from moduline.release.produce import Options, produce
from web.chromium import axe_findings, overflow
from web.studio_rack import StudioRack

MAIN = "PROJECT_NAME = 'page'\nPROJECT_VERSION = '1.0.0'\nprint('burnt through the page')\n"
BURN_MS = 90_000


@pytest.fixture
def rack(studio, monkeypatch):
    monkeypatch.setenv("MODULINE_HOME", str(studio.home))
    made = StudioRack()
    yield made
    made.close()


@pytest.fixture(scope="module")
def merged(studio):
    """A project merged into the stock firmware, below the root; its path there."""
    project = studio.root / "burnt"
    (project / "usr").mkdir(parents=True)
    (project / "usr" / "main.py").write_text(MAIN)
    (project / "moduline.toml").write_text('module = "ec600u"\n')
    made = produce(project, firmware_file("ec600u", "zip"), Options(), "stock.zip")
    (studio.root / "burnt.zip").write_bytes(made.data)
    return "burnt.zip"


@pytest.mark.timeout(600)
def test_burn_when_chosen_planned_and_confirmed_then_the_module_holds_the_package(seat, rack, merged):
    """Module, package, plan, burn, result: the flash of the module and the record agree with the page."""
    name = rack.add("ec600u")
    before = rack.firmware_erases(name)
    page = seat(lang="en").open("/studio/burn")
    page.get_by_test_id("burn-modules").get_by_text(f"{name} ·").click()
    page.get_by_test_id("burn-choose").click()
    page.locator(f'[data-path="{merged}"]').click()
    page.get_by_test_id("plan-for").filter(has_text="EC600U").wait_for()
    assert "IMEI and radio calibration" in page.get_by_test_id("burn-plan").inner_text()
    assert rack.firmware_erases(name) == before
    page.get_by_test_id("burn-act").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("burn-outcome").filter(has_text="PASS").wait_for(timeout=BURN_MS)

    one = rack.modules()[name]
    assert page.get_by_test_id("burn-imei").inner_text() == one["imei"]
    assert page.get_by_test_id("burn-after").inner_text() == one["version"]
    number = page.get_by_test_id("burn-record").inner_text()
    (record,) = [kept for kept in all_records() if kept.id == number]
    assert (record.outcome, record.imei, record.package) == ("PASS", one["imei"], "burnt.zip")
    assert rack.files(name)["main.py"] == MAIN.encode()
    assert rack.firmware_erases(name)["system"] > before["system"]
    told = page.get_by_test_id("burn-steps").inner_text()
    assert "writing AP" in told
    assert "failed" not in told

    page.reload()  # a reload shows the same burn, from what is kept
    page.get_by_test_id("burn-record").filter(has_text=number).wait_for()
    page.get_by_test_id("plan-for").filter(has_text="EC600U").wait_for()


@pytest.mark.timeout(600)
def test_burn_when_the_chip_has_no_way_by_at_then_the_guide_leads_to_the_pin(seat, studio, rack, axe):
    """The picture, the sentence and the seconds; the burn goes on by itself once the pin is held."""
    name = rack.add("ec600e")
    (studio.root / "eigen.zip").write_bytes(firmware_file("ec600e"))
    page = seat(lang="zh", size="narrow", theme="dark").open(f"/studio/burn?port=virt:studio/{name}&file=eigen.zip")
    page.get_by_test_id("plan-for").wait_for()
    page.get_by_test_id("burn-act").click()
    page.get_by_test_id("ask-yes").click()
    guide = page.get_by_test_id("boot-pin-guide")
    guide.wait_for(timeout=BURN_MS)
    assert guide.get_by_text("按住 BOOT 按键不放").is_visible()
    assert guide.get_by_role("img").bounding_box()["width"] > 200
    first = int("".join(filter(str.isdigit, page.get_by_test_id("pin-left").inner_text())))
    page.wait_for_function(
        "(first) => parseInt(document.querySelector('[data-testid=pin-left]').textContent.replace(/\\D/g, '')) < first",
        arg=first,
    )
    assert overflow(page) == []
    assert axe_findings(page, axe) == []
    page.get_by_test_id("pin-virtual").click()
    page.get_by_test_id("burn-outcome").filter(has_text="成功").wait_for(timeout=BURN_MS)
    assert guide.count() == 0
    assert page.get_by_test_id("burn-after").inner_text() == rack.modules()[name]["version"]


@pytest.mark.timeout(600)
def test_burn_when_the_package_is_for_another_model_then_refused_and_the_flash_is_as_it_was(seat, studio, rack, merged):
    """The plan says it beforehand; the burn is refused with its remedy; not one sector was erased."""
    name = rack.add("eg915u")
    before = rack.firmware_erases(name)
    page = seat(lang="en").open(f"/studio/burn?port=virt:studio/{name}&file={merged}")
    page.get_by_test_id("burn-plan").get_by_role("alert").filter(has_text="EG915U").wait_for()
    page.get_by_test_id("burn-act").click()
    page.get_by_test_id("ask-yes").click()
    page.get_by_test_id("burn-outcome").filter(has_text="REFUSED").wait_for(timeout=BURN_MS)
    assert "ML-E07" in page.get_by_test_id("burn-error").inner_text()
    assert rack.firmware_erases(name) == before
    (studio.root / "junk.zip").write_bytes(b"PK\x03\x04 no package")
    page.goto(f"{studio.url}/studio/burn?port=virt:studio/{name}&file=junk.zip")
    page.get_by_test_id("burn-plan").get_by_role("alert").wait_for()
    assert page.get_by_test_id("burn-act").is_disabled()
