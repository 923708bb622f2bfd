"""The words for what a rack's modules are and why, in both languages; the command line and the browser show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors import Text

STATES: Final[Mapping[str, Text]] = {
    "off": Text("off", "关机"),
    "booting": Text("booting", "启动中"),
    "running": Text("running", "运行中"),
    "download": Text("download", "下载模式"),
}
"""What each state of a module is called."""

REASONS: Final[Mapping[str, Text]] = {
    "boot-erased": Text("no boot code", "无引导程序"),
    "boot-no-table": Text("no partition table in the flash", "Flash 中没有分区表"),
    "boot-invalid": Text("boot code damaged", "引导程序损坏"),
    "system-erased": Text("no firmware", "无固件"),
    "system-invalid": Text("firmware damaged", "固件损坏"),
    "system-foreign": Text("firmware of another model", "其他型号的固件"),
    "power-cut": Text("lost its power", "已掉电"),
    "storage-failed": Text("flash file failed", "Flash 文件故障"),
}
"""Why a module is in its ROM, or dark."""

REGISTRATIONS: Final[Mapping[str, Text]] = {
    "idle": Text("not searching", "未搜网"),
    "searching": Text("searching", "搜网中"),
    "home": Text("registered", "已注册"),
    "roaming": Text("registered, roaming", "已注册（漫游）"),
    "denied": Text("refused by the network", "被网络拒绝"),
    "unknown": Text("unknown", "未知"),
}
"""What the network has made of a module."""

VERBS: Final[Mapping[str, Text]] = {
    "read": Text("read", "读"),
    "program": Text("program", "写"),
    "erase": Text("erase", "擦"),
}
"""What is done to a flash."""


def reason_of(slug: str) -> Text:
    """Why, in words; an unknown reason by its slug."""
    return REASONS.get(slug, Text(slug, slug))
