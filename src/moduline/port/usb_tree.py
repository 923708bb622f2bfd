"""What the system's USB tree says beyond serial ports: drivers, devices without a port, hubs without a supply.

::

    /sys/class/tty/ttyUSB2/device/driver -> .../drivers/option1           the driver of a port
    /sys/bus/usb/devices/1-2.4/{idVendor,idProduct,product}               a device; 1-2 is the hub it hangs on
    /sys/bus/usb/devices/1-2.4/1-2.4:1.0/ttyUSB2 or tty/ttyACM0           its ports, if a driver made any
    /sys/bus/usb/devices/1-2/{bDeviceClass,bmAttributes}                  09 is a hub; bit 6: it has its own supply

Linux only; elsewhere everything here is empty. Source: platform-unisoc 8 (8850 download port bound by hand to option).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from moduline.port.usb_ids import UsbId, find_usb_id

SYS: Final = Path("/sys")
HUB_CLASS: Final = "09"
OWN_SUPPLY: Final = 0x40
DEPTH_MAX: Final = 5
"""Hubs that USB allows between computer and device; from there on devices do not show up at all."""
_PLACE: Final = re.compile(r"\d+-\d+(?:\.\d+)*")


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """One module on the USB tree.

    Args:
        place: such as ``1-2.4``.
        row: what its ids say.
        ports: how many serial ports drivers made of it.
    """

    place: str
    row: UsbId
    ports: int


def driver_of(path: str, root: Path = SYS) -> str:
    """The driver that made a serial port, such as ``option1`` or ``cdc_acm``; empty when the system does not say."""
    link = root / "class" / "tty" / Path(path).name / "device" / "driver"
    return link.resolve().name if link.exists() else ""


def modules_on_usb(root: Path = SYS) -> list[UsbDevice]:
    """Every module that the USB tree shows, whether it has ports or not; by place."""
    found = []
    folder = root / "bus" / "usb" / "devices"
    for device in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not _PLACE.fullmatch(device.name):
            continue
        row = find_usb_id(_number(device / "idVendor"), _number(device / "idProduct"))
        if row is not None:
            found.append(UsbDevice(device.name, row, _count_ports(device)))
    return found


def weak_hub_of(place: str, root: Path = SYS) -> str:
    """The place of the hub without a supply of its own that feeds ``place``; empty when there is none."""
    if "." not in place:
        return ""
    hub = place.rpartition(".")[0]
    device = root / "bus" / "usb" / "devices" / hub
    attributes = _number(device / "bmAttributes")
    if _text(device / "bDeviceClass") != HUB_CLASS or attributes is None:
        return ""
    return "" if attributes & OWN_SUPPLY else hub


def depth_of(place: str) -> int:
    """How many hubs lie between the computer and a place."""
    return place.count(".")


def _count_ports(device: Path) -> int:
    return sum(
        1
        for interface in device.glob(f"{device.name}:*")
        for port in [*interface.glob("tty[A-Z]*"), *interface.glob("tty/tty*")]
        if port.name != "tty"
    )


def _number(path: Path) -> int | None:
    try:
        return int(_text(path), 16)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
