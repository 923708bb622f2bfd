"""The picture of the screen in the guide is what the screen shows; MODULINE_DRAW=1 draws it anew."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from cli.gang_scene import Hand, scene, snapshot_of
from moduline.cli.gang_screen import GangScreen

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "gang-screen.svg"


def draw():
    """The scene of the tests at 120 x 34, without the web fonts that a picture in a repository does not need."""

    async def run():
        app = GangScreen(snapshot_of(scene(16)), Hand(), "en")
        async with app.run_test(size=(120, 35)) as pilot:
            await pilot.pause()
            return app.export_screenshot(title="moduline gang run", simplify=True)

    return re.sub(r"@font-face\s*{[^}]*}\s*", "", asyncio.run(run()))


def words_of(svg):
    """What stands in the picture, whatever a version of the drawing library calls its classes."""
    return [word.replace("&#160;", " ").strip() for word in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def test_picture_when_compared_with_the_screen_then_it_shows_the_same():
    svg = draw()
    if os.environ.get("MODULINE_DRAW"):
        PICTURE.write_text(svg, encoding="utf-8")
    assert words_of(PICTURE.read_text(encoding="utf-8")) == words_of(svg)
    assert len(svg) < 120_000
