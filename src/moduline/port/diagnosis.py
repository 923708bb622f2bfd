"""Why a port does not work: who holds it, whether this user may open it, and which state a silent module is in.

Everything here only looks; nothing is opened, because opening a port may toggle lines that reset a module.

Source: platform-unisoc 5.1, 8; platform-asr 3; platform-eigencomm 2; device-api 4 (download window).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from moduline.errors import Text
from moduline.port.listing import PortInfo
from moduline.port.usb_ids import USB_IDS, find_usb_id

Level = Literal["ok", "hint", "problem"]
PROC: Final = Path("/proc")
UDEV_FOLDERS: Final = ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")
# Braces are doubled twice: once for the vendor, once for the text it becomes part of.
UDEV_RULE: Final = (
    'SUBSYSTEM=="tty", ATTRS{{{{idVendor}}}}=="{vid:04x}", MODE="0666", ENV{{{{ID_MM_DEVICE_IGNORE}}}}="1"'
)
UDEV_FILE: Final = "/etc/udev/rules.d/70-moduline.rules"
MEDDLERS: Final = ("ModemManager", "gpsd", "brltty")
"""Services that open serial ports by themselves and talk into a download."""


NOTHING: Final = Text("", "")
"""The remedy where none is needed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ``ok``, ``hint`` (worth knowing) or ``problem`` (in the way).
        subject: port, place or program it is about.
        what: what was seen.
        remedy: what helps; empty texts where nothing is needed.
    """

    level: Level
    subject: str
    what: Text
    remedy: Text = NOTHING


def holders_of(path: str, processes: Path = PROC) -> tuple[str, ...]:
    """Programs that have the port open, as ``name (process)``; those of other users are not seen.

    Args:
        path: of the port.
        processes: where the system shows its processes.
    """
    wanted = os.path.realpath(path)
    folders = sorted(processes.glob("[0-9]*"), key=lambda one: int(one.name))
    return tuple(f"{_name_of(folder)} ({folder.name})" for folder in folders if wanted in _open_files(folder))


def meddlers(processes: Path = PROC) -> tuple[str, ...]:
    """Running services that are known to talk into serial ports."""
    names = {_name_of(folder) for folder in processes.glob("[0-9]*")}
    return tuple(name for name in MEDDLERS if name in names)


def udev_rule_for(vid: int, folders: Iterable[str] = UDEV_FOLDERS) -> Path | None:
    """A udev rule file that names this vendor; None when there is none."""
    word = f"{vid:04x}"
    for folder in folders:
        for path in sorted(Path(folder).glob("*.rules")) if Path(folder).is_dir() else []:
            if word in _text_of(path).lower():
                return path
    return None


def judge_ports(ports: Iterable[PortInfo], processes: Path = PROC, udev: Iterable[str] = UDEV_FOLDERS) -> list[Finding]:
    """What there is to say about each port, then about places as a whole."""
    listed, folders = list(ports), tuple(udev)
    findings = [finding for port in listed for finding in _judge_port(port, processes, folders)]
    return findings + _judge_places(listed)


def _judge_port(port: PortInfo, processes: Path, udev: tuple[str, ...]) -> list[Finding]:
    findings: list[Finding] = []
    if "://" in port.path or port.path.startswith("tcp:"):
        return findings
    if not Path(port.path).exists():
        what = Text("it vanished while we looked", "检查期间端口消失")
        cure = Text("a module that restarts, or a loose cable", "模组正在重启，或线缆松动")
        return [Finding("hint", port.path, what, cure)]
    if not os.access(port.path, os.R_OK | os.W_OK):
        findings.append(_no_permission(port, udev))
    holders = holders_of(port.path, processes) if not port.name else ()
    if holders:
        names = ", ".join(holders)
        what = Text(f"held by {names}", f"被 {names} 占用")
        findings.append(Finding("problem", port.path, what, Text("close that program", "请关闭该程序")))
    return findings or [Finding("ok", port.path, Text(f"{port.role}: free", f"{port.role}：可用"))]


def _no_permission(port: PortInfo, udev: tuple[str, ...]) -> Finding:
    what = Text("this user may not open it", "当前用户无权打开")
    if sys.platform != "linux":
        return Finding("problem", port.path, what, Text("run as a user that may", "请使用有权限的用户"))
    rule = udev_rule_for(port.vid, udev) if port.vid else None
    if rule is not None:
        cure = Text(f"plug it in again; {rule} names it already", f"请重新插拔；{rule} 已包含该设备")
    else:
        line = UDEV_RULE.format(vid=port.vid)
        cure = Text(
            f"join the group of the port (often dialout), or write this line to {UDEV_FILE}: {line}",
            f"请加入端口所属用户组（通常为 dialout），或将此行写入 {UDEV_FILE}：{line}",
        )
    return Finding("problem", port.path, what, cure)


def _judge_places(ports: list[PortInfo]) -> list[Finding]:
    """Which state the module at each place is in, by what it shows."""
    findings = []
    for place in sorted({port.place for port in ports}):
        here = [port for port in ports if port.place == place]
        roles = {port.role for port in here}
        row = next((row for port in here if (row := find_usb_id(port.vid, port.pid)) is not None), None)
        if "download" in roles:
            chip = row.chip if row else "?"
            what = Text(f"in download mode ({chip})", f"处于下载模式（{chip}）")
            cure = Text(
                "burn within about 10 s, or re-power it: a module that is not burnt leaves this mode by itself, one "
                "without firmware stays",
                "请在约 10 秒内烧录，或重新上电：未烧录的模组会自行退出该模式，无固件的模组会停留",
            )
            findings.append(Finding("hint", place, what, cure))
        elif row is not None and not roles & {"at", "repl"}:
            what = Text(f"shows {', '.join(sorted(roles))} but neither AT nor REPL port", "未提供 AT 口或 REPL 口")
            cure = Text("install the driver, or wait: it may still be starting", "请安装驱动，或稍候：模组可能仍在启动")
            findings.append(Finding("problem", place, what, cure))
        elif row is not None and row.vid == 0x2C7C and "at" not in roles:
            what = Text("no AT port", "没有 AT 口")
            findings.append(Finding("hint", place, what, Text("info works over the REPL", "info 可通过 REPL 工作")))
    return findings


def nothing_found() -> Finding:
    """What to check when no module shows at all."""
    ids = sorted({f"{row.vid:04x}" for row in USB_IDS})
    return Finding(
        "problem",
        "USB",
        Text("no module is seen", "未发现模组"),
        Text(
            "cable with data lines? hub powered? PWRKEY held long enough? "
            f"`lsusb` should show one of {', '.join(ids)}; without any module: moduline virt up",
            f"线缆是否含数据线？集线器是否供电？PWRKEY 是否按够时长？`lsusb` 应显示 {', '.join(ids)} 之一；"
            "没有模组时可用：moduline virt up",
        ),
    )


def _open_files(folder: Path) -> list[str]:
    try:
        return [str(link.readlink()) for link in (folder / "fd").iterdir()]
    except OSError:
        return []  # it ended meanwhile, or belongs to another user


def _name_of(folder: Path) -> str:
    return _text_of(folder / "comm").strip() or "?"


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
