"""Pages of ``explain``: one for every error that can be raised, and one for every exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.pages import burning, cloud, content, exits, reaching, rules
from moduline.errors.pages.page import Page

__all__ = ["EXITS", "PAGES", "Page"]

PAGES: Final[Mapping[str, Page]] = {**reaching.PAGES, **burning.PAGES, **content.PAGES, **rules.PAGES, **cloud.PAGES}
"""By the slug of the error."""
EXITS: Final = exits.EXITS
