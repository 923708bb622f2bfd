"""The one list of pages: where each is, in which room it stands, and who may look. Navigation is drawn from it."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Place:
    """A page.

    Args:
        path: of its address; ``{name}`` stands for a part that differs.
        room: ``studio``, ``line``, ``console`` or "" for none.
        icon: a Material icon; "": it is reached from other pages only.
        module: file of this folder that draws it.
        needs: the least role that may look.
    """

    path: str
    room: str
    icon: str
    module: str
    needs: str = "viewer"

    @property
    def slug(self) -> str:
        """Area of its texts: ``SLUG.title`` is what it is called, ``SLUG.about`` what it is for."""
        return self.module.removesuffix(".pages").rpartition(".")[2]


ROOMS: Final = (("studio", "handyman"), ("line", "precision_manufacturing"), ("console", "cloud_sync"))
"""The three seats, with their icons; ``shell.room.NAME`` is what they are called."""

PLACES: Final = (
    Place("/studio", "studio", "usb", "studio.modules", "operator"),
    Place("/studio/terminal", "studio", "terminal", "studio.terminal", "operator"),
    Place("/studio/files", "studio", "folder_open", "studio.files", "operator"),
    Place("/studio/project", "studio", "inventory_2", "studio.project", "operator"),
    Place("/studio/burn", "studio", "bolt", "studio.burn", "operator"),
    Place("/studio/fota", "studio", "difference", "studio.fota", "operator"),
    Place("/studio/packages", "studio", "view_in_ar", "studio.explorer", "operator"),
    Place("/studio/at", "studio", "settings_ethernet", "studio.at", "operator"),
    Place("/studio/rack", "studio", "developer_board", "studio.rack", "operator"),
    Place("/line", "line", "grid_view", "station.gang", "operator"),
    Place("/line/slots", "line", "query_stats", "station.slots", "operator"),
    Place("/line/units", "line", "fact_check", "station.units", "operator"),
    Place("/line/scan", "line", "qr_code_scanner", "station.scan", "operator"),
    Place("/console", "console", "dashboard", "console.overview"),
    Place("/console/products", "console", "category", "console.products"),
    Place("/console/products/{product}", "console", "", "console.product"),
    Place("/console/devices", "console", "sensors", "console.devices"),
    Place("/console/devices/{device}", "console", "", "console.device"),
    Place("/console/packages", "console", "inventory", "console.artifacts"),
    Place("/console/packages/{artifact}", "console", "", "console.artifact"),
    Place("/console/verification", "console", "verified", "console.verification"),
    Place("/console/plans", "console", "event_note", "console.plans"),
    Place("/console/plans/new", "console", "", "console.wizard", "operator"),
    Place("/console/plans/{plan}", "console", "", "console.monitoring"),
    Place("/console/users", "console", "group", "console.users"),
    Place("/console/tokens", "console", "key", "console.tokens"),
    Place("/console/audit", "console", "history", "console.audit"),
    Place("/console/settings", "console", "settings", "console.settings"),
    Place("/jobs", "", "", "jobs.pages", "operator"),
    Place("/jobs/{job}", "", "", "jobs.pages", "operator"),
)
"""All pages, in the order in which they are shown."""


def place(path: str) -> Place:
    """The page with a path."""
    return next(one for one in PLACES if one.path == path)


def load() -> None:
    """Import every file that draws a page."""
    for module in dict.fromkeys(one.module for one in PLACES):
        importlib.import_module(f"moduline.web.{module}")
