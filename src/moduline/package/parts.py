"""What a firmware package is to everyone above: parts with roles, the places of file systems, version and model.

A ``FirmwarePackage`` is a reading of its container, never changed by itself: ``source`` is the truth, and every change
(see ``merge``) makes another container and reads it again. Parts are in the order in which a burner works them off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from moduline.errors import BadFormat, Text
from moduline.formats.container.shell import Shell
from moduline.formats.container.unisoc import Pac
from moduline.formats.container.unisoc_scheme import NvItem

AREA_ROLES: Final[Mapping[str, str]] = {
    "PY_FS_U": "user_fs",
    "PY_FS_B": "backup_fs",
    "PY_FS_C": "customer_fs_c",
}
AREA_FILES: Final[Mapping[str, str]] = {
    "PY_FS_U": "customer_fs.bin",
    "PY_FS_B": "customer_backup_fs.bin",
    "PY_FS_C": "customer_fs_c.bin",
}
ERASE_PREFIX: Final = "ERASE_"

# Source: platform-unisoc 2.10, 3.4.
PART_ROLES: Final[Mapping[str, str]] = {
    "HOST_FDL": "first_loader",
    "FDL": "first_loader",
    "FDL2": "second_loader",
    "SPL": "first_boot",
    "BOOT": "boot",
    "BOOTLOADER": "boot",
    "AP": "system",
    "APPIMG": "app",
    "PS": "modem",
    "CP": "modem",
    "NV": "nv",
    "INDELTANV": "nv_delta",
    "PREPACK": "prepack",
    "FLASH": "running_nv",
    "PhaseCheck": "phase_check",
    "FMT_FSSYS": "format_system_fs",
    "FMT_FSEXT": "format_external_fs",
    "FMT_FSMOD": "format_modem_fs",
    "ERASE_BOOT": "erase_boot",
    "ERASE_SPL": "erase_first_boot",
    **AREA_ROLES,
    **{ERASE_PREFIX + name: f"erase_{role}" for name, role in AREA_ROLES.items()},
}


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to do with a module: send this, erase that.

    Attributes:
        name: id in the container; "XML" for the description itself.
        role: what it is for, such as "system"; "" when unknown.
        kind: loader, code, nv, cpio (content); erase, format, phasecheck (operations); xml; unknown.
        data: the content; empty for operations.
        address: where it goes: a flash or load address, or a logical one from 0xFE000001 on.
        size: room at the address, or the length of an erase, or the block-device name of a format; bytes.
        is_default: whether it is done unless the user says otherwise.
        file_name: name of the file the content was made from.
    """

    name: str
    role: str
    kind: str
    data: bytes = field(repr=False)
    address: int
    size: int
    is_default: bool = True
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class FsArea:
    """Where a file system of scripts lives in flash, as the package itself says.

    Attributes:
        name: PY_FS_U, PY_FS_B or PY_FS_C.
        role: user_fs, backup_fs or customer_fs_c.
        address: flash address as in the container, such as 0x604E0000.
        size: bytes.
        told_by: what said so: "content", "erase" or "fallback".
    """

    name: str
    role: str
    address: int
    size: int
    told_by: str = "erase"

    @property
    def flash_offset(self) -> int:
        """Offset within the flash chip; bytes."""
        return self.address & 0xFFFFFF


@dataclass(frozen=True, slots=True)
class FirmwarePackage:
    """A package read from its container.

    Attributes:
        container: "unisoc".
        chip: "unisoc8910" or "unisoc8850".
        parts: in the order of execution.
        areas: where the script file systems are; empty when the package does not say.
        version: firmware version, as the module would report it; None when not found.
        model: such as "EG915U-EUAB"; None when not found.
        nv_backup: whether the module's NV must be carried over.
        nv_items: which NV items are carried over.
        name: how the file was called; only for people.
        product: product name in the container.
        source: the container as read.
        shells: what the container was wrapped in, outermost first.
    """

    container: str
    chip: str
    parts: tuple[Part, ...]
    areas: tuple[FsArea, ...]
    version: str | None
    model: str | None
    nv_backup: bool
    nv_items: tuple[NvItem, ...]
    name: str
    product: str
    source: Pac = field(repr=False)
    shells: tuple[Shell, ...] = field(default=(), repr=False)

    def part(self, name: str) -> Part | None:
        """The part of that id."""
        return next((part for part in self.parts if part.name == name), None)

    def by_role(self, role: str) -> Part | None:
        """The first part of that role."""
        return next((part for part in self.parts if part.role == role), None)

    def need(self, role: str) -> Part:
        """The first part of that role.

        Raises:
            BadFormat: there is none (rule ``part-missing``).
        """
        part = self.by_role(role)
        if part is None:
            why = Text("it has no part for '{role}'", "缺少用途为“{role}”的部分")
            raise BadFormat(format=Text("package", "固件包"), reason=why, offset=0, rule="part-missing", role=role)
        return part

    def area(self, role: str) -> FsArea | None:
        """The area of that role, such as "user_fs"."""
        return next((area for area in self.areas if area.role == role), None)
