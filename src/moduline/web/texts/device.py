"""Sentences of the page "Device"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "device.title": Text("Device", "设备详情"),
    "device.about": Text("One device: its versions, its upgrades, its log.", "单个设备：版本、升级记录与日志。"),
}
