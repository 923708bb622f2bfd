"""Sentences of the page "Units"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "units.title": Text("Units", "产品记录"),
    "units.about": Text("What each unit got, by IMEI or serial number.", "按 IMEI 或 SN 查询每个产品的烧录记录。"),
}
