"""The words for what a plan does to a module, in both languages; the command line and the browser show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.burn.action import Verb
from moduline.errors import Text

NO_PLACE: Final = 0xFFFFFFFF
"""Address of what has no place in the flash."""

PLAN_VERBS: Final[Mapping[Verb, Text]] = {
    "load": Text("load into RAM", "装入内存"),
    "table": Text("describe the flash", "下发 Flash 描述"),
    "write": Text("write", "写入"),
    "erase": Text("erase", "擦除"),
    "format": Text("format", "格式化"),
    "keep": Text("read out and store", "读出并保存"),
    "keep_nv": Text("write, keeping IMEI and calibration", "写入（保留 IMEI 与校准数据）"),
    "skip": Text("leave out", "跳过"),
}
"""What each action of a plan does."""
