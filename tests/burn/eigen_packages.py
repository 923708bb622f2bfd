"""EigenComm packages as plain values, for tests of the driver: no container, no file."""

from __future__ import annotations

import random

from moduline.package.parts import FirmwarePackage, FsArea, Part

LINES = random.Random(618)
AGENTBOOT = LINES.randbytes(0x400 * 3 + 0x4F0)
BOOT = LINES.randbytes(0x5340)
SYSTEM = LINES.randbytes(0x2_4123)
MODEM = LINES.randbytes(0x1_0000)
USER_FS = LINES.randbytes(0x3000)
BACKUP_FS = LINES.randbytes(0x1000)
INI = b"[control]\r\npullup_qspi = 1\r\nrom_version = 0000000102000000\r\n"


def parts(**changes) -> list[Part]:
    """The parts of a small EC600E package, some of them changed (None: left out)."""
    made = {
        "agentboot_uart": Part("agentboot_uart", "first_loader", "loader", b"U" * 99, 0, 0, True, "agentboot_uart.bin"),
        "agentboot_usb": Part("agentboot_usb", "first_loader", "loader", AGENTBOOT, 0, 0, True, "agentboot_usb.bin"),
        "customer_fs": Part("customer_fs", "user_fs", "code", USER_FS, 0x300000, 0x60000),
        "customer_backup_fs": Part("customer_backup_fs", "backup_fs", "code", BACKUP_FS, 0x360000, 0x10000),
        "cp-demo-flash": Part("cp-demo-flash", "modem", "code", MODEM, 0, 0x80000),
        "ap_at_command": Part("ap_at_command", "system", "code", SYSTEM, 0x24000, 0x2DC000),
        "ap_bootloader": Part("ap_bootloader", "boot", "code", BOOT, 0x4000, 0x8000),
        "usb_ini": Part("usb_ini", "", "unused", INI, 0, 0, False, "quec_download_usb.ini"),
    }
    made |= changes
    return [part for part in made.values() if part is not None]


def package(chip: str = "eigen618", **changes) -> FirmwarePackage:
    """The package of :func:`parts`."""
    all_parts = parts(**changes)
    areas = tuple(FsArea(p.name, p.role, p.address, p.size) for p in all_parts if p.role in {"user_fs", "backup_fs"})
    return FirmwarePackage(
        "eigen", chip, tuple(all_parts), areas, "EC600ECNLA", "EC600E", False, (), "small.zip", "EC618", None
    )
