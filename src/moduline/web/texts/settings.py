"""Sentences of the page "Settings"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "settings.title": Text("Settings", "设置"),
    "settings.about": Text("Your account, and this platform.", "个人账号与平台设置。"),
}
