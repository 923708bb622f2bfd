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
from moduline.port import registry, udev_rules, usb_tree
from moduline.port.listing import PortInfo
from moduline.port.usb_ids import USB_IDS, find_usb_id

Level = Literal["ok", "hint", "problem"]
PROC: Final = Path("/proc")
UDEV_FOLDERS: Final = ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d")
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


def holders_of(path: str, processes: Path = PROC, owner: int = 0) -> tuple[str, ...]:
    """Programs that have the port open, as ``name (process)``; those of other users are not seen.

    Args:
        path: of the port.
        processes: where the system shows its processes.
        owner: process of the rack that a virtual module's port belongs to; it and what it started do not count.
    """
    wanted = os.path.realpath(path)
    folders = sorted(processes.glob("[0-9]*"), key=lambda one: int(one.name))
    return tuple(
        f"{_name_of(folder)} ({folder.name})"
        for folder in folders
        if wanted in _open_files(folder) and not (owner and _is_of(int(folder.name), owner, processes))
    )


def _is_of(process: int, owner: int, processes: Path) -> bool:
    """Whether ``process`` is ``owner``, or was started by it."""
    for _ in range(8):
        if process in {0, 1, owner}:
            break
        words = _text_of(processes / str(process) / "stat").rpartition(")")[2].split()
        process = int(words[1]) if len(words) > 1 else 0
    return process == owner


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


def judge_ports(
    ports: Iterable[PortInfo],
    processes: Path = PROC,
    udev: Iterable[str] = UDEV_FOLDERS,
    system: Path = usb_tree.SYS,
) -> list[Finding]:
    """What there is to say about each port, then about places as a whole, then about what has no port."""
    listed, folders = list(ports), tuple(udev)
    findings = [finding for port in listed for finding in judge_port(port, processes, folders, system)]
    return [*findings, *judge_places(listed), *judge_hubs(listed, system), *judge_portless(listed, system)]


def judge_port(
    port: PortInfo, processes: Path = PROC, udev: tuple[str, ...] = UDEV_FOLDERS, system: Path = usb_tree.SYS
) -> list[Finding]:
    """Whether one port is there, may be opened and is free; and which driver made it."""
    findings: list[Finding] = []
    if "://" in port.path or port.path.startswith("tcp:"):
        return findings
    if not Path(port.path).exists():
        what = Text("it vanished while we looked", "检查期间端口消失")
        cure = Text("a module that restarts, or a loose cable", "模组正在重启，或线缆松动")
        return [Finding("hint", port.path, what, cure)]
    if not os.access(port.path, os.R_OK | os.W_OK):
        findings.append(_no_permission(port, udev))
    holders = holders_of(port.path, processes, _owner_of(port))
    if holders:
        names = ", ".join(holders)
        what = Text(f"held by {names}", f"被 {names} 占用")
        findings.append(Finding("problem", port.path, what, Text("close that program", "请关闭该程序")))
    driver = usb_tree.driver_of(port.path, system)
    made = Text(f" (driver {driver})", f"（驱动 {driver}）") if driver else NOTHING
    free = Text(f"{port.role}: free{made.en}", f"{port.role}：可用{made.zh}")
    return findings or [Finding("ok", port.path, free)]


def _owner_of(port: PortInfo) -> int:
    """The process of the rack that a virtual module lives in; 0 for real ones."""
    if not port.name:
        return 0
    return next((one.process for one in registry.modules(port.rack) if one.name == port.name), 0)


def _no_permission(port: PortInfo, udev: tuple[str, ...]) -> Finding:
    what = Text("this user may not open it", "当前用户无权打开")
    if sys.platform != "linux":
        return Finding("problem", port.path, what, Text("run as a user that may", "请使用有权限的用户"))
    rule = udev_rule_for(port.vid, udev) if port.vid else None
    if rule is not None:
        cure = Text(f"plug it in again; {rule} names it already", f"请重新插拔；{rule} 已包含该设备")
    else:
        cure = Text(
            f"join the group of the port (often dialout), or install rules for all modules: "
            f"moduline doctor --udev | sudo tee {udev_rules.FILE}",
            f"请加入端口所属用户组（通常为 dialout），或安装规则文件："
            f"moduline doctor --udev | sudo tee {udev_rules.FILE}",
        )
    return Finding("problem", port.path, what, cure)


def judge_hubs(ports: Iterable[PortInfo], system: Path = usb_tree.SYS) -> list[Finding]:
    """Places behind hubs that make trouble: without a supply of their own, or too many in a row."""
    findings = []
    for place in sorted({port.location for port in ports if port.location and not port.name}):
        if hub := usb_tree.weak_hub_of(place, system):
            what = Text(f"fed by hub {hub}, which has no supply of its own", f"由无独立供电的集线器 {hub} 供电")
            cure = Text(
                "a module draws up to 2 A while it sends: use a hub with a supply, or feed the board itself",
                "模组发射时电流可达 2 A：请使用独立供电的集线器，或给开发板单独供电",
            )
            findings.append(Finding("hint", place, what, cure))
        if usb_tree.depth_of(place) >= usb_tree.DEPTH_MAX:
            what = Text("behind five hubs, as many as USB allows", "位于五级集线器之后，已达 USB 上限")
            cure = Text("plug the last hub in nearer to the computer", "请将最后一级集线器接到更靠近电脑的位置")
            findings.append(Finding("hint", place, what, cure))
    return findings


def judge_portless(ports: Iterable[PortInfo], system: Path = usb_tree.SYS) -> list[Finding]:
    """Modules that the USB tree shows and that have no serial port: no driver took them."""
    known = {port.location for port in ports}
    findings = []
    for device in usb_tree.modules_on_usb(system):
        if device.ports or device.place in known:
            continue
        vid, pid = f"{device.row.vid:04x}", f"{device.row.pid:04x}"
        what = Text(
            f"{vid}:{pid} ({device.row.modules}, {device.row.mode}) is on USB, but no driver made a port of it",
            f"USB 上有 {vid}:{pid}（{device.row.modules}），但没有驱动为其建立端口",
        )
        bind = f"modprobe option && echo {vid} {pid} > /sys/bus/usb-serial/drivers/option1/new_id"
        cure = Text(f"as root: {bind}", f"以 root 执行：{bind}")
        findings.append(Finding("problem", device.place, what, cure))
    return findings


def judge_places(ports: list[PortInfo]) -> list[Finding]:
    """Which state the module at each place is in, by what it shows."""
    findings = []
    for place in sorted({port.place for port in ports}):
        here = [port for port in ports if port.place == place]
        roles = {port.role for port in here}
        row = next((row for port in here if (row := find_usb_id(port.vid, port.pid)) is not None), None)
        if "download" in roles:
            chip = f"{row.chip}: {row.modules}" if row else "?"
            what = Text(f"in download mode ({chip})", f"处于下载模式（{chip}）")
            cure = Text(
                "burn within about 10 s, or re-power it: a module that is not burnt leaves this mode by itself, one "
                "without firmware stays, and one that a burn was cut in waits in its loader",
                "请在约 10 秒内烧录，或重新上电：未烧录的模组会自行退出该模式；无固件的模组会停留；"
                "烧录中断的模组停在加载程序中",
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
