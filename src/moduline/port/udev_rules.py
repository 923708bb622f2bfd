"""A udev rules file for every module: who may open its ports, who must leave them alone, and who gets a driver.

Source: platform-unisoc 8 (8850 in download mode: ttyACM, or bound by hand to ``option``); ``port.usb_ids``.
"""

from __future__ import annotations

from typing import Final

from moduline.port.usb_ids import USB_IDS, UsbId

FILE: Final = "/etc/udev/rules.d/70-moduline.rules"
NEEDS_OPTION: Final = frozenset({(0x1782, 0x4D16)})
"""Devices that some kernels know no driver for."""


def rules_file() -> str:
    """The whole file; one block per USB id that a module shows, running or in download mode."""
    head = [
        f"# {FILE}",
        "# Ports of QuecPython modules: open to every user of this computer, and left alone by ModemManager.",
        "# Install: moduline doctor --udev | sudo tee " + FILE,
        "# Then:    sudo udevadm control --reload && sudo udevadm trigger, and plug the modules in again.",
    ]
    return "\n".join([*head, *(line for row in USB_IDS for line in _block(row))]) + "\n"


def _block(row: UsbId) -> list[str]:
    vid, pid = f"{row.vid:04x}", f"{row.pid:04x}"
    ids, parents = (f'{key}{{idVendor}}=="{vid}", {key}{{idProduct}}=="{pid}"' for key in ("ATTR", "ATTRS"))
    lines = [
        "",
        f"# {row.chip}, {row.mode}: {row.modules}",
        f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", {ids}, MODE="0666", ENV{{ID_MM_DEVICE_IGNORE}}="1"',
        f'SUBSYSTEM=="tty", {parents}, MODE="0666", ENV{{ID_MM_PORT_IGNORE}}="1"',
    ]
    if (row.vid, row.pid) in NEEDS_OPTION:
        bind = f"modprobe option; echo {vid} {pid} > /sys/bus/usb-serial/drivers/option1/new_id"
        lines.append(f'# without a driver: ACTION=="add", SUBSYSTEM=="usb", {ids}, RUN+="/bin/sh -c \'{bind}\'"')
    return lines
