"""The seed's OTA walk-through (seed 003), step by step, over real sockets; simulated devices, the clock in the hand."""

from __future__ import annotations

import pytest

from ota_fleet import Fleet
from ota_site import OtaSite
from quecthing_device import QuecThingDevice, flashes

HOUR = 3600.0


@pytest.fixture
def site(tmp_path):
    site = OtaSite(tmp_path / "ota")
    yield site
    site.stop()


@pytest.fixture
def fleet(site):
    fleet = Fleet(site.addresses.mqtt)
    yield fleet
    fleet.stop()


def until_known(site, product, count):
    """So many devices are online and have told their versions."""

    def are():
        found = site.get("/v1/devices", product=product["id"], is_online=True)["items"]
        return sum(bool(one["versions"]) for one in found) == count

    site.until(are)


def set_up(site, fleet, count=1, **wishes):
    """A product with devices of V1 that do not ask, and the package of V2."""
    product, ps = site.product()
    known = flashes(count, product["pk"], ps)
    devices = [fleet.add(flash, **({"asks": False} | wishes)) for flash in known]
    until_known(site, product, count)
    return product, devices, site.package()


def test_seed_when_walked_then_eight_devices_end_as_the_plan_says(site, fleet):
    """Product, devices by authenticating, package, verification, plan with both lists, activation, request, grid,
    acceptance, download, result, monitoring."""
    product, devices, package = set_up(site, fleet, 8)
    keys = [device.flash.dk for device in devices]
    found = site.get("/v1/devices", product=product["id"])["items"]
    found.sort(key=lambda one: one["dk"])
    assert [one["dk"] for one in found] == keys
    assert {one["origin"] for one in found} == {"contact"}
    assert found[0]["versions"] == [{"type": 0, "component": "", "version": "V1"}]
    assert {name: found[0]["facts"][name] for name in ("battery", "voltage", "signal", "free_flash", "model")} == {
        "battery": 80, "voltage": 3.82, "signal": -71, "free_flash": 500_000, "model": "EC600U",
    }  # fmt: skip

    run = site.post(f"/v1/artifacts/{package['id']}/verifications", device=found[0]["id"], component="mod")
    assert run["state"] == "verifying"
    site.until(lambda: site.get(f"/v1/artifacts/{package['id']}")["state"] == "passed")
    assert devices[0].results == [("mod", 11)]

    white, black = keys[:6], keys[4:6]
    strategy = {"min_battery": 30, "min_signal_dbm": -113, "disk_bytes": 19656}
    plan = site.plan(product, package, white=white, black=black, strategy=strategy)
    assert site.activate(plan)["state"] == "running"
    assert site.web.delete(f"/v1/plans/{plan['id']}").status_code == 409
    assert site.counters(plan) == {"not_upgraded": 4}

    fleet.do(devices[1], QuecThingDevice.request)
    site.until(lambda: site.counters(plan).get("upgraded") == 1)
    [offer] = devices[1].plans
    [one] = offer.components
    assert (one.component, one.source, one.target, one.type) == ("mod", "V1", "V2", 0)
    assert (one.battery_percent, one.signal_dbm, one.space_bytes) == (30, -113, 19656)
    assert [device.plans for device in devices[2:]] == [[]] * 6, "the others wait for the grid"

    site.to_grid()
    site.until(lambda: site.counters(plan) == {"upgraded": 3, "no_update": 1})
    assert [device.flash.version for device in devices] == ["V2"] * 4 + ["V1"] * 4
    assert [device.flash.installs for device in devices] == [["V2"]] * 4 + [[]] * 4
    site.turn(5.0)
    ended = site.get(f"/v1/plans/{plan['id']}")
    assert ended["state"] == "ended"
    assert ended["counters"]["success_rate"] == 1.0
    walked = site.log(site.upgrades(plan)[keys[2]])
    assert walked[0] == "plan sent"
    assert "upgrade succeeded" in walked[-1]
    assert site.notices == []


