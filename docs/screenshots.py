"""Pictures of pages, and what axe and a ruler find on them: of a Studio that runs.

    python docs/screenshots.py --data DIR -o FOLDER /studio /line ...        all sizes, colours and languages
    python docs/screenshots.py --data DIR -o FOLDER --only wide,dark,zh /studio/rack

DIR is the folder that ``moduline studio --data DIR`` was started with. Exit 1 when something serious was found.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from playwright.sync_api import sync_playwright

from web.chromium import Seat, axe_findings, axe_source, launch, overflow, session_of


def main() -> int:
    """Take them; 1 when a page has a finding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--data", type=Path, required=True, help="data folder of the Studio that runs")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", default="", help="words out of wide,narrow,light,dark,en,zh")
    parser.add_argument("--no-axe", action="store_true")
    parser.add_argument("--settle", type=float, default=0.6, help="seconds before a picture")
    given = parser.parse_args()
    facts = json.loads((given.data / "studio.json").read_text())
    token = (given.data / "admin.token").read_text().strip()
    studio = SimpleNamespace(url=f"http://127.0.0.1:{facts['port']}", api_url=facts["api"], token=token)
    only = set(filter(None, given.only.split(",")))
    given.output.mkdir(parents=True, exist_ok=True)
    axe = "" if given.no_axe else axe_source(Path(tempfile.gettempdir()) / "moduline-axe")
    bad = 0
    with sync_playwright() as driver:
        browser = launch(driver)
        session = session_of(studio)
        for size, theme, lang in itertools.product(
            *(
                [word for word in words if not only & set(words) or word in only]
                for words in (("wide", "narrow"), ("light", "dark"), ("en", "zh"))
            )
        ):
            seat = Seat(browser, studio, lang, size, theme, session)
            for path in given.paths:
                page = seat.open(path)
                page.wait_for_timeout(given.settle * 1000)
                name = path.strip("/").replace("/", "-") or "home"
                page.screenshot(path=given.output / f"{name}-{size}-{theme}-{lang}.png", full_page=size == "narrow")
                found = overflow(page) + (axe_findings(page, axe) if axe else [])
                bad += len(found)
                for one in found[:8]:
                    print(f"{path} {size} {theme} {lang}: {one}")
            seat.close()
        browser.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
