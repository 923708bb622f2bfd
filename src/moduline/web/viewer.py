"""Who looks at a page, and how they want to see it; remembered with the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from nicegui import ui

from moduline.cloud.edge import ROLES
from moduline.errors import LANGUAGES

LANG_COOKIE: Final = "moduline_lang"
THEME_COOKIE: Final = "moduline_theme"
ZONE_COOKIE: Final = "moduline_zone"
"""Kept by the script of every page, from what the browser's system says."""
THEMES: Final = ("auto", "light", "dark")
_KEY: Final = "moduline.viewer"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person at a page.

    Args:
        lang: "en" or "zh".
        theme: one of ``THEMES``.
        token: of the session at the operator API; "": nobody signed in.
        account: number of the account; 0: nobody.
        name: of the account.
        role: of the session.
        zone: whose wall clock they read, such as ``Asia/Shanghai``; "": that of the server.
    """

    lang: str = "en"
    theme: str = "auto"
    token: str = ""
    account: int = 0
    name: str = ""
    role: str = ""
    zone: str = ""

    def may(self, role: str) -> bool:
        """Whether the role is at least that one."""
        return bool(self.role) and ROLES.index(self.role) >= ROLES.index(role)

    def local(self, at: float) -> datetime:
        """A moment on their wall clock.

        Args:
            at: UTC seconds.
        """
        return datetime.fromtimestamp(at, ZoneInfo(self.zone) if self.zone else None)

    def moment(self, local: datetime) -> float:
        """UTC seconds of a time on their wall clock, which carries no zone."""
        return (local.replace(tzinfo=ZoneInfo(self.zone)) if self.zone else local).timestamp()


def viewer() -> Viewer:
    """Who looks at the page of this code; a stranger who reads English outside of any page."""
    if not ui.context.slot_stack:
        return Viewer()
    return cast(Viewer, ui.context.client.storage.get(_KEY, Viewer()))


def seat(seen: Viewer) -> None:
    """Say who looks at the page that is being built."""
    ui.context.client.storage[_KEY] = seen


def spoken(cookie: str | None, accepted: str) -> str:
    """The language of somebody.

    Args:
        cookie: what they chose; None: nothing.
        accepted: the header ``Accept-Language``.
    """
    if cookie in LANGUAGES:
        return str(cookie)
    first = accepted.split(",", maxsplit=1)[0].strip().lower()
    return "zh" if first.startswith("zh") else "en"


def known_zone(cookie: str | None) -> str:
    """The zone that a browser says it is in; "" for one that this system does not know."""
    name = unquote(cookie or "")
    try:
        return ZoneInfo(name).key if name else ""
    except (KeyError, OSError, ValueError):  # no such zone; a folder of them; no name at all
        return ""