def test_download_when_loaded_then_as_the_vendors_client_reads_it(site, fleet):
    """Trap 4: canonical header names, a length, no chunks."""
    product, [device], package = set_up(site, fleet)
    site.activate(site.plan(product, package))
    fleet.do(device, QuecThingDevice.request)
    site.until(lambda: device.flash.version == "V2")
    [firmware] = device.firmware
    assert firmware.url.startswith(f"{site.addresses.device_http}/f/")
    assert (firmware.size_bytes, firmware.md5, firmware.sha256) == (12000, package["files"][0]["md5"], None)
    assert firmware.crc == package["files"][0]["crc32_mpeg2"]
    assert not firmware.files
    [head] = device.requests
    assert "Content-Length: 12000\r\n" in head
    assert "chunked" not in head.lower()


def test_device_when_it_wants_sha256_then_told_it(site, fleet):
    product, [device], package = set_up(site, fleet, digest="sha256")
    site.activate(site.plan(product, package))
    fleet.do(device, QuecThingDevice.request)
    site.until(lambda: device.flash.version == "V2")
    assert device.firmware[0].sha256 == package["files"][0]["sha256"]


def test_device_when_it_refuses_then_not_upgraded_and_asked_again_after_an_hour(site, fleet):
    """``otaAction(0)``."""
    product, [device], package = set_up(site, fleet, accepts=False)
    plan = site.plan(product, package)
    site.activate(plan)
    fleet.do(device, QuecThingDevice.request)
    site.until(lambda: site.upgrades(plan)[device.flash.dk]["reason"] is not None)
    refused = site.upgrades(plan)[device.flash.dk]
    assert (refused["status_name"], refused["reason"]["code"]) == ("not_upgraded", 110)
    for _ in range(6):
        site.to_grid()
    assert len(device.plans) == 1
    site.to_grid()
    site.until(lambda: len(device.plans) == 2)
    assert device.flash.version == "V1"


def test_window_when_closed_then_no_push_and_the_device_may_ask(site, fleet):
    """It is 16:00 in Shanghai; the window is 18 to 20."""
    product, [waiting, asking], package = set_up(site, fleet, 2)
    plan = site.plan(product, package, windows=[[18, 20]])
    site.activate(plan)
    site.to_grid()
    site.to_grid()
    assert waiting.plans == []
    assert site.upgrades(plan)[waiting.flash.dk]["reason"]["code"] == 101
    fleet.do(asking, QuecThingDevice.request)
    site.until(lambda: asking.flash.version == "V2")
    assert waiting.plans == []
    site.turn(2 * HOUR)
    site.until(lambda: waiting.flash.version == "V2")


def test_version_when_another_than_the_target_then_failed_with_the_reason(site, fleet):
    product, [device], package = set_up(site, fleet, becomes="V3")
    plan = site.plan(product, package)
    site.activate(plan)
    fleet.do(device, QuecThingDevice.request)
    site.until(lambda: site.counters(plan) == {"failed": 1})
    assert site.upgrades(plan)[device.flash.dk]["reason"]["code"] == 250


def test_delta_when_the_source_differs_then_waits_with_the_reason(site, fleet):
    product, [device], _ = set_up(site, fleet)
    plan = site.plan(product, site.package("delta", "V2", source="V0"))
    site.activate(plan)
    fleet.do(device, QuecThingDevice.request)
    site.until(lambda: (site.upgrades(plan)[device.flash.dk]["reason"] or {}).get("code") == 105)
    assert device.plans == []


def test_plan_when_the_user_is_asked_then_offered_once_the_user_agrees(site, fleet):
    product, [device], package = set_up(site, fleet)
    texts = {"zh": "修复问题", "en": "fixes"}
    plan = site.plan(product, package, is_silent=False, texts=texts)
    site.activate(plan)
    fleet.do(device, QuecThingDevice.request)
    site.to_grid()
    waiting = site.upgrades(plan)[device.flash.dk]
    assert waiting["reason"]["code"] == 103
    assert device.plans == []
    assert site.post(f"/v1/upgrades/{waiting['id']}/confirm", operation=1)["offered"]
    site.until(lambda: site.counters(plan) == {"upgraded": 1})


