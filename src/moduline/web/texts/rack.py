"""Sentences of the page "Virtual rack"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "rack.title": Text("Virtual rack", "虚拟机架"),
    "rack.about": Text(
        "Virtual modules: power, faults, and their flash at work.", "虚拟模组：供电、故障注入与 Flash 状态。"
    ),
}
