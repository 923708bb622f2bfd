"""Sentences of the page "Modules and ports"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "modules.title": Text("Modules and ports", "模组与端口"),
    "modules.about": Text(
        "What is connected, real and virtual, and what each port is for.", "已连接的真实与虚拟模组，以及各端口用途。"
    ),
}
