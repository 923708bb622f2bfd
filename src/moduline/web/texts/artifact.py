"""Sentences of the page "Version package"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "artifact.title": Text("Version package", "版本包详情"),
    "artifact.about": Text(
        "Files, digests, verification and rehearsals of one package.", "单个版本包的文件、摘要、验证与演练。"
    ),
}
