"""What USB tells about a module: vendor and product ids, interface names, and the role of a port.

Never by interface number alone: match the ids, then the name, then ask.

Source: platform-unisoc 8; platform-asr 3; platform-eigencomm 2; device-api 3.1, 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["running", "download"]


@dataclass(frozen=True, slots=True)
class UsbId:
    """One row: what a device with these ids is.

    Args:
        vid: USB vendor id.
        pid: USB product id.
        mode: ``running`` or ``download``.
        chip: chip slug such as ``unisoc8910``, as in package and profile; the platform (``asr``, ``eigen``) where the
            ids stand for several.
        modules: models that show these ids, for people.
        flash_bytes: size of their flash, where the ids tell it; else 0.
    """

    vid: int
    pid: int
    mode: Mode
    chip: str
    modules: str
    flash_bytes: int = 0


USB_IDS: Final = (
    UsbId(0x2C7C, 0x0901, "running", "unisoc8910", "EC200U EC600U EG915U"),
    UsbId(0x2C7C, 0x0904, "running", "unisoc8850", "EC600G EC800G"),
    UsbId(0x0525, 0xA4A7, "download", "unisoc8910", "EC200U EC600U EG912U EG915U"),
    UsbId(0x1782, 0x4D16, "download", "unisoc8850", "EC200G EC600G EC800G EG700G EG800G EG915G"),
    UsbId(0x2C7C, 0x6001, "running", "asr", "EC100Y EC600S EC600N EC800N EC600M EC800M EC600K EC800K EG800K"),
    UsbId(0x2C7C, 0x6002, "running", "asr", "EC600S (8 MB) EG810M"),
    UsbId(0x2ECC, 0x3017, "download", "asr", "EC100Y EC600S EC600N EC800N EC600M EC800M EG810M EC600K EC800K EG800K"),
    UsbId(0x2ECC, 0x3004, "download", "asr", "EC600S (8 MB)", 0x800000),
    UsbId(0x2C7C, 0x0903, "running", "eigen618", "EC600E EC800E"),
    UsbId(0x17D1, 0x0001, "download", "eigen", "EC600E EC800E EC800Z EG800Z EC801E"),
)

DOWNLOAD_NAMES: Final = ("SPRD U2S Port", "SPRD U2S Diag", "Quectel Download Port", "Quectel QDLoader Port")
"""Names that a download port has on systems which show names; drivers differ."""

NAME_ROLES: Final = (
    ("USB AT Port", "at"),
    ("REPL Port", "repl"),
    ("MI05 COM Port", "repl"),
    ("USB Serial-1 Port", "repl"),
    ("DIAG Port", "diag"),
    ("AP Log Port", "ap_log"),
    ("CP Log Port", "cp_log"),
    ("MOS Port", "mos"),
    ("Modem Port", "modem"),
    ("NMEA Port", "nmea"),
)
"""Part of the interface name and the role it stands for."""

_UNISOC: Final = {2: "at", 3: "diag", 4: "mos", 5: "cp_log", 6: "ap_log", 7: "modem", 8: "repl"}
# Interfaces by chip where the system shows numbers but no names; 8 on Unisoc is NMEA or REPL by firmware.
INTERFACE_ROLES: Final[Mapping[str, Mapping[int, str]]] = {
    "unisoc8910": _UNISOC,
    "unisoc8850": _UNISOC,
    "asr": {2: "diag", 3: "at", 5: "repl"},
    "eigen618": {0: "diag", 1: "diag", 2: "at", 3: "at"},
}


def find_usb_id(vid: int | None, pid: int | None) -> UsbId | None:
    """The row of these ids, or None for a device that is no module of ours."""
    return next((row for row in USB_IDS if (row.vid, row.pid) == (vid, pid)), None)


def role_of(row: UsbId | None, name: str, interface: int | None) -> str:
    """Role of a port: by ids, then by name, then by interface number; ``serial`` when nothing is known."""
    if (row is not None and row.mode == "download") or any(known in name for known in DOWNLOAD_NAMES):
        return "download"
    for part, role in NAME_ROLES:
        if part in name:
            return role
    if row is not None and interface is not None:
        return INTERFACE_ROLES.get(row.chip, {}).get(interface, "serial")
    return "serial"
