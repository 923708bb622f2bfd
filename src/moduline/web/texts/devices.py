"""Sentences of the page "Devices"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "devices.title": Text("Devices", "设备"),
    "devices.about": Text("Every device that belongs to you.", "名下的全部设备。"),
}
