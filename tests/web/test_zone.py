"""Times of the pages: on the wall clock of whoever looks, whatever that of the server is."""

from __future__ import annotations

import time
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from moduline.web.viewer import Viewer, known_zone

AT = 1_795_341_600.0  # 2026-11-22 10:00:00 in UTC, typed from a calendar


@pytest.mark.parametrize(
    ("zone", "wall"),
    [
        ("Asia/Shanghai", "2026-11-22 18:00"),
        ("America/New_York", "2026-11-22 05:00"),
        ("Asia/Kolkata", "2026-11-22 15:30"),
    ],
)
def test_moment_when_looked_at_from_a_zone_then_on_its_wall_clock_and_back(zone, wall):
    seen = Viewer(zone=zone)
    assert seen.local(AT).strftime("%Y-%m-%d %H:%M") == wall
    assert seen.moment(datetime.fromisoformat(wall)) == AT


def test_moment_when_the_zone_is_not_known_then_on_the_wall_clock_of_the_server():
    seen = Viewer()
    assert seen.local(AT).timetuple()[:6] == time.localtime(AT)[:6]
    assert seen.moment(seen.local(AT)) == AT


@pytest.mark.parametrize("cookie", ["Asia/Shanghai", quote("Asia/Shanghai", safe="")])
def test_zone_when_a_browser_says_it_then_known(cookie):
    assert known_zone(cookie) == "Asia/Shanghai"


@pytest.mark.parametrize(
    "cookie",
    [None, "", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Asia", "\0", "%00", "a" * 4000, "%ff", "\ud800"],
)
def test_zone_when_it_is_none_then_that_of_the_server(cookie):
    assert known_zone(cookie) == ""


@pytest.mark.parametrize(
    ("lang", "zone", "said"), [("zh", "Asia/Shanghai", "时间按"), ("en", "America/New_York", "Times of")]
)
def test_pages_when_looked_at_from_elsewhere_then_times_are_of_there(studio, seat, lang, zone, said):
    name = f"zone {lang}"
    made = next((one for one in studio.api("GET", "/v1/products")["items"] if one["name"] == name), None)
    made = made or studio.api("POST", "/v1/products", {"name": name})
    local = datetime.fromtimestamp(made["created_at"], ZoneInfo(zone))
    seated = seat(lang=lang, zone=zone)
    seated.open("/studio")  # where the browser tells
    page = seated.open(f"/console/products/{made['id']}")
    page.get_by_text(local.strftime("%Y-%m-%d %H:%M:%S")).wait_for()
    page.get_by_test_id("account").click()
    page.get_by_text(f"{zone}").wait_for()
    assert said in page.locator(".m-menu-head").inner_text()

    day = local.date().isoformat()
    page = seated.open(f"/console/audit?kind=product&name={quote(name)}&since={day}&until={day}")
    page.get_by_text(local.strftime("%Y-%m-%d %H:%M:%S")).first.wait_for()
    exported = page.request.get(f"{studio.url}/console/audit/export?kind=product&name={quote(name)}&since={day}")
    assert name in exported.text()
