"""A real Chromium, pages in it in either language, and what axe has to say of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}
WAIT_MS = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
AXE = "axe-core@4.14.1"


def chromium_path() -> str:
    """Where Chromium is; "" when there is none."""
    return next(filter(None, map(shutil.which, NAMES)), "")


def launch(playwright: Any) -> Any:
    """A browser without a window."""
    return playwright.chromium.launch(
        executable_path=chromium_path(),
        headless=True,
        args=["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"],
    )


class Seat:
    """Somebody in front of a browser, signed in.

    Args:
        browser: from ``launch``.
        studio: whose pages.
        lang: "en" or "zh".
        size: of ``SIZES``.
        theme: "light" or "dark".
        session: cookie value of a session.
        motion: "reduce": they want nothing to move, which also spares a busy machine; "no-preference".
        zone: where they are, such as "Asia/Shanghai"; None: where this computer is.
    """

    def __init__(
        self,
        browser: Any,
        studio: Any,
        lang: str = "en",
        size: str = "wide",
        theme: str = "light",
        session: str = "",
        motion: str = "reduce",
        zone: str | None = None,
    ) -> None:
        self.studio = studio
        self.context = browser.new_context(
            viewport=SIZES[size],
            locale="zh-CN" if lang == "zh" else "en-US",
            color_scheme=theme,
            reduced_motion=motion,
            timezone_id=zone,
            accept_downloads=True,
        )
        self.context.set_default_timeout(WAIT_MS)
        cookies = [{"name": "moduline_lang", "value": lang, "url": studio.url}]
        cookies.append({"name": "moduline_theme", "value": theme, "url": studio.url})
        if session:
            cookies.append({"name": studio.cookie, "value": session, "url": studio.url})
        self.context.add_cookies(cookies)
        self.foreign: list[str] = []
        self.faults: list[str] = []
        self.page = self.context.new_page()
        self.page.on("request", self._asked)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.studio.url, "data:", "blob:", self.studio.url.replace("http", "ws", 1))):
            self.foreign.append(request.url)

    def open(self, path: str) -> Any:
        """Open a page and wait until its live connection stands."""
        self.page.goto(self.studio.url + path)
        self.page.wait_for_function("() => window.did_handshake === true")
        return self.page

    def close(self) -> None:
        """Close it; nothing came from elsewhere, and no script failed."""
        self.context.close()
        assert self.foreign == [], self.foreign
        assert self.faults == [], self.faults


def session_of(studio: Any) -> str:
    """A session of the admin."""
    asked = urllib.request.Request(
        studio.api_url + "/v1/me/sessions",
        data=b'{"client": "tests"}',
        method="POST",
        headers={"Authorization": f"Bearer {studio.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.loads(answer.read())["token"]


def axe_source(folder: Path) -> str:
    """The text of axe-core from the npm registry, fetched once into a folder; skips where it cannot be had."""
    kept = folder / "axe.min.js"
    if not kept.is_file():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe comes from npm, which is not here")
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )
        packed = folder / done.stdout.strip().splitlines()[-1] if done.returncode == 0 and done.stdout.strip() else None
        if packed is None or not packed.is_file():
            pytest.skip(f"npm gives no {AXE}: {done.stderr[-200:]}")
        with tarfile.open(packed) as opened:
            member = opened.extractfile("package/axe.min.js")
            assert member is not None
            kept.write_bytes(member.read())
    return kept.read_text("utf-8")


def axe_findings(page: Any, source: str) -> list[str]:
    """Serious and critical findings of axe on a page, one line each."""
    page.evaluate(source)
    found = page.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']})"
    )
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:160]} | {node['failureSummary'][:200]!r}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


def overflow(page: Any) -> list[str]:
    """What is wider than the window, or cut without a way to see the rest."""
    return page.evaluate(
        """() => {
      const wide = document.documentElement.scrollWidth > innerWidth + 1
        ? [`the page is ${document.documentElement.scrollWidth} px wide`] : [];
      const cut = [...document.querySelectorAll('main button, main label, main h1, main h2, main h3, main th, main dt, main dd, header a, nav a, .m-chip')]
        .filter((one) => one.offsetParent !== null && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0
          && ['hidden', 'clip'].includes(getComputedStyle(one).overflowX))
        .map((one) => `cut: ${one.textContent.trim().slice(0, 60)}`);
      return wide.concat(cut);
    }"""
    )
