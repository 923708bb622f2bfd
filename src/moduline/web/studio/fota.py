"""The page "FOTA"."""

from __future__ import annotations

from moduline.web.shell import page


@page("/studio/fota")
async def fota_page() -> None:
    """An update from the old to the new package, rehearsed before anybody gets it."""
