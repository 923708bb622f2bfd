"""Every page in a real Chromium: it comes, nothing is cut or too wide, nothing comes from elsewhere, axe is content."""

from __future__ import annotations

import pytest

from moduline.web.places import PLACES
from web.chromium import axe_findings, overflow

PATHS = [one.path for one in PLACES if "{" not in one.path]
LOOKS = [("wide", "light", "zh"), ("narrow", "dark", "en"), ("wide", "dark", "en"), ("narrow", "light", "zh")]
SETTLE_MS = 400


def look(seat, axe, paths, size, theme, lang):
    """Findings of all these pages."""
    taken = seat(size=size, theme=theme, lang=lang)
    found = {}
    for path in paths:
        page = taken.open(path)
        page.wait_for_timeout(SETTLE_MS)
        assert page.locator("h1").count() >= 1, path
        findings = overflow(page) + axe_findings(page, axe)
        if findings:
            found[path] = findings
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("turn", [0, 1])
def test_page_when_opened_then_whole_and_readable(seat, axe, turn):
    """Every page once: the even ones wide and light in Chinese, the odd ones narrow and dark in English."""
    assert look(seat, axe, PATHS[turn::2], *LOOKS[turn]) == {}


@pytest.fixture(scope="module")
def numbered(studio):
    """Paths of pages that show one product, device, package, plan or job."""
    known = {}
    known["product"] = studio.api("POST", "/v1/products", {"name": "every page"})["id"]
    known["device"] = studio.api("POST", "/v1/devices", {"product": known["product"], "dk": "860000000000017"})["id"]
    (studio.root / "every.bin").write_bytes(bytes(range(256)) * 64)
    server = ["--server", studio.api_url, "--token-file", str(studio.data / "admin.token")]
    studio.moduline("ota", "package", "add", "every", "every.bin", "--target", "V2", *server)
    plan = ["--product", "every page", "--package", "mod=every", "--zone", "Asia/Shanghai"]
    studio.moduline("ota", "plan", "create", "every", *plan, *server)
    artifacts = {one["name"]: one["id"] for one in studio.api("GET", "/v1/artifacts")["items"]}
    plans = {one["name"]: one["id"] for one in studio.api("GET", "/v1/plans")["items"]}
    known |= {"artifact": artifacts["every"], "plan": plans["every"]}
    return [one.path.format(**known) for one in PLACES if "{" in one.path and "{job}" not in one.path]


@pytest.mark.timeout(600)
def test_page_of_one_thing_when_opened_then_whole_and_readable(seat, axe, numbered):
    for looks in LOOKS[:2]:
        assert look(seat, axe, numbered, *looks) == {}


@pytest.mark.sweep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("looks", LOOKS)
def test_page_when_opened_in_any_way_then_whole_and_readable(seat, axe, looks):
    assert look(seat, axe, PATHS, *looks) == {}
