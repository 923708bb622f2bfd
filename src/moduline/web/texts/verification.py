"""Sentences of the page "Verification"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "verification.title": Text("Verification", "版本包验证"),
    "verification.about": Text(
        "Try a package on chosen devices before a plan may use it.", "在指定设备上验证版本包后方可用于升级计划。"
    ),
}
