"""Sentences of the page "Verification"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "verification.title": Text("Verification", "固件验证"),
    "verification.about": Text(
        "Try a package on one device before a plan sends it to many.",
        "大批量升级前，选择单台设备验证版本包，最大限度降低升级风险。",
    ),
    "verification.new": Text("Verify a package", "提交验证"),
    "verification.new_about": Text(
        "The device really upgrades, at once. Choose one that nobody misses.",
        "设备会立即执行真实的 OTA 升级，请选择可用于验证的设备。",
    ),
    "verification.package": Text("Version package", "版本包"),
    "verification.device": Text("Device", "验证设备"),
    "verification.device_hint": Text("devices that are online, with their versions", "在线设备及其版本"),
    "verification.start": Text("Start the verification", "固件验证"),
    "verification.started": Text("The verification has begun.", "已提交验证。"),
    "verification.type_module": Text("module firmware (FOTA)", "模组固件（FOTA）"),
    "verification.type_mcu": Text("MCU firmware (SOTA)", "MCU 固件（SOTA）"),
    "verification.no_packages": Text("There is no version package yet.", "尚无版本包。"),
    "verification.no_packages_hint": Text("Add one, then try it here.", "请先添加版本包，再进行固件验证。"),
    "verification.no_devices": Text("No device is online.", "没有在线设备。"),
    "verification.no_devices_hint": Text("Switch one on, then open this page again.", "请先让设备上线，再刷新页面。"),
    "verification.now": Text("How it goes", "固件验证详情"),
    "verification.none": Text("This package was never verified.", "该版本包尚未验证。"),
    "verification.none_hint": Text("Stages and log appear here.", "提交后在此显示各阶段与日志。"),
    "verification.before": Text("Verifications so far", "验证记录"),
    "verification.nothing_before": Text("Nothing was verified yet.", "尚无验证记录。"),
    "verification.state_of": Text("Result", "结果"),
    "verification.begun": Text("Begun", "开始时间"),
    "verification.reason": Text("Reason", "原因"),
    "verification.log": Text("Log", "日志"),
    "verification.stages": Text("Stages of the upgrade", "升级阶段"),
    "verification.state.unverified": Text("not verified", "未验证"),
    "verification.state.verifying": Text("being verified", "验证中"),
    "verification.state.passed": Text("verified", "验证通过"),
    "verification.state.failed": Text("verification failed", "验证未通过"),
    "verification.rehearsed": Text("rehearsed", "已演练"),
    "verification.not_rehearsed": Text("not rehearsed", "未演练"),
}