def test_plan_when_suspended_and_resumed_then_nobody_is_offered_it_meanwhile(site, fleet):
    product, [device], package = set_up(site, fleet)
    plan = site.plan(product, package)
    site.activate(plan)
    site.post(f"/v1/plans/{plan['id']}/suspend")
    site.to_grid()
    fleet.do(device, QuecThingDevice.request)
    site.turn()
    assert device.plans == []
    site.post(f"/v1/plans/{plan['id']}/resume")
    site.to_grid()
    site.until(lambda: device.flash.version == "V2")


def test_plan_when_its_end_has_come_then_ended_and_not_offered(site, fleet):
    product, [device], package = set_up(site, fleet)
    plan = site.plan(product, package, end="2027-01-15T16:05")
    site.activate(plan)
    site.turn(301.0)
    assert site.get(f"/v1/plans/{plan['id']}")["state"] == "ended"
    site.to_grid()
    assert device.plans == []
    assert site.upgrades(plan)[device.flash.dk]["reason"]["code"] == 261


def test_plan_when_it_starts_later_then_begins_on_time(site, fleet):
    product, [device], package = set_up(site, fleet)
    plan = site.plan(product, package, start="2027-01-15T16:05")
    assert site.activate(plan)["state"] == "scheduled"
    site.turn()
    assert site.get(f"/v1/plans/{plan['id']}")["state"] == "scheduled"
    site.turn(300.0)
    assert site.get(f"/v1/plans/{plan['id']}")["state"] == "running"
    assert device.plans == []
    site.to_grid()
    site.until(lambda: device.flash.version == "V2")


def test_rate_when_limited_then_so_many_a_minute_and_all_in_the_end(site, fleet):
    product, devices, package = set_up(site, fleet, 5)
    plan = site.plan(product, package, strategy={"rate_per_min": 2})
    site.activate(plan)
    site.to_grid()
    site.until(lambda: site.counters(plan) == {"not_upgraded": 3, "upgraded": 2})
    site.turn(10.0)
    assert site.counters(plan) == {"not_upgraded": 3, "upgraded": 2}
    site.turn(51.0)
    site.until(lambda: site.counters(plan) == {"not_upgraded": 1, "upgraded": 4})
    site.turn(61.0)
    site.until(lambda: site.counters(plan) == {"upgraded": 5})
    assert [device.flash.installs for device in devices] == [["V2"]] * 5


def test_device_when_switched_off_then_out_at_once_and_in_again_when_switched_on(site, fleet):
    product, [device], _ = set_up(site, fleet)
    [known] = site.get("/v1/devices")["items"]
    secret = device.flash.ds
    assert site.web.patch(f"/v1/devices/{known['id']}", json={"is_enabled": False}).status_code == 200
    site.until(lambda: not site.get(f"/v1/devices/{known['id']}")["is_online"])
    assert site.web.patch(f"/v1/devices/{known['id']}", json={"is_enabled": True}).status_code == 200
    until_known(site, product, 1)
    assert device.flash.ds == secret, "nobody made it forget its secret"


def test_grid_when_missed_while_the_platform_was_down_then_run_once_at_the_start(tmp_path):
    site = OtaSite(tmp_path / "ota")
    fleet = Fleet(site.addresses.mqtt)
    try:
        product, [device], package = set_up(site, fleet)
        plan = site.plan(product, package)
        site.activate(plan)
        site.turn()
        site.stop()
        site.clock.advance(1200.0)
        site = OtaSite(tmp_path / "ota", clock=site.clock)
        assert site.get("/v1/devices")["items"][0]["is_online"] is False
        fleet.move(site.addresses.mqtt)
        until_known(site, product, 1)
        site.to_grid()
        site.until(lambda: site.counters(plan) == {"upgraded": 1})
        assert device.flash.installs == ["V2"]
    finally:
        fleet.stop()
        site.stop()
