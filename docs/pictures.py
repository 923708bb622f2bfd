"""Takes the pictures of docs/pictures: every page, wide and narrow, light and dark, of a Studio with something in it.

    python docs/pictures.py                    all of them, about five minutes
    python docs/pictures.py /studio/rack       only these pages

Wide pages are taken light in Chinese and dark in English, narrow ones the other way round. Exit 1 when axe or the ruler
finds something serious.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from playwright.sync_api import sync_playwright

from moduline.web.places import PLACES
from web.chromium import Seat, axe_findings, axe_source, launch, overflow, session_of
from web.furnished import furnish
from web.studio_process import StudioProcess

FOLDER = Path(__file__).parent / "pictures"
LOOKS = (("wide", "light", "zh"), ("wide", "dark", "en"), ("narrow", "light", "en"), ("narrow", "dark", "zh"))
SETTLE_MS = 1500
ASKED = {
    "/studio/terminal": "?port=virt:m1",
    "/studio/files": "?port=virt:m1",
    "/studio/at": "?port=virt:m1",
    "/studio/burn": "?port=virt:m1&file=out/QUEC_TEST_1.0.0.zip",
    "/studio/project": "?dir=quec_test",
    "/studio/packages": "?file=out/QUEC_TEST_1.0.0.zip",
}
"""What a page is asked for, so that there is something to see."""


def main() -> int:
    """Take them; 1 when a page has a finding."""
    wanted = sys.argv[1:]
    FOLDER.mkdir(exist_ok=True)
    axe = axe_source(Path(tempfile.gettempdir()) / "moduline-axe")
    findings = []
    with tempfile.TemporaryDirectory(prefix="moduline-pictures-") as folder:
        studio = StudioProcess(Path(folder), "--modules", "8", "--rack", "studio")
        try:
            numbers = {name: str(number) for name, number in furnish(studio).items()}
            with sync_playwright() as driver:
                browser = launch(driver)
                session = session_of(studio)
                for look in LOOKS:
                    findings += take(
                        Seat(browser, studio, look[2], look[0], look[1], session), look, numbers, wanted, axe
                    )
                browser.close()
        finally:
            studio.stop()
            studio.moduline("virt", "down", "--rack", "studio", "--delete")
    print("\n".join(findings))
    return 1 if findings else 0


def take(seat: Seat, look: tuple[str, str, str], numbers: dict[str, str], wanted: list[str], axe: str) -> list[str]:
    """Pictures of all pages in one look; what was found."""
    findings = []
    for one in PLACES:
        if (wanted and one.path not in wanted) or "{job}" in one.path:
            continue
        page = seat.open(one.path.format(**numbers) + ASKED.get(one.path, ""))
        page.wait_for_timeout(SETTLE_MS)
        name = one.path.strip("/").translate(str.maketrans({"/": "-", "{": None, "}": None}))
        page.screenshot(path=FOLDER / f"{name}-{look[0]}-{look[1]}.png", full_page=look[0] == "narrow")
        found = overflow(page) + axe_findings(page, axe)
        findings += [f"{one.path} {' '.join(look)}: {finding}" for finding in found[:8]]
    seat.close()
    return findings


if __name__ == "__main__":
    sys.exit(main())
